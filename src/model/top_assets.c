#include "base/time.h"
#include "model/groups.h"

static const struct column columns[] = {
    KEY_FIELD("position", "", COLUMN_I64, COLUMN_POSITION, "ccdata",
              "Place in the ranking by 30-day quote volume, from 1."),
    COLUMN("symbol", "SYMBOL", COLUMN_TEXT, COLUMN_REQUIRED, "ID", "", "Symbol of the asset."),
    IS_LISTED,
};
CHECK_COLUMN_COUNT(columns);

static const struct left_out left_out[] = {
    {"*", "stands in assets"},
};

const struct data_type ccdata_top_assets = {
    .name = "ccdata_top_assets",
    .title = "Top assets by quote volume",
    .source = "Data API documentation, asset/v1/top/list, June 2025",
    .shape = SHAPE_RECORDS,
    .path = "/asset/v1/top/list",
    COLUMNS_OF(columns),
    .cache_lifetime_s = SECONDS_PER_HOUR,
    .host = HOST_DATA_API,
    .is_listed = true,
    .query = "sort_by=SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD&sort_direction=DESC&groups=ID,BASIC",
    LEFT_OUT_OF(left_out),
};
