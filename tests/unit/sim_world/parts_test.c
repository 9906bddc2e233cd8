/* The parts of the server that do no I/O: requests, quota, cache, compression, choice of faults. */
#include "test.h"

#include <libdeflate.h>
#include <string.h>

#include "limited_allocator.h"
#include "sim/faults.h"
#include "sim/gzip.h"
#include "sim/http.h"
#include "sim/page_cache.h"
#include "sim/quota.h"
#include "sim/respond.h"

/* ---- requests */

#define HOST "Host: x\r\n"

TEST(request_is_read)
{
    struct http_request r;
    struct str text = STR("GET /a/b?c=d&e HTTP/1.1\r\nhost: x\r\nAuthorization: apikey  K1 \r\n"
                          "Accept-Encoding: br;q=1, GZIP ; q=0.5\r\n\r\nGET");
    CHECK_INT(200, http_request_parse(text.ptr, text.len, &r));
    CHECK_INT(text.len - 3, r.size_bytes);
    CHECK_STR("/a/b?c=d&e", r.target);
    CHECK_STR("/a/b", r.path);
    CHECK_STR("c=d&e", r.query);
    CHECK_STR("K1", r.key);
    CHECK(r.gzip && r.keep_alive && !r.http_1_0);
    for (size_t len = 0; len < r.size_bytes; len++)
        CHECK_INT(HTTP_INCOMPLETE, http_request_parse(text.ptr, len, &(struct http_request){0}));
}

