/* What the files of the MySQL-family driver share.
 * Invariant: the client library may read a local file only while `load.armed` is set, and then only
 * our own page in memory. */
#ifndef STORE_MYSQL_INTERNAL_H
#define STORE_MYSQL_INTERNAL_H

#include <mysql.h>

#include "store/fates.h"
#include "store/mysql/mysql.h"
#include "store/sql/sql.h"

/* The server's longest name of a lock (64) and its NUL. */
enum { LOCK_NAME_BYTES = 65, LOCKS_MAX = 16 };

/* A prepared statement, found again by its text. */
struct statement {
    char *sql; /* as the caller wrote it; NULL = free */
    MYSQL_STMT *stmt;
    uint16_t *order; /* number of the value behind each '?' */
    size_t place_count;
    uint64_t used; /* the connection's tick */
    bool busy;     /* its rows are being read */
    bool kept;     /* stands in the cache */
};

/* Memory of the array path, for `capacity` rows. */
struct row_arrays {
    size_t capacity;
    int64_t *series_id;
    MYSQL_TIME *moments; /* two per row */
    MYSQL_TIME **ts, **collected;
    char *absent;        /* an indicator per row and column */
    union cell *cells;   /* gathered values */
    char **texts;        /* an address per row and text column */
    unsigned long *lens; /* and its length */
};

/* A page as the client library reads it instead of a file. */
struct load_source {
    bool armed;
    bool refused; /* the server asked for another file, or out of turn */
    struct str rest;
};

/* A lock that is a locked row on a connection of its own. */
struct row_lock {
    char name[LOCK_NAME_BYTES]; /* "" = free */
    struct sql_connection *c;
};

struct mysql_connection {
    struct sql_connection base;
    MYSQL *mysql;
    bool connected; /* to be taken leave of */
    char host[URL_HOST_MAX_BYTES + 8];
    size_t packet_max_bytes;
    bool singlestore;
    bool prepares; /* statements can be prepared on this server */
    bool arrays;
    bool loads; /* LOAD DATA LOCAL may be tried */
    bool loads_known;
    uint64_t tick;
    struct statement statements[SQL_STATEMENTS_KEPT];
    struct row_arrays rows;
    struct buf text; /* a statement or a page */
    struct load_source load;
    bool named_locks; /* one was taken on this connection */
    struct row_lock locks[LOCKS_MAX];
};

static inline struct mysql_connection *connection_of(struct sql_connection *c)
{
    return (struct mysql_connection *)c;
}

/* ---- errors.c ---- */

/* Fill *err from a native code: "cannot DOING NAME: the server's words", and mark the connection
 * broken when it is. */
int mysql_fail(struct mysql_connection *c, unsigned code, const char *words, const char *doing,
               struct ccd_error *err);
int mysql_fail_last(struct mysql_connection *c, const char *doing, struct ccd_error *err);
int mysql_fail_stmt(struct mysql_connection *c, MYSQL_STMT *stmt, const char *doing,
                    struct ccd_error *err);
/* A value or a row that no packet can hold. */
int mysql_too_large(const struct mysql_connection *c, const char *doing, struct ccd_error *err);
int mysql_no_memory(const struct mysql_connection *c, const char *doing, struct ccd_error *err);
/* While connecting: TLS that was refused is no lost connection. */
int mysql_fail_connect(const struct sql_target *target, MYSQL *mysql, const char *host,
                       struct ccd_error *err);
extern const char load_refused_words[];
/* Whether a COMMIT that was answered like this may have happened. */
bool mysql_commit_unknown(unsigned code);
/* Whether the server said that it does not prepare, or does not load local data. */
bool mysql_refuses_prepare(unsigned code);
/* Whether it then prepares no other statement either: SingleStore with audit logging. */
bool mysql_never_prepares(const struct mysql_connection *c, unsigned code);
bool mysql_refuses_load(unsigned code);

/* ---- options.c: the client's own file ---- */

struct client_file {
    char user[URL_NAME_MAX_BYTES];
    char password[URL_SECRET_MAX_BYTES];
    char socket[URL_HOST_MAX_BYTES];
    bool has_password;
};
/* user, password and socket of ~/.my.cnf, sections [client], [client-server], [client-mariadb],
 * [client-mysql]; empty when there is none or others may write it. */
