#include "api/list_fetch.h"

#include <string.h>

enum {
    SHRINK_MAX_PERCENT = 20,
    REMEMBERED_MAX = 1024,            /* lists; the vendor has some 200 markets */
    REMEMBERED_ROWS_MAX = 200 * 1000, /* of lists that are not stored: some 100 MB */
};

/* ---- what was asked for ---- */

struct remembered {
    const struct data_type *table;
    char market[MARKET_MAX_BYTES];
    bool is_known, is_whole, was_rewritten;
    bool has_rows;
    struct batch rows;        /* of a list that is not stored */
    struct ccd_error refusal; /* why it was not taken: it shrank */
};

/* In the order of asking. */
struct list_memory {
    struct remembered lists[REMEMBERED_MAX];
    size_t count;
};

static void forget_at(struct list_memory *memory, size_t i)
{
    batch_release(&memory->lists[i].rows);
    memmove(&memory->lists[i], &memory->lists[i + 1],
            (memory->count - i - 1) * sizeof(*memory->lists));
    memory->count--;
}

void lists_forget(struct list_source *source)
{
    while (source->memory && source->memory->count > 0)
        forget_at(source->memory, source->memory->count - 1);
    mem_free(source->allocator, source->memory);
    source->memory = NULL;
}

static struct remembered *recall(const struct list_source *source, const struct list_name *name)
{
    struct list_memory *memory = source->memory;
    for (size_t i = 0; memory && i < memory->count; i++)
        if (memory->lists[i].table == name->table &&
            str_equal(str_from(memory->lists[i].market), name->market))
            return &memory->lists[i];
    return NULL;
}

static size_t count_remembered_rows(const struct list_memory *memory)
{
    size_t rows = 0;
    for (size_t i = 0; i < memory->count; i++)
        rows += memory->lists[i].rows.row_count;
    return rows;
}

/* A new place for the list. What is too much is forgotten, the oldest first: it can be asked for
 * again. */
static int make_place(struct list_source *source, const struct list_name *name, size_t rows,
                      struct remembered **out, struct ccd_error *err)
{
    if (!source->memory)
        source->memory = mem_new(source->allocator, 1, sizeof(*source->memory));
    struct list_memory *memory = source->memory;
    struct remembered *old = recall(source, name);
    if (!memory)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of %s", name->table->name);
    if (old)
        forget_at(memory, (size_t)(old - memory->lists));
    while (memory->count > 0 && (memory->count == REMEMBERED_MAX ||
                                 count_remembered_rows(memory) + rows > REMEMBERED_ROWS_MAX))
        forget_at(memory, 0);
    *out = &memory->lists[memory->count];
    **out = (struct remembered){.table = name->table};
    if (!str_copy((*out)->market, sizeof((*out)->market), name->market))
        return error_set(err, CCD_USAGE, "a market name is too long");
    memory->count++;
    return 0;
}

static bool is_stored(const struct list_source *source)
{
    return !source->read_only && source->store->capabilities & STORE_PERSISTS;
}

/* Takes the rows of a list that is not stored. */
static int remember(struct list_source *source, const struct list_name *name,
                    const struct list_options *options, struct fetched_list *list,
                    const struct ccd_error *refusal, struct ccd_error *err)
{
    struct remembered *place = NULL;
    bool keep = list->is_known && !is_stored(source);
    if (make_place(source, name, keep ? list->batches[0].row_count : 0, &place, err) != 0)
        return err->status;
    place->is_known = list->is_known;
    place->is_whole = list->is_whole;
    place->was_rewritten = options->rewrite;
    place->refusal = *refusal;
    place->has_rows = keep;
    if (keep) {
        place->rows = list->batches[0];
        list->batches[0] = (struct batch){0};
    }
    return 0;
}

/* ---- rows ---- */

static bool is_listed(const struct batch *rows, size_t row)
{
    size_t column = (size_t)data_type_column_flagged(rows->type, COLUMN_LISTED);
    return batch_has(rows, row, column) && batch_cell(rows, row, column)->i64 != 0;
}

static int64_t count_listed(const struct batch *rows)
{
    int64_t count = 0;
    for (size_t row = 0; row < rows->row_count; row++)
        count += is_listed(rows, row);
    return count;
}

