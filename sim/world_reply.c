/* Candle pages: what a request means, and the page for it (CONTRACT of the vendor, June 2025). */
#include <string.h>

#include "base/time.h"
#include "sim/world_private.h"

enum {
    LIMIT_DEFAULT = 30,
    AGGREGATE_MAX = 30,
    MARKET_LONGEST = 30, /* the vendor's own bounds, in bytes */
    INSTRUMENT_LONGEST = 500,
    NUMBER_MAX_BYTES = 32,
    AHEAD_MAX_S = 60, /* a to_ts that is further in the future is refused */
};

/* One parameter of a candle request as text. */
struct parameter {
    char text[INSTRUMENT_LONGEST + 2];
    bool given;
};

static const struct plan *plan_of_path(const struct world *w, struct str path,
                                       enum interval *out_interval)
{
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        const struct plan *plan = &w->plans[kind];
        struct str prefix = str_from(plan->type->path);
        prefix.len = str_find(prefix, STR("{unit}"));
        if (prefix.len == SIZE_MAX || !str_starts_with(path, prefix))
            continue;
        struct str unit = {path.ptr + prefix.len, path.len - prefix.len};
        for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
            if (str_equal(unit, str_from(interval_infos[i].path_unit))) {
                *out_interval = i;
                return plan;
            }
        }
    }
    return NULL;
}

static int refuse(struct buf *out, const char *param, const char *value, const char *why)
{
    return error_reply(out, 400, ERROR_TYPE_PARAMETER, param, value, "Parameter %s %s.", param,
                       why);
}

/* 0, or the status of the refusal. */
static int take_text(struct str query, const char *name, size_t shortest, size_t longest,
                     struct parameter *p, struct buf *out)
{
    bool bad = false;
    p->given = query_value(query, name, p->text, longest + 2, &bad);
    if (!p->given)
        return refuse(out, name, NULL, "is required");
    size_t len = strlen(p->text);
    if (bad || len < shortest || len > longest)
        return refuse(out, name, p->text, "has a length or an encoding that is not allowed");
    return 0;
}

static int take_integer(struct str query, const char *name, int64_t low, int64_t high,
                        int64_t *in_out_value, struct buf *out)
{
    char text[NUMBER_MAX_BYTES];
    bool bad = false;
    int64_t value;
    if (!query_value(query, name, text, sizeof text, &bad))
        return 0;
    if (bad || !str_to_i64(str_from(text), &value))
        return refuse(out, name, text, "must be an integer");
    if (value < low || value > high)
        return error_reply(out, 400, ERROR_TYPE_PARAMETER, name, text,
                           "Parameter %s must be from %lld to %lld.", name, (long long)low,
                           (long long)high);
    *in_out_value = value;
    return 0;
}

static int take_bool(struct str query, const char *name, bool *in_out_value, struct buf *out)
{
    char text[NUMBER_MAX_BYTES];
    bool bad = false;
    if (!query_value(query, name, text, sizeof text, &bad))
        return 0;
    if (bad || !str_to_bool(str_from(text), in_out_value))
        return refuse(out, name, text, "must be true or false");
    return 0;
}

static int take_format(struct str query, struct buf *out)
{
    char text[NUMBER_MAX_BYTES];
    bool bad = false;
    if (!query_value(query, "response_format", text, sizeof text, &bad) ||
        strcmp(text, "JSON") == 0)
        return 0;
    return refuse(out, "response_format", text, "must be JSON; the simulator has no other format");
}

/* All groups unless some are named. */
static int take_groups(const struct plan *plan, struct str query, uint32_t *out_groups,
                       struct buf *out)
{
    *out_groups = UINT32_MAX;
    if (!query_has(query, "groups"))
        return 0;
    *out_groups = 0;
    for (size_t i = 0; i < plan->group_count; i++)
        if (query_lists(query, "groups", str_from(plan->groups[i])))
            *out_groups |= 1u << i;
    return *out_groups ? 0 : refuse(out, "groups", NULL, "names no group of this endpoint");
}

