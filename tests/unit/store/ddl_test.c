/* The schema as data and as text, and the words of the dialects; no database is asked here. */
#include <stdio.h>
#include <string.h>

#include "store/ddl.h"
#include "store/legacy.h"
#include "test.h"

enum { TEXT_MAX_BYTES = 1 << 20, OBJECTS_MAX = 128 };

/* Everything that ddl_each gave, in order. */
struct listing {
    enum store_dialect dialect;
    struct {
        enum ddl_kind kind;
        char name[DDL_NAME_MAX_BYTES];
        bool legacy;
    } objects[OBJECTS_MAX];
    size_t count;
    struct buf sql; /* of all, each followed by a line end */
    struct buf expected;
};

static int list_object(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    (void)err;
    struct listing *l = user;
    if (!CHECK(l->count < OBJECTS_MAX))
        return CCD_INTERNAL;
    l->objects[l->count].kind = object->kind;
    l->objects[l->count].legacy = object->legacy;
    str_copy(l->objects[l->count++].name, DDL_NAME_MAX_BYTES, str_from(object->name));
    buf_printf(&l->sql, "%s\n", object->sql);
    CHECK((object->kind == DDL_TABLE) == (object->table != NULL));
    if (object->table)
        CHECK_INT(0, ddl_expect(object->table, dialect_of(l->dialect), &l->expected));
    return CCD_OK;
}

static struct listing *list(enum store_dialect dialect, bool if_missing, bool legacy_views)
{
    static struct listing l;
    struct ccd_error err = {0};
    l = (struct listing){.dialect = dialect};
    buf_init(&l.sql, TEXT_MAX_BYTES, NULL);
    buf_init(&l.expected, TEXT_MAX_BYTES, NULL);
    const struct ddl_options options = {dialect, if_missing, legacy_views};
    CHECK_INT(CCD_OK, ddl_each(&options, NULL, list_object, &l, &err));
    CHECK(!l.sql.failed && !l.expected.failed);
    return &l;
}

static void release(struct listing *l)
{
    buf_release(&l->sql);
    buf_release(&l->expected);
}

