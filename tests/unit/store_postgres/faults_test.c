/* What goes wrong on a connection that was there: locks, deadlocks, connections that end at every
 * step, servers that die. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static const struct sql_driver *const driver = &sql_driver_postgres;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- transactions ---- */

TEST(transactions)
{
    struct sql_target t = target_of("main");
    struct postgres *c = connect_to(&t);
    struct postgres *other = connect_to(&t);
    struct ccd_error err = {0};
    run_ok(c, "DROP TABLE IF EXISTS tx; CREATE TABLE tx (a bigint PRIMARY KEY)");
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    run_ok(c, "INSERT INTO tx VALUES (1)");
    CHECK_INT(CCD_INTERNAL, driver->begin(&c->base, SQL_WRITES, &err));
    CHECK_ROW("0", other, "SELECT count(*) FROM tx");
    CHECK_INT(STORE_COMMITTED, driver->commit(&c->base, &err));
    CHECK_ROW("1", other, "SELECT count(*) FROM tx");
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    run_ok(c, "INSERT INTO tx VALUES (2)");
    driver->rollback(&c->base);
    driver->rollback(&c->base); /* nothing is open */
    CHECK_ROW("1", other, "SELECT count(*) FROM tx");
    CHECK_INT(STORE_ROLLED_BACK, driver->commit(&c->base, &err));
    check_error(&err, CCD_INTERNAL, "no transaction is open");
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_READS, &err));
    CHECK_ROW("1", c, "SELECT count(*) FROM tx");
    CHECK_INT(STORE_COMMITTED, driver->commit(&c->base, &err));
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    CHECK(run(c, "INSERT INTO tx VALUES (1)", &err) == CCD_DATABASE_BUSY);
    CHECK_INT(STORE_ROLLED_BACK, driver->commit(&c->base, &err));
    check_error(&err, CCD_INTERNAL, "had failed");
    run_ok(c, "INSERT INTO tx VALUES (3)");
    disconnect_from(c);
    disconnect_from(other);
}

