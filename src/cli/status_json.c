#include <string.h>

#include "cli/json.h"
#include "cli/status.h"

/* How the envelope of every --json output says it. */
static const char *outcome_of(const struct ccd_status_report *report)
{
    if (strcmp(report->system, "healthy") == 0)
        return "complete";
    return strcmp(report->system, "degraded") == 0 ? "partial" : "failed";
}

/* ---- components ---- */

/* Whether it takes a write is known when it was tried: not where there are no tables yet. */
static void add_database(struct json *j, const struct ccd_status_report *report)
{
    json_open_object(j, "database");
    json_add_text(j, "name", report->database);
    json_add_bool(j, "exists", report->database_exists);
    json_add_bool(j, "reachable", report->database_reachable);
    if (report->schema_version > 0 || report->database_error.status != CCD_OK)
        json_add_bool(j, "writable", report->database_writable);
    else
        json_add_null(j, "writable");
    json_add_known_int(j, "schema_version", report->schema_version, report->schema_version > 0);
    json_add_text(j, "dialect", report->dialect);
    json_add_error(j, "error", &report->database_error);
    json_close_object(j);
}

static void add_vendor(struct json *j, const struct ccd_status_report *report)
{
    json_open_object(j, "vendor");
    json_add_text(j, "name", report->vendor);
    json_add_bool(j, "key_given", report->key_given);
    json_add_bool(j, "checked", report->vendor_checked);
    if (report->vendor_checked) {
        json_add_bool(j, "reachable", report->vendor_reachable);
        json_add_bool(j, "key_valid", report->key_valid);
        json_add_error(j, "error", &report->vendor_error);
    }
    json_close_object(j);
}

static void add_components(struct json *j, const struct ccd_status_report *report)
{
    json_open_object(j, "components");
    add_database(j, report);
    add_vendor(j, report);
    json_open_object(j, "monitoring");
    json_add_bool(j, "enabled", report->monitoring_enabled);
    json_close_object(j);
    json_open_object(j, "caching");
    json_add_bool(j, "enabled", report->caching_enabled);
    json_add_bool(j, "configured", report->caching_enabled);
    json_close_object(j);
    json_close_object(j);
}

/* ---- lists ---- */

static void add_data(struct json *j, const struct ccd_stored_data *data)
{
    bool is_candles = data->interval != NULL;
    json_open_object(j, NULL);
    json_add_text(j, "data_type", data->data_type);
    json_add_text(j, "interval", data->interval);
    json_add_int(j, "rows", data->rows);
    if (is_candles) {
        json_add_int(j, "series", data->series);
        json_add_int(j, "series_behind", data->series_behind);
        json_add_known_time(j, "first", data->first_ts);
        json_add_known_time(j, "last", data->last_ts);
        json_add_int(j, "wanted", data->wanted);
        json_add_int(j, "covered", data->covered);
        if (data->wanted > 0)
            json_add_number(j, "covered_share", (double)data->covered / (double)data->wanted);
        else
            json_add_null(j, "covered_share");
        json_add_known_int(j, "newest_final_age_seconds", data->newest_final_age_s,
                           data->newest_final_age_s >= 0);
    } else {
        json_add_known_time(j, "asked", data->asked_utc_s);
    }
    json_close_object(j);
}

static void add_run(struct json *j, const struct ccd_stored_run *run)
{
    bool has_ended = run->ended_utc_s != 0;
    json_open_object(j, NULL);
    json_add_text(j, "run_id", run->run_id);
    json_add_text(j, "command", run->command);
    json_add_text(j, "status", run->status);
    json_add_time(j, "started", run->started_utc_s);
    json_add_known_time(j, "ended", run->ended_utc_s);
    json_add_known_int(j, "exit_code", run->exit_code, has_ended);
    if (has_ended)
        json_add_number(j, "duration_seconds", (double)run->duration_ms / 1000.0);
    else
        json_add_null(j, "duration_seconds");
    json_add_int(j, "calls", run->calls);
    json_add_int(j, "metadata_calls", run->metadata_calls);
    json_add_int(j, "rows_fetched", run->rows_fetched);
    json_add_int(j, "rows_written", run->rows_written);
    json_add_int(j, "rows_unchanged", run->rows_unchanged);
    json_add_int(j, "rows_changed", run->rows_changed);
    json_add_int(j, "bytes", run->bytes);
    json_add_text(j, "error", run->error);
    json_close_object(j);
}

