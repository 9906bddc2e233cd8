/* What stands behind a stream. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

bool terminal_is(FILE *file);
/* A terminal that moves its cursor and shows colours; NO_COLOR (no-color.org) is another matter. */
bool terminal_is_able(FILE *file);
bool terminal_has_colour(FILE *file);
size_t terminal_width(FILE *file); /* 80 when nobody knows */

#endif
