/* Changing the text of a page that is good otherwise. */
#ifndef TESTS_SIM_PAGES_H
#define TESTS_SIM_PAGES_H

#include "sim.h"

/* The periods that a request's path asks for. */
struct period_range pages_window_of(const struct sim_series *s, const char *path);
/* Sick records, and the faults that change rows: one of the edges lost, an older one or the open
 * one added, shuffled, twice. */
void pages_vary(struct sim *sim, struct exchange *x, bool lose_edge);

#endif
