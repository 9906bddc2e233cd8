#include "base/time.h"
#include "model/groups.h"

static const struct column spot_columns[] = {
    MARKET_KEY,
    GROUP_MARKET_STATUS,
    GROUP_MARKET_INSTRUMENTS,
    MARKET_TOTAL("trades_spot", "TRADES_SPOT", "trades"),
    HAS_ORDERBOOK_L2,
    IS_LISTED,
};
CHECK_COLUMN_COUNT(spot_columns);

#define INTEGRATION(name, KEY, what)                                                               \
    FIELD_TEXT("futures_" name "_integration_stage", "FUTURES_" KEY "_INTEGRATION_STAGE",          \
               "INTEGRATION_FUTURES", "How far the vendor's collection of " what " is."),          \
        FIELD_TIME("futures_" name "_integration_date", "FUTURES_" KEY "_INTEGRATION_DATE",        \
                   "INTEGRATION_FUTURES", "Since when the vendor collects " what ".")

static const struct column futures_columns[] = {
    MARKET_KEY,
    FIELD("id", "ID", COLUMN_I64, "ID", "", "The vendor's number of the exchange."),
    GROUP_MARKET_STATUS,
    FIELD_TEXT("exchange_internal_name", "EXCHANGE_INTERNAL_NAME", "ID",
               "The vendor's name of the exchange, also for its other markets."),
    FIELD_TEXT("uri", "URI", "ID", "Name of the exchange in the vendor's addresses."),
    GROUP_MARKET_INSTRUMENTS,
    MARKET_TOTAL("trades_futures", "TRADES_FUTURES", "trades"),
    MARKET_TOTAL("open_interest_updates", "OPEN_INTEREST_UPDATES", "open interest messages"),
    MARKET_TOTAL("funding_rate_updates", "FUNDING_RATE_UPDATES", "funding rate messages"),
    HAS_ORDERBOOK_L2,
    FIELD_TIME("created_on", "CREATED_ON", "BASIC", "When the vendor made the record."),
    FIELD_TIME("updated_on", "UPDATED_ON", "BASIC", "When the vendor last changed the record."),
    FIELD_TEXT("name", "NAME", "BASIC", "Name of the exchange, for people."),
    FIELD_TEXT("logo_url", "LOGO_URL", "BASIC", "Picture of the exchange's logo."),
    FIELD_TIME("launch_date", "LAUNCH_DATE", "BASIC", "When the exchange opened."),
    FIELD_BOOL("has_spot_trading", "HAS_SPOT_TRADING", "BASIC", "Whether it trades spot."),
    FIELD_BOOL("has_futures_trading", "HAS_FUTURES_TRADING", "BASIC", "Whether it trades futures."),
    FIELD_BOOL("has_index_publishing", "HAS_INDEX_PUBLISHING", "BASIC",
               "Whether it publishes indices."),
    FIELD_BOOL("has_options_trading", "HAS_OPTIONS_TRADING", "BASIC", "Whether it trades options."),
    FIELD_BOOL("has_dex_trading", "HAS_DEX_TRADING", "BASIC",
               "Whether it is a decentralised exchange."),
    FIELD_TEXT("exchange_description_snippet", "EXCHANGE_DESCRIPTION_SNIPPET", "BASIC",
               "A few sentences about the exchange."),
    FIELD_TIME("futures_trading_launch_date", "FUTURES_TRADING_LAUNCH_DATE", "BASIC",
               "When it began to trade futures."),
    FIELD_JSON("futures_trading_mechanisms", "FUTURES_TRADING_MECHANISMS", "BASIC",
               "How futures are traded there: a JSON list."),
    FIELD_BOOL("has_perpetual_contracts", "HAS_PERPETUAL_CONTRACTS", "BASIC",
               "Whether it has contracts that never expire."),
    FIELD_JSON("futures_settlement_types", "FUTURES_SETTLEMENT_TYPES", "BASIC",
               "How contracts are settled there: a JSON list."),
    FIELD_JSON("futures_denomination_types", "FUTURES_DENOMINATION_TYPES", "BASIC",
               "Which of VANILLA, INVERSE and QUANTO it trades: a JSON list."),
    FIELD_TEXT("exchange_description", "EXCHANGE_DESCRIPTION", "DESCRIPTION",
               "The exchange at length, in Markdown."),
    FIELD_TEXT("exchange_description_summary", "EXCHANGE_DESCRIPTION_SUMMARY",
               "DESCRIPTION_SUMMARY", "The exchange in a paragraph."),
    FIELD_TEXT("website_url", "WEBSITE_URL", "RESOURCE_LINKS", "Address of the exchange."),
    FIELD_TEXT("blog_url", "BLOG_URL", "RESOURCE_LINKS", "Address of its blog."),
    FIELD_TEXT("futures_integration_comments", "FUTURES_INTEGRATION_COMMENTS",
               "INTEGRATION_FUTURES", "What the vendor remarks on the collection, in Markdown."),
    INTEGRATION("trades", "TRADES", "trades"),
    FIELD_BOOL("has_futures_trades_polling_backfill", "HAS_FUTURES_TRADES_POLLING_BACKFILL",
               "INTEGRATION_FUTURES", "Whether missed trades are asked for afterwards."),
    INTEGRATION("funding_rate", "FUNDING_RATE", "funding rates"),
    INTEGRATION("open_interest", "OPEN_INTEREST", "open interest"),
    INTEGRATION("index", "INDEX", "the indices behind the contracts"),
    INTEGRATION("order_book", "ORDER_BOOK", "order books"),
    IS_LISTED,
};
CHECK_COLUMN_COUNT(futures_columns);

const struct data_type spot_markets = {
    .name = "spot_markets",
    .title = "Spot markets",
    .source = "Data API documentation, spot/v1/markets, June 2025",
    .shape = SHAPE_RECORDS,
    .path = "/spot/v1/markets",
    COLUMNS_OF(spot_columns),
    .cache_lifetime_s = SECONDS_PER_DAY,
    .host = HOST_DATA_API,
};

const struct data_type futures_markets = {
    .name = "futures_markets",
    .title = "Futures markets",
    .source = "Data API documentation, futures/v1/markets, June 2025",
    .shape = SHAPE_RECORDS,
    .path = "/futures/v1/markets",
    COLUMNS_OF(futures_columns),
    .cache_lifetime_s = SECONDS_PER_DAY,
    .host = HOST_DATA_API,
};
