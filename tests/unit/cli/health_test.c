#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

TEST(health_prints_checks_and_what_to_do)
{
    fake_reset();
    fake.clock_is_wrong = true;
    struct outcome result = run_line("health");
    CHECK_INT(12, result.exit_code);
    CHECK(strstr(result.out, "clock     failed    0  this host is 90 s behind\\x1b[1m the vendor"));
    CHECK(strstr(result.out, "What to do:\n  clock: let NTP set the clock\n"));
    CHECK(strstr(result.err, "ccdata: clock: this host is 90 s behind"));
    CHECK(!strchr(result.out, '\x1b'));
    outcome_release(&result);
}

TEST(doctor_in_json)
{
    fake_reset();
    fake.clock_is_wrong = true;
    struct outcome result = run_line("doctor --json");
    CHECK_INT(12, result.exit_code);
    json_t *document = json_loads(result.out, 0, NULL);
    json_t *checks = json_object_get(document, "checks");
    CHECK_TEXT("doctor", json_string_value(json_object_get(document, "command")));
    CHECK_TEXT("failed", json_string_value(json_object_get(document, "verdict")));
    CHECK_INT(2, json_array_size(checks));
    CHECK_TEXT("let NTP set the clock",
               json_string_value(json_object_get(json_array_get(checks, 1), "advice")));
    json_decref(document);
    outcome_release(&result);
}

TEST(health_that_cannot_be_read)
{
    fake_reset();
    error_set(&fake.run_error, CCD_NO_MEMORY, "no memory for a report of health");
    struct outcome result = run_line("health");
    CHECK_INT(3, result.exit_code);
    CHECK(strstr(result.err, "no memory for a report of health"));
    outcome_release(&result);
}
