#include "http/base_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum { URL_MAX_BYTES = 1024 };

#define HOW_TO_WRITE "write https://HOST[:PORT][/PATH], for example https://data-api.coindesk.com"

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

bool path_is_clean(struct str path)
{
    if (path.len == 0 || path.ptr[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        if (!is_alphanumeric(path.ptr[i]) && !is_one_of(path.ptr[i], "-._~!$&'()*+,;=:@/?%")) {
            return false;
        }
    }
    return true;
}

/* The characters of a host name, an IPv4 or a bracketed IPv6 literal; no zone, nothing encoded. */
static bool host_is_clean(const char *host)
{
    for (const char *c = host; *c; c++) {
        if (!is_alphanumeric(*c) && !is_one_of(*c, host[0] == '[' ? "[]:." : "-._")) {
            return false;
        }
    }
    return host[0] != '\0';
}

static bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char inner[INET6_ADDRSTRLEN];
    size_t len = strlen(host);
    if (strcasecmp(host, "localhost") == 0) {
        return true; /* libcurl answers this name itself, without DNS, since 7.78 */
    }
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return host[0] == '[' && len >= 2 &&
           str_copy(inner, sizeof inner, (struct str){host + 1, len - 2}) &&
           inet_pton(AF_INET6, inner, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* What libcurl's parser lets pass or would drop silently. */
static const char *find_defect(const char *text)
{
    const char *colon = strchr(text, ':');
    if (strlen(text) > URL_MAX_BYTES) {
        return "the base URL is too long";
    }
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return "the base URL has a space, a control character or a non-ASCII character";
        }
    }
    if (strchr(text, '@')) {
        return "the base URL has user information; the API key has a variable of its own";
    }
    if (strchr(text, '?')) {
        return "the base URL has a query";
    }
    if (strchr(text, '#')) {
        return "the base URL has a fragment";
    }
    if (!colon || strncmp(colon, "://", 3) != 0 || colon[3] == '/' || colon[3] == '\0') {
        return "the base URL has no scheme or no host";
    }
    return NULL;
}

struct parts {
    char *scheme;
    char *host;
    char *port;       /* always there: the default of the scheme when none is written */
    char *given_port; /* NULL when it is the default */
    char *path;
    char *zone;
};

static void release_parts(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->given_port);
    curl_free(parts->path);
    curl_free(parts->zone);
}

static CURLUcode get_optional(CURLU *parsed, CURLUPart part, char **out_text, unsigned flags,
                              CURLUcode absent)
{
    CURLUcode code = curl_url_get(parsed, part, out_text, flags);
    return code == absent ? CURLUE_OK : code;
}

static CURLUcode split(const char *text, struct parts *out_parts)
{
    CURLU *parsed = curl_url();
    if (!parsed) {
        return CURLUE_OUT_OF_MEMORY;
    }
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK) {
        code = curl_url_get(parsed, CURLUPART_SCHEME, &out_parts->scheme, 0);
    }
    if (code == CURLUE_OK) {
        code = curl_url_get(parsed, CURLUPART_HOST, &out_parts->host, 0);
    }
    if (code == CURLUE_OK) {
        code = get_optional(parsed, CURLUPART_PORT, &out_parts->port, CURLU_DEFAULT_PORT,
                            CURLUE_NO_PORT);
    }
    if (code == CURLUE_OK) {
        code = get_optional(parsed, CURLUPART_PORT, &out_parts->given_port, CURLU_NO_DEFAULT_PORT,
                            CURLUE_NO_PORT);
    }
    if (code == CURLUE_OK) {
        code = curl_url_get(parsed, CURLUPART_PATH, &out_parts->path, 0);
    }
    if (code == CURLUE_OK) {
        code = get_optional(parsed, CURLUPART_ZONEID, &out_parts->zone, 0, CURLUE_NO_ZONEID);
    }
    curl_url_cleanup(parsed);
    return code;
}

