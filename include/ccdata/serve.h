/* A small HTTP listener for scrapers and probes: /metrics, /healthz, /status and a plain index. It
 * only reads: GET and HEAD, nothing it is asked changes anything. Its own thread serves; it never
 * touches a client or a database, it shows what the program published or what the program's
 * function writes. Since 0.1. */
#ifndef CCDATA_SERVE_H
#define CCDATA_SERVE_H

#include <stddef.h>

#include <ccdata/error.h>

/* The same type as in <ccdata/metrics.h>: takes the next bytes of a text; non-zero stops. */
typedef int ccd_metrics_write_fn(void *user, const char *text, size_t bytes);

/* Borrowed during ccd_server_start. */
struct ccd_server_options {
    size_t size;
    const char *host; /* IPv4 or IPv6 address without brackets, or "localhost" (127.0.0.1); NULL =
                         127.0.0.1 */
    int port;         /* 0 to 65535; 0 = any free one */
    /* Bearer token, 22 to 256 printable ASCII characters, asked on every route but /healthz; NULL
     * or "" = none. An address that is not loopback needs one. */
    const char *token;
    /* Further names that clients may call the server by, "name" (with its own port) or
     * "name:port"; at most 32. Every other Host is refused: pages of other sites cannot read it. */
    const char *const *names;
    size_t name_count;
};

struct ccd_server;
/* Listen and start the thread. The server is the caller's, until ccd_server_stop. Errors: CONFIG
 * (address, port, token, name; native code errno), NO_MEMORY, INTERNAL. Any thread. */
CCD_API int ccd_server_start(const struct ccd_server_options *options,
                             struct ccd_server **out_server, struct ccd_error *err);

/* The same with the address, port, token and names of the client's settings (PROMETHEUS_HOST,
 * PROMETHEUS_PORT, CCDATA_SERVE_TOKEN, CCDATA_SERVE_NAMES). */
struct ccd_client;
CCD_API int ccd_server_start_configured(struct ccd_client *client, struct ccd_server **out_server,
                                        struct ccd_error *err);

/* Where it listens: "127.0.0.1:9464", "[::1]:9464". Lives as long as the server. Any thread. */
CCD_API const char *ccd_server_address(const struct ccd_server *server);

/* Writes the whole body of /metrics (Prometheus text format 0.0.4, at most 4 MiB) through
 * write(write_user, …); non-zero answers 503. Called on the server's thread at each scrape. */
typedef int ccd_server_body_fn(void *user, ccd_metrics_write_fn *write, void *write_user);

/* Set or, with NULL, take away what writes /metrics; without one it answers 503. When it returns,
 * the function of before does not run any more. Any thread, but not from within that function. */
CCD_API void ccd_server_on_metrics(struct ccd_server *server, ccd_server_body_fn *body, void *user);

/* Show `json` (UTF-8, copied, at most 4 MiB) with http_status (200 to 599) on "/status" or
 * "/healthz" from now on; both answer 503 until then. Answers under way keep what they began with.
 * Errors: USAGE, NO_MEMORY; then what was shown stays. Any thread. */
CCD_API int ccd_server_publish(struct ccd_server *server, const char *route, int http_status,
                               const char *json, struct ccd_error *err);

/* Close the port and all connections, end the thread, free the server. NULL is fine. */
CCD_API void ccd_server_stop(struct ccd_server *server);

#endif
