/* What holds for every back-end. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "cache/cache.h"
#include "test.h"

static int64_t now_s = 1772366400;

static int64_t utc_us(void *user)
{
    (void)user;
    return now_s * 1000000;
}

static const struct clock standing = {.utc_us = utc_us, .mono_us = utc_us};

struct fixture {
    const char *name;
    char folder[64];
    struct cache *cache;
};

/* "host port password tls", of a server that the caller has started. */
static bool redis_options(struct cache_options *out)
{
    static char host[64], password[128];
    char tls[8];
    const char *where = getenv("CACHE_TEST_REDIS");
    if (!where || sscanf(where, "%63s %d %127s %7s", host, &out->port, password, tls) != 4)
        return false;
    out->host = host;
    out->password = password;
    out->tls = strcmp(tls, "tls") == 0;
    out->database = 3;
    return true;
}

static bool set_up(struct fixture *f, enum cache_backend backend, int64_t entries, int64_t bytes)
{
    struct cache_options options = {
        .backend = backend, .entries_max = entries, .bytes_max = bytes, .clock = &standing};
    struct ccd_error err = {0};
    static const char *const names[] = {"memory", "file", "redis"};
    *f = (struct fixture){.name = names[backend]};
    snprintf(f->folder, sizeof f->folder, "%s/ccdata-cache-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    now_s = 1772366400;
    if (backend == CACHE_REDIS && !redis_options(&options))
        return false;
    CHECK(mkdtemp(f->folder));
    options.directory = f->folder;
    CHECK_INT(0, cache_open(&options, &f->cache, &err));
    return true;
}

static void tear_down(struct fixture *f)
{
    char path[512];
    cache_close(f->cache);
    DIR *folder = opendir(f->folder);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", f->folder, entry->d_name);
        unlink(path);
    }
    if (folder)
        closedir(folder);
    rmdir(f->folder);
}

static bool has(struct fixture *f, const char *key, const char *value)
{
    struct buf out;
    buf_init(&out, CACHE_VALUE_MAX_BYTES, NULL);
    bool found = cache_get(f->cache, str_from(key), &out);
    bool right = found && str_equal(buf_str(&out), str_from(value));
    if (!found)
        CHECK_INT(0, out.len);
    buf_release(&out);
    return right;
}

static void put(struct fixture *f, const char *key, const char *value, int64_t ttl_s)
{
    cache_put(f->cache, str_from(key), str_from(value), ttl_s);
}

#define ON_EVERY_BACK_END(f, entries, bytes)                                                       \
    for (int backend = CACHE_MEMORY; backend <= CACHE_REDIS; backend++)                            \
        for (struct fixture f, *once = &f;                                                         \
             once && set_up(&f, (enum cache_backend)backend, entries, bytes);                      \
             tear_down(&f), once = NULL)

TEST(cache_gives_back_what_was_put)
{
    ON_EVERY_BACK_END(f, 100, 0)
    {
        static char big[300000];
        memset(big, 'x', sizeof big - 1);
        CHECK(!has(&f, "never put", ""));
        put(&f, "a", "one", 60);
        put(&f, "b\n../\xff", "two\n", 60);
        put(&f, "big", big, 60);
        CHECK(has(&f, "a", "one"));
        CHECK(has(&f, "b\n../\xff", "two\n"));
        CHECK(has(&f, "big", big));
        put(&f, "a", "another", 60);
        CHECK(has(&f, "a", "another"));
        struct cache_counts counts = cache_counts(f.cache);
        CHECK_INT(4, counts.hits);
        CHECK_INT(1, counts.misses);
        CHECK_INT(4, counts.puts);
        CHECK_INT(0, counts.errors);
    }
}

TEST(cache_forgets_when_the_time_is_over)
{
    ON_EVERY_BACK_END(f, 100, 0)
    {
        put(&f, "ttl", "value", 60);
        now_s += 59;
        CHECK(has(&f, "ttl", "value"));
        now_s += 1;
        CHECK(!has(&f, "ttl", "value"));
        put(&f, "none", "value", 0);
        CHECK(!has(&f, "none", "value"));
    }
}

