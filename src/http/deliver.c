#include "http/deliver.h"

#include <curl/curl.h>
#include <string.h>

#include "http/peer_address.h"

enum { HEADER_MAX_BYTES = 512 };

struct exchange {
    const struct delivery *delivery;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *resolve;
    bool is_plain; /* http:// */
    bool peer_refused;
    size_t answer_bytes;
};

static bool is_peer_allowed(const struct exchange *exchange, const struct curl_sockaddr *address)
{
    enum peer_class class = peer_classify(&address->addr, address->addrlen);
    if (exchange->is_plain)
        return class == PEER_LOOPBACK && exchange->delivery->allow_private;
    return class == PEER_PUBLIC || (class != PEER_FORBIDDEN && exchange->delivery->allow_private);
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct exchange *exchange = user;
    if (!is_peer_allowed(exchange, address)) {
        exchange->peer_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t drop_answer(char *bytes, size_t size, size_t count, void *user)
{
    (void)bytes;
    struct exchange *exchange = user;
    exchange->answer_bytes += size * count;
    return exchange->answer_bytes <= DELIVER_ANSWER_MAX_BYTES ? size * count : 0;
}

static bool is_header_value(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            return false;
    return true;
}

static bool add_to_list(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static int add_header(struct exchange *exchange, const char *name, const char *value,
                      struct ccd_error *err)
{
    char line[HEADER_MAX_BYTES];
    if (!is_header_value(value) || !str_print(line, sizeof line, "%s: %s", name, value)) {
        return error_set(err, CCD_CONFIG,
                         "a notice cannot be sent: the header %s is too long or has a control "
                         "character",
                         name);
    }
    return add_to_list(&exchange->headers, line)
               ? CCD_OK
               : error_set(err, CCD_NO_MEMORY, "out of memory for a notice");
}

static int make_headers(struct exchange *exchange, struct ccd_error *err)
{
    const struct delivery *delivery = exchange->delivery;
    int status = add_header(exchange, "Content-Type", delivery->content_type, err);
    if (!status && delivery->signature)
        status = add_header(exchange, "X-Ccdata-Signature", delivery->signature, err);
    /* An empty value takes away the header that libcurl adds and then waits a second for. */
    if (!status && !add_to_list(&exchange->headers, "Expect:"))
        status = error_set(err, CCD_NO_MEMORY, "out of memory for a notice");
    if (!status && delivery->resolve && !add_to_list(&exchange->resolve, delivery->resolve))
        status = error_set(err, CCD_NO_MEMORY, "out of memory for a notice");
    return status;
}

static CURLcode set_numbers(const struct exchange *exchange)
{
    int64_t deadline_ms = exchange->delivery->deadline_ms;
    const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_FORBID_REUSE, 1},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_TIMEOUT_MS, deadline_ms > 0 ? (long)deadline_ms : DELIVER_DEADLINE_MS},
#if LIBCURL_VERSION_NUM >= 0x075700
        {CURLOPT_QUICK_EXIT, 1}, /* a hung resolver must not hold the deadline up */
#endif
        {CURLOPT_POST, 1},
        {CURLOPT_POSTFIELDSIZE, (long)exchange->delivery->body.len},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; !code && i < sizeof numbers / sizeof numbers[0]; i++)
        code = curl_easy_setopt(exchange->easy, numbers[i].option, numbers[i].value);
    return code;
}

static CURLcode set_pointers(struct exchange *exchange)
{
    const struct delivery *delivery = exchange->delivery;
    const struct {
        CURLoption option;
        const void *value;
    } pointers[] = {
        {CURLOPT_PROTOCOLS_STR, exchange->is_plain ? "http" : "https"},
        {CURLOPT_PROXY, ""},
        {CURLOPT_URL, delivery->url},
        {CURLOPT_HTTPHEADER, exchange->headers},
        {CURLOPT_RESOLVE, exchange->resolve},
        {CURLOPT_POSTFIELDS, delivery->body.len ? delivery->body.ptr : ""},
        {CURLOPT_OPENSOCKETDATA, exchange},
        {CURLOPT_WRITEDATA, exchange},
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; !code && i < sizeof pointers / sizeof pointers[0]; i++)
        code = curl_easy_setopt(exchange->easy, pointers[i].option, pointers[i].value);
    if (!code && delivery->ca_file)
        code = curl_easy_setopt(exchange->easy, CURLOPT_CAINFO, delivery->ca_file);
    return code;
}

