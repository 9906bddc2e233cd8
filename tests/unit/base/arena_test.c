#include <string.h>

#include "base/arena.h"
#include "limited_allocator.h"
#include "test.h"

TEST(arena_memory_is_zeroed_aligned_and_apart)
{
    struct limited_allocator limited;
    limited_allocator_init(&limited, -1, -1);
    struct arena a;
    arena_init(&a, 1 << 24, &limited.hook);
    unsigned char *previous[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 37 % 3000;
        unsigned char *ptr = arena_alloc(&a, size);
        if (!CHECK(ptr != NULL)) {
            break;
        }
        CHECK_INT(0, (uintptr_t)ptr % 16);
        for (size_t j = 0; j < size; j++) {
            CHECK(ptr[j] == 0);
        }
        memset(ptr, (int)i, size);
        previous[i] = ptr;
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i * 37 % 3000; j++) {
            CHECK(previous[i][j] == (unsigned char)i);
        }
    }
    CHECK(limited.held > 1);
    arena_clear(&a);
    CHECK_INT(1, limited.held);
    CHECK_INT(0, a.used_bytes);
    unsigned char *again = arena_alloc(&a, 1000);
    CHECK(again && again[0] == 0 && again[999] == 0);
    CHECK_INT(1, limited.held); /* the block that stayed is used again */
    arena_release(&a);
    CHECK_INT(0, limited.held);
    arena_release(&a);
    arena_release(NULL);
}

TEST(arena_zeroed_is_legal)
{
    struct arena a = {0};
    CHECK(arena_alloc(&a, 1) == NULL);
    arena_clear(&a);
    arena_release(&a);
}

TEST(arena_maximum)
{
    struct arena a;
    arena_init(&a, 10000, NULL);
    CHECK(arena_alloc(&a, 9984) != NULL);
    CHECK_INT(9984, a.used_bytes);
    CHECK(arena_alloc(&a, 17) == NULL);
    CHECK(arena_alloc(&a, 16) != NULL);
    CHECK(arena_alloc(&a, 0) == NULL);
    CHECK(arena_alloc(&a, SIZE_MAX) == NULL);
    arena_clear(&a);
    CHECK(arena_alloc(&a, 10000) != NULL);
    arena_release(&a);
    struct limited_allocator limited;
    limited_allocator_init(&limited, 0, -1);
    arena_init(&a, SIZE_MAX, &limited.hook);
    CHECK(arena_alloc(&a, SIZE_MAX - 100) == NULL);
    CHECK(arena_alloc(&a, SIZE_MAX / 2) == NULL);
    CHECK_INT(0, a.used_bytes);
    arena_release(&a);
}

TEST(arena_a_large_piece_does_not_waste_the_block)
{
    struct limited_allocator limited;
    limited_allocator_init(&limited, -1, -1);
    struct arena a;
    arena_init(&a, 1 << 30, &limited.hook);
    CHECK(arena_alloc(&a, 16) != NULL);
    CHECK(arena_alloc(&a, 1 << 22) != NULL);
    CHECK_INT(2, limited.held);
    for (int i = 0; i < 100; i++) {
        CHECK(arena_alloc(&a, 16) != NULL);
    }
    CHECK_INT(2, limited.held);
    arena_release(&a);
}

TEST(arena_copies_text)
{
    struct arena a;
    arena_init(&a, 1000, NULL);
    CHECK_TEXT("abc", arena_copy_text(&a, STR("abc")));
    CHECK_TEXT("", arena_copy_text(&a, (struct str){NULL, 0}));
    CHECK(arena_copy_text(&a, (struct str){"", SIZE_MAX}) == NULL);
    CHECK(arena_copy_text(&a, (struct str){"", 5000}) == NULL);
    arena_release(&a);
}

TEST(arena_no_memory)
{
    for (long fail_at = 0; fail_at < 4; fail_at++) {
        struct limited_allocator limited;
        limited_allocator_init(&limited, fail_at, fail_at);
        struct arena a;
        arena_init(&a, 1 << 20, &limited.hook);
        int failures = 0;
        for (int i = 0; i < 50; i++) {
            failures += arena_alloc(&a, 1000) == NULL;
        }
        CHECK_INT(1, failures); /* the next attempt works again */
        CHECK_INT(49 * 1008, a.used_bytes);
        arena_release(&a);
        CHECK_INT(0, limited.held);
    }
}
