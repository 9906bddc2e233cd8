#include "engine/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Throttled so often in a row without one good reply: the quota is spent by somebody else. */
enum { THROTTLED_IN_A_ROW_MAX = 10, REDO_MAX = 2 * SESSION_SLOTS_MAX };
/* A page that others keep from being written is tried so often by a run that ends. */
enum { STOPPED_WRITES_MAX = 3 };

/* A vendor that says "come back in more than this" has ended the run. */
static const int64_t throttle_cap_ms = 3600 * 1000;
/* Retry-After counts whole seconds: 0, or none at all, means a second. No quota is longer than a
 * month. */
static const int64_t throttle_least_ms = 1000;
static const int64_t throttle_most_ms = 31 * INT64_C(86400000);

enum slot_state {
    SLOT_FREE,
    SLOT_WANTS,     /* has a window, needs a permit; not before not_before_us */
    SLOT_ACQUIRING, /* the ledger was asked */
    SLOT_SENT,
    SLOT_WRITING,
    SLOT_REWRITE, /* the commit failed; again at not_before_us */
};

struct slot {
    enum slot_state state;
    size_t series;
    struct period_range window;
    int64_t recheck_from_ts; /* the call asks from here on */
    bool narrowed;           /* part of a window that came back empty: a second empty list counts */
    bool rewritten;          /* a commit of it failed or is in doubt: rows may be there */
    uint64_t turn;           /* permits go to the oldest window that is ready */
    int64_t sent_us;
    int attempts;
    int write_failures;
    int64_t first_write_failure_us;
    int64_t first_sent_us;
    int64_t not_before_us;
    int64_t sent_utc_s;
    struct batch *batch;
    struct judgement *judgement;
};

struct series {
    const struct data_type *type;
    enum interval interval;
    struct series_names names;
    struct period_range want;
    int64_t cursor_ts;     /* end of the newest missing period whose window was not given out yet;
                              want.from_ts = all were */
    int64_t given_from_ts; /* where the oldest window that was given out begins */
    int64_t first_ts;
    int64_t newest_ts;
    int64_t oldest_ts; /* of what was seen in this run; 0 = nothing */
    int64_t start_ts;  /* as struct judge_question has it */
    int64_t start_asked_utc_s;
    struct coverage_segment *merged;
    size_t merged_count;
    int64_t planned_utc_s;     /* `now` of the plan, so that holes do not fall due in mid-run */
    struct period_range known; /* from the oldest to the newest period with data; empty = none */
    int busy;                  /* slots that work for it */
    int in_flight;             /* of them, those that keep a worker busy */
    bool deferred;             /* the vendor failed to serve a page of it: the others first */
    bool skipped;
    struct session_series_result result;
};

struct redo {
    size_t series;
    struct period_range window;
};

struct session {
    struct session_config config;
    struct series *series;
    size_t series_count, series_capacity;
    size_t first_open; /* series before it have no window left to give out */
    struct slot slots[SESSION_SLOTS_MAX];
    struct redo redo[REDO_MAX];
    size_t redo_count;
    int in_flight; /* WANTS, ACQUIRING, SENT */
    int busy;      /* all but FREE */
    struct rng rng;
    struct retry_budget budget;
    struct breaker breaker;
    int64_t permit_wait_us; /* no permit before */
    int64_t wake_us;
    uint64_t turns;
    int throttled_in_a_row;
    int64_t throttled_us; /* the last refusal that counted */
    int deferred;         /* series */
    bool answered;        /* the vendor gave at least one sensible reply */
    bool stopping;
    bool finished;
    struct ccd_error error;
    int64_t resume_us;
    int64_t calls;
    int64_t now_us;
    struct session_actions *actions; /* of the step under way */
};

/* ---- life ---- */

int session_new(const struct session_config *config, struct session **out, struct ccd_error *err)
{
    struct session *s = mem_new(config->allocator, 1, sizeof(*s));
    if (!s)
        return error_set(err, CCD_NO_MEMORY, "no memory for a session");
    s->config = *config;
    s->rng.state = config->seed;
    retry_budget_init(&s->budget);
    breaker_init(&s->breaker, s->config.retry.breaker_failures);
    for (int i = 0; i < config->slots; i++) {
        s->slots[i].judgement = mem_alloc(config->allocator, sizeof(struct judgement));
        if (!s->slots[i].judgement) {
            session_free(s);
            return error_set(err, CCD_NO_MEMORY, "no memory for %d pages", config->slots);
        }
    }
    *out = s;
    return 0;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    const struct allocator *a = s->config.allocator;
    for (size_t i = 0; i < s->series_count; i++)
        mem_free(a, s->series[i].merged);
    mem_free(a, s->series);
    for (int i = 0; i < s->config.slots; i++)
        mem_free(a, s->slots[i].judgement);
    mem_free(a, s);
}

