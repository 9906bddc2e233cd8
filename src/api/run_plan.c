#include "api/run.h"
#include "api/select_stored.h"
#include "api/vendor.h"

#include "base/hash.h"
#include "base/time.h"
#include "engine/plan.h"

enum { COMPACT_ABOVE = 64 };

/* ---- selecting ---- */

/* A range in which no period ends is a mistake more often than not. */
static void warn_of_empty_range(const struct run *run, const struct operation *operation)
{
    const struct ccd_job *job = operation->job.job;
    const struct selection *selection = &operation->selection;
    size_t empty = 0, wanted = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *s = &selection->items[i];
        bool known = s->error.status == CCD_OK;
        empty += known && s->want.from_ts >= s->want.to_ts;
        wanted += known && s->want.from_ts < s->want.to_ts;
    }
    if ((job->from || job->to) && empty > 0 && wanted == 0)
        log_warning(&run->client->log, NULL, "no closed period of %s lies between %s and %s",
                    interval_infos[operation->job.interval].name,
                    job->from ? job->from : "the back-fill bound", job->to ? job->to : "now");
}

static struct select_context select_context_of(struct run *run)
{
    const struct config *c = run->client->config;
    struct select_context context = {
        .lists = &run->lists,
        .backfill_days = config_i64(c, CONFIG_INGESTION_MAX_BACKFILL_DAYS),
    };
    context.futures_exchange_count = config_list(c, CONFIG_FUTURES_EXCHANGES,
                                                 &context.futures_exchanges);
    context.futures_status_count = config_list(c, CONFIG_FUTURES_INSTRUMENT_STATUSES,
                                               &context.futures_statuses);
    return context;
}

/* ---- coverage ---- */

static int page_max_of(const struct run *run, enum interval interval)
{
    int64_t ours = config_i64(run->client->config, CONFIG_INGESTION_MAX_API_LIMIT);
    int vendor = interval_infos[interval].page_max;
    return ours > 0 && ours < vendor ? (int)ours : vendor;
}

static bool is_empty(struct period_range range)
{
    return range.from_ts >= range.to_ts;
}

/* INGESTION_BACKFILL_ENABLED=false: only what follows the newest stored period; a series without
 * any starts with the newest closed one. */
static void cut_backfill(const struct run *run, struct selected *s, enum interval interval)
{
    if (config_bool(run->client->config, CONFIG_INGESTION_BACKFILL_ENABLED))
        return;
    int64_t from = s->want.to_ts - interval_infos[interval].step_s;
    for (size_t i = 0; i < run->coverage.count; i++)
        if (run->coverage.items[i].state == COVERAGE_STORED)
            from = run->coverage.items[i].to_ts;
    if (from > s->want.from_ts)
        s->want.from_ts = from < s->want.to_ts ? from : s->want.to_ts;
}

/* A series that is rechecked is wanted as far as it is known, unless the job says more. */
static void cut_to_known(const struct run *run, const struct checked_job *job, struct selected *s)
{
    const struct coverage_segment *segments = run->coverage.items;
    size_t count = run->coverage.count, first = 0;
    while (first < count && segments[first].state == COVERAGE_BEFORE_START)
        first++;
    struct period_range known = {s->want.to_ts, s->want.to_ts};
    if (first < count)
        known = (struct period_range){segments[first].from_ts, segments[count - 1].to_ts};
    if (job->from_utc_s == INT64_MIN && known.from_ts > s->want.from_ts)
        s->want.from_ts = known.from_ts;
    if (job->to_utc_s == INT64_MAX && known.to_ts < s->want.to_ts)
        s->want.to_ts = known.to_ts;
    if (s->want.from_ts > s->want.to_ts)
        s->want.from_ts = s->want.to_ts;
    if (job->from_utc_s == INT64_MIN) /* nobody needs to look for the start of history again */
        s->first_ts = s->want.from_ts;
}

/* What is to be asked for again is due now, and a confirmed hole stays one (coverage_is_confirmed).
 */
