#include "cli/report.h"

#include <inttypes.h>

#include "base/time.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/term.h"

/* Columns of the closing table that are there only when there is something in them. */
struct extra_columns {
    bool rejected;
    bool pending;
    bool provisional;
};

void cli_report_add_instrument(struct buf *out, const struct ccd_series_result *series)
{
    struct str native = str_from(series->instrument);
    struct str mapped = str_from(series->mapped_instrument);
    buf_add(out, native.ptr, native.len);
    if (mapped.len > 0 && !str_equal(native, mapped)) {
        buf_printf(out, " (" STR_FMT ")", STR_ARG(mapped));
    }
}

bool cli_report_is_done(const struct ccd_series_result *series)
{
    return series->state == CCD_SERIES_COMPLETE || series->state == CCD_SERIES_UP_TO_DATE ||
           series->state == CCD_SERIES_NOT_OFFERED;
}

size_t cli_report_series_count(const struct ccd_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->operation_count; i++) {
        count += report->operations[i].series_count;
    }
    return count;
}

static void add_name_cells(struct table *table, const struct ccd_series_result *series)
{
    struct buf name;
    buf_init(&name, OUTPUT_MAX_BYTES, NULL);
    cli_report_add_instrument(&name, series);
    table_add_text(table, series->market);
    table_add_text(table, buf_str(&name).ptr);
    buf_release(&name);
}

static void add_heading(struct buf *out, const struct ccd_operation *operation)
{
    buf_add_text(out, operation->data_type);
    if (operation->interval) {
        buf_printf(out, " %s", operation->interval);
    }
    buf_add_text(out, operation->not_started ? ": not started\n" : "\n");
}

static void add_route(struct buf *out, const struct ccd_report *report)
{
    if (report->vendor && report->database) {
        buf_add_text(out, "from ");
        term_add_escaped(out, str_from(report->vendor));
        buf_add_text(out, " to ");
        term_add_escaped(out, str_from(report->database));
        buf_add_text(out, "\n\n");
    }
}

static struct extra_columns find_extra_columns(const struct ccd_operation *operation)
{
    struct extra_columns extra = {0};
    for (size_t i = 0; i < operation->series_count; i++) {
        extra.rejected |= operation->series[i].rejected > 0;
        extra.pending |= operation->series[i].pending > 0;
        extra.provisional |= operation->series[i].provisional > 0;
    }
    return extra;
}

static void add_series_row(struct table *table, const struct ccd_series_result *series,
                           struct extra_columns extra)
{
    add_name_cells(table, series);
    table_add_text(table, ccd_series_state_name(series->state));
    table_add_int(table, series->wanted);
    table_add_int(table, series->stored);
    table_add_int(table, series->fetched);
    table_add_int(table, series->empty);
    table_add_int(table, series->failed);
    if (extra.rejected) {
        table_add_int(table, series->rejected);
    }
    if (extra.pending) {
        table_add_int(table, series->pending);
    }
    if (extra.provisional) {
        table_add_int(table, series->provisional);
    }
}

/* "120 complete, 30 up to date" */
static void add_hidden_counts(struct buf *out, const struct ccd_operation *operation)
{
    size_t counts[CCD_SERIES_INTERRUPTED + 1] = {0};
    const char *separator = "and ";
    for (size_t i = 0; i < operation->series_count; i++) {
        if (cli_report_is_done(&operation->series[i])) {
            counts[operation->series[i].state]++;
        }
    }
    for (int state = 0; state <= CCD_SERIES_INTERRUPTED; state++) {
        if (counts[state] > 0) {
            buf_printf(out, "%s%zu %s", separator, counts[state],
                       ccd_series_state_name((enum ccd_series_state)state));
            separator = ", ";
        }
    }
    buf_add_text(out, separator[0] == ',' ? " (-v lists them)\n" : "");
}