static int page_max_of(const struct session *s, enum interval interval)
{
    int vendor = interval_infos[interval].page_max;
    return s->config.page_max > 0 && s->config.page_max < vendor ? s->config.page_max : vendor;
}

static void count_known(struct series *series)
{
    int64_t step_s = interval_infos[series->interval].step_s;
    for (size_t i = 0; i < series->merged_count; i++) {
        const struct coverage_segment *m = &series->merged[i];
        int64_t from = m->from_ts > series->want.from_ts ? m->from_ts : series->want.from_ts;
        int64_t to = m->to_ts < series->want.to_ts ? m->to_ts : series->want.to_ts;
        bool has_data = m->state == COVERAGE_STORED || m->state == COVERAGE_REJECTED;
        if (has_data && m->to_ts - step_s > series->newest_ts)
            series->newest_ts = m->to_ts - step_s;
        if (has_data && series->known.to_ts == 0)
            series->known.from_ts = m->from_ts;
        if (has_data)
            series->known.to_ts = m->to_ts;
        bool due = m->next_check_utc_s != 0 && m->next_check_utc_s <= series->planned_utc_s;
        if (from >= to || due)
            continue;
        int64_t periods = (to - from) / step_s;
        if (m->state == COVERAGE_STORED)
            series->result.stored += periods;
        else if (m->state == COVERAGE_REJECTED)
            series->result.rejected_before += periods;
        else
            series->result.empty_before += periods;
    }
}

/* Down to the next missing period. */
static void move_cursor(struct series *series)
{
    struct plan_gaps gaps;
    struct period_range gap;
    const struct period_range rest = {series->want.from_ts, series->cursor_ts};
    plan_gaps_init(&gaps, rest, series->merged, series->merged_count, series->planned_utc_s);
    series->cursor_ts = plan_gaps_next(&gaps, &gap) ? gap.to_ts : series->want.from_ts;
}

int session_add_series(struct session *s, const struct session_series_spec *spec,
                       struct ccd_error *err)
{
    if (s->series_count == s->series_capacity) {
        size_t capacity = s->series_capacity ? 2 * s->series_capacity : 16;
        struct series *bigger = mem_resize(s->config.allocator, s->series, capacity,
                                           sizeof(*bigger));
        if (!bigger)
            return error_set(err, CCD_NO_MEMORY, "no memory for %zu series", capacity);
        s->series = bigger;
        s->series_capacity = capacity;
    }
    struct series *series = &s->series[s->series_count];
    *series = (struct series){
        .type = spec->type,
        .interval = spec->interval,
        .names = *spec->names,
        .want = spec->want,
        .cursor_ts = spec->want.to_ts,
        .first_ts = spec->first_ts,
        .newest_ts = spec->last_ts,
        .merged_count = spec->merged_count,
        .planned_utc_s = spec->planned_utc_s,
    };
    if (spec->merged_count > 0) {
        series->merged = mem_resize(s->config.allocator, NULL, spec->merged_count,
                                    sizeof(*series->merged));
        if (!series->merged)
            return error_set(err, CCD_NO_MEMORY, "no memory for the coverage of a series");
        memcpy(series->merged, spec->merged, spec->merged_count * sizeof(*series->merged));
    }
    series->result.plan = plan_measure(series->want, interval_infos[series->interval].step_s,
                                       page_max_of(s, series->interval), series->merged,
                                       series->merged_count, spec->planned_utc_s);
    count_known(series);
    move_cursor(series);
    s->series_count++;
    return 0;
}

/* ---- actions ---- */

static struct session_action *act(struct session *s, enum session_action_kind kind, uint32_t slot)
{
    struct session_action *action = &s->actions->items[s->actions->count++];
    *action = (struct session_action){.kind = kind, .slot = slot};
    return action;
}

/* What failed to be written is tried once more at once. */
static void stop(struct session *s, const struct ccd_error *why)
{
    if (s->stopping)
        return;
    s->error = *why;
    s->stopping = true;
    for (int i = 0; i < s->config.slots; i++)
        if (s->slots[i].state == SLOT_REWRITE)
            s->slots[i].not_before_us = s->now_us;
}

