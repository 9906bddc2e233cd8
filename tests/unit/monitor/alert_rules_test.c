#include "monitor/alert_rules.h"

#include <string.h>

#include "test.h"

enum { HOUR_S = 3600, DAY_S = 86400, START_S = 1700000000 };

static const struct alert_limits LIMITS = {.on_failure = true,
                                           .consecutive_failures = 3,
                                           .stale_steps = 2,
                                           .quota_percent = 10,
                                           .restated_rows = 100};

static enum alert_verdict judge(enum alert_rule rule, struct alert_facts facts)
{
    return alert_judge(rule, &facts, &LIMITS);
}

TEST(alert_rules_have_a_name_of_their_own_and_a_next_step)
{
    for (int i = 0; i < ALERT_RULE_COUNT; i++) {
        const struct alert_rule_info *info = alert_rule_info((enum alert_rule)i);
        CHECK(info->name[0] && info->meaning[0] && info->next_step[0]);
        CHECK(alert_severity_name(info->severity)[0]);
        for (int j = 0; j < i; j++) {
            CHECK(strcmp(info->name, alert_rule_info((enum alert_rule)j)->name) != 0);
        }
    }
}

TEST(alert_rules_conclude_nothing_from_what_is_not_known)
{
    for (int i = 0; i < ALERT_RULE_COUNT; i++) {
        CHECK_INT(ALERT_NOT_KNOWN, judge((enum alert_rule)i, ALERT_FACTS_UNKNOWN));
    }
}

TEST(alert_rules_on_both_sides_of_their_limits)
{
    static const struct {
        enum alert_rule rule;
        struct alert_facts clear, firing;
    } rows[] = {
        {ALERT_RUN_FAILED, {.failed = 0}, {.failed = 1}},
        {ALERT_CONSECUTIVE_FAILURES, {.consecutive_failures = 2}, {.consecutive_failures = 3}},
        {ALERT_DEGRADED, {.degraded = 0}, {.degraded = 1}},
        {ALERT_STALE,
         {.newest_age_s = 3 * HOUR_S - 1, .step_s = HOUR_S},
         {.newest_age_s = 3 * HOUR_S, .step_s = HOUR_S}},
        {ALERT_QUOTA_LOW, {.quota_left_percent = 11}, {.quota_left_percent = 10}},
        {ALERT_GAPS_LEFT, {.gaps_left = 0}, {.gaps_left = 1}},
        {ALERT_QUARANTINED, {.quarantined = 0}, {.quarantined = 1}},
        {ALERT_RESTATED, {.restated = 99}, {.restated = 100}},
    };
    CHECK_INT(ALERT_RULE_COUNT, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_INT(i, rows[i].rule);
        CHECK_INT(ALERT_CLEAR, judge(rows[i].rule, rows[i].clear));
        CHECK_INT(ALERT_FIRING, judge(rows[i].rule, rows[i].firing));
    }
}

TEST(alert_rules_of_failures_can_be_switched_off)
{
    struct alert_limits limits = LIMITS;
    limits.on_failure = false;
    struct alert_facts facts = {.failed = 1, .consecutive_failures = 9};
    CHECK_INT(ALERT_NOT_KNOWN, alert_judge(ALERT_RUN_FAILED, &facts, &limits));
    CHECK_INT(ALERT_NOT_KNOWN, alert_judge(ALERT_CONSECUTIVE_FAILURES, &facts, &limits));
}

TEST(alert_history_storm_of_failures_makes_one_notice)
{
    struct alert_history history = {0};
    int notices = 0;
    for (int i = 0; i < 1000; i++) {
        notices += alert_update(&history, ALERT_FIRING, START_S + i, HOUR_S) != ALERT_NOTICE_NONE;
    }
    CHECK_INT(1, notices);
    CHECK_INT(START_S, history.opened_utc_s);
    CHECK_INT(ALERT_NOTICE_NONE,
              alert_update(&history, ALERT_FIRING, START_S + HOUR_S - 1, HOUR_S));
    CHECK_INT(ALERT_NOTICE_FIRING, alert_update(&history, ALERT_FIRING, START_S + HOUR_S, HOUR_S));
    CHECK_INT(START_S, history.opened_utc_s);
}

TEST(alert_history_tells_the_end_once)
{
    struct alert_history history = {0};
    CHECK_INT(ALERT_NOTICE_NONE, alert_update(&history, ALERT_CLEAR, START_S, HOUR_S));
    CHECK_INT(ALERT_NOTICE_FIRING, alert_update(&history, ALERT_FIRING, START_S + 1, HOUR_S));
    CHECK_INT(ALERT_NOTICE_NONE, alert_update(&history, ALERT_NOT_KNOWN, START_S + 2, HOUR_S));
    CHECK_INT(ALERT_NOTICE_RESOLVED, alert_update(&history, ALERT_CLEAR, START_S + 3, HOUR_S));
    CHECK_INT(ALERT_NOTICE_NONE, alert_update(&history, ALERT_CLEAR, START_S + 4, HOUR_S));
    CHECK_INT(START_S + 3, history.resolved_utc_s);
    CHECK_INT(0, history.opened_utc_s);
}

TEST(alert_history_flapping_makes_one_pair_of_notices_in_a_cooldown)
{
    struct alert_history history = {0};
    int firing = 0;
    int resolved = 0;
    for (int i = 0; i < DAY_S; i += 60) {
        enum alert_verdict verdict = i / 60 % 2 ? ALERT_CLEAR : ALERT_FIRING;
        enum alert_notice notice = alert_update(&history, verdict, START_S + i, HOUR_S);
        firing += notice == ALERT_NOTICE_FIRING;
        resolved += notice == ALERT_NOTICE_RESOLVED;
    }
    CHECK_INT(24, firing);
    CHECK_INT(24, resolved);
}

TEST(alert_history_survives_a_clock_that_was_set_back)
{
    struct alert_history history = {0};
    CHECK_INT(ALERT_NOTICE_FIRING, alert_update(&history, ALERT_FIRING, START_S + DAY_S, HOUR_S));
    CHECK_INT(ALERT_NOTICE_FIRING, alert_update(&history, ALERT_FIRING, START_S, HOUR_S));
    CHECK_INT(ALERT_NOTICE_NONE, alert_update(&history, ALERT_FIRING, START_S + 1, HOUR_S));
}
