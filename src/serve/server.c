#include "serve/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/hooks.h"
#include "serve/answer.h"

enum {
    POOL_BYTES = 16384, /* of one connection: a head of 8192 bytes, its table, the answer's head */
    ACCEPTS_MAX = 16,   /* between two looks at the open connections */
    PAUSE_MS = 100,     /* after accept() found no descriptor or no memory */
    FULL_MS = 10,       /* between two looks at the port while every connection is answering */
};

/* ---- what libmicrohttpd calls ---- */

static void note_connection(void *user, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct ccd_server *server = user;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        slots_release(&server->slots, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct slot *slot = info ? slots_find(&server->slots, info->connect_fd) : NULL;
    if (slot)
        slot->is_started = true;
    *socket_context = slot;
}

static void note_completed(void *user, struct MHD_Connection *connection, void **request_state,
                           enum MHD_RequestTerminationCode code)
{
    (void)user;
    (void)connection;
    (void)code;
    if (*request_state)
        slot_await_head(*request_state, clock_mono_us(NULL));
    *request_state = NULL;
}

/* Routes are compared as they came: no spelling of a path means another one. */
static size_t leave_escaped(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

/* ---- the thread ---- */

static void admit(struct ccd_server *server, int fd, const struct sockaddr_storage *address,
                  socklen_t size)
{
    struct peer peer = peer_of(address);
    bool is_crowding = !server->listener.is_loopback &&
                       slots_of_peer(&server->slots, &peer) >= SLOTS_PER_PEER;
    struct slot *slot = is_crowding ? NULL
                                    : slots_claim(&server->slots, fd, &peer, clock_mono_us(NULL));
    if (!slot) {
        (void)close(fd);
        return;
    }
    /* It closes the socket when it fails. */
    if (MHD_add_connection(server->daemon, fd, (const struct sockaddr *)address, size) != MHD_YES)
        slots_release(&server->slots, slots_find(&server->slots, fd));
}

static void accept_some(struct ccd_server *server)
{
    for (int i = 0; i < ACCEPTS_MAX && server->slots.count < SLOTS_MAX; i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof address;
        int fd = accept4(server->listener.fd, (struct sockaddr *)&address, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(server, fd, &address, size);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            /* The port stays readable all the while, so it is not looked at. */
            server->paused_until_us = clock_mono_us(NULL) + PAUSE_MS * INT64_C(1000);
            return;
        }
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long nothing has to be done unless a socket says so; -1 = for ever. */
static int wait_ms(struct ccd_server *server, int64_t now_us, bool is_full)
{
    int64_t wait_us = slots_wait_us(&server->slots, now_us);
    MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
    if (MHD_get_timeout(server->daemon, &daemon_ms) == MHD_YES)
        wait_us = least(wait_us, (int64_t)(daemon_ms < 60000 ? daemon_ms : 60000) * 1000);
    if (server->paused_until_us > now_us)
        wait_us = least(wait_us, server->paused_until_us - now_us);
    if (is_full)
        wait_us = least(wait_us, FULL_MS * INT64_C(1000));
    return wait_us == INT64_MAX ? -1 : (int)((wait_us + 999) / 1000);
}

/* One round: wait, accept, serve. False: it was told to end. */
static bool serve_once(struct ccd_server *server)
{
    int64_t now_us = clock_mono_us(NULL);
    slots_end_overdue(&server->slots, now_us);
    bool is_full = server->slots.count == SLOTS_MAX;
    bool is_deaf = is_full || server->paused_until_us > now_us;
    struct pollfd polled[] = {
        {.fd = server->wake_fd, .events = POLLIN},
        {.fd = server->daemon_fd, .events = POLLIN},
        {.fd = is_deaf ? -1 : server->listener.fd, .events = POLLIN},
    };
    if (poll(polled, 3, wait_ms(server, now_us, is_full)) < 0) {
        clock_sleep_ms(PAUSE_MS);
        return true;
    }
    if (polled[0].revents)
        return false;
    if (polled[2].revents)
        accept_some(server);
    (void)MHD_run(server->daemon);
    slots_release_refused(&server->slots);
    struct pollfd port = {.fd = server->listener.fd, .events = POLLIN};
    if (server->slots.count == SLOTS_MAX && poll(&port, 1, 0) > 0)
        (void)slots_end_idlest(&server->slots, clock_mono_us(NULL));
    return true;
}

static void *serve(void *user)
{
    struct ccd_server *server = user;
    while (serve_once(server)) {
    }
    return NULL;
}

/* ---- start and stop ---- */

static int start_daemon(struct ccd_server *server, struct ccd_error *err)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, answer_request, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SLOTS_MAX, MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
        MHD_OPTION_NOTIFY_COMPLETED, note_completed, server, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!server->daemon) {
        return error_set(err, CCD_INTERNAL,
                         "the HTTP listener did not start; it needs memory and "
                         "a few free descriptors");
    }
    server->daemon_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return 0;
}

/* With every signal blocked: those of the program go to the program's threads, and a client that
 * went away is no SIGPIPE. */
static int start_thread(struct ccd_server *server, struct ccd_error *err)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&server->thread, NULL, serve, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? error_set_native(err, CCD_INTERNAL, code, "no thread for the HTTP listener: %s",
                                   strerrordesc_np(code))
                : 0;
}

static void release(struct ccd_server *server)
{
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    listener_close(&server->listener);
    if (server->wake_fd >= 0)
        (void)close(server->wake_fd);
    for (size_t i = 0; i < SERVER_PAGE_COUNT; i++)
        snapshot_release(server->pages[i]);
    pthread_mutex_destroy(&server->pages_lock);
    pthread_mutex_destroy(&server->metrics_lock);
    guard_release(&server->guard);
    mem_free(NULL, server);
}

static int prepare(struct ccd_server *server, const struct ccd_server_options *options,
                   struct ccd_error *err)
{
    const char *host = options->host && options->host[0] ? options->host : "127.0.0.1";
    int status = listener_read(&server->listener, host, options->port, err);
    if (!status)
        status = guard_init(&server->guard, options, server->listener.is_loopback, err);
    if (!status)
        status = listener_open(&server->listener, host, err);
    if (status)
        return status;
    guard_allow_hosts(&server->guard, options, &server->listener);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->wake_fd < 0) {
        return error_set_native(err, CCD_INTERNAL, errno, "no descriptor for the HTTP listener: %s",
                                strerrordesc_np(errno));
    }
    return start_daemon(server, err);
}

