/* What a request ends with when the peer or the network misbehaves. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/hooks.h"
#include "exchange.h"
#include "server.h"
#include "test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* One request to a server that plays one script; returns how long it took. */
static int64_t fail_within_us(const struct step *script, enum ccd_status status,
                              int64_t total_timeout_ms, int64_t low_speed_s)
{
    struct server *server = server_start_one(script);
    struct http_config config = test_config(server_url(server));
    struct http_client *client;
    config.total_timeout_ms = total_timeout_ms;
    config.low_speed_s = low_speed_s;
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    struct http_reply reply;
    int64_t begin_us = clock_mono_us(NULL);
    if (test_exchange(client, "/spot?x=1", &reply)) {
        test_check_failed(&reply, status);
        test_release(&reply);
    }
    int64_t took_us = clock_mono_us(NULL) - begin_us;
    CHECK_INT(1, server_requests(server));
    CHECK_INT(0, http_resends_refused(client));
    http_client_free(client);
    server_stop(server);
    return took_us;
}

static void fail_once(const struct step *script, enum ccd_status status)
{
    fail_within_us(script, status, 0, 0);
}

static const char LENGTH_REPLY[] = OK_HEAD "Content-Length: 12\r\nX: y\r\n\r\n[1,2,3,4,56]";
static const char CHUNKED_REPLY[] = OK_HEAD
    "Transfer-Encoding: chunked\r\n\r\n6\r\n[1,2,3\r\n6\r\n,4,56]\r\n0\r\n\r\n";

/* The reply up to each offset, then RST or FIN. */
static void cut_everywhere(const char *text, size_t len, enum step_kind ending)
{
    for (size_t at = 0; at <= len; at++) {
        const struct step script[] = {READ, SEND_BYTES(text, at), PAUSE(1), {.kind = ending}};
        struct server *server = server_start_one(script);
        struct http_client *client = test_client(server_url(server));
        struct http_reply reply;
        if (!test_exchange(client, "/x", &reply)) {
            break;
        }
        if (reply.error.status == CCD_OK) {
            /* libcurl does not miss the very last line feed after the zero chunk. */
            CHECK(at >= len - (text == CHUNKED_REPLY));
            CHECK_STR("[1,2,3,4,56]", buf_str(&reply.body));
        } else {
            CHECK(at < len);
            CHECK(reply.error.status == CCD_NETWORK || reply.error.status == CCD_BAD_REPLY);
            CHECK_INT(0, reply.body.len);
        }
        CHECK_INT(1, server_requests(server));
        test_release(&reply);
        http_client_free(client);
        server_stop(server);
    }
}

TEST(cut_by_reset_at_every_byte)
{
    cut_everywhere(LENGTH_REPLY, sizeof LENGTH_REPLY - 1, STEP_RESET);
    cut_everywhere(CHUNKED_REPLY, sizeof CHUNKED_REPLY - 1, STEP_RESET);
}

TEST(cut_by_close_at_every_byte)
{
    cut_everywhere(LENGTH_REPLY, sizeof LENGTH_REPLY - 1, STEP_END);
    cut_everywhere(CHUNKED_REPLY, sizeof CHUNKED_REPLY - 1, STEP_END);
}

TEST(body_shorter_than_declared)
{
    static const struct step script[] = {READ, SEND(OK_HEAD "Content-Length: 100\r\n\r\n[1,2]"),
                                         END};
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/spot?x=1", &reply)) {
        test_check_failed(&reply, CCD_BAD_REPLY);
        CHECK_INT(200, reply.status);
        CHECK_STR(OK_HEAD "Content-Length: 100\r\n", buf_str(&reply.header_lines));
        char expected[256];
        (void)str_print(expected, sizeof expected, "GET %s/spot?x=1: reply cut short (",
                        server_url(server));
        CHECK(strstr(reply.error.message, expected) == reply.error.message);
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}

