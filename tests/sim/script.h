/* A life as an explicit list of what went wrong in it, so that a failure outlives changes of the
 * engine that would give its seed another meaning: the draws that made the world and each run, and
 * every fault with the request, commit or run it hit. Whatever is not listed goes well.
 *
 *   seed 123
 *   mutant coverage-first            the planted bug that it must find; without it, it must pass
 *   draw world 0 0 = 4 17 ...        what was drawn, in its order
 *   fault request 2 15 1 LOST_REPLY  request 15, in the second run, when it asks for the first time
 */
#ifndef TESTS_SIM_SCRIPT_H
#define TESTS_SIM_SCRIPT_H

#include "sim.h"

struct script;
int script_new(struct script **out, struct ccd_error *err);
void script_free(struct script *script);

/* USAGE names the line. */
int script_read(struct script *script, const char *path, struct ccd_error *err);
/* `why` goes into a comment. False: it could not be written. */
bool script_write(const struct script *script, const char *path, const char *why);
enum mutant script_mutant(const struct script *script);

/* Run the seed once more and write down what it does. */
void script_record(struct script *script, struct sim *sim, uint64_t seed, enum mutant mutant);
/* Run what is written down, with this bug planted. */
void script_play(struct script *script, struct sim *sim, enum mutant mutant, bool echo);
/* Leave out every fault without which it fails in the same way; sim->why says which. False: it does
 * not fail. */
bool script_shrink(struct script *script, struct sim *sim);

/* For sim.c: whether the fault hits in the scene under way, given that the dice say `hits`. */
bool script_hits(struct sim *sim, enum fault fault, bool hits);

#endif
