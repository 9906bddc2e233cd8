#include "model/groups.h"

static const struct column columns[] = {
    GROUP_ID,         GROUP_SPOT_MAPPING, GROUP_OHLC("price", "trade price"),
    GROUP_OHLC_TRADE, GROUP_TRADE,        GROUP_VOLUME,
};
CHECK_COLUMN_COUNT(columns);

const struct data_type spot_ohlcv = {
    .name = "spot_ohlcv",
    .title = "Spot OHLCV candles",
    .source = "Data API documentation, spot/v1/historical/{days,hours,minutes}, June 2025",
    .shape = SHAPE_CANDLES,
    .path = "/spot/v1/historical/{unit}",
    COLUMNS_OF(columns),
    .catalogue = "spot_instruments",
    .markets_path = "/spot/v1/markets",
    HISTORY_COLUMNS("trade_spot", "trades_spot"),
    .checks_ohlc = true,
};
