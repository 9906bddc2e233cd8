#include "store/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

enum { HOST_NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63, PORT_MAX = 65535, PORT_MAX_DIGITS = 5 };

static const struct {
    const char *name;
    const char *scheme; /* what struct store_url holds */
} schemes[] = {
    {"sqlite", "sqlite"},           {"null", "null"},       {"mysql", "mysql"},
    {"singlestore", "singlestore"}, {"mariadb", "mariadb"}, {"postgresql", "postgresql"},
    {"postgres", "postgresql"},
};
enum { SCHEME_COUNT = sizeof(schemes) / sizeof(schemes[0]) };

static const struct {
    const char *name;
    enum ssl_mode mode;
} ssl_modes[] = {
    {"disabled", SSL_MODE_DISABLED},
    {"preferred", SSL_MODE_PREFERRED},
    {"required", SSL_MODE_REQUIRED},
    {"verify-ca", SSL_MODE_VERIFY_CA},
    {"verify-identity", SSL_MODE_VERIFY_IDENTITY},
    /* What libpq calls them. */
    {"disable", SSL_MODE_DISABLED},
    {"prefer", SSL_MODE_PREFERRED},
    {"require", SSL_MODE_REQUIRED},
    {"verify-full", SSL_MODE_VERIFY_IDENTITY},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal but for case and '-' against '_'. */
static bool same_name(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        char x = a.ptr[i] == '_' ? '-' : lower(a.ptr[i]);
        char y = b.ptr[i] == '_' ? '-' : lower(b.ptr[i]);
        if (x != y)
            return false;
    }
    return true;
}

const char *ssl_mode_name(enum ssl_mode mode)
{
    for (size_t i = 0; i < sizeof(ssl_modes) / sizeof(ssl_modes[0]); i++)
        if (ssl_modes[i].mode == mode)
            return ssl_modes[i].name;
    return "unset";
}

bool ssl_mode_parse(struct str name, enum ssl_mode *out_mode)
{
    for (size_t i = 0; i < sizeof(ssl_modes) / sizeof(ssl_modes[0]); i++) {
        if (same_name(name, str_from(ssl_modes[i].name))) {
            *out_mode = ssl_modes[i].mode;
            return true;
        }
    }
    return false;
}

/* ---- decoding ---- */

/* Characters that a line of text may hold, as error messages and log lines judge it. */
static bool is_printable(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code_point;
        char one[4];
        size_t size = utf8_char_size((struct str){text + at, len - at}, &code_point);
        if (size == 0)
            return false;
        memcpy(one, text + at, size);
        utf8_make_printable(one, size);
        if (one[0] != text[at])
            return false;
        at += size;
    }
    return true;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at, percent-decoded, or -1. Steps over it. */
