/* The destination: rows and coverage committed together, behind one vtable per database.
 * Invariant: what coverage claims is in the fact tables, because both are written in one
 * transaction; ccdata_coverage is only ever inserted into.
 *
 * A `struct store` and a `struct store_writer` are each used by one thread at a time; several
 * writers of one store may be used by several threads. All SQL databases share one implementation
 * (sql/) over a driver each (sqlite/, mysql/, postgres/); null/ is the other one. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/log.h"
#include "model/batch.h"
#include "model/coverage.h"
#include "model/series.h"

struct value; /* value.h */

enum { STORE_SCHEMA_VERSION = 4, STORE_ROWS_MAX = 5001 };

enum store_dialect {
    DIALECT_SQLITE,
    DIALECT_MYSQL, /* MariaDB too */
    DIALECT_SINGLESTORE,
    DIALECT_POSTGRESQL,
    DIALECT_COUNT
};
const char *store_dialect_name(enum store_dialect dialect);
bool store_dialect_parse(struct str name, enum store_dialect *out_dialect);

enum store_capability {
    STORE_PERSISTS = 1u << 0,         /* rows can be read back; null: cannot */
    STORE_PARALLEL_WRITERS = 1u << 1, /* more than one writer makes sense */
};

struct store_config {
    const char *url; /* url.h says what it may be */
    /* Tried when the URL has no password; NULL or "" = the client's own file (~/.my.cnf,
     * ~/.pgpass). */
    const char *password;
    bool read_only;          /* opens an existing database only; nothing is created or written */
    bool create_schema;      /* create what is missing (else CCD_DATABASE_SCHEMA) */
    int64_t settle_s;        /* written to ccdata_schema; the views' is_final uses it */
    int64_t busy_timeout_ms; /* wait for another writer before CCD_DATABASE_BUSY */
    int64_t batch_rows;      /* rows per statement (INGESTION_BATCH_SIZE); 0 = a page at once */
    int64_t pool_size;       /* DB_POOL_SIZE …; 0 = 1, and no overflow */
    int64_t pool_overflow;
    int64_t pool_timeout_ms;
    int64_t pool_recycle_s; /* 0 = never */
    /* > 0: a server that is away is not waited for. May change at any time, asked from any thread;
     * NULL = never. */
    int (*stop_level)(void *user);
    void *stop_user;
    const struct clock *clock;
    const struct log *log;
    const struct allocator *allocator;
};

struct store;
struct store_writer;

/* Rows of one page of one series, and what they prove. All pointers are borrowed during the call.
 */
struct store_page {
    const struct data_type *type; /* SHAPE_CANDLES */
    enum interval interval;
    const struct series_names *series;
    const struct batch *batch; /* ts ascending, unique; every ts on the grid of the interval */
    struct period_range asked; /* of a reply: what it was asked for */
    const char *const
        *rejected; /* NULL, or per row: NULL = good, else why it goes to ccdata_quarantine */
    bool fresh;    /* this window was never attempted: try plain inserts first */
    int64_t collected_utc_s; /* when the request was sent, on the earlier of our clock and the
                                vendor's */
    const int64_t *row_collected_utc_s; /* per row instead, for rows that are copied; else NULL */
    int64_t final_before_ts;            /* rows with ts < this were final when asked */
    const struct coverage_segment *segments;
    size_t segment_count;
    const char *run_id; /* names the run in ccdata_revisions and ccdata_quarantine */
};

struct store_page_result {
    int64_t inserted;
    int64_t changed;   /* values differed: written and journalled in ccdata_revisions */
    int64_t unchanged; /* not written (collected_at of a not yet final row is still refreshed) */
    int64_t rejected;
};

/* How a commit ended. */
enum store_outcome {
    STORE_COMMITTED,
    STORE_ROLLED_BACK, /* nothing of it is there; *err says why */
    STORE_UNKNOWN,     /* the answer was lost: read the coverage again before doing anything */
};

