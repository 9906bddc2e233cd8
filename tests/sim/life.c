#include "life_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "engine/call.h"
#include "mirror.h"
#include "model/request.h"
#include "oracle.h"
#include "vendor.h"

enum {
    STEPS_MAX = 20000, /* of one life at one moment: more is a livelock */
    TEXT_MAX_BYTES = 1 << 20,
};

/* As api/ingest.c has it: a request's deadline and a guard. */
static const int64_t abandon_us = 65LL * SIM_US_PER_S;
static const int64_t stop_grace_us = 4LL * SIM_US_PER_S;
/* A vendor may make us wait for a month of 31 days. */
static const int64_t sleep_most_us = 32LL * SECONDS_PER_DAY * SIM_US_PER_S;
static const int64_t probe_every_us = BREAKER_PROBE_EVERY_MS * INT64_C(1000);

/* ---- events into the session ---- */

void life_push(struct life *l, const struct session_event *event)
{
    if (l->queue_count == QUEUE_MAX)
        abort();
    l->queue[(l->queue_head + l->queue_count++) % QUEUE_MAX] = *event;
}

static void acquire(struct life *l, uint32_t slot, enum call_priority priority)
{
    struct sim *sim = l->sim;
    const struct limiter_ask ask = {
        .owner = sim->life, .abandon_us = abandon_us, .priority = priority};
    struct permit permit = limiter_acquire(sim->limiter, &sim->server.limits, sim->now_us, &ask);
    permit.answer = call_permit_answer(&permit, permit.wait_until_us - sim->now_us);
    struct session_event event = {.kind = SESSION_PERMIT,
                                  .slot = slot,
                                  .permit = permit.answer,
                                  .wait_until_us = permit.wait_until_us};
    if (permit.answer == PERMIT_GRANTED) {
        l->waiting = false;
        l->jobs[slot].ticket = permit.ticket;
        l->jobs[slot].has_ticket = true;
        life_push(l, &event);
        return;
    }
    if (!l->waiting)
        sim_trace(sim, "slot %u: no permit before %lld us (%s)", slot,
                  (long long)(permit.wait_until_us - sim->now_us),
                  permit.answer == PERMIT_SPENT ? "spent" : "wait");
    l->waiting = true;
    if (permit.wait_until_us <= sim->now_us)
        sim_fail(sim, "I7: the limiter says wait until a moment that has passed");
    sim_saw(sim, permit.answer == PERMIT_WAIT ? SOMETIMES_PERMIT_WAITED
                 : l->options->wait_for_quota ? SOMETIMES_QUOTA_WAITED
                                              : SOMETIMES_QUOTA_SPENT);
    if (permit.answer == PERMIT_SPENT)
        call_quota_error(&event.error, permit.window,
                         sim_host_utc_s(sim) + (permit.wait_until_us - sim->now_us) / SIM_US_PER_S);
    life_push(l, &event);
}

static void settle_permit(struct life *l, struct job *job, const struct reply_headers *headers)
{
    struct sim *sim = l->sim;
    if (!job->has_ticket)
        return;
    job->has_ticket = false;
    limiter_received(sim->limiter, &sim->server.limits, job->ticket, sim->now_us, headers);
}

static void cancel(struct life *l, uint32_t slot)
{
    l->jobs[slot].has_ticket = false;
    limiter_cancel(l->sim->limiter, l->jobs[slot].ticket);
}

/* So many failures in a row that only a probe may go out now and then. */
static bool breaker_is_open(const struct life *l)
{
    return l->answered && l->failures_in_a_row >= BREAKER_FAILURES;
}

