/* Building a struct ccd_status_report: what is read where, and the rules of health. Everything in
 * the report lives in one arena. Invariant: nothing is written, but for a row that is rolled back.
 */
#ifndef API_STATUS_H
#define API_STATUS_H

#include <ccdata/ccdata.h>

#include "api/client.h"
#include "api/database.h"
#include "base/arena.h"
#include "engine/ledger.h"

/* Runs that health looks at; a run that has not ended for so long was killed. */
enum { STATUS_RUNS = 200, STATUS_KILLED_AFTER_S = 86400 };

struct status {
    struct ccd_status_report report; /* first, so that ccd_status_free finds the rest */
    struct arena arena;
    struct ccd_client *client;
    struct ccd_status_options options;
    struct database database;
    struct store *store;                     /* NULL: it cannot be opened */
    struct ccd_stored_data *data;            /* room for every type, interval and table */
    struct ccd_stored_run *runs;             /* newest first; the report shows run_limit of them */
    size_t run_count, run_capacity;          /* run_capacity at most are read */
    struct ccd_stored_operation *operations; /* room for every type and interval */
    const char **reasons;
};

int status_no_memory(struct ccd_error *err);
/* A copy in the report; NULL stays NULL. NULL also without memory: *err is set then. */
const char *status_keep(struct status *s, const char *text, struct ccd_error *err);

/* The database: open it, try it, read what is there. Its errors go into the report; returned are
 * those that end the call (USAGE, CONFIG, NO_MEMORY). */
int status_read_database(struct status *s, struct ccd_error *err);
/* Candles by type and interval; metadata by table. Errors of the store. */
int status_read_data(struct status *s, struct ccd_error *err);
/* The ledger, and with check_vendor one call. */
int status_read_vendor(struct status *s, struct ccd_error *err);
/* system, reasons and exit code from what was read. */
int status_judge(struct status *s, struct ccd_error *err);

#endif
