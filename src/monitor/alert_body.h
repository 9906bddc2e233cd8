/* A notice as the body of a request, in the form that each service takes.
 * Invariant: text that came from outside is data in every form: no mention, no link, no mark-up, no
 * line of its own. */
#ifndef MONITOR_ALERT_BODY_H
#define MONITOR_ALERT_BODY_H

#include <stdbool.h>

#include "base/buf.h"
#include "monitor/alert_rules.h"

enum {
    ALERT_SUBJECT_SHOWN_BYTES = 100, /* longer ones are cut at a character */
    ALERT_DETAIL_SHOWN_BYTES = 500,
    ALERT_BODY_MAX_BYTES = 16 << 10, /* what the buffer must be born with, at least */
};

enum alert_format { ALERT_FORMAT_JSON, ALERT_FORMAT_SLACK, ALERT_FORMAT_DISCORD };

struct alert_message {
    const char *id; /* the same in every attempt, so that a receiver can tell a repeated one */
    enum alert_rule rule;
    bool is_resolved;
    struct str subject; /* "futures_ohlcv 1h", "run"; any bytes */
    struct str detail;  /* what was seen, without a secret; any bytes; may be empty */
    int64_t opened_utc_s, sent_utc_s;
};

/* Append the body; check out->failed. */
void alert_body_add(struct buf *out, enum alert_format format, const struct alert_message *message);

#endif
