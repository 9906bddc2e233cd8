#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/internal.h"

/* Measured with 2000-row pages of futures candles: 16 KiB pages 2.0–2.3 cpu-s per million rows,
 * 4 KiB 2.4–2.8, 32 KiB the same as 16. A checkpoint every 16 MiB of WAL: more is not faster.
 * secure_delete, which some distributions switch on, only overwrites freed bytes. Statement
 * journals stay in memory. */
static const char settings[] = "PRAGMA page_size=16384;"
                               "PRAGMA cache_size=-16384;"
                               "PRAGMA synchronous=FULL;"
                               "PRAGMA journal_size_limit=67108864;"
                               "PRAGMA secure_delete=OFF;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA foreign_keys=ON;";

static const int64_t poll_ms = 20;

int connection_create_file(const char *path, struct ccd_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? CCD_OK : system_error(errno, "create the database", path, err);
    if (close(fd) != 0)
        return system_error(errno, "create the database", path, err);
    return CCD_OK;
}

int connection_exec(const struct connection *c, const char *sql, const char *doing,
                    struct ccd_error *err)
{
    int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? CCD_OK : sqlite_error(c, code, doing, err);
}

/* The switch to WAL answers BUSY at once while another process makes the same switch. */
static int use_wal(struct connection *c, int64_t busy_timeout_ms, struct ccd_error *err)
{
    static const char doing[] = "open the database";
    sqlite3_stmt *stmt = NULL;
    int status = statement_get(c, &stmt, "PRAGMA journal_mode=WAL", err);
    bool row = false;
    for (int64_t waited_ms = 0; status == CCD_OK;) {
        status = statement_step(c, stmt, &row, doing, err);
        if (status != CCD_DATABASE_BUSY || waited_ms >= busy_timeout_ms)
            break;
        nanosleep(&(struct timespec){.tv_nsec = poll_ms * 1000000}, NULL);
        waited_ms += poll_ms;
        status = CCD_OK;
    }
    if (status == CCD_OK && row &&
        sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal"))
        log_warning(c->log, NULL, "%s cannot use a write-ahead log; writing is slower", c->path);
    statement_drop(&stmt);
    return status;
}

static int configure(struct connection *c, enum connection_mode mode, int64_t busy_timeout_ms,
                     struct ccd_error *err)
{
    static const char doing[] = "open the database";
    sqlite3_busy_timeout(c->db, busy_timeout_ms > INT32_MAX ? INT32_MAX : (int)busy_timeout_ms);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
    int status = connection_exec(c, settings, doing, err);
    if (status != CCD_OK || mode == CONNECTION_EMPTY)
        return status;
    if (mode == CONNECTION_READS)
        return connection_exec(c, "PRAGMA query_only=ON; SELECT 1 FROM sqlite_schema", doing, err);
    status = use_wal(c, busy_timeout_ms, err);
    if (status == CCD_OK && sqlite3_db_readonly(c->db, "main") == 1) {
        return error_set(err, CCD_DATABASE_PERMISSION,
                         "the database %s may not be written: check the file's permissions",
                         c->path);
    }
    return status;
}

int connection_open(struct connection *c, enum connection_mode mode, int64_t busy_timeout_ms,
                    struct ccd_error *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= mode == CONNECTION_READS ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= mode == CONNECTION_EMPTY ? SQLITE_OPEN_MEMORY : 0;
    int code = sqlite3_open_v2(mode == CONNECTION_EMPTY ? ":memory:" : c->path, &c->db, flags,
                               NULL);
    int status = code == SQLITE_OK ? configure(c, mode, busy_timeout_ms, err)
                                   : sqlite_error(c, code, "open the database", err);
    if (status != CCD_OK)
        connection_close(c);
    return status;
}

void connection_close(struct connection *c)
{
    sqlite3_close(c->db);
    c->db = NULL;
}

int connection_begin(const struct connection *c, struct ccd_error *err)
{
    return connection_exec(c, "BEGIN IMMEDIATE", "write to", err);
}

int connection_end(const struct connection *c, int status, struct ccd_error *err)
{
    if (status == CCD_OK)
        status = connection_exec(c, "COMMIT", "commit to", err);
    if (!sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

int statement_get(const struct connection *c, sqlite3_stmt **slot, const char *sql,
                  struct ccd_error *err)
{
    if (*slot)
        return CCD_OK;
    int code = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
    return code == SQLITE_OK ? CCD_OK : sqlite_error(c, code, "use", err);
}

int statement_step(const struct connection *c, sqlite3_stmt *stmt, bool *out_row, const char *doing,
                   struct ccd_error *err)
{
    int code = sqlite3_step(stmt);
    *out_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return CCD_OK;
    int status = code == SQLITE_DONE ? CCD_OK : sqlite_error(c, code, doing, err);
    sqlite3_reset(stmt);
    return status;
}

int statement_run(const struct connection *c, sqlite3_stmt *stmt, const char *doing,
                  struct ccd_error *err)
{
    bool row = true;
    int status = CCD_OK;
    while (row && status == CCD_OK)
        status = statement_step(c, stmt, &row, doing, err);
    return status;
}

void statement_drop(sqlite3_stmt **slot)
{
    sqlite3_finalize(*slot);
    *slot = NULL;
}

void bind_str(sqlite3_stmt *stmt, int index, struct str text)
{
    /* An empty text may have no address; NULL would be bound. */
    sqlite3_bind_text64(stmt, index, text.len > 0 ? text.ptr : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}
