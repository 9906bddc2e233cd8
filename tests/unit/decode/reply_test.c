#include "decode/reply.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "test.h"

#define MESSAGE(text) "{\"Data\":{},\"Err\":{\"type\":1,\"message\":\"" text "\"}}"
#define OLD_MESSAGE(type, text)                                                                    \
    "{\"Response\":\"Error\",\"Message\":\"" text "\",\"HasWarning\":false,\"Type\":" #type        \
    ",\"RateLimit\":{},\"Data\":{}}"

struct fixture {
    struct reply_decoder decoder;
    struct batch batch;
    struct reply_headers headers;
    struct ccd_error err;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.err.status = CCD_INTERNAL};
    CHECK_INT(CCD_OK, reply_decoder_init(&f->decoder, NULL, &f->err));
    CHECK_INT(CCD_OK, batch_init(&f->batch, &small_type, 10, 1000, NULL, &f->err));
    reply_headers_init(&f->headers);
}

static void end(struct fixture *f)
{
    batch_release(&f->batch);
    reply_decoder_release(&f->decoder);
}

static enum reply_verdict classify_bytes(struct fixture *f, long http_status, const void *body,
                                         size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, body, len);
    struct reply_input in = {http_status, len > 0 ? copy : NULL, len, &f->headers};
    enum reply_verdict verdict = reply_classify_candles(&f->decoder, &in, 10, &f->batch, &f->err);
    free(copy);
    return verdict;
}

static enum reply_verdict classify(struct fixture *f, long http_status, const char *body)
{
    return classify_bytes(f, http_status, body, strlen(body));
}

