/* A table of text: columns as wide as their widest cell, two spaces between, widths in characters.
 * Invariant: cells are added row by row and come out escaped. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
    const char *title;
    bool right; /* numbers */
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t column_count;
    size_t cell_count;
    size_t widths[TABLE_COLUMNS_MAX];
    struct buf cells; /* each with a NUL behind it */
};

void table_init(struct table *t, const struct table_column *columns, size_t column_count);
void table_release(struct table *t);
void table_add_text(struct table *t, const char *text); /* NULL = empty */
void table_add_int(struct table *t, int64_t value);
/* Title line and rows. A last column of text is wrapped at HELP_WIDTH. out->failed tells of a table
 * that had no memory. */
void table_print(const struct table *t, struct buf *out);

#endif
