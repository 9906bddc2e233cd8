/* The reference page of batch files. Invariant: keys come from ccd_batch_key_at, their meaning from
 * the options of the same names. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "base/buf.h"

void batch_add_markdown(struct buf *out);

#endif
