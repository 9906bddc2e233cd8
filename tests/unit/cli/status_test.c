#include "cli/status.h"

#include <jansson.h>
#include <string.h>

#include "fake_ccdata.h"
#include "fake_stored.h"
#include "run.h"
#include "test.h"

enum { TEXT_MAX_BYTES = 1 << 20, NOW = 1767268800, DAY = 86400 };

static const struct ccd_stored_data DATA[] = {
    {.data_type = "spot_ohlcv",
     .interval = "1d",
     .series = 4,
     .rows = 1234,
     .first_ts = NOW - 400 * DAY - DAY / 2,
     .last_ts = NOW - DAY - DAY / 2,
     .wanted = 2000,
     .covered = 1999,
     .newest_final_age_s = DAY / 2,
     .series_behind = 1},
    {.data_type = "assets",
     .series = 1,
     .rows = 77,
     .newest_final_age_s = -1,
     .asked_utc_s = NOW - 3 * DAY},
};

static const struct ccd_stored_run RUNS[] = {
    {.run_id = "c", .command = "batch", .status = "running", .started_utc_s = NOW - 60},
    {.run_id = "b",
     .command = "spot_ohlcv",
     .status = "failed",
     .started_utc_s = NOW - 600,
     .ended_utc_s = NOW - 500,
     .exit_code = 6,
     .calls = 2,
     .metadata_calls = 1,
     .rows_fetched = 500,
     .rows_written = 500,
     .duration_ms = 4000,
     .error = "bad \033[2J reply"},
    {.run_id = "a",
     .command = "spot_ohlcv",
     .status = "complete",
     .started_utc_s = NOW - 2 * DAY,
     .ended_utc_s = NOW - 2 * DAY + 3,
     .rows_written = 1500,
     .duration_ms = 1000},
    {.run_id = "0", .command = "spot_ohlcv", .status = "running", .started_utc_s = NOW - 3 * DAY},
};

static const struct ccd_quota_window QUOTA[] = {
    {.window = "hour", .limit = 1000, .used = 10, .left = 990},
    {.window = "day", .limit = 0, .used = 10, .left = -1},
};

static const char *const REASONS[] = {"spot_ohlcv: it \033[31mfailed", "second"};

static void be_degraded(void)
{
    fake_reset();
    struct ccd_status_report *r = &fake_stored.status;
    r->system = "degraded";
    r->exit_code = 12;
    r->reasons = REASONS;
    r->reason_count = 2;
    r->database_exists = r->database_writable = true;
    r->schema_version = 3;
    r->active_runs = 1;
    r->data = DATA;
    r->data_count = 2;
    r->runs = RUNS;
    r->run_count = 4;
    r->quota = QUOTA;
    r->quota_count = 2;
}

static json_t *read_json(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    CHECK(root != NULL);
    return root;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "(none)";
}

TEST(status_without_a_terminal_is_json)
{
    static const char *const KEYS[] = {"timestamp",        "system", "components", "api_clients",
                                       "active_ingestors", "data",   "runs",       "quota"};
    fake_reset();
    struct outcome outcome = run_line("status");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("", outcome.err);
    json_t *root = read_json(outcome.out);
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++)
        CHECK(json_object_get(root, KEYS[i]) != NULL);
    CHECK_TEXT("complete", text_at(root, "status"));
    CHECK_TEXT("2026-01-01T12:00:00Z", text_at(root, "timestamp"));
    /* Nobody tried to write where there is nothing. */
    const json_t *database = json_object_get(json_object_get(root, "components"), "database");
    CHECK(json_is_null(json_object_get(database, "writable")));
    CHECK(json_object_get(root, "monitoring") == NULL);
    CHECK(json_object_get(root, "performance") == NULL);
    CHECK(json_object_get(root, "cache") == NULL);
    CHECK(!fake_stored.status_options.check_vendor);
    CHECK_INT(1, fake_stored.freed);
    json_decref(root);
    outcome_release(&outcome);
}

