#include "api/report.h"

#include <string.h>

#include "base/time.h"

enum { REPORT_MAX_BYTES = 512 << 20 };

struct report_builder {
    struct ccd_report report; /* first, so that ccd_report_free finds the builder */
    struct ccd_operation *operations;
    const struct redactor *redactor;
    struct arena arena;
};

int report_new(size_t operation_count, const struct redactor *redactor, struct report_builder **out,
               struct ccd_error *err)
{
    struct report_builder *b = mem_new(NULL, 1, sizeof(*b));
    if (!b)
        return error_set(err, CCD_NO_MEMORY, "no memory for a report");
    b->redactor = redactor;
    arena_init(&b->arena, REPORT_MAX_BYTES, NULL);
    b->operations = arena_alloc(&b->arena, (operation_count + 1) * sizeof(*b->operations));
    if (!b->operations) {
        ccd_report_free(&b->report);
        return error_set(err, CCD_NO_MEMORY, "no memory for a report");
    }
    b->report.operations = b->operations;
    b->report.operation_count = operation_count;
    b->report.database = b->report.vendor = b->report.status = "";
    *out = b;
    return 0;
}

struct ccd_report *report_of(struct report_builder *b)
{
    return &b->report;
}

void ccd_report_free(struct ccd_report *report)
{
    struct report_builder *b = (struct report_builder *)report;
    if (!b)
        return;
    arena_release(&b->arena);
    mem_free(NULL, b);
}

const char *report_text(struct report_builder *b, const char *text)
{
    const char *copy = arena_copy_text(&b->arena, str_from(text));
    return copy ? copy : "";
}

const char *ccd_series_state_name(enum ccd_series_state state)
{
    switch (state) {
    case CCD_SERIES_PLANNED:
        return "planned";
    case CCD_SERIES_UP_TO_DATE:
        return "up_to_date";
    case CCD_SERIES_COMPLETE:
        return "complete";
    case CCD_SERIES_PARTIAL:
        return "partial";
    case CCD_SERIES_FAILED:
        return "failed";
    case CCD_SERIES_NOT_OFFERED:
        return "not_offered";
    case CCD_SERIES_INTERRUPTED:
        return "interrupted";
    }
    return "";
}

int report_operation(struct report_builder *b, size_t operation, const struct checked_job *job,
                     size_t series_count, struct ccd_error *err)
{
    struct ccd_operation *o = &b->operations[operation];
    struct ccd_series_result *series = arena_alloc(&b->arena, (series_count + 1) * sizeof(*series));
    if (!series)
        return error_set(err, CCD_NO_MEMORY, "no memory for a report of %zu series", series_count);
    o->data_type = job->type->name;
    o->interval = interval_infos[job->interval].name;
    o->series = series;
    o->series_count = series_count;
    return 0;
}

static struct ccd_series_result *name_series(struct report_builder *b, size_t operation,
                                             size_t index, const struct selected *s)
{
    struct ccd_series_result *r =
        (struct ccd_series_result *)&b->operations[operation].series[index];
    r->market = report_text(b, s->names.market);
    r->instrument = report_text(b, s->names.instrument);
    r->mapped_instrument = report_text(b, s->names.mapped_instrument);
    r->from_ts = s->want.from_ts;
    r->to_ts = s->want.to_ts;
    return r;
}

static enum ccd_series_state end_state(const struct ccd_series_result *r, const struct selected *s,
                                       const struct session_series_result *result,
                                       const struct ccd_error *session_error)
{
    bool reached = r->stored + r->fetched + r->empty > 0;
    if (result->error.status == CCD_UNKNOWN_AT_VENDOR && s->optional && !reached)
        return CCD_SERIES_NOT_OFFERED;
    if (r->failed > 0 && session_error->status == CCD_INTERRUPTED)
        return CCD_SERIES_INTERRUPTED;
    if (r->failed > 0)
        return reached ? CCD_SERIES_PARTIAL : CCD_SERIES_FAILED;
    if (r->rejected > 0)
        return CCD_SERIES_PARTIAL;
    return result->plan.periods_missing == 0 ? CCD_SERIES_UP_TO_DATE : CCD_SERIES_COMPLETE;
}

