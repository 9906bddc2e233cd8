#include "store/sqlite/internal.h"

static int execute(struct sqlite_connection *c, const char *sql, const char *doing,
                   struct ccd_error *err)
{
    int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? CCD_OK : sqlite_error(c, code, doing, err);
}

static int sqlite_begin(struct sql_connection *connection, enum sql_intent intent,
                        struct ccd_error *err)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    if (intent == SQL_READS)
        return execute(c, "BEGIN", "read", err);
    if (c->failure.status != CCD_OK) {
        if (err)
            *err = c->failure;
        return (int)c->failure.status;
    }
    return execute(c, "BEGIN IMMEDIATE", "write to", err);
}

static void sqlite_rollback(struct sql_connection *connection)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

static enum store_outcome sqlite_commit(struct sql_connection *connection, struct ccd_error *err)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    int status = execute(c, "COMMIT", "commit to", err);
    sqlite_rollback(connection); /* what could not be committed is still open */
    return status == CCD_OK ? STORE_COMMITTED : STORE_ROLLED_BACK;
}

/* One writer at a time may hold SQLite's write lock: more connections only wait for each other. */
const struct sql_driver sql_driver_sqlite = {
    .scheme = "sqlite",
    .capabilities = STORE_PERSISTS,
    .open = sqlite_open,
    .close = sqlite_close,
    .run = sqlite_run,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .put_rows = sqlite_put_rows,
    .lock = sqlite_lock,
    .unlock = sqlite_unlock,
};