TEST(body_without_an_end)
{
    static const struct step data[] = {READ, SEND(OK_HEAD "Connection: close\r\n\r\n[1,2]"), END};
    fail_once(data, CCD_BAD_REPLY);
    static const struct step hinted[] = {
        READ, SEND("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" OK_HEAD "\r\n[1,2]"),
        END};
    fail_once(hinted, CCD_BAD_REPLY);
    static const struct step other_coding[] = {
        READ, SEND(OK_HEAD "Transfer-Encoding: chunked, xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        END};
    fail_once(other_coding, CCD_BAD_REPLY);
    static const struct step endless[] = {READ, SEND("HTTP/1.0 200 OK\r\n\r\n"), FILL(40000000),
                                          END};
    fail_once(endless, CCD_BAD_REPLY);

    static const struct step error[] = {READ, SEND("HTTP/1.0 502 Bad Gateway\r\n\r\n<html>"), END};
    struct server *server = server_start_one(error);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        CHECK_INT(502, reply.status);
        CHECK_STR("<html>", buf_str(&reply.body));
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}

/* What a peer sends beyond its reply, or before it is asked, must never pass for the next reply. */
TEST(excess_is_not_the_next_reply)
{
    static const char first[] = OK_HEAD "Content-Length: 1\r\n\r\n1";
    static const char forged[] = OK_HEAD "Content-Length: 1\r\n\r\nX";
    static const char both[] = OK_HEAD "Content-Length: 1\r\n\r\n1" OK_HEAD
                                       "Content-Length: 1\r\n\r\nX";
    static const struct step at_once[] = {READ, SEND(both), READ, SEND(first), END};
    static const struct step late[] = {READ, SEND(first), PAUSE(20), SEND(forged), READ, HOLD};
    static const struct step *const scripts[] = {at_once, late};
    for (size_t i = 0; i < 2; i++) {
        struct server *server = server_start_one(scripts[i]);
        struct http_client *client = test_client(server_url(server));
        for (int again = 0; again < 3; again++) {
            struct http_reply reply;
            if (test_exchange(client, "/x", &reply)) {
                CHECK_INT(CCD_OK, reply.error.status);
                CHECK_STR("1", buf_str(&reply.body));
                test_release(&reply);
            }
            usleep(60000);
        }
        CHECK_INT(3, server_connections(server));
        http_client_free(client);
        server_stop(server);
    }
}

TEST(long_path_is_cut_in_the_message)
{
    static const struct step script[] = {READ, END};
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    char path[4001] = "/";
    memset(path + 1, 'p', sizeof path - 2);
    if (test_exchange(client, path, &reply)) {
        test_check_failed(&reply, CCD_NETWORK);
        CHECK(strstr(reply.error.message, "ppp...: connection closed before any reply ("));
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}

TEST(malformed_replies)
{
    static const char *const replies[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "<html>no head</html>",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]xx0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n[]",
        "HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 999999 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/3.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    };
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        const struct step script[] = {READ, SEND_BYTES(replies[i], strlen(replies[i])), END};
        fail_once(script, CCD_BAD_REPLY);
    }
    static const struct step with_nul[] = {
        READ, SEND(OK_HEAD "X: a\0b\r\nContent-Length: 2\r\n\r\n[]"), END};
    fail_once(with_nul, CCD_BAD_REPLY);
}

/* 64 KiB of header lines in all: the status line, the length, and lines of 100 bytes. */
#define LINE_100                                                                                   \
    "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "234567\r\n"

TEST(header_cap)
{
    char last[128] = "Y: ";
    /* What is left for the last line and the blank line after 654 lines of 100 bytes. */
    size_t head = sizeof(OK_HEAD "Content-Length: 2\r\n") - 1;
    size_t last_len = HTTP_HEADERS_MAX_BYTES - head - 654 * 100 - 2;
    memset(last + 3, 'y', sizeof last - 3);
    memcpy(last + last_len - 2, "\r\n", 2);
    const struct step fits[] = {READ,
                                SEND(OK_HEAD "Content-Length: 2\r\n"),
                                REPEAT(LINE_100, 654),
                                SEND_BYTES(last, last_len),
                                SEND("\r\n{}"),
                                END};
    struct server *server = server_start_one(fits);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        CHECK_INT(HTTP_HEADERS_MAX_BYTES - 2, reply.header_lines.len);
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);

    const struct step one_more[] = {READ,
                                    SEND(OK_HEAD "Content-Length: 02\r\n"),
                                    REPEAT(LINE_100, 654),
                                    SEND_BYTES(last, last_len),
                                    SEND("\r\n{}"),
                                    END};
    fail_once(one_more, CCD_BAD_REPLY);
    static const struct step endless[] = {READ, SEND(OK_HEAD), REPEAT("A: b\r\n", 1000000), END};
    fail_once(endless, CCD_BAD_REPLY);
    static const struct step one_line[] = {READ, SEND(OK_HEAD "X: "), FILL(1000000),
                                           SEND("\r\n\r\n"), END};
    fail_once(one_line, CCD_BAD_REPLY);
    static const struct step interim[] = {READ, REPEAT("HTTP/1.1 100 Continue\r\n\r\n", 100000),
                                          END};
    fail_once(interim, CCD_BAD_REPLY);
    static const struct step trailers[] = {
        READ, SEND(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"),
        REPEAT("A: b\r\n", 1000000), SEND("\r\n"), END};
    fail_once(trailers, CCD_BAD_REPLY);
}

#define CHUNK_64 "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n"

TEST(body_cap)
{
    char head[128];
    char chunk[128];
    for (size_t over = 0; over < 2; over++) {
        size_t size = HTTP_BODY_MAX_BYTES + over;
        (void)str_print(head, sizeof head, OK_HEAD "Content-Length: %zu\r\n\r\n", size);
        (void)str_print(chunk, sizeof chunk, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                        size);
        const struct step declared[] = {READ, SEND_BYTES(head, strlen(head)), FILL(size), END};
        const struct step chunked[] = {READ, SEND_BYTES(chunk, strlen(chunk)), FILL(size),
                                       SEND("\r\n0\r\n\r\n"), END};
        const struct step *const scripts[] = {declared, chunked};
        for (size_t i = 0; i < 2; i++) {
            struct server *server = server_start_one(scripts[i]);
            struct http_client *client = test_client(server_url(server));
            struct http_reply reply;
            if (test_exchange(client, "/x", &reply)) {
                if (over) {
                    test_check_failed(&reply, CCD_BAD_REPLY);
                } else {
                    CHECK_INT(CCD_OK, reply.error.status);
                    CHECK_INT(size, reply.body.len);
                }
                test_release(&reply);
            }
            http_client_free(client);
            server_stop(server);
        }
    }
    static const struct step endless[] = {READ, SEND(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"),
                                          REPEAT(CHUNK_64, 1000000), END};
    fail_once(endless, CCD_BAD_REPLY);
}

static void *note_largest(void *user, void *ptr, size_t size_bytes)
{
    size_t *largest = user;
    *largest = size_bytes > *largest ? size_bytes : *largest;
    return allocator_system.reallocate(NULL, ptr, size_bytes);
}

TEST(declared_length_is_only_a_claim)
{
    static const struct step script[] = {
        READ, SEND(OK_HEAD "Content-Length: 33554432\r\n\r\n0123456789"), PAUSE(100), END};
    struct server *server = server_start_one(script);
    size_t largest = 0;
    const struct allocator allocator = {.reallocate = note_largest, .user = &largest};
    struct http_config config = test_config(server_url(server));
    struct http_client *client;
    struct http_reply reply;
    config.allocator = &allocator;
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    if (test_exchange(client, "/x", &reply)) {
        test_check_failed(&reply, CCD_BAD_REPLY);
        test_release(&reply);
    }
    CHECK_INT((8 << 20) + 1, largest);
    http_client_free(client);
    server_stop(server);
}

TEST(too_slow)
{
    static const struct step silent[] = {READ, HOLD};
    static const struct step stalled[] = {READ, SEND(OK_HEAD "Content-Length: 9\r\n\r\n[1"), HOLD};
    static const struct step dripping[] = {
        READ, SEND(OK_HEAD "Content-Length: 500\r\n\r\n"),
        DRIP("01234567890123456789012345678901234567890123456789", 100), HOLD};
    static const struct step *const scripts[] = {silent, stalled, dripping};
    for (size_t i = 0; i < 3; i++) {
        int64_t took_us = fail_within_us(scripts[i], CCD_NETWORK, 0, 1);
        CHECK(took_us >= 900000 && took_us < 4000000);
    }
}

/* Fast enough for the low-speed rule, endless all the same. */
TEST(total_deadline)
{
    static const struct step script[] = {READ,
                                         SEND(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"),
#define TWO_KB_AND_WAIT SEND("7d0\r\n"), FILL(2000), SEND("\r\n"), PAUSE(300)
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
                                         TWO_KB_AND_WAIT,
#undef TWO_KB_AND_WAIT
                                         HOLD};
    int64_t took_us = fail_within_us(script, CCD_NETWORK, 2000, 1);
    CHECK(took_us >= 1900000 && took_us < 3500000);
}

TEST(no_connection)
{
    int port;
    int fillers[3];
    char url[64];
    int refused = refused_port_open(&port);
    (void)str_print(url, sizeof url, "http://127.0.0.1:%d", port);
    struct http_client *client = test_client(url);
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        test_check_failed(&reply, CCD_NETWORK);
        CHECK_INT(0, reply.status);
        test_release(&reply);
    }
    http_client_free(client);
    close(refused);

    int hole = black_hole_open(&port, fillers);
    (void)str_print(url, sizeof url, "http://127.0.0.1:%d", port);
    struct http_config config = test_config(url);
    config.connect_timeout_ms = 1000;
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    int64_t begin_us = clock_mono_us(NULL);
    if (test_exchange(client, "/x", &reply)) {
        test_check_failed(&reply, CCD_NETWORK);
        test_release(&reply);
    }
    int64_t took_us = clock_mono_us(NULL) - begin_us;
    CHECK(took_us >= 900000 && took_us < 3000000);
    http_client_free(client);
    for (int i = 0; i < 3; i++) {
        close(fillers[i]);
    }
    close(hole);
}

TEST(unknown_host)
{
    struct http_client *client = test_client("https://no-such-host.invalid");
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        test_check_failed(&reply, CCD_NETWORK);
        test_release(&reply);
    }
    http_client_free(client);
}

/* The second request of a connection meets its end: libcurl would repeat it silently. Each time the
 * wire has carried exactly the requests that were sent, the failed one is retryable, and the next
 * one goes through. */
static void meet_dead_connections(enum step_kind ending, int max_in_flight)
{
    static const char small[] = OK_HEAD "Content-Length: 2\r\n\r\n{}";
    const struct step script[] = {READ, SEND(small), READ, {.kind = ending}};
    struct server *server = server_start_one(script);
    struct http_config config = test_config(server_url(server));
    struct http_client *client;
    config.max_in_flight = max_in_flight;
    CHECK_INT(CCD_OK, http_client_new(&config, "X_URL", &client, NULL));
    enum { ROUNDS = 8 }; /* more than the 5 repeats that libcurl allows a handle */
    for (size_t i = 0; i < ROUNDS; i++) {
        struct http_reply reply;
        if (test_exchange(client, "/first", &reply)) {
            CHECK_INT(CCD_OK, reply.error.status);
            test_release(&reply);
        }
        if (test_exchange(client, "/second", &reply)) {
            test_check_failed(&reply, CCD_NETWORK);
            CHECK(strstr(reply.error.message, "not sent twice"));
            CHECK_INT(0, reply.status);
            test_release(&reply);
        }
        CHECK_INT(i + 1, http_resends_refused(client));
        CHECK_INT(2 * (i + 1), server_requests(server));
    }
    http_client_free(client);
    server_stop(server);
}

TEST(no_request_is_sent_twice)
{
    meet_dead_connections(STEP_RESET, 4);
    meet_dead_connections(STEP_END, 4);
    meet_dead_connections(STEP_RESET, 1); /* no room for a second connection beside the dead one */
}

/* Another connection of the pool is idle while one dies: not even that one may carry the repeat. */
TEST(no_request_is_sent_twice_over_the_pool)
{
    static const char small[] = OK_HEAD "Content-Length: 2\r\n\r\n{}";
    static const struct step dying[] = {READ, PAUSE(200), SEND(small), READ, PAUSE(200), RESET};
    struct server *server = server_start_one(dying);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            CHECK_INT(CCD_OK, http_send(client, "/x", NULL, NULL));
        }
        for (int i = 0; i < 3; i++) {
            if (test_await(client, &reply)) {
                CHECK_INT(round == 0 ? CCD_OK : CCD_NETWORK, reply.error.status);
                test_release(&reply);
            }
        }
        CHECK_INT(3 * (round + 1), server_requests(server));
    }
    http_client_free(client);
    server_stop(server);
}