TEST(cache_keeps_no_value_that_is_too_large)
{
    ON_EVERY_BACK_END(f, 100, 0)
    {
        char *large = malloc(CACHE_VALUE_MAX_BYTES + 2);
        memset(large, 'x', CACHE_VALUE_MAX_BYTES + 1);
        large[CACHE_VALUE_MAX_BYTES + 1] = '\0';
        put(&f, "large", large, 60);
        CHECK(!has(&f, "large", large));
        free(large);
    }
}

TEST(cache_in_memory_drops_what_was_used_longest_ago)
{
    struct fixture f;
    CHECK(set_up(&f, CACHE_MEMORY, 3, 0));
    put(&f, "a", "1", 60);
    put(&f, "b", "2", 60);
    put(&f, "c", "3", 60);
    CHECK(has(&f, "a", "1"));
    put(&f, "d", "4", 60);
    CHECK(!has(&f, "b", "2"));
    CHECK(has(&f, "a", "1") && has(&f, "c", "3") && has(&f, "d", "4"));
    for (int i = 0; i < 100000; i++) { /* keys without end */
        char key[32];
        snprintf(key, sizeof key, "key %d", i);
        put(&f, key, "x", 60);
    }
    CHECK(has(&f, "key 99999", "x") && has(&f, "key 99997", "x") && !has(&f, "key 99996", "x"));
    tear_down(&f);
}

TEST(cache_is_bounded_in_bytes)
{
    static char value[100001];
    memset(value, 'x', sizeof value - 1);
    for (int backend = CACHE_MEMORY; backend <= CACHE_FILE; backend++) {
        struct fixture f;
        CHECK(set_up(&f, (enum cache_backend)backend, 100000, 1000000));
        for (int i = 0; i < 50; i++) {
            char key[32];
            snprintf(key, sizeof key, "%d", i);
            put(&f, key, value, 60);
        }
        int there = 0;
        for (int i = 0; i < 50; i++) {
            char key[32];
            snprintf(key, sizeof key, "%d", i);
            there += has(&f, key, value);
        }
        CHECK(there >= 1 && there <= 10);
        tear_down(&f);
    }
}

static int count_files(const struct fixture *f)
{
    int count = 0;
    DIR *folder = opendir(f->folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void make_file(const struct fixture *f, const char *name, int64_t age_s)
{
    char path[512];
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - age_s}};
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && futimens(fd, times) == 0);
    close(fd);
}

static void reopen(struct fixture *f)
{
    struct ccd_error err = {0};
    struct cache_options options = f->cache->options;
    cache_close(f->cache);
    CHECK_INT(0, cache_open(&options, &f->cache, &err));
}

#define NAME_OF_64_DIGITS                                                                          \
    "ccdata:1:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(cache_in_files_leaves_no_drafts_of_the_dead)
{
    struct fixture f;
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    make_file(&f, NAME_OF_64_DIGITS ".4194303", 7200);
    make_file(&f, NAME_OF_64_DIGITS ".77", 7200);
    make_file(&f, NAME_OF_64_DIGITS ".4194302", 5); /* somebody is at it */
    make_file(&f, "not ours.77", 7200);
    reopen(&f);
    CHECK_INT(2, count_files(&f));
    tear_down(&f);
}

TEST(cache_is_bounded_in_files)
{
    struct fixture f;
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    for (int i = 0; i < 100100; i++) {
        char name[80];
        snprintf(name, sizeof name, "ccdata:1:%064d", i);
        make_file(&f, name, 0);
    }
    reopen(&f);
    CHECK(count_files(&f) < 100000);
    put(&f, "key", "value", 60);
    CHECK(has(&f, "key", "value"));
    tear_down(&f);
}

static int warnings;

static void count_warning(void *user, enum log_level level, const struct log_subject *subject,
                          struct str text)
{
    (void)user, (void)subject, (void)text;
    warnings += level == LOG_WARNING;
}

TEST(cache_in_files_says_once_that_it_cannot_write)
{
    static const struct log counting = {.threshold = LOG_WARNING, .write = count_warning};
    struct fixture f;
    char path[512];
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    f.cache->options.log = &counting;
    warnings = 0;
    put(&f, "key", "value", 60);
    DIR *folder = opendir(f.folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/%s", f.folder, entry->d_name);
    closedir(folder);
    CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0); /* a folder stands where the file belongs */
    for (int i = 0; i < 3; i++) {
        put(&f, "key", "value", 60);
        CHECK(!has(&f, "key", "value"));
    }
    CHECK_INT(1, warnings);
    CHECK_INT(6, cache_counts(f.cache).errors);
    CHECK_INT(1, count_files(&f)); /* no draft stays */
    rmdir(path);
    tear_down(&f);
}

