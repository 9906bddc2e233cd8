/* The SQLite driver by itself: statements that are kept, sinks, transactions, what is refused. */
#include <stdio.h>
#include <string.h>

#include "sql.h"
#include "store/sql/sql.h"

struct bench {
    struct place place;
    struct sql_target target;
    struct sql_connection *c;
    struct ccd_error err;
};

static const struct sql_driver *const driver = &sql_driver_sqlite;

static bool bench_open(struct bench *b)
{
    *b = (struct bench){.target = {.intent = SQL_WRITES, .create = true, .busy_timeout_ms = 50}};
    if (!CHECK(back_end_sqlite.make_place(&b->place)))
        return false;
    CHECK_INT(CCD_OK, store_url_parse(b->place.url, &b->target.url, &b->err));
    str_copy(b->target.name, sizeof(b->target.name), STR("t.db"));
    bool missing = true;
    CHECK_INT(CCD_OK, driver->open(&b->target, &b->c, &missing, &b->err));
    return CHECK(!missing) && CHECK(b->c != NULL);
}

static void bench_close(struct bench *b)
{
    driver->close(b->c);
    back_end_sqlite.remove_place(&b->place);
}

#define DRIVER_TEST(name)                                                                          \
    static void drive_##name(struct bench *b);                                                     \
    TEST(sqlite_driver_##name)                                                                     \
    {                                                                                              \
        struct bench b;                                                                            \
        if (bench_open(&b)) {                                                                      \
            drive_##name(&b);                                                                      \
            bench_close(&b);                                                                       \
        }                                                                                          \
    }                                                                                              \
    static void drive_##name(struct bench *b)

/* ---- statements ---- */

/* Rows as text: values joined by '|', rows by ' '. */
struct rows {
    struct bench *b;
    char text[512];
    size_t count;
    size_t enough; /* rows after which it stops; 0 = never */
};

static int take_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct rows *r = user;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(r->text);
        char *at = r->text + len;
        size_t room = sizeof(r->text) - len;
        const char *before = i > 0 ? "|" : len > 0 ? " " : "";
        switch (values[i].kind) {
        case VALUE_NULL:
            str_print(at, room, "%sNULL", before);
            break;
        case VALUE_I64:
            str_print(at, room, "%s%lld", before, (long long)values[i].i64);
            break;
        case VALUE_F64:
            str_print(at, room, "%s%.17g", before, values[i].f64);
            break;
        case VALUE_TEXT:
            str_print(at, room, "%s'" STR_FMT "'", before, STR_ARG(values[i].text));
            break;
        }
    }
    r->count++;
    return r->enough > 0 && r->count == r->enough ? SQL_ENOUGH : CCD_OK;
}

static int query_into(struct bench *b, const char *sql, const struct value *parameters,
                      size_t parameter_count, struct rows *rows)
{
    struct sql_call call = {.doing = "ask",
                            .sql = sql,
                            .parameters = parameters,
                            .parameter_count = parameter_count,
                            .sink = {take_row, rows}};
    return driver->run(b->c, &call, &b->err);
}

static void check_query(struct bench *b, const char *expected, const char *sql)
{
    struct rows rows = {0};
    CHECK_INT(CCD_OK, query_into(b, sql, NULL, 0, &rows));
    CHECK_TEXT(expected, rows.text);
}

static int run(struct bench *b, const char *sql)
{
    return sql_run(b->c, "change", sql, NULL, 0, &b->err);
}

