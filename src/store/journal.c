#include "store/journal.h"

#include <inttypes.h>

struct str journal_cell(const struct batch *b, size_t row, size_t column,
                        char scratch[JOURNAL_NUMBER_MAX_BYTES], bool *out_null)
{
    *out_null = !batch_has(b, row, column);
    if (*out_null)
        return STR("");
    const union cell *cell = batch_cell(b, row, column);
    switch (b->type->columns[column].kind) {
    case COLUMN_TEXT:
        return batch_text(b, row, column);
    case COLUMN_F64:
        return (struct str){scratch, str_format_f64(scratch, cell->f64)};
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        break;
    }
    str_print(scratch, JOURNAL_NUMBER_MAX_BYTES, "%" PRId64, cell->i64);
    return str_from(scratch);
}

void journal_record(struct buf *out, const struct batch *b, size_t row)
{
    const char *separator = "{";
    for (size_t column = 0; column < b->type->column_count; column++) {
        char scratch[JOURNAL_NUMBER_MAX_BYTES];
        bool null;
        struct str text = journal_cell(b, row, column, scratch, &null);
        if (null)
            continue;
        buf_add_text(out, separator);
        separator = ",";
        buf_add_json_text(out, str_from(b->type->columns[column].key));
        buf_add_char(out, ':');
        switch (b->type->columns[column].kind) {
        case COLUMN_TEXT:
            buf_add_json_text(out, text);
            break;
        case COLUMN_BOOL:
            buf_add_text(out, batch_cell(b, row, column)->i64 ? "true" : "false");
            break;
        case COLUMN_I64:
        case COLUMN_F64:
        case COLUMN_UTC_S:
            buf_add(out, text.ptr, text.len);
            break;
        }
    }
    buf_add_text(out, separator[0] == '{' ? "{}" : "}");
}
