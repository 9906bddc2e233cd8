/* ccdata diff: two databases compared. */
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

enum { URL_COUNT = 2, DIFFERENCES_SHOWN = 50 };

/* ---- report ---- */

static void add_differences(struct buf *out, const struct ccd_diff_report *report, bool all)
{
    static const struct table_column COLUMNS[] = {
        {"what", false},     {"data type", false}, {"market", false}, {"instrument", false},
        {"interval", false}, {"month", false},     {"first", true},   {"second", true},
    };
    size_t shown = report->difference_count;
    if (!all && shown > DIFFERENCES_SHOWN)
        shown = DIFFERENCES_SHOWN;
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < shown; i++) {
        const struct ccd_difference *difference = &report->differences[i];
        table_add_text(&table, ccd_difference_kind_name(difference->kind));
        table_add_text(&table, difference->data_type);
        table_add_text(&table, difference->market);
        table_add_text(&table, difference->instrument);
        table_add_text(&table, difference->interval);
        table_add_text(&table, difference->month);
        table_add_int(&table, difference->left_count);
        table_add_int(&table, difference->right_count);
    }
    table_print(&table, out);
    table_release(&table);
    if (report->differences_found > (int64_t)shown) {
        buf_printf(out, "and %" PRId64 " more%s\n", report->differences_found - (int64_t)shown,
                   shown < report->difference_count ? " (-v lists them)" : "");
    }
    buf_add_char(out, '\n');
}

static void add_outcome(struct buf *out, const struct ccd_diff_report *report, int exit_code)
{
    if (exit_code == 0)
        buf_add_text(out, "equal");
    else if (report->error.status == CCD_CHECK_FAILED)
        buf_printf(out, "different (exit code %d)", exit_code);
    else
        buf_printf(out, "%s (exit code %d)", report->status, exit_code);
}

static void add_report(struct buf *out, const struct ccd_diff_report *report, int exit_code,
                       bool all)
{
    char duration[DURATION_BYTES];
    buf_add_text(out, "first  ");
    term_add_escaped(out, str_from(report->left));
    buf_add_text(out, "\nsecond ");
    term_add_escaped(out, str_from(report->right));
    buf_add_text(out, "\n\n");
    if (report->differences_found > 0)
        add_differences(out, report, all);
    add_outcome(out, report, exit_code);
    buf_printf(out,
               ": %" PRId64 " differences; compared %" PRId64 " series, %" PRId64
               " months, %" PRId64 " rows, %s\n",
               report->differences_found, report->series, report->months, report->rows,
               term_duration(report->duration_ms, duration));
}

static void add_json_difference(struct json *j, const struct ccd_difference *difference)
{
    json_open_object(j, NULL);
    json_add_text(j, "kind", ccd_difference_kind_name(difference->kind));
    json_add_text(j, "data_type", difference->data_type);
    json_add_text(j, "market", difference->market);
    json_add_text(j, "instrument", difference->instrument);
    json_add_text(j, "interval", difference->interval);
    json_add_text(j, "month", difference->month[0] ? difference->month : NULL);
    json_add_int(j, "first", difference->left_count);
    json_add_int(j, "second", difference->right_count);
    json_close_object(j);
}

static void add_json(struct buf *out, const struct ccd_diff_report *report, const char *command,
                     int exit_code)
{
    struct json j;
    json_begin(&j, out, command, report->status, exit_code);
    json_add_text(&j, "first", report->left);
    json_add_text(&j, "second", report->right);
    json_add_bool(&j, "equal", exit_code == 0);
    json_open_list(&j, "differences");
    for (size_t i = 0; i < report->difference_count; i++)
        add_json_difference(&j, &report->differences[i]);
    json_close_list(&j);
    json_open_object(&j, "totals");
    json_add_int(&j, "differences", report->differences_found);
    json_add_int(&j, "series", report->series);
    json_add_int(&j, "months", report->months);
    json_add_int(&j, "rows", report->rows);
    json_add_number(&j, "duration_seconds", (double)report->duration_ms / 1000.0);
    json_close_object(&j);
    json_add_error(&j, "error", &report->error);
    json_end(&j);
}

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_diff_report *report)
{
    int exit_code = signals_exit_code(report->exit_code);
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json(&text, report, args->command->name, exit_code);
    else if (!args->quiet || exit_code != 0)
        add_report(&text, report, exit_code, args->verbose);
    return cli_print_report(cli, &text, exit_code, &report->error);
}

/* ---- command ---- */

static int check(const struct args *args, struct ccd_error *err)
{
    if (args->database)
        return error_set(err, CCD_USAGE, "diff takes two URLs, not --database");
    if (args->operand_count < URL_COUNT) {
        return error_set(err, CCD_USAGE,
                         "diff needs two database URLs; 'ccdata diff --help' shows how");
    }
    return 0;
}

static int compare(struct client *client, const struct args *args,
                   struct ccd_diff_report **out_report, struct ccd_error *err)
{
    struct progress progress;
    progress_init(&progress, &client->console, args->progress, args->quiet);
    struct ccd_diff_options options = CCD_DIFF_INIT;
    options.left = args->operands[0];
    options.right = args->operands[1];
    options.types = args->operands + URL_COUNT;
    options.type_count = args->operand_count - URL_COUNT;
    if (progress.mode != PROGRESS_NONE) {
        options.progress = progress_show_scan;
        options.progress_user = &progress;
    }
    signals_watch(client->handle);
    int status = ccd_diff(client->handle, &options, out_report, err);
    signals_unwatch();
    progress_end(&progress);
    return status;
}

int diff_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_diff_report *report = NULL;
    struct client client = {0};
    int exit_code;
    if (check(args, &err) == 0 && cli_client_open(&client, cli, args, &err) == 0 &&
        compare(&client, args, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_diff_report_free(report);
    cli_client_close(&client);
    return exit_code;
}
