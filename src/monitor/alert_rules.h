/* When a run is worth a notice: facts in, verdicts out.
 * Invariant: no I/O, no clock of its own; between two changes of a verdict, one notice in each
 * cool-down. */
#ifndef MONITOR_ALERT_RULES_H
#define MONITOR_ALERT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(rule, name, severity, meaning, next step): a closed list; names stay as they are. */
#define ALERT_RULE_TABLE(X)                                                                        \
    X(RUN_FAILED, "run_failed", ERROR, "A run failed.",                                            \
      "Read the error that the run's report names; ccdata status lists the last runs.")            \
    X(CONSECUTIVE_FAILURES, "consecutive_failures", CRITICAL, "Several runs in a row failed.",     \
      "The cause does not go away by itself: run ccdata doctor.")                                  \
    X(DEGRADED, "degraded", WARNING, "A run took more than twice its usual time for a call.",      \
      "Look at the network and the vendor's status page; ccdata health measures both.")            \
    X(STALE, "stale", WARNING, "The newest stored period is older than it should be.",             \
      "Check that the schedule still starts runs, then run ccdata status.")                        \
    X(QUOTA_LOW, "quota_low", WARNING, "Little is left of the vendor's quota.",                    \
      "Run ccdata quota; ask for fewer series, or less often.")                                    \
    X(GAPS_LEFT, "gaps_left", WARNING, "A run ended and periods are still missing.",               \
      "Run ccdata gaps to see them, and the same run again to fill them.")                         \
    X(QUARANTINED, "quarantined", WARNING, "Records that no market can have were put aside.",      \
      "Look at them with ccdata verify before you use the neighbours.")                            \
    X(RESTATED, "restated", WARNING, "The vendor changed many records that were stored.",          \
      "Whatever was worked out from the old values is to be worked out anew.")

enum alert_rule {
#define ALERT_RULE_ENUM(rule, name, severity, meaning, next_step) ALERT_##rule,
    ALERT_RULE_TABLE(ALERT_RULE_ENUM)
#undef ALERT_RULE_ENUM
        ALERT_RULE_COUNT
};

enum alert_severity { ALERT_WARNING, ALERT_ERROR, ALERT_CRITICAL };

struct alert_rule_info {
    const char *name;
    enum alert_severity severity;
    const char *meaning, *next_step; /* one sentence or two each, no text of the vendor */
};
const struct alert_rule_info *alert_rule_info(enum alert_rule rule);
const char *alert_severity_name(enum alert_severity severity); /* "warning" … */

/* What a run, or one operation of it, showed. -1: not known, and nothing is concluded from it. */
struct alert_facts {
    int failed;                   /* 1, 0 or -1 (interrupted: neither) */
    int64_t consecutive_failures; /* with this one */
    int degraded;                 /* 1, 0 or -1 */
    int64_t newest_age_s, step_s; /* since the newest row of all could be there; its period */
    int64_t quota_left_percent;
    int64_t gaps_left, quarantined, restated; /* periods, records, records */
};
extern const struct alert_facts ALERT_FACTS_UNKNOWN;

/* Thresholds; every one is reached by "at or beyond". */
struct alert_limits {
    bool on_failure;              /* run_failed and consecutive_failures are judged at all */
    int64_t consecutive_failures; /* 1… */
    int64_t stale_steps;          /* periods behind, beside the one that is not over */
    int64_t quota_percent;        /* left */
    int64_t restated_rows;
};

enum alert_verdict { ALERT_NOT_KNOWN, ALERT_CLEAR, ALERT_FIRING };
enum alert_verdict alert_judge(enum alert_rule rule, const struct alert_facts *facts,
                               const struct alert_limits *limits);

/* One rule and subject over time. Zeroed: never fired. */
struct alert_history {
    int64_t opened_utc_s;   /* 0 = not open */
    int64_t noticed_utc_s;  /* the last notice that it fires; kept after it was resolved */
    int64_t resolved_utc_s; /* 0 = never */
    int64_t failures;       /* in a row, of the rule that counts them */
    bool is_announced;      /* since it opened, a notice went out: then its end is told, too */
};

enum alert_notice { ALERT_NOTICE_NONE, ALERT_NOTICE_FIRING, ALERT_NOTICE_RESOLVED };
/* Take a verdict into the history; what is to be told. An alert that comes back within the
 * cool-down is open again and not told of, and neither is its end: flapping makes one pair of
 * notices in a cool-down. A wall clock that was set back counts as a cool-down that is over. */
enum alert_notice alert_update(struct alert_history *history, enum alert_verdict verdict,
                               int64_t now_utc_s, int64_t cooldown_s);

#endif
