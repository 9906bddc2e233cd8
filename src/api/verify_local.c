#include <math.h>
#include <string.h>

#include "api/verify.h"
#include "base/time.h"
#include "model/check.h"
#include "store/journal.h"

enum { CHUNK_ROWS = 5000 };

static const double jump_factor = 1e6;

/* Columns that rules are about; -1 = the type has none. */
struct columns {
    int ts, open, high, low, close;
};

struct scan {
    struct verify *v;
    struct run *run;
    const struct operation *operation;
    const struct selected *series;
    struct columns columns;
    double close;        /* of the row before; NAN = none */
    size_t segment;      /* of the coverage, that the walk is in */
    int64_t expected_ts; /* stored periods before this have their rows */
};

static int find_column(const struct data_type *type, const char *name)
{
    for (size_t i = 0; i < type->column_count; i++)
        if (strcmp(type->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static struct columns columns_of(const struct data_type *type)
{
    return (struct columns){
        .ts = data_type_column_flagged(type, COLUMN_TS),
        .open = find_column(type, "open"),
        .high = data_type_column_flagged(type, COLUMN_HIGH),
        .low = data_type_column_flagged(type, COLUMN_LOW),
        .close = find_column(type, "close"),
    };
}

static int found(struct scan *s, enum ccd_finding_kind kind, int64_t ts, const char *column,
                 const char *ours, struct ccd_error *err)
{
    const struct ccd_finding finding = {
        .kind = kind,
        .market = s->series->names.market,
        .instrument = s->series->names.instrument,
        .ts = ts,
        .column = column,
        .ours = ours,
    };
    return verify_add(s->v, &finding, err);
}

static double number_of(const struct batch *b, size_t row, int column)
{
    if (column < 0 || !batch_has(b, row, (size_t)column))
        return NAN;
    return batch_cell(b, row, (size_t)column)->f64;
}

static int found_number(struct scan *s, enum ccd_finding_kind kind, const struct batch *b,
                        size_t row, int column, struct ccd_error *err)
{
    char scratch[JOURNAL_NUMBER_MAX_BYTES], text[JOURNAL_NUMBER_MAX_BYTES];
    bool is_null;
    struct str value = journal_cell(b, row, (size_t)column, scratch, &is_null);
    str_copy(text, sizeof(text), value);
    return found(s, kind, batch_cell(b, row, (size_t)s->columns.ts)->i64,
                 b->type->columns[column].name, text, err);
}

static int check_inside(struct scan *s, const struct batch *b, size_t row, int column,
                        struct ccd_error *err)
{
    double value = number_of(b, row, column);
    bool outside = value < number_of(b, row, s->columns.low) ||
                   value > number_of(b, row, s->columns.high);
    return outside ? found_number(s, CCD_FINDING_OUTSIDE, b, row, column, err) : 0;
}

static int check_jump(struct scan *s, const struct batch *b, size_t row, struct ccd_error *err)
{
    double before = s->close, close = number_of(b, row, s->columns.close);
    bool comparable = before > 0 && close > 0;
    s->close = close > 0 ? close : before;
    if (!comparable || (close / before < jump_factor && before / close < jump_factor))
        return 0;
    return found_number(s, CCD_FINDING_JUMP, b, row, s->columns.close, err);
}

/* Stored periods before ts that have no row. */
static int check_rows_until(struct scan *s, int64_t ts, struct ccd_error *err)
{
    int64_t step_s = interval_infos[s->operation->job.interval].step_s;
    const struct coverage_list *coverage = &s->run->coverage;
    int status = 0;
    for (; s->segment < coverage->count && status == 0; s->segment++) {
        const struct coverage_segment *segment = &coverage->items[s->segment];
        if (segment->from_ts > s->expected_ts)
            s->expected_ts = segment->from_ts;
        int64_t until = segment->to_ts < ts ? segment->to_ts : ts;
        for (; s->expected_ts < until && status == 0; s->expected_ts += step_s)
            if (segment->state == COVERAGE_STORED)
                status = found(s, CCD_FINDING_LOST, s->expected_ts, NULL, NULL, err);
        if (segment->to_ts > ts)
            break;
    }
    if (s->expected_ts <= ts)
        s->expected_ts = ts + step_s; /* this one is here */
    return status;
}

static int check_one(struct scan *s, const struct batch *b, size_t row, struct ccd_error *err)
{
    int64_t step_s = interval_infos[s->operation->job.interval].step_s;
    int64_t ts = batch_cell(b, row, (size_t)s->columns.ts)->i64;
    const char *impossible = check_row(b, row);
    int status = 0;
    if (ts % step_s != 0)
        return found(s, CCD_FINDING_MISALIGNED, ts, NULL, NULL, err);
    status = check_rows_until(s, ts, err);
    if (status == 0 && impossible)
        status = found(s, CCD_FINDING_IMPOSSIBLE, ts, NULL, impossible, err);
    if (status == 0 && !impossible && s->columns.open >= 0)
        status = check_inside(s, b, row, s->columns.open, err);
    if (status == 0 && !impossible && s->columns.close >= 0)
        status = check_inside(s, b, row, s->columns.close, err);
    return status == 0 ? check_jump(s, b, row, err) : status;
}

/* As many rows from ts on as fit; *next_ts: where to go on. */
static int read_chunk(struct scan *s, int64_t from_ts, struct ccd_error *err)
{
    const struct data_type *type = s->operation->job.type;
    struct batch *stored = &s->v->stored;
    struct store *store = s->run->store;
    int status = stored->type ? batch_reset(stored, type, CHUNK_ROWS, err)
                              : batch_init(stored, type, CHUNK_ROWS, UINT32_MAX, NULL, err);
    if (status != 0)
        return status;
    return store->ops->read_rows(
        store, type, s->operation->job.interval, s->series->names.series_id,
        (struct period_range){from_ts, s->series->want.to_ts}, stored, NULL, err);
}

int verify_local(struct verify *v, struct run *run, const struct operation *operation,
                 const struct selected *series, struct ccd_error *err)
{
    struct scan s = {
        .v = v,
        .run = run,
        .operation = operation,
        .series = series,
        .columns = columns_of(operation->job.type),
        .close = NAN,
        .expected_ts = series->want.from_ts,
    };
    int64_t from_ts = series->want.from_ts;
    int status = 0;
    while (status == 0 && from_ts < series->want.to_ts) {
        status = client_stop_level(run->client) > 0
                     ? error_set(err, CCD_INTERRUPTED, "interrupted; nothing was changed")
                     : read_chunk(&s, from_ts, err);
        size_t rows = status == 0 ? v->stored.row_count : 0;
        for (size_t row = 0; row < rows && status == 0; row++)
            status = check_one(&s, &v->stored, row, err);
        v->report.rows += (int64_t)rows;
        if (rows < CHUNK_ROWS)
            break;
        from_ts = batch_cell(&v->stored, rows - 1, (size_t)s.columns.ts)->i64 + 1;
    }
    return status == 0 ? check_rows_until(&s, series->want.to_ts, err) : status;
}
