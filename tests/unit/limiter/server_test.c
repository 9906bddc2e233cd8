/* The limiter against a server that counts. Every world must end without one violation. */
#include <stdio.h>

#include "scratch.h"
#include "server.h"
#include "test.h"

/* The default configuration, API_RATE_LIMIT_PER_SECOND and so on. */
#define DEFAULT_LIMITS                                                                             \
    {                                                                                              \
        .max = { 10, 300, 10000, 0, 0 }                                                            \
    }

static struct world_result run(const char *name, const struct world_config *config,
                               enum rate_window binding, int skip_rounds)
{
    struct world_result result = world_run(config, binding, skip_rounds);
    CHECK_TEXT("", result.failure);
    printf("%-44s %7lld calls %3lld violations %3lld refused, %6.2f %% of a %s\n", name,
           (long long)result.calls, (long long)result.violations, (long long)result.refused,
           100 * result.utilisation, rate_window_names[binding]);
    return result;
}

static void check_full(const char *name, const struct world_config *config,
                       enum rate_window binding, int skip_rounds)
{
    struct world_result result = run(name, config, binding, skip_rounds);
    CHECK_INT(0, result.violations);
    CHECK_INT(0, result.refused);
    CHECK(result.utilisation >= 0.99);
    CHECK(result.utilisation <= 1.01); /* more is a mistake of the measure */
}

/* Each window as the binding one, with and without what the server tells. */
static void check_windows(const char *name, bool headers, bool fixed)
{
    static const int64_t LIMITS[RATE_WINDOW_COUNT][RATE_WINDOW_COUNT] = {
        {10, 0, 0, 0, 0},
        {10, 300, 0, 0, 0},
        {10, 300, 10000, 0, 0},
        {100, 3000, 3000, 7000, 0},
        {100, 3000, 5000, 5000, 8000},
    };
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        struct world_config config = {
            .headers = headers,
            .limit_header = headers,
            .fixed_headers = fixed,
            .clients = 40,
            .latency_min_us = 30000,
            .latency_max_us = 600000,
            .seed = 1 + w,
        };
        static const int64_t ROUNDS[RATE_WINDOW_COUNT] = {200, 20, 2, 2, 2};
        for (enum rate_window i = 0; i < RATE_WINDOW_COUNT; i++)
            config.limits.max[i] = LIMITS[w][i];
        config.calls = LIMITS[w][w] * ROUNDS[w] + 1;
        check_full(name, &config, w, w <= RATE_MINUTE ? 2 : 0);
    }
}

TEST(server_full_use_without_headers)
{
    check_windows("no headers", false, false);
}

/* The server's figures must not ratchet the quota down when nobody else uses the key. */
TEST(server_full_use_with_sliding_headers)
{
    check_windows("headers of sliding windows", true, false);
}

TEST(server_full_use_with_fixed_headers)
{
    check_windows("headers of fixed windows", true, true);
}

TEST(server_full_use_of_large_plans)
{
    struct world_config commercial = {
        .limits = {.max = {100, 6000, 300000, 5000000, 50000000}},
        .headers = true,
        .limit_header = true,
        .clients = 64,
        .latency_min_us = 50000,
        .latency_max_us = 250000,
        .seed = 11,
    };
    commercial.calls = 100 * 100 + 1;
    check_full("100/s 6000/min 300k/h", &commercial, RATE_SECOND, 1);
    commercial.limits.max[RATE_SECOND] = 150;
    commercial.calls = 6000 * 4 + 1;
    check_full("150/s 6000/min", &commercial, RATE_MINUTE, 1);
    /* The later rounds show how late the buckets of the first come back. */
    commercial.limits.max[RATE_HOUR] = 15000;
    commercial.limits.max[RATE_MINUTE] = 300;
    commercial.calls = 15000 * 3 + 1;
    check_full("300/min 15k/h", &commercial, RATE_HOUR, 0);
    commercial.limits.max[RATE_HOUR] = 10000;
    commercial.limits.max[RATE_MINUTE] = 175; /* hardly a pause in the hour: wide buckets */
    commercial.calls = 10000 * 2 + 1;
    check_full("175/min 10k/h", &commercial, RATE_HOUR, 0);
    /* More than there are stamps for: buckets, never a violation. */
    struct world_config beyond = {
        .limits = {.max = {0, 9000, 0, 0, 0}},
        .clients = 64,
        .latency_min_us = 100000,
        .latency_max_us = 300000,
        .calls = 9000 * 4 + 1,
        .seed = 12,
    };
    check_full("9000/min in buckets", &beyond, RATE_MINUTE, 1);
}

TEST(server_small_and_odd_limits)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rng rng = {seed};
        struct world_config config = {
            .headers = rng_below(&rng, 2),
            .limit_header = rng_below(&rng, 2),
            .fixed_headers = rng_below(&rng, 2),
            .clients = 1 + (int)rng_below(&rng, 30),
            .latency_min_us = 1000,
            .latency_max_us = 1000 + (int64_t)rng_below(&rng, 2000000),
            .lost_per_mille = (int)rng_below(&rng, 30),
            .idle_per_mille = (int)rng_below(&rng, 30),
            .calls = 1000,
            .seed = seed,
        };
        config.limits.max[RATE_SECOND] = 1 + (int64_t)rng_below(&rng, 12);
        config.limits.max[RATE_MINUTE] = 1 + (int64_t)rng_below(&rng, 130);
        config.limits.max[RATE_HOUR] = 50 + (int64_t)rng_below(&rng, 500);
        config.limits.max[RATE_DAY] = 200 + (int64_t)rng_below(&rng, 900);
        config.limits.max[RATE_MONTH] = 400 + (int64_t)rng_below(&rng, 900);
        config.limits.delay_us = rng_below(&rng, 4) ? 0 : 100000;
        struct world_result result = world_run(&config, RATE_SECOND, 0);
        CHECK_TEXT("", result.failure);
        CHECK_INT(0, result.violations);
        CHECK_INT(0, result.refused);
    }
}

