#include "fake_ccdata.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ccdata/alerts.h>
#include <ccdata/health.h>
#include <ccdata/metrics.h>
#include <ccdata/schedule.h>
#include <ccdata/serve.h>

#include "base/error.h"
#include "base/str.h"
#include "fake_stored.h"

struct ccd_client {
    const struct ccd_options *options;
    ccd_log_fn *log;
    void *log_user;
};

struct fake fake;
static struct ccd_client the_client;

void fake_reset(void)
{
    fake_stored_reset();
    fake = (struct fake){
        .report = {.status = "complete"},
        .batch_jobs = {CCD_JOB_INIT, CCD_JOB_INIT, CCD_JOB_INIT},
        .batch_job_count = 3,
        .copy_report = {.status = "complete", .from = "sqlite:a.db", .to = "sqlite:b.db"},
        .diff_report = {.status = "complete", .left = "sqlite:a.db", .right = "sqlite:b.db"},
        .selftest_report = {.status = "complete", .database = "sqlite:a.db"},
    };
}

static void append(char *text, const char *separator, const char *more)
{
    size_t len = strlen(text);
    str_print(text + len, FAKE_TEXT_BYTES - len, "%s%s", separator, more ? more : "-");
}

static void log_lines(const struct fake_line *lines)
{
    for (size_t i = 0; i < 4 && lines[i].text; i++)
        the_client.log(the_client.log_user, &(struct ccd_log_line){.level = lines[i].level,
                                                                   .text = lines[i].text});
}

const char *ccd_version(void)
{
    return "0.1.0";
}

const char *ccd_libraries(void)
{
    return "fake 1.0";
}

int ccd_open(const struct ccd_options *options, struct ccd_client **out_client,
             struct ccd_error *err)
{
    the_client = (struct ccd_client){.log = options->log, .log_user = options->log_user};
    for (size_t i = 0; i < options->setting_count; i++)
        append(fake.settings, options->settings[i], "\n");
    if (options->env_file)
        append(fake.env_file, "", options->env_file);
    fake.strict = options->strict;
    log_lines(fake.open_lines);
    if (fake.open_error.status != CCD_OK) {
        *err = fake.open_error;
        return (int)err->status;
    }
    fake.opened++;
    *out_client = &the_client;
    return 0;
}

void ccd_close(struct ccd_client *client)
{
    fake.closed += client != NULL;
}

void ccd_stop(struct ccd_client *client)
{
    fake.stops += client == &the_client;
}

const char *ccd_series_state_name(enum ccd_series_state state)
{
    static const char *const NAMES[] = {"planned", "up_to_date",  "complete",   "partial",
                                        "failed",  "not_offered", "interrupted"};
    return NAMES[state];
}

static void remember(const struct ccd_job *job, const struct ccd_run_options *run)
{
    const char *const names[] = {job->data_type,  job->interval, job->market,
                                 job->instrument, job->from,     job->to};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        append(fake.names, i ? " " : "", names[i]);
    for (size_t i = 0; i < job->exchange_count; i++)
        append(fake.exchanges, i ? " " : "", job->exchanges[i]);
    for (size_t i = 0; i < job->instrument_count; i++)
        append(fake.instruments, i ? " " : "", job->instruments[i]);
    for (size_t i = 0; i < job->quote_count; i++)
        append(fake.quotes, i ? " " : "", job->quotes[i]);
    append(fake.choices, "", job->min_grade);
    append(fake.choices, " ", job->exchange_type);
    append(fake.run_command, "", run->command);
    fake.job = *job;
    fake.run = *run;
}

static void raise_signals(void)
{
    for (size_t i = 0; i < 2 && fake.raise[i]; i++) {
        raise(fake.raise[i]);
    }
}

static int run(const struct ccd_job *jobs, size_t job_count, const struct ccd_run_options *options,
               struct ccd_report **out_report, struct ccd_error *err)
{
    fake.job_count = job_count;
    remember(&jobs[0], options);
    for (size_t i = 0; i < fake.progress_count && options->progress; i++)
        options->progress(options->progress_user, &fake.progress[i]);
    log_lines(fake.run_lines);
    raise_signals();
    if (fake.run_error.status != CCD_OK) {
        *err = fake.run_error;
        return (int)err->status;
    }
    *out_report = &fake.report;
    return 0;
}

