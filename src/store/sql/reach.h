/* Reaching a server that may be away: one that is started at the same time as we are, restarts, or
 * changes places with another is there within seconds. Files are there or not. Invariant: whoever
 * waits has a deadline and goes on within a second when the run is to stop. */
#ifndef STORE_SQL_REACH_H
#define STORE_SQL_REACH_H

#include "store/sql/sql.h"

struct sql_patience {
    int64_t start_us;
    int64_t paused_ms;
    int64_t pause_ms; /* the next one */
};
void sql_patience_init(struct sql_patience *patience, const struct sql_target *target);
/* After a failure with `status`, which *err tells of: let time pass before the next attempt.
 * CCD_OK: it may be made; else what to return: `status` when the time is over, CCD_INTERRUPTED when
 * the run is to stop. */
int sql_patience_wait(struct sql_patience *patience, const struct sql_target *target, int status,
                      struct ccd_error *err);

/* Connect; servers that cannot be reached are tried again for a few seconds. */
int sql_store_connect(const struct sql_driver *driver, const struct sql_target *target,
                      struct sql_connection **out, bool *out_missing, struct ccd_error *err);

#endif
