/* What people and other programs see in a SQLite database: views, types, plans, attributes,
 * journals. */
#include <stdio.h>
#include <string.h>

#include "sql.h"

#define SQLITE_TEST(name)                                                                          \
    static void check_##name(struct fixture *f);                                                   \
    TEST(sqlite_##name)                                                                            \
    {                                                                                              \
        run_contract(&back_end_sqlite, check_##name);                                              \
    }                                                                                              \
    static void check_##name(struct fixture *f)

/* ---- stored types ---- */

SQLITE_TEST(doubles_are_stored_in_their_shortest_form)
{
    struct page page;
    page_init_days(&page, 100, 4);
    const double values[] = {7, 7.5, -0.0, 1e15};
    for (size_t i = 0; i < 4; i++)
        page_set_f64(&page, i, "open", values[i]);
    page_check(f, &page, 4, 0, 0, 0);
    CHECK_SQL("integer\nreal\nreal\nreal", f,
              "SELECT typeof(open) FROM fact_spot_ohlcv_1d ORDER BY ts");
    sqlite3 *db = db_open(f);
    sqlite3_stmt *stmt;
    CHECK_INT(SQLITE_OK, sqlite3_prepare_v2(db, "SELECT open FROM spot_ohlcv_1d ORDER BY ts", -1,
                                            &stmt, NULL));
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(SQLITE_ROW, sqlite3_step(stmt));
        CHECK_INT(SQLITE_FLOAT, sqlite3_column_type(stmt, 0));
        CHECK_F64_BITS(values[i], sqlite3_column_double(stmt, 0));
    }
    sqlite3_finalize(stmt);
    db_close(db);
    CHECK_SQL("3.5", f, "SELECT open / 2 FROM spot_ohlcv_1d ORDER BY ts LIMIT 1");
    page_release(&page);
}

SQLITE_TEST(row_written_by_another_program_is_repaired)
{
    struct page page;
    page_init_days(&page, 100, 3);
    page_check(f, &page, 3, 0, 0, 0);
    CHECK(db_run_once(f,
                      "UPDATE fact_spot_ohlcv_1d SET open = 'x' WHERE ts = 100 * 86400;"
                      "UPDATE fact_spot_ohlcv_1d SET total_trades = 1.5 WHERE ts = 101 * 86400"));
    page_check(f, &page, 0, 2, 1, 0);
    page_is_stored(f, &page);
    CHECK_SQL("open|x\ntotal_trades|1.5", f,
              "SELECT column_name, old_value FROM ccdata_revisions ORDER BY ts");
    page_release(&page);
}

/* ---- views ---- */

static const char *columns_of_view(struct fixture *f, const char *view)
{
    char sql[200];
    str_print(sql, sizeof(sql), "SELECT group_concat(name, ' ') FROM pragma_table_info('%s')",
              view);
    return db_rows_once(f, sql);
}

SQLITE_TEST(columns_of_the_spot_view)
{
    static const char expected[] =
        "ts market instrument mapped_instrument unit type base quote base_id quote_id "
        "transform_function open high low close ";
    const char *columns = columns_of_view(f, "spot_ohlcv_1d");
    CHECK(strncmp(columns, expected, strlen(expected)) == 0);
    CHECK(strstr(columns, " collected_at is_final is_filled") != NULL);
    CHECK_SQL("0", f,
              "SELECT count(*) FROM pragma_table_info('spot_ohlcv_1d')"
              " WHERE name LIKE '%\\_ts' ESCAPE '\\' OR name = 'series_id'");
}

SQLITE_TEST(columns_of_the_index_view)
{
    static const char expected[] = "ts market instrument base quote unit type open high low close ";
    const char *columns = columns_of_view(f, "indices_ohlcv_1m");
    CHECK(strncmp(columns, expected, strlen(expected)) == 0);
    const char *end = strstr(columns, " collected_at is_final");
    CHECK(end && strcmp(end, " collected_at is_final") == 0);
}

/* Every vendor field of the type is in its view, in the order of the registry. */
SQLITE_TEST(views_have_every_vendor_field)
{
    for (size_t t = 0; t < data_type_count; t++) {
        const struct data_type *type = data_types[t];
        if (type->shape != SHAPE_CANDLES)
            continue;
        char view[64];
        char columns[8192];
        CHECK(store_view_name(type, INTERVAL_1H, view, sizeof(view)));
        str_print(columns, sizeof(columns), " %s ", columns_of_view(f, view));
        const char *last = columns;
        for (size_t i = 0; i < type->column_count; i++) {
            char name[96];
            str_print(name, sizeof(name), " %s ", type->columns[i].name);
            const char *at = strstr(columns, name);
            uint32_t leads = COLUMN_TS | COLUMN_MARKET | COLUMN_INSTRUMENT | COLUMN_MAPPED;
            CHECK(at != NULL);
            if (at && !(type->columns[i].flags & leads)) {
                CHECK(at >= last);
                last = at;
            }
        }
    }
}

SQLITE_TEST(view_has_the_unit)
{
    static const char *const units[INTERVAL_COUNT] = {"DAY", "HOUR", "MINUTE"};
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        struct page page;
        char sql[96];
        page_init(&page, "futures_ohlcv", (enum interval)i, "A", NULL, 1);
        page_add(&page, day(100));
        page_check(f, &page, 1, 0, 0, 0);
        str_print(sql, sizeof(sql), "SELECT DISTINCT unit FROM futures_ohlcv_%s",
                  interval_infos[i].name);
        CHECK_SQL(units[i], f, sql);
        page_release(&page);
    }
}

