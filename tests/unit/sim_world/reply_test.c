/* Candle pages at every edge, and what is said instead of a page. */
#include "test.h"

#include <jansson.h>
#include <string.h>

#include "sim/world_private.h"

enum { NOON = 1700049600, DAY = 86400 }; /* 2023-11-15T12:00:00Z */

/* A world whose replies are as fresh as the request. */
static struct world *make(int64_t first_ts, int hole_permille, int idle_permille)
{
    struct world_config config = world_defaults;
    config.cache_s = 0;
    config.first_ts = first_ts;
    config.hole_permille = hole_permille;
    config.idle_permille = idle_permille;
    struct world *w = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, world_new(&config, NULL, &w, &err));
    return w;
}

/* The reply as JSON; its status must be `status`. */
static json_t *ask(const struct world *w, int status, const char *path, int64_t now)
{
    struct buf body;
    buf_init(&body, 1 << 26, NULL);
    int got = world_reply(w, str_from(path), now, &body);
    json_t *json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!CHECK_INT(status, got) || !CHECK(json))
        CHECK_TEXT("", path);
    buf_release(&body);
    return json;
}

static json_t *data_of(const json_t *reply)
{
    return json_object_get(reply, "Data");
}

static int64_t ts_at(const json_t *reply, size_t i)
{
    return json_integer_value(json_object_get(json_array_get(data_of(reply), i), "TIMESTAMP"));
}

/* A page of `count` rows, one step apart, that begins at `first`. */
static void check_page(const struct world *w, const char *path, int64_t now, size_t count,
                       int64_t first, int64_t step)
{
    json_t *reply = ask(w, 200, path, now);
    if (!CHECK_INT(count, json_array_size(data_of(reply))))
        CHECK_TEXT("", path);
    for (size_t i = 0; i < json_array_size(data_of(reply)); i++)
        CHECK_INT(first + (int64_t)i * step, ts_at(reply, i));
    CHECK(json_is_object(json_object_get(reply, "Err")));
    CHECK_INT(0, json_object_size(json_object_get(reply, "Err")));
    json_decref(reply);
}

#define DAYS "/spot/v1/historical/days?market=kraken&instrument=XXBTZUSD"
#define HOURS "/spot/v1/historical/hours?market=kraken&instrument=BTC-USD"
#define MINUTES "/spot/v1/historical/minutes?market=kraken&instrument=BTC-USD"
static const int64_t today = NOON / DAY * DAY;

TEST(page_without_limits_is_the_last_thirty)
{
    struct world *w = make(0, 0, 0);
    check_page(w, DAYS, NOON, 30, today - 29 * DAY, DAY);
    check_page(w, HOURS, NOON + 1, 30, NOON - 29 * 3600, 3600);
    check_page(w, MINUTES, NOON + 59, 30, NOON - 29 * 60, 60);
    world_free(w);
}

TEST(page_ends_with_the_period_of_to_ts)
{
    struct world *w = make(0, 0, 0);
    check_page(w, DAYS "&limit=2&to_ts=1699920000", NOON, 2, 1699920000 - DAY, DAY);
    check_page(w, DAYS "&limit=2&to_ts=1699920001", NOON, 2, 1699920000 - DAY, DAY);
    check_page(w, DAYS "&limit=2&to_ts=1700006399", NOON, 2, 1699920000 - DAY, DAY);
    check_page(w, DAYS "&limit=2&to_ts=1700006400", NOON, 2, 1699920000, DAY);
    world_free(w);
}

TEST(page_has_the_open_period_when_to_ts_reaches_it)
{
    struct world *w = make(0, 0, 0);
    check_page(w, DAYS "&limit=1", NOON, 1, today, DAY);
    check_page(w, HOURS "&limit=1", NOON, 1, NOON, 3600);
    check_page(w, HOURS "&limit=1", NOON - 1, 1, NOON - 3600, 3600);
    world_free(w);
}

TEST(page_to_ts_may_be_a_little_ahead)
{
    struct world *w = make(0, 0, 0);
    check_page(w, HOURS "&limit=2&to_ts=1700049600", NOON - 5, 1, NOON - 3600, 3600);
    json_decref(ask(w, 200, HOURS "&to_ts=1700049659", NOON - 1));
    json_decref(ask(w, 400, HOURS "&to_ts=1700049660", NOON - 1));
    json_decref(ask(w, 400, HOURS "&to_ts=1893456000", NOON));
    world_free(w);
}

