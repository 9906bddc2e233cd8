/* The schema as SQL, object by object, from the registry. Invariant: nothing here depends on what a
 * database already has; the order of objects is the order in which they can be created. */
#ifndef STORE_DDL_H
#define STORE_DDL_H

#include "store/attributes.h"
#include "store/dialect.h"

enum ddl_kind { DDL_TABLE, DDL_INDEX, DDL_VIEW };

struct ddl_object {
    enum ddl_kind kind;
    const char *name;
    const char *sql; /* one statement without ';' */
};

/* Give every object to visit; its non-zero answer stops and is returned. CCD_NO_MEMORY. */
int ddl_each(enum store_dialect dialect, const struct allocator *allocator,
             int (*visit)(void *user, const struct ddl_object *object, struct ccd_error *err),
             void *user, struct ccd_error *err);

#endif
