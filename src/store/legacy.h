/* Views under the names and column names of the program that this one succeeds, over our views and
 * instrument lists. Invariant: a column that we do not have is left out, never invented. */
#ifndef STORE_LEGACY_H
#define STORE_LEGACY_H

#include "store/dialect.h"

/* SQL comment lines: how the views differ from the tables of old. */
extern const char legacy_views_note[];
extern const size_t legacy_view_count;
const char *legacy_view_name(size_t index);
/* One statement without ';' that creates it. */
void legacy_view_write(size_t index, const struct dialect *d, struct buf *out);

#endif
