/* URLs, names, dialects, the schema as text: what stands before any back-end. */
#include <stdio.h>
#include <string.h>

#include "sql.h"
#include "store/attributes.h"
#include "store/ddl.h"
#include "store/url.h"

static int open_with(const char *url, const struct clock *clock, struct ccd_error *err)
{
    struct store_config config = {.url = url, .read_only = true, .clock = clock};
    struct store *store = NULL;
    int status = store_open(&config, &store, err);
    CHECK((status == CCD_OK) == (store != NULL));
    store_close(store);
    return status;
}

static int open_url(const char *url, struct ccd_error *err)
{
    return open_with(url, NULL, err);
}

/* Ten seconds pass between two looks, so that nothing is tried again. */
static int64_t leap(void *user)
{
    int64_t *now_us = user;
    return *now_us += 10000000;
}

/* Port 1 of this machine serves nobody: the scheme is known, the server is not there. */
TEST(server_schemes_reach_for_their_server)
{
    static const char *const urls[] = {
        "singlestore://root:secret@127.0.0.1:1/db", "mysql://root:secret@127.0.0.1:1/db",
        "mariadb://root:secret@127.0.0.1:1/db",     "postgresql://root:secret@127.0.0.1:1/db",
        "postgres://root:secret@127.0.0.1:1/db",    "MySQL://root:secret@127.0.0.1:1/db",
    };
    int64_t now_us = 0;
    const struct clock clock = {.utc_us = leap, .mono_us = leap, .user = &now_us};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct ccd_error err = {0};
        CHECK_INT(CCD_DATABASE_UNREACHABLE, open_with(urls[i], &clock, &err));
        CHECK(strstr(err.message, "127.0.0.1") != NULL);
        CHECK(!strstr(err.message, "secret"));
    }
}

TEST(unknown_schemes_name_the_nearest)
{
    static const struct {
        const char *url, *nearest;
    } cases[] = {
        {"sqllite:x.db", "sqlite"},
        {"sqlite3:x.db", "sqlite"},
        {"mysq://h", "mysql"},
        {"postgre://h", "postgres"},
        {"nul:", "null"},
        {"maria-db://h", "mariadb"},
        {"memsql:secret@h/secret", "mysql"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ccd_error err = {0};
        char expected[64];
        CHECK_INT(CCD_USAGE, open_url(cases[i].url, &err));
        str_print(expected, sizeof(expected), "did you mean %s?", cases[i].nearest);
        if (!CHECK(strstr(err.message, expected) != NULL))
            fprintf(stderr, "%s\n", err.message);
        CHECK(!strstr(err.message, "secret"));
    }
}

TEST(texts_that_are_no_url)
{
    static const char *const urls[] = {"",      "ccdata.db", "/abs/ccdata.db", ":x", "1:x",
                                       "a b:x", NULL};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct ccd_error err = {0};
        CHECK_INT(CCD_USAGE, open_url(urls[i], &err));
        CHECK(strstr(err.message, "sqlite:ccdata.db") != NULL);
    }
}

TEST(null_url)
{
    struct ccd_error err = {0};
    CHECK_INT(CCD_OK, open_url("null:", &err));
    CHECK_INT(CCD_OK, open_url("NULL:", &err));
}

static void check_path(const char *url, const char *expected)
{
    struct store_url parsed;
    struct ccd_error err = {0};
    int status = store_url_parse(url, &parsed, &err);
    CHECK_INT(expected ? CCD_OK : CCD_USAGE, status);
    if (expected && status == CCD_OK) {
        CHECK_TEXT("sqlite", parsed.scheme);
        CHECK_TEXT(expected, parsed.path);
    }
    store_url_release(&parsed);
}

TEST(sqlite_paths)
{
    check_path("sqlite:ccdata.db", "./ccdata.db");
    check_path("sqlite:data/ccdata.db", "./data/ccdata.db");
    check_path("sqlite:../x.db", "./../x.db");
    check_path("sqlite:/abs/x.db", "/abs/x.db");
    check_path("sqlite:///abs/x.db", "/abs/x.db");
    check_path("sqlite::memory:", "./:memory:");
    check_path("sqlite:file:x.db?mode=memory", "./file:x.db?mode=memory");
    check_path("sqlite:a b%20ü.db", "./a b%20ü.db");
    check_path("sqlite:", NULL);
    check_path("sqlite://host/x.db", NULL);
    check_path("sqlite://", NULL);
    check_path("sqlite:dir/", NULL);
}

TEST(sqlite_path_that_is_too_long)
{
    char url[URL_PATH_MAX_BYTES + 8] = "sqlite:/";
    memset(url + 8, 'x', URL_PATH_MAX_BYTES - 2);
    check_path(url, url + 7); /* with its end it just fits */
    url[6 + URL_PATH_MAX_BYTES] = 'x';
    url[7 + URL_PATH_MAX_BYTES] = '\0';
    check_path(url, NULL);
}

