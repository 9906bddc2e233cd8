#include <ccdata/ccdata.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"

int schema_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    char *sql = NULL;
    if (ccd_schema_sql(args->dialect ? args->dialect : "sqlite", &sql, &err) != 0) {
        return cli_fail(cli, args, &err, ccd_status_exit_code(err.status));
    }
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    buf_add_text(&text, sql);
    ccd_text_free(sql);
    return cli_print(cli, &text);
}