SQLITE_TEST(view_tells_final_rows)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page.p.collected_utc_s = day(101) + SETTLE;
    page_check(f, &page, 2, 0, 0, 0);
    CHECK_SQL("1\n0", f, "SELECT is_final FROM spot_ohlcv_1d ORDER BY ts");
    CHECK(db_run_once(f, "UPDATE ccdata_schema SET settle_s = settle_s + 1"));
    CHECK_SQL("0\n0", f, "SELECT is_final FROM spot_ohlcv_1d ORDER BY ts");
    page_release(&page);
}

SQLITE_TEST(view_tells_filled_rows)
{
    struct page page;
    page_init_days(&page, 100, 3);
    page_set_i64(&page, 0, "total_trades", 0);
    page_set_i64(&page, 1, "total_trades", 1);
    page_set_null(&page, 2, "total_trades");
    page_check(f, &page, 3, 0, 0, 0);
    CHECK_SQL("1\n0\nNULL", f, "SELECT is_filled FROM spot_ohlcv_1d ORDER BY ts");
    page_release(&page);
}

SQLITE_TEST(views_show_their_own_type_only)
{
    struct page spot;
    struct page index;
    page_init_days(&spot, 100, 2);
    page_init(&index, "indices_ohlcv", INTERVAL_1D, "BTC-USD", NULL, 1);
    page_add(&index, day(100));
    page_check(f, &spot, 2, 0, 0, 0);
    page_check(f, &index, 1, 0, 0, 0);
    CHECK_SQL(
        "2|1|0", f,
        "SELECT (SELECT count(*) FROM spot_ohlcv_1d), (SELECT count(*) FROM indices_ohlcv_1d),"
        " (SELECT count(*) FROM futures_ohlcv_1d)");
    page_release(&spot);
    page_release(&index);
}

/* ---- plans ---- */

static void check_plan(struct fixture *f, const char *view, const char *where, const char *dim_plan)
{
    static const char fact_plan[] = "SEARCH f USING PRIMARY KEY (series_id=? AND ts>? AND ts<?)";
    char sql[512];
    str_print(sql, sizeof(sql),
              "EXPLAIN QUERY PLAN SELECT * FROM %s WHERE market = ?1 AND %s = ?2 AND"
              " ts BETWEEN ?3 AND ?4",
              view, where);
    const char *plan = db_rows_once(f, sql);
    if (!CHECK(strstr(plan, dim_plan) != NULL) || !CHECK(strstr(plan, fact_plan) != NULL))
        fprintf(stderr, "%s\n", plan);
}

SQLITE_TEST(views_use_both_columns_of_the_key)
{
    static const char by_mapped[] = "sqlite_autoindex_dim_series_2 (data_type=? AND market=? AND "
                                    "mapped_instrument=?)";
    static const char by_native[] = "sqlite_autoindex_dim_series_1 (data_type=? AND market=? AND "
                                    "instrument=?)";
    for (size_t t = 0; t < data_type_count; t++) {
        const struct data_type *type = data_types[t];
        for (int i = 0; i < INTERVAL_COUNT && type->shape == SHAPE_CANDLES; i++) {
            char view[64];
            CHECK(store_view_name(type, (enum interval)i, view, sizeof(view)));
            check_plan(f, view, "instrument", by_native);
            if (!type->splits_instrument)
                check_plan(f, view, "mapped_instrument", by_mapped);
        }
    }
}

