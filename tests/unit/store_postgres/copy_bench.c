/* Figures of the bulk path, futures_ohlcv 1m, 2000-row pages: insert_rows; the same bytes encoded
 * before and only sent, which is the ceiling; and rows read back. Use, under run.py:
 * copy_bench [ROWS [RUNS]] */
#include <endian.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../bench/bench.h"
#include "support.h"

enum { CONNECTIONS_MAX = 2 };

enum work { WORK_DRIVER, WORK_CEILING, WORK_READ };

struct lane {
    enum work work;
    int number, count;
    int64_t pages;
    struct sql_target target;
    struct postgres *c;
    struct batch batch;
    struct series_names names[SERIES];
    uint32_t rows[PAGE_ROWS];
    struct buf copy;    /* the statement */
    struct buf encoded; /* a page */
    struct buf select;
    int64_t rows_read;
    pthread_t thread;
};

/* Instead of test.c: a check that fails ends the program. */
bool test_check(const char *file, int line, bool held, const char *condition)
{
    (void)line;
    if (!held)
        die(file, condition);
    return true;
}

bool test_check_int(const char *file, int line, long long expected, long long actual,
                    const char *expression)
{
    return test_check(file, line, expected == actual, expression);
}

bool test_check_text(const char *file, int line, const char *expected, const char *actual,
                     size_t actual_len, const char *expression)
{
    (void)actual_len;
    return test_check(file, line, strcmp(expected, actual) == 0, expression);
}

static void must(bool ok, const struct ccd_error *err)
{
    if (!ok)
        die("copy_bench", err->message);
}

static void send_encoded(struct lane *l)
{
    struct ccd_error err = {.message = "the ceiling's COPY failed"};
    PGresult *result = PQexec(l->c->pg, l->copy.data);
    must(PQresultStatus(result) == PGRES_COPY_IN, &err);
    PQclear(result);
    enum { PIECE = 128 * 1024 };
    for (size_t at = 0; at < l->encoded.len; at += PIECE) {
        size_t left = l->encoded.len - at;
        must(PQputCopyData(l->c->pg, l->encoded.data + at, (int)(left < PIECE ? left : PIECE)) == 1,
             &err);
    }
    must(PQputCopyEnd(l->c->pg, NULL) == 1, &err);
    while ((result = PQgetResult(l->c->pg)) != NULL) {
        must(PQresultStatus(result) == PGRES_COMMAND_OK, &err);
        PQclear(result);
    }
}

/* Let the server give the page back in the form of COPY, so that the bytes do not come from the
 * code that is measured. */
static void fetch_encoded(struct lane *l)
{
    struct ccd_error err = {.message = "cannot fetch a page"};
    char sql[8192];
    const char *columns = strchr(l->copy.data, '(');
    size_t len = (size_t)(strstr(columns, ") FROM") - columns - 1);
    str_print(sql, sizeof(sql),
              "COPY (SELECT %.*s FROM fact_futures_ohlcv_1m) TO STDOUT (FORMAT binary)", (int)len,
              columns + 1);
    PGresult *result = PQexec(l->c->pg, sql);
    must(PQresultStatus(result) == PGRES_COPY_OUT, &err);
    PQclear(result);
    char *piece;
    buf_clear(&l->encoded);
    for (int bytes; (bytes = PQgetCopyData(l->c->pg, &piece, 0)) > 0; PQfreemem(piece))
        must(buf_add(&l->encoded, piece, (size_t)bytes) == 0, &err);
    while ((result = PQgetResult(l->c->pg)) != NULL)
        PQclear(result);
}

/* Give the encoded rows the series and times of a page. */
static void date_encoded(struct lane *l, const struct store_page *page)
{
    size_t at = 19;
    size_t ts = (size_t)data_type_column_flagged(l->batch.type, COLUMN_TS);
    for (size_t row = 0; row < PAGE_ROWS; row++) {
        uint8_t *bytes = (uint8_t *)l->encoded.data + at;
        uint64_t id = htobe64((uint64_t)page->series->series_id);
        uint64_t us = htobe64(
            (uint64_t)((batch_cell(&l->batch, row, ts)->i64 - 946684800) * 1000000));
        memcpy(bytes + 6, &id, 8);
        memcpy(bytes + 18, &us, 8);
        size_t fields = (size_t)bytes[0] << 8 | bytes[1];
        at += 2;
        for (size_t i = 0; i < fields; i++) {
            const uint8_t *length = (const uint8_t *)l->encoded.data + at;
            at += length[0] == 0xff ? 4 : 4u + length[3];
        }
    }
}

static int count_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)values;
    (void)count;
    (void)err;
    ++*(int64_t *)user;
    return CCD_OK;
}

static void read_page(struct lane *l, const struct store_page *page)
{
    struct ccd_error err = {0};
    size_t ts = (size_t)data_type_column_flagged(l->batch.type, COLUMN_TS);
    int64_t first = batch_cell(&l->batch, 0, ts)->i64;
    const struct value parameters[] = {value_i64(page->series->series_id), value_i64(first),
                                       value_i64(first + PAGE_ROWS * 60)};
    struct sql_call call = {
        .doing = "read",
        .sql = l->select.data,
        .parameters = parameters,
        .parameter_count = 3,
        .sink = {.row = count_row, .user = &l->rows_read},
    };
    must(sql_driver_postgres.run(&l->c->base, &call, &err) == CCD_OK, &err);
}

