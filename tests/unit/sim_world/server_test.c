/* ccdata-sim as a program: its command line, its HTTP, its limits. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define ARGS(...) ((const char *const[]){"--listen", "127.0.0.1:0", __VA_ARGS__, NULL})
#define NOW "--now=2025-06-18T12:00:00Z"
#define DAYS "/spot/v1/historical/days?market=kraken&instrument=BTC-USD&to_ts=1749900000"

static struct sim start(const char *const *arguments)
{
    struct sim sim = sim_start(arguments);
    CHECK(sim.port > 0);
    return sim;
}

static void check_get(int port, int status, const char *path, const char *headers)
{
    struct answer a = client_get(port, path, headers);
    if (!CHECK_INT(status, a.status))
        CHECK_TEXT("", path);
    CHECK(a.whole);
    answer_release(&a);
}

TEST(server_command_line)
{
    static const struct {
        int code;
        const char *arguments[4];
        const char *output;
    } cases[] = {
        {0, {"--help"}, "  --per_second N"},
        {0, {"--help"}, "  error_502_html"},
        {0, {"--version"}, "ccdata-sim 0."},
        {2, {"--listen", "0.0.0.0:0"}, ""},
        {2, {"--listen", "192.168.1.1:80"}, ""},
        {2, {"--listen", "[::]:0"}, ""},
        {2, {"--listen", "example.com:0"}, ""},
        {2, {"--listen", "127.0.0.1"}, ""},
        {2, {"--listen", "127.0.0.1:65536"}, ""},
        {2, {"--listen"}, ""},
        {2, {"--unknown"}, ""},
        {2, {"word"}, ""},
        {2, {"--fault", "error_429"}, ""},
        {2, {"--fault", "error_429=1.1"}, ""},
        {2, {"--fault", "nothing=0.1"}, ""},
        {2, {"--per_second", "-1"}, ""},
        {2, {"--now", "yesterday"}, ""},
        {2, {"--unlimited=1"}, ""},
        {2, {"--markets", "3"}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, 1 << 16, NULL);
        CHECK_INT(cases[i].code, sim_run(cases[i].arguments, &out));
        CHECK(str_find(buf_str(&out), str_from(cases[i].output)) != SIZE_MAX);
        buf_release(&out);
    }
}

static void check_documented(struct str page, struct str name)
{
    char quoted[64];
    CHECK(str_print(quoted, sizeof quoted, "`" STR_FMT, STR_ARG(name)));
    if (!CHECK(str_find(page, str_from(quoted)) != SIZE_MAX))
        CHECK_TEXT("", quoted);
}

/* The page for users names every option and every fault that the program does. */
TEST(server_page_for_users_is_complete)
{
    struct buf help, page;
    char bytes[4096];
    size_t got, names = 0;
    buf_init(&help, 1 << 16, NULL);
    buf_init(&page, 1 << 20, NULL);
    FILE *file = fopen(SIMULATOR_PAGE, "r");
    while (file && (got = fread(bytes, 1, sizeof bytes, file)) > 0)
        buf_add(&page, bytes, got);
    if (CHECK(file))
        (void)fclose(file);
    CHECK_INT(0, sim_run((const char *const[]){"--help", NULL}, &help));
    for (struct str rest = buf_str(&help); rest.len > 0;) {
        struct str line = str_split(&rest, '\n');
        if (!str_starts_with(line, STR("  ")))
            continue;
        line = str_trim(line);
        check_documented(buf_str(&page), str_split(&line, ' '));
        names++;
    }
    CHECK(names > 45);
    buf_release(&help);
    buf_release(&page);
}

TEST(server_ends_on_sigterm)
{
    struct sim sim = start(ARGS("--seed=3", "--latency-ms", "0"));
    int fd = client_open(sim.port);
    CHECK_INT(0, sim_stop(&sim));
    CHECK(client_is_closed(fd));
    (void)close(fd);
}

