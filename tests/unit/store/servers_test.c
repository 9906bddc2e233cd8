/* What only servers do: connections that end at each step, settings of the server that are not
 * ours, small packets, plans. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

/* ---- connections that end ---- */

/* Until it works: the first call after a cut may report it, the next must have a new connection. */
static bool put_soon(struct fixture *f, struct page *page, struct store_page_result *out_result)
{
    for (int i = 0; i < 3; i++) {
        if (page_put(f, page, out_result))
            return true;
        if (!CHECK_INT(CCD_DATABASE_UNREACHABLE, f->err.status)) {
            fprintf(stderr, "%s\n", f->err.message);
            return false;
        }
    }
    fprintf(stderr, "%s\n", f->err.message);
    return CHECK(!"the writer did not come back");
}

static bool find_soon(struct fixture *f, const char *name, struct series_names *out)
{
    bool found = false;
    int status = CCD_OK;
    for (int i = 0; i < 3; i++) {
        status = f->store->ops->find_series(f->store, type_of("spot_ohlcv"), STR("kraken"),
                                            str_from(name), out, &found, &f->err);
        if (status != CCD_DATABASE_UNREACHABLE)
            break;
    }
    if (!CHECK_INT(CCD_OK, status))
        fprintf(stderr, "%s\n", f->err.message);
    return found;
}

/* The page is whole or not there, whatever was said of it; and it can be put again. */
static void check_whole(struct fixture *f, struct page *page, bool may_be_there)
{
    struct series_names names;
    struct coverage_segment got[4];
    find_soon(f, "XXBTZUSD", &names); /* brings the control connection back */
    int64_t rows = stored_rows(f, page);
    size_t segments = stored_coverage(f, page, got, 4);
    CHECK(rows == 0 || (may_be_there && rows == (int64_t)page->batch.row_count));
    CHECK_INT(rows > 0 ? 1 : 0, segments);
    struct store_page_result result;
    if (put_soon(f, page, &result)) {
        CHECK_INT(page->batch.row_count, result.inserted + result.unchanged);
        page_is_stored(f, page);
    }
}

static void page_to_cut(struct page *page)
{
    page_init_days(page, 100, 50);
    page_cover(page, day(100), day(150), COVERAGE_STORED);
    page->p.fresh = true;
}

/* A page is written, the connection gone, the transaction open on this side. */
static struct store_writer *put_and_cut(struct fixture *f, struct page *page)
{
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_to_cut(page);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page->p, &result, &f->err));
    server_end_connections(f);
    return w;
}

SERVERS(connection_ends_while_idle)
{
    struct page page;
    struct series_names names;
    page_to_cut(&page);
    fixture_writer(f);
    server_end_connections(f);
    check_whole(f, &page, false);
    server_end_connections(f);
    CHECK(find_soon(f, "BTC-USD", &names));
    server_end_connections(f);
    check_whole(f, &page, true);
    page_release(&page);
}

SERVERS(connection_ends_after_begin)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_to_cut(&page);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    server_end_connections(f);
    CHECK_INT(CCD_DATABASE_UNREACHABLE, w->ops->writer_put(w, &page.p, &result, &f->err));
    CHECK_INT(CCD_ACTION_RECONNECT, ccd_status_action(f->err.status));
    w->ops->writer_rollback(w);
    check_whole(f, &page, false);
    page_release(&page);
}

