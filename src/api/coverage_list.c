#include "api/coverage_list.h"

#include "api/endpoint.h"
#include "base/hooks.h"

enum { SEGMENTS_MAX = 1 << 20 }; /* of one series; compaction keeps them far below */

void coverage_list_release(struct coverage_list *list)
{
    mem_free(NULL, list->items);
    *list = (struct coverage_list){0};
}

/* A merged list may be longer than its capacity: one segment can become three. */
static int add(struct coverage_list *list, const struct coverage_segment *segment)
{
    if (list->count >= list->capacity) {
        size_t capacity = list->count < 128 ? 256 : 2 * list->count;
        struct coverage_segment *items = NULL;
        if (capacity <= SEGMENTS_MAX)
            items = mem_resize(NULL, list->items, 4 * capacity + 2, sizeof(*items));
        if (!items)
            return -1;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *segment;
    return 0;
}

static int refuse(const struct coverage_list *list, struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for more than %zu coverage segments",
                     list->count);
}

/* Whether the store's loading stopped because add refused a segment. */
struct loading {
    struct coverage_list *list;
    bool refused;
};

static int add_loaded(void *user, const struct coverage_segment *segment)
{
    struct loading *loading = user;
    loading->refused = add(loading->list, segment) != 0;
    return loading->refused ? -1 : 0;
}

int coverage_list_load(struct coverage_list *list, struct store *store, int64_t series_id,
                       int64_t step_s, struct ccd_error *err)
{
    struct loading loading = {.list = list};
    list->count = 0;
    int status = store->ops->load_coverage(store, series_id, step_s, add_loaded, &loading, err);
    return loading.refused ? refuse(list, err) : status;
}

void coverage_list_merge(struct coverage_list *list)
{
    if (list->count > 0)
        list->count = coverage_merge(list->items, list->count, list->items + 2 * list->count);
}

int coverage_list_add(struct coverage_list *list, const struct coverage_segment *segment,
                      struct ccd_error *err)
{
    return add(list, segment) == 0 ? 0 : refuse(list, err);
}

int coverage_list_clip(struct coverage_list *list, const struct coverage_list *from,
                       struct period_range range, struct ccd_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        struct coverage_segment part = from->items[i];
        part.from_ts = part.from_ts > range.from_ts ? part.from_ts : range.from_ts;
        part.to_ts = part.to_ts < range.to_ts ? part.to_ts : range.to_ts;
        if (part.from_ts < part.to_ts && add(list, &part) != 0)
            return refuse(list, err);
    }
    return 0;
}

/* ---- series after series ---- */

struct each {
    struct coverage_list list;
    int64_t series_id; /* that the list is of */
    struct period_range all_time;
    coverage_list_fn *give;
    void *user;
};

static int give_series(struct each *each, struct ccd_error *err)
{
    if (each->list.count == 0)
        return 0;
    coverage_list_merge(&each->list);
    int status = each->give(each->user, each->series_id, &each->list, err);
    each->list.count = 0;
    return status;
}

static int add_to_series(void *user, int64_t series_id, const struct coverage_segment *segment,
                         struct ccd_error *err)
{
    struct each *each = user;
    const struct coverage_list one = {.items = (struct coverage_segment *)segment, .count = 1};
    int status = series_id == each->series_id ? 0 : give_series(each, err);
    each->series_id = series_id;
    return status != 0 ? status : coverage_list_clip(&each->list, &one, each->all_time, err);
}

int coverage_list_each(struct store *store, const struct data_type *type, enum interval interval,
                       coverage_list_fn *give, void *user, struct ccd_error *err)
{
    struct each each = {.all_time = endpoint_all_time(), .give = give, .user = user};
    int status = store->ops->each_coverage(store, type, interval_infos[interval].step_s,
                                           add_to_series, &each, err);
    if (status == 0)
        status = give_series(&each, err);
    coverage_list_release(&each.list);
    return status;
}

bool coverage_list_equal(const struct coverage_list *a, const struct coverage_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct coverage_segment *x = &a->items[i], *y = &b->items[i];
        if (x->from_ts != y->from_ts || x->to_ts != y->to_ts || x->state != y->state ||
            x->next_check_utc_s != y->next_check_utc_s)
            return false;
    }
    return true;
}
