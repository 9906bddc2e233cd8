#include "base/time.h"

enum { DAYS_PER_400_YEARS = 146097, DAYS_PER_YEAR = 365, MAX_YEAR = 9999 };

/* Days from 0000-03-01, where our count starts, to 1970-01-01. */
enum { EPOCH_DAY = 719468 };

static const char *const MONTHS[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const WEEKDAYS[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

static int64_t floor_div(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

/* A year here starts on 1 March: the leap day is its last, and month lengths follow 31,30,31,30,31.
 */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t march_year = (int64_t)year - (month <= 2);
    int march_month = (month + 9) % 12;
    int64_t cycle = floor_div(march_year, 400);
    int64_t year_of_cycle = march_year - cycle * 400;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    int64_t leap_days = year_of_cycle / 4 - year_of_cycle / 100;
    return cycle * DAYS_PER_400_YEARS + year_of_cycle * DAYS_PER_YEAR + leap_days + day_of_year -
           EPOCH_DAY;
}

int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second)
{
    return days_from_civil(year, month, day) * SECONDS_PER_DAY + (int64_t)hour * SECONDS_PER_HOUR +
           (int64_t)minute * SECONDS_PER_MINUTE + second;
}

static int64_t clamp_to_calendar(int64_t utc_s)
{
    int64_t first = time_from_civil(-MAX_YEAR, 1, 1, 0, 0, 0);
    int64_t last = time_from_civil(MAX_YEAR, 12, 31, 23, 59, 59);
    return utc_s < first ? first : utc_s > last ? last : utc_s;
}

void time_to_civil(int64_t utc_s, int *out_year, int *out_month, int *out_day, int *out_hour,
                   int *out_minute, int *out_second)
{
    utc_s = clamp_to_calendar(utc_s);
    int64_t unix_day = floor_div(utc_s, SECONDS_PER_DAY);
    int second_of_day = (int)(utc_s - unix_day * SECONDS_PER_DAY);
    int64_t days = unix_day + EPOCH_DAY;
    int64_t cycle = floor_div(days, DAYS_PER_400_YEARS);
    int day_of_cycle = (int)(days - cycle * DAYS_PER_400_YEARS);
    /* Take out the leap days (after every 4th, not every 100th, but the 400th year), then divide.
     */
    int year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 -
                         day_of_cycle / 146096) /
                        DAYS_PER_YEAR;
    int day_of_year = day_of_cycle -
                      (year_of_cycle * DAYS_PER_YEAR + year_of_cycle / 4 - year_of_cycle / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    *out_day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *out_month = march_month < 10 ? march_month + 3 : march_month - 9;
    *out_year = (int)(cycle * 400) + year_of_cycle + (*out_month <= 2);
    *out_hour = second_of_day / SECONDS_PER_HOUR;
    *out_minute = second_of_day / SECONDS_PER_MINUTE % 60;
    *out_second = second_of_day % 60;
}

static int days_in_month(int year, int month)
{
    if (month == 2) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return leap ? 29 : 28;
    }
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* A reader that fails once and stays failed: check `bad` at the end. */
struct scan {
    struct str rest;
    bool bad;
};

struct civil {
    int year, month, day, hour, minute, second;
};

static bool scan_skip(struct scan *s, struct str word)
{
    if (s->bad || !str_starts_with(s->rest, word)) {
        return false;
    }
    s->rest.ptr += word.len;
    s->rest.len -= word.len;
    return true;
}

static void scan_expect(struct scan *s, struct str word)
{
    if (!scan_skip(s, word)) {
        s->bad = true;
    }
}

static int scan_digits(struct scan *s, size_t count)
{
    int value = 0;
    if (s->rest.len < count) {
        s->bad = true;
    }
    for (size_t i = 0; i < count && !s->bad; i++) {
        char c = s->rest.ptr[i];
        s->bad = c < '0' || c > '9';
        value = value * 10 + (c - '0');
    }
    if (s->bad) {
        return 0;
    }
    s->rest.ptr += count;
    s->rest.len -= count;
    return value;
}

static bool scan_finish(const struct scan *s, const struct civil *c, int max_second,
                        int64_t *out_utc_s)
{
    if (s->bad || s->rest.len != 0 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month) || c->hour > 23 || c->minute > 59 ||
        c->second > max_second) {
        return false;
    }
    *out_utc_s = time_from_civil(c->year, c->month, c->day, c->hour, c->minute, c->second);
    return true;
}

bool time_parse_iso(struct str text, int64_t *out_utc_s, bool *out_date_only)
{
    struct scan s = {.rest = text};
    struct civil c = {0};
    c.year = scan_digits(&s, 4);
    scan_expect(&s, STR("-"));
    c.month = scan_digits(&s, 2);
    scan_expect(&s, STR("-"));
    c.day = scan_digits(&s, 2);
    bool date_only = s.rest.len == 0;
    if (!date_only) {
        if (!scan_skip(&s, STR("T"))) {
            scan_expect(&s, STR(" "));
        }
        c.hour = scan_digits(&s, 2);
        scan_expect(&s, STR(":"));
        c.minute = scan_digits(&s, 2);
        if (scan_skip(&s, STR(":"))) {
            c.second = scan_digits(&s, 2);
        }
        if (!scan_skip(&s, STR("Z"))) {
            (void)scan_skip(&s, STR("+00:00"));
        }
    }
    int64_t utc_s;
    if (!scan_finish(&s, &c, 59, &utc_s)) {
        return false;
    }
    *out_utc_s = utc_s;
    if (out_date_only) {
        *out_date_only = date_only;
    }
    return true;
}

