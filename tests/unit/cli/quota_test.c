#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

static const struct ccd_quota_window WINDOWS[] = {
    {.window = "second", .limit = 10, .used = 0, .left = 10},
    {.window = "hour", .limit = 3000, .used = 3000, .left = 0},
    {.window = "month", .limit = 0, .used = 3000, .left = -1},
};
static const struct ccd_vendor_quota VENDOR[] = {
    {.block = "API_KEY", .window = "hour", .limit = 3000, .used = 2999, .left = 1},
    {.block = "AUTH_KEY", .window = "hour", .limit = 10, .used = -1, .left = -1},
};

static void tell(void)
{
    fake_reset();
    fake.quota_report = (struct ccd_quota_report){
        .now_utc_s = 1767268800,
        .vendor = "https://data-api.example.com",
        .is_known = true,
        .windows = WINDOWS,
        .window_count = 3,
        .wait_ms = 600000,
        .resume_utc_s = 1767269400,
        .wait_window = "hour",
        .exit_code = 5,
    };
}

TEST(quota_prints_windows_and_the_next_call)
{
    tell();
    fake.quota_report.vendor_checked = true;
    fake.quota_report.vendor_quota = VENDOR;
    fake.quota_report.vendor_quota_count = 2;
    struct outcome outcome = run_line("quota --check --reserve 20%");
    CHECK_INT(5, outcome.exit_code);
    CHECK(fake.quota_options.check_vendor);
    CHECK_INT(20, fake.quota_options.reserve_percent);
    CHECK_TEXT("https://data-api.example.com\n"
               "\n"
               "calls of this host  limit  used  left\n"
               "second                 10     0    10\n"
               "hour                 3000  3000     0\n"
               "month                   -  3000     -\n"
               "\n"
               "counted by the vendor  window  limit  used  left\n"
               "API_KEY                hour     3000  2999     1\n"
               "AUTH_KEY               hour       10     -     -\n"
               "\n"
               "The next call may be made in 10 min 0 s, at 2026-01-01T12:10:00Z, because of the "
               "hour.\n",
               outcome.out);
    CHECK_TEXT("ccdata: the quota of the hour is spent until 2026-01-01T12:10:00Z\n", outcome.err);
    outcome_release(&outcome);
}

TEST(quota_prints_json)
{
    tell();
    struct outcome outcome = run_line("quota --json");
    json_t *root = json_loads(outcome.out, 0, NULL);
    json_t *month = json_array_get(json_object_get(root, "windows"), 2);
    CHECK_INT(5, json_integer_value(json_object_get(root, "exit_code")));
    CHECK_TEXT("2026-01-01T12:10:00Z", json_string_value(json_object_get(root, "resume_at")));
    CHECK(json_is_null(json_object_get(month, "limit")));
    CHECK(json_is_null(json_object_get(month, "left")));
    CHECK(json_object_get(root, "vendor_windows") == NULL);
    json_decref(root);
    outcome_release(&outcome);
}

TEST(quota_refuses_what_is_no_share)
{
    static const char *const LINES[] = {"quota --reserve 91", "quota --reserve -1%",
                                        "quota --reserve %", "quota --reserve 20%%",
                                        "quota --reserve many"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        tell();
        struct outcome outcome = run_line(LINES[i]);
        CHECK_INT(2, outcome.exit_code);
        CHECK(contains(outcome.err, "0% to 90%"));
        outcome_release(&outcome);
    }
}
