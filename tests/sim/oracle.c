#include "oracle.h"

#include <string.h>

#include "base/time.h"
#include "engine/plan.h"
#include "vendor.h"

/* Far enough for everything that is ever served to be served. */
static const int64_t far_s = 400LL * SECONDS_PER_DAY;

static size_t index_of(const struct sim_series *s, int64_t ts)
{
    return (size_t)((ts - s->job.from_ts) / s->step_s);
}

static bool in_job(const struct sim_series *s, int64_t ts)
{
    return ts >= s->job.from_ts && ts < s->job.to_ts && (ts - s->job.from_ts) % s->step_s == 0;
}

/* The record as the vendor served it at that moment of its clock. */
static bool truth_at(struct sim *sim, const struct sim_series *s, int64_t ts, int64_t vendor_utc_s)
{
    batch_clear(&sim->truth);
    return batch_reset(&sim->truth, s->vendor->type, 1, NULL) == 0 &&
           world_row(sim->world, s->vendor, s->interval, ts, vendor_utc_s, &sim->truth);
}

/* Whether the vendor has, or will have, a record of the period. */
static bool exists(struct sim *sim, const struct sim_series *s, int64_t ts)
{
    int8_t *known = (int8_t *)&s->exists[index_of(s, ts)];
    if (*known == 0)
        *known = truth_at(sim, s, ts, sim->epoch_utc_s + far_s) ? 1 : -1;
    return *known > 0;
}

/* Whether a hole is claimed that is none. Where records come days late, one that was late and then
 * hidden once is believed to be a hole, until the next check. */
static bool is_no_hole(struct sim *sim, const struct sim_series *s,
                       const struct coverage_segment *hole, int64_t ts)
{
    if (sim->mend_s == 0)
        return exists(sim, s, ts);
    return hole->next_check_utc_s == 0 && truth_at(sim, s, ts, hole->asked_utc_s);
}

static bool exists_from(struct sim *sim, const struct sim_series *s, int64_t ts)
{
    for (; ts < s->job.to_ts; ts += s->step_s)
        if (exists(sim, s, ts))
            return true;
    return false;
}

static long long period_of(const struct sim_series *s, int64_t ts)
{
    return (long long)((ts - s->job.from_ts) / s->step_s);
}

static const struct model_row *row_at(const struct sim *sim, const struct sim_series *s, int64_t ts)
{
    return model_row_at(sim->store, s->names.series_id, s->step_s, ts);
}

/* What is claimed of a period; NULL = nothing. */
static const struct coverage_segment *claim_at(const struct coverage_segment *merged, size_t count,
                                               int64_t ts)
{
    for (size_t i = 0; i < count; i++)
        if (merged[i].from_ts <= ts && ts < merged[i].to_ts)
            return &merged[i];
    return NULL;
}

/* Whether a claim is settled: that the vendor has nothing before some moment is as sure as the
 * newest claim of it. */
static bool is_settled(const struct coverage_segment *claim, const struct coverage_segment *end)
{
    const struct coverage_segment *newest = claim;
    for (const struct coverage_segment *c = claim; c < end; c++)
        if (claim->state == COVERAGE_BEFORE_START && c->state == COVERAGE_BEFORE_START)
            newest = c;
    return coverage_is_confirmed(newest);
}

/* ---- I4, I11 ---- */

static const char *wrong_claim(struct sim *sim, const struct sim_series *s,
                               const struct coverage_segment *segment,
                               const struct coverage_segment *end, int64_t ts)
{
    if (!in_job(s, ts))
        return segment->state == COVERAGE_STORED ? "I4: stored, but never asked for" : NULL;
    const struct model_row *row = row_at(sim, s, ts);
    switch (segment->state) {
    case COVERAGE_STORED:
        if (!row)
            return "I4: claimed stored, without a row";
        return row->note < ts + s->step_s + SIM_SETTLE_S
                   ? "I11: claimed final while it may still change"
                   : NULL;
    case COVERAGE_EMPTY:
        if (!is_settled(segment, end))
            return NULL; /* it will be asked again: nothing is claimed yet */
        return is_no_hole(sim, s, segment, ts) ? "I4: claimed empty, but the vendor has it" : NULL;
    case COVERAGE_BEFORE_START:
        return ts >= time_floor(s->vendor->first_ts, s->step_s) && is_settled(segment, end)
                   ? "I4: claimed before the start"
                   : NULL;
    case COVERAGE_REJECTED:
        return vendor_is_sick(sim, s, ts) ? NULL : "I4: claimed impossible, but it is not";
    case COVERAGE_AFTER_END:
    case COVERAGE_STATE_COUNT:
        break;
    }
    return "I4: a claim that nobody makes";
}

