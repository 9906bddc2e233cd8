/* What the files of the SQLite back-end share.
 * Invariant: a connection is used by one thread at a time; a struct sqlite_store is not changed by
 * writer_open, so writers can be opened from other threads. */
#ifndef STORE_SQLITE_INTERNAL_H
#define STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store/attributes.h"
#include "store/store.h"

enum { STORE_PATH_MAX_BYTES = 4096 };

/* One handle and what its messages need. */
struct connection {
    sqlite3 *db;
    const char *path; /* borrowed */
    const struct allocator *allocator;
    const struct clock *clock;
    const struct log *log;
};

/* ---- errors.c ---- */

/* Fill *err from the connection's last error: "cannot <doing> <path>: <SQLite's words>". */
int sqlite_error(const struct connection *c, int code, const char *doing, struct ccd_error *err);
/* The same for a call of the operating system. */
int system_error(int errno_value, const char *doing, const char *path, struct ccd_error *err);

/* ---- connection.c ---- */

enum connection_mode { CONNECTION_WRITES, CONNECTION_READS, CONNECTION_EMPTY /* in memory */ };

/* Create the file, private, when there is none. */
int connection_create_file(const char *path, struct ccd_error *err);
/* c->path and what follows are set by the caller; c->db is set when CCD_OK. */
int connection_open(struct connection *c, enum connection_mode mode, int64_t busy_timeout_ms,
                    struct ccd_error *err);
void connection_close(struct connection *c); /* zeroed is legal */

/* Run SQL text that gives no rows. */
int connection_exec(const struct connection *c, const char *sql, const char *doing,
                    struct ccd_error *err);
/* BEGIN IMMEDIATE; CCD_DATABASE_BUSY after the busy timeout. */
int connection_begin(const struct connection *c, struct ccd_error *err);
/* COMMIT when status is CCD_OK, else ROLLBACK; returns what became of it. */
int connection_end(const struct connection *c, int status, struct ccd_error *err);

/* ---- statements ---- */

/* Prepare *slot unless it is; it stays prepared until statement_drop. */
int statement_get(const struct connection *c, sqlite3_stmt **slot, const char *sql,
                  struct ccd_error *err);
/* Step a statement that gives no rows, then reset it. */
int statement_run(const struct connection *c, sqlite3_stmt *stmt, const char *doing,
                  struct ccd_error *err);
/* Step once. *out_row: there is a row, and the statement stays on it; else it was reset. */
int statement_step(const struct connection *c, sqlite3_stmt *stmt, bool *out_row, const char *doing,
                   struct ccd_error *err);
void statement_drop(sqlite3_stmt **slot);
/* The text must stay until the statement is reset or bound again. */
void bind_str(sqlite3_stmt *stmt, int index, struct str text);

/* ---- cells.c ---- */

/* SQLite's form of a cell: a statement's parameter, a function's or virtual table's result. */
void bind_cell(sqlite3_stmt *stmt, int index, const struct batch *b, size_t row, size_t column);
void result_cell(sqlite3_context *context, const struct batch *b, size_t row, size_t column);
/* Whether the stored value is exactly the cell: same type, doubles by their bits. */
bool cell_equals(const struct batch *b, size_t row, size_t column, sqlite3_value *stored);
/* Set the cell from a stored value; a value of another type than the column's stays NULL. */
int cell_read(struct batch *b, size_t row, size_t column, sqlite3_value *stored,
              struct ccd_error *err);

/* ---- schema.c ---- */

/* Compare the database with the registry's schema, create what is missing (when create) and write
 * the settle time. *out_ours is false when it is a database without our tables. */
int schema_prepare(struct connection *c, const struct store_config *config, bool *out_ours,
                   struct ccd_error *err);
/* Create everything in an empty database. */
int schema_create(struct connection *c, int64_t settle_s, struct ccd_error *err);

/* ---- series.c ---- */

