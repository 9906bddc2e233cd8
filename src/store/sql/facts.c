#include <inttypes.h>

#include "store/fates.h"
#include "store/journal.h"
#include "store/sql/store.h"

enum {
    STORED_TEXT_MAX_BYTES = 64 << 20,
    DELETED_PER_CALL = 500,
    JOURNAL_COLUMNS = 8,
    JOURNAL_LINES_MAX = 64
};

static const char doing_compare[] = "compare rows in";
static const char doing_write[] = "write rows to";

/* ---- memory ---- */

void sql_facts_release(struct sql_facts *f)
{
    batch_release(&f->stored);
    mem_free(f->allocator, f->stored_collected_utc_s);
    mem_free(f->allocator, f->rows);
    buf_release(&f->sql);
}

static int grow(struct sql_facts *f, size_t rows, struct ccd_error *err)
{
    if (rows <= f->capacity_rows)
        return CCD_OK;
    int64_t *collected = mem_resize(f->allocator, f->stored_collected_utc_s, rows,
                                    sizeof(*collected));
    f->stored_collected_utc_s = collected ? collected : f->stored_collected_utc_s;
    uint32_t *numbers = mem_resize(f->allocator, f->rows, rows, sizeof(*numbers));
    f->rows = numbers ? numbers : f->rows;
    if (!collected || !numbers)
        return error_set(err, CCD_NO_MEMORY, "no memory to write %zu rows", rows);
    f->capacity_rows = rows;
    return CCD_OK;
}

static int prepare(struct sql_facts *f, const struct sql_connection *c,
                   const struct store_page *page, struct ccd_error *err)
{
    size_t rows = page->batch->row_count;
    int status = grow(f, rows, err);
    if (status != CCD_OK)
        return status;
    if (f->sql.max_bytes == 0)
        buf_init(&f->sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    if (f->stored.type)
        return batch_reset(&f->stored, page->type, rows, err);
    return batch_init(&f->stored, page->type, rows, STORED_TEXT_MAX_BYTES, f->allocator, err);
}

/* ---- what is stored ---- */

struct reading {
    struct sql_facts *f;
    const struct store_page *page;
    const uint8_t *fates;
    size_t ts_column;
    bool plain_zero;
    size_t at; /* the first row of the page whose ts is not below the stored row's */
};

static int64_t ts_of(const struct reading *r, size_t row)
{
    return batch_cell(r->page->batch, row, r->ts_column)->i64;
}

/* A database without negative zeros has kept the page's as well as it can. */
static void restore_zeros(const struct reading *r, size_t stored_row)
{
    const struct batch *page = r->page->batch;
    for (size_t i = 0; i < page->type->column_count; i++) {
        union cell *stored = batch_cell(&r->f->stored, stored_row, i);
        if (page->type->columns[i].kind == COLUMN_F64 && stored->i64 == 0 &&
            batch_has(&r->f->stored, stored_row, i) && batch_has(page, r->at, i) &&
            batch_cell(page, r->at, i)->f64 == 0)
            *stored = *batch_cell(page, r->at, i);
    }
}

/* Keeps the rows that are in the page too. */
static int take_stored(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct reading *r = user;
    struct batch *stored = &r->f->stored;
    size_t rows = r->page->batch->row_count;
    if (count < 2 || values[0].kind != VALUE_I64)
        return error_set(err, CCD_DATABASE_DATA, "a row of %s has no time", r->page->type->name);
    while (r->at < rows && ts_of(r, r->at) < values[0].i64)
        r->at++;
    if (r->at == rows || ts_of(r, r->at) != values[0].i64 || r->fates[r->at] == ROW_REJECTED ||
        stored->row_count == stored->capacity_rows)
        return CCD_OK;
    int status = sql_row_to_batch(values, count, stored, r->ts_column,
                                  &r->f->stored_collected_utc_s[stored->row_count], err);
    if (status == CCD_OK && r->plain_zero)
        restore_zeros(r, stored->row_count - 1);
    return status;
}

static int read_stored(struct sql_connection *c, struct reading *r, struct ccd_error *err)
{
    struct buf *sql = &r->f->sql;
    buf_clear(sql);
    sql_add_rows_query(sql, c, r->page->type, r->page->interval, "<=");
    const struct value parameters[] = {
        value_i64(r->page->series->series_id),
        value_i64(ts_of(r, 0)),
        value_i64(ts_of(r, r->page->batch->row_count - 1)),
    };
    return sql_run_text(c, doing_compare, sql, parameters, 3, &(struct sql_sink){take_stored, r},
                        err);
}

/* ---- journal ---- */

/* Lines of ccdata_revisions that are written together. */
struct journal {
    struct buf *sql;
    struct value values[JOURNAL_LINES_MAX * JOURNAL_COLUMNS];
    char numbers[2 * JOURNAL_LINES_MAX][JOURNAL_NUMBER_MAX_BYTES];
    size_t lines;
};

static int write_lines(struct sql_connection *c, struct journal *j, size_t first, size_t count,
                       struct ccd_error *err)
{
    buf_clear(j->sql);
    buf_add_text(j->sql, "INSERT INTO ccdata_revisions (series_id, step_s, ts, column_name,"
                         " old_value, new_value, seen_utc_s, run_id) VALUES ");
    for (size_t line = 0; line < count; line++)
        buf_add_text(j->sql, line > 0 ? ", (?, ?, ?, ?, ?, ?, ?, ?)" : "(?, ?, ?, ?, ?, ?, ?, ?)");
    return sql_run_text(c, "journal a change in", j->sql, j->values + first * JOURNAL_COLUMNS,
                        count * JOURNAL_COLUMNS, NULL, err);
}

/* Few lengths, so that few statements are kept prepared. */
static int flush(struct sql_connection *c, struct journal *j, struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t first = 0, count = JOURNAL_LINES_MAX; first < j->lines && status == CCD_OK;) {
        while (count > j->lines - first)
            count = count > 8 ? 8 : 1;
        status = write_lines(c, j, first, count, err);
        first += count;
    }
    j->lines = 0;
    return status;
}

