/* From the settings to the vendor: limits, ledger, connection. */
#ifndef API_VENDOR_H
#define API_VENDOR_H

#include "api/client.h"
#include "engine/ledger.h"
#include "http/client.h"

enum { STATE_PATH_BYTES = 4096 };

/* The limits that the settings set. */
struct limiter_limits vendor_limits(const struct config *config);
/* Of DATA_API_BASE_URL or MIN_API_BASE_URL, with the key; sends nothing. */
int vendor_open_http(struct ccd_client *client, enum config_id base_url, int max_in_flight,
                     struct http_client **out, struct ccd_error *err);
/* Of the ledger that this connection's calls are counted in. directory: room for its path; a host
 * without one has a ledger in memory only. Borrows all of it. */
struct ledger_config vendor_ledger_config(struct ccd_client *client, const struct http_client *http,
                                          char directory[STATE_PATH_BYTES]);

#endif
