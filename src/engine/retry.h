/* When to try again, and when to stop trying: backoff, retry budget, circuit breaker (FAULTS §2.10,
 * after the AWS architecture notes on jitter and on retry budgets, and RFC 9110 §10.2.3). Pure,
 * integers only. Invariant: a probe slot of the breaker is freed on every way out: success,
 * failure, abandon, or its deadline. */
#ifndef ENGINE_RETRY_H
#define ENGINE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct retry_policy {
    int64_t base_ms;          /* first backoff: 500 */
    int64_t cap_ms;           /* largest backoff: 60,000 */
    int attempts_max;         /* per page, the first try included: 6 */
    int64_t page_deadline_ms; /* per page, from its first try: 600,000 */
    int growth_percent;       /* from one backoff to the next: 200 */
    int breaker_failures;     /* in a row that open the breaker; 0 = BREAKER_FAILURES */
};
extern const struct retry_policy retry_policy_default; /* of asking the vendor */
/* Of writing: a database that restarts, or changes places with another, is back within a minute
 * from the first failure of a page; that alone bounds the tries. 200 ms, 5 s, 60 s. */
extern const struct retry_policy retry_policy_write;
/* Whether a page that was tried so often, since then, is left as it is. */
bool retry_is_over(const struct retry_policy *policy, int attempts, int64_t since_us,
                   int64_t now_us);

/* Wait before try number attempt + 1 (attempt >= 1 tries were made): min(cap, base *
 * growth^(attempt-1)), half of it fixed and half random ("equal jitter"), but at least `floor_ms`
 * (Retry-After, rest of a violated window). */
int64_t retry_backoff_ms(const struct retry_policy *policy, int attempt, int64_t floor_ms,
                         struct rng *rng);

/* Token bucket: an outage may add only so many retries. Full = RETRY_BUDGET_MAX. */
enum { RETRY_BUDGET_MAX = 100, RETRY_BUDGET_COST = 5 };
struct retry_budget {
    int64_t tokens;
};
void retry_budget_init(struct retry_budget *budget);
bool retry_budget_take(struct retry_budget *budget); /* false: empty, do not retry */
void retry_budget_success(struct retry_budget *budget);

enum {
    BREAKER_FAILURES = 5,           /* consecutive failures of the origin that open it */
    BREAKER_PROBE_EVERY_MS = 30000, /* plus up to a quarter of jitter */
    BREAKER_PROBE_DEADLINE_MS = 75000,
};
struct breaker {
    int consecutive_failures;
    int failures_max; /* of the policy; 0 = BREAKER_FAILURES */
    bool open;
    bool probing;      /* a probe is out */
    int64_t opened_us; /* when it opened; kept while it stays open */
    int64_t next_probe_us;
    int64_t probe_deadline_us;
};
void breaker_init(struct breaker *breaker, int failures_max);
/* Whether a request may go out now; when it may and the breaker is open, it is the probe. Otherwise
 * *out_wait_us is when to ask again. */
bool breaker_allow(struct breaker *breaker, int64_t now_us, int64_t *out_wait_us);
void breaker_success(struct breaker *breaker);
void breaker_failure(struct breaker *breaker, int64_t now_us, struct rng *rng);
/* An allowed request was not sent after all. */
void breaker_abandon(struct breaker *breaker, int64_t now_us);

#endif