int ccd_plan(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
             const struct ccd_run_options *options, struct ccd_report **out_report,
             struct ccd_error *err)
{
    fake.planned += client == &the_client;
    return run(jobs, job_count, options, out_report, err);
}

int ccd_ingest(struct ccd_client *client, const struct ccd_job *jobs, size_t job_count,
               const struct ccd_run_options *options, struct ccd_report **out_report,
               struct ccd_error *err)
{
    fake.ingested += client == &the_client;
    return run(jobs, job_count, options, out_report, err);
}

int ccd_batch_parse(const char *text, size_t len, const char *name, struct ccd_batch **out_batch,
                    struct ccd_error *err)
{
    fake.batch_bytes = len;
    str_copy(fake.batch_text, sizeof fake.batch_text, (struct str){text, len});
    append(fake.batch_name, "", name);
    if (fake.batch_error.status != CCD_OK) {
        *err = fake.batch_error;
        return (int)err->status;
    }
    *out_batch = (struct ccd_batch *)fake.batch_jobs;
    return 0;
}

const struct ccd_job *ccd_batch_jobs(const struct ccd_batch *batch, size_t *out_count)
{
    *out_count = fake.batch_job_count;
    return (const struct ccd_job *)batch;
}

void ccd_batch_free(struct ccd_batch *batch)
{
    fake.batches_freed += batch != NULL;
}

void ccd_report_free(struct ccd_report *report)
{
    fake.reports_freed += report != NULL;
}

/* What a copy and a comparison have in common; 0, or the status of run_error. */
static int scan(const char *const urls[2], const char *const *types, size_t type_count,
                ccd_scan_progress_fn *progress, void *progress_user, struct ccd_error *err)
{
    append(fake.urls, "", urls[0]);
    append(fake.urls, " ", urls[1]);
    for (size_t i = 0; i < type_count; i++) {
        append(fake.types, i ? " " : "", types[i]);
    }
    for (size_t i = 0; i < fake.scan_progress_count && progress; i++) {
        progress(progress_user, &fake.scan_progress[i]);
    }
    raise_signals();
    if (fake.run_error.status != CCD_OK) {
        *err = fake.run_error;
    }
    return (int)fake.run_error.status;
}

int ccd_copy(struct ccd_client *client, const struct ccd_copy_options *options,
             struct ccd_copy_report **out_report, struct ccd_error *err)
{
    fake.copied += client == &the_client;
    fake.copy = *options;
    const char *const urls[] = {options->from, options->to};
    int status = scan(urls, options->types, options->type_count, options->progress,
                      options->progress_user, err);
    if (status == 0) {
        *out_report = &fake.copy_report;
    }
    return status;
}

void ccd_copy_report_free(struct ccd_copy_report *report)
{
    fake.reports_freed += report != NULL;
}

int ccd_diff(struct ccd_client *client, const struct ccd_diff_options *options,
             struct ccd_diff_report **out_report, struct ccd_error *err)
{
    fake.compared += client == &the_client;
    fake.diff = *options;
    const char *const urls[] = {options->left, options->right};
    int status = scan(urls, options->types, options->type_count, options->progress,
                      options->progress_user, err);
    if (status == 0) {
        *out_report = &fake.diff_report;
    }
    return status;
}

void ccd_diff_report_free(struct ccd_diff_report *report)
{
    fake.reports_freed += report != NULL;
}

const char *ccd_difference_kind_name(enum ccd_difference_kind kind)
{
    static const char *const NAMES[] = {"rows",  "coverage",   "series",
                                        "names", "attributes", "instruments"};
    return NAMES[kind];
}

int ccd_selftest(struct ccd_client *client, const struct ccd_selftest_options *options,
                 struct ccd_selftest_report **out_report, struct ccd_error *err)
{
    fake.selftest = *options;
    fake.tested += client == &the_client;
    raise_signals();
    if (fake.run_error.status != CCD_OK) {
        *err = fake.run_error;
        return (int)err->status;
    }
    *out_report = &fake.selftest_report;
    return 0;
}

