/* Assets and exchanges; versions, shrinking and hostile names of every list; and that the records
 * have what the registry's tables take. */
#include "test.h"

#include <jansson.h>
#include <string.h>

#include "model/request.h"
#include "sim/world_private.h"

enum { NOW = 1772366400, PATH_MAX_BYTES = 1024 };

/* Every group that an asset's members are of. */
#define ALL_GROUPS                                                                                 \
    "ID,BASIC,SUPPLY,ASSET_TYPE_SPECIFIC_METRICS,TOKEN_SALE,EQUITY_SALE,RESOURCE_LINKS,"           \
    "CLASSIFICATION,PRICE,MKT_CAP,VOLUME,CHANGE,TOPLIST_RANK,DESCRIPTION,DESCRIPTION_SUMMARY"

static struct world *make(struct world_config config)
{
    struct world *w = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, world_new(&config, NULL, &w, &err));
    return w;
}

/* The whole reply; the caller drops it. */
static json_t *ask(const struct world *w, int64_t now_utc_s, int status, const char *path)
{
    struct buf body;
    buf_init(&body, 1 << 26, NULL);
    if (!CHECK_INT(status, world_reply(w, str_from(path), now_utc_s, &body)))
        CHECK_TEXT("", path);
    json_t *reply = json_loadb(body.data, body.len,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    CHECK(reply);
    buf_release(&body);
    return reply;
}

/* Some numbers are beyond 64 bits, so all come as doubles. */
static int64_t integer(const json_t *value)
{
    return (int64_t)json_number_value(value);
}

static json_t *at(const json_t *object, const char *a, const char *b)
{
    json_t *v = json_object_get(object, a);
    return b ? json_object_get(v, b) : v;
}

/* All pages of a query as one array; the caller drops it. */
static json_t *assets(const struct world *w, int64_t now_utc_s, const char *query)
{
    json_t *all = json_array();
    int64_t total = 1;
    for (int page = 1; (int64_t)json_array_size(all) < total; page++) {
        char path[PATH_MAX_BYTES];
        CHECK(str_print(path, sizeof path, "/asset/v1/top/list?page=%d&%s", page, query));
        json_t *reply = ask(w, now_utc_s, 200, path);
        const json_t *data = json_object_get(reply, "Data");
        json_t *list = json_object_get(data, "LIST");
        total = integer(at(data, "STATS", "TOTAL_ASSETS"));
        CHECK_INT(page, integer(at(data, "STATS", "PAGE")));
        size_t got = json_array_size(list);
        json_array_extend(all, list);
        json_decref(reply);
        if (!CHECK(got > 0))
            break;
    }
    CHECK_INT(total, json_array_size(all));
    return all;
}

/* ---- the asset list */

TEST(assets_are_each_listed_once)
{
    struct world *w = make(world_defaults);
    json_t *all = assets(w, NOW, "page_size=37&sort_by=CREATED_ON&sort_direction=ASC&groups=ID");
    CHECK(json_array_size(all) >= 400);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *asset = json_array_get(all, i);
        CHECK_INT(i + 1, integer(at(asset, "ID", NULL)));
        CHECK(json_string_length(at(asset, "SYMBOL", NULL)) > 0);
        CHECK_INT(10, json_object_size(asset)); /* and of no other group anything */
    }
    json_decref(all);
    json_t *reply = ask(w, NOW, 200, "/asset/v1/top/list?page=1000");
    CHECK_INT(0, json_array_size(at(json_object_get(reply, "Data"), "LIST", NULL)));
    json_decref(reply);
    world_free(w);
}

TEST(assets_refuse_what_the_vendor_refuses)
{
    static const char *const refused[] = {
        "page=0",         "page=1001",    "page_size=9",        "page_size=101",
        "page=x",         "sort_by=NAME", "sort_direction=UP",  "groups=ID,NONSENSE",
        "asset_type=PIG", "sort_by=%00",  "sort_direction=asc", "groups=%ff",
    };
    struct world *w = make(world_defaults);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char path[PATH_MAX_BYTES];
        CHECK(str_print(path, sizeof path, "/asset/v1/top/list?%s", refused[i]));
        json_decref(ask(w, NOW, 400, path));
    }
    world_free(w);
}