/* One line per case of CONTRACT.md §6 and FAULTS.md §2.2, and one per rule. */
static const struct {
    long http_status;
    const char *body;
    enum reply_verdict verdict;
    enum ccd_status status;
} REPLIES[] = {
    {200, "{\"Data\":[],\"Err\":{}}", REPLY_PAGE, CCD_OK},
    {200, "{\"Data\":[{\"TS\":1}],\"Err\":{}}", REPLY_PAGE, CCD_OK},
    {200, " {\"Data\":[{\"TS\":1}]}\n", REPLY_PAGE, CCD_OK},
    {200, "{\"Data\":{},\"Err\":{}}", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "{\"Err\":{}}", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "{}", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "", REPLY_RETRY, CCD_BAD_REPLY},
    {200, " \r\n", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "<html><body>Log in</body></html>", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "[]", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "null", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "UNIT,TIMESTAMP\nDAY,1\n", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "{\"Data\":[{\"TS\":1}", REPLY_RETRY, CCD_BAD_REPLY},
    {200, "{\"Data\":[{\"TS\":\"1\"}]}", REPLY_RETRY, CCD_BAD_REPLY},
    {200, MESSAGE("No HOUR entries available on or before 1262304000"), REPLY_END_OF_HISTORY,
     CCD_OK},
    {200, MESSAGE("Not found: instrument parameter."), REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {200, MESSAGE("This market does not exist"), REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {200, MESSAGE("Value x not integrated yet"), REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {200, MESSAGE("The path does not exist"), REPLY_BROKEN, CCD_BAD_REQUEST},
    {200, MESSAGE("something else"), REPLY_RETRY, CCD_BAD_REPLY},
    {200, MESSAGE("You are over your RATE LIMIT"), REPLY_THROTTLED, CCD_THROTTLED},
    {200, MESSAGE("You can only have 1 request in flight at a time"), REPLY_THROTTLED,
     CCD_THROTTLED},
    {200, "{\"Data\":{},\"Err\":{\"type\":99}}", REPLY_THROTTLED, CCD_THROTTLED},
    {200, "{\"Data\":{},\"Err\":{\"type\":101,\"message\":\"soft cap\"}}", REPLY_THROTTLED,
     CCD_THROTTLED},
    {200, MESSAGE("API key required, please refer to the documentation"), REPLY_BAD_KEY,
     CCD_KEY_REJECTED},
    {200, OLD_MESSAGE(1, "You need a valid auth key or api key to access this endpoint"),
     REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {200, OLD_MESSAGE(99, "You are over your rate limit please upgrade your account!"),
     REPLY_THROTTLED, CCD_THROTTLED},
    {200, OLD_MESSAGE(2, "fsym is a required param."), REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {200, OLD_MESSAGE(2, "fsym param with value: BTC is invalid."), REPLY_BAD_SERIES,
     CCD_BAD_REQUEST},
    {200, OLD_MESSAGE(2, "limit is larger than max value."), REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {200, OLD_MESSAGE(96, "out of order"), REPLY_RETRY, CCD_BAD_REPLY},
    {201, "{\"Data\":[]}", REPLY_RETRY, CCD_BAD_REPLY},
    {204, "", REPLY_RETRY, CCD_BAD_REPLY},
    {206, "{\"Data\":[", REPLY_RETRY, CCD_BAD_REPLY},
    {301, "<html>Moved</html>", REPLY_BROKEN, CCD_BAD_REQUEST},
    {302, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {304, "", REPLY_RETRY, CCD_BAD_REPLY},
    {307, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {400, MESSAGE("limit parameter is invalid"), REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {400, "", REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {400, MESSAGE("rate limit reached"), REPLY_THROTTLED, CCD_THROTTLED},
    {400, MESSAGE("No DAY entries available on or before 5"), REPLY_END_OF_HISTORY, CCD_OK},
    {401, MESSAGE("API key required"), REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {401, "", REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {401, "<html>", REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {402, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {403, MESSAGE("Not entitled"), REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {403, MESSAGE("Rate limit exceeded"), REPLY_THROTTLED, CCD_THROTTLED},
    {404, MESSAGE("No HOUR entries available on or before 1262304000"), REPLY_END_OF_HISTORY,
     CCD_OK},
    {404, MESSAGE("no minute ENTRIES AVAILABLE ON OR BEFORE 5"), REPLY_END_OF_HISTORY, CCD_OK},
    {404, MESSAGE("Not found: market parameter."), REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {404, MESSAGE("The requested path does not exist"), REPLY_BROKEN, CCD_BAD_REQUEST},
    {404, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {404, "<html>nginx</html>", REPLY_BROKEN, CCD_BAD_REQUEST},
    {404, "{\"message\":\"Not Found\"}", REPLY_BROKEN, CCD_BAD_REQUEST},
    {404, "{\"Data\":{},\"Err\":{\"type\":1,\"mess", REPLY_RETRY, CCD_BAD_REPLY},
    {405, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {408, "", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {410, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {422, "", REPLY_BROKEN, CCD_BAD_REQUEST},
    {425, "", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {429, "", REPLY_THROTTLED, CCD_THROTTLED},
    {429, MESSAGE("API key over its limit"), REPLY_THROTTLED, CCD_THROTTLED},
    {429, "<html>Too many</html>", REPLY_THROTTLED, CCD_THROTTLED},
    {500, "", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {500, MESSAGE("Not found"), REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {502, "<html>Bad gateway</html>", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {503, "{\"Data\":[]}", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {504, "", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {520, "", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {524, "", REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {550, OLD_MESSAGE(1, "oops"), REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {503, OLD_MESSAGE(99, "You are over your rate limit"), REPLY_THROTTLED, CCD_THROTTLED},
    {503, OLD_MESSAGE(99, "slow down"), REPLY_THROTTLED, CCD_THROTTLED},
    {0, "", REPLY_RETRY, CCD_BAD_REPLY},
    {100, "", REPLY_RETRY, CCD_BAD_REPLY},
    {999, "", REPLY_RETRY, CCD_BAD_REPLY},
    {-1, "", REPLY_RETRY, CCD_BAD_REPLY},
};

TEST(reply_classifies_by_status_then_text_then_number)
{
    for (size_t i = 0; i < sizeof REPLIES / sizeof REPLIES[0]; i++) {
        struct fixture f;
        begin(&f);
        bool good = CHECK_TEXT(
            reply_verdict_name(REPLIES[i].verdict),
            reply_verdict_name(classify(&f, REPLIES[i].http_status, REPLIES[i].body)));
        good &= CHECK_TEXT(ccd_status_name(REPLIES[i].status), ccd_status_name(f.err.status));
        if (REPLIES[i].verdict == REPLY_PAGE) {
            good &= CHECK_TEXT("", f.err.message);
        } else {
            good &= CHECK_INT(0, f.batch.row_count);
            good &= CHECK(f.err.message[0] != '\0');
            good &= CHECK_INT(REPLIES[i].http_status, f.err.native_code);
        }
        if (!good) {
            fprintf(stderr, "  HTTP %ld, %s: %s\n", REPLIES[i].http_status, REPLIES[i].body,
                    f.err.message);
        }
        end(&f);
    }
}

TEST(reply_quotes_the_vendor)
{
    struct fixture f;
    begin(&f);
    classify(&f, 404, MESSAGE("Not found: market parameter.\\n\\u0007"));
    CHECK_TEXT("HTTP 404: Not found: market parameter.??", f.err.message);
    classify(&f, 503, "");
    CHECK_TEXT("HTTP 503 without a message", f.err.message);
    classify(&f, 502, "  <html>\n<b>\xFF</b>");
    CHECK_TEXT("HTTP 502: <html>?<b>?</b>", f.err.message);
    classify(&f, 200,
             "<html>\xE2\x82\xAC, 80 bytes are quoted: "
             "012345678901234567890123456789012345678901234567890");
    CHECK_TEXT("the reply is not JSON: <html>\xE2\x82\xAC, 80 bytes are quoted: "
               "012345678901234567890123456789012345678901234567",
               f.err.message);
    classify(&f, 200, "{\"Data\":[{\"TS\":1},{\"TS\":x}]}");
    CHECK(strstr(f.err.message, "record 1, TS: a number is expected") != NULL);
    CHECK_INT(24, f.err.byte_offset);
    CHECK_INT(CCD_ACTION_RETRY, ccd_status_action(f.err.status));
    end(&f);
}

TEST(reply_says_how_long_to_wait)
{
    struct fixture f;
    begin(&f);
    classify(&f, 429, "");
    CHECK_INT(0, f.err.retry_after_ms);
    f.headers.remaining[RATE_SECOND] = 0;
    f.headers.reset_s[RATE_SECOND] = 1;
    f.headers.remaining[RATE_HOUR] = 0;
    f.headers.reset_s[RATE_HOUR] = 1500;
    f.headers.remaining[RATE_DAY] = 10;
    f.headers.reset_s[RATE_DAY] = 70000;
    classify(&f, 429, "");
    CHECK_INT(1500000, f.err.retry_after_ms);
    f.headers.retry_after_s = 3;
    classify(&f, 429, "");
    CHECK_INT(3000, f.err.retry_after_ms);
    classify(&f, 200, MESSAGE("over your rate limit"));
    CHECK_INT(3000, f.err.retry_after_ms);
    classify(&f, 503, "");
    CHECK_INT(3000, f.err.retry_after_ms);
    f.headers.retry_after_s = 0;
    classify(&f, 429, "");
    CHECK_INT(1000, f.err.retry_after_ms);
    classify(&f, 404, MESSAGE("Not found"));
    CHECK_INT(0, f.err.retry_after_ms);
    end(&f);
}

TEST(reply_opens_gzip_only_when_the_headers_say_so)
{
    static const char PAGE[] = "{\"Data\":[{\"TS\":1,\"NAME\":\"zipped\"}]}";
    unsigned char zipped[256];
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t len = libdeflate_gzip_compress(compressor, PAGE, sizeof PAGE - 1, zipped, sizeof zipped);
    libdeflate_free_compressor(compressor);
    struct fixture f;
    begin(&f);
    CHECK_INT(REPLY_RETRY, classify_bytes(&f, 200, zipped, len));
    CHECK(str_is_utf8(str_from(f.err.message)));
    f.headers.gzip = true;
    CHECK_INT(REPLY_PAGE, classify_bytes(&f, 200, zipped, len));
    CHECK_STR("zipped", batch_text(&f.batch, 0, SMALL_NAME));
    CHECK_INT(REPLY_RETRY, classify_bytes(&f, 200, zipped, len - 1));
    CHECK_INT(CCD_BAD_REPLY, f.err.status);
    CHECK_INT(REPLY_RETRY, classify(&f, 200, PAGE));
    CHECK_INT(REPLY_RETRY, classify(&f, 200, ""));
    CHECK_INT(REPLY_RETRY, classify_bytes(&f, 404, zipped, len - 1));
    CHECK_INT(REPLY_THROTTLED, classify_bytes(&f, 429, zipped, len - 1));
    f.headers.gzip = false;
    f.headers.unknown_encoding = true;
    CHECK_INT(REPLY_RETRY, classify(&f, 200, PAGE));
    CHECK_INT(REPLY_BAD_KEY, classify(&f, 401, PAGE));
    f.headers.unknown_encoding = false;
    f.headers.json = false; /* text/html, whatever the body looks like */
    CHECK_INT(REPLY_RETRY, classify(&f, 200, PAGE));
    CHECK_INT(REPLY_BAD_SERIES, classify(&f, 404, MESSAGE("Not found")));
    end(&f);
}

/* A megabyte of the same byte shrinks a thousandfold. */
TEST(reply_refuses_a_bomb)
{
    enum { BOMB_BYTES = 10 << 20 };
    char *zeros = calloc(BOMB_BYTES, 1);
    unsigned char *zipped = malloc(BOMB_BYTES);
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t len = libdeflate_gzip_compress(compressor, zeros, BOMB_BYTES, zipped, BOMB_BYTES);
    libdeflate_free_compressor(compressor);
    struct fixture f;
    begin(&f);
    f.headers.gzip = true;
    CHECK_INT(REPLY_RETRY, classify_bytes(&f, 200, zipped, len));
    CHECK(strstr(f.err.message, "larger than a reply may be") != NULL);
    CHECK(f.decoder.decoded.capacity <= 2 * len * REPLY_RATIO_MAX); /* buffers grow by doubling */
    end(&f);
    free(zeros);
    free(zipped);
}

TEST(reply_refuses_a_body_over_the_cap)
{
    struct fixture f;
    begin(&f);
    char *body = calloc(REPLY_BODY_MAX_BYTES + 1, 1);
    memset(body, ' ', REPLY_BODY_MAX_BYTES + 1);
    memcpy(body, "{\"Data\":[]}", 11);
    CHECK_INT(REPLY_PAGE, classify_bytes(&f, 200, body, REPLY_BODY_MAX_BYTES));
    CHECK_INT(REPLY_RETRY, classify_bytes(&f, 200, body, REPLY_BODY_MAX_BYTES + 1));
    end(&f);
    free(body);
}

TEST(reply_works_without_an_error_to_fill)
{
    struct fixture f;
    begin(&f);
    struct reply_input in = {503, NULL, 0, &f.headers};
    CHECK_INT(REPLY_RETRY, reply_classify_candles(&f.decoder, &in, 10, &f.batch, NULL));
    in.http_status = 200;
    CHECK_INT(REPLY_RETRY, reply_classify_candles(&f.decoder, &in, 10, &f.batch, NULL));
    CHECK_TEXT("unknown", reply_verdict_name((enum reply_verdict)99));
    end(&f);
}
