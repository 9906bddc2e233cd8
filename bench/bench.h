/* What the benchmark programs share: a page that looks like minutes of a futures market, a
 * stopwatch, medians. A program that fails says so and exits: nothing here is measured then. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "store/store.h"

enum { PAGE_ROWS = 2000, SERIES = 20, RUNS_MAX = 25 };

struct figures {
    double rows_per_s;
    double cpu_s_per_million; /* of this process */
};

struct stopwatch {
    double wall_s;
    double cpu_s;
};
struct stopwatch stopwatch_read(void);
struct figures stopwatch_since(struct stopwatch start, int64_t rows);

_Noreturn void die(const char *what, const char *why);

/* PAGE_ROWS rows of b->type (futures_ohlcv), the same every time. */
void page_fill(struct batch *b);
/* Give the page its times: pages go round the series, each series forward in time. */
void page_date(struct batch *b, int64_t page);
/* The series of page p is names[p % SERIES]. */
void page_series(const struct data_type *type, struct series_names names[SERIES]);
/* The page as the engine would put it; covered whole. segment is the caller's. */
struct store_page page_of(const struct batch *b, const struct series_names names[SERIES],
                          int64_t page, bool fresh, struct coverage_segment *segment);

/* One line: median rate, median CPU seconds and their range. */
void report(const char *what, const struct figures *figures, int runs);

#endif
