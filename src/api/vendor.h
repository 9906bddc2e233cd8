/* From the settings to the vendor: limits, ledger, connection. */
#ifndef API_VENDOR_H
#define API_VENDOR_H

#include "api/client.h"
#include "engine/call.h"
#include "engine/ledger.h"
#include "http/client.h"

enum { STATE_PATH_BYTES = 4096, RESERVE_PERCENT_MAX = 90 };

/* The limits that the settings set. */
struct limiter_limits vendor_limits(const struct config *config);
/* Of DATA_API_BASE_URL or MIN_API_BASE_URL, with the key; sends nothing. */
int vendor_open_http(struct ccd_client *client, enum config_id base_url, int max_in_flight,
                     struct http_client **out, struct ccd_error *err);
/* The same for one call that may take timeout_ms at most; 0 = API_REQUEST_TIMEOUT. */
int vendor_open_http_within(struct ccd_client *client, enum config_id base_url, int64_t timeout_ms,
                            struct http_client **out, struct ccd_error *err);
/* Of the ledger that this connection's calls are counted in. directory: room for its path; a host
 * without one has a ledger in memory only. Borrows all of it. */
struct ledger_config vendor_ledger_config(struct ccd_client *client, const struct http_client *http,
                                          int64_t reserve_percent,
                                          char directory[STATE_PATH_BYTES]);
/* The ledger's view of each window; without a ledger, what the settings allow. */
void vendor_quota_windows(const struct ccd_client *client, const struct ledger_view *seen,
                          struct ccd_quota_window out[RATE_WINDOW_COUNT]);
/* The vendor's clock less ours, to a second, as its reply said. */
struct vendor_clock {
    int64_t ahead_s;
    bool is_known;
};
/* One call, counted in the ledger, without a second try. out_clock may be NULL. KEY_REJECTED
 * without a key. */
int vendor_ask_once(struct ccd_client *client, struct http_client *http,
                    const struct ledger_config *ledger, const char *path_and_query,
                    call_classify *classify, void *user, struct vendor_clock *out_clock,
                    struct ccd_error *err);

#endif
