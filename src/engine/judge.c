#include "engine/judge.h"

#include <string.h>

#include "base/time.h"
#include "model/check.h"

/* Year 2200: later times are milliseconds or nonsense. */
static const int64_t ts_absurd = 7258118400;

int64_t judge_final_before(int64_t sent_utc_s, int64_t settle_s, int64_t step_s)
{
    return time_floor(sent_utc_s - settle_s, step_s);
}

static int64_t step_of(const struct judge_question *q)
{
    return interval_infos[q->interval].step_s;
}

/* ---- is it the page that was asked for? ---- */

struct echo_columns {
    int ts, unit, market, instrument;
};

static bool same_ref(const struct batch *b, size_t row, int column)
{
    const union cell *here = batch_cell(b, row, (size_t)column);
    const union cell *before = batch_cell(b, row - 1, (size_t)column);
    return here->text.offset == before->text.offset && here->text.len == before->text.len;
}

/* Text cells of equal value share their bytes, so that all rows but the first cost one comparison
 * of offsets. */
static bool echo_is(const struct batch *b, size_t row, int column, struct str want, bool nocase)
{
    if (row > 0 && same_ref(b, row, column))
        return true;
    struct str have = batch_text(b, row, (size_t)column);
    return nocase ? str_equal_nocase(have, want) : str_equal(have, want);
}

static int check_echoes(const struct judge_question *q, const struct batch *b,
                        const struct echo_columns *c, struct ccd_error *err)
{
    struct str unit = str_from(interval_infos[q->interval].unit_echo);
    struct str market = str_from(q->names->market);
    struct str instrument = str_from(q->names->instrument);
    int64_t step_s = step_of(q);
    for (size_t row = 0; row < b->row_count; row++) {
        int64_t ts = batch_cell(b, row, (size_t)c->ts)->i64;
        const char *what = NULL;
        if (!echo_is(b, row, c->unit, unit, false))
            what = "UNIT";
        else if (!echo_is(b, row, c->market, market, true))
            what = "MARKET";
        else if (!echo_is(b, row, c->instrument, instrument, false))
            what = "INSTRUMENT";
        else if (ts <= 0 || ts > ts_absurd || ts % step_s != 0)
            what = "TIMESTAMP";
        if (what)
            return error_set(
                err, CCD_BAD_REPLY,
                "record %zu of the reply is not of %s %s %s: wrong %s (TIMESTAMP %lld)", row,
                q->names->market, q->names->instrument, interval_infos[q->interval].name, what,
                (long long)ts);
    }
    return 0;
}

/* ---- cleaning ---- */

static int64_t row_ts(const struct batch *b, size_t row, int ts_column)
{
    return batch_cell(b, row, (size_t)ts_column)->i64;
}

/* The segment of `merged` that holds ts; *hint is where the last search ended (ts ascending). */
static const struct coverage_segment *known_at(const struct judge_question *q, int64_t ts,
                                               size_t *hint)
{
    while (*hint < q->merged_count && q->merged[*hint].to_ts <= ts)
        (*hint)++;
    if (*hint < q->merged_count && q->merged[*hint].from_ts <= ts)
        return &q->merged[*hint];
    return NULL;
}

/* Where the rows of a reply lie. */
struct spread {
    bool older;   /* a row before the window: the series lived then */
    bool younger; /* a row after the window */
    bool within;  /* a row in the window, closed or not */
};

/* Whether the row of a period before the window is of use: the period was asked for before, and
 * what was found then may have changed since. */
static bool is_recheck(const struct judge_question *q, int64_t ts, size_t *hint)
{
    if (ts < q->recheck_from_ts || ts >= q->window.from_ts)
        return false;
    const struct coverage_segment *known = known_at(q, ts, hint);
    return known && known->state != COVERAGE_BEFORE_START && known->state != COVERAGE_AFTER_END;
}

/* Keep the rows of the window, and of known periods before it, that were closed when asked. The
 * batch is in the order of time. */
