/* What a command line says. Invariant: after args_parse returned 0, every option in it is one that
 * the command takes, and every value has the form that the table of options asks for. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <ccdata/error.h>

#include "base/arena.h"

enum { LIST_MAX = 10000, OPERANDS_MAX = 32 };

struct text_list {
    const char **items;
    size_t count;
};

struct command;

/* NULL, -1, false and an empty list: not given. Texts live as long as the args. */
struct args {
    const struct command *command;
    const char *operand; /* the first of them */
    const char *operands[OPERANDS_MAX];
    size_t operand_count;
    uint64_t given; /* bit i: cli_options[i] */
    struct arena memory;

    const char *interval;
    const char *from; /* times; for copy, URLs */
    const char *to;
    int64_t pair_limit;
    int64_t asset_limit;
    const char *specific_market;
    const char *specific_instrument;
    struct text_list exchanges;
    struct text_list instruments;
    const char *market;
    struct text_list quotes;
    const char *min_grade;
    const char *exchange_type;
    bool full_refresh;
    bool force;
    struct text_list names; /* list */
    struct text_list statuses;
    bool all;
    int64_t limit;
    const char *config; /* batch: a file, "-" = standard input */
    bool continue_on_error;
    int64_t parallel_workers;
    int64_t max_calls;
    int64_t reserve;
    bool local; /* verify */
    int64_t sample;
    int64_t seed;
    int64_t lock_wait;
    bool wait;
    bool no_create;
    bool dry_run;
    bool full;
    const char *api_key_file; /* init */
    const char *metrics_file;
    const char *database;
    const char *env_file;
    bool strict;
    bool enable_monitoring;
    bool enable_caching;
    bool json;
    bool markdown;
    const char *dialect;
    bool create;
    bool check;
    bool legacy_views;
    const char *progress;
    bool verbose;
    bool quiet;
    bool help;
    bool version;
};

void args_init(struct args *args);
void args_release(struct args *args);

/* 0 or USAGE (NO_MEMORY). What was read before a mistake stays in *args. */
int args_parse(struct args *args, int argc, char *const *argv, struct ccd_error *err);

/* 0, or USAGE with the nearest name. */
int args_find_command(const char *name, const struct command **out_command, struct ccd_error *err);

/* Whether --json stands anywhere: a mistake in front of it is reported as JSON, too. */
bool args_mention_json(int argc, char *const *argv);

#endif
