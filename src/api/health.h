/* Building a struct ccd_health: what a check finds. Everything lives in one arena. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include <ccdata/ccdata.h>
#include <ccdata/health.h>

#include "api/client.h"
#include "base/arena.h"

/* limit 0: not known. */
struct health_window {
    int64_t left, limit;
    char name[8];
};

struct health {
    struct ccd_health report; /* first: the caller's pointer is this one */
    struct arena arena;
    struct ccd_client *client;
    bool everything;
    struct ccd_health_check *checks;
    struct ccd_status_report *status; /* NULL: not read yet */
    struct ccd_quota_report *quota;   /* NULL: not asked */
    struct ccd_error quota_error;     /* why there is none */
    struct health_window lowest;      /* of those that the vendor counts over all hosts */
    bool asked_lately; /* within the interval: what the vendor said is what it said then */
    int64_t asked_utc_s;
    bool failed; /* no memory */
};

/* The check under way finds this; the worst finding is kept. NULL advice: nothing is to be done. */
void health_found(struct health *h, struct ccd_health_check *check, enum ccd_verdict verdict,
                  const char *advice, const char *format, ...) PRINTF_LIKE(5, 6);

/* ---- health_host.c: what this host has ---- */

void health_disk(struct health *h, struct ccd_health_check *check);
void health_memory(struct health *h, struct ccd_health_check *check);
void health_permissions(struct health *h, struct ccd_health_check *check);

/* ---- health_vendor.c ---- */

void health_vendor(struct health *h, struct ccd_health_check *check);
void health_tls(struct health *h, struct ccd_health_check *check);
void health_quota(struct health *h, struct ccd_health_check *check);
void health_clock(struct health *h, struct ccd_health_check *check);

#endif
