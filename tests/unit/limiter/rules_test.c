/* The limiter's rules one by one, at moments that are easy to read. */
#include <stdlib.h>
#include <string.h>

#include "engine/limiter.h"
#include "scratch.h"
#include "test.h"

static const int64_t ABANDON_US = 60000000;
/* A window and the share that two clocks may drift apart in it. */
static int64_t window_us(enum rate_window w)
{
    return seconds(rate_window_s[w]) * 2001 / 2000;
}

struct bench {
    struct limiter_state *state;
    struct limiter_limits limits;
    int64_t now_us;
};

static void bench_open(struct bench *b, const struct limiter_limits *limits)
{
    b->state = calloc(1, limiter_state_size());
    b->limits = *limits;
    b->now_us = seconds(1000);
    limiter_state_init(b->state);
}

static void bench_close(struct bench *b)
{
    CHECK(limiter_state_valid(b->state));
    free(b->state);
}

static struct permit ask(struct bench *b)
{
    return limiter_acquire(b->state, &b->limits, b->now_us,
                           &(struct limiter_ask){7, ABANDON_US, CALL_BACKFILL, 0});
}

static void give_back(struct bench *b, uint32_t ticket, const struct reply_headers *headers)
{
    limiter_received(b->state, &b->limits, ticket, b->now_us, headers);
}

/* One call without delay that tells nothing. */
static bool call(struct bench *b)
{
    struct reply_headers headers = no_headers();
    struct permit permit = ask(b);
    if (permit.answer == PERMIT_GRANTED)
        give_back(b, permit.ticket, &headers);
    return permit.answer == PERMIT_GRANTED;
}

/* Past the cold start, and past what it assumed. */
static void warm_up(struct bench *b)
{
    CHECK(call(b));
    b->now_us += seconds(40LL * 86400);
}

static int64_t left(const struct bench *b, enum rate_window w)
{
    return limiter_left(b->state, &b->limits, b->now_us, w);
}

static struct permit ask_as(struct bench *b, uint64_t owner, enum call_priority priority,
                            int reserve_percent)
{
    return limiter_acquire(b->state, &b->limits, b->now_us,
                           &(struct limiter_ask){owner, ABANDON_US, priority, reserve_percent});
}

TEST(limiter_window_opens_just_after_the_oldest_reply)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {3}});
    warm_up(&b);
    int64_t first_us = b.now_us;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(3 - i, left(&b, RATE_SECOND));
        CHECK(call(&b));
        b.now_us += 1000;
    }
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_WAIT, permit.answer);
    CHECK_INT(RATE_SECOND, permit.window);
    CHECK_INT(first_us + window_us(RATE_SECOND) + 1, permit.wait_until_us);
    b.now_us = permit.wait_until_us - 1;
    CHECK(!call(&b));
    b.now_us++;
    CHECK(call(&b));
    CHECK(!call(&b));
    b.now_us += 1000;
    CHECK(call(&b));
    CHECK_INT(INT64_MAX, left(&b, RATE_HOUR));
    bench_close(&b);
}

TEST(limiter_open_permits_count)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {3}});
    warm_up(&b);
    struct reply_headers headers = no_headers();
    struct permit permits[3];
    for (int i = 0; i < 3; i++) {
        permits[i] = ask(&b);
        CHECK_INT(PERMIT_GRANTED, permits[i].answer);
    }
    b.now_us += seconds(20); /* slow replies: the server may see them this late */
    CHECK(!call(&b));
    give_back(&b, permits[1].ticket, &headers);
    int64_t received_us = b.now_us;
    b.now_us += 500000;
    give_back(&b, permits[1].ticket, &headers); /* a ticket works once */
    CHECK_INT(0, left(&b, RATE_SECOND));
    struct permit permit = ask(&b);
    CHECK_INT(received_us + window_us(RATE_SECOND) + 1, permit.wait_until_us);
    limiter_cancel(b.state, permits[0].ticket);
    limiter_cancel(b.state, permits[0].ticket);
    limiter_cancel(b.state, 12345);
    CHECK_INT(1, left(&b, RATE_SECOND));
    CHECK(call(&b));
    CHECK(!call(&b));
    bench_close(&b);
}