static int scan_month(struct scan *s)
{
    for (int i = 0; i < 12; i++) {
        if (scan_skip(s, str_from(MONTHS[i]))) {
            return i + 1;
        }
    }
    s->bad = true;
    return 0;
}

static void scan_time_of_day(struct scan *s, struct civil *c)
{
    c->hour = scan_digits(s, 2);
    scan_expect(s, STR(":"));
    c->minute = scan_digits(s, 2);
    scan_expect(s, STR(":"));
    c->second = scan_digits(s, 2);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" after the weekday's comma and space. */
static void scan_fixdate(struct scan *s, struct civil *c)
{
    c->day = scan_digits(s, 2);
    scan_expect(s, STR(" "));
    c->month = scan_month(s);
    scan_expect(s, STR(" "));
    c->year = scan_digits(s, 4);
    scan_expect(s, STR(" "));
    scan_time_of_day(s, c);
    scan_expect(s, STR(" GMT"));
}

/* "Sunday, 06-Nov-94 08:49:37 GMT": obsolete before 1999, so the century is fixed and needs no
 * clock. */
static void scan_rfc850(struct scan *s, struct civil *c)
{
    c->day = scan_digits(s, 2);
    scan_expect(s, STR("-"));
    c->month = scan_month(s);
    scan_expect(s, STR("-"));
    int year = scan_digits(s, 2);
    c->year = year + (year < 70 ? 2000 : 1900);
    scan_expect(s, STR(" "));
    scan_time_of_day(s, c);
    scan_expect(s, STR(" GMT"));
}

/* "Sun Nov  6 08:49:37 1994" after the weekday's space. */
static void scan_asctime(struct scan *s, struct civil *c)
{
    c->month = scan_month(s);
    scan_expect(s, STR(" "));
    c->day = scan_skip(s, STR(" ")) ? scan_digits(s, 1) : scan_digits(s, 2);
    scan_expect(s, STR(" "));
    scan_time_of_day(s, c);
    scan_expect(s, STR(" "));
    c->year = scan_digits(s, 4);
}

bool time_parse_http(struct str text, int64_t *out_utc_s)
{
    struct scan s = {.rest = text};
    struct civil c = {0};
    bool known = false;
    for (int i = 0; i < 7 && !known; i++) {
        struct str full = str_from(WEEKDAYS[i]);
        bool is_full = scan_skip(&s, full);
        if (!is_full && !scan_skip(&s, (struct str){full.ptr, 3})) {
            continue;
        }
        known = true;
        if (is_full) {
            scan_expect(&s, STR(", "));
            scan_rfc850(&s, &c);
        } else if (scan_skip(&s, STR(", "))) {
            scan_fixdate(&s, &c);
        } else {
            scan_expect(&s, STR(" "));
            scan_asctime(&s, &c);
        }
    }
    /* RFC 9110 allows a leap second; the one that ends the last year is outside our calendar. */
    int64_t utc_s;
    bool good = known && scan_finish(&s, &c, 60, &utc_s) && utc_s == clamp_to_calendar(utc_s);
    if (good) {
        *out_utc_s = utc_s;
    }
    return good;
}

char *time_format_iso(int64_t utc_s, char out[32])
{
    int year, month, day, hour, minute, second;
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    (void)str_print(out, 32, "%s%04d-%02d-%02dT%02d:%02d:%02dZ", year < 0 ? "-" : "",
                    year < 0 ? -year : year, month, day, hour, minute, second);
    return out;
}

char *time_format_short(int64_t utc_s, char out[32])
{
    if (time_floor(utc_s, SECONDS_PER_DAY) != utc_s) {
        return time_format_iso(utc_s, out);
    }
    int year, month, day, hour, minute, second;
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    (void)str_print(out, 32, "%s%04d-%02d-%02d", year < 0 ? "-" : "", year < 0 ? -year : year,
                    month, day);
    return out;
}

char *time_format_http(int64_t utc_s, char out[32])
{
    int year, month, day, hour, minute, second;
    utc_s = clamp_to_calendar(utc_s);
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    int64_t unix_day = floor_div(utc_s, SECONDS_PER_DAY);
    int weekday = (int)(unix_day + 4 - floor_div(unix_day + 4, 7) * 7); /* day 0 was a Thursday */
    (void)str_print(out, 32, "%.3s, %02d %s %s%04d %02d:%02d:%02d GMT", WEEKDAYS[weekday], day,
                    MONTHS[month - 1], year < 0 ? "-" : "", year < 0 ? -year : year, hour, minute,
                    second);
    return out;
}

/* Both stop at the last multiple that fits. */
int64_t time_floor(int64_t utc_s, int64_t step_s)
{
    int64_t down = utc_s % step_s;
    down += down < 0 ? step_s : 0;
    int64_t result;
    return __builtin_sub_overflow(utc_s, down, &result) ? utc_s + (step_s - down) : result;
}

int64_t time_ceil(int64_t utc_s, int64_t step_s)
{
    int64_t down = time_floor(utc_s, step_s);
    int64_t result;
    return down >= utc_s || __builtin_add_overflow(down, step_s, &result) ? down : result;
}
