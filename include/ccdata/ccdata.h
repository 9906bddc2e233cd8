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

/* One log line: what happened, and what it is about (NULL = nothing). No text has a line end, a
 * control character or a secret; they live during the call. */
struct ccd_log_line {
    enum ccd_log_level level;
    const char *text;
    const char *run_id; /* the run under way, as ccdata_runs names it */
    const char *data_type, *interval, *market, *instrument;
    bool is_reported; /* the report of the call says the same: for logs that outlive it */
};
/* May be called from any thread. */
typedef void ccd_log_fn(void *user, const struct ccd_log_line *line);

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
    /* overwrite the secrets among the environment's variables once they were read: other programs
     * can read the environment of a process, and a second ccd_open does not find them any more */
    bool wipe_environment;
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
    int64_t asset_limit; /* indices, and spot by rank: top assets; -1 = 50 */
    const char *from;    /* ISO date or date-time; NULL = back-fill bound */
    const char *to;      /* likewise; a date means the end of that day; NULL = now */
    /* spot: pairs by rank are of these quotes; none = USD,USDT,USDC,EUR,BTC */
    const char *const *quotes;
    size_t quote_count;
    const char *min_grade;     /* spot by rank: exchanges graded so or better; NULL = "BB" */
    const char *exchange_type; /* exchange_metadata: "spot", "futures", "all" (NULL) */
    bool full_refresh;         /* metadata: also rows that did not change are written */
    bool force; /* metadata: a list that shrank by more than 20 % is taken all the same */
    /* When the daemon runs it (ccdata/schedule.h); a run does not look at them. */
    const char *every; /* "15m", "1h", "1d" */
    const char *cron;  /* "0 2 * * *", UTC */
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

/* What a run asks for again, besides what is missing or due. With more than CCD_RECHECK_DUE, jobs
 * choose among the stored series of their type and interval by market and instrument, their limits
 * and ranks are not used, and the default range is what is known of each series. */
enum ccd_recheck {
    CCD_RECHECK_DUE,  /* nothing */
    CCD_RECHECK_GAPS, /* every hole, confirmed or not, and every impossible record */
    CCD_RECHECK_ALL,  /* stored periods, too, and those before the start and after the end */
};

struct ccd_run_options {
    size_t size;
    int64_t parallel_workers; /* requests in flight, 1…64; -1 = INGESTION_PARALLEL_WORKERS */
    int64_t
        max_calls; /* candle and metadata calls of this run; -1 = no bound; then QUOTA_EXHAUSTED */
    int64_t lock_wait_s; /* -1 = 300 */
    bool wait_for_quota; /* wait when the hour, day or month is spent, instead of ending with 5 */
    ccd_progress_fn *progress;
    void *progress_user;
    bool no_create; /* tables that are missing or old are DATABASE_SCHEMA instead of being made */
    /* An operation that failed stops those after it, unless this is set. */
    bool continue_on_error;
    const char *command;     /* what the run is called in ccdata_runs; NULL = the first data type */
    int64_t reserve_percent; /* 0…90: so much of hour, day and month is left to others; a run that
                                has used the rest ends as if the quota were spent */
    enum ccd_recheck recheck;
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
    int64_t rank;        /* place in the ranking of pairs or assets, from 1; 0 = not ranked */
    int64_t calls;       /* made; in a plan: needed */
    const struct ccd_window *windows; /* plan only, newest first */
    size_t window_count;
    struct ccd_error error; /* CCD_OK when none */
};

/* One metadata list: a table, or one market's part of it. */
struct ccd_list_result {
    const char *table;  /* "assets", "spot_instruments" … */
    const char *market; /* NULL: the table has no markets */
    enum ccd_series_state state;
    int64_t listed; /* distinct records that the vendor listed = added + changed + unchanged */
    int64_t added, changed, unchanged;
    int64_t gone;    /* stored, and no longer listed since this run; they stay in the table */
    int64_t refused; /* impossible records, left out; first_refusal says which and why */
    const char *first_refusal;
    int64_t unknown_keys; /* members that no column takes */
    const char *first_unknown_key;
    int64_t calls; /* made; in a plan: needed, -1 = known only when it runs */
    struct ccd_error error;
};

