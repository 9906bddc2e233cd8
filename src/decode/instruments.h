/* The small nested replies, by jansson: catalogues of instruments, market ids, top assets. The
 * bytes have passed page_envelope_read, so their depth and number of values are bounded. */
#ifndef DECODE_INSTRUMENTS_H
#define DECODE_INSTRUMENTS_H

#include "model/batch.h"

/* Data{market}.instruments{…}: one row per instrument is appended to the batch of a catalogue type,
 * which grows. CCD_BAD_REPLY when the reply is of another shape, a value of another type, or a
 * required member is missing: then the batch is as it was. */
int instruments_decode(struct str body, struct batch *batch, struct ccd_error *err);

/* The names of Data's members, or Data.LIST[].SYMBOL with *out_total = Data.STATS.TOTAL_ASSETS (0 =
 * not said). name_add is called when all of them are known to be good. */
int names_decode(struct str body, int (*name_add)(void *user, struct str name), void *user,
                 int64_t *out_total, struct ccd_error *err);

#endif
