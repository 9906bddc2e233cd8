#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/status.h"

enum { RUNS_OF_COMMAND = 20 };

static bool has_ended(const struct ccd_stored_run *run)
{
    return run->ended_utc_s != 0;
}

static int64_t count_status(const struct ccd_status_report *report, const char *status)
{
    int64_t count = 0;
    for (size_t i = 0; i < report->run_count; i++)
        count += has_ended(&report->runs[i]) && strcmp(report->runs[i].status, status) == 0;
    return count;
}

void cli_status_add_monitoring(struct json *j, const struct ccd_status_report *report)
{
    static const char *const STATUSES[] = {"complete", "partial", "failed", "interrupted"};
    int64_t open = 0;
    for (size_t i = 0; i < report->run_count; i++)
        open += !has_ended(&report->runs[i]);
    json_open_object(j, "monitoring");
    json_add_bool(j, "enabled", report->monitoring_enabled);
    json_open_object(j, "runs");
    json_add_int(j, "recorded", (int64_t)report->run_count);
    for (size_t i = 0; i < sizeof STATUSES / sizeof STATUSES[0]; i++)
        json_add_int(j, STATUSES[i], count_status(report, STATUSES[i]));
    json_add_int(j, "in_progress", report->active_runs);
    json_add_int(j, "killed", open > report->active_runs ? open - report->active_runs : 0);
    json_close_object(j);
    json_close_object(j);
}

/* ---- performance ---- */

struct figures {
    int64_t durations_ms[RUNS_OF_COMMAND];
    size_t count;
    int64_t complete, rows_written, total_ms;
};

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static double median_s(struct figures *f)
{
    qsort(f->durations_ms, f->count, sizeof f->durations_ms[0], compare);
    int64_t upper = f->durations_ms[f->count / 2];
    int64_t lower = f->durations_ms[(f->count - 1) / 2];
    return ((double)lower + (double)upper) / 2000.0;
}

/* The newest runs stand first. */
static struct figures measure(const struct ccd_status_report *report, const char *command)
{
    struct figures f = {0};
    for (size_t i = 0; i < report->run_count && f.count < RUNS_OF_COMMAND; i++) {
        const struct ccd_stored_run *run = &report->runs[i];
        if (!has_ended(run) || strcmp(run->command, command) != 0)
            continue;
        f.durations_ms[f.count++] = run->duration_ms;
        f.complete += strcmp(run->status, "complete") == 0;
        f.rows_written += run->rows_written;
        f.total_ms += run->duration_ms;
    }
    return f;
}

static void add_command(struct json *j, const struct ccd_status_report *report, const char *command)
{
    struct figures f = measure(report, command);
    if (f.count == 0)
        return;
    json_open_object(j, NULL);
    json_add_text(j, "command", command);
    json_add_int(j, "runs", (int64_t)f.count);
    json_add_number(j, "success_rate", (double)f.complete / (double)f.count);
    json_add_number(j, "median_duration_seconds", median_s(&f));
    if (f.total_ms > 0)
        json_add_number(j, "rows_per_second", (double)f.rows_written * 1000.0 / (double)f.total_ms);
    else
        json_add_null(j, "rows_per_second");
    json_close_object(j);
}

static bool is_first_of_command(const struct ccd_status_report *report, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(report->runs[i].command, report->runs[at].command) == 0)
            return false;
    return true;
}

void cli_status_add_performance(struct json *j, const struct ccd_status_report *report)
{
    json_open_list(j, "performance");
    for (size_t i = 0; i < report->run_count; i++)
        if (is_first_of_command(report, i))
            add_command(j, report, report->runs[i].command);
    json_close_list(j);
}