/* Rows of one metadata table. */
struct store_list {
    const struct data_type *table; /* CATALOGUE, RECORDS, PARTS or SNAPSHOTS */
    const struct batch *rows;      /* a key that stands twice: the last one counts */
};

/* Lists that are written in one transaction: a table and then its parts and snapshots. */
struct store_lists {
    const struct store_list *lists;
    size_t count;
    struct str scope;    /* the market of a catalogue; "" for what has no market */
    int64_t asked_utc_s; /* when the oldest reply was asked for; older than what is stored: nothing
                            is written */
    bool is_complete; /* the whole list: remembered as asked for then (freshness), and rows that it
                         lacks get is_listed = 0. Else rows are only written. */
    bool has_unread; /* some of its records could not be read: the rows that it lacks stay listed */
    bool rewrite;    /* --full_refresh: equal rows are written too, and count as changed */
    /* A complete list that lacks more than so many of a hundred of the rows that were listed is
     * refused: CCD_BAD_REPLY, nothing is written. 100 = any. */
    int shrink_max_percent;
};

/* added + changed + unchanged = distinct rows given. */
struct store_list_counts {
    int64_t added, changed, unchanged;
    int64_t gone; /* RECORDS, CATALOGUE: listed until now; PARTS: taken out with their record */
};

/* A run as ccdata_runs keeps it. Texts are borrowed; NULL = none. */
struct store_run {
    const char *run_id;
    const char *command; /* "spot_ohlcv", "batch" … */
    int64_t started_utc_s;
    int64_t ended_utc_s; /* 0 = still running, or killed */
    const char *status;  /* "running", "complete", "partial", "failed", "interrupted" */
    int64_t exit_code;
    int64_t calls, metadata_calls, rows_fetched, rows_written, rows_unchanged, rows_changed, bytes;
    int64_t duration_ms;
    const char *error;
};

/* One operation of a run. Texts are borrowed. */
struct store_run_operation {
    const char *run_id;
    int64_t place;                    /* from 1, in the order of the run */
    const char *data_type, *interval; /* interval "": metadata */
    int64_t started_utc_s;
    const char *status; /* as of a run, or "not_started" */
    int64_t exit_code;
    int64_t calls, rows_fetched, rows_written, rows_unchanged, rows_changed, bytes;
    int64_t duration_ms;
    const char *error; /* NULL = none */
};

/* One series, or one metadata list (interval "" and series_id 0), of a run. */
struct store_run_series {
    const char *run_id;
    int64_t place; /* from 1, in the order of the run */
    const char *data_type, *interval;
    int64_t series_id;
    const char *market, *instrument;
    int64_t series_rank; /* place in the selection's ranking, 0 = none: so it can be repeated */
    int64_t lifetime_trades;
    const char *state;
    int64_t wanted, stored, fetched, empty, rejected, failed, calls;
    const char *error;
};

/* A stored series with its attributes, in the order of attribute_set_init; kind VALUE_NULL and ts 0
 * where it has none. Borrowed during the call. */
struct store_series {
    const struct series_names *names;
    const struct value *attributes;
    const int64_t *attribute_ts;
    size_t attribute_count;
};

/* How a live schema differs from ours: one line each, "table X: …". */
struct store_difference {
    const char *object;
    const char *what; /* "missing", "has column volume TEXT, expected column volume REAL" … */
};

struct store_ops {
    void (*close)(struct store *store);

    /* Exclude other writers of this type and interval on this database, waiting up to wait_ms:
     * CCD_LOCKED. Released by unlock, close and by the death of the process. */
    int (*lock)(struct store *store, const struct data_type *type, enum interval interval,
                int64_t wait_ms, struct ccd_error *err);
    void (*unlock)(struct store *store, const struct data_type *type, enum interval interval);

