/* What is missing, and the fewest calls that fetch it. Pure set arithmetic over period grids.
 * Invariant: every missing period is in exactly one window; no window is longer than the page
 * maximum. */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "model/coverage.h"

/* The periods of [range.from_ts, range.to_ts) whose end is at or before now_utc_s, grid-aligned
 * inwards. */
struct period_range plan_closed(struct period_range range, int64_t step_s, int64_t now_utc_s);

/* Walks the missing ranges of `want`, newest first. merged: coverage_merge's result. A period is
 * missing when no segment covers it, or only an unconfirmed hole that is due (next_check_utc_s != 0
 * && <= now). */
struct plan_gaps {
    const struct coverage_segment *merged;
    size_t left; /* segments not yet passed */
    int64_t from_ts;
    int64_t to_ts; /* shrinks as ranges are given out */
    int64_t now_utc_s;
};
void plan_gaps_init(struct plan_gaps *gaps, struct period_range want,
                    const struct coverage_segment *merged, size_t count, int64_t now_utc_s);
bool plan_gaps_next(struct plan_gaps *gaps, struct period_range *out_range);

/* The next call, newest first: its last period is the newest missing one, its first the oldest
 * missing one within page_max periods. Returns false when nothing is missing. Greedy from one end
 * is minimal for covering points by intervals of fixed length. Call again with want.to_ts =
 * out_window->from_ts. */
bool plan_next_window(struct period_range want, int64_t step_s, int page_max,
                      const struct coverage_segment *merged, size_t count, int64_t now_utc_s,
                      struct period_range *out_window);

/* A call costs the same whatever it asks for: where to begin it so that it also says what became of
 * periods that are known already. window.from_ts when there are none within page_max periods. */
int64_t plan_recheck_from(struct period_range window, int64_t step_s, int page_max,
                          const struct coverage_segment *merged, size_t count);

/* Number of calls and of missing periods for a want range. */
struct plan_size {
    int64_t calls;
    int64_t periods_wanted;
    int64_t periods_missing;
};
struct plan_size plan_measure(struct period_range want, int64_t step_s, int page_max,
                              const struct coverage_segment *merged, size_t count,
                              int64_t now_utc_s);

/* Whether any segment overlaps the window: if not, the window was never attempted. */
bool plan_touches(const struct coverage_segment *merged, size_t count, struct period_range window);

#endif