void ccd_selftest_report_free(struct ccd_selftest_report *report)
{
    fake.reports_freed += report != NULL;
}

const char *ccd_step_state_name(enum ccd_step_state state)
{
    static const char *const NAMES[] = {"ok", "failed", "skipped"};
    return NAMES[state];
}

static const struct ccd_column_info CANDLE_COLUMNS[] = {
    {NULL, "ts", "TIMESTAMP", "time", "key", "s", "Start of the period.", "ID"},
    {NULL, "base", "BASE", "text", "series", "", "The asset that is bought | sold.", "MAPPING"},
    {NULL, "close", "CLOSE", "number", "value", "price",
     "The last price of the period, which is the price of the last trade before the period ended, "
     "in units of the quote asset.",
     "OHLC"},
};

static const struct ccd_column_info LIST_COLUMNS[] = {
    {"spot_instruments", "market", "", "text", "key", "", "The market.", "ID"},
    {"instrument_aliases", "alias", "ALIAS", "text", "key", "", "Another name.", "ID"},
};

static const struct ccd_type_info TYPES[] = {
    {"spot_ohlcv", "Spot OHLCV candles", "Vendor documentation, 2025", "/spot/v1/historical/{unit}",
     true, 3},
    {"spot_instruments", "Spot instruments", "Vendor documentation, 2025",
     "/spot/v1/markets/instruments", false, 2},
};

size_t ccd_type_count(void)
{
    return sizeof TYPES / sizeof TYPES[0];
}

struct ccd_type_info ccd_type_at(size_t index)
{
    return TYPES[index];
}

struct ccd_column_info ccd_type_column_at(size_t type_index, size_t column_index)
{
    return type_index == 0 ? CANDLE_COLUMNS[column_index] : LIST_COLUMNS[column_index];
}

size_t ccd_type_find(const char *name, const char **out_nearest)
{
    *out_nearest = TYPES[0].name;
    for (size_t i = 0; i < ccd_type_count(); i++)
        if (str_distance(str_from(name), str_from(TYPES[i].name)) == 0)
            return i;
    return SIZE_MAX;
}

static const struct ccd_interval_info INTERVALS[] = {
    {"1d", 86400, 5000}, {"1h", 3600, 2000}, {"1m", 60, 2000}};

struct ccd_interval_info ccd_interval_at(size_t index)
{
    return INTERVALS[index];
}

size_t ccd_interval_count(void)
{
    return sizeof INTERVALS / sizeof INTERVALS[0];
}

size_t ccd_batch_key_count(void)
{
    return 3;
}

struct ccd_batch_key ccd_batch_key_at(size_t index)
{
    static const struct ccd_batch_key KEYS[] = {
        {.name = "data_type", .form = "text: a data type"},
        {.name = "pair_limit", .form = "whole number", .min = 1, .max = 9},
        {.name = "min_grade", .form = "text", .choice_at = ccd_grade_at},
    };
    return KEYS[index];
}

bool ccd_batch_key_fits(size_t key_index, size_t type_index)
{
    return key_index == 0 || type_index == 0;
}

const char *ccd_grade_at(size_t index)
{
    static const char *const GRADES[] = {"AA", "BB", "F"};
    return index < sizeof GRADES / sizeof GRADES[0] ? GRADES[index] : NULL;
}

const char *ccd_exchange_type_at(size_t index)
{
    static const char *const TYPES_OF_EXCHANGES[] = {"spot", "all"};
    return index < 2 ? TYPES_OF_EXCHANGES[index] : NULL;
}

int ccd_schema_sql(const char *dialect, bool legacy_views, char **out_text, struct ccd_error *err)
{
    if (strcmp(dialect, "sqlite") != 0)
        return error_set(err, CCD_USAGE, "no dialect '%s'; there is sqlite", dialect);
    *out_text = strdup(legacy_views ? "CREATE VIEW cc_ohlcv_spot_1d_raw AS SELECT 1;\n"
                                    : "CREATE TABLE dim_series (series_id INTEGER);\n");
    return *out_text ? 0 : error_set(err, CCD_NO_MEMORY, "no memory");
}

