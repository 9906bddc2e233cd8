#include "engine/call.h"

#include <string.h>

#include "base/time.h"

enum { THROTTLED_MAX = 10 };

static const int64_t poll_slice_ms = 250;
/* After the first stop, the reply has this long to arrive. */
static const int64_t stop_grace_us = 4000000;
/* As in a session (docs/decisions/005): Retry-After counts whole seconds, and a vendor that says
 * "come back in more than an hour" has ended the run. */
static const int64_t throttle_least_ms = 1000;
static const int64_t throttle_cap_ms = 3600 * 1000;

void call_parse_headers(struct str lines, int64_t now_utc_s, struct reply_headers *out_headers)
{
    reply_headers_init(out_headers);
    while (lines.len > 0)
        reply_headers_add(out_headers, str_trim(str_split(&lines, '\n')), now_utc_s);
}

void call_violated_window(const struct reply_headers *headers, enum rate_window *out_window,
                          int64_t *out_rest_ms)
{
    *out_window = RATE_WINDOW_COUNT;
    *out_rest_ms = 0;
    for (int w = RATE_WINDOW_COUNT - 1; w >= 0; w--) {
        if (headers->remaining[w] != 0)
            continue;
        *out_window = (enum rate_window)w;
        *out_rest_ms = headers->reset_s[w] > 0 ? headers->reset_s[w] * 1000 : 0;
        return;
    }
}

int call_quota_error(struct ccd_error *err, enum rate_window window, int64_t resume_utc_s)
{
    char when[32];
    if (window == RATE_WINDOW_COUNT)
        return error_set(
            err, CCD_QUOTA_EXHAUSTED,
            "no call may be made before %s: run again then, or let it wait with --wait",
            time_format_iso(resume_utc_s, when));
    return error_set(
        err, CCD_QUOTA_EXHAUSTED,
        "the quota of the %s is spent until %s: run again then, or let it wait with --wait",
        rate_window_names[window], time_format_iso(resume_utc_s, when));
}

/* A window that slides gives its permits back one by one: a run that ended for each of them would
 * make one call in its whole life. */
static const int64_t spent_patience_us = 60000000;

enum permit_answer call_permit_answer(const struct permit *permit, int64_t wait_us)
{
    int64_t most_us = permit->answer == PERMIT_SPENT ? spent_patience_us : throttle_cap_ms * 1000;
    if (permit->answer == PERMIT_GRANTED)
        return PERMIT_GRANTED;
    return wait_us > most_us ? PERMIT_SPENT : PERMIT_WAIT;
}

static bool stopped(struct caller *c, struct ccd_error *err)
{
    if (!c->stop_level || c->stop_level(c->stop_user) == 0)
        return false;
    error_set(err, CCD_INTERRUPTED, "interrupted; what was committed stays, run again to go on");
    return true;
}

/* Let time pass; in slices, so that a stop is seen. */
static int wait_us(struct caller *c, int64_t duration_us, struct ccd_error *err)
{
    int64_t end_us = clock_mono_us(c->clock) + duration_us;
    for (int64_t now_us = clock_mono_us(c->clock); now_us < end_us;
         now_us = clock_mono_us(c->clock)) {
        if (stopped(c, err))
            return err->status;
        int64_t left_ms = (end_us - now_us + 999) / 1000;
        if (http_poll(c->http, left_ms < poll_slice_ms ? left_ms : poll_slice_ms, err) != 0)
            return err->status;
    }
    return 0;
}

static int get_permit(struct caller *c, uint32_t *out_ticket, struct ccd_error *err)
{
    char when[32];
    int64_t made = c->run_calls ? *c->run_calls : c->calls;
    if (c->max_calls >= 0 && made >= c->max_calls)
        return error_set(err, CCD_QUOTA_EXHAUSTED,
                         "the %lld calls allowed to this run are spent; run again to go on",
                         (long long)c->max_calls);
    if (!c->ledger && c->open_ledger(c->ledger_user, &c->ledger, err) != 0)
        return err->status;
    int64_t begun_us = clock_mono_us(c->clock);
    for (;;) {
        struct permit permit;
        int64_t wait;
        if (stopped(c, err) || ledger_acquire(c->ledger, CALL_NEWEST, &permit, &wait, err) != 0)
            return err->status;
        if (permit.answer == PERMIT_GRANTED) {
            *out_ticket = permit.ticket;
            return 0;
        }
        if (call_permit_answer(&permit, wait) == PERMIT_SPENT && !c->wait_for_quota)
            return call_quota_error(err, permit.window, clock_utc_s(c->clock) + wait / 1000000);
        if (c->turn_most_us > 0 && clock_mono_us(c->clock) - begun_us + wait > c->turn_most_us)
            return error_set(err, CCD_THROTTLED, "no call may be made before %s",
                             time_format_iso(clock_utc_s(c->clock) + wait / 1000000, when));
        if (wait_us(c, wait, err) != 0)
            return err->status;
    }
}

