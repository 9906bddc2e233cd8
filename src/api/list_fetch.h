/* One list from the vendor, page by page, with its parts and snapshots.
 * Invariant: no record stands in it twice, though the list moves between its pages. */
#ifndef API_LIST_FETCH_H
#define API_LIST_FETCH_H

#include "api/lists.h"

enum {
    LIST_TABLES_MAX = 16,
    LIST_PAGE_SIZE = 100, /* the most that the vendor allows (CONTRACT.md §4) */
};

struct fetched_list {
    struct batch batches[LIST_TABLES_MAX]; /* the table first, then its parts and snapshots */
    size_t count;
    uint32_t *order;     /* rows of the table by what tells them apart */
    int64_t asked_utc_s; /* its oldest page */
    bool is_known;       /* false: the vendor knows no such market */
    bool is_whole;       /* to its end; else as many records as were wanted, or until the error */
    bool is_cut_short;   /* it ended before the total */
    int64_t total;       /* the largest that the vendor states; 0 = none */
    int64_t refused;     /* impossible records, left out */
    char first_refusal[160];
    int64_t calls;
};

/* records_wanted as in struct list_options. Non-zero: *out holds what was fetched until then. It is
 * to be released in any case. */
int list_fetch(struct list_source *source, const struct list_name *name, int64_t records_wanted,
               struct fetched_list *out, struct ccd_error *err);
void fetched_list_release(struct fetched_list *list);

/* Row numbers ascending by key; room for row_count of them. */
void list_order(const struct batch *rows, uint32_t *out_order);

#endif
