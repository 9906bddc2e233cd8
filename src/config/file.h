/* Whole small files, read with care. Invariant: the memory that held a file is wiped before it is
 * freed. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "base/error.h"
#include "base/hooks.h"
#include "base/str.h"

struct file_text {
    char *data;
    size_t len;
    size_t capacity_bytes;
    bool exposed; /* somebody else than the owner may read or write it, or a stranger owns it */
    const struct allocator *allocator;
};

enum file_flag {
    FILE_NO_LINK = 1,  /* refuse a symbolic link as the last part of the path */
    FILE_MAY_MISS = 2, /* a file that does not exist is no error: data stays NULL */
};

/* Read a regular file of at most max_bytes. directory: where a relative path starts, NULL = working
 * directory. `what` names it in messages. Release with file_text_release in any case. CONFIG:
 * missing, not a regular file, a link, unreadable, too large; NO_MEMORY. Any thread. */
int file_text_read(struct file_text *text, const char *directory, const char *path, unsigned flags,
                   size_t max_bytes, const char *what, const struct allocator *allocator,
                   struct ccd_error *err);

void file_text_release(struct file_text *text); /* wipes; zeroed is legal */

#endif
