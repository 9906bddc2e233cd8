/* MariaDB's bulk execution: one prepared INSERT and an array per column. A page whose rows stand
 * together lends its own memory; the library copies it into the packet. */
#include <string.h>

#include "base/time.h"
#include "store/mysql/internal.h"

static const char doing[] = "write rows to";

/* Columns of ours before and after the fact columns. */
enum { BEFORE = 2, AFTER = 1, BINDS_MAX = BEFORE + COLUMN_MAX + AFTER, PACKET_SPARE_BYTES = 4096 };

void row_arrays_release(struct mysql_connection *c)
{
    const struct allocator *allocator = c->base.target->allocator;
    struct row_arrays *a = &c->rows;
    mem_free(allocator, a->lens);
    mem_free(allocator, a->texts);
    mem_free(allocator, a->cells);
    mem_free(allocator, a->absent);
    mem_free(allocator, a->collected);
    mem_free(allocator, a->ts);
    mem_free(allocator, a->moments);
    mem_free(allocator, a->series_id);
    *a = (struct row_arrays){0};
}

static int reserve(struct mysql_connection *c, size_t count, struct ccd_error *err)
{
    const struct allocator *allocator = c->base.target->allocator;
    struct row_arrays *a = &c->rows;
    if (count <= a->capacity)
        return CCD_OK;
    row_arrays_release(c);
    a->series_id = mem_new(allocator, count, sizeof(*a->series_id));
    a->moments = mem_new(allocator, count, 2 * sizeof(*a->moments));
    a->ts = mem_new(allocator, count, sizeof(*a->ts));
    a->collected = mem_new(allocator, count, sizeof(*a->collected));
    a->absent = mem_new(allocator, count, COLUMN_MAX);
    a->cells = mem_new(allocator, count, COLUMN_MAX * sizeof(*a->cells));
    a->texts = mem_new(allocator, count, COLUMN_MAX * sizeof(*a->texts));
    a->lens = mem_new(allocator, count, COLUMN_MAX * sizeof(*a->lens));
    if (!a->series_id || !a->moments || !a->ts || !a->collected || !a->absent || !a->cells ||
        !a->texts || !a->lens) {
        row_arrays_release(c);
        return mysql_no_memory(c, doing, err);
    }
    a->capacity = count;
    return CCD_OK;
}

static void write_insert(struct buf *sql, const struct fact_columns *f,
                         const struct data_type *type)
{
    buf_printf(sql, "INSERT INTO `%s`", f->table);
    fact_columns_add(sql, f, type);
    buf_add_text(sql, " VALUES (?1");
    for (size_t i = 1; i < f->count + BEFORE + AFTER; i++)
        buf_printf(sql, ", ?%zu", i + 1);
    buf_add_char(sql, ')');
}

/* ---- arrays ---- */

static void set_moment(MYSQL_TIME *out, int64_t utc_s)
{
    int year, month, day, hour, minute, second;
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    *out = (MYSQL_TIME){.year = (unsigned)year,
                        .month = (unsigned)month,
                        .day = (unsigned)day,
                        .hour = (unsigned)hour,
                        .minute = (unsigned)minute,
                        .second = (unsigned)second,
                        .time_type = MYSQL_TIMESTAMP_DATETIME};
}

/* The library takes times, like texts, by an address per row. */
static void fill_keys(struct row_arrays *a, const struct fact_columns *f,
                      const struct sql_fact_rows *rows)
{
    const struct store_page *page = rows->page;
    MYSQL_TIME *next = a->moments;
    int64_t last_s = INT64_MIN;
    for (size_t i = 0; i < rows->count; i++) {
        size_t row = rows->rows[i];
        int64_t collected_s = page_collected_utc_s(page, row);
        a->series_id[i] = page->series->series_id;
        a->ts[i] = next++;
        set_moment(a->ts[i], batch_cell(page->batch, row, f->ts_column)->i64);
        if (i == 0 || collected_s != last_s)
            set_moment(next++, collected_s);
        a->collected[i] = i > 0 && collected_s == last_s ? a->collected[i - 1] : next - 1;
        last_s = collected_s;
    }
}

/* NULL when no row lacks the column. */
static char *fill_absent(struct row_arrays *a, size_t column, const struct sql_fact_rows *rows)
{
    const uint64_t *present = rows->page->batch->present;
    char *absent = a->absent + column * a->capacity;
    uint64_t all = UINT64_MAX;
    for (size_t i = 0; i < rows->count; i++) {
        uint64_t bits = present[rows->rows[i]];
        all &= bits;
        absent[i] = bits >> column & 1 ? STMT_INDICATOR_NONE : STMT_INDICATOR_NULL;
    }
    return all >> column & 1 ? NULL : absent;
}

static bool stand_together(const struct sql_fact_rows *rows)
{
    return rows->rows[rows->count - 1] - rows->rows[0] == rows->count - 1;
}

