#include "cli/json.h"
#include "cli/report.h"

static void add_windows(struct json *j, const struct ccd_series_result *series)
{
    json_open_list(j, "windows");
    for (size_t i = 0; i < series->window_count; i++) {
        json_open_object(j, NULL);
        json_add_time(j, "from", series->windows[i].from_ts);
        json_add_time(j, "to", series->windows[i].to_ts);
        json_add_int(j, "limit", series->windows[i].limit);
        json_close_object(j);
    }
    json_close_list(j);
}

static void add_wanted_range(struct json *j, const struct ccd_series_result *series)
{
    if (series->from_ts == series->to_ts) {
        json_add_null(j, "from");
        json_add_null(j, "to");
    } else {
        json_add_time(j, "from", series->from_ts);
        json_add_time(j, "to", series->to_ts);
    }
}

static void add_series(struct json *j, const struct ccd_series_result *series, bool is_plan)
{
    json_open_object(j, NULL);
    json_add_text(j, "market", series->market);
    json_add_text(j, "instrument", series->instrument);
    json_add_text(j, "mapped_instrument", series->mapped_instrument);
    json_add_text(j, "state", ccd_series_state_name(series->state));
    json_add_int(j, "rank", series->rank);
    add_wanted_range(j, series);
    json_add_int(j, "wanted", series->wanted);
    json_add_int(j, "stored", series->stored);
    json_add_int(j, "fetched", series->fetched);
    json_add_int(j, "provisional", series->provisional);
    json_add_int(j, "empty", series->empty);
    json_add_int(j, "rejected", series->rejected);
    json_add_int(j, "pending", series->pending);
    json_add_int(j, "failed", series->failed);
    json_add_int(j, "calls", series->calls);
    if (is_plan)
        add_windows(j, series);
    json_add_error(j, "error", &series->error);
    json_close_object(j);
}

static void add_list(struct json *j, const struct ccd_list_result *list)
{
    json_open_object(j, NULL);
    json_add_text(j, "table", list->table);
    json_add_text(j, "market", list->market);
    json_add_text(j, "state", ccd_series_state_name(list->state));
    json_add_int(j, "listed", list->listed);
    json_add_int(j, "added", list->added);
    json_add_int(j, "changed", list->changed);
    json_add_int(j, "unchanged", list->unchanged);
    json_add_int(j, "gone", list->gone);
    json_add_int(j, "refused", list->refused);
    json_add_text(j, "first_refusal", list->first_refusal);
    json_add_int(j, "unknown_keys", list->unknown_keys);
    json_add_text(j, "first_unknown_key", list->first_unknown_key);
    if (list->calls < 0)
        json_add_null(j, "calls");
    else
        json_add_int(j, "calls", list->calls);
    json_add_error(j, "error", &list->error);
    json_close_object(j);
}

/* Candles have series, metadata has lists. */
static void add_operation(struct json *j, const struct ccd_operation *operation, bool is_plan)
{
    json_open_object(j, NULL);
    json_add_text(j, "data_type", operation->data_type);
    json_add_text(j, "interval", operation->interval);
    json_add_int(j, "exit_code", operation->exit_code);
    json_add_bool(j, "not_started", operation->not_started);
    if (!is_plan) {
        json_add_int(j, "calls", operation->calls);
        json_add_int(j, "rows_fetched", operation->rows_fetched);
        json_add_int(j, "rows_written", operation->rows_written);
        json_add_number(j, "duration_seconds", (double)operation->duration_ms / 1000.0);
    }
    json_open_list(j, "series");
    for (size_t i = 0; i < operation->series_count; i++)
        add_series(j, &operation->series[i], is_plan);
    json_close_list(j);
    json_open_list(j, "lists");
    for (size_t i = 0; i < operation->list_count; i++)
        add_list(j, &operation->lists[i]);
    json_close_list(j);
    json_add_error(j, "error", &operation->error);
    json_close_object(j);
}

static void add_operations(struct json *j, const struct ccd_report *report, bool is_plan)
{
    json_open_list(j, "operations");
    for (size_t i = 0; i < report->operation_count; i++)
        add_operation(j, &report->operations[i], is_plan);
    json_close_list(j);
}

static void add_share(struct json *j, const char *key, double share)
{
    if (share < 0)
        json_add_null(j, key);
    else
        json_add_number(j, key, share);
}

static void add_totals(struct json *j, const struct ccd_report *report, bool is_plan)
{
    json_open_object(j, "totals");
    json_add_int(j, "series", (int64_t)cli_report_series_count(report));
    json_add_int(j, "lists", (int64_t)lists_count(report));
    json_add_int(j, "calls", report->calls);
    json_add_int(j, "metadata_calls", report->metadata_calls);
    if (is_plan) {
        json_add_int(j, "rows", report->rows_planned);
        add_share(j, "quota_share_hour", report->quota_share_hour);
        add_share(j, "quota_share_day", report->quota_share_day);
        if (report->eta_s < 0)
            json_add_null(j, "eta_seconds");
        else
            json_add_int(j, "eta_seconds", report->eta_s);
    } else {
        json_add_int(j, "rows_fetched", report->rows_fetched);
        json_add_int(j, "rows_written", report->rows_written);
        json_add_int(j, "rows_unchanged", report->rows_unchanged);
        json_add_int(j, "rows_changed", report->rows_changed);
        json_add_int(j, "bytes", report->bytes);
        json_add_int(j, "cache_hits", report->cache_hits);
        json_add_number(j, "duration_seconds", (double)report->duration_ms / 1000.0);
    }
    json_close_object(j);
}

void cli_report_add_json(struct buf *out, const struct ccd_report *report, const char *command,
                         int exit_code, bool is_plan)
{
    struct json j;
    json_begin(&j, out, command, report->status, exit_code);
    json_add_text(&j, "vendor", report->vendor);
    json_add_text(&j, "database", report->database);
    add_operations(&j, report, is_plan);
    add_totals(&j, report, is_plan);
    json_add_int(&j, "records_processed", report->rows_fetched);
    json_add_int(&j, "records_inserted", report->rows_written);
    if (report->resume_utc_s > 0)
        json_add_time(&j, "resume_at", report->resume_utc_s);
    else
        json_add_null(&j, "resume_at");
    json_add_error(&j, "error", &report->error);
    json_end(&j);
}
