/* What must hold whatever goes wrong (FAULTS §1); the world is the judge. */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "sim.h"

/* I4, I11: what the coverage of a series claims is so: stored periods have their row and were final
 * when asked; what is claimed not to be there is not there, or a hole that will be asked again. */
void oracle_check_coverage(struct sim *sim, const struct sim_series *s);
/* I4: what a commit was answered for is there. */
void oracle_check_committed(struct sim *sim, const struct sim_series *s,
                            const struct store_page *page);
/* I3, I15: every row is on the grid and equal, bit by bit, to the record that the vendor served. */
void oracle_check_rows(struct sim *sim, const struct sim_series *s);
/* I12: what a reply that is committed said of a stored period is stored now, but for an answer that
 * was asked for later. */
void oracle_check_taken(struct sim *sim, const struct sim_series *s, int64_t ts,
                        int64_t asked_utc_s, int64_t served_utc_s);
/* I8: a series that the session calls complete is complete. young_ts: from here on periods may be
 * unsettled; want: as the session was told. */
void oracle_check_result(struct sim *sim, const struct sim_series *s, struct period_range want,
                         const struct session_series_result *result,
                         const struct ccd_error *session_error, int64_t young_ts);
/* The fewest pages that reach every wanted period that is not settled or is a hole to be asked
 * again by then. */
int64_t oracle_calls_needed(struct sim *sim, const struct sim_series *s, struct period_range want,
                            int64_t now_utc_s);
/* Whether nothing wanted is left to be asked: all periods are settled, or nothing newer is known.
 */
bool oracle_is_settled(struct sim *sim);
/* I1, I2: the database is what a run without any fault would have made of it. */
void oracle_check_end(struct sim *sim);

#endif
