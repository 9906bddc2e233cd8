/* Help texts, generated from the tables of commands and options.
 * Invariant: no line is longer than HELP_WIDTH. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/buf.h"

struct args;
struct cli;
struct command;

void help_add_program(struct buf *out);
void help_add_command(struct buf *out, const struct command *command);
/* Of the command, NULL = the program's; the text, or with --json an object around it. Returns an
 * exit code. */
int help_print(struct cli *cli, const struct args *args, const struct command *command);

#endif