static const json_t *member(const json_t *record, const char *path)
{
    char parent[64];
    const char *dot = strchr(path, '.');
    if (!dot)
        return json_object_get(record, path);
    (void)str_copy(parent, sizeof parent, (struct str){path, (size_t)(dot - path)});
    return json_object_get(json_object_get(record, parent), dot + 1);
}

static void check_order(const json_t *all, const char *key, bool ascending)
{
    for (size_t i = 1; i < json_array_size(all); i++) {
        const json_t *a = json_array_get(all, i - 1), *b = json_array_get(all, i);
        const json_t *va = member(a, key), *vb = member(b, key);
        double x = json_number_value(va), y = json_number_value(vb);
        bool tie = json_is_null(va) == json_is_null(vb) && (json_is_null(va) || x == y);
        bool right = tie ? integer(at(a, "ID", NULL)) < integer(at(b, "ID", NULL))
                     : json_is_null(va) || json_is_null(vb) ? json_is_null(vb)
                                                            : (x < y) == ascending;
        if (!CHECK(right))
            CHECK_TEXT("", key);
    }
}

TEST(assets_come_in_the_order_asked_for)
{
    static const char *const keys[] = {"CREATED_ON",
                                       "LAUNCH_DATE",
                                       "UPDATED_ON",
                                       "PRICE_USD",
                                       "CIRCULATING_MKT_CAP_USD",
                                       "TOTAL_MKT_CAP_USD",
                                       "SPOT_MOVING_24_HOUR_QUOTE_VOLUME_USD",
                                       "SPOT_MOVING_7_DAY_QUOTE_VOLUME_TOP_TIER_DIRECT_USD",
                                       "SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD",
                                       "SPOT_MOVING_30_DAY_CHANGE_PERCENTAGE_USD"};
    struct world *w = make(world_defaults);
    for (size_t i = 0; i < 2 * sizeof keys / sizeof keys[0]; i++) {
        char query[PATH_MAX_BYTES];
        bool ascending = i % 2;
        CHECK(str_print(query, sizeof query, "sort_by=%s&sort_direction=%s", keys[i / 2],
                        ascending ? "ASC" : "DESC"));
        json_t *all = assets(w, NOW, query);
        check_order(all, keys[i / 2], ascending);
        json_decref(all);
    }
    json_t *all = assets(w, NOW, "sort_by=SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD");
    for (size_t i = 0; i < json_array_size(all); i++)
        CHECK_INT(i + 1, integer(member(json_array_get(all, i),
                                        "TOPLIST_BASE_RANK.SPOT_MOVING_30_DAY_QUOTE_"
                                        "VOLUME_USD")));
    json_decref(all);
    world_free(w);
}

/* What the list is for: no reader is spared anything. */
TEST(assets_are_hard_to_read)
{
    static const char *const symbols[] = {"$X",          "O'NEIL",   "M\xc3\x88ME", "QU\"OTE",
                                          "BACK\\SLASH", "<script>", "A,B",         "NULL"};
    struct world *w = make(world_defaults);
    json_t *all = assets(w, NOW, "groups=" ALL_GROUPS);
    size_t found = 0, old = 0, huge = 0, unpriced = 0, bare = 0, objects = 0, empty = 0;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *a = json_array_get(all, i);
        const json_t *previous = at(a, "PREVIOUS_ASSET_SYMBOLS", NULL);
        for (size_t k = 0; k < sizeof symbols / sizeof symbols[0]; k++)
            found += strcmp(symbols[k], json_string_value(at(a, "SYMBOL", NULL))) == 0;
        old += integer(at(a, "LAUNCH_DATE", NULL)) < 0;
        huge += json_number_value(at(a, "LAST_BLOCK_HASHES_PER_SECOND", NULL)) > 1.9e19;
        unpriced += json_is_null(at(a, "PRICE_USD_LAST_UPDATE_TS", NULL)) &&
                    json_is_null(at(a, "PRICE_USD", NULL));
        bare += json_is_string(json_array_get(previous, 0));
        objects += json_is_object(json_array_get(previous, 0));
        empty += json_is_null(previous);
        CHECK(!json_is_array(previous) || json_array_size(previous) > 0);
    }
    CHECK_INT(sizeof symbols / sizeof symbols[0], found);
    CHECK(old >= 5 && huge >= 1 && unpriced >= 10 && bare >= 3 && objects >= 3 && empty >= 100);
    json_decref(all);
    world_free(w);
}

