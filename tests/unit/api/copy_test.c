/* copy and diff on two databases in memory: what is copied, and what becomes of it when any
 * operation fails. */
#include <string.h>

#include <ccdata/ccdata.h>

#include "base/str.h"
#include "memory_store.h"
#include "store/attributes.h"
#include "store/value.h"
#include "test.h"

enum { DAY = 86400, ASKED = 1700000000 };

static const int64_t chunk_s = INT64_C(5000) * DAY; /* the second one begins in September 1983 */

static const struct data_type *spot(void)
{
    return data_type_find(STR("spot_ohlcv"));
}

static struct series_names names_of(const char *market, const char *instrument, const char *mapped)
{
    struct series_names names;
    CHECK(
        series_names_set(&names, spot(), str_from(market), str_from(instrument), str_from(mapped)));
    return names;
}

static struct series_names btc(void)
{
    return names_of("kraken", "XXBTZUSD", "BTC-USD");
}

static void cover(struct store *store, int64_t id, int64_t from_ts, int64_t to_ts,
                  enum coverage_state state, int64_t next_check_utc_s)
{
    memory_add_coverage(store, id, INTERVAL_1D,
                        &(struct coverage_segment){from_ts, to_ts, state, ASKED, next_check_utc_s});
}

static void add_days(struct store *store, int64_t id, int64_t from_ts, int days)
{
    memory_add_rows(store, spot(), INTERVAL_1D, id,
                    (struct period_range){from_ts, from_ts + (int64_t)days * DAY}, ASKED, 0);
}

static void add_attribute(struct store *store, const struct series_names *names)
{
    struct attribute_set set;
    struct value values[ATTRIBUTE_MAX] = {0};
    int64_t ts[ATTRIBUTE_MAX] = {0};
    CHECK(attribute_set_init(&set));
    int base = attribute_find(&set, "base");
    values[base] = value_text(STR("BTC \"q\""));
    ts[base] = ASKED;
    CHECK_INT(0, store->ops->put_attributes(store,
                                            &(struct store_series){
                                                .names = names,
                                                .attributes = values,
                                                .attribute_ts = ts,
                                                .attribute_count = ATTRIBUTE_MAX,
                                            },
                                            NULL));
}

/* Two series: one over four chunks with a hole, a long time before its start, rows at both sides of
 * a chunk's end, young rows without coverage; one with nothing but young rows. Hours, too. */
static void fill(struct store *store)
{
    struct series_names one = btc(), two = names_of("coinbase", "ETH-USD", "ETH-USD");
    int64_t start = 3 * chunk_s - 40 * DAY;
    memory_add_series(store, spot(), &one);
    memory_add_series(store, spot(), &two);
    add_attribute(store, &one);
    cover(store, one.series_id, 0, start, COVERAGE_BEFORE_START, 0);
    add_days(store, one.series_id, start, 100);
    cover(store, one.series_id, start, start + 70 * DAY, COVERAGE_STORED, 0);
    cover(store, one.series_id, start + 50 * DAY, start + 100 * DAY, COVERAGE_STORED, 0);
    cover(store, one.series_id, start + 100 * DAY, start + 110 * DAY, COVERAGE_EMPTY, ASKED + 5);
    add_days(store, one.series_id, start + 112 * DAY, 2);
    add_days(store, two.series_id, start, 3);
    memory_add_rows(store, spot(), INTERVAL_1H, two.series_id,
                    (struct period_range){start, start + 50 * 3600}, ASKED, 1);
    memory_add_coverage(
        store, two.series_id, INTERVAL_1H,
        &(struct coverage_segment){start, start + 50 * 3600, COVERAGE_STORED, ASKED, 0});
    memory_add_instruments(store, data_type_find(STR("spot_instruments")), "kraken", 9, ASKED);
    memory_faults = (struct memory_faults){0};
}

static struct ccd_client *open_client(void)
{
    static const char *const settings[] = {"CCDATA_API_KEY=0123456789abcdef"};
    struct ccd_client *client = NULL;
    struct ccd_error err = {0};
    const struct ccd_options options = {
        .size = sizeof(options), .settings = settings, .setting_count = 1};
    CHECK_INT(0, ccd_open(&options, &client, &err));
    CHECK_TEXT("", err.message);
    return client;
}

