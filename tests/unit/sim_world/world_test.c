/* Which series there are, and when they have records. */
#include "test.h"

#include <string.h>

#include "limited_allocator.h"
#include "sim/world_private.h"

enum { T0 = 1700006400 }; /* 2023-11-15, midnight */

static const struct world_config small = {
    .seed = 5, .first_ts = T0 + 100, .market_count = 1, .instruments_per_market = 4};

static struct world *make(struct world_config config)
{
    struct world *w = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, world_new(&config, NULL, &w, &err));
    CHECK_TEXT("", err.message);
    return w;
}

static struct world *real(void)
{
    return make(world_defaults);
}

static const struct world_series *find(const struct world *w, const char *type, const char *market,
                                       const char *name)
{
    return world_find(w, data_type_find(str_from(type)), str_from(market), str_from(name));
}

static bool has_row(const struct world *w, const struct world_series *s, enum interval interval,
                    int64_t ts, int64_t now)
{
    struct buf b;
    buf_init(&b, 1 << 20, NULL);
    bool has = world_render_row(w, s, interval, ts, now, &b);
    CHECK(has == (b.len > 0));
    buf_release(&b);
    return has;
}

TEST(world_names_of_the_vendor)
{
    struct world *w = real();
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    if (CHECK(s)) {
        CHECK_TEXT("XXBTZUSD", s->instrument);
        CHECK_TEXT("BTC", s->base);
        CHECK_TEXT("USD", s->quote);
        CHECK(s == find(w, "spot_ohlcv", "kraken", "XXBTZUSD"));
    }
    s = find(w, "futures_funding_rate", "binance", "BTC-USDT-VANILLA-PERPETUAL");
    if (CHECK(s))
        CHECK_TEXT("BTCUSDT", s->instrument);
    CHECK(find(w, "futures_ohlcv", "okex", "BTC-USDT-SWAP"));
    CHECK(find(w, "futures_open_interest", "bitmex", "XBTUSD"));
    CHECK(find(w, "indices_ohlcv", "cadli", "ETH-USD"));
    CHECK(!find(w, "spot_ohlcv", "CCCAGG", "BTC-USD"));
    CHECK(!find(w, "futures_ohlcv", "binance", "BTC-USDT-PERP"));
    CHECK(!find(w, "futures_ohlcv", "okx", "BTC-USDT-SWAP"));
    s = find(w, "spot_ohlcv", "coinbase", "USDC-USDT");
    if (CHECK(s))
        CHECK_TEXT("USDT-USDC", s->instrument);
    world_free(w);
}

TEST(world_has_enough_of_everything)
{
    struct world *w = real();
    size_t cadli = 0, unmapped = 0, expired = 0;
    for (size_t i = 0; i < world_series_count(w); i++) {
        const struct world_series *s = world_series_at(w, i);
        cadli += strcmp(s->market, "cadli") == 0 && strcmp(s->quote, "USD") == 0;
        unmapped += !s->mapped && strcmp(s->type->name, "spot_ohlcv") == 0;
        expired += strcmp(s->status, "EXPIRED") == 0;
        CHECK(s->first_ts >= w->config.first_ts);
        CHECK(s->last_ts == 0 || s->last_ts > s->first_ts || s->first_ts > INT64_MAX / 8);
        CHECK(find(w, s->type->name, s->market, s->instrument));
    }
    CHECK(cadli >= 150);
    CHECK(unmapped >= 2);
    CHECK(expired >= 30);
    CHECK(!world_series_at(w, world_series_count(w)));
    world_free(w);
}

/* A native id may be another instrument's mapped one; each pair of market and native id is one
 * series. */
TEST(world_ids_are_unique)
{
    struct world *w = real();
    for (size_t i = 0; i < world_series_count(w); i++) {
        const struct world_series *s = world_series_at(w, i);
        const struct world_series *by_native = find(w, s->type->name, s->market, s->instrument);
        const struct world_series *by_mapped = s->mapped
                                                   ? find(w, s->type->name, s->market, s->mapped)
                                                   : s;
        CHECK(by_native == s);
        CHECK(by_mapped == s);
    }
    world_free(w);
}

TEST(world_of_made_up_markets)
{
    struct world *w = make(small);
    CHECK_INT(4 * 5, world_series_count(w));
    size_t at_once = 0;
    for (size_t i = 0; i < world_series_count(w); i++) {
        const struct world_series *s = world_series_at(w, i);
        CHECK(s->first_ts >= small.first_ts);
        at_once += s->first_ts < small.first_ts + 60 && s->last_ts == 0;
    }
    CHECK(at_once >= 5);
    CHECK(find(w, "spot_ohlcv", "market0", "AAA-USD"));
    CHECK(find(w, "indices_ohlcv", "index0", "AAA-USD"));
    world_free(w);
}

