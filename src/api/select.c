#include "api/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "engine/plan.h"
#include "model/request.h"

enum {
    CATALOGUE_ROWS_MAX = 20000, /* the largest market lists some 2,000 (CONTRACT.md §3) */
    CATALOGUE_TEXT_MAX_BYTES = 16 << 20,
    PATH_MAX_BYTES = 4096,
    TOP_PAGE_MIN = 10,
    TOP_PAGE_MAX = 100,
    SPOT_PAIRS_DEFAULT = 100,
    TOP_ASSETS_DEFAULT = 50,
    SELECTION_MAX = 200000,
    NAMES_MAX = 20000, /* markets, or assets: the vendor has some hundred and some thousand */
};

/* Without a back-fill bound and without a known first trade: the first block of Bitcoin. */
static const int64_t earliest_ts = 1230940800;
/* A catalogue's time later than this after now is no time of a trade: milliseconds, or nonsense. */
static const int64_t catalogue_ahead_max_s = SECONDS_PER_DAY;

/* ---- the list being built ---- */

void selection_release(struct selection *s)
{
    mem_free(s->allocator, s->items);
    *s = (struct selection){0};
}

static struct selected *add(struct selection *s, struct ccd_error *err)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 64;
        struct selected *bigger = NULL;
        if (capacity <= SELECTION_MAX)
            bigger = mem_resize(s->allocator, s->items, capacity, sizeof(*bigger));
        if (!bigger) {
            error_set(err, CCD_NO_MEMORY, "no memory for a selection of %zu series", capacity);
            return NULL;
        }
        s->items = bigger;
        s->capacity = capacity;
    }
    struct selected *item = &s->items[s->count++];
    *item = (struct selected){0};
    return item;
}

static int add_failed(struct selection *s, const char *market, const char *instrument,
                      const struct ccd_error *why, struct ccd_error *err)
{
    struct selected *item = add(s, err);
    if (!item)
        return err->status;
    str_copy(item->names.market, sizeof(item->names.market), str_from(market));
    str_copy(item->names.instrument, sizeof(item->names.instrument), str_from(instrument));
    str_copy(item->names.mapped_instrument, sizeof(item->names.mapped_instrument),
             str_from(instrument));
    item->error = *why;
    return 0;
}

static int add_unknown(struct selection *s, const char *market, const char *instrument,
                       struct ccd_error *err, const char *why)
{
    struct ccd_error unknown = {0};
    error_set(&unknown, CCD_UNKNOWN_AT_VENDOR, "%s", why);
    return add_failed(s, market, instrument, &unknown, err);
}

/* ---- names that a job gives ---- */

