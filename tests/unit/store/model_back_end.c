/* The simulator's model store as a back-end: what it says is what the engine's simulation believes
 * of a database. It keeps the last version of a row, one transaction at a time, no names beyond a
 * list, no instrument lists and no locks; the cases that need no more are listed here. */
#include <stdlib.h>
#include <string.h>

#include "sim/model_store.h"
#include "support.h"

enum { NAMES_MAX = 512 };

struct model {
    struct store base;
    struct model_store *rows;
    struct {
        const struct data_type *type;
        struct series_names names;
    } series[NAMES_MAX];
    size_t series_count;
};

struct model_writer {
    struct store_writer base;
    struct model *model;
    bool open;
};

static void model_close(struct store *store)
{
    struct model *m = (struct model *)store;
    if (m)
        model_store_free(m->rows);
    free(m);
}

static int model_lock(struct store *store, const struct data_type *type, enum interval interval,
                      int64_t wait_ms, struct ccd_error *err)
{
    (void)store, (void)type, (void)interval, (void)wait_ms, (void)err;
    return CCD_OK;
}

static void model_unlock(struct store *store, const struct data_type *type, enum interval interval)
{
    (void)store, (void)type, (void)interval;
}

static int model_find_series(struct store *store, const struct data_type *type, struct str market,
                             struct str name, struct series_names *out_names, bool *out_found,
                             struct ccd_error *err)
{
    struct model *m = (struct model *)store;
    (void)err;
    *out_found = false;
    for (size_t i = 0; i < m->series_count && !*out_found; i++) {
        const struct series_names *n = &m->series[i].names;
        if (m->series[i].type != type || !str_equal(market, str_from(n->market)) ||
            (!str_equal(name, str_from(n->instrument)) &&
             !str_equal(name, str_from(n->mapped_instrument))))
            continue;
        *out_names = *n;
        *out_found = true;
    }
    return CCD_OK;
}

static int model_put_series(struct store *store, const struct data_type *type,
                            const struct series_names *names, size_t count, struct ccd_error *err)
{
    struct model *m = (struct model *)store;
    for (size_t i = 0; i < count; i++) {
        struct series_names known;
        bool found;
        model_find_series(store, type, str_from(names[i].market), str_from(names[i].instrument),
                          &known, &found, err);
        if (found)
            continue;
        if (m->series_count == NAMES_MAX)
            return error_set(err, CCD_INTERNAL, "the model is full");
        m->series[m->series_count].type = type;
        m->series[m->series_count++].names = names[i];
    }
    return CCD_OK;
}

static int model_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                               int (*add)(void *user, const struct coverage_segment *segment),
                               void *user, struct ccd_error *err)
{
    const struct model *m = (const struct model *)store;
    size_t count;
    const struct coverage_segment *s = model_coverage(m->rows, series_id, step_s, &count);
    (void)err;
    for (size_t i = 0; i < count; i++)
        if (add(user, &s[i]) != 0)
            break;
    return CCD_OK;
}

static void copy_row(const struct model_row *from, struct batch *b)
{
    size_t row = b->row_count++;
    for (size_t c = 0; c < b->type->column_count; c++) {
        const struct column *column = &b->type->columns[c];
        bool ts = column->flags & COLUMN_TS;
        if (ts)
            batch_set_i64(b, row, c, from->ts);
        else if ((from->present >> c) & 1 && column->kind == COLUMN_F64)
            batch_set_f64(b, row, c, from->cells[c].f64);
        else if ((from->present >> c) & 1)
            batch_set_i64(b, row, c, from->cells[c].i64);
    }
}

static int model_read_rows(struct store *store, const struct data_type *type,
                           enum interval interval, int64_t series_id, struct period_range range,
                           struct batch *batch, int64_t *collected_utc_s, struct ccd_error *err)
{
    const struct model *m = (const struct model *)store;
    int64_t step_s = interval_infos[interval].step_s;
    const struct model_row *row;
    (void)type, (void)err;
    batch_clear(batch);
    for (size_t n = 0; (row = model_row_nth(m->rows, series_id, step_s, n)) != NULL; n++) {
        if (row->ts < range.from_ts || row->ts >= range.to_ts ||
            batch->row_count == batch->capacity_rows)
            continue;
        if (collected_utc_s)
            collected_utc_s[batch->row_count] = row->collected_utc_s;
        copy_row(row, batch);
    }
    return CCD_OK;
}

static int model_writer_open(struct store *store, struct store_writer **out, struct ccd_error *err)
{
    struct model_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return error_set(err, CCD_NO_MEMORY, "no memory for a writer");
    w->base.ops = store->ops;
    w->model = (struct model *)store;
    *out = &w->base;
    return CCD_OK;
}

