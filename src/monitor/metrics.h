/* What is counted while the program works, one table: name, kind, labels, meaning. Counting is one
 * atomic addition, from any thread, without a lock or memory. Invariant: labels come from closed
 * lists, so the series are as many as the table says, whatever a vendor calls its markets. */
#ifndef MONITOR_METRICS_H
#define MONITOR_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* A closed list of label values. */
enum metric_labels {
    LABELS_NONE,
    LABELS_ENDPOINT,
    LABELS_OUTCOME,
    LABELS_COMMIT,
    LABELS_CACHE,
    LABELS_WINDOW,
    LABELS_TYPE,     /* data types, in the order of the registry */
    LABELS_INTERVAL, /* 1d, 1h, 1m and "" for metadata */
    LABELS_RUN,      /* how a run ended */
    LABELS_COUNT
};

enum metric_endpoint {
    ENDPOINT_CANDLES,
    ENDPOINT_INSTRUMENTS,
    ENDPOINT_MARKETS,
    ENDPOINT_ASSETS,
    ENDPOINT_EXCHANGES,
    ENDPOINT_QUOTA,
    ENDPOINT_OTHER,
    ENDPOINT_COUNT
};
/* Of a request, by its path. */
enum metric_endpoint metric_endpoint_of(const char *path_and_query);

enum metric_outcome {
    OUTCOME_OK,
    OUTCOME_END_OF_HISTORY,
    OUTCOME_THROTTLED,
    OUTCOME_SERVER_ERROR, /* 5xx, a body that is refused: the same again may work */
    OUTCOME_NETWORK,      /* no reply */
    OUTCOME_REFUSED,      /* the request or the series */
    OUTCOME_KEY_REFUSED,
    OUTCOME_COUNT
};

enum metric_commit { COMMIT_COMMITTED, COMMIT_ROLLED_BACK, COMMIT_UNKNOWN, COMMIT_COUNT };
enum metric_cache { CACHE_LABEL_HIT, CACHE_LABEL_MISS, CACHE_LABEL_COUNT };
enum metric_run { RUN_COMPLETE, RUN_PARTIAL, RUN_FAILED, RUN_INTERRUPTED, RUN_COUNT };
enum { METRIC_METADATA_INTERVAL = 3 };