static bool counts_in_flight(enum slot_state state)
{
    return state == SLOT_WANTS || state == SLOT_ACQUIRING || state == SLOT_SENT;
}

static void set_state(struct session *s, struct slot *slot, enum slot_state state)
{
    s->in_flight += counts_in_flight(state) - counts_in_flight(slot->state);
    s->series[slot->series].in_flight += counts_in_flight(state) - counts_in_flight(slot->state);
    s->busy += (state != SLOT_FREE) - (slot->state != SLOT_FREE);
    s->series[slot->series].busy += (state != SLOT_FREE) - (slot->state != SLOT_FREE);
    slot->state = state;
}

static void take_slot(struct session *s, struct slot *slot, size_t series,
                      struct period_range window, bool narrowed)
{
    struct judgement *judgement = slot->judgement;
    const struct series *of = &s->series[series];
    *slot = (struct slot){
        .state = SLOT_FREE,
        .series = series,
        .window = window,
        /* Only part of a window that came back empty: is there anything at all? */
        .recheck_from_ts = narrowed ? window.from_ts
                                    : plan_recheck_from(window, interval_infos[of->interval].step_s,
                                                        page_max_of(s, of->interval), of->merged,
                                                        of->merged_count),
        .narrowed = narrowed,
        .turn = ++s->turns,
        .judgement = judgement,
    };
    set_state(s, slot, SLOT_WANTS);
}

/* ---- what to ask next ---- */

/* A series whose start is unknown is asked one page after the other, newest first: the page that
 * reaches the start ends it, and nothing is asked in vain. */
static bool may_be_asked(const struct series *series)
{
    return !series->skipped && series->cursor_ts > series->want.from_ts &&
           (series->first_ts != 0 || series->busy == 0);
}

static struct period_range next_window_of(struct session *s, struct series *series)
{
    struct period_range window, rest = {series->want.from_ts, series->cursor_ts};
    plan_next_window(rest, interval_infos[series->interval].step_s,
                     page_max_of(s, series->interval), series->merged, series->merged_count,
                     series->planned_utc_s, &window);
    series->given_from_ts = series->cursor_ts = window.from_ts;
    move_cursor(series);
    return window;
}

/* What a call is for that asks for the missing period that ends at to_ts. */
static enum call_priority priority_of(const struct series *series, int64_t to_ts)
{
    if (series->known.to_ts == 0)
        return to_ts == series->want.to_ts ? CALL_NEWEST : CALL_BACKFILL;
    if (to_ts > series->known.to_ts)
        return CALL_NEWEST;
    return to_ts > series->known.from_ts ? CALL_REPAIR : CALL_BACKFILL;
}

/* The series whose next window comes first: the newest data of all, then what is known to be
 * missing in between, then history. But one that the vendor fails to serve comes after the others,
 * and none gets more than half of the workers while another one waits: a series that is never
 * answered delays nobody. NULL = none. */
static struct series *next_series(struct session *s)
{
    struct series *best = NULL;
    int best_rank = INT_MAX;
    int share = s->config.workers > 3 ? s->config.workers / 2 : 1;
    for (size_t i = s->first_open; i < s->series_count && best_rank > 0; i++) {
        struct series *series = &s->series[i];
        bool closed = series->skipped || series->cursor_ts <= series->want.from_ts;
        if (closed && series->busy == 0 && i == s->first_open)
            s->first_open++;
        int rank = (2 * series->deferred + (series->in_flight >= share)) * CALL_PRIORITY_COUNT +
                   (int)priority_of(series, series->cursor_ts);
        if (rank < best_rank && may_be_asked(series)) {
            best = series;
            best_rank = rank;
        }
    }
    return best;
}

static bool next_window(struct session *s, size_t *out_series, struct period_range *out_window,
                        bool *out_narrowed)
{
    *out_narrowed = s->redo_count > 0;
    if (s->redo_count > 0) {
        struct redo *redo = &s->redo[--s->redo_count];
        *out_series = redo->series;
        *out_window = redo->window;
        return true;
    }
    struct series *series = next_series(s);
    if (!series)
        return false;
    *out_window = next_window_of(s, series);
    *out_series = (size_t)(series - s->series);
    return true;
}

static void give_out_windows(struct session *s)
{
    for (int i = 0; i < s->config.slots && s->in_flight < s->config.workers; i++) {
        struct slot *slot = &s->slots[i];
        size_t series;
        struct period_range window;
        bool narrowed;
        if (slot->state != SLOT_FREE)
            continue;
        if (!next_window(s, &series, &window, &narrowed))
            return;
        take_slot(s, slot, series, window, narrowed);
    }
}