static void add_operation(struct json *j, const struct ccd_stored_operation *operation)
{
    json_open_object(j, NULL);
    json_add_text(j, "data_type", operation->data_type);
    json_add_text(j, "interval", operation->interval);
    json_add_text(j, "run_id", operation->run_id);
    json_add_text(j, "status", operation->status);
    json_add_time(j, "started", operation->started_utc_s);
    json_add_int(j, "exit_code", operation->exit_code);
    json_add_number(j, "duration_seconds", (double)operation->duration_ms / 1000.0);
    json_add_int(j, "calls", operation->calls);
    json_add_int(j, "rows_fetched", operation->rows_fetched);
    json_add_int(j, "rows_written", operation->rows_written);
    json_add_text(j, "error", operation->error);
    json_close_object(j);
}

static void add_quota(struct json *j, const struct ccd_status_report *report)
{
    json_open_object(j, "quota");
    for (size_t i = 0; i < report->quota_count; i++) {
        const struct ccd_quota_window *window = &report->quota[i];
        json_open_object(j, window->window);
        json_add_known_int(j, "limit", window->limit, window->limit > 0);
        json_add_int(j, "used", window->used);
        json_add_known_int(j, "left", window->left, window->left >= 0);
        json_close_object(j);
    }
    json_close_object(j);
}

static void add_lists(struct json *j, const struct ccd_status_report *report)
{
    json_open_list(j, "data");
    for (size_t i = 0; i < report->data_count; i++)
        add_data(j, &report->data[i]);
    json_close_list(j);
    json_open_list(j, "runs");
    for (size_t i = 0; i < report->run_count && i < STATUS_RUNS_SHOWN; i++)
        add_run(j, &report->runs[i]);
    json_close_list(j);
    json_open_list(j, "operations");
    for (size_t i = 0; i < report->operation_count; i++)
        add_operation(j, &report->operations[i]);
    json_close_list(j);
    add_quota(j, report);
}

static void add_cache(struct json *j, const struct ccd_status_report *report)
{
    json_open_object(j, "cache");
    json_add_bool(j, "enabled", report->caching_enabled);
    json_add_bool(j, "configured", report->caching_enabled);
    json_add_text(j, "backend", report->cache_backend);
    json_add_int(j, "default_ttl_seconds", report->cache_lifetime_s);
    json_add_int(j, "max_memory_entries", report->cache_entries_max);
    bool known = report->cache_counted_utc_s > 0;
    json_add_known_int(j, "hits", report->cache_hits, known);
    json_add_known_int(j, "misses", report->cache_misses, known);
    json_add_known_int(j, "errors", report->cache_errors, known);
    json_add_known_time(j, "counted_at", report->cache_counted_utc_s);
    json_close_object(j);
}

void cli_status_add_json(struct buf *out, const struct ccd_status_report *report,
                         const char *command)
{
    struct json j;
    json_begin(&j, out, command, outcome_of(report), report->exit_code);
    json_add_time(&j, "timestamp", report->now_utc_s);
    json_add_text(&j, "version", ccd_version());
    json_add_text(&j, "system", report->system);
    json_open_list(&j, "reasons");
    for (size_t i = 0; i < report->reason_count; i++)
        json_add_text(&j, NULL, report->reasons[i]);
    json_close_list(&j);
    add_components(&j, report);
    json_add_int(&j, "api_clients", report->api_clients);
    json_add_int(&j, "active_ingestors", report->active_runs);
    add_lists(&j, report);
    if (report->monitoring_enabled) {
        cli_status_add_monitoring(&j, report);
        cli_status_add_performance(&j, report);
    }
    if (report->caching_enabled)
        add_cache(&j, report);
    json_add_number(&j, "duration_seconds", (double)report->duration_ms / 1000.0);
    json_end(&j);
}
