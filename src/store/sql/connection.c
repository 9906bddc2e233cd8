#include <string.h>

#include "store/sql/store.h"

static const int64_t first_pause_ms = 50;

enum { TASK_ATTEMPTS_MAX = 5 };

static bool is_file(const struct sql_target *target)
{
    return target->url.path[0] != '\0';
}

/* ---- locks ---- */

static const char *lock_name(char out[96], const struct data_type *type, enum interval interval)
{
    str_print(out, 96, "%s_%s", type->name, interval_infos[interval].name);
    return out;
}

/* Its place in s->held. */
static bool *held_of(const struct sql_store *s, const struct data_type *type,
                     enum interval interval)
{
    for (size_t i = 0; i < data_type_count; i++)
        if (data_types[i] == type)
            return &s->held[i * INTERVAL_COUNT + (size_t)interval];
    return NULL;
}

/* Locks go with their connection. Somebody else may have taken them meanwhile. */
static void lock_again(struct sql_store *s)
{
    for (size_t i = 0; i < data_type_count * INTERVAL_COUNT; i++) {
        if (!s->held[i])
            continue;
        char name[96];
        struct ccd_error err = {0};
        lock_name(name, data_types[i / INTERVAL_COUNT], (enum interval)(i % INTERVAL_COUNT));
        if (s->driver->lock(s->control, name, 0, &err) != CCD_OK) {
            log_warning(s->target.log, NULL,
                        "the lock of %s in %s was lost with a connection and could not be taken "
                        "again: another run may write the same: %s",
                        name, s->target.name, err.message);
        }
    }
}

/* ---- tasks ---- */

static int ensure_control(struct sql_store *s, struct ccd_error *err)
{
    if (s->control && !s->control->broken)
        return CCD_OK;
    s->driver->close(s->control);
    s->control = NULL;
    bool missing;
    int status = sql_store_connect(s->driver, &s->target, &s->control, &missing, err);
    if (status == CCD_OK && missing)
        status = error_set(err, CCD_DATABASE_UNREACHABLE, "%s is gone", s->target.name);
    if (status == CCD_OK)
        lock_again(s);
    return status;
}

/* *out_begun: the database let us begin, so that a second attempt makes sense. */
static int attempt(struct sql_store *s, struct sql_task *task, bool *out_begun,
                   struct ccd_error *err)
{
    *out_begun = false;
    int status = ensure_control(s, err);
    if (status != CCD_OK)
        return status;
    struct sql_connection *c = s->control;
    if (!task->writes || (task->apart && c->dialect->dimension_apart)) {
        *out_begun = true;
        return task->run(c, task->context, err);
    }
    status = s->driver->begin(c, SQL_WRITES, err);
    *out_begun = status == CCD_OK || c->broken;
    return status == CCD_OK ? sql_end(c, task->run(c, task->context, err), err) : status;
}

int sql_store_do(struct sql_store *s, struct sql_task *task, struct ccd_error *err)
{
    if (task->writes && s->read_only) {
        return error_set(err, CCD_DATABASE_PERMISSION, "%s was opened for reading only",
                         s->target.name);
    }
    int64_t pause_ms = first_pause_ms;
    for (int attempts = 1;; attempts++) {
        bool begun;
        int status = attempt(s, task, &begun, err);
        bool again = status == CCD_DATABASE_BUSY || (s->control && s->control->broken);
        if (status == CCD_OK || !begun || !again || task->delivered ||
            attempts == TASK_ATTEMPTS_MAX || is_file(&s->target))
            return status;
        clock_sleep_ms(pause_ms);
        pause_ms *= 2;
    }
}

/* ---- the locks of runs ---- */

struct lock_call {
    char name[96];
    int64_t wait_ms;
};

static int take_lock(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct lock_call *call = context;
    return c->driver->lock(c, call->name, call->wait_ms, err);
}

int sql_store_lock(struct store *store, const struct data_type *type, enum interval interval,
                   int64_t wait_ms, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    if (s->read_only) {
        return error_set(err, CCD_DATABASE_PERMISSION, "%s was opened for reading only",
                         s->target.name);
    }
    struct lock_call call = {.wait_ms = wait_ms};
    lock_name(call.name, type, interval);
    int status = sql_store_do(s, &(struct sql_task){.run = take_lock, .context = &call}, err);
    bool *held = held_of(s, type, interval);
    if (status == CCD_OK && held)
        *held = true;
    if (status == CCD_LOCKED) {
        return error_set(err, CCD_LOCKED,
                         "another run writes %s %s to %s: wait for it, or use --lock_wait",
                         type->name, interval_infos[interval].name, s->target.name);
    }
    return status;
}

void sql_store_unlock(struct store *store, const struct data_type *type, enum interval interval)
{
    struct sql_store *s = (struct sql_store *)store;
    bool *held = held_of(s, type, interval);
    char name[96];
    if (held)
        *held = false;
    if (s->control && !s->control->broken)
        s->driver->unlock(s->control, lock_name(name, type, interval));
}
