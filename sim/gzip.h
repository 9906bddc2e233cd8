/* gzip, several times as fast as a general compressor where the writer of the text left hints: a
 * candle page repeats its row before, key by key. Invariant: a repetition is checked byte by byte
 * before it is used, so a wrong hint costs size, never correctness. */
#ifndef SIM_GZIP_H
#define SIM_GZIP_H

#include "base/buf.h"
#include "sim/repeats.h"

struct gzip;
int gzip_new(const struct allocator *allocator, struct gzip **out, struct ccd_error *err);
void gzip_free(struct gzip *gzip);

/* Append text (shorter than 4 GiB) as one gzip member. -1 when out does not take it. */
int gzip_add(struct gzip *gzip, struct str text, const struct repeats *repeats, struct buf *out);

#endif
