/* The schema from the registry: first as data (tables and their columns), then as SQL and as the
 * properties that a check expects. Invariant: nothing here depends on what a database already has;
 * the order of objects is the order in which they can be created. */
#ifndef STORE_DDL_H
#define STORE_DDL_H

#include "store/attributes.h"
#include "store/dialect.h"

enum { DDL_COLUMNS_MAX = 96, DDL_UNIQUES_MAX = 2, DDL_KEY_MAX = 4, DDL_NAME_MAX_BYTES = 64 };

enum ddl_kind { DDL_TABLE, DDL_INDEX, DDL_VIEW };

struct ddl_column {
    const char *name;
    enum ddl_type type;
    bool not_null;
    bool is_state; /* takes the names of enum coverage_state only, where the dialect can say so */
};

struct ddl_table {
    const char *name;
    enum ddl_place place;
    struct ddl_column columns[DDL_COLUMNS_MAX];
    size_t column_count;
    const char
        *key[DDL_KEY_MAX]; /* primary key, in order; none for insert-only tables, see DDL_ROW */
    size_t key_count;
    /* NULL after the last column of each; ascending as text, as describe gives them. */
    const char *uniques[DDL_UNIQUES_MAX][DDL_KEY_MAX];
    size_t unique_count;
    const char *index_name; /* NULL = no index beside the keys */
    const char *index[DDL_KEY_MAX];
    size_t index_count;
};

struct ddl_object {
    enum ddl_kind kind;
    const char *name;
    bool legacy;                   /* a view under one of the original's names */
    const char *sql;               /* one statement without ';' that creates it */
    const struct ddl_table *table; /* of a table; else NULL */
};

/* if_missing: what exists is left alone (tables, indexes) or replaced (views), so that the text can
 * be run twice. Where CREATE VIEW cannot replace, a DROP comes first as an object of its own, of
 * kind DDL_VIEW under the same name. */
struct ddl_options {
    enum store_dialect dialect;
    bool if_missing;
    bool legacy_views; /* also the views under the original's names */
};

/* Give every object to visit; its non-zero answer stops and is returned. CCD_NO_MEMORY. */
int ddl_each(const struct ddl_options *options, const struct allocator *allocator,
             int (*visit)(void *user, const struct ddl_object *object, struct ccd_error *err),
             void *user, struct ccd_error *err);

/* The properties of a table, one line each, in the order of the dialect's describe query:
 * "column NAME TYPE [NOT NULL] [key N]" for each column in order, then "unique (a, b)" for each;
 * SQLite: then "WITHOUT ROWID". */
int ddl_expect(const struct ddl_table *table, const struct dialect *d, struct buf *out);

#endif