int ccd_schema_dialect(struct ccd_client *client, const char **out_dialect, struct ccd_error *err)
{
    (void)client;
    (void)err;
    *out_dialect = "sqlite";
    return 0;
}

int ccd_schema_create(struct ccd_client *client, bool legacy_views, struct ccd_error *err)
{
    (void)client;
    fake.created++;
    fake.legacy_views = legacy_views;
    if (fake.run_error.status != CCD_OK)
        *err = fake.run_error;
    return (int)fake.run_error.status;
}

int ccd_schema_check(struct ccd_client *client, ccd_schema_difference_fn *found, void *user,
                     struct ccd_error *err)
{
    (void)client;
    fake.checked++;
    for (size_t i = 0; i < fake.difference_count; i++)
        found(user, &fake.differences[i]);
    if (fake.run_error.status != CCD_OK)
        *err = fake.run_error;
    return (int)fake.run_error.status;
}

void ccd_text_free(char *text)
{
    free(text);
}

size_t ccd_setting_count(void)
{
    return 3;
}

struct ccd_setting_info ccd_setting_at(size_t index)
{
    static const struct ccd_setting_info INFOS[] = {
        {.name = "LOG_LEVEL", .type = "choice", .default_value = "INFO", .description = "level"},
        {.name = "CCDATA_API_KEY", .type = "secret", .description = "key", .secret = true},
        {.name = "LOG_CONSOLE_ENABLED", .type = "bool", .default_value = "true"},
    };
    return INFOS[index];
}

int ccd_settings_check(struct ccd_client *client, struct ccd_error *err)
{
    (void)client, (void)err;
    return 0;
}

const char *ccd_setting_value(const struct ccd_client *client, const char *name,
                              const char **out_source)
{
    (void)client;
    if (out_source)
        *out_source = "environment";
    if (strcmp(name, "LOG_CONSOLE_ENABLED") == 0)
        return "true";
    return strcmp(name, "LOG_LEVEL") == 0 ? fake.log_level : NULL;
}

int ccd_quota_read(struct ccd_client *client, const struct ccd_quota_options *options,
                   struct ccd_quota_report **out_report, struct ccd_error *err)
{
    (void)client;
    fake.quota_options = *options;
    *err = fake.run_error;
    *out_report = &fake.quota_report;
    return (int)fake.run_error.status;
}

void ccd_quota_free(struct ccd_quota_report *report)
{
    (void)report;
}

bool ccd_schedule_is_set(const struct ccd_job *job)
{
    return job->data_type != NULL;
}

int ccd_schedule_next(const struct ccd_job *job, int64_t after_utc_s, int64_t settle_s,
                      int64_t *out_utc_s, struct ccd_error *err)
{
    (void)job, (void)settle_s, (void)err;
    *out_utc_s = after_utc_s + 3600;
    return 0;
}

bool ccd_state_directory(char *out, size_t capacity_bytes)
{
    (void)out, (void)capacity_bytes;
    return false;
}

int ccd_metrics_text(struct ccd_client *client, ccd_metrics_write_fn *write, void *user,
                     struct ccd_error *err)
{
    (void)client, (void)err;
    return write(user, "ccdata_series 1\n", 16);
}

int ccd_metrics_write_file(struct ccd_client *client, const char *path, struct ccd_error *err)
{
    (void)client, (void)path, (void)err;
    return 0;
}

int ccd_metrics_refresh(struct ccd_client *client, struct ccd_error *err)
{
    (void)client, (void)err;
    return 0;
}

int ccd_metrics_reference(char **out_text, struct ccd_error *err)
{
    *out_text = NULL;
    return error_set(err, CCD_NO_MEMORY, "no memory for the metrics");
}

int ccd_server_start_configured(struct ccd_client *client, struct ccd_server **out_server,
                                struct ccd_error *err)
{
    (void)client, (void)out_server;
    return error_set(err, CCD_CONFIG, "no listener here");
}