/* Whether a reply need not be waited for any longer: the second stop, or the first long ago. */
static bool stopped_for_good(struct caller *c, int64_t *deadline_us, struct ccd_error *err)
{
    int level = c->stop_level ? c->stop_level(c->stop_user) : 0;
    int64_t now_us = clock_mono_us(c->clock);
    if (level == 0)
        return false;
    if (*deadline_us == INT64_MAX)
        *deadline_us = now_us + stop_grace_us;
    return (level > 1 || now_us >= *deadline_us) && stopped(c, err);
}

/* Send and wait for the reply; *out_reply is to be released. */
static int exchange(struct caller *c, const char *path_and_query, uint32_t ticket,
                    struct http_reply *out_reply, struct ccd_error *err)
{
    struct ccd_error ignored;
    int64_t deadline_us = INT64_MAX;
    if (http_send(c->http, path_and_query, NULL, err) != 0) {
        ledger_cancel(c->ledger, ticket, &ignored);
        return err->status;
    }
    c->calls++;
    if (c->run_calls)
        ++*c->run_calls;
    while (!http_take(c->http, out_reply)) {
        bool given_up = stopped_for_good(c, &deadline_us, err);
        if (given_up || http_poll(c->http, poll_slice_ms, err) != 0) {
            /* The connection closes with the client; the permit is spent. */
            ledger_received(c->ledger, ticket, NULL, &ignored);
            return err->status;
        }
    }
    c->bytes += (int64_t)(out_reply->body.len + out_reply->header_lines.len);
    return 0;
}

static void hold_reply(struct caller *c, const char *path_and_query, const struct buf *body,
                       const struct reply_headers *headers)
{
    const struct kept_reply kept = {
        .body = buf_str(body), .is_gzip = headers->gzip, .sent_utc_s = c->sent_utc_s};
    reply_cache_hold(c->replies, str_from(path_and_query), &kept);
}

void call_count_outcome(struct metrics *metrics, enum metric_endpoint endpoint,
                        enum reply_verdict verdict, bool is_network)
{
    static const enum metric_outcome outcomes[] = {
        [REPLY_PAGE] = OUTCOME_OK,
        [REPLY_END_OF_HISTORY] = OUTCOME_END_OF_HISTORY,
        [REPLY_THROTTLED] = OUTCOME_THROTTLED,
        [REPLY_RETRY] = OUTCOME_SERVER_ERROR,
        [REPLY_BAD_SERIES] = OUTCOME_REFUSED,
        [REPLY_BAD_KEY] = OUTCOME_KEY_REFUSED,
        [REPLY_BROKEN] = OUTCOME_SERVER_ERROR,
    };
    enum metric_outcome outcome = is_network ? OUTCOME_NETWORK : outcomes[verdict];
    metric_add(metrics, METRIC_CALLS, (int)endpoint, (int)outcome, 1);
    metric_add(metrics, METRIC_THROTTLED, 0, 0, outcome == OUTCOME_THROTTLED);
}

/* One try. *out_wait_ms: what the reply says about the next one. */
static int try_once(struct caller *c, const char *path_and_query, call_classify *classify,
                    void *user, enum reply_verdict *out_verdict, enum rate_window *out_window,
                    int64_t *out_wait_ms, struct ccd_error *err)
{
    uint32_t ticket = 0;
    struct http_reply reply = {0};
    struct reply_headers headers;
    int status = get_permit(c, &ticket, err);
    if (status != 0)
        return status;
    c->sent_utc_s = clock_utc_s(c->clock);
    int64_t sent_us = clock_mono_us(NULL);
    enum metric_endpoint endpoint = metric_endpoint_of(path_and_query);
    status = exchange(c, path_and_query, ticket, &reply, err);
    call_parse_headers(buf_str(&reply.header_lines), clock_utc_s(c->clock), &headers);
    if (headers.date_utc_s > 0) {
        c->clock_ahead_s = headers.date_utc_s - clock_utc_s(c->clock);
        c->clock_known = true;
    }
    if (status != 0)
        goto out;
    status = ledger_received(c->ledger, ticket, reply.status > 0 ? &headers : NULL, err);
    if (status != 0)
        goto out;
    if (reply.error.status != CCD_OK) {
        *err = reply.error;
        *out_verdict = REPLY_RETRY;
    } else {
        struct reply_input input = {
            .http_status = reply.status,
            .body = reply.body.data,
            .body_len = reply.body.len,
            .headers = &headers,
        };
        *out_verdict = classify(user, c->decoder, &input, err);
        if (*out_verdict == REPLY_PAGE)
            hold_reply(c, path_and_query, &reply.body, &headers);
    }
    log_traced(c->log, TRACE_HTTP, NULL, "GET %s: HTTP %ld, %zu bytes, %lld ms", path_and_query,
               reply.status, reply.body.len, (long long)(clock_mono_us(NULL) - sent_us) / 1000);
    call_count_outcome(c->metrics, endpoint, *out_verdict, reply.error.status != CCD_OK);
    metric_observe(c->metrics, METRIC_CALL_SECONDS, (int)endpoint, clock_mono_us(NULL) - sent_us);
    metric_add(c->metrics, METRIC_RECEIVED_BYTES, (int)endpoint, 0,
               (int64_t)(reply.body.len + reply.header_lines.len));
    call_violated_window(&headers, out_window, out_wait_ms);
    if (err->retry_after_ms > *out_wait_ms)
        *out_wait_ms = err->retry_after_ms;
out:
    buf_release(&reply.body);
    buf_release(&reply.header_lines);
    return status;
}

