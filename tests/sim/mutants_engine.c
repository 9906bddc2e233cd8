/* Bugs between the session and what it asks: plan, judge, retry, limiter, request, store. */
#include <string.h>

#include "engine/judge.h"
#include "engine/limiter.h"
#include "engine/plan.h"
#include "engine/retry.h"
#include "model/check.h"
#include "model/request.h"
#include "model_store.h"
#include "mutants_internal.h"
#include "sim.h"

enum { KNOWN_MAX = 4 * SIM_PERIODS_MAX };

/* ---- the plan ---- */

WRAPS(bool, plan_next_window, struct period_range want, int64_t step_s, int page_max,
      const struct coverage_segment *merged, size_t count, int64_t now_utc_s,
      struct period_range *out_window)
{
    bool found = __real_plan_next_window(want, step_s, page_max, merged, count, now_utc_s,
                                         out_window);
    mutant_memory.step_s = step_s;
    if (found && mutant_is(MUTANT_WINDOW_TOO_LONG))
        out_window->from_ts -= step_s;
    if (found && mutant_is(MUTANT_WINDOW_TOO_SHORT) &&
        out_window->to_ts - out_window->from_ts > step_s)
        out_window->from_ts += step_s;
    return found;
}

WRAPS(bool, plan_gaps_next, struct plan_gaps *gaps, struct period_range *out_range)
{
    bool found = __real_plan_gaps_next(gaps, out_range);
    if (found && mutant_is(MUTANT_CURSOR_TOO_FAR) &&
        out_range->to_ts - out_range->from_ts > mutant_memory.step_s)
        out_range->to_ts -= mutant_memory.step_s;
    return found;
}

WRAPS(struct period_range, plan_closed, struct period_range range, int64_t step_s,
      int64_t now_utc_s)
{
    struct period_range closed = __real_plan_closed(range, step_s, now_utc_s);
    if (mutant_is(MUTANT_NEWEST_NOT_WANTED) && closed.to_ts > closed.from_ts)
        closed.to_ts -= step_s;
    if (mutant_is(MUTANT_OPEN_WANTED))
        closed.to_ts += step_s;
    return closed;
}

WRAPS(int64_t, plan_recheck_from, struct period_range window, int64_t step_s, int page_max,
      const struct coverage_segment *merged, size_t count)
{
    int64_t from_ts = __real_plan_recheck_from(window, step_s, page_max, merged, count);
    bool widened = from_ts < window.from_ts;
    return widened && mutant_is(MUTANT_RECHECK_TOO_LONG) ? from_ts - step_s : from_ts;
}

WRAPS(struct plan_size, plan_measure, struct period_range want, int64_t step_s, int page_max,
      const struct coverage_segment *merged, size_t count, int64_t now_utc_s)
{
    struct plan_size size = __real_plan_measure(want, step_s, page_max, merged, count, now_utc_s);
    mutant_memory.step_s = step_s;
    size.calls += mutant_is(MUTANT_PLAN_MISCOUNTED) && size.calls > 1;
    return size;
}

WRAPS(int, request_candles, struct buf *out, const struct data_type *type, enum interval interval,
      struct str market, struct str instrument, struct period_range window)
{
    int64_t step_s = interval_infos[interval].step_s;
    bool several = window.to_ts - window.from_ts > step_s;
    if (mutant_is(MUTANT_PAGE_SHIFTED) || (several && mutant_is(MUTANT_OLDEST_NOT_ASKED)))
        window.from_ts += step_s;
    if (mutant_is(MUTANT_PAGE_SHIFTED))
        window.to_ts += step_s;
    if (several && mutant_is(MUTANT_NEWEST_NOT_ASKED))
        window.to_ts -= step_s;
    return __real_request_candles(out, type, interval, market, instrument, window);
}

/* ---- coverage ---- */

static void turn_answers(struct coverage_segment *segments, size_t count)
{
    for (size_t i = 0; i < count; i++)
        segments[i].asked_utc_s = -segments[i].asked_utc_s;
}

