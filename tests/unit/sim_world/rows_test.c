/* What stands in the records. */
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "sim/world_private.h"

enum { T0 = 1700006400, ROWS = 500 };

static struct world *make(int hole_permille, int idle_permille)
{
    struct world_config config = world_defaults;
    config.hole_permille = hole_permille;
    config.idle_permille = idle_permille;
    struct world *w = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, world_new(&config, NULL, &w, &err));
    return w;
}

static const struct {
    const char *type, *market, *name;
} samples[] = {
    {"spot_ohlcv", "kraken", "BTC-USD"},
    {"spot_ohlcv", "binance", "SHIB-BTC"},
    {"spot_ohlcv", "mexc", "MOONFOXUSDT"},
    {"futures_ohlcv", "bybit", "BTCUSDT"},
    {"futures_ohlcv", "kraken", "PI_XBTUSD"},
    {"futures_funding_rate", "binance", "BTCUSDT"},
    {"futures_funding_rate", "okex", "ETH-USD-SWAP"},
    {"futures_funding_rate", "hyperliquid", "BTC"},
    {"futures_open_interest", "binance", "ETHUSD_PERP"},
    {"futures_open_interest", "binance", "BTCUSDT"},
    {"indices_ohlcv", "cadli", "BTC-USD"},
    {"indices_ohlcv", "cadli", "BABYDOGE-USD"},
    {"indices_ohlcv", "cadli", "BTC-EUR"},
};
enum { SAMPLE_COUNT = sizeof samples / sizeof samples[0] };

static const struct world_series *sample(const struct world *w, size_t i)
{
    const struct world_series *s = world_find(w, data_type_find(str_from(samples[i].type)),
                                              str_from(samples[i].market),
                                              str_from(samples[i].name));
    CHECK(s);
    return s;
}

static json_t *row_json(const struct world *w, const struct world_series *s, enum interval interval,
                        int64_t ts, int64_t now)
{
    struct buf text;
    json_error_t error;
    buf_init(&text, 1 << 16, NULL);
    json_t *row = NULL;
    if (world_render_row(w, s, interval, ts, now, &text)) {
        CHECK(text.len < ROW_MAX_BYTES - 512);
        row = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        CHECK(row);
    }
    buf_release(&text);
    return row;
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return value ? json_number_value(value) : NAN;
}

/* Every cell is what a JSON reader makes of the text, to the last bit. */
static void check_cells(const struct batch *b, size_t at, const json_t *row)
{
    size_t found = 0;
    for (size_t i = 0; i < b->type->column_count; i++) {
        const struct column *column = &b->type->columns[i];
        const json_t *value = json_object_get(row, column->key);
        if (!CHECK(batch_has(b, at, i) == (value != NULL)) || !value)
            continue;
        found++;
        if (column->kind == COLUMN_TEXT)
            CHECK_STR(json_string_value(value), batch_text(b, at, i));
        else if (column->kind == COLUMN_F64)
            CHECK_F64_BITS(json_number_value(value), batch_cell(b, at, i)->f64);
        else
            CHECK(json_is_integer(value) && json_integer_value(value) == batch_cell(b, at, i)->i64);
    }
    CHECK_INT(json_object_size(row), found);
}

TEST(rows_as_cells_and_as_text_agree)
{
    struct world *w = make(50, 100);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct world_series *s = sample(w, i);
        for (unsigned interval = 0; interval < INTERVAL_COUNT; interval++) {
            int64_t step = interval_infos[interval].step_s, now = T0 + 100 * step;
            struct batch b;
            struct ccd_error err;
            CHECK_INT(0, batch_init(&b, s->type, 110, 1 << 16, NULL, &err));
            for (int64_t ts = T0 - 2 * step; ts <= now; ts += step) {
                json_t *row = row_json(w, s, interval, ts, now);
                bool has = world_row(w, s, interval, ts, now, &b);
                CHECK(has == (row != NULL));
                if (has && row)
                    check_cells(&b, b.row_count - 1, row);
                json_decref(row);
            }
            CHECK(b.row_count > 70);
            batch_release(&b);
        }
    }
    world_free(w);
}

