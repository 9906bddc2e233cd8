/* The metrics of a client while it works: served over HTTP (PROMETHEUS_ENABLED) and written to a
 * file (--metrics_file) now and then. Invariant: a port or a file that cannot be had is a warning;
 * no run fails for it. */
#ifndef CLI_EXPOSURE_H
#define CLI_EXPOSURE_H

#include <ccdata/ccdata.h>

struct ccd_server;
struct client;

struct exposure {
    struct client *client;     /* borrowed */
    struct ccd_server *server; /* NULL = none */
    const char *file;          /* NULL = none */
    int64_t next_us;
    ccd_progress_fn *inner; /* whoever else wants to know how far a run is; may be NULL */
    void *inner_user;
};

/* Starts the listener when the settings ask for it. */
void exposure_start(struct exposure *exposure, struct client *client);
/* Stand before the progress function of a run: the file is written about every 15 s. */
void exposure_watch(struct exposure *exposure, struct ccd_run_options *how);
/* A run, or a look, is over: read what does not come by counting, and write the file. */
void exposure_refresh(struct exposure *exposure);
/* Show a JSON text on "/status" or "/healthz". */
void exposure_publish(struct exposure *exposure, const char *route, int http_status,
                      const char *json);
void exposure_stop(struct exposure *exposure);

#endif
