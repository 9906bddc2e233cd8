/* From schema 1, which only SQLite had, to the present one: schema_1.sql is its text as it was
 * released. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sql.h"

enum { DUMP_MAX_BYTES = 8192, KILLS_MAX = 2000 };

/* ---- a database of version 1 ---- */

static const char contents_1[] =
    "INSERT INTO ccdata_schema VALUES (1, 360);"
    "INSERT INTO dim_series (series_id, data_type, market, instrument, mapped_instrument, base,"
    " base_ts) VALUES (7, 'spot_ohlcv', 'kraken', 'XXBTZUSD', 'BTC-USD', 'BTC', 86400),"
    " (8, 'futures_ohlcv', 'kraken', 'PF_XBTUSD', 'PF_XBTUSD', NULL, NULL);"
    "INSERT INTO ccdata_coverage VALUES (7, 86400, 0, 172800, 'stored', 1000, NULL),"
    " (7, 86400, 172800, 259200, 'empty', 1000, 5000);"
    "INSERT INTO ccdata_revisions VALUES (7, 86400, 0, 'open', '0.1', NULL, 1234, 'run-1'),"
    " (7, NULL, NULL, 'mapped_instrument', 'X', 'BTC-USD', 1234, NULL);"
    "INSERT INTO ccdata_catalogue VALUES ('spot_instruments', 'kraken', 999);"
    "INSERT INTO fact_spot_ohlcv_1d (series_id, ts, open, volume, total_trades, collected_at)"
    " VALUES (7, 0, 1.5, -0.0, 3, 2000), (7, 86400, 1e300, 7, 9223372036854775807, 2000);"
    "INSERT INTO ccdata_quarantine VALUES"
    " (7, 86400, 0, 'low above high', '{\"OPEN\":1.5}', 77, 'run-1'),"
    " (7, 86400, 0, 'negative volume', '{\"OPEN\":1.5}', 78, NULL),"
    " (7, 86400, 0, 'low above high', '{\"OPEN\":2.5,\"NAME\":\"a \\\"b\\\" \xe5\xb8\x81\"}', 79,"
    " 'run-2'),"
    " (7, 3600, 0, 'low above high', '{\"OPEN\":1.5}', 80, 'run-2'),"
    " (9, 60, -60, '', '', 81, '');";

static const char kept_sql[] =
    "SELECT * FROM (SELECT 'series', series_id, data_type, market, instrument, mapped_instrument,"
    " base, base_ts FROM dim_series UNION ALL SELECT 'coverage', series_id, step_s, from_ts, to_ts,"
    " state, asked_utc_s, next_check_utc_s FROM ccdata_coverage UNION ALL SELECT 'revision',"
    " series_id, step_s, ts, column_name, old_value, new_value, seen_utc_s FROM ccdata_revisions"
    " UNION ALL SELECT 'catalogue', data_type, market, asked_utc_s, 0, 0, 0, 0 FROM"
    " ccdata_catalogue UNION ALL SELECT 'fact', series_id, ts, hex(open), typeof(volume), volume,"
    " total_trades, collected_at FROM fact_spot_ohlcv_1d UNION ALL SELECT 'quarantine', series_id,"
    " step_s, ts, reason, record, seen_utc_s, run_id FROM ccdata_quarantine)"
    " ORDER BY 1, 2, 3, 4, 5, 6, 7, 8";

