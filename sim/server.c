#include "sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim/respond.h"

enum {
    CONNECTIONS_MAX = 512,
    SPARE_FILES = 32,
    EVENTS_MAX = 64,
    PIECES_MAX = 32,
    INPUT_BYTES = 2 * HTTP_HEAD_MAX_BYTES,
    HEAD_MAX_BYTES = 32 << 10,
    DRIP_BYTES = 1024,
    BACKLOG = 128,
};

/* In microseconds. */
static const int64_t idle_max_us = 75000000;
static const int64_t request_max_us =
    10000000; /* from the first byte of a request to its blank line */
static const int64_t write_max_us = 120000000; /* without any progress */
static const int64_t stall_max_us = 900000000;
static const int64_t drain_max_us = 2000000;
static const int64_t drip_pause_us = 50000;

enum phase {
    PHASE_READ,  /* waits for a request */
    PHASE_PAUSE, /* has a reply that may not go (on) yet */
    PHASE_WRITE,
    PHASE_STALL, /* keeps silent until the client leaves */
    PHASE_DRAIN, /* has said all and reads on: closing over unread bytes would reset what was sent
                  */
};

struct connection {
    int fd;
    enum phase phase;
    uint64_t number;
    int64_t deadline_us; /* PHASE_PAUSE: when to go on; else: when to give up */
    struct reply reply;
    size_t wire_sent;
    size_t drip_limit; /* so many bytes may be sent until the next pause */
    size_t input_len;
    uint32_t events; /* what epoll waits for */
    char input[INPUT_BYTES];
};

struct server {
    const struct settings *settings;
    struct responder *responder;
    int listen_fd, epoll_fd, signal_fd;
    bool accepting;
    bool stopping;
    uint64_t accepted;
    size_t connection_count, connection_max;
    struct connection *connections[CONNECTIONS_MAX];
};

/* ---- address */

static bool is_loopback(const char *host, int *out_family)
{
    struct in_addr v4;
    struct in6_addr v6;
    *out_family = AF_INET;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    *out_family = AF_INET6;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int server_parse_listen(struct settings *settings, struct str text, struct ccd_error *err)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    struct str host = {text.ptr, colon > 0 ? colon - 1 : 0};
    struct str port = {text.ptr + colon, text.len - colon};
    int64_t number;
    int family;
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct str){host.ptr + 1, host.len - 2};
    if (str_equal(host, STR("localhost")))
        host = STR("127.0.0.1");
    if (!str_to_i64(port, &number) || number < 0 || number > 65535 ||
        !str_copy(settings->host, sizeof settings->host, host))
        return error_set(err, CCD_USAGE, "--listen wants HOST:PORT, such as 127.0.0.1:8080");
    if (!is_loopback(settings->host, &family))
        return error_set(err, CCD_USAGE,
                         "--listen: %s is not a loopback address; only 127.x.x.x, ::1 and "
                         "localhost are served",
                         settings->host);
    settings->port = (int)number;
    return 0;
}

static int socket_error(struct ccd_error *err, const struct settings *s, const char *what)
{
    int number = errno;
    return error_set_native(err, CCD_NETWORK, number, "cannot %s %s port %d: %s", what, s->host,
                            s->port, strerror(number));
}

static int open_listener(struct server *server, struct ccd_error *err)
{
    const struct settings *s = server->settings;
    int family, yes = 1;
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(struct sockaddr_in);
    (void)is_loopback(s->host, &family);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    address.ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        v4->sin_port = htons((uint16_t)s->port);
        (void)inet_pton(AF_INET, s->host, &v4->sin_addr);
    } else {
        v6->sin6_port = htons((uint16_t)s->port);
        (void)inet_pton(AF_INET6, s->host, &v6->sin6_addr);
        len = sizeof(struct sockaddr_in6);
    }
    server->listen_fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0)
        return socket_error(err, s, "open");
    (void)setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server->listen_fd, (struct sockaddr *)&address, len) != 0)
        return socket_error(err, s, "bind");
    if (listen(server->listen_fd, BACKLOG) != 0)
        return socket_error(err, s, "listen on");
    if (getsockname(server->listen_fd, (struct sockaddr *)&address, &len) != 0)
        return socket_error(err, s, "name");
    int port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
    printf(family == AF_INET ? "listening %s:%d\n" : "listening [%s]:%d\n", s->host, port);
    if (fflush(stdout) != 0)
        return error_set_native(err, CCD_DISK, errno, "cannot write to standard output");
    return 0;
}

