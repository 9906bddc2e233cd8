/* HTTP/1.1 requests as bytes. No I/O. Invariant: what is not exactly a request is refused with a
 * status; nothing is read beyond len. */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include "base/str.h"

enum { HTTP_HEAD_MAX_BYTES = 16 << 10 };

/* Text points into the bytes that were parsed. */
struct http_request {
    struct str method;
    struct str target; /* path and query */
    struct str path;
    struct str query;
    struct str key; /* API key of a header, empty = none */
    bool http_1_0;
    bool keep_alive;
    bool gzip;         /* the client takes it */
    size_t size_bytes; /* of the head, blank line included */
};

enum { HTTP_INCOMPLETE = 0 };
/* HTTP_INCOMPLETE, 200, or the status to refuse with (400, 405, 414, 431, 505); after a refusal the
 * connection ends, as the bytes that follow have no known beginning. A request with a body is
 * refused: GET has none here. */
int http_request_parse(const char *bytes, size_t len, struct http_request *out_request);

const char *http_reason(int status);

#endif
