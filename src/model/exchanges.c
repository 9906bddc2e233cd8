#include "base/time.h"
#include "model/groups.h"

/* The older API sends some numbers as texts, and did not always send the same ones so. */
#define LENIENT(sql_name, json_key, value_kind, vendor_group, value_unit, sentence)                \
    COLUMN(sql_name, json_key, value_kind, COLUMN_LENIENT, vendor_group, value_unit, sentence)
#define GRADE(name, Key, what)                                                                     \
    LENIENT("grade_points_split_" name, "GradePointsSplit." Key, COLUMN_F64, "GradePointsSplit",   \
            "points", "Points for " what ".")
#define RATING(name, Key, stars)                                                                   \
    LENIENT("rating_" name, "Rating." Key, COLUMN_I64, "Rating", "count",                          \
            "Users who gave " stars " of five.")

static const struct column columns[] = {
    KEY_FIELD("id", "Id", COLUMN_TEXT, 0, "record", "The vendor's number of the exchange."),
    FIELD_TEXT("name", "Name", "record", "Name of the exchange, for people."),
    FIELD_TEXT("url", "Url", "record", "Its page at the vendor, from the root of the site."),
    FIELD_TEXT("logo_url", "LogoUrl", "record", "Picture of its logo, from the root of the site."),
    FIELD_JSON("item_type", "ItemType", "record", "What is traded there: a JSON list."),
    FIELD_TEXT("centralization_type", "CentralizationType", "record",
               "Centralized or decentralized."),
    FIELD_TEXT("internal_name", "InternalName", "record",
               "The vendor's name of the exchange; the name of its market in lower case."),
    LENIENT("grade_points", "GradePoints", COLUMN_F64, "record", "points",
            "Points of the vendor's benchmark, of 100."),
    FIELD_TEXT("grade", "Grade", "record", "Grade of the vendor's benchmark, AA to F."),
    GRADE("legal", "Legal", "law and regulation"),
    GRADE("kyc_and_transaction_risk", "KYCAndTransactionRisk", "knowing its customers"),
    GRADE("investment", "Investment", "its investors; until 2019"),
    GRADE("team", "Team", "its people"),
    GRADE("data_provision", "DataProvision", "the data it offers"),
    GRADE("trade_monitoring", "TradeMonitoring", "watching its trades; until 2019"),
    GRADE("asset_quality_and_diversity", "AssetQualityAndDiversity", "the assets it trades"),
    GRADE("market_quality", "MarketQuality", "the quality of its markets"),
    GRADE("security", "Security", "security"),
    GRADE("negative_reports_penalty", "NegativeReportsPenalty", "bad news, to be taken off"),
    FIELD_TEXT("affiliate_url", "AffiliateURL", "record", "Address of the exchange."),
    FIELD_TEXT("country", "Country", "record", "Where it is registered."),
    FIELD_BOOL("order_book", "OrderBook", "record", "Whether the vendor has its order books."),
    FIELD_BOOL("trades", "Trades", "record", "Whether the vendor has its trades."),
    FIELD_TEXT("description", "Description", "record", "The exchange in a few paragraphs."),
    FIELD_TEXT("full_address", "FullAddress", "record", "Its postal address."),
    FIELD_TEXT("fees", "Fees", "record", "Its fees, in prose."),
    FIELD_TEXT("deposit_methods", "DepositMethods", "record", "How money gets in, in prose."),
    FIELD_TEXT("withdrawal_methods", "WithdrawalMethods", "record",
               "How money gets out, in prose."),
    FIELD_BOOL("sponsored", "Sponsored", "record", "Whether the exchange pays the vendor."),
    FIELD_BOOL("recommended", "Recommended", "record", "Whether the vendor recommends it."),
    RATING("one", "One", "one star"),
    RATING("two", "Two", "two stars"),
    RATING("three", "Three", "three stars"),
    RATING("four", "Four", "four stars"),
    RATING("five", "Five", "five stars"),
    LENIENT("rating_avg", "Rating.Avg", COLUMN_F64, "Rating", "stars", "Average of the stars."),
    LENIENT("rating_total_users", "Rating.TotalUsers", COLUMN_I64, "Rating", "count",
            "Users who gave stars."),
    LENIENT("sort_order", "SortOrder", COLUMN_I64, "record", "", "Place in the vendor's list."),
    LENIENT("totalvolume24h_btc", "TOTALVOLUME24H.BTC", COLUMN_F64, "TOTALVOLUME24H", "BTC",
            "Amount traded in the last 24 hours."),
    LENIENT("totalvolume24h_usd", "TOTALVOLUME24H.USD", COLUMN_F64, "TOTALVOLUME24H", "USD",
            "Amount traded in the last 24 hours."),
    IS_LISTED,
};
CHECK_COLUMN_COUNT(columns);

static const struct left_out left_out[] = {
    {"DISPLAYTOTALVOLUME24H", "repeats the volumes, rounded, for people"},
};

const struct data_type exchanges = {
    .name = "exchanges",
    .title = "Exchanges with their grades",
    .source = "min-api documentation, data/exchanges/general",
    .shape = SHAPE_RECORDS,
    .path = "/data/exchanges/general",
    COLUMNS_OF(columns),
    .cache_lifetime_s = SECONDS_PER_DAY,
    .host = HOST_MIN_API,
    .query = "tsym=USD",
    LEFT_OUT_OF(left_out),
};

static const struct data_type *const tables[] = {&exchanges, &spot_markets, &futures_markets};

const struct data_type exchange_metadata = {
    .name = "exchange_metadata",
    .title = "Exchanges and markets",
    .source = "min-api documentation, data/exchanges/general; Data API documentation, "
              "{spot,futures}/v1/markets, June 2025",
    .shape = SHAPE_METADATA,
    .path = "/data/exchanges/general, /spot/v1/markets, /futures/v1/markets",
    .tables = tables,
    .table_count = sizeof(tables) / sizeof(tables[0]),
};