TEST(world_cap_of_instruments)
{
    struct world_config config = world_defaults;
    config.instruments_per_market = 3;
    struct world *w = make(config);
    for (size_t i = 0; i < w->market_count; i++)
        CHECK(w->markets[i].instrument_count <= 3);
    world_free(w);
}

TEST(world_impossible_sizes_are_refused)
{
    struct world_config configs[] = {small, small, small};
    configs[0].market_count = -1;
    configs[1].instruments_per_market = 0;
    configs[2].instruments_per_market = 1000000;
    for (size_t i = 0; i < 3; i++) {
        struct world *w;
        struct ccd_error err = {0};
        CHECK_INT(CCD_USAGE, world_new(&configs[i], NULL, &w, &err));
        CHECK(!w);
    }
}

TEST(world_without_memory)
{
    for (long fail_at = 0; fail_at < 30; fail_at++) {
        struct limited_allocator a;
        struct world *w = NULL;
        struct ccd_error err = {0};
        limited_allocator_init(&a, fail_at, -1);
        int status = world_new(&small, &a.hook, &w, &err);
        if (fail_at >= a.requests)
            CHECK_INT(0, status);
        else
            CHECK_INT(CCD_NO_MEMORY, status);
        world_free(w);
        CHECK_INT(0, a.held);
    }
}

TEST(world_same_seed_same_bytes)
{
    struct world *a = real(), *b = real();
    struct world_config other = world_defaults;
    other.seed = 2;
    struct world *c = make(other);
    struct buf texts[3];
    struct world *worlds[] = {a, b, c};
    for (size_t i = 0; i < 3; i++) {
        buf_init(&texts[i], 1 << 24, NULL);
        CHECK_INT(200,
                  world_reply(worlds[i],
                              STR("/spot/v1/historical/hours?market=kraken&instrument=XXBTZUSD"),
                              T0, &texts[i]));
    }
    CHECK(str_equal(buf_str(&texts[0]), buf_str(&texts[1])));
    CHECK(!str_equal(buf_str(&texts[0]), buf_str(&texts[2])));
    for (size_t i = 0; i < 3; i++) {
        buf_release(&texts[i]);
        world_free(worlds[i]);
    }
}

/* No record before the first period, after the last, between two starts, in the future. */
TEST(world_records_begin_and_end)
{
    struct world *w = real();
    const struct world_series *s = find(w, "futures_ohlcv", "binance", "BTC-USD-INVERSE-20240329");
    if (!CHECK(s) || !CHECK(s->last_ts > 0))
        goto out;
    int64_t now = s->last_ts + 1000 * 86400LL;
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        int64_t step = interval_infos[i].step_s;
        int64_t first = s->first_ts - s->first_ts % step, last = s->last_ts - s->last_ts % step;
        CHECK(has_row(w, s, i, first, now));
        CHECK(!has_row(w, s, i, first - step, now));
        CHECK(has_row(w, s, i, last, now));
        CHECK(!has_row(w, s, i, last + step, now));
        CHECK(!has_row(w, s, i, first + 1, now));
        CHECK(!has_row(w, s, i, last, s->first_ts - 1));
    }
    CHECK(!find(w, "futures_funding_rate", "binance", "BTC-USD-INVERSE-20240329") ||
          !has_row(w, find(w, "futures_funding_rate", "binance", "BTC-USD-INVERSE-20240329"),
                   INTERVAL_1D, s->last_ts - s->last_ts % 86400, now));
out:
    world_free(w);
}

TEST(world_open_period_is_served)
{
    struct world_config config = world_defaults;
    config.cache_s = 0;
    struct world *w = make(config);
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    CHECK(has_row(w, s, INTERVAL_1D, T0, T0));
    CHECK(!has_row(w, s, INTERVAL_1D, T0, T0 - 1));
    CHECK(has_row(w, s, INTERVAL_1M, T0, T0 + 59));
    CHECK(!has_row(w, s, INTERVAL_1M, T0 + 60, T0 + 59));
    world_free(w);
}

