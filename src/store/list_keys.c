#include "store/list_keys.h"

static bool add_key(struct list_keys *keys, size_t column)
{
    if (keys->count == LIST_KEY_MAX)
        return false;
    keys->columns[keys->count++] = column;
    return true;
}

static bool fits_shape(const struct list_keys *keys, const struct data_type *table)
{
    switch (table->shape) {
    case SHAPE_CATALOGUE:
        return keys->market >= 0 && keys->count >= 2;
    case SHAPE_RECORDS:
        return keys->count >= 1;
    case SHAPE_PARTS:
        return keys->parent >= 0 && keys->count >= 2;
    case SHAPE_SNAPSHOTS:
        return keys->parent >= 0 && keys->moment >= 0 && keys->count == 2;
    case SHAPE_CANDLES:
    case SHAPE_METADATA:
        break;
    }
    return false;
}

bool list_keys_init(struct list_keys *keys, const struct data_type *table)
{
    *keys = (struct list_keys){.market = -1, .parent = -1, .moment = -1};
    keys->listed = data_type_column_flagged(table, COLUMN_LISTED);
    if (table->shape == SHAPE_CATALOGUE)
        keys->market = data_type_column_flagged(table, COLUMN_OBJECT_KEY);
    if (keys->market >= 0 && !add_key(keys, (size_t)keys->market))
        return false;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *c = &table->columns[i];
        if (!(c->flags & COLUMN_KEY) || (int)i == keys->market)
            continue;
        if (!add_key(keys, i))
            return false;
        if (c->flags & COLUMN_PARENT)
            keys->parent = (int)i;
        else if (table->shape == SHAPE_SNAPSHOTS && c->kind == COLUMN_UTC_S)
            keys->moment = (int)i;
    }
    return fits_shape(keys, table);
}
