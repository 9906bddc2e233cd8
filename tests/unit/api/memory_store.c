#include "memory_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/attributes.h"
#include "store/list_keys.h"
#include "store/value.h"

enum { SERIES_MAX = 64, LISTS_MAX = 32, ATTRIBUTE_TEXT_BYTES = 64 };

struct memory_row {
    int64_t series_id, ts, collected_utc_s;
    enum interval interval;
    uint64_t present;
    union cell cells[COLUMN_MAX];
};

struct memory_segment {
    int64_t series_id, step_s;
    struct coverage_segment segment;
};

struct memory_series {
    const struct data_type *type;
    struct series_names names;
    struct value attributes[ATTRIBUTE_MAX];
    int64_t attribute_ts[ATTRIBUTE_MAX];
    char texts[ATTRIBUTE_MAX][ATTRIBUTE_TEXT_BYTES];
};

/* Rows of a list: numbered, all equal but for their number. */
struct memory_list {
    const struct data_type *type;
    char market[MARKET_MAX_BYTES];
    size_t count;
    int64_t asked_utc_s;
};

struct content {
    struct memory_row *rows;
    size_t row_count;
    struct memory_segment *segments;
    size_t segment_count;
};

struct memory {
    struct store base;
    struct content content;
    struct memory_series series[SERIES_MAX];
    size_t series_count;
    struct memory_list lists[LISTS_MAX];
    size_t list_count;
    bool read_only;
};

struct memory_writer {
    struct store_writer base;
    struct memory *m;
    struct content pending; /* all of it, as it will be */
    bool open;
};

static struct memory memory[2];
struct memory_faults memory_faults;

/* ---- faults ---- */

static int fail(enum ccd_status status, struct ccd_error *err)
{
    return error_set(err, status, "told to fail");
}

static int operation(struct ccd_error *err)
{
    memory_faults.operations++;
    bool now = memory_faults.at == memory_faults.operations;
    bool later = memory_faults.at > 0 && memory_faults.operations > memory_faults.at;
    switch (memory_faults.fault) {
    case FAULT_DIES:
        return now || later ? fail(CCD_INTERNAL, err) : 0;
    case FAULT_BUSY:
        return now ? fail(CCD_DATABASE_BUSY, err) : 0;
    case FAULT_REFUSED:
        return now ? fail(CCD_DATABASE_DATA, err) : 0;
    case FAULT_GONE:
    case FAULT_LOST:
        return now ? fail(CCD_DATABASE_UNREACHABLE, err) : 0;
    case FAULT_NONE:
        break;
    }
    return 0;
}

/* ---- content ---- */

static struct memory *of(const struct store *store)
{
    return (struct memory *)store;
}

static void *append(void *list, size_t *count, size_t size)
{
    char *bigger = reallocarray(list, *count + 1, size);
    if (!bigger)
        abort();
    memset(bigger + *count * size, 0, size);
    (*count)++;
    return bigger;
}

static void content_release(struct content *content)
{
    free(content->rows);
    free(content->segments);
    *content = (struct content){0};
}

static void content_copy(struct content *out, const struct content *content)
{
    *out = *content;
    out->rows = calloc(content->row_count + 1, sizeof(*out->rows));
    out->segments = calloc(content->segment_count + 1, sizeof(*out->segments));
    if (!out->rows || !out->segments)
        abort();
    if (content->row_count > 0)
        memcpy(out->rows, content->rows, content->row_count * sizeof(*out->rows));
    if (content->segment_count > 0)
        memcpy(out->segments, content->segments, content->segment_count * sizeof(*out->segments));
}

static struct memory_row *find_row(const struct content *content, int64_t series_id,
                                   enum interval interval, int64_t ts)
{
    for (size_t i = 0; i < content->row_count; i++)
        if (content->rows[i].series_id == series_id && content->rows[i].interval == interval &&
            content->rows[i].ts == ts)
            return &content->rows[i];
    return NULL;
}

