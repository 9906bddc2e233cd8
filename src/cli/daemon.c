/* ccdata daemon: the operations of a batch file, each at its times, in one process with one quota.
 * A loop that looks at the wall clock once a second: a clock that jumps moves the next start, and
 * nothing else. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ccdata/ccdata.h>
#include <ccdata/health.h>
#include <ccdata/schedule.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/time.h"
#include "cli/args.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/daemon_state.h"
#include "cli/exposure.h"
#include "cli/jobs.h"
#include "cli/json.h"
#include "cli/notify.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/table.h"

enum { TICK_MS = 1000, STARTS_SHOWN = 10, LINE_MAX_BYTES = 1024, HOST_MAX_BYTES = 256 };

/* What a clock may be set back by without a word. */
static const int64_t clock_tolerated_s = 60;
/* Before what failed is tried again: doubled with each failure. */
static const int64_t retry_first_s = 60, retry_most_s = 3600;

/* An operation and its times. */
struct planned {
    const struct ccd_job *job;
    uint64_t key;
    int64_t last_utc_s; /* 0 = never */
    int64_t next_utc_s;
    int64_t ended_utc_s; /* by this process; 0 = not yet */
    int exit_code;
    int failures; /* in a row, of those that time may heal */
    bool is_running;
};

struct daemon {
    struct cli *cli;
    const struct args *args;
    struct client client;
    struct daemon_state *state;
    struct ccd_batch *batch;
    struct planned *planned;
    size_t count;
    int64_t settle_s, jitter_s;
    uint64_t host; /* jitter differs from host to host */
    int64_t watchdog_ms, pinged_ms;
    struct exposure exposure;
    int64_t checked_ms; /* the last look at the health of it all */
    int64_t seen_utc_s; /* what the clock said last */
};

static atomic_bool reload_asked;

static void on_hangup(int number)
{
    (void)number;
    atomic_store(&reload_asked, true);
}

/* ---- clocks and words ---- */

static int64_t now_utc_s(void)
{
    return clock_utc_s(NULL);
}

static void say(struct daemon *d, enum ccd_log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void say(struct daemon *d, enum ccd_log_level level, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_sink_write(&d->client.log, &(struct ccd_log_line){.level = level, .text = text});
}

static void ping(struct daemon *d)
{
    int64_t now_ms = clock_mono_us(NULL) / 1000;
    if (d->watchdog_ms == 0 || now_ms - d->pinged_ms < d->watchdog_ms / 2)
        return;
    d->pinged_ms = now_ms;
    notify_send("WATCHDOG=1");
}

static void start_pings(struct daemon *d, struct notify_pings *pings)
{
    if (!notify_pings_start(pings, d->watchdog_ms / 2))
        say(d, CCD_LOG_WARNING, "no thread for the watchdog: a long run will not outlive it");
}

static int64_t number_of(const struct daemon *d, const char *name)
{
    double value = 0;
    str_to_f64(str_from(ccd_setting_value(d->client.handle, name, NULL)), &value);
    return (int64_t)value;
}

/* ---- the plan ---- */

/* The same for an operation on a host each time; a tenth of a short period at most. */
static int64_t jitter_of(const struct daemon *d, const struct planned *p)
{
    int64_t first = 0, second = 0, most_s = d->jitter_s;
    struct rng rng = {p->key ^ d->host};
    ccd_schedule_next(p->job, 0, 0, &first, NULL);
    ccd_schedule_next(p->job, first, 0, &second, NULL);
    most_s = most_s < (second - first) / 10 ? most_s : (second - first) / 10;
    return (int64_t)rng_below(&rng, (uint64_t)most_s + 1);
}

/* The first start after the last one. */
static int plan_next(const struct daemon *d, struct planned *p, struct ccd_error *err)
{
    int64_t jitter_s = jitter_of(d, p);
    int status = ccd_schedule_next(p->job, p->last_utc_s - jitter_s, d->settle_s, &p->next_utc_s,
                                   err);
    p->next_utc_s += jitter_s;
    return status;
}

/* A start that was missed, or the very first one, is due now. So is one whose last start lies
 * ahead: the clock was wrong then, and nobody knows when that was. */
static int plan_first(const struct daemon *d, struct planned *p, struct ccd_error *err)
{
    int64_t now = now_utc_s();
    int status = plan_next(d, p, err);
    if (p->last_utc_s == 0 || p->last_utc_s > now + clock_tolerated_s)
        p->next_utc_s = now;
    return status;
}

static int plan_all(struct daemon *d, struct ccd_batch *batch, struct planned **out_planned,
                    size_t *out_count, struct ccd_error *err)
{
    const struct ccd_job *jobs = ccd_batch_jobs(batch, out_count);
    struct planned *planned = calloc(*out_count, sizeof *planned);
    int status = planned ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for the schedule");
    for (size_t i = 0; i < *out_count && status == 0; i++) {
        struct planned *p = &planned[i];
        *p = (struct planned){.job = &jobs[i], .key = daemon_key(&jobs[i])};
        p->last_utc_s = daemon_state_last(d->state, p->key);
        status = ccd_schedule_is_set(p->job)
                     ? plan_first(d, p, err)
                     : error_set(err, CCD_USAGE,
                                 "%s: operation %zu (%s) has no \"every\" and no \"cron\"",
                                 d->args->config, i + 1, p->job->data_type);
    }
    if (status == 0)
        *out_planned = planned;
    else
        free(planned);
    return status;
}

/* How an operation that stays ended last. */
static void keep_results(const struct daemon *d, struct planned *planned, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < d->count; k++)
            if (d->planned[k].key == planned[i].key) {
                planned[i].ended_utc_s = d->planned[k].ended_utc_s;
                planned[i].exit_code = d->planned[k].exit_code;
                planned[i].failures = d->planned[k].failures;
            }
}

