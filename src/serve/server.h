/* The server's parts. Invariant: guard, slots and daemon belong to the server's thread while it
 * runs; what other threads change stands behind a lock of its own and is held for a pointer swap,
 * or, for /metrics, while the program's function writes. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <pthread.h>

#include "serve/request.h"
#include "serve/slots.h"
#include "serve/snapshot.h"

enum server_page { SERVER_HEALTHZ, SERVER_STATUS, SERVER_PAGE_COUNT };

struct ccd_server {
    struct listener listener;
    struct guard guard;
    struct slots slots;
    struct MHD_Daemon *daemon;
    int daemon_fd;
    int wake_fd; /* readable: end */
    int64_t paused_until_us;
    pthread_t thread;

    pthread_mutex_t pages_lock;
    struct snapshot *pages[SERVER_PAGE_COUNT];
    pthread_mutex_t metrics_lock;
    ccd_server_body_fn *metrics;
    void *metrics_user;
};

#endif
