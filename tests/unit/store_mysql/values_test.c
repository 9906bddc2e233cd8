/* Values through run(), over the binary protocol and as literals. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const double doubles[] = {0.0,     -0.0,     0.1,      -0.3,
                                 DBL_MAX, DBL_MIN,  5e-324,   -5e-324,
                                 1e21,    -1.5e300, 1e-7,     9007199254740993.0,
                                 1e15,    123.0,    3.5e-310, 0.30000000000000004};
static const int64_t integers[] = {0, 1, -1, INT64_MAX, INT64_MIN, 4294967296};
static const char *const texts[] = {"",      "a'b\"c\\d", "tab\tline\nend\r", "\xf0\x9f\x98\x80",
                                    "  x  ", "?1 ?2",     "\\'; --",          "\x1a"};

struct echo {
    const struct value *given;
    size_t rows;
};

static int compare(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct echo *e = user;
    (void)err;
    e->rows++;
    CHECK_INT(1, count);
    if (!CHECK(value_equal(e->given, &values[0])))
        fprintf(stderr, "    kind %d for %d, %a for %a\n", values[0].kind, e->given->kind,
                values[0].f64, e->given->f64);
    return CCD_OK;
}

static void echo_value(struct sql_connection *c, struct value value)
{
    const char *sql = value.kind == VALUE_I64   ? "SELECT i FROM echoed"
                      : value.kind == VALUE_F64 ? "SELECT f FROM echoed"
                                                : "SELECT t FROM echoed";
    struct ccd_error err = {0};
    struct value kept = value;
    stored_form(&kept);
    struct echo e = {&kept, 0};
    CHECK_INT(CCD_OK, SQL_RUN(c, "test", "DELETE FROM echoed", &err, value_null()));
    CHECK_INT(CCD_OK, SQL_RUN(c, "test", "INSERT INTO echoed (i, f, t) VALUES (?2, ?3, ?1)", &err,
                              value.kind == VALUE_TEXT ? value : value_null(),
                              value.kind == VALUE_I64 ? value : value_null(),
                              value.kind == VALUE_F64 ? value : value_null()));
    struct sql_call call = {.doing = "test", .sql = sql, .sink = {compare, &e}};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(1, e.rows);
}

static void echo_all(uint32_t disabled_paths)
{
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    t.disabled_paths = disabled_paths;
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    CHECK_INT(CCD_OK, run_sql(c, "DROP TABLE IF EXISTS echoed", &err));
    CHECK_INT(CCD_OK, run_sql(c,
                              "CREATE TABLE echoed (i BIGINT, f DOUBLE, t LONGTEXT CHARACTER SET"
                              " utf8mb4 COLLATE utf8mb4_bin)",
                              &err));
    echo_value(c, value_null());
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++)
        echo_value(c, value_f64(doubles[i]));
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
        echo_value(c, value_i64(integers[i]));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        echo_value(c, value_text(str_from(texts[i])));
    echo_value(c, value_text((struct str){"a\0b\0", 4}));
    static char large[3000000];
    memset(large, 'y', sizeof(large));
    for (size_t len = 255; len < sizeof(large); len *= 4)
        echo_value(c, value_text((struct str){large, len}));
    sql_driver_mysql.close(c);
}

TEST(values_prepared)
{
    echo_all(0);
}

TEST(values_as_literals)
{
    echo_all(MYSQL_PATH_PREPARE);
}

struct texts {
    size_t rows;
};

static int check_texts(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct texts *t = user;
    (void)err;
    t->rows++;
    if (!CHECK_INT(6, count))
        return CCD_OK;
    for (size_t i = 0; i < count; i++) {
        size_t len = i % 2 ? 1000 * t->rows + i : i;
        if (!CHECK_INT(VALUE_TEXT, values[i].kind) || !CHECK_INT(len, values[i].text.len))
            continue;
        size_t own = 0;
        while (own < len && values[i].text.ptr[own] == (char)('a' + i))
            own++;
        CHECK_INT(len, own);
    }
    return CCD_OK;
}

/* Several texts of one row that are longer than was made room for. */
TEST(long_texts_side_by_side)
{
    struct sql_target t;
    struct ccd_error err = {0};
    struct texts found = {0};
    target_init(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    struct sql_call call = {
        .doing = "test",
        .sql = "SELECT '', REPEAT('b', 1000 * n + 1), 'cc', REPEAT('d', 1000 * n + 3), 'eeee',"
               " REPEAT('f', 1000 * n + 5) FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) AS s"
               " ORDER BY n",
        .sink = {check_texts, &found}};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(3, found.rows);
    sql_driver_mysql.close(c);
}

static void affected_with(uint32_t disabled_paths)
{
    struct sql_target t;
    struct ccd_error err;
    int64_t affected = -1;
    target_init(&t, server_shared());
    t.disabled_paths = disabled_paths;
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    CHECK_INT(CCD_OK, run_sql(c, "DROP TABLE IF EXISTS counted", &err));
    CHECK_INT(CCD_OK, run_sql(c, "CREATE TABLE counted (a INT)", &err));
    CHECK_INT(CCD_OK, run_sql(c, "INSERT INTO counted VALUES (1), (2), (3), (4)", &err));
    const struct value three = value_i64(3);
    struct sql_call call = {.doing = "test",
                            .sql = "DELETE FROM counted WHERE a < ?1",
                            .parameters = &three,
                            .parameter_count = 1,
                            .out_affected = &affected};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(2, affected);
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(0, affected);
    call = (struct sql_call){
        .doing = "test", .sql = "DELETE FROM counted", .once = true, .out_affected = &affected};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(2, affected);
    sql_driver_mysql.close(c);
}

TEST(affected_rows)
{
    affected_with(0);
    affected_with(MYSQL_PATH_PREPARE);
}

struct kinds {
    enum value_kind kinds[8];
    size_t count;
};

static int keep_kinds(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct kinds *k = user;
    (void)err;
    k->count = count;
    for (size_t i = 0; i < count && i < 8; i++)
        k->kinds[i] = values[i].kind;
    return CCD_OK;
}

static void kinds_with(uint32_t disabled_paths)
{
    static const enum value_kind wanted[] = {VALUE_I64,  VALUE_I64,  VALUE_F64,  VALUE_TEXT,
                                             VALUE_TEXT, VALUE_TEXT, VALUE_NULL, VALUE_I64};
    struct sql_target t;
    struct ccd_error err = {0};
    struct kinds k = {.count = 0};
    target_init(&t, server_shared());
    t.disabled_paths = disabled_paths;
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    struct sql_call call = {.doing = "test",
                            .sql = "SELECT 1, COUNT(*), 1e0, 1.5, 'x', NOW(), NULL, 2 > 1",
                            .sink = {keep_kinds, &k}};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(8, k.count);
    for (size_t i = 0; i < 8; i++)
        CHECK_INT(wanted[i], k.kinds[i]);
    call = (struct sql_call){.doing = "test",
                             .sql = "SELECT CAST(18446744073709551615 AS UNSIGNED)",
                             .sink = {keep_kinds, &k}};
    CHECK_INT(CCD_DATABASE_DATA, c->driver->run(c, &call, &err));
    CHECK_INT(1, read_i64(c, "SELECT 1"));
    sql_driver_mysql.close(c);
}

TEST(kinds_of_results)
{
    kinds_with(0);
    kinds_with(MYSQL_PATH_PREPARE);
}

struct stopper {
    int answer;
    size_t rows;
    struct sql_connection *c;
};

static int stop_at_two(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct stopper *s = user;
    (void)values;
    (void)count;
    return ++s->rows == 2
               ? (s->answer == CCD_DATABASE_DATA ? error_set(err, CCD_DATABASE_DATA, "enough of it")
                                                 : s->answer)
               : CCD_OK;
}

TEST(a_sink_stops)
{
    static const char sql[] = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
    struct sql_target t;
    struct ccd_error err = {0};
    target_init(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    struct stopper s = {.answer = SQL_ENOUGH};
    struct sql_call call = {.doing = "test", .sql = sql, .sink = {stop_at_two, &s}};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(2, s.rows);
    s = (struct stopper){.answer = CCD_DATABASE_DATA};
    CHECK_INT(CCD_DATABASE_DATA, c->driver->run(c, &call, &err));
    CHECK_TEXT("enough of it", err.message);
    s = (struct stopper){.answer = CCD_OK};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(3, s.rows);
    sql_driver_mysql.close(c);
}

static int run_inside(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct stopper *s = user;
    (void)count;
    s->rows++;
    struct value inner = value_null();
    (void)inner;
    CHECK_INT(values[0].i64, read_i64(s->c, "SELECT 1") + (int64_t)s->rows - 1);
    return s->rows > 5 ? CCD_OK : SQL_RUN(s->c, "test", "DO ?1", err, value_i64(1));
}

TEST(a_sink_runs_statements)
{
    struct sql_target t;
    struct ccd_error err = {0};
    target_init(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    struct stopper s = {.c = c};
    struct sql_call call = {.doing = "test",
                            .sql = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3",
                            .sink = {run_inside, &s}};
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(3, s.rows);
    sql_driver_mysql.close(c);
}

TEST(statements_are_kept_and_evicted)
{
    struct sql_target t;
    struct ccd_error err = {0};
    char sql[64];
    target_init(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    const struct mysql_connection *m = connection_of(c);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2 * SQL_STATEMENTS_KEPT; i++) {
            str_print(sql, sizeof(sql), "DO ?1 + %d", i);
            CHECK_INT(CCD_OK, SQL_RUN(c, "test", sql, &err, value_i64(i)));
        }
    }
    char kept[64] = "";
    CHECK(server_sql(server_shared(),
                     "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE"
                     " VARIABLE_NAME = 'PREPARED_STMT_COUNT'",
                     kept, sizeof(kept)));
    CHECK(strtol(kept, NULL, 10) >= SQL_STATEMENTS_KEPT - 1);
    CHECK(strtol(kept, NULL, 10) <= 2 * SQL_STATEMENTS_KEPT);
    /* The one that was just used is found again. */
    MYSQL_STMT *last = NULL;
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++)
        if (m->statements[i].sql && strcmp(m->statements[i].sql, sql) == 0)
            last = m->statements[i].stmt;
    CHECK(last != NULL);
    CHECK_INT(CCD_OK, SQL_RUN(c, "test", sql, &err, value_i64(1)));
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++)
        if (m->statements[i].sql && strcmp(m->statements[i].sql, sql) == 0)
            CHECK(m->statements[i].stmt == last);
    sql_driver_mysql.close(c);
}

