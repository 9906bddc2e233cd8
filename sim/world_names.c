/* Which markets, instruments and assets the world has: the vendor's own names, or as many made-up
 * ones as the configuration asks for. Invariant: nothing here depends on anything but the
 * configuration. */
#include <string.h>

#include "base/time.h"
#include "sim/world_private.h"

enum {
    NAME_MAX_BYTES = 96,
    PRICE_DECIMALS_MAX = 19,
    JULY_2023 = 1688169600,
    JANUARY_2025 = 1735689600
};

/* ---- names from patterns */

struct name {
    char text[NAME_MAX_BYTES];
    size_t len;
};

static void name_add(struct name *n, const char *text, bool lower)
{
    for (; *text && n->len + 1 < sizeof n->text; text++) {
        bool capital = *text >= 'A' && *text <= 'Z';
        n->text[n->len++] = (char)(lower && capital ? *text + ('a' - 'A') : *text);
    }
    n->text[n->len] = '\0';
}

/* Kraken's oldest pairs carry X for coins and Z for currencies. */
static void name_add_kraken(struct name *n, const char *base, const char *quote)
{
    static const char *const old_coins[] = {"BTC", "ETH", "LTC", "XRP", "XLM", "XMR", "ZEC", "ETC"};
    static const char *const old_quotes[] = {"USD", "EUR", "GBP", "BTC"};
    bool old_base = false, old_quote = false;
    for (size_t i = 0; i < sizeof old_coins / sizeof old_coins[0]; i++)
        old_base |= strcmp(base, old_coins[i]) == 0;
    for (size_t i = 0; i < sizeof old_quotes / sizeof old_quotes[0]; i++)
        old_quote |= strcmp(quote, old_quotes[i]) == 0;
    bool bitcoin_quote = strcmp(quote, "BTC") == 0;
    bool old = old_base && old_quote;
    if (old)
        name_add(n, "X", false);
    name_add(n, strcmp(base, "BTC") == 0 ? "XBT" : base, false);
    if (old)
        name_add(n, bitcoin_quote ? "X" : "Z", false);
    name_add(n, bitcoin_quote ? "XBT" : quote, false);
}

const char *name_make(struct world *w, const char *pattern, const struct name_parts *parts)
{
    struct name n = {.len = 0};
    for (const char *p = pattern; *p; p++) {
        if (*p != '%') {
            name_add(&n, (char[2]){*p, '\0'}, false);
            continue;
        }
        switch (*++p) {
        case 'b':
        case 'l':
            name_add(&n, parts->base, *p == 'l');
            break;
        case 'q':
        case 'm':
            name_add(&n, parts->quote, *p == 'm');
            break;
        case 'x':
            name_add(&n, strcmp(parts->base, "BTC") == 0 ? "XBT" : parts->base, false);
            break;
        case 'k':
            name_add_kraken(&n, parts->base, parts->quote);
            break;
        case 's':
            name_add(&n, parts->settlement, false);
            break;
        default:
            name_add(&n, parts->date, false);
            break;
        }
    }
    return arena_copy_text(&w->arena, (struct str){n.text, n.len});
}

/* ---- scales */

