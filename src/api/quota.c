/* ccd_quota_read: what the ledger has counted and, when asked to, what the vendor has. */
#include <string.h>

#include "api/vendor.h"
#include "base/arena.h"
#include "model/request.h"

enum { REPORT_MAX_BYTES = 1 << 20, PATH_MAX_BYTES = 128 };

struct quota {
    struct ccd_quota_report report; /* first: the caller's pointer is this one */
    struct ccd_client *client;
    struct ccd_quota_options options;
    struct arena arena;
};

static int no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for a report of the quota");
}

static int init(struct quota *q, struct ccd_client *client, const struct ccd_quota_options *options,
                struct ccd_error *err)
{
    arena_init(&q->arena, REPORT_MAX_BYTES, NULL);
    q->client = client;
    if (options)
        memcpy(&q->options, options,
               options->size < sizeof(q->options) ? options->size : sizeof(q->options));
    q->report.now_utc_s = clock_utc_s(&client->clock);
    if (q->options.reserve_percent < 0 || q->options.reserve_percent > RESERVE_PERCENT_MAX)
        return error_set(err, CCD_USAGE, "reserve: 0 to %d percent", RESERVE_PERCENT_MAX);
    if (config_secret(client->config, CONFIG_CCDATA_API_KEY).len == 0)
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    return 0;
}

/* ---- the ledger ---- */

static int show_ledger(struct quota *q, const struct ledger_view *seen, struct ccd_error *err)
{
    struct ccd_quota_window *windows = arena_alloc(&q->arena, RATE_WINDOW_COUNT * sizeof(*windows));
    if (!windows)
        return no_memory(err);
    vendor_quota_windows(q->client, seen, windows);
    q->report.windows = windows;
    q->report.window_count = RATE_WINDOW_COUNT;
    q->report.is_known = seen->is_known;
    if (!seen->is_known || seen->wait_us == 0)
        return 0;
    q->report.wait_ms = (seen->wait_us + 999) / 1000;
    q->report.resume_utc_s = q->report.now_utc_s + (seen->wait_us + 999999) / 1000000;
    if (seen->wait_window < RATE_WINDOW_COUNT)
        q->report.wait_window = rate_window_names[seen->wait_window];
    /* A key that is refused stays so when its quota is back. */
    if (seen->wait_window >= RATE_HOUR && seen->wait_window < RATE_WINDOW_COUNT &&
        q->report.vendor_error.status != CCD_KEY_REJECTED)
        q->report.exit_code = ccd_status_exit_code(CCD_QUOTA_EXHAUSTED);
    return 0;
}

/* ---- the vendor ---- */

static enum reply_verdict classify(void *user, struct reply_decoder *decoder,
                                   const struct reply_input *input, struct ccd_error *err)
{
    return reply_classify_quota(decoder, input, user, err);
}

static int show_vendor(struct quota *q, const struct quota_said *said, struct ccd_error *err)
{
    size_t capacity = QUOTA_BLOCK_COUNT * RATE_WINDOW_COUNT;
    struct ccd_vendor_quota *rows = arena_alloc(&q->arena, capacity * sizeof(*rows));
    if (!rows)
        return no_memory(err);
    q->report.vendor_quota = rows;
    for (int b = 0; b < QUOTA_BLOCK_COUNT; b++)
        for (int w = 0; w < RATE_WINDOW_COUNT && said->has[b]; w++)
            rows[q->report.vendor_quota_count++] = (struct ccd_vendor_quota){
                .block = quota_block_names[b],
                .window = rate_window_names[w],
                .limit = said->blocks[b].max[w],
                .used = said->blocks[b].used[w],
                .left = said->blocks[b].remaining[w],
            };
    return 0;
}

/* Others may have spent it, so that our own count knows nothing of it. AUTH_KEY is the quota of
 * those without a key. */
static void judge_vendor(struct quota *q, const struct quota_said *said)
{
    const struct quota_counts *counts = &said->blocks[QUOTA_API_KEY];
    for (int w = RATE_HOUR; w < RATE_WINDOW_COUNT && said->has[QUOTA_API_KEY]; w++)
        if (counts->max[w] > 0 && counts->remaining[w] == 0)
            error_set(&q->report.vendor_error, CCD_QUOTA_EXHAUSTED,
                      "the vendor counts no call left of the key's %s: %lld of %lld are used",
                      rate_window_names[w], (long long)counts->used[w], (long long)counts->max[w]);
}

static int ask_vendor(struct quota *q, struct http_client *http, const struct ledger_config *config,
                      struct ccd_error *err)
{
    struct buf path;
    struct quota_said said = {0};
    struct ccd_error *why = &q->report.vendor_error;
    buf_init(&path, PATH_MAX_BYTES, NULL);
    int status = request_quota(&path) == 0 ? 0 : no_memory(err);
    q->report.vendor_checked = true;
    struct vendor_clock seen = {0};
    if (status == 0 &&
        vendor_ask_once(q->client, http, config, path.data, classify, &said, &seen, why) == 0) {
        status = show_vendor(q, &said, err);
        judge_vendor(q, &said);
    }
    q->report.clock_known = seen.is_known;
    q->report.clock_ahead_s = seen.ahead_s;
    buf_release(&path);
    redact(&q->client->redactor, why->message);
    if (why->status != CCD_OK)
        q->report.exit_code = ccd_status_exit_code(why->status);
    return status;
}

static int read(struct quota *q, struct http_client *http, struct ccd_error *err)
{
    char directory[STATE_PATH_BYTES];
    struct ledger_view seen;
    const struct ledger_config config = vendor_ledger_config(q->client, http,
                                                             q->options.reserve_percent, directory);
    q->report.vendor = arena_copy_text(&q->arena, str_from(http_origin(http)));
    int status = q->report.vendor ? 0 : no_memory(err);
    if (status == 0 && q->options.check_vendor)
        status = ask_vendor(q, http, &config, err);
    if (status == 0)
        status = ledger_peek(&config, &seen, err);
    if (status == 0)
        status = show_ledger(q, &seen, err);
    return status;
}

int ccd_quota_read(struct ccd_client *client, const struct ccd_quota_options *options,
                   struct ccd_quota_report **out_report, struct ccd_error *err)
{
    struct http_client *http = NULL;
    struct quota *q = mem_new(NULL, 1, sizeof(*q));
    if (!q)
        return no_memory(err);
    int status = init(q, client, options, err);
    if (status == 0)
        status = vendor_open_http_within(client, CONFIG_DATA_API_BASE_URL, q->options.timeout_ms,
                                         &http, err);
    if (status == 0)
        status = read(q, http, err);
    http_client_free(http);
    if (status == 0)
        *out_report = &q->report;
    else
        ccd_quota_free(&q->report);
    return status;
}

void ccd_quota_free(struct ccd_quota_report *report)
{
    struct quota *q = (struct quota *)report;
    if (!q)
        return;
    arena_release(&q->arena);
    mem_free(NULL, q);
}
