/* Speed of the store: fresh pages, replayed pages, and beside them the bare loop of a prepared
 * INSERT into the same table, the ceiling of ordinary SQLite code. Median of several runs.
 * Use: store_bench [ROWS [RUNS [DIRECTORY]]] */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

/* ---- runs ---- */

static void remove_database(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[512];
        str_print(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void put_page(struct store_writer *w, const struct series_names *names,
                     const struct batch *b, int64_t page, bool fresh)
{
    struct coverage_segment segment;
    struct store_page p = page_of(b, names, page, fresh, &segment);
    struct store_page_result result;
    struct ccd_error err;
    if (w->ops->writer_begin(w, &err) != 0 || w->ops->writer_put(w, &p, &result, &err) != 0 ||
        w->ops->writer_commit(w, &err) != STORE_COMMITTED)
        die("writing a page", err.message);
    if ((fresh ? result.inserted : result.unchanged) != PAGE_ROWS)
        die("writing a page", "not every row was taken as expected");
}

static struct figures run_store(const char *path, struct batch *b, int64_t pages, bool fresh)
{
    char url[512];
    str_print(url, sizeof(url), "sqlite:%s", path);
    struct store_config config = {.url = url, .create_schema = true, .settle_s = 360};
    struct series_names names[SERIES];
    page_series(b->type, names);
    struct ccd_error err;
    struct store *store;
    struct store_writer *writer;
    if (store_open(&config, &store, &err) != 0 ||
        store->ops->writer_open(store, &writer, &err) != 0)
        die("opening the store", err.message);
    struct stopwatch start = stopwatch_read();
    for (int64_t page = 0; page < pages; page++) {
        page_date(b, page);
        put_page(writer, names, b, page, fresh);
    }
    struct figures figures = stopwatch_since(start, pages * PAGE_ROWS);
    writer->ops->writer_close(writer);
    store_close(store);
    return figures;
}

static void must(sqlite3 *db, int code, const char *what)
{
    if (code != SQLITE_OK && code != SQLITE_DONE)
        die(what, sqlite3_errmsg(db));
}

static void bind_row(sqlite3_stmt *stmt, const struct batch *b, size_t row)
{
    int index = 3;
    for (size_t column = 0; column < b->type->column_count; column++) {
        const struct column *c = &b->type->columns[column];
        if (!column_is_fact(c))
            continue;
        if (!batch_has(b, row, column))
            sqlite3_bind_null(stmt, index++);
        else if (c->kind == COLUMN_F64)
            sqlite3_bind_double(stmt, index++, batch_cell(b, row, column)->f64);
        else
            sqlite3_bind_int64(stmt, index++, batch_cell(b, row, column)->i64);
    }
    sqlite3_bind_int64(stmt, index, 2000000000);
}

/* The table alone, REAL columns, SQLite's own defaults but WAL with full synchronisation. */
static struct figures run_bare(const char *path, struct batch *b, int64_t pages)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char create[4096] = "CREATE TABLE f (series_id INTEGER, ts INTEGER";
    char insert[1024] = "INSERT INTO f VALUES (?, ?";
    for (size_t column = 0; column < b->type->column_count; column++) {
        const struct column *c = &b->type->columns[column];
        if (column_is_fact(c)) {
            size_t len = strlen(create);
            str_print(create + len, sizeof(create) - len, ", \"%s\" %s", c->name,
                      c->kind == COLUMN_F64 ? "REAL" : "INTEGER");
            len = strlen(insert);
            str_print(insert + len, sizeof(insert) - len, ", ?");
        }
    }
    size_t len = strlen(create);
    str_print(create + len, sizeof(create) - len,
              ", collected_at INTEGER, PRIMARY KEY (series_id, ts)) WITHOUT ROWID");
    len = strlen(insert);
    str_print(insert + len, sizeof(insert) - len, ", ?)");
    must(NULL, sqlite3_open(path, &db), "opening the bare table");
    must(db, sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL),
         "setting up the bare table");
    must(db, sqlite3_exec(db, create, NULL, NULL, NULL), "creating the bare table");
    must(db, sqlite3_prepare_v3(db, insert, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL),
         "preparing");
    size_t ts = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    struct stopwatch start = stopwatch_read();
    for (int64_t page = 0; page < pages; page++) {
        page_date(b, page);
        must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), "begin");
        for (size_t row = 0; row < PAGE_ROWS; row++) {
            sqlite3_bind_int64(stmt, 1, 1000003 * (page % SERIES));
            sqlite3_bind_int64(stmt, 2, batch_cell(b, row, ts)->i64);
            bind_row(stmt, b, row);
            must(db, sqlite3_step(stmt), "inserting");
            sqlite3_reset(stmt);
        }
        must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), "commit");
    }
    struct figures figures = stopwatch_since(start, pages * PAGE_ROWS);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return figures;
}

int main(int argc, char **argv)
{
    int64_t rows = 1000000;
    int64_t runs_wanted = 5;
    const char *directory = argc > 3 ? argv[3] : ".";
    if ((argc > 1 && !str_to_i64(str_from(argv[1]), &rows)) ||
        (argc > 2 && !str_to_i64(str_from(argv[2]), &runs_wanted)) || rows < PAGE_ROWS ||
        runs_wanted < 1 || runs_wanted > RUNS_MAX)
        die("usage", "store_bench [ROWS [RUNS [DIRECTORY]]]");
    int runs = (int)runs_wanted;
    struct batch b;
    struct ccd_error err;
    const struct data_type *type = data_type_find(STR("futures_ohlcv"));
    if (batch_init(&b, type, PAGE_ROWS, 1 << 20, NULL, &err) != 0)
        die("a page", err.message);
    page_fill(&b);
    char path[400];
    char bare[400];
    str_print(path, sizeof(path), "%s/store_bench.db", directory);
    str_print(bare, sizeof(bare), "%s/store_bench_bare.db", directory);
    struct figures fresh[RUNS_MAX];
    struct figures replay[RUNS_MAX];
    struct figures ceiling[RUNS_MAX];
    for (int i = 0; i < runs; i++) {
        remove_database(path);
        remove_database(bare);
        ceiling[i] = run_bare(bare, &b, rows / PAGE_ROWS);
        fresh[i] = run_store(path, &b, rows / PAGE_ROWS, true);
        replay[i] = run_store(path, &b, rows / PAGE_ROWS, false);
    }
    remove_database(path);
    remove_database(bare);
    batch_release(&b);
    printf("futures_ohlcv_1m, pages of %d rows, %" PRId64 " rows, median of %d runs\n", PAGE_ROWS,
           rows / PAGE_ROWS * PAGE_ROWS, runs);
    report("bare prepared INSERT", ceiling, runs);
    report("store, fresh pages", fresh, runs);
    report("store, replayed pages", replay, runs);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("peak resident size           %8ld MB\n", used.ru_maxrss / 1024);
    return 0;
}