void client_file_read(const char *path, struct client_file *out);
void client_file_release(struct client_file *file); /* wipes */

/* ---- connection.c, session.c ---- */

/* On the first host that answers and, when writes is set, takes writes. */
int mysql_connect(const struct sql_target *target, struct mysql_connection **out,
                  struct ccd_error *err);
void mysql_disconnect(struct mysql_connection *c); /* NULL is fine */
/* Settings of the session, read back; what the server is and can do. */
int mysql_session_begin(struct mysql_connection *c, struct ccd_error *err);

/* ---- statement.c ---- */

int mysql_run(struct sql_connection *base, const struct sql_call *call, struct ccd_error *err);
/* Text that gives no rows. */
int mysql_text(struct mysql_connection *c, const char *sql, size_t len, const char *doing,
               struct ccd_error *err);
/* Take a statement out of the cache, prepared now when it is not. CCD_OK with *out NULL: this
 * server does not prepare it. */
int statement_take(struct mysql_connection *c, const char *sql, bool keep, const char *doing,
                   struct statement **out, struct ccd_error *err);
void statement_give(struct mysql_connection *c, struct statement *s);
void statement_drop(struct mysql_connection *c, struct statement *s);

/* ---- result.c ---- */

/* Give the rows of an executed statement to the sink. */
int result_of_statement(struct mysql_connection *c, MYSQL_STMT *stmt, const struct sql_call *call,
                        struct ccd_error *err);
/* The same for text that was sent; takes the rows off the connection in any case. */
int result_of_text(struct mysql_connection *c, const struct sql_call *call, struct ccd_error *err);

/* ---- literal.c: values as text ---- */

/* 'it\'s', 1.5e0, NULL: as the server's parser reads back exactly this value. */
void literal_add(struct buf *out, const struct value *value);
/* "2024-02-29 13:05:07" */
void literal_add_moment(struct buf *out, int64_t utc_s);
void literal_add_i64(struct buf *out, int64_t value);
/* Shortest text that reads back as the same double, always with a point or an exponent. */
void literal_add_f64(struct buf *out, double value);
/* The call's text with its values in place of ?N. */
int literal_statement(struct buf *out, const struct sql_call *call);

/* ---- rows.c and the three ways of an insert ---- */

/* The columns of a fact table in the order of our statements. */
struct fact_columns {
    char table[64];
    uint8_t columns[COLUMN_MAX]; /* of the batch */
    size_t count;
    size_t ts_column;
};
int fact_columns_of(struct fact_columns *out, const struct store_page *page, struct ccd_error *err);
/* "(`series_id`, `ts`, …, `collected_at`)" */
void fact_columns_add(struct buf *sql, const struct fact_columns *f, const struct data_type *type);
bool moment_ok(int64_t utc_s);

int mysql_insert_rows(struct sql_connection *base, const struct sql_fact_rows *rows,
                      struct ccd_error *err);
int rows_by_arrays(struct mysql_connection *c, const struct fact_columns *f,
                   const struct sql_fact_rows *rows, struct ccd_error *err);
void row_arrays_release(struct mysql_connection *c);
int rows_by_text(struct mysql_connection *c, const struct fact_columns *f,
                 const struct sql_fact_rows *rows, struct ccd_error *err);
/* *out_refused: the server forbids local data; nothing was stored and the transaction goes on. */
int rows_by_load(struct mysql_connection *c, const struct fact_columns *f,
                 const struct sql_fact_rows *rows, bool *out_refused, struct ccd_error *err);
/* Install our handler: no file is ever opened. */
void load_guard(struct mysql_connection *c);
/* Whether a page that was loaded is gone after a rollback. */
int mysql_prove_load(struct mysql_connection *c, const struct store_page *scratch, bool *out_holds,
                     struct ccd_error *err);
int mysql_prove(struct sql_connection *base, const struct store_page *scratch,
                const char **out_proof, bool *out_holds, struct ccd_error *err);

/* ---- lock.c ---- */

int mysql_lock(struct sql_connection *base, const char *name, int64_t wait_ms,
               struct ccd_error *err);
void mysql_unlock(struct sql_connection *base, const char *name);
void locks_release(struct mysql_connection *c);

#endif
