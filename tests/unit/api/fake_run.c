#include "fake_run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/runtime.h"

enum { DAY = 86400, EXIT_DEAD = 9 };

struct fake_run fake;
struct fake_record *record;
static size_t selections, sessions;

void fake_reset(void)
{
    fake = (struct fake_run){.die_at = -1};
    unsetenv("XDG_STATE_HOME"); /* the quota ledger stays in memory */
    unsetenv("HOME");
    selections = sessions = 0;
    if (!record)
        record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
    if (record == MAP_FAILED)
        abort();
    *record = (struct fake_record){0};
}

/* "step:what", or "step" */
static void note(const char *step, const char *what)
{
    size_t len = strlen(fake.journal);
    str_print(fake.journal + len, sizeof(fake.journal) - len, "%s%s%s%s", len > 0 ? " " : "", step,
              what ? ":" : "", what ? what : "");
}

static int fail(enum ccd_status status, struct ccd_error *err)
{
    return status == CCD_OK ? 0 : error_set(err, status, "told to fail");
}

/* ---- selection ---- */

int __wrap_select_series(struct select_context *context, const struct checked_job *job,
                         struct selection *out, struct ccd_error *err);
int __wrap_select_series(struct select_context *context, const struct checked_job *job,
                         struct selection *out, struct ccd_error *err)
{
    size_t k = selections++;
    (void)context;
    *out = (struct selection){.items = mem_new(NULL, FAKE_SERIES_MAX, sizeof(*out->items))};
    note("select", job->type->name);
    if (!out->items || fake.select_error[k] != CCD_OK) {
        selection_release(out);
        return fail(fake.select_error[k], err);
    }
    for (const struct fake_series *s = fake.series[k];
         out->count < FAKE_SERIES_MAX && s->instrument; s++) {
        struct selected *item = &out->items[out->count++];
        struct str name = str_from(s->instrument);
        series_names_set(&item->names, job->type, STR("kraken"), name, name);
        item->want = (struct period_range){s->from_day * DAY, s->to_day * DAY};
        fail(s->unknown, &item->error);
    }
    return 0;
}

/* ---- runtime and session ---- */

struct runtime {
    size_t number;
    ccd_progress_fn *progress;
    void *progress_user;
};
static struct runtime the_runtime;
static struct session_series_result results[FAKE_SERIES_MAX];
static struct ccd_error session_end;

int __wrap_runtime_new(const struct runtime_config *config, struct runtime **out,
                       struct ccd_error *err);
int __wrap_runtime_new(const struct runtime_config *config, struct runtime **out,
                       struct ccd_error *err)
{
    (void)err;
    the_runtime = (struct runtime){sessions++, config->progress, config->progress_user};
    *out = &the_runtime;
    return 0;
}

const struct session_series_result *__real_session_result(const struct session *session,
                                                          size_t series);

int __real_session_new(const struct session_config *config, struct session **out,
                       struct ccd_error *err);
int __wrap_session_new(const struct session_config *config, struct session **out,
                       struct ccd_error *err);
int __wrap_session_new(const struct session_config *config, struct session **out,
                       struct ccd_error *err)
{
    fake.max_calls[sessions] = config->max_calls;
    return __real_session_new(config, out, err);
}

int __wrap_runtime_run(struct runtime *runtime, struct session *session, struct ccd_error *err);
int __wrap_runtime_run(struct runtime *runtime, struct session *session, struct ccd_error *err)
{
    size_t k = runtime->number;
    note("run", NULL);
    if ((int)k == fake.die_at)
        _exit(EXIT_DEAD);
    for (size_t i = 0; i < session_series_count(session); i++) {
        struct session_series_result *r = &results[i];
        *r = *__real_session_result(session, i);
        fake.asked_periods += r->plan.periods_missing;
        if (fake.series_error[k] == CCD_OK)
            r->fetched = r->rows_written = r->plan.periods_missing;
        fail(fake.series_error[k], &r->error);
    }
    if (runtime->progress)
        runtime->progress(runtime->progress_user,
                          &(struct ccd_progress){
                              .series_total = (int64_t)session_series_count(session),
                              .series_done = (int64_t)session_series_count(session),
                              .calls_planned = fake.calls[k],
                              .calls_done = fake.calls[k],
                              .rows_written = results[0].rows_written,
                          });
    error_clear(&session_end);
    fail(fake.session_error[k], &session_end);
    return fail(fake.runtime_error[k], err);
}