/* The new file takes the place of the old one when all of it is right. */
static int load(struct daemon *d, struct ccd_error *err)
{
    struct ccd_batch *batch = NULL;
    struct planned *planned = NULL;
    size_t count = 0;
    int status = batch_load(d->args->config, "daemon", &batch, err);
    if (status == 0)
        status = plan_all(d, batch, &planned, &count, err);
    if (status != 0) {
        ccd_batch_free(batch);
        return status;
    }
    keep_results(d, planned, count);
    free(d->planned);
    ccd_batch_free(d->batch);
    d->batch = batch;
    d->planned = planned;
    d->count = count;
    return 0;
}

static void reload(struct daemon *d)
{
    struct ccd_error err = {0};
    notify_send("RELOADING=1");
    if (load(d, &err) == 0)
        say(d, CCD_LOG_INFO, "%s is read again: %zu operations", d->args->config, d->count);
    else
        say(d, CCD_LOG_ERROR, "the old schedule stays: %s", err.message);
    notify_send("READY=1");
}

/* ---- what others may see ---- */

static void add_operation(struct json *j, const struct planned *p)
{
    json_open_object(j, NULL);
    json_add_text(j, "data_type", p->job->data_type);
    json_add_text(j, "interval", p->job->interval);
    json_add_bool(j, "running", p->is_running);
    json_add_known_time(j, "last_start", p->last_utc_s);
    json_add_known_time(j, "last_end", p->ended_utc_s);
    json_add_known_int(j, "last_exit_code", p->exit_code, p->ended_utc_s > 0);
    json_add_known_time(j, "next_start", p->next_utc_s);
    json_close_object(j);
}

static void publish_status(struct daemon *d)
{
    struct buf text;
    struct json j;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    json_begin(&j, &text, "daemon", "complete", 0);
    json_add_time(&j, "timestamp", now_utc_s());
    json_add_text(&j, "version", ccd_version());
    json_open_list(&j, "operations");
    for (size_t i = 0; i < d->count; i++)
        add_operation(&j, &d->planned[i]);
    json_close_list(&j);
    json_end(&j);
    if (!text.failed)
        exposure_publish(&d->exposure, "/status", 200, text.data);
    buf_release(&text);
}

static void add_check(struct json *j, const struct ccd_health_check *check)
{
    json_open_object(j, NULL);
    json_add_text(j, "name", check->name);
    json_add_text(j, "verdict", ccd_verdict_name(check->verdict));
    json_close_object(j);
}

/* Without what the checks found: the route is open to whoever reaches the port. */
static void publish_health(struct daemon *d)
{
    struct ccd_health *health = NULL;
    struct ccd_error err = {0};
    struct buf text;
    struct json j;
    if (ccd_health_read(d->client.handle, NULL, &health, &err) != 0)
        return;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    json_init(&j, &text);
    json_open_object(&j, NULL);
    json_add_text(&j, "verdict", ccd_verdict_name(health->verdict));
    json_add_time(&j, "timestamp", health->checked_utc_s);
    json_open_list(&j, "checks");
    for (size_t i = 0; i < health->check_count; i++)
        add_check(&j, &health->checks[i]);
    json_close_list(&j);
    json_close_object(&j);
    buf_add_char(&text, '\n');
    if (!text.failed)
        exposure_publish(&d->exposure, "/healthz", health->exit_code == 0 ? 200 : 503, text.data);
    buf_release(&text);
    ccd_health_free(health);
}