static void *fill_cells(struct row_arrays *a, size_t column, const struct sql_fact_rows *rows)
{
    const union cell *cells = batch_cell(rows->page->batch, 0, column);
    if (stand_together(rows))
        return (void *)(cells + rows->rows[0]);
    union cell *out = a->cells + column * a->capacity;
    for (size_t i = 0; i < rows->count; i++)
        out[i] = cells[rows->rows[i]];
    return out;
}

static void fill_texts(struct row_arrays *a, size_t column, const struct sql_fact_rows *rows)
{
    char **texts = a->texts + column * a->capacity;
    unsigned long *lens = a->lens + column * a->capacity;
    for (size_t i = 0; i < rows->count; i++) {
        struct str text = batch_text(rows->page->batch, rows->rows[i], column);
        texts[i] = (char *)(text.len > 0 ? text.ptr : "");
        lens[i] = text.len;
    }
}

static void bind_column(MYSQL_BIND *bind, struct row_arrays *a, size_t column,
                        const struct sql_fact_rows *rows)
{
    enum column_kind kind = rows->page->type->columns[column].kind;
    bind->u.indicator = fill_absent(a, column, rows);
    if (kind == COLUMN_TEXT) {
        fill_texts(a, column, rows);
        bind->buffer_type = MYSQL_TYPE_STRING;
        bind->buffer = a->texts + column * a->capacity;
        bind->length = a->lens + column * a->capacity;
    } else {
        bind->buffer_type = kind == COLUMN_F64 ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_LONGLONG;
        bind->buffer = fill_cells(a, column, rows);
    }
}

static size_t bind_all(MYSQL_BIND *binds, struct row_arrays *a, const struct fact_columns *f,
                       const struct sql_fact_rows *rows)
{
    fill_keys(a, f, rows);
    binds[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = a->series_id};
    binds[1] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATETIME, .buffer = a->ts};
    for (size_t i = 0; i < f->count; i++)
        bind_column(&binds[BEFORE + i], a, f->columns[i], rows);
    binds[BEFORE + f->count] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_DATETIME,
                                            .buffer = a->collected};
    return BEFORE + f->count + AFTER;
}

/* ---- packets ---- */

/* The most that a row takes in the packet: an indicator and 8 bytes, or a length and the text. */
static size_t row_bytes(const struct fact_columns *f, const struct sql_fact_rows *rows, size_t row)
{
    size_t bytes = 9 + 2 * 9;
    for (size_t i = 0; i < f->count; i++) {
        size_t column = f->columns[i];
        bytes += 1 + sizeof(union cell);
        if (rows->page->type->columns[column].kind == COLUMN_TEXT)
            bytes += batch_text(rows->page->batch, row, column).len;
    }
    return bytes;
}

/* How many of the rows fit into one packet. */
static size_t rows_that_fit(const struct mysql_connection *c, const struct fact_columns *f,
                            const struct sql_fact_rows *rows)
{
    size_t bytes = PACKET_SPARE_BYTES;
    size_t count = 0;
    while (count < rows->count) {
        bytes += row_bytes(f, rows, rows->rows[count]);
        if (bytes > c->packet_max_bytes)
            break;
        count++;
    }
    return count;
}

static int execute(struct mysql_connection *c, MYSQL_STMT *stmt, const struct fact_columns *f,
                   const struct sql_fact_rows *rows, struct ccd_error *err)
{
    MYSQL_BIND binds[BINDS_MAX];
    memset(binds, 0, sizeof(binds));
    bind_all(binds, &c->rows, f, rows);
    unsigned count = (unsigned)rows->count;
    if (mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &count) ||
        mysql_stmt_bind_param(stmt, binds) || mysql_stmt_execute(stmt) != 0)
        return mysql_fail_stmt(c, stmt, doing, err);
    uint64_t stored = mysql_stmt_affected_rows(stmt);
    if (stored == rows->count)
        return CCD_OK;
    return error_set(err, CCD_DATABASE_DATA, "cannot write rows to %s: %llu of %zu were stored",
                     c->base.target->name, (unsigned long long)stored, rows->count);
}

int rows_by_arrays(struct mysql_connection *c, const struct fact_columns *f,
                   const struct sql_fact_rows *rows, struct ccd_error *err)
{
    struct statement *s = NULL;
    buf_clear(&c->text);
    write_insert(&c->text, f, rows->page->type);
    int status = c->text.failed ? mysql_no_memory(c, doing, err)
                                : statement_take(c, c->text.data, true, doing, &s, err);
    if (status == CCD_OK && !s)
        status = error_set(err, CCD_INTERNAL, "cannot prepare an INSERT for %s",
                           c->base.target->name);
    if (status == CCD_OK)
        status = reserve(c, rows->count, err);
    for (size_t done = 0; status == CCD_OK && done < rows->count;) {
        struct sql_fact_rows some = {rows->page, rows->rows + done, rows->count - done};
        some.count = rows_that_fit(c, f, &some);
        status = some.count > 0 ? execute(c, s->stmt, f, &some, err)
                                : mysql_too_large(c, doing, err);
        done += some.count;
    }
    if (s)
        statement_give(c, s);
    return status;
}
