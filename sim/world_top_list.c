/* The asset list: by which order, which page of it, which members. */
#include <stdlib.h>
#include <string.h>

#include "sim/world_asset.h"

enum { PAGE_SIZE_MIN = 10, PAGE_SIZE_MAX = 100, PAGE_MAX = 1000, NAME_MAX_BYTES = 128 };

/* ---- order */

/* What the list can be sorted by; those with a rank also count in TOPLIST_BASE_RANK. */
static const struct {
    const char *name;
    struct quantity (*of)(const struct subject *s, int argument);
    int argument;
    int rank; /* argument of write_rank; -1 = none */
} sort_keys[] = {
    {"CREATED_ON", asset_ids, CREATED_ON, 0},
    {"LAUNCH_DATE", asset_ids, LAUNCH_DATE, 1},
    {"UPDATED_ON", asset_ids, UPDATED_ON, -1},
    {"PRICE_USD", asset_price, PRICE_USD, -1},
    {"CIRCULATING_MKT_CAP_USD", asset_price, CAP_CIRCULATING, 2},
    {"TOTAL_MKT_CAP_USD", asset_price, CAP_TOTAL, 3},
#define SORT_VOLUMES(period, n, place)                                                             \
    {"SPOT_MOVING_" period "_QUOTE_VOLUME_USD", asset_volume, (n)*PART_COUNT + PART_ALL, place},   \
        {"SPOT_MOVING_" period "_QUOTE_VOLUME_TOP_TIER_USD", asset_volume,                         \
         (n)*PART_COUNT + PART_TOP_TIER, -1},                                                      \
        {"SPOT_MOVING_" period "_QUOTE_VOLUME_DIRECT_USD", asset_volume,                           \
         (n)*PART_COUNT + PART_DIRECT, -1},                                                        \
        {"SPOT_MOVING_" period "_QUOTE_VOLUME_TOP_TIER_DIRECT_USD", asset_volume,                  \
         (n)*PART_COUNT + PART_TOP_TIER_DIRECT, -1},                                               \
        {"SPOT_MOVING_" period "_CHANGE_USD", asset_change, 2 * (n) + CHANGE_USD, -1},             \
    {                                                                                              \
        "SPOT_MOVING_" period "_CHANGE_PERCENTAGE_USD", asset_change, 2 * (n) + CHANGE_PERCENTAGE, \
            -1                                                                                     \
    }
    SORT_VOLUMES("24_HOUR", DAY, 4),
    SORT_VOLUMES("7_DAY", WEEK, 5),
    SORT_VOLUMES("30_DAY", MONTH, 6),
#undef SORT_VOLUMES
};
enum { SORT_KEYS = sizeof sort_keys / sizeof sort_keys[0], NO_KEY = SORT_KEYS, KEY_DEFAULT = 4 };

/* One asset's place in the order; without a value it comes last, either way round. */
struct place {
    double value;
    uint32_t number;
    bool is_null;
    bool ascending;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->is_null != b->is_null)
        return a->is_null ? 1 : -1;
    if (!a->is_null && a->value != b->value)
        return (a->value < b->value) == a->ascending ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void sort_places(const struct world *w, const struct listing *list, unsigned key,
                        bool ascending, int64_t now_utc_s, struct place *places)
{
    for (size_t i = 0; i < list->count; i++) {
        struct subject s = asset_subject(w, listing_at(list, i), now_utc_s);
        struct quantity q = sort_keys[key].of(&s, sort_keys[key].argument);
        places[i] = (struct place){quantity_f64(q), (uint32_t)s.number, q.is_null, ascending};
    }
    qsort(places, list->count, sizeof *places, compare_places);
}

/* ranks: RANKS of each asset of the world. */
static void rank_assets(const struct world *w, const struct listing *list, int64_t now_utc_s,
                        struct place *places, uint32_t *ranks)
{
    for (unsigned key = 0; key < SORT_KEYS; key++) {
        bool by_age = key < 2;
        if (sort_keys[key].rank < 0)
            continue;
        sort_places(w, list, key, by_age, now_utc_s, places);
        for (size_t i = 0; i < list->count; i++)
            ranks[(size_t)places[i].number * RANKS + (size_t)sort_keys[key].rank] = (uint32_t)i + 1;
    }
}

/* ---- the request */

struct list_request {
    int64_t page, size;
    unsigned key;
    bool ascending;
    char asset_type[NAME_MAX_BYTES]; /* "" = all */
};

