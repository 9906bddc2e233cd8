/* Names that people give against names that are stored: exact ones in any case, globs with * and ?.
 */
#ifndef API_MATCH_H
#define API_MATCH_H

#include "base/str.h"

/* Names and globs, borrowed; without any, everything matches. */
struct patterns {
    const char *const *items;
    size_t count;
};
bool patterns_match(const struct patterns *patterns, struct str name);

#endif
