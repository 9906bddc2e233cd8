/* What is remembered of alerts between runs, as text with a checksum.
 * Invariant: at most ALERT_ENTRIES_MAX entries and ALERT_PENDING_MAX notices; a text that is cut,
 * changed or of another version is refused as a whole; a notice keeps its id until it is removed.
 */
#ifndef MONITOR_ALERT_STATE_H
#define MONITOR_ALERT_STATE_H

#include "base/buf.h"
#include "monitor/alert_rules.h"

enum {
    ALERT_ENTRIES_MAX = 1024,
    ALERT_PENDING_MAX = 64,
    ALERT_SUBJECT_BYTES = 101, /* with its NUL */
    ALERT_DETAIL_BYTES = 512,  /* with its NUL */
    ALERT_STATE_MAX_BYTES = 512 << 10,
};

struct alert_entry {
    enum alert_rule rule;
    char subject[ALERT_SUBJECT_BYTES]; /* printable ASCII */
    struct alert_history history;
};

/* A notice that not every receiver has. */
struct alert_pending {
    uint64_t id; /* counts up from 1 for ever */
    enum alert_rule rule;
    bool is_resolved;
    int64_t opened_utc_s;
    uint64_t receivers; /* bit n: receiver n has not got it */
    int64_t sender_pid; /* the process that sends it, or did; 0 = none yet */
    int64_t sender_until_mono_us;
    char subject[ALERT_SUBJECT_BYTES];
    char detail[ALERT_DETAIL_BYTES]; /* what was seen when it was queued; one line of UTF-8 */
};

struct alert_state {
    uint64_t last_id;
    size_t entry_count, pending_count;
    struct alert_entry entries[ALERT_ENTRIES_MAX];
    struct alert_pending pending[ALERT_PENDING_MAX];
};

/* The entry of a rule and subject, made when it is new; other characters than printable ASCII
 * become '?', a longer subject is cut. A full table gives up the entry that has been quiet longest,
 * last those that count failures; NULL when all are open. */
struct alert_entry *alert_state_entry(struct alert_state *state, enum alert_rule rule,
                                      struct str subject);
/* The same, or NULL: none is made. */
struct alert_entry *alert_state_find(struct alert_state *state, enum alert_rule rule,
                                     struct str subject);
/* Queue a notice about entry for the receivers; a longer detail is cut, control characters become
 * '?'. A full queue gives up its oldest. */
void alert_state_queue(struct alert_state *state, const struct alert_entry *entry, bool is_resolved,
                       int64_t opened_utc_s, uint64_t receivers, struct str detail);
/* Receiver number `receiver` has notice `id`; the last one removes it. */
void alert_state_delivered(struct alert_state *state, uint64_t id, unsigned receiver);

void alert_state_print(const struct alert_state *state, struct buf *out); /* check out->failed */
/* BAD_REPLY when the text is not one that alert_state_print made; *state is empty then. */
int alert_state_parse(struct alert_state *state, struct str text, struct ccd_error *err);

#endif
