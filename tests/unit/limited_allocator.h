/* An allocator for tests: fails from the N-th allocation on (or only the N-th) and counts what is
 * still held. */
#ifndef TESTS_UNIT_LIMITED_ALLOCATOR_H
#define TESTS_UNIT_LIMITED_ALLOCATOR_H

#include <stdlib.h>

#include "base/hooks.h"

struct limited_allocator {
    struct allocator hook;
    long fail_at;  /* number of the first allocation that fails; -1 = none */
    long fail_to;  /* number of the last one that fails; -1 = all from fail_at on */
    long requests; /* allocations asked for so far */
    long held;     /* blocks not freed yet */
    long long last_size_bytes;
};

static inline void *limited_reallocate(void *user, void *ptr, size_t size_bytes)
{
    struct limited_allocator *a = user;
    if (size_bytes == 0) {
        a->held -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    long number = a->requests++;
    a->last_size_bytes = (long long)size_bytes;
    if (a->fail_at >= 0 && number >= a->fail_at && (a->fail_to < 0 || number <= a->fail_to)) {
        return NULL;
    }
    void *result = realloc(ptr, size_bytes);
    a->held += result && !ptr;
    return result;
}

static inline void limited_allocator_init(struct limited_allocator *a, long fail_at, long fail_to)
{
    *a = (struct limited_allocator){.hook = {.reallocate = limited_reallocate, .user = a},
                                    .fail_at = fail_at,
                                    .fail_to = fail_to};
}

#endif
