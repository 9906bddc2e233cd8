#include "api/status.h"
#include "store/store.h"

enum { BUSY_MS = 2000 };

/* ---- runs ---- */

static int add_run(void *user, const struct store_run *run, struct ccd_error *err)
{
    struct status *s = user;
    if (s->run_count == s->run_capacity)
        return 0;
    struct ccd_stored_run *kept = &s->runs[s->run_count];
    *kept = (struct ccd_stored_run){
        .run_id = status_keep(s, run->run_id, err),
        .command = status_keep(s, run->command, err),
        .status = status_keep(s, run->status, err),
        .started_utc_s = run->started_utc_s,
        .ended_utc_s = run->ended_utc_s,
        .exit_code = (int)run->exit_code,
        .calls = run->calls,
        .metadata_calls = run->metadata_calls,
        .rows_fetched = run->rows_fetched,
        .rows_written = run->rows_written,
        .rows_unchanged = run->rows_unchanged,
        .rows_changed = run->rows_changed,
        .bytes = run->bytes,
        .duration_ms = run->duration_ms,
        .error = status_keep(s, run->error, err),
    };
    if (!kept->run_id || !kept->command || !kept->status || (run->error && !kept->error))
        return status_no_memory(err);
    s->run_count++;
    return 0;
}

static int read_runs(struct status *s, struct ccd_error *err)
{
    int status = s->store->ops->each_run(s->store, (int64_t)s->run_capacity, add_run, s, err);
    int64_t oldest_utc_s = s->report.now_utc_s - STATUS_KILLED_AFTER_S;
    for (size_t i = 0; i < s->run_count; i++)
        s->report.active_runs += s->runs[i].ended_utc_s == 0 &&
                                 s->runs[i].started_utc_s >= oldest_utc_s;
    s->report.runs = s->runs;
    s->report.run_count = s->run_count;
    if (s->report.run_count > (size_t)s->options.run_limit)
        s->report.run_count = (size_t)s->options.run_limit;
    return status;
}

/* ---- their operations ---- */

static int add_operation(void *user, const struct store_run_operation *o, struct ccd_error *err)
{
    struct status *s = user;
    struct ccd_stored_operation *kept = &s->operations[s->report.operation_count];
    *kept = (struct ccd_stored_operation){
        .data_type = status_keep(s, o->data_type, err),
        .interval = o->interval[0] ? status_keep(s, o->interval, err) : NULL,
        .run_id = status_keep(s, o->run_id, err),
        .status = status_keep(s, o->status, err),
        .started_utc_s = o->started_utc_s,
        .exit_code = (int)o->exit_code,
        .calls = o->calls,
        .rows_fetched = o->rows_fetched,
        .rows_written = o->rows_written,
        .duration_ms = o->duration_ms,
        .error = status_keep(s, o->error, err),
    };
    bool no_interval = o->interval[0] && !kept->interval;
    if (!kept->data_type || no_interval || !kept->run_id || !kept->status ||
        (o->error && !kept->error))
        return status_no_memory(err);
    s->report.operation_count++;
    return 0;
}

static int read_operations(struct status *s, struct ccd_error *err)
{
    int status = 0;
    s->report.operations = s->operations;
    for (size_t t = 0; t < data_type_count; t++) {
        bool is_candles = data_types[t]->shape == SHAPE_CANDLES;
        for (int i = 0; i < (is_candles ? INTERVAL_COUNT : 1) && status == 0; i++)
            status = s->store->ops->each_run_operation(s->store, data_types[t]->name,
                                                       is_candles ? interval_infos[i].name : "", 1,
                                                       add_operation, s, err);
    }
    return status;
}

/* ---- whether it can be used ---- */

static bool ends_the_call(int status)
{
    return status == CCD_USAGE || status == CCD_CONFIG || status == CCD_NO_MEMORY;
}

/* Keep an error of the database; 0, or what ends the call. */
static int take_error(struct status *s, int status, const struct ccd_error *why,
                      struct ccd_error *err)
{
    if (status == 0)
        return 0;
    if (ends_the_call(status)) {
        if (err)
            *err = *why;
        return status;
    }
    if (s->report.database_error.status == CCD_OK)
        s->report.database_error = *why;
    return 0;
}

static int open_store(struct status *s, struct ccd_error *err)
{
    struct ccd_error why = {0};
    s->database.config.read_only = true;
    s->database.config.busy_timeout_ms = BUSY_MS;
    int status = store_open(&s->database.config, &s->store, &why);
    /* Who refuses us for our rights or its tables has answered. */
    s->report.database_reachable = status == 0 || status == CCD_DATABASE_SCHEMA ||
                                   status == CCD_DATABASE_PERMISSION || status == CCD_DATABASE_BUSY;
    s->report.database_exists = status == CCD_DATABASE_SCHEMA;
    if (status == 0) {
        s->report.dialect = s->store->capabilities & STORE_PERSISTS
                                ? store_dialect_name(s->store->dialect)
                                : "null";
        s->report.schema_version = s->store->schema_version;
        s->report.database_exists = s->store->schema_version > 0;
    }
    return take_error(s, status, &why, err);
}

static int check_writing(struct status *s, struct ccd_error *err)
{
    struct ccd_error why = {0};
    if (!s->report.database_exists)
        return 0;
    int status = s->store->ops->try_write(s->store, &why);
    if (status == CCD_DATABASE_BUSY) /* by who writes at this moment */
        status = 0;
    s->report.database_writable = status == 0;
    return take_error(s, status, &why, err);
}

static int read_content(struct status *s, struct ccd_error *err)
{
    struct ccd_error why = {0};
    int status = status_read_data(s, &why);
    if (status == 0)
        status = read_runs(s, &why);
    if (status == 0)
        status = read_operations(s, &why);
    return take_error(s, status, &why, err);
}

int status_read_database(struct status *s, struct ccd_error *err)
{
    int status = database_config(s->client, NULL, &s->database, err);
    if (status == 0) {
        s->report.database = status_keep(s, buf_str(&s->database.shown).ptr, err);
        status = s->report.database ? open_store(s, err) : CCD_NO_MEMORY;
    }
    if (status == 0 && s->store)
        status = read_content(s, err);
    if (status == 0 && s->store)
        status = check_writing(s, err);
    store_close(s->store);
    s->store = NULL;
    database_release(&s->database);
    return status;
}
