/* LD_PRELOAD: the N-th call of a kind kills the process, fails, or does only a part of its work.
 *
 * TORTURE_MODE, one of
 * - count
 * - kill-before, kill-after, kill-half: of calls that change a regular file or its folder
 * - fail: of calls of the C library that may fail
 * - alloc, alloc-ever: of allocations, only this one, or from this one on
 * - short: every transfer moves a part of what it could, and each eighth call that may wait is
 *   interrupted
 *
 * TORTURE_AT: N, from 1; of the mode short where in its turns it begins.
 * TORTURE_JOURNAL=rollback: SQLite keeps a rollback journal, as where it cannot have a WAL.
 * TORTURE_COUNT: a file that gets "writes fallible allocations left-by-us left-by-libraries" at
 * the end; left are blocks that nobody has freed.
 *
 * Invariant: without TORTURE_MODE nothing changes; the shim allocates nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "leaks.h"

enum mode { OFF, COUNT, KILL_BEFORE, KILL_AFTER, KILL_HALF, FAIL, ALLOC, ALLOC_EVER, SHORT };
static const char *const MODES[] = {"off",  "count", "kill-before", "kill-after", "kill-half",
                                    "fail", "alloc", "alloc-ever",  "short"};

static enum mode mode;
static long at;
static atomic_long writes, fallible, allocations, turns;
static bool ready; /* main is about to run: what the loader does is not ours */
static bool rolls_back;

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
    turns = mode == SHORT ? at : 0;
    rolls_back = mode != OFF && getenv("TORTURE_JOURNAL");
    if (mode != OFF)
        leaks_begin();
    ready = mode != OFF;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("TORTURE_COUNT");
    char text[160];
    ready = false;
    if (mode == OFF || !path)
        return;
    long own, of_libraries;
    leaks_count(&own, &of_libraries);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int len = snprintf(text, sizeof text, "%ld %ld %ld %ld %ld\n", (long)writes, (long)fallible,
                       (long)allocations, own, of_libraries);
    if (fd < 0 || write(fd, text, (size_t)len) != len)
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

/* Whether this change of a file is the one that something happens at. */
static bool is_turn(void)
{
    return ready && ++writes == at;
}

/* A call that waits, or could. */
static bool is_interrupted(void)
{
    if (!ready || mode != SHORT || ++turns % 8 != 0)
        return false;
    errno = EINTR;
    return true;
}

static size_t shorten(size_t len)
{
    return ready && mode == SHORT && len > 1 && turns % 2 == 0 ? 1 + len / 2 : len;
}

/* A function that stands before the real one of this name. */
#define FALLIBLE(type, name, parameters, arguments, failure, error)                                \
    static void *real_##name;                                                                      \
    type name parameters                                                                           \
    {                                                                                              \
        return fails(error) ? (failure) : REAL(name) arguments;                                    \
    }

#define WAITING(type, name, parameters, arguments, error)                                          \
    static void *real_##name;                                                                      \
    type name parameters                                                                           \
    {                                                                                              \
        return is_interrupted() || fails(error) ? -1 : REAL(name) arguments;                       \
    }

/* One that changes files as a whole: there is no half of it. */
#define CHANGING(name, parameters, arguments, error)                                               \
    static void *real_##name;                                                                      \
    int name parameters                                                                            \
    {                                                                                              \
        bool turn = is_turn();                                                                     \
        if (turn && (mode == KILL_BEFORE || mode == KILL_HALF))                                    \
            die();                                                                                 \
        int result = fails(error) ? -1 : REAL(name) arguments;                                     \
        if (turn && mode == KILL_AFTER)                                                            \
            die();                                                                                 \
        return result;                                                                             \
    }

/* ---- changes of files ---- */

CHANGING(fsync, (int fd), (fd), EIO)
CHANGING(fdatasync, (int fd), (fd), EIO)
CHANGING(ftruncate, (int fd, off_t len), (fd, len), EIO)
CHANGING(ftruncate64, (int fd, off64_t len), (fd, len), EIO)
CHANGING(unlink, (const char *path), (path), EACCES)
CHANGING(rename, (const char *from, const char *to), (from, to), EACCES)
CHANGING(renameat, (int from_folder, const char *from, int to_folder, const char *to),
         (from_folder, from, to_folder, to), EACCES)