/* X(id, name, kind, labels, more labels, parts of a unit in a stored value, help) */
// clang-format off
#define METRIC_TABLE(X) \
    X(CALLS, "ccdata_calls_total", COUNTER, ENDPOINT, OUTCOME, 1, "Calls to the vendor.") \
    X(CALL_SECONDS, "ccdata_call_duration_seconds", HISTOGRAM, ENDPOINT, NONE, 1000000, \
      "From sending a call to the end of its reply.") \
    X(RETRIES, "ccdata_retries_total", COUNTER, ENDPOINT, NONE, 1, \
      "Calls that were made again for the same page.") \
    X(THROTTLED, "ccdata_throttled_total", COUNTER, NONE, NONE, 1, \
      "Replies that asked for patience (429 and its like).") \
    X(RECEIVED_BYTES, "ccdata_received_bytes_total", COUNTER, ENDPOINT, NONE, 1, \
      "Bytes of replies, as they came.") \
    X(CACHE_REQUESTS, "ccdata_cache_requests_total", COUNTER, CACHE, NONE, 1, \
      "Questions to the cache of replies.") \
    X(ROWS_DECODED, "ccdata_rows_decoded_total", COUNTER, TYPE, NONE, 1, \
      "Rows of candle pages, before they were judged.") \
    X(ROWS_INSERTED, "ccdata_rows_inserted_total", COUNTER, TYPE, NONE, 1, \
      "New candle rows that were committed.") \
    X(ROWS_CHANGED, "ccdata_rows_changed_total", COUNTER, TYPE, NONE, 1, \
      "Stored candle rows whose values changed (in ccdata_revisions).") \
    X(ROWS_UNCHANGED, "ccdata_rows_unchanged_total", COUNTER, TYPE, NONE, 1, \
      "Candle rows that were stored already as they came.") \
    X(ROWS_QUARANTINED, "ccdata_rows_quarantined_total", COUNTER, TYPE, NONE, 1, \
      "Impossible records (in ccdata_quarantine).") \
    X(COMMITS, "ccdata_commits_total", COUNTER, COMMIT, NONE, 1, \
      "Transactions with candle pages, by how they ended.") \
    X(COMMIT_SECONDS, "ccdata_commit_duration_seconds", HISTOGRAM, NONE, NONE, 1000000, \
      "Time of a transaction, from its first page to its end.") \
    X(QUEUE_DEPTH, "ccdata_queue_depth", GAUGE, NONE, NONE, 1, \
      "Pages that are being decoded or written.") \
    X(OPEN_CALLS, "ccdata_calls_in_flight", GAUGE, NONE, NONE, 1, \
      "Calls that wait for their reply.") \
    X(QUOTA_LEFT, "ccdata_quota_left_calls", GAUGE, WINDOW, NONE, 1, \
      "Calls that are left of the quota, as all runs on this host have counted it.") \
    X(COVERAGE, "ccdata_coverage_ratio", GAUGE, TYPE, INTERVAL, 1000000, \
      "Share of the wanted periods that are stored, or known not to be at the vendor.") \
    X(SERIES, "ccdata_series", GAUGE, TYPE, INTERVAL, 1, "Stored series.") \
    X(SERIES_BEHIND, "ccdata_series_behind", GAUGE, TYPE, INTERVAL, 1, \
      "Series whose newest stored period is too old.") \
    X(GAPS, "ccdata_missing_periods", GAUGE, TYPE, INTERVAL, 1, \
      "Wanted periods that are not accounted for.") \
    X(AGE, "ccdata_newest_age_seconds", GAUGE, TYPE, INTERVAL, 1, \
      "Age of the end of the newest stored candle; of metadata, since its oldest list was read.") \
    X(REFRESHED, "ccdata_refreshed_timestamp_seconds", GAUGE, NONE, NONE, 1, \
      "When coverage, gaps and ages were last read from the database.") \
    X(LAST_SUCCESS, "ccdata_last_success_timestamp_seconds", GAUGE, TYPE, INTERVAL, 1, \
      "When an operation of this type was last complete.") \
    X(RUNS, "ccdata_runs_total", COUNTER, RUN, NONE, 1, \
      "Runs of this process, by how they ended.") \
    X(RUN_SECONDS, "ccdata_run_duration_seconds", GAUGE, NONE, NONE, 1000, \
      "Time of the last run.") \
    X(EXIT_CODE, "ccdata_run_exit_code", GAUGE, NONE, NONE, 1, "Exit code of the last run.") \
    X(MEMORY, "ccdata_resident_memory_bytes", GAUGE, NONE, NONE, 1, "Memory of this process.") \
    X(DESCRIPTORS, "ccdata_open_descriptors", GAUGE, NONE, NONE, 1, \
      "Open files and sockets of this process.") \
    X(CONNECTIONS, "ccdata_open_connections", GAUGE, NONE, NONE, 1, \
      "Open sockets of this process: to vendor, database, cache and readers of metrics.")
// clang-format on

enum metric {
#define METRIC_ENUM(id, name, kind, labels, more, parts, help) METRIC_##id,
    METRIC_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT
};

struct metrics;
/* NULL without memory; every function below takes NULL and does nothing. */
struct metrics *metrics_new(const struct allocator *allocator);
void metrics_free(struct metrics *metrics, const struct allocator *allocator);

/* `label` and `more`: places in their lists; 0 where there is none. Out of range: ignored. */
void metric_add(struct metrics *metrics, enum metric metric, int label, int more, int64_t delta);
/* From now on the gauge is shown. */
void metric_set(struct metrics *metrics, enum metric metric, int label, int more, int64_t value);
/* A histogram of times. */
void metric_observe(struct metrics *metrics, enum metric metric, int label, int64_t us);
int64_t metric_read(const struct metrics *metrics, enum metric metric, int label, int more);

/* Append the text format of Prometheus, version 0.0.4; `version` is of the program. Any thread,
 * while others count: each number is one that it had, counters never run backwards. */
void metrics_write(const struct metrics *metrics, const char *version, struct buf *out);
/* The table as a page. */
void metrics_write_reference(struct buf *out);

#endif
