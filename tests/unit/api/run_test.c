/* Runs of several operations: their order, what stops them, what is asked for once, what is kept of
 * them, and how they end. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "fake_run.h"
#include "test.h"

enum { DAY = 86400 };

static struct ccd_client *open_client(const char *setting)
{
    const char *settings[] = {"CCDATA_API_KEY=0123456789abcdef",
                              "CCDATA_DATABASE_URL=mysql://u@127.0.0.1/a",
                              "CCDATA_NOW=2026-01-01T00:00:00Z", setting};
    struct ccd_client *client = NULL;
    struct ccd_error err = {0};
    const struct ccd_options options = {
        .size = sizeof(options), .settings = settings, .setting_count = setting ? 4 : 3};
    CHECK_INT(0, ccd_open(&options, &client, &err));
    CHECK_TEXT("", err.message);
    return client;
}

static struct ccd_job job_of(const char *type)
{
    struct ccd_job job = CCD_JOB_INIT;
    job.data_type = type;
    return job;
}

/* How a run of these jobs went; NULL with *err. */
static struct ccd_report *run_with(const struct ccd_job *jobs, size_t count,
                                   struct ccd_run_options options, const char *setting, bool plan,
                                   struct ccd_error *err)
{
    struct ccd_client *client = open_client(setting);
    struct ccd_report *report = NULL;
    error_clear(err);
    if (plan)
        ccd_plan(client, jobs, count, &options, &report, err);
    else
        ccd_ingest(client, jobs, count, &options, &report, err);
    ccd_close(client);
    return report;
}

static struct ccd_report *ingest(const struct ccd_job *jobs, size_t count, bool go_on)
{
    struct ccd_run_options options = CCD_RUN_INIT;
    struct ccd_error err;
    options.continue_on_error = go_on;
    struct ccd_report *report = run_with(jobs, count, options, NULL, false, &err);
    CHECK_TEXT("", err.message);
    return report;
}

/* Three operations, each one series of its own over ten days. */
static void three(struct ccd_job jobs[3])
{
    static const char *const types[] = {"spot_ohlcv", "futures_ohlcv", "indices_ohlcv"};
    static const char *const names[] = {"A", "B", "C"};
    fake_reset();
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = job_of(types[i]);
        fake.series[i][0] = (struct fake_series){names[i], 100, 110, CCD_OK};
        fake.calls[i] = 1;
    }
}

TEST(run_operations_in_order)
{
    struct ccd_job jobs[3];
    three(jobs);
    struct ccd_report *report = ingest(jobs, 3, false);
    CHECK_TEXT("record:running lock:spot_ohlcv lock:futures_ohlcv lock:indices_ohlcv "
               "select:spot_ohlcv select:futures_ohlcv select:indices_ohlcv "
               "run rows unlock:spot_ohlcv run rows unlock:futures_ohlcv "
               "run rows unlock:indices_ohlcv record:complete close",
               fake.journal);
    CHECK_INT(0, report->exit_code);
    CHECK_TEXT("complete", report->status);
    CHECK_INT(30, report->rows_written);
    CHECK_INT(3000, report->bytes);
    CHECK_TEXT("futures_ohlcv", report->operations[1].data_type);
    ccd_report_free(report);
}

/* The order of the file does not decide who waits for whom. */
TEST(run_locks_in_the_order_of_the_registry_and_once_each)
{
    struct ccd_job jobs[3];
    three(jobs);
    jobs[0] = job_of("indices_ohlcv");
    jobs[2] = job_of("spot_ohlcv");
    jobs[1] = job_of("indices_ohlcv");
    ccd_report_free(ingest(jobs, 3, false));
    CHECK_TEXT("record:running lock:spot_ohlcv lock:indices_ohlcv select:indices_ohlcv "
               "select:indices_ohlcv select:spot_ohlcv run rows run rows unlock:indices_ohlcv "
               "run rows unlock:spot_ohlcv record:complete close",
               fake.journal);
}

static void check_codes(const struct ccd_report *report, int a, int b, int c, int whole)
{
    CHECK_INT(a, report->operations[0].exit_code);
    CHECK_INT(b, report->operations[1].exit_code);
    CHECK_INT(c, report->operations[2].exit_code);
    CHECK_INT(whole, report->exit_code);
}

