/* The ledger's file: what it is called, what it survives, and whose clock it keeps. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limited_allocator.h"
#include "scratch.h"
#include "test.h"

static const char ORIGIN[] = "https://data-api.example:443";
static const char KEY[] = "sekret-key";

struct bench {
    struct scratch scratch;
    struct test_clock clock;
    struct log log;
    int warnings;
    struct ledger_config config;
    struct ccd_error err;
};

static void count_warnings(void *user, enum log_level level, const struct log_subject *subject,
                           struct str text)
{
    (void)subject;
    ((struct bench *)user)->warnings += level == LOG_WARNING;
    CHECK(str_find(text, str_from(KEY)) == SIZE_MAX);
}

/* Ten calls a second, 1000 an hour. */
static bool bench_open(struct bench *b)
{
    *b = (struct bench){.log = {.threshold = LOG_WARNING, .write = count_warnings, .user = b}};
    test_clock_init(&b->clock);
    b->config = (struct ledger_config){
        .directory = b->scratch.path,
        .origin = ORIGIN,
        .api_key = KEY,
        .limits = {.max = {10, 0, 1000}},
        .abandon_us = seconds(60),
        .clock = &b->clock.hook,
        .log = &b->log,
    };
    return CHECK(scratch_open(&b->scratch));
}

static void bench_close(struct bench *b)
{
    scratch_close(&b->scratch);
}

static struct ledger *open_ledger(struct bench *b)
{
    struct ledger *ledger = NULL;
    error_clear(&b->err);
    CHECK_INT(0, ledger_open(&b->config, &ledger, &b->err));
    CHECK_TEXT("", b->err.message);
    return ledger;
}

static void check_refused(struct bench *b, enum ccd_status status, const char *why)
{
    struct ledger *ledger = NULL;
    CHECK_INT(status, ledger_open(&b->config, &ledger, &b->err));
    CHECK(ledger == NULL);
    if (!CHECK(strstr(b->err.message, why) != NULL))
        fprintf(stderr, "message: %s\n", b->err.message);
}

/* One whole call; whether it was granted. */
static bool call(struct bench *b, struct ledger *ledger)
{
    struct permit permit;
    int64_t wait_us;
    struct reply_headers headers = no_headers();
    CHECK_INT(0, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b->err));
    CHECK((permit.answer == PERMIT_GRANTED) == (wait_us == 0));
    if (permit.answer == PERMIT_GRANTED)
        CHECK_INT(0, ledger_received(ledger, permit.ticket, &headers, &b->err));
    return permit.answer == PERMIT_GRANTED;
}

static int64_t left(struct bench *b, struct ledger *ledger, enum rate_window w)
{
    int64_t windows[RATE_WINDOW_COUNT] = {0};
    CHECK_INT(0, ledger_left(ledger, windows, &b->err));
    return windows[w];
}

/* A ledger that is past its cold start and has made `calls` calls in all, a second apart. */
static struct ledger *used_ledger(struct bench *b, int calls)
{
    struct ledger *ledger = open_ledger(b);
    for (int i = 0; i < calls; i++) {
        CHECK(call(b, ledger));
        test_clock_add(&b->clock, 1100000);
    }
    return ledger;
}

TEST(ledger_in_memory)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    b.config.directory = NULL;
    struct ledger *ledger = used_ledger(&b, 3);
    CHECK_INT(997, left(&b, ledger, RATE_HOUR));
    struct permit permit;
    int64_t wait_us;
    CHECK_INT(0, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b.err));
    CHECK_INT(996, left(&b, ledger, RATE_HOUR));
    CHECK_INT(0, ledger_cancel(ledger, permit.ticket, &b.err));
    CHECK_INT(997, left(&b, ledger, RATE_HOUR));
    CHECK_INT(0, ledger_throttled(ledger, seconds(9), RATE_WINDOW_COUNT, &b.err));
    CHECK_INT(0, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b.err));
    CHECK_INT(PERMIT_WAIT, permit.answer);
    CHECK_INT(seconds(9), wait_us);
    CHECK_INT(0, ledger_throttled(ledger, INT64_MAX, RATE_WINDOW_COUNT, &b.err));
    CHECK_INT(0, ledger_throttled(ledger, INT64_MIN, RATE_WINDOW_COUNT, &b.err));
    CHECK_INT(0, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b.err));
    CHECK(wait_us > seconds(9) && wait_us <= seconds(31LL * 86400));
    ledger_close(ledger);
    ledger_close(NULL);
    char path[SCRATCH_PATH_BYTES];
    CHECK(!scratch_find(&b.scratch, "quota", path));
    bench_close(&b);
}

