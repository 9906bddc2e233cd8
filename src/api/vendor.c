#include "api/vendor.h"

enum { BASE_URL_BYTES = 2048 };

/* On top of a request's deadline: its connection is closed by then. */
static const int64_t request_guard_us = 5000000;
/* Who asks once wants to know now: a process that has made its calls has to go on. */
static const int64_t turn_most_us = 10000000;
/* A month: a slower rate than a call in that time is a mistake, and its arithmetic another. */
static const double pause_max_us = 31 * 86400 * 1e6;

struct limiter_limits vendor_limits(const struct config *c)
{
    struct limiter_limits limits = {0};
    double per_second = config_f64(c, CONFIG_API_RATE_LIMIT_PER_SECOND);
    limits.max[RATE_SECOND] = (int64_t)per_second;
    limits.max[RATE_MINUTE] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_MINUTE);
    limits.max[RATE_HOUR] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_HOUR);
    limits.max[RATE_DAY] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_DAY);
    limits.max[RATE_MONTH] = config_i64(c, CONFIG_API_RATE_LIMIT_PER_MONTH);
    limits.delay_us = config_ms(c, CONFIG_INGESTION_API_CALL_DELAY) * 1000;
    if (per_second > 0 &&
        per_second < 1) { /* a call every few seconds: a pause says it better than a window */
        limits.max[RATE_SECOND] = 1;
        double pause = 1e6 / per_second;
        int64_t pause_us = (int64_t)(pause < pause_max_us ? pause : pause_max_us);
        limits.delay_us = pause_us > limits.delay_us ? pause_us : limits.delay_us;
    }
    return limits;
}

/* The predecessor's setting ends in /data, with which the older host's paths begin. */
static struct str host_of(const struct config *c, enum config_id base_url)
{
    const struct str end = STR("/data");
    struct str url = config_text(c, base_url);
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    bool has_end = base_url == CONFIG_MIN_API_BASE_URL && url.len > end.len &&
                   str_equal((struct str){url.ptr + url.len - end.len, end.len}, end);
    return (struct str){url.ptr, has_end ? url.len - end.len : url.len};
}

static int open_http(struct ccd_client *client, enum config_id base_url, int max_in_flight,
                     int64_t timeout_ms, struct http_client **out, struct ccd_error *err)
{
    const struct config *c = client->config;
    char host[BASE_URL_BYTES];
    if (!str_copy(host, sizeof(host), host_of(c, base_url)))
        return error_set(err, CCD_CONFIG, "%s is longer than %d bytes",
                         config_option(base_url)->name, BASE_URL_BYTES - 1);
    const struct http_config http = {
        .base_url = host,
        .api_key = config_secret(c, CONFIG_CCDATA_API_KEY).ptr,
        .max_in_flight = max_in_flight,
        .connect_timeout_ms = timeout_ms < 10000 ? timeout_ms : 10000,
        .total_timeout_ms = timeout_ms,
        .low_speed_bytes_s = 1000,
        .low_speed_s = 20,
        .user_agent = "ccdata/" CCDATA_VERSION,
        .log = &client->log,
        .clock = &client->clock,
    };
    return http_client_new(&http, config_option(base_url)->name, out, err);
}

int vendor_open_http(struct ccd_client *client, enum config_id base_url, int max_in_flight,
                     struct http_client **out, struct ccd_error *err)
{
    return open_http(client, base_url, max_in_flight,
                     config_ms(client->config, CONFIG_API_REQUEST_TIMEOUT), out, err);
}

int vendor_open_http_within(struct ccd_client *client, enum config_id base_url, int64_t timeout_ms,
                            struct http_client **out, struct ccd_error *err)
{
    int64_t most_ms = config_ms(client->config, CONFIG_API_REQUEST_TIMEOUT);
    bool is_less = timeout_ms > 0 && timeout_ms < most_ms;
    return open_http(client, base_url, 1, is_less ? timeout_ms : most_ms, out, err);
}

struct ledger_config vendor_ledger_config(struct ccd_client *client, const struct http_client *http,
                                          int64_t reserve_percent, char directory[STATE_PATH_BYTES])
{
    const struct config *c = client->config;
    return (struct ledger_config){
        .directory = client_state_directory(directory, STATE_PATH_BYTES) ? directory : NULL,
        .origin = http_origin(http),
        .api_key = config_secret(c, CONFIG_CCDATA_API_KEY).ptr,
        .limits = vendor_limits(c),
        .abandon_us = config_ms(c, CONFIG_API_REQUEST_TIMEOUT) * 1000 + request_guard_us,
        .reserve_percent = (int)reserve_percent,
        .clock = &client->clock,
        .log = &client->log,
    };
}

void vendor_quota_windows(const struct ccd_client *client, const struct ledger_view *seen,
                          struct ccd_quota_window out[RATE_WINDOW_COUNT])
{
    const struct limiter_limits limits = vendor_limits(client->config);
    for (int w = 0; w < RATE_WINDOW_COUNT; w++) {
        int64_t limit = seen->is_known ? seen->windows[w].limit : limits.max[w];
        int64_t left = seen->is_known ? seen->windows[w].left : limit > 0 ? limit : INT64_MAX;
        out[w] = (struct ccd_quota_window){
            .window = rate_window_names[w],
            .limit = limit,
            .used = seen->windows[w].used,
            .left = left == INT64_MAX ? -1 : left,
        };
    }
}

static int ask(struct ccd_client *client, struct http_client *http, struct ledger *ledger,
               struct reply_decoder *decoder, const char *path_and_query, call_classify *classify,
               void *user, struct vendor_clock *out_clock, struct ccd_error *err)
{
    struct caller caller = {
        .http = http,
        .ledger = ledger,
        .decoder = decoder,
        .retry = retry_policy_default,
        .clock = &client->clock,
        .log = &client->log,
        .rng = {(uint64_t)clock_mono_us(NULL)},
        .turn_most_us = turn_most_us,
        .max_calls = 1,
        .metrics = client->metrics,
        .stop_level = client_stop_level,
        .stop_user = client,
    };
    enum reply_verdict verdict = REPLY_PAGE;
    caller.retry.attempts_max = 1;
    int status = call_make(&caller, path_and_query, classify, user, &verdict, err);
    if (out_clock)
        *out_clock = (struct vendor_clock){caller.clock_ahead_s, caller.clock_known};
    return status;
}

int vendor_ask_once(struct ccd_client *client, struct http_client *http,
                    const struct ledger_config *config, const char *path_and_query,
                    call_classify *classify, void *user, struct vendor_clock *out_clock,
                    struct ccd_error *err)
{
    struct ledger *ledger = NULL;
    struct reply_decoder decoder = {0};
    if (config_secret(client->config, CONFIG_CCDATA_API_KEY).len == 0)
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    int status = ledger_open(config, &ledger, err);
    if (status == 0)
        status = reply_decoder_init(&decoder, NULL, err);
    if (status == 0)
        status = ask(client, http, ledger, &decoder, path_and_query, classify, user, out_clock,
                     err);
    reply_decoder_release(&decoder);
    ledger_close(ledger);
    return status;
}
