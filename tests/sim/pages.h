/* Changing the text of a page that is good otherwise. */
#ifndef TESTS_SIM_PAGES_H
#define TESTS_SIM_PAGES_H

#include "sim.h"

/* The periods that a request's path asks for. */
struct period_range pages_window_of(const struct sim_series *s, const char *path);
/* Sick records, and the faults that change rows: shuffled, twice, the open one added. */
void pages_vary(struct sim *sim, struct exchange *x);

#endif
