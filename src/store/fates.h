/* The write rule for one row (ARCHITECTURE.md §4), once for all databases. Invariant: a stored row
 * is rewritten only when the page is not older than it and either a value differs or the stored row
 * was not final yet. */
#ifndef STORE_FATES_H
#define STORE_FATES_H

#include "store/store.h"

/* What becomes of a row of the page. */
enum row_fate {
    ROW_NEW,       /* not stored */
    ROW_UNCHANGED, /* stored with the same values */
    ROW_REFRESHED, /* the same, but it was not final when stored: collected_at is renewed */
    ROW_CHANGED,   /* stored with other values, which are not newer */
    ROW_STALE,     /* stored with other values that were asked for later */
    ROW_REJECTED,
};

/* When the row of the page was asked for: its own moment, or the page's. */
int64_t page_collected_utc_s(const struct store_page *page, size_t row);

/* The fate of a row that is stored: same = all its values are equal. settle_s as in
 * struct store_config. */
enum row_fate row_fate_of(const struct store_page *page, size_t row, int64_t stored_collected_utc_s,
                          int64_t settle_s, bool same);

/* ROW_REJECTED or ROW_NEW for every row: what is known before the database was asked. */
void row_fates_begin(const struct store_page *page, uint8_t *fates);

/* Compare the page with its stored range: stored is ascending in ts, collected_utc_s has a moment
 * per stored row. Sets the fate of every row that is stored. */
void row_fates_compare(const struct store_page *page, const struct batch *stored,
                       const int64_t *collected_utc_s, int64_t settle_s, uint8_t *fates);

/* Counts for the caller, from the fates. */
void row_fates_count(const struct store_page *page, const uint8_t *fates,
                     struct store_page_result *out_result);

#endif
