/* Whether a right selection of pairs finds its five in the world, and a wrong one is found out. */
#include "test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world_private.h"

enum { NOW = 1772366400, PAIRS_MAX = 4000, TOP_ASSETS = 50, PAIRS = 5 };

/* Why a pair is not selected; none = it is. */
enum why { WHY_NOT_ACTIVE = 1, WHY_QUOTE = 2, WHY_BASE = 4, WHY_GRADE = 8 };

struct pair {
    const char *market, *mapped;
    int64_t trades;
    unsigned why;
};

static json_t *ask(const struct world *w, const char *path)
{
    struct buf body;
    buf_init(&body, 1 << 26, NULL);
    CHECK_INT(200, world_reply(w, str_from(path), NOW, &body));
    json_t *reply = json_loadb(body.data, body.len, 0, NULL);
    CHECK(reply);
    buf_release(&body);
    return reply;
}

static bool is_one_of(const char *text, const char *const *list)
{
    while (*list && strcmp(*list, text) != 0)
        list++;
    return *list != NULL;
}

static bool is_top(const json_t *assets, const json_t *mapping)
{
    const json_t *list = json_object_get(json_object_get(assets, "Data"), "LIST");
    const char *base = json_string_value(json_object_get(mapping, "BASE"));
    for (size_t i = 0; i < TOP_ASSETS; i++) {
        const json_t *asset = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(asset, "SYMBOL")), base) != 0)
            continue;
        CHECK_INT(json_integer_value(json_object_get(asset, "ID")),
                  json_integer_value(json_object_get(mapping, "BASE_ID")));
        return true;
    }
    return false;
}

static bool is_graded(const json_t *exchanges, const char *market)
{
    static const char *const good[] = {"AA", "A", "BB", NULL};
    const char *id;
    json_t *value;
    json_object_foreach(json_object_get(exchanges, "Data"), id, value) if (
        str_equal_nocase(
            str_from(market),
            str_from(json_string_value(json_object_get(
                value,
                "InternalName"))))) return is_one_of(json_string_value(json_object_get(value,
                                                                                       "Grade")),
                                                     good);
    return false;
}

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    int by_market = strcmp(a->market, b->market);
    if (a->trades != b->trades)
        return a->trades > b->trades ? -1 : 1;
    return by_market ? by_market : strcmp(a->mapped, b->mapped);
}

/* All mapped pairs, the most traded first. */
static size_t list_pairs(json_t *lists, const json_t *assets, const json_t *exchanges,
                         struct pair *pairs)
{
    static const char *const quotes[] = {"USD", "USDT", "USDC", "EUR", "BTC", NULL};
    size_t count = 0;
    const char *market, *mapped;
    json_t *value, *i;
    json_object_foreach(json_object_get(lists, "Data"), market, value)
    {
        json_object_foreach(json_object_get(value, "instruments"), mapped, i)
        {
            const json_t *mapping = json_object_get(i, "INSTRUMENT_MAPPING");
            if (!mapping || count == PAIRS_MAX)
                continue;
            bool active = strcmp(json_string_value(json_object_get(i, "INSTRUMENT_STATUS")),
                                 "ACTIVE") == 0;
            const char *quote = json_string_value(json_object_get(mapping, "QUOTE"));
            pairs[count++] = (struct pair){
                market, mapped, json_integer_value(json_object_get(i, "TOTAL_TRADES_SPOT")),
                (active ? 0u : WHY_NOT_ACTIVE) | (is_one_of(quote, quotes) ? 0u : WHY_QUOTE) |
                    (is_top(assets, mapping) ? 0u : WHY_BASE) |
                    (is_graded(exchanges, market) ? 0u : WHY_GRADE)};
        }
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    return count;
}

/* Each rule that is forgotten puts a wrong pair among the five. */
TEST(selection_has_five_pairs_and_a_trap_for_every_rule)
{
    struct world *w = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, world_new(&world_defaults, NULL, &w, &err));
    json_t *lists = ask(w, "/spot/v1/markets/instruments?instrument_status=ACTIVE,IGNORED,RETIRED,"
                           "READY_FOR_DECOMMISSIONING");
    json_t *assets = ask(w, "/asset/v1/top/list?sort_by=SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD");
    json_t *exchanges = ask(w, "/data/exchanges/general");
    struct pair *pairs = calloc(PAIRS_MAX, sizeof *pairs);
    size_t count = list_pairs(lists, assets, exchanges, pairs), found = 0, ties = 0;
    unsigned traps = 0;
    for (size_t i = 0; i < count && found < PAIRS; i++) {
        const struct pair *p = &pairs[i];
        const struct world_series *s = world_find(w, data_type_find(STR("spot_ohlcv")),
                                                  str_from(p->market), str_from(p->mapped));
        struct buf row;
        buf_init(&row, 1 << 16, NULL);
        CHECK(s && (p->why & WHY_NOT_ACTIVE ||
                    world_render_row(w, s, INTERVAL_1D, NOW - NOW % 86400 - 86400, NOW, &row)));
        buf_release(&row);
        bool only_reason = p->why && (p->why & (p->why - 1)) == 0;
        traps |= only_reason ? p->why : 0;
        found += p->why == 0;
        ties += i > 0 && pairs[i - 1].trades == p->trades && p->why == 0;
    }
    CHECK_INT(PAIRS, found);
    CHECK_INT(WHY_NOT_ACTIVE | WHY_QUOTE | WHY_BASE | WHY_GRADE, traps);
    CHECK_INT(1, ties);
    free(pairs);
    json_decref(exchanges);
    json_decref(assets);
    json_decref(lists);
    world_free(w);
}
