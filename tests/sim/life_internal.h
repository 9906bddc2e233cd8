/* What the files of a life share. */
#ifndef TESTS_SIM_LIFE_INTERNAL_H
#define TESTS_SIM_LIFE_INTERNAL_H

#include "life.h"

enum {
    SLOTS_MAX = 16,
    QUEUE_MAX = 2 * SLOTS_MAX + 2,
    WRITERS_MAX = 2,
    SEGMENTS_MAX = SIM_PERIODS_MAX,
    ROWS_MAX = 64, /* of a page */
};

/* engine/runtime.c's job of a slot. */
struct job {
    uint32_t ticket;
    bool has_ticket;
    size_t series;
    struct period_range window;
    int sends; /* of this window, but for throttled ones */
    int64_t sent_utc_s;
    size_t rows_max;
    struct batch batch;
    struct reply_headers headers;
    enum reply_verdict verdict;
    long http_status;
    int64_t served_utc_s;
    int64_t told_wait_us;
    const struct refusal *must_refuse; /* why nothing of it may be taken; NULL = it may */
    bool in_doubt; /* a commit of it has no answer yet that says what became of it */
    struct store_page page;
    struct store_page_result result;
    struct ccd_error error;
    int64_t told_ts[ROWS_MAX]; /* periods of the reply, before anybody judged it */
    size_t told_count;
};

struct writer {
    uint32_t waiting[SLOTS_MAX];
    size_t waiting_count;
    uint32_t group[SIM_PAGES_MAX];
    size_t group_count; /* > 0: a transaction is under way */
};

struct life {
    struct sim *sim;
    const struct life_options *options;
    struct life_report *report;
    struct session *session;
    struct job jobs[SLOTS_MAX];
    struct writer writers[WRITERS_MAX];
    struct session_event queue[QUEUE_MAX];
    size_t queue_head, queue_count;
    int in_threads;
    size_t chunk_rows;
    bool finished, killed, abandoned;
    bool waiting; /* for a permit, and the trace says so */
    bool stopping;
    int64_t stop_deadline_us;
    int64_t begun_us;
    int failures_in_a_row; /* of the vendor as a whole */
    int64_t last_failure_us;
    bool answered;
    bool key_refused;
    bool series_refused[SIM_SERIES_MAX];
    int64_t retries, successes;
    struct period_range wants[SIM_SERIES_MAX];
    bool stored[SIM_SERIES_MAX][SIM_PERIODS_MAX]; /* when the run began */
    int64_t short_at_ts[SIM_SERIES_MAX]; /* first row of the last page, when it was not the first
                                            period */
    int64_t young_ts[SIM_SERIES_MAX];    /* periods from here on may stay unsettled */
};

/* An event for the session. */
void life_push(struct life *l, const struct session_event *event);

/* ---- life_writers.c: the threads that write, and the database behind them ---- */

/* The page of a slot is to be written. */
void life_write(struct life *l, uint32_t slot);
/* A writer's transaction ends. */
void life_on_commit(struct life *l, uint32_t index);
/* Whether a claim says that the period is stored. */
bool life_is_claimed(const struct coverage_segment *merged, size_t count, int64_t ts);
/* The process is killed with this transaction under way. */
void life_die_writing(struct life *l, const struct writer *w);

#endif
