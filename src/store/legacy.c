#include "store/legacy.h"

/* How a column of ours becomes the one of old. */
enum how {
    SAME,
    MOMENT,  /* a stored moment, as a date and time */
    SECONDS, /* stored integer seconds, as a date and time */
    MAPPED,  /* the mapped id of a list, or the native one where there is none */
};

struct legacy_column {
    const char *name;
    const char *ours;
    enum how how;
};

struct legacy_view {
    const char *name;
    const char *from;
    const struct legacy_column *columns;
    size_t count;
};

const char legacy_views_note[] =
    "-- Views under the names and column names of the tables that this program's predecessor had.\n"
    "-- What differs from those tables:\n"
    "-- * nothing is written through them, and keys are those of dim_series and the fact tables;\n"
    "-- * an instrument without a mapped id repeats its native id where there was '';\n"
    "-- * what the vendor leaves out is NULL where there was 0, '' or a zero date;\n"
    "-- * asset and quote of an index come from the name of its instrument, not from the request;\n"
    "-- * number_of_contracts is a double, as the vendor sends it; has_... is 1 or 0, or a "
    "boolean;\n"
    "-- * names compare by their bytes, not without regard to case;\n"
    "-- * assets, exchanges and details of exchanges have no view: read assets, asset_..., "
    "exchanges,\n"
    "--   spot_markets and futures_markets; the rate limit is not held here.\n";

#define COLUMN_AS(name, ours)                                                                      \
    {                                                                                              \
        name, ours, SAME                                                                           \
    }
#define COLUMN_SAME(name)                                                                          \
    {                                                                                              \
        name, name, SAME                                                                           \
    }
#define COLUMN_SECONDS(name, ours)                                                                 \
    {                                                                                              \
        name, ours, SECONDS                                                                        \
    }

#define OHLC_SAME COLUMN_SAME("open"), COLUMN_SAME("high"), COLUMN_SAME("low"), COLUMN_SAME("close")

#define TRADE_TIMES_AND_PRICES                                                                     \
    COLUMN_SAME("first_trade_price"), COLUMN_SAME("high_trade_price"),                             \
        COLUMN_SECONDS("high_trade_timestamp", "high_trade_timestamp"),                            \
        COLUMN_SAME("low_trade_price"),                                                            \
        COLUMN_SECONDS("low_trade_timestamp", "low_trade_timestamp"),                              \
        COLUMN_SAME("last_trade_price")

#define TRADES_SAME                                                                                \
    COLUMN_SAME("total_trades"), COLUMN_SAME("total_trades_buy"),                                  \
        COLUMN_SAME("total_trades_sell"), COLUMN_SAME("total_trades_unknown")

#define VOLUMES_SAME                                                                               \
    COLUMN_SAME("volume"), COLUMN_SAME("quote_volume"), COLUMN_SAME("volume_buy"),                 \
        COLUMN_SAME("quote_volume_buy"), COLUMN_SAME("volume_sell"),                               \
        COLUMN_SAME("quote_volume_sell"), COLUMN_SAME("volume_unknown"),                           \
        COLUMN_SAME("quote_volume_unknown")

#define COLLECTED                                                                                  \
    {                                                                                              \
        "collected_at", "collected_at", MOMENT                                                     \
    }

static const struct legacy_column spot[] = {
    {"datetime", "ts", MOMENT},
    COLUMN_AS("exchange", "market"),
    COLUMN_AS("symbol_unmapped", "instrument"),
    COLUMN_AS("symbol", "mapped_instrument"),
    COLUMN_SAME("base"),
    COLUMN_SAME("quote"),
    COLUMN_SAME("base_id"),
    COLUMN_SAME("quote_id"),
    COLUMN_SAME("transform_function"),
    OHLC_SAME,
    COLUMN_SECONDS("first_trade_timestamp", "first_trade_timestamp"),
    COLUMN_SECONDS("last_trade_timestamp", "last_trade_timestamp"),
    TRADE_TIMES_AND_PRICES,
    TRADES_SAME,
    VOLUMES_SAME,
    COLLECTED,
};

/* Times of messages stayed integers in the original. */
static const struct legacy_column indices[] = {
    COLUMN_SAME("unit"),
    {"datetime", "ts", MOMENT},
    COLUMN_SAME("type"),
    COLUMN_SAME("market"),
    COLUMN_AS("asset", "base"),
    COLUMN_SAME("quote"),
    OHLC_SAME,
    COLUMN_SAME("first_message_timestamp"),
    COLUMN_SAME("last_message_timestamp"),
    COLUMN_SAME("first_message_value"),
    COLUMN_SAME("high_message_value"),
    COLUMN_SAME("high_message_timestamp"),
    COLUMN_SAME("low_message_value"),
    COLUMN_SAME("low_message_timestamp"),
    COLUMN_SAME("last_message_value"),
    COLUMN_SAME("total_index_updates"),
    COLUMN_SAME("volume"),
    COLUMN_SAME("quote_volume"),
    COLUMN_SAME("volume_top_tier"),
    COLUMN_SAME("quote_volume_top_tier"),
    COLUMN_SAME("volume_direct"),
    COLUMN_SAME("quote_volume_direct"),
    COLUMN_SAME("volume_top_tier_direct"),
    COLUMN_SAME("quote_volume_top_tier_direct"),
    COLLECTED,
};