static struct memory_row *new_row(struct content *content, int64_t series_id,
                                  enum interval interval, int64_t ts)
{
    content->rows = append(content->rows, &content->row_count, sizeof(*content->rows));
    struct memory_row *row = &content->rows[content->row_count - 1];
    row->series_id = series_id;
    row->interval = interval;
    row->ts = ts;
    return row;
}

/* ---- reading ---- */

static void memory_close(struct store *store)
{
    (void)store; /* what is stored stays */
}

static int memory_lock(struct store *store, const struct data_type *type, enum interval interval,
                       int64_t wait_ms, struct ccd_error *err)
{
    (void)store, (void)type, (void)interval, (void)wait_ms;
    return memory_faults.locked ? fail(CCD_LOCKED, err) : operation(err);
}

static void memory_unlock(struct store *store, const struct data_type *type, enum interval interval)
{
    (void)store, (void)type, (void)interval;
}

static int memory_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                                int (*add)(void *user, const struct coverage_segment *segment),
                                void *user, struct ccd_error *err)
{
    const struct content *content = &of(store)->content;
    int status = operation(err);
    for (size_t i = 0; i < content->segment_count && status == 0; i++)
        if (content->segments[i].series_id == series_id && content->segments[i].step_s == step_s &&
            add(user, &content->segments[i].segment) != 0)
            break;
    return status;
}

static int memory_compact(struct store *store, int64_t series_id, int64_t step_s, size_t above,
                          struct ccd_error *err)
{
    (void)store, (void)series_id, (void)step_s, (void)above;
    return operation(err);
}

static int compare_ts(const void *a, const void *b)
{
    const struct memory_row *x = *(struct memory_row *const *)a,
                            *y = *(struct memory_row *const *)b;
    return (x->ts > y->ts) - (x->ts < y->ts);
}

static int memory_read_rows(struct store *store, const struct data_type *type,
                            enum interval interval, int64_t series_id, struct period_range range,
                            struct batch *batch, int64_t *collected_utc_s, struct ccd_error *err)
{
    const struct content *content = &of(store)->content;
    size_t count = 0, ts_column = (size_t)data_type_column_flagged(type, COLUMN_TS);
    int status = operation(err);
    batch_clear(batch);
    if (status != 0)
        return status;
    struct memory_row **found = calloc(content->row_count + 1, sizeof(*found));
    if (!found)
        abort();
    for (size_t i = 0; i < content->row_count; i++) {
        struct memory_row *row = &content->rows[i];
        if (row->series_id == series_id && row->interval == interval && row->ts >= range.from_ts &&
            row->ts < range.to_ts)
            found[count++] = row;
    }
    qsort(found, count, sizeof(*found), compare_ts);
    for (size_t i = 0; i < count && i < batch->capacity_rows; i++) {
        for (size_t c = 0; c < type->column_count; c++)
            if (found[i]->present >> c & 1)
                *batch_cell(batch, i, c) = found[i]->cells[c];
        batch->present[i] = found[i]->present;
        batch_set_i64(batch, i, ts_column, found[i]->ts);
        if (collected_utc_s)
            collected_utc_s[i] = found[i]->collected_utc_s;
        batch->row_count++;
    }
    free(found);
    return 0;
}

/* ---- series ---- */

static struct memory_series *find_by_id(struct memory *m, int64_t series_id)
{
    for (size_t i = 0; i < m->series_count; i++)
        if (m->series[i].names.series_id == series_id)
            return &m->series[i];
    return NULL;
}

static int memory_put_series(struct store *store, const struct data_type *type,
                             const struct series_names *names, size_t count, struct ccd_error *err)
{
    int status = operation(err);
    for (size_t i = 0; i < count && status == 0; i++)
        memory_add_series(store, type, &names[i]);
    return status;
}

