#include "server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, REQUESTS_MAX = 1024, REQUEST_MAX_BYTES = 16384 };

struct connection {
    struct server *server;
    const struct step *script;
    int fd;
    pthread_t thread;
};

struct server {
    const struct step *const *scripts;
    const struct step *only_script; /* scripts points here when there is one */
    size_t script_count;
    int listen_fd;
    int stop_fd;
    int port;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    char *requests[REQUESTS_MAX];
    size_t request_count;
};

static void require(bool held, const char *what)
{
    if (!held) {
        perror(what);
        abort();
    }
}

static int open_loopback(int *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0, "socket");
    require(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    require(getsockname(fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
    *out_port = ntohs(address.sin_port);
    return fd;
}

/* Whether the socket can be used; false when the server stops first. Waits for ever when wait_ms is
 * -1; a pause when events is 0: then true means that the time is over. */
static bool wait_for(const struct connection *connection, short events, int wait_ms)
{
    struct pollfd fds[2] = {
        {.fd = connection->server->stop_fd, .events = POLLIN},
        {.fd = events ? connection->fd : -1, .events = events},
    };
    int ready = poll(fds, 2, wait_ms);
    return ready >= 0 && !fds[0].revents;
}

static bool send_all(const struct connection *connection, const char *bytes, size_t len)
{
    while (len > 0) {
        if (!wait_for(connection, POLLOUT, -1)) {
            return false;
        }
        ssize_t sent = send(connection->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_many(const struct connection *connection, const char *bytes, size_t len,
                      size_t count)
{
    /* Whole blocks of repeats, so that a hundred thousand short lines are not as many packets. */
    size_t per_block = len < 65536 ? 65536 / len : 1;
    char *block = malloc(per_block * len);
    require(block, "malloc");
    for (size_t i = 0; i < per_block; i++) {
        memcpy(block + i * len, bytes, len);
    }
    bool sent = true;
    while (sent && count > 0) {
        size_t now = count < per_block ? count : per_block;
        sent = send_all(connection, block, now * len);
        count -= now;
    }
    free(block);
    return sent;
}

static void remember(struct server *server, const char *request)
{
    pthread_mutex_lock(&server->lock);
    require(server->request_count < REQUESTS_MAX, "too many requests");
    server->requests[server->request_count] = strdup(request);
    require(server->requests[server->request_count++], "strdup");
    pthread_mutex_unlock(&server->lock);
}

static bool read_request(const struct connection *connection)
{
    char request[REQUEST_MAX_BYTES];
    size_t len = 0;
    while (len < sizeof request - 1) {
        if (!wait_for(connection, POLLIN, -1)) {
            return false;
        }
        /* Byte by byte: nothing of a next request may be swallowed. */
        if (recv(connection->fd, request + len, 1, 0) <= 0) {
            return false;
        }
        len++;
        request[len] = '\0';
        if (len >= 4 && strcmp(request + len - 4, "\r\n\r\n") == 0) {
            remember(connection->server, request);
            return true;
        }
    }
    return false;
}

static bool drip(const struct connection *connection, const struct step *step)
{
    for (size_t i = 0; i < step->len; i++) {
        if (!wait_for(connection, 0, step->pause_ms) || !send_all(connection, step->bytes + i, 1)) {
            return false;
        }
    }
    return true;
}

static void hold(const struct connection *connection)
{
    char ignored[256];
    while (wait_for(connection, POLLIN, -1) &&
           recv(connection->fd, ignored, sizeof ignored, 0) > 0) {
    }
}

static bool play_step(const struct connection *connection, const struct step *step)
{
    static const struct linger at_once = {.l_onoff = 1};
    switch (step->kind) {
    case STEP_READ:
        return read_request(connection);
    case STEP_SEND:
        return send_all(connection, step->bytes, step->len);
    case STEP_DRIP:
        return drip(connection, step);
    case STEP_FILL:
        return send_many(connection, "x", 1, step->count);
    case STEP_REPEAT_TEXT:
        return send_many(connection, step->bytes, step->len, step->count);
    case STEP_PAUSE:
        return wait_for(connection, 0, step->pause_ms);
    case STEP_HOLD:
        hold(connection);
        return false;
    case STEP_RESET:
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return false;
    case STEP_AGAIN:
    case STEP_END:
        break;
    }
    return false;
}

static void *play(void *user)
{
    struct connection *connection = user;
    const struct step *step = connection->script;
    for (;;) {
        if (step->kind == STEP_AGAIN) {
            step = connection->script;
        }
        if (!play_step(connection, step)) {
            break;
        }
        step++;
    }
    close(connection->fd);
    return NULL;
}

static void start_connection(struct server *server, int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_mutex_lock(&server->lock);
    size_t number = server->connection_count++;
    require(number < CONNECTIONS_MAX, "too many connections");
    pthread_mutex_unlock(&server->lock);
    struct connection *connection = &server->connections[number];
    size_t script = number < server->script_count ? number : server->script_count - 1;
    *connection = (struct connection){
        .server = server, .script = server->scripts[script], .fd = fd};
    require(pthread_create(&connection->thread, NULL, play, connection) == 0, "pthread_create");
}

static void *serve(void *user)
{
    struct server *server = user;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = server->stop_fd, .events = POLLIN},
            {.fd = server->listen_fd, .events = POLLIN},
        };
        if (poll(fds, 2, -1) < 0 || fds[0].revents) {
            break;
        }
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            start_connection(server, fd);
        }
    }
    for (size_t i = 0; i < server->connection_count; i++) {
        pthread_join(server->connections[i].thread, NULL);
    }
    return NULL;
}

static struct server *start(struct server *server)
{
    server->listen_fd = open_loopback(&server->port);
    require(listen(server->listen_fd, 64) == 0, "listen");
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    require(server->stop_fd >= 0, "eventfd");
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", server->port);
    pthread_mutex_init(&server->lock, NULL);
    require(pthread_create(&server->thread, NULL, serve, server) == 0, "pthread_create");
    return server;
}

struct server *server_start(const struct step *const *scripts, size_t script_count)
{
    struct server *server = calloc(1, sizeof *server);
    require(server, "calloc");
    server->scripts = scripts;
    server->script_count = script_count;
    return start(server);
}

struct server *server_start_one(const struct step *script)
{
    struct server *server = calloc(1, sizeof *server);
    require(server, "calloc");
    server->only_script = script;
    server->scripts = &server->only_script;
    server->script_count = 1;
    return start(server);
}

void server_stop(struct server *server)
{
    uint64_t one = 1;
    require(write(server->stop_fd, &one, sizeof one) == sizeof one, "write");
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->request_count; i++) {
        free(server->requests[i]);
    }
    close(server->listen_fd);
    close(server->stop_fd);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int server_port(const struct server *server)
{
    return server->port;
}

const char *server_url(const struct server *server)
{
    return server->url;
}

size_t server_connections(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

size_t server_requests(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const char *server_request(struct server *server, size_t i)
{
    pthread_mutex_lock(&server->lock);
    const char *request = i < server->request_count ? server->requests[i] : NULL;
    pthread_mutex_unlock(&server->lock);
    return request;
}

int refused_port_open(int *out_port)
{
    return open_loopback(out_port);
}

int black_hole_open(int *out_port, int out_fillers[3])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = open_loopback(out_port);
    require(listen(fd, 0) == 0, "listen");
    address.sin_port = htons((uint16_t)*out_port);
    for (int i = 0; i < 3; i++) {
        out_fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        require(out_fillers[i] >= 0, "socket");
        (void)connect(out_fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    return fd;
}
