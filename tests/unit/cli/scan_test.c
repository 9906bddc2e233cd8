/* copy, diff and selftest on the command line. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "cli/progress.h"
#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    CHECK(root != NULL);
    return root;
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int int_at(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static bool refuses(const char *line, const char *message)
{
    fake_reset();
    struct outcome outcome = run_line(line);
    bool right = CHECK_INT(2, outcome.exit_code) && contains(outcome.err, message) &&
                 fake.opened == 0;
    outcome_release(&outcome);
    return right;
}

/* ---- arguments ---- */

TEST(copy_arguments_reach_the_library)
{
    static const char *const LINES[] = {
        "copy --from sqlite:a.db --to mysql://u@h/d spot_ohlcv futures_ohlcv --full --lock_wait 7 "
        "--no_create",
        "--to=mysql://u@h/d --from=sqlite:a.db copy spot_ohlcv --full futures_ohlcv --lock_wait=7 "
        "--no-create",
    };
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        fake_reset();
        struct outcome outcome = run_line(LINES[i]);
        CHECK_INT(0, outcome.exit_code);
        CHECK_TEXT("", outcome.err);
        CHECK_INT(1, fake.copied);
        CHECK_TEXT("sqlite:a.db mysql://u@h/d", fake.urls);
        CHECK_TEXT("spot_ohlcv futures_ohlcv", fake.types);
        CHECK(fake.copy.full && fake.copy.no_create);
        CHECK_INT(7, fake.copy.lock_wait_s);
        CHECK_INT(1, fake.closed);
        CHECK_INT(1, fake.reports_freed);
        outcome_release(&outcome);
    }
}

TEST(copy_defaults)
{
    fake_reset();
    struct outcome outcome = run_line("copy --from sqlite:a.db --to sqlite:b.db");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("", fake.types);
    CHECK(!fake.copy.full);
    CHECK_INT(-1, fake.copy.lock_wait_s);
    CHECK_INT(sizeof(struct ccd_copy_options), fake.copy.size);
    outcome_release(&outcome);
}

TEST(diff_arguments_reach_the_library)
{
    fake_reset();
    struct outcome outcome = run_line("diff sqlite:a.db postgres://u@h/d spot_ohlcv");
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(1, fake.compared);
    CHECK_TEXT("sqlite:a.db postgres://u@h/d", fake.urls);
    CHECK_TEXT("spot_ohlcv", fake.types);
    CHECK_INT(-1, fake.diff.max_differences);
    outcome_release(&outcome);
}

TEST(selftest_arguments_reach_the_library)
{
    fake_reset();
    struct outcome outcome = run_line("selftest --database sqlite:a.db --no_create");
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(1, fake.tested);
    CHECK(fake.selftest.no_create);
    CHECK_TEXT("CCDATA_DATABASE_URL=sqlite:a.db\n", fake.settings);
    outcome_release(&outcome);
}

TEST(scan_mistakes_are_named)
{
    CHECK(refuses("copy", "copy needs --from URL and --to URL"));
    CHECK(refuses("copy --from sqlite:a.db", "copy needs --from URL and --to URL"));
    CHECK(refuses("copy --from", "--from needs a value: the URL of a database"));
    CHECK(refuses("copy --from sqlite:a --to sqlite:b --database sqlite:c", "not --database"));
    CHECK(refuses("diff sqlite:a.db", "diff needs two database URLs"));
    CHECK(refuses("diff sqlite:a.db sqlite:b.db --database sqlite:c", "not --database"));
    CHECK(refuses("selftest sqlite:a.db", "selftest does not take 'sqlite:a.db'"));
    CHECK(refuses("diff a b --from 2024-01-01", "diff does not take --from"));
    CHECK(refuses("spot_ohlcv --full", "spot_ohlcv does not take --full; it belongs to copy"));
    /* A time stays a time, wherever the command stands. */
    CHECK(refuses("spot_ohlcv --from sqlite:a.db", "'sqlite:a.db' is not a date or date-time"));
    CHECK(refuses("--from sqlite:a.db spot_ohlcv", "'sqlite:a.db' is not a date or date-time"));
}

TEST(scan_errors_without_a_report)
{
    static const char *const LINES[] = {"copy --from a --to b", "diff a b", "selftest"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        fake_reset();
        error_set(&fake.run_error, CCD_DATABASE_UNREACHABLE, "nobody listens there");
        struct outcome outcome = run_line(LINES[i]);
        CHECK_INT(8, outcome.exit_code);
        CHECK_TEXT("ccdata: nobody listens there\n", outcome.err);
        CHECK_TEXT("", outcome.out);
        CHECK_INT(1, fake.closed);
        CHECK_INT(0, fake.reports_freed);
        outcome_release(&outcome);
    }
}

