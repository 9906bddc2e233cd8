/* The three ways of insert_rows. */
#include <stdio.h>
#include <string.h>

#include "support.h"

static struct sql_connection *open_way(struct sql_target *t, const struct server *s,
                                       const struct way *way)
{
    target_init(t, s);
    t->disabled_paths = way->disabled_paths;
    struct sql_connection *c = connect_ok(t);
    return c && probe_table(c, &probe_type) ? c : NULL;
}

static void commit_ok(struct sql_connection *c)
{
    struct ccd_error err;
    CHECK_INT(STORE_COMMITTED, c->driver->commit(c, &err));
}

static void round_trip(const struct server *s, const struct way *way, int64_t batch_rows)
{
    struct sql_target t;
    struct ccd_error err;
    struct sql_connection *c = open_way(&t, s, way);
    if (!c)
        return;
    t.batch_rows = batch_rows;
    static struct probe_page p;
    probe_page_init(&p, &probe_type, 2000);
    probe_fill_extremes(&p);
    CHECK_INT(CCD_OK, c->driver->begin(c, SQL_WRITES, &err));
    if (!CHECK_INT(CCD_OK, probe_insert(c, &p, &err)))
        fprintf(stderr, "    %s: %s\n", way->name, err.message);
    commit_ok(c);
    if (!probe_compare(c, &p))
        fprintf(stderr, "    way %s\n", way->name);
    /* The way that was meant was taken. */
    CHECK_INT(way->disabled_paths & MYSQL_PATH_ARRAYS ? 0 : 1, connection_of(c)->arrays);
    CHECK_INT(way->disabled_paths & MYSQL_PATH_LOAD ? 0 : 1, connection_of(c)->loads);
    probe_page_release(&p);
    sql_driver_mysql.close(c);
}

TEST(rows_round_trip)
{
    for (size_t i = 0; i < 3; i++)
        round_trip(server_shared(), &ways[i], 2000);
}

TEST(rows_in_small_batches)
{
    for (size_t i = 0; i < 3; i++)
        round_trip(server_shared(), &ways[i], 7);
    round_trip(server_shared(), &ways[0], 1);
}

/* Server settings that would change what is stored. */
TEST(rows_on_a_lax_server_of_another_zone)
{
    struct server s;
    if (!server_start(&s, "tz=+05:30\t--sql-mode=\t--local-infile=1"
                          "\t--transaction-isolation=SERIALIZABLE\t--autocommit=0"
                          "\t--character-set-server=latin1"))
        return;
    for (size_t i = 0; i < 3; i++)
        round_trip(&s, &ways[i], 2000);
    CHECK(server_do(&s, "stop"));
}

TEST(rows_with_a_backslash_mode)
{
    struct server s;
    if (!server_start(&s, "--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES\t--local-infile=1"))
        return;
    for (size_t i = 0; i < 3; i++)
        round_trip(&s, &ways[i], 2000);
    CHECK(server_do(&s, "stop"));
}

TEST(rows_within_a_small_packet)
{
    struct server s;
    if (!server_start(&s, "--max-allowed-packet=1M\t--local-infile=1"))
        return;
    struct sql_target t;
    struct ccd_error err;
    static char long_text[900];
    static struct probe_page p;
    memset(long_text, '\'', sizeof(long_text));
    for (size_t i = 0; i < 3; i++) {
        struct sql_connection *c = open_way(&t, &s, &ways[i]);
        if (!c)
            continue;
        t.batch_rows = 5000;
        probe_page_init(&p, &probe_type, 5000);
        for (int64_t row = 0; row < 5000; row++)
            batch_set_text(&p.batch, probe_row(&p, row * 86400), PROBE_TEXT,
                           (struct str){long_text, (size_t)(row % 900)});
        CHECK_INT(CCD_OK, c->driver->begin(c, SQL_WRITES, &err));
        if (!CHECK_INT(CCD_OK, probe_insert(c, &p, &err)))
            fprintf(stderr, "    %s: %s\n", ways[i].name, err.message);
        commit_ok(c);
        CHECK(probe_compare(c, &p));
        probe_page_release(&p);
        sql_driver_mysql.close(c);
    }
    CHECK(server_do(&s, "stop"));
}