TEST(page_sizes)
{
    struct world *w = make(0, 0, 0);
    check_page(w, DAYS "&limit=1&to_ts=1699920000", NOON, 1, 1699920000, DAY);
    check_page(w, HOURS "&limit=2000&to_ts=1699999999", NOON, 2000, 1699999200 - 1999 * 3600, 3600);
    check_page(w, MINUTES "&limit=2000&to_ts=1699999999", NOON, 2000, 1699999980 - 1999 * 60, 60);
    static const char *const refused[] = {
        DAYS "&limit=0",         DAYS "&limit=-1",
        DAYS "&limit=5001",      HOURS "&limit=2001",
        HOURS "&limit=5000",     DAYS "&limit=",
        DAYS "&limit=1.5",       DAYS "&limit=ten",
        DAYS "&to_ts=",          DAYS "&to_ts=-1",
        DAYS "&to_ts=1e9",       DAYS "&aggregate=0",
        DAYS "&aggregate=2",     DAYS "&fill=maybe",
        DAYS "&groups=NO_ONE",   DAYS "&response_format=CSV",
        DAYS "&apply_mapping=2",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        json_t *reply = ask(w, 400, refused[i], NOON);
        CHECK(json_string_length(json_object_get(json_object_get(reply, "Err"), "message")) > 0);
        CHECK(json_is_object(data_of(reply)));
        json_decref(reply);
    }
    world_free(w);
}

static const struct world_series *kraken(const struct world *w)
{
    return world_find(w, data_type_find(STR("spot_ohlcv")), STR("kraken"), STR("BTC-USD"));
}

static void check_no_entries(const struct world *w, int64_t to_ts, int64_t now)
{
    char path[256], message[128];
    CHECK(str_print(path, sizeof path, DAYS "&limit=5&to_ts=%lld", (long long)to_ts));
    CHECK(str_print(message, sizeof message, "No DAY entries available on or before %lld",
                    (long long)to_ts));
    json_t *reply = ask(w, 404, path, now);
    json_t *err = json_object_get(reply, "Err");
    json_t *info = json_object_get(err, "other_info");
    CHECK_TEXT(message, json_string_value(json_object_get(err, "message")));
    CHECK_INT(1, json_integer_value(json_object_get(err, "type")));
    CHECK_TEXT("to_ts", json_string_value(json_object_get(info, "param")));
    CHECK_INT(to_ts, json_integer_value(json_array_get(json_object_get(info, "values"), 0)));
    json_decref(reply);
}

TEST(page_at_the_start_of_history)
{
    struct world *w = make(1600000000, 0, 0);
    const struct world_series *s = kraken(w);
    int64_t first = s->first_ts - s->first_ts % DAY;
    char path[256];
    CHECK(s->first_ts % DAY != 0);
    CHECK(
        str_print(path, sizeof path, DAYS "&limit=5&to_ts=%lld", (long long)(first + 3 * DAY - 1)));
    check_page(w, path, NOON, 3, first, DAY);
    CHECK(str_print(path, sizeof path, DAYS "&limit=5&to_ts=%lld", (long long)first));
    check_page(w, path, NOON, 1, first, DAY);
    CHECK(
        str_print(path, sizeof path, DAYS "&limit=5000&to_ts=%lld", (long long)(first + 4 * DAY)));
    check_page(w, path, NOON, 5, first, DAY);
    check_no_entries(w, first - 1, NOON);
    check_no_entries(w, 0, NOON);
    check_no_entries(w, first, s->first_ts - 1); /* not listed yet */
    world_free(w);
}

/* A series that ended: the window stays where it was asked for, and may be empty. */
TEST(page_behind_the_end)
{
    struct world *w = make(0, 0, 0);
    const char *path =
        "/futures/v1/historical/days?market=binance&instrument=BTCUSD_240329&limit=3";
    char at[256];
    const int64_t last = 1711670400; /* 2024-03-29 */
    CHECK(str_print(at, sizeof at, "%s&to_ts=%lld", path, (long long)(last + 2 * DAY)));
    check_page(w, at, last + 10 * DAY, 1, last, DAY);
    CHECK(str_print(at, sizeof at, "%s&to_ts=%lld", path, (long long)(last + 3 * DAY)));
    check_page(w, at, last + 10 * DAY, 0, 0, DAY);
    world_free(w);
}

