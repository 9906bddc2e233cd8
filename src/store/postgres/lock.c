/* Advisory locks of the session: the server lets go of them when the connection ends, however it
 * ends. They are apart for each database. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "store/postgres/internal.h"

static const int64_t poll_ms = 50;

static int64_t lock_key(const struct postgres *c, const char *name)
{
    static const char separator = 0x1f;
    const char *database = PQdb(c->pg);
    uint8_t digest[32];
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, "ccdata", strlen("ccdata"));
    sha256_add(&h, &separator, 1);
    sha256_add(&h, database, strlen(database));
    sha256_add(&h, &separator, 1);
    sha256_add(&h, name, strlen(name));
    sha256_final(&h, digest);
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | digest[i];
    return (int64_t)key;
}

static int take_answer(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    bool *held = user;
    *held = count > 0 && values[0].kind == VALUE_I64 && values[0].i64 != 0;
    return CCD_OK;
}

/* Ask with the key as the only parameter; *out_yes is the answer. */
static int ask(struct postgres *c, const char *sql, const char *name, bool *out_yes,
               struct ccd_error *err)
{
    struct value key = value_i64(lock_key(c, name));
    struct sql_call call = {
        .doing = "lock",
        .sql = sql,
        .parameters = &key,
        .parameter_count = 1,
        .sink = {take_answer, out_yes},
    };
    *out_yes = false;
    return postgres_run(&c->base, &call, err);
}

int postgres_lock(struct sql_connection *connection, const char *name, int64_t wait_ms,
                  struct ccd_error *err)
{
    struct postgres *c = postgres_of(connection);
    /* Counted, not measured: a clock that stands still must not make this wait for ever. */
    for (int64_t waited_ms = 0;; waited_ms += poll_ms) {
        bool held;
        int status = ask(c, "SELECT pg_try_advisory_lock(?1)", name, &held, err);
        if (status == CCD_OK && held)
            c->locks_held++;
        if (status != CCD_OK || held)
            return status;
        if (waited_ms >= wait_ms) {
            return error_set(err, CCD_LOCKED,
                             "another run writes %s to %s: wait for it, or use "
                             "--lock_wait",
                             name, c->base.target->name);
        }
        clock_sleep_ms(poll_ms);
    }
}

void postgres_unlock(struct sql_connection *connection, const char *name)
{
    struct postgres *c = postgres_of(connection);
    bool held;
    if (c->base.broken)
        return;
    if (ask(c, "SELECT pg_advisory_unlock(?1)", name, &held, NULL) == CCD_OK && held)
        c->locks_held--;
}

void postgres_unlock_all(struct postgres *c)
{
    if (c->locks_held > 0 && !c->base.broken)
        postgres_exec(c, "unlock", "SELECT pg_advisory_unlock_all()", NULL);
    c->locks_held = 0;
}