TEST(run_ends_behind_a_failed_operation)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.series_error[1] = CCD_VENDOR_UNAVAILABLE;
    struct ccd_report *report = ingest(jobs, 3, false);
    check_codes(report, 0, 6, 6, 1);
    CHECK(!report->operations[1].not_started);
    CHECK(report->operations[2].not_started);
    CHECK_INT(0, report->operations[2].series_count);
    CHECK_TEXT("not started, because futures_ohlcv 1d failed before it",
               report->operations[2].error.message);
    CHECK_TEXT("partial", report->status);
    CHECK_INT(2, record->row_count);
    ccd_report_free(report);
}

TEST(run_goes_on_behind_a_failed_operation_when_asked_to)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.series_error[1] = CCD_VENDOR_UNAVAILABLE;
    fake.session_error[1] = CCD_VENDOR_UNAVAILABLE;
    struct ccd_report *report = ingest(jobs, 3, true);
    check_codes(report, 0, 6, 0, 1);
    CHECK(!report->operations[2].not_started);
    ccd_report_free(report);
}

TEST(run_goes_on_behind_a_partial_operation)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.series[1][1] = (struct fake_series){"NONE", 0, 0, CCD_UNKNOWN_AT_VENDOR};
    struct ccd_report *report = ingest(jobs, 3, false);
    check_codes(report, 0, 1, 0, 1);
    CHECK(!report->operations[2].not_started);
    ccd_report_free(report);
}

/* These leave nothing to go on with; what was fetched before stands in the report. */
TEST(run_ends_for_good)
{
    static const enum ccd_status ends[] = {CCD_QUOTA_EXHAUSTED,     CCD_KEY_REJECTED,
                                           CCD_INTERRUPTED,         CCD_DATABASE_UNREACHABLE,
                                           CCD_DATABASE_PERMISSION, CCD_DISK};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct ccd_job jobs[3];
        three(jobs);
        fake.series_error[1] = fake.session_error[1] = ends[i];
        struct ccd_report *report = ingest(jobs, 3, true);
        int code = ccd_status_exit_code(ends[i]);
        check_codes(report, 0, code, code, i < 3 ? code : 1);
        CHECK(report->operations[2].not_started);
        CHECK_TEXT(i == 2 ? "interrupted" : "partial", report->status);
        CHECK_INT(10, report->rows_written);
        ccd_report_free(report);
    }
}

TEST(run_ends_when_an_operation_cannot_begin)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.put_series_error = CCD_DATABASE_UNREACHABLE;
    struct ccd_report *report = ingest(jobs, 3, true);
    check_codes(report, 8, 8, 8, 8);
    CHECK_TEXT("told to fail", report->operations[0].error.message);
    CHECK_TEXT("failed", record->runs[0].status);
    ccd_report_free(report);
    three(jobs);
    fake.runtime_error[0] = CCD_INTERNAL;
    fake.series_error[0] = CCD_INTERNAL;
    report = ingest(jobs, 3, true);
    check_codes(report, 3, 3, 3, 3);
    CHECK_INT(1, report->operations[0].series_count);
    ccd_report_free(report);
}

TEST(run_precedence_of_causes)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.series_error[0] = CCD_BAD_REPLY;
    fake.series_error[1] = CCD_NETWORK;
    fake.series_error[2] = CCD_DATABASE_DATA;
    struct ccd_report *report = ingest(jobs, 3, true);
    check_codes(report, 7, 6, 9, 9);
    CHECK_TEXT("failed", report->status);
    ccd_report_free(report);
}

TEST(run_a_failed_selection_is_its_operation_s)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.select_error[1] = CCD_NETWORK;
    struct ccd_report *report = ingest(jobs, 3, true);
    check_codes(report, 0, 6, 0, 1);
    CHECK_TEXT("told to fail", report->operations[1].error.message);
    ccd_report_free(report);
    three(jobs);
    fake.select_error[1] = CCD_NETWORK;
    report = ingest(jobs, 3, false);
    check_codes(report, 0, 6, 6, 1);
    ccd_report_free(report);
}

TEST(run_a_selection_that_ends_everything)
{
    struct ccd_job jobs[3];
    struct ccd_error err;
    three(jobs);
    fake.select_error[1] = CCD_QUOTA_EXHAUSTED;
    struct ccd_report *report = run_with(jobs, 3, (struct ccd_run_options)CCD_RUN_INIT, NULL, false,
                                         &err);
    CHECK(report == NULL);
    CHECK_INT(CCD_QUOTA_EXHAUSTED, err.status);
    CHECK_TEXT("failed", record->runs[0].status);
    CHECK_INT(5, record->runs[0].exit_code);
    CHECK_TEXT("told to fail", record->runs[0].error);
    CHECK(strstr(fake.journal, " run") == NULL);
}

