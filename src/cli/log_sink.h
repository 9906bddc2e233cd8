/* The library's log lines on stderr, "2026-01-02T03:04:05Z LEVEL message".
 * Invariant: lines that come before the level is known are held, in order, until it is. */
#ifndef CLI_LOG_SINK_H
#define CLI_LOG_SINK_H

#include <ccdata/ccdata.h>

#include "base/buf.h"
#include "cli/console.h"

struct log_sink {
    struct console *console;
    enum ccd_log_level threshold;
    bool holding;
    struct buf held; /* per line: level as a character, text, NUL */
};

/* Holds until log_sink_start. */
void log_sink_init(struct log_sink *sink, struct console *console);
void log_sink_start(struct log_sink *sink, enum ccd_log_level threshold);
void log_sink_write(void *sink, enum ccd_log_level level, const char *line); /* a ccd_log_fn */

#endif