static int place_of(const struct listing *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->objects[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool has(const struct buf *text, const char *part)
{
    return strstr(text->data, part) != NULL;
}

/* What upsert_add writes, in a static buffer. */
static const char *upsert(enum store_dialect dialect, const char *keys, const char *sets)
{
    static char text[512];
    struct buf out;
    buf_init(&out, sizeof(text) - 1, NULL);
    bool failed = upsert_add(&out, dialect_of(dialect), keys, sets) != 0;
    str_copy(text, sizeof(text), failed ? STR("failed") : buf_str(&out));
    buf_release(&out);
    return text;
}

static const char *moment(enum store_dialect dialect, int64_t utc_s)
{
    static char text[64];
    struct buf out;
    buf_init(&out, sizeof(text) - 1, NULL);
    bool failed = moment_literal_add(&out, dialect_of(dialect), utc_s) != 0;
    str_copy(text, sizeof(text), failed ? STR("failed") : buf_str(&out));
    buf_release(&out);
    return text;
}

/* ---- objects ---- */

static int count_keys(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    (void)err;
    size_t *numbered = user;
    if (object->kind != DDL_TABLE)
        return CCD_OK;
    CHECK(object->table->key_count > 0 && strstr(object->sql, "PRIMARY KEY (") != NULL);
    *numbered += strstr(object->sql, "`row_id` BIGINT AUTO_INCREMENT NOT NULL") != NULL;
    return CCD_OK;
}

/* MySQL, MariaDB and their clusters refuse tables without one, or writes to them. */
TEST(ddl_every_table_of_mysql_has_a_key)
{
    struct ccd_error err = {0};
    size_t numbered = 0;
    const struct ddl_options options = {.dialect = DIALECT_MYSQL};
    CHECK_INT(CCD_OK, ddl_each(&options, NULL, count_keys, &numbered, &err));
    CHECK_INT(2, numbered); /* coverage and revisions */
}

TEST(ddl_every_dialect_has_the_same_tables_and_views)
{
    for (int d = 0; d < DIALECT_COUNT; d++) {
        struct listing *l = list((enum store_dialect)d, false, false);
        size_t kinds[3] = {0};
        for (size_t i = 0; i < l->count; i++)
            kinds[l->objects[i].kind]++;
        CHECK_INT(39 + (d == DIALECT_SINGLESTORE), kinds[DDL_TABLE]);
        CHECK_INT(15, kinds[DDL_VIEW]);
        CHECK_INT(dialect_of((enum store_dialect)d)->inline_indexes ? 0 : 1, kinds[DDL_INDEX]);
        CHECK((place_of(l, "ccdata_locks") >= 0) == (d == DIALECT_SINGLESTORE));
        release(l);
    }
}

TEST(ddl_order_is_one_in_which_it_can_be_created)
{
    struct listing *l = list(DIALECT_POSTGRESQL, false, true);
    int schema = place_of(l, "ccdata_schema");
    CHECK(schema >= 0 && schema < place_of(l, "spot_ohlcv_1d"));
    CHECK(place_of(l, "dim_series") < place_of(l, "spot_ohlcv_1d"));
    CHECK(place_of(l, "fact_spot_ohlcv_1d") < place_of(l, "spot_ohlcv_1d"));
    CHECK(place_of(l, "ccdata_coverage") < place_of(l, "ccdata_coverage_series"));
    CHECK(place_of(l, "spot_ohlcv_1d") < place_of(l, "cc_ohlcv_spot_1d_raw"));
    release(l);
}

TEST(ddl_text_that_can_be_run_twice)
{
    for (int d = 0; d < DIALECT_COUNT; d++) {
        struct listing *l = list((enum store_dialect)d, true, true);
        for (const char *at = l->sql.data; (at = strstr(at, "TABLE ")) != NULL; at++)
            CHECK(strncmp(at, "TABLE IF NOT EXISTS ", 20) == 0);
        for (const char *at = l->sql.data; (at = strstr(at, "CREATE INDEX ")) != NULL; at++)
            CHECK(strncmp(at, "CREATE INDEX IF NOT EXISTS ", 27) == 0);
        bool replaces = dialect_of((enum store_dialect)d)->view_replaces;
        CHECK(replaces == has(&l->sql, "CREATE OR REPLACE VIEW "));
        CHECK(replaces != has(&l->sql, "DROP VIEW IF EXISTS "));
        release(l);
    }
}

/* Every view's DROP stands right before it, under its name. */
TEST(ddl_drops_what_it_cannot_replace)
{
    struct listing *l = list(DIALECT_SINGLESTORE, true, true);
    size_t drops = 0;
    for (size_t i = 0; i + 1 < l->count; i++) {
        if (l->objects[i].kind != DDL_VIEW)
            continue;
        CHECK_INT(DDL_VIEW, l->objects[i + 1].kind);
        CHECK_TEXT(l->objects[i].name, l->objects[i + 1].name);
        drops++;
        i++;
    }
    CHECK_INT(15 + legacy_view_count, drops);
    release(l);
}

TEST(ddl_stops_where_the_visitor_stops)
{
    struct buf out;
    buf_init(&out, 3000, NULL); /* of tens of thousands */
    CHECK_INT(CCD_NO_MEMORY, store_write_ddl(DIALECT_MYSQL, false, &out));
    buf_release(&out);
}

/* ---- SQLite's text of version 1 ---- */

TEST(ddl_sqlite_text_of_an_unchanged_table)
{
    struct listing *l = list(DIALECT_SQLITE, false, false);
    CHECK(has(&l->sql, "CREATE TABLE \"ccdata_catalogue\" (\n"
                       "  \"data_type\" TEXT NOT NULL,\n"
                       "  \"market\" TEXT NOT NULL,\n"
                       "  \"asked_utc_s\" INTEGER NOT NULL,\n"
                       "  PRIMARY KEY (data_type, market)\n"
                       ") WITHOUT ROWID\n"));
    CHECK(has(&l->sql, "  UNIQUE (data_type, market, instrument),\n"
                       "  UNIQUE (data_type, market, mapped_instrument),\n"
                       "  PRIMARY KEY (series_id)\n"
                       ")\n"));
    CHECK(has(&l->sql, "  \"series_id\" INTEGER NOT NULL,\n"
                       "  \"ts\" INTEGER NOT NULL,\n"
                       "  \"open\",\n"
                       "  \"high\",\n"));
    CHECK(has(&l->sql, "\"state\" TEXT NOT NULL CHECK (state IN ('stored', "));
    CHECK(has(&l->sql, "\nFROM dim_series d CROSS JOIN \"fact_spot_ohlcv_1d\" f\n"
                       "WHERE d.data_type = 'spot_ohlcv' AND f.series_id = d.series_id\n"));
    CHECK(has(&l->sql, "f.collected_at >= f.ts + 86400 + (SELECT settle_s FROM ccdata_schema)"
                       " AS is_final"));
    release(l);
}

/* ---- identifiers ---- */

/* Outside quotes and strings there are only our aliases and words in capitals, and the parts of
 * functions and types that a dialect writes small. */
static bool is_known_word(const char *word, size_t len)
{
    static const char *const known[] = {"d",
                                        "f",
                                        "s",
                                        "v",
                                        "bigint",
                                        "boolean",
                                        "double",
                                        "text",
                                        "interval",
                                        "timestamptz",
                                        "precision",
                                        "to_timestamp",
                                        "utf8mb4_bin",
                                        "utf8mb4",
                                        "utf8mb4_nopad_bin",
                                        "utf8mb4_0900_bin",
                                        "InnoDB"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i]) == len && memcmp(known[i], word, len) == 0)
            return true;
    for (size_t i = 0; i < len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", word[i]))
            return false;
    return true;
}

static void check_words(const char *sql, char quote)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    while (*sql) {
        size_t len = strspn(sql, letters);
        if (*sql == quote || *sql == '\'' || *sql == '"') {
            const char *end = strchr(sql + 1, *sql);
            if (!CHECK(end != NULL))
                return;
            sql = end + 1;
        } else if (len > 0) {
            if (!CHECK(is_known_word(sql, len)))
                printf("  %.*s\n", (int)len, sql);
            sql += len;
        } else {
            sql++;
        }
    }
}

