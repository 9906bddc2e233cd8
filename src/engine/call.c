#include "engine/call.h"

#include "base/time.h"

static const int64_t poll_slice_ms = 250;

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
    return error_set(
        err, CCD_QUOTA_EXHAUSTED,
        "the quota of the %s is spent until %s: run again then, or let it wait with --wait",
        rate_window_names[window], time_format_iso(resume_utc_s, when));
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
    if (c->max_calls >= 0 && c->calls >= c->max_calls)
        return error_set(err, CCD_QUOTA_EXHAUSTED,
                         "the %lld calls allowed to this run are spent; run again to go on",
                         (long long)c->max_calls);
    for (;;) {
        struct permit permit;
        int64_t wait;
        if (stopped(c, err) || ledger_acquire(c->ledger, &permit, &wait, err) != 0)
            return err->status;
        if (permit.answer == PERMIT_GRANTED) {
            *out_ticket = permit.ticket;
            return 0;
        }
        if (permit.answer == PERMIT_SPENT && !c->wait_for_quota)
            return call_quota_error(err, permit.window, clock_utc_s(c->clock) + wait / 1000000);
        if (wait_us(c, wait, err) != 0)
            return err->status;
    }
}

/* Send and wait for the reply; *out_reply is to be released. */
static int exchange(struct caller *c, const char *path_and_query, uint32_t ticket,
                    struct http_reply *out_reply, struct ccd_error *err)
{
    if (http_send(c->http, path_and_query, NULL, err) != 0) {
        struct ccd_error ignored;
        ledger_cancel(c->ledger, ticket, &ignored);
        return err->status;
    }
    c->calls++;
    while (!http_take(c->http, out_reply)) {
        if (c->stop_level && c->stop_level(c->stop_user) > 1)
            return stopped(c, err), err->status;
        if (http_poll(c->http, poll_slice_ms, err) != 0)
            return err->status;
    }
    c->bytes += (int64_t)(out_reply->body.len + out_reply->header_lines.len);
    return 0;
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
    status = exchange(c, path_and_query, ticket, &reply, err);
    call_parse_headers(buf_str(&reply.header_lines), clock_utc_s(c->clock), &headers);
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
    }
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

int call_make(struct caller *c, const char *path_and_query, call_classify *classify, void *user,
              enum reply_verdict *out_verdict, struct ccd_error *err)
{
    for (int attempt = 1;; attempt++) {
        enum rate_window window = RATE_WINDOW_COUNT;
        int64_t floor_ms = 0;
        error_clear(err);
        int status = try_once(c, path_and_query, classify, user, out_verdict, &window, &floor_ms,
                              err);
        if (status != 0)
            return status;
        if (is_answer(*out_verdict))
            return 0;
        bool final = *out_verdict == REPLY_BAD_KEY || attempt >= c->retry.attempts_max ||
                     ccd_status_action(err->status) == CCD_ACTION_STOP;
        if (final)
            return error_prefix(err, "%s", path_and_query);
        int64_t wait_ms = retry_backoff_ms(&c->retry, attempt, floor_ms, &c->rng);
        log_warning(c->log, NULL, "%s: %s; again in %lld ms", path_and_query, err->message,
                    (long long)wait_ms);
        if (*out_verdict == REPLY_THROTTLED &&
            ledger_throttled(c->ledger, wait_ms * 1000, window, err) != 0)
            return err->status;
        status = wait_us(c, wait_ms * 1000, err);
        if (status != 0)
            return status;
    }
}
