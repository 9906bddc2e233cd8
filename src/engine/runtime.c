#include "engine/runtime.h"

#include <pthread.h>
#include <string.h>

#include "base/time.h"
#include "engine/call.h"
#include "engine/queue.h"
#include "model/request.h"

/* Pages whose transaction is shared: bounded by chunk_rows too. */
enum { GROUP_PAGES_MAX = 16, PATH_MAX_BYTES = 4096 };

static const int64_t poll_max_ms = 200;
static const int64_t progress_every_us = 200000;
/* A shorter wait between two calls is the rate that was asked for, nothing to tell of. */
static const int64_t pacing_us = 1000000;
/* After the first stop, replies have this long to arrive before their requests are dropped. */
static const int64_t stop_grace_us = 4000000;
static const size_t batch_text_max_bytes = 8u << 20;

/* The life of one slot's page between threads; owned by whoever took it last from a queue. */
struct job {
    uint32_t slot;
    uint32_t ticket;
    bool has_ticket;
    bool sent;       /* in the http client */
    bool is_cached;  /* the reply came from the cache */
    struct buf path; /* of the request, and … */
    struct buf body; /* … what came, until it is committed; only with a cache */
    size_t series;
    struct period_range window;
    int64_t sent_utc_s;
    int64_t sent_us; /* of the monotonic clock */
    /* decode */
    struct http_reply reply;
    struct reply_headers headers;
    const struct data_type *type;
    size_t rows_max;
    struct batch batch;
    enum reply_verdict verdict;
    /* write */
    bool written;   /* the answer is a WRITTEN, not a REPLY */
    bool rewritten; /* a write of this page failed, and was told of */
    struct store_page page;
    struct store_page_result result;
    enum store_outcome outcome;
    struct ccd_error error;
};

struct worker {
    struct runtime *runtime;
    pthread_t thread;
    bool started;
    struct queue *in;
    struct queue own;             /* writers: each its own, so that a series keeps its writer */
    struct reply_decoder decoder; /* decoders */
    struct store_writer *writer;  /* writers; NULL after its connection broke */
};

struct runtime {
    struct runtime_config config;
    struct session *session;
    struct job *jobs;
    struct queue to_decode;
    struct queue done;
    struct worker *workers; /* decoders, then writers */
    int worker_count;
    int in_threads;               /* jobs that a worker holds */
    struct session_event *events; /* to be stepped; ring of 2 * slots */
    size_t event_head, event_count, event_capacity;
    int stop_seen;
    int64_t stop_deadline_us;
    int64_t next_progress_us;
    bool finished;
    struct runtime_totals totals;
};

/* ---- decoders ---- */

static void decode_job(struct worker *w, struct job *job)
{
    struct http_reply *reply = &job->reply;
    job->written = false;
    error_clear(&job->error);
    if (reply->error.status != CCD_OK) {
        job->error = reply->error;
        job->verdict = REPLY_RETRY;
    } else if (batch_reset(&job->batch, job->type, job->rows_max, &job->error) != 0) {
        job->verdict = REPLY_RETRY;
    } else {
        struct reply_input input = {
            .http_status = reply->status,
            .body = reply->body.data,
            .body_len = reply->body.len,
            .headers = &job->headers,
        };
        job->verdict = reply_classify_candles(&w->decoder, &input, job->rows_max, &job->batch,
                                              &job->error);
    }
    if (w->runtime->config.replies && job->verdict == REPLY_PAGE && !job->is_cached) {
        job->body = reply->body;
        reply->body = (struct buf){0};
    }
    buf_release(&reply->body);
    buf_release(&reply->header_lines);
}

static void *decoder_main(void *user)
{
    struct worker *w = user;
    struct job *job;
    while ((job = queue_take(w->in)) != NULL) {
        decode_job(w, job);
        queue_put(&w->runtime->done, job);
        http_wakeup(w->runtime->config.http);
    }
    return NULL;
}

/* ---- writers ---- */

