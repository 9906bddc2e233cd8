#include "rows.h"

#include <stdlib.h>

static const size_t text_max_bytes = 1u << 20;

const struct data_type *rows_type(void)
{
    return data_type_find(STR("spot_ohlcv"));
}

const struct series_names *rows_names(void)
{
    static struct series_names names;
    if (names.series_id == 0 &&
        !series_names_set(&names, rows_type(), STR("kraken"), STR("XXBTZUSD"), STR("BTC-USD")))
        abort();
    return &names;
}

static size_t column_of(const struct batch *b, const char *name)
{
    int column = data_type_column(b->type, str_from(name));
    if (column < 0)
        abort();
    return (size_t)column;
}

void rows_init(struct batch *b, size_t capacity_rows)
{
    if (batch_init(b, rows_type(), capacity_rows, text_max_bytes, NULL, NULL) != 0)
        abort();
}

void rows_set_text(struct batch *b, const char *column, const char *value)
{
    if (batch_set_text(b, b->row_count - 1, column_of(b, column), str_from(value)) != 0)
        abort();
}

void rows_set_f64(struct batch *b, const char *column, double value)
{
    batch_set_f64(b, b->row_count - 1, column_of(b, column), value);
}

void rows_set_i64(struct batch *b, const char *column, int64_t value)
{
    batch_set_i64(b, b->row_count - 1, column_of(b, column), value);
}

void rows_add(struct batch *b, enum interval interval, int64_t ts, double value)
{
    if (b->row_count == b->capacity_rows)
        abort();
    b->row_count++;
    rows_set_text(b, "unit", interval_infos[interval].unit_echo);
    rows_set_i64(b, "ts", ts);
    rows_set_text(b, "market", rows_names()->market);
    rows_set_text(b, "instrument", rows_names()->instrument);
    rows_set_f64(b, "open", value);
    rows_set_f64(b, "high", value + 1);
    rows_set_f64(b, "low", value - 1);
    rows_set_f64(b, "close", value);
    rows_set_i64(b, "total_trades", 3);
}

void rows_add_range(struct batch *b, enum interval interval, int64_t from_ts, int64_t to_ts)
{
    for (int64_t ts = from_ts; ts < to_ts; ts += interval_infos[interval].step_s)
        rows_add(b, interval, ts, (double)ts);
}

double rows_f64(const struct batch *b, size_t row, const char *column)
{
    return batch_cell(b, row, column_of(b, column))->f64;
}

int64_t rows_ts(const struct batch *b, size_t row)
{
    return batch_cell(b, row, column_of(b, "ts"))->i64;
}
