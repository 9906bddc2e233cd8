#include <stdlib.h>
#include <string.h>

#include "life_internal.h"
#include "mirror.h"
#include "oracle.h"

/* ---- writers ---- */

static void start_transaction(struct life *l, uint32_t index)
{
    struct writer *w = &l->writers[index];
    size_t rows = 0;
    while (w->waiting_count > 0 && w->group_count < SIM_PAGES_MAX &&
           (w->group_count == 0 || rows < l->chunk_rows)) {
        uint32_t slot = w->waiting[0];
        memmove(w->waiting, w->waiting + 1, --w->waiting_count * sizeof(*w->waiting));
        rows += l->jobs[slot].page.batch->row_count;
        w->group[w->group_count++] = slot;
    }
    if (w->group_count == 0)
        return;
    sim_scene(l->sim, SCENE_WRITE);
    int64_t longest_us = sim_hits(l->sim, FAULT_SLOW_COMMIT) ? 15LL * SIM_US_PER_S : 30000;
    sim_schedule(l->sim, l->sim->now_us + sim_between(l->sim, 500, longest_us), EVENT_COMMIT,
                 l->sim->life, index);
}

void life_write(struct life *l, uint32_t slot)
{
    struct job *job = &l->jobs[slot];
    uint32_t index = (uint32_t)(job->series % (size_t)l->options->writers);
    struct writer *w = &l->writers[index];
    session_page(l->session, slot, &job->page);
    l->in_threads++;
    w->waiting[w->waiting_count++] = slot;
    if (w->group_count == 0)
        start_transaction(l, index);
}

static void answer_write(struct life *l, uint32_t slot, enum store_outcome outcome,
                         const struct ccd_error *why)
{
    struct job *job = &l->jobs[slot];
    struct session_event event = {.kind = SESSION_WRITTEN,
                                  .slot = slot,
                                  .outcome = outcome,
                                  .written = job->result,
                                  .error = *why};
    if (outcome == STORE_COMMITTED)
        error_clear(&event.error);
    job->in_doubt = outcome == STORE_UNKNOWN;
    l->in_threads--;
    life_push(l, &event);
}

bool life_is_claimed(const struct coverage_segment *merged, size_t count, int64_t ts)
{
    for (size_t i = 0; i < count; i++)
        if (merged[i].from_ts <= ts && ts < merged[i].to_ts)
            return merged[i].state == COVERAGE_STORED;
    return false;
}

/* Data where a claim says that there is none. */
static void note_filled(struct sim *sim, const struct coverage_segment *claim)
{
    if (claim->state == COVERAGE_EMPTY)
        sim_saw(sim,
                coverage_is_confirmed(claim) ? SOMETIMES_CONFIRMED_FILLED : SOMETIMES_HOLE_FILLED);
    if (claim->state == COVERAGE_BEFORE_START)
        sim_saw(sim, SOMETIMES_START_MOVED);
}

/* What the page changes of what was known, for the tally of states. Returns whether it holds rows
 * that were final already. */
static bool note_page(struct life *l, const struct job *job)
{
    struct sim *sim = l->sim;
    const struct sim_series *s = &sim->series[job->series];
    size_t count;
    const struct coverage_segment *merged = sim_coverage(sim, s, &count);
    for (size_t i = 0; i < job->page.segment_count; i++) {
        const struct coverage_segment *segment = &job->page.segments[i];
        if (segment->state == COVERAGE_EMPTY)
            sim_saw(sim, coverage_is_confirmed(segment) ? SOMETIMES_HOLE_CONFIRMED
                                                        : SOMETIMES_HOLE_SEEN);
        if (segment->state == COVERAGE_BEFORE_START)
            sim_saw(sim, SOMETIMES_HEAD_EMPTY);
        if (segment->state == COVERAGE_REJECTED)
            sim_saw(sim, SOMETIMES_ROW_REJECTED);
        for (size_t k = 0; k < count && segment->state == COVERAGE_STORED; k++)
            if (merged[k].from_ts < segment->to_ts && merged[k].to_ts > segment->from_ts)
                note_filled(sim, &merged[k]);
    }
    bool rechecked = false;
    int ts_column = data_type_column_flagged(job->page.type, COLUMN_TS);
    for (size_t row = 0; row < job->page.batch->row_count; row++) {
        int64_t ts = batch_cell(job->page.batch, row, (size_t)ts_column)->i64;
        bool final = ts < job->page.final_before_ts;
        const struct model_row *before = model_row_at(sim->store, s->names.series_id, s->step_s,
                                                      ts);
        if (!final)
            sim_saw(sim, SOMETIMES_PROVISIONAL);
        else if (before && before->note < ts + s->step_s + SIM_SETTLE_S)
            sim_saw(sim, SOMETIMES_PROVISIONAL_FINAL);
        rechecked |= life_is_claimed(merged, count, ts);
    }
    if (rechecked)
        sim_saw(sim, SOMETIMES_RECHECKED);
    return rechecked;
}

