/* A client opened the way the command line says, with its log on stderr.
 * Invariant: cli_client_close may follow cli_client_open whatever that returned. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <ccdata/ccdata.h>

#include "cli/console.h"
#include "cli/log_sink.h"

struct args;
struct cli;

struct client {
    struct ccd_client *handle;
    struct console console;
    struct log_sink log;
};

/* 0 or what ccd_open returns. */
int cli_client_open(struct client *client, const struct cli *cli, const struct args *args,
                    struct ccd_error *err);
void cli_client_close(struct client *client);

#endif
