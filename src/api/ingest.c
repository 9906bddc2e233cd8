/* ccd_plan and ccd_ingest: open what a run needs, select, plan, run, report. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/client.h"
#include "api/database.h"
#include "api/report.h"
#include "api/select.h"
#include "base/time.h"
#include "engine/runtime.h"

enum {
    WORKERS_MAX = 64,
    /* Pages that may wait for decoder and writer beyond those in flight: while a writer commits one
     * transaction of pages, the next one gathers behind it. Bounded, for each holds its rows. */
    PAGES_BEHIND_WRITER = 20,
    PAGES_BEHIND_MAX = 48,
    DECODERS_MAX = 2,
    SEGMENTS_MAX = 1 << 20, /* of one series; compaction keeps them far below */
    COMPACT_ABOVE = 64,
    JOBS_MAX = 10000,
    PATH_BYTES = 4096,
};

static const int64_t request_guard_us =
    5000000; /* on top of a request's deadline: its connection is closed by then */
static const int64_t lock_slice_ms = 250; /* of a wait, so that a stop is seen */
/* A month: a slower rate than a call in that time is a mistake, and its arithmetic another. */
static const double pause_max_us = 31 * 86400 * 1e6;
/* The vendor's clock may be so far behind ours, and its replies so old, before it looks wrong. */
static const int64_t clock_slack_s = 3600;

/* Everything one call opens. */
struct run {
    struct ccd_client *client;
    struct ccd_run_options options;
    bool plan;
    int64_t started_us;
    int64_t now_utc_s;
    char run_id[48];
    struct checked_job *jobs;
    size_t job_count;
    struct selection *selections;
    struct database database;
    struct store *store;
    struct http_client *http;
    struct ledger *ledger;
    struct reply_decoder decoder;
    struct caller caller;
    struct session *session;
    struct report_builder *report;
    struct coverage_segment *segments; /* scratch of one series */
    struct coverage_segment *scratch;
    size_t segment_count, segment_capacity;
    int64_t bytes;
};

/* ---- opening ---- */

static void init_run(struct run *run, struct ccd_client *client,
                     const struct ccd_run_options *options, bool plan)
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
    char now[32];
    str_print(run->run_id, sizeof(run->run_id), "%s-%d", time_format_iso(clock_utc_s(NULL), now),
              (int)getpid());
}

static int check_jobs(struct run *run, const struct ccd_job *jobs, size_t count,
                      struct ccd_error *err)
{
    if (count == 0 || count > JOBS_MAX)
        return error_set(err, CCD_USAGE, "a run has 1 to %d operations", JOBS_MAX);
    if (run->options.parallel_workers < 1 || run->options.parallel_workers > WORKERS_MAX)
        return error_set(err, CCD_USAGE, "parallel workers: 1 to %d", WORKERS_MAX);
    run->job_count = count;
    run->jobs = mem_new(NULL, count, sizeof(*run->jobs));
    run->selections = mem_new(NULL, count, sizeof(*run->selections));
    if (!run->jobs || !run->selections)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu operations", count);
    for (size_t i = 0; i < count; i++) {
        if (select_check(&jobs[i], &run->jobs[i], err) != 0)
            return err->status;
        if (run->jobs[i].from_utc_s > run->now_utc_s && run->jobs[i].from_utc_s != INT64_MIN)
            return error_set(err, CCD_USAGE, "--from %s is in the future", jobs[i].from);
    }
    return 0;
}

static bool has_key(const struct run *run)
{
    return config_secret(run->client->config, CONFIG_CCDATA_API_KEY).len > 0;
}

static int open_store(struct run *run, struct ccd_error *err)
{
    run->database.config.read_only = run->plan;
    run->database.config.create_schema = !run->options.no_create;
    return store_open(&run->database.config, &run->store, err);
}