static bool is_glob(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

static bool match_one(const char *pattern, struct str name)
{
    return is_glob(pattern) ? str_glob(str_from(pattern), name)
                            : str_equal_nocase(str_from(pattern), name);
}

/* Number of instrument patterns, and the i-th. */
static size_t pattern_count(const struct ccd_job *job)
{
    return job->instrument ? 1 : job->instrument_count;
}

static const char *pattern_at(const struct ccd_job *job, size_t i)
{
    return job->instrument ? job->instrument : job->instruments[i];
}

/* ---- metadata calls ---- */

/* What a call of one market's instruments fills. */
struct catalogue_reply {
    struct batch *batch;
    const char *market;
};

/* A list of another market (a mix-up between vendor and us) would give its ids to this one. */
static enum reply_verdict classify_catalogue(void *user, struct reply_decoder *decoder,
                                             const struct reply_input *input, struct ccd_error *err)
{
    const struct catalogue_reply *reply = user;
    struct batch *batch = reply->batch;
    batch_clear(batch);
    enum reply_verdict verdict = reply_classify_catalogue(decoder, input, batch, err);
    int column = data_type_column(batch->type, STR("market"));
    for (size_t row = 0; verdict == REPLY_PAGE && row < batch->row_count; row++) {
        struct str market = batch_text(batch, row, (size_t)column);
        if (str_equal_nocase(market, str_from(reply->market)))
            continue;
        error_set(err, CCD_BAD_REPLY, "the list is of market " STR_FMT ", not of %s",
                  STR_ARG(market), reply->market);
        verdict = REPLY_RETRY;
    }
    if (verdict != REPLY_PAGE)
        batch_clear(batch);
    return verdict;
}

/* Each name once: a list that moves between its pages repeats some, and so do globs that overlap.
 */
struct name_list {
    struct buf text; /* names, each with its NUL */
    size_t count;
    int64_t total;
};

static bool has_name(const struct name_list *list, struct str name)
{
    const char *have = list->text.data;
    for (size_t i = 0; i < list->count; i++, have += strlen(have) + 1)
        if (str_equal(str_from(have), name))
            return true;
    return false;
}

static int add_name(void *user, struct str name)
{
    struct name_list *list = user;
    if (has_name(list, name))
        return 0;
    if (list->count == NAMES_MAX)
        return -1;
    if (buf_add(&list->text, name.ptr, name.len) != 0 || buf_add_char(&list->text, '\0') != 0)
        return -1;
    list->count++;
    return 0;
}

static enum reply_verdict classify_names(void *user, struct reply_decoder *decoder,
                                         const struct reply_input *input, struct ccd_error *err)
{
    struct name_list *list = user;
    return reply_classify_names(decoder, input, add_name, list, &list->total, err);
}

static enum reply_verdict classify_probe(void *user, struct reply_decoder *decoder,
                                         const struct reply_input *input, struct ccd_error *err)
{
    struct batch *batch = user;
    batch_clear(batch);
    return reply_classify_candles(decoder, input, batch->capacity_rows, batch, err);
}

/* `path` was filled by a request_* function whose status is `built`. */
static int call(struct select_context *c, int built, struct buf *path, call_classify *classify,
                void *user, enum reply_verdict *out_verdict, struct ccd_error *err)
{
    if (c->no_calls)
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    if (built != 0)
        return error_set(err, CCD_USAGE, "a name is too long for a request");
    return call_make(c->caller, path->data, classify, user, out_verdict, err);
}

/* A list that everything hangs on: the vendor saying that there is none is an error, not an empty
 * list. */
static int call_list(struct select_context *c, int built, struct buf *path, struct name_list *list,
                     struct ccd_error *err)
{
    enum reply_verdict verdict = REPLY_PAGE;
    int status = call(c, built, path, classify_names, list, &verdict, err);
    if (status != 0 || verdict == REPLY_PAGE)
        return status;
    if (err->status == CCD_OK)
        error_set(err, CCD_BAD_REPLY, "no list in the reply");
    return error_prefix(err, "%s", path->data);
}

/* ---- the catalogue of one market ---- */

static bool is_fresh(const struct select_context *c, const struct data_type *type,
                     int64_t asked_utc_s)
{
    return asked_utc_s > 0 && asked_utc_s + type->cache_lifetime_s > c->now_utc_s;
}

/* What the vendor's list has lost since the last time is asked for all the same, as it is when the
 * list comes from the store: a list that was short one day must not end a series. */
static int keep_vanished(struct select_context *c, const struct data_type *type, struct str market,
                         struct batch *batch, struct ccd_error *err)
{
    const struct store_ops *ops = c->store->ops;
    int64_t asked_utc_s = 0;
    size_t rows = 0;
    if (ops->load_catalogue(c->store, type, market, NULL, &rows, &asked_utc_s, err) != 0)
        return err->status;
    if (rows <= batch->row_count || rows > batch->capacity_rows)
        return 0;
    log_warning(c->log, NULL, "the vendor's list of " STR_FMT " lacks %zu instruments that it had",
                STR_ARG(market), rows - batch->row_count);
    batch_clear(batch);
    return ops->load_catalogue(c->store, type, market, batch, &rows, &asked_utc_s, err);
}

/* Rows of a market's instruments, from the store when fresh, else from the vendor. *out_known
 * false: no such market. */
static int load_market(struct select_context *c, const struct data_type *type, const char *market,
                       struct batch *batch, bool *out_known, struct ccd_error *err)
{
    const struct store_ops *ops = c->store->ops;
    struct str name = str_from(market);
    int64_t asked_utc_s = 0;
    size_t rows = 0;
    *out_known = true;
    batch_clear(batch);
    if (ops->load_catalogue(c->store, type, name, NULL, &rows, &asked_utc_s, err) != 0)
        return err->status;
    if (is_fresh(c, type, asked_utc_s) && rows <= batch->capacity_rows)
        return ops->load_catalogue(c->store, type, name, batch, &rows, &asked_utc_s, err);

    struct buf path;
    enum reply_verdict verdict = REPLY_PAGE;
    buf_init(&path, PATH_MAX_BYTES, c->allocator);
    struct catalogue_reply reply = {batch, market};
    int status = call(c, request_catalogue(&path, type, name), &path, classify_catalogue, &reply,
                      &verdict, err);
    buf_release(&path);
    if (status != 0)
        return status;
    *out_known = verdict == REPLY_PAGE;
    struct store_catalogue_counts counts;
    if (!*out_known || c->read_only)
        return 0;
    status = ops->put_catalogue(c->store, type, name, batch, c->now_utc_s, &counts, err);
    return status == 0 ? keep_vanished(c, type, name, batch, err) : status;
}

/* The columns of a catalogue that a selection reads. */
struct catalogue_columns {
    int mapped, native, status, first, last, has, rank;
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
        .rank = column_or_none(catalogue, type->rank_column),
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

/* The range that a job wants of a series. */
static struct period_range want_of(const struct select_context *c, const struct checked_job *job,
                                   int64_t first_ts, int64_t end_ts)
{
    int64_t step_s = interval_infos[job->interval].step_s;
    int64_t now = c->now_utc_s;
    int64_t from = job->from_utc_s;
    if (from == INT64_MIN)
        from = c->backfill_days > 0 ? now - c->backfill_days * SECONDS_PER_DAY : earliest_ts;
    if (first_ts > 0 && time_floor(first_ts, step_s) > from)
        from = time_floor(first_ts, step_s);
    int64_t to = job->to_utc_s;
    if (end_ts > 0 && time_floor(end_ts, step_s) + step_s < to)
        to = time_floor(end_ts, step_s) + step_s;
    /* A range that begins in the middle of a period leaves that period out, but for the back-fill
     * bound, which is a distance and not a moment somebody named. */
    if (job->from_utc_s == INT64_MIN)
        from = time_floor(from, step_s);
    if (from < step_s) /* a record with the time 0 is refused: it says nothing */
        from = step_s;
    return plan_closed((struct period_range){from, to}, step_s, now);
}

/* A time of a trade as the catalogue gives it; 0 = unknown. One that cannot be true must not take
 * periods away. */
static int64_t trade_ts(const struct select_context *c, const struct batch *b, size_t row,
                        int column)
{
    int64_t ts = number_at(b, row, column);
    return ts > 0 && ts <= c->now_utc_s + catalogue_ahead_max_s ? ts : 0;
}

static int add_row(struct select_context *c, const struct checked_job *job, const char *market,
                   const struct batch *b, size_t row, const struct catalogue_columns *columns,
                   struct selection *out, struct ccd_error *err)
{
    struct str native = batch_text(b, row, (size_t)columns->native);
    struct str mapped = batch_text(b, row, (size_t)columns->mapped);
    struct str status = batch_text(b, row, (size_t)columns->status);
    struct selected *item = add(out, err);
    if (!item)
        return err->status;
    if (!series_names_set(&item->names, job->type, str_from(market), native,
                          mapped.len > 0 ? mapped : native)) {
        out->count--;
        log_warning(c->log, NULL, "%s: an instrument with an impossible name is left out", market);
        return 0;
    }
    item->first_ts = trade_ts(c, b, row, columns->first);
    item->last_ts = trade_ts(c, b, row, columns->last);
    if (item->last_ts < item->first_ts)
        item->last_ts = 0;
    item->rank = number_at(b, row, columns->rank);
    bool ended = !str_equal(status, STR("ACTIVE"));
    item->want = want_of(c, job, item->first_ts, ended ? item->last_ts : 0);
    return 0;
}

static bool row_matches(const struct ccd_job *job, const struct batch *b, size_t row,
                        const struct catalogue_columns *columns, size_t pattern)
{
    const char *text = pattern_at(job, pattern);
    return match_one(text, batch_text(b, row, (size_t)columns->mapped)) ||
           match_one(text, batch_text(b, row, (size_t)columns->native));
}

/* Rows that the job's patterns name; a plain name counts whatever its status, a glob and "all" only
 * rows that have data of this type and a wanted status. */
static int add_rows(struct select_context *c, const struct checked_job *job, const char *market,
                    const struct batch *b, const struct catalogue_columns *columns,
                    struct selection *out, bool *found, struct ccd_error *err)
{
    size_t patterns = pattern_count(job->job);
    for (size_t row = 0; row < b->row_count; row++) {
        bool named = false;
        bool listed = patterns == 0;
        for (size_t p = 0; p < patterns; p++) {
            if (!row_matches(job->job, b, row, columns, p))
                continue;
            bool glob = is_glob(pattern_at(job->job, p));
            named |= !glob;
            listed |= glob;
            found[p] = true;
        }
        bool has_data = columns->has < 0 || number_at(b, row, columns->has) != 0;
        bool wanted = status_wanted(c, job->type, batch_text(b, row, (size_t)columns->status));
        if (!named && !(listed && has_data && wanted))
            continue;
        if (add_row(c, job, market, b, row, columns, out, err) != 0)
            return err->status;
    }
    return 0;
}

/* ---- a name that the catalogue lacks ---- */

/* What is said of a name that the vendor does not know: what its own names look like. */
static const char *unknown_because(const struct checked_job *job, const char *market)
{
    if (str_equal_nocase(str_from(market), STR("cccagg")))
        return "unknown at the vendor: CCCAGG is no market here, the index that follows it is "
               "cadli: ccdata indices_ohlcv --market cadli";
    if (strcmp(job->type->name, "spot_ohlcv") == 0)
        return "unknown at the vendor: markets are called like kraken, pairs like BTC-USD";
    return "unknown at the vendor: markets are called like binance, perpetuals like "
           "BTC-USDT-VANILLA-PERPETUAL";
}

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
    struct selected *item = add(out, err);
    if (!item)
        return err->status;
    bool named = series_names_set(&item->names, job->type, str_from(market), native_name,
                                  mapped_name.len > 0 ? mapped_name : native_name);
    if (ours && named) {
        item->want = want_of(c, job, 0, 0);
        return 0;
    }
    out->count--;
    struct ccd_error mixed_up = {0};
    error_set(&mixed_up, CCD_BAD_REPLY,
              "asked for %s %s, the vendor answered with " STR_FMT " " STR_FMT, market, name,
              STR_ARG(echo), STR_ARG(native_name));
    return add_failed(out, market, name, &mixed_up, err);
}

/* Ask for one candle: the vendor's own answer decides whether it knows the name, and tells the
 * native id. */
static int probe(struct select_context *c, const struct checked_job *job, const char *market,
                 const char *name, struct selection *out, struct ccd_error *err)
{
    int64_t step_s = interval_infos[job->interval].step_s;
    int64_t end = job->to_utc_s < c->now_utc_s ? job->to_utc_s : c->now_utc_s;
    if (end < earliest_ts)
        end = c->now_utc_s; /* nothing was traded then: the name can be asked for today as well */
    struct period_range window = {time_floor(end, step_s) - step_s, time_floor(end, step_s)};
    struct batch batch = {0};
    struct buf path;
    enum reply_verdict verdict = REPLY_BAD_SERIES;
    buf_init(&path, PATH_MAX_BYTES, c->allocator);
    int status = batch_init(&batch, job->type, STORE_ROWS_MAX, 1 << 20, c->allocator, err);
    if (status == 0)
        status = call(c,
                      request_candles(&path, job->type, job->interval, str_from(market),
                                      str_from(name), window),
                      &path, classify_probe, &batch, &verdict, err);
    if (status != 0)
        goto out;
    if (verdict == REPLY_BAD_SERIES || batch.row_count == 0) {
        status = add_unknown(out, market, name, err,
                             verdict == REPLY_BAD_SERIES ? unknown_because(job, market)
                                                         : "the vendor has no candles of it");
        goto out;
    }
    status = add_probed(c, job, market, name, &batch, out, err);
out:
    buf_release(&path);
    batch_release(&batch);
    return status;
}

/* Named instruments that no list has: known from an earlier run, or asked for. */
static int add_missing_names(struct select_context *c, const struct checked_job *job,
                             const char *market, const bool *found, struct selection *out,
                             struct ccd_error *err)
{
    for (size_t p = 0; p < pattern_count(job->job); p++) {
        const char *name = pattern_at(job->job, p);
        if (found[p] || is_glob(name))
            continue;
        struct series_names names;
        bool known = false;
        if (c->store->ops->find_series(c->store, job->type, str_from(market), str_from(name),
                                       &names, &known, err) != 0)
            return err->status;
        if (!known) {
            if (probe(c, job, market, name, out, err) != 0)
                return err->status;
            continue;
        }
        struct selected *item = add(out, err);
        if (!item)
            return err->status;
        item->names = names;
        item->want = want_of(c, job, 0, 0);
    }
    return 0;
}

static int select_market(struct select_context *c, const struct checked_job *job,
                         const char *market, bool named_market, struct batch *batch,
                         bool *found_anywhere, struct selection *out, struct ccd_error *err)
{
    const struct data_type *catalogue = data_type_find(str_from(job->type->catalogue));
    struct catalogue_columns columns = find_columns(catalogue, job->type);
    size_t patterns = pattern_count(job->job);
    bool known = false;
    bool *found = mem_new(c->allocator, patterns + 1, sizeof(*found));
    if (!found)
        return error_set(err, CCD_NO_MEMORY, "no memory for a selection");
    struct ccd_error why = {0};
    error_set(&why, CCD_UNKNOWN_AT_VENDOR, "%s", unknown_because(job, market));
    int status = load_market(c, catalogue, market, batch, &known, err);
    if (status == CCD_BAD_REPLY || status == CCD_BAD_REQUEST) {
        /* One market without a usable list must not hold up the others; its names can be asked for
         * one by one. */
        log_warning(c->log, NULL, "the instruments of %s: %s", market, err->message);
        why = *err;
        known = false;
        status = 0;
    }
    if (status == 0 && known)
        status = add_rows(c, job, market, batch, &columns, out, found, err);
    size_t before = out->count;
    if (status == 0 && named_market)
        status = add_missing_names(c, job, market, found, out, err);
    if (status == 0 && !known && out->count == before)
        status = add_failed(out, market, "*", &why, err);
    for (size_t p = 0; p < patterns; p++)
        found_anywhere[p] |= found[p] || named_market;
    mem_free(c->allocator, found);
    return status;
}

/* ---- the markets of a job ---- */

static int vendor_markets(struct select_context *c, const struct data_type *type,
                          struct name_list *list, struct ccd_error *err)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES, c->allocator);
    int status = call_list(c, request_markets(&path, type), &path, list, err);
    buf_release(&path);
    return status;
}

