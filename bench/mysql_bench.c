/* The ways of an insert into a server of the MySQL family, fed from memory: one connection, pages
 * of 2000 rows with all columns of futures candles, a transaction each, into an empty table.
 * Use: mysql_bench URL [ROWS [RUNS [arrays|load|text]]]; tests/servers.py run mariadb -- gives a
 * server. CPU seconds are this process's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "store/mysql/mysql.h"
#include "store/sql/sql.h"

struct way {
    const char *name;
    uint32_t disabled_paths;
    int64_t share; /* of the rows: slower ways do less */
};
static const struct way ways[] = {
    {"arrays", 0, 1},
    {"load", MYSQL_PATH_ARRAYS, 4},
    {"text", MYSQL_PATH_ARRAYS | MYSQL_PATH_LOAD, 4},
};

struct bench {
    struct sql_target target;
    const struct data_type *type;
    struct series_names names[SERIES];
    struct batch batch;
    uint32_t rows[PAGE_ROWS];
};

static void empty_table(struct sql_connection *c)
{
    struct ccd_error err = {0};
    if (sql_run(c, "empty", "TRUNCATE TABLE fact_futures_ohlcv_1m", NULL, 0, &err) != 0)
        die("emptying the table", err.message);
}

static struct figures run(struct bench *b, const struct way *way, int64_t pages)
{
    struct ccd_error err = {0};
    struct sql_connection *c = NULL;
    bool missing;
    b->target.disabled_paths = way->disabled_paths;
    if (sql_driver_mysql.open(&b->target, &c, &missing, &err) != 0)
        die("opening a connection", err.message);
    empty_table(c);
    struct stopwatch start = stopwatch_read();
    for (int64_t page = 0; page < pages; page++) {
        struct coverage_segment segment;
        page_date(&b->batch, page);
        struct store_page p = page_of(&b->batch, b->names, page, true, &segment);
        struct sql_fact_rows facts = {.page = &p, .rows = b->rows, .count = PAGE_ROWS};
        if (c->driver->begin(c, SQL_WRITES, &err) != 0 ||
            c->driver->insert_rows(c, &facts, &err) != 0 ||
            c->driver->commit(c, &err) != STORE_COMMITTED)
            die(way->name, err.message);
    }
    struct figures figures = stopwatch_since(start, pages * PAGE_ROWS);
    empty_table(c);
    sql_driver_mysql.close(c);
    return figures;
}

/* The store makes the tables. */
static void make_tables(const char *url)
{
    struct ccd_error err = {0};
    struct store *store = NULL;
    const struct store_config config = {
        .url = url, .create_schema = true, .settle_s = 360, .busy_timeout_ms = 30000};
    if (store_open(&config, &store, &err) != 0)
        die("opening the store", err.message);
    store_close(store);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct ccd_error err = {0};
    int64_t rows = 400000, runs = 5;
    const char *url = argc > 1 ? argv[1] : getenv("CCDATA_TEST_MARIADB_URL");
    if (!url || (argc > 2 && !str_to_i64(str_from(argv[2]), &rows)) ||
        (argc > 3 && !str_to_i64(str_from(argv[3]), &runs)) || rows < 4 * PAGE_ROWS || runs < 1 ||
        runs > RUNS_MAX)
        die("usage", "mysql_bench URL [ROWS [RUNS [WAY]]]");
    make_tables(url);
    if (store_url_parse(url, &b.target.url, &err) != 0)
        die("the URL", err.message);
    store_url_show(&b.target.url, b.target.name, sizeof(b.target.name));
    b.target.intent = SQL_WRITES;
    b.target.busy_timeout_ms = 30000;
    b.target.batch_rows = STORE_ROWS_MAX;
    b.type = data_type_find(STR("futures_ohlcv"));
    page_series(b.type, b.names);
    if (batch_init(&b.batch, b.type, PAGE_ROWS, 1 << 20, NULL, &err) != 0)
        die("a page", err.message);
    page_fill(&b.batch);
    for (uint32_t row = 0; row < PAGE_ROWS; row++)
        b.rows[row] = row;
    for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
        if (argc > 4 && strcmp(argv[4], ways[w].name) != 0)
            continue;
        struct figures figures[RUNS_MAX];
        for (int i = 0; i < (int)runs; i++)
            figures[i] = run(&b, &ways[w], rows / ways[w].share / PAGE_ROWS);
        report(ways[w].name, figures, (int)runs);
    }
    batch_release(&b.batch);
    store_url_release(&b.target.url);
    return 0;
}
