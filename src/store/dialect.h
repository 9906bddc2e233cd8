/* The words in which databases differ: one row per dialect. Invariant: SQL text outside a
 * back-end's own folder is made of these words and of names from the registry. */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

#include "base/buf.h"
#include "model/data_type.h"
#include "store/store.h"

enum { COLUMN_KIND_COUNT = COLUMN_UTC_S + 1, IDENTIFIER_MAX_BYTES = 48 };

struct dialect {
    const char *name;
    /* Declared type of a vendor value, with the blank before it; "" = none. */
    const char *value_types[COLUMN_KIND_COUNT];
    /* How a view reads a stored vendor value: text before and after the column. */
    const char *read_open[COLUMN_KIND_COUNT];
    const char *read_close[COLUMN_KIND_COUNT];
    const char *integer;     /* ids, seconds, counts of ours */
    const char *name_text;   /* text that is part of a key */
    const char *long_text;   /* text without a limit */
    const char *keyed_table; /* after a table whose rows live in the order of its primary key */
    const char *view_join;   /* small table to fact table; must not be reordered */
    char quote;              /* around identifiers */
};

const struct dialect *dialect_of(enum store_dialect dialect);

/* Whether name is one of ours: [a-z0-9_]{1,48}. */
bool identifier_ok(const char *name);
/* Add the name in quotes. A name that is not an identifier fails the buffer. */
int identifier_add(struct buf *out, const struct dialect *d, const char *name);

#endif