/* Static storage of the last call. */
static const char *read_text_1(void)
{
    static char text[65536];
    FILE *file = fopen(SOURCE_ROOT "/tests/unit/store/schema_1.sql", "rb");
    if (!file) {
        perror("schema_1.sql");
        exit(1);
    }
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    CHECK(len < sizeof(text) - 1);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void make_1(const struct fixture *f)
{
    CHECK(db_run_once(f, read_text_1()));
    CHECK(db_run_once(f, contents_1));
}

static void dump(const struct fixture *f, char out[DUMP_MAX_BYTES])
{
    CHECK(str_copy(out, DUMP_MAX_BYTES, str_from(db_rows_once(f, kept_sql))));
}

/* Open and close; the status. */
static int try_open(struct fixture *f, bool create, bool read_only)
{
    struct store_config config = fixture_config(f);
    config.create_schema = create;
    config.read_only = read_only;
    error_clear(&f->err);
    int status = store_open(&config, &f->store, &f->err);
    store_close(f->store);
    f->store = NULL;
    return status;
}

/* ---- the migration ---- */

PLACE_TEST(migration_keeps_everything)
{
    char before[DUMP_MAX_BYTES];
    char after[DUMP_MAX_BYTES];
    make_1(f);
    dump(f, before);
    CHECK(strstr(before, "negative volume") != NULL);
    CHECK_INT(CCD_OK, try_open(f, true, false));
    dump(f, after);
    CHECK_TEXT(before, after);
    CHECK_SQL("4|360", f, "SELECT * FROM ccdata_schema");
    CHECK_SQL("5|5", f,
              "SELECT count(*), count(DISTINCT record_hash || ' ' || step_s) FROM"
              " ccdata_quarantine");
    CHECK_SQL("0", f, "SELECT count(*) FROM ccdata_proofs");
    CHECK_SQL("0", f,
              "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'ccdata%\\_1' ESCAPE '\\'");
    CHECK_SQL("ok", f, "PRAGMA integrity_check");
    CHECK_INT(CCD_OK, try_open(f, false, false));
    CHECK_INT(CCD_OK, try_open(f, false, true));
    dump(f, after);
    CHECK_TEXT(before, after);
}

static void add_difference(void *user, const struct store_difference *difference)
{
    struct buf *out = user;
    buf_printf(out, "%s: %s\n", difference->object, difference->what);
}

static void differences(const struct fixture *f, struct buf *out)
{
    struct store_config config = fixture_config(f);
    buf_init(out, 1 << 20, NULL);
    CHECK_INT(CCD_OK, store_check_schema(&config, add_difference, out, NULL));
}

PLACE_TEST(migrated_database_is_like_a_new_one)
{
    struct buf out;
    make_1(f);
    CHECK_INT(CCD_OK, try_open(f, true, false));
    differences(f, &out);
    CHECK_INT(0, out.len);
    buf_release(&out);
}

PLACE_TEST(check_names_what_is_old_and_changes_nothing)
{
    struct buf out;
    make_1(f);
    differences(f, &out);
    CHECK(str_find(buf_str(&out), STR("ccdata_schema: has version 1, expected version 4")) !=
          SIZE_MAX);
    CHECK(str_find(buf_str(&out), STR("ccdata_quarantine: lacks column record_hash INTEGER NOT "
                                      "NULL key 4")) != SIZE_MAX);
    CHECK(str_find(buf_str(&out), STR("ccdata_proofs: missing")) != SIZE_MAX);
    buf_release(&out);
    CHECK_SQL("1|360", f, "SELECT * FROM ccdata_schema");
}

/* A record that was refused before the migration is known after it. */
PLACE_TEST(finding_of_old_is_not_kept_twice)
{
    struct page page;
    struct store_config config = fixture_config(f);
    page_init_days(&page, 100, 2);
    page_reject(&page, 1, "low above high");
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    page_check(f, &page, 1, 0, 0, 1);
    f->writer->ops->writer_close(f->writer);
    f->writer = NULL;
    store_close(f->store);
    CHECK(db_run_once(
        f, "ALTER TABLE ccdata_quarantine RENAME TO q;"
           "CREATE TABLE ccdata_quarantine (series_id INTEGER NOT NULL, step_s INTEGER NOT NULL,"
           " ts INTEGER NOT NULL, reason TEXT NOT NULL, record TEXT NOT NULL,"
           " seen_utc_s INTEGER NOT NULL, run_id TEXT,"
           " PRIMARY KEY (series_id, step_s, ts, reason, record)) WITHOUT ROWID;"
           "INSERT INTO ccdata_quarantine SELECT series_id, step_s, ts, reason, record, seen_utc_s,"
           " run_id FROM q; DROP TABLE q; DROP TABLE ccdata_proofs; DROP TABLE ccdata_schema;"
           "CREATE TABLE ccdata_schema (version INTEGER NOT NULL, settle_s INTEGER NOT NULL);"
           "INSERT INTO ccdata_schema VALUES (1, 360)"));
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    page_check(f, &page, 0, 0, 1, 1);
    CHECK_SQL("1", f, "SELECT count(*) FROM ccdata_quarantine");
    page_reject(&page, 1, "another reason");
    page_check(f, &page, 0, 0, 1, 1);
    CHECK_SQL("2", f, "SELECT count(*) FROM ccdata_quarantine");
    f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    page_release(&page);
}

PLACE_TEST(migration_writes_the_new_settle_time)
{
    make_1(f);
    CHECK(db_run_once(f, "UPDATE ccdata_schema SET settle_s = 5"));
    CHECK_INT(CCD_OK, try_open(f, true, false));
    CHECK_SQL("4|360", f, "SELECT * FROM ccdata_schema");
}

PLACE_TEST(views_of_others_do_not_stop_a_migration)
{
    make_1(f);
    CHECK(db_run_once(f, "CREATE VIEW broken AS SELECT gone FROM nowhere;"
                         "CREATE VIEW findings AS SELECT reason FROM ccdata_quarantine"));
    CHECK_INT(CCD_OK, try_open(f, true, false));
    CHECK_SQL("5", f, "SELECT count(*) FROM findings");
    CHECK_SQL("1", f, "SELECT count(*) FROM sqlite_schema WHERE name = 'broken'");
}

PLACE_TEST(reader_does_not_migrate)
{
    char before[DUMP_MAX_BYTES];
    char after[DUMP_MAX_BYTES];
    struct series_names names;
    struct store_config config = fixture_config(f);
    make_1(f);
    dump(f, before);
    config.create_schema = false;
    config.read_only = true;
    CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
    CHECK(find(f, "spot_ohlcv", "kraken", "BTC-USD", &names));
    CHECK_INT(7, names.series_id);
    store_close(f->store);
    dump(f, after);
    CHECK_TEXT(before, after);
    CHECK_SQL("1|360", f, "SELECT * FROM ccdata_schema");
}

PLACE_TEST(old_schema_is_refused_where_nothing_may_be_created)
{
    make_1(f);
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, false, false));
    CHECK(strstr(f->err.message, "older ccdata (schema 1") != NULL);
    CHECK(strstr(f->err.message, "ccdata schema --create") != NULL);
    CHECK_SQL("1|360", f, "SELECT * FROM ccdata_schema");
}

