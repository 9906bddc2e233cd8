/* Column groups that several data types share, each declared once and spliced into the tables of
 * the types. Invariant: fields stand in the order in which the vendor's recorded replies have them.
 */
#ifndef MODEL_GROUPS_H
#define MODEL_GROUPS_H

#include "model/data_type.h"

#define COLUMN(sql_name, json_key, value_kind, column_flags, vendor_group, value_unit, sentence)   \
    {                                                                                              \
        .name = sql_name, .key = json_key, .kind = value_kind, .flags = column_flags,              \
        .unit = value_unit, .meaning = sentence, .group = vendor_group,                            \
        .if_negative = "negative " sql_name                                                        \
    }

/* A text or id that belongs to the series as a whole. */
#define SERIES_TEXT(sql_name, json_key, vendor_group, sentence)                                    \
    COLUMN(sql_name, json_key, COLUMN_TEXT, COLUMN_SERIES, vendor_group, "", sentence)
#define SERIES_ID(sql_name, json_key, sentence)                                                    \
    COLUMN(sql_name, json_key, COLUMN_I64, COLUMN_SERIES, "MAPPING_ADVANCED", "", sentence)

#define GROUP_ID                                                                                   \
    COLUMN("unit", "UNIT", COLUMN_TEXT, COLUMN_UNIT | COLUMN_REQUIRED, "ID", "",                   \
           "Length of the period: DAY, HOUR or MINUTE."),                                          \
        COLUMN("ts", "TIMESTAMP", COLUMN_UTC_S, COLUMN_TS | COLUMN_REQUIRED, "ID", "s",            \
               "Start of the period, UTC."),                                                       \
        SERIES_TEXT("type", "TYPE", "ID",                                                          \
                    "The vendor's number for this kind of message; a label only."),                \
        COLUMN("market", "MARKET", COLUMN_TEXT, COLUMN_MARKET | COLUMN_REQUIRED, "ID", "",         \
               "Market or index family, as the vendor spells it."),                                \
        COLUMN("instrument", "INSTRUMENT", COLUMN_TEXT, COLUMN_INSTRUMENT | COLUMN_REQUIRED, "ID", \
               "", "The market's own name of the instrument, which never changes.")

#define MAPPED_INSTRUMENT                                                                          \
    COLUMN("mapped_instrument", "MAPPED_INSTRUMENT", COLUMN_TEXT, COLUMN_MAPPED, "MAPPING", "",    \
           "The vendor's uniform name of the instrument; absent while it is unmapped.")

#define TRANSFORM_FUNCTION                                                                         \
    SERIES_TEXT(                                                                                   \
        "transform_function", "TRANSFORM_FUNCTION", "MAPPING_ADVANCED",                            \
        "What the mapping did to the values, such as inverting the pair; empty when nothing.")

#define GROUP_SPOT_MAPPING                                                                         \
    MAPPED_INSTRUMENT,                                                                             \
        SERIES_TEXT("base", "BASE", "MAPPING", "Symbol of the asset that is traded."),             \
        SERIES_TEXT("quote", "QUOTE", "MAPPING",                                                   \
                    "Symbol of the asset in which prices are stated."),                            \
        SERIES_ID("base_id", "BASE_ID", "The vendor's asset id of the base."),                     \
        SERIES_ID("quote_id", "QUOTE_ID", "The vendor's asset id of the quote."),                  \
        TRANSFORM_FUNCTION

