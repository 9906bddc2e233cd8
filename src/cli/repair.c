/* ccdata repair: ask the vendor again for what is not there, or with --all for everything, and
 * write what changed. */
#include <ccdata/ccdata.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/jobs.h"

int repair_run(struct cli *cli, const struct args *args)
{
    const struct ccd_job job = jobs_from(args, args->operand);
    struct ccd_error err = {0};
    if (!args->operand) {
        error_set(&err, CCD_USAGE, "repair needs a data type; 'ccdata types' lists them");
        return cli_fail(cli, args, &err);
    }
    return jobs_run(cli, args, &job, 1, args->all ? CCD_RECHECK_ALL : CCD_RECHECK_GAPS);
}
