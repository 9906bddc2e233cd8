#include "model/request.h"

#include "test.h"

static const struct data_type *type_of(const char *name)
{
    return data_type_find(str_from(name));
}

static void check_candles(const char *expected, const char *type, enum interval interval,
                          struct str market, struct str instrument, struct period_range window)
{
    struct buf out;
    buf_init(&out, 1024, NULL);
    CHECK_INT(0, request_candles(&out, type_of(type), interval, market, instrument, window));
    CHECK_STR(expected, buf_str(&out));
    buf_release(&out);
}

TEST(request_candles_of_every_type)
{
    check_candles(
        "/spot/v1/historical/days?market=kraken&instrument=XXBTZUSD&limit=5&to_ts=1749081599",
        "spot_ohlcv", INTERVAL_1D, STR("kraken"), STR("XXBTZUSD"),
        (struct period_range){1749081600 - 5 * 86400, 1749081600});
    check_candles("/futures/v1/historical/minutes?market=binance&instrument=UNIUSD_PERP&limit=2000"
                  "&to_ts=1741542119",
                  "futures_ohlcv", INTERVAL_1M, STR("binance"), STR("UNIUSD_PERP"),
                  (struct period_range){1741542120 - 2000 * 60, 1741542120});
    check_candles(
        "/futures/v1/historical/funding-rate/hours?market=hyperliquid&instrument=BTC&limit=1"
        "&to_ts=3599",
        "futures_funding_rate", INTERVAL_1H, STR("hyperliquid"), STR("BTC"),
        (struct period_range){0, 3600});
    check_candles("/futures/v1/historical/open-interest/days?market=binance&instrument=BTCUSDT"
                  "&limit=5000&to_ts=-1",
                  "futures_open_interest", INTERVAL_1D, STR("binance"), STR("BTCUSDT"),
                  (struct period_range){-5000 * 86400, 0});
    check_candles(
        "/index/cc/v1/historical/days?market=cadli&instrument=BTC-USD&limit=2&to_ts=172799",
        "indices_ohlcv", INTERVAL_1D, STR("cadli"), STR("BTC-USD"),
        (struct period_range){0, 172800});
}

TEST(request_candles_encodes_names)
{
    check_candles(
        "/spot/v1/historical/days?market=a%20b&instrument=%E5%B8%81%26limit%3D1%2F%3F%23%2C%25"
        "&limit=1&to_ts=86399",
        "spot_ohlcv", INTERVAL_1D, STR("a b"), STR("\xe5\xb8\x81&limit=1/?#,%"),
        (struct period_range){0, 86400});
}

TEST(request_candles_refuses_windows_that_are_no_page)
{
    static const struct period_range windows[] = {
        {0, 0},    {3600, 0}, {0, 2001 * 3600},       {1, 3601},
        {0, 3601}, {1, 3600}, {INT64_MIN, INT64_MAX}, {-3601, 0},
    };
    struct buf out;
    buf_init(&out, 1024, NULL);
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        CHECK_INT(-1, request_candles(&out, type_of("spot_ohlcv"), INTERVAL_1H, STR("m"), STR("i"),
                                      windows[i]));
        CHECK_INT(0, out.len);
    }
    CHECK_INT(-1, request_candles(&out, type_of("spot_instruments"), INTERVAL_1H, STR("m"),
                                  STR("i"), (struct period_range){0, 3600}));
    buf_release(&out);
}

TEST(request_that_does_not_fit)
{
    for (size_t max_bytes = 0; max_bytes < 62; max_bytes++) {
        struct buf out;
        buf_init(&out, max_bytes, NULL);
        CHECK_INT(-1, request_candles(&out, type_of("spot_ohlcv"), INTERVAL_1D, STR("m"), STR("i"),
                                      (struct period_range){0, 86400}));
        buf_release(&out);
    }
}

TEST(request_catalogue_asks_for_every_status)
{
    struct buf out;
    buf_init(&out, 1024, NULL);
    CHECK_INT(0, request_catalogue(&out, type_of("spot_instruments"), STR("kraken")));
    CHECK_STR("/spot/v1/markets/instruments?market=kraken&instrument_status=ACTIVE,IGNORED,RETIRED,"
              "EXPIRED,READY_FOR_DECOMMISSIONING,RETIRED_UNMAPPED",
              buf_str(&out));
    buf_clear(&out);
    CHECK_INT(0, request_catalogue(&out, type_of("futures_instruments"), STR("okex")));
    CHECK(str_starts_with(buf_str(&out),
                          STR("/futures/v1/markets/instruments?market=okex&instrument_status=")));
    buf_release(&out);
}

TEST(request_markets_of_each_family)
{
    static const char *const expected[][2] = {
        {"spot_ohlcv", "/spot/v1/markets"},
        {"futures_funding_rate", "/futures/v1/markets"},
        {"indices_ohlcv", "/index/cc/v1/markets"},
    };
    struct buf out;
    buf_init(&out, 1024, NULL);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        buf_clear(&out);
        CHECK_INT(0, request_markets(&out, type_of(expected[i][0])));
        CHECK_STR(expected[i][1], buf_str(&out));
    }
    struct data_type no_markets = *type_of("spot_ohlcv");
    no_markets.markets_path = NULL;
    CHECK_INT(-1, request_markets(&out, &no_markets));
    buf_release(&out);
}

TEST(request_top_assets_pages)
{
    struct buf out;
    buf_init(&out, 1024, NULL);
    CHECK_INT(0, request_top_assets(&out, 3, 100));
    CHECK_STR("/asset/v1/top/list?page=3&page_size=100&sort_by=SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD"
              "&sort_direction=DESC&groups=ID,BASIC",
              buf_str(&out));
    CHECK_INT(-1, request_top_assets(&out, 0, 100));
    CHECK_INT(-1, request_top_assets(&out, 1, 9));
    CHECK_INT(-1, request_top_assets(&out, 1, 101));
    buf_release(&out);
}

static const struct data_type *table_of(const char *name)
{
    const struct data_type *table = metadata_table_find(str_from(name));
    CHECK(table != NULL);
    return table;
}

TEST(request_records_of_each_table)
{
    static const char *const expected[][2] = {
        {"assets",
         "/asset/v1/top/list?page=2&page_size=100&sort_by=CREATED_ON&sort_direction=ASC&groups=ID,"
         "BASIC,CLASSIFICATION,DESCRIPTION_SUMMARY,SUPPLY,PRICE,MKT_CAP,VOLUME,CHANGE,"
         "TOPLIST_RANK"},
        {"exchanges", "/data/exchanges/general?tsym=USD"},
        {"spot_markets", "/spot/v1/markets"},
        {"futures_markets", "/futures/v1/markets"},
    };
    struct buf out;
    buf_init(&out, 1024, NULL);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        buf_clear(&out);
        CHECK_INT(0, request_records(&out, table_of(expected[i][0]), 2, 100));
        CHECK_STR(expected[i][1], buf_str(&out));
    }
    CHECK_INT(-1, request_records(&out, table_of("assets"), 0, 100));
    CHECK_INT(-1, request_records(&out, table_of("assets"), 1, 101));
    CHECK_INT(-1, request_records(&out, table_of("asset_industries"), 1, 100));
    CHECK_INT(-1, request_records(&out, table_of("asset_market_data"), 1, 100));
    CHECK_INT(-1, request_records(&out, table_of("spot_instruments"), 1, 100));
    buf_release(&out);
    buf_init(&out, 20, NULL);
    CHECK_INT(-1, request_records(&out, table_of("assets"), 1, 100));
    buf_release(&out);
}
