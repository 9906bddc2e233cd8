/* From schema 2, which every database had, on: more lists, is_listed in the two that there were,
 * runs (3), their operations (4). An older database is made by taking from a new one what the later
 * versions have brought. */
#include <stdio.h>
#include <string.h>

#include "server.h"
#include "sql.h"
#include "store/ddl.h"

/* A case for every database, with a place and no store. */
#define FROM_OLDER(name)                                                                           \
    static void of_older_##name(struct fixture *f);                                                \
    PLACE_TEST(name)                                                                               \
    {                                                                                              \
        of_older_##name(f);                                                                        \
    }                                                                                              \
    SERVERS_ALONE(name)                                                                            \
    {                                                                                              \
        of_older_##name(f);                                                                        \
    }                                                                                              \
    static void of_older_##name(struct fixture *f)

static bool run_sql(struct fixture *f, const char *sql)
{
    return f->back_end == &back_end_sqlite ? db_run_once(f, sql) : server_run(f, sql);
}

/* ---- a database of version 2 ---- */

static void close_store(struct fixture *f)
{
    if (f->writer)
        f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    f->writer = NULL;
    f->store = NULL;
}

static void fill(struct fixture *f)
{
    struct page page;
    struct batch b;
    struct store_list_counts counts;
    page_init_days(&page, 100, 3);
    page_cover(&page, day(100), day(103), COVERAGE_STORED);
    page_check(f, &page, 3, 0, 0, 0);
    page_release(&page);
    CHECK_INT(CCD_OK, batch_init(&b, type_of("spot_instruments"), 2, 1 << 16, NULL, NULL));
    b.row_count = 2;
    for (size_t row = 0; row < 2; row++) {
        batch_set_text(&b, row, (size_t)data_type_column(b.type, STR("market")), STR("kraken"));
        batch_set_text(&b, row, (size_t)data_type_column(b.type, STR("instrument")),
                       row ? STR("O'NEIL") : STR("BTC"));
    }
    CHECK_INT(CCD_OK, put_whole_list(f->store, &b, "kraken", 999, &counts, &f->err));
    batch_release(&b);
}

struct older {
    struct fixture *f;
    int version;
};

/* The view as that version had it. */
static int make_view(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    const struct older *older = user;
    char sql[65536];
    (void)err;
    const char *at = strstr(object->sql, " = 4");
    if (object->kind != DDL_VIEW || !at)
        return CCD_OK;
    str_print(sql, sizeof(sql), "%.*s = %d%s", (int)(at - object->sql), object->sql, older->version,
              at + 4);
    return run_sql(older->f, sql) ? CCD_OK : CCD_INTERNAL;
}

static void say_version(struct fixture *f, enum store_dialect dialect, int version)
{
    char sql[256];
    struct older older = {f, version};
    const struct ddl_options options = {.dialect = dialect, .if_missing = true};
    str_print(sql, sizeof(sql), "UPDATE ccdata_schema SET version = %d", version);
    CHECK(run_sql(f, sql));
    CHECK_INT(CCD_OK, ddl_each(&options, NULL, make_view, &older, &f->err));
}

static void make_3(struct fixture *f)
{
    if (!CHECK(fixture_reopen(f)))
        return;
    enum store_dialect dialect = f->store->dialect;
    fill(f);
    close_store(f);
    CHECK(run_sql(f, "DROP TABLE ccdata_run_operations"));
    say_version(f, dialect, 3);
}

static void make_2(struct fixture *f)
{
    char sql[256];
    if (!CHECK(fixture_reopen(f)))
        return;
    enum store_dialect dialect = f->store->dialect;
    fill(f);
    close_store(f);
    for (size_t i = 0; i < metadata_table_count; i++) {
        bool is_old = metadata_tables[i]->shape == SHAPE_CATALOGUE;
        str_print(sql, sizeof(sql),
                  is_old ? "ALTER TABLE %s DROP COLUMN is_listed" : "DROP TABLE %s",
                  metadata_tables[i]->name);
        CHECK(run_sql(f, sql));
    }
    CHECK(run_sql(f, "DROP TABLE ccdata_runs"));
    CHECK(run_sql(f, "DROP TABLE ccdata_run_operations"));
    CHECK(run_sql(f, "DROP TABLE ccdata_run_series"));
    say_version(f, dialect, 2);
}

/* ---- the migration ---- */

static void add_difference(void *user, const struct store_difference *difference)
{
    buf_printf(user, "%s: %s\n", difference->object, difference->what);
}

static void check_differences(struct fixture *f, const char *expected)
{
    struct store_config config = fixture_config(f);
    struct buf out;
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(CCD_OK, store_check_schema(&config, add_difference, &out, &f->err));
    CHECK_TEXT(expected, out.data ? out.data : "");
    buf_release(&out);
}

#define FINAL "SELECT count(*) FROM spot_ohlcv_1d WHERE is_final IS NOT NULL"
#define LISTED                                                                                     \
    "SELECT count(*) FROM spot_instruments WHERE is_listed AND instrument IN ('BTC', 'O''NEIL')"