/* A constraint that is checked at the end is told by COMMIT. */
TEST(a_commit_that_is_refused)
{
    struct sql_target t = target_of("main");
    struct postgres *c = connect_to(&t);
    struct ccd_error err = {0};
    run_ok(c, "DROP TABLE IF EXISTS late;"
              "CREATE TABLE late (a bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    run_ok(c, "INSERT INTO late VALUES (1), (1)");
    CHECK_INT(STORE_ROLLED_BACK, driver->commit(&c->base, &err));
    check_error(&err, CCD_DATABASE_BUSY, "23505");
    CHECK(!c->base.broken);
    CHECK_ROW("0", c, "SELECT count(*) FROM late");
    disconnect_from(c);
}

TEST(closing_rolls_back)
{
    struct sql_target t = target_of("main");
    struct postgres *c = connect_to(&t);
    struct postgres *other = connect_to(&t);
    struct ccd_error err;
    run_ok(other, "DROP TABLE IF EXISTS tx; CREATE TABLE tx (a bigint PRIMARY KEY)");
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    run_ok(c, "INSERT INTO tx VALUES (1)");
    disconnect_from(c);
    run_ok(other, "INSERT INTO tx VALUES (1)");
    disconnect_from(other);
}

/* ---- waiting for others ---- */

TEST(a_row_that_another_holds)
{
    struct sql_target t = target_of("main");
    struct postgres *holder = connect_to(&t);
    t.busy_timeout_ms = 200;
    struct postgres *c = connect_to(&t);
    struct ccd_error err;
    run_ok(holder, "DROP TABLE IF EXISTS held; CREATE TABLE held (a bigint PRIMARY KEY);"
                   "INSERT INTO held VALUES (1)");
    CHECK_INT(CCD_OK, driver->begin(&holder->base, SQL_WRITES, &err));
    run_ok(holder, "UPDATE held SET a = 2");
    int64_t start_ms = now_ms();
    CHECK_INT(CCD_DATABASE_BUSY, run(c, "DELETE FROM held", &err));
    check_error(&err, CCD_DATABASE_BUSY, "55P03");
    CHECK(now_ms() - start_ms >= 150 && now_ms() - start_ms < 5000);
    CHECK(!c->base.broken);
    driver->rollback(&holder->base);
    run_ok(c, "DELETE FROM held");
    disconnect_from(holder);
    disconnect_from(c);
}

struct crossing {
    struct postgres *c;
    const char *sql;
    int status;
    struct ccd_error err;
};

static void *cross(void *user)
{
    struct crossing *k = user;
    k->status = run(k->c, k->sql, &k->err);
    driver->rollback(&k->c->base);
    return NULL;
}

TEST(a_deadlock)
{
    struct sql_target t = target_of("main");
    struct crossing one = {.c = connect_to(&t), .sql = "UPDATE held SET b = 1 WHERE a = 2"};
    struct crossing two = {.c = connect_to(&t), .sql = "UPDATE held SET b = 2 WHERE a = 1"};
    run_ok(one.c, "DROP TABLE IF EXISTS held; CREATE TABLE held (a bigint PRIMARY KEY, b bigint);"
                  "INSERT INTO held VALUES (1, 0), (2, 0)");
    CHECK_INT(CCD_OK, driver->begin(&one.c->base, SQL_WRITES, &one.err));
    CHECK_INT(CCD_OK, driver->begin(&two.c->base, SQL_WRITES, &two.err));
    run_ok(one.c, "UPDATE held SET b = 1 WHERE a = 1");
    run_ok(two.c, "UPDATE held SET b = 2 WHERE a = 2");
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, cross, &one));
    cross(&two);
    pthread_join(thread, NULL);
    struct crossing *victim = one.status != CCD_OK ? &one : &two;
    check_error(&victim->err, CCD_DATABASE_BUSY, "40P01");
    CHECK_INT(CCD_OK, victim == &one ? two.status : one.status);
    CHECK(!one.c->base.broken && !two.c->base.broken);
    disconnect_from(one.c);
    disconnect_from(two.c);
}

static void *insert_same(void *user)
{
    struct crossing *k = user;
    struct probe p;
    probe_init(&p, 4);
    probe_row(&p, 86400);
    k->status = probe_insert(k->c, &p, &k->err);
    if (k->status != CCD_OK)
        driver->rollback(&k->c->base);
    probe_release(&p);
    return NULL;
}

/* Both looked and saw nothing: the second waits for the first, and then is told. */
TEST(two_writers_of_the_same_row)
{
    struct sql_target t = target_of("main");
    struct crossing one = {.c = connect_to(&t)};
    struct crossing two = {.c = connect_to(&t)};
    struct ccd_error err;
    pthread_t thread;
    probe_table(one.c, &probe_type, INTERVAL_1D);
    CHECK_INT(CCD_OK, driver->begin(&one.c->base, SQL_WRITES, &err));
    CHECK_INT(CCD_OK, driver->begin(&two.c->base, SQL_WRITES, &err));
    insert_same(&one);
    CHECK_INT(CCD_OK, one.status);
    CHECK_INT(0, pthread_create(&thread, NULL, insert_same, &two));
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    CHECK_INT(STORE_COMMITTED, driver->commit(&one.c->base, &err));
    pthread_join(thread, NULL);
    check_error(&two.err, CCD_DATABASE_BUSY, "23505");
    CHECK_ROW("1", one.c, "SELECT count(*) FROM fact_probe_1d");
    disconnect_from(one.c);
    disconnect_from(two.c);
}

/* ---- locks by name ---- */

static int lock(struct postgres *c, const char *name, int64_t wait_ms)
{
    struct ccd_error err = {0};
    int status = driver->lock(&c->base, name, wait_ms, &err);
    CHECK_INT(status, err.status);
    return status;
}

