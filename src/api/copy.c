/* ccd_copy: series with attributes, rows with coverage, metadata. */
#include "api/copy.h"

#include <string.h>
#include <unistd.h>

#include "base/time.h"

enum {
    PUT_AT_ONCE = 500,  /* series */
    COMPACT_ABOVE = 64, /* as in a run */
    LOCK_WAIT_S = 300,
    TEXT_MAX_BYTES = 256 << 20,
};

/* ---- where the chunks of a series are ---- */

static int find_row(struct copy *c, const struct copy_series *s, struct period_range range,
                    int64_t *out_ts, bool *out_found, struct ccd_error *err)
{
    *out_found = false;
    if (range.from_ts >= range.to_ts)
        return 0;
    int status = copy_read(c, s, range, &c->probe, NULL, err);
    if (status == 0 && c->probe.row_count > 0) {
        size_t column = (size_t)data_type_column_flagged(s->type, COLUMN_TS);
        *out_ts = batch_cell(&c->probe, 0, column)->i64;
        *out_found = true;
    }
    return status;
}

/* The first segment of the source that ends after `at`; count when there is none. Chunks ascend, so
 * the search goes on where it ended. */
static size_t segment_after(const struct copy *c, size_t cursor, int64_t at)
{
    while (cursor < c->source.count && c->source.items[cursor].to_ts <= at)
        cursor++;
    return cursor;
}

/* A stretch of years before the first trade is one segment without rows: one chunk, too. */
static int widen(struct copy *c, const struct copy_series *s, const struct coverage_segment *first,
                 int64_t chunk_s, struct period_range *chunk, struct ccd_error *err)
{
    int64_t end = time_floor(first->to_ts, chunk_s);
    if (first->state == COVERAGE_STORED || first->from_ts > chunk->from_ts || end <= chunk->to_ts)
        return 0;
    int64_t ts;
    bool found;
    struct period_range wide = {chunk->from_ts, end};
    int status = find_row(c, s, wide, &ts, &found, err);
    if (status == 0 && !found)
        *chunk = wide;
    return status;
}

/* The first chunk that begins at or after `at` and of which the source has rows or coverage. */
static int next_chunk(struct copy *c, const struct copy_series *s, int64_t at, size_t *cursor,
                      struct period_range *out_chunk, bool *out_found, struct ccd_error *err)
{
    const struct period_range all = endpoint_all_time();
    const int64_t chunk_s = ENDPOINT_ROWS * s->step_s;
    *cursor = segment_after(c, *cursor, at);
    const struct coverage_segment *segment = NULL;
    if (*cursor < c->source.count)
        segment = &c->source.items[*cursor];
    int64_t target = segment ? segment->from_ts : all.to_ts;
    target = target > at ? target : at;
    bool row;
    int status = find_row(c, s, (struct period_range){at, target}, &target, &row, err);
    if (status != 0)
        return status;
    *out_found = row || segment;
    out_chunk->from_ts = time_floor(target, chunk_s);
    out_chunk->from_ts = out_chunk->from_ts > at ? out_chunk->from_ts : at;
    out_chunk->to_ts = time_floor(target, chunk_s) + chunk_s;
    return segment ? widen(c, s, segment, chunk_s, out_chunk, err) : 0;
}

static int copy_chunks(struct copy *c, const struct copy_series *s, bool *out_any,
                       struct ccd_error *err)
{
    struct period_range chunk;
    size_t cursor = 0;
    bool found;
    int64_t at = endpoint_all_time().from_ts;
    if (c->source.count > 0 && c->source.items[0].from_ts < at)
        at = c->source.items[0].from_ts;
    for (;; at = chunk.to_ts) {
        if (scan_step(&c->scan, err) != 0 ||
            next_chunk(c, s, at, &cursor, &chunk, &found, err) != 0)
            return err->status;
        if (!found)
            return 0;
        *out_any = true;
        if (copy_chunk(c, s, chunk, err) != 0)
            return err->status;
    }
}

/* ---- a series ---- */

static int copy_one(struct copy *c, const struct copy_series *s, struct ccd_error *err)
{
    const int64_t copied_before = c->part->chunks_copied;
    bool any = false;
    int status = copy_load_coverage(c, &c->from, s, &c->source, err);
    if (status == 0)
        status = copy_load_coverage(c, &c->to, s, &c->stored, err);
    if (status != 0)
        return status;
    size_t segments = c->stored.count;
    coverage_list_merge(&c->source);
    status = copy_chunks(c, s, &any, err);
    c->part->series += any;
    segments += (size_t)(c->part->chunks_copied - copied_before);
    if (status == 0 && c->part->chunks_copied > copied_before && segments > COMPACT_ABOVE)
        status = c->to.store->ops->compact_coverage(c->to.store, s->names.series_id, s->step_s,
                                                    COMPACT_ABOVE, err);
    return status;
}

