#include "model/coverage.h"

#include <string.h>

static const char *const state_names[COVERAGE_STATE_COUNT] = {
    [COVERAGE_STORED] = "stored",
    [COVERAGE_EMPTY] = "empty",
    [COVERAGE_BEFORE_START] = "before_start",
    [COVERAGE_AFTER_END] = "after_end",
    [COVERAGE_REJECTED] = "rejected",
};

const char *coverage_state_name(enum coverage_state state)
{
    return (unsigned)state < COVERAGE_STATE_COUNT ? state_names[state] : "unknown";
}

bool coverage_state_parse(const char *name, enum coverage_state *out_state)
{
    for (int i = 0; i < COVERAGE_STATE_COUNT; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *out_state = (enum coverage_state)i;
            return true;
        }
    }
    return false;
}

/* Whether a stands above b in a heap. */
typedef bool above_fn(const struct coverage_segment *a, const struct coverage_segment *b);

static bool starts_later(const struct coverage_segment *a, const struct coverage_segment *b)
{
    return a->from_ts > b->from_ts;
}

/* The precedence of the header: of two answers of one moment the one that is asked again first: it
 * claims less. The last rule only makes the result independent of the order of arrival. */
static bool beats(const struct coverage_segment *a, const struct coverage_segment *b)
{
    bool a_stored = a->state == COVERAGE_STORED;
    bool b_stored = b->state == COVERAGE_STORED;
    if (a_stored != b_stored) {
        return a_stored;
    }
    if (a->asked_utc_s != b->asked_utc_s) {
        return a->asked_utc_s > b->asked_utc_s;
    }
    if (a->next_check_utc_s != b->next_check_utc_s) {
        bool a_settled = a->next_check_utc_s == 0;
        bool b_settled = b->next_check_utc_s == 0;
        return b_settled || (!a_settled && a->next_check_utc_s < b->next_check_utc_s);
    }
    return a->state < b->state;
}

static void swap(struct coverage_segment *a, struct coverage_segment *b)
{
    struct coverage_segment t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(struct coverage_segment *heap, size_t count, size_t at, above_fn *above)
{
    for (;;) {
        size_t top = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (above(&heap[child], &heap[top])) {
                top = child;
            }
        }
        if (top == at) {
            return;
        }
        swap(&heap[at], &heap[top]);
        at = top;
    }
}

static void sift_up(struct coverage_segment *heap, size_t at, above_fn *above)
{
    while (at > 0 && above(&heap[at], &heap[(at - 1) / 2])) {
        swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

/* Heap sort, because qsort may allocate. Stored segments mostly come back in order already. */
static void sort_by_start(struct coverage_segment *s, size_t count)
{
    size_t ordered = 1;
    while (ordered < count && s[ordered - 1].from_ts <= s[ordered].from_ts) {
        ordered++;
    }
    if (ordered >= count) {
        return;
    }
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(s, count, i, starts_later);
    }
    for (size_t end = count - 1; end > 0; end--) {
        swap(&s[0], &s[end]);
        sift_down(s, end, 0, starts_later);
    }
}

/* Append the part [from, to) of winner, or lengthen the last piece by it. */
static size_t emit(struct coverage_segment *pieces, size_t count,
                   const struct coverage_segment *winner, int64_t from_ts, int64_t to_ts)
{
    struct coverage_segment *last = count > 0 ? &pieces[count - 1] : NULL;
    if (last && last->to_ts == from_ts && last->state == winner->state &&
        last->next_check_utc_s == winner->next_check_utc_s) {
        last->to_ts = to_ts;
        if (winner->asked_utc_s < last->asked_utc_s) {
            last->asked_utc_s = winner->asked_utc_s;
        }
        return count;
    }
    pieces[count] = *winner;
    pieces[count].from_ts = from_ts;
    pieces[count].to_ts = to_ts;
    return count + 1;
}

/* A sweep over the starts. `open` is a heap of the segments begun so far, the winner on top; a
 * segment that has ended is only removed when it comes to the top. Every step passes a start or an
 * end, so n segments make at most 2n - 1 pieces. */
size_t coverage_merge(struct coverage_segment *segments, size_t count,
                      struct coverage_segment *scratch)
{
    struct coverage_segment *waiting = scratch;
    size_t waiting_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (segments[i].from_ts < segments[i].to_ts) {
            waiting[waiting_count++] = segments[i];
        }
    }
    sort_by_start(waiting, waiting_count);

    struct coverage_segment *open = scratch + waiting_count;
    size_t open_count = 0;
    size_t next = 0;
    size_t piece_count = 0;
    int64_t at = 0;
    for (;;) {
        while (open_count > 0 && open[0].to_ts <= at) {
            open[0] = open[--open_count];
            sift_down(open, open_count, 0, beats);
        }
        if (open_count == 0) {
            if (next == waiting_count) {
                return piece_count;
            }
            at = waiting[next].from_ts;
        }
        for (; next < waiting_count && waiting[next].from_ts == at; next++) {
            open[open_count] = waiting[next];
            sift_up(open, open_count++, beats);
        }
        int64_t until = open[0].to_ts;
        if (next < waiting_count && waiting[next].from_ts < until) {
            until = waiting[next].from_ts;
        }
        piece_count = emit(segments, piece_count, &open[0], at, until);
        at = until;
    }
}