TEST(status_that_is_not_healthy_ends_with_12)
{
    be_degraded();
    struct outcome outcome = run_line("status --check");
    CHECK_INT(12, outcome.exit_code);
    CHECK(fake_stored.status_options.check_vendor);
    CHECK_TEXT("ccdata: degraded: spot_ohlcv: it ?[31mfailed (and 1 more reasons)\n", outcome.err);
    json_t *root = read_json(outcome.out);
    CHECK_TEXT("partial", text_at(root, "status"));
    CHECK_TEXT("degraded", text_at(root, "system"));
    CHECK_INT(12, json_integer_value(json_object_get(root, "exit_code")));
    const json_t *run = json_array_get(json_object_get(root, "runs"), 1);
    CHECK_TEXT("bad \033[2J reply", text_at(run, "error")); /* unharmed, and escaped in the text */
    CHECK(is_harmless(outcome.out));
    const json_t *hour = json_object_get(json_object_get(root, "quota"), "hour");
    const json_t *day = json_object_get(json_object_get(root, "quota"), "day");
    CHECK_INT(990, json_integer_value(json_object_get(hour, "left")));
    CHECK(json_is_null(json_object_get(day, "limit")));
    CHECK(json_is_null(json_object_get(day, "left")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(status_figures_are_those_of_the_recorded_runs)
{
    be_degraded();
    fake_stored.status.monitoring_enabled = fake_stored.status.caching_enabled = true;
    struct outcome outcome = run_line("status --enable_monitoring --enable_caching");
    json_t *root = read_json(outcome.out);
    const json_t *runs = json_object_get(json_object_get(root, "monitoring"), "runs");
    CHECK_INT(4, json_integer_value(json_object_get(runs, "recorded")));
    CHECK_INT(1, json_integer_value(json_object_get(runs, "complete")));
    CHECK_INT(1, json_integer_value(json_object_get(runs, "failed")));
    CHECK_INT(1, json_integer_value(json_object_get(runs, "in_progress")));
    CHECK_INT(1, json_integer_value(json_object_get(runs, "killed")));
    const json_t *performance = json_object_get(root, "performance");
    CHECK_INT(1, json_array_size(performance)); /* no batch has ended */
    const json_t *spot = json_array_get(performance, 0);
    CHECK_TEXT("spot_ohlcv", text_at(spot, "command"));
    CHECK_INT(2, json_integer_value(json_object_get(spot, "runs")));
    CHECK(json_number_value(json_object_get(spot, "success_rate")) == 0.5);
    CHECK(json_number_value(json_object_get(spot, "median_duration_seconds")) == 2.5);
    CHECK(json_number_value(json_object_get(spot, "rows_per_second")) == 400);
    const json_t *cache = json_object_get(root, "cache");
    CHECK(json_is_true(json_object_get(cache, "enabled")));
    CHECK(json_is_true(json_object_get(cache, "configured")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(status_table)
{
    be_degraded();
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    cli_status_add(&text, &fake_stored.status, false);
    CHECK_TEXT(
        "degraded (exit code 12)\n"
        "  spot_ohlcv: it \\x1b[31mfailed\n"
        "  second\n"
        "\n"
        "database  sqlite:ccdata.db: reachable, writable, schema 3\n"
        "vendor    https://data-api.coindesk.com:443: not asked (--check asks it)\n"
        "runs      1 in progress\n"
        "quota     hour 10 of 1000 used\n"
        "\n"
        "data        interval  series  rows  first       last        covered  behind  age         "
        "asked\n"
        "spot_ohlcv  1d             4  1234  2024-11-27  2025-12-31   99.9 %       1  12 h 0 min\n"
        "assets                          77                                                       "
        "2025-12-29T12:00:00Z\n"
        "\n"
        "last runs             command     status    took   calls  fetched  written\n"
        "2026-01-01T11:59:00Z  batch       running              0        0        0\n"
        "2026-01-01T11:50:00Z  spot_ohlcv  failed    4.0 s      3      500      500\n"
        "2025-12-30T12:00:00Z  spot_ohlcv  complete  1.0 s      0        0     1500\n"
        "2025-12-29T12:00:00Z  spot_ohlcv  running              0        0        0\n",
        text.data);
    buf_clear(&text);
    cli_status_add(&text, &fake_stored.status, true);
    CHECK(contains(text.data, "\033[33mdegraded\033[0m (exit"));
    buf_release(&text);
}

TEST(status_that_cannot_be_read)
{
    fake_reset();
    fake_stored.error = (struct ccd_error){.status = CCD_CONFIG, .message = "S2_USER is not set"};
    struct outcome outcome = run_line("status --json");
    CHECK_INT(2, outcome.exit_code);
    CHECK_TEXT("ccdata: S2_USER is not set\n", outcome.err);
    json_decref(read_json(outcome.out));
    outcome_release(&outcome);
}
