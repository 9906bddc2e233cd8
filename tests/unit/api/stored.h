/* A database that only answers: what is stored is told by a test. Stands in for store_open. */
#ifndef TESTS_UNIT_API_STORED_H
#define TESTS_UNIT_API_STORED_H

#include "store/store.h"

enum { STORED_SEGMENTS_MAX = 64, STORED_SERIES_MAX = 8, STORED_RUNS_MAX = 512 };

struct stored_segment {
    int64_t series_id, step_s;
    struct coverage_segment segment;
};

struct stored {
    enum ccd_status open_status; /* of any opening */
    enum ccd_status write_status;
    enum ccd_status read_status; /* of every reading */
    int64_t schema_version;
    const struct data_type *type; /* of all series */
    struct series_names series[STORED_SERIES_MAX];
    size_t series_count;
    struct stored_segment segments[STORED_SEGMENTS_MAX]; /* ascending by series_id */
    size_t segment_count;
    struct store_run runs[STORED_RUNS_MAX]; /* newest first */
    size_t run_count;
    /* Instruments, of each market: native ids "I0" …, every third of status EXPIRED. */
    const char *markets[4];
    size_t market_count, instrument_count;
    int64_t asked_utc_s; /* of the first market; one more of each that follows */
    int opened_for_writing, writes_tried, closed;
};
extern struct stored stored;

/* An empty database of the current schema. */
void stored_reset(void);
struct series_names *stored_add_series(const char *market, const char *instrument,
                                       const char *mapped);
void stored_cover(const struct series_names *series, int64_t step_s, int64_t from_ts, int64_t to_ts,
                  enum coverage_state state);

#endif
