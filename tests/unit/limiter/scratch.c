#include "scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void empty(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char inner[SCRATCH_PATH_BYTES];
        struct stat status;
        (void)str_print(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &status) == 0 && S_ISDIR(status.st_mode)) {
            (void)chmod(inner, 0700);
            empty(inner);
            (void)rmdir(inner);
        } else {
            (void)unlink(inner);
        }
    }
    (void)closedir(directory);
}

bool scratch_open(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    (void)str_print(scratch->path, sizeof scratch->path, "%s/limiter_test.XXXXXX",
                    base && *base ? base : "/tmp");
    return mkdtemp(scratch->path) != NULL;
}

void scratch_close(struct scratch *scratch)
{
    empty(scratch->path);
    (void)rmdir(scratch->path);
}

bool scratch_find(const struct scratch *scratch, const char *suffix, char out[SCRATCH_PATH_BYTES])
{
    DIR *directory = opendir(scratch->path);
    if (!directory)
        return false;
    unsigned found = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        size_t len = strlen(entry->d_name);
        size_t tail = strlen(suffix);
        if (len > tail && strcmp(entry->d_name + len - tail, suffix) == 0) {
            (void)str_print(out, SCRATCH_PATH_BYTES, "%s/%s", scratch->path, entry->d_name);
            found++;
        }
    }
    (void)closedir(directory);
    return found == 1;
}

static int64_t read_mono(void *user)
{
    return ((struct test_clock *)user)->mono_us;
}

static int64_t read_utc(void *user)
{
    return ((struct test_clock *)user)->utc_us;
}

void test_clock_init(struct test_clock *clock)
{
    *clock = (struct test_clock){.hook = {.mono_us = read_mono, .utc_us = read_utc, .user = clock},
                                 .mono_us = seconds(3600),
                                 .utc_us = seconds(1704067200)};
}

void test_clock_add(struct test_clock *clock, int64_t us)
{
    clock->mono_us += us;
    clock->utc_us += us;
}

struct reply_headers no_headers(void)
{
    struct reply_headers headers;
    reply_headers_init(&headers);
    return headers;
}

int64_t seconds(int64_t s)
{
    return s * 1000000;
}
