#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/internal.h"

/* Measured with 2000-row pages of futures candles: 16 KiB pages 2.0–2.3 cpu-s per million rows,
 * 4 KiB 2.4–2.8, 32 KiB the same as 16. A checkpoint every 16 MiB of WAL: more is not faster.
 * secure_delete, which some distributions switch on, only overwrites freed bytes. Statement
 * journals stay in memory. EXTRA is FULL for a write-ahead log; where there is none it syncs the
 * folder of the journal too: with FULL a power cut right after a commit brings the journal back,
 * and it undoes what was reported as committed. */
static const char settings[] = "PRAGMA page_size=16384;"
                               "PRAGMA cache_size=-16384;"
                               "PRAGMA synchronous=EXTRA;"
                               "PRAGMA journal_size_limit=67108864;"
                               "PRAGMA secure_delete=OFF;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA foreign_keys=ON;";

static const int64_t poll_ms = 20, stopped_busy_ms = 500;

/* Checkpoint whenever the log holds this much; complain when a reader has kept it from shrinking
 * until it is so many times larger. */
static const int64_t checkpoint_bytes = 16 << 20;
static const int64_t complaint_factor = 16;

static const char doing_open[] = "open the database";

/* A directory or device in its place is refused here: SQLite's words for it would mislead. */
static int file_exists(const struct sql_target *target, bool *out_exists, struct ccd_error *err)
{
    struct stat st;
    *out_exists = stat(target->url.path, &st) == 0;
    if (*out_exists && !S_ISREG(st.st_mode)) {
        return error_set(err, CCD_DATABASE_UNREACHABLE, "cannot %s %s: it is not a file",
                         doing_open, target->name);
    }
    if (*out_exists || errno == ENOENT || errno == ENOTDIR)
        return CCD_OK;
    return system_error(errno, doing_open, target->name, err);
}

