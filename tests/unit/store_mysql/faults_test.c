/* Servers that die, freeze or throw us out at every step; locks. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- lost connections ---- */

enum step { BEFORE_BEGIN, BEFORE_RUN, BEFORE_INSERT, BEFORE_COMMIT, BEFORE_ROLLBACK, STEP_COUNT };

/* Ends the connection before the step, and tells how each went from there on. */
static void lose_at(struct server *s, enum step step, const struct way *way,
                    void (*lose)(struct server *s, struct sql_connection *c))
{
    static struct probe_page p;
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, s);
    t.disabled_paths = way->disabled_paths;
    struct sql_connection *c = connect_ok(&t);
    if (!c || !probe_table(c, &probe_type))
        return;
    probe_page_init(&p, &probe_type, 100);
    for (int i = 0; i < 100; i++)
        probe_row(&p, i * 86400);
    int status = CCD_OK;
    if (step == BEFORE_BEGIN)
        lose(s, c);
    status = c->driver->begin(c, SQL_WRITES, &err);
    CHECK_INT(step == BEFORE_BEGIN ? CCD_DATABASE_UNREACHABLE : CCD_OK, status);
    if (step == BEFORE_RUN)
        lose(s, c);
    status = SQL_RUN(c, "test",
                     "INSERT INTO fact_probe_1d (series_id, ts, collected_at) VALUES (?1,"
                     " '2024-01-01', '2024-01-01')",
                     &err, value_i64(1));
    CHECK_INT(step <= BEFORE_RUN ? CCD_DATABASE_UNREACHABLE : CCD_OK, status);
    if (step == BEFORE_INSERT)
        lose(s, c);
    status = probe_insert(c, &p, &err);
    CHECK_INT(step <= BEFORE_INSERT ? CCD_DATABASE_UNREACHABLE : CCD_OK, status);
    if (step >= BEFORE_COMMIT)
        lose(s, c);
    if (step == BEFORE_ROLLBACK) {
        c->driver->rollback(c);
    } else {
        enum store_outcome outcome = c->driver->commit(c, &err);
        CHECK_INT(step == BEFORE_COMMIT ? STORE_UNKNOWN : STORE_ROLLED_BACK, outcome);
        CHECK_INT(CCD_DATABASE_UNREACHABLE, err.status);
    }
    CHECK(c->broken);
    c->driver->rollback(c);
    sql_driver_mysql.close(c);
    probe_page_release(&p);
}

static void kill_server(struct server *s, struct sql_connection *c)
{
    (void)c;
    CHECK(server_do(s, "kill"));
}

static void kill_connection(struct server *s, struct sql_connection *c)
{
    char sql[64];
    str_print(sql, sizeof(sql), "KILL %lu", mysql_thread_id(connection_of(c)->mysql));
    CHECK(server_sql(s, sql, NULL, 0));
}

static int64_t rows_there(struct server *s)
{
    struct sql_target t;
    target_init(&t, s);
    struct sql_connection *c = connect_ok(&t);
    int64_t count = c ? read_i64(c, "SELECT COUNT(*) FROM fact_probe_1d") : -1;
    sql_driver_mysql.close(c);
    return count;
}

TEST(the_server_dies_at_each_step)
{
    struct server s;
    if (!server_start(&s, "--local-infile=1"))
        return;
    for (int step = 0; step < STEP_COUNT; step++) {
        lose_at(&s, (enum step)step, &ways[step % 3], kill_server);
        struct sql_target t;
        struct ccd_error err;
        target_init(&t, &s);
        CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
        if (!server_restart(&s, ""))
            return;
        CHECK_INT(0, rows_there(&s));
    }
    CHECK(server_do(&s, "stop"));
}

TEST(our_connection_is_killed_at_each_step)
{
    for (size_t w = 0; w < 3; w++) {
        for (int step = 0; step < STEP_COUNT; step++) {
            lose_at(server_shared(), (enum step)step, &ways[w], kill_connection);
            CHECK_INT(0, rows_there(server_shared()));
        }
    }
}

/* A statement that the server never answers, over TCP and over TLS. */
TEST(a_frozen_server_is_noticed)
{
    for (int tls = 0; tls < 2; tls++) {
        struct server s;
        struct sql_target t;
        struct ccd_error err;
        if (!server_start(&s, tls ? "tls" : ""))
            return;
        target_init(&t, &s);
        t.url.ssl_mode = tls ? SSL_MODE_REQUIRED : SSL_MODE_DISABLED;
        t.silence_max_ms = 1000;
        t.busy_timeout_ms = 1000;
        t.connect_timeout_ms = 1000;
        struct sql_connection *c = connect_ok(&t);
        if (c) {
            CHECK_INT(0, read_i64(c, "SELECT SLEEP(1.2)")); /* shorter than silence and waiting */
            CHECK(server_do(&s, "freeze"));
            double start = now_s();
            CHECK_INT(CCD_DATABASE_UNREACHABLE, run_sql(c, "DO 1", &err));
            CHECK(now_s() - start < 6);
            CHECK(c->broken);
            start = now_s();
            CHECK_INT(CCD_DATABASE_UNREACHABLE, connect_status(&t, &err));
            CHECK(now_s() - start < 4);
            CHECK(server_do(&s, "thaw"));
            sql_driver_mysql.close(c);
        }
        CHECK(server_do(&s, "stop"));
    }
}

