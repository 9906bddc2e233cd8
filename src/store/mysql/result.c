#include <errmsg.h>
#include <string.h>

#include "store/mysql/internal.h"

enum { SLOT_TEXT_BYTES = 256 };

/* One column of a result: what the library writes for each row. */
struct slot {
    enum value_kind kind;
    bool is_unsigned;
    int64_t i64;
    double f64;
    char *text;
    size_t capacity;
    unsigned long len;
    my_bool is_null, cut;
};

struct result {
    struct mysql_connection *c;
    const struct sql_call *call;
    size_t count;
    bool grown; /* buffers that the library does not know yet */
    MYSQL_BIND *binds;
    struct slot *slots;
    struct value *values;
};

static enum value_kind kind_of(const MYSQL_FIELD *field)
{
    switch (field->type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
        return VALUE_I64;
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
        return VALUE_F64;
    case MYSQL_TYPE_NULL:
        return VALUE_NULL;
    default:
        return VALUE_TEXT;
    }
}

static void bind_slot(MYSQL_BIND *bind, struct slot *slot)
{
    bind->is_null = &slot->is_null;
    bind->length = &slot->len;
    bind->error = &slot->cut;
    switch (slot->kind) {
    case VALUE_I64:
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->is_unsigned = slot->is_unsigned;
        bind->buffer = &slot->i64;
        break;
    case VALUE_F64:
        bind->buffer_type = MYSQL_TYPE_DOUBLE;
        bind->buffer = &slot->f64;
        break;
    case VALUE_TEXT:
        bind->buffer_type = MYSQL_TYPE_STRING;
        bind->buffer = slot->text;
        bind->buffer_length = slot->capacity;
        break;
    case VALUE_NULL:
        bind->buffer_type = MYSQL_TYPE_NULL;
        break;
    }
}

static int out_of_range(const struct result *r, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_DATA, "cannot %s %s: an integer is larger than 2^63 - 1",
                     r->call->doing, r->c->base.target->name);
}

static int result_init(struct result *r, MYSQL_STMT *stmt, struct ccd_error *err)
{
    const struct allocator *allocator = r->c->base.target->allocator;
    r->count = mysql_stmt_field_count(stmt);
    r->binds = mem_new(allocator, r->count, sizeof(*r->binds));
    r->slots = mem_new(allocator, r->count, sizeof(*r->slots));
    r->values = mem_new(allocator, r->count, sizeof(*r->values));
    if (!r->binds || !r->slots || !r->values)
        return mysql_no_memory(r->c, r->call->doing, err);
    const MYSQL_FIELD *fields = mariadb_stmt_fetch_fields(stmt);
    for (size_t i = 0; fields && i < r->count; i++) {
        struct slot *slot = &r->slots[i];
        slot->kind = kind_of(&fields[i]);
        slot->is_unsigned = fields[i].flags & UNSIGNED_FLAG;
        if (slot->kind == VALUE_TEXT) {
            slot->capacity = SLOT_TEXT_BYTES;
            slot->text = mem_alloc(allocator, slot->capacity);
            if (!slot->text)
                return mysql_no_memory(r->c, r->call->doing, err);
        }
        bind_slot(&r->binds[i], slot);
    }
    return !fields || mysql_stmt_bind_result(stmt, r->binds) != 0
               ? mysql_fail_stmt(r->c, stmt, r->call->doing, err)
               : CCD_OK;
}

static void result_release(struct result *r)
{
    const struct allocator *allocator = r->c->base.target->allocator;
    for (size_t i = 0; r->slots && i < r->count; i++)
        mem_free(allocator, r->slots[i].text);
    mem_free(allocator, r->values);
    mem_free(allocator, r->slots);
    mem_free(allocator, r->binds);
}

/* A text that was longer than its buffer is fetched again, whole; the buffer stays that large. */
static int fetch_rest(struct result *r, MYSQL_STMT *stmt, size_t column, struct ccd_error *err)
{
    const struct allocator *allocator = r->c->base.target->allocator;
    struct slot *slot = &r->slots[column];
    size_t capacity = slot->len + slot->len / 2;
    char *text = mem_resize(allocator, slot->text, capacity, 1);
    if (!text)
        return mysql_no_memory(r->c, r->call->doing, err);
    slot->text = text;
    slot->capacity = capacity;
    bind_slot(&r->binds[column], slot);
    r->grown = true;
    return mysql_stmt_fetch_column(stmt, &r->binds[column], (unsigned)column, 0) != 0
               ? mysql_fail_stmt(r->c, stmt, r->call->doing, err)
               : CCD_OK;
}

