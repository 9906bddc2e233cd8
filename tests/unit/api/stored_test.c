/* Status, coverage and lists of a database that a test makes up: the figures and the rules. */
#include <stdlib.h>
#include <string.h>

#include <ccdata/ccdata.h>

#include "base/str.h"
#include "base/time.h"
#include "stored.h"
#include "test.h"

enum { DAY = 86400, SETTLE = 360 };

static int64_t now(void)
{
    return time_from_civil(2026, 3, 1, 12, 0, 0);
}

static int64_t day(int from_today)
{
    return time_floor(now(), DAY) + (int64_t)from_today * DAY;
}

static struct ccd_client *open_client(void)
{
    static const char *const settings[] = {"CCDATA_NOW=2026-03-01T12:00:00Z",
                                           "CCDATA_DATABASE_URL=sqlite:made-up.db"};
    struct ccd_client *client = NULL;
    struct ccd_error err = {0};
    const struct ccd_options options = {
        .size = sizeof(options), .settings = settings, .setting_count = 2};
    unsetenv("CCDATA_API_KEY");
    CHECK_INT(0, ccd_open(&options, &client, &err));
    CHECK_TEXT("", err.message);
    return client;
}

/* ---- status ---- */

static struct ccd_status_report *read_status(int64_t run_limit)
{
    struct ccd_client *client = open_client();
    struct ccd_status_report *report = NULL;
    struct ccd_error err = {0};
    struct ccd_status_options options = CCD_STATUS_INIT;
    options.run_limit = run_limit;
    CHECK_INT(0, ccd_status_read(client, &options, &report, &err));
    CHECK_TEXT("", err.message);
    ccd_close(client);
    return report;
}

/* Whether the system is so, and the first reason says that; NULL: there is none. */
static bool is_judged(const char *system, const char *reason)
{
    struct ccd_status_report *report = read_status(-1);
    bool so = CHECK_TEXT(system, report->system);
    so &= CHECK_INT(strcmp(system, "healthy") == 0 ? 0 : 12, report->exit_code);
    so &= CHECK_INT(reason != NULL, report->reason_count);
    if (report->reason_count > 0 && reason && !strstr(report->reasons[0], reason))
        so &= CHECK_TEXT(reason, report->reasons[0]);
    ccd_status_free(report);
    return so;
}

static void add_run(const char *command, const char *status, int64_t started_utc_s, bool ended)
{
    stored.runs[stored.run_count++] = (struct store_run){
        .run_id = "r",
        .command = command,
        .status = status,
        .started_utc_s = started_utc_s,
        .ended_utc_s = ended ? started_utc_s + 5 : 0,
        .exit_code = strcmp(status, "failed") == 0 ? 6 : 0,
    };
}

TEST(status_of_nothing_is_healthy)
{
    stored_reset();
    stored.schema_version = 0;
    CHECK(is_judged("healthy", NULL));
    CHECK_INT(0, stored.writes_tried);
    CHECK_INT(1, stored.closed);
    struct ccd_status_report *report = read_status(-1);
    CHECK(!report->database_exists && report->database_reachable && !report->database_writable);
    CHECK_INT(0, report->data_count);
    CHECK_INT(2, report->api_clients);
    CHECK_INT(0, report->quota_count); /* no key, no ledger */
    ccd_status_free(report);
}

