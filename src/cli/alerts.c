/* What alerts are open on this host, and whether those who are to be told can be reached. */
#include <inttypes.h>
#include <string.h>

#include <ccdata/alerts.h>
#include <ccdata/ccdata.h>

#include "base/error.h"
#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"

enum { RECEIVERS_MAX = 16 };

/* ---- list ---- */

static void add_json(struct buf *out, const struct args *args, const struct ccd_alert_list *list)
{
    struct json j;
    json_begin(&j, out, args->command->name, "complete", 0);
    json_add_int(&j, "open", (int64_t)list->open_count);
    json_add_int(&j, "pending_notices", (int64_t)list->pending_notices);
    json_open_list(&j, "alerts");
    for (size_t i = 0; i < list->count; i++) {
        const struct ccd_alert *a = &list->alerts[i];
        json_open_object(&j, NULL);
        json_add_text(&j, "rule", a->rule);
        json_add_text(&j, "severity", a->severity);
        json_add_text(&j, "subject", a->subject);
        json_add_text(&j, "meaning", a->meaning);
        json_add_text(&j, "next_step", a->next_step);
        json_add_known_time(&j, "opened_at", a->opened_utc_s);
        json_add_known_time(&j, "noticed_at", a->noticed_utc_s);
        json_add_known_time(&j, "resolved_at", a->resolved_utc_s);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_end(&j);
}

static void add_table(struct buf *out, const struct ccd_alert_list *list)
{
    static const struct table_column COLUMNS[] = {
        {"state", false}, {"since", false}, {"severity", false}, {"about", false}, {"what", false}};
    struct table table;
    char when[32];
    if (list->count == 0) {
        buf_add_text(out, "No alert is open, and none was.\n");
        return;
    }
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < list->count; i++) {
        const struct ccd_alert *a = &list->alerts[i];
        bool is_open = a->opened_utc_s > 0;
        table_add_text(&table, is_open ? "open" : "resolved");
        table_add_text(&table,
                       time_format_iso(is_open ? a->opened_utc_s : a->resolved_utc_s, when));
        table_add_text(&table, a->severity);
        table_add_text(&table, a->subject);
        table_add_text(&table, a->meaning);
    }
    table_print(&table, out);
    table_release(&table);
}

static int list_alerts(struct cli *cli, const struct args *args, struct client *client)
{
    struct ccd_alert_list *list = NULL;
    struct ccd_error err = {0};
    struct buf text;
    if (ccd_alerts_read(client->handle, &list, &err) != 0)
        return cli_fail(cli, args, &err);
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json(&text, args, list);
    else
        add_table(&text, list);
    ccd_alerts_free(list);
    return cli_print(cli, &text);
}

/* ---- test ---- */

struct trial {
    size_t receiver;
    struct ccd_error error; /* CCD_OK: it was sent */
};

static size_t receiver_of(const char *name)
{
    size_t i = 0;
    while (ccd_alert_receiver_at(i) && strcmp(ccd_alert_receiver_at(i), name) != 0)
        i++;
    return i;
}

/* Those that are named, else all that are set. USAGE for one that is none. */
static int choose(const struct args *args, const struct client *client, struct trial *out,
                  size_t *out_count, struct ccd_error *err)
{
    *out_count = 0;
    for (size_t i = 1; i < args->operand_count; i++) {
        size_t receiver = receiver_of(args->operands[i]);
        if (!ccd_alert_receiver_at(receiver))
            return error_set(err, CCD_USAGE,
                             "no receiver '%s': log, command, webhook, slack, discord, mail",
                             args->operands[i]);
        if (*out_count < RECEIVERS_MAX)
            out[(*out_count)++].receiver = receiver;
    }
    for (size_t i = 0; args->operand_count <= 1 && ccd_alert_receiver_at(i); i++)
        if (ccd_alert_receiver_is_set(client->handle, i))
            out[(*out_count)++].receiver = i;
    return 0;
}

static void add_trials_json(struct buf *out, const struct args *args, const struct trial *trials,
                            size_t count, int exit_code)
{
    struct json j;
    json_begin(&j, out, args->command->name, exit_code ? "failed" : "complete", exit_code);
    json_open_list(&j, "receivers");
    for (size_t i = 0; i < count; i++) {
        json_open_object(&j, NULL);
        json_add_text(&j, "name", ccd_alert_receiver_at(trials[i].receiver));
        json_add_bool(&j, "sent", trials[i].error.status == CCD_OK);
        json_add_error(&j, "error", &trials[i].error);
        json_close_object(&j);
    }
    json_close_list(&j);
    json_end(&j);
}

static void add_trials(struct buf *out, const struct trial *trials, size_t count)
{
    static const struct table_column COLUMNS[] = {
        {"receiver", false}, {"verdict", false}, {"why", false}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < count; i++) {
        bool sent = trials[i].error.status == CCD_OK;
        table_add_text(&table, ccd_alert_receiver_at(trials[i].receiver));
        table_add_text(&table, sent ? "sent" : "failed");
        table_add_text(&table, sent ? "" : cli_error_text(&trials[i].error));
    }
    table_print(&table, out);
    table_release(&table);
}

static int try_receivers(struct cli *cli, const struct args *args, struct client *client)
{
    struct trial trials[RECEIVERS_MAX] = {0};
    struct ccd_error err = {0};
    struct buf text;
    size_t count = 0;
    if (choose(args, client, trials, &count, &err) != 0)
        return cli_fail(cli, args, &err);
    for (size_t i = 0; i < count; i++)
        if (ccd_alert_receiver_try(client->handle, trials[i].receiver, &trials[i].error) != 0 &&
            err.status == CCD_OK)
            error_set(&err, CCD_CHECK_FAILED, "%s: %s", ccd_alert_receiver_at(trials[i].receiver),
                      trials[i].error.message);
    int exit_code = ccd_status_exit_code(err.status);
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_trials_json(&text, args, trials, count, exit_code);
    else
        add_trials(&text, trials, count);
    return cli_print_report(cli, &text, exit_code, &err);
}

int alerts_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct client client;
    int exit_code;
    const char *what = args->operand ? args->operand : "list";
    bool is_test = strcmp(what, "test") == 0;
    if (!is_test && (strcmp(what, "list") != 0 || args->operand_count > 1)) {
        error_set(&err, CCD_USAGE, "alerts knows 'list' and 'test [RECEIVER...]', not '%s'", what);
        return cli_fail(cli, args, &err);
    }
    if (cli_client_open(&client, cli, args, &err) != 0)
        exit_code = cli_fail(cli, args, &err);
    else
        exit_code = is_test ? try_receivers(cli, args, &client) : list_alerts(cli, args, &client);
    cli_client_close(&client);
    return exit_code;
}