static struct limiter_limits limits_of(const struct config *c)
{
    struct limiter_limits limits = {0};
    double per_second = config_f64(c, CONFIG_API_RATE_LIMIT_PER_SECOND);
    limits.max[RATE_SECOND] = (int64_t)per_second;
    limits.max[RATE_MINUTE] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_MINUTE);
    limits.max[RATE_HOUR] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_HOUR);
    limits.max[RATE_DAY] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_DAY);
    limits.max[RATE_MONTH] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_MONTH);
    limits.delay_us = config_ms(c, CONFIG_INGESTION_API_CALL_DELAY) * 1000;
    if (per_second > 0 &&
        per_second < 1) { /* a call every few seconds: a pause says it better than a window */
        limits.max[RATE_SECOND] = 1;
        double pause = 1e6 / per_second;
        int64_t pause_us = (int64_t)(pause < pause_max_us ? pause : pause_max_us);
        limits.delay_us = pause_us > limits.delay_us ? pause_us : limits.delay_us;
    }
    return limits;
}

static int open_vendor(struct run *run, struct ccd_error *err)
{
    const struct config *c = run->client->config;
    int64_t timeout_ms = config_ms(c, CONFIG_API_REQUEST_TIMEOUT);
    const struct http_config http = {
        .base_url = config_text(c, CONFIG_DATA_API_BASE_URL).ptr,
        .api_key = config_secret(c, CONFIG_CCDATA_API_KEY).ptr,
        .max_in_flight = (int)run->options.parallel_workers,
        .connect_timeout_ms = timeout_ms < 10000 ? timeout_ms : 10000,
        .total_timeout_ms = timeout_ms,
        .low_speed_bytes_s = 1000,
        .low_speed_s = 20,
        .user_agent = "ccdata/" CCDATA_VERSION,
        .log = &run->client->log,
        .clock = &run->client->clock,
    };
    if (http_client_new(&http, "DATA_API_BASE_URL", &run->http, err) != 0)
        return err->status;
    return reply_decoder_init(&run->decoder, NULL, err);
}

static int open_ledger(void *user, struct ledger **out_ledger, struct ccd_error *err)
{
    struct run *run = user;
    const struct config *c = run->client->config;
    char directory[PATH_BYTES];
    bool shared = client_state_directory(directory, sizeof(directory));
    if (!shared)
        log_warning(&run->client->log, NULL,
                    "no folder for the quota ledger: only the calls of this run are counted; set "
                    "XDG_STATE_HOME or HOME to one");
    const struct str key = config_secret(c, CONFIG_CCDATA_API_KEY);
    const struct ledger_config ledger = {
        .directory = shared ? directory : NULL,
        .origin = http_origin(run->http),
        .api_key = key.ptr,
        .limits = limits_of(c),
        .abandon_us = config_ms(c, CONFIG_API_REQUEST_TIMEOUT) * 1000 + request_guard_us,
        .clock = &run->client->clock,
        .log = &run->client->log,
    };
    int status = ledger_open(&ledger, &run->ledger, err);
    *out_ledger = run->ledger;
    return status;
}

static struct retry_policy retry_of(const struct config *c)
{
    struct retry_policy policy = retry_policy_default;
    policy.attempts_max = (int)config_i64(c, CONFIG_API_MAX_RETRIES) + 1;
    policy.base_ms = config_ms(c, CONFIG_API_RETRY_DELAY);
    if (config_is_given(c, CONFIG_INGESTION_MAX_FAILURE_BACKOFF))
        policy.cap_ms = config_ms(c, CONFIG_INGESTION_MAX_FAILURE_BACKOFF);
    return policy;
}

static void init_caller(struct run *run)
{
    struct ccd_client *client = run->client;
    run->caller = (struct caller){
        .http = run->http,
        .ledger = run->ledger,
        .open_ledger = open_ledger,
        .ledger_user = run,
        .decoder = &run->decoder,
        .retry = retry_of(client->config),
        .clock = &client->clock,
        .log = &client->log,
        .rng = {(uint64_t)clock_mono_us(NULL)},
        .wait_for_quota = run->options.wait_for_quota,
        .max_calls = run->options.max_calls,
        .stop_level = client_stop_level,
        .stop_user = client,
    };
}

static int lock_job(struct run *run, const struct checked_job *job, struct ccd_error *err)
{
    const struct store_ops *ops = run->store->ops;
    int64_t deadline_us = clock_mono_us(NULL) + run->options.lock_wait_s * 1000000;
    int status = ops->lock(run->store, job->type, job->interval, 0, err);
    if (status == CCD_LOCKED && run->options.lock_wait_s > 0)
        log_info(&run->client->log, NULL, "another run writes %s %s: waiting up to %lld s for it",
                 job->type->name, interval_infos[job->interval].name,
                 (long long)run->options.lock_wait_s);
    while (status == CCD_LOCKED && clock_mono_us(NULL) < deadline_us) {
        if (client_stop_level(run->client) > 0)
            return error_set(err, CCD_INTERRUPTED, "interrupted while waiting for another run");
        status = ops->lock(run->store, job->type, job->interval, lock_slice_ms, err);
    }
    return status;
}

