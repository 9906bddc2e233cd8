#include "store/attributes.h"

#include <string.h>

static bool add_columns(struct attribute_set *set, const struct data_type *type)
{
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (!(column->flags & COLUMN_SERIES))
            continue;
        int known = attribute_find(set, column->name);
        if (known >= 0) {
            if (set->items[known].kind != column->kind)
                return false;
            continue;
        }
        if (set->count == ATTRIBUTE_MAX)
            return false;
        set->items[set->count++] = (struct attribute){column->name, column->kind};
    }
    return true;
}

bool attribute_set_init(struct attribute_set *set)
{
    *set = (struct attribute_set){0};
    for (size_t i = 0; i < data_type_count; i++)
        if (data_types[i]->shape == SHAPE_CANDLES && !add_columns(set, data_types[i]))
            return false;
    return true;
}

int attribute_find(const struct attribute_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].name, name) == 0)
            return (int)i;
    return -1;
}

int64_t attribute_newest_row(const struct batch *b, size_t column, const bool *usable)
{
    for (size_t row = b->row_count; row-- > 0;)
        if (batch_has(b, row, column) && (!usable || usable[row]))
            return (int64_t)row;
    return -1;
}

bool instrument_split(struct str instrument, struct str *out_base, struct str *out_quote)
{
    for (size_t at = instrument.len; at-- > 0;) {
        if (instrument.ptr[at] == '-') {
            *out_base = (struct str){instrument.ptr, at};
            *out_quote = (struct str){instrument.ptr + at + 1, instrument.len - at - 1};
            return out_base->len > 0 && out_quote->len > 0;
        }
    }
    return false;
}
