/* The bulk path: what COPY stores is what the batch held, or nothing. */
#include <stdio.h>
#include <string.h>

#include "support.h"

struct fixture {
    struct sql_target target;
    struct postgres *c;
    struct probe p;
};

static void set_up(struct fixture *f, size_t capacity)
{
    f->target = target_of("main");
    f->c = connect_to(&f->target);
    probe_table(f->c, &probe_type, INTERVAL_1D);
    probe_init(&f->p, capacity);
}

static void tear_down(struct fixture *f)
{
    probe_release(&f->p);
    disconnect_from(f->c);
}

static bool insert_ok(struct fixture *f)
{
    struct ccd_error err;
    CHECK_INT(CCD_OK, sql_driver_postgres.begin(&f->c->base, SQL_WRITES, &err));
    bool ok = CHECK_INT(CCD_OK, probe_insert(f->c, &f->p, &err));
    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    return ok && CHECK_INT(STORE_COMMITTED, sql_driver_postgres.commit(&f->c->base, &err));
}

/* The insert fails with the status, the transaction is lost, the connection is not. */
static void insert_fails(struct fixture *f, enum ccd_status status, const char *part)
{
    struct ccd_error err;
    CHECK_INT(CCD_OK, sql_driver_postgres.begin(&f->c->base, SQL_WRITES, &err));
    CHECK_INT(status, probe_insert(f->c, &f->p, &err));
    check_error(&err, status, part);
    CHECK_INT(STORE_ROLLED_BACK, sql_driver_postgres.commit(&f->c->base, &err));
    CHECK(err.status != CCD_OK);
    CHECK(!f->c->base.broken);
    CHECK_ROW("0", f->c, "SELECT count(*) FROM fact_probe_1d WHERE series_id > 1");
}

TEST(every_kind_by_copy)
{
    struct fixture f;
    set_up(&f, 200);
    int64_t ts = 86400;
    for (size_t i = 0; i < awkward_integer_count; i++, ts += 86400) {
        size_t row = probe_row(&f.p, ts);
        batch_set_i64(&f.p.batch, row, PROBE_WHOLE, awkward_integers[i]);
        batch_set_i64(&f.p.batch, row, PROBE_MOMENT, awkward_integers[i]);
        batch_set_i64(&f.p.batch, row, PROBE_YES, (int64_t)i & 1);
    }
    for (size_t i = 0; i < awkward_double_count; i++, ts += 86400)
        batch_set_f64(&f.p.batch, probe_row(&f.p, ts), PROBE_SHARE, awkward_doubles[i]);
    for (size_t i = 0; i < awkward_text_count; i++, ts += 86400) {
        size_t row = probe_row(&f.p, ts);
        batch_set_text(&f.p.batch, row, PROBE_WORDS, str_from(awkward_texts[i]));
        batch_set_i64(&f.p.batch, row, PROBE_YES, 1);
    }
    probe_row(&f.p, ts);
    if (insert_ok(&f))
        probe_is_stored(f.c, &f.p);
    tear_down(&f);
}

TEST(dates_of_all_times)
{
    static const int64_t moments[] = {
        -210866803200, /* 4714-11-24 BC, the first that PostgreSQL knows */
        -62135596800,  /* year 1 */
        -30610224000,  /* year 1000 */
        -2208988801,
        -86400,
        -1,
        0,
        1,
        946684799,
        946684800,
        946684801, /* around its epoch */
        1111885200,
        1130634000, /* clocks go forward and back in Europe */
        2147483647,
        2147483648,
        4102444800,
        4294967296,
        253402300799,  /* the last second of 9999 */
        9224318015999, /* 294276-12-31 23:59:59, the last that PostgreSQL knows */
    };
    struct fixture f;
    set_up(&f, 64);
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        probe_row(&f.p, moments[i]);
    f.p.page.collected_utc_s = -1;
    if (insert_ok(&f))
        probe_is_stored(f.c, &f.p);
    CHECK_ROW("'1970-01-01 00:00:00+00'", f.c,
              "SELECT ts FROM fact_probe_1d WHERE ts = to_timestamp(0)");
    tear_down(&f);
}