static int lock_jobs(struct run *run, struct ccd_error *err)
{
    int status = 0;
    for (size_t i = 0; i < run->job_count && status == 0; i++)
        status = lock_job(run, &run->jobs[i], err);
    return status;
}

static int open_all(struct run *run, struct ccd_error *err)
{
    if (!run->plan && !has_key(run))
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    int status = database_config(run->client, NULL, &run->database, err);
    if (status == 0)
        status = open_vendor(run, err); /* checks base URL and key; sends nothing */
    if (status == 0 && !run->plan)      /* a plan may do without calls, and then leaves no trace */
        status = open_ledger(run, &run->ledger, err);
    if (status == 0)
        status = open_store(run, err);
    if (status == 0 && !run->plan)
        status = lock_jobs(run, err);
    if (status == 0)
        init_caller(run);
    return status;
}

static void close_all(struct run *run)
{
    session_free(run->session);
    for (size_t i = 0; run->selections && i < run->job_count; i++)
        selection_release(&run->selections[i]);
    mem_free(NULL, run->selections);
    mem_free(NULL, run->jobs);
    mem_free(NULL, run->segments);
    mem_free(NULL, run->scratch);
    reply_decoder_release(&run->decoder);
    store_close(run->store);
    database_release(&run->database);
    http_client_free(run->http);
    ledger_close(run->ledger);
}

/* ---- selecting and planning ---- */

/* A range in which no period ends is a mistake more often than not. */
static void warn_of_empty_range(const struct run *run, size_t index)
{
    const struct ccd_job *job = run->jobs[index].job;
    const struct selection *selection = &run->selections[index];
    size_t empty = 0, wanted = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *s = &selection->items[i];
        bool known = s->error.status == CCD_OK;
        empty += known && s->want.from_ts >= s->want.to_ts;
        wanted += known && s->want.from_ts < s->want.to_ts;
    }
    if ((job->from || job->to) && empty > 0 && wanted == 0)
        log_warning(&run->client->log, NULL, "no closed period of %s lies between %s and %s",
                    interval_infos[run->jobs[index].interval].name,
                    job->from ? job->from : "the back-fill bound", job->to ? job->to : "now");
}

static int select_all(struct run *run, struct ccd_error *err)
{
    const struct config *c = run->client->config;
    struct select_context context = {
        .caller = &run->caller,
        .store = run->store,
        .read_only = run->plan,
        .no_calls = !has_key(run),
        .now_utc_s = run->now_utc_s,
        .settle_s = config_i64(c, CONFIG_CCDATA_SETTLE_SECONDS),
        .backfill = config_bool(c, CONFIG_INGESTION_BACKFILL_ENABLED),
        .backfill_days = config_i64(c, CONFIG_INGESTION_MAX_BACKFILL_DAYS),
        .clock = &run->client->clock,
        .log = &run->client->log,
    };
    context.futures_exchange_count = config_list(c, CONFIG_FUTURES_EXCHANGES,
                                                 &context.futures_exchanges);
    context.futures_status_count = config_list(c, CONFIG_FUTURES_INSTRUMENT_STATUSES,
                                               &context.futures_statuses);
    int status = 0;
    for (size_t i = 0; i < run->job_count && status == 0; i++)
        status = select_series(&context, &run->jobs[i], &run->selections[i], err);
    for (size_t i = 0; i < run->job_count && status == 0; i++)
        warn_of_empty_range(run, i);
    return status;
}

static int add_segment(void *user, const struct coverage_segment *segment)
{
    struct run *run = user;
    if (run->segment_count == run->segment_capacity) {
        size_t capacity = run->segment_capacity ? 2 * run->segment_capacity : 256;
        /* coverage_merge needs room for twice as many, and a scratch of that size. */
        struct coverage_segment *bigger = NULL, *scratch = NULL;
        if (capacity <= SEGMENTS_MAX)
            bigger = mem_resize(NULL, run->segments, 2 * capacity, sizeof(*bigger));
        if (bigger)
            run->segments = bigger;
        if (bigger)
            scratch = mem_resize(NULL, run->scratch, 2 * capacity + 2, sizeof(*scratch));
        if (!scratch)
            return -1;
        run->scratch = scratch;
        run->segment_capacity = capacity;
    }
    run->segments[run->segment_count++] = *segment;
    return 0;
}

