/* What goes out and what comes back when the peer behaves. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hooks.h"
#include "exchange.h"
#include "limited_allocator.h"
#include "server.h"
#include "test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct step HELLO[] = {READ, SEND(OK_HEAD "Content-Length: 5\r\n\r\nhello"), AGAIN};

static void check_request(struct server *server, size_t number, const char *path, const char *key)
{
    char expected[1024];
    (void)str_print(expected, sizeof expected,
                    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: ccdata/0.1.0\r\n"
                    "Accept: */*\r\nAccept-Encoding: gzip\r\n%s%s%s\r\n",
                    path, server_port(server), key ? "Authorization: Apikey " : "", key ? key : "",
                    key ? "\r\n" : "");
    CHECK_TEXT(expected, server_request(server, number));
}

TEST(request_on_the_wire)
{
    struct server *server = server_start_one(HELLO);
    struct http_client *client = test_client(server_url(server));
    static const char path[] =
        "/spot/v1/historical/days?market=kraken&instrument=A%26B%0d%0aX&x=..";
    struct http_reply reply;
    if (test_exchange(client, path, &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        CHECK_INT(200, reply.status);
        CHECK_STR("hello", buf_str(&reply.body));
        CHECK_STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", buf_str(&reply.header_lines));
        test_release(&reply);
    }
    check_request(server, 0, path, TEST_KEY);
    http_client_free(client);
    server_stop(server);
}

TEST(request_path_as_is)
{
    struct server *server = server_start_one(HELLO);
    char url[128];
    (void)str_print(url, sizeof url, "%s/data/", server_url(server));
    struct http_client *client = test_client(url);
    struct http_reply reply;
    if (test_exchange(client, "/../a/./b//c?", &reply)) {
        test_release(&reply);
    }
    check_request(server, 0, "/data/../a/./b//c?", TEST_KEY);
    http_client_free(client);
    server_stop(server);
}

TEST(request_path_refused)
{
    static const char *const paths[] = {
        NULL, "", "x", "@127.0.0.2/", "/a b", "/a\r\nX-Injected: 1", "/a\n", "/a#b", "/\xC3\xA9",
    };
    struct server *server = server_start_one(HELLO);
    struct http_client *client = test_client(server_url(server));
    struct ccd_error err;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        CHECK_INT(CCD_INTERNAL, http_send(client, paths[i], NULL, &err));
        CHECK(!strpbrk(err.message, "\r\n"));
    }
    char long_path[8194] = "/";
    memset(long_path + 1, 'a', sizeof long_path - 2);
    CHECK_INT(CCD_INTERNAL, http_send(client, long_path, NULL, &err));
    CHECK_INT(0, http_in_flight(client));
    struct http_reply reply;
    long_path[8192] = '\0';
    if (test_exchange(client, long_path, &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        test_release(&reply);
    }
    CHECK_INT(1, server_requests(server));
    http_client_free(client);
    server_stop(server);
}

TEST(connection_kept_alive_and_no_cookie)
{
    static const struct step script[] = {
        READ,
        SEND(OK_HEAD "Content-Length: 2\r\nSet-Cookie: a=b; Path=/\r\n"
                     "Strict-Transport-Security: max-age=31536000\r\n"
                     "Alt-Svc: h2=\":1\"; ma=3600\r\nConnection: keep-alive\r\n\r\n{}"),
        AGAIN,
    };
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    for (size_t i = 0; i < 6; i++) {
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            CHECK_STR("{}", buf_str(&reply.body));
            test_release(&reply);
        }
        check_request(server, i, "/x", TEST_KEY);
    }
    CHECK_INT(1, server_connections(server));
    CHECK_INT(0, http_resends_refused(client));
    http_client_free(client);
    server_stop(server);
}

TEST(no_key_no_authorization)
{
    struct server *server = server_start_one(HELLO);
    struct http_config config = test_config(server_url(server));
    static const char *const keys[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        struct http_client *client;
        struct http_reply reply;
        config.api_key = keys[i];
        if (CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL)) &&
            test_exchange(client, "/", &reply)) {
            test_release(&reply);
        }
        check_request(server, i, "/", NULL);
        http_client_free(client);
    }
    server_stop(server);
}