static void answer_write(struct worker *w, struct job *job, enum store_outcome outcome,
                         const struct ccd_error *why)
{
    job->written = true;
    job->outcome = outcome;
    if (outcome == STORE_COMMITTED)
        error_clear(&job->error);
    else
        job->error = *why;
    queue_put(&w->runtime->done, job);
    http_wakeup(w->runtime->config.http);
}

/* After an answer that was lost, or a broken connection, nothing that the connection says can be
 * trusted. */
static void drop_connection(struct worker *w)
{
    w->writer->ops->writer_close(w->writer);
    w->writer = NULL;
}

static int ensure_writer(struct worker *w, struct ccd_error *err)
{
    struct store *store = w->runtime->config.store;
    return w->writer ? 0 : store->ops->writer_open(store, &w->writer, err);
}

static const int commit_labels[] = {
    [STORE_COMMITTED] = COMMIT_COMMITTED,
    [STORE_ROLLED_BACK] = COMMIT_ROLLED_BACK,
    [STORE_UNKNOWN] = COMMIT_UNKNOWN,
};

static const char *const outcome_texts[] = {
    [STORE_COMMITTED] = "committed",
    [STORE_ROLLED_BACK] = "rolled back",
    [STORE_UNKNOWN] = "with an unknown end",
};

/* Commit the jobs in one transaction. On a failure to put one, nothing of it stays. *out_begun: the
 * database let us begin. */
static enum store_outcome write_group(struct worker *w, struct job *const *jobs, size_t count,
                                      bool *out_begun, struct ccd_error *err)
{
    *out_begun = false;
    if (ensure_writer(w, err) != 0)
        return STORE_ROLLED_BACK;
    const struct store_ops *ops = w->writer->ops;
    int64_t begun_us = clock_mono_us(NULL);
    int status = ops->writer_begin(w->writer, err);
    *out_begun = status == 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = ops->writer_put(w->writer, &jobs[i]->page, &jobs[i]->result, err);
    enum store_outcome outcome = STORE_ROLLED_BACK;
    if (status == 0)
        outcome = ops->writer_commit(w->writer, err);
    else
        ops->writer_rollback(w->writer);
    metric_add(w->runtime->config.metrics, METRIC_COMMITS, commit_labels[outcome], 0, 1);
    int64_t took_us = clock_mono_us(NULL) - begun_us;
    metric_observe(w->runtime->config.metrics, METRIC_COMMIT_SECONDS, 0, took_us);
    log_traced(w->runtime->config.log, TRACE_STORE, NULL, "%zu pages %s in %lld ms", count,
               outcome_texts[outcome], (long long)(took_us / 1000));
    if (outcome == STORE_UNKNOWN ||
        (outcome == STORE_ROLLED_BACK && ccd_status_action(err->status) == CCD_ACTION_RECONNECT))
        drop_connection(w);
    return outcome;
}

/* A database that does not let one begin is away for all that wait: they need not wait for it one
 * after the other. */
static void refuse_waiting(struct worker *w, const struct ccd_error *why)
{
    struct job *job;
    while ((job = queue_try_take(w->in)) != NULL)
        answer_write(w, job, STORE_ROLLED_BACK, why);
}

static void write_jobs(struct worker *w, struct job *const *jobs, size_t count)
{
    struct ccd_error err = {0};
    bool begun;
    enum store_outcome outcome = write_group(w, jobs, count, &begun, &err);
    bool one_by_one = count > 1 && outcome == STORE_ROLLED_BACK;
    for (size_t i = 0; i < count; i++) {
        if (one_by_one && begun) { /* one bad page must not hold up its neighbours */
            error_clear(&err);
            outcome = write_group(w, &jobs[i], 1, &begun, &err);
        }
        answer_write(w, jobs[i], outcome, &err);
    }
    if (!begun)
        refuse_waiting(w, &err);
}