    /* Find a stored series by native or mapped id. *out_found tells; no series is CCD_OK. */
    int (*find_series)(struct store *store, const struct data_type *type, struct str market,
                       struct str name, struct series_names *out_names, bool *out_found,
                       struct ccd_error *err);
    /* Make sure dim_series has these series; a mapped id that another series holds moves to the new
     * one and the loser falls back to its native id (journalled). An id clash of different names is
     * CCD_DATABASE_DATA. */
    int (*put_series)(struct store *store, const struct data_type *type,
                      const struct series_names *names, size_t count, struct ccd_error *err);

    /* All coverage segments of a series as stored (unmerged), given one by one; non-zero from add
     * stops. */
    int (*load_coverage)(struct store *store, int64_t series_id, int64_t step_s,
                         int (*add)(void *user, const struct coverage_segment *segment), void *user,
                         struct ccd_error *err);
    /* Replace a series' segments by their merged form when there are more than `above`; own
     * transaction. */
    int (*compact_coverage)(struct store *store, int64_t series_id, int64_t step_s, size_t above,
                            struct ccd_error *err);

    /* Rows of a series with ts in [from_ts, to_ts), ascending, at most batch->capacity_rows, into
     * the (cleared) batch: the fact columns and ts; other columns NULL. collected_utc_s: NULL or
     * room for capacity_rows. */
    int (*read_rows)(struct store *store, const struct data_type *type, enum interval interval,
                     int64_t series_id, struct period_range range, struct batch *batch,
                     int64_t *collected_utc_s, struct ccd_error *err);

    /* Keyed upsert of metadata rows; only new and changed rows are written, created_at survives,
     * updated_at moves; no record is ever deleted. out_counts: one for each list. */
    int (*put_lists)(struct store *store, const struct store_lists *lists,
                     struct store_list_counts *out_counts, struct ccd_error *err);
    /* Rows of a metadata table in the scope (a catalogue's market; of parts and snapshots the key
     * of the record, as text; "" = all of a table that is no catalogue), ascending by key, appended
     * to the batch (CCD_INTERNAL when they do not fit: *out_count tells the rows there are).
     * *out_asked_utc_s: when the complete list was last asked for, 0 = never. batch NULL: counts
     * only. */
    int (*load_list)(struct store *store, const struct data_type *table, struct str scope,
                     struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                     struct ccd_error *err);
    /* The scopes of a table for which a complete list was stored (markets of a catalogue). */
    int (*each_list)(struct store *store, const struct data_type *table,
                     int (*add)(void *user, struct str scope, int64_t asked_utc_s,
                                struct ccd_error *err),
                     void *user, struct ccd_error *err);

    /* Insert the run, or replace what is known of it. */
    int (*put_run)(struct store *store, const struct store_run *run, struct ccd_error *err);
    int (*put_run_operation)(struct store *store, const struct store_run_operation *operation,
                             struct ccd_error *err);
    /* Insert these, or replace them where run_id and place are the same. */
    int (*put_run_series)(struct store *store, const struct store_run_series *series, size_t count,
                          struct ccd_error *err);
    /* The newest runs first, at most limit of them. add must not use the store, here and in the
     * three below. */
    int (*each_run)(struct store *store, int64_t limit,
                    int (*add)(void *user, const struct store_run *run, struct ccd_error *err),
                    void *user, struct ccd_error *err);
    /* The newest operations of a type and interval ("" for metadata) first, at most limit of them.
     */
    int (*each_run_operation)(struct store *store, const char *data_type, const char *interval,
                              int64_t limit,
                              int (*add)(void *user, const struct store_run_operation *operation,
                                         struct ccd_error *err),
                              void *user, struct ccd_error *err);
    /* The series of one run by place. */
    int (*each_run_series)(struct store *store, const char *run_id,
                           int (*add)(void *user, const struct store_run_series *series,
                                      struct ccd_error *err),
                           void *user, struct ccd_error *err);
    /* Forget the records of runs that began before; at most `limit` of them, the oldest first. */
    int (*forget_runs)(struct store *store, int64_t before_utc_s, int64_t limit,
                       struct ccd_error *err);
    /* All coverage segments of a type and interval, unmerged, ascending by series and from_ts: one
     * query for what a status or a map needs. Non-zero from add stops and is returned. */
    int (*each_coverage)(struct store *store, const struct data_type *type, int64_t step_s,
                         int (*add)(void *user, int64_t series_id,
                                    const struct coverage_segment *segment, struct ccd_error *err),
                         void *user, struct ccd_error *err);
    /* Try to write: a transaction with a row of our own that is rolled back, also on a store that
     * is for reading only. CCD_OK when the database would take it; DATABASE_SCHEMA when it has no
     * tables of ours yet. */
    int (*try_write)(struct store *store, struct ccd_error *err);