WRAPS(size_t, coverage_merge, struct coverage_segment *segments, size_t count,
      struct coverage_segment *scratch)
{
    if (mutant_is(MUTANT_OLDER_ANSWER_WINS))
        turn_answers(segments, count);
    size_t merged = __real_coverage_merge(segments, count, scratch);
    if (mutant_is(MUTANT_OLDER_ANSWER_WINS))
        turn_answers(segments, merged);
    for (size_t i = 1; i < merged && mutant_is(MUTANT_GAPS_BRIDGED); i++)
        if (segments[i].state == COVERAGE_STORED && segments[i - 1].state == COVERAGE_STORED)
            segments[i - 1].to_ts = segments[i].from_ts;
    return merged;
}

/* ---- the judge ---- */

static int64_t question_step_s(const struct judge_question *q)
{
    return interval_infos[q->interval].step_s;
}

static void alter_question(struct judge_question *q)
{
    static struct coverage_segment known[KNOWN_MAX];
    if (mutant_is(MUTANT_OPEN_IS_FINAL)) {
        q->sent_utc_s += question_step_s(q);
        q->settle_s = 0;
    }
    if (mutant_is(MUTANT_TAIL_IS_HOLE))
        q->newest_ts = q->window.to_ts;
    if (mutant_is(MUTANT_HOLE_BELIEVED_EARLY) && q->merged_count <= KNOWN_MAX) {
        for (size_t i = 0; i < q->merged_count; i++) {
            known[i] = q->merged[i];
            known[i].asked_utc_s -= HOLE_CHECK_S;
        }
        q->merged = known;
    }
}

static void forget_echo(struct batch *b, uint32_t flag, const char *text)
{
    size_t column = (size_t)data_type_column_flagged(b->type, flag);
    for (size_t row = 0; row < b->row_count; row++)
        batch_set_text(b, row, column, str_from(text));
}

static void alter_rows(const struct judge_question *q, struct batch *b)
{
    if (mutant_is(MUTANT_UNIT_IGNORED))
        forget_echo(b, COLUMN_UNIT, interval_infos[q->interval].unit_echo);
    if (mutant_is(MUTANT_MARKET_IGNORED))
        forget_echo(b, COLUMN_MARKET, q->names->market);
    if (mutant_is(MUTANT_INSTRUMENT_IGNORED))
        forget_echo(b, COLUMN_INSTRUMENT, q->names->instrument);
    size_t column = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    for (size_t row = 0; row < b->row_count; row++) {
        int64_t *ts = &batch_cell(b, row, column)->i64;
        if (mutant_is(MUTANT_OFF_GRID_FLOORED) && *ts > 0)
            *ts -= *ts % question_step_s(q);
        if (mutant_is(MUTANT_MILLISECONDS_TAKEN) && *ts > INT64_C(100000000000))
            *ts /= 1000;
    }
}

/* What lies before a short page is before the start. */
static void claim_head(const struct judge_question *q, struct judgement *out)
{
    int64_t to_ts = out->head.to_ts;
    to_ts = to_ts < out->final_before_ts ? to_ts : out->final_before_ts;
    out->start_reached = true;
    if (to_ts <= q->want.from_ts)
        return;
    memmove(&out->segments[1], &out->segments[0], out->segment_count * sizeof(*out->segments));
    out->segments[0] = (struct coverage_segment){.from_ts = q->want.from_ts,
                                                 .to_ts = to_ts,
                                                 .state = COVERAGE_BEFORE_START,
                                                 .asked_utc_s = q->sent_utc_s};
    out->segment_count++;
}

static void alter_judgement(const struct judge_question *q, struct judgement *out)
{
    if (mutant_is(MUTANT_EMPTY_NOT_ASKED_AGAIN))
        out->window_empty = false;
    if (mutant_is(MUTANT_SHORT_IS_START) && out->head.from_ts < out->head.to_ts)
        claim_head(q, out);
    for (size_t i = 0; i < out->segment_count && mutant_is(MUTANT_HOLE_BELIEVED_EARLY); i++)
        if (!coverage_is_confirmed(&out->segments[i]))
            out->segments[i].next_check_utc_s = out->segments[i].asked_utc_s + 1;
    if (out->segment_count == 0)
        return;
    if (mutant_is(MUTANT_CLAIM_TOO_NEW))
        out->segments[out->segment_count - 1].to_ts += question_step_s(q);
    if (mutant_is(MUTANT_CLAIM_TOO_OLD))
        out->segments[0].from_ts -= question_step_s(q);
}

