#include <mysqld_error.h>
#include <string.h>

#include "base/hash.h"
#include "store/mysql/internal.h"

/* A wait is cut into pieces: a server that went silent is noticed at the end of each. PAUSE_MS:
 * between tries that were refused at once. */
enum { PIECE_S = 10, PAUSE_MS = 100 };

static const char doing[] = "lock";

/* Names are the server's, not the database's, and without regard to case. */
static void lock_name(const struct mysql_connection *c, const char *name, char out[LOCK_NAME_BYTES])
{
    const char *database = c->base.target->url.database;
    if (str_print(out, LOCK_NAME_BYTES, "ccdata:%s:%s", database, name))
        return;
    uint8_t digest[32];
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, database, strlen(database) + 1);
    sha256_add(&h, name, strlen(name));
    sha256_final(&h, digest);
    char hex[2 * 24 + 1];
    for (size_t i = 0; i < 24; i++)
        str_print(hex + 2 * i, 3, "%02x", digest[i]);
    str_print(out, LOCK_NAME_BYTES, "ccdata:%s", hex);
}

static int held(const struct mysql_connection *c, const char *name, struct ccd_error *err)
{
    return error_set(err, CCD_LOCKED,
                     "another run writes %s to %s: wait for it, or use --lock_wait", name,
                     c->base.target->name);
}

static int take_number(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    if (count > 0)
        *(struct value *)user = values[0].kind == VALUE_I64 ? values[0] : value_null();
    return CCD_OK;
}

static int64_t whole_seconds(int64_t ms)
{
    return ms <= 0 ? 0 : ms / 1000 + (ms % 1000 > 0);
}

/* ---- by name ---- */

static int ask_lock(struct mysql_connection *c, const char *name, int64_t wait_s, bool *out_held,
                    struct ccd_error *err)
{
    struct value answer = value_null();
    const struct value parameters[] = {value_text(str_from(name)), value_i64(wait_s)};
    int status = mysql_run(&c->base,
                           &(struct sql_call){.doing = doing,
                                              .sql = "SELECT GET_LOCK(?1, ?2)",
                                              .parameters = parameters,
                                              .parameter_count = 2,
                                              .sink = {.row = take_number, .user = &answer}},
                           err);
    if (status == CCD_OK && answer.kind == VALUE_NULL)
        status = error_set(err, CCD_DATABASE_BUSY, "cannot lock %s: the server was interrupted",
                           c->base.target->name);
    *out_held = status == CCD_OK && answer.i64 == 1;
    c->named_locks = c->named_locks || *out_held;
    return status;
}

static int lock_by_name(struct mysql_connection *c, const char *name, int64_t wait_ms,
                        const char *shown, struct ccd_error *err)
{
    int64_t left_s = whole_seconds(wait_ms);
    for (;;) {
        bool ours = false;
        int64_t piece_s = left_s < PIECE_S ? left_s : PIECE_S;
        int status = ask_lock(c, name, piece_s, &ours, err);
        if (status != CCD_OK || ours)
            return status;
        left_s -= piece_s;
        if (left_s <= 0)
            return held(c, shown, err);
    }
}

/* ---- by a row: SingleStore has no named locks, and locks rows that are written ---- */

/* The row of the name, in the table that the schema has. Asked first: an INSERT would wait for who
 * holds the row. */
static int lock_row(struct mysql_connection *c, const char *name, struct ccd_error *err)
{
    struct value there = value_null();
    const struct value parameter = value_text(str_from(name));
    int status = mysql_run(
        &c->base,
        &(struct sql_call){.doing = doing,
                           .sql = "SELECT held FROM ccdata_locks WHERE name = ?1",
                           .parameters = &parameter,
                           .parameter_count = 1,
                           .sink = {.row = take_number, .user = &there}},
        err);
    if (status == CCD_OK && there.kind == VALUE_NULL) {
        status = SQL_RUN(&c->base, doing, "INSERT INTO ccdata_locks (name, held) VALUES (?1, 0)",
                         err, parameter);
        if (status == CCD_DATABASE_BUSY && !c->base.broken)
            status = CCD_OK; /* another made it just now */
    }
    return status;
}

/* A transaction that waits idle for hours is what a lock is: SingleStore would end it after an
 * hour. A try for the row waits a second and not as long as a row of data is waited for: what the
 * user allows is counted here. Where a setting is missing or refused, the server's own counts. */
static void set_session(struct mysql_connection *c)
{
    static const char *const singlestore[] = {
        "SET SESSION lock_wait_timeout = 1",
        "SET SESSION multi_statement_xact_idle_timeout = 604800",
    };
    static const char *const mysql[] = {"SET SESSION innodb_lock_wait_timeout = 1"};
    const char *const *settings = c->singlestore ? singlestore : mysql;
    size_t count = c->singlestore ? sizeof(singlestore) / sizeof(singlestore[0]) : 1;
    struct ccd_error ignored;
    for (size_t i = 0; i < count; i++)
        mysql_text(c, settings[i], strlen(settings[i]), doing, &ignored);
}

