#include "store/run_columns.h"
#include "store/sql/bulk.h"
#include "store/sql/store.h"

enum { RECORD_TEXT_MAX_BYTES = 16 << 20 };

static const char doing_put[] = "record a run in";
static const char doing_read[] = "read the runs in";

/* Schemas before these have no runs, or no operations of them. */
enum { RUNS_SINCE_VERSION = 3, OPERATIONS_SINCE_VERSION = 4 };

/* ---- putting ---- */

struct put_call {
    const struct run_table *table;
    const char *records; /* one after the other */
    size_t record_size, count;
};

static int put(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct put_call *p = context;
    struct bulk_column columns[RUN_COLUMNS_MAX];
    struct value values[RUN_COLUMNS_MAX];
    struct bulk b;
    for (size_t i = 0; i < p->table->count; i++) {
        const struct run_column *column = &p->table->columns[i];
        columns[i] = (struct bulk_column){column->name, column->is_key ? BULK_KEY : BULK_VALUE,
                                          false};
    }
    int status = bulk_init(&b, c, doing_put, p->table->name, columns, p->table->count, err);
    for (size_t i = 0; i < p->count && status == CCD_OK; i++) {
        run_values(p->table, p->records + i * p->record_size, values);
        status = bulk_add(&b, values, err);
    }
    if (status == CCD_OK)
        status = bulk_finish(&b, err);
    bulk_release(&b);
    return status;
}

static int put_records(struct store *store, struct put_call *p, struct ccd_error *err)
{
    struct sql_task task = {.run = put, .context = p, .writes = true};
    return sql_store_do((struct sql_store *)store, &task, err);
}

int sql_put_run(struct store *store, const struct store_run *run, struct ccd_error *err)
{
    struct put_call p = {&runs_table, (const char *)run, sizeof(*run), 1};
    return put_records(store, &p, err);
}

int sql_put_run_operation(struct store *store, const struct store_run_operation *operation,
                          struct ccd_error *err)
{
    struct put_call p = {&run_operations_table, (const char *)operation, sizeof(*operation), 1};
    return put_records(store, &p, err);
}

int sql_put_run_series(struct store *store, const struct store_run_series *series, size_t count,
                       struct ccd_error *err)
{
    struct put_call p = {&run_series_table, (const char *)series, sizeof(*series), count};
    return count > 0 ? put_records(store, &p, err) : CCD_OK;
}

/* ---- reading ---- */

union run_record {
    struct store_run run;
    struct store_run_operation operation;
    struct store_run_series series;
};

struct read_call {
    const struct run_table *table;
    int64_t since_version;
    const char *equal[2]; /* columns that equal the first parameters; NULL = no more */
    const char *order;
    struct value parameters[3];
    size_t parameter_count;
    struct sql_task *task;
    struct buf scratch;
    int (*add)(const struct read_call *call, const union run_record *record, struct ccd_error *err);
    union { /* what `add` hands the record to */
        int (*run)(void *user, const struct store_run *run, struct ccd_error *err);
        int (*operation)(void *user, const struct store_run_operation *operation,
                         struct ccd_error *err);
        int (*series)(void *user, const struct store_run_series *series, struct ccd_error *err);
    } to;
    void *user;
};

static int take_record(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct read_call *k = user;
    union run_record record;
    if (!run_record(k->table, values, count, &k->scratch, &record))
        return error_set(err, CCD_NO_MEMORY, "no memory for a row of %s", k->table->name);
    k->task->delivered = true;
    return k->add(k, &record, err);
}

static int add_run(const struct read_call *k, const union run_record *record, struct ccd_error *err)
{
    return k->to.run(k->user, &record->run, err);
}

static int add_operation(const struct read_call *k, const union run_record *record,
                         struct ccd_error *err)
{
    return k->to.operation(k->user, &record->operation, err);
}

static int add_series(const struct read_call *k, const union run_record *record,
                      struct ccd_error *err)
{
    return k->to.series(k->user, &record->series, err);
}

static int read_records(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct read_call *k = context;
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    for (size_t i = 0; i < k->table->count; i++) {
        buf_add_text(&sql, i > 0 ? ", " : "SELECT ");
        sql_add_name(&sql, c, k->table->columns[i].name);
    }
    buf_printf(&sql, " FROM %s", k->table->name);
    for (size_t i = 0; i < 2 && k->equal[i]; i++) {
        buf_add_text(&sql, i > 0 ? " AND " : " WHERE ");
        sql_add_name(&sql, c, k->equal[i]);
        buf_printf(&sql, " = ?%zu", i + 1);
    }
    buf_printf(&sql, " ORDER BY %s", k->order);
    int status = sql_run_text(c, doing_read, &sql, k->parameters, k->parameter_count,
                              &(struct sql_sink){take_record, k}, err);
    buf_release(&sql);
    return status;
}

static int read_all(struct store *store, struct read_call *k, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct sql_task task = {.run = read_records, .context = k};
    if (s->empty || s->version < k->since_version)
        return CCD_OK;
    k->task = &task;
    buf_init(&k->scratch, RECORD_TEXT_MAX_BYTES, s->target.allocator);
    int status = sql_store_do(s, &task, err);
    buf_release(&k->scratch);
    return status;
}