static void check_obedience(struct life *l, const struct job *job)
{
    struct sim *sim = l->sim;
    if (sim->now_us < sim->promised_us)
        sim_fail(sim, "I6: a request %lld us before the vendor's Retry-After is over",
                 (long long)(sim->promised_us - sim->now_us));
    if (l->key_refused)
        sim_fail(sim, "I6: a request after the key was refused");
    if (l->series_refused[job->series])
        sim_fail(sim, "I6: a request for a series that the vendor does not know");
    if (job->sends > retry_policy_default.attempts_max)
        sim_fail(sim, "I6: a page is asked for %d times", job->sends);
    l->retries += job->sends > 1;
    if (l->retries * RETRY_BUDGET_COST > RETRY_BUDGET_MAX + l->successes)
        sim_fail(sim, "I6: %lld retries after %lld good replies", (long long)l->retries,
                 (long long)l->successes);
    if (!breaker_is_open(l))
        return;
    sim_saw(sim, SOMETIMES_BREAKER_OPENED);
    if (sim->now_us < l->last_failure_us + probe_every_us)
        sim_fail(sim, "I6: a request %lld us after %d failures in a row",
                 (long long)(sim->now_us - l->last_failure_us), l->failures_in_a_row);
}

static void send_request(struct life *l, uint32_t slot)
{
    struct sim *sim = l->sim;
    struct job *job = &l->jobs[slot];
    struct session_request request = session_request(l->session, slot);
    bool same = job->series == request.series && job->window.from_ts == request.window.from_ts &&
                job->window.to_ts == request.window.to_ts;
    job->sends = same ? job->sends + 1 : 1;
    job->series = request.series;
    job->window = request.window;
    if (l->short_at_ts[job->series] == job->window.to_ts)
        sim_saw(sim, SOMETIMES_HEAD_ASKED_ON);
    job->rows_max = (size_t)((request.window.to_ts - request.window.from_ts) /
                             interval_infos[request.interval].step_s) +
                    1;
    job->sent_utc_s = sim_host_utc_s(sim);
    check_obedience(l, job);
    if (job->rows_max - 1 > (size_t)sim->page_max)
        sim_fail(sim, "I7: a window of %zu periods, %d allowed", job->rows_max - 1, sim->page_max);
    struct buf path;
    buf_init(&path, SIM_PATH_BYTES, NULL);
    if (request_candles(&path, request.type, request.interval, str_from(request.names->market),
                        str_from(request.names->mapped_instrument), request.window) != 0)
        sim_fail(sim, "a request that cannot be written");
    else
        vendor_send(sim, slot, request.series, path.data);
    buf_release(&path);
    if (sim->mutant == MUTANT_LIMITER_IGNORES_FLIGHT) {
        reply_headers_init(&job->headers);
        settle_permit(l, job, &job->headers);
    }
}

/* ---- replies ---- */

static void decode(struct life *l, struct job *job, const struct exchange *x)
{
    struct sim *sim = l->sim;
    error_clear(&job->error);
    if (x->failure != CCD_OK) {
        error_set(&job->error, x->failure, "transfer failed");
        job->verdict = REPLY_RETRY;
        return;
    }
    if (batch_reset(&job->batch, sim->series[job->series].vendor->type, job->rows_max,
                    &job->error) != 0)
        abort();
    struct reply_input input = {.http_status = x->status,
                                .body = x->body.data,
                                .body_len = x->body.len,
                                .headers = &job->headers};
    job->verdict = reply_classify_candles(&sim->decoder, &input, job->rows_max, &job->batch,
                                          &job->error);
    if (job->verdict == REPLY_RETRY && x->status == 200 && x->fault <= FAULT_DAMAGED)
        sim_saw(sim, SOMETIMES_BODY_REFUSED);
}

/* The control thread of the runtime takes a reply; a decoder works on it for a moment. */
static void on_reply(struct life *l, uint32_t index)
{
    struct sim *sim = l->sim;
    struct exchange *x = &sim->exchanges[index];
    struct job *job = &l->jobs[x->slot];
    sim_scene(sim, SCENE_REPLY);
    call_parse_headers(x->status > 0 ? buf_str(&x->head) : STR(""), job->sent_utc_s, &job->headers);
    settle_permit(l, job, x->status > 0 ? &job->headers : NULL);
    bool earlier = job->headers.date_utc_s < job->sent_utc_s || sim->mutant == MUTANT_DATE_BELIEVED;
    if (job->headers.date_utc_s > 0 && earlier && sim->mutant != MUTANT_DATE_IGNORED) {
        job->sent_utc_s = job->headers.date_utc_s;
        sim_saw(sim, SOMETIMES_DATE_TRUSTED);
    }
    job->http_status = x->failure == CCD_OK ? x->status : 0;
    job->served_utc_s = x->served_utc_s;
    job->told_wait_us = x->told_wait_us;
    job->must_refuse = x->failure == CCD_OK ? x->must_refuse : NULL;
    decode(l, job, x);
    sim_trace(sim, "reply #%u slot %u: HTTP %ld, %s, %zu rows", index, x->slot, x->status,
              x->failure ? "failed" : reply_verdict_name(job->verdict),
              x->failure ? 0 : job->batch.row_count);
    uint32_t slot = x->slot;
    vendor_release(sim, index);
    l->in_threads++;
    sim_schedule(sim, sim->now_us + sim_between(sim, 0, 5000), EVENT_DECODED, sim->life, slot);
}

