#include "api/select_parts.h"

#include <stdlib.h>
#include <string.h>

enum { PAIRS_DEFAULT = 100 };

static const char *const quotes_default[] = {"USD", "USDT", "USDC", "EUR", "BTC"};

bool select_is_spot(const struct checked_job *job)
{
    return strcmp(job->type->name, "spot_ohlcv") == 0;
}

/* A market or an instrument that is named is taken for what it is: then only what the job asks for
 * by itself narrows. */
static bool is_ranked(const struct ccd_job *job)
{
    return !job->market && job_pattern_count(job) == 0;
}

/* ---- exchanges by grade ---- */

bool select_needs_grades(const struct checked_job *job)
{
    const struct ccd_job *j = job->job;
    bool names_markets = j->market || j->exchange_count > 0;
    return select_is_spot(job) && (j->min_grade || is_ranked(j) || !names_markets);
}

static int add_graded(const struct batch *rows, size_t grade_max, struct name_list *out,
                      struct ccd_error *err)
{
    size_t name = (size_t)data_type_column(rows->type, STR("internal_name"));
    size_t grade = (size_t)data_type_column(rows->type, STR("grade"));
    size_t listed = (size_t)data_type_column_flagged(rows->type, COLUMN_LISTED);
    int status = 0;
    for (size_t row = 0; row < rows->row_count && status == 0; row++) {
        struct str market = batch_text(rows, row, name);
        bool is_good = batch_cell(rows, row, listed)->i64 != 0 &&
                       select_grade(batch_text(rows, row, grade)) <= grade_max;
        /* A name that no market can have is none of a market. */
        if (is_good && market.len > 0 && market.len < MARKET_MAX_BYTES)
            status = name_list_add_market(out, market, err);
    }
    return status;
}

int select_graded_markets(struct select_context *c, const struct checked_job *job,
                          struct name_list *out, struct ccd_error *err)
{
    const char *min_grade = job->job->min_grade ? job->job->min_grade : SELECT_GRADE_DEFAULT;
    const struct list_name name = {metadata_table_find(STR("exchanges")), STR("")};
    struct batch rows = {0};
    bool is_known;
    int status = batch_init(&rows, name.table, 1, LIST_TEXT_MAX_BYTES, c->lists->allocator, err);
    if (status == 0)
        status = lists_rows(c->lists, &name, &(struct list_options){0}, &rows, &is_known, err);
    if (status == 0)
        status = add_graded(&rows, select_grade(str_from(min_grade)), out, err);
    batch_release(&rows);
    return status;
}

/* ---- pairs ---- */

/* The first of the ranking; the vendor's pages may hold more. */
static int load_bases(struct select_context *c, int64_t limit, struct name_list *out,
                      struct ccd_error *err)
{
    struct name_list all;
    name_list_init(&all, c->lists->allocator);
    int status = lists_top_assets(c->lists, limit, &all.text, &all.count, err);
    const char *symbol = all.text.data;
    for (size_t i = 0; i < all.count && (int64_t)i < limit && status == 0;
         i++, symbol += strlen(symbol) + 1)
        status = name_list_add(out, str_from(symbol), err);
    name_list_release(&all);
    return status == 0 ? name_list_index(out, err) : status;
}

int pair_filter_init(struct pair_filter *filter, struct select_context *c,
                     const struct checked_job *job, struct ccd_error *err)
{
    const struct ccd_job *j = job->job;
    bool ranked = is_ranked(j);
    *filter = (struct pair_filter){
        .is_ranked = ranked,
        .quotes = j->quotes,
        .quote_count = j->quote_count,
        .by_base = ranked || j->asset_limit > 0,
    };
    if (ranked && j->quote_count == 0) {
        filter->quotes = quotes_default;
        filter->quote_count = sizeof(quotes_default) / sizeof(*quotes_default);
    }
    name_list_init(&filter->bases, c->lists->allocator);
    if (!filter->by_base)
        return 0;
    return load_bases(c, j->asset_limit > 0 ? j->asset_limit : SELECT_TOP_ASSETS_DEFAULT,
                      &filter->bases, err);
}

void pair_filter_release(struct pair_filter *filter)
{
    name_list_release(&filter->bases);
}

static bool is_quote(const struct pair_filter *filter, struct str quote)
{
    for (size_t i = 0; i < filter->quote_count; i++)
        if (str_equal_nocase(quote, str_from(filter->quotes[i])))
            return true;
    return filter->quote_count == 0;
}

bool pair_filter_takes(const struct pair_filter *filter, const struct batch *rows, size_t row)
{
    const struct data_type *type = rows->type;
    int base = data_type_column(type, STR("instrument_mapping_base"));
    int quote = data_type_column(type, STR("instrument_mapping_quote"));
    int listed = data_type_column_flagged(type, COLUMN_LISTED);
    if (filter->is_ranked && batch_cell(rows, row, (size_t)listed)->i64 == 0)
        return false;
    return is_quote(filter, batch_text(rows, row, (size_t)quote)) &&
           (!filter->by_base || name_list_has(&filter->bases, batch_text(rows, row, (size_t)base)));
}

/* ---- order and cut ---- */

static int by_trades(const void *a, const void *b)
{
    const struct selected *x = a, *y = b;
    bool x_failed = x->error.status != CCD_OK, y_failed = y->error.status != CCD_OK;
    if (x_failed != y_failed)
        return x_failed ? -1 : 1; /* what was named and is unknown is never cut */
    if (x->trades != y->trades)
        return x->trades > y->trades ? -1 : 1;
    int market = strcmp(x->names.market, y->names.market);
    return market != 0 ? market : strcmp(x->names.instrument, y->names.instrument);
}

void select_rank_pairs(const struct checked_job *job, struct selection *s)
{
    const struct ccd_job *j = job->job;
    if (!select_is_spot(job) || (!is_ranked(j) && j->pair_limit < 0) || s->count == 0)
        return;
    size_t limit = j->pair_limit > 0 ? (size_t)j->pair_limit : PAIRS_DEFAULT;
    qsort(s->items, s->count, sizeof(*s->items), by_trades);
    size_t failed = 0; /* they stand in front, and are no pairs */
    while (failed < s->count && s->items[failed].error.status != CCD_OK)
        failed++;
    if (s->count - failed > limit)
        s->count = failed + limit;
    for (size_t i = failed; i < s->count; i++)
        s->items[i].rank = (int64_t)(i - failed) + 1;
}
