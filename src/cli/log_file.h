/* The log of runs on disk: lines are appended whole, so that several processes may share a file;
 * it is begun anew when it is full, or when somebody moved it away.
 * Invariant: what goes wrong here is told once and never ends a run; the next line tries again. */
#ifndef CLI_LOG_FILE_H
#define CLI_LOG_FILE_H

#include <ccdata/error.h>

#include "base/str.h"

enum { LOG_PATH_BYTES = 4096 };

struct log_file {
    char path[LOG_PATH_BYTES];
    int64_t max_bytes;
    int64_t backup_count;
    int fd;    /* -1 = not open */
    bool torn; /* a line was written in part: the next one begins with a line end */
};

/* Opens nothing yet. CCD_CONFIG: the path is too long. */
int log_file_init(struct log_file *f, struct str path, int64_t max_bytes, int64_t backup_count,
                  struct ccd_error *err);
/* Append a line, which has its line end. CCD_DISK names the file and what to do. */
int log_file_write(struct log_file *f, struct str line, struct ccd_error *err);
void log_file_close(struct log_file *f);

#endif
