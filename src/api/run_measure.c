/* What an operation takes, and whether that is more than usual. */
#include <stdlib.h>
#include <string.h>

#include "api/run.h"
#include "base/time.h"

enum { COMPARED_MAX = 20, COMPARED_MIN = 5, COMPARED_CALLS_MIN = 10, OPERATIONS_READ = 200 };
static const double slow_factor = 2;

static struct run_marks marks_of(const struct run *run)
{
    const struct ccd_report *report = report_of(run->report);
    return (struct run_marks){
        .mono_us = clock_mono_us(NULL),
        .started_utc_s = clock_utc_s(&run->client->clock),
        .calls = run->calls,
        .bytes = run->bytes + run->data_api.bytes + run->min_api.bytes,
        .rows_fetched = report->rows_fetched,
        .rows_written = report->rows_written,
        .rows_unchanged = report->rows_unchanged,
        .rows_changed = report->rows_changed,
    };
}

void run_measure_begin(struct run *run)
{
    run->marks = marks_of(run);
}

void run_measure_end(struct run *run, size_t index)
{
    struct ccd_operation *o = report_operation_of(run->report, index);
    const struct run_marks now = marks_of(run), *then = &run->marks;
    o->calls = now.calls - then->calls;
    o->bytes = now.bytes - then->bytes;
    o->rows_fetched = now.rows_fetched - then->rows_fetched;
    o->rows_written = now.rows_written - then->rows_written;
    o->rows_unchanged = now.rows_unchanged - then->rows_unchanged;
    o->rows_changed = now.rows_changed - then->rows_changed;
    o->duration_ms = (now.mono_us - then->mono_us) / 1000;
}

/* ---- as fast as usual? ---- */

struct usual {
    double call_ms[COMPARED_MAX];
    size_t count;
};

/* Nights differ in how much is new, hardly in what a call takes with all that follows it. */
static double time_of_a_call(int64_t duration_ms, int64_t calls)
{
    return calls >= COMPARED_CALLS_MIN ? (double)duration_ms / (double)calls : 0;
}

static int add_usual(void *user, const struct store_run_operation *o, struct ccd_error *err)
{
    struct usual *u = user;
    double call_ms = time_of_a_call(o->duration_ms, o->calls);
    (void)err;
    if (call_ms > 0 && strcmp(o->status, "complete") == 0 && u->count < COMPARED_MAX)
        u->call_ms[u->count++] = call_ms;
    return 0;
}

static int compare_f64(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median_of(struct usual *u)
{
    qsort(u->call_ms, u->count, sizeof(*u->call_ms), compare_f64);
    return (u->call_ms[u->count / 2] + u->call_ms[(u->count - 1) / 2]) / 2;
}

static void warn(const struct run *run, size_t index, size_t compared)
{
    const struct ccd_operation *o = report_operation_of(run->report, index);
    const struct log_subject subject = {.data_type = o->data_type, .interval = o->interval};
    log_warning(&run->client->log, &subject,
                "slower than usual: %.0f ms for a call, %.0f in the last %zu times", o->call_ms,
                o->usual_call_ms, compared);
}

void run_measure_compare(struct run *run, size_t index)
{
    const struct config *c = run->client->config;
    struct ccd_operation *o = report_operation_of(run->report, index);
    struct usual usual = {0};
    struct ccd_error err = {0};
    if (!config_bool(c, CONFIG_MONITORING_METRICS_ENABLED) ||
        !config_bool(c, CONFIG_MONITORING_PERFORMANCE_ENABLED))
        return;
    o->call_ms = time_of_a_call(o->duration_ms, o->calls);
    if (o->call_ms <= 0 ||
        run->store->ops->each_run_operation(run->store, o->data_type,
                                            o->interval ? o->interval : "", OPERATIONS_READ,
                                            add_usual, &usual, &err) != 0 ||
        usual.count < COMPARED_MIN)
        return;
    o->usual_call_ms = median_of(&usual);
    o->degraded = o->call_ms > slow_factor * o->usual_call_ms;
    if (o->degraded)
        warn(run, index, usual.count);
}
