/* ccdata gaps: which periods of the stored series are not there, why, and when they are asked for
 * again. */
#include <ccdata/ccdata.h>

#include <inttypes.h>

#include "base/error.h"
#include "base/time.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/term.h"

enum gap {
    GAP_MISSING,     /* never fetched */
    GAP_UNCONFIRMED, /* the vendor had nothing, once */
    GAP_REJECTED,    /* the vendor's record is impossible */
    GAP_EMPTY,       /* the vendor has nothing there: nothing is lost */
    GAP_COUNT,
    GAP_NONE = GAP_COUNT
};

static const char *const NAMES[GAP_COUNT] = {"missing", "unconfirmed", "rejected", "empty"};

/* Periods that are too young to be final are not missing yet: *range is cut to the others. */
static enum gap gap_of(const struct ccd_coverage_report *report, struct ccd_range *range)
{
    switch (range->state) {
    case CCD_RANGE_MISSING:
        if (range->to_ts > report->final_before_ts)
            range->to_ts = report->final_before_ts;
        return range->from_ts < range->to_ts ? GAP_MISSING : GAP_NONE;
    case CCD_RANGE_EMPTY:
        return range->is_confirmed ? GAP_EMPTY : GAP_UNCONFIRMED;
    case CCD_RANGE_REJECTED:
        return GAP_REJECTED;
    default:
        return GAP_NONE;
    }
}

struct totals {
    int64_t periods[GAP_COUNT];
    int64_t series; /* that lack something */
};

static void count(const struct ccd_coverage_report *report, struct totals *totals)
{
    for (size_t i = 0; i < report->series_count; i++) {
        const struct ccd_covered_series *series = &report->series[i];
        bool lacks = false;
        for (size_t k = 0; k < series->range_count; k++) {
            struct ccd_range range = series->ranges[k];
            enum gap gap = gap_of(report, &range);
            if (gap == GAP_NONE)
                continue;
            totals->periods[gap] += (range.to_ts - range.from_ts) / report->step_s;
            lacks |= gap != GAP_EMPTY;
        }
        totals->series += lacks;
    }
}

static int64_t lost(const struct totals *totals)
{
    return totals->periods[GAP_MISSING] + totals->periods[GAP_UNCONFIRMED] +
           totals->periods[GAP_REJECTED];
}

/* ---- text ---- */

static void add_time(struct table *table, int64_t utc_s)
{
    char text[32];
    table_add_text(table, utc_s > 0 ? time_format_short(utc_s, text) : NULL);
}

static void add_table(struct buf *out, const struct ccd_coverage_report *report)
{
    static const struct table_column COLUMNS[] = {
        {"market", false}, {"instrument", false}, {"mapped", false},
        {"from", false},   {"until", false},      {"periods", true},
        {"gap", false},    {"asked", false},      {"next check", false}};
    struct table table;
    char text[32];
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < report->series_count; i++) {
        const struct ccd_covered_series *series = &report->series[i];
        for (size_t k = 0; k < series->range_count; k++) {
            struct ccd_range range = series->ranges[k];
            enum gap gap = gap_of(report, &range);
            if (gap == GAP_NONE)
                continue;
            table_add_text(&table, series->market);
            table_add_text(&table, series->instrument);
            table_add_text(&table, series->mapped_instrument);
            table_add_text(&table, time_format_short(range.from_ts, text));
            table_add_text(&table, time_format_short(range.to_ts, text));
            table_add_int(&table, (range.to_ts - range.from_ts) / report->step_s);
            table_add_text(&table, NAMES[gap]);
            add_time(&table, range.asked_utc_s);
            add_time(&table, range.next_check_utc_s);
        }
    }
    if (table.cell_count > 0) {
        table_print(&table, out);
        buf_add_char(out, '\n');
    }
    table_release(&table);
}

static void add_report(struct buf *out, const struct ccd_coverage_report *report,
                       const struct totals *totals)
{
    buf_printf(out, "%s %s in ", report->data_type, report->interval);
    term_add_escaped(out, str_from(report->database));
    if (report->series_count == 0) {
        buf_add_text(out, ": no stored series match\n");
        return;
    }
    buf_add_text(out, "\n\n");
    add_table(out, report);
    buf_printf(out, "%zu series", report->series_count);
    for (int gap = 0; gap < GAP_COUNT; gap++)
        buf_printf(out, ", %" PRId64 " periods %s", totals->periods[gap], NAMES[gap]);
    buf_add_char(out, '\n');
}