static int memory_each_series(struct store *store, const struct data_type *type,
                              int (*add)(void *user, const struct store_series *series,
                                         struct ccd_error *err),
                              void *user, struct ccd_error *err)
{
    struct memory *m = of(store);
    int status = operation(err);
    for (size_t i = 0; i < m->series_count && status == 0; i++) {
        const struct store_series series = {
            .names = &m->series[i].names,
            .attributes = m->series[i].attributes,
            .attribute_ts = m->series[i].attribute_ts,
            .attribute_count = ATTRIBUTE_MAX,
        };
        if (m->series[i].type == type)
            status = add(user, &series, err);
    }
    return status;
}

static int memory_put_attributes(struct store *store, const struct store_series *series,
                                 struct ccd_error *err)
{
    struct memory_series *s = find_by_id(of(store), series->names->series_id);
    int status = operation(err);
    for (size_t i = 0; i < series->attribute_count && status == 0; i++) {
        const struct value *value = &series->attributes[i];
        if (value->kind == VALUE_NULL || series->attribute_ts[i] < s->attribute_ts[i])
            continue;
        s->attributes[i] = *value;
        s->attribute_ts[i] = series->attribute_ts[i];
        if (value->kind == VALUE_TEXT) {
            str_copy(s->texts[i], sizeof(s->texts[i]), value->text);
            s->attributes[i].text = str_from(s->texts[i]);
        }
    }
    return status;
}

/* ---- lists ---- */

static struct memory_list *list_of(struct memory *m, const struct data_type *type,
                                   struct str market)
{
    for (size_t i = 0; i < m->list_count; i++)
        if (m->lists[i].type == type && str_equal(str_from(m->lists[i].market), market))
            return &m->lists[i];
    return NULL;
}

/* The key alone, made of the row's number. */
static void add_numbered_row(struct batch *batch, const struct list_keys *keys, size_t number)
{
    size_t row = batch->row_count++;
    char name[16];
    str_print(name, sizeof(name), "I%zu", number);
    for (size_t i = keys->market >= 0; i < keys->count; i++)
        if (batch->type->columns[keys->columns[i]].kind == COLUMN_TEXT)
            batch_set_text(batch, row, keys->columns[i], str_from(name));
        else
            batch_set_i64(batch, row, keys->columns[i], (int64_t)number);
}

static int memory_load_list(struct store *store, const struct data_type *table, struct str scope,
                            struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                            struct ccd_error *err)
{
    const struct memory_list *list = list_of(of(store), table, scope);
    struct list_keys keys;
    *out_count = list ? list->count : 0;
    *out_asked_utc_s = list ? list->asked_utc_s : 0;
    if (!list_keys_init(&keys, table))
        return fail(CCD_INTERNAL, err);
    for (size_t i = 0; batch && i < *out_count; i++)
        add_numbered_row(batch, &keys, i);
    return operation(err);
}

static int memory_each_list(struct store *store, const struct data_type *table,
                            int (*add)(void *user, struct str scope, int64_t asked_utc_s,
                                       struct ccd_error *err),
                            void *user, struct ccd_error *err)
{
    const struct memory *m = of(store);
    int status = operation(err);
    for (size_t i = 0; i < m->list_count && status == 0; i++)
        if (m->lists[i].type == table)
            status = add(user, str_from(m->lists[i].market), m->lists[i].asked_utc_s, err);
    return status;
}

static int memory_put_lists(struct store *store, const struct store_lists *lists,
                            struct store_list_counts *out_counts, struct ccd_error *err)
{
    int status = operation(err);
    char scope[MARKET_MAX_BYTES];
    str_copy(scope, sizeof(scope), lists->scope);
    for (size_t i = 0; i < lists->count && status == 0; i++) {
        size_t rows = lists->lists[i].rows->row_count;
        out_counts[i] = (struct store_list_counts){.added = (int64_t)rows};
        memory_add_instruments(store, lists->lists[i].table, scope, rows, lists->asked_utc_s);
    }
    return status;
}

/* ---- writing ---- */

static int memory_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err)
{
    int status = operation(err);
    struct memory_writer *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->base.ops = store->ops;
    w->m = of(store);
    if (status != 0)
        free(w);
    else
        *out = &w->base;
    return status;
}

