/* A libccdata that does what a test tells it and remembers what it was asked.
 * Invariant: fake_reset gives one that succeeds with an empty, complete report. */
#ifndef TESTS_UNIT_CLI_FAKE_CCDATA_H
#define TESTS_UNIT_CLI_FAKE_CCDATA_H

#include <ccdata/ccdata.h>

enum { FAKE_TEXT_BYTES = 1024 };

struct fake_line {
    enum ccd_log_level level;
    const char *text;
};

struct fake {
    /* told */
    struct ccd_error open_error;
    bool clock_is_wrong; /* a check of health fails */
    struct ccd_quota_options quota_options;
    struct ccd_quota_report quota_report;
    struct ccd_verify_options verify_options;
    struct ccd_verify_report verify_report;
    struct ccd_error run_error;
    struct ccd_report report;
    struct ccd_copy_report copy_report;
    struct ccd_diff_report diff_report;
    struct ccd_selftest_report selftest_report;
    struct ccd_error batch_error;
    struct ccd_job batch_jobs[3]; /* what every batch file holds */
    size_t batch_job_count;
    const char *log_level;          /* LOG_LEVEL */
    struct fake_line open_lines[4]; /* logged while opening, up to the first without text */
    struct fake_line run_lines[4];
    const struct ccd_progress *progress; /* shown during the run, one after the other */
    size_t progress_count;
    const struct ccd_schema_difference *differences;
    size_t difference_count;
    const struct ccd_scan_progress *scan_progress; /* the same for copies and comparisons */
    size_t scan_progress_count;
    int raise[2]; /* signals during the run; 0 = none */
    /* remembered */
    int opened, closed, planned, ingested, reports_freed, stops;
    char settings[FAKE_TEXT_BYTES]; /* each followed by a line end */
    char env_file[FAKE_TEXT_BYTES];
    bool strict;
    struct ccd_job job;          /* its texts are gone after the run: see the next members */
    char names[FAKE_TEXT_BYTES]; /* "data_type interval market instrument from to" */
    char exchanges[FAKE_TEXT_BYTES];
    char instruments[FAKE_TEXT_BYTES];
    char quotes[FAKE_TEXT_BYTES];
    char choices[FAKE_TEXT_BYTES]; /* "min_grade exchange_type" */
    size_t job_count;
    char run_command[FAKE_TEXT_BYTES];
    size_t batch_bytes; /* what ccd_batch_parse was given */
    char batch_text[FAKE_TEXT_BYTES];
    char batch_name[FAKE_TEXT_BYTES];
    int batches_freed;
    struct ccd_run_options run;
    int created, checked; /* schema */
    bool legacy_views;
    int copied, compared, tested;
    struct ccd_copy_options copy;
    struct ccd_diff_options diff;
    struct ccd_selftest_options selftest;
    char urls[FAKE_TEXT_BYTES];  /* of a copy or a comparison, and */
    char types[FAKE_TEXT_BYTES]; /* the data types */
};

extern struct fake fake;
void fake_reset(void);

#endif