/* The merged coverage of a series in run->segments; compacted in the database when it has become
 * many. */
static int load_coverage(struct run *run, const struct selected *s, enum interval interval,
                         struct ccd_error *err)
{
    const struct store_ops *ops = run->store->ops;
    int64_t step_s = interval_infos[interval].step_s;
    run->segment_count = 0;
    if (ops->load_coverage(run->store, s->names.series_id, step_s, add_segment, run, err) != 0)
        return err->status != CCD_OK ? (int)err->status
                                     : error_set(err, CCD_NO_MEMORY, "no memory for coverage");
    if (run->segment_count == 0)
        return 0;
    size_t stored = run->segment_count;
    run->segment_count = coverage_merge(run->segments, run->segment_count, run->scratch);
    if (run->plan || stored <= COMPACT_ABOVE || stored < 2 * run->segment_count)
        return 0;
    return ops->compact_coverage(run->store, s->names.series_id, step_s, COMPACT_ABOVE, err);
}

/* INGESTION_BACKFILL_ENABLED=false: only what follows the newest stored period; a series without
 * any starts with the newest closed one. */
static void cut_backfill(const struct run *run, struct selected *s, enum interval interval)
{
    if (config_bool(run->client->config, CONFIG_INGESTION_BACKFILL_ENABLED))
        return;
    int64_t from = s->want.to_ts - interval_infos[interval].step_s;
    for (size_t i = 0; i < run->segment_count; i++)
        if (run->segments[i].state == COVERAGE_STORED)
            from = run->segments[i].to_ts;
    if (from > s->want.from_ts)
        s->want.from_ts = from < s->want.to_ts ? from : s->want.to_ts;
}

static int page_max_of(const struct run *run, enum interval interval)
{
    int64_t ours = config_i64(run->client->config, CONFIG_INGESTION_MAX_API_LIMIT);
    int vendor = interval_infos[interval].page_max;
    return ours > 0 && ours < vendor ? (int)ours : vendor;
}

static int plan_operation(struct run *run, size_t index, struct ccd_error *err)
{
    struct selection *selection = &run->selections[index];
    const struct checked_job *job = &run->jobs[index];
    int status = report_operation(run->report, index, job, selection->count, err);
    for (size_t i = 0; i < selection->count && status == 0; i++) {
        struct selected *s = &selection->items[i];
        run->segment_count = 0;
        if (s->error.status == CCD_OK)
            status = load_coverage(run, s, job->interval, err);
        if (status == 0) {
            cut_backfill(run, s, job->interval);
            status = report_plan(run->report, index, i, s, job->interval,
                                 page_max_of(run, job->interval), run->segments, run->segment_count,
                                 run->now_utc_s, err);
        }
    }
    return status;
}

/* Share of a window's quota that the plan's calls take, in percent; -1 without a limit. */
static double share_of(int64_t calls, int64_t limit)
{
    return limit > 0 ? 100.0 * (double)calls / (double)limit : -1;
}

static void price_plan(struct run *run)
{
    struct ccd_report *report = report_of(run->report);
    struct limiter_limits limits = limits_of(run->client->config);
    report->quota_share_hour = share_of(report->calls, limits.max[RATE_HOUR]);
    report->quota_share_day = share_of(report->calls, limits.max[RATE_DAY]);
    double seconds = (double)report->calls * (double)limits.delay_us / 1e6;
    for (int w = 0; w < RATE_WINDOW_COUNT; w++) {
        if (limits.max[w] <= 0)
            continue;
        double here = (double)(report->calls / limits.max[w]) * (double)rate_window_s[w];
        seconds = here > seconds ? here : seconds;
    }
    report->eta_s = (int64_t)(seconds + 0.999);
}

/* ---- running ---- */

