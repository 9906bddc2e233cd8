/* ccdata verify: is what is stored right, and is it still what the vendor says? */
#include <ccdata/ccdata.h>

#include <inttypes.h>

#include "base/error.h"
#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "cli/term.h"

/* ---- text ---- */

static void add_findings(struct buf *out, const struct ccd_verify_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"finding", false}, {"market", false}, {"instrument", false},  {"period", false},
        {"column", false},  {"ours", false},   {"the vendor's", false}};
    struct table table;
    char text[32];
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct ccd_finding *finding = &report->findings[i];
        table_add_text(&table, ccd_finding_kind_name(finding->kind));
        table_add_text(&table, finding->market);
        table_add_text(&table, finding->instrument);
        table_add_text(&table, time_format_short(finding->ts, text));
        table_add_text(&table, finding->column);
        table_add_text(&table, finding->ours);
        table_add_text(&table, finding->theirs);
    }
    if (table.cell_count > 0) {
        table_print(&table, out);
        buf_add_char(out, '\n');
    }
    table_release(&table);
    if (report->findings_found > (int64_t)report->finding_count)
        buf_printf(out, "... and %" PRId64 " more\n\n",
                   report->findings_found - (int64_t)report->finding_count);
}

static void add_report(struct buf *out, const struct ccd_verify_report *report)
{
    buf_printf(out, "%s %s in ", report->data_type, report->interval);
    term_add_escaped(out, str_from(report->database));
    buf_add_text(out, "\n\n");
    add_findings(out, report);
    buf_printf(out, "%" PRId64 " rows checked", report->rows);
    if (report->run)
        buf_printf(out,
                   ", %" PRId64 " periods compared with the vendor in %" PRId64
                   " calls (--seed %" PRId64 ")",
                   report->compared, report->run->calls, report->seed);
    buf_printf(out, ": %" PRId64 " findings\n", report->findings_found);
}

/* ---- JSON ---- */

static void add_json(struct buf *out, const struct args *args,
                     const struct ccd_verify_report *report, int exit_code)
{
    struct json j;
    json_begin(&j, out, args->command->name, report->status, exit_code);
    json_add_text(&j, "data_type", report->data_type);
    json_add_text(&j, "interval", report->interval);
    json_add_text(&j, "database", report->database);
    json_open_list(&j, "findings");
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct ccd_finding *finding = &report->findings[i];
        json_open_object(&j, NULL);
        json_add_text(&j, "finding", ccd_finding_kind_name(finding->kind));
        json_add_text(&j, "market", finding->market);
        json_add_text(&j, "instrument", finding->instrument);
        json_add_time(&j, "ts", finding->ts);
        json_add_text(&j, "column", finding->column);
        json_add_text(&j, "ours", finding->ours);
        json_add_text(&j, "theirs", finding->theirs);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_open_object(&j, "totals");
    json_add_int(&j, "findings", report->findings_found);
    for (int kind = 0; kind < CCD_FINDING_COUNT; kind++)
        json_add_int(&j, ccd_finding_kind_name((enum ccd_finding_kind)kind), report->found[kind]);
    json_add_int(&j, "rows", report->rows);
    json_add_int(&j, "compared", report->compared);
    json_add_int(&j, "calls", report->run ? report->run->calls : 0);
    json_close_object(&j);
    json_add_int(&j, "seed", report->seed);
    json_add_error(&j, "error", &report->error);
    json_end(&j);
}

/* ---- command ---- */

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_verify_report *report)
{
    int exit_code = signals_exit_code(report->exit_code);
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->dry_run && report->run && args->json)
        cli_report_add_json(&text, report->run, args->command->name, exit_code, true);
    else if (args->dry_run && report->run)
        cli_report_add_plan(&text, report->run, exit_code, args->verbose);
    else if (args->json)
        add_json(&text, args, report, exit_code);
    else
        add_report(&text, report);
    return cli_print_report(cli, &text, exit_code, &report->error);
}

static struct ccd_verify_options options_from(const struct args *args)
{
    struct ccd_verify_options options = CCD_VERIFY_INIT;
    options.local = args->local;
    if (args->all || args->sample > 0)
        options.sample_percent = args->all ? 100 : args->sample;
    if (args->seed > 0)
        options.seed = args->seed;
    return options;
}

static int verify(struct client *client, const struct args *args,
                  struct ccd_verify_report **out_report, struct ccd_error *err)
{
    struct progress progress;
    const struct ccd_job job = jobs_from(args, args->operand);
    const struct ccd_verify_options options = options_from(args);
    progress_init(&progress, &client->console, args->progress, args->quiet);
    const struct ccd_run_options how = jobs_run_options(args, CCD_RECHECK_ALL, &progress);
    signals_watch(client->handle);
    int status = ccd_verify(client->handle, &job, &how, &options, args->dry_run, out_report, err);
    signals_unwatch();
    progress_end(&progress);
    return status;
}

int verify_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_verify_report *report = NULL;
    struct client client;
    int exit_code;
    if (!args->operand) {
        error_set(&err, CCD_USAGE, "verify needs a data type; 'ccdata types' lists them");
        return cli_fail(cli, args, &err);
    }
    if (cli_client_open(&client, cli, args, &err) == 0 && verify(&client, args, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_verify_free(report);
    cli_client_close(&client);
    return exit_code;
}
