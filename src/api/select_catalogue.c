#include "api/select_parts.h"

#include <string.h>

#include "base/time.h"
#include "model/request.h"

enum { PROBE_TEXT_MAX_BYTES = 1 << 20, PATH_MAX_BYTES = 4096 };

/* A catalogue's time later than this after now is no time of a trade: milliseconds, or nonsense. */
static const int64_t catalogue_ahead_max_s = SECONDS_PER_DAY;

/* The columns of a catalogue that a selection reads. */
struct catalogue_columns {
    int mapped, native, status, first, last, has, total, listed;
};

static int column_or_none(const struct data_type *catalogue, const char *name)
{
    return name ? data_type_column(catalogue, str_from(name)) : -1;
}

static struct catalogue_columns find_columns(const struct data_type *catalogue,
                                             const struct data_type *type)
{
    return (struct catalogue_columns){
        .mapped = data_type_column(catalogue, STR("mapped_instrument")),
        .native = data_type_column(catalogue, STR("instrument")),
        .status = data_type_column(catalogue, STR("instrument_status")),
        .first = column_or_none(catalogue, type->first_ts_column),
        .last = column_or_none(catalogue, type->last_ts_column),
        .has = column_or_none(catalogue, type->has_data_column),
        .total = column_or_none(catalogue, type->rank_column),
        .listed = data_type_column_flagged(catalogue, COLUMN_LISTED),
    };
}

static int64_t number_at(const struct batch *b, size_t row, int column)
{
    return column >= 0 && batch_has(b, row, (size_t)column)
               ? batch_cell(b, row, (size_t)column)->i64
               : 0;
}

static bool status_wanted(const struct select_context *c, const struct data_type *type,
                          struct str status)
{
    if (strcmp(type->catalogue, "spot_instruments") == 0)
        return str_equal(status, STR("ACTIVE"));
    for (size_t i = 0; i < c->futures_status_count; i++)
        if (str_equal_nocase(status, c->futures_statuses[i]))
            return true;
    return false;
}

/* A time of a trade as the catalogue gives it; 0 = unknown. One that cannot be true must not take
 * periods away. */
static int64_t trade_ts(const struct select_context *c, const struct batch *b, size_t row,
                        int column)
{
    int64_t ts = number_at(b, row, column);
    return ts > 0 && ts <= c->lists->now_utc_s + catalogue_ahead_max_s ? ts : 0;
}

/* named: by the job, in full. What nobody names and the vendor no longer lists is asked for all the
 * same, for a list may have been wrong; but it may be gone. */
static int add_row(struct select_context *c, const struct checked_job *job, const char *market,
                   const struct batch *b, size_t row, const struct catalogue_columns *columns,
                   bool named, struct selection *out, struct ccd_error *err)
{
    struct str native = batch_text(b, row, (size_t)columns->native);
    struct str mapped = batch_text(b, row, (size_t)columns->mapped);
    struct str status = batch_text(b, row, (size_t)columns->status);
    struct selected *item = selection_add(out, err);
    if (!item)
        return err->status;
    if (!series_names_set(&item->names, job->type, str_from(market), native,
                          mapped.len > 0 ? mapped : native)) {
        out->count--;
        log_warning(c->lists->log, NULL, "%s: an instrument with an impossible name is left out",
                    market);
        return 0;
    }
    item->first_ts = trade_ts(c, b, row, columns->first);
    item->last_ts = trade_ts(c, b, row, columns->last);
    if (item->last_ts < item->first_ts)
        item->last_ts = 0;
    item->trades = number_at(b, row, columns->total);
    item->gone = !named && columns->listed >= 0 && number_at(b, row, columns->listed) == 0;
    bool ended = !str_equal(status, STR("ACTIVE"));
    item->want = select_want(c, job, item->first_ts, ended ? item->last_ts : 0);
    return 0;
}

static bool row_matches(const struct ccd_job *job, const struct batch *b, size_t row,
                        const struct catalogue_columns *columns, size_t pattern)
{
    const char *text = job_pattern(job, pattern);
    return name_matches(text, batch_text(b, row, (size_t)columns->mapped)) ||
           name_matches(text, batch_text(b, row, (size_t)columns->native));
}

/* Where the rows of one market go, and what is known of them. */
struct market_rows {
    const char *market;
    const struct batch *rows;
    struct catalogue_columns columns;
    const struct pair_filter *filter; /* NULL: none */
    bool *found;                      /* per pattern of the job: a row has the name */
};

/* What makes a row one that is wanted though nobody names it. */
static bool is_wanted(const struct select_context *c, const struct checked_job *job,
                      const struct market_rows *m, size_t row)
{
    bool has_data = m->columns.has < 0 || number_at(m->rows, row, m->columns.has) != 0;
    struct str status = batch_text(m->rows, row, (size_t)m->columns.status);
    return has_data && status_wanted(c, job->type, status) &&
           (!m->filter || pair_filter_takes(m->filter, m->rows, row));
}

/* Rows that the job's patterns name; a plain name counts whatever its status, a glob and "all" only
 * rows that are wanted. */