/* A row that is larger than a packet is refused, and says so. */
TEST(a_row_larger_than_the_packet)
{
    struct server s;
    if (!server_start(&s, "--max-allowed-packet=1M\t--local-infile=1"))
        return;
    static char huge[2 << 20];
    static struct probe_page p;
    memset(huge, 'h', sizeof(huge));
    for (size_t i = 0; i < 3; i++) {
        struct sql_target t;
        struct ccd_error err;
        struct sql_connection *c = open_way(&t, &s, &ways[i]);
        if (!c)
            continue;
        probe_page_init(&p, &probe_type, 10);
        batch_set_text(&p.batch, probe_row(&p, 0), PROBE_TEXT, (struct str){huge, sizeof(huge)});
        CHECK_INT(CCD_OK, c->driver->begin(c, SQL_WRITES, &err));
        int status = probe_insert(c, &p, &err);
        CHECK_INT(i == 1 ? CCD_OK : CCD_DATABASE_DATA, status); /* a load has no packet limit */
        CHECK(!c->broken);
        c->driver->rollback(c);
        probe_page_release(&p);
        sql_driver_mysql.close(c);
    }
    CHECK(server_do(&s, "stop"));
}

/* Rows that do not stand together in the batch, and moments of their own. */
TEST(rows_picked_out)
{
    static struct probe_page p;
    static int64_t collected[2000];
    for (size_t w = 0; w < 3; w++) {
        struct sql_target t;
        struct ccd_error err;
        struct sql_connection *c = open_way(&t, server_shared(), &ways[w]);
        if (!c)
            continue;
        probe_page_init(&p, &probe_type, 2000);
        probe_fill_extremes(&p);
        for (size_t i = 0; i < p.batch.row_count; i++)
            collected[i] = 1600000000 + (int64_t)i * 1000003;
        p.page.row_collected_utc_s = collected;
        size_t count = p.batch.row_count;
        for (int parity = 0; parity < 2; parity++) {
            size_t picked = 0;
            for (size_t i = (size_t)parity; i < count; i += 2)
                p.rows[picked++] = (uint32_t)i;
            const struct sql_fact_rows rows = {&p.page, p.rows, picked};
            CHECK_INT(CCD_OK, c->driver->insert_rows(c, &rows, &err));
        }
        CHECK(probe_compare(c, &p));
        probe_page_release(&p);
        sql_driver_mysql.close(c);
    }
}

TEST(a_key_that_is_there_is_busy)
{
    static struct probe_page p;
    for (size_t w = 0; w < 3; w++) {
        struct sql_target t;
        struct ccd_error err;
        struct sql_connection *c = open_way(&t, server_shared(), &ways[w]);
        if (!c)
            continue;
        probe_page_init(&p, &probe_type, 10);
        for (int i = 0; i < 10; i++)
            probe_row(&p, i * 86400);
        const struct sql_fact_rows last = {&p.page, p.rows + 9, 1};
        CHECK_INT(CCD_OK, c->driver->insert_rows(c, &last, &err));
        CHECK_INT(CCD_OK, c->driver->begin(c, SQL_WRITES, &err));
        if (!CHECK_INT(CCD_DATABASE_BUSY, probe_insert(c, &p, &err)))
            fprintf(stderr, "    %s: %s\n", ways[w].name, err.message);
        CHECK(!c->broken);
        c->driver->rollback(c);
        CHECK_INT(1, read_i64(c, "SELECT COUNT(*) FROM fact_probe_1d"));
        probe_page_release(&p);
        sql_driver_mysql.close(c);
    }
}

/* A column that is too narrow: LOAD DATA LOCAL would store what fits and warn. */
TEST(a_bad_value_is_refused)
{
    static struct probe_page p;
    for (size_t w = 0; w < 3; w++) {
        for (int which = 0; which < 3; which++) {
            struct sql_target t;
            struct ccd_error err;
            struct sql_connection *c = open_way(&t, server_shared(), &ways[w]);
            if (!c)
                continue;
            CHECK_INT(CCD_OK,
                      run_sql(c,
                              which == 0   ? "ALTER TABLE fact_probe_1d MODIFY whole TINYINT NULL"
                              : which == 1 ? "ALTER TABLE fact_probe_1d MODIFY words VARCHAR(3)"
                                           : "ALTER TABLE fact_probe_1d MODIFY real_number FLOAT",
                              &err));
            probe_page_init(&p, &probe_type, 10);
            for (int i = 0; i < 10; i++)
                probe_row(&p, i * 86400);
            if (which == 0)
                batch_set_i64(&p.batch, 5, PROBE_I64, 1000);
            else if (which == 1)
                batch_set_text(&p.batch, 5, PROBE_TEXT, STR("four"));
            else
                batch_set_f64(&p.batch, 5, PROBE_F64, 1e300);
            CHECK_INT(CCD_OK, c->driver->begin(c, SQL_WRITES, &err));
            if (!CHECK_INT(CCD_DATABASE_DATA, probe_insert(c, &p, &err)))
                fprintf(stderr, "    %s %d: %s\n", ways[w].name, which, err.message);
            c->driver->rollback(c);
            CHECK_INT(0, read_i64(c, "SELECT COUNT(*) FROM fact_probe_1d"));
            probe_page_release(&p);
            sql_driver_mysql.close(c);
        }
    }
}

