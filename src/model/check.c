#include "model/check.h"

static double cell_number(const struct batch *b, size_t row, size_t column)
{
    const union cell *cell = batch_cell(b, row, column);
    return b->type->columns[column].kind == COLUMN_F64 ? cell->f64 : (double)cell->i64;
}

const char *check_row(const struct batch *b, size_t row)
{
    const struct column *columns = b->type->columns;
    const uint32_t checked = COLUMN_COUNT | COLUMN_LOW | COLUMN_HIGH;
    size_t low = COLUMN_MAX;
    size_t high = COLUMN_MAX;
    for (size_t i = 0; i < b->type->column_count; i++) {
        uint32_t flags = columns[i].flags;
        if (!(flags & checked) || !batch_has(b, row, i)) {
            continue;
        }
        if (flags & COLUMN_LOW) {
            low = i;
        }
        if (flags & COLUMN_HIGH) {
            high = i;
        }
        if (flags & COLUMN_COUNT && cell_number(b, row, i) < 0) {
            return columns[i].if_negative;
        }
    }
    if (b->type->checks_ohlc && low < COLUMN_MAX && high < COLUMN_MAX &&
        cell_number(b, row, low) > cell_number(b, row, high)) {
        return "low above high";
    }
    return NULL;
}

/* The sign bits of a column or-ed together: unset cells are zero, and a negative zero only costs a
 * closer look. */
static bool any_sign(const struct batch *b, size_t column)
{
    const union cell *cells = batch_cell(b, 0, column);
    int64_t signs = 0;
    for (size_t row = 0; row < b->row_count; row++) {
        signs |= cells[row].i64;
    }
    return signs < 0;
}

static bool any_above(const struct batch *b, size_t low, size_t high)
{
    const union cell *lows = batch_cell(b, 0, low);
    const union cell *highs = batch_cell(b, 0, high);
    bool above = false;
    for (size_t row = 0; row < b->row_count; row++) {
        above |= lows[row].f64 > highs[row].f64;
    }
    return above;
}

bool check_all_clean(const struct batch *b)
{
    for (size_t i = 0; i < b->type->column_count; i++) {
        if (b->type->columns[i].flags & COLUMN_COUNT && any_sign(b, i)) {
            return false;
        }
    }
    int low = data_type_column_flagged(b->type, COLUMN_LOW);
    int high = data_type_column_flagged(b->type, COLUMN_HIGH);
    bool compared = b->type->checks_ohlc && low >= 0 && high >= 0;
    return !compared || !any_above(b, (size_t)low, (size_t)high);
}
