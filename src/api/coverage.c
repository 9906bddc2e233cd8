/* ccd_coverage_read: what is there of each stored series, what is not, and why. */
#include <stdlib.h>
#include <string.h>

#include "api/coverage_list.h"
#include "api/database.h"
#include "api/select_stored.h"
#include "api/series_list.h"
#include "base/time.h"
#include "engine/judge.h"

enum { REPORT_MAX_BYTES = 1 << 30 };

/* A series that the job asks for, by its id. */
struct wanted {
    int64_t series_id;
    struct ccd_covered_series *series;
};

struct coverage {
    struct ccd_coverage_report report; /* first, so that ccd_coverage_free finds the rest */
    struct arena arena;
    struct checked_job job;
    int64_t now_utc_s, settle_s;
    struct store *store;
    struct series_list list;
    struct ccd_covered_series *series; /* as in list */
    struct wanted *wanted;             /* ascending by series_id */
    size_t wanted_count;
};

const char *ccd_range_state_name(enum ccd_range_state state)
{
    static const char *const names[] = {
        [CCD_RANGE_STORED] = "stored",       [CCD_RANGE_MISSING] = "missing",
        [CCD_RANGE_EMPTY] = "empty",         [CCD_RANGE_BEFORE_START] = "before_start",
        [CCD_RANGE_AFTER_END] = "after_end", [CCD_RANGE_REJECTED] = "rejected",
    };
    return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "";
}

static enum ccd_range_state state_of(enum coverage_state state)
{
    static const enum ccd_range_state states[COVERAGE_STATE_COUNT] = {
        [COVERAGE_STORED] = CCD_RANGE_STORED,
        [COVERAGE_EMPTY] = CCD_RANGE_EMPTY,
        [COVERAGE_BEFORE_START] = CCD_RANGE_BEFORE_START,
        [COVERAGE_AFTER_END] = CCD_RANGE_AFTER_END,
        [COVERAGE_REJECTED] = CCD_RANGE_REJECTED,
    };
    return states[state];
}

static int no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for a report of the coverage");
}

static const char *keep(struct coverage *c, const char *text)
{
    return arena_copy_text(&c->arena, str_from(text));
}

/* ---- ranges of a series ---- */

/* The periods of the report: from the job, or from the first that is known to the newest closed. */
static struct period_range range_of(const struct coverage *c, const struct coverage_list *merged)
{
    int64_t step_s = c->report.step_s;
    size_t first = 0;
    while (first + 1 < merged->count && merged->items[first].state == COVERAGE_BEFORE_START)
        first++;
    struct period_range range = {
        .from_ts = merged->items[first].from_ts,
        .to_ts = time_floor(c->now_utc_s, step_s),
    };
    if (c->job.from_utc_s != INT64_MIN)
        range.from_ts = time_ceil(c->job.from_utc_s, step_s);
    if (c->job.to_utc_s < range.to_ts)
        range.to_ts = time_floor(c->job.to_utc_s, step_s);
    return range;
}

/* Append [from, to) to ranges that have room, or lengthen the last one by it. */
static void add_range(struct ccd_covered_series *series, struct ccd_range *ranges, int64_t step_s,
                      struct ccd_range range)
{
    if (range.from_ts >= range.to_ts)
        return;
    series->periods[range.state] += (range.to_ts - range.from_ts) / step_s;
    struct ccd_range *last = series->range_count > 0 ? &ranges[series->range_count - 1] : NULL;
    bool same = last && last->state == range.state &&
                last->next_check_utc_s == range.next_check_utc_s;
    if (same)
        last->to_ts = range.to_ts;
    else
        ranges[series->range_count++] = range;
}

static int64_t clamp(int64_t ts, struct period_range range)
{
    ts = ts > range.from_ts ? ts : range.from_ts;
    return ts < range.to_ts ? ts : range.to_ts;
}

static struct ccd_range missing(int64_t from_ts, int64_t to_ts)
{
    return (struct ccd_range){.from_ts = from_ts, .to_ts = to_ts, .state = CCD_RANGE_MISSING};
}

static struct ccd_range describe(const struct coverage_segment *segment, int64_t from_ts,
                                 int64_t to_ts)
{
    struct ccd_range range = {
        .from_ts = from_ts, .to_ts = to_ts, .state = state_of(segment->state)};
    if (range.state == CCD_RANGE_STORED)
        return range;
    range.asked_utc_s = segment->asked_utc_s;
    range.next_check_utc_s = segment->next_check_utc_s;
    range.is_confirmed = coverage_is_confirmed(segment);
    return range;
}

/* What lies between the segments was never fetched. */
static int fill_series(struct coverage *c, struct ccd_covered_series *series,
                       const struct coverage_list *merged, struct ccd_error *err)
{
    struct period_range range = range_of(c, merged);
    struct ccd_range *ranges = arena_alloc(&c->arena, (2 * merged->count + 1) * sizeof(*ranges));
    int64_t step_s = c->report.step_s, at = range.from_ts;
    if (!ranges)
        return no_memory(err);
    series->ranges = ranges;
    for (size_t i = 0; i < merged->count; i++) {
        const struct coverage_segment *segment = &merged->items[i];
        int64_t from_ts = clamp(segment->from_ts, range), to_ts = clamp(segment->to_ts, range);
        if (from_ts >= to_ts)
            continue;
        add_range(series, ranges, step_s, missing(at, from_ts));
        add_range(series, ranges, step_s, describe(segment, from_ts, to_ts));
        at = to_ts;
    }
    add_range(series, ranges, step_s, missing(at, range.to_ts));
    return 0;
}

