#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/hash.h"

static const int64_t first_ts = 1700000040;
static const int64_t asked_utc_s = 2000000000;

struct stopwatch stopwatch_read(void)
{
    struct timespec now;
    struct rusage used;
    clock_gettime(CLOCK_MONOTONIC, &now);
    getrusage(RUSAGE_SELF, &used);
    return (struct stopwatch){
        .wall_s = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec,
        .cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
    };
}

struct figures stopwatch_since(struct stopwatch start, int64_t rows)
{
    struct stopwatch now = stopwatch_read();
    return (struct figures){
        .rows_per_s = (double)rows / (now.wall_s - start.wall_s),
        .cpu_s_per_million = (now.cpu_s - start.cpu_s) / ((double)rows / 1e6),
    };
}

void die(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- a page that looks like minutes of a futures market ---- */

static double price(struct rng *r)
{
    return (double)(6000 + rng_below(r, 2000)) / 1000;
}

static double amount(struct rng *r)
{
    return rng_below(r, 3) == 0 ? 0 : (double)rng_below(r, UINT64_C(1) << 48) / 1e9;
}

static void fill_cell(struct batch *b, size_t row, size_t column, bool traded, struct rng *r)
{
    const struct column *c = &b->type->columns[column];
    if (c->flags & COLUMN_SERIES && c->kind == COLUMN_TEXT)
        batch_set_text(b, row, column, STR("VANILLA"));
    else if (!column_is_fact(c))
        return;
    else if (strcmp(c->group, "OHLC_TRADE") == 0 && !traded)
        return;
    else if (c->kind == COLUMN_UTC_S)
        batch_set_i64(b, row, column, first_ts + (int64_t)rng_below(r, 86400));
    else if (c->kind == COLUMN_I64)
        batch_set_i64(b, row, column, traded ? (int64_t)rng_below(r, 300) : 0);
    else if (strcmp(c->unit, "price") == 0)
        batch_set_f64(b, row, column, price(r));
    else
        batch_set_f64(b, row, column, traded ? amount(r) : 0);
}

void page_fill(struct batch *b)
{
    struct rng r = {.state = 1};
    for (size_t row = 0; row < PAGE_ROWS; row++) {
        bool traded = rng_below(&r, 100) != 0; /* 1 % without trades, as recorded */
        for (size_t column = 0; column < b->type->column_count; column++)
            fill_cell(b, row, column, traded, &r);
    }
    b->row_count = PAGE_ROWS;
}

void page_date(struct batch *b, int64_t page)
{
    size_t ts = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    for (size_t row = 0; row < PAGE_ROWS; row++) {
        int64_t period = page / SERIES * PAGE_ROWS + (int64_t)row;
        batch_set_i64(b, row, ts, first_ts + period * 60);
    }
}

void page_series(const struct data_type *type, struct series_names names[SERIES])
{
    for (int i = 0; i < SERIES; i++) {
        char native[32];
        str_print(native, sizeof(native), "PAIR%d", i);
        series_names_set(&names[i], type, STR("binance"), str_from(native), STR(""));
    }
}

struct store_page page_of(const struct batch *b, const struct series_names names[SERIES],
                          int64_t page, bool fresh, struct coverage_segment *segment)
{
    size_t ts = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    *segment = (struct coverage_segment){
        .from_ts = batch_cell(b, 0, ts)->i64,
        .to_ts = batch_cell(b, PAGE_ROWS - 1, ts)->i64 + 60,
        .asked_utc_s = asked_utc_s,
    };
    return (struct store_page){
        .type = b->type,
        .interval = INTERVAL_1M,
        .series = &names[page % SERIES],
        .batch = b,
        .fresh = fresh,
        .collected_utc_s = asked_utc_s,
        .final_before_ts = asked_utc_s,
        .segments = segment,
        .segment_count = 1,
        .run_id = "bench",
    };
}

/* ---- medians ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void report(const char *what, const struct figures *figures, int runs)
{
    double rates[RUNS_MAX];
    double costs[RUNS_MAX];
    for (int i = 0; i < runs; i++) {
        rates[i] = figures[i].rows_per_s;
        costs[i] = figures[i].cpu_s_per_million;
    }
    qsort(rates, (size_t)runs, sizeof(rates[0]), by_size);
    qsort(costs, (size_t)runs, sizeof(costs[0]), by_size);
    printf("%-28s %8.0f k rows/s   %5.2f cpu-s/M   (%.2f to %.2f)\n", what, rates[runs / 2] / 1000,
           costs[runs / 2], costs[0], costs[runs - 1]);
}
