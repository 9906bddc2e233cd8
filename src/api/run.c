#include "api/run.h"

#include <string.h>
#include <unistd.h>

#include "api/cache_note.h"
#include "api/vendor.h"
#include "base/time.h"

enum { WORKERS_MAX = 64, JOBS_MAX = 10000 };

static const int64_t lock_slice_ms = 250; /* of a wait, so that a stop is seen */

/* ---- jobs ---- */

/* Two runs never have the same one: processes on other hosts may write to the same database, and
 * one process may begin several runs within a second. */
static void name_run(struct run *run)
{
    char now[32];
    int64_t now_us = clock_utc_us(NULL);
    str_print(run->run_id, sizeof(run->run_id), "%s-%06d-%d",
              time_format_iso(now_us / 1000000, now), (int)(now_us % 1000000), (int)getpid());
}

void run_init(struct run *run, struct ccd_client *client, const struct ccd_run_options *options,
              bool plan)
{
    struct ccd_run_options defaults = CCD_RUN_INIT;
    *run = (struct run){.client = client, .options = defaults, .plan = plan};
    if (options)
        memcpy(&run->options, options,
               options->size < sizeof(defaults) ? options->size : sizeof(defaults));
    if (run->options.parallel_workers < 0)
        run->options.parallel_workers = config_i64(client->config,
                                                   CONFIG_INGESTION_PARALLEL_WORKERS);
    if (run->options.lock_wait_s < 0)
        run->options.lock_wait_s = 300;
    run->started_us = clock_mono_us(&client->clock);
    run->now_utc_s = clock_utc_s(&client->clock);
    name_run(run);
    client->run_id = run->run_id;
}

bool operation_is_candles(const struct operation *operation)
{
    return operation->job.type->shape == SHAPE_CANDLES;
}

int run_check_jobs(struct run *run, const struct ccd_job *jobs, size_t count, struct ccd_error *err)
{
    if (count == 0 || count > JOBS_MAX)
        return error_set(err, CCD_USAGE, "a run has 1 to %d operations", JOBS_MAX);
    if (run->options.parallel_workers < 1 || run->options.parallel_workers > WORKERS_MAX)
        return error_set(err, CCD_USAGE, "parallel workers: 1 to %d", WORKERS_MAX);
    if (run->options.reserve_percent < 0 || run->options.reserve_percent > RESERVE_PERCENT_MAX)
        return error_set(err, CCD_USAGE, "reserve: 0 to %d percent", RESERVE_PERCENT_MAX);
    run->operations = mem_new(NULL, count, sizeof(*run->operations));
    if (!run->operations)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu operations", count);
    run->operation_count = count;
    for (size_t i = 0; i < count; i++) {
        struct checked_job *job = &run->operations[i].job;
        if (select_check(&jobs[i], job, err) != 0)
            return err->status;
        if (run->options.recheck != CCD_RECHECK_DUE && job->type->shape != SHAPE_CANDLES)
            return error_set(err, CCD_USAGE, "%s has no candles: fetch it again to repair it",
                             job->type->name);
        if (job->from_utc_s > run->now_utc_s && job->from_utc_s != INT64_MIN)
            return error_set(err, CCD_USAGE, "--from %s is in the future", jobs[i].from);
    }
    return 0;
}

/* ---- vendor ---- */

bool run_has_key(const struct run *run)
{
    return config_secret(run->client->config, CONFIG_CCDATA_API_KEY).len > 0;
}

/* Few runs need the second host: a mistake in its address is no concern of the others. */
static int open_min_api(void *user, struct http_client **out_http, struct ccd_error *err)
{
    struct run *run = user;
    int status = vendor_open_http(run->client, CONFIG_MIN_API_BASE_URL,
                                  (int)run->options.parallel_workers, &run->min_http, err);
    *out_http = run->min_http;
    return status;
}

/* One key has one quota, whatever host is asked: calls to both count in the ledger of the first
 * (docs/decisions/015). */
static int open_ledger(void *user, struct ledger **out_ledger, struct ccd_error *err)
{
    struct run *run = user;
    char directory[STATE_PATH_BYTES];
    *out_ledger = run->ledger;
    if (run->ledger)
        return 0;
    const struct ledger_config ledger = vendor_ledger_config(
        run->client, run->http, run->options.reserve_percent, directory);
    if (!ledger.directory)
        log_warning(&run->client->log, NULL,
                    "no folder for the quota ledger: only the calls of this run are counted; set "
                    "XDG_STATE_HOME or HOME to one");
    int status = ledger_open(&ledger, &run->ledger, err);
    *out_ledger = run->ledger;
    return status;
}