struct ccd_operation {
    const char *data_type;
    const char *interval; /* NULL: metadata */
    const struct ccd_series_result *series;
    size_t series_count;
    struct ccd_error error;              /* the operation as a whole (lock, selection …) */
    const struct ccd_list_result *lists; /* metadata */
    size_t list_count;
    bool not_started; /* an operation before it failed and the run was not to go on */
    int exit_code;    /* of this operation alone */
    /* What it alone took and did; 0 in plans. calls: to all hosts, without those of the selection.
     */
    int64_t calls, rows_fetched, rows_written, rows_unchanged, rows_changed, bytes, duration_ms;
    /* With MONITORING_METRICS_ENABLED and MONITORING_PERFORMANCE_ENABLED, with 10 calls or more:
     * its time for a call in ms, the median of that over the last 20 complete operations of the
     * same type and interval, and whether it was more than twice as slow. usual 0: fewer than 5 to
     * compare with. */
    double call_ms, usual_call_ms;
    bool degraded;
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
    int64_t cache_hits;   /* answers that came from the cache, and cost no call */
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

/* ---- whether it is right ---- */

struct ccd_verify_options {
    size_t size;
    bool local;             /* only what can be checked without a call */
    int64_t sample_percent; /* 1…100 of the pages are asked for again, one at least; -1 = 5 */
    int64_t seed;           /* chooses them */
    int64_t max_findings;   /* longest list in the report; -1 = 1000; all are counted */
};
#define CCD_VERIFY_INIT                                                                            \
    {                                                                                              \
        .size = sizeof(struct ccd_verify_options), .sample_percent = -1, .seed = 1,                \
        .max_findings = -1                                                                         \
    }

enum ccd_finding_kind {
    /* of the database alone */
    CCD_FINDING_IMPOSSIBLE, /* a stored record that no market can have: low above high … */
    CCD_FINDING_OUTSIDE,    /* open or close outside of low and high: vendors do serve such */
    CCD_FINDING_JUMP,       /* close is a million times that of the period before, or less */
    CCD_FINDING_MISALIGNED, /* a time that no period begins at */
    CCD_FINDING_LOST,       /* the coverage says stored, and there is no row */
    /* by what the vendor says now */
    CCD_FINDING_CHANGED, /* another value */
    CCD_FINDING_LATE,    /* a record where we have no row */
    CCD_FINDING_GONE,    /* no record, or an impossible one, where we have a row */
    CCD_FINDING_COUNT
};
CCD_API const char *ccd_finding_kind_name(enum ccd_finding_kind kind); /* "impossible" … */

struct ccd_finding {
    enum ccd_finding_kind kind;
    const char *market, *instrument;
    int64_t ts;
    const char *column;        /* NULL = the record as a whole */
    const char *ours, *theirs; /* as text; NULL = none */
};

/* All that it points to lives until ccd_verify_free. */
struct ccd_verify_report {
    const char *data_type, *interval;
    const struct ccd_finding *findings;
    size_t finding_count; /* in the list */
    int64_t found[CCD_FINDING_COUNT];
    int64_t findings_found;
    int64_t rows;     /* read and checked */
    int64_t compared; /* with what the vendor says now */
    int64_t seed;
    const struct ccd_report *run; /* of the calls, or their plan; NULL when local */
    const char *database;
    const char *status; /* "complete": all that was to be checked is right; "failed": 12; … */
    int exit_code;      /* 0, 12, or that of a run that could not ask */
    struct ccd_error error;
};

/* Check the stored series that a job chooses by market and instrument (its limits are not used)
 * and, unless local, ask the vendor again for a sample of their pages and compare. Writes nothing
 * but the quota ledger. run: as of ccd_ingest; plan: only price it. Returns 0 whenever there is a
 * report. Errors: USAGE, KEY_REJECTED, DATABASE_*, NO_MEMORY. */
CCD_API int ccd_verify(struct ccd_client *client, const struct ccd_job *job,
                       const struct ccd_run_options *run, const struct ccd_verify_options *options,
                       bool plan, struct ccd_verify_report **out_report, struct ccd_error *err);
CCD_API void ccd_verify_free(struct ccd_verify_report *report); /* NULL is fine */

/* ---- batch files ---- */

enum { CCD_BATCH_MAX_BYTES = 1 << 20, CCD_BATCH_OPERATIONS_MAX = 1000 };
struct ccd_batch;
/* The operations of a batch file, a JSON list or {"description", "defaults", "operations"}, of at
 * most CCD_BATCH_MAX_BYTES; asks nobody. Unknown keys, unknown types and wrong values are CCD_USAGE
 * with name:line and the nearest name; `name` is for messages. The text is not needed afterwards;
 * the jobs live until ccd_batch_free. Errors: USAGE, NO_MEMORY. */
CCD_API int ccd_batch_parse(const char *text, size_t len, const char *name,
                            struct ccd_batch **out_batch, struct ccd_error *err);
CCD_API const struct ccd_job *ccd_batch_jobs(const struct ccd_batch *batch, size_t *out_count);
CCD_API void ccd_batch_free(struct ccd_batch *batch); /* NULL is fine */

/* One key of an operation, named as the option of the command line; index < ccd_batch_key_count().
 * Static data. */
struct ccd_batch_key {
    const char *name;
    const char *form;                       /* "text", "whole number" … */
    const char *(*choice_at)(size_t index); /* texts that it may be, NULL behind the last */
    int64_t min, max;                       /* of a whole number */
};
CCD_API size_t ccd_batch_key_count(void);
CCD_API struct ccd_batch_key ccd_batch_key_at(size_t index);
/* Whether an operation of the data type (ccd_type_at) takes the key. */
CCD_API bool ccd_batch_key_fits(size_t key_index, size_t type_index);

/* ---- what is stored ---- */

struct ccd_status_options {
    size_t size;
    bool check_vendor; /* costs one call: whether the vendor answers and takes the key */
    int64_t run_limit; /* newest runs; -1 = 10 */
};
#define CCD_STATUS_INIT                                                                            \
    {                                                                                              \
        .size = sizeof(struct ccd_status_options), .run_limit = -1                                 \
    }

/* A candle type in one interval, or (interval NULL) a metadata table. From the coverage, so that it
 * costs the same for any number of rows. */
struct ccd_stored_data {
    const char *data_type;
    const char *interval;
    int64_t series; /* with coverage; metadata: 1 */
    int64_t rows;   /* periods stored and final; metadata: rows, those no longer listed too */
    int64_t first_ts, last_ts; /* period starts of stored candles; 0 = none */
    /* From the first known period of each series to the newest that should be final now (an ended
     * series: to its end): */
    int64_t wanted, covered;    /* covered: stored, or known not to be at the vendor */
    int64_t newest_final_age_s; /* of the newest stored candle's end; -1 = none */
    int64_t series_behind;      /* alive, and older than two periods and the settling time */
    int64_t asked_utc_s;        /* metadata: when the list was last asked for, the oldest market */
};

struct ccd_stored_run {
    const char *run_id, *command, *status;
    int64_t started_utc_s, ended_utc_s; /* ended 0: running, or killed */
    int exit_code;
    int64_t calls, metadata_calls, rows_fetched, rows_written, rows_unchanged, rows_changed, bytes;
    int64_t duration_ms;
    const char *error; /* NULL = none */
};

/* The newest operation of a data type and interval, whichever command it was part of. */
struct ccd_stored_operation {
    const char *data_type, *interval; /* interval NULL: metadata */
    const char *run_id;
    const char *status; /* as of a run, or "not_started" */
    int64_t started_utc_s;
    int exit_code;
    int64_t calls, rows_fetched, rows_written, duration_ms;
    const char *error; /* NULL = none */
};

struct ccd_quota_window {
    const char *window; /* "second" … "month" */
    int64_t limit;      /* 0 = none known */
    int64_t used;       /* by all runs with this key on this host, as the ledger has it */
    int64_t left;       /* -1 = no limit */
};

/* All that it points to lives until ccd_status_free. */
struct ccd_status_report {
    int64_t now_utc_s;
    const char *system;         /* "healthy", "degraded", "critical" */
    int exit_code;              /* 0 healthy, 12 otherwise */
    const char *const *reasons; /* why it is not healthy, one sentence each */
    size_t reason_count;
    const char *database, *dialect; /* for people, without password */
    bool database_exists, database_reachable, database_writable;
    int64_t schema_version; /* 0 = none yet */
    struct ccd_error database_error;
    const char *vendor;
    bool vendor_checked, vendor_reachable, key_valid, key_given;
    struct ccd_error vendor_error;
    int64_t api_clients; /* API hosts configured */
    int64_t active_runs; /* in progress now */
    const struct ccd_stored_data *data;
    size_t data_count;
    const struct ccd_stored_run *runs;
    size_t run_count;
    const struct ccd_stored_operation *operations;
    size_t operation_count;
    const struct ccd_quota_window *quota;
    size_t quota_count;
    /* What the settings ask for. */
    bool monitoring_enabled, caching_enabled;
    const char *cache_backend;
    int64_t cache_lifetime_s, cache_entries_max;
    /* What the process that last had a cache on this host found in it; counted 0 = none did. */
    int64_t cache_hits, cache_misses, cache_errors, cache_counted_utc_s;
    int64_t duration_ms; /* of the reading */
};

/* Reads the database, not this process's memory; options NULL: CCD_STATUS_INIT. Returns 0 whenever
 * there is a report (a database that is away is one: critical); an empty or absent database is
 * healthy. Errors: USAGE, CONFIG, NO_MEMORY. */
CCD_API int ccd_status_read(struct ccd_client *client, const struct ccd_status_options *options,
                            struct ccd_status_report **out_report, struct ccd_error *err);
CCD_API void ccd_status_free(struct ccd_status_report *report); /* NULL is fine */

struct ccd_quota_options {
    size_t size;
    bool check_vendor;       /* ask the vendor for its own counts: costs one call */
    int64_t reserve_percent; /* what may be used when so much of hour, day and month is left to
                                others */
    int64_t timeout_ms;      /* the most that the call may take; 0 = API_REQUEST_TIMEOUT */
};
#define CCD_QUOTA_INIT                                                                             \
    {                                                                                              \
        .size = sizeof(struct ccd_quota_options)                                                   \
    }
/* What the vendor counts against one allowance. -1 = not said. */
struct ccd_vendor_quota {
    const char *block;  /* "API_KEY", "AUTH_KEY" */
    const char *window; /* "second" … "month" */
    int64_t limit, used, left;
};
/* All that it points to lives until ccd_quota_free. */
struct ccd_quota_report {
    int64_t now_utc_s;
    const char *vendor; /* the API's origin */
    bool is_known;      /* false: no run with this key on this host has left a count yet */
    const struct ccd_quota_window *windows;
    size_t window_count;
    int64_t wait_ms;         /* until a call may be made; 0 = now */
    int64_t resume_utc_s;    /* when that is; 0 = now */
    const char *wait_window; /* whose fault it is: "hour" …; NULL = none, or a pause that the vendor
                                asked for */
    bool vendor_checked;
    const struct ccd_vendor_quota *vendor_quota;
    size_t vendor_quota_count;
    struct ccd_error vendor_error;
    bool clock_known;      /* the vendor was asked, and told its time … */
    int64_t clock_ahead_s; /* … which is so far ahead of ours */
    int exit_code; /* 0; 5 when the hour, the day or the month is spent; that of vendor_error */
};
/* What is left of the key's quota, as all runs on this host have counted it. Reads the ledger and,
 * when asked to, the vendor; no database. Returns 0 whenever there is a report. Errors: USAGE,
 * CONFIG, KEY_REJECTED (none is given), DISK, NO_MEMORY. */
CCD_API int ccd_quota_read(struct ccd_client *client, const struct ccd_quota_options *options,
                           struct ccd_quota_report **out_report, struct ccd_error *err);
CCD_API void ccd_quota_free(struct ccd_quota_report *report); /* NULL is fine */

/* What a range of a series is. */
enum ccd_range_state {
    CCD_RANGE_STORED,
    CCD_RANGE_MISSING,      /* never fetched */
    CCD_RANGE_EMPTY,        /* fetched, the vendor has nothing there */
    CCD_RANGE_BEFORE_START, /* before the first data */
    CCD_RANGE_AFTER_END,
    CCD_RANGE_REJECTED, /* impossible records, in ccdata_quarantine */
    CCD_RANGE_STATE_COUNT
};
CCD_API const char *ccd_range_state_name(enum ccd_range_state state); /* "stored" … */
struct ccd_range {
    int64_t from_ts, to_ts; /* to exclusive */
    enum ccd_range_state state;
    /* What is not stored and not missing: when the vendor was asked, when it is asked again of its
     * own accord (0 = no more), and whether a second answer said the same. */
    int64_t asked_utc_s, next_check_utc_s;
    bool is_confirmed;
};
struct ccd_covered_series {
    const char *market, *instrument, *mapped_instrument;
    int64_t periods[CCD_RANGE_STATE_COUNT];
    const struct ccd_range *ranges; /* ascending, without gaps between them */
    size_t range_count;
};
/* All that it points to lives until ccd_coverage_free. */
struct ccd_coverage_report {
    const char *data_type, *interval;
    int64_t step_s;
    int64_t final_before_ts;                 /* from here on periods are too young to be final */
    const struct ccd_covered_series *series; /* ascending by market and instrument */
    size_t series_count;
    const char *database;
};
/* The stored series of a job (type, interval, exchanges or market, instruments as globs, from, to)
 * and their ranges, from the database alone: no call is made. The range of a series is from..to of
 * the job; where it has none, from its first known period to the newest closed one. A job's limits
 * are not used. Errors: USAGE, DATABASE_*, NO_MEMORY. */
CCD_API int ccd_coverage_read(struct ccd_client *client, const struct ccd_job *job,
                              struct ccd_coverage_report **out_report, struct ccd_error *err);
CCD_API void ccd_coverage_free(struct ccd_coverage_report *report); /* NULL is fine */

/* A stored metadata table as rows of values, in the order of its columns. */
struct ccd_list_options {
    size_t size;
    const char *what; /* "assets", "exchanges", "instruments" … a metadata table's name */
    const char *const *markets; /* globs on the market, or an exchange's name */
    size_t market_count;
    const char *const *names; /* globs on symbol, name or (mapped) instrument */
    size_t name_count;
    const char *const *statuses; /* instruments: these statuses; none = all */
    size_t status_count;
    bool all;      /* also what is no longer listed */
    int64_t limit; /* -1 = no limit */
};
#define CCD_LIST_INIT                                                                              \
    {                                                                                              \
        .size = sizeof(struct ccd_list_options), .limit = -1                                       \
    }
struct ccd_list_value {
    const char *text; /* kind "text" */
    int64_t integer;  /* "integer", "boolean", "time" */
    double number;    /* "number" */
    bool is_null;
};
struct ccd_listing {
    const char *table;
    const char *const *column_names;
    const char *const *column_kinds; /* as in struct ccd_column_info */
    size_t column_count;
    const struct ccd_list_value *values; /* row after row, column_count each */
    size_t row_count;
    int64_t asked_utc_s; /* the oldest of its lists; 0 = never fetched */
    const char *database;
};
/* "instruments" gives two listings (spot, futures), the others one; they and all that they point to
 * live until ccd_list_free. Reads the database alone. Errors: USAGE with the nearest name,
 * DATABASE_*, NO_MEMORY. */
CCD_API int ccd_list_read(struct ccd_client *client, const struct ccd_list_options *options,
                          struct ccd_listing **out_listings, size_t *out_count,
                          struct ccd_error *err);
CCD_API void ccd_list_free(struct ccd_listing *listings, size_t count); /* NULL is fine */

/* ---- between destinations, and the destination itself ---- */

/* How far a copy or a comparison is; called on the calling thread a few times a second. */
struct ccd_scan_progress {
    int64_t parts_total; /* a part is a series in one interval */
    int64_t parts_done;
    int64_t rows; /* read so far */
    int64_t elapsed_ms;
};
typedef void ccd_scan_progress_fn(void *user, const struct ccd_scan_progress *progress);

/* Two destinations by their URLs, which may be any that CCDATA_DATABASE_URL may be. Passwords that
 * they do not have come from the settings of the client. Borrowed during the call. */
struct ccd_copy_options {
    size_t size;
    const char *from;         /* read only; required */
    const char *to;           /* required; its tables are created when they are missing */
    const char *const *types; /* data types, instrument lists too; none = all */
    size_t type_count;
    /* Also copy chunks of which the destination already knows as much as the source: brings values
     * over that the source changed after they were copied. */
    bool full;
    bool no_create;      /* fail when tables are missing or old at the destination */
    int64_t lock_wait_s; /* -1 = 300 */
    ccd_scan_progress_fn *progress;
    void *progress_user;
};
#define CCD_COPY_INIT                                                                              \
    {                                                                                              \
        .size = sizeof(struct ccd_copy_options), .lock_wait_s = -1                                 \
    }

/* What was done for one data type in one interval. */
struct ccd_copy_part {
    const char *data_type;
    const char *interval;   /* NULL: a table of metadata; then series counts lists */
    int64_t series;         /* with rows or coverage */
    int64_t series_failed;  /* given up; the report's error is that of the first */
    int64_t rows_read;      /* from the source, in chunks that were not skipped */
    int64_t rows_written;   /* new at the destination, or other values than there */
    int64_t chunks_copied;  /* at most 5000 periods each, committed with their coverage */
    int64_t chunks_skipped; /* were there already */
};

struct ccd_copy_report {
    const struct ccd_copy_part *parts; /* without those of which the source has nothing */
    size_t part_count;
    struct ccd_copy_part total; /* without names */
    const char *from, *to;      /* for people, without password */
    const char *status;         /* "complete", "partial", "failed", "interrupted" */
    int exit_code;
    struct ccd_error error; /* the cause that set the exit code; CCD_OK when 0 */
    int64_t duration_ms;
};

/* Copy series with their attributes, rows (each with its own collected_at), coverage and
 * instrument lists from one destination to another. Ended at any moment and called again it goes on
 * from there. Revisions and quarantined records stay where they are. Takes the lock of each type
 * and interval that it writes. Returns 0 whenever there is a report, whose exit_code tells how it
 * went; non-zero when nothing could be started (USAGE, DATABASE_* …). */
CCD_API int ccd_copy(struct ccd_client *client, const struct ccd_copy_options *options,
                     struct ccd_copy_report **out_report, struct ccd_error *err);
CCD_API void ccd_copy_report_free(struct ccd_copy_report *report); /* NULL is fine */

struct ccd_diff_options {
    size_t size;
    const char *left, *right; /* URLs; both are read only; required */
    const char *const *types; /* as in struct ccd_copy_options */
    size_t type_count;
    int64_t max_differences; /* longest list in the report; -1 = 1000; all are counted */
    ccd_scan_progress_fn *progress;
    void *progress_user;
};
#define CCD_DIFF_INIT                                                                              \
    {                                                                                              \
        .size = sizeof(struct ccd_diff_options), .max_differences = -1                             \
    }

enum ccd_difference_kind {
    CCD_DIFFERENT_ROWS,        /* of a month: other values, or not the same periods */
    CCD_DIFFERENT_COVERAGE,    /* what is known of the periods */
    CCD_DIFFERENT_SERIES,      /* one side does not have it; its months are not listed */
    CCD_DIFFERENT_NAMES,       /* another mapped instrument */
    CCD_DIFFERENT_ATTRIBUTES,  /* base, quote … */
    CCD_DIFFERENT_INSTRUMENTS, /* the instrument list of a market */
    CCD_DIFFERENT_RECORDS,     /* another table of metadata; market: the record, of a history */
};
CCD_API const char *ccd_difference_kind_name(enum ccd_difference_kind kind); /* "rows" … */

struct ccd_difference {
    enum ccd_difference_kind kind;
    const char *data_type;
    const char *market;
    const char *instrument; /* NULL for lists */
    const char *interval;   /* NULL when it is not about one */
    char month[16];         /* "2024-03"; "" when it is not about one */
    /* Rows of the month or the list, merged segments of the coverage, 1 or 0 of a series. */
    int64_t left_count, right_count;
};

struct ccd_diff_report {
    const struct ccd_difference *differences;
    size_t difference_count; /* in the list */
    int64_t differences_found;
    int64_t series, months, rows; /* compared; rows of both sides together */
    const char *left, *right;     /* for people, without password */
    const char *status;           /* "complete": equal; "failed": different; "interrupted" */
    int exit_code;                /* 0, 12, 130 … */
    struct ccd_error error;
    int64_t duration_ms;
};

/* Compare two destinations: for each series and month a SHA-256 over ts and every value (absent
 * ones too, doubles by their bits), in the order of the registry; for each series and interval one
 * over the merged coverage (states and ranges). When a value was collected is not compared. */
CCD_API int ccd_diff(struct ccd_client *client, const struct ccd_diff_options *options,
                     struct ccd_diff_report **out_report, struct ccd_error *err);
CCD_API void ccd_diff_report_free(struct ccd_diff_report *report); /* NULL is fine */

enum ccd_step_state { CCD_STEP_OK, CCD_STEP_FAILED, CCD_STEP_SKIPPED };
CCD_API const char *ccd_step_state_name(enum ccd_step_state state); /* "ok" … */

struct ccd_selftest_step {
    const char *name;    /* "write", "read" … */
    const char *meaning; /* what it shows */
    enum ccd_step_state state;
    int64_t rows; /* 0 when it is not about a number of rows */
    int64_t duration_us;
    const char *message; /* why it failed, or what was found; "" = nothing to say */
};

struct ccd_selftest_report {
    const struct ccd_selftest_step *steps;
    size_t step_count;
    const char *database; /* for people, without password */
    const char *status;   /* "complete", "failed", "interrupted" */
    int exit_code;        /* 0, 12, 130 */
    struct ccd_error error;
    int64_t duration_ms;
};

struct ccd_selftest_options {
    size_t size;
    bool no_create; /* fail when tables are missing or old; else they are made, and stay */
};

/* Try the configured database with a scratch series of the market "ccdata_selftest", minutes of the
 * year 1990: write, read back, replay, change, roll back, and what only this server can tell; then
 * remove the series, also when a step failed. Non-zero when the database could not be opened. */
CCD_API int ccd_selftest(struct ccd_client *client, const struct ccd_selftest_options *options,
                         struct ccd_selftest_report **out_report, struct ccd_error *err);
CCD_API void ccd_selftest_report_free(struct ccd_selftest_report *report); /* NULL is fine */

/* ---- what there is ---- */

struct ccd_column_info {
    const char *table; /* metadata: the table that has it; NULL for candles */
    const char *name;  /* SQL name */
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

/* The vendor's grades of exchanges, best first ("AA" … "F"), and what an exchange_type may be;
 * NULL behind the last. Static. */
CCD_API const char *ccd_grade_at(size_t index);
CCD_API const char *ccd_exchange_type_at(size_t index);

/* ---- schema ---- */

/* Dialects for which there is DDL: "sqlite", "mysql" (MariaDB too), "singlestore", "postgresql";
 * index < ccd_dialect_count(). Static data. */
CCD_API size_t ccd_dialect_count(void);
CCD_API const char *ccd_dialect_at(size_t index);
/* The dialect of the client's database, from its URL; connects to nothing. *out_dialect: static
 * text. Errors: USAGE (the URL is wrong, or null:, which has no schema). */
CCD_API int ccd_schema_dialect(struct ccd_client *client, const char **out_dialect,
                               struct ccd_error *err);
/* The whole schema as SQL text that can be run twice: it leaves tables that are there alone and
 * replaces views. legacy_views: also the views under the names and column names of the program that
 * this one succeeds, as far as their data is held. *out_text is released with ccd_text_free.
 * Errors: USAGE (no such dialect), NO_MEMORY. */
CCD_API int ccd_schema_sql(const char *dialect, bool legacy_views, char **out_text,
                           struct ccd_error *err);
/* Create in the client's database what is missing, and migrate an older schema of ours forward.
 * Errors: those of opening it for a run; DATABASE_SCHEMA when something of another shape is in the
 * way. */
CCD_API int ccd_schema_create(struct ccd_client *client, bool legacy_views, struct ccd_error *err);
/* One way in which the client's database is not as ccd_schema_create would make it: "table
 * dim_series" and what it is with it. Texts live during the call. */
struct ccd_schema_difference {
    const char *object;
    const char *what;
};
typedef void ccd_schema_difference_fn(void *user, const struct ccd_schema_difference *difference);
/* Compare the client's database with the schema and give every difference to found, on the calling
 * thread; writes nothing. 0 when the comparison was made, whatever it found. Errors: those of
 * opening the database. */
CCD_API int ccd_schema_check(struct ccd_client *client, ccd_schema_difference_fn *found, void *user,
                             struct ccd_error *err);
CCD_API void ccd_text_free(char *text);

/* Where counts of the quota and other state of this host are kept: $XDG_STATE_HOME/ccdata or
 * ~/.local/state/ccdata. False: neither is known, or `out` is too small. Any thread. */
CCD_API bool ccd_state_directory(char *out, size_t capacity_bytes);

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
/* A settings file for a start: every setting as a comment, and those that are chosen with their
 * value. *out_text is released with ccd_text_free; it may hold a secret. Errors: USAGE (no such
 * setting, or a value with a line break), NO_MEMORY. */
struct ccd_setting_choice {
    const char *name, *value;
};
CCD_API int ccd_settings_file(const struct ccd_setting_choice *choices, size_t count,
                              char **out_text, struct ccd_error *err);
/* What no single setting tells: whether the database that they name together has a valid URL. Each
 * of them was checked by ccd_open. Sends nothing. Errors: USAGE, CONFIG, NO_MEMORY. */
CCD_API int ccd_settings_check(struct ccd_client *client, struct ccd_error *err);
/* Effective value and its source ("environment", ".env:3", "default"); secrets read "(set)"; NULL =
 * not set. */
CCD_API const char *ccd_setting_value(const struct ccd_client *client, const char *name,
                                      const char **out_source);

#endif
