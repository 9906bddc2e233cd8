/* What every setting is, and where that comes from. Secrets read "(set)": the library never gives
 * their text. */
#include <string.h>

#include <ccdata/ccdata.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"

struct shown {
    struct ccd_setting_info info;
    const char *value; /* NULL = not set */
    const char *source;
};

static struct shown setting_at(const struct client *client, size_t index)
{
    struct shown shown = {.info = ccd_setting_at(index)};
    shown.value = ccd_setting_value(client->handle, shown.info.name, &shown.source);
    return shown;
}

static void add_json(struct buf *out, const struct args *args, const struct client *client)
{
    struct json j;
    json_begin(&j, out, args->command->name, "complete", 0);
    json_open_list(&j, "settings");
    for (size_t i = 0; i < ccd_setting_count(); i++) {
        struct shown shown = setting_at(client, i);
        json_open_object(&j, NULL);
        json_add_text(&j, "name", shown.info.name);
        json_add_text(&j, "value", shown.value);
        json_add_text(&j, "source", shown.value ? shown.source : NULL);
        json_add_text(&j, "default", shown.info.default_value);
        json_add_text(&j, "type", shown.info.type);
        json_add_bool(&j, "secret", shown.info.secret);
        json_add_text(&j, "description", shown.info.description);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_end(&j);
}

static void add_table(struct buf *out, const struct client *client)
{
    static const struct table_column COLUMNS[] = {
        {"setting", false}, {"value", false}, {"from", false}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < ccd_setting_count(); i++) {
        struct shown shown = setting_at(client, i);
        table_add_text(&table, shown.info.name);
        table_add_text(&table, shown.value ? shown.value : "-");
        table_add_text(&table, shown.value ? shown.source : "");
    }
    table_print(&table, out);
    table_release(&table);
}

/* What is wrong never comes here, and what is doubtful stands in the log. */
static void add_verdict(struct buf *out, const struct args *args)
{
    if (args->json) {
        struct json j;
        json_begin(&j, out, args->command->name, "complete", 0);
        json_end(&j);
    } else {
        buf_add_text(out, "The configuration is valid.\n");
    }
}

int config_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct client client;
    struct buf text;
    bool check = args->operand && strcmp(args->operand, "check") == 0;
    if (args->operand && !check) {
        error_set(&err, CCD_USAGE,
                  "config knows 'check', or nothing to show all settings; not '%s'", args->operand);
        return cli_fail(cli, args, &err);
    }
    int exit_code;
    int status = cli_client_open(&client, cli, args, &err);
    if (status == 0 && check)
        status = ccd_settings_check(client.handle, &err);
    if (status == 0) {
        buf_init(&text, OUTPUT_MAX_BYTES, NULL);
        if (check)
            add_verdict(&text, args);
        else if (args->json)
            add_json(&text, args, &client);
        else
            add_table(&text, &client);
        exit_code = cli_print(cli, &text);
    } else {
        exit_code = cli_fail(cli, args, &err);
    }
    cli_client_close(&client);
    return exit_code;
}
