/* How put_lists goes about it: each list is compared with what is stored (lists_compare.c), then
 * the whole is judged and written (lists_put.c). Invariant: nothing is written before every list
 * was compared. */
#ifndef STORE_SQL_LISTS_H
#define STORE_SQL_LISTS_H

#include "store/list_keys.h"
#include "store/sql/store.h"

/* Rows of a batch by some of their columns; a key that stands twice: the last one. */
struct row_index {
    const struct batch *rows;
    size_t columns[LIST_KEY_MAX];
    size_t column_count;
    bool pads_text;  /* the database takes texts that differ by blanks at the end for one */
    uint32_t *slots; /* 0 = free, else a row + 1 */
    size_t slot_count;
};

enum list_fate {
    LIST_NEW,
    LIST_CHANGED,
    LIST_SAME,
    LIST_REPEATED /* a later row has the same key */
};

/* One list of a call. Everything after `parent` belongs to one attempt. */
struct list_job {
    const struct store_list *given;
    const struct store_lists *call;
    struct list_keys keys;
    const struct list_job *parent; /* parts: the list whose records they replace; else NULL */
    struct row_index index;
    uint8_t *fates;     /* enum list_fate of each row */
    uint32_t *siblings; /* snapshots: row + 1 of the row before it of the same record; 0 = none */
    struct data_type key_type; /* of the batch below: the columns of the key but the market */
    struct column key_columns[LIST_KEY_MAX];
    struct batch gone; /* keys of stored rows that are taken from the list */
    size_t stored_count;
    int64_t listed_count; /* stored rows that were listed */
    bool plain_zero;
};

/* The first column of the key that rows tell apart: a catalogue's market is the same in all. */
static inline size_t list_first_key(const struct list_keys *keys)
{
    return keys->market >= 0 ? 1 : 0;
}

/* ---- lists_read.c ---- */

/* ""a", "b" …": the columns of a table. */
void list_add_columns(struct buf *sql, const struct sql_connection *c,
                      const struct data_type *table);
int list_count_stored(struct sql_connection *c, const struct data_type *table,
                      const struct list_keys *keys, struct str scope, size_t *out_count,
                      struct ccd_error *err);
int list_read_asked(struct sql_connection *c, const struct data_type *table, struct str scope,
                    int64_t *out_asked_utc_s, struct ccd_error *err);

/* ---- lists_compare.c ---- */

/* Find out which rows are there twice. */
int list_job_begin(struct list_job *job, const struct sql_connection *c, struct ccd_error *err);
void list_job_end(struct list_job *job, const struct allocator *allocator);
/* Settle the fates of the rows and the stored rows that go. */
int list_job_compare(struct list_job *job, struct sql_connection *c, struct ccd_error *err);
/* The value that the row has in the table. */
struct value list_job_value(const struct list_job *job, size_t row, size_t column);

#endif