static struct ccd_copy_report *copy_with(struct ccd_copy_options options)
{
    struct ccd_client *client = open_client();
    struct ccd_copy_report *report = NULL;
    struct ccd_error err = {0};
    options.from = MEMORY_A;
    options.to = MEMORY_B;
    if (ccd_copy(client, &options, &report, &err) != 0)
        report = NULL;
    ccd_close(client);
    return report;
}

static struct ccd_copy_report *copy(void)
{
    return copy_with((struct ccd_copy_options)CCD_COPY_INIT);
}

/* The exit code; -1 without a report. */
static int copy_once(void)
{
    struct ccd_copy_report *report = copy();
    int exit_code = report ? report->exit_code : -1;
    ccd_copy_report_free(report);
    return exit_code;
}

static struct ccd_diff_report *compare(void)
{
    struct ccd_client *client = open_client();
    struct ccd_diff_report *report = NULL;
    struct ccd_error err = {0};
    struct ccd_diff_options options = CCD_DIFF_INIT;
    options.left = MEMORY_A;
    options.right = MEMORY_B;
    CHECK_INT(0, ccd_diff(client, &options, &report, &err));
    CHECK_TEXT("", err.message);
    ccd_close(client);
    return report;
}

static bool are_equal(void)
{
    struct memory_faults faults = memory_faults;
    memory_faults = (struct memory_faults){0};
    struct ccd_diff_report *report = compare();
    bool equal = report && report->exit_code == 0;
    for (size_t i = 0; report && i < report->difference_count && i < 3; i++)
        CHECK_TEXT("", ccd_difference_kind_name(report->differences[i].kind));
    ccd_diff_report_free(report);
    memory_faults = faults;
    return equal;
}

/* ---- what is copied ---- */

TEST(copy_everything_once)
{
    memory_reset();
    fill(memory_a());
    struct ccd_copy_report *report = copy();
    if (!CHECK(report))
        return;
    CHECK_INT(0, report->exit_code);
    CHECK_TEXT("complete", report->status);
    CHECK(are_equal());
    CHECK_INT(memory_row_count(memory_a()), memory_row_count(memory_b()));
    CHECK_INT(memory_row_count(memory_a()), report->total.rows_read - 9);
    CHECK_INT(3, report->part_count);
    CHECK_TEXT("spot_ohlcv", report->parts[0].data_type);
    CHECK_TEXT("1d", report->parts[0].interval);
    CHECK_INT(2, report->parts[0].series);
    /* The years before the start are one chunk. */
    CHECK_INT(1 + 2 + 1, report->parts[0].chunks_copied);
    CHECK_TEXT("1h", report->parts[1].interval);
    CHECK_TEXT("spot_instruments", report->parts[2].data_type);
    CHECK(report->parts[2].interval == NULL);
    ccd_copy_report_free(report);
}

TEST(copy_keeps_when_a_row_was_collected)
{
    memory_reset();
    fill(memory_a());
    CHECK_INT(0, copy_once());
    int64_t start = 3 * chunk_s - 40 * DAY;
    for (int64_t ts = start; ts < start + 100 * DAY; ts += DAY)
        CHECK_INT(memory_collected(memory_a(), btc().series_id, INTERVAL_1D, ts),
                  memory_collected(memory_b(), btc().series_id, INTERVAL_1D, ts));
}

TEST(copy_again_writes_nothing)
{
    memory_reset();
    fill(memory_a());
    CHECK_INT(0, copy_once());
    size_t segments = memory_segment_count(memory_b());
    for (int i = 0; i < 2; i++) {
        struct ccd_copy_report *report = copy();
        if (!CHECK(report))
            return;
        CHECK_INT(0, report->total.rows_written);
        CHECK_INT(0, report->total.chunks_copied);
        CHECK(report->total.chunks_skipped > 0);
        ccd_copy_report_free(report);
    }
    CHECK_INT(segments, memory_segment_count(memory_b()));
}