static struct spread drop_outside(const struct judge_question *q, struct batch *b, int ts_column,
                                  struct judgement *out)
{
    int64_t closed_before = time_floor(q->sent_utc_s, step_of(q));
    struct spread spread = {0};
    size_t dropped = 0, hint = 0;
    for (size_t row = 0; row < b->row_count; row++) {
        int64_t ts = row_ts(b, row, ts_column);
        bool within = ts >= q->window.from_ts && ts < q->window.to_ts;
        out->keep[row] = (within || is_recheck(q, ts, &hint)) && ts < closed_before;
        dropped += !out->keep[row];
        spread.within |= within;
        spread.older |= ts < q->window.from_ts;
        spread.younger |= ts >= q->window.to_ts;
    }
    if (dropped > 0)
        batch_keep_rows(b, out->keep);
    out->rows_dropped = (int64_t)dropped;
    return spread;
}

static void collapse_duplicates(struct batch *b, int ts_column, struct judgement *out)
{
    size_t best = 0;
    int64_t dropped = 0;
    for (size_t row = 0; row < b->row_count; row++) {
        out->keep[row] = true;
        if (row == 0 || row_ts(b, row, ts_column) != row_ts(b, best, ts_column)) {
            best = row;
            continue;
        }
        int order = batch_compare_rows(b, row, b, best);
        if (order == 0)
            out->duplicates++;
        else
            out->conflicts++;
        out->keep[order > 0 ? best : row] = false;
        if (order > 0)
            best = row;
        dropped++;
    }
    if (dropped > 0)
        batch_keep_rows(b, out->keep);
}

/* ---- what it proves ---- */