static void note_verdict(struct life *l, struct job *job, const struct session_event *event)
{
    struct sim *sim = l->sim;
    bool answered = job->verdict == REPLY_PAGE || job->verdict == REPLY_END_OF_HISTORY;
    if (job->verdict == REPLY_THROTTLED) {
        l->retries -= job->sends > 1; /* it will count when it is sent again */
        job->sends--;
        int64_t until_us = sim->now_us +
                           (job->told_wait_us > SIM_US_PER_S ? job->told_wait_us : SIM_US_PER_S);
        sim->promised_us = until_us > sim->promised_us ? until_us : sim->promised_us;
        sim_saw(sim, l->stopping ? SOMETIMES_THROTTLED_DRAINING : SOMETIMES_THROTTLED);
    }
    if (job->verdict == REPLY_END_OF_HISTORY || (answered && job->batch.row_count == 0))
        job->sends = 0; /* what follows is another question, even if about the same window */
    if (job->verdict == REPLY_END_OF_HISTORY)
        sim_saw(sim, SOMETIMES_START_BY_404);
    if (job->verdict == REPLY_PAGE && job->batch.row_count == 0) {
        l->report->series[job->series].extra_calls += 2;
        sim_saw(sim, SOMETIMES_NARROWED);
    }
    if (answered && event->sent_utc_s - SIM_SETTLE_S < l->young_ts[job->series])
        l->young_ts[job->series] = event->sent_utc_s - SIM_SETTLE_S;
}

static void note_told(struct job *job)
{
    job->told_count = 0;
    if (job->verdict != REPLY_PAGE || job->batch.row_count > ROWS_MAX)
        return;
    size_t ts_column = (size_t)data_type_column_flagged(job->batch.type, COLUMN_TS);
    for (size_t row = 0; row < job->batch.row_count; row++)
        job->told_ts[job->told_count++] = batch_cell(&job->batch, row, ts_column)->i64;
}

static void on_decoded(struct life *l, uint32_t slot)
{
    struct job *job = &l->jobs[slot];
    note_told(job);
    struct session_event event = {
        .kind = SESSION_REPLY,
        .slot = slot,
        .verdict = job->verdict,
        .batch = &job->batch,
        .sent_utc_s = job->sent_utc_s,
        .error = job->error,
    };
    l->in_threads--;
    call_violated_window(&job->headers, &event.window, &event.window_rest_ms);
    note_verdict(l, job, &event);
    if (l->sim->mutant == MUTANT_ASKED_WHEN_ANSWERED)
        event.sent_utc_s = sim_host_utc_s(l->sim);
    if (l->sim->mutant == MUTANT_RETRY_AFTER_IGNORED)
        event.error.retry_after_ms = event.window_rest_ms = 0;
    life_push(l, &event);
}

/* ---- the session ---- */

static void pause_key(struct life *l, const struct session_action *action)
{
    struct sim *sim = l->sim;
    if (sim->mutant == MUTANT_RETRY_AFTER_IGNORED)
        return;
    limiter_throttled(sim->limiter, &sim->server.limits, sim->now_us,
                      sim->now_us + action->pause_us, action->window);
}

