#include "api/health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "api/status.h"

/* A week of a command each hour does not hide that of one a week. */
enum { REPORT_MAX_BYTES = 1 << 20, TEXT_MAX_BYTES = 4096, RUNS_READ = 1000 };

static const char *const verdict_names[] = {
    [CCD_VERDICT_OK] = "ok",
    [CCD_VERDICT_UNKNOWN] = "unknown",
    [CCD_VERDICT_WARNING] = "warning",
    [CCD_VERDICT_FAILED] = "failed",
};

const char *ccd_verdict_name(enum ccd_verdict verdict)
{
    return (unsigned)verdict <= CCD_VERDICT_FAILED ? verdict_names[verdict] : "unknown";
}

static int no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for a report of health");
}

void health_found(struct health *h, struct ccd_health_check *check, enum ccd_verdict verdict,
                  const char *advice, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    struct buf buf;
    va_list args;
    if (check->detail && verdict <= check->verdict)
        return;
    buf_init(&buf, TEXT_MAX_BYTES - 1, NULL);
    va_start(args, format);
    buf_vprintf(&buf, format, args);
    va_end(args);
    str_copy(text, sizeof(text), buf_str(&buf));
    buf_release(&buf);
    redact(&h->client->redactor, text);
    check->verdict = verdict;
    check->detail = arena_copy_text(&h->arena, str_from(text));
    check->advice = advice ? arena_copy_text(&h->arena, str_from(advice)) : NULL;
    h->failed |= !check->detail || (advice && !check->advice);
}

static const char *text_of(const struct ccd_error *err)
{
    return err->message[0] ? err->message : ccd_status_title(err->status);
}

/* ---- what the database says ---- */

static void check_database(struct health *h, struct ccd_health_check *check)
{
    const struct ccd_status_report *r = h->status;
    check->status = r->database_error.status;
    if (!r->database_reachable)
        health_found(h, check, CCD_VERDICT_FAILED,
                     "see whether it runs and whether URL, user and password are right",
                     "%s cannot be reached: %s", r->database, text_of(&r->database_error));
    else if (r->database_error.status == CCD_DATABASE_BUSY)
        health_found(h, check, CCD_VERDICT_FAILED,
                     "wait, or end the process that holds it (lsof, or the server's list)",
                     "%s is locked: %s", r->database, text_of(&r->database_error));
    else if (r->database_error.status == CCD_DATABASE_SCHEMA)
        health_found(h, check, CCD_VERDICT_FAILED, "run: ccdata schema --check",
                     "%s cannot be used: %s", r->database, text_of(&r->database_error));
    else if (r->database_error.status != CCD_OK)
        health_found(h, check, CCD_VERDICT_FAILED,
                     "make the database, or give its user the right to read and write",
                     "%s cannot be used: %s", r->database, text_of(&r->database_error));
    else if (!r->database_exists)
        health_found(h, check, CCD_VERDICT_OK, NULL, "%s: the first run makes the tables",
                     r->database);
    else
        health_found(h, check, CCD_VERDICT_OK, NULL, "Connection successful: %s (%s)", r->database,
                     r->dialect ? r->dialect : "unknown");
}

struct differences {
    struct health *h;
    struct ccd_health_check *check;
    size_t count;
};

static void add_difference(void *user, const struct ccd_schema_difference *difference)
{
    struct differences *d = user;
    if (d->count++ == 0)
        health_found(d->h, d->check, CCD_VERDICT_FAILED, "run: ccdata schema --check", "%s: %s",
                     difference->object, difference->what);
}

/* What is not there and what could not be read are two things. */
static bool is_unread(struct health *h, struct ccd_health_check *check)
{
    bool is_read = h->status->database_reachable && h->status->database_error.status == CCD_OK;
    if (!is_read)
        health_found(h, check, CCD_VERDICT_UNKNOWN, NULL, "the database could not be read");
    return !is_read;
}

static void check_schema(struct health *h, struct ccd_health_check *check)
{
    struct differences d = {.h = h, .check = check};
    struct ccd_error err = {0};
    bool is_other = h->status->database_error.status == CCD_DATABASE_SCHEMA;
    if (!is_other && is_unread(h, check))
        return;
    if (!h->status->database_exists) {
        health_found(h, check, CCD_VERDICT_UNKNOWN, NULL, "there are no tables yet");
        return;
    }
    int status = ccd_schema_check(h->client, add_difference, &d, &err);
    check->status = d.count > 0 ? CCD_DATABASE_SCHEMA : (enum ccd_status)status;
    if (status != 0)
        health_found(h, check, CCD_VERDICT_FAILED, "run: ccdata schema --check", "%s",
                     text_of(&err));
    else if (d.count == 0)
        health_found(h, check, CCD_VERDICT_OK, NULL, "version %" PRId64, h->status->schema_version);
}

