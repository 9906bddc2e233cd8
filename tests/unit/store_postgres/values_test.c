/* Statements: values there and back, rows one by one, the statements that are kept. */
#include <math.h>
#include <string.h>

#include "support.h"

static struct postgres *connect_main(void)
{
    struct sql_target *t = mem_new(NULL, 1, sizeof(*t));
    *t = target_of("main");
    return connect_to(t);
}

static void disconnect_main(struct postgres *c)
{
    void *target = (void *)(uintptr_t)c->base.target;
    disconnect_from(c);
    mem_free(NULL, target);
}

/* ---- there and back ---- */

struct echo {
    struct value expected;
    bool seen;
};

static int take_echo(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct echo *e = user;
    (void)err;
    e->seen = CHECK_INT(1, count) && CHECK(value_equal(&e->expected, &values[0]));
    return CCD_OK;
}

/* A parameter comes back as it was, in binary and in text form. */
static void check_echo(struct postgres *c, const char *type, struct value value)
{
    char sql[96];
    str_print(sql, sizeof(sql), "SELECT CAST(?1 AS %s)", type);
    for (int once = 0; once < 2; once++) {
        struct echo e = {.expected = value};
        struct ccd_error err = {0};
        struct sql_call call = {.doing = "test",
                                .sql = sql,
                                .parameters = &value,
                                .parameter_count = 1,
                                .sink = {.row = take_echo, .user = &e},
                                .once = once};
        CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err));
        CHECK_TEXT("", err.message);
        CHECK(e.seen);
    }
}

TEST(every_kind_there_and_back)
{
    struct postgres *c = connect_main();
    for (size_t i = 0; i < awkward_integer_count; i++)
        check_echo(c, "bigint", value_i64(awkward_integers[i]));
    for (size_t i = 0; i < awkward_double_count; i++)
        check_echo(c, "double precision", value_f64(awkward_doubles[i]));
    for (size_t i = 0; i < awkward_text_count; i++)
        check_echo(c, "text", value_text(str_from(awkward_texts[i])));
    static const char *const types[] = {"bigint", "double precision", "text", "boolean", "varchar"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        check_echo(c, types[i], value_null());
    check_echo(c, "boolean", value_i64(1));
    check_echo(c, "boolean", value_i64(0));
    check_echo(c, "smallint", value_i64(-32768));
    check_echo(c, "integer", value_i64(INT32_MIN));
    check_echo(c, "real", value_f64(0.5));
    check_echo(c, "varchar", value_text(STR("ü")));
    check_echo(c, "name", value_text(STR("dim_series")));
    disconnect_main(c);
}

TEST(types_without_a_number_are_text)
{
    struct postgres *c = connect_main();
    CHECK_ROW("'12345678901234567890.5'|7", c, "SELECT 12345678901234567890.5, 7");
    CHECK_ROW("'2024-02-29'|'{1,2}'|-0f", c,
              "SELECT date '2024-02-29', array[1,2], double precision '-0'");
    CHECK_ROW("'2024-03-01 00:00:00+00'", c, "SELECT timestamptz '2024-02-29 19:00-05'");
    CHECK_TEXT("1|'a'|1|2.5f|NULL",
               row_of(c, "SELECT true, 'a'::text, 1, 2.5::float8, NULL", true));
    CHECK_ROW("'NaN'|1|'t'", c, "SELECT numeric 'NaN', true, 't'::\"char\"");
    disconnect_main(c);
}

TEST(numbers_that_are_none)
{
    struct postgres *c = connect_main();
    struct value values[] = {value_f64(INFINITY), value_f64(-INFINITY)};
    struct echo e = {.expected = value_i64(1)};
    struct ccd_error err = {0};
    struct sql_call call = {
        .doing = "test",
        .sql = "SELECT CAST(CAST(?1 AS float8) = 'Infinity' AND ?2::float8 = '-Infinity' AS int)",
        .parameters = values,
        .parameter_count = 2,
        .sink = {.row = take_echo, .user = &e},
    };
    CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err));
    CHECK(e.seen);
    e = (struct echo){.expected = value_f64(-INFINITY)};
    call.sql = "SELECT float8 '-Infinity'";
    call.parameter_count = 0;
    CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err));
    CHECK(e.seen);
    disconnect_main(c);
}

