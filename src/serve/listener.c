#include "serve/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

enum {
    BACKLOG = 128,
    SEND_BYTES =
        128 << 10, /* of one connection; else the kernel keeps megabytes for who reads none */
};

static bool read_ip(const char *host, unsigned port, struct sockaddr_storage *out_address)
{
    *out_address = (struct sockaddr_storage){0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)out_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out_address;
    const char *ip = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return true;
    }
    if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return true;
    }
    return false;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

int listener_read(struct listener *listener, const char *host, int port, struct ccd_error *err)
{
    *listener = (struct listener){.fd = -1};
    struct sockaddr_storage address;
    if (port < 0 || port > UINT16_MAX)
        return error_set(err, CCD_CONFIG, "PROMETHEUS_PORT: %d is no port; use 0 to 65535", port);
    if (!read_ip(host, (unsigned)port, &address)) {
        return error_set(err, CCD_CONFIG,
                         "PROMETHEUS_HOST: \"%.64s\" is no IP address; use 127.0.0.1, ::1 or an "
                         "address of this machine",
                         host);
    }
    listener->port = (unsigned)port;
    listener->is_loopback = is_loopback(&address);
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v6 = address.ss_family == AF_INET6;
    const void *ip = is_v6 ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                           : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    (void)inet_ntop(address.ss_family, ip, text, sizeof text);
    (void)str_print(listener->ip_text, sizeof listener->ip_text, is_v6 ? "[%s]" : "%s", text);
    return 0;
}

static int bind_and_listen(int fd, const struct sockaddr_storage *address)
{
    int on = 1;
    bool is_v6 = address->ss_family == AF_INET6;
    /* Linux needs no more than this to bind again while old connections linger. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int send_bytes = SEND_BYTES; /* accepted sockets inherit it */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    if (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    socklen_t size = is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (bind(fd, (const struct sockaddr *)address, size) != 0)
        return -1;
    return listen(fd, BACKLOG);
}

static int read_port(struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(listener->fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    listener->port = ntohs(address.ss_family == AF_INET6
                               ? ((struct sockaddr_in6 *)&address)->sin6_port
                               : ((struct sockaddr_in *)&address)->sin_port);
    return 0;
}

int listener_open(struct listener *listener, const char *host, struct ccd_error *err)
{
    struct sockaddr_storage address;
    (void)read_ip(host, listener->port, &address);
    listener->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0 || bind_and_listen(listener->fd, &address) != 0 ||
        read_port(listener) != 0) {
        int code = errno;
        listener_close(listener);
        return error_set_native(err, CCD_CONFIG, code,
                                "cannot listen on %s:%u: %s; set PROMETHEUS_HOST and "
                                "PROMETHEUS_PORT to what is free on this machine",
                                listener->ip_text, listener->port, strerrordesc_np(code));
    }
    (void)str_print(listener->address, sizeof listener->address, "%s:%u", listener->ip_text,
                    listener->port);
    return 0;
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        (void)close(listener->fd);
    listener->fd = -1;
}
