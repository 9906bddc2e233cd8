#include "swarm.h"

#include <stddef.h>

static const enum fault hiding[] = {FAULT_EMPTY_LIST, FAULT_OTHER_WINDOW, FAULT_EDGE_LOST,
                                    FAULT_STUCK, FAULT_FALSE_END};

enum { RATE_MAX_PERMILLE = 120, LIFE_RATE_MAX_PERMILLE = 700 };

/* Two sets of faults that together are more than anything can survive: one of them goes. */
static void separate(struct swarm *swarm, const enum fault *one, size_t one_count,
                     const enum fault *other, size_t other_count, struct rng *rng)
{
    bool first = rng_below(rng, 2) == 0;
    const enum fault *gone = first ? one : other;
    size_t count = first ? one_count : other_count;
    for (size_t i = 0; i < count; i++)
        swarm->permille[gone[i]] = 0;
}

void swarm_stop_hiding(struct swarm *swarm)
{
    for (size_t i = 0; i < sizeof(hiding) / sizeof(*hiding); i++)
        swarm->permille[hiding[i]] = 0;
}

/* A vendor that hides data twice is believed when an hour lies between; with a clock that runs
 * wrong, or a Date that is wrong, an hour is over at once. And nobody can tell what is final when
 * both clocks are ahead. */
static void keep_survivable(struct swarm *swarm, struct rng *rng)
{
    static const enum fault timing[] = {FAULT_HOST_BEHIND, FAULT_CLOCK_JUMP, FAULT_STALE_DATE};
    static const enum fault dates[] = {FAULT_AHEAD_DATE, FAULT_NO_DATE};
    static const enum fault ahead[] = {FAULT_HOST_AHEAD, FAULT_CLOCK_JUMP};
    separate(swarm, hiding, sizeof(hiding) / sizeof(*hiding), timing, 3, rng);
    separate(swarm, dates, 2, ahead, 2, rng);
}

void swarm_draw(struct swarm *swarm, struct rng *rng)
{
    for (int f = 0; f < FAULT_COUNT; f++) {
        uint64_t most = f >= FAULT_FIRST_OF_LIFE ? LIFE_RATE_MAX_PERMILLE : RATE_MAX_PERMILLE;
        bool off = rng_below(rng, 3) == 0;
        int permille = (int)rng_below(rng, most + 1);
        swarm->permille[f] = off ? 0 : permille;
    }
    keep_survivable(swarm, rng);
}

bool swarm_hits(const struct swarm *swarm, enum fault fault, struct rng *rng)
{
    return swarm->permille[fault] > 0 && (int)rng_below(rng, 1000) < swarm->permille[fault];
}