/* Digits before the point; 0.0042 has -2. */
static int digits_of(double value)
{
    int digits = 0;
    for (; value >= 1; value /= 10)
        digits++;
    for (; value > 0 && value < 0.1; value *= 10)
        digits--;
    return digits;
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* How precise the numbers of a kind are, in decimal digits (recorded replies of 2022 and 2025). */
static const struct {
    uint8_t price_digits, amount_digits, amount_decimals_max;
} precisions[KIND_COUNT] = {
    [KIND_SPOT] = {7, 14, 8},      [KIND_FUTURES] = {7, 14, 8}, [KIND_FUNDING] = {6, 14, 0},
    [KIND_INTEREST] = {13, 14, 3}, [KIND_INDEX] = {15, 15, 10},
};

/* price: quote per base; usd_per_day: what is traded, or the open interest. */
static void series_scale(struct series *s, enum kind_id kind, double price, double usd_per_day,
                         double base_usd)
{
    double amount = usd_per_day / base_usd;
    bool inverse = kind == KIND_INTEREST && s->denomination && s->denomination[0] == 'I';
    int amount_digits = inverse ? 17 : precisions[kind].amount_digits;
    int amount_max = inverse ? 14 : precisions[kind].amount_decimals_max;
    int pd = clamp(precisions[kind].price_digits - digits_of(price), 0, PRICE_DECIMALS_MAX);
    int ad = clamp(amount_digits - 1 - digits_of(amount), 0, amount_max);
    int qd = clamp(14 - digits_of(amount * price), 0, 10);
    qd = clamp(qd, ad + pd - PRICE_DECIMALS_MAX, ad + pd);
    s->price = (int64_t)(price * (double)powers_of_ten[pd]) + 1;
    s->amount = (int64_t)(amount * (double)powers_of_ten[ad]) + 1;
    s->quote_divisor = powers_of_ten[ad + pd - qd];
    s->decimals[CLASS_PRICE] = (uint8_t)pd;
    s->decimals[CLASS_AMOUNT] = (uint8_t)ad;
    s->decimals[CLASS_QUOTE] = (uint8_t)qd;
    s->trades_per_day = 50 + (int64_t)(usd_per_day / 3000);
    if (kind == KIND_FUNDING) {
        /* The usual 0.01 % per 8 hours, and for some series so little that JavaScript writes an
         * exponent. */
        s->price = s->pub.key % 7 == 0 ? 1700 : 1000000;
        s->decimals[CLASS_PRICE] = 10;
        s->trades_per_day = 4000;
    }
}

/* ---- adding instruments */

static const struct {
    enum kind_id first;
    unsigned count;
} section_kinds[SECTION_COUNT] = {
    [SECTION_SPOT] = {KIND_SPOT, 1},
    [SECTION_FUTURES] = {KIND_FUTURES, 3},
    [SECTION_INDEX] = {KIND_INDEX, 1},
};

int64_t asset_id(size_t asset)
{
    return (int64_t)asset + 1;
}

static void futures_attributes(const struct world *w, struct series *s, const struct instrument *i)
{
    bool inverse = i->denomination[0] == 'I';
    s->denomination = i->denomination;
    s->settlement = i->settlement;
    s->contract = inverse ? s->pub.quote : s->pub.base;
    s->contract_id = inverse ? s->quote_id : s->base_id;
    s->settlement_id = s->quote_id;
    for (size_t a = 0; a < w->traded_assets; a++)
        if (strcmp(w->assets[a].symbol, i->settlement) == 0)
            s->settlement_id = asset_id(a);
}

static int64_t kind_begins(const struct series *s, enum kind_id kind, const struct instrument *i)
{
    if (kind == KIND_FUNDING && !i->perpetual)
        return INT64_MAX / 4; /* a dated contract pays no funding */
    if (kind != KIND_FUNDING && kind != KIND_INTEREST)
        return i->first_ts;
    int64_t lag_max_s = i->lag_max_s;
    if (i->last_ts && lag_max_s > (i->last_ts - i->first_ts) / 4)
        lag_max_s = (i->last_ts - i->first_ts) / 4;
    return i->first_ts + (int64_t)(s->pub.key >> 8) % (lag_max_s + 1);
}

static void series_add(struct world *w, enum kind_id kind, const char *market,
                       const struct instrument *i)
{
    struct series *s = &w->series[w->series_count++];
    const struct asset *base = &w->assets[i->base];
    const struct asset *quote = &w->assets[i->quote];
    uint64_t key = dice_text(w->config.seed, world_kinds[kind].type_name);
    s->plan = &w->plans[kind];
    s->pub = (struct world_series){
        .type = s->plan->type,
        .market = market,
        .instrument = i->native,
        .mapped = i->mapped,
        .base = base->symbol,
        .quote = quote->symbol,
        .status = i->status,
        .last_ts = i->last_ts,
        .key = dice_text(dice_text(key, market), i->native),
    };
    s->transform = i->transform ? i->transform : "";
    s->base_id = asset_id(i->base);
    s->quote_id = asset_id(i->quote);
    s->perpetual = i->perpetual;
    s->huge_counters = i->huge;
    s->converted = i->converted;
    s->message_group = kind == KIND_INDEX || s->pub.key % 3 == 0;
    s->unknown_side = s->pub.key % 5 == 0;
    if (i->denomination)
        futures_attributes(w, s, i);
    double base_usd = base->price_usd > 0 ? base->price_usd : 1;
    series_scale(s, kind, base_usd / quote->price_usd, i->usd_per_day, base_usd);
    s->pub.first_ts = kind_begins(s, kind, i);
    s->trades_permille = kind == KIND_SPOT ? 600 + (int64_t)(s->pub.key >> 16) % 801 : 1000;
    s->lifetime_trades = kind == KIND_SPOT ? trades_on_purpose(market, i) : 0;
    s->hard_names = has_hard_names(s);
}

/* An instrument without names is one that found no memory. */
bool instrument_add(struct world *w, struct market *m, const struct instrument *i)
{
    if (!i->native)
        return false;
    int cap = w->config.instruments_per_market;
    bool full = w->config.market_count == 0 && cap > 0 && m->instrument_count >= (size_t)cap;
    if (full && !i->beyond_cap)
        return true;
    for (unsigned k = 0; k < section_kinds[m->section].count; k++)
        series_add(w, section_kinds[m->section].first + k, m->name, i);
    m->instrument_count++;
    return true;
}

struct market *market_add(struct world *w, enum section section, const char *name)
{
    struct market *m = &w->markets[w->market_count++];
    *m = (struct market){.name = name, .section = section, .first_series = w->series_count};
    return m;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- the vendor's names */

struct quote_share {
    const char *symbol;
    int assets; /* how many of the top assets are traded against it */
};

static const struct {
    const char *name;
    int since_year;
    int percent; /* of an asset's volume */
    const char *pattern;
    struct quote_share quotes[5];
} spot_markets[] = {
    {"binance",
     2017,
     30,
     "%b%q",
     {{"USDT", 160}, {"USDC", 60}, {"BTC", 80}, {"EUR", 25}, {"TRY", 30}}},
    {"coinbase",
     2015,
     12,
     "%b-%q",
     {{"USD", 130}, {"USDC", 20}, {"EUR", 30}, {"BTC", 12}, {"GBP", 12}}},
    {"kraken", 2013, 6, "%k", {{"USD", 120}, {"EUR", 90}, {"USDT", 20}, {"BTC", 25}, {"GBP", 15}}},
    {"bitstamp", 2011, 3, "%l%m", {{"USD", 50}, {"EUR", 40}, {"BTC", 8}, {"GBP", 8}}},
    {"bitfinex", 2013, 3, "t%b%q", {{"USD", 60}, {"USDT", 20}, {"BTC", 15}}},
    {"gemini", 2015, 1, "%l%m", {{"USD", 40}, {"BTC", 8}}},
    {"okex", 2017, 9, "%b-%q", {{"USDT", 130}, {"USDC", 30}, {"BTC", 15}}},
    {"bybit", 2021, 9, "%b%q", {{"USDT", 130}, {"USDC", 25}}},
    {"kucoin", 2017, 4, "%b-%q", {{"USDT", 150}, {"BTC", 30}}},
    {"gateio", 2017, 5, "%b_%q", {{"USDT", 160}}},
    {"huobipro", 2017, 3, "%l%m", {{"USDT", 130}, {"BTC", 25}}},
    {"cryptodotcom", 2019, 4, "%b_%q", {{"USD", 80}, {"USDT", 20}}},
    {"bullish", 2021, 2, "%b%q", {{"USDC", 40}}},
    {"mexc", 2018, 5, "%b%q", {{"USDT", 150}}},
};

static const struct {
    const char *name;
    int since_year;
    const char *vanilla_quote;
    const char *vanilla, *inverse, *quanto,
        *dated; /* patterns of the native id; NULL = not listed */
    int vanilla_count, inverse_count, quanto_count;
} futures_markets[] = {
    {"binance", 2019, "USDT", "%b%q", "%bUSD_PERP", NULL, "%bUSD_%d", 130, 25, 0},
    {"okex", 2018, "USDT", "%b-%q-SWAP", "%b-USD-SWAP", NULL, "%b-USD-%d", 110, 15, 0},
    {"bybit", 2018, "USDT", "%b%q", "%bUSD", NULL, NULL, 120, 10, 0},
    {"bitmex", 2016, "USDT", "%x%q", "%xUSD", "%bUSD", NULL, 30, 1, 6},
    {"deribit", 2018, "USDC", "%b_%q-PERPETUAL", "%b-PERPETUAL", NULL, "%b-%d", 12, 2, 0},
    {"kraken", 2018, "USD", "PF_%xUSD", "PI_%xUSD", NULL, NULL, 80, 5, 0},
    {"bitget", 2019, "USDT", "%b%q_UMCBL", "%bUSD_DMCBL", NULL, NULL, 90, 5, 0},
    {"huobipro", 2020, "USDT", "%b-%q", "%b-USD", NULL, NULL, 50, 10, 0},
    {"gateio", 2020, "USDT", "%b_%q", "%b_USD", NULL, NULL, 90, 1, 0},
    {"kucoin", 2020, "USDT", "%x%qM", "%xUSDM", NULL, NULL, 90, 2, 0},
    {"bitfinex", 2019, "USDT", "t%bF0:USTF0", NULL, NULL, NULL, 30, 0, 0},
    {"cryptodotcom", 2021, "USD", "%bUSD-PERP", NULL, NULL, NULL, 40, 0, 0},
    {"dydxv4", 2023, "USD", "%b-USD", NULL, NULL, NULL, 60, 0, 0},
    {"coinbaseinternational", 2023, "USDC", "%b-PERP", NULL, NULL, NULL, 60, 0, 0},
    {"hyperliquid", 2023, "USDT", NULL, NULL, "%b", NULL, 0, 0, 80},
};

static const struct {
    const char *name;
    int since_year;
    struct quote_share quotes[4];
} index_markets[] = {
    {"cadli", 2014, {{"USD", 999}, {"EUR", 30}, {"GBP", 20}, {"USDT", 40}}},
    {"ccix", 2017, {{"USD", 30}, {"EUR", 10}}},
};

/* Last Fridays of quarters. The one that is far away keeps a dated contract alive in every clock.
 */
static const struct {
    int year, month, day;
    const char *short_date, *long_date;
} expiries[] = {
    {2023, 3, 31, "230331", "20230331"},  {2023, 6, 30, "230630", "20230630"},
    {2023, 9, 29, "230929", "20230929"},  {2023, 12, 29, "231229", "20231229"},
    {2024, 3, 29, "240329", "20240329"},  {2024, 6, 28, "240628", "20240628"},
    {2024, 9, 27, "240927", "20240927"},  {2024, 12, 27, "241227", "20241227"},
    {2025, 3, 28, "250328", "20250328"},  {2025, 6, 27, "250627", "20250627"},
    {2025, 9, 26, "250926", "20250926"},  {2025, 12, 26, "251226", "20251226"},
    {2035, 12, 28, "351228", "20351228"},
};

/* Names that break careless readers: beyond ASCII, twins but for case. */
static const struct {
    const char *native, *mapped;
} odd_instruments[] = {
    {"\xe9\xbe\x99USDT", "\xe9\xbe\x99-USDT"},
    {"\xf0\x9f\xa6\x84USDT", "\xf0\x9f\xa6\x84-USDT"},
    {"sATSUSDT", "sATS-USDT"},
    {"MOONFOXUSDT", NULL},
    {"WAGMI.S_USDT", NULL},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

size_t asset_find(const struct world *w, const char *symbol)
{
    for (size_t i = 0; i < w->traded_assets; i++)
        if (strcmp(w->assets[i].symbol, symbol) == 0)
            return i;
    return w->traded_assets - 1;
}

static double usd_per_day(size_t rank, double percent)
{
    return 2e10 / (double)(rank + 1) * percent / 100;
}

/* A market opens with the first assets and adds the others over the years. */
static int64_t listed_at(const struct world *w, int since_year, const char *native, size_t rank)
{
    uint64_t dice = dice_text(w->config.seed ^ rank, native);
    int64_t launch = time_from_civil(since_year, 1, 5, 0, 0, 0);
    int64_t spread_s = (int64_t)(30 + rank * 20) * SECONDS_PER_DAY;
    int64_t at = launch + (int64_t)(dice % (uint64_t)spread_s);
    if (at > JANUARY_2025)
        at = JANUARY_2025 - (int64_t)(dice % SECONDS_PER_DAY);
    return later(at, w->config.first_ts);
}

/* Every twentieth or so of the smaller instruments has been taken off its market. */
static void maybe_retire(const struct world *w, struct instrument *i, size_t rank)
{
    uint64_t dice = dice_text(w->config.seed + 1, i->native);
    if (rank < 30 || dice % 20 != 0 || i->first_ts >= JULY_2023)
        return;
    i->last_ts = i->first_ts + (int64_t)((dice >> 8) % (uint64_t)(JANUARY_2025 - i->first_ts));
    i->status = "RETIRED";
}

static bool spot_pair_add(struct world *w, struct market *m, size_t at, size_t base, size_t quote)
{
    const struct asset *a = w->assets;
    struct name_parts parts = {.base = a[base].symbol, .quote = a[quote].symbol};
    struct instrument i = {
        .native = name_make(w, spot_markets[at].pattern, &parts),
        .mapped = name_make(w, "%b-%q", &parts),
        .base = base,
        .quote = quote,
        .status = "ACTIVE",
        .usd_per_day = usd_per_day(base, spot_markets[at].percent),
    };
    if (!i.native || !i.mapped)
        return false;
    if (strcmp(m->name, "coinbase") == 0 && strcmp(i.native, "USDT-USDC") == 0) {
        /* The market quotes the pair the other way round than the vendor maps it. */
        i.mapped = "USDC-USDT";
        i.base = quote;
        i.quote = base;
        i.transform = "INVERT";
    }
    i.first_ts = listed_at(w, spot_markets[at].since_year, i.native, base);
    maybe_retire(w, &i, base);
    return instrument_add(w, m, &i);
}

static bool odd_instruments_add(struct world *w, struct market *m)
{
    for (size_t k = 0; k < COUNT(odd_instruments); k++) {
        struct instrument i = {
            .native = odd_instruments[k].native,
            .mapped = odd_instruments[k].mapped,
            .base = asset_find(w, "SATS"),
            .quote = asset_find(w, "USDT"),
            .status = "ACTIVE",
            .usd_per_day = 1e4,
            .first_ts = listed_at(w, 2023, odd_instruments[k].native, 20),
        };
        if (!i.mapped && k % 2 == 0) {
            i.status = "RETIRED_UNMAPPED";
            i.last_ts = JANUARY_2025;
        }
        if (!instrument_add(w, m, &i))
            return false;
    }
    return true;
}

static bool spot_build(struct world *w)
{
    for (size_t at = 0; at < COUNT(spot_markets); at++) {
        struct market *m = market_add(w, SECTION_SPOT, spot_markets[at].name);
        for (size_t q = 0; q < COUNT(spot_markets[at].quotes); q++) {
            const struct quote_share *share = &spot_markets[at].quotes[q];
            size_t quote = share->symbol ? asset_find(w, share->symbol) : 0;
            for (size_t base = 0; share->symbol && base < (size_t)share->assets; base++)
                if (base != quote && !spot_pair_add(w, m, at, base, quote))
                    return false;
        }
        if (strcmp(m->name, "mexc") == 0 && !odd_instruments_add(w, m))
            return false;
        if (!traps_add(w, m) || !later_instruments_add(w, m))
            return false;
    }
    return true;
}

static bool perpetual_add(struct world *w, struct market *m, size_t at, const char *pattern,
                          const char *denomination, size_t base)
{
    bool vanilla = denomination[0] == 'V';
    bool inverse = denomination[0] == 'I';
    bool settles_usdc = strcmp(m->name, "hyperliquid") == 0;
    const char *quote = inverse ? "USD" : futures_markets[at].vanilla_quote;
    struct name_parts parts = {
        .base = w->assets[base].symbol, .quote = quote, .settlement = denomination};
    struct instrument i = {
        .native = name_make(w, pattern, &parts),
        .mapped = name_make(w, "%b-%q-%s-PERPETUAL", &parts),
        .base = base,
        .quote = asset_find(w, quote),
        .denomination = denomination,
        .settlement = inverse        ? parts.base
                      : vanilla      ? quote
                      : settles_usdc ? "USDC"
                                     : "BTC",
        .status = "ACTIVE",
        .lag_max_s = 8 * SECONDS_PER_DAY,
        .usd_per_day = usd_per_day(base, inverse ? 2 : 20),
        .perpetual = true,
        .huge = strcmp(m->name, "bybit") == 0 && base == 0 && vanilla,
    };
    if (!i.native || !i.mapped)
        return false;
    i.first_ts = listed_at(w, futures_markets[at].since_year, i.native, base);
    maybe_retire(w, &i, base);
    return instrument_add(w, m, &i);
}

static bool dated_add(struct world *w, struct market *m, size_t at, size_t base)
{
    for (size_t e = 0; e < COUNT(expiries); e++) {
        const char *symbol = w->assets[base].symbol;
        struct name_parts parts = {.base = symbol, .quote = "USD", .date = expiries[e].short_date};
        struct instrument i = {
            .native = name_make(w, futures_markets[at].dated, &parts),
            .base = base,
            .quote = asset_find(w, "USD"),
            .denomination = "INVERSE",
            .settlement = symbol,
            .status = "EXPIRED",
            .lag_max_s = SECONDS_PER_DAY,
            .usd_per_day = usd_per_day(base, 1),
            .last_ts =
                time_from_civil(expiries[e].year, expiries[e].month, expiries[e].day, 8, 0, 0) - 1,
        };
        bool far_away = expiries[e].year > 2030;
        parts.date = expiries[e].long_date;
        i.mapped = name_make(w, "%b-%q-INVERSE-%d", &parts);
        i.first_ts = far_away ? JANUARY_2025 : i.last_ts - 182 * SECONDS_PER_DAY;
        i.first_ts = later(i.first_ts, w->config.first_ts);
        if (!i.native || !i.mapped || (i.first_ts < i.last_ts && !instrument_add(w, m, &i)))
            return false;
    }
    return true;
}

static bool futures_build(struct world *w)
{
    for (size_t at = 0; at < COUNT(futures_markets); at++) {
        struct market *m = market_add(w, SECTION_FUTURES, futures_markets[at].name);
        const struct {
            const char *pattern, *denomination;
            int count;
        } lists[] = {{futures_markets[at].vanilla, "VANILLA", futures_markets[at].vanilla_count},
                     {futures_markets[at].inverse, "INVERSE", futures_markets[at].inverse_count},
                     {futures_markets[at].quanto, "QUANTO", futures_markets[at].quanto_count}};
        for (size_t l = 0; l < COUNT(lists); l++) {
            for (size_t base = 0; base < (size_t)lists[l].count; base++)
                if (w->assets[base].price_usd != 1 && /* no future on a dollar */
                    !perpetual_add(w, m, at, lists[l].pattern, lists[l].denomination, base))
                    return false;
        }
        for (size_t base = 0; futures_markets[at].dated && base < 2; base++)
            if (!dated_add(w, m, at, base))
                return false;
        if (!later_instruments_add(w, m))
            return false;
    }
    return true;
}

static bool index_build(struct world *w)
{
    for (size_t at = 0; at < COUNT(index_markets); at++) {
        struct market *m = market_add(w, SECTION_INDEX, index_markets[at].name);
        for (size_t q = 0; q < COUNT(index_markets[at].quotes); q++) {
            const struct quote_share *share = &index_markets[at].quotes[q];
            if (!share->symbol)
                continue;
            size_t quote = asset_find(w, share->symbol);
            for (size_t base = 0; base < (size_t)share->assets && base < w->traded_assets; base++) {
                struct name_parts parts = {.base = w->assets[base].symbol, .quote = share->symbol};
                struct instrument i = {
                    .native = name_make(w, "%b-%q", &parts),
                    .base = base,
                    .quote = quote,
                    .status = "ACTIVE",
                    .usd_per_day = usd_per_day(base, 80),
                    .converted = strcmp(share->symbol, "USD") != 0,
                };
                if (base == quote)
                    continue;
                if (i.native)
                    i.first_ts = listed_at(w, index_markets[at].since_year, i.native, base);
                if (!instrument_add(w, m, &i))
                    return false;
            }
        }
    }
    return true;
}

/* ---- made-up names */

static const char *made_up_market(struct world *w, enum section section, int number)
{
    struct name n = {.len = 0};
    name_add(&n, section == SECTION_INDEX ? "index" : "market", false);
    if (number >= 10)
        name_add(&n, (char[2]){(char)('0' + number / 10 % 10), '\0'}, false);
    name_add(&n, (char[2]){(char)('0' + number % 10), '\0'}, false);
    return arena_copy_text(&w->arena, (struct str){n.text, n.len});
}

/* Some start soon and some late on a scale that fits days as well as minutes; some end. The first
 * instrument of a market starts at once and lives, so that every world has something to fetch. */
static void made_up_life(const struct world *w, struct instrument *i, uint64_t dice, bool first)
{
    int64_t delay_scale = 1LL << (first ? 4 : dice % 20);
    i->lag_max_s = first ? 0 : delay_scale;
    i->first_ts = w->config.first_ts + (int64_t)((dice >> 8) % (uint64_t)delay_scale);
    if (first || (dice >> 32) % 5 != 0)
        return;
    i->last_ts = i->first_ts + (1LL << (12 + (dice >> 40) % 12));
    i->status = i->denomination ? "EXPIRED" : "RETIRED";
}

static bool made_up_instrument(struct world *w, struct market *m, int market_number, size_t base)
{
    static const char *const patterns[] = {"%b%q", "%l%m", "%b_%q"};
    static const char *const denominations[] = {"VANILLA", "INVERSE", "QUANTO"};
    size_t dollar = w->traded_assets - 1;
    bool futures = m->section == SECTION_FUTURES, index = m->section == SECTION_INDEX;
    const char *symbol = w->assets[base].symbol;
    struct name_parts parts = {.base = symbol, .quote = "USD"};
    uint64_t dice = dice_text(dice_text(w->config.seed + m->section, m->name), symbol);
    const char *denomination = denominations[dice % 3];
    parts.settlement = denomination;
    struct instrument i = {
        .native = name_make(w, index ? "%b-%q" : patterns[market_number % 3], &parts),
        .base = base,
        .quote = dollar,
        .status = "ACTIVE",
        .usd_per_day = usd_per_day(base * 10, 10),
        .perpetual = true,
        .huge = dice % 11 == 0,
    };
    if (futures) {
        i.denomination = denomination;
        i.settlement = denomination[0] == 'I' ? symbol : "USD";
    }
    made_up_life(w, &i, dice_mix(dice), base == 0);
    bool unmapped = index || (base > 0 && (dice >> 16) % 8 == 0);
    if (!unmapped)
        i.mapped = name_make(w, futures ? "%b-%q-%s-PERPETUAL" : "%b-%q", &parts);
    return (unmapped || i.mapped) && instrument_add(w, m, &i);
}

static bool made_up_build(struct world *w)
{
    for (unsigned section = 0; section < SECTION_COUNT; section++) {
        for (int number = 0; number < w->config.market_count; number++) {
            const char *name = made_up_market(w, section, number);
            if (!name)
                return false;
            struct market *m = market_add(w, section, name);
            for (int base = 0; base < w->config.instruments_per_market; base++)
                if (!made_up_instrument(w, m, number, (size_t)base))
                    return false;
            if (section != SECTION_INDEX && !later_instruments_add(w, m))
                return false;
        }
    }
    return true;
}

/* ---- both */

/* Upper bounds: what is skipped leaves its place unused. */
static size_t real_series_max(const struct world *w)
{
    size_t count = COUNT(odd_instruments);
    for (size_t at = 0; at < COUNT(spot_markets); at++)
        for (size_t q = 0; q < COUNT(spot_markets[at].quotes); q++)
            count += (size_t)spot_markets[at].quotes[q].assets;
    for (size_t at = 0; at < COUNT(futures_markets); at++) {
        count += 3 * (size_t)(futures_markets[at].vanilla_count +
                              futures_markets[at].inverse_count + futures_markets[at].quanto_count);
        count += futures_markets[at].dated ? 3 * 2 * COUNT(expiries) : 0;
    }
    return count + COUNT(index_markets) * COUNT(index_markets[0].quotes) * w->traded_assets;
}

static bool allocate(struct world *w)
{
    const struct world_config *c = &w->config;
    bool real = c->market_count == 0;
    size_t markets = real ? COUNT(spot_markets) + COUNT(futures_markets) + COUNT(index_markets)
                          : SECTION_COUNT * (size_t)c->market_count;
    size_t series = real ? real_series_max(w)
                         : (size_t)KIND_COUNT * c->market_count * c->instruments_per_market;
    series += extra_series_max(w, markets);
    markets += EXTRA_MARKETS_MAX;
    w->markets = arena_alloc(&w->arena, markets * sizeof *w->markets);
    w->series = arena_alloc(&w->arena, series * sizeof *w->series);
    return w->markets && w->series;
}

int names_build(struct world *w, struct ccd_error *err)
{
    const struct world_config *c = &w->config;
    bool real = c->market_count == 0;
    if (c->market_count < 0 || c->market_count > 100 || c->instruments_per_market > 10000 ||
        c->instruments_per_market < (real ? 0 : 1))
        return error_set(err, CCD_USAGE, "a world of %d markets with %d instruments cannot be made",
                         c->market_count, c->instruments_per_market);
    if (c->metadata_version < 0 || c->metadata_version > VERSION_MAX || c->asset_count < 0)
        return error_set(err, CCD_USAGE, "there is no version %d of a list of %d assets",
                         c->metadata_version, c->asset_count);
    bool built = assets_build(w) && allocate(w) &&
                 (real ? spot_build(w) && futures_build(w) && index_build(w) : made_up_build(w)) &&
                 hostile_markets_add(w);
    return built ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for the world's names");
}
