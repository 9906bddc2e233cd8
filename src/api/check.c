/* The words of a job, checked before anything is opened or asked. */
#include <string.h>

#include "api/select.h"
#include "base/time.h"

/* What people call a market, and what the vendor calls it (CONTRACT.md §3). */
static const struct {
    const char *wrong;
    const char *right;
} market_misspellings[] = {
    {"okx", "okex"},       {"huobi", "huobipro"},          {"gate", "gateio"},
    {"dydx", "dydxv4"},    {"crypto.com", "cryptodotcom"}, {"htx", "huobipro"},
    {"gate.io", "gateio"}, {"coinbasepro", "coinbase"},
};

static int check_market(const char *market, struct ccd_error *err)
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
        status = check_market(job->market, err);
    if (status == 0 && job->instrument)
        status = check_instrument(job->instrument, err);
    for (size_t i = 0; i < job->exchange_count && status == 0; i++)
        status = check_market(job->exchanges[i], err);
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
    if (out->type->shape != SHAPE_CANDLES)
        return error_set(err, CCD_USAGE, "%s has no candles to fetch; see: ccdata types",
                         out->type->name);
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

int select_check(const struct ccd_job *job, struct checked_job *out, struct ccd_error *err)
{
    *out = (struct checked_job){.job = job};
    int status = check_type(job, out, err);
    if (status == 0)
        status = check_range(job, out, err);
    if (status == 0)
        status = check_names(job, err);
    if (status != 0)
        return status;
    if (job->pair_limit < -1 || job->asset_limit < -1 || job->pair_limit == 0 ||
        job->asset_limit == 0)
        return error_set(err, CCD_USAGE, "a limit of %lld makes no sense: use 1 or more",
                         (long long)(job->pair_limit < 1 && job->pair_limit != -1
                                         ? job->pair_limit
                                         : job->asset_limit));
    if (job->asset_limit > 0 && out->type->catalogue)
        return error_set(err, CCD_USAGE,
                         "an asset limit narrows a ranking over all exchanges, which this version "
                         "does not make: leave --asset_limit away, or use --pair_limit");
    if (job->market && job->exchange_count > 0)
        return error_set(err, CCD_USAGE, "name either one market or a list of exchanges, not both");
    if (job->instrument && job->instrument_count > 0)
        return error_set(err, CCD_USAGE, "name either one instrument or a list of them, not both");
    bool ranked = strcmp(out->type->name, "spot_ohlcv") == 0 && !job->market &&
                  job->exchange_count == 0;
    if (ranked)
        return error_set(
            err, CCD_USAGE,
            "name the markets: --exchanges kraken coinbase, or --specific_market kraken "
            "(a ranking over all exchanges needs their grades, which this version does not keep)");
    return 0;
}
