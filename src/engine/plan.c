#include "engine/plan.h"

#include "base/time.h"

struct period_range plan_closed(struct period_range range, int64_t step_s, int64_t now_utc_s)
{
    struct period_range closed = {
        .from_ts = time_ceil(range.from_ts, step_s),
        .to_ts = time_floor(range.to_ts < now_utc_s ? range.to_ts : now_utc_s, step_s),
    };
    if (closed.to_ts < closed.from_ts)
        closed.to_ts = closed.from_ts;
    return closed;
}

static bool is_missing(const struct coverage_segment *segment, int64_t now_utc_s)
{
    return segment->next_check_utc_s != 0 && segment->next_check_utc_s <= now_utc_s;
}

void plan_gaps_init(struct plan_gaps *gaps, struct period_range want,
                    const struct coverage_segment *merged, size_t count, int64_t now_utc_s)
{
    *gaps = (struct plan_gaps){
        .merged = merged,
        .left = count,
        .from_ts = want.from_ts,
        .to_ts = want.to_ts,
        .now_utc_s = now_utc_s,
    };
}

/* The newest segment that begins before gaps->to_ts; NULL when none is left. */
static const struct coverage_segment *newest_segment(struct plan_gaps *gaps)
{
    while (gaps->left > 0 && gaps->merged[gaps->left - 1].from_ts >= gaps->to_ts)
        gaps->left--;
    return gaps->left > 0 ? &gaps->merged[gaps->left - 1] : NULL;
}

bool plan_gaps_next(struct plan_gaps *gaps, struct period_range *out_range)
{
    int64_t gap_end = gaps->to_ts;
    bool open = false; /* a gap that ends at gap_end has been entered */
    while (gaps->to_ts > gaps->from_ts) {
        const struct coverage_segment *segment = newest_segment(gaps);
        bool covers = segment && segment->to_ts > gaps->from_ts &&
                      !is_missing(segment, gaps->now_utc_s);
        if (covers && segment->to_ts >= gaps->to_ts) {
            if (open) {
                *out_range = (struct period_range){gaps->to_ts, gap_end};
                return true;
            }
            gaps->to_ts = segment->from_ts;
            gap_end = gaps->to_ts;
            continue;
        }
        /* [lower, to_ts) is missing: down to the next segment's end, or through a due hole. */
        int64_t lower = gaps->from_ts;
        if (segment && !covers && segment->to_ts >= gaps->to_ts)
            lower = segment->from_ts;
        else if (segment && segment->to_ts > lower)
            lower = segment->to_ts;
        gaps->to_ts = lower > gaps->from_ts ? lower : gaps->from_ts;
        open = true;
    }
    if (!open)
        return false;
    *out_range = (struct period_range){gaps->from_ts, gap_end};
    return true;
}

bool plan_next_window(struct period_range want, int64_t step_s, int page_max,
                      const struct coverage_segment *merged, size_t count, int64_t now_utc_s,
                      struct period_range *out_window)
{
    struct plan_gaps gaps;
    struct period_range gap;
    plan_gaps_init(&gaps, want, merged, count, now_utc_s);
    if (!plan_gaps_next(&gaps, &gap))
        return false;
    int64_t oldest = gap.to_ts - step_s * page_max; /* the furthest back that one call reaches */
    struct period_range window = gap;
    while (window.from_ts > oldest && plan_gaps_next(&gaps, &gap) && gap.to_ts > oldest)
        window.from_ts = gap.from_ts;
    if (window.from_ts < oldest)
        window.from_ts = oldest;
    *out_window = window;
    return true;
}

int64_t plan_recheck_from(struct period_range window, int64_t step_s, int page_max,
                          const struct coverage_segment *merged, size_t count)
{
    int64_t oldest = window.to_ts - step_s * page_max;
    for (size_t i = 0; i < count && merged[i].from_ts < window.from_ts; i++) {
        bool had_an_answer = merged[i].state != COVERAGE_BEFORE_START &&
                             merged[i].state != COVERAGE_AFTER_END;
        if (had_an_answer && merged[i].to_ts > oldest)
            return merged[i].from_ts > oldest ? merged[i].from_ts : oldest;
    }
    return window.from_ts;
}

struct plan_size plan_measure(struct period_range want, int64_t step_s, int page_max,
                              const struct coverage_segment *merged, size_t count,
                              int64_t now_utc_s)
{
    struct plan_size size = {.periods_wanted = (want.to_ts - want.from_ts) / step_s};
    struct plan_gaps gaps;
    struct period_range range;
    plan_gaps_init(&gaps, want, merged, count, now_utc_s);
    while (plan_gaps_next(&gaps, &range))
        size.periods_missing += (range.to_ts - range.from_ts) / step_s;
    for (struct period_range rest = want;
         plan_next_window(rest, step_s, page_max, merged, count, now_utc_s, &range);
         rest.to_ts = range.from_ts)
        size.calls++;
    return size;
}

bool plan_touches(const struct coverage_segment *merged, size_t count, struct period_range window)
{
    for (size_t i = 0; i < count; i++)
        if (merged[i].from_ts < window.to_ts && merged[i].to_ts > window.from_ts)
            return true;
    return false;
}
