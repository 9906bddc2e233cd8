#include "reports.h"

enum { DAY = 86400 };

struct ccd_report partial_report(void)
{
    static struct ccd_series_result series[2];
    static struct ccd_operation operation;
    series[0] = (struct ccd_series_result){
        .market = "kraken",
        .instrument = "BTC-USD",
        .mapped_instrument = "BTC-USD",
        .state = CCD_SERIES_COMPLETE,
        .to_ts = 100 * DAY,
        .wanted = 100,
        .stored = 40,
        .fetched = 50,
        .empty = 10,
        .calls = 1,
    };
    series[1] = (struct ccd_series_result){
        .market = "kraken",
        .instrument = "XXBT",
        .mapped_instrument = "BTC-EUR",
        .state = CCD_SERIES_PARTIAL,
        .to_ts = 100 * DAY,
        .wanted = 100,
        .fetched = 60,
        .failed = 40,
        .calls = 2,
        .error = {.status = CCD_NETWORK, .message = "connection refused"},
    };
    operation = (struct ccd_operation){
        .data_type = "spot_ohlcv", .interval = "1d", .series = series, .series_count = 2};
    return (struct ccd_report){
        .operations = &operation,
        .operation_count = 1,
        .status = "partial",
        .exit_code = 1,
        .error = series[1].error,
        .calls = 3,
        .metadata_calls = 1,
        .rows_fetched = 110,
        .rows_written = 105,
        .rows_unchanged = 5,
        .bytes = 20000,
        .duration_ms = 2500,
        .database = "sqlite:ccdata.db",
        .vendor = "https://data-api.coindesk.com",
    };
}

struct ccd_report lists_report(void)
{
    static const struct ccd_list_result exchanges[] = {
        {.table = "exchanges",
         .state = CCD_SERIES_COMPLETE,
         .listed = 340,
         .added = 2,
         .changed = 300,
         .unchanged = 38,
         .gone = 1,
         .calls = 1},
        {.table = "spot_markets",
         .state = CCD_SERIES_UP_TO_DATE,
         .listed = 170,
         .unchanged = 170,
         .calls = 1},
    };
    static const struct ccd_list_result instruments[] = {
        {.table = "spot_instruments",
         .market = "coinbase",
         .state = CCD_SERIES_FAILED,
         .calls = 1,
         .error = {.status = CCD_BAD_REPLY, .message = "the list shrank from 900 to 3"}},
        {.table = "spot_instruments",
         .market = "kra\033ken",
         .state = CCD_SERIES_UP_TO_DATE,
         .listed = 5,
         .unchanged = 5,
         .unknown_keys = 4,
         .first_unknown_key = "NEW\033THING",
         .calls = 1},
    };
    static struct ccd_operation operations[] = {
        {.data_type = "exchange_metadata", .lists = exchanges, .list_count = 2},
        {.data_type = "spot_instruments", .lists = instruments, .list_count = 2, .exit_code = 1},
        {.data_type = "futures_ohlcv",
         .interval = "1h",
         .error = {.status = CCD_BAD_REPLY, .message = "not started, because X failed before it"},
         .not_started = true,
         .exit_code = 7},
    };
    return (struct ccd_report){
        .operations = operations,
        .operation_count = 3,
        .status = "partial",
        .exit_code = 1,
        .error = instruments[0].error,
        .metadata_calls = 4,
        .rows_fetched = 515,
        .rows_written = 302,
        .duration_ms = 1000,
        .database = "sqlite:ccdata.db",
        .vendor = "https://data-api.coindesk.com",
    };
}

struct ccd_report planned_report(void)
{
    static const struct ccd_window windows[2] = {
        {.from_ts = 50 * DAY, .to_ts = 60 * DAY, .limit = 10},
        {.from_ts = 0, .to_ts = 20 * DAY, .limit = 20},
    };
    static struct ccd_series_result series[2];
    static struct ccd_operation operation;
    series[0] = (struct ccd_series_result){.market = "kraken",
                                           .instrument = "BTC-USD",
                                           .mapped_instrument = "BTC-USD",
                                           .state = CCD_SERIES_UP_TO_DATE,
                                           .to_ts = 60 * DAY,
                                           .wanted = 60,
                                           .stored = 60};
    series[1] = (struct ccd_series_result){.market = "kraken",
                                           .instrument = "XXBT",
                                           .mapped_instrument = "BTC-EUR",
                                           .state = CCD_SERIES_PLANNED,
                                           .to_ts = 60 * DAY,
                                           .wanted = 60,
                                           .stored = 30,
                                           .calls = 2,
                                           .windows = windows,
                                           .window_count = 2};
    operation = (struct ccd_operation){
        .data_type = "spot_ohlcv", .interval = "1d", .series = series, .series_count = 2};
    return (struct ccd_report){
        .operations = &operation,
        .operation_count = 1,
        .status = "planned",
        .calls = 2,
        .metadata_calls = 1,
        .rows_planned = 30,
        .quota_share_hour = 0.5,
        .quota_share_day = -1,
        .eta_s = 3,
        .database = "sqlite:ccdata.db",
        .vendor = "https://data-api.coindesk.com",
    };
}
