#include "stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct stored stored;
static struct store the_store;

static int told(enum ccd_status status, struct ccd_error *err)
{
    return status == CCD_OK ? 0 : error_set(err, status, "told to fail");
}

static void stored_close(struct store *store)
{
    (void)store;
    stored.closed++;
}

static int stored_each_coverage(struct store *store, const struct data_type *type, int64_t step_s,
                                int (*add)(void *user, int64_t series_id,
                                           const struct coverage_segment *segment,
                                           struct ccd_error *err),
                                void *user, struct ccd_error *err)
{
    (void)store;
    int status = told(stored.read_status, err);
    for (size_t i = 0; i < stored.segment_count && status == 0 && type == stored.type; i++)
        if (stored.segments[i].step_s == step_s)
            status = add(user, stored.segments[i].series_id, &stored.segments[i].segment, err);
    return status;
}

static int stored_each_series(struct store *store, const struct data_type *type,
                              int (*add)(void *user, const struct store_series *series,
                                         struct ccd_error *err),
                              void *user, struct ccd_error *err)
{
    (void)store;
    int status = told(stored.read_status, err);
    for (size_t i = 0; i < stored.series_count && status == 0 && type == stored.type; i++) {
        const struct store_series series = {.names = &stored.series[i]};
        status = add(user, &series, err);
    }
    return status;
}

static int stored_each_run(struct store *store, int64_t limit,
                           int (*add)(void *user, const struct store_run *run,
                                      struct ccd_error *err),
                           void *user, struct ccd_error *err)
{
    (void)store;
    int status = told(stored.read_status, err);
    for (size_t i = 0; i < stored.run_count && (int64_t)i < limit && status == 0; i++)
        status = add(user, &stored.runs[i], err);
    return status;
}

static int stored_each_run_operation(
    struct store *store, const char *data_type, const char *interval, int64_t limit,
    int (*add)(void *user, const struct store_run_operation *operation, struct ccd_error *err),
    void *user, struct ccd_error *err)
{
    (void)store, (void)data_type, (void)interval, (void)limit, (void)add, (void)user;
    return told(stored.read_status, err);
}

static bool is_ours(const struct data_type *table)
{
    return strcmp(table->name, "spot_instruments") == 0;
}

static int stored_each_list(struct store *store, const struct data_type *table,
                            int (*add)(void *user, struct str scope, int64_t asked_utc_s,
                                       struct ccd_error *err),
                            void *user, struct ccd_error *err)
{
    (void)store;
    int status = told(stored.read_status, err);
    for (size_t i = 0; i < stored.market_count && status == 0 && is_ours(table); i++)
        status = add(user, str_from(stored.markets[i]), stored.asked_utc_s + (int64_t)i, err);
    return status;
}

static void set_text(struct batch *batch, size_t row, const char *column, const char *text)
{
    int at = data_type_column(batch->type, str_from(column));
    batch_set_text(batch, row, (size_t)at, str_from(text));
}

static int stored_load_list(struct store *store, const struct data_type *table, struct str scope,
                            struct batch *batch, size_t *out_count, int64_t *out_asked_utc_s,
                            struct ccd_error *err)
{
    (void)store;
    char market[MARKET_MAX_BYTES], name[16];
    str_copy(market, sizeof(market), scope);
    *out_count = is_ours(table) ? stored.instrument_count : 0;
    *out_asked_utc_s = stored.asked_utc_s;
    for (size_t i = 0; batch && i < *out_count; i++) {
        str_print(name, sizeof(name), "I%zu", i);
        set_text(batch, i, "market", market);
        set_text(batch, i, "instrument", name);
        set_text(batch, i, "instrument_status", i % 3 == 0 ? "EXPIRED" : "ACTIVE");
        batch->row_count++;
    }
    return told(stored.read_status, err);
}

static int stored_try_write(struct store *store, struct ccd_error *err)
{
    (void)store;
    stored.writes_tried++;
    return told(stored.write_status, err);
}

static const struct store_ops ops = {
    .close = stored_close,
    .each_coverage = stored_each_coverage,
    .each_series = stored_each_series,
    .each_run = stored_each_run,
    .each_run_operation = stored_each_run_operation,
    .each_list = stored_each_list,
    .load_list = stored_load_list,
    .try_write = stored_try_write,
};

int __wrap_store_open(const struct store_config *config, struct store **out, struct ccd_error *err);
int __wrap_store_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    *out = NULL;
    if (stored.open_status != CCD_OK)
        return told(stored.open_status, err);
    the_store = (struct store){.ops = &ops,
                               .capabilities = STORE_PERSISTS,
                               .dialect = DIALECT_SQLITE,
                               .schema_version = stored.schema_version};
    stored.opened_for_writing += !config->read_only;
    *out = &the_store;
    return 0;
}

void stored_reset(void)
{
    stored = (struct stored){.schema_version = STORE_SCHEMA_VERSION,
                             .type = data_type_find(STR("spot_ohlcv"))};
}

struct series_names *stored_add_series(const char *market, const char *instrument,
                                       const char *mapped)
{
    struct series_names *names = &stored.series[stored.series_count++];
    if (!series_names_set(names, stored.type, str_from(market), str_from(instrument),
                          str_from(mapped)))
        abort();
    return names;
}

static int compare(const void *a, const void *b)
{
    int64_t left = ((const struct stored_segment *)a)->series_id;
    int64_t right = ((const struct stored_segment *)b)->series_id;
    return (left > right) - (left < right);
}

void stored_cover(const struct series_names *series, int64_t step_s, int64_t from_ts, int64_t to_ts,
                  enum coverage_state state)
{
    stored.segments[stored.segment_count++] = (struct stored_segment){
        series->series_id, step_s, {from_ts, to_ts, state, from_ts, 0}};
    qsort(stored.segments, stored.segment_count, sizeof(stored.segments[0]), compare);
}