static void wake_at(struct session *s, int64_t at_us)
{
    if (at_us < s->wake_us)
        s->wake_us = at_us;
}

static bool any_sent(const struct session *s)
{
    for (int i = 0; i < s->config.slots; i++)
        if (s->slots[i].state == SLOT_SENT)
            return true;
    return false;
}

/* What is under way may turn out to be an answer from a cache, and no call. */
static bool calls_spent(struct session *s)
{
    if (s->config.max_calls < 0 || s->calls < s->config.max_calls)
        return false;
    if (s->calls > 0 && any_sent(s))
        return true;
    struct ccd_error why = {0};
    error_set(&why, CCD_QUOTA_EXHAUSTED,
              "the %lld calls allowed to this run are spent; run again to go on",
              (long long)s->config.max_calls);
    stop(s, &why);
    return true;
}

/* The window that has waited longest of those that may be sent now; -1 = none, or one is being
 * asked for already. */
static int next_in_turn(struct session *s)
{
    int first = -1;
    for (int i = 0; i < s->config.slots; i++) {
        const struct slot *slot = &s->slots[i];
        if (slot->state == SLOT_ACQUIRING)
            return -1;
        if (slot->state != SLOT_WANTS)
            continue;
        if (slot->not_before_us > s->now_us)
            wake_at(s, slot->not_before_us);
        else if (first < 0 || slot->turn < s->slots[first].turn)
            first = i;
    }
    return first;
}

static enum call_priority slot_priority(const struct session *s, const struct slot *slot)
{
    return priority_of(&s->series[slot->series], slot->window.to_ts);
}

/* Ask for one permit; the next one when it was granted. */
static void acquire(struct session *s)
{
    int64_t wait_us = 0;
    int index = next_in_turn(s);
    if (index < 0)
        return;
    if (s->permit_wait_us > s->now_us) {
        wake_at(s, s->permit_wait_us);
        return;
    }
    if (calls_spent(s))
        return;
    /* Until the vendor answered once there is nothing to protect: each page's own attempts
     * bound the run. */
    if (s->answered && !breaker_allow(&s->breaker, s->now_us, &wait_us)) {
        wake_at(s, wait_us);
        return;
    }
    set_state(s, &s->slots[index], SLOT_ACQUIRING);
    act(s, SESSION_ACQUIRE, (uint32_t)index)->priority = slot_priority(s, &s->slots[index]);
}

static void rewrite(struct session *s)
{
    for (int i = 0; i < s->config.slots; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->state != SLOT_REWRITE)
            continue;
        if (slot->not_before_us > s->now_us) {
            wake_at(s, slot->not_before_us);
            continue;
        }
        set_state(s, slot, SLOT_WRITING);
        act(s, SESSION_WRITE, (uint32_t)i);
    }
}

/* What was not sent yet is given up; what was sent is still taken and committed. */
static void drop_unsent(struct session *s)
{
    for (int i = 0; i < s->config.slots; i++)
        if (s->slots[i].state == SLOT_WANTS)
            set_state(s, &s->slots[i], SLOT_FREE);
    s->redo_count = 0;
}

static void pump(struct session *s)
{
    s->wake_us = INT64_MAX;
    if (!s->stopping) {
        give_out_windows(s);
        acquire(s);
    }
    if (s->stopping)
        drop_unsent(s);
    rewrite(s);
    if (s->busy == 0 && !s->finished) {
        s->finished = true;
        act(s, SESSION_FINISH, 0);
    }
}

/* ---- answers ---- */

static void give_up(struct session *s, struct slot *slot, const struct ccd_error *why)
{
    struct session_series_result *result = &s->series[slot->series].result;
    result->failed_pages = true;
    result->error = *why;
    set_state(s, slot, SLOT_FREE);
}

static void skip_series(struct session *s, struct slot *slot, const struct ccd_error *why)
{
    s->series[slot->series].skipped = true;
    give_up(s, slot, why);
    for (size_t i = 0; i < s->redo_count;)
        if (s->redo[i].series == slot->series)
            s->redo[i] = s->redo[--s->redo_count];
        else
            i++;
    for (int i = 0; i < s->config.slots; i++)
        if (s->slots[i].state == SLOT_WANTS && s->slots[i].series == slot->series)
            set_state(s, &s->slots[i], SLOT_FREE);
}

static void pause_until(struct session *s, int64_t until_us)
{
    if (until_us > s->permit_wait_us)
        s->permit_wait_us = until_us;
}