/* Names of list that match the pattern are appended to markets. */
static int add_matching(struct name_list *markets, const struct name_list *list,
                        const char *pattern, struct ccd_error *err)
{
    const char *name = list->text.data;
    for (size_t i = 0; i < list->count; i++, name += strlen(name) + 1)
        if (str_glob(str_from(pattern), str_from(name)) && add_name(markets, str_from(name)) != 0)
            return error_set(err, CCD_NO_MEMORY, "no room for a list of markets");
    return 0;
}

static int add_plain(struct name_list *markets, struct str name, struct ccd_error *err)
{
    char lower[MARKET_MAX_BYTES];
    if (!str_copy(lower, sizeof(lower), name))
        return error_set(err, CCD_USAGE, "a market name is too long");
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a'); /* the vendor's market ids are lower case */
    if (add_name(markets, str_from(lower)) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of markets");
    return 0;
}

static int list_markets(struct select_context *c, const struct checked_job *job,
                        struct name_list *markets, struct ccd_error *err)
{
    const struct ccd_job *j = job->job;
    struct name_list all = {0};
    int status = 0;
    if (j->market)
        return add_plain(markets, str_from(j->market), err);
    bool futures = strcmp(job->type->catalogue, "futures_instruments") == 0;
    if (j->exchange_count == 0 && futures && c->futures_exchange_count > 0) {
        for (size_t i = 0; i < c->futures_exchange_count && status == 0; i++)
            status = add_plain(markets, c->futures_exchanges[i], err);
        return status;
    }
    bool ask = j->exchange_count == 0;
    for (size_t i = 0; i < j->exchange_count; i++)
        ask |= is_glob(j->exchanges[i]);
    buf_init(&all.text, 1 << 20, c->allocator);
    if (ask)
        status = vendor_markets(c, job->type, &all, err);
    if (status == 0 && j->exchange_count == 0)
        status = add_matching(markets, &all, "*", err);
    for (size_t i = 0; i < j->exchange_count && status == 0; i++)
        status = is_glob(j->exchanges[i]) ? add_matching(markets, &all, j->exchanges[i], err)
                                          : add_plain(markets, str_from(j->exchanges[i]), err);
    buf_release(&all.text);
    return status;
}

/* ---- order and cut ---- */

static int by_rank(const void *a, const void *b)
{
    const struct selected *x = a, *y = b;
    bool x_failed = x->error.status != CCD_OK, y_failed = y->error.status != CCD_OK;
    if (x_failed != y_failed)
        return x_failed ? -1 : 1; /* what was named and is unknown is never cut */
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    int market = strcmp(x->names.market, y->names.market);
    return market != 0 ? market : strcmp(x->names.instrument, y->names.instrument);
}

/* Spot pairs by lifetime trades, cut at the limit; a named market or instrument switches the
 * default cut off. */
static void rank_pairs(const struct checked_job *job, struct selection *s)
{
    const struct ccd_job *j = job->job;
    if (strcmp(job->type->name, "spot_ohlcv") != 0)
        return;
    bool named = j->market || j->instrument || j->instrument_count > 0;
    if ((named && j->pair_limit < 0) || s->count == 0)
        return;
    size_t limit = j->pair_limit > 0 ? (size_t)j->pair_limit : SPOT_PAIRS_DEFAULT;
    qsort(s->items, s->count, sizeof(*s->items), by_rank);
    size_t failed = 0; /* they stand in front, and are no pairs */
    while (failed < s->count && s->items[failed].error.status != CCD_OK)
        failed++;
    if (s->count - failed > limit)
        s->count = failed + limit;
}

static int select_from_catalogues(struct select_context *c, const struct checked_job *job,
                                  struct selection *out, struct ccd_error *err)
{
    struct name_list markets = {0};
    struct batch batch = {0};
    size_t patterns = pattern_count(job->job);
    bool *found = mem_new(c->allocator, patterns + 1, sizeof(*found));
    buf_init(&markets.text, 1 << 20, c->allocator);
    int status = found ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for a selection");
    if (status == 0)
        status = list_markets(c, job, &markets, err);
    if (status == 0)
        status = batch_init(&batch, data_type_find(str_from(job->type->catalogue)),
                            CATALOGUE_ROWS_MAX, CATALOGUE_TEXT_MAX_BYTES, c->allocator, err);
    const char *market = markets.text.data;
    /* With one market a name is meant for it; with several, a name is looked for in each. */
    bool named_market = markets.count == 1;
    for (size_t i = 0; i < markets.count && status == 0; i++, market += strlen(market) + 1)
        status = select_market(c, job, market, named_market, &batch, found, out, err);
    for (size_t p = 0; p < patterns && status == 0; p++)
        if (!found[p] && !is_glob(pattern_at(job->job, p)))
            status = add_unknown(out, "*", pattern_at(job->job, p), err, unknown_because(job, "*"));
    mem_free(c->allocator, found);
    buf_release(&markets.text);
    batch_release(&batch);
    return status;
}

/* ---- indices ---- */

static int add_index(struct select_context *c, const struct checked_job *job, const char *market,
                     struct str instrument, bool optional, struct selection *out,
                     struct ccd_error *err)
{
    struct selected *item = add(out, err);
    if (!item)
        return err->status;
    if (!series_names_set(&item->names, job->type, str_from(market), instrument, instrument)) {
        out->count--;
        if (!optional)
            return error_set(err, CCD_USAGE, "an index instrument is called like BTC-USD");
        log_warning(c->log, NULL, "an asset with an impossible symbol is left out");
        return 0;
    }
    item->optional = optional;
    item->want = want_of(c, job, 0, 0);
    return 0;
}

static int top_assets(struct select_context *c, int64_t limit, struct name_list *list,
                      struct ccd_error *err)
{
    int page_size = (int)(limit < TOP_PAGE_MIN   ? TOP_PAGE_MIN
                          : limit > TOP_PAGE_MAX ? TOP_PAGE_MAX
                                                 : limit);
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES, c->allocator);
    int status = 0;
    list->total = INT64_MAX;
    for (int page = 1; status == 0; page++) {
        size_t before = list->count;
        buf_clear(&path);
        status = call_list(c, request_top_assets(&path, page, page_size), &path, list, err);
        bool last = list->count == before || (int64_t)page * page_size >= list->total;
        if (last || (int64_t)list->count >= limit)
            break;
    }
    buf_release(&path);
    return status;
}

