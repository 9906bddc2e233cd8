/* What the files of the selection share: select.c makes the whole, select_markets.c and
 * select_spot.c say which markets, select_catalogue.c takes the instruments of one,
 * select_indices.c those of an index.
 * Invariant: only select.c knows of all the others. */
#ifndef API_SELECT_PARTS_H
#define API_SELECT_PARTS_H

#include "api/match.h"
#include "api/select.h"
#include "api/select_names.h"

enum { SELECT_TOP_ASSETS_DEFAULT = 50 };
#define SELECT_GRADE_DEFAULT "BB"

/* ---- select.c: the list being built ---- */

/* A new item at the end, empty; NULL: *err says why. */
struct selected *selection_add(struct selection *s, struct ccd_error *err);
int selection_add_failed(struct selection *s, const char *market, const char *instrument,
                         const struct ccd_error *why, struct ccd_error *err);
int selection_add_unknown(struct selection *s, const char *market, const char *instrument,
                          const char *why, struct ccd_error *err);
/* The range that a job wants of a series whose data begins with first_ts and ends with end_ts; 0 =
 * unknown. */
struct period_range select_want(const struct select_context *c, const struct checked_job *job,
                                int64_t first_ts, int64_t end_ts);
/* The earliest moment that data is asked for. */
extern const int64_t select_earliest_ts;

/* ---- check.c ---- */

/* CCD_USAGE with the vendor's name for a known misspelling. */
int select_check_market(const char *market, struct ccd_error *err);
/* Place of a grade in the vendor's scale, 0 = the best; unknown ones are below all. */
size_t select_grade(struct str grade);

/* ---- select_spot.c ---- */

bool select_is_spot(const struct checked_job *job);

/* Which pairs a spot job takes beside the instruments that it names. */
struct pair_filter {
    bool is_ranked; /* nothing is named: the best of what is listed now */
    const char *const *quotes;
    size_t quote_count; /* 0 = any */
    bool by_base;
    struct name_list bases;
};
int pair_filter_init(struct pair_filter *filter, struct select_context *c,
                     const struct checked_job *job, struct ccd_error *err);
void pair_filter_release(struct pair_filter *filter);
bool pair_filter_takes(const struct pair_filter *filter, const struct batch *rows, size_t row);

/* Whether the job's exchanges must have a grade. */
bool select_needs_grades(const struct checked_job *job);
/* The markets whose exchange is graded well enough. */
int select_graded_markets(struct select_context *c, const struct checked_job *job,
                          struct name_list *out, struct ccd_error *err);
/* Best pairs first, numbered, cut at the limit; what failed stands before them. */
void select_rank_pairs(const struct checked_job *job, struct selection *s);

/* ---- select_markets.c ---- */

/* The markets of a job. What it names in vain is an item of *unknown. */
int select_markets(struct select_context *c, const struct checked_job *job,
                   struct name_list *markets, struct selection *unknown, struct ccd_error *err);
/* Whether the job, or the configuration in its place, has the market by its name. */
bool select_names_market(const struct select_context *c, const struct checked_job *job,
                         const char *market);
/* What is said of a name that the vendor does not know: what its own names look like. */
const char *select_unknown_because(const struct checked_job *job, const char *market);

/* ---- select_catalogue.c, select_indices.c ---- */

int select_from_catalogues(struct select_context *c, const struct checked_job *job,
                           struct selection *out, struct ccd_error *err);
int select_indices(struct select_context *c, const struct checked_job *job, struct selection *out,
                   struct ccd_error *err);

#endif
