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