static void make_due(struct run *run)
{
    int64_t midnight = time_floor(run->now_utc_s, SECONDS_PER_DAY);
    int64_t now_utc_s = run->now_utc_s == midnight ? midnight - 1 : run->now_utc_s;
    for (size_t i = 0; i < run->coverage.count; i++) {
        struct coverage_segment *segment = &run->coverage.items[i];
        bool is_gap = segment->state == COVERAGE_EMPTY || segment->state == COVERAGE_REJECTED;
        if (is_gap || run->options.recheck == CCD_RECHECK_ALL)
            segment->next_check_utc_s = coverage_is_confirmed(segment) ? midnight : now_utc_s;
    }
}

/* Whether a page of the series is in the sample: the same one for the same seed. */
static bool is_sampled(const struct run *run, int64_t series_id, int64_t page)
{
    struct rng chance = {run->sample.seed};
    chance.state ^= rng_next(&chance) + (uint64_t)series_id;
    chance.state ^= rng_next(&chance) + (uint64_t)page;
    return (int64_t)rng_below(&chance, 100) < run->sample.percent;
}

static int64_t sample_page_s(const struct run *run, const struct operation *operation)
{
    return (int64_t)page_max_of(run, operation->job.interval) *
           interval_infos[operation->job.interval].step_s;
}

static bool is_any_sampled(const struct run *run, const struct operation *o, bool *out_any_page)
{
    int64_t page_s = sample_page_s(run, o);
    for (size_t i = 0; i < o->selection.count; i++) {
        const struct selected *s = &o->selection.items[i];
        for (int64_t ts = s->want.from_ts; s->error.status == CCD_OK && ts < s->want.to_ts;) {
            *out_any_page = true;
            if (is_sampled(run, s->names.series_id, time_floor(ts, page_s) / page_s))
                return true;
            ts = time_floor(ts, page_s) + page_s;
        }
    }
    return false;
}

void run_fill_sample(struct run *run, const struct operation *operation)
{
    bool any_page = false;
    while (run->sample.percent < 100 && !is_any_sampled(run, operation, &any_page) && any_page)
        run->sample.percent = 2 * run->sample.percent < 100 ? 2 * run->sample.percent : 100;
}

/* Leave what is in the sample due; the rest of `want` looks like what the vendor does not have, so
 * that nobody asks for it. Nothing of this is written. */
static int keep_sample(struct run *run, const struct operation *operation, const struct selected *s,
                       struct ccd_error *err)
{
    int64_t page_s = sample_page_s(run, operation);
    struct coverage_list kept = {0};
    int status = 0;
    for (int64_t ts = s->want.from_ts; ts < s->want.to_ts && status == 0;) {
        int64_t end_ts = time_floor(ts, page_s) + page_s;
        struct period_range page = {ts, end_ts < s->want.to_ts ? end_ts : s->want.to_ts};
        const struct coverage_segment left_out = {page.from_ts, page.to_ts, COVERAGE_AFTER_END,
                                                  run->now_utc_s, 0};
        if (is_sampled(run, s->names.series_id, time_floor(ts, page_s) / page_s))
            status = coverage_list_clip(&kept, &run->coverage, page, err);
        else
            status = coverage_list_add(&kept, &left_out, err);
        ts = page.to_ts;
    }
    coverage_list_release(&run->coverage);
    run->coverage = kept;
    coverage_list_merge(&run->coverage);
    return status;
}

/* Compacts the stored coverage when it has become many segments. */
int run_load_coverage(struct run *run, const struct operation *operation, struct selected *s,
                      struct ccd_error *err)
{
    const struct store_ops *ops = run->store->ops;
    int64_t step_s = interval_infos[operation->job.interval].step_s;
    if (coverage_list_load(&run->coverage, run->store, s->names.series_id, step_s, err) != 0)
        return err->status;
    size_t stored = run->coverage.count;
    coverage_list_merge(&run->coverage);
    if (run->options.recheck != CCD_RECHECK_DUE) {
        cut_to_known(run, &operation->job, s);
        make_due(run);
        if (run->sample.percent > 0)
            return keep_sample(run, operation, s, err);
    } else {
        cut_backfill(run, s, operation->job.interval);
    }
    if (run->plan || stored <= COMPACT_ABOVE || stored < 2 * run->coverage.count)
        return 0;
    return ops->compact_coverage(run->store, s->names.series_id, step_s, COMPACT_ABOVE, err);
}