static void *writer_main(void *user)
{
    struct worker *w = user;
    struct job *jobs[GROUP_PAGES_MAX];
    struct job *job;
    while ((job = queue_take(w->in)) != NULL) {
        size_t count = 0;
        int64_t rows = 0;
        do {
            jobs[count++] = job;
            rows += (int64_t)job->page.batch->row_count;
        } while (count < GROUP_PAGES_MAX && rows < w->runtime->config.chunk_rows &&
                 (job = queue_try_take(w->in)) != NULL);
        write_jobs(w, jobs, count);
    }
    return NULL;
}

/* ---- life ---- */

static int start_worker(struct runtime *r, struct worker *w, bool decoder, struct ccd_error *err)
{
    w->runtime = r;
    if (decoder) {
        w->in = &r->to_decode;
        if (reply_decoder_init(&w->decoder, r->config.allocator, err) != 0)
            return err->status;
    } else {
        w->in = &w->own;
        if (queue_init(&w->own, (size_t)r->config.slots, r->config.allocator, err) != 0 ||
            ensure_writer(w, err) != 0)
            return err->status;
    }
    int code = pthread_create(&w->thread, NULL, decoder ? decoder_main : writer_main, w);
    if (code != 0)
        return error_set_native(err, CCD_INTERNAL, code, "cannot start a thread: %s",
                                strerror(code));
    w->started = true;
    return 0;
}

static void stop_worker(struct worker *w)
{
    if (w->own.items)
        queue_close(&w->own);
    if (w->started)
        pthread_join(w->thread, NULL);
    if (w->writer)
        w->writer->ops->writer_close(w->writer);
    queue_release(&w->own);
    reply_decoder_release(&w->decoder);
}

int runtime_new(const struct runtime_config *config, struct runtime **out, struct ccd_error *err)
{
    const struct allocator *a = config->allocator;
    size_t slots = (size_t)config->slots;
    struct runtime *r = mem_new(a, 1, sizeof(*r));
    if (!r)
        return error_set(err, CCD_NO_MEMORY, "no memory to run");
    r->config = *config;
    r->event_capacity = 2 * slots + 2;
    r->worker_count = config->decoders + config->writers;
    r->jobs = mem_new(a, slots, sizeof(*r->jobs));
    r->events = mem_new(a, r->event_capacity, sizeof(*r->events));
    r->workers = mem_new(a, (size_t)r->worker_count, sizeof(*r->workers));
    int status = 0;
    if (!r->jobs || !r->events || !r->workers)
        status = error_set(err, CCD_NO_MEMORY, "no memory for %d pages", config->slots);
    if (status == 0)
        status = queue_init(&r->to_decode, slots, a, err);
    if (status == 0)
        status = queue_init(&r->done, slots, a, err);
    for (size_t i = 0; i < slots && status == 0; i++) {
        r->jobs[i].slot = (uint32_t)i;
        buf_init(&r->jobs[i].path, PATH_MAX_BYTES, a);
        /* Sized for the page when the first reply arrives. */
        status = batch_init(&r->jobs[i].batch, data_types[0], 1, batch_text_max_bytes, a, err);
    }
    for (int i = 0; i < r->worker_count && status == 0; i++)
        status = start_worker(r, &r->workers[i], i < config->decoders, err);
    if (status != 0) {
        runtime_free(r);
        return status;
    }
    *out = r;
    return 0;
}

void runtime_free(struct runtime *r)
{
    if (!r)
        return;
    if (r->to_decode.items)
        queue_close(&r->to_decode);
    for (int i = 0; r->workers && i < r->worker_count; i++)
        stop_worker(&r->workers[i]);
    for (int i = 0; r->jobs && i < r->config.slots; i++) {
        buf_release(&r->jobs[i].reply.body);
        buf_release(&r->jobs[i].reply.header_lines);
        buf_release(&r->jobs[i].path);
        buf_release(&r->jobs[i].body);
        batch_release(&r->jobs[i].batch);
    }
    queue_release(&r->to_decode);
    queue_release(&r->done);
    mem_free(r->config.allocator, r->workers);
    mem_free(r->config.allocator, r->events);
    mem_free(r->config.allocator, r->jobs);
    mem_free(r->config.allocator, r);
}

/* ---- the control thread ---- */

