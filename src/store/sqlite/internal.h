/* What the files of the SQLite driver share.
 * Invariant: a connection is used by one thread at a time and never moves, because SQLite calls
 * back with its address. */
#ifndef STORE_SQLITE_INTERNAL_H
#define STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store/sql/sql.h"

struct facts; /* facts.c */

/* A prepared statement; SQLite keeps its text. */
struct kept_statement {
    sqlite3_stmt *stmt; /* NULL = a free place */
    uint64_t hash;      /* of the text */
    uint64_t last_use;
    bool busy; /* being run: a sink may run statements on the same connection */
};

struct sqlite_connection {
    struct sql_connection base; /* must be first */
    sqlite3 *db;
    struct kept_statement kept[SQL_STATEMENTS_KEPT];
    uint64_t uses;
    struct facts *facts; /* NULL until the first page */
    int lock_fd;         /* -1 = none yet */
    int64_t busy_since_us; /* the lock of somebody else is waited for */
    int64_t checkpoint_pages;
    bool complained;
    /* After a failed write or fsync the kernel may have dropped what it promised to write: no
     * transaction that writes is begun any more. */
    struct ccd_error failure;
};

/* ---- errors.c ---- */

/* Fill *err from the connection's last error: "cannot <doing> <name>: <SQLite's words>". Keeps a
 * CCD_DISK in c->failure; a file that is gone makes the connection broken. */
int sqlite_error(struct sqlite_connection *c, int code, const char *doing, struct ccd_error *err);
/* The same for a call of the operating system. */
int system_error(int errno_value, const char *doing, const char *name, struct ccd_error *err);

/* ---- connection.c ---- */

int sqlite_open(const struct sql_target *target, struct sql_connection **out, bool *out_missing,
                struct ccd_error *err);
void sqlite_close(struct sql_connection *connection);

/* ---- statements.c ---- */

int statement_prepare(struct sqlite_connection *c, const char *sql, bool keep, const char *doing,
                      sqlite3_stmt **out, struct ccd_error *err);
int sqlite_run(struct sql_connection *connection, const struct sql_call *call,
               struct ccd_error *err);
void statements_release(struct sqlite_connection *c);

/* ---- cells.c ---- */

/* Parameter ?index. Text must stay until the statement is reset. */
int bind_value(sqlite3_stmt *stmt, int index, const struct value *value);
/* A virtual table's result. Text must stay until the statement that reads it is reset. */
void result_cell(sqlite3_context *context, const struct batch *b, size_t row, size_t column);
/* Whether the stored value is exactly the cell: same type, doubles by their bits. */
bool cell_equals(const struct batch *b, size_t row, size_t column, sqlite3_value *stored);
/* A stored value; text is borrowed until the next step. */
int value_read(sqlite3_stmt *stmt, int column, struct value *out, struct ccd_error *err);

/* ---- lock.c ---- */

int sqlite_lock(struct sql_connection *connection, const char *name, int64_t wait_ms,
                struct ccd_error *err);
void sqlite_unlock(struct sql_connection *connection, const char *name);

/* ---- page_table.c: the rows of a page as a virtual table ---- */

/* What the table shows: rows[0 … count) of the page. */
struct page_source {
    const struct store_page *page;
    const uint32_t *rows;
    size_t count;
    size_t ts_column;
    const struct allocator *allocator; /* set by the registration */
};

/* Its columns are series_id, ts, collected_at, c0 … c63 (columns of the batch). */
extern const char page_table_name[];
int page_table_register(struct sqlite_connection *c, struct page_source *source,
                        struct ccd_error *err);

/* ---- facts.c: the write rule ---- */

int sqlite_put_rows(struct sql_connection *connection, const struct store_page *page,
                    uint8_t *fates, struct ccd_error *err);
void facts_free(struct sqlite_connection *c); /* NULL facts are fine */

#endif
