#include "base/hooks.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MICROSECONDS_PER_SECOND = 1000000 };

static void *system_reallocate(void *user, void *ptr, size_t size_bytes)
{
    (void)user;
    if (size_bytes == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size_bytes);
}

const struct allocator allocator_system = {.reallocate = system_reallocate};

static int64_t read_clock_us(clockid_t id)
{
    struct timespec now = {0};
    /* Cannot fail for the two clocks below with a valid pointer. */
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * MICROSECONDS_PER_SECOND + now.tv_nsec / 1000;
}

static int64_t system_utc_us(void *user)
{
    (void)user;
    return read_clock_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void *user)
{
    (void)user;
#ifdef CLOCK_BOOTTIME
    return read_clock_us(CLOCK_BOOTTIME);
#else
    return read_clock_us(CLOCK_MONOTONIC);
#endif
}

const struct clock clock_system = {.utc_us = system_utc_us, .mono_us = system_mono_us};

static void *reallocate(const struct allocator *a, void *ptr, size_t size_bytes)
{
    if (!a || !a->reallocate) {
        return system_reallocate(NULL, ptr, size_bytes);
    }
    return a->reallocate(a->user, ptr, size_bytes);
}

void *mem_alloc(const struct allocator *a, size_t size_bytes)
{
    /* At least one byte: NULL always means failure. */
    return reallocate(a, NULL, size_bytes ? size_bytes : 1);
}

void *mem_new(const struct allocator *a, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        return NULL;
    }
    void *ptr = mem_alloc(a, total);
    if (ptr) {
        memset(ptr, 0, total ? total : 1);
    }
    return ptr;
}

void *mem_resize(const struct allocator *a, void *ptr, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        return NULL;
    }
    return reallocate(a, ptr, total ? total : 1);
}

void mem_free(const struct allocator *a, void *ptr)
{
    if (ptr) {
        (void)reallocate(a, ptr, 0);
    }
}

char *mem_copy_text(const struct allocator *a, const char *ptr, size_t len)
{
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = mem_alloc(a, len + 1);
    if (copy) {
        if (len > 0) {
            memcpy(copy, ptr, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

int64_t clock_utc_us(const struct clock *c)
{
    return c && c->utc_us ? c->utc_us(c->user) : system_utc_us(NULL);
}

int64_t clock_utc_s(const struct clock *c)
{
    int64_t us = clock_utc_us(c);
    return us / MICROSECONDS_PER_SECOND - (us % MICROSECONDS_PER_SECOND < 0);
}

int64_t clock_mono_us(const struct clock *c)
{
    return c && c->mono_us ? c->mono_us(c->user) : system_mono_us(NULL);
}

struct timespec clock_deadline(int64_t wait_us)
{
    int64_t until_us = read_clock_us(CLOCK_MONOTONIC) + wait_us;
    return (struct timespec){.tv_sec = until_us / MICROSECONDS_PER_SECOND,
                             .tv_nsec = until_us % MICROSECONDS_PER_SECOND * 1000};
}

void clock_sleep_ms(int64_t wait_ms)
{
    clock_sleep_us(wait_ms * 1000);
}

void clock_sleep_us(int64_t wait_us)
{
    const struct timespec wait = {.tv_sec = wait_us / MICROSECONDS_PER_SECOND,
                                  .tv_nsec = wait_us % MICROSECONDS_PER_SECOND * 1000};
    (void)nanosleep(&wait, NULL);
}