static struct value cell_text(const struct batch *b, size_t row, size_t column,
                              char scratch[JOURNAL_NUMBER_MAX_BYTES])
{
    bool null;
    struct str text = journal_cell(b, row, column, scratch, &null);
    return null ? value_null() : value_text(text);
}

static void add_line(struct journal *j, const struct reading *r, size_t row, size_t stored_row,
                     size_t column, int64_t seen_utc_s)
{
    const struct store_page *page = r->page;
    struct value *v = &j->values[j->lines * JOURNAL_COLUMNS];
    v[0] = value_i64(page->series->series_id);
    v[1] = value_i64(interval_infos[page->interval].step_s);
    v[2] = value_i64(ts_of(r, row));
    v[3] = value_text(str_from(page->type->columns[column].name));
    v[4] = cell_text(&r->f->stored, stored_row, column, j->numbers[2 * j->lines]);
    v[5] = cell_text(page->batch, row, column, j->numbers[2 * j->lines + 1]);
    v[6] = value_i64(seen_utc_s);
    v[7] = page->run_id ? value_text(str_from(page->run_id)) : value_null();
    j->lines++;
}

static int journal_row(struct sql_connection *c, struct journal *j, const struct reading *r,
                       size_t row, size_t stored_row, struct ccd_error *err)
{
    int64_t seen_utc_s = clock_utc_s(c->target->clock);
    for (size_t i = 0; i < r->page->type->column_count; i++) {
        struct value new_value = value_of_cell(r->page->batch, row, i);
        struct value old_value = value_of_cell(&r->f->stored, stored_row, i);
        if (!column_is_fact(&r->page->type->columns[i]) || value_equal(&new_value, &old_value))
            continue;
        add_line(j, r, row, stored_row, i, seen_utc_s);
        int status = j->lines == JOURNAL_LINES_MAX ? flush(c, j, err) : CCD_OK;
        if (status != CCD_OK)
            return status;
    }
    return CCD_OK;
}

static int journal_changes(struct sql_connection *c, struct reading *r, struct ccd_error *err)
{
    struct journal *j = mem_new(c->target->allocator, 1, sizeof(*j));
    if (!j)
        return error_set(err, CCD_NO_MEMORY, "no memory to journal changes");
    j->sql = &r->f->sql;
    int status = CCD_OK;
    size_t row = 0;
    for (size_t at = 0; at < r->f->stored.row_count && status == CCD_OK; at++) {
        while (ts_of(r, row) < batch_cell(&r->f->stored, at, r->ts_column)->i64)
            row++;
        if (r->fates[row] == ROW_CHANGED)
            status = journal_row(c, j, r, row, at, err);
    }
    if (status == CCD_OK)
        status = flush(c, j, err);
    mem_free(c->target->allocator, j);
    return status;
}