void oracle_check_coverage(struct sim *sim, const struct sim_series *s)
{
    size_t count;
    const struct coverage_segment *merged = sim_coverage(sim, s, &count);
    for (size_t i = 0; i < count && !sim->failed; i++) {
        for (int64_t ts = merged[i].from_ts; ts < merged[i].to_ts; ts += s->step_s) {
            const char *wrong = wrong_claim(sim, s, &merged[i], merged + count, ts);
            if (!wrong)
                continue;
            sim_fail(sim, "%s: series %td period %lld (%s)", wrong, s - sim->series,
                     period_of(s, ts), coverage_state_name(merged[i].state));
            break;
        }
    }
}

void oracle_check_committed(struct sim *sim, const struct sim_series *s,
                            const struct store_page *page)
{
    size_t count;
    const struct coverage_segment *there = model_coverage(sim->store, s->names.series_id, s->step_s,
                                                          &count);
    if (page->segment_count == 0)
        return;
    const struct coverage_segment *want = &page->segments[0];
    while (count > 0 &&
           (there[count - 1].from_ts != want->from_ts || there[count - 1].to_ts != want->to_ts ||
            there[count - 1].state != want->state))
        count--;
    if (count == 0)
        sim_fail(sim, "I4: committed, but what it claims is not there: series %td",
                 s - sim->series);
}

/* ---- I3, I15 ---- */

/* The first column in which the row is not sim->truth; NULL = none. */
static const char *difference(const struct sim *sim, const struct sim_series *s,
                              const struct model_row *row)
{
    for (size_t c = 0; c < s->vendor->type->column_count; c++) {
        const struct column *column = &s->vendor->type->columns[c];
        if (!column_is_fact(column) || column->kind == COLUMN_TEXT)
            continue;
        /* Both presence bits in one test: gcc 12.2 gets two of them in a loop wrong (-O2,
         * -ftree-vrp). Absent cells are zero on both sides. */
        uint64_t odd = (row->present ^ sim->truth.present[0]) >> c & 1;
        if (odd != 0 || row->cells[c].i64 != batch_cell(&sim->truth, 0, c)->i64)
            return column->name;
    }
    return NULL;
}

void oracle_check_rows(struct sim *sim, const struct sim_series *s)
{
    size_t count = model_row_count(sim->store, s->names.series_id, s->step_s);
    for (size_t i = 0; i < count && !sim->failed; i++) {
        const struct model_row *row = model_row_nth(sim->store, s->names.series_id, s->step_s, i);
        if (!in_job(s, row->ts))
            sim_fail(sim, "I3: series %td has a row outside of what was asked", s - sim->series);
        else if (!truth_at(sim, s, row->ts, row->note))
            sim_fail(sim, "I15: series %td period %lld was not served", s - sim->series,
                     period_of(s, row->ts));
        else if (difference(sim, s, row))
            sim_fail(sim, "I15: series %td period %lld has another %s than was served",
                     s - sim->series, period_of(s, row->ts), difference(sim, s, row));
    }
}

/* ---- I12 ---- */

void oracle_check_taken(struct sim *sim, const struct sim_series *s, int64_t ts,
                        int64_t asked_utc_s, int64_t served_utc_s)
{
    const struct model_row *row = row_at(sim, s, ts);
    if (vendor_is_sick(sim, s, ts) || (row && row->collected_utc_s > asked_utc_s))
        return;
    if (!row || !truth_at(sim, s, ts, served_utc_s) || difference(sim, s, row))
        sim_fail(sim, "I12: series %td period %lld: what the vendor says of it now was not taken",
                 s - sim->series, period_of(s, ts));
}

/* ---- I8 ---- */

/* As api/report.c counts. */
static int64_t failed_periods(const struct session_series_result *r)
{
    return r->plan.periods_wanted - r->stored - r->fetched - r->empty_before - r->empty -
           r->rejected_before - r->rejected - r->pending;
}

/* Every wanted period is explained, or too young to be. */
static void check_complete(struct sim *sim, const struct sim_series *s, struct period_range want,
                           int64_t young_ts)
{
    size_t count;
    const struct coverage_segment *merged = sim_coverage(sim, s, &count);
    for (int64_t ts = want.from_ts; ts < want.to_ts && ts < young_ts; ts += s->step_s) {
        if (claim_at(merged, count, ts))
            continue;
        sim_fail(sim, "I8: series %td is called complete, period %lld is not accounted for",
                 s - sim->series, period_of(s, ts));
        return;
    }
}