static void execute(struct life *l, const struct session_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct session_action *action = &actions->items[i];
        switch (action->kind) {
        case SESSION_ACQUIRE:
            acquire(l, action->slot, action->priority);
            break;
        case SESSION_CANCEL:
            cancel(l, action->slot);
            break;
        case SESSION_SEND:
            send_request(l, action->slot);
            break;
        case SESSION_WRITE:
            life_write(l, action->slot);
            break;
        case SESSION_PAUSE:
            pause_key(l, action);
            break;
        case SESSION_FINISH:
            l->finished = true;
            break;
        }
    }
}

/* A reply that is wrong anywhere is wrong as a whole, and final words are final. */
static void check_refusal(struct life *l, const struct session_event *event, size_t rows,
                          const struct session_actions *actions)
{
    struct sim *sim = l->sim;
    const struct job *job = &l->jobs[event->slot];
    bool answered = event->verdict == REPLY_PAGE || event->verdict == REPLY_END_OF_HISTORY;
    bool taken = answered && rows == 0;
    for (size_t i = 0; i < actions->count; i++)
        taken |= actions->items[i].kind == SESSION_WRITE && actions->items[i].slot == event->slot;
    if (job->must_refuse && taken)
        sim_fail(sim, "I1: a reply is taken that must be refused whole: %s", job->must_refuse->why);
    else if (job->must_refuse)
        sim_saw(sim, job->must_refuse->state);
    l->key_refused |= job->http_status == 401;
    bool unknown = job->http_status == 404 && sim->series[job->series].delisted;
    l->series_refused[job->series] |= unknown || job->http_status == 400;
}

/* What the session thought of a reply shows in what it does next. */
static void note_step(struct life *l, const struct session_event *event,
                      const struct session_actions *actions)
{
    struct sim *sim = l->sim;
    if (event->kind != SESSION_REPLY)
        return;
    bool writes = actions->count > 0 && actions->items[0].kind == SESSION_WRITE;
    bool failed = event->verdict == REPLY_RETRY && (event->error.status == CCD_NETWORK ||
                                                    event->error.status == CCD_VENDOR_UNAVAILABLE);
    if (!failed && breaker_is_open(l) && writes)
        sim_saw(sim, SOMETIMES_PROBE_OK);
    l->failures_in_a_row = failed ? l->failures_in_a_row + 1 : 0;
    l->last_failure_us = failed ? sim->now_us : l->last_failure_us;
    l->answered |= writes || event->verdict == REPLY_BAD_SERIES;
    l->successes += event->verdict == REPLY_PAGE || event->verdict == REPLY_END_OF_HISTORY;
    if (event->verdict == REPLY_PAGE && !writes && event->batch->row_count == 0 &&
        l->jobs[event->slot].error.status == CCD_OK && l->jobs[event->slot].sends > 0)
        sim_saw(sim, SOMETIMES_PAGE_REFUSED);
    if (event->verdict == REPLY_BAD_SERIES && session_series_count(l->session) > 1)
        sim_saw(sim, SOMETIMES_SERIES_SKIPPED);
}

/* A page that begins later than it was asked for, of a series whose start is not known. */
static void note_short_page(struct life *l, const struct job *job)
{
    const struct sim_series *s = &l->sim->series[job->series];
    int ts_column = data_type_column_flagged(s->vendor->type, COLUMN_TS);
    if (s->first_ts != 0 || job->batch.row_count == 0)
        return;
    int64_t first_ts = batch_cell(&job->batch, 0, (size_t)ts_column)->i64;
    l->short_at_ts[job->series] = first_ts > job->window.from_ts ? first_ts : 0;
}

/* Rows that the judge took out of a page. */
static void note_cleaning(struct life *l, uint32_t slot, size_t rows_before)
{
    const struct job *job = &l->jobs[slot];
    if (job->batch.row_count >= rows_before || job->batch.row_count == 0)
        return;
    size_t periods = job->rows_max - 1;
    sim_saw(l->sim, rows_before > periods ? SOMETIMES_OPEN_DROPPED : SOMETIMES_ROWS_COLLAPSED);
}