/* No recorded candle has the ids of futures: they follow the symbols, as in spot candles. */
#define GROUP_FUTURES_MAPPING                                                                      \
    MAPPED_INSTRUMENT,                                                                             \
        SERIES_TEXT("index_underlying", "INDEX_UNDERLYING", "MAPPING",                             \
                    "Symbol of the asset that the contract follows."),                             \
        SERIES_TEXT("quote_currency", "QUOTE_CURRENCY", "MAPPING",                                 \
                    "Symbol of the asset in which the price is stated."),                          \
        SERIES_TEXT("settlement_currency", "SETTLEMENT_CURRENCY", "MAPPING",                       \
                    "Symbol of the asset in which profit and loss are paid."),                     \
        SERIES_TEXT("contract_currency", "CONTRACT_CURRENCY", "MAPPING",                           \
                    "Symbol of the asset in which the size of a contract is stated."),             \
        SERIES_TEXT(                                                                               \
            "denomination_type", "DENOMINATION_TYPE", "MAPPING",                                   \
            "VANILLA, INVERSE or QUANTO: how settlement relates to underlying and quote."),        \
        SERIES_ID("index_underlying_id", "INDEX_UNDERLYING_ID",                                    \
                  "The vendor's asset id of the underlying."),                                     \
        SERIES_ID("quote_currency_id", "QUOTE_CURRENCY_ID",                                        \
                  "The vendor's asset id of the quote currency."),                                 \
        SERIES_ID("settlement_currency_id", "SETTLEMENT_CURRENCY_ID",                              \
                  "The vendor's asset id of the settlement currency."),                            \
        SERIES_ID("contract_currency_id", "CONTRACT_CURRENCY_ID",                                  \
                  "The vendor's asset id of the contract currency."),                              \
        TRANSFORM_FUNCTION

/* what: "trade price", "funding rate" … */
#define GROUP_OHLC(value_unit, what)                                                               \
    COLUMN("open", "OPEN", COLUMN_F64, 0, "OHLC", value_unit,                                      \
           "Last " what " before the period began."),                                              \
        COLUMN("high", "HIGH", COLUMN_F64, COLUMN_HIGH, "OHLC", value_unit,                        \
               "Highest " what " of the period, the opening one included."),                       \
        COLUMN("low", "LOW", COLUMN_F64, COLUMN_LOW, "OHLC", value_unit,                           \
               "Lowest " what " of the period, the opening one included."),                        \
        COLUMN("close", "CLOSE", COLUMN_F64, 0, "OHLC", value_unit,                                \
               "Last " what " of the period, or the opening one when there was none.")

#define GROUP_OHLC_TRADE                                                                           \
    COLUMN("first_trade_timestamp", "FIRST_TRADE_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_TRADE", "s",   \
           "Time of the first trade; absent when nothing traded."),                                \
        COLUMN("last_trade_timestamp", "LAST_TRADE_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_TRADE", "s", \
               "Time of the last trade; absent when nothing traded."),                             \
        COLUMN("first_trade_price", "FIRST_TRADE_PRICE", COLUMN_F64, 0, "OHLC_TRADE", "price",     \
               "Price of the first trade; absent when nothing traded."),                           \
        COLUMN("high_trade_price", "HIGH_TRADE_PRICE", COLUMN_F64, 0, "OHLC_TRADE", "price",       \
               "Highest price actually traded, the opening price left out."),                      \
        COLUMN("high_trade_timestamp", "HIGH_TRADE_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_TRADE", "s", \
               "Time of the trade at the highest price."),                                         \
        COLUMN("low_trade_price", "LOW_TRADE_PRICE", COLUMN_F64, 0, "OHLC_TRADE", "price",         \
               "Lowest price actually traded, the opening price left out."),                       \
        COLUMN("low_trade_timestamp", "LOW_TRADE_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_TRADE", "s",   \
               "Time of the trade at the lowest price."),                                          \
        COLUMN("last_trade_price", "LAST_TRADE_PRICE", COLUMN_F64, 0, "OHLC_TRADE", "price",       \
               "Price of the last trade; absent when nothing traded.")

#define GROUP_TRADE                                                                                \
    COLUMN("total_trades", "TOTAL_TRADES", COLUMN_I64, COLUMN_COUNT | COLUMN_TRADES, "TRADE",      \
           "count", "Number of trades; 0 marks a filled candle."),                                 \
        COLUMN("total_trades_buy", "TOTAL_TRADES_BUY", COLUMN_I64, COLUMN_COUNT, "TRADE", "count", \
               "Number of trades in which the taker bought."),                                     \
        COLUMN("total_trades_sell", "TOTAL_TRADES_SELL", COLUMN_I64, COLUMN_COUNT, "TRADE",        \
               "count", "Number of trades in which the taker sold."),                              \
        COLUMN("total_trades_unknown", "TOTAL_TRADES_UNKNOWN", COLUMN_I64, COLUMN_COUNT, "TRADE",  \
               "count", "Number of trades whose side the market does not tell.")

