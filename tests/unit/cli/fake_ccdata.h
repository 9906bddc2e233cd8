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
    struct ccd_error run_error;
    struct ccd_report report;
    const char *log_level;          /* LOG_LEVEL */
    struct fake_line open_lines[4]; /* logged while opening, up to the first without text */
    struct fake_line run_lines[4];
    const struct ccd_progress *progress; /* shown during the run, one after the other */
    size_t progress_count;
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
    struct ccd_run_options run;
};

extern struct fake fake;
void fake_reset(void);

#endif