/* ---- others ---- */

TEST(rows_locked_by_others_are_busy)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    struct sql_connection *a = connect_ok(&t), *b = connect_ok(&t);
    if (!a || !b)
        return;
    CHECK_INT(CCD_OK, run_sql(a, "DROP TABLE IF EXISTS fought", &err));
    CHECK_INT(CCD_OK, run_sql(a, "CREATE TABLE fought (id INT PRIMARY KEY, v INT)", &err));
    CHECK_INT(CCD_OK, run_sql(a, "INSERT INTO fought VALUES (1, 1), (2, 2)", &err));
    CHECK_INT(CCD_OK, a->driver->begin(a, SQL_WRITES, &err));
    CHECK_INT(CCD_OK, run_sql(a, "UPDATE fought SET v = 9 WHERE id = 1", &err));
    double start = now_s();
    CHECK_INT(CCD_DATABASE_BUSY, run_sql(b, "UPDATE fought SET v = 8 WHERE id = 1", &err));
    CHECK(now_s() - start > 0.5 && now_s() - start < 5);
    CHECK(!b->broken);
    /* A definition that is in use. */
    CHECK_INT(CCD_DATABASE_BUSY, run_sql(b, "ALTER TABLE fought ADD w INT", &err));
    /* Read committed: b sees a's change once it is there. */
    CHECK_INT(CCD_OK, b->driver->begin(b, SQL_READS, &err));
    CHECK_INT(1, read_i64(b, "SELECT v FROM fought WHERE id = 1"));
    CHECK_INT(STORE_COMMITTED, a->driver->commit(a, &err));
    CHECK_INT(9, read_i64(b, "SELECT v FROM fought WHERE id = 1"));
    b->driver->rollback(b);
    b->driver->rollback(b);
    sql_driver_mysql.close(a);
    sql_driver_mysql.close(b);
}

static void locks_with(uint32_t disabled_paths)
{
    struct sql_target t;
    struct ccd_error err;
    char longer[200];
    memset(longer, 'n', sizeof(longer));
    longer[199] = '\0';
    target_init(&t, server_shared());
    t.disabled_paths = disabled_paths;
    struct sql_connection *a = connect_ok(&t), *b = connect_ok(&t);
    if (!a || !b)
        return;
    CHECK_INT(CCD_OK, a->driver->lock(a, "spot_ohlcv_1d", 0, &err));
    CHECK_INT(CCD_OK, a->driver->lock(a, longer, 0, &err));
    CHECK_INT(CCD_LOCKED, b->driver->lock(b, "spot_ohlcv_1d", 0, &err));
    CHECK(strstr(err.message, "--lock_wait") != NULL);
    CHECK_INT(CCD_LOCKED, b->driver->lock(b, longer, 0, &err));
    double start = now_s();
    CHECK_INT(CCD_LOCKED, b->driver->lock(b, "spot_ohlcv_1d", 1500, &err));
    CHECK(now_s() - start >= 1.5 && now_s() - start < 5);
    CHECK_INT(CCD_OK, b->driver->lock(b, "spot_ohlcv_1h", 0, &err));
    longer[198] = 'm';
    CHECK_INT(CCD_OK, b->driver->lock(b, longer, 0, &err));
    longer[198] = 'n';
    a->driver->unlock(a, "spot_ohlcv_1d");
    CHECK_INT(CCD_OK, b->driver->lock(b, "spot_ohlcv_1d", 0, &err));
    CHECK_INT(CCD_LOCKED, b->driver->lock(b, longer, 0, &err));
    b->driver->unlock(b, "never taken");
    /* A transaction of the holder does not end it. */
    CHECK_INT(CCD_OK, a->driver->begin(a, SQL_WRITES, &err));
    CHECK_INT(STORE_COMMITTED, a->driver->commit(a, &err));
    CHECK_INT(CCD_LOCKED, b->driver->lock(b, longer, 0, &err));
    /* At once, with what was open besides. */
    CHECK_INT(CCD_OK,
              run_sql(b, "CREATE TABLE IF NOT EXISTS fought (id INT PRIMARY KEY, v INT)", &err));
    CHECK_INT(CCD_OK, a->driver->begin(a, SQL_WRITES, &err));
    CHECK_INT(CCD_OK, run_sql(a, "INSERT INTO fought VALUES (77, 1)", &err));
    sql_driver_mysql.close(a);
    CHECK_INT(CCD_OK, b->driver->lock(b, longer, 0, &err));
    CHECK_INT(CCD_OK, run_sql(b, "SELECT COUNT(*) FROM fought WHERE id = 77 FOR UPDATE", &err));
    CHECK_INT(0, read_i64(b, "SELECT COUNT(*) FROM fought WHERE id = 77"));
    sql_driver_mysql.close(b);
}

