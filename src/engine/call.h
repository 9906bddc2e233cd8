/* One metadata call, made and waited for on the control thread: permit, send, retry, classify.
 * Used for what a selection needs before the session starts. */
#ifndef ENGINE_CALL_H
#define ENGINE_CALL_H

#include "decode/reply.h"
#include "engine/ledger.h"
#include "engine/reply_cache.h"
#include "engine/retry.h"
#include "http/client.h"
#include "monitor/metrics.h"

struct caller {
    struct http_client *http; /* NULL: open_http gives it when the first call is made */
    int (*open_http)(void *user, struct http_client **out_http, struct ccd_error *err);
    void *http_user;
    struct ledger *ledger; /* NULL: open_ledger gives it when the first call is made */
    int (*open_ledger)(void *user, struct ledger **out_ledger, struct ccd_error *err);
    void *ledger_user;
    struct reply_decoder *decoder;
    struct retry_policy retry;
    const struct clock *clock;
    const struct log *log;
    struct rng rng;
    bool wait_for_quota;
    /* 0 = as long as it takes. Else what would have to wait longer for its turn is THROTTLED, and
     * so is what the vendor throttles: there is no second try. */
    int64_t turn_most_us;
    int64_t max_calls; /* -1 = no bound */
    int64_t calls;     /* made so far */
    /* All calls of the run, on whatever host: counted here too, and bounded by max_calls. NULL: the
     * caller's own are all. */
    int64_t *run_calls;
    int64_t bytes;
    struct reply_cache *replies; /* NULL = none */
    int64_t since_utc_s;         /* what was answered before it need not come from there */
    struct metrics *metrics;     /* NULL = nothing is counted */
    int64_t cache_hits;          /* answers that cost no call */
    int64_t sent_utc_s;          /* when the last answer was asked for */
    /* The vendor's clock less ours, from the last Date; and whether there was one. */
    int64_t clock_ahead_s;
    bool clock_known;
    int (*stop_level)(void *user);
    void *stop_user;
};

/* Turns a reply into a verdict (reply_classify_*). */
typedef enum reply_verdict call_classify(void *user, struct reply_decoder *decoder,
                                         const struct reply_input *input, struct ccd_error *err);

/* Returns 0 with the verdict PAGE, END_OF_HISTORY or BAD_SERIES in *out_verdict (*err says why for
 * the last two); non-zero when the run cannot go on: key, quota, vendor, interrupted. */
int call_make(struct caller *caller, const char *path_and_query, call_classify *classify,
              void *user, enum reply_verdict *out_verdict, struct ccd_error *err);

/* Count a call by what became of it; is_network: no reply came. */
void call_count_outcome(struct metrics *metrics, enum metric_endpoint endpoint,
                        enum reply_verdict verdict, bool is_network);
/* What a throttled reply tells: the longest window with nothing left, and its rest. */
void call_violated_window(const struct reply_headers *headers, enum rate_window *out_window,
                          int64_t *out_rest_ms);
/* All lines of a reply. */
void call_parse_headers(struct str lines, int64_t now_utc_s, struct reply_headers *out_headers);
/* What a permit is to a run: PERMIT_SPENT ends one that does not wait for the quota. A long window
 * is spent for more than a minute, or the next call is more than an hour away, as after a
 * Retry-After without a word of its window. */
enum permit_answer call_permit_answer(const struct permit *permit, int64_t wait_us);
/* "the quota of the hour is spent until …"; RATE_WINDOW_COUNT: nobody said which. */
int call_quota_error(struct ccd_error *err, enum rate_window window, int64_t resume_utc_s);

#endif
