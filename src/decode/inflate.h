/* gzip bodies, whole, with libdeflate. Invariant: all input is consumed (several members are
 * joined; trailing garbage refuses the body); output never exceeds the cap. */
#ifndef DECODE_INFLATE_H
#define DECODE_INFLATE_H

#include "base/buf.h"
#include "base/error.h"

struct inflater;
int inflater_new(const struct allocator *allocator, struct inflater **out, struct ccd_error *err);
void inflater_free(struct inflater *inflater);

/* out is cleared, then filled; its max_bytes is the cap. ratio_max: decoded/encoded ratio above
 * which the body is refused as a bomb (0 = none). CCD_BAD_REPLY on malformed, truncated, bad CRC,
 * over the cap. */
int inflate_gzip(struct inflater *inflater, const void *bytes, size_t len, size_t ratio_max,
                 struct buf *out, struct ccd_error *err);

#endif
