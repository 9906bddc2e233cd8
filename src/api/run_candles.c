/* A candle operation: a session over its series, driven by a runtime of its own. */
#include <unistd.h>

#include "api/run.h"
#include "base/time.h"
#include "engine/runtime.h"

enum {
    /* Pages that may wait for decoder and writer beyond those in flight: while a writer commits one
     * transaction of pages, the next one gathers behind it. Bounded, for each holds its rows. */
    PAGES_BEHIND_WRITER = 20,
    PAGES_BEHIND_MAX = 48,
    DECODERS_MAX = 2,
};

/* The vendor's clock may be so far behind ours, and its replies so old, before it looks wrong. */
static const int64_t clock_slack_s = 3600;

/* What is at work during one operation. */
struct execution {
    struct run *run;
    const struct operation *operation;
    size_t index;
    struct session *session;
    int slots, writers;
};

/* ---- the session ---- */

/* In one call: a transaction for each would cost a round trip to the database and more. */
static int put_series(const struct execution *x, struct ccd_error *err)
{
    const struct selection *selection = &x->operation->selection;
    size_t count = 0;
    struct series_names *names = mem_new(NULL, selection->count, sizeof(*names));
    if (!names)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu series", selection->count);
    for (size_t i = 0; i < selection->count; i++)
        if (selection->items[i].error.status == CCD_OK)
            names[count++] = selection->items[i].names;
    struct store *store = x->run->store;
    int status = CCD_OK;
    if (count > 0)
        status = store->ops->put_series(store, x->operation->job.type, names, count, err);
    mem_free(NULL, names);
    return status;
}

static void trace_plan(const struct execution *x, const struct session_series_spec *spec)
{
    size_t index = session_series_count(x->session) - 1;
    const struct session_series_result *r = session_result(x->session, index);
    const struct log_subject subject = {
        .data_type = spec->type->name,
        .interval = interval_infos[spec->interval].name,
        .market = spec->names->market,
        .instrument = spec->names->mapped_instrument,
    };
    char from[32], to[32];
    log_traced(&x->run->client->log, TRACE_PLAN, &subject,
               "%s to %s: %lld periods, %lld missing, %lld calls",
               time_format_short(spec->want.from_ts, from), time_format_short(spec->want.to_ts, to),
               (long long)r->plan.periods_wanted, (long long)r->plan.periods_missing,
               (long long)r->plan.calls);
}

static int add_series(const struct execution *x, struct selected *s, struct ccd_error *err)
{
    struct run *run = x->run;
    if (run_load_coverage(run, x->operation, s, err) != 0)
        return err->status;
    const struct session_series_spec spec = {
        .type = x->operation->job.type,
        .interval = x->operation->job.interval,
        .names = &s->names,
        .want = s->want,
        .first_ts = s->first_ts,
        .last_ts = s->last_ts,
        .planned_utc_s = run->now_utc_s,
        .merged = run->coverage.items,
        .merged_count = run->coverage.count,
    };
    int status = session_add_series(x->session, &spec, err);
    if (status == 0)
        trace_plan(x, &spec);
    return status;
}

static int new_session(struct execution *x, struct ccd_error *err)
{
    struct run *run = x->run;
    const struct config *c = run->client->config;
    int64_t calls_left = run->options.max_calls;
    if (calls_left >= 0)
        calls_left = calls_left > run->calls ? calls_left - run->calls : 0;
    const struct session_config config = {
        .workers = (int)run->options.parallel_workers,
        .slots = x->slots,
        .settle_s = config_i64(c, CONFIG_CCDATA_SETTLE_SECONDS),
        .max_calls = calls_left,
        .wait_for_quota = run->options.wait_for_quota,
        .page_max = (int)config_i64(c, CONFIG_INGESTION_MAX_API_LIMIT),
        .outage_ms = 600000,
        .retry = run_retry_policy(run),
        .rewrite = retry_policy_write,
        .seed = (uint64_t)clock_mono_us(NULL),
        .run_id = run->run_id,
    };
    int status = session_new(&config, &x->session, err);
    if (status == 0 && !run->writes_to)
        status = put_series(x, err);
    const struct selection *selection = &x->operation->selection;
    for (size_t i = 0; i < selection->count && status == 0; i++)
        if (selection->items[i].error.status == CCD_OK)
            status = add_series(x, &selection->items[i], err);
    return status;
}

/* ---- driving it ---- */

static void size_execution(struct execution *x)
{
    const struct run *run = x->run;
    x->writers = run->writes_to ? 1
                                : (int)database_writers(run->store, &run->database.config,
                                                        run->options.parallel_workers);
    int behind = PAGES_BEHIND_WRITER * x->writers;
    x->slots = (int)run->options.parallel_workers +
               (behind < PAGES_BEHIND_MAX ? behind : PAGES_BEHIND_MAX);
}

