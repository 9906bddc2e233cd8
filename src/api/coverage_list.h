/* Coverage segments of a series, in memory that is used again for the next one. */
#ifndef API_COVERAGE_LIST_H
#define API_COVERAGE_LIST_H

#include "base/error.h"
#include "store/store.h"

struct coverage_list {
    struct coverage_segment *items; /* room for 4 * capacity + 2: merging and its scratch */
    size_t count, capacity;
};
void coverage_list_release(struct coverage_list *list); /* zeroed is legal */

/* The segments of a series as they are stored. */
int coverage_list_load(struct coverage_list *list, struct store *store, int64_t series_id,
                       int64_t step_s, struct ccd_error *err);
void coverage_list_merge(struct coverage_list *list);
int coverage_list_add(struct coverage_list *list, const struct coverage_segment *segment,
                      struct ccd_error *err);
/* Append the parts of `from` that lie in the range. */
int coverage_list_clip(struct coverage_list *list, const struct coverage_list *from,
                       struct period_range range, struct ccd_error *err);
/* The merged coverage of each series of a type and interval that has any, by ascending series_id,
 * in one query. Times that no row can have are cut off. Non-zero from give stops and is returned;
 * it must not use the store. */
typedef int coverage_list_fn(void *user, int64_t series_id, const struct coverage_list *merged,
                             struct ccd_error *err);
int coverage_list_each(struct store *store, const struct data_type *type, enum interval interval,
                       coverage_list_fn *give, void *user, struct ccd_error *err);
/* Equal segments, whatever the moment at which they were asked for. */
bool coverage_list_equal(const struct coverage_list *a, const struct coverage_list *b);

#endif
