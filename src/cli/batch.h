/* The reference page of batch files. Invariant: keys come from ccd_batch_key_at, their meaning from
 * the options of the same names. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "base/buf.h"

void batch_add_markdown(struct buf *out);

struct ccd_batch;
struct ccd_error;
/* The operations of a file; "-" is the standard input. USAGE, NO_MEMORY. */
int batch_load(const char *config, const char *command, struct ccd_batch **out_batch,
               struct ccd_error *err);

#endif