TEST(server_keeps_connections)
{
    struct sim sim = start(ARGS(NOW));
    int fd = client_open(sim.port);
    for (int i = 0; i < 5; i++) {
        CHECK(client_send_text(
            fd, "GET " DAYS "&limit=2 HTTP/1.1\r\nHost: x\r\nAuthorization: Apikey abc\r\n\r\n"));
        struct answer a = client_receive(fd);
        CHECK_INT(200, a.status);
        CHECK(a.whole);
        CHECK_TEXT("keep-alive", answer_header(&a, "Connection"));
        CHECK_TEXT("chunked", answer_header(&a, "Transfer-Encoding"));
        CHECK_TEXT("Accept-Encoding", answer_header(&a, "Vary"));
        CHECK_TEXT("Wed, 18 Jun 2025 12:00:00 GMT", answer_header(&a, "Date"));
        CHECK_TEXT("application/json; charset=UTF-8", answer_header(&a, "Content-Type"));
        CHECK(!answer_header(&a, "Content-Encoding"));
        CHECK(answer_header(&a, "Cache-Control") && answer_header(&a, "X-RateLimit-Remaining-All"));
        answer_release(&a);
    }
    CHECK(client_send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    struct answer last = client_receive(fd);
    CHECK_INT(401, last.status);
    CHECK_TEXT("close", answer_header(&last, "Connection"));
    CHECK(client_is_closed(fd));
    answer_release(&last);
    (void)close(fd);
    CHECK_INT(0, sim_stop(&sim));
}

/* The body is the same in every coding and framing, first made and remembered. */
TEST(server_codings_agree)
{
    static const char *const paths[] = {
        DAYS "&limit=1",
        DAYS "&limit=5000",
        "/futures/v1/historical/"
        "minutes?market=bybit&instrument=BTCUSDT&limit=2000&to_ts=1749900000",
        "/futures/v1/historical/open-interest/"
        "hours?market=binance&instrument=ETHUSD_PERP&limit=2000",
        "/futures/v1/historical/funding-rate/hours?market=binance&instrument=BTCUSDT&limit=2000",
        "/index/cc/v1/historical/minutes?market=cadli&instrument=BTC-USD&limit=2000",
        "/spot/v1/markets/instruments?market=binance",
        "/asset/v1/top/list",
    };
    struct sim chunks = start(ARGS(NOW, "--idle_permille", "100", "--hole_permille", "50"));
    struct sim lengths = start(
        ARGS(NOW, "--content_length", "--idle_permille", "100", "--hole_permille", "50"));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct answer plain = client_get(chunks.port, paths[i], "");
        CHECK_INT(200, plain.status);
        CHECK(plain.whole && plain.body.len > 0);
        for (int again = 0; again < 4; again++) {
            int port = again & 1 ? lengths.port : chunks.port;
            struct answer a = client_get(port, paths[i], "Accept-Encoding: deflate, gzip\r\n");
            CHECK_TEXT("gzip", answer_header(&a, "Content-Encoding"));
            CHECK((again & 1) == (answer_header(&a, "Content-Length") != NULL));
            CHECK(a.whole && str_equal(buf_str(&plain.body), buf_str(&a.body)));
            answer_release(&a);
        }
        answer_release(&plain);
    }
    CHECK_INT(0, sim_stop(&chunks));
    CHECK_INT(0, sim_stop(&lengths));
}