TEST(ledger_file_is_private_and_named_by_a_hash)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char deep[SCRATCH_PATH_BYTES + 16];
    (void)str_print(deep, sizeof deep, "%s/state//ccdata/", b.scratch.path);
    b.config.directory = deep;
    ledger_close(used_ledger(&b, 1));
    struct sha256 hash;
    uint8_t digest[32];
    sha256_init(&hash);
    sha256_add(&hash, ORIGIN, strlen(ORIGIN));
    sha256_add(&hash, "\x1f", 1);
    sha256_add(&hash, KEY, strlen(KEY));
    sha256_final(&hash, digest);
    char path[SCRATCH_PATH_BYTES + 128];
    int at = snprintf(path, sizeof path, "%s", deep);
    for (int i = 0; i < 16; i++)
        at += snprintf(path + at, sizeof path - (size_t)at, "%02x", digest[i]);
    (void)snprintf(path + at, sizeof path - (size_t)at, ".quota");
    struct stat status;
    CHECK_INT(0, stat(path, &status));
    CHECK_INT(0600, status.st_mode & 07777);
    CHECK(status.st_size < 262144);
    (void)str_print(path, sizeof path, "%s/state", b.scratch.path);
    CHECK_INT(0, stat(path, &status));
    CHECK_INT(0700, status.st_mode & 07777);
    CHECK_INT(0, stat(deep, &status));
    CHECK_INT(0700, status.st_mode & 07777);
    bench_close(&b);
}

TEST(ledger_is_shared_and_lasts)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    struct ledger *first = used_ledger(&b, 2);
    struct ledger *second = open_ledger(&b);
    for (int i = 0; i < 5; i++) {
        CHECK(call(&b, first));
        CHECK(call(&b, second));
    }
    CHECK(!call(&b, first));
    CHECK(!call(&b, second));
    CHECK_INT(988, left(&b, first, RATE_HOUR));
    ledger_close(first);
    CHECK_INT(988, left(&b, second, RATE_HOUR));
    ledger_close(second);
    b.config.api_key = "another";
    struct ledger *other = open_ledger(&b);
    CHECK_INT(1000, left(&b, other, RATE_HOUR));
    ledger_close(other);
    b.config.api_key = KEY;
    struct ledger *third = open_ledger(&b);
    CHECK_INT(988, left(&b, third, RATE_HOUR));
    CHECK(!call(&b, third));
    /* A permit of a process that never came back. */
    test_clock_add(&b.clock, seconds(2));
    struct permit permit;
    int64_t wait_us;
    CHECK_INT(0, ledger_acquire(third, CALL_BACKFILL, &permit, &wait_us, &b.err));
    ledger_close(third);
    struct ledger *fourth = open_ledger(&b);
    CHECK_INT(9, left(&b, fourth, RATE_SECOND));
    test_clock_add(&b.clock, seconds(30));
    CHECK_INT(9, left(&b, fourth, RATE_SECOND));
    test_clock_add(&b.clock, seconds(32));
    CHECK(call(&b, fourth));
    CHECK_INT(8, left(&b, fourth, RATE_SECOND)); /* the lost one counts from when it is given up */
    CHECK_INT(986, left(&b, fourth, RATE_HOUR));
    ledger_close(fourth);
    CHECK_INT(0, b.warnings);
    bench_close(&b);
}

/* Shift the boot clock back to boot_us, as a reboot does, while the wall clock moves by off_us. */
static void reboot(struct bench *b, int64_t boot_us, int64_t off_us)
{
    b->clock.mono_us = boot_us;
    b->clock.utc_us += off_us;
}