TEST(ddl_every_identifier_is_quoted)
{
    static const enum store_dialect dialects[] = {DIALECT_MYSQL, DIALECT_SINGLESTORE,
                                                  DIALECT_POSTGRESQL};
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        struct listing *l = list(dialects[i], true, true);
        check_words(l->sql.data, dialect_of(dialects[i])->quote);
        release(l);
    }
}

TEST(ddl_every_name_is_an_identifier_of_ours)
{
    struct listing *l = list(DIALECT_SQLITE, false, true);
    for (size_t i = 0; i < l->count; i++)
        CHECK(identifier_ok(l->objects[i].name));
    release(l);
}

/* ---- keys ---- */

/* InnoDB: a key has at most 3072 bytes, four for a character and two for a length. */
static size_t key_bytes(const struct ddl_table *t, const char *name)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (strcmp(t->columns[i].name, name) != 0)
            continue;
        CHECK(t->columns[i].type != DDL_TEXT);
        CHECK(t->columns[i].not_null || t->index_name);
        return t->columns[i].type == DDL_NAME   ? 511 * 4 + 2
               : t->columns[i].type == DDL_WORD ? 64 * 4 + 2
                                                : 8;
    }
    CHECK(!"a key names a column of its table");
    return 0;
}

static void check_key(const struct ddl_table *t, const char *const *names, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count && names[i]; i++)
        bytes += key_bytes(t, names[i]);
    CHECK(bytes <= 3072);
}

static int check_keys(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    (void)user;
    (void)err;
    const struct ddl_table *t = object->table;
    if (!t)
        return CCD_OK;
    check_key(t, t->key, t->key_count);
    check_key(t, t->index, t->index_count);
    for (size_t i = 0; i < t->unique_count; i++)
        check_key(t, t->uniques[i], DDL_KEY_MAX);
    if (t->place == DDL_FACT) {
        CHECK_INT(2, t->key_count);
        CHECK_TEXT("series_id", t->key[0]);
        CHECK_TEXT("ts", t->key[1]);
    }
    if (t->place == DDL_DIMENSION)
        CHECK(t->key_count > 0);
    return CCD_OK;
}

TEST(ddl_keys_have_columns_and_fit)
{
    struct ccd_error err = {0};
    const struct ddl_options options = {.dialect = DIALECT_SINGLESTORE};
    CHECK_INT(CCD_OK, ddl_each(&options, NULL, check_keys, NULL, &err));
}

TEST(ddl_expects_what_describe_gives)
{
    struct listing *l = list(DIALECT_MYSQL, false, false);
    CHECK(has(&l->expected, "column mapped_instrument varchar(511) utf8mb4_bin NOT NULL\n"));
    CHECK(has(&l->expected, "column ts datetime NOT NULL key 2\n"));
    CHECK(has(&l->expected, "column open double\n"));
    CHECK(has(&l->expected, "unique (data_type, market, instrument)\n"
                            "unique (data_type, market, mapped_instrument)\n"));
    release(l);
    l = list(DIALECT_SQLITE, false, false);
    CHECK(has(&l->expected, "column open (no type)\n"));
    CHECK(has(&l->expected, "column version INTEGER NOT NULL key 1\n"
                            "column settle_s INTEGER NOT NULL\n"
                            "column series_id INTEGER NOT NULL key 1\n"));
    CHECK(has(&l->expected, "column collected_at INTEGER NOT NULL\nWITHOUT ROWID\n"));
    release(l);
}

/* ---- dialects ---- */

