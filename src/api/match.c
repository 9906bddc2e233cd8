#include "api/match.h"

#include <string.h>

static bool match_one(const char *pattern, struct str name)
{
    bool is_glob = strpbrk(pattern, "*?") != NULL;
    return is_glob ? str_glob(str_from(pattern), name) : str_equal_nocase(str_from(pattern), name);
}

bool patterns_match(const struct patterns *patterns, struct str name)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (match_one(patterns->items[i], name))
            return true;
    return patterns->count == 0;
}