TEST(ledger_over_a_reboot)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    struct ledger *ledger = used_ledger(&b, 1);
    for (int i = 0; i < 10; i++)
        CHECK(call(&b, ledger));
    ledger_close(ledger);
    reboot(&b, seconds(20), 400000); /* nothing is that fast, but the second is not over */
    ledger = open_ledger(&b);
    CHECK_INT(0, left(&b, ledger, RATE_SECOND));
    test_clock_add(&b.clock, 700000);
    CHECK_INT(10, left(&b, ledger, RATE_SECOND));
    CHECK_INT(989, left(&b, ledger, RATE_HOUR));
    ledger_close(ledger);
    reboot(&b, seconds(10), seconds(3700));
    ledger = open_ledger(&b);
    CHECK_INT(1000, left(&b, ledger, RATE_HOUR));
    for (int i = 0; i < 10; i++)
        CHECK(call(&b, ledger));
    ledger_close(ledger);
    /* A wall clock that went back, or that cannot be believed: no time has passed, then it does. */
    const int64_t absurd_us[] = {-1, -seconds(3600), -b.clock.utc_us, seconds(400LL * 86400)};
    for (size_t i = 0; i < sizeof absurd_us / sizeof absurd_us[0]; i++) {
        reboot(&b, seconds(9 - (int64_t)i), absurd_us[i]);
        ledger = open_ledger(&b);
        CHECK_INT(990 - 10 * (int64_t)i, left(&b, ledger, RATE_HOUR));
        CHECK_INT(0, left(&b, ledger, RATE_SECOND));
        CHECK(!call(&b, ledger));
        test_clock_add(&b.clock, 900000);
        CHECK(!call(&b, ledger));
        test_clock_add(&b.clock, 200000);
        for (int n = 0; n < 10; n++)
            CHECK(call(&b, ledger));
        ledger_close(ledger);
    }
    CHECK_INT(0, b.warnings);
    bench_close(&b);
}

TEST(ledger_wall_clock_jumps_while_it_runs)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    struct ledger *ledger = used_ledger(&b, 1);
    const int64_t jumps_us[] = {-seconds(3600), seconds(86400), -seconds(3652LL * 86400)};
    for (size_t i = 0; i < sizeof jumps_us / sizeof jumps_us[0]; i++) {
        for (int n = 0; n < 10; n++)
            CHECK(call(&b, ledger));
        b.clock.utc_us += jumps_us[i];
        CHECK(!call(&b, ledger));
        test_clock_add(&b.clock, 1100000);
    }
    CHECK_INT(969, left(&b, ledger, RATE_HOUR));
    ledger_close(ledger);
    bench_close(&b);
}

static void overwrite(const char *path, int64_t at, size_t len, uint64_t seed)
{
    struct rng rng = {seed};
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)rng_next(&rng);
        CHECK_INT(1, pwrite(fd, &byte, 1, at + (int64_t)i));
    }
    (void)close(fd);
}

TEST(ledger_corrupt_file_is_set_aside)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char path[SCRATCH_PATH_BYTES];
    char aside[SCRATCH_PATH_BYTES];
    ledger_close(used_ledger(&b, 5));
    CHECK(scratch_find(&b.scratch, ".quota", path));
    overwrite(path, 0, 1200, 1);
    struct ledger *ledger = open_ledger(&b);
    CHECK_INT(1, b.warnings);
    CHECK(scratch_find(&b.scratch, ".corrupt", aside));
    CHECK_INT(1000, left(&b, ledger, RATE_HOUR));
    CHECK(call(&b, ledger)); /* cold: the first goes alone, and without headers a second is spent */
    CHECK(!call(&b, ledger));
    /* The same under the feet of one that runs, and of another that shares it. */
    struct ledger *other = open_ledger(&b);
    overwrite(path, 0, 1200, 2);
    test_clock_add(&b.clock, seconds(2));
    CHECK(call(&b, ledger));
    CHECK_INT(2, b.warnings);
    CHECK_INT(999, left(&b, other, RATE_HOUR));
    CHECK_INT(2, b.warnings);
    ledger_close(other);
    ledger_close(ledger);
    bench_close(&b);
}

/* What a killed writer leaves: the older slot half written, its head not yet. */
TEST(ledger_torn_write_is_not_read)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char path[SCRATCH_PATH_BYTES];
    struct ledger *ledger = used_ledger(&b, 5);
    CHECK_INT(0,
              ledger_cancel(ledger, 0, &b.err)); /* opening writes too: slot 1 is the newer now */
    ledger_close(ledger);
    CHECK(scratch_find(&b.scratch, ".quota", path));
    overwrite(path, 1024, 30000, 3);
    ledger = open_ledger(&b);
    CHECK_INT(995, left(&b, ledger, RATE_HOUR));
    CHECK_INT(0, b.warnings);
    CHECK(call(&b, ledger));
    CHECK_INT(994, left(&b, ledger, RATE_HOUR));
    ledger_close(ledger);
    /* The newer one torn, as only a power cut can: one change is lost and said to be. */
    struct stat status;
    CHECK_INT(0, stat(path, &status));
    overwrite(path, status.st_size - 20000, 1000, 4);
    ledger = open_ledger(&b);
    CHECK_INT(1, b.warnings);
    CHECK_INT(994, left(&b, ledger, RATE_HOUR));
    ledger_close(ledger);
    bench_close(&b);
}

