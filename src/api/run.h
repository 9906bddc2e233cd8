/* One call of ccd_plan or ccd_ingest, from opening to closing. Its steps are files of their own:
 * run.c opens and closes, run_plan.c selects and plans, run_claims.c drops what is wanted twice,
 * run_candles.c and run_lists.c execute an operation, run_measure.c measures it, run_record.c keeps
 * ccdata_runs, ingest.c puts them in order.
 * Invariant: everything is selected before the first operation is executed; operations are executed
 * one after the other. */
#ifndef API_RUN_H
#define API_RUN_H

#include "api/client.h"
#include "api/coverage_list.h"
#include "api/database.h"
#include "api/lists.h"
#include "api/report.h"
#include "api/select.h"
#include "api/select_names.h"

/* One list that a metadata operation fetches. */
struct list_target {
    const struct data_type *table;
    const char *market; /* of a catalogue; NULL: the table has no markets */
    int64_t calls;      /* needed; -1 = unknown before it runs */
};

struct operation {
    struct checked_job job;
    struct ccd_error error; /* it cannot be executed: lock, selection */
    /* candles */
    struct selection selection;
    /* Per item: periods in the middle of its want that an earlier operation of the run asks for.
     * What an earlier one asks for at an end is cut off the want itself. */
    struct period_range *claimed;
    /* metadata */
    struct list_target *targets;
    size_t target_count;
    struct name_list market_names; /* that the targets point into */
    int64_t calls_planned;         /* as far as it is known */
};

/* Which pages of what is stored a run asks for again; percent 0 = all that ccd_recheck says. */
struct page_sample {
    int64_t percent;
    uint64_t seed;
};

/* Progress over all operations. */
struct run_progress {
    struct ccd_progress done;    /* by earlier operations */
    struct ccd_progress current; /* the last that is known of this one */
    int64_t series_later, calls_later;
    struct ccd_progress shown; /* the last; numbers only grow */
};

/* How far the run is, to measure an operation by. */
struct run_marks {
    int64_t mono_us, started_utc_s, calls, bytes;
    int64_t rows_fetched, rows_written, rows_unchanged, rows_changed;
};

/* Everything one call opens. */
struct run {
    struct ccd_client *client;
    struct ccd_run_options options;
    bool plan;
    int64_t started_us;
    int64_t now_utc_s; /* what is wanted and fresh is measured from here */
    char run_id[48];
    struct operation *operations;
    size_t operation_count;
    struct database database;
    struct store *store;
    struct store *writes_to; /* instead of the store, for what is fetched; NULL = the store */
    struct page_sample sample;
    struct http_client *http;     /* of DATA_API_BASE_URL */
    struct http_client *min_http; /* of MIN_API_BASE_URL; NULL until it is needed */
    struct ledger *ledger;        /* of the key, whatever the host */
    struct reply_decoder decoder;
    struct caller data_api, min_api;
    struct reply_cache *replies, *min_replies; /* of the two hosts; NULL = no cache */
    struct list_source lists;
    int64_t calls;      /* made on all hosts, candles too */
    int64_t bytes;      /* of candles */
    int64_t cache_hits; /* of candles */
    int64_t resume_utc_s;
    struct report_builder *report;
    struct run_progress progress;
    bool is_recorded;              /* ccdata_runs has a row of it */
    int64_t record_place;          /* rows in ccdata_run_series so far */
    struct run_marks marks;        /* at the beginning of the operation */
    struct coverage_list coverage; /* of one series after the other */
};

/* ---- run.c ---- */

void run_init(struct run *run, struct ccd_client *client, const struct ccd_run_options *options,
              bool plan);
int run_check_jobs(struct run *run, const struct ccd_job *jobs, size_t count,
                   struct ccd_error *err);
int run_open(struct run *run, struct ccd_error *err);
/* The quota ledger, which a plan does not open by itself. */
int run_open_ledger(struct run *run, struct ccd_error *err);
int run_new_report(struct run *run, struct ccd_error *err);
/* Vendor, database and sums, when all operations are reported. */
void run_finish_report(struct run *run);
void run_close(struct run *run);
/* Take the lock of each type and interval that the operations write; the error of one that another
 * run holds goes to its operations. Non-zero ends the run. */
int run_lock(struct run *run, struct ccd_error *err);
/* Operation `index` is over: release what no later one needs. */
void run_unlock(struct run *run, size_t index);
bool run_has_key(const struct run *run);
struct retry_policy run_retry_policy(const struct run *run);
/* Whether an error leaves nothing to go on with, whatever operations follow. */
bool run_must_end(enum ccd_status status);
bool operation_is_candles(const struct operation *operation);

/* ---- run_plan.c ---- */

/* Select the series and lists of all operations. An operation whose selection fails has its error;
 * non-zero: the run must end. */
int run_select(struct run *run, struct ccd_error *err);
/* Cut off what later operations want what earlier ones ask for (run_claims.c). */
int run_cut_doubles(struct run *run, struct ccd_error *err);
/* Fill the report with what an ingest would do. */
int run_report_plan(struct run *run, struct ccd_error *err);
/* A sample in which there is not one page of what is known is made larger until there is. The wants
 * must be cut to what is known (run_load_coverage). */
void run_fill_sample(struct run *run, const struct operation *operation);
/* The merged coverage of an item in run->coverage, and its want cut as the configuration asks. */
int run_load_coverage(struct run *run, const struct operation *operation, struct selected *item,
                      struct ccd_error *err);

/* ---- run_candles.c, run_lists.c ---- */

/* Execute an operation and fill its part of the report. *out_ended: why it ended early, CCD_OK when
 * it did not. */
void run_candles(struct run *run, size_t index, struct ccd_error *out_ended);
void run_lists(struct run *run, size_t index, struct ccd_error *out_ended);
/* The lists that an operation is made of. */
int run_choose_lists(struct run *run, struct operation *operation, struct ccd_error *err);
int run_report_lists_plan(struct run *run, size_t index, struct ccd_error *err);

/* ---- run_progress.c ---- */

/* Operation `index` begins. */
void run_progress_begin(struct run *run, size_t index);
/* How far its session is; a ccd_progress_fn, user is the run. */
void run_progress_show(void *user, const struct ccd_progress *current);
/* One of its lists is done. */
void run_progress_list(struct run *run, size_t index, const struct list_outcome *outcome);
void run_progress_end(struct run *run);

/* ---- run_log.c: what the report says, for a log that outlives it ---- */

void run_log_start(struct run *run, size_t index);
/* Operation `index` is reported. */
void run_log_end(struct run *run, size_t index);

/* ---- run_metrics.c ---- */

/* The whole run is reported. */
void run_count_end(struct run *run);
/* It ended before there was a report: no database, a job that is none … */
void run_count_not_begun(struct run *run, int status);

/* ---- run_measure.c: what an operation takes, and whether that is more than usual ---- */

void run_measure_begin(struct run *run);
/* Operation `index` is over and its exit code is known. */
void run_measure_end(struct run *run, size_t index);
/* Set beside those before it, which must not have it among them yet. */
void run_measure_compare(struct run *run, size_t index);

/* ---- run_record.c: a failure to record is a warning ---- */

void run_record_start(struct run *run);
/* Operation `index` is reported. */
void run_record_operation(struct run *run, size_t index);
/* The whole run is. */
void run_record_end(struct run *run);

#endif