DRIVER_TEST(values_go_in_and_come_out)
{
    const struct value values[] = {
        value_i64(INT64_MIN), value_i64(INT64_MAX),   value_f64(0.1), value_f64(-0.0),
        value_f64(7),         value_text(STR("a'b")), value_null(),   value_text((struct str){0})};
    struct rows rows = {0};
    CHECK_INT(CCD_OK, query_into(b, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8", values, 8, &rows));
    CHECK_TEXT("-9223372036854775808|9223372036854775807|0.10000000000000001|-0|7|'a'b'|NULL|''",
               rows.text);
}

DRIVER_TEST(numbers_of_parameters_may_repeat)
{
    const struct value values[] = {value_i64(5), value_i64(6)};
    struct rows rows = {0};
    CHECK_INT(CCD_OK, query_into(b, "SELECT ?2, ?1, ?2", values, 2, &rows));
    CHECK_TEXT("6|5|6", rows.text);
    CHECK_INT(CCD_OK, query_into(b, "SELECT ?1 + ?2 WHERE ?1 = 5", values, 2, &rows));
    CHECK_TEXT("6|5|6 11", rows.text);
}

DRIVER_TEST(parameters_do_not_stay)
{
    const struct value values[] = {value_i64(5)};
    struct rows rows = {0};
    CHECK_INT(CCD_OK, query_into(b, "SELECT ?1", values, 1, &rows));
    CHECK_INT(CCD_OK, query_into(b, "SELECT ?1", NULL, 0, &rows));
    CHECK_TEXT("5 NULL", rows.text);
}

DRIVER_TEST(too_many_parameters)
{
    const struct value values[] = {value_i64(5), value_i64(6)};
    struct rows rows = {0};
    CHECK(query_into(b, "SELECT ?1", values, 2, &rows) != CCD_OK);
    CHECK_TEXT("", rows.text);
}

DRIVER_TEST(bytes_are_no_value)
{
    struct rows rows = {0};
    CHECK_INT(CCD_DATABASE_DATA, query_into(b, "SELECT x'00ff' AS odd", NULL, 0, &rows));
    CHECK(strstr(b->err.message, "odd") != NULL);
}

DRIVER_TEST(more_statements_than_are_kept)
{
    char sql[64];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3 * SQL_STATEMENTS_KEPT; i++) {
            char expected[32];
            str_print(sql, sizeof(sql), "SELECT %d", i);
            str_print(expected, sizeof(expected), "%d", i);
            check_query(b, expected, sql);
        }
    }
}

DRIVER_TEST(sink_has_enough)
{
    static const char sql[] = "VALUES (1), (2), (3)";
    struct rows rows = {.enough = 2};
    CHECK_INT(CCD_OK, query_into(b, sql, NULL, 0, &rows));
    CHECK_TEXT("1 2", rows.text);
    check_query(b, "1 2 3", sql); /* the same statement begins anew */
}

static int refuse(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)user, (void)values, (void)count;
    return error_set(err, CCD_LOCKED, "no more");
}

DRIVER_TEST(sink_refuses)
{
    struct sql_call call = {.doing = "ask", .sql = "VALUES (1), (2)", .sink = {refuse, NULL}};
    CHECK_INT(CCD_LOCKED, driver->run(b->c, &call, &b->err));
    CHECK_TEXT("no more", b->err.message);
    check_query(b, "1 2", "VALUES (1), (2)");
}

/* For each row the same statement runs again, inside. */
static int take_and_ask(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct rows *outer = user;
    if (outer->count < 3)
        check_query(outer->b, "1 2 3", "VALUES (1), (2), (3)");
    return take_row(user, values, count, err);
}

DRIVER_TEST(sink_runs_the_same_statement)
{
    struct rows rows = {.b = b};
    struct sql_call call = {
        .doing = "ask", .sql = "VALUES (1), (2), (3)", .sink = {take_and_ask, &rows}};
    CHECK_INT(CCD_OK, driver->run(b->c, &call, &b->err));
    CHECK_TEXT("1 2 3", rows.text);
}

/* Every place is taken by a statement that is being run. */
static int go_deeper(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct rows *r = user;
    char sql[64];
    (void)values, (void)count;
    if (++r->count == SQL_STATEMENTS_KEPT + 6)
        return CCD_OK;
    str_print(sql, sizeof(sql), "SELECT 1 AS a%zu", r->count);
    struct sql_call call = {.doing = "ask", .sql = sql, .sink = {go_deeper, r}};
    return driver->run(r->b->c, &call, err);
}

DRIVER_TEST(statements_in_statements)
{
    struct rows rows = {.b = b};
    CHECK_INT(CCD_OK, go_deeper(&rows, NULL, 0, &b->err));
    CHECK_INT(SQL_STATEMENTS_KEPT + 6, rows.count);
    check_query(b, "7", "SELECT 7");
}

DRIVER_TEST(statement_after_a_change_of_the_table)
{
    CHECK_INT(CCD_OK, run(b, "CREATE TABLE t (a)"));
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (1)"));
    check_query(b, "1", "SELECT * FROM t");
    CHECK_INT(CCD_OK, run(b, "ALTER TABLE t ADD COLUMN b"));
    check_query(b, "1|NULL", "SELECT * FROM t");
    CHECK_INT(CCD_OK, run(b, "DROP TABLE t"));
    struct rows rows = {0};
    CHECK_INT(CCD_DATABASE_SCHEMA, query_into(b, "SELECT * FROM t", NULL, 0, &rows));
    CHECK(strstr(b->err.message, "cannot ask t.db: no such table: t") != NULL);
}

