/* What the files of the PostgreSQL driver share.
 * Invariant: between two calls of the driver the connection waits for a command; when it does not
 * (a COPY that cannot be ended, a lost server) base.broken is set. */
#ifndef STORE_POSTGRES_INTERNAL_H
#define STORE_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "store/sql/sql.h"

/* A statement that the server keeps prepared for this session. */
struct postgres_statement {
    char *sql; /* as the caller wrote it */
    size_t sql_len;
    char name[24];
    int parameter_count;
    int result_format; /* 1: every column has a binary form that we read; 0: text */
    uint64_t used;     /* value of the connection's counter at the last use */
};

/* How the values of a result's column come. */
struct postgres_column {
    Oid type;
    bool binary;
};

struct postgres {
    struct sql_connection base;
    PGconn *pg;
    struct postgres_statement statements[SQL_STATEMENTS_KEPT];
    size_t statement_count;
    uint64_t uses;
    uint64_t prepared_ever;
    struct buf sql;  /* text on its way to the server */
    struct buf text; /* parameters as text */
    struct buf rows; /* rows in the form of COPY */
    /* One row of a result, and what its columns are. */
    struct value *values;
    struct postgres_column *columns;
    size_t column_capacity;
    bool columns_known;
    size_t locks_held;
    bool silent; /* the server gave no answer for too long; broken, too */
};

static inline struct postgres *postgres_of(struct sql_connection *c)
{
    return (struct postgres *)c;
}

/* ---- errors.c ---- */

/* Fill *err from a result that is not what was expected (NULL: from the connection): "cannot
 * <doing> <name>: <the server's words>". Sets base.broken where the connection is of no more use.
 * Never CCD_OK. */
int postgres_error(struct postgres *c, const PGresult *result, const char *doing,
                   struct ccd_error *err);
/* The same for a connection that did not come about; verbosity must be PQERRORS_VERBOSE. `reached`
 * is how far it got. */
int postgres_connect_error(const struct sql_target *target, const struct store_host *host,
                           const PGconn *pg, ConnStatusType reached, struct ccd_error *err);
/* The status of a five-letter SQLSTATE; *out_advice (may be NULL) is what to do, or NULL. */
enum ccd_status postgres_sqlstate_status(const char *sqlstate, const char **out_advice);

/* ---- connection.c ---- */

int postgres_open(const struct sql_target *target, struct sql_connection **out, bool *out_missing,
                  struct ccd_error *err);
void postgres_close(struct sql_connection *c);

/* ---- wait.c: in place of PQexec, PQgetResult and their like, which wait without an end ---- */

/* The next result of what was sent. NULL: there is none, or the server is silent. */
PGresult *postgres_next_result(struct postgres *c);
/* The last one, or a COPY that begins. sent: what PQsend… returned; NULL when it was not sent. */
PGresult *postgres_last_result(struct postgres *c, bool sent);
/* Until what was handed to libpq is sent. False: the server takes nothing any more. */
bool postgres_flush(struct postgres *c);

/* ---- transaction.c ---- */

int postgres_begin(struct sql_connection *c, enum sql_intent intent, struct ccd_error *err);
enum store_outcome postgres_commit(struct sql_connection *c, struct ccd_error *err);
void postgres_rollback(struct sql_connection *c);
/* Run one text of ours that gives no rows of interest. */
int postgres_exec(struct postgres *c, const char *doing, const char *sql, struct ccd_error *err);

/* ---- statement.c, result.c ---- */

int postgres_run(struct sql_connection *c, const struct sql_call *call, struct ccd_error *err);
void postgres_statements_release(struct postgres *c);

/* Whether a column of this type is read in binary form. */
bool postgres_is_binary(Oid type);
/* Take all results of the statement that was sent, rows to call->sink. */
int postgres_take_results(struct postgres *c, const struct sql_call *call, struct ccd_error *err);

/* ---- copy.c ---- */

int postgres_insert_rows(struct sql_connection *c, const struct sql_fact_rows *rows,
                         struct ccd_error *err);

/* ---- lock.c ---- */

int postgres_lock(struct sql_connection *c, const char *name, int64_t wait_ms,
                  struct ccd_error *err);
void postgres_unlock(struct sql_connection *c, const char *name);
/* Let go of all before the connection ends: the server notices the end some time later. */
void postgres_unlock_all(struct postgres *c);

#endif
