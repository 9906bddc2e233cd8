#include "api/scan.h"

enum { ATTEMPTS_MAX = 12, WAIT_FIRST_MS = 20, WAIT_MAX_MS = 5000, WAIT_SLICE_MS = 50 };

static const int64_t show_every_us = 200000;

void scan_init(struct scan *scan, struct ccd_client *client, ccd_scan_progress_fn *show,
               void *show_user)
{
    *scan = (struct scan){
        .client = client,
        .show = show,
        .show_user = show_user,
        .started_us = clock_mono_us(NULL),
        .rng = {(uint64_t)clock_mono_us(NULL)},
    };
}

int64_t scan_elapsed_ms(const struct scan *scan)
{
    return (clock_mono_us(NULL) - scan->started_us) / 1000;
}

static int interrupted(struct ccd_error *err)
{
    return error_set(err, CCD_INTERRUPTED, "interrupted: run the same command again to go on");
}

int scan_step(struct scan *scan, struct ccd_error *err)
{
    int64_t now_us = clock_mono_us(NULL);
    if (scan->show && now_us - scan->shown_us >= show_every_us) {
        scan->shown_us = now_us;
        scan->now.elapsed_ms = (now_us - scan->started_us) / 1000;
        scan->show(scan->show_user, &scan->now);
    }
    if (client_stop_level(scan->client) == 0)
        return 0;
    return interrupted(err);
}

bool scan_again(struct scan *scan, int *attempts, struct ccd_error *err)
{
    enum ccd_action action = ccd_status_action(err->status);
    if (action != CCD_ACTION_RETRY && action != CCD_ACTION_RECONNECT)
        return false;
    if (++*attempts >= ATTEMPTS_MAX)
        return false;
    int64_t wait_ms = WAIT_FIRST_MS;
    for (int i = 1; i < *attempts && wait_ms < WAIT_MAX_MS; i++)
        wait_ms *= 2;
    wait_ms = wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS;
    wait_ms = wait_ms / 2 + (int64_t)rng_below(&scan->rng, (uint64_t)wait_ms / 2 + 1);
    log_debug(&scan->client->log, NULL, "%s; again in %lld ms", err->message, (long long)wait_ms);
    /* Counted, not measured: a clock that stands still must not make this wait for ever. */
    while (wait_ms > 0) {
        if (client_stop_level(scan->client) > 0) {
            interrupted(err);
            return false;
        }
        int64_t slice_ms = wait_ms < WAIT_SLICE_MS ? wait_ms : WAIT_SLICE_MS;
        clock_sleep_ms(slice_ms);
        wait_ms -= slice_ms;
    }
    return true;
}

const char *scan_outcome(enum ccd_status status)
{
    if (status == CCD_OK)
        return "complete";
    return status == CCD_INTERRUPTED ? "interrupted" : "failed";
}