TEST(rows_batch_that_is_full_takes_none)
{
    struct world *w = make(0, 0);
    const struct world_series *s = sample(w, 0);
    struct batch b;
    struct ccd_error err;
    CHECK_INT(0, batch_init(&b, s->type, 1, 1 << 16, NULL, &err));
    CHECK(world_row(w, s, INTERVAL_1D, T0, T0 + 900000, &b));
    CHECK(!world_row(w, s, INTERVAL_1D, T0 + 86400, T0 + 900000, &b));
    batch_release(&b);
    world_free(w);
}

/* OPEN is the CLOSE of the record before, across idle rows and holes too. */
static void check_chain(const struct world *w, const struct world_series *s, enum interval interval,
                        const char *open_key, const char *close_key)
{
    int64_t step = interval_infos[interval].step_s, now = T0 + (ROWS + 1) * step;
    double close = NAN;
    size_t rows = 0;
    for (int64_t ts = T0; ts < T0 + ROWS * step; ts += step) {
        json_t *row = row_json(w, s, interval, ts, now);
        if (!row)
            continue;
        if (rows++ > 0)
            CHECK_F64_BITS(close, number(row, open_key));
        close = number(row, close_key);
        CHECK_INT(ts, json_integer_value(json_object_get(row, "TIMESTAMP")));
        json_decref(row);
    }
    CHECK(rows > ROWS / 2);
}

TEST(rows_open_where_the_last_closed)
{
    struct world *w = make(100, 300);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct world_series *s = sample(w, i);
        bool interest = strcmp(s->type->name, "futures_open_interest") == 0;
        for (unsigned interval = 0; interval < INTERVAL_COUNT; interval++) {
            check_chain(w, s, interval, interest ? "OPEN_SETTLEMENT" : "OPEN",
                        interest ? "CLOSE_SETTLEMENT" : "CLOSE");
        }
    }
    world_free(w);
}

TEST(rows_of_a_day_end_like_their_last_minute)
{
    struct world *w = make(0, 0);
    const struct world_series *s = sample(w, 0);
    json_t *day = row_json(w, s, INTERVAL_1D, T0, T0 + 999999);
    json_t *hour = row_json(w, s, INTERVAL_1H, T0 + 86400 - 3600, T0 + 999999);
    json_t *minute = row_json(w, s, INTERVAL_1M, T0 + 86400 - 60, T0 + 999999);
    CHECK_F64_BITS(number(day, "CLOSE"), number(hour, "CLOSE"));
    CHECK_F64_BITS(number(day, "CLOSE"), number(minute, "CLOSE"));
    json_decref(day);
    json_decref(hour);
    json_decref(minute);
    world_free(w);
}

static void check_range(const json_t *row, const char *suffix)
{
    char keys[4][64];
    static const char *const names[] = {"OPEN", "HIGH", "LOW", "CLOSE"};
    double v[4];
    for (size_t i = 0; i < 4; i++) {
        CHECK(str_print(keys[i], sizeof keys[i], "%s%s", names[i], suffix));
        v[i] = number(row, keys[i]);
    }
    CHECK(v[2] <= v[0] && v[2] <= v[3] && v[2] <= v[1]);
    CHECK(v[1] >= v[0] && v[1] >= v[3]);
}

/* a = b + c + d but for the rounding of the doubles that the decimals became. */
static void check_sum(const json_t *row, const char *total, const char *const parts[3])
{
    double sum = number(row, parts[0]) + number(row, parts[1]) + number(row, parts[2]);
    CHECK(fabs(sum - number(row, total)) <= 1e-12 * sum);
}

