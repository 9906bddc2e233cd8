#include "http/failure.h"

#include <stdbool.h>
#include <string.h>

enum { URL_SHOWN_BYTES = 200 };

struct failure_row {
    CURLcode code;
    enum ccd_status status;
    const char *what; /* happened, and what to do when the retries do not help */
};

#define CHECK_TLS                                                                                  \
    "not retried; check the host name, the clock and the CA certificates of this computer"

static const struct failure_row FAILURE_ROWS[] = {
    {CURLE_COULDNT_RESOLVE_HOST, CCD_NETWORK, "name not resolved; check DNS and the host name"},
    {CURLE_COULDNT_CONNECT, CCD_NETWORK, "no connection; check the network and the firewall"},
    {CURLE_OPERATION_TIMEDOUT, CCD_NETWORK, "too slow; the deadline passed"},
    {CURLE_GOT_NOTHING, CCD_NETWORK, "connection closed before any reply"},
    {CURLE_SEND_ERROR, CCD_NETWORK, "connection lost while sending"},
    {CURLE_RECV_ERROR, CCD_NETWORK, "connection lost while receiving"},
    /* A reset in mid-handshake has this code too, so it must stay retryable; a bad certificate has
       its own. */
    {CURLE_SSL_CONNECT_ERROR, CCD_NETWORK,
     "TLS handshake failed; the other side must speak TLS 1.2 or newer"},

    {CURLE_PEER_FAILED_VERIFICATION, CCD_TLS, "certificate refused; " CHECK_TLS},
    {CURLE_SSL_ISSUER_ERROR, CCD_TLS, "certificate refused; " CHECK_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, CCD_TLS, "certificate refused; " CHECK_TLS},
    {CURLE_SSL_CACERT_BADFILE, CCD_TLS, "CA certificates not readable; " CHECK_TLS},
    {CURLE_SSL_CERTPROBLEM, CCD_TLS, "TLS set-up failed; " CHECK_TLS},
    {CURLE_SSL_CIPHER, CCD_TLS, "TLS set-up failed; " CHECK_TLS},

    {CURLE_PARTIAL_FILE, CCD_BAD_REPLY, "reply cut short"},
    {CURLE_WEIRD_SERVER_REPLY, CCD_BAD_REPLY, "reply is not proper HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, CCD_BAD_REPLY, "reply is not HTTP/1"}, /* HTTP/0.9 */
    {CURLE_BAD_CONTENT_ENCODING, CCD_BAD_REPLY, "reply has a broken encoding"},
    {CURLE_FILESIZE_EXCEEDED, CCD_BAD_REPLY, "reply too large"},
#if LIBCURL_VERSION_NUM >= 0x080600
    {CURLE_TOO_LARGE, CCD_BAD_REPLY, "reply too large"}, /* libcurl's own cap on header bytes */
#endif

    {CURLE_OUT_OF_MEMORY, CCD_NO_MEMORY, "out of memory"},
    {CURLE_FAILED_INIT, CCD_INTERNAL, "libcurl failed"},
    {CURLE_BAD_FUNCTION_ARGUMENT, CCD_INTERNAL, "libcurl refused an argument"},
    {CURLE_UNKNOWN_OPTION, CCD_INTERNAL, "libcurl is too old"},
    {CURLE_NOT_BUILT_IN, CCD_INTERNAL, "libcurl was built without a needed feature"},
    {CURLE_URL_MALFORMAT, CCD_INTERNAL, "libcurl refused the URL"},
};

/* Codes of libcurls to come: worth a bounded retry, not worth the end of the run. */
static const struct failure_row OTHER_FAILURE = {.status = CCD_NETWORK, .what = "transfer failed"};

static const struct failure_row *find_row(CURLcode code, const char *detail)
{
    /* libcurl reports a malformed chunk with the code of a lost connection; only its text tells. */
    if (code == CURLE_RECV_ERROR && strstr(detail, "chunked-encod")) {
        code = CURLE_WEIRD_SERVER_REPLY;
    }
    for (size_t i = 0; i < sizeof FAILURE_ROWS / sizeof FAILURE_ROWS[0]; i++) {
        if (FAILURE_ROWS[i].code == code) {
            return &FAILURE_ROWS[i];
        }
    }
    return &OTHER_FAILURE;
}

int failure_set(struct ccd_error *err, CURLcode code, const char *detail, const char *url)
{
    const struct failure_row *row = find_row(code, detail);
    bool cut = strlen(url) > URL_SHOWN_BYTES;
    return error_set_native(err, row->status, (int)code, "GET %.*s%s: %s (%s)", URL_SHOWN_BYTES,
                            url, cut ? "..." : "", row->what,
                            detail[0] ? detail : curl_easy_strerror(code));
}

int failure_set_multi(struct ccd_error *err, CURLMcode code, const char *what)
{
    enum ccd_status status = code == CURLM_OUT_OF_MEMORY ? CCD_NO_MEMORY : CCD_INTERNAL;
    return error_set_native(err, status, (int)code, "%s: %s", what, curl_multi_strerror(code));
}