int sql_each_run(struct store *store, int64_t limit,
                 int (*add)(void *user, const struct store_run *run, struct ccd_error *err),
                 void *user, struct ccd_error *err)
{
    struct read_call k = {.table = &runs_table, .since_version = RUNS_SINCE_VERSION, .user = user};
    k.add = add_run;
    k.to.run = add;
    k.order = "started_utc_s DESC, run_id DESC LIMIT ?1";
    k.parameters[k.parameter_count++] = value_i64(limit > 0 ? limit : 0);
    return read_all(store, &k, err);
}

int sql_each_run_operation(struct store *store, const char *data_type, const char *interval,
                           int64_t limit,
                           int (*add)(void *user, const struct store_run_operation *operation,
                                      struct ccd_error *err),
                           void *user, struct ccd_error *err)
{
    struct read_call k = {.table = &run_operations_table,
                          .since_version = OPERATIONS_SINCE_VERSION,
                          .equal = {"data_type", "interval"},
                          .user = user};
    k.add = add_operation;
    k.to.operation = add;
    k.order = "started_utc_s DESC, run_id DESC, place DESC LIMIT ?3";
    k.parameters[k.parameter_count++] = value_text(str_from(data_type));
    k.parameters[k.parameter_count++] = value_text(str_from(interval));
    k.parameters[k.parameter_count++] = value_i64(limit > 0 ? limit : 0);
    return read_all(store, &k, err);
}

int sql_each_run_series(struct store *store, const char *run_id,
                        int (*add)(void *user, const struct store_run_series *series,
                                   struct ccd_error *err),
                        void *user, struct ccd_error *err)
{
    struct read_call k = {.table = &run_series_table,
                          .since_version = RUNS_SINCE_VERSION,
                          .equal = {"run_id"},
                          .user = user};
    k.add = add_series;
    k.to.series = add;
    k.order = "place";
    k.parameters[k.parameter_count++] = value_text(str_from(run_id));
    return read_all(store, &k, err);
}

/* ---- forgetting ---- */

static const char doing_forget[] = "forget old runs in";

enum { RUN_ID_MAX_BYTES = 64, FORGOTTEN_MAX = 500 };

/* Ids are read first: a driver may have one statement at a time only. */
struct old_runs {
    char ids[FORGOTTEN_MAX][RUN_ID_MAX_BYTES];
    size_t count;
    int64_t before_utc_s, limit;
};

static int take_id(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct old_runs *old = user;
    (void)count, (void)err;
    if (str_copy(old->ids[old->count], RUN_ID_MAX_BYTES, values[0].text))
        old->count++;
    return CCD_OK;
}

static int forget(struct sql_connection *c, void *context, struct ccd_error *err)
{
    static const char *const deletes[] = {"DELETE FROM ccdata_run_series WHERE run_id = ?1",
                                          "DELETE FROM ccdata_run_operations WHERE run_id = ?1",
                                          "DELETE FROM ccdata_runs WHERE run_id = ?1"};
    struct old_runs *old = context;
    const struct value parameters[] = {value_i64(old->before_utc_s), value_i64(old->limit)};
    old->count = 0;
    int status = sql_ask(c, doing_forget,
                         "SELECT run_id FROM ccdata_runs WHERE started_utc_s < ?1"
                         " ORDER BY started_utc_s LIMIT ?2",
                         parameters, 2, take_id, old, err);
    for (size_t i = 0; i < old->count && status == CCD_OK; i++) {
        struct value id = value_text(str_from(old->ids[i]));
        for (size_t t = 0; t < sizeof(deletes) / sizeof(deletes[0]) && status == CCD_OK; t++)
            status = SQL_RUN(c, doing_forget, deletes[t], err, id);
    }
    return status;
}

int sql_forget_runs(struct store *store, int64_t before_utc_s, int64_t limit, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct old_runs *old = mem_new(s->target.allocator, 1, sizeof(*old));
    if (!old)
        return error_set(err, CCD_NO_MEMORY, "no memory to forget old runs");
    old->before_utc_s = before_utc_s;
    old->limit = limit < FORGOTTEN_MAX ? limit : FORGOTTEN_MAX;
    struct sql_task task = {.run = forget, .context = old, .writes = true};
    int status = sql_store_do(s, &task, err);
    mem_free(s->target.allocator, old);
    return status;
}

/* ---- whether the database takes writes ---- */

/* Coverage of no series: a table that every version has, and that takes part in transactions
 * everywhere. */
static int write_and_undo(struct sql_connection *c, struct ccd_error *err)
{
    const struct coverage_segment nothing = {.to_ts = 1, .state = COVERAGE_EMPTY};
    int status = c->driver->begin(c, SQL_WRITES, err);
    if (status == CCD_OK)
        status = sql_coverage_insert(c, 0, 1, &nothing, 1, err);
    c->driver->rollback(c);
    return status;
}

/* A connection of its own, for that of a reader cannot write. */
int sql_try_write(struct store *store, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct sql_target target = s->target;
    struct sql_connection *c = NULL;
    bool missing = false;
    target.intent = SQL_WRITES;
    target.create = false;
    if (s->empty)
        return error_set(err, CCD_DATABASE_SCHEMA, "there are no tables in %s yet", target.name);
    int status = sql_store_connect(s->driver, &target, &c, &missing, err);
    if (status == CCD_OK && missing)
        status = error_set(err, CCD_DATABASE_UNREACHABLE, "%s is gone", target.name);
    if (status == CCD_OK)
        status = write_and_undo(c, err);
    s->driver->close(c);
    return status;
}
