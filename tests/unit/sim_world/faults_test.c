/* Every fault of the table, at rate 1, seen by a client. */
#include "test.h"

#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "client.h"

#define PAGE "/spot/v1/historical/hours?market=kraken&instrument=BTC-USD&limit=200&to_ts=1749900000"
enum { LAST_TS = 1749898800, FIRST_TS = LAST_TS - 199 * 3600 };

static struct sim start(const char *fault, const char *seed)
{
    const char *arguments[] = {"--listen",    "127.0.0.1:0", "--now",   "2025-06-18",
                               "--fault",     fault,         "--seed",  seed,
                               "--unlimited", "--per_month", "1000000", NULL};
    struct sim sim = sim_start(arguments);
    CHECK(sim.port > 0);
    return sim;
}

/* The answers of a few servers to the same request under a fault. */
enum { SEEDS = 6 };
struct answers {
    struct answer of[SEEDS];
};

static struct answers ask(const char *fault, const char *headers)
{
    static const char *const seeds[SEEDS] = {"1", "2", "3", "4", "5", "6"};
    struct answers all;
    for (size_t i = 0; i < SEEDS; i++) {
        struct sim sim = start(fault, seeds[i]);
        all.of[i] = client_get(sim.port, PAGE, headers);
        CHECK_INT(0, sim_stop(&sim));
    }
    return all;
}

static void release(struct answers *all)
{
    for (size_t i = 0; i < SEEDS; i++)
        answer_release(&all->of[i]);
}

static json_t *parsed(const struct answer *a)
{
    return json_loadb(a->body.data ? a->body.data : "", a->body.len, 0, NULL);
}

static int64_t ts_at(const json_t *reply, size_t i)
{
    return json_integer_value(
        json_object_get(json_array_get(json_object_get(reply, "Data"), i), "TIMESTAMP"));
}

static size_t row_count(const json_t *reply)
{
    return json_array_size(json_object_get(reply, "Data"));
}

