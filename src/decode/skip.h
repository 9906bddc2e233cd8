/* JSON values that nobody wants: checked to the last byte and passed over. */
#ifndef DECODE_SKIP_H
#define DECODE_SKIP_H

#include "decode/text.h"

/* Space, tab, line feed, carriage return. */
static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* The value at p. depth: containers already open around it. Returns the first byte after it, NULL =
 * refused. Adds the number of values passed to *value_count. */
const char *skip_value(const char *p, const char *end, unsigned depth, uint64_t *value_count,
                       struct fault *f);

/* "true", "false" or "null" at p: the first byte after it, NULL (nothing refused) when it is not
 * there. */
const char *skip_word(const char *p, const char *end, struct str word);

/* White space, c, white space; NULL = refused with `reason`. */
const char *skip_char(const char *p, const char *end, char c, const char *reason, struct fault *f);

#endif