TEST(limiter_cancelled_permit_delays_nobody)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.delay_us = 300000});
    warm_up(&b);
    b.now_us += seconds(1);
    CHECK(call(&b));
    int64_t granted_us = b.now_us;
    b.now_us += 300000;
    limiter_cancel(b.state, ask(&b).ticket); /* 300 ms since the last that was sent, none since */
    struct permit first = ask(&b), second = ask(&b);
    CHECK_INT(PERMIT_GRANTED, first.answer);
    CHECK_INT(PERMIT_WAIT, second.answer);
    CHECK_INT(granted_us + 600000, second.wait_until_us);
    b.now_us += 300000;
    second = ask(&b);
    limiter_cancel(b.state, first.ticket); /* another was granted since */
    CHECK_INT(PERMIT_GRANTED, second.answer);
    CHECK_INT(b.now_us + 300000, ask(&b).wait_until_us);
    bench_close(&b);
}

TEST(limiter_long_windows_are_spent)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {0, 5, 0, 7, 0}});
    warm_up(&b);
    for (int i = 0; i < 5; i++)
        CHECK(call(&b));
    CHECK_INT(PERMIT_WAIT, ask(&b).answer);
    b.now_us += window_us(RATE_MINUTE) + 1;
    CHECK(call(&b));
    CHECK(call(&b));
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_SPENT, permit.answer);
    CHECK_INT(RATE_DAY, permit.window);
    CHECK_INT(0, left(&b, RATE_DAY));
    b.now_us = permit.wait_until_us;
    CHECK_INT(5, left(&b, RATE_DAY));
    CHECK(call(&b));
    bench_close(&b);
}

TEST(limiter_delay_between_sends)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.delay_us = 100000});
    b.now_us = 0; /* nothing was sent before the beginning of time */
    CHECK(call(&b));
    b.now_us += 40000;
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_WAIT, permit.answer);
    CHECK_INT(100000, permit.wait_until_us);
    CHECK_INT(RATE_WINDOW_COUNT, permit.window);
    b.now_us = 100000;
    CHECK(call(&b));
    bench_close(&b);
}

TEST(limiter_abandoned_and_lost_calls)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {2}});
    warm_up(&b);
    int64_t granted_us = b.now_us;
    struct permit abandoned = ask(&b);
    struct permit lost = ask(&b);
    b.now_us += seconds(10);
    give_back(&b, lost.ticket, NULL);
    give_back(&b, lost.ticket, NULL);
    limiter_cancel(b.state, lost.ticket);
    int64_t closed_us = b.now_us;
    CHECK(!call(&b));
    b.now_us = closed_us + seconds(3); /* the guard ends: counts as received now */
    CHECK(!call(&b));
    b.now_us += window_us(RATE_SECOND) + 1;
    CHECK(call(&b));
    b.now_us = granted_us + ABANDON_US - 1;
    CHECK_INT(1, left(&b, RATE_SECOND));
    b.now_us++;
    CHECK(call(&b));
    CHECK(!call(&b));
    struct reply_headers headers = no_headers();
    give_back(&b, abandoned.ticket, &headers); /* too late to matter */
    b.now_us = granted_us + ABANDON_US + window_us(RATE_SECOND) + 1;
    CHECK(call(&b));
    CHECK(call(&b));
    CHECK(!call(&b));
    bench_close(&b);
}

TEST(limiter_open_table_is_bounded)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){0});
    warm_up(&b);
    uint32_t tickets[LIMITER_OPEN_MAX];
    for (int i = 0; i < LIMITER_OPEN_MAX; i++) {
        struct permit permit = ask(&b);
        CHECK_INT(PERMIT_GRANTED, permit.answer);
        tickets[i] = permit.ticket;
        CHECK(permit.ticket != 0);
        CHECK(i == 0 || tickets[i] != tickets[i - 1]);
    }
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_WAIT, permit.answer);
    CHECK(permit.wait_until_us > b.now_us);
    limiter_cancel(b.state, tickets[100]);
    CHECK_INT(PERMIT_GRANTED, ask(&b).answer);
    CHECK_INT(PERMIT_WAIT, ask(&b).answer);
    b.now_us += ABANDON_US;
    CHECK_INT(PERMIT_GRANTED, ask(&b).answer);
    bench_close(&b);
}