static int copy_interval(struct copy *c, const struct data_type *type, enum interval interval,
                         const struct series_list *list, struct copy_report *report,
                         struct ccd_error *err)
{
    struct copy_series s = {
        .type = type,
        .interval = interval,
        .step_s = interval_infos[interval].step_s,
    };
    int status = 0;
    c->part = copy_report_part(report, type->name, interval_infos[interval].name);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        status = listed_series_names(&list->items[i], type, &s.names, err);
        if (status == 0)
            status = copy_one(c, &s, err);
        if (status != 0 && ccd_status_action(err->status) == CCD_ACTION_SKIP_SERIES) {
            log_error(&c->client->log, NULL, "%s", err->message);
            copy_report_failed(report, err);
            c->part->series_failed++;
            status = 0;
        }
        c->scan.now.parts_done++;
    }
    if (c->locked)
        c->to.store->ops->unlock(c->to.store, type, interval);
    c->locked = false;
    return status;
}

/* ---- names and attributes ---- */

/* Whether the source has an attribute that is newer than what the destination has. */
static bool has_news(const struct listed_series *ours, const struct listed_series *theirs,
                     size_t attribute_count)
{
    for (size_t i = 0; ours->attributes && i < attribute_count; i++) {
        if (ours->attributes[i].kind == VALUE_NULL)
            continue;
        if (!theirs || !theirs->attributes || theirs->attributes[i].kind == VALUE_NULL ||
            theirs->attribute_ts[i] < ours->attribute_ts[i] ||
            (theirs->attribute_ts[i] == ours->attribute_ts[i] &&
             !value_equal(&theirs->attributes[i], &ours->attributes[i])))
            return true;
    }
    return false;
}

static int put_attributes(struct copy *c, const struct data_type *type,
                          const struct listed_series *series, size_t attribute_count,
                          struct ccd_error *err)
{
    struct series_names names;
    int attempts = 0;
    int status = listed_series_names(series, type, &names, err);
    const struct store_series given = {
        .names = &names,
        .attributes = series->attributes,
        .attribute_ts = series->attribute_ts,
        .attribute_count = attribute_count,
    };
    if (status != 0)
        return status;
    do {
        status = c->to.store->ops->put_attributes(c->to.store, &given, err);
    } while (status != 0 && scan_again(&c->scan, &attempts, err));
    return status;
}

static int put_names(struct copy *c, const struct data_type *type, const struct series_names *names,
                     size_t count, struct ccd_error *err)
{
    int attempts = 0, status = 0;
    do {
        if (count > 0)
            status = c->to.store->ops->put_series(c->to.store, type, names, count, err);
    } while (status != 0 && scan_again(&c->scan, &attempts, err));
    return status;
}

/* names: room for PUT_AT_ONCE. */
static int put_missing(struct copy *c, const struct data_type *type, const struct series_list *ours,
                       const struct series_list *theirs, struct series_names *names,
                       struct ccd_error *err)
{
    const struct listed_series *here, *there;
    size_t count = 0, ours_at = 0, theirs_at = 0;
    int status = 0;
    while (status == 0 && series_list_pair(ours, &ours_at, theirs, &theirs_at, &here, &there)) {
        if (!here || (there && strcmp(here->mapped_instrument, there->mapped_instrument) == 0))
            continue;
        status = listed_series_names(here, type, &names[count], err);
        if (status == 0 && ++count == PUT_AT_ONCE) {
            status = put_names(c, type, names, count, err);
            count = 0;
        }
    }
    return status == 0 ? put_names(c, type, names, count, err) : status;
}

static int put_news(struct copy *c, const struct data_type *type, const struct series_list *ours,
                    const struct series_list *theirs, struct ccd_error *err)
{
    const struct listed_series *here, *there;
    size_t ours_at = 0, theirs_at = 0;
    int status = 0;
    while (status == 0 && series_list_pair(ours, &ours_at, theirs, &theirs_at, &here, &there)) {
        if (here && has_news(here, there, ours->attribute_count))
            status = put_attributes(c, type, here, ours->attribute_count, err);
        if (status == 0)
            status = scan_step(&c->scan, err);
    }
    return status;
}

static int copy_names(struct copy *c, const struct data_type *type, const struct series_list *ours,
                      struct ccd_error *err)
{
    struct series_list theirs = {0};
    struct series_names *names = mem_new(NULL, PUT_AT_ONCE, sizeof(*names));
    int status = names ? series_list_load(&theirs, c->to.store, type, err)
                       : error_set(err, CCD_NO_MEMORY, "no memory for %d names", PUT_AT_ONCE);
    if (status == 0)
        status = put_missing(c, type, ours, &theirs, names, err);
    if (status == 0)
        status = put_news(c, type, ours, &theirs, err);
    series_list_release(&theirs);
    mem_free(NULL, names);
    return status;
}

