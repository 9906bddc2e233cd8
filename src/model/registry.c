#include "base/time.h"
#include "model/groups.h"

const struct interval_info interval_infos[INTERVAL_COUNT] = {
    [INTERVAL_1D] = {.name = "1d",
                     .step_s = SECONDS_PER_DAY,
                     .path_unit = "days",
                     .unit_echo = "DAY",
                     .page_max = 5000},
    [INTERVAL_1H] = {.name = "1h",
                     .step_s = SECONDS_PER_HOUR,
                     .path_unit = "hours",
                     .unit_echo = "HOUR",
                     .page_max = 2000},
    [INTERVAL_1M] = {.name = "1m",
                     .step_s = SECONDS_PER_MINUTE,
                     .path_unit = "minutes",
                     .unit_echo = "MINUTE",
                     .page_max = 2000},
};

const struct data_type *const data_types[] = {
    &spot_ohlcv,    &futures_ohlcv,    &futures_funding_rate, &futures_open_interest,
    &indices_ohlcv, &spot_instruments, &futures_instruments,
};
const size_t data_type_count = sizeof(data_types) / sizeof(data_types[0]);

bool interval_parse(struct str name, enum interval *out_interval)
{
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        if (str_equal(name, str_from(interval_infos[i].name))) {
            *out_interval = (enum interval)i;
            return true;
        }
    }
    return false;
}

static bool same_name(struct str given, struct str name)
{
    if (given.len != name.len) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = given.ptr[i] == '-' ? '_' : given.ptr[i];
        if (c != name.ptr[i]) {
            return false;
        }
    }
    return true;
}

const struct data_type *data_type_find(struct str name)
{
    for (size_t i = 0; i < data_type_count; i++) {
        if (same_name(name, str_from(data_types[i]->name))) {
            return data_types[i];
        }
    }
    return NULL;
}

int data_type_column(const struct data_type *type, struct str name)
{
    for (size_t i = 0; i < type->column_count; i++) {
        if (str_equal(name, str_from(type->columns[i].name))) {
            return (int)i;
        }
    }
    return -1;
}

int data_type_column_flagged(const struct data_type *type, uint32_t flag)
{
    for (size_t i = 0; i < type->column_count; i++) {
        if (type->columns[i].flags & flag) {
            return (int)i;
        }
    }
    return -1;
}

bool column_is_fact(const struct column *column)
{
    const uint32_t elsewhere = COLUMN_TS | COLUMN_UNIT | COLUMN_MARKET | COLUMN_INSTRUMENT |
                               COLUMN_MAPPED | COLUMN_SERIES;
    return !(column->flags & elsewhere);
}
