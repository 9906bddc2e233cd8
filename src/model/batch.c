#include "model/batch.h"

#include <string.h>

#include "base/hooks.h"

static void free_rows(struct batch *b)
{
    mem_free(b->allocator, b->cells);
    mem_free(b->allocator, b->present);
    b->cells = NULL;
    b->present = NULL;
    b->cells_allocated = 0;
    b->present_allocated = 0;
    b->capacity_rows = 0;
}

/* Lay out capacity_rows rows of the type. The batch is empty: its memory is all zero in any layout.
 */
static int lay_out(struct batch *b, const struct data_type *type, size_t capacity_rows,
                   struct ccd_error *err)
{
    /* Row numbers are sorted as uint32_t. */
    size_t cells = 0;
    if (capacity_rows > UINT32_MAX ||
        __builtin_mul_overflow(capacity_rows, type->column_count, &cells)) {
        return error_set(err, CCD_NO_MEMORY, "%zu rows of %s are more than a batch can hold",
                         capacity_rows, type->name);
    }
    if (cells > b->cells_allocated || capacity_rows > b->present_allocated) {
        free_rows(b);
        b->cells = mem_new(b->allocator, cells, sizeof(*b->cells));
        b->present = mem_new(b->allocator, capacity_rows, sizeof(*b->present));
        if (!b->cells || !b->present) {
            free_rows(b);
            return error_set(err, CCD_NO_MEMORY, "no memory for %zu rows of %s", capacity_rows,
                             type->name);
        }
        b->cells_allocated = cells;
        b->present_allocated = capacity_rows;
    }
    b->type = type;
    b->capacity_rows = capacity_rows;
    return CCD_OK;
}

int batch_init(struct batch *b, const struct data_type *type, size_t capacity_rows,
               size_t text_max_bytes, const struct allocator *allocator, struct ccd_error *err)
{
    *b = (struct batch){.type = type, .allocator = allocator};
    /* A text_ref counts in 32 bits. */
    buf_init(&b->text, text_max_bytes < UINT32_MAX ? text_max_bytes : UINT32_MAX, allocator);
    return lay_out(b, type, capacity_rows, err);
}

void batch_release(struct batch *b)
{
    free_rows(b);
    buf_release(&b->text);
    *b = (struct batch){0};
}

/* Zero the cells of rows [from, to). */
static void zero_rows(struct batch *b, size_t from, size_t to)
{
    if (from >= to) {
        return;
    }
    for (size_t column = 0; column < b->type->column_count; column++) {
        memset(batch_cell(b, from, column), 0, (to - from) * sizeof(union cell));
    }
    memset(b->present + from, 0, (to - from) * sizeof(*b->present));
}

void batch_clear(struct batch *b)
{
    /* A page that was given up leaves cells beyond row_count: every cell that was set has its bit.
     */
    size_t used = b->capacity_rows;
    while (used > 0 && b->present[used - 1] == 0) {
        used--;
    }
    zero_rows(b, 0, used);
    b->row_count = 0;
    b->unknown_keys = 0;
    b->first_unknown_key[0] = '\0';
    buf_clear(&b->text);
}

int batch_reset(struct batch *b, const struct data_type *type, size_t capacity_rows,
                struct ccd_error *err)
{
    batch_clear(b);
    return lay_out(b, type, capacity_rows, err);
}

/* The layout depends on the capacity, so the rows move to new memory. */
int batch_reserve(struct batch *b, size_t capacity_rows, struct ccd_error *err)
{
    if (capacity_rows <= b->capacity_rows) {
        return CCD_OK;
    }
    struct batch bigger = {.allocator = b->allocator};
    size_t doubled = 2 * b->capacity_rows;
    int status = lay_out(&bigger, b->type, capacity_rows > doubled ? capacity_rows : doubled, err);
    if (status != CCD_OK) {
        return status;
    }
    for (size_t column = 0; column < b->type->column_count && b->row_count > 0; column++) {
        memcpy(batch_cell(&bigger, 0, column), batch_cell(b, 0, column),
               b->row_count * sizeof(union cell));
    }
    if (b->row_count > 0) {
        memcpy(bigger.present, b->present, b->row_count * sizeof(*b->present));
    }
    free_rows(b);
    b->capacity_rows = bigger.capacity_rows;
    b->cells = bigger.cells;
    b->present = bigger.present;
    b->cells_allocated = bigger.cells_allocated;
    b->present_allocated = bigger.present_allocated;
    return CCD_OK;
}

void batch_cut(struct batch *b, size_t row_count, size_t text_len)
{
    size_t end = b->row_count < b->capacity_rows ? b->row_count + 1 : b->row_count;
    zero_rows(b, row_count, end);
    b->row_count = row_count;
    b->text.len = text_len;
    b->text.failed = false;
}

struct str batch_text(const struct batch *b, size_t row, size_t column)
{
    struct text_ref ref = batch_cell(b, row, column)->text;
    if (ref.len == 0 || !batch_has(b, row, column)) {
        return STR("");
    }
    return (struct str){b->text.data + ref.offset, ref.len};
}

static void mark_present(struct batch *b, size_t row, size_t column)
{
    b->present[row] |= UINT64_C(1) << column;
}

void batch_set_i64(struct batch *b, size_t row, size_t column, int64_t value)
{
    batch_cell(b, row, column)->i64 = value;
    mark_present(b, row, column);
}