/* One amount in the base and the same in the quote. suffix: of both keys and names. */
#define VOLUME_PAIR(suffix, SUFFIX, of_what)                                                       \
    COLUMN("volume" suffix, "VOLUME" SUFFIX, COLUMN_F64, COLUMN_COUNT, "VOLUME", "base",           \
           "Base amount of " of_what "."),                                                         \
        COLUMN("quote_volume" suffix, "QUOTE_VOLUME" SUFFIX, COLUMN_F64, COLUMN_COUNT, "VOLUME",   \
               "quote", "Quote amount of " of_what ".")

#define GROUP_VOLUME                                                                               \
    VOLUME_PAIR("", "", "all trades"),                                                             \
        VOLUME_PAIR("_buy", "_BUY", "the trades in which the taker bought"),                       \
        VOLUME_PAIR("_sell", "_SELL", "the trades in which the taker sold"),                       \
        VOLUME_PAIR("_unknown", "_UNKNOWN", "the trades whose side the market does not tell")

/* what: "index value" …; each is one message of the vendor's feed. */
#define GROUP_OHLC_MESSAGE(value_unit, what)                                                       \
    COLUMN("first_message_timestamp", "FIRST_MESSAGE_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_MESSAGE",  \
           "s", "Time of the first " what " of the period."),                                      \
        COLUMN("last_message_timestamp", "LAST_MESSAGE_TIMESTAMP", COLUMN_UTC_S, 0,                \
               "OHLC_MESSAGE", "s", "Time of the last " what " of the period."),                   \
        COLUMN("first_message_value", "FIRST_MESSAGE_VALUE", COLUMN_F64, 0, "OHLC_MESSAGE",        \
               value_unit, "First " what " published in the period."),                             \
        COLUMN("high_message_value", "HIGH_MESSAGE_VALUE", COLUMN_F64, 0, "OHLC_MESSAGE",          \
               value_unit, "Highest " what " published in the period."),                           \
        COLUMN("high_message_timestamp", "HIGH_MESSAGE_TIMESTAMP", COLUMN_UTC_S, 0,                \
               "OHLC_MESSAGE", "s", "Time of the highest " what "."),                              \
        COLUMN("low_message_value", "LOW_MESSAGE_VALUE", COLUMN_F64, 0, "OHLC_MESSAGE",            \
               value_unit, "Lowest " what " published in the period."),                            \
        COLUMN("low_message_timestamp", "LOW_MESSAGE_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_MESSAGE",  \
               "s", "Time of the lowest " what "."),                                               \
        COLUMN("last_message_value", "LAST_MESSAGE_VALUE", COLUMN_F64, 0, "OHLC_MESSAGE",          \
               value_unit, "Last " what " published in the period.")

/* Fields of metadata. */
#define FIELD(sql_name, json_key, value_kind, vendor_group, value_unit, sentence)                  \
    COLUMN(sql_name, json_key, value_kind, 0, vendor_group, value_unit, sentence)
#define FIELD_TEXT(sql_name, json_key, vendor_group, sentence)                                     \
    FIELD(sql_name, json_key, COLUMN_TEXT, vendor_group, "", sentence)
#define FIELD_JSON(sql_name, json_key, vendor_group, sentence)                                     \
    COLUMN(sql_name, json_key, COLUMN_TEXT, COLUMN_JSON, vendor_group, "", sentence)
#define FIELD_BOOL(sql_name, json_key, vendor_group, sentence)                                     \
    FIELD(sql_name, json_key, COLUMN_BOOL, vendor_group, "", sentence)
#define FIELD_TIME(sql_name, json_key, vendor_group, sentence)                                     \
    FIELD(sql_name, json_key, COLUMN_UTC_S, vendor_group, "s", sentence)
#define KEY_FIELD(sql_name, json_key, value_kind, more_flags, vendor_group, sentence)              \
    COLUMN(sql_name, json_key, value_kind, COLUMN_KEY | COLUMN_REQUIRED | (more_flags),            \
           vendor_group, "", sentence)

/* Last column of what the vendor lists. */
#define IS_LISTED                                                                                  \
    COLUMN("is_listed", "", COLUMN_BOOL, COLUMN_LISTED, "ccdata", "",                              \
           "Whether the newest complete list of the vendor had the record.")