static int next_byte(struct str part, size_t *at)
{
    if (part.ptr[*at] != '%')
        return (unsigned char)part.ptr[(*at)++];
    int high = part.len - *at > 2 ? hex_value(part.ptr[*at + 1]) : -1;
    int low = part.len - *at > 2 ? hex_value(part.ptr[*at + 2]) : -1;
    *at += 3;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static int decode(struct str part, const char *what, char *out, size_t capacity,
                  struct ccd_error *err)
{
    size_t len = 0;
    for (size_t at = 0; at < part.len;) {
        unsigned char raw = (unsigned char)part.ptr[at];
        int byte = next_byte(part, &at);
        if (raw <= ' ' || raw == 0x7F)
            return error_set(err, CCD_USAGE,
                             "%s in the database URL has a space or a control character: write a "
                             "space as %%20",
                             what);
        if (byte < 0)
            return error_set(err, CCD_USAGE,
                             "%s in the database URL has a %% without two hexadecimal digits "
                             "behind it: write %% itself as %%25",
                             what);
        if (len + 1 >= capacity)
            return error_set(err, CCD_USAGE, "%s in the database URL is longer than %zu bytes",
                             what, capacity - 1);
        out[len++] = (char)byte;
    }
    out[len] = '\0';
    return is_printable(out, len)
               ? CCD_OK
               : error_set(err, CCD_USAGE,
                           "%s in the database URL has a control character or is not UTF-8", what);
}

/* ---- hosts ---- */

static bool is_loopback_v6(const struct in6_addr *v6)
{
    return IN6_IS_ADDR_LOOPBACK(v6) ||
           (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

static bool host_is_local(const char *name)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (name[0] == '/' || strcasecmp(name, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, name, &v6) == 1 && is_loopback_v6(&v6);
}

/* "::1", "fe80::1%eth0" */
static bool is_address_v6(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct str zone = str_from(text);
    bool has_zone = strchr(text, '%') != NULL;
    if (!str_copy(address, sizeof(address), str_split(&zone, '%')))
        return false;
    for (size_t i = 0; i < zone.len; i++)
        if (!is_letter(zone.ptr[i]) && !is_digit(zone.ptr[i]) && !strchr("-._", zone.ptr[i]))
            return false;
    return has_zone == (zone.len > 0) && inet_pton(AF_INET6, address, &v6) == 1;
}

static bool is_label(struct str label)
{
    for (size_t i = 0; i < label.len; i++) {
        bool inner = label.ptr[i] == '-' && i > 0 && i + 1 < label.len;
        if (!is_letter(label.ptr[i]) && !is_digit(label.ptr[i]) && label.ptr[i] != '_' && !inner)
            return false;
    }
    return label.len > 0 && label.len <= LABEL_MAX_BYTES;
}

/* A name of labels, or an IPv4 address of four decimal numbers. What the resolver would take for an
 * address of another form ("127.1", "0x7f000001") is neither. */
static bool is_host_name(const char *name)
{
    struct in_addr v4;
    struct str rest = str_from(name);
    struct str label = {0};
    if (rest.len > 1 && rest.ptr[rest.len - 1] == '.')
        rest.len--;
    if (rest.len == 0 || rest.len > HOST_NAME_MAX_BYTES || rest.ptr[rest.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        label = str_split(&rest, '.');
        if (!is_label(label))
            return false;
    }
    return !is_digit(label.ptr[0]) || inet_pton(AF_INET, name, &v4) == 1 ||
           (strspn(label.ptr, "0123456789") < label.len &&
            !str_starts_with_nocase(label, STR("0x")));
}

static int parse_port(struct str text, uint16_t *out_port, struct ccd_error *err)
{
    unsigned port = 0;
    if (memchr(text.ptr, ':', text.len))
        return error_set(err, CCD_USAGE,
                         "a host of the database URL has more than one colon: write an IPv6 "
                         "address as [::1]");
    for (size_t i = 0; i < text.len && i < PORT_MAX_DIGITS; i++) {
        if (!is_digit(text.ptr[i])) {
            port = 0;
            break;
        }
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (text.len > PORT_MAX_DIGITS || port < 1 || port > PORT_MAX)
        return error_set(err, CCD_USAGE, "a port of the database URL is not 1 to %d", PORT_MAX);
    *out_port = (uint16_t)port;
    return CCD_OK;
}

/* Cut "host:port" or "[address]:port". */
static int split_host(struct str text, struct str *out_name, struct str *out_port,
                      bool *out_has_port, bool *out_bracketed, struct ccd_error *err)
{
    *out_port = text;
    *out_bracketed = text.len > 0 && text.ptr[0] == '[';
    if (!*out_bracketed) {
        *out_has_port = memchr(text.ptr, ':', text.len) != NULL;
        *out_name = str_split(out_port, ':');
        return CCD_OK;
    }
    const char *end = memchr(text.ptr, ']', text.len);
    struct str behind = end ? (struct str){end + 1, (size_t)(text.ptr + text.len - end) - 1}
                            : (struct str){0};
    if (!end || (behind.len > 0 && behind.ptr[0] != ':'))
        return error_set(err, CCD_USAGE,
                         "a host of the database URL begins with [ and is not [IPv6 address] or "
                         "[IPv6 address]:port");
    *out_has_port = behind.len > 0;
    *out_name = (struct str){text.ptr + 1, (size_t)(end - text.ptr) - 1};
    *out_port = behind.len > 0 ? (struct str){behind.ptr + 1, behind.len - 1} : behind;
    return CCD_OK;
}

static int parse_host(struct str text, struct store_host *out, struct ccd_error *err)
{
    struct str name = {0};
    struct str port = {0};
    bool has_port = false;
    bool bracketed = false;
    int status = split_host(text, &name, &port, &has_port, &bracketed, err);
    if (status == CCD_OK && has_port)
        status = parse_port(port, &out->port, err);
    if (status == CCD_OK && name.len == 0 && !bracketed)
        return error_set(err, CCD_USAGE,
                         "the database URL names no host: write localhost for this one, or its "
                         "socket as %%2Fpath%%2Fof%%2Fsocket");
    if (status == CCD_OK)
        status = decode(name, "a host", out->name, sizeof(out->name), err);
    if (status != CCD_OK)
        return status;
    if (bracketed && !is_address_v6(out->name))
        return error_set(err, CCD_USAGE,
                         "a host of the database URL is in brackets and no IPv6 address");
    if (!bracketed && out->name[0] != '/' && !is_host_name(out->name))
        return error_set(err, CCD_USAGE,
                         "a host of the database URL is neither a name nor an address");
    for (char *c = out->name; out->name[0] != '/' && *c && *c != '%'; c++)
        *c = lower(*c);
    return CCD_OK;
}

static int parse_hosts(struct str list, struct store_url *out, struct ccd_error *err)
{
    bool more = true;
    while (more) {
        more = memchr(list.ptr, ',', list.len) != NULL;
        struct str text = str_split(&list, ',');
        if (out->host_count == URL_HOSTS_MAX)
            return error_set(err, CCD_USAGE, "the database URL names more than %d hosts",
                             URL_HOSTS_MAX);
        int status = parse_host(text, &out->hosts[out->host_count], err);
        if (status != CCD_OK)
            return status;
        out->host_count++;
    }
    return CCD_OK;
}

/* ---- parameters ---- */

static int refuse_parameter(struct str name, struct ccd_error *err)
{
    bool is_ca = str_distance(name, STR("ssl-ca")) < str_distance(name, STR("ssl-mode"));
    return error_set(
        err, CCD_USAGE,
        "the database URL has an unknown parameter: did you mean %s? It takes ssl-mode "
        "and ssl-ca",
        is_ca ? "ssl-ca" : "ssl-mode");
}

static int parse_parameter(struct str name, struct str value, struct store_url *out,
                           struct ccd_error *err)
{
    bool is_mode = same_name(name, STR("ssl-mode"));
    if (!is_mode && !same_name(name, STR("ssl-ca")))
        return refuse_parameter(name, err);
    if (is_mode ? out->ssl_mode != SSL_MODE_UNSET : out->ssl_ca[0] != '\0')
        return error_set(err, CCD_USAGE, "the database URL has %s twice",
                         is_mode ? "ssl-mode" : "ssl-ca");
    if (value.len == 0)
        return error_set(err, CCD_USAGE, "%s in the database URL is empty",
                         is_mode ? "ssl-mode" : "ssl-ca");
    if (!is_mode)
        return decode(value, "ssl-ca", out->ssl_ca, sizeof(out->ssl_ca), err);
    if (ssl_mode_parse(value, &out->ssl_mode))
        return CCD_OK;
    return error_set(err, CCD_USAGE,
                     "ssl-mode in the database URL is none of disabled, preferred, required, "
                     "verify-ca, verify-identity");
}

static int parse_parameters(struct str query, struct store_url *out, struct ccd_error *err)
{
    int status = CCD_OK;
    while (query.len > 0 && status == CCD_OK) {
        struct str value = str_split(&query, '&');
        struct str name = str_split(&value, '=');
        status = parse_parameter(name, value, out, err);
    }
    if (status != CCD_OK)
        return status;
    /* Who names an authority wants it asked. */
    bool is_easy = store_url_is_local(out) && !out->ssl_ca[0];
    if (out->ssl_mode == SSL_MODE_UNSET)
        out->ssl_mode = is_easy ? SSL_MODE_PREFERRED : SSL_MODE_VERIFY_IDENTITY;
    return CCD_OK;
}

/* ---- the whole ---- */

static int parse_user(struct str user_info, struct store_url *out, struct ccd_error *err)
{
    struct str password = user_info;
    struct str user = str_split(&password, ':');
    if (user.len == 0)
        return error_set(err, CCD_USAGE, "the database URL has an @, but no user before it");
    int status = decode(user, "the user", out->user, sizeof(out->user), err);
    if (status == CCD_OK)
        status = decode(password, "the password", out->password, sizeof(out->password), err);
    out->has_password = password.len > 0;
    return status;
}

static int parse_database(struct str path, struct store_url *out, struct ccd_error *err)
{
    if (path.len == 0)
        return error_set(err, CCD_USAGE,
                         "the database URL names no database: %s://user@host/database",
                         out->scheme);
    if (memchr(path.ptr, '/', path.len))
        return error_set(err, CCD_USAGE,
                         "the database URL has more than one name behind the host: write / in a "
                         "name as %%2F");
    return decode(path, "the name of the database", out->database, sizeof(out->database), err);
}

/* Delimiters that stand unescaped in a user name or password would cut the URL in wrong places, and
 * make a host or a parameter of a part of the password. */
static bool has_stray_delimiter(struct str authority, struct str path, struct str query)
{
    const char *first = memchr(authority.ptr, '@', authority.len);
    return memchr(path.ptr, '@', path.len) || memchr(query.ptr, '@', query.len) ||
           (first && first != memrchr(authority.ptr, '@', authority.len));
}

static int parse_server(struct str rest, struct store_url *out, struct ccd_error *err)
{
    if (!str_starts_with(rest, STR("//")))
        return error_set(err, CCD_USAGE, "write the database URL as %s://user@host/database",
                         out->scheme);
    struct str query = {rest.ptr + 2, rest.len - 2};
    struct str path = str_split(&query, '?');
    struct str authority = str_split(&path, '/');
    struct str hosts = authority;
    if (has_stray_delimiter(authority, path, query) || memchr(rest.ptr, '#', rest.len))
        return error_set(err, CCD_USAGE,
                         "the database URL has @ or # in a wrong place: in a user, password or "
                         "name write @ as %%40, : as %%3A, / as %%2F, ? as %%3F and # as %%23");
    int status = CCD_OK;
    if (memchr(authority.ptr, '@', authority.len))
        status = parse_user(str_split(&hosts, '@'), out, err);
    if (status == CCD_OK)
        status = parse_hosts(hosts, out, err);
    if (status == CCD_OK)
        status = parse_database(path, out, err);
    if (status == CCD_OK)
        status = parse_parameters(query, out, err);
    return status;
}

static int parse_sqlite(struct str rest, struct store_url *out, struct ccd_error *err)
{
    struct str path = rest;
    if (str_starts_with(rest, STR("//"))) {
        path = (struct str){rest.ptr + 2, rest.len - 2};
        if (path.len == 0 || path.ptr[0] != '/') {
            return error_set(err, CCD_USAGE,
                             "sqlite databases are files of this host: write sqlite:relative/path "
                             "or sqlite:///absolute/path");
        }
    }
    if (path.len == 0 || path.ptr[path.len - 1] == '/')
        return error_set(err, CCD_USAGE, "the database URL names no file: sqlite:ccdata.db");
    if (!is_printable(path.ptr, path.len))
        return error_set(err, CCD_USAGE,
                         "the path of the database has a control character or is not UTF-8");
    /* SQLite gives ":memory:" and "file:…" a meaning of their own. */
    const char *lead = path.ptr[0] == '/' ? "" : "./";
    if (!str_print(out->path, sizeof(out->path), "%s" STR_FMT, lead, STR_ARG(path))) {
        return error_set(err, CCD_USAGE, "the path of the database is longer than %zu bytes",
                         sizeof(out->path) - 1);
    }
    return CCD_OK;
}

static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool inner = is_digit(c) || c == '+' || c == '-' || c == '.';
        if (!is_letter(c) && !(inner && i > 0))
            return false;
    }
    return s.len > 0;
}

static int refuse_scheme(struct str scheme, struct ccd_error *err)
{
    const char *nearest = schemes[0].name;
    for (size_t i = 0; i < SCHEME_COUNT; i++)
        if (str_distance(scheme, str_from(schemes[i].name)) <
            str_distance(scheme, str_from(nearest)))
            nearest = schemes[i].name;
    return error_set(err, CCD_USAGE, "unknown kind of database \"" STR_FMT "\": did you mean %s?",
                     STR_ARG(scheme), nearest);
}

static int parse(const char *url, struct store_url *out, struct ccd_error *err)
{
    struct str rest = str_from(url);
    bool has_colon = memchr(rest.ptr ? rest.ptr : "", ':', rest.len) != NULL;
    struct str scheme = str_split(&rest, ':');
    if (!has_colon || !is_scheme(scheme)) {
        return error_set(err, CCD_USAGE,
                         "a database URL begins with its kind, such as sqlite:ccdata.db");
    }
    for (size_t i = 0; i < SCHEME_COUNT; i++)
        if (str_equal_nocase(scheme, str_from(schemes[i].name)))
            str_copy(out->scheme, sizeof(out->scheme), str_from(schemes[i].scheme));
    if (out->scheme[0] == '\0')
        return refuse_scheme(scheme, err);
    if (strcmp(out->scheme, "sqlite") != 0 && strcmp(out->scheme, "null") != 0)
        return parse_server(rest, out, err);
    out->ssl_mode = SSL_MODE_PREFERRED;
    if (strcmp(out->scheme, "sqlite") == 0)
        return parse_sqlite(rest, out, err);
    return rest.len == 0 ? CCD_OK
                         : error_set(err, CCD_USAGE,
                                     "nothing can stand behind null: in a database "
                                     "URL");
}

int store_url_parse(const char *url, struct store_url *out, struct ccd_error *err)
{
    *out = (struct store_url){0};
    int status = parse(url, out, err);
    if (status != CCD_OK)
        store_url_release(out);
    return status;
}

void store_url_release(struct store_url *url)
{
    explicit_bzero(url, sizeof(*url));
}

static size_t show_host(const struct store_host *host, char *out, size_t capacity)
{
    bool bracketed = host->name[0] != '/' && strchr(host->name, ':');
    str_print(out, capacity, "%s%s%s", bracketed ? "[" : "", host->name, bracketed ? "]" : "");
    size_t len = strlen(out);
    if (host->port > 0)
        str_print(out + len, capacity - len, ":%u", (unsigned)host->port);
    return strlen(out);
}

void store_url_show(const struct store_url *url, char *out, size_t capacity)
{
    if (url->host_count == 0) {
        struct str path = str_from(url->path[0] ? url->path : url->scheme);
        bool relative = str_starts_with(path, STR("./"));
        str_copy(out, capacity, str_from(path.ptr + (relative ? 2 : 0)));
        return;
    }
    str_print(out, capacity, "%s%s", url->user, url->user[0] ? "@" : "");
    size_t len = strlen(out);
    for (size_t i = 0; i < url->host_count; i++) {
        str_print(out + len, capacity - len, "%s", i > 0 ? "," : "");
        len += strlen(out + len);
        len += show_host(&url->hosts[i], out + len, capacity - len);
    }
    str_print(out + len, capacity - len, "/%s", url->database);
}

bool store_url_is_local(const struct store_url *url)
{
    for (size_t i = 0; i < url->host_count; i++)
        if (!host_is_local(url->hosts[i].name))
            return false;
    return true;
}
