#include "store/dialect.h"
#include "store/journal.h"
#include "store/sqlite/facts.h"

enum { RECORD_MAX_BYTES = 256 * 1024 };

/* Checkpoint whenever the log holds this much; complain when a reader has kept it from shrinking
 * until it is so many times larger. */
static const int64_t checkpoint_bytes = 16 << 20;
static const int64_t complaint_factor = 16;

struct sqlite_writer {
    struct store_writer base;
    struct connection c;
    struct facts facts;
    struct series_statements series;
    struct attribute_set attributes;
    sqlite3_stmt *set_attribute[ATTRIBUTE_MAX];
    sqlite3_stmt *coverage;
    sqlite3_stmt *quarantine;
    struct buf record;
    bool *usable; /* rows whose attributes count; of facts.capacity */
    size_t usable_capacity;
    int64_t checkpoint_pages;
    bool complained;
    /* After a failed write or fsync the kernel may have dropped what it promised to write: the
     * connection is not used again. */
    struct ccd_error failure;
};

static struct sqlite_writer *of(struct store_writer *writer)
{
    return (struct sqlite_writer *)writer;
}

static int keep_failure(struct sqlite_writer *w, int status, const struct ccd_error *err)
{
    if (status == CCD_DISK && err)
        w->failure = *err;
    else if (status == CCD_DISK)
        error_set(&w->failure, CCD_DISK, "writing to %s failed before", w->c.path);
    return status;
}

/* ---- life ---- */

/* After each commit. A checkpoint that other connections hold up is tried again after the next. */
static int on_commit(void *user, sqlite3 *db, const char *schema, int pages)
{
    struct sqlite_writer *w = user;
    if (pages < w->checkpoint_pages)
        return SQLITE_OK;
    int code = sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    struct ccd_error err;
    if (code != SQLITE_OK && sqlite_error(&w->c, code, "checkpoint", &err) == CCD_DISK)
        w->failure = err;
    if (pages > complaint_factor * w->checkpoint_pages && !w->complained) {
        w->complained = true;
        log_warning(w->c.log, NULL,
                    "%s-wal keeps growing: a reader holds an old snapshot; close it", w->c.path);
    }
    return SQLITE_OK;
}

static int read_page_size(const struct connection *c, int64_t *out_bytes, struct ccd_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    int status = statement_get(c, &stmt, "PRAGMA page_size", err);
    if (status == CCD_OK)
        status = statement_step(c, stmt, &row, "open the database", err);
    *out_bytes = row ? sqlite3_column_int64(stmt, 0) : 0;
    statement_drop(&stmt);
    return status;
}

static int start(struct sqlite_writer *w, const struct sqlite_store *s, struct ccd_error *err)
{
    if (!attribute_set_init(&w->attributes))
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    int64_t page_bytes = 0;
    int status = connection_open(&w->c, CONNECTION_WRITES, s->busy_timeout_ms, err);
    if (status == CCD_OK)
        status = facts_init(&w->facts, &w->c, s->settle_s, err);
    if (status == CCD_OK)
        status = read_page_size(&w->c, &page_bytes, err);
    if (status == CCD_OK) {
        w->checkpoint_pages = checkpoint_bytes / (page_bytes > 0 ? page_bytes : 4096);
        sqlite3_wal_hook(w->c.db, on_commit, w);
    }
    return status;
}

int sqlite_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err)
{
    const struct sqlite_store *s = (const struct sqlite_store *)store;
    if (s->read_only)
        return error_set(err, CCD_DATABASE_PERMISSION, "%s was opened for reading only", s->path);
    struct sqlite_writer *w = mem_new(s->c.allocator, 1, sizeof(*w));
    if (!w)
        return error_set(err, CCD_NO_MEMORY, "no memory for a writer");
    w->base.ops = &store_sqlite;
    w->c = s->c;
    w->c.db = NULL;
    buf_init(&w->record, RECORD_MAX_BYTES, s->c.allocator);
    int status = start(w, s, err);
    if (status != CCD_OK) {
        sqlite_writer_close(&w->base);
        return status;
    }
    *out = &w->base;
    return CCD_OK;
}

void sqlite_writer_close(struct store_writer *writer)
{
    struct sqlite_writer *w = of(writer);
    if (!w)
        return;
    const struct allocator *allocator = w->c.allocator;
    if (w->c.db)
        sqlite_writer_rollback(writer);
    facts_release(&w->facts, &w->c);
    series_statements_drop(&w->series);
    for (size_t i = 0; i < ATTRIBUTE_MAX; i++)
        statement_drop(&w->set_attribute[i]);
    statement_drop(&w->coverage);
    statement_drop(&w->quarantine);
    buf_release(&w->record);
    mem_free(allocator, w->usable);
    connection_close(&w->c);
    mem_free(allocator, w);
}

/* ---- what goes with the rows ---- */

static int put_rejected(struct sqlite_writer *w, const struct store_page *page, size_t row,
                        struct ccd_error *err)
{
    int status = statement_get(&w->c, &w->quarantine,
                               "INSERT OR IGNORE INTO ccdata_quarantine (series_id, step_s, ts,"
                               " reason, record, seen_utc_s, run_id)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                               err);
    if (status != CCD_OK)
        return status;
    buf_clear(&w->record);
    journal_record(&w->record, page->batch, row);
    if (w->record.failed)
        return error_set(err, CCD_NO_MEMORY, "no memory for a record in quarantine");
    sqlite3_stmt *stmt = w->quarantine;
    sqlite3_bind_int64(stmt, 1, page->series->series_id);
    sqlite3_bind_int64(stmt, 2, interval_infos[page->interval].step_s);
    sqlite3_bind_int64(stmt, 3, batch_cell(page->batch, row, w->facts.source.ts_column)->i64);
    bind_str(stmt, 4, str_from(page->rejected[row]));
    bind_str(stmt, 5, buf_str(&w->record));
    sqlite3_bind_int64(stmt, 6, clock_utc_s(w->c.clock));
    if (page->run_id)
        bind_str(stmt, 7, str_from(page->run_id));
    else
        sqlite3_bind_null(stmt, 7);
    return statement_run(&w->c, stmt, "quarantine a record in", err);
}

static int put_all_rejected(struct sqlite_writer *w, const struct store_page *page,
                            struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t row = 0; page->rejected && row < page->batch->row_count && status == CCD_OK; row++)
        if (page->rejected[row])
            status = put_rejected(w, page, row, err);
    return status;
}