TEST(server_wants_a_key)
{
    struct sim any = start(ARGS(NOW));
    struct sim one = start(ARGS(NOW, "--key", "secret"));
    int fd = client_open(any.port);
    CHECK(client_send_text(fd, "GET " DAYS " HTTP/1.1\r\nHost: x\r\n\r\n"));
    struct answer a = client_receive(fd);
    CHECK_INT(401, a.status);
    CHECK(strstr(a.body.data, "\"type\":2,\"message\":\"API key required") != NULL);
    CHECK(!answer_header(&a, "X-RateLimit-Remaining-All"));
    answer_release(&a);
    (void)close(fd);
    check_get(any.port, 200, DAYS, "");
    check_get(one.port, 401, DAYS, "");
    check_get(one.port, 200, DAYS, "Authorization: Apikey secret\r\n");
    check_get(one.port, 200, DAYS, "Authorization: Basic secret\r\n");
    fd = client_open(one.port);
    CHECK(client_send_text(fd, "GET " DAYS "&api_key=secret HTTP/1.1\r\nHost: x\r\n\r\n"));
    a = client_receive(fd);
    CHECK_INT(200, a.status);
    answer_release(&a);
    (void)close(fd);
    CHECK_INT(0, sim_stop(&any));
    CHECK_INT(0, sim_stop(&one));
}

/* The long window, so that no boundary falls into the test. */
TEST(server_limits_calls)
{
    struct sim sim = start(ARGS(NOW, "--unlimited", "--per_month=4"));
    check_get(sim.port, 200, DAYS, "");
    check_get(sim.port, 404, "/nothing", "");
    struct answer a = client_get(sim.port, "/admin/v2/rate/limit", "");
    json_t *json = json_loadb(a.body.data, a.body.len, 0, NULL);
    json_t *key = json_object_get(json_object_get(json, "Data"), "API_KEY");
    CHECK_INT(3, json_integer_value(json_object_get(json_object_get(key, "USED"), "MONTH")));
    CHECK_INT(4, json_integer_value(json_object_get(json_object_get(key, "MAX"), "MONTH")));
    CHECK_INT(1, json_integer_value(json_object_get(json_object_get(key, "REMAINING"), "MONTH")));
    json_decref(json);
    answer_release(&a);
    a = client_get(sim.port, "/stats/rate/limit", "");
    CHECK_INT(200, a.status);
    CHECK_TEXT("0, 0;window=2592000", answer_header(&a, "X-RateLimit-Remaining-All"));
    json = json_loadb(a.body.data, a.body.len, 0, NULL);
    CHECK_INT(4, json_integer_value(json_object_get(
                     json_object_get(json_object_get(json, "Data"), "calls_made"), "month")));
    json_decref(json);
    answer_release(&a);
    for (int i = 0; i < 2; i++) {
        a = client_get(sim.port, DAYS, "");
        CHECK_INT(429, a.status);
        CHECK(strstr(a.body.data, "\"type\":99,\"message\":\"You are over your rate limit") !=
              NULL);
        CHECK(!answer_header(&a, "Retry-After"));
        CHECK_TEXT("0, 0;window=2592000", answer_header(&a, "X-RateLimit-Remaining-All"));
        answer_release(&a);
    }
    CHECK_INT(0, sim_stop(&sim));
}

TEST(server_unlimited_has_no_rate_headers)
{
    struct sim sim = start(ARGS("--unlimited"));
    struct answer a = client_get(sim.port, DAYS, "");
    CHECK_INT(200, a.status);
    CHECK(!answer_header(&a, "X-RateLimit-Limit"));
    answer_release(&a);
    CHECK_INT(0, sim_stop(&sim));
}

static void check_body(int port, int status, const char *path, const char *headers,
                       const char *part)
{
    struct answer a = client_get(port, path, headers);
    CHECK_INT(status, a.status);
    if (!CHECK(a.body.data && strstr(a.body.data, part)))
        CHECK_TEXT(part, a.body.data ? a.body.data : "");
    answer_release(&a);
}