static void memory_rollback(struct store_writer *writer)
{
    struct memory_writer *w = (struct memory_writer *)writer;
    content_release(&w->pending);
    w->open = false;
}

static void memory_writer_close(struct store_writer *writer)
{
    memory_rollback(writer);
    free(writer);
}

static int memory_begin(struct store_writer *writer, struct ccd_error *err)
{
    struct memory_writer *w = (struct memory_writer *)writer;
    int status = operation(err);
    if (status == 0) {
        content_copy(&w->pending, &w->m->content);
        w->open = true;
    }
    return status;
}

static void put_row(struct content *content, const struct store_page *page, size_t row,
                    struct store_page_result *result)
{
    size_t ts_column = (size_t)data_type_column_flagged(page->type, COLUMN_TS);
    int64_t ts = batch_cell(page->batch, row, ts_column)->i64;
    int64_t collected_utc_s = page->row_collected_utc_s ? page->row_collected_utc_s[row]
                                                        : page->collected_utc_s;
    struct memory_row *stored = find_row(content, page->series->series_id, page->interval, ts);
    if (stored) {
        bool same = stored->present == page->batch->present[row];
        for (size_t c = 0; c < page->type->column_count && same; c++)
            same = !batch_has(page->batch, row, c) ||
                   stored->cells[c].i64 == batch_cell(page->batch, row, c)->i64;
        if (same || collected_utc_s < stored->collected_utc_s) {
            result->unchanged++;
            return;
        }
        result->changed++;
    } else {
        stored = new_row(content, page->series->series_id, page->interval, ts);
        result->inserted++;
    }
    stored->collected_utc_s = collected_utc_s;
    stored->present = page->batch->present[row];
    for (size_t c = 0; c < page->type->column_count; c++)
        stored->cells[c] = *batch_cell(page->batch, row, c);
}

static int memory_put(struct store_writer *writer, const struct store_page *page,
                      struct store_page_result *out_result, struct ccd_error *err)
{
    struct memory_writer *w = (struct memory_writer *)writer;
    int status = operation(err);
    *out_result = (struct store_page_result){0};
    if (!w->open || !find_by_id(w->m, page->series->series_id))
        return fail(CCD_INTERNAL, err);
    for (size_t i = 0; i < page->batch->row_count && status == 0; i++)
        put_row(&w->pending, page, i, out_result);
    for (size_t i = 0; i < page->segment_count && status == 0; i++) {
        struct content *p = &w->pending;
        p->segments = append(p->segments, &p->segment_count, sizeof(*p->segments));
        p->segments[p->segment_count - 1] = (struct memory_segment){
            page->series->series_id, interval_infos[page->interval].step_s, page->segments[i]};
    }
    return status;
}

static enum store_outcome memory_commit(struct store_writer *writer, struct ccd_error *err)
{
    struct memory_writer *w = (struct memory_writer *)writer;
    bool lost = false;
    if (operation(err) != 0) {
        lost = memory_faults.fault == FAULT_LOST;
        if (!lost) {
            memory_rollback(writer);
            return memory_faults.fault == FAULT_GONE ? STORE_UNKNOWN : STORE_ROLLED_BACK;
        }
    }
    content_release(&w->m->content);
    w->m->content = w->pending;
    w->pending = (struct content){0};
    w->open = false;
    memory_faults.writes++;
    return lost ? STORE_UNKNOWN : STORE_COMMITTED;
}

static const struct store_ops memory_ops = {
    .close = memory_close,
    .lock = memory_lock,
    .unlock = memory_unlock,
    .put_series = memory_put_series,
    .load_coverage = memory_load_coverage,
    .compact_coverage = memory_compact,
    .read_rows = memory_read_rows,
    .put_lists = memory_put_lists,
    .load_list = memory_load_list,
    .each_list = memory_each_list,
    .each_series = memory_each_series,
    .put_attributes = memory_put_attributes,
    .writer_open = memory_writer_open,
    .writer_close = memory_writer_close,
    .writer_begin = memory_begin,
    .writer_put = memory_put,
    .writer_commit = memory_commit,
    .writer_rollback = memory_rollback,
};

