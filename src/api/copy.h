/* The inside of a copy, split over copy.c (what to copy), copy_chunk.c (one chunk, committed),
 * copy_metadata.c and copy_report.c. Invariant: rows and the coverage that claims them are
 * committed together, so a copy can end at any moment. */
#ifndef API_COPY_H
#define API_COPY_H

#include "api/coverage_list.h"
#include "api/endpoint.h"
#include "api/scan.h"
#include "api/series_list.h"

struct copy_report;
struct copy {
    struct ccd_client *client;
    struct ccd_copy_options options;
    struct type_choice choice;
    struct scan scan;
    struct endpoint from, to;
    struct store_writer *writer; /* opened when the first chunk is written */
    const char *run_id;
    struct series_list *lists; /* of the source, as in data_types[] */
    struct batch rows;         /* of a chunk */
    struct batch probe;        /* one row */
    int64_t collected_utc_s[ENDPOINT_ROWS + 1];
    struct coverage_list source;        /* of the series, merged */
    struct coverage_list stored;        /* at the destination, as it is stored */
    struct coverage_list segments;      /* of the source, in the chunk */
    struct coverage_list before, after; /* scratch */
    struct ccd_copy_part *part;         /* what is being counted */
    bool locked;                        /* the type and interval that is being copied */
};

/* The series and interval that is being copied. */
struct copy_series {
    const struct data_type *type;
    enum interval interval;
    int64_t step_s;
    struct series_names names;
};

/* Copy one chunk of rows and coverage, unless the destination has it already; counts in c->part. */
int copy_chunk(struct copy *c, const struct copy_series *s, struct period_range chunk,
               struct ccd_error *err);
/* Rows of the source into a batch, tried again while the source is away for a moment. */
int copy_read(struct copy *c, const struct copy_series *s, struct period_range range,
              struct batch *batch, int64_t *collected_utc_s, struct ccd_error *err);
/* Coverage of a series on one side, likewise. */
int copy_load_coverage(struct copy *c, struct endpoint *endpoint, const struct copy_series *s,
                       struct coverage_list *list, struct ccd_error *err);
void copy_close_writer(struct copy *c);
/* The tables of a type that is no candles, as the source has them. */
int copy_metadata(struct copy *c, const struct data_type *type, struct copy_report *report,
                  struct ccd_error *err);

int copy_report_new(struct copy_report **out, struct ccd_error *err);
/* What counts for a type and an interval (NULL: a table of metadata). */
struct ccd_copy_part *copy_report_part(struct copy_report *report, const char *data_type,
                                       const char *interval);
/* Remember why a series was given up. */
void copy_report_failed(struct copy_report *report, const struct ccd_error *err);
/* ended: why the copy ended early, CCD_OK when it did not. */
struct ccd_copy_report *copy_report_finish(struct copy_report *report, const struct copy *c,
                                           const struct ccd_error *ended);

#endif