static int drive(const struct execution *x, struct ccd_error *err)
{
    struct run *run = x->run;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct runtime_config config = {
        .http = run->http,
        .ledger = run->ledger,
        .store = run->writes_to ? run->writes_to : run->store,
        .replies = run->replies,
        .metrics = run->client->metrics,
        .slots = x->slots,
        .decoders = cores < 2              ? 1
                    : cores > DECODERS_MAX ? DECODERS_MAX
                                           : (int)cores,
        .writers = x->writers,
        .chunk_rows = config_i64(run->client->config, CONFIG_INGESTION_CHUNK_SIZE),
        .clock = &run->client->clock,
        .log = &run->client->log,
        .stop_level = client_stop_level,
        .stop_user = run->client,
        .progress = run->options.progress ? run_progress_show : NULL,
        .progress_user = run,
        .started_mono_us = run->started_us,
    };
    struct runtime *runtime = NULL;
    int status = runtime_new(&config, &runtime, err);
    if (status == 0)
        status = runtime_run(runtime, x->session, err);
    if (runtime) {
        run->bytes += runtime_totals(runtime).bytes;
        run->cache_hits += runtime_totals(runtime).cache_hits;
    }
    runtime_free(runtime);
    run->calls += session_totals(x->session).calls_made;
    return status;
}

/* ---- its report ---- */

/* Periods of a series that may be too young to be final, by our clock. */
static int64_t count_young(const struct run *run, const struct selected *s, enum interval interval)
{
    int64_t step_s = interval_infos[interval].step_s;
    int64_t settle_s = config_i64(run->client->config, CONFIG_CCDATA_SETTLE_SECONDS);
    int64_t old_before = time_floor(run->now_utc_s - settle_s - clock_slack_s, step_s);
    int64_t from = s->want.from_ts > old_before ? s->want.from_ts : old_before;
    return s->want.to_ts > from ? (s->want.to_ts - from) / step_s : 0;
}

/* Why the session ended; the bound on calls as it was given, and not what is left of it. */
static struct ccd_error why_ended(const struct execution *x)
{
    struct run *run = x->run;
    int64_t resume_us = 0;
    struct ccd_error ended = *session_error(x->session, &resume_us);
    if (ended.status != CCD_QUOTA_EXHAUSTED)
        return ended;
    /* Nothing says which of what is stored has been asked for again. */
    bool begins_anew = run->options.recheck == CCD_RECHECK_ALL;
    const struct ccd_error said = ended;
    if (resume_us > 0)
        run->resume_utc_s = clock_utc_s(NULL) + (resume_us - clock_mono_us(NULL)) / 1000000;
    if (resume_us > 0 && begins_anew)
        error_set(&ended, CCD_QUOTA_EXHAUSTED,
                  "%s; without --wait it begins anew, unless --from and --to choose a part",
                  said.message);
    else if (resume_us <= 0 && run->options.max_calls >= 0)
        error_set(&ended, CCD_QUOTA_EXHAUSTED, "the %lld calls allowed to this run are spent; %s",
                  (long long)run->options.max_calls,
                  begins_anew ? "the next one begins anew, unless --from and --to choose a part"
                              : "run again to go on");
    return ended;
}

static int report_session(const struct execution *x, const struct ccd_error *ended,
                          struct ccd_error *err)
{
    const struct selection *selection = &x->operation->selection;
    struct report_builder *report = x->run->report;
    size_t in_session = 0;
    int status = report_candles(report, x->index, selection->count, err);
    for (size_t i = 0; i < selection->count && status == 0; i++) {
        const struct selected *s = &selection->items[i];
        const struct session_series_result *result = NULL;
        if (s->error.status == CCD_OK)
            result = session_result(x->session, in_session++);
        int64_t young = count_young(x->run, s, x->operation->job.interval);
        report_series(report, x->index, i, s, result, young, ended);
    }
    return status;
}

/* What could not be begun has no series in the report, only its error. */
void run_candles(struct run *run, size_t index, struct ccd_error *out_ended)
{
    struct execution x = {.run = run, .operation = &run->operations[index], .index = index};
    struct ccd_error err = {0};
    size_execution(&x);
    int status = new_session(&x, &err);
    if (status == 0) {
        *out_ended = drive(&x, &err) == 0 ? why_ended(&x) : err;
        error_clear(&err);
        status = report_session(&x, out_ended, &err);
    }
    if (status != 0) {
        *out_ended = err;
        report_operation_error(run->report, index, out_ended);
    }
    session_free(x.session);
}
