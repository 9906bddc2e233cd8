/* Whether everything that a run needs is there and in order, checked one by one. Since 0.1. */
#ifndef CCDATA_HEALTH_H
#define CCDATA_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ccdata/error.h>

struct ccd_client;

/* The worst of several is that of the whole; UNKNOWN counts as OK. */
enum ccd_verdict { CCD_VERDICT_OK, CCD_VERDICT_UNKNOWN, CCD_VERDICT_WARNING, CCD_VERDICT_FAILED };
CCD_API const char *ccd_verdict_name(enum ccd_verdict verdict); /* "ok" … */

struct ccd_health_check {
    const char *name; /* "database", "quota" …, of a closed list */
    enum ccd_verdict verdict;
    const char *detail; /* what was found */
    const char *advice; /* what to do; NULL when nothing is to be done */
    enum ccd_status status; /* FAILED: the error that a run would end with */
    int64_t duration_ms;
    int64_t deadline_ms; /* that takes longer: a warning */
};

struct ccd_health {
    enum ccd_verdict verdict;
    int exit_code; /* 0, 12 when a check failed; with everything set: that of the first failure */
    const struct ccd_health_check *checks;
    size_t check_count;
    int64_t checked_utc_s;
};

struct ccd_health_options {
    size_t size;
    bool everything; /* also what changes only by people: key, TLS, schema, permissions */
};
#define CCD_HEALTH_INIT                                                                            \
    {                                                                                              \
        .size = sizeof(struct ccd_health_options)                                                  \
    }

/* Check the database, the vendor (one call at most; none within MONITORING_HEALTH_CHECK_INTERVAL of
 * the last one on this host, unless everything is asked for), quota, clock, disk, memory, the last
 * runs and the freshness of each data type. options NULL: CCD_HEALTH_INIT. Returns 0 whenever there
 * is a report. Errors: USAGE, CONFIG, NO_MEMORY. Blocks until the slowest check has ended; the
 * client must not be in use elsewhere. */
CCD_API int ccd_health_read(struct ccd_client *client, const struct ccd_health_options *options,
                            struct ccd_health **out_health, struct ccd_error *err);
CCD_API void ccd_health_free(struct ccd_health *health); /* NULL is fine */

#endif
