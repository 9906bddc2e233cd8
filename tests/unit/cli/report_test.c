#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/table.h"
#include "cli/term.h"
#include "fake_ccdata.h"
#include "reports.h"
#include "run.h"
#include "test.h"

enum { TEXT_MAX_BYTES = 1 << 20, MANY = 60 };

TEST(report_closing_table)
{
    fake_reset();
    fake.report = partial_report();
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK_INT(1, outcome.exit_code);
    CHECK_TEXT(
        "from https://data-api.coindesk.com to sqlite:ccdata.db\n"
        "\n"
        "spot_ohlcv 1d\n"
        "market  instrument      state     wanted  already there  fetched  empty  failed\n"
        "kraken  BTC-USD         complete     100             40       50     10       0\n"
        "kraken  XXBT (BTC-EUR)  partial      100              0       60      0      40\n"
        "\n"
        "partial (exit code 1): 2 series, 3 calls, 1 metadata calls made, 105 rows written, "
        "2.5 s, 42 rows/s\n"
        "\n"
        "why it is not complete:\n"
        "  vendor unreachable, 1 series\n"
        "    kraken XXBT: connection refused\n"
        "    next: check the network and DATA_API_BASE_URL, then run the same command again\n",
        outcome.out);
    CHECK_TEXT("ccdata: partial (exit code 1): kraken XXBT: connection refused; next: check the "
               "network and DATA_API_BASE_URL, then run the same command again\n",
               outcome.err);
    outcome_release(&outcome);
}

TEST(report_rare_columns_only_where_they_have_something)
{
    struct ccd_report report = partial_report();
    struct ccd_series_result *series = (struct ccd_series_result *)report.operations[0].series;
    series[0].provisional = 1;
    series[0].pending = 3;
    series[1].rejected = 2;
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    cli_report_add(&text, &report, 1, false);
    CHECK(contains(text.data, "failed  rejected  pending  provisional\n"));
    CHECK(contains(text.data, "     0         0        3            1\n"));
    CHECK(contains(text.data, "    40         2        0            0\n"));
    buf_release(&text);
}

TEST(report_hostile_names_are_escaped_and_aligned)
{
    static const struct ccd_series_result SERIES[] = {
        {.market = "a\033]0;evil\007",
         .instrument = "b\r\nc\xC2\x9B\xE2\x80\xAE\xFF",
         .mapped_instrument = "m\177",
         .state = CCD_SERIES_FAILED,
         .error = {.status = CCD_BAD_REPLY, .message = "told: \033[31m"}},
        {.market = "m\xC3\xA9xico", .instrument = "\xE6\xAF\x94", .state = CCD_SERIES_COMPLETE}};
    static const struct ccd_operation OPERATION = {
        .data_type = "spot_ohlcv", .interval = "1d", .series = SERIES, .series_count = 2};
    fake_reset();
    fake.report = (struct ccd_report){.operations = &OPERATION,
                                      .operation_count = 1,
                                      .status = "partial",
                                      .exit_code = 1,
                                      .error = SERIES[0].error};
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK(is_harmless(outcome.out));
    CHECK(is_harmless(outcome.err));
    CHECK(contains(outcome.out, "a\\x1b]0;evil\\x07"));
    CHECK(contains(outcome.out, "b\\x0d\\x0ac\\u009b\\u202e\\xff (m\\x7f)"));
    /* The state begins in the same column of characters, not of bytes. */
    const char *first = strstr(outcome.out, "\na\\x1b") + 1;
    const char *second = strstr(outcome.out, "\nm\xC3\xA9xico") + 1;
    size_t first_width = term_width((struct str){first, (size_t)(strstr(first, "failed") - first)});
    CHECK_INT(first_width,
              term_width((struct str){second, (size_t)(strstr(second, "complete") - second)}));
    outcome_release(&outcome);
    outcome = run_line("spot_ohlcv --json");
    CHECK(contains(outcome.out, "\"a\\u001b]0;evil\\u0007\""));
    CHECK(contains(outcome.out, "\"b\\r\\nc\\u009b"));
    outcome_release(&outcome);
}

/* MANY series; every tenth failed, the last is not offered. */
static struct ccd_report long_report(char names[MANY][16])
{
    static struct ccd_series_result series[MANY];
    static struct ccd_operation operation;
    for (size_t i = 0; i < MANY; i++) {
        str_print(names[i], 16, "S%zu-USD", i);
        series[i] = (struct ccd_series_result){
            .market = "kraken", .instrument = names[i], .state = CCD_SERIES_COMPLETE, .calls = 1};
        if (i % 10 == 0) {
            series[i].state = CCD_SERIES_FAILED;
            series[i].error = (struct ccd_error){.status = CCD_UNKNOWN_AT_VENDOR,
                                                 .message = "no such market"};
        }
    }
    series[MANY - 1].state = CCD_SERIES_NOT_OFFERED;
    operation = (struct ccd_operation){
        .data_type = "spot_ohlcv", .interval = "1d", .series = series, .series_count = MANY};
    return (struct ccd_report){.operations = &operation,
                               .operation_count = 1,
                               .status = "partial",
                               .exit_code = 1,
                               .error = series[0].error};
}