void __wrap_runtime_free(struct runtime *runtime);
void __wrap_runtime_free(struct runtime *runtime)
{
    (void)runtime;
}

struct runtime_totals __wrap_runtime_totals(const struct runtime *runtime);
struct runtime_totals __wrap_runtime_totals(const struct runtime *runtime)
{
    (void)runtime;
    return (struct runtime_totals){.bytes = 1000};
}

const struct session_series_result *__wrap_session_result(const struct session *session,
                                                          size_t series);
const struct session_series_result *__wrap_session_result(const struct session *session,
                                                          size_t series)
{
    (void)session;
    return &results[series];
}

const struct ccd_error *__wrap_session_error(const struct session *session, int64_t *out_resume_us);
const struct ccd_error *__wrap_session_error(const struct session *session, int64_t *out_resume_us)
{
    (void)session;
    *out_resume_us = 0;
    return &session_end;
}

struct session_totals __wrap_session_totals(const struct session *session);
struct session_totals __wrap_session_totals(const struct session *session)
{
    (void)session;
    return (struct session_totals){.calls_made = fake.calls[the_runtime.number]};
}

/* ---- lists ---- */

static bool is_market(const char *market, struct str name)
{
    return market && str_equal(str_from(market), name);
}

/* Open the second host, as the first call to it would. */
static void open_second_host(struct list_source *source)
{
    struct caller *a = source->data_api, *b = source->min_api;
    struct ccd_error err = {0};
    if (!b->http && b->open_http(b->http_user, &b->http, &err) != 0)
        return;
    if (b->ledger_user && b->open_ledger(b->ledger_user, &b->ledger, &err) != 0)
        return;
    fake.shares_ledger = a->ledger && a->ledger == b->ledger && a->http != b->http &&
                         a->run_calls && a->run_calls == b->run_calls;
}

int __wrap_lists_update(struct list_source *source, const struct list_name *name,
                        const struct list_options *options, struct list_outcome *out,
                        struct ccd_error *err);
int __wrap_lists_update(struct list_source *source, const struct list_name *name,
                        const struct list_options *options, struct list_outcome *out,
                        struct ccd_error *err)
{
    open_second_host(source);
    fake.list_options = *options;
    note("list", name->market.len > 0 ? name->market.ptr : name->table->name);
    *out = fake.outcome;
    out->is_known = !is_market(fake.unknown_market, name->market);
    if (is_market(fake.shrunk_market, name->market) || !out->is_known)
        *out = (struct list_outcome){.is_known = out->is_known};
    if (is_market(fake.shrunk_market, name->market))
        return error_set(err, CCD_BAD_REPLY, "the list shrank");
    return fail(fake.list_error, err);
}

int __wrap_lists_markets(struct list_source *source, const struct data_type *type,
                         struct buf *names, size_t *out_count, struct ccd_error *err);
int __wrap_lists_markets(struct list_source *source, const struct data_type *type,
                         struct buf *names, size_t *out_count, struct ccd_error *err)
{
    static const char NAMES[] = "coinbase\0kraken\0krypton";
    (void)source, (void)type, (void)err;
    note("markets", NULL);
    *out_count = 3;
    return buf_add(names, NAMES, sizeof(NAMES));
}

/* ---- store ---- */

static void store_close_fake(struct store *store)
{
    (void)store;
    note("close", NULL);
}

static int lock(struct store *store, const struct data_type *type, enum interval interval,
                int64_t wait_ms, struct ccd_error *err)
{
    (void)store, (void)interval, (void)wait_ms;
    if (is_market(fake.locked, str_from(type->name)))
        return error_set(err, CCD_LOCKED, "process 17 writes %s", type->name);
    note("lock", type->name);
    return 0;
}

static void unlock(struct store *store, const struct data_type *type, enum interval interval)
{
    (void)store, (void)interval;
    note("unlock", type->name);
}

static int put_series(struct store *store, const struct data_type *type,
                      const struct series_names *names, size_t count, struct ccd_error *err)
{
    (void)store, (void)type, (void)names, (void)count;
    return fail(fake.put_series_error, err);
}