static void on_permit(struct session *s, const struct session_event *e)
{
    struct slot *slot = &s->slots[e->slot];
    if (e->permit == PERMIT_GRANTED) {
        bool unwanted = s->stopping || s->series[slot->series].skipped;
        bool too_soon = s->permit_wait_us > s->now_us; /* throttled since it was asked for */
        if (unwanted || too_soon) {
            breaker_abandon(&s->breaker, s->now_us);
            act(s, SESSION_CANCEL, e->slot);
            set_state(s, slot, unwanted ? SLOT_FREE : SLOT_WANTS);
            return;
        }
        s->calls++;
        s->series[slot->series].result.calls++;
        if (slot->attempts++ == 0)
            slot->first_sent_us = s->now_us;
        slot->sent_us = s->now_us;
        set_state(s, slot, SLOT_SENT);
        act(s, SESSION_SEND, e->slot);
        return;
    }
    breaker_abandon(&s->breaker, s->now_us);
    set_state(s, slot, SLOT_WANTS);
    pause_until(s, e->wait_until_us);
    if (e->permit == PERMIT_SPENT && !s->config.wait_for_quota) {
        s->resume_us = e->wait_until_us;
        stop(s, &e->error);
    }
}

/* Whether a failure says something about the origin as a whole. */
static bool blames_origin(const struct ccd_error *why)
{
    return why->status == CCD_NETWORK || why->status == CCD_VENDOR_UNAVAILABLE ||
           why->status == CCD_TLS;
}

static void note_failure(struct session *s, const struct ccd_error *why)
{
    if (blames_origin(why))
        breaker_failure(&s->breaker, s->now_us, &s->rng);
    else
        breaker_success(&s->breaker);
    bool outage = s->breaker.open && s->now_us - s->breaker.opened_us >= s->config.outage_ms * 1000;
    if (blames_origin(why) && s->answered && outage)
        stop(s, why);
}

/* Whether a series that was not deferred is still at work, or waits for it. */
static bool others_left(const struct session *s)
{
    for (size_t i = s->first_open; i < s->series_count; i++) {
        const struct series *series = &s->series[i];
        bool open = !series->skipped && series->cursor_ts > series->want.from_ts;
        if (!series->deferred && (open || series->busy > 0))
            return true;
    }
    return false;
}

/* The vendor failed to serve a page, again and again: is it the series, or is nobody there? */
static void defer(struct session *s, struct series *series, const struct ccd_error *why)
{
    s->deferred += !series->deferred;
    series->deferred = true;
    if (!s->answered && (s->deferred > 1 || !others_left(s)))
        stop(s, why); /* the other series would wait in vain */
}

static void retry(struct session *s, struct slot *slot, const struct ccd_error *why)
{
    note_failure(s, why);
    bool worn = retry_is_over(&s->config.retry, slot->attempts, slot->first_sent_us, s->now_us) ||
                (!s->stopping && !retry_budget_take(&s->budget));
    if (worn && blames_origin(why))
        defer(s, &s->series[slot->series], why);
    if (s->stopping || worn) {
        give_up(s, slot, why);
        return;
    }
    slot->turn = ++s->turns; /* behind those that have not failed yet */
    slot->not_before_us = s->now_us + 1000 * retry_backoff_ms(&s->config.retry, slot->attempts,
                                                              why->retry_after_ms, &s->rng);
    set_state(s, slot, SLOT_WANTS);
}

static int64_t throttle_floor_ms(const struct session_event *e)
{
    int64_t floor_ms = e->error.retry_after_ms > e->window_rest_ms ? e->error.retry_after_ms
                                                                   : e->window_rest_ms;
    if (floor_ms < throttle_least_ms)
        return throttle_least_ms;
    return floor_ms < throttle_most_ms ? floor_ms : throttle_most_ms;
}

/* A 429 pauses the key, not a worker: the ledger is told, and the page goes back to wait. It is not
 * a failed attempt of the page. What was under way together is refused together: that is one
 * refusal, not several in a row. */