static int copy_type(struct copy *c, size_t index, struct copy_report *report,
                     struct ccd_error *err)
{
    const struct data_type *type = data_types[index];
    int status = batch_reset(&c->rows, type, ENDPOINT_ROWS + 1, err);
    if (status == 0)
        status = batch_reset(&c->probe, type, 1, err);
    if (status == 0)
        status = copy_names(c, type, &c->lists[index], err);
    for (int i = 0; i < INTERVAL_COUNT && status == 0; i++)
        status = copy_interval(c, type, (enum interval)i, &c->lists[index], report, err);
    return status;
}

/* ---- all of it ---- */

static int load_lists(struct copy *c, struct ccd_error *err)
{
    size_t series = 0;
    bool has_candles = false;
    int status = series_lists_load(&c->lists, c->from.store, &c->choice, err);
    for (size_t i = 0; i < data_type_count && status == 0; i++) {
        series += c->lists[i].count;
        has_candles |= c->choice.chosen[i] && data_types[i]->shape == SHAPE_CANDLES;
        if (c->choice.chosen[i])
            c->scan.now.parts_total += (int64_t)c->lists[i].count * INTERVAL_COUNT;
    }
    if (status == 0 && series == 0 && has_candles)
        log_warning(&c->client->log, NULL, "%s has no series of these types", c->from.name);
    return status;
}

static int copy_all(struct copy *c, struct copy_report *report, struct ccd_error *err)
{
    int status = load_lists(c, err);
    for (size_t i = 0; i < data_type_count && status == 0; i++) {
        if (!c->choice.chosen[i])
            continue;
        status = data_types[i]->shape == SHAPE_CANDLES
                     ? copy_type(c, i, report, err)
                     : copy_metadata(c, data_types[i], report, err);
    }
    return status;
}

static void release(struct copy *c)
{
    copy_close_writer(c);
    endpoint_close(&c->from);
    endpoint_close(&c->to);
    series_lists_free(c->lists);
    batch_release(&c->rows);
    batch_release(&c->probe);
    coverage_list_release(&c->source);
    coverage_list_release(&c->stored);
    coverage_list_release(&c->segments);
    coverage_list_release(&c->before);
    coverage_list_release(&c->after);
    mem_free(NULL, c);
}

static int start(struct copy *c, const struct ccd_copy_options *options, struct ccd_error *err)
{
    struct ccd_copy_options defaults = CCD_COPY_INIT;
    c->options = defaults;
    memcpy(&c->options, options,
           options->size < sizeof(defaults) ? options->size : sizeof(defaults));
    if (c->options.lock_wait_s < 0)
        c->options.lock_wait_s = LOCK_WAIT_S;
    scan_init(&c->scan, c->client, c->options.progress, c->options.progress_user);
    buf_init(&c->rows.text, TEXT_MAX_BYTES, NULL);
    buf_init(&c->probe.text, TEXT_MAX_BYTES, NULL);
    int status = type_choice_init(&c->choice, c->options.types, c->options.type_count, err);
    if (status == 0)
        status = endpoint_check_pair("--from", c->options.from, "--to", c->options.to, err);
    if (status == 0)
        status = endpoint_open(&c->from, c->client, "--from", c->options.from, ENDPOINT_READ, err);
    if (status == 0)
        status = endpoint_open(&c->to, c->client, "--to", c->options.to,
                               c->options.no_create ? ENDPOINT_WRITE : ENDPOINT_CREATE, err);
    return status;
}

int ccd_copy(struct ccd_client *client, const struct ccd_copy_options *options,
             struct ccd_copy_report **out_report, struct ccd_error *err)
{
    struct ccd_error local = {0};
    struct copy_report *report = NULL;
    char now[32], run_id[48];
    err = err ? err : &local;
    error_clear(err);
    struct copy *c = mem_new(NULL, 1, sizeof(*c));
    if (!c)
        return error_set(err, CCD_NO_MEMORY, "no memory to copy");
    c->client = client;
    str_print(run_id, sizeof(run_id), "%s-%d", time_format_iso(clock_utc_s(NULL), now),
              (int)getpid());
    c->run_id = run_id;
    int status = start(c, options, err);
    if (status == 0)
        status = copy_report_new(&report, err);
    if (status == 0) {
        if (copy_all(c, report, err) == 0)
            error_clear(err); /* of what went well at the second attempt */
        *out_report = copy_report_finish(report, c, err);
        error_clear(err);
    }
    redact(&client->redactor, err->message);
    release(c);
    return status;
}
