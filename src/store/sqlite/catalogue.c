#include "store/dialect.h"
#include "store/sqlite/internal.h"

enum { SQL_MAX_BYTES = 16 * 1024 };

static const char doing_put[] = "write a catalogue to";
static const char doing_load[] = "read a catalogue in";

/* The statements of one call. Columns are those of the type, in its order; the market is not taken
 * from the rows. */
struct catalogue {
    const struct connection *c;
    const struct data_type *type;
    struct str market;
    int64_t asked_utc_s;
    bool older; /* than the stored answer: what is stored stays */
    int market_column;
    int instrument_column;
    struct buf sql;
    sqlite3_stmt *find, *insert, *update;
};

static void add(struct catalogue *k, const char *text)
{
    buf_add_text(&k->sql, text);
}

static void add_name(struct catalogue *k, const char *name)
{
    identifier_add(&k->sql, dialect_of(DIALECT_SQLITE), name);
}

/* "a", "b" … */
static void add_columns(struct catalogue *k)
{
    for (size_t i = 0; i < k->type->column_count; i++) {
        add(k, i > 0 ? ", " : "");
        add_name(k, k->type->columns[i].name);
    }
}

static int prepare(struct catalogue *k, sqlite3_stmt **slot, struct ccd_error *err)
{
    int status = k->sql.failed ? error_set(err, CCD_NO_MEMORY, "no memory for the catalogue %s",
                                           k->type->name)
                               : statement_get(k->c, slot, k->sql.data, err);
    buf_clear(&k->sql);
    return status;
}

static int prepare_select(struct catalogue *k, sqlite3_stmt **slot, const char *rest,
                          struct ccd_error *err)
{
    add(k, "SELECT ");
    add_columns(k);
    add(k, " FROM ");
    add_name(k, k->type->name);
    add(k, rest);
    return prepare(k, slot, err);
}

/* Parameter i + 1 is column i of the type, the one after the last is the time. */
static int prepare_writes(struct catalogue *k, struct ccd_error *err)
{
    size_t count = k->type->column_count;
    add(k, "INSERT INTO ");
    add_name(k, k->type->name);
    add(k, " (");
    add_columns(k);
    add(k, ", created_at, updated_at) VALUES (");
    for (size_t i = 0; i < count; i++)
        buf_printf(&k->sql, "?%zu, ", i + 1);
    buf_printf(&k->sql, "?%zu, ?%zu)", count + 1, count + 1);
    int status = prepare(k, &k->insert, err);
    if (status != CCD_OK)
        return status;
    add(k, "UPDATE ");
    add_name(k, k->type->name);
    add(k, " SET ");
    for (size_t i = 0; i < count; i++) {
        if (!(k->type->columns[i].flags & COLUMN_KEY)) {
            add_name(k, k->type->columns[i].name);
            buf_printf(&k->sql, " = ?%zu, ", i + 1);
        }
    }
    buf_printf(&k->sql, "updated_at = ?%zu WHERE market = ?%d AND instrument = ?%d", count + 1,
               k->market_column + 1, k->instrument_column + 1);
    return prepare(k, &k->update, err);
}

static int catalogue_init(struct catalogue *k, const struct connection *c,
                          const struct data_type *type, struct str market, struct ccd_error *err)
{
    *k = (struct catalogue){
        .c = c,
        .type = type,
        .market = market,
        .market_column = data_type_column(type, STR("market")),
        .instrument_column = data_type_column(type, STR("instrument")),
    };
    buf_init(&k->sql, SQL_MAX_BYTES, c->allocator);
    if (type->shape != SHAPE_CATALOGUE || k->market_column < 0 || k->instrument_column < 0)
        return error_set(err, CCD_INTERNAL, "%s is not a catalogue of instruments", type->name);
    return CCD_OK;
}

static void catalogue_release(struct catalogue *k)
{
    statement_drop(&k->find);
    statement_drop(&k->insert);
    statement_drop(&k->update);
    buf_release(&k->sql);
}

static bool row_equals(const struct catalogue *k, const struct batch *rows, size_t row)
{
    for (size_t i = 0; i < k->type->column_count; i++)
        if ((int)i != k->market_column &&
            !cell_equals(rows, row, i, sqlite3_column_value(k->find, (int)i)))
            return false;
    return true;
}

static int write_row(const struct catalogue *k, sqlite3_stmt *stmt, const struct batch *rows,
                     size_t row, struct ccd_error *err)
{
    size_t count = k->type->column_count;
    for (size_t i = 0; i < count; i++)
        if ((int)i == k->market_column)
            bind_str(stmt, (int)i + 1, k->market);
        else
            bind_cell(stmt, (int)i + 1, rows, row, i);
    sqlite3_bind_int64(stmt, (int)count + 1, k->asked_utc_s);
    return statement_run(k->c, stmt, doing_put, err);
}

static int put_row(const struct catalogue *k, const struct batch *rows, size_t row,
                   struct store_catalogue_counts *counts, struct ccd_error *err)
{
    bool found;
    bind_str(k->find, 1, k->market);
    bind_str(k->find, 2, batch_text(rows, row, (size_t)k->instrument_column));
    int status = statement_step(k->c, k->find, &found, doing_put, err);
    if (status != CCD_OK)
        return status;
    if (!found) {
        counts->added++;
        return write_row(k, k->insert, rows, row, err);
    }
    bool same = row_equals(k, rows, row);
    sqlite3_reset(k->find);
    if (same || k->older) {
        counts->unchanged++;
        return CCD_OK;
    }
    counts->changed++;
    return write_row(k, k->update, rows, row, err);
}