TEST(environment_ignored)
{
    char directory[] = "/tmp/http_test.XXXXXX";
    if (!CHECK(mkdtemp(directory))) {
        return;
    }
    char netrc[64];
    (void)str_print(netrc, sizeof netrc, "%s/.netrc", directory);
    FILE *file = fopen(netrc, "w");
    if (CHECK(file)) {
        fputs("machine 127.0.0.1 login a password b\n", file);
        fclose(file);
    }
    int refused_port;
    int refused = refused_port_open(&refused_port);
    char proxy[64];
    (void)str_print(proxy, sizeof proxy, "http://127.0.0.1:%d", refused_port);
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    setenv("HOME", directory, 1);
    struct server *server = server_start_one(HELLO);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/", &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        test_release(&reply);
    }
    check_request(server, 0, "/", TEST_KEY);
    http_client_free(client);
    server_stop(server);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    close(refused);
    unlink(netrc);
    rmdir(directory);
}

TEST(origin_and_library)
{
    struct http_client *client = test_client("http://LocalHost/data");
    CHECK_TEXT("http://localhost:80", http_origin(client));
    CHECK(strstr(http_library(), "libcurl/") == http_library());
    http_client_free(client);
}

TEST(key_refused)
{
    static const char *const keys[] = {"qq ww",  " qqww",    "qqww\n",   "qqww\r\nX: y",
                                       "qq\tww", "\x01qqww", "qqww\x7f", "qq\xC3\xA9ww"};
    struct http_config config = test_config("https://host");
    struct http_client *client;
    struct ccd_error err;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        config.api_key = keys[i];
        CHECK_INT(CCD_CONFIG, http_client_new(&config, "X_URL", &client, &err));
        CHECK(!client);
        CHECK(!strstr(err.message, "qq"));
    }
    char long_key[1026];
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[1025] = '\0';
    config.api_key = long_key;
    CHECK_INT(CCD_CONFIG, http_client_new(&config, "X_URL", &client, &err));
    CHECK(!strstr(err.message, "kkkk"));
    long_key[1024] = '\0';
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, &err));
    http_client_free(client);
}

TEST(configuration_refused)
{
    struct http_config config = test_config("http://example.org");
    struct http_client *client;
    struct ccd_error err;
    CHECK_INT(CCD_CONFIG, http_client_new(&config, "DATA_API_BASE_URL", &client, &err));
    CHECK_TEXT("DATA_API_BASE_URL: http would send the API key in the clear; write "
               "https://example.org (http is for 127.0.0.0/8, [::1] and localhost only)",
               err.message);
    config = test_config("https://host");
    config.max_in_flight = 0;
    CHECK_INT(CCD_INTERNAL, http_client_new(&config, "X_URL", &client, &err));
    config.max_in_flight = 65;
    CHECK_INT(CCD_INTERNAL, http_client_new(&config, "X_URL", &client, &err));
    config.max_in_flight = 64;
    config.user_agent = "a\r\nX: y";
    CHECK_INT(CCD_INTERNAL, http_client_new(&config, "X_URL", &client, &err));
    http_client_free(NULL);
}