static void add_segment(struct judgement *out, int64_t from_ts, int64_t to_ts,
                        enum coverage_state state, int64_t asked_utc_s, int64_t next_check_utc_s)
{
    if (from_ts >= to_ts)
        return;
    if (out->segment_count > 0) {
        struct coverage_segment *last = &out->segments[out->segment_count - 1];
        if (last->to_ts == from_ts && last->state == state &&
            last->next_check_utc_s == next_check_utc_s) {
            last->to_ts = to_ts;
            return;
        }
    }
    out->segments[out->segment_count++] = (struct coverage_segment){
        .from_ts = from_ts,
        .to_ts = to_ts,
        .state = state,
        .asked_utc_s = asked_utc_s,
        .next_check_utc_s = next_check_utc_s,
    };
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Was the period missing when the run was planned (never covered, or a hole that was due)? Not when
 * the request was sent: the counts of a run must add up to what its plan wanted. */
static bool was_missing(const struct judge_question *q, const struct coverage_segment *known)
{
    return !known || (known->next_check_utc_s != 0 && known->next_check_utc_s <= q->planned_utc_s);
}

/* A row that we hold is not taken away because one reply lacks it. */
static bool keeps(struct judgement *out, const struct coverage_segment *known, bool missing)
{
    bool stored = known && known->state == COVERAGE_STORED;
    out->kept += stored && missing;
    return stored;
}

/* A vendor may mend a hole days later, and the older it is the less likely. Whole days, so that
 * neighbours are asked again together. */
static int64_t next_check(const struct judge_question *q, int64_t ts, bool confirmed)
{
    if (!confirmed) {
        int64_t soon = q->sent_utc_s + HOLE_CHECK_S;
        return soon % SECONDS_PER_DAY == 0 ? soon + 1 : soon; /* coverage_is_confirmed */
    }
    int64_t age_days = (q->sent_utc_s - ts - step_of(q)) / SECONDS_PER_DAY;
    if (age_days > HOLE_OLD_DAYS)
        return 0;
    int64_t wait_days = 1;
    while (wait_days < HOLE_CHECK_DAYS_MAX && 2 * wait_days <= age_days)
        wait_days *= 2;
    return time_floor(q->sent_utc_s, SECONDS_PER_DAY) + (wait_days + 1) * SECONDS_PER_DAY;
}

/* Seen before, by an answer at least HOLE_CHECK_S older than this one. */
static bool is_second_answer(const struct judge_question *q, const struct coverage_segment *known,
                             enum coverage_state state)
{
    return known && known->state == state && known->asked_utc_s + HOLE_CHECK_S <= q->sent_utc_s;
}

/* The vendor says that it has nothing in [from, to) nor before. All of that is as sure as the
 * newest period, which alone is asked again: one call that refutes or confirms it. */
static void add_before_start(const struct judge_question *q, struct judgement *out, int64_t from_ts,
                             int64_t to_ts)
{
    if (from_ts >= to_ts)
        return;
    size_t hint = 0;
    int64_t newest_ts = to_ts - step_of(q);
    bool confirmed = is_second_answer(q, known_at(q, newest_ts, &hint), COVERAGE_BEFORE_START);
    add_segment(out, from_ts, newest_ts, COVERAGE_BEFORE_START, q->sent_utc_s, 0);
    add_segment(out, newest_ts, to_ts, COVERAGE_BEFORE_START, q->sent_utc_s,
                next_check(q, newest_ts, confirmed));
}

/* No record for [from, to) although the series lives on both sides: one segment per stretch of
 * equal history. A hole that was seen before, at least HOLE_CHECK_S ago, is now confirmed. Young
 * periods are left open. */
static void add_hole(const struct judge_question *q, struct judgement *out, int64_t from_ts,
                     int64_t to_ts, size_t *hint)
{
    int64_t step_s = step_of(q);
    for (int64_t ts = from_ts; ts < to_ts; ts += step_s) {
        const struct coverage_segment *known = known_at(q, ts, hint);
        bool missing = was_missing(q, known);
        if (keeps(out, known, missing))
            continue;
        if (ts >= out->final_before_ts) {
            out->pending += missing;
            continue;
        }
        bool confirmed = is_second_answer(q, known, COVERAGE_EMPTY) ||
                         (known && known->state == COVERAGE_EMPTY && coverage_is_confirmed(known));
        out->empty += missing;
        add_segment(out, ts, ts + step_s, COVERAGE_EMPTY, q->sent_utc_s,
                    next_check(q, ts, confirmed));
    }
}

/* Periods before the first data; the young ones are not claimed, so they are not counted as
 * explained either. */
static void count_before_start(const struct judge_question *q, struct judgement *out,
                               int64_t from_ts, int64_t to_ts)
{
    size_t hint = 0;
    int64_t step_s = step_of(q);
    for (int64_t ts = from_ts; ts < to_ts; ts += step_s) {
        const struct coverage_segment *known = known_at(q, ts, &hint);
        bool missing = was_missing(q, known);
        if (keeps(out, known, missing))
            continue;
        out->empty += missing && ts < out->final_before_ts;
        out->pending += missing && ts >= out->final_before_ts;
    }
}

/* Whether the vendor is known to have had a record before ts, possible or not. */
static bool data_before(const struct judge_question *q, int64_t ts)
{
    if (q->oldest_ts != 0 && q->oldest_ts < ts)
        return true;
    for (size_t i = 0; i < q->merged_count && q->merged[i].from_ts < ts; i++)
        if (q->merged[i].state == COVERAGE_STORED || q->merged[i].state == COVERAGE_REJECTED)
            return true;
    return false;
}

/* Periods of the window before its first record. */
static void judge_head(const struct judge_question *q, struct judgement *out, int64_t first_row_ts,
                       bool older_rows, size_t *hint)
{
    int64_t from = q->window.from_ts;
    if (first_row_ts <= from)
        return;
    if (older_rows || data_before(q, from)) {
        add_hole(q, out, from, first_row_ts, hint);
        return;
    }
    if (q->first_ts == 0) {
        out->head = (struct period_range){from, first_row_ts};
        return;
    }
    int64_t start = time_floor(q->first_ts, step_of(q));
    int64_t before = min_i64(max_i64(start, from), first_row_ts);
    add_segment(out, from, min_i64(before, out->final_before_ts), COVERAGE_BEFORE_START,
                q->sent_utc_s, 0);
    count_before_start(q, out, from, before);
    add_hole(q, out, before, first_row_ts, hint);
}

/* Periods of the window after its last record: a hole when newer data exists, otherwise left
 * uncovered. */
static void judge_tail(const struct judge_question *q, struct judgement *out, int64_t from_ts,
                       size_t *hint)
{
    int64_t to = q->window.to_ts;
    if (from_ts >= to)
        return;
    if (q->newest_ts >= to) {
        add_hole(q, out, from_ts, to, hint);
        return;
    }
    for (int64_t ts = from_ts; ts < to; ts += step_of(q)) {
        const struct coverage_segment *known = known_at(q, ts, hint);
        bool missing = was_missing(q, known);
        if (keeps(out, known, missing) || !missing)
            continue;
        if (ts >= out->final_before_ts)
            out->pending++;
        else
            out->tail++;
    }
}

static void judge_row(const struct judge_question *q, const struct batch *b, size_t row, int64_t ts,
                      struct judgement *out, size_t *hint)
{
    int64_t step_s = step_of(q);
    bool missing = was_missing(q, known_at(q, ts, hint));
    bool final = ts < out->final_before_ts;
    out->rejected[row] = out->all_clean ? NULL : check_row(b, row);
    if (out->rejected[row]) {
        out->any_rejected = true;
        out->rejected_count += missing;
        if (final)
            add_segment(out, ts, ts + step_s, COVERAGE_REJECTED, q->sent_utc_s, 0);
        return;
    }
    out->fetched += missing;
    out->provisional += missing && !final;
    if (final)
        add_segment(out, ts, ts + step_s, COVERAGE_STORED, q->sent_utc_s, 0);
}

/* Rows of known periods before the window: what is stored is compared, and a hole or an impossible
 * record may have been mended since. Nothing is concluded from a row that is not there. Returns the
 * first row of the window. */
static size_t judge_rechecks(const struct judge_question *q, const struct batch *b, int ts_column,
                             struct judgement *out, size_t *hint)
{
    size_t row = 0;
    for (; row < b->row_count && row_ts(b, row, ts_column) < q->window.from_ts; row++) {
        int64_t ts = row_ts(b, row, ts_column);
        const struct coverage_segment *known = known_at(q, ts, hint);
        out->rejected[row] = out->all_clean ? NULL : check_row(b, row);
        out->any_rejected |= out->rejected[row] != NULL;
        out->rechecked++;
        bool mends = known && known->state != COVERAGE_STORED && ts < out->final_before_ts;
        if (mends && !out->rejected[row])
            add_segment(out, ts, ts + step_of(q), COVERAGE_STORED, q->sent_utc_s, 0);
    }
    return row;
}

static void judge_rows(const struct judge_question *q, const struct batch *b, int ts_column,
                       size_t first, bool older_rows, struct judgement *out, size_t *hint)
{
    int64_t step_s = step_of(q);
    int64_t expected = row_ts(b, first, ts_column);
    judge_head(q, out, expected, older_rows, hint);
    for (size_t row = first; row < b->row_count; row++) {
        int64_t ts = row_ts(b, row, ts_column);
        if (ts > expected)
            add_hole(q, out, expected, ts, hint);
        judge_row(q, b, row, ts, out, hint);
        expected = ts + step_s;
    }
    judge_tail(q, out, expected, hint);
}

/* What is claimed to be before the start, and when that was said at the latest; empty = nothing. */
static struct coverage_segment claimed_before_start(const struct judge_question *q)
{
    struct coverage_segment all = {.to_ts = q->start_ts, .asked_utc_s = q->start_asked_utc_s};
    if (q->start_ts != 0)
        all.from_ts = min_i64(q->want.from_ts, q->start_ts);
    for (size_t i = 0; i < q->merged_count; i++) {
        const struct coverage_segment *m = &q->merged[i];
        if (m->state != COVERAGE_BEFORE_START)
            continue;
        all.from_ts = all.to_ts == 0 ? m->from_ts : min_i64(all.from_ts, m->from_ts);
        all.to_ts = max_i64(all.to_ts, m->to_ts);
        all.asked_utc_s = max_i64(all.asked_utc_s, m->asked_utc_s);
    }
    return all;
}

static bool is_hole_now(const struct judgement *j, int64_t ts)
{
    for (size_t i = 0; i < j->segment_count; i++)
        if (j->segments[i].from_ts <= ts && ts < j->segments[i].to_ts)
            return j->segments[i].state == COVERAGE_EMPTY;
    return false;
}

/* A hole, seen for the first time, wherever nothing is said of [from, to) yet. The reply speaks of
 * fewer periods than a page has, so that there is room. */
static void doubt_untold(const struct judge_question *q, struct judgement *out, int64_t from_ts,
                         int64_t to_ts)
{
    for (size_t i = 0; from_ts < to_ts; i++) {
        struct coverage_segment *next = &out->segments[i];
        int64_t told_ts = i < out->segment_count ? min_i64(next->from_ts, to_ts) : to_ts;
        if (from_ts < told_ts) {
            memmove(next + 1, next, (out->segment_count++ - i) * sizeof(*next));
            *next = (struct coverage_segment){
                .from_ts = from_ts,
                .to_ts = told_ts,
                .state = COVERAGE_EMPTY,
                .next_check_utc_s = next_check(q, from_ts, false),
            };
        }
        from_ts = max_i64(from_ts, next->to_ts);
    }
}

/* Is there something at oldest_ts, where, or before where, there was to be nothing, or a hole in
 * place of the newest period of it? Then all that was concluded is open again but for what the
 * reply shows, and what says so is later than the claim, whatever the clocks say. */
static void review_start(const struct judge_question *q, struct judgement *out, int64_t oldest_ts)
{
    struct coverage_segment claim = claimed_before_start(q);
    if (oldest_ts >= claim.to_ts && !is_hole_now(out, claim.to_ts - step_of(q)))
        return;
    doubt_untold(q, out, claim.from_ts, min_i64(claim.to_ts, out->final_before_ts));
    for (size_t i = 0; i < out->segment_count; i++)
        out->segments[i].asked_utc_s = max_i64(q->sent_utc_s, claim.asked_utc_s + 1);
}

/* Everything but the big arrays, which are written before they are read. */
static void clear(struct judgement *out, const struct judge_question *q)
{
    out->segment_count = 0;
    out->any_rejected = false;
    out->final_before_ts = judge_final_before(q->sent_utc_s, q->settle_s, step_of(q));
    out->fetched = out->provisional = out->empty = out->rejected_count = 0;
    out->pending = out->tail = out->rechecked = out->kept = 0;
    out->rows_dropped = out->duplicates = out->conflicts = 0;
    out->head = (struct period_range){0, 0};
    out->window_empty = out->start_reached = false;
}

int judge_page(const struct judge_question *q, struct batch *b, struct judgement *out,
               struct ccd_error *err)
{
    clear(out, q);
    struct echo_columns columns = {
        .ts = data_type_column_flagged(q->type, COLUMN_TS),
        .unit = data_type_column_flagged(q->type, COLUMN_UNIT),
        .market = data_type_column_flagged(q->type, COLUMN_MARKET),
        .instrument = data_type_column_flagged(q->type, COLUMN_INSTRUMENT),
    };
    size_t rows = b->row_count;
    if (rows > JUDGE_ROWS_MAX || check_echoes(q, b, &columns, err) != 0) {
        batch_clear(b);
        return rows > JUDGE_ROWS_MAX
                   ? error_set(err, CCD_BAD_REPLY, "the reply has %zu records, more than any page",
                               rows)
                   : CCD_BAD_REPLY;
    }
    batch_sort_by(b, (size_t)columns.ts, out->order);
    int64_t oldest_ts = rows > 0 ? row_ts(b, 0, columns.ts) : 0;
    struct spread spread = drop_outside(q, b, columns.ts, out);
    if (spread.younger && !spread.within && !spread.older) {
        batch_clear(b);
        return error_set(
            err, CCD_BAD_REPLY,
            "the reply for %s %s is of another time: all %zu records are younger than asked",
            q->names->market, q->names->instrument, rows);
    }
    out->window_empty = rows == 0;
    collapse_duplicates(b, columns.ts, out);
    out->all_clean = check_all_clean(b);
    size_t hint = 0;
    size_t first = judge_rechecks(q, b, columns.ts, out, &hint);
    if (first < b->row_count)
        judge_rows(q, b, columns.ts, first, spread.older, out, &hint);
    else if (rows > 0) /* the series lives, but has no closed period in the window */
        judge_tail(q, out, q->window.from_ts, &hint);
    if (rows > 0)
        review_start(q, out, oldest_ts);
    return 0;
}

void judge_end_of_history(const struct judge_question *q, struct judgement *out)
{
    clear(out, q);
    if (data_before(q, q->window.to_ts)) {
        size_t hint = 0;
        add_hole(q, out, q->window.from_ts, q->window.to_ts, &hint);
        review_start(q, out, q->window.from_ts); /* a hole in place of what carries the doubt */
        return;
    }
    out->start_reached = true;
    int64_t from = min_i64(q->want.from_ts, q->window.from_ts);
    int64_t to = q->window.to_ts;
    add_before_start(q, out, from, min_i64(to, out->final_before_ts));
    count_before_start(q, out, q->window.from_ts, to);
}

void judge_nothing(const struct judge_question *q, struct judgement *out)
{
    clear(out, q);
    size_t hint = 0;
    judge_tail(q, out, q->window.from_ts, &hint);
    review_start(q, out, q->window.from_ts); /* else it would be the end of history again */
}
