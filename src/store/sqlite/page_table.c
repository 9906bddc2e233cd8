#include "base/buf.h"
#include "store/fates.h"
#include "store/sqlite/internal.h"

const char page_table_name[] = "ccdata_page";

/* Columns before those of the batch. */
enum { DECLARATION_MAX_BYTES = 1024 };
enum { PAGE_SERIES_ID, PAGE_TS, PAGE_COLLECTED_AT, PAGE_FIRST_CELL };

struct page_table {
    sqlite3_vtab base; /* must be first */
    const struct page_source *source;
};

struct page_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    const struct page_source *source;
    size_t at;
    size_t row; /* of the batch */
};

static int page_connect(sqlite3 *db, void *user, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **out_message)
{
    (void)argc, (void)argv, (void)out_message;
    struct buf text;
    buf_init(&text, DECLARATION_MAX_BYTES, ((const struct page_source *)user)->allocator);
    buf_add_text(&text, "CREATE TABLE p (series_id, ts, collected_at");
    for (int i = 0; i < COLUMN_MAX; i++)
        buf_printf(&text, ", c%d", i);
    buf_add_text(&text, ")");
    int code = text.failed ? SQLITE_NOMEM : sqlite3_declare_vtab(db, text.data);
    buf_release(&text);
    struct page_table *table = code == SQLITE_OK ? sqlite3_malloc(sizeof(*table)) : NULL;
    if (code == SQLITE_OK && !table)
        code = SQLITE_NOMEM;
    if (table) {
        *table = (struct page_table){.source = user};
        *out = &table->base;
    }
    return code;
}

static int page_disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static int page_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->estimatedRows = STORE_ROWS_MAX;
    info->estimatedCost = STORE_ROWS_MAX;
    return SQLITE_OK;
}

static int page_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct page_cursor *cursor = sqlite3_malloc(sizeof(*cursor));
    if (!cursor)
        return SQLITE_NOMEM;
    *cursor = (struct page_cursor){.source = ((struct page_table *)base)->source};
    *out = &cursor->base;
    return SQLITE_OK;
}

static int page_close(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static void find_row(struct page_cursor *cursor)
{
    const struct page_source *source = cursor->source;
    if (cursor->at < source->count)
        cursor->row = source->rows[cursor->at];
}

static int page_filter(sqlite3_vtab_cursor *base, int index, const char *index_text, int argc,
                       sqlite3_value **argv)
{
    (void)index, (void)index_text, (void)argc, (void)argv;
    struct page_cursor *cursor = (struct page_cursor *)base;
    cursor->at = 0;
    find_row(cursor);
    return SQLITE_OK;
}

static int page_next(sqlite3_vtab_cursor *base)
{
    struct page_cursor *cursor = (struct page_cursor *)base;
    cursor->at++;
    find_row(cursor);
    return SQLITE_OK;
}

static int page_eof(sqlite3_vtab_cursor *base)
{
    const struct page_cursor *cursor = (const struct page_cursor *)base;
    return cursor->at >= cursor->source->count;
}

static int page_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct page_cursor *cursor = (const struct page_cursor *)base;
    const struct store_page *page = cursor->source->page;
    size_t row = cursor->row;
    switch (column) {
    case PAGE_SERIES_ID:
        sqlite3_result_int64(context, page->series->series_id);
        break;
    case PAGE_TS:
        sqlite3_result_int64(context, batch_cell(page->batch, row, cursor->source->ts_column)->i64);
        break;
    case PAGE_COLLECTED_AT:
        sqlite3_result_int64(context, page_collected_utc_s(page, row));
        break;
    default:
        result_cell(context, page->batch, row, (size_t)(column - PAGE_FIRST_CELL));
        break;
    }
    return SQLITE_OK;
}

static int page_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)((const struct page_cursor *)base)->at;
    return SQLITE_OK;
}

/* No xCreate: the table is there without being created, in the connection's own name space. */
static const sqlite3_module page_module = {
    .iVersion = 1,
    .xConnect = page_connect,
    .xBestIndex = page_best_index,
    .xDisconnect = page_disconnect,
    .xOpen = page_open,
    .xClose = page_close,
    .xFilter = page_filter,
    .xNext = page_next,
    .xEof = page_eof,
    .xColumn = page_column,
    .xRowid = page_rowid,
};

int page_table_register(struct sqlite_connection *c, struct page_source *source,
                        struct ccd_error *err)
{
    source->allocator = c->base.target->allocator;
    int code = sqlite3_create_module_v2(c->db, page_table_name, &page_module, source, NULL);
    return code == SQLITE_OK ? CCD_OK : sqlite_error(c, code, "prepare writing to", err);
}