TEST(copy_brings_what_is_new)
{
    memory_reset();
    fill(memory_a());
    CHECK_INT(0, copy_once());
    int64_t end = 3 * chunk_s - 40 * DAY + 110 * DAY;
    add_days(memory_a(), btc().series_id, end, 2);
    cover(memory_a(), btc().series_id, end, end + 4 * DAY, COVERAGE_STORED, 0);
    struct ccd_copy_report *report = copy();
    if (!CHECK(report))
        return;
    CHECK_INT(2, report->total.rows_written);
    CHECK_INT(1, report->total.chunks_copied);
    CHECK(are_equal());
    ccd_copy_report_free(report);
}

TEST(copy_leaves_what_the_destination_knows_better)
{
    memory_reset();
    struct series_names one = btc();
    memory_add_series(memory_a(), spot(), &one);
    memory_add_series(memory_b(), spot(), &one);
    cover(memory_a(), one.series_id, 0, 20 * DAY, COVERAGE_EMPTY, ASKED + 5);
    add_days(memory_b(), one.series_id, 0, 10);
    cover(memory_b(), one.series_id, 0, 10 * DAY, COVERAGE_STORED, 0);
    CHECK_INT(0, copy_once());
    size_t segments = memory_segment_count(memory_b());
    CHECK_INT(2, segments);
    CHECK_INT(10, memory_row_count(memory_b()));
    CHECK_INT(0, copy_once());
    CHECK_INT(segments, memory_segment_count(memory_b()));
}

TEST(copy_full_brings_changed_values)
{
    memory_reset();
    struct series_names one = btc();
    memory_add_series(memory_a(), spot(), &one);
    memory_add_series(memory_b(), spot(), &one);
    const struct period_range range = {0, 5 * DAY};
    memory_add_rows(memory_b(), spot(), INTERVAL_1D, one.series_id, range, ASKED, 0);
    memory_add_rows(memory_a(), spot(), INTERVAL_1D, one.series_id, range, ASKED + 100, 3);
    cover(memory_a(), one.series_id, 0, 5 * DAY, COVERAGE_STORED, 0);
    cover(memory_b(), one.series_id, 0, 5 * DAY, COVERAGE_STORED, 0);
    CHECK_INT(0, copy_once());
    struct ccd_diff_report *difference = compare();
    CHECK_INT(12, difference->exit_code);
    CHECK_INT(1, difference->differences_found);
    CHECK_INT(CCD_DIFFERENT_ROWS, difference->differences[0].kind);
    CHECK_TEXT("1970-01", difference->differences[0].month);
    ccd_diff_report_free(difference);
    struct ccd_copy_options options = CCD_COPY_INIT;
    options.full = true;
    struct ccd_copy_report *report = copy_with(options);
    CHECK_INT(5, report->total.rows_written);
    CHECK(are_equal());
    CHECK_INT(1, memory_segment_count(memory_b()));
    ccd_copy_report_free(report);
}

TEST(copy_of_chosen_types)
{
    static const char *const types[] = {"spot-instruments"};
    memory_reset();
    fill(memory_a());
    struct ccd_copy_options options = CCD_COPY_INIT;
    options.types = types;
    options.type_count = 1;
    struct ccd_copy_report *report = copy_with(options);
    if (!CHECK(report))
        return;
    CHECK_INT(1, report->part_count);
    CHECK_INT(9, report->total.rows_read);
    CHECK_INT(0, memory_series_count(memory_b()));
    ccd_copy_report_free(report);
}

/* ---- refusals ---- */

static bool refuses(const char *from, const char *to, const char *type, const char *message)
{
    struct ccd_client *client = open_client();
    struct ccd_copy_report *report = NULL;
    struct ccd_error err = {0};
    struct ccd_copy_options options = CCD_COPY_INIT;
    options.from = from;
    options.to = to;
    options.types = &type;
    options.type_count = type != NULL;
    int status = ccd_copy(client, &options, &report, &err);
    bool right = CHECK(status != 0) &&
                 CHECK(str_find(str_from(err.message), str_from(message)) != SIZE_MAX);
    if (!right)
        CHECK_TEXT(message, err.message);
    ccd_close(client);
    return right;
}

