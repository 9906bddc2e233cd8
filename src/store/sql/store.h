/* The store of every SQL database, written once on top of a driver (sql.h).
 * Invariant: the control connection belongs to the thread that uses the struct store; a writer has
 * a connection of the pool from begin to commit or rollback and none otherwise. What several
 * writers share is behind the mutex. */
#ifndef STORE_SQL_STORE_H
#define STORE_SQL_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/attributes.h"
#include "store/sql/pool.h"
#include "store/sql/reach.h"

extern const struct store_ops sql_store_ops;

/* Open a store through a driver. The URL is copied; a password of the configuration is used when it
 * has none. A server that cannot be reached, or is lost while the schema is checked, is tried again
 * for a few seconds. */
int sql_store_open(const struct store_config *config, const struct sql_driver *driver,
                   const struct store_url *url, struct store **out, struct ccd_error *err);
/* store_check_schema through a driver. */
int sql_store_check(const struct store_config *config, const struct sql_driver *driver,
                    const struct store_url *url,
                    void (*add)(void *user, const struct store_difference *difference), void *user,
                    struct ccd_error *err);

struct sql_store {
    struct store base;
    const struct sql_driver *driver;
    struct sql_target target;
    const struct dialect *dialect;
    bool read_only;
    int64_t version; /* of the schema; below STORE_SCHEMA_VERSION when an older one is read */
    bool empty;      /* a reader of nothing: every question has its ordinary answer */
    struct sql_connection *control; /* NULL or broken: opened again by the next call */
    bool *held;                     /* locks, by data type and interval */
    struct sql_pool *pool;
    atomic_uint_fast64_t removals; /* series that were removed: what writers know of them is void */
    pthread_mutex_t mutex;
    bool mutex_ready;
    /* Under the mutex. */
    struct ccd_error failure;     /* a failed write or fsync is never tried again */
    struct sql_connection *apart; /* for dimensions, when they are written by themselves */
};

/* ---- connection.c: the control connection ---- */

/* Something to be done on the control connection. It may be done more than once, until it has given
 * something to its caller (delivered). */
struct sql_task {
    int (*run)(struct sql_connection *c, void *context, struct ccd_error *err);
    void *context;
    bool writes; /* in a transaction; refused when the store is for reading only */
    bool apart;  /* without the transaction where dimensions are written by themselves */
    bool delivered;
};
int sql_store_do(struct sql_store *s, struct sql_task *task, struct ccd_error *err);
int sql_store_lock(struct store *store, const struct data_type *type, enum interval interval,
                   int64_t wait_ms, struct ccd_error *err);
void sql_store_unlock(struct store *store, const struct data_type *type, enum interval interval);

/* ---- schema.c ---- */

/* Compare the database with the registry's schema, migrate and create what is missing (when
 * config->create_schema), write the settle time. *out_ours: it has our tables. *out_version: theirs
 * is older only for a reader. */
int sql_schema_prepare(struct sql_connection *c, const struct store_config *config, bool *out_ours,
                       int64_t *out_version, struct ccd_error *err);
/* Give every difference between the database and ours to add. */
int sql_schema_report(struct sql_connection *c,
                      void (*add)(void *user, const struct store_difference *difference),
                      void *user, struct ccd_error *err);
int sql_create_legacy_views(struct store *store, struct ccd_error *err);

/* ---- migrate.c ---- */

/* Whether there are steps from this version to STORE_SCHEMA_VERSION. */
bool sql_can_migrate(enum store_dialect dialect, int64_t version);
/* Whether the steps from this version change the table, so that a reader must not insist on it. */
bool sql_migration_changes(int64_t version, const char *table);
/* Whether they make the table, so that nothing else may have its name. */
bool sql_migration_creates(int64_t version, const char *table);
/* All steps from the version that is stored, each in one transaction. */
int sql_migrate(struct sql_connection *c, struct ccd_error *err);

/* ---- text.c: pieces of statements ---- */