/* Holes have no record and are counted: the window does not reach further back for them. */
TEST(page_with_holes_is_shorter)
{
    struct world *w = make(0, 300, 0);
    json_t *reply = ask(w, 200, MINUTES "&limit=1000&to_ts=1699999999", NOON);
    size_t count = json_array_size(data_of(reply));
    CHECK(count > 600 && count < 800);
    for (size_t i = 0; i < count; i++) {
        CHECK(ts_at(reply, i) >= 1699999980 - 999 * 60);
        CHECK(i == 0 || ts_at(reply, i) > ts_at(reply, i - 1));
    }
    json_decref(reply);
    world_free(w);
}

TEST(page_without_filled_rows)
{
    struct world *w = make(0, 0, 300);
    check_page(w, MINUTES "&limit=500&to_ts=1699999999", NOON, 500, 1699999980 - 499 * 60, 60);
    json_t *reply = ask(w, 200, MINUTES "&limit=500&fill=false&to_ts=1699999999", NOON);
    size_t count = json_array_size(data_of(reply)), i;
    const json_t *row;
    CHECK(count > 300 && count < 400);
    json_array_foreach(data_of(reply), i, row)
        CHECK(json_integer_value(json_object_get(row, "TOTAL_TRADES")) > 0);
    json_decref(reply);
    world_free(w);
}

