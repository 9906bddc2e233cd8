#include "cli/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { FILE_MODE = 0600, FOLDER_MODE = 0700, BACKUP_NAME_BYTES = LOG_PATH_BYTES + 32 };

int log_file_init(struct log_file *f, struct str path, int64_t max_bytes, int64_t backup_count,
                  struct ccd_error *err)
{
    *f = (struct log_file){.max_bytes = max_bytes, .backup_count = backup_count, .fd = -1};
    if (!str_copy(f->path, sizeof f->path, path))
        return error_set(err, CCD_CONFIG, "LOG_FILE_PATH is longer than %d bytes",
                         LOG_PATH_BYTES - 1);
    return 0;
}

void log_file_close(struct log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static int fail(const struct log_file *f, const char *what, struct ccd_error *err)
{
    return error_set(err, CCD_DISK,
                     "cannot %s the log file %s: %s; the run goes on without it. Set "
                     "LOG_FILE_PATH, or LOG_FILE_ENABLED=false",
                     what, f->path, strerror(errno));
}

/* Every folder on the way; those that are there are left alone. */
static void make_folders(const struct log_file *f)
{
    char path[LOG_PATH_BYTES];
    str_copy(path, sizeof path, str_from(f->path));
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(path, FOLDER_MODE);
        *p = '/';
    }
}

/* Never through a link, and never into a pipe that nobody reads. */
static int open_file(struct log_file *f, struct ccd_error *err)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    f->fd = open(f->path, flags, FILE_MODE);
    if (f->fd < 0 && errno == ENOENT) {
        make_folders(f);
        f->fd = open(f->path, flags, FILE_MODE);
    }
    struct stat st;
    if (f->fd >= 0 && fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode))
        return 0;
    if (f->fd >= 0)
        errno = EINVAL;
    int status = fail(f, "open", err);
    log_file_close(f);
    return status;
}

/* Whether the open file is the one that the path names. */
static bool is_current(const struct log_file *f, const struct stat *open_file)
{
    struct stat named;
    return lstat(f->path, &named) == 0 && named.st_ino == open_file->st_ino &&
           named.st_dev == open_file->st_dev;
}

static void backup_name(const struct log_file *f, int64_t number, char out[BACKUP_NAME_BYTES])
{
    if (number == 0)
        str_print(out, BACKUP_NAME_BYTES, "%s", f->path);
    else
        str_print(out, BACKUP_NAME_BYTES, "%s.%lld", f->path, (long long)number);
}

/* path → path.1 → path.2 …; the oldest one goes. */
static void shift_backups(const struct log_file *f)
{
    char older[BACKUP_NAME_BYTES], newer[BACKUP_NAME_BYTES];
    if (f->backup_count == 0) {
        unlink(f->path);
        return;
    }
    for (int64_t i = f->backup_count; i > 0; i--) {
        backup_name(f, i, older);
        backup_name(f, i - 1, newer);
        rename(newer, older);
    }
}

/* Only one of several processes moves the files; the others find that it is done. */
static int begin_anew(struct log_file *f, struct ccd_error *err)
{
    struct stat st;
    flock(f->fd, LOCK_EX);
    if (fstat(f->fd, &st) == 0 && is_current(f, &st))
        shift_backups(f);
    log_file_close(f); /* and with it the lock */
    return open_file(f, err);
}

static int make_ready(struct log_file *f, size_t len, struct ccd_error *err)
{
    struct stat st;
    if (f->fd >= 0 && fstat(f->fd, &st) == 0 && !is_current(f, &st))
        log_file_close(f);
    if (f->fd < 0 && open_file(f, err) != 0)
        return (int)err->status;
    if (fstat(f->fd, &st) != 0)
        return fail(f, "look at", err);
    if (st.st_size > 0 && st.st_size + (int64_t)len > f->max_bytes)
        return begin_anew(f, err);
    return 0;
}

static ssize_t append(const struct log_file *f, struct str bytes)
{
    ssize_t written;
    do {
        written = write(f->fd, bytes.ptr, bytes.len);
    } while (written < 0 && errno == EINTR);
    return written;
}

int log_file_write(struct log_file *f, struct str line, struct ccd_error *err)
{
    if (make_ready(f, line.len, err) != 0)
        return (int)err->status;
    if (f->torn && append(f, STR("\n")) == 1)
        f->torn = false;
    ssize_t written = append(f, line);
    if (written == (ssize_t)line.len)
        return 0;
    f->torn |= written > 0;
    if (written >= 0)
        errno = ENOSPC;
    return fail(f, "write to", err);
}
