#include "api/report_builder.h"

#include "base/time.h"

enum { REPORT_MAX_BYTES = 512 << 20 };

int report_new(size_t operation_count, const struct redactor *redactor, struct report_builder **out,
               struct ccd_error *err)
{
    struct report_builder *b = mem_new(NULL, 1, sizeof(*b));
    if (!b)
        return error_set(err, CCD_NO_MEMORY, "no memory for a report");
    b->redactor = redactor;
    arena_init(&b->arena, REPORT_MAX_BYTES, NULL);
    b->operations = arena_alloc(&b->arena, (operation_count + 1) * sizeof(*b->operations));
    b->verdicts = arena_alloc(&b->arena, (operation_count + 1) * sizeof(*b->verdicts));
    if (!b->operations || !b->verdicts) {
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

struct ccd_operation *report_operation_of(struct report_builder *b, size_t operation)
{
    return &b->operations[operation];
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

void report_operation(struct report_builder *b, size_t index, const struct checked_job *job)
{
    b->operations[index].data_type = job->type->name;
    if (job->type->shape == SHAPE_CANDLES)
        b->operations[index].interval = interval_infos[job->interval].name;
}

/* ---- candles ---- */

int report_candles(struct report_builder *b, size_t operation, size_t series_count,
                   struct ccd_error *err)
{
    struct ccd_operation *o = &b->operations[operation];
    struct ccd_series_result *series = arena_alloc(&b->arena, (series_count + 1) * sizeof(*series));
    if (!series)
        return error_set(err, CCD_NO_MEMORY, "no memory for a report of %zu series", series_count);
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
    r->rank = s->rank;
    return r;
}

static enum ccd_series_state end_state(const struct ccd_series_result *r, const struct selected *s,
                                       const struct session_series_result *result,
                                       const struct ccd_error *session_error)
{
    bool reached = r->stored + r->fetched + r->empty > 0;
    if (result->error.status == CCD_UNKNOWN_AT_VENDOR && (s->gone || (s->optional && !reached)))
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

void report_series(struct report_builder *b, size_t operation, size_t index,
                   const struct selected *s, const struct session_series_result *result,
                   int64_t young, const struct ccd_error *session_error)
{
    struct ccd_series_result *r = name_series(b, operation, index, s);
    if (!result) {
        r->state = CCD_SERIES_FAILED;
        r->error = s->error;
        redact(b->redactor, r->error.message);
        return;
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
}

int report_series_plan(struct report_builder *b, size_t operation, size_t index,
                       const struct selected *s, enum interval interval, int page_max,
                       const struct coverage_segment *merged, size_t merged_count,
                       int64_t now_utc_s, struct ccd_error *err)
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

/* ---- metadata ---- */

int report_lists(struct report_builder *b, size_t operation, size_t list_count,
                 struct ccd_error *err)
{
    struct ccd_operation *o = &b->operations[operation];
    struct ccd_list_result *lists = arena_alloc(&b->arena, (list_count + 1) * sizeof(*lists));
    if (!lists)
        return error_set(err, CCD_NO_MEMORY, "no memory for a report of %zu lists", list_count);
    o->lists = lists;
    o->list_count = list_count;
    return 0;
}

static int64_t written(const struct store_list_counts *counts)
{
    return counts->added + counts->changed;
}

static int64_t listed(const struct store_list_counts *counts)
{
    return written(counts) + counts->unchanged;
}

int64_t list_rows_fetched(const struct list_outcome *outcome)
{
    return listed(&outcome->counts) + listed(&outcome->parts);
}

int64_t list_rows_written(const struct list_outcome *outcome)
{
    return written(&outcome->counts) + written(&outcome->parts);
}

static enum ccd_series_state list_state(const struct list_outcome *outcome,
                                        const struct ccd_error *error)
{
    if (error->status == CCD_INTERRUPTED)
        return CCD_SERIES_INTERRUPTED;
    if (error->status != CCD_OK)
        return list_rows_fetched(outcome) > 0 ? CCD_SERIES_PARTIAL : CCD_SERIES_FAILED;
    return list_rows_written(outcome) + outcome->counts.gone > 0 ? CCD_SERIES_COMPLETE
                                                                 : CCD_SERIES_UP_TO_DATE;
}

/* What to say about a list that was had, but is not whole. */
static struct ccd_error list_error(const struct list_outcome *outcome, const char *market)
{
    struct ccd_error error = {0};
    if (!outcome->is_known)
        error_set(&error, CCD_UNKNOWN_AT_VENDOR,
                  "unknown at the vendor: it has no market %s; markets are called like kraken",
                  market ? market : "");
    else if (outcome->refused > 0)
        error_set(&error, CCD_BAD_REPLY, "%lld impossible records were left out, the first: %s",
                  (long long)outcome->refused, outcome->first_refusal);
    return error;
}

static struct ccd_list_result *name_list(struct report_builder *b, size_t operation, size_t index,
                                         const char *table, const char *market)
{
    struct ccd_list_result *r = (struct ccd_list_result *)&b->operations[operation].lists[index];
    r->table = table;
    r->market = market ? report_text(b, market) : NULL;
    return r;
}

static void add_list_totals(struct report_builder *b, const struct list_outcome *outcome)
{
    b->report.rows_fetched += list_rows_fetched(outcome);
    b->report.rows_written += list_rows_written(outcome);
    b->report.rows_changed += outcome->counts.changed + outcome->parts.changed;
    b->report.rows_unchanged += outcome->counts.unchanged + outcome->parts.unchanged;
}

void report_list(struct report_builder *b, size_t operation, size_t index, const char *table,
                 const char *market, const struct list_outcome *outcome,
                 const struct ccd_error *error)
{
    struct ccd_list_result *r = name_list(b, operation, index, table, market);
    r->error = error->status != CCD_OK ? *error : list_error(outcome, market);
    r->state = list_state(outcome, &r->error);
    r->listed = listed(&outcome->counts);
    r->added = outcome->counts.added;
    r->changed = outcome->counts.changed;
    r->unchanged = outcome->counts.unchanged;
    r->gone = outcome->counts.gone;
    r->refused = outcome->refused;
    r->unknown_keys = (int64_t)outcome->unknown_keys;
    r->calls = outcome->calls;
    if (outcome->first_refusal[0])
        r->first_refusal = report_text(b, outcome->first_refusal);
    if (outcome->first_unknown_key[0])
        r->first_unknown_key = report_text(b, outcome->first_unknown_key);
    redact(b->redactor, r->error.message);
    add_list_totals(b, outcome);
}

void report_list_plan(struct report_builder *b, size_t operation, size_t index, const char *table,
                      const char *market, int64_t calls)
{
    struct ccd_list_result *r = name_list(b, operation, index, table, market);
    r->state = CCD_SERIES_PLANNED;
    r->calls = calls;
    if (calls > 0)
        b->report.calls += calls;
}

/* ---- an operation as a whole ---- */

void report_operation_error(struct report_builder *b, size_t operation,
                            const struct ccd_error *error)
{
    b->operations[operation].error = *error;
    redact(b->redactor, b->operations[operation].error.message);
}

void report_not_started(struct report_builder *b, size_t operation, const struct ccd_error *why)
{
    report_operation_error(b, operation, why);
    b->operations[operation].not_started = true;
}
