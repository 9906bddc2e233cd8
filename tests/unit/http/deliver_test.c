#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/hooks.h"
#include "http/deliver.h"
#include "http/peer_address.h"
#include "server.h"
#include "test.h"

static enum peer_class classify(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return peer_classify((const struct sockaddr *)&v4, sizeof v4);
    CHECK_INT(1, inet_pton(AF_INET6, text, &v6.sin6_addr));
    return peer_classify((const struct sockaddr *)&v6, sizeof v6);
}

TEST(deliver_address_table)
{
    static const struct {
        const char *address;
        enum peer_class class;
    } rows[] = {
        {"8.8.8.8", PEER_PUBLIC},
        {"0.0.0.0", PEER_FORBIDDEN},
        {"9.255.255.255", PEER_PUBLIC},
        {"10.0.0.1", PEER_PRIVATE},
        {"11.0.0.0", PEER_PUBLIC},
        {"100.63.255.255", PEER_PUBLIC},
        {"100.64.0.1", PEER_PRIVATE},
        {"100.128.0.0", PEER_PUBLIC},
        {"127.255.0.1", PEER_LOOPBACK},
        {"169.254.169.254", PEER_FORBIDDEN},
        {"172.15.255.255", PEER_PUBLIC},
        {"172.31.255.255", PEER_PRIVATE},
        {"172.32.0.0", PEER_PUBLIC},
        {"192.168.1.1", PEER_PRIVATE},
        {"198.19.255.255", PEER_FORBIDDEN},
        {"223.255.255.255", PEER_PUBLIC},
        {"224.0.0.1", PEER_FORBIDDEN},
        {"255.255.255.255", PEER_FORBIDDEN},
        {"::", PEER_FORBIDDEN},
        {"::1", PEER_LOOPBACK},
        {"::127.0.0.1", PEER_FORBIDDEN},
        {"::ffff:127.0.0.1", PEER_LOOPBACK},
        {"::ffff:169.254.169.254", PEER_FORBIDDEN},
        {"::ffff:8.8.8.8", PEER_PUBLIC},
        {"64:ff9b::8.8.8.8", PEER_PUBLIC},
        {"64:ff9b::127.0.0.1", PEER_FORBIDDEN},
        {"64:ff9b::10.0.0.1", PEER_FORBIDDEN},
        {"64:ff9b:1::1", PEER_FORBIDDEN},
        {"2002:7f00:1::", PEER_FORBIDDEN},
        {"2002:808:808::", PEER_PUBLIC},
        {"2001::1", PEER_FORBIDDEN},
        {"2001:db8::1", PEER_FORBIDDEN},
        {"2001:4860:4860::8888", PEER_PUBLIC},
        {"fe80::1", PEER_FORBIDDEN},
        {"fec0::1", PEER_FORBIDDEN},
        {"fd12::1", PEER_PRIVATE},
        {"fd00:ec2::254", PEER_FORBIDDEN},
        {"ff02::1", PEER_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!CHECK_INT(rows[i].class, classify(rows[i].address)))
            CHECK_TEXT("", rows[i].address);
    struct sockaddr other = {.sa_family = AF_UNIX};
    CHECK_INT(PEER_FORBIDDEN, peer_classify(&other, sizeof other));
}

static const struct step OK_ANSWER[] = {
    READ, SEND("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), END};
static const struct step REDIRECT[] = {
    READ, SEND("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"), END};
static const struct step BUSY[] = {READ, SEND("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
                                   END};
static const struct step LONG_ANSWER[] = {READ, SEND("HTTP/1.1 200 OK\r\n\r\n"),
                                          FILL(DELIVER_ANSWER_MAX_BYTES + 1), HOLD};
static const struct step SILENT[] = {READ, HOLD};

static struct delivery hook(const char *url)
{
    return (struct delivery){
        .url = url, .content_type = "application/json", .body = STR("{}"), .allow_private = true};
}

static int post_to(const struct step *script, int64_t deadline_ms, size_t *out_requests)
{
    struct server *server = server_start_one(script);
    struct delivery delivery = hook(server_url(server));
    delivery.deadline_ms = deadline_ms;
    struct ccd_error err = {0};
    int status = deliver_post(&delivery, &err);
    *out_requests = server_requests(server);
    server_stop(server);
    return status;
}

TEST(deliver_sends_the_body_type_and_signature)
{
    struct server *server = server_start_one(OK_ANSWER);
    struct delivery delivery = hook(server_url(server));
    delivery.signature = "sha256=00ff";
    CHECK_INT(CCD_OK, deliver_post(&delivery, NULL));
    const char *head = server_request(server, 0);
    if (CHECK(head != NULL)) {
        CHECK(strncmp(head, "POST / HTTP/1.1\r\n", 17) == 0);
        CHECK(strstr(head, "\r\nContent-Type: application/json\r\n") != NULL);
        CHECK(strstr(head, "\r\nX-Ccdata-Signature: sha256=00ff\r\n") != NULL);
        CHECK(strstr(head, "\r\nContent-Length: 2\r\n") != NULL);
    }
    server_stop(server);
}

TEST(deliver_judges_answers_and_follows_no_redirect)
{
    size_t requests = 0;
    CHECK_INT(CCD_BAD_REQUEST, post_to(REDIRECT, 0, &requests));
    CHECK_INT(1, requests);
    CHECK_INT(CCD_VENDOR_UNAVAILABLE, post_to(BUSY, 0, &requests));
    CHECK_INT(CCD_BAD_REPLY, post_to(LONG_ANSWER, 0, &requests));
}

TEST(deliver_ends_at_its_deadline)
{
    size_t requests = 0;
    CHECK_INT(CCD_NETWORK, post_to(SILENT, 200, &requests));
    CHECK_INT(1, requests);
}

/* Whatever way the address is written, and whatever a resolver says after a check of the name. */
TEST(deliver_connects_to_no_address_that_is_not_allowed)
{
    static const char *const hosts[] = {"http://127.0.0.1",     "https://127.0.0.1",
                                        "https://0x7f.1",       "https://[::ffff:127.0.0.1]",
                                        "https://localhost",    "https://0.0.0.0",
                                        "https://hook.example", "https://2130706433"};
    struct server *server = server_start_one(OK_ANSWER);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char url[100];
        char resolve[100];
        (void)str_print(url, sizeof url, "%s:%d/secret", hosts[i], server_port(server));
        (void)str_print(resolve, sizeof resolve, "hook.example:%d:127.0.0.1", server_port(server));
        struct delivery delivery = hook(url);
        delivery.allow_private = false;
        delivery.resolve = resolve;
        struct ccd_error err = {0};
        CHECK_INT(CCD_CONFIG, deliver_post(&delivery, &err));
        CHECK(strstr(err.message, "not allowed") != NULL);
        CHECK(strstr(err.message, "secret") == NULL);
    }
    CHECK_INT(0, server_connections(server));
    server_stop(server);
}

TEST(deliver_never_goes_to_link_local_or_plain_to_others)
{
    static const char *const urls[] = {"https://169.254.169.254/", "https://[fe80::1]/",
                                       "https://[64:ff9b::7f00:1]/", "http://10.0.0.1/",
                                       "http://8.8.8.8/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct delivery delivery = hook(urls[i]);
        struct ccd_error err = {0};
        CHECK_INT(CCD_CONFIG, deliver_post(&delivery, &err));
        CHECK(strstr(err.message, "not allowed") != NULL);
        CHECK((strstr(err.message, "use https://") != NULL) == !strncmp(urls[i], "http:", 5));
    }
}

TEST(deliver_refuses_other_schemes_and_line_ends)
{
    struct delivery delivery = hook("file:///etc/passwd");
    CHECK_INT(CCD_CONFIG, deliver_post(&delivery, NULL));
    delivery.url = "gopher://127.0.0.1/";
    CHECK_INT(CCD_CONFIG, deliver_post(&delivery, NULL));
    delivery.url = "https://127.0.0.1/";
    delivery.signature = "a\r\nX-Other: b";
    CHECK_INT(CCD_CONFIG, deliver_post(&delivery, NULL));
}
