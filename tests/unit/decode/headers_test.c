#include "decode/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { NOW = 1700000000 }; /* Tue, 14 Nov 2023 22:13:20 GMT */

/* Lines are copied to memory that ends where they end. */
static void add(struct reply_headers *h, const char *line)
{
    size_t len = strlen(line);
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, line, len);
    reply_headers_add(h, (struct str){copy, len}, NOW);
    free(copy);
}

static struct reply_headers with(const char *line)
{
    struct reply_headers h;
    reply_headers_init(&h);
    add(&h, line);
    return h;
}

TEST(headers_are_absent_at_first)
{
    struct reply_headers h;
    reply_headers_init(&h);
    CHECK_INT(0, h.date_utc_s);
    CHECK_INT(-1, h.retry_after_s);
    CHECK_INT(-1, h.age_max_s);
    CHECK(!h.gzip && !h.unknown_encoding && h.json);
    for (int i = 0; i < RATE_WINDOW_COUNT; i++) {
        CHECK_INT(-1, h.remaining[i]);
        CHECK_INT(-1, h.reset_s[i]);
        CHECK_INT(-1, h.limit[i]);
    }
    CHECK_INT(86400, rate_window_s[RATE_DAY]);
    CHECK_TEXT("month", rate_window_names[RATE_MONTH]);
}

TEST(headers_read_the_recorded_rate_limits)
{
    struct reply_headers h = with(
        "X-RateLimit-Remaining-All: 1220397, 1;window=1, 33;window=60, 2673;window=3600, "
        "38673;window=86400, 1220397;window=2592000\r\n");
    CHECK_INT(1, h.remaining[RATE_SECOND]);
    CHECK_INT(33, h.remaining[RATE_MINUTE]);
    CHECK_INT(2673, h.remaining[RATE_HOUR]);
    CHECK_INT(38673, h.remaining[RATE_DAY]);
    CHECK_INT(1220397, h.remaining[RATE_MONTH]);
    CHECK_INT(-1, h.reset_s[RATE_MINUTE]);
    add(&h, "x-ratelimit-reset-all: 5, 0;window=1,42;window=60 ,\t1800;window=3600");
    CHECK_INT(0, h.reset_s[RATE_SECOND]);
    CHECK_INT(42, h.reset_s[RATE_MINUTE]);
    CHECK_INT(1800, h.reset_s[RATE_HOUR]);
    CHECK_INT(-1, h.reset_s[RATE_DAY]);
    add(&h, "X-RateLimit-Limit: 20, 20;window=1, 300;window=60");
    CHECK_INT(20, h.limit[RATE_SECOND]);
    CHECK_INT(300, h.limit[RATE_MINUTE]);
    add(&h, "X-RATELIMIT-LIMIT-ALL: 3000;window=3600");
    CHECK_INT(3000, h.limit[RATE_HOUR]);
}

TEST(headers_pass_over_malformed_rate_limits)
{
    static const struct {
        const char *list;
        int64_t minute;
    } CASES[] = {
        {"33;window=60", 33},
        {" 33 ; window = 60 ", 33},
        {"33;WINDOW=60", 33},
        {"x, 33;window=60", 33},
        {",,;,=,33;window=60,", 33},
        {"33;window=60;more", -1},
        {"-5;window=60", 0},
        {"33;window=61", -1},
        {"33;window=", -1},
        {"33;window", -1},
        {"33;win=60", -1},
        {"33", -1},
        {"", -1},
        {"3 3;window=60", -1},
        {"33x;window=60", -1},
        {"0x33;window=60", -1},
        {"99999999999999999999;window=60", -1},
        {"9223372036854775807;window=60", INT64_MAX},
        {"33;window=99999999999999999999", -1},
        {"33;window=-60", -1},
        {"1;window=60, 2;window=60", 2},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char line[256];
        str_print(line, sizeof line, "X-RateLimit-Remaining-All:%s\r\n", CASES[i].list);
        struct reply_headers h = with(line);
        if (!CHECK_INT(CASES[i].minute, h.remaining[RATE_MINUTE]))
            fprintf(stderr, "  in %s\n", CASES[i].list);
    }
    struct reply_headers h = with("X-RateLimit-Reset-All: -5;window=60, 2764800;window=2592000");
    CHECK_INT(-1, h.reset_s[RATE_MINUTE]);
    CHECK_INT(2764800, h.reset_s[RATE_MONTH]);
    h = with("X-RateLimit-Reset-All: 2764801;window=2592000");
    CHECK_INT(-1, h.reset_s[RATE_MONTH]);
}

