#include "cli/args.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/hooks.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/term.h"

enum { FORM_TEXT_BYTES = 160, ARGS_MAX_BYTES = 16 << 20 };

struct parser {
    struct args *args;
    int argc;
    int at; /* the argument that is read next */
    char *const *argv;
    bool options_ended; /* by "--" */
    struct ccd_error *err;
};

static void *member(struct args *args, const struct option *option)
{
    return (char *)args + option->offset;
}

void args_init(struct args *args)
{
    *args = (struct args){0};
    arena_init(&args->memory, ARGS_MAX_BYTES, NULL);
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_options[i].form == OPTION_INTEGER) {
            *(int64_t *)member(args, &cli_options[i]) = -1;
        }
    }
}

void args_release(struct args *args)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_options[i].form == OPTION_LIST) {
            mem_free(NULL, ((struct text_list *)member(args, &cli_options[i]))->items);
        }
    }
    arena_release(&args->memory);
}

bool args_mention_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

int args_find_command(const char *name, const struct command **out_command, struct ccd_error *err)
{
    const struct command *found = cli_command_find(str_from(name));
    if (found) {
        *out_command = found;
        return 0;
    }
    const char *nearest = NULL;
    unsigned best = UINT_MAX;
    for (size_t i = 0; i < cli_command_count; i++) {
        if (term_is_near(str_from(name), str_from(cli_commands[i].name), &best)) {
            nearest = cli_commands[i].name;
        }
    }
    if (nearest) {
        return error_set(err, CCD_USAGE, "unknown command '%s'; did you mean '%s'?", name, nearest);
    }
    return error_set(err, CCD_USAGE, "unknown command '%s'; 'ccdata help' lists the commands",
                     name);
}

/* `argument` as typed; `name` is what stands behind its dashes. */
static int refuse_option(struct parser *p, struct str argument, struct str name)
{
    const struct command *command = p->args->command;
    const char *nearest = NULL;
    unsigned best = UINT_MAX;
    for (size_t i = 0; i < cli_option_count; i++) {
        bool taken = !command || (cli_options[i].groups & command->takes);
        if (taken && term_is_near(name, str_from(cli_options[i].name), &best)) {
            nearest = cli_options[i].name;
        }
    }
    if (nearest) {
        return error_set(p->err, CCD_USAGE, "unknown option '" STR_FMT "'; did you mean --%s?",
                         STR_ARG(argument), nearest);
    }
    return error_set(p->err, CCD_USAGE,
                     "unknown option '" STR_FMT "'; 'ccdata %s%s--help' lists the options",
                     STR_ARG(argument), command ? command->name : "", command ? " " : "");
}

static unsigned groups_of(const struct parser *p)
{
    return p->args->command ? p->args->command->takes : 0;
}

/* What a value of this option looks like. */
static const char *describe_form(const struct parser *p, const struct option *option,
                                 char out[FORM_TEXT_BYTES])
{
    if (option_is_url(option, groups_of(p)))
        return "the URL of a database, such as sqlite:ccdata.db";
    switch (option->form) {
    case OPTION_INTEGER:
        str_print(out, FORM_TEXT_BYTES, "a whole number from %" PRId64 " to %" PRId64, option->min,
                  option->max);
        return out;
    case OPTION_PERCENT:
        str_print(out, FORM_TEXT_BYTES, "%" PRId64 "%% to %" PRId64 "%%", option->min,
                  option->max);
        return out;
    case OPTION_TIME:
        return "a date or date-time in UTC, such as 2024-02-29 or 2024-02-29T13:05";
    case OPTION_CHOICE:
        str_copy(out, FORM_TEXT_BYTES, STR("one of"));
        for (size_t i = 0; option->choice_at(i); i++) {
            size_t len = strlen(out);
            str_print(out + len, FORM_TEXT_BYTES - len, "%s %s", i ? "," : "",
                      option->choice_at(i));
        }
        return out;
    default:
        return option->argument;
    }
}

static int refuse_value(struct parser *p, const struct option *option, const char *value)
{
    char form[FORM_TEXT_BYTES];
    return error_set(p->err, CCD_USAGE, "--%s: '%s' is not %s", option->name, value,
                     describe_form(p, option, form));
}

static int refuse_missing(struct parser *p, const struct option *option)
{
    char form[FORM_TEXT_BYTES];
    return error_set(p->err, CCD_USAGE, "--%s needs a value: %s", option->name,
                     describe_form(p, option, form));
}

