/* The words of a job, checked before anything is opened or asked. */
#include <string.h>

#include "api/select_parts.h"
#include "base/time.h"

/* The vendor's benchmark, best first. */
static const char *const grades[] = {"AA", "A", "BB", "B", "C", "D", "E", "F"};
enum { GRADE_COUNT = sizeof(grades) / sizeof(*grades) };

const char *ccd_grade_at(size_t index)
{
    return index < GRADE_COUNT ? grades[index] : NULL;
}

size_t select_grade(struct str grade)
{
    size_t place = 0;
    while (place < GRADE_COUNT && !str_equal_nocase(grade, str_from(grades[place])))
        place++;
    return place;
}

/* What people call a market, and what the vendor calls it (CONTRACT.md §3). */
static const struct {
    const char *wrong;
    const char *right;
} market_misspellings[] = {
    {"okx", "okex"},       {"huobi", "huobipro"},          {"gate", "gateio"},
    {"dydx", "dydxv4"},    {"crypto.com", "cryptodotcom"}, {"htx", "huobipro"},
    {"gate.io", "gateio"}, {"coinbasepro", "coinbase"},
};

int select_check_market(const char *market, struct ccd_error *err)
{
    struct str given = str_from(market);
    for (size_t i = 0; i < sizeof(market_misspellings) / sizeof(*market_misspellings); i++)
        if (str_equal_nocase(given, str_from(market_misspellings[i].wrong)))
            return error_set(err, CCD_USAGE, "no market \"%s\": the vendor calls it %s", market,
                             market_misspellings[i].right);
    if (given.len == 0 || given.len >= MARKET_MAX_BYTES || !str_is_utf8(given))
        return error_set(err, CCD_USAGE, "a market name has 1 to %d bytes of UTF-8 text",
                         MARKET_MAX_BYTES - 1);
    for (size_t i = 0; i < given.len; i++)
        if ((unsigned char)given.ptr[i] <= ' ' || given.ptr[i] == 0x7f)
            return error_set(err, CCD_USAGE,
                             "the market name \"%s\" has a space or a control character", market);
    return 0;
}

static int check_instrument(const char *instrument, struct ccd_error *err)
{
    struct str given = str_from(instrument);
    if (given.len == 0 || given.len >= INSTRUMENT_MAX_BYTES || !str_is_utf8(given))
        return error_set(err, CCD_USAGE, "an instrument name has 1 to %d bytes of UTF-8 text",
                         INSTRUMENT_MAX_BYTES - 1);
    for (size_t i = 0; i < given.len; i++)
        if ((unsigned char)given.ptr[i] < ' ' || given.ptr[i] == 0x7f)
            return error_set(err, CCD_USAGE, "an instrument name has a control character");
    return 0;
}

static int check_names(const struct ccd_job *job, struct ccd_error *err)
{
    int status = 0;
    if (job->market)
        status = select_check_market(job->market, err);
    if (status == 0 && job->instrument)
        status = check_instrument(job->instrument, err);
    for (size_t i = 0; i < job->exchange_count && status == 0; i++)
        status = select_check_market(job->exchanges[i], err);
    for (size_t i = 0; i < job->instrument_count && status == 0; i++)
        status = check_instrument(job->instruments[i], err);
    return status;
}

static int check_type(const struct ccd_job *job, struct checked_job *out, struct ccd_error *err)
{
    const char *nearest = NULL;
    out->type = job->data_type ? data_type_find(str_from(job->data_type)) : NULL;
    if (!out->type) {
        ccd_type_find(job->data_type ? job->data_type : "", &nearest);
        return error_set(err, CCD_USAGE, "no data type \"%s\": did you mean %s? See: ccdata types",
                         job->data_type ? job->data_type : "", nearest ? nearest : "spot_ohlcv");
    }
    const char *interval = job->interval ? job->interval : "1d";
    if (!interval_parse(str_from(interval), &out->interval))
        return error_set(err, CCD_USAGE, "no interval \"%s\": use 1d, 1h or 1m", interval);
    return 0;
}

static int check_range(const struct ccd_job *job, struct checked_job *out, struct ccd_error *err)
{
    bool date_only = false;
    out->from_utc_s = INT64_MIN;
    out->to_utc_s = INT64_MAX;
    if (job->from && !time_parse_iso(str_from(job->from), &out->from_utc_s, &date_only))
        return error_set(err, CCD_USAGE,
                         "\"%s\" is no date: write --from 2024-01-31 or 2024-01-31T12:00",
                         job->from);
    if (job->to && !time_parse_iso(str_from(job->to), &out->to_utc_s, &date_only))
        return error_set(err, CCD_USAGE,
                         "\"%s\" is no date: write --to 2024-01-31 or 2024-01-31T12:00", job->to);
    if (job->to && date_only)
        out->to_utc_s += SECONDS_PER_DAY; /* a date means the end of that day */
    if (job->from && job->to && out->from_utc_s >= out->to_utc_s)
        return error_set(err, CCD_USAGE, "--from %s is not before --to %s", job->from, job->to);
    return 0;
}

/* ---- what a type takes ---- */