/* Each file of the folder. */
static void each_file(const struct fixture *f, void (*change)(int fd, off_t size))
{
    DIR *folder = opendir(f->folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", f->folder, entry->d_name);
        int fd = entry->d_name[0] == '.' ? -1 : open(path, O_RDWR);
        if (fd >= 0 && fstat(fd, &st) == 0)
            change(fd, st.st_size);
        if (fd >= 0)
            close(fd);
    }
    closedir(folder);
}

static off_t place;

static void flip(int fd, off_t size)
{
    char byte = 0;
    CHECK(place < size && pread(fd, &byte, 1, place) == 1);
    byte ^= 0x10;
    CHECK(pwrite(fd, &byte, 1, place) == 1);
}

static void cut(int fd, off_t size)
{
    CHECK_INT(0, ftruncate(fd, size - 1));
}

TEST(cache_entry_that_is_damaged_anywhere_is_a_miss)
{
    struct fixture f;
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    for (place = 0; place < 85; place++) { /* mark, key, end, value, check sum */
        put(&f, "key", "value", 60);
        each_file(&f, flip);
        CHECK(!has(&f, "key", "value"));
    }
    put(&f, "key", "value", 60);
    each_file(&f, cut);
    CHECK(!has(&f, "key", "value"));
    put(&f, "key", "value", 60);
    CHECK(has(&f, "key", "value"));
    tear_down(&f);
}

/* As somebody does who can write into the folder and has read our source. */
static void forge(int fd, off_t size)
{
    unsigned char bytes[256];
    struct sha256 h;
    CHECK(size <= (off_t)sizeof bytes && pread(fd, bytes, sizeof bytes, 0) == size);
    bytes[size - 33] ^= 1;
    sha256_init(&h);
    sha256_add(&h, bytes, (size_t)size - 32);
    sha256_final(&h, bytes + size - 32);
    CHECK(pwrite(fd, bytes, (size_t)size, 0) == size);
}

TEST(cache_entry_with_the_right_check_sum_is_a_miss_when_it_is_not_ours)
{
    struct fixture f;
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    put(&f, "key", "value", 60);
    each_file(&f, forge);
    CHECK(!has(&f, "key", "valud") && !has(&f, "key", "value"));
    tear_down(&f);
}

TEST(cache_entry_of_another_key_is_a_miss)
{
    struct fixture f;
    char from[512] = "", to[512] = "";
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    put(&f, "mine", "value", 60);
    DIR *folder = opendir(f.folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(from, sizeof from, "%s/%s", f.folder, entry->d_name);
    rewinddir(folder);
    put(&f, "yours", "other", 60);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", f.folder, entry->d_name);
        if (entry->d_name[0] != '.' && strcmp(path, from) != 0)
            strcpy(to, path);
    }
    closedir(folder);
    CHECK_INT(0, rename(from, to));
    CHECK(!has(&f, "yours", "value") && !has(&f, "yours", "other") && !has(&f, "mine", "value"));
    tear_down(&f);
}

TEST(cache_in_files_survives_the_process_and_follows_no_link)
{
    struct fixture f;
    struct ccd_error err = {0};
    char path[512] = "", moved[512];
    CHECK(set_up(&f, CACHE_FILE, 100, 0));
    put(&f, "kept", "value", 60);
    reopen(&f);
    struct cache_options options = f.cache->options;
    CHECK(has(&f, "kept", "value"));
    DIR *folder = opendir(f.folder);
    struct dirent *entry;
    struct stat st;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/%s", f.folder, entry->d_name);
    closedir(folder);
    snprintf(moved, sizeof moved, "%s.moved", f.folder);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(rename(path, moved) == 0 && symlink(moved, path) == 0);
    CHECK(!has(&f, "kept", "value"));
    unlink(moved);
    tear_down(&f);
    options.directory = "/proc/no/such/place";
    struct cache *none = NULL;
    CHECK_INT(CCD_DISK, cache_open(&options, &none, &err));
}
