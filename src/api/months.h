/* The rows of a series month by month, each with its canonical hash, in memory for one page. */
#ifndef API_MONTHS_H
#define API_MONTHS_H

#include "api/canonical.h"
#include "store/store.h"

struct month {
    int64_t number; /* months since January of the year 0 */
    int64_t rows;
    uint8_t digest[DIGEST_BYTES];
};

struct month_reader {
    struct store *store;
    struct batch batch; /* capacity: how many rows are read at once */
    const struct data_type *type;
    enum interval interval;
    int64_t series_id;
    size_t ts_column;
    size_t at;       /* in the batch */
    int64_t next_ts; /* where the next read begins */
    bool ended;
};

/* The store and the batch, of this type, are there already. */
void month_reader_start(struct month_reader *reader, const struct data_type *type,
                        enum interval interval, int64_t series_id);
/* *out_found false: there are no more. */
int month_reader_next(struct month_reader *reader, struct month *out_month, bool *out_found,
                      struct ccd_error *err);
/* "2024-03" */
void month_print(int64_t number, char out[16]);

#endif
