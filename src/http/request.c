#include "http/request.h"

#include <string.h>

enum {
    /* nginx closes an idle connection after 75 s by default: who leaves first meets no dead one. */
    IDLE_CONNECTION_MAX_S = 55,
    CONNECTION_LIFE_MAX_S = 300, /* the vendor's addresses may move: FAULTS N2 */

    RECEIVE_BUFFER_BYTES = 256 << 10,
    BODY_RESERVE_BYTES = 64 << 10,
    BODY_RESERVE_MAX_BYTES = 8 << 20, /* a declared length is only a claim */
};

void request_clear(struct request *request, void *tag, const struct allocator *allocator)
{
    CURL *easy = request->easy;
    *request = (struct request){.easy = easy, .reply.tag = tag};
    buf_init(&request->reply.body, HTTP_BODY_MAX_BYTES, allocator);
    buf_init(&request->reply.header_lines, HTTP_HEADERS_MAX_BYTES, allocator);
}

bool request_open(struct request *request)
{
    if (!request->easy) {
        request->easy = curl_easy_init();
    }
    return request->easy != NULL;
}

void request_close(struct request *request)
{
    curl_easy_cleanup(request->easy);
    request->easy = NULL;
}

static bool refuse(struct request *request, CURLcode code, const char *reason)
{
    request->refused_with = code;
    request->refusal = reason;
    return false;
}

static bool keep(struct request *request, struct buf *where, const char *bytes, size_t len,
                 const char *too_large)
{
    if (len > where->max_bytes - where->len) {
        return refuse(request, CURLE_FILESIZE_EXCEEDED, too_large);
    }
    return buf_add(where, bytes, len) == 0 || refuse(request, CURLE_OUT_OF_MEMORY, "reply buffer");
}

static void note_framing(struct request *request, struct str line)
{
    struct str name = str_split(&line, ':');
    if (str_equal_nocase(name, STR("Content-Length"))) {
        request->framed = true;
    } else if (str_equal_nocase(name, STR("Transfer-Encoding"))) {
        struct str last = {0};
        while (line.len > 0) {
            last = str_split(&line, ',');
        }
        request->framed |= str_equal_nocase(str_trim(last), STR("chunked"));
    }
}

static bool keep_header_line(struct request *request, const char *line, size_t len)
{
    static const char too_large[] = "headers over 64 KiB";
    request->header_bytes += len;
    if (request->header_bytes > HTTP_HEADERS_MAX_BYTES) {
        return refuse(request, CURLE_FILESIZE_EXCEEDED, too_large);
    }
    if (request->headers_complete) {
        return true; /* a trailer: must not pass for a header such as Retry-After */
    }
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
        len--;
    }
    if (len > 0) {
        note_framing(request, (struct str){line, len});
        return keep(request, &request->reply.header_lines, line, len, too_large) &&
               keep(request, &request->reply.header_lines, "\r\n", 2, too_large);
    }
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    request->headers_complete = status >= 200;
    if (!request->headers_complete) {
        request->framed = false;
        buf_clear(&request->reply.header_lines); /* interim: the final reply follows */
    }
    return true;
}

static size_t receive_header(char *line, size_t size, size_t count, void *user)
{
    return keep_header_line(user, line, size * count) ? size * count : 0;
}

/* Room for the whole body at once when the reply says how long it is. */
static int reserve_body(struct request *request)
{
    curl_off_t declared = -1;
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &declared);
    size_t size = declared < 0                        ? BODY_RESERVE_BYTES
                  : declared < BODY_RESERVE_MAX_BYTES ? (size_t)declared
                                                      : BODY_RESERVE_MAX_BYTES;
    return buf_reserve(&request->reply.body, size);
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *user)
{
    struct request *request = user;
    size_t len = size * count;
    if (!request->reply.body.data && reserve_body(request) != 0) {
        refuse(request, CURLE_OUT_OF_MEMORY, "reply buffer");
        return 0;
    }
    return keep(request, &request->reply.body, bytes, len, "body over 32 MiB") ? len : 0;
}

/* Whether a kept-alive connection has something to read before anything was asked: its end, or
 * bytes that would pass for our reply. libcurl 7.88 takes pending bytes for a sign of life, even
 * when they are TLS's close_notify. */
static bool is_stale(const struct request *request, int local_port)
{
    long new_connections = 1;
    curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &new_connections);
    /* What is pending on a new one belongs to the handshake. */
    return new_connections == 0 && sockets_readable(request->sockets, local_port);
}

/* Runs each time a request is about to be written to a connection. A second time within one
 * transfer means that libcurl found its kept-alive connection dead and would repeat the request
 * unasked (Curl_retry_request; there is no option against it): the first may have been counted by
 * the vendor, so only the engine may decide to repeat. */
