#include "cli/help.h"

#include <ccdata/ccdata.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/term.h"

enum { NAME_MAX_BYTES = 64 };

static const size_t HELP_COLUMN = 30;

static void add_entry(struct buf *out, const char *name, const char *text)
{
    size_t width = 2 + term_width(str_from(name));
    buf_printf(out, "  %s", name);
    if (width + 2 > HELP_COLUMN) {
        buf_add_char(out, '\n');
        width = 0;
    }
    term_add_spaces(out, HELP_COLUMN - width);
    term_add_wrapped(out, str_from(text), HELP_COLUMN, HELP_COLUMN, HELP_WIDTH);
    buf_add_char(out, '\n');
}

/* "-v, --verbose", "    --interval 1d|1h|1m" */
static void add_option_name(struct buf *b, const struct option *option, unsigned groups)
{
    if (option->letter) {
        buf_printf(b, "-%c, ", option->letter);
    }
    buf_printf(b, "--%s", option->name);
    if (option->form == OPTION_CHOICE) {
        for (size_t i = 0; option->choice_at(i); i++) {
            buf_printf(b, "%c%s", i ? '|' : ' ', option->choice_at(i));
        }
    } else if (option->argument) {
        buf_printf(b, " %s", option_is_url(option, groups) ? "URL" : option->argument);
    }
}

static void add_options(struct buf *out, unsigned groups)
{
    struct buf name;
    struct buf text;
    buf_init(&name, NAME_MAX_BYTES, NULL);
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct option *option = &cli_options[i];
        if (!(option->groups & groups)) {
            continue;
        }
        buf_clear(&name);
        buf_clear(&text);
        add_option_name(&name, option, groups);
        bool is_url = option_is_url(option, groups);
        bool is_other = (option->other_groups & groups) != 0;
        buf_add_text(&text, is_url ? option->url_help
                                   : is_other ? option->other_help : option->help);
        if (option->default_text && !is_url && !is_other) {
            buf_printf(&text, " (default: %s)", option->default_text);
        }
        out->failed |= name.failed || text.failed;
        if (!out->failed) {
            add_entry(out, name.data, text.data);
        }
    }
    buf_release(&text);
    buf_release(&name);
}

/* What a command's options do not say. */
static const struct {
    const char *command;
    const char *text;
} NOTES[] = {
    {"status",
     "critical: the database cannot be reached or written, or has a newer or broken schema; with "
     "--check also a vendor that does not answer, or refuses the key."},
    {"status",
     "degraded: of the runs of a command, the last one failed, was partial, or began more than 24 "
     "hours ago and never ended; a series that has not ended at the vendor lags by more than two "
     "periods and the settling time; the quota of the hour, day or month is spent."},
    {"status",
     "healthy: anything else, also a database that is empty or not there yet. Exit code 0 when "
     "healthy, else 12. Without a terminal the output is JSON."},
    {"coverage",
     "On a terminal a map shows each series over the months: a block for the share of periods that "
     "are stored, a dot where none is, e where the vendor has none."},
    {"list",
     "Reads the database alone; 'ccdata types' names the command that fetches a list. -v shows all "
     "columns of each row."},
};

static void add_notes(struct buf *out, const struct command *command)
{
    for (size_t i = 0; i < sizeof NOTES / sizeof NOTES[0]; i++) {
        if (str_same_name(str_from(NOTES[i].command), str_from(command->name))) {
            buf_add_text(out, "\n  ");
            term_add_wrapped(out, str_from(NOTES[i].text), 2, 2, HELP_WIDTH);
            buf_add_char(out, '\n');
        }
    }
}

void help_add_program(struct buf *out)
{
    buf_add_text(out,
                 "Usage: ccdata [global options] COMMAND [options]\n\n"
                 "Keeps a complete, exact copy of CryptoCompare / CoinDesk Data candles in your "
                 "own database.\n\n"
                 "Commands:\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        add_entry(out, cli_commands[i].name, cli_commands[i].summary);
    }
    buf_add_text(out, "\nGlobal options, on either side of the command:\n");
    add_options(out, GROUP_GLOBAL);
    buf_add_text(
        out,
        "\n'ccdata COMMAND --help' prints the options of a command. In names, '-' and "
        "'_' are equal.\n"
        "Example:\n"
        "  ccdata spot_ohlcv --specific_market kraken --specific_instrument BTC-USD --dry_run\n");
}

void help_add_command(struct buf *out, const struct command *command)
{
    buf_printf(out, "Usage: ccdata %s%s%s [options]\n\n  %s\n", command->name,
               command->operand ? " " : "", command->operand ? command->operand : "",
               command->summary);
    add_notes(out, command);
    if (command->takes & ~(unsigned)GROUP_GLOBAL) {
        buf_add_text(out, "\nOptions:\n");
        add_options(out, command->takes & ~(unsigned)GROUP_GLOBAL);
    }
    buf_add_text(out, "\nGlobal options:\n");
    add_options(out, GROUP_GLOBAL);
    buf_printf(out, "\nExample:\n  %s\n", command->example);
}

static void begin_object(struct json *j, struct buf *out, const struct args *args)
{
    buf_init(out, OUTPUT_MAX_BYTES, NULL);
    json_begin(j, out, args->command ? args->command->name : NULL, "complete", 0);
}

/* The text as the one member of an object; releases it. */
static int print_help_object(struct cli *cli, const struct args *args, struct buf *text)
{
    struct buf out;
    struct json j;
    begin_object(&j, &out, args);
    json_add_text(&j, "help", buf_str(text).ptr);
    json_end(&j);
    out.failed |= text->failed;
    buf_release(text);
    return cli_print(cli, &out);
}

int help_print(struct cli *cli, const struct args *args, const struct command *command)
{
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (command) {
        help_add_command(&text, command);
    } else {
        help_add_program(&text);
    }
    return args->json ? print_help_object(cli, args, &text) : cli_print(cli, &text);
}

int help_run(struct cli *cli, const struct args *args)
{
    const struct command *command = NULL;
    struct ccd_error err = {0};
    if (args->operand && args_find_command(args->operand, &command, &err) != 0) {
        return cli_fail(cli, args, &err);
    }
    return help_print(cli, args, command);
}

int version_run(struct cli *cli, const struct args *args)
{
    struct buf text;
    struct json j;
    if (args->json) {
        begin_object(&j, &text, args);
        json_add_text(&j, "version", ccd_version());
        json_add_text(&j, "libraries", ccd_libraries());
        json_end(&j);
    } else {
        buf_init(&text, OUTPUT_MAX_BYTES, NULL);
        buf_printf(&text, "ccdata %s\n%s\n", ccd_version(), ccd_libraries());
    }
    return cli_print(cli, &text);
}
