/* libccdata from a program: open, ingest one data type, ingest a batch, read the status, close.
 *
 *     cc ingest.c -lccdata -o ingest
 *     CCDATA_API_KEY=… ./ingest
 *
 * Key, database and limits come from the environment and .env, as for the program ccdata. */
#include <ccdata/ccdata.h>

#include <stdio.h>

static void print_report(const char *title, const struct ccd_report *report)
{
    printf("%s: %s, %lld calls, %lld rows written\n", title, report->status,
           (long long)report->calls, (long long)report->rows_written);
    for (size_t i = 0; i < report->operation_count; i++) {
        const struct ccd_operation *operation = &report->operations[i];
        printf("  %s: %zu series, %zu lists, exit code %d\n", operation->data_type,
               operation->series_count, operation->list_count, operation->exit_code);
    }
    if (report->exit_code != 0)
        printf("  %s\n", report->error.message);
}

/* The exit code: of the run, or of the error for which it could not be started. */
static int ingest(struct ccd_client *client, const char *title, const struct ccd_job *jobs,
                  size_t job_count)
{
    struct ccd_error err = {0};
    struct ccd_report *report = NULL;
    struct ccd_run_options run = CCD_RUN_INIT;
    run.parallel_workers = 6;
    if (ccd_ingest(client, jobs, job_count, &run, &report, &err) != 0) {
        fprintf(stderr, "%s: %s\n", title, err.message);
        return ccd_status_exit_code(err.status);
    }
    print_report(title, report);
    int exit_code = report->exit_code;
    ccd_report_free(report);
    return exit_code;
}

static int ingest_one(struct ccd_client *client)
{
    struct ccd_job job = CCD_JOB_INIT;
    job.data_type = "spot_ohlcv";
    job.interval = "1d";
    job.pair_limit = 100;
    return ingest(client, "Ingestion", &job, 1);
}

static int ingest_batch(struct ccd_client *client)
{
    static const char *const EXCHANGES[] = {"binance"};
    struct ccd_job jobs[] = {CCD_JOB_INIT, CCD_JOB_INIT, CCD_JOB_INIT};
    jobs[0].data_type = "spot_ohlcv";
    jobs[0].interval = "1d";
    jobs[0].pair_limit = 50;
    jobs[1].data_type = "futures_ohlcv";
    jobs[1].interval = "1d";
    jobs[1].exchanges = EXCHANGES;
    jobs[1].exchange_count = 1;
    jobs[2].data_type = "asset_metadata";
    return ingest(client, "Batch", jobs, 3);
}

static int print_status(struct ccd_client *client)
{
    struct ccd_error err = {0};
    struct ccd_status_report *status = NULL;
    struct ccd_status_options options = CCD_STATUS_INIT;
    if (ccd_status_read(client, &options, &status, &err) != 0) {
        fprintf(stderr, "Status: %s\n", err.message);
        return ccd_status_exit_code(err.status);
    }
    printf("Status: %s\n", status->system);
    for (size_t i = 0; i < status->reason_count; i++)
        printf("  %s\n", status->reasons[i]);
    for (size_t i = 0; i < status->data_count; i++) {
        const struct ccd_stored_data *data = &status->data[i];
        printf("  %s %s: %lld series, %lld rows\n", data->data_type,
               data->interval ? data->interval : "", (long long)data->series,
               (long long)data->rows);
    }
    int exit_code = status->exit_code;
    ccd_status_free(status);
    return exit_code;
}

int main(void)
{
    static const char *const SETTINGS[] = {"MONITORING_METRICS_ENABLED=true", "CACHE_ENABLED=true"};
    const struct ccd_options options = {
        .size = sizeof(options), .settings = SETTINGS, .setting_count = 2};
    struct ccd_error err = {0};
    struct ccd_client *client = NULL;
    if (ccd_open(&options, &client, &err) != 0) {
        fprintf(stderr, "%s\n", err.message);
        return ccd_status_exit_code(err.status);
    }
    int exit_code = ingest_one(client);
    if (exit_code == 0)
        exit_code = ingest_batch(client);
    if (exit_code == 0)
        exit_code = print_status(client);
    ccd_close(client);
    return exit_code;
}
