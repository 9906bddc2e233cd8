#include <inttypes.h>

#include "base/time.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/term.h"

enum { MESSAGES_PER_CAUSE = 5 };

/* What to do when a run ends with this: messages say what happened, this how it goes on. */
static const char *const NEXT_STEPS[CCD_STATUS_COUNT] = {
    [CCD_USAGE] = "correct the command line; 'ccdata COMMAND --help' lists the options",
    [CCD_CONFIG] = "correct the setting, then run the same command again",
    [CCD_NO_MEMORY] = "lower --parallel_workers, then run the same command again",
    [CCD_INTERNAL] = "run the same command with -v and report what it prints",
    [CCD_KEY_REJECTED] = "set CCDATA_API_KEY to a valid key, then run the same command again",
    [CCD_THROTTLED] = "run the same command later",
    [CCD_QUOTA_EXHAUSTED] = "run the same command again, with a larger --max_calls to go further",
    [CCD_NETWORK] = "check the network and DATA_API_BASE_URL, then run the same command again",
    [CCD_TLS] =
        "check the clock and the CA certificates of this host, then run the same command again",
    [CCD_VENDOR_UNAVAILABLE] = "run the same command later; what is stored stays",
    [CCD_BAD_REPLY] = "run the same command later; the log with -v and the table "
                      "ccdata_quarantine show what was refused",
    [CCD_BAD_REQUEST] = "check the names and the time range",
    [CCD_UNKNOWN_AT_VENDOR] = "check the name; native and mapped ids of the vendor are understood",
    [CCD_DATABASE_UNREACHABLE] =
        "check the database URL and that the server runs, then run the same "
        "command again",
    [CCD_DATABASE_BUSY] = "run the same command when the other user of the database is done",
    [CCD_DATABASE_SCHEMA] = "compare the tables with what 'ccdata schema' prints",
    [CCD_DATABASE_PERMISSION] =
        "give the database user the right to create, read and write the tables",
    [CCD_DATABASE_DATA] = "run the same command with -v and report what it prints",
    [CCD_DISK] = "make room or repair the disk, then run the same command again",
    [CCD_LOCKED] = "run the same command when the other run is done, or with a larger --lock_wait",
    [CCD_CHECK_FAILED] = "see the report",
    [CCD_INTERRUPTED] = "run the same command again: it goes on from there",
};

static void add_next_step(struct buf *out, const struct ccd_report *report, enum ccd_status status)
{
    char time[32];
    if (status == CCD_QUOTA_EXHAUSTED && report->resume_utc_s > 0) {
        buf_printf(out, "run the same command after %s, or with --wait",
                   time_format_iso(report->resume_utc_s, time));
    } else {
        buf_add_text(out, NEXT_STEPS[status] ? NEXT_STEPS[status] : NEXT_STEPS[CCD_INTERNAL]);
    }
}

/* "market instrument: message"; messages that name the instrument already are not prefixed. */
static void add_series_message(struct buf *out, const struct ccd_series_result *series)
{
    struct str message = str_from(cli_error_text(&series->error));
    struct str instrument = str_from(series->instrument);
    if (instrument.len == 0 || str_find(message, instrument) == SIZE_MAX) {
        term_add_escaped(out, str_from(series->market));
        buf_add_char(out, ' ');
        term_add_escaped(out, instrument);
        buf_add_text(out, ": ");
    }
    term_add_escaped(out, message);
}

static void add_list_message(struct buf *out, const struct ccd_list_result *list)
{
    buf_add_text(out, list->table);
    if (list->market) {
        buf_add_char(out, ' ');
        term_add_escaped(out, str_from(list->market));
    }
    buf_add_text(out, ": ");
    term_add_escaped(out, str_from(cli_error_text(&list->error)));
}

static bool has_cause(const struct ccd_series_result *series, enum ccd_status status)
{
    return !cli_report_is_done(series) && series->error.status == status;
}

static bool list_has_cause(const struct ccd_list_result *list, enum ccd_status status)
{
    return !list_is_done(list) && list->error.status == status;
}

/* Whom a cause has kept from being complete. */
struct victims {
    size_t series, lists, operations;
};

static void add_operation_messages(struct buf *out, const struct ccd_operation *operation,
                                   enum ccd_status status)
{
    if (operation->error.status == status) {
        buf_printf(out, "    %s%s%s: ", operation->data_type, operation->interval ? " " : "",
                   operation->interval ? operation->interval : "");
        term_add_escaped(out, str_from(cli_error_text(&operation->error)));
        buf_add_char(out, '\n');
    }
}

