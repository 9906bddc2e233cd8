#include <stdlib.h>
#include <string.h>

#include "api/run.h"
#include "base/time.h"

static void warn(const struct run *run, const struct ccd_error *err)
{
    log_warning(&run->client->log, NULL, "the run is not recorded in ccdata_runs: %s",
                err->message);
}

static const char *command_of(const struct run *run)
{
    return run->options.command ? run->options.command : run->operations[0].job.type->name;
}

static void put_run(struct run *run, const struct store_run *row)
{
    struct ccd_error err = {0};
    if (run->store->ops->put_run(run->store, row, &err) != 0)
        warn(run, &err);
    else
        run->is_recorded = true;
}

/* Until the end is written it stays "running": so does a run that was killed. */
void run_record_start(struct run *run)
{
    put_run(run, &(struct store_run){
                     .run_id = run->run_id,
                     .command = command_of(run),
                     .started_utc_s = run->now_utc_s,
                     .status = "running",
                 });
}

static struct store_run_series series_row(const struct run *run, const struct operation *o,
                                          const struct selected *item,
                                          const struct ccd_series_result *r)
{
    return (struct store_run_series){
        .run_id = run->run_id,
        .data_type = o->job.type->name,
        .interval = interval_infos[o->job.interval].name,
        .series_id = item->names.series_id,
        .market = r->market,
        .instrument = r->instrument,
        .series_rank = r->rank,
        .lifetime_trades = item->trades,
        .state = ccd_series_state_name(r->state),
        .wanted = r->wanted,
        .stored = r->stored,
        .fetched = r->fetched,
        .empty = r->empty,
        .rejected = r->rejected,
        .failed = r->failed,
        .calls = r->calls,
        .error = r->error.status != CCD_OK ? r->error.message : NULL,
    };
}

/* A list as if its records were periods: wanted is what the vendor lists, stored what was there. */
static struct store_run_series list_row(const struct run *run, const struct operation *o,
                                        const struct ccd_list_result *r)
{
    return (struct store_run_series){
        .run_id = run->run_id,
        .data_type = o->job.type->name,
        .interval = "",
        .market = r->market ? r->market : "",
        .instrument = r->table,
        .state = ccd_series_state_name(r->state),
        .wanted = r->listed,
        .stored = r->unchanged,
        .fetched = r->added + r->changed,
        .rejected = r->refused,
        .calls = r->calls,
        .error = r->error.status != CCD_OK ? r->error.message : NULL,
    };
}

static size_t fill_rows(struct run *run, size_t index, struct store_run_series *rows)
{
    const struct operation *o = &run->operations[index];
    const struct ccd_operation *reported = &report_of(run->report)->operations[index];
    size_t count = 0;
    for (size_t i = 0; i < reported->series_count; i++)
        rows[count++] = series_row(run, o, &o->selection.items[i], &reported->series[i]);
    for (size_t i = 0; i < reported->list_count; i++)
        rows[count++] = list_row(run, o, &reported->lists[i]);
    for (size_t i = 0; i < count; i++)
        rows[i].place = run->record_place + (int64_t)i + 1;
    return count;
}

void run_record_operation(struct run *run, size_t index)
{
    const struct ccd_operation *reported = &report_of(run->report)->operations[index];
    size_t count = reported->series_count + reported->list_count;
    struct ccd_error err = {0};
    if (!run->is_recorded || count == 0)
        return;
    struct store_run_series *rows = mem_new(NULL, count, sizeof(*rows));
    if (!rows) {
        error_set(&err, CCD_NO_MEMORY, "no memory for %zu series", count);
        warn(run, &err);
        return;
    }
    count = fill_rows(run, index, rows);
    if (run->store->ops->put_run_series(run->store, rows, count, &err) != 0)
        warn(run, &err);
    run->record_place += (int64_t)count;
    mem_free(NULL, rows);
}

