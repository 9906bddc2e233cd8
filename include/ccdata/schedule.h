/* When an operation of a batch file is to run again (its keys "every" and "cron"). All times are
 * UTC: no time zone, no summer time. Since 0.1. */
#ifndef CCDATA_SCHEDULE_H
#define CCDATA_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include <ccdata/error.h>

struct ccd_job;

/* Whether the job has one of the two. */
CCD_API bool ccd_schedule_is_set(const struct ccd_job *job);

/* The first start after `after_utc_s`: with "every", `settle_s` after a multiple of it since
 * 1970-01-01, which is when its newest period has become final; with "cron", the next minute that
 * all five fields allow. Errors: USAGE (neither is set, both are, or it is malformed; the message
 * says what is right), also for what never comes, like the 30th of February, and for a time outside
 * the years 1 to 9999. Any thread. */
CCD_API int ccd_schedule_next(const struct ccd_job *job, int64_t after_utc_s, int64_t settle_s,
                              int64_t *out_utc_s, struct ccd_error *err);

#endif
