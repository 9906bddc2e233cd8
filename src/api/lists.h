/* Metadata lists: whole from the vendor into the store, and back while they are fresh. Everything
 * that needs assets, exchanges, markets or instruments comes here, so that a list is asked for once
 * in its lifetime, whoever needs it. */
#ifndef API_LISTS_H
#define API_LISTS_H

#include "decode/records.h"
#include "engine/call.h"
#include "store/store.h"

enum { LIST_TEXT_MAX_BYTES = 256 << 20 };

/* What a source has asked for. */
struct list_memory;

/* What lists are fetched with; lives as long as a run, and asks for no list twice. */
struct list_source {
    struct caller *data_api;
    struct caller *min_api; /* the other host, the same key and ledger */
    struct store *store;
    bool read_only;    /* a plan: nothing is stored; what was fetched serves this run only */
    bool no_calls;     /* no API key: a needed call is CCD_KEY_REJECTED */
    int64_t now_utc_s; /* freshness is measured from here */
    const struct log *log;
    const struct allocator *allocator;
    struct list_memory *memory; /* NULL at first; lists_forget releases it */
};
void lists_forget(struct list_source *source);

/* Which list: of a catalogue the market's, of RECORDS all of the table (market ""). */
struct list_name {
    const struct data_type *table;
    struct str market;
};

struct list_options {
    bool rewrite;           /* --full_refresh */
    bool force;             /* take a list that shrank by more than 20 % */
    bool always;            /* fetch though it is fresh (an operation of its own), unless this
                               source has asked for it */
    int64_t lifetime_s;     /* 0 = the table's */
    int64_t records_wanted; /* listed tables: so many at least, in the vendor's order; 0 = all */
};

/* One list after lists_update. */
struct list_outcome {
    bool was_fresh;                  /* not asked for */
    bool is_known;                   /* false: the vendor knows no such market */
    struct store_list_counts counts; /* of the table itself */
    struct store_list_counts parts;  /* of its parts and snapshots together */
    int64_t refused;
    char first_refusal[160];
    uint64_t unknown_keys;
    char first_unknown_key[64];
    int64_t calls;
};

/* Make the stored list (with parts and snapshots) what the vendor lists now. What was fetched is
 * stored even when the run must end in the middle of the list (quota, stop): then the error is
 * returned and the list does not count as asked for. Errors: of call_make, of the store,
 * CCD_BAD_REPLY for a list that shrank too much (nothing is written). */
int lists_update(struct list_source *source, const struct list_name *name,
                 const struct list_options *options, struct list_outcome *out,
                 struct ccd_error *err);

/* The rows of a list, updated first when it is not fresh, into the batch (of its table, with texts
 * up to LIST_TEXT_MAX_BYTES; emptied first, grown as needed), ascending by key. read_only: from the
 * reply when it had to be fetched. *out_known false: no such market. Rows that are no longer listed
 * are among them (COLUMN_LISTED). The stored rows stand in for a list that shrank too much. */
int lists_rows(struct list_source *source, const struct list_name *name,
               const struct list_options *options, struct batch *batch, bool *out_known,
               struct ccd_error *err);

/* The symbols of at least `wanted` top assets by 30-day quote volume (fewer when the vendor has no
 * more), best first, kept for an hour in the store: NUL-terminated each, appended to names. */
int lists_top_assets(struct list_source *source, int64_t wanted, struct buf *names,
                     size_t *out_count, struct ccd_error *err);
/* The market names of a candle or catalogue type that the vendor lists, ascending, from the stored
 * spot_markets or futures_markets when they are fresh: NUL-terminated each, appended to names. */
int lists_markets(struct list_source *source, const struct data_type *type, struct buf *names,
                  size_t *out_count, struct ccd_error *err);

#endif
