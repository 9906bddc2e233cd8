#include <inttypes.h>

#include "store/sql/store.h"

static const char doing_load[] = "read the coverage in";
static const char doing_compact[] = "compact the coverage in";

/* Segments that one statement deletes. */
enum { DELETED_PER_CALL = 100 };

int sql_coverage_insert(struct sql_connection *c, int64_t series_id, int64_t step_s,
                        const struct coverage_segment *segments, size_t count,
                        struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = 0; i < count && status == CCD_OK; i++) {
        const struct coverage_segment *segment = &segments[i];
        bool settled = segment->next_check_utc_s == 0;
        status = SQL_RUN(
            c, "write coverage to",
            "INSERT INTO ccdata_coverage (series_id, step_s, from_ts, to_ts, state, asked_utc_s,"
            " next_check_utc_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            err, value_i64(series_id), value_i64(step_s), value_i64(segment->from_ts),
            value_i64(segment->to_ts), value_text(str_from(coverage_state_name(segment->state))),
            value_i64(segment->asked_utc_s),
            settled ? value_null() : value_i64(segment->next_check_utc_s));
    }
    return status;
}

/* ---- loading ---- */

struct load_call {
    struct sql_store *store;
    struct sql_task *task;
    int64_t series_id, step_s;
    int (*add)(void *user, const struct coverage_segment *segment);
    void *user;
};

enum { SEGMENT_COLUMNS = 5 };

static int64_t number(const struct value *value)
{
    return value->kind == VALUE_I64 ? value->i64 : 0; /* NULL reads as 0 */
}

static int read_segment(const struct sql_store *s, int64_t series_id, const struct value *values,
                        size_t count, struct coverage_segment *out, struct ccd_error *err)
{
    char state[32] = "";
    *out = (struct coverage_segment){0};
    if (count == SEGMENT_COLUMNS) {
        out->from_ts = number(&values[0]);
        out->to_ts = number(&values[1]);
        out->asked_utc_s = number(&values[3]);
        out->next_check_utc_s = number(&values[4]);
        if (values[2].kind == VALUE_TEXT)
            str_copy(state, sizeof(state), values[2].text);
    }
    if (coverage_state_parse(state, &out->state))
        return CCD_OK;
    return error_set(err, CCD_DATABASE_DATA,
                     "the coverage of series %" PRId64 " in %s has the unknown state \"%s\"",
                     series_id, s->target.name, state);
}

static int take_segment(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct load_call *call = user;
    struct coverage_segment segment;
    int status = read_segment(call->store, call->series_id, values, count, &segment, err);
    if (status != CCD_OK)
        return status;
    call->task->delivered = true;
    return call->add(call->user, &segment) == 0 ? CCD_OK : SQL_ENOUGH;
}

static int load(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct load_call *call = context;
    const struct value parameters[] = {value_i64(call->series_id), value_i64(call->step_s)};
    return sql_ask(c, doing_load,
                   "SELECT from_ts, to_ts, state, asked_utc_s, next_check_utc_s"
                   " FROM ccdata_coverage WHERE series_id = ?1 AND step_s = ?2",
                   parameters, 2, take_segment, call, err);
}

int sql_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                      int (*add)(void *user, const struct coverage_segment *segment), void *user,
                      struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct sql_task task = {.run = load};
    struct load_call call = {
        .store = s,
        .task = &task,
        .series_id = series_id,
        .step_s = step_s,
        .add = add,
        .user = user,
    };
    task.context = &call;
    return s->empty ? CCD_OK : sql_store_do(s, &task, err);
}

/* ---- of a whole type ---- */

struct each_call {
    struct sql_store *store;
    struct sql_task *task;
    const struct data_type *type;
    int64_t step_s;
    int (*add)(void *user, int64_t series_id, const struct coverage_segment *segment,
               struct ccd_error *err);
    void *user;
};

static int give_segment(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct each_call *call = user;
    struct coverage_segment segment;
    int64_t series_id = count > 0 ? number(&values[0]) : 0;
    int status = read_segment(call->store, series_id, values + 1, count - 1, &segment, err);
    if (status != CCD_OK)
        return status;
    call->task->delivered = true;
    return call->add(call->user, series_id, &segment, err);
}

static int give_all(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct each_call *call = context;
    const struct value parameters[] = {value_text(str_from(call->type->name)),
                                       value_i64(call->step_s)};
    return sql_ask(c, doing_load,
                   "SELECT c.series_id, c.from_ts, c.to_ts, c.state, c.asked_utc_s,"
                   " c.next_check_utc_s FROM ccdata_coverage c JOIN dim_series d"
                   " ON d.series_id = c.series_id WHERE d.data_type = ?1 AND c.step_s = ?2"
                   " ORDER BY c.series_id, c.from_ts",
                   parameters, 2, give_segment, call, err);
}

