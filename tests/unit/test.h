/* The harness of every C unit test. A test is TEST(name) { … }: it registers itself, and test.c has
 * the main. A failed check is printed and the test goes on; each check is an expression that tells
 * whether it held, so `if (!CHECK(ptr)) return;` guards what follows. Run: executable [GLOB…]. Exit
 * 1 when a test failed or no GLOB matches one. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdbool.h>

#include "base/str.h"

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

void test_register(struct test *test);
void test_skip(const char *reason);
bool test_check(const char *file, int line, bool held, const char *condition);
bool test_check_int(const char *file, int line, long long expected, long long actual,
                    const char *expression);
bool test_check_text(const char *file, int line, const char *expected, const char *actual,
                     size_t actual_len, const char *expression);
bool test_check_f64_bits(const char *file, int line, double expected, double actual,
                         const char *expression);

#define TEST(test_name)                                                                            \
    static void test_##test_name(void);                                                            \
    __attribute__((constructor)) static void register_##test_name(void)                            \
    {                                                                                              \
        static struct test test = {.name = #test_name, .run = test_##test_name};                   \
        test_register(&test);                                                                      \
    }                                                                                              \
    static void test_##test_name(void)

#define CHECK(condition) test_check(__FILE__, __LINE__, (condition), #condition)

/* Any integers; compared as long long. */
#define CHECK_INT(expected, actual)                                                                \
    test_check_int(__FILE__, __LINE__, (long long)(expected), (long long)(actual), #actual)

/* NUL-terminated texts; NULL equals only NULL. */
#define CHECK_TEXT(expected, actual)                                                               \
    test_check_text(__FILE__, __LINE__, (expected), (actual), SIZE_MAX, #actual)

/* A NUL-terminated text and a struct str (whose NULL pointer is an empty text). */
#define CHECK_STR(expected, actual)                                                                \
    __extension__({                                                                                \
        struct str test_str = (actual);                                                            \
        test_check_text(__FILE__, __LINE__, (expected), test_str.ptr ? test_str.ptr : "",          \
                        test_str.len, #actual);                                                    \
    })

/* The same 64 bits: tells 0 from -0 and one NaN from another. */
#define CHECK_F64_BITS(expected, actual)                                                           \
    test_check_f64_bits(__FILE__, __LINE__, (expected), (actual), #actual)

/* Ends the test; it counts as skipped. */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        test_skip(reason);                                                                         \
        return;                                                                                    \
    } while (0)

#endif
