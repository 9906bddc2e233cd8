/* From a job's words to series: which markets, which instruments, which range.
 * Invariant: every name is resolved to the vendor's native id before anything is planned. */
#ifndef API_SELECT_H
#define API_SELECT_H

#include <ccdata/ccdata.h>

#include "api/lists.h"
#include "store/store.h"

/* One series that a job asks for, or one that it named and the vendor does not know (error set). */
struct selected {
    struct series_names names;
    struct period_range want;
    int64_t first_ts; /* of its data; 0 = unknown */
    int64_t last_ts;  /* newest data known; 0 = unknown */
    int64_t rank;     /* place among the pairs or assets that were ranked, from 1; 0 = not ranked */
    int64_t trades;   /* lifetime trades, or updates; 0 = unknown */
    bool optional;    /* taken from a list: the vendor may not offer it */
    bool gone;        /* not named, and no longer in the vendor's list */
    struct ccd_error error;
};

struct selection {
    struct selected *items;
    size_t count, capacity;
    const struct allocator *allocator;
};
void selection_release(struct selection *selection);

/* What the selection works with. */
struct select_context {
    struct list_source *lists; /* lists of the vendor, and how to ask for a candle */
    int64_t backfill_days;     /* 0 = no bound */
    const struct str *futures_exchanges;
    size_t futures_exchange_count;
    const struct str *futures_statuses;
    size_t futures_status_count;
};

/* Kinds of data types by what their jobs take, as bits. */
enum job_kind {
    JOB_SPOT = 1,
    JOB_FUTURES = 2,
    JOB_INDICES = 4,
    JOB_INSTRUMENTS = 8,
    JOB_ASSETS = 16,
    JOB_EXCHANGES = 32,
    JOB_CANDLES = JOB_SPOT | JOB_FUTURES | JOB_INDICES,
    JOB_METADATA = JOB_INSTRUMENTS | JOB_ASSETS | JOB_EXCHANGES,
};
enum job_kind job_kind_of(const struct data_type *type);

/* A job after its words were checked. */
struct checked_job {
    const struct ccd_job *job;
    const struct data_type *type;
    enum interval interval;
    int64_t from_utc_s; /* INT64_MIN = not given */
    int64_t to_utc_s;   /* INT64_MAX = not given */
};
/* CCD_USAGE naming what is wrong and what is right; asks nobody. */
int select_check(const struct ccd_job *job, struct checked_job *out, struct ccd_error *err);

/* Fill *out with the series of a candle job, in order of priority. A named series that the vendor
 * does not know is an item with an error; other errors end the operation. */
int select_series(struct select_context *context, const struct checked_job *job,
                  struct selection *out, struct ccd_error *err);

#endif
