#include "serve/answer.h"

#include "base/buf.h"

#define TEXT_TYPE "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define JSON_TYPE "application/json; charset=utf-8"

/* A body and how it is given back; response is NULL when there was no memory. */
struct answer {
    unsigned http_status;
    const char *type;
    struct MHD_Response *response;
};

static const char INDEX[] = "ccdata\n\n"
                            "/metrics  counters and gauges, Prometheus text format\n"
                            "/healthz  whether it is well, JSON\n"
                            "/status   what it does and has, JSON\n";

static struct answer constant(unsigned http_status, const char *type, const char *text)
{
    return (struct answer){
        http_status, type,
        MHD_create_response_from_buffer(str_from(text).len, (void *)text, MHD_RESPMEM_PERSISTENT)};
}

static struct answer answer_index(struct ccd_server *server)
{
    (void)server;
    return constant(200, TEXT_TYPE, INDEX);
}

static void give_back_memory(void *ptr)
{
    mem_free(NULL, ptr);
}

static int add_to_body(void *user, const char *text, size_t bytes)
{
    return buf_add(user, text, bytes);
}

static struct answer answer_metrics(struct ccd_server *server)
{
    struct buf body;
    buf_init(&body, SERVE_BODY_BYTES_MAX, NULL);
    pthread_mutex_lock(&server->metrics_lock);
    bool has_failed = !server->metrics || server->metrics(server->metrics_user, add_to_body, &body);
    pthread_mutex_unlock(&server->metrics_lock);
    if (has_failed || body.failed || !body.data) {
        buf_release(&body);
        return constant(503, TEXT_TYPE, "503: no metrics at this moment\n");
    }
    struct answer answer = {
        200, METRICS_TYPE,
        MHD_create_response_from_buffer_with_free_callback(body.len, body.data, give_back_memory)};
    if (!answer.response)
        buf_release(&body);
    return answer;
}

static void give_back_snapshot(void *ptr)
{
    snapshot_release(ptr);
}

static struct answer answer_page(struct ccd_server *server, enum server_page page)
{
    pthread_mutex_lock(&server->pages_lock);
    struct snapshot *snapshot = snapshot_hold(server->pages[page]);
    pthread_mutex_unlock(&server->pages_lock);
    if (!snapshot) {
        return constant(503, JSON_TYPE,
                        "{\"verdict\":\"unknown\",\"reason\":\"nothing was published yet\"}\n");
    }
    struct answer answer = {snapshot->http_status, JSON_TYPE,
                            MHD_create_response_from_buffer_with_free_callback_cls(
                                snapshot->len, snapshot->text, give_back_snapshot, snapshot)};
    if (!answer.response)
        snapshot_release(snapshot);
    return answer;
}

static struct answer answer_healthz(struct ccd_server *server)
{
    return answer_page(server, SERVER_HEALTHZ);
}

static struct answer answer_status(struct ccd_server *server)
{
    return answer_page(server, SERVER_STATUS);
}

struct route {
    struct str path;
    struct answer (*answer)(struct ccd_server *server);
    bool is_open; /* asks for no token: probes have none, and it tells little */
    int page;     /* enum server_page; -1 = nothing is published there */
};

static const struct route ROUTES[] = {
    {{"/", 1}, answer_index, false, -1},
    {{"/metrics", 8}, answer_metrics, false, -1},
    {{"/healthz", 8}, answer_healthz, true, SERVER_HEALTHZ},
    {{"/status", 7}, answer_status, false, SERVER_STATUS},
};

static const struct route *find_route(struct str path)
{
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++)
        if (str_equal(ROUTES[i].path, path))
            return &ROUTES[i];
    return NULL;
}

bool answer_find_page(struct str route, enum server_page *out_page)
{
    const struct route *found = find_route(route);
    if (!found || found->page < 0)
        return false;
    *out_page = (enum server_page)found->page;
    return true;
}

static struct answer answer_verdict(enum guard_verdict verdict)
{
    return verdict == GUARD_TOO_MANY
               ? constant(429, TEXT_TYPE, "429: too many wrong tokens; wait a minute\n")
               : constant(401, TEXT_TYPE,
                          "401: send Authorization: Bearer and the token of CCDATA_SERVE_TOKEN\n");
}

static struct answer answer_route(struct ccd_server *server, const struct request *request,
                                  const struct slot *slot)
{
    const struct refusal *refusal = request_refusal(request, &server->guard);
    if (refusal)
        return constant(refusal->http_status, TEXT_TYPE, refusal->text);
    const struct route *route = find_route(request->target);
    if (!route || !route->is_open) {
        enum guard_verdict verdict = guard_check_token(&server->guard, request->authorization,
                                                       &slot->peer, clock_mono_us(NULL));
        if (verdict != GUARD_ALLOWED)
            return answer_verdict(verdict);
    }
    return route ? route->answer(server)
                 : constant(404, TEXT_TYPE, "404: there are /metrics, /healthz and /status\n");
}

/* Browsers are told to run, frame, sniff, keep and share nothing of what comes from here. */
static void add_headers(const struct answer *answer, bool is_last)
{
    static const char *const HEADERS[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++)
        (void)MHD_add_response_header(answer->response, HEADERS[i][0], HEADERS[i][1]);
    (void)MHD_add_response_header(answer->response, "Content-Type", answer->type);
    if (answer->http_status == 405)
        (void)MHD_add_response_header(answer->response, "Allow", "GET, HEAD");
    if (answer->http_status == 401)
        (void)MHD_add_response_header(answer->response, "WWW-Authenticate", "Bearer");
    if (answer->http_status == 429)
        (void)MHD_add_response_header(answer->response, "Retry-After", "60");
    if (is_last)
        (void)MHD_add_response_header(answer->response, "Connection", "close");
}

/* What was refused for its form may be understood differently by the two sides, so nothing that
 * follows on the connection is read. */
static bool is_last_answer(const struct answer *answer, const struct slot *slot)
{
    unsigned status = answer->http_status;
    return slot->requests >= SLOT_REQUESTS_MAX || status == 400 || status == 405 || status == 421 ||
           status == 431 || status == 505;
}

static struct slot *slot_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

enum MHD_Result answer_request(void *user, struct MHD_Connection *connection, const char *target,
                               const char *method, const char *version, const char *body,
                               size_t *body_bytes, void **request_state)
{
    (void)body;
    (void)body_bytes;
    struct ccd_server *server = user;
    struct slot *slot = slot_of(connection);
    struct request request;
    if (!slot)
        return MHD_NO;
    request_read(&request, connection, target, method, version);
    if (!*request_state) {
        *request_state = slot;
        slot_begin_answer(slot, clock_mono_us(NULL));
        /* An answer that is queued before a body came ends the connection; without a body it is
         * queued when libmicrohttpd calls again. */
        if (!request.has_body)
            return MHD_YES;
    }
    struct answer answer = answer_route(server, &request, slot);
    if (!answer.response)
        return MHD_NO;
    add_headers(&answer, is_last_answer(&answer, slot));
    enum MHD_Result result = MHD_queue_response(connection, answer.http_status, answer.response);
    MHD_destroy_response(answer.response);
    return result;
}