static int compare_wanted(const void *a, const void *b)
{
    int64_t left = ((const struct wanted *)a)->series_id;
    int64_t right = ((const struct wanted *)b)->series_id;
    return (left > right) - (left < right);
}

static int give(void *user, int64_t series_id, const struct coverage_list *merged,
                struct ccd_error *err)
{
    struct coverage *c = user;
    const struct wanted key = {.series_id = series_id};
    const struct wanted *found = NULL;
    if (c->wanted_count > 0)
        found = bsearch(&key, c->wanted, c->wanted_count, sizeof(key), compare_wanted);
    return found ? fill_series(c, found->series, merged, err) : 0;
}

/* ---- series ---- */

static int want_series(struct coverage *c, const struct listed_series *listed,
                       struct ccd_error *err)
{
    struct ccd_covered_series *series = &c->series[c->wanted_count];
    c->wanted[c->wanted_count++] = (struct wanted){
        .series_id = series_id_of(c->job.type->name, str_from(listed->market),
                                  str_from(listed->instrument)),
        .series = series,
    };
    series->market = keep(c, listed->market);
    series->instrument = keep(c, listed->instrument);
    series->mapped_instrument = keep(c, listed->mapped_instrument);
    bool kept = series->market && series->instrument && series->mapped_instrument;
    return kept ? 0 : no_memory(err);
}

static int want_all(struct coverage *c, struct ccd_error *err)
{
    size_t count = c->list.count + 1; /* never nothing */
    c->series = arena_alloc(&c->arena, count * sizeof(*c->series));
    c->wanted = mem_new(NULL, count, sizeof(*c->wanted));
    int status = c->series && c->wanted ? 0 : no_memory(err);
    for (size_t i = 0; i < c->list.count && status == 0; i++)
        if (job_wants_stored(c->job.job, &c->list.items[i]))
            status = want_series(c, &c->list.items[i], err);
    if (status == 0 && c->wanted_count > 1)
        qsort(c->wanted, c->wanted_count, sizeof(*c->wanted), compare_wanted);
    return status;
}

/* Series of which nothing is known in this interval are left out. */
static void drop_unknown(struct coverage *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->wanted_count; i++)
        if (c->series[i].ranges)
            c->series[kept++] = c->series[i];
    c->report.series = c->series;
    c->report.series_count = kept;
}

/* ---- all of it ---- */

static int check(struct coverage *c, const struct ccd_job *job, struct ccd_error *err)
{
    int status = select_check(job, &c->job, err);
    if (status == 0 && c->job.type->shape != SHAPE_CANDLES)
        status = error_set(err, CCD_USAGE,
                           "%s has no candles, so it has no coverage; see: ccdata list",
                           c->job.type->name);
    if (status != 0)
        return status;
    c->report.data_type = c->job.type->name;
    c->report.interval = interval_infos[c->job.interval].name;
    c->report.step_s = interval_infos[c->job.interval].step_s;
    c->report.final_before_ts = judge_final_before(c->now_utc_s, c->settle_s, c->report.step_s);
    return 0;
}

static int read_all(struct coverage *c, struct ccd_client *client, struct ccd_error *err)
{
    struct database database;
    int status = database_config(client, NULL, &database, err);
    if (status == 0) {
        database.config.read_only = true;
        c->report.database = keep(c, buf_str(&database.shown).ptr);
        status = c->report.database ? store_open(&database.config, &c->store, err) : no_memory(err);
    }
    if (status == 0)
        status = series_list_load(&c->list, c->store, c->job.type, err);
    if (status == 0)
        status = want_all(c, err);
    if (status == 0)
        status = coverage_list_each(c->store, c->job.type, c->job.interval, give, c, err);
    if (status == 0)
        drop_unknown(c);
    store_close(c->store);
    series_list_release(&c->list);
    mem_free(NULL, c->wanted);
    database_release(&database);
    return status;
}

int ccd_coverage_read(struct ccd_client *client, const struct ccd_job *job,
                      struct ccd_coverage_report **out_report, struct ccd_error *err)
{
    struct ccd_job given = CCD_JOB_INIT;
    memcpy(&given, job, job->size < sizeof(given) ? job->size : sizeof(given));
    struct coverage *c = mem_new(NULL, 1, sizeof(*c));
    if (!c)
        return no_memory(err);
    arena_init(&c->arena, REPORT_MAX_BYTES, NULL);
    c->now_utc_s = clock_utc_s(&client->clock);
    c->settle_s = config_i64(client->config, CONFIG_CCDATA_SETTLE_SECONDS);
    int status = check(c, &given, err);
    if (status == 0)
        status = read_all(c, client, err);
    c->job.job = NULL; /* given ends with this call */
    if (status != 0) {
        ccd_coverage_free(&c->report);
        return status;
    }
    *out_report = &c->report;
    return 0;
}

void ccd_coverage_free(struct ccd_coverage_report *report)
{
    struct coverage *c = (struct coverage *)report;
    if (!c)
        return;
    arena_release(&c->arena);
    mem_free(NULL, c);
}
