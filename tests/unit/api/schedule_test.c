#include "api/schedule.h"

#include <ccdata/ccdata.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "test.h"

static int64_t at(const char *iso)
{
    int64_t utc_s = 0;
    bool date_only;
    CHECK(time_parse_iso(str_from(iso), &utc_s, &date_only));
    return utc_s;
}

static void check_next(const char *every, const char *cron, const char *after, const char *expected)
{
    struct ccd_job job = CCD_JOB_INIT;
    struct ccd_error err = {0};
    char shown[32];
    int64_t next = 0;
    job.every = every;
    job.cron = cron;
    CHECK_INT(0, ccd_schedule_next(&job, at(after), 360, &next, &err));
    CHECK_TEXT(expected, time_format_iso(next, shown));
}

TEST(schedule_every_starts_when_its_period_is_final)
{
    check_next("1h", NULL, "2026-03-01T12:00", "2026-03-01T12:06:00Z");
    check_next("1h", NULL, "2026-03-01T12:06", "2026-03-01T13:06:00Z");
    check_next("1h", NULL, "2026-03-01T12:05:59", "2026-03-01T12:06:00Z");
    check_next("1d", NULL, "2026-03-01T23:00", "2026-03-02T00:06:00Z");
    check_next("15m", NULL, "2026-12-31T23:55", "2027-01-01T00:06:00Z");
    check_next("2s", NULL, "2026-03-01T12:00:01", "2026-03-01T12:00:02Z");
}

TEST(schedule_cron_times)
{
    check_next(NULL, "0 2 * * *", "2026-03-01T02:00", "2026-03-02T02:00:00Z");
    check_next(NULL, "0 2 * * *", "2026-03-01T01:59:59", "2026-03-01T02:00:00Z");
    check_next(NULL, "0 3 * * 0", "2026-03-02T00:00", "2026-03-08T03:00:00Z");
    check_next(NULL, "0 3 * * 7", "2026-03-02T00:00", "2026-03-08T03:00:00Z");
    check_next(NULL, "0 3 * * sun", "2026-03-02T00:00", "2026-03-08T03:00:00Z");
    check_next(NULL, "*/15 * * * *", "2026-03-01T12:44", "2026-03-01T12:45:00Z");
    check_next(NULL, "5-10/2,50 8 * * *", "2026-03-01T08:09", "2026-03-01T08:50:00Z");
    check_next(NULL, "30 6 31 * *", "2026-03-31T07:00", "2026-05-31T06:30:00Z");
    check_next(NULL, "0 0 29 2 *", "2026-03-01T00:00", "2028-02-29T00:00:00Z");
    check_next(NULL, "0 0 29 feb *", "2096-03-01T00:00", "2104-02-29T00:00:00Z");
    check_next(NULL, "0 0 1 jan *", "2026-01-01T00:00", "2027-01-01T00:00:00Z");
    check_next(NULL, "@monthly", "2026-12-15T00:00", "2027-01-01T00:00:00Z");
    check_next(NULL, "@Hourly", "2026-12-31T23:00", "2027-01-01T00:00:00Z");
    check_next(NULL, "0 12 13 * 5", "2026-03-01T00:00", "2026-03-06T12:00:00Z"); /* either day */
    check_next(NULL, "0 0 * * mon-fri", "2026-02-27T00:00", "2026-03-02T00:00:00Z");
    check_next(NULL, "59 23 * * *", "1969-12-31T00:00", "1969-12-31T23:59:00Z");
}

static void check_refused(const char *every, const char *cron, const char *part)
{
    struct ccd_job job = CCD_JOB_INIT;
    struct ccd_error err = {0};
    int64_t next = 0;
    job.every = every;
    job.cron = cron;
    CHECK_INT(CCD_USAGE, ccd_schedule_next(&job, 0, 360, &next, &err));
    if (!CHECK(strstr(err.message, part)))
        CHECK_TEXT(part, err.message);
}

TEST(schedule_refuses_times_that_overflow)
{
    static const int64_t afters[] = {INT64_MIN, INT64_MAX, INT64_MAX - 60, INT64_C(253402300800)};
    struct ccd_job jobs[2] = {CCD_JOB_INIT, CCD_JOB_INIT};
    jobs[0].every = "1h";
    jobs[1].cron = "* * * * *";
    for (size_t i = 0; i < sizeof afters / sizeof *afters; i++) {
        for (int k = 0; k < 2; k++) {
            struct ccd_error err = {0};
            int64_t next = 0;
            CHECK_INT(CCD_USAGE, ccd_schedule_next(&jobs[k], afters[i], 360, &next, &err));
            CHECK_INT(CCD_USAGE, ccd_schedule_next(&jobs[k], 0, INT64_MAX, &next, &err));
        }
    }
}

TEST(schedule_refuses_what_is_none)
{
    static const char *const none[] = {"",    "h",    "0h",  "-1h",         "1",   "1y", "1.5h",
                                       "1 h", "400d", "01h", "9999999999s", "+1h", "1H"};
    static const char *const crons[] = {"",
                                        "* * * *",
                                        "60 * * * *",
                                        "* 24 * * *",
                                        "* * 0 * *",
                                        "* * 32 * *",
                                        "* * * 13 *",
                                        "* * * * 8",
                                        "*/0 * * * *",
                                        "5-1 * * * *",
                                        "1, * * * *",
                                        ",1 * * * *",
                                        "-1 * * * *",
                                        "x * * * *",
                                        "1/ * * * *",
                                        "* * * * fri-mon",
                                        "1-2-3 * * * *",
                                        "99999999999 * * * *",
                                        "@often"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        check_refused(none[i], NULL, "every");
    for (size_t i = 0; i < sizeof crons / sizeof *crons; i++)
        check_refused(NULL, crons[i], "cron");
    check_refused(NULL, "* * * * * *", "more than five");
    check_refused(NULL, "0 0 30 2 *", "never comes");
    check_refused(NULL, "0 0 31 4,6,9,11 *", "never comes");
    check_refused("1h", "* * * * *", "exclude");
    check_refused(NULL, NULL, "no \"every\"");
}

/* Any schedule: the next start lies ahead, is a minute that matches, and none between does. */
TEST(schedule_cron_property)
{
    struct rng rng = {20261127};
    for (int i = 0; i < 2000; i++) {
        struct cron cron = {
            .minutes = rng_next(&rng) & rng_next(&rng) & ((UINT64_C(1) << 60) - 1),
            .hours = (uint32_t)rng_next(&rng) & 0xffffff,
            .days = (uint32_t)rng_next(&rng) & (uint32_t)rng_next(&rng) & 0xfffffffe,
            .months = (uint32_t)rng_next(&rng) & 0x1ffe,
            .weekdays = (uint32_t)rng_next(&rng) & 0x7f,
            .any_weekday = rng_below(&rng, 2),
        };
        int64_t after = (int64_t)rng_below(&rng, UINT64_C(4000000000));
        int64_t next = schedule_next_cron(&cron, after);
        if (next == INT64_MAX)
            continue;
        CHECK(next > after && next % 60 == 0);
        CHECK_INT(next, schedule_next_cron(&cron, next - 60));
        CHECK_INT(next, schedule_next_cron(&cron, next - 1));
        if (next - after > 7200)
            CHECK_INT(next, schedule_next_cron(&cron, after + (next - after) / 2));
    }
}
