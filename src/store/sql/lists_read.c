#include <inttypes.h>
#include <string.h>

#include "store/sql/lists.h"

enum { SCOPES_MAX_BYTES = 16 << 20 };

static const char doing[] = "read a list in";

/* Schemas before this have the two catalogues alone, without is_listed. */
enum { LISTS_SINCE_VERSION = 3 };

struct load_call {
    const struct data_type *table;
    struct list_keys keys;
    struct str scope;
    bool old;            /* the schema is older than the lists */
    struct batch *batch; /* NULL = only counts */
    size_t count;        /* rows that there are */
    int64_t asked_utc_s;
    bool overflow;
    struct sql_task *task;
};

void list_add_columns(struct buf *sql, const struct sql_connection *c,
                      const struct data_type *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        sql_add_name(sql, c, table->columns[i].name);
    }
}

/* ---- one number ---- */

static int take_number(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    int64_t *out = user;
    if (count > 0 && values[0].kind == VALUE_I64)
        *out = values[0].i64;
    return SQL_ENOUGH;
}

int list_read_asked(struct sql_connection *c, const struct data_type *table, struct str scope,
                    int64_t *out_asked_utc_s, struct ccd_error *err)
{
    const struct value parameters[] = {value_text(scope), value_text(str_from(table->name))};
    *out_asked_utc_s = 0;
    return sql_ask(c, doing,
                   "SELECT asked_utc_s FROM ccdata_catalogue WHERE market = ?1 AND data_type = ?2",
                   parameters, 2, take_number, out_asked_utc_s, err);
}

/* " FROM t WHERE market = ?1"; returns the number of parameters. */
static size_t add_source(struct buf *sql, const struct sql_connection *c,
                         const struct data_type *table, const struct list_keys *keys,
                         struct str scope, struct value *out_parameter)
{
    buf_add_text(sql, " FROM ");
    sql_add_name(sql, c, table->name);
    int column = keys->market >= 0 ? keys->market : scope.len > 0 ? keys->parent : -1;
    int64_t record = 0;
    if (column < 0)
        return 0;
    buf_add_text(sql, " WHERE ");
    sql_add_name(sql, c, table->columns[column].name);
    buf_add_text(sql, " = ?1");
    str_to_i64(scope, &record);
    *out_parameter = table->columns[column].kind == COLUMN_TEXT ? value_text(scope)
                                                                : value_i64(record);
    return 1;
}

int list_count_stored(struct sql_connection *c, const struct data_type *table,
                      const struct list_keys *keys, struct str scope, size_t *out_count,
                      struct ccd_error *err)
{
    struct buf sql;
    struct value parameter;
    int64_t count = 0;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT count(*)");
    size_t parameters = add_source(&sql, c, table, keys, scope, &parameter);
    int status = sql_run_text(c, doing, &sql, &parameter, parameters,
                              &(struct sql_sink){take_number, &count}, err);
    *out_count = (size_t)count;
    buf_release(&sql);
    return status;
}

/* ---- rows ---- */

/* Counts on when the batch is full, so that the caller learns how much room is needed. */
static int take_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct load_call *k = user;
    struct batch *b = k->batch;
    k->count++;
    if (b->row_count == b->capacity_rows) {
        k->overflow = true;
        return CCD_OK;
    }
    if (count != k->table->column_count)
        return error_set(err, CCD_INTERNAL, "a row of %s has %zu columns", k->table->name, count);
    int status = CCD_OK;
    for (size_t i = 0; i < count && status == CCD_OK; i++)
        status = value_to_cell(&values[i], b, b->row_count, i, err);
    if (status == CCD_OK)
        b->row_count++;
    k->task->delivered = true;
    return status;
}

/* What an old schema does not have is what it would say after its migration. */
static void add_selected(struct buf *sql, const struct sql_connection *c, const struct load_call *k)
{
    for (size_t i = 0; i < k->table->column_count; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        if (k->old && (int)i == k->keys.listed)
            buf_add_text(sql, "1");
        else
            sql_add_name(sql, c, k->table->columns[i].name);
    }
}

