/* What stands on stderr: lines, and at most one bar below them. Called from any thread.
 * Invariant: a line never lands in the middle of a bar. */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <stdio.h>

#include "base/str.h"

struct console {
    FILE *err;
    bool bar_stands; /* under the lock of err */
};

void console_line(struct console *c, struct str line);
void console_bar(struct console *c, struct str bar);
void console_clear_bar(struct console *c);

#endif
