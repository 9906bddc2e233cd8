/* A published body that answers share until the last of them is sent. Invariant: nothing in it
 * changes after snapshot_new but the count of its holders. */
#ifndef SERVE_SNAPSHOT_H
#define SERVE_SNAPSHOT_H

#include <stdatomic.h>

#include "base/str.h"

enum { SERVE_BODY_BYTES_MAX = 4 << 20 };

struct snapshot {
    atomic_uint holders;
    unsigned http_status;
    size_t len;
    char text[];
};

/* One holder; NULL when there is no memory. */
struct snapshot *snapshot_new(unsigned http_status, struct str text);
struct snapshot *snapshot_hold(struct snapshot *snapshot); /* NULL stays NULL */
void snapshot_release(struct snapshot *snapshot);          /* NULL is fine */

#endif