/* In one call: a transaction for each would cost a round trip to the database and more. */
static int put_series(struct run *run, size_t index, struct ccd_error *err)
{
    const struct selection *selection = &run->selections[index];
    size_t count = 0;
    struct series_names *names = mem_new(NULL, selection->count, sizeof(*names));
    if (!names)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu series", selection->count);
    for (size_t i = 0; i < selection->count; i++)
        if (selection->items[i].error.status == CCD_OK)
            names[count++] = selection->items[i].names;
    int status = CCD_OK;
    if (count > 0)
        status = run->store->ops->put_series(run->store, run->jobs[index].type, names, count, err);
    mem_free(NULL, names);
    return status;
}

static int add_series(struct run *run, size_t index, struct ccd_error *err)
{
    struct selection *selection = &run->selections[index];
    const struct checked_job *job = &run->jobs[index];
    int status = put_series(run, index, err);
    if (status != 0)
        return status;
    for (size_t i = 0; i < selection->count; i++) {
        struct selected *s = &selection->items[i];
        if (s->error.status != CCD_OK)
            continue;
        if (load_coverage(run, s, job->interval, err) != 0)
            return err->status;
        cut_backfill(run, s, job->interval);
        const struct session_series_spec spec = {
            .type = job->type,
            .interval = job->interval,
            .names = &s->names,
            .want = s->want,
            .first_ts = s->first_ts,
            .last_ts = s->last_ts,
            .planned_utc_s = run->now_utc_s,
            .merged = run->segments,
            .merged_count = run->segment_count,
        };
        if (session_add_series(run->session, &spec, err) != 0)
            return err->status;
    }
    return 0;
}

static int new_session(struct run *run, int slots, struct ccd_error *err)
{
    const struct config *c = run->client->config;
    int64_t calls_left = run->options.max_calls;
    if (calls_left >= 0)
        calls_left = calls_left > run->caller.calls ? calls_left - run->caller.calls : 0;
    const struct session_config config = {
        .workers = (int)run->options.parallel_workers,
        .slots = slots,
        .settle_s = config_i64(c, CONFIG_CCDATA_SETTLE_SECONDS),
        .max_calls = calls_left,
        .wait_for_quota = run->options.wait_for_quota,
        .page_max = (int)config_i64(c, CONFIG_INGESTION_MAX_API_LIMIT),
        .outage_ms = 600000,
        .retry = retry_of(c),
        .rewrite = retry_policy_write,
        .seed = (uint64_t)clock_mono_us(NULL),
        .run_id = run->run_id,
    };
    int status = session_new(&config, &run->session, err);
    for (size_t i = 0; i < run->job_count && status == 0; i++)
        status = add_series(run, i, err);
    return status;
}

static int writer_count(const struct run *run)
{
    return (int)database_writers(run->store, &run->database.config, run->options.parallel_workers);
}

static int slot_count(const struct run *run)
{
    int behind = PAGES_BEHIND_WRITER * writer_count(run);
    return (int)run->options.parallel_workers +
           (behind < PAGES_BEHIND_MAX ? behind : PAGES_BEHIND_MAX);
}

static int drive(struct run *run, int slots, struct ccd_error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct runtime_config config = {
        .http = run->http,
        .ledger = run->ledger,
        .store = run->store,
        .slots = slots,
        .decoders = cores < 2              ? 1
                    : cores > DECODERS_MAX ? DECODERS_MAX
                                           : (int)cores,
        .writers = writer_count(run),
        .chunk_rows = config_i64(run->client->config, CONFIG_INGESTION_CHUNK_SIZE),
        .clock = &run->client->clock,
        .log = &run->client->log,
        .stop_level = client_stop_level,
        .stop_user = run->client,
        .progress = run->options.progress,
        .progress_user = run->options.progress_user,
        .started_mono_us = run->started_us,
    };
    struct runtime *runtime = NULL;
    int status = runtime_new(&config, &runtime, err);
    if (status == 0)
        status = runtime_run(runtime, run->session, err);
    if (runtime)
        run->bytes += runtime_totals(runtime).bytes;
    runtime_free(runtime);
    return status;
}

/* Periods of a series that may be too young to be final, by our clock. */
static int64_t count_young(const struct run *run, const struct selected *s, enum interval interval)
{
    int64_t step_s = interval_infos[interval].step_s;
    int64_t settle_s = config_i64(run->client->config, CONFIG_CCDATA_SETTLE_SECONDS);
    int64_t old_before = time_floor(run->now_utc_s - settle_s - clock_slack_s, step_s);
    int64_t from = s->want.from_ts > old_before ? s->want.from_ts : old_before;
    return s->want.to_ts > from ? (s->want.to_ts - from) / step_s : 0;
}

