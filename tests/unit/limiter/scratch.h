/* A directory of a test's own, and a clock that a test moves. */
#ifndef TESTS_LIMITER_SCRATCH_H
#define TESTS_LIMITER_SCRATCH_H

#include "base/hash.h"
#include "engine/ledger.h"

enum { SCRATCH_PATH_BYTES = 512 };

struct scratch {
    char path[SCRATCH_PATH_BYTES];
};

/* Made and emptied under $TMPDIR. */
bool scratch_open(struct scratch *scratch);
void scratch_close(struct scratch *scratch);
/* The path of the only file whose name ends with suffix; false when there is none or are more. */
bool scratch_find(const struct scratch *scratch, const char *suffix, char out[SCRATCH_PATH_BYTES]);

struct test_clock {
    struct clock hook;
    int64_t mono_us;
    int64_t utc_us;
};
/* Starts at one boot hour on 2024-01-01. */
void test_clock_init(struct test_clock *clock);
void test_clock_add(struct test_clock *clock, int64_t us);

struct reply_headers no_headers(void);
/* The microseconds of s seconds. */
int64_t seconds(int64_t s);

#endif
