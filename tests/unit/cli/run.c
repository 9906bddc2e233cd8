#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/term.h"

enum { ARGUMENTS_MAX = 64 };

static struct outcome run(int argc, char *const *argv)
{
    struct outcome outcome = {0};
    size_t out_len;
    size_t err_len;
    struct cli cli = {.out = open_memstream(&outcome.out, &out_len),
                      .err = open_memstream(&outcome.err, &err_len)};
    if (!cli.out || !cli.err) {
        abort();
    }
    outcome.exit_code = cli_main(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    return outcome;
}

struct outcome run_argv(const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX] = {"ccdata"};
    int argc = 1;
    while (*arguments && argc < ARGUMENTS_MAX) {
        argv[argc++] = strdup(*arguments++);
    }
    struct outcome outcome = run(argc, argv);
    for (int i = 1; i < argc; i++) {
        free(argv[i]);
    }
    return outcome;
}

struct outcome run_line(const char *words)
{
    char *copy = strdup(words);
    char *argv[ARGUMENTS_MAX] = {"ccdata"};
    int argc = 1;
    char *state = NULL;
    for (char *word = strtok_r(copy, " ", &state); word && argc < ARGUMENTS_MAX;
         word = strtok_r(NULL, " ", &state)) {
        argv[argc++] = word;
    }
    struct outcome outcome = run(argc, argv);
    free(copy);
    return outcome;
}

void outcome_release(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
    *outcome = (struct outcome){0};
}

bool contains(const char *text, const char *part)
{
    bool found = strstr(text, part) != NULL;
    if (!found) {
        fprintf(stderr, "--- \"%s\" is not in:\n%s---\n", part, text);
    }
    return found;
}

size_t widest_line(const char *text)
{
    size_t widest = 0;
    struct str rest = str_from(text);
    while (rest.len > 0) {
        size_t width = term_width(str_split(&rest, '\n'));
        widest = width > widest ? width : widest;
    }
    return widest;
}

bool is_harmless(const char *text)
{
    struct str rest = str_from(text);
    while (rest.len > 0) {
        uint32_t c = 0;
        size_t size = utf8_char_size(rest, &c);
        bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E);
        if (size == 0 || (is_control && c != '\n')) {
            return false;
        }
        rest = (struct str){rest.ptr + size, rest.len - size};
    }
    return true;
}
