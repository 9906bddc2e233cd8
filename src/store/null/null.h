/* The back-end that stores nothing: for measuring everything before the database. Invariant: every
 * question has the answer of an empty database. */
#ifndef STORE_NULL_NULL_H
#define STORE_NULL_NULL_H

#include "store/store.h"

int null_open(const struct store_config *config, struct store **out, struct ccd_error *err);

#endif