int run_open_ledger(struct run *run, struct ccd_error *err)
{
    struct ledger *ledger;
    return open_ledger(run, &ledger, err);
}

struct retry_policy run_retry_policy(const struct run *run)
{
    const struct config *c = run->client->config;
    struct retry_policy policy = retry_policy_default;
    policy.attempts_max = (int)config_i64(c, CONFIG_API_MAX_RETRIES) + 1;
    policy.base_ms = config_ms(c, CONFIG_API_RETRY_DELAY);
    policy.growth_percent = (int)(100 * config_f64(c, CONFIG_INGESTION_FAILURE_BACKOFF_MULTIPLIER));
    policy.breaker_failures = (int)config_i64(c, CONFIG_INGESTION_MAX_CONSECUTIVE_FAILURES);
    if (config_is_given(c, CONFIG_INGESTION_MAX_FAILURE_BACKOFF))
        policy.cap_ms = config_ms(c, CONFIG_INGESTION_MAX_FAILURE_BACKOFF);
    return policy;
}

static void init_callers(struct run *run)
{
    struct ccd_client *client = run->client;
    run->data_api = (struct caller){
        .http = run->http,
        .ledger = run->ledger,
        .open_ledger = open_ledger,
        .ledger_user = run,
        .decoder = &run->decoder,
        .retry = run_retry_policy(run),
        .clock = &client->clock,
        .log = &client->log,
        .rng = {(uint64_t)clock_mono_us(NULL)},
        .wait_for_quota = run->options.wait_for_quota,
        .max_calls = run->options.max_calls,
        .run_calls = &run->calls,
        .metrics = client->metrics,
        .stop_level = client_stop_level,
        .stop_user = client,
    };
    run->min_api = run->data_api;
    run->min_api.http = NULL;
    run->min_api.open_http = open_min_api;
    run->min_api.http_user = run;
    run->lists = (struct list_source){
        .data_api = &run->data_api,
        .min_api = &run->min_api,
        .store = run->store,
        .read_only = run->plan,
        .no_calls = !run_has_key(run),
        .now_utc_s = run->now_utc_s,
        .log = &client->log,
    };
}

/* Who asks for a second opinion, or for everything anew, does not want the old one. */
static bool wants_fresh(const struct run *run)
{
    bool fresh = run->options.recheck != CCD_RECHECK_DUE ||
                 config_bool(run->client->config, CONFIG_METADATA_FULL_REFRESH);
    for (size_t i = 0; i < run->operation_count; i++)
        fresh |= run->operations[i].job.job->full_refresh;
    return fresh;
}

/* What is written elsewhere, to be compared, or taken by force says nothing to other runs. */
static bool wants_no_cache(const struct run *run)
{
    bool none = run->writes_to != NULL;
    for (size_t i = 0; i < run->operation_count; i++)
        none |= run->operations[i].job.job->force;
    return none;
}

static int open_caches(struct run *run, struct ccd_error *err)
{
    const struct config *c = run->client->config;
    struct cache *cache = wants_no_cache(run) ? NULL : client_cache(run->client, run->plan);
    struct reply_cache_options options = {
        .origin = config_text(c, CONFIG_DATA_API_BASE_URL).ptr,
        .api_key = config_secret(c, CONFIG_CCDATA_API_KEY),
        .ttl_s = config_ms(c, CONFIG_CACHE_DEFAULT_TTL) / 1000,
        .only_put = wants_fresh(run),
    };
    int status = reply_cache_new(cache, &options, &run->replies, err);
    options.origin = config_text(c, CONFIG_MIN_API_BASE_URL).ptr;
    if (status == 0)
        status = reply_cache_new(cache, &options, &run->min_replies, err);
    run->data_api.replies = run->replies;
    run->min_api.replies = run->min_replies;
    return status;
}

/* ---- locks ---- */

/* Whether an operation that can be executed writes this, from `first` on. */
static bool is_written(const struct run *run, size_t first, const struct data_type *type,
                       enum interval interval)
{
    for (size_t i = first; i < run->operation_count; i++) {
        const struct operation *o = &run->operations[i];
        if (o->job.type == type && o->job.interval == interval && o->error.status != CCD_LOCKED)
            return true;
    }
    return false;
}

