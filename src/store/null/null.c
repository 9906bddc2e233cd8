#include "store/null/null.h"

struct null_store {
    struct store base;
    const struct allocator *allocator;
};

struct null_writer {
    struct store_writer base;
    const struct allocator *allocator;
};

static void null_close(struct store *store)
{
    struct null_store *s = (struct null_store *)store;
    if (s)
        mem_free(s->allocator, s);
}

static int null_lock(struct store *store, const struct data_type *type, enum interval interval,
                     int64_t wait_ms, struct ccd_error *err)
{
    (void)store, (void)type, (void)interval, (void)wait_ms, (void)err;
    return CCD_OK;
}

static void null_unlock(struct store *store, const struct data_type *type, enum interval interval)
{
    (void)store, (void)type, (void)interval;
}

static int null_find_series(struct store *store, const struct data_type *type, struct str market,
                            struct str name, struct series_names *out_names, bool *out_found,
                            struct ccd_error *err)
{
    (void)store, (void)type, (void)market, (void)name, (void)out_names, (void)err;
    *out_found = false;
    return CCD_OK;
}

static int null_put_series(struct store *store, const struct data_type *type,
                           const struct series_names *names, size_t count, struct ccd_error *err)
{
    (void)store, (void)type, (void)names, (void)count, (void)err;
    return CCD_OK;
}

