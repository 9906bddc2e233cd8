#include "api/select_parts.h"

#include <string.h>

const char *select_unknown_because(const struct checked_job *job, const char *market)
{
    if (str_equal_nocase(str_from(market), STR("cccagg")))
        return "unknown at the vendor: CCCAGG is no market here, the index that follows it is "
               "cadli: ccdata indices_ohlcv --market cadli";
    if (select_is_spot(job))
        return "unknown at the vendor: markets are called like kraken, pairs like BTC-USD";
    return "unknown at the vendor: markets are called like binance, perpetuals like "
           "BTC-USDT-VANILLA-PERPETUAL";
}

/* ---- the names that a job, or the configuration in its place, has ---- */

static bool is_configured(const struct select_context *c, const struct checked_job *job)
{
    const struct ccd_job *j = job->job;
    return !j->market && j->exchange_count == 0 && !select_is_spot(job) &&
           c->futures_exchange_count > 0;
}

static size_t count_given(const struct select_context *c, const struct checked_job *job)
{
    if (job->job->market)
        return 1;
    return is_configured(c, job) ? c->futures_exchange_count : job->job->exchange_count;
}

/* False: the name is too long for a market. */
static bool copy_given(const struct select_context *c, const struct checked_job *job, size_t i,
                       char out[MARKET_MAX_BYTES])
{
    struct str name = job->job->market        ? str_from(job->job->market)
                      : is_configured(c, job) ? c->futures_exchanges[i]
                                              : str_from(job->job->exchanges[i]);
    return str_copy(out, MARKET_MAX_BYTES, name);
}

bool select_names_market(const struct select_context *c, const struct checked_job *job,
                         const char *market)
{
    char name[MARKET_MAX_BYTES];
    for (size_t i = 0; i < count_given(c, job); i++)
        if (copy_given(c, job, i, name) && str_equal_nocase(str_from(name), str_from(market)))
            return true;
    return false;
}

/* ---- which of the vendor's they are ---- */

struct market_choice {
    struct select_context *c;
    const struct checked_job *job;
    bool needs_vendor; /* its list is needed for globs, for all, or because grades are */
    bool by_grade;
    struct name_list vendor, graded;
    struct name_list *markets;
    struct selection *unknown;
};

static bool is_good(const struct market_choice *m, struct str market)
{
    return !m->by_grade || name_list_has_nocase(&m->graded, market);
}

/* A market that is named must be there; without the vendor's list that turns out later. */
static int add_named(struct market_choice *m, const char *market, struct ccd_error *err)
{
    struct str name = str_from(market);
    if (m->by_grade && !name_list_has_nocase(&m->vendor, name))
        return selection_add_unknown(m->unknown, market, "*",
                                     select_unknown_because(m->job, market), err);
    if (is_good(m, name))
        return name_list_add_market(m->markets, name, err);
    log_warning(m->c->lists->log, NULL,
                "%s is left out: it is not graded %s or better (--min_grade)", market,
                m->job->job->min_grade ? m->job->job->min_grade : SELECT_GRADE_DEFAULT);
    return 0;
}

static int add_matching(struct market_choice *m, const char *pattern, struct ccd_error *err)
{
    const char *name = m->vendor.text.data;
    int status = 0;
    for (size_t i = 0; i < m->vendor.count && status == 0; i++, name += strlen(name) + 1)
        if (str_glob(str_from(pattern), str_from(name)) && is_good(m, str_from(name)))
            status = name_list_add_market(m->markets, str_from(name), err);
    return status;
}

static int add_given(struct market_choice *m, size_t i, struct ccd_error *err)
{
    char name[MARKET_MAX_BYTES] = "";
    if (!copy_given(m->c, m->job, i, name))
        return error_set(err, CCD_USAGE, "a market name has less than %d bytes", MARKET_MAX_BYTES);
    if (is_configured(m->c, m->job) && select_check_market(name, err) != 0)
        return error_prefix(err, "FUTURES_EXCHANGES");
    return name_is_glob(name) ? add_matching(m, name, err) : add_named(m, name, err);
}

static int load_lists(struct market_choice *m, struct ccd_error *err)
{
    int status = 0;
    if (m->by_grade)
        status = select_graded_markets(m->c, m->job, &m->graded, err);
    if (status == 0 && m->needs_vendor)
        status = lists_markets(m->c->lists, m->job->type, &m->vendor.text, &m->vendor.count, err);
    return status;
}

int select_markets(struct select_context *c, const struct checked_job *job,
                   struct name_list *markets, struct selection *unknown, struct ccd_error *err)
{
    char name[MARKET_MAX_BYTES];
    size_t count = count_given(c, job);
    struct market_choice m = {
        .c = c,
        .job = job,
        .by_grade = select_needs_grades(job),
        .markets = markets,
        .unknown = unknown,
    };
    m.needs_vendor = m.by_grade || count == 0;
    for (size_t i = 0; i < count; i++)
        m.needs_vendor |= copy_given(c, job, i, name) && name_is_glob(name);
    name_list_init(&m.vendor, c->lists->allocator);
    name_list_init(&m.graded, c->lists->allocator);
    int status = load_lists(&m, err);
    if (status == 0 && count == 0)
        status = add_matching(&m, "*", err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = add_given(&m, i, err);
    name_list_release(&m.vendor);
    name_list_release(&m.graded);
    return status;
}
