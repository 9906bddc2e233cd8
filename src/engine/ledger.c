#include "engine/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

/* The file: two heads, then two states. A change writes the older state, then its head, so a
 * process that is killed between two bytes leaves the newer pair as it was. The page cache outlives
 * a killed process, so nothing is ever flushed: only a power cut can tear both pairs, which the
 * sums tell and which costs a cold start, nothing worse. */
enum {
    LEDGER_VERSION = 1,
    SLOTS = 2,
    HEAD_STRIDE = 512,
    STATES_AT = SLOTS * HEAD_STRIDE,
    STATE_STRIDE_UNIT = 4096,
    NAME_HEX = 32,
    NAME_BYTES = NAME_HEX + sizeof ".quota.corrupt",
    PATH_MAX_BYTES = 4096,
    REOPEN_MAX = 8,
};

static const uint64_t LEDGER_MAGIC = 0x6174617571646363; /* "ccdquata", told apart by byte order */

/* A machine that was off for longer has a clock that is not believed. */
static const int64_t OFF_MAX_US = 366LL * 86400 * 1000000;

/* An operation holds the lock for microseconds; who waits this long waits for a stopped process. */
static const int64_t LOCK_WAIT_MAX_US = 5LL * 1000000;
static const int64_t LOCK_POLL_MIN_US = 20;
static const int64_t LOCK_POLL_MAX_US = 2000;

struct ledger_head {
    uint64_t magic;
    uint32_t version;
    uint32_t state_bytes;
    uint64_t sequence; /* of changes; the valid slot with the higher one is the ledger */
    uint64_t sum;      /* over head (with sum 0) and state */
    uint8_t boot[16];  /* of the boot in which offset_us holds */
    int64_t offset_us; /* shared clock = boot clock + offset */
    int64_t shared_us; /* when this was written, by the shared clock */
    int64_t utc_us;    /* the same moment by the wall clock */
};

struct ledger {
    const struct allocator *allocator;
    const struct clock *clock;
    const struct log *log;
    struct limiter_limits limits;
    int64_t abandon_us;
    int reserve_percent;
    uint64_t owner;
    struct limiter_state *state;
    struct ledger_head head; /* of what *state holds; sequence 0 = nothing read yet */
    unsigned slot;           /* where that stands in the file */
    uint8_t boot[16];
    bool dirty; /* to be written even when nothing changes: a new offset_us, a broken slot */
    bool peeks; /* opened for reading only: locked against changes, never changed itself */
    int dir_fd; /* -1 = memory only */
    int fd;
    dev_t file_device; /* of fd */
    ino_t file_inode;
    char *directory;
    char name[NAME_BYTES];
};

static int fail(const struct ledger *l, struct ccd_error *err, const char *what)
{
    int code = errno;
    return error_set_native(err, CCD_DISK, code,
                            "cannot %s quota ledger: %s: %s/%s; make the directory writable or set "
                            "XDG_STATE_HOME to one that is",
                            what, strerror(code), l->directory, l->name);
}

static int64_t state_at(unsigned slot)
{
    size_t stride = (limiter_state_size() + STATE_STRIDE_UNIT - 1) &
                    ~(size_t)(STATE_STRIDE_UNIT - 1);
    return STATES_AT + (int64_t)(slot * stride);
}

/* Fletcher's sum in eight 64-bit lanes: tells the place of a byte, not only its value, and costs
 * little more than reading the bytes, which happens at every change. */
enum { SUM_LANES = 8, SUM_STRIDE_BYTES = SUM_LANES * 8 };
struct sum {
    uint64_t plain[SUM_LANES];
    uint64_t placed[SUM_LANES];
};

static void sum_stride(struct sum *sum, const uint8_t bytes[SUM_STRIDE_BYTES])
{
    uint64_t words[SUM_LANES];
    memcpy(words, bytes, sizeof words);
    for (unsigned i = 0; i < SUM_LANES; i++) {
        sum->plain[i] += words[i];
        sum->placed[i] += sum->plain[i];
    }
}

