#include <time.h>

#include "base/hash.h"
#include "base/time.h"
#include "test.h"

static int64_t parse_iso(const char *text)
{
    int64_t utc_s = -12345;
    bool date_only = false;
    return time_parse_iso(str_from(text), &utc_s, &date_only) ? utc_s : -12345;
}

static int64_t parse_http(const char *text)
{
    int64_t utc_s = -12345;
    return time_parse_http(str_from(text), &utc_s) ? utc_s : -12345;
}

TEST(time_known_days)
{
    CHECK_INT(0, time_from_civil(1970, 1, 1, 0, 0, 0));
    CHECK_INT(951782400, time_from_civil(2000, 2, 29, 0, 0, 0));
    CHECK_INT(951868800, time_from_civil(2000, 3, 1, 0, 0, 0));
    CHECK_INT(1709210707, time_from_civil(2024, 2, 29, 12, 45, 7));
    CHECK_INT(-1, time_from_civil(1969, 12, 31, 23, 59, 59));
    CHECK_INT(-2203891200, time_from_civil(1900, 3, 1, 0, 0, 0));
    CHECK_INT(-2203891200 - 86400,
              time_from_civil(1900, 2, 28, 0, 0, 0)); /* 1900 was no leap year */
    CHECK_INT(4107542400, time_from_civil(2100, 3, 1, 0, 0, 0));
    CHECK_INT(-62167219200, time_from_civil(0, 1, 1, 0, 0, 0));
    CHECK_INT(253402300799, time_from_civil(9999, 12, 31, 23, 59, 59));
    CHECK_INT(2147483648, time_from_civil(2038, 1, 19, 3, 14, 8));
}

TEST(time_agrees_with_the_c_library)
{
    struct rng rng = {.state = 7};
    for (int i = 0; i < 20000; i++) {
        /* Years -9999 … 9999. */
        int64_t utc_s = (int64_t)rng_below(&rng, 631107417600) - 377705116800;
        time_t libc_s = (time_t)utc_s;
        struct tm expected;
        if (!gmtime_r(&libc_s, &expected)) {
            continue;
        }
        int year, month, day, hour, minute, second;
        time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
        CHECK_INT(expected.tm_year + 1900, year);
        CHECK_INT(expected.tm_mon + 1, month);
        CHECK_INT(expected.tm_mday, day);
        CHECK_INT(expected.tm_hour, hour);
        CHECK_INT(expected.tm_min, minute);
        CHECK_INT(expected.tm_sec, second);
        CHECK_INT(utc_s, time_from_civil(year, month, day, hour, minute, second));
    }
}

TEST(time_every_day_of_400_years_round_trips)
{
    int64_t utc_s = time_from_civil(1800, 1, 1, 0, 0, 0);
    int64_t end = time_from_civil(2200, 1, 1, 0, 0, 0);
    CHECK_INT(146097, (end - utc_s) / SECONDS_PER_DAY);
    for (; utc_s < end; utc_s += SECONDS_PER_DAY) {
        int year, month, day, hour, minute, second;
        time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
        CHECK(utc_s == time_from_civil(year, month, day, hour, minute, second));
    }
}

TEST(time_iso_forms)
{
    CHECK_INT(1709164800, parse_iso("2024-02-29"));
    CHECK_INT(1709211900, parse_iso("2024-02-29T13:05"));
    CHECK_INT(1709211907, parse_iso("2024-02-29T13:05:07"));
    CHECK_INT(1709211907, parse_iso("2024-02-29T13:05:07Z"));
    CHECK_INT(1709211907, parse_iso("2024-02-29 13:05:07+00:00"));
    CHECK_INT(1709211900, parse_iso("2024-02-29 13:05Z"));
    CHECK_INT(-62167219200, parse_iso("0000-01-01"));
    bool date_only = false;
    int64_t utc_s;
    CHECK(time_parse_iso(STR("2024-02-29"), &utc_s, &date_only) && date_only);
    CHECK(time_parse_iso(STR("2024-02-29T00:00"), &utc_s, &date_only) && !date_only);
    CHECK(time_parse_iso(STR("2024-02-29"), &utc_s, NULL));
}

TEST(time_iso_refused)
{
    static const char *const BAD[] = {
        "",
        "2023-02-29",
        "1900-02-29",
        "2024-00-10",
        "2024-13-10",
        "2024-04-31",
        "2024-01-00",
        "2024-1-1",
        "24-01-01",
        "20240101",
        "2024-01-01T",
        "2024-01-01T24:00",
        "2024-01-01T23:60",
        "2024-01-01T23:59:60",
        "2024-01-01T1:00",
        "2024-01-01T10",
        "2024-01-01Z",
        "2024-01-01T10:00:00+01:00",
        "2024-01-01T10:00:00Z ",
        " 2024-01-01",
        "2024-01-01T10:00:00.5Z",
        "2024-01-01X10:00",
        "2024-01-01T10:00:",
        "-024-01-01",
        "2024/01/01",
        "now",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (parse_iso(BAD[i]) != -12345) {
            CHECK_TEXT("refused", BAD[i]);
        }
    }
    int64_t utc_s = 5;
    bool date_only = true;
    CHECK(!time_parse_iso((struct str){NULL, 0}, &utc_s, &date_only));
    CHECK(!time_parse_iso(STR("2024-01-01T99:00"), &utc_s, &date_only));
    CHECK_INT(5, utc_s);
    CHECK(date_only);
}