/* The older host has an envelope of its own, and says 200 to nearly everything. */
TEST(server_is_the_older_host_too)
{
    struct sim sim = start(ARGS("--key", "secret", "--per_month", "3"));
    const char *key = "Authorization: Apikey secret\r\n", *exchanges = "/data/exchanges/general";
    check_body(sim.port, 200, exchanges, "", "\"Type\":1,"); /* a wrong key */
    check_body(sim.port, 200, exchanges, key, "{\"Response\":\"Success\",");
    check_body(sim.port, 200, "/data/exchanges/general?tsym=", key, "\"ParamWithError\":\"tsym\"");
    check_body(sim.port, 200, "/data/nothing", key, "\"Type\":0,");
    check_body(sim.port, 200, exchanges, key, "\"Type\":99,\"RateLimit\":{\"calls_made\":{");
    check_body(sim.port, 429, DAYS, key, "{\"Data\":{},\"Err\":");
    CHECK_INT(0, sim_stop(&sim));
    sim = start(ARGS("--fault", "error_503=1"));
    check_body(sim.port, 503, exchanges, key, "{\"Response\":\"Error\",");
    CHECK_INT(0, sim_stop(&sim));
}

static void check_refused(int port, int status, const char *request, size_t len)
{
    int fd = client_open(port);
    (void)client_send(fd, request, len);
    struct answer a = client_receive(fd);
    if (!CHECK_INT(status, a.status))
        CHECK_TEXT("", request);
    CHECK_TEXT("close", answer_header(&a, "Connection"));
    CHECK(client_is_closed(fd));
    answer_release(&a);
    (void)close(fd);
}

#define REFUSE(status, text) check_refused(sim.port, status, text, sizeof text - 1)

