#include <inttypes.h>

#include "store/dialect.h"
#include "store/sqlite/internal.h"

enum { SQL_MAX_BYTES = 16 * 1024 };

static int write_select(struct buf *sql, const struct data_type *type, enum interval interval)
{
    const struct dialect *d = dialect_of(DIALECT_SQLITE);
    char fact[64];
    sql->failed |= !store_fact_name(type, interval, fact, sizeof(fact));
    buf_add_text(sql, "SELECT ts, collected_at");
    for (size_t i = 0; i < type->column_count; i++) {
        if (column_is_fact(&type->columns[i])) {
            buf_add_text(sql, ", ");
            identifier_add(sql, d, type->columns[i].name);
        }
    }
    buf_add_text(sql, " FROM ");
    identifier_add(sql, d, fact);
    buf_add_text(sql, " WHERE series_id = ?1 AND ts >= ?2 AND ts < ?3 ORDER BY ts LIMIT ?4");
    return sql->failed ? CCD_NO_MEMORY : CCD_OK;
}

static int read_row(sqlite3_stmt *stmt, struct batch *b, size_t ts_column, int64_t *out_collected,
                    struct ccd_error *err)
{
    size_t row = b->row_count;
    int index = 2;
    batch_set_i64(b, row, ts_column, sqlite3_column_int64(stmt, 0));
    if (out_collected)
        *out_collected = sqlite3_column_int64(stmt, 1);
    for (size_t i = 0; i < b->type->column_count; i++) {
        if (column_is_fact(&b->type->columns[i])) {
            int status = cell_read(b, row, i, sqlite3_column_value(stmt, index++), err);
            if (status != CCD_OK)
                return status;
        }
    }
    b->row_count++;
    return CCD_OK;
}

static int read_all(const struct connection *c, sqlite3_stmt *stmt, struct batch *batch,
                    int64_t *collected_utc_s, struct ccd_error *err)
{
    size_t ts_column = (size_t)data_type_column_flagged(batch->type, COLUMN_TS);
    for (;;) {
        bool row;
        int status = statement_step(c, stmt, &row, "read rows from", err);
        if (status != CCD_OK || !row)
            return status;
        status = read_row(stmt, batch, ts_column,
                          collected_utc_s ? &collected_utc_s[batch->row_count] : NULL, err);
        if (status != CCD_OK)
            return status;
    }
}

int sqlite_read_rows(struct store *store, const struct data_type *type, enum interval interval,
                     int64_t series_id, struct period_range range, struct batch *batch,
                     int64_t *collected_utc_s, struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    batch_clear(batch);
    if (batch->type != type || type->shape != SHAPE_CANDLES) {
        return error_set(err, CCD_INTERNAL, "rows of %s cannot be read into this batch",
                         type->name);
    }
    struct buf sql;
    buf_init(&sql, SQL_MAX_BYTES, s->c.allocator);
    sqlite3_stmt *stmt = NULL;
    int status = write_select(&sql, type, interval);
    status = status == CCD_OK ? statement_get(&s->c, &stmt, sql.data, err)
                              : error_set(err, CCD_NO_MEMORY, "no memory to read %s", type->name);
    buf_release(&sql);
    if (status == CCD_OK) {
        sqlite3_bind_int64(stmt, 1, series_id);
        sqlite3_bind_int64(stmt, 2, range.from_ts);
        sqlite3_bind_int64(stmt, 3, range.to_ts);
        sqlite3_bind_int64(stmt, 4, (int64_t)batch->capacity_rows);
        status = read_all(&s->c, stmt, batch, collected_utc_s, err);
    }
    statement_drop(&stmt);
    return status;
}
