#include <string.h>

#include "base/hooks.h"
#include "limited_allocator.h"
#include "test.h"

TEST(hooks_null_allocator_is_the_system)
{
    char *text = mem_copy_text(NULL, "abc", 3);
    CHECK_TEXT("abc", text);
    mem_free(NULL, text);
    mem_free(NULL, NULL);
    struct allocator empty = {0};
    void *ptr = mem_alloc(&empty, 10);
    CHECK(ptr != NULL);
    mem_free(&empty, ptr);
}

TEST(hooks_new_zeroes_and_checks_overflow)
{
    unsigned char *bytes = mem_new(NULL, 100, 3);
    if (!CHECK(bytes != NULL)) {
        return;
    }
    for (size_t i = 0; i < 300; i++) {
        CHECK_INT(0, bytes[i]);
    }
    CHECK(mem_new(NULL, SIZE_MAX / 2, 3) == NULL);
    CHECK(mem_resize(NULL, bytes, SIZE_MAX / 2, 3) == NULL); /* the old block stays */
    bytes[299] = 7;
    bytes = mem_resize(NULL, bytes, 1000, 1);
    CHECK_INT(7, bytes[299]);
    mem_free(NULL, bytes);
    CHECK(mem_copy_text(NULL, "", SIZE_MAX) == NULL);
}

TEST(hooks_size_zero_is_not_a_failure)
{
    struct limited_allocator limited;
    limited_allocator_init(&limited, -1, -1);
    void *a = mem_alloc(&limited.hook, 0);
    void *b = mem_new(&limited.hook, 0, 8);
    char *c = mem_copy_text(&limited.hook, NULL, 0);
    CHECK(a && b && c);
    CHECK_TEXT("", c);
    b = mem_resize(&limited.hook, b, 0, 8);
    CHECK(b != NULL);
    CHECK_INT(3, limited.held);
    mem_free(&limited.hook, a);
    mem_free(&limited.hook, b);
    mem_free(&limited.hook, c);
    CHECK_INT(0, limited.held);
}

TEST(hooks_failure_is_null)
{
    struct limited_allocator limited;
    limited_allocator_init(&limited, 0, -1);
    CHECK(mem_alloc(&limited.hook, 1) == NULL);
    CHECK(mem_new(&limited.hook, 1, 1) == NULL);
    CHECK(mem_resize(&limited.hook, NULL, 1, 1) == NULL);
    CHECK(mem_copy_text(&limited.hook, "a", 1) == NULL);
    CHECK_INT(0, limited.held);
}

static int64_t fixed_utc(void *user)
{
    return *(int64_t *)user;
}

static int64_t fixed_mono(void *user)
{
    return *(int64_t *)user + 1;
}

TEST(hooks_clock_is_asked)
{
    int64_t now_us = 1700000000999999;
    struct clock c = {.utc_us = fixed_utc, .mono_us = fixed_mono, .user = &now_us};
    CHECK_INT(1700000000999999, clock_utc_us(&c));
    CHECK_INT(1700000000, clock_utc_s(&c));
    CHECK_INT(1700000001000000, clock_mono_us(&c));
    now_us = -1;
    CHECK_INT(-1, clock_utc_s(&c));
    now_us = -1000000;
    CHECK_INT(-1, clock_utc_s(&c));
    now_us = -1000001;
    CHECK_INT(-2, clock_utc_s(&c));
}

TEST(hooks_system_clock_runs)
{
    CHECK(clock_utc_s(NULL) > 1700000000);
    int64_t before = clock_mono_us(NULL);
    CHECK(before > 0);
    CHECK(clock_mono_us(&clock_system) >= before);
}

TEST(hooks_sleep_as_long_as_they_are_told)
{
    int64_t before_us = clock_mono_us(NULL);
    clock_sleep_ms(2);
    clock_sleep_us(500);
    clock_sleep_us(0);
    CHECK(clock_mono_us(NULL) - before_us >= 2500);
}

TEST(hooks_deadlines_are_on_the_monotonic_clock)
{
    struct timespec before;
    clock_gettime(CLOCK_MONOTONIC, &before);
    struct timespec deadline = clock_deadline(2500000);
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t wait_us = 2500000;
    int64_t at_us = (int64_t)deadline.tv_sec * 1000000 + deadline.tv_nsec / 1000;
    CHECK(at_us >= (int64_t)before.tv_sec * 1000000 + before.tv_nsec / 1000 + wait_us);
    CHECK(at_us <= (int64_t)after.tv_sec * 1000000 + after.tv_nsec / 1000 + wait_us);
    CHECK(deadline.tv_nsec >= 0 && deadline.tv_nsec < 1000000000);
}