static void check_freshness(struct health *h, struct ccd_health_check *check)
{
    const struct ccd_status_report *r = h->status;
    if (is_unread(h, check))
        return;
    for (size_t i = 0; i < r->data_count; i++) {
        const struct ccd_stored_data *d = &r->data[i];
        check->status = d->series_behind > 0 ? CCD_CHECK_FAILED : check->status;
        if (d->series_behind > 0)
            health_found(h, check, CCD_VERDICT_FAILED, "run it: ccdata status shows the times",
                         "%s %s: %" PRId64 " of %" PRId64 " series are behind", d->data_type,
                         d->interval ? d->interval : "", d->series_behind, d->series);
    }
    if (r->data_count == 0)
        health_found(h, check, CCD_VERDICT_UNKNOWN, NULL, "nothing is stored yet");
    else
        health_found(h, check, CCD_VERDICT_OK, NULL, "nothing is behind");
}

static bool is_newest_of_command(const struct ccd_status_report *r, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(r->runs[i].command, r->runs[at].command) == 0)
            return false;
    return true;
}

static bool is_bad(const char *status)
{
    return strcmp(status, "failed") == 0 || strcmp(status, "partial") == 0;
}

/* Whether the run is told of by itself: what is newest of a command. */
static bool is_told(const struct ccd_status_report *r, const char *run_id)
{
    for (size_t i = 0; i < r->run_count; i++)
        if (strcmp(r->runs[i].run_id, run_id) == 0)
            return is_bad(r->runs[i].status) && is_newest_of_command(r, i);
    return false;
}

/* What a daemon or a batch does once a week is hidden by what it does each hour. */
static void check_operations(struct health *h, struct ccd_health_check *check)
{
    const struct ccd_status_report *r = h->status;
    for (size_t i = 0; i < r->operation_count; i++) {
        const struct ccd_stored_operation *o = &r->operations[i];
        if (is_bad(o->status) && !is_told(r, o->run_id))
            health_found(h, check, CCD_VERDICT_WARNING, "ccdata status --json, operations",
                         "the last operation of %s%s%s was %s%s%s", o->data_type,
                         o->interval ? " " : "", o->interval ? o->interval : "", o->status,
                         o->error ? ": " : "", o->error ? o->error : "");
    }
}

/* A run that failed is told by its own exit code; here it is a hint, not a failure of the house. */
static void check_runs(struct health *h, struct ccd_health_check *check)
{
    const struct ccd_status_report *r = h->status;
    if (is_unread(h, check))
        return;
    for (size_t i = 0; i < r->run_count; i++) {
        const struct ccd_stored_run *run = &r->runs[i];
        if (is_bad(run->status) && is_newest_of_command(r, i))
            health_found(h, check, CCD_VERDICT_WARNING, "ccdata status --enable_monitoring",
                         "the last %s was %s%s%s", run->command, run->status,
                         run->error ? ": " : "", run->error ? run->error : "");
    }
    check_operations(h, check);
    health_found(h, check, r->run_count ? CCD_VERDICT_OK : CCD_VERDICT_UNKNOWN, NULL,
                 r->run_count ? "the last run of each command ended well" : "there was no run yet");
}

static void check_key(struct health *h, struct ccd_health_check *check)
{
    if (config_secret(h->client->config, CONFIG_CCDATA_API_KEY).len > 0) {
        health_found(h, check, CCD_VERDICT_OK, NULL, "given by %s",
                     config_source(h->client->config, CONFIG_CCDATA_API_KEY));
        return;
    }
    check->status = CCD_KEY_REJECTED;
    health_found(h, check, CCD_VERDICT_FAILED, "set CCDATA_API_KEY in the environment or in .env",
                 "no API key is given");
}

static void check_settings(struct health *h, struct ccd_health_check *check)
{
    const struct config *c = h->client->config;
    for (size_t i = 0; i < config_warning_count(c); i++)
        health_found(h, check, CCD_VERDICT_WARNING, "ccdata config shows what holds", "%s",
                     config_warning(c, i));
    health_found(h, check, CCD_VERDICT_OK, NULL, "all of them are understood");
}