SERVERS(connection_ends_between_pages)
{
    struct page page;
    struct page more;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_to_cut(&page);
    page_init(&more, "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 1);
    page_add(&more, day(100));
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    server_end_connections(f);
    CHECK_INT(CCD_DATABASE_UNREACHABLE, w->ops->writer_put(w, &more.p, &result, &f->err));
    w->ops->writer_rollback(w);
    check_whole(f, &page, false);
    CHECK_INT(0, stored_rows(f, &more));
    page_release(&page);
    page_release(&more);
}

/* The server rolls back when it ends a connection; the client cannot know that from a COMMIT
 * without an answer. */
SERVERS(connection_ends_before_commit)
{
    struct page page;
    struct store_writer *w = put_and_cut(f, &page);
    enum store_outcome outcome = w->ops->writer_commit(w, &f->err);
    CHECK(outcome == STORE_ROLLED_BACK || outcome == STORE_UNKNOWN);
    CHECK_INT(CCD_DATABASE_UNREACHABLE, f->err.status);
    check_whole(f, &page, false);
    page_release(&page);
}

SERVERS(connection_ends_before_rollback)
{
    struct page page;
    struct store_writer *w = put_and_cut(f, &page);
    w->ops->writer_rollback(w);
    check_whole(f, &page, false);
    page_release(&page);
}

SERVERS(connection_ends_before_closing)
{
    struct page page;
    struct store_writer *w = put_and_cut(f, &page);
    w->ops->writer_close(w);
    f->writer = NULL;
    check_whole(f, &page, false);
    page_release(&page);
}

/* Each question of the control connection comes after a cut. */
SERVERS(every_question_comes_back)
{
    struct page page;
    struct batch rows;
    struct coverage_segment got[4];
    struct series_names names = names_of("spot_ohlcv", "MORE", NULL);
    struct store_page_result result;
    page_to_cut(&page);
    CHECK(page_put(f, &page, &result));
    CHECK_INT(CCD_OK, batch_init(&rows, page.p.type, 100, 1 << 20, NULL, NULL));
    for (int question = 0; question < 4; question++) {
        int status = CCD_DATABASE_UNREACHABLE;
        server_end_connections(f);
        for (int i = 0; i < 3 && status == CCD_DATABASE_UNREACHABLE; i++) {
            const struct store_ops *ops = f->store->ops;
            if (question == 0)
                status = ops->read_rows(f->store, page.p.type, INTERVAL_1D, page.names.series_id,
                                        (struct period_range){0, day(1000)}, &rows, NULL, &f->err);
            else if (question == 1)
                status = ops->put_series(f->store, page.p.type, &names, 1, &f->err);
            else if (question == 2)
                status = ops->compact_coverage(f->store, page.names.series_id, 86400, 0, &f->err);
            else
                status = ops->remove_series(f->store, page.p.type, names.series_id, &f->err);
        }
        if (!CHECK_INT(CCD_OK, status))
            fprintf(stderr, "question %d: %s\n", question, f->err.message);
    }
    CHECK_INT(50, rows.row_count);
    CHECK_INT(1, stored_coverage(f, &page, got, 4));
    batch_release(&rows);
    page_release(&page);
}

/* The lock goes with its connection; the store takes it again before somebody else's next try, or
 * says so. Two stores never both hold it. */
SERVERS(lock_after_a_cut_is_never_held_twice)
{
    struct store *other;
    struct series_names names;
    struct store_config config = fixture_config(f);
    const struct data_type *type = type_of("spot_ohlcv");
    CHECK_INT(CCD_OK, f->store->ops->lock(f->store, type, INTERVAL_1D, 0, &f->err));
    server_end_connections(f);
    find_soon(f, "X", &names); /* opens again, with the lock */
    CHECK_INT(CCD_OK, store_open(&config, &other, &f->err));
    CHECK_INT(CCD_LOCKED, other->ops->lock(other, type, INTERVAL_1D, 0, &f->err));
    f->store->ops->unlock(f->store, type, INTERVAL_1D);
    CHECK_INT(CCD_OK, other->ops->lock(other, type, INTERVAL_1D, 1000, &f->err));
    store_close(other);
}

/* ---- settings of the server that are not ours ---- */

/* Awkward rows go in and come out, and people see the right day in the view. */
static void check_rows_and_days(struct fixture *f)
{
    struct page page;
    page_init(&page, "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 6);
    page_add(&page, -3600);
    page_add(&page, 0);
    page_add(&page, 1111881600); /* 2005-03-27 00:00 */
    page_add(&page, 1111885200); /* 01:00: clocks go forward */
    page_add(&page, 1130634000); /* 2005-10-30 01:00: and back */
    page_add(&page, 2147486400); /* 2038-01-19 04:00 */
    page_set_text(&page, 5, "base", "it's \\ \"odd\" 🚀");
    page_set_f64(&page, 0, "open", -5e-324);
    page_set_f64(&page, 1, "open", 0.30000000000000004);
    page_set_null(&page, 2, "open");
    page_check(f, &page, 6, 0, 0, 0);
    page_is_stored(f, &page);
    page_check(f, &page, 0, 0, 6, 0);
    page_set_f64(&page, 3, "open", 5);
    page_check(f, &page, 0, 1, 5, 0);
    page_is_stored(f, &page);
    const char *days =
        is_mariadb(f) ? "SELECT date_format(ts, '%Y-%m-%d %H:%i:%s') FROM spot_ohlcv_1h ORDER BY ts"
                      : "SELECT to_char(ts, 'YYYY-MM-DD HH24:MI:SS') FROM spot_ohlcv_1h"
                        " ORDER BY ts";
    CHECK_TEXT("1969-12-31 23:00:00\n1970-01-01 00:00:00\n2005-03-27 00:00:00\n"
               "2005-03-27 01:00:00\n2005-10-30 01:00:00\n2038-01-19 04:00:00",
               ask(f, days));
    CHECK_TEXT("it's \\ \"odd\" 🚀", ask(f, "SELECT base FROM dim_series"));
    page_release(&page);
}

/* With other words for both kinds during a case, and the usual ones afterwards. */
static void with_settings(struct fixture *f, const char *mariadb, const char *mariadb_after,
                          const char *postgres, const char *postgres_after,
                          void (*check)(struct fixture *f))
{
    if (server_run_each(f, mariadb, postgres) && CHECK(fixture_reopen(f)))
        check(f);
    server_run_each(f, mariadb_after, postgres_after);
}

SERVERS(server_in_another_time_zone)
{
    with_settings(f, "SET GLOBAL time_zone = '+05:30'", "SET GLOBAL time_zone = 'SYSTEM'",
                  "ALTER ROLE ccdata SET timezone = 'Asia/Kolkata'",
                  "ALTER ROLE ccdata RESET timezone", check_rows_and_days);
}

SERVERS(server_in_a_zone_with_summer_time)
{
    with_settings(f, "SET GLOBAL time_zone = '-09:30'", "SET GLOBAL time_zone = 'SYSTEM'",
                  "ALTER ROLE ccdata SET timezone = 'America/New_York'",
                  "ALTER ROLE ccdata RESET timezone", check_rows_and_days);
}

SERVERS(client_in_another_time_zone)
{
    char *before = getenv("TZ") ? strdup(getenv("TZ")) : NULL;
    setenv("TZ", "Australia/Lord_Howe", 1);
    if (CHECK(fixture_reopen(f)))
        check_rows_and_days(f);
    if (before)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    free(before);
}

SERVERS(server_without_rules_for_values)
{
    with_settings(f, "SET GLOBAL sql_mode = ''", "SET GLOBAL sql_mode = DEFAULT",
                  "ALTER ROLE ccdata SET datestyle = 'German, DMY';"
                  "ALTER ROLE ccdata SET extra_float_digits = -10",
                  "ALTER ROLE ccdata RESET ALL", check_rows_and_days);
}

SERVERS(server_with_other_rules_for_text)
{
    with_settings(f,
                  "SET GLOBAL sql_mode ="
                  " 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,ORACLE'",
                  "SET GLOBAL sql_mode = DEFAULT",
                  "ALTER ROLE ccdata SET standard_conforming_strings = off;"
                  "ALTER ROLE ccdata SET client_encoding = 'LATIN1';"
                  "ALTER ROLE ccdata SET bytea_output = 'escape'",
                  "ALTER ROLE ccdata RESET ALL", check_rows_and_days);
}

SERVERS(server_with_another_isolation)
{
    with_settings(f, "SET GLOBAL tx_isolation = 'SERIALIZABLE', GLOBAL autocommit = 0",
                  "SET GLOBAL tx_isolation = 'REPEATABLE-READ', GLOBAL autocommit = 1",
                  "ALTER ROLE ccdata SET default_transaction_isolation = 'serializable'",
                  "ALTER ROLE ccdata RESET ALL", check_rows_and_days);
}

SERVERS(server_with_another_character_set)
{
    with_settings(f,
                  "SET GLOBAL character_set_server = 'latin1', GLOBAL collation_server ="
                  " 'latin1_swedish_ci', GLOBAL character_set_connection = 'latin1'",
                  "SET GLOBAL character_set_server = DEFAULT, GLOBAL collation_server = DEFAULT,"
                  " GLOBAL character_set_connection = DEFAULT",
                  NULL, NULL, check_rows_and_days);
}

/* Every segment and every row is read, though none of the questions has a LIMIT. */
static void check_many(struct fixture *f)
{
    struct page page;
    struct coverage_segment got[64];
    page_init_days(&page, 100, 40);
    page_check(f, &page, 40, 0, 0, 0);
    page_is_stored(f, &page);
    for (int i = 0; i < 40; i++) {
        page.p.segment_count = 0;
        page_cover(&page, day(100 + i), day(101 + i), COVERAGE_STORED);
        page_check(f, &page, 0, 0, 40, 0);
    }
    CHECK_INT(40, stored_coverage(f, &page, got, 64));
    page_release(&page);
}

/* An answer that ends early would read as rows that are not there. */
SERVERS(server_that_cuts_answers)
{
    with_settings(f,
                  "SET GLOBAL sql_select_limit = 20, GLOBAL group_concat_max_len = 4,"
                  " GLOBAL completion_type = 'RELEASE', GLOBAL unique_checks = 0,"
                  " GLOBAL max_error_count = 0",
                  "SET GLOBAL sql_select_limit = 18446744073709551615,"
                  " GLOBAL group_concat_max_len = DEFAULT, GLOBAL completion_type = DEFAULT,"
                  " GLOBAL unique_checks = 1, GLOBAL max_error_count = DEFAULT",
                  NULL, NULL, check_many);
}

/* Rows that do not fit into one packet of the server's: 5001 rows of 36 columns, and long text. */
static void check_large(struct fixture *f)
{
    struct page page;
    page_init(&page, "futures_ohlcv", INTERVAL_1M, "BTCUSDT", "BTC-USDT", STORE_ROWS_MAX);
    for (int64_t i = 0; i < STORE_ROWS_MAX; i++) {
        size_t row = page_add(&page, 60 * (28000000 + i));
        page_set_f64(&page, row, "open", -1.2345678901234567e-300);
        page_set_f64(&page, row, "close", 0.30000000000000004);
    }
    page.p.fresh = true;
    page_check(f, &page, STORE_ROWS_MAX, 0, 0, 0);
    page_is_stored(f, &page);
    for (size_t row = 0; row < STORE_ROWS_MAX; row++)
        page_set_f64(&page, row, "close", 0.1);
    page.p.fresh = false;
    page_check(f, &page, 0, STORE_ROWS_MAX, 0, 0);
    page_is_stored(f, &page);
    CHECK_TEXT("5001", ask(f, "SELECT count(*) FROM ccdata_revisions"));
    page_release(&page);
}

SERVERS(small_packets)
{
    with_settings(f, "SET GLOBAL max_allowed_packet = 1048576",
                  "SET GLOBAL max_allowed_packet = 16777216", NULL, NULL, check_large);
}

SERVERS(small_packets_and_more_rows_per_statement)
{
    f->batch_rows = 1000000;
    with_settings(f, "SET GLOBAL max_allowed_packet = 1048576",
                  "SET GLOBAL max_allowed_packet = 16777216", NULL, NULL, check_large);
}

/* ---- a server that takes no writes ---- */

SERVERS(read_only_server)
{
    struct page page;
    struct series_names names;
    page_init_days(&page, 100, 5);
    page_check(f, &page, 5, 0, 0, 0);
    server_run_each(f, "SET GLOBAL read_only = 1",
                    "ALTER ROLE ccdata SET default_transaction_read_only = on");
    int status = server_try_open(f);
    CHECK_INT(CCD_ACTION_RECONNECT, ccd_status_action((enum ccd_status)status));
    f->read_only = true; /* but it can be read */
    if (CHECK(fixture_reopen(f))) {
        page_is_stored(f, &page);
        CHECK(find(f, "spot_ohlcv", "kraken", "BTC-USD", &names));
    }
    server_run_each(f, "SET GLOBAL read_only = 0", "ALTER ROLE ccdata RESET ALL");
    f->read_only = false;
    CHECK(fixture_reopen(f));
    page_release(&page);
}

/* It fails over to read-only while we write: nothing of the page stays, and it says reconnect. */
SERVERS(server_becomes_read_only)
{
    struct page page;
    struct store_page_result result;
    page_to_cut(&page);
    CHECK(page_put(f, &page, &result));
    page_set_f64(&page, 3, "close", 1);
    server_run_each(f, "SET GLOBAL read_only = 1",
                    "ALTER DATABASE ccdata_test SET"
                    " default_transaction_read_only = on");
    if (!is_mariadb(f)) /* there it is a matter of new sessions */
        server_end_connections(f);
    bool put = page_put(f, &page, &result);
    if (!put && !is_mariadb(f))
        put = page_put(f, &page, &result);
    CHECK(!put);
    CHECK_INT(CCD_ACTION_RECONNECT, ccd_status_action(f->err.status));
    server_run_each(f, "SET GLOBAL read_only = 0",
                    "ALTER DATABASE ccdata_test RESET default_transaction_read_only");
    if (put_soon(f, &page, &result))
        CHECK_INT(1, result.changed);
    page_is_stored(f, &page);
    page_release(&page);
}

/* ---- plans ---- */

/* Several series with some thousand rows each: what the question has to find its way in. */
static void fill_for_plans(struct fixture *f)
{
    for (int s = 0; s < 6; s++) {
        struct page page;
        char native[16];
        char mapped[16];
        str_print(native, sizeof(native), "N%d", s);
        str_print(mapped, sizeof(mapped), "M%d-USD", s);
        page_init(&page, "spot_ohlcv", INTERVAL_1H, native, mapped, 2000);
        for (int64_t i = 0; i < 2000; i++)
            page_add(&page, 3600 * (400000 + i));
        page.p.fresh = true;
        page_check(f, &page, 2000, 0, 0, 0);
        page_release(&page);
    }
}

/* The view by market, mapped instrument and range of ts must go by both columns of the fact key. */
SERVERS(view_is_read_by_both_columns_of_the_key)
{
    static const char question[] =
        "SELECT ts, close FROM spot_ohlcv_1h WHERE market = 'kraken' AND mapped_instrument ="
        " 'M3-USD' AND ts >= '2015-09-01 00:00:00' AND ts < '2015-09-03 00:00:00'";
    char sql[512];
    fill_for_plans(f);
    server_run_each(f, "ANALYZE TABLE dim_series, fact_spot_ohlcv_1h",
                    "ANALYZE dim_series; ANALYZE fact_spot_ohlcv_1h");
    str_print(sql, sizeof(sql), "EXPLAIN %s%s", is_mariadb(f) ? "FORMAT=JSON " : "", question);
    const char *plan = ask(f, sql);
    bool both;
    if (is_mariadb(f)) {
        const char *fact = strstr(plan, "\"table_name\": \"f\"");
        both = fact && strstr(fact, "\"used_key_parts\": [\"series_id\", \"ts\"]");
    } else {
        const char *condition = strstr(plan, "Index Cond: ((series_id = d.series_id) AND (ts >=");
        both = condition && strstr(condition, "AND (ts <");
    }
    if (!CHECK(both))
        fprintf(stderr, "%s\n", plan);
    str_print(sql, sizeof(sql), "SELECT count(*), count(close) FROM (%s) q", question);
    CHECK_TEXT("48|48", ask(f, sql));
}
