/* What copy, diff and selftest share while they are at work: progress, stops, tries again. */
#ifndef API_SCAN_H
#define API_SCAN_H

#include "api/client.h"
#include "base/hash.h"

struct scan {
    struct ccd_client *client;
    ccd_scan_progress_fn *show; /* NULL = nobody looks */
    void *show_user;
    struct ccd_scan_progress now;
    int64_t started_us, shown_us;
    struct rng rng;
};

void scan_init(struct scan *scan, struct ccd_client *client, ccd_scan_progress_fn *show,
               void *show_user);
int64_t scan_elapsed_ms(const struct scan *scan);
/* Show how far it is, a few times a second. CCD_INTERRUPTED once the client was asked to stop. */
int scan_step(struct scan *scan, struct ccd_error *err);
/* Whether an error may pass: waits a little longer each time, at most for half a minute in all.
 * *attempts begins with 0. *err becomes CCD_INTERRUPTED once the client was asked to stop. */
bool scan_again(struct scan *scan, int *attempts, struct ccd_error *err);
/* The word of a report for how it ended: "complete", "interrupted", "failed". */
const char *scan_outcome(enum ccd_status status);

#endif