static CURLcode set_options(struct exchange *exchange)
{
    CURLcode code = set_numbers(exchange);
    if (!code)
        code = set_pointers(exchange);
    if (!code)
        code = curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return code ? code : curl_easy_setopt(exchange->easy, CURLOPT_WRITEFUNCTION, drop_answer);
}

static const char *next_step(CURLcode code)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "; its certificate is not trusted, or has another name: ALERT_CA_FILE names its "
               "authority";
    case CURLE_SSL_CACERT_BADFILE:
        return "; ALERT_CA_FILE cannot be read";
    case CURLE_WRITE_ERROR:
        return "; the answer is longer than 64 KiB, or has no end: is it a hook?";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_URL_MALFORMAT:
        return "; check the address of the hook";
    default:
        return "";
    }
}

/* libcurl's own text may quote the URL; the text for its code does not. */
static int set_failure(const struct exchange *exchange, CURLcode code, struct ccd_error *err)
{
    if (exchange->peer_refused && exchange->is_plain) {
        return error_set(err, CCD_CONFIG,
                         "a notice was not sent: http:// is not allowed but to this host, with "
                         "ALERT_ALLOW_PRIVATE; use https://");
    }
    if (exchange->peer_refused) {
        return error_set(err, CCD_CONFIG,
                         "a notice was not sent: the name leads to an address that is not allowed; "
                         "only public ones are without ALERT_ALLOW_PRIVATE, and link-local ones "
                         "never");
    }
    enum ccd_status status = CCD_NETWORK;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        status = CCD_TLS;
    else if (code == CURLE_OUT_OF_MEMORY)
        status = CCD_NO_MEMORY;
    else if (code == CURLE_WRITE_ERROR || code == CURLE_WEIRD_SERVER_REPLY ||
             code == CURLE_UNSUPPORTED_PROTOCOL)
        status = CCD_BAD_REPLY;
    else if (code == CURLE_URL_MALFORMAT)
        status = CCD_CONFIG;
    return error_set_native(err, status, (int)code, "a notice was not sent: %s%s",
                            curl_easy_strerror(code), next_step(code));
}

static int judge_answer(const struct exchange *exchange, struct ccd_error *err)
{
    long http_status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &http_status);
    if (http_status >= 200 && http_status < 300)
        return CCD_OK;
    bool later = http_status == 429 || http_status >= 500;
    return error_set_native(err, later ? CCD_VENDOR_UNAVAILABLE : CCD_BAD_REQUEST, (int)http_status,
                            "a notice was refused with HTTP status %ld; %s", http_status,
                            later ? "it is sent again later" : "check the address of the hook");
}

static int check(struct exchange *exchange, struct ccd_error *err)
{
    struct str url = str_from(exchange->delivery->url);
    exchange->is_plain = str_starts_with_nocase(url, STR("http://"));
    if (!exchange->is_plain && !str_starts_with_nocase(url, STR("https://")))
        return error_set(err, CCD_CONFIG, "a notice was not sent: its address is not https://");
    return make_headers(exchange, err);
}

static int perform(struct exchange *exchange, struct ccd_error *err)
{
    exchange->easy = curl_easy_init();
    if (!exchange->easy)
        return error_set(err, CCD_NO_MEMORY, "out of memory for a notice");
    CURLcode code = set_options(exchange);
    if (!code)
        code = curl_easy_perform(exchange->easy);
    return code ? set_failure(exchange, code, err) : judge_answer(exchange, err);
}

int deliver_post(const struct delivery *delivery, struct ccd_error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, CCD_INTERNAL, "libcurl failed to start");
    struct exchange exchange = {.delivery = delivery};
    int status = check(&exchange, err);
    if (!status)
        status = perform(&exchange, err);
    curl_easy_cleanup(exchange.easy);
    curl_slist_free_all(exchange.headers);
    curl_slist_free_all(exchange.resolve);
    curl_global_cleanup();
    return status;
}
