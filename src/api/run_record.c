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

static void record_series(struct run *run, size_t index)
{
    const struct ccd_operation *reported = report_operation_of(run->report, index);
    size_t count = reported->series_count + reported->list_count;
    struct ccd_error err = {0};
    if (count == 0)
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

static struct store_run_operation operation_row(const struct run *run, size_t index)
{
    const struct ccd_operation *o = report_operation_of(run->report, index);
    const struct ccd_error *cause = report_operation_cause(run->report, index);
    return (struct store_run_operation){
        .run_id = run->run_id,
        .place = (int64_t)index + 1,
        .data_type = o->data_type,
        .interval = o->interval ? o->interval : "",
        .started_utc_s = o->not_started ? run->now_utc_s : run->marks.started_utc_s,
        .status = report_operation_status(run->report, index),
        .exit_code = o->exit_code,
        .calls = o->calls,
        .rows_fetched = o->rows_fetched,
        .rows_written = o->rows_written,
        .rows_unchanged = o->rows_unchanged,
        .rows_changed = o->rows_changed,
        .bytes = o->bytes,
        .duration_ms = o->duration_ms,
        .error = cause->status != CCD_OK ? cause->message : NULL,
    };
}

void run_record_operation(struct run *run, size_t index)
{
    struct ccd_error err = {0};
    if (!run->is_recorded)
        return;
    struct store_run_operation row = operation_row(run, index);
    if (run->store->ops->put_run_operation(run->store, &row, &err) != 0)
        warn(run, &err);
    record_series(run, index);
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