/* ---- the table ---- */

/* `hands`: changes only by people's hands, so that it is checked when everything is. */
static const struct {
    const char *name;
    bool hands, of_data;
    int64_t deadline_ms;
    void (*run)(struct health *h, struct ccd_health_check *check);
} checks[] = {
    {"settings", true, false, 1000, check_settings},
    {"permissions", true, false, 1000, health_permissions},
    {"key", true, false, 1000, check_key},
    {"vendor", false, false, 10000, health_vendor},
    {"tls", true, false, 1000, health_tls},
    {"quota", false, false, 1000, health_quota},
    {"clock", false, false, 1000, health_clock},
    {"database", false, false, 5000, check_database},
    {"schema", true, false, 5000, check_schema},
    {"disk", false, false, 1000, health_disk},
    {"memory", false, false, 1000, health_memory},
    {"runs", false, true, 1000, check_runs},
    {"freshness", false, true, 1000, check_freshness},
};
enum { CHECK_COUNT = sizeof(checks) / sizeof(*checks) };

static void run_check(struct health *h, size_t index, int64_t spent_before_ms)
{
    struct ccd_health_check *check = &h->checks[h->report.check_count++];
    int64_t begun_us = clock_mono_us(NULL);
    *check = (struct ccd_health_check){.name = checks[index].name,
                                       .deadline_ms = checks[index].deadline_ms};
    checks[index].run(h, check);
    check->duration_ms = spent_before_ms + (clock_mono_us(NULL) - begun_us) / 1000;
    if (check->verdict == CCD_VERDICT_OK && check->duration_ms > check->deadline_ms)
        health_found(h, check, CCD_VERDICT_WARNING, "see what keeps it busy",
                     "in order, but it took %" PRId64 " ms", check->duration_ms);
    if (check->verdict != CCD_VERDICT_FAILED)
        check->status = CCD_OK;
    if (check->verdict > h->report.verdict)
        h->report.verdict = check->verdict;
    bool is_first = h->report.exit_code == 0;
    if (check->verdict == CCD_VERDICT_FAILED && is_first)
        h->report.exit_code = ccd_status_exit_code(h->everything ? check->status
                                                                 : CCD_CHECK_FAILED);
}

static int init(struct health *h, struct ccd_client *client,
                const struct ccd_health_options *options, struct ccd_error *err)
{
    struct ccd_health_options given = CCD_HEALTH_INIT;
    arena_init(&h->arena, REPORT_MAX_BYTES, NULL);
    if (options)
        memcpy(&given, options, options->size < sizeof(given) ? options->size : sizeof(given));
    h->client = client;
    h->everything = given.everything;
    h->report.checked_utc_s = clock_utc_s(&client->clock);
    h->checks = arena_alloc(&h->arena, CHECK_COUNT * sizeof(*h->checks));
    h->report.checks = h->checks;
    return h->checks ? 0 : no_memory(err);
}

int ccd_health_read(struct ccd_client *client, const struct ccd_health_options *options,
                    struct ccd_health **out_health, struct ccd_error *err)
{
    struct health *h = mem_new(NULL, 1, sizeof(*h));
    if (!h)
        return no_memory(err);
    int status = init(h, client, options, err);
    struct ccd_status_options what = CCD_STATUS_INIT;
    what.run_limit = RUNS_READ;
    int64_t begun_us = clock_mono_us(NULL);
    if (status == 0)
        status = ccd_status_read(client, &what, &h->status, err);
    int64_t database_ms = (clock_mono_us(NULL) - begun_us) / 1000;
    for (size_t i = 0; i < CHECK_COUNT && status == 0; i++) {
        bool is_database = checks[i].run == check_database;
        if (h->everything ? !checks[i].of_data : !checks[i].hands)
            run_check(h, i, is_database ? database_ms : 0);
    }
    if (status == 0 && h->failed)
        status = no_memory(err);
    ccd_status_free(h->status);
    ccd_quota_free(h->quota);
    h->status = NULL;
    h->quota = NULL;
    if (status == 0)
        *out_health = &h->report;
    else
        ccd_health_free(&h->report);
    return status;
}

void ccd_health_free(struct ccd_health *health)
{
    struct health *h = (struct health *)health;
    if (!h)
        return;
    arena_release(&h->arena);
    mem_free(NULL, h);
}
