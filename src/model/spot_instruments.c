#include "base/time.h"
#include "model/groups.h"

static const struct column columns[] = {
    GROUP_CATALOGUE_ID,
    FIELD_TEXT("instrument_mapping_base", "INSTRUMENT_MAPPING.BASE", "INSTRUMENT_MAPPING",
               "Symbol of the asset that is traded."),
    CATALOGUE_ID("instrument_mapping_base_id", "INSTRUMENT_MAPPING.BASE_ID",
                 "The vendor's asset id of the base."),
    FIELD_TEXT("instrument_mapping_quote", "INSTRUMENT_MAPPING.QUOTE", "INSTRUMENT_MAPPING",
               "Symbol of the asset in which prices are stated."),
    CATALOGUE_ID("instrument_mapping_quote_id", "INSTRUMENT_MAPPING.QUOTE_ID",
                 "The vendor's asset id of the quote."),
    GROUP_CATALOGUE_MAPPING_END,
    CATALOGUE_HISTORY("trade_spot", "TRADE_SPOT", "trades_spot", "TRADES_SPOT", "trades"),
    IS_LISTED,
};
CHECK_COLUMN_COUNT(columns);

const struct data_type spot_instruments = {
    .name = "spot_instruments",
    .title = "Spot instruments",
    .source = "Data API documentation, spot/v1/markets/instruments, June 2025",
    .shape = SHAPE_CATALOGUE,
    .path = "/spot/v1/markets/instruments",
    COLUMNS_OF(columns),
    .markets_path = "/spot/v1/markets",
    .cache_lifetime_s = SECONDS_PER_DAY,
};
