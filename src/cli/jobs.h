/* From the arguments to jobs; runs them, or plans them with --dry_run, and prints one report of
 * all. */
#ifndef CLI_JOBS_H
#define CLI_JOBS_H

#include <ccdata/ccdata.h>

struct args;
struct client;
struct cli;
struct progress;

/* The job of a data type that the options describe; borrows them. */
struct ccd_job jobs_from(const struct args *args, const char *data_type);
/* How a run is made that the options describe. progress is borrowed for the run. */
struct ccd_run_options jobs_run_options(const struct args *args, enum ccd_recheck recheck,
                                        struct progress *progress);
/* A run of this command has ended, or could not begin (report NULL): tell whoever wants to know. */
void jobs_alert(struct client *client, const char *command, const struct ccd_job *jobs,
                size_t job_count, const struct ccd_report *report, const struct ccd_error *why);
/* Returns the exit code. */
int jobs_run(struct cli *cli, const struct args *args, const struct ccd_job *jobs, size_t job_count,
             enum ccd_recheck recheck);

#endif