/* As often as MONITORING_HEALTH_CHECK_INTERVAL says, between runs, and before the first. */
static void look_around(struct daemon *d)
{
    struct notify_pings pings;
    int64_t now_ms = clock_mono_us(NULL) / 1000;
    int64_t every_ms = number_of(d, "MONITORING_HEALTH_CHECK_INTERVAL") * 1000;
    if (!d->exposure.server || (d->checked_ms > 0 && now_ms - d->checked_ms < every_ms))
        return;
    d->checked_ms = now_ms;
    start_pings(d, &pings);
    publish_health(d);
    exposure_refresh(&d->exposure);
    notify_pings_stop(&pings);
}

/* ---- runs ---- */

static void say_result(struct daemon *d, const struct ccd_report *report)
{
    say(d, report->exit_code == 0 ? CCD_LOG_INFO : CCD_LOG_ERROR,
        "run ended: %s, exit code %d, %" PRId64 " calls, %" PRId64 " rows written, %" PRId64
        " ms%s%s",
        report->status, report->exit_code, report->calls + report->metadata_calls,
        report->rows_written, report->duration_ms, report->exit_code ? ": " : "",
        report->exit_code ? cli_error_text(&report->error) : "");
}

/* Time may heal it: not wrong usage, nor what the vendor does not have or sends wrong. A call limit
 * of the run (quota spent without a time when it is not) is kept to. */
static bool may_heal(const struct ccd_error *err, int64_t resume_utc_s)
{
    int exit_code = ccd_status_exit_code(err->status);
    if (err->status == CCD_QUOTA_EXHAUSTED)
        return resume_utc_s > 0;
    return exit_code != 0 && exit_code != 2 && exit_code != 7 && err->status != CCD_DATABASE_DATA;
}

static bool may_heal_any(const struct ccd_operation *o, int64_t resume_utc_s)
{
    bool may = may_heal(&o->error, resume_utc_s);
    for (size_t i = 0; i < o->series_count; i++)
        may |= may_heal(&o->series[i].error, resume_utc_s);
    for (size_t i = 0; i < o->list_count; i++)
        may |= may_heal(&o->lists[i].error, resume_utc_s);
    return may;
}

/* Before its next start, unless that comes first; but not before the quota allows a call, nor every
 * minute with a key that the vendor refuses. */
static void try_again(struct daemon *d, struct planned *p, int64_t resume_utc_s)
{
    char when[32];
    int64_t wait_s = retry_first_s;
    for (int i = 0; i < p->failures && wait_s < retry_most_s; i++)
        wait_s *= 2;
    p->failures++;
    int64_t at_utc_s = p->ended_utc_s + (wait_s < retry_most_s ? wait_s : retry_most_s);
    at_utc_s = at_utc_s > resume_utc_s ? at_utc_s : resume_utc_s;
    bool asks_in_vain = p->exit_code == ccd_status_exit_code(CCD_KEY_REJECTED) ||
                        (p->exit_code == ccd_status_exit_code(CCD_QUOTA_EXHAUSTED) &&
                         resume_utc_s > 0);
    if (at_utc_s >= p->next_utc_s && !asks_in_vain)
        return;
    p->next_utc_s = at_utc_s;
    say(d, CCD_LOG_INFO, "%s %s is tried again at %s", p->job->data_type,
        p->job->interval ? p->job->interval : "", time_format_iso(at_utc_s, when));
}

/* A start is kept when it needs no second try: what was interrupted, or failed, runs at once when
 * the daemon is started the next time. */
static void note_result(struct daemon *d, struct planned *p, int exit_code, bool heals,
                        int64_t resume_utc_s)
{
    struct ccd_error err = {0};
    p->is_running = false;
    p->ended_utc_s = now_utc_s();
    p->exit_code = exit_code;
    if (signals_caught_any() && exit_code != 0)
        return;
    if (exit_code != 0 && heals) {
        try_again(d, p, resume_utc_s);
        return;
    }
    p->failures = 0;
    if (daemon_state_started(d->state, p->key, p->last_utc_s, &err) != 0)
        say(d, CCD_LOG_WARNING, "%s", err.message);
}

/* The operations that run were marked in their order. report NULL: the run could not begin. */
static void note_results(struct daemon *d, const struct ccd_report *report,
                         const struct ccd_error *why)
{
    size_t at = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct planned *p = &d->planned[i];
        if (!p->is_running)
            continue;
        if (report && at < report->operation_count) {
            const struct ccd_operation *o = &report->operations[at];
            note_result(d, p, o->exit_code, may_heal_any(o, report->resume_utc_s),
                        report->resume_utc_s);
        } else {
            note_result(d, p, ccd_status_exit_code(why->status), may_heal(why, 0), 0);
        }
        at++;
    }
}

