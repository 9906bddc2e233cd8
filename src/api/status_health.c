/* The rules of health (docs/reference/status.md). */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "api/status.h"
#include "base/time.h"

enum { REASONS_MAX = 100, REASON_MAX_BYTES = 4096 };

enum health { HEALTHY, DEGRADED, CRITICAL };

struct verdict {
    struct status *status;
    enum health health;
    bool failed; /* no memory */
};

static void found(struct verdict *v, enum health health, const char *format, ...) PRINTF_LIKE(3, 4);
static void found(struct verdict *v, enum health health, const char *format, ...)
{
    struct status *s = v->status;
    struct buf text;
    va_list args;
    v->health = health > v->health ? health : v->health;
    if (s->report.reason_count == REASONS_MAX)
        return;
    buf_init(&text, REASON_MAX_BYTES, NULL);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    const char *kept = text.failed ? NULL : status_keep(s, buf_str(&text).ptr, NULL);
    buf_release(&text);
    v->failed |= !kept;
    if (kept)
        s->reasons[s->report.reason_count++] = kept;
}

static const char *text_of(const struct ccd_error *err)
{
    return err->message[0] ? err->message : ccd_status_title(err->status);
}

/* ---- rules ---- */

static void judge_database(struct verdict *v)
{
    const struct ccd_status_report *r = &v->status->report;
    if (r->database_error.status == CCD_OK)
        return;
    const char *what = "cannot be used";
    if (!r->database_reachable)
        what = "cannot be reached";
    else if (r->schema_version > 0 && !r->database_writable)
        what = "cannot be written";
    found(v, CRITICAL, "the database %s: %s", what, text_of(&r->database_error));
}

/* A quota that is spent, or a vendor that asks for patience, is no refusal. */
static void judge_vendor(struct verdict *v)
{
    const struct ccd_status_report *r = &v->status->report;
    enum ccd_status status = r->vendor_error.status;
    if (!r->vendor_checked || status == CCD_OK)
        return;
    bool waits = status == CCD_THROTTLED || status == CCD_QUOTA_EXHAUSTED;
    const char *what = status == CCD_KEY_REJECTED ? "the key is refused"
                                                  : "the vendor does not serve us";
    found(v, waits ? DEGRADED : CRITICAL, "%s: %s", waits ? "the vendor was not asked" : what,
          text_of(&r->vendor_error));
}

static bool is_newest_of_command(const struct status *s, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(s->runs[i].command, s->runs[at].command) == 0)
            return false;
    return true;
}

static void judge_run(struct verdict *v, const struct ccd_stored_run *run)
{
    char started[32];
    time_format_iso(run->started_utc_s, started);
    bool old = run->started_utc_s < v->status->report.now_utc_s - STATUS_KILLED_AFTER_S;
    if (run->ended_utc_s == 0 && old)
        found(v, DEGRADED, "%.100s: the last run began at %s and never ended: it was killed",
              run->command, started);
    else if (run->ended_utc_s != 0 &&
             (strcmp(run->status, "failed") == 0 || strcmp(run->status, "partial") == 0))
        found(v, DEGRADED, "%.100s: the last run, begun at %s, was %s (exit code %d)%s%.1000s",
              run->command, started, run->status, run->exit_code, run->error ? ": " : "",
              run->error ? run->error : "");
}

static void judge_data(struct verdict *v, const struct ccd_stored_data *data)
{
    if (data->series_behind > 0)
        found(v, DEGRADED, "%s %s: %" PRId64 " of %" PRId64 " series are behind", data->data_type,
              data->interval, data->series_behind, data->series);
}

/* A second or a minute is over before anybody reads this. */
static void judge_quota(struct verdict *v, const struct ccd_quota_window *window)
{
    bool is_long = strcmp(window->window, "second") != 0 && strcmp(window->window, "minute") != 0;
    if (is_long && window->left == 0)
        found(v, DEGRADED, "the quota of the %s is spent: %" PRId64 " of %" PRId64 " calls",
              window->window, window->used, window->limit);
}

int status_judge(struct status *s, struct ccd_error *err)
{
    static const char *const names[] = {
        [HEALTHY] = "healthy", [DEGRADED] = "degraded", [CRITICAL] = "critical"};
    struct verdict v = {.status = s};
    s->reasons = arena_alloc(&s->arena, REASONS_MAX * sizeof(*s->reasons));
    if (!s->reasons)
        return status_no_memory(err);
    judge_database(&v);
    judge_vendor(&v);
    for (size_t i = 0; i < s->run_count && i < STATUS_RUNS; i++)
        if (is_newest_of_command(s, i))
            judge_run(&v, &s->runs[i]);
    for (size_t i = 0; i < s->report.data_count; i++)
        judge_data(&v, &s->data[i]);
    for (size_t i = 0; i < s->report.quota_count; i++)
        judge_quota(&v, &s->report.quota[i]);
    s->report.reasons = s->reasons;
    s->report.system = names[v.health];
    s->report.exit_code = v.health == HEALTHY ? 0 : ccd_status_exit_code(CCD_CHECK_FAILED);
    return v.failed ? status_no_memory(err) : 0;
}
