#include <string.h>

#include "store/sql/lists.h"

enum { KEYS_TEXT_MAX_BYTES = 256 << 20 };

static const char doing[] = "compare a list in";

/* ---- rows by their key ---- */

static uint64_t hash_text(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return hash;
}

/* What the database compares. */
static struct value as_key(const struct row_index *index, struct value value)
{
    if (value.kind == VALUE_TEXT && index->pads_text)
        while (value.text.len > 0 && value.text.ptr[value.text.len - 1] == ' ')
            value.text.len--;
    return value;
}

static uint64_t hash_key(const struct row_index *index, const struct value *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < index->column_count; i++) {
        struct value v = as_key(index, key[i]);
        if (v.kind == VALUE_TEXT)
            hash = hash_text(hash, v.text);
        else if (v.kind == VALUE_I64)
            hash = hash_text(hash, (struct str){(const char *)&v.i64, sizeof(v.i64)});
        hash = hash_text(hash, STR("\x1f"));
    }
    return hash ^ hash >> 32;
}

static void key_of_row(const struct row_index *index, size_t row, struct value *out)
{
    for (size_t i = 0; i < index->column_count; i++)
        out[i] = value_of_cell(index->rows, row, index->columns[i]);
}

static bool same_key(const struct row_index *index, const struct value *a, const struct value *b,
                     bool as_compared)
{
    for (size_t i = 0; i < index->column_count; i++) {
        struct value x = as_compared ? as_key(index, a[i]) : a[i];
        struct value y = as_compared ? as_key(index, b[i]) : b[i];
        if (!value_equal(&x, &y))
            return false;
    }
    return true;
}

/* Its slot, or the free one where it belongs. */
static uint32_t *slot_of(const struct row_index *index, const struct value *key)
{
    struct value other[LIST_KEY_MAX];
    for (size_t at = (size_t)hash_key(index, key);; at++) {
        uint32_t *slot = &index->slots[at & (index->slot_count - 1)];
        if (*slot == 0)
            return slot;
        key_of_row(index, *slot - 1, other);
        if (same_key(index, key, other, true))
            return slot;
    }
}

static int index_init(struct row_index *index, const struct sql_connection *c,
                      const struct batch *rows, struct ccd_error *err)
{
    index->rows = rows;
    index->pads_text = c->dialect->pads_text;
    index->slot_count = 16;
    while (index->slot_count < 2 * rows->row_count)
        index->slot_count *= 2;
    index->slots = mem_new(c->target->allocator, index->slot_count, sizeof(*index->slots));
    return index->slots ? CCD_OK : error_set(err, CCD_NO_MEMORY, "no memory to compare a list");
}

static void add_key_column(struct row_index *index, size_t column)
{
    index->columns[index->column_count++] = column;
}

/* Two keys that the database takes for one, which are not. */
static int check_key(const struct list_job *job, const struct sql_connection *c,
                     const struct value *a, const struct value *b, struct ccd_error *err)
{
    if (same_key(&job->index, a, b, false))
        return CCD_OK;
    struct str text = STR("");
    for (size_t i = 0; i < job->index.column_count; i++)
        text = a[i].kind == VALUE_TEXT ? a[i].text : text;
    return error_set(err, CCD_DATABASE_DATA,
                     "cannot %s %s: two rows of %s differ only by blanks at the end of \"" STR_FMT
                     "\", which this database cannot tell apart",
                     doing, c->target->name, job->given->table->name, STR_ARG(text));
}

/* ---- begin and end ---- */

static int check_row(const struct list_job *job, size_t row, const struct value *key,
                     struct ccd_error *err)
{
    for (size_t i = 0; i < job->index.column_count; i++)
        if (key[i].kind == VALUE_NULL)
            return error_set(err, CCD_INTERNAL, "row %zu of %s has no %s", row,
                             job->given->table->name,
                             job->given->table->columns[job->index.columns[i]].name);
    return CCD_OK;
}

static int find_repeated(struct list_job *job, const struct sql_connection *c,
                         struct ccd_error *err)
{
    struct value key[LIST_KEY_MAX];
    struct value before[LIST_KEY_MAX];
    int status = CCD_OK;
    for (size_t row = 0; row < job->given->rows->row_count && status == CCD_OK; row++) {
        key_of_row(&job->index, row, key);
        status = check_row(job, row, key, err);
        if (status != CCD_OK)
            break;
        uint32_t *slot = slot_of(&job->index, key);
        if (*slot != 0) {
            key_of_row(&job->index, *slot - 1, before);
            status = check_key(job, c, key, before, err);
            job->fates[*slot - 1] = LIST_REPEATED;
        }
        *slot = (uint32_t)row + 1;
    }
    return status;
}

