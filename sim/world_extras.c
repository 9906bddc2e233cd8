/* What the world has on purpose: pairs that a selection must take or leave out, statuses that are
 * rare, what later versions of the lists add, and hostile names. Invariant: nothing here changes a
 * value of the other series. */
#include <string.h>

#include "sim/world_private.h"

static const int64_t january_2025 = 1735689600;

/* Of the same size as the greatest counts that come by themselves. */
static const struct {
    const char *market, *mapped;
    int64_t trades;
} counts_on_purpose[] = {
    {"binance", "BTC-TRY", 9900000000}, /* a quote that nobody asks for by default */
    {"mexc", "BTC-USDT", 12400000000},  /* an exchange that is graded low */
    {"mexc", "ETH-USDT", 12300000000},
    {"binance", "XEC-USDT", 8800000000}, /* its base is no top asset by volume */
    {"gemini", "ETH-USDT", 7700000000},  /* retired */
    {"huobipro", "LTC-EUR", 7600000000}, /* about to go */
    {"okex", "BTC-USDT", 5100000000},    /* a tie that the market decides */
    {"bybit", "BTC-USDT", 5100000000},
    {"binance", "SOL-USDT", 3300000000}, /* a tie that the instrument decides */
    {"binance", "BNB-USDT", 3300000000},
};

static const struct {
    const char *market, *native, *mapped, *base, *quote, *status;
} traps[] = {
    {"gemini", "ethusdt", "ETH-USDT", "ETH", "USDT", "RETIRED"},
    {"huobipro", "ltceur", "LTC-EUR", "LTC", "EUR", "READY_FOR_DECOMMISSIONING"},
    {"bitfinex", "tTESTBTC:TESTUSD", NULL, "BTC", "USD", "IGNORED"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int64_t trades_on_purpose(const char *market, const struct instrument *i)
{
    for (size_t k = 0; k < COUNT(counts_on_purpose) && i->mapped; k++)
        if (strcmp(counts_on_purpose[k].market, market) == 0 &&
            strcmp(counts_on_purpose[k].mapped, i->mapped) == 0)
            return counts_on_purpose[k].trades;
    return 0;
}

static int64_t not_before(const struct world *w, int64_t ts)
{
    return ts > w->config.first_ts ? ts : w->config.first_ts;
}

bool traps_add(struct world *w, struct market *m)
{
    const int64_t begun = 1546300800; /* 2019 */
    for (size_t k = 0; k < COUNT(traps); k++) {
        struct instrument i = {
            .native = traps[k].native,
            .mapped = traps[k].mapped,
            .base = asset_find(w, traps[k].base),
            .quote = asset_find(w, traps[k].quote),
            .status = traps[k].status,
            .first_ts = not_before(w, begun),
            .last_ts = not_before(w, january_2025) + 1,
            .usd_per_day = 1e6,
        };
        if (strcmp(traps[k].market, m->name) == 0 && !instrument_add(w, m, &i))
            return false;
    }
    return true;
}

/* The assets that are new in the same version are their bases. */
bool later_instruments_add(struct world *w, struct market *m)
{
    size_t added = added_by(w);
    bool futures = m->section == SECTION_FUTURES;
    size_t dollar = asset_find(w, "USD");
    for (size_t k = 0; k < added; k++) {
        struct instrument i = {
            .base = w->listed_assets - added + k,
            .quote = dollar,
            .status = "ACTIVE",
            .first_ts = not_before(w, january_2025),
            .usd_per_day = 1e5,
            .perpetual = true,
            .beyond_cap = true,
        };
        struct name_parts parts = {w->assets[i.base].symbol, w->assets[dollar].symbol, "VANILLA",
                                   NULL};
        if (futures) {
            i.denomination = parts.settlement;
            i.settlement = parts.quote;
        }
        i.native = name_make(w, "NEW%b%q", &parts);
        i.mapped = name_make(w, futures ? "NEW%b-%q-%s-PERPETUAL" : "NEW%b-%q", &parts);
        if (!i.mapped || !instrument_add(w, m, &i))
            return false;
    }
    return true;
}

/* ---- hostile names */

/* Which text names the market. */
static const struct {
    enum section section;
    size_t text;
} hostile_markets[EXTRA_MARKETS_MAX] = {{SECTION_SPOT, 0}, {SECTION_SPOT, 4}, {SECTION_FUTURES, 5}};

/* The base is the asset that is called so, as far as the list of assets reaches; that of the first
 * is the greatest coin, so that a selection takes it. */
static bool hostile_instrument_add(struct world *w, struct market *m, size_t text)
{
    bool futures = m->section == SECTION_FUTURES;
    size_t asset = text == 0 ? 0 : w->traded_assets + text;
    struct instrument i = {
        .native = hostile_texts[text],
        .base = asset < w->asset_count ? asset : 0,
        .quote = asset_find(w, "USD"),
        .status = "ACTIVE",
        .first_ts = not_before(w, january_2025),
        .usd_per_day = text == 0 ? 1e11 : 1e6,
        .perpetual = true,
        .beyond_cap = true,
    };
    struct name_parts parts = {text == 0 ? w->assets[0].symbol : hostile_texts[text],
                               w->assets[i.quote].symbol, "VANILLA", NULL};
    if (futures) {
        i.denomination = parts.settlement;
        i.settlement = parts.quote;
    }
    i.mapped = name_make(w, futures ? "%b-%q-%s-PERPETUAL" : "%b-%q", &parts);
    return i.mapped && instrument_add(w, m, &i);
}

bool hostile_markets_add(struct world *w)
{
    for (size_t k = 0; k < EXTRA_MARKETS_MAX && w->config.hostile_names; k++) {
        struct market *m = market_add(w, hostile_markets[k].section,
                                      hostile_texts[hostile_markets[k].text]);
        for (size_t text = 0; text < hostile_text_count; text++)
            if (!hostile_instrument_add(w, m, text))
                return false;
        if (!later_instruments_add(w, m))
            return false;
    }
    return true;
}

static bool needs_escapes(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\' || *text == 0x7f)
            return true;
    return false;
}

bool has_hard_names(const struct series *s)
{
    const char *const texts[] = {s->pub.market, s->pub.instrument, s->pub.mapped, s->pub.base,
                                 s->pub.quote,  s->settlement,     s->contract};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (needs_escapes(texts[i]))
            return true;
    return false;
}

size_t extra_series_max(const struct world *w, size_t market_count)
{
    size_t kinds_max = 3;
    size_t hostile = w->config.hostile_names ? hostile_text_count : 0;
    return kinds_max * (added_by(w) * (market_count + EXTRA_MARKETS_MAX) +
                        EXTRA_MARKETS_MAX * hostile + COUNT(traps));
}
