/* The registry of data types, printed. Invariant: everything here comes from ccd_type_at and its
 * kin. */
#ifndef CLI_TYPES_H
#define CLI_TYPES_H

#include <ccdata/ccdata.h>

#include "base/buf.h"

/* "1d 1h 1m"; "-" for a type without candles. */
void types_add_intervals(struct buf *out, const struct ccd_type_info *type, const char *separator);

/* Behind the last column of the table that column `first` of a type is in: its columns stand
 * together. */
size_t types_table_end(size_t type_index, size_t first);

/* docs/reference/types/NAME.md, and its index page. */
void types_add_markdown_page(struct buf *out, size_t type_index);
void types_add_markdown_index(struct buf *out);

#endif
