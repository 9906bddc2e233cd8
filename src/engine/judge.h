/* What a reply proves about the periods that were asked for. Pure.
 * Invariant: a period is claimed only when the reply shows it and it was final when the request was
 * sent. */
#ifndef ENGINE_JUDGE_H
#define ENGINE_JUDGE_H

#include "model/batch.h"
#include "model/coverage.h"
#include "model/series.h"

enum {
    JUDGE_ROWS_MAX = 5001,                   /* a page of 5000 and the open bucket */
    JUDGE_SEGMENTS_MAX = JUDGE_ROWS_MAX + 3, /* stored runs and holes alternate at worst, around
                                                them a start of history that is open again */
    HOLE_CHECK_S = 3600,      /* an unconfirmed hole, or start of history, is asked again after this
                                 long, a confirmed one … */
    HOLE_CHECK_DAYS_MAX = 64, /* … after as many days as it is old, a power of two of them, up to
                                 this many … */
    HOLE_OLD_DAYS = 400,      /* … and beyond this age no more */
};

/* What was known when the page was asked for. */
struct judge_question {
    const struct data_type *type;
    enum interval interval;
    const struct series_names *names;
    struct period_range want;   /* the whole range wanted of the series */
    struct period_range window; /* what this call was made for */
    int64_t recheck_from_ts; /* it asked from here on, to see what became of known periods; at most
                                window.from_ts */
    int64_t first_ts;        /* time of the series' first data; 0 = unknown */
    int64_t newest_ts;       /* some data at or after this time is known to exist; 0 = none */
    int64_t oldest_ts;       /* data at this time was seen in this run; 0 = none */
    int64_t start_ts; /* there is nothing before it, said a reply of this run; 0 = none did … */
    int64_t start_asked_utc_s; /* … when asked then */
    int64_t
        sent_utc_s; /* when the request was sent: the earlier of our clock and the vendor's Date */
    int64_t planned_utc_s; /* `now` of the plan: which holes counted as missing */
    int64_t settle_s;
    const struct coverage_segment *merged; /* the series' coverage, merged */
    size_t merged_count;
};

/* Scratch and results of one page; big, so kept per slot. */
struct judgement {
    struct coverage_segment segments[JUDGE_SEGMENTS_MAX];
    size_t segment_count;
    const char *rejected[JUDGE_ROWS_MAX]; /* per kept row: NULL = good */
    bool any_rejected;
    bool all_clean; /* no row of the page needs a closer look */
    bool keep[JUDGE_ROWS_MAX];
    uint32_t order[JUDGE_ROWS_MAX];
    int64_t final_before_ts; /* periods that start before this were final when asked */
    int64_t fetched;     /* missing periods that now have a good row (provisional ones included) */
    int64_t provisional; /* of fetched: not final yet */
    int64_t empty;       /* missing periods now known not to be at the vendor, confirmed or not */
    int64_t kept; /* missing ones that are stored all the same, and not in the reply: they stay */
    int64_t rejected_count; /* missing periods whose record is impossible */
    int64_t pending;        /* missing young periods without a record yet */
    int64_t tail; /* final periods at the end of the window without a record, nothing newer known */
    int64_t rechecked;    /* rows of periods before the window that were known already */
    int64_t rows_dropped; /* rows that nobody asked for, or not closed when asked */
    int64_t duplicates;   /* equal rows collapsed */
    int64_t conflicts; /* different rows of one period: the larger one is kept, in either order */
    struct period_range
        head; /* missing head, start of history not confirmed: ask on from there; empty = none */
    bool start_reached; /* nothing older is left to ask for */
    bool window_empty;  /* the reply was an empty list: not proof of anything yet */
};

/* Judge a page of rows: checks that it is the page that was asked for, sorts and cleans the batch
 * in place, fills *out. CCD_BAD_REPLY when it is not (another unit, market, instrument, off-grid or
 * absurd times, only younger rows): the batch is then empty. */
int judge_page(const struct judge_question *q, struct batch *batch, struct judgement *out,
               struct ccd_error *err);

/* Judge "no entries available on or before": the window, and everything wanted before it, is before
 * the start; a hole when older data is known to be stored. Counts the periods of the window only.
 */
void judge_end_of_history(const struct judge_question *q, struct judgement *out);

/* Judge a window for which the vendor repeatedly sent an empty list: a hole, or a tail. */
void judge_nothing(const struct judge_question *q, struct judgement *out);

/* First period that was not final at sent_utc_s. */
int64_t judge_final_before(int64_t sent_utc_s, int64_t settle_s, int64_t step_s);

#endif
