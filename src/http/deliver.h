/* One POST to an address that the user's configuration, or whoever wrote it, chose.
 * Invariant: the address is judged at the moment of the connection, after the name was resolved, so
 * no second answer of a resolver can slip in between; redirects, proxies, cookies and .netrc are
 * not followed; it ends within its deadline; no error text has any part of the URL, which is a
 * secret. */
#ifndef HTTP_DELIVER_H
#define HTTP_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    DELIVER_DEADLINE_MS = 5000,
    DELIVER_ANSWER_MAX_BYTES = 64 << 10, /* thrown away; a longer one ends the exchange */
};

struct delivery {
    const char *url;          /* https://; http:// to loopback addresses only, with allow_private */
    const char *content_type; /* "application/json" */
    const char *signature;    /* value of X-Ccdata-Signature; NULL = none */
    struct str body;          /* borrowed */
    const char *ca_file;      /* extra trust anchor; NULL = system */
    const char *resolve;      /* "host:port:address", an answer of a resolver; NULL = ask it */
    bool allow_private;       /* private networks and this computer, too */
    int64_t deadline_ms;      /* name, connection, TLS and answer together; 0 = 5,000 */
};

/* Errors: CONFIG (URL or header that cannot be sent, address not allowed), NETWORK, TLS,
 * VENDOR_UNAVAILABLE (429, 5xx: later perhaps), BAD_REQUEST (any other status but 2xx), BAD_REPLY,
 * NO_MEMORY. Blocks. Any thread. */
int deliver_post(const struct delivery *delivery, struct ccd_error *err);

#endif
