/* LD_PRELOAD: the N-th call of a kind kills the process, fails, or does only a part of its work.
 *
 *   TORTURE_MODE   count | kill-before | kill-after | kill-half   of calls that change a regular
 * file fail                     of calls of the C library that may fail alloc | alloc-ever       of
 * allocations: only this one, or from this one on short                    every read and write
 * moves one byte, or is interrupted first TORTURE_AT     N, from 1 TORTURE_COUNT  a file that gets
 * "writes fallible allocations" at the end
 *
 * Invariant: without TORTURE_MODE nothing changes; the shim allocates nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum mode { OFF, COUNT, KILL_BEFORE, KILL_AFTER, KILL_HALF, FAIL, ALLOC, ALLOC_EVER, SHORT };
static const char *const MODES[] = {"off",  "count", "kill-before", "kill-after", "kill-half",
                                    "fail", "alloc", "alloc-ever",  "short"};

static enum mode mode;
static long at;
static atomic_long writes, fallible, allocations, turns;
static bool ready; /* main is about to run: what the loader does is not ours */

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

#define REAL(name) __extension__((__typeof__(name) *)real(&real_##name, #name))
static void *real(void **cache, const char *name)
{
    if (!*cache)
        *cache = dlsym(RTLD_NEXT, name);
    return *cache;
}

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("TORTURE_MODE"), *number = getenv("TORTURE_AT");
    for (size_t i = 0; name && i < sizeof MODES / sizeof MODES[0]; i++)
        if (strcmp(name, MODES[i]) == 0)
            mode = (enum mode)i;
    at = number ? atol(number) : 0;
    ready = mode != OFF;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("TORTURE_COUNT");
    char text[96];
    ready = false;
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    int len = snprintf(text, sizeof text, "%ld %ld %ld\n", (long)writes, (long)fallible,
                       (long)allocations);
    if (fd >= 0 && write(fd, text, (size_t)len) != len)
        abort();
}

/* ---- what may happen to a call ---- */

/* The name goes to the standard error: which call it was differs from run to run. */
static bool fails_in(const char *name, int error)
{
    if (!ready || ++fallible != at || mode != FAIL)
        return false;
    ready = false;
    dprintf(STDERR_FILENO, "torture: %s\n", name);
    ready = true;
    errno = error;
    return true;
}
#define fails(error) fails_in(__func__, error)

static bool is_file(int fd)
{
    struct stat st;
    int saved = errno;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    errno = saved;
    return regular;
}

/* Whether this change of a file is the one that something happens at. */
static bool is_turn(void)
{
    return ready && ++writes == at;
}

#define CHANGE(call)                                                                               \
    do {                                                                                           \
        bool turn = is_turn();                                                                     \
        if (turn && (mode == KILL_BEFORE || mode == KILL_HALF))                                    \
            die();                                                                                 \
        if (fails(EIO))                                                                            \
            return -1;                                                                             \
        __typeof__(call) result = (call);                                                          \
        if (turn && mode == KILL_AFTER)                                                            \
            die();                                                                                 \
        return result;                                                                             \
    } while (0)

/* Every other call is interrupted, the rest move a byte. */
static size_t shorten(size_t len, bool *out_interrupted)
{
    *out_interrupted = false;
    if (!ready || mode != SHORT || len < 2)
        return len;
    *out_interrupted = ++turns % 8 == 0;
    return turns % 2 ? len : 1 + len / 2;
}

/* ---- changes of files ---- */

static void *real_write, *real_pwrite64, *real_fsync, *real_fdatasync;
static void *real_ftruncate64, *real_ftruncate, *real_unlink, *real_rename;

static ssize_t put(int fd, const void *bytes, size_t len, off64_t offset, bool placed)
{
    bool interrupted;
    size_t part = shorten(len, &interrupted);
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    bool turn = is_file(fd) && is_turn();
    if (turn && mode == KILL_BEFORE)
        die();
    if (turn && mode == KILL_HALF)
        part = len / 2;
    if (fails(placed || is_file(fd) ? ENOSPC : EPIPE))
        return -1;
    ssize_t done = placed ? REAL(pwrite64)(fd, bytes, part, offset) : REAL(write)(fd, bytes, part);
    if (turn && (mode == KILL_AFTER || mode == KILL_HALF))
        die();
    return done;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return put(fd, bytes, len, 0, false);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    return put(fd, bytes, len, offset, true);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return put(fd, bytes, len, offset, true);
}