int list_job_begin(struct list_job *job, const struct sql_connection *c, struct ccd_error *err)
{
    const struct batch *rows = job->given->rows;
    const struct data_type *table = job->given->table;
    job->plain_zero = c->dialect->plain_zero;
    job->stored_count = 0;
    job->listed_count = 0;
    job->index = (struct row_index){0};
    for (size_t i = list_first_key(&job->keys); i < job->keys.count; i++) {
        job->key_columns[job->index.column_count] = table->columns[job->keys.columns[i]];
        add_key_column(&job->index, job->keys.columns[i]);
    }
    job->key_type = (struct data_type){
        .name = table->name, .columns = job->key_columns, .column_count = job->index.column_count};
    job->fates = mem_new(c->target->allocator, rows->row_count + 1, sizeof(*job->fates));
    if (!job->fates)
        return error_set(err, CCD_NO_MEMORY, "no memory to compare a list");
    int status = index_init(&job->index, c, rows, err);
    return status == CCD_OK ? find_repeated(job, c, err) : status;
}

void list_job_end(struct list_job *job, const struct allocator *allocator)
{
    mem_free(allocator, job->index.slots);
    mem_free(allocator, job->fates);
    mem_free(allocator, job->siblings);
    batch_release(&job->gone);
    job->index.slots = NULL;
    job->fates = NULL;
    job->siblings = NULL;
}

/* ---- records, catalogues and parts ---- */

struct value list_job_value(const struct list_job *job, size_t row, size_t column)
{
    if ((int)column == job->keys.market)
        return value_text(job->call->scope);
    struct value value = value_of_cell(job->given->rows, row, column);
    bool unsaid = (int)column == job->keys.listed && value.kind == VALUE_NULL;
    return unsaid ? value_i64(1) : value;
}

/* Whether the stored value is the row's; a database may keep neither -0.0 nor the kind of a number.
 */
static bool same_value(const struct list_job *job, size_t row, size_t column,
                       const struct value *stored)
{
    struct value given = list_job_value(job, row, column);
    struct value kept = *stored;
    if (given.kind == VALUE_F64 && kept.kind == VALUE_I64)
        kept = value_f64((double)kept.i64);
    if (job->plain_zero && given.kind == VALUE_F64 && given.f64 == 0)
        given.f64 = 0;
    return value_equal(&given, &kept);
}

static bool same_row(const struct list_job *job, size_t row, const struct value *stored)
{
    for (size_t i = 0; i < job->given->table->column_count; i++)
        if ((int)i != job->keys.market && !same_value(job, row, i, &stored[i]))
            return false;
    return true;
}

static int take_gone(struct list_job *job, const struct sql_connection *c, const struct value *key,
                     struct ccd_error *err)
{
    struct batch *gone = &job->gone;
    if (gone->row_count == gone->capacity_rows) {
        return error_set(err, CCD_DATABASE_BUSY, "the list %s of %s changed meanwhile",
                         job->given->table->name, c->target->name);
    }
    int status = CCD_OK;
    for (size_t i = 0; i < job->index.column_count && status == CCD_OK; i++)
        status = value_to_cell(&key[i], gone, gone->row_count, i, err);
    gone->row_count += status == CCD_OK;
    return status;
}

/* Whether the call takes away a stored row that is not in it. */
static bool goes(const struct list_job *job, const struct value *stored, bool was_listed)
{
    if (job->given->table->shape != SHAPE_PARTS)
        return job->call->is_complete && job->keys.listed >= 0 && was_listed;
    return job->parent && *slot_of(&job->parent->index, &stored[job->keys.parent]) != 0;
}

struct comparison {
    struct list_job *job;
    const struct sql_connection *c;
};

static int take_stored(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    const struct comparison *k = user;
    struct list_job *job = k->job;
    struct value key[LIST_KEY_MAX];
    struct value given[LIST_KEY_MAX];
    if (count != job->given->table->column_count) {
        return error_set(err, CCD_INTERNAL, "a row of %s has %zu columns", job->given->table->name,
                         count);
    }
    for (size_t i = 0; i < job->index.column_count; i++)
        key[i] = values[job->index.columns[i]];
    bool has_flag = job->keys.listed >= 0;
    bool was_listed = !has_flag || values[job->keys.listed].kind != VALUE_I64 ||
                      values[job->keys.listed].i64 != 0;
    job->listed_count += was_listed;
    uint32_t slot = *slot_of(&job->index, key);
    if (slot == 0)
        return goes(job, values, was_listed) ? take_gone(job, k->c, key, err) : CCD_OK;
    key_of_row(&job->index, slot - 1, given);
    job->fates[slot - 1] = same_row(job, slot - 1, values) ? LIST_SAME : LIST_CHANGED;
    return check_key(job, k->c, given, key, err);
}

