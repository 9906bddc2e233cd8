#include "pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "vendor.h"

enum { ROWS_MAX = 64 };

/* The records of a page, as slices of its text. */
struct rows {
    struct str at[ROWS_MAX];
    size_t count;
};

static int64_t number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

struct period_range pages_window_of(const struct sim_series *s, const char *path)
{
    int64_t to_ts = number_after(path, "&to_ts=") + 1;
    return (struct period_range){to_ts - number_after(path, "&limit=") * s->step_s, to_ts};
}

/* The world's records hold no brace inside of a text. */
static void split(struct str body, struct rows *rows)
{
    size_t start = 0;
    int depth = 0;
    rows->count = 0;
    for (size_t i = 0; i < body.len; i++) {
        if (body.ptr[i] == '{' && ++depth == 2)
            start = i;
        if (body.ptr[i] == ']')
            return; /* the end of Data */
        if (body.ptr[i] == '}' && depth-- == 2 && rows->count < ROWS_MAX)
            rows->at[rows->count++] = (struct str){body.ptr + start, i + 1 - start};
    }
}

static void shuffle(struct sim *sim, struct rows *rows)
{
    for (size_t i = rows->count; i > 1; i--) {
        size_t other = rng_below(&sim->rng, i);
        struct str row = rows->at[i - 1];
        rows->at[i - 1] = rows->at[other];
        rows->at[other] = row;
    }
}

static void insert(struct rows *rows, size_t at, struct str row)
{
    if (rows->count == ROWS_MAX)
        return;
    memmove(&rows->at[at + 1], &rows->at[at], (rows->count - at) * sizeof(*rows->at));
    rows->at[at] = row;
    rows->count++;
}

/* A record once more, whole or without its last member; the whole one is the larger then. */
static void duplicate(struct sim *sim, struct rows *rows)
{
    struct str row = rows->at[rng_below(&sim->rng, rows->count)];
    if (sim_one_in(sim, 2)) {
        while (row.len > 0 && row.ptr[row.len - 1] != ',')
            row.len--;
        row.len--; /* add_row closes it again */
    }
    insert(rows, rng_below(&sim->rng, rows->count + 1), row);
}

/* The name of a count that no record can have below zero. */
static struct str count_key(const struct data_type *type)
{
    for (size_t i = 0; i < type->column_count; i++)
        if (type->columns[i].flags & COLUMN_COUNT && type->columns[i].kind == COLUMN_I64)
            return str_from(type->columns[i].key);
    return STR("");
}

static void add_sick_row(struct buf *out, const struct data_type *type, struct str row)
{
    struct str key = count_key(type);
    size_t at = str_find(row, key);
    if (at == SIZE_MAX) {
        buf_add(out, row.ptr, row.len);
        return;
    }
    at += key.len + 2; /* behind the quote and the colon */
    size_t end = at;
    while (end < row.len && row.ptr[end] != ',' && row.ptr[end] != '}')
        end++;
    buf_add(out, row.ptr, at);
    buf_add_text(out, "-7");
    buf_add(out, row.ptr + end, row.len - end);
}

static void add_row(struct sim *sim, const struct sim_series *s, struct str row)
{
    struct buf *out = &sim->text;
    if (vendor_is_sick(sim, s, number_after(row.ptr, "\"TIMESTAMP\":")))
        add_sick_row(out, s->vendor->type, row);
    else
        buf_add(out, row.ptr, row.len);
    if (row.ptr[row.len - 1] != '}')
        buf_add_char(out, '}');
}

/* The record of the period that is open now, as the vendor adds it when asked for the newest. */
static bool add_open_row(struct sim *sim, const struct exchange *x, const struct sim_series *s)
{
    int64_t open_ts = time_floor(x->served_utc_s, s->step_s);
    if (open_ts < pages_window_of(s, x->path).to_ts)
        return false;
    if (sim->text.data[sim->text.len - 1] != '[')
        buf_add_char(&sim->text, ',');
    return world_render_row(sim->world, s->vendor, s->interval, open_ts, x->served_utc_s,
                            &sim->text);
}

/* The last record before the window, as a vendor adds it that takes from_ts for inclusive. */
static void add_older_row(struct sim *sim, const struct exchange *x, const struct sim_series *s)
{
    int64_t ts = pages_window_of(s, x->path).from_ts - s->step_s;
    size_t before = sim->text.len;
    if (vendor_is_sick(sim, s, ts))
        return;
    if (world_render_row(sim->world, s->vendor, s->interval, ts, x->served_utc_s, &sim->text))
        buf_add_char(&sim->text, ',');
    else
        sim->text.len = before;
}

static void lose_edge_row(struct sim *sim, struct rows *rows)
{
    if (rows->count < 2)
        return;
    rows->count--;
    if (sim_one_in(sim, 2))
        memmove(&rows->at[0], &rows->at[1], rows->count * sizeof(*rows->at));
    sim_saw(sim, SOMETIMES_EDGE_LOST);
}

void pages_vary(struct sim *sim, struct exchange *x, bool lose_edge)
{
    const struct sim_series *s = &sim->series[x->series];
    struct rows rows;
    bool shuffled = sim_hits(sim, FAULT_SHUFFLED);
    bool duplicated = sim_hits(sim, FAULT_DUPLICATED);
    bool open = sim_hits(sim, FAULT_OPEN_ROW);
    bool older = sim_hits(sim, FAULT_OLDER_ROW);
    if (!shuffled && !duplicated && !open && !older && !lose_edge && sim->sick_permille == 0)
        return;
    split(buf_str(&x->body), &rows);
    if (rows.count == 0)
        return;
    if (lose_edge)
        lose_edge_row(sim, &rows);
    if (duplicated)
        duplicate(sim, &rows);
    if (shuffled)
        shuffle(sim, &rows);
    buf_clear(&sim->text);
    buf_add_text(&sim->text, "{\"Data\":[");
    if (older)
        add_older_row(sim, x, s);
    for (size_t i = 0; i < rows.count; i++) {
        if (i > 0)
            buf_add_char(&sim->text, ',');
        add_row(sim, s, rows.at[i]);
    }
    size_t closed = sim->text.len;
    if (open && !add_open_row(sim, x, s))
        sim->text.len = closed;
    buf_add_text(&sim->text, "],\"Err\":{}}");
    buf_clear(&x->body);
    buf_add(&x->body, sim->text.data, sim->text.len);
}
