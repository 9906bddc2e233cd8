#include <string.h>

#include "store/fates.h"
#include "store/journal.h"
#include "store/sql/store.h"

enum { RECORD_MAX_BYTES = 256 * 1024, VERIFIED_COUNT = 64 };

/* A series that this writer has found or made. */
struct verified {
    const struct data_type *type; /* NULL = none */
    int64_t series_id;
    char market[MARKET_MAX_BYTES];
    char instrument[INSTRUMENT_MAX_BYTES];
};

struct sql_writer {
    struct store_writer base;
    struct sql_store *store;
    struct sql_connection *c; /* between begin and commit or rollback */
    struct attribute_set attributes;
    struct verified verified[VERIFIED_COUNT]; /* by series id */
    uint_fast64_t removals;                   /* as many as it knows of */
    struct sql_facts facts;
    struct buf record;
    uint8_t *fates;
    bool *usable; /* rows whose attributes count */
    size_t capacity_rows;
};

static struct sql_writer *of(struct store_writer *writer)
{
    return (struct sql_writer *)writer;
}

/* ---- life ---- */

/* The first connection is made here, so that a database that cannot be used is known before the
 * first page. */
static int try_pool(struct sql_store *s, struct ccd_error *err)
{
    if (sql_pool_counts(s->pool).open > 0)
        return CCD_OK;
    struct sql_connection *c;
    int status = sql_pool_take(s->pool, &c, err);
    if (status == CCD_OK)
        sql_pool_give(s->pool, c);
    return status;
}

int sql_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    if (s->read_only) {
        return error_set(err, CCD_DATABASE_PERMISSION, "%s was opened for reading only",
                         s->target.name);
    }
    int status = try_pool(s, err);
    if (status != CCD_OK)
        return status;
    struct sql_writer *w = mem_new(s->target.allocator, 1, sizeof(*w));
    if (!w)
        return error_set(err, CCD_NO_MEMORY, "no memory for a writer");
    w->base.ops = &sql_store_ops;
    w->store = s;
    w->facts.allocator = s->target.allocator;
    buf_init(&w->record, RECORD_MAX_BYTES, s->target.allocator);
    if (!attribute_set_init(&w->attributes)) {
        sql_writer_close(&w->base);
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    }
    *out = &w->base;
    return CCD_OK;
}

void sql_writer_close(struct store_writer *writer)
{
    struct sql_writer *w = of(writer);
    if (!w)
        return;
    const struct allocator *allocator = w->store->target.allocator;
    sql_writer_rollback(writer);
    sql_facts_release(&w->facts);
    buf_release(&w->record);
    mem_free(allocator, w->fates);
    mem_free(allocator, w->usable);
    mem_free(allocator, w);
}

static void forget_series(struct sql_writer *w)
{
    for (size_t i = 0; i < VERIFIED_COUNT; i++)
        w->verified[i].type = NULL;
}

/* After a failed write or fsync the server or the kernel may have dropped what it promised to
 * write: nothing is written any more. */