    /* All series of a type, ascending by market and instrument; non-zero from add stops and is
     * returned. */
    int (*each_series)(struct store *store, const struct data_type *type,
                       int (*add)(void *user, const struct store_series *series,
                                  struct ccd_error *err),
                       void *user, struct ccd_error *err);
    /* The series must exist. An attribute that is stored with a newer ts stays. */
    int (*put_attributes)(struct store *store, const struct store_series *series,
                          struct ccd_error *err);
    /* Take a series out again, with its rows, coverage, revisions and quarantine: for scratch
     * series of the self test. */
    int (*remove_series)(struct store *store, const struct data_type *type, int64_t series_id,
                         struct ccd_error *err);
    /* Selftest: prove on this server what its driver wants proven and remember the verdict in
     * ccdata_proofs. *out_proof NULL: nothing to prove. */
    int (*prove)(struct store *store, const struct store_page *scratch, const char **out_proof,
                 bool *out_holds, struct ccd_error *err);

    /* Create or replace the views under the original's names. */
    int (*create_legacy_views)(struct store *store, struct ccd_error *err);

    int (*writer_open)(struct store *store, struct store_writer **out, struct ccd_error *err);
    void (*writer_close)(struct store_writer *writer); /* rolls back what is open */
    int (*writer_begin)(struct store_writer *writer, struct ccd_error *err);
    /* Within begin … commit. Non-zero: the whole transaction must be rolled back. */
    int (*writer_put)(struct store_writer *writer, const struct store_page *page,
                      struct store_page_result *out_result, struct ccd_error *err);
    enum store_outcome (*writer_commit)(struct store_writer *writer, struct ccd_error *err);
    void (*writer_rollback)(struct store_writer *writer);
};

/* Every back-end's instance starts with this. */
struct store {
    const struct store_ops *ops;
    uint32_t capabilities; /* enum store_capability */
    enum store_dialect dialect;
    int64_t schema_version; /* of the tables that were found when it was opened; 0 = none */
};
struct store_writer {
    const struct store_ops *ops;
};

/* Pick the back-end by the URL's scheme, open it, check or create the schema, migrate an older one
 * (create_schema). A SQLite file that does not exist, or a database without our tables, with
 * read_only: CCD_OK and an empty store. A database that a server does not have is DATABASE_SCHEMA.
 * Unknown scheme: CCD_USAGE naming the nearest. Errors: USAGE, DATABASE_UNREACHABLE,
 * DATABASE_SCHEMA, DATABASE_PERMISSION, DISK. */
int store_open(const struct store_config *config, struct store **out, struct ccd_error *err);
void store_close(struct store *store);

/* Compare a live schema with ours: every difference is given to add. Opens and closes by itself;
 * writes nothing. Views are compared by their presence. */
int store_check_schema(const struct store_config *config,
                       void (*add)(void *user, const struct store_difference *difference),
                       void *user, struct ccd_error *err);

/* The whole schema as SQL text for a dialect, from the registry; can be run twice. */
int store_write_ddl(enum store_dialect dialect, bool legacy_views, struct buf *out);

/* Name of the fact table and of the flat view: "fact_spot_ohlcv_1d", "spot_ohlcv_1d". False when
 * cut. */
bool store_fact_name(const struct data_type *type, enum interval interval, char *out,
                     size_t capacity);
bool store_view_name(const struct data_type *type, enum interval interval, char *out,
                     size_t capacity);

#endif
