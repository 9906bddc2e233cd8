#include "model/groups.h"

/* The 2025 minute pages have the trade prices last, the hour pages of the same year have the
 * volumes before the counters: long pages are minutes, so their order wins. */
static const struct column columns[] = {
    GROUP_ID,
    GROUP_FUTURES_MAPPING,
    GROUP_OHLC("price", "trade price"),
    GROUP_TRADE,
    COLUMN("number_of_contracts", "NUMBER_OF_CONTRACTS", COLUMN_F64, COLUMN_COUNT, "VOLUME",
           "contracts", "Number of contracts that changed hands."),
    GROUP_VOLUME,
    GROUP_OHLC_TRADE,
};
CHECK_COLUMN_COUNT(columns);

const struct data_type futures_ohlcv = {
    .name = "futures_ohlcv",
    .title = "Futures OHLCV candles",
    .source = "Data API documentation, futures/v1/historical/{days,hours,minutes}, June 2025",
    .shape = SHAPE_CANDLES,
    .path = "/futures/v1/historical/{unit}",
    COLUMNS_OF(columns),
    .catalogue = "futures_instruments",
    .markets_path = "/futures/v1/markets",
    HISTORY_COLUMNS("trade_futures", "trades_futures"),
    .checks_ohlc = true,
};
