#include <inttypes.h>

#include "store/sql/store.h"

enum { CATALOGUE_TEXT_MAX_BYTES = 256 << 20, ROWS_PER_CALL_MAX = 16 };

static const char doing_put[] = "write a catalogue to";
static const char doing_load[] = "read a catalogue in";

/* One call. Columns are those of the type, in its order; the market is not taken from the rows. */
struct catalogue {
    const struct data_type *type;
    struct str market;
    int market_column;
    int instrument_column;
    /* Loading. */
    struct batch *batch; /* NULL = only counts */
    size_t count;        /* rows that there are */
    int64_t asked_utc_s;
    bool overflow;
    struct sql_task *task;
};

static int catalogue_init(struct catalogue *k, const struct data_type *type, struct str market,
                          struct ccd_error *err)
{
    *k = (struct catalogue){
        .type = type,
        .market = market,
        .market_column = data_type_column(type, STR("market")),
        .instrument_column = data_type_column(type, STR("instrument")),
    };
    if (type->shape != SHAPE_CATALOGUE || k->market_column < 0 || k->instrument_column < 0)
        return error_set(err, CCD_INTERNAL, "%s is not a catalogue of instruments", type->name);
    return CCD_OK;
}

/* "a", "b" … */
static void add_columns(struct buf *sql, const struct sql_connection *c, const struct catalogue *k)
{
    for (size_t i = 0; i < k->type->column_count; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        sql_add_name(sql, c, k->type->columns[i].name);
    }
}

/* ---- loading ---- */

static int take_asked(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    struct catalogue *k = user;
    if (count > 0 && values[0].kind == VALUE_I64)
        k->asked_utc_s = values[0].i64;
    return SQL_ENOUGH;
}

static int read_asked(struct sql_connection *c, struct catalogue *k, struct ccd_error *err)
{
    const struct value parameters[] = {value_text(k->market), value_text(str_from(k->type->name))};
    k->asked_utc_s = 0;
    return sql_ask(c, doing_load,
                   "SELECT asked_utc_s FROM ccdata_catalogue WHERE market = ?1 AND data_type = ?2",
                   parameters, 2, take_asked, k, err);
}

static int take_count(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    struct catalogue *k = user;
    if (count > 0 && values[0].kind == VALUE_I64)
        k->count = (size_t)values[0].i64;
    return SQL_ENOUGH;
}

static int read_count(struct sql_connection *c, struct catalogue *k, struct ccd_error *err)
{
    struct buf sql;
    const struct value market = value_text(k->market);
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT count(*) FROM ");
    sql_add_name(&sql, c, k->type->name);
    buf_add_text(&sql, " WHERE market = ?1");
    k->count = 0;
    int status = sql_run_text(c, doing_load, &sql, &market, 1, &(struct sql_sink){take_count, k},
                              err);
    buf_release(&sql);
    return status;
}

/* Counts on when the batch is full, so that the caller learns how much room is needed. */
static int take_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct catalogue *k = user;
    struct batch *b = k->batch;
    k->count++;
    if (b->row_count == b->capacity_rows) {
        k->overflow = true;
        return CCD_OK;
    }
    if (count != k->type->column_count)
        return error_set(err, CCD_INTERNAL, "a row of %s has %zu columns", k->type->name, count);
    int status = CCD_OK;
    for (size_t i = 0; i < count && status == CCD_OK; i++)
        status = value_to_cell(&values[i], b, b->row_count, i, err);
    if (status == CCD_OK)
        b->row_count++;
    if (k->task)
        k->task->delivered = true;
    return status;
}

static int read_rows(struct sql_connection *c, struct catalogue *k, struct ccd_error *err)
{
    struct buf sql;
    const struct value market = value_text(k->market);
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT ");
    add_columns(&sql, c, k);
    buf_add_text(&sql, " FROM ");
    sql_add_name(&sql, c, k->type->name);
    buf_add_text(&sql, " WHERE market = ?1 ORDER BY instrument");
    k->count = 0;
    int status = sql_run_text(c, doing_load, &sql, &market, 1, &(struct sql_sink){take_row, k},
                              err);
    buf_release(&sql);
    return status;
}

