/* ccdata metrics: what the database and the ledger tell, in the text format of Prometheus. */
#include <ccdata/ccdata.h>
#include <ccdata/metrics.h>

#include "base/buf.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"

static int add(void *user, const char *text, size_t bytes)
{
    buf_add(user, text, bytes);
    return 0;
}

static int print_reference(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct buf text;
    char *page = NULL;
    if (ccd_metrics_reference(&page, &err) != 0)
        return cli_fail(cli, args, &err);
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    buf_add_text(&text, page);
    ccd_text_free(page);
    return cli_print(cli, &text);
}

int metrics_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct client client;
    struct buf text;
    int exit_code;
    if (args->markdown)
        return print_reference(cli, args);
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (cli_client_open(&client, cli, args, &err) == 0 &&
        ccd_metrics_refresh(client.handle, &err) == 0 &&
        ccd_metrics_text(client.handle, add, &text, &err) == 0) {
        exit_code = cli_print(cli, &text);
    } else {
        buf_release(&text);
        exit_code = cli_fail(cli, args, &err);
    }
    cli_client_close(&client);
    return exit_code;
}
