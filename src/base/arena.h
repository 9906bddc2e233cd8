/* Memory that is released all at once. Invariant: pointers stay valid until clear/release. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/hooks.h"
#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *head;
    size_t used_bytes;
    size_t max_bytes;
    const struct allocator *allocator;
};

void arena_init(struct arena *a, size_t max_bytes, const struct allocator *allocator);
void arena_release(struct arena *a);
void arena_clear(struct arena *a); /* keeps at most one block */
void *arena_alloc(struct arena *a,
                  size_t size_bytes); /* zeroed, 16-byte aligned; NULL = no memory or over max */
char *arena_copy_text(struct arena *a, struct str s); /* NUL-terminated */

#endif
