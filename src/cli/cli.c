#include "cli/cli.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/json.h"
#include "cli/signals.h"
#include "cli/term.h"

enum { COMPLAINT_MAX_BYTES = 512, MASK_BYTES = 3 };

const char *cli_error_text(const struct ccd_error *err)
{
    return err->message[0] ? err->message : ccd_status_title(err->status);
}

/* The same without memory, for a process that has none left. */
static void complain_plainly(struct cli *cli, const char *message)
{
    char text[COMPLAINT_MAX_BYTES];
    str_copy(text, sizeof text, str_from(message));
    for (char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    fprintf(cli->err, "ccdata: %s\n", text);
}

void cli_complain(struct cli *cli, const char *message)
{
    struct buf line;
    buf_init(&line, OUTPUT_MAX_BYTES, NULL);
    buf_add_text(&line, "ccdata: ");
    term_add_escaped(&line, str_from(message));
    buf_add_char(&line, '\n');
    if (line.failed)
        complain_plainly(cli, message);
    else
        fwrite(line.data, 1, line.len, cli->err);
    buf_release(&line);
}

int cli_print(struct cli *cli, struct buf *text)
{
    int exit_code = 0;
    if (text->failed) {
        cli_complain(cli, "no memory for the output; nothing was printed");
        exit_code = ccd_status_exit_code(CCD_NO_MEMORY);
    } else {
        bool cut = fwrite(buf_str(text).ptr, 1, text->len, cli->out) < text->len;
        if ((cut || fflush(cli->out) != 0) && !cli->out_errno)
            cli->out_errno = errno;
    }
    buf_release(text);
    return exit_code;
}

static void print_error_json(struct cli *cli, const char *command, const struct ccd_error *err,
                             int exit_code)
{
    struct buf text;
    struct json j;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    bool interrupted = err->status == CCD_INTERRUPTED;
    json_begin(&j, &text, command, interrupted ? "interrupted" : "failed", exit_code);
    json_add_error(&j, "error", err);
    json_end(&j);
    cli_print(cli, &text);
}

int cli_print_report(struct cli *cli, struct buf *text, int exit_code,
                     const struct ccd_error *cause)
{
    int failed = cli_print(cli, text);
    if (exit_code != 0)
        cli_complain(cli, cli_error_text(cause));
    return exit_code ? exit_code : failed;
}

/* A database URL in the wrong place is quoted as what it is not: an unknown command, no interval.
 * The last '@' counts, so that an unescaped one in the password does not end it. */
static void mask_password(char *text)
{
    char *scheme_end = strstr(text, "://");
    char *end = scheme_end ? strrchr(scheme_end, '@') : NULL;
    char *colon = end ? memchr(scheme_end + 3, ':', (size_t)(end - scheme_end - 3)) : NULL;
    if (!colon)
        return;
    size_t password = (size_t)(end - colon - 1);
    size_t masked = password < MASK_BYTES ? password : MASK_BYTES;
    memset(colon + 1, '*', masked);
    memmove(colon + 1 + masked, end, strlen(end) + 1);
}

int cli_fail(struct cli *cli, const struct args *args, const struct ccd_error *err)
{
    int exit_code = signals_exit_code(ccd_status_exit_code(err->status));
    struct ccd_error shown = *err;
    if (err->status == CCD_USAGE || err->status == CCD_CONFIG)
        mask_password(shown.message);
    cli_complain(cli, cli_error_text(&shown));
    if (args->json)
        print_error_json(cli, args->command ? args->command->name : NULL, &shown, exit_code);
    return exit_code;
}

static int fail_without_command(struct cli *cli, const struct args *args)
{
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    help_add_program(&text);
    if (!text.failed)
        fwrite(text.data, 1, text.len, cli->err);
    buf_release(&text);
    if (args->json) {
        struct ccd_error err = {0};
        error_set(&err, CCD_USAGE, "no command; 'ccdata help' lists the commands");
        print_error_json(cli, NULL, &err, ccd_status_exit_code(CCD_USAGE));
    }
    return ccd_status_exit_code(CCD_USAGE);
}

static int dispatch(struct cli *cli, const struct args *args)
{
    if (args->help)
        return help_print(cli, args, args->command);
    if (args->version)
        return version_run(cli, args);
    if (!args->command)
        return fail_without_command(cli, args);
    return args->command->run(cli, args);
}

/* A reader that went away has what it wanted; any other failed write leaves a cut result. */
static int check_output(struct cli *cli, int exit_code)
{
    if (cli->out_errno == 0 || cli->out_errno == EPIPE)
        return exit_code;
    char message[128];
    str_print(message, sizeof message, "cannot write to the standard output: %s",
              strerror(cli->out_errno));
    cli_complain(cli, message);
    return exit_code ? exit_code : ccd_status_exit_code(CCD_DISK);
}

int cli_main(struct cli *cli, int argc, char *const argv[])
{
    struct args args;
    struct ccd_error err = {0};
    int exit_code;
    args_init(&args);
    if (args_parse(&args, argc, argv, &err) == 0) {
        exit_code = dispatch(cli, &args);
    } else {
        args.json = args_mention_json(argc, argv);
        exit_code = cli_fail(cli, &args, &err);
    }
    args_release(&args);
    return check_output(cli, exit_code);
}