static void put_page(struct lane *l, const struct store_page *page)
{
    struct ccd_error err = {0};
    const struct sql_fact_rows rows = {page, l->rows, PAGE_ROWS};
    must(sql_driver_postgres.begin(&l->c->base, SQL_WRITES, &err) == CCD_OK, &err);
    if (l->work == WORK_DRIVER) {
        must(sql_driver_postgres.insert_rows(&l->c->base, &rows, &err) == CCD_OK, &err);
    } else {
        date_encoded(l, page);
        send_encoded(l);
    }
    must(sql_driver_postgres.commit(&l->c->base, &err) == STORE_COMMITTED, &err);
}

static void *lane_main(void *user)
{
    struct lane *l = user;
    for (int64_t number = 0; number < l->pages; number++) {
        struct coverage_segment segment;
        if (number % SERIES % l->count != l->number)
            continue;
        page_date(&l->batch, number);
        struct store_page page = page_of(&l->batch, l->names, number, true, &segment);
        if (l->work == WORK_READ)
            read_page(l, &page);
        else
            put_page(l, &page);
    }
    return NULL;
}

static void write_select(struct lane *l)
{
    buf_init(&l->select, 8192, NULL);
    buf_add_text(&l->select, "SELECT CAST(EXTRACT(EPOCH FROM ts) AS bigint)");
    for (size_t i = 0; i < l->batch.type->column_count; i++)
        if (column_is_fact(&l->batch.type->columns[i]))
            buf_printf(&l->select, ", %s", l->batch.type->columns[i].name);
    buf_add_text(&l->select, " FROM fact_futures_ohlcv_1m WHERE series_id = ?1"
                             " AND ts >= to_timestamp(?2::bigint) AND ts < to_timestamp(?3::bigint)"
                             " ORDER BY ts");
}

static void lane_init(struct lane *l, int number, int64_t pages)
{
    struct ccd_error err = {0};
    const struct data_type *type = data_type_find(STR("futures_ohlcv"));
    *l = (struct lane){.number = number, .pages = pages, .target = target_of("main")};
    l->c = connect_to(&l->target);
    must(batch_init(&l->batch, type, PAGE_ROWS, 1 << 20, NULL, &err) == CCD_OK, &err);
    buf_init(&l->copy, 8192, NULL);
    buf_init(&l->encoded, 64 << 20, NULL);
    page_fill(&l->batch);
    page_series(type, l->names);
    write_select(l);
    for (uint32_t row = 0; row < PAGE_ROWS; row++)
        l->rows[row] = row;
}

/* One page by the driver, taken back as bytes. */
static void encode(struct lane *l)
{
    struct coverage_segment segment;
    page_date(&l->batch, 0);
    struct store_page page = page_of(&l->batch, l->names, 0, true, &segment);
    enum work work = l->work;
    l->work = WORK_DRIVER;
    run_ok(l->c, "TRUNCATE fact_futures_ohlcv_1m");
    put_page(l, &page);
    buf_clear(&l->copy);
    buf_add_text(&l->copy, l->c->sql.data);
    fetch_encoded(l);
    l->work = work;
}

static struct figures measure(struct lane *lanes, int count, enum work work)
{
    for (int i = 0; i < count; i++) {
        lanes[i].work = work;
        lanes[i].count = count;
        if (work == WORK_CEILING)
            encode(&lanes[i]);
    }
    if (work != WORK_READ)
        run_ok(lanes[0].c, "TRUNCATE fact_futures_ohlcv_1m; CHECKPOINT");
    struct stopwatch start = stopwatch_read();
    for (int i = 0; i < count; i++)
        if (pthread_create(&lanes[i].thread, NULL, lane_main, &lanes[i]) != 0)
            die("threads", "cannot start one");
    for (int i = 0; i < count; i++)
        pthread_join(lanes[i].thread, NULL);
    return stopwatch_since(start, lanes[0].pages * PAGE_ROWS);
}

int main(int argc, char **argv)
{
    static struct lane lanes[CONNECTIONS_MAX];
    static const char *const words[] = {"insert_rows", "bytes ready before", "read back"};
    int64_t rows = 1000000;
    int64_t runs = 3;
    if ((argc > 1 && !str_to_i64(str_from(argv[1]), &rows)) ||
        (argc > 2 && !str_to_i64(str_from(argv[2]), &runs)) || rows < PAGE_ROWS * SERIES ||
        runs < 1 || runs > RUNS_MAX)
        die("usage", "copy_bench [ROWS [RUNS]]");
    run_admin("main", "GRANT pg_checkpoint TO ccdata");
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        lane_init(&lanes[i], i, rows / PAGE_ROWS);
    probe_table(lanes[0].c, lanes[0].batch.type, INTERVAL_1M);
    for (int count = 1; count <= CONNECTIONS_MAX; count++) {
        struct figures figures[3][RUNS_MAX];
        for (int64_t i = 0; i < runs; i++) {
            figures[WORK_CEILING][i] = measure(lanes, count, WORK_CEILING);
            figures[WORK_DRIVER][i] = measure(lanes, count, WORK_DRIVER);
            figures[WORK_READ][i] = measure(lanes, count, WORK_READ);
        }
        for (int work = 0; work < 3; work++) {
            char what[64];
            str_print(what, sizeof(what), "%d: %s", count, words[work]);
            report(what, figures[work], (int)runs);
        }
    }
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        batch_release(&lanes[i].batch);
        buf_release(&lanes[i].copy);
        buf_release(&lanes[i].select);
        buf_release(&lanes[i].encoded);
        disconnect_from(lanes[i].c);
    }
    return 0;
}
