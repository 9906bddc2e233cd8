#include "api/status.h"
#include "api/vendor.h"
#include "model/request.h"

enum { PATH_MAX_BYTES = 1024, CHECK_PAGE_SIZE = 10 };

/* ---- the quota ---- */

static int show_quota(struct status *s, const struct ledger_view *seen, struct ccd_error *err)
{
    struct ccd_quota_window *quota = arena_alloc(&s->arena, RATE_WINDOW_COUNT * sizeof(*quota));
    if (!quota)
        return status_no_memory(err);
    vendor_quota_windows(s->client, seen, quota);
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

/* *err tells how it went. */
static void check_vendor(struct status *s, struct http_client *http,
                         const struct ledger_config *config, struct ccd_error *err)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES, NULL);
    int status = request_top_assets(&path, 1, CHECK_PAGE_SIZE) == 0
                     ? vendor_ask_once(s->client, http, config, path.data, classify, NULL, NULL,
                                       err)
                     : status_no_memory(err);
    if (status == 0)
        error_clear(err); /* a refusal of the request itself is an answer, too */
    buf_release(&path);
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
    const struct ledger_config config = vendor_ledger_config(s->client, http, 0, directory);
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
