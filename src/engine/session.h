/* The pure core of a run: events go in, actions come out. No clock, no network, no database, no
 * thread, no allocation after a series was added. Production executes the actions in runtime.c, the
 * simulator in tests/sim. Invariants: a window is asked by at most one slot; a slot ends in exactly
 * one of committed, failed, cancelled; nothing is counted as fetched before its commit was
 * confirmed. */
#ifndef ENGINE_SESSION_H
#define ENGINE_SESSION_H

#include "decode/reply.h"
#include "engine/judge.h"
#include "engine/limiter.h"
#include "engine/plan.h"
#include "engine/retry.h"
#include "store/store.h"

enum { SESSION_SLOTS_MAX = 128, SESSION_ACTIONS_MAX = 2 * SESSION_SLOTS_MAX + 2 };

struct session_config {
    int workers; /* requests in flight, 1…64 */
    int slots;   /* pages between permit and commit, workers < slots <= SESSION_SLOTS_MAX */
    int64_t settle_s;
    int64_t max_calls;   /* -1 = no bound */
    bool wait_for_quota; /* wait for the hour, day and month too */
    int page_max;      /* INGESTION_MAX_API_LIMIT: periods per call, 0 = the vendor's own maximum */
    int64_t outage_ms; /* the vendor unreachable for so long ends the run; 600,000 */
    struct retry_policy retry;   /* of asking */
    struct retry_policy rewrite; /* of writing; page_deadline_ms from the first failure of a page */
    uint64_t seed;               /* of the jitter */
    const char *run_id;
    const struct allocator *allocator;
};

/* A series to bring up to date. names and coverage are copied. */
struct session_series_spec {
    const struct data_type *type;
    enum interval interval;
    const struct series_names *names;
    struct period_range want; /* closed periods on the grid (plan_closed) */
    int64_t first_ts;         /* first data, from the catalogue; 0 = unknown */
    int64_t last_ts;          /* some data at or after this is known; 0 = none */
    int64_t planned_utc_s;    /* now: holes whose next check is due by then are asked again */
    const struct coverage_segment *merged;
    size_t merged_count;
};

struct session_series_result {
    struct plan_size plan; /* before the run */
    int64_t stored;        /* periods stored before the run */
    int64_t empty_before;  /* periods known not to be at the vendor before the run */
    int64_t rejected_before;
    int64_t fetched, provisional, empty, rejected, pending, tail;
    int64_t calls;
    int64_t rows_written, rows_changed, rows_unchanged;
    bool failed_pages;      /* at least one window was given up */
    struct ccd_error error; /* last reason a window was given up, or why the series was skipped */
};

enum session_event_kind {
    SESSION_TIMER,   /* also the first event */
    SESSION_PERMIT,  /* answer to SESSION_ACQUIRE */
    SESSION_REPLY,   /* a sent request ended */
    SESSION_WRITTEN, /* answer to SESSION_WRITE */
    SESSION_STOP     /* finish what is in flight, start nothing */
};

struct session_event {
    enum session_event_kind kind;
    uint32_t slot;  /* PERMIT, REPLY, WRITTEN */
    int64_t now_us; /* monotonic */
    /* PERMIT */
    enum permit_answer permit;
    int64_t wait_until_us; /* on the monotonic clock of now_us */
    /* REPLY */
    enum reply_verdict verdict;
    struct batch *batch; /* the slot's own; stays untouched by the caller until the slot is free */
    int64_t sent_utc_s;  /* the earlier of our clock at sending and the vendor's Date */
    bool is_cached; /* it came from a cache: no call was made, nothing is heard of the vendor */
    int64_t window_rest_ms;  /* THROTTLED: rest of the violated window; 0 = unknown */
    enum rate_window window; /* THROTTLED: which; RATE_WINDOW_COUNT = unknown */
    /* WRITTEN */
    enum store_outcome outcome;
    struct store_page_result written;
    /* REPLY, WRITTEN: why not */
    struct ccd_error error;
};

enum session_action_kind {
    SESSION_ACQUIRE, /* ask the ledger for a permit for `slot`, answer with SESSION_PERMIT */
    SESSION_CANCEL,  /* give the permit of `slot` back unused */
    SESSION_SEND,    /* send the request of `slot` (session_request) */
    SESSION_WRITE,   /* commit the page of `slot` (session_page) */
    SESSION_PAUSE,   /* the vendor throttled: tell the ledger to pause for pause_us because of
                        `window` */
    SESSION_FINISH   /* the run is over; see session_result */
};
struct session_action {
    enum session_action_kind kind;
    uint32_t slot;
    int64_t pause_us;
    enum rate_window window;
    enum call_priority priority; /* ACQUIRE */
};
struct session_actions {
    struct session_action items[SESSION_ACTIONS_MAX];
    size_t count;
};

struct session;
int session_new(const struct session_config *config, struct session **out, struct ccd_error *err);
void session_free(struct session *session);
/* Before the first step only. */
int session_add_series(struct session *session, const struct session_series_spec *spec,
                       struct ccd_error *err);

/* One event in, its actions out (at most SESSION_ACTIONS_MAX). */
void session_step(struct session *session, const struct session_event *event,
                  struct session_actions *out_actions);
/* When to step with SESSION_TIMER at the latest; INT64_MAX = only another event can move it. */
int64_t session_wake_us(const struct session *session);

/* What a SEND asks: type, interval, names and window of the slot. */
struct session_request {
    const struct data_type *type;
    enum interval interval;
    const struct series_names *names;
    struct period_range window;
    size_t series;
};
struct session_request session_request(const struct session *session, uint32_t slot);
/* What a WRITE commits; borrowed until the slot is free. */
void session_page(const struct session *session, uint32_t slot, struct store_page *out_page);
bool session_slot_free(const struct session *session, uint32_t slot);

size_t session_series_count(const struct session *session);
const struct session_series_result *session_result(const struct session *session, size_t series);
/* Why the run ended early: CCD_OK when it did not. resume_us: QUOTA_EXHAUSTED, on the clock of
 * now_us. */
const struct ccd_error *session_error(const struct session *session, int64_t *out_resume_us);
/* For progress: calls made and still to make, pages in flight, series that are done. */
struct session_totals {
    int64_t calls_made, calls_planned, rows_fetched, rows_written;
    int64_t in_flight, series_done;
    int64_t wait_until_us; /* > now: nothing is sent before, because of the quota or the breaker */
};
struct session_totals session_totals(const struct session *session);

#endif
