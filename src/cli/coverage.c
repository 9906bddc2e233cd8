/* ccdata coverage: which periods are there, which are not, and why. */
#include <ccdata/ccdata.h>

#include <inttypes.h>

#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/coverage_map.h"
#include "cli/jobs.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/terminal.h"

enum { SHARE_BYTES = 16 };

/* ---- text ---- */

/* What may be asked of the vendor: not what lies before the start or after the end. */
static int64_t wanted_of(const struct ccd_covered_series *series)
{
    return series->periods[CCD_RANGE_STORED] + series->periods[CCD_RANGE_MISSING] +
           series->periods[CCD_RANGE_EMPTY] + series->periods[CCD_RANGE_REJECTED];
}

/* Rounded down, so that 100 % is all of it; what is little is not nothing. */
static void add_share(struct table *table, int64_t part, int64_t whole)
{
    char text[SHARE_BYTES] = "0 %";
    int64_t tenths = whole > 0 ? (int64_t)((double)part / (double)whole * 1000.0) : 0;
    if (part > 0 && tenths == 0)
        str_copy(text, sizeof text, STR("<0.1 %"));
    else if (part > 0)
        str_print(text, sizeof text, "%" PRId64 ".%" PRId64 " %%", tenths / 10, tenths % 10);
    table_add_text(table, text);
}

static void add_end(struct table *table, const struct ccd_covered_series *series, bool is_last)
{
    char text[32];
    size_t last = series->range_count - 1;
    if (series->range_count == 0)
        table_add_text(table, NULL);
    else if (is_last)
        table_add_text(table, time_format_short(series->ranges[last].to_ts, text));
    else
        table_add_text(table, time_format_short(series->ranges[0].from_ts, text));
}

static void add_row(struct table *table, const struct ccd_covered_series *series)
{
    int64_t wanted = wanted_of(series);
    table_add_text(table, series->market);
    table_add_text(table, series->instrument);
    table_add_text(table, series->mapped_instrument);
    add_end(table, series, false);
    add_end(table, series, true);
    table_add_int(table, wanted);
    add_share(table, series->periods[CCD_RANGE_STORED], wanted);
    add_share(table, series->periods[CCD_RANGE_MISSING], wanted);
    add_share(table, series->periods[CCD_RANGE_EMPTY], wanted);
    add_share(table, series->periods[CCD_RANGE_REJECTED], wanted);
}

static void add_table(struct buf *out, const struct ccd_coverage_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"market", false}, {"instrument", false}, {"mapped", false}, {"from", false},
        {"until", false},  {"periods", true},     {"stored", true},  {"missing", true},
        {"empty", true},   {"rejected", true},
    };
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->series_count; i++)
        add_row(&table, &report->series[i]);
    table_print(&table, out);
    table_release(&table);
}

/* Every range, for -v. */
static void add_ranges(struct buf *out, const struct ccd_coverage_report *report)
{
    static const struct table_column COLUMNS[] = {{"market", false}, {"instrument", false},
                                                  {"from", false},   {"until", false},
                                                  {"periods", true}, {"state", false}};
    struct table table;
    char text[32];
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->series_count; i++) {
        const struct ccd_covered_series *series = &report->series[i];
        for (size_t k = 0; k < series->range_count; k++) {
            const struct ccd_range *range = &series->ranges[k];
            table_add_text(&table, series->market);
            table_add_text(&table, series->instrument);
            table_add_text(&table, time_format_short(range->from_ts, text));
            table_add_text(&table, time_format_short(range->to_ts, text));
            table_add_int(&table, (range->to_ts - range->from_ts) / report->step_s);
            table_add_text(&table, ccd_range_state_name(range->state));
        }
    }
    buf_add_char(out, '\n');
    table_print(&table, out);
    table_release(&table);
}

static void add_report(struct buf *out, const struct ccd_coverage_report *report, FILE *stream,
                       bool all)
{
    buf_printf(out, "%s %s in ", report->data_type, report->interval);
    term_add_escaped(out, str_from(report->database));
    if (report->series_count == 0) {
        buf_add_text(out, ": no stored series match\n");
        return;
    }
    buf_add_text(out, "\n\n");
    add_table(out, report);
    if (all)
        add_ranges(out, report);
    if (terminal_is(stream)) {
        buf_add_char(out, '\n');
        coverage_map_add(out, report, terminal_width(stream), terminal_has_colour(stream));
    }
}

/* ---- JSON ---- */

static void add_json_periods(struct json *j, const char *key,
                             const int64_t periods[CCD_RANGE_STATE_COUNT])
{
    json_open_object(j, key);
    for (int state = 0; state < CCD_RANGE_STATE_COUNT; state++)
        json_add_int(j, ccd_range_state_name((enum ccd_range_state)state), periods[state]);
    json_close_object(j);
}

static void add_json_series(struct json *j, const struct ccd_covered_series *series, int64_t step_s)
{
    json_open_object(j, NULL);
    json_add_text(j, "market", series->market);
    json_add_text(j, "instrument", series->instrument);
    json_add_text(j, "mapped_instrument", series->mapped_instrument);
    add_json_periods(j, "periods", series->periods);
    json_open_list(j, "ranges");
    for (size_t i = 0; i < series->range_count; i++) {
        const struct ccd_range *range = &series->ranges[i];
        json_open_object(j, NULL);
        json_add_time(j, "from", range->from_ts);
        json_add_time(j, "to", range->to_ts);
        json_add_text(j, "state", ccd_range_state_name(range->state));
        json_add_int(j, "periods", (range->to_ts - range->from_ts) / step_s);
        json_close_object(j);
    }
    json_close_list(j);
    json_close_object(j);
}

static void add_json(struct buf *out, const struct ccd_coverage_report *report, const char *command)
{
    struct json j;
    int64_t totals[CCD_RANGE_STATE_COUNT] = {0};
    json_begin(&j, out, command, "complete", 0);
    json_add_text(&j, "data_type", report->data_type);
    json_add_text(&j, "interval", report->interval);
    json_add_text(&j, "database", report->database);
    json_open_list(&j, "series");
    for (size_t i = 0; i < report->series_count; i++) {
        add_json_series(&j, &report->series[i], report->step_s);
        for (int state = 0; state < CCD_RANGE_STATE_COUNT; state++)
            totals[state] += report->series[i].periods[state];
    }
    json_close_list(&j);
    json_open_object(&j, "totals");
    json_add_int(&j, "series", (int64_t)report->series_count);
    add_json_periods(&j, "periods", totals);
    json_close_object(&j);
    json_end(&j);
}

/* ---- command ---- */

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_coverage_report *report)
{
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json(&text, report, args->command->name);
    else
        add_report(&text, report, cli->out, args->verbose);
    return cli_print(cli, &text);
}

int coverage_read(struct cli *cli, const struct args *args, coverage_print_fn *print)
{
    struct ccd_error err = {0};
    struct ccd_coverage_report *report = NULL;
    struct client client = {0};
    const struct ccd_job job = jobs_from(args, args->operand);
    int exit_code;
    if (!args->operand) {
        error_set(&err, CCD_USAGE, "%s needs a data type; 'ccdata types' lists them",
                  args->command->name);
        return cli_fail(cli, args, &err);
    }
    if (cli_client_open(&client, cli, args, &err) == 0 &&
        ccd_coverage_read(client.handle, &job, &report, &err) == 0)
        exit_code = print(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_coverage_free(report);
    cli_client_close(&client);
    return exit_code;
}

int coverage_run(struct cli *cli, const struct args *args)
{
    return coverage_read(cli, args, print_report);
}
