/* ccdata batch: the operations of a file as one run. */
#include <ccdata/ccdata.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/jobs.h"

/* One byte more than a batch file may have: ccd_batch_parse says that it is too large. */
enum { READ_MAX_BYTES = CCD_BATCH_MAX_BYTES + 1, READ_BYTES = 1 << 14 };

static int read_all(FILE *file, const char *name, struct buf *text, struct ccd_error *err)
{
    char bytes[READ_BYTES];
    while (text->len < READ_MAX_BYTES) {
        size_t room = READ_MAX_BYTES - text->len;
        size_t count = fread(bytes, 1, room < sizeof bytes ? room : sizeof bytes, file);
        if (count == 0)
            break;
        if (buf_add(text, bytes, count) != 0)
            return error_set(err, CCD_NO_MEMORY, "no memory to read %s", name);
    }
    if (ferror(file))
        return error_set_native(err, CCD_USAGE, errno, "cannot read %s: %s", name, strerror(errno));
    return 0;
}

static int read_config(const char *config, const char *name, struct buf *text,
                       struct ccd_error *err)
{
    bool is_stdin = strcmp(config, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(config, "re");
    if (!file)
        return error_set_native(err, CCD_USAGE, errno, "cannot open %s: %s", name, strerror(errno));
    int status = read_all(file, name, text, err);
    if (!is_stdin)
        fclose(file);
    return status;
}

int batch_load(const char *config, const char *command, struct ccd_batch **out_batch,
               struct ccd_error *err)
{
    if (!config)
        return error_set(err, CCD_USAGE, "%s needs --config FILE; 'ccdata %s --help' shows how",
                         command, command);
    const char *name = strcmp(config, "-") == 0 ? "standard input" : config;
    struct buf text;
    buf_init(&text, READ_MAX_BYTES, NULL);
    int status = read_config(config, name, &text, err);
    if (status == 0)
        status = ccd_batch_parse(buf_str(&text).ptr, text.len, name, out_batch, err);
    buf_release(&text);
    return status;
}

static int print_page(struct cli *cli)
{
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    batch_add_markdown(&text);
    return cli_print(cli, &text);
}

int batch_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_batch *batch = NULL;
    if (args->markdown)
        return print_page(cli);
    if (batch_load(args->config, "batch", &batch, &err) != 0)
        return cli_fail(cli, args, &err);
    size_t job_count = 0;
    const struct ccd_job *jobs = ccd_batch_jobs(batch, &job_count);
    int exit_code = jobs_run(cli, args, jobs, job_count, CCD_RECHECK_DUE);
    ccd_batch_free(batch);
    return exit_code;
}