/* The newest row wins, whichever came first; of the same row the later version. */
static int prepare_attribute(struct sqlite_writer *w, size_t attribute, struct ccd_error *err)
{
    const char *name = w->attributes.items[attribute].name;
    char sql[512];
    if (!identifier_ok(name) ||
        !str_print(
            sql, sizeof(sql),
            "UPDATE dim_series SET \"%s\" = ?1, \"%s_ts\" = ?2 WHERE series_id = ?3 AND"
            " (\"%s_ts\" IS NULL OR \"%s_ts\" < ?2 OR (\"%s_ts\" = ?2 AND \"%s\" IS NOT ?1))",
            name, name, name, name, name, name))
        return error_set(err, CCD_INTERNAL, "an attribute of series has an impossible name");
    return statement_get(&w->c, &w->set_attribute[attribute], sql, err);
}

static int put_attribute(struct sqlite_writer *w, const struct store_page *page, size_t column,
                         const bool *usable, struct ccd_error *err)
{
    int64_t row = attribute_newest_row(page->batch, column, usable);
    int attribute = attribute_find(&w->attributes, page->type->columns[column].name);
    if (row < 0 || attribute < 0)
        return CCD_OK;
    int status = prepare_attribute(w, (size_t)attribute, err);
    if (status != CCD_OK)
        return status;
    sqlite3_stmt *stmt = w->set_attribute[attribute];
    bind_cell(stmt, 1, page->batch, (size_t)row, column);
    sqlite3_bind_int64(stmt, 2,
                       batch_cell(page->batch, (size_t)row, w->facts.source.ts_column)->i64);
    sqlite3_bind_int64(stmt, 3, page->series->series_id);
    return statement_run(&w->c, stmt, "write a series to", err);
}

static int put_attributes(struct sqlite_writer *w, const struct store_page *page,
                          struct ccd_error *err)
{
    size_t rows = page->batch->row_count;
    if (rows > w->usable_capacity) {
        bool *usable = mem_resize(w->c.allocator, w->usable, rows, sizeof(*usable));
        if (!usable)
            return error_set(err, CCD_NO_MEMORY, "no memory to write %zu rows", rows);
        w->usable = usable;
        w->usable_capacity = rows;
    }
    for (size_t row = 0; row < rows; row++)
        w->usable[row] = w->facts.fates[row] != ROW_STALE && w->facts.fates[row] != ROW_REJECTED;
    int status = CCD_OK;
    for (size_t i = 0; i < page->type->column_count && status == CCD_OK; i++)
        if (page->type->columns[i].flags & COLUMN_SERIES)
            status = put_attribute(w, page, i, w->usable, err);
    return status;
}

static int put_coverage(struct sqlite_writer *w, const struct store_page *page,
                        struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = 0; i < page->segment_count && status == CCD_OK; i++) {
        status = coverage_insert(&w->c, &w->coverage, page->series->series_id,
                                 interval_infos[page->interval].step_s, &page->segments[i], err);
    }
    return status;
}

static int put_page(struct sqlite_writer *w, const struct store_page *page,
                    struct store_page_result *result, struct ccd_error *err)
{
    int status = series_put(&w->c, &w->series, page->type, page->series, false, page->run_id, err);
    if (status == CCD_OK && page->batch && page->batch->row_count > 0) {
        status = facts_put(&w->facts, &w->c, page, result, err);
        if (status == CCD_OK)
            status = put_all_rejected(w, page, err);
        if (status == CCD_OK)
            status = put_attributes(w, page, err);
    }
    return status == CCD_OK ? put_coverage(w, page, err) : status;
}

/* ---- transaction ---- */

int sqlite_writer_begin(struct store_writer *writer, struct ccd_error *err)
{
    struct sqlite_writer *w = of(writer);
    if (w->failure.status != CCD_OK) {
        if (err)
            *err = w->failure;
        return w->failure.status;
    }
    return keep_failure(w, connection_begin(&w->c, err), err);
}

int sqlite_writer_put(struct store_writer *writer, const struct store_page *page,
                      struct store_page_result *out_result, struct ccd_error *err)
{
    struct sqlite_writer *w = of(writer);
    *out_result = (struct store_page_result){0};
    if (sqlite3_get_autocommit(w->c.db))
        return error_set(err, CCD_INTERNAL, "a page was put outside a transaction");
    return keep_failure(w, put_page(w, page, out_result, err), err);
}

enum store_outcome sqlite_writer_commit(struct store_writer *writer, struct ccd_error *err)
{
    struct sqlite_writer *w = of(writer);
    int status = keep_failure(w, connection_end(&w->c, CCD_OK, err), err);
    return status == CCD_OK ? STORE_COMMITTED : STORE_ROLLED_BACK;
}

void sqlite_writer_rollback(struct store_writer *writer)
{
    struct sqlite_writer *w = of(writer);
    if (!sqlite3_get_autocommit(w->c.db))
        sqlite3_exec(w->c.db, "ROLLBACK", NULL, NULL, NULL);
}
