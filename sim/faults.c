#include "sim/faults.h"

#include <string.h>

enum { MISALIGNED_S = 17, DICE_ONE_BITS = 53 };

const struct fault_info fault_infos[FAULT_COUNT] = {
#define FAULT_ENTRY(name, scope, text) [FAULT_##name] = {#name, SCOPE_##scope, text},
    FAULT_TABLE(FAULT_ENTRY)
#undef FAULT_ENTRY
};

enum fault fault_find(struct str name)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        if (strlen(fault_infos[i].name) == name.len &&
            str_distance(str_from(fault_infos[i].name), name) == 0)
            return i;
    return FAULT_NONE;
}

uint64_t fault_dice(uint64_t seed, uint64_t request_number)
{
    return dice_mix(dice_mix(seed + 0x66617574ULL) + request_number);
}

enum fault fault_choose(const double rates[FAULT_COUNT], uint64_t seed, uint64_t request_number,
                        bool is_candles, bool is_gzip)
{
    uint64_t dice = fault_dice(seed, request_number);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        enum fault_scope scope = fault_infos[i].scope;
        bool possible = scope == SCOPE_ANY || (scope == SCOPE_CANDLES && is_candles) ||
                        (scope == SCOPE_GZIP && is_gzip);
        double fraction = (double)(dice_mix(dice + i) >> (64 - DICE_ONE_BITS)) /
                          (double)(1ULL << DICE_ONE_BITS);
        if (possible && fraction < rates[i])
            return i;
    }
    return FAULT_NONE;
}

/* ---- pages with wrong rows */

/* The rows of a page as text, in the order in which they will be written. */
struct row_place {
    size_t offset, len;
};
struct rows {
    struct buf text;
    struct row_place *places;
    size_t count;
};

static void collect_rows(const struct world *w, const struct candle_request *r, int64_t now_utc_s,
                         struct rows *rows)
{
    int64_t step = interval_infos[r->interval].step_s;
    for (int64_t ts = r->first_ts; ts <= r->last_ts; ts += step) {
        size_t before = rows->text.len;
        if (world_render_row(w, &r->series->pub, r->interval, ts, now_utc_s, &rows->text))
            rows->places[rows->count++] = (struct row_place){before, rows->text.len - before};
    }
}

static void swap_places(struct row_place *a, struct row_place *b)
{
    struct row_place kept = *a;
    *a = *b;
    *b = kept;
}

static void shuffle(struct rows *rows, uint64_t dice)
{
    for (size_t i = rows->count; i > 1; i--) {
        dice = dice_mix(dice);
        swap_places(&rows->places[i - 1], &rows->places[dice % i]);
    }
    bool ascending = true;
    for (size_t i = 1; i < rows->count; i++)
        ascending &= rows->places[i - 1].offset < rows->places[i].offset;
    if (ascending && rows->count > 1)
        swap_places(&rows->places[0], &rows->places[1]);
}

/* places has room for one row more than the page. */
static void repeat_one(struct rows *rows, uint64_t dice)
{
    if (rows->count == 0)
        return;
    size_t at = dice % rows->count;
    memmove(rows->places + at + 1, rows->places + at, (rows->count - at) * sizeof *rows->places);
    rows->count++;
}

static void write_row(const struct rows *rows, size_t i, bool misaligned, struct buf *out)
{
    static const struct str key = {"\"TIMESTAMP\":", 12};
    struct str row = {rows->text.data + rows->places[i].offset, rows->places[i].len};
    size_t at = misaligned ? str_find(row, key) : SIZE_MAX;
    if (at == SIZE_MAX) {
        buf_add(out, row.ptr, row.len);
        return;
    }
    struct str rest = {row.ptr + at + key.len, row.len - at - key.len};
    struct str digits = str_split(&rest, ',');
    int64_t ts = 0;
    (void)str_to_i64(digits, &ts);
    buf_add(out, row.ptr, at + key.len);
    buf_printf(out, "%lld,", (long long)ts + MISALIGNED_S);
    buf_add(out, rest.ptr, rest.len);
}

static const struct series *another_series(const struct world *w, const struct series *s,
                                           uint64_t dice)
{
    for (size_t tries = 0; tries < w->series_count; tries++) {
        const struct series *other = &w->series[(dice + tries) % w->series_count];
        if (other != s && other->pub.type == s->pub.type)
            return other;
    }
    return s;
}

void fault_write_page(const struct world *world, enum fault fault, uint64_t dice,
                      struct candle_request request, int64_t now_utc_s, struct buf *out)
{
    int64_t step = interval_infos[request.interval].step_s;
    if (fault == FAULT_wrong_series)
        request.series = another_series(world, request.series, dice);
    if (fault == FAULT_open_extra)
        request.last_ts += step;
    if (fault == FAULT_stale)
        now_utc_s -= 2 * step;
    size_t capacity = request.last_ts < request.first_ts
                          ? 0
                          : (size_t)((request.last_ts - request.first_ts) / step + 1);
    struct rows rows = {.places = mem_new(out->allocator, capacity + 1, sizeof *rows.places)};
    buf_init(&rows.text, out->max_bytes, out->allocator);
    buf_add_text(out, "{\"Data\":[");
    if (rows.places && fault != FAULT_empty)
        collect_rows(world, &request, now_utc_s, &rows);
    if (fault == FAULT_shuffled)
        shuffle(&rows, dice);
    if (fault == FAULT_duplicate_row)
        repeat_one(&rows, dice);
    size_t odd = fault == FAULT_misaligned && rows.count > 0 ? dice % rows.count : SIZE_MAX;
    for (size_t i = 0; i < rows.count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        write_row(&rows, i, i == odd, out);
    }
    buf_add_text(out, "],\"Err\":{}}");
    out->failed |= rows.text.failed || !rows.places;
    buf_release(&rows.text);
    mem_free(out->allocator, rows.places);
}

void fault_spoil(uint64_t dice, struct buf *body)
{
    size_t at = (dice >> 8) % body->len;
    if (dice & 1) {
        body->data[at] = '\x01'; /* not allowed anywhere in JSON */
        return;
    }
    body->len = at;
    body->data[at] = '\0';
}