static int null_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                              int (*add)(void *user, const struct coverage_segment *segment),
                              void *user, struct ccd_error *err)
{
    (void)store, (void)series_id, (void)step_s, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_compact_coverage(struct store *store, int64_t series_id, int64_t step_s,
                                 size_t above, struct ccd_error *err)
{
    (void)store, (void)series_id, (void)step_s, (void)above, (void)err;
    return CCD_OK;
}

static int null_read_rows(struct store *store, const struct data_type *type, enum interval interval,
                          int64_t series_id, struct period_range range, struct batch *batch,
                          int64_t *collected_utc_s, struct ccd_error *err)
{
    (void)store, (void)type, (void)interval, (void)series_id, (void)range, (void)collected_utc_s;
    (void)err;
    batch_clear(batch);
    return CCD_OK;
}

static int null_put_lists(struct store *store, const struct store_lists *lists,
                          struct store_list_counts *out_counts, struct ccd_error *err)
{
    (void)store, (void)err;
    for (size_t i = 0; i < lists->count; i++)
        out_counts[i] = (struct store_list_counts){
            .added = (int64_t)lists->lists[i].rows->row_count};
    return CCD_OK;
}

static int null_load_list(struct store *store, const struct data_type *table, struct str scope,
                          struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                          struct ccd_error *err)
{
    (void)store, (void)table, (void)scope, (void)batch, (void)err;
    *out_count = 0;
    *out_asked_utc_s = 0;
    return CCD_OK;
}

static int null_each_list(struct store *store, const struct data_type *table,
                          int (*add)(void *user, struct str scope, int64_t asked_utc_s,
                                     struct ccd_error *err),
                          void *user, struct ccd_error *err)
{
    (void)store, (void)table, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_put_run(struct store *store, const struct store_run *run, struct ccd_error *err)
{
    (void)store, (void)run, (void)err;
    return CCD_OK;
}

static int null_put_run_operation(struct store *store, const struct store_run_operation *operation,
                                  struct ccd_error *err)
{
    (void)store, (void)operation, (void)err;
    return CCD_OK;
}

static int null_put_run_series(struct store *store, const struct store_run_series *series,
                               size_t count, struct ccd_error *err)
{
    (void)store, (void)series, (void)count, (void)err;
    return CCD_OK;
}

static int null_forget_runs(struct store *store, int64_t before_utc_s, int64_t limit,
                            struct ccd_error *err)
{
    (void)store, (void)before_utc_s, (void)limit, (void)err;
    return CCD_OK;
}

static int null_each_run(struct store *store, int64_t limit,
                         int (*add)(void *user, const struct store_run *run, struct ccd_error *err),
                         void *user, struct ccd_error *err)
{
    (void)store, (void)limit, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_each_run_operation(
    struct store *store, const char *data_type, const char *interval, int64_t limit,
    int (*add)(void *user, const struct store_run_operation *operation, struct ccd_error *err),
    void *user, struct ccd_error *err)
{
    (void)store, (void)data_type, (void)interval, (void)limit, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_each_run_series(struct store *store, const char *run_id,
                                int (*add)(void *user, const struct store_run_series *series,
                                           struct ccd_error *err),
                                void *user, struct ccd_error *err)
{
    (void)store, (void)run_id, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_each_coverage(struct store *store, const struct data_type *type, int64_t step_s,
                              int (*add)(void *user, int64_t series_id,
                                         const struct coverage_segment *segment,
                                         struct ccd_error *err),
                              void *user, struct ccd_error *err)
{
    (void)store, (void)type, (void)step_s, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_try_write(struct store *store, struct ccd_error *err)
{
    (void)store, (void)err;
    return CCD_OK;
}

static int null_each_series(struct store *store, const struct data_type *type,
                            int (*add)(void *user, const struct store_series *series,
                                       struct ccd_error *err),
                            void *user, struct ccd_error *err)
{
    (void)store, (void)type, (void)add, (void)user, (void)err;
    return CCD_OK;
}

static int null_put_attributes(struct store *store, const struct store_series *series,
                               struct ccd_error *err)
{
    (void)store, (void)series, (void)err;
    return CCD_OK;
}

static int null_remove_series(struct store *store, const struct data_type *type, int64_t series_id,
                              struct ccd_error *err)
{
    (void)store, (void)type, (void)series_id, (void)err;
    return CCD_OK;
}

static int null_prove(struct store *store, const struct store_page *scratch, const char **out_proof,
                      bool *out_holds, struct ccd_error *err)
{
    (void)store, (void)scratch, (void)err;
    *out_proof = NULL;
    *out_holds = false;
    return CCD_OK;
}

static int null_create_legacy_views(struct store *store, struct ccd_error *err)
{
    (void)store, (void)err;
    return CCD_OK;
}

static int null_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err)
{
    const struct null_store *s = (const struct null_store *)store;
    struct null_writer *w = mem_new(s->allocator, 1, sizeof(*w));
    if (!w)
        return error_set(err, CCD_NO_MEMORY, "no memory for a writer");
    w->base.ops = store->ops;
    w->allocator = s->allocator;
    *out = &w->base;
    return CCD_OK;
}

static void null_writer_close(struct store_writer *writer)
{
    struct null_writer *w = (struct null_writer *)writer;
    if (w)
        mem_free(w->allocator, w);
}

static int null_writer_begin(struct store_writer *writer, struct ccd_error *err)
{
    (void)writer, (void)err;
    return CCD_OK;
}

static int null_writer_put(struct store_writer *writer, const struct store_page *page,
                           struct store_page_result *out_result, struct ccd_error *err)
{
    (void)writer, (void)err;
    *out_result = (struct store_page_result){0};
    size_t rows = page->batch ? page->batch->row_count : 0;
    for (size_t row = 0; row < rows; row++)
        if (page->rejected && page->rejected[row])
            out_result->rejected++;
        else
            out_result->inserted++;
    return CCD_OK;
}

static enum store_outcome null_writer_commit(struct store_writer *writer, struct ccd_error *err)
{
    (void)writer, (void)err;
    return STORE_COMMITTED;
}

static void null_writer_rollback(struct store_writer *writer)
{
    (void)writer;
}

static const struct store_ops null_ops = {
    .close = null_close,
    .lock = null_lock,
    .unlock = null_unlock,
    .find_series = null_find_series,
    .put_series = null_put_series,
    .load_coverage = null_load_coverage,
    .compact_coverage = null_compact_coverage,
    .read_rows = null_read_rows,
    .put_lists = null_put_lists,
    .load_list = null_load_list,
    .each_list = null_each_list,
    .put_run = null_put_run,
    .put_run_operation = null_put_run_operation,
    .put_run_series = null_put_run_series,
    .forget_runs = null_forget_runs,
    .each_run = null_each_run,
    .each_run_operation = null_each_run_operation,
    .each_run_series = null_each_run_series,
    .each_coverage = null_each_coverage,
    .try_write = null_try_write,
    .each_series = null_each_series,
    .put_attributes = null_put_attributes,
    .remove_series = null_remove_series,
    .prove = null_prove,
    .create_legacy_views = null_create_legacy_views,
    .writer_open = null_writer_open,
    .writer_close = null_writer_close,
    .writer_begin = null_writer_begin,
    .writer_put = null_writer_put,
    .writer_commit = null_writer_commit,
    .writer_rollback = null_writer_rollback,
};

int null_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    struct null_store *s = mem_new(config->allocator, 1, sizeof(*s));
    if (!s)
        return error_set(err, CCD_NO_MEMORY, "no memory for the store");
    s->base = (struct store){
        .ops = &null_ops, .capabilities = STORE_PARALLEL_WRITERS, .dialect = DIALECT_SQLITE};
    s->allocator = config->allocator;
    *out = &s->base;
    return CCD_OK;
}
