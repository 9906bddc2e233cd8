/* The program behind main: parse, dispatch, print. Results go to `out`, everything else to `err`.
 * Invariant: a command returns the exit code and prints through here, so a failed write is noticed.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include <ccdata/error.h>

#include "base/buf.h"

/* No output of ours comes near it; it stops a run-away loop. */
enum { OUTPUT_MAX_BYTES = 1 << 30, HELP_WIDTH = 100 };

struct args;

struct cli {
    FILE *out;
    FILE *err;
    int out_errno; /* of the first write to out that failed */
};

/* Returns the exit code of the program. */
int cli_main(struct cli *cli, int argc, char *const argv[]);

/* Write text to out and release it; 0, or the exit code when text is incomplete for want of memory.
 * A write that fails shows at the end of cli_main. */
int cli_print(struct cli *cli, struct buf *text);

/* "ccdata: message" on err. */
void cli_complain(struct cli *cli, const char *message);

/* Print a report as cli_print does and, when it did not go well, its cause on err. Returns the exit
 * code of the program. */
int cli_print_report(struct cli *cli, struct buf *text, int exit_code,
                     const struct ccd_error *cause);

/* An error that no report describes: one line on err and, with --json, one object on out. args may
 * be half-parsed. Returns the exit code that the error stands for. */
int cli_fail(struct cli *cli, const struct args *args, const struct ccd_error *err);

/* The message of an error, or the title of its status when it has none. */
const char *cli_error_text(const struct ccd_error *err);

#endif
