/* Replies of which only the names count: market ids, top assets; by jansson. The bytes have passed
 * page_envelope_read. */
#ifndef DECODE_NAMES_H
#define DECODE_NAMES_H

#include "base/error.h"
#include "base/str.h"

/* The names of Data's members, or Data.LIST[].SYMBOL with *out_total = Data.STATS.TOTAL_ASSETS (0 =
 * not said). name_add is called when all of them are known to be good. */
int names_decode(struct str body, int (*name_add)(void *user, struct str name), void *user,
                 int64_t *out_total, struct ccd_error *err);

#endif