TEST(server_losses_and_idle_clients)
{
    struct world_config config = {
        .limits = DEFAULT_LIMITS,
        .headers = true,
        .clients = 20,
        .latency_min_us = 20000,
        .latency_max_us = 4000000,
        .lost_per_mille = 20,
        .idle_per_mille = 5,
        .calls = 8000,
        .seed = 21,
    };
    struct world_result result = run("2 % lost replies", &config, RATE_SECOND, 1);
    CHECK_INT(0, result.violations);
    CHECK_INT(0, result.refused);
    CHECK(result.utilisation >= 0.75); /* a lost reply holds its permit four times as long */
}

TEST(server_shared_file_and_crashes)
{
    for (int processes = 1; processes <= PROCESSES_MAX; processes++) {
        struct scratch scratch;
        if (!CHECK(scratch_open(&scratch)))
            return;
        struct world_config config = {
            .limits = DEFAULT_LIMITS,
            .headers = processes % 2,
            .directory = scratch.path,
            .processes = processes,
            .clients = 12,
            .latency_min_us = 20000,
            .latency_max_us = 800000,
            .lost_per_mille = 2,
            .crash_per_mille = 10,
            .calls = 1500,
            .seed = 30 + (uint64_t)processes,
        };
        struct world_result result = run("shared file, crashes", &config, RATE_MINUTE, 1);
        CHECK_INT(0, result.violations);
        CHECK_INT(0, result.refused);
        CHECK(result.crashes > 10);
        scratch_close(&scratch);
    }
}

TEST(server_shared_file_full_use)
{
    struct scratch scratch;
    if (!CHECK(scratch_open(&scratch)))
        return;
    struct world_config config = {
        .limits = DEFAULT_LIMITS,
        .headers = true,
        .limit_header = true,
        .directory = scratch.path,
        .processes = 4,
        .clients = 40,
        .latency_min_us = 20000,
        .latency_max_us = 400000,
        .calls = 300 * 10 + 1,
        .seed = 40,
    };
    check_full("four processes, one file", &config, RATE_MINUTE, 1);
    scratch_close(&scratch);
}

/* Nothing is known and much was used: the first call may itself be one too many, nothing after. */
TEST(server_cold_start)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct world_config config = {
            .limits = DEFAULT_LIMITS,
            .headers = true,
            .limit_header = seed % 2,
            .fixed_headers = seed % 3 == 0,
            .clients = 20,
            .latency_min_us = 20000,
            .latency_max_us = 800000,
            .foreign_before = (int)(seed * 12),
            .calls = 700,
            .seed = 50 + seed,
        };
        struct world_result result = world_run(&config, RATE_MINUTE, 0);
        CHECK_TEXT("", result.failure);
        CHECK_INT(0, result.violations);
        CHECK(result.refused <= (config.foreign_before >= 10));
    }
}

TEST(server_forgotten_file)
{
    struct scratch scratch;
    if (!CHECK(scratch_open(&scratch)))
        return;
    struct world_config config = {
        .limits = DEFAULT_LIMITS,
        .headers = true,
        .limit_header = true,
        .directory = scratch.path,
        .processes = 3,
        .clients = 12,
        .latency_min_us = 20000,
        .latency_max_us = 800000,
        .forget_per_mille = 4,
        .calls = 4000,
        .seed = 60,
    };
    struct world_result result = run("file lost again and again", &config, RATE_MINUTE, 1);
    CHECK(result.forgotten > 5);
    CHECK(result.violations <= result.forgotten);
    scratch_close(&scratch);
}

/* A plan that is smaller than configured, told by X-RateLimit-Limit. */
TEST(server_smaller_plan)
{
    struct world_config config = {
        .limits = DEFAULT_LIMITS,
        .server_limit = {5, 100, 3000, 0, 0},
        .headers = true,
        .limit_header = true,
        .clients = 20,
        .latency_min_us = 20000,
        .latency_max_us = 400000,
        .calls = 100 * 25 + 1,
        .seed = 70,
    };
    config.limits.max[RATE_HOUR] = 0;
    config.server_limit[RATE_HOUR] = 0;
    check_full("smaller plan", &config, RATE_MINUTE, 1);
}

/* Another host on the same key: nothing can be proven, but it must not come to blows. */
TEST(server_foreign_calls)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct world_config config = {
            .limits = DEFAULT_LIMITS,
            .headers = true,
            .limit_header = true,
            .fixed_headers = fixed,
            .clients = 10,
            .latency_min_us = 20000,
            .latency_max_us = 200000,
            .foreign_every_us = 500000,
            .calls = 6000,
            .seed = 80,
        };
        struct world_result result = run("another host, 2 calls a second", &config, RATE_MINUTE, 1);
        CHECK_INT(0, result.violations);
        CHECK(result.refused < 6000 / 30);
        CHECK(result.utilisation > 0.2); /* 180 of 300 are left to us, less after each 429 */
    }
}
