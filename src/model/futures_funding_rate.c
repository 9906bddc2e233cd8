#include "model/groups.h"

/* No recorded reply has the OHLC_MESSAGE group of funding rates: its names are those of the index
 * candles. */
static const struct column columns[] = {
    GROUP_ID,
    GROUP_FUTURES_MAPPING,
    COLUMN("interval_ms", "INTERVAL_MS", COLUMN_I64, 0, "VALUE", "ms",
           "Time from one funding payment to the next."),
    GROUP_OHLC("rate", "funding rate"),
    GROUP_OHLC_MESSAGE("rate", "funding rate"),
    COLUMN("total_funding_rate_updates", "TOTAL_FUNDING_RATE_UPDATES", COLUMN_I64, COLUMN_COUNT,
           "MESSAGE", "count", "Number of funding rate messages in the period."),
};
CHECK_COLUMN_COUNT(columns);

const struct data_type futures_funding_rate = {
    .name = "futures_funding_rate",
    .title = "Futures funding rates",
    .source = "Data API documentation, futures/v1/historical/funding-rate/{days,hours,minutes}, "
              "June 2025",
    .shape = SHAPE_CANDLES,
    .path = "/futures/v1/historical/funding-rate/{unit}",
    COLUMNS_OF(columns),
    .catalogue = "futures_instruments",
    .markets_path = "/futures/v1/markets",
    HISTORY_COLUMNS("funding_rate_update", "funding_rate_updates"),
    .checks_ohlc = true,
};
