/* Drives the session core with libcurl, threads and a real store.
 *
 * One control thread (the caller's) owns session, http client and ledger. Decoders turn replies
 * into batches, writers commit them; both get a slot's job by queue and give it back by queue, so a
 * job has one owner at a time. Invariant: everything is bounded by the number of slots; a series
 * always goes to the same writer. */
#ifndef ENGINE_RUNTIME_H
#define ENGINE_RUNTIME_H

#include <ccdata/ccdata.h>

#include "engine/ledger.h"
#include "engine/reply_cache.h"
#include "engine/session.h"
#include "http/client.h"
#include "monitor/metrics.h"

struct runtime_config {
    struct http_client *http;
    struct ledger *ledger;
    struct store *store;
    struct reply_cache *replies; /* NULL = none; used by the control thread */
    struct metrics *metrics;     /* NULL = nothing is counted */
    int slots;                   /* as the session's */
    int decoders;                /* threads, 1…16 */
    int writers;        /* threads, 1…64; more than one only with STORE_PARALLEL_WRITERS */
    int64_t chunk_rows; /* rows per transaction at most, whole pages */
    const struct clock *clock;
    const struct log *log;
    const struct allocator *allocator;
    /* 0 = go on, 1 = finish what is in flight, 2 = now. May change at any time. */
    int (*stop_level)(void *user);
    void *stop_user;
    ccd_progress_fn *progress;
    void *progress_user;
    int64_t started_mono_us; /* of the whole run, for progress */
};

struct runtime_totals {
    int64_t bytes;      /* received, as sent by the vendor */
    int64_t cache_hits; /* answers that cost no call */
};

struct runtime;
/* Starts the threads and opens the writers. */
int runtime_new(const struct runtime_config *config, struct runtime **out, struct ccd_error *err);
void runtime_free(struct runtime *runtime);
/* Run the session to its end. 0 even when the session ended with an error (session_error). */
int runtime_run(struct runtime *runtime, struct session *session, struct ccd_error *err);
struct runtime_totals runtime_totals(const struct runtime *runtime);

#endif
