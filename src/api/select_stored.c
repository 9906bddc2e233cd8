#include "api/select_stored.h"

#include "api/match.h"
#include "api/select_parts.h"
#include "engine/plan.h"

bool job_wants_stored(const struct ccd_job *job, const struct listed_series *series)
{
    struct patterns markets = {job->exchanges, job->exchange_count};
    struct patterns instruments = {job->instruments, job->instrument_count};
    if (job->market)
        markets = (struct patterns){&job->market, 1};
    if (job->instrument)
        instruments = (struct patterns){&job->instrument, 1};
    return patterns_match(&markets, str_from(series->market)) &&
           (patterns_match(&instruments, str_from(series->instrument)) ||
            patterns_match(&instruments, str_from(series->mapped_instrument)));
}

static int add_stored(const struct listed_series *series, const struct checked_job *job,
                      int64_t now_utc_s, struct selection *out, struct ccd_error *err)
{
    struct selected *item = selection_add(out, err);
    if (!item)
        return err->status;
    int64_t step_s = interval_infos[job->interval].step_s;
    struct period_range all = {step_s, job->to_utc_s}; /* a record with the time 0 is refused */
    if (job->from_utc_s > step_s)
        all.from_ts = job->from_utc_s;
    item->want = plan_closed(all, step_s, now_utc_s);
    return listed_series_names(series, job->type, &item->names, err);
}

int select_stored(struct store *store, const struct checked_job *job, int64_t now_utc_s,
                  struct selection *out, struct ccd_error *err)
{
    struct series_list list = {0};
    *out = (struct selection){0};
    int status = series_list_load(&list, store, job->type, err);
    for (size_t i = 0; i < list.count && status == 0; i++)
        if (job_wants_stored(job->job, &list.items[i]))
            status = add_stored(&list.items[i], job, now_utc_s, out, err);
    if (status == 0 && out->count == 0)
        status = error_set(err, CCD_USAGE, "no stored series of %s match: see 'ccdata coverage %s'",
                           job->type->name, job->type->name);
    series_list_release(&list);
    if (status != 0)
        selection_release(out);
    return status;
}