static int lock_one(struct run *run, const struct data_type *type, enum interval interval,
                    int64_t deadline_us, struct ccd_error *err)
{
    const struct store_ops *ops = run->store->ops;
    int status = ops->lock(run->store, type, interval, 0, err);
    int64_t left_us = deadline_us - clock_mono_us(NULL);
    if (status == CCD_LOCKED && left_us > 0)
        log_info(&run->client->log, NULL, "another run writes %s%s%s: waiting up to %lld s for it",
                 type->name, type->shape == SHAPE_CANDLES ? " " : "",
                 type->shape == SHAPE_CANDLES ? interval_infos[interval].name : "",
                 (long long)((left_us + 999999) / 1000000));
    while (status == CCD_LOCKED && clock_mono_us(NULL) < deadline_us) {
        if (client_stop_level(run->client) > 0)
            return error_set(err, CCD_INTERRUPTED, "interrupted while waiting for another run");
        status = ops->lock(run->store, type, interval, lock_slice_ms, err);
    }
    return status;
}

static void refuse_locked(struct run *run, const struct data_type *type, enum interval interval,
                          const struct ccd_error *why)
{
    for (size_t i = 0; i < run->operation_count; i++) {
        struct operation *o = &run->operations[i];
        if (o->job.type == type && o->job.interval == interval)
            o->error = *why;
    }
}

/* In the order of the registry, whatever the order of the operations: two runs that need the same
 * locks never wait for each other. Metadata has no interval and takes the lock of its first. */
int run_lock(struct run *run, struct ccd_error *err)
{
    int64_t deadline_us = clock_mono_us(NULL) + run->options.lock_wait_s * 1000000;
    for (size_t t = 0; t < data_type_count; t++) {
        for (int i = 0; i < INTERVAL_COUNT; i++) {
            enum interval interval = (enum interval)i;
            if (!is_written(run, 0, data_types[t], interval))
                continue;
            int status = lock_one(run, data_types[t], interval, deadline_us, err);
            if (status == CCD_LOCKED)
                refuse_locked(run, data_types[t], interval, err);
            else if (status != 0)
                return status;
            error_clear(err);
        }
    }
    return 0;
}

void run_unlock(struct run *run, size_t index)
{
    const struct operation *o = &run->operations[index];
    if (o->error.status != CCD_LOCKED && !is_written(run, index + 1, o->job.type, o->job.interval))
        run->store->ops->unlock(run->store, o->job.type, o->job.interval);
}

/* ---- life ---- */

static int open_store(struct run *run, struct ccd_error *err)
{
    run->database.config.read_only = run->plan;
    run->database.config.create_schema = !run->options.no_create;
    return store_open(&run->database.config, &run->store, err);
}

int run_open(struct run *run, struct ccd_error *err)
{
    if (!run->plan && !run_has_key(run))
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    int status = database_config(run->client, NULL, &run->database, err);
    if (status == 0) /* checks base URL and key; sends nothing */
        status = vendor_open_http(run->client, CONFIG_DATA_API_BASE_URL,
                                  (int)run->options.parallel_workers, &run->http, err);
    if (status == 0)
        status = reply_decoder_init(&run->decoder, NULL, err);
    if (status == 0 && !run->plan) /* a plan may do without calls, and then leaves no trace */
        status = run_open_ledger(run, err);
    if (status == 0)
        status = open_store(run, err);
    if (status == 0)
        init_callers(run);
    return status == 0 ? open_caches(run, err) : status;
}

void run_close(struct run *run)
{
    run->client->run_id = NULL;
    if (run->replies && !run->plan)
        cache_note_write(run->client);
    for (size_t i = 0; i < run->operation_count; i++) {
        selection_release(&run->operations[i].selection);
        mem_free(NULL, run->operations[i].claimed);
        mem_free(NULL, run->operations[i].targets);
        name_list_release(&run->operations[i].market_names);
    }
    mem_free(NULL, run->operations);
    coverage_list_release(&run->coverage);
    lists_forget(&run->lists);
    reply_cache_free(run->replies);
    reply_cache_free(run->min_replies);
    reply_decoder_release(&run->decoder);
    store_close(run->store);
    database_release(&run->database);
    http_client_free(run->http);
    http_client_free(run->min_http);
    ledger_close(run->ledger);
}

/* The other errors are of the vendor or of one operation: the next one may fare better. */
bool run_must_end(enum ccd_status status)
{
    switch (status) {
    case CCD_OK:
    case CCD_NETWORK:
    case CCD_TLS:
    case CCD_VENDOR_UNAVAILABLE:
    case CCD_BAD_REPLY:
    case CCD_BAD_REQUEST:
    case CCD_UNKNOWN_AT_VENDOR:
    case CCD_DATABASE_BUSY:
    case CCD_DATABASE_DATA:
    case CCD_LOCKED:
        return false;
    default:
        return true;
    }
}