enum job_word {
    WORD_ASSET_LIMIT,
    WORD_QUOTES,
    WORD_MIN_GRADE,
    WORD_EXCHANGE_TYPE,
    WORD_FULL_REFRESH,
    WORD_FORCE,
    WORD_RANGE,
    WORD_MARKETS,
    WORD_INSTRUMENTS,
    WORD_COUNT
};

static const struct {
    const char *name;
    int kinds;
    const char *takers;
} words[WORD_COUNT] = {
    [WORD_ASSET_LIMIT] = {"--asset_limit", JOB_SPOT | JOB_INDICES, "spot_ohlcv and indices_ohlcv"},
    [WORD_QUOTES] = {"--quotes", JOB_SPOT, "spot_ohlcv"},
    [WORD_MIN_GRADE] = {"--min_grade", JOB_SPOT, "spot_ohlcv"},
    [WORD_EXCHANGE_TYPE] = {"--exchange_type", JOB_EXCHANGES, "exchange_metadata"},
    [WORD_FULL_REFRESH] = {"--full_refresh", JOB_METADATA, "metadata"},
    [WORD_FORCE] = {"--force", JOB_METADATA, "metadata"},
    [WORD_RANGE] = {"--from or --to", JOB_CANDLES, "candles"},
    [WORD_MARKETS] = {"market and no --exchanges", JOB_CANDLES | JOB_INSTRUMENTS,
                      "candles and instruments"},
    [WORD_INSTRUMENTS] = {"--instruments", JOB_CANDLES, "candles"},
};

enum job_kind job_kind_of(const struct data_type *type)
{
    if (type->shape == SHAPE_CATALOGUE)
        return JOB_INSTRUMENTS;
    if (type->shape != SHAPE_CANDLES)
        return strcmp(type->name, "exchange_metadata") == 0 ? JOB_EXCHANGES : JOB_ASSETS;
    if (!type->catalogue)
        return JOB_INDICES;
    return strcmp(type->catalogue, "spot_instruments") == 0 ? JOB_SPOT : JOB_FUTURES;
}

static int check_words(const struct ccd_job *job, const struct data_type *type,
                       struct ccd_error *err)
{
    const bool given[WORD_COUNT] = {
        [WORD_ASSET_LIMIT] = job->asset_limit != -1,
        [WORD_QUOTES] = job->quote_count > 0,
        [WORD_MIN_GRADE] = job->min_grade != NULL,
        [WORD_EXCHANGE_TYPE] = job->exchange_type != NULL,
        [WORD_FULL_REFRESH] = job->full_refresh,
        [WORD_FORCE] = job->force,
        [WORD_RANGE] = job->from || job->to,
        [WORD_MARKETS] = job->market || job->exchange_count > 0,
        [WORD_INSTRUMENTS] = job->instrument || job->instrument_count > 0,
    };
    for (size_t i = 0; i < WORD_COUNT; i++)
        if (given[i] && !(words[i].kinds & job_kind_of(type)))
            return error_set(err, CCD_USAGE, "%s takes no %s: that is for %s", type->name,
                             words[i].name, words[i].takers);
    if (job->exchange_count > 0 && job_kind_of(type) == JOB_INDICES)
        return error_set(err, CCD_USAGE,
                         "an index has no exchanges: name its family with --market cadli");
    return 0;
}

/* ---- values ---- */

static int check_limit(const char *name, int64_t limit, struct ccd_error *err)
{
    if (limit == -1 || limit > 0)
        return 0;
    return error_set(err, CCD_USAGE, "%s %lld makes no sense: use 1 or more", name,
                     (long long)limit);
}

static int check_exchange_type(const char *given, struct ccd_error *err)
{
    if (!given)
        return 0;
    for (size_t i = 0; ccd_exchange_type_at(i); i++)
        if (strcmp(given, ccd_exchange_type_at(i)) == 0)
            return 0;
    return error_set(err, CCD_USAGE, "no exchange type \"%s\": use spot, futures or all", given);
}

static int check_choice(const struct ccd_job *job, struct ccd_error *err)
{
    int status = check_limit("--pair_limit", job->pair_limit, err);
    if (status == 0)
        status = check_limit("--asset_limit", job->asset_limit, err);
    for (size_t i = 0; i < job->quote_count && status == 0; i++)
        status = check_instrument(job->quotes[i], err);
    if (status == 0)
        status = check_exchange_type(job->exchange_type, err);
    if (status != 0)
        return status;
    if (job->min_grade && select_grade(str_from(job->min_grade)) == GRADE_COUNT)
        return error_set(err, CCD_USAGE,
                         "no grade \"%s\": the vendor's are AA, A, BB, B, C, D, E and F",
                         job->min_grade);
    if (job->market && job->exchange_count > 0)
        return error_set(err, CCD_USAGE, "name either one market or a list of exchanges, not both");
    if (job->instrument && job->instrument_count > 0)
        return error_set(err, CCD_USAGE, "name either one instrument or a list of them, not both");
    return 0;
}

int select_check(const struct ccd_job *job, struct checked_job *out, struct ccd_error *err)
{
    *out = (struct checked_job){.job = job};
    int status = check_type(job, out, err);
    if (status == 0)
        status = check_words(job, out->type, err);
    if (status == 0)
        status = check_range(job, out, err);
    if (status == 0)
        status = check_names(job, err);
    return status == 0 ? check_choice(job, err) : status;
}
