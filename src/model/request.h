/* From a data type to the path and query of a call. */
#ifndef MODEL_REQUEST_H
#define MODEL_REQUEST_H

#include "base/buf.h"
#include "model/coverage.h"
#include "model/data_type.h"

/* "/spot/v1/historical/days?market=kraken&instrument=XXBTZUSD&limit=5&to_ts=1749081599" for the
 * periods window: limit = number of periods, to_ts = window.to_ts - 1 (inclusive: last second of
 * the last period). Values are percent-encoded. -1 when out does not fit, or when the window is
 * empty, is not made of whole periods or is wider than a page. */
int request_candles(struct buf *out, const struct data_type *type, enum interval interval,
                    struct str market, struct str instrument, struct period_range window);
/* The instruments of one market, all statuses (CONTRACT.md §3). type is a SHAPE_CATALOGUE type. */
int request_catalogue(struct buf *out, const struct data_type *type, struct str market);
/* The market ids that a type knows. -1 also when the vendor does not list them. */
int request_markets(struct buf *out, const struct data_type *type);
/* A table of records: all of it, or page (from 1) of page_size (10…100) where it is_listed. -1
 * outside of these. */
int request_records(struct buf *out, const struct data_type *table, int page, int page_size);
/* Top assets by 30-day quote volume, page from 1, page_size 10…100; -1 outside of these. */
int request_top_assets(struct buf *out, int page, int page_size);
/* What the vendor counts for the key. The call counts, too. */
int request_quota(struct buf *out);

#endif
