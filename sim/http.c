#include "sim/http.h"

#include <string.h>

enum { TARGET_MAX_BYTES = 8 << 10, HEADERS_MAX = 100 };

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char(s.ptr[i]))
            return false;
    return s.len > 0;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static int parse_request_line(struct str line, struct http_request *r)
{
    r->method = str_split(&line, ' ');
    r->target = str_split(&line, ' ');
    if (!is_token(r->method) || has_control(r->target) || r->target.len == 0 ||
        r->target.ptr[0] != '/' || str_find(r->target, STR("\t")) != SIZE_MAX)
        return 400;
    if (r->target.len > TARGET_MAX_BYTES)
        return 414;
    if (str_equal(line, STR("HTTP/1.0")))
        r->http_1_0 = true;
    else if (!str_equal(line, STR("HTTP/1.1")))
        return line.len == 8 && str_starts_with(line, STR("HTTP/")) ? 505 : 400;
    r->keep_alive = !r->http_1_0;
    r->query = r->target;
    r->path = str_split(&r->query, '?');
    return 200;
}

/* "Apikey KEY" and "Basic KEY" both name a key (vendor documentation, June 2025). */
static struct str key_of(struct str value)
{
    static const struct str schemes[] = {{"Apikey ", 7}, {"Basic ", 6}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (str_starts_with_nocase(value, schemes[i]))
            return str_trim((struct str){value.ptr + schemes[i].len, value.len - schemes[i].len});
    return STR("");
}

static bool takes_gzip(struct str value)
{
    while (value.len > 0) {
        struct str quality = str_split(&value, ',');
        struct str coding = str_trim(str_split(&quality, ';'));
        quality = str_trim(quality);
        bool refused = str_starts_with_nocase(quality, STR("q=0")) &&
                       str_find(quality, STR(".")) == SIZE_MAX;
        if (str_equal_nocase(coding, STR("gzip")) && !refused)
            return true;
    }
    return false;
}

/* What the header lines said that the request itself does not keep. */
struct head_notes {
    bool has_host, has_body;
};

static int parse_header(struct str line, struct http_request *r, struct head_notes *notes)
{
    struct str value = line;
    struct str name = str_split(&value, ':');
    value = str_trim(value);
    /* A name with a space, or a folded line, is how requests are smuggled. */
    if (!is_token(name) || name.len == line.len || has_control(value))
        return 400;
    if (str_equal_nocase(name, STR("host"))) {
        if (notes->has_host)
            return 400;
        notes->has_host = true;
    } else if (str_equal_nocase(name, STR("connection"))) {
        if (str_find_nocase(value, STR("close")) != SIZE_MAX)
            r->keep_alive = false;
        else if (str_find_nocase(value, STR("keep-alive")) != SIZE_MAX)
            r->keep_alive = true;
    } else if (str_equal_nocase(name, STR("accept-encoding"))) {
        r->gzip = takes_gzip(value);
    } else if (str_equal_nocase(name, STR("authorization"))) {
        r->key = key_of(value);
    } else if (str_equal_nocase(name, STR("x-api-key"))) {
        if (r->key.len == 0)
            r->key = value;
    } else if (str_equal_nocase(name, STR("transfer-encoding")) ||
               (str_equal_nocase(name, STR("content-length")) && !str_equal(value, STR("0")))) {
        notes->has_body = true;
    }
    return 200;
}

int http_request_parse(const char *bytes, size_t len, struct http_request *out_request)
{
    *out_request = (struct http_request){0};
    struct str all = {bytes, len};
    size_t head = str_find(all, STR("\r\n\r\n"));
    if (head == SIZE_MAX)
        return len >= HTTP_HEAD_MAX_BYTES ? 431 : HTTP_INCOMPLETE;
    if (head + 4 > HTTP_HEAD_MAX_BYTES)
        return 431;
    out_request->size_bytes = head + 4;
    struct str rest = {bytes, head + 2};
    bool first = true;
    struct head_notes notes = {0};
    unsigned headers = 0;
    int status = 200;
    while (rest.len > 0 && status == 200) {
        size_t end = str_find(rest, STR("\r\n"));
        struct str line = {rest.ptr, end};
        rest = (struct str){rest.ptr + end + 2, rest.len - end - 2};
        status = first ? parse_request_line(line, out_request)
                       : parse_header(line, out_request, &notes);
        first = false;
        if (++headers > HEADERS_MAX)
            return 431;
    }
    if (status != 200)
        return status;
    if (!notes.has_host && !out_request->http_1_0)
        return 400;
    if (!str_equal(out_request->method, STR("GET")))
        return 405;
    return notes.has_body ? 400 : 200;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {302, "Found"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {414, "URI Too Long"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
