/* The quota ledger of one API host and key on this host: limiter state in a locked file shared by
 * all processes. Invariant: a permit is in the file before its request is sent; a kill at any point
 * leaves a state that is at most too careful. Thread: one at a time per struct ledger. */
#ifndef ENGINE_LEDGER_H
#define ENGINE_LEDGER_H

#include "base/error.h"
#include "base/hooks.h"
#include "base/log.h"
#include "engine/limiter.h"

struct ledger_config {
    const char *directory; /* "$XDG_STATE_HOME/ccdata"; created 0700; NULL = memory only */
    const char *origin;    /* "https://data-api.coindesk.com:443" */
    const char *api_key;   /* never stored: the file is named by a hash of origin and key */
    struct limiter_limits limits;
    int64_t abandon_us; /* see struct limiter_ask, also for the next */
    int reserve_percent;
    const struct clock *clock;
    const struct log *log;
    const struct allocator *allocator;
};

struct ledger;
/* CCD_DISK when the directory or file cannot be used (names the path and what to do). A corrupt
 * file is set aside (renamed *.corrupt) with a warning and counts as a cold start. */
int ledger_open(const struct ledger_config *config, struct ledger **out, struct ccd_error *err);
void ledger_close(struct ledger *ledger);

/* The limiter calls, under the file lock; now is the ledger's clock. wait_us: from now, in struct
 * permit's wait_until_us replaced by a duration. I/O errors are CCD_DISK. */
int ledger_acquire(struct ledger *ledger, enum call_priority priority, struct permit *out_permit,
                   int64_t *out_wait_us, struct ccd_error *err);
int ledger_received(struct ledger *ledger, uint32_t ticket, const struct reply_headers *headers,
                    struct ccd_error *err);
int ledger_cancel(struct ledger *ledger, uint32_t ticket, struct ccd_error *err);
int ledger_throttled(struct ledger *ledger, int64_t pause_us, enum rate_window window,
                     struct ccd_error *err);
int ledger_left(struct ledger *ledger, int64_t out_left[RATE_WINDOW_COUNT], struct ccd_error *err);

/* What a ledger has counted, as last written. */
struct ledger_view {
    bool is_known;                /* false: there is no ledger yet, or none that can be believed */
    int64_t wait_us;              /* until a call may be made; 0 = now */
    enum rate_window wait_window; /* … because of this; RATE_WINDOW_COUNT = another reason */
    struct {
        int64_t limit; /* 0 = none */
        int64_t used;  /* calls still out among them */
        int64_t left;  /* INT64_MAX without a limit */
    } windows[RATE_WINDOW_COUNT];
};
/* Look at a ledger from outside: takes no permit, creates and changes nothing. CCD_DISK when there
 * is one that cannot be read. */
int ledger_peek(const struct ledger_config *config, struct ledger_view *out, struct ccd_error *err);

#endif
