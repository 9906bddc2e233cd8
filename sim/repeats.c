#include "sim/repeats.h"

void repeats_release(struct repeats *r)
{
    mem_free(r->allocator, r->list);
    *r = (struct repeats){.allocator = r->allocator};
}

bool repeats_reserve(struct repeats *r, size_t extra)
{
    if (extra <= r->capacity - r->count)
        return true;
    size_t capacity = (r->count + extra) * 2;
    struct repeat *list = mem_resize(r->allocator, r->list, capacity, sizeof *list);
    if (!list)
        return false;
    r->list = list;
    r->capacity = capacity;
    return true;
}