static int read_stored(struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    const struct data_type *table = job->given->table;
    const struct value scope = value_text(job->call->scope);
    struct comparison k = {job, c};
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT ");
    list_add_columns(&sql, c, table);
    buf_add_text(&sql, " FROM ");
    sql_add_name(&sql, c, table->name);
    if (job->keys.market >= 0) {
        buf_add_text(&sql, " WHERE ");
        sql_add_name(&sql, c, table->columns[job->keys.market].name);
        buf_add_text(&sql, " = ?1");
    }
    int status = sql_run_text(c, doing, &sql, &scope, job->keys.market >= 0,
                              &(struct sql_sink){take_stored, &k}, err);
    buf_release(&sql);
    return status;
}

/* Somebody else may add rows between the two questions; then it is done again. */
static int compare_rows(struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    struct str scope = job->keys.market >= 0 ? job->call->scope : STR("");
    int status = list_count_stored(c, job->given->table, &job->keys, scope, &job->stored_count,
                                   err);
    if (status == CCD_OK) {
        status = batch_init(&job->gone, &job->key_type, job->stored_count + 1, KEYS_TEXT_MAX_BYTES,
                            c->target->allocator, err);
    }
    return status == CCD_OK && job->stored_count > 0 ? read_stored(job, c, err) : status;
}

/* ---- snapshots ---- */

/* Rows of a record, newest index last: found by the record, each leads to the one before. */
struct snapshots {
    struct list_job *job;
    struct row_index records;
};

static int link_siblings(struct snapshots *k, const struct sql_connection *c, struct ccd_error *err)
{
    struct list_job *job = k->job;
    const struct batch *rows = job->given->rows;
    struct value record;
    add_key_column(&k->records, (size_t)job->keys.parent);
    int status = index_init(&k->records, c, rows, err);
    if (status != CCD_OK)
        return status;
    job->siblings = mem_new(c->target->allocator, rows->row_count + 1, sizeof(*job->siblings));
    if (!job->siblings)
        return error_set(err, CCD_NO_MEMORY, "no memory to compare snapshots");
    for (size_t row = 0; row < rows->row_count; row++) {
        key_of_row(&k->records, row, &record);
        uint32_t *slot = slot_of(&k->records, &record);
        job->siblings[row] = *slot;
        *slot = (uint32_t)row + 1;
    }
    return CCD_OK;
}

/* The record and its newest moment. */
static int take_newest(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    const struct snapshots *k = user;
    struct list_job *job = k->job;
    if (count != 2 || values[1].kind != VALUE_I64)
        return error_set(err, CCD_DATABASE_DATA, "a row of %s has no time",
                         job->given->table->name);
    for (uint32_t at = *slot_of(&k->records, &values[0]); at != 0; at = job->siblings[at - 1]) {
        int64_t moment = batch_cell(job->given->rows, at - 1, (size_t)job->keys.moment)->i64;
        if (moment <= values[1].i64 && job->fates[at - 1] != LIST_REPEATED)
            job->fates[at - 1] = LIST_SAME;
    }
    return CCD_OK;
}

static int read_newest(struct snapshots *k, struct sql_connection *c, struct ccd_error *err)
{
    const struct data_type *table = k->job->given->table;
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT ");
    sql_add_name(&sql, c, table->columns[k->job->keys.parent].name);
    buf_add_text(&sql, ", max(");
    sql_add_name(&sql, c, table->columns[k->job->keys.moment].name);
    buf_add_text(&sql, ") FROM ");
    sql_add_name(&sql, c, table->name);
    buf_add_text(&sql, " GROUP BY ");
    sql_add_name(&sql, c, table->columns[k->job->keys.parent].name);
    int status = sql_run_text(c, doing, &sql, NULL, 0, &(struct sql_sink){take_newest, k}, err);
    buf_release(&sql);
    return status;
}

static int compare_snapshots(struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    struct snapshots k = {.job = job};
    int status = link_siblings(&k, c, err);
    if (status == CCD_OK)
        status = read_newest(&k, c, err);
    mem_free(c->target->allocator, k.records.slots);
    return status;
}

int list_job_compare(struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    return job->given->table->shape == SHAPE_SNAPSHOTS ? compare_snapshots(job, c, err)
                                                       : compare_rows(job, c, err);
}