static void add_series_table(struct buf *out, const struct ccd_operation *operation, bool all)
{
    struct extra_columns extra = find_extra_columns(operation);
    struct table_column columns[TABLE_COLUMNS_MAX] = {
        {"market", false},       {"instrument", false}, {"state", false}, {"wanted", true},
        {"already there", true}, {"fetched", true},     {"empty", true},  {"failed", true},
    };
    size_t column_count = 8;
    if (extra.rejected) {
        columns[column_count++] = (struct table_column){"rejected", true};
    }
    if (extra.pending) {
        columns[column_count++] = (struct table_column){"pending", true};
    }
    if (extra.provisional) {
        columns[column_count++] = (struct table_column){"provisional", true};
    }
    bool shows_all = all || operation->series_count <= SERIES_SHOWN_MAX;
    struct table table;
    table_init(&table, columns, column_count);
    for (size_t i = 0; i < operation->series_count; i++) {
        if (shows_all || !cli_report_is_done(&operation->series[i])) {
            add_series_row(&table, &operation->series[i], extra);
        }
    }
    if (table.cell_count > 0) {
        table_print(&table, out);
    }
    if (!shows_all) {
        add_hidden_counts(out, operation);
    }
    table_release(&table);
}

static void add_operation(struct buf *out, const struct ccd_operation *operation, bool all)
{
    add_heading(out, operation);
    if (operation->series_count > 0) {
        add_series_table(out, operation, all);
    }
    lists_add(out, operation, all);
    buf_add_char(out, '\n');
}

/* A report without any operation speaks of series, too. */
static bool has_candles(const struct ccd_report *report)
{
    for (size_t i = 0; i < report->operation_count; i++) {
        if (report->operations[i].interval) {
            return true;
        }
    }
    return report->operation_count == 0;
}

static void add_outcome(struct buf *out, const struct ccd_report *report, int exit_code)
{
    buf_add_text(out, report->status);
    if (exit_code != 0) {
        buf_printf(out, " (exit code %d)", exit_code);
    }
    buf_add_text(out, ": ");
    if (report->operation_count > 1) {
        buf_printf(out, "%zu operations, ", report->operation_count);
    }
    size_t lists = lists_count(report);
    if (has_candles(report)) {
        buf_printf(out, "%zu series%s", cli_report_series_count(report), lists > 0 ? ", " : "");
    }
    if (lists > 0 || !has_candles(report)) {
        buf_printf(out, "%zu %s", lists, lists == 1 ? "list" : "lists");
    }
}

static void add_metadata_calls(struct buf *out, const struct ccd_report *report)
{
    if (report->metadata_calls > 0) {
        buf_printf(out, ", %" PRId64 " metadata calls made", report->metadata_calls);
    }
    if (report->cache_hits > 0) {
        buf_printf(out, ", %" PRId64 " answers from the cache", report->cache_hits);
    }
}

static void add_summary(struct buf *out, const struct ccd_report *report, int exit_code)
{
    char duration[DURATION_BYTES];
    int64_t ms = report->duration_ms > 0 ? report->duration_ms : 1;
    add_outcome(out, report, exit_code);
    if (has_candles(report)) {
        buf_printf(out, ", %" PRId64 " calls", report->calls);
    }
    add_metadata_calls(out, report);
    buf_printf(out, ", %" PRId64 " rows written, %s, %.0f rows/s\n", report->rows_written,
               term_duration(report->duration_ms, duration),
               (double)report->rows_written * 1000.0 / (double)ms);
}

void cli_report_add(struct buf *out, const struct ccd_report *report, int exit_code, bool all)
{
    add_route(out, report);
    for (size_t i = 0; i < report->operation_count; i++) {
        add_operation(out, &report->operations[i], all);
    }
    add_summary(out, report, exit_code);
    causes_add(out, report, all);
}

static int64_t window_periods(const struct ccd_series_result *series)
{
    int64_t periods = 0;
    for (size_t i = 0; i < series->window_count; i++) {
        periods += series->windows[i].limit;
    }
    return periods;
}

