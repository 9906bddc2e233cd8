/* What every SQL database can do, as its driver offers it. The files of store/sql/ are written once
 * on top of this; a driver (sqlite/, mysql/, postgres/) knows its client library and nothing of
 * candles, but for the bulk path.
 *
 * SQL text is written with numbered parameters, ?1 ?2 …; a driver turns them into its own form when
 * it prepares the statement, and keeps prepared statements by their text (bounded). Values travel
 * as parameters only; text is made of dialect words and names of the registry.
 *
 * Invariant: a connection is used by one thread at a time. When `broken` is set nothing that it
 * says can be trusted: it is closed and never used again. */
#ifndef STORE_SQL_SQL_H
#define STORE_SQL_SQL_H

#include "store/dialect.h"
#include "store/url.h"
#include "store/value.h"

enum {
    SQL_NAME_MAX_BYTES = 512,
    SQL_TEXT_MAX_BYTES = 256 * 1024, /* of a statement, without rows in it */
    SQL_PARAMETERS_MAX = 4096,
    SQL_STATEMENTS_KEPT = 64,
};

enum sql_intent { SQL_READS, SQL_WRITES };

/* Where connections go; everything borrowed for the life of the store. */
struct sql_target {
    struct store_url url;
    char name[SQL_NAME_MAX_BYTES]; /* for messages, no password: "ccdata.db", "user@host/db" */
    enum sql_intent intent;        /* SQL_READS: a connection that cannot write */
    bool create;                   /* SQL_WRITES: make the database when there is none (SQLite) */
    int64_t busy_timeout_ms;       /* wait for locks of others before CCD_DATABASE_BUSY */
    int64_t connect_timeout_ms;    /* of one attempt at one host */
    int64_t batch_rows;            /* rows per bulk statement, > 0 */
    int64_t settle_s;
    int64_t silence_max_ms;  /* a server silent for longer is lost; 0 = the driver's default */
    uint32_t disabled_paths; /* ways that tests leave unused, bits of the driver's; 0 otherwise */
    int (*stop_level)(void *user); /* as store_config's */
    void *stop_user;
    const struct clock *clock;
    const struct log *log;
    const struct allocator *allocator;
};

struct sql_driver;

/* Every driver's connection starts with this. */
struct sql_connection {
    const struct sql_driver *driver;
    const struct sql_target *target;
    const struct dialect *dialect; /* as the server turned out to speak it */
    bool broken;
    int64_t opened_mono_us;
};

/* Takes the rows of a query one by one; values are borrowed during the call. A status other than
 * CCD_OK stops and is returned by run; SQL_ENOUGH stops, and run returns CCD_OK. */
enum { SQL_ENOUGH = -1 };
struct sql_sink {
    int (*row)(void *user, const struct value *values, size_t count, struct ccd_error *err);
    void *user;
};

/* One statement. doing: "read the coverage in", for the message "cannot DOING NAME: …". */
struct sql_call {
    const char *doing;
    const char *sql;
    const struct value *parameters;
    size_t parameter_count;
    struct sql_sink sink;  /* row NULL: the statement gives no rows */
    bool once;             /* not worth keeping prepared: DDL, settings */
    int64_t *out_affected; /* rows that a DELETE took; NULL = not wanted */
};

/* Rows of a page for its fact table: rows[0 … count) of page->batch, ascending. */
struct sql_fact_rows {
    const struct store_page *page;
    const uint32_t *rows;
    size_t count;
};

struct sql_driver {
    const char *scheme;    /* "mysql" */
    uint32_t capabilities; /* enum store_capability */

    /* Connect and set the session up (UTC, strict, utf8mb4 …): hosts in the order of the URL, first
     * that answers and, with SQL_WRITES, takes writes. SQLite: the file. Errors: UNREACHABLE,
     * PERMISSION, DISK, TLS as CCD_DATABASE_PERMISSION. *out_missing (SQLite): there is no such
     * database and target->create is not set; then *out is NULL and the status CCD_OK. */
    int (*open)(const struct sql_target *target, struct sql_connection **out, bool *out_missing,
                struct ccd_error *err);
    void (*close)(struct sql_connection *c); /* NULL is fine; rolls back what is open */

