#include "store/sql/store.h"

#include <string.h>

static const int64_t connect_timeout_ms = 5000;

/* ---- life ---- */

static void sql_store_close(struct store *store)
{
    struct sql_store *s = (struct sql_store *)store;
    if (!s)
        return;
    const struct allocator *allocator = s->target.allocator;
    sql_pool_free(s->pool);
    s->driver->close(s->apart);
    s->driver->close(s->control);
    if (s->mutex_ready)
        pthread_mutex_destroy(&s->mutex);
    mem_free(allocator, s->held);
    store_url_release(&s->target.url);
    mem_free(allocator, s);
}

static int fill_target(struct sql_target *target, const struct store_config *config,
                       const struct store_url *url, struct ccd_error *err)
{
    *target = (struct sql_target){
        .url = *url,
        .intent = config->read_only ? SQL_READS : SQL_WRITES,
        .create = config->create_schema && !config->read_only,
        .busy_timeout_ms = config->busy_timeout_ms,
        .connect_timeout_ms = connect_timeout_ms,
        .batch_rows = config->batch_rows > 0 ? config->batch_rows : STORE_ROWS_MAX,
        .settle_s = config->settle_s,
        .stop_level = config->stop_level,
        .stop_user = config->stop_user,
        .clock = config->clock,
        .log = config->log,
        .allocator = config->allocator,
    };
    store_url_show(url, target->name, sizeof(target->name));
    if (url->has_password || !config->password || config->password[0] == '\0')
        return CCD_OK;
    target->url.has_password = str_copy(target->url.password, sizeof(target->url.password),
                                        str_from(config->password));
    return target->url.has_password
               ? CCD_OK
               : error_set(err, CCD_USAGE, "the password of %s has more than %d bytes",
                           target->name, URL_SECRET_MAX_BYTES - 1);
}

/* A reader needs no tables of ours: without them every question has its ordinary answer. */
static int try_prepare(struct sql_store *s, const struct store_config *config,
                       struct ccd_error *err)
{
    bool missing;
    int status = sql_store_connect(s->driver, &s->target, &s->control, &missing, err);
    if (status == CCD_OK && missing && !s->read_only) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "there is no database %s, and it may not be created", s->target.name);
    }
    s->target.create = false;
    s->dialect = s->control ? s->control->dialect : dialect_of(DIALECT_SQLITE);
    s->empty = missing;
    if (status != CCD_OK || missing)
        return status;
    bool ours;
    status = sql_schema_prepare(s->control, config, &ours, &s->version, err);
    s->empty = s->read_only && !ours;
    return status;
}

/* A server that goes away in the middle of it has done nothing that cannot be done again. */
static int prepare(struct sql_store *s, const struct store_config *config, struct ccd_error *err)
{
    struct sql_patience patience;
    sql_patience_init(&patience, &s->target);
    for (;;) {
        int status = try_prepare(s, config, err);
        if (status != CCD_DATABASE_UNREACHABLE || !s->control)
            return status;
        status = sql_patience_wait(&patience, &s->target, status, err);
        if (status != CCD_OK)
            return status;
        s->driver->close(s->control);
        s->control = NULL;
    }
}

static int open_pool(struct sql_store *s, const struct store_config *config, struct ccd_error *err)
{
    const struct sql_pool_config pool = {
        .driver = s->driver,
        .target = &s->target,
        .size = config->pool_size > 0 ? config->pool_size : 1,
        .overflow = config->pool_size > 0 ? config->pool_overflow : 0,
        .timeout_ms = config->pool_timeout_ms > 0 ? config->pool_timeout_ms
                                                  : config->busy_timeout_ms,
        .recycle_s = config->pool_recycle_s,
    };
    return s->read_only ? CCD_OK : sql_pool_new(&pool, &s->pool, err);
}

static int start(struct sql_store *s, const struct store_config *config, struct ccd_error *err)
{
    s->held = mem_new(config->allocator, data_type_count * INTERVAL_COUNT, sizeof(*s->held));
    if (!s->held)
        return error_set(err, CCD_NO_MEMORY, "no memory for the store");
    int code = pthread_mutex_init(&s->mutex, NULL);
    if (code != 0)
        return error_set_native(err, CCD_NO_MEMORY, code, "no mutex for the store");
    s->mutex_ready = true;
    int status = prepare(s, config, err);
    return status == CCD_OK ? open_pool(s, config, err) : status;
}

