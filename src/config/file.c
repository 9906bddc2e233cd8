#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static int refuse_errno(struct ccd_error *err, const char *what, int code)
{
    if (code == ELOOP) {
        return error_set_native(err, CCD_CONFIG, code,
                                "%s is a symbolic link; name the file that it points to", what);
    }
    errno = code;
    return error_set_native(err, CCD_CONFIG, code, "%s cannot be read: %m", what);
}

static int read_all(int fd, struct file_text *text, size_t max_bytes, const char *what,
                    struct ccd_error *err)
{
    /* One byte more than is allowed, in one piece: a growing buffer would leave copies behind. */
    text->capacity_bytes = max_bytes + 1;
    text->data = mem_alloc(text->allocator, text->capacity_bytes);
    if (!text->data) {
        text->capacity_bytes = 0;
        return error_set(err, CCD_NO_MEMORY, "no memory to read %s", what);
    }
    while (text->len < text->capacity_bytes) {
        ssize_t got = read(fd, text->data + text->len, text->capacity_bytes - text->len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return refuse_errno(err, what, errno);
        }
        if (got == 0) {
            return 0;
        }
        text->len += (size_t)got;
    }
    return error_set(err, CCD_CONFIG, "%s is larger than %zu bytes", what, max_bytes);
}

int file_text_read(struct file_text *text, const char *directory, const char *path, unsigned flags,
                   size_t max_bytes, const char *what, const struct allocator *allocator,
                   struct ccd_error *err)
{
    *text = (struct file_text){.allocator = allocator};
    char full[PATH_BYTES];
    bool relative = directory && path[0] != '/';
    if (!str_print(full, sizeof full, "%s%s%s", relative ? directory : "", relative ? "/" : "",
                   path)) {
        return error_set(err, CCD_CONFIG, "%s: the path is too long", what);
    }
    /* Not blocking: a pipe must not hang us before we see that it is one. */
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
                            ((flags & FILE_NO_LINK) ? O_NOFOLLOW : 0));
    if (fd < 0) {
        if ((flags & FILE_MAY_MISS) && errno == ENOENT) {
            return 0;
        }
        return refuse_errno(err, what, errno);
    }
    int result;
    struct stat info;
    if (fstat(fd, &info) != 0) {
        result = refuse_errno(err, what, errno);
    } else if (!S_ISREG(info.st_mode)) {
        result = error_set(err, CCD_CONFIG, "%s is not a regular file", what);
    } else {
        text->exposed = (info.st_mode & (S_IRWXG | S_IRWXO)) != 0 ||
                        (info.st_uid != geteuid() && info.st_uid != 0);
        result = read_all(fd, text, max_bytes, what, err);
    }
    (void)close(fd);
    return result;
}

void file_text_release(struct file_text *text)
{
    if (text && text->data) {
        explicit_bzero(text->data, text->capacity_bytes);
        mem_free(text->allocator, text->data);
        text->data = NULL;
        text->len = 0;
    }
}