static void push_event(struct runtime *r, const struct session_event *event)
{
    r->events[(r->event_head + r->event_count) % r->event_capacity] = *event;
    r->event_count++;
}

static void push_stop(struct runtime *r, const struct ccd_error *why)
{
    push_event(r, &(struct session_event){.kind = SESSION_STOP, .error = *why});
}

static void acquire(struct runtime *r, uint32_t slot, enum call_priority priority)
{
    struct session_event event = {.kind = SESSION_PERMIT, .slot = slot};
    struct permit permit = {0};
    int64_t wait_us = 0;
    struct ccd_error err = {0};
    if (ledger_acquire(r->config.ledger, priority, &permit, &wait_us, &err) != 0) {
        push_stop(r, &err);
        permit.answer = PERMIT_WAIT;
    }
    permit.answer = call_permit_answer(&permit, wait_us);
    event.permit = permit.answer;
    event.wait_until_us = clock_mono_us(r->config.clock) + wait_us;
    if (permit.answer == PERMIT_SPENT)
        call_quota_error(&event.error, permit.window,
                         clock_utc_s(r->config.clock) + wait_us / 1000000);
    log_traced(r->config.log, TRACE_QUOTA, NULL, "slot %u: %s, %lld ms to wait", slot,
               permit.answer == PERMIT_GRANTED ? "a permit"
               : permit.answer == PERMIT_SPENT ? "the quota is spent"
                                               : "no permit yet",
               (long long)(wait_us / 1000));
    if (permit.answer == PERMIT_GRANTED) {
        r->jobs[slot].ticket = permit.ticket;
        r->jobs[slot].has_ticket = true;
    }
    push_event(r, &event);
}

/* The permit is spent: tell the ledger when the reply was complete. */
static void settle_permit(struct runtime *r, struct job *job, const struct reply_headers *headers)
{
    struct ccd_error err = {0};
    if (!job->has_ticket)
        return;
    job->has_ticket = false;
    if (ledger_received(r->config.ledger, job->ticket, headers, &err) != 0)
        push_stop(r, &err);
}

static void cancel(struct runtime *r, struct job *job)
{
    struct ccd_error err = {0};
    job->has_ticket = false;
    if (ledger_cancel(r->config.ledger, job->ticket, &err) != 0)
        push_stop(r, &err);
}

static void push_reply(struct runtime *r, struct job *job)
{
    struct session_event event = {
        .kind = SESSION_REPLY,
        .slot = job->slot,
        .verdict = job->verdict,
        .batch = &job->batch,
        .sent_utc_s = job->sent_utc_s,
        .is_cached = job->is_cached,
        .error = job->error,
    };
    call_violated_window(&job->headers, &event.window, &event.window_rest_ms);
    push_event(r, &event);
}

/* A page that is kept goes the way of a reply. Its permit was not used. */
static bool take_from_cache(struct runtime *r, struct job *job)
{
    buf_init(&job->reply.body, CACHE_VALUE_MAX_BYTES, r->config.allocator);
    struct kept_reply kept = {0};
    job->is_cached = reply_cache_get(r->config.replies, buf_str(&job->path), 0, &job->reply.body,
                                     &kept);
    if (!job->is_cached) {
        buf_release(&job->reply.body);
        return false;
    }
    job->sent_utc_s = kept.sent_utc_s;
    job->reply.status = 200;
    error_clear(&job->reply.error);
    reply_headers_init(&job->headers);
    job->headers.gzip = kept.is_gzip;
    cancel(r, job);
    r->totals.cache_hits++;
    r->in_threads++;
    queue_put(&r->to_decode, job);
    return true;
}

/* Only what no later answer may change: a page without a hole, all of it final. */
static void keep_page(struct runtime *r, struct job *job)
{
    int64_t step_s = interval_infos[job->page.interval].step_s;
    struct period_range asked = job->page.asked;
    bool is_whole = (int64_t)job->page.batch->row_count == (asked.to_ts - asked.from_ts) / step_s;
    if (job->body.len > 0 && is_whole && !job->page.rejected &&
        job->page.final_before_ts >= asked.to_ts)
        reply_cache_put(r->config.replies, buf_str(&job->path),
                        &(struct kept_reply){.body = buf_str(&job->body),
                                             .is_gzip = job->headers.gzip,
                                             .sent_utc_s = job->sent_utc_s});
    buf_release(&job->body);
}

