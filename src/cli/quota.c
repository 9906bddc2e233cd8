/* What is left of the key's quota on this host, and when the next call may be made. */
#include <inttypes.h>
#include <string.h>

#include <ccdata/ccdata.h>

#include "base/error.h"
#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/term.h"

static void add_json_windows(struct json *j, const struct ccd_quota_report *report)
{
    json_open_list(j, "windows");
    for (size_t i = 0; i < report->window_count; i++) {
        const struct ccd_quota_window *w = &report->windows[i];
        json_open_object(j, NULL);
        json_add_text(j, "window", w->window);
        json_add_known_int(j, "limit", w->limit, w->limit > 0);
        json_add_int(j, "used", w->used);
        json_add_known_int(j, "left", w->left, w->left >= 0);
        json_close_object(j);
    }
    json_close_list(j);
}

static void add_json_vendor(struct json *j, const struct ccd_quota_report *report)
{
    json_add_error(j, "vendor_error", &report->vendor_error);
    json_open_list(j, "vendor_windows");
    for (size_t i = 0; i < report->vendor_quota_count; i++) {
        const struct ccd_vendor_quota *q = &report->vendor_quota[i];
        json_open_object(j, NULL);
        json_add_text(j, "block", q->block);
        json_add_text(j, "window", q->window);
        json_add_known_int(j, "limit", q->limit, q->limit >= 0);
        json_add_known_int(j, "used", q->used, q->used >= 0);
        json_add_known_int(j, "left", q->left, q->left >= 0);
        json_close_object(j);
    }
    json_close_list(j);
}

static void add_json(struct buf *out, const struct args *args,
                     const struct ccd_quota_report *report)
{
    struct json j;
    json_begin(&j, out, args->command->name, report->exit_code == 0 ? "complete" : "failed",
               report->exit_code);
    json_add_text(&j, "vendor", report->vendor);
    json_add_time(&j, "timestamp", report->now_utc_s);
    json_add_bool(&j, "known", report->is_known);
    add_json_windows(&j, report);
    json_add_int(&j, "wait_ms", report->wait_ms);
    json_add_known_time(&j, "resume_at", report->resume_utc_s);
    json_add_text(&j, "wait_window", report->wait_window);
    if (report->vendor_checked)
        add_json_vendor(&j, report);
    json_end(&j);
}

static void add_cell(struct table *table, int64_t count, bool is_known)
{
    if (is_known)
        table_add_int(table, count);
    else
        table_add_text(table, "-");
}

static void add_windows(struct buf *out, const struct ccd_quota_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"calls of this host", false}, {"limit", true}, {"used", true}, {"left", true}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->window_count; i++) {
        const struct ccd_quota_window *w = &report->windows[i];
        table_add_text(&table, w->window);
        add_cell(&table, w->limit, w->limit > 0);
        table_add_int(&table, w->used);
        add_cell(&table, w->left, w->left >= 0);
    }
    table_print(&table, out);
    table_release(&table);
}

static void add_vendor(struct buf *out, const struct ccd_quota_report *report)
{
    static const struct table_column COLUMNS[] = {{"counted by the vendor", false},
                                                  {"window", false},
                                                  {"limit", true},
                                                  {"used", true},
                                                  {"left", true}};
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->vendor_quota_count; i++) {
        const struct ccd_vendor_quota *q = &report->vendor_quota[i];
        table_add_text(&table, q->block);
        table_add_text(&table, q->window);
        add_cell(&table, q->limit, q->limit >= 0);
        add_cell(&table, q->used, q->used >= 0);
        add_cell(&table, q->left, q->left >= 0);
    }
    buf_add_char(out, '\n');
    table_print(&table, out);
    table_release(&table);
}

static void add_next_call(struct buf *out, const struct ccd_quota_report *report)
{
    char when[32], duration[DURATION_BYTES];
    bool others_spent_it = report->vendor_error.status == CCD_QUOTA_EXHAUSTED;
    if (report->wait_ms == 0 && others_spent_it)
        buf_add_text(out, "When the next call may be made is not known on this host.\n");
    else if (!report->is_known)
        buf_add_text(out, "No run with this key has left a count on this host yet.\n");
    else if (report->wait_ms == 0)
        buf_add_text(out, "The next call may be made now.\n");
    else
        buf_printf(out, "The next call may be made in %s, at %s%s%s.\n",
                   term_duration(report->wait_ms, duration),
                   time_format_iso(report->resume_utc_s, when),
                   report->wait_window ? ", because of the " : "",
                   report->wait_window ? report->wait_window : "");
}

/* Calls are left in the window that is waited for: they are for others. */
static bool is_reserved(const struct ccd_quota_report *report)
{
    for (size_t i = 0; i < report->window_count; i++)
        if (strcmp(report->windows[i].window, report->wait_window) == 0)
            return report->windows[i].left > 0;
    return false;
}

/* The error that the exit code stands for. */
static struct ccd_error cause_of(const struct ccd_quota_report *report)
{
    struct ccd_error cause = report->vendor_error;
    char when[32];
    if (report->exit_code != ccd_status_exit_code(cause.status) && report->wait_window)
        error_set(&cause, CCD_QUOTA_EXHAUSTED, "the quota of the %s%s is spent until %s",
                  report->wait_window, is_reserved(report) ? ", less the reserve," : "",
                  time_format_iso(report->resume_utc_s, when));
    return cause;
}

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_quota_report *report)
{
    const struct ccd_error cause = cause_of(report);
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json) {
        add_json(&text, args, report);
    } else {
        buf_printf(&text, "%s\n\n", report->vendor);
        add_windows(&text, report);
        if (report->vendor_quota_count > 0)
            add_vendor(&text, report);
        buf_add_char(&text, '\n');
        add_next_call(&text, report);
    }
    return cli_print_report(cli, &text, report->exit_code, &cause);
}

int quota_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct ccd_quota_report *report = NULL;
    struct client client;
    struct ccd_quota_options options = CCD_QUOTA_INIT;
    int exit_code;
    options.check_vendor = args->check;
    options.reserve_percent = args->reserve;
    if (cli_client_open(&client, cli, args, &err) == 0 &&
        ccd_quota_read(client.handle, &options, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_quota_free(report);
    cli_client_close(&client);
    return exit_code;
}
