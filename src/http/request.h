/* One transfer: its handle, what libcurl calls, and its options.
 * Invariant: a request is written to a connection at most once; what is kept of its reply stays
 * within the caps. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <curl/curl.h>

#include "http/base_url.h"
#include "http/client.h"
#include "http/sockets.h"

enum request_state { REQUEST_IDLE, REQUEST_RUNNING, REQUEST_DONE };

struct request {
    CURL *easy; /* NULL = to be opened */
    enum request_state state;
    struct request *next_done;
    struct socket_table *sockets; /* the client's */
    bool stale;   /* not sent: its kept-alive connection was no good; to be started on a new one */
    bool on_wire; /* it was sent, or may have been */
    bool resend_refused;
    bool headers_complete;
    bool framed;         /* the reply says where its body ends */
    size_t header_bytes; /* received, with interim replies and trailers */
    /* Why we ended the transfer ourselves; CURLE_OK = we did not. */
    CURLcode refused_with;
    const char *refusal;
    struct http_reply reply;
    char detail[CURL_ERROR_SIZE];
};

/* The same for all transfers of a client. */
struct request_options {
    struct base_url base_url;
    char *user_agent; /* NULL = none */
    char *ca_file;    /* NULL = system */
    struct curl_slist *headers;
    struct socket_table *sockets;
    long connect_timeout_ms;
    long total_timeout_ms;
    long low_speed_bytes_s;
    long low_speed_s;
    long dns_cache_s; /* how long an address that was found is used */
};

/* Make a slot ready for a new exchange; keeps the handle. */
void request_clear(struct request *request, void *tag, const struct allocator *allocator);

/* A handle is used again only after a success: libcurl 7.88 keeps the half of a transfer that ran
 * out of memory, and refuses options from then on. */
bool request_open(struct request *request); /* false = no memory; an open one stays */
void request_close(struct request *request);

/* Every request starts from a reset handle, so nothing of one exchange reaches the next;
 * connections, names and TLS sessions live in the multi handle and stay. */
CURLcode request_prepare(struct request *request, const struct request_options *options,
                         const char *url);

#endif