static void send_request(struct runtime *r, uint32_t slot)
{
    struct job *job = &r->jobs[slot];
    struct session_request request = session_request(r->session, slot);
    struct str market = str_from(request.names->market);
    struct str name = str_from(request.names->mapped_instrument);
    bool is_again = job->path.len > 0 && job->series == request.series &&
                    job->window.from_ts == request.window.from_ts &&
                    job->window.to_ts == request.window.to_ts;
    bool distrusts_cache = is_again && job->is_cached; /* what came from there was no page */
    job->series = request.series;
    job->window = request.window;
    job->type = request.type;
    job->rows_max = (size_t)((request.window.to_ts - request.window.from_ts) /
                             interval_infos[request.interval].step_s) +
                    1;
    job->sent_utc_s = clock_utc_s(r->config.clock);
    error_clear(&job->error);
    job->is_cached = false;
    job->sent_us = clock_mono_us(NULL);
    buf_release(&job->body);
    buf_clear(&job->path);
    if (request_candles(&job->path, request.type, request.interval, market, name, request.window) !=
        0)
        error_set(&job->error, CCD_BAD_REQUEST, "the request for %s %s is too long",
                  request.names->market, request.names->instrument);
    else if (!distrusts_cache && take_from_cache(r, job))
        return;
    else
        http_send(r->config.http, job->path.data, job, &job->error);
    job->sent = job->error.status == CCD_OK;
    metric_add(r->config.metrics, METRIC_RETRIES, ENDPOINT_CANDLES, 0, is_again);
    if (job->sent)
        return;
    job->verdict = job->error.status == CCD_BAD_REQUEST ? REPLY_BAD_SERIES : REPLY_RETRY;
    reply_headers_init(&job->headers);
    cancel(r, job);
    push_reply(r, job);
}

static void write_slot(struct runtime *r, uint32_t slot)
{
    struct job *job = &r->jobs[slot];
    session_page(r->session, slot, &job->page);
    size_t writer = job->series % (size_t)r->config.writers;
    r->in_threads++;
    queue_put(&r->workers[r->config.decoders + (int)writer].own, job);
}

static void pause_key(struct runtime *r, const struct session_action *action)
{
    struct ccd_error err = {0};
    if (ledger_throttled(r->config.ledger, action->pause_us, action->window, &err) != 0)
        push_stop(r, &err);
}

static void execute(struct runtime *r, const struct session_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct session_action *action = &actions->items[i];
        switch (action->kind) {
        case SESSION_ACQUIRE:
            acquire(r, action->slot, action->priority);
            break;
        case SESSION_CANCEL:
            cancel(r, &r->jobs[action->slot]);
            break;
        case SESSION_SEND:
            send_request(r, action->slot);
            break;
        case SESSION_WRITE:
            write_slot(r, action->slot);
            break;
        case SESSION_PAUSE:
            pause_key(r, action);
            break;
        case SESSION_FINISH:
            r->finished = true;
            break;
        }
    }
}

static void step(struct runtime *r, const struct session_event *event)
{
    struct session_actions actions;
    struct session_event now = *event;
    now.now_us = clock_mono_us(r->config.clock);
    session_step(r->session, &now, &actions);
    execute(r, &actions);
}

static void step_all(struct runtime *r)
{
    while (r->event_count > 0) {
        struct session_event event = r->events[r->event_head];
        r->event_head = (r->event_head + 1) % r->event_capacity;
        r->event_count--;
        step(r, &event);
    }
}