static int load_rows(struct list_source *source, const struct list_name *name, struct batch *batch,
                     struct ccd_error *err)
{
    const struct store_ops *ops = source->store->ops;
    int64_t asked_utc_s;
    size_t count;
    if (ops->load_list(source->store, name->table, name->market, NULL, &count, &asked_utc_s, err) !=
        0)
        return err->status;
    /* A little more room than rows: others may write to the database. */
    if (batch_reset(batch, name->table, count + count / 8 + 16, err) != 0)
        return err->status;
    return ops->load_list(source->store, name->table, name->market, batch, &count, &asked_utc_s,
                          err);
}

static int copy_row(const struct batch *from, size_t row, struct batch *to, struct ccd_error *err)
{
    size_t target = to->row_count;
    for (size_t c = 0; c < from->type->column_count; c++) {
        if (!batch_has(from, row, c))
            continue;
        if (from->type->columns[c].kind != COLUMN_TEXT) {
            *batch_cell(to, target, c) = *batch_cell(from, row, c);
            to->present[target] |= UINT64_C(1) << c;
        } else if (batch_set_text(to, target, c, batch_text(from, row, c)) != 0) {
            return error_set(err, CCD_NO_MEMORY, "no memory for a list of %s", from->type->name);
        }
    }
    to->row_count++;
    return 0;
}

/* A reply comes in the vendor's order. */
static int copy_sorted(const struct batch *from, struct batch *to, struct ccd_error *err)
{
    uint32_t *order = mem_new(from->allocator, from->row_count + 1, sizeof(*order));
    if (!order)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of %s", from->type->name);
    list_order(from, order);
    int status = batch_reset(to, from->type, from->row_count + 1, err);
    for (size_t i = 0; i < from->row_count && status == 0; i++)
        status = copy_row(from, order[i], to, err);
    mem_free(from->allocator, order);
    return status;
}

/* ---- freshness ---- */

/* A list that does not fill its first page has no second one. */
static bool has_enough(const struct batch *rows, const struct list_options *options)
{
    int64_t listed = count_listed(rows);
    return listed >= options->records_wanted || listed < LIST_PAGE_SIZE;
}

static int has_enough_stored(struct list_source *source, const struct list_name *name,
                             const struct list_options *options, bool *out, struct ccd_error *err)
{
    struct batch rows = {0};
    *out = options->records_wanted == 0;
    if (*out)
        return 0;
    int status = batch_init(&rows, name->table, 1, LIST_TEXT_MAX_BYTES, source->allocator, err);
    if (status == 0)
        status = load_rows(source, name, &rows, err);
    *out = status == 0 && has_enough(&rows, options);
    batch_release(&rows);
    return status;
}

static int64_t lifetime_s(const struct list_name *name, const struct list_options *options)
{
    return options->lifetime_s > 0 ? options->lifetime_s : name->table->cache_lifetime_s;
}

static int is_fresh_in_store(struct list_source *source, const struct list_name *name,
                             const struct list_options *options, bool *out, struct ccd_error *err)
{
    int64_t asked_utc_s = 0;
    size_t count = 0;
    int status = source->store->ops->load_list(source->store, name->table, name->market, NULL,
                                               &count, &asked_utc_s, err);
    *out = status == 0 && asked_utc_s > 0 &&
           asked_utc_s + lifetime_s(name, options) > source->now_utc_s;
    return *out ? has_enough_stored(source, name, options, out, err) : status;
}

/* Whether nothing is to be asked: this source has, or the stored list is fresh. */
static int is_fresh(struct list_source *source, const struct list_name *name,
                    const struct list_options *options, bool *out, struct ccd_error *err)
{
    const struct remembered *place = recall(source, name);
    *out = false;
    if (place && options->rewrite && !place->was_rewritten)
        *out = false;
    else if (place && place->refusal.status != CCD_OK)
        *out = !options->force;
    else if (place && (!place->is_known || place->is_whole || options->records_wanted == 0))
        *out = true;
    else if (place && place->has_rows)
        *out = has_enough(&place->rows, options);
    else if (place)
        return has_enough_stored(source, name, options, out, err);
    else if (!options->always)
        return is_fresh_in_store(source, name, options, out, err);
    return 0;
}

/* ---- updating ---- */

static bool is_ranking(const struct data_type *table)
{
    return data_type_column_flagged(table, COLUMN_POSITION) >= 0;
}