TEST(server_refuses_what_is_no_get)
{
    struct sim sim = start(ARGS(NOW));
    REFUSE(405, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSE(405, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    REFUSE(400, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\n");
    REFUSE(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
    REFUSE(400, "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSE(400, "GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n");
    REFUSE(505, "GET / HTTP/3.0\r\nHost: x\r\n\r\n");
    struct buf huge;
    buf_init(&huge, 1 << 20, NULL);
    buf_add_text(&huge, "GET / HTTP/1.1\r\nHost: x\r\nLong: ");
    while (huge.len < 200000)
        buf_add_text(&huge, "aaaaaaaaaaaaaaaa");
    check_refused(sim.port, 431, huge.data, huge.len);
    buf_release(&huge);
    struct answer a = client_get(sim.port, DAYS, ""); /* and it is still there */
    CHECK_INT(200, a.status);
    answer_release(&a);
    CHECK_INT(0, sim_stop(&sim));
}

/* Requests in one packet are answered in order, and a request in many is one. */
TEST(server_pipelining_and_slices)
{
    struct sim sim = start(ARGS(NOW));
    struct buf requests;
    int fd = client_open(sim.port);
    buf_init(&requests, 1 << 16, NULL);
    for (int limit = 1; limit <= 50; limit++)
        buf_printf(&requests, "GET " DAYS "&limit=%d HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n\r\n",
                   limit);
    CHECK(client_send(fd, requests.data, requests.len));
    for (size_t limit = 1; limit <= 50; limit++) {
        struct answer a = client_receive(fd);
        json_t *json = json_loadb(a.body.data, a.body.len, 0, NULL);
        CHECK_INT(limit, json_array_size(json_object_get(json, "Data")));
        json_decref(json);
        answer_release(&a);
    }
    struct str slow = STR("GET " DAYS " HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n\r\n");
    for (size_t i = 0; i < slow.len; i++)
        CHECK(client_send(fd, slow.ptr + i, 1));
    struct answer a = client_receive(fd);
    CHECK_INT(200, a.status);
    CHECK(a.whole);
    answer_release(&a);
    buf_release(&requests);
    (void)close(fd);
    CHECK_INT(0, sim_stop(&sim));
}

TEST(server_old_http_and_half_close)
{
    struct sim sim = start(ARGS(NOW));
    int fd = client_open(sim.port);
    CHECK(client_send_text(fd, "GET " DAYS " HTTP/1.0\r\nX-Api-Key: k\r\n\r\n"));
    CHECK_INT(0, shutdown(fd, SHUT_WR));
    struct answer a = client_receive(fd);
    CHECK_INT(200, a.status);
    CHECK(a.whole && answer_header(&a, "Content-Length"));
    CHECK(client_is_closed(fd));
    answer_release(&a);
    (void)close(fd);
    CHECK_INT(0, sim_stop(&sim));
}

/* More connections than it holds: the others wait, nobody is lost, and clients that leave free
 * their place. */
TEST(server_many_connections)
{
    enum { MANY = 600 };
    struct sim sim = start(ARGS(NOW, "--unlimited"));
    static int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = client_open(sim.port);
    for (int i = 0; i < MANY; i++) {
        CHECK(fds[i] >= 0);
        CHECK(client_send_text(fds[i], "GET " DAYS " HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n\r\n"));
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 3 > 0) { /* every third leaves without reading */
            struct answer a = client_receive(fds[i]);
            CHECK_INT(200, a.status);
            answer_release(&a);
        }
        (void)close(fds[i]);
    }
    check_get(sim.port, 200, DAYS, "");
    CHECK_INT(0, sim_stop(&sim));
}

TEST(server_latency)
{
    struct sim sim = start(ARGS(NOW, "--latency_ms=300"));
    struct timespec before, after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    check_get(sim.port, 200, DAYS, "");
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >=
          300);
    CHECK_INT(0, sim_stop(&sim));
}

TEST(server_log_lines)
{
    char path[] = "/tmp/sim_log_XXXXXX";
    char text[8192];
    int fd = mkstemp(path);
    struct sim sim = start(ARGS(NOW, "--log", path));
    check_get(sim.port, 200, DAYS "&api_key=hidden&limit=3", "");
    check_get(sim.port, 404, "/no/such?x=%22", "");
    check_refused(sim.port, 400, "NO\r\n\r\n", 6);
    CHECK_INT(0, sim_stop(&sim));
    ssize_t got = read(fd, text, sizeof text - 1);
    struct str rest = {text, got > 0 ? (size_t)got : 0};
    CHECK(str_find(rest, STR("hidden")) == SIZE_MAX);
    static const struct {
        const char *path, *query;
        int status;
    } lines[] = {{"/spot/v1/historical/days",
                  "market=kraken&instrument=BTC-USD&to_ts=1749900000&api_key=&limit=3", 200},
                 {"/no/such", "x=%22", 404},
                 {"", "", 400}};
    int64_t last = 0;
    for (size_t i = 0; i < 3; i++) {
        struct str line = str_split(&rest, '\n');
        json_t *json = json_loadb(line.ptr, line.len, 0, NULL);
        int64_t mono_us = json_integer_value(json_object_get(json, "mono_us"));
        CHECK_INT(i + 1, json_integer_value(json_object_get(json, "request")));
        CHECK_INT(lines[i].status, json_integer_value(json_object_get(json, "status")));
        CHECK_TEXT(lines[i].path, json_string_value(json_object_get(json, "path")));
        CHECK_TEXT(lines[i].query, json_string_value(json_object_get(json, "query")));
        CHECK(mono_us > last);
        CHECK_INT(i < 2 ? 16 : 0, json_string_length(json_object_get(json, "key")));
        CHECK_INT(i < 2 ? i + 1 : 2,
                  json_integer_value(json_object_get(json_object_get(json, "used"), "month")));
        CHECK_TEXT("", json_string_value(json_object_get(json, "fault")));
        last = mono_us;
        json_decref(json);
    }
    (void)close(fd);
    CHECK_INT(0, unlink(path));
}

TEST(server_same_seed_same_world)
{
    struct sim sims[] = {start(ARGS(NOW, "--seed=7")), start(ARGS(NOW, "--seed", "7")),
                         start(ARGS(NOW, "--seed=8"))};
    struct answer a[3];
    for (size_t i = 0; i < 3; i++)
        a[i] = client_get(sims[i].port, DAYS, "");
    CHECK(str_equal(buf_str(&a[0].body), buf_str(&a[1].body)));
    CHECK(!str_equal(buf_str(&a[0].body), buf_str(&a[2].body)));
    for (size_t i = 0; i < 3; i++) {
        answer_release(&a[i]);
        CHECK_INT(0, sim_stop(&sims[i]));
    }
}