static void take_replies(struct runtime *r)
{
    struct http_reply reply;
    while (http_take(r->config.http, &reply)) {
        struct job *job = reply.tag;
        job->sent = false;
        job->reply = reply;
        int64_t bytes = (int64_t)(reply.body.len + reply.header_lines.len);
        r->totals.bytes += bytes;
        metric_add(r->config.metrics, METRIC_RECEIVED_BYTES, ENDPOINT_CANDLES, 0, bytes);
        metric_observe(r->config.metrics, METRIC_CALL_SECONDS, ENDPOINT_CANDLES,
                       clock_mono_us(NULL) - job->sent_us);
        log_traced(r->config.log, TRACE_HTTP, NULL, "GET %s: HTTP %ld, %zu bytes, %lld ms",
                   job->path.data, reply.status, reply.body.len,
                   (long long)(clock_mono_us(NULL) - job->sent_us) / 1000);
        call_parse_headers(buf_str(&reply.header_lines), job->sent_utc_s, &job->headers);
        settle_permit(r, job, reply.status > 0 ? &job->headers : NULL);
        if (job->headers.date_utc_s > 0 && job->headers.date_utc_s < job->sent_utc_s)
            job->sent_utc_s = job->headers.date_utc_s;
        r->in_threads++;
        queue_put(&r->to_decode, job);
    }
}

static void log_answer(const struct runtime *r, const struct job *job)
{
    if (job->error.status == CCD_OK)
        return;
    struct session_request request = session_request(r->session, job->slot);
    struct log_subject subject = {
        .data_type = request.type->name,
        .interval = interval_infos[request.interval].name,
        .market = request.names->market,
        .instrument = request.names->mapped_instrument,
    };
    /* An outage of the database fails every page again and again: told of once for each. */
    bool expected = job->written ? job->rewritten : job->verdict == REPLY_END_OF_HISTORY;
    log_line(r->config.log, expected ? LOG_DEBUG : LOG_WARNING, &subject, "%s", job->error.message);
}

static int type_label(const struct data_type *type)
{
    size_t at = 0;
    while (at < data_type_count && data_types[at] != type)
        at++;
    return (int)at;
}

static void count_reply(const struct runtime *r, const struct job *job)
{
    struct metrics *m = r->config.metrics;
    metric_add(m, METRIC_CACHE_REQUESTS, job->is_cached ? CACHE_LABEL_HIT : CACHE_LABEL_MISS, 0,
               reply_cache_is_asked(r->config.replies));
    metric_add(m, METRIC_ROWS_DECODED, type_label(job->type), 0,
               job->verdict == REPLY_PAGE ? (int64_t)job->batch.row_count : 0);
    if (!job->is_cached)
        call_count_outcome(m, ENDPOINT_CANDLES, job->verdict,
                           job->error.status == CCD_NETWORK || job->error.status == CCD_TLS);
}

static void count_rows(const struct runtime *r, const struct job *job)
{
    struct metrics *m = r->config.metrics;
    int type = type_label(job->type);
    metric_add(m, METRIC_ROWS_INSERTED, type, 0, job->result.inserted);
    metric_add(m, METRIC_ROWS_CHANGED, type, 0, job->result.changed);
    metric_add(m, METRIC_ROWS_UNCHANGED, type, 0, job->result.unchanged);
    metric_add(m, METRIC_ROWS_QUARANTINED, type, 0, job->result.rejected);
}

static void take_done(struct runtime *r)
{
    struct job *job;
    while ((job = queue_try_take(&r->done)) != NULL) {
        r->in_threads--;
        log_answer(r, job);
        job->rewritten = job->written && job->outcome != STORE_COMMITTED;
        if (job->written && job->outcome == STORE_COMMITTED) {
            count_rows(r, job);
            keep_page(r, job);
        } else if (!job->written) {
            count_reply(r, job);
        }
        if (!job->written) {
            push_reply(r, job);
        } else {
            push_event(r, &(struct session_event){
                              .kind = SESSION_WRITTEN,
                              .slot = job->slot,
                              .outcome = job->outcome,
                              .written = job->result,
                              .error = job->error,
                          });
        }
        step_all(r);
    }
}

