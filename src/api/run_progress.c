#include "api/run.h"
#include "base/time.h"

static void keep_larger(int64_t *shown, int64_t now)
{
    if (now > *shown)
        *shown = now;
}

/* An operation may turn out to need fewer calls than were planned for it, but a bar that runs
 * backwards is worse than one that jumps at the end. */
static void grow(struct ccd_progress *shown, const struct ccd_progress *now)
{
    keep_larger(&shown->series_total, now->series_total);
    keep_larger(&shown->series_done, now->series_done);
    keep_larger(&shown->calls_planned, now->calls_planned);
    keep_larger(&shown->calls_done, now->calls_done);
    keep_larger(&shown->rows_fetched, now->rows_fetched);
    keep_larger(&shown->rows_written, now->rows_written);
    keep_larger(&shown->elapsed_ms, now->elapsed_ms);
}

static struct ccd_progress sum(const struct ccd_progress *done, const struct ccd_progress *current)
{
    struct ccd_progress all = *current;
    all.series_total += done->series_total;
    all.series_done += done->series_done;
    all.calls_planned += done->calls_planned;
    all.calls_done += done->calls_done;
    all.rows_fetched += done->rows_fetched;
    all.rows_written += done->rows_written;
    return all;
}

void run_progress_show(void *user, const struct ccd_progress *current)
{
    struct run *run = user;
    struct run_progress *p = &run->progress;
    struct ccd_progress all = sum(&p->done, current);
    p->current = *current;
    all.series_total += p->series_later;
    all.calls_planned += p->calls_later;
    grow(&p->shown, &all);
    all = p->shown;
    all.in_flight = current->in_flight;
    all.waiting_ms = current->waiting_ms;
    all.waiting_for = current->waiting_for;
    all.eta_s = -1;
    if (all.calls_done > 0)
        all.eta_s = (all.calls_planned - all.calls_done) * all.elapsed_ms / all.calls_done / 1000;
    if (run->options.progress)
        run->options.progress(run->options.progress_user, &all);
}

static int64_t part_count(const struct operation *o)
{
    return (int64_t)(operation_is_candles(o) ? o->selection.count : o->target_count);
}

void run_progress_begin(struct run *run, size_t index)
{
    struct run_progress *p = &run->progress;
    p->current = (struct ccd_progress){0};
    p->series_later = p->calls_later = 0;
    for (size_t i = index + 1; i < run->operation_count; i++) {
        p->series_later += part_count(&run->operations[i]);
        p->calls_later += run->operations[i].calls_planned;
    }
}

void run_progress_list(struct run *run, size_t index, const struct list_outcome *outcome)
{
    struct ccd_progress now = run->progress.current;
    now.series_total = part_count(&run->operations[index]);
    now.series_done++;
    now.calls_done += outcome->calls;
    keep_larger(&now.calls_planned, run->operations[index].calls_planned);
    keep_larger(&now.calls_planned, now.calls_done);
    now.rows_fetched += list_rows_fetched(outcome);
    now.rows_written += list_rows_written(outcome);
    now.elapsed_ms = (clock_mono_us(&run->client->clock) - run->started_us) / 1000;
    run_progress_show(run, &now);
}

void run_progress_end(struct run *run)
{
    run->progress.done = sum(&run->progress.done, &run->progress.current);
}
