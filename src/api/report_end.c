#include "api/report_builder.h"

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

static bool is_fine(enum ccd_series_state state)
{
    return state != CCD_SERIES_PARTIAL && state != CCD_SERIES_FAILED &&
           state != CCD_SERIES_INTERRUPTED;
}

static void judge_series(struct verdict *v, const struct ccd_series_result *r)
{
    bool there = is_fine(r->state) && r->state != CCD_SERIES_NOT_OFFERED;
    v->good |= there || r->fetched > 0 || r->stored > 0;
    if (is_fine(r->state))
        return;
    v->bad = true;
    consider(&v->cause, &r->error);
}

static void judge_list(struct verdict *v, const struct ccd_list_result *r)
{
    v->good |= is_fine(r->state) || r->listed > 0;
    if (is_fine(r->state))
        return;
    v->bad = true;
    consider(&v->cause, &r->error);
}

/* One top asset without an index is nothing to complain of; a family without any is. */
static void judge_offers(struct verdict *v, const struct ccd_operation *o)
{
    for (size_t i = 0; i < o->series_count; i++)
        if (o->series[i].state != CCD_SERIES_NOT_OFFERED)
            return;
    if (o->series_count == 0)
        return;
    v->bad = true;
    consider(&v->cause, &o->series[0].error);
}

/* The errors after which what is there does not count: who asks again finds the same. */
static bool stops_all(const struct ccd_error *ended)
{
    return ended->status == CCD_KEY_REJECTED || ended->status == CCD_QUOTA_EXHAUSTED ||
           ended->status == CCD_INTERRUPTED;
}

static void judge_end(struct verdict *v, const struct ccd_error *ended)
{
    if (ended->status == CCD_OK || (!v->bad && ended->status != CCD_INTERRUPTED))
        return;
    v->bad = true;
    consider(&v->cause, ended);
    if (stops_all(ended))
        v->cause = *ended;
}

static int exit_code_of(const struct verdict *v, const struct ccd_error *ended)
{
    if (!v->bad)
        return 0;
    bool counts = v->good && v->cause.status != CCD_INTERRUPTED && !stops_all(ended);
    return counts ? 1 : ccd_status_exit_code(v->cause.status);
}

const struct ccd_error *report_operation_end(struct report_builder *b, size_t operation,
                                             const struct ccd_error *ended)
{
    struct ccd_operation *o = &b->operations[operation];
    struct verdict *v = &b->verdicts[operation];
    v->bad = o->error.status != CCD_OK;
    consider(&v->cause, &o->error);
    for (size_t i = 0; i < o->series_count; i++)
        judge_series(v, &o->series[i]);
    for (size_t i = 0; i < o->list_count; i++)
        judge_list(v, &o->lists[i]);
    judge_offers(v, o);
    judge_end(v, ended);
    o->exit_code = exit_code_of(v, ended);
    redact(b->redactor, v->cause.message);
    return &v->cause;
}

static const char *status_of(const struct verdict *v)
{
    if (!v->bad)
        return "complete";
    if (v->cause.status == CCD_INTERRUPTED)
        return "interrupted";
    return v->good ? "partial" : "failed";
}

const char *report_operation_status(const struct report_builder *b, size_t operation)
{
    return b->operations[operation].not_started ? "not_started"
                                                : status_of(&b->verdicts[operation]);
}

const struct ccd_error *report_operation_cause(const struct report_builder *b, size_t operation)
{
    return &b->verdicts[operation].cause;
}

void report_finish(struct report_builder *b, const struct ccd_error *ended)
{
    struct verdict all = {0};
    for (size_t i = 0; i < b->report.operation_count; i++) {
        all.good |= b->verdicts[i].good;
        all.bad |= b->verdicts[i].bad;
        consider(&all.cause, &b->verdicts[i].cause);
    }
    judge_end(&all, ended);
    redact(b->redactor, all.cause.message);
    b->report.error = all.cause;
    b->report.status = status_of(&all);
    b->report.exit_code = exit_code_of(&all, ended);
}

void report_fail(struct report_builder *b, const struct ccd_error *error)
{
    struct verdict all = {.bad = true, .cause = *error};
    redact(b->redactor, all.cause.message);
    b->report.error = all.cause;
    b->report.status = status_of(&all);
    b->report.exit_code = exit_code_of(&all, error);
}