PLACE_TEST(newer_version_is_not_touched)
{
    char before[DUMP_MAX_BYTES];
    char after[DUMP_MAX_BYTES];
    make_1(f);
    CHECK(db_run_once(f, "UPDATE ccdata_schema SET version = 5"));
    dump(f, before);
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, true, false));
    CHECK(strstr(f->err.message, "made by a newer ccdata (schema 5") != NULL);
    dump(f, after);
    CHECK_TEXT(before, after);
}

PLACE_TEST(old_table_that_does_not_fit_is_refused)
{
    make_1(f);
    CHECK(db_run_once(f, "ALTER TABLE dim_series ADD COLUMN extra TEXT"));
    CHECK_INT(CCD_DATABASE_SCHEMA, try_open(f, true, false));
    CHECK(strstr(f->err.message, "dim_series") != NULL);
}

/* ---- interrupted ---- */

/* Dies at the N-th allocation. */
struct deadly_allocator {
    struct allocator hook;
    long left;
};

static void *deadly_reallocate(void *user, void *ptr, size_t size_bytes)
{
    struct deadly_allocator *a = user;
    if (size_bytes == 0) {
        free(ptr);
        return NULL;
    }
    if (a->left-- <= 0)
        kill(getpid(), SIGKILL);
    return realloc(ptr, size_bytes);
}

/* In a child; true when it lived to the end. */
static bool open_and_die(struct fixture *f, long at)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct deadly_allocator a = {{deadly_reallocate, NULL}, at};
        struct store_config config = fixture_config(f);
        a.hook.user = &a;
        config.allocator = &a.hook;
        _exit(store_open(&config, &f->store, &f->err));
    }
    int status = -1;
    CHECK_INT(child, waitpid(child, &status, 0));
    if (WIFEXITED(status))
        CHECK_INT(CCD_OK, WEXITSTATUS(status));
    return WIFEXITED(status);
}

PLACE_TEST(killed_migration_happened_or_did_not)
{
    char before[DUMP_MAX_BYTES];
    char after[DUMP_MAX_BYTES];
    long deaths_before = 0;
    long at = 0;
    make_1(f);
    dump(f, before);
    for (; at < KILLS_MAX && !open_and_die(f, at); at++) {
        dump(f, after);
        if (!CHECK_TEXT(before, after))
            return;
        const char *version = db_rows_once(f, "SELECT * FROM ccdata_schema");
        bool is_old = strcmp(version, "1|360") == 0;
        CHECK(is_old || strcmp(version, "2|360") == 0 || strcmp(version, "3|360") == 0 ||
              strcmp(version, "4|360") == 0);
        deaths_before += is_old;
        CHECK_SQL(is_old ? "0" : "1", f,
                  "SELECT count(*) FROM pragma_table_info('ccdata_quarantine')"
                  " WHERE name = 'record_hash'");
    }
    CHECK(deaths_before > 10 && at < KILLS_MAX);
    dump(f, after);
    CHECK_TEXT(before, after);
    CHECK_SQL("4|360", f, "SELECT * FROM ccdata_schema");
}

TEST(sqlite_processes_migrate_one_database)
{
    enum { CHILDREN = 4 };
    struct fixture f = {.back_end = &back_end_sqlite};
    pid_t children[CHILDREN];
    char before[DUMP_MAX_BYTES];
    char after[DUMP_MAX_BYTES];
    if (!CHECK(f.back_end->make_place(&f.place)))
        return;
    make_1(&f);
    dump(&f, before);
    fflush(NULL);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(try_open(&f, true, false));
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        CHECK_INT(children[i], waitpid(children[i], &status, 0));
        CHECK_INT(0, status);
    }
    dump(&f, after);
    CHECK_TEXT(before, after);
    CHECK_SQL("4|360", &f, "SELECT * FROM ccdata_schema");
    f.back_end->remove_place(&f.place);
}
