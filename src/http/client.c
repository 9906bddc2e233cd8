#include "http/client.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "base/hooks.h"
#include "http/failure.h"
#include "http/request.h"

enum {
    MAX_IN_FLIGHT = 64,
    KEY_MAX_BYTES = 1024,
    PATH_MAX_BYTES = 8 << 10, /* nginx refuses a longer request line by default */

    DEFAULT_CONNECT_TIMEOUT_MS = 10000,
    DEFAULT_TOTAL_TIMEOUT_MS = 60000,
    DEFAULT_LOW_SPEED_BYTES_S = 1000,
    DEFAULT_LOW_SPEED_S = 20,

    DNS_CACHE_S = 60,
};

struct http_client {
    const struct allocator *allocator;
    const struct log *log;
    const struct clock *clock;
    struct request_options options;
    struct socket_table sockets;
    CURLM *multi;
    bool global_ready;
    struct request *requests;
    int request_count;
    int in_flight;
    struct request *first_done;
    struct request **last_done;
    uint64_t resends_refused;
    atomic_bool woken;
};

static bool is_printable(const char *text, char first)
{
    for (const char *c = text; *c; c++) {
        if (*c < first || *c > '~') {
            return false;
        }
    }
    return true;
}

static int check_config(const struct http_config *config, const char *name, struct ccd_error *err)
{
    if (config->max_in_flight < 1 || config->max_in_flight > MAX_IN_FLIGHT) {
        return error_set(err, CCD_INTERNAL, "%s: %d requests in flight; 1 to %d are possible", name,
                         config->max_in_flight, MAX_IN_FLIGHT);
    }
    if (config->user_agent && !is_printable(config->user_agent, ' ')) {
        return error_set(err, CCD_INTERNAL, "%s: the user agent has a control character", name);
    }
    if (config->api_key && !is_printable(config->api_key, '!')) {
        return error_set(err, CCD_CONFIG,
                         "the API key for %s has white space, a control character or a non-ASCII "
                         "character; copy it again, without quotes or line ends",
                         name);
    }
    if (config->api_key && strlen(config->api_key) > KEY_MAX_BYTES) {
        return error_set(err, CCD_CONFIG, "the API key for %s is over %d characters; copy it again",
                         name, KEY_MAX_BYTES);
    }
    return CCD_OK;
}

static bool add_header(struct http_client *client, const char *line)
{
    struct curl_slist *longer = curl_slist_append(client->options.headers, line);
    if (longer) {
        client->options.headers = longer;
    }
    return longer != NULL;
}

static bool add_headers(struct http_client *client, const char *api_key)
{
    if (!add_header(client, "Accept-Encoding: gzip")) {
        return false;
    }
    if (!api_key || api_key[0] == '\0') {
        return true;
    }
    char line[sizeof "Authorization: Apikey " + KEY_MAX_BYTES];
    bool added = str_print(line, sizeof line, "Authorization: Apikey %s", api_key) &&
                 add_header(client, line);
    explicit_bzero(line, sizeof line);
    return added;
}

static void free_headers(struct http_client *client)
{
    for (struct curl_slist *header = client->options.headers; header; header = header->next) {
        explicit_bzero(header->data, strlen(header->data));
    }
    curl_slist_free_all(client->options.headers);
}

static long or_default(int64_t value, long default_value)
{
    return value <= 0 ? default_value : value > INT_MAX ? INT_MAX : (long)value;
}

static bool copy_optional_text(const struct allocator *allocator, const char *text, char **out_copy)
{
    *out_copy = text ? mem_copy_text(allocator, text, strlen(text)) : NULL;
    return *out_copy || !text;
}

static bool set_up_multi(struct http_client *client)
{
    long count = client->request_count;
    client->multi = curl_multi_init();
    return client->multi &&
           !curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) &&
           !curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, count) &&
           !curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, count);
}

static bool set_up_requests(struct http_client *client)
{
    client->requests = mem_new(client->allocator, (size_t)client->request_count,
                               sizeof *client->requests);
    for (int i = 0; client->requests && i < client->request_count; i++) {
        if (!request_open(&client->requests[i])) {
            return false;
        }
    }
    return client->requests != NULL;
}

static bool set_up(struct http_client *client, const struct http_config *config)
{
    client->clock = config->clock;
    client->log = config->log;
    client->last_done = &client->first_done;
    client->options.sockets = &client->sockets;
    client->request_count = config->max_in_flight;
    client->options.connect_timeout_ms = or_default(config->connect_timeout_ms,
                                                    DEFAULT_CONNECT_TIMEOUT_MS);
    client->options.total_timeout_ms = or_default(config->total_timeout_ms,
                                                  DEFAULT_TOTAL_TIMEOUT_MS);
    client->options.low_speed_bytes_s = or_default(config->low_speed_bytes_s,
                                                   DEFAULT_LOW_SPEED_BYTES_S);
    client->options.low_speed_s = or_default(config->low_speed_s, DEFAULT_LOW_SPEED_S);
    client->options.dns_cache_s = DNS_CACHE_S;
    atomic_init(&client->woken, false);
    return copy_optional_text(client->allocator, config->user_agent, &client->options.user_agent) &&
           copy_optional_text(client->allocator, config->ca_file, &client->options.ca_file) &&
           add_headers(client, config->api_key) && set_up_multi(client) && set_up_requests(client);
}

