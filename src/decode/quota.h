/* What the vendor counts for a key: the reply of /admin/v2/rate/limit, by jansson. The bytes have
 * passed page_envelope_read. */
#ifndef DECODE_QUOTA_H
#define DECODE_QUOTA_H

#include "base/error.h"
#include "decode/headers.h"

/* X(name, member): the two allowances that calls may be counted against. */
#define QUOTA_BLOCK_TABLE(X)                                                                       \
    X(API_KEY, "API_KEY")                                                                          \
    X(AUTH_KEY, "AUTH_KEY")

enum quota_block {
#define QUOTA_BLOCK_ENUM(name, member) QUOTA_##name,
    QUOTA_BLOCK_TABLE(QUOTA_BLOCK_ENUM)
#undef QUOTA_BLOCK_ENUM
        QUOTA_BLOCK_COUNT
};
extern const char *const quota_block_names[QUOTA_BLOCK_COUNT];

/* -1 = not said. */
struct quota_counts {
    int64_t used[RATE_WINDOW_COUNT];
    int64_t max[RATE_WINDOW_COUNT];
    int64_t remaining[RATE_WINDOW_COUNT];
};
struct quota_said {
    bool has[QUOTA_BLOCK_COUNT];
    struct quota_counts blocks[QUOTA_BLOCK_COUNT];
};

/* CCD_BAD_REPLY when there is no block, or a figure is no count. */
int quota_decode(struct str body, struct quota_said *out, struct ccd_error *err);

#endif
