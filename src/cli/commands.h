/* The table of commands: dispatch, help and tests read it. Invariant: what is listed runs. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct args;
struct cli;

struct command {
    const char *name;
    const char *operand; /* "[NAME]"; NULL = takes none; "..." = several */
    unsigned takes;      /* enum option_group */
    const char *summary;
    const char *example;
    int (*run)(struct cli *cli, const struct args *args); /* returns the exit code */
};

extern const struct command cli_commands[];
extern const size_t cli_command_count;

const struct command *cli_command_find(struct str name); /* NULL when unknown */

int ingest_run(struct cli *cli, const struct args *args);
int batch_run(struct cli *cli, const struct args *args);
int status_run(struct cli *cli, const struct args *args);
int quota_run(struct cli *cli, const struct args *args);
int coverage_run(struct cli *cli, const struct args *args);
int gaps_run(struct cli *cli, const struct args *args);
int verify_run(struct cli *cli, const struct args *args);
int repair_run(struct cli *cli, const struct args *args);
int list_run(struct cli *cli, const struct args *args);
int types_run(struct cli *cli, const struct args *args);
int schema_run(struct cli *cli, const struct args *args);
int config_run(struct cli *cli, const struct args *args);
int daemon_run(struct cli *cli, const struct args *args);
int init_run(struct cli *cli, const struct args *args);
int alerts_run(struct cli *cli, const struct args *args);
int metrics_run(struct cli *cli, const struct args *args);
int health_run(struct cli *cli, const struct args *args);
int doctor_run(struct cli *cli, const struct args *args);
int copy_run(struct cli *cli, const struct args *args);
int diff_run(struct cli *cli, const struct args *args);
int selftest_run(struct cli *cli, const struct args *args);
int help_run(struct cli *cli, const struct args *args);
int version_run(struct cli *cli, const struct args *args);

#endif