static void check_trades(const json_t *row, int64_t ts, int64_t step)
{
    static const char *const stamps[] = {"FIRST_TRADE_TIMESTAMP", "HIGH_TRADE_TIMESTAMP",
                                         "LOW_TRADE_TIMESTAMP", "LAST_TRADE_TIMESTAMP"};
    static const char *const prices[] = {"FIRST_TRADE_PRICE", "HIGH_TRADE_PRICE", "LOW_TRADE_PRICE",
                                         "LAST_TRADE_PRICE"};
    check_sum(row, "VOLUME", (const char *const[]){"VOLUME_BUY", "VOLUME_SELL", "VOLUME_UNKNOWN"});
    check_sum(
        row, "QUOTE_VOLUME",
        (const char *const[]){"QUOTE_VOLUME_BUY", "QUOTE_VOLUME_SELL", "QUOTE_VOLUME_UNKNOWN"});
    CHECK_INT(json_integer_value(json_object_get(row, "TOTAL_TRADES")),
              json_integer_value(json_object_get(row, "TOTAL_TRADES_BUY")) +
                  json_integer_value(json_object_get(row, "TOTAL_TRADES_SELL")) +
                  json_integer_value(json_object_get(row, "TOTAL_TRADES_UNKNOWN")));
    bool idle = number(row, "TOTAL_TRADES") == 0;
    for (size_t i = 0; i < 4; i++) {
        CHECK(idle == !json_object_get(row, stamps[i]));
        CHECK(idle == !json_object_get(row, prices[i]));
        if (idle)
            continue;
        CHECK(number(row, stamps[i]) >= (double)ts && number(row, stamps[i]) < (double)(ts + step));
        CHECK(number(row, prices[i]) <= number(row, "HIGH") &&
              number(row, prices[i]) >= number(row, "LOW"));
    }
    if (idle) {
        CHECK_F64_BITS(number(row, "OPEN"), number(row, "CLOSE"));
        CHECK(number(row, "HIGH") == number(row, "LOW"));
        CHECK(number(row, "VOLUME") == 0 && number(row, "QUOTE_VOLUME") == 0);
    } else {
        CHECK(number(row, "VOLUME") > 0 && number(row, "LOW") > 0);
        CHECK(number(row, "FIRST_TRADE_TIMESTAMP") <= number(row, "LAST_TRADE_TIMESTAMP"));
    }
}

TEST(rows_are_possible)
{
    struct world *w = make(0, 200);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct world_series *s = sample(w, i);
        for (unsigned interval = 0; interval < INTERVAL_COUNT; interval++) {
            int64_t step = interval_infos[interval].step_s;
            for (int64_t ts = T0; ts < T0 + 200 * step; ts += step) {
                json_t *row = row_json(w, s, interval, ts, T0 + 1000 * step);
                if (strcmp(s->type->name, "futures_open_interest") == 0) {
                    check_range(row, "_SETTLEMENT");
                    check_range(row, "_MARK_PRICE");
                    check_range(row, "_QUOTE");
                } else {
                    check_range(row, "");
                }
                if (json_object_get(row, "TOTAL_TRADES"))
                    check_trades(row, ts, step);
                json_decref(row);
            }
        }
    }
    world_free(w);
}

/* While a period is open its counters only grow and its times lie in the past. */
TEST(rows_that_are_open_grow)
{
    struct world_config config = world_defaults;
    config.cache_s = 0;
    config.idle_permille = 0;
    struct world *w = NULL;
    struct ccd_error err;
    CHECK_INT(0, world_new(&config, NULL, &w, &err));
    const struct world_series *s = sample(w, 0);
    double trades = 0;
    for (int64_t now = T0; now < T0 + 86400; now += 997) {
        json_t *row = row_json(w, s, INTERVAL_1D, T0, now);
        CHECK(number(row, "TOTAL_TRADES") >= trades);
        CHECK(number(row, "LAST_TRADE_TIMESTAMP") <= (double)now);
        trades = number(row, "TOTAL_TRADES");
        json_decref(row);
    }
    world_free(w);
}

static bool has_key(const struct world *w, const char *type, const char *market, const char *name,
                    int64_t ts, const char *key)
{
    const struct world_series *s = world_find(w, data_type_find(str_from(type)), str_from(market),
                                              str_from(name));
    json_t *row = s ? row_json(w, s, INTERVAL_1D, ts, T0 + 2000 * 86400LL) : NULL;
    bool has = json_object_get(row, key) != NULL;
    CHECK(row);
    json_decref(row);
    return has;
}

