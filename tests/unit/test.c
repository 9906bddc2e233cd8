#include "test.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct test *first_test;
static struct test **last_link = &first_test;

/* Of the test that runs. */
static bool current_failed;
static const char *current_skip_reason;

void test_register(struct test *test)
{
    *last_link = test;
    last_link = &test->next;
}

void test_skip(const char *reason)
{
    current_skip_reason = reason;
}

static void print_text(const char *text, size_t len)
{
    fputs(text ? "\"" : "NULL", stderr);
    for (size_t i = 0; text && i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
        fprintf(stderr, plain ? "%c" : "\\x%02x", byte);
    }
    fputs(text ? "\"" : "", stderr);
}

bool test_check(const char *file, int line, bool held, const char *condition)
{
    if (!held) {
        current_failed = true;
        fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
    }
    return held;
}

bool test_check_int(const char *file, int line, long long expected, long long actual,
                    const char *expression)
{
    if (expected == actual) {
        return true;
    }
    current_failed = true;
    fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", file, line, expression, actual, expected);
    return false;
}

bool test_check_text(const char *file, int line, const char *expected, const char *actual,
                     size_t actual_len, const char *expression)
{
    size_t expected_len = expected ? strlen(expected) : 0;
    if (actual_len == SIZE_MAX) {
        actual_len = actual ? strlen(actual) : 0;
    }
    if (!expected == !actual && expected_len == actual_len &&
        (actual_len == 0 || memcmp(expected, actual, actual_len) == 0)) {
        return true;
    }
    current_failed = true;
    fprintf(stderr, "%s:%d: %s is ", file, line, expression);
    print_text(actual, actual_len);
    fputs(", expected ", stderr);
    print_text(expected, expected_len);
    fputc('\n', stderr);
    return false;
}

bool test_check_f64_bits(const char *file, int line, double expected, double actual,
                         const char *expression)
{
    uint64_t expected_bits;
    uint64_t actual_bits;
    memcpy(&expected_bits, &expected, sizeof expected_bits);
    memcpy(&actual_bits, &actual, sizeof actual_bits);
    if (expected_bits == actual_bits) {
        return true;
    }
    current_failed = true;
    fprintf(stderr, "%s:%d: %s is %.17g (0x%016" PRIx64 "), expected %.17g (0x%016" PRIx64 ")\n",
            file, line, expression, actual, actual_bits, expected, expected_bits);
    return false;
}

static bool chosen(const char *name, int glob_count, char **globs)
{
    for (int i = 0; i < glob_count; i++)
        if (fnmatch(globs[i], name, 0) == 0)
            return true;
    return glob_count == 0;
}

int main(int argc, char **argv)
{
    unsigned passed = 0;
    unsigned failed = 0;
    unsigned skipped = 0;
    for (struct test *test = first_test; test; test = test->next) {
        if (!chosen(test->name, argc - 1, argv + 1)) {
            continue;
        }
        current_failed = false;
        current_skip_reason = NULL;
        test->run();
        if (current_failed) {
            failed++;
            fprintf(stderr, "failed: %s\n", test->name);
        } else if (current_skip_reason) {
            skipped++;
            printf("skipped: %s: %s\n", test->name, current_skip_reason);
        } else {
            passed++;
        }
        fflush(stdout);
    }
    if (passed + failed + skipped == 0) {
        fprintf(stderr, "no test is named %s\n", argc > 1 ? argv[1] : "anything");
        failed = 1;
    }
    printf("%u passed, %u failed", passed, failed);
    if (skipped > 0) {
        printf(", %u skipped", skipped);
    }
    printf("\n");
    return failed > 0;
}
