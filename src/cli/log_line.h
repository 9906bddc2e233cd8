/* A log line as bytes. Invariant: one line whatever stands in it; no control character of a name
 * or message reaches a file or a terminal. */
#ifndef CLI_LOG_LINE_H
#define CLI_LOG_LINE_H

#include <ccdata/ccdata.h>

#include "base/buf.h"

enum log_form {
    LOG_FORM_TEXT,    /* 2026-01-02T03:04:05Z INFO spot_ohlcv 1d kraken BTC-USD: text */
    LOG_FORM_JSON,    /* one object */
    LOG_FORM_JOURNAL, /* <6>spot_ohlcv …: the journal keeps the time and reads the level */
};

/* Without the line end. with_run: text lines name the run, too; JSON always does. */
void log_line_add(struct buf *out, enum log_form form, const struct ccd_log_line *line,
                  int64_t now_utc_s, bool with_run);

#endif
