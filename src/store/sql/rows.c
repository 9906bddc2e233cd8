#include <inttypes.h>

#include "store/sql/store.h"

/* What the moments of every database can hold: years 1000 to 9999. */
static const int64_t earliest_ts = INT64_C(-30610224000);
static const int64_t latest_ts = INT64_C(253402300799);

struct read_call {
    const struct data_type *type;
    enum interval interval;
    int64_t series_id;
    struct period_range range;
    struct batch *batch;
    int64_t *collected_utc_s;
    size_t ts_column;
};

void sql_add_rows_query(struct buf *sql, const struct sql_connection *c,
                        const struct data_type *type, enum interval interval, const char *before)
{
    buf_add_text(sql, "SELECT ");
    sql_add_moment(sql, c, "ts");
    buf_add_text(sql, ", ");
    sql_add_moment(sql, c, "collected_at");
    sql_add_fact_columns(sql, c, type);
    buf_add_text(sql, " FROM ");
    sql_add_fact_name(sql, c, type, interval);
    buf_add_text(sql, " WHERE series_id = ?1 AND ts >= ");
    sql_add_moment_parameter(sql, c, 2);
    buf_printf(sql, " AND ts %s ", before);
    sql_add_moment_parameter(sql, c, 3);
    buf_add_text(sql, " ORDER BY ts");
}

int sql_row_to_batch(const struct value *values, size_t count, struct batch *b, size_t ts_column,
                     int64_t *out_collected_utc_s, struct ccd_error *err)
{
    size_t row = b->row_count;
    size_t at = 2;
    if (count < at || values[0].kind != VALUE_I64 || values[1].kind != VALUE_I64)
        return error_set(err, CCD_DATABASE_DATA, "a row of %s has no time", b->type->name);
    batch_set_i64(b, row, ts_column, values[0].i64);
    if (out_collected_utc_s)
        *out_collected_utc_s = values[1].i64;
    for (size_t i = 0; i < b->type->column_count && at < count; i++) {
        if (column_is_fact(&b->type->columns[i])) {
            int status = value_to_cell(&values[at++], b, row, i, err);
            if (status != CCD_OK)
                return status;
        }
    }
    b->row_count++;
    return CCD_OK;
}

static int take_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct read_call *call = user;
    struct batch *b = call->batch;
    return sql_row_to_batch(values, count, b, call->ts_column,
                            call->collected_utc_s ? &call->collected_utc_s[b->row_count] : NULL,
                            err);
}

static int read_rows(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct read_call *call = context;
    batch_clear(call->batch);
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    sql_add_rows_query(&sql, c, call->type, call->interval, "<");
    buf_add_text(&sql, " LIMIT ?4");
    const struct value parameters[] = {
        value_i64(call->series_id),
        value_i64(call->range.from_ts),
        value_i64(call->range.to_ts),
        value_i64((int64_t)call->batch->capacity_rows),
    };
    int status = sql_run_text(c, "read rows from", &sql, parameters, 4,
                              &(struct sql_sink){take_row, call}, err);
    buf_release(&sql);
    return status;
}

int sql_read_rows(struct store *store, const struct data_type *type, enum interval interval,
                  int64_t series_id, struct period_range range, struct batch *batch,
                  int64_t *collected_utc_s, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    batch_clear(batch);
    if (batch->type != type || type->shape != SHAPE_CANDLES) {
        return error_set(err, CCD_INTERNAL, "rows of %s cannot be read into this batch",
                         type->name);
    }
    struct read_call call = {
        .type = type,
        .interval = interval,
        .series_id = series_id,
        .range = {range.from_ts > earliest_ts ? range.from_ts : earliest_ts,
                  range.to_ts < latest_ts ? range.to_ts : latest_ts},
        .batch = batch,
        .collected_utc_s = collected_utc_s,
        .ts_column = (size_t)data_type_column_flagged(type, COLUMN_TS),
    };
    if (s->empty || call.range.from_ts >= call.range.to_ts)
        return CCD_OK;
    return sql_store_do(s, &(struct sql_task){.run = read_rows, .context = &call}, err);
}