/* A name in quotes. */
void sql_add_name(struct buf *sql, const struct sql_connection *c, const char *name);
/* A column that holds a moment, as seconds; parameter N, seconds, as a moment. */
void sql_add_moment(struct buf *sql, const struct sql_connection *c, const char *column);
void sql_add_moment_parameter(struct buf *sql, const struct sql_connection *c, size_t number);
/* ", "a", "b"": the fact columns of a type. */
void sql_add_fact_columns(struct buf *sql, const struct sql_connection *c,
                          const struct data_type *type);
void sql_add_fact_name(struct buf *sql, const struct sql_connection *c,
                       const struct data_type *type, enum interval interval);
/* Run what the buffer holds; CCD_NO_MEMORY when it failed. */
int sql_run_text(struct sql_connection *c, const char *doing, const struct buf *sql,
                 const struct value *parameters, size_t parameter_count,
                 const struct sql_sink *sink, struct ccd_error *err);
/* A query whose text is known. */
int sql_ask(struct sql_connection *c, const char *doing, const char *sql,
            const struct value *parameters, size_t parameter_count,
            int (*row)(void *user, const struct value *values, size_t count, struct ccd_error *err),
            void *user, struct ccd_error *err);
/* DDL: not kept, no parameters. */
int sql_run_once(struct sql_connection *c, const char *doing, const char *sql,
                 struct ccd_error *err);
/* The first 53 bits of SHA-256 over reason 0x1f record: the key of ccdata_quarantine. */
int64_t sql_record_hash(struct str reason, struct str record);

/* ---- series.c ---- */

int sql_series_find(struct sql_connection *c, const struct data_type *type, struct str market,
                    struct str name, struct series_names *out_names, bool *out_found,
                    struct ccd_error *err);
/* Make sure the series exists. follow_mapping: also move its mapped id to the one given. */
int sql_series_put(struct sql_connection *c, const struct data_type *type,
                   const struct series_names *names, bool follow_mapping, const char *run_id,
                   struct ccd_error *err);

/* ---- attributes.c ---- */

/* New values of a series, in the order of the set; kind VALUE_NULL = none. */
struct sql_attributes {
    int64_t series_id;
    const struct attribute_set *set;
    struct value values[ATTRIBUTE_MAX];
    int64_t ts[ATTRIBUTE_MAX];
    bool moves[ATTRIBUTE_MAX]; /* by sql_attributes_compare: it is to be written */
    size_t move_count;
};
/* ", "x", "x_ts"" for each. */
void sql_add_attribute_columns(struct buf *sql, const struct sql_connection *c,
                               const struct attribute_set *set);
/* Which of them change the stored series. *out_found: there is such a series. */
int sql_attributes_compare(struct sql_connection *c, struct sql_attributes *a, bool *out_found,
                           struct ccd_error *err);
/* Write those that move, each unless a newer one was stored meanwhile. */
int sql_attributes_write(struct sql_connection *c, const struct sql_attributes *a,
                         struct ccd_error *err);

/* ---- rows.c ---- */

/* "SELECT ts, collected_at, fact columns … FROM the fact table WHERE series_id = ?1 AND ts >= ?2
 * AND ts <before> ?3 ORDER BY ts": before is "<" or "<=". */
void sql_add_rows_query(struct buf *sql, const struct sql_connection *c,
                        const struct data_type *type, enum interval interval, const char *before);

/* Append a row (ts, collected_at, fact columns …) to a batch with room for it. */
int sql_row_to_batch(const struct value *values, size_t count, struct batch *b, size_t ts_column,
                     int64_t *out_collected_utc_s, struct ccd_error *err);

/* ---- facts.c: the write rule where the database has none of its own ---- */

/* Memory that pages use one after the other. Zeroed is legal. */
struct sql_facts {
    struct batch stored; /* the rows of the page that the database has */
    int64_t *stored_collected_utc_s;
    uint32_t *rows; /* a selection of rows of the page */
    size_t capacity_rows;
    struct buf sql;
    const struct allocator *allocator;
};
void sql_facts_release(struct sql_facts *f);
/* Within a transaction: write the rows of the page; fates as row_fates_begin left them. */
int sql_facts_put(struct sql_facts *f, struct sql_connection *c, const struct store_page *page,
                  uint8_t *fates, struct ccd_error *err);

