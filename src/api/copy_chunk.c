/* One chunk of a series: what the destination lacks of it, in one transaction. */
#include "api/copy.h"

static const int64_t lock_slice_ms = 250; /* of a wait, so that a stop is seen */

/* ---- reading ---- */

int copy_read(struct copy *c, const struct copy_series *s, struct period_range range,
              struct batch *batch, int64_t *collected_utc_s, struct ccd_error *err)
{
    struct store *store = c->from.store;
    int attempts = 0, status;
    do {
        status = store->ops->read_rows(store, s->type, s->interval, s->names.series_id, range,
                                       batch, collected_utc_s, err);
    } while (status != 0 && scan_again(&c->scan, &attempts, err));
    return status;
}

int copy_load_coverage(struct copy *c, struct endpoint *endpoint, const struct copy_series *s,
                       struct coverage_list *list, struct ccd_error *err)
{
    int attempts = 0, status;
    do {
        status = coverage_list_load(list, endpoint->store, s->names.series_id, s->step_s, err);
    } while (status != 0 && scan_again(&c->scan, &attempts, err));
    return status;
}

/* ---- writing ---- */

void copy_close_writer(struct copy *c)
{
    if (c->writer)
        c->writer->ops->writer_close(c->writer);
    c->writer = NULL;
}

static int lock(struct copy *c, const struct copy_series *s, struct ccd_error *err)
{
    struct store *store = c->to.store;
    if (c->locked)
        return 0;
    int64_t deadline_us = clock_mono_us(NULL) + c->options.lock_wait_s * 1000000;
    int status = store->ops->lock(store, s->type, s->interval, 0, err);
    if (status == CCD_LOCKED && c->options.lock_wait_s > 0)
        log_info(&c->client->log, NULL, "another run writes %s %s: waiting up to %lld s for it",
                 s->type->name, interval_infos[s->interval].name,
                 (long long)c->options.lock_wait_s);
    while (status == CCD_LOCKED && clock_mono_us(NULL) < deadline_us) {
        if (scan_step(&c->scan, err) != 0)
            return err->status;
        status = store->ops->lock(store, s->type, s->interval, lock_slice_ms, err);
    }
    c->locked = status == 0;
    return status;
}

static enum store_outcome put_once(struct copy *c, const struct store_page *page,
                                   struct store_page_result *out_result, struct ccd_error *err)
{
    struct store *store = c->to.store;
    enum store_outcome outcome = STORE_ROLLED_BACK;
    *out_result = (struct store_page_result){0};
    if (!c->writer && store->ops->writer_open(store, &c->writer, err) != 0)
        return outcome;
    int status = store->ops->writer_begin(c->writer, err);
    if (status == 0)
        status = store->ops->writer_put(c->writer, page, out_result, err);
    if (status == 0)
        outcome = store->ops->writer_commit(c->writer, err);
    else
        store->ops->writer_rollback(c->writer);
    if (outcome == STORE_UNKNOWN ||
        (outcome == STORE_ROLLED_BACK && ccd_status_action(err->status) == CCD_ACTION_RECONNECT))
        copy_close_writer(c);
    return outcome;
}

/* Whether the coverage of the source says nothing about the chunk that the destination does not
 * know: merging it in changes nothing. Compared with what is stored, not with its merged form, so
 * that a chunk that was copied is known for ever. */
static int is_known(struct copy *c, struct period_range chunk, bool *out_known,
                    struct ccd_error *err)
{
    c->before.count = c->after.count = c->segments.count = 0;
    int status = coverage_list_clip(&c->segments, &c->source, chunk, err);
    if (status == 0)
        status = coverage_list_clip(&c->before, &c->stored, chunk, err);
    if (status == 0)
        status = coverage_list_clip(&c->after, &c->stored, chunk, err);
    if (status == 0)
        status = coverage_list_clip(&c->after, &c->segments, chunk, err);
    if (status != 0)
        return status;
    coverage_list_merge(&c->before);
    coverage_list_merge(&c->after);
    *out_known = coverage_list_equal(&c->before, &c->after);
    return 0;
}

