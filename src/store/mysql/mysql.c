#include <string.h>

#include "store/mysql/internal.h"

static int open_connection(const struct sql_target *target, struct sql_connection **out,
                           bool *out_missing, struct ccd_error *err)
{
    struct mysql_connection *c = NULL;
    *out = NULL;
    *out_missing = false;
    int status = mysql_connect(target, &c, err);
    if (status == CCD_OK)
        *out = &c->base;
    return status;
}

static void close_connection(struct sql_connection *base)
{
    mysql_disconnect(base ? connection_of(base) : NULL);
}

static int begin(struct sql_connection *base, enum sql_intent intent, struct ccd_error *err)
{
    static const char sql[] = "START TRANSACTION";
    return mysql_text(connection_of(base), sql, sizeof(sql) - 1,
                      intent == SQL_WRITES ? "write to" : "read", err);
}

static enum store_outcome commit(struct sql_connection *base, struct ccd_error *err)
{
    struct mysql_connection *c = connection_of(base);
    if (base->broken) {
        error_set(err, CCD_DATABASE_UNREACHABLE, "cannot commit to %s: the connection was lost",
                  base->target->name);
        return STORE_ROLLED_BACK;
    }
    if (mysql_text(c, "COMMIT", 6, "commit to", err) == CCD_OK)
        return STORE_COMMITTED;
    /* After an error the server may still hold the transaction open; the next would join it. */
    base->broken = true;
    return mysql_commit_unknown(mysql_errno(c->mysql)) ? STORE_UNKNOWN : STORE_ROLLED_BACK;
}

static void rollback(struct sql_connection *base)
{
    struct ccd_error ignored;
    if (!base->broken &&
        mysql_text(connection_of(base), "ROLLBACK", 8, "roll back in", &ignored) != CCD_OK)
        base->broken = true;
}

const struct sql_driver sql_driver_mysql = {
    .scheme = "mysql",
    .capabilities = STORE_PERSISTS | STORE_PARALLEL_WRITERS,
    .open = open_connection,
    .close = close_connection,
    .run = mysql_run,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .insert_rows = mysql_insert_rows,
    .lock = mysql_lock,
    .unlock = mysql_unlock,
    .prove = mysql_prove,
};