static int select_top_indices(struct select_context *c, const struct checked_job *job,
                              const char *market, struct selection *out, struct ccd_error *err)
{
    int64_t limit = job->job->asset_limit > 0 ? job->job->asset_limit : TOP_ASSETS_DEFAULT;
    struct name_list list = {0};
    char instrument[INSTRUMENT_MAX_BYTES];
    buf_init(&list.text, 4 << 20, c->allocator);
    int status = top_assets(c, limit, &list, err);
    const char *symbol = list.text.data;
    int64_t taken = 0;
    for (size_t i = 0; i < list.count && taken < limit && status == 0;
         i++, symbol += strlen(symbol) + 1) {
        if (!str_print(instrument, sizeof(instrument), "%s-USD", symbol))
            continue;
        status = add_index(c, job, market, str_from(instrument), true, out, err);
        taken++;
    }
    buf_release(&list.text);
    return status;
}

static int select_indices(struct select_context *c, const struct checked_job *job,
                          struct selection *out, struct ccd_error *err)
{
    const char *market = job->job->market ? job->job->market : "cadli";
    size_t patterns = pattern_count(job->job);
    if (job->job->exchange_count > 0)
        return error_set(err, CCD_USAGE,
                         "an index has no exchanges: name its family with --market cadli");
    if (patterns == 0)
        return select_top_indices(c, job, market, out, err);
    for (size_t p = 0; p < patterns; p++) {
        const char *name = pattern_at(job->job, p);
        if (is_glob(name))
            return error_set(err, CCD_USAGE,
                             "%s: index instruments are named in full, like BTC-USD", name);
        if (add_index(c, job, market, str_from(name), false, out, err) != 0)
            return err->status;
    }
    return 0;
}

