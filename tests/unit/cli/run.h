/* Runs the command line in this process. Invariant: out and err hold what a user would have seen.
 */
#ifndef TESTS_UNIT_CLI_RUN_H
#define TESTS_UNIT_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>

struct outcome {
    int exit_code;
    char *out;
    char *err;
};

/* words: the arguments, cut at spaces; "" = none. */
struct outcome run_line(const char *words);
/* The same with arguments as they are, up to NULL. */
struct outcome run_argv(const char *const *arguments);
void outcome_release(struct outcome *outcome);

bool contains(const char *text, const char *part);
/* Characters of the widest line. */
size_t widest_line(const char *text);
/* Every byte is printable ASCII, a line end, or part of a UTF-8 character above C1. */
bool is_harmless(const char *text);

#endif