/* The time first: rows that are newer than it do no harm, it is written after them. */
static int load(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct catalogue *k = context;
    int status = read_asked(c, k, err);
    if (status != CCD_OK)
        return status;
    return k->batch ? read_rows(c, k, err) : read_count(c, k, err);
}

int sql_load_catalogue(struct store *store, const struct data_type *type, struct str market,
                       struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                       struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct catalogue k;
    *out_count = 0;
    *out_asked_utc_s = 0;
    int status = catalogue_init(&k, type, market, err);
    if (status != CCD_OK || s->empty)
        return status;
    if (batch && batch->type != type)
        return error_set(err, CCD_INTERNAL, "the batch is not one of %s", type->name);
    struct sql_task task = {.run = load, .context = &k};
    k.batch = batch;
    k.task = &task;
    size_t before = batch ? batch->row_count : 0;
    status = sql_store_do(s, &task, err);
    *out_count = k.count;
    *out_asked_utc_s = k.asked_utc_s;
    if (status == CCD_OK && k.overflow) {
        batch->row_count = before;
        status = error_set(err, CCD_INTERNAL, "%zu rows of %s do not fit the batch", k.count,
                           type->name);
    }
    return status;
}

/* ---- putting ---- */

struct put_call {
    struct catalogue k;
    const struct batch *rows;
    int64_t asked_utc_s;
    struct store_catalogue_counts *counts;
    bool older;          /* than the stored answer: what is stored stays */
    struct batch stored; /* the market's rows */
    /* By the hash of the instrument, its newest version: 0 = none, 1 … = a row of `stored`, and
     * those after them = a row of `rows`, which may name an instrument twice. */
    size_t *slots;
    size_t slot_count; /* a power of two */
    bool pads_text;    /* the database takes instruments that differ by blanks at the end for one */
    struct value *parameters;
    size_t pending[ROWS_PER_CALL_MAX]; /* new rows that are not written yet */
    size_t pending_count, pending_max;
};

