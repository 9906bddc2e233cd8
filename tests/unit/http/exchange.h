/* One request and its reply, for tests. */
#ifndef TESTS_UNIT_HTTP_EXCHANGE_H
#define TESTS_UNIT_HTTP_EXCHANGE_H

#include "http/client.h"

#define TEST_KEY "canary-5f1d0c"

/* A configuration with short deadlines: 5 s to connect, 20 s in all, 1,000 bytes/s over 10 s. */
struct http_config test_config(const char *base_url);
/* NULL after a failed check. */
struct http_client *test_client(const char *base_url);

/* Send, wait, take. False after a failed check: then there is nothing to release. */
bool test_exchange(struct http_client *client, const char *path, struct http_reply *out_reply);
/* The same, for a reply that has been asked for. */
bool test_await(struct http_client *client, struct http_reply *out_reply);
void test_release(struct http_reply *reply);

/* Checks the status, that there is no body, and a message that names the URL and holds no key. */
void test_check_failed(const struct http_reply *reply, enum ccd_status status);

#endif
