#include "api/select_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "engine/plan.h"

enum { SELECTION_MAX = 200000 };

/* Without a back-fill bound and without a known first trade: the first block of Bitcoin. */
const int64_t select_earliest_ts = 1230940800;

/* ---- the list being built ---- */

void selection_release(struct selection *s)
{
    mem_free(s->allocator, s->items);
    *s = (struct selection){0};
}

struct selected *selection_add(struct selection *s, struct ccd_error *err)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 64;
        struct selected *bigger = NULL;
        if (capacity <= SELECTION_MAX)
            bigger = mem_resize(s->allocator, s->items, capacity, sizeof(*bigger));
        if (!bigger) {
            error_set(err, CCD_NO_MEMORY, "no memory for a selection of %zu series", capacity);
            return NULL;
        }
        s->items = bigger;
        s->capacity = capacity;
    }
    struct selected *item = &s->items[s->count++];
    *item = (struct selected){0};
    return item;
}

int selection_add_failed(struct selection *s, const char *market, const char *instrument,
                         const struct ccd_error *why, struct ccd_error *err)
{
    struct selected *item = selection_add(s, err);
    if (!item)
        return err->status;
    str_copy(item->names.market, sizeof(item->names.market), str_from(market));
    str_copy(item->names.instrument, sizeof(item->names.instrument), str_from(instrument));
    str_copy(item->names.mapped_instrument, sizeof(item->names.mapped_instrument),
             str_from(instrument));
    item->error = *why;
    return 0;
}

int selection_add_unknown(struct selection *s, const char *market, const char *instrument,
                          const char *why, struct ccd_error *err)
{
    struct ccd_error unknown = {0};
    error_set(&unknown, CCD_UNKNOWN_AT_VENDOR, "%s", why);
    return selection_add_failed(s, market, instrument, &unknown, err);
}

struct period_range select_want(const struct select_context *c, const struct checked_job *job,
                                int64_t first_ts, int64_t end_ts)
{
    int64_t step_s = interval_infos[job->interval].step_s;
    int64_t now = c->lists->now_utc_s;
    int64_t from = job->from_utc_s;
    if (from == INT64_MIN)
        from = c->backfill_days > 0 ? now - c->backfill_days * SECONDS_PER_DAY : select_earliest_ts;
    if (first_ts > 0 && time_floor(first_ts, step_s) > from)
        from = time_floor(first_ts, step_s);
    int64_t to = job->to_utc_s;
    if (end_ts > 0 && time_floor(end_ts, step_s) + step_s < to)
        to = time_floor(end_ts, step_s) + step_s;
    /* A range that begins in the middle of a period leaves that period out, but for the back-fill
     * bound, which is a distance and not a moment somebody named. */
    if (job->from_utc_s == INT64_MIN)
        from = time_floor(from, step_s);
    if (from < step_s) /* a record with the time 0 is refused: it says nothing */
        from = step_s;
    return plan_closed((struct period_range){from, to}, step_s, now);
}

/* ---- the whole ---- */

struct place {
    int64_t series_id;
    size_t index;
};

static int by_series(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->series_id != y->series_id)
        return x->series_id < y->series_id ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* A series that was named twice, or that a catalogue lists under two names, is fetched once. */
static int drop_doubles(const struct select_context *c, struct selection *s, struct ccd_error *err)
{
    struct place *places = mem_new(c->lists->allocator, s->count + 1, sizeof(*places));
    bool *drop = mem_new(c->lists->allocator, s->count + 1, sizeof(*drop));
    if (!places || !drop) {
        mem_free(c->lists->allocator, places);
        mem_free(c->lists->allocator, drop);
        return error_set(err, CCD_NO_MEMORY, "no memory for a selection of %zu series", s->count);
    }
    size_t known = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].error.status == CCD_OK)
            places[known++] = (struct place){s->items[i].names.series_id, i};
    qsort(places, known, sizeof(*places), by_series);
    for (size_t i = 1; i < known; i++)
        drop[places[i].index] = places[i].series_id == places[i - 1].series_id;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++)
        if (!drop[i])
            s->items[kept++] = s->items[i];
    s->count = kept;
    mem_free(c->lists->allocator, places);
    mem_free(c->lists->allocator, drop);
    return 0;
}

/* A run that found nothing to do must not look like one that had nothing left to do. */
static int refuse_nothing(const struct checked_job *job, struct selection *out,
                          struct ccd_error *err)
{
    const struct ccd_job *j = job->job;
    const char *market = j->market ? j->market : j->exchange_count > 0 ? j->exchanges[0] : "*";
    const char *instrument = job_pattern_count(j) > 0 ? job_pattern(j, 0) : "*";
    return selection_add_unknown(
        out, market, instrument,
        select_needs_grades(job)
            ? "no pair is left: none on an exchange that is graded well enough (--min_grade, BB), "
              "of "
              "the top assets (--asset_limit) and in these quotes (--quotes) is listed; widen one, "
              "or name the market with --specific_market"
            : "nothing at the vendor matches: no instrument of these names has data of this type",
        err);
}

int select_series(struct select_context *c, const struct checked_job *job, struct selection *out,
                  struct ccd_error *err)
{
    *out = (struct selection){.allocator = c->lists->allocator};
    int status = job->type->catalogue ? select_from_catalogues(c, job, out, err)
                                      : select_indices(c, job, out, err);
    if (status == 0)
        status = drop_doubles(c, out, err);
    if (status == 0)
        select_rank_pairs(job, out);
    if (status == 0 && out->count == 0)
        status = refuse_nothing(job, out, err);
    if (status != 0)
        selection_release(out);
    return status;
}