TEST(status_of_a_database_that_cannot_be_used_is_critical)
{
    static const struct {
        enum ccd_status open, read, write;
        const char *reason;
    } cases[] = {
        {CCD_DATABASE_UNREACHABLE, 0, 0, "the database cannot be reached: told to fail"},
        {CCD_DATABASE_SCHEMA, 0, 0, "the database cannot be used: told to fail"},
        {CCD_DATABASE_PERMISSION, 0, 0, "the database cannot be used: told to fail"},
        {0, 0, CCD_DATABASE_PERMISSION, "the database cannot be written: told to fail"},
        {0, 0, CCD_DISK, "the database cannot be written: told to fail"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        stored_reset();
        stored.open_status = cases[i].open;
        stored.write_status = cases[i].write;
        CHECK(is_judged("critical", cases[i].reason));
    }
    stored_reset();
    stored.read_status = CCD_DATABASE_UNREACHABLE; /* lost in the middle */
    CHECK(is_judged("critical", "told to fail"));
    stored_reset();
    stored.write_status = CCD_DATABASE_BUSY; /* somebody else writes, so it can be written */
    CHECK(is_judged("healthy", NULL));
    stored_reset();
    CHECK(is_judged("healthy", NULL));
    CHECK_INT(0, stored.opened_for_writing);
    CHECK_INT(1, stored.writes_tried);
    CHECK_INT(1, stored.closed);
}

TEST(status_of_an_older_schema_is_healthy)
{
    stored_reset();
    stored.schema_version = STORE_SCHEMA_VERSION - 1;
    stored_cover(stored_add_series("kraken", "A", "A"), DAY, day(-10), day(0), COVERAGE_STORED);
    CHECK(is_judged("healthy", NULL));
    struct ccd_status_report *report = read_status(-1);
    CHECK_INT(STORE_SCHEMA_VERSION - 1, report->schema_version);
    CHECK_INT(1, report->data_count);
    CHECK_INT(0, stored.opened_for_writing);
    ccd_status_free(report);
}

TEST(status_without_memory_or_with_wrong_settings_is_an_error)
{
    struct ccd_client *client = open_client();
    struct ccd_status_report *report = NULL;
    struct ccd_error err = {0};
    stored_reset();
    stored.open_status = CCD_USAGE;
    CHECK_INT(CCD_USAGE, ccd_status_read(client, NULL, &report, &err));
    CHECK(report == NULL);
    stored.open_status = CCD_OK;
    stored.read_status = CCD_NO_MEMORY;
    CHECK_INT(CCD_NO_MEMORY, ccd_status_read(client, NULL, &report, &err));
    ccd_close(client);
}

TEST(status_counts_periods_by_the_coverage)
{
    stored_reset();
    const struct series_names *a = stored_add_series("kraken", "A", "A");
    const struct series_names *b = stored_add_series("kraken", "B", "B");
    stored_cover(a, DAY, day(-5000), day(-100), COVERAGE_BEFORE_START);
    stored_cover(a, DAY, day(-100), day(-50), COVERAGE_STORED);
    stored_cover(a, DAY, day(-60), day(-40), COVERAGE_STORED); /* overlaps */
    stored_cover(a, DAY, day(-30), day(-20), COVERAGE_EMPTY);
    stored_cover(a, DAY, day(-20), day(-19), COVERAGE_REJECTED);
    stored_cover(a, DAY, day(-19), day(0), COVERAGE_STORED);
    stored_cover(b, DAY, day(-200), day(-190), COVERAGE_STORED); /* ended long ago */
    stored_cover(b, DAY, day(-190), day(0), COVERAGE_AFTER_END);
    struct ccd_status_report *report = read_status(-1);
    CHECK_TEXT("healthy", report->system);
    if (!CHECK_INT(1, report->data_count))
        return;
    const struct ccd_stored_data *data = &report->data[0];
    CHECK_TEXT("spot_ohlcv", data->data_type);
    CHECK_TEXT("1d", data->interval);
    CHECK_INT(2, data->series);
    CHECK_INT(60 + 19 + 10, data->rows);
    CHECK_INT(day(-200), data->first_ts);
    CHECK_INT(day(-1), data->last_ts);
    CHECK_INT(100 + 10, data->wanted);
    CHECK_INT(60 + 10 + 19 + 10, data->covered);
    CHECK_INT(0, data->series_behind);
    CHECK_INT(DAY / 2, data->newest_final_age_s);
    ccd_status_free(report);
}

TEST(status_series_behind)
{
    stored_reset();
    const struct series_names *a = stored_add_series("kraken", "A", "A");
    stored_cover(a, 3600, now() - 20 * 3600, now() - 2 * 3600, COVERAGE_STORED);
    CHECK(is_judged("healthy", NULL)); /* two periods: SETTLE seconds are left */
    stored.segments[0].segment.to_ts -= 3600;
    CHECK(is_judged("degraded", "spot_ohlcv 1h: 1 of 1 series are behind"));
    /* Nothing was traded since, and we asked. */
    stored_cover(a, 3600, now() - 3 * 3600, now() - 3600, COVERAGE_EMPTY);
    CHECK(is_judged("healthy", NULL));
}

TEST(status_of_coverage_that_makes_no_sense)
{
    stored_reset();
    const struct series_names *a = stored_add_series("kraken", "A", "A");
    stored_cover(a, DAY, INT64_MIN, INT64_MAX, COVERAGE_STORED);
    stored_cover(a, DAY, 5, 3, COVERAGE_STORED);
    struct ccd_status_report *report = read_status(-1);
    CHECK_INT(1, report->data_count);
    CHECK(report->data[0].rows > 0 && report->data[0].covered <= report->data[0].wanted);
    ccd_status_free(report);
}

TEST(status_last_run_of_each_command)
{
    stored_reset();
    add_run("batch", "complete", now() - 10, true);
    add_run("spot_ohlcv", "complete", now() - 60, true);
    add_run("spot_ohlcv", "failed", now() - 600, true); /* mended since */
    add_run("batch", "running", now() - 3 * DAY, false);
    CHECK(is_judged("healthy", NULL));
    add_run("futures_ohlcv", "interrupted", now() - 700, true);
    add_run("asset_metadata", "running", now() - DAY, false);
    CHECK(is_judged("healthy", NULL));
    struct ccd_status_report *report = read_status(2);
    CHECK_INT(2, report->run_count);
    CHECK_TEXT("spot_ohlcv", report->runs[1].command);
    CHECK_INT(1, report->active_runs);
    ccd_status_free(report);
}

TEST(status_runs_that_did_not_go_well)
{
    stored_reset();
    add_run("spot_ohlcv", "failed", now() - 60, true);
    stored.runs[0].error = "the vendor was away";
    CHECK(is_judged("degraded", "spot_ohlcv: the last run, begun at 2026-03-01T11:59:00Z, was "
                                "failed (exit code 6): the vendor was away"));
    stored.runs[0].status = "partial";
    CHECK(is_judged("degraded", "was partial"));
    stored_reset();
    add_run("spot_ohlcv", "running", now() - DAY - 1, false);
    CHECK(is_judged("degraded", "never ended: it was killed"));
    char longest[9000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    stored.runs[0] = (struct store_run){.run_id = "r",
                                        .command = longest,
                                        .status = "failed",
                                        .started_utc_s = now(),
                                        .ended_utc_s = now(),
                                        .error = longest};
    CHECK(is_judged("degraded", "xxx"));
}

TEST(status_metadata_lists)
{
    stored_reset();
    stored.markets[0] = "kraken";
    stored.markets[1] = "binance";
    stored.market_count = 2;
    stored.instrument_count = 7;
    stored.asked_utc_s = now() - DAY;
    struct ccd_status_report *report = read_status(-1);
    if (!CHECK_INT(1, report->data_count))
        return;
    CHECK_TEXT("spot_instruments", report->data[0].data_type);
    CHECK(report->data[0].interval == NULL);
    CHECK_INT(14, report->data[0].rows);
    CHECK_INT(now() - DAY, report->data[0].asked_utc_s);
    ccd_status_free(report);
}

/* ---- coverage ---- */

static struct ccd_coverage_report *read_coverage(const struct ccd_job *job)
{
    struct ccd_client *client = open_client();
    struct ccd_coverage_report *report = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, ccd_coverage_read(client, job, &report, &err));
    CHECK_TEXT("", err.message);
    ccd_close(client);
    return report;
}

static bool is_range(const struct ccd_range *range, int64_t from_ts, int64_t to_ts,
                     enum ccd_range_state state)
{
    return CHECK_INT(from_ts, range->from_ts) && CHECK_INT(to_ts, range->to_ts) &&
           CHECK_TEXT(ccd_range_state_name(state), ccd_range_state_name(range->state));
}

static struct ccd_job job_of_days(void)
{
    struct ccd_job job = CCD_JOB_INIT;
    job.data_type = "spot_ohlcv";
    job.market = "kraken";
    return job;
}

TEST(coverage_is_cut_and_completed)
{
    stored_reset();
    const struct series_names *a = stored_add_series("kraken", "XXBT", "BTC-USD");
    stored_cover(a, DAY, day(-5000), day(-100), COVERAGE_BEFORE_START);
    stored_cover(a, DAY, day(-100), day(-50), COVERAGE_STORED);
    stored_cover(a, DAY, day(-50), day(-40), COVERAGE_STORED);
    stored_cover(a, DAY, day(-30), day(-20), COVERAGE_EMPTY);
    struct ccd_job job = job_of_days();
    struct ccd_coverage_report *report = read_coverage(&job);
    if (!CHECK_INT(1, report->series_count) || !CHECK_INT(4, report->series[0].range_count))
        return;
    const struct ccd_covered_series *s = &report->series[0];
    CHECK_TEXT("BTC-USD", s->mapped_instrument);
    CHECK(is_range(&s->ranges[0], day(-100), day(-40), CCD_RANGE_STORED));
    CHECK(is_range(&s->ranges[1], day(-40), day(-30), CCD_RANGE_MISSING));
    CHECK(is_range(&s->ranges[2], day(-30), day(-20), CCD_RANGE_EMPTY));
    CHECK(is_range(&s->ranges[3], day(-20), day(0), CCD_RANGE_MISSING));
    CHECK_INT(60, s->periods[CCD_RANGE_STORED]);
    CHECK_INT(30, s->periods[CCD_RANGE_MISSING]);
    ccd_coverage_free(report);
    job.from = "2025-11-01";
    job.to = "2026-01-09"; /* the whole of that day */
    report = read_coverage(&job);
    s = &report->series[0];
    int64_t from_ts = time_from_civil(2025, 11, 1, 0, 0, 0);
    int64_t to_ts = time_from_civil(2026, 1, 10, 0, 0, 0);
    if (CHECK_INT(2, s->range_count)) {
        CHECK(is_range(&s->ranges[0], from_ts, day(-100), CCD_RANGE_BEFORE_START));
        CHECK(is_range(&s->ranges[1], day(-100), to_ts, CCD_RANGE_STORED));
    }
    ccd_coverage_free(report);
}

/* Between any two neighbours there is neither gap nor overlap, and neighbours differ. */
TEST(coverage_ranges_have_no_gaps)
{
    stored_reset();
    const struct series_names *a = stored_add_series("kraken", "A", "A");
    for (int i = 0; i < 60; i++)
        stored_cover(a, DAY, day(-300 + i * 37 % 290), day(-300 + i * 37 % 290 + i % 7),
                     (enum coverage_state)(i % COVERAGE_STATE_COUNT));
    struct ccd_job job = job_of_days();
    job.from = "2025-01-01";
    struct ccd_coverage_report *report = read_coverage(&job);
    const struct ccd_covered_series *s = &report->series[0];
    int64_t periods = 0;
    for (size_t i = 0; i < s->range_count; i++) {
        CHECK(s->ranges[i].from_ts < s->ranges[i].to_ts);
        CHECK(i == 0 || (s->ranges[i].from_ts == s->ranges[i - 1].to_ts &&
                         s->ranges[i].state != s->ranges[i - 1].state));
    }
    for (int state = 0; state <= CCD_RANGE_REJECTED; state++)
        periods += s->periods[state];
    CHECK_INT((day(0) - time_from_civil(2025, 1, 1, 0, 0, 0)) / DAY, periods);
    ccd_coverage_free(report);
}

TEST(coverage_of_the_series_that_are_chosen)
{
    stored_reset();
    stored_cover(stored_add_series("kraken", "XXBT", "BTC-USD"), DAY, day(-9), day(0), 0);
    stored_cover(stored_add_series("kraken", "XETH", "ETH-USD"), DAY, day(-9), day(0), 0);
    stored_cover(stored_add_series("binance", "BTCUSD", "BTC-USD"), DAY, day(-9), day(0), 0);
    stored_cover(stored_add_series("binance", "ETHUSD", "ETH-USD"), 3600, day(-9), day(0), 0);
    struct ccd_job job = CCD_JOB_INIT;
    job.data_type = "spot-ohlcv";
    struct ccd_coverage_report *report = read_coverage(&job);
    if (CHECK_INT(3, report->series_count)) { /* the fourth has hours only */
        CHECK_TEXT("binance", report->series[0].market);
        CHECK_TEXT("XXBT", report->series[2].instrument);
    }
    ccd_coverage_free(report);
    job.instruments = (const char *const[]){"btc-usd", "nothing*"};
    job.instrument_count = 2;
    report = read_coverage(&job);
    CHECK_INT(2, report->series_count);
    ccd_coverage_free(report);
    job.exchanges = (const char *const[]){"k*n"};
    job.exchange_count = 1;
    report = read_coverage(&job);
    if (CHECK_INT(1, report->series_count))
        CHECK_TEXT("XXBT", report->series[0].instrument);
    ccd_coverage_free(report);
}

TEST(coverage_that_cannot_be_read)
{
    struct ccd_client *client = open_client();
    struct ccd_coverage_report *report = NULL;
    struct ccd_error err = {0};
    struct ccd_job job = CCD_JOB_INIT;
    stored_reset();
    job.data_type = "spot_ohlvc";
    CHECK_INT(CCD_USAGE, ccd_coverage_read(client, &job, &report, &err));
    CHECK(strstr(err.message, "did you mean spot_ohlcv?") != NULL);
    job.data_type = "spot_instruments";
    CHECK_INT(CCD_USAGE, ccd_coverage_read(client, &job, &report, &err));
    job.data_type = "spot_ohlcv";
    stored.read_status = CCD_DATABASE_UNREACHABLE;
    CHECK_INT(CCD_DATABASE_UNREACHABLE, ccd_coverage_read(client, &job, &report, &err));
    CHECK(report == NULL);
    ccd_close(client);
}

/* ---- lists ---- */

static int read_list(struct ccd_list_options options, struct ccd_listing **out, size_t *out_count)
{
    struct ccd_client *client = open_client();
    struct ccd_error err = {0};
    *out = NULL;
    *out_count = 0;
    int status = ccd_list_read(client, &options, out, out_count, &err);
    CHECK((status == 0) == (err.message[0] == '\0'));
    ccd_close(client);
    return status;
}

static void tell_instruments(void)
{
    stored_reset();
    stored.markets[0] = "kraken";
    stored.markets[1] = "binance";
    stored.market_count = 2;
    stored.instrument_count = 6;
    stored.asked_utc_s = now() - DAY;
}

static size_t count_rows(struct ccd_list_options options)
{
    struct ccd_listing *listings;
    size_t count, rows = SIZE_MAX;
    options.what = "instruments";
    if (CHECK_INT(0, read_list(options, &listings, &count)) && CHECK_INT(2, count)) {
        rows = listings[0].row_count;
        CHECK_INT(0, listings[1].row_count);
        CHECK_INT(0, listings[1].asked_utc_s);
    }
    ccd_list_free(listings, count);
    return rows;
}

TEST(list_gives_rows_of_values)
{
    struct ccd_list_options options = CCD_LIST_INIT;
    struct ccd_listing *listings;
    size_t count;
    tell_instruments();
    options.what = "spot_instruments";
    CHECK_INT(0, read_list(options, &listings, &count));
    if (!CHECK_INT(1, count) || !CHECK_INT(12, listings[0].row_count))
        return;
    const struct ccd_listing *l = &listings[0];
    size_t market = SIZE_MAX, status = SIZE_MAX;
    for (size_t i = 0; i < l->column_count; i++) {
        market = strcmp(l->column_names[i], "market") == 0 ? i : market;
        status = strcmp(l->column_names[i], "instrument_status") == 0 ? i : status;
    }
    CHECK_TEXT("text", l->column_kinds[market]);
    CHECK_TEXT("binance", l->values[market].text); /* ascending, whatever the database does */
    CHECK_TEXT("kraken", l->values[11 * l->column_count + market].text);
    CHECK_TEXT("EXPIRED", l->values[status].text);
    CHECK_INT(now() - DAY, l->asked_utc_s);
    ccd_list_free(listings, count);
}

TEST(list_filters)
{
    struct ccd_list_options options = CCD_LIST_INIT;
    tell_instruments();
    CHECK_INT(12, count_rows(options));
    options.limit = 7;
    CHECK_INT(7, count_rows(options));
    options.limit = -1;
    options.markets = (const char *const[]){"KRAKEN"};
    options.market_count = 1;
    CHECK_INT(6, count_rows(options));
    options.statuses = (const char *const[]){"active"};
    options.status_count = 1;
    CHECK_INT(4, count_rows(options));
    options.names = (const char *const[]){"I[12]", "I2", "?3"};
    options.name_count = 3;
    CHECK_INT(1, count_rows(options)); /* I3 is expired */
}

TEST(list_that_there_is_not)
{
    struct ccd_list_options options = CCD_LIST_INIT;
    struct ccd_listing *listings;
    size_t count;
    tell_instruments();
    CHECK_INT(CCD_USAGE, read_list(options, &listings, &count));
    options.what = "instrumenst";
    CHECK_INT(CCD_USAGE, read_list(options, &listings, &count));
    options.what = "instruments";
    stored.read_status = CCD_DATABASE_UNREACHABLE;
    CHECK_INT(CCD_DATABASE_UNREACHABLE, read_list(options, &listings, &count));
    CHECK(listings == NULL);
    CHECK_INT(1, stored.closed);
}