static void sum_add(struct sum *sum, const void *bytes, size_t len)
{
    struct sum local = *sum; /* stays in registers */
    const uint8_t *next = bytes;
    for (; len >= SUM_STRIDE_BYTES; len -= SUM_STRIDE_BYTES) {
        sum_stride(&local, next);
        next += SUM_STRIDE_BYTES;
    }
    uint8_t rest[SUM_STRIDE_BYTES] = {0};
    memcpy(rest, next, len);
    sum_stride(&local, rest);
    *sum = local;
}

static uint64_t sum_final(const struct sum *sum)
{
    struct rng mixer = {0};
    for (unsigned i = 0; i < SUM_LANES; i++) {
        mixer.state ^= sum->plain[i];
        mixer.state = rng_next(&mixer) ^ sum->placed[i];
        mixer.state = rng_next(&mixer);
    }
    return mixer.state;
}

static uint64_t sum_slot(const struct ledger_head *head, const struct limiter_state *state)
{
    struct ledger_head unsummed = *head;
    unsummed.sum = 0;
    struct sum sum = {{0}, {0}};
    sum_add(&sum, &unsummed, sizeof unsummed);
    sum_add(&sum, state, limiter_state_size());
    return sum_final(&sum);
}

/* Returns the bytes read, less than len only at the end of the file, or -1. */
static ssize_t read_at(int fd, void *bytes, size_t len, int64_t at)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = pread(fd, (char *)bytes + done, len - done, at + (int64_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int write_at(int fd, const void *bytes, size_t len, int64_t at)
{
    size_t done = 0;
    while (done < len) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, len - done, at + (int64_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            errno = put == 0 ? EIO : errno;
            return -1;
        }
        done += (size_t)put;
    }
    return 0;
}

/* An open file description lock: it goes with the file descriptor, so it dies with the process and
 * excludes two ledgers of one process too. Polled because a blocking one has no deadline. */
static int lock(struct ledger *l, struct ccd_error *err)
{
    struct flock whole = {.l_type = l->peeks ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    int64_t waited_us = 0;
    int64_t pause_us = LOCK_POLL_MIN_US;
    while (fcntl(l->fd, F_OFD_SETLK, &whole) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return fail(l, err, "lock");
        if (waited_us >= LOCK_WAIT_MAX_US) {
            return error_set(err, CCD_DISK,
                             "quota ledger %s/%s has been locked for %d s; look for a stopped "
                             "ccdata process",
                             l->directory, l->name, (int)(LOCK_WAIT_MAX_US / 1000000));
        }
        clock_sleep_us(pause_us);
        waited_us += pause_us;
        pause_us = pause_us * 2 < LOCK_POLL_MAX_US ? pause_us * 2 : LOCK_POLL_MAX_US;
    }
    return 0;
}

static void unlock(struct ledger *l)
{
    if (l->fd >= 0) {
        struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
        (void)fcntl(l->fd, F_OFD_SETLK, &whole);
    }
}

static void close_file(struct ledger *l)
{
    if (l->fd >= 0) {
        (void)close(l->fd); /* gives the lock up too */
        l->fd = -1;
    }
}

static int open_file(struct ledger *l, struct ccd_error *err)
{
    l->fd = openat(l->dir_fd, l->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat status;
    if (l->fd < 0 || fstat(l->fd, &status) != 0) {
        int failed = fail(l, err, "open");
        close_file(l);
        return failed;
    }
    if (!S_ISREG(status.st_mode)) {
        close_file(l);
        return error_set(err, CCD_DISK, "quota ledger %s/%s is not a regular file; remove it",
                         l->directory, l->name);
    }
    l->file_device = status.st_dev;
    l->file_inode = status.st_ino;
    return 0;
}

/* Whether the name still leads to the locked file: it was removed or set aside otherwise, and who
 * opens it now would count alone. */
static bool still_named(const struct ledger *l)
{
    struct stat named;
    return fstatat(l->dir_fd, l->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_ino == l->file_inode && named.st_dev == l->file_device;
}

/* The locked file that the name leads to. */
static int lock_file(struct ledger *l, struct ccd_error *err)
{
    for (int i = 0; i < REOPEN_MAX; i++) {
        int failed = l->fd < 0 ? open_file(l, err) : 0;
        failed = failed ? failed : lock(l, err);
        if (failed)
            return failed;
        if (still_named(l))
            return 0;
        close_file(l);
    }
    errno = ESTALE;
    return fail(l, err, "hold on to");
}

static void start_cold(struct ledger *l)
{
    limiter_state_init(l->state);
    l->head = (struct ledger_head){0};
    l->slot = 1; /* the first change goes to slot 0 */
}

/* What a look into the file found. */
enum found { FOUND_CURRENT, FOUND_NEWER, FOUND_EMPTY, FOUND_CORRUPT };

/* Read the slot whose head is given into *state. */
static int read_slot(struct ledger *l, const struct ledger_head *head, unsigned slot,
                     enum found *out_found, struct ccd_error *err)
{
    *out_found = FOUND_CORRUPT;
    l->head = (struct ledger_head){0}; /* *state is neither the old nor the new one for a moment */
    ssize_t got = read_at(l->fd, l->state, limiter_state_size(), state_at(slot));
    if (got < 0)
        return fail(l, err, "read");
    if ((size_t)got == limiter_state_size() && sum_slot(head, l->state) == head->sum &&
        limiter_state_valid(l->state)) {
        l->head = *head;
        l->slot = slot;
        *out_found = FOUND_NEWER;
    }
    return 0;
}

static bool head_plausible(const struct ledger_head *head)
{
    return head->magic == LEDGER_MAGIC && head->version == LEDGER_VERSION &&
           head->state_bytes == limiter_state_size() && head->sequence > 0;
}

/* Bring *state up to what the file holds. */
static int refresh(struct ledger *l, enum found *out_found, struct ccd_error *err)
{
    uint8_t bytes[STATES_AT] = {0};
    ssize_t got = read_at(l->fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return fail(l, err, "read");
    struct ledger_head heads[SLOTS];
    bool empty = true;
    for (unsigned i = 0; i < SLOTS; i++) {
        memcpy(&heads[i], bytes + (size_t)i * HEAD_STRIDE, sizeof heads[i]);
        empty = empty && heads[i].magic == 0;
    }
    if (empty) { /* new, or its maker was killed before the first permit */
        *out_found = FOUND_EMPTY;
        return 0;
    }
    *out_found = FOUND_CORRUPT;
    unsigned newer = heads[1].sequence > heads[0].sequence;
    for (unsigned i = 0; i < SLOTS && *out_found == FOUND_CORRUPT; i++) {
        unsigned slot = i == 0 ? newer : 1 - newer;
        if (!head_plausible(&heads[slot]))
            continue;
        if (l->head.sequence != 0 && memcmp(&heads[slot], &l->head, sizeof l->head) == 0) {
            *out_found = FOUND_CURRENT;
            return 0;
        }
        int failed = read_slot(l, &heads[slot], slot, out_found, err);
        if (failed)
            return failed;
        if (*out_found == FOUND_NEWER && i > 0 && head_plausible(&heads[newer])) {
            log_warning(l->log, NULL,
                        "quota ledger %s/%s lost its last changes, as in a power cut; the vendor's "
                        "headers will correct it",
                        l->directory, l->name);
            l->dirty = true;
        }
    }
    return 0;
}

static int set_aside(struct ledger *l, struct ccd_error *err)
{
    char aside[NAME_BYTES];
    (void)str_print(aside, sizeof aside, "%s.corrupt", l->name);
    if (renameat(l->dir_fd, l->name, l->dir_fd, aside) != 0)
        return fail(l, err, "set aside the corrupt");
    log_warning(l->log, NULL,
                "quota ledger %s/%s is corrupt or from another version; set aside as %s, the count "
                "starts again from the vendor's headers",
                l->directory, l->name, aside);
    close_file(l);
    return 0;
}

/* Lock the file and read what is new in it. */
static int lock_and_refresh(struct ledger *l, struct ccd_error *err)
{
    for (int i = 0; i < REOPEN_MAX; i++) {
        enum found found = FOUND_CORRUPT;
        int failed = lock_file(l, err);
        if (failed)
            return failed;
        failed = refresh(l, &found, err);
        if (failed) {
            unlock(l);
            return failed;
        }
        if (found == FOUND_EMPTY && l->head.sequence == 0)
            start_cold(l);
        if (found != FOUND_CORRUPT)
            return 0;
        failed = set_aside(l, err);
        start_cold(l);
        if (failed) {
            unlock(l);
            return failed;
        }
    }
    errno = ESTALE;
    return fail(l, err, "replace the corrupt");
}

/* The clock that all processes share: the boot clock, and over a reboot the wall clock. Where that
 * cannot be believed no time has passed, which keeps every call as young as it was. */
static int64_t shared_now(struct ledger *l)
{
    int64_t mono_us = clock_mono_us(l->clock);
    if (l->dir_fd < 0)
        return mono_us;
    struct ledger_head *head = &l->head;
    bool same_boot = memcmp(head->boot, l->boot, sizeof l->boot) == 0;
    if (same_boot && mono_us + head->offset_us >= head->shared_us)
        return mono_us + head->offset_us;
    int64_t off_us = clock_utc_us(l->clock) - head->utc_us;
    if (off_us < 0 || off_us > OFF_MAX_US)
        off_us = 0;
    int64_t shared_us = head->sequence == 0 ? mono_us : head->shared_us + off_us;
    memcpy(head->boot, l->boot, sizeof l->boot);
    head->offset_us = shared_us - mono_us;
    head->shared_us = shared_us;
    head->utc_us = clock_utc_us(l->clock);
    l->dirty = true;
    return shared_us;
}

static int begin(struct ledger *l, int64_t *out_now_us, struct ccd_error *err)
{
    int failed = l->dir_fd < 0 ? 0 : lock_and_refresh(l, err);
    if (!failed)
        *out_now_us = shared_now(l);
    return failed;
}

/* Write *state when it changed, and unlock. */
static int finish(struct ledger *l, bool changed, int64_t now_us, struct ccd_error *err)
{
    if (l->dir_fd < 0)
        return 0;
    int failed = 0;
    if (changed || l->dirty) {
        unsigned slot = 1 - l->slot;
        struct ledger_head head = l->head;
        head.magic = LEDGER_MAGIC;
        head.version = LEDGER_VERSION;
        head.state_bytes = (uint32_t)limiter_state_size();
        head.sequence++;
        head.shared_us = now_us;
        head.utc_us = clock_utc_us(l->clock);
        head.sum = sum_slot(&head, l->state);
        if (write_at(l->fd, l->state, limiter_state_size(), state_at(slot)) != 0 ||
            write_at(l->fd, &head, sizeof head, (int64_t)slot * HEAD_STRIDE) != 0) {
            failed = fail(l, err, "write");
            head = (struct ledger_head){0}; /* *state is ahead of the file: read it anew */
        }
        l->head = head;
        l->slot = slot;
        l->dirty = false;
    }
    unlock(l);
    return failed;
}

static struct permit ask(struct ledger *l, enum call_priority priority, int64_t now_us)
{
    const struct limiter_ask ask = {
        .owner = l->owner,
        .abandon_us = l->abandon_us,
        .priority = priority,
        .reserve_percent = l->reserve_percent,
    };
    return limiter_acquire(l->state, &l->limits, now_us, &ask);
}

int ledger_acquire(struct ledger *ledger, enum call_priority priority, struct permit *out_permit,
                   int64_t *out_wait_us, struct ccd_error *err)
{
    int64_t now_us;
    int failed = begin(ledger, &now_us, err);
    if (failed)
        return failed;
    *out_permit = ask(ledger, priority, now_us);
    int64_t wait_us = out_permit->wait_until_us - now_us;
    *out_wait_us = wait_us > 0 ? wait_us : 0;
    /* Others are to see that somebody waits. */
    bool waits = out_permit->answer == PERMIT_WAIT && priority < CALL_BACKFILL;
    return finish(ledger, out_permit->answer == PERMIT_GRANTED || waits, now_us, err);
}

int ledger_received(struct ledger *ledger, uint32_t ticket, const struct reply_headers *headers,
                    struct ccd_error *err)
{
    int64_t now_us;
    int failed = begin(ledger, &now_us, err);
    if (failed)
        return failed;
    limiter_received(ledger->state, &ledger->limits, ticket, now_us, headers);
    return finish(ledger, true, now_us, err);
}

int ledger_cancel(struct ledger *ledger, uint32_t ticket, struct ccd_error *err)
{
    int64_t now_us;
    int failed = begin(ledger, &now_us, err);
    if (failed)
        return failed;
    limiter_cancel(ledger->state, ticket);
    return finish(ledger, true, now_us, err);
}

int ledger_throttled(struct ledger *ledger, int64_t pause_us, enum rate_window window,
                     struct ccd_error *err)
{
    int64_t now_us;
    int failed = begin(ledger, &now_us, err);
    if (failed)
        return failed;
    int64_t until_us;
    if (__builtin_add_overflow(now_us, pause_us, &until_us))
        until_us = pause_us > 0 ? INT64_MAX : now_us;
    limiter_throttled(ledger->state, &ledger->limits, now_us, until_us, window);
    return finish(ledger, true, now_us, err);
}

int ledger_left(struct ledger *ledger, int64_t out_left[RATE_WINDOW_COUNT], struct ccd_error *err)
{
    int64_t now_us;
    int failed = begin(ledger, &now_us, err);
    if (failed)
        return failed;
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++)
        out_left[w] = limiter_left(ledger->state, &ledger->limits, now_us, w);
    return finish(ledger, false, now_us, err);
}

static void hash_name(struct ledger *l, const char *origin, const char *api_key)
{
    static const char SEPARATOR[1] = {0x1f};
    struct sha256 hash;
    uint8_t digest[32];
    sha256_init(&hash);
    sha256_add(&hash, origin, strlen(origin));
    sha256_add(&hash, SEPARATOR, sizeof SEPARATOR);
    sha256_add(&hash, api_key, strlen(api_key));
    sha256_final(&hash, digest);
    for (size_t i = 0; i < NAME_HEX / 2; i++)
        (void)str_print(l->name + 2 * i, 3, "%02x", digest[i]);
    (void)str_copy(l->name + NAME_HEX, sizeof l->name - NAME_HEX, STR(".quota"));
}

/* Which boot the boot clock belongs to: the kernel's id of it, and the time namespace, which has a
 * boot clock of its own. Where the kernel does not tell, every ledger is a boot of its own. */
static void read_boot(struct ledger *l)
{
    char id[64];
    char namespace[64];
    ssize_t id_len = -1;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        id_len = read_at(fd, id, sizeof id, 0);
        (void)close(fd);
    }
    ssize_t namespace_len = readlink("/proc/self/ns/time", namespace, sizeof namespace);
    struct sha256 hash;
    uint8_t digest[32];
    sha256_init(&hash);
    if (id_len > 0) {
        sha256_add(&hash, id, (size_t)id_len);
        sha256_add(&hash, namespace, namespace_len > 0 ? (size_t)namespace_len : 0);
    } else {
        sha256_add(&hash, &l->owner, sizeof l->owner);
    }
    sha256_final(&hash, digest);
    memcpy(l->boot, digest, sizeof l->boot);
}

/* mkdir -p, mode 0700 for all that is missing. */
static int make_directory(const char *directory)
{
    char path[PATH_MAX_BYTES];
    if (!str_copy(path, sizeof path, str_from(directory))) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *slash = path + 1; *path && *slash; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST && access(path, F_OK) != 0)
            return -1;
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

static int open_directory(struct ledger *l, struct ccd_error *err)
{
    if (make_directory(l->directory) != 0)
        return fail(l, err, "create the directory of");
    l->dir_fd = open(l->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return l->dir_fd < 0 ? fail(l, err, "open the directory of") : 0;
}

/* A ledger without its file. */
static int new_ledger(const struct ledger_config *config, struct ledger **out,
                      struct ccd_error *err)
{
    struct ledger *l = mem_new(config->allocator, 1, sizeof *l);
    struct limiter_state *state = mem_new(config->allocator, 1, limiter_state_size());
    char *directory = config->directory ? mem_copy_text(config->allocator, config->directory,
                                                        strlen(config->directory))
                                        : NULL;
    if (!l || !state || (config->directory && !directory)) {
        mem_free(config->allocator, l);
        mem_free(config->allocator, state);
        mem_free(config->allocator, directory);
        return error_set(err, CCD_NO_MEMORY, "no memory for the quota ledger");
    }
    *l = (struct ledger){.allocator = config->allocator,
                         .clock = config->clock,
                         .log = config->log,
                         .limits = config->limits,
                         .abandon_us = config->abandon_us,
                         .reserve_percent = config->reserve_percent,
                         .state = state,
                         .dir_fd = -1,
                         .fd = -1,
                         .directory = directory};
    start_cold(l);
    if (directory) {
        struct rng mixer = {(uint64_t)getpid() << 32 ^ (uint64_t)clock_mono_us(l->clock)};
        l->owner = rng_next(&mixer);
        hash_name(l, config->origin, config->api_key);
        read_boot(l);
    }
    *out = l;
    return 0;
}

int ledger_open(const struct ledger_config *config, struct ledger **out, struct ccd_error *err)
{
    struct ledger *l;
    *out = NULL;
    if (new_ledger(config, &l, err) != 0)
        return CCD_NO_MEMORY;
    int64_t now_us;
    int failed = l->directory ? open_directory(l, err) : 0;
    failed = failed ? failed : begin(l, &now_us, err);
    failed = failed ? failed : finish(l, false, now_us, err); /* writes a new file: can it be? */
    if (failed) {
        ledger_close(l);
        return failed;
    }
    *out = l;
    return 0;
}

/* *out_there false: no run has made the file yet. */
static int open_to_peek(struct ledger *l, bool *out_there, struct ccd_error *err)
{
    l->peeks = true;
    l->dir_fd = open(l->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (l->dir_fd >= 0)
        l->fd = openat(l->dir_fd, l->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *out_there = l->fd >= 0;
    return *out_there || errno == ENOENT ? 0 : fail(l, err, "read");
}

static void view(struct ledger *l, struct ledger_view *out)
{
    int64_t now_us = shared_now(l);
    out->is_known = true;
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        out->windows[w].limit = limiter_limit(l->state, &l->limits, now_us, w);
        out->windows[w].used = limiter_used(l->state, now_us, w);
        out->windows[w].left = limiter_left(l->state, &l->limits, now_us, w);
    }
    struct permit permit = ask(l, CALL_NEWEST, now_us); /* of a copy that nobody keeps */
    out->wait_us = permit.wait_until_us > now_us ? permit.wait_until_us - now_us : 0;
    out->wait_window = permit.window;
}

int ledger_peek(const struct ledger_config *config, struct ledger_view *out, struct ccd_error *err)
{
    struct ledger *l;
    *out = (struct ledger_view){0};
    if (!config->directory)
        return 0;
    if (new_ledger(config, &l, err) != 0)
        return CCD_NO_MEMORY;
    bool there = false;
    enum found found = FOUND_EMPTY;
    int failed = open_to_peek(l, &there, err);
    if (!failed && there)
        failed = lock(l, err);
    if (!failed && there)
        failed = refresh(l, &found, err);
    if (!failed && found == FOUND_NEWER)
        view(l, out);
    ledger_close(l);
    return failed;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    close_file(ledger);
    if (ledger->dir_fd >= 0)
        (void)close(ledger->dir_fd);
    mem_free(ledger->allocator, ledger->directory);
    mem_free(ledger->allocator, ledger->state);
    mem_free(ledger->allocator, ledger);
}