static int take_row(struct mysql_connection *c, const char *name, struct ccd_error *err)
{
    int status = c->base.driver->begin(&c->base, SQL_WRITES, err);
    if (status != CCD_OK)
        return status;
    status = SQL_RUN(&c->base, doing, "UPDATE ccdata_locks SET held = held + 1 WHERE name = ?1",
                     err, value_text(str_from(name)));
    if (status != CCD_OK)
        c->base.driver->rollback(&c->base);
    return status;
}

static void row_lock_release(struct row_lock *lock)
{
    if (lock->c)
        lock->c->driver->close(lock->c); /* rolls back: the row is free */
    *lock = (struct row_lock){0};
}

static struct row_lock *find_row_lock(struct mysql_connection *c, const char *name)
{
    for (size_t i = 0; i < LOCKS_MAX; i++)
        if (strcmp(c->locks[i].name, name) == 0)
            return &c->locks[i];
    return NULL;
}

/* Try until it is ours or wait_ms are over. A refusal that came at once is waited out, so that the
 * server is not asked without end. */
static int poll_row(struct mysql_connection *own, const char *name, int64_t wait_ms,
                    const char *shown, struct ccd_error *err)
{
    const struct clock *clock = own->base.target->clock;
    int64_t start_us = clock_mono_us(clock);
    for (;;) {
        int64_t tried_us = clock_mono_us(clock);
        int status = take_row(own, name, err);
        int64_t now_us = clock_mono_us(clock);
        if (status != CCD_DATABASE_BUSY || own->base.broken)
            return status;
        if (now_us - start_us >= wait_ms * 1000)
            return held(own, shown, err);
        if (now_us - tried_us < PAUSE_MS * 1000)
            clock_sleep_ms(PAUSE_MS);
    }
}

static int lock_by_row(struct mysql_connection *c, const char *name, int64_t wait_ms,
                       const char *shown, struct ccd_error *err)
{
    struct row_lock *lock = find_row_lock(c, "");
    struct mysql_connection *own = NULL;
    if (!lock)
        return error_set(err, CCD_INTERNAL, "more than %d locks", LOCKS_MAX);
    int status = mysql_connect(c->base.target, &own, err);
    if (status != CCD_OK)
        return status;
    lock->c = &own->base;
    set_session(own);
    status = lock_row(own, name, err);
    if (status == CCD_OK)
        status = poll_row(own, name, wait_ms, shown, err);
    if (status == CCD_OK)
        str_copy(lock->name, sizeof(lock->name), str_from(name));
    else
        row_lock_release(lock);
    return status;
}

/* ---- either ---- */

static bool locks_rows(const struct mysql_connection *c)
{
    return c->singlestore || c->base.target->disabled_paths & MYSQL_PATH_NAMED_LOCKS;
}

int mysql_lock(struct sql_connection *base, const char *name, int64_t wait_ms,
               struct ccd_error *err)
{
    struct mysql_connection *c = connection_of(base);
    char full[LOCK_NAME_BYTES];
    lock_name(c, name, full);
    return locks_rows(c) ? lock_by_row(c, full, wait_ms, name, err)
                         : lock_by_name(c, full, wait_ms, name, err);
}

void mysql_unlock(struct sql_connection *base, const char *name)
{
    struct mysql_connection *c = connection_of(base);
    char full[LOCK_NAME_BYTES];
    lock_name(c, name, full);
    if (locks_rows(c)) {
        struct row_lock *lock = find_row_lock(c, full);
        if (lock)
            row_lock_release(lock);
        return;
    }
    struct value answer = value_null();
    const struct value parameter = value_text(str_from(full));
    struct ccd_error ignored;
    mysql_run(base,
              &(struct sql_call){.doing = "unlock",
                                 .sql = "SELECT RELEASE_LOCK(?1)",
                                 .parameters = &parameter,
                                 .parameter_count = 1,
                                 .sink = {.row = take_number, .user = &answer}},
              &ignored);
}

/* The server would let go by itself, but not before it noticed that we left. */
static void release_named(struct mysql_connection *c)
{
    static const char sql[] = "DO RELEASE_ALL_LOCKS()";
    struct ccd_error ignored;
    if (c->named_locks && !c->base.broken)
        mysql_text(c, sql, sizeof(sql) - 1, "unlock", &ignored);
    c->named_locks = false;
}

void locks_release(struct mysql_connection *c)
{
    release_named(c);
    for (size_t i = 0; i < LOCKS_MAX; i++)
        row_lock_release(&c->locks[i]);
}