/* From minute to minute prices move, and what an asset is does not. */
TEST(assets_move_with_the_time)
{
    struct world *w = make(world_defaults);
    const char *still = "sort_by=CREATED_ON&groups=ID,BASIC,CLASSIFICATION,DESCRIPTION_SUMMARY,"
                        "RESOURCE_LINKS,TOKEN_SALE";
    json_t *before = assets(w, NOW, still), *after = assets(w, NOW + 60, still);
    CHECK(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    before = assets(w, NOW, "sort_by=CREATED_ON&groups=PRICE");
    after = assets(w, NOW + 60, "sort_by=CREATED_ON&groups=PRICE");
    size_t moved = 0;
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *a = json_array_get(before, i), *b = json_array_get(after, i);
        int64_t from = integer(at(a, "PRICE_USD_LAST_UPDATE_TS", NULL));
        int64_t to = integer(at(b, "PRICE_USD_LAST_UPDATE_TS", NULL));
        moved += from != to;
        CHECK(from <= NOW && to <= NOW + 60);
    }
    CHECK(moved > 300 && moved < json_array_size(before));
    json_decref(before);
    json_decref(after);
    world_free(w);
}

/* ---- exchanges */

static const json_t *exchange_of(const json_t *data, const char *market)
{
    const char *id;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)data, id, value)
    {
        CHECK_TEXT(id, json_string_value(at(value, "Id", NULL)));
        if (str_equal_nocase(str_from(json_string_value(at(value, "InternalName", NULL))),
                             str_from(market)))
            return value;
    }
    return NULL;
}

TEST(exchanges_grade_every_market)
{
    static const char *const grades[] = {"AA", "A", "BB", "B", "C", "D", "E", "F", ""};
    struct world *w = make(world_defaults);
    json_t *reply = ask(w, NOW, 200, "/data/exchanges/general?tsym=USD");
    json_t *data = json_object_get(reply, "Data"), *value;
    const char *id;
    CHECK_TEXT("Success", json_string_value(at(reply, "Response", NULL)));
    for (size_t i = 0; i < w->market_count; i++)
        if (w->markets[i].section != SECTION_INDEX && !CHECK(exchange_of(data, w->markets[i].name)))
            CHECK_TEXT("", w->markets[i].name);
    size_t of_grade[sizeof grades / sizeof grades[0]] = {0}, texts = 0, numbers = 0;
    json_object_foreach(data, id, value)
    {
        for (size_t g = 0; g < sizeof grades / sizeof grades[0]; g++)
            of_grade[g] += strcmp(grades[g], json_string_value(at(value, "Grade", NULL))) == 0;
        texts += json_is_string(at(value, "GradePoints", NULL));
        numbers += json_is_number(at(value, "GradePoints", NULL));
        CHECK(json_is_number(at(value, "TOTALVOLUME24H", "USD")));
    }
    for (size_t g = 0; g < sizeof grades / sizeof grades[0]; g++)
        CHECK(of_grade[g] > 0);
    CHECK(texts >= 3 && numbers >= 3);
    CHECK_TEXT("Kraken", json_string_value(at(exchange_of(data, "kraken"), "InternalName", NULL)));
    json_decref(reply);
    world_free(w);
}

TEST(exchanges_without_a_currency_are_in_bitcoin)
{
    struct world *w = make(world_defaults);
    json_t *reply = ask(w, NOW, 200, "/data/exchanges/general");
    const json_t *kraken = exchange_of(json_object_get(reply, "Data"), "kraken");
    CHECK(at(kraken, "TOTALVOLUME24H", "BTC") && !at(kraken, "TOTALVOLUME24H", "USD"));
    json_decref(reply);
    world_free(w);
}

/* ---- the registry */

/* A set of paths, as members of an object. */
static void add_paths(json_t *set, const char *before, const json_t *value)
{
    char path[256];
    const char *key;
    json_t *of;
    if (!json_is_object(value)) {
        json_object_set_new(set, before, json_true());
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, of)
    {
        CHECK(str_print(path, sizeof path, "%s%s%s", before, before[0] ? "." : "", key));
        add_paths(set, path, of);
    }
}