TEST(dialects_by_name)
{
    enum store_dialect which;
    for (int d = 0; d < DIALECT_COUNT; d++) {
        CHECK(store_dialect_parse(str_from(store_dialect_name((enum store_dialect)d)), &which));
        CHECK_INT(d, which);
        CHECK_INT(d, dialect_of((enum store_dialect)d)->id);
    }
    CHECK(store_dialect_parse(STR("MariaDB"), &which) && which == DIALECT_MYSQL);
    CHECK(store_dialect_parse(STR("postgres"), &which) && which == DIALECT_POSTGRESQL);
    CHECK(!store_dialect_parse(STR("oracle"), &which));
    CHECK(!store_dialect_parse(STR(""), &which));
    CHECK_TEXT("unknown", store_dialect_name(DIALECT_COUNT));
}

TEST(dialect_upserts)
{
    CHECK_TEXT(" ON CONFLICT (\"a\", \"b\") DO UPDATE SET \"c\" = excluded.\"c\", \"d\" ="
               " excluded.\"d\"",
               upsert(DIALECT_SQLITE, "a, b", "c, d"));
    CHECK_TEXT(" ON CONFLICT (\"a\") DO NOTHING", upsert(DIALECT_POSTGRESQL, "a", NULL));
    CHECK_TEXT(" ON DUPLICATE KEY UPDATE `c` = VALUES(`c`)", upsert(DIALECT_MYSQL, "a, b", "c"));
    CHECK_TEXT(" ON DUPLICATE KEY UPDATE `b` = `b`", upsert(DIALECT_SINGLESTORE, "a,b", NULL));
}

TEST(dialect_upserts_take_names_of_ours_only)
{
    CHECK_TEXT("failed", upsert(DIALECT_SQLITE, "a, B", NULL));
    CHECK_TEXT("failed", upsert(DIALECT_MYSQL, "a", "b; DROP"));
    CHECK_TEXT("failed", upsert(DIALECT_POSTGRESQL, "a\"", NULL));
    CHECK_TEXT("failed", upsert(DIALECT_MYSQL, "", NULL));
    CHECK_TEXT("failed",
               upsert(DIALECT_SQLITE,
                      "a234567890123456789012345678901234567890123456789012345678901234", NULL));
}

TEST(dialect_moments)
{
    CHECK_TEXT("1704067200", moment(DIALECT_SQLITE, 1704067200));
    CHECK_TEXT("'2024-01-01 00:00:00'", moment(DIALECT_MYSQL, 1704067200));
    CHECK_TEXT("'2024-01-01 00:00:00+00'", moment(DIALECT_POSTGRESQL, 1704067200));
    CHECK_TEXT("'1969-12-31 23:59:59'", moment(DIALECT_SINGLESTORE, -1));
    CHECK_TEXT("'2038-01-19 03:14:08'", moment(DIALECT_MYSQL, INT64_C(2147483648)));
    CHECK_TEXT("'9999-12-31 23:59:59'", moment(DIALECT_MYSQL, INT64_C(253402300799)));
    CHECK_TEXT("'0001-01-01 00:00:00+00'", moment(DIALECT_POSTGRESQL, INT64_C(-62135596800)));
    CHECK_TEXT("failed", moment(DIALECT_MYSQL, INT64_C(253402300800)));
    CHECK_TEXT("failed", moment(DIALECT_POSTGRESQL, INT64_MIN));
    CHECK_TEXT("-9223372036854775808", moment(DIALECT_SQLITE, INT64_MIN));
}

/* ---- the original's names ---- */

TEST(legacy_views_come_last_and_on_request)
{
    struct listing *l = list(DIALECT_MYSQL, false, true);
    CHECK_INT(14, legacy_view_count);
    for (size_t i = 0; i < l->count; i++)
        CHECK(l->objects[i].legacy == (i >= l->count - legacy_view_count));
    CHECK(has(&l->sql, "CREATE OR REPLACE VIEW `cc_futures_open_interest_ohlc_1h` AS SELECT"));
    CHECK(has(&l->sql, "  v.`close_settlement` AS `close_oi_contracts`,\n"));
    CHECK(has(&l->sql, "  v.`ts` AS `datetime`,\n"));
    CHECK(has(&l->sql, "  COALESCE(v.`mapped_instrument`, v.`instrument`) AS"
                       " `mapped_instrument_symbol`,\n"));
    release(l);
    l = list(DIALECT_MYSQL, false, false);
    CHECK(!has(&l->sql, "cc_futures"));
    release(l);
}

TEST(legacy_moments_are_dates_everywhere)
{
    struct listing *l = list(DIALECT_SQLITE, false, true);
    CHECK(has(&l->sql, "  datetime(v.\"ts\", 'unixepoch') AS \"datetime\",\n"));
    CHECK(has(&l->sql, "  v.\"first_message_timestamp\" AS \"first_message_timestamp\",\n"));
    release(l);
    l = list(DIALECT_POSTGRESQL, false, true);
    CHECK(has(&l->sql, "  to_timestamp(v.\"last_trade_timestamp\") AS"
                       " \"last_trade_timestamp\",\n"));
    release(l);
}