static void add_totals(struct store_run *row, const struct ccd_report *report)
{
    row->calls = report->calls;
    row->metadata_calls = report->metadata_calls;
    row->rows_fetched = report->rows_fetched;
    row->rows_written = report->rows_written;
    row->rows_unchanged = report->rows_unchanged;
    row->rows_changed = report->rows_changed;
    row->bytes = report->bytes;
    row->duration_ms = report->duration_ms;
}

/* ---- as fast as usual? ---- */

enum { COMPARED_MAX = 20, COMPARED_MIN = 5, COMPARED_CALLS_MIN = 10, RUNS_READ = 200 };
static const double slow_factor = 2;

struct usual {
    const char *command;
    double call_ms[COMPARED_MAX];
    size_t count;
};

/* Nights differ in how much is new, hardly in what a call takes with all that follows it. */
static double time_of_a_call(int64_t duration_ms, int64_t calls)
{
    return calls >= COMPARED_CALLS_MIN ? (double)duration_ms / (double)calls : 0;
}

static int add_usual(void *user, const struct store_run *run, struct ccd_error *err)
{
    struct usual *u = user;
    double call_ms = time_of_a_call(run->duration_ms, run->calls + run->metadata_calls);
    (void)err;
    bool counts = call_ms > 0 && strcmp(run->status, "complete") == 0 &&
                  strcmp(run->command, u->command) == 0;
    if (counts && u->count < COMPARED_MAX)
        u->call_ms[u->count++] = call_ms;
    return 0;
}

static int compare_f64(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Before the run itself is recorded as ended. */
static void compare_with_usual(struct run *run, struct ccd_report *report)
{
    const struct config *c = run->client->config;
    struct usual usual = {.command = command_of(run)};
    struct ccd_error err = {0};
    if (!config_bool(c, CONFIG_MONITORING_METRICS_ENABLED) ||
        !config_bool(c, CONFIG_MONITORING_PERFORMANCE_ENABLED))
        return;
    report->call_ms = time_of_a_call(report->duration_ms, report->calls + report->metadata_calls);
    if (run->store->ops->each_run(run->store, RUNS_READ, add_usual, &usual, &err) != 0 ||
        usual.count < COMPARED_MIN || report->call_ms <= 0)
        return;
    qsort(usual.call_ms, usual.count, sizeof(*usual.call_ms), compare_f64);
    report->usual_call_ms = (usual.call_ms[usual.count / 2] +
                             usual.call_ms[(usual.count - 1) / 2]) /
                            2;
    report->degraded = report->call_ms > slow_factor * report->usual_call_ms;
    if (report->degraded)
        log_warning(&run->client->log, NULL,
                    "slower than usual: %.0f ms for a call, %.0f in the last %zu runs of %s",
                    report->call_ms, report->usual_call_ms, usual.count, usual.command);
}

/* ---- the end ---- */

enum { FORGOTTEN_AT_ONCE = 200 };

static void forget_old(struct run *run)
{
    struct ccd_error err = {0};
    int64_t days = config_i64(run->client->config, CONFIG_MONITORING_METRICS_RETENTION_DAYS);
    int64_t before_utc_s = run->now_utc_s - days * SECONDS_PER_DAY;
    if (run->store->ops->forget_runs(run->store, before_utc_s, FORGOTTEN_AT_ONCE, &err) != 0)
        log_warning(&run->client->log, NULL, "runs older than %lld days are still there: %s",
                    (long long)days, err.message);
}

void run_record_end(struct run *run)
{
    struct ccd_report *report = report_of(run->report);
    if (!run->is_recorded)
        return;
    compare_with_usual(run, report);
    struct store_run row = {
        .run_id = run->run_id,
        .command = command_of(run),
        .started_utc_s = run->now_utc_s,
        .ended_utc_s = clock_utc_s(&run->client->clock),
        .status = report->status,
        .exit_code = report->exit_code,
        .error = report->error.status != CCD_OK ? report->error.message : NULL,
    };
    add_totals(&row, report);
    put_run(run, &row);
    forget_old(run);
}