static enum ccd_status put_page(struct life *l, uint32_t slot)
{
    struct sim *sim = l->sim;
    struct job *job = &l->jobs[slot];
    struct ccd_error err = {0};
    struct store_page page = job->page;
    struct coverage_segment altered[SEGMENTS_MAX];
    if (sim->mutant == MUTANT_HOLES_ARE_SETTLED) {
        memcpy(altered, page.segments, page.segment_count * sizeof(*altered));
        for (size_t i = 0; i < page.segment_count; i++)
            altered[i].next_check_utc_s = 0;
        page.segments = altered;
    }
    bool rechecked = note_page(l, job);
    if (model_put(sim->store, &page, job->served_utc_s, &job->result, &err) != 0)
        sim_fail(sim, "I3: a page that no store can take: %s", err.message);
    if (job->result.changed > 0)
        sim_saw(sim,
                sim->restate_permille > 0 ? SOMETIMES_RESTATED : SOMETIMES_PROVISIONAL_CHANGED);
    if (job->result.changed > 0 && rechecked)
        sim_saw(sim, SOMETIMES_RESTATED_BY_THE_WAY);
    return err.status;
}

/* How a transaction ends, and why. */
static enum model_fate draw_fate(struct life *l, struct ccd_error *why)
{
    struct sim *sim = l->sim;
    error_clear(why);
    if (sim_hits(sim, FAULT_UNREACHABLE))
        sim->store_away_until_us = sim->now_us + sim_between(sim, 1, 100LL * SIM_US_PER_S);
    if (sim->now_us < sim->store_away_until_us) {
        error_set(why, CCD_DATABASE_UNREACHABLE, "no connection");
        return MODEL_ROLLS_BACK;
    }
    if (sim_hits(sim, FAULT_BUSY)) {
        error_set(why, CCD_DATABASE_BUSY, "deadlock");
        return MODEL_ROLLS_BACK;
    }
    if (sim_hits(sim, FAULT_ROW_REFUSED)) {
        error_set(why, CCD_DATABASE_DATA, "out of range");
        return MODEL_ROLLS_BACK;
    }
    if (sim_hits(sim, FAULT_DISK_FULL) && sim_one_in(sim, 4)) {
        error_set(why, CCD_DISK, "no space left");
        return MODEL_ROLLS_BACK;
    }
    bool applied = sim_hits(sim, FAULT_UNKNOWN_APPLIED);
    if (!applied && !sim_hits(sim, FAULT_UNKNOWN_LOST))
        return MODEL_COMMITS;
    error_set(why, CCD_DATABASE_UNREACHABLE, "connection lost during the commit");
    return applied ? MODEL_UNKNOWN_APPLIED : MODEL_UNKNOWN_LOST;
}

/* What the reply said of periods that were stored when the run began and that it was asked for. */
static void check_taken(struct life *l, const struct job *job)
{
    const struct sim_series *s = &l->sim->series[job->series];
    for (size_t i = 0; i < job->told_count && !l->sim->failed; i++) {
        int64_t ts = job->told_ts[i];
        bool asked = ts >= job->window.from_ts && ts < job->window.to_ts;
        bool final = ts < job->page.final_before_ts;
        if (asked && final && l->stored[job->series][(ts - s->job.from_ts) / s->step_s])
            oracle_check_taken(l->sim, s, ts, job->page.collected_utc_s, job->served_utc_s);
    }
}

/* One transaction with these pages; what coverage claims must hold whatever became of it. The real
 * database, if there is one, does the same, or has done it (is_mirrored). */