SQLITE_TEST(plan_stays_with_data_and_statistics)
{
    struct page page;
    page_init_days(&page, 100, 500);
    page_check(f, &page, 500, 0, 0, 0);
    CHECK(db_run_once(f, "ANALYZE"));
    check_plan(f, "spot_ohlcv_1d", "mapped_instrument", "");
    for (int i = 0; i < 40; i++) {
        char native[16];
        str_print(native, sizeof(native), "N%d", i);
        struct series_names names = names_of("spot_ohlcv", native, NULL);
        CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, page.p.type, &names, 1, &f->err));
    }
    CHECK(db_run_once(f, "ANALYZE"));
    check_plan(f, "spot_ohlcv_1d", "mapped_instrument", "sqlite_autoindex_dim_series_2");
    page_release(&page);
}

SQLITE_TEST(coverage_is_found_by_its_index)
{
    const char *plan = db_rows_once(f, "EXPLAIN QUERY PLAN SELECT from_ts FROM ccdata_coverage "
                                       "WHERE series_id = 1 AND step_s = 2");
    CHECK(strstr(plan, "USING INDEX ccdata_coverage_series (series_id=? AND step_s=?)") != NULL);
}

/* ---- attributes ---- */

/* One row at a day with this base; NULL = absent. */
static void put_base(struct fixture *f, int64_t at_day, const char *base, int64_t collected_utc_s)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, at_day, 1);
    page.p.collected_utc_s = collected_utc_s;
    if (base) {
        page_set_text(&page, 0, "base", base);
        page_set_f64(&page, 0, "open", base[0]);
    } else {
        page_set_null(&page, 0, "base");
    }
    CHECK(page_put(f, &page, &result));
    page_release(&page);
}

static const char base_sql[] = "SELECT base, base_ts / 86400 FROM dim_series";

SQLITE_TEST(attribute_of_the_newest_row_wins)
{
    put_base(f, 100, "A", COLLECTED);
    CHECK_SQL("A|100", f, base_sql);
    put_base(f, 102, "C", COLLECTED);
    CHECK_SQL("C|102", f, base_sql);
    put_base(f, 101, "B", COLLECTED);
    CHECK_SQL("C|102", f, base_sql);
}

SQLITE_TEST(attribute_of_the_newest_row_wins_in_the_other_order)
{
    put_base(f, 102, "C", COLLECTED);
    put_base(f, 101, "B", COLLECTED);
    put_base(f, 100, "A", COLLECTED);
    CHECK_SQL("C|102", f, base_sql);
}

SQLITE_TEST(equal_attribute_moves_forward_in_time)
{
    put_base(f, 100, "A", COLLECTED);
    put_base(f, 102, "A", COLLECTED);
    put_base(f, 101, "B", COLLECTED);
    CHECK_SQL("A|102", f, base_sql);
}

SQLITE_TEST(absent_attribute_changes_nothing)
{
    put_base(f, 100, "A", COLLECTED);
    put_base(f, 101, NULL, COLLECTED);
    CHECK_SQL("A|100", f, base_sql);
}

SQLITE_TEST(newest_row_with_a_value_within_a_page)
{
    struct page page;
    page_init_days(&page, 100, 5);
    page_set_text(&page, 2, "base", "two");
    page_set_null(&page, 3, "base");
    page_set_null(&page, 4, "base");
    page_check(f, &page, 5, 0, 0, 0);
    CHECK_SQL("two|102", f, base_sql);
    page_release(&page);
}

SQLITE_TEST(restated_attribute_of_the_same_row)
{
    put_base(f, 100, "A", COLLECTED);
    put_base(f, 100, "B", COLLECTED + 5);
    CHECK_SQL("B|100", f, base_sql);
    put_base(f, 100, "A", COLLECTED + 1); /* older than the stored row: stays out */
    CHECK_SQL("B|100", f, base_sql);
}

