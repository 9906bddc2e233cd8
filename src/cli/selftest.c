/* ccdata selftest: whether the user's own database keeps what it promises. */
#include <ccdata/ccdata.h>

#include <inttypes.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "cli/term.h"

static double rate_of(const struct ccd_selftest_step *step)
{
    return step->duration_us > 0 ? (double)step->rows * 1e6 / (double)step->duration_us : 0;
}

static void add_steps(struct buf *out, const struct ccd_selftest_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"step", false}, {"result", false}, {"rows", true}, {"rows/s", true}, {"", false}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->step_count; i++) {
        const struct ccd_selftest_step *step = &report->steps[i];
        bool rated = step->rows > 0 && step->state == CCD_STEP_OK;
        table_add_text(&table, step->name);
        table_add_text(&table, ccd_step_state_name(step->state));
        if (rated) {
            table_add_int(&table, step->rows);
            table_add_int(&table, (int64_t)rate_of(step));
        } else {
            table_add_text(&table, "");
            table_add_text(&table, "");
        }
        table_add_text(&table, step->message[0] ? step->message : step->meaning);
    }
    table_print(&table, out);
    table_release(&table);
}

static void add_report(struct buf *out, const struct ccd_selftest_report *report, int exit_code)
{
    char duration[DURATION_BYTES];
    term_add_escaped(out, str_from(report->database));
    buf_add_text(out, "\n\n");
    add_steps(out, report);
    buf_printf(out, "\n%s", exit_code == 0 ? "ok" : report->status);
    if (exit_code != 0)
        buf_printf(out, " (exit code %d)", exit_code);
    buf_printf(out, ", %s\n", term_duration(report->duration_ms, duration));
}

static void add_json(struct buf *out, const struct ccd_selftest_report *report, const char *command,
                     int exit_code)
{
    struct json j;
    json_begin(&j, out, command, report->status, exit_code);
    json_add_text(&j, "database", report->database);
    json_open_list(&j, "steps");
    for (size_t i = 0; i < report->step_count; i++) {
        const struct ccd_selftest_step *step = &report->steps[i];
        json_open_object(&j, NULL);
        json_add_text(&j, "name", step->name);
        json_add_text(&j, "meaning", step->meaning);
        json_add_text(&j, "state", ccd_step_state_name(step->state));
        json_add_int(&j, "rows", step->rows);
        json_add_number(&j, "duration_seconds", (double)step->duration_us / 1e6);
        json_add_number(&j, "rows_per_second", rate_of(step));
        json_add_text(&j, "message", step->message[0] ? step->message : NULL);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_add_number(&j, "duration_seconds", (double)report->duration_ms / 1000.0);
    json_add_error(&j, "error", &report->error);
    json_end(&j);
}

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_selftest_report *report)
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

static int test(struct client *client, const struct args *args,
                struct ccd_selftest_report **out_report, struct ccd_error *err)
{
    const struct ccd_selftest_options options = {
        .size = sizeof options,
        .no_create = args->no_create,
    };
    signals_watch(client->handle);
    int status = ccd_selftest(client->handle, &options, out_report, err);
    signals_unwatch();
    return status;
}

int selftest_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_selftest_report *report = NULL;
    struct client client;
    int exit_code;
    if (cli_client_open(&client, cli, args, &err) == 0 && test(&client, args, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_selftest_report_free(report);
    cli_client_close(&client);
    return exit_code;
}