CHANGING(mkdir, (const char *path, mode_t permissions), (path, permissions), EACCES)
CHANGING(fchmod, (int fd, mode_t permissions), (fd, permissions), EPERM)
CHANGING(fchown, (int fd, uid_t owner, gid_t group), (fd, owner, group), EPERM)

static void *real_write, *real_pwrite64, *real_fstat64, *real_open64, *real_open, *real_openat64;
static void *real_openat;

static bool is_file(int fd)
{
    struct stat64 st;
    int saved = errno;
    bool regular = REAL(fstat64)(fd, &st) == 0 && S_ISREG(st.st_mode);
    errno = saved;
    return regular;
}

static ssize_t put(int fd, const void *bytes, size_t len, off64_t offset, bool placed)
{
    if (is_interrupted())
        return -1;
    size_t part = shorten(len);
    bool turn = is_file(fd) && is_turn();
    if (turn && mode == KILL_BEFORE)
        die();
    if (turn && mode == KILL_HALF)
        part = len / 2;
    if (fails_in(placed ? "pwrite" : "write", placed || is_file(fd) ? ENOSPC : EPIPE))
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

/* To create a file is a change of its folder. */
#define OPENING(name, parameters, ...)                                                             \
    int name parameters                                                                            \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;                      \
        mode_t permissions = creates ? va_arg(rest, mode_t) : 0;                                   \
        va_end(rest);                                                                              \
        bool turn = creates && is_turn();                                                          \
        if (turn && (mode == KILL_BEFORE || mode == KILL_HALF))                                    \
            die();                                                                                 \
        int fd = fails(EMFILE) ? -1 : REAL(name)(__VA_ARGS__, permissions);                        \
        if (turn && mode == KILL_AFTER)                                                            \
            die();                                                                                 \
        return fd;                                                                                 \
    }

OPENING(open, (const char *path, int flags, ...), path, flags)
OPENING(open64, (const char *path, int flags, ...), path, flags)
OPENING(openat, (int folder, const char *path, int flags, ...), folder, path, flags)
OPENING(openat64, (int folder, const char *path, int flags, ...), folder, path, flags)

/* What the compiler makes of open64 without O_CREAT. */
int __open64_2(const char *path, int flags)
{
    return open64(path, flags);
}

/* ---- transfers ---- */

#define READING(name, parameters, call, error)                                                     \
    static void *real_##name;                                                                      \
    ssize_t name parameters                                                                        \
    {                                                                                              \
        if (is_interrupted() || fails(error))                                                      \
            return -1;                                                                             \
        len = shorten(len);                                                                        \
        return REAL(name) call;                                                                    \
    }

READING(read, (int fd, void *bytes, size_t len), (fd, bytes, len), EIO)
READING(pread64, (int fd, void *bytes, size_t len, off64_t offset), (fd, bytes, len, offset), EIO)
READING(recv, (int fd, void *bytes, size_t len, int flags), (fd, bytes, len, flags), ECONNRESET)
READING(send, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags),
        ECONNRESET)

/* What the compiler makes of read into a buffer of known size. */
ssize_t __read_chk(int fd, void *bytes, size_t len, size_t size)
{
    if (len > size)
        abort();
    return read(fd, bytes, len);
}

/* ---- calls that may fail ---- */

FALLIBLE(FILE *, fopen, (const char *path, const char *how), (path, how), NULL, EMFILE)
FALLIBLE(FILE *, fopen64, (const char *path, const char *how), (path, how), NULL, EMFILE)
FALLIBLE(int, stat64, (const char *path, struct stat64 *out), (path, out), -1, EACCES)
FALLIBLE(int, lstat64, (const char *path, struct stat64 *out), (path, out), -1, EACCES)
FALLIBLE(int, fstat64, (int fd, struct stat64 *out), (fd, out), -1, EIO)
FALLIBLE(int, fstatat64, (int folder, const char *path, struct stat64 *out, int flags),
         (folder, path, out, flags), -1, EACCES)
FALLIBLE(int, access, (const char *path, int how), (path, how), -1, EACCES)
FALLIBLE(ssize_t, readlink, (const char *path, char *out, size_t size), (path, out, size), -1,
         EACCES)
FALLIBLE(void *, mmap, (void *place, size_t len, int how, int flags, int fd, off_t offset),
         (place, len, how, flags, fd, offset), MAP_FAILED, ENOMEM)