#define MARKET_STATUS_COUNT(name, KEY, sentence)                                                   \
    FIELD("instrument_status_" name, "INSTRUMENT_STATUS." KEY, COLUMN_I64, "INSTRUMENT_SUMMARY",   \
          "count", sentence)
/* Sums of counters that are close to the end of 64 bits already. The vendor computes in doubles, so
 * nothing is lost. */
#define MARKET_TOTAL(name, KEY, what)                                                              \
    FIELD("total_" name, "TOTAL_" KEY, COLUMN_F64, "INSTRUMENT_SUMMARY", "count",                  \
          "Number of " what " that the vendor has of all instruments together.")

#define MARKET_KEY                                                                                 \
    KEY_FIELD("market", "", COLUMN_TEXT, COLUMN_OBJECT_KEY, "ID",                                  \
              "The vendor's name of the market: the name of the member of Data.")

#define GROUP_MARKET_STATUS                                                                        \
    FIELD_TEXT("type", "TYPE", "ID",                                                               \
               "The vendor's number for this kind of record; a label only."),                      \
        FIELD_TEXT("exchange_status", "EXCHANGE_STATUS", "ID",                                     \
                   "Whether the market is collected: ACTIVE and others.")

#define GROUP_MARKET_INSTRUMENTS                                                                   \
    FIELD("mapped_instruments_total", "MAPPED_INSTRUMENTS_TOTAL", COLUMN_I64,                      \
          "INSTRUMENT_SUMMARY", "count", "Instruments that have a uniform name."),                 \
        FIELD("unmapped_instruments_total", "UNMAPPED_INSTRUMENTS_TOTAL", COLUMN_I64,              \
              "INSTRUMENT_SUMMARY", "count", "Instruments that have only the market's own name."), \
        MARKET_STATUS_COUNT("active", "ACTIVE", "Instruments that trade."),                        \
        MARKET_STATUS_COUNT("ignored", "IGNORED", "Instruments that the vendor leaves out."),      \
        MARKET_STATUS_COUNT("retired", "RETIRED", "Instruments that no longer trade."),            \
        MARKET_STATUS_COUNT("expired", "EXPIRED", "Contracts that have expired."),                 \
        MARKET_STATUS_COUNT("ready_for_decommissioning", "READY_FOR_DECOMMISSIONING",              \
                            "Instruments that are about to be retired."),                          \
        MARKET_STATUS_COUNT("retired_unmapped", "RETIRED_UNMAPPED",                                \
                            "Instruments that no longer trade and never had a uniform name."),     \
        MARKET_STATUS_COUNT("undefined", "undefined",                                              \
                            "Instruments whose status the vendor does not know.")

#define HAS_ORDERBOOK_L2                                                                           \
    FIELD_BOOL("has_orderbook_l2_minute_snapshots_enabled",                                        \
               "HAS_ORDERBOOK_L2_MINUTE_SNAPSHOTS_ENABLED", "INSTRUMENT_SUMMARY",                  \
               "Whether the vendor keeps the order books of every minute.")

/* Catalogues are asked for without groups: the group of a column is the part of the record it
 * stands in. */
#define CATALOGUE_ID(sql_name, json_key, sentence)                                                 \
    COLUMN(sql_name, json_key, COLUMN_I64, 0, "INSTRUMENT_MAPPING", "", sentence)

#define GROUP_CATALOGUE_ID                                                                         \
    COLUMN("market", "", COLUMN_TEXT, COLUMN_KEY | COLUMN_OBJECT_KEY | COLUMN_REQUIRED, "ID", "",  \
           "Market that lists the instrument: the name of the member of Data."),                   \
        FIELD_TEXT("mapped_instrument", "MAPPED_INSTRUMENT", "ID",                                 \
                   "The vendor's uniform name of the instrument; absent while it is unmapped."),   \
        COLUMN("instrument", "INSTRUMENT", COLUMN_TEXT, COLUMN_KEY | COLUMN_REQUIRED, "ID", "",    \
               "The market's own name of the instrument, which never changes."),                   \
        FIELD_TEXT("type", "TYPE", "ID",                                                           \
                   "The vendor's number for this kind of record; a label only."),                  \
        FIELD_TEXT(                                                                                \
            "instrument_status", "INSTRUMENT_STATUS", "ID",                                        \
            "ACTIVE, IGNORED, RETIRED, EXPIRED, READY_FOR_DECOMMISSIONING or RETIRED_UNMAPPED."),  \
        FIELD_TEXT("histo_shard", "HISTO_SHARD", "ID",                                             \
                   "The vendor's store that holds the history."),                                  \
        FIELD_TEXT("instrument_mapping_mapped_instrument", "INSTRUMENT_MAPPING.MAPPED_INSTRUMENT", \
                   "INSTRUMENT_MAPPING", "The uniform name, as the mapping states it.")