static int add_rows(struct select_context *c, const struct checked_job *job,
                    const struct market_rows *m, struct selection *out, struct ccd_error *err)
{
    size_t patterns = job_pattern_count(job->job);
    for (size_t row = 0; row < m->rows->row_count; row++) {
        bool named = false;
        bool listed = patterns == 0;
        for (size_t p = 0; p < patterns; p++) {
            if (!row_matches(job->job, m->rows, row, &m->columns, p))
                continue;
            bool glob = name_is_glob(job_pattern(job->job, p));
            named |= !glob;
            listed |= glob;
            m->found[p] = true;
        }
        if (!named && !(listed && is_wanted(c, job, m, row)))
            continue;
        if (add_row(c, job, m->market, m->rows, row, &m->columns, named, out, err) != 0)
            return err->status;
    }
    return 0;
}

/* ---- a name that the catalogue lacks ---- */

/* Take the series from the probe's first record, when that is of the market and name asked for. */
static int add_probed(struct select_context *c, const struct checked_job *job, const char *market,
                      const char *name, const struct batch *batch, struct selection *out,
                      struct ccd_error *err)
{
    int mapped = data_type_column_flagged(job->type, COLUMN_MAPPED);
    struct str echo = batch_text(batch, 0,
                                 (size_t)data_type_column_flagged(job->type, COLUMN_MARKET));
    struct str native_name = batch_text(
        batch, 0, (size_t)data_type_column_flagged(job->type, COLUMN_INSTRUMENT));
    struct str mapped_name = mapped >= 0 ? batch_text(batch, 0, (size_t)mapped) : native_name;
    bool ours = str_equal_nocase(echo, str_from(market)) &&
                (str_equal_nocase(native_name, str_from(name)) ||
                 str_equal_nocase(mapped_name, str_from(name)));
    struct selected *item = selection_add(out, err);
    if (!item)
        return err->status;
    bool named = series_names_set(&item->names, job->type, str_from(market), native_name,
                                  mapped_name.len > 0 ? mapped_name : native_name);
    if (ours && named) {
        item->want = select_want(c, job, 0, 0);
        return 0;
    }
    out->count--;
    struct ccd_error mixed_up = {0};
    error_set(&mixed_up, CCD_BAD_REPLY,
              "asked for %s %s, the vendor answered with " STR_FMT " " STR_FMT, market, name,
              STR_ARG(echo), STR_ARG(native_name));
    return selection_add_failed(out, market, name, &mixed_up, err);
}

static enum reply_verdict classify_probe(void *user, struct reply_decoder *decoder,
                                         const struct reply_input *input, struct ccd_error *err)
{
    struct batch *batch = user;
    batch_clear(batch);
    return reply_classify_candles(decoder, input, batch->capacity_rows, batch, err);
}

static int call(struct list_source *source, const struct checked_job *job, const char *market,
                const char *name, struct period_range window, struct batch *batch,
                enum reply_verdict *out_verdict, struct ccd_error *err)
{
    struct buf path;
    int status;
    if (source->no_calls)
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    buf_init(&path, PATH_MAX_BYTES, source->allocator);
    if (request_candles(&path, job->type, job->interval, str_from(market), str_from(name),
                        window) != 0)
        status = error_set(err, CCD_USAGE, "a name is too long for a request");
    else
        status = call_make(source->data_api, path.data, classify_probe, batch, out_verdict, err);
    buf_release(&path);
    return status;
}

/* Ask for one candle: the vendor's own answer decides whether it knows the name, and tells the
 * native id. */
static int probe(struct select_context *c, const struct checked_job *job, const char *market,
                 const char *name, struct selection *out, struct ccd_error *err)
{
    int64_t step_s = interval_infos[job->interval].step_s;
    int64_t end = job->to_utc_s < c->lists->now_utc_s ? job->to_utc_s : c->lists->now_utc_s;
    if (end < select_earliest_ts)
        end =
            c->lists
                ->now_utc_s; /* nothing was traded then: the name can be asked for today as well */
    struct period_range window = {time_floor(end, step_s) - step_s, time_floor(end, step_s)};
    struct batch batch = {0};
    enum reply_verdict verdict = REPLY_BAD_SERIES;
    int status = batch_init(&batch, job->type, STORE_ROWS_MAX, PROBE_TEXT_MAX_BYTES,
                            c->lists->allocator, err);
    if (status == 0)
        status = call(c->lists, job, market, name, window, &batch, &verdict, err);
    if (status != 0)
        goto out;
    if (verdict == REPLY_BAD_SERIES || batch.row_count == 0) {
        status = selection_add_unknown(out, market, name,
                                       verdict == REPLY_BAD_SERIES
                                           ? select_unknown_because(job, market)
                                           : "the vendor has no candles of it",
                                       err);
        goto out;
    }
    status = add_probed(c, job, market, name, &batch, out, err);
out:
    batch_release(&batch);
    return status;
}