static int read_rows(struct sql_connection *c, struct load_call *k, struct ccd_error *err)
{
    struct buf sql;
    struct value parameter;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT ");
    add_selected(&sql, c, k);
    size_t parameters = add_source(&sql, c, k->table, &k->keys, k->scope, &parameter);
    for (size_t i = list_first_key(&k->keys); i < k->keys.count; i++) {
        buf_add_text(&sql, i == list_first_key(&k->keys) ? " ORDER BY " : ", ");
        sql_add_name(&sql, c, k->table->columns[k->keys.columns[i]].name);
    }
    k->count = 0;
    int status = sql_run_text(c, doing, &sql, &parameter, parameters,
                              &(struct sql_sink){take_row, k}, err);
    buf_release(&sql);
    return status;
}

/* The time first: rows that are newer than it do no harm, it is written after them. */
static int load(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct load_call *k = context;
    int status = list_read_asked(c, k->table, k->scope, &k->asked_utc_s, err);
    if (status != CCD_OK)
        return status;
    return k->batch ? read_rows(c, k, err)
                    : list_count_stored(c, k->table, &k->keys, k->scope, &k->count, err);
}

int sql_load_list(struct store *store, const struct data_type *table, struct str scope,
                  struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                  struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct load_call k = {.table = table, .scope = scope, .batch = batch};
    *out_count = 0;
    *out_asked_utc_s = 0;
    k.old = s->version < LISTS_SINCE_VERSION;
    if (!list_keys_init(&k.keys, table))
        return error_set(err, CCD_INTERNAL, "%s is no list", table->name);
    if (s->empty || (k.old && table->shape != SHAPE_CATALOGUE))
        return CCD_OK;
    if (batch && batch->type != table)
        return error_set(err, CCD_INTERNAL, "the batch is not one of %s", table->name);
    struct sql_task task = {.run = load, .context = &k};
    k.task = &task;
    size_t before = batch ? batch->row_count : 0;
    int status = sql_store_do(s, &task, err);
    *out_count = k.count;
    *out_asked_utc_s = k.asked_utc_s;
    if (status == CCD_OK && k.overflow) {
        batch->row_count = before;
        status = error_set(err, CCD_INTERNAL, "%zu rows of %s do not fit the batch", k.count,
                           table->name);
    }
    return status;
}

/* ---- the scopes ---- */

/* Kept, so that who is given them may use the store meanwhile: a head and its text each. */
struct scopes {
    const struct data_type *table;
    struct buf kept;
};
struct scope_head {
    int64_t asked_utc_s;
    size_t len;
};

static int take_scope(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct scopes *k = user;
    if (count != 2 || values[0].kind != VALUE_TEXT || values[1].kind != VALUE_I64)
        return error_set(err, CCD_DATABASE_DATA, "ccdata_catalogue has a list without a market");
    const struct scope_head head = {values[1].i64, values[0].text.len};
    buf_add(&k->kept, &head, sizeof(head));
    if (buf_add(&k->kept, values[0].text.ptr, values[0].text.len) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for the lists of %s", k->table->name);
    return CCD_OK;
}

static int read_scopes(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct scopes *k = context;
    const struct value type = value_text(str_from(k->table->name));
    buf_clear(&k->kept);
    return sql_ask(c, doing,
                   "SELECT market, asked_utc_s FROM ccdata_catalogue WHERE data_type = ?1"
                   " ORDER BY market",
                   &type, 1, take_scope, k, err);
}

int sql_each_list(struct store *store, const struct data_type *table,
                  int (*add)(void *user, struct str scope, int64_t asked_utc_s,
                             struct ccd_error *err),
                  void *user, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct scopes k = {.table = table};
    if (s->empty)
        return CCD_OK;
    buf_init(&k.kept, SCOPES_MAX_BYTES, s->target.allocator);
    int status = sql_store_do(s, &(struct sql_task){.run = read_scopes, .context = &k}, err);
    struct scope_head head;
    for (size_t at = 0; status == CCD_OK && at < k.kept.len; at += sizeof(head) + head.len) {
        memcpy(&head, k.kept.data + at, sizeof(head));
        status = add(user, (struct str){k.kept.data + at + sizeof(head), head.len},
                     head.asked_utc_s, err);
    }
    buf_release(&k.kept);
    return status;
}
