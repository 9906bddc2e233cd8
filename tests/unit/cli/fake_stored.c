#include "fake_stored.h"

#include <string.h>

#include "base/str.h"

struct fake_stored fake_stored;

void fake_stored_reset(void)
{
    fake_stored = (struct fake_stored){
        .status = {.now_utc_s = 1767268800, /* 2026-01-01T12:00:00Z */
                   .system = "healthy",
                   .database = "sqlite:ccdata.db",
                   .dialect = "sqlite",
                   .database_reachable = true,
                   .vendor = "https://data-api.coindesk.com:443",
                   .api_clients = 2,
                   .cache_backend = "memory"},
        .coverage = {.data_type = "spot_ohlcv",
                     .interval = "1d",
                     .step_s = 86400,
                     .database = "sqlite:ccdata.db"},
    };
}

static void append(const char *text)
{
    size_t len = strlen(fake_stored.names);
    str_print(fake_stored.names + len, STORED_TEXT_BYTES - len, "%s%s", len ? " " : "",
              text ? text : "-");
}

static void append_all(const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append(items[i]);
}

static int result(struct ccd_error *err)
{
    if (fake_stored.error.status != CCD_OK)
        *err = fake_stored.error;
    return (int)fake_stored.error.status;
}

int ccd_status_read(struct ccd_client *client, const struct ccd_status_options *options,
                    struct ccd_status_report **out_report, struct ccd_error *err)
{
    (void)client;
    fake_stored.status_options = *options;
    *out_report = fake_stored.error.status == CCD_OK ? &fake_stored.status : NULL;
    return result(err);
}

void ccd_status_free(struct ccd_status_report *report)
{
    fake_stored.freed += report != NULL;
}

const char *ccd_range_state_name(enum ccd_range_state state)
{
    static const char *const NAMES[] = {"stored",       "missing",   "empty",
                                        "before_start", "after_end", "rejected"};
    return NAMES[state];
}

int ccd_coverage_read(struct ccd_client *client, const struct ccd_job *job,
                      struct ccd_coverage_report **out_report, struct ccd_error *err)
{
    (void)client;
    const char *const texts[] = {job->data_type,  job->interval, job->market,
                                 job->instrument, job->from,     job->to};
    fake_stored.job = *job;
    append_all(texts, sizeof texts / sizeof texts[0]);
    append_all(job->exchanges, job->exchange_count);
    append_all(job->instruments, job->instrument_count);
    *out_report = fake_stored.error.status == CCD_OK ? &fake_stored.coverage : NULL;
    return result(err);
}

void ccd_coverage_free(struct ccd_coverage_report *report)
{
    fake_stored.freed += report != NULL;
}

int ccd_list_read(struct ccd_client *client, const struct ccd_list_options *options,
                  struct ccd_listing **out_listings, size_t *out_count, struct ccd_error *err)
{
    (void)client;
    fake_stored.list_options = *options;
    append(options->what);
    append_all(options->markets, options->market_count);
    append_all(options->names, options->name_count);
    append_all(options->statuses, options->status_count);
    if (fake_stored.error.status == CCD_OK) {
        *out_listings = fake_stored.listings;
        *out_count = fake_stored.listing_count;
    }
    return result(err);
}

void ccd_list_free(struct ccd_listing *listings, size_t count)
{
    (void)count;
    fake_stored.freed += listings != NULL;
}