static void throttled(struct session *s, struct slot *slot, const struct session_event *e)
{
    int64_t floor_ms = throttle_floor_ms(e);
    int64_t wait_ms = floor_ms;
    if (s->throttled_in_a_row == 0 || slot->sent_us > s->throttled_us) {
        s->throttled_in_a_row++;
        s->throttled_us = s->now_us;
        wait_ms = retry_backoff_ms(&s->config.retry, s->throttled_in_a_row, floor_ms, &s->rng);
    }
    slot->attempts--;
    breaker_success(&s->breaker);
    pause_until(s, s->now_us + wait_ms * 1000);
    struct session_action *pause = act(s, SESSION_PAUSE, e->slot);
    pause->pause_us = s->permit_wait_us - s->now_us;
    pause->window = e->window;
    set_state(s, slot, SLOT_WANTS);
    bool too_long = floor_ms > throttle_cap_ms && !s->config.wait_for_quota;
    if (!too_long && s->throttled_in_a_row < THROTTLED_IN_A_ROW_MAX)
        return;
    struct ccd_error why = e->error;
    why.status = CCD_QUOTA_EXHAUSTED;
    s->resume_us = s->permit_wait_us;
    stop(s, &why);
}

static void reopen(struct session *s, size_t series, int64_t cursor_ts)
{
    s->series[series].cursor_ts = cursor_ts;
    if (series < s->first_open)
        s->first_open = series;
}

/* The start of history is reached: what was not given out yet needs no call. It is counted with
 * this page, so that every missing period is counted by exactly one. */
static void close_older(struct series *series, const struct slot *slot)
{
    struct judgement *j = slot->judgement;
    int64_t step_s = interval_infos[series->interval].step_s;
    struct period_range older = {series->want.from_ts, series->cursor_ts};
    struct plan_gaps gaps;
    struct period_range gap;
    plan_gaps_init(&gaps, older, series->merged, series->merged_count, series->planned_utc_s);
    while (plan_gaps_next(&gaps, &gap)) {
        int64_t final_to = gap.to_ts < j->final_before_ts ? gap.to_ts : j->final_before_ts;
        int64_t final = final_to > gap.from_ts ? (final_to - gap.from_ts) / step_s : 0;
        j->empty += final;
        j->pending += (gap.to_ts - gap.from_ts) / step_s - final;
    }
    series->cursor_ts = series->want.from_ts;
    int64_t to_ts = slot->window.to_ts;
    int64_t start_ts = to_ts < j->final_before_ts ? to_ts : j->final_before_ts;
    if (start_ts > series->start_ts)
        series->start_ts = start_ts;
    if (slot->sent_utc_s > series->start_asked_utc_s)
        series->start_asked_utc_s = slot->sent_utc_s;
}

/* Ask on from a head whose start of history is not confirmed: together with the older pages, or
 * alone when those were given out, or closed, before. */
static void ask_on(struct session *s, const struct slot *slot)
{
    struct period_range head = slot->judgement->head;
    const struct series *series = &s->series[slot->series];
    if (series->given_from_ts == slot->window.from_ts && series->start_ts == 0)
        reopen(s, slot->series, head.to_ts);
    else if (s->redo_count < REDO_MAX)
        s->redo[s->redo_count++] = (struct redo){slot->series, head};
}

/* The vendor has data at these times, good or not. */
static void note_data(struct series *series, const struct batch *rows)
{
    size_t column = (size_t)data_type_column_flagged(series->type, COLUMN_TS);
    int64_t oldest = batch_cell(rows, 0, column)->i64;
    int64_t newest = batch_cell(rows, rows->row_count - 1, column)->i64;
    if (newest > series->newest_ts)
        series->newest_ts = newest;
    if (series->oldest_ts == 0 || oldest < series->oldest_ts)
        series->oldest_ts = oldest;
}

static void write_page(struct session *s, uint32_t index, struct slot *slot)
{
    struct judgement *j = slot->judgement;
    struct series *series = &s->series[slot->series];
    if (j->start_reached)
        close_older(series, slot);
    else if (j->head.from_ts < j->head.to_ts)
        ask_on(s, slot);
    if (slot->batch->row_count > 0)
        note_data(series, slot->batch);
    set_state(s, slot, SLOT_WRITING);
    act(s, SESSION_WRITE, index);
}

/* An empty list in answer to a window proves nothing yet: ask both halves (or the one period) once
 * more. */
static bool ask_narrower(struct session *s, struct slot *slot)
{
    if (slot->narrowed || s->redo_count + 2 > REDO_MAX)
        return false;
    int64_t step_s = interval_infos[s->series[slot->series].interval].step_s;
    int64_t periods = (slot->window.to_ts - slot->window.from_ts) / step_s;
    int64_t middle = slot->window.from_ts + periods / 2 * step_s;
    if (periods > 1)
        s->redo[s->redo_count++] = (struct redo){slot->series, {slot->window.from_ts, middle}};
    s->redo[s->redo_count++] = (struct redo){slot->series, {middle, slot->window.to_ts}};
    set_state(s, slot, SLOT_FREE);
    return true;
}