TEST(names_of_tables)
{
    char name[32];
    CHECK(store_fact_name(type_of("spot_ohlcv"), INTERVAL_1D, name, sizeof(name)));
    CHECK_TEXT("fact_spot_ohlcv_1d", name);
    CHECK(store_view_name(type_of("futures_funding_rate"), INTERVAL_1H, name, sizeof(name)));
    CHECK_TEXT("futures_funding_rate_1h", name);
    CHECK(!store_fact_name(type_of("spot_ohlcv"), INTERVAL_1D, name, 18));
    CHECK(!store_view_name(type_of("spot_ohlcv"), INTERVAL_1D, name, 13));
    CHECK(store_view_name(type_of("spot_ohlcv"), INTERVAL_1D, name, 14));
}

TEST(dialect_names)
{
    enum store_dialect dialect;
    CHECK_TEXT("sqlite", store_dialect_name(DIALECT_SQLITE));
    CHECK(store_dialect_parse(STR("SQLite"), &dialect));
    CHECK_INT(DIALECT_SQLITE, dialect);
    CHECK(!store_dialect_parse(STR("oracle"), &dialect));
    CHECK(!store_dialect_parse(STR(""), &dialect));
}

TEST(identifiers)
{
    static const char *const good[] = {
        "a", "ts", "high_mark_price_settlement", "0",
        "a23456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {
        "",   "A", "a b", "a\"",
        "a;", "é", "a-b", "a234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(identifier_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf out;
        buf_init(&out, 100, NULL);
        CHECK(!identifier_ok(bad[i]));
        CHECK_INT(-1, identifier_add(&out, dialect_of(DIALECT_SQLITE), bad[i]));
        CHECK(out.failed);
        buf_release(&out);
    }
}

TEST(every_name_of_the_registry_is_an_identifier)
{
    for (size_t t = 0; t < data_type_count; t++) {
        CHECK(identifier_ok(data_types[t]->name));
        for (size_t i = 0; i < data_types[t]->column_count; i++)
            CHECK(identifier_ok(data_types[t]->columns[i].name));
    }
}

TEST(attributes_are_the_union_of_the_types)
{
    struct attribute_set set;
    CHECK(attribute_set_init(&set));
    CHECK(attribute_find(&set, "base") >= 0);
    CHECK(attribute_find(&set, "denomination_type") >= 0);
    CHECK_INT(-1, attribute_find(&set, "open"));
    for (size_t i = 0; i < set.count; i++)
        CHECK_INT(i, attribute_find(&set, set.items[i].name));
}

TEST(instruments_are_split_at_the_last_dash)
{
    struct str base;
    struct str quote;
    CHECK(instrument_split(STR("BTC-USD"), &base, &quote));
    CHECK_STR("BTC", base);
    CHECK_STR("USD", quote);
    CHECK(instrument_split(STR("A-B-C"), &base, &quote));
    CHECK_STR("A-B", base);
    CHECK(!instrument_split(STR("BTC"), &base, &quote));
    CHECK(!instrument_split(STR("-BTC"), &base, &quote));
    CHECK(!instrument_split(STR("BTC-"), &base, &quote));
    CHECK(!instrument_split(STR(""), &base, &quote));
}

TEST(schema_text_runs_in_an_empty_database)
{
    struct buf out;
    sqlite3 *db;
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(CCD_OK, store_write_ddl(DIALECT_SQLITE, false, &out));
    CHECK_INT(SQLITE_OK, sqlite3_open(":memory:", &db));
    CHECK(db_run(db, out.data));
    CHECK_TEXT("15|15|24|1",
               db_rows(db, "SELECT count(*) FILTER (WHERE name LIKE 'fact%'),"
                           " count(*) FILTER (WHERE type = 'view'),"
                           " count(*) FILTER (WHERE type = 'table' AND name NOT LIKE 'fact%'),"
                           " count(*) FILTER (WHERE type = 'index' AND sql IS NOT NULL)"
                           " FROM sqlite_schema"));
    sqlite3_close(db);
    buf_release(&out);
}

TEST(schema_text_that_does_not_fit)
{
    struct buf out;
    buf_init(&out, 1000, NULL);
    CHECK_INT(CCD_NO_MEMORY, store_write_ddl(DIALECT_SQLITE, false, &out));
    CHECK_INT(CCD_USAGE, store_write_ddl(DIALECT_COUNT, false, &out));
    buf_release(&out);
}

static void close_nothing(struct fixture *f)
{
    f->store->ops->close(NULL);
    f->store->ops->writer_close(NULL);
}

TEST(closing_nothing)
{
    store_close(NULL);
    run_contract(&back_end_sqlite, close_nothing);
    run_contract(&back_end_null, close_nothing);
}
