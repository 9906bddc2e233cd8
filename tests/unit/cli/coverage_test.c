#include <jansson.h>
#include <string.h>

#include "base/time.h"
#include "cli/coverage_map.h"
#include "cli/term.h"
#include "fake_ccdata.h"
#include "fake_stored.h"
#include "run.h"
#include "test.h"

enum { TEXT_MAX_BYTES = 1 << 20, RANGES_MAX = 8 };

static int64_t day(int year, int month, int day_of_month)
{
    return time_from_civil(year, month, day_of_month, 0, 0, 0);
}

/* A series made of ranges, up to the first that is empty. */
static struct ccd_covered_series series_of(const char *market, const char *instrument,
                                           const struct ccd_range ranges[RANGES_MAX])
{
    struct ccd_covered_series series = {
        .market = market, .instrument = instrument, .mapped_instrument = "BTC-USD"};
    series.ranges = ranges;
    while (series.range_count < RANGES_MAX && ranges[series.range_count].to_ts) {
        const struct ccd_range *range = &ranges[series.range_count++];
        series.periods[range->state] += (range->to_ts - range->from_ts) / 86400;
    }
    return series;
}

static struct ccd_range range(int64_t from_ts, int64_t to_ts, enum ccd_range_state state)
{
    return (struct ccd_range){.from_ts = from_ts, .to_ts = to_ts, .state = state};
}

static struct ccd_covered_series busy_series(const char *market)
{
    static struct ccd_range ranges[RANGES_MAX];
    const struct ccd_range made[RANGES_MAX] = {
        range(day(2025, 1, 1), day(2025, 2, 1), CCD_RANGE_BEFORE_START),
        range(day(2025, 2, 1), day(2025, 4, 5), CCD_RANGE_STORED),
        range(day(2025, 4, 5), day(2025, 6, 1), CCD_RANGE_MISSING),
        range(day(2025, 6, 1), day(2025, 7, 1), CCD_RANGE_EMPTY),
        range(day(2025, 7, 1), day(2025, 7, 16), CCD_RANGE_STORED),
        range(day(2025, 7, 16), day(2025, 8, 2), CCD_RANGE_REJECTED),
        range(day(2025, 8, 2), day(2025, 9, 1), CCD_RANGE_STORED),
        range(day(2025, 9, 1), day(2025, 10, 1), CCD_RANGE_AFTER_END),
    };
    memcpy(ranges, made, sizeof made);
    return series_of(market, "XXBTZUSD", ranges);
}

static void tell(const struct ccd_covered_series *series, size_t count)
{
    fake_reset();
    fake_stored.coverage.series = series;
    fake_stored.coverage.series_count = count;
}

static void draw(struct buf *text, size_t width, bool colour)
{
    buf_init(text, TEXT_MAX_BYTES, NULL);
    coverage_map_add(text, &fake_stored.coverage, width, colour);
    CHECK(!text->failed && text->data != NULL);
}

TEST(coverage_in_a_pipe_is_plain_lines)
{
    const struct ccd_covered_series series = busy_series("kraken");
    tell(&series, 1);
    struct outcome outcome = run_line("coverage spot_ohlcv");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT(
        "spot_ohlcv 1d in sqlite:ccdata.db\n"
        "\n"
        "market  instrument  mapped   from        until       periods  stored  missing   empty  "
        "rejected\n"
        "kraken  XXBTZUSD    BTC-USD  2025-01-01  2025-10-01      212  50.9 %   26.8 %  14.1 %     "
        "8.0 %\n",
        outcome.out);
    outcome_release(&outcome);
    tell(NULL, 0);
    outcome = run_line("coverage spot_ohlcv");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("spot_ohlcv 1d in sqlite:ccdata.db: no stored series match\n", outcome.out);
    outcome_release(&outcome);
}

TEST(coverage_hands_its_selection_on)
{
    tell(NULL, 0);
    struct outcome outcome = run_line("coverage futures_ohlcv --interval 1h --from 2025-01-01 --to "
                                      "2025-02-01 --exchanges bin* okex --instruments BTC-*");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("futures_ohlcv 1h - - 2025-01-01 2025-02-01 bin* okex BTC-*", fake_stored.names);
    outcome_release(&outcome);
    outcome = run_line("coverage");
    CHECK_INT(2, outcome.exit_code);
    CHECK(contains(outcome.err, "coverage needs a data type"));
    outcome_release(&outcome);
}