/* ---- epoll */

/* Tags of the two descriptors that are no connection; connections are tagged with their address. */
static char listener_tag, signal_tag;

static bool watch(struct server *server, int fd, int operation, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    return epoll_ctl(server->epoll_fd, operation, fd, &event) == 0;
}

static void watch_listener(struct server *server, bool accepting)
{
    if (server->accepting == accepting)
        return;
    server->accepting = accepting;
    (void)watch(server, server->listen_fd, EPOLL_CTL_MOD, accepting ? EPOLLIN : 0, &listener_tag);
}

static void watch_connection(struct server *server, struct connection *c)
{
    static const uint32_t wanted[] = {[PHASE_READ] = EPOLLIN,
                                      [PHASE_PAUSE] = EPOLLRDHUP,
                                      [PHASE_WRITE] = EPOLLOUT,
                                      [PHASE_STALL] = EPOLLRDHUP,
                                      [PHASE_DRAIN] = EPOLLIN};
    uint32_t events = wanted[c->phase];
    if (events == c->events)
        return;
    c->events = events;
    (void)watch(server, c->fd, EPOLL_CTL_MOD, events, c);
}

/* ---- connections */

static void connection_close(struct server *server, struct connection *c, bool reset)
{
    if (reset) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    (void)close(c->fd);
    for (size_t i = 0; i < server->connection_count; i++) {
        if (server->connections[i] == c) {
            server->connections[i] = server->connections[--server->connection_count];
            break;
        }
    }
    body_drop(c->reply.body);
    buf_release(&c->reply.head);
    mem_free(NULL, c);
    watch_listener(server, true);
}

static void connection_open(struct server *server, int fd)
{
    int yes = 1;
    struct connection *c = mem_new(NULL, 1, sizeof *c);
    if (!c) {
        (void)close(fd);
        return;
    }
    c->fd = fd;
    c->number = ++server->accepted;
    c->deadline_us = clock_mono_us(NULL) + idle_max_us;
    c->events = EPOLLIN;
    buf_init(&c->reply.head, HEAD_MAX_BYTES, NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    server->connections[server->connection_count++] = c;
    if (!watch(server, fd, EPOLL_CTL_ADD, EPOLLIN, c))
        connection_close(server, c, false);
}

static void accept_all(struct server *server)
{
    while (server->connection_count < server->connection_max) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        connection_open(server, fd);
    }
    watch_listener(server, false); /* the others wait in the kernel's queue */
}

/* ---- writing */

static void add_piece(struct iovec *pieces, int *count, const char *bytes, size_t len, size_t *skip)
{
    if (*skip >= len) {
        *skip -= len;
        return;
    }
    if (*count == PIECES_MAX)
        return;
    /* writev does not write through iov_base; its type only cannot say so. */
    union {
        const char *from;
        void *to;
    } base = {.from = bytes + *skip};
    pieces[(*count)++] = (struct iovec){base.to, len - *skip};
    *skip = 0;
}

/* The next pieces of the reply after `sent` bytes; text is room for a chunk's head. */
static int next_pieces(const struct reply *r, size_t sent, struct iovec pieces[PIECES_MAX],
                       char text[32])
{
    static const char full_head[] = "4000\r\n", line_end[] = "\r\n", last_chunk[] = "0\r\n\r\n";
    _Static_assert(CHUNK_BYTES == 0x4000, "the head of a full chunk says its size");
    int count = 0;
    size_t skip = sent;
    add_piece(pieces, &count, r->head.data, r->head.len, &skip);
    if (!r->body)
        return count;
    if (!r->chunked) {
        add_piece(pieces, &count, r->body->data, r->body->len, &skip);
        return count;
    }
    const size_t head_len = sizeof full_head - 1, full = head_len + CHUNK_BYTES + 2;
    size_t full_count = r->body->len / CHUNK_BYTES, rest = r->body->len % CHUNK_BYTES;
    size_t at = skip / full < full_count ? skip / full : full_count;
    skip -= at * full;
    for (; at < full_count && count < PIECES_MAX; at++) {
        add_piece(pieces, &count, full_head, head_len, &skip);
        add_piece(pieces, &count, r->body->data + at * CHUNK_BYTES, CHUNK_BYTES, &skip);
        add_piece(pieces, &count, line_end, 2, &skip);
    }
    if (rest > 0) {
        (void)str_print(text, 32, "%zx\r\n", rest);
        add_piece(pieces, &count, text, strlen(text), &skip);
        add_piece(pieces, &count, r->body->data + full_count * CHUNK_BYTES, rest, &skip);
        add_piece(pieces, &count, line_end, 2, &skip);
    }
    add_piece(pieces, &count, last_chunk, sizeof last_chunk - 1, &skip);
    return count;
}

