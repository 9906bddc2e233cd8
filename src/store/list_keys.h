/* What tells the rows of a metadata table apart, from the flags of its columns. */
#ifndef STORE_LIST_KEYS_H
#define STORE_LIST_KEYS_H

#include "model/data_type.h"

enum { LIST_KEY_MAX = 4 };

struct list_keys {
    size_t columns[LIST_KEY_MAX]; /* of the primary key, in its order: a catalogue's market first */
    size_t count;
    int market; /* catalogues: the column that the scope fills; else -1 */
    int parent; /* parts and snapshots: the column that names the record; else -1 */
    int moment; /* snapshots: the column with the vendor's moment; else -1 */
    int listed; /* records and catalogues; -1 = none */
};

/* False when the table's columns do not make sense for its shape. */
bool list_keys_init(struct list_keys *keys, const struct data_type *table);

#endif