int sql_store_open(const struct store_config *config, const struct sql_driver *driver,
                   const struct store_url *url, struct store **out, struct ccd_error *err)
{
    *out = NULL;
    struct sql_store *s = mem_new(config->allocator, 1, sizeof(*s));
    if (!s)
        return error_set(err, CCD_NO_MEMORY, "no memory for the store");
    s->driver = driver;
    s->read_only = config->read_only;
    int status = fill_target(&s->target, config, url, err);
    if (status == CCD_OK)
        status = start(s, config, err);
    if (status != CCD_OK) {
        sql_store_close(&s->base);
        return status;
    }
    s->base = (struct store){
        .ops = &sql_store_ops,
        .capabilities = driver->capabilities,
        .dialect = s->dialect->id,
        .schema_version = s->empty ? 0 : s->version,
    };
    *out = &s->base;
    return CCD_OK;
}

int sql_store_check(const struct store_config *config, const struct sql_driver *driver,
                    const struct store_url *url,
                    void (*add)(void *user, const struct store_difference *difference), void *user,
                    struct ccd_error *err)
{
    struct sql_target *target = mem_new(config->allocator, 1, sizeof(*target));
    if (!target)
        return error_set(err, CCD_NO_MEMORY, "no memory to check the schema");
    int status = fill_target(target, config, url, err);
    target->intent = SQL_READS;
    target->create = false;
    struct sql_connection *c = NULL;
    bool missing = false;
    if (status == CCD_OK)
        status = sql_store_connect(driver, target, &c, &missing, err);
    if (status == CCD_OK && missing)
        add(user, &(struct store_difference){.object = target->name, .what = "missing"});
    else if (status == CCD_OK)
        status = sql_schema_report(c, add, user, err);
    driver->close(c);
    store_url_release(&target->url);
    mem_free(config->allocator, target);
    return status;
}

/* ---- proofs ---- */

struct proof_call {
    const struct store_page *scratch;
    const char **out_proof;
    bool *out_holds;
};

static int keep_proof(struct sql_connection *c, const char *name, bool holds, struct ccd_error *err)
{
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ccdata_proofs (name, holds, proven_utc_s) VALUES (?1, ?2, ?3)");
    upsert_add(&sql, c->dialect, "name", "holds, proven_utc_s");
    const struct value parameters[] = {
        value_text(str_from(name)),
        value_i64(holds),
        value_i64(clock_utc_s(c->target->clock)),
    };
    int status = sql_run_text(c, "write what was proven to", &sql, parameters, 3, NULL, err);
    buf_release(&sql);
    return status;
}

static int prove(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct proof_call *call = context;
    int status = c->driver->prove(c, call->scratch, call->out_proof, call->out_holds, err);
    if (status != CCD_OK || !*call->out_proof)
        return status;
    return keep_proof(c, *call->out_proof, *call->out_holds, err);
}

/* The driver begins and ends its own transactions. */
int sql_prove(struct store *store, const struct store_page *scratch, const char **out_proof,
              bool *out_holds, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct proof_call call = {scratch, out_proof, out_holds};
    *out_proof = NULL;
    *out_holds = false;
    if (!s->driver->prove)
        return CCD_OK;
    if (s->read_only) {
        return error_set(err, CCD_DATABASE_PERMISSION, "%s was opened for reading only",
                         s->target.name);
    }
    return sql_store_do(s, &(struct sql_task){.run = prove, .context = &call}, err);
}

const struct store_ops sql_store_ops = {
    .close = sql_store_close,
    .lock = sql_store_lock,
    .unlock = sql_store_unlock,
    .find_series = sql_find_series,
    .put_series = sql_put_series,
    .load_coverage = sql_load_coverage,
    .compact_coverage = sql_compact_coverage,
    .read_rows = sql_read_rows,
    .put_lists = sql_put_lists,
    .load_list = sql_load_list,
    .each_list = sql_each_list,
    .put_run = sql_put_run,
    .put_run_operation = sql_put_run_operation,
    .put_run_series = sql_put_run_series,
    .forget_runs = sql_forget_runs,
    .each_run = sql_each_run,
    .each_run_operation = sql_each_run_operation,
    .each_run_series = sql_each_run_series,
    .each_coverage = sql_each_coverage,
    .try_write = sql_try_write,
    .each_series = sql_each_series,
    .put_attributes = sql_put_attributes,
    .remove_series = sql_remove_series,
    .prove = sql_prove,
    .create_legacy_views = sql_create_legacy_views,
    .writer_open = sql_writer_open,
    .writer_close = sql_writer_close,
    .writer_begin = sql_writer_begin,
    .writer_put = sql_writer_put,
    .writer_commit = sql_writer_commit,
    .writer_rollback = sql_writer_rollback,
};
