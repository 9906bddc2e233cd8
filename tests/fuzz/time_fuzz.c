/* Dates and times as servers and people write them. What is taken is printed and read back as the
 * same moment, and stands in the range of our calendar. */
#include <string.h>

#include "base/time.h"
#include "fuzz.h"

static void check_civil(int64_t utc_s)
{
    int year, month, day, hour, minute, second;
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    PROMISE(year >= 0 && year <= 9999);
    PROMISE(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    PROMISE(hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59);
    PROMISE(second >= 0 && second <= 59);
    PROMISE(time_from_civil(year, month, day, hour, minute, second) == utc_s);
}

static void check_http(struct str text)
{
    char printed[32];
    int64_t utc_s = INT64_MIN;
    int64_t again = INT64_MIN;
    if (!time_parse_http(text, &utc_s))
        return;
    check_civil(utc_s);
    PROMISE(time_parse_http(str_from(time_format_http(utc_s, printed)), &again));
    PROMISE(again == utc_s);
}

static void check_iso(struct str text)
{
    char printed[32];
    int64_t utc_s = INT64_MIN;
    int64_t again = INT64_MIN;
    bool date_only = false;
    if (!time_parse_iso(text, &utc_s, &date_only))
        return;
    check_civil(utc_s);
    PROMISE(!date_only || utc_s % SECONDS_PER_DAY == 0);
    PROMISE(time_parse_iso(str_from(time_format_iso(utc_s, printed)), &again, &date_only));
    PROMISE(again == utc_s && !date_only);
    PROMISE(time_parse_iso(str_from(time_format_short(utc_s, printed)), &again, &date_only));
    PROMISE(again == utc_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    PROMISE(copy);
    memcpy(copy, bytes, len);
    check_http((struct str){copy, len});
    check_iso((struct str){copy, len});
    free(copy);
    return 0;
}
