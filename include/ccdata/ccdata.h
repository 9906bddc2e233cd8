/* libccdata: keep a complete, exact copy of CryptoCompare / CoinDesk Data market data in your own
 * database.
 *
 *     struct ccd_client *client = NULL;
 *     struct ccd_error err = {0};
 *     if (ccd_open(&(struct ccd_options){.size = sizeof(struct ccd_options)}, &client, &err)) …
 *     struct ccd_job job = CCD_JOB_INIT;
 *     job.data_type = "spot_ohlcv"; job.market = "kraken"; job.instrument = "BTC-USD";
 *     struct ccd_report *report = NULL;
 *     ccd_ingest(client, &job, 1, &report, &err);
 *
 * The library never prints and never exits. All text is UTF-8, NUL-terminated unless a length is
 * given; all times are seconds since 1970, UTC, unless the name says otherwise. Functions that can
 * fail return 0, or the ccd_status that *err holds; they leave their out parameter untouched then.
 * A client is used by one thread at a time, except ccd_stop. Structs that a caller fills start with
 * `size` (= sizeof) so that later versions can add members. Source of the vendor facts: CoinDesk
 * Data API documentation, 2025; OpenAPI 2.1.1. Since 0.1. */
#ifndef CCDATA_CCDATA_H
#define CCDATA_CCDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ccdata/error.h>

/* "0.1.0", and one line naming the versions of the libraries in use (for --version). Static. */
CCD_API const char *ccd_version(void);
CCD_API const char *ccd_libraries(void);

/* ---- opening ---- */

enum ccd_log_level { CCD_LOG_DEBUG, CCD_LOG_INFO, CCD_LOG_WARNING, CCD_LOG_ERROR };

/* One log line: no line end, no control characters, no secret. May be called from any thread. */
typedef void ccd_log_fn(void *user, enum ccd_log_level level, const char *line);

struct ccd_options {
    size_t size;
    const char *env_file; /* replaces .env and .env.$ENVIRONMENT; NULL = those */
    const char *const
        *settings; /* "NAME=value" overrides by environment name, strongest; NULL = none */
    size_t setting_count;
    bool strict;     /* refuse secrets in files that others can read */
    ccd_log_fn *log; /* NULL = silent */
    void *log_user;
    enum ccd_log_level log_level; /* lines below are not made */
};

struct ccd_client;
/* Reads and validates the configuration; connects to nothing yet. Errors: CONFIG, USAGE, NO_MEMORY.
 */
CCD_API int ccd_open(const struct ccd_options *options, struct ccd_client **out_client,
                     struct ccd_error *err);
CCD_API void ccd_close(struct ccd_client *client); /* NULL is fine */
/* Ask the running call to end: once = finish and commit what is in flight, twice = now.
 * Async-signal-safe, any thread. The call then reports CCD_INTERRUPTED; everything committed stays
 * and the next run goes on from there. */
CCD_API void ccd_stop(struct ccd_client *client);

/* ---- jobs ---- */

/* One operation: a data type, an interval, a choice of series, a time range. Borrowed during the
 * call. NULL / 0 / -1 mean the default that the member's comment names. */
struct ccd_job {
    size_t size;
    const char *data_type;  /* "spot_ohlcv" … required */
    const char *interval;   /* "1d" (default), "1h", "1m" */
    const char *market;     /* --specific_market; for indices --market (default cadli) */
    const char *instrument; /* --specific_instrument: mapped or native id */
    const char *const
        *exchanges; /* market names or globs; none = all that the configuration names */
    size_t exchange_count;
    const char *const *instruments; /* mapped or native ids or globs; none = all */
    size_t instrument_count;
    int64_t pair_limit;  /* spot: pairs by rank; -1 = 100, or no cut when one is named */
    int64_t asset_limit; /* indices: top assets; -1 = 50 */
    const char *from;    /* ISO date or date-time; NULL = back-fill bound */
    const char *to;      /* likewise; a date means the end of that day; NULL = now */
};
#define CCD_JOB_INIT                                                                               \
    {                                                                                              \
        .size = sizeof(struct ccd_job), .pair_limit = -1, .asset_limit = -1                        \
    }

/* What happens meanwhile; called on the calling thread a few times a second. Numbers only grow, but
 * for in_flight, eta_s and waiting_ms. */
struct ccd_progress {
    int64_t series_total, series_done;
    int64_t calls_planned, calls_done;
    int64_t rows_fetched, rows_written;
    int64_t in_flight;
    int64_t elapsed_ms;
    int64_t eta_s;           /* -1 = unknown */
    int64_t waiting_ms;      /* > 0: nothing can be sent for so long … */
    const char *waiting_for; /* … because of this ("quota of the minute") */
};
typedef void ccd_progress_fn(void *user, const struct ccd_progress *progress);

struct ccd_run_options {
    size_t size;
    int64_t parallel_workers; /* requests in flight, 1…64; -1 = INGESTION_PARALLEL_WORKERS */
    int64_t
        max_calls; /* candle and metadata calls of this run; -1 = no bound; then QUOTA_EXHAUSTED */
    int64_t lock_wait_s; /* -1 = 300 */
    bool wait_for_quota; /* wait when the hour, day or month is spent, instead of ending with 5 */
    ccd_progress_fn *progress;
    void *progress_user;
};
#define CCD_RUN_INIT                                                                               \
    {                                                                                              \
        .size = sizeof(struct ccd_run_options), .parallel_workers = -1, .max_calls = -1,           \
        .lock_wait_s = -1                                                                          \
    }

/* ---- reports ---- */

