/* One measured run against a database server: the driver's bulk statement fed from memory, which is
 * the ceiling, or the store on top of it (write rule, coverage, series), fresh or replayed, with as
 * many connections as given. Use: database_bench URL CONNECTIONS ROWS bare|store|replay
 * Prints rows per second and CPU seconds of this process per million rows. Its series stay, for a
 * replay; the tables must be empty before the others. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "store/sql/sql.h"

enum { CONNECTIONS_MAX = 16 };

enum mode { MODE_BARE, MODE_STORE, MODE_REPLAY };
static const char *const mode_words[] = {"bare", "store", "replay"};
struct bench {
    struct sql_target target;
    const struct sql_driver *driver;
    struct store *store;
    const struct data_type *type;
    struct series_names names[SERIES];
    int connections;
    int64_t pages;
    enum mode mode;
};

/* One thread with its own connection and page: series number, number + connections … */
struct lane {
    struct bench *bench;
    int number;
    pthread_t thread;
    struct batch batch;
    uint32_t rows[PAGE_ROWS];
};

static void put_bare(struct lane *l, struct sql_connection *c, const struct store_page *page)
{
    struct ccd_error err = {0};
    struct sql_fact_rows facts = {.page = page, .rows = l->rows, .count = PAGE_ROWS};
    if (c->driver->begin(c, SQL_WRITES, &err) != 0 ||
        c->driver->insert_rows(c, &facts, &err) != 0 || c->driver->commit(c, &err) != 0)
        die("the bulk statement", err.message);
}

static void put_page(struct store_writer *w, const struct store_page *page)
{
    struct ccd_error err = {0};
    struct store_page_result result;
    if (w->ops->writer_begin(w, &err) != 0 || w->ops->writer_put(w, page, &result, &err) != 0 ||
        w->ops->writer_commit(w, &err) != STORE_COMMITTED)
        die("writing a page", err.message);
    if ((page->fresh ? result.inserted : result.unchanged) != PAGE_ROWS)
        die("writing a page", "not every row was taken as expected");
}

static void *lane_main(void *user)
{
    struct lane *l = user;
    const struct bench *b = l->bench;
    struct ccd_error err = {0};
    struct sql_connection *connection = NULL;
    struct store_writer *writer = NULL;
    bool missing = false;
    int status = b->mode == MODE_BARE ? b->driver->open(&b->target, &connection, &missing, &err)
                                      : b->store->ops->writer_open(b->store, &writer, &err);
    if (status != 0 || missing)
        die("opening a connection", err.message);
    for (int64_t page = 0; page < b->pages; page++) {
        if (page % SERIES % b->connections != l->number)
            continue;
        struct coverage_segment segment;
        page_date(&l->batch, page);
        struct store_page p = page_of(&l->batch, b->names, page, b->mode != MODE_REPLAY, &segment);
        if (b->mode == MODE_BARE)
            put_bare(l, connection, &p);
        else
            put_page(writer, &p);
    }
    b->driver->close(connection);
    if (writer)
        writer->ops->writer_close(writer);
    return NULL;
}

static struct figures run(struct bench *b, struct lane *lanes)
{
    struct stopwatch start = stopwatch_read();
    for (int i = 0; i < b->connections; i++)
        if (pthread_create(&lanes[i].thread, NULL, lane_main, &lanes[i]) != 0)
            die("threads", "cannot start one");
    for (int i = 0; i < b->connections; i++)
        pthread_join(lanes[i].thread, NULL);
    return stopwatch_since(start, b->pages * PAGE_ROWS);
}

static void open_store(struct bench *b, const char *url)
{
    struct ccd_error err = {0};
    const struct store_config config = {.url = url,
                                        .create_schema = true,
                                        .settle_s = 360,
                                        .busy_timeout_ms = 30000,
                                        .pool_size = b->connections + 1,
                                        .pool_timeout_ms = 30000};
    if (store_url_parse(url, &b->target.url, &err) != 0 ||
        store_open(&config, &b->store, &err) != 0)
        die("opening the store", err.message);
    store_url_show(&b->target.url, b->target.name, sizeof(b->target.name));
    b->target.intent = SQL_WRITES;
    b->target.busy_timeout_ms = 30000;
    b->target.connect_timeout_ms = 10000;
    b->target.batch_rows = STORE_ROWS_MAX;
    b->driver = b->store->dialect == DIALECT_POSTGRESQL ? &sql_driver_postgres : &sql_driver_mysql;
}

static enum mode mode_parse(const char *word)
{
    for (size_t i = 0; i < sizeof(mode_words) / sizeof(mode_words[0]); i++)
        if (strcmp(word, mode_words[i]) == 0)
            return (enum mode)i;
    die("usage", "modes are bare, store and replay");
}

static void lane_init(struct lane *l, struct bench *b, int number)
{
    struct ccd_error err = {0};
    *l = (struct lane){.bench = b, .number = number};
    if (batch_init(&l->batch, b->type, PAGE_ROWS, 1 << 20, NULL, &err) != 0)
        die("a page", err.message);
    page_fill(&l->batch);
    for (uint32_t row = 0; row < PAGE_ROWS; row++)
        l->rows[row] = row;
}

int main(int argc, char **argv)
{
    static struct lane lanes[CONNECTIONS_MAX];
    static struct bench b;
    int64_t connections = 0, rows = 0;
    if (argc != 5 || !str_to_i64(str_from(argv[2]), &connections) || connections < 1 ||
        connections > CONNECTIONS_MAX || !str_to_i64(str_from(argv[3]), &rows) || rows < PAGE_ROWS)
        die("usage", "database_bench URL CONNECTIONS ROWS bare|store|replay");
    b.connections = (int)connections;
    b.pages = rows / PAGE_ROWS;
    b.mode = mode_parse(argv[4]);
    b.type = data_type_find(STR("futures_ohlcv"));
    page_series(b.type, b.names);
    for (int i = 0; i < b.connections; i++)
        lane_init(&lanes[i], &b, i);
    open_store(&b, argv[1]);
    struct figures figures = run(&b, lanes);
    printf("%.0f %.3f\n", figures.rows_per_s, figures.cpu_s_per_million);
    store_close(b.store);
    store_url_release(&b.target.url);
    for (int i = 0; i < b.connections; i++)
        batch_release(&lanes[i].batch);
    return 0;
}
