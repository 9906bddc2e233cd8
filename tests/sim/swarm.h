/* Which faults a seed has, and how often. All of them at once would mask each other, so each class
 * is off in a third of the seeds (Groce et al., "Swarm Testing", 2012). */
#ifndef TESTS_SIM_SWARM_H
#define TESTS_SIM_SWARM_H

#include <stdbool.h>

#include "base/hash.h"
#include "tables.h"

struct swarm {
    int permille[FAULT_COUNT];
};

void swarm_draw(struct swarm *swarm, struct rng *rng);
/* The vendor of this seed never hides data. */
void swarm_stop_hiding(struct swarm *swarm);
/* Whether the fault happens now. */
bool swarm_hits(const struct swarm *swarm, enum fault fault, struct rng *rng);

#endif
