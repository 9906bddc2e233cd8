#include "base/arena.h"

#include <string.h>

enum { ALIGNMENT = 16, FIRST_BLOCK_BYTES = 4096, MAX_BLOCK_BYTES = 1 << 20 };

/* data starts at the first aligned address behind the block. */
struct arena_block {
    struct arena_block *next;
    char *data;
    size_t capacity_bytes;
    size_t used_bytes;
};

void arena_init(struct arena *a, size_t max_bytes, const struct allocator *allocator)
{
    *a = (struct arena){.max_bytes = max_bytes, .allocator = allocator};
}

static void free_blocks(struct arena *a, const struct arena_block *keep)
{
    struct arena_block *next;
    for (struct arena_block *block = a->head; block; block = next) {
        next = block->next;
        if (block != keep) {
            mem_free(a->allocator, block);
        }
    }
}

void arena_release(struct arena *a)
{
    if (a) {
        free_blocks(a, NULL);
        a->head = NULL;
        a->used_bytes = 0;
    }
}

void arena_clear(struct arena *a)
{
    struct arena_block *largest = a->head;
    for (struct arena_block *block = a->head; block; block = block->next) {
        if (block->capacity_bytes > largest->capacity_bytes) {
            largest = block;
        }
    }
    free_blocks(a, largest);
    a->head = largest;
    a->used_bytes = 0;
    if (largest) {
        largest->next = NULL;
        largest->used_bytes = 0;
    }
}

static size_t next_block_bytes(const struct arena *a, size_t needed_bytes)
{
    size_t size = a->head ? a->head->capacity_bytes * 2 : FIRST_BLOCK_BYTES;
    if (size > MAX_BLOCK_BYTES) {
        size = MAX_BLOCK_BYTES;
    }
    if (size > a->max_bytes - a->used_bytes) {
        size = a->max_bytes - a->used_bytes;
    }
    return size < needed_bytes ? needed_bytes : size;
}

static struct arena_block *block_new(struct arena *a, size_t capacity_bytes)
{
    size_t overhead = sizeof(struct arena_block) + ALIGNMENT - 1;
    if (capacity_bytes > SIZE_MAX - overhead) {
        return NULL;
    }
    struct arena_block *block = mem_alloc(a->allocator, capacity_bytes + overhead);
    if (!block) {
        return NULL;
    }
    uintptr_t start = ((uintptr_t)(block + 1) + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
    *block = (struct arena_block){.data = (char *)start, .capacity_bytes = capacity_bytes};
    return block;
}

/* A block with room for size_bytes, or NULL. */
static struct arena_block *block_for(struct arena *a, size_t size_bytes)
{
    if (a->head && size_bytes <= a->head->capacity_bytes - a->head->used_bytes) {
        return a->head;
    }
    struct arena_block *block = block_new(a, next_block_bytes(a, size_bytes));
    if (!block) {
        return NULL;
    }
    bool head_has_more = a->head && block->capacity_bytes - size_bytes <
                                        a->head->capacity_bytes - a->head->used_bytes;
    if (head_has_more) {
        block->next = a->head->next;
        a->head->next = block;
    } else {
        block->next = a->head;
        a->head = block;
    }
    return block;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
    if (size_bytes == 0) {
        size_bytes = 1;
    }
    if (size_bytes > SIZE_MAX - (ALIGNMENT - 1)) {
        return NULL;
    }
    size_t rounded = (size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded > a->max_bytes - a->used_bytes) {
        return NULL;
    }
    struct arena_block *block = block_for(a, rounded);
    if (!block) {
        return NULL;
    }
    char *ptr = block->data + block->used_bytes;
    block->used_bytes += rounded;
    a->used_bytes += rounded;
    memset(ptr, 0, rounded);
    return ptr;
}

char *arena_copy_text(struct arena *a, struct str s)
{
    if (s.len == SIZE_MAX) {
        return NULL;
    }
    char *copy = arena_alloc(a, s.len + 1);
    if (copy && s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return copy;
}