TEST(copy_refuses_what_makes_no_sense)
{
    memory_reset();
    CHECK(refuses(MEMORY_A, MEMORY_A, NULL, "--from and --to name the same database"));
    CHECK(refuses("mariadb://x@localhost:3306/a", MEMORY_A, NULL, "the same database"));
    CHECK(refuses("sqlite:x.db", "sqlite:x.db", NULL, "the same database"));
    CHECK(refuses("nonsense", MEMORY_A, NULL, "--from"));
    CHECK(refuses(MEMORY_A, "nonsense", NULL, "--to"));
    CHECK(refuses(MEMORY_A, NULL, NULL, "two databases are needed"));
    CHECK(refuses("sqlite:/there/is/no/such.db", MEMORY_A, NULL, "there is no database"));
    CHECK(refuses(MEMORY_A, MEMORY_B, "spot_ohlvc", "did you mean spot_ohlcv"));
    CHECK_INT(0, memory_faults.operations);
}

TEST(copy_waits_for_the_lock)
{
    memory_reset();
    fill(memory_a());
    memory_faults.locked = true;
    struct ccd_copy_options options = CCD_COPY_INIT;
    options.lock_wait_s = 0;
    struct ccd_copy_report *report = copy_with(options);
    if (!CHECK(report))
        return;
    CHECK_INT(11, report->exit_code);
    CHECK_INT(0, memory_faults.writes);
    ccd_copy_report_free(report);
}

/* ---- faults ---- */

static int64_t count_operations(void)
{
    memory_reset();
    fill(memory_a());
    CHECK_INT(0, copy_once());
    return memory_faults.operations;
}

/* Killed at every operation, one after the other, until it comes through. */
TEST(copy_killed_anywhere_ends_equal)
{
    int64_t operations = count_operations();
    CHECK(operations > 30);
    for (int64_t at = 1; at <= operations; at++) {
        memory_reset();
        fill(memory_a());
        memory_faults = (struct memory_faults){.fault = FAULT_DIES, .at = at};
        CHECK(copy_once() != 0);
        memory_faults = (struct memory_faults){0};
        CHECK_INT(0, copy_once());
        if (!CHECK(are_equal()))
            return;
    }
}

static void check_fault(enum fault fault)
{
    int64_t operations = count_operations();
    size_t segments = memory_segment_count(memory_b());
    for (int64_t at = 3; at <= operations; at++) { /* 1 and 2 open the databases */
        memory_reset();
        fill(memory_a());
        memory_faults = (struct memory_faults){.fault = fault, .at = at};
        int exit_code = copy_once();
        memory_faults = (struct memory_faults){0};
        if (exit_code != 0)
            CHECK_INT(0, copy_once());
        if (!CHECK(are_equal()) ||
            !CHECK_INT(memory_row_count(memory_a()), memory_row_count(memory_b())))
            return;
        CHECK_INT(segments, memory_segment_count(memory_b()));
    }
}

TEST(copy_survives_a_busy_database)
{
    check_fault(FAULT_BUSY);
}

TEST(copy_survives_a_broken_connection)
{
    check_fault(FAULT_GONE);
}

TEST(copy_survives_a_lost_answer_to_a_commit)
{
    check_fault(FAULT_LOST);
}

TEST(copy_goes_on_after_a_series_that_is_refused)
{
    int64_t operations = count_operations();
    int partial = 0;
    for (int64_t at = 3; at <= operations; at++) {
        memory_reset();
        fill(memory_a());
        memory_faults = (struct memory_faults){.fault = FAULT_REFUSED, .at = at};
        struct ccd_copy_report *report = copy();
        if (!CHECK(report))
            continue;
        CHECK(report->exit_code != 0);
        CHECK_INT(CCD_DATABASE_DATA, report->error.status);
        partial += report->exit_code == 1 && report->total.series_failed == 1;
        ccd_copy_report_free(report);
    }
    CHECK(partial > 10);
}

/* ---- diff ---- */

/* The kinds that are found, in order. */
static bool finds(enum ccd_difference_kind kind, int64_t left, int64_t right)
{
    struct ccd_diff_report *report = compare();
    bool right_one = CHECK_INT(12, report->exit_code) && CHECK_INT(1, report->differences_found) &&
                     CHECK_INT(kind, report->differences[0].kind) &&
                     CHECK_INT(left, report->differences[0].left_count) &&
                     CHECK_INT(right, report->differences[0].right_count);
    ccd_diff_report_free(report);
    return right_one;
}

