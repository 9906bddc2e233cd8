/* The nine data types: one command each, all the same run. */
#include <ccdata/alerts.h>
#include <ccdata/ccdata.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/exposure.h"
#include "cli/jobs.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/signals.h"

struct ccd_job jobs_from(const struct args *args, const char *data_type)
{
    struct ccd_job job = CCD_JOB_INIT;
    job.data_type = data_type;
    job.interval = args->interval;
    job.market = args->market ? args->market : args->specific_market;
    job.instrument = args->specific_instrument;
    job.exchanges = args->exchanges.items;
    job.exchange_count = args->exchanges.count;
    job.instruments = args->instruments.items;
    job.instrument_count = args->instruments.count;
    job.pair_limit = args->pair_limit;
    job.asset_limit = args->asset_limit;
    job.from = args->from;
    job.to = args->to;
    job.quotes = args->quotes.items;
    job.quote_count = args->quotes.count;
    job.min_grade = args->min_grade;
    job.exchange_type = args->exchange_type;
    job.full_refresh = args->full_refresh;
    job.force = args->force;
    return job;
}

struct ccd_run_options jobs_run_options(const struct args *args, enum ccd_recheck recheck,
                                        struct progress *progress)
{
    struct ccd_run_options run = CCD_RUN_INIT;
    run.parallel_workers = args->parallel_workers;
    run.max_calls = args->max_calls;
    run.reserve_percent = args->reserve;
    run.recheck = recheck;
    run.lock_wait_s = args->lock_wait;
    run.wait_for_quota = args->wait;
    run.no_create = args->no_create;
    run.continue_on_error = args->continue_on_error;
    run.command = args->command->name;
    if (progress->mode != PROGRESS_NONE) {
        run.progress = progress_show;
        run.progress_user = progress;
    }
    return run;
}

/* This line is there whatever else is printed: a log of cron jobs may keep nothing more. */
static void complain_about(struct cli *cli, const struct ccd_report *report, int exit_code)
{
    struct buf line;
    buf_init(&line, OUTPUT_MAX_BYTES, NULL);
    causes_add_line(&line, report, exit_code);
    cli_complain(cli, line.failed ? cli_error_text(&report->error) : buf_str(&line).ptr);
    buf_release(&line);
}

static int print_report(struct cli *cli, const struct args *args, const struct ccd_report *report)
{
    int exit_code = signals_exit_code(report->exit_code);
    struct buf text;
    buf_init(&text, OUTPUT_MAX_BYTES, NULL);
    if (args->json)
        cli_report_add_json(&text, report, args->command->name, exit_code, args->dry_run);
    else if (args->dry_run)
        cli_report_add_plan(&text, report, exit_code, args->verbose);
    else if (!args->quiet || exit_code != 0)
        cli_report_add(&text, report, exit_code, args->verbose);
    int failed = cli_print(cli, &text);
    if (exit_code != 0)
        complain_about(cli, report, exit_code);
    return exit_code ? exit_code : failed;
}

void jobs_alert(struct client *client, const char *command, const struct ccd_job *jobs,
                size_t job_count, const struct ccd_report *report, const struct ccd_error *why)
{
    struct ccd_error err = {0};
    if (ccd_alerts_enabled(client->handle) &&
        ccd_alerts_after_run(client->handle, command, jobs, job_count, report, why, &err) != 0)
        log_sink_write(&client->log,
                       &(struct ccd_log_line){.level = CCD_LOG_WARNING, .text = err.message});
}

static int run(struct client *client, const struct args *args, const struct ccd_job *jobs,
               size_t job_count, enum ccd_recheck recheck, struct ccd_report **out_report,
               struct ccd_error *err)
{
    struct progress progress;
    progress_init(&progress, &client->console, args->progress, args->quiet);
    struct ccd_run_options how = jobs_run_options(args, recheck, &progress);
    struct exposure exposure = {0};
    if (!args->dry_run) {
        exposure_start(&exposure, client);
        exposure_watch(&exposure, &how);
    }
    signals_watch(client->handle);
    int status = args->dry_run ? ccd_plan(client->handle, jobs, job_count, &how, out_report, err)
                               : ccd_ingest(client->handle, jobs, job_count, &how, out_report, err);
    signals_unwatch();
    progress_end(&progress);
    if (!args->dry_run) {
        jobs_alert(client, how.command, jobs, job_count, status == 0 ? *out_report : NULL, err);
        exposure_refresh(&exposure);
    }
    exposure_stop(&exposure);
    return status;
}

int jobs_run(struct cli *cli, const struct args *args, const struct ccd_job *jobs, size_t job_count,
             enum ccd_recheck recheck)
{
    struct ccd_error err = {0};
    struct ccd_report *report = NULL;
    struct client client;
    int exit_code;
    if (cli_client_open(&client, cli, args, &err) == 0 &&
        run(&client, args, jobs, job_count, recheck, &report, &err) == 0)
        exit_code = print_report(cli, args, report);
    else
        exit_code = cli_fail(cli, args, &err);
    ccd_report_free(report);
    cli_client_close(&client);
    return exit_code;
}

int ingest_run(struct cli *cli, const struct args *args)
{
    const struct ccd_job job = jobs_from(args, args->command->name);
    return jobs_run(cli, args, &job, 1, CCD_RECHECK_DUE);
}
