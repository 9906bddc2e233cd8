/* What an open client holds. */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include <stdatomic.h>

#include <ccdata/ccdata.h>

#include "api/redact.h"
#include "base/log.h"
#include "cache/cache.h"
#include "config/config.h"

struct metrics;
struct alert_sender;

struct ccd_client {
    struct config *config;
    struct redactor redactor;
    struct log log;
    ccd_log_fn *log_line;
    void *log_user;
    const char *run_id; /* of the run under way, borrowed; NULL = none */
    struct clock clock;
    bool clock_stands;    /* CCDATA_NOW is given: … */
    int64_t fixed_now_us; /* … it is always this time */
    atomic_int stop_level;
    struct metrics *metrics; /* counted by any thread of a run */
    struct alert_sender *alerts; /* the thread that tells of alerts; NULL = none */
    struct cache *cache; /* NULL: off, or not opened yet; it outlives runs */
    char cache_directory[4096];
};

/* The cache that the settings ask for, opened when it is first wanted; NULL: none, and a warning
 * when it cannot be used: no run fails for it. read_only: its folder is not made. */
struct cache *client_cache(struct ccd_client *client, bool read_only);

/* For runtime and caller: the stop level of a client. */
int client_stop_level(void *client);

/* The directory of the quota ledgers: $XDG_STATE_HOME/ccdata or ~/.local/state/ccdata. False:
 * neither is set. */
bool client_state_directory(char *out, size_t capacity_bytes);

#endif