TEST(world_publish_delay_hides_a_closed_period)
{
    struct world_config config = world_defaults;
    config.cache_s = 0;
    config.publish_delay_s = 90;
    struct world *w = make(config);
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    CHECK(has_row(w, s, INTERVAL_1H, T0, T0 + 3599));
    CHECK(!has_row(w, s, INTERVAL_1H, T0, T0 + 3600));
    CHECK(!has_row(w, s, INTERVAL_1H, T0, T0 + 3689));
    CHECK(has_row(w, s, INTERVAL_1H, T0, T0 + 3690));
    world_free(w);
}

TEST(world_half_of_the_holes_are_mended)
{
    struct world_config config = world_defaults;
    config.cache_s = 0;
    config.hole_permille = 200;
    config.mend_s = 86400;
    struct world *w = make(config);
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    int holes = 0, mended = 0;
    for (int64_t ts = T0; ts < T0 + 1000 * 60; ts += 60) {
        if (has_row(w, s, INTERVAL_1M, ts, ts + 60))
            continue;
        holes++;
        mended += has_row(w, s, INTERVAL_1M, ts, ts + 61 + 86400);
    }
    CHECK(holes > 100 && holes < 300);
    CHECK(mended > holes / 3 && mended < 2 * holes / 3);
    world_free(w);
}

/* Between two ticks of the cache nothing changes, and a reply is at most cache_s old. */
TEST(world_cache_holds_replies)
{
    struct world_config config = world_defaults;
    struct world *w = make(config);
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    size_t changes = 0;
    struct buf last, next;
    buf_init(&last, 1 << 16, NULL);
    buf_init(&next, 1 << 16, NULL);
    for (int64_t now = T0 + 3000; now < T0 + 3600; now++) {
        buf_clear(&next);
        CHECK(world_render_row(w, s, INTERVAL_1D, T0, now, &next));
        changes += last.len > 0 && !str_equal(buf_str(&last), buf_str(&next));
        buf_clear(&last);
        buf_add(&last, next.data, next.len);
        int64_t seen = world_seen_s(w, s->key, now);
        CHECK(seen <= now && seen > now - config.cache_s);
    }
    CHECK_INT(2, changes);
    buf_release(&last);
    buf_release(&next);
    world_free(w);
}

/* A restated row has two texts in its life; open and close never change. */
TEST(world_restates_rows_once)
{
    struct world_config config = world_defaults;
    config.restate_permille = 1000;
    config.cache_s = 0;
    struct world *w = make(config);
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    struct buf early, late;
    buf_init(&early, 1 << 16, NULL);
    buf_init(&late, 1 << 16, NULL);
    size_t changed = 0;
    for (int64_t ts = T0; ts < T0 + 50 * 3600; ts += 3600) {
        int64_t before = 0, changes = 0;
        buf_clear(&early);
        CHECK(world_render_row(w, s, INTERVAL_1H, ts, ts + 3600, &early));
        for (int64_t now = ts + 3600; now < ts + 40 * 86400; now += 600) {
            buf_clear(&late);
            CHECK(world_render_row(w, s, INTERVAL_1H, ts, now, &late));
            int64_t is_new = !str_equal(buf_str(&early), buf_str(&late));
            changes += is_new != before;
            before = is_new;
        }
        changed += changes == 1;
        CHECK(changes <= 1);
        size_t open = str_find(buf_str(&early), STR("\"OPEN\""));
        size_t end = str_find(buf_str(&early), STR(",\"HIGH\""));
        CHECK(strncmp(early.data + open, late.data + open, end - open) == 0);
    }
    CHECK(changed >= 45); /* an idle row has nothing to change */
    buf_release(&early);
    buf_release(&late);
    world_free(w);
}

TEST(world_holes_and_idle_rows_by_chance)
{
    struct world_config config = world_defaults;
    config.hole_permille = 100;
    config.idle_permille = 200;
    struct world *w = make(config);
    const struct world_series *s = find(w, "spot_ohlcv", "kraken", "BTC-USD");
    size_t holes = 0, idle = 0;
    const int64_t now = T0 + 100 * 86400LL;
    for (int64_t ts = T0; ts < T0 + 10000 * 60; ts += 60) {
        struct buf row;
        buf_init(&row, 1 << 16, NULL);
        if (!world_render_row(w, s, INTERVAL_1M, ts, now, &row))
            holes++;
        else if (str_find(buf_str(&row), STR("\"TOTAL_TRADES\":0,")) != SIZE_MAX)
            idle++;
        buf_release(&row);
    }
    CHECK(holes > 850 && holes < 1150);
    CHECK(idle > 1600 && idle < 2000);
    world_free(w);
}
