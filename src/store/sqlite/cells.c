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

void bind_cell(sqlite3_stmt *stmt, int index, const struct batch *b, size_t row, size_t column)
{
    if (!batch_has(b, row, column)) {
        sqlite3_bind_null(stmt, index);
        return;
    }
    const union cell *cell = batch_cell(b, row, column);
    int64_t integer;
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        bind_str(stmt, index, batch_text(b, row, column));
        break;
    case COLUMN_F64:
        if (as_integer(cell, &integer))
            sqlite3_bind_int64(stmt, index, integer);
        else
            sqlite3_bind_double(stmt, index, cell->f64);
        break;
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        sqlite3_bind_int64(stmt, index, cell->i64);
        break;
    }
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

int cell_read(struct batch *b, size_t row, size_t column, sqlite3_value *stored,
              struct ccd_error *err)
{
    int type = sqlite3_value_type(stored);
    struct str text;
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        if (type != SQLITE_TEXT)
            break;
        text.ptr = (const char *)sqlite3_value_text(stored);
        text.len = (size_t)sqlite3_value_bytes(stored);
        if (!text.ptr || batch_set_text(b, row, column, text) != 0)
            return error_set(err, CCD_NO_MEMORY, "no memory for a text of %zu bytes", text.len);
        break;
    case COLUMN_F64:
        if (type == SQLITE_FLOAT || type == SQLITE_INTEGER)
            batch_set_f64(b, row, column, sqlite3_value_double(stored));
        break;
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        if (type == SQLITE_INTEGER)
            batch_set_i64(b, row, column, sqlite3_value_int64(stored));
        break;
    }
    return CCD_OK;
}
