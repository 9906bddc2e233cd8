#include "decode/headers.h"

#include "base/time.h"

const int64_t rate_window_s[RATE_WINDOW_COUNT] = {
    [RATE_SECOND] = 1,
    [RATE_MINUTE] = SECONDS_PER_MINUTE,
    [RATE_HOUR] = SECONDS_PER_HOUR,
    [RATE_DAY] = SECONDS_PER_DAY,
    [RATE_MONTH] = 30 * SECONDS_PER_DAY,
};

const char *const rate_window_names[RATE_WINDOW_COUNT] = {
    [RATE_SECOND] = "second", [RATE_MINUTE] = "minute", [RATE_HOUR] = "hour",
    [RATE_DAY] = "day",       [RATE_MONTH] = "month",
};

enum {
    /* The longest wait that a window can ask for is a month of 31 days; a day more for clocks that
       disagree. */
    RESET_MAX_S = 32 * SECONDS_PER_DAY,
    /* A longer Retry-After or max-age means "not soon" all the same. */
    WAIT_MAX_S = 366 * SECONDS_PER_DAY,
};

void reply_headers_init(struct reply_headers *h)
{
    *h = (struct reply_headers){.retry_after_s = -1, .json = true, .age_max_s = -1};
    for (int i = 0; i < RATE_WINDOW_COUNT; i++) {
        h->remaining[i] = -1;
        h->reset_s[i] = -1;
        h->limit[i] = -1;
    }
}

/* Digits only (a sign is not a delta-seconds of RFC 9110); a number that is too large is `max`. -1
 * = malformed. */
static int64_t parse_seconds(struct str text, int64_t max)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';
        if (digit > 9)
            return -1;
        value = value * 10 + digit;
        value = value < max ? value : max;
    }
    return text.len > 0 ? value : -1;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A date is measured against the sender's own clock, when it is known. Either header may come
 * first. */
static void resolve_retry_date(struct reply_headers *h, int64_t now_utc_s)
{
    if (h->retry_at_utc_s != 0) {
        int64_t from = h->date_utc_s != 0 ? h->date_utc_s : now_utc_s;
        h->retry_after_s = clamp(h->retry_at_utc_s - from, 0, WAIT_MAX_S);
    }
}

static void add_retry_after(struct reply_headers *h, struct str value, int64_t now_utc_s)
{
    h->retry_at_utc_s = 0;
    h->retry_after_s = parse_seconds(value, WAIT_MAX_S);
    if (h->retry_after_s < 0 && time_parse_http(value, &h->retry_at_utc_s))
        resolve_retry_date(h, now_utc_s);
}

static void add_date(struct reply_headers *h, struct str value, int64_t now_utc_s)
{
    int64_t date = 0;
    if (time_parse_http(value, &date) && date > 0) {
        h->date_utc_s = date;
        resolve_retry_date(h, now_utc_s);
    }
}

static int find_window(int64_t window_s)
{
    for (int i = 0; i < RATE_WINDOW_COUNT; i++)
        if (rate_window_s[i] == window_s)
            return i;
    return -1;
}

/* "33;window=60": false when it is not of that shape or of no window that we know. */
static bool parse_window(struct str item, int *out_window, int64_t *out_value)
{
    struct str value = str_trim(str_split(&item, ';'));
    struct str name = str_trim(str_split(&item, '='));
    int64_t window_s = 0;
    if (!str_equal_nocase(name, STR("window")) || !str_to_i64(str_trim(item), &window_s) ||
        !str_to_i64(value, out_value))
        return false;
    *out_window = find_window(window_s);
    return *out_window >= 0;
}

/* "1220397, 1;window=1, 33;window=60, …" (CONTRACT.md §7, recorded). The leading total has no
 * window and is passed over. Negative values become `below_zero`. */
static void add_windows(int64_t values[RATE_WINDOW_COUNT], struct str list, int64_t below_zero,
                        int64_t max)
{
    while (list.len > 0) {
        struct str item = str_trim(str_split(&list, ','));
        int window = 0;
        int64_t value = 0;
        if (parse_window(item, &window, &value))
            values[window] = value < 0 ? below_zero : value <= max ? value : -1;
    }
}

static void add_encoding(struct reply_headers *h, struct str list)
{
    while (list.len > 0) {
        struct str coding = str_trim(str_split(&list, ','));
        bool is_gzip = str_equal_nocase(coding, STR("gzip")) ||
                       str_equal_nocase(coding, STR("x-gzip"));
        if (is_gzip && !h->gzip)
            h->gzip = true;
        else if (coding.len > 0 && !str_equal_nocase(coding, STR("identity")))
            h->unknown_encoding = true; /* gzip of gzip too */
    }
}

static bool ends_with_nocase(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           str_equal_nocase((struct str){s.ptr + s.len - suffix.len, suffix.len}, suffix);
}

static void add_content_type(struct reply_headers *h, struct str value)
{
    struct str type = str_trim(str_split(&value, ';'));
    h->json = type.len == 0 || str_equal_nocase(type, STR("application/json")) ||
              str_equal_nocase(type, STR("text/json")) || ends_with_nocase(type, STR("+json"));
}

static void add_cache_control(struct reply_headers *h, struct str list)
{
    while (list.len > 0) {
        struct str value = str_split(&list, ',');
        struct str name = str_trim(str_split(&value, '='));
        if (str_equal_nocase(name, STR("max-age")))
            h->age_max_s = parse_seconds(str_trim(value), WAIT_MAX_S);
    }
}

void reply_headers_add(struct reply_headers *h, struct str line, int64_t now_utc_s)
{
    if (str_starts_with_nocase(line, STR("HTTP/"))) {
        reply_headers_init(h);
        return;
    }
    if (str_find(line, STR(":")) == SIZE_MAX)
        return;
    struct str value = line;
    struct str name = str_split(&value, ':');
    value = str_trim(value);
    if (str_equal_nocase(name, STR("Date")))
        add_date(h, value, now_utc_s);
    else if (str_equal_nocase(name, STR("Retry-After")))
        add_retry_after(h, value, now_utc_s);
    else if (str_equal_nocase(name, STR("X-RateLimit-Remaining-All")))
        add_windows(h->remaining, value, 0, INT64_MAX); /* overdrawn = none left */
    else if (str_equal_nocase(name, STR("X-RateLimit-Reset-All")))
        add_windows(h->reset_s, value, -1, RESET_MAX_S);
    else if (str_equal_nocase(name, STR("X-RateLimit-Limit")) ||
             str_equal_nocase(name, STR("X-RateLimit-Limit-All")))
        add_windows(h->limit, value, -1, INT64_MAX);
    else if (str_equal_nocase(name, STR("Content-Encoding")))
        add_encoding(h, value);
    else if (str_equal_nocase(name, STR("Content-Type")))
        add_content_type(h, value);
    else if (str_equal_nocase(name, STR("Cache-Control")))
        add_cache_control(h, value);
}