static void note_success(struct session *s)
{
    s->answered = true;
    s->throttled_in_a_row = 0;
    breaker_success(&s->breaker);
    retry_budget_success(&s->budget);
}

static void on_answer(struct session *s, const struct session_event *e, struct slot *slot)
{
    const struct series *series = &s->series[slot->series];
    struct judge_question q = {
        .type = series->type,
        .interval = series->interval,
        .names = &series->names,
        .want = series->want,
        .window = slot->window,
        .recheck_from_ts = slot->recheck_from_ts,
        .first_ts = series->first_ts,
        .newest_ts = series->newest_ts,
        .oldest_ts = series->oldest_ts,
        .start_ts = series->start_ts,
        .start_asked_utc_s = series->start_asked_utc_s,
        .sent_utc_s = e->sent_utc_s,
        .planned_utc_s = series->planned_utc_s,
        .settle_s = s->config.settle_s,
        .merged = series->merged,
        .merged_count = series->merged_count,
    };
    struct ccd_error err = {0};
    slot->batch = e->batch;
    slot->sent_utc_s = e->sent_utc_s;
    if (e->verdict == REPLY_END_OF_HISTORY) {
        batch_clear(e->batch);
        judge_end_of_history(&q, slot->judgement);
    } else if (judge_page(&q, e->batch, slot->judgement, &err) != 0) {
        if (e->is_cached)
            set_state(s, slot, SLOT_WANTS);
        else
            retry(s, slot, &err);
        return;
    }
    if (!e->is_cached)
        note_success(s);
    if (slot->judgement->window_empty) {
        if (ask_narrower(s, slot))
            return;
        judge_nothing(&q, slot->judgement);
    }
    write_page(s, e->slot, slot);
}

/* No call was made. What is no page any more is asked for anew. */
static void on_cached(struct session *s, const struct session_event *e, struct slot *slot)
{
    s->calls--;
    s->series[slot->series].result.calls--;
    slot->attempts--;
    breaker_abandon(&s->breaker, s->now_us);
    if (e->verdict == REPLY_PAGE)
        on_answer(s, e, slot);
    else
        set_state(s, slot, SLOT_WANTS);
}

static void on_reply(struct session *s, const struct session_event *e)
{
    struct slot *slot = &s->slots[e->slot];
    if (e->is_cached) {
        on_cached(s, e, slot);
        return;
    }
    switch (e->verdict) {
    case REPLY_PAGE:
    case REPLY_END_OF_HISTORY:
        on_answer(s, e, slot);
        return;
    case REPLY_THROTTLED:
        throttled(s, slot, e);
        return;
    case REPLY_BAD_SERIES:
        s->answered = true;
        s->throttled_in_a_row = 0;
        breaker_success(&s->breaker);
        skip_series(s, slot, &e->error);
        return;
    case REPLY_BAD_KEY:
        breaker_success(&s->breaker);
        give_up(s, slot, &e->error);
        stop(s, &e->error);
        return;
    case REPLY_BROKEN: /* the same request would get the same answer: never asked again */
        breaker_success(&s->breaker);
        skip_series(s, slot, &e->error);
        return;
    case REPLY_RETRY:
        if (ccd_status_action(e->error.status) == CCD_ACTION_STOP) {
            breaker_abandon(&s->breaker, s->now_us);
            give_up(s, slot, &e->error);
            stop(s, &e->error);
            return;
        }
        retry(s, slot, &e->error);
        return;
    }
}

static void account(struct session *s, const struct slot *slot, const struct store_page_result *w)
{
    struct session_series_result *r = &s->series[slot->series].result;
    const struct judgement *j = slot->judgement;
    r->fetched += j->fetched;
    r->stored += j->kept;
    r->provisional += j->provisional;
    r->empty += j->empty;
    r->rejected += j->rejected_count;
    r->pending += j->pending;
    r->tail += j->tail;
    r->rows_written += w->inserted + w->changed;
    r->rows_changed += w->changed;
    r->rows_unchanged += w->unchanged;
}

/* Whether a write that failed is worth another try. An outage of the database is waited for, but
 * not by a run that ends. */