/* ---- planning ---- */

/* The coverage as it will be when the operation begins, should the earlier ones go well. */
static int load_expected_coverage(struct run *run, const struct operation *o, size_t item,
                                  struct ccd_error *err)
{
    struct period_range inside = o->claimed[item];
    if (run_load_coverage(run, o, &o->selection.items[item], err) != 0)
        return err->status;
    if (is_empty(inside))
        return 0;
    const struct coverage_segment expected = {inside.from_ts, inside.to_ts, COVERAGE_STORED,
                                              run->now_utc_s, 0};
    int status = coverage_list_add(&run->coverage, &expected, err);
    if (status == 0)
        coverage_list_merge(&run->coverage);
    return status;
}

/* Count an operation's calls, for progress. */
static int measure(struct run *run, struct operation *o, struct ccd_error *err)
{
    for (size_t i = 0; i < o->selection.count; i++) {
        const struct selected *s = &o->selection.items[i];
        if (s->error.status != CCD_OK || is_empty(s->want))
            continue;
        if (load_expected_coverage(run, o, i, err) != 0)
            return err->status;
        o->calls_planned += plan_measure(s->want, interval_infos[o->job.interval].step_s,
                                         page_max_of(run, o->job.interval), run->coverage.items,
                                         run->coverage.count, run->now_utc_s)
                                .calls;
    }
    return 0;
}

static int select_operation(struct run *run, struct select_context *context, struct operation *o,
                            struct ccd_error *err)
{
    int status;
    if (run->options.recheck != CCD_RECHECK_DUE)
        status = select_stored(run->store, &o->job, run->now_utc_s, &o->selection, err);
    else if (operation_is_candles(o))
        status = select_series(context, &o->job, &o->selection, err);
    else
        status = run_choose_lists(run, o, err);
    if (status == 0 || run_must_end((enum ccd_status)status))
        return status;
    o->error = *err;
    error_clear(err);
    return 0;
}

int run_select(struct run *run, struct ccd_error *err)
{
    struct select_context context = select_context_of(run);
    int status = 0;
    for (size_t i = 0; i < run->operation_count && status == 0; i++)
        if (run->operations[i].error.status == CCD_OK)
            status = select_operation(run, &context, &run->operations[i], err);
    for (size_t i = 0; i < run->operation_count && status == 0; i++)
        warn_of_empty_range(run, &run->operations[i]);
    if (status == 0)
        status = run_cut_doubles(run, err);
    /* The first one's are counted by its session. */
    bool is_shown = !run->plan && run->options.progress;
    for (size_t i = 1; i < run->operation_count && status == 0 && is_shown; i++)
        if (operation_is_candles(&run->operations[i]))
            status = measure(run, &run->operations[i], err);
    return status;
}

/* ---- a plan's report ---- */

static int report_candles_plan(struct run *run, size_t index, struct ccd_error *err)
{
    struct operation *o = &run->operations[index];
    int status = report_candles(run->report, index, o->selection.count, err);
    for (size_t i = 0; i < o->selection.count && status == 0; i++) {
        struct selected *s = &o->selection.items[i];
        run->coverage.count = 0;
        if (s->error.status == CCD_OK)
            status = load_expected_coverage(run, o, i, err);
        if (status == 0)
            status = report_series_plan(run->report, index, i, s, o->job.interval,
                                        page_max_of(run, o->job.interval), run->coverage.items,
                                        run->coverage.count, run->now_utc_s, err);
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
    struct limiter_limits limits = vendor_limits(run->client->config);
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

int run_report_plan(struct run *run, struct ccd_error *err)
{
    const struct ccd_error none = {0};
    for (size_t i = 0; i < run->operation_count; i++) {
        const struct operation *o = &run->operations[i];
        int status = 0;
        if (o->error.status != CCD_OK)
            report_operation_error(run->report, i, &o->error);
        else
            status = operation_is_candles(o) ? report_candles_plan(run, i, err)
                                             : run_report_lists_plan(run, i, err);
        if (status != 0)
            return status;
        report_operation_end(run->report, i, &none);
    }
    price_plan(run);
    report_finish(run->report, &none);
    return 0;
}
