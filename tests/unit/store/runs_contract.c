/* Runs as they are recorded, and what a status asks of a store. */
#include <stdio.h>
#include <string.h>

#include "support.h"

enum { SEEN_BYTES = 4096, SERIES = 1000 };

static void say(char *seen, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(char *seen, const char *format, ...)
{
    va_list args;
    size_t len = strlen(seen);
    va_start(args, format);
    vsnprintf(seen + len, SEEN_BYTES - len, format, args);
    va_end(args);
}

static const char *shown(const char *text)
{
    return text ? text : "NULL";
}

static int see_run(void *user, const struct store_run *run, struct ccd_error *err)
{
    (void)err;
    say(user, "%s %s %lld %lld %s %lld %lld %lld %lld %lld %lld %lld %lld %lld %s\n", run->run_id,
        run->command, (long long)run->started_utc_s, (long long)run->ended_utc_s, run->status,
        (long long)run->exit_code, (long long)run->calls, (long long)run->metadata_calls,
        (long long)run->rows_fetched, (long long)run->rows_written, (long long)run->rows_unchanged,
        (long long)run->rows_changed, (long long)run->bytes, (long long)run->duration_ms,
        shown(run->error));
    return strcmp(run->run_id, "stop") == 0 ? CCD_INTERRUPTED : CCD_OK;
}

static int see_series(void *user, const struct store_run_series *s, struct ccd_error *err)
{
    (void)err;
    say(user, "%s %lld %s '%s' %lld %s %s %lld %lld %s %lld %lld %lld %lld %lld %lld %lld %s\n",
        s->run_id, (long long)s->place, s->data_type, s->interval, (long long)s->series_id,
        s->market, s->instrument, (long long)s->series_rank, (long long)s->lifetime_trades,
        s->state, (long long)s->wanted, (long long)s->stored, (long long)s->fetched,
        (long long)s->empty, (long long)s->rejected, (long long)s->failed, (long long)s->calls,
        shown(s->error));
    return CCD_OK;
}

static void check_runs(struct fixture *f, int64_t limit, const char *expected)
{
    char seen[SEEN_BYTES] = "";
    CHECK_INT(CCD_OK, f->store->ops->each_run(f->store, limit, see_run, seen, &f->err));
    CHECK_TEXT(persists(f) ? expected : "", seen);
}

static void check_series(struct fixture *f, const char *run_id, const char *expected)
{
    char seen[SEEN_BYTES] = "";
    CHECK_INT(CCD_OK, f->store->ops->each_run_series(f->store, run_id, see_series, seen, &f->err));
    CHECK_TEXT(persists(f) ? expected : "", seen);
}

static void put_run(struct fixture *f, const struct store_run *run)
{
    if (!CHECK_INT(CCD_OK, f->store->ops->put_run(f->store, run, &f->err)))
        fprintf(stderr, "%s\n", f->err.message);
}

CONTRACT(runs_are_kept_and_replaced)
{
    struct store_run run = {.run_id = "a", .command = "batch", .status = "running"};
    run.started_utc_s = 100;
    check_runs(f, 10, "");
    put_run(f, &run);
    check_runs(f, 10, "a batch 100 0 running 0 0 0 0 0 0 0 0 0 NULL\n");
    run = (struct store_run){.run_id = "a",
                             .command = "batch",
                             .started_utc_s = 100,
                             .ended_utc_s = 160,
                             .status = "failed",
                             .exit_code = 7,
                             .calls = 1,
                             .metadata_calls = 2,
                             .rows_fetched = 3,
                             .rows_written = 4,
                             .rows_unchanged = 5,
                             .rows_changed = 6,
                             .bytes = INT64_MAX,
                             .duration_ms = 60000,
                             .error = "it's \"broken\" \\ 🚀 %s ?1 $1"};
    put_run(f, &run);
    check_runs(f, 10,
               "a batch 100 160 failed 7 1 2 3 4 5 6 9223372036854775807 60000 it's \"broken\" \\ 🚀"
               " %s ?1 $1\n");
}

CONTRACT(newest_runs_come_first)
{
    struct store_run run = {.command = "c", .status = "s"};
    static const char *const ids[] = {"b", "c", "a"};
    for (int i = 0; i < 3; i++) {
        run.run_id = ids[i];
        run.started_utc_s = i == 2 ? 5 : 10;
        put_run(f, &run);
    }
    check_runs(f, 2, "c c 10 0 s 0 0 0 0 0 0 0 0 0 NULL\nb c 10 0 s 0 0 0 0 0 0 0 0 0 NULL\n");
    check_runs(f, 0, "");
}

static int see_operation(void *user, const struct store_run_operation *o, struct ccd_error *err)
{
    (void)err;
    say(user, "%s %lld %s '%s' %lld %s %lld %lld %lld %lld %lld %lld %lld %lld %s\n", o->run_id,
        (long long)o->place, o->data_type, o->interval, (long long)o->started_utc_s, o->status,
        (long long)o->exit_code, (long long)o->calls, (long long)o->rows_fetched,
        (long long)o->rows_written, (long long)o->rows_unchanged, (long long)o->rows_changed,
        (long long)o->bytes, (long long)o->duration_ms, o->error ? o->error : "NULL");
    return strstr(user, "stop") ? CCD_INTERRUPTED : CCD_OK;
}

static void check_operations(struct fixture *f, const char *interval, int64_t limit,
                             const char *expected)
{
    char seen[SEEN_BYTES] = "";
    CHECK_INT(CCD_OK, f->store->ops->each_run_operation(f->store, "spot_ohlcv", interval, limit,
                                                        see_operation, seen, &f->err));
    CHECK_TEXT(persists(f) ? expected : "", seen);
}

CONTRACT(old_runs_are_forgotten_oldest_first)
{
    static const char *const ids[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        struct store_run_series part = {.run_id = ids[i],
                                        .place = 1,
                                        .data_type = "assets",
                                        .interval = "",
                                        .market = "",
                                        .instrument = "",
                                        .state = "complete"};
        struct store_run_operation operation = {.run_id = ids[i],
                                                .place = 1,
                                                .data_type = "spot_ohlcv",
                                                .interval = "1d",
                                                .started_utc_s = 10 * i,
                                                .status = "complete"};
        put_run(f, &(struct store_run){
                       .run_id = ids[i], .command = "c", .status = "s", .started_utc_s = 10 * i});
        CHECK_INT(CCD_OK, f->store->ops->put_run_operation(f->store, &operation, &f->err));
        CHECK_INT(CCD_OK, f->store->ops->put_run_series(f->store, &part, 1, &f->err));
    }
    CHECK_INT(CCD_OK, f->store->ops->forget_runs(f->store, 20, 1, &f->err));
    check_runs(f, 5, "c c 20 0 s 0 0 0 0 0 0 0 0 0 NULL\nb c 10 0 s 0 0 0 0 0 0 0 0 0 NULL\n");
    CHECK_INT(CCD_OK, f->store->ops->forget_runs(f->store, 20, 100, &f->err));
    check_runs(f, 5, "c c 20 0 s 0 0 0 0 0 0 0 0 0 NULL\n");
    check_operations(f, "1d", 5, "c 1 spot_ohlcv '1d' 20 complete 0 0 0 0 0 0 0 0 NULL\n");
    check_series(f, "b", "");
    check_series(f, "c", "c 1 assets '' 0   0 0 complete 0 0 0 0 0 0 0 NULL\n");
}

CONTRACT(operations_of_runs_are_kept_and_replaced)
{
    struct store_run_operation o = {.run_id = "a",
                                    .place = 1,
                                    .data_type = "spot_ohlcv",
                                    .interval = "1d",
                                    .started_utc_s = 100,
                                    .status = "complete"};
    check_operations(f, "1d", 10, "");
    CHECK_INT(CCD_OK, f->store->ops->put_run_operation(f->store, &o, &f->err));
    o.interval = "1h";
    o.place = 2;
    CHECK_INT(CCD_OK, f->store->ops->put_run_operation(f->store, &o, &f->err));
    o = (struct store_run_operation){.run_id = "b",
                                     .place = 7,
                                     .data_type = "spot_ohlcv",
                                     .interval = "1d",
                                     .started_utc_s = 200,
                                     .status = "failed",
                                     .exit_code = 6,
                                     .calls = 1,
                                     .rows_fetched = 2,
                                     .rows_written = 3,
                                     .rows_unchanged = 4,
                                     .rows_changed = 5,
                                     .bytes = INT64_MAX,
                                     .duration_ms = 7,
                                     .error = "it's \"broken\""};
    CHECK_INT(CCD_OK, f->store->ops->put_run_operation(f->store, &o, &f->err));
    check_operations(f, "1h", 10, "a 2 spot_ohlcv '1h' 100 complete 0 0 0 0 0 0 0 0 NULL\n");
    check_operations(f, "1d", 1,
                     "b 7 spot_ohlcv '1d' 200 failed 6 1 2 3 4 5 9223372036854775807 7"
                     " it's \"broken\"\n");
    o.error = NULL;
    o.bytes = 6;
    CHECK_INT(CCD_OK, f->store->ops->put_run_operation(f->store, &o, &f->err));
    check_operations(f, "1d", 10,
                     "b 7 spot_ohlcv '1d' 200 failed 6 1 2 3 4 5 6 7 NULL\n"
                     "a 1 spot_ohlcv '1d' 100 complete 0 0 0 0 0 0 0 0 NULL\n");
    check_operations(f, "", 10, "");
}

CONTRACT(reader_of_runs_can_stop)
{
    char seen[SEEN_BYTES] = "";
    put_run(f, &(struct store_run){.run_id = "stop", .command = "c", .status = "s"});
    CHECK_INT(persists(f) ? CCD_INTERRUPTED : CCD_OK,
              f->store->ops->each_run(f->store, 5, see_run, seen, &f->err));
}

CONTRACT(series_of_a_run_are_kept_and_replaced)
{
    struct store_run_series s[] = {
        {.run_id = "r", .place = 2, .data_type = "assets", .interval = "", .state = "complete"},
        {.run_id = "r",
         .place = 1,
         .data_type = "spot_ohlcv",
         .interval = "1d",
         .series_id = INT64_C(9007199254740991),
         .market = "O'NEIL",
         .instrument = "MÈME-\\\"$X\" 🚀",
         .series_rank = 3,
         .lifetime_trades = INT64_MAX,
         .state = "failed",
         .wanted = 1,
         .stored = 2,
         .fetched = 3,
         .empty = 4,
         .rejected = 5,
         .failed = 6,
         .calls = 7,
         .error = "no"},
    };
    s[0].market = s[0].instrument = "";
    CHECK_INT(CCD_OK, f->store->ops->put_run_series(f->store, s, 0, &f->err));
    if (!CHECK_INT(CCD_OK, f->store->ops->put_run_series(f->store, s, 2, &f->err)))
        fprintf(stderr, "%s\n", f->err.message);
    check_series(f, "r",
                 "r 1 spot_ohlcv '1d' 9007199254740991 O'NEIL MÈME-\\\"$X\" 🚀 3"
                 " 9223372036854775807 failed 1 2 3 4 5 6 7 no\n"
                 "r 2 assets '' 0   0 0 complete 0 0 0 0 0 0 0 NULL\n");
    check_series(f, "other", "");
    s[0].state = "partial";
    CHECK_INT(CCD_OK, f->store->ops->put_run_series(f->store, s, 1, &f->err));
    s[0].run_id = "other";
    CHECK_INT(CCD_OK, f->store->ops->put_run_series(f->store, s, 1, &f->err));
    check_series(f, "other", "other 2 assets '' 0   0 0 partial 0 0 0 0 0 0 0 NULL\n");
}

static int count_series(void *user, const struct store_run_series *s, struct ccd_error *err)
{
    int64_t *count = user;
    (void)err;
    return CHECK_INT(++*count, s->place) ? CCD_OK : CCD_INTERNAL;
}

CONTRACT(run_of_many_series)
{
    static struct store_run_series s[SERIES];
    int64_t count = 0;
    for (int64_t i = 0; i < SERIES; i++)
        s[i] = (struct store_run_series){.run_id = "r",
                                         .place = SERIES - i,
                                         .data_type = "t",
                                         .interval = "1h",
                                         .market = "m",
                                         .instrument = "i",
                                         .state = "complete"};
    CHECK_INT(CCD_OK, f->store->ops->put_run_series(f->store, s, SERIES, &f->err));
    CHECK_INT(CCD_OK, f->store->ops->each_run_series(f->store, "r", count_series, &count, &f->err));
    CHECK_INT(persists(f) ? SERIES : 0, count);
}

/* ---- coverage of a type ---- */

static int see_segment(void *user, int64_t series_id, const struct coverage_segment *segment,
                       struct ccd_error *err)
{
    (void)err;
    say(user, "%s %lld-%lld %s; ",
        series_id == names_of("spot_ohlcv", "XXBTZUSD", NULL).series_id ? "BTC" : "ETH",
        (long long)segment->from_ts / 86400, (long long)segment->to_ts / 86400,
        coverage_state_name(segment->state));
    return strstr(user, "stop") ? CCD_INTERRUPTED : CCD_OK;
}

CONTRACT(coverage_of_a_type_in_order)
{
    struct page pages[3];
    char seen[SEEN_BYTES] = "";
    const char *expected;
    struct store_page_result result;
    page_init(&pages[0], "spot_ohlcv", INTERVAL_1D, "XETHZUSD", "ETH-USD", 1);
    page_init(&pages[1], "spot_ohlcv", INTERVAL_1D, "XXBTZUSD", "BTC-USD", 1);
    page_init(&pages[2], "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 1);
    page_cover(&pages[0], day(5), day(9), COVERAGE_EMPTY);
    page_cover(&pages[1], day(7), day(8), COVERAGE_STORED);
    page_cover(&pages[2], day(1), day(2), COVERAGE_STORED);
    for (int i = 0; i < 3; i++)
        CHECK(page_put(f, &pages[i], &result));
    pages[1].p.segment_count = 0;
    page_cover(&pages[1], day(2), day(7), COVERAGE_BEFORE_START);
    CHECK(page_put(f, &pages[1], &result));
    CHECK_INT(CCD_OK, f->store->ops->each_coverage(f->store, type_of("spot_ohlcv"), 86400,
                                                   see_segment, seen, &f->err));
    expected = pages[0].names.series_id < pages[1].names.series_id
                   ? "ETH 5-9 empty; BTC 2-7 before_start; BTC 7-8 stored; "
                   : "BTC 2-7 before_start; BTC 7-8 stored; ETH 5-9 empty; ";
    CHECK_TEXT(persists(f) ? expected : "", seen);
    str_copy(seen, sizeof(seen), STR("stop "));
    CHECK_INT(persists(f) ? CCD_INTERRUPTED : CCD_OK,
              f->store->ops->each_coverage(f->store, type_of("spot_ohlcv"), 86400, see_segment,
                                           seen, &f->err));
    seen[0] = '\0';
    CHECK_INT(CCD_OK, f->store->ops->each_coverage(f->store, type_of("futures_ohlcv"), 86400,
                                                   see_segment, seen, &f->err));
    CHECK_TEXT("", seen);
    for (int i = 0; i < 3; i++)
        page_release(&pages[i]);
}

/* ---- whether it takes writes ---- */

static int count_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    (void)scope, (void)asked_utc_s, (void)err;
    ++*(int *)user;
    return CCD_OK;
}

CONTRACT(trying_to_write_leaves_nothing)
{
    int lists = 0;
    if (!CHECK_INT(CCD_OK, f->store->ops->try_write(f->store, &f->err)))
        fprintf(stderr, "%s\n", f->err.message);
    for (size_t i = 0; i < metadata_table_count; i++)
        CHECK_INT(CCD_OK, f->store->ops->each_list(f->store, metadata_tables[i], count_scope,
                                                   &lists, &f->err));
    CHECK_INT(0, lists);
    f->read_only = true;
    if (!CHECK(fixture_reopen(f)))
        return;
    CHECK_INT(CCD_OK, f->store->ops->try_write(f->store, &f->err));
}