static void make_lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
}

static int take_series(const struct world *w, const struct plan *plan, struct parameter *market,
                       const struct parameter *instrument, const struct series **out_series,
                       struct buf *out)
{
    make_lower(market->text);
    struct str market_name = str_from(market->text);
    if (!market_find(w, plan->kind->section, market_name))
        return error_reply(out, 404, ERROR_TYPE_NOT_FOUND, "market", market->text,
                           "Not found: market parameter. There is no market %s here; the names are "
                           "in lower case and listed at %s.",
                           market->text, plan->type->markets_path);
    const struct world_series *s = world_find(w, plan->type, market_name,
                                              str_from(instrument->text));
    if (!s)
        return error_reply(out, 404, ERROR_TYPE_NOT_FOUND, "instrument", instrument->text,
                           "Not found: instrument parameter. The market %s has no instrument %s.",
                           market->text, instrument->text);
    *out_series = (const struct series *)(const void *)s;
    return 0;
}

static int no_entries(struct buf *out, enum interval interval, int64_t to_ts)
{
    char text[NUMBER_MAX_BYTES];
    (void)str_print(text, sizeof text, "%lld", (long long)to_ts);
    return error_reply(out, 404, ERROR_TYPE_NOT_FOUND, "to_ts", text,
                       "No %s entries available on or before %s",
                       interval_infos[interval].unit_echo, text);
}

/* The window is `limit` periods that end with the one that contains to_ts, cut to the life of the
 * series. */
static int take_window(const struct world *w, struct str query, int64_t now_utc_s,
                       struct candle_request *r, struct buf *out)
{
    const struct interval_info *info = &interval_infos[r->interval];
    int64_t to_ts = now_utc_s, limit = LIMIT_DEFAULT, aggregate = 1;
    int status = take_integer(query, "limit", 1, info->page_max, &limit, out);
    if (status == 0)
        status = take_integer(query, "to_ts", 0, now_utc_s + AHEAD_MAX_S, &to_ts, out);
    if (status == 0)
        status = take_integer(query, "aggregate", 1, AGGREGATE_MAX, &aggregate, out);
    if (status == 0 && aggregate != 1)
        status = refuse(out, "aggregate", NULL, "must be 1; the simulator does not aggregate");
    if (status != 0)
        return status;
    r->last_ts = time_floor(to_ts, info->step_s);
    int64_t first_period = series_first_period(r->series, r->interval);
    bool begun = r->series->pub.first_ts <= world_seen_s(w, r->series->pub.key, now_utc_s);
    if (!begun || r->last_ts < first_period)
        return no_entries(out, r->interval, to_ts);
    r->first_ts = r->last_ts - (limit - 1) * info->step_s;
    if (r->first_ts < first_period)
        r->first_ts = first_period;
    int64_t last_period = series_last_period(r->series, r->interval);
    if (r->last_ts > last_period)
        r->last_ts = last_period;
    return 0;
}

int candle_request_parse(const struct world *w, struct str path, struct str query,
                         int64_t now_utc_s, struct candle_request *out_request,
                         struct buf *out_body)
{
    struct candle_request *r = out_request;
    *r = (struct candle_request){.fill = true};
    const struct plan *plan = plan_of_path(w, path, &r->interval);
    if (!plan)
        return 0;
    struct parameter market, instrument;
    bool mapping = true;
    int status = take_text(query, "market", 2, MARKET_LONGEST, &market, out_body);
    if (status == 0)
        status = take_text(query, "instrument", 1, INSTRUMENT_LONGEST, &instrument, out_body);
    if (status == 0)
        status = take_bool(query, "fill", &r->fill, out_body);
    if (status == 0)
        status = take_bool(query, "apply_mapping", &mapping, out_body);
    if (status == 0)
        status = take_format(query, out_body);
    if (status == 0)
        status = take_groups(plan, query, &r->groups, out_body);
    if (status == 0)
        status = take_series(w, plan, &market, &instrument, &r->series, out_body);
    if (status == 0)
        status = take_window(w, query, now_utc_s, r, out_body);
    return status == 0 ? 200 : status;
}

