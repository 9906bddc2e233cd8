/* ccd_list_read: stored metadata tables as rows of values. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "api/database.h"
#include "api/match.h"
#include "base/arena.h"
#include "model/data_type.h"
#include "store/store.h"

enum {
    LISTINGS_MAX = 2,
    ROWS_MAX = 4000000, /* the vendor lists some 300,000 instruments */
    TEXT_MAX_BYTES = 1 << 30,
    LIST_TEXT_MAX_BYTES = 256 << 20, /* of one market, or of one table */
    SCOPES_MAX_BYTES = 16 << 20,
    ROOM_FOR_MORE = 16, /* rows that others may write between counting and reading */
};

/* What people call several tables, or one by another name. */
static const struct {
    const char *word;
    const char *tables[LISTINGS_MAX];
} words[] = {
    {"instruments", {"spot_instruments", "futures_instruments"}},
    {"markets", {"spot_markets", "futures_markets"}},
};
enum { WORD_COUNT = sizeof(words) / sizeof(*words) };

/* The columns that a filter looks at: those of them that the table has. */
static const char *const market_columns[] = {"market", "internal_name"};
static const char *const exchange_columns[] = {"internal_name", "name"};
static const char *const name_columns[] = {"symbol",     "name",   "internal_name",
                                           "instrument", "market", "mapped_instrument"};
static const char *const status_columns[] = {"instrument_status", "exchange_status"};
enum { COLUMNS_MAX = sizeof(name_columns) / sizeof(*name_columns) };

struct filter {
    struct patterns patterns;
    size_t columns[COLUMNS_MAX];
    size_t column_count;
};

/* One listing; the caller gets an array of struct ccd_listing, so the rest stands apart. */
struct listed {
    const struct data_type *table;
    struct filter filters[3]; /* all must match */
    int listed_column;        /* -1: the table has none */
    struct ccd_list_value *values;
    size_t row_count, row_capacity;
    int64_t asked_utc_s;
    bool asked;
};

struct listing_set {
    struct ccd_listing listings[LISTINGS_MAX]; /* first, so that ccd_list_free finds the rest */
    struct listed listed[LISTINGS_MAX];
    size_t count;
    struct arena arena;
    struct ccd_list_options options;
    struct store *store;
    struct database database;
    struct batch batch;
    struct buf scopes;
    size_t scope_count;
};

static int no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for the list; narrow it or give it a limit");
}

/* ---- which tables ---- */

static const struct data_type *find_table(const char *name)
{
    for (size_t i = 0; i < metadata_table_count; i++)
        if (strcmp(metadata_tables[i]->name, name) == 0)
            return metadata_tables[i];
    return NULL;
}

static void consider(const char *name, const char *known, unsigned *best, const char **nearest)
{
    unsigned distance = str_distance(str_from(name), str_from(known));
    if (distance < *best) {
        *best = distance;
        *nearest = known;
    }
}

static int refuse(const char *name, struct ccd_error *err)
{
    unsigned best = UINT_MAX;
    const char *nearest = "instruments";
    for (size_t i = 0; i < WORD_COUNT; i++)
        consider(name, words[i].word, &best, &nearest);
    for (size_t i = 0; i < metadata_table_count; i++)
        consider(name, metadata_tables[i]->name, &best, &nearest);
    return error_set(err, CCD_USAGE,
                     "no list \"%s\": did you mean %s? There are assets, exchanges, instruments, "
                     "and every table of metadata",
                     name, nearest);
}

static int choose_tables(struct listing_set *set, struct ccd_error *err)
{
    const char *what = set->options.what ? set->options.what : "";
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (strcmp(what, words[i].word) != 0)
            continue;
        for (size_t k = 0; k < LISTINGS_MAX; k++) {
            const struct data_type *table = find_table(words[i].tables[k]);
            if (table)
                set->listed[set->count++].table = table;
        }
    }
    const struct data_type *table = set->count == 0 ? find_table(what) : NULL;
    if (table)
        set->listed[set->count++].table = table;
    return set->count > 0 ? 0 : refuse(what, err);
}

/* ---- filters ---- */

static void look_at(struct filter *filter, const struct data_type *table,
                    const char *const *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int column = data_type_column(table, str_from(columns[i]));
        if (column >= 0 && table->columns[column].kind == COLUMN_TEXT)
            filter->columns[filter->column_count++] = (size_t)column;
    }
}

static int check_filter(const struct filter *filter, const struct data_type *table,
                        const char *what, struct ccd_error *err)
{
    if (filter->patterns.count == 0 || filter->column_count > 0)
        return 0;
    return error_set(err, CCD_USAGE, "%s has no %s to choose by", table->name, what);
}

#define COUNT_OF(columns) (sizeof(columns) / sizeof(*(columns)))