TEST(rows_have_the_fields_of_their_time)
{
    struct world *w = make(0, 0);
    const int64_t in_2022 = 1660003200, in_2026 = 1770004800 / 86400 * 86400;
    const char *futures = "futures_ohlcv";
    CHECK(!has_key(w, futures, "bitmex", "XBTUSD", in_2022 / 86400 * 86400, "DENOMINATION_TYPE"));
    CHECK(has_key(w, futures, "bitmex", "XBTUSD", T0, "DENOMINATION_TYPE"));
    CHECK(!has_key(w, futures, "bitmex", "XBTUSD", T0, "INDEX_UNDERLYING_ID"));
    CHECK(has_key(w, futures, "bitmex", "XBTUSD", in_2026, "INDEX_UNDERLYING_ID"));
    CHECK(has_key(w, "spot_ohlcv", "kraken", "XXBTZUSD", T0, "BASE_ID"));
    CHECK(has_key(w, "spot_ohlcv", "kraken", "XXBTZUSD", T0, "MAPPED_INSTRUMENT"));
    CHECK(!has_key(w, "spot_ohlcv", "mexc", "MOONFOXUSDT", T0, "MAPPED_INSTRUMENT"));
    CHECK(!has_key(w, "indices_ohlcv", "cadli", "BTC-USD", T0, "MAPPED_INSTRUMENT"));
    world_free(w);
}

/* The values that are hard to read: negative, with exponent, beyond 2^53, of 17 digits. */
TEST(rows_have_hard_numbers)
{
    struct world *w = make(0, 0);
    bool negative = false, exponent = false, huge = false, long_number = false;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct world_series *s = sample(w, i);
        for (int64_t ts = T0; ts < T0 + 100 * 86400; ts += 86400) {
            struct buf text;
            buf_init(&text, 1 << 16, NULL);
            CHECK(world_render_row(w, s, INTERVAL_1D, ts, T0 + 9999999, &text));
            negative |= str_find(buf_str(&text), STR("\"LOW\":-0.")) != SIZE_MAX;
            exponent |= str_find(buf_str(&text), STR("e-")) != SIZE_MAX;
            size_t digits = 0;
            for (size_t at = 0; at < text.len; at++) {
                char c = text.data[at];
                bool part = (c >= '0' && c <= '9') || c == '.';
                digits = part ? digits + (c != '.') : 0;
                long_number |= digits == 16;
            }
            json_t *row = json_loadb(text.data, text.len, 0, NULL);
            huge |= json_integer_value(json_object_get(row, "TOTAL_TRADES")) > 1LL << 53;
            json_decref(row);
            buf_release(&text);
        }
    }
    CHECK(negative);
    CHECK(exponent);
    CHECK(huge);
    CHECK(long_number);
    world_free(w);
}

TEST(rows_numbers_as_javascript_writes_them)
{
    static const struct {
        int64_t value;
        unsigned decimals;
        const char *text;
    } cases[] = {
        {0, 8, "0"},
        {7, 0, "7"},
        {70, 1, "7"},
        {7000000, 6, "7"},
        {71, 1, "7.1"},
        {-71, 1, "-7.1"},
        {125, 7, "0.0000125"},
        {-121451, 10, "-0.0000121451"},
        {1, 6, "0.000001"},
        {10, 7, "0.000001"},
        {1, 7, "1e-7"},
        {129, 9, "1.29e-7"},
        {-129, 9, "-1.29e-7"},
        {999, 9, "9.99e-7"},
        {1, 18, "1e-18"},
        {123456789, 19, "1.23456789e-11"},
        {100000, 0, "100000"},
        {9007199254740993, 0, "9007199254740993"},
        {INT64_MAX, 0, "9223372036854775807"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {INT64_MAX, 19, "0.9223372036854775807"},
        {10000000000, 10, "1"},
        {5, 1, "0.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        *write_decimal(text, cases[i].value, cases[i].decimals) = '\0';
        CHECK_TEXT(cases[i].text, text);
    }
}
