#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "fake_ccdata.h"
#include "reports.h"
#include "run.h"
#include "test.h"

enum { TEXT_MAX_BYTES = 1 << 16 };

TEST(run_errors_without_a_report_have_their_exit_code)
{
    for (int i = CCD_OK + 1; i < CCD_STATUS_COUNT; i++) {
        enum ccd_status status = (enum ccd_status)i;
        fake_reset();
        error_set(&fake.run_error, status, "the cause; the next step");
        struct outcome outcome = run_line("spot_ohlcv");
        CHECK_INT(ccd_status_exit_code(status), outcome.exit_code);
        CHECK_TEXT("ccdata: the cause; the next step\n", outcome.err);
        CHECK_TEXT("", outcome.out);
        CHECK_INT(1, fake.closed);
        outcome_release(&outcome);
    }
}

TEST(run_reports_are_freed_and_clients_closed)
{
    fake_reset();
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK_INT(1, fake.opened);
    CHECK_INT(1, fake.closed);
    CHECK_INT(1, fake.reports_freed);
    outcome_release(&outcome);
    fake_reset();
    error_set(&fake.open_error, CCD_CONFIG, "bad");
    outcome = run_line("spot_ohlcv");
    CHECK_INT(2, outcome.exit_code);
    CHECK_INT(0, fake.closed);
    outcome_release(&outcome);
}

TEST(run_quiet_prints_only_what_needs_attention)
{
    fake_reset();
    struct outcome outcome = run_line("spot_ohlcv -q");
    CHECK_TEXT("", outcome.out);
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
    fake.report = partial_report();
    outcome = run_line("spot_ohlcv -q");
    CHECK(contains(outcome.out, "why it is not complete"));
    outcome_release(&outcome);
}

static void check_signals(int first, int second, int stops, int exit_code)
{
    fake_reset();
    fake.raise[0] = first;
    fake.raise[1] = second;
    fake.report.status = "interrupted";
    fake.report.exit_code = 130;
    error_set(&fake.report.error, CCD_INTERRUPTED, "stopped");
    struct outcome outcome = run_line("spot_ohlcv --json");
    CHECK_INT(exit_code, outcome.exit_code);
    CHECK_INT(stops, fake.stops);
    char part[32];
    str_print(part, sizeof part, "\"exit_code\": %d,", exit_code);
    CHECK(contains(outcome.out, part));
    outcome_release(&outcome);
}

TEST(run_signals_stop_the_client)
{
    check_signals(SIGINT, 0, 1, 130);
    check_signals(SIGTERM, 0, 1, 143);
    check_signals(SIGTERM, SIGTERM, 2, 143);
    check_signals(SIGINT, SIGTERM, 2, 130);
    struct sigaction action;
    sigaction(SIGINT, NULL, &action);
    CHECK(action.sa_handler == SIG_DFL);
    sigaction(SIGTERM, NULL, &action);
    CHECK(action.sa_handler == SIG_DFL);
}

TEST(run_a_signal_after_the_last_call_changes_nothing)
{
    fake_reset();
    fake.raise[0] = SIGTERM;
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK_INT(0, outcome.exit_code);
    outcome_release(&outcome);
}

TEST(run_an_interrupted_start)
{
    fake_reset();
    fake.raise[0] = SIGTERM;
    error_set(&fake.run_error, CCD_INTERRUPTED, "stopped before the first call");
    struct outcome outcome = run_line("spot_ohlcv --json");
    CHECK_INT(143, outcome.exit_code);
    CHECK(contains(outcome.out, "\"status\": \"interrupted\""));
    outcome_release(&outcome);
}

TEST(run_ignored_signals_stay_ignored)
{
    signal(SIGINT, SIG_IGN);
    check_signals(SIGINT, 0, 0, 130);
    struct sigaction action;
    sigaction(SIGINT, NULL, &action);
    CHECK(action.sa_handler == SIG_IGN);
    signal(SIGINT, SIG_DFL);
}

/* What `line` leaves on stderr when a line of each level is logged while opening and while running.
 */
static char *logged(const char *line, const char *log_level)
{
    fake_reset();
    fake.log_level = log_level;
    fake.open_lines[0] = (struct fake_line){CCD_LOG_DEBUG, "od"};
    fake.open_lines[1] = (struct fake_line){CCD_LOG_WARNING, "ow"};
    fake.open_lines[2] = (struct fake_line){CCD_LOG_ERROR, "oe"};
    fake.run_lines[0] = (struct fake_line){CCD_LOG_DEBUG, "rd"};
    fake.run_lines[1] = (struct fake_line){CCD_LOG_INFO, "ri"};
    fake.run_lines[2] = (struct fake_line){CCD_LOG_WARNING, "rw"};
    fake.run_lines[3] = (struct fake_line){CCD_LOG_ERROR, "re"};
    struct outcome outcome = run_line(line);
    free(outcome.out);
    return outcome.err;
}

