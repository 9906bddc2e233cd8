/* The pool of connections over a driver that only counts. */
#include "store/sql/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "limited_allocator.h"
#include "test.h"

enum { THREADS = 16, ROUNDS = 400 };

struct fake_connection {
    struct sql_connection base;
    atomic_bool taken;
    bool was_used;
};

/* What the driver of the test sees; reached through the clock of the target. */
struct fake_server {
    struct sql_target target;
    struct clock clock;
    struct sql_driver driver;
    _Atomic int64_t now_us;
    atomic_int open, most_open, opened, closed;
    atomic_int fail_opens;      /* so many opens fail from now on … */
    enum ccd_status fails_with; /* … so */
    atomic_bool is_missing;
    int open_us; /* an open takes so long */
};

static struct fake_server *server_of(const struct sql_target *target)
{
    return target->clock->user;
}

static int64_t fake_mono_us(void *user)
{
    struct fake_server *server = user;
    return server->now_us;
}

static void sleep_us(long us)
{
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static int fake_open(const struct sql_target *target, struct sql_connection **out,
                     bool *out_missing, struct ccd_error *err)
{
    struct fake_server *server = server_of(target);
    if (server->open_us > 0)
        sleep_us(server->open_us);
    *out = NULL;
    *out_missing = server->is_missing;
    if (server->is_missing)
        return CCD_OK;
    if (server->fail_opens > 0) {
        server->fail_opens--;
        return error_set(err, server->fails_with, "refused");
    }
    struct fake_connection *c = calloc(1, sizeof(*c));
    c->base = (struct sql_connection){.driver = &server->driver, .target = target};
    int open = ++server->open;
    int most = server->most_open;
    while (open > most && !atomic_compare_exchange_weak(&server->most_open, &most, open))
        continue;
    server->opened++;
    *out = &c->base;
    return CCD_OK;
}

static void fake_close(struct sql_connection *connection)
{
    struct fake_connection *c = (struct fake_connection *)connection;
    struct fake_server *server = server_of(connection->target);
    CHECK(!c->taken);
    server->open--;
    server->closed++;
    free(c);
}

static struct sql_pool *start(struct fake_server *server, int64_t size, int64_t overflow,
                              int64_t timeout_ms, int64_t recycle_s)
{
    *server = (struct fake_server){.now_us = 1000, .fails_with = CCD_DATABASE_PERMISSION};
    server->clock = (struct clock){.mono_us = fake_mono_us, .user = server};
    server->driver = (struct sql_driver){.scheme = "fake", .open = fake_open, .close = fake_close};
    server->target.clock = &server->clock;
    str_copy(server->target.name, sizeof(server->target.name), STR("user@host/db"));
    const struct sql_pool_config config = {
        .driver = &server->driver,
        .target = &server->target,
        .size = size,
        .overflow = overflow,
        .timeout_ms = timeout_ms,
        .recycle_s = recycle_s,
    };
    struct sql_pool *pool = NULL;
    struct ccd_error err = {0};
    CHECK_INT(CCD_OK, sql_pool_new(&config, &pool, &err));
    return pool;
}

static struct sql_connection *take(struct sql_pool *pool)
{
    struct sql_connection *c = NULL;
    struct ccd_error err = {0};
    CHECK_INT(CCD_OK, sql_pool_take(pool, &c, &err));
    return c;
}

static void check_counts(struct sql_pool *pool, int open, int idle, int opened, int recycled)
{
    struct sql_pool_counts counts = sql_pool_counts(pool);
    CHECK_INT(open, counts.open);
    CHECK_INT(idle, counts.idle);
    CHECK_INT(opened, counts.opened_ever);
    CHECK_INT(recycled, counts.recycled_ever);
}

TEST(pool_nothing)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 2, 0, 0, 0);
    sql_pool_give(pool, NULL);
    check_counts(pool, 0, 0, 0, 0);
    sql_pool_free(pool);
    sql_pool_free(NULL);
    CHECK_INT(0, server.opened);
}

TEST(pool_the_last_used_comes_first)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 2, 0, 0, 0);
    struct sql_connection *a = take(pool);
    struct sql_connection *b = take(pool);
    CHECK(a != b);
    sql_pool_give(pool, a);
    sql_pool_give(pool, b);
    check_counts(pool, 2, 2, 2, 0);
    CHECK(take(pool) == b);
    sql_pool_give(pool, b);
    CHECK(take(pool) == b);
    CHECK(take(pool) == a);
    sql_pool_give(pool, b);
    sql_pool_give(pool, a);
    sql_pool_free(pool);
    CHECK_INT(2, server.closed);
}

TEST(pool_overflow_is_closed)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 2, 3, 0, 0);
    struct sql_connection *taken[5];
    for (int i = 0; i < 5; i++)
        taken[i] = take(pool);
    check_counts(pool, 5, 0, 5, 0);
    for (int i = 0; i < 5; i++)
        sql_pool_give(pool, taken[i]);
    check_counts(pool, 2, 2, 5, 0);
    CHECK_INT(3, server.closed);
    sql_pool_free(pool);
}

