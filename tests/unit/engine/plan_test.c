#include "engine/plan.h"

#include "base/hash.h"
#include "base/time.h"
#include "test.h"

enum { STEP_S = 60, PERIODS_MAX = 48, SEGMENTS_MAX = PERIODS_MAX, PAGE_MAX = 14, CASES = 200000 };

/* A random world of one series: what is known, what is wanted, and the same as one flag per period.
 */
struct plan_case {
    struct coverage_segment merged[SEGMENTS_MAX];
    size_t count;
    struct period_range want;
    int64_t now_utc_s;
    int page_max;
    bool missing[PERIODS_MAX]; /* wanted and missing */
};

static int64_t ts_of(int64_t period)
{
    return period * STEP_S;
}

/* 0 = settled, else due or not. The moments next to now are the ones that matter. */
static int64_t random_check(struct rng *r, int64_t now_utc_s)
{
    switch (rng_below(r, 4)) {
    case 0:
        return now_utc_s - (int64_t)rng_below(r, 3);
    case 1:
        return now_utc_s + (int64_t)rng_below(r, 3);
    default:
        return 0;
    }
}

static void mark_known(struct plan_case *c, const struct coverage_segment *s)
{
    for (int64_t p = s->from_ts / STEP_S; p < s->to_ts / STEP_S; p++) {
        bool wanted = ts_of(p) >= c->want.from_ts && ts_of(p) < c->want.to_ts;
        bool due = s->next_check_utc_s != 0 && s->next_check_utc_s <= c->now_utc_s;
        c->missing[p] = wanted && due;
    }
}

static void make_case(struct plan_case *c, struct rng *r)
{
    *c = (struct plan_case){.now_utc_s = 1000000, .page_max = 1 + (int)rng_below(r, PAGE_MAX)};
    int64_t a = (int64_t)rng_below(r, PERIODS_MAX + 1);
    int64_t b = (int64_t)rng_below(r, PERIODS_MAX + 1);
    c->want = (struct period_range){ts_of(a < b ? a : b), ts_of(a < b ? b : a)};
    for (int64_t p = 0; p < PERIODS_MAX; p++)
        c->missing[p] = ts_of(p) >= c->want.from_ts && ts_of(p) < c->want.to_ts;
    uint64_t gap_max = 1 + rng_below(r, 8);
    uint64_t length_max = 1 + rng_below(r, 8);
    for (int64_t p = (int64_t)rng_below(r, gap_max); p < PERIODS_MAX;) {
        int64_t end = p + 1 + (int64_t)rng_below(r, length_max);
        end = end < PERIODS_MAX ? end : PERIODS_MAX;
        struct coverage_segment *s = &c->merged[c->count++];
        *s = (struct coverage_segment){
            .from_ts = ts_of(p),
            .to_ts = ts_of(end),
            .state = (enum coverage_state)rng_below(r, COVERAGE_STATE_COUNT),
            .asked_utc_s = 1,
            .next_check_utc_s = random_check(r, c->now_utc_s),
        };
        mark_known(c, s);
        p = end + (int64_t)rng_below(r, gap_max);
    }
}

/* The fewest intervals of page_max periods that hold all missing ones, without assuming anything
 * about where they begin: the call that holds missing period j may begin at any earlier one within
 * reach. */
static int64_t fewest_calls(const struct plan_case *c)
{
    int64_t points[PERIODS_MAX];
    int64_t fewest[PERIODS_MAX + 1] = {0};
    int count = 0;
    for (int64_t p = 0; p < PERIODS_MAX; p++)
        if (c->missing[p])
            points[count++] = p;
    for (int j = 0; j < count; j++) {
        fewest[j + 1] = INT64_MAX;
        for (int i = j; i >= 0 && points[j] - points[i] < c->page_max; i--)
            if (fewest[i] + 1 < fewest[j + 1])
                fewest[j + 1] = fewest[i] + 1;
    }
    return fewest[count];
}

static bool missing_at(const struct plan_case *c, int64_t ts)
{
    return ts >= 0 && ts < ts_of(PERIODS_MAX) && c->missing[ts / STEP_S];
}

static bool on_grid(struct period_range range)
{
    return range.from_ts % STEP_S == 0 && range.to_ts % STEP_S == 0;
}

/* Gaps come newest first, whole, and hold exactly what is missing. */
static bool gaps_hold(const struct plan_case *c)
{
    struct plan_gaps gaps;
    struct period_range gap;
    bool given[PERIODS_MAX] = {false};
    int64_t before = c->want.to_ts + STEP_S;
    plan_gaps_init(&gaps, c->want, c->merged, c->count, c->now_utc_s);
    while (plan_gaps_next(&gaps, &gap)) {
        bool whole = !missing_at(c, gap.from_ts - STEP_S) && !missing_at(c, gap.to_ts);
        if (!on_grid(gap) || gap.from_ts >= gap.to_ts || gap.to_ts >= before || !whole)
            return false;
        for (int64_t ts = gap.from_ts; ts < gap.to_ts; ts += STEP_S)
            given[ts / STEP_S] = true;
        before = gap.from_ts;
    }
    for (int p = 0; p < PERIODS_MAX; p++)
        if (given[p] != c->missing[p])
            return false;
    return !plan_gaps_next(&gaps, &gap);
}

/* Windows come newest first, do not overlap, begin and end with a missing period, fit a page, hold
 * every missing period; and there is no shorter list. */