#define FUTURES_HEAD                                                                               \
    {"datetime", "ts", MOMENT}, COLUMN_SAME("market"), COLUMN_SAME("instrument"),                  \
        COLUMN_SAME("mapped_instrument"), COLUMN_SAME("type"), COLUMN_SAME("index_underlying"),    \
        COLUMN_SAME("quote_currency"), COLUMN_SAME("settlement_currency"),                         \
        COLUMN_SAME("contract_currency"), COLUMN_SAME("denomination_type")

static const struct legacy_column futures[] = {
    FUTURES_HEAD,
    OHLC_SAME,
    COLUMN_SAME("number_of_contracts"),
    VOLUMES_SAME,
    TRADES_SAME,
    COLUMN_SECONDS("first_trade_timestamp", "first_trade_timestamp"),
    COLUMN_SECONDS("last_trade_timestamp", "last_trade_timestamp"),
    TRADE_TIMES_AND_PRICES,
    COLLECTED,
};

#define OPEN_INTEREST_EXTREME(side)                                                                \
    COLUMN_AS(side "_oi_mark_price", side "_settlement_mark_price"),                               \
        COLUMN_SAME(side "_mark_price"),                                                           \
        COLUMN_AS(side "_mark_price_oi", side "_mark_price_settlement"),                           \
        COLUMN_SAME(side "_quote_mark_price")

static const struct legacy_column open_interest[] = {
    FUTURES_HEAD,
    COLUMN_AS("open_oi_contracts", "open_settlement"),
    COLUMN_AS("high_oi_contracts", "high_settlement"),
    COLUMN_AS("low_oi_contracts", "low_settlement"),
    COLUMN_AS("close_oi_contracts", "close_settlement"),
    COLUMN_AS("open_oi_quote", "open_quote"),
    COLUMN_AS("high_oi_quote", "high_quote"),
    COLUMN_AS("low_oi_quote", "low_quote"),
    COLUMN_AS("close_oi_quote", "close_quote"),
    COLUMN_SAME("open_mark_price"),
    OPEN_INTEREST_EXTREME("high"),
    OPEN_INTEREST_EXTREME("low"),
    COLUMN_SAME("close_mark_price"),
    COLUMN_SAME("total_open_interest_updates"),
    COLLECTED,
};

static const struct legacy_column funding_rate[] = {
    FUTURES_HEAD,
    COLUMN_SAME("interval_ms"),
    COLUMN_AS("open_fr", "open"),
    COLUMN_AS("high_fr", "high"),
    COLUMN_AS("low_fr", "low"),
    COLUMN_AS("close_fr", "close"),
    COLUMN_SAME("total_funding_rate_updates"),
    COLLECTED,
};

#define INSTRUMENT_HEAD                                                                            \
    COLUMN_AS("exchange_internal_name", "market"),                                                 \
        {"mapped_instrument_symbol", "mapped_instrument", MAPPED},                                 \
        COLUMN_AS("api_instrument_type", "type"),                                                  \
        COLUMN_AS("instrument_status_on_exchange", "instrument_status"),                           \
        COLUMN_AS("exchange_instrument_symbol_raw", "instrument")

#define INSTRUMENT_MAPPING_END                                                                     \
    COLUMN_AS("transform_function", "instrument_mapping_transform_function"),                      \
        COLUMN_SECONDS("instrument_mapping_created_datetime", "instrument_mapping_created_on")

#define CURRENCY(role)                                                                             \
    COLUMN_AS(role "_symbol", "instrument_mapping_" role),                                         \
        COLUMN_AS(role "_id", "instrument_mapping_" role "_id")

#define INSTRUMENT_END                                                                             \
    {"created_at", "created_at", MOMENT},                                                          \
    {                                                                                              \
        "updated_at", "updated_at", MOMENT                                                         \
    }

static const struct legacy_column spot_instruments_columns[] = {
    INSTRUMENT_HEAD,
    COLUMN_AS("base_asset_symbol", "instrument_mapping_base"),
    COLUMN_AS("base_asset_id", "instrument_mapping_base_id"),
    COLUMN_AS("quote_asset_symbol", "instrument_mapping_quote"),
    COLUMN_AS("quote_asset_id", "instrument_mapping_quote_id"),
    INSTRUMENT_MAPPING_END,
    COLUMN_AS("has_trades", "has_trades_spot"),
    COLUMN_SECONDS("first_trade_datetime", "first_trade_spot_timestamp"),
    COLUMN_SECONDS("last_trade_datetime", "last_trade_spot_timestamp"),
    COLUMN_AS("total_trades_instrument_level", "total_trades_spot"),
    INSTRUMENT_END,
};

