#include "model_store.h"

#include <stdlib.h>
#include <string.h>

enum { TABLES_MAX = 64 };

/* Rows and coverage of one series and interval. */
struct table {
    int64_t series_id;
    int64_t step_s;
    struct model_row *rows; /* in the order of their arrival */
    uint32_t *order;        /* the rows by time; keys are unique */
    size_t row_count, row_capacity, order_capacity;
    struct coverage_segment *segments;
    size_t segment_count, segment_capacity;
};

struct staged_row {
    size_t table;
    struct model_row row;
};

struct staged_segment {
    size_t table;
    struct coverage_segment segment;
};

struct model_store {
    struct table tables[TABLES_MAX];
    size_t table_count;
    struct staged_row *rows;
    size_t row_count, row_capacity;
    struct staged_segment *segments;
    size_t segment_count, segment_capacity;
    bool open;
    bool coverage_first;
};

/* Memory for one more item. The model has no way to go on without it. */
static void *room(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t more = *capacity ? 2 * *capacity : 64;
    void *bigger = realloc(items, more * size);
    if (!bigger)
        abort();
    *capacity = more;
    return bigger;
}

int model_store_new(struct model_store **out, struct ccd_error *err)
{
    struct model_store *store = calloc(1, sizeof(*store));
    if (!store)
        return error_set(err, CCD_NO_MEMORY, "no memory for a store");
    *out = store;
    return 0;
}

void model_store_free(struct model_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < TABLES_MAX; i++) {
        free(store->tables[i].rows);
        free(store->tables[i].order);
        free(store->tables[i].segments);
    }
    free(store->rows);
    free(store->segments);
    free(store);
}

void model_store_clear(struct model_store *store)
{
    for (size_t i = 0; i < store->table_count; i++)
        store->tables[i].row_count = store->tables[i].segment_count = 0;
    store->table_count = 0;
    store->row_count = store->segment_count = 0;
    store->open = store->coverage_first = false;
}

void model_write_coverage_first(struct model_store *store, bool first)
{
    store->coverage_first = first;
}

static const struct table *find_table(const struct model_store *store, int64_t series_id,
                                      int64_t step_s)
{
    for (size_t i = 0; i < store->table_count; i++)
        if (store->tables[i].series_id == series_id && store->tables[i].step_s == step_s)
            return &store->tables[i];
    return NULL;
}

static size_t table_of(struct model_store *store, int64_t series_id, int64_t step_s)
{
    const struct table *found = find_table(store, series_id, step_s);
    if (found)
        return (size_t)(found - store->tables);
    if (store->table_count == TABLES_MAX)
        abort();
    struct table *t = &store->tables[store->table_count];
    t->series_id = series_id;
    t->step_s = step_s;
    return store->table_count++;
}

static struct model_row *nth(const struct table *t, size_t n)
{
    return &t->rows[t->order[n]];
}