static int set_filters(const struct ccd_list_options *o, struct listed *l, struct ccd_error *err)
{
    bool is_exchanges = data_type_column(l->table, STR("market")) < 0;
    struct filter *market = &l->filters[0], *name = &l->filters[1], *status = &l->filters[2];
    market->patterns = (struct patterns){o->markets, o->market_count};
    name->patterns = (struct patterns){o->names, o->name_count};
    status->patterns = (struct patterns){o->statuses, o->status_count};
    if (is_exchanges && data_type_column(l->table, STR("internal_name")) >= 0)
        look_at(market, l->table, exchange_columns, COUNT_OF(exchange_columns));
    else
        look_at(market, l->table, market_columns, COUNT_OF(market_columns));
    look_at(name, l->table, name_columns, COUNT_OF(name_columns));
    look_at(status, l->table, status_columns, COUNT_OF(status_columns));
    l->listed_column = data_type_column_flagged(l->table, COLUMN_LISTED);
    int failed = check_filter(market, l->table, "market", err);
    if (failed == 0)
        failed = check_filter(name, l->table, "name", err);
    return failed ? failed : check_filter(status, l->table, "status", err);
}

static bool passes(const struct filter *filter, const struct batch *b, size_t row)
{
    for (size_t i = 0; i < filter->column_count; i++)
        if (batch_has(b, row, filter->columns[i]) &&
            patterns_match(&filter->patterns, batch_text(b, row, filter->columns[i])))
            return true;
    return filter->patterns.count == 0;
}

static bool is_wanted(const struct listing_set *set, const struct listed *l, size_t row)
{
    const struct batch *b = &set->batch;
    if (!set->options.all && l->listed_column >= 0 && batch_has(b, row, (size_t)l->listed_column) &&
        batch_cell(b, row, (size_t)l->listed_column)->i64 == 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(l->filters); i++)
        if (!passes(&l->filters[i], b, row))
            return false;
    return true;
}

/* ---- rows ---- */

static bool is_full(const struct listing_set *set, const struct listed *l)
{
    return set->options.limit >= 0 && l->row_count >= (size_t)set->options.limit;
}

static int keep_value(struct listing_set *set, const struct column *column, size_t row, size_t at,
                      struct ccd_list_value *out)
{
    const union cell *cell = batch_cell(&set->batch, row, at);
    *out = (struct ccd_list_value){.is_null = !batch_has(&set->batch, row, at)};
    if (out->is_null)
        return 0;
    if (column->kind == COLUMN_TEXT)
        out->text = arena_copy_text(&set->arena, batch_text(&set->batch, row, at));
    else if (column->kind == COLUMN_F64)
        out->number = cell->f64;
    else
        out->integer = cell->i64;
    return column->kind == COLUMN_TEXT && !out->text ? -1 : 0;
}

static struct ccd_list_value *new_row(struct listed *l)
{
    size_t columns = l->table->column_count;
    if (l->row_count == l->row_capacity) {
        size_t capacity = l->row_capacity ? 2 * l->row_capacity : 64;
        struct ccd_list_value *bigger = NULL;
        if (capacity <= ROWS_MAX)
            bigger = mem_resize(NULL, l->values, capacity * columns, sizeof(*bigger));
        if (!bigger)
            return NULL;
        l->values = bigger;
        l->row_capacity = capacity;
    }
    return &l->values[l->row_count++ * columns];
}

static int keep_row(struct listing_set *set, struct listed *l, size_t row, struct ccd_error *err)
{
    struct ccd_list_value *values = new_row(l);
    int status = values ? 0 : -1;
    for (size_t i = 0; i < l->table->column_count && status == 0; i++)
        status = keep_value(set, &l->table->columns[i], row, i, &values[i]);
    return status == 0 ? 0 : no_memory(err);
}

static int read_scope(struct listing_set *set, struct listed *l, struct str scope,
                      struct ccd_error *err)
{
    const struct store_ops *ops = set->store->ops;
    size_t count = 0;
    int64_t asked_utc_s = 0;
    int status = ops->load_list(set->store, l->table, scope, NULL, &count, &asked_utc_s, err);
    if (status == 0)
        status = batch_reset(&set->batch, l->table, count + count / 8 + ROOM_FOR_MORE, err);
    if (status == 0)
        status = ops->load_list(set->store, l->table, scope, &set->batch, &count, &asked_utc_s,
                                err);
    for (size_t row = 0; row < set->batch.row_count && status == 0 && !is_full(set, l); row++)
        if (is_wanted(set, l, row))
            status = keep_row(set, l, row, err);
    return status;
}

/* ---- lists of a table ---- */

struct scope_call {
    struct listing_set *set;
    struct listed *listed;
};