int fsync(int fd)
{
    CHANGE(REAL(fsync)(fd));
}

int fdatasync(int fd)
{
    CHANGE(REAL(fdatasync)(fd));
}

int ftruncate64(int fd, off64_t len)
{
    CHANGE(REAL(ftruncate64)(fd, len));
}

int ftruncate(int fd, off_t len)
{
    CHANGE(REAL(ftruncate)(fd, len));
}

int unlink(const char *path)
{
    CHANGE(REAL(unlink)(path));
}

int rename(const char *from, const char *to)
{
    CHANGE(REAL(rename)(from, to));
}

/* ---- calls that may fail ---- */

static void *real_read, *real_pread64, *real_open64, *real_open, *real_openat, *real_socket;
static void *real_connect, *real_pthread_create, *real_getaddrinfo, *real_fopen, *real_recv;
static void *real_send, *real_fcntl64, *real_mkdir;

ssize_t read(int fd, void *bytes, size_t len)
{
    bool interrupted;
    size_t part = shorten(len, &interrupted);
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    return fails(EIO) ? -1 : REAL(read)(fd, bytes, part);
}

ssize_t pread64(int fd, void *bytes, size_t len, off64_t offset)
{
    bool interrupted;
    size_t part = shorten(len, &interrupted);
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    return fails(EIO) ? -1 : REAL(pread64)(fd, bytes, part, offset);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    bool interrupted;
    size_t part = shorten(len, &interrupted);
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    return fails(ECONNRESET) ? -1 : REAL(recv)(fd, bytes, part, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    bool interrupted;
    size_t part = shorten(len, &interrupted);
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    return fails(ECONNRESET) ? -1 : REAL(send)(fd, bytes, part, flags);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name, ...)                                                                            \
    va_list arguments;                                                                             \
    va_start(arguments, flags);                                                                    \
    mode_t permissions = mode_of(flags, arguments);                                                \
    va_end(arguments);                                                                             \
    return fails(EMFILE) ? -1 : REAL(name)(__VA_ARGS__, flags, permissions)

int open(const char *path, int flags, ...)
{
    OPEN(open, path);
}

int open64(const char *path, int flags, ...)
{
    OPEN(open64, path);
}

int openat(int folder, const char *path, int flags, ...)
{
    OPEN(openat, folder, path);
}

FILE *fopen(const char *path, const char *how)
{
    return fails(EMFILE) ? NULL : REAL(fopen)(path, how);
}

int mkdir(const char *path, mode_t permissions)
{
    return fails(EACCES) ? -1 : REAL(mkdir)(path, permissions);
}

int socket(int domain, int type, int protocol)
{
    return fails(EMFILE) ? -1 : REAL(socket)(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return fails(ENETUNREACH) ? -1 : REAL(connect)(fd, address, len);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *user)
{
    return fails(EAGAIN) ? EAGAIN : REAL(pthread_create)(thread, attributes, run, user);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    return fails(EAGAIN) ? EAI_AGAIN : REAL(getaddrinfo)(node, service, hints, out);
}

/* Locks come through here; the third argument is a pointer or a number, both fit. Giving a lock
 * back does not fail on any system that we know. */
int fcntl64(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    bool locks = (command == F_SETLK || command == F_OFD_SETLK || command == F_SETLKW) &&
                 ((struct flock *)argument)->l_type != F_UNLCK;
    return locks && fails(ENOLCK) ? -1 : REAL(fcntl64)(fd, command, argument);
}

/* ---- allocations ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static bool starves(void)
{
    if (!ready)
        return false;
    long number = ++allocations;
    bool starved = (mode == ALLOC && number == at) || (mode == ALLOC_EVER && number >= at);
    if (starved)
        errno = ENOMEM;
    return starved;
}

void *malloc(size_t size)
{
    return starves() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return starves() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return starves() ? NULL : __libc_realloc(block, size);
}
