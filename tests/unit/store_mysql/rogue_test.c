/* A server that wants what is none of its business: the password itself, a file of ours. It speaks
 * just enough of the protocol, and keeps all that it is told. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "canaries.h"
#include "support.h"

enum { HEARD_BYTES = 64 * 1024, WAIT_MS = 2000 };

struct rogue {
    int listener;
    uint16_t port;
    const char *asks_plugin; /* for the password in this way; NULL = lets everybody in */
    const char *asks_file;   /* as the answer to the first statement */
    char heard[HEARD_BYTES];
    size_t len;
    pthread_t thread;
};

/* Wait for bytes and keep them; false when the peer left or says nothing. */
static bool hear(struct rogue *r, int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, WAIT_MS) != 1 || r->len == sizeof(r->heard))
        return false;
    ssize_t got = recv(fd, r->heard + r->len, sizeof(r->heard) - r->len, 0);
    r->len += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static void say(int fd, unsigned char number, const void *bytes, size_t len)
{
    unsigned char packet[512] = {(unsigned char)len, (unsigned char)(len >> 8), 0, number};
    memcpy(packet + 4, bytes, len);
    (void)!send(fd, packet, len + 4, MSG_NOSIGNAL);
}

static void greet(int fd)
{
    /* Protocol 10; version; thread; salt; capabilities without TLS, with local files and plugins;
     * utf8mb4; autocommit; rest of the salt; plugin. */
    static const char greeting[] = "\x0a"
                                   "5.5.5-10.11.0-MariaDB\0"
                                   "\1\0\0\0"
                                   "12345678\0"
                                   "\x89\xa2\x2d\x02\0"
                                   "\x08\0"
                                   "\x15"
                                   "\0\0\0\0\0\0\0\0\0\0"
                                   "abcdefghijkl\0"
                                   "mysql_native_password";
    say(fd, 0, greeting, sizeof(greeting));
}

static void serve(struct rogue *r, int fd)
{
    static const char welcome[] = "\0\0\0\2\0\0\0";
    greet(fd);
    if (!hear(r, fd))
        return;
    if (r->asks_plugin) {
        char request[128] = "\xfe";
        size_t len = strlen(r->asks_plugin);
        memcpy(request + 1, r->asks_plugin, len + 1);
        memcpy(request + len + 2, "12345678abcdefghijkl", 21);
        say(fd, 2, request, len + 23);
        r->len = 0;
        if (!hear(r, fd))
            return;
    }
    say(fd, r->asks_plugin ? 4 : 2, welcome, sizeof(welcome) - 1);
    r->len = 0;
    if (r->asks_file && hear(r, fd)) {
        char request[128] = "\xfb";
        memcpy(request + 1, r->asks_file, strlen(r->asks_file));
        say(fd, 1, request, strlen(r->asks_file) + 1);
        r->len = 0;
    }
    while (hear(r, fd))
        ;
}

static void *rogue_main(void *user)
{
    struct rogue *r = user;
    int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        serve(r, fd);
        close(fd);
    }
    return NULL;
}

static bool rogue_start(struct rogue *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = bind(r->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
              listen(r->listener, 1) == 0 &&
              getsockname(r->listener, (struct sockaddr *)&at, &len) == 0;
    r->port = ntohs(at.sin_port);
    return CHECK(ok && pthread_create(&r->thread, NULL, rogue_main, r) == 0);
}

static int visit(struct rogue *r, enum ssl_mode mode, struct ccd_error *err)
{
    struct server at = {0};
    struct sql_target t;
    r->len = 0;
    if (!rogue_start(r))
        return CCD_OK;
    at.port = r->port;
    target_init(&t, &at);
    t.connect_timeout_ms = 1000;
    t.url.ssl_mode = mode;
    int status = connect_status(&t, err);
    pthread_join(r->thread, NULL);
    close(r->listener);
    return status;
}

static bool was_told(const struct rogue *r, const char *text)
{
    return memmem(r->heard, r->len, text, strlen(text)) != NULL;
}

TEST(the_password_itself_is_not_sent)
{
    static const char *const plugins[] = {"mysql_clear_password", "dialog", "mysql_old_password"};
    static const enum ssl_mode modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED};
    static struct rogue r;
    struct ccd_error err;
    for (size_t i = 0; i < 3; i++) {
        for (size_t m = 0; m < 3; m++) {
            r = (struct rogue){.asks_plugin = plugins[i]};
            CHECK_INT(CCD_DATABASE_PERMISSION, visit(&r, modes[m], &err));
            CHECK(!was_told(&r, DATABASE_PASSWORD));
        }
    }
}

/* With the name to be checked, not even the user is told before there is TLS. */
TEST(nothing_is_sent_before_the_name_is_checked)
{
    static struct rogue r;
    struct ccd_error err;
    r = (struct rogue){.asks_plugin = "mysql_clear_password"};
    CHECK_INT(CCD_DATABASE_PERMISSION, visit(&r, SSL_MODE_VERIFY_IDENTITY, &err));
    CHECK_INT(0, r.len);
}

TEST(a_rogue_server_gets_no_file)
{
    static const char *const files[] = {"/etc/passwd", "/etc/hostname", "ccdata-page", "",
                                        "/dev/zero"};
    static struct rogue r;
    struct ccd_error err;
    for (size_t i = 0; i < 5; i++) {
        r = (struct rogue){.asks_file = files[i]};
        CHECK_INT(CCD_DATABASE_UNREACHABLE, visit(&r, SSL_MODE_PREFERRED, &err));
        if (!CHECK(strstr(err.message, "asked for a file") != NULL))
            fprintf(stderr, "    %s\n", err.message);
        CHECK(r.len <= 16); /* an empty packet, and at most a good-bye */
        CHECK(!was_told(&r, "root"));
    }
}