TEST(run_a_held_lock_is_its_operation_s)
{
    struct ccd_job jobs[3];
    struct ccd_error err;
    struct ccd_run_options options = CCD_RUN_INIT;
    three(jobs);
    options.lock_wait_s = 0;
    options.continue_on_error = true;
    fake.locked = "futures_ohlcv";
    fake.series[1][0] = (struct fake_series){"C", 100, 110, CCD_OK}; /* of the next selection */
    struct ccd_report *report = run_with(jobs, 3, options, NULL, false, &err);
    check_codes(report, 0, 11, 0, 1);
    CHECK_TEXT("record:running lock:spot_ohlcv lock:indices_ohlcv select:spot_ohlcv "
               "select:indices_ohlcv run rows unlock:spot_ohlcv run rows unlock:indices_ohlcv "
               "record:partial close",
               fake.journal);
    ccd_report_free(report);
    three(jobs);
    fake.locked = "futures_ohlcv";
    report = run_with(&jobs[1], 1, options, NULL, false, &err);
    CHECK_INT(11, report->exit_code);
    CHECK_TEXT("process 17 writes futures_ohlcv", report->error.message);
    ccd_report_free(report);
}

TEST(run_max_calls_hold_for_all_operations)
{
    struct ccd_job jobs[3];
    struct ccd_error err;
    struct ccd_run_options options = CCD_RUN_INIT;
    three(jobs);
    options.max_calls = 7;
    fake.calls[0] = 3;
    fake.calls[1] = 5;
    fake.series_error[2] = fake.session_error[2] = CCD_QUOTA_EXHAUSTED;
    struct ccd_report *report = run_with(jobs, 3, options, NULL, false, &err);
    CHECK_INT(7, fake.max_calls[0]);
    CHECK_INT(4, fake.max_calls[1]);
    CHECK_INT(0, fake.max_calls[2]);
    CHECK_TEXT("the 7 calls allowed to this run are spent; run again to go on",
               report->error.message);
    CHECK_INT(5, report->exit_code);
    ccd_report_free(report);
}

/* ---- asked for once ---- */

static void check_asked(int64_t from, int64_t to, int64_t from_2, int64_t to_2, int64_t periods,
                        int64_t calls)
{
    struct ccd_job jobs[2] = {job_of("spot_ohlcv"), job_of("spot_ohlcv")};
    struct ccd_error err;
    fake_reset();
    fake.series[0][0] = (struct fake_series){"A", from, to, CCD_OK};
    fake.series[1][0] = (struct fake_series){"A", from_2, to_2, CCD_OK};
    fake.series[1][1] = (struct fake_series){"B", 1, 2, CCD_OK};
    struct ccd_report *report = run_with(jobs, 2, (struct ccd_run_options)CCD_RUN_INIT, NULL, true,
                                         &err);
    CHECK_INT(periods + 1, report->rows_planned);
    CHECK_INT(calls + 1, report->calls);
    ccd_report_free(report);
}

TEST(run_plans_once_what_two_operations_want)
{
    check_asked(100, 200, 100, 200, 100, 1);
    check_asked(100, 200, 120, 150, 100, 1);
    check_asked(100, 200, 50, 150, 150, 2);
    check_asked(100, 200, 150, 250, 150, 2);
    check_asked(100, 200, 200, 250, 150, 2);
    check_asked(100, 200, 50, 250, 200, 2); /* one call spans the middle */
    check_asked(100, 200, 300, 300, 100, 1);
}