TEST(locks)
{
    struct sql_target t = target_of("main");
    struct postgres *one = connect_to(&t);
    struct postgres *two = connect_to(&t);
    CHECK_INT(CCD_OK, lock(one, "spot_ohlcv_1d", 0));
    CHECK_INT(CCD_LOCKED, lock(two, "spot_ohlcv_1d", 0));
    CHECK_INT(CCD_OK, lock(two, "spot_ohlcv_1h", 0));
    int64_t start_ms = now_ms();
    CHECK_INT(CCD_LOCKED, lock(two, "spot_ohlcv_1d", 200));
    CHECK(now_ms() - start_ms >= 200 && now_ms() - start_ms < 5000);
    driver->unlock(&one->base, "spot_ohlcv_1d");
    CHECK_INT(CCD_OK, lock(two, "spot_ohlcv_1d", 0));
    CHECK_INT(CCD_LOCKED, lock(one, "spot_ohlcv_1d", 0));
    disconnect_from(two);
    CHECK_INT(CCD_OK, lock(one, "spot_ohlcv_1d", 0)); /* at once */
    driver->unlock(&one->base, "never_locked");
    CHECK(!one->base.broken);
    disconnect_from(one);
}

TEST(locks_outlive_transactions)
{
    struct sql_target t = target_of("main");
    struct postgres *one = connect_to(&t);
    struct postgres *two = connect_to(&t);
    struct ccd_error err;
    CHECK_INT(CCD_OK, driver->begin(&one->base, SQL_WRITES, &err));
    CHECK_INT(CCD_OK, lock(one, "x", 0));
    driver->rollback(&one->base);
    CHECK_INT(CCD_LOCKED, lock(two, "x", 0));
    disconnect_from(one);
    disconnect_from(two);
}

