#include "base/time.h"
#include "model/groups.h"

#define CURRENCY(name, NAME, role)                                                                 \
    FIELD_TEXT("instrument_mapping_" name, "INSTRUMENT_MAPPING." NAME, "INSTRUMENT_MAPPING",       \
               "Symbol of the " role "."),                                                         \
        CATALOGUE_ID("instrument_mapping_" name "_id", "INSTRUMENT_MAPPING." NAME "_ID",           \
                     "The vendor's asset id of the " role ".")

static const struct column columns[] = {
    GROUP_CATALOGUE_ID,
    CURRENCY("index_underlying", "INDEX_UNDERLYING", "asset that the contract follows"),
    CURRENCY("quote_currency", "QUOTE_CURRENCY", "asset in which the price is stated"),
    CURRENCY("settlement_currency", "SETTLEMENT_CURRENCY",
             "asset in which profit and loss are paid"),
    CURRENCY("contract_currency", "CONTRACT_CURRENCY",
             "asset in which the size of a contract is stated"),
    FIELD_TEXT("instrument_mapping_denomination_type", "INSTRUMENT_MAPPING.DENOMINATION_TYPE",
               "INSTRUMENT_MAPPING",
               "VANILLA, INVERSE or QUANTO: how settlement relates to underlying and quote."),
    GROUP_CATALOGUE_MAPPING_END,
    CATALOGUE_HISTORY("trade_futures", "TRADE_FUTURES", "trades_futures", "TRADES_FUTURES",
                      "trades"),
    CATALOGUE_HISTORY("funding_rate_update", "FUNDING_RATE_UPDATE", "funding_rate_updates",
                      "FUNDING_RATE_UPDATES", "funding rate messages"),
    CATALOGUE_HISTORY("open_interest_update", "OPEN_INTEREST_UPDATE", "open_interest_updates",
                      "OPEN_INTEREST_UPDATES", "open interest messages"),
    COLUMN("contract_expiration_ts", "CONTRACT_EXPIRATION_TS", COLUMN_UTC_S, 0, "HISTORY", "s",
           "When the contract expires; absent for a perpetual."),
    IS_LISTED,
};
CHECK_COLUMN_COUNT(columns);

const struct data_type futures_instruments = {
    .name = "futures_instruments",
    .title = "Futures instruments",
    .source = "Data API documentation, futures/v1/markets/instruments, June 2025",
    .shape = SHAPE_CATALOGUE,
    .path = "/futures/v1/markets/instruments",
    COLUMNS_OF(columns),
    .markets_path = "/futures/v1/markets",
    .cache_lifetime_s = SECONDS_PER_DAY,
};