TEST(dates_that_do_not_exist_are_refused)
{
    static struct probe_page p;
    for (size_t w = 0; w < 3; w++) {
        static const int64_t beyond[] = {INT64_MIN, INT64_MAX, -62135596801, 253402300800};
        for (size_t i = 0; i < 4; i++) {
            struct sql_target t;
            struct ccd_error err;
            struct sql_connection *c = open_way(&t, server_shared(), &ways[w]);
            if (!c)
                continue;
            probe_page_init(&p, &probe_type, 10);
            probe_row(&p, beyond[i]);
            CHECK_INT(CCD_DATABASE_DATA, probe_insert(c, &p, &err));
            CHECK_INT(0, read_i64(c, "SELECT COUNT(*) FROM fact_probe_1d"));
            probe_page_release(&p);
            sql_driver_mysql.close(c);
        }
    }
}

/* The server forbids local data: the rows go as text, within the same transaction. */
TEST(local_data_is_forbidden)
{
    struct server s;
    if (!server_start(&s, "--local-infile=0"))
        return;
    struct sql_target t;
    struct ccd_error err;
    static struct probe_page p;
    struct sql_connection *c = open_way(&t, &s, &ways[1]);
    if (c) {
        probe_page_init(&p, &probe_type, 2000);
        probe_fill_extremes(&p);
        CHECK(connection_of(c)->loads);
        CHECK_INT(CCD_OK, c->driver->begin(c, SQL_WRITES, &err));
        CHECK_INT(CCD_OK, run_sql(c,
                                  "INSERT INTO fact_probe_1d (series_id, ts, collected_at) VALUES"
                                  " (1, '2024-01-01', '2024-01-01')",
                                  &err));
        CHECK_INT(CCD_OK, probe_insert(c, &p, &err));
        CHECK(!connection_of(c)->loads);
        commit_ok(c);
        CHECK_INT(1, read_i64(c, "SELECT COUNT(*) FROM fact_probe_1d WHERE series_id = 1"));
        CHECK(probe_compare(c, &p));
        probe_page_release(&p);
        sql_driver_mysql.close(c);
    }
    CHECK(server_do(&s, "stop"));
}

/* Nobody but us may ask for data, and nothing but our page is handed out. */
TEST(files_are_never_read)
{
    static const char *const statements[] = {
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE stolen (line)",
        "LOAD DATA LOCAL INFILE 'ccdata-page' INTO TABLE stolen (line)",
        "LOAD DATA LOCAL INFILE '' INTO TABLE stolen (line)",
    };
    struct sql_target t;
    struct ccd_error err;
    target_init(&t, server_shared());
    for (size_t i = 0; i < 3; i++) {
        struct sql_connection *c = connect_ok(&t);
        if (!c)
            return;
        run_sql(c, "CREATE TABLE IF NOT EXISTS stolen (line TEXT)", &err);
        CHECK_INT(CCD_DATABASE_UNREACHABLE, run_sql(c, statements[i], &err));
        CHECK(strstr(err.message, "asked for a file") != NULL);
        CHECK(c->broken);
        sql_driver_mysql.close(c);
        c = connect_ok(&t);
        CHECK_INT(0, c ? read_i64(c, "SELECT COUNT(*) FROM stolen") : -1);
        sql_driver_mysql.close(c);
    }
}

TEST(the_proof_of_a_load)
{
    static struct probe_page p;
    struct sql_target t;
    struct ccd_error err;
    bool holds = false;
    const char *proof = "x";
    struct sql_connection *c = open_way(&t, server_shared(), &ways[1]);
    if (!c)
        return;
    probe_page_init(&p, &probe_type, 2000);
    probe_fill_extremes(&p);
    CHECK_INT(CCD_OK, c->driver->prove(c, &p.page, &proof, &holds, &err));
    CHECK(proof == NULL && !holds);
    CHECK_INT(CCD_OK, mysql_prove_load(connection_of(c), &p.page, &holds, &err));
    CHECK(holds);
    CHECK_INT(0, read_i64(c, "SELECT COUNT(*) FROM fact_probe_1d"));
    /* A table that cannot roll back. */
    CHECK_INT(CCD_OK, run_sql(c, "ALTER TABLE fact_probe_1d ENGINE=MyISAM", &err));
    CHECK_INT(CCD_OK, mysql_prove_load(connection_of(c), &p.page, &holds, &err));
    CHECK(!holds);
    probe_page_release(&p);
    sql_driver_mysql.close(c);
}