/* Place of the first row that is not before ts. */
static size_t place_of(const struct table *t, int64_t ts)
{
    size_t low = 0;
    size_t high = t->row_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (nth(t, middle)->ts < ts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct model_row *row_of(const struct table *t, int64_t ts)
{
    size_t at = place_of(t, ts);
    return at < t->row_count && nth(t, at)->ts == ts ? nth(t, at) : NULL;
}

static bool same_values(const struct model_row *a, const struct model_row *b)
{
    return a->present == b->present && memcmp(a->cells, b->cells, sizeof(a->cells)) == 0;
}

/* An older answer changes nothing; the same once more is at least as final as both. */
static void update(struct model_row *stored, const struct model_row *row)
{
    if (row->collected_utc_s >= stored->collected_utc_s) {
        int64_t note = stored->note;
        bool same = same_values(stored, row);
        *stored = *row;
        if (same && note > row->note)
            stored->note = note;
    }
}

static void upsert(struct table *t, const struct model_row *row)
{
    struct model_row *found = row_of(t, row->ts);
    if (found) {
        update(found, row);
        return;
    }
    size_t at = place_of(t, row->ts);
    t->rows = room(t->rows, t->row_count, &t->row_capacity, sizeof(*t->rows));
    t->order = room(t->order, t->row_count, &t->order_capacity, sizeof(*t->order));
    memmove(&t->order[at + 1], &t->order[at], (t->row_count - at) * sizeof(*t->order));
    t->order[at] = (uint32_t)t->row_count;
    t->rows[t->row_count++] = *row;
}

static void add_segment(struct table *t, const struct coverage_segment *segment)
{
    t->segments = room(t->segments, t->segment_count, &t->segment_capacity, sizeof(*t->segments));
    t->segments[t->segment_count++] = *segment;
}

/* ---- what a page must be ---- */

static int check_rows(const struct store_page *page, int64_t step_s, struct ccd_error *err)
{
    const struct batch *b = page->batch;
    size_t ts_column = (size_t)data_type_column_flagged(page->type, COLUMN_TS);
    int64_t before = 0;
    if (b->type != page->type && b->row_count > 0)
        return error_set(err, CCD_INTERNAL, "the rows are of another type");
    for (size_t row = 0; row < b->row_count; row++) {
        int64_t ts = batch_cell(b, row, ts_column)->i64;
        if (!batch_has(b, row, ts_column) || ts <= before || ts % step_s != 0)
            return error_set(err, CCD_INTERNAL, "row %zu: time %lld after %lld", row, (long long)ts,
                             (long long)before);
        before = ts;
    }
    return 0;
}

static int check_segments(const struct store_page *page, int64_t step_s, struct ccd_error *err)
{
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < page->segment_count; i++) {
        const struct coverage_segment *s = &page->segments[i];
        bool whole = s->from_ts % step_s == 0 && s->to_ts % step_s == 0;
        if (!whole || s->from_ts >= s->to_ts || s->from_ts < before ||
            (unsigned)s->state >= COVERAGE_STATE_COUNT || s->to_ts > page->final_before_ts ||
            (s->next_check_utc_s != 0 && s->state != COVERAGE_EMPTY &&
             s->state != COVERAGE_BEFORE_START))
            return error_set(err, CCD_INTERNAL, "segment %zu: %s %lld-%lld", i,
                             coverage_state_name(s->state), (long long)s->from_ts,
                             (long long)s->to_ts);
        before = s->to_ts;
    }
    return 0;
}

/* ---- transactions ---- */

void model_begin(struct model_store *store)
{
    if (store->open)
        abort();
    store->open = true;
}

static struct model_row take_row(const struct store_page *page, size_t index, int64_t note)
{
    const struct batch *b = page->batch;
    struct model_row row = {.collected_utc_s = page->collected_utc_s, .note = note};
    for (size_t c = 0; c < page->type->column_count; c++) {
        const struct column *column = &page->type->columns[c];
        if (column->flags & COLUMN_TS)
            row.ts = batch_cell(b, index, c)->i64;
        if (!column_is_fact(column) || column->kind == COLUMN_TEXT || !batch_has(b, index, c))
            continue;
        row.cells[c] = *batch_cell(b, index, c);
        row.present |= UINT64_C(1) << c;
    }
    return row;
}

static void stage_row(struct model_store *store, size_t table, const struct model_row *row,
                      struct store_page_result *result)
{
    const struct model_row *before = row_of(&store->tables[table], row->ts);
    bool changed = before && !same_values(before, row) &&
                   row->collected_utc_s >= before->collected_utc_s;
    result->inserted += !before;
    result->changed += changed;
    result->unchanged += before && !changed;
    store->rows = room(store->rows, store->row_count, &store->row_capacity, sizeof(*store->rows));
    store->rows[store->row_count].table = table;
    store->rows[store->row_count++].row = *row;
}

static void stage_segment(struct model_store *store, size_t table,
                          const struct coverage_segment *segment)
{
    if (store->coverage_first) {
        add_segment(&store->tables[table], segment);
        return;
    }
    store->segments = room(store->segments, store->segment_count, &store->segment_capacity,
                           sizeof(*store->segments));
    store->segments[store->segment_count++] = (struct staged_segment){table, *segment};
}

int model_put(struct model_store *store, const struct store_page *page, int64_t note,
              struct store_page_result *out_result, struct ccd_error *err)
{
    int64_t step_s = interval_infos[page->interval].step_s;
    *out_result = (struct store_page_result){0};
    if (check_rows(page, step_s, err) != 0 || check_segments(page, step_s, err) != 0)
        return err->status;
    size_t table = table_of(store, page->series->series_id, step_s);
    for (size_t i = 0; i < page->batch->row_count; i++) {
        if (page->rejected && page->rejected[i]) {
            out_result->rejected++;
            continue;
        }
        struct model_row row = take_row(page, i, note);
        stage_row(store, table, &row, out_result);
    }
    for (size_t i = 0; i < page->segment_count; i++)
        stage_segment(store, table, &page->segments[i]);
    return 0;
}

static void apply(struct model_store *store)
{
    for (size_t i = 0; i < store->row_count; i++)
        upsert(&store->tables[store->rows[i].table], &store->rows[i].row);
    for (size_t i = 0; i < store->segment_count; i++)
        add_segment(&store->tables[store->segments[i].table], &store->segments[i].segment);
}

void model_rollback(struct model_store *store)
{
    store->open = false;
    store->row_count = store->segment_count = 0;
}

enum store_outcome model_commit(struct model_store *store, enum model_fate fate)
{
    if (!store->open)
        abort();
    if (fate == MODEL_COMMITS || fate == MODEL_UNKNOWN_APPLIED)
        apply(store);
    model_rollback(store);
    if (fate == MODEL_COMMITS)
        return STORE_COMMITTED;
    return fate == MODEL_ROLLS_BACK ? STORE_ROLLED_BACK : STORE_UNKNOWN;
}

/* ---- reading ---- */

const struct coverage_segment *model_coverage(const struct model_store *store, int64_t series_id,
                                              int64_t step_s, size_t *out_count)
{
    const struct table *t = find_table(store, series_id, step_s);
    *out_count = t ? t->segment_count : 0;
    return t ? t->segments : NULL;
}

const struct model_row *model_row_at(const struct model_store *store, int64_t series_id,
                                     int64_t step_s, int64_t ts)
{
    const struct table *t = find_table(store, series_id, step_s);
    return t ? row_of(t, ts) : NULL;
}

size_t model_row_count(const struct model_store *store, int64_t series_id, int64_t step_s)
{
    const struct table *t = find_table(store, series_id, step_s);
    return t ? t->row_count : 0;
}

const struct model_row *model_row_nth(const struct model_store *store, int64_t series_id,
                                      int64_t step_s, size_t n)
{
    const struct table *t = find_table(store, series_id, step_s);
    return t && n < t->row_count ? nth(t, n) : NULL;
}
