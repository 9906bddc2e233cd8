#include "api/batch_keys.h"

#include <string.h>

enum {
    SPOT = 1u << 0,
    FUTURES = 1u << 1,
    INDICES = 1u << 2,
    ASSETS = 1u << 3,
    EXCHANGES = 1u << 4,
    INSTRUMENTS = 1u << 5, /* metadata that comes market by market */
    CANDLES = SPOT | FUTURES | INDICES,
    METADATA = ASSETS | EXCHANGES | INSTRUMENTS,
    LIMIT_MAX = 1000000,
};

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
    {"data_type", BATCH_TYPE, CANDLES | METADATA, AT(data_type)},
    {"interval", BATCH_CHOICE, CANDLES, AT(interval), .choice_at = interval_at},
    {"pair_limit", BATCH_INTEGER, SPOT, AT(pair_limit), .min = 1, .max = LIMIT_MAX},
    {"specific_market", BATCH_TEXT, SPOT, AT(market)},
    {"specific_instrument", BATCH_TEXT, SPOT, AT(instrument)},
    {"exchanges", BATCH_NAMES, SPOT | FUTURES | INSTRUMENTS, NAMES(exchanges, exchange_count)},
    {"instruments", BATCH_NAMES, CANDLES, NAMES(instruments, instrument_count)},
    {"asset_limit", BATCH_INTEGER, SPOT | INDICES, AT(asset_limit), .min = 1, .max = LIMIT_MAX},
    {"quotes", BATCH_NAMES, SPOT, NAMES(quotes, quote_count)},
    {"min_grade", BATCH_CHOICE, SPOT, AT(min_grade), .choice_at = ccd_grade_at},
    {"market", BATCH_TEXT, INDICES, AT(market)},
    {"from", BATCH_TIME, CANDLES, AT(from)},
    {"to", BATCH_TIME, CANDLES, AT(to)},
    {"exchange_type", BATCH_CHOICE, EXCHANGES, AT(exchange_type),
     .choice_at = ccd_exchange_type_at},
    {"full_refresh", BATCH_FLAG, METADATA, AT(full_refresh)},
    {"force", BATCH_FLAG, METADATA, AT(force)},
};

const size_t batch_key_count = sizeof(batch_keys) / sizeof(batch_keys[0]);
_Static_assert(sizeof(batch_keys) / sizeof(batch_keys[0]) <= 32, "a bit for each key");

static bool same_name(struct str given, const char *name)
{
    for (size_t i = 0; i < given.len; i++)
        if ((given.ptr[i] == '-' ? '_' : given.ptr[i]) != name[i])
            return false;
    return name[given.len] == '\0';
}

const struct batch_key *batch_key_find(struct str name)
{
    for (size_t i = 0; i < batch_key_count; i++)
        if (same_name(name, batch_keys[i].name))
            return &batch_keys[i];
    return NULL;
}

static unsigned kind_of(const struct data_type *type)
{
    if (type->shape == SHAPE_CATALOGUE)
        return INSTRUMENTS;
    if (type->shape != SHAPE_CANDLES)
        return strcmp(type->name, "exchange_metadata") == 0 ? EXCHANGES : ASSETS;
    if (!type->catalogue)
        return INDICES;
    return strcmp(type->name, "spot_ohlcv") == 0 ? SPOT : FUTURES;
}

bool batch_key_fits(const struct batch_key *key, const struct data_type *type)
{
    return (key->takers & kind_of(type)) != 0;
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