TEST(body_forms)
{
    static const char gzip[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x00not inflated\x00\xff";
    static const struct step length[] = {
        READ,
        SEND(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"),
        SEND(gzip),
        AGAIN,
    };
    static const struct step chunks[] = {
        READ,
        SEND(OK_HEAD "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x1f\r\n"
                     "a;name=value\r\n"),
        SEND_BYTES(gzip + 1, 10),
        SEND("\r\n0e\r\n"),
        SEND_BYTES(gzip + 11, 14),
        SEND("\r\n0\r\nRetry-After: 99\r\nHTTP/1.1 503 Trailer: x\r\n\r\n"),
        AGAIN,
    };
    static const struct step *const scripts[] = {length, chunks};
    for (size_t i = 0; i < 2; i++) {
        struct server *server = server_start_one(scripts[i]);
        struct http_client *client = test_client(server_url(server));
        for (int again = 0; again < 2; again++) {
            struct http_reply reply;
            if (test_exchange(client, "/x", &reply)) {
                CHECK_INT(CCD_OK, reply.error.status);
                CHECK_INT(sizeof gzip - 1, reply.body.len);
                CHECK(reply.body.len == sizeof gzip - 1 &&
                      memcmp(reply.body.data, gzip, sizeof gzip - 1) == 0);
                CHECK_INT(SIZE_MAX, str_find(buf_str(&reply.header_lines), STR("Retry-After")));
                CHECK_INT(SIZE_MAX, str_find(buf_str(&reply.header_lines), STR("Trailer")));
                test_release(&reply);
            }
        }
        CHECK_INT(1, server_connections(server));
        http_client_free(client);
        server_stop(server);
    }
}

TEST(byte_by_byte)
{
    static const struct step script[] = {
        READ,
        DRIP(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n3\r\n2]\n\r\n0\r\n\r\n", 1),
        AGAIN,
    };
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        CHECK_STR("[1,2]\n", buf_str(&reply.body));
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}

TEST(empty_replies)
{
    static const struct step no_content[] = {READ, SEND("HTTP/1.1 204 No Content\r\n\r\n"), AGAIN};
    static const struct step zero[] = {READ, SEND(OK_HEAD "Content-Length: 0\r\n\r\n"), AGAIN};
    static const struct step no_chunk[] = {
        READ, SEND(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), AGAIN};
    static const struct step *const scripts[] = {no_content, zero, no_chunk};
    for (size_t i = 0; i < 3; i++) {
        struct server *server = server_start_one(scripts[i]);
        struct http_client *client = test_client(server_url(server));
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            CHECK_INT(CCD_OK, reply.error.status);
            CHECK_INT(i == 0 ? 204 : 200, reply.status);
            CHECK_STR("", buf_str(&reply.body));
            test_release(&reply);
        }
        http_client_free(client);
        server_stop(server);
    }
}

TEST(interim_replies)
{
    static const struct step script[] = {
        READ,
        SEND("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\n\r\n"),
        SEND("HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"),
        AGAIN,
    };
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        CHECK_INT(429, reply.status);
        CHECK_STR("HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 2\r\n",
                  buf_str(&reply.header_lines));
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}

TEST(one_request_whatever_the_status)
{
    static const struct step elsewhere_script[] = {READ, SEND(OK_HEAD "\r\n"), END};
    struct server *elsewhere = server_start_one(elsewhere_script);
    static const char *const status_lines[] = {
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
        "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\", Negotiate, NTLM",
        "407 Proxy\r\nProxy-Authenticate: Basic realm=\"x\"",
        "408 Timeout",
        "417 Expectation",
        "421 Misdirected",
        "425 Too Early",
        "503 Unavailable",
    };
    for (size_t i = 0; i < sizeof status_lines / sizeof status_lines[0]; i++) {
        char text[512];
        (void)str_print(text, sizeof text,
                        "HTTP/1.1 %s\r\nLocation: %s/x\r\nContent-Length: 2\r\n\r\n{}",
                        status_lines[i], server_url(elsewhere));
        const struct step script[] = {READ, SEND_BYTES(text, strlen(text)), AGAIN};
        struct server *server = server_start_one(script);
        struct http_client *client = test_client(server_url(server));
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            CHECK_INT(CCD_OK, reply.error.status);
            CHECK_INT(atoi(status_lines[i]), reply.status);
            CHECK_STR("{}", buf_str(&reply.body));
            test_release(&reply);
        }
        CHECK_INT(1, server_requests(server));
        http_client_free(client);
        server_stop(server);
    }
    CHECK_INT(0, server_connections(elsewhere));
    server_stop(elsewhere);
}

TEST(requests_in_parallel)
{
    static const struct step script[] = {READ, PAUSE(300),
                                         SEND(OK_HEAD "Content-Length: 2\r\n\r\n{}"), AGAIN};
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    struct ccd_error err;
    int tags[5];
    bool seen[4] = {false};
    int64_t begin_us = clock_mono_us(NULL);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(CCD_OK, http_send(client, "/x", &tags[i], &err));
    }
    CHECK_INT(4, http_in_flight(client));
    CHECK_INT(CCD_INTERNAL, http_send(client, "/x", &tags[4], &err));
    for (int i = 0; i < 4; i++) {
        struct http_reply reply;
        if (test_await(client, &reply)) {
            seen[(int *)reply.tag - tags] = true;
            CHECK_INT(3 - i, http_in_flight(client));
            test_release(&reply);
        }
    }
    CHECK(seen[0] && seen[1] && seen[2] && seen[3]);
    CHECK(clock_mono_us(NULL) - begin_us < 1000000);
    CHECK_INT(4, server_connections(server));
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        test_release(&reply);
    }
    CHECK_INT(4, server_connections(server));
    CHECK(!http_take(client, &reply));
    http_client_free(client);
    server_stop(server);
}

TEST(poll_waits_as_long_as_told)
{
    struct http_client *client = test_client("http://127.0.0.1:1");
    int64_t begin_us = clock_mono_us(NULL);
    CHECK_INT(CCD_OK, http_poll(client, 0, NULL));
    CHECK_INT(CCD_OK, http_poll(client, -5, NULL));
    CHECK(clock_mono_us(NULL) - begin_us < 100000);
    CHECK_INT(CCD_OK, http_poll(client, 200, NULL));
    CHECK(clock_mono_us(NULL) - begin_us >= 200000);
    http_client_free(client);
}

