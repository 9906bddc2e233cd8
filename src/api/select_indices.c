#include "api/select_parts.h"

#include <string.h>

struct index_choice {
    struct select_context *c;
    const struct checked_job *job;
    const char *market;
    struct selection *out;
};

/* is_listed: taken from a list, so that the vendor may not offer it. */
static int add_index(struct index_choice *x, struct str instrument, bool is_listed, int64_t rank,
                     struct ccd_error *err)
{
    struct selected *item = selection_add(x->out, err);
    if (!item)
        return err->status;
    if (!series_names_set(&item->names, x->job->type, str_from(x->market), instrument,
                          instrument)) {
        x->out->count--;
        if (!is_listed)
            return error_set(err, CCD_USAGE, "an index instrument is called like BTC-USD");
        log_warning(x->c->lists->log, NULL, "an asset with an impossible symbol is left out");
        return 0;
    }
    item->optional = is_listed;
    item->rank = rank;
    item->want = select_want(x->c, x->job, 0, 0);
    return 0;
}

/* SYMBOL-USD of each of the top assets that the pattern matches. */
static int add_top(struct index_choice *x, const char *pattern, struct ccd_error *err)
{
    int64_t limit = x->job->job->asset_limit > 0 ? x->job->job->asset_limit
                                                 : SELECT_TOP_ASSETS_DEFAULT;
    struct name_list top;
    char instrument[INSTRUMENT_MAX_BYTES];
    name_list_init(&top, x->c->lists->allocator);
    int status = lists_top_assets(x->c->lists, limit, &top.text, &top.count, err);
    const char *symbol = top.text.data;
    for (size_t i = 0; i < top.count && (int64_t)i < limit && status == 0;
         i++, symbol += strlen(symbol) + 1)
        if (str_print(instrument, sizeof(instrument), "%s-USD", symbol) &&
            str_glob(str_from(pattern), str_from(instrument)))
            status = add_index(x, str_from(instrument), true, (int64_t)i + 1, err);
    name_list_release(&top);
    return status;
}

struct stored_choice {
    struct index_choice *x;
    const char *pattern;
};

static int add_stored(void *user, const struct store_series *series, struct ccd_error *err)
{
    const struct stored_choice *s = user;
    struct str instrument = str_from(series->names->instrument);
    if (!str_equal_nocase(str_from(series->names->market), str_from(s->x->market)) ||
        !str_glob(str_from(s->pattern), instrument))
        return 0;
    return add_index(s->x, instrument, true, 0, err);
}

/* The vendor lists no instruments of an index: a glob is matched with those of the top assets and
 * with the series that are stored, whatever asset they were asked for. */
static int add_matching(struct index_choice *x, const char *pattern, struct ccd_error *err)
{
    struct store *store = x->c->lists->store;
    struct stored_choice stored = {x, pattern};
    int status = add_top(x, pattern, err);
    return status == 0 ? store->ops->each_series(store, x->job->type, add_stored, &stored, err)
                       : status;
}

int select_indices(struct select_context *c, const struct checked_job *job, struct selection *out,
                   struct ccd_error *err)
{
    const char *market = job->job->market ? job->job->market : "cadli";
    struct index_choice x = {c, job, market, out};
    size_t patterns = job_pattern_count(job->job);
    int status = patterns == 0 ? add_top(&x, "*", err) : 0;
    for (size_t p = 0; p < patterns && status == 0; p++) {
        const char *name = job_pattern(job->job, p);
        status = name_is_glob(name) ? add_matching(&x, name, err)
                                    : add_index(&x, str_from(name), false, 0, err);
    }
    return status;
}