TEST(run_fetches_once_what_two_operations_want)
{
    struct ccd_job jobs[2] = {job_of("spot_ohlcv"), job_of("spot_ohlcv")};
    fake_reset();
    fake.series[0][0] = (struct fake_series){"A", 100, 200, CCD_OK};
    fake.series[1][0] = (struct fake_series){"A", 50, 200, CCD_OK};
    struct ccd_report *report = ingest(jobs, 2, false);
    CHECK_INT(150, fake.asked_periods);
    CHECK_INT(100, report->operations[0].series[0].wanted);
    CHECK_INT(50, report->operations[1].series[0].wanted);
    CHECK_INT(0, report->exit_code);
    ccd_report_free(report);
    fake_reset();
    fake.series[0][0] = (struct fake_series){"A", 100, 200, CCD_OK};
    fake.series[1][0] = (struct fake_series){"A", 100, 200, CCD_OK};
    report = ingest(jobs, 2, false);
    CHECK_INT(100, fake.asked_periods);
    CHECK_INT(CCD_SERIES_UP_TO_DATE, report->operations[1].series[0].state);
    ccd_report_free(report);
    fake_reset();
    jobs[1].interval = "1h"; /* another table: nothing in common */
    fake.series[0][0] = (struct fake_series){"A", 100, 200, CCD_OK};
    fake.series[1][0] = (struct fake_series){"A", 100, 200, CCD_OK};
    ccd_report_free(ingest(jobs, 2, false));
    CHECK_INT(100 + 2400, fake.asked_periods);
}

/* ---- metadata ---- */

static struct ccd_job instruments_of(const char *const *exchanges, size_t count)
{
    struct ccd_job job = job_of("spot_instruments");
    job.exchanges = exchanges;
    job.exchange_count = count;
    return job;
}

TEST(run_lists_of_markets)
{
    static const char *const exchanges[] = {"Kraken", "kr*"};
    struct ccd_job job = instruments_of(exchanges, 2);
    fake_reset();
    fake.outcome = (struct list_outcome){
        .counts = {.added = 2, .changed = 3, .unchanged = 5, .gone = 1},
        .parts = {.added = 7},
        .unknown_keys = 4,
        .first_unknown_key = "NEW_THING",
        .calls = 1,
    };
    struct ccd_report *report = ingest(&job, 1, false);
    CHECK_TEXT("record:running lock:spot_instruments markets list:kraken list:krypton rows "
               "unlock:spot_instruments record:complete close",
               fake.journal);
    const struct ccd_operation *o = &report->operations[0];
    CHECK(o->interval == NULL);
    CHECK_INT(2, o->list_count);
    CHECK_TEXT("krypton", o->lists[1].market);
    CHECK_TEXT("spot_instruments", o->lists[1].table);
    CHECK_INT(10, o->lists[1].listed);
    CHECK_INT(1, o->lists[1].gone);
    CHECK_TEXT("NEW_THING", o->lists[1].first_unknown_key);
    CHECK_INT(CCD_SERIES_COMPLETE, o->lists[1].state);
    CHECK_INT(34, report->rows_fetched);
    CHECK_INT(24, report->rows_written);
    CHECK_INT(6, report->rows_changed);
    CHECK_TEXT("spot_instruments", record->rows[1].instrument);
    CHECK_TEXT("krypton", record->rows[1].market);
    CHECK_TEXT("", record->rows[1].interval);
    CHECK_INT(2, record->rows[1].place);
    ccd_report_free(report);
}

TEST(run_a_refused_list_fails_alone)
{
    struct ccd_job job = instruments_of(NULL, 0);
    fake_reset();
    fake.outcome = (struct list_outcome){.counts = {.unchanged = 5}, .calls = 1};
    fake.shrunk_market = "coinbase";
    fake.unknown_market = "krypton";
    struct ccd_report *report = ingest(&job, 1, false);
    const struct ccd_list_result *lists = report->operations[0].lists;
    CHECK_INT(CCD_SERIES_FAILED, lists[0].state);
    CHECK_TEXT("the list shrank", lists[0].error.message);
    CHECK_INT(CCD_SERIES_UP_TO_DATE, lists[1].state);
    CHECK_INT(CCD_SERIES_FAILED, lists[2].state);
    CHECK_INT(CCD_UNKNOWN_AT_VENDOR, lists[2].error.status);
    CHECK_INT(1, report->exit_code);
    ccd_report_free(report);
    static const char *const unknown[] = {"krypton"};
    job = instruments_of(unknown, 1);
    report = ingest(&job, 1, false);
    CHECK_INT(7, report->exit_code);
    ccd_report_free(report);
}

TEST(run_refused_records_make_a_list_partial)
{
    static const char *const exchanges[] = {"kraken"};
    struct ccd_job job = instruments_of(exchanges, 1);
    fake_reset();
    fake.outcome = (struct list_outcome){
        .counts = {.added = 5}, .refused = 2, .first_refusal = "X has no key", .calls = 1};
    struct ccd_report *report = ingest(&job, 1, false);
    CHECK_INT(CCD_SERIES_PARTIAL, report->operations[0].lists[0].state);
    CHECK_TEXT("2 impossible records were left out, the first: X has no key",
               report->error.message);
    CHECK_INT(1, report->exit_code);
    ccd_report_free(report);
}

