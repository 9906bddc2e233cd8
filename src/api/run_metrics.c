/* What is counted of a run as a whole, when it is over. */
#include <string.h>

#include "api/run.h"
#include "monitor/metrics.h"

static int type_of(const char *name)
{
    size_t at = 0;
    while (at < data_type_count && strcmp(data_types[at]->name, name) != 0)
        at++;
    return (int)at;
}

static int interval_of(const char *name)
{
    enum interval interval;
    return name && interval_parse(str_from(name), &interval) ? (int)interval
                                                             : METRIC_METADATA_INTERVAL;
}

void run_count_not_begun(struct run *run, int status)
{
    struct metrics *m = run->client->metrics;
    metric_add(m, METRIC_RUNS, RUN_FAILED, 0, 1);
    metric_set(m, METRIC_RUN_SECONDS, 0, 0, (clock_mono_us(NULL) - run->started_us) / 1000);
    metric_set(m, METRIC_EXIT_CODE, 0, 0, ccd_status_exit_code((enum ccd_status)status));
}

void run_count_end(struct run *run)
{
    static const char *const statuses[RUN_COUNT] = {"complete", "partial", "failed", "interrupted"};
    const struct ccd_report *report = report_of(run->report);
    struct metrics *m = run->client->metrics;
    for (int i = 0; i < RUN_COUNT; i++)
        metric_add(m, METRIC_RUNS, i, 0, strcmp(report->status, statuses[i]) == 0);
    metric_set(m, METRIC_RUN_SECONDS, 0, 0, report->duration_ms);
    metric_set(m, METRIC_EXIT_CODE, 0, 0, report->exit_code);
    metric_set(m, METRIC_QUEUE_DEPTH, 0, 0, 0);
    metric_set(m, METRIC_OPEN_CALLS, 0, 0, 0);
    for (size_t i = 0; i < report->operation_count; i++) {
        const struct ccd_operation *o = &report->operations[i];
        if (o->exit_code == 0 && !o->not_started)
            metric_set(m, METRIC_LAST_SUCCESS, type_of(o->data_type), interval_of(o->interval),
                       clock_utc_s(&run->client->clock));
    }
}