static bool is_answer(enum reply_verdict verdict)
{
    return verdict == REPLY_PAGE || verdict == REPLY_END_OF_HISTORY || verdict == REPLY_BAD_SERIES;
}

/* Tell the ledger of a refusal. Non-zero when the wait that the vendor wants ends the run. */
static int pause_key(struct caller *c, int throttled, enum rate_window window, int64_t floor_ms,
                     int64_t *out_wait_ms, struct ccd_error *err)
{
    if (floor_ms < throttle_least_ms)
        floor_ms = throttle_least_ms;
    int64_t wait_ms = retry_backoff_ms(&c->retry, throttled, floor_ms, &c->rng);
    struct ccd_error why = *err;
    if (ledger_throttled(c->ledger, wait_ms * 1000, window, err) != 0)
        return err->status;
    *err = why;
    *out_wait_ms = wait_ms;
    bool too_long = floor_ms > throttle_cap_ms && !c->wait_for_quota;
    if (!too_long && throttled < THROTTLED_MAX)
        return 0;
    call_quota_error(err, RATE_WINDOW_COUNT, clock_utc_s(NULL) + wait_ms / 1000);
    return error_prefix(err, "%s", why.message);
}

/* What is kept goes the way of a reply; what is no page any more is asked for anew. */
static bool answer_from_cache(struct caller *c, const char *path_and_query, call_classify *classify,
                              void *user)
{
    struct buf body;
    struct reply_headers headers;
    struct ccd_error unused = {0};
    struct kept_reply kept = {0};
    buf_init(&body, CACHE_VALUE_MAX_BYTES, NULL);
    reply_headers_init(&headers);
    bool found = reply_cache_get(c->replies, str_from(path_and_query), c->since_utc_s, &body,
                                 &kept);
    headers.gzip = kept.is_gzip;
    const struct reply_input input = {
        .http_status = 200, .body = body.data, .body_len = body.len, .headers = &headers};
    found = found && classify(user, c->decoder, &input, &unused) == REPLY_PAGE;
    buf_release(&body);
    c->cache_hits += found;
    metric_add(c->metrics, METRIC_CACHE_REQUESTS, found ? CACHE_LABEL_HIT : CACHE_LABEL_MISS, 0,
               reply_cache_is_asked(c->replies));
    if (found)
        c->sent_utc_s = kept.sent_utc_s;
    return found;
}

/* What the connection reports names it already. */
static int name_path(struct ccd_error *err, const char *path_and_query)
{
    struct str path = {path_and_query, strcspn(path_and_query, "?")};
    if (str_find(str_from(err->message), path) < strlen(err->message))
        return (int)err->status;
    return error_prefix(err, "%s", path_and_query);
}

int call_make(struct caller *c, const char *path_and_query, call_classify *classify, void *user,
              enum reply_verdict *out_verdict, struct ccd_error *err)
{
    int throttled = 0; /* as in a session, no failed attempts */
    error_clear(err);
    if (answer_from_cache(c, path_and_query, classify, user)) {
        *out_verdict = REPLY_PAGE;
        return 0;
    }
    if (!c->http && c->open_http(c->http_user, &c->http, err) != 0)
        return err->status;
    for (int attempt = 1;;) {
        enum rate_window window = RATE_WINDOW_COUNT;
        int64_t floor_ms = 0, wait_ms;
        error_clear(err);
        int status = try_once(c, path_and_query, classify, user, out_verdict, &window, &floor_ms,
                              err);
        if (status != 0)
            return status;
        if (is_answer(*out_verdict))
            return 0;
        if (*out_verdict == REPLY_THROTTLED) {
            if (pause_key(c, ++throttled, window, floor_ms, &wait_ms, err) != 0 ||
                c->turn_most_us > 0)
                return name_path(err, path_and_query);
        } else {
            bool final = *out_verdict == REPLY_BAD_KEY || attempt >= c->retry.attempts_max ||
                         *out_verdict == REPLY_BROKEN || floor_ms > c->retry.page_deadline_ms ||
                         ccd_status_action(err->status) == CCD_ACTION_STOP;
            if (final)
                return name_path(err, path_and_query);
            wait_ms = retry_backoff_ms(&c->retry, attempt++, floor_ms, &c->rng);
        }
        metric_add(c->metrics, METRIC_RETRIES, (int)metric_endpoint_of(path_and_query), 0, 1);
        name_path(err, path_and_query);
        log_warning(c->log, NULL, "%s; again in %lld ms", err->message, (long long)wait_ms);
        status = wait_us(c, wait_ms * 1000, err);
        if (status != 0)
            return status;
    }
}
