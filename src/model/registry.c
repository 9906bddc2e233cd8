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
    &spot_ohlcv,          &futures_ohlcv,  &futures_funding_rate, &futures_open_interest,
    &indices_ohlcv,       &asset_metadata, &exchange_metadata,    &spot_instruments,
    &futures_instruments,
};
const size_t data_type_count = sizeof(data_types) / sizeof(data_types[0]);

const struct data_type *const metadata_tables[] = {
    &assets,
    &asset_alternative_ids,
    &asset_industries,
    &asset_consensus_mechanisms,
    &asset_consensus_algorithm_types,
    &asset_hashing_algorithm_types,
    &asset_previous_symbols,
    &asset_market_data,
    &exchanges,
    &spot_markets,
    &futures_markets,
    &spot_instruments,
    &futures_instruments,
    &ccdata_top_assets,
};
const size_t metadata_table_count = sizeof(metadata_tables) / sizeof(metadata_tables[0]);

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

static const struct data_type *find(const struct data_type *const *types, size_t count,
                                    struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_same_name(name, str_from(types[i]->name))) {
            return types[i];
        }
    }
    return NULL;
}

const struct data_type *data_type_find(struct str name)
{
    return find(data_types, data_type_count, name);
}

const struct data_type *metadata_table_find(struct str name)
{
    return find(metadata_tables, metadata_table_count, name);
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