static bool may_rewrite(struct session *s, struct slot *slot, const struct session_event *e)
{
    enum ccd_action action = ccd_status_action(e->error.status);
    bool lost = e->outcome == STORE_UNKNOWN || action == CCD_ACTION_RECONNECT;
    if (!lost && action != CCD_ACTION_RETRY)
        return false;
    if (slot->write_failures++ == 0)
        slot->first_write_failure_us = s->now_us;
    if (s->stopping && slot->write_failures > (lost ? 1 : STOPPED_WRITES_MAX))
        return false;
    return !retry_is_over(&s->config.rewrite, slot->write_failures, slot->first_write_failure_us,
                          s->now_us);
}

static void on_written(struct session *s, const struct session_event *e)
{
    struct slot *slot = &s->slots[e->slot];
    if (e->outcome == STORE_COMMITTED) {
        account(s, slot, &e->written);
        set_state(s, slot, SLOT_FREE);
        return;
    }
    if (ccd_status_action(e->error.status) == CCD_ACTION_SKIP_SERIES) {
        skip_series(s, slot, &e->error);
        return;
    }
    if (!may_rewrite(s, slot, e)) {
        give_up(s, slot, &e->error);
        stop(s, &e->error);
        return;
    }
    slot->rewritten = true;
    slot->not_before_us = s->now_us + 1000 * retry_backoff_ms(&s->config.rewrite,
                                                              slot->write_failures, 0, &s->rng);
    set_state(s, slot, SLOT_REWRITE);
}

void session_step(struct session *s, const struct session_event *e,
                  struct session_actions *out_actions)
{
    out_actions->count = 0;
    s->actions = out_actions;
    s->now_us = e->now_us;
    switch (e->kind) {
    case SESSION_TIMER:
        break;
    case SESSION_PERMIT:
        on_permit(s, e);
        break;
    case SESSION_REPLY:
        on_reply(s, e);
        break;
    case SESSION_WRITTEN:
        on_written(s, e);
        break;
    case SESSION_STOP:
        stop(s, &e->error);
        break;
    }
    pump(s);
}

/* ---- looking in ---- */

int64_t session_wake_us(const struct session *s)
{
    return s->wake_us;
}

static struct period_range asked(const struct slot *slot)
{
    return (struct period_range){slot->recheck_from_ts, slot->window.to_ts};
}

struct session_request session_request(const struct session *s, uint32_t index)
{
    const struct slot *slot = &s->slots[index];
    const struct series *series = &s->series[slot->series];
    return (struct session_request){
        .type = series->type,
        .interval = series->interval,
        .names = &series->names,
        .window = asked(slot),
        .series = slot->series,
    };
}

void session_page(const struct session *s, uint32_t index, struct store_page *out_page)
{
    const struct slot *slot = &s->slots[index];
    const struct series *series = &s->series[slot->series];
    const struct judgement *j = slot->judgement;
    *out_page = (struct store_page){
        .type = series->type,
        .interval = series->interval,
        .series = &series->names,
        .batch = slot->batch,
        .asked = asked(slot),
        .rejected = j->any_rejected ? j->rejected : NULL,
        .fresh = !slot->rewritten &&
                 !plan_touches(series->merged, series->merged_count, asked(slot)),
        .collected_utc_s = slot->sent_utc_s,
        .final_before_ts = j->final_before_ts,
        .segments = j->segments,
        .segment_count = j->segment_count,
        .run_id = s->config.run_id,
    };
}

bool session_slot_free(const struct session *s, uint32_t index)
{
    return s->slots[index].state == SLOT_FREE;
}

size_t session_series_count(const struct session *s)
{
    return s->series_count;
}

const struct session_series_result *session_result(const struct session *s, size_t series)
{
    return &s->series[series].result;
}

const struct ccd_error *session_error(const struct session *s, int64_t *out_resume_us)
{
    if (out_resume_us)
        *out_resume_us = s->resume_us;
    return &s->error;
}

struct session_totals session_totals(const struct session *s)
{
    struct session_totals totals = {.calls_made = s->calls};
    for (size_t i = 0; i < s->series_count; i++) {
        const struct series *series = &s->series[i];
        totals.calls_planned += series->result.plan.calls;
        totals.rows_fetched += series->result.fetched;
        totals.rows_written += series->result.rows_written;
        bool open = !series->skipped && series->cursor_ts > series->want.from_ts;
        totals.series_done += !open && series->busy == 0;
    }
    for (int i = 0; i < s->config.slots; i++)
        totals.in_flight += s->slots[i].state == SLOT_SENT;
    totals.wait_until_us = s->permit_wait_us;
    int64_t probe_us = s->breaker.open ? s->breaker.next_probe_us : 0;
    if (probe_us > totals.wait_until_us)
        totals.wait_until_us = probe_us;
    return totals;
}
