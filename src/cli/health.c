#include "cli/health.h"

#include <inttypes.h>

#include <ccdata/ccdata.h>
#include <ccdata/health.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/term.h"

static void add_json(struct buf *out, const struct args *args, const struct ccd_health *health)
{
    struct json j;
    json_begin(&j, out, args->command->name, health->exit_code == 0 ? "complete" : "failed",
               health->exit_code);
    json_add_text(&j, "verdict", ccd_verdict_name(health->verdict));
    json_add_time(&j, "timestamp", health->checked_utc_s);
    json_open_list(&j, "checks");
    for (size_t i = 0; i < health->check_count; i++) {
        const struct ccd_health_check *c = &health->checks[i];
        json_open_object(&j, NULL);
        json_add_text(&j, "name", c->name);
        json_add_text(&j, "verdict", ccd_verdict_name(c->verdict));
        json_add_text(&j, "detail", c->detail);
        json_add_text(&j, "advice", c->advice);
        json_add_int(&j, "duration_ms", c->duration_ms);
        json_add_int(&j, "deadline_ms", c->deadline_ms);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_end(&j);
}

static void add_table(struct buf *out, const struct ccd_health *health)
{
    static const struct table_column COLUMNS[] = {
        {"check", false}, {"verdict", false}, {"ms", true}, {"found", false}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < health->check_count; i++) {
        const struct ccd_health_check *c = &health->checks[i];
        table_add_text(&table, c->name);
        table_add_text(&table, ccd_verdict_name(c->verdict));
        table_add_int(&table, c->duration_ms);
        table_add_text(&table, c->detail);
    }
    table_print(&table, out);
    table_release(&table);
}

static void add_advice(struct buf *out, const struct ccd_health *health)
{
    bool is_first = true;
    for (size_t i = 0; i < health->check_count; i++) {
        const struct ccd_health_check *c = &health->checks[i];
        if (!c->advice)
            continue;
        buf_add_text(out, is_first ? "\nWhat to do:\n" : "");
        is_first = false;
        buf_printf(out, "  %s: ", c->name);
        term_add_escaped(out, str_from(c->advice));
        buf_add_char(out, '\n');
    }
}

static struct ccd_error cause_of(const struct ccd_health *health)
{
    struct ccd_error cause = {0};
    for (size_t i = 0; i < health->check_count && cause.status == CCD_OK; i++)
        if (health->checks[i].verdict == CCD_VERDICT_FAILED)
            error_set(&cause, CCD_CHECK_FAILED, "%s: %s", health->checks[i].name,
                      health->checks[i].detail);
    return cause;
}

int health_print(struct cli *cli, const struct args *args, const struct client *client,
                 bool everything)
{
    struct ccd_health_options options = CCD_HEALTH_INIT;
    struct ccd_health *health = NULL;
    struct ccd_error err = {0};
    struct buf text;
    options.everything = everything;
    if (ccd_health_read(client->handle, &options, &health, &err) != 0)
        return cli_fail(cli, args, &err);
    const struct ccd_error cause = cause_of(health);
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json) {
        add_json(&text, args, health);
    } else {
        add_table(&text, health);
        add_advice(&text, health);
    }
    int exit_code = cli_print_report(cli, &text, health->exit_code, &cause);
    ccd_health_free(health);
    return exit_code;
}

static int run(struct cli *cli, const struct args *args, bool everything)
{
    struct ccd_error err = {0};
    struct client client;
    int exit_code = cli_client_open(&client, cli, args, &err) == 0
                        ? health_print(cli, args, &client, everything)
                        : cli_fail(cli, args, &err);
    cli_client_close(&client);
    return exit_code;
}

int health_run(struct cli *cli, const struct args *args)
{
    return run(cli, args, false);
}

int doctor_run(struct cli *cli, const struct args *args)
{
    return run(cli, args, true);
}