static int refuse_for_memory(struct parser *p)
{
    return error_set(p->err, CCD_NO_MEMORY, "no memory for the command line; make it shorter");
}

static bool is_choice(const struct option *option, const char *value)
{
    for (size_t i = 0; option->choice_at(i); i++) {
        if (strcmp(option->choice_at(i), value) == 0) {
            return true;
        }
    }
    return false;
}

static int add_item(struct parser *p, const struct option *option, struct str item)
{
    struct text_list *list = member(p->args, option);
    if (list->count == LIST_MAX) {
        return error_set(p->err, CCD_USAGE, "--%s: more than %d names; use * to match many",
                         option->name, LIST_MAX);
    }
    bool full = (list->count & (list->count - 1)) == 0; /* room doubles at powers of two */
    if (full) {
        size_t room = list->count ? list->count * 2 : 1;
        const char **items = mem_resize(NULL, list->items, room, sizeof *items);
        if (!items) {
            return refuse_for_memory(p);
        }
        list->items = items;
    }
    char *copy = arena_copy_text(&p->args->memory, item);
    if (!copy) {
        return refuse_for_memory(p);
    }
    list->items[list->count++] = copy;
    return 0;
}

static int add_items(struct parser *p, const struct option *option, const char *value)
{
    struct str rest = str_from(value);
    size_t added = 0;
    while (rest.len > 0) {
        size_t len = strcspn(rest.ptr, ", \t\n");
        if (len > 0) {
            if (add_item(p, option, (struct str){rest.ptr, len}) != 0) {
                return (int)p->err->status;
            }
            added++;
        }
        size_t step = len + (len < rest.len);
        rest = (struct str){rest.ptr + step, rest.len - step};
    }
    return added ? 0 : refuse_missing(p, option);
}

/* Before the command was read, nobody knew whether this is a time. */
static int check_time(struct parser *p, const struct option *option)
{
    bool date_only;
    int64_t utc_s;
    const char *value = *(const char **)member(p->args, option);
    if (option_is_url(option, groups_of(p)) ||
        time_parse_iso(str_from(value), &utc_s, &date_only)) {
        return 0;
    }
    return refuse_value(p, option, value);
}

static bool to_percent(const char *value, int64_t *out_number)
{
    struct str text = str_from(value);
    if (text.len > 0 && text.ptr[text.len - 1] == '%') {
        text.len--;
    }
    return str_to_i64(text, out_number);
}

static int store_value(struct parser *p, const struct option *option, const char *value)
{
    void *target = member(p->args, option);
    int64_t number;
    if (value[0] == '\0') {
        return refuse_missing(p, option);
    }
    switch (option->form) {
    case OPTION_INTEGER:
        if (!str_to_i64(str_from(value), &number) || number < option->min || number > option->max) {
            return refuse_value(p, option, value);
        }
        *(int64_t *)target = number;
        return 0;
    case OPTION_PERCENT:
        if (!to_percent(value, &number) || number < option->min || number > option->max) {
            return refuse_value(p, option, value);
        }
        *(int64_t *)target = number;
        return 0;
    case OPTION_TIME:
        *(const char **)target = value;
        return p->args->command ? check_time(p, option) : 0;
    case OPTION_CHOICE:
        if (!is_choice(option, value)) {
            return refuse_value(p, option, value);
        }
        break;
    case OPTION_LIST:
        return add_items(p, option, value);
    case OPTION_TEXT:
    case OPTION_FLAG:
        break;
    }
    *(const char **)target = value;
    return 0;
}

/* "-5" is a value, so that its range can be named; "-v" and "--json" are options. */
static bool is_value(const char *argument)
{
    return argument[0] != '-' || argument[1] == '\0' || (argument[1] >= '0' && argument[1] <= '9');
}

/* Further arguments of a list, up to the next option. In front of the command, its name ends the
 * list. */
static int read_list_rest(struct parser *p, const struct option *option)
{
    while (p->at < p->argc && p->argv[p->at][0] != '-') {
        const char *value = p->argv[p->at];
        if (!p->args->command && cli_command_find(str_from(value))) {
            break;
        }
        p->at++;
        if (add_items(p, option, value) != 0) {
            return (int)p->err->status;
        }
    }
    return 0;
}

static int read_value(struct parser *p, const struct option *option, const char *inline_value)
{
    const char *value = inline_value;
    if (!value) {
        if (p->at == p->argc || !is_value(p->argv[p->at])) {
            return refuse_missing(p, option);
        }
        value = p->argv[p->at++];
    }
    if (store_value(p, option, value) != 0) {
        return (int)p->err->status;
    }
    return option->form == OPTION_LIST ? read_list_rest(p, option) : 0;
}

