/* Prints every SQL statement that the store sends to SingleStore, one a line after the number of
 * its connection: the store runs over a driver that sends nothing and answers what makes the next
 * statement necessary. The statements of the driver itself (session, bulk rows, lock) are not here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sql/store.h"

enum { ROWS = 3, VALUES_MAX = 128, STEP_S = 86400, NOW_UTC_S = 1700000000 };

/* Whether reads find something. */
static bool answers;
static int connections;

struct connection {
    struct sql_connection base;
    int number;
};

static void say(const struct sql_connection *c, const char *sql)
{
    printf("%d\t", ((const struct connection *)c)->number);
    for (; *sql; sql++)
        putchar(*sql == '\n' ? ' ' : *sql);
    putchar('\n');
}

static void must(int status, const struct ccd_error *err)
{
    if (status == CCD_OK)
        return;
    fprintf(stderr, "statements: %s\n", err->message);
    exit(1);
}

/* ---- the driver ---- */

static const struct sql_driver recorder;

static int open_nothing(const struct sql_target *target, struct sql_connection **out,
                        bool *out_missing, struct ccd_error *err)
{
    struct connection *c = mem_new(NULL, 1, sizeof(*c));
    if (!c)
        return error_set(err, CCD_NO_MEMORY, "no memory for a connection");
    c->base = (struct sql_connection){
        .driver = &recorder, .target = target, .dialect = dialect_of(DIALECT_SINGLESTORE)};
    c->number = ++connections;
    *out_missing = false;
    *out = &c->base;
    return CCD_OK;
}

static void close_nothing(struct sql_connection *c)
{
    mem_free(NULL, c);
}

/* The columns that a query asks for, where none of them has a comma within. */
static size_t columns_of(const char *sql)
{
    const char *end = strstr(sql, " FROM ");
    size_t depth = 0;
    size_t count = 1;
    for (; *sql && sql < end; sql++) {
        depth += *sql == '(';
        depth -= *sql == ')';
        count += *sql == ',' && depth == 0;
    }
    return count;
}

/* The table that is asked for; NULL = facts. */
static const struct data_type *listed;

/* A row of the same record, if it has one, and of another key. */
static void answer_list(const char *sql, struct value *values)
{
    values[0] = value_i64(1);
    for (size_t i = 0; i < listed->column_count && !strstr(sql, "count(*)"); i++) {
        const struct column *c = &listed->columns[i];
        values[i] = c->flags & COLUMN_PARENT   ? value_i64(1)
                    : !(c->flags & COLUMN_KEY) ? value_null()
                    : c->kind == COLUMN_TEXT   ? value_text(STR("other"))
                                               : value_i64(0);
    }
}

/* A row that differs from what is written: the first value is 0, the last ones are NULL. */
static int answer(const struct sql_call *call, struct ccd_error *err)
{
    struct value values[VALUES_MAX];
    size_t count = columns_of(call->sql);
    for (size_t i = 0; i < count && i < VALUES_MAX; i++)
        values[i] = i < 2 ? value_i64(0) : value_null();
    if (listed)
        answer_list(call->sql, values);
    int status = call->sink.row(call->sink.user, values, count, err);
    return status == SQL_ENOUGH ? CCD_OK : status;
}

static int run(struct sql_connection *c, const struct sql_call *call, struct ccd_error *err)
{
    say(c, call->sql);
    if (call->out_affected)
        *call->out_affected = 1; /* the one row that answer gave */
    char from[80];
    str_print(from, sizeof(from), " FROM `%s", listed ? listed->name : "fact_");
    bool is_asked = strncmp(call->sql, "SELECT", 6) == 0 && strstr(call->sql, from);
    return answers && is_asked && call->sink.row ? answer(call, err) : CCD_OK;
}

static int begin(struct sql_connection *c, enum sql_intent intent, struct ccd_error *err)
{
    (void)intent;
    (void)err;
    say(c, "BEGIN");
    return CCD_OK;
}

static enum store_outcome commit(struct sql_connection *c, struct ccd_error *err)
{
    (void)err;
    say(c, "COMMIT");
    return STORE_COMMITTED;
}

static void rollback(struct sql_connection *c)
{
    say(c, "ROLLBACK");
}

static int insert_rows(struct sql_connection *c, const struct sql_fact_rows *rows,
                       struct ccd_error *err)
{
    (void)c;
    (void)rows;
    (void)err;
    return CCD_OK;
}

static int lock(struct sql_connection *c, const char *name, int64_t wait_ms, struct ccd_error *err)
{
    (void)c;
    (void)name;
    (void)wait_ms;
    (void)err;
    return CCD_OK;
}

