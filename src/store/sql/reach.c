#include "store/sql/reach.h"

static const int64_t reach_ms = 5000;
static const int64_t first_pause_ms = 100;
static const int64_t longest_pause_ms = 1000;

static bool is_file(const struct sql_target *target)
{
    return target->url.path[0] != '\0';
}

void sql_patience_init(struct sql_patience *patience, const struct sql_target *target)
{
    *patience = (struct sql_patience){
        .start_us = clock_mono_us(target->clock),
        .pause_ms = first_pause_ms,
    };
}

int sql_patience_wait(struct sql_patience *patience, const struct sql_target *target, int status,
                      struct ccd_error *err)
{
    if (is_file(target))
        return status;
    if (target->stop_level && target->stop_level(target->stop_user) > 0)
        return error_set(err, CCD_INTERRUPTED, "interrupted while waiting for %s", target->name);
    /* Counted as well as measured: the clock of a test may stand still. */
    int64_t spent_ms = (clock_mono_us(target->clock) - patience->start_us) / 1000;
    spent_ms = spent_ms > patience->paused_ms ? spent_ms : patience->paused_ms;
    if (spent_ms + patience->pause_ms > reach_ms)
        return status;
    clock_sleep_ms(patience->pause_ms);
    patience->paused_ms += patience->pause_ms;
    int64_t longer_ms = 2 * patience->pause_ms;
    patience->pause_ms = longer_ms < longest_pause_ms ? longer_ms : longest_pause_ms;
    return CCD_OK;
}

int sql_store_connect(const struct sql_driver *driver, const struct sql_target *target,
                      struct sql_connection **out, bool *out_missing, struct ccd_error *err)
{
    struct sql_patience patience;
    sql_patience_init(&patience, target);
    for (;;) {
        *out = NULL;
        *out_missing = false;
        int status = driver->open(target, out, out_missing, err);
        if (status != CCD_DATABASE_UNREACHABLE)
            return status;
        status = sql_patience_wait(&patience, target, status, err);
        if (status != CCD_OK)
            return status;
    }
}