/* All records of a table that the registry knows, by what the client asks for and all groups. */
static json_t *records_of(const struct world *w, const struct data_type *table)
{
    if (table->is_listed)
        return assets(w, NOW, "groups=" ALL_GROUPS);
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES, NULL);
    if (table->shape == SHAPE_CATALOGUE)
        buf_printf(&path, "%s?instrument_status=ACTIVE,IGNORED,RETIRED,EXPIRED,RETIRED_UNMAPPED",
                   table->path);
    else
        CHECK_INT(0, request_records(&path, table, 1, 100));
    json_t *reply = ask(w, NOW, 200, path.data), *all = json_array();
    buf_release(&path);
    const char *key, *id;
    json_t *value, *instrument;
    json_object_foreach(json_object_get(reply, "Data"), key, value)
    {
        if (table->shape != SHAPE_CATALOGUE)
            json_array_append(all, value);
        json_object_foreach(json_object_get(value, "instruments"), id, instrument)
            json_array_append(all, instrument);
    }
    json_decref(reply);
    return all;
}

static bool is_known(const struct data_type *table, const char *path)
{
    struct str name = str_from(path);
    name = str_split(&name, '.');
    for (size_t i = 0; i < table->left_out_count; i++)
        if (str_glob(str_from(table->left_out[i].keys), name))
            return true;
    for (size_t t = 0; t < metadata_table_count; t++) {
        const struct data_type *part = metadata_tables[t];
        if (part != table && part->parent != table)
            continue;
        if (part->array && strcmp(part->array, path) == 0)
            return true;
        for (size_t i = 0; i < part->column_count && !part->array; i++)
            if (strcmp(part->columns[i].key, path) == 0)
                return true;
    }
    return false;
}

static void check_table(const struct data_type *table, const struct data_type *whole, json_t *seen)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *key = table->array ? table->array : table->columns[i].key;
        if (key[0] && !CHECK(json_object_get(seen, key)))
            CHECK_TEXT(whole->name, key);
    }
}

/* Every column is served, and nothing else but what the registry leaves out and one or two members
 * that nobody knows. */
TEST(records_have_what_the_registry_takes)
{
    struct world *w = make(world_defaults);
    size_t unknown = 0;
    for (size_t t = 0; t < metadata_table_count; t++) {
        const struct data_type *table = metadata_tables[t];
        if (table->parent || strcmp(table->name, "ccdata_top_assets") == 0)
            continue;
        json_t *all = records_of(w, table), *seen = json_object(), *value;
        for (size_t i = 0; i < json_array_size(all); i++)
            add_paths(seen, "", json_array_get(all, i));
        for (size_t p = 0; p < metadata_table_count; p++)
            if (metadata_tables[p] == table || metadata_tables[p]->parent == table)
                check_table(metadata_tables[p], table, seen);
        const char *path;
        json_object_foreach(seen, path, value) unknown += !is_known(table, path);
        json_decref(seen);
        json_decref(all);
    }
    CHECK_INT(2, unknown);
    world_free(w);
}

/* ---- versions, shrinking, hostile names */

enum { LISTS = 4 };
static const char *const list_paths[LISTS] = {
    "/spot/v1/markets/instruments?market=%s&instrument_status=ACTIVE,RETIRED,RETIRED_UNMAPPED",
    "/futures/v1/markets/instruments?market=%s&instrument_status=ACTIVE,RETIRED,EXPIRED",
    "/data/exchanges/general?tsym=USD",
    "/asset/v1/top/list",
};

/* Object of the records by their ids; the caller drops it. */
static json_t *list_at(const struct world *w, unsigned list, const char *market)
{
    json_t *by_id = json_object();
    if (list == 3) {
        json_t *all = assets(w, NOW, "groups=ID,BASIC");
        for (size_t i = 0; i < json_array_size(all); i++) {
            char id[32];
            json_t *asset = json_array_get(all, i);
            CHECK(str_print(id, sizeof id, "%lld", (long long)integer(at(asset, "ID", NULL))));
            json_object_set(by_id, id, asset);
        }
        json_decref(all);
        return by_id;
    }
    char path[PATH_MAX_BYTES];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    CHECK(str_print(path, sizeof path, list_paths[list], market));
#pragma GCC diagnostic pop
    json_t *reply = ask(w, NOW, 200, path);
    json_t *data = json_object_get(reply, "Data");
    json_object_update(by_id, list == 2 ? data : at(data, market, "instruments"));
    json_decref(reply);
    return by_id;
}