TEST(limiter_cold_start_goes_alone)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300, 10000}});
    struct permit first = ask(&b);
    CHECK_INT(PERMIT_GRANTED, first.answer);
    struct permit second = ask(&b);
    CHECK_INT(PERMIT_WAIT, second.answer);
    CHECK(second.wait_until_us > b.now_us);
    /* The connection broke: nothing was learnt, the next goes alone as well. */
    give_back(&b, first.ticket, NULL);
    CHECK_INT(PERMIT_WAIT, ask(&b).answer);
    b.now_us += seconds(4);
    first = ask(&b);
    CHECK_INT(PERMIT_GRANTED, first.answer);
    CHECK_INT(PERMIT_WAIT, ask(&b).answer);
    struct reply_headers headers = no_headers();
    headers.remaining[RATE_SECOND] = 9;
    headers.remaining[RATE_MINUTE] = 120;
    headers.remaining[RATE_HOUR] = 9000;
    give_back(&b, first.ticket, &headers);
    CHECK_INT(8, left(&b, RATE_SECOND)); /* the lost call may not have been counted yet */
    CHECK_INT(120, left(&b, RATE_MINUTE));
    CHECK_INT(9000, left(&b, RATE_HOUR));
    for (int i = 0; i < 8; i++)
        CHECK_INT(PERMIT_GRANTED, ask(&b).answer);
    CHECK_INT(PERMIT_WAIT, ask(&b).answer);
    bench_close(&b);
}

TEST(limiter_cold_start_without_headers_spends_the_second)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300}});
    CHECK(call(&b));
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_WAIT, permit.answer);
    CHECK_INT(RATE_SECOND, permit.window);
    CHECK_INT(b.now_us + window_us(RATE_SECOND) + 1, permit.wait_until_us);
    b.now_us = permit.wait_until_us;
    for (int i = 0; i < 10; i++)
        CHECK(call(&b));
    CHECK(!call(&b));
    bench_close(&b);
}

/* A plan larger than our limit: what the server has seen in the last minute may be our own lost
 * count, but other users of the key must not spend our share of a month. */
TEST(limiter_cold_start_on_a_larger_plan)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300, 0, 0, 5000}});
    struct permit permit = ask(&b);
    struct reply_headers headers = no_headers();
    headers.limit[RATE_SECOND] = 100;
    headers.remaining[RATE_SECOND] = 92;
    headers.limit[RATE_MONTH] = 100000;
    headers.remaining[RATE_MONTH] = 40000;
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(2, left(&b, RATE_SECOND));
    CHECK_INT(4999, left(&b, RATE_MONTH));
    /* Once warm, theirs is theirs. */
    permit = ask(&b);
    headers.remaining[RATE_SECOND] = 50;
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(1, left(&b, RATE_SECOND));
    bench_close(&b);
}

TEST(limiter_headers_correct_downward_only)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300}});
    warm_up(&b);
    struct reply_headers headers = no_headers();
    struct permit permit = ask(&b);
    headers.remaining[RATE_MINUTE] = 100;
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(100, left(&b, RATE_MINUTE));
    for (int i = 0; i < 5; i++) { /* the same again: nothing more is missing */
        permit = ask(&b);
        headers.remaining[RATE_MINUTE]--;
        give_back(&b, permit.ticket, &headers);
        CHECK_INT(headers.remaining[RATE_MINUTE], left(&b, RATE_MINUTE));
    }
    permit = ask(&b);
    headers.remaining[RATE_MINUTE] = 250; /* more than we would have thought: not believed */
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(94, left(&b, RATE_MINUTE));
    b.now_us += window_us(RATE_MINUTE) + 1; /* what others used grows old like our own */
    CHECK_INT(300, left(&b, RATE_MINUTE));
    bench_close(&b);
}