void oracle_check_result(struct sim *sim, const struct sim_series *s, struct period_range want,
                         const struct session_series_result *result,
                         const struct ccd_error *session_error, int64_t young_ts)
{
    int64_t failed = failed_periods(result);
    bool explained = session_error->status != CCD_OK || result->failed_pages;
    if (failed < 0)
        sim_fail(sim, "I8: series %td counts %lld periods twice", s - sim->series,
                 (long long)-failed);
    else if (failed == 0)
        check_complete(sim, s, want, young_ts);
    else if (!explained && failed != result->tail)
        sim_fail(sim, "I8: series %td lacks %lld periods and nothing says why", s - sim->series,
                 (long long)(failed - result->tail));
    if (result->tail > 0)
        sim_saw(sim, SOMETIMES_TAIL_OPEN);
    if (failed == 0 && result->plan.periods_missing == 0)
        sim_saw(sim, SOMETIMES_NOTHING_TO_DO);
    else if (failed == 0 && sim->faults_on)
        sim_saw(sim, SOMETIMES_RUN_COMPLETE);
}

/* ---- the end ---- */

int64_t oracle_calls_needed(struct sim *sim, const struct sim_series *s, struct period_range want,
                            int64_t now_utc_s)
{
    size_t count;
    int64_t calls = 0;
    int64_t reached_ts = INT64_MAX; /* the last page begins here */
    const struct coverage_segment *merged = sim_coverage(sim, s, &count);
    for (int64_t ts = want.to_ts - s->step_s; ts >= want.from_ts; ts -= s->step_s) {
        const struct coverage_segment *claim = claim_at(merged, count, ts);
        bool due = claim && claim->next_check_utc_s != 0 && claim->next_check_utc_s <= now_utc_s;
        if ((claim && !due) || ts >= reached_ts)
            continue;
        calls++;
        reached_ts = ts - (sim->page_max - 1) * s->step_s;
    }
    return calls;
}

bool oracle_is_settled(struct sim *sim)
{
    for (size_t i = 0; i < sim->series_count; i++) {
        const struct sim_series *s = &sim->series[i];
        size_t count;
        const struct coverage_segment *merged = sim_coverage(sim, s, &count);
        for (int64_t ts = s->job.from_ts; ts < s->job.to_ts && i != sim->rotten; ts += s->step_s) {
            const struct coverage_segment *claim = claim_at(merged, count, ts);
            bool to_come = claim && claim->state == COVERAGE_EMPTY && exists(sim, s, ts);
            bool open = !claim || !is_settled(claim, merged + count) || to_come;
            if (open && exists_from(sim, s, ts))
                return false;
        }
    }
    return true;
}

static void check_period(struct sim *sim, const struct sim_series *s,
                         const struct coverage_segment *claim, int64_t ts)
{
    const struct model_row *row = row_at(sim, s, ts);
    bool there = exists(sim, s, ts);
    const char *wrong = NULL;
    if (there && vendor_is_sick(sim, s, ts))
        wrong = !claim || claim->state != COVERAGE_REJECTED || row ? "I2: impossible record" : NULL;
    else if (there && (!row || !claim || claim->state != COVERAGE_STORED))
        wrong = "I2: lost";
    else if (!there && row)
        wrong = "I1: invented";
    else if (there && sim->restate_permille == 0 &&
             (!truth_at(sim, s, ts, sim->epoch_utc_s + far_s) || difference(sim, s, row)))
        wrong = "I1: not the final version";
    if (wrong)
        sim_fail(sim, "%s: series %td period %lld (%s)", wrong, s - sim->series, period_of(s, ts),
                 claim ? coverage_state_name(claim->state) : "not covered");
}

void oracle_check_end(struct sim *sim)
{
    for (size_t i = 0; i < sim->series_count && !sim->failed; i++) {
        const struct sim_series *s = &sim->series[i];
        oracle_check_coverage(sim, s);
        oracle_check_rows(sim, s);
        size_t count;
        const struct coverage_segment *merged = sim_coverage(sim, s, &count);
        bool open = i == sim->rotten;
        for (int64_t ts = s->job.from_ts; ts < s->job.to_ts && !sim->failed && !open;
             ts += s->step_s)
            check_period(sim, s, claim_at(merged, count, ts), ts);
        sim->tally->rows += model_row_count(sim->store, s->names.series_id, s->step_s);
    }
}