static int load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                         int (*add)(void *user, const struct coverage_segment *segment), void *user,
                         struct ccd_error *err)
{
    (void)store, (void)series_id, (void)step_s, (void)add, (void)user, (void)err;
    return 0;
}

static int load_list(struct store *store, const struct data_type *table, struct str scope,
                     struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                     struct ccd_error *err)
{
    (void)store, (void)table, (void)scope, (void)batch, (void)err;
    *out_count = 0;
    *out_asked_utc_s = 0;
    return 0;
}

static void copy(char *out, size_t capacity, const char *text)
{
    str_copy(out, capacity, str_from(text));
}

#define COPY(out, text) copy(out, sizeof(out), text)

static int put_run(struct store *store, const struct store_run *run, struct ccd_error *err)
{
    size_t i = 0;
    (void)store;
    note("record", run->status);
    if (fake.record_error != CCD_OK)
        return fail(fake.record_error, err);
    while (i < record->run_count && strcmp(record->runs[i].run_id, run->run_id) != 0)
        i++;
    if (i == FAKE_RUNS_MAX)
        abort();
    if (i == record->run_count)
        record->run_count++;
    COPY(record->runs[i].run_id, run->run_id);
    COPY(record->runs[i].command, run->command);
    COPY(record->runs[i].status, run->status);
    COPY(record->runs[i].error, run->error);
    record->runs[i].ended_utc_s = run->ended_utc_s;
    record->runs[i].exit_code = run->exit_code;
    record->runs[i].rows_written = run->rows_written;
    record->runs[i].calls = run->calls;
    return 0;
}

static int put_run_operation(struct store *store, const struct store_run_operation *operation,
                             struct ccd_error *err)
{
    (void)store, (void)err;
    if (record->operation_count == FAKE_ROWS_MAX)
        abort();
    size_t k = record->operation_count++;
    COPY(record->operations[k].run_id, operation->run_id);
    COPY(record->operations[k].data_type, operation->data_type);
    COPY(record->operations[k].status, operation->status);
    COPY(record->operations[k].error, operation->error);
    record->operations[k].place = operation->place;
    record->operations[k].exit_code = operation->exit_code;
    record->operations[k].calls = operation->calls;
    return 0;
}

static int put_run_series(struct store *store, const struct store_run_series *series, size_t count,
                          struct ccd_error *err)
{
    (void)store, (void)err;
    note("rows", NULL);
    for (size_t i = 0; i < count; i++) {
        if (record->row_count == FAKE_ROWS_MAX)
            abort();
        size_t k = record->row_count++;
        COPY(record->rows[k].run_id, series[i].run_id);
        COPY(record->rows[k].data_type, series[i].data_type);
        COPY(record->rows[k].interval, series[i].interval);
        COPY(record->rows[k].market, series[i].market);
        COPY(record->rows[k].instrument, series[i].instrument);
        COPY(record->rows[k].state, series[i].state);
        record->rows[k].place = series[i].place;
        record->rows[k].fetched = series[i].fetched;
    }
    return 0;
}

static int forget_runs(struct store *store, int64_t before_utc_s, int64_t limit,
                       struct ccd_error *err)
{
    (void)store, (void)before_utc_s, (void)limit, (void)err;
    return 0;
}

static int each_run(struct store *store, int64_t limit,
                    int (*add)(void *user, const struct store_run *run, struct ccd_error *err),
                    void *user, struct ccd_error *err)
{
    (void)store, (void)limit, (void)add, (void)user, (void)err;
    return 0;
}

int __wrap_store_open(const struct store_config *config, struct store **out, struct ccd_error *err);
int __wrap_store_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    static const struct store_ops OPS = {
        .close = store_close_fake,
        .lock = lock,
        .unlock = unlock,
        .put_series = put_series,
        .load_coverage = load_coverage,
        .load_list = load_list,
        .put_run = put_run,
        .put_run_operation = put_run_operation,
        .put_run_series = put_run_series,
        .forget_runs = forget_runs,
        .each_run = each_run,
    };
    static struct store store = {.ops = &OPS};
    (void)config, (void)err;
    *out = &store;
    return 0;
}