static int keep_failure(struct sql_store *s, int status, const struct ccd_error *err)
{
    if (status != CCD_DISK)
        return status;
    pthread_mutex_lock(&s->mutex);
    if (s->failure.status == CCD_OK && err)
        s->failure = *err;
    else if (s->failure.status == CCD_OK)
        error_set(&s->failure, CCD_DISK, "writing to %s failed before", s->target.name);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

static int check_failure(struct sql_store *s, struct ccd_error *err)
{
    pthread_mutex_lock(&s->mutex);
    struct ccd_error failure = s->failure;
    pthread_mutex_unlock(&s->mutex);
    if (failure.status != CCD_OK && err)
        *err = failure;
    return (int)failure.status;
}

/* ---- series ---- */

struct apart_call {
    int (*run)(struct sql_connection *c, void *context, struct ccd_error *err);
    void *context;
};

/* On a connection of their own, statement by statement; one for all writers, since these are few
 * and short. */
static int run_apart(struct sql_store *s, const struct apart_call *call, struct ccd_error *err)
{
    int status = CCD_OK;
    pthread_mutex_lock(&s->mutex);
    if (!s->apart || s->apart->broken) {
        bool missing;
        s->driver->close(s->apart);
        s->apart = NULL;
        status = sql_store_connect(s->driver, &s->target, &s->apart, &missing, err);
    }
    if (status == CCD_OK)
        status = call->run(s->apart, call->context, err);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

static int write_dimension(struct sql_writer *w,
                           int (*run)(struct sql_connection *c, void *context,
                                      struct ccd_error *err),
                           void *context, struct ccd_error *err)
{
    if (!w->c->dialect->dimension_apart)
        return run(w->c, context, err);
    return run_apart(w->store, &(struct apart_call){run, context}, err);
}

static struct verified *verified_of(struct sql_writer *w, int64_t series_id)
{
    return &w->verified[(uint64_t)series_id % VERIFIED_COUNT];
}

static bool is_verified(struct sql_writer *w, const struct store_page *page)
{
    uint_fast64_t removals = atomic_load(&w->store->removals);
    if (removals != w->removals)
        forget_series(w);
    w->removals = removals;
    const struct verified *v = verified_of(w, page->series->series_id);
    return v->type == page->type && v->series_id == page->series->series_id &&
           strcmp(v->market, page->series->market) == 0 &&
           strcmp(v->instrument, page->series->instrument) == 0;
}

static int put_series(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct store_page *page = context;
    return sql_series_put(c, page->type, page->series, false, page->run_id, err);
}

static int ensure_series(struct sql_writer *w, const struct store_page *page, struct ccd_error *err)
{
    if (is_verified(w, page))
        return CCD_OK;
    struct store_page copy = *page;
    int status = write_dimension(w, put_series, &copy, err);
    if (status != CCD_OK)
        return status;
    struct verified *v = verified_of(w, page->series->series_id);
    v->type = page->type;
    v->series_id = page->series->series_id;
    memcpy(v->market, page->series->market, sizeof(v->market));
    memcpy(v->instrument, page->series->instrument, sizeof(v->instrument));
    return CCD_OK;
}

/* ---- attributes ---- */

static int put_moving(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct sql_attributes *a = context;
    return sql_attributes_write(c, a, err);
}

static bool collect_attributes(struct sql_writer *w, const struct store_page *page,
                               struct sql_attributes *a)
{
    size_t ts_column = (size_t)data_type_column_flagged(page->type, COLUMN_TS);
    bool any = false;
    for (size_t i = 0; i < page->type->column_count; i++) {
        if (!(page->type->columns[i].flags & COLUMN_SERIES))
            continue;
        int64_t row = attribute_newest_row(page->batch, i, w->usable);
        int attribute = attribute_find(&w->attributes, page->type->columns[i].name);
        if (row < 0 || attribute < 0)
            continue;
        a->values[attribute] = value_of_cell(page->batch, (size_t)row, i);
        a->ts[attribute] = batch_cell(page->batch, (size_t)row, ts_column)->i64;
        any = true;
    }
    return any;
}

static int put_attributes(struct sql_writer *w, const struct store_page *page,
                          struct ccd_error *err)
{
    struct sql_attributes a = {.series_id = page->series->series_id, .set = &w->attributes};
    for (size_t row = 0; row < page->batch->row_count; row++)
        w->usable[row] = w->fates[row] != ROW_STALE && w->fates[row] != ROW_REJECTED;
    if (!collect_attributes(w, page, &a))
        return CCD_OK;
    bool found;
    int status = sql_attributes_compare(w->c, &a, &found, err);
    if (status != CCD_OK || a.move_count == 0)
        return status;
    return write_dimension(w, put_moving, &a, err);
}

/* ---- quarantine ---- */

static int put_rejected(struct sql_writer *w, const struct store_page *page, size_t row,
                        const struct buf *sql, struct ccd_error *err)
{
    size_t ts_column = (size_t)data_type_column_flagged(page->type, COLUMN_TS);
    struct str reason = str_from(page->rejected[row]);
    buf_clear(&w->record);
    journal_record(&w->record, page->batch, row);
    if (w->record.failed)
        return error_set(err, CCD_NO_MEMORY, "no memory for a record in quarantine");
    const struct value parameters[] = {
        value_i64(page->series->series_id),
        value_i64(interval_infos[page->interval].step_s),
        value_i64(batch_cell(page->batch, row, ts_column)->i64),
        value_i64(sql_record_hash(reason, buf_str(&w->record))),
        value_text(reason),
        value_text(buf_str(&w->record)),
        value_i64(clock_utc_s(w->c->target->clock)),
        page->run_id ? value_text(str_from(page->run_id)) : value_null(),
    };
    return sql_run_text(w->c, "quarantine a record in", sql, parameters,
                        sizeof(parameters) / sizeof(parameters[0]), NULL, err);
}

static int put_all_rejected(struct sql_writer *w, const struct store_page *page,
                            struct ccd_error *err)
{
    if (!page->rejected)
        return CCD_OK;
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, w->c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ccdata_quarantine (series_id, step_s, ts, record_hash, reason,"
                       " record, seen_utc_s, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    upsert_add(&sql, w->c->dialect, "series_id, step_s, ts, record_hash", NULL);
    int status = CCD_OK;
    for (size_t row = 0; row < page->batch->row_count && status == CCD_OK; row++)
        if (page->rejected[row])
            status = put_rejected(w, page, row, &sql, err);
    buf_release(&sql);
    return status;
}

/* ---- one page ---- */

static int grow(struct sql_writer *w, size_t rows, struct ccd_error *err)
{
    if (rows <= w->capacity_rows)
        return CCD_OK;
    const struct allocator *allocator = w->store->target.allocator;
    uint8_t *fates = mem_resize(allocator, w->fates, rows, sizeof(*fates));
    w->fates = fates ? fates : w->fates;
    bool *usable = mem_resize(allocator, w->usable, rows, sizeof(*usable));
    w->usable = usable ? usable : w->usable;
    if (!fates || !usable)
        return error_set(err, CCD_NO_MEMORY, "no memory to write %zu rows", rows);
    w->capacity_rows = rows;
    return CCD_OK;
}

static int put_rows(struct sql_writer *w, const struct store_page *page,
                    struct store_page_result *result, struct ccd_error *err)
{
    if (page->type->shape != SHAPE_CANDLES || page->batch->type != page->type) {
        return error_set(err, CCD_INTERNAL, "a page of %s cannot be stored as candles",
                         page->type->name);
    }
    int status = grow(w, page->batch->row_count, err);
    if (status != CCD_OK)
        return status;
    row_fates_begin(page, w->fates);
    status = w->c->driver->put_rows ? w->c->driver->put_rows(w->c, page, w->fates, err)
                                    : sql_facts_put(&w->facts, w->c, page, w->fates, err);
    row_fates_count(page, w->fates, result);
    if (status == CCD_OK)
        status = put_all_rejected(w, page, err);
    return status == CCD_OK ? put_attributes(w, page, err) : status;
}

static int put_page(struct sql_writer *w, const struct store_page *page,
                    struct store_page_result *result, struct ccd_error *err)
{
    int status = ensure_series(w, page, err);
    if (status == CCD_OK && page->batch && page->batch->row_count > 0)
        status = put_rows(w, page, result, err);
    if (status != CCD_OK)
        return status;
    return sql_coverage_insert(w->c, page->series->series_id, interval_infos[page->interval].step_s,
                               page->segments, page->segment_count, err);
}

/* ---- transaction ---- */

static void give_back(struct sql_writer *w)
{
    sql_pool_give(w->store->pool, w->c);
    w->c = NULL;
}

/* A connection that was idle for long may be dead: the next one is tried. */
static int take_and_begin(struct sql_writer *w, struct ccd_error *err)
{
    int64_t idle = sql_pool_counts(w->store->pool).idle;
    for (;;) {
        int status = sql_pool_take(w->store->pool, &w->c, err);
        if (status != CCD_OK)
            return status;
        status = w->c->driver->begin(w->c, SQL_WRITES, err);
        if (status == CCD_OK)
            return CCD_OK;
        bool dead = w->c->broken;
        give_back(w);
        if (!dead || idle-- <= 0)
            return status;
    }
}

int sql_writer_begin(struct store_writer *writer, struct ccd_error *err)
{
    struct sql_writer *w = of(writer);
    int status = check_failure(w->store, err);
    if (status != CCD_OK)
        return status;
    if (w->c)
        return error_set(err, CCD_INTERNAL, "a transaction was begun within another");
    return keep_failure(w->store, take_and_begin(w, err), err);
}

int sql_writer_put(struct store_writer *writer, const struct store_page *page,
                   struct store_page_result *out_result, struct ccd_error *err)
{
    struct sql_writer *w = of(writer);
    *out_result = (struct store_page_result){0};
    if (!w->c)
        return error_set(err, CCD_INTERNAL, "a page was put outside a transaction");
    return keep_failure(w->store, put_page(w, page, out_result, err), err);
}

enum store_outcome sql_writer_commit(struct store_writer *writer, struct ccd_error *err)
{
    struct sql_writer *w = of(writer);
    if (!w->c) {
        error_set(err, CCD_INTERNAL, "there is no transaction to commit");
        return STORE_ROLLED_BACK;
    }
    struct ccd_error own = {0};
    enum store_outcome outcome = w->c->driver->commit(w->c, &own);
    if (outcome == STORE_UNKNOWN)
        w->c->broken = true;
    if (outcome != STORE_COMMITTED) {
        forget_series(w);
        keep_failure(w->store, (int)own.status, &own);
        if (err)
            *err = own;
    }
    give_back(w);
    return outcome;
}

void sql_writer_rollback(struct store_writer *writer)
{
    struct sql_writer *w = of(writer);
    if (!w->c)
        return;
    w->c->driver->rollback(w->c);
    forget_series(w);
    give_back(w);
}
