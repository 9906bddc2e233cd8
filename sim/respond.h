/* From a request to a reply: key, quota, fault, body, headers, log line. No sockets.
 * Invariant: a reply owns a hold of its body; head and body together are the bytes of the reply. */
#ifndef SIM_RESPOND_H
#define SIM_RESPOND_H

#include "sim/http.h"
#include "sim/page_cache.h"
#include "sim/settings.h"

/* How the bytes of a reply end. */
enum reply_ending {
    ENDING_KEEP, /* the connection serves the next request */
    ENDING_CLOSE,
    ENDING_RESET, /* RST instead of FIN */
    ENDING_STALL, /* nothing is ever sent */
};

enum { CHUNK_BYTES = 16 << 10 };

struct reply {
    struct buf head;
    struct body *body; /* NULL = none */
    bool chunked;      /* body goes in chunks of CHUNK_BYTES; else as it is */
    bool drip;         /* in small pieces with pauses */
    enum reply_ending ending;
    size_t wire_limit; /* so many bytes of the reply are sent at most */
};
/* Body bytes on the wire, framing included. */
size_t reply_framed_bytes(const struct reply *reply);

struct responder;
int responder_new(const struct settings *settings, const struct allocator *allocator,
                  struct responder **out, struct ccd_error *err);
void responder_free(struct responder *responder);

/* Answer a request that http_request_parse returned `status` for. reply->head must be an
 * initialised buffer; the rest is overwritten (body is the caller's to drop). */
void responder_answer(struct responder *r, int status, const struct http_request *request,
                      uint64_t connection, struct reply *reply);

#endif
