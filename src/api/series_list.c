#include "api/series_list.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_MAX_BYTES = 1 << 30 };

static int copy_value(struct series_list *list, const struct value *value, struct value *out)
{
    *out = *value;
    if (value->kind != VALUE_TEXT)
        return 0;
    out->text.ptr = arena_copy_text(&list->memory, value->text);
    return out->text.ptr ? 0 : -1;
}

static int copy_attributes(struct series_list *list, const struct store_series *series,
                           struct listed_series *out)
{
    size_t count = series->attribute_count, given = 0;
    for (size_t i = 0; i < count; i++)
        given += series->attributes[i].kind != VALUE_NULL;
    list->attribute_count = count;
    if (given == 0)
        return 0;
    struct value *values = arena_alloc(&list->memory, count * sizeof(*values));
    int64_t *ts = arena_alloc(&list->memory, count * sizeof(*ts));
    int status = values && ts ? 0 : -1;
    for (size_t i = 0; i < count && status == 0; i++) {
        ts[i] = series->attribute_ts[i];
        status = copy_value(list, &series->attributes[i], &values[i]);
    }
    out->attributes = values;
    out->attribute_ts = ts;
    return status;
}

static struct listed_series *grow(struct series_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        struct listed_series *items = mem_resize(NULL, list->items, capacity, sizeof(*items));
        if (!items)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    struct listed_series *item = &list->items[list->count];
    *item = (struct listed_series){0};
    return item;
}

/* Neighbours mostly share their market. */
static const char *copy_market(struct series_list *list, const char *market)
{
    if (list->count > 0 && strcmp(list->items[list->count - 1].market, market) == 0)
        return list->items[list->count - 1].market;
    return arena_copy_text(&list->memory, str_from(market));
}

static int add(void *user, const struct store_series *series, struct ccd_error *err)
{
    struct series_list *list = user;
    const struct series_names *names = series->names;
    struct listed_series *item = grow(list);
    if (item) {
        item->market = copy_market(list, names->market);
        item->instrument = arena_copy_text(&list->memory, str_from(names->instrument));
        item->mapped_instrument = item->instrument;
        if (strcmp(names->instrument, names->mapped_instrument) != 0)
            item->mapped_instrument = arena_copy_text(&list->memory,
                                                      str_from(names->mapped_instrument));
    }
    if (!item || !item->market || !item->instrument || !item->mapped_instrument ||
        copy_attributes(list, series, item) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of %zu series", list->count);
    list->count++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct listed_series *left = a, *right = b;
    int order = strcmp(left->market, right->market);
    return order != 0 ? order : strcmp(left->instrument, right->instrument);
}

int series_list_load(struct series_list *list, struct store *store, const struct data_type *type,
                     struct ccd_error *err)
{
    series_list_release(list);
    arena_init(&list->memory, LIST_MAX_BYTES, NULL);
    int status = store->ops->each_series(store, type, add, list, err);
    /* Databases do not all sort bytewise. */
    if (status == 0 && list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    return status;
}

void series_list_release(struct series_list *list)
{
    mem_free(NULL, list->items);
    arena_release(&list->memory);
    *list = (struct series_list){0};
}

int series_lists_load(struct series_list **out, struct store *store,
                      const struct type_choice *choice, struct ccd_error *err)
{
    struct series_list *lists = mem_new(NULL, data_type_count, sizeof(*lists));
    *out = lists;
    if (!lists)
        return error_set(err, CCD_NO_MEMORY, "no memory for the series");
    int status = 0;
    for (size_t i = 0; i < data_type_count && status == 0; i++)
        if (type_choice_needs(choice, data_types[i]))
            status = series_list_load(&lists[i], store, data_types[i], err);
    return status;
}

void series_lists_free(struct series_list *lists)
{
    for (size_t i = 0; lists && i < data_type_count; i++)
        series_list_release(&lists[i]);
    mem_free(NULL, lists);
}

bool series_list_pair(const struct series_list *left, size_t *left_at,
                      const struct series_list *right, size_t *right_at,
                      const struct listed_series **out_left, const struct listed_series **out_right)
{
    const struct listed_series *l = *left_at < left->count ? &left->items[*left_at] : NULL;
    const struct listed_series *r = *right_at < right->count ? &right->items[*right_at] : NULL;
    if (l && r) {
        int order = compare(l, r);
        l = order <= 0 ? l : NULL;
        r = order >= 0 ? r : NULL;
    }
    *left_at += l != NULL;
    *right_at += r != NULL;
    *out_left = l;
    *out_right = r;
    return l || r;
}

int listed_series_names(const struct listed_series *series, const struct data_type *type,
                        struct series_names *out, struct ccd_error *err)
{
    if (series_names_set(out, type, str_from(series->market), str_from(series->instrument),
                         str_from(series->mapped_instrument)))
        return 0;
    return error_set(err, CCD_DATABASE_DATA, "%s %s %s is no name of a series", type->name,
                     series->market, series->instrument);
}
