#include "api/batch_keys.h"

#include "api/select.h"

enum { LIMIT_MAX = 1000000 };

static const char *interval_at(size_t index)
{
    return index < INTERVAL_COUNT ? interval_infos[index].name : NULL;
}

const char *ccd_exchange_type_at(size_t index)
{
    static const char *const KINDS[] = {"spot", "futures", "all"};
    return index < sizeof(KINDS) / sizeof(KINDS[0]) ? KINDS[index] : NULL;
}

#define AT(member) .offset = offsetof(struct ccd_job, member)
#define NAMES(member, counter) AT(member), .count_offset = offsetof(struct ccd_job, counter)

/* In the order of the page. */
const struct batch_key batch_keys[] = {
    {"data_type", BATCH_TYPE, JOB_CANDLES | JOB_METADATA, AT(data_type)},
    {"interval", BATCH_CHOICE, JOB_CANDLES, AT(interval), .choice_at = interval_at},
    {"pair_limit", BATCH_INTEGER, JOB_SPOT, AT(pair_limit), .min = 1, .max = LIMIT_MAX},
    {"specific_market", BATCH_TEXT, JOB_SPOT, AT(market)},
    {"specific_instrument", BATCH_TEXT, JOB_SPOT, AT(instrument)},
    {"exchanges", BATCH_NAMES, JOB_SPOT | JOB_FUTURES | JOB_INSTRUMENTS,
     NAMES(exchanges, exchange_count)},
    {"instruments", BATCH_NAMES, JOB_CANDLES, NAMES(instruments, instrument_count)},
    {"asset_limit", BATCH_INTEGER, JOB_SPOT | JOB_INDICES, AT(asset_limit), .min = 1,
     .max = LIMIT_MAX},
    {"quotes", BATCH_NAMES, JOB_SPOT, NAMES(quotes, quote_count)},
    {"min_grade", BATCH_CHOICE, JOB_SPOT, AT(min_grade), .choice_at = ccd_grade_at},
    {"market", BATCH_TEXT, JOB_INDICES, AT(market)},
    {"from", BATCH_TIME, JOB_CANDLES, AT(from)},
    {"to", BATCH_TIME, JOB_CANDLES, AT(to)},
    {"exchange_type", BATCH_CHOICE, JOB_EXCHANGES, AT(exchange_type),
     .choice_at = ccd_exchange_type_at},
    {"full_refresh", BATCH_FLAG, JOB_METADATA, AT(full_refresh)},
    {"force", BATCH_FLAG, JOB_METADATA, AT(force)},
    {"every", BATCH_EVERY, JOB_CANDLES | JOB_METADATA, AT(every)},
    {"cron", BATCH_CRON, JOB_CANDLES | JOB_METADATA, AT(cron)},
};

const size_t batch_key_count = sizeof(batch_keys) / sizeof(batch_keys[0]);
_Static_assert(sizeof(batch_keys) / sizeof(batch_keys[0]) <= 32, "a bit for each key");

const struct batch_key *batch_key_find(struct str name)
{
    for (size_t i = 0; i < batch_key_count; i++)
        if (str_same_name(name, str_from(batch_keys[i].name)))
            return &batch_keys[i];
    return NULL;
}

bool batch_key_fits(const struct batch_key *key, const struct data_type *type)
{
    return (key->takers & job_kind_of(type)) != 0;
}

size_t ccd_batch_key_count(void)
{
    return batch_key_count;
}

struct ccd_batch_key ccd_batch_key_at(size_t index)
{
    static const char *const FORMS[] = {
        [BATCH_TYPE] = "text: a data type",
        [BATCH_CHOICE] = "text",
        [BATCH_TEXT] = "text",
        [BATCH_TIME] = "text: an ISO date or date-time, UTC",
        [BATCH_INTEGER] = "whole number",
        [BATCH_NAMES] = "list of texts, or one text with commas",
        [BATCH_FLAG] = "true or false",
        [BATCH_EVERY] = "text: 15m, 1h, 1d …; for the daemon",
        [BATCH_CRON] = "text: five fields in UTC; for the daemon",
    };
    const struct batch_key *key = &batch_keys[index];
    return (struct ccd_batch_key){
        .name = key->name,
        .form = FORMS[key->form],
        .choice_at = key->choice_at,
        .min = key->min,
        .max = key->max,
    };
}

bool ccd_batch_key_fits(size_t key_index, size_t type_index)
{
    return batch_key_fits(&batch_keys[key_index], data_types[type_index]);
}
