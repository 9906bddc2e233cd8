/* The part of the library that reads what is stored: gives what a test tells it, remembers what it
 * was asked. */
#ifndef TESTS_UNIT_CLI_FAKE_STORED_H
#define TESTS_UNIT_CLI_FAKE_STORED_H

#include <ccdata/ccdata.h>

enum { STORED_TEXT_BYTES = 512 };

struct fake_stored {
    /* told */
    struct ccd_error error;
    struct ccd_status_report status;
    struct ccd_coverage_report coverage;
    struct ccd_listing listings[2];
    size_t listing_count;
    /* remembered; the texts of the arguments are gone after the call */
    struct ccd_status_options status_options;
    struct ccd_job job;
    struct ccd_list_options list_options;
    char names[STORED_TEXT_BYTES]; /* of the job, or of the list, separated by spaces */
    int freed;
};
extern struct fake_stored fake_stored;

/* A healthy, empty status; no series; nothing listed. */
void fake_stored_reset(void);

#endif
