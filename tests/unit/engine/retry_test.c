#include "engine/retry.h"

#include "test.h"

enum { SAMPLES = 20000, MS = 1000 };

static const struct retry_policy *const policy = &retry_policy_default;

TEST(retry_policy_is_the_documented_one)
{
    CHECK_INT(500, policy->base_ms);
    CHECK_INT(60000, policy->cap_ms);
    CHECK_INT(6, policy->attempts_max);
    CHECK_INT(600000, policy->page_deadline_ms);
}

TEST(retry_of_writes_lasts_a_minute)
{
    const struct retry_policy *write = &retry_policy_write;
    CHECK_INT(200, write->base_ms);
    CHECK_INT(5000, write->cap_ms);
    CHECK(!retry_is_over(write, 1000, 7, 7 + 59999999));
    CHECK(retry_is_over(write, 1, 7, 7 + 60000000));
    CHECK(!retry_is_over(policy, 5, 0, 0));
    CHECK(retry_is_over(policy, 6, 0, 0));
}

TEST(retry_backoff_has_equal_jitter)
{
    struct rng r = {1};
    for (int attempt = 1; attempt <= 12; attempt++) {
        int64_t full_ms = attempt > 7 ? policy->cap_ms : policy->base_ms << (attempt - 1);
        full_ms = full_ms < policy->cap_ms ? full_ms : policy->cap_ms;
        int64_t sum_ms = 0, least_ms = INT64_MAX, most_ms = 0;
        int quarters[4] = {0};
        for (int i = 0; i < SAMPLES; i++) {
            int64_t wait_ms = retry_backoff_ms(policy, attempt, 0, &r);
            sum_ms += wait_ms;
            least_ms = wait_ms < least_ms ? wait_ms : least_ms;
            most_ms = wait_ms > most_ms ? wait_ms : most_ms;
            int64_t quarter = (wait_ms - full_ms / 2) * 4 / (full_ms / 2 + 1);
            quarters[quarter]++;
        }
        CHECK(least_ms >= full_ms / 2 && least_ms < full_ms / 2 + full_ms / 100 + 2);
        CHECK(most_ms <= full_ms && most_ms > full_ms - full_ms / 100 - 2);
        CHECK(sum_ms / SAMPLES > full_ms * 74 / 100 && sum_ms / SAMPLES < full_ms * 76 / 100);
        for (int q = 0; q < 4; q++)
            CHECK(quarters[q] > SAMPLES * 23 / 100 && quarters[q] < SAMPLES * 27 / 100);
    }
}

TEST(retry_backoff_waits_at_least_the_floor)
{
    struct rng r = {1};
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(90000, retry_backoff_ms(policy, 1, 90000, &r));
        int64_t wait_ms = retry_backoff_ms(policy, 1, 400, &r);
        CHECK(wait_ms >= 400 && wait_ms <= 500);
    }
}

TEST(retry_backoff_grows_as_it_is_told)
{
    struct rng r = {1};
    struct retry_policy p = {.base_ms = 1000, .cap_ms = 1000000, .growth_percent = 300};
    for (int i = 0; i < 100; i++) {
        int64_t wait_ms = retry_backoff_ms(&p, 3, 0, &r);
        CHECK(wait_ms >= 4500 && wait_ms <= 9000);
    }
    p.growth_percent = 100;
    CHECK(retry_backoff_ms(&p, 1 << 30, 0, &r) <= 1000);
}

TEST(breaker_opens_after_as_many_failures_as_it_is_told)
{
    struct rng r = {1};
    struct breaker b;
    breaker_init(&b, 2);
    for (int round = 0; round < 2; round++) {
        breaker_failure(&b, 0, &r);
        CHECK(!b.open);
        breaker_failure(&b, 0, &r);
        CHECK(b.open);
        breaker_success(&b); /* it keeps its measure */
    }
}

TEST(retry_backoff_of_a_strange_policy)
{
    struct rng r = {1};
    struct retry_policy none = {0};
    CHECK_INT(0, retry_backoff_ms(&none, 5, 0, &r));
    struct retry_policy upside_down = {.base_ms = 5000, .cap_ms = 1000};
    for (int i = 0; i < 100; i++) {
        int64_t wait_ms = retry_backoff_ms(&upside_down, 1, 0, &r);
        CHECK(wait_ms >= 500 && wait_ms <= 1000);
    }
    CHECK(retry_backoff_ms(policy, 1 << 30, 0, &r) <= policy->cap_ms);
}

