/* A run has ended: facts, rules, what is remembered, and a thread that tells. */
#include "api/alerts.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "model/data_type.h"

enum { SUBJECT_BYTES = 128, TOLD_MAX = 5 };

/* The thread that sends; it ends within ALERT_DEADLINE_MS, whatever the receivers do. */
struct alert_sender {
    pthread_t thread;
    struct ccd_client *client;
    struct alert_pending pending[ALERT_PENDING_MAX]; /* copies */
    size_t count;
    char host[65]; /* ids of two hosts differ; Linux allows 64 */
};

/* ---- sending ---- */

static void fill(struct alert_sender *s, size_t at, char id[ALERT_ID_BYTES],
                 struct alert_message *out)
{
    const struct alert_pending *p = &s->pending[at];
    /* With the time: the numbers begin anew with a new state folder, as in a container. */
    str_print(id, ALERT_ID_BYTES, "%s-%" PRId64 "-%" PRIu64, s->host, p->opened_utc_s, p->id);
    *out = (struct alert_message){
        .id = id,
        .rule = p->rule,
        .is_resolved = p->is_resolved,
        .subject = str_from(p->subject),
        .detail = str_from(p->detail),
        .opened_utc_s = p->opened_utc_s,
        .sent_utc_s = clock_utc_s(&s->client->clock),
    };
}

/* Kept for the next time when it could not be sent: at least once, with the same id. */
static void note_delivered(struct alert_sender *s, uint64_t id, enum receiver receiver)
{
    struct alert_state *state = mem_new(NULL, 1, sizeof(*state));
    struct ccd_error err = {0};
    int lock = -1;
    if (state && alert_memory_open(s->client, state, &lock, &err) == 0) {
        alert_state_delivered(state, id, (unsigned)receiver);
        alert_memory_save(state, &err);
        alert_memory_close(lock);
    }
    if (err.status != CCD_OK)
        log_warning(&s->client->log, NULL, "%s", err.message);
    mem_free(NULL, state);
}

/* False: others for this receiver would not arrive either, and are not tried. */
static bool send_one(struct alert_sender *s, size_t at, enum receiver receiver, int64_t left_ms)
{
    char id[ALERT_ID_BYTES];
    struct alert_message message;
    struct ccd_error err = {0};
    fill(s, at, id, &message);
    if (receiver_send(s->client, receiver, &message, left_ms, &err) == 0) {
        note_delivered(s, s->pending[at].id, receiver);
        if (err.status != CCD_OK)
            log_warning(&s->client->log, NULL, "%s", err.message);
        return true;
    }
    redact(&s->client->redactor, err.message);
    log_warning(&s->client->log, NULL, "a notice for %s waits for the next run: %s",
                ccd_alert_receiver_at(receiver), err.message);
    return err.status == CCD_BAD_REQUEST; /* this one was refused: the next may be taken */
}

/* Something is to be sent to it, and it is set: what waits for one that another configuration of
 * this host has goes on waiting. */
static bool is_waited_for(const struct alert_sender *s, int receiver)
{
    uint64_t waiting = 0;
    for (size_t i = 0; i < s->count; i++)
        waiting |= s->pending[i].receivers;
    return (waiting >> receiver & 1) && receiver_is_set(s->client, (enum receiver)receiver);
}

static void send_to(struct alert_sender *s, enum receiver receiver, int64_t until_us)
{
    bool goes_on = true;
    for (size_t i = 0; i < s->count && goes_on; i++) {
        int64_t left_ms = (until_us - clock_mono_us(NULL)) / 1000;
        if (s->pending[i].receivers >> receiver & 1)
            goes_on = left_ms > 0 && send_one(s, i, receiver, left_ms);
    }
}

/* The time is shared by those that have something to get: one that hangs takes none of another's.
 */
static void *send_all(void *user)
{
    struct alert_sender *s = user;
    int64_t until_us = clock_mono_us(NULL) + ALERT_DEADLINE_MS * INT64_C(1000);
    int waiting = 0;
    for (int r = 0; r < RECEIVER_COUNT; r++)
        waiting += r != RECEIVER_LOG && is_waited_for(s, r);
    for (int r = 0; r < RECEIVER_COUNT; r++) {
        if (!is_waited_for(s, r))
            continue;
        int64_t now_us = clock_mono_us(NULL);
        int64_t share_us = until_us - now_us;
        if (r != RECEIVER_LOG) /* it takes no time */
            share_us /= waiting--;
        send_to(s, (enum receiver)r, now_us + share_us);
    }
    return NULL;
}

