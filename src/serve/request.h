/* What a request's head says, as far as it decides anything, and whether it is one that is
 * answered. Texts are borrowed from libmicrohttpd and live as long as the request. */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include <microhttpd.h>

#include "serve/guard.h"

enum { REQUEST_HEAD_BYTES_MAX = 8192 };

struct request {
    struct str target; /* as it came: nothing is unescaped; without what follows '?' */
    struct str method, version;
    struct str host, origin, fetch_site, authorization;
    unsigned host_count, length_count, encoding_count, authorization_count, origin_count;
    unsigned site_count;
    bool has_body;
    bool is_odd; /* a name or a value with bytes that neither may have */
    size_t head_bytes;
};

void request_read(struct request *request, struct MHD_Connection *connection, const char *target,
                  const char *method, const char *version);

/* Why a request is refused, whatever it asks for; its own table in request.c has the texts. */
struct refusal {
    unsigned http_status;
    const char *text;
};
/* NULL: it may be answered. The Host is judged before all else. */
const struct refusal *request_refusal(const struct request *request, const struct guard *guard);

#endif
