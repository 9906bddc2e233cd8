/* Hints where a text repeats itself, from whoever wrote it to whoever compresses it.
 * Invariant: a hint may be wrong; it is never trusted. */
#ifndef SIM_REPEATS_H
#define SIM_REPEATS_H

#include <stdbool.h>

#include "base/hooks.h"

/* The text at `at` probably begins like the text at `from`, which is earlier. */
struct repeat {
    uint32_t at, from;
};

/* Hints of one text, ascending by `at`. */
struct repeats {
    struct repeat *list;
    size_t count, capacity;
    const struct allocator *allocator;
};
void repeats_release(struct repeats *r); /* zeroed is legal */
/* Room for `extra` hints more; false = no memory. */
bool repeats_reserve(struct repeats *r, size_t extra);

#endif