void ccd_alerts_flush(struct ccd_client *client)
{
    struct alert_sender *s = client->alerts;
    if (!s)
        return;
    pthread_join(s->thread, NULL);
    mem_free(NULL, s);
    client->alerts = NULL;
}

/* By another process that still runs and has time left; the clock is one for all of this host, and
 * begins anew with it. */
static bool is_being_sent(const struct alert_pending *p, int64_t now_us)
{
    return p->sender_pid > 0 && p->sender_pid != getpid() && p->sender_until_mono_us > now_us &&
           p->sender_until_mono_us - now_us <= ALERT_DEADLINE_MS * INT64_C(1000) &&
           (kill((pid_t)p->sender_pid, 0) == 0 || errno == EPERM);
}

/* Under the lock: two runs that end together must not both tell of it. */
static void take_pending(struct alert_state *state)
{
    int64_t now_us = clock_mono_us(NULL);
    for (size_t i = 0; i < state->pending_count; i++) {
        struct alert_pending *p = &state->pending[i];
        if (is_being_sent(p, now_us))
            continue;
        p->sender_pid = getpid();
        p->sender_until_mono_us = now_us + ALERT_DEADLINE_MS * INT64_C(1000);
    }
}

static void start_sending(struct ccd_client *client, const struct alert_state *state)
{
    struct alert_sender *s = state->pending_count ? mem_new(NULL, 1, sizeof(*s)) : NULL;
    if (!s)
        return;
    s->client = client;
    for (size_t i = 0; i < state->pending_count; i++)
        if (state->pending[i].sender_pid == getpid())
            s->pending[s->count++] = state->pending[i];
    if (gethostname(s->host, sizeof(s->host)) != 0)
        str_copy(s->host, sizeof(s->host), STR("ccdata"));
    /* Signals are for the program's threads, and a command that reads nothing is no SIGPIPE. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&s->thread, NULL, send_all, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) {
        client->alerts = s;
        return;
    }
    log_warning(&client->log, NULL, "no thread to send notices: %s; they wait for the next run",
                strerror(code));
    mem_free(NULL, s);
}

/* ---- judging ---- */

static struct alert_limits limits_of(const struct config *c)
{
    return (struct alert_limits){
        .on_failure = config_bool(c, CONFIG_MONITORING_ALERT_ON_FAILURE),
        .consecutive_failures = config_i64(c, CONFIG_MONITORING_ALERT_CONSECUTIVE_FAILURES),
        .stale_steps = config_i64(c, CONFIG_ALERT_STALE_PERIODS),
        .quota_percent = config_i64(c, CONFIG_ALERT_QUOTA_PERCENT),
        .restated_rows = config_i64(c, CONFIG_ALERT_RESTATED_ROWS),
    };
}

/* What one run has to say of a rule. */
struct told {
    size_t count;
    uint64_t last_id; /* of the notices that are sent */
};

struct judge {
    struct ccd_client *client;
    struct alert_state *state;
    struct alert_limits limits;
    int64_t now_utc_s, cooldown_s;
    uint64_t receivers;
    struct told told[ALERT_RULE_COUNT][2];              /* [is resolved] */
    char details[ALERT_RULE_COUNT][ALERT_DETAIL_BYTES]; /* of the subject that is judged, by rule */
};

static void queue(struct judge *j, const struct alert_entry *entry, bool is_resolved,
                  int64_t opened_utc_s)
{
    enum alert_rule rule = entry->rule;
    struct told *told = &j->told[rule][is_resolved];
    if (told->count++ >= TOLD_MAX)
        return;
    if (j->state->pending_count == ALERT_PENDING_MAX)
        log_warning(&j->client->log, NULL,
                    "%d notices wait to be sent: the oldest, about %s, is given up; ccdata alerts "
                    "test tells which receiver does not take them",
                    ALERT_PENDING_MAX, j->state->pending[0].subject);
    alert_state_queue(j->state, entry, is_resolved, opened_utc_s, j->receivers,
                      str_from(j->details[rule]));
    told->last_id = j->state->last_id;
}

/* A hundred operations that fail for one reason are no hundred notices: the last one that is sent
 * counts the others. */
static void count_untold(struct judge *j)
{
    const struct told *all = &j->told[0][0];
    for (size_t i = 0; i < j->state->pending_count; i++) {
        struct alert_pending *p = &j->state->pending[i];
        for (size_t k = 0; k < sizeof(j->told) / sizeof(*all); k++) {
            size_t len = strlen(p->detail);
            if (all[k].count > TOLD_MAX && all[k].last_id == p->id)
                str_print(p->detail + len, sizeof(p->detail) - len,
                          " And %zu more: ccdata alerts list.", all[k].count - TOLD_MAX);
        }
    }
}

/* The end of what never began is not remembered. */
static struct alert_entry *entry_of(struct judge *j, enum alert_rule rule,
                                    enum alert_verdict verdict, const char *subject)
{
    if (verdict == ALERT_NOT_KNOWN)
        return NULL;
    if (verdict == ALERT_CLEAR)
        return alert_state_find(j->state, rule, str_from(subject));
    struct alert_entry *entry = alert_state_entry(j->state, rule, str_from(subject));
    if (!entry)
        log_warning(&j->client->log, NULL, "%d alerts are open: %s of %s is not told of",
                    ALERT_ENTRIES_MAX, alert_rule_info(rule)->name, subject);
    return entry;
}

static void judge_rule(struct judge *j, enum alert_rule rule, const char *subject,
                       const struct alert_facts *facts)
{
    enum alert_verdict verdict = alert_judge(rule, facts, &j->limits);
    struct alert_entry *entry = entry_of(j, rule, verdict, subject);
    if (!entry)
        return;
    int64_t opened_utc_s = entry->history.opened_utc_s;
    enum alert_notice notice = alert_update(&entry->history, verdict, j->now_utc_s, j->cooldown_s);
    if (notice == ALERT_NOTICE_NONE)
        return;
    bool is_resolved = notice == ALERT_NOTICE_RESOLVED;
    queue(j, entry, is_resolved, is_resolved ? opened_utc_s : entry->history.opened_utc_s);
}

static void judge_all(struct judge *j, const char *subject, const struct alert_facts *facts)
{
    for (int rule = 0; rule < ALERT_RULE_COUNT; rule++)
        judge_rule(j, (enum alert_rule)rule, subject, facts);
}

/* A run that was interrupted, or that the quota ended, has not failed. */
static int is_failure(int exit_code)
{
    if (exit_code == ccd_status_exit_code(CCD_INTERRUPTED) ||
        exit_code == ccd_status_exit_code(CCD_QUOTA_EXHAUSTED))
        return -1;
    return exit_code != 0;
}

static int64_t count_failures(struct judge *j, const char *subject, int failed)
{
    enum alert_rule rule = ALERT_CONSECUTIVE_FAILURES;
    if (failed < 0)
        return -1;
    struct alert_entry *entry = failed ? alert_state_entry(j->state, rule, str_from(subject))
                                       : alert_state_find(j->state, rule, str_from(subject));
    if (!entry)
        return failed ? -1 : 0;
    entry->history.failures = failed ? entry->history.failures + 1 : 0;
    return entry->history.failures;
}

static void add_failure(struct judge *j, const char *subject, const char *why, int failed,
                        struct alert_facts *facts)
{
    facts->failed = failed;
    facts->consecutive_failures = count_failures(j, subject, failed);
    str_copy(j->details[ALERT_RUN_FAILED], ALERT_DETAIL_BYTES, str_from(failed > 0 ? why : ""));
    redact(&j->client->redactor, j->details[ALERT_RUN_FAILED]); /* it goes into a file */
    str_print(j->details[ALERT_CONSECUTIVE_FAILURES], ALERT_DETAIL_BYTES, "%" PRId64 " so far.",
              facts->consecutive_failures);
}

/* Of the run as a whole: whether it could begin, and what its report does not divide. */
static void judge_run(struct judge *j, const char *command, const struct ccd_report *report,
                      const struct ccd_error *why)
{
    struct alert_facts facts = ALERT_FACTS_UNKNOWN;
    add_failure(j, command, why->message,
                report ? 0 : is_failure(ccd_status_exit_code(why->status)), &facts);
    judge_all(j, command, &facts);
}

static const char *cause_of(const struct ccd_report *report, const struct ccd_operation *o)
{
    if (o->error.status != CCD_OK)
        return o->error.message;
    for (size_t i = 0; i < o->series_count; i++)
        if (o->series[i].error.status != CCD_OK)
            return o->series[i].error.message;
    for (size_t i = 0; i < o->list_count; i++)
        if (o->lists[i].error.status != CCD_OK)
            return o->lists[i].error.message;
    return report->error.message;
}

/* An operation that failed or was interrupted has not looked at everything: what it found counts,
 * that it found nothing does not. */
static int64_t found(const struct ccd_operation *o, int64_t count)
{
    return count > 0 || o->exit_code == 0 ? count : -1;
}

static void judge_operation(struct judge *j, const struct ccd_report *report, size_t index,
                            const struct ccd_job *job)
{
    const struct ccd_operation *o = &report->operations[index];
    char subject[ALERT_SUBJECT_BYTES];
    struct alert_facts facts = ALERT_FACTS_UNKNOWN;
    if (o->not_started)
        return;
    alert_subject(job, o->interval, subject);
    add_failure(j, subject, cause_of(report, o), is_failure(o->exit_code), &facts);
    if (o->usual_call_ms > 0)
        facts.degraded = o->degraded;
    int64_t gaps = 0, quarantined = 0;
    for (size_t i = 0; i < o->series_count; i++) {
        gaps += o->series[i].failed;
        quarantined += o->series[i].rejected;
    }
    if (o->interval) {
        facts.gaps_left = found(o, gaps);
        facts.quarantined = found(o, quarantined);
        facts.restated = found(o, o->rows_changed);
    }
    str_print(j->details[ALERT_GAPS_LEFT], ALERT_DETAIL_BYTES, "%" PRId64 " periods.", gaps);
    str_print(j->details[ALERT_RESTATED], ALERT_DETAIL_BYTES, "%" PRId64 " rows.", o->rows_changed);
    str_print(j->details[ALERT_DEGRADED], ALERT_DETAIL_BYTES, "%.0f ms for a call, usually %.0f.",
              o->call_ms, o->usual_call_ms);
    str_print(j->details[ALERT_QUARANTINED], ALERT_DETAIL_BYTES, "%" PRId64 " records.",
              quarantined);
    judge_all(j, subject, &facts);
}

/* What stands in the database and the ledger now. No candle can be final before it has settled. */
static void judge_status(struct judge *j, const struct ccd_status_report *status)
{
    struct alert_facts quota = ALERT_FACTS_UNKNOWN;
    char subject[SUBJECT_BYTES];
    int64_t settle_s = config_i64(j->client->config, CONFIG_CCDATA_SETTLE_SECONDS);
    for (size_t i = 0; i < status->quota_count; i++) {
        const struct ccd_quota_window *w = &status->quota[i];
        bool is_long = strcmp(w->window, "second") != 0 && strcmp(w->window, "minute") != 0;
        int64_t percent = is_long && w->limit > 0 && w->left >= 0 ? w->left * 100 / w->limit : -1;
        if (percent >= 0 && (quota.quota_left_percent < 0 || percent < quota.quota_left_percent))
            quota.quota_left_percent = percent;
    }
    str_print(j->details[ALERT_QUOTA_LOW], ALERT_DETAIL_BYTES, "%" PRId64 " %% are left.",
              quota.quota_left_percent);
    judge_all(j, "quota", &quota);
    for (size_t i = 0; i < status->data_count; i++) {
        const struct ccd_stored_data *d = &status->data[i];
        struct alert_facts facts = ALERT_FACTS_UNKNOWN;
        enum interval interval;
        if (!d->interval || !interval_parse(str_from(d->interval), &interval))
            continue;
        if (d->newest_final_age_s >= 0)
            facts.newest_age_s = d->newest_final_age_s > settle_s ? d->newest_final_age_s - settle_s
                                                                  : 0;
        facts.step_s = interval_infos[interval].step_s;
        str_print(subject, sizeof(subject), "%s %s", d->data_type, d->interval);
        str_print(j->details[ALERT_STALE], ALERT_DETAIL_BYTES, "%" PRId64 " s old.",
                  d->newest_final_age_s);
        judge_all(j, subject, &facts);
    }
}

static uint64_t receivers_of(const struct ccd_client *client)
{
    uint64_t receivers = 0;
    for (int r = 0; r < RECEIVER_COUNT; r++)
        if (receiver_is_set(client, (enum receiver)r))
            receivers |= UINT64_C(1) << r;
    return receivers;
}

bool ccd_alerts_enabled(const struct ccd_client *client)
{
    return config_bool(client->config, CONFIG_MONITORING_METRICS_ENABLED) ||
           receivers_of(client) != UINT64_C(1) << RECEIVER_LOG;
}

int ccd_alerts_after_run(struct ccd_client *client, const char *command, const struct ccd_job *jobs,
                         size_t job_count, const struct ccd_report *report,
                         const struct ccd_error *why, struct ccd_error *err)
{
    struct ccd_status_report *status = NULL;
    struct ccd_error unused = {0};
    int lock = -1;
    ccd_alerts_flush(client); /* what it sends must not be found unsent below */
    /* Before the lock: it may take a while. A database that was away is not waited for again. */
    if ((report ? report->error.status : why->status) != CCD_DATABASE_UNREACHABLE)
        ccd_status_read(client, NULL, &status, &unused);
    struct judge *j = mem_new(NULL, 1, sizeof(*j));
    struct alert_state *state = mem_new(NULL, 1, sizeof(*state));
    int result = j && state ? alert_memory_open(client, state, &lock, err)
                            : error_set(err, CCD_NO_MEMORY, "no memory for alerts");
    if (result == 0) {
        j->client = client;
        j->state = state;
        j->limits = limits_of(client->config);
        j->now_utc_s = clock_utc_s(&client->clock);
        j->cooldown_s = config_ms(client->config, CONFIG_ALERT_COOLDOWN) / 1000;
        j->receivers = receivers_of(client);
        judge_run(j, command, report, why);
        for (size_t i = 0; report && i < report->operation_count && i < job_count; i++)
            judge_operation(j, report, i, &jobs[i]);
        if (status)
            judge_status(j, status);
        count_untold(j);
        take_pending(state);
        result = alert_memory_save(state, err);
        alert_memory_close(lock);
        start_sending(client, state);
    }
    ccd_status_free(status);
    mem_free(NULL, j);
    mem_free(NULL, state);
    return result;
}

/* ---- reading ---- */

struct list {
    struct ccd_alert_list report; /* first: the caller's pointer is this one */
    struct alert_state state;     /* its texts */
    struct ccd_alert alerts[ALERT_ENTRIES_MAX];
};

static void add_alerts(struct list *list, bool open)
{
    for (size_t i = 0; i < list->state.entry_count; i++) {
        const struct alert_entry *entry = &list->state.entries[i];
        const struct alert_rule_info *rule = alert_rule_info(entry->rule);
        bool is_open = entry->history.opened_utc_s > 0;
        if (is_open != open || (!open && entry->history.resolved_utc_s == 0))
            continue;
        list->alerts[list->report.count++] = (struct ccd_alert){
            .rule = rule->name,
            .severity = alert_severity_name(rule->severity),
            .subject = entry->subject,
            .meaning = rule->meaning,
            .next_step = rule->next_step,
            .opened_utc_s = entry->history.opened_utc_s,
            .noticed_utc_s = entry->history.noticed_utc_s,
            .resolved_utc_s = entry->history.resolved_utc_s,
        };
    }
}

int ccd_alerts_read(struct ccd_client *client, struct ccd_alert_list **out_list,
                    struct ccd_error *err)
{
    int lock = -1;
    struct list *list = mem_new(NULL, 1, sizeof(*list));
    if (!list)
        return error_set(err, CCD_NO_MEMORY, "no memory for alerts");
    int status = alert_memory_open(client, &list->state, &lock, err);
    if (status != 0) {
        mem_free(NULL, list);
        return status;
    }
    alert_memory_close(lock);
    add_alerts(list, true);
    list->report.open_count = list->report.count;
    add_alerts(list, false);
    list->report.alerts = list->alerts;
    list->report.pending_notices = list->state.pending_count;
    *out_list = &list->report;
    return 0;
}

void ccd_alerts_free(struct ccd_alert_list *list)
{
    mem_free(NULL, list);
}
