#include "model/series.h"

#include <string.h>

#include "test.h"

/* Computed independently: int.from_bytes(sha256("type\x1fmarket\x1finstrument"), "big") >> (256 -
 * 53). */
TEST(series_id_vectors)
{
    CHECK_INT(8909891489253887, series_id_of("spot_ohlcv", STR("kraken"), STR("XXBTZUSD")));
    CHECK_INT(8367532204312126, series_id_of("futures_ohlcv", STR("binance"), STR("UNIUSD_PERP")));
    CHECK_INT(1380515807733607,
              series_id_of("futures_funding_rate", STR("hyperliquid"), STR("BTC")));
    CHECK_INT(6462012274004843,
              series_id_of("futures_open_interest", STR("binance"), STR("BTCUSDT")));
    CHECK_INT(4411753968596085, series_id_of("indices_ohlcv", STR("cadli"), STR("BTC-USD")));
    CHECK_INT(1593861821899686, series_id_of("spot_ohlcv", STR("mexc"), STR("币安人生USDT")));
}

TEST(series_id_has_53_bits)
{
    for (char c = 'a'; c <= 'z'; c++) {
        int64_t id = series_id_of("spot_ohlcv", STR("kraken"), (struct str){&c, 1});
        CHECK(id >= 0 && id < INT64_C(1) << 53);
    }
}

TEST(series_names_of_a_mapped_instrument)
{
    const struct data_type *type = data_type_find(STR("spot_ohlcv"));
    struct series_names names = {0};
    CHECK(series_names_set(&names, type, STR("kraken"), STR("XXBTZUSD"), STR("BTC-USD")));
    CHECK_INT(8909891489253887, names.series_id);
    CHECK_TEXT("kraken", names.market);
    CHECK_TEXT("XXBTZUSD", names.instrument);
    CHECK_TEXT("BTC-USD", names.mapped_instrument);
}

TEST(series_names_of_an_unmapped_instrument_repeat_the_native_id)
{
    const struct data_type *type = data_type_find(STR("spot_ohlcv"));
    struct series_names names = {0};
    CHECK(series_names_set(&names, type, STR("mexc"), STR("币安人生USDT"), STR("")));
    CHECK_TEXT("币安人生USDT", names.mapped_instrument);
    CHECK_INT(1593861821899686, names.series_id);
}

TEST(series_names_refuse_what_is_no_name)
{
    const struct data_type *type = data_type_find(STR("spot_ohlcv"));
    static const struct str bad[] = {
        {"a\nb", 3}, {"\x1f", 1},     {"a\0b", 3}, {"\x7f", 1},
        {"\xff", 1}, {"\xc2\x85", 2}, {"\xc2", 1}, {"a\xed\xa0\x80", 4},
    };
    struct series_names names = {.series_id = 7};
    CHECK(!series_names_set(&names, type, STR(""), STR("a"), STR("a")));
    CHECK(!series_names_set(&names, type, STR("a"), STR(""), STR("a")));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!series_names_set(&names, type, bad[i], STR("a"), STR("a")));
        CHECK(!series_names_set(&names, type, STR("a"), bad[i], STR("a")));
        CHECK(!series_names_set(&names, type, STR("a"), STR("a"), bad[i]));
    }
    CHECK_INT(7, names.series_id);
    /* U+00A0 is the first character after C1. */
    CHECK(series_names_set(&names, type, STR("a"),
                           STR("b\xc2\xa0"
                               "c"),
                           STR("b")));
}

TEST(series_names_length_limits)
{
    const struct data_type *type = data_type_find(STR("spot_ohlcv"));
    static struct series_names names;
    char text[INSTRUMENT_MAX_BYTES];
    memset(text, 'x', sizeof(text));
    struct str market_fits = {text, MARKET_MAX_BYTES - 1};
    struct str market_long = {text, MARKET_MAX_BYTES};
    struct str fits = {text, INSTRUMENT_MAX_BYTES - 1};
    struct str too_long = {text, INSTRUMENT_MAX_BYTES};
    CHECK(series_names_set(&names, type, market_fits, fits, fits));
    CHECK_INT(MARKET_MAX_BYTES - 1, strlen(names.market));
    CHECK_INT(INSTRUMENT_MAX_BYTES - 1, strlen(names.mapped_instrument));
    CHECK(!series_names_set(&names, type, market_long, fits, fits));
    CHECK(!series_names_set(&names, type, market_fits, too_long, fits));
    CHECK(!series_names_set(&names, type, market_fits, fits, too_long));
}