/* argument: "--name", "--name=value" or "-x". */
static int read_option(struct parser *p, const char *argument)
{
    struct str rest = str_from(argument);
    bool is_long = str_starts_with(rest, STR("--"));
    size_t dashes = is_long ? 2 : 1;
    rest = (struct str){rest.ptr + dashes, rest.len - dashes};
    struct str name = str_split(&rest, '=');
    const char *inline_value = name.ptr[name.len] == '=' ? rest.ptr : NULL;
    const struct option *option = NULL;
    if (is_long) {
        option = cli_option_find(name);
    } else if (name.len == 1) {
        option = cli_option_find_letter(name.ptr[0]);
    }
    if (!option) {
        return refuse_option(p, (struct str){argument, dashes + name.len}, name);
    }
    uint64_t bit = UINT64_C(1) << (option - cli_options);
    if (option->form == OPTION_FLAG) {
        if (inline_value) {
            return error_set(p->err, CCD_USAGE, "--%s takes no value", option->name);
        }
        *(bool *)member(p->args, option) = true;
        p->args->given |= bit;
        return 0;
    }
    if ((p->args->given & bit) && option->form != OPTION_LIST) {
        return error_set(p->err, CCD_USAGE, "--%s is given twice; keep one", option->name);
    }
    p->args->given |= bit;
    return read_value(p, option, inline_value);
}

static size_t operands_max(const struct command *command)
{
    if (!command->operand) {
        return 0;
    }
    return strstr(command->operand, "...") ? OPERANDS_MAX : 1;
}

static int read_word(struct parser *p, const char *word)
{
    struct args *args = p->args;
    if (!args->command) {
        return args_find_command(word, &args->command, p->err);
    }
    if (args->operand_count < operands_max(args->command)) {
        args->operands[args->operand_count++] = word;
        args->operand = args->operands[0];
        return 0;
    }
    if (cli_command_find(str_from(word))) {
        return error_set(p->err, CCD_USAGE, "two commands, %s and %s; run them one after the other",
                         args->command->name, word);
    }
    return error_set(p->err, CCD_USAGE,
                     "%s does not take '%s'; 'ccdata %s --help' tells what it takes",
                     args->command->name, word, args->command->name);
}

static int refuse_elsewhere(struct parser *p, const struct option *option)
{
    char owners[384] = "";
    for (size_t i = 0; i < cli_command_count; i++) {
        if (cli_commands[i].takes & option->groups) {
            size_t len = strlen(owners);
            str_print(owners + len, sizeof owners - len, "%s%s", len ? ", " : "",
                      cli_commands[i].name);
        }
    }
    return error_set(p->err, CCD_USAGE, "%s does not take --%s; it belongs to %s",
                     p->args->command->name, option->name, owners);
}

static int check_together(struct parser *p)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct option *option = &cli_options[i];
        if (!(p->args->given >> i & 1)) {
            continue;
        }
        if (p->args->command && !(option->groups & p->args->command->takes)) {
            return refuse_elsewhere(p, option);
        }
        if (option->form == OPTION_TIME && check_time(p, option) != 0) {
            return (int)p->err->status;
        }
        if (!option->excludes) {
            continue;
        }
        const struct option *other = cli_option_find(str_from(option->excludes));
        if (p->args->given >> (other - cli_options) & 1) {
            return error_set(p->err, CCD_USAGE, "--%s and --%s contradict each other; keep one",
                             option->name, other->name);
        }
    }
    return 0;
}

static int read_argument(struct parser *p)
{
    const char *argument = p->argv[p->at++];
    if (p->options_ended || argument[0] != '-' || argument[1] == '\0') {
        return read_word(p, argument);
    }
    if (strcmp(argument, "--") == 0) {
        p->options_ended = true;
        return 0;
    }
    return read_option(p, argument);
}

int args_parse(struct args *args, int argc, char *const *argv, struct ccd_error *err)
{
    struct parser p = {.args = args, .argc = argc, .at = 1, .argv = argv, .err = err};
    for (int i = 1; i < argc; i++) {
        if (!str_is_utf8(str_from(argv[i]))) {
            return error_set(err, CCD_USAGE, "argument %d is not UTF-8", i);
        }
    }
    while (p.at < argc) {
        if (read_argument(&p) != 0) {
            return (int)err->status;
        }
    }
    return check_together(&p);
}
