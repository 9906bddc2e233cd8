/* All series of a data type on one destination, in memory: reading them one by one would keep a
 * query open while others run. Invariant: items ascend by market and instrument, bytewise. */
#ifndef API_SERIES_LIST_H
#define API_SERIES_LIST_H

#include "api/type_choice.h"
#include "base/arena.h"
#include "store/store.h"
#include "store/value.h"

struct listed_series {
    const char *market, *instrument, *mapped_instrument;
    const struct value *attributes; /* NULL = has none */
    const int64_t *attribute_ts;
};

struct series_list {
    struct listed_series *items;
    size_t count, capacity;
    size_t attribute_count; /* of each series that has any */
    struct arena memory;
};

/* Errors: of the store, CCD_NO_MEMORY. The list is released by the caller in any case. */
int series_list_load(struct series_list *list, struct store *store, const struct data_type *type,
                     struct ccd_error *err);
void series_list_release(struct series_list *list); /* zeroed is legal */

/* A list for each data type, as in data_types[]: loaded where the choice needs it, else empty. */
int series_lists_load(struct series_list **out, struct store *store,
                      const struct type_choice *choice, struct ccd_error *err);
void series_lists_free(struct series_list *lists); /* NULL is fine */

/* Where both lists have the same series, ascending: moves the places and returns true until both
 * lists are at their end. *out_left or *out_right is NULL where a side does not have the series. */
bool series_list_pair(const struct series_list *left, size_t *left_at,
                      const struct series_list *right, size_t *right_at,
                      const struct listed_series **out_left,
                      const struct listed_series **out_right);
/* CCD_DATABASE_DATA when the stored names are none. */
int listed_series_names(const struct listed_series *series, const struct data_type *type,
                        struct series_names *out, struct ccd_error *err);

#endif
