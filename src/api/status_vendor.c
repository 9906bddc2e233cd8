#include "api/status.h"
#include "api/vendor.h"
#include "engine/call.h"
#include "model/request.h"

enum { PATH_MAX_BYTES = 1024, CHECK_PAGE_SIZE = 10 };

/* ---- the quota ---- */

static int show_quota(struct status *s, const struct ledger_view *seen, struct ccd_error *err)
{
    const struct limiter_limits limits = vendor_limits(s->client->config);
    struct ccd_quota_window *quota = arena_alloc(&s->arena, RATE_WINDOW_COUNT * sizeof(*quota));
    if (!quota)
        return status_no_memory(err);
    for (int w = 0; w < RATE_WINDOW_COUNT; w++) {
        int64_t limit = seen->is_known ? seen->windows[w].limit : limits.max[w];
        int64_t left = seen->is_known ? seen->windows[w].left : limit > 0 ? limit : INT64_MAX;
        quota[w] = (struct ccd_quota_window){
            .window = rate_window_names[w],
            .limit = limit,
            .used = seen->windows[w].used,
            .left = left == INT64_MAX ? -1 : left,
        };
    }
    s->report.quota = quota;
    s->report.quota_count = RATE_WINDOW_COUNT;
    return 0;
}

/* A ledger that cannot be read says nothing about the quota, but the rest of the status holds. */
static int read_quota(struct status *s, const struct ledger_config *config, struct ccd_error *err)
{
    struct ccd_error why = {0};
    struct ledger_view seen;
    int status = ledger_peek(config, &seen, &why);
    if (status == CCD_NO_MEMORY)
        return status_no_memory(err);
    if (status == 0)
        return show_quota(s, &seen, err);
    log_warning(&s->client->log, NULL, "%s", why.message);
    return 0;
}

/* ---- one call ---- */

static int take_nothing(void *user, struct str name)
{
    (void)user, (void)name;
    return 0;
}

static enum reply_verdict classify(void *user, struct reply_decoder *decoder,
                                   const struct reply_input *input, struct ccd_error *err)
{
    int64_t total = 0;
    return reply_classify_names(decoder, input, take_nothing, user, &total, err);
}

static int call_once(struct status *s, struct http_client *http, struct ledger *ledger,
                     struct reply_decoder *decoder, struct ccd_error *err)
{
    struct caller caller = {
        .http = http,
        .ledger = ledger,
        .decoder = decoder,
        .retry = retry_policy_default,
        .clock = &s->client->clock,
        .log = &s->client->log,
        .rng = {(uint64_t)clock_mono_us(NULL)},
        .max_calls = 1,
        .stop_level = client_stop_level,
        .stop_user = s->client,
    };
    struct buf path;
    enum reply_verdict verdict = REPLY_PAGE;
    caller.retry.attempts_max = 1;
    buf_init(&path, PATH_MAX_BYTES, NULL);
    int status = request_top_assets(&path, 1, CHECK_PAGE_SIZE) == 0
                     ? call_make(&caller, path.data, classify, NULL, &verdict, err)
                     : status_no_memory(err);
    buf_release(&path);
    return status;
}

/* *err tells how it went. */
static void check_vendor(struct status *s, struct http_client *http,
                         const struct ledger_config *config, struct ccd_error *err)
{
    struct ledger *ledger = NULL;
    struct reply_decoder decoder = {0};
    if (!s->report.key_given) {
        error_set(err, CCD_KEY_REJECTED,
                  "no API key: set CCDATA_API_KEY in the environment or in .env");
        return;
    }
    int status = ledger_open(config, &ledger, err);
    if (status == 0)
        status = reply_decoder_init(&decoder, NULL, err);
    if (status == 0)
        status = call_once(s, http, ledger, &decoder, err);
    if (status == 0)
        error_clear(err); /* a refusal of the request itself is an answer, too */
    reply_decoder_release(&decoder);
    ledger_close(ledger);
}

/* Who throttles us or refuses our key has answered. */
static void conclude(struct status *s)
{
    enum ccd_status status = s->report.vendor_error.status;
    s->report.vendor_checked = true;
    s->report.vendor_reachable = status == CCD_OK || status == CCD_THROTTLED ||
                                 (status == CCD_KEY_REJECTED && s->report.key_given);
    s->report.key_valid = status == CCD_OK;
}

int status_read_vendor(struct status *s, struct ccd_error *err)
{
    struct http_client *http = NULL;
    char directory[STATE_PATH_BYTES];
    s->report.key_given = config_secret(s->client->config, CONFIG_CCDATA_API_KEY).len > 0;
    int status = vendor_open_http(s->client, CONFIG_DATA_API_BASE_URL, 1, &http, err);
    if (status != 0)
        return status;
    s->report.vendor = status_keep(s, http_origin(http), err);
    const struct ledger_config config = vendor_ledger_config(s->client, http, directory);
    if (!s->report.vendor)
        status = CCD_NO_MEMORY;
    if (status == 0 && s->options.check_vendor) {
        check_vendor(s, http, &config, &s->report.vendor_error);
        redact(&s->client->redactor, s->report.vendor_error.message);
        conclude(s);
    }
    if (status == 0 && s->report.key_given)
        status = read_quota(s, &config, err);
    http_client_free(http);
    return status;
}