int http_client_new(const struct http_config *config, const char *name, struct http_client **out,
                    struct ccd_error *err)
{
    *out = NULL;
    int result = check_config(config, name, err);
    if (result != CCD_OK) {
        return result;
    }
    struct http_client *client = mem_new(config->allocator, 1, sizeof *client);
    if (!client) {
        return error_set(err, CCD_NO_MEMORY, "%s: out of memory for the HTTP client", name);
    }
    client->allocator = config->allocator;
    /* Counted and thread-safe inside libcurl since 7.84. */
    client->global_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (!client->global_ready) {
        result = error_set(err, CCD_INTERNAL, "%s: libcurl cannot start", name);
        goto out;
    }
    result = base_url_init(&client->options.base_url, config->base_url, name, client->allocator,
                           err);
    if (result == CCD_OK && !set_up(client, config)) {
        result = error_set(err, CCD_NO_MEMORY, "%s: out of memory for the HTTP client", name);
    }
out:
    if (result != CCD_OK) {
        http_client_free(client);
        return result;
    }
    *out = client;
    return CCD_OK;
}

static void release_request(struct http_client *client, struct request *request)
{
    if (request->state == REQUEST_RUNNING) {
        curl_multi_remove_handle(client->multi, request->easy);
    }
    request_close(request);
    buf_release(&request->reply.body);
    buf_release(&request->reply.header_lines);
}

void http_client_free(struct http_client *client)
{
    if (!client) {
        return;
    }
    for (int i = 0; client->requests && i < client->request_count; i++) {
        release_request(client, &client->requests[i]);
    }
    mem_free(client->allocator, client->requests);
    curl_multi_cleanup(client->multi);
    free_headers(client);
    base_url_release(&client->options.base_url);
    mem_free(client->allocator, client->options.user_agent);
    mem_free(client->allocator, client->options.ca_file);
    if (client->global_ready) {
        curl_global_cleanup();
    }
    mem_free(client->allocator, client);
}

static struct request *find_idle(struct http_client *client)
{
    for (int i = 0; i < client->request_count; i++) {
        if (client->requests[i].state == REQUEST_IDLE) {
            return &client->requests[i];
        }
    }
    return NULL;
}

static int start(struct http_client *client, struct request *request, const char *url,
                 struct ccd_error *err)
{
    CURLcode code = request_prepare(request, &client->options, url);
    if (code != CURLE_OK) {
        return failure_set(err, code, "", url);
    }
    request->reply.sent_utc_us = clock_utc_us(client->clock);
    CURLMcode multi_code = curl_multi_add_handle(client->multi, request->easy);
    return multi_code ? failure_set_multi(err, multi_code, "cannot start a request") : CCD_OK;
}

int http_send(struct http_client *client, const char *path_and_query, void *tag,
              struct ccd_error *err)
{
    struct str path = str_from(path_and_query);
    if (!path_is_clean(path) || path.len > PATH_MAX_BYTES) {
        return error_set(err, CCD_INTERNAL,
                         "request path refused: not percent-encoded, or over %d characters: %.100s",
                         PATH_MAX_BYTES, path_and_query ? path_and_query : "");
    }
    struct request *request = find_idle(client);
    if (!request) {
        return error_set(err, CCD_INTERNAL, "more than %d requests in flight to %s",
                         client->request_count, client->options.base_url.origin);
    }
    struct buf url;
    buf_init(&url, PATH_MAX_BYTES + strlen(client->options.base_url.text), client->allocator);
    buf_add_text(&url, client->options.base_url.text);
    buf_add(&url, path.ptr, path.len);
    request_clear(request, tag, client->allocator);
    int result = url.failed || !request_open(request)
                     ? error_set(err, CCD_NO_MEMORY, "out of memory for a request")
                     : start(client, request, url.data, err);
    buf_release(&url);
    if (result == CCD_OK) {
        request->state = REQUEST_RUNNING;
        client->in_flight++;
    } else {
        request_close(request);
    }
    return result;
}

int http_in_flight(const struct http_client *client)
{
    return client->in_flight;
}

/* What libcurl lets pass as a whole reply although its end may be missing; NULL = nothing. */
static const char *find_cut(const struct request *request)
{
    if (!request->headers_complete) {
        return "connection closed among the headers";
    }
    /* Only the closing of the connection would mark the end, and libcurl has OpenSSL accept even an
     * unauthenticated one (no close_notify). The body of an error reply matters less. */
    long status = request->reply.status;
    if (!request->framed && status / 100 == 2 && status != 204) {
        return "neither Content-Length nor chunks mark the end of the body";
    }
    return NULL;
}