static void model_writer_rollback(struct store_writer *writer)
{
    struct model_writer *w = (struct model_writer *)writer;
    if (w->open)
        model_rollback(w->model->rows);
    w->open = false;
}

static void model_writer_close(struct store_writer *writer)
{
    model_writer_rollback(writer);
    free(writer);
}

static int model_writer_begin(struct store_writer *writer, struct ccd_error *err)
{
    struct model_writer *w = (struct model_writer *)writer;
    (void)err;
    model_begin(w->model->rows);
    w->open = true;
    return CCD_OK;
}

static int model_writer_put(struct store_writer *writer, const struct store_page *page,
                            struct store_page_result *out_result, struct ccd_error *err)
{
    struct model_writer *w = (struct model_writer *)writer;
    int status = model_put_series(&w->model->base, page->type, page->series, 1, err);
    return status == CCD_OK ? model_put(w->model->rows, page, 0, out_result, err) : status;
}

static enum store_outcome model_writer_commit(struct store_writer *writer, struct ccd_error *err)
{
    struct model_writer *w = (struct model_writer *)writer;
    (void)err;
    w->open = false;
    return model_commit(w->model->rows, MODEL_COMMITS);
}

static const struct store_ops model_ops = {
    .close = model_close,
    .lock = model_lock,
    .unlock = model_unlock,
    .find_series = model_find_series,
    .put_series = model_put_series,
    .load_coverage = model_load_coverage,
    .read_rows = model_read_rows,
    .writer_open = model_writer_open,
    .writer_close = model_writer_close,
    .writer_begin = model_writer_begin,
    .writer_put = model_writer_put,
    .writer_commit = model_writer_commit,
    .writer_rollback = model_writer_rollback,
};

static int model_open(const struct store_config *config, struct store **out, struct ccd_error *err)
{
    struct model *m = calloc(1, sizeof(*m));
    (void)config;
    if (!m)
        return error_set(err, CCD_NO_MEMORY, "no memory for the model");
    m->base = (struct store){.ops = &model_ops, .capabilities = STORE_PERSISTS};
    int status = model_store_new(&m->rows, err);
    if (status == CCD_OK)
        *out = &m->base;
    else
        free(m);
    return status;
}

static const char *const served[] = {
    /* rows and their values */
    "fresh_page_reads_back",
    "page_that_is_not_fresh_reads_back",
    "every_type_and_interval_reads_back",
    "null_stays_null",
    "row_of_nulls_reads_back",
    "negative_zero_is_exact",
    "denormal_doubles_are_exact",
    "largest_doubles_are_exact",
    "seventeen_digits_are_exact",
    "integral_doubles_are_exact",
    "random_doubles_are_exact",
    "extreme_integers_are_exact",
    "extremes_in_every_column_of_every_type",
    "each_column_alone_can_be_null",
    "largest_page",
    "largest_page_of_the_widest_type",
    "reading_is_half_open",
    "reading_stops_at_the_capacity",
    "unknown_series_has_no_rows",
    "intervals_are_apart",
    "types_are_apart",
    "series_are_apart",
    /* pages over pages, the newer one later */
    "change_in_each_column_is_seen",
    "value_becomes_null_and_back",
    "zero_is_not_null",
    "sign_of_zero_is_a_change",
    "last_bit_is_a_change",
    "overlap_inserts_changes_and_leaves",
    "gaps_are_filled",
    "stored_rows_that_the_page_lacks_stay",
    "fresh_page_that_clashes_is_compared",
    "fresh_page_put_again_changes_nothing",
    "open_candle_grows",
    "versions_converge_in_either_order",
    "version_of_the_same_second_overwrites",
    "rejected_rows_are_not_stored",
    "page_of_rejected_rows",
    "rejected_row_leaves_the_stored_one",
    /* transactions and coverage */
    "pages_share_a_transaction",
    "closing_a_writer_rolls_back",
    "nothing_is_seen_before_the_commit",
    "empty_transaction_commits",
    "many_types_in_one_transaction",
    "coverage_is_per_interval_and_series",
    "coverage_reader_can_stop",
    "coverage_of_many_pages",
    "page_makes_its_series",
    "series_is_found_by_both_ids",
    "series_is_not_found_elsewhere",
    "series_is_put_twice",
    "many_series_in_one_call",
    "awkward_names_are_kept",
    "longest_names_are_kept",
};

static bool model_serves(const char *name)
{
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++)
        if (strcmp(served[i], name) == 0)
            return true;
    return false;
}

static bool model_make_place(struct place *place)
{
    (void)place;
    return true;
}

static void model_remove_place(struct place *place)
{
    (void)place;
}

const struct back_end back_end_model = {
    .name = "model",
    .persists = true,
    .make_place = model_make_place,
    .remove_place = model_remove_place,
    .serves = model_serves,
    .open = model_open,
};