/* What the session is done with. A run that goes on has settled every commit before. */
static void free_jobs(struct life *l)
{
    bool goes_on = session_error(l->session, NULL)->status == CCD_OK;
    for (int i = 0; i < l->options->slots; i++) {
        struct job *job = &l->jobs[i];
        if (!session_slot_free(l->session, (uint32_t)i))
            continue;
        job->sends = 0;
        if (job->in_doubt && goes_on)
            sim_fail(l->sim, "I4: a commit in doubt is not repeated");
        job->in_doubt = false;
    }
}

static void step(struct life *l, const struct session_event *event)
{
    struct sim *sim = l->sim;
    struct session_actions actions;
    struct session_event now = *event;
    bool page = event->kind == SESSION_REPLY && event->verdict == REPLY_PAGE;
    size_t rows = page ? event->batch->row_count : 0;
    now.now_us = sim->now_us;
    session_step(l->session, &now, &actions);
    sim->tally->events++;
    if (page) {
        note_cleaning(l, event->slot, rows);
        note_short_page(l, &l->jobs[event->slot]);
    }
    if (event->kind == SESSION_REPLY)
        check_refusal(l, event, rows, &actions);
    note_step(l, &now, &actions);
    execute(l, &actions);
    free_jobs(l);
}

static void step_all(struct life *l)
{
    for (int steps = 0; l->queue_count > 0 && !l->sim->failed; steps++) {
        struct session_event event = l->queue[l->queue_head];
        l->queue_head = (l->queue_head + 1) % QUEUE_MAX;
        l->queue_count--;
        step(l, &event);
        if (steps > STEPS_MAX)
            sim_fail(l->sim, "I7: the session never comes to rest");
    }
}

/* ---- life ---- */

static void load_series(struct life *l, size_t index)
{
    struct sim *sim = l->sim;
    const struct sim_series *s = &sim->series[index];
    int64_t host_utc_s = sim_host_utc_s(sim);
    struct ccd_error err;
    size_t count;
    const struct coverage_segment *merged = sim_coverage(sim, s, &count);
    l->wants[index] = plan_closed(s->job, s->step_s, host_utc_s);
    l->young_ts[index] = INT64_MAX;
    for (int64_t ts = s->job.from_ts; ts < s->job.to_ts; ts += s->step_s)
        l->stored[index][(ts - s->job.from_ts) / s->step_s] = life_is_claimed(merged, count, ts);
    struct session_series_spec spec = {
        .type = s->vendor->type,
        .interval = s->interval,
        .names = &s->names,
        .want = l->wants[index],
        .first_ts = s->first_ts,
        .last_ts = s->last_ts,
        .planned_utc_s = host_utc_s,
        .merged = merged,
        .merged_count = count,
    };
    if (session_add_series(l->session, &spec, &err) != 0)
        abort();
    int64_t needed = oracle_calls_needed(sim, s, l->wants[index], host_utc_s);
    int64_t planned = session_result(l->session, index)->plan.calls;
    l->report->series[index].calls_needed = needed;
    if (planned != needed)
        sim_fail(sim, "I7: a plan of %lld calls where %lld are needed", (long long)planned,
                 (long long)needed);
    if (needed > 0 && s->first_ts == 0)
        l->report->series[index].extra_calls++; /* to see that there is nothing older */
}

static void begin(struct life *l)
{
    struct sim *sim = l->sim;
    struct ccd_error err;
    struct session_config config = {
        .workers = l->options->workers,
        .slots = l->options->slots,
        .settle_s = sim->mutant == MUTANT_YOUNG_IS_FINAL ? 0 : SIM_SETTLE_S,
        .max_calls = l->options->max_calls,
        .wait_for_quota = l->options->wait_for_quota,
        .page_max = sim->page_max,
        .outage_ms = 600000,
        .retry = retry_policy_default,
        .rewrite = retry_policy_write,
        .seed = rng_next(&sim->rng),
        .run_id = "run",
    };
    if (session_new(&config, &l->session, &err) != 0)
        abort();
    for (int i = 0; i < l->options->slots; i++)
        if (batch_init(&l->jobs[i].batch, sim->series[0].vendor->type, 1, TEXT_MAX_BYTES, NULL,
                       &err) != 0)
            abort();
    for (size_t i = 0; i < sim->series_count; i++)
        load_series(l, i);
    l->chunk_rows = (size_t)sim_between(sim, 1, 200);
    l->begun_us = sim->now_us;
    l->stop_deadline_us = INT64_MAX;
    if (sim->mutant == MUTANT_LIMITER_FORGETS)
        limiter_state_init(sim->limiter);
    if (sim->unknown_commit_open)
        sim_saw(sim, SOMETIMES_UNKNOWN_RESUMED);
    sim->unknown_commit_open = false;
}

