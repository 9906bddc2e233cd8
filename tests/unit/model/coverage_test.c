#include "model/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "test.h"

enum { STEP_S = 60, PERIODS_MAX = 40, SEGMENTS_MAX = 24 };

TEST(coverage_state_names)
{
    static const char *const names[] = {"stored", "empty", "before_start", "after_end", "rejected"};
    for (int i = 0; i < COVERAGE_STATE_COUNT; i++) {
        enum coverage_state state = COVERAGE_STATE_COUNT;
        CHECK_TEXT(names[i], coverage_state_name((enum coverage_state)i));
        CHECK(coverage_state_parse(names[i], &state));
        CHECK_INT(i, state);
    }
    enum coverage_state state = COVERAGE_REJECTED;
    CHECK(!coverage_state_parse("Stored", &state));
    CHECK(!coverage_state_parse("", &state));
    CHECK_INT(COVERAGE_REJECTED, state);
    CHECK_TEXT("unknown", coverage_state_name(COVERAGE_STATE_COUNT));
}

static bool same(const struct coverage_segment *a, const struct coverage_segment *b)
{
    return a->from_ts == b->from_ts && a->to_ts == b->to_ts && a->state == b->state &&
           a->asked_utc_s == b->asked_utc_s && a->next_check_utc_s == b->next_check_utc_s;
}

static void check_merge(struct coverage_segment *input, size_t count,
                        const struct coverage_segment *expected, size_t expected_count)
{
    struct coverage_segment segments[2 * SEGMENTS_MAX];
    struct coverage_segment scratch[2 * SEGMENTS_MAX + 2];
    memcpy(segments, input, count * sizeof(*input));
    size_t merged = coverage_merge(segments, count, scratch);
    if (!CHECK_INT(expected_count, merged)) {
        return;
    }
    for (size_t i = 0; i < merged; i++) {
        CHECK(same(&expected[i], &segments[i]));
    }
}

TEST(coverage_merge_of_nothing)
{
    struct coverage_segment scratch[4];
    CHECK_INT(0, coverage_merge(NULL, 0, scratch));
    struct coverage_segment none[] = {{60, 60, COVERAGE_STORED, 1, 0},
                                      {60, 0, COVERAGE_STORED, 1, 0}};
    check_merge(none, 2, NULL, 0);
}

TEST(coverage_stored_beats_a_newer_answer)
{
    struct coverage_segment input[] = {{0, 600, COVERAGE_EMPTY, 9, 0},
                                       {120, 240, COVERAGE_STORED, 1, 0}};
    struct coverage_segment expected[] = {{0, 120, COVERAGE_EMPTY, 9, 0},
                                          {120, 240, COVERAGE_STORED, 1, 0},
                                          {240, 600, COVERAGE_EMPTY, 9, 0}};
    check_merge(input, 2, expected, 3);
}

TEST(coverage_newest_then_asked_again_first)
{
    struct coverage_segment input[] = {{0, 600, COVERAGE_EMPTY, 5, 99},
                                       {60, 180, COVERAGE_REJECTED, 4, 0},
                                       {120, 300, COVERAGE_BEFORE_START, 6, 77},
                                       {480, 600, COVERAGE_EMPTY, 5, 0}};
    struct coverage_segment expected[] = {{0, 120, COVERAGE_EMPTY, 5, 99},
                                          {120, 300, COVERAGE_BEFORE_START, 6, 77},
                                          {300, 600, COVERAGE_EMPTY, 5, 99}};
    check_merge(input, 4, expected, 3);
}

TEST(coverage_joined_is_as_old_as_its_oldest_part)
{
    struct coverage_segment input[] = {{60, 120, COVERAGE_STORED, 3, 0},
                                       {0, 60, COVERAGE_STORED, 7, 0},
                                       {120, 180, COVERAGE_STORED, 5, 0},
                                       {240, 300, COVERAGE_STORED, 5, 0}};
    struct coverage_segment expected[] = {{0, 180, COVERAGE_STORED, 3, 0},
                                          {240, 300, COVERAGE_STORED, 5, 0}};
    check_merge(input, 4, expected, 2);
}

TEST(coverage_next_check_keeps_neighbours_apart)
{
    struct coverage_segment input[] = {{0, 60, COVERAGE_EMPTY, 5, 10},
                                       {60, 120, COVERAGE_EMPTY, 5, 20}};
    check_merge(input, 2, input, 2);
}

TEST(coverage_extreme_times)
{
    struct coverage_segment input[] = {{INT64_MIN, INT64_MAX, COVERAGE_BEFORE_START, 1, 0},
                                       {-60, 60, COVERAGE_STORED, 1, 0}};
    struct coverage_segment expected[] = {{INT64_MIN, -60, COVERAGE_BEFORE_START, 1, 0},
                                          {-60, 60, COVERAGE_STORED, 1, 0},
                                          {60, INT64_MAX, COVERAGE_BEFORE_START, 1, 0}};
    check_merge(input, 2, expected, 3);
}