TEST(connection_closed_before_reuse)
{
    static const struct step script[] = {READ, SEND(OK_HEAD "Content-Length: 2\r\n\r\n{}"), END};
    struct server *server = server_start_one(script);
    struct http_client *client = test_client(server_url(server));
    for (size_t i = 0; i < 3; i++) {
        struct http_reply reply;
        if (test_exchange(client, "/x", &reply)) {
            CHECK_INT(CCD_OK, reply.error.status);
            test_release(&reply);
        }
        usleep(50000); /* the close arrives while the connection is idle */
    }
    CHECK_INT(3, server_requests(server));
    CHECK_INT(3, server_connections(server));
    CHECK_INT(0, http_resends_refused(client));
    http_client_free(client);
    server_stop(server);
}

/* ---- an address that changes (N2) ---- */

static const char *moving_address;
static int resolved_count;

/* In place of the C library's, for libcurl too. */
__attribute__((visibility("default"))) int
getaddrinfo(const char *restrict node, const char *restrict service,
            const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof real);
    bool moves = node && strcmp(node, "moves.test") == 0;
    resolved_count += moves;
    return real(moves ? moving_address : node, service, hints, out);
}

/* Only the address is of interest: whoever listens there is no TLS peer. */
static int listen_at(const char *address, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &at.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(fd, (struct sockaddr *)&at, sizeof at));
    CHECK_INT(0, listen(fd, 8));
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    CHECK_INT(0, getsockname(fd, (struct sockaddr *)&at, &len));
    return ntohs(at.sin_port);
}