TEST(dates_out_of_range)
{
    static const int64_t moments[] = {INT64_MAX, INT64_MIN, 9224318016000, -210866803201};
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct fixture f;
        set_up(&f, 4);
        probe_row(&f.p, 0);
        probe_row(&f.p, moments[i]);
        insert_fails(&f, CCD_DATABASE_DATA, "out of range");
        tear_down(&f);
    }
}

static void check_batches(int64_t batch_rows, size_t rows)
{
    struct fixture f;
    set_up(&f, 5000);
    f.target.batch_rows = batch_rows;
    for (size_t i = 0; i < rows; i++) {
        size_t row = probe_row(&f.p, (int64_t)i * 86400);
        batch_set_i64(&f.p.batch, row, PROBE_WHOLE, (int64_t)(i * i));
        batch_set_f64(&f.p.batch, row, PROBE_SHARE, (double)i / 7);
        if (i % 3 == 0)
            batch_set_text(&f.p.batch, row, PROBE_WORDS, str_from(awkward_texts[i % 16]));
    }
    if (insert_ok(&f))
        probe_is_stored(f.c, &f.p);
    tear_down(&f);
}

TEST(rows_per_statement)
{
    check_batches(1, 20);
    check_batches(7, 50);
    check_batches(100, 100);
    check_batches(99, 100);
    check_batches(5001, 5000);
    check_batches(INT64_MAX, 3);
    check_batches(10, 0);
}

TEST(some_rows_of_a_page)
{
    struct fixture f;
    struct ccd_error err;
    set_up(&f, 10);
    for (int i = 0; i < 10; i++)
        batch_set_i64(&f.p.batch, probe_row(&f.p, i * 86400), PROBE_WHOLE, i);
    static const uint32_t chosen[] = {1, 5, 9};
    const struct sql_fact_rows rows = {&f.p.page, chosen, 3};
    CHECK_INT(CCD_OK, sql_driver_postgres.insert_rows(&f.c->base, &rows, &err));
    CHECK_ROW("'1,5,9'", f.c, "SELECT string_agg(whole::text, ',' ORDER BY ts) FROM fact_probe_1d");
    tear_down(&f);
}

TEST(a_moment_for_each_row)
{
    struct fixture f;
    set_up(&f, 10);
    static const int64_t collected[] = {-5, 1700000000, 4102444800};
    for (int i = 0; i < 3; i++)
        probe_row(&f.p, i * 86400);
    f.p.page.row_collected_utc_s = collected;
    insert_ok(&f);
    CHECK_ROW("'-5,1700000000,4102444800'", f.c,
              "SELECT string_agg(extract(epoch from collected_at)::bigint::text, ',' ORDER BY ts)"
              " FROM fact_probe_1d");
    tear_down(&f);
}

TEST(large_texts)
{
    struct fixture f;
    set_up(&f, 8);
    enum { LONG_BYTES = 3000000 };
    char *text = mem_alloc(NULL, LONG_BYTES);
    for (size_t i = 0; i < LONG_BYTES; i++)
        text[i] = (char)('a' + i * i % 26);
    for (int i = 0; i < 8; i++)
        batch_set_text(&f.p.batch, probe_row(&f.p, i * 86400), PROBE_WORDS,
                       (struct str){text, (size_t)LONG_BYTES >> (2 * i)});
    if (insert_ok(&f))
        probe_is_stored(f.c, &f.p);
    mem_free(NULL, text);
    tear_down(&f);
}

/* ---- refusals ---- */

TEST(a_key_that_is_there_already)
{
    for (int64_t batch_rows = 1; batch_rows <= 1000; batch_rows *= 10) {
        struct fixture f;
        set_up(&f, 3000);
        run_ok(f.c, "INSERT INTO fact_probe_1d (series_id, ts, collected_at)"
                    " VALUES (1, now(), now()), (4503599627370497, to_timestamp(86400), now())");
        f.target.batch_rows = batch_rows;
        for (int i = 0; i < 30; i++)
            probe_row(&f.p, i * 86400);
        struct ccd_error err;
        CHECK_INT(CCD_OK, sql_driver_postgres.begin(&f.c->base, SQL_WRITES, &err));
        CHECK_INT(CCD_DATABASE_BUSY, probe_insert(f.c, &f.p, &err));
        check_error(&err, CCD_DATABASE_BUSY, "23505");
        CHECK_INT(STORE_ROLLED_BACK, sql_driver_postgres.commit(&f.c->base, &err));
        CHECK_ROW("2", f.c, "SELECT count(*) FROM fact_probe_1d");
        run_ok(f.c, "DELETE FROM fact_probe_1d");
        if (insert_ok(&f))
            probe_is_stored(f.c, &f.p);
        tear_down(&f);
    }
}

