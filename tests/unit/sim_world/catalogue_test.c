/* Markets, instruments and top assets. */
#include "test.h"

#include <jansson.h>
#include <string.h>

#include "sim/world_private.h"

enum { NOW = 1750000000 };

static struct world *make(void)
{
    struct world *w = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, world_new(&world_defaults, NULL, &w, &err));
    return w;
}

/* Data of a reply; the caller drops *out_reply. */
static json_t *data_of(const struct world *w, int status, const char *path, json_t **out_reply)
{
    struct buf body;
    buf_init(&body, 1 << 26, NULL);
    CHECK_INT(status, world_reply(w, str_from(path), NOW, &body));
    *out_reply = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    CHECK(*out_reply);
    buf_release(&body);
    return json_object_get(*out_reply, "Data");
}

static const json_t *at(const json_t *object, const char *a, const char *b, const char *c)
{
    const json_t *v = json_object_get(object, a);
    v = b ? json_object_get(v, b) : v;
    return c ? json_object_get(v, c) : v;
}

TEST(catalogue_of_markets)
{
    static const struct {
        const char *path, *market;
        size_t at_least;
    } cases[] = {{"/spot/v1/markets", "kraken", 10},
                 {"/futures/v1/markets", "okex", 10},
                 {"/index/cc/v1/markets", "cadli", 2}};
    struct world *w = make();
    for (size_t i = 0; i < 3; i++) {
        json_t *reply, *data = data_of(w, 200, cases[i].path, &reply);
        CHECK(json_object_size(data) >= cases[i].at_least);
        CHECK(json_is_integer(at(data, cases[i].market, "MAPPED_INSTRUMENTS_TOTAL", NULL)));
        CHECK(json_is_integer(at(data, cases[i].market, "INSTRUMENT_STATUS", "ACTIVE")));
        CHECK(!json_object_get(data, "CCCAGG") && !json_object_get(data, "okx"));
        json_decref(reply);
    }
    json_t *reply, *data = data_of(w, 200, "/spot/v1/markets?market=Kraken", &reply);
    CHECK_INT(1, json_object_size(data));
    json_decref(reply);
    (void)data_of(w, 404, "/spot/v1/markets?market=okx", &reply);
    json_decref(reply);
    world_free(w);
}

TEST(catalogue_of_spot_instruments)
{
    struct world *w = make();
    json_t *reply, *data = data_of(w, 200, "/spot/v1/markets/instruments?market=kraken", &reply);
    const json_t *btc = at(data, "kraken", "instruments", "BTC-USD");
    const struct world_series *s = world_find(w, data_type_find(STR("spot_ohlcv")), STR("kraken"),
                                              STR("BTC-USD"));
    CHECK_INT(1, json_object_size(data));
    CHECK_TEXT("XXBTZUSD", json_string_value(at(btc, "INSTRUMENT", NULL, NULL)));
    CHECK_TEXT("BTC-USD", json_string_value(at(btc, "MAPPED_INSTRUMENT", NULL, NULL)));
    CHECK_TEXT("612", json_string_value(at(btc, "TYPE", NULL, NULL)));
    CHECK_TEXT("BTC", json_string_value(at(btc, "INSTRUMENT_MAPPING", "BASE", NULL)));
    CHECK_TEXT("USD", json_string_value(at(btc, "INSTRUMENT_MAPPING", "QUOTE", NULL)));
    CHECK(json_is_true(at(btc, "HAS_TRADES_SPOT", NULL, NULL)));
    CHECK_INT(s->first_ts, json_integer_value(at(btc, "FIRST_TRADE_SPOT_TIMESTAMP", NULL, NULL)));
    int64_t last = json_integer_value(at(btc, "LAST_TRADE_SPOT_TIMESTAMP", NULL, NULL));
    CHECK(last <= NOW && last > NOW - 300);
    CHECK(json_integer_value(at(btc, "TOTAL_TRADES_SPOT", NULL, NULL)) > 1000000);
    json_decref(reply);
    world_free(w);
}

