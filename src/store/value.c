#include "store/value.h"

#include <string.h>

struct value value_of_cell(const struct batch *b, size_t row, size_t column)
{
    if (!batch_has(b, row, column))
        return value_null();
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        return value_text(batch_text(b, row, column));
    case COLUMN_F64:
        return value_f64(batch_cell(b, row, column)->f64);
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        break;
    }
    return value_i64(batch_cell(b, row, column)->i64);
}

static int set_text(struct batch *b, size_t row, size_t column, struct str text,
                    struct ccd_error *err)
{
    if (batch_set_text(b, row, column, text) == 0)
        return CCD_OK;
    return error_set(err, CCD_NO_MEMORY, "no memory for a text of %zu bytes", text.len);
}

int value_to_cell(const struct value *value, struct batch *b, size_t row, size_t column,
                  struct ccd_error *err)
{
    static const char *const kinds[] = {[VALUE_NULL] = "nothing",
                                        [VALUE_I64] = "an integer",
                                        [VALUE_F64] = "a floating point number",
                                        [VALUE_TEXT] = "a text"};
    if (value->kind == VALUE_NULL)
        return CCD_OK;
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        if (value->kind == VALUE_TEXT)
            return set_text(b, row, column, value->text, err);
        break;
    case COLUMN_F64:
        if (value->kind == VALUE_TEXT)
            break;
        batch_set_f64(b, row, column, value->kind == VALUE_F64 ? value->f64 : (double)value->i64);
        return CCD_OK;
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        if (value->kind != VALUE_I64)
            break;
        batch_set_i64(b, row, column, value->i64);
        return CCD_OK;
    }
    return error_set(err, CCD_DATABASE_DATA, "the database has %s in the column %s of %s",
                     kinds[value->kind], b->type->columns[column].name, b->type->name);
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_TEXT:
        return str_equal(a->text, b->text);
    case VALUE_F64:
        return memcmp(&a->f64, &b->f64, sizeof(a->f64)) == 0;
    case VALUE_I64:
        break;
    }
    return a->i64 == b->i64;
}
