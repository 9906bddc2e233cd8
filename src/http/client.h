/* libcurl multi: bytes in, bytes out. One thread. HTTP/1.1 keep-alive; bodies are delivered raw
 * (not inflated). Invariant: a request ends exactly once: done or failed; nothing outlives its
 * deadline; the key goes out in the Authorization header to its own origin only; one http_send puts
 * at most one request on the wire. Redirects are not followed; cookies, .netrc and the proxy
 * variables of the environment are ignored: there is no proxy support. No signal is used or
 * blocked: a program on a libcurl older than 7.87 must ignore SIGPIPE itself. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"

enum {
    HTTP_BODY_MAX_BYTES = 32 << 20, /* as received, before inflating */
    HTTP_HEADERS_MAX_BYTES = 64 << 10,
};

struct http_config {
    const char *base_url; /* "https://host[:port][/data]"; http:// for loopback addresses only */
    const char *api_key;  /* NULL or "" = no Authorization header; checked for control characters */
    int max_in_flight;    /* connections and requests at once, 1…64 */
    int64_t connect_timeout_ms; /* this and the next three: 0 = the default, 10,000 */
    int64_t total_timeout_ms;   /* 60,000 */
    int64_t low_speed_bytes_s;  /* 1,000 over low_speed_s ends the transfer */
    int64_t low_speed_s;        /* 20 */
    const char *user_agent;     /* "ccdata/0.1.0" */
    const char *ca_file;        /* extra trust anchor for tests; NULL = system */
    const struct allocator *allocator;
    const struct log *log;
    const struct clock *clock; /* for the two stamps of a reply; NULL = the process's own */
};

/* One finished exchange. */
struct http_reply {
    void *tag;       /* as given to http_send */
    long status;     /* 0 when no reply came */
    struct buf body; /* ownership moves to the caller, who releases it; empty when error is set */
    struct buf header_lines;  /* of the final reply, each ended by CRLF; the caller's, too */
    int64_t sent_utc_us;      /* when the request was handed to libcurl */
    int64_t received_mono_us; /* when the reply was complete or its connection was closed */
    struct ccd_error error;   /* CCD_OK, CCD_NETWORK, CCD_TLS, CCD_BAD_REPLY (caps, cut) … */
};

struct http_client;
/* Checks base URL and key: CCD_CONFIG with a message that names the variable (DATA_API_BASE_URL …)
 * passed as `name`. */
int http_client_new(const struct http_config *config, const char *name, struct http_client **out,
                    struct ccd_error *err);
void http_client_free(struct http_client *client); /* drops what is in flight */

/* Start GET base_url + path_and_query. At most max_in_flight at once (else CCD_INTERNAL). */
int http_send(struct http_client *client, const char *path_and_query, void *tag,
              struct ccd_error *err);
int http_in_flight(const struct http_client *client); /* sent and not yet taken */

/* Let transfers progress for up to timeout_ms, or until one is done or wakeup is called. */
int http_poll(struct http_client *client, int64_t timeout_ms, struct ccd_error *err);
/* Next finished exchange; false when there is none. The caller releases body and header_lines. */
bool http_take(struct http_client *client, struct http_reply *out_reply);
/* From any thread: make http_poll return soon. */
void http_wakeup(struct http_client *client);
/* "scheme://host:port" without path, for state file names and messages. */
const char *http_origin(const struct http_client *client);
/* How often a kept-alive connection was found dead under a request and libcurl wanted to send it
 * once more: refused, because the first may have arrived and counts against the quota. Each ended
 * as CCD_NETWORK, to be sent anew. */
uint64_t http_resends_refused(const struct http_client *client);
/* libcurl version line for --version. */
const char *http_library(void);

#endif