static uint64_t hash_text(struct str text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

static struct str instrument_of(const struct put_call *p, const struct batch *b, size_t row)
{
    return batch_text(b, row, (size_t)p->k.instrument_column);
}

/* What the database compares. */
static struct str key_of(const struct put_call *p, struct str instrument)
{
    while (p->pads_text && instrument.len > 0 && instrument.ptr[instrument.len - 1] == ' ')
        instrument.len--;
    return instrument;
}

static const struct batch *version_at(const struct put_call *p, size_t slot, size_t *out_row)
{
    bool is_stored = slot <= p->stored.row_count;
    *out_row = is_stored ? slot - 1 : slot - 1 - p->stored.row_count;
    return is_stored ? &p->stored : p->rows;
}

/* Its slot, or the free one where it belongs. */
static size_t *slot_of(const struct put_call *p, struct str instrument)
{
    struct str key = key_of(p, instrument);
    for (size_t at = (size_t)hash_text(key);; at++) {
        size_t *slot = &p->slots[at & (p->slot_count - 1)];
        size_t row;
        if (*slot == 0)
            return slot;
        const struct batch *b = version_at(p, *slot, &row);
        if (str_equal(key_of(p, instrument_of(p, b, row)), key))
            return slot;
    }
}

static int index_stored(struct put_call *p, const struct allocator *allocator,
                        struct ccd_error *err)
{
    p->slot_count = 16;
    while (p->slot_count < 2 * (p->stored.row_count + p->rows->row_count))
        p->slot_count *= 2;
    p->slots = mem_new(allocator, p->slot_count, sizeof(*p->slots));
    if (!p->slots)
        return error_set(err, CCD_NO_MEMORY, "no memory for a catalogue");
    for (size_t row = 0; row < p->stored.row_count; row++)
        *slot_of(p, instrument_of(p, &p->stored, row)) = row + 1;
    return CCD_OK;
}

/* Somebody else may add rows between the two questions; then it is done again. */
static int load_stored(struct sql_connection *c, struct put_call *p, struct ccd_error *err)
{
    int status = read_count(c, &p->k, err);
    if (status == CCD_OK) {
        status = batch_init(&p->stored, p->k.type, p->k.count + 1, CATALOGUE_TEXT_MAX_BYTES,
                            c->target->allocator, err);
    }
    if (status == CCD_OK) {
        p->k.batch = &p->stored;
        status = read_rows(c, &p->k, err);
    }
    if (status == CCD_OK && p->k.overflow) {
        status = error_set(err, CCD_DATABASE_BUSY, "the catalogue %s of %s changed meanwhile",
                           p->k.type->name, c->target->name);
    }
    return status == CCD_OK ? index_stored(p, c->target->allocator, err) : status;
}

static bool row_equals(const struct put_call *p, size_t row, size_t slot)
{
    size_t version_row;
    const struct batch *version = version_at(p, slot, &version_row);
    for (size_t i = 0; i < p->k.type->column_count; i++) {
        struct value a = value_of_cell(p->rows, row, i);
        struct value b = value_of_cell(version, version_row, i);
        if ((int)i != p->k.market_column && !value_equal(&a, &b))
            return false;
    }
    return true;
}

/* The row's values and the time; returns the number after the last. */
static size_t add_parameters(struct put_call *p, size_t at, size_t row)
{
    for (size_t i = 0; i < p->k.type->column_count; i++) {
        p->parameters[at++] = (int)i == p->k.market_column ? value_text(p->k.market)
                                                           : value_of_cell(p->rows, row, i);
    }
    p->parameters[at++] = value_i64(p->asked_utc_s);
    return at;
}

static int insert_rows(struct sql_connection *c, struct put_call *p, const size_t *rows,
                       size_t count, struct ccd_error *err)
{
    size_t columns = p->k.type->column_count;
    size_t parameters = 0;
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ");
    sql_add_name(&sql, c, p->k.type->name);
    buf_add_text(&sql, " (");
    add_columns(&sql, c, &p->k);
    buf_add_text(&sql, ", created_at, updated_at) VALUES ");
    for (size_t row = 0; row < count; row++) {
        buf_add_text(&sql, row > 0 ? ", (" : "(");
        for (size_t i = 0; i < columns; i++)
            buf_printf(&sql, "?%zu, ", parameters + i + 1);
        sql_add_moment_parameter(&sql, c, parameters + columns + 1);
        buf_add_text(&sql, ", ");
        sql_add_moment_parameter(&sql, c, parameters + columns + 1);
        buf_add_text(&sql, ")");
        parameters = add_parameters(p, parameters, rows[row]);
    }
    int status = sql_run_text(c, doing_put, &sql, p->parameters, parameters, NULL, err);
    buf_release(&sql);
    return status;
}

/* All of them in one statement when there are as many as fit; what is left over, one by one. */
static int flush(struct sql_connection *c, struct put_call *p, struct ccd_error *err)
{
    int status = CCD_OK;
    if (p->pending_count == p->pending_max)
        status = insert_rows(c, p, p->pending, p->pending_count, err);
    else
        for (size_t i = 0; i < p->pending_count && status == CCD_OK; i++)
            status = insert_rows(c, p, &p->pending[i], 1, err);
    p->pending_count = 0;
    return status;
}

static int update_row(struct sql_connection *c, struct put_call *p, size_t row,
                      struct ccd_error *err)
{
    const struct data_type *type = p->k.type;
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "UPDATE ");
    sql_add_name(&sql, c, type->name);
    buf_add_text(&sql, " SET ");
    for (size_t i = 0; i < type->column_count; i++) {
        if (!(type->columns[i].flags & COLUMN_KEY)) {
            sql_add_name(&sql, c, type->columns[i].name);
            buf_printf(&sql, " = ?%zu, ", i + 1);
        }
    }
    buf_add_text(&sql, "updated_at = ");
    sql_add_moment_parameter(&sql, c, type->column_count + 1);
    buf_printf(&sql, " WHERE market = ?%d AND instrument = ?%d", p->k.market_column + 1,
               p->k.instrument_column + 1);
    size_t parameters = add_parameters(p, 0, row);
    int status = sql_run_text(c, doing_put, &sql, p->parameters, parameters, NULL, err);
    buf_release(&sql);
    return status;
}