static bool has_visitor(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, 0) == 1;
}

TEST(address_that_changes_is_looked_up_again_after_a_failure)
{
    int old = listen_at("127.0.0.1", 0);
    int port = port_of(old);
    int new = listen_at("127.0.0.2", port);
    char url[64];
    struct http_reply reply;
    close(old); /* dead */
    str_print(url, sizeof url, "https://moves.test:%d", port);
    struct http_config config = test_config(url);
    config.total_timeout_ms = 300;
    struct http_client *client = NULL;
    struct ccd_error err;
    if (!CHECK_INT(CCD_OK, http_client_new(&config, "DATA_API_BASE_URL", &client, &err)))
        return;
    moving_address = "127.0.0.1";
    resolved_count = 0;
    if (test_exchange(client, "/x", &reply))
        test_release(&reply);
    CHECK_INT(1, resolved_count);
    CHECK(!has_visitor(new));
    moving_address = "127.0.0.2";
    if (test_exchange(client, "/x", &reply))
        test_release(&reply);
    CHECK_INT(2, resolved_count);
    CHECK(has_visitor(new));
    http_client_free(client);
    close(new);
}

/* A failed exchange leaves nothing behind for the next one on the same handle. */
TEST(good_after_bad)
{
    static const struct step bad[] = {READ,
                                      SEND("HTTP/1.1 500 No\r\nRetry-After: 9\r\n"
                                           "Content-Length: 9\r\n\r\n[1"),
                                      END};
    static const struct step good[] = {READ, SEND(OK_HEAD "Content-Length: 2\r\n\r\n{}"), AGAIN};
    static const struct step *const scripts[] = {bad, good};
    struct server *server = server_start(scripts, 2);
    struct http_client *client = test_client(server_url(server));
    struct http_reply reply;
    if (test_exchange(client, "/x", &reply)) {
        test_check_failed(&reply, CCD_BAD_REPLY);
        CHECK_INT(500, reply.status);
        test_release(&reply);
    }
    if (test_exchange(client, "/y", &reply)) {
        CHECK_INT(CCD_OK, reply.error.status);
        CHECK_TEXT("", reply.error.message);
        CHECK_INT(200, reply.status);
        CHECK_STR("{}", buf_str(&reply.body));
        CHECK_STR(OK_HEAD "Content-Length: 2\r\n", buf_str(&reply.header_lines));
        test_release(&reply);
    }
    http_client_free(client);
    server_stop(server);
}