/* Messages of series and lists, at most *left of them. */
static void add_part_messages(struct buf *out, const struct ccd_operation *operation,
                              enum ccd_status status, size_t *left)
{
    for (size_t k = 0; k < operation->series_count && *left > 0; k++) {
        if (has_cause(&operation->series[k], status)) {
            buf_add_text(out, "    ");
            add_series_message(out, &operation->series[k]);
            buf_add_char(out, '\n');
            --*left;
        }
    }
    for (size_t k = 0; k < operation->list_count && *left > 0; k++) {
        if (list_has_cause(&operation->lists[k], status)) {
            buf_add_text(out, "    ");
            add_list_message(out, &operation->lists[k]);
            buf_add_char(out, '\n');
            --*left;
        }
    }
}

static void add_title(struct buf *out, enum ccd_status status, const struct victims *victims)
{
    buf_printf(out, "  %s", ccd_status_title(status));
    if (victims->series > 0) {
        buf_printf(out, ", %zu series", victims->series);
    }
    if (victims->lists > 0) {
        buf_printf(out, ", %zu %s", victims->lists, victims->lists == 1 ? "list" : "lists");
    }
    buf_add_char(out, '\n');
}

static void add_cause(struct buf *out, const struct ccd_report *report, enum ccd_status status,
                      const struct victims *victims, bool all)
{
    size_t parts = victims->series + victims->lists;
    size_t left = all || parts < MESSAGES_PER_CAUSE ? parts : MESSAGES_PER_CAUSE;
    size_t hidden = parts - left;
    add_title(out, status, victims);
    for (size_t i = 0; i < report->operation_count; i++) {
        add_operation_messages(out, &report->operations[i], status);
        add_part_messages(out, &report->operations[i], status, &left);
    }
    if (hidden > 0) {
        buf_printf(out, "    and %zu more (-v lists them)\n", hidden);
    }
    buf_add_text(out, "    next: ");
    add_next_step(out, report, status);
    buf_add_char(out, '\n');
}

/* A cause of the run alone, such as a key that was rejected before any series was begun. */
static void add_run_cause(struct buf *out, const struct ccd_report *report)
{
    buf_printf(out, "  %s\n    ", ccd_status_title(report->error.status));
    term_add_escaped(out, str_from(cli_error_text(&report->error)));
    buf_add_text(out, "\n    next: ");
    add_next_step(out, report, report->error.status);
    buf_add_char(out, '\n');
}

static struct victims count_victims(const struct ccd_report *report, enum ccd_status status)
{
    struct victims victims = {0};
    for (size_t i = 0; i < report->operation_count; i++) {
        const struct ccd_operation *operation = &report->operations[i];
        victims.operations += operation->error.status == status;
        for (size_t k = 0; k < operation->series_count; k++) {
            victims.series += has_cause(&operation->series[k], status);
        }
        for (size_t k = 0; k < operation->list_count; k++) {
            victims.lists += list_has_cause(&operation->lists[k], status);
        }
    }
    return victims;
}

void causes_add(struct buf *out, const struct ccd_report *report, bool all)
{
    struct buf causes;
    buf_init(&causes, OUTPUT_MAX_BYTES, NULL);
    for (int i = CCD_OK + 1; i < CCD_STATUS_COUNT; i++) {
        enum ccd_status status = (enum ccd_status)i;
        struct victims victims = count_victims(report, status);
        if (victims.series + victims.lists + victims.operations > 0) {
            add_cause(&causes, report, status, &victims, all);
        } else if (report->error.status == status) {
            add_run_cause(&causes, report);
        }
    }
    if (causes.len > 0) {
        buf_add_text(out, "\nwhy it is not complete:\n");
        buf_add(out, causes.data, causes.len);
    }
    out->failed |= causes.failed;
    buf_release(&causes);
}

static const struct ccd_series_result *first_series(const struct ccd_report *report,
                                                    enum ccd_status status)
{
    for (size_t i = 0; i < report->operation_count; i++) {
        for (size_t k = 0; k < report->operations[i].series_count; k++) {
            if (has_cause(&report->operations[i].series[k], status)) {
                return &report->operations[i].series[k];
            }
        }
    }
    return NULL;
}

static const struct ccd_list_result *first_list(const struct ccd_report *report,
                                                enum ccd_status status)
{
    for (size_t i = 0; i < report->operation_count; i++) {
        for (size_t k = 0; k < report->operations[i].list_count; k++) {
            if (list_has_cause(&report->operations[i].lists[k], status)) {
                return &report->operations[i].lists[k];
            }
        }
    }
    return NULL;
}

void causes_add_line(struct buf *out, const struct ccd_report *report, int exit_code)
{
    enum ccd_status status = report->error.status;
    const struct ccd_series_result *series = first_series(report, status);
    const struct ccd_list_result *list = first_list(report, status);
    buf_printf(out, "%s (exit code %d): ", report->status, exit_code);
    if (series && status != CCD_OK) {
        add_series_message(out, series);
    } else if (list && status != CCD_OK) {
        add_list_message(out, list);
    } else {
        term_add_escaped(out, str_from(cli_error_text(&report->error)));
    }
    if (status != CCD_OK) {
        buf_add_text(out, "; next: ");
        add_next_step(out, report, status);
    }
}