int sql_each_coverage(struct store *store, const struct data_type *type, int64_t step_s,
                      int (*add)(void *user, int64_t series_id,
                                 const struct coverage_segment *segment, struct ccd_error *err),
                      void *user, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct sql_task task = {.run = give_all};
    struct each_call call = {s, &task, type, step_s, add, user};
    task.context = &call;
    return s->empty ? CCD_OK : sql_store_do(s, &task, err);
}

/* ---- compaction ---- */

struct segment_list {
    struct coverage_segment *items; /* room for 4 * count + 2: merging and its scratch */
    size_t count, capacity;
    const struct allocator *allocator;
    bool failed;
};

static int add_segment(void *user, const struct coverage_segment *segment)
{
    struct segment_list *list = user;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        struct coverage_segment *items = mem_resize(list->allocator, list->items, 4 * capacity + 2,
                                                    sizeof(*items));
        if (!items) {
            list->failed = true;
            return -1;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *segment;
    return 0;
}

static void add_condition(struct buf *sql, const struct coverage_segment *segment)
{
    buf_printf(sql,
               "(from_ts = %" PRId64 " AND to_ts = %" PRId64 " AND asked_utc_s = %" PRId64
               " AND state = '%s' AND next_check_utc_s ",
               segment->from_ts, segment->to_ts, segment->asked_utc_s,
               coverage_state_name(segment->state));
    if (segment->next_check_utc_s != 0)
        buf_printf(sql, "= %" PRId64 ")", segment->next_check_utc_s);
    else
        buf_add_text(sql, "IS NULL)");
}

/* Exactly those that were read: a writer may have added others meanwhile. */
static int delete_segments(struct sql_connection *c, const struct load_call *call,
                           const struct segment_list *list, struct ccd_error *err)
{
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    int status = CCD_OK;
    for (size_t i = 0; i < list->count && status == CCD_OK; i += DELETED_PER_CALL) {
        buf_clear(&sql);
        buf_printf(&sql,
                   "DELETE FROM ccdata_coverage WHERE series_id = %" PRId64 " AND step_s = %" PRId64
                   " AND (",
                   call->series_id, call->step_s);
        for (size_t k = i; k < list->count && k < i + DELETED_PER_CALL; k++) {
            buf_add_text(&sql, k > i ? " OR " : "");
            add_condition(&sql, &list->items[k]);
        }
        buf_add_text(&sql, ")");
        status = sql.failed ? error_set(err, CCD_NO_MEMORY, "no memory to compact coverage")
                            : sql_run_once(c, doing_compact, sql.data, err);
    }
    buf_release(&sql);
    return status;
}

/* Writes nothing when merging makes them no fewer. */
static int replace_segments(struct sql_connection *c, const struct load_call *call,
                            const struct segment_list *read, struct ccd_error *err)
{
    struct segment_list merged = {.allocator = read->allocator};
    for (size_t i = 0; i < read->count; i++)
        if (add_segment(&merged, &read->items[i]) != 0)
            break;
    int status = CCD_OK;
    if (merged.failed) {
        status = error_set(err, CCD_NO_MEMORY, "no memory for %zu coverage segments", read->count);
    } else {
        merged.count = coverage_merge(merged.items, read->count, merged.items + 2 * read->count);
        if (merged.count < read->count) {
            status = delete_segments(c, call, read, err);
            if (status == CCD_OK)
                status = sql_coverage_insert(c, call->series_id, call->step_s, merged.items,
                                             merged.count, err);
        }
    }
    mem_free(merged.allocator, merged.items);
    return status;
}

struct compact_call {
    struct load_call load;
    size_t above;
};

static int compact(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct compact_call *call = context;
    struct segment_list list = {.allocator = c->target->allocator};
    call->load.add = add_segment;
    call->load.user = &list;
    int status = load(c, &call->load, err);
    if (status == CCD_OK && list.failed)
        status = error_set(err, CCD_NO_MEMORY, "no memory for %zu coverage segments", list.count);
    if (status == CCD_OK && list.count > call->above)
        status = replace_segments(c, &call->load, &list, err);
    mem_free(list.allocator, list.items);
    return status;
}

int sql_compact_coverage(struct store *store, int64_t series_id, int64_t step_s, size_t above,
                         struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct sql_task ignored = {0};
    struct compact_call call = {
        .load = {.store = s, .task = &ignored, .series_id = series_id, .step_s = step_s},
        .above = above,
    };
    return sql_store_do(s, &(struct sql_task){.run = compact, .context = &call, .writes = true},
                        err);
}