static void check_migrated(struct fixture *f)
{
    CHECK_TEXT("4|360", ask(f, "SELECT version, settle_s FROM ccdata_schema"));
    CHECK_TEXT("3", ask(f, FINAL));
    CHECK_TEXT("2", ask(f, LISTED));
    CHECK_TEXT("999", ask(f, "SELECT asked_utc_s FROM ccdata_catalogue"));
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM assets"));
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_run_series"));
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_run_operations"));
    check_differences(f, "");
}

FROM_OLDER(schema_2_is_migrated)
{
    make_2(f);
    if (!CHECK(fixture_reopen(f)))
        fprintf(stderr, "%s\n", f->err.message);
    close_store(f);
    check_migrated(f);
}

FROM_OLDER(schema_3_is_migrated)
{
    make_3(f);
    if (!CHECK(fixture_reopen(f)))
        fprintf(stderr, "%s\n", f->err.message);
    close_store(f);
    check_migrated(f);
}

static int count_operation(void *user, const struct store_run_operation *operation,
                           struct ccd_error *err)
{
    (void)operation, (void)err;
    ++*(int *)user;
    return CCD_OK;
}

FROM_OLDER(reader_of_schema_3_sees_no_operations_of_runs)
{
    int count = 0;
    make_3(f);
    f->read_only = true;
    if (!CHECK(fixture_reopen(f)))
        return;
    CHECK_INT(CCD_OK, f->store->ops->each_run_operation(f->store, "spot_ohlcv", "1d", 5,
                                                        count_operation, &count, &f->err));
    CHECK_INT(0, count);
    close_store(f);
    CHECK_TEXT("3", ask(f, "SELECT version FROM ccdata_schema"));
}

/* Where DDL cannot be undone, a step that was killed is made again. */
FROM_OLDER(migration_that_was_interrupted_is_finished)
{
    make_2(f);
    CHECK(run_sql(f, f->back_end == &back_end_postgres
                         ? "ALTER TABLE spot_instruments ADD COLUMN is_listed boolean"
                         : "ALTER TABLE spot_instruments ADD COLUMN is_listed INTEGER"));
    if (f->back_end == &back_end_mariadb)
        CHECK(run_sql(f, "ALTER TABLE spot_instruments MODIFY is_listed TINYINT(1)"));
    CHECK(run_sql(f, "INSERT INTO ccdata_schema (version, settle_s) VALUES (1, 5)"));
    if (!CHECK(fixture_reopen(f)))
        fprintf(stderr, "%s\n", f->err.message);
    close_store(f);
    check_migrated(f);
}

FROM_OLDER(table_of_somebody_else_stops_the_migration)
{
    make_2(f);
    CHECK(run_sql(f, "CREATE TABLE exchanges (mine INTEGER)"));
    CHECK_INT(CCD_DATABASE_SCHEMA, server_try_open(f));
    CHECK(strstr(f->err.message, "exchanges") && strstr(f->err.message, "rename that table"));
    CHECK_TEXT("2", ask(f, "SELECT version FROM ccdata_schema"));
    CHECK(run_sql(f, "DROP TABLE exchanges"));
    CHECK_INT(CCD_OK, server_try_open(f));
    check_migrated(f);
}

static int count_run(void *user, const struct store_run *run, struct ccd_error *err)
{
    (void)run, (void)err;
    ++*(int *)user;
    return CCD_OK;
}

FROM_OLDER(reader_of_schema_2_sees_what_there_is)
{
    int runs = 0;
    size_t count = 9;
    int64_t asked = 9;
    struct batch got;
    make_2(f);
    f->read_only = true;
    if (!CHECK(fixture_reopen(f)))
        return;
    const struct store_ops *ops = f->store->ops;
    CHECK_INT(CCD_OK, batch_init(&got, type_of("spot_instruments"), 4, 1 << 16, NULL, NULL));
    CHECK_INT(CCD_OK,
              ops->load_list(f->store, got.type, STR("kraken"), &got, &count, &asked, &f->err));
    CHECK_INT(2, got.row_count);
    CHECK_INT(999, asked);
    size_t listed = (size_t)data_type_column_flagged(got.type, COLUMN_LISTED);
    CHECK(got.row_count == 2 && batch_cell(&got, 0, listed)->i64 == 1);
    CHECK_INT(CCD_OK, ops->load_list(f->store, metadata_table_find(STR("assets")), STR(""), NULL,
                                     &count, &asked, &f->err));
    CHECK_INT(0, count);
    CHECK_INT(CCD_OK, ops->each_run(f->store, 5, count_run, &runs, &f->err));
    CHECK_INT(0, runs);
    CHECK_INT(CCD_OK, ops->try_write(f->store, &f->err));
    batch_release(&got);
    close_store(f);
    CHECK_TEXT("2", ask(f, "SELECT version FROM ccdata_schema"));
}
