#include "api/schedule.h"

#include <ccdata/ccdata.h>

#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"

enum {
    FIELDS = 5,
    /* 29 February on a given weekday comes back within 40 years, around 2100 too. */
    DAYS_SEARCHED = 40 * 366,
};

/* ---- every ---- */

static const struct {
    char letter;
    int64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};

bool schedule_parse_every(struct str text, int64_t *out_s)
{
    int64_t count = 0;
    struct str digits = {text.ptr, text.len > 0 ? text.len - 1 : 0};
    if (digits.len == 0 || digits.len > 9 || digits.ptr[0] < '1' || digits.ptr[0] > '9' ||
        !str_to_i64(digits, &count))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (text.ptr[text.len - 1] != units[i].letter)
            continue;
        *out_s = count * units[i].seconds;
        return *out_s <= SCHEDULE_EVERY_MAX_S;
    }
    return false;
}

/* ---- cron ---- */

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct field {
    const char *name;
    int least, most;
    const char *const *words; /* NULL = none; word i stands for least + i */
    size_t word_count;
};
static const struct field fields[FIELDS] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of the month", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, 12},
    {"day of the week", 0, 7, day_names, 7}, /* 0 and 7 are Sunday */
};

static bool parse_number(const struct field *field, struct str text, int *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < field->word_count; i++) {
        if (str_equal_nocase(text, str_from(field->words[i]))) {
            *out = field->least + (int)i;
            return true;
        }
    }
    bool digits = text.len > 0 && text.len <= 4 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
    if (!digits || !str_to_i64(text, &number) || number < field->least || number > field->most)
        return false;
    *out = (int)number;
    return true;
}

/* One of the parts between commas: "*", "5", "1-5", each with "/2" behind it. */
static bool parse_part(const struct field *field, struct str part, uint64_t *bits)
{
    struct str rest = part;
    bool has_step = memchr(part.ptr, '/', part.len) != NULL;
    struct str range = str_split(&rest, '/');
    int64_t step = 1;
    int from = field->least, to = field->most;
    bool good_step = !has_step || (rest.len > 0 && rest.len <= 4 && rest.ptr[0] >= '1' &&
                                   rest.ptr[0] <= '9' && str_to_i64(rest, &step));
    if (!good_step)
        return false;
    if (!str_equal(range, STR("*"))) {
        bool has_end = memchr(range.ptr, '-', range.len) != NULL;
        struct str end = range;
        struct str start = str_split(&end, '-');
        if (!parse_number(field, start, &from))
            return false;
        to = has_step ? field->most : from;
        if (has_end && (!parse_number(field, end, &to) || to < from))
            return false;
    }
    for (int64_t value = from; value <= to; value += step)
        *bits |= UINT64_C(1) << value;
    return true;
}

static bool parse_field(const struct field *field, struct str text, uint64_t *out_bits)
{
    *out_bits = 0;
    if (text.len == 0 || text.ptr[text.len - 1] == ',')
        return false;
    while (text.len > 0)
        if (!parse_part(field, str_split(&text, ','), out_bits))
            return false;
    return true;
}