static void unlock(struct sql_connection *c, const char *name)
{
    (void)c;
    (void)name;
}

static int prove(struct sql_connection *c, const struct store_page *scratch, const char **out_proof,
                 bool *out_holds, struct ccd_error *err)
{
    (void)c;
    (void)scratch;
    (void)err;
    *out_proof = "load_data_rolls_back";
    *out_holds = true;
    return CCD_OK;
}

static const struct sql_driver recorder = {
    .scheme = "singlestore",
    .capabilities = STORE_PERSISTS,
    .open = open_nothing,
    .close = close_nothing,
    .run = run,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .insert_rows = insert_rows,
    .lock = lock,
    .unlock = unlock,
    .prove = prove,
};

/* ---- what the store is asked for ---- */

struct page {
    struct store_page p;
    struct batch batch;
    struct series_names names;
    struct coverage_segment segment;
};

static void set(struct batch *b, size_t row, size_t column, int64_t ts)
{
    switch (b->type->columns[column].kind) {
    case COLUMN_F64:
        batch_set_f64(b, row, column, 1.5);
        break;
    case COLUMN_TEXT:
        batch_set_text(b, row, column, STR("text"));
        break;
    case COLUMN_I64:
    case COLUMN_BOOL:
    case COLUMN_UTC_S:
        batch_set_i64(b, row, column, b->type->columns[column].flags & COLUMN_TS ? ts : 1);
        break;
    }
}

static void fill(struct batch *b, const struct data_type *type)
{
    struct ccd_error err;
    must(batch_init(b, type, ROWS, 1 << 16, NULL, &err), &err);
    for (b->row_count = 0; b->row_count < ROWS; b->row_count++)
        for (size_t column = 0; column < type->column_count; column++)
            set(b, b->row_count, column, (int64_t)b->row_count * STEP_S);
}

static void page_init(struct page *page, const struct data_type *type, bool fresh,
                      const char *const *rejected)
{
    *page = (struct page){.segment = {0, ROWS * STEP_S, COVERAGE_STORED, NOW_UTC_S, 0}};
    fill(&page->batch, type);
    series_names_set(&page->names, type, STR("market"), STR("native"), STR("mapped"));
    page->p = (struct store_page){.type = type,
                                  .interval = INTERVAL_1D,
                                  .series = &page->names,
                                  .batch = &page->batch,
                                  .rejected = rejected,
                                  .fresh = fresh,
                                  .collected_utc_s = NOW_UTC_S,
                                  .final_before_ts = NOW_UTC_S,
                                  .segments = &page->segment,
                                  .segment_count = 1,
                                  .run_id = "run"};
}

static void put_page(struct store *store, const struct data_type *type, bool fresh,
                     const char *const *rejected)
{
    struct ccd_error err;
    struct store_writer *writer;
    struct store_page_result result;
    struct page page;
    page_init(&page, type, fresh, rejected);
    must(store->ops->writer_open(store, &writer, &err), &err);
    must(store->ops->writer_begin(writer, &err), &err);
    must(store->ops->writer_put(writer, &page.p, &result, &err), &err);
    if (store->ops->writer_commit(writer, &err) != STORE_COMMITTED)
        must(CCD_INTERNAL, &err);
    store->ops->writer_close(writer);
    batch_release(&page.batch);
}

static int take_segment(void *user, const struct coverage_segment *segment)
{
    (void)user;
    (void)segment;
    return 0;
}

static int take_series(void *user, const struct store_series *series, struct ccd_error *err)
{
    (void)user;
    (void)series;
    (void)err;
    return CCD_OK;
}

static int take_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    (void)user, (void)scope, (void)asked_utc_s, (void)err;
    return CCD_OK;
}

static int take_run(void *user, const struct store_run *run, struct ccd_error *err)
{
    (void)user, (void)run, (void)err;
    return CCD_OK;
}

static int take_run_operation(void *user, const struct store_run_operation *operation,
                              struct ccd_error *err)
{
    (void)user, (void)operation, (void)err;
    return CCD_OK;
}

static int take_run_series(void *user, const struct store_run_series *series, struct ccd_error *err)
{
    (void)user, (void)series, (void)err;
    return CCD_OK;
}

static int take_covered(void *user, int64_t series_id, const struct coverage_segment *segment,
                        struct ccd_error *err)
{
    (void)user, (void)series_id, (void)segment, (void)err;
    return CCD_OK;
}

