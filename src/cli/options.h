/* The table of options: parser, help and tests read it. Invariant: one entry is a whole option. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum option_form {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_TIME,    /* const char *: an ISO date or date-time */
    OPTION_CHOICE,  /* const char *: one of choice_at(0) … */
    OPTION_INTEGER, /* int64_t, min … max */
    OPTION_PERCENT, /* int64_t, min … max, with or without % */
    OPTION_LIST     /* struct text_list */
};

/* A command takes the options that share a bit with its `takes`. */
enum option_group {
    GROUP_GLOBAL = 1u << 0,
    GROUP_RUN = 1u << 1,
    GROUP_SPOT = 1u << 2,
    GROUP_FUTURES = 1u << 3,
    GROUP_INDICES = 1u << 4,
    GROUP_TYPES = 1u << 5,
    GROUP_SCHEMA = 1u << 6,
    GROUP_COPY = 1u << 7,
    GROUP_DIFF = 1u << 8,
    GROUP_SELFTEST = 1u << 9,
    GROUP_CANDLES = 1u << 10,
    GROUP_METADATA = 1u << 11,
    GROUP_INSTRUMENTS = 1u << 12, /* metadata that comes market by market */
    GROUP_EXCHANGES = 1u << 13,
    GROUP_BATCH = 1u << 14,
    GROUP_STATUS = 1u << 15,
    GROUP_COVERAGE = 1u << 16,
    GROUP_LIST = 1u << 17,
    GROUP_CONFIG = 1u << 18,
    GROUP_QUOTA = 1u << 19,
    GROUP_REPAIR = 1u << 20,
    GROUP_VERIFY = 1u << 21,
    GROUP_INIT = 1u << 22,
    GROUP_HEALTH = 1u << 23,
    GROUP_DAEMON = 1u << 24,
    GROUP_METRICS = 1u << 25,
};

struct option {
    const char *name; /* as the help prints it; '-' and '_' are equal */
    char letter;      /* 0 = none */
    enum option_form form;
    unsigned groups;
    size_t offset;                          /* into struct args */
    const char *argument;                   /* "N", "URL" …; NULL for flags and choices */
    const char *(*choice_at)(size_t index); /* NULL behind the last */
    int64_t min, max;
    const char *default_text; /* NULL = none */
    const char *excludes;     /* the option that cannot stand beside it */
    const char *setting; /* the environment variable that it overrides; a flag sets it to true */
    const char *help;
    /* A time that is the URL of a database for the commands of these groups, and its help then. */
    unsigned url_groups;
    const char *url_help;
    /* What it means to the commands of these groups, its default included. */
    unsigned other_groups;
    const char *other_help;
};

extern const struct option cli_options[];
extern const size_t cli_option_count;

/* Whether the option of a command with these groups is a URL instead of a time. */
static inline bool option_is_url(const struct option *option, unsigned groups)
{
    return (option->url_groups & groups) != 0;
}

/* NULL when unknown. */
const struct option *cli_option_find(struct str name);
const struct option *cli_option_find_letter(char letter);

#endif
