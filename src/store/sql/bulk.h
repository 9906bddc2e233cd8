/* Rows of any table, many in one statement; a row whose key is there is written over.
 * Invariant: no two rows that are added have the same key; texts are borrowed until finish. */
#ifndef STORE_SQL_BULK_H
#define STORE_SQL_BULK_H

#include "store/sql/sql.h"

enum { BULK_COLUMNS_MAX = 72, BULK_ROWS_MAX = 256, BULK_TEXT_MAX_BYTES = 256 * 1024 };

enum bulk_role {
    BULK_KEY,
    BULK_VALUE,
    BULK_ONCE, /* of a new row; a row that is there keeps what it has */
};

struct bulk_column {
    const char *name;
    enum bulk_role role;
    bool is_moment; /* the value is seconds, the column a moment */
};

struct bulk {
    struct sql_connection *c;
    const char *doing, *table;
    const struct bulk_column *columns;
    size_t column_count;
    struct buf keys, values, sql; /* keys and values: names, "a, b" */
    struct value *cells;          /* of rows_max rows */
    size_t row_count, rows_max, text_bytes;
};

/* Columns are borrowed. Release it whatever the status. */
int bulk_init(struct bulk *b, struct sql_connection *c, const char *doing, const char *table,
              const struct bulk_column *columns, size_t column_count, struct ccd_error *err);
void bulk_release(struct bulk *b);
/* One value per column. */
int bulk_add(struct bulk *b, const struct value *row, struct ccd_error *err);
int bulk_finish(struct bulk *b, struct ccd_error *err);

#endif
