#include "store/run_columns.h"

#include <string.h>

#define RUN(member, kind, ...)                                                                     \
    {                                                                                              \
        .name = #member, .type = (kind), .offset = offsetof(struct store_run, member), __VA_ARGS__ \
    }
#define OPERATION(member, kind, ...)                                                               \
    {                                                                                              \
        .name = #member, .type = (kind), .offset = offsetof(struct store_run_operation, member),   \
        __VA_ARGS__                                                                                \
    }
#define SERIES(member, kind, ...)                                                                  \
    {                                                                                              \
        .name = #member, .type = (kind), .offset = offsetof(struct store_run_series, member),      \
        __VA_ARGS__                                                                                \
    }

static const struct run_column runs[] = {
    RUN(run_id, DDL_WORD, .is_key = true),
    RUN(command, DDL_TEXT),
    RUN(started_utc_s, DDL_I64),
    RUN(ended_utc_s, DDL_I64, .optional = true),
    RUN(status, DDL_TEXT),
    RUN(exit_code, DDL_I64),
    RUN(calls, DDL_I64),
    RUN(metadata_calls, DDL_I64),
    RUN(rows_fetched, DDL_I64),
    RUN(rows_written, DDL_I64),
    RUN(rows_unchanged, DDL_I64),
    RUN(rows_changed, DDL_I64),
    RUN(bytes, DDL_I64),
    RUN(duration_ms, DDL_I64),
    RUN(error, DDL_TEXT, .optional = true),
};

static const struct run_column run_operations[] = {
    OPERATION(run_id, DDL_WORD, .is_key = true),
    OPERATION(place, DDL_I64, .is_key = true),
    OPERATION(data_type, DDL_TEXT),
    OPERATION(interval, DDL_TEXT),
    OPERATION(started_utc_s, DDL_I64),
    OPERATION(status, DDL_TEXT),
    OPERATION(exit_code, DDL_I64),
    OPERATION(calls, DDL_I64),
    OPERATION(rows_fetched, DDL_I64),
    OPERATION(rows_written, DDL_I64),
    OPERATION(rows_unchanged, DDL_I64),
    OPERATION(rows_changed, DDL_I64),
    OPERATION(bytes, DDL_I64),
    OPERATION(duration_ms, DDL_I64),
    OPERATION(error, DDL_TEXT, .optional = true),
};

static const struct run_column run_series[] = {
    SERIES(run_id, DDL_WORD, .is_key = true),
    SERIES(place, DDL_I64, .is_key = true),
    SERIES(data_type, DDL_TEXT),
    SERIES(interval, DDL_TEXT),
    SERIES(series_id, DDL_I64),
    SERIES(market, DDL_TEXT),
    SERIES(instrument, DDL_TEXT),
    SERIES(series_rank, DDL_I64, .optional = true),
    SERIES(lifetime_trades, DDL_I64),
    SERIES(state, DDL_TEXT),
    SERIES(wanted, DDL_I64),
    SERIES(stored, DDL_I64),
    SERIES(fetched, DDL_I64),
    SERIES(empty, DDL_I64),
    SERIES(rejected, DDL_I64),
    SERIES(failed, DDL_I64),
    SERIES(calls, DDL_I64),
    SERIES(error, DDL_TEXT, .optional = true),
};

const struct run_table runs_table = {"ccdata_runs", runs, sizeof(runs) / sizeof(runs[0])};
const struct run_table run_operations_table = {"ccdata_run_operations", run_operations,
                                               sizeof(run_operations) / sizeof(run_operations[0])};
const struct run_table run_series_table = {"ccdata_run_series", run_series,
                                           sizeof(run_series) / sizeof(run_series[0])};
_Static_assert(sizeof(run_series) / sizeof(run_series[0]) <= RUN_COLUMNS_MAX, "too many columns");

void run_values(const struct run_table *table, const void *record, struct value *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct run_column *c = &table->columns[i];
        const char *member = (const char *)record + c->offset;
        if (c->type == DDL_I64) {
            int64_t number;
            memcpy(&number, member, sizeof(number));
            out[i] = c->optional && number == 0 ? value_null() : value_i64(number);
        } else {
            const char *text;
            memcpy(&text, member, sizeof(text));
            out[i] = c->optional && !text ? value_null() : value_text(str_from(text));
        }
    }
}

/* Room first, so that what is copied stays where it is. */
static bool reserve_texts(const struct value *values, size_t count, struct buf *scratch)
{
    size_t bytes = count;
    buf_clear(scratch);
    for (size_t i = 0; i < count; i++)
        bytes += values[i].kind == VALUE_TEXT ? values[i].text.len : 0;
    return buf_reserve(scratch, bytes) == 0;
}

bool run_record(const struct run_table *table, const struct value *values, size_t count,
                struct buf *scratch, void *out_record)
{
    if (count != table->count || !reserve_texts(values, count, scratch))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct run_column *c = &table->columns[i];
        char *member = (char *)out_record + c->offset;
        int64_t number = values[i].kind == VALUE_I64 ? values[i].i64 : 0;
        const char *text = values[i].kind == VALUE_TEXT ? scratch->data + scratch->len : NULL;
        if (values[i].kind == VALUE_TEXT) {
            buf_add(scratch, values[i].text.ptr, values[i].text.len);
            buf_add_char(scratch, '\0');
        }
        if (c->type == DDL_I64)
            memcpy(member, &number, sizeof(number));
        else
            memcpy(member, &text, sizeof(text));
    }
    return !scratch->failed;
}