TEST(scan_signals_stop_the_client)
{
    static const char *const LINES[] = {"copy --from a --to b --json", "diff a b --json",
                                        "selftest --json"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        fake_reset();
        fake.raise[0] = SIGTERM;
        fake.copy_report.status = fake.diff_report.status = "interrupted";
        fake.selftest_report.status = "interrupted";
        fake.copy_report.exit_code = fake.diff_report.exit_code = 130;
        fake.selftest_report.exit_code = 130;
        struct outcome outcome = run_line(LINES[i]);
        CHECK_INT(143, outcome.exit_code);
        CHECK_INT(1, fake.stops);
        CHECK(contains(outcome.out, "\"exit_code\": 143"));
        outcome_release(&outcome);
    }
}

/* ---- copy ---- */

static const struct ccd_copy_part PARTS[] = {
    {.data_type = "spot_ohlcv",
     .interval = "1d",
     .series = 3,
     .rows_read = 1200,
     .rows_written = 1000,
     .chunks_copied = 3,
     .chunks_skipped = 2},
    {.data_type = "spot_instruments", .series = 1, .rows_read = 70, .chunks_copied = 1},
};

static void tell_copy(void)
{
    fake_reset();
    fake.copy_report.parts = PARTS;
    fake.copy_report.part_count = 2;
    fake.copy_report.total = (struct ccd_copy_part){.series = 4,
                                                    .rows_read = 1270,
                                                    .rows_written = 1000,
                                                    .chunks_copied = 4,
                                                    .chunks_skipped = 2};
    fake.copy_report.duration_ms = 2000;
}

TEST(copy_report_as_text)
{
    tell_copy();
    struct outcome outcome = run_line("copy --from a --to b");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("from sqlite:a.db to sqlite:b.db\n"
               "\n"
               "data type         interval  series  rows read  rows written  chunks copied  "
               "already there\n"
               "spot_ohlcv        1d             3       1200          1000              3         "
               "     2\n"
               "spot_instruments  -              1         70             0              1         "
               "     0\n"
               "\n"
               "complete: 1270 rows read, 1000 written, 2.0 s, 635 rows/s\n",
               outcome.out);
    outcome_release(&outcome);
}

TEST(copy_report_of_a_failure)
{
    tell_copy();
    fake.copy_report.status = "partial";
    fake.copy_report.exit_code = 8;
    error_set(&fake.copy_report.error, CCD_DATABASE_UNREACHABLE, "the server went away");
    struct outcome outcome = run_line("copy --from a --to b -q");
    CHECK_INT(8, outcome.exit_code);
    CHECK_TEXT("ccdata: the server went away\n", outcome.err);
    CHECK(contains(outcome.out, "partial (exit code 8): 1270 rows read"));
    outcome_release(&outcome);
}

TEST(copy_report_as_json)
{
    tell_copy();
    struct outcome outcome = run_line("copy --from a --to b --json");
    json_t *root = parse(outcome.out);
    CHECK_TEXT("copy", text_at(root, "command"));
    CHECK_TEXT("complete", text_at(root, "status"));
    CHECK_TEXT("sqlite:b.db", text_at(root, "to"));
    json_t *parts = json_object_get(root, "parts");
    CHECK_INT(2, json_array_size(parts));
    CHECK_INT(1200, int_at(json_array_get(parts, 0), "rows_read"));
    CHECK(json_is_null(json_object_get(json_array_get(parts, 1), "interval")));
    CHECK_INT(2, int_at(json_object_get(root, "totals"), "chunks_skipped"));
    CHECK(json_is_null(json_object_get(root, "error")));
    json_decref(root);
    outcome_release(&outcome);
}

/* ---- diff ---- */

static const struct ccd_difference DIFFERENCES[] = {
    {.kind = CCD_DIFFERENT_ROWS,
     .data_type = "spot_ohlcv",
     .market = "kraken",
     .instrument = "XXBTZUSD",
     .interval = "1d",
     .month = "2024-03",
     .left_count = 31,
     .right_count = 30},
    {.kind = CCD_DIFFERENT_INSTRUMENTS,
     .data_type = "spot_instruments",
     .market = "kra\033ken",
     .left_count = 7,
     .right_count = 9},
};

static void tell_diff(void)
{
    fake_reset();
    fake.diff_report.differences = DIFFERENCES;
    fake.diff_report.difference_count = 2;
    fake.diff_report.differences_found = 12;
    fake.diff_report.series = 4;
    fake.diff_report.months = 40;
    fake.diff_report.rows = 2400;
    fake.diff_report.status = "failed";
    fake.diff_report.exit_code = 12;
    error_set(&fake.diff_report.error, CCD_CHECK_FAILED, "they differ in 12 places");
}