TEST(limiter_headers_lower_the_limit)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300}});
    warm_up(&b);
    struct reply_headers headers = no_headers();
    struct permit permit = ask(&b);
    headers.limit[RATE_SECOND] = 4;
    headers.limit[RATE_HOUR] = 1000; /* which was unlimited */
    headers.limit[RATE_DAY] = INT64_MAX;
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(3, left(&b, RATE_SECOND));
    CHECK_INT(999, left(&b, RATE_HOUR));
    CHECK(left(&b, RATE_DAY) > 1000000);
    permit = ask(&b);
    headers.limit[RATE_SECOND] = 50; /* an upgrade; our own limit stands */
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(8, left(&b, RATE_SECOND));
    bench_close(&b);
}

TEST(limiter_nothing_remains)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300, 0}});
    warm_up(&b);
    struct reply_headers headers = no_headers();
    struct permit permit = ask(&b);
    headers.remaining[RATE_MINUTE] = 0;
    headers.reset_s[RATE_MINUTE] = 17;
    give_back(&b, permit.ticket, &headers);
    struct permit refused = ask(&b);
    CHECK_INT(PERMIT_WAIT, refused.answer);
    CHECK(refused.wait_until_us >= b.now_us + seconds(17));
    CHECK_INT(0, left(&b, RATE_MINUTE));
    b.now_us += window_us(RATE_MINUTE) + 1;
    /* A window without any limit of ours: until its reset, or its length. */
    permit = ask(&b);
    headers = no_headers();
    headers.remaining[RATE_HOUR] = 0;
    headers.reset_s[RATE_HOUR] = 500;
    give_back(&b, permit.ticket, &headers);
    refused = ask(&b);
    CHECK_INT(PERMIT_SPENT, refused.answer);
    CHECK_INT(RATE_HOUR, refused.window);
    CHECK_INT(b.now_us + seconds(500), refused.wait_until_us);
    b.now_us += seconds(500);
    permit = ask(&b);
    headers.reset_s[RATE_HOUR] = -1;
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(b.now_us + window_us(RATE_HOUR), ask(&b).wait_until_us);
    b.now_us += window_us(RATE_HOUR);
    permit = ask(&b);
    headers.reset_s[RATE_HOUR] = INT64_MAX; /* nonsense has a bound */
    give_back(&b, permit.ticket, &headers);
    CHECK(ask(&b).wait_until_us <= b.now_us + seconds(3720));
    bench_close(&b);
}

/* Our own calls fill the window: the rule waits by itself, to the microsecond. */
TEST(limiter_nothing_remains_because_of_us)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {2}});
    warm_up(&b);
    int64_t first_us = b.now_us;
    struct reply_headers headers = no_headers();
    for (int i = 0; i < 2; i++) {
        struct permit permit = ask(&b);
        b.now_us += 300000;
        headers.remaining[RATE_SECOND] = 1 - i;
        headers.reset_s[RATE_SECOND] = 1;
        give_back(&b, permit.ticket, &headers);
    }
    CHECK_INT(first_us + 300000 + window_us(RATE_SECOND) + 1, ask(&b).wait_until_us);
    bench_close(&b);
}

/* Most of a month was used by others; its announced reset, not another month, ends that. */
TEST(limiter_reset_of_a_long_window_is_asked_for_alone)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 0, 0, 0, 1000}});
    struct reply_headers headers = no_headers();
    headers.limit[RATE_MONTH] = 1000;
    headers.remaining[RATE_MONTH] = 2;
    headers.reset_s[RATE_MONTH] = 3LL * 86400;
    struct permit permit = ask(&b);
    give_back(&b, permit.ticket, &headers);
    int64_t start_us = b.now_us;
    b.now_us += seconds(2);
    CHECK(call(&b));
    CHECK(call(&b));
    permit = ask(&b);
    CHECK_INT(PERMIT_SPENT, permit.answer);
    CHECK_INT(RATE_MONTH, permit.window);
    CHECK_INT(start_us + seconds(3LL * 86400 + 1), permit.wait_until_us);
    b.now_us = permit.wait_until_us;
    permit = ask(&b);
    CHECK_INT(PERMIT_GRANTED, permit.answer);
    CHECK_INT(PERMIT_WAIT, ask(&b).answer); /* alone */
    headers.remaining[RATE_MONTH] = 900;
    headers.reset_s[RATE_MONTH] = 30LL * 86400;
    give_back(&b, permit.ticket, &headers);
    CHECK_INT(900, left(&b, RATE_MONTH));
    CHECK_INT(PERMIT_GRANTED, ask(&b).answer);
    CHECK_INT(PERMIT_GRANTED, ask(&b).answer);
    bench_close(&b);
}