static void run_jobs(struct daemon *d, const struct ccd_job *jobs, size_t count)
{
    struct ccd_report *report = NULL;
    struct ccd_error err = {0};
    struct progress none;
    struct notify_pings pings;
    progress_init(&none, &d->client.console, "none", true);
    struct ccd_run_options how = jobs_run_options(d->args, CCD_RECHECK_DUE, &none);
    how.continue_on_error = true;
    exposure_watch(&d->exposure, &how);
    start_pings(d, &pings);
    if (ccd_ingest(d->client.handle, jobs, count, &how, &report, &err) == 0)
        say_result(d, report);
    else
        say(d, CCD_LOG_ERROR, "the run could not begin: %s", cli_error_text(&err));
    note_results(d, report, &err);
    jobs_alert(&d->client, "daemon", jobs, count, report, &err);
    notify_pings_stop(&pings);
    ccd_report_free(report);
    progress_end(&none);
}

/* All that is due makes one run; what fell due more than once meanwhile runs once. */
static void run_due(struct daemon *d, int64_t now)
{
    struct ccd_error err = {0};
    struct ccd_job *jobs = calloc(d->count, sizeof *jobs);
    size_t count = 0;
    for (size_t i = 0; i < d->count && jobs; i++) {
        struct planned *p = &d->planned[i];
        if (p->next_utc_s > now)
            continue;
        jobs[count++] = *p->job;
        p->last_utc_s = now;
        p->is_running = true;
        if (plan_next(d, p, &err) != 0)
            say(d, CCD_LOG_WARNING, "%s", err.message);
    }
    publish_status(d);
    if (count > 0)
        run_jobs(d, jobs, count);
    free(jobs);
    exposure_refresh(&d->exposure);
}

static const struct planned *next_of(const struct daemon *d)
{
    const struct planned *next = &d->planned[0];
    for (size_t i = 1; i < d->count; i++)
        if (d->planned[i].next_utc_s < next->next_utc_s)
            next = &d->planned[i];
    return next;
}

static void tell_next(struct daemon *d)
{
    char when[32], text[LINE_MAX_BYTES];
    const struct planned *next = next_of(d);
    time_format_iso(next->next_utc_s, when);
    say(d, CCD_LOG_INFO, "next: %s %s at %s", next->job->data_type,
        next->job->interval ? next->job->interval : "", when);
    str_print(text, sizeof text, "STATUS=next: %s at %s", next->job->data_type, when);
    notify_send(text);
}

/* Starts that lie far ahead by a clock that was wrong are planned anew. */
static bool clock_was_set_back(struct daemon *d, int64_t now)
{
    struct ccd_error err = {0};
    bool was_set_back = now < d->seen_utc_s - clock_tolerated_s;
    if (was_set_back)
        say(d, CCD_LOG_WARNING,
            "the clock was set back by %" PRId64 " s: all starts are planned anew",
            d->seen_utc_s - now);
    for (size_t i = 0; i < d->count && was_set_back; i++)
        if (plan_first(d, &d->planned[i], &err) != 0)
            say(d, CCD_LOG_WARNING, "%s", err.message);
    d->seen_utc_s = now;
    return was_set_back;
}

/* Often enough for the watchdog. */
static int tick_ms(const struct daemon *d)
{
    int64_t ping_ms = d->watchdog_ms / 2 > 0 ? d->watchdog_ms / 2 : 1;
    return d->watchdog_ms > 0 && ping_ms < TICK_MS ? (int)ping_ms : TICK_MS;
}

static void loop(struct daemon *d)
{
    bool told = false;
    while (!signals_caught_any()) {
        if (atomic_exchange(&reload_asked, false)) {
            reload(d);
            told = false;
        }
        ping(d);
        int64_t now = now_utc_s();
        told &= !clock_was_set_back(d, now);
        look_around(d);
        if (next_of(d)->next_utc_s <= now) {
            notify_send("STATUS=running");
            run_due(d, now);
            told = false;
            continue;
        }
        if (!told) {
            tell_next(d);
            publish_status(d);
        }
        told = true;
        poll(NULL, 0, tick_ms(d)); /* a signal ends it early */
    }
}

/* ---- what would run ---- */

static void add_start(struct json *j, const struct planned *p, size_t index)
{
    json_open_object(j, NULL);
    json_add_int(j, "operation", (int64_t)index + 1);
    json_add_text(j, "data_type", p->job->data_type);
    json_add_text(j, "interval", p->job->interval);
    json_add_time(j, "starts_at", p->next_utc_s);
    json_close_object(j);
}