#define GROUP_CATALOGUE_MAPPING_END                                                                \
    FIELD_TEXT(                                                                                    \
        "instrument_mapping_transform_function", "INSTRUMENT_MAPPING.TRANSFORM_FUNCTION",          \
        "INSTRUMENT_MAPPING",                                                                      \
        "What the mapping does to the values, such as inverting the pair; empty when nothing."),   \
        COLUMN("instrument_mapping_created_on", "INSTRUMENT_MAPPING.CREATED_ON", COLUMN_UTC_S, 0,  \
               "INSTRUMENT_MAPPING", "s", "When the vendor made the mapping.")

/* What bounds and ranks one kind of history. one: in a timestamp's name; many: in a counter's. */
#define CATALOGUE_HISTORY(one, ONE, many, MANY, what)                                              \
    COLUMN("has_" many, "HAS_" MANY, COLUMN_BOOL, 0, "HISTORY", "",                                \
           "Whether the vendor has any " what "."),                                                \
        COLUMN("first_" one "_timestamp", "FIRST_" ONE "_TIMESTAMP", COLUMN_UTC_S, 0, "HISTORY",   \
               "s", "Time of the oldest of the " what "; 0 means unknown."),                       \
        COLUMN("last_" one "_timestamp", "LAST_" ONE "_TIMESTAMP", COLUMN_UTC_S, 0, "HISTORY",     \
               "s", "Time of the newest of the " what "; 0 means unknown."),                       \
        COLUMN("total_" many, "TOTAL_" MANY, COLUMN_I64, COLUMN_COUNT, "HISTORY", "count",         \
               "Number of " what " that the vendor has.")

/* The bounds that a catalogue gives to a candle type. */
#define HISTORY_COLUMNS(one, many)                                                                 \
    .first_ts_column = "first_" one "_timestamp", .last_ts_column = "last_" one "_timestamp",      \
    .has_data_column = "has_" many, .rank_column = "total_" many

/* What belongs to the records of a table, and to the elements of an array in them. */
#define RECORD_KEY(sql_name, json_key, value_kind, sentence)                                       \
    KEY_FIELD(sql_name, json_key, value_kind, COLUMN_PARENT, "ID", sentence)
#define LEFT_OUT_OF(table) .left_out = (table), .left_out_count = sizeof(table) / sizeof((table)[0])

/* The table of columns as members of struct data_type; its check that a row fits its bits. */
#define CHECK_COLUMN_COUNT(table)                                                                  \
    _Static_assert(sizeof(table) / sizeof((table)[0]) <= COLUMN_MAX,                               \
                   "more columns than presence bits")
#define COLUMNS_OF(table) .columns = (table), .column_count = sizeof(table) / sizeof((table)[0])

extern const struct data_type spot_ohlcv;
extern const struct data_type futures_ohlcv;
extern const struct data_type futures_funding_rate;
extern const struct data_type futures_open_interest;
extern const struct data_type indices_ohlcv;
extern const struct data_type spot_instruments;
extern const struct data_type futures_instruments;
extern const struct data_type asset_metadata;
extern const struct data_type assets;
extern const struct data_type asset_alternative_ids;
extern const struct data_type asset_industries;
extern const struct data_type asset_consensus_mechanisms;
extern const struct data_type asset_consensus_algorithm_types;
extern const struct data_type asset_hashing_algorithm_types;
extern const struct data_type asset_previous_symbols;
extern const struct data_type asset_market_data;
extern const struct data_type exchange_metadata;
extern const struct data_type exchanges;
extern const struct data_type spot_markets;
extern const struct data_type futures_markets;
extern const struct data_type ccdata_top_assets;

#endif
