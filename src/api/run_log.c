#include "api/run.h"

static struct log_subject subject_of(const struct ccd_operation *o)
{
    return (struct log_subject){
        .data_type = o->data_type,
        .interval = o->interval,
        .is_reported = true,
    };
}

static void log_failed_series(const struct run *run, const struct ccd_operation *o)
{
    for (size_t i = 0; i < o->series_count; i++) {
        const struct ccd_series_result *r = &o->series[i];
        struct log_subject subject = subject_of(o);
        subject.market = r->market;
        subject.instrument = r->instrument;
        if (r->state == CCD_SERIES_FAILED)
            log_error(&run->client->log, &subject, "failed: %s", r->error.message);
        else if (r->state == CCD_SERIES_PARTIAL)
            log_warning(&run->client->log, &subject, "%lld of %lld periods are missing: %s",
                        (long long)r->failed, (long long)r->wanted, r->error.message);
    }
}

static void log_failed_lists(const struct run *run, const struct ccd_operation *o)
{
    for (size_t i = 0; i < o->list_count; i++) {
        const struct ccd_list_result *r = &o->lists[i];
        struct log_subject subject = subject_of(o);
        subject.market = r->market;
        if (r->state == CCD_SERIES_FAILED)
            log_error(&run->client->log, &subject, "%s failed: %s", r->table, r->error.message);
        else if (r->state == CCD_SERIES_PARTIAL)
            log_warning(&run->client->log, &subject, "%s is not whole: %s", r->table,
                        r->error.message);
    }
}

void run_log_start(struct run *run, size_t index)
{
    const struct ccd_operation *o = &report_of(run->report)->operations[index];
    const struct operation *operation = &run->operations[index];
    const struct log_subject subject = subject_of(o);
    if (operation_is_candles(operation))
        log_info(&run->client->log, &subject, "started: %zu series", operation->selection.count);
    else
        log_info(&run->client->log, &subject, "started");
}

void run_log_end(struct run *run, size_t index)
{
    const struct ccd_report *report = report_of(run->report);
    const struct ccd_operation *o = &report->operations[index];
    const struct log_subject subject = subject_of(o);
    log_failed_series(run, o);
    log_failed_lists(run, o);
    if (o->error.status != CCD_OK)
        log_error(&run->client->log, &subject, "%s", o->error.message);
    log_line(&run->client->log,
             o->exit_code > 1 ? LOG_ERROR
             : o->exit_code   ? LOG_WARNING
                              : LOG_INFO,
             &subject,
             "ended with exit code %d; the run has %lld rows fetched, %lld written so far",
             o->exit_code, (long long)report->rows_fetched, (long long)report->rows_written);
}