TEST(retry_budget_adds_at_most_a_share)
{
    struct retry_budget budget;
    int retries = 0;
    retry_budget_init(&budget);
    while (retry_budget_take(&budget))
        retries++;
    CHECK_INT(RETRY_BUDGET_MAX / RETRY_BUDGET_COST, retries);
    for (int i = 1; i < RETRY_BUDGET_COST; i++) {
        retry_budget_success(&budget);
        CHECK(!retry_budget_take(&budget));
    }
    retry_budget_success(&budget);
    CHECK(retry_budget_take(&budget));
    CHECK(!retry_budget_take(&budget));
    for (int i = 0; i < 10 * RETRY_BUDGET_MAX; i++)
        retry_budget_success(&budget);
    CHECK_INT(RETRY_BUDGET_MAX, budget.tokens);
}

/* An open breaker at mono time 0. */
static void open_breaker(struct breaker *b, struct rng *r)
{
    breaker_init(b, 0);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        breaker_failure(b, 0, r);
}

TEST(breaker_opens_after_failures_in_a_row)
{
    struct rng r = {1};
    struct breaker b;
    int64_t wait_us;
    breaker_init(&b, 0);
    for (int i = 0; i < BREAKER_FAILURES - 1; i++) {
        breaker_failure(&b, 0, &r);
        CHECK(breaker_allow(&b, 0, &wait_us));
    }
    breaker_success(&b);
    for (int i = 0; i < BREAKER_FAILURES - 1; i++)
        breaker_failure(&b, 0, &r);
    CHECK(breaker_allow(&b, 0, &wait_us));
    breaker_failure(&b, 0, &r);
    CHECK(b.open);
    CHECK(!breaker_allow(&b, 0, &wait_us));
    CHECK_INT(b.next_probe_us, wait_us);
}

TEST(breaker_probes_every_half_minute_with_jitter)
{
    struct rng r = {9};
    int64_t least_us = INT64_MAX, most_us = 0;
    for (int i = 0; i < SAMPLES; i++) {
        struct breaker b;
        open_breaker(&b, &r);
        least_us = b.next_probe_us < least_us ? b.next_probe_us : least_us;
        most_us = b.next_probe_us > most_us ? b.next_probe_us : most_us;
    }
    int64_t every_us = (int64_t)BREAKER_PROBE_EVERY_MS * MS;
    CHECK(least_us >= every_us && least_us < every_us + every_us / 100);
    CHECK(most_us < every_us + every_us / 4 && most_us > every_us + every_us / 4 - every_us / 100);
}

TEST(breaker_lets_one_probe_out)
{
    struct rng r = {1};
    struct breaker b;
    int64_t wait_us = 0;
    open_breaker(&b, &r);
    int64_t now_us = b.next_probe_us;
    CHECK(!breaker_allow(&b, now_us - 1, &wait_us));
    CHECK(breaker_allow(&b, now_us, &wait_us));
    CHECK(!breaker_allow(&b, now_us + 1, &wait_us));
    CHECK_INT(now_us + (int64_t)BREAKER_PROBE_DEADLINE_MS * MS, wait_us);
}

TEST(breaker_probe_slot_is_freed_on_every_way_out)
{
    struct rng r = {1};
    int64_t wait_us = 0;
    for (int way = 0; way < 4; way++) {
        struct breaker b;
        open_breaker(&b, &r);
        int64_t now_us = b.next_probe_us;
        CHECK(breaker_allow(&b, now_us, &wait_us));
        switch (way) {
        case 0:
            breaker_success(&b);
            CHECK(!b.open);
            CHECK(breaker_allow(&b, now_us, &wait_us));
            break;
        case 1:
            breaker_failure(&b, now_us + 5, &r);
            CHECK(!breaker_allow(&b, now_us + 5, &wait_us));
            CHECK(wait_us >= now_us + 5 + (int64_t)BREAKER_PROBE_EVERY_MS * MS);
            CHECK(breaker_allow(&b, wait_us, &wait_us));
            break;
        case 2:
            breaker_abandon(&b, now_us + 5);
            CHECK(breaker_allow(&b, now_us + 5, &wait_us));
            break;
        default: /* nobody came back */
            now_us += (int64_t)BREAKER_PROBE_DEADLINE_MS * MS;
            CHECK(!breaker_allow(&b, now_us - 1, &wait_us));
            CHECK(breaker_allow(&b, now_us, &wait_us));
        }
    }
}

TEST(breaker_remembers_when_it_opened)
{
    struct rng r = {1};
    struct breaker b;
    breaker_init(&b, 0);
    for (int i = 0; i < 20; i++)
        breaker_failure(&b, 1000 + i, &r);
    CHECK_INT(1000 + BREAKER_FAILURES - 1, b.opened_us);
    breaker_success(&b);
    CHECK_INT(0, b.consecutive_failures);
}

TEST(breaker_abandon_of_no_probe_changes_nothing)
{
    struct rng r = {1};
    struct breaker b;
    open_breaker(&b, &r);
    int64_t next_us = b.next_probe_us;
    breaker_abandon(&b, 7);
    CHECK_INT(next_us, b.next_probe_us);
}
