#include "monitor/alert_rules.h"

static const struct alert_rule_info RULES[ALERT_RULE_COUNT] = {
#define ALERT_RULE_ROW(rule, name, severity, meaning, next_step)                                   \
    [ALERT_##rule] = {name, ALERT_##severity, meaning, next_step},
    ALERT_RULE_TABLE(ALERT_RULE_ROW)
#undef ALERT_RULE_ROW
};

const struct alert_facts ALERT_FACTS_UNKNOWN = {
    .failed = -1,
    .consecutive_failures = -1,
    .degraded = -1,
    .newest_age_s = -1,
    .step_s = -1,
    .quota_left_percent = -1,
    .gaps_left = -1,
    .quarantined = -1,
    .restated = -1,
};

const struct alert_rule_info *alert_rule_info(enum alert_rule rule)
{
    return &RULES[rule];
}

const char *alert_severity_name(enum alert_severity severity)
{
    static const char *const names[] = {"warning", "error", "critical"};
    return names[severity];
}

static enum alert_verdict fire_from(int64_t value, int64_t limit)
{
    return value < 0 ? ALERT_NOT_KNOWN : value >= limit ? ALERT_FIRING : ALERT_CLEAR;
}

static enum alert_verdict judge_age(const struct alert_facts *facts, int64_t stale_steps)
{
    if (facts->newest_age_s < 0 || facts->step_s <= 0) {
        return ALERT_NOT_KNOWN;
    }
    return fire_from(facts->newest_age_s / facts->step_s, stale_steps + 1);
}

enum alert_verdict alert_judge(enum alert_rule rule, const struct alert_facts *facts,
                               const struct alert_limits *limits)
{
    switch (rule) {
    case ALERT_RUN_FAILED:
        return limits->on_failure ? fire_from(facts->failed, 1) : ALERT_NOT_KNOWN;
    case ALERT_CONSECUTIVE_FAILURES:
        return limits->on_failure
                   ? fire_from(facts->consecutive_failures, limits->consecutive_failures)
                   : ALERT_NOT_KNOWN;
    case ALERT_DEGRADED:
        return fire_from(facts->degraded, 1);
    case ALERT_STALE:
        return judge_age(facts, limits->stale_steps);
    case ALERT_QUOTA_LOW:
        return facts->quota_left_percent < 0                        ? ALERT_NOT_KNOWN
               : facts->quota_left_percent <= limits->quota_percent ? ALERT_FIRING
                                                                    : ALERT_CLEAR;
    case ALERT_GAPS_LEFT:
        return fire_from(facts->gaps_left, 1);
    case ALERT_QUARANTINED:
        return fire_from(facts->quarantined, 1);
    case ALERT_RESTATED:
        return fire_from(facts->restated, limits->restated_rows);
    case ALERT_RULE_COUNT:
        break;
    }
    return ALERT_NOT_KNOWN;
}

static bool is_cooling(const struct alert_history *history, int64_t now_utc_s, int64_t cooldown_s)
{
    return history->noticed_utc_s > 0 && now_utc_s >= history->noticed_utc_s &&
           now_utc_s - history->noticed_utc_s < cooldown_s;
}

static enum alert_notice take_firing(struct alert_history *history, int64_t now_utc_s,
                                     int64_t cooldown_s)
{
    if (history->opened_utc_s == 0) {
        history->opened_utc_s = now_utc_s;
    }
    if (is_cooling(history, now_utc_s, cooldown_s)) {
        return ALERT_NOTICE_NONE;
    }
    history->noticed_utc_s = now_utc_s;
    history->is_announced = true;
    return ALERT_NOTICE_FIRING;
}

static enum alert_notice take_clear(struct alert_history *history, int64_t now_utc_s)
{
    if (history->opened_utc_s == 0) {
        return ALERT_NOTICE_NONE;
    }
    bool was_announced = history->is_announced;
    history->opened_utc_s = 0;
    history->resolved_utc_s = now_utc_s;
    history->is_announced = false;
    return was_announced ? ALERT_NOTICE_RESOLVED : ALERT_NOTICE_NONE;
}

enum alert_notice alert_update(struct alert_history *history, enum alert_verdict verdict,
                               int64_t now_utc_s, int64_t cooldown_s)
{
    switch (verdict) {
    case ALERT_FIRING:
        return take_firing(history, now_utc_s, cooldown_s);
    case ALERT_CLEAR:
        return take_clear(history, now_utc_s);
    case ALERT_NOT_KNOWN:
        break;
    }
    return ALERT_NOTICE_NONE;
}
