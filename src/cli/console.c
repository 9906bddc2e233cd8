#include "cli/console.h"

static const char ERASE_LINE[] = "\r\033[K";

void console_clear_bar(struct console *c)
{
    flockfile(c->err);
    if (c->bar_stands) {
        fputs(ERASE_LINE, c->err);
        fflush(c->err);
        c->bar_stands = false;
    }
    funlockfile(c->err);
}

void console_line(struct console *c, struct str line)
{
    flockfile(c->err);
    console_clear_bar(c);
    fprintf(c->err, STR_FMT "\n", STR_ARG(line));
    fflush(c->err);
    funlockfile(c->err);
}

void console_bar(struct console *c, struct str bar)
{
    flockfile(c->err);
    fprintf(c->err, "%s" STR_FMT, ERASE_LINE, STR_ARG(bar));
    fflush(c->err);
    c->bar_stands = true;
    funlockfile(c->err);
}