TEST(request_keys)
{
    static const struct {
        const char *headers, *key;
    } cases[] = {
        {"", ""},
        {"Authorization: Apikey abc\r\n", "abc"},
        {"Authorization: Basic abc\r\n", "abc"},
        {"Authorization: Bearer abc\r\n", ""},
        {"X-API-Key: abc\r\n", "abc"},
        {"Authorization: Apikey abc\r\nX-Api-Key: def\r\n", "abc"},
        {"X-Api-Key: def\r\nAuthorization: Apikey abc\r\n", "abc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request r;
        char text[256];
        CHECK(str_print(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "%s\r\n", cases[i].headers));
        CHECK_INT(200, http_request_parse(text, strlen(text), &r));
        CHECK_STR(cases[i].key, r.key);
    }
}

TEST(request_that_is_refused)
{
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {400, "\r\n\r\n"},
        {400, "GET\r\n\r\n"},
        {400, "GET /\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {200, "GET / HTTP/1.0\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
        {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET http://x/ HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a\tb HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
        {400, "GET / http/1.1\r\n" HOST "\r\n"},
        {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
        {400, "G(T / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Name : v\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"},
        {400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"},
        {200, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"},
        {405, "HEAD / HTTP/1.1\r\n" HOST "\r\n"},
        {405, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"},
        {405, "DELETE / HTTP/1.1\r\n" HOST "\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request r;
        if (!CHECK_INT(cases[i].status,
                       http_request_parse(cases[i].text, strlen(cases[i].text), &r)))
            CHECK_TEXT("", cases[i].text);
    }
    struct http_request r;
    CHECK_INT(400, http_request_parse("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 28, &r));
}

TEST(request_that_is_too_long)
{
    struct http_request r;
    struct buf text;
    buf_init(&text, 1 << 20, NULL);
    buf_add_text(&text, "GET /");
    while (text.len < 8200)
        buf_add_char(&text, 'a');
    buf_add_text(&text, " HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT(414, http_request_parse(text.data, text.len, &r));
    buf_clear(&text);
    buf_add_text(&text, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 101; i++)
        buf_printf(&text, "H%d: v\r\n", i);
    buf_add_text(&text, "\r\n");
    CHECK_INT(431, http_request_parse(text.data, text.len, &r));
    buf_clear(&text);
    buf_add_text(&text, "GET / HTTP/1.1\r\nLong: ");
    while (text.len < HTTP_HEAD_MAX_BYTES)
        buf_add_char(&text, 'a');
    CHECK_INT(HTTP_INCOMPLETE, http_request_parse(text.data, text.len - 1, &r));
    CHECK_INT(431, http_request_parse(text.data, text.len, &r));
    buf_release(&text);
}

/* ---- quota */

TEST(quota_counts_in_fixed_windows)
{
    struct quota q = {.limits = {2, 5, 0, 0, 0}};
    const int64_t t = 1700000040; /* start of a minute */
    CHECK(quota_take(&q, t) && quota_take(&q, t));
    CHECK(!quota_take(&q, t));
    CHECK_INT(2, q.used[0]);
    CHECK(quota_take(&q, t + 1) && quota_take(&q, t + 1));
    CHECK(quota_take(&q, t + 2));
    CHECK(!quota_take(&q, t + 2)); /* the minute is full */
    CHECK(!quota_take(&q, t + 59));
    CHECK(quota_take(&q, t + 60));
    CHECK_INT(6, q.used[2]);
}

TEST(quota_headers_have_the_vendors_shape)
{
    struct quota q = {.limits = {2, 0, 0, 0, 100}};
    struct buf out;
    buf_init(&out, 4096, NULL);
    CHECK(quota_take(&q, 2592000 + 10));
    quota_write_headers(&q, 2592000 + 10, &out);
    CHECK_STR("X-RateLimit-Limit: 100, 2;window=1, 100;window=2592000\r\n"
              "X-RateLimit-Remaining: 99\r\n"
              "X-RateLimit-Remaining-All: 99, 1;window=1, 99;window=2592000\r\n"
              "X-RateLimit-Reset: 2591990\r\n"
              "X-RateLimit-Reset-All: 2591990, 1;window=1, 2591990;window=2592000\r\n",
              buf_str(&out));
    buf_clear(&out);
    struct quota none = {.limits = {0}};
    CHECK(quota_take(&none, 5));
    quota_write_headers(&none, 5, &out);
    CHECK_INT(0, out.len);
    buf_release(&out);
}

/* ---- cache */

static struct body *filled(char c, size_t len)
{
    struct body *b = body_new(NULL, len, NULL);
    memset(b->data, c, len);
    return b;
}

static bool cached(struct page_cache *c, const char *key, bool gzip, int64_t now)
{
    struct body *b = page_cache_find(c, str_from(key), gzip, now);
    bool found = b != NULL;
    body_drop(b);
    return found;
}

TEST(cache_drops_the_least_recently_used)
{
    struct page_cache *c = NULL;
    struct ccd_error err;
    CHECK_INT(0, page_cache_new(3500, NULL, &c, &err));
    for (char name = 'a'; name <= 'c'; name++) {
        struct body *b = filled(name, 1000);
        page_cache_add(c, (struct str){&name, 1}, false, 0, 100, b);
        body_drop(b);
    }
    CHECK(page_cache_bytes(c) <= 3500);
    CHECK(cached(c, "a", false, 50)); /* makes b the oldest */
    struct body *d = filled('d', 1000);
    page_cache_add(c, STR("d"), false, 0, 100, d);
    body_drop(d);
    CHECK(cached(c, "a", false, 50) && !cached(c, "b", false, 50) && cached(c, "c", false, 50));
    CHECK(cached(c, "d", false, 99));
    CHECK(!cached(c, "d", true, 99)); /* another coding is another body */
    CHECK(!cached(c, "d", false, 100));
    CHECK(!cached(c, "d", false, 99)); /* it was forgotten when it was too old */
    struct body *large = filled('e', 4000);
    page_cache_add(c, STR("e"), false, 0, 100, large);
    CHECK_INT(0, page_cache_bytes(c));
    CHECK_INT('e', large->data[3999]); /* who holds it keeps it */
    body_drop(large);
    page_cache_free(c);
}

/* ---- compression */

static void check_inflates(const struct buf *member, struct str text)
{
    char out[256];
    size_t got = 0;
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    CHECK_INT(LIBDEFLATE_SUCCESS,
              libdeflate_gzip_decompress(d, member->data, member->len, out, sizeof out, &got));
    CHECK(str_equal(text, (struct str){out, got}));
    libdeflate_free_decompressor(d);
}

TEST(gzip_with_wrong_hints_is_right)
{
    struct gzip *g = NULL;
    struct ccd_error err;
    CHECK_INT(0, gzip_new(NULL, &g, &err));
    struct str texts[] = {STR("{\"a\":1},{\"a\":2},{\"a\":2222222222222222222222}"), STR("x"),
                          STR("aaaaaaaaaaaaaaaa")};
    struct repeat hints[] = {{1, 1}, {2, 9},  {9, 1},   {11, 2},
                             {8, 0}, {16, 8}, {900, 3}, {UINT32_MAX, 0}};
    for (size_t i = 0; i < 3; i++) {
        for (size_t count = 1; count <= sizeof hints / sizeof hints[0]; count++) {
            struct repeats repeats = {.list = hints, .count = count};
            struct buf out;
            buf_init(&out, 4096, NULL);
            CHECK_INT(0, gzip_add(g, texts[i], &repeats, &out));
            check_inflates(&out, texts[i]);
            buf_release(&out);
        }
    }
    struct buf tiny;
    struct repeats repeats = {.list = hints, .count = 1};
    buf_init(&tiny, 10, NULL);
    CHECK_INT(-1, gzip_add(g, texts[0], &repeats, &tiny));
    buf_release(&tiny);
    gzip_free(g);
}

/* ---- faults */

TEST(faults_are_found_by_name)
{
    CHECK_INT(FAULT_error_429, fault_find(STR("error_429")));
    CHECK_INT(FAULT_error_502_html, fault_find(STR("error-502-html")));
    CHECK_INT(FAULT_NONE, fault_find(STR("error_42")));
    CHECK_INT(FAULT_NONE, fault_find(STR("")));
}

TEST(faults_come_at_their_rate_and_again)
{
    double rates[FAULT_COUNT] = {0};
    rates[FAULT_error_500] = 0.1;
    rates[FAULT_shuffled] = 0.5;
    size_t errors = 0, shuffled = 0, other_seed = 0;
    for (uint64_t n = 0; n < 10000; n++) {
        enum fault fault = fault_choose(rates, 7, n, true, false);
        CHECK_INT(fault, fault_choose(rates, 7, n, true, false));
        errors += fault == FAULT_error_500;
        shuffled += fault == FAULT_shuffled;
        other_seed += fault != fault_choose(rates, 8, n, true, false);
        CHECK(fault_choose(rates, 7, n, false, true) != FAULT_shuffled);
    }
    CHECK(errors > 900 && errors < 1100);
    CHECK(shuffled > 4300 && shuffled < 4700);
    CHECK(other_seed > 3000);
    rates[FAULT_error_500] = 1;
    CHECK_INT(FAULT_error_500, fault_choose(rates, 1, 1, false, false));
    rates[FAULT_error_500] = 0;
    rates[FAULT_gzip_corrupt] = 1;
    CHECK_INT(FAULT_NONE, fault_choose(rates, 1, 1, false, false));
    CHECK_INT(FAULT_gzip_corrupt, fault_choose(rates, 1, 1, false, true));
}

TEST(framing_counts_its_bytes)
{
    static const size_t sizes[] = {
        0, 1, 15, 16, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES};
    static const size_t framed[] = {5,
                                    11,
                                    25,
                                    27,
                                    CHUNK_BYTES - 1 + 8 + 5,
                                    CHUNK_BYTES + 8 + 5,
                                    CHUNK_BYTES + 8 + 6 + 5,
                                    3 * (CHUNK_BYTES + 8) + 5};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct reply reply = {.body = body_new(NULL, sizes[i], NULL), .chunked = true};
        CHECK_INT(framed[i], reply_framed_bytes(&reply));
        reply.chunked = false;
        CHECK_INT(sizes[i], reply_framed_bytes(&reply));
        body_drop(reply.body);
    }
}

/* Nothing leaks or breaks when memory runs out at any point of a start. */
TEST(responder_without_memory)
{
    struct settings settings = {.world = world_defaults, .cache_mib = 1};
    settings.world.market_count = 1;
    settings.world.instruments_per_market = 2;
    for (long fail_at = 0; fail_at < 25; fail_at++) {
        struct limited_allocator a;
        struct responder *r = NULL;
        struct ccd_error err = {0};
        limited_allocator_init(&a, fail_at, -1);
        if (responder_new(&settings, &a.hook, &r, &err) != 0)
            CHECK_INT(CCD_NO_MEMORY, err.status);
        responder_free(r);
        CHECK_INT(0, a.held);
    }
}

/* What memory fails in: pages and every kind of list. */
static const char *const requests[] = {
    "/spot/v1/historical/hours?market=kraken&instrument=BTC-USD",
    "/asset/v1/top/list?page_size=10",
    "/data/exchanges/general?tsym=USD",
    "/futures/v1/markets/instruments?market=bitmex",
};

static void answer_once(struct responder *r, const char *path, const struct allocator *allocator)
{
    struct http_request request;
    char text[256];
    struct reply reply = {0};
    buf_init(&reply.head, 1 << 15, allocator);
    CHECK(str_print(text, sizeof text,
                    "GET %s HTTP/1.1\r\n" HOST "X-Api-Key: k\r\nAccept-Encoding: gzip\r\n\r\n",
                    path));
    CHECK_INT(200, http_request_parse(text, strlen(text), &request));
    responder_answer(r, 200, &request, 1, &reply);
    CHECK(reply.ending == ENDING_RESET || str_starts_with(buf_str(&reply.head), STR("HTTP/1.1 ")));
    body_drop(reply.body);
    buf_release(&reply.head);
}

/* Each single allocation of a reply may fail: then it is an error or a reply, never a crash. */
TEST(responder_answers_without_memory)
{
    struct settings settings = {.world = world_defaults, .cache_mib = 1};
    settings.fault_rates[FAULT_shuffled] = 0.5;
    settings.world.instruments_per_market = 20;
    for (long fail_at = -1; fail_at < 60; fail_at++) {
        struct limited_allocator a;
        struct responder *r = NULL;
        struct ccd_error err = {0};
        limited_allocator_init(&a, -1, -1);
        if (!CHECK_INT(0, responder_new(&settings, &a.hook, &r, &err)))
            return;
        for (size_t k = 0; k < sizeof requests / sizeof requests[0]; k++) {
            a.fail_at = a.fail_to = fail_at < 0 ? -1 : a.requests + fail_at;
            for (int i = 0; i < 3; i++)
                answer_once(r, requests[k], &a.hook);
        }
        responder_free(r);
        CHECK_INT(0, a.held);
    }
}
