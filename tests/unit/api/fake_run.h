/* What surrounds a run, made up by the test: the selection of each operation, the session's
 * outcome, the vendor's lists, and a store that keeps a journal of what the run does to it. Linked
 * with --wrap of select_series, the runtime, the session's results, lists_update, lists_markets and
 * store_open. Invariant: nothing is asked over the network. */
#ifndef TESTS_UNIT_API_FAKE_RUN_H
#define TESTS_UNIT_API_FAKE_RUN_H

#include <ccdata/ccdata.h>

#include "api/lists.h"
#include "api/select.h"
#include "engine/session.h"

enum { FAKE_SERIES_MAX = 4, FAKE_OPERATIONS_MAX = 8, FAKE_RUNS_MAX = 8, FAKE_ROWS_MAX = 64 };

/* A period of a series "INSTRUMENT" of kraken that an operation selects, in days. */
struct fake_series {
    const char *instrument;
    int64_t from_day, to_day;
    enum ccd_status unknown; /* the vendor does not know it */
};

struct fake_run {
    /* selections, by the number of the call of select_series */
    struct fake_series series[FAKE_OPERATIONS_MAX][FAKE_SERIES_MAX];
    enum ccd_status select_error[FAKE_OPERATIONS_MAX];
    /* outcomes, by the number of the session: all of its series end so, and so does the session */
    enum ccd_status series_error[FAKE_OPERATIONS_MAX];
    enum ccd_status session_error[FAKE_OPERATIONS_MAX];
    enum ccd_status runtime_error[FAKE_OPERATIONS_MAX];
    int64_t calls[FAKE_OPERATIONS_MAX];
    /* lists, by the market; NULL = any */
    const char *unknown_market, *shrunk_market;
    enum ccd_status list_error;
    struct list_outcome outcome;
    /* store */
    enum ccd_status record_error, put_series_error;
    const char *locked; /* a data type that another run writes */
    int die_at;         /* the runtime of this number ends the process; -1 = none */
    /* what happened, one word for each step */
    char journal[4096];
    bool shares_ledger;               /* the second host, opened by lists_update, with the first */
    struct list_options list_options; /* of the last lists_update */
    int64_t max_calls[FAKE_OPERATIONS_MAX]; /* that each session was allowed */
    int64_t asked_periods;                  /* wanted by all sessions */
};
extern struct fake_run fake;

void fake_reset(void);

/* ccdata_runs, ccdata_run_operations and ccdata_run_series, as they stand; shared with a child
 * process. */
struct fake_record {
    struct {
        char run_id[64], command[64], status[16], error[256];
        int64_t ended_utc_s, exit_code, rows_written, calls, metadata_calls;
    } runs[FAKE_RUNS_MAX];
    size_t run_count;
    struct {
        char run_id[64], data_type[32], status[16], error[256];
        int64_t place, exit_code, calls;
    } operations[FAKE_ROWS_MAX];
    size_t operation_count;
    struct {
        char run_id[64], data_type[32], interval[8], market[32], instrument[32], state[16];
        int64_t place, fetched, trades;
    } rows[FAKE_ROWS_MAX];
    size_t row_count;
};
extern struct fake_record *record;

#endif