static int check_parts(const struct parts *parts, const char *name, struct ccd_error *err)
{
    bool https = strcmp(parts->scheme, "https") == 0;
    if (!https && strcmp(parts->scheme, "http") != 0) {
        return error_set(err, CCD_CONFIG, "%s: the scheme %.20s is not supported; " HOW_TO_WRITE,
                         name, parts->scheme);
    }
    if (parts->zone || !host_is_clean(parts->host)) {
        return error_set(err, CCD_CONFIG,
                         "%s: the host of the base URL is malformed; " HOW_TO_WRITE, name);
    }
    if (!https && !host_is_loopback(parts->host)) {
        return error_set(
            err, CCD_CONFIG,
            "%s: http would send the API key in the clear; write https://%.200s (http is "
            "for 127.0.0.0/8, [::1] and localhost only)",
            name, parts->host);
    }
    if (!parts->port || strspn(parts->port, "0") == strlen(parts->port)) {
        return error_set(err, CCD_CONFIG, "%s: the port must be 1 to 65535; " HOW_TO_WRITE, name);
    }
    if (!path_is_clean(str_from(parts->path))) {
        return error_set(err, CCD_CONFIG,
                         "%s: the path of the base URL is malformed; " HOW_TO_WRITE, name);
    }
    return CCD_OK;
}

static void lower_case(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

static int join_parts(struct base_url *url, const struct parts *parts, struct ccd_error *err)
{
    struct buf text;
    buf_init(&text, 2 * URL_MAX_BYTES, url->allocator);
    size_t path_len = strlen(parts->path);
    while (path_len > 0 && parts->path[path_len - 1] == '/') {
        path_len--;
    }
    lower_case(parts->host);
    buf_printf(&text, "%s://%s:%s", parts->scheme, parts->host, parts->port);
    url->origin = mem_copy_text(url->allocator, buf_str(&text).ptr, text.len);
    buf_clear(&text);
    buf_printf(&text, "%s://%s%s%s%.*s", parts->scheme, parts->host, parts->given_port ? ":" : "",
               parts->given_port ? parts->given_port : "", (int)path_len, parts->path);
    url->text = mem_copy_text(url->allocator, buf_str(&text).ptr, text.len);
    url->https = strcmp(parts->scheme, "https") == 0;
    bool whole = !text.failed && url->text && url->origin;
    buf_release(&text);
    return whole ? CCD_OK : error_set(err, CCD_NO_MEMORY, "out of memory for the base URL");
}

int base_url_init(struct base_url *url, const char *text, const char *name,
                  const struct allocator *allocator, struct ccd_error *err)
{
    *url = (struct base_url){.allocator = allocator};
    if (!text || text[0] == '\0') {
        return error_set(err, CCD_CONFIG, "%s: the base URL is empty; " HOW_TO_WRITE, name);
    }
    const char *defect = find_defect(text);
    if (defect) {
        return error_set(err, CCD_CONFIG, "%s: %s; " HOW_TO_WRITE, name, defect);
    }
    struct parts parts = {0};
    CURLUcode code = split(text, &parts);
    int result;
    if (code == CURLUE_OUT_OF_MEMORY) {
        result = error_set(err, CCD_NO_MEMORY, "out of memory for the base URL");
    } else if (code != CURLUE_OK) {
        result = error_set(err, CCD_CONFIG, "%s: not a URL (%s); " HOW_TO_WRITE, name,
                           curl_url_strerror(code));
    } else {
        result = check_parts(&parts, name, err);
    }
    if (result == CCD_OK) {
        result = join_parts(url, &parts, err);
    }
    release_parts(&parts);
    if (result != CCD_OK) {
        base_url_release(url);
    }
    return result;
}

void base_url_release(struct base_url *url)
{
    mem_free(url->allocator, url->text);
    mem_free(url->allocator, url->origin);
    *url = (struct base_url){.allocator = url->allocator};
}