/* The call that goes alone is answered without figures: the foreign calls are believed on. */
TEST(limiter_reset_that_nobody_confirms)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {0, 0, 0, 100, 0}});
    struct reply_headers headers = no_headers();
    headers.remaining[RATE_DAY] = 1;
    headers.reset_s[RATE_DAY] = 60;
    struct permit permit = ask(&b);
    give_back(&b, permit.ticket, &headers);
    int64_t start_us = b.now_us;
    CHECK(call(&b));
    CHECK(!call(&b));
    b.now_us += seconds(61);
    CHECK(call(&b));
    permit = ask(&b);
    CHECK_INT(PERMIT_SPENT, permit.answer);
    CHECK_INT(start_us + window_us(RATE_DAY) + 1, permit.wait_until_us);
    bench_close(&b);
}

TEST(limiter_throttled_pauses_and_slows)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300}});
    warm_up(&b);
    limiter_throttled(b.state, &b.limits, b.now_us, b.now_us + seconds(5), RATE_SECOND);
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_WAIT, permit.answer);
    CHECK_INT(b.now_us + seconds(5), permit.wait_until_us);
    CHECK_INT(0, left(&b, RATE_MINUTE));
    /* Its companions are refused too: that is one reason, and a shorter pause ends no longer one.
     */
    limiter_throttled(b.state, &b.limits, b.now_us + 1000, b.now_us + seconds(1), RATE_SECOND);
    b.now_us += seconds(5);
    CHECK_INT(10, left(&b, RATE_SECOND)); /* five windows have given five calls back */
    limiter_throttled(b.state, &b.limits, b.now_us, b.now_us, RATE_MINUTE);
    CHECK_INT(150, left(&b, RATE_MINUTE));
    b.now_us += seconds(61);
    limiter_throttled(b.state, &b.limits, b.now_us, b.now_us, RATE_MINUTE);
    CHECK_INT(75, left(&b, RATE_MINUTE));
    for (int i = 0; i < 20; i++) {
        b.now_us += seconds(61);
        limiter_throttled(b.state, &b.limits, b.now_us, b.now_us, RATE_MINUTE);
    }
    CHECK_INT(1, left(&b, RATE_MINUTE));
    CHECK(call(&b));
    b.now_us += 10 * window_us(RATE_MINUTE) + 1;
    CHECK_INT(11, left(&b, RATE_MINUTE));
    b.now_us += 1000 * window_us(RATE_MINUTE);
    CHECK_INT(300, left(&b, RATE_MINUTE));
    bench_close(&b);
}

TEST(limiter_throttled_for_a_long_window_is_spent)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10}});
    warm_up(&b);
    limiter_throttled(b.state, &b.limits, b.now_us, INT64_MAX, RATE_DAY);
    struct permit permit = ask(&b);
    CHECK_INT(PERMIT_SPENT, permit.answer);
    CHECK_INT(RATE_DAY, permit.window);
    CHECK(permit.wait_until_us <= b.now_us + seconds(31LL * 86400));
    bench_close(&b);
    bench_open(&b, &(struct limiter_limits){.max = {10}});
    warm_up(&b);
    limiter_throttled(b.state, &b.limits, b.now_us, b.now_us + seconds(2), RATE_WINDOW_COUNT);
    CHECK_INT(PERMIT_WAIT, ask(&b).answer);
    b.now_us += seconds(2);
    CHECK_INT(10, left(&b, RATE_SECOND));
    bench_close(&b);
}