DRIVER_TEST(statement_that_is_refused_can_be_run_again)
{
    CHECK_INT(CCD_OK, run(b, "CREATE TABLE t (a PRIMARY KEY)"));
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (1)"));
    CHECK_INT(CCD_DATABASE_DATA, run(b, "INSERT INTO t VALUES (1)"));
    CHECK_INT(CCD_OK, run(b, "DELETE FROM t"));
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (1)"));
    CHECK(!b->c->broken);
}

/* ---- transactions ---- */

DRIVER_TEST(transactions)
{
    CHECK_INT(CCD_OK, run(b, "CREATE TABLE t (a)"));
    CHECK_INT(CCD_OK, driver->begin(b->c, SQL_WRITES, &b->err));
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (1)"));
    driver->rollback(b->c);
    driver->rollback(b->c); /* nothing is open: legal */
    CHECK_INT(CCD_OK, driver->begin(b->c, SQL_WRITES, &b->err));
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (2)"));
    CHECK_INT(STORE_COMMITTED, driver->commit(b->c, &b->err));
    check_query(b, "2", "SELECT a FROM t");
}

/* Open a second connection to the same database. */
static struct sql_connection *open_second(struct bench *b, struct sql_target *target)
{
    struct sql_connection *second = NULL;
    bool missing;
    CHECK_INT(CCD_OK, driver->open(target, &second, &missing, &b->err));
    return second;
}

DRIVER_TEST(one_writes_and_others_read_a_snapshot)
{
    struct bench reader = *b;
    struct bench other = *b;
    reader.target.intent = SQL_READS;
    CHECK_INT(CCD_OK, run(b, "CREATE TABLE t (a)"));
    reader.c = open_second(b, &reader.target);
    other.c = open_second(b, &b->target);
    CHECK_INT(CCD_OK, driver->begin(reader.c, SQL_READS, &b->err));
    check_query(&reader, "0", "SELECT count(*) FROM t");
    CHECK_INT(CCD_OK, driver->begin(b->c, SQL_WRITES, &b->err));
    CHECK_INT(CCD_DATABASE_BUSY, driver->begin(other.c, SQL_WRITES, &other.err));
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (1)"));
    CHECK_INT(STORE_COMMITTED, driver->commit(b->c, &b->err));
    check_query(&reader, "0", "SELECT count(*) FROM t");
    CHECK_INT(STORE_COMMITTED, driver->commit(reader.c, &b->err));
    check_query(&reader, "1", "SELECT count(*) FROM t");
    CHECK_INT(CCD_DATABASE_PERMISSION, run(&reader, "INSERT INTO t VALUES (2)"));
    CHECK_INT(CCD_OK, driver->begin(other.c, SQL_WRITES, &other.err));
    driver->close(other.c); /* with a transaction open */
    driver->close(reader.c);
    CHECK_INT(CCD_OK, run(b, "INSERT INTO t VALUES (3)"));
}

/* ---- locks ---- */

DRIVER_TEST(locks_belong_to_a_connection)
{
    struct ccd_error err;
    struct sql_connection *second = open_second(b, &b->target);
    CHECK_INT(CCD_OK, driver->lock(b->c, "one", 0, &b->err));
    CHECK_INT(CCD_OK, driver->lock(b->c, "one", 0, &b->err)); /* it has it */
    CHECK_INT(CCD_LOCKED, driver->lock(second, "one", 30, &err));
    CHECK(strstr(err.message, "one") && strstr(err.message, "t.db"));
    CHECK_INT(CCD_OK, driver->lock(second, "two", 0, &err));
    driver->close(second);
    CHECK_INT(CCD_OK, driver->lock(b->c, "two", 0, &b->err));
    driver->unlock(b->c, "two");
    driver->unlock(b->c, "two"); /* twice is legal */
}

/* ---- opening ---- */

TEST(sqlite_driver_finds_no_database)
{
    struct bench b = {.target = {.intent = SQL_READS, .create = true}};
    bool missing = false;
    if (!CHECK(back_end_sqlite.make_place(&b.place)))
        return;
    CHECK_INT(CCD_OK, store_url_parse(b.place.url, &b.target.url, &b.err));
    CHECK_INT(CCD_OK, driver->open(&b.target, &b.c, &missing, &b.err));
    CHECK(missing && !b.c);
    b.target.intent = SQL_WRITES;
    b.target.create = false;
    missing = false;
    CHECK_INT(CCD_OK, driver->open(&b.target, &b.c, &missing, &b.err));
    CHECK(missing && !b.c);
    b.target.create = true;
    CHECK_INT(CCD_OK, driver->open(&b.target, &b.c, &missing, &b.err));
    CHECK(!missing && b.c);
    driver->close(b.c);
    driver->close(NULL);
    back_end_sqlite.remove_place(&b.place);
}
