#include "model/groups.h"

static const struct column columns[] = {
    GROUP_ID,
    GROUP_OHLC("price", "index value"),
    GROUP_OHLC_MESSAGE("price", "index value"),
    COLUMN("total_index_updates", "TOTAL_INDEX_UPDATES", COLUMN_I64, COLUMN_COUNT, "MESSAGE",
           "count",
           "Number of index messages in the period; 0 for a pair that the vendor converts."),
    VOLUME_PAIR("", "", "all trades behind the index"),
    VOLUME_PAIR("_top_tier", "_TOP_TIER", "the trades on the best graded markets"),
    VOLUME_PAIR("_direct", "_DIRECT", "the trades in exactly this pair"),
    VOLUME_PAIR("_top_tier_direct", "_TOP_TIER_DIRECT",
                "the trades in exactly this pair on the best graded markets"),
};
CHECK_COLUMN_COUNT(columns);

const struct data_type indices_ohlcv = {
    .name = "indices_ohlcv",
    .title = "Index OHLCV candles",
    .source = "Data API documentation, index/cc/v1/historical/{days,hours,minutes}, June 2025",
    .shape = SHAPE_CANDLES,
    .path = "/index/cc/v1/historical/{unit}",
    COLUMNS_OF(columns),
    .markets_path = "/index/cc/v1/markets",
    .splits_instrument = true,
    .checks_ohlc = true,
};