static void check_stop(struct runtime *r)
{
    int level = r->config.stop_level ? r->config.stop_level(r->config.stop_user) : 0;
    if (level == 0 || r->stop_seen >= level)
        return;
    if (r->stop_seen == 0) {
        struct ccd_error why = {0};
        error_set(&why, CCD_INTERRUPTED,
                  "interrupted; what was committed stays, run again to go on");
        push_stop(r, &why);
        r->stop_deadline_us = clock_mono_us(r->config.clock) + stop_grace_us;
    }
    if (level > 1)
        r->stop_deadline_us = clock_mono_us(r->config.clock);
    r->stop_seen = level;
}

static void report_progress(struct runtime *r, bool now)
{
    int64_t now_us = clock_mono_us(r->config.clock);
    metric_set(r->config.metrics, METRIC_QUEUE_DEPTH, 0, 0, r->in_threads);
    metric_set(r->config.metrics, METRIC_OPEN_CALLS, 0, 0,
               session_totals(r->session).in_flight - r->in_threads);
    if (!r->config.progress || (!now && now_us < r->next_progress_us))
        return;
    r->next_progress_us = now_us + progress_every_us;
    struct session_totals t = session_totals(r->session);
    struct ccd_progress p = {
        .series_total = (int64_t)session_series_count(r->session),
        .series_done = t.series_done,
        .calls_planned = t.calls_planned > t.calls_made ? t.calls_planned : t.calls_made,
        .calls_done = t.calls_made - t.in_flight,
        .rows_fetched = t.rows_fetched,
        .rows_written = t.rows_written,
        .in_flight = t.in_flight,
        .elapsed_ms = (now_us - r->config.started_mono_us) / 1000,
        .eta_s = -1,
    };
    if (p.calls_done > 0)
        p.eta_s = (p.calls_planned - p.calls_done) * p.elapsed_ms / p.calls_done / 1000;
    if (t.wait_until_us >= now_us + pacing_us && t.in_flight == 0) {
        p.waiting_ms = (t.wait_until_us - now_us) / 1000;
        p.waiting_for = "the vendor's quota or a pause after failures";
    }
    r->config.progress(r->config.progress_user, &p);
}

static int64_t poll_ms(const struct runtime *r)
{
    int64_t now_us = clock_mono_us(r->config.clock);
    int64_t wake_us = session_wake_us(r->session);
    if (wake_us <= now_us)
        return 0;
    int64_t wait_us = wake_us - now_us;
    return wait_us >= poll_max_ms * 1000 ? poll_max_ms : (wait_us + 999) / 1000;
}

/* Requests that never got their reply: their connections close with the client; the ledger must
 * know. */
static void abandon_requests(struct runtime *r)
{
    for (int i = 0; i < r->config.slots; i++)
        settle_permit(r, &r->jobs[i], NULL);
}

/* What workers still hold is finished and counted, so that nobody touches the session after this.
 */
static void drain_workers(struct runtime *r)
{
    struct ccd_error ignored;
    while (r->in_threads > 0) {
        http_poll(r->config.http, poll_max_ms, &ignored);
        take_done(r);
    }
}

int runtime_run(struct runtime *r, struct session *session, struct ccd_error *err)
{
    int status = 0;
    r->session = session;
    r->finished = false;
    push_event(r, &(struct session_event){.kind = SESSION_TIMER});
    step_all(r);
    while (!r->finished && status == 0) {
        status = http_poll(r->config.http, poll_ms(r), err);
        take_replies(r);
        step_all(r);
        take_done(r);
        check_stop(r);
        if (session_wake_us(session) <= clock_mono_us(r->config.clock))
            push_event(r, &(struct session_event){.kind = SESSION_TIMER});
        step_all(r);
        report_progress(r, false);
        if (r->stop_seen > 0 && r->in_threads == 0 &&
            clock_mono_us(r->config.clock) >= r->stop_deadline_us)
            break;
    }
    drain_workers(r);
    abandon_requests(r);
    report_progress(r, true);
    return status;
}

struct runtime_totals runtime_totals(const struct runtime *r)
{
    return r->totals;
}