struct series_statements {
    sqlite3_stmt *by_id;
    sqlite3_stmt *by_instrument;
    sqlite3_stmt *by_mapped;
    sqlite3_stmt *insert;
    sqlite3_stmt *set_mapped;
    sqlite3_stmt *journal;
};

void series_statements_drop(struct series_statements *s);
int series_find(const struct connection *c, struct series_statements *s,
                const struct data_type *type, struct str market, struct str name,
                struct series_names *out_names, bool *out_found, struct ccd_error *err);
/* Within a transaction: make sure the series exists. follow_mapping: also move its mapped id to the
 * one given. */
int series_put(const struct connection *c, struct series_statements *s,
               const struct data_type *type, const struct series_names *names, bool follow_mapping,
               const char *run_id, struct ccd_error *err);
/* Within a transaction: one line of ccdata_revisions. step_s 0: a change of dim_series, without ts.
 */
struct revision {
    int64_t series_id;
    int64_t step_s;
    int64_t ts;
    const char *column_name;
    struct str old_value, new_value;
    bool old_null, new_null;
    const char *run_id;
};
int revision_put(const struct connection *c, sqlite3_stmt **slot, const struct revision *r,
                 struct ccd_error *err);

/* ---- coverage.c, catalogue.c, rows.c: on the store's own connection ---- */

struct sqlite_store {
    struct store base;
    struct connection c;
    bool read_only;
    int64_t settle_s;
    int64_t busy_timeout_ms;
    int lock_fd; /* -1 = none yet */
    struct series_statements series;
    sqlite3_stmt *load_coverage;
    char path[STORE_PATH_MAX_BYTES];
};

int coverage_insert(const struct connection *c, sqlite3_stmt **slot, int64_t series_id,
                    int64_t step_s, const struct coverage_segment *segment, struct ccd_error *err);
int sqlite_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                         int (*add)(void *user, const struct coverage_segment *segment), void *user,
                         struct ccd_error *err);
int sqlite_compact_coverage(struct store *store, int64_t series_id, int64_t step_s, size_t above,
                            struct ccd_error *err);

int sqlite_put_catalogue(struct store *store, const struct data_type *type, struct str market,
                         const struct batch *rows, int64_t asked_utc_s,
                         struct store_catalogue_counts *out_counts, struct ccd_error *err);
int sqlite_load_catalogue(struct store *store, const struct data_type *type, struct str market,
                          struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                          struct ccd_error *err);

int sqlite_read_rows(struct store *store, const struct data_type *type, enum interval interval,
                     int64_t series_id, struct period_range range, struct batch *batch,
                     int64_t *collected_utc_s, struct ccd_error *err);

/* ---- lock.c ---- */

int sqlite_lock(struct store *store, const struct data_type *type, enum interval interval,
                int64_t wait_ms, struct ccd_error *err);
void sqlite_unlock(struct store *store, const struct data_type *type, enum interval interval);

/* ---- page_table.c: the rows of a page as a virtual table ---- */

/* What the table shows: rows[0 … count) of the batch, or its first count rows when rows is NULL. */
struct page_source {
    const struct batch *batch;
    const uint32_t *rows;
    size_t count;
    int64_t series_id;
    int64_t collected_utc_s;
    size_t ts_column;
    const struct allocator *allocator; /* set by the registration */
};

/* Its columns are series_id, ts, collected_at, c0 … c63 (columns of the batch). */
extern const char page_table_name[];
int page_table_register(const struct connection *c, struct page_source *source,
                        struct ccd_error *err);

/* ---- writer.c ---- */

int sqlite_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err);
void sqlite_writer_close(struct store_writer *writer);
int sqlite_writer_begin(struct store_writer *writer, struct ccd_error *err);
int sqlite_writer_put(struct store_writer *writer, const struct store_page *page,
                      struct store_page_result *out_result, struct ccd_error *err);
enum store_outcome sqlite_writer_commit(struct store_writer *writer, struct ccd_error *err);
void sqlite_writer_rollback(struct store_writer *writer);

#endif