TEST(headers_read_retry_after_in_both_forms)
{
    static const struct {
        const char *value;
        int64_t seconds;
    } CASES[] = {
        {"0", 0},
        {"1", 1},
        {"120", 120},
        {"  120  ", 120},
        {"31622400", 31622400},
        {"31622401", 31622400},
        {"1000000000", 31622400},
        {"99999999999999999999999999", 31622400},
        {"-1", -1},
        {"+1", -1},
        {"1.5", -1},
        {"soon", -1},
        {"", -1},
        {"1 2", -1},
        {"Tue, 14 Nov 2023 22:14:20 GMT", 60},
        {"Tuesday, 14-Nov-23 22:14:20 GMT", 60},
        {"Tue Nov 14 22:14:20 2023", 60},
        {"Tue, 14 Nov 2023 22:13:20 GMT", 0},
        {"Tue, 14 Nov 2023 22:00:00 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:01 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 31622400},
        {"Tue, 14 Nov 2023 25:14:20 GMT", -1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char line[256];
        str_print(line, sizeof line, "Retry-After: %s\r\n", CASES[i].value);
        struct reply_headers h = with(line);
        if (!CHECK_INT(CASES[i].seconds, h.retry_after_s))
            fprintf(stderr, "  in %s\n", CASES[i].value);
    }
}

/* The sender's clock may be wrong by an hour: its date counts from its own Date, whichever comes
 * first. */
TEST(headers_measure_a_retry_date_against_the_senders_clock)
{
    struct reply_headers h = with("Date: Tue, 14 Nov 2023 23:13:20 GMT");
    CHECK_INT(NOW + 3600, h.date_utc_s);
    add(&h, "Retry-After: Tue, 14 Nov 2023 23:13:50 GMT");
    CHECK_INT(30, h.retry_after_s);
    h = with("Retry-After: Tue, 14 Nov 2023 23:13:50 GMT");
    CHECK_INT(3630, h.retry_after_s);
    add(&h, "Date: Tue, 14 Nov 2023 23:13:20 GMT");
    CHECK_INT(30, h.retry_after_s);
    h = with("Retry-After: 7");
    add(&h, "Date: Tue, 14 Nov 2023 23:13:20 GMT");
    CHECK_INT(7, h.retry_after_s);
    add(&h, "Retry-After: garbage");
    CHECK_INT(-1, h.retry_after_s);
}

TEST(headers_read_encoding_type_and_age)
{
    static const struct {
        const char *line;
        bool gzip;
        bool unknown;
    } ENCODINGS[] = {
        {"Content-Encoding: gzip", true, false},
        {"content-encoding:GZIP\r\n", true, false},
        {"Content-Encoding: x-gzip", true, false},
        {"Content-Encoding: identity", false, false},
        {"Content-Encoding:", false, false},
        {"Content-Encoding: br", false, true},
        {"Content-Encoding: deflate", false, true},
        {"Content-Encoding: gzip, br", true, true},
        {"Content-Encoding: gzip, gzip", true, true},
        {"Content-Encoding: identity, gzip", true, false},
        {"Content-Encoding: gzip;q=1", false, true},
    };
    for (size_t i = 0; i < sizeof ENCODINGS / sizeof ENCODINGS[0]; i++) {
        struct reply_headers h = with(ENCODINGS[i].line);
        CHECK_INT(ENCODINGS[i].gzip, h.gzip);
        CHECK_INT(ENCODINGS[i].unknown, h.unknown_encoding);
    }
    CHECK(with("Content-Type: application/json; charset=UTF-8").json);
    CHECK(with("Content-Type: Application/JSON").json);
    CHECK(with("Content-Type: application/problem+json").json);
    CHECK(with("Content-Type: text/json").json);
    CHECK(with("Content-Type:").json);
    CHECK(!with("Content-Type: text/html; charset=utf-8").json);
    CHECK(!with("Content-Type: application/jsonx").json);
    CHECK_INT(10, with("Cache-Control: public, max-age=10").age_max_s);
    CHECK_INT(0, with("cache-control: MAX-AGE=0").age_max_s);
    CHECK_INT(-1, with("Cache-Control: no-cache, no-store").age_max_s);
    CHECK_INT(-1, with("Cache-Control: max-age=-1").age_max_s);
    CHECK_INT(-1, with("Cache-Control: max-age").age_max_s);
    CHECK_INT(31622400, with("Cache-Control: max-age=99999999999").age_max_s);
}

TEST(headers_begin_anew_with_a_status_line)
{
    struct reply_headers h = with("Retry-After: 5");
    add(&h, "Content-Encoding: gzip");
    add(&h, "HTTP/1.1 200 OK\r\n");
    CHECK_INT(-1, h.retry_after_s);
    CHECK(!h.gzip);
    add(&h, "Retry-After: 6");
    add(&h, "http/2 429\r\n");
    CHECK_INT(-1, h.retry_after_s);
}

TEST(headers_ignore_what_is_not_a_header)
{
    static const char *const LINES[] = {"",
                                        "\r\n",
                                        ":",
                                        ": 5",
                                        "Retry-After",
                                        "Retry-After 5",
                                        " Retry-After: 5",
                                        "Retry-After : 5",
                                        "XRetry-After: 5",
                                        "Date: yesterday",
                                        "Date: Wed, 31 Dec 1969 23:59:59 GMT"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        struct reply_headers h = with(LINES[i]);
        CHECK_INT(-1, h.retry_after_s);
        CHECK_INT(0, h.date_utc_s);
    }
    struct reply_headers h;
    reply_headers_init(&h);
    reply_headers_add(&h, (struct str){NULL, 0}, NOW);
    CHECK_INT(-1, h.retry_after_s);
}