/* Neither does a host that is away cost all its retries for each of some hundred markets. */
TEST(run_lists_of_a_host_that_is_away)
{
    struct ccd_job job = instruments_of(NULL, 0);
    fake_reset();
    fake.list_error = CCD_NETWORK;
    struct ccd_report *report = ingest(&job, 1, false);
    CHECK(strstr(fake.journal, "list:kraken") != NULL);
    CHECK(strstr(fake.journal, "list:krypton") == NULL);
    CHECK_INT(3, report->operations[0].list_count);
    CHECK_INT(CCD_SERIES_FAILED, report->operations[0].lists[2].state);
    CHECK_INT(6, report->exit_code);
    ccd_report_free(report);
    fake_reset();
    fake.list_error = CCD_INTERRUPTED;
    report = ingest(&job, 1, false);
    CHECK(strstr(fake.journal, "list:kraken") == NULL);
    CHECK_INT(130, report->exit_code);
    CHECK_TEXT("interrupted", record->runs[0].status);
    ccd_report_free(report);
}

/* One key, one quota, two hosts. */
TEST(run_hosts_share_the_ledger)
{
    static const char *const exchanges[] = {"kraken"};
    struct ccd_job job = instruments_of(exchanges, 1);
    struct ccd_error err;
    fake_reset();
    ccd_report_free(ingest(&job, 1, false));
    CHECK(fake.shares_ledger);
    fake_reset(); /* a wrong second host is no concern of runs that do not need it */
    ccd_report_free(run_with(&job, 1, (struct ccd_run_options)CCD_RUN_INIT,
                             "MIN_API_BASE_URL=http://example.com", false, &err));
    CHECK_TEXT("", err.message);
    CHECK(!fake.shares_ledger);
}

static void check_rewrite(bool full_refresh, const char *setting, bool expected)
{
    static const char *const exchanges[] = {"kraken"};
    struct ccd_job job = instruments_of(exchanges, 1);
    struct ccd_error err;
    fake_reset();
    job.full_refresh = full_refresh;
    job.force = full_refresh;
    ccd_report_free(run_with(&job, 1, (struct ccd_run_options)CCD_RUN_INIT, setting, false, &err));
    CHECK_INT(expected, fake.list_options.rewrite);
    CHECK_INT(full_refresh, fake.list_options.force);
    CHECK(fake.list_options.always);
}

TEST(run_lists_are_rewritten_when_asked_to)
{
    check_rewrite(false, NULL, false);
    check_rewrite(true, NULL, true);
    check_rewrite(false, "METADATA_FULL_REFRESH=true", true);
    check_rewrite(false, "METADATA_CHANGE_DETECTION=false", true);
}

TEST(run_plan_of_lists)
{
    static const char *const exchanges[] = {"kraken", "coinbase"};
    struct ccd_job job = instruments_of(exchanges, 2);
    struct ccd_error err;
    fake_reset();
    struct ccd_report *report = run_with(&job, 1, (struct ccd_run_options)CCD_RUN_INIT, NULL, true,
                                         &err);
    CHECK_INT(2, report->operations[0].list_count);
    CHECK_INT(CCD_SERIES_PLANNED, report->operations[0].lists[0].state);
    CHECK_INT(1, report->operations[0].lists[0].calls);
    CHECK_INT(2, report->calls);
    CHECK_TEXT("close", fake.journal); /* no lock, no call, no record */
    CHECK_INT(0, report->exit_code);
    ccd_report_free(report);
}

/* ---- the record ---- */

TEST(run_is_recorded)
{
    struct ccd_job jobs[3];
    struct ccd_error err;
    struct ccd_run_options options = CCD_RUN_INIT;
    three(jobs);
    options.command = "batch";
    ccd_report_free(run_with(jobs, 3, options, NULL, false, &err));
    CHECK_INT(1, record->run_count);
    CHECK_TEXT("batch", record->runs[0].command);
    CHECK_TEXT("complete", record->runs[0].status);
    CHECK_INT(1767225600, record->runs[0].ended_utc_s);
    CHECK_INT(30, record->runs[0].rows_written);
    CHECK_INT(3, record->row_count);
    CHECK_INT(3, record->rows[2].place);
    CHECK_TEXT("C", record->rows[2].instrument);
    CHECK_TEXT("1d", record->rows[2].interval);
    CHECK_TEXT("complete", record->rows[2].state);
    CHECK_INT(10, record->rows[2].fetched);
    CHECK_TEXT(record->runs[0].run_id, record->rows[2].run_id);
    ccd_report_free(ingest(jobs, 1, false)); /* within the same second */
    CHECK_INT(2, record->run_count);
    CHECK_TEXT("spot_ohlcv", record->runs[1].command);
}