/* What to say about a series that did not end complete when no page of it was given up. */
static void explain(struct ccd_series_result *r, const struct session_series_result *result,
                    int64_t not_over, const struct ccd_error *session_error)
{
    r->error = result->error;
    if (r->state == CCD_SERIES_UP_TO_DATE || r->state == CCD_SERIES_COMPLETE ||
        r->error.status != CCD_OK)
        return;
    if (r->rejected > 0 && r->failed == 0) {
        error_set(&r->error, CCD_BAD_REPLY,
                  "%lld impossible records are kept apart in ccdata_quarantine",
                  (long long)r->rejected);
    } else if (session_error->status != CCD_OK) {
        r->error = *session_error;
    } else if (not_over > 0) {
        error_set(&r->error, CCD_BAD_REPLY,
                  "%lld periods are over by the clock of this host, but not by the Date of the "
                  "vendor's replies: one of the two is wrong",
                  (long long)not_over);
    } else if (result->tail > 0) {
        error_set(&r->error, CCD_BAD_REPLY,
                  "the vendor has no candles for the newest %lld periods; the next run asks again",
                  (long long)result->tail);
    } else {
        error_set(&r->error, CCD_INTERNAL,
                  "%lld periods are missing and nothing says why; run again", (long long)r->failed);
    }
}

static void add_totals(struct report_builder *b, const struct ccd_series_result *r,
                       const struct session_series_result *result)
{
    b->report.calls += r->calls;
    b->report.rows_fetched += r->fetched;
    b->report.rows_written += result->rows_written;
    b->report.rows_changed += result->rows_changed;
    b->report.rows_unchanged += result->rows_unchanged;
}

int report_series(struct report_builder *b, size_t operation, size_t index,
                  const struct selected *s, const struct session_series_result *result,
                  int64_t young, const struct ccd_error *session_error, struct ccd_error *err)
{
    struct ccd_series_result *r = name_series(b, operation, index, s);
    (void)err;
    if (!result) {
        r->state = CCD_SERIES_FAILED;
        r->error = s->error;
        redact(b->redactor, r->error.message);
        return 0;
    }
    r->wanted = result->plan.periods_wanted;
    r->stored = result->stored;
    r->fetched = result->fetched;
    r->provisional = result->provisional;
    r->empty = result->empty_before + result->empty;
    r->rejected = result->rejected_before + result->rejected;
    /* More of them than there can be: the vendor's clock and ours disagree, and nothing explains
     * the rest. */
    int64_t not_over = result->pending > young ? result->pending - young : 0;
    r->pending = result->pending - not_over;
    r->calls = result->calls;
    r->failed = r->wanted - r->stored - r->fetched - r->empty - r->rejected - r->pending;
    r->state = end_state(r, s, result, session_error);
    explain(r, result, not_over, session_error);
    redact(b->redactor, r->error.message);
    add_totals(b, r, result);
    return 0;
}