TEST(limiter_clock_that_goes_back_frees_nothing)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {2, 0, 5}});
    warm_up(&b);
    CHECK(call(&b));
    CHECK(call(&b));
    int64_t full_us = b.now_us;
    int64_t backs[] = {1, 1000000, seconds(3600), b.now_us};
    for (size_t i = 0; i < sizeof backs / sizeof backs[0]; i++) {
        b.now_us = full_us - backs[i];
        CHECK(!call(&b));
        CHECK_INT(0, left(&b, RATE_SECOND));
        CHECK_INT(3, left(&b, RATE_HOUR));
    }
    b.now_us = full_us + window_us(RATE_SECOND) + 1;
    CHECK(call(&b));
    CHECK_INT(2, left(&b, RATE_HOUR));
    bench_close(&b);
}

/* Stamps keep 32 bits of a time: a pause of any length must neither hide nor revive one. */
TEST(limiter_long_pauses)
{
    const int64_t round_us = 1LL << 32;
    for (int64_t pause_us = seconds(59); pause_us < 3 * round_us; pause_us += seconds(61)) {
        struct bench b;
        bench_open(&b, &(struct limiter_limits){.max = {3, 10, 1000}});
        warm_up(&b);
        for (int i = 0; i < 3; i++)
            CHECK(call(&b));
        CHECK(!call(&b));
        b.now_us += pause_us;
        CHECK(call(&b));
        CHECK_INT(2, left(&b, RATE_SECOND));
        CHECK_INT(pause_us < seconds(60) ? 6 : 9, left(&b, RATE_MINUTE));
        bench_close(&b);
    }
    /* To where the low bits of old and new meet again. */
    for (int64_t off_us = -seconds(3); off_us <= seconds(3); off_us += 250000) {
        struct bench b;
        bench_open(&b, &(struct limiter_limits){.max = {3, 10, 1000}});
        warm_up(&b);
        CHECK(call(&b));
        b.now_us += round_us + off_us;
        CHECK(call(&b));
        CHECK_INT(2, left(&b, RATE_SECOND));
        CHECK_INT(9, left(&b, RATE_MINUTE));
        bench_close(&b);
    }
}

/* `count` calls in about span_s, each as far from the last as random (or all alike). */
static int64_t *make_calls(struct bench *b, int64_t count, int64_t span_s, bool even)
{
    int64_t *at_us = calloc((size_t)count, sizeof *at_us);
    struct rng rng = {(uint64_t)count};
    int64_t mean_us = seconds(span_s) / count;
    for (int64_t i = 0; i < count; i++) {
        at_us[i] = b->now_us;
        CHECK(call(b));
        b->now_us += even ? mean_us : (int64_t)rng_below(&rng, (uint64_t)mean_us * 2);
    }
    return at_us;
}

/* Step through two hours: no call may come back before its hour has passed. Returns by how much the
 * latest one was late. */
static int64_t watch_calls(struct bench *b, const int64_t *at_us, int64_t count, int64_t limit)
{
    int64_t ended = 0; /* calls whose window has passed */
    int64_t latest_us = 0;
    for (int step = 0; step < 2400; step++) {
        b->now_us += seconds(3);
        while (ended < count && at_us[ended] + window_us(RATE_HOUR) < b->now_us)
            ended++;
        int64_t back = count - (limit - left(b, RATE_HOUR));
        CHECK(back <= ended);
        int64_t late_us = back < ended ? b->now_us - at_us[back] - window_us(RATE_HOUR) : 0;
        latest_us = late_us > latest_us ? late_us : latest_us;
    }
    CHECK_INT(limit, left(b, RATE_HOUR));
    return latest_us;
}

/* Buckets count every call until it is surely out of its window, and hold none much longer: 1 % of
 * the window, also where the calls fill it evenly, which makes the buckets as wide as they get. */
TEST(limiter_buckets_are_careful_and_fine)
{
    static const int64_t LIMITS[] = {1, 2, 61, 62, 63, 64, 65, 127, 1000, 9999};
    for (size_t n = 0; n < sizeof LIMITS / sizeof LIMITS[0]; n++) {
        for (int even = 0; even < 2; even++) {
            int64_t limit = LIMITS[n];
            struct bench b;
            bench_open(&b, &(struct limiter_limits){.max = {0, 0, limit}});
            warm_up(&b);
            int64_t *at_us = make_calls(&b, limit, even ? 3500 : 1500, even);
            CHECK(!call(&b));
            CHECK(watch_calls(&b, at_us, limit, limit) <= seconds(36));
            free(at_us);
            bench_close(&b);
        }
    }
}