static enum store_outcome transact(struct life *l, const uint32_t *slots, size_t count,
                                   enum model_fate fate, bool is_mirrored)
{
    struct sim *sim = l->sim;
    const struct store_page *pages[SIM_PAGES_MAX];
    struct store_page_result results[SIM_PAGES_MAX];
    model_begin(sim->store);
    for (size_t i = 0; i < count; i++) {
        put_page(l, slots[i]);
        pages[i] = &l->jobs[slots[i]].page;
        results[i] = l->jobs[slots[i]].result;
    }
    enum store_outcome outcome = model_commit(sim->store, fate);
    if (!is_mirrored)
        mirror_transact(sim, pages, results, count, fate);
    static const char *const fates[] = {"committed", "rolled back", "unknown, applied",
                                        "unknown, lost"};
    for (size_t i = 0; i < count; i++) {
        const struct job *job = &l->jobs[slots[i]];
        sim_trace(sim, "commit slot %u series %zu rows %zu segments %zu: %s", slots[i], job->series,
                  job->page.batch->row_count, job->page.segment_count, fates[fate]);
        oracle_check_coverage(sim, &sim->series[job->series]);
        if (outcome != STORE_COMMITTED)
            continue;
        check_taken(l, job);
        oracle_check_committed(sim, &sim->series[job->series], &job->page);
    }
    sim->unknown_commit_open |= outcome == STORE_UNKNOWN;
    return outcome;
}

/* Of a transaction that was rolled back: it had not even begun. */
static bool is_away(const struct ccd_error *why)
{
    return why->status == CCD_DATABASE_UNREACHABLE;
}

static void refuse_waiting(struct life *l, struct writer *w, const struct ccd_error *why)
{
    for (size_t i = 0; i < w->waiting_count; i++)
        answer_write(l, w->waiting[i], STORE_ROLLED_BACK, why);
    w->waiting_count = 0;
}

/* Each page of a group that failed gets its own try, one bad page must not hold up its neighbours;
 * until the database does not let us begin. */
static void write_one_by_one(struct life *l, const uint32_t *slots, size_t count,
                             enum store_outcome outcome, struct ccd_error why)
{
    if (!is_away(&why))
        sim_saw(l->sim, SOMETIMES_WRITE_SPLIT);
    for (size_t i = 0; i < count; i++) {
        if (outcome != STORE_ROLLED_BACK || !is_away(&why)) {
            sim_scene(l->sim, SCENE_COMMIT);
            enum model_fate fate = draw_fate(l, &why);
            outcome = transact(l, &slots[i], 1, fate, false);
        }
        answer_write(l, slots[i], outcome, &why);
    }
}

void life_on_commit(struct life *l, uint32_t index)
{
    struct sim *sim = l->sim;
    struct writer *w = &l->writers[index];
    uint32_t slots[SIM_PAGES_MAX];
    size_t count = w->group_count;
    memcpy(slots, w->group, count * sizeof(*slots));
    sim_scene(sim, SCENE_COMMIT);
    if (sim_hits(sim, FAULT_CRASH_IN_COMMIT) && sim_one_in(sim, 3)) {
        l->killed = true; /* life_end decides about the transaction */
        return;
    }
    w->group_count = 0;
    if (count > 1)
        sim_saw(sim, SOMETIMES_WRITE_GROUPED);
    struct ccd_error why;
    enum model_fate fate = draw_fate(l, &why);
    enum store_outcome outcome = transact(l, slots, count, fate, false);
    if (outcome == STORE_UNKNOWN)
        sim_saw(sim, SOMETIMES_UNKNOWN_REPEATED);
    else if (outcome == STORE_ROLLED_BACK)
        sim_saw(sim, SOMETIMES_WRITE_REPEATED);
    if (outcome == STORE_ROLLED_BACK && count > 1)
        write_one_by_one(l, slots, count, outcome, why);
    else
        for (size_t i = 0; i < count; i++)
            answer_write(l, slots[i], outcome, &why);
    if (outcome == STORE_ROLLED_BACK && is_away(&why))
        refuse_waiting(l, w, &why);
    start_transaction(l, index);
}

void life_die_writing(struct life *l, const struct writer *w)
{
    struct sim *sim = l->sim;
    bool is_mirrored = mirror_is_on(sim);
    const struct store_page *pages[SIM_PAGES_MAX];
    for (size_t i = 0; i < w->group_count; i++)
        pages[i] = &l->jobs[w->group[i]].page;
    enum model_fate fate = sim_one_in(sim, 2) ? MODEL_UNKNOWN_APPLIED : MODEL_UNKNOWN_LOST;
    if (is_mirrored)
        fate = mirror_die(sim, pages, w->group_count);
    transact(l, w->group, w->group_count, fate, is_mirrored);
    mirror_check(sim);
}