TEST(a_nul_byte_is_refused)
{
    struct postgres *c = connect_main();
    struct value nul = value_text((struct str){"a\0b", 3});
    struct ccd_error err = {0};
    struct sql_call call = {.doing = "test",
                            .sql = "SELECT CAST(?1 AS text)",
                            .parameters = &nul,
                            .parameter_count = 1};
    CHECK_INT(CCD_DATABASE_DATA, sql_driver_postgres.run(&c->base, &call, &err));
    check_error(&err, CCD_DATABASE_DATA, "NUL byte");
    CHECK_ROW("1", c, "SELECT 1");
    disconnect_main(c);
}

TEST(bad_utf8_is_refused)
{
    struct postgres *c = connect_main();
    struct value bad = value_text(STR("a\xff\xfe"));
    struct ccd_error err = {0};
    struct sql_call call = {.doing = "test",
                            .sql = "SELECT CAST(?1 AS text)",
                            .parameters = &bad,
                            .parameter_count = 1};
    CHECK_INT(CCD_DATABASE_DATA, sql_driver_postgres.run(&c->base, &call, &err));
    CHECK(!c->base.broken);
    CHECK_ROW("1", c, "SELECT 1");
    disconnect_main(c);
}

TEST(parameters_by_number)
{
    struct postgres *c = connect_main();
    struct value values[] = {value_text(STR("one")), value_text(STR("two?3")), value_i64(3)};
    struct ccd_error err = {0};
    struct echo e = {.expected = value_text(STR("two?3one3'?1'two?3"))};
    struct sql_call call = {
        .doing = "test",
        .sql = "SELECT ?2::text || ?1::text || ?3::bigint || '''?1''' || ?2::text",
        .parameters = values,
        .parameter_count = 3,
        .sink = {.row = take_echo, .user = &e},
    };
    CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err));
    CHECK(e.seen);
    call.parameter_count = 2;
    CHECK_INT(CCD_INTERNAL, sql_driver_postgres.run(&c->base, &call, &err));
    CHECK(!c->base.broken);
    CHECK_ROW("1", c, "SELECT 1");
    disconnect_main(c);
}

/* ---- rows ---- */

struct counting {
    int64_t rows, sum;
    int64_t stop_at; /* 0 = never */
    int answer;
};

static int count_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct counting *k = user;
    k->rows++;
    k->sum += count > 0 ? values[0].i64 : 0;
    if (k->stop_at == 0 || k->rows < k->stop_at)
        return CCD_OK;
    return k->answer == SQL_ENOUGH ? SQL_ENOUGH
                                   : error_set(err, (enum ccd_status)k->answer, "stopped");
}

static int count_rows(struct postgres *c, const char *sql, struct counting *k,
                      struct ccd_error *err)
{
    struct sql_call call = {.doing = "test", .sql = sql, .sink = {.row = count_row, .user = k}};
    *err = (struct ccd_error){0};
    return sql_driver_postgres.run(&c->base, &call, err);
}

TEST(many_rows)
{
    struct postgres *c = connect_main();
    struct counting k = {0};
    struct ccd_error err;
    CHECK_INT(CCD_OK, count_rows(c, "SELECT * FROM generate_series(1, 200000)", &k, &err));
    CHECK_INT(200000, k.rows);
    CHECK_INT(INT64_C(20000100000), k.sum);
    k = (struct counting){0};
    CHECK_INT(CCD_OK, count_rows(c, "SELECT 1 WHERE false", &k, &err));
    CHECK_INT(0, k.rows);
    disconnect_main(c);
}

TEST(a_sink_that_stops)
{
    struct postgres *c = connect_main();
    static const char sql[] = "SELECT * FROM generate_series(1, 20000)";
    struct counting k = {.stop_at = 10, .answer = SQL_ENOUGH};
    struct ccd_error err;
    CHECK_INT(CCD_OK, count_rows(c, sql, &k, &err));
    CHECK_INT(10, k.rows);
    k = (struct counting){.stop_at = 10, .answer = CCD_CHECK_FAILED};
    CHECK_INT(CCD_CHECK_FAILED, count_rows(c, sql, &k, &err));
    CHECK_TEXT("stopped", err.message);
    CHECK_INT(10, k.rows);
    CHECK(!c->base.broken);
    CHECK_ROW("1", c, "SELECT 1");
    disconnect_main(c);
}

TEST(an_error_after_some_rows)
{
    struct postgres *c = connect_main();
    struct counting k = {0};
    struct ccd_error err;
    CHECK_INT(CCD_DATABASE_DATA,
              count_rows(c, "SELECT 10 / (500 - n) FROM generate_series(1, 1000) n", &k, &err));
    check_error(&err, CCD_DATABASE_DATA, "division by zero (SQLSTATE 22012)");
    CHECK(!c->base.broken);
    CHECK_ROW("1", c, "SELECT 1");
    disconnect_main(c);
}

