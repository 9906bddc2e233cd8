/* ccdata status: the state of the copy, from the database. */
#include "cli/status.h"

#include <inttypes.h>
#include <string.h>

#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/terminal.h"

enum { SHARE_BYTES = 16 };

/* ---- text ---- */

static void add_system(struct buf *out, const struct ccd_status_report *report, bool colour)
{
    const char *shade = "\033[31m";
    if (report->exit_code == 0)
        shade = "\033[32m";
    else if (strcmp(report->system, "degraded") == 0)
        shade = "\033[33m";
    buf_printf(out, "%s%s%s", colour ? shade : "", report->system, colour ? "\033[0m" : "");
    buf_printf(out, report->exit_code ? " (exit code %d)\n" : "\n", report->exit_code);
    for (size_t i = 0; i < report->reason_count; i++) {
        buf_add_text(out, "  ");
        term_add_escaped(out, str_from(report->reasons[i]));
        buf_add_char(out, '\n');
    }
}

static const char *state_of_database(const struct ccd_status_report *report)
{
    if (!report->database_reachable)
        return "cannot be reached";
    if (report->database_error.status != CCD_OK)
        return "cannot be used";
    return report->database_exists ? "reachable" : "reachable, without our tables yet";
}

static void add_components(struct buf *out, const struct ccd_status_report *report)
{
    buf_add_text(out, "\ndatabase  ");
    term_add_escaped(out, str_from(report->database));
    buf_printf(out, ": %s%s", state_of_database(report),
               report->database_writable ? ", writable" : "");
    if (report->schema_version > 0)
        buf_printf(out, ", schema %" PRId64, report->schema_version);
    buf_add_text(out, "\nvendor    ");
    term_add_escaped(out, str_from(report->vendor));
    if (!report->vendor_checked) {
        buf_add_text(out, ": not asked (--check asks it)\n");
    } else {
        buf_printf(out, ": %s, key %s\n", report->vendor_reachable ? "answers" : "does not answer",
                   report->key_valid ? "valid" : "not proven valid");
    }
    buf_printf(out, "runs      %" PRId64 " in progress\n", report->active_runs);
}

static void add_quota(struct buf *out, const struct ccd_status_report *report)
{
    const char *separator = "quota     ";
    for (size_t i = 0; i < report->quota_count; i++) {
        const struct ccd_quota_window *window = &report->quota[i];
        if (window->limit > 0) {
            buf_printf(out, "%s%s %" PRId64 " of %" PRId64 " used", separator, window->window,
                       window->used, window->limit);
            separator = ", ";
        }
    }
    buf_add_text(out, separator[0] == ',' ? "\n" : "");
}

/* Rounded down, so that 100 % is all of it. */
static const char *share_text(int64_t part, int64_t whole, char out[SHARE_BYTES])
{
    int64_t tenths = (int64_t)((double)part / (double)whole * 1000.0);
    str_print(out, SHARE_BYTES, "%" PRId64 ".%" PRId64 " %%", tenths / 10, tenths % 10);
    return out;
}

static void add_time_cell(struct table *table, int64_t utc_s)
{
    char text[32];
    table_add_text(table, utc_s ? time_format_short(utc_s, text) : NULL);
}

static void add_data_row(struct table *table, const struct ccd_stored_data *data)
{
    char share[SHARE_BYTES];
    char age[DURATION_BYTES];
    table_add_text(table, data->data_type);
    table_add_text(table, data->interval);
    if (data->interval)
        table_add_int(table, data->series);
    else
        table_add_text(table, NULL);
    table_add_int(table, data->rows);
    add_time_cell(table, data->first_ts);
    add_time_cell(table, data->last_ts);
    table_add_text(table, data->wanted > 0 ? share_text(data->covered, data->wanted, share) : NULL);
    if (data->interval)
        table_add_int(table, data->series_behind);
    else
        table_add_text(table, NULL);
    table_add_text(table, data->newest_final_age_s >= 0
                              ? term_duration(data->newest_final_age_s * 1000, age)
                              : NULL);
    add_time_cell(table, data->asked_utc_s);
}

static void add_data(struct buf *out, const struct ccd_status_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"data", false}, {"interval", false}, {"series", true}, {"rows", true}, {"first", false},
        {"last", false}, {"covered", true},   {"behind", true}, {"age", false}, {"asked", false},
    };
    if (report->data_count == 0) {
        buf_add_text(out, "\nNothing is stored yet.\n");
        return;
    }
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->data_count; i++)
        add_data_row(&table, &report->data[i]);
    buf_add_char(out, '\n');
    table_print(&table, out);
    table_release(&table);
}

static void add_run_row(struct table *table, const struct ccd_stored_run *run)
{
    char started[32];
    char duration[DURATION_BYTES];
    table_add_text(table, time_format_iso(run->started_utc_s, started));
    table_add_text(table, run->command);
    table_add_text(table, run->status);
    table_add_text(table, run->ended_utc_s ? term_duration(run->duration_ms, duration) : NULL);
    table_add_int(table, run->calls + run->metadata_calls);
    table_add_int(table, run->rows_fetched);
    table_add_int(table, run->rows_written);
}

static void add_runs(struct buf *out, const struct ccd_status_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"last runs", false}, {"command", false}, {"status", false}, {"took", false},
        {"calls", true},      {"fetched", true},  {"written", true},
    };
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->run_count && i < STATUS_RUNS_SHOWN; i++)
        add_run_row(&table, &report->runs[i]);
    if (table.cell_count > 0) {
        buf_add_char(out, '\n');
        table_print(&table, out);
    }
    table_release(&table);
}

void cli_status_add(struct buf *out, const struct ccd_status_report *report, bool colour)
{
    add_system(out, report, colour);
    add_components(out, report);
    add_quota(out, report);
    add_data(out, report);
    add_runs(out, report);
}

/* ---- command ---- */

/* "degraded: spot_ohlcv 1d: 3 of 10 series are behind (and 2 more reasons)" */
static struct ccd_error cause_of(const struct ccd_status_report *report)
{
    struct ccd_error cause = {0};
    char more[48] = "";
    if (report->exit_code == 0)
        return cause;
    if (report->reason_count > 1)
        str_print(more, sizeof more, " (and %zu more reasons)", report->reason_count - 1);
    error_set(&cause, CCD_CHECK_FAILED, "%s: %.300s%s", report->system,
              report->reason_count > 0 ? report->reasons[0] : "", more);
    return cause;
}

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_status_report *report)
{
    const struct ccd_error cause = cause_of(report);
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json || !terminal_is(cli->out))
        cli_status_add_json(&text, report, args->command->name);
    else if (!args->quiet || report->exit_code != 0)
        cli_status_add(&text, report, terminal_has_colour(cli->out));
    return cli_print_report(cli, &text, report->exit_code, &cause);
}

int status_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_status_report *report = NULL;
    struct client client;
    struct ccd_status_options options = CCD_STATUS_INIT;
    int exit_code;
    options.check_vendor = args->check;
    options.run_limit = STATUS_RUNS_READ; /* for the figures; few of them are shown */
    if (cli_client_open(&client, cli, args, &err) == 0 &&
        ccd_status_read(client.handle, &options, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_status_free(report);
    cli_client_close(&client);
    return exit_code;
}