int __wrap_store_open(const struct store_config *config, struct store **out, struct ccd_error *err);
int __wrap_store_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    struct store *store = strcmp(config->url, MEMORY_A) == 0 ? memory_a() : memory_b();
    of(store)->read_only = config->read_only;
    *out = store;
    return operation(err);
}

/* ---- for tests ---- */

static struct store *open_memory(struct memory *m)
{
    m->base.ops = &memory_ops;
    m->base.capabilities = STORE_PERSISTS;
    return &m->base;
}

struct store *memory_a(void)
{
    return open_memory(&memory[0]);
}

struct store *memory_b(void)
{
    return open_memory(&memory[1]);
}

void memory_reset(void)
{
    for (size_t i = 0; i < 2; i++) {
        content_release(&memory[i].content);
        memory[i] = (struct memory){0};
    }
    memory_faults = (struct memory_faults){0};
}

void memory_add_series(struct store *store, const struct data_type *type,
                       const struct series_names *names)
{
    struct memory *m = of(store);
    struct memory_series *s = find_by_id(m, names->series_id);
    if (!s) {
        if (m->series_count == SERIES_MAX)
            abort();
        s = &m->series[m->series_count++];
    }
    s->type = type;
    s->names = *names;
}

void memory_add_rows(struct store *store, const struct data_type *type, enum interval interval,
                     int64_t series_id, struct period_range range, int64_t collected_utc_s,
                     unsigned salt)
{
    struct content *content = &of(store)->content;
    for (int64_t ts = range.from_ts; ts < range.to_ts; ts += interval_infos[interval].step_s) {
        struct memory_row *row = new_row(content, series_id, interval, ts);
        struct rng rng = {(uint64_t)ts + salt};
        row->collected_utc_s = collected_utc_s + ts % 7;
        for (size_t c = 0; c < type->column_count; c++) {
            if (!column_is_fact(&type->columns[c]) || rng_below(&rng, 5) == 0)
                continue;
            row->present |= UINT64_C(1) << c;
            row->cells[c].f64 = (double)rng_below(&rng, 1000000);
        }
        row->present |= UINT64_C(1) << data_type_column_flagged(type, COLUMN_TS);
        row->cells[data_type_column_flagged(type, COLUMN_TS)].i64 = ts;
    }
}

void memory_add_coverage(struct store *store, int64_t series_id, enum interval interval,
                         const struct coverage_segment *segment)
{
    struct content *content = &of(store)->content;
    content->segments = append(content->segments, &content->segment_count,
                               sizeof(*content->segments));
    content->segments[content->segment_count - 1] = (struct memory_segment){
        series_id, interval_infos[interval].step_s, *segment};
}

void memory_add_instruments(struct store *store, const struct data_type *type, const char *market,
                            size_t count, int64_t asked_utc_s)
{
    struct memory *m = of(store);
    struct memory_list *list = list_of(m, type, str_from(market));
    if (!list) {
        if (m->list_count == LISTS_MAX)
            abort();
        list = &m->lists[m->list_count++];
    }
    list->type = type;
    str_copy(list->market, sizeof(list->market), str_from(market));
    list->count = count;
    list->asked_utc_s = asked_utc_s;
}

size_t memory_row_count(const struct store *store)
{
    return of(store)->content.row_count;
}

size_t memory_segment_count(const struct store *store)
{
    return of(store)->content.segment_count;
}

size_t memory_series_count(const struct store *store)
{
    return of(store)->series_count;
}

int64_t memory_collected(const struct store *store, int64_t series_id, enum interval interval,
                         int64_t ts)
{
    const struct memory_row *row = find_row(&of(store)->content, series_id, interval, ts);
    return row ? row->collected_utc_s : -1;
}
