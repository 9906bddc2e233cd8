/* The write rule for the rows of one page (ARCHITECTURE.md §4).
 * Invariant: a stored row is rewritten only when the page is not older than it and either a value
 * differs, which is journalled first, or the stored row was not final yet. */
#ifndef STORE_SQLITE_FACTS_H
#define STORE_SQLITE_FACTS_H

#include "store/sqlite/internal.h"

/* What becomes of a row of the page. */
enum row_fate {
    ROW_NEW,       /* not stored */
    ROW_UNCHANGED, /* stored with the same values */
    ROW_REFRESHED, /* the same, but it was not final when stored: collected_at is renewed */
    ROW_CHANGED,   /* stored with other values, which are not newer */
    ROW_STALE,     /* stored with other values that were asked for later */
    ROW_REJECTED,
};

struct fact_statements {
    sqlite3_stmt *insert;
    sqlite3_stmt *replace;
    sqlite3_stmt *differing; /* stored rows of a range whose values changed; runs the comparison */
};

struct facts {
    struct fact_statements *statements; /* one per data type and interval */
    sqlite3_stmt *journal;
    struct page_source source; /* what the virtual table shows */
    int64_t settle_s;
    /* Of the page at hand; room for `capacity` rows. */
    const struct store_page *page;
    uint8_t *fates; /* enum row_fate */
    uint32_t *rows; /* a selection of row numbers for the virtual table */
    size_t capacity;
    size_t at; /* comparison: the first row whose ts is not below that of the stored row */
    size_t fact_columns[COLUMN_MAX];
    size_t fact_count;
};

/* Bind to a connection. The struct must not move from then on. */
int facts_init(struct facts *f, const struct connection *c, int64_t settle_s,
               struct ccd_error *err);
void facts_release(struct facts *f, const struct connection *c); /* zeroed is legal */

/* Within a transaction: write the rows of the page that are not rejected. f->fates tells
 * afterwards what became of each row. */
int facts_put(struct facts *f, const struct connection *c, const struct store_page *page,
              struct store_page_result *result, struct ccd_error *err);

#endif
