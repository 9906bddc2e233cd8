#include <string.h>

#include "store/sqlite/internal.h"

/* Larger integers take 8 bytes, as a double does. */
static const double compact_max = 140737488355327.0; /* 2^47 - 1 */

/* The integer that stands for the double in the file: see dialect.c. */
static inline bool as_integer(const union cell *cell, int64_t *out_value)
{
    double value = cell->f64;
    if (!(value >= -compact_max && value <= compact_max))
        return false;
    *out_value = (int64_t)value;
    bool negative_zero = *out_value == 0 && cell->i64 < 0;
    return (double)*out_value == value && !negative_zero;
}

int bind_value(sqlite3_stmt *stmt, int index, const struct value *value)
{
    union cell cell;
    int64_t integer;
    switch (value->kind) {
    case VALUE_NULL:
        return sqlite3_bind_null(stmt, index);
    case VALUE_TEXT: /* an empty text may have no address; NULL would be bound */
        return sqlite3_bind_text64(stmt, index, value->text.len > 0 ? value->text.ptr : "",
                                   value->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_F64:
        cell.f64 = value->f64;
        if (!as_integer(&cell, &integer))
            return sqlite3_bind_double(stmt, index, value->f64);
        return sqlite3_bind_int64(stmt, index, integer);
    case VALUE_I64:
        break;
    }
    return sqlite3_bind_int64(stmt, index, value->i64);
}

void result_cell(sqlite3_context *context, const struct batch *b, size_t row, size_t column)
{
    if (!batch_has(b, row, column))
        return; /* a result is NULL until it is set */
    const union cell *cell = batch_cell(b, row, column);
    int64_t integer;
    struct str text;
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        text = batch_text(b, row, column);
        sqlite3_result_text64(context, text.len > 0 ? text.ptr : "", text.len, SQLITE_STATIC,
                              SQLITE_UTF8);
        break;
    case COLUMN_F64:
        if (as_integer(cell, &integer))
            sqlite3_result_int64(context, integer);
        else
            sqlite3_result_double(context, cell->f64);
        break;
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        sqlite3_result_int64(context, cell->i64);
        break;
    }
}

static bool text_equals(struct str text, sqlite3_value *stored)
{
    const void *bytes = sqlite3_value_text(stored);
    size_t len = (size_t)sqlite3_value_bytes(stored);
    return len == text.len && (len == 0 || (bytes && memcmp(bytes, text.ptr, len) == 0));
}

bool cell_equals(const struct batch *b, size_t row, size_t column, sqlite3_value *stored)
{
    int type = sqlite3_value_type(stored);
    if (!batch_has(b, row, column))
        return type == SQLITE_NULL;
    const union cell *cell = batch_cell(b, row, column);
    union cell value;
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        return type == SQLITE_TEXT && text_equals(batch_text(b, row, column), stored);
    case COLUMN_F64:
        value.f64 = sqlite3_value_double(stored);
        return value.i64 == cell->i64 && (type == SQLITE_FLOAT || type == SQLITE_INTEGER);
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        break;
    }
    return type == SQLITE_INTEGER && sqlite3_value_int64(stored) == cell->i64;
}

int value_read(sqlite3_stmt *stmt, int column, struct value *out, struct ccd_error *err)
{
    const char *text;
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        *out = value_i64(sqlite3_column_int64(stmt, column));
        return CCD_OK;
    case SQLITE_FLOAT:
        *out = value_f64(sqlite3_column_double(stmt, column));
        return CCD_OK;
    case SQLITE_TEXT:
        text = (const char *)sqlite3_column_text(stmt, column);
        if (!text)
            return error_set(err, CCD_NO_MEMORY, "no memory for a text");
        *out = value_text((struct str){text, (size_t)sqlite3_column_bytes(stmt, column)});
        return CCD_OK;
    case SQLITE_NULL:
        *out = value_null();
        return CCD_OK;
    default:
        return error_set(err, CCD_DATABASE_DATA, "the column %s holds bytes, which are no value",
                         sqlite3_column_name(stmt, column));
    }
}