TEST(report_long_lists_show_what_needs_attention)
{
    char names[MANY][16];
    fake_reset();
    fake.report = long_report(names);
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK(contains(outcome.out, "kraken  S50-USD"));
    CHECK(strstr(outcome.out, "S51-USD") == NULL);
    CHECK(contains(outcome.out, "and 53 complete, 1 not_offered (-v lists them)\n"));
    CHECK(contains(outcome.out, "unknown at the vendor, 6 series\n"));
    CHECK(contains(outcome.out, "    and 1 more (-v lists them)\n"));
    outcome_release(&outcome);
    outcome = run_line("spot_ohlcv -v");
    CHECK(contains(outcome.out, "S51-USD"));
    CHECK(contains(outcome.out, "kraken S50-USD: no such market"));
    CHECK(strstr(outcome.out, "-v lists them") == NULL);
    outcome_release(&outcome);
    outcome = run_line("spot_ohlcv --dry_run");
    CHECK(contains(outcome.out, "and 10 series, 10 calls, 0 rows (-v lists them)\n"));
    outcome_release(&outcome);
}

TEST(report_exit_5_tells_when_to_go_on)
{
    fake_reset();
    fake.report = partial_report();
    struct ccd_series_result *series = (struct ccd_series_result *)fake.report.operations[0].series;
    series[1].error = (struct ccd_error){.status = CCD_QUOTA_EXHAUSTED,
                                         .message = "the quota of the hour is spent"};
    fake.report.error = series[1].error;
    fake.report.exit_code = 5;
    fake.report.resume_utc_s = 1767322800;
    struct outcome outcome = run_line("spot_ohlcv");
    CHECK_INT(5, outcome.exit_code);
    const char *next = "next: run the same command after 2026-01-02T03:00:00Z, or with --wait\n";
    CHECK(contains(outcome.out, next));
    CHECK(contains(outcome.err, next));
    outcome_release(&outcome);
}

TEST(report_causes_of_an_operation_and_of_a_run)
{
    static const struct ccd_operation OPERATION = {
        .data_type = "spot_ohlcv",
        .interval = "1d",
        .error = {.status = CCD_LOCKED, .message = "process 17 writes spot_ohlcv 1d"}};
    struct ccd_report report = {.operations = &OPERATION,
                                .operation_count = 1,
                                .status = "failed",
                                .exit_code = 11,
                                .error = OPERATION.error};
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    cli_report_add(&text, &report, 11, false);
    CHECK(contains(text.data, "  another instance holds the lock\n"
                              "    spot_ohlcv 1d: process 17 writes spot_ohlcv 1d\n"
                              "    next: run the same command when the other run is done"));
    buf_clear(&text);
    report.operation_count = 0;
    report.error = (struct ccd_error){.status = CCD_KEY_REJECTED, .message = "the key is unknown"};
    cli_report_add(&text, &report, 4, false);
    CHECK(contains(text.data,
                   "  API key rejected\n    the key is unknown\n    next: set CCDATA_API_KEY"));
    buf_release(&text);
}

TEST(report_of_metadata)
{
    fake_reset();
    fake.report = lists_report();
    struct outcome outcome = run_line("exchange_metadata");
    CHECK_INT(1, outcome.exit_code);
    CHECK_TEXT(
        "from https://data-api.coindesk.com to sqlite:ccdata.db\n"
        "\n"
        "exchange_metadata\n"
        "table         state       listed  new  changed  unchanged  no longer listed\n"
        "exchanges     complete       340    2      300         38                 1\n"
        "spot_markets  up_to_date     170    0        0        170                 0\n"
        "\n"
        "spot_instruments\n"
        "table             market      state       listed  new  changed  unchanged  no longer "
        "listed\n"
        "spot_instruments  coinbase    failed           0    0        0          0               "
        "  0\n"
        "spot_instruments  kra\\x1bken  up_to_date       5    0        0          5               "
        "  0\n"
        "\n"
        "futures_ohlcv 1h: not started\n"
        "\n"
        "partial (exit code 1): 3 operations, 0 series, 4 lists, 0 calls, 4 metadata calls made, "
        "302 rows written, 1.0 s, 302 rows/s\n"
        "\n"
        "why it is not complete:\n"
        "  reply refused, 1 list\n"
        "    spot_instruments coinbase: the list shrank from 900 to 3\n"
        "    futures_ohlcv 1h: not started, because X failed before it\n"
        "    next: run the same command later; the log with -v and the table "
        "ccdata_quarantine show what was refused\n",
        outcome.out);
    CHECK(contains(outcome.err, "partial (exit code 1): spot_instruments coinbase: the list shrank "
                                "from 900 to 3; next: "));
    outcome_release(&outcome);
    outcome = run_line("exchange_metadata -v");
    CHECK(contains(outcome.out, "kra\\x1bken: 4 members that no column takes, the first "
                                "NEW\\x1bTHING\n"));
    outcome_release(&outcome);
}

