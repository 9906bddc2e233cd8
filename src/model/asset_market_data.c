#include "model/groups.h"

#define SUPPLY(name, KEY, sentence)                                                                \
    FIELD("supply_" name, "SUPPLY_" KEY, COLUMN_F64, "SUPPLY", "asset", sentence)
#define BLOCK(name, KEY, kind, group, unit, sentence)                                              \
    FIELD("last_block_" name, "LAST_BLOCK_" KEY, kind, group, unit, sentence)
#define CHAIN_GROUP "ASSET_TYPE_SPECIFIC_METRICS"

#define VOLUMES(name, NAME, when)                                                                  \
    FIELD("spot_moving_" name "_quote_volume_top_tier_direct_usd",                                 \
          "SPOT_MOVING_" NAME "_QUOTE_VOLUME_TOP_TIER_DIRECT_USD", COLUMN_F64, "VOLUME", "USD",    \
          "Traded against USD on the best exchanges in the last " when "."),                       \
        FIELD("spot_moving_" name "_quote_volume_direct_usd",                                      \
              "SPOT_MOVING_" NAME "_QUOTE_VOLUME_DIRECT_USD", COLUMN_F64, "VOLUME", "USD",         \
              "Traded against USD in the last " when "."),                                         \
        FIELD("spot_moving_" name "_quote_volume_top_tier_usd",                                    \
              "SPOT_MOVING_" NAME "_QUOTE_VOLUME_TOP_TIER_USD", COLUMN_F64, "VOLUME", "USD",       \
              "Traded against anything on the best exchanges in the last " when "."),              \
        FIELD("spot_moving_" name "_quote_volume_usd", "SPOT_MOVING_" NAME "_QUOTE_VOLUME_USD",    \
              COLUMN_F64, "VOLUME", "USD", "Traded against anything in the last " when ".")

#define CHANGES(name, NAME, when)                                                                  \
    FIELD("spot_moving_" name "_change_usd", "SPOT_MOVING_" NAME "_CHANGE_USD", COLUMN_F64,        \
          "CHANGE", "USD", "What the price moved in the last " when "."),                          \
        FIELD("spot_moving_" name "_change_percentage_usd",                                        \
              "SPOT_MOVING_" NAME "_CHANGE_PERCENTAGE_USD", COLUMN_F64, "CHANGE", "%",             \
              "What the price moved in the last " when ", of a hundred.")

#define RANK(name, KEY, by_what)                                                                   \
    FIELD("toplist_base_rank_" name, "TOPLIST_BASE_RANK." KEY, COLUMN_I64, "TOPLIST_RANK", "",     \
          "Place in the vendor's ranking by " by_what ".")

static const struct column columns[] = {
    RECORD_KEY("asset_id", "ID", COLUMN_I64, "The vendor's number of the asset."),
    COLUMN("price_usd_last_update_ts", "PRICE_USD_LAST_UPDATE_TS", COLUMN_UTC_S, COLUMN_KEY,
           "PRICE", "s", "When the price was last updated; without it there is no row."),
    FIELD("price_usd", "PRICE_USD", COLUMN_F64, "PRICE", "USD", "Price of one."),
    FIELD_TEXT("price_usd_source", "PRICE_USD_SOURCE", "PRICE", "Index that the price is from."),
    SUPPLY("max", "MAX", "Most that there can ever be."),
    SUPPLY("issued", "ISSUED", "What has been created."),
    SUPPLY("total", "TOTAL", "What has been created and not destroyed."),
    SUPPLY("circulating", "CIRCULATING", "What can be traded."),
    SUPPLY("future", "FUTURE", "What is still to be created."),
    SUPPLY("locked", "LOCKED", "What cannot be traded yet."),
    SUPPLY("burnt", "BURNT", "What has been destroyed."),
    SUPPLY("staked", "STAKED", "What is staked."),
    BLOCK("mint", "MINT", COLUMN_F64, "SUPPLY", "asset", "What the last block created."),
    BLOCK("burn", "BURN", COLUMN_F64, "SUPPLY", "asset", "What the last block destroyed."),
    BLOCK("number", "NUMBER", COLUMN_I64, CHAIN_GROUP, "", "Number of the last block."),
    BLOCK("timestamp", "TIMESTAMP", COLUMN_UTC_S, CHAIN_GROUP, "s", "When it was made."),
    BLOCK("time", "TIME", COLUMN_F64, CHAIN_GROUP, "s", "Seconds that it took."),
    BLOCK("size", "SIZE", COLUMN_F64, CHAIN_GROUP, "bytes", "Size of the last block."),
    BLOCK("issuer", "ISSUER", COLUMN_TEXT, CHAIN_GROUP, "", "Who made the last block."),
    BLOCK("transaction_fee_total", "TRANSACTION_FEE_TOTAL", COLUMN_F64, CHAIN_GROUP, "asset",
          "Fees of its transactions together."),
    BLOCK("transaction_count", "TRANSACTION_COUNT", COLUMN_I64, CHAIN_GROUP, "count",
          "Transactions in the last block."),
    BLOCK("hashes_per_second", "HASHES_PER_SECOND", COLUMN_F64, CHAIN_GROUP, "1/s",
          "Hashes that the chain computes in a second."),
    BLOCK("difficulty", "DIFFICULTY", COLUMN_F64, CHAIN_GROUP, "", "Difficulty of the last block."),
    FIELD("mkt_cap_penalty", "MKT_CAP_PENALTY", COLUMN_F64, "MKT_CAP", "",
          "What the vendor takes off the market cap of what it doubts."),
    FIELD("circulating_mkt_cap_usd", "CIRCULATING_MKT_CAP_USD", COLUMN_F64, "MKT_CAP", "USD",
          "Value of what can be traded."),
    FIELD("total_mkt_cap_usd", "TOTAL_MKT_CAP_USD", COLUMN_F64, "MKT_CAP", "USD",
          "Value of all that there is."),
    VOLUMES("24_hour", "24_HOUR", "24 hours"),
    VOLUMES("7_day", "7_DAY", "7 days"),
    VOLUMES("30_day", "30_DAY", "30 days"),
    CHANGES("24_hour", "24_HOUR", "24 hours"),
    CHANGES("7_day", "7_DAY", "7 days"),
    CHANGES("30_day", "30_DAY", "30 days"),
    RANK("created_on", "CREATED_ON", "age of the record"),
    RANK("launch_date", "LAUNCH_DATE", "age"),
    RANK("circulating_mkt_cap_usd", "CIRCULATING_MKT_CAP_USD", "value of what can be traded"),
    RANK("total_mkt_cap_usd", "TOTAL_MKT_CAP_USD", "value of all that there is"),
    RANK("spot_moving_24_hour_quote_volume_usd", "SPOT_MOVING_24_HOUR_QUOTE_VOLUME_USD",
         "volume of 24 hours"),
    RANK("spot_moving_7_day_quote_volume_usd", "SPOT_MOVING_7_DAY_QUOTE_VOLUME_USD",
         "volume of 7 days"),
    RANK("spot_moving_30_day_quote_volume_usd", "SPOT_MOVING_30_DAY_QUOTE_VOLUME_USD",
         "volume of 30 days"),
};
CHECK_COLUMN_COUNT(columns);

const struct data_type asset_market_data = {
    .name = "asset_market_data",
    .title = "Prices, supply, volumes and ranks of assets",
    .source = "Data API documentation, asset/v1/top/list, June 2025",
    .shape = SHAPE_SNAPSHOTS,
    .path = "/asset/v1/top/list",
    COLUMNS_OF(columns),
    .parent = &assets,
};