/* The oracle: for each period, look at every segment; then join. */
static bool oracle_beats(const struct coverage_segment *a, const struct coverage_segment *b)
{
    const int64_t last = INT64_MAX;
    /* Smaller stands for better. */
    const int64_t rank_a[] = {a->state != COVERAGE_STORED, -a->asked_utc_s,
                              a->next_check_utc_s == 0,    a->next_check_utc_s,
                              (int64_t)a->state,           last};
    const int64_t rank_b[] = {b->state != COVERAGE_STORED, -b->asked_utc_s,
                              b->next_check_utc_s == 0,    b->next_check_utc_s,
                              (int64_t)b->state,           last};
    size_t i = 0;
    while (rank_a[i] == rank_b[i] && rank_a[i] != last) {
        i++;
    }
    return rank_a[i] < rank_b[i];
}

static size_t oracle_merge(const struct coverage_segment *segments, size_t count, int64_t first_ts,
                           struct coverage_segment *out_merged)
{
    size_t merged = 0;
    for (int64_t period = 0; period < PERIODS_MAX; period++) {
        int64_t ts = first_ts + period * STEP_S;
        const struct coverage_segment *winner = NULL;
        for (size_t i = 0; i < count; i++) {
            if (segments[i].from_ts <= ts && ts < segments[i].to_ts &&
                (!winner || oracle_beats(&segments[i], winner))) {
                winner = &segments[i];
            }
        }
        if (!winner) {
            continue;
        }
        struct coverage_segment *last = merged > 0 ? &out_merged[merged - 1] : NULL;
        if (last && last->to_ts == ts && last->state == winner->state &&
            last->next_check_utc_s == winner->next_check_utc_s) {
            last->to_ts += STEP_S;
            if (winner->asked_utc_s < last->asked_utc_s) {
                last->asked_utc_s = winner->asked_utc_s;
            }
        } else {
            out_merged[merged] = *winner;
            out_merged[merged].from_ts = ts;
            out_merged[merged++].to_ts = ts + STEP_S;
        }
    }
    return merged;
}

static struct coverage_segment random_segment(struct rng *rng, int64_t first_ts)
{
    int64_t from = (int64_t)rng_below(rng, PERIODS_MAX + 1);
    int64_t to = (int64_t)rng_below(rng, PERIODS_MAX + 1);
    if (from > to && rng_below(rng, 10) != 0) {
        int64_t other = from;
        from = to;
        to = other;
    }
    return (struct coverage_segment){
        .from_ts = first_ts + from * STEP_S,
        .to_ts = first_ts + to * STEP_S,
        .state = (enum coverage_state)rng_below(rng, COVERAGE_STATE_COUNT),
        .asked_utc_s = (int64_t)rng_below(rng, 5),
        .next_check_utc_s = (int64_t)rng_below(rng, 3),
    };
}

static void shuffle(struct rng *rng, struct coverage_segment *segments, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)rng_below(rng, i);
        struct coverage_segment t = segments[i - 1];
        segments[i - 1] = segments[k];
        segments[k] = t;
    }
}

TEST(coverage_merge_agrees_with_the_oracle)
{
    struct rng rng = {53};
    struct coverage_segment input[SEGMENTS_MAX];
    struct coverage_segment expected[PERIODS_MAX];
    for (int round = 0; round < 40000; round++) {
        size_t count = (size_t)rng_below(&rng, SEGMENTS_MAX + 1);
        int64_t first_ts = round % 2 ? -PERIODS_MAX * STEP_S / 2 : 1700000000 / STEP_S * STEP_S;
        for (size_t i = 0; i < count; i++) {
            input[i] = random_segment(&rng, first_ts);
        }
        size_t expected_count = oracle_merge(input, count, first_ts, expected);
        CHECK(expected_count <= 2 * count);
        check_merge(input, count, expected, expected_count);
        shuffle(&rng, input, count);
        check_merge(input, count, expected, expected_count);
        if (2 * expected_count <= SEGMENTS_MAX) {
            check_merge(expected, expected_count, expected, expected_count);
        }
    }
}

/* Nested segments give the most pieces, 2n - 1, and the deepest heap; a scan per period would take
 * minutes. */
TEST(coverage_merge_of_many_nested_segments)
{
    const size_t count = 200000;
    struct coverage_segment *segments = calloc(2 * count, sizeof(*segments));
    struct coverage_segment *scratch = calloc(2 * count + 2, sizeof(*scratch));
    if (CHECK(segments && scratch)) {
        for (size_t i = 0; i < count; i++) {
            int64_t depth = (int64_t)(count - i);
            segments[i] = (struct coverage_segment){.from_ts = depth * STEP_S,
                                                    .to_ts = (2 * (int64_t)count + 1 - depth) *
                                                             STEP_S,
                                                    .state = COVERAGE_EMPTY,
                                                    .asked_utc_s = depth,
                                                    .next_check_utc_s = 1 + depth};
        }
        size_t merged = coverage_merge(segments, count, scratch);
        CHECK_INT(2 * count - 1, merged);
        CHECK_INT(STEP_S, segments[0].from_ts);
        CHECK_INT(count, segments[count - 1].asked_utc_s);
        bool adjacent = true;
        for (size_t i = 1; i < merged; i++) {
            adjacent = adjacent && segments[i - 1].to_ts == segments[i].from_ts;
        }
        CHECK(adjacent);
    }
    free(segments);
    free(scratch);
}