/* Why the session ended; the bound on calls as it was given, and not what selecting left of it. */
static struct ccd_error why_ended(const struct run *run)
{
    int64_t resume_us = 0;
    struct ccd_error ended = *session_error(run->session, &resume_us);
    if (ended.status == CCD_QUOTA_EXHAUSTED && resume_us == 0 && run->options.max_calls >= 0)
        error_set(&ended, CCD_QUOTA_EXHAUSTED,
                  "the %lld calls allowed to this run are spent; run again to go on",
                  (long long)run->options.max_calls);
    return ended;
}

static int report_run(struct run *run, const struct ccd_error *ended, struct ccd_error *err)
{
    size_t in_session = 0;
    for (size_t k = 0; k < run->job_count; k++) {
        const struct selection *selection = &run->selections[k];
        if (report_operation(run->report, k, &run->jobs[k], selection->count, err) != 0)
            return err->status;
        for (size_t i = 0; i < selection->count; i++) {
            const struct selected *s = &selection->items[i];
            const struct session_series_result *result =
                s->error.status == CCD_OK ? session_result(run->session, in_session++) : NULL;
            int64_t young = count_young(run, s, run->jobs[k].interval);
            if (report_series(run->report, k, i, s, result, young, ended, err) != 0)
                return err->status;
        }
    }
    return 0;
}

static int run_session(struct run *run, struct ccd_error *err)
{
    int slots = slot_count(run);
    int status = new_session(run, slots, err);
    if (status == 0)
        status = drive(run, slots, err);
    if (status != 0)
        return status;
    const struct ccd_error ended = why_ended(run);
    status = report_run(run, &ended, err);
    if (status != 0)
        return status;
    int64_t resume_us = 0;
    session_error(run->session, &resume_us);
    if (ended.status == CCD_QUOTA_EXHAUSTED && resume_us > 0)
        report_of(run->report)->resume_utc_s = clock_utc_s(NULL) +
                                               (resume_us - clock_mono_us(NULL)) / 1000000;
    report_finish(run->report, &ended);
    return 0;
}

static int plan_run(struct run *run, struct ccd_error *err)
{
    for (size_t i = 0; i < run->job_count; i++)
        if (plan_operation(run, i, err) != 0)
            return err->status;
    price_plan(run);
    report_finish(run->report, &(struct ccd_error){0});
    return 0;
}

static void finish_report(struct run *run)
{
    struct ccd_report *report = report_of(run->report);
    report->database = report_text(run->report, buf_str(&run->database.shown).ptr);
    report->vendor = report_text(run->report, http_origin(run->http));
    report->metadata_calls = run->caller.calls;
    report->bytes = run->bytes + run->caller.bytes;
    report->duration_ms = (clock_mono_us(NULL) - run->started_us) / 1000;
}

static int execute(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
                   const struct ccd_run_options *options, bool plan, struct ccd_report **out_report,
                   struct ccd_error *err)
{
    struct run run;
    struct ccd_error local = {0};
    if (!err)
        err = &local;
    error_clear(err);
    init_run(&run, client, options, plan);
    int status = check_jobs(&run, jobs, job_count, err);
    if (status == 0)
        status = open_all(&run, err);
    if (status == 0)
        status = report_new(job_count, &client->redactor, &run.report, err);
    if (status == 0)
        status = select_all(&run, err);
    if (status == 0)
        status = plan ? plan_run(&run, err) : run_session(&run, err);
    if (status == 0)
        finish_report(&run);
    close_all(&run);
    if (status == 0)
        *out_report = report_of(run.report);
    else if (run.report)
        ccd_report_free(report_of(run.report));
    redact(&client->redactor, err->message);
    return status;
}

int ccd_plan(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
             const struct ccd_run_options *run, struct ccd_report **out_report,
             struct ccd_error *err)
{
    return execute(client, jobs, job_count, run, true, out_report, err);
}

int ccd_ingest(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
               const struct ccd_run_options *run, struct ccd_report **out_report,
               struct ccd_error *err)
{
    return execute(client, jobs, job_count, run, false, out_report, err);
}
