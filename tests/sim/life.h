/* One life of the engine: executes the actions of a session as engine/runtime.c does, on the
 * virtual clock. Invariant: a life ends in exactly one of finished, abandoned (interrupted),
 * killed. */
#ifndef TESTS_SIM_LIFE_H
#define TESTS_SIM_LIFE_H

#include "sim.h"

struct life_options {
    int workers;
    int slots;
    int writers;
    bool wait_for_quota;
    int64_t max_calls;
    int64_t crash_us; /* monotonic; INT64_MAX = never */
    int64_t stop_us;
    int64_t jump_us;
    int64_t jump_s; /* by so much */
};

enum life_end { LIFE_FINISHED, LIFE_ABANDONED, LIFE_KILLED };

/* What a life did, for whoever judges it. */
struct life_report {
    enum life_end end;
    struct ccd_error error; /* of the session */
    int64_t resume_us;      /* QUOTA_EXHAUSTED: when to come back */
    struct {
        int64_t calls;
        int64_t calls_needed; /* the fewest that reach all that was missing */
        int64_t extra_calls;  /* what an unknown start and an empty list may cost more */
    } series[SIM_SERIES_MAX];
    int64_t calls;
    int64_t elapsed_us;
};

void life_run(struct sim *sim, const struct life_options *options, struct life_report *out_report);

#endif