static void check_log(const char *line, const char *log_level, const char *expected)
{
    char *text = logged(line, log_level);
    char words[256] = "";
    struct str rest = str_from(text);
    while (rest.len > 0) {
        struct str one = str_split(&rest, '\n');
        CHECK(one.len > 21 && one.ptr[10] == 'T' && one.ptr[19] == 'Z' && one.ptr[20] == ' ');
        size_t len = strlen(words);
        str_print(words + len, sizeof words - len, STR_FMT ";", (int)one.len - 21, one.ptr + 21);
    }
    CHECK_TEXT(expected, words);
    free(text);
}

TEST(run_log_lines_are_filtered)
{
    check_log("spot_ohlcv", NULL, "WARNING ow;ERROR oe;INFO ri;WARNING rw;ERROR re;");
    check_log("spot_ohlcv", "warning", "WARNING ow;ERROR oe;WARNING rw;ERROR re;");
    check_log("spot_ohlcv", "DEBUG",
              "DEBUG od;WARNING ow;ERROR oe;DEBUG rd;INFO ri;WARNING rw;ERROR re;");
    check_log("spot_ohlcv -v", "ERROR",
              "DEBUG od;WARNING ow;ERROR oe;DEBUG rd;INFO ri;WARNING rw;ERROR re;");
    check_log("spot_ohlcv -q", "DEBUG", "ERROR oe;ERROR re;");
}

TEST(run_log_lines_of_a_failed_start_are_printed)
{
    fake_reset();
    fake.open_lines[0] = (struct fake_line){CCD_LOG_WARNING, ".env:2: unknown name"};
    error_set(&fake.open_error, CCD_CONFIG, ".env:3: not a number");
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK(contains(outcome.err, "WARNING .env:2: unknown name\nccdata: .env:3: not a number\n"));
    outcome_release(&outcome);
}

static const struct ccd_progress PROGRESS[] = {
    {.series_total = 3, .elapsed_ms = 1000, .eta_s = -1},
    {.series_total = 3,
     .calls_planned = 200,
     .calls_done = 50,
     .rows_written = 6000,
     .elapsed_ms = 6000,
     .eta_s = 75},
    {.calls_planned = 200, .calls_done = 51, .elapsed_ms = 7000, .eta_s = 74},
    {.calls_planned = 200,
     .calls_done = 90,
     .rows_written = 16000,
     .elapsed_ms = 11000,
     .eta_s = 60,
     .waiting_ms = 12000,
     .waiting_for = "quota of the minute"},
};

TEST(progress_lines_every_five_seconds)
{
    fake_reset();
    fake.progress = PROGRESS;
    fake.progress_count = sizeof PROGRESS / sizeof PROGRESS[0];
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK(contains(outcome.err, " INFO  25% of 200 calls, 1000 rows/s, ETA 1 min 15 s\n"));
    CHECK(contains(outcome.err,
                   " INFO  45% of 200 calls, 2000 rows/s, ETA 1 min 0 s, waiting 12 s: "
                   "quota of the minute\n"));
    size_t lines = 0;
    for (const char *at = outcome.err; (at = strchr(at, '\n')); at++) {
        lines++;
    }
    CHECK_INT(2, lines);
    outcome_release(&outcome);
    outcome = run_line("spot_ohlcv --progress none");
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
    outcome = run_line("spot_ohlcv -q");
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
}

TEST(progress_bar_gives_way_to_lines_and_is_gone_at_the_end)
{
    fake_reset();
    fake.progress = PROGRESS;
    fake.progress_count = 2;
    fake.run_lines[0] = (struct fake_line){CCD_LOG_ERROR, "trouble"};
    struct outcome outcome = run_line("spot_ohlcv --progress bar");
    CHECK(contains(outcome.err, "\r\033[K[#######..."));
    CHECK(contains(outcome.err, "15 s\r\033[K2"));
    CHECK(contains(outcome.err, " ERROR trouble\n"));
    outcome_release(&outcome);
    fake.run_lines[0].text = NULL;
    outcome = run_line("spot_ohlcv --progress bar");
    CHECK(contains(outcome.err, "15 s\r\033[K"));
    CHECK(strcmp(outcome.err + strlen(outcome.err) - 4, "\r\033[K") == 0);
    outcome_release(&outcome);
}

TEST(progress_bar_fits_any_width)
{
    struct ccd_progress now = PROGRESS[3];
    now.waiting_for = "qu\xC3\xB6ta\033[31m";
    for (size_t width = 0; width < 200; width++) {
        struct buf text;
        buf_init(&text, TEXT_MAX_BYTES, NULL);
        progress_add_bar(&text, &now, 1000, width);
        CHECK(term_width(buf_str(&text)) <= width);
        CHECK(str_is_utf8(buf_str(&text)) && is_harmless(buf_str(&text).ptr));
        buf_release(&text);
    }
}

TEST(run_a_full_device_is_noticed)
{
    FILE *full = fopen("/dev/full", "w");
    if (!full) {
        SKIP("no /dev/full");
    }
    char *err = NULL;
    size_t err_len;
    struct cli cli = {.out = full, .err = open_memstream(&err, &err_len)};
    char name[] = "ccdata";
    char command[] = "types";
    char *argv[] = {name, command, NULL};
    fake_reset();
    CHECK_INT(10, cli_main(&cli, 2, argv));
    fclose(cli.err);
    CHECK(contains(err, "ccdata: cannot write to the standard output: No space left on device"));
    free(err);
    fclose(full);
}