SQLITE_TEST(rejected_row_gives_no_attribute)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_set_text(&page, 1, "base", "wrong");
    page_reject(&page, 1, "low above high");
    page_check(f, &page, 1, 0, 0, 1);
    CHECK_SQL("base text|100", f, base_sql);
    page_release(&page);
}

SQLITE_TEST(attributes_of_numbers_and_empty_texts)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_set_i64(&page, 0, "base_id", INT64_MAX);
    page_set_text(&page, 0, "transform_function", "");
    page_check(f, &page, 1, 0, 0, 0);
    CHECK_SQL("9223372036854775807|integer||text", f,
              "SELECT base_id, typeof(base_id), transform_function, typeof(transform_function)"
              " FROM spot_ohlcv_1d");
    page_release(&page);
}

SQLITE_TEST(attributes_of_intervals_meet_in_one_series)
{
    struct page hours;
    put_base(f, 100, "A", COLLECTED);
    page_init(&hours, "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 1);
    page_add(&hours, day(100) + 3600);
    page_set_text(&hours, 0, "base", "H");
    page_check(f, &hours, 1, 0, 0, 0);
    CHECK_SQL("1|H", f, "SELECT count(*), base FROM dim_series");
    page_release(&hours);
}

SQLITE_TEST(index_is_split_at_the_last_dash)
{
    static const char *const natives[] = {"BTC-USD", "A-B-C", "NODASH", "-X", "X-"};
    struct series_names names[5];
    for (size_t i = 0; i < 5; i++)
        names[i] = names_of("indices_ohlcv", natives[i], NULL);
    CHECK_INT(CCD_OK,
              f->store->ops->put_series(f->store, type_of("indices_ohlcv"), names, 5, &f->err));
    CHECK_SQL("-X|NULL|NULL\nA-B-C|A-B|C\nBTC-USD|BTC|USD\nNODASH|NULL|NULL\nX-|NULL|NULL", f,
              "SELECT instrument, base, quote FROM dim_series ORDER BY instrument");
}

/* ---- journals ---- */

SQLITE_TEST(changes_are_journalled_exactly)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_set_f64(&page, 0, "open", 0.1);
    page_set_f64(&page, 0, "volume", -0.0);
    page_set_i64(&page, 0, "total_trades", INT64_MAX);
    page_set_f64(&page, 0, "low", 7);
    page_check(f, &page, 2, 0, 0, 0);
    page_set_f64(&page, 0, "open", 0.30000000000000004);
    page_set_null(&page, 0, "volume");
    page_set_i64(&page, 0, "total_trades", 5);
    page_set_f64(&page, 0, "low", 1e21);
    page.p.run_id = "run-2";
    page_check(f, &page, 0, 1, 1, 0);
    CHECK_SQL("86400|100|low|7|1e+21|run-2\n"
              "86400|100|open|0.1|0.30000000000000004|run-2\n"
              "86400|100|total_trades|9223372036854775807|5|run-2\n"
              "86400|100|volume|-0|NULL|run-2",
              f,
              "SELECT step_s, ts / 86400, column_name, old_value, new_value, run_id"
              " FROM ccdata_revisions ORDER BY column_name");
    CHECK_SQL(
        "1|1", f,
        "SELECT count(DISTINCT series_id), min(seen_utc_s) > 1600000000 FROM ccdata_revisions");
    page_set_f64(&page, 0, "volume", 3);
    page_check(f, &page, 0, 1, 1, 0);
    CHECK_SQL("NULL|3", f,
              "SELECT old_value, new_value FROM ccdata_revisions ORDER BY rowid DESC LIMIT 1");
    page_release(&page);
}

SQLITE_TEST(equal_payload_writes_nothing)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, 100, 200);
    page_check(f, &page, 200, 0, 0, 0);
    CHECK(db_run_once(f, "PRAGMA wal_checkpoint(TRUNCATE)"));
    page.p.collected_utc_s += 5000;
    sqlite3 *db = db_open(f);
    char before[32];
    str_copy(before, sizeof(before), str_from(db_rows(db, "PRAGMA data_version")));
    CHECK(page_put(f, &page, &result));
    CHECK_INT(200, result.unchanged);
    CHECK_TEXT(before, db_rows(db, "PRAGMA data_version"));
    db_close(db);
    page_release(&page);
}