/* A window that nobody limits fills all buckets, which are merged; then the server tells a limit.
 */
TEST(limiter_buckets_that_run_out)
{
    for (int even = 0; even < 2; even++) {
        struct bench b;
        bench_open(&b, &(struct limiter_limits){0});
        warm_up(&b);
        int64_t *at_us = make_calls(&b, 20000, 3000, even);
        struct permit permit = ask(&b);
        struct reply_headers headers = no_headers();
        headers.limit[RATE_HOUR] = 50000;
        limiter_cancel(b.state, permit.ticket);
        permit = ask(&b);
        give_back(&b, permit.ticket, &headers);
        CHECK_INT(50000 - 20001, left(&b, RATE_HOUR));
        at_us = realloc(at_us, 20001 * sizeof *at_us);
        at_us[20000] = b.now_us;
        CHECK(watch_calls(&b, at_us, 20001, 50000) <= seconds(900));
        free(at_us);
        bench_close(&b);
    }
}

/* A reply that was long under way speaks of the moment the server saw its call: what counted then
 * is not foreign because it has stopped counting since. */
TEST(limiter_late_reply_finds_nothing_missing)
{
    for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++) {
        struct bench b;
        struct limiter_limits limits = {.max = {0}};
        limits.max[w] = 4;
        bench_open(&b, &limits);
        warm_up(&b);
        for (int i = 0; i < 3; i++)
            CHECK(call(&b));
        b.now_us += window_us(w) - 100000;
        struct permit permit = ask(&b);
        CHECK_INT(PERMIT_GRANTED, permit.answer);
        b.now_us += 200000;
        limiter_cancel(b.state, ask(&b).ticket); /* a chance to forget what has expired */
        struct reply_headers headers = no_headers();
        headers.remaining[w] = 0;
        headers.reset_s[w] = 1;
        give_back(&b, permit.ticket, &headers);
        CHECK_INT(3, left(&b, w));
        bench_close(&b);
    }
}

/* Bytes of a file are refused before they can hurt, whatever they say. */
TEST(limiter_state_valid_survives_noise)
{
    size_t size = limiter_state_size();
    CHECK(size <= 65536);
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {10, 300, 10000, 50000, 1000000}});
    struct reply_headers headers = no_headers();
    for (int i = 0; i < 1000; i++) {
        struct permit permit = ask(&b);
        headers.remaining[RATE_DAY] = 20000;
        if (permit.answer == PERMIT_GRANTED && i % 5)
            give_back(&b, permit.ticket, i % 7 ? &headers : NULL);
        b.now_us += 150000;
    }
    CHECK(limiter_state_valid(b.state));
    struct limiter_state *noisy = malloc(size);
    struct rng rng = {5};
    int accepted = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(noisy, b.state, size);
        /* The figures stand in the first part, and a fair share of the noise should hit them. */
        static const size_t RANGES[] = {96, 8192, 16384};
        size_t range = round % 4 == 3 ? size : RANGES[round % 4];
        for (uint64_t i = rng_below(&rng, 8) + 1; i > 0; i--)
            ((uint8_t *)noisy)[rng_below(&rng, range)] = (uint8_t)rng_next(&rng);
        if (!limiter_state_valid(noisy))
            continue;
        accepted++;
        int64_t now_us = b.now_us;
        for (int i = 0; i < 10; i++) {
            struct permit permit = limiter_acquire(
                noisy, &b.limits, now_us, &(struct limiter_ask){1, ABANDON_US, CALL_BACKFILL, 0});
            limiter_received(noisy, &b.limits, permit.ticket, now_us + 1000, &headers);
            limiter_throttled(noisy, &b.limits, now_us, now_us, (enum rate_window)(i % 6));
            for (enum rate_window w = 0; w < RATE_WINDOW_COUNT; w++)
                CHECK(limiter_left(noisy, &b.limits, now_us, w) >= 0);
            now_us += seconds(1 << 2 * i);
        }
    }
    CHECK(accepted > 1000 && accepted < 19000);
    memset(noisy, 0, size);
    CHECK(!limiter_state_valid(noisy));
    memset(noisy, 0xFF, size);
    CHECK(!limiter_state_valid(noisy));
    free(noisy);
    bench_close(&b);
}

