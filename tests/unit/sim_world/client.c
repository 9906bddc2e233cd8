#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 40, BODY_MAX_BYTES = 64 << 20, TIMEOUT_S = 10 };

/* ---- the program */

static pid_t start(const char *const *arguments, int *out_fd)
{
    char *argv[ARGUMENTS_MAX] = {(char[]){CCDATA_SIM_PATH}};
    int pipe_fds[2];
    int count = 1;
    for (; arguments[count - 1] && count + 1 < ARGUMENTS_MAX; count++)
        argv[count] = strdup(arguments[count - 1]);
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(pipe_fds[1], STDOUT_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    for (int i = 1; i < count; i++)
        free(argv[i]);
    (void)close(pipe_fds[1]);
    *out_fd = pipe_fds[0];
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;
    for (int tries = 0; tries < TIMEOUT_S * 100; tries++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        (void)usleep(10000);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, TIMEOUT_S * 1000) > 0;
}

struct sim sim_start(const char *const *arguments)
{
    struct sim sim = {.out_fd = -1};
    char line[128];
    size_t len = 0;
    sim.pid = start(arguments, &sim.out_fd);
    while (len + 1 < sizeof line && readable(sim.out_fd) && read(sim.out_fd, line + len, 1) == 1)
        if (line[len++] == '\n')
            break;
    int64_t port;
    struct str text = str_trim((struct str){line, len});
    size_t colon = str_find(text, STR(":"));
    if (str_starts_with(text, STR("listening 127.0.0.1:")) &&
        str_to_i64((struct str){text.ptr + colon + 1, text.len - colon - 1}, &port))
        sim.port = (int)port;
    return sim;
}

int sim_stop(struct sim *sim)
{
    (void)kill(sim->pid, SIGTERM);
    int code = wait_for(sim->pid);
    (void)close(sim->out_fd);
    return code;
}

int sim_run(const char *const *arguments, struct buf *out)
{
    int fd;
    char bytes[4096];
    ssize_t got;
    pid_t pid = start(arguments, &fd);
    while (readable(fd) && (got = read(fd, bytes, sizeof bytes)) > 0)
        buf_add(out, bytes, (size_t)got);
    (void)close(fd);
    return wait_for(pid);
}

/* ---- the connection */

int client_open(int port)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

bool client_send(int fd, const void *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

bool client_send_text(int fd, const char *text)
{
    return client_send(fd, text, strlen(text));
}

bool client_is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN;
}

/* ---- the reply */

void answer_release(struct answer *answer)
{
    buf_release(&answer->body);
}

const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[1024];
    struct str rest = str_from(answer->head);
    while (rest.len > 0) {
        struct str line = str_trim(str_split(&rest, '\n'));
        struct str key = str_split(&line, ':');
        if (str_equal_nocase(key, str_from(name))) {
            (void)str_copy(value, sizeof value, str_trim(line));
            return value;
        }
    }
    return NULL;
}

/* One line up to '\n', byte by byte so that nothing behind it is taken. */
static bool read_line(int fd, char *line, size_t capacity, struct answer *a)
{
    size_t len = 0;
    while (len + 1 < capacity) {
        ssize_t n = recv(fd, line + len, 1, 0);
        if (n <= 0) {
            a->reset |= n < 0 && errno == ECONNRESET;
            return false;
        }
        if (line[len++] == '\n')
            break;
    }
    line[len] = '\0';
    return true;
}

static bool read_bytes(int fd, size_t len, struct answer *a)
{
    char bytes[65536];
    while (len > 0) {
        ssize_t n = recv(fd, bytes, len < sizeof bytes ? len : sizeof bytes, 0);
        if (n <= 0) {
            a->reset |= n < 0 && errno == ECONNRESET;
            return false;
        }
        buf_add(&a->body, bytes, (size_t)n);
        len -= (size_t)n;
    }
    return true;
}

static size_t hex_value(const char *text)
{
    return strtoul(text, NULL, 16);
}

static bool read_chunks(int fd, struct answer *a)
{
    char line[64];
    for (;;) {
        if (!read_line(fd, line, sizeof line, a))
            return false;
        size_t size = hex_value(line);
        if (size > 0 && !read_bytes(fd, size, a))
            return false;
        if (!read_line(fd, line, sizeof line, a) || strcmp(line, "\r\n") != 0)
            return false;
        if (size == 0)
            return true;
    }
}

static bool unpack(struct answer *a)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    struct buf plain;
    size_t len = 0;
    buf_init(&plain, BODY_MAX_BYTES, NULL);
    bool right = buf_reserve(&plain, 8 << 20) == 0 &&
                 libdeflate_gzip_decompress(d, a->body.data, a->body.len, plain.data, 8 << 20,
                                            &len) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(d);
    plain.len = len;
    buf_release(&a->body);
    a->body = plain;
    return right;
}

struct answer client_receive(int fd)
{
    struct answer a = {0};
    char line[1024];
    size_t len = 0;
    buf_init(&a.body, BODY_MAX_BYTES, NULL);
    while (read_line(fd, line, sizeof line, &a)) {
        if (strcmp(line, "\r\n") == 0)
            break;
        if (len + strlen(line) >= sizeof a.head)
            return a;
        memcpy(a.head + len, line, strlen(line) + 1);
        len += strlen(line);
    }
    int64_t status;
    if (!str_starts_with(str_from(a.head), STR("HTTP/1.1 ")) ||
        !str_to_i64((struct str){a.head + 9, 3}, &status))
        return a;
    a.status = (int)status;
    const char *length = answer_header(&a, "Content-Length");
    int64_t size = 0;
    if (length)
        a.whole = str_to_i64(str_from(length), &size) && read_bytes(fd, (size_t)size, &a);
    else
        a.whole = answer_header(&a, "Transfer-Encoding") && read_chunks(fd, &a);
    if (a.whole && a.body.len > 0 && answer_header(&a, "Content-Encoding"))
        a.whole = unpack(&a);
    return a;
}

struct answer client_get(int port, const char *path, const char *headers)
{
    struct answer a = {0};
    struct buf request;
    int fd = client_open(port);
    buf_init(&request, 1 << 16, NULL);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n%s\r\n", path, headers);
    if (fd >= 0 && client_send(fd, request.data, request.len))
        a = client_receive(fd);
    buf_release(&request);
    (void)close(fd);
    return a;
}