SQLITE_TEST(moved_mapping_is_journalled)
{
    struct series_names old = names_of("spot_ohlcv", "OLD", "BTC-USD");
    struct series_names new = names_of("spot_ohlcv", "NEW", "BTC-USD");
    const struct data_type *type = type_of("spot_ohlcv");
    CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, type, &old, 1, &f->err));
    CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, type, &new, 1, &f->err));
    CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, type, &new, 1, &f->err));
    CHECK_SQL("OLD|mapped_instrument|BTC-USD|OLD|NULL|NULL", f,
              "SELECT d.instrument, column_name, old_value, new_value, step_s, ts"
              " FROM ccdata_revisions JOIN dim_series d USING (series_id)");
}

SQLITE_TEST(record_is_quarantined_once)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_set_f64(&page, 1, "open", 1.5);
    page_set_null(&page, 1, "volume");
    page_set_text(&page, 1, "base", "a \"b\"\n");
    page_reject(&page, 1, "low above high");
    page_check(f, &page, 1, 0, 0, 1);
    page_check(f, &page, 0, 0, 1, 1);
    CHECK_SQL("86400|101|low above high|run-1|1.5|a \"b\"\n|NULL|8726400", f,
              "SELECT step_s, ts / 86400, reason, run_id, record ->> '$.OPEN',"
              " record ->> '$.BASE', record ->> '$.VOLUME', record ->> '$.TIMESTAMP'"
              " FROM ccdata_quarantine");
    page_set_f64(&page, 1, "open", 2.5); /* another record of the same period */
    page_check(f, &page, 0, 0, 1, 1);
    page_reject(&page, 1, "negative volume");
    page_check(f, &page, 0, 0, 1, 1);
    CHECK_SQL("3", f, "SELECT count(*) FROM ccdata_quarantine");
    page_release(&page);
}

SQLITE_TEST(database_is_sound)
{
    struct page page;
    page_init_days(&page, 100, 3000);
    page.p.fresh = true;
    page_check(f, &page, 3000, 0, 0, 0);
    CHECK_SQL("ok", f, "PRAGMA integrity_check");
    CHECK_SQL("wal", f, "PRAGMA journal_mode");
    page_release(&page);
}

/* The log is taken into the database every 16 MiB, so it does not grow with what is written. */
SQLITE_TEST(log_stays_small)
{
    struct page page;
    char path[300];
    page_init_days(&page, 0, STORE_ROWS_MAX);
    page.p.fresh = true;
    for (int64_t i = 0; i < 40; i++) { /* about 40 MB */
        for (size_t row = 0; row < page.batch.row_count; row++)
            page_set_i64(&page, row, "ts", day(i * STORE_ROWS_MAX + (int64_t)row));
        page_check(f, &page, STORE_ROWS_MAX, 0, 0, 0);
    }
    str_print(path, sizeof(path), "%s-wal", database_path(f));
    FILE *wal = fopen(path, "rb");
    if (CHECK(wal != NULL)) {
        CHECK_INT(0, fseek(wal, 0, SEEK_END));
        CHECK(ftell(wal) < 24L << 20);
        fclose(wal);
    }
    page_release(&page);
}

/* ---- INGESTION_BATCH_SIZE ---- */

enum { BATCH_PAGE_ROWS = 2000 };

static const int64_t batch_sizes[] = {0, 1, 7, 1000, 2000, 5000};

/* The same database with another number of rows per statement. */
static bool reopen_with_batch(struct fixture *f, int64_t batch_rows)
{
    struct store_config config = fixture_config(f);
    config.batch_rows = batch_rows;
    if (f->writer)
        f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    f->writer = NULL;
    f->store = NULL;
    return CHECK_INT(CCD_OK, store_open(&config, &f->store, &f->err));
}