int report_plan(struct report_builder *b, size_t operation, size_t index, const struct selected *s,
                enum interval interval, int page_max, const struct coverage_segment *merged,
                size_t merged_count, int64_t now_utc_s, struct ccd_error *err)
{
    struct ccd_series_result *r = name_series(b, operation, index, s);
    if (s->error.status != CCD_OK) {
        r->state = CCD_SERIES_FAILED;
        r->error = s->error;
        redact(b->redactor, r->error.message);
        return 0;
    }
    int64_t step_s = interval_infos[interval].step_s;
    struct plan_size size = plan_measure(s->want, step_s, page_max, merged, merged_count,
                                         now_utc_s);
    struct ccd_window *windows = arena_alloc(&b->arena,
                                             ((size_t)size.calls + 1) * sizeof(*windows));
    if (!windows)
        return error_set(err, CCD_NO_MEMORY, "no memory for a plan of %lld calls",
                         (long long)size.calls);
    struct period_range rest = s->want, window;
    while (plan_next_window(rest, step_s, page_max, merged, merged_count, now_utc_s, &window)) {
        windows[r->window_count++] = (struct ccd_window){
            .from_ts = window.from_ts,
            .to_ts = window.to_ts,
            .limit = (window.to_ts - window.from_ts) / step_s,
        };
        rest.to_ts = window.from_ts;
    }
    r->windows = windows;
    r->wanted = size.periods_wanted;
    r->stored = size.periods_wanted - size.periods_missing;
    r->calls = size.calls;
    r->state = size.calls == 0 ? CCD_SERIES_UP_TO_DATE : CCD_SERIES_PLANNED;
    b->report.calls += size.calls;
    b->report.rows_planned += size.periods_missing;
    return 0;
}

/* ---- the end ---- */

/* Precedence of causes for a whole run (INTERFACE.md): key, quota, lock, database, schema, disk,
 * vendor, data. */
static int precedence(int exit_code)
{
    static const int order[] = {4, 5, 11, 8, 9, 10, 6, 7};
    for (int i = 0; i < (int)(sizeof(order) / sizeof(*order)); i++)
        if (order[i] == exit_code)
            return i;
    return (int)(sizeof(order) / sizeof(*order));
}

static void consider(struct ccd_error *cause, const struct ccd_error *candidate)
{
    if (candidate->status == CCD_OK)
        return;
    if (cause->status == CCD_OK || precedence(ccd_status_exit_code(candidate->status)) <
                                       precedence(ccd_status_exit_code(cause->status)))
        *cause = *candidate;
}

void report_finish(struct report_builder *b, const struct ccd_error *ended)
{
    struct ccd_report *report = &b->report;
    struct ccd_error cause = {0};
    bool good = false, bad = false;
    for (size_t i = 0; i < report->operation_count; i++) {
        const struct ccd_operation *o = &report->operations[i];
        consider(&cause, &o->error);
        bad |= o->error.status != CCD_OK;
        size_t not_offered = 0;
        for (size_t k = 0; k < o->series_count; k++) {
            const struct ccd_series_result *r = &o->series[k];
            bool fine = r->state != CCD_SERIES_PARTIAL && r->state != CCD_SERIES_FAILED &&
                        r->state != CCD_SERIES_INTERRUPTED;
            bool there = fine && r->state != CCD_SERIES_NOT_OFFERED;
            good |= there || r->fetched > 0 || r->stored > 0;
            bad |= !fine;
            not_offered += r->state == CCD_SERIES_NOT_OFFERED;
            if (!fine)
                consider(&cause, &r->error);
        }
        /* One top asset without an index is nothing to complain of; a family without any is. */
        if (o->series_count > 0 && not_offered == o->series_count) {
            bad = true;
            consider(&cause, &o->series[0].error);
        }
    }
    bool stops_all = ended->status == CCD_KEY_REJECTED || ended->status == CCD_QUOTA_EXHAUSTED ||
                     ended->status == CCD_INTERRUPTED;
    if (ended->status != CCD_OK && (bad || ended->status == CCD_INTERRUPTED)) {
        bad = true;
        consider(&cause, ended);
        if (stops_all)
            cause = *ended;
    }
    redact(b->redactor, cause.message);
    report->error = cause;
    if (!bad) {
        report->status = "complete";
        report->exit_code = 0;
    } else if (cause.status == CCD_INTERRUPTED) {
        report->status = "interrupted";
        report->exit_code = ccd_status_exit_code(CCD_INTERRUPTED);
    } else {
        report->status = good ? "partial" : "failed";
        report->exit_code = good && !stops_all ? 1 : ccd_status_exit_code(cause.status);
    }
}