static int add_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    const struct scope_call *call = user;
    struct listing_set *set = call->set;
    struct listed *l = call->listed;
    if (l->table->shape == SHAPE_CATALOGUE && !patterns_match(&l->filters[0].patterns, scope))
        return 0;
    if (!l->asked || asked_utc_s < l->asked_utc_s)
        l->asked_utc_s = asked_utc_s;
    l->asked = true;
    if (buf_add(&set->scopes, scope.ptr, scope.len) != 0 || buf_add_char(&set->scopes, '\0') != 0)
        return no_memory(err);
    set->scope_count++;
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Databases do not all sort bytewise. */
static int read_scopes(struct listing_set *set, struct listed *l, struct ccd_error *err)
{
    const char **sorted = mem_new(NULL, set->scope_count + 1, sizeof(*sorted));
    const char *scope = set->scopes.data;
    int status = sorted ? 0 : no_memory(err);
    for (size_t i = 0; i < set->scope_count && status == 0; i++, scope += strlen(scope) + 1)
        sorted[i] = scope;
    if (status == 0 && set->scope_count > 1)
        qsort(sorted, set->scope_count, sizeof(*sorted), compare_texts);
    for (size_t i = 0; i < set->scope_count && status == 0 && !is_full(set, l); i++)
        status = read_scope(set, l, str_from(sorted[i]), err);
    mem_free(NULL, sorted);
    return status;
}

/* Parts and snapshots were asked for with their parent's list. */
static int read_table(struct listing_set *set, struct listed *l, struct ccd_error *err)
{
    struct scope_call call = {set, l};
    const struct data_type *list = l->table->parent ? l->table->parent : l->table;
    buf_clear(&set->scopes);
    set->scope_count = 0;
    int status = set->store->ops->each_list(set->store, list, add_scope, &call, err);
    return status == 0 ? read_scopes(set, l, err) : status;
}

/* ---- the result ---- */

static const char *kind_name(enum column_kind kind)
{
    static const char *const names[] = {
        [COLUMN_I64] = "integer",  [COLUMN_F64] = "number", [COLUMN_TEXT] = "text",
        [COLUMN_BOOL] = "boolean", [COLUMN_UTC_S] = "time",
    };
    return names[kind];
}

static int describe(struct listing_set *set, size_t index, const char *database,
                    struct ccd_error *err)
{
    const struct listed *l = &set->listed[index];
    const struct data_type *table = l->table;
    const char **names = arena_alloc(&set->arena, table->column_count * sizeof(*names));
    const char **kinds = arena_alloc(&set->arena, table->column_count * sizeof(*kinds));
    if (!names || !kinds)
        return no_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        names[i] = table->columns[i].name;
        kinds[i] = kind_name(table->columns[i].kind);
    }
    set->listings[index] = (struct ccd_listing){
        .table = table->name,
        .column_names = names,
        .column_kinds = kinds,
        .column_count = table->column_count,
        .values = l->values,
        .row_count = l->row_count,
        .asked_utc_s = l->asked_utc_s,
        .database = database,
    };
    return 0;
}

static int open_all(struct listing_set *set, struct ccd_client *client, struct ccd_error *err)
{
    buf_init(&set->scopes, SCOPES_MAX_BYTES, NULL);
    int status = database_config(client, NULL, &set->database, err);
    set->database.config.read_only = true;
    if (status == 0)
        status = store_open(&set->database.config, &set->store, err);
    if (status == 0)
        status = batch_init(&set->batch, set->listed[0].table, 1, LIST_TEXT_MAX_BYTES, NULL, err);
    return status;
}

static void close_all(struct listing_set *set)
{
    batch_release(&set->batch);
    buf_release(&set->scopes);
    store_close(set->store);
    database_release(&set->database);
}

static int read_all(struct listing_set *set, struct ccd_client *client, struct ccd_error *err)
{
    const char *database = NULL;
    int status = open_all(set, client, err);
    for (size_t i = 0; i < set->count && status == 0; i++)
        status = read_table(set, &set->listed[i], err);
    if (status == 0)
        database = arena_copy_text(&set->arena, buf_str(&set->database.shown));
    if (status == 0 && !database)
        status = no_memory(err);
    for (size_t i = 0; i < set->count && status == 0; i++)
        status = describe(set, i, database, err);
    close_all(set);
    return status;
}

int ccd_list_read(struct ccd_client *client, const struct ccd_list_options *options,
                  struct ccd_listing **out_listings, size_t *out_count, struct ccd_error *err)
{
    const struct ccd_list_options defaults = CCD_LIST_INIT;
    struct listing_set *set = mem_new(NULL, 1, sizeof(*set));
    if (!set)
        return no_memory(err);
    arena_init(&set->arena, TEXT_MAX_BYTES, NULL);
    set->options = defaults;
    memcpy(&set->options, options,
           options->size < sizeof(defaults) ? options->size : sizeof(defaults));
    int status = choose_tables(set, err);
    for (size_t i = 0; i < set->count && status == 0; i++)
        status = set_filters(&set->options, &set->listed[i], err);
    if (status == 0)
        status = read_all(set, client, err);
    if (status != 0) {
        ccd_list_free(set->listings, set->count);
        return status;
    }
    *out_listings = set->listings;
    *out_count = set->count;
    return 0;
}

void ccd_list_free(struct ccd_listing *listings, size_t count)
{
    struct listing_set *set = (struct listing_set *)listings;
    (void)count;
    if (!set)
        return;
    for (size_t i = 0; i < LISTINGS_MAX; i++)
        mem_free(NULL, set->listed[i].values);
    arena_release(&set->arena);
    mem_free(NULL, set);
}
