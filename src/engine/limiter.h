/* The vendor's quota as the server sees it. Pure arithmetic over a fixed-size state that lives in a
 * ledger file (ledger.h), shared by all processes of the host. No clock, no I/O, no allocation.
 *
 * The provable rule (design, FAULTS §2.2): to keep at most L requests in any window W as the server
 * sees it, request k+L is sent only after recv_k + W, where recv_k is when the reply to k was
 * complete, or its connection closed plus a guard. */
#ifndef ENGINE_LIMITER_H
#define ENGINE_LIMITER_H

#include "decode/headers.h"

enum {
    LIMITER_EXACT_MAX = 6000, /* stamps kept for the second and minute windows together */
    LIMITER_BUCKETS = 64,     /* conservative buckets of each longer window */
    LIMITER_OPEN_MAX = 256,   /* permits out at once over all processes */
};

/* What a call is for: where several processes share a key, the newest data comes before the repair
 * of what is known to be missing, and both before deep history. */
enum call_priority { CALL_NEWEST, CALL_REPAIR, CALL_BACKFILL, CALL_PRIORITY_COUNT };

struct limiter_limits {
    int64_t max[RATE_WINDOW_COUNT]; /* calls per window; 0 = unlimited */
    int64_t delay_us; /* INGESTION_API_CALL_DELAY: least time between two sends; 0 = none */
};

/* Fixed size, no pointers: the bytes of the ledger file. All times are microseconds of one shared
 * clock that ledger.c maps to and from (boot clock, across reboots by the wall clock). Zeroed =
 * cold: nothing is known. */
struct limiter_state;
size_t limiter_state_size(void);
void limiter_state_init(struct limiter_state *state);
/* Whether bytes read from a file make sense (version, ranges, order). */
bool limiter_state_valid(const struct limiter_state *state);

enum permit_answer {
    PERMIT_GRANTED, /* send now */
    PERMIT_WAIT,    /* not before wait_until_us: a second or minute window, a delay, Retry-After, a
                       cold start's    first call still out */
    PERMIT_SPENT,   /* the hour, day or month is spent until wait_until_us */
};
struct permit {
    enum permit_answer answer;
    uint32_t ticket; /* GRANTED: to be given back to limiter_received */
    int64_t wait_until_us;
    enum rate_window window; /* that made it wait */
};

/* Who asks, and what for. */
struct limiter_ask {
    uint64_t owner;     /* id of this process */
    int64_t abandon_us; /* a permit that its owner never gave back counts as received at grant +
                           this (the total deadline of a request plus guard) */
    enum call_priority priority;
    int reserve_percent; /* of the hour, the day and the month, left to others; 0…90 */
};
/* Ask for one permit at now_us. While another owner waits with a higher priority, the answer is
 * PERMIT_WAIT for some milliseconds. */
struct permit limiter_acquire(struct limiter_state *state, const struct limiter_limits *limits,
                              int64_t now_us, const struct limiter_ask *ask);
/* The reply of `ticket` is complete (or its connection closed) at now_us. Unknown ticket: ignored.
 * headers may be NULL (no reply came). Headers only ever correct downward; on a cold state they
 * seed all windows; without any rate header a cold state takes the second window as spent and goes
 * on. Remaining 0 in a window W blocks until its Reset (or W when absent). */
void limiter_received(struct limiter_state *state, const struct limiter_limits *limits,
                      uint32_t ticket, int64_t now_us, const struct reply_headers *headers);
/* A permit that was never sent: give it back as if it had not been asked for. */
void limiter_cancel(struct limiter_state *state, uint32_t ticket);
/* 429: nobody sends before until_us. window: the violated one when the reply told, else
 * RATE_WINDOW_COUNT. Also halves the effective limit of that window (additive recovery of one per
 * window), never below 1. */
void limiter_throttled(struct limiter_state *state, const struct limiter_limits *limits,
                       int64_t now_us, int64_t until_us, enum rate_window window);
/* Calls that window still allows at now_us (for reports and ETA). */
int64_t limiter_left(const struct limiter_state *state, const struct limiter_limits *limits,
                     int64_t now_us, enum rate_window window);
/* Calls that count against the window at now_us, those still out among them. */
int64_t limiter_used(const struct limiter_state *state, int64_t now_us, enum rate_window window);
/* The limit that holds at now_us, by the settings or as the server told; 0 = none. */
int64_t limiter_limit(const struct limiter_state *state, const struct limiter_limits *limits,
                      int64_t now_us, enum rate_window window);

#endif