/* After the answer to a commit was lost: look, instead of guessing. */
static int look_again(struct copy *c, const struct copy_series *s, const struct store_page *page,
                      struct period_range chunk, bool *out_there, struct ccd_error *err)
{
    *out_there = false;
    if (page->segment_count == 0) /* written again, rows that are there stay as they are */
        return 0;
    int status = copy_load_coverage(c, &c->to, s, &c->stored, err);
    return status == 0 ? is_known(c, chunk, out_there, err) : status;
}

static int put(struct copy *c, const struct copy_series *s, struct store_page *page,
               struct period_range chunk, struct store_page_result *out_result,
               struct ccd_error *err)
{
    if (lock(c, s, err) != 0)
        return err->status;
    for (int attempts = 0;;) {
        struct ccd_error why = {0};
        enum store_outcome outcome = put_once(c, page, out_result, &why);
        if (outcome == STORE_COMMITTED)
            return 0;
        if (outcome == STORE_UNKNOWN) {
            bool there;
            error_set(&why, CCD_DATABASE_UNREACHABLE, "the answer to a commit was lost");
            int status = look_again(c, s, page, chunk, &there, err);
            *out_result = (struct store_page_result){.inserted = (int64_t)page->batch->row_count};
            if (status != 0 || there)
                return status;
        }
        page->fresh = false;
        if (!scan_again(&c->scan, &attempts, &why)) {
            *err = why;
            return why.status;
        }
    }
}

/* Rows of a range, and with them the segments of c->segments. *out_written: something is new. */
static int copy_range(struct copy *c, const struct copy_series *s, struct period_range range,
                      bool with_segments, bool *out_written, struct ccd_error *err)
{
    struct store_page_result result;
    int status = copy_read(c, s, range, &c->rows, c->collected_utc_s, err);
    if (status != 0)
        return status;
    if (c->rows.row_count > ENDPOINT_ROWS)
        return error_set(err, CCD_DATABASE_DATA,
                         "%s %s %s %s in %s has rows between the periods of its interval",
                         s->type->name, s->names.market, s->names.instrument,
                         interval_infos[s->interval].name, c->from.name);
    if (c->rows.row_count == 0 && !with_segments)
        return 0;
    struct store_page page = {
        .type = s->type,
        .interval = s->interval,
        .series = &s->names,
        .batch = &c->rows,
        .fresh = c->stored.count == 0,
        .collected_utc_s = c->rows.row_count > 0 ? c->collected_utc_s[0] : 0,
        .row_collected_utc_s = c->collected_utc_s,
        .final_before_ts = range.to_ts,
        .segments = c->segments.items,
        .segment_count = with_segments ? c->segments.count : 0,
        .run_id = c->run_id,
    };
    status = put(c, s, &page, range, &result, err);
    if (status != 0)
        return status;
    c->part->rows_read += (int64_t)c->rows.row_count;
    c->part->rows_written += result.inserted + result.changed;
    c->scan.now.rows += (int64_t)c->rows.row_count;
    *out_written |= with_segments || result.inserted + result.changed > 0;
    return 0;
}

/* Rows that no coverage claims: too young to be final when they were stored. */
static int copy_uncovered(struct copy *c, const struct copy_series *s, struct period_range chunk,
                          bool *out_written, struct ccd_error *err)
{
    struct period_range gap = {.from_ts = chunk.from_ts};
    for (size_t i = 0; i <= c->segments.count; i++) {
        gap.to_ts = i < c->segments.count ? c->segments.items[i].from_ts : chunk.to_ts;
        if (gap.from_ts < gap.to_ts && copy_range(c, s, gap, false, out_written, err) != 0)
            return err->status;
        gap.from_ts = i < c->segments.count ? c->segments.items[i].to_ts : chunk.to_ts;
    }
    return 0;
}

int copy_chunk(struct copy *c, const struct copy_series *s, struct period_range chunk,
               struct ccd_error *err)
{
    bool known, written = false;
    int status = is_known(c, chunk, &known, err);
    if (status != 0)
        return status;
    status = known && !c->options.full ? copy_uncovered(c, s, chunk, &written, err)
                                       : copy_range(c, s, chunk, !known, &written, err);
    if (status == 0) {
        c->part->chunks_copied += written;
        c->part->chunks_skipped += !written;
    }
    return status;
}
