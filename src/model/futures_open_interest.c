#include "model/groups.h"

/* Open interest is stated in the settlement currency, in the quote currency and beside the mark
 * price that links them; an extreme of one comes with the value that another had at that moment. */
#define OPEN_INTEREST(prefix, PREFIX, flags, group, when)                                          \
    COLUMN(prefix "_settlement", PREFIX "_SETTLEMENT", COLUMN_F64, flags, group, "settlement",     \
           "Open interest in the settlement currency " when "."),                                  \
        COLUMN(prefix "_mark_price", PREFIX "_MARK_PRICE", COLUMN_F64, 0, group, "price",          \
               "Mark price " when "."),                                                            \
        COLUMN(prefix "_quote", PREFIX "_QUOTE", COLUMN_F64, 0, group, "quote",                    \
               "Open interest in the quote currency " when ".")

#define EXTREME(prefix, PREFIX, flag, most)                                                        \
    COLUMN(prefix "_settlement", PREFIX "_SETTLEMENT", COLUMN_F64, flag, "OHLC", "settlement",     \
           most " open interest in the settlement currency."),                                     \
        COLUMN(prefix "_settlement_mark_price", PREFIX "_SETTLEMENT_MARK_PRICE", COLUMN_F64, 0,    \
               "OHLC", "price", "Mark price when the settlement amount was at its " prefix "."),   \
        COLUMN(prefix "_mark_price", PREFIX "_MARK_PRICE", COLUMN_F64, 0, "OHLC", "price",         \
               most " mark price."),                                                               \
        COLUMN(prefix "_mark_price_settlement", PREFIX "_MARK_PRICE_SETTLEMENT", COLUMN_F64, 0,    \
               "OHLC", "settlement",                                                               \
               "Settlement amount when the mark price was at its " prefix "."),                    \
        COLUMN(prefix "_quote", PREFIX "_QUOTE", COLUMN_F64, 0, "OHLC", "quote",                   \
               most " open interest in the quote currency."),                                      \
        COLUMN(prefix "_quote_mark_price", PREFIX "_QUOTE_MARK_PRICE", COLUMN_F64, 0, "OHLC",      \
               "price", "Mark price when the quote amount was at its " prefix ".")

/* One measure of one message: the extreme, its companion, its time. */
#define MESSAGE_EXTREME(name, NAME, value_unit, companion, COMPANION, companion_unit, what)        \
    COLUMN(name, NAME, COLUMN_F64, 0, "OHLC_MESSAGE", value_unit, "The " what "."),                \
        COLUMN(name companion, NAME COMPANION, COLUMN_F64, 0, "OHLC_MESSAGE", companion_unit,      \
               "What stood beside it in the message of the " what "."),                            \
        COLUMN(name "_timestamp", NAME "_TIMESTAMP", COLUMN_UTC_S, 0, "OHLC_MESSAGE", "s",         \
               "Time of the message of the " what ".")

#define MESSAGE_EXTREMES(prefix, PREFIX, most)                                                     \
    MESSAGE_EXTREME(prefix "_message_settlement", PREFIX "_MESSAGE_SETTLEMENT", "settlement",      \
                    "_mark_price", "_MARK_PRICE", "price",                                         \
                    most " settlement amount published in the period"),                            \
        MESSAGE_EXTREME(prefix "_message_mark_price", PREFIX "_MESSAGE_MARK_PRICE", "price",       \
                        "_settlement", "_SETTLEMENT", "settlement",                                \
                        most " mark price published in the period"),                               \
        MESSAGE_EXTREME(prefix "_message_quote", PREFIX "_MESSAGE_QUOTE", "quote", "_mark_price",  \
                        "_MARK_PRICE", "price", most " quote amount published in the period")

#define MESSAGE_EDGE(prefix, PREFIX, which)                                                        \
    COLUMN(prefix "_message_timestamp", PREFIX "_MESSAGE_TIMESTAMP", COLUMN_UTC_S, 0,              \
           "OHLC_MESSAGE", "s", "Time of the " which " message of the period."),                   \
        OPEN_INTEREST(prefix "_message", PREFIX "_MESSAGE", 0, "OHLC_MESSAGE",                     \
                      "in the " which " message of the period")

static const struct column columns[] = {
    GROUP_ID,
    GROUP_FUTURES_MAPPING,
    OPEN_INTEREST("open", "OPEN", 0, "OHLC", "just before the period began"),
    EXTREME("high", "HIGH", COLUMN_HIGH, "Highest"),
    EXTREME("low", "LOW", COLUMN_LOW, "Lowest"),
    OPEN_INTEREST("close", "CLOSE", 0, "OHLC", "when the period ended"),
    MESSAGE_EDGE("first", "FIRST", "first"),
    MESSAGE_EXTREMES("high", "HIGH", "highest"),
    MESSAGE_EXTREMES("low", "LOW", "lowest"),
    MESSAGE_EDGE("last", "LAST", "last"),
    COLUMN("total_open_interest_updates", "TOTAL_OPEN_INTEREST_UPDATES", COLUMN_I64, COLUMN_COUNT,
           "MESSAGE", "count", "Number of open interest messages in the period."),
};
CHECK_COLUMN_COUNT(columns);

const struct data_type futures_open_interest = {
    .name = "futures_open_interest",
    .title = "Futures open interest",
    .source = "Data API documentation, futures/v1/historical/open-interest/{days,hours,minutes}, "
              "June 2025",
    .shape = SHAPE_CANDLES,
    .path = "/futures/v1/historical/open-interest/{unit}",
    COLUMNS_OF(columns),
    .catalogue = "futures_instruments",
    .markets_path = "/futures/v1/markets",
    HISTORY_COLUMNS("open_interest_update", "open_interest_updates"),
    .checks_ohlc = true,
};
