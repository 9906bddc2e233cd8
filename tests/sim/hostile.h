/* A vendor that serves what no client may take, and what every client must. */
#ifndef TESTS_SIM_HOSTILE_H
#define TESTS_SIM_HOSTILE_H

#include "sim.h"

/* Make a good page one that must be refused whole, and note it in the exchange; a page without a
 * row may stay as it is. */
void hostile_spoil(struct sim *sim, struct exchange *x);
/* The same rows in other words: keys that are new, blanks, escapes, numbers with more digits. */
void hostile_dress(struct sim *sim, struct exchange *x);
/* The body as gzip; a page to be refused may lie about its encoding then. */
void hostile_wrap(struct sim *sim, struct exchange *x, bool zip);

#endif