static void plan_events(struct life *l)
{
    struct sim *sim = l->sim;
    if (l->options->crash_us != INT64_MAX)
        sim_schedule(sim, l->options->crash_us, EVENT_CRASH, sim->life, 0);
    if (l->options->stop_us != INT64_MAX)
        sim_schedule(sim, l->options->stop_us, EVENT_STOP, sim->life, 0);
    if (l->options->jump_us != INT64_MAX)
        sim_schedule(sim, l->options->jump_us, EVENT_JUMP, sim->life, 0);
}

static void on_stop(struct life *l)
{
    struct session_event event = {.kind = SESSION_STOP};
    error_set(&event.error, CCD_INTERRUPTED, "interrupted");
    l->stopping = true;
    l->stop_deadline_us = l->sim->now_us + stop_grace_us;
    sim_schedule(l->sim, l->stop_deadline_us, EVENT_GRACE, l->sim->life, 0);
    sim_trace(l->sim, "interrupted");
    life_push(l, &event);
}

static void dispatch(struct life *l, const struct event *event)
{
    struct sim *sim = l->sim;
    if (event->kind == EVENT_ARRIVAL) {
        vendor_arrive(sim, event->index);
        return;
    }
    if (event->life != sim->life)
        return;
    switch (event->kind) {
    case EVENT_REPLY:
        on_reply(l, event->index);
        break;
    case EVENT_DECODED:
        on_decoded(l, event->index);
        break;
    case EVENT_COMMIT:
        life_on_commit(l, event->index);
        break;
    case EVENT_STOP:
        on_stop(l);
        break;
    case EVENT_CRASH:
        l->killed = true;
        break;
    case EVENT_JUMP:
        sim->host_offset_s += l->options->jump_s;
        sim_trace(sim, "our clock jumps by %lld s", (long long)l->options->jump_s);
        sim_saw(sim, SOMETIMES_CLOCK_JUMPED);
        break;
    case EVENT_GRACE:
    case EVENT_ARRIVAL:
        break;
    }
}

/* Let the next thing happen. */
static void advance(struct life *l)
{
    struct sim *sim = l->sim;
    const struct event *next = sim_next_event(sim);
    int64_t wake_us = session_wake_us(l->session);
    if (wake_us != INT64_MAX && wake_us - sim->now_us > sleep_most_us)
        sim_fail(sim, "I7: the run sleeps for more than a month");
    if (next && next->at_us <= wake_us) {
        struct event event = sim_take_event(sim);
        sim->now_us = event.at_us > sim->now_us ? event.at_us : sim->now_us;
        dispatch(l, &event);
    } else if (wake_us == INT64_MAX) {
        sim_fail(sim, "I7: the run is stuck: nothing will ever happen");
        return;
    } else {
        sim->now_us = wake_us > sim->now_us ? wake_us : sim->now_us;
        life_push(l, &(struct session_event){.kind = SESSION_TIMER});
    }
    if (!l->killed)
        step_all(l);
    l->abandoned = l->stopping && !l->finished && l->in_threads == 0 &&
                   sim->now_us >= l->stop_deadline_us;
}

/* The process is gone: what was being committed may be there or not, what was sent goes on. */
static void die(struct life *l)
{
    struct sim *sim = l->sim;
    bool early = sim->now_us - l->begun_us < SIM_US_PER_S;
    sim_scene(sim, SCENE_DEATH);
    sim_trace(sim, "killed");
    sim_saw(sim, early ? SOMETIMES_CRASHED_AT_ONCE : SOMETIMES_CRASHED);
    for (int i = 0; i < l->options->writers; i++) {
        struct writer *w = &l->writers[i];
        if (w->group_count == 0)
            continue;
        sim_saw(sim, SOMETIMES_CRASHED_WRITING);
        life_die_writing(l, w);
    }
    if (vendor_abandon(sim) > 0)
        sim_saw(sim, SOMETIMES_CRASHED_IN_FLIGHT);
}

