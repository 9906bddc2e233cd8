/* One byte of `<database>.lock` per data type and interval, locked for the open file description:
 * the kernel lets go of it when the process dies, however it dies. The file stays. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/sqlite/internal.h"

static const int64_t poll_ms = 20;

/* From the name alone, so that every version of this program takes the same byte. */
static off_t lock_offset(const char *name)
{
    uint8_t digest[32];
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, name, strlen(name));
    sha256_final(&h, digest);
    off_t offset = 0;
    for (size_t i = 0; i < 6; i++)
        offset = offset << 8 | digest[i];
    return offset;
}

static int set_lock(int fd, short kind, off_t offset)
{
    struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    int result;
    do {
        result = fcntl(fd, F_OFD_SETLK, &lock);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

static int open_lock_file(struct sqlite_connection *c, struct ccd_error *err)
{
    if (c->lock_fd >= 0)
        return CCD_OK;
    char path[URL_PATH_MAX_BYTES + 8];
    str_print(path, sizeof(path), "%s.lock", c->base.target->url.path);
    c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return c->lock_fd >= 0 ? CCD_OK : system_error(errno, "open the lock file", path, err);
}

int sqlite_lock(struct sql_connection *connection, const char *name, int64_t wait_ms,
                struct ccd_error *err)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    const struct sql_target *target = connection->target;
    if (target->intent == SQL_READS) {
        return error_set(err, CCD_DATABASE_PERMISSION, "%s was opened for reading only",
                         target->name);
    }
    int status = open_lock_file(c, err);
    if (status != CCD_OK)
        return status;
    off_t offset = lock_offset(name);
    for (int64_t waited_ms = 0;; waited_ms += poll_ms) {
        int code = set_lock(c->lock_fd, F_WRLCK, offset);
        if (code == 0)
            return CCD_OK;
        if (code != EAGAIN && code != EACCES)
            return system_error(code, "lock the database", target->name, err);
        /* Counted, not measured: a clock that stands still must not make this wait for ever. */
        if (waited_ms >= wait_ms) {
            return error_set(err, CCD_LOCKED,
                             "another run holds the lock %s of %s: wait for it, or use --lock_wait",
                             name, target->name);
        }
        clock_sleep_ms(poll_ms);
    }
}

void sqlite_unlock(struct sql_connection *connection, const char *name)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    if (c->lock_fd >= 0)
        set_lock(c->lock_fd, F_UNLCK, lock_offset(name));
}