TEST(pool_recycles_by_age)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 2, 0, 0, 10);
    struct sql_connection *c = take(pool);
    CHECK_INT(1000, c->opened_mono_us);
    sql_pool_give(pool, c);
    server.now_us += 9999999;
    CHECK(take(pool) == c);
    sql_pool_give(pool, c);
    check_counts(pool, 1, 1, 1, 0);
    server.now_us++;
    c = take(pool);
    CHECK_INT(server.now_us, c->opened_mono_us);
    check_counts(pool, 1, 0, 2, 1);
    CHECK_INT(1, server.most_open); /* closed before the next one is opened */
    sql_pool_give(pool, c);
    sql_pool_free(pool);
}

TEST(pool_without_recycling)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 1, 0, 0, 0);
    sql_pool_give(pool, take(pool));
    server.now_us = INT64_MAX / 2;
    sql_pool_give(pool, take(pool));
    check_counts(pool, 1, 1, 1, 0);
    sql_pool_free(pool);
}

TEST(pool_broken_ones_are_closed)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 3, 0, 0, 0);
    struct sql_connection *a = take(pool);
    struct sql_connection *b = take(pool);
    struct sql_connection *c = take(pool);
    sql_pool_give(pool, a);
    sql_pool_give(pool, b);
    c->broken = true;
    sql_pool_give(pool, c); /* and the idle ones with it */
    check_counts(pool, 0, 0, 3, 0);
    CHECK_INT(3, server.closed);
    sql_pool_give(pool, take(pool));
    check_counts(pool, 1, 1, 4, 0);
    sql_pool_free(pool);
}

TEST(pool_open_fails)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 1, 0, 0, 0);
    struct sql_connection *c = NULL;
    struct ccd_error err = {0};
    server.fail_opens = 2;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(CCD_DATABASE_PERMISSION, sql_pool_take(pool, &c, &err));
        CHECK_TEXT("refused", err.message);
        CHECK(c == NULL);
        check_counts(pool, 0, 0, 0, 0);
    }
    server.is_missing = true;
    CHECK_INT(CCD_DATABASE_UNREACHABLE, sql_pool_take(pool, &c, &err));
    CHECK(strstr(err.message, "user@host/db") != NULL);
    server.is_missing = false;
    sql_pool_give(pool, take(pool)); /* the place is free again */
    sql_pool_free(pool);
}

TEST(pool_waits_for_a_server_that_restarts)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 1, 0, 0, 0);
    server.fails_with = CCD_DATABASE_UNREACHABLE;
    server.fail_opens = 3;
    sql_pool_give(pool, take(pool));
    check_counts(pool, 1, 1, 1, 0);
    sql_pool_free(pool);
}

static int stop_at_once(void *user)
{
    (void)user;
    return 1;
}

TEST(pool_waits_for_nobody_when_the_run_is_to_stop)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 1, 0, 0, 0);
    struct sql_connection *c = NULL;
    struct ccd_error err = {0};
    server.target.stop_level = stop_at_once;
    server.fails_with = CCD_DATABASE_UNREACHABLE;
    server.fail_opens = 1;
    CHECK_INT(CCD_INTERRUPTED, sql_pool_take(pool, &c, &err));
    CHECK_INT(0, server.fail_opens);
    check_counts(pool, 0, 0, 0, 0);
    sql_pool_give(pool, take(pool));
    sql_pool_free(pool);
}

TEST(pool_recycling_fails_to_open)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 1, 0, 0, 1);
    struct sql_connection *c = NULL;
    struct ccd_error err = {0};
    sql_pool_give(pool, take(pool));
    server.now_us += 1000000;
    server.fail_opens = 1;
    CHECK_INT(CCD_DATABASE_PERMISSION, sql_pool_take(pool, &c, &err));
    check_counts(pool, 0, 0, 1, 1);
    sql_pool_give(pool, take(pool));
    sql_pool_free(pool);
}

static int64_t measure_refusal_us(int64_t timeout_ms)
{
    struct fake_server server;
    struct sql_pool *pool = start(&server, 2, 1, timeout_ms, 0);
    struct sql_connection *taken[3];
    struct sql_connection *c = NULL;
    struct ccd_error err = {0};
    for (int i = 0; i < 3; i++)
        taken[i] = take(pool);
    int64_t before_us = clock_mono_us(NULL);
    CHECK_INT(CCD_DATABASE_BUSY, sql_pool_take(pool, &c, &err));
    int64_t waited_us = clock_mono_us(NULL) - before_us;
    CHECK(c == NULL);
    CHECK(strstr(err.message, "DB_POOL_SIZE (2)") && strstr(err.message, "DB_MAX_OVERFLOW (1)"));
    CHECK(strstr(err.message, "all 3 connections to user@host/db") != NULL);
    for (int i = 0; i < 3; i++)
        sql_pool_give(pool, taken[i]);
    sql_pool_free(pool);
    return waited_us;
}

