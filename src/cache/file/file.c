/* In a folder: a file for each entry, written beside and renamed, so that another process sees it
 * whole or not at all. Processes may share the folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/cache.h"

enum { READ_BYTES = 1 << 16, FILES_MAX = 100000, DRAFT_BYTES = CACHE_NAME_BYTES + 32 };
static const int64_t bytes_max_default = INT64_C(1) << 30;
static const int64_t draft_max_s = 3600; /* a draft that old is one of a process that was killed */
static const char prefix[] = "ccdata:1:";

struct file_cache {
    struct cache base; /* must be first */
    int folder_fd;
    /* What was there at the last sweep, and what we have put since. */
    int64_t bytes, bytes_max, files;
    bool complained;
};

static void complain(struct file_cache *f, int why)
{
    if (!f->complained)
        log_warning(f->base.options.log, NULL,
                    "the cache in %s is not used as it should: %s; everything else goes on",
                    f->base.options.directory, strerror(why));
    f->complained = true;
}

/* ---- sweeping ---- */

struct found {
    char name[DRAFT_BYTES];
    int64_t mtime_s, bytes;
};

static int by_age(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return (x->mtime_s > y->mtime_s) - (x->mtime_s < y->mtime_s);
}

static size_t list_files(struct file_cache *f, struct found *out, size_t capacity)
{
    size_t count = 0;
    int fd = openat(f->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat st;
    if (!folder && fd >= 0)
        close(fd);
    while (folder && count < capacity && (entry = readdir(folder)) != NULL) {
        bool ours = strncmp(entry->d_name, prefix, sizeof(prefix) - 1) == 0 &&
                    strlen(entry->d_name) < DRAFT_BYTES &&
                    fstatat(f->folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(st.st_mode);
        if (!ours)
            continue;
        if (strchr(entry->d_name, '.') && clock_utc_s(NULL) - st.st_mtime > draft_max_s &&
            unlinkat(f->folder_fd, entry->d_name, 0) == 0)
            continue;
        str_copy(out[count].name, DRAFT_BYTES, str_from(entry->d_name));
        out[count].mtime_s = st.st_mtime;
        out[count++].bytes = st.st_size;
    }
    if (folder)
        closedir(folder);
    return count;
}

/* The oldest go until there is room for `more` and one file, and a tenth to spare. */
static void sweep(struct file_cache *f, int64_t more)
{
    const struct allocator *allocator = f->base.options.allocator;
    struct found *found = mem_new(allocator, FILES_MAX, sizeof(*found));
    if (!found)
        return;
    size_t count = list_files(f, found, FILES_MAX);
    qsort(found, count, sizeof(*found), by_age);
    f->bytes = 0;
    f->files = (int64_t)count;
    for (size_t i = 0; i < count; i++)
        f->bytes += found[i].bytes;
    bool full = f->bytes + more > f->bytes_max || f->files >= FILES_MAX;
    int64_t bytes = full ? f->bytes_max - f->bytes_max / 10 : f->bytes_max;
    int64_t files = full ? FILES_MAX - FILES_MAX / 10 : FILES_MAX;
    for (size_t i = 0; i < count && (f->bytes + more > bytes || f->files >= files); i++) {
        if (unlinkat(f->folder_fd, found[i].name, 0) != 0)
            continue;
        f->bytes -= found[i].bytes;
        f->files--;
    }
    mem_free(allocator, found);
}

/* ---- entries ---- */

static enum cache_answer file_get(struct cache *cache, const char *name, struct buf *out)
{
    struct file_cache *f = (struct file_cache *)cache;
    char bytes[READ_BYTES];
    ssize_t len;
    int fd = openat(f->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return CACHE_MISS;
    if (fd < 0) {
        complain(f, errno);
        return CACHE_ERROR;
    }
    while ((len = read(fd, bytes, sizeof(bytes))) > 0 && buf_add(out, bytes, (size_t)len) == 0)
        ;
    if (len < 0)
        complain(f, errno);
    close(fd);
    return len == 0 ? CACHE_HIT : CACHE_ERROR;
}

static bool write_whole(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.ptr, bytes.len);
        if (done < 0 && errno != EINTR)
            return false;
        size_t step = done > 0 ? (size_t)done : 0;
        bytes = (struct str){bytes.ptr + step, bytes.len - step};
    }
    return true;
}

/* Without a sync: what a power cut leaves half does not prove to be an entry. */
static bool file_put(struct cache *cache, const char *name, struct str bytes, int64_t ttl_s)
{
    struct file_cache *f = (struct file_cache *)cache;
    char draft[DRAFT_BYTES];
    (void)ttl_s;
    if ((int64_t)bytes.len > f->bytes_max)
        return false;
    if (f->bytes + (int64_t)bytes.len > f->bytes_max || f->files >= FILES_MAX)
        sweep(f, (int64_t)bytes.len);
    str_print(draft, sizeof(draft), "%s.%ld", name, (long)getpid());
    unlinkat(f->folder_fd, draft, 0);
    int fd = openat(f->folder_fd, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    bool written = fd >= 0 && write_whole(fd, bytes);
    written &= fd < 0 || close(fd) == 0;
    if (written && renameat(f->folder_fd, draft, f->folder_fd, name) == 0) {
        f->bytes += (int64_t)bytes.len;
        f->files++;
        return true;
    }
    complain(f, errno);
    unlinkat(f->folder_fd, draft, 0);
    return false;
}

static void file_close(struct cache *cache)
{
    struct file_cache *f = (struct file_cache *)cache;
    if (f->folder_fd >= 0)
        close(f->folder_fd);
    mem_free(cache->options.allocator, f);
}

/* With the folders above it. */
static void make_folder(const char *path)
{
    char part[4096];
    if (!str_copy(part, sizeof(part), str_from(path)))
        return;
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(part, 0700);
        *p = '/';
    }
    mkdir(part, 0700);
}

int cache_file_new(struct cache **out, const struct cache_options *options, struct ccd_error *err)
{
    static const struct cache_ops ops = {.close = file_close, .get = file_get, .put = file_put};
    struct file_cache *f = mem_new(options->allocator, 1, sizeof(*f));
    if (!f)
        return error_set(err, CCD_NO_MEMORY, "no memory for a cache");
    f->base = (struct cache){.ops = &ops, .options = *options};
    f->bytes_max = options->bytes_max > 0 ? options->bytes_max : bytes_max_default;
    make_folder(options->directory);
    f->folder_fd = open(options->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (f->folder_fd < 0) {
        int why = errno;
        file_close(&f->base);
        return error_set(err, CCD_DISK, "the folder %s of the cache cannot be used: %s",
                         options->directory, strerror(why));
    }
    sweep(f, 0);
    *out = &f->base;
    return 0;
}
