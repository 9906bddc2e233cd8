/* The texts of "every" and "cron", taken apart. Pure. */
#ifndef API_SCHEDULE_H
#define API_SCHEDULE_H

#include <ccdata/schedule.h>

#include "base/str.h"

enum { SCHEDULE_EVERY_MAX_S = 366 * 86400 };

/* Bit n: the value n is allowed. */
struct cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* Sunday is 0 */
    bool any_day, any_weekday;              /* the field was '*' */
};

/* "15m": a whole number of s, m, h, d or w; at most a year. False: it is none. */
bool schedule_parse_every(struct str text, int64_t *out_s);
/* Five fields, or @hourly, @daily, @weekly, @monthly, @yearly. USAGE names the field. */
int schedule_parse_cron(struct str text, struct cron *out, struct ccd_error *err);
/* The first minute after it; INT64_MAX when there is none in the years that repeat all dates. */
int64_t schedule_next_cron(const struct cron *cron, int64_t after_utc_s);

#endif