/* Cut the pieces to at most `room` bytes; returns how many are left. */
static int cut_pieces(struct iovec *pieces, int count, size_t room)
{
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len >= room) {
            pieces[i].iov_len = room;
            return room > 0 ? i + 1 : i;
        }
        room -= pieces[i].iov_len;
    }
    return count;
}

enum progress { PROGRESS_DONE, PROGRESS_BLOCKED, PROGRESS_BROKEN };

/* Send up to `limit` bytes of the reply in all. */
static enum progress send_reply(struct connection *c, size_t limit)
{
    while (c->wire_sent < limit) {
        struct iovec pieces[PIECES_MAX];
        char text[32];
        int count = next_pieces(&c->reply, c->wire_sent, pieces, text);
        count = cut_pieces(pieces, count, limit - c->wire_sent);
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? PROGRESS_BLOCKED : PROGRESS_BROKEN;
        c->wire_sent += (size_t)sent;
        c->deadline_us = clock_mono_us(NULL) + write_max_us;
    }
    return PROGRESS_DONE;
}

/* ---- a connection's life; each returns false when the connection is gone */

static bool finish_reply(struct server *server, struct connection *c)
{
    enum reply_ending ending = c->reply.ending;
    body_drop(c->reply.body);
    c->reply.body = NULL;
    if (ending == ENDING_KEEP) {
        c->phase = PHASE_READ;
        c->deadline_us = clock_mono_us(NULL) + idle_max_us;
        return true;
    }
    if (ending == ENDING_CLOSE && shutdown(c->fd, SHUT_WR) == 0) {
        c->phase = PHASE_DRAIN;
        c->deadline_us = clock_mono_us(NULL) + drain_max_us;
        return true;
    }
    connection_close(server, c, ending == ENDING_RESET);
    return false;
}

static bool write_on(struct server *server, struct connection *c)
{
    size_t limit = c->reply.wire_limit;
    bool pause = c->reply.drip && c->drip_limit < limit;
    c->phase = PHASE_WRITE;
    switch (send_reply(c, pause ? c->drip_limit : limit)) {
    case PROGRESS_BLOCKED:
        return true;
    case PROGRESS_BROKEN:
        connection_close(server, c, false);
        return false;
    case PROGRESS_DONE:
        break;
    }
    if (pause) {
        c->drip_limit += DRIP_BYTES;
        c->phase = PHASE_PAUSE;
        c->deadline_us = clock_mono_us(NULL) + drip_pause_us;
        return true;
    }
    return finish_reply(server, c);
}

/* Answer the request at the start of the input. */
static bool start_reply(struct server *server, struct connection *c, int status,
                        const struct http_request *request)
{
    responder_answer(server->responder, status, request, c->number, &c->reply);
    c->input_len -= request->size_bytes;
    memmove(c->input, c->input + request->size_bytes, c->input_len);
    c->wire_sent = 0;
    c->drip_limit = DRIP_BYTES;
    if (c->reply.ending == ENDING_STALL) {
        c->phase = PHASE_STALL;
        c->deadline_us = clock_mono_us(NULL) + stall_max_us;
        return true;
    }
    if (server->settings->latency_ms > 0) {
        c->phase = PHASE_PAUSE;
        c->deadline_us = clock_mono_us(NULL) + server->settings->latency_ms * 1000;
        return true;
    }
    return write_on(server, c);
}

/* Answer what stands in the input, one request after the other. */
static bool serve_input(struct server *server, struct connection *c)
{
    while (c->phase == PHASE_READ && c->input_len > 0) {
        struct http_request request;
        int status = http_request_parse(c->input, c->input_len, &request);
        if (status == HTTP_INCOMPLETE)
            return true;
        if (status != 200)
            request.size_bytes = c->input_len; /* what follows has no known beginning */
        if (!start_reply(server, c, status, &request))
            return false;
    }
    return true;
}

