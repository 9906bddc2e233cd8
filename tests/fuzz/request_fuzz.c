/* Names of a market and an instrument on their way into a request: whatever they hold, the server
 * sees one path, four parameters and exactly these names. */
#include <string.h>

#include "fuzz.h"
#include "http/base_url.h"
#include "model/request.h"

enum { OUT_MAX_BYTES = 1 << 20, NAMES_MAX_BYTES = 2048 };

static char decoded_byte(const char **at)
{
    if (**at != '%')
        return *(*at)++;
    const char pair[] = {(*at)[1], (*at)[2], '\0'};
    char *end;
    long byte = strtol(pair, &end, 16);
    PROMISE(end == pair + 2);
    *at += 3;
    return (char)byte;
}

/* `name=` and the encoded value stand at *at, up to `end`; then *at stands behind that. */
static void check_parameter(const char **at, const char *name, struct str value, char end)
{
    PROMISE(strncmp(*at, name, strlen(name)) == 0);
    *at += strlen(name);
    for (size_t i = 0; i < value.len; i++) {
        PROMISE(**at != '&' && **at != '\0');
        PROMISE(decoded_byte(at) == value.ptr[i]);
    }
    PROMISE(**at == end);
    *at += end != '\0';
}

static void check_candles(const struct data_type *type, struct str market, struct str instrument)
{
    struct buf out;
    buf_init(&out, OUT_MAX_BYTES, NULL);
    const struct period_range window = {86400 * 100, 86400 * 105};
    PROMISE(request_candles(&out, type, INTERVAL_1D, market, instrument, window) == 0);
    PROMISE(path_is_clean(buf_str(&out)));
    const char *at = strchr(out.data, '?');
    PROMISE(at && strncmp(out.data, type->path, 10) == 0);
    at++;
    check_parameter(&at, "market=", market, '&');
    check_parameter(&at, "instrument=", instrument, '&');
    check_parameter(&at, "limit=", STR("5"), '&');
    check_parameter(&at, "to_ts=", STR("9071999"), '\0');
    buf_release(&out);
}

static void check_catalogue(struct str market)
{
    struct buf out;
    buf_init(&out, OUT_MAX_BYTES, NULL);
    PROMISE(request_catalogue(&out, metadata_table_find(STR("spot_instruments")), market) == 0);
    PROMISE(path_is_clean(buf_str(&out)));
    const char *at = strchr(out.data, '?');
    PROMISE(at);
    at++;
    check_parameter(&at, "market=", market, '&');
    PROMISE(strncmp(at, "instrument_status=", 18) == 0 && !strchr(at, '&'));
    buf_release(&out);
}

/* The first byte says how long the name of the market is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0 || len > NAMES_MAX_BYTES)
        return 0;
    size_t market_len = bytes[0] < len - 1 ? bytes[0] : len - 1;
    char *text = malloc(len);
    PROMISE(text);
    memcpy(text, bytes + 1, len - 1);
    const struct str market = {text, market_len};
    const struct str instrument = {text + market_len, len - 1 - market_len};
    check_candles(data_type_find(STR("spot_ohlcv")), market, instrument);
    check_candles(data_type_find(STR("indices_ohlcv")), market, instrument);
    check_catalogue(market);
    free(text);
    return 0;
}
