/* A database in memory: an ordered map of rows and a list of coverage segments per series, with
 * transactions whose end the caller chooses. Meant to be simple enough to be right; the contract
 * suite keeps it honest. Invariant: what is not committed is not seen by the readers. */
#ifndef TESTS_SIM_MODEL_STORE_H
#define TESTS_SIM_MODEL_STORE_H

#include "store/store.h"

/* How a commit ends, and whether it happened. */
enum model_fate {
    MODEL_COMMITS,
    MODEL_ROLLS_BACK,
    MODEL_UNKNOWN_APPLIED,
    MODEL_UNKNOWN_LOST,
};

/* One stored row; cells as in a batch, by column of the type (only fact columns are kept). */
struct model_row {
    int64_t ts;
    int64_t collected_utc_s;
    int64_t
        note; /* the caller's, given to model_put: kept with what the last page said of the row */
    uint64_t present;
    union cell cells[COLUMN_MAX];
};

struct model_store;
int model_store_new(struct model_store **out, struct ccd_error *err);
void model_store_free(struct model_store *store);
/* Forget everything; keeps the memory. */
void model_store_clear(struct model_store *store);

/* One transaction at a time. Non-zero from put: the page breaks the contract of store_page, *err
 * says how. */
void model_begin(struct model_store *store);
int model_put(struct model_store *store, const struct store_page *page, int64_t note,
              struct store_page_result *out_result, struct ccd_error *err);
enum store_outcome model_commit(struct model_store *store, enum model_fate fate);
void model_rollback(struct model_store *store);
/* A planted bug: coverage is written through at model_put. */
void model_write_coverage_first(struct model_store *store, bool first);

/* Committed coverage of a series, unmerged; the pointer holds until the next transaction. */
const struct coverage_segment *model_coverage(const struct model_store *store, int64_t series_id,
                                              int64_t step_s, size_t *out_count);
/* The committed row, or NULL; the pointer holds until the next transaction. */
const struct model_row *model_row_at(const struct model_store *store, int64_t series_id,
                                     int64_t step_s, int64_t ts);
/* Number of committed rows of a series, and the n-th by time. */
size_t model_row_count(const struct model_store *store, int64_t series_id, int64_t step_s);
const struct model_row *model_row_nth(const struct model_store *store, int64_t series_id,
                                      int64_t step_s, size_t n);

#endif