static bool read_on(struct server *server, struct connection *c)
{
    bool idle = c->input_len == 0;
    ssize_t got = recv(c->fd, c->input + c->input_len, sizeof c->input - c->input_len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return true;
    if (got <= 0) {
        connection_close(server, c, false);
        return false;
    }
    c->input_len += (size_t)got;
    if (idle)
        c->deadline_us = clock_mono_us(NULL) + request_max_us;
    return serve_input(server, c);
}

static bool drain(struct server *server, struct connection *c)
{
    ssize_t got = recv(c->fd, c->input, sizeof c->input, 0);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return true;
    connection_close(server, c, false);
    return false;
}

static void go_on(struct server *server, struct connection *c, uint32_t events)
{
    bool alive = true;
    if (c->phase == PHASE_READ) {
        alive = read_on(server, c);
    } else if (c->phase == PHASE_DRAIN) {
        alive = drain(server, c);
    } else if (c->phase == PHASE_WRITE) {
        alive = write_on(server, c) && serve_input(server, c);
    } else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
        connection_close(server, c, false);
        return;
    }
    if (alive)
        watch_connection(server, c);
}

static void deadline_passed(struct server *server, struct connection *c)
{
    if (c->phase != PHASE_PAUSE) {
        connection_close(server, c, false);
        return;
    }
    if (write_on(server, c) && serve_input(server, c))
        watch_connection(server, c);
}

/* ---- loop */

static int64_t next_deadline_us(const struct server *server)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < server->connection_count; i++)
        if (server->connections[i]->deadline_us < next)
            next = server->connections[i]->deadline_us;
    return next;
}

static int wait_ms(const struct server *server)
{
    int64_t next_us = next_deadline_us(server);
    if (next_us == INT64_MAX)
        return -1;
    int64_t left_us = next_us - clock_mono_us(NULL);
    return left_us <= 0 ? 0 : (int)(left_us / 1000 + 1);
}

static void pass_deadlines(struct server *server)
{
    int64_t now_us = clock_mono_us(NULL);
    /* From the end: a connection that goes is replaced by the last one, which was looked at. */
    for (size_t i = server->connection_count; i > 0; i--) {
        struct connection *c = server->connections[i - 1];
        if (c->deadline_us <= now_us)
            deadline_passed(server, c);
    }
}

static int run_loop(struct server *server, struct ccd_error *err)
{
    while (!server->stopping) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, wait_ms(server));
        if (count < 0 && errno != EINTR)
            return error_set_native(err, CCD_INTERNAL, errno, "epoll: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            void *tag = events[i].data.ptr;
            if (tag == &listener_tag)
                accept_all(server);
            else if (tag == &signal_tag)
                server->stopping = true;
            else
                go_on(server, tag, events[i].events);
        }
        pass_deadlines(server);
    }
    return 0;
}

static int open_signals(struct server *server, struct ccd_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->signal_fd < 0 || server->epoll_fd < 0)
        return error_set_native(err, CCD_INTERNAL, errno, "signals or epoll: %s", strerror(errno));
    return 0;
}

static size_t connection_room(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= CONNECTIONS_MAX + SPARE_FILES)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > 2 * SPARE_FILES ? (size_t)limit.rlim_cur - SPARE_FILES : SPARE_FILES;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

int server_run(const struct settings *settings, struct ccd_error *err)
{
    struct server server = {.settings = settings,
                            .listen_fd = -1,
                            .epoll_fd = -1,
                            .signal_fd = -1,
                            .accepting = true,
                            .connection_max = connection_room()};
    int status = responder_new(settings, NULL, &server.responder, err);
    if (status == 0)
        status = open_signals(&server, err);
    if (status == 0)
        status = open_listener(&server, err);
    if (status == 0 && (!watch(&server, server.listen_fd, EPOLL_CTL_ADD, EPOLLIN, &listener_tag) ||
                        !watch(&server, server.signal_fd, EPOLL_CTL_ADD, EPOLLIN, &signal_tag)))
        status = error_set_native(err, CCD_INTERNAL, errno, "epoll: %s", strerror(errno));
    if (status == 0)
        status = run_loop(&server, err);
    while (server.connection_count > 0)
        connection_close(&server, server.connections[server.connection_count - 1], false);
    close_if_open(server.listen_fd);
    close_if_open(server.epoll_fd);
    close_if_open(server.signal_fd);
    responder_free(server.responder);
    return status;
}
