/* What is known about the periods of a series. Pure. Invariant: segments are only ever added;
 * reading merges them: stored beats everything, then the newest answer, then (same moment) the
 * one that is asked again first. */
#ifndef MODEL_COVERAGE_H
#define MODEL_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum coverage_state {
    COVERAGE_STORED,       /* rows are in the fact table */
    COVERAGE_EMPTY,        /* asked; the vendor has nothing there */
    COVERAGE_BEFORE_START, /* before the first data of the series */
    COVERAGE_AFTER_END,    /* after the last data of a series that ended */
    COVERAGE_REJECTED,     /* the vendor's record was impossible; it is in ccdata_quarantine */
    COVERAGE_STATE_COUNT
};
const char *
coverage_state_name(enum coverage_state state); /* "stored" …; as in ccdata_coverage.state */
bool coverage_state_parse(const char *name, enum coverage_state *out_state);

/* Periods whose start is in [from_ts, to_ts), both multiples of the step. */
struct coverage_segment {
    int64_t from_ts;
    int64_t to_ts;
    enum coverage_state state;
    int64_t asked_utc_s;      /* when the request that showed it was sent */
    int64_t next_check_utc_s; /* to be asked again from then on; 0 = never of its own accord */
};

/* Whether what the segment says is settled: that the vendor has nothing is when a second answer
 * said the same. What is confirmed and looked at again has a midnight (UTC) as its next check, the
 * unconfirmed never does. Only the newest period before a start of history is looked at, and the
 * older ones are as sure as it is. */
static inline bool coverage_is_confirmed(const struct coverage_segment *segment)
{
    return segment->next_check_utc_s % 86400 == 0;
}

/* Sort and merge in place into disjoint ascending segments, adjacent equal ones joined (asked = the
 * older of both when joined, so that nothing looks younger than it is). Segments with from >= to
 * are dropped. scratch: room for 2 * count + 2 segments, may not overlap. Returns the new count,
 * which is at most 2 * count. segments must have room for 2 * count. */
size_t coverage_merge(struct coverage_segment *segments, size_t count,
                      struct coverage_segment *scratch);

struct period_range {
    int64_t from_ts; /* inclusive */
    int64_t to_ts;   /* exclusive */
};

#endif