TEST(pool_timeout)
{
    int64_t waited_us = measure_refusal_us(150);
    if (!CHECK(waited_us >= 150000 && waited_us < 650000)) /* a busy machine wakes us late */
        fprintf(stderr, "  waited %lld us\n", (long long)waited_us);
    CHECK(measure_refusal_us(0) < 500000);
}

struct crowd {
    struct fake_server server;
    struct sql_pool *pool;
    atomic_int in_use, most_in_use, refused;
    bool breaks;
    bool ages;
};

static void *give_later(void *user)
{
    struct crowd *crowd = user;
    struct sql_connection *c = take(crowd->pool);
    crowd->in_use = 1;
    sleep_us(50000);
    sql_pool_give(crowd->pool, c);
    return NULL;
}

TEST(pool_waiting_is_rewarded)
{
    struct crowd crowd = {0};
    pthread_t thread;
    crowd.pool = start(&crowd.server, 1, 0, 30000, 0);
    pthread_create(&thread, NULL, give_later, &crowd);
    while (crowd.in_use == 0)
        sleep_us(100);
    int64_t before_us = clock_mono_us(NULL);
    sql_pool_give(crowd.pool, take(crowd.pool));
    CHECK(clock_mono_us(NULL) - before_us < 20000000);
    pthread_join(thread, NULL);
    check_counts(crowd.pool, 1, 1, 1, 0);
    sql_pool_free(crowd.pool);
}

static void use(struct crowd *crowd, struct sql_connection *connection, int round)
{
    struct fake_connection *c = (struct fake_connection *)connection;
    bool expected = false;
    CHECK(atomic_compare_exchange_strong(&c->taken, &expected, true));
    int in_use = ++crowd->in_use;
    int most = crowd->most_in_use;
    while (in_use > most && !atomic_compare_exchange_weak(&crowd->most_in_use, &most, in_use))
        continue;
    c->was_used = true; /* plain: ThreadSanitizer sees two users of one connection */
    if (round % 8 == 0)
        sleep_us(20);
    if (crowd->ages && round % 50 == 0)
        crowd->server.now_us += 1000000;
    connection->broken = crowd->breaks && round % 37 == 0;
    c->taken = false;
    crowd->in_use--;
}

static void *work(void *user)
{
    struct crowd *crowd = user;
    for (int round = 1; round <= ROUNDS; round++) {
        struct sql_connection *c = NULL;
        struct ccd_error err = {0};
        if (sql_pool_take(crowd->pool, &c, &err) != CCD_OK) {
            crowd->refused++;
            continue;
        }
        use(crowd, c, round);
        sql_pool_give(crowd->pool, c);
    }
    return NULL;
}

static void run_crowd(struct crowd *crowd, int size, int overflow, int refused)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, crowd);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct sql_pool_counts counts = sql_pool_counts(crowd->pool);
    CHECK_INT(refused, crowd->refused);
    CHECK(crowd->most_in_use <= size + overflow);
    CHECK(crowd->server.most_open <= size + overflow);
    CHECK(counts.open == counts.idle && counts.idle <= size);
    CHECK_INT(crowd->server.open, counts.open);
    CHECK_INT(crowd->server.opened, counts.opened_ever);
    sql_pool_free(crowd->pool);
    CHECK_INT(0, crowd->server.open);
    CHECK_INT(crowd->server.opened, crowd->server.closed);
}

TEST(pool_limits_hold_in_a_crowd)
{
    struct crowd crowd = {0};
    crowd.pool = start(&crowd.server, 3, 2, 60000, 0);
    run_crowd(&crowd, 3, 2, 0);
}

TEST(pool_one_connection_for_a_crowd)
{
    struct crowd crowd = {0};
    crowd.pool = start(&crowd.server, 1, 0, 60000, 0);
    run_crowd(&crowd, 1, 0, 0);
    CHECK_INT(1, crowd.server.opened);
}

TEST(pool_crowd_with_trouble)
{
    struct crowd crowd = {.breaks = true, .ages = true};
    crowd.pool = start(&crowd.server, 4, 3, 60000, 5);
    crowd.server.open_us = 50;
    crowd.server.fail_opens = 25;
    run_crowd(&crowd, 4, 3, 25);
    CHECK(crowd.server.opened > 25);
}

TEST(pool_no_memory)
{
    for (long fail_at = 0; fail_at < 2; fail_at++) {
        struct limited_allocator limited;
        struct fake_server server;
        struct ccd_error err = {0};
        struct sql_pool *pool = NULL;
        sql_pool_free(start(&server, 1, 0, 0, 0));
        limited_allocator_init(&limited, fail_at, -1);
        server.target.allocator = &limited.hook;
        const struct sql_pool_config config = {
            .driver = &server.driver, .target = &server.target, .size = 1};
        CHECK_INT(CCD_NO_MEMORY, sql_pool_new(&config, &pool, &err));
        CHECK(pool == NULL);
        CHECK_INT(0, limited.held);
    }
}