TEST(run_that_cannot_be_recorded_has_its_result)
{
    struct ccd_job jobs[3];
    three(jobs);
    fake.record_error = CCD_DATABASE_BUSY;
    struct ccd_report *report = ingest(jobs, 3, false);
    CHECK_INT(0, report->exit_code);
    CHECK_INT(30, report->rows_written);
    CHECK_INT(0, record->run_count);
    CHECK(strstr(fake.journal, "rows") == NULL);
    ccd_report_free(report);
}

TEST(run_that_was_killed_stays_running)
{
    struct ccd_job jobs[3];
    int status = 0;
    three(jobs);
    fake.die_at = 1;
    pid_t child = fork();
    if (child == 0) {
        ccd_report_free(ingest(jobs, 3, false));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 9);
    CHECK_INT(1, record->run_count);
    CHECK_TEXT("running", record->runs[0].status);
    CHECK_INT(0, record->runs[0].ended_utc_s);
    CHECK_INT(1, record->row_count); /* what the first operation had done */
}

/* ---- progress ---- */

struct seen {
    struct ccd_progress first, last;
    int count;
    bool shrank;
};

static void watch(void *user, const struct ccd_progress *now)
{
    struct seen *seen = user;
    const struct ccd_progress *last = &seen->last;
    seen->shrank |= now->series_total < last->series_total ||
                    now->series_done < last->series_done ||
                    now->calls_planned < last->calls_planned ||
                    now->calls_done < last->calls_done || now->rows_fetched < last->rows_fetched ||
                    now->rows_written < last->rows_written || now->elapsed_ms < last->elapsed_ms;
    seen->last = *now;
    if (seen->count++ == 0)
        seen->first = *now;
}

TEST(run_progress_counts_all_operations)
{
    static const char *const exchanges[] = {"kraken", "coinbase"};
    struct ccd_job jobs[2] = {instruments_of(exchanges, 2), instruments_of(exchanges, 1)};
    struct seen seen = {0};
    struct ccd_error err;
    struct ccd_run_options options = CCD_RUN_INIT;
    fake_reset();
    fake.outcome = (struct list_outcome){.counts = {.added = 4, .unchanged = 6}, .calls = 1};
    options.progress = watch;
    options.progress_user = &seen;
    ccd_report_free(run_with(jobs, 2, options, NULL, false, &err));
    CHECK_INT(3, seen.count);
    CHECK(!seen.shrank);
    CHECK_INT(3, seen.first.series_total);
    CHECK_INT(3, seen.first.calls_planned);
    CHECK_INT(1, seen.first.calls_done);
    CHECK_INT(3, seen.last.series_total);
    CHECK_INT(3, seen.last.series_done);
    CHECK_INT(3, seen.last.calls_done);
    CHECK_INT(30, seen.last.rows_fetched);
    CHECK_INT(12, seen.last.rows_written);
}

/* The first operation needs more calls than were planned, the last one fewer. */
TEST(run_progress_of_sessions)
{
    struct ccd_job jobs[3];
    struct seen seen = {0};
    struct ccd_error err;
    struct ccd_run_options options = CCD_RUN_INIT;
    three(jobs);
    fake.calls[0] = 5;
    fake.calls[2] = 0;
    options.progress = watch;
    options.progress_user = &seen;
    ccd_report_free(run_with(jobs, 3, options, NULL, false, &err));
    CHECK_INT(3, seen.count);
    CHECK(!seen.shrank);
    CHECK_INT(3, seen.first.series_total);
    CHECK_INT(1, seen.first.series_done);
    CHECK_INT(7, seen.first.calls_planned);
    CHECK_INT(3, seen.last.series_done);
    CHECK_INT(6, seen.last.calls_done);
    CHECK_INT(7, seen.last.calls_planned);
    CHECK_INT(30, seen.last.rows_written);
}