TEST(report_plan_of_metadata)
{
    static const struct ccd_list_result LISTS[] = {
        {.table = "assets", .state = CCD_SERIES_PLANNED, .calls = -1},
        {.table = "exchanges", .state = CCD_SERIES_PLANNED, .calls = 1}};
    static const struct ccd_operation OPERATION = {
        .data_type = "asset_metadata", .lists = LISTS, .list_count = 2};
    fake_reset();
    fake.report = (struct ccd_report){.operations = &OPERATION,
                                      .operation_count = 1,
                                      .status = "complete",
                                      .calls = 1,
                                      .quota_share_hour = -1,
                                      .quota_share_day = -1};
    struct outcome outcome = run_line("asset_metadata --dry_run");
    CHECK_TEXT("asset_metadata\n"
               "table      state    calls\n"
               "assets     planned      ?\n"
               "exchanges  planned      1\n"
               "\n"
               "complete: 2 lists, 1 calls, 0 rows, about 0.0 s\n"
               "no limit per hour is set\n"
               "no limit per day is set\n"
               "nothing was written\n",
               outcome.out);
    outcome_release(&outcome);
}

TEST(report_plan)
{
    fake_reset();
    fake.report = planned_report();
    struct outcome outcome = run_line("spot_ohlcv --dry_run");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT(
        "from https://data-api.coindesk.com to sqlite:ccdata.db\n"
        "\n"
        "spot_ohlcv 1d\n"
        "market  instrument      state       first missing  last missing  windows  calls  rows\n"
        "kraken  BTC-USD         up_to_date  -              -                   0      0     0\n"
        "kraken  XXBT (BTC-EUR)  planned     1970-01-01     1970-03-01          2      2    30\n"
        "\n"
        "planned: 2 series, 2 calls, 30 rows, about 3.0 s, 1 metadata calls made\n"
        "0.50 % of the quota of an hour\n"
        "no limit per day is set\n"
        "nothing was written\n",
        outcome.out);
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
}

TEST(report_every_status_has_a_next_step)
{
    for (int i = CCD_OK + 1; i < CCD_STATUS_COUNT; i++) {
        struct ccd_report report = {.status = "failed",
                                    .error = {.status = (enum ccd_status)i, .message = "cause"}};
        struct buf text;
        buf_init(&text, TEXT_MAX_BYTES, NULL);
        causes_add_line(&text, &report, 1);
        CHECK(contains(text.data, "cause; next: "));
        bool is_internal = strstr(text.data, "with -v and report what it prints") != NULL;
        CHECK_INT(i == CCD_INTERNAL || i == CCD_DATABASE_DATA, is_internal);
        buf_release(&text);
    }
}

TEST(table_wraps_its_last_column_only_when_it_is_text)
{
    static const struct table_column COLUMNS[] = {{"n", true}, {"words", false}};
    struct table table;
    struct buf text;
    char words[300];
    memset(words, 'w', sizeof words);
    for (size_t i = 9; i < sizeof words; i += 10)
        words[i] = ' ';
    words[sizeof words - 1] = '\0';
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    table_init(&table, COLUMNS, 2);
    table_add_int(&table, -5);
    table_add_text(&table, words);
    table_add_int(&table, 12);
    table_add_text(&table, NULL);
    table_print(&table, &text);
    CHECK(strncmp(text.data, " n  words\n-5  www", 16) == 0);
    CHECK(contains(text.data, "\n    www"));
    CHECK(contains(text.data, "\n12\n"));
    CHECK(widest_line(text.data) <= 100);
    table_release(&table);
    buf_release(&text);
}

TEST(text_durations)
{
    static const struct {
        int64_t ms;
        const char *text;
    } CASES[] = {
        {0, "0.0 s"},           {1999, "1.9 s"},          {59999, "59 s"},
        {60000, "1 min 0 s"},   {3599000, "59 min 59 s"}, {7800000, "2 h 10 min"},
        {273600000, "3 d 4 h"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char out[DURATION_BYTES];
        CHECK_TEXT(CASES[i].text, term_duration(CASES[i].ms, out));
    }
}
