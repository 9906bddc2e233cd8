/* The reply headers we use: rate limits, Retry-After, Date. Hostile input: anything malformed reads
 * as absent. */
#ifndef DECODE_HEADERS_H
#define DECODE_HEADERS_H

#include "base/str.h"

enum rate_window { RATE_SECOND, RATE_MINUTE, RATE_HOUR, RATE_DAY, RATE_MONTH, RATE_WINDOW_COUNT };
extern const int64_t rate_window_s[RATE_WINDOW_COUNT];         /* 1, 60, 3600, 86400, 2592000 */
extern const char *const rate_window_names[RATE_WINDOW_COUNT]; /* "second" … */

struct reply_headers {
    int64_t date_utc_s;     /* Date; 0 = absent */
    int64_t retry_after_s;  /* Retry-After as seconds from Date (or now); -1 = absent */
    int64_t retry_at_utc_s; /* Retry-After when it was a date (Date may follow it); 0 = none */
    int64_t remaining[RATE_WINDOW_COUNT]; /* X-RateLimit-Remaining-All; -1 = absent */
    int64_t reset_s[RATE_WINDOW_COUNT];   /* X-RateLimit-Reset-All; -1 = absent */
    int64_t limit[RATE_WINDOW_COUNT];     /* X-RateLimit-Limit in the same shape; -1 = absent */
    bool gzip;                            /* Content-Encoding is gzip or x-gzip */
    bool unknown_encoding; /* Content-Encoding is something else than gzip or identity */
    bool json;             /* Content-Type says JSON or is absent */
    int64_t age_max_s;     /* Cache-Control max-age; -1 = absent */
};

void reply_headers_init(struct reply_headers *h);
/* One header line "Name: value" (CRLF optional), as libcurl hands them over. A line that starts
 * with "HTTP/" resets h (a new reply begins). now_utc_s is used for an HTTP-date Retry-After when
 * there is no Date. */
void reply_headers_add(struct reply_headers *h, struct str line, int64_t now_utc_s);

#endif