TEST(locks_by_name)
{
    locks_with(0);
}

/* Where a lock is a row, the table is the schema's and not the driver's. */
TEST(locks_by_row)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    t.disabled_paths = MYSQL_PATH_NAMED_LOCKS;
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    CHECK_INT(CCD_OK, run_sql(c, "DROP TABLE IF EXISTS ccdata_locks", &err));
    CHECK_INT(CCD_DATABASE_SCHEMA, c->driver->lock(c, "spot_ohlcv_1d", 0, &err));
    CHECK(strstr(err.message, "ccdata_locks") && strstr(err.message, "ccdata schema --check"));
    CHECK_INT(CCD_OK, run_sql(c,
                              "CREATE TABLE ccdata_locks (name VARCHAR(64) NOT NULL,"
                              " held BIGINT NOT NULL, PRIMARY KEY (name))",
                              &err));
    sql_driver_mysql.close(c);
    locks_with(MYSQL_PATH_NAMED_LOCKS);
    locks_with(MYSQL_PATH_NAMED_LOCKS | MYSQL_PATH_PREPARE);
}

/* As long as the user waits, not as long as the session waits for rows of data. */
TEST(a_row_is_not_waited_for_longer_than_asked)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    t.disabled_paths = MYSQL_PATH_NAMED_LOCKS;
    t.busy_timeout_ms = 30000;
    struct sql_connection *a = connect_ok(&t), *b = connect_ok(&t);
    if (!a || !b)
        return;
    run_sql(a,
            "CREATE TABLE IF NOT EXISTS ccdata_locks (name VARCHAR(64) NOT NULL,"
            " held BIGINT NOT NULL, PRIMARY KEY (name))",
            &err);
    CHECK_INT(CCD_OK, a->driver->lock(a, "spot_ohlcv_1m", 0, &err));
    static const int64_t waits_ms[] = {0, 1, 2500};
    for (size_t i = 0; i < 3; i++) {
        double start = now_s();
        CHECK_INT(CCD_LOCKED, b->driver->lock(b, "spot_ohlcv_1m", waits_ms[i], &err));
        double waited_s = now_s() - start - 1e-3 * (double)waits_ms[i];
        CHECK(waited_s >= 0 && waited_s < 3);
    }
    sql_driver_mysql.close(a);
    sql_driver_mysql.close(b);
}

TEST(a_killed_holder_lets_go)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    struct sql_connection *a = connect_ok(&t), *b = connect_ok(&t);
    if (!a || !b)
        return;
    CHECK_INT(CCD_OK, a->driver->lock(a, "held", 0, &err));
    kill_connection(server_shared(), a);
    CHECK_INT(CCD_OK, b->driver->lock(b, "held", 5000, &err));
    sql_driver_mysql.close(a);
    sql_driver_mysql.close(b);
}

/* ---- memory ---- */

struct limit {
    size_t left;
};

static void *reallocate(void *user, void *ptr, size_t size_bytes)
{
    struct limit *limit = user;
    if (size_bytes > 0 && limit->left-- == 0) {
        limit->left = 0;
        return NULL;
    }
    return allocator_system.reallocate(NULL, ptr, size_bytes);
}

/* Each allocation of ours fails once; nothing leaks (the sanitizer's run) and nothing is stored. */
TEST(memory_runs_out)
{
    static struct probe_page p;
    probe_page_init(&p, &probe_type, 2000);
    probe_fill_extremes(&p);
    for (size_t w = 0; w < 3; w++) {
        bool done = false;
        for (size_t n = 0; n < 60 && !done; n++) {
            struct limit limit = {SIZE_MAX};
            const struct allocator allocator = {reallocate, &limit};
            struct sql_target t;
            struct ccd_error err;
            target_init(&t, server_shared());
            t.disabled_paths = ways[w].disabled_paths;
            t.allocator = &allocator;
            struct sql_connection *c = connect_ok(&t);
            if (!c || !probe_table(c, &probe_type))
                return;
            limit.left = n;
            int status = c->driver->begin(c, SQL_WRITES, &err);
            if (status == CCD_OK)
                status = probe_insert(c, &p, &err);
            if (status == CCD_OK)
                status = SQL_RUN(c, "test", "DELETE FROM fact_probe_1d WHERE series_id = ?1", &err,
                                 value_i64(7));
            done = status == CCD_OK;
            CHECK(status == CCD_OK || status == CCD_NO_MEMORY);
            limit.left = SIZE_MAX;
            c->driver->rollback(c);
            sql_driver_mysql.close(c);
        }
        CHECK(done);
    }
    probe_page_release(&p);
}
