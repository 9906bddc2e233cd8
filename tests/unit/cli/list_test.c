#include <jansson.h>
#include <string.h>

#include "fake_ccdata.h"
#include "fake_stored.h"
#include "run.h"
#include "test.h"

enum { COLUMNS = 6, ASKED = 1767268800 };

static const char *const NAMES[COLUMNS] = {"market",
                                           "instrument",
                                           "mapped_instrument",
                                           "total_trades_spot",
                                           "is_listed",
                                           "first_trade_spot_timestamp"};
static const char *const KINDS[COLUMNS] = {"text", "text", "text", "integer", "boolean", "time"};

static const struct ccd_list_value VALUES[] = {
    {.text = "kraken"},  {.text = "XXBT\"ZUSD"},
    {.text = "BTC-USD"}, {.integer = 7},
    {.integer = 1},      {.integer = -86400},
    {.text = "kraken"},  {.text = "e\033[2J\xE2\x80\xAE"},
    {.is_null = true},   {.integer = 12345},
    {.integer = 0},      {.integer = 9000000000000},
};

static void tell(void)
{
    fake_reset();
    fake_stored.listing_count = 2;
    fake_stored.listings[0] = (struct ccd_listing){
        .table = "spot_instruments",
        .column_names = NAMES,
        .column_kinds = KINDS,
        .column_count = COLUMNS,
        .values = VALUES,
        .row_count = 2,
        .asked_utc_s = ASKED,
        .database = "sqlite:ccdata.db",
    };
    fake_stored.listings[1] = (struct ccd_listing){.table = "futures_instruments",
                                                   .column_names = NAMES,
                                                   .column_kinds = KINDS,
                                                   .column_count = COLUMNS,
                                                   .database = "sqlite:ccdata.db"};
}

TEST(list_shows_the_columns_that_people_look_for)
{
    tell();
    struct outcome outcome = run_line("list instruments");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("market  instrument      mapped_instrument  first_trade_spot_timestamp  "
               "total_trades_spot  is_listed\n"
               "kraken  XXBT\"ZUSD       BTC-USD            1969-12-31                  "
               "                7  yes\n"
               "kraken  e\\x1b[2J\\u202e                     9999-12-31T23:59:59Z        "
               "            12345  no\n"
               "\n"
               "spot_instruments: 2 rows, listed by the vendor at 2026-01-01T12:00:00Z\n"
               "\n"
               "futures_instruments: never fetched\n",
               outcome.out);
    CHECK_INT(1, fake_stored.freed);
    outcome_release(&outcome);
}

TEST(list_says_who_fetches_what_was_never_fetched)
{
    tell();
    fake_stored.listings[0].row_count = 0;
    fake_stored.listings[0].asked_utc_s = 0;
    fake_stored.listing_count = 1;
    struct outcome outcome = run_line("list instruments");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("spot_instruments: never fetched: run `ccdata spot_instruments`\n", outcome.out);
    outcome_release(&outcome);
}

TEST(list_verbose_shows_all_that_a_row_has)
{
    tell();
    fake_stored.listing_count = 1;
    struct outcome outcome = run_line("list instruments -v");
    CHECK(is_harmless(outcome.out));
    CHECK(contains(outcome.out, "\n\nmarket: kraken\ninstrument: e\\x1b[2J\\u202e\n"
                                "total_trades_spot: 12345\nis_listed: no\n"));
    outcome_release(&outcome);
}

TEST(list_json_has_all_columns)
{
    tell();
    struct outcome outcome = run_line("list instruments --json");
    CHECK(is_harmless(outcome.out));
    json_t *root = json_loads(outcome.out, 0, NULL);
    const json_t *lists = json_object_get(root, "lists");
    CHECK_INT(2, json_array_size(lists));
    const json_t *rows = json_object_get(json_array_get(lists, 0), "rows");
    CHECK_INT(2, json_array_size(rows));
    const json_t *second = json_array_get(rows, 1);
    CHECK_INT(COLUMNS, json_object_size(second));
    CHECK_TEXT("e\033[2J\xE2\x80\xAE", json_string_value(json_object_get(second, "instrument")));
    CHECK(json_is_null(json_object_get(second, "mapped_instrument")));
    CHECK(json_is_false(json_object_get(second, "is_listed")));
    CHECK_INT(9000000000000,
              json_integer_value(json_object_get(second, "first_trade_spot_timestamp")));
    CHECK(json_is_null(json_object_get(json_array_get(lists, 1), "asked")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(list_hands_its_filters_on)
{
    tell();
    struct outcome outcome = run_line("list instruments --exchanges kra* --names BTC-* ETH-USD "
                                      "--statuses ACTIVE --all --limit 5");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("instruments kra* BTC-* ETH-USD ACTIVE", fake_stored.names);
    CHECK(fake_stored.list_options.all);
    CHECK_INT(5, fake_stored.list_options.limit);
    outcome_release(&outcome);
    outcome = run_line("list");
    CHECK_INT(2, outcome.exit_code);
    CHECK(contains(outcome.err, "list what?"));
    outcome_release(&outcome);
}
