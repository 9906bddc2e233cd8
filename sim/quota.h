/* The vendor's rate limit: five fixed windows on the wall clock, one set of counters whatever the
 * key. Invariant: no window ever counts more calls than its limit. */
#ifndef SIM_QUOTA_H
#define SIM_QUOTA_H

#include "base/buf.h"

enum { QUOTA_WINDOWS = 5 };
extern const int64_t quota_window_s[QUOTA_WINDOWS];         /* 1 … 2592000 */
extern const char *const quota_window_names[QUOTA_WINDOWS]; /* "second" … "month" */

struct quota {
    int64_t limits[QUOTA_WINDOWS]; /* 0 = none */
    int64_t used[QUOTA_WINDOWS];
    int64_t window[QUOTA_WINDOWS]; /* number of the window that used counts */
};

/* Count a call at utc_s. False: a window is full and nothing was counted. */
bool quota_take(struct quota *q, int64_t utc_s);
/* Forget the windows that are over. */
void quota_roll(struct quota *q, int64_t utc_s);
/* The X-RateLimit-* header lines; none when there are no limits. */
void quota_write_headers(const struct quota *q, int64_t utc_s, struct buf *out);
/* Bodies of /admin/v2/rate/limit and of the older /stats/rate/limit. */
void quota_write_admin(const struct quota *q, struct buf *out);
void quota_write_stats(const struct quota *q, struct buf *out);
/* What the older host answers when a window is full. */
void quota_write_refusal(const struct quota *q, struct buf *out);

#endif