TEST(fault_statuses)
{
    static const struct {
        const char *fault;
        int status;
        const char *content_type;
    } cases[] = {
        {"error_429=1", 429, "application/json; charset=UTF-8"},
        {"error_500=1", 500, "application/json; charset=UTF-8"},
        {"error-502-html=1.0", 502, "text/html"},
        {"error_503=1", 503, "application/json; charset=UTF-8"},
        {"html=1", 200, "text/html"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim sim = start(cases[i].fault, "1");
        struct answer a = client_get(sim.port, PAGE, "Accept-Encoding: gzip\r\n");
        CHECK_INT(cases[i].status, a.status);
        CHECK(a.whole);
        CHECK_TEXT(cases[i].content_type, answer_header(&a, "Content-Type"));
        CHECK(!answer_header(&a, "Retry-After"));
        CHECK((strstr(a.body.data, "<html>") != NULL) == (cases[i].content_type[0] == 't'));
        answer_release(&a);
        CHECK_INT(0, sim_stop(&sim));
    }
}

TEST(fault_retry_after)
{
    struct answers all = ask("retry_after=1", ""), odd = ask("retry_after_odd=1", "");
    size_t dates = 0;
    for (size_t i = 0; i < SEEDS; i++) {
        const char *value = answer_header(&all.of[i], "Retry-After");
        int64_t seconds = 0, date;
        CHECK_INT(429, all.of[i].status);
        if (CHECK(value) && !str_to_i64(str_from(value), &seconds)) {
            CHECK(time_parse_http(str_from(value), &date));
            CHECK_INT(1750204802, date);
            dates++;
        } else {
            CHECK(seconds == 1 || seconds == 2);
        }
        CHECK_INT(429, odd.of[i].status);
        CHECK(answer_header(&odd.of[i], "Retry-After"));
    }
    CHECK(dates < SEEDS);
    release(&all);
    release(&odd);
}

TEST(fault_error_body)
{
    struct answers all = ask("error_body=1", "");
    size_t old = 0;
    for (size_t i = 0; i < SEEDS; i++) {
        json_t *json = parsed(&all.of[i]);
        CHECK_INT(200, all.of[i].status);
        bool is_old = json_object_get(json, "Response") != NULL;
        CHECK(is_old || json_object_size(json_object_get(json, "Err")) > 0);
        old += is_old;
        json_decref(json);
    }
    CHECK(old > 0 && old < SEEDS);
    release(&all);
}

TEST(fault_broken_transfers)
{
    struct answers reset = ask("reset=1", ""), cut = ask("truncate=1", "Accept-Encoding: gzip\r\n");
    size_t short_length = 0;
    for (size_t i = 0; i < SEEDS; i++) {
        CHECK(!reset.of[i].whole);
        CHECK(reset.of[i].reset || reset.of[i].body.len > 0);
        CHECK_INT(200, cut.of[i].status);
        CHECK(!cut.of[i].whole && !cut.of[i].reset);
        short_length += answer_header(&cut.of[i], "Content-Length") != NULL;
    }
    CHECK(short_length < SEEDS);
    release(&reset);
    release(&cut);
}

TEST(fault_garbage)
{
    static const char *const codings[] = {"", "Accept-Encoding: gzip\r\n"};
    for (size_t c = 0; c < 2; c++) {
        struct answers all = ask("garbage=1", codings[c]);
        for (size_t i = 0; i < SEEDS; i++) {
            CHECK_INT(200, all.of[i].status);
            CHECK(all.of[i].whole);
            CHECK(!parsed(&all.of[i]));
        }
        release(&all);
    }
}

TEST(fault_gzip_corrupt)
{
    struct answers all = ask("gzip_corrupt=1", "Accept-Encoding: gzip\r\n");
    for (size_t i = 0; i < SEEDS; i++) {
        CHECK_INT(200, all.of[i].status);
        CHECK_TEXT("gzip", answer_header(&all.of[i], "Content-Encoding"));
        CHECK(!all.of[i].whole);
    }
    release(&all);
    struct sim sim = start("gzip_corrupt=1", "1"); /* nothing to corrupt */
    struct answer a = client_get(sim.port, PAGE, "");
    CHECK(a.whole);
    answer_release(&a);
    CHECK_INT(0, sim_stop(&sim));
}

TEST(fault_slow_and_stall)
{
    struct sim slow = start("slow=1", "1"), stall = start("stall=1", "1");
    int64_t before_us = clock_mono_us(NULL);
    struct answer a = client_get(
        slow.port, "/spot/v1/historical/days?market=kraken&instrument=BTC-USD&limit=8", "");
    CHECK_INT(200, a.status);
    CHECK(a.whole && clock_mono_us(NULL) - before_us > 200000);
    answer_release(&a);
    int fd = client_open(stall.port);
    CHECK(client_send_text(fd, "GET " PAGE " HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n\r\n"));
    (void)usleep(300000);
    char byte;
    CHECK(recv(fd, &byte, 1, MSG_DONTWAIT) < 0);
    (void)close(fd);
    CHECK_INT(0, sim_stop(&slow));
    CHECK_INT(0, sim_stop(&stall));
}

TEST(fault_rows)
{
    struct answers empty = ask("empty=1", ""), other = ask("wrong_series=1", ""),
                   mixed = ask("shuffled=1", "");
    struct answers twice = ask("duplicate_row=1", ""), extra = ask("open_extra=1", "");
    struct answers crooked = ask("misaligned=1", "");
    for (size_t s = 0; s < SEEDS; s++) {
        json_t *json = parsed(&empty.of[s]);
        CHECK(json_is_array(json_object_get(json, "Data")) && row_count(json) == 0);
        json_decref(json);

        json = parsed(&other.of[s]);
        CHECK_INT(200, row_count(json));
        const char *name = json_string_value(
            json_object_get(json_array_get(json_object_get(json, "Data"), 0), "MAPPED_INSTRUMENT"));
        const char *market = json_string_value(
            json_object_get(json_array_get(json_object_get(json, "Data"), 0), "MARKET"));
        CHECK(!name || strcmp(name, "BTC-USD") != 0 || strcmp(market, "kraken") != 0);
        json_decref(json);

        json = parsed(&mixed.of[s]);
        size_t falls = 0;
        int64_t sum = 0;
        for (size_t i = 0; i < row_count(json); i++) {
            falls += i > 0 && ts_at(json, i) < ts_at(json, i - 1);
            sum += ts_at(json, i);
        }
        CHECK(row_count(json) == 200 && falls > 0);
        CHECK_INT(100 * (int64_t)(FIRST_TS + (int64_t)LAST_TS), sum);
        json_decref(json);

        json = parsed(&twice.of[s]);
        size_t equal = 0;
        for (size_t i = 1; i < row_count(json); i++)
            equal += ts_at(json, i) == ts_at(json, i - 1);
        CHECK(row_count(json) == 201 && equal == 1);
        json_decref(json);

        json = parsed(&extra.of[s]);
        CHECK_INT(201, row_count(json));
        CHECK_INT(LAST_TS + 3600, ts_at(json, 200));
        json_decref(json);

        json = parsed(&crooked.of[s]);
        size_t odd = 0;
        for (size_t i = 0; i < row_count(json); i++)
            odd += ts_at(json, i) % 3600 != 0;
        CHECK(row_count(json) == 200 && odd == 1);
        json_decref(json);
    }
    release(&empty);
    release(&other);
    release(&mixed);
    release(&twice);
    release(&extra);
    release(&crooked);
}

TEST(fault_stale)
{
    struct sim fresh = start("stale=0", "1"), stale = start("stale=1", "1");
    const char *path = "/spot/v1/historical/hours?market=kraken&instrument=BTC-USD&limit=10";
    struct answer a = client_get(fresh.port, path, ""), b = client_get(stale.port, path, "");
    json_t *now = parsed(&a), *then = parsed(&b);
    CHECK_INT(row_count(now) - 2, row_count(then));
    json_decref(now);
    json_decref(then);
    answer_release(&a);
    answer_release(&b);
    CHECK_INT(0, sim_stop(&fresh));
    CHECK_INT(0, sim_stop(&stale));
}

TEST(fault_headers)
{
    static const struct {
        const char *fault, *header, *value;
        int status;
    } cases[] = {
        {"date_ahead=1", "Date", "Wed, 18 Jun 2025 01:00:00 GMT", 200},
        {"date_behind=1", "Date", "Tue, 17 Jun 2025 23:00:00 GMT", 200},
        {"no_rate_headers=1", "X-RateLimit-Remaining-All", NULL, 200},
        {"redirect=1", "Location", "http://localhost:1/elsewhere", 302},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim sim = start(cases[i].fault, "1");
        struct answer a = client_get(sim.port, PAGE, "");
        CHECK_INT(cases[i].status, a.status);
        CHECK(a.whole);
        CHECK_TEXT(cases[i].value, answer_header(&a, cases[i].header));
        answer_release(&a);
        CHECK_INT(0, sim_stop(&sim));
    }
}

/* The n-th request of a run has the fault that it had in the last run. */
TEST(fault_sequence_repeats)
{
    int statuses[2][40];
    for (size_t run = 0; run < 2; run++) {
        struct sim sim = start("error_500=0.3", "9");
        for (size_t i = 0; i < 40; i++) {
            struct answer a = client_get(sim.port, PAGE, "");
            statuses[run][i] = a.status;
            answer_release(&a);
        }
        CHECK_INT(0, sim_stop(&sim));
    }
    CHECK(memcmp(statuses[0], statuses[1], sizeof statuses[0]) == 0);
    size_t errors = 0;
    for (size_t i = 0; i < 40; i++)
        errors += statuses[0][i] == 500;
    CHECK(errors > 3 && errors < 25);
}