WRAPS(int, judge_page, const struct judge_question *q, struct batch *batch, struct judgement *out,
      struct ccd_error *err)
{
    struct judge_question altered = *q;
    alter_question(&altered);
    alter_rows(q, batch);
    int status = __real_judge_page(&altered, batch, out, err);
    if (status == 0)
        alter_judgement(q, out);
    return status;
}

WRAPS(void, judge_end_of_history, const struct judge_question *q, struct judgement *out)
{
    struct judge_question altered = *q;
    if (mutant_is(MUTANT_FALSE_END_BELIEVED)) {
        altered.merged_count = 0;
        altered.oldest_ts = 0;
    }
    __real_judge_end_of_history(&altered, out);
}

WRAPS(void, batch_sort_by, struct batch *b, size_t column, uint32_t *scratch)
{
    if (!mutant_is(MUTANT_ORDER_TRUSTED))
        __real_batch_sort_by(b, column, scratch);
}

WRAPS(void, batch_keep_rows, struct batch *b, const bool *keep)
{
    if (!mutant_is(MUTANT_ALL_ROWS_KEPT))
        __real_batch_keep_rows(b, keep);
}

WRAPS(int, batch_compare_rows, const struct batch *a, size_t row_a, const struct batch *b,
      size_t row_b)
{
    int order = __real_batch_compare_rows(a, row_a, b, row_b);
    return mutant_is(MUTANT_SMALLER_ROW_KEPT) ? -order : order;
}

WRAPS(const char *, check_row, const struct batch *b, size_t row)
{
    return mutant_is(MUTANT_IMPOSSIBLE_TAKEN) ? NULL : __real_check_row(b, row);
}

WRAPS(bool, check_all_clean, const struct batch *b)
{
    return mutant_is(MUTANT_IMPOSSIBLE_TAKEN) || __real_check_all_clean(b);
}

/* ---- retries ---- */

WRAPS(bool, retry_budget_take, struct retry_budget *budget)
{
    return __real_retry_budget_take(budget) || mutant_is(MUTANT_BUDGET_IGNORED);
}

WRAPS(bool, retry_is_over, const struct retry_policy *policy, int attempts, int64_t since_us,
      int64_t now_us)
{
    return !mutant_is(MUTANT_ATTEMPTS_ENDLESS) &&
           __real_retry_is_over(policy, attempts, since_us, now_us);
}

WRAPS(int64_t, retry_backoff_ms, const struct retry_policy *policy, int attempt, int64_t floor_ms,
      struct rng *rng)
{
    return __real_retry_backoff_ms(policy, attempt, mutant_is(MUTANT_FLOOR_IGNORED) ? 0 : floor_ms,
                                   rng);
}

WRAPS(bool, breaker_allow, struct breaker *breaker, int64_t now_us, int64_t *out_wait_us)
{
    bool allowed = __real_breaker_allow(breaker, now_us, out_wait_us);
    if (allowed && breaker->open && mutant_is(MUTANT_PROBE_LEAKED))
        breaker->probe_deadline_us = INT64_MAX / 2;
    return allowed || mutant_is(MUTANT_BREAKER_IGNORED);
}

WRAPS(void, breaker_abandon, struct breaker *breaker, int64_t now_us)
{
    if (!mutant_is(MUTANT_PROBE_LEAKED))
        __real_breaker_abandon(breaker, now_us);
}

/* ---- the quota ---- */

static void forget_limits(struct limiter_limits *limits)
{
    static const enum mutant forgotten[RATE_WINDOW_COUNT] = {
        [RATE_SECOND] = MUTANT_SECOND_FORGOTTEN,
        [RATE_MINUTE] = MUTANT_MINUTE_FORGOTTEN,
        [RATE_HOUR] = MUTANT_HOUR_FORGOTTEN,
        [RATE_DAY] = MUTANT_DAY_FORGOTTEN,
        [RATE_MONTH] = MUTANT_COUNT,
    };
    for (int w = 0; w < RATE_WINDOW_COUNT; w++) {
        if (mutant_is(forgotten[w]))
            limits->max[w] = 0;
        if (mutant_is(MUTANT_ONE_TOO_MANY) && limits->max[w] > 0)
            limits->max[w]++;
    }
}