TEST(page_of_some_groups)
{
    struct world *w = make(0, 0, 0);
    json_t *reply = ask(w, 200, DAYS "&limit=1&groups=OHLC,VOLUME&groups=TRADE", NOON);
    const json_t *row = json_array_get(data_of(reply), 0);
    static const char *const there[] = {"UNIT",  "TIMESTAMP", "OPEN",
                                        "CLOSE", "VOLUME",    "TOTAL_TRADES"};
    static const char *const gone[] = {"MARKET", "INSTRUMENT", "BASE", "FIRST_TRADE_PRICE"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        CHECK(json_object_get(row, there[i]));
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        CHECK(!json_object_get(row, gone[i]));
    json_decref(reply);
    world_free(w);
}

TEST(page_of_every_type_and_unit)
{
    static const struct {
        const char *path, *unit, *type;
    } cases[] = {
        {"/spot/v1/historical/days?market=KRAKEN&instrument=BTC-USD", "DAY", "954"},
        {"/spot/v1/historical/minutes?instrument=btcusd&market=bitstamp&apply_mapping=true",
         "MINUTE", "954"},
        {"/futures/v1/historical/hours?market=binance&instrument=BTC-USDT-VANILLA-PERPETUAL",
         "HOUR", "914"},
        {"/futures/v1/historical/funding-rate/days?market=binance&instrument=BTCUSDT", "DAY",
         "934"},
        {"/futures/v1/historical/open-interest/hours?market=binance&instrument=BTCUSDT", "HOUR",
         "944"},
        {"/index/cc/v1/historical/days?market=cadli&instrument=BTC-USD", "DAY", "267"},
        {"/index/cc/v1/historical/minutes?market=cadli&instrument=BTC-EUR", "MINUTE", "986"},
        {"/spot/v1/historical/days?market=mexc&instrument=%E9%BE%99-USDT&other=1", "DAY", "954"},
    };
    struct world *w = make(0, 0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *reply = ask(w, 200, cases[i].path, NOON);
        const json_t *row = json_array_get(data_of(reply), 29);
        CHECK_TEXT(cases[i].unit, json_string_value(json_object_get(row, "UNIT")));
        CHECK_TEXT(cases[i].type, json_string_value(json_object_get(row, "TYPE")));
        json_decref(reply);
    }
    world_free(w);
}

TEST(page_errors)
{
    static const struct {
        int status;
        const char *path, *param, *message;
    } cases[] = {
        {404, "/spot/v1/historical/days?market=nowhere&instrument=BTC-USD", "market",
         "Not found: market parameter."},
        {404, "/spot/v1/historical/days?market=okx&instrument=BTC-USDT", "market",
         "Not found: market parameter."},
        {404, "/spot/v1/historical/days?market=CCCAGG&instrument=BTC-USD", "market",
         "Not found: market parameter."},
        {404, "/spot/v1/historical/days?market=kraken&instrument=btc-usd", "instrument",
         "Not found: instrument parameter."},
        {404, "/futures/v1/historical/days?market=binance&instrument=BTC-USDT-PERP", "instrument",
         "Not found: instrument parameter."},
        {404, "/spot/v1/historical/days?market=kraken&instrument=%22%0A%FF", "instrument",
         "Not found: instrument parameter."},
        {400, "/spot/v1/historical/days?market=kraken", "instrument", "is required"},
        {400, "/spot/v1/historical/days?instrument=BTC-USD", "market", "is required"},
        {400, "/spot/v1/historical/days", "market", "is required"},
        {400, "/spot/v1/historical/days?market=k&instrument=BTC-USD", "market", "length"},
        {400, "/spot/v1/historical/days?market=kraken&instrument=", "instrument", "length"},
        {400, "/spot/v1/historical/days?market=kraken&instrument=%4", "instrument", "encoding"},
        {400, "/spot/v1/historical/days?market=kraken&instrument=%00", "instrument", "encoding"},
        {404, "/spot/v1/historical/weeks?market=kraken&instrument=BTC-USD", NULL,
         "path does not exist"},
        {404, "/futures/v1/historical/oi/days?market=binance&instrument=BTCUSDT", NULL,
         "path does not exist"},
        {404, "/asset/v2/metadata?assets=BTC", NULL, "path does not exist"},
        {404, "/", NULL, "path does not exist"},
    };
    struct world *w = make(0, 0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *reply = ask(w, cases[i].status, cases[i].path, NOON);
        const json_t *err = json_object_get(reply, "Err");
        const char *message = json_string_value(json_object_get(err, "message"));
        const json_t *info = json_object_get(err, "other_info");
        if (!CHECK(message && strstr(message, cases[i].message)))
            CHECK_TEXT(cases[i].message, message);
        CHECK_TEXT(cases[i].param, json_string_value(json_object_get(info, "param")));
        CHECK(json_is_object(data_of(reply)) && json_object_size(data_of(reply)) == 0);
        json_decref(reply);
    }
    world_free(w);
}

TEST(page_longest_names)
{
    struct world *w = make(0, 0, 0);
    char path[1200], name[600];
    memset(name, 'A', sizeof name);
    name[500] = '\0';
    CHECK(
        str_print(path, sizeof path, "/spot/v1/historical/days?market=kraken&instrument=%s", name));
    json_decref(ask(w, 404, path, NOON));
    CHECK(str_print(path, sizeof path, "/spot/v1/historical/days?market=kraken&instrument=%sA",
                    name));
    json_decref(ask(w, 400, path, NOON));
    world_free(w);
}

/* The reply stays the same until the moment it names, and that moment is not too early to be of
 * use. */
TEST(page_tells_how_long_it_holds)
{
    struct world_config config = world_defaults;
    config.restate_permille = 20;
    struct world *w = NULL;
    struct ccd_error err;
    CHECK_INT(0, world_new(&config, NULL, &w, &err));
    static const char *const paths[] = {
        HOURS "&limit=48&to_ts=1700049600",
        HOURS "&limit=300&to_ts=1699999999",
        MINUTES "&limit=60&to_ts=1700049600",
    };
    struct repeats repeats = {0};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct buf first, next;
        int64_t until = 0, ignored;
        buf_init(&first, 1 << 24, NULL);
        buf_init(&next, 1 << 24, NULL);
        CHECK_INT(200,
                  world_reply_until(w, str_from(paths[i]), NOON + 7, &first, &until, &repeats));
        CHECK(until > NOON + 7);
        for (int64_t now = NOON + 7; now < until && now < NOON + 40 * DAY;
             now += 1 + (now - NOON) / 7) {
            buf_clear(&next);
            CHECK_INT(200,
                      world_reply_until(w, str_from(paths[i]), now, &next, &ignored, &repeats));
            CHECK(str_equal(buf_str(&first), buf_str(&next)));
        }
        buf_release(&first);
        buf_release(&next);
    }
    struct buf body;
    int64_t until = 1;
    buf_init(&body, 1 << 24, NULL);
    CHECK_INT(200, world_reply_until(w, STR(DAYS), NOON, &body, &until, &repeats));
    CHECK_INT(0, until); /* without to_ts the window moves */
    buf_release(&body);
    repeats_release(&repeats);
    world_free(w);
}

TEST(page_that_does_not_fit)
{
    struct world *w = make(0, 0, 0);
    struct buf body;
    buf_init(&body, 1000, NULL);
    CHECK_INT(500, world_reply(w, STR(DAYS), NOON, &body));
    CHECK(body.failed);
    buf_release(&body);
    world_free(w);
}