/* The same key, but not the same instrument. */
static int check_key(const struct sql_connection *c, const struct put_call *p, size_t slot,
                     struct str instrument, struct ccd_error *err)
{
    size_t row;
    const struct batch *b = version_at(p, slot, &row);
    if (str_equal(instrument_of(p, b, row), instrument))
        return CCD_OK;
    return error_set(err, CCD_DATABASE_DATA,
                     "cannot %s %s: two instruments of %s " STR_FMT " differ only by blanks at the "
                     "end, \"" STR_FMT "\", which this database cannot tell apart",
                     doing_put, c->target->name, p->k.type->name, STR_ARG(p->k.market),
                     STR_ARG(instrument));
}

static int put_row(struct sql_connection *c, struct put_call *p, size_t row, struct ccd_error *err)
{
    struct str instrument = instrument_of(p, p->rows, row);
    size_t *slot = slot_of(p, instrument);
    int status = *slot != 0 ? check_key(c, p, *slot, instrument, err) : CCD_OK;
    if (status != CCD_OK)
        return status;
    if (*slot != 0 && (p->older || row_equals(p, row, *slot))) {
        p->counts->unchanged++;
        return CCD_OK;
    }
    bool is_new = *slot == 0;
    *slot = p->stored.row_count + row + 1;
    if (is_new) {
        p->counts->added++;
        p->pending[p->pending_count++] = row;
        return p->pending_count == p->pending_max ? flush(c, p, err) : CCD_OK;
    }
    p->counts->changed++;
    status = flush(c, p, err); /* it may be one of them */
    return status == CCD_OK ? update_row(c, p, row, err) : status;
}

/* The later of the two answers stays. */
static int put_asked(struct sql_connection *c, const struct put_call *p, struct ccd_error *err)
{
    if (p->older)
        return CCD_OK;
    struct buf sql;
    const struct value parameters[] = {
        value_text(str_from(p->k.type->name)),
        value_text(p->k.market),
        value_i64(p->asked_utc_s),
    };
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ccdata_catalogue (data_type, market, asked_utc_s)"
                       " VALUES (?1, ?2, ?3)");
    upsert_add(&sql, c->dialect, "data_type, market", "asked_utc_s");
    int status = sql_run_text(c, doing_put, &sql, parameters, 3, NULL, err);
    buf_release(&sql);
    return status;
}

static void forget(struct put_call *p, const struct allocator *allocator)
{
    batch_release(&p->stored);
    mem_free(allocator, p->slots);
    mem_free(allocator, p->parameters);
    p->slots = NULL;
    p->parameters = NULL;
}

static int begin(struct sql_connection *c, struct put_call *p, struct ccd_error *err)
{
    size_t per_row = p->k.type->column_count + 2; /* the time stands twice */
    *p->counts = (struct store_catalogue_counts){0};
    p->pads_text = c->dialect->pads_text;
    p->pending_count = 0;
    p->pending_max = SQL_PARAMETERS_MAX / per_row;
    if (p->pending_max > ROWS_PER_CALL_MAX)
        p->pending_max = ROWS_PER_CALL_MAX;
    p->parameters = mem_new(c->target->allocator, SQL_PARAMETERS_MAX, sizeof(*p->parameters));
    if (!p->parameters)
        return error_set(err, CCD_NO_MEMORY, "no memory for a catalogue");
    int status = read_asked(c, &p->k, err);
    p->older = p->asked_utc_s < p->k.asked_utc_s;
    return status == CCD_OK ? load_stored(c, p, err) : status;
}

static int put(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct put_call *p = context;
    p->k.overflow = false;
    int status = begin(c, p, err);
    for (size_t row = 0; row < p->rows->row_count && status == CCD_OK; row++)
        status = put_row(c, p, row, err);
    if (status == CCD_OK)
        status = flush(c, p, err);
    if (status == CCD_OK)
        status = put_asked(c, p, err);
    forget(p, c->target->allocator);
    return status;
}

int sql_put_catalogue(struct store *store, const struct data_type *type, struct str market,
                      const struct batch *rows, int64_t asked_utc_s,
                      struct store_catalogue_counts *out_counts, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct put_call p = {.rows = rows, .asked_utc_s = asked_utc_s, .counts = out_counts};
    *out_counts = (struct store_catalogue_counts){0};
    int status = catalogue_init(&p.k, type, market, err);
    if (status != CCD_OK)
        return status;
    struct sql_task task = {.run = put, .context = &p, .writes = true, .apart = true};
    return sql_store_do(s, &task, err);
}