    int (*run)(struct sql_connection *c, const struct sql_call *call, struct ccd_error *err);

    /* SQL_WRITES takes the write lock where there is only one (SQLite). */
    int (*begin)(struct sql_connection *c, enum sql_intent intent, struct ccd_error *err);
    enum store_outcome (*commit)(struct sql_connection *c, struct ccd_error *err);
    void (*rollback)(struct sql_connection *c); /* legal when nothing is open */

    /* Within a transaction: insert exactly these rows, target->batch_rows per statement. A key that
     * is there already is CCD_DATABASE_BUSY (somebody else wrote: the transaction is done again).
     * NULL when the driver has put_rows. */
    int (*insert_rows)(struct sql_connection *c, const struct sql_fact_rows *rows,
                       struct ccd_error *err);

    /* The whole write rule for the rows of a page, where the database can do it better itself
     * (SQLite): fates has an enum row_fate per row, begun by row_fates_begin. NULL: sql/facts.c
     * does it with run and insert_rows. Journals changed values with sql_journal_revision. */
    int (*put_rows)(struct sql_connection *c, const struct store_page *page, uint8_t *fates,
                    struct ccd_error *err);

    /* An exclusive lock by name among all processes that use the database; held by the connection
     * and released with it. CCD_LOCKED after wait_ms. */
    int (*lock)(struct sql_connection *c, const char *name, int64_t wait_ms, struct ccd_error *err);
    void (*unlock)(struct sql_connection *c, const char *name);

    /* What only this server can tell, tried on a page of a scratch series and undone (selftest);
     * *out_proof is a key of ccdata_proofs or NULL, *out_holds the verdict. NULL = nothing to
     * prove. */
    int (*prove)(struct sql_connection *c, const struct store_page *scratch, const char **out_proof,
                 bool *out_holds, struct ccd_error *err);
};

extern const struct sql_driver sql_driver_sqlite;
extern const struct sql_driver sql_driver_mysql; /* MariaDB, MySQL, SingleStore */
extern const struct sql_driver sql_driver_postgres;

/* ---- shorthands of sql/run.c ---- */

/* Run a statement that gives no rows. */
int sql_run(struct sql_connection *c, const char *doing, const char *sql,
            const struct value *parameters, size_t parameter_count, struct ccd_error *err);
/* The same with values listed: SQL_RUN(c, doing, sql, err, value_i64(1), …). */
#define SQL_RUN(c, doing, sql, err, ...)                                                           \
    sql_run((c), (doing), (sql), (const struct value[]){__VA_ARGS__},                              \
            sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value), (err))
/* COMMIT when status is CCD_OK, else ROLLBACK; returns what became of it. STORE_UNKNOWN is an error
 * here: the caller does it again. */
int sql_end(struct sql_connection *c, int status, struct ccd_error *err);

/* One line of ccdata_revisions. step_s 0: a change of dim_series, without ts. */
struct revision {
    int64_t series_id;
    int64_t step_s;
    int64_t ts;
    const char *column_name;
    struct str old_value, new_value;
    bool old_null, new_null;
    const char *run_id; /* NULL = none */
};
int sql_journal_revision(struct sql_connection *c, const struct revision *revision,
                         struct ccd_error *err);

/* ---- numbered parameters, for drivers that have another form ---- */

/* Rewrite ?N as the driver writes them: style '$' gives $N, style '?' gives ? and the numbers in
 * out_order[0 … *out_count) in the order in which they appear. A ? without a number is the one
 * after the largest so far, as in SQLite, which looks through all numbers it knows at each ?N: long
 * lists are written without. Text in quotes is left alone. -1 when out fails or there are more than
 * SQL_PARAMETERS_MAX. */
int sql_rewrite_parameters(const char *sql, char style, struct buf *out, uint16_t *out_order,
                           size_t *out_count);

#endif
