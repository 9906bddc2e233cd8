#include "cache/redis/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hooks.h"
#include "base/str.h"

struct stream_trust {
    SSL_CTX *context;
};

struct stream {
    int fd;
    SSL *tls; /* NULL = plain */
};

static bool wait_for(int fd, short what, int64_t until_us)
{
    for (;;) {
        int64_t left_us = until_us - clock_mono_us(NULL);
        struct pollfd polled = {.fd = fd, .events = what};
        int ready = left_us > 0 ? poll(&polled, 1, (int)((left_us + 999) / 1000)) : 0;
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

static int connect_to(const struct addrinfo *address, int64_t until_us)
{
    int error = 0, one = 1;
    socklen_t size = sizeof(error);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    bool connected = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ||
                     (errno == EINPROGRESS && wait_for(fd, POLLOUT, until_us) &&
                      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0);
    if (connected)
        return fd;
    close(fd);
    return -1;
}

static int connect_any(const char *host, int port, int64_t until_us)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    char service[16];
    int fd = -1;
    str_print(service, sizeof(service), "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -1;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = connect_to(a, until_us);
    freeaddrinfo(found);
    return fd;
}

/* ---- TLS ---- */

/* Whether the call is to be made again: its socket is ready, and there is time. */
static bool may_go_on(struct stream *s, int result, int64_t until_us)
{
    int why = SSL_get_error(s->tls, result);
    if (why == SSL_ERROR_WANT_READ)
        return wait_for(s->fd, POLLIN, until_us);
    return why == SSL_ERROR_WANT_WRITE && wait_for(s->fd, POLLOUT, until_us);
}

static bool name_server(SSL *tls, const char *host)
{
    unsigned char address[16];
    bool is_address = inet_pton(AF_INET, host, address) == 1 ||
                      inet_pton(AF_INET6, host, address) == 1;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
    return SSL_set1_host(tls, host) == 1 && SSL_set_tlsext_host_name(tls, host) == 1;
}

struct stream_trust *stream_trust_new(void)
{
    struct stream_trust *trust = mem_new(NULL, 1, sizeof(*trust));
    if (!trust)
        return NULL;
    trust->context = SSL_CTX_new(TLS_client_method());
    bool good = trust->context &&
                SSL_CTX_set_min_proto_version(trust->context, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_default_verify_paths(trust->context) == 1;
    ERR_clear_error();
    if (good) {
        SSL_CTX_set_verify(trust->context, SSL_VERIFY_PEER, NULL);
        return trust;
    }
    stream_trust_free(trust);
    return NULL;
}

void stream_trust_free(struct stream_trust *trust)
{
    if (!trust)
        return;
    SSL_CTX_free(trust->context);
    mem_free(NULL, trust);
}

static bool start_tls(struct stream *s, const struct stream_trust *trust, const char *host,
                      int64_t until_us)
{
    s->tls = SSL_new(trust->context);
    if (!s->tls || !name_server(s->tls, host) || SSL_set_fd(s->tls, s->fd) != 1)
        return false;
    int result;
    while ((result = SSL_connect(s->tls)) != 1)
        if (!may_go_on(s, result, until_us))
            return false;
    return true;
}

/* ---- life ---- */

struct stream *stream_open(const char *host, int port, const struct stream_trust *trust,
                           int64_t until_us)
{
    struct stream *s = mem_new(NULL, 1, sizeof(*s));
    if (!s)
        return NULL;
    s->fd = connect_any(host, port, until_us);
    bool open = s->fd >= 0 && (!trust || start_tls(s, trust, host, until_us));
    ERR_clear_error();
    if (open)
        return s;
    stream_close(s);
    return NULL;
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    SSL_free(s->tls);
    if (s->fd >= 0)
        close(s->fd);
    mem_free(NULL, s);
}

/* ---- bytes ---- */

static ptrdiff_t write_some(struct stream *s, const char *bytes, size_t len, int64_t until_us)
{
    for (;;) {
        if (s->tls) {
            int chunk = len > (1 << 20) ? 1 << 20 : (int)len;
            int done = SSL_write(s->tls, bytes, chunk);
            if (done > 0)
                return done;
            if (!may_go_on(s, done, until_us))
                return -1;
            continue;
        }
        ssize_t done = send(s->fd, bytes, len, MSG_NOSIGNAL);
        if (done > 0)
            return done;
        bool again = errno == EAGAIN || errno == EINTR;
        if (!again || !wait_for(s->fd, POLLOUT, until_us))
            return -1;
    }
}

bool stream_write(struct stream *s, const char *bytes, size_t len, int64_t until_us)
{
    while (len > 0) {
        ptrdiff_t done = write_some(s, bytes, len, until_us);
        if (done < 0)
            return false;
        bytes += done;
        len -= (size_t)done;
    }
    return true;
}

ptrdiff_t stream_read(struct stream *s, char *bytes, size_t capacity, int64_t until_us)
{
    for (;;) {
        if (s->tls) {
            int len = SSL_read(s->tls, bytes, (int)capacity);
            if (len > 0)
                return len;
            if (!may_go_on(s, len, until_us))
                return -1;
            continue;
        }
        ssize_t len = recv(s->fd, bytes, capacity, 0);
        if (len > 0)
            return len;
        bool again = len < 0 && (errno == EAGAIN || errno == EINTR);
        if (!again || !wait_for(s->fd, POLLIN, until_us))
            return -1;
    }
}
