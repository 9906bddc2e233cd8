#include "http/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

curl_socket_t sockets_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct socket_table *table = user;
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd != CURL_SOCKET_BAD && table->count < SOCKETS_MAX) {
        table->sockets[table->count++] = (struct open_socket){.fd = fd};
    }
    return fd;
}

int sockets_close(void *user, curl_socket_t fd)
{
    struct socket_table *table = user;
    for (int i = 0; i < table->count; i++) {
        if (table->sockets[i].fd == fd) {
            table->sockets[i] = table->sockets[--table->count];
            break;
        }
    }
    return close(fd);
}

static int find_local_port(curl_socket_t fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    }
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

static bool is_readable(curl_socket_t fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool sockets_readable(struct socket_table *table, int local_port)
{
    for (int i = 0; i < table->count; i++) {
        struct open_socket *entry = &table->sockets[i];
        if (entry->local_port == 0) {
            entry->local_port = find_local_port(entry->fd);
        }
        if (entry->local_port == local_port && is_readable(entry->fd)) {
            return true;
        }
    }
    return false;
}
