/* Rows of the self test: made from a seed, with every kind of value that a database may change on
 * the way. Invariant: the same number gives the same row. */
#ifndef API_SELFTEST_ROWS_H
#define API_SELFTEST_ROWS_H

#include "model/batch.h"

/* Fill the batch with rows from `from_ts` on, step_s apart; every fact column has a value now and
 * then, and none now and then. version: other values for the same periods. */
int selftest_rows_make(struct batch *b, int64_t from_ts, int64_t step_s, size_t count,
                       unsigned version, struct ccd_error *err);
/* Whether a row that was read has exactly the fact columns of the row that was written; else the
 * column that differs. */
bool selftest_rows_equal(const struct batch *written, const struct batch *read, size_t row,
                         const char **out_column);

#endif