static int64_t interval_step(const char *name)
{
    for (size_t i = 0; name && i < ccd_interval_count(); i++) {
        if (str_equal(str_from(name), str_from(ccd_interval_at(i).name))) {
            return ccd_interval_at(i).step_s;
        }
    }
    return 1;
}

static void add_plan_row(struct table *table, const struct ccd_series_result *series,
                         int64_t step_s)
{
    add_name_cells(table, series);
    table_add_text(table, ccd_series_state_name(series->state));
    if (series->window_count > 0) {
        char time[32];
        int64_t first = series->windows[0].from_ts;
        int64_t last = series->windows[0].to_ts - step_s;
        for (size_t i = 1; i < series->window_count; i++) {
            const struct ccd_window *window = &series->windows[i];
            first = window->from_ts < first ? window->from_ts : first;
            last = window->to_ts - step_s > last ? window->to_ts - step_s : last;
        }
        table_add_text(table, time_format_short(first, time));
        table_add_text(table, time_format_short(last, time));
    } else {
        table_add_text(table, "-");
        table_add_text(table, "-");
    }
    table_add_int(table, (int64_t)series->window_count);
    table_add_int(table, series->calls);
    table_add_int(table, window_periods(series));
}

static void add_series_plan(struct buf *out, const struct ccd_operation *operation, bool all)
{
    static const struct table_column COLUMNS[] = {
        {"market", false},       {"instrument", false}, {"state", false}, {"first missing", false},
        {"last missing", false}, {"windows", true},     {"calls", true},  {"rows", true},
    };
    size_t shown = operation->series_count;
    if (!all && shown > SERIES_SHOWN_MAX) {
        shown = SERIES_SHOWN_MAX;
    }
    int64_t step_s = interval_step(operation->interval);
    struct table table;
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < shown; i++) {
        add_plan_row(&table, &operation->series[i], step_s);
    }
    if (shown > 0) {
        table_print(&table, out);
    }
    if (shown < operation->series_count) {
        int64_t calls = 0;
        int64_t rows = 0;
        for (size_t i = shown; i < operation->series_count; i++) {
            calls += operation->series[i].calls;
            rows += window_periods(&operation->series[i]);
        }
        buf_printf(out, "and %zu series, %" PRId64 " calls, %" PRId64 " rows (-v lists them)\n",
                   operation->series_count - shown, calls, rows);
    }
    table_release(&table);
}

static void add_plan_operation(struct buf *out, const struct ccd_operation *operation, bool all)
{
    add_heading(out, operation);
    if (operation->series_count > 0) {
        add_series_plan(out, operation, all);
    }
    lists_add_plan(out, operation, all);
    buf_add_char(out, '\n');
}

static void add_quota_share(struct buf *out, const char *window, double share)
{
    if (share < 0) {
        buf_printf(out, "no limit per %s is set\n", window);
    } else {
        buf_printf(out, "%.*f %% of the quota of %s %s\n", share < 10 ? 2 : 0, share,
                   window[0] == 'h' ? "an" : "a", window);
    }
}

void cli_report_add_plan(struct buf *out, const struct ccd_report *report, int exit_code, bool all)
{
    char duration[DURATION_BYTES];
    add_route(out, report);
    for (size_t i = 0; i < report->operation_count; i++) {
        add_plan_operation(out, &report->operations[i], all);
    }
    add_outcome(out, report, exit_code);
    buf_printf(out, ", %" PRId64 " calls, %" PRId64 " rows", report->calls, report->rows_planned);
    if (report->eta_s >= 0) {
        buf_printf(out, ", about %s", term_duration(report->eta_s * 1000, duration));
    }
    add_metadata_calls(out, report);
    buf_add_char(out, '\n');
    add_quota_share(out, "hour", report->quota_share_hour);
    add_quota_share(out, "day", report->quota_share_day);
    buf_add_text(out, "nothing was written\n");
    causes_add(out, report, all);
}
