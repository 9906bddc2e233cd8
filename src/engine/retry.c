#include "engine/retry.h"

#include <limits.h>

enum { DOUBLINGS_MAX = 64 };

const struct retry_policy retry_policy_default = {
    .base_ms = 500,
    .cap_ms = 60000,
    .attempts_max = 6,
    .page_deadline_ms = 600000,
    .growth_percent = 200,
};

const struct retry_policy retry_policy_write = {
    .base_ms = 200,
    .cap_ms = 5000,
    .attempts_max = INT_MAX,
    .page_deadline_ms = 60000,
    .growth_percent = 200,
};

bool retry_is_over(const struct retry_policy *policy, int attempts, int64_t since_us,
                   int64_t now_us)
{
    return attempts >= policy->attempts_max || now_us - since_us >= policy->page_deadline_ms * 1000;
}

int64_t retry_backoff_ms(const struct retry_policy *policy, int attempt, int64_t floor_ms,
                         struct rng *rng)
{
    int64_t wait_ms = policy->base_ms;
    for (int i = 1; i < attempt && i < DOUBLINGS_MAX && wait_ms < policy->cap_ms; i++)
        wait_ms = wait_ms * policy->growth_percent / 100;
    if (wait_ms > policy->cap_ms)
        wait_ms = policy->cap_ms;
    wait_ms = wait_ms / 2 + (int64_t)rng_below(rng, (uint64_t)(wait_ms / 2) + 1);
    return wait_ms > floor_ms ? wait_ms : floor_ms;
}

void retry_budget_init(struct retry_budget *budget)
{
    budget->tokens = RETRY_BUDGET_MAX;
}

bool retry_budget_take(struct retry_budget *budget)
{
    if (budget->tokens < RETRY_BUDGET_COST)
        return false;
    budget->tokens -= RETRY_BUDGET_COST;
    return true;
}

void retry_budget_success(struct retry_budget *budget)
{
    if (budget->tokens < RETRY_BUDGET_MAX)
        budget->tokens++;
}

void breaker_init(struct breaker *breaker, int failures_max)
{
    *breaker = (struct breaker){.failures_max = failures_max};
}

bool breaker_allow(struct breaker *breaker, int64_t now_us, int64_t *out_wait_us)
{
    if (!breaker->open)
        return true;
    int64_t wait_us = breaker->probing ? breaker->probe_deadline_us : breaker->next_probe_us;
    if (now_us < wait_us) {
        *out_wait_us = wait_us;
        return false;
    }
    breaker->probing = true;
    breaker->probe_deadline_us = now_us + BREAKER_PROBE_DEADLINE_MS * INT64_C(1000);
    return true;
}

void breaker_success(struct breaker *breaker)
{
    breaker_init(breaker, breaker->failures_max);
}

void breaker_failure(struct breaker *breaker, int64_t now_us, struct rng *rng)
{
    int most = breaker->failures_max > 0 ? breaker->failures_max : BREAKER_FAILURES;
    breaker->consecutive_failures++;
    if (breaker->consecutive_failures < most && !breaker->open)
        return;
    if (!breaker->open)
        breaker->opened_us = now_us;
    breaker->open = true;
    breaker->probing = false;
    int64_t wait_ms = BREAKER_PROBE_EVERY_MS + (int64_t)rng_below(rng, BREAKER_PROBE_EVERY_MS / 4);
    breaker->next_probe_us = now_us + wait_ms * 1000;
}

void breaker_abandon(struct breaker *breaker, int64_t now_us)
{
    if (!breaker->probing)
        return;
    breaker->probing = false;
    breaker->next_probe_us = now_us;
}
