/* Small nested replies as trees, by jansson. The bytes have passed page_envelope_read, so their
 * depth and number of values are bounded. */
#ifndef DECODE_TREE_H
#define DECODE_TREE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* The document and its object Data, which must not be empty: else CCD_BAD_REPLY. An integer beyond
 * 64 bits becomes a real. *out_root is to be released in any case. */
int tree_load(struct str body, const struct allocator *allocator, json_t **out_root,
              json_t **out_data, struct ccd_error *err);
/* Data.STATS.TOTAL_ASSETS; 0 = not said. CCD_BAD_REPLY when it is no count. */
int tree_total(json_t *data, int64_t *out_total, struct ccd_error *err);
/* The bytes of a JSON string; valid while it is. */
struct str tree_text(const json_t *value);

#endif
