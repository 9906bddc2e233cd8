#include "exchange.h"

#include <string.h>

#include "base/hooks.h"
#include "test.h"

enum { GUARD_MS = 30000 };

struct http_config test_config(const char *base_url)
{
    return (struct http_config){
        .base_url = base_url,
        .api_key = TEST_KEY,
        .max_in_flight = 4,
        .connect_timeout_ms = 5000,
        .total_timeout_ms = 20000,
        .low_speed_bytes_s = 1000,
        .low_speed_s = 10,
        .user_agent = "ccdata/0.1.0",
    };
}

struct http_client *test_client(const char *base_url)
{
    struct http_config config = test_config(base_url);
    struct http_client *client = NULL;
    struct ccd_error err;
    CHECK_INT(CCD_OK, http_client_new(&config, "DATA_API_BASE_URL", &client, &err));
    return client;
}

bool test_await(struct http_client *client, struct http_reply *out_reply)
{
    struct ccd_error err;
    int64_t deadline_us = clock_mono_us(NULL) + GUARD_MS * INT64_C(1000);
    while (!http_take(client, out_reply)) {
        if (!CHECK_INT(CCD_OK, http_poll(client, 1000, &err)) ||
            !CHECK(clock_mono_us(NULL) < deadline_us)) {
            return false;
        }
    }
    return true;
}

bool test_exchange(struct http_client *client, const char *path, struct http_reply *out_reply)
{
    struct ccd_error err;
    return CHECK_INT(CCD_OK, http_send(client, path, NULL, &err)) && test_await(client, out_reply);
}

void test_release(struct http_reply *reply)
{
    buf_release(&reply->body);
    buf_release(&reply->header_lines);
}

void test_check_failed(const struct http_reply *reply, enum ccd_status status)
{
    if (!CHECK_INT(status, reply->error.status)) {
        CHECK_TEXT("", reply->error.message);
    }
    CHECK_INT(0, reply->body.len);
    CHECK(strstr(reply->error.message, "GET http") == reply->error.message);
    CHECK(!strstr(reply->error.message, TEST_KEY));
    CHECK(reply->error.native_code != 0);
}