static struct str macro_of(struct str text)
{
    static const struct {
        const char *name, *fields;
    } macros[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                  {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                  {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++)
        if (str_equal_nocase(text, str_from(macros[i].name)))
            return str_from(macros[i].fields);
    return text;
}

static struct str next_word(struct str *rest)
{
    size_t len = 0;
    while (rest->len > 0 && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t'))
        *rest = (struct str){rest->ptr + 1, rest->len - 1};
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
        len++;
    struct str word = {rest->ptr, len};
    *rest = (struct str){rest->ptr + len, rest->len - len};
    return word;
}

int schedule_parse_cron(struct str text, struct cron *out, struct ccd_error *err)
{
    uint64_t bits[FIELDS];
    bool any[FIELDS];
    struct str rest = macro_of(str_trim(text));
    for (int i = 0; i < FIELDS; i++) {
        struct str word = next_word(&rest);
        any[i] = word.len > 0 && word.ptr[0] == '*';
        if (!parse_field(&fields[i], word, &bits[i]))
            return error_set(err, CCD_USAGE,
                             "cron: the %s \"%.*s\" is not %d to %d, *, a list or a range of them",
                             fields[i].name, (int)(word.len < 40 ? word.len : 40), word.ptr,
                             fields[i].least, fields[i].most);
    }
    if (str_trim(rest).len > 0)
        return error_set(err, CCD_USAGE,
                         "cron: more than five fields (minute hour day month weekday)");
    *out = (struct cron){
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
        .any_day = any[2],
        .any_weekday = any[4],
    };
    return 0;
}

/* As every cron has it: with both fields set, either day will do. */
static bool is_day(const struct cron *cron, int64_t day_ts)
{
    int year, month, day, hour, minute, second;
    time_to_civil(day_ts, &year, &month, &day, &hour, &minute, &second);
    int64_t days = time_floor(day_ts, SECONDS_PER_DAY) / SECONDS_PER_DAY;
    int weekday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    bool by_month = cron->days >> day & 1, by_week = cron->weekdays >> weekday & 1;
    bool is_right = cron->any_day || cron->any_weekday ? by_month && by_week : by_month || by_week;
    return (cron->months >> month & 1) && is_right;
}

/* The first minute of a day that is not before `from_s` of it; -1 = none. */
static int64_t minute_of(const struct cron *cron, int64_t from_s)
{
    for (int64_t s = from_s; s < SECONDS_PER_DAY; s += SECONDS_PER_MINUTE) {
        int64_t hour = s / SECONDS_PER_HOUR, minute = s / SECONDS_PER_MINUTE % 60;
        if ((cron->hours >> hour & 1) && (cron->minutes >> minute & 1))
            return s;
    }
    return -1;
}

int64_t schedule_next_cron(const struct cron *cron, int64_t after_utc_s)
{
    int64_t first = time_floor(after_utc_s, SECONDS_PER_MINUTE) + SECONDS_PER_MINUTE;
    int64_t day_ts = time_floor(first, SECONDS_PER_DAY);
    for (int i = 0; i < DAYS_SEARCHED; i++, day_ts += SECONDS_PER_DAY) {
        int64_t s = is_day(cron, day_ts) ? minute_of(cron, i == 0 ? first - day_ts : 0) : -1;
        if (s >= 0)
            return day_ts + s;
    }
    return INT64_MAX;
}

/* ---- both ---- */

/* Years that have four digits: nothing below overflows. */
static const int64_t utc_min_s = INT64_C(-62135596800), utc_max_s = INT64_C(253402300799);

bool ccd_schedule_is_set(const struct ccd_job *job)
{
    return job->every || job->cron;
}

int ccd_schedule_next(const struct ccd_job *job, int64_t after_utc_s, int64_t settle_s,
                      int64_t *out_utc_s, struct ccd_error *err)
{
    int64_t every_s = 0;
    struct cron cron;
    if (after_utc_s < utc_min_s || after_utc_s > utc_max_s || settle_s < 0 ||
        settle_s > SCHEDULE_EVERY_MAX_S)
        return error_set(
            err, CCD_USAGE,
            "a start is looked for in the years 1 to 9999, settled for a year at most");
    if (job->every && job->cron)
        return error_set(err, CCD_USAGE, "\"every\" and \"cron\" exclude each other");
    if (job->every) {
        if (!schedule_parse_every(str_from(job->every), &every_s))
            return error_set(err, CCD_USAGE,
                             "every \"%.40s\": write a number and s, m, h, d or w, like 15m; at "
                             "most a year",
                             job->every);
        *out_utc_s = time_floor(after_utc_s - settle_s, every_s) + every_s + settle_s;
        return 0;
    }
    if (!job->cron)
        return error_set(err, CCD_USAGE, "no \"every\" and no \"cron\"");
    if (schedule_parse_cron(str_from(job->cron), &cron, err) != 0)
        return (int)err->status;
    *out_utc_s = schedule_next_cron(&cron, after_utc_s);
    return *out_utc_s == INT64_MAX
               ? error_set(err, CCD_USAGE, "cron \"%.80s\" never comes: there is no such day",
                           job->cron)
               : 0;
}