TEST(diff_report_as_text)
{
    tell_diff();
    struct outcome outcome = run_line("diff a b");
    CHECK_INT(12, outcome.exit_code);
    CHECK_TEXT("ccdata: they differ in 12 places\n", outcome.err);
    CHECK_TEXT(
        "first  sqlite:a.db\n"
        "second sqlite:b.db\n"
        "\n"
        "what         data type         market      instrument  interval  month    first  second\n"
        "rows         spot_ohlcv        kraken      XXBTZUSD    1d        2024-03     31      30\n"
        "instruments  spot_instruments  kra\\x1bken                                     7       9\n"
        "and 10 more\n"
        "\n"
        "different (exit code 12): 12 differences; compared 4 series, 40 months, 2400 rows, 0.0 "
        "s\n",
        outcome.out);
    CHECK(is_harmless(outcome.out));
    outcome_release(&outcome);
}

TEST(diff_report_of_equals)
{
    fake_reset();
    struct outcome outcome = run_line("diff a b");
    CHECK_INT(0, outcome.exit_code);
    CHECK(contains(outcome.out, "\nequal: 0 differences; compared"));
    outcome_release(&outcome);
    outcome = run_line("diff a b -q");
    CHECK_TEXT("", outcome.out);
    outcome_release(&outcome);
}

TEST(diff_report_as_json)
{
    tell_diff();
    struct outcome outcome = run_line("diff a b --json");
    json_t *root = parse(outcome.out);
    CHECK_INT(12, int_at(root, "exit_code"));
    CHECK(json_is_false(json_object_get(root, "equal")));
    json_t *list = json_object_get(root, "differences");
    CHECK_INT(2, json_array_size(list));
    CHECK_TEXT("2024-03", text_at(json_array_get(list, 0), "month"));
    CHECK(json_is_null(json_object_get(json_array_get(list, 1), "month")));
    CHECK_INT(12, int_at(json_object_get(root, "totals"), "differences"));
    CHECK_TEXT("CHECK_FAILED", text_at(json_object_get(root, "error"), "status"));
    json_decref(root);
    outcome_release(&outcome);
}

/* ---- selftest ---- */

static const struct ccd_selftest_step STEPS[] = {
    {"write", "rows are written", CCD_STEP_OK, 50000, 500000, ""},
    {"read", "values read back", CCD_STEP_FAILED, 5000, 1000, "column high differs"},
    {"replay", "nothing twice", CCD_STEP_SKIPPED, 0, 0, ""},
};

static void tell_selftest(void)
{
    fake_reset();
    fake.selftest_report.steps = STEPS;
    fake.selftest_report.step_count = 3;
    fake.selftest_report.status = "failed";
    fake.selftest_report.exit_code = 12;
    error_set(&fake.selftest_report.error, CCD_CHECK_FAILED, "read: column high differs");
}

TEST(selftest_report_as_text)
{
    tell_selftest();
    struct outcome outcome = run_line("selftest");
    CHECK_INT(12, outcome.exit_code);
    CHECK_TEXT("ccdata: read: column high differs\n", outcome.err);
    CHECK_TEXT("sqlite:a.db\n"
               "\n"
               "step    result    rows  rows/s\n"
               "write   ok       50000  100000  rows are written\n"
               "read    failed                  column high differs\n"
               "replay  skipped                 nothing twice\n"
               "\n"
               "failed (exit code 12), 0.0 s\n",
               outcome.out);
    outcome_release(&outcome);
}

TEST(selftest_report_as_json)
{
    tell_selftest();
    struct outcome outcome = run_line("selftest --json");
    json_t *root = parse(outcome.out);
    json_t *steps = json_object_get(root, "steps");
    CHECK_INT(3, json_array_size(steps));
    CHECK_TEXT("ok", text_at(json_array_get(steps, 0), "state"));
    CHECK_TEXT("column high differs", text_at(json_array_get(steps, 1), "message"));
    CHECK(json_is_null(json_object_get(json_array_get(steps, 2), "message")));
    json_decref(root);
    outcome_release(&outcome);
}

/* ---- progress ---- */

TEST(scan_progress_as_lines)
{
    static const struct ccd_scan_progress MOMENTS[] = {
        {.elapsed_ms = 100},
        {.parts_total = 30, .parts_done = 3, .rows = 50000, .elapsed_ms = 5000},
        {.parts_total = 30, .parts_done = 6, .rows = 90000, .elapsed_ms = 5200},
    };
    fake_reset();
    fake.scan_progress = MOMENTS;
    fake.scan_progress_count = 3;
    struct outcome outcome = run_line("copy --from a --to b --progress log");
    CHECK(contains(outcome.err, " 10% of 30 series by interval, 50000 rows, 10000 rows/s\n"));
    CHECK(strstr(outcome.err, "20%") == NULL);
    outcome_release(&outcome);
    outcome = run_line("diff a b --progress none");
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
}
