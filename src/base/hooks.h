/* What surprises a program, passed in: memory, clocks. Invariant: floors 1–4 call malloc,
 * clock_gettime and time only through here, so tests can fail the N-th allocation and move the
 * clock. */
#ifndef BASE_HOOKS_H
#define BASE_HOOKS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Allocation hook: realloc semantics (ptr NULL = allocate, size 0 = free and return NULL). */
struct allocator {
    void *(*reallocate)(void *user, void *ptr, size_t size_bytes);
    void *user;
};

/* Clock hook. utc_us: wall clock. mono_us: never goes back, counts suspended time (CLOCK_BOOTTIME).
 */
struct clock {
    int64_t (*utc_us)(void *user);
    int64_t (*mono_us)(void *user);
    void *user;
};

/* The process's own; a NULL hook pointer anywhere means these. */
extern const struct allocator allocator_system;
extern const struct clock clock_system;

/* NULL on failure; a == NULL is allocator_system. mem_new zeroes. mem_free(NULL) is fine. */
void *mem_alloc(const struct allocator *a, size_t size_bytes);
void *mem_new(const struct allocator *a, size_t count,
              size_t size_bytes); /* zeroed, overflow-checked */
void *mem_resize(const struct allocator *a, void *ptr, size_t count, size_t size_bytes);
void mem_free(const struct allocator *a, void *ptr);
char *mem_copy_text(const struct allocator *a, const char *ptr, size_t len); /* NUL-terminated */

/* c == NULL is clock_system. */
int64_t clock_utc_us(const struct clock *c);
int64_t clock_utc_s(const struct clock *c);
int64_t clock_mono_us(const struct clock *c);

/* The time on CLOCK_MONOTONIC that is wait_us (>= 0) from now: the deadline of a condition variable
 * of that clock. Threads wait in real time, whatever the hooks say. */
struct timespec clock_deadline(int64_t wait_us);
/* Do nothing for so long, in real time; a signal may end it early. */
void clock_sleep_ms(int64_t wait_ms);
void clock_sleep_us(int64_t wait_us);

#endif