static size_t count_missing(json_t *from, const json_t *in)
{
    size_t count = 0;
    const char *id;
    json_t *value;
    json_object_foreach(from, id, value) count += !json_object_get(in, id);
    return count;
}

static size_t count_changed(json_t *from, const json_t *in)
{
    size_t count = 0;
    const char *id, *key;
    json_t *value, *was;
    json_object_foreach(from, id, value) if (json_object_get(in, id))
        json_object_foreach(value, key, was) count += !json_equal(was, at(in, id, key));
    return count;
}

TEST(lists_change_by_one_record_of_each_kind_in_a_version)
{
    struct world_config config = world_defaults;
    struct world *w[3];
    for (int version = 1; version <= 3; version++) {
        config.metadata_version = version;
        w[version - 1] = make(config);
    }
    for (unsigned list = 0; list < LISTS; list++) {
        for (int version = 1; version < 3; version++) {
            json_t *before = list_at(w[version - 1], list, "kraken");
            json_t *after = list_at(w[version], list, "kraken");
            CHECK_INT(1, count_missing(before, after));
            CHECK_INT(1, count_missing(after, before));
            CHECK_INT(1, count_changed(before, after));
            json_decref(before);
            json_decref(after);
        }
    }
    for (int i = 0; i < 3; i++)
        world_free(w[i]);
}

TEST(lists_shrink)
{
    struct world_config config = world_defaults;
    struct world *whole = make(config);
    config.shrink = true;
    struct world *small = make(config);
    for (unsigned list = 0; list < LISTS; list++) {
        json_t *before = list_at(whole, list, "kraken"), *after = list_at(small, list, "kraken");
        size_t expected = json_object_size(before);
        CHECK_INT(list == 2 ? expected : expected * 7 / 10, json_object_size(after));
        json_decref(before);
        json_decref(after);
    }
    world_free(small);
    world_free(whole);
}

TEST(lists_of_as_many_assets_as_wanted)
{
    static const int counts[] = {10, 191, 1500};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct world_config config = world_defaults;
        config.asset_count = counts[i];
        struct world *w = make(config);
        json_t *all = assets(w, NOW, "groups=ID");
        CHECK_INT(counts[i], json_array_size(all));
        json_decref(all);
        world_free(w);
    }
}

static void check_candles(const struct world *w, const char *market, const char *mapped)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES, NULL);
    buf_add_text(&path, "/spot/v1/historical/days?limit=1&market=");
    buf_add_url_text(&path, str_from(market));
    buf_add_text(&path, "&instrument=");
    buf_add_url_text(&path, str_from(mapped));
    json_t *reply = ask(w, NOW, 200, path.data);
    const json_t *row = json_array_get(json_object_get(reply, "Data"), 0);
    CHECK_TEXT(market, json_string_value(at(row, "MARKET", NULL)));
    CHECK_TEXT(mapped, json_string_value(at(row, "MAPPED_INSTRUMENT", NULL)));
    json_decref(reply);
    buf_release(&path);
}

/* In every list, with candles, and as the names that they are. */
TEST(lists_with_hostile_names)
{
    struct world_config config = world_defaults;
    config.hostile_names = true;
    for (int made_up = 0; made_up < 2; made_up++) {
        config.market_count = made_up;
        config.instruments_per_market = made_up;
        struct world *w = make(config);
        json_t *reply = ask(w, NOW, 200, "/spot/v1/markets/instruments");
        json_t *market = at(reply, "Data", hostile_texts[0]);
        json_t *instruments = json_object_get(market, "instruments");
        const char *mapped;
        json_t *value;
        CHECK_INT(hostile_text_count, json_object_size(instruments));
        json_object_foreach(instruments, mapped, value) check_candles(w, hostile_texts[0], mapped);
        json_decref(reply);
        reply = ask(w, NOW, 200, "/data/exchanges/general");
        CHECK(exchange_of(json_object_get(reply, "Data"), hostile_texts[0]));
        json_decref(reply);
        json_t *all = assets(w, NOW, "groups=ID");
        size_t found = 0;
        for (size_t i = 0; i < json_array_size(all); i++)
            for (size_t k = 0; k < hostile_text_count; k++)
                found += strcmp(hostile_texts[k],
                                json_string_value(at(json_array_get(all, i), "SYMBOL", NULL))) == 0;
        CHECK_INT(hostile_text_count, found);
        json_decref(all);
        world_free(w);
    }
}