/* ---- writing ---- */

/* Rows of the page whose stored version was asked for at the same moment. */
struct replaced {
    const uint32_t *rows;
    size_t count;
    int64_t collected_utc_s;
};

static void write_delete(struct buf *sql, const struct sql_connection *c, const struct reading *r,
                         const struct replaced *p)
{
    buf_clear(sql);
    buf_add_text(sql, "DELETE FROM ");
    sql_add_fact_name(sql, c, r->page->type, r->page->interval);
    buf_printf(sql, " WHERE series_id = %" PRId64 " AND ts IN (", r->page->series->series_id);
    for (size_t i = 0; i < p->count; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        moment_literal_add(sql, c->dialect, ts_of(r, p->rows[i]));
    }
    buf_add_text(sql, ") AND collected_at = ");
    moment_literal_add(sql, c->dialect, p->collected_utc_s);
}

/* Only the versions that were compared: one that somebody else has written since would be lost
 * without a line in the journal, so then everything is done again. */
static int delete_rows(struct sql_connection *c, const struct reading *r, const struct replaced *p,
                       struct ccd_error *err)
{
    struct buf *sql = &r->f->sql;
    int64_t deleted = 0;
    write_delete(sql, c, r, p);
    if (sql->failed)
        return error_set(err, CCD_NO_MEMORY, "no memory to write %zu rows", p->count);
    const struct sql_call call = {
        .doing = doing_write, .sql = sql->data, .once = true, .out_affected = &deleted};
    int status = c->driver->run(c, &call, err);
    if (status == CCD_OK && deleted != (int64_t)p->count) {
        status = error_set(err, CCD_DATABASE_BUSY,
                           "cannot %s %s: another writer changed the same rows", doing_write,
                           c->target->name);
    }
    return status;
}

/* Rows that are written over are taken out first: one plain insert is left. */
static int delete_replaced(struct sql_connection *c, const struct reading *r, struct ccd_error *err)
{
    struct replaced p = {.rows = r->f->rows};
    int status = CCD_OK;
    size_t row = 0;
    for (size_t at = 0; at < r->f->stored.row_count && status == CCD_OK; at++) {
        while (ts_of(r, row) < batch_cell(&r->f->stored, at, r->ts_column)->i64)
            row++;
        if (r->fates[row] != ROW_CHANGED && r->fates[row] != ROW_REFRESHED)
            continue;
        int64_t collected_utc_s = r->f->stored_collected_utc_s[at];
        if (p.count > 0 && (collected_utc_s != p.collected_utc_s || p.count == DELETED_PER_CALL)) {
            status = delete_rows(c, r, &p, err);
            p.count = 0;
        }
        p.collected_utc_s = collected_utc_s;
        r->f->rows[p.count++] = (uint32_t)row;
    }
    return status == CCD_OK && p.count > 0 ? delete_rows(c, r, &p, err) : status;
}

static int insert_all(struct sql_connection *c, const struct reading *r, struct ccd_error *err)
{
    struct sql_fact_rows rows = {.page = r->page, .rows = r->f->rows};
    for (size_t row = 0; row < r->page->batch->row_count; row++) {
        enum row_fate fate = (enum row_fate)r->fates[row];
        if (fate == ROW_NEW || fate == ROW_CHANGED || fate == ROW_REFRESHED)
            r->f->rows[rows.count++] = (uint32_t)row;
    }
    return rows.count > 0 ? c->driver->insert_rows(c, &rows, err) : CCD_OK;
}

int sql_facts_put(struct sql_facts *f, struct sql_connection *c, const struct store_page *page,
                  uint8_t *fates, struct ccd_error *err)
{
    struct reading r = {
        .f = f,
        .page = page,
        .fates = fates,
        .ts_column = (size_t)data_type_column_flagged(page->type, COLUMN_TS),
        .plain_zero = c->dialect->plain_zero,
    };
    int status = prepare(f, c, page, err);
    if (status == CCD_OK)
        status = read_stored(c, &r, err);
    if (status != CCD_OK)
        return status;
    if (f->stored.row_count > 0) {
        row_fates_compare(page, &f->stored, f->stored_collected_utc_s, c->target->settle_s, fates);
        status = journal_changes(c, &r, err);
        if (status == CCD_OK)
            status = delete_replaced(c, &r, err);
    }
    return status == CCD_OK ? insert_all(c, &r, err) : status;
}
