/* Rows as typed columns. Invariant: row_count <= capacity_rows; a cell whose present bit is clear
 * is NULL and its bytes are zero; text cells point into the batch's own text area. */
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "base/buf.h"
#include "base/error.h"
#include "model/data_type.h"

/* Offset and length in batch.text. */
struct text_ref {
    uint32_t offset;
    uint32_t len;
};

union cell {
    int64_t i64; /* I64, BOOL, UTC_S */
    double f64;
    struct text_ref text;
};

/* Columns of one page. cells[column * capacity_rows + row]; present[row] has bit `column` set when
 * not NULL. */
struct batch {
    const struct data_type *type;
    size_t capacity_rows;
    size_t row_count;
    union cell *cells;
    uint64_t *present;
    size_t cells_allocated; /* so that a reset finds again what a smaller type did not need */
    size_t present_allocated;
    struct buf text;       /* bytes of all text cells; may be shared by equal values */
    uint64_t unknown_keys; /* members that the registry does not know */
    char first_unknown_key[64];
    const struct allocator *allocator;
};

/* Memory for capacity_rows rows; text grows to text_max_bytes. CCD_NO_MEMORY on failure (then
 * released). */
int batch_init(struct batch *b, const struct data_type *type, size_t capacity_rows,
               size_t text_max_bytes, const struct allocator *allocator, struct ccd_error *err);
void batch_release(struct batch *b); /* zeroed is legal */
void batch_clear(struct batch *b);
/* Empty the batch and use the same memory for another type; grows when needed. On failure the batch
 * stays empty with room for no row; it can be reset again or released. */
int batch_reset(struct batch *b, const struct data_type *type, size_t capacity_rows,
                struct ccd_error *err);

/* Room for capacity_rows rows and more, keeping those that are there: pointers to cells change. On
 * failure (CCD_NO_MEMORY) the batch is as it was. */
int batch_reserve(struct batch *b, size_t capacity_rows, struct ccd_error *err);
/* Forget the rows from row_count on (one that was begun behind them too) and the texts from
 * text_len on. */
void batch_cut(struct batch *b, size_t row_count, size_t text_len);

static inline union cell *batch_cell(const struct batch *b, size_t row, size_t column)
{
    return &b->cells[column * b->capacity_rows + row];
}
static inline bool batch_has(const struct batch *b, size_t row, size_t column)
{
    return (b->present[row] >> column) & 1u;
}
/* Text of a cell; empty when NULL. Valid until the batch changes. */
struct str batch_text(const struct batch *b, size_t row, size_t column);
/* Set a cell; text is copied (CCD_NO_MEMORY when it does not fit). */
void batch_set_i64(struct batch *b, size_t row, size_t column, int64_t value);
void batch_set_f64(struct batch *b, size_t row, size_t column, double value);
int batch_set_text(struct batch *b, size_t row, size_t column, struct str value);

/* Sort rows ascending by column (I64/UTC_S, non-NULL); stable; no allocation beyond the scratch
 * given: row_count entries of uint32_t. Cheap when already sorted (one pass). */
void batch_sort_by(struct batch *b, size_t column, uint32_t *scratch);
/* Remove rows whose keep[row] is false, preserving order. */
void batch_keep_rows(struct batch *b, const bool *keep);
/* Compare two rows cell by cell in column order: NULL < value; doubles by value, then by bits; text
 * bytewise. */
int batch_compare_rows(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b);

#endif