const char *ccd_server_address(const struct ccd_server *server)
{
    (void)server;
    return "";
}

void ccd_server_on_metrics(struct ccd_server *server, ccd_server_body_fn *body, void *user)
{
    (void)server, (void)body, (void)user;
}

int ccd_server_publish(struct ccd_server *server, const char *route, int http_status,
                       const char *json, struct ccd_error *err)
{
    (void)server, (void)route, (void)http_status, (void)json, (void)err;
    return 0;
}

void ccd_server_stop(struct ccd_server *server)
{
    (void)server;
}

bool ccd_alerts_enabled(const struct ccd_client *client)
{
    (void)client;
    return false;
}

int ccd_alerts_after_run(struct ccd_client *client, const char *command,
                         const struct ccd_job *jobs, size_t job_count,
                         const struct ccd_report *report, const struct ccd_error *why,
                         struct ccd_error *err)
{
    (void)client, (void)command, (void)jobs, (void)job_count, (void)report, (void)why, (void)err;
    return 0;
}

int ccd_alerts_read(struct ccd_client *client, struct ccd_alert_list **out_list,
                    struct ccd_error *err)
{
    static struct ccd_alert_list none;
    (void)client, (void)err;
    *out_list = &none;
    return 0;
}

void ccd_alerts_free(struct ccd_alert_list *list)
{
    (void)list;
}

const char *ccd_alert_receiver_at(size_t index)
{
    return index == 0 ? "log" : NULL;
}

bool ccd_alert_receiver_is_set(const struct ccd_client *client, size_t index)
{
    (void)client;
    return index == 0;
}

int ccd_alert_receiver_try(struct ccd_client *client, size_t index, struct ccd_error *err)
{
    (void)client, (void)index, (void)err;
    return 0;
}

const char *ccd_verdict_name(enum ccd_verdict verdict)
{
    static const char *const NAMES[] = {"ok", "unknown", "warning", "failed"};
    return NAMES[verdict];
}

int ccd_health_read(struct ccd_client *client, const struct ccd_health_options *options,
                    struct ccd_health **out_health, struct ccd_error *err)
{
    static const struct ccd_health_check checks[] = {
        {.name = "database", .detail = "Connection successful: sqlite:t.db", .duration_ms = 2},
        {.name = "clock",
         .verdict = CCD_VERDICT_FAILED,
         .detail = "this host is 90 s behind\x1b[1m the vendor",
         .advice = "let NTP set the clock"},
    };
    static struct ccd_health health;
    (void)client, (void)options;
    health = (struct ccd_health){.verdict = fake.clock_is_wrong ? CCD_VERDICT_FAILED : 0,
                                 .exit_code = fake.clock_is_wrong ? 12 : 0,
                                 .checks = checks,
                                 .check_count = fake.clock_is_wrong ? 2 : 1,
                                 .checked_utc_s = 1772366400};
    *err = fake.run_error;
    *out_health = &health;
    return (int)fake.run_error.status;
}

void ccd_health_free(struct ccd_health *health)
{
    (void)health;
}

int ccd_settings_file(const struct ccd_setting_choice *choices, size_t count, char **out_text,
                      struct ccd_error *err)
{
    (void)choices, (void)count;
    *out_text = NULL;
    return error_set(err, CCD_NO_MEMORY, "no memory for a settings file");
}

const char *ccd_finding_kind_name(enum ccd_finding_kind kind)
{
    static const char *const NAMES[CCD_FINDING_COUNT] = {"impossible", "outside", "jump",
                                                         "misaligned", "lost",    "changed",
                                                         "late",       "gone"};
    return NAMES[kind];
}

int ccd_verify(struct ccd_client *client, const struct ccd_job *job,
               const struct ccd_run_options *run, const struct ccd_verify_options *options,
               bool plan, struct ccd_verify_report **out_report, struct ccd_error *err)
{
    (void)client, (void)job, (void)run, (void)plan;
    fake.verify_options = *options;
    *err = fake.run_error;
    *out_report = &fake.verify_report;
    return (int)fake.run_error.status;
}

void ccd_verify_free(struct ccd_verify_report *report)
{
    (void)report;
}