TEST(statements_survive_a_changed_table)
{
    struct sql_target t;
    struct ccd_error err = {0};
    target_init(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    struct kinds k = {.count = 0};
    struct sql_call call = {.doing = "test",
                            .sql = "SELECT * FROM changing WHERE a >= ?1",
                            .parameters = (const struct value[]){value_i64(0)},
                            .parameter_count = 1,
                            .sink = {keep_kinds, &k}};
    CHECK_INT(CCD_OK, run_sql(c, "DROP TABLE IF EXISTS changing", &err));
    CHECK_INT(CCD_OK, run_sql(c, "CREATE TABLE changing (a BIGINT)", &err));
    CHECK_INT(CCD_OK, run_sql(c, "INSERT INTO changing VALUES (1)", &err));
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(1, k.count);
    CHECK_INT(CCD_OK,
              run_sql(c, "ALTER TABLE changing ADD b TEXT DEFAULT 'x', ADD d DOUBLE", &err));
    /* The library cannot take more columns than it was told: another connection can. */
    CHECK_INT(CCD_DATABASE_UNREACHABLE, c->driver->run(c, &call, &err));
    CHECK(c->broken);
    sql_driver_mysql.close(c);
    c = connect_ok(&t);
    if (!c)
        return;
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(3, k.count);
    CHECK_INT(VALUE_TEXT, k.kinds[1]);
    CHECK_INT(CCD_OK, run_sql(c, "ALTER TABLE changing MODIFY a INT, MODIFY d BIGINT", &err));
    CHECK_INT(CCD_OK, c->driver->run(c, &call, &err));
    CHECK_INT(CCD_OK, run_sql(c, "DROP TABLE changing", &err));
    CHECK_INT(CCD_DATABASE_SCHEMA, c->driver->run(c, &call, &err));
    sql_driver_mysql.close(c);
}

TEST(errors_have_statuses)
{
    static const struct {
        const char *sql;
        enum ccd_status status;
    } wrong[] = {
        {"SELECT nothing FROM nowhere", CCD_DATABASE_SCHEMA},
        {"SELEKT", CCD_DATABASE_SCHEMA},
        {"INSERT INTO wrongs (id) VALUES (1)", CCD_DATABASE_BUSY},
        {"INSERT INTO wrongs (id, tiny) VALUES (2, 1000)", CCD_DATABASE_DATA},
        {"INSERT INTO wrongs (id, tiny) VALUES (2, 'x')", CCD_DATABASE_DATA},
        {"INSERT INTO wrongs (id, short) VALUES (2, 'too long')", CCD_DATABASE_DATA},
        {"INSERT INTO wrongs (id, d) VALUES (2, '2024-02-30')", CCD_DATABASE_DATA},
        {"INSERT INTO wrongs (id, d) VALUES (2, '0000-00-00')", CCD_DATABASE_DATA},
        {"INSERT INTO wrongs (id, tiny) VALUES (2, 1 / 0)", CCD_DATABASE_DATA},
        {"INSERT INTO wrongs (tiny) VALUES (1)", CCD_DATABASE_SCHEMA},
        {"INSERT INTO wrongs (id, gone) VALUES (2, 2)", CCD_DATABASE_SCHEMA},
        {"INSERT INTO wrongs (id, short) VALUES (2, X'ff')", CCD_DATABASE_DATA},
        {"SELECT * FROM mysql.global_priv", CCD_DATABASE_PERMISSION},
        {"CREATE DATABASE other", CCD_DATABASE_PERMISSION},
        {"CREATE TABLE e (a INT) ENGINE=Nonesuch", CCD_DATABASE_SCHEMA},
        {"KILL QUERY CONNECTION_ID()", CCD_DATABASE_BUSY},
    };
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    struct sql_connection *c = connect_ok(&t);
    if (!c)
        return;
    CHECK_INT(CCD_OK, run_sql(c, "DROP TABLE IF EXISTS wrongs", &err));
    CHECK_INT(CCD_OK, run_sql(c,
                              "CREATE TABLE wrongs (id INT NOT NULL PRIMARY KEY, tiny TINYINT,"
                              " short VARCHAR(3) CHARACTER SET utf8mb4, d DATETIME)",
                              &err));
    CHECK_INT(CCD_OK, run_sql(c, "INSERT INTO wrongs (id) VALUES (1)", &err));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (!CHECK_INT(wrong[i].status, run_sql(c, wrong[i].sql, &err)))
            fprintf(stderr, "    %s: %s\n", wrong[i].sql, err.message);
        CHECK(strncmp(err.message, "cannot test ccdata@test/ccdata_test: ", 37) == 0);
        CHECK(!c->broken);
    }
    CHECK_INT(1, read_i64(c, "SELECT COUNT(*) FROM wrongs"));
    CHECK_INT(CCD_DATABASE_DATA, SQL_RUN(c, "test", "INSERT INTO wrongs (id, tiny) VALUES (?1, ?2)",
                                         &err, value_i64(2), value_i64(1000)));
    CHECK_INT(CCD_INTERNAL, SQL_RUN(c, "test", "DO ?2", &err, value_i64(1)));
    sql_driver_mysql.close(c);
}