/* Holds the lock until it is killed. */
static _Noreturn void hold_lock(int ready)
{
    struct sql_target t = target_of("main");
    struct postgres *c = connect_to(&t);
    char answer = lock(c, "killed", 0) == CCD_OK ? 'y' : 'n';
    if (write(ready, &answer, 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

TEST(a_lock_of_a_process_that_is_killed)
{
    struct sql_target t = target_of("main");
    int ready[2];
    char answer = 0;
    CHECK_INT(0, pipe(ready));
    fflush(stdout);
    fflush(stderr);
    pid_t child = fork();
    if (child == 0)
        hold_lock(ready[1]);
    struct postgres *c = connect_to(&t);
    CHECK_INT(1, read(ready[0], &answer, 1));
    CHECK_INT('y', answer);
    CHECK_INT(CCD_LOCKED, lock(c, "killed", 0));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_INT(CCD_OK, lock(c, "killed", 5000));
    disconnect_from(c);
    close(ready[0]);
    close(ready[1]);
}

/* ---- connections that end ---- */

enum step { STEP_IDLE, STEP_BEGUN, STEP_WRITTEN, STEP_PREPARED, STEP_COUNT };

static struct postgres *bring_to(const struct sql_target *t, enum step step, struct probe *p)
{
    struct postgres *c = connect_to(t);
    struct ccd_error err;
    probe_table(c, &probe_type, INTERVAL_1D);
    if (step == STEP_PREPARED)
        CHECK_ROW("1", c, "SELECT 1");
    if (step >= STEP_BEGUN)
        CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    if (step >= STEP_WRITTEN)
        CHECK_INT(CCD_OK, probe_insert(c, p, &err));
    return c;
}

enum action { ACTION_BEGIN, ACTION_RUN, ACTION_INSERT, ACTION_COMMIT, ACTION_LOCK, ACTION_COUNT };

/* What comes after the cut says that the connection is lost, whatever it is. */
static void act(struct postgres *c, enum action action, struct probe *p)
{
    struct ccd_error err = {0};
    enum store_outcome outcome;
    switch (action) {
    case ACTION_BEGIN:
        driver->begin(&c->base, SQL_WRITES, &err);
        break;
    case ACTION_RUN:
        CHECK(strstr(row_of(c, "SELECT 1", false), "cannot test ccdata@test") != NULL);
        CHECK(c->base.broken);
        return;
    case ACTION_INSERT:
        probe_insert(c, p, &err);
        break;
    case ACTION_COMMIT:
        outcome = driver->commit(&c->base, &err);
        CHECK_INT(STORE_UNKNOWN, outcome);
        break;
    default:
        driver->lock(&c->base, "x", 1000, &err);
        break;
    }
    check_error(&err, CCD_DATABASE_UNREACHABLE, "cannot ");
    CHECK(c->base.broken);
    if (c->base.broken) /* then it is known that nothing was sent */
        CHECK_INT(STORE_ROLLED_BACK, driver->commit(&c->base, &err));
}

static bool makes_sense(enum step step, enum action action)
{
    return step == STEP_IDLE ? action != ACTION_COMMIT : action != ACTION_BEGIN;
}

static void end_connection(const struct postgres *c)
{
    char sql[96];
    int pid = PQbackendPID(c->pg);
    str_print(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)", pid);
    run_admin("main", sql);
}

TEST(connections_that_an_administrator_ends)
{
    struct sql_target t = target_of("main");
    struct probe p;
    probe_init(&p, 4000);
    for (int i = 0; i < 4000; i++)
        probe_row(&p, i * 86400);
    for (int step = 0; step < STEP_COUNT; step++) {
        for (int action = 0; action < ACTION_COUNT; action++) {
            if (!makes_sense((enum step)step, (enum action)action))
                continue;
            struct postgres *c = bring_to(&t, (enum step)step, &p);
            end_connection(c);
            act(c, (enum action)action, &p);
            driver->rollback(&c->base);
            driver->unlock(&c->base, "x");
            disconnect_from(c);
            c = connect_to(&t);
            CHECK_ROW("0", c, "SELECT count(*) FROM fact_probe_1d");
            disconnect_from(c);
        }
    }
    probe_release(&p);
}

static void check_server_end(const char *verb)
{
    struct sql_target t = target_of("main");
    struct probe p;
    char request[32];
    probe_init(&p, 4000);
    for (int i = 0; i < 4000; i++)
        probe_row(&p, i * 86400);
    str_print(request, sizeof(request), "%s main", verb);
    struct postgres *open[ACTION_COUNT];
    for (int action = 0; action < ACTION_COUNT; action++)
        open[action] = bring_to(&t, action == ACTION_BEGIN ? STEP_IDLE : STEP_BEGUN, &p);
    desk(request);
    for (int action = 0; action < ACTION_COUNT; action++) {
        act(open[action], (enum action)action, &p);
        disconnect_from(open[action]);
    }
    struct ccd_error err;
    CHECK_INT(CCD_DATABASE_UNREACHABLE, try_connect(&t, &err));
    desk("restart main");
    struct postgres *c = connect_to(&t);
    CHECK_ROW("0", c, "SELECT count(*) FROM fact_probe_1d");
    disconnect_from(c);
    probe_release(&p);
}

TEST(a_server_that_stops_at_once)
{
    check_server_end("quit");
}

TEST(a_server_that_is_killed)
{
    check_server_end("kill");
}

/* ---- a server that says nothing any more ---- */

/* What was going on, before the server freezes and after; the latter is told that it is lost. */
struct pursuit {
    bool (*before)(struct postgres *c);
    int (*after)(struct postgres *c, struct ccd_error *err);
};

static bool nothing(struct postgres *c)
{
    return !c->base.broken;
}

static int read_a_row(struct postgres *c, struct ccd_error *err)
{
    return run(c, "SELECT 1", err);
}

static int prepare_a_read(struct postgres *c, struct ccd_error *err)
{
    return driver->run(&c->base, &(struct sql_call){.doing = "test", .sql = "SELECT 2"}, err);
}

static int insert_a_row(struct postgres *c, struct ccd_error *err)
{
    struct probe p;
    probe_init(&p, 1);
    probe_row(&p, 0);
    int status = probe_insert(c, &p, err);
    probe_release(&p);
    return status;
}

static bool begin_to_copy(struct postgres *c)
{
    bool sent = PQsendQuery(c->pg, "COPY fact_probe_1d (words) FROM STDIN") == 1;
    PGresult *result = postgres_last_result(c, sent);
    bool begun = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    return begun;
}

/* More than what lies between two sockets. */
static int copy_on(struct postgres *c, struct ccd_error *err)
{
    static const char words[64 * 1024];
    int pieces = 0;
    while (pieces < 1000 && PQputCopyData(c->pg, words, sizeof(words)) == 1 && postgres_flush(c))
        pieces++;
    CHECK(pieces < 1000);
    return postgres_error(c, NULL, "copy", err);
}

static int commit_it(struct postgres *c, struct ccd_error *err)
{
    CHECK_INT(STORE_UNKNOWN, driver->commit(&c->base, err));
    return (int)err->status;
}

static void check_frozen(const char *server, enum ssl_mode mode, const struct pursuit *pursuit)
{
    char request[32];
    struct sql_target t = target_of(server);
    struct ccd_error err = {0};
    t.url.ssl_mode = mode;
    t.silence_max_ms = 600;
    t.busy_timeout_ms = 400;
    struct postgres *c = connect_to(&t);
    CHECK(probe_table(c, &probe_type, INTERVAL_1D));
    CHECK_ROW("1", c, "SELECT 1 FROM pg_sleep(0.8)"); /* shorter than silence and waiting */
    CHECK_INT(CCD_OK, driver->begin(&c->base, SQL_WRITES, &err));
    CHECK(pursuit->before(c));
    str_print(request, sizeof(request), "freeze %s", server);
    CHECK(desk(request));
    int64_t start_ms = now_ms();
    CHECK_INT(CCD_DATABASE_UNREACHABLE, pursuit->after(c, &err));
    CHECK(now_ms() - start_ms < 6000);
    check_error(&err, CCD_DATABASE_UNREACHABLE, "not answered");
    CHECK(c->base.broken);
    disconnect_from(c);
    str_print(request, sizeof(request), "thaw %s", server);
    CHECK(desk(request));
}

TEST(a_frozen_server_is_noticed)
{
    static const struct pursuit pursuits[] = {
        {nothing, read_a_row},    {nothing, prepare_a_read}, {nothing, insert_a_row},
        {begin_to_copy, copy_on}, {nothing, commit_it},
    };
    for (size_t i = 0; i < sizeof(pursuits) / sizeof(pursuits[0]); i++) {
        check_frozen("main", SSL_MODE_DISABLED, &pursuits[i]);
        check_frozen("tls", SSL_MODE_REQUIRED, &pursuits[i]);
    }
}

/* What was committed is there after a crash. */
TEST(a_commit_outlives_a_crash)
{
    struct sql_target t = target_of("main");
    struct probe p;
    struct ccd_error err;
    probe_init(&p, 100);
    for (int i = 0; i < 100; i++)
        batch_set_f64(&p.batch, probe_row(&p, i * 86400), PROBE_SHARE, i / 7.0);
    struct postgres *c = bring_to(&t, STEP_WRITTEN, &p);
    CHECK_INT(STORE_COMMITTED, driver->commit(&c->base, &err));
    desk("kill main");
    disconnect_from(c);
    desk("restart main");
    c = connect_to(&t);
    probe_is_stored(c, &p);
    disconnect_from(c);
    probe_release(&p);
}

/* ---- a connection that is cut in the middle of a result ---- */

static int end_at_tenth(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct postgres *c = user;
    (void)count;
    (void)err;
    if (values[0].i64 == 10)
        end_connection(c);
    return CCD_OK;
}

TEST(a_connection_that_ends_in_a_result)
{
    struct sql_target t = target_of("main");
    struct postgres *c = connect_to(&t);
    struct ccd_error err = {0};
    struct sql_call call = {
        .doing = "read",
        .sql = "SELECT n, repeat('x', 1000) FROM generate_series(1, 1000000) n",
        .sink = {end_at_tenth, c},
    };
    CHECK_INT(CCD_DATABASE_UNREACHABLE, driver->run(&c->base, &call, &err));
    CHECK(c->base.broken);
    disconnect_from(c);
}