/* ---- priorities and reserves ---- */

TEST(limiter_gives_way_to_who_waits_with_a_higher_priority)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {0, 2}});
    warm_up(&b);
    int64_t first_us = b.now_us;
    while (call(&b))
        b.now_us += 1000;
    struct permit high = ask_as(&b, 2, CALL_NEWEST, 0);
    CHECK_INT(PERMIT_WAIT, high.answer);
    b.now_us = first_us + seconds(200);                                /* every call has expired */
    CHECK_INT(PERMIT_GRANTED, ask_as(&b, 1, CALL_BACKFILL, 0).answer); /* it never came back */
    bench_close(&b);
}

TEST(limiter_priority_holds_while_the_other_comes_back)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {1}});
    warm_up(&b);
    b.now_us += seconds(2);
    struct permit first = ask_as(&b, 1, CALL_BACKFILL, 0);
    CHECK_INT(PERMIT_GRANTED, first.answer);
    const struct reply_headers headers = no_headers();
    give_back(&b, first.ticket, &headers);
    struct permit high = ask_as(&b, 2, CALL_NEWEST, 0);
    struct permit middle = ask_as(&b, 3, CALL_REPAIR, 0);
    CHECK_INT(PERMIT_WAIT, high.answer);
    CHECK_INT(PERMIT_WAIT, middle.answer);
    b.now_us = high.wait_until_us;
    CHECK_INT(PERMIT_WAIT, ask_as(&b, 1, CALL_BACKFILL, 0).answer);
    CHECK_INT(PERMIT_WAIT, ask_as(&b, 3, CALL_REPAIR, 0).answer);
    CHECK_INT(PERMIT_GRANTED, ask_as(&b, 2, CALL_NEWEST, 0).answer);
    bench_close(&b);
}

TEST(limiter_own_wish_is_in_nobodys_way)
{
    struct bench b;
    bench_open(&b, &(struct limiter_limits){.max = {0, 100}});
    warm_up(&b);
    CHECK_INT(PERMIT_GRANTED, ask_as(&b, 1, CALL_NEWEST, 0).answer);
    CHECK_INT(PERMIT_GRANTED, ask_as(&b, 1, CALL_BACKFILL, 0).answer);
    CHECK_INT(PERMIT_WAIT, ask_as(&b, 2, CALL_BACKFILL, 0).answer); /* 1 may go on */
    b.now_us += seconds(1);
    CHECK_INT(PERMIT_GRANTED, ask_as(&b, 2, CALL_BACKFILL, 0).answer);
    bench_close(&b);
}

TEST(limiter_reserve_is_left_to_others)
{
    static const struct {
        int64_t limit;
        int percent;
        int64_t calls;
    } cases[] = {{10, 20, 8}, {10, 25, 7}, {3, 34, 1}, {1, 90, 1}, {10, 0, 10}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct bench b;
        bench_open(&b, &(struct limiter_limits){.max = {0, 0, 0, cases[i].limit}});
        int64_t calls = 0;
        for (; calls < 20; calls++) {
            struct permit permit = ask_as(&b, 1, CALL_BACKFILL, cases[i].percent);
            if (permit.answer != PERMIT_GRANTED) {
                CHECK_INT(PERMIT_SPENT, permit.answer);
                CHECK_INT(RATE_DAY, permit.window);
                break;
            }
            b.now_us += seconds(1);
            const struct reply_headers headers = no_headers();
            give_back(&b, permit.ticket, &headers);
        }
        CHECK_INT(cases[i].calls, calls);
        struct permit other = ask_as(&b, 2, CALL_BACKFILL, 0);
        CHECK_INT(cases[i].calls < cases[i].limit ? PERMIT_GRANTED : PERMIT_SPENT, other.answer);
        bench_close(&b);
    }
}