/* ---- JSON ---- */

static void add_json_gap(struct json *j, const struct ccd_covered_series *series, enum gap gap,
                         const struct ccd_range *range, int64_t step_s)
{
    json_open_object(j, NULL);
    json_add_text(j, "market", series->market);
    json_add_text(j, "instrument", series->instrument);
    json_add_text(j, "mapped_instrument", series->mapped_instrument);
    json_add_time(j, "from", range->from_ts);
    json_add_time(j, "to", range->to_ts);
    json_add_int(j, "periods", (range->to_ts - range->from_ts) / step_s);
    json_add_text(j, "gap", NAMES[gap]);
    json_add_known_time(j, "asked", range->asked_utc_s);
    json_add_known_time(j, "next_check", range->next_check_utc_s);
    json_close_object(j);
}

static void add_json_gaps(struct json *j, const struct ccd_coverage_report *report,
                          const struct ccd_covered_series *series)
{
    for (size_t i = 0; i < series->range_count; i++) {
        struct ccd_range range = series->ranges[i];
        enum gap gap = gap_of(report, &range);
        if (gap != GAP_NONE)
            add_json_gap(j, series, gap, &range, report->step_s);
    }
}

static void add_json(struct buf *out, const struct args *args,
                     const struct ccd_coverage_report *report, const struct totals *totals,
                     int exit_code)
{
    struct json j;
    json_begin(&j, out, args->command->name, exit_code ? "failed" : "complete", exit_code);
    json_add_text(&j, "data_type", report->data_type);
    json_add_text(&j, "interval", report->interval);
    json_add_text(&j, "database", report->database);
    json_open_list(&j, "gaps");
    for (size_t i = 0; i < report->series_count; i++)
        add_json_gaps(&j, report, &report->series[i]);
    json_close_list(&j);
    json_open_object(&j, "totals");
    json_add_int(&j, "series", (int64_t)report->series_count);
    json_add_int(&j, "series_with_gaps", totals->series);
    for (int gap = 0; gap < GAP_COUNT; gap++)
        json_add_int(&j, NAMES[gap], totals->periods[gap]);
    json_close_object(&j);
    json_end(&j);
}

/* ---- command ---- */

static bool is_chosen(const struct args *args)
{
    return args->specific_market || args->specific_instrument || args->exchanges.count > 0 ||
           args->instruments.count > 0;
}

/* What is wrong: CCD_OK when nothing is. */
static struct ccd_error judge(const struct args *args, const struct ccd_coverage_report *report,
                              const struct totals *totals)
{
    struct ccd_error cause = {0};
    if (report->series_count == 0 && is_chosen(args)) /* a name that is misspelt has no gaps */
        error_set(&cause, CCD_USAGE, "no stored series of %s %s match: see 'ccdata coverage %s'",
                  report->data_type, report->interval, report->data_type);
    else if (lost(totals) > 0)
        error_set(&cause, CCD_CHECK_FAILED,
                  "%" PRId64 " periods of %" PRId64
                  " series are not there; 'ccdata repair %s --interval %s%s%s%s%s' asks the vendor "
                  "for them",
                  lost(totals), totals->series, report->data_type, report->interval,
                  args->from ? " --from " : "", args->from ? args->from : "",
                  args->to ? " --to " : "", args->to ? args->to : "");
    return cause;
}

static int print_report(struct cli *cli, const struct args *args,
                        const struct ccd_coverage_report *report)
{
    struct totals totals = {0};
    struct buf text;
    count(report, &totals);
    const struct ccd_error cause = judge(args, report, &totals);
    if (cause.status == CCD_USAGE)
        return cli_fail(cli, args, &cause);
    int exit_code = cause.status != CCD_OK ? ccd_status_exit_code(cause.status) : 0;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        add_json(&text, args, report, &totals, exit_code);
    else
        add_report(&text, report, &totals);
    return cli_print_report(cli, &text, exit_code, &cause);
}

int gaps_run(struct cli *cli, const struct args *args)
{
    return coverage_read(cli, args, print_report);
}
