/* The phases of a run: a world is made; engine lives under faults, whose claims must always hold;
 * then lives without faults, which must complete; then the database is compared with the world. */
#ifndef TESTS_SIM_PHASES_H
#define TESTS_SIM_PHASES_H

#include "sim.h"

/* False when the world could not be made (then the run has failed). */
bool phases_begin(struct sim *sim);
void phases_safety(struct sim *sim);
void phases_liveness(struct sim *sim);
void phases_end(struct sim *sim);
void phases_release(struct sim *sim);

#endif
