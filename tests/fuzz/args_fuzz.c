/* A command line, one argument for each line of the input. What is taken satisfies the table of
 * options; what is refused says so in one printable line. */
#include <string.h>

#include "base/time.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "fuzz.h"

enum { ARGUMENTS_MAX = 256 };

static const void *member(const struct args *args, const struct option *option)
{
    return (const char *)args + option->offset;
}

static bool is_choice(const struct option *option, const char *value)
{
    for (size_t i = 0; option->choice_at(i); i++)
        if (strcmp(option->choice_at(i), value) == 0)
            return true;
    return false;
}

static void check_list(const struct text_list *list)
{
    PROMISE(list->count > 0 && list->count <= LIST_MAX);
    for (size_t i = 0; i < list->count; i++)
        PROMISE(list->items[i][0] && !strpbrk(list->items[i], ", \t\n"));
}

static void check_option(const struct args *args, const struct option *option)
{
    unsigned takes = args->command ? args->command->takes : option->groups;
    bool date_only;
    int64_t number;
    PROMISE(takes & option->groups);
    switch (option->form) {
    case OPTION_FLAG:
        PROMISE(*(const bool *)member(args, option));
        break;
    case OPTION_INTEGER:
    case OPTION_PERCENT:
        number = *(const int64_t *)member(args, option);
        PROMISE(number >= option->min && number <= option->max);
        break;
    case OPTION_CHOICE:
        PROMISE(is_choice(option, *(const char *const *)member(args, option)));
        break;
    case OPTION_LIST:
        check_list(member(args, option));
        break;
    case OPTION_TIME:
        PROMISE(option_is_url(option, takes) ||
                time_parse_iso(str_from(*(const char *const *)member(args, option)), &number,
                               &date_only));
        break;
    case OPTION_TEXT:
        PROMISE((*(const char *const *)member(args, option))[0]);
        break;
    }
}

static void check(const struct args *args)
{
    PROMISE(args->operand_count <= OPERANDS_MAX);
    PROMISE(args->operand_count == 0 || args->command);
    PROMISE(args->operand_count == 0 || args->operand == args->operands[0]);
    for (size_t i = 0; i < cli_option_count; i++)
        if (args->given >> i & 1)
            check_option(args, &cli_options[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char program[] = "ccdata";
    char *argv[ARGUMENTS_MAX + 2] = {program};
    int argc = 1;
    struct args args;
    struct ccd_error err = {0};
    char *text = malloc(len + 1);
    PROMISE(text);
    memcpy(text, bytes, len);
    text[len] = '\0';
    for (char *rest = text; rest && argc <= ARGUMENTS_MAX;)
        argv[argc++] = strsep(&rest, "\n");
    args_init(&args);
    (void)args_mention_json(argc, argv);
    int status = args_parse(&args, argc, argv, &err);
    if (status == 0) {
        check(&args);
    } else {
        PROMISE(status == CCD_USAGE && (int)err.status == status && err.message[0]);
        PROMISE(str_is_utf8(str_from(err.message)) && !strpbrk(err.message, "\n\r\x1b"));
    }
    args_release(&args);
    free(text);
    return 0;
}