static void count_lists(const struct fetched_list *list, const struct store_list_counts *counts,
                        struct list_outcome *out)
{
    out->counts = counts[0];
    for (size_t i = 1; i < list->count; i++) {
        out->parts.added += counts[i].added;
        out->parts.changed += counts[i].changed;
        out->parts.unchanged += counts[i].unchanged;
        out->parts.gone += counts[i].gone;
    }
}

/* Whether what the list lacks is gone, or refused. Not so when a page was short, or when a record
 * slipped from page to page while the list moved. */
static bool has_all(const struct fetched_list *list)
{
    return list->is_whole &&
           (list->count == 0 || (int64_t)list->batches[0].row_count + list->refused >= list->total);
}

/* Whether the pages may answer for the vendor later: another try may get more than this. */
static bool is_sound(const struct fetched_list *list)
{
    return list->refused == 0 && !list->is_cut_short && (!list->is_whole || has_all(list));
}

static void settle_replies(struct list_source *source, bool keep)
{
    struct reply_cache *const replies[] = {source->data_api->replies, source->min_api->replies};
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++)
        if (keep)
            reply_cache_put_held(replies[i]);
        else
            reply_cache_drop_held(replies[i]);
}

static int put(struct list_source *source, const struct list_name *name,
               const struct list_options *options, const struct fetched_list *list,
               bool is_complete, struct list_outcome *out, struct ccd_error *err)
{
    struct store_list given[LIST_TABLES_MAX];
    struct store_list_counts counts[LIST_TABLES_MAX] = {0};
    for (size_t i = 0; i < list->count; i++)
        given[i] = (struct store_list){list->batches[i].type, &list->batches[i]};
    const struct store_lists lists = {
        .lists = given,
        .count = list->count,
        .scope = name->market,
        .asked_utc_s = list->asked_utc_s,
        .is_complete = is_complete,
        .has_unread = list->refused > 0,
        .rewrite = options->rewrite,
        /* A ranking is as long as somebody wanted it. */
        .shrink_max_percent = options->force || is_ranking(name->table) ? 100 : SHRINK_MAX_PERCENT,
    };
    int status = source->store->ops->put_lists(source->store, &lists, counts, err);
    if (status != 0)
        return status;
    count_lists(list, counts, out);
    settle_replies(source, is_sound(list));
    return 0;
}

/* The run must end in the middle of a list: what there is of it is worth keeping, but for half a
 * ranking, which says nothing. */
static void put_some(struct list_source *source, const struct list_name *name,
                     const struct list_options *options, const struct fetched_list *list,
                     struct list_outcome *out)
{
    struct ccd_error err = {0};
    if (list->count == 0 || list->batches[0].row_count == 0 || is_ranking(name->table) ||
        source->read_only)
        return;
    if (put(source, name, options, list, false, out, &err) != 0)
        log_warning(source->log, NULL, "what was fetched of %s is lost: %s", name->table->name,
                    err.message);
}

static int keep(struct list_source *source, const struct list_name *name,
                const struct list_options *options, struct fetched_list *list,
                struct list_outcome *out, struct ccd_error *err)
{
    bool is_complete = has_all(list) || is_ranking(name->table);
    struct ccd_error refusal = {0};
    if (list->is_known && !source->read_only &&
        put(source, name, options, list, is_complete, out, &refusal) != 0) {
        *err = refusal;
        if (refusal.status != CCD_BAD_REPLY)
            return err->status;
    }
    int status = remember(source, name, options, list, &refusal, err);
    return status != 0 ? status : (int)refusal.status;
}

static void describe(const struct fetched_list *list, struct list_outcome *out)
{
    out->is_known = list->is_known;
    out->calls = list->calls;
    out->refused = list->refused;
    str_copy(out->first_refusal, sizeof(out->first_refusal), str_from(list->first_refusal));
    if (list->count == 0)
        return;
    out->unknown_keys = list->batches[0].unknown_keys;
    str_copy(out->first_unknown_key, sizeof(out->first_unknown_key),
             str_from(list->batches[0].first_unknown_key));
}