/* Why the transfer failed; CURLE_OK when the reply is whole. */
static CURLcode find_failure(const struct request *request, CURLcode code, const char **out_detail)
{
    if (request->refused_with != CURLE_OK) {
        *out_detail = request->refusal;
        return request->refused_with;
    }
    if (code == CURLE_OK) {
        *out_detail = find_cut(request);
        return *out_detail ? CURLE_PARTIAL_FILE : CURLE_OK;
    }
    if (code == CURLE_OUT_OF_MEMORY && request->on_wire && !request->headers_complete) {
        /* Also what libcurl says of a header line over 100 KB: a peer must not end the run. */
        *out_detail = "header line too long, or no memory for it";
        return CURLE_FILESIZE_EXCEEDED;
    }
    *out_detail = request->detail;
    return code;
}

static void set_outcome(struct http_client *client, struct request *request, CURLcode code)
{
    struct http_reply *reply = &request->reply;
    const char *detail;
    if (request->headers_complete) {
        curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    } else {
        buf_release(&reply->header_lines);
    }
    code = find_failure(request, code, &detail);
    error_clear(&reply->error);
    if (code == CURLE_OK) {
        return;
    }
    buf_release(&reply->body); /* half a body must not be read as one */
    const char *url = "";
    curl_easy_getinfo(request->easy, CURLINFO_EFFECTIVE_URL, &url);
    failure_set(&reply->error, code, detail, url);
    if (request->resend_refused) {
        client->resends_refused++;
        log_debug(client->log, NULL, "%s", reply->error.message);
    }
}

/* Nothing was sent, so this is no repeat. Once at most: a new connection is not found stale. */
static bool restart(struct http_client *client, struct request *request)
{
    request->stale = false;
    return curl_easy_setopt(request->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_multi_add_handle(client->multi, request->easy) == CURLM_OK;
}

static bool is_unreachable(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
}

static void finish(struct http_client *client, struct request *request, CURLcode code)
{
    set_outcome(client, request, code);
    /* Its name may have another address by now. */
    client->options.dns_cache_s = is_unreachable(code) ? 0 : DNS_CACHE_S;
    if (code != CURLE_OK) {
        request_close(request);
    }
    request->reply.received_mono_us = clock_mono_us(client->clock);
    request->state = REQUEST_DONE;
    *client->last_done = request;
    client->last_done = &request->next_done;
}

/* True when requests were started again. */
static bool collect_finished(struct http_client *client)
{
    CURLMsg *message;
    int left;
    bool restarted = false;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct request *request = NULL;
        CURLcode code = message->data.result; /* the message dies with curl_multi_remove_handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        curl_multi_remove_handle(client->multi, request->easy);
        if (request->stale && restart(client, request)) {
            restarted = true;
        } else {
            finish(client, request, code);
        }
    }
    return restarted;
}

int http_poll(struct http_client *client, int64_t timeout_ms, struct ccd_error *err)
{
    /* Real time whatever clock is configured: the wait below is real. */
    timeout_ms = timeout_ms < 0 ? 0 : timeout_ms > INT_MAX ? INT_MAX : timeout_ms;
    int64_t deadline_us = clock_mono_us(NULL) + timeout_ms * 1000;
    for (;;) {
        int running;
        bool woken = atomic_exchange(&client->woken, false);
        CURLMcode code = curl_multi_perform(client->multi, &running);
        if (code != CURLM_OK) {
            return failure_set_multi(err, code, "transfers cannot go on");
        }
        if (collect_finished(client)) {
            continue;
        }
        int64_t left_us = deadline_us - clock_mono_us(NULL);
        if (client->first_done || woken || left_us <= 0) {
            return CCD_OK;
        }
        code = curl_multi_poll(client->multi, NULL, 0, (int)((left_us + 999) / 1000), NULL);
        if (code != CURLM_OK) {
            return failure_set_multi(err, code, "cannot wait for transfers");
        }
    }
}

bool http_take(struct http_client *client, struct http_reply *out_reply)
{
    struct request *request = client->first_done;
    if (!request) {
        return false;
    }
    client->first_done = request->next_done;
    if (!client->first_done) {
        client->last_done = &client->first_done;
    }
    *out_reply = request->reply;
    request->reply = (struct http_reply){0}; /* the buffers are the caller's now */
    request->state = REQUEST_IDLE;
    client->in_flight--;
    return true;
}

void http_wakeup(struct http_client *client)
{
    atomic_store(&client->woken, true);
    curl_multi_wakeup(client->multi);
}

const char *http_origin(const struct http_client *client)
{
    return client->options.base_url.origin;
}

uint64_t http_resends_refused(const struct http_client *client)
{
    return client->resends_refused;
}

const char *http_library(void)
{
    return curl_version();
}
