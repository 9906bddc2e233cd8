/* The words in which databases differ: one row per dialect. Invariant: SQL text outside a
 * back-end's own folder is made of these words and of names from the registry. */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

#include "base/buf.h"
#include "model/data_type.h"
#include "store/store.h"

enum { COLUMN_KIND_COUNT = COLUMN_UTC_S + 1, IDENTIFIER_MAX_BYTES = 63 };

/* What a column of ours is, beside the kinds of vendor values. */
enum ddl_type {
    DDL_I64, /* ids, seconds, counts */
    DDL_F64, /* exact double */
    DDL_BOOL,
    DDL_MOMENT, /* a time as people read it: ts, collected_at, created_at, updated_at */
    DDL_WORD,   /* short text that is part of a key: data_type, market, state; 64 characters */
    DDL_NAME,   /* a vendor's name that is part of a key: instruments; 511 characters */
    DDL_TEXT,   /* text without a limit, in no key */
    DDL_ROW,    /* numbers the rows of a table without a key, where the dialect has words for it */
    DDL_TYPE_COUNT
};
enum ddl_type ddl_type_of(enum column_kind kind); /* of a vendor value; UTC_S is an integer */

/* Declared: as CREATE TABLE writes it. Reported: as the database's catalogue names it, which is
 * what the check of a schema compares. */
struct type_words {
    const char *declared;
    const char *reported;
};

/* Where the rows of a table live; only SingleStore tells all of these apart. */
enum ddl_place {
    DDL_FACT,      /* rows in the order of (series_id, ts) */
    DDL_DIMENSION, /* dim_series, metadata, ccdata_schema, ccdata_catalogue … */
    DDL_SERIES,    /* bookkeeping rows that stand with a series: coverage … */
    DDL_LOCKS,     /* ccdata_locks */
    DDL_SNAPSHOTS, /* what metadata said at a moment: grows for ever */
    DDL_RUNS,      /* ccdata_runs, ccdata_run_operations, ccdata_run_series */
    DDL_PLACE_COUNT
};
struct place_words {
    const char *create; /* before the name: "CREATE ROWSTORE REFERENCE TABLE" */
    const char *keys;   /* further members of the brackets; NULL = none */
    const char *after;  /* after the closing bracket */
};

struct dialect {
    enum store_dialect id;
    const char *name;
    const char *alias; /* another name that people use; NULL = none */
    struct type_words types[DDL_TYPE_COUNT];
    struct place_words places[DDL_PLACE_COUNT];
    /* A stored moment as integer seconds, and seconds as a moment: text before and after. */
    const char *moment_to_s[2];
    const char *moment_from_s[2];
    /* A moment as a literal: text around "YYYY-MM-DD hh:mm:ss"; NULL = the bare number. */
    const char *moment_literal[2];
    /* A stored moment, and stored integer seconds, as a date and time for people. */
    const char *show_moment[2];
    const char *show_seconds[2];
    /* How a view reads a stored double: text before and after. */
    const char *view_f64[2];
    /* "ts + N seconds" in a view: text between ts and N, and after. */
    const char *add_seconds[2];
    const char *create_view;
    const char *inline_index; /* after an index within CREATE TABLE: " USING HASH" */
    /* When a key is there already. */
    const char *upsert_keys[2]; /* text around the key's columns; NULL = they are not named */
    const char *upsert_set;     /* before "a = NEW VALUE OF a, …" */
    const char *upsert_nothing; /* NULL = a column of the key is set to itself */
    const char *new_value[2];
    char quote; /* around identifiers */
    /* A query of one parameter, the table's name: one text per property, as ddl_expect writes them;
     * see ddl.h. */
    const char *describe;
    /* Of one parameter, a name: the kind of the object, "table", "view" or "index"; no row = none.
     */
    const char *find_object;
    /* The same: the text that made the object; NULL = the database does not keep it as it was. */
    const char *object_text;
    /* Said after a table whose key is more than one integer: its rows live in the order of the key.
     * NULL = nothing to say. */
    const char *keyed_table;
    bool view_replaces;      /* create_view replaces a view that is there; else it is dropped */
    bool view_joins_schema;  /* a scalar subquery would keep the view from being merged */
    bool checks;             /* CHECK constraints exist */
    bool inline_indexes;     /* an index is part of CREATE TABLE: no CREATE INDEX IF NOT EXISTS */
    bool bare_lists;         /* key lists without quotes, as the text of version 1 has them */
    bool lock_table;         /* a lock is a row of ccdata_locks */
    bool ddl_in_transaction; /* CREATE can be rolled back */
    bool pads_text;          /* texts that differ by blanks at the end are the same key */
    bool plain_zero;         /* a stored double has no negative zero */
    /* Dimensions are written by statements of their own, before the page's transaction. */
    bool dimension_apart;
};

const struct dialect *dialect_of(enum store_dialect dialect);

/* Whether name is one of ours: [a-z0-9_]{1,63}. */
bool identifier_ok(const char *name);
/* Add the name in quotes. A name that is not an identifier fails the buffer. */
int identifier_add(struct buf *out, const struct dialect *d, const char *name);

/* After "INSERT … VALUES (…)": what happens when the key is there already. `keys` and `sets` are
 * column lists ("a, b"); each column of sets takes the new value. sets NULL: nothing happens. */
int upsert_add(struct buf *out, const struct dialect *d, const char *keys, const char *sets);

/* A moment as a literal: '2024-01-01 00:00:00'; SQLite: the number. */
int moment_literal_add(struct buf *out, const struct dialect *d, int64_t utc_s);

#endif
