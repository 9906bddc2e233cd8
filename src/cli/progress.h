/* How far a run is, on stderr: a bar on a terminal, otherwise a line every five seconds.
 * Invariant: progress_end leaves no bar behind. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <ccdata/ccdata.h>

#include "base/buf.h"
#include "cli/console.h"

enum progress_mode { PROGRESS_NONE, PROGRESS_LOG, PROGRESS_BAR };

struct progress {
    struct console *console;
    enum progress_mode mode;
    int64_t next_line_ms;
    /* Two older moments: the rate is that since `old`, 5 … 10 s ago, so that it follows a wait. */
    int64_t old_ms, old_rows;
    int64_t recent_ms, recent_rows;
};

/* name: "auto", "bar", "log", "none"; NULL = auto. */
void progress_init(struct progress *p, struct console *console, const char *name, bool quiet);
void progress_show(void *progress, const struct ccd_progress *now); /* a ccd_progress_fn */
/* The same for copies and comparisons: a ccd_scan_progress_fn. */
void progress_show_scan(void *progress, const struct ccd_scan_progress *now);
void progress_end(struct progress *p);

/* One line of at most `width` characters, with a bar when there is room. */
void progress_add_bar(struct buf *out, const struct ccd_progress *now, int64_t rows_per_s,
                      size_t width);
/* The same without a bar and without a limit. */
void progress_add_line(struct buf *out, const struct ccd_progress *now, int64_t rows_per_s);

void progress_add_scan_line(struct buf *out, const struct ccd_scan_progress *now,
                            int64_t rows_per_s);

#endif