static bool windows_hold(const struct plan_case *c)
{
    struct period_range rest = c->want;
    struct period_range window;
    int64_t calls = 0;
    int64_t held = 0;
    int64_t missing = 0;
    while (
        plan_next_window(rest, STEP_S, c->page_max, c->merged, c->count, c->now_utc_s, &window)) {
        if (!on_grid(window) || window.from_ts < rest.from_ts || window.to_ts > rest.to_ts ||
            window.to_ts - window.from_ts > (int64_t)c->page_max * STEP_S ||
            !missing_at(c, window.from_ts) || !missing_at(c, window.to_ts - STEP_S))
            return false;
        for (int64_t ts = window.from_ts; ts < window.to_ts; ts += STEP_S)
            held += missing_at(c, ts);
        rest.to_ts = window.from_ts;
        calls++;
    }
    for (int p = 0; p < PERIODS_MAX; p++)
        missing += c->missing[p];
    return held == missing && calls == fewest_calls(c);
}

static bool measure_holds(const struct plan_case *c)
{
    struct plan_size size = plan_measure(c->want, STEP_S, c->page_max, c->merged, c->count,
                                         c->now_utc_s);
    int64_t missing = 0;
    for (int p = 0; p < PERIODS_MAX; p++)
        missing += c->missing[p];
    return size.periods_wanted == (c->want.to_ts - c->want.from_ts) / STEP_S &&
           size.periods_missing == missing && size.calls == fewest_calls(c);
}

static bool touches_holds(const struct plan_case *c, struct rng *r)
{
    int64_t from = (int64_t)rng_below(r, PERIODS_MAX);
    int64_t to = from + 1 + (int64_t)rng_below(r, (uint64_t)(PERIODS_MAX - from));
    bool touches = false;
    for (size_t i = 0; i < c->count; i++)
        for (int64_t ts = c->merged[i].from_ts; ts < c->merged[i].to_ts; ts += STEP_S)
            touches |= ts >= ts_of(from) && ts < ts_of(to);
    struct period_range window = {ts_of(from), ts_of(to)};
    return plan_touches(c->merged, c->count, window) == touches;
}

/* The oldest known period that one call reaches, or the window's own beginning. */
static bool recheck_holds(const struct plan_case *c)
{
    struct period_range window;
    if (!plan_next_window(c->want, STEP_S, c->page_max, c->merged, c->count, c->now_utc_s, &window))
        return true;
    int64_t expected = window.from_ts;
    for (int64_t ts = window.from_ts - STEP_S; ts >= window.to_ts - STEP_S * c->page_max;
         ts -= STEP_S)
        for (size_t i = 0; i < c->count; i++)
            if (c->merged[i].from_ts <= ts && ts < c->merged[i].to_ts &&
                c->merged[i].state != COVERAGE_BEFORE_START &&
                c->merged[i].state != COVERAGE_AFTER_END)
                expected = ts;
    return plan_recheck_from(window, STEP_S, c->page_max, c->merged, c->count) == expected;
}

TEST(plan_agrees_with_brute_force)
{
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct rng r = {seed};
        struct plan_case c;
        make_case(&c, &r);
        bool held = CHECK(gaps_hold(&c)) & CHECK(windows_hold(&c)) & CHECK(measure_holds(&c)) &
                    CHECK(touches_holds(&c, &r)) & CHECK(recheck_holds(&c));
        if (!held) {
            CHECK_INT(-1, seed);
            return;
        }
    }
}

TEST(plan_closed_agrees_with_brute_force)
{
    static const int64_t steps[] = {SECONDS_PER_MINUTE, SECONDS_PER_HOUR, SECONDS_PER_DAY};
    struct rng r = {7};
    for (int i = 0; i < 20000; i++) {
        int64_t step_s = steps[rng_below(&r, 3)];
        int64_t from = (int64_t)rng_below(&r, 40) * step_s / 4;
        int64_t to = (int64_t)rng_below(&r, 40) * step_s / 4 + (int64_t)rng_below(&r, 3) - 1;
        int64_t now = (int64_t)rng_below(&r, 40) * step_s / 4 + (int64_t)rng_below(&r, 3) - 1;
        struct period_range closed = plan_closed((struct period_range){from, to}, step_s, now);
        int64_t first = 0, count = 0;
        for (int64_t ts = -step_s; ts < 50 * step_s; ts += step_s) {
            if (ts < from || ts + step_s > to || ts + step_s > now)
                continue;
            first = count++ == 0 ? ts : first;
        }
        CHECK_INT(count, (closed.to_ts - closed.from_ts) / step_s);
        if (count > 0)
            CHECK_INT(first, closed.from_ts);
    }
}

TEST(plan_closed_period_is_closed_at_its_end)
{
    struct period_range all = {0, INT64_MAX};
    CHECK_INT(60, plan_closed(all, 60, 119).to_ts);
    CHECK_INT(120, plan_closed(all, 60, 120).to_ts);
}

TEST(plan_due_at_the_very_moment)
{
    const struct coverage_segment hole = {0, 60, COVERAGE_EMPTY, 1, 1000};
    struct period_range want = {0, 60}, window;
    CHECK(!plan_next_window(want, 60, 10, &hole, 1, 999, &window));
    CHECK(plan_next_window(want, 60, 10, &hole, 1, 1000, &window));
}

TEST(plan_real_pages)
{
    /* Ten years of hours: 2000 at a time, the newest first, the oldest page short. */
    struct period_range want = {0, 87600LL * SECONDS_PER_HOUR}, window;
    CHECK_INT(44, plan_measure(want, SECONDS_PER_HOUR, 2000, NULL, 0, 1LL << 40).calls);
    CHECK(plan_next_window(want, SECONDS_PER_HOUR, 2000, NULL, 0, 1LL << 40, &window));
    CHECK_INT(want.to_ts, window.to_ts);
    CHECK_INT(want.to_ts - 2000LL * SECONDS_PER_HOUR, window.from_ts);
}
