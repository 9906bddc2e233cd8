#include "mutants.h"

#include "mutants_internal.h"

const char *const mutant_options[MUTANT_COUNT] = {
#define MUTANT_OPTION(name, option, text) [MUTANT_##name] = option,
    MUTANT_TABLE(MUTANT_OPTION)
#undef MUTANT_OPTION
};

const char *const mutant_texts[MUTANT_COUNT] = {
#define MUTANT_TEXT(name, option, text) [MUTANT_##name] = text,
    MUTANT_TABLE(MUTANT_TEXT)
#undef MUTANT_TEXT
};

static enum mutant planted;
struct mutant_memory mutant_memory;

bool mutants_need_mirror(enum mutant mutant)
{
    return mutant >= MUTANT_DISK_LIES;
}

void mutants_plant(enum mutant mutant)
{
    planted = mutant;
    mutant_memory = (struct mutant_memory){0};
}

bool mutant_is(enum mutant mutant)
{
    return planted == mutant;
}