void batch_set_f64(struct batch *b, size_t row, size_t column, double value)
{
    batch_cell(b, row, column)->f64 = value;
    mark_present(b, row, column);
}

int batch_set_text(struct batch *b, size_t row, size_t column, struct str value)
{
    /* The texts of a page repeat from row to row. */
    if (row > 0 && batch_has(b, row - 1, column) &&
        str_equal(batch_text(b, row - 1, column), value)) {
        batch_cell(b, row, column)->text = batch_cell(b, row - 1, column)->text;
        mark_present(b, row, column);
        return CCD_OK;
    }
    size_t offset = b->text.len;
    if (buf_add(&b->text, value.ptr, value.len) != 0) {
        return CCD_NO_MEMORY;
    }
    batch_cell(b, row, column)->text = (struct text_ref){(uint32_t)offset, (uint32_t)value.len};
    mark_present(b, row, column);
    return CCD_OK;
}

/* Rows with equal keys keep their order: the row number is the second key. */
static bool row_after(const union cell *keys, uint32_t a, uint32_t b)
{
    return keys[a].i64 != keys[b].i64 ? keys[a].i64 > keys[b].i64 : a > b;
}

static void sift_down(uint32_t *heap, size_t count, size_t at, const union cell *keys)
{
    uint32_t row = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && row_after(keys, heap[child + 1], heap[child])) {
            child++;
        }
        if (!row_after(keys, heap[child], row)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = row;
}

/* Heap sort, because qsort may allocate. */
static void sort_row_numbers(uint32_t *order, size_t count, const union cell *keys)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(order, count, i, keys);
    }
    for (size_t end = count - 1; end > 0; end--) {
        uint32_t last = order[0];
        order[0] = order[end];
        order[end] = last;
        sift_down(order, end, 0, keys);
    }
}

static void copy_row(struct batch *b, size_t to, size_t from)
{
    for (size_t column = 0; column < b->type->column_count; column++) {
        *batch_cell(b, to, column) = *batch_cell(b, from, column);
    }
    b->present[to] = b->present[from];
}

/* Bring row order[i] to place i, one cycle after the other; order ends as the identity. */
static void apply_order(struct batch *b, uint32_t *order)
{
    union cell kept[COLUMN_MAX];
    for (size_t start = 0; start < b->row_count; start++) {
        if (order[start] == start) {
            continue;
        }
        for (size_t column = 0; column < b->type->column_count; column++) {
            kept[column] = *batch_cell(b, start, column);
        }
        uint64_t kept_present = b->present[start];
        size_t to = start;
        while (order[to] != start) {
            size_t from = order[to];
            copy_row(b, to, from);
            order[to] = (uint32_t)to;
            to = from;
        }
        for (size_t column = 0; column < b->type->column_count; column++) {
            *batch_cell(b, to, column) = kept[column];
        }
        b->present[to] = kept_present;
        order[to] = (uint32_t)to;
    }
}

void batch_sort_by(struct batch *b, size_t column, uint32_t *scratch)
{
    const union cell *keys = batch_cell(b, 0, column);
    size_t sorted = 1;
    while (sorted < b->row_count && keys[sorted - 1].i64 <= keys[sorted].i64) {
        sorted++;
    }
    if (sorted >= b->row_count) {
        return;
    }
    sort_row_numbers(scratch, b->row_count, keys);
    apply_order(b, scratch);
}

void batch_keep_rows(struct batch *b, const bool *keep)
{
    size_t first_gone = 0;
    while (first_gone < b->row_count && keep[first_gone]) {
        first_gone++;
    }
    size_t kept = first_gone;
    for (size_t row = first_gone; row < b->row_count; row++) {
        kept += keep[row];
    }
    for (size_t column = 0; column < b->type->column_count; column++) {
        union cell *cells = batch_cell(b, 0, column);
        for (size_t row = first_gone, to = first_gone; row < b->row_count; row++) {
            if (keep[row]) {
                cells[to++] = cells[row];
            }
        }
    }
    for (size_t row = first_gone, to = first_gone; row < b->row_count; row++) {
        if (keep[row]) {
            b->present[to++] = b->present[row];
        }
    }
    zero_rows(b, kept, b->row_count);
    b->row_count = kept;
}

/* A double's bits as an integer that sorts by value, -0 before 0. */
static int64_t f64_order(const union cell *cell)
{
    int64_t bits = cell->i64;
    return bits < 0 ? INT64_MIN - bits - 1 : bits;
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_text(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int batch_compare_rows(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b)
{
    for (size_t column = 0; column < a->type->column_count; column++) {
        int order = (int)batch_has(a, row_a, column) - (int)batch_has(b, row_b, column);
        if (order == 0 && batch_has(a, row_a, column)) {
            const union cell *cell_a = batch_cell(a, row_a, column);
            const union cell *cell_b = batch_cell(b, row_b, column);
            switch (a->type->columns[column].kind) {
            case COLUMN_F64:
                order = compare_i64(f64_order(cell_a), f64_order(cell_b));
                break;
            case COLUMN_TEXT:
                order = compare_text(batch_text(a, row_a, column), batch_text(b, row_b, column));
                break;
            case COLUMN_I64:
            case COLUMN_BOOL:
            case COLUMN_UTC_S:
                order = compare_i64(cell_a->i64, cell_b->i64);
                break;
            }
        }
        if (order != 0) {
            return order;
        }
    }
    return 0;
}
