#include "api/match.h"

#include <string.h>

bool name_is_glob(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

bool name_matches(const char *pattern, struct str name)
{
    return name_is_glob(pattern) ? str_glob(str_from(pattern), name)
                                 : str_equal_nocase(str_from(pattern), name);
}

bool patterns_match(const struct patterns *patterns, struct str name)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (name_matches(patterns->items[i], name))
            return true;
    return patterns->count == 0;
}