/* ---- coverage.c ---- */

int sql_coverage_insert(struct sql_connection *c, int64_t series_id, int64_t step_s,
                        const struct coverage_segment *segments, size_t count,
                        struct ccd_error *err);

/* ---- members of sql_store_ops ---- */

int sql_find_series(struct store *store, const struct data_type *type, struct str market,
                    struct str name, struct series_names *out_names, bool *out_found,
                    struct ccd_error *err);
int sql_put_series(struct store *store, const struct data_type *type,
                   const struct series_names *names, size_t count, struct ccd_error *err);
int sql_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                      int (*add)(void *user, const struct coverage_segment *segment), void *user,
                      struct ccd_error *err);
int sql_compact_coverage(struct store *store, int64_t series_id, int64_t step_s, size_t above,
                         struct ccd_error *err);
int sql_read_rows(struct store *store, const struct data_type *type, enum interval interval,
                  int64_t series_id, struct period_range range, struct batch *batch,
                  int64_t *collected_utc_s, struct ccd_error *err);
int sql_put_lists(struct store *store, const struct store_lists *lists,
                  struct store_list_counts *out_counts, struct ccd_error *err);
int sql_load_list(struct store *store, const struct data_type *table, struct str scope,
                  struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                  struct ccd_error *err);
int sql_each_list(struct store *store, const struct data_type *table,
                  int (*add)(void *user, struct str scope, int64_t asked_utc_s,
                             struct ccd_error *err),
                  void *user, struct ccd_error *err);
int sql_put_run(struct store *store, const struct store_run *run, struct ccd_error *err);
int sql_put_run_operation(struct store *store, const struct store_run_operation *operation,
                          struct ccd_error *err);
int sql_put_run_series(struct store *store, const struct store_run_series *series, size_t count,
                       struct ccd_error *err);
int sql_forget_runs(struct store *store, int64_t before_utc_s, int64_t limit,
                    struct ccd_error *err);
int sql_each_run(struct store *store, int64_t limit,
                 int (*add)(void *user, const struct store_run *run, struct ccd_error *err),
                 void *user, struct ccd_error *err);
int sql_each_run_operation(struct store *store, const char *data_type, const char *interval,
                           int64_t limit,
                           int (*add)(void *user, const struct store_run_operation *operation,
                                      struct ccd_error *err),
                           void *user, struct ccd_error *err);
int sql_each_run_series(struct store *store, const char *run_id,
                        int (*add)(void *user, const struct store_run_series *series,
                                   struct ccd_error *err),
                        void *user, struct ccd_error *err);
int sql_each_coverage(struct store *store, const struct data_type *type, int64_t step_s,
                      int (*add)(void *user, int64_t series_id,
                                 const struct coverage_segment *segment, struct ccd_error *err),
                      void *user, struct ccd_error *err);
int sql_try_write(struct store *store, struct ccd_error *err);
int sql_each_series(struct store *store, const struct data_type *type,
                    int (*add)(void *user, const struct store_series *series,
                               struct ccd_error *err),
                    void *user, struct ccd_error *err);
int sql_put_attributes(struct store *store, const struct store_series *series,
                       struct ccd_error *err);
int sql_remove_series(struct store *store, const struct data_type *type, int64_t series_id,
                      struct ccd_error *err);
int sql_prove(struct store *store, const struct store_page *scratch, const char **out_proof,
              bool *out_holds, struct ccd_error *err);

int sql_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err);
void sql_writer_close(struct store_writer *writer);
int sql_writer_begin(struct store_writer *writer, struct ccd_error *err);
int sql_writer_put(struct store_writer *writer, const struct store_page *page,
                   struct store_page_result *out_result, struct ccd_error *err);
enum store_outcome sql_writer_commit(struct store_writer *writer, struct ccd_error *err);
void sql_writer_rollback(struct store_writer *writer);

#endif