TEST(a_copy_in_a_statement_breaks_the_connection)
{
    struct postgres *c = connect_main();
    struct ccd_error err;
    CHECK(run(c, "COPY (SELECT 1) TO STDOUT", &err) != CCD_OK);
    CHECK(c->base.broken);
    disconnect_main(c);
}

TEST(several_statements_at_once)
{
    struct postgres *c = connect_main();
    run_ok(c, "CREATE TEMP TABLE t (a bigint); INSERT INTO t VALUES (1), (2); SELECT * FROM t");
    CHECK_ROW("'3'", c, "SELECT sum(a) FROM t");
    run_ok(c, "");
    disconnect_main(c);
}

TEST(rows_that_a_statement_took)
{
    struct postgres *c = connect_main();
    struct ccd_error err = {0};
    int64_t affected = -1;
    struct sql_call call = {
        .doing = "test", .sql = "DELETE FROM t WHERE a < 3", .out_affected = &affected};
    run_ok(c, "CREATE TEMP TABLE t (a bigint); INSERT INTO t VALUES (1), (2), (3)");
    for (int once = 0; once < 2; once++) {
        call.once = once;
        CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err));
        CHECK_INT(once ? 0 : 2, affected);
    }
    call.sql = "CREATE TEMP TABLE u (a bigint)";
    affected = -1;
    CHECK_INT(CCD_OK, sql_driver_postgres.run(&c->base, &call, &err));
    CHECK_INT(0, affected);
    disconnect_main(c);
}

/* ---- kept statements ---- */

TEST(statements_are_kept_up_to_a_number)
{
    struct postgres *c = connect_main();
    char sql[64];
    char expected[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3 * SQL_STATEMENTS_KEPT; i++) {
            str_print(sql, sizeof(sql), "SELECT %d", i);
            str_print(expected, sizeof(expected), "%d", i);
            CHECK_ROW(expected, c, sql);
            CHECK_ROW("-1", c, "SELECT -1"); /* used all the time: stays */
        }
    }
    str_print(expected, sizeof(expected), "%d", SQL_STATEMENTS_KEPT);
    CHECK_ROW("1", c, "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT -1'");
    CHECK_ROW(expected, c, "SELECT count(*) FROM pg_prepared_statements");
    CHECK_INT(6 * SQL_STATEMENTS_KEPT + 3, c->prepared_ever);
    CHECK_INT(SQL_STATEMENTS_KEPT, c->statement_count);
    disconnect_main(c);
}

TEST(a_statement_that_cannot_be_prepared)
{
    struct postgres *c = connect_main();
    struct ccd_error err = {0};
    struct sql_call call = {.doing = "read", .sql = "SELECT * FROM no_such_table"};
    for (int i = 0; i < 100; i++)
        CHECK_INT(CCD_DATABASE_SCHEMA, sql_driver_postgres.run(&c->base, &call, &err));
    check_error(&err, CCD_DATABASE_SCHEMA, "cannot read ccdata@test/ccdata_test: relation");
    CHECK_INT(0, c->statement_count);
    run_ok(c, "CREATE TEMP TABLE no_such_table AS SELECT 1 AS a");
    CHECK_ROW("1", c, "SELECT * FROM no_such_table");
    disconnect_main(c);
}

TEST(a_table_that_is_made_again)
{
    struct postgres *c = connect_main();
    run_ok(c, "CREATE TEMP TABLE again (a bigint)");
    CHECK_ROW("", c, "SELECT a FROM again");
    run_ok(c, "DROP TABLE again; CREATE TEMP TABLE again (b int, a bigint)");
    run_ok(c, "INSERT INTO again VALUES (1, 2)");
    CHECK_ROW("2", c, "SELECT a FROM again");
    disconnect_main(c);
}

TEST(statements_survive_a_rollback)
{
    struct postgres *c = connect_main();
    struct ccd_error err;
    CHECK_INT(CCD_OK, sql_driver_postgres.begin(&c->base, SQL_WRITES, &err));
    CHECK_ROW("5", c, "SELECT 5");
    CHECK_INT(CCD_DATABASE_DATA, run(c, "SELECT 1/0", &err));
    CHECK(strstr(row_of(c, "SELECT 6", false), "25P02") != NULL);
    sql_driver_postgres.rollback(&c->base);
    CHECK_ROW("5", c, "SELECT 5");
    CHECK_ROW("6", c, "SELECT 6");
    disconnect_main(c);
}