TEST(catalogue_of_futures_instruments)
{
    struct world *w = make();
    json_t *reply,
        *data = data_of(w, 200, "/futures/v1/markets/instruments?market=bybit&groups=ID", &reply);
    const json_t *btc = at(data, "bybit", "instruments", "BTC-USDT-VANILLA-PERPETUAL");
    CHECK_TEXT("BTCUSDT", json_string_value(at(btc, "INSTRUMENT", NULL, NULL)));
    CHECK_TEXT("VANILLA",
               json_string_value(at(btc, "INSTRUMENT_MAPPING", "DENOMINATION_TYPE", NULL)));
    CHECK(json_integer_value(at(btc, "TOTAL_TRADES_FUTURES", NULL, NULL)) > 1LL << 53);
    CHECK(json_is_true(at(btc, "HAS_FUNDING_RATE_UPDATES", NULL, NULL)));
    CHECK(json_is_true(at(btc, "HAS_OPEN_INTEREST_UPDATES", NULL, NULL)));
    CHECK(json_is_null(at(btc, "CONTRACT_EXPIRATION_TS", NULL, NULL)));
    json_decref(reply);
    data = data_of(
        w, 200, "/futures/v1/markets/instruments?market=deribit&instrument_status=EXPIRED", &reply);
    const json_t *dated = at(data, "deribit", "instruments", "BTC-USD-INVERSE-20240329");
    CHECK_INT(1711699199, json_integer_value(at(dated, "CONTRACT_EXPIRATION_TS", NULL, NULL)));
    CHECK_INT(1711699199,
              json_integer_value(at(dated, "LAST_TRADE_FUTURES_TIMESTAMP", NULL, NULL)));
    CHECK(json_is_false(at(dated, "HAS_FUNDING_RATE_UPDATES", NULL, NULL)));
    CHECK_INT(0, json_integer_value(at(dated, "FIRST_FUNDING_RATE_UPDATE_TIMESTAMP", NULL, NULL)));
    /* Still traded at that moment, although the world knows when it ends. */
    CHECK(!at(data, "deribit", "instruments", "BTC-USD-INVERSE-20351228"));
    json_decref(reply);
    world_free(w);
}

static int64_t number_at(const json_t *object, const char *a, const char *b)
{
    return json_integer_value(at(object, a, b, NULL));
}

/* What a market says of itself is what its instruments add up to. */
static void check_counters(const char *name, const json_t *market, const char *total)
{
    json_t *instruments = json_object_get(market, "instruments");
    const char *key;
    json_t *value;
    int64_t sum = 0, mapped = 0;
    json_object_foreach(instruments, key, value)
    {
        sum += number_at(value, total, NULL);
        mapped += json_object_get(value, "MAPPED_INSTRUMENT") != NULL;
    }
    bool right = CHECK_INT(sum, number_at(market, total, NULL)) &&
                 CHECK_INT(mapped, number_at(market, "MAPPED_INSTRUMENTS_TOTAL", NULL));
    int64_t unmapped = (int64_t)json_object_size(instruments) - mapped;
    right &= CHECK_INT(unmapped, number_at(market, "UNMAPPED_INSTRUMENTS_TOTAL", NULL));
    json_object_foreach(json_object_get(market, "INSTRUMENT_STATUS"), key, value)
    {
        int64_t count = 0;
        const char *id;
        json_t *instrument;
        json_object_foreach(instruments, id, instrument) count +=
            strcmp(json_string_value(at(instrument, "INSTRUMENT_STATUS", NULL, NULL)), key) == 0;
        right &= strcmp(key, "undefined") == 0 || CHECK_INT(count, json_integer_value(value));
    }
    if (!right)
        CHECK_TEXT("", name);
}

#define ALL_STATUSES                                                                               \
    "?instrument_status=ACTIVE,IGNORED,RETIRED,EXPIRED,READY_FOR_DECOMMISSIONING,"                 \
    "RETIRED_UNMAPPED"

TEST(catalogue_counters_agree_with_the_instruments)
{
    static const char *const cases[][2] = {
        {"/spot/v1/markets/instruments" ALL_STATUSES, "TOTAL_TRADES_SPOT"},
        {"/futures/v1/markets/instruments" ALL_STATUSES, "TOTAL_TRADES_FUTURES"},
        {"/futures/v1/markets/instruments" ALL_STATUSES, "TOTAL_FUNDING_RATE_UPDATES"},
        {"/futures/v1/markets/instruments" ALL_STATUSES, "TOTAL_OPEN_INTEREST_UPDATES"},
    };
    struct world *w = make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *reply, *data = data_of(w, 200, cases[i][0], &reply);
        const char *name;
        json_t *market;
        json_object_foreach(data, name, market) check_counters(name, market, cases[i][1]);
        CHECK(json_object_size(data) > 10);
        json_decref(reply);
    }
    world_free(w);
}