int lists_update(struct list_source *source, const struct list_name *name,
                 const struct list_options *options, struct list_outcome *out,
                 struct ccd_error *err)
{
    *out = (struct list_outcome){.is_known = true};
    if (is_fresh(source, name, options, &out->was_fresh, err) != 0)
        return err->status;
    if (out->was_fresh) {
        const struct remembered *place = recall(source, name);
        out->is_known = !place || place->is_known;
        if (place && place->refusal.status != CCD_OK)
            *err = place->refusal;
        return place ? (int)place->refusal.status : 0;
    }
    /* What is too old in the database is too old in a cache. */
    int64_t since_utc_s = options->always ? 0 : source->now_utc_s - lifetime_s(name, options) + 1;
    source->data_api->since_utc_s = source->min_api->since_utc_s = since_utc_s;
    struct fetched_list list;
    int status = list_fetch(source, name, options->records_wanted, &list, err);
    describe(&list, out);
    if (status != 0)
        put_some(source, name, options, &list, out);
    else
        status = keep(source, name, options, &list, out, err);
    settle_replies(source, false); /* of what was not committed */
    fetched_list_release(&list);
    return status;
}

/* ---- reading ---- */

/* Who asks for rows is told of no outcome. */
static void warn_of_refused(const struct list_source *source, const struct list_name *name,
                            const struct list_outcome *outcome)
{
    if (outcome->refused > 0)
        log_warning(source->log, NULL,
                    "%s%s" STR_FMT ": %lld impossible records are left out, the first: %s",
                    name->table->name, name->market.len > 0 ? " of " : "", STR_ARG(name->market),
                    (long long)outcome->refused, outcome->first_refusal);
}

int lists_rows(struct list_source *source, const struct list_name *name,
               const struct list_options *options, struct batch *batch, bool *out_known,
               struct ccd_error *err)
{
    struct list_outcome outcome;
    batch_clear(batch);
    int status = lists_update(source, name, options, &outcome, err);
    const struct remembered *place = recall(source, name);
    warn_of_refused(source, name, &outcome);
    if (status != 0 && place && place->refusal.status != CCD_OK) {
        log_error(source->log, NULL, "%s; going on with the list as it was", err->message);
        error_clear(err);
        status = 0;
    }
    *out_known = outcome.is_known;
    if (status != 0 || !outcome.is_known)
        return status;
    return place && place->has_rows ? copy_sorted(&place->rows, batch, err)
                                    : load_rows(source, name, batch, err);
}

/* The texts of one column of what is listed. */
static int add_texts(const struct batch *rows, const char *column, struct buf *names,
                     size_t *out_count, struct ccd_error *err)
{
    int index = data_type_column(rows->type, str_from(column));
    for (size_t row = 0; row < rows->row_count; row++) {
        struct str text = batch_text(rows, row, (size_t)index);
        if (!is_listed(rows, row))
            continue;
        buf_add(names, text.ptr, text.len);
        if (buf_add_char(names, '\0') != 0)
            return error_set(err, CCD_NO_MEMORY, "no room for the names of %s", rows->type->name);
        ++*out_count;
    }
    return 0;
}

static int list_texts(struct list_source *source, const struct data_type *table,
                      const struct list_options *options, const char *column, struct buf *names,
                      size_t *out_count, struct ccd_error *err)
{
    struct batch rows = {0};
    bool is_known;
    const struct list_name name = {table, STR("")};
    *out_count = 0;
    int status = batch_init(&rows, table, 1, LIST_TEXT_MAX_BYTES, source->allocator, err);
    if (status == 0)
        status = lists_rows(source, &name, options, &rows, &is_known, err);
    if (status == 0)
        status = add_texts(&rows, column, names, out_count, err);
    batch_release(&rows);
    return status;
}

int lists_top_assets(struct list_source *source, int64_t wanted, struct buf *names,
                     size_t *out_count, struct ccd_error *err)
{
    const struct data_type *table = metadata_table_find(STR("ccdata_top_assets"));
    const struct list_options options = {.records_wanted = wanted};
    return list_texts(source, table, &options, "symbol", names, out_count, err);
}

int lists_markets(struct list_source *source, const struct data_type *type, struct buf *names,
                  size_t *out_count, struct ccd_error *err)
{
    for (size_t i = 0; i < metadata_table_count && type->markets_path; i++)
        if (metadata_tables[i]->shape == SHAPE_RECORDS &&
            strcmp(metadata_tables[i]->path, type->markets_path) == 0)
            return list_texts(source, metadata_tables[i], &(struct list_options){0}, "market",
                              names, out_count, err);
    return error_set(err, CCD_INTERNAL, "the vendor has no list of the markets of %s", type->name);
}