/* The server says it long before we have sent everything. */
TEST(a_refusal_in_the_middle_of_much)
{
    struct fixture f;
    set_up(&f, STORE_ROWS_MAX);
    char text[2000];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < STORE_ROWS_MAX; i++)
        batch_set_text(&f.p.batch, probe_row(&f.p, i < 2 ? 0 : i * 86400), PROBE_WORDS,
                       (struct str){text, sizeof(text)});
    insert_fails(&f, CCD_DATABASE_BUSY, "duplicate key");
    tear_down(&f);
}

TEST(a_nul_byte_in_a_row)
{
    struct fixture f;
    set_up(&f, 4);
    probe_row(&f.p, 0);
    batch_set_text(&f.p.batch, probe_row(&f.p, 86400), PROBE_WORDS, (struct str){"a\0b", 3});
    insert_fails(&f, CCD_DATABASE_DATA, "words has a NUL byte");
    tear_down(&f);
}

TEST(bad_utf8_in_a_row)
{
    struct fixture f;
    set_up(&f, 4);
    batch_set_text(&f.p.batch, probe_row(&f.p, 0), PROBE_WORDS, STR("\xc3("));
    insert_fails(&f, CCD_DATABASE_DATA, "22021");
    tear_down(&f);
}

TEST(a_row_that_a_check_refuses)
{
    struct fixture f;
    set_up(&f, 4);
    run_ok(f.c, "ALTER TABLE fact_probe_1d ADD CHECK (whole > 0)");
    batch_set_i64(&f.p.batch, probe_row(&f.p, 0), PROBE_WHOLE, -1);
    insert_fails(&f, CCD_DATABASE_DATA, "23514");
    tear_down(&f);
}

/* A row that a trigger swallows is not taken for stored. */
TEST(a_row_that_a_trigger_swallows)
{
    struct fixture f;
    set_up(&f, 4);
    run_ok(f.c, "CREATE OR REPLACE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN IF new.whole = 1 THEN RETURN NULL; END IF; RETURN new; END $$;"
                "CREATE TRIGGER swallow BEFORE INSERT ON fact_probe_1d FOR EACH ROW"
                " EXECUTE FUNCTION swallow()");
    batch_set_i64(&f.p.batch, probe_row(&f.p, 0), PROBE_WHOLE, 1);
    probe_row(&f.p, 86400);
    struct ccd_error err;
    CHECK_INT(CCD_OK, sql_driver_postgres.begin(&f.c->base, SQL_WRITES, &err));
    CHECK_INT(CCD_INTERNAL, probe_insert(f.c, &f.p, &err));
    check_error(&err, CCD_INTERNAL, "took 1 of 2 rows");
    sql_driver_postgres.rollback(&f.c->base);
    CHECK_ROW("0", f.c, "SELECT count(*) FROM fact_probe_1d");
    tear_down(&f);
}

TEST(a_table_of_another_form)
{
    static const char *const changes[] = {
        "ALTER TABLE fact_probe_1d DROP COLUMN words",
        "ALTER TABLE fact_probe_1d RENAME TO gone",
        "ALTER TABLE fact_probe_1d ALTER COLUMN share TYPE real",
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct fixture f;
        struct ccd_error err;
        set_up(&f, 4);
        run_ok(f.c, "DROP TABLE IF EXISTS gone");
        run_ok(f.c, changes[i]);
        batch_set_f64(&f.p.batch, probe_row(&f.p, 0), PROBE_SHARE, 1.5);
        CHECK_INT(CCD_OK, sql_driver_postgres.begin(&f.c->base, SQL_WRITES, &err));
        CHECK_INT(CCD_DATABASE_SCHEMA, probe_insert(f.c, &f.p, &err));
        CHECK(!f.c->base.broken);
        sql_driver_postgres.rollback(&f.c->base);
        tear_down(&f);
    }
}