static int print_json(struct daemon *d)
{
    struct buf text;
    struct json j;
    struct ccd_error err = {0};
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    json_begin(&j, &text, d->args->command->name, "complete", 0);
    json_open_list(&j, "starts");
    for (size_t i = 0; i < d->count; i++) {
        struct planned p = d->planned[i];
        for (int k = 0; k < STARTS_SHOWN; k++) {
            add_start(&j, &p, i);
            p.last_utc_s = p.next_utc_s;
            if (plan_next(d, &p, &err) != 0)
                break;
        }
    }
    json_close_list(&j);
    json_end(&j);
    return cli_print(d->cli, &text);
}

static int print_starts(struct daemon *d)
{
    static const struct table_column COLUMNS[] = {
        {"operation", true}, {"data type", false}, {"interval", false}, {"starts", false}};
    struct table table;
    struct buf text;
    struct ccd_error err = {0};
    char when[32];
    table_init(&table, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < d->count; i++) {
        struct planned p = d->planned[i];
        for (int k = 0; k < STARTS_SHOWN; k++) {
            table_add_int(&table, (int64_t)i + 1);
            table_add_text(&table, p.job->data_type);
            table_add_text(&table, p.job->interval ? p.job->interval : "");
            table_add_text(&table, time_format_iso(p.next_utc_s, when));
            p.last_utc_s = p.next_utc_s;
            if (plan_next(d, &p, &err) != 0)
                break;
        }
    }
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    table_print(&table, &text);
    table_release(&table);
    return cli_print(d->cli, &text);
}

/* ---- life ---- */

static int check(const struct daemon *d, struct ccd_error *err)
{
    if (!d->args->config || strcmp(d->args->config, "-") == 0)
        return error_set(err, CCD_USAGE, "daemon needs --config FILE, which SIGHUP reads again");
    if (ccd_setting_value(d->client.handle, "CCDATA_NOW", NULL))
        return error_set(err, CCD_USAGE,
                         "CCDATA_NOW stops the clock that a daemon goes by: unset "
                         "it");
    return 0;
}

static int start(struct daemon *d, struct ccd_error *err)
{
    char host[HOST_MAX_BYTES] = "";
    gethostname(host, sizeof host - 1);
    int status = cli_client_open(&d->client, d->cli, d->args, err);
    if (status == 0)
        status = check(d, err);
    if (status != 0)
        return status;
    d->settle_s = number_of(d, "CCDATA_SETTLE_SECONDS");
    d->jitter_s = number_of(d, "CCDATA_SCHEDULE_JITTER");
    d->watchdog_ms = notify_watchdog_ms();
    for (const char *p = host; *p; p++)
        d->host = d->host * 31 + (unsigned char)*p;
    if (d->args->dry_run)
        daemon_state_look(d->state, d->args->config);
    else
        status = daemon_state_open(d->state, d->args->config, err);
    return status == 0 ? load(d, err) : status;
}

static void watch(struct daemon *d)
{
    signals_watch(d->client.handle);
    say(d, CCD_LOG_INFO, "daemon of %zu operations of %s", d->count, d->args->config);
    exposure_start(&d->exposure, &d->client);
    notify_send("READY=1");
    loop(d);
    notify_send("STOPPING=1");
    exposure_stop(&d->exposure);
    say(d, CCD_LOG_INFO, "daemon stopped");
    signals_unwatch();
}

int daemon_run(struct cli *cli, const struct args *args)
{
    struct ccd_error err = {0};
    struct daemon d = {.cli = cli, .args = args};
    int exit_code = 0;
    /* From the first moment to the last: it must not end a daemon that begins, or stops. */
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART}, before;
    sigemptyset(&hangup.sa_mask);
    sigaction(SIGHUP, &hangup, &before);
    d.state = calloc(1, sizeof *d.state);
    int status = d.state ? 0 : error_set(&err, CCD_NO_MEMORY, "no memory for a daemon");
    if (d.state)
        d.state->fd = -1;
    if (status == 0)
        status = start(&d, &err);
    if (status != 0)
        exit_code = cli_fail(cli, args, &err);
    else if (args->dry_run)
        exit_code = args->json ? print_json(&d) : print_starts(&d);
    else
        watch(&d);
    if (d.state)
        daemon_state_close(d.state);
    free(d.state);
    free(d.planned);
    ccd_batch_free(d.batch);
    cli_client_close(&d.client);
    sigaction(SIGHUP, &before, NULL);
    return exit_code;
}