static int take_row(struct result *r, MYSQL_STMT *stmt, struct ccd_error *err)
{
    for (size_t i = 0; i < r->count; i++) {
        struct slot *slot = &r->slots[i];
        if (slot->is_null || slot->kind == VALUE_NULL) {
            r->values[i] = value_null();
        } else if (slot->kind == VALUE_I64) {
            if (slot->is_unsigned && slot->i64 < 0)
                return out_of_range(r, err);
            r->values[i] = value_i64(slot->i64);
        } else if (slot->kind == VALUE_F64) {
            r->values[i] = value_f64(slot->f64);
        } else {
            int status = slot->len > slot->capacity ? fetch_rest(r, stmt, i, err) : CCD_OK;
            if (status != CCD_OK)
                return status;
            r->values[i] = value_text((struct str){slot->text, slot->len});
        }
    }
    /* Not before the last column: binding forgets where the row's values stand. */
    if (r->grown && mysql_stmt_bind_result(stmt, r->binds) != 0)
        return mysql_fail_stmt(r->c, stmt, r->call->doing, err);
    r->grown = false;
    return CCD_OK;
}

/* SQL_ENOUGH is not told to the caller. */
static int finish(int status)
{
    return status == SQL_ENOUGH ? CCD_OK : status;
}

/* All rows are taken off the connection first: a sink may be slow, which the server would not wait
 * for, and may run statements of its own. */
int result_of_statement(struct mysql_connection *c, MYSQL_STMT *stmt, const struct sql_call *call,
                        struct ccd_error *err)
{
    struct result r = {.c = c, .call = call};
    int status = CCD_OK;
    if (mysql_stmt_store_result(stmt) != 0)
        status = mysql_fail_stmt(c, stmt, call->doing, err);
    if (status == CCD_OK && call->sink.row)
        status = result_init(&r, stmt, err);
    while (status == CCD_OK && call->sink.row) {
        int code = mysql_stmt_fetch(stmt);
        if (code == MYSQL_NO_DATA)
            break;
        if (code != 0 && code != MYSQL_DATA_TRUNCATED)
            status = mysql_fail_stmt(c, stmt, call->doing, err);
        if (status == CCD_OK)
            status = take_row(&r, stmt, err);
        if (status == CCD_OK)
            status = call->sink.row(call->sink.user, r.values, r.count, err);
    }
    mysql_stmt_free_result(stmt);
    result_release(&r);
    return finish(status);
}

/* ---- the same over the text protocol ---- */

static int parse(const struct result *r, const MYSQL_FIELD *field, struct str text,
                 struct value *out, struct ccd_error *err)
{
    *out = value_text(text);
    if (kind_of(field) == VALUE_I64) {
        out->kind = VALUE_I64;
        return str_to_i64(text, &out->i64) ? CCD_OK : out_of_range(r, err);
    }
    if (kind_of(field) != VALUE_F64)
        return CCD_OK;
    out->kind = VALUE_F64;
    return str_to_f64(text, &out->f64)
               ? CCD_OK
               : error_set(err, CCD_DATABASE_DATA, "cannot %s %s: \"" STR_FMT "\" is no number",
                           r->call->doing, r->c->base.target->name, STR_ARG(text));
}

static int take_text_row(const struct result *r, MYSQL_RES *rows, MYSQL_ROW row,
                         struct ccd_error *err)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(rows);
    const unsigned long *lens = mysql_fetch_lengths(rows);
    for (size_t i = 0; i < r->count; i++) {
        r->values[i] = value_null();
        int status = row[i]
                         ? parse(r, &fields[i], (struct str){row[i], lens[i]}, &r->values[i], err)
                         : CCD_OK;
        if (status != CCD_OK)
            return status;
    }
    return CCD_OK;
}

int result_of_text(struct mysql_connection *c, const struct sql_call *call, struct ccd_error *err)
{
    struct result r = {.c = c, .call = call};
    MYSQL_RES *rows = mysql_store_result(c->mysql);
    if (!rows)
        return mysql_fail_last(c, call->doing, err);
    r.count = mysql_num_fields(rows);
    r.values = mem_new(c->base.target->allocator, r.count, sizeof(*r.values));
    int status = r.values ? CCD_OK : mysql_no_memory(c, call->doing, err);
    MYSQL_ROW row;
    while (status == CCD_OK && call->sink.row && (row = mysql_fetch_row(rows))) {
        status = take_text_row(&r, rows, row, err);
        if (status == CCD_OK)
            status = call->sink.row(call->sink.user, r.values, r.count, err);
    }
    mysql_free_result(rows);
    mem_free(c->base.target->allocator, r.values);
    return finish(status);
}
