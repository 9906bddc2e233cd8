#include "cli/table.h"

#include <inttypes.h>

#include "cli/cli.h"
#include "cli/term.h"

static const size_t GAP = 2;
static const size_t WRAPPED_WIDTH_MIN = 40;

void table_init(struct table *t, const struct table_column *columns, size_t column_count)
{
    *t = (struct table){.columns = columns, .column_count = column_count};
    buf_init(&t->cells, OUTPUT_MAX_BYTES, NULL);
    for (size_t i = 0; i < column_count; i++) {
        t->widths[i] = term_width(str_from(columns[i].title));
    }
}

void table_release(struct table *t)
{
    buf_release(&t->cells);
}

void table_add_text(struct table *t, const char *text)
{
    size_t start = t->cells.len;
    term_add_escaped(&t->cells, str_from(text));
    if (t->cells.failed) {
        return;
    }
    size_t width = term_width((struct str){t->cells.data + start, t->cells.len - start});
    buf_add_char(&t->cells, '\0');
    size_t column = t->cell_count++ % t->column_count;
    if (width > t->widths[column]) {
        t->widths[column] = width;
    }
}

void table_add_int(struct table *t, int64_t value)
{
    char text[32];
    str_print(text, sizeof text, "%" PRId64, value);
    table_add_text(t, text);
}

/* Spaces go before a cell, never behind it, so that no line ends in spaces. `position` is where the
 * line ends so far. */
static size_t print_cell(const struct table *t, struct buf *out, size_t column, size_t column_start,
                         size_t position, struct str text)
{
    size_t width = term_width(text);
    bool last = column + 1 == t->column_count;
    size_t start = column_start;
    if (t->columns[column].right) {
        start += t->widths[column] - width;
    }
    if (text.len == 0) {
        return position;
    }
    term_add_spaces(out, start - position);
    if (last && !t->columns[column].right) {
        size_t end = start + WRAPPED_WIDTH_MIN;
        term_add_wrapped(out, text, start, start, end > HELP_WIDTH ? end : HELP_WIDTH);
    } else {
        buf_add(out, text.ptr, text.len);
    }
    return start + width;
}

void table_print(const struct table *t, struct buf *out)
{
    if (t->cells.failed) {
        out->failed = true;
        return;
    }
    struct str cell = {t->cells.data, 0};
    for (size_t i = 0; i < t->column_count + t->cell_count; i += t->column_count) {
        size_t column_start = 0;
        size_t position = 0;
        for (size_t column = 0; column < t->column_count; column++) {
            if (i == 0) {
                cell = str_from(t->columns[column].title);
            } else {
                cell = str_from(cell.ptr);
            }
            position = print_cell(t, out, column, column_start, position, cell);
            column_start += t->widths[column] + GAP;
            cell.ptr += cell.len + 1;
        }
        if (i == 0) {
            cell.ptr = t->cells.data;
        }
        buf_add_char(out, '\n');
    }
}
