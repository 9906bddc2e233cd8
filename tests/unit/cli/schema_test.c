/* ccdata schema: what is printed, what the library is asked for, exit codes. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

static const struct ccd_schema_difference two[] = {
    {"table dim_series", "has column base longtext, expected column base text"},
    {"view \"spot\"", "missing"},
};

static json_t *parse(const struct outcome *outcome)
{
    json_t *root = json_loads(outcome->out, 0, NULL);
    CHECK(root != NULL);
    return root;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

TEST(schema_is_printed_for_a_dialect)
{
    fake_reset();
    struct outcome outcome = run_line("schema --dialect sqlite");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("CREATE TABLE dim_series (series_id INTEGER);\n", outcome.out);
    CHECK_INT(0, fake.opened); /* no settings are needed */
    outcome_release(&outcome);
    outcome = run_line("schema --dialect sqlite --legacy_views");
    CHECK_TEXT("CREATE VIEW cc_ohlcv_spot_1d_raw AS SELECT 1;\n", outcome.out);
    outcome_release(&outcome);
    outcome = run_line("schema --dialect oracle");
    CHECK_INT(2, outcome.exit_code);
    CHECK_TEXT("ccdata: no dialect 'oracle'; there is sqlite\n", outcome.err);
    outcome_release(&outcome);
}

TEST(schema_follows_the_database)
{
    fake_reset();
    struct outcome outcome = run_line("schema --database sqlite:x.db");
    CHECK_INT(0, outcome.exit_code);
    CHECK(contains(outcome.out, "CREATE TABLE dim_series"));
    CHECK_INT(1, fake.opened);
    CHECK_INT(1, fake.closed);
    CHECK_TEXT("CCDATA_DATABASE_URL=sqlite:x.db\n", fake.settings);
    outcome_release(&outcome);
}

TEST(schema_as_json)
{
    fake_reset();
    struct outcome outcome = run_line("schema --dialect sqlite --json");
    json_t *root = parse(&outcome);
    CHECK_TEXT("schema", text_of(root, "command"));
    CHECK_TEXT("sqlite", text_of(root, "dialect"));
    CHECK_TEXT("CREATE TABLE dim_series (series_id INTEGER);\n", text_of(root, "sql"));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(schema_is_created)
{
    fake_reset();
    struct outcome outcome = run_line("schema --create --legacy_views");
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(1, fake.created);
    CHECK(fake.legacy_views);
    CHECK_TEXT("The database has the schema.\n", outcome.out);
    outcome_release(&outcome);
    fake_reset();
    fake.run_error = (struct ccd_error){.status = CCD_DATABASE_PERMISSION, .message = "no CREATE"};
    outcome = run_line("schema --create");
    CHECK_INT(9, outcome.exit_code);
    CHECK_TEXT("ccdata: no CREATE\n", outcome.err);
    CHECK_INT(1, fake.closed);
    outcome_release(&outcome);
}

TEST(schema_check_names_every_difference)
{
    fake_reset();
    fake.differences = two;
    fake.difference_count = 2;
    struct outcome outcome = run_line("schema --check");
    CHECK_INT(12, outcome.exit_code);
    CHECK_INT(1, fake.checked);
    CHECK_TEXT("table dim_series: has column base longtext, expected column base text\n"
               "view \"spot\": missing\n",
               outcome.out);
    CHECK(contains(outcome.err, "ccdata schema --create"));
    outcome_release(&outcome);
    outcome = run_line("schema --check --json");
    CHECK_INT(12, outcome.exit_code);
    json_t *root = parse(&outcome);
    CHECK_INT(12, json_integer_value(json_object_get(root, "exit_code")));
    CHECK_INT(2, json_integer_value(json_object_get(root, "difference_count")));
    const json_t *second = json_array_get(json_object_get(root, "differences"), 1);
    CHECK_TEXT("view \"spot\"", text_of(second, "object"));
    CHECK_TEXT("missing", text_of(second, "what"));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(schema_check_that_finds_nothing)
{
    fake_reset();
    struct outcome outcome = run_line("schema --check");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("The database is as the schema says.\n", outcome.out);
    CHECK_TEXT("", outcome.err);
    outcome_release(&outcome);
}

TEST(schema_check_that_cannot_be_made)
{
    fake_reset();
    fake.run_error = (struct ccd_error){.status = CCD_DATABASE_UNREACHABLE, .message = "no server"};
    struct outcome outcome = run_line("schema --check");
    CHECK_INT(8, outcome.exit_code);
    CHECK_TEXT("", outcome.out);
    outcome_release(&outcome);
}

TEST(schema_options_that_contradict)
{
    static const char *const lines[] = {
        "schema --create --check",
        "schema --create --dialect sqlite",
        "schema --check --dialect sqlite",
        "schema --check --legacy_views",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        fake_reset();
        struct outcome outcome = run_line(lines[i]);
        CHECK_INT(2, outcome.exit_code);
        CHECK(contains(outcome.err, "contradict each other"));
        CHECK_INT(0, fake.opened);
        outcome_release(&outcome);
    }
}
