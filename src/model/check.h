/* Structural checks of one candle row. */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "model/batch.h"

/* NULL when row is possible; else why not, a static text ("low above high", "negative total_trades"
 * …): LOW > HIGH where the type checks it, a negative COLUMN_COUNT value. Open and close outside
 * low…high are left to `verify`: recorded vendor rows show it (docs/decisions). */
const char *check_row(const struct batch *b, size_t row);

/* Whether check_row is NULL for every row, found in one pass down the columns. False can also mean
 * that it takes a closer look: a page is nearly always clean, and the pass costs a tenth of asking
 * row by row. */
bool check_all_clean(const struct batch *b);

#endif