TEST(coverage_json_has_the_ranges)
{
    const struct ccd_covered_series series = busy_series("kra\033ken");
    tell(&series, 1);
    struct outcome outcome = run_line("coverage spot_ohlcv --json");
    CHECK(is_harmless(outcome.out));
    json_t *root = json_loads(outcome.out, 0, NULL);
    const json_t *one = json_array_get(json_object_get(root, "series"), 0);
    CHECK_TEXT("kra\033ken", json_string_value(json_object_get(one, "market")));
    const json_t *ranges = json_object_get(one, "ranges");
    CHECK_INT(8, json_array_size(ranges));
    const json_t *range = json_array_get(ranges, 1);
    CHECK_TEXT("stored", json_string_value(json_object_get(range, "state")));
    CHECK_TEXT("2025-02-01T00:00:00Z", json_string_value(json_object_get(range, "from")));
    CHECK_INT(63, json_integer_value(json_object_get(range, "periods")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(coverage_map_has_a_character_for_each_month)
{
    const struct ccd_covered_series series = busy_series("kraken");
    struct buf text;
    tell(&series, 1);
    draw(&text, 80, false);
    CHECK_TEXT("                2025\n"
               "kraken XXBTZUSD  ██░·e▒▓ \n"
               "each character a month:  · none  e empty at the vendor  ░ less than a third  "
               "▒ less than two thirds  ▓ less than all  █ all stored\n",
               text.data);
    buf_release(&text);
    draw(&text, 80, true);
    CHECK(contains(text.data, "\033[32m██\033[0m\033[33m░\033[0m\033[31m·\033[0m"));
    buf_release(&text);
}

/* 30 years do not fit: years by one, two, three … in a character. */
TEST(coverage_map_keeps_within_the_terminal)
{
    const struct ccd_range ranges[RANGES_MAX] = {
        range(day(1996, 3, 1), day(2010, 1, 1), CCD_RANGE_MISSING),
        range(day(2010, 1, 1), day(2026, 1, 1), CCD_RANGE_STORED)};
    const struct ccd_covered_series series[] = {
        series_of("a-market-with-a-long-name", "AN-INSTRUMENT-WITH-A-LONG-NAME", ranges),
        series_of("k", "m\xC3\xA9xico", ranges)};
    static const size_t WIDTHS[] = {24, 40, 80, 131, 400};
    tell(series, 2);
    for (size_t i = 0; i < sizeof WIDTHS / sizeof WIDTHS[0]; i++) {
        struct buf text;
        draw(&text, WIDTHS[i], false);
        char *legend = strstr(text.data, "each character");
        if (CHECK(legend != NULL))
            *legend = '\0';
        CHECK(widest_line(text.data) <= WIDTHS[i]);
        CHECK(contains(text.data, "·"));
        CHECK(contains(text.data, "█"));
        CHECK((WIDTHS[i] < 200) == (strstr(text.data, "…") != NULL));
        buf_release(&text);
    }
}

TEST(coverage_map_of_hostile_names_and_of_nothing)
{
    const struct ccd_range ranges[RANGES_MAX] = {
        range(day(2025, 1, 1), day(2025, 2, 1), CCD_RANGE_STORED)};
    static const struct ccd_range nothing[RANGES_MAX];
    const struct ccd_covered_series series[] = {
        series_of("a\033]0;x\007", "\xE2\x80\xAE\xFF\r\n", ranges),
        series_of("none", "none", nothing)};
    struct buf text;
    tell(series, 2);
    draw(&text, 80, false);
    CHECK(is_harmless(text.data));
    CHECK(strstr(text.data, "none none") == NULL);
    buf_release(&text);
    tell(series + 1, 1);
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    coverage_map_add(&text, &fake_stored.coverage, 80, true);
    CHECK_INT(0, text.len);
    buf_release(&text);
}
