/* Names that people give against names that are stored: exact ones or globs with * and ?, in any
 * case. */
#ifndef API_MATCH_H
#define API_MATCH_H

#include "base/str.h"

bool name_is_glob(const char *name);
bool name_matches(const char *pattern, struct str name);

/* Names and globs, borrowed; without any, everything matches. */
struct patterns {
    const char *const *items;
    size_t count;
};
bool patterns_match(const struct patterns *patterns, struct str name);

#endif