static void *wake(void *user)
{
    usleep(100000);
    http_wakeup(user);
    return NULL;
}

TEST(wakeup_ends_poll)
{
    static const struct step silent[] = {READ, HOLD};
    struct server *server = server_start_one(silent);
    struct http_client *client = test_client(server_url(server));
    CHECK_INT(CCD_OK, http_send(client, "/x", NULL, NULL));
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        int64_t begin_us = clock_mono_us(NULL);
        CHECK_INT(0, pthread_create(&thread, NULL, wake, client));
        CHECK_INT(CCD_OK, http_poll(client, 20000, NULL));
        CHECK(clock_mono_us(NULL) - begin_us < 1500000);
        pthread_join(thread, NULL);
    }
    http_wakeup(client);
    int64_t begin_us = clock_mono_us(NULL);
    CHECK_INT(CCD_OK, http_poll(client, 20000, NULL));
    CHECK(clock_mono_us(NULL) - begin_us < 1500000);
    http_client_free(client); /* drops the request */
    server_stop(server);
}

TEST(free_before_take)
{
    struct server *server = server_start_one(HELLO);
    struct http_client *client = test_client(server_url(server));
    CHECK_INT(CCD_OK, http_send(client, "/x", NULL, NULL));
    CHECK_INT(CCD_OK, http_poll(client, 5000, NULL));
    CHECK_INT(1, http_in_flight(client));
    http_client_free(client);
    server_stop(server);
}

static int64_t fixed_utc_us(void *user)
{
    (void)user;
    return 1700000000000000;
}

static int64_t counting_mono_us(void *user)
{
    return *(int64_t *)user += 1000;
}

TEST(stamps_from_the_clock)
{
    int64_t now_us = 5000;
    const struct clock clock = {
        .utc_us = fixed_utc_us, .mono_us = counting_mono_us, .user = &now_us};
    struct server *server = server_start_one(HELLO);
    struct http_config config = test_config(server_url(server));
    struct http_client *client;
    struct http_reply reply;
    config.clock = &clock;
    if (CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL)) &&
        test_exchange(client, "/x", &reply)) {
        CHECK_INT(1700000000000000, reply.sent_utc_us);
        CHECK_INT(6000, reply.received_mono_us);
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}

TEST(without_memory)
{
    static const struct step script[] = {
        READ, SEND(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n20000\r\n"), FILL(0x20000),
        SEND("\r\n0\r\n\r\n"), AGAIN};
    struct server *server = server_start_one(script);
    bool whole = false;
    for (long fail_at = 0; fail_at < 100 && !whole; fail_at++) {
        struct limited_allocator limited;
        struct http_config config = test_config(server_url(server));
        struct http_client *client;
        struct http_reply reply;
        struct ccd_error err;
        limited_allocator_init(&limited, fail_at, fail_at);
        config.allocator = &limited.hook;
        if (http_client_new(&config, "X_URL", &client, &err) != CCD_OK) {
            CHECK_INT(CCD_NO_MEMORY, err.status);
            CHECK(!client);
        } else if (http_send(client, "/x", NULL, &err) != CCD_OK) {
            CHECK_INT(CCD_NO_MEMORY, err.status);
        } else if (test_await(client, &reply)) {
            whole = reply.error.status == CCD_OK;
            CHECK_INT(whole ? CCD_OK : CCD_NO_MEMORY, reply.error.status);
            CHECK_INT(whole ? 0x20000 : 0, reply.body.len);
            test_release(&reply);
        }
        http_client_free(client);
        CHECK_INT(0, limited.held);
    }
    CHECK(whole);
    server_stop(server);
}

static void write_line(void *user, enum log_level level, const struct log_subject *subject,
                       struct str text)
{
    (void)level;
    (void)subject;
    buf_add(user, text.ptr, text.len);
    buf_add_char(user, '\n');
}

TEST(no_key_in_the_log)
{
    static const struct step first[] = {READ, SEND(OK_HEAD "Content-Length: 0\r\n\r\n"), READ, END};
    struct server *server = server_start_one(first);
    struct buf lines;
    buf_init(&lines, 65536, NULL);
    const struct log log = {.threshold = LOG_DEBUG, .write = write_line, .user = &lines};
    struct http_config config = test_config(server_url(server));
    struct http_client *client;
    config.log = &log;
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    for (int i = 0; i < 2; i++) {
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            test_release(&reply);
        }
    }
    CHECK(lines.len > 0);
    CHECK_INT(SIZE_MAX, str_find(buf_str(&lines), STR(TEST_KEY)));
    buf_release(&lines);
    http_client_free(client);
    server_stop(server);
}
