#include "tables.h"

const char *const fault_texts[FAULT_COUNT] = {
#define FAULT_TEXT(name, text) [FAULT_##name] = text,
    FAULT_TABLE(FAULT_TEXT)
#undef FAULT_TEXT
};

const char *const sometimes_texts[SOMETIMES_COUNT] = {
#define SOMETIMES_TEXT(name, text) [SOMETIMES_##name] = text,
    SOMETIMES_TABLE(SOMETIMES_TEXT)
#undef SOMETIMES_TEXT
};

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
