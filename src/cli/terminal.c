#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_WIDTH = 80 };

bool terminal_is(FILE *file)
{
    return isatty(fileno(file)) != 0;
}

bool terminal_is_able(FILE *file)
{
    const char *term = getenv("TERM");
    return terminal_is(file) && term && strcmp(term, "dumb") != 0;
}

bool terminal_has_colour(FILE *file)
{
    const char *refused = getenv("NO_COLOR");
    return terminal_is_able(file) && !(refused && refused[0]);
}

size_t terminal_width(FILE *file)
{
    struct winsize size;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_WIDTH;
    return size.ws_col;
}