/* The moment at which world_seen_s first is `seen` or later. */
static int64_t when_seen(const struct world *w, uint64_t salt, int64_t seen)
{
    int64_t cache_s = w->config.cache_s;
    if (cache_s <= 1 || seen == INT64_MAX)
        return seen;
    int64_t phase = (int64_t)(salt % (uint64_t)cache_s);
    return time_ceil(seen - phase, cache_s) + phase;
}

/* Where each column's key last stood in the page; a page without one at 0, as there stands no key.
 */
struct last_places {
    uint32_t at[COLUMN_MAX];
};

static void add_repeats(const struct key_places *places, size_t column_count, size_t row_offset,
                        struct last_places *last, struct repeats *repeats)
{
    if (row_offset > UINT32_MAX - ROW_MAX_BYTES || !repeats_reserve(repeats, column_count))
        return;
    for (size_t i = 0; i < column_count; i++) {
        if (places->at[i] == NO_PLACE)
            continue;
        uint32_t at = (uint32_t)row_offset + places->at[i];
        if (last->at[i] > 0)
            repeats->list[repeats->count++] = (struct repeat){at, last->at[i]};
        last->at[i] = at;
    }
}

static void write_page(const struct world *w, const struct candle_request *r, int64_t now_utc_s,
                       struct buf *out, int64_t *out_until, struct repeats *repeats)
{
    int64_t step = interval_infos[r->interval].step_s;
    int64_t seen = world_seen_s(w, r->series->pub.key, now_utc_s);
    int64_t until = INT64_MAX;
    struct period p;
    struct row row;
    char text[ROW_MAX_BYTES];
    struct key_places places;
    struct last_places last = {{0}};
    bool any = false;
    buf_add_text(out, "{\"Data\":[");
    for (int64_t ts = r->first_ts; ts <= r->last_ts; ts += step) {
        if (!period_at(w, r->series, r->interval, ts, seen, &p, &until) || (p.idle && !r->fill))
            continue;
        row_fill(r->series, &p, &row);
        size_t len = row_write(r->series->plan, r->series, &row, r->groups, text, &places);
        if (any)
            buf_add_char(out, ',');
        add_repeats(&places, r->series->plan->column_count, out->len, &last, repeats);
        buf_add(out, text, len);
        any = true;
    }
    buf_add_text(out, "],\"Err\":{}}");
    *out_until = when_seen(w, r->series->pub.key, until);
}

int world_reply_until(const struct world *w, struct str path_and_query, int64_t now_utc_s,
                      struct buf *out_body, int64_t *out_until, struct repeats *repeats)
{
    struct str query = path_and_query;
    struct str path = str_split(&query, '?');
    struct candle_request request;
    *out_until = 0;
    repeats->count = 0;
    int status = candle_request_parse(w, path, query, now_utc_s, &request, out_body);
    if (status == 200) {
        write_page(w, &request, now_utc_s, out_body, out_until, repeats);
        if (!query_has(query, "to_ts"))
            *out_until = 0; /* the window moves with the clock */
    }
    if (status == 0)
        status = catalogue_reply(w, path, query, now_utc_s, out_body);
    if (status == 0)
        status = error_reply(out_body, 404, ERROR_TYPE_NOT_FOUND, NULL, NULL,
                             "The path does not exist: " STR_FMT, STR_ARG(path));
    return out_body->failed ? 500 : status;
}

int world_reply(const struct world *world, struct str path_and_query, int64_t now_utc_s,
                struct buf *out_body)
{
    int64_t until;
    struct repeats repeats = {.allocator = world->allocator};
    int status = world_reply_until(world, path_and_query, now_utc_s, out_body, &until, &repeats);
    repeats_release(&repeats);
    return status;
}