static void note_end(struct life *l)
{
    struct sim *sim = l->sim;
    switch (l->report->error.status) {
    case CCD_INTERRUPTED:
        sim_saw(sim, l->abandoned ? SOMETIMES_STOP_ABANDONED : SOMETIMES_STOP_DRAINED);
        break;
    case CCD_DATABASE_UNREACHABLE:
    case CCD_DATABASE_BUSY:
        sim_saw(sim, SOMETIMES_STORE_GAVE_UP);
        break;
    case CCD_DISK:
        sim_saw(sim, SOMETIMES_DISK_GAVE_UP);
        break;
    case CCD_KEY_REJECTED:
        sim_saw(sim, SOMETIMES_KEY_REFUSED);
        break;
    case CCD_NETWORK:
    case CCD_VENDOR_UNAVAILABLE:
        sim_saw(sim, SOMETIMES_VENDOR_GAVE_UP);
        break;
    case CCD_QUOTA_EXHAUSTED:
        if (l->options->max_calls >= 0 && l->report->calls == l->options->max_calls)
            sim_saw(sim, SOMETIMES_CALLS_SPENT);
        break;
    default:
        break;
    }
}

/* The run ended by itself: what it says of itself must be so. */
static void judge(struct life *l)
{
    struct sim *sim = l->sim;
    const struct ccd_error *error = session_error(l->session, &l->report->resume_us);
    l->report->error = *error;
    for (size_t i = 0; i < sim->series_count; i++) {
        const struct sim_series *s = &sim->series[i];
        const struct session_series_result *r = session_result(l->session, i);
        int64_t young = l->young_ts[i] == INT64_MAX ? INT64_MAX
                                                    : time_floor(l->young_ts[i], s->step_s);
        oracle_check_result(sim, s, l->wants[i], r, error, young);
        if (r->error.status == CCD_DATABASE_DATA)
            sim_saw(sim, SOMETIMES_ROW_NOT_STORED);
        else if (r->failed_pages && error->status == CCD_OK)
            sim_saw(sim, SOMETIMES_PAGE_GIVEN_UP);
    }
    note_end(l);
    sim_trace(sim, "run %u ended: %s after %lld calls", sim->life, ccd_status_name(error->status),
              (long long)l->report->calls);
}

static void end(struct life *l)
{
    struct sim *sim = l->sim;
    l->report->end = l->killed ? LIFE_KILLED : l->abandoned ? LIFE_ABANDONED : LIFE_FINISHED;
    l->report->elapsed_us = sim->now_us - l->begun_us;
    for (size_t i = 0; i < sim->series_count; i++) {
        l->report->series[i].calls = session_result(l->session, i)->calls;
        l->report->calls += l->report->series[i].calls;
    }
    if (l->killed)
        die(l);
    else
        judge(l);
    if (l->abandoned) {
        vendor_abandon(sim);
        for (int i = 0; i < l->options->slots; i++)
            settle_permit(l, &l->jobs[i], NULL);
    }
    for (size_t i = 0; i < sim->series_count; i++)
        oracle_check_coverage(sim, &sim->series[i]);
    mirror_restart(sim);
    session_free(l->session);
    for (int i = 0; i < l->options->slots; i++)
        batch_release(&l->jobs[i].batch);
}

void life_run(struct sim *sim, const struct life_options *options, struct life_report *out_report)
{
    struct life *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    *out_report = (struct life_report){0};
    l->sim = sim;
    l->options = options;
    l->report = out_report;
    sim->life++;
    sim->tally->lives++;
    sim_trace(sim, "run %u begins: %d workers, %d slots, %d writers", sim->life, options->workers,
              options->slots, options->writers);
    begin(l);
    plan_events(l);
    life_push(l, &(struct session_event){.kind = SESSION_TIMER});
    step_all(l);
    while (!l->finished && !l->killed && !l->abandoned && !sim->failed)
        advance(l);
    end(l);
    free(l);
}