static int before_sending(void *user, char *remote_ip, char *local_ip, int remote_port,
                          int local_port)
{
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    struct request *request = user;
    if (request->on_wire) {
        request->resend_refused = true;
        refuse(request, CURLE_GOT_NOTHING, "kept-alive connection was dead; not sent twice");
        return CURL_PREREQFUNC_ABORT;
    }
    request->stale = is_stale(request, local_port);
    if (request->stale) {
        return CURL_PREREQFUNC_ABORT;
    }
    request->on_wire = true;
    return CURL_PREREQFUNC_OK;
}

struct long_option {
    CURLoption option;
    long value;
};

static const struct long_option FIXED_OPTIONS[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_FOLLOWLOCATION, 0}, /* the key must not leave its origin */
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_PATH_AS_IS, 1},            /* the vendor sees the path that we say in messages */
    {CURLOPT_HTTP_CONTENT_DECODING, 0}, /* raw: libdeflate inflates whole bodies 2.5 times faster */
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2}, /* or newer */
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_TCP_NODELAY, 1},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_KEEPIDLE, 30},
    {CURLOPT_TCP_KEEPINTVL, 10},
    {CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_MAX_S},
    {CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_MAX_S},
    {CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES},
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Otherwise the end of a transfer waits for a hung resolver, past every deadline; the
     * resolver's thread cleans up after itself (libcurl #4852, #9147). */
    {CURLOPT_QUICK_EXIT, 1},
#endif
};

static CURLcode set_longs(const struct request_options *options, CURL *easy)
{
    CURLcode code = CURLE_OK;
    for (size_t i = 0; !code && i < sizeof FIXED_OPTIONS / sizeof FIXED_OPTIONS[0]; i++) {
        code = curl_easy_setopt(easy, FIXED_OPTIONS[i].option, FIXED_OPTIONS[i].value);
    }
    const struct long_option configured[] = {
        {CURLOPT_CONNECTTIMEOUT_MS, options->connect_timeout_ms},
        {CURLOPT_TIMEOUT_MS, options->total_timeout_ms},
        {CURLOPT_LOW_SPEED_LIMIT, options->low_speed_bytes_s},
        {CURLOPT_LOW_SPEED_TIME, options->low_speed_s},
        {CURLOPT_DNS_CACHE_TIMEOUT, options->dns_cache_s},
    };
    for (size_t i = 0; !code && i < sizeof configured / sizeof configured[0]; i++) {
        code = curl_easy_setopt(easy, configured[i].option, configured[i].value);
    }
    if (!code) {
        /* A declared length; what really comes is capped by receive_body. */
        code = curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_BODY_MAX_BYTES);
    }
    return code;
}

static CURLcode set_texts(const struct request_options *options, CURL *easy, const char *url)
{
    const char *protocol = options->base_url.https ? "https" : "http";
    const struct {
        CURLoption option;
        const char *value; /* NULL: libcurl's default */
    } texts[] = {
        {CURLOPT_URL, url},
        {CURLOPT_PROTOCOLS_STR, protocol},
        {CURLOPT_REDIR_PROTOCOLS_STR, protocol},
        {CURLOPT_PROXY, ""}, /* "" and not NULL: also none from the environment */
        {CURLOPT_USERAGENT, options->user_agent},
        {CURLOPT_CAINFO, options->ca_file},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; !code && i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].value) {
            code = curl_easy_setopt(easy, texts[i].option, texts[i].value);
        }
    }
    return code ? code : curl_easy_setopt(easy, CURLOPT_HTTPHEADER, options->headers);
}

static CURLcode set_socket_callbacks(struct request *request)
{
    CURL *easy = request->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, sockets_open);
    if (!code) {
        code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request->sockets);
    }
    if (!code) {
        code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sockets_close);
    }
    return code ? code : curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, request->sockets);
}

static CURLcode set_callbacks(struct request *request)
{
    static const CURLoption take_request[] = {
        CURLOPT_PRIVATE,
        CURLOPT_WRITEDATA,
        CURLOPT_HEADERDATA,
        CURLOPT_PREREQDATA,
    };
    CURL *easy = request->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->detail);
    for (size_t i = 0; !code && i < sizeof take_request / sizeof take_request[0]; i++) {
        code = curl_easy_setopt(easy, take_request[i], request);
    }
    if (!code) {
        code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    }
    if (!code) {
        code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
    }
    return code ? code : curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
}

CURLcode request_prepare(struct request *request, const struct request_options *options,
                         const char *url)
{
    request->sockets = options->sockets;
    curl_easy_reset(request->easy);
    CURLcode code = set_longs(options, request->easy);
    if (!code) {
        code = set_texts(options, request->easy, url);
    }
    if (!code) {
        code = set_callbacks(request);
    }
    return code ? code : set_socket_callbacks(request);
}
