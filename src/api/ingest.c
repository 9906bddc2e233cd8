/* ccd_plan and ccd_ingest: the order of a run's steps. */
#include "api/run.h"
#include "base/time.h"

enum { EXIT_PARTIAL = 1 };

/* Why the operations after this one are not begun; CCD_OK: they are. A partial one has not failed:
 * what it lacks is lacking at the vendor or will be there tomorrow. */
static struct ccd_error why_stop(const struct run *run, size_t index, const struct ccd_error *ended,
                                 const struct ccd_error *cause)
{
    const struct ccd_operation *o = &report_of(run->report)->operations[index];
    struct ccd_error why = {0};
    if (run_must_end(ended->status))
        error_set(&why, ended->status, "not started: %s", ended->message);
    else if (o->exit_code > EXIT_PARTIAL && !run->options.continue_on_error)
        error_set(&why, cause->status, "not started, because %s%s%s failed before it", o->data_type,
                  o->interval ? " " : "", o->interval ? o->interval : "");
    else if (index + 1 < run->operation_count && client_stop_level(run->client) > 0)
        error_set(&why, CCD_INTERRUPTED,
                  "interrupted; what was committed stays, run again to go on");
    return why;
}

/* *out_ended: why it ended early, CCD_OK when it did not. */
static struct ccd_error execute_operation(struct run *run, size_t index,
                                          struct ccd_error *out_ended)
{
    const struct operation *o = &run->operations[index];
    error_clear(out_ended);
    run_progress_begin(run, index);
    run_log_start(run, index);
    run_measure_begin(run);
    if (o->error.status != CCD_OK)
        report_operation_error(run->report, index, &o->error);
    else if (operation_is_candles(o))
        run_candles(run, index, out_ended);
    else
        run_lists(run, index, out_ended);
    const struct ccd_error *cause = report_operation_end(run->report, index, out_ended);
    run_measure_end(run, index);
    run_progress_end(run);
    run_log_end(run, index);
    run_measure_compare(run, index);
    run_record_operation(run, index);
    run_unlock(run, index);
    return why_stop(run, index, out_ended, cause);
}

static void execute_all(struct run *run)
{
    struct ccd_error ended = {0}, stop = {0};
    for (size_t i = 0; i < run->operation_count; i++) {
        if (stop.status == CCD_OK) {
            stop = execute_operation(run, i, &ended);
        } else {
            report_not_started(run->report, i, &stop);
            report_operation_end(run->report, i, &stop);
            run_record_operation(run, i);
        }
    }
    if (!run_must_end(ended.status))
        error_clear(&ended);
    if (stop.status == CCD_INTERRUPTED && ended.status == CCD_OK)
        ended = stop;
    report_finish(run->report, &ended);
}

void run_finish_report(struct run *run)
{
    struct ccd_report *report = report_of(run->report);
    report->database = report_text(run->report, buf_str(&run->database.shown).ptr);
    report->vendor = report_text(run->report, http_origin(run->http));
    report->cache_hits = run->cache_hits + run->data_api.cache_hits + run->min_api.cache_hits;
    report->metadata_calls = run->data_api.calls + run->min_api.calls;
    report->bytes = run->bytes + run->data_api.bytes + run->min_api.bytes;
    report->resume_utc_s = run->resume_utc_s;
    report->duration_ms = (clock_mono_us(NULL) - run->started_us) / 1000;
}

int run_new_report(struct run *run, struct ccd_error *err)
{
    int status = report_new(run->operation_count, &run->client->redactor, &run->report, err);
    for (size_t i = 0; i < run->operation_count && status == 0; i++)
        report_operation(run->report, i, &run->operations[i].job);
    return status;
}

static int plan(struct run *run, struct ccd_error *err)
{
    int status = run_select(run, err);
    if (status == 0)
        status = run_report_plan(run, err);
    if (status == 0)
        run_finish_report(run);
    return status;
}

static int ingest(struct run *run, struct ccd_error *err)
{
    run_record_start(run);
    int status = run_lock(run, err);
    if (status == 0)
        status = run_select(run, err);
    if (status == 0)
        execute_all(run);
    else
        report_fail(run->report, err);
    run_finish_report(run);
    run_count_end(run);
    run_record_end(run);
    return status;
}

static int execute(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
                   const struct ccd_run_options *options, bool is_plan,
                   struct ccd_report **out_report, struct ccd_error *err)
{
    struct run run;
    struct ccd_error local = {0};
    if (!err)
        err = &local;
    error_clear(err);
    run_init(&run, client, options, is_plan);
    int status = run_check_jobs(&run, jobs, job_count, err);
    if (status == 0)
        status = run_open(&run, err);
    if (status == 0)
        status = run_new_report(&run, err);
    if (status != 0 && !is_plan)
        run_count_not_begun(&run, status);
    if (status == 0)
        status = is_plan ? plan(&run, err) : ingest(&run, err);
    run_close(&run);
    if (status == 0)
        *out_report = report_of(run.report);
    else if (run.report)
        ccd_report_free(report_of(run.report));
    redact(&client->redactor, err->message);
    return status;
}

int ccd_plan(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
             const struct ccd_run_options *run, struct ccd_report **out_report,
             struct ccd_error *err)
{
    return execute(client, jobs, job_count, run, true, out_report, err);
}

int ccd_ingest(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
               const struct ccd_run_options *run, struct ccd_report **out_report,
               struct ccd_error *err)
{
    return execute(client, jobs, job_count, run, false, out_report, err);
}
