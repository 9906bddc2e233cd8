/* The checks of an open client, printed. */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

#include "cli/client.h"

struct args;
struct cli;

/* Check, print a table or JSON with the name of the command, and return the exit code. */
int health_print(struct cli *cli, const struct args *args, const struct client *client,
                 bool everything);

#endif