int ccd_server_start(const struct ccd_server_options *options, struct ccd_server **out_server,
                     struct ccd_error *err)
{
    struct ccd_server_options given = {0};
    if (options)
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    struct ccd_server *server = mem_new(NULL, 1, sizeof *server);
    if (!server)
        return error_set(err, CCD_NO_MEMORY, "no memory for the HTTP listener");
    server->listener.fd = server->wake_fd = -1;
    pthread_mutex_init(&server->pages_lock, NULL);
    pthread_mutex_init(&server->metrics_lock, NULL);
    int status = prepare(server, &given, err);
    if (!status)
        status = start_thread(server, err);
    if (status) {
        release(server);
        return status;
    }
    *out_server = server;
    return 0;
}

const char *ccd_server_address(const struct ccd_server *server)
{
    return server->listener.address;
}

void ccd_server_on_metrics(struct ccd_server *server, ccd_server_body_fn *body, void *user)
{
    pthread_mutex_lock(&server->metrics_lock);
    server->metrics = body;
    server->metrics_user = user;
    pthread_mutex_unlock(&server->metrics_lock);
}

int ccd_server_publish(struct ccd_server *server, const char *route, int http_status,
                       const char *json, struct ccd_error *err)
{
    enum server_page page;
    struct str text = str_from(json);
    if (!answer_find_page(str_from(route), &page)) {
        return error_set(err, CCD_USAGE,
                         "nothing can be published on \"%.64s\"; use /status or "
                         "/healthz",
                         route ? route : "");
    }
    if (http_status < 200 || http_status > 599)
        return error_set(err, CCD_USAGE, "%d is no HTTP status of an answer", http_status);
    if (text.len > SERVE_BODY_BYTES_MAX) {
        return error_set(err, CCD_USAGE, "%zu bytes for %s; no more than %d", text.len, route,
                         SERVE_BODY_BYTES_MAX);
    }
    struct snapshot *fresh = snapshot_new((unsigned)http_status, text);
    if (!fresh)
        return error_set(err, CCD_NO_MEMORY, "no memory for what is published on %s", route);
    pthread_mutex_lock(&server->pages_lock);
    struct snapshot *before = server->pages[page];
    server->pages[page] = fresh;
    pthread_mutex_unlock(&server->pages_lock);
    snapshot_release(before);
    return 0;
}

void ccd_server_stop(struct ccd_server *server)
{
    if (!server)
        return;
    uint64_t one = 1;
    /* Fails only when the counter is full, and then it wakes, too. */
    ssize_t written = write(server->wake_fd, &one, sizeof one);
    (void)written;
    pthread_join(server->thread, NULL);
    release(server);
}