static int put_asked(const struct catalogue *k, struct ccd_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = statement_get(k->c, &stmt,
                               "INSERT INTO ccdata_catalogue (data_type, market, asked_utc_s)"
                               " VALUES (?1, ?2, ?3) ON CONFLICT (data_type, market) DO UPDATE"
                               " SET asked_utc_s = max(asked_utc_s, excluded.asked_utc_s)",
                               err);
    if (status == CCD_OK) {
        bind_str(stmt, 1, str_from(k->type->name));
        bind_str(stmt, 2, k->market);
        sqlite3_bind_int64(stmt, 3, k->asked_utc_s);
        status = statement_run(k->c, stmt, doing_put, err);
    }
    statement_drop(&stmt);
    return status;
}

/* One number, 0 when there is no row. */
static int read_number(struct catalogue *k, int64_t *out, struct ccd_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    *out = 0;
    int status = prepare(k, &stmt, err);
    if (status == CCD_OK) {
        bind_str(stmt, 1, k->market);
        status = statement_step(k->c, stmt, &row, doing_load, err);
    }
    if (row)
        *out = sqlite3_column_int64(stmt, 0);
    statement_drop(&stmt);
    return status;
}

static int read_asked(struct catalogue *k, int64_t *out_asked_utc_s, struct ccd_error *err)
{
    buf_printf(&k->sql,
               "SELECT asked_utc_s FROM ccdata_catalogue WHERE market = ?1 AND data_type = '%s'",
               k->type->name);
    return read_number(k, out_asked_utc_s, err);
}

static int put_rows(struct catalogue *k, const struct batch *rows,
                    struct store_catalogue_counts *counts, struct ccd_error *err)
{
    int64_t stored_utc_s;
    int status = read_asked(k, &stored_utc_s, err);
    k->older = k->asked_utc_s < stored_utc_s;
    for (size_t row = 0; row < rows->row_count && status == CCD_OK; row++)
        status = put_row(k, rows, row, counts, err);
    return status == CCD_OK ? put_asked(k, err) : status;
}

int sqlite_put_catalogue(struct store *store, const struct data_type *type, struct str market,
                         const struct batch *rows, int64_t asked_utc_s,
                         struct store_catalogue_counts *out_counts, struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct catalogue k;
    *out_counts = (struct store_catalogue_counts){0};
    int status = catalogue_init(&k, &s->c, type, market, err);
    if (status == CCD_OK) {
        k.asked_utc_s = asked_utc_s;
        status = prepare_select(&k, &k.find, " WHERE market = ?1 AND instrument = ?2", err);
    }
    if (status == CCD_OK)
        status = prepare_writes(&k, err);
    if (status == CCD_OK) {
        status = connection_begin(&s->c, err);
        if (status == CCD_OK)
            status = connection_end(&s->c, put_rows(&k, rows, out_counts, err), err);
    }
    catalogue_release(&k);
    return status;
}

static int load_rows(struct catalogue *k, struct batch *batch, struct ccd_error *err)
{
    int status = prepare_select(k, &k->find, " WHERE market = ?1 ORDER BY instrument", err);
    if (status != CCD_OK)
        return status;
    bind_str(k->find, 1, k->market);
    for (;;) {
        bool found;
        status = statement_step(k->c, k->find, &found, doing_load, err);
        if (status != CCD_OK || !found)
            return status;
        for (size_t i = 0; i < k->type->column_count && status == CCD_OK; i++) {
            status = cell_read(batch, batch->row_count, i, sqlite3_column_value(k->find, (int)i),
                               err);
        }
        if (status != CCD_OK)
            return status;
        batch->row_count++;
    }
}

static int load(struct catalogue *k, struct batch *batch, size_t *out_count,
                int64_t *out_asked_utc_s, struct ccd_error *err)
{
    int status = read_asked(k, out_asked_utc_s, err);
    if (status != CCD_OK)
        return status;
    add(k, "SELECT count(*) FROM ");
    add_name(k, k->type->name);
    add(k, " WHERE market = ?1");
    int64_t count;
    status = read_number(k, &count, err);
    *out_count = (size_t)count;
    if (status != CCD_OK || !batch)
        return status;
    if (batch->type != k->type || batch->capacity_rows - batch->row_count < *out_count) {
        return error_set(err, CCD_INTERNAL, "%zu rows of %s do not fit the batch", *out_count,
                         k->type->name);
    }
    return load_rows(k, batch, err);
}

int sqlite_load_catalogue(struct store *store, const struct data_type *type, struct str market,
                          struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                          struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct catalogue k;
    *out_count = 0;
    *out_asked_utc_s = 0;
    int status = catalogue_init(&k, &s->c, type, market, err);
    if (status == CCD_OK) {
        /* One snapshot: the count must hold for the rows. */
        status = connection_exec(&s->c, "BEGIN", doing_load, err);
        if (status == CCD_OK) {
            status = load(&k, batch, out_count, out_asked_utc_s, err);
            sqlite3_reset(k.find);
            status = connection_end(&s->c, status, err);
        }
    }
    catalogue_release(&k);
    return status;
}