/* Flipped bits and cut ends: never a crash, never a count that nobody wrote. */
TEST(ledger_survives_noise)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char path[SCRATCH_PATH_BYTES];
    struct rng rng = {6};
    for (int round = 0; round < 150; round++) {
        ledger_close(used_ledger(&b, 3));
        CHECK(scratch_find(&b.scratch, ".quota", path));
        struct stat status;
        CHECK_INT(0, stat(path, &status));
        int64_t at = (int64_t)rng_below(&rng, (uint64_t)(round % 2 ? status.st_size : 2048));
        if (round % 3 == 0)
            CHECK_INT(0, truncate(path, at));
        else
            overwrite(path, at, 1 + rng_below(&rng, 40), rng_next(&rng));
        struct ledger *ledger = open_ledger(&b);
        CHECK(left(&b, ledger, RATE_HOUR) <= 1000);
        (void)call(&b, ledger);
        ledger_close(ledger);
        CHECK_INT(0, unlink(path));
    }
    bench_close(&b);
}

TEST(ledger_file_that_disappears)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char path[SCRATCH_PATH_BYTES];
    struct ledger *ledger = used_ledger(&b, 4);
    CHECK(scratch_find(&b.scratch, ".quota", path));
    CHECK_INT(0, unlink(path));
    CHECK(call(&b, ledger)); /* it knows its count and starts a new file with it */
    struct ledger *other = open_ledger(&b);
    CHECK_INT(995, left(&b, other, RATE_HOUR));
    /* When another has started one before, that one holds. */
    CHECK_INT(0, unlink(path));
    CHECK(call(&b, other));
    CHECK_INT(994, left(&b, ledger, RATE_HOUR));
    ledger_close(other);
    ledger_close(ledger);
    CHECK_INT(0, b.warnings);
    bench_close(&b);
}

TEST(ledger_refuses_what_is_not_its_file)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char path[SCRATCH_PATH_BYTES];
    char other[SCRATCH_PATH_BYTES + 8];
    ledger_close(used_ledger(&b, 1));
    CHECK(scratch_find(&b.scratch, ".quota", path));
    (void)str_print(other, sizeof other, "%s.real", path);
    CHECK_INT(0, rename(path, other));
    CHECK_INT(0, symlink(other, path));
    check_refused(&b, CCD_DISK, "symbolic link");
    CHECK(strstr(b.err.message, path) != NULL);
    CHECK_INT(0, unlink(path));
    CHECK_INT(0, mkfifo(path, 0600));
    check_refused(&b, CCD_DISK, "not a regular file");
    CHECK_INT(0, unlink(path));
    CHECK_INT(0, mkdir(path, 0700));
    check_refused(&b, CCD_DISK, "directory");
    CHECK_INT(0, rmdir(path));
    (void)str_print(path, sizeof path, "%s/link", b.scratch.path);
    CHECK_INT(0, symlink(b.scratch.path, path));
    b.config.directory = path;
    check_refused(&b, CCD_DISK, "cannot open the directory");
    b.config.directory = other; /* a file */
    check_refused(&b, CCD_DISK, "XDG_STATE_HOME");
    char inside[SCRATCH_PATH_BYTES + 32];
    (void)str_print(inside, sizeof inside, "%s/a/b", other);
    b.config.directory = inside;
    check_refused(&b, CCD_DISK, "cannot create the directory");
    b.config.directory = "";
    check_refused(&b, CCD_DISK, "cannot create the directory");
    char *longest = malloc(6000);
    memset(longest, 'x', 5999);
    longest[5999] = '\0';
    b.config.directory = longest;
    check_refused(&b, CCD_DISK, "too long");
    free(longest);
    CHECK(strstr(b.err.message, KEY) == NULL);
    bench_close(&b);
}

TEST(ledger_without_memory)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    for (long n = 0; n < 3; n++) {
        struct limited_allocator allocator;
        limited_allocator_init(&allocator, n, n);
        b.config.allocator = &allocator.hook;
        check_refused(&b, CCD_NO_MEMORY, "memory");
        CHECK_INT(0, allocator.held);
    }
    struct limited_allocator allocator;
    limited_allocator_init(&allocator, 3, -1);
    b.config.allocator = &allocator.hook;
    ledger_close(used_ledger(&b, 1));
    CHECK_INT(0, allocator.held);
    bench_close(&b);
}