static const struct legacy_column futures_instruments_columns[] = {
    INSTRUMENT_HEAD,
    CURRENCY("index_underlying"),
    CURRENCY("quote_currency"),
    CURRENCY("settlement_currency"),
    CURRENCY("contract_currency"),
    COLUMN_AS("denomination_type", "instrument_mapping_denomination_type"),
    INSTRUMENT_MAPPING_END,
    COLUMN_AS("has_trades", "has_trades_futures"),
    COLUMN_SECONDS("first_trade_datetime", "first_trade_futures_timestamp"),
    COLUMN_SECONDS("last_trade_datetime", "last_trade_futures_timestamp"),
    COLUMN_AS("total_trades_instrument_level", "total_trades_futures"),
    COLUMN_SAME("has_funding_rate_updates"),
    COLUMN_SECONDS("first_funding_rate_update_datetime", "first_funding_rate_update_timestamp"),
    COLUMN_SECONDS("last_funding_rate_update_datetime", "last_funding_rate_update_timestamp"),
    COLUMN_SAME("total_funding_rate_updates"),
    COLUMN_SAME("has_open_interest_updates"),
    COLUMN_SECONDS("first_open_interest_update_datetime", "first_open_interest_update_timestamp"),
    COLUMN_SECONDS("last_open_interest_update_datetime", "last_open_interest_update_timestamp"),
    COLUMN_SAME("total_open_interest_updates"),
    COLUMN_SECONDS("contract_expiration_datetime", "contract_expiration_ts"),
    INSTRUMENT_END,
};

#define VIEW(name, from, columns)                                                                  \
    {                                                                                              \
        name, from, columns, sizeof(columns) / sizeof((columns)[0])                                \
    }
#define FUTURES_VIEWS(interval)                                                                    \
    VIEW("cc_futures_ohlcv_" interval, "futures_ohlcv_" interval, futures),                        \
        VIEW("cc_futures_open_interest_ohlc_" interval, "futures_open_interest_" interval,         \
             open_interest),                                                                       \
        VIEW("cc_futures_funding_rate_ohlc_" interval, "futures_funding_rate_" interval,           \
             funding_rate)

/* The original had spot and index tables for days only. */
static const struct legacy_view views[] = {
    VIEW("ohlcv_spot_1d_raw", "spot_ohlcv_1d", spot),
    VIEW("cc_ohlcv_spot_1d_raw", "spot_ohlcv_1d", spot),
    VIEW("cc_ohlcv_spot_indices_1d_raw", "indices_ohlcv_1d", indices),
    FUTURES_VIEWS("1d"),
    FUTURES_VIEWS("1h"),
    FUTURES_VIEWS("1m"),
    VIEW("cc_instruments_spot", "spot_instruments", spot_instruments_columns),
    VIEW("cc_instruments_futures", "futures_instruments", futures_instruments_columns),
};

const size_t legacy_view_count = sizeof(views) / sizeof(views[0]);

const char *legacy_view_name(size_t index)
{
    return views[index].name;
}

static void add_ours(struct buf *out, const struct dialect *d, const char *name)
{
    buf_add_text(out, "v.");
    identifier_add(out, d, name);
}

static void add_value(struct buf *out, const struct dialect *d, const struct legacy_column *c)
{
    const char *const *around = c->how == MOMENT ? d->show_moment : d->show_seconds;
    switch (c->how) {
    case SAME:
        add_ours(out, d, c->ours);
        break;
    case MOMENT:
    case SECONDS:
        buf_add_text(out, around[0]);
        add_ours(out, d, c->ours);
        buf_add_text(out, around[1]);
        break;
    case MAPPED:
        buf_add_text(out, "COALESCE(");
        add_ours(out, d, c->ours);
        buf_add_text(out, ", ");
        add_ours(out, d, "instrument");
        buf_add_text(out, ")");
        break;
    }
}

void legacy_view_write(size_t index, const struct dialect *d, struct buf *out)
{
    const struct legacy_view *view = &views[index];
    buf_printf(out, "%s ", d->create_view);
    identifier_add(out, d, view->name);
    buf_add_text(out, " AS SELECT");
    for (size_t i = 0; i < view->count; i++) {
        buf_add_text(out, i ? ",\n  " : "\n  ");
        add_value(out, d, &view->columns[i]);
        buf_add_text(out, " AS ");
        identifier_add(out, d, view->columns[i].name);
    }
    buf_add_text(out, "\nFROM ");
    identifier_add(out, d, view->from);
    buf_add_text(out, " v");
}