static size_t count_instruments(const struct world *w, const char *path)
{
    json_t *reply, *data = data_of(w, 200, path, &reply);
    size_t count = 0;
    const char *market;
    json_t *value;
    json_object_foreach(data, market, value)
        count += json_object_size(json_object_get(value, "instruments"));
    json_decref(reply);
    return count;
}

TEST(catalogue_filters)
{
    struct world *w = make();
    const char *mexc = "/spot/v1/markets/instruments?market=mexc";
    char path[256];
    size_t active = count_instruments(w, mexc);
    CHECK(str_print(path, sizeof path, "%s&instrument_status=ACTIVE", mexc));
    CHECK_INT(active, count_instruments(w, path));
    CHECK(str_print(path, sizeof path, "%s&instrument_status=RETIRED_UNMAPPED", mexc));
    CHECK_INT(1, count_instruments(w, path));
    CHECK(str_print(path, sizeof path, "%s&instrument_status=RETIRED_UNMAPPED,ACTIVE", mexc));
    CHECK_INT(active + 1, count_instruments(w, path));
    CHECK(str_print(path, sizeof path,
                    "%s&instrument_status=RETIRED_UNMAPPED&instrument_status=ACTIVE", mexc));
    CHECK_INT(active + 1, count_instruments(w, path));
    CHECK(str_print(path, sizeof path, "%s&instrument_status=EXPIRED", mexc));
    CHECK_INT(0, count_instruments(w, path));
    CHECK(str_print(path, sizeof path, "%s&instruments=BTC-USDT,MOONFOXUSDT,NO-NO", mexc));
    CHECK_INT(2, count_instruments(w, path));
    CHECK(str_print(path, sizeof path, "%s&instrument=ETHUSDT", mexc));
    CHECK_INT(1, count_instruments(w, path));
    CHECK(count_instruments(w, "/spot/v1/markets/instruments") > 1000);
    json_t *reply;
    (void)data_of(w, 404, "/spot/v1/markets/instruments?market=nowhere", &reply);
    json_decref(reply);
    (void)data_of(w, 404, "/index/cc/v1/markets/instruments", &reply);
    json_decref(reply);
    world_free(w);
}

/* Twins but for case, names beyond ASCII, and one that has no mapping. */
TEST(catalogue_odd_names)
{
    struct world *w = make();
    json_t *reply, *data = data_of(w, 200, "/spot/v1/markets/instruments?market=mexc", &reply);
    const json_t *instruments = at(data, "mexc", "instruments", NULL);
    const json_t *unmapped = at(instruments, "MOONFOXUSDT", NULL, NULL);
    CHECK(at(instruments, "sATS-USDT", NULL, NULL));
    CHECK(at(instruments, "\xf0\x9f\xa6\x84-USDT", NULL, NULL));
    CHECK(unmapped && !at(unmapped, "MAPPED_INSTRUMENT", NULL, NULL));
    CHECK(!at(unmapped, "INSTRUMENT_MAPPING", NULL, NULL));
    CHECK(json_is_true(at(unmapped, "HAS_TRADES_SPOT", NULL, NULL)));
    json_decref(reply);
    world_free(w);
}

/* What the client's own request functions ask for is answered. */
TEST(catalogue_every_type_of_the_registry)
{
    struct world *w = make();
    for (size_t i = 0; i < data_type_count; i++) {
        const struct data_type *type = data_types[i];
        json_t *reply;
        if (type->shape == SHAPE_METADATA) {
            continue; /* lists_test.c */
        } else if (type->shape == SHAPE_CATALOGUE) {
            CHECK(count_instruments(w, type->path) > 100);
        } else if (type->markets_path) {
            CHECK(json_object_size(data_of(w, 200, type->markets_path, &reply)) > 0);
            json_decref(reply);
        }
    }
    world_free(w);
}