/* ---- the whole ---- */

struct place {
    int64_t series_id;
    size_t index;
};

static int by_series(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->series_id != y->series_id)
        return x->series_id < y->series_id ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* A series that was named twice, or that a catalogue lists under two names, is fetched once. */
static int drop_doubles(const struct select_context *c, struct selection *s, struct ccd_error *err)
{
    struct place *places = mem_new(c->allocator, s->count + 1, sizeof(*places));
    bool *drop = mem_new(c->allocator, s->count + 1, sizeof(*drop));
    if (!places || !drop) {
        mem_free(c->allocator, places);
        mem_free(c->allocator, drop);
        return error_set(err, CCD_NO_MEMORY, "no memory for a selection of %zu series", s->count);
    }
    size_t known = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].error.status == CCD_OK)
            places[known++] = (struct place){s->items[i].names.series_id, i};
    qsort(places, known, sizeof(*places), by_series);
    for (size_t i = 1; i < known; i++)
        drop[places[i].index] = places[i].series_id == places[i - 1].series_id;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++)
        if (!drop[i])
            s->items[kept++] = s->items[i];
    s->count = kept;
    mem_free(c->allocator, places);
    mem_free(c->allocator, drop);
    return 0;
}

/* A run that found nothing to do must not look like one that had nothing left to do. */
static int refuse_nothing(const struct checked_job *job, struct selection *out,
                          struct ccd_error *err)
{
    const struct ccd_job *j = job->job;
    const char *market = j->market ? j->market : j->exchange_count > 0 ? j->exchanges[0] : "*";
    const char *instrument = pattern_count(j) > 0 ? pattern_at(j, 0) : "*";
    return add_unknown(out, market, instrument, err,
                       "nothing at the vendor matches: no instrument of these names has data of "
                       "this type");
}

int select_series(struct select_context *c, const struct checked_job *job, struct selection *out,
                  struct ccd_error *err)
{
    *out = (struct selection){.allocator = c->allocator};
    int status = job->type->catalogue ? select_from_catalogues(c, job, out, err)
                                      : select_indices(c, job, out, err);
    if (status == 0)
        status = drop_doubles(c, out, err);
    if (status == 0)
        rank_pairs(job, out);
    if (status == 0 && out->count == 0)
        status = refuse_nothing(job, out, err);
    if (status != 0)
        selection_release(out);
    return status;
}