/* 0, or 400 and the envelope. */
static int take_number(struct str query, const char *name, int64_t low, int64_t high,
                       int64_t *in_out_value, struct buf *out)
{
    char text[32];
    bool bad = false;
    if (!query_value(query, name, text, sizeof text, &bad))
        return 0;
    if (!bad && str_to_i64(str_from(text), in_out_value) && *in_out_value >= low &&
        *in_out_value <= high)
        return 0;
    return error_reply(out, 400, ERROR_TYPE_PARAMETER, name, text,
                       "Parameter %s must be from %lld to %lld.", name, (long long)low,
                       (long long)high);
}

static int take_order(struct str query, struct list_request *r, struct buf *out)
{
    char text[NAME_MAX_BYTES];
    bool bad = false;
    if (query_value(query, "sort_by", text, sizeof text, &bad)) {
        r->key = 0;
        while (r->key < SORT_KEYS && (bad || strcmp(sort_keys[r->key].name, text) != 0))
            r->key++;
        if (r->key == NO_KEY)
            return error_reply(out, 400, ERROR_TYPE_PARAMETER, "sort_by", text,
                               "Parameter sort_by cannot be %s.", text);
    }
    if (!query_value(query, "sort_direction", text, sizeof text, &bad))
        return 0;
    r->ascending = strcmp(text, "ASC") == 0;
    return r->ascending || strcmp(text, "DESC") == 0
               ? 0
               : error_reply(out, 400, ERROR_TYPE_PARAMETER, "sort_direction", text,
                             "Parameter sort_direction must be ASC or DESC.");
}

static int take_request(struct str query, struct list_request *r, struct buf *out)
{
    static const char *const types[] = {"",      "BLOCKCHAIN", "FIAT",      "TOKEN",
                                        "STOCK", "INDEX",      "COMMODITY", "ETF"};
    bool bad = false, known = false;
    *r = (struct list_request){.page = 1, .size = PAGE_SIZE_MAX, .key = KEY_DEFAULT};
    int status = take_number(query, "page", 1, PAGE_MAX, &r->page, out);
    if (status == 0)
        status = take_number(query, "page_size", PAGE_SIZE_MIN, PAGE_SIZE_MAX, &r->size, out);
    if (status == 0)
        status = take_order(query, r, out);
    (void)query_value(query, "asset_type", r->asset_type, sizeof r->asset_type, &bad);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        known |= strcmp(types[i], r->asset_type) == 0;
    if (status == 0 && (bad || !known))
        status = error_reply(out, 400, ERROR_TYPE_PARAMETER, "asset_type", r->asset_type,
                             "Parameter asset_type cannot be %s.", r->asset_type);
    return status;
}

/* ---- the page */

/* Leaves out the other types; returns how many stay. */
static size_t keep_type(const struct world *w, const char *asset_type, struct place *places,
                        size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!asset_type[0] || strcmp(w->assets[places[i].number].asset_type, asset_type) == 0)
            places[kept++] = places[i];
    return kept;
}

static void write_list(const struct world *w, const struct list_request *r,
                       const struct record_choice *choice, int64_t now_utc_s,
                       const struct place *places, size_t count, const uint32_t *ranks,
                       struct buf *out)
{
    size_t from = (size_t)((r->page - 1) * r->size);
    buf_printf(out,
               "{\"Data\":{\"STATS\":{\"PAGE\":%lld,\"PAGE_SIZE\":%lld,\"TOTAL_ASSETS\":%zu},"
               "\"LIST\":[",
               (long long)r->page, (long long)r->size, count);
    for (size_t i = from; i < count && i < from + (size_t)r->size; i++) {
        struct subject s = asset_subject(w, places[i].number, now_utc_s);
        s.ranks = ranks + s.number * RANKS;
        if (i > from)
            buf_add_char(out, ',');
        record_write(choice, &s, out);
    }
    buf_add_text(out, "]},\"Err\":{}}");
}

int top_list_reply(const struct world *w, struct str query, int64_t now_utc_s, struct buf *out)
{
    struct list_request r;
    struct record_choice choice;
    int status = take_request(query, &r, out);
    if (status == 0)
        status = record_choose(&w->records[RECORD_ASSET], query, &choice, out);
    if (status != 0)
        return status;
    struct listing list = listing_of(w, w->listed_assets);
    struct place *places = mem_new(w->allocator, list.count + 1, sizeof *places);
    uint32_t *ranks = mem_new(w->allocator, w->asset_count * RANKS, sizeof *ranks);
    status = 500;
    if (places && ranks) {
        rank_assets(w, &list, now_utc_s, places, ranks);
        sort_places(w, &list, r.key, r.ascending, now_utc_s, places);
        size_t count = keep_type(w, r.asset_type, places, list.count);
        write_list(w, &r, &choice, now_utc_s, places, count, ranks, out);
        status = 200;
    }
    mem_free(w->allocator, ranks);
    mem_free(w->allocator, places);
    return status;
}