enum ccd_series_state {
    CCD_SERIES_PLANNED,    /* a plan only: nothing was asked */
    CCD_SERIES_UP_TO_DATE, /* nothing was missing */
    CCD_SERIES_COMPLETE, /* every wanted period is stored, or accounted for as not at the vendor */
    CCD_SERIES_PARTIAL,  /* some periods are still missing; error says why */
    CCD_SERIES_FAILED,   /* nothing could be fetched; error says why */
    CCD_SERIES_NOT_OFFERED, /* the vendor has no such data for it; not a failure */
    CCD_SERIES_INTERRUPTED
};
CCD_API const char *ccd_series_state_name(enum ccd_series_state state); /* "complete" … */

struct ccd_window {
    int64_t from_ts; /* first period start */
    int64_t to_ts;   /* exclusive */
    int64_t limit;   /* periods asked for */
};

/* Periods are counted once: wanted = stored + fetched + empty + rejected + pending + failed (in a
 * plan: + missing). */
struct ccd_series_result {
    const char *market;
    const char *instrument; /* native id; as given when it could not be resolved */
    const char *mapped_instrument;
    enum ccd_series_state state;
    int64_t from_ts, to_ts; /* the wanted closed periods; from == to: none */
    int64_t wanted;         /* periods */
    int64_t stored;         /* already there before the run */
    int64_t fetched;        /* stored by this run */
    int64_t provisional; /* of fetched: closed too recently to be final; the next run looks again */
    int64_t empty;       /* not at the vendor: holes, before the start, after the end */
    int64_t rejected;    /* impossible records, in ccdata_quarantine */
    int64_t pending;     /* closed too recently and not published yet; the next run looks again */
    int64_t failed;      /* wanted, not there, not explained */
    int64_t calls;       /* made; in a plan: needed */
    const struct ccd_window *windows; /* plan only, newest first */
    size_t window_count;
    struct ccd_error error; /* CCD_OK when none */
};

struct ccd_operation {
    const char *data_type;
    const char *interval;
    const struct ccd_series_result *series;
    size_t series_count;
    struct ccd_error error; /* the operation as a whole (lock, selection …) */
};

struct ccd_report {
    const struct ccd_operation *operations;
    size_t operation_count;
    const char *status;     /* "complete", "partial", "failed", "interrupted" */
    int exit_code;          /* README.md, "Exit codes" */
    struct ccd_error error; /* the cause that set the exit code; CCD_OK when 0 */
    int64_t calls, metadata_calls, rows_fetched, rows_written, rows_unchanged, rows_changed, bytes;
    int64_t duration_ms;
    int64_t resume_utc_s; /* QUOTA_EXHAUSTED: when the quota allows more; else 0 */
    /* plans: share of the quota of an hour and a day in percent (-1 = no limit set), and the time
     * it takes */
    double quota_share_hour, quota_share_day;
    int64_t eta_s, rows_planned;
    const char *database; /* the destination's URL, without password */
    const char *vendor;   /* the API's origin */
};

/* Work out what is missing without writing anything; makes metadata calls only where the selection
 * needs them (report->metadata_calls). A database that does not exist counts as empty. */
CCD_API int ccd_plan(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
                     const struct ccd_run_options *run, struct ccd_report **out_report,
                     struct ccd_error *err);
/* Fetch what is missing and commit it. Returns 0 whenever there is a report, whose exit_code tells
 * how it went; non-zero only when nothing could be started (USAGE, CONFIG, KEY_REJECTED,
 * DATABASE_*, NO_MEMORY …). */
CCD_API int ccd_ingest(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
                       const struct ccd_run_options *run, struct ccd_report **out_report,
                       struct ccd_error *err);
CCD_API void ccd_report_free(struct ccd_report *report); /* NULL is fine */

/* ---- what there is ---- */

struct ccd_column_info {
    const char *name; /* SQL name */
    const char *vendor_key;
    const char *kind; /* "integer", "number", "text", "boolean", "time" */
    const char *role; /* "key", "series", "value", "echo" */
    const char *unit;
    const char *meaning;
    const char *group;
};
struct ccd_type_info {
    const char *name;
    const char *title;
    const char *source;
    const char *path; /* with {unit} */
    bool candles;
    size_t column_count;
};
/* Types in the order of the registry; index < ccd_type_count(). Static data. */
CCD_API size_t ccd_type_count(void);
CCD_API struct ccd_type_info ccd_type_at(size_t index);
CCD_API struct ccd_column_info ccd_type_column_at(size_t type_index, size_t column_index);
/* Index of a type by name ('-' = '_'), SIZE_MAX when unknown; *out_nearest: the nearest known name,
 * may be NULL. */
CCD_API size_t ccd_type_find(const char *name, const char **out_nearest);
/* Interval table: name, seconds, largest page; index 0…2. */
struct ccd_interval_info {
    const char *name;
    int64_t step_s;
    int64_t page_max;
};
CCD_API struct ccd_interval_info ccd_interval_at(size_t index);
CCD_API size_t ccd_interval_count(void);

/* DDL of the whole schema; dialects: "sqlite". *out_text is released with ccd_text_free. */
CCD_API int ccd_schema_sql(const char *dialect, char **out_text, struct ccd_error *err);
CCD_API void ccd_text_free(char *text);

/* One environment variable that the program knows; index < ccd_setting_count(). Static. */
struct ccd_setting_info {
    const char *name;
    const char *type;
    const char *default_value; /* NULL = none */
    const char *description;
    bool secret;
};
CCD_API size_t ccd_setting_count(void);
CCD_API struct ccd_setting_info ccd_setting_at(size_t index);
/* Effective value and its source ("environment", ".env:3", "default"); secrets read "(set)"; NULL =
 * not set. */
CCD_API const char *ccd_setting_value(const struct ccd_client *client, const char *name,
                                      const char **out_source);

#endif
