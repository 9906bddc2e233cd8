/* Candle rows for the tests of judge and session: spot_ohlcv of one made-up series. */
#ifndef TESTS_UNIT_ENGINE_ROWS_H
#define TESTS_UNIT_ENGINE_ROWS_H

#include "model/batch.h"
#include "model/series.h"

const struct data_type *rows_type(void);
/* kraken XXBTZUSD, mapped BTC-USD. */
const struct series_names *rows_names(void);

void rows_init(struct batch *b, size_t capacity_rows);
/* A good row of rows_names() and that interval; value makes it unequal to others. */
void rows_add(struct batch *b, enum interval interval, int64_t ts, double value);
/* Good rows for all periods of [from_ts, to_ts). */
void rows_add_range(struct batch *b, enum interval interval, int64_t from_ts, int64_t to_ts);
/* Change one cell of the newest row. */
void rows_set_text(struct batch *b, const char *column, const char *value);
void rows_set_f64(struct batch *b, const char *column, double value);
void rows_set_i64(struct batch *b, const char *column, int64_t value);
double rows_f64(const struct batch *b, size_t row, const char *column);
int64_t rows_ts(const struct batch *b, size_t row);

#endif
