#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/alerts.h"
#include "api/vendor.h"

static const int64_t lock_wait_ms = 2000, lock_slice_ms = 20;

static bool path_of(const char *name, char out[STATE_PATH_BYTES])
{
    char directory[STATE_PATH_BYTES - 32];
    return client_state_directory(directory, sizeof(directory)) &&
           str_print(out, STATE_PATH_BYTES, "%s/%s", directory, name);
}

/* Above the file, as far as it is missing. */
static void make_folders(const char *path)
{
    char part[STATE_PATH_BYTES];
    str_copy(part, sizeof(part), str_from(path));
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(part, 0700);
        *p = '/';
    }
}

static int take_lock(int *out_lock, struct ccd_error *err)
{
    char path[STATE_PATH_BYTES];
    if (!path_of("alerts.lock", path))
        return error_set(err, CCD_DISK, "no place to remember alerts: set XDG_STATE_HOME or HOME");
    make_folders(path);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, CCD_DISK, "cannot open %s: %s", path, strerror(errno));
    for (int64_t waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += lock_slice_ms) {
        if (waited_ms >= lock_wait_ms) {
            close(fd);
            return error_set(err, CCD_DISK, "%s is held by another process", path);
        }
        clock_sleep_ms(lock_slice_ms);
    }
    *out_lock = fd;
    return 0;
}

int alert_memory_open(struct ccd_client *client, struct alert_state *out_state, int *out_lock,
                      struct ccd_error *err)
{
    char path[STATE_PATH_BYTES];
    struct ccd_error why = {0};
    memset(out_state, 0, sizeof(*out_state));
    if (take_lock(out_lock, err) != 0)
        return (int)err->status;
    path_of("alerts", path);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char *text = mem_new(NULL, ALERT_STATE_MAX_BYTES, 1);
    ssize_t len = fd >= 0 && text ? read(fd, text, ALERT_STATE_MAX_BYTES) : 0;
    if (fd >= 0)
        close(fd);
    if (len > 0 && alert_state_parse(out_state, (struct str){text, (size_t)len}, &why) != 0)
        log_warning(&client->log, NULL, "%s", why.message);
    mem_free(NULL, text);
    return 0;
}

int alert_memory_save(const struct alert_state *state, struct ccd_error *err)
{
    char path[STATE_PATH_BYTES], draft[STATE_PATH_BYTES];
    struct buf text;
    path_of("alerts", path);
    path_of("alerts.new", draft);
    buf_init(&text, ALERT_STATE_MAX_BYTES, NULL);
    alert_state_print(state, &text);
    unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = fd >= 0 && !text.failed && write(fd, text.data, text.len) == (ssize_t)text.len &&
                   fsync(fd) == 0;
    written &= fd < 0 || close(fd) == 0;
    written = written && rename(draft, path) == 0;
    int why = errno;
    buf_release(&text);
    return written
               ? 0
               : error_set(err, CCD_DISK, "alerts are not remembered: %s: %s", path, strerror(why));
}

void alert_memory_close(int lock)
{
    close(lock);
}
