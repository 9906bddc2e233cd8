/* ccdata copy: from one database to another. */
#include <ccdata/ccdata.h>

#include <inttypes.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "cli/term.h"

/* ---- report ---- */

static void add_row(struct table *table, const struct ccd_copy_part *part, bool failures)
{
    table_add_text(table, part->data_type);
    table_add_text(table, part->interval ? part->interval : "-");
    table_add_int(table, part->series);
    table_add_int(table, part->rows_read);
    table_add_int(table, part->rows_written);
    table_add_int(table, part->chunks_copied);
    table_add_int(table, part->chunks_skipped);
    if (failures)
        table_add_int(table, part->series_failed);
}

static void add_parts(struct buf *out, const struct ccd_copy_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"data type", false},    {"interval", false},     {"series", true},
        {"rows read", true},     {"rows written", true},  {"chunks copied", true},
        {"already there", true}, {"series failed", true},
    };
    bool failures = report->total.series_failed > 0;
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0] - !failures);
    for (size_t i = 0; i < report->part_count; i++)
        add_row(&table, &report->parts[i], failures);
    if (report->part_count > 0) {
        table_print(&table, out);
        buf_add_char(out, '\n');
    }
    table_release(&table);
}

static void add_report(struct buf *out, const struct ccd_copy_report *report, int exit_code)
{
    char duration[DURATION_BYTES];
    int64_t ms = report->duration_ms > 0 ? report->duration_ms : 1;
    buf_add_text(out, "from ");
    term_add_escaped(out, str_from(report->from));
    buf_add_text(out, " to ");
    term_add_escaped(out, str_from(report->to));
    buf_add_text(out, "\n\n");
    add_parts(out, report);
    buf_add_text(out, report->status);
    if (exit_code != 0)
        buf_printf(out, " (exit code %d)", exit_code);
    buf_printf(out, ": %" PRId64 " rows read, %" PRId64 " written, %s, %.0f rows/s\n",
               report->total.rows_read, report->total.rows_written,
               term_duration(report->duration_ms, duration),
               (double)report->total.rows_read * 1000.0 / (double)ms);
}

static void add_json_counts(struct json *j, const struct ccd_copy_part *part)
{
    json_add_int(j, "series", part->series);
    json_add_int(j, "series_failed", part->series_failed);
    json_add_int(j, "rows_read", part->rows_read);
    json_add_int(j, "rows_written", part->rows_written);
    json_add_int(j, "chunks_copied", part->chunks_copied);
    json_add_int(j, "chunks_skipped", part->chunks_skipped);
}

static void add_json(struct buf *out, const struct ccd_copy_report *report, const char *command,
                     int exit_code)
{
    struct json j;
    json_begin(&j, out, command, report->status, exit_code);
    json_add_text(&j, "from", report->from);
    json_add_text(&j, "to", report->to);
    json_open_list(&j, "parts");
    for (size_t i = 0; i < report->part_count; i++) {
        json_open_object(&j, NULL);
        json_add_text(&j, "data_type", report->parts[i].data_type);
        json_add_text(&j, "interval", report->parts[i].interval);
        add_json_counts(&j, &report->parts[i]);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_open_object(&j, "totals");
    add_json_counts(&j, &report->total);
    json_add_number(&j, "duration_seconds", (double)report->duration_ms / 1000.0);
    json_close_object(&j);
    json_add_error(&j, "error", &report->error);
    json_end(&j);
}

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_copy_report *report)
{
    int exit_code = signals_exit_code(report->exit_code);
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json(&text, report, args->command->name, exit_code);
    else if (!args->quiet || exit_code != 0)
        add_report(&text, report, exit_code);
    return cli_print_report(cli, &text, exit_code, &report->error);
}

/* ---- command ---- */

static int check(const struct args *args, struct ccd_error *err)
{
    if (args->database)
        return error_set(err, CCD_USAGE, "copy takes --from URL and --to URL, not --database");
    if (!args->from || !args->to) {
        return error_set(err, CCD_USAGE,
                         "copy needs --from URL and --to URL; 'ccdata copy --help' shows how");
    }
    return 0;
}

static int copy(struct client *client, const struct args *args, struct ccd_copy_report **out_report,
                struct ccd_error *err)
{
    struct progress progress;
    progress_init(&progress, &client->console, args->progress, args->quiet);
    struct ccd_copy_options options = CCD_COPY_INIT;
    options.from = args->from;
    options.to = args->to;
    options.types = args->operands;
    options.type_count = args->operand_count;
    options.full = args->full;
    options.no_create = args->no_create;
    options.lock_wait_s = args->lock_wait;
    if (progress.mode != PROGRESS_NONE) {
        options.progress = progress_show_scan;
        options.progress_user = &progress;
    }
    signals_watch(client->handle);
    int status = ccd_copy(client->handle, &options, out_report, err);
    signals_unwatch();
    progress_end(&progress);
    return status;
}

int copy_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_copy_report *report = NULL;
    struct client client = {0};
    int exit_code;
    if (check(args, &err) == 0 && cli_client_open(&client, cli, args, &err) == 0 &&
        copy(&client, args, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_copy_report_free(report);
    cli_client_close(&client);
    return exit_code;
}