/* Private, unless another process was quicker. */
static int create_file(const struct sql_target *target, struct ccd_error *err)
{
    int fd = open(target->url.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return CCD_OK;
    if (fd < 0 || close(fd) != 0)
        return system_error(errno, "create the database", target->name, err);
    return CCD_OK;
}

static int execute(struct sqlite_connection *c, const char *sql, struct ccd_error *err)
{
    int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? CCD_OK : sqlite_error(c, code, doing_open, err);
}

/* The first value of the first row; it stays until the statement is finalized. */
static int query(struct sqlite_connection *c, sqlite3_stmt *stmt, bool *out_row,
                 struct ccd_error *err)
{
    int code = sqlite3_step(stmt);
    *out_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return CCD_OK;
    int status = sqlite_error(c, code, doing_open, err);
    sqlite3_reset(stmt);
    return status;
}

/* A run that is to end waits for others half a second at most: it has more than one page, and its
 * record, to write (P2). */
static int64_t most_busy_ms(const struct sql_target *target)
{
    bool stops = target->stop_level && target->stop_level(target->stop_user) > 0;
    return stops && target->busy_timeout_ms > stopped_busy_ms ? stopped_busy_ms
                                                              : target->busy_timeout_ms;
}

/* The switch to WAL answers BUSY at once while another process makes the same switch. */
static int use_wal(struct sqlite_connection *c, struct ccd_error *err)
{
    const struct sql_target *target = c->base.target;
    sqlite3_stmt *stmt = NULL;
    int status = statement_prepare(c, "PRAGMA journal_mode=WAL", false, doing_open, &stmt, err);
    bool row = false;
    for (int64_t waited_ms = 0; status == CCD_OK;) {
        status = query(c, stmt, &row, err);
        if (status != CCD_DATABASE_BUSY || waited_ms >= most_busy_ms(target))
            break;
        clock_sleep_ms(poll_ms);
        waited_ms += poll_ms;
        status = CCD_OK;
    }
    if (status == CCD_OK && row &&
        sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal")) {
        log_warning(target->log, NULL, "%s cannot use a write-ahead log; writing is slower",
                    target->name);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* After each commit. A checkpoint that other connections hold up is tried again after the next. */
static int on_commit(void *user, sqlite3 *db, const char *schema, int pages)
{
    struct sqlite_connection *c = user;
    if (pages < c->checkpoint_pages)
        return SQLITE_OK;
    int code = sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code != SQLITE_OK)
        sqlite_error(c, code, "checkpoint", NULL); /* a full disk is kept for the next page */
    if (pages > complaint_factor * c->checkpoint_pages && !c->complained) {
        c->complained = true;
        log_warning(c->base.target->log, NULL,
                    "%s-wal keeps growing: a reader holds an old snapshot; close it",
                    c->base.target->name);
    }
    return SQLITE_OK;
}

static int watch_log(struct sqlite_connection *c, struct ccd_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    int status = statement_prepare(c, "PRAGMA page_size", false, doing_open, &stmt, err);
    if (status == CCD_OK)
        status = query(c, stmt, &row, err);
    int64_t page_bytes = row ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    if (status != CCD_OK)
        return status;
    c->checkpoint_pages = checkpoint_bytes / (page_bytes > 0 ? page_bytes : 4096);
    sqlite3_wal_hook(c->db, on_commit, c);
    return CCD_OK;
}

/* In place of sqlite3_busy_timeout, which nothing can end. Short waits come first: most locks last
 * for the commit of one page. */
static int on_busy(void *user, int tries)
{
    struct sqlite_connection *c = user;
    int64_t now_us = clock_mono_us(NULL);
    if (tries == 0)
        c->busy_since_us = now_us;
    if (now_us - c->busy_since_us >= most_busy_ms(c->base.target) * 1000)
        return 0;
    clock_sleep_ms(tries < 10 ? 1 << tries / 2 : poll_ms);
    return 1;
}

static int configure(struct sqlite_connection *c, struct ccd_error *err)
{
    const struct sql_target *target = c->base.target;
    sqlite3_busy_handler(c->db, on_busy, c);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
    int status = execute(c, settings, err);
    if (status != CCD_OK)
        return status;
    if (target->intent == SQL_READS)
        return execute(c, "PRAGMA query_only=ON; SELECT 1 FROM sqlite_schema", err);
    status = use_wal(c, err);
    if (status == CCD_OK && sqlite3_db_readonly(c->db, "main") == 1) {
        return error_set(err, CCD_DATABASE_PERMISSION,
                         "the database %s may not be written: check the file's permissions",
                         target->name);
    }
    return status == CCD_OK ? watch_log(c, err) : status;
}

static int connect_to(const struct sql_target *target, struct sql_connection **out,
                      struct ccd_error *err)
{
    struct sqlite_connection *c = mem_new(target->allocator, 1, sizeof(*c));
    if (!c)
        return error_set(err, CCD_NO_MEMORY, "no memory for a connection");
    c->base = (struct sql_connection){.driver = &sql_driver_sqlite,
                                      .target = target,
                                      .dialect = dialect_of(DIALECT_SQLITE),
                                      .opened_mono_us = clock_mono_us(target->clock)};
    c->lock_fd = -1;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= target->intent == SQL_READS ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int code = sqlite3_open_v2(target->url.path, &c->db, flags, NULL);
    int status = code == SQLITE_OK ? configure(c, err) : sqlite_error(c, code, doing_open, err);
    if (status != CCD_OK) {
        sqlite_close(&c->base);
        return status;
    }
    *out = &c->base;
    return CCD_OK;
}

int sqlite_open(const struct sql_target *target, struct sql_connection **out, bool *out_missing,
                struct ccd_error *err)
{
    bool creates = target->intent == SQL_WRITES && target->create;
    bool exists;
    *out = NULL;
    *out_missing = false;
    int status = file_exists(target, &exists, err);
    if (status == CCD_OK && !exists && !creates) {
        *out_missing = true;
        return CCD_OK;
    }
    if (status == CCD_OK && !exists)
        status = create_file(target, err);
    return status == CCD_OK ? connect_to(target, out, err) : status;
}

void sqlite_close(struct sql_connection *connection)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    if (!c)
        return;
    facts_free(c);
    statements_release(c);
    sqlite3_close(c->db);
    if (c->lock_fd >= 0)
        close(c->lock_fd);
    mem_free(c->base.target->allocator, c);
}