/* No room for the file to grow: an error, and the count goes on where it was. */
TEST(ledger_write_that_fails)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    struct rlimit before;
    CHECK_INT(0, getrlimit(RLIMIT_FSIZE, &before));
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct ledger *ledger = open_ledger(&b);
    struct permit permit;
    int64_t wait_us;
    const rlim_t sizes[] = {1, 2000, 40000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct rlimit small = {.rlim_cur = sizes[i], .rlim_max = before.rlim_max};
        CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &small));
        error_clear(&b.err);
        CHECK_INT(CCD_DISK, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b.err));
        CHECK(strstr(b.err.message, "cannot write") != NULL);
        CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &before));
        test_clock_add(&b.clock, seconds(2));
        CHECK(call(&b, ledger));
        CHECK_INT(999 - (int64_t)i, left(&b, ledger, RATE_HOUR));
        test_clock_add(&b.clock, seconds(2));
    }
    (void)signal(SIGXFSZ, handler);
    ledger_close(ledger);
    bench_close(&b);
}

/* A stopped process that holds the lock: an end to the waiting, and a reason. */
TEST(ledger_lock_wait_is_bounded)
{
    struct bench b;
    if (!bench_open(&b))
        return;
    char path[SCRATCH_PATH_BYTES];
    struct ledger *ledger = used_ledger(&b, 1);
    CHECK(scratch_find(&b.scratch, ".quota", path));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK_INT(0, fcntl(fd, F_OFD_SETLK, &whole));
    struct permit permit;
    int64_t wait_us;
    CHECK_INT(CCD_DISK, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b.err));
    CHECK(strstr(b.err.message, "locked") != NULL);
    (void)close(fd);
    CHECK(call(&b, ledger));
    ledger_close(ledger);
    bench_close(&b);
}

TEST(ledger_peek_changes_nothing)
{
    struct bench b;
    struct ledger_view seen;
    char path[SCRATCH_PATH_BYTES];
    if (!bench_open(&b))
        return;
    CHECK_INT(0, ledger_peek(&b.config, &seen, &b.err));
    CHECK(!seen.is_known);
    CHECK(!scratch_find(&b.scratch, "", path)); /* nothing was made */
    struct ledger *ledger = used_ledger(&b, 3);
    struct permit permit;
    int64_t wait_us;
    CHECK_INT(0, ledger_acquire(ledger, CALL_BACKFILL, &permit, &wait_us, &b.err)); /* still out */
    for (int i = 0; i < 2; i++) {
        CHECK_INT(0, ledger_peek(&b.config, &seen, &b.err));
        CHECK(seen.is_known);
        CHECK_INT(1000, seen.windows[RATE_HOUR].limit);
        CHECK_INT(4, seen.windows[RATE_HOUR].used);
        CHECK_INT(996, seen.windows[RATE_HOUR].left);
        CHECK_INT(0, seen.windows[RATE_DAY].limit);
        CHECK_INT(4, seen.windows[RATE_DAY].used);
        CHECK(seen.windows[RATE_DAY].left == INT64_MAX);
    }
    CHECK_INT(996, left(&b, ledger, RATE_HOUR));
    ledger_close(ledger);
    bench_close(&b);
}

TEST(ledger_peek_at_what_cannot_be_believed)
{
    struct bench b;
    struct ledger_view seen;
    char path[SCRATCH_PATH_BYTES];
    if (!bench_open(&b))
        return;
    ledger_close(used_ledger(&b, 2));
    CHECK(scratch_find(&b.scratch, ".quota", path));
    FILE *file = fopen(path, "r+");
    if (CHECK(file != NULL)) {
        for (int i = 0; i < 4096; i++)
            fputc('x', file);
        fclose(file);
    }
    CHECK_INT(0, ledger_peek(&b.config, &seen, &b.err));
    CHECK(!seen.is_known);
    CHECK(scratch_find(&b.scratch, ".quota", path)); /* a run sets it aside, not a look */
    CHECK_INT(0, unlink(path));
    CHECK_INT(0, mkdir(path, 0700));
    CHECK_INT(CCD_DISK, ledger_peek(&b.config, &seen, &b.err));
    CHECK_INT(0, rmdir(path));
    bench_close(&b);
}
