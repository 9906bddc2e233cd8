/* A status as JSON and as text. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <ccdata/ccdata.h>

#include "base/buf.h"

enum { STATUS_RUNS_SHOWN = 10, STATUS_RUNS_READ = 1000 };

struct json;

/* The README's keys; monitoring, performance and cache only where they are asked for. */
void cli_status_add_json(struct buf *out, const struct ccd_status_report *report,
                         const char *command);
void cli_status_add(struct buf *out, const struct ccd_status_report *report, bool colour);

/* ---- status_runs.c: figures of the runs that the database remembers ---- */

/* All runs by outcome. */
void cli_status_add_monitoring(struct json *j, const struct ccd_status_report *report);
/* The last 20 runs of each command: how long, how fast, how often to the end. */
void cli_status_add_performance(struct json *j, const struct ccd_status_report *report);

#endif
