#include "api/months.h"

#include "api/endpoint.h"
#include "base/time.h"

void month_reader_start(struct month_reader *r, const struct data_type *type,
                        enum interval interval, int64_t series_id)
{
    r->type = type;
    r->interval = interval;
    r->series_id = series_id;
    r->ts_column = (size_t)data_type_column_flagged(type, COLUMN_TS);
    r->at = 0;
    r->next_ts = endpoint_all_time().from_ts;
    r->ended = false;
    batch_clear(&r->batch);
}

static int64_t ts_at(const struct month_reader *r, size_t row)
{
    return batch_cell(&r->batch, row, r->ts_column)->i64;
}

/* Make sure that there is a row at r->at, or that there are no more. */
static int fill(struct month_reader *r, struct ccd_error *err)
{
    if (r->at < r->batch.row_count || r->ended)
        return 0;
    struct period_range rest = {r->next_ts, endpoint_all_time().to_ts};
    r->at = 0;
    int status = r->store->ops->read_rows(r->store, r->type, r->interval, r->series_id, rest,
                                          &r->batch, NULL, err);
    if (status != 0)
        return status;
    if (r->batch.row_count > 0)
        r->next_ts = ts_at(r, r->batch.row_count - 1) + 1;
    r->ended = r->batch.row_count < r->batch.capacity_rows;
    return 0;
}

/* The month of a moment, and the moment at which the next one begins. */
static int64_t month_of(int64_t ts, int64_t *out_end_ts)
{
    int year, month, day, hour, minute, second;
    time_to_civil(ts, &year, &month, &day, &hour, &minute, &second);
    *out_end_ts = month == 12 ? time_from_civil(year + 1, 1, 1, 0, 0, 0)
                              : time_from_civil(year, month + 1, 1, 0, 0, 0);
    return (int64_t)year * 12 + month - 1;
}

int month_reader_next(struct month_reader *r, struct month *out_month, bool *out_found,
                      struct ccd_error *err)
{
    struct sha256 h;
    int64_t end_ts;
    int status = fill(r, err);
    *out_found = status == 0 && r->at < r->batch.row_count;
    if (!*out_found)
        return status;
    out_month->number = month_of(ts_at(r, r->at), &end_ts);
    out_month->rows = 0;
    sha256_init(&h);
    while (status == 0 && r->at < r->batch.row_count && ts_at(r, r->at) < end_ts) {
        canonical_add_row(&h, &r->batch, r->at++);
        out_month->rows++;
        status = fill(r, err);
    }
    sha256_final(&h, out_month->digest);
    return status;
}

void month_print(int64_t number, char out[16])
{
    str_print(out, 16, "%04d-%02d", (int)(number / 12), (int)(number % 12) + 1);
}