/* Fresh, replayed, changed and refreshed rows of one page give the same whatever the slices. */
static void check_batch_size(struct fixture *f, int64_t batch_rows)
{
    struct page page;
    if (!reopen_with_batch(f, batch_rows))
        return;
    page_init_days(&page, 1, BATCH_PAGE_ROWS);
    page.p.collected_utc_s = day(1990); /* the last rows are not final yet */
    page.p.fresh = true;
    page_reject(&page, 6, "low above high");
    page_reject(&page, 1500, "low above high");
    page_check(f, &page, BATCH_PAGE_ROWS - 2, 0, 0, 2);
    page_is_stored(f, &page);
    for (size_t row = 3; row < BATCH_PAGE_ROWS; row += 500)
        page_set_f64(&page, row, "open", -1);
    page.p.fresh = false;
    page.p.collected_utc_s = COLLECTED;
    page_check(f, &page, 0, 4, BATCH_PAGE_ROWS - 6, 2);
    page_is_stored(f, &page);
    CHECK_INT(COLLECTED, stored_collected(f, &page, day(2000)));
    CHECK_INT(COLLECTED, stored_collected(f, &page, day(4)));
    CHECK_INT(day(1990), stored_collected(f, &page, day(5)));
    CHECK_SQL("4", f, "SELECT count(*) FROM ccdata_revisions");
    page_release(&page);
}

SQLITE_TEST(every_batch_size_gives_the_same_rows)
{
    for (size_t i = 0; i < sizeof(batch_sizes) / sizeof(batch_sizes[0]); i++) {
        check_batch_size(f, batch_sizes[i]);
        CHECK(db_run_once(f, "DELETE FROM fact_spot_ohlcv_1d; DELETE FROM ccdata_revisions"));
    }
}

/* A window that was thought to be fresh and has two stored rows, one of them with another value:
 * what was written before the clash counts as inserted. */
static void check_clash(struct fixture *f, int64_t batch_rows)
{
    struct page stored;
    struct page page;
    if (!reopen_with_batch(f, batch_rows))
        return;
    page_init_days(&stored, 1701, 2);
    page_set_f64(&stored, 1, "open", -1);
    page_check(f, &stored, 2, 0, 0, 0);
    page_init_days(&page, 1, BATCH_PAGE_ROWS);
    page.p.fresh = true;
    page.p.collected_utc_s = COLLECTED + 5;
    page_check(f, &page, BATCH_PAGE_ROWS - 2, 1, 1, 0);
    page_is_stored(f, &page);
    CHECK_INT(COLLECTED + 5, stored_collected(f, &page, day(1)));
    CHECK_INT(COLLECTED, stored_collected(f, &page, day(1701)));
    CHECK_INT(COLLECTED + 5, stored_collected(f, &page, day(1702)));
    CHECK_INT(BATCH_PAGE_ROWS, stored_rows(f, &page));
    CHECK_SQL("1702|open|-1", f, "SELECT ts / 86400, column_name, old_value FROM ccdata_revisions");
    page_release(&stored);
    page_release(&page);
}

SQLITE_TEST(clash_in_a_later_batch)
{
    for (size_t i = 0; i < sizeof(batch_sizes) / sizeof(batch_sizes[0]); i++) {
        check_clash(f, batch_sizes[i]);
        CHECK(db_run_once(f, "DELETE FROM fact_spot_ohlcv_1d; DELETE FROM ccdata_revisions"));
    }
}

SQLITE_TEST(fresh_page_that_is_stored_already)
{
    struct page page;
    if (!reopen_with_batch(f, 3))
        return;
    page_init_days(&page, 1, 10);
    page.p.fresh = true;
    page_check(f, &page, 10, 0, 0, 0);
    page.p.collected_utc_s += 5;
    page_check(f, &page, 0, 0, 10, 0); /* the whole page is there already */
    CHECK_INT(COLLECTED, stored_collected(f, &page, day(1)));
    page_release(&page);
}

/* Rows that are copied bring their own moments. */
SQLITE_TEST(rows_have_moments_of_their_own)
{
    struct page page;
    static int64_t moments[5];
    page_init_days(&page, 1, 5);
    for (int64_t i = 0; i < 5; i++)
        moments[i] = COLLECTED + 10 * i;
    page.p.row_collected_utc_s = moments;
    page_check(f, &page, 5, 0, 0, 0);
    for (int64_t i = 0; i < 5; i++)
        CHECK_INT(COLLECTED + 10 * i, stored_collected(f, &page, day(1 + i)));
    page_set_f64(&page, 1, "open", -1);
    page_set_f64(&page, 2, "open", -1);
    moments[1]--; /* older than what is stored: stays out */
    moments[2]++;
    page_check(f, &page, 0, 1, 4, 0);
    CHECK_INT(COLLECTED + 10, stored_collected(f, &page, day(2)));
    CHECK_INT(COLLECTED + 21, stored_collected(f, &page, day(3)));
    page_release(&page);
}