static void fill_both(void)
{
    memory_reset();
    fill(memory_a());
    fill(memory_b());
}

TEST(diff_names_every_kind_of_difference)
{
    struct series_names one = btc();
    int64_t id = one.series_id;
    fill_both();
    CHECK(are_equal());
    add_days(memory_b(), id, 8 * chunk_s, 3);
    CHECK(finds(CCD_DIFFERENT_ROWS, 0, 3));
    fill_both();
    cover(memory_a(), id, 8 * chunk_s, 9 * chunk_s, COVERAGE_EMPTY, 0);
    CHECK(finds(CCD_DIFFERENT_COVERAGE, 4, 3));
    fill_both();
    struct series_names more = names_of("a", "b", "c");
    memory_add_series(memory_b(), spot(), &more);
    CHECK(finds(CCD_DIFFERENT_SERIES, 0, 1));
    fill_both();
    struct series_names renamed = names_of("kraken", "XXBTZUSD", "XBT-USD");
    memory_add_series(memory_b(), spot(), &renamed);
    CHECK(finds(CCD_DIFFERENT_NAMES, 1, 1));
    fill_both();
    add_attribute(
        memory_b(),
        &(struct series_names){names_of("coinbase", "ETH-USD", "ETH-USD").series_id, "", "", ""});
    CHECK(finds(CCD_DIFFERENT_ATTRIBUTES, 1, 1));
    fill_both();
    memory_add_instruments(memory_b(), data_type_find(STR("spot_instruments")), "kraken", 10,
                           ASKED);
    CHECK(finds(CCD_DIFFERENT_INSTRUMENTS, 9, 10));
}

TEST(diff_takes_no_offence_at_moments)
{
    fill_both();
    int64_t id = btc().series_id, start = 3 * chunk_s - 40 * DAY;
    memory_add_coverage(memory_a(), id, INTERVAL_1D,
                        &(struct coverage_segment){start, start + DAY, COVERAGE_STORED, 1, 0});
    memory_add_coverage(memory_a(), id, INTERVAL_1D,
                        &(struct coverage_segment){start + 100 * DAY, start + 105 * DAY,
                                                   COVERAGE_EMPTY, ASKED + 9, ASKED + 77});
    CHECK(are_equal());
}

TEST(diff_lists_no_more_than_asked_for)
{
    memory_reset();
    struct series_names one = btc();
    memory_add_series(memory_a(), spot(), &one);
    memory_add_series(memory_b(), spot(), &one);
    add_days(memory_a(), one.series_id, 0, 366);
    struct ccd_client *client = open_client();
    struct ccd_diff_report *report = NULL;
    struct ccd_error err = {0};
    struct ccd_diff_options options = CCD_DIFF_INIT;
    options.left = MEMORY_A;
    options.right = MEMORY_B;
    options.max_differences = 4;
    CHECK_INT(0, ccd_diff(client, &options, &report, &err));
    CHECK_INT(13, report->differences_found);
    CHECK_INT(4, report->difference_count);
    CHECK_INT(13, report->months);
    CHECK_TEXT("1970-04", report->differences[3].month);
    CHECK_INT(30, report->differences[3].left_count);
    ccd_diff_report_free(report);
    ccd_close(client);
}

TEST(diff_failed_reads_are_no_differences)
{
    for (int64_t at = 1; at < 60; at++) {
        fill_both();
        memory_faults = (struct memory_faults){.fault = FAULT_DIES, .at = at};
        struct ccd_client *client = open_client();
        struct ccd_diff_report *report = NULL;
        struct ccd_error err = {0};
        struct ccd_diff_options options = CCD_DIFF_INIT;
        options.left = MEMORY_A;
        options.right = MEMORY_B;
        int status = ccd_diff(client, &options, &report, &err);
        bool through = memory_faults.operations < at;
        int exit_code = report ? report->exit_code : ccd_status_exit_code((enum ccd_status)status);
        CHECK_INT(through ? 0 : 3, exit_code);
        ccd_diff_report_free(report);
        ccd_close(client);
    }
}
