#include <jansson.h>
#include <string.h>

#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

TEST(config_prints_values_and_sources)
{
    fake_reset();
    fake.log_level = "DEBUG";
    struct outcome outcome = run_line("config");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("setting              value  from\n"
               "LOG_LEVEL            DEBUG  environment\n"
               "CCDATA_API_KEY       -\n"
               "LOG_CONSOLE_ENABLED  true   environment\n",
               outcome.out);
    outcome_release(&outcome);
}

TEST(config_prints_json)
{
    fake_reset();
    struct outcome outcome = run_line("config --json");
    json_t *root = json_loads(outcome.out, 0, NULL);
    json_t *key = json_array_get(json_object_get(root, "settings"), 1);
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("CCDATA_API_KEY", json_string_value(json_object_get(key, "name")));
    CHECK(json_is_true(json_object_get(key, "secret")));
    CHECK(json_is_null(json_object_get(key, "value")));
    json_decref(root);
    outcome_release(&outcome);
}

TEST(config_check_says_that_it_is_valid_or_why_not)
{
    fake_reset();
    struct outcome outcome = run_line("config check");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("The configuration is valid.\n", outcome.out);
    outcome_release(&outcome);
    error_set(&fake.open_error, CCD_CONFIG, ".env:3: LOG_LEVLE is not a setting");
    outcome = run_line("config check");
    CHECK_INT(2, outcome.exit_code);
    CHECK_TEXT("ccdata: .env:3: LOG_LEVLE is not a setting\n", outcome.err);
    outcome_release(&outcome);
    fake_reset();
    outcome = run_line("config chekc");
    CHECK_INT(2, outcome.exit_code);
    outcome_release(&outcome);
}
