/* In some of the seeds the real SQLite driver does what the model store does, on a disk that
 * forgets. Invariant: whenever nothing is in doubt both hold the same. */
#ifndef TESTS_SIM_MIRROR_H
#define TESTS_SIM_MIRROR_H

#include "sim.h"

struct mirror;
int mirror_new(struct mirror **out, struct ccd_error *err);
void mirror_free(struct mirror *mirror);

/* A seed begins or is over: whether it has a mirror is drawn. The series are known by now. */
void mirror_begin(struct sim *sim);
void mirror_end(struct sim *sim);
bool mirror_is_on(const struct sim *sim);

/* The transaction that the model has just ended like this, with what it counted for each page. */
void mirror_transact(struct sim *sim, const struct store_page *const *pages,
                     const struct store_page_result *expected, size_t count, enum model_fate fate);
/* The process dies somewhere in this transaction, which the model has not seen yet, and the
 * database is opened again. Returns what became of it: UNKNOWN_APPLIED or UNKNOWN_LOST; the caller
 * does the same to the model, then checks. */
enum model_fate mirror_die(struct sim *sim, const struct store_page *const *pages, size_t count);
/* A process ends; now and then the next one opens the database anew, after a kill or a power cut,
 * say. */
void mirror_restart(struct sim *sim);
/* Every row and every claim against the model. */
void mirror_check(struct sim *sim);

#endif