static void ask_candles(struct store *store, const struct data_type *type)
{
    static const char *const rejected[ROWS] = {NULL, "low above high", NULL};
    struct ccd_error err;
    struct series_names names;
    bool found;
    struct page page;
    page_init(&page, type, true, NULL);
    must(store->ops->find_series(store, type, STR("market"), STR("name"), &names, &found, &err),
         &err);
    must(store->ops->put_series(store, type, &page.names, 1, &err), &err);
    must(store->ops->load_coverage(store, page.names.series_id, STEP_S, take_segment, NULL, &err),
         &err);
    must(store->ops->compact_coverage(store, page.names.series_id, STEP_S, 0, &err), &err);
    must(store->ops->read_rows(store, type, INTERVAL_1D, page.names.series_id,
                               (struct period_range){0, STEP_S}, &page.batch, NULL, &err),
         &err);
    must(store->ops->each_series(store, type, take_series, NULL, &err), &err);
    put_page(store, type, true, NULL);
    put_page(store, type, false, rejected);
    answers = true;
    put_page(store, type, false, NULL);
    answers = false;
    must(store->ops->remove_series(store, type, page.names.series_id, &err), &err);
    batch_release(&page.batch);
}

/* The row is new, and there is another that the list lacks. */
static void ask_list(struct store *store, const struct data_type *table)
{
    struct ccd_error err;
    struct batch records;
    struct batch rows;
    struct store_list_counts counts[2];
    size_t count;
    int64_t asked_utc_s;
    bool is_part = table->parent != NULL;
    const struct data_type *first = is_part ? table->parent : table;
    fill(&records, first);
    fill(&rows, table);
    records.row_count = rows.row_count = 1; /* the others have their keys */
    const struct store_list lists[] = {{first, &records}, {table, &rows}};
    const struct store_lists call = {.lists = lists,
                                     .count = is_part ? 2 : 1,
                                     .scope = STR("text"),
                                     .asked_utc_s = NOW_UTC_S,
                                     .is_complete = true,
                                     .shrink_max_percent = 100};
    must(store->ops->put_lists(store, &call, counts, &err), &err);
    answers = true;
    listed = table;
    must(store->ops->put_lists(store, &call, counts, &err), &err);
    answers = false;
    listed = NULL;
    must(store->ops->load_list(store, table, STR("text"), NULL, &count, &asked_utc_s, &err), &err);
    batch_clear(&rows);
    must(store->ops->load_list(store, table, STR("text"), &rows, &count, &asked_utc_s, &err), &err);
    must(store->ops->each_list(store, table, take_scope, NULL, &err), &err);
    batch_release(&records);
    batch_release(&rows);
}

static void ask_runs(struct store *store)
{
    struct ccd_error err;
    const struct store_run run = {.run_id = "run", .command = "c", .status = "s"};
    const struct store_run_operation operation = {
        .run_id = "run", .place = 1, .data_type = "t", .interval = "", .status = "s"};
    const struct store_run_series series = {
        .run_id = "run", .place = 1, .data_type = "t", .interval = "", .state = "s"};
    must(store->ops->put_run(store, &run, &err), &err);
    must(store->ops->put_run_operation(store, &operation, &err), &err);
    must(store->ops->put_run_series(store, &series, 1, &err), &err);
    must(store->ops->each_run(store, 5, take_run, NULL, &err), &err);
    must(store->ops->each_run_operation(store, "t", "", 5, take_run_operation, NULL, &err), &err);
    must(store->ops->each_run_series(store, "run", take_run_series, NULL, &err), &err);
    must(store->ops->each_coverage(store, data_type_find(STR("spot_ohlcv")), STEP_S, take_covered,
                                   NULL, &err),
         &err);
    must(store->ops->try_write(store, &err), &err);
}

static void ask_proof(struct store *store)
{
    struct ccd_error err;
    struct page page;
    const char *proof;
    bool holds;
    page_init(&page, data_type_find(STR("spot_ohlcv")), true, NULL);
    must(store->ops->prove(store, &page.p, &proof, &holds, &err), &err);
    batch_release(&page.batch);
}

int main(void)
{
    struct ccd_error err;
    struct store *store;
    struct store_url url;
    const struct store_config config = {.url = "singlestore://user@localhost/market",
                                        .create_schema = true,
                                        .settle_s = 360,
                                        .busy_timeout_ms = 1000};
    must(store_url_parse(config.url, &url, &err), &err);
    must(sql_store_open(&config, &recorder, &url, &store, &err), &err);
    for (size_t i = 0; i < data_type_count; i++)
        if (data_types[i]->shape == SHAPE_CANDLES)
            ask_candles(store, data_types[i]);
    for (size_t i = 0; i < metadata_table_count; i++)
        ask_list(store, metadata_tables[i]);
    ask_runs(store);
    ask_proof(store);
    must(store->ops->create_legacy_views(store, &err), &err);
    store_close(store);
    store_url_release(&url);
    return 0;
}
