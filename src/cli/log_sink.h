/* Where the library's log lines go: the standard error and, for runs, a file.
 * Invariants: lines that come before the settings are known are held, in order, until they are; a
 * flood is cut and counted; a sink that fails never fails a run. */
#ifndef CLI_LOG_SINK_H
#define CLI_LOG_SINK_H

#include <ccdata/ccdata.h>

#include "base/buf.h"
#include "cli/console.h"
#include "cli/log_file.h"
#include "cli/log_line.h"

struct log_settings {
    enum ccd_log_level threshold;
    enum log_form console_form;
    enum log_form file_form;
    bool console_enabled;
    bool file_enabled;
};

struct log_sink {
    struct console *console;
    struct log_settings settings;
    struct log_file file;
    bool file_away; /* the last line did not get into the file */
    bool holding;
    struct buf held;   /* per line: level, is_reported, then its texts, each with its NUL */
    int64_t second;    /* of the monotonic clock, in which … */
    int64_t lines;     /* … so many lines were written … */
    int64_t lines_cut; /* … and so many more were not */
};

/* Holds until log_sink_start. */
void log_sink_init(struct log_sink *sink, struct console *console);
/* file: taken over; only looked at when settings->file_enabled. */
void log_sink_start(struct log_sink *sink, const struct log_settings *settings,
                    const struct log_file *file);
void log_sink_write(void *sink, const struct ccd_log_line *line); /* a ccd_log_fn */
void log_sink_close(struct log_sink *sink);                       /* zeroed is legal */

#endif
