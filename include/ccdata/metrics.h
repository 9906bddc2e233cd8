/* What a client has counted, in the text format of Prometheus (docs/reference/metrics.md). Since
 * 0.1. */
#ifndef CCDATA_METRICS_H
#define CCDATA_METRICS_H

#include <stddef.h>

#include <ccdata/error.h>

struct ccd_client;

/* Takes the next bytes of a text; non-zero stops. */
typedef int ccd_metrics_write_fn(void *user, const char *text, size_t bytes);

/* The counts of this client since it was opened, and the gauges as ccd_metrics_refresh or a run
 * left them. Any thread, also during a run. Errors: NO_MEMORY, or what write returned. */
CCD_API int ccd_metrics_text(struct ccd_client *client, ccd_metrics_write_fn *write, void *user,
                             struct ccd_error *err);
/* The same into a file, whole or not at all (a temporary one is renamed), readable by all: for the
 * textfile collector of node_exporter. DISK, NO_MEMORY. */
CCD_API int ccd_metrics_write_file(struct ccd_client *client, const char *path,
                                   struct ccd_error *err);
/* Read from database and ledger what does not come by counting: coverage, gaps, age and freshness
 * of each data type, what is left of the quota. On the thread that uses the client. Errors: those
 * of ccd_status_read, and those of the database: then what is known without it is set, and what
 * was read before stays. */
CCD_API int ccd_metrics_refresh(struct ccd_client *client, struct ccd_error *err);
/* docs/reference/metrics.md; release with ccd_text_free. */
CCD_API int ccd_metrics_reference(char **out_text, struct ccd_error *err);

#endif