WRAPS(struct permit, limiter_acquire, struct limiter_state *state,
      const struct limiter_limits *limits, int64_t now_us, const struct limiter_ask *ask)
{
    struct limiter_limits altered = *limits;
    forget_limits(&altered);
    struct permit permit = __real_limiter_acquire(state, &altered, now_us, ask);
    if (permit.answer == PERMIT_GRANTED) {
        mutant_memory.last_ticket = permit.ticket;
    } else if (mutant_memory.last_ticket != 0 && mutant_is(MUTANT_PERMIT_SPENT_TWICE)) {
        permit = (struct permit){PERMIT_GRANTED, mutant_memory.last_ticket, now_us,
                                 RATE_WINDOW_COUNT};
        mutant_memory.last_ticket = 0;
    }
    return permit;
}

WRAPS(void, limiter_received, struct limiter_state *state, const struct limiter_limits *limits,
      uint32_t ticket, int64_t now_us, const struct reply_headers *headers)
{
    if (!headers && mutant_is(MUTANT_LOST_NOT_COUNTED))
        limiter_cancel(state, ticket);
    else
        __real_limiter_received(state, limits, ticket, now_us, headers);
}

/* ---- the store ---- */

WRAPS(void, model_begin, struct model_store *store)
{
    mutant_memory.puts = 0;
    __real_model_begin(store);
}

/* Rows that are stored are set aside. */
static const char *const *keep_stored(const struct model_store *store,
                                      const struct store_page *page)
{
    static const char *stays[JUDGE_ROWS_MAX];
    size_t column = (size_t)data_type_column_flagged(page->type, COLUMN_TS);
    for (size_t row = 0; row < page->batch->row_count; row++) {
        int64_t ts = batch_cell(page->batch, row, column)->i64;
        bool stored = model_row_at(store, page->series->series_id,
                                   interval_infos[page->interval].step_s, ts) != NULL;
        stays[row] = stored ? "it is there" : page->rejected ? page->rejected[row] : NULL;
    }
    return stays;
}

WRAPS(int, model_put, struct model_store *store, const struct store_page *page, int64_t note,
      struct store_page_result *out_result, struct ccd_error *err)
{
    struct store_page altered = *page;
    bool second = ++mutant_memory.puts == 2;
    if ((second && mutant_is(MUTANT_PAGE_OF_GROUP_LOST)) || mutant_memory.skip_next_put) {
        mutant_memory.skip_next_put = false;
        *out_result = (struct store_page_result){0};
        return 0;
    }
    if (mutant_is(MUTANT_STORED_ROW_STAYS) && page->batch->row_count <= JUDGE_ROWS_MAX)
        altered.rejected = keep_stored(store, page);
    return __real_model_put(store, &altered, note, out_result, err);
}

WRAPS(enum store_outcome, model_commit, struct model_store *store, enum model_fate fate)
{
    enum store_outcome outcome = __real_model_commit(store, fate);
    mutant_memory.skip_next_put = outcome == STORE_ROLLED_BACK && mutant_memory.puts > 1 &&
                                  mutant_is(MUTANT_CURSOR_REUSED);
    return outcome;
}

/* ---- the session ---- */

WRAPS(void, session_step, struct session *session, const struct session_event *event,
      struct session_actions *out_actions)
{
    struct session_event altered = *event;
    bool written = event->kind == SESSION_WRITTEN;
    if (written && event->outcome == STORE_ROLLED_BACK && mutant_is(MUTANT_ROLLBACK_IGNORED))
        altered.outcome = STORE_COMMITTED;
    if (written && event->outcome == STORE_UNKNOWN && mutant_is(MUTANT_LOST_IS_COMMITTED))
        altered.outcome = STORE_COMMITTED;
    if (written && event->outcome == STORE_UNKNOWN && mutant_is(MUTANT_LOST_IS_FAILURE)) {
        altered.outcome = STORE_ROLLED_BACK;
        altered.error.status = CCD_DATABASE_DATA;
    }
    __real_session_step(session, &altered, out_actions);
}
