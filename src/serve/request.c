#include "serve/request.h"

#include <string.h>

struct field {
    struct str name;
    size_t value_offset; /* SIZE_MAX: counted only */
    size_t count_offset;
};

#define FIELD(text, value, count)                                                                  \
    {                                                                                              \
        {(text), sizeof(text) - 1}, (value), offsetof(struct request, count)                       \
    }

static void note_length(struct request *request, struct str name, struct str value)
{
    if (str_equal_nocase(name, STR("Content-Length")) && !str_equal(value, STR("0")))
        request->has_body = true;
    if (str_equal_nocase(name, STR("Transfer-Encoding")))
        request->has_body = true;
}

/* A name that only looks like one that decides, such as "Host " or "Transfer-Encoding\t", is that
 * one to some proxies. */
static bool is_plain(struct str name, struct str value)
{
    static const char TOKEN[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < name.len; i++)
        if (!memchr(TOKEN, name.ptr[i], sizeof TOKEN - 1))
            return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return name.len > 0;
}

static enum MHD_Result note_header(void *user, enum MHD_ValueKind kind, const char *key,
                                   size_t key_len, const char *value, size_t value_len)
{
    static const struct field FIELDS[] = {
        FIELD("Host", offsetof(struct request, host), host_count),
        FIELD("Origin", offsetof(struct request, origin), origin_count),
        FIELD("Sec-Fetch-Site", offsetof(struct request, fetch_site), site_count),
        FIELD("Authorization", offsetof(struct request, authorization), authorization_count),
        FIELD("Content-Length", SIZE_MAX, length_count),
        FIELD("Transfer-Encoding", SIZE_MAX, encoding_count),
    };
    (void)kind;
    struct request *request = user;
    struct str name = {key, key_len};
    struct str text = {value ? value : "", value ? value_len : 0};
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        if (!str_equal_nocase(FIELDS[i].name, name))
            continue;
        ++*(unsigned *)(void *)((char *)request + FIELDS[i].count_offset);
        if (FIELDS[i].value_offset != SIZE_MAX)
            memcpy((char *)request + FIELDS[i].value_offset, &text, sizeof text);
    }
    note_length(request, name, text);
    request->is_odd = request->is_odd || !is_plain(name, text);
    return MHD_YES;
}

void request_read(struct request *request, struct MHD_Connection *connection, const char *target,
                  const char *method, const char *version)
{
    *request = (struct request){
        .target = str_from(target), .method = str_from(method), .version = str_from(version)};
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, note_header, request);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    request->head_bytes = info ? info->header_size : 0;
}

static bool is_misdirected(const struct request *request, const struct guard *guard)
{
    return request->host_count != 1 || request->target.len == 0 || request->target.ptr[0] != '/' ||
           !guard_allows_host(guard, request->host);
}

static bool is_foreign(const struct request *request, const struct guard *guard)
{
    return !guard_allows_site(guard, request->origin, request->fetch_site);
}

static bool is_other_version(const struct request *request, const struct guard *guard)
{
    (void)guard;
    return !str_equal(request->version, STR("HTTP/1.1")) &&
           !str_equal(request->version, STR("HTTP/1.0"));
}

/* Two lengths, or two of a header that decides, are read one way here and another way by what
 * stands in front. */
static bool is_ambiguous(const struct request *request, const struct guard *guard)
{
    (void)guard;
    return request->is_odd || request->length_count + request->encoding_count > 1 ||
           request->origin_count > 1 || request->site_count > 1 || request->authorization_count > 1;
}

static bool is_other_method(const struct request *request, const struct guard *guard)
{
    (void)guard;
    return !str_equal(request->method, STR("GET")) && !str_equal(request->method, STR("HEAD"));
}

static bool has_body(const struct request *request, const struct guard *guard)
{
    (void)guard;
    return request->has_body;
}

static bool is_too_long(const struct request *request, const struct guard *guard)
{
    (void)guard;
    return request->head_bytes > REQUEST_HEAD_BYTES_MAX;
}

const struct refusal *request_refusal(const struct request *request, const struct guard *guard)
{
    static const struct {
        bool (*holds)(const struct request *, const struct guard *);
        struct refusal refusal;
    } RULES[] = {
        {is_misdirected,
         {421, "421: this server is not called that; use its address with the port, localhost, or "
               "a name of CCDATA_SERVE_NAMES\n"}},
        {is_other_version, {505, "505: HTTP/1.0 and HTTP/1.1 are served\n"}},
        {is_ambiguous,
         {400, "400: a header comes twice that may come once, or holds what none may\n"}},
        {is_other_method, {405, "405: GET and HEAD are served\n"}},
        {has_body, {400, "400: a request has no body here\n"}},
        {is_too_long, {431, "431: the head is longer than 8192 bytes\n"}},
        {is_foreign, {403, "403: a page of another site asked\n"}},
    };
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (RULES[i].holds(request, guard))
            return &RULES[i].refusal;
    return NULL;
}