TEST(time_http_forms)
{
    CHECK_INT(784111777, parse_http("Sun, 06 Nov 1994 08:49:37 GMT"));
    CHECK_INT(784111777, parse_http("Sunday, 06-Nov-94 08:49:37 GMT"));
    CHECK_INT(784111777, parse_http("Sun Nov  6 08:49:37 1994"));
    CHECK_INT(1700000000, parse_http("Tue, 14 Nov 2023 22:13:20 GMT"));
    CHECK_INT(1700000000, parse_http("Tue Nov 14 22:13:20 2023"));
    CHECK_INT(1700000000, parse_http("Tuesday, 14-Nov-23 22:13:20 GMT"));
    CHECK_INT(1483228800, parse_http("Sat, 31 Dec 2016 23:59:60 GMT")); /* leap second */
    CHECK_INT(-12345, parse_http("Fri, 31 Dec 9999 23:59:60 GMT"));     /* after the calendar */
    CHECK_INT(0, parse_http("Thursday, 01-Jan-70 00:00:00 GMT"));
    CHECK_INT(3155673600, parse_http("Tuesday, 31-Dec-69 00:00:00 GMT")); /* 2069 */
}

TEST(time_http_refused)
{
    static const char *const BAD[] = {
        "",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 ",
        "784111777",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (parse_http(BAD[i]) != -12345) {
            CHECK_TEXT("refused", BAD[i]);
        }
    }
}

TEST(time_formats)
{
    char out[32];
    CHECK_TEXT("2024-02-29T13:05:07Z", time_format_iso(1709211907, out));
    CHECK_TEXT("2024-02-29", time_format_short(1709164800, out));
    CHECK_TEXT("2024-02-29T00:00:01Z", time_format_short(1709164801, out));
    CHECK_TEXT("1969-12-31", time_format_short(-86400, out));
    CHECK_TEXT("1969-12-31T23:59:59Z", time_format_iso(-1, out));
    CHECK_TEXT("Sun, 06 Nov 1994 08:49:37 GMT", time_format_http(784111777, out));
    CHECK_TEXT("Thu, 01 Jan 1970 00:00:00 GMT", time_format_http(0, out));
    CHECK_TEXT("Wed, 31 Dec 1969 23:59:59 GMT", time_format_http(-1, out));
    CHECK_TEXT("9999-12-31T23:59:59Z", time_format_iso(INT64_MAX, out));
    CHECK_TEXT("-9999-01-01T00:00:00Z", time_format_iso(INT64_MIN, out));
    CHECK_TEXT("Fri, 31 Dec 9999 23:59:59 GMT", time_format_http(INT64_MAX, out));
    CHECK_TEXT("9999-12-31T23:59:59Z", time_format_short(INT64_MAX, out));
}

TEST(time_rounding)
{
    CHECK_INT(86400, time_floor(86400, 86400));
    CHECK_INT(86400, time_floor(172799, 86400));
    CHECK_INT(-86400, time_floor(-1, 86400));
    CHECK_INT(-86400, time_floor(-86400, 86400));
    CHECK_INT(0, time_floor(0, 60));
    CHECK_INT(86400, time_ceil(1, 86400));
    CHECK_INT(86400, time_ceil(86400, 86400));
    CHECK_INT(0, time_ceil(-1, 86400));
    CHECK_INT(-86400, time_ceil(-86400, 86400));
    CHECK_INT(-86400, time_ceil(-86401, 86400));
    CHECK_INT(7, time_floor(7, 1));
    CHECK_INT(7, time_ceil(7, 1));
}

TEST(time_rounding_at_the_ends)
{
    static const int64_t STEPS[] = {1, 7, 60, 3600, 86400, INT64_MAX};
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        CHECK_INT(0, time_floor(INT64_MIN, STEPS[i]) % STEPS[i]);
        CHECK_INT(0, time_ceil(INT64_MIN, STEPS[i]) % STEPS[i]);
        CHECK_INT(0, time_floor(INT64_MAX, STEPS[i]) % STEPS[i]);
        CHECK_INT(0, time_ceil(INT64_MAX, STEPS[i]) % STEPS[i]);
        CHECK(time_floor(INT64_MAX, STEPS[i]) > INT64_MAX - STEPS[i]);
    }
}