FALLIBLE(void *, mmap64, (void *place, size_t len, int how, int flags, int fd, off64_t offset),
         (place, len, how, flags, fd, offset), MAP_FAILED, ENOMEM)
FALLIBLE(int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1, EMFILE)
FALLIBLE(int, socketpair, (int domain, int type, int protocol, int out[2]),
         (domain, type, protocol, out), -1, EMFILE)
FALLIBLE(int, pipe2, (int out[2], int flags), (out, flags), -1, EMFILE)
FALLIBLE(int, eventfd, (unsigned start, int flags), (start, flags), -1, EMFILE)
FALLIBLE(int, getsockname, (int fd, struct sockaddr *out, socklen_t *size), (fd, out, size), -1,
         ENOBUFS)
FALLIBLE(int, getsockopt, (int fd, int level, int name, void *out, socklen_t *size),
         (fd, level, name, out, size), -1, ENOBUFS)
FALLIBLE(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
         (fd, level, name, value, size), -1, ENOBUFS)
FALLIBLE(int, connect, (int fd, const struct sockaddr *address, socklen_t size),
         (fd, address, size), -1, ENETUNREACH)
FALLIBLE(int, pthread_create,
         (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *user),
         (thread, attributes, run, user), EAGAIN, EAGAIN)
FALLIBLE(int, getaddrinfo,
         (const char *node, const char *service, const struct addrinfo *hints,
          struct addrinfo **out),
         (node, service, hints, out), EAI_AGAIN, EAGAIN)
WAITING(int, poll, (struct pollfd * polled, nfds_t count, int wait_ms), (polled, count, wait_ms),
        ENOMEM)
WAITING(int, flock, (int fd, int operation), (fd, operation), ENOLCK)

/* Only the wait of it ends early: it has no other way to fail. */
static void *real_nanosleep;
int nanosleep(const struct timespec *wait, struct timespec *left)
{
    if (!is_interrupted())
        return REAL(nanosleep)(wait, left);
    if (left)
        *left = *wait;
    return -1;
}

/* The descriptor is gone, whatever the answer. */
static void *real_close;
int close(int fd)
{
    int result = REAL(close)(fd);
    return fails(EIO) ? -1 : result;
}

/* What is printed; to the standard error goes the line that the test looks for. */
static void *real_fwrite, *real_fflush, *real_fclose;

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    return file != stderr && fails(ENOSPC) ? 0 : REAL(fwrite)(bytes, size, count, file);
}

int fflush(FILE *file)
{
    return file != stderr && fails(ENOSPC) ? EOF : REAL(fflush)(file);
}

int fclose(FILE *file)
{
    int result = REAL(fclose)(file);
    return fails(EIO) ? EOF : result;
}

/* Locks come through here; the third argument is a pointer or a number, both fit. Giving a lock
 * back does not fail on any system that we know. */
static void *real_fcntl64;
int fcntl64(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
    bool locks = (waits || command == F_SETLK || command == F_OFD_SETLK) &&
                 ((struct flock *)argument)->l_type != F_UNLCK;
    if ((waits && is_interrupted()) || (locks && fails(ENOLCK)))
        return -1;
    return REAL(fcntl64)(fd, command, argument);
}

/* ---- SQLite ---- */

static void *real_sqlite3_prepare_v3;
int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags, sqlite3_stmt **out,
                       const char **tail)
{
    if (rolls_back && strcmp(sql, "PRAGMA journal_mode=WAL") == 0)
        sql = "PRAGMA journal_mode=DELETE";
    return REAL(sqlite3_prepare_v3)(db, sql, size, flags, out, tail);
}

/* ---- allocations ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

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

static void *watched(void *block, void *caller)
{
    if (ready)
        leaks_add(block, caller);
    return block;
}

void *malloc(size_t size)
{
    return starves() ? NULL : watched(__libc_malloc(size), __builtin_return_address(0));
}

void *calloc(size_t count, size_t size)
{
    return starves() ? NULL : watched(__libc_calloc(count, size), __builtin_return_address(0));
}

void *realloc(void *block, size_t size)
{
    if (starves())
        return NULL;
    void *first_caller = leaks_remove(block);
    void *moved = __libc_realloc(block, size);
    if (!moved && size > 0)
        watched(block, first_caller);
    return watched(moved, __builtin_return_address(0));
}

void free(void *block)
{
    if (mode != OFF)
        leaks_remove(block);
    __libc_free(block);
}