/* Named instruments that no list has: known from an earlier run, or asked for. */
static int add_missing_names(struct select_context *c, const struct checked_job *job,
                             const char *market, const bool *found, struct selection *out,
                             struct ccd_error *err)
{
    for (size_t p = 0; p < job_pattern_count(job->job); p++) {
        const char *name = job_pattern(job->job, p);
        if (found[p] || name_is_glob(name))
            continue;
        struct series_names names;
        bool known = false;
        if (c->lists->store->ops->find_series(c->lists->store, job->type, str_from(market),
                                              str_from(name), &names, &known, err) != 0)
            return err->status;
        if (!known) {
            if (probe(c, job, market, name, out, err) != 0)
                return err->status;
            continue;
        }
        struct selected *item = selection_add(out, err);
        if (!item)
            return err->status;
        item->names = names;
        item->want = select_want(c, job, 0, 0);
    }
    return 0;
}

/* A market that is not to be had: the others go on without it. One that nobody named is left out
 * when the vendor lists it and has no instruments of it. */
static int leave_out(struct select_context *c, const struct checked_job *job, const char *market,
                     const struct ccd_error *why, struct selection *out, struct ccd_error *err)
{
    if (why->status != CCD_UNKNOWN_AT_VENDOR || select_names_market(c, job, market))
        return selection_add_failed(out, market, "*", why, err);
    log_warning(c->lists->log, NULL, "the vendor has no list of the instruments of %s", market);
    return 0;
}

/* The rows of a market; *out_why says why it has none. */
static int load_market(struct select_context *c, const struct checked_job *job, const char *market,
                       struct batch *rows, struct ccd_error *out_why, struct ccd_error *err)
{
    const struct list_name name = {rows->type, str_from(market)};
    bool is_known = true;
    int status = lists_rows(c->lists, &name, &(struct list_options){0}, rows, &is_known, err);
    if (status == CCD_BAD_REPLY || status == CCD_BAD_REQUEST) {
        /* One market without a usable list must not hold up the others; its names can be asked for
         * one by one. */
        log_warning(c->lists->log, NULL, "the instruments of %s: %s", market, err->message);
        *out_why = *err;
        error_clear(err);
        batch_clear(rows);
        return 0;
    }
    if (status == 0 && !is_known)
        error_set(out_why, CCD_UNKNOWN_AT_VENDOR, "%s", select_unknown_because(job, market));
    return status;
}

/* is_only: with one market a name is meant for it, with several it is looked for in each. */
static int select_market(struct select_context *c, const struct checked_job *job,
                         const struct market_rows *m, bool is_only, struct batch *rows,
                         struct selection *out, struct ccd_error *err)
{
    struct ccd_error why = {0};
    int status = load_market(c, job, m->market, rows, &why, err);
    if (status == 0 && why.status == CCD_OK)
        status = add_rows(c, job, m, out, err);
    size_t before = out->count;
    if (status == 0 && is_only)
        status = add_missing_names(c, job, m->market, m->found, out, err);
    if (status == 0 && why.status != CCD_OK && out->count == before)
        status = leave_out(c, job, m->market, &why, out, err);
    return status;
}

/* found: per pattern, in any market. */
static int select_all_markets(struct select_context *c, const struct checked_job *job,
                              const struct name_list *markets, const struct pair_filter *filter,
                              bool *found, struct selection *out, struct ccd_error *err)
{
    const struct data_type *catalogue = data_type_find(str_from(job->type->catalogue));
    struct batch rows = {0};
    struct market_rows m = {
        .market = markets->text.data,
        .rows = &rows,
        .columns = find_columns(catalogue, job->type),
        .filter = filter,
        .found = found,
    };
    int status = batch_init(&rows, catalogue, 1, LIST_TEXT_MAX_BYTES, c->lists->allocator, err);
    for (size_t i = 0; i < markets->count && status == 0; i++, m.market += strlen(m.market) + 1)
        status = select_market(c, job, &m, markets->count == 1, &rows, out, err);
    batch_release(&rows);
    return status;
}

static int add_not_found(const struct checked_job *job, const bool *found, struct selection *out,
                         struct ccd_error *err)
{
    int status = 0;
    for (size_t p = 0; p < job_pattern_count(job->job) && status == 0; p++)
        if (!found[p] && !name_is_glob(job_pattern(job->job, p)))
            status = selection_add_unknown(out, "*", job_pattern(job->job, p),
                                           select_unknown_because(job, "*"), err);
    return status;
}

int select_from_catalogues(struct select_context *c, const struct checked_job *job,
                           struct selection *out, struct ccd_error *err)
{
    struct name_list markets;
    struct pair_filter filter = {0};
    bool is_spot = select_is_spot(job);
    bool *found = mem_new(c->lists->allocator, job_pattern_count(job->job) + 1, sizeof(*found));
    name_list_init(&markets, c->lists->allocator);
    int status = found ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for a selection");
    if (status == 0)
        status = select_markets(c, job, &markets, out, err);
    if (status == 0 && is_spot)
        status = pair_filter_init(&filter, c, job, err);
    if (status == 0)
        status = select_all_markets(c, job, &markets, is_spot ? &filter : NULL, found, out, err);
    if (status == 0 && markets.count != 1)
        status = add_not_found(job, found, out, err);
    mem_free(c->lists->allocator, found);
    pair_filter_release(&filter);
    name_list_release(&markets);
    return status;
}
