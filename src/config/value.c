#include "config/value.h"

#include <string.h>

#include "base/time.h"

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char byte = (unsigned char)s.ptr[i];
        if (byte < 0x20 || byte == 0x7F)
            return true;
    }
    return false;
}

static bool has_space(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == ' ' || (s.ptr[i] >= '\t' && s.ptr[i] <= '\r'))
            return true;
    return false;
}

static bool same_choice(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        bool dashes = (a.ptr[i] == '-' || a.ptr[i] == '_') && (b.ptr[i] == '-' || b.ptr[i] == '_');
        if (!dashes && !str_equal_nocase((struct str){a.ptr + i, 1}, (struct str){b.ptr + i, 1}))
            return false;
    }
    return true;
}

static bool find_choice(const char *choices, struct str text, struct str *out_choice)
{
    struct str rest = str_from(choices);
    while (rest.len > 0) {
        struct str choice = str_split(&rest, '|');
        if (same_choice(choice, text)) {
            *out_choice = choice;
            return true;
        }
    }
    return false;
}

static const char *check_url(struct str url)
{
    static const struct str HTTP = {"http://", 7};
    static const struct str HTTPS = {"https://", 8};
    size_t scheme = str_starts_with_nocase(url, HTTPS)  ? HTTPS.len
                    : str_starts_with_nocase(url, HTTP) ? HTTP.len
                                                        : 0;
    if (scheme == 0)
        return "does not begin with https:// or http://";
    if (has_space(url))
        return "holds white space";
    size_t host = 0;
    while (scheme + host < url.len && !memchr("/?#", url.ptr[scheme + host], 3)) {
        if (url.ptr[scheme + host] == '@')
            return "holds a user name; credentials do not belong in this URL";
        host++;
    }
    return host == 0 ? "names no host" : NULL;
}

static const char *check_number(const struct config_option *option, struct str text,
                                struct config_value *out)
{
    if (option->type == CONFIG_TYPE_INTEGER) {
        if (!str_to_i64(text, &out->i64))
            return "is not an integer";
        out->f64 = (double)out->i64;
    } else if (!str_to_f64(text, &out->f64)) {
        return "is not a number";
    }
    return out->f64 < option->least || out->f64 > option->most ? "is out of range" : NULL;
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ';
}

static enum ccd_status split_list(struct config_value *out, struct str text,
                                  const struct allocator *allocator, const char **out_reason)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += !is_separator(text.ptr[i]) && (i == 0 || is_separator(text.ptr[i - 1]));
    if (count > CONFIG_LIST_MAX_ITEMS) {
        *out_reason = "has more than 1000 items";
        return CCD_CONFIG;
    }
    out->item_text = mem_copy_text(allocator, text.ptr, text.len);
    out->items = mem_new(allocator, count, sizeof *out->items);
    if (!out->item_text || !out->items)
        return CCD_NO_MEMORY;
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        while (at < text.len && !is_separator(text.ptr[at]))
            at++;
        if (at > begin)
            out->items[out->item_count++] = (struct str){out->item_text + begin, at - begin};
        if (at < text.len)
            out->item_text[at++] = '\0';
    }
    return CCD_OK;
}

/* Secrets that go into a request; a password does not. */
static bool has_no_space(const struct config_option *option)
{
    return (option->flags & CONFIG_HIDDEN) != 0 && option->type != CONFIG_TYPE_PASSWORD;
}

/* What is wrong with a text of this row's type, or NULL. Numbers, times and choices are left in
 * *out, *text. */
static const char *check(const struct config_option *option, struct str *text,
                         struct config_value *out)
{
    bool date_only;
    struct str choice;
    if (!str_is_utf8(*text))
        return "is not UTF-8";
    if (has_control(*text)) {
        return has_no_space(option) ? "holds white space or a control character"
                                    : "holds a control character";
    }
    if ((option->flags & CONFIG_NO_URL) != 0 &&
        (memchr(text->ptr, '@', text->len) || str_find(*text, STR("://")) != SIZE_MAX))
        return "is a URL; write the host alone, user and password have settings of their own";
    switch (option->type) {
    case CONFIG_TYPE_INTEGER:
    case CONFIG_TYPE_NUMBER:
    case CONFIG_TYPE_SECONDS:
        return check_number(option, *text, out);
    case CONFIG_TYPE_CHOICE:
        if (!find_choice(option->detail, *text, &choice))
            return "is not one of the choices";
        *text = choice;
        return NULL;
    case CONFIG_TYPE_TIME:
        return time_parse_iso(*text, &out->i64, &date_only) ? NULL : "is not a time";
    case CONFIG_TYPE_BOOL:
        return str_to_bool(*text, &out->boolean) ? NULL : "is neither true nor false";
    case CONFIG_TYPE_URL:
        return check_url(*text);
    case CONFIG_TYPE_SECRET:
        return has_space(*text) ? "holds white space or a control character" : NULL;
    default:
        return NULL;
    }
}

static enum ccd_status mask(struct config_value *value, const struct allocator *allocator)
{
    struct buf masked;
    buf_init(&masked, 2 * value->len + 16, allocator);
    if (config_add_masked_url(&masked, (struct str){value->text, value->len}) == 0)
        value->shown = mem_copy_text(allocator, masked.data, masked.len);
    buf_release(&masked);
    return value->shown ? CCD_OK : CCD_NO_MEMORY;
}

enum ccd_status config_value_parse(struct config_value *out_value,
                                   const struct config_option *option, struct str text,
                                   const struct allocator *allocator, const char **out_reason)
{
    *out_value = (struct config_value){0};
    *out_reason = NULL;
    if (text.len == 0)
        return CCD_OK;
    *out_reason = check(option, &text, out_value);
    if (*out_reason)
        return CCD_CONFIG;
    out_value->text = mem_copy_text(allocator, text.ptr, text.len);
    if (!out_value->text)
        return CCD_NO_MEMORY;
    out_value->len = text.len;
    if (option->type == CONFIG_TYPE_DATABASE)
        return mask(out_value, allocator);
    return option->type == CONFIG_TYPE_LIST ? split_list(out_value, text, allocator, out_reason)
                                            : CCD_OK;
}

void config_value_release(struct config_value *value, const struct allocator *allocator)
{
    if (value->text)
        explicit_bzero(value->text, value->len);
    mem_free(allocator, value->text);
    mem_free(allocator, value->items);
    mem_free(allocator, value->item_text);
    mem_free(allocator, value->shown);
    *value = (struct config_value){0};
}

/* Where user and host begin in the URL of a server; SIZE_MAX when it is that of a file, whose name
 * may hold anything. */
static size_t find_authority(struct str url)
{
    size_t colon = str_find(url, STR(":"));
    struct str scheme = {url.ptr, colon == SIZE_MAX ? 0 : colon};
    if (colon == SIZE_MAX || str_equal_nocase(scheme, STR("sqlite")) ||
        str_equal_nocase(scheme, STR("null")))
        return SIZE_MAX;
    struct str rest = {url.ptr + colon + 1, url.len - colon - 1};
    return colon + (str_starts_with(rest, STR("//")) ? 3 : 1);
}

/* Offset and length of the password in "scheme://user:password@…", and in "scheme:user:password@…",
 * which is a mistake, but no less secret. The last '@' counts, so that an unescaped one in the
 * password cannot let a part of it through. */
static bool find_password(struct str url, size_t *out_at, size_t *out_len)
{
    size_t user = find_authority(url);
    if (user == SIZE_MAX)
        return false;
    const char *end = memrchr(url.ptr + user, '@', url.len - user);
    const char *colon = end ? memchr(url.ptr + user, ':', (size_t)(end - url.ptr) - user) : NULL;
    if (!colon)
        return false;
    *out_at = (size_t)(colon - url.ptr) + 1;
    *out_len = (size_t)(end - colon) - 1;
    return true;
}

bool config_url_has_password(struct str url)
{
    size_t at;
    size_t len;
    return find_password(url, &at, &len) && len > 0;
}

/* The parameters behind '?': what is none of ours ("password=…") is as secret as a password. */
static void add_masked_parameters(struct buf *out, struct str query)
{
    while (query.len > 0) {
        struct str value = str_split(&query, '&');
        bool has_value = memchr(value.ptr, '=', value.len) != NULL;
        struct str name = str_split(&value, '=');
        bool shown = same_choice(name, STR("ssl-mode")) || same_choice(name, STR("ssl-ca"));
        buf_add(out, name.ptr, name.len);
        buf_add_text(out, has_value ? "=" : "");
        buf_add(out, shown || value.len == 0 ? value.ptr : "***",
                shown || value.len == 0 ? value.len : 3);
        buf_add_text(out, query.len > 0 ? "&" : "");
    }
}

int config_add_masked_url(struct buf *out, struct str url)
{
    size_t at;
    size_t len;
    struct str rest = url;
    if (find_authority(url) == SIZE_MAX)
        return buf_add(out, url.ptr, url.len);
    if (find_password(url, &at, &len) && len > 0) {
        buf_add(out, url.ptr, at);
        buf_add_text(out, "***");
        rest = (struct str){url.ptr + at + len, url.len - at - len};
    }
    bool has_query = memchr(rest.ptr, '?', rest.len) != NULL;
    struct str place = str_split(&rest, '?');
    buf_add(out, place.ptr, place.len);
    buf_add_text(out, has_query ? "?" : "");
    add_masked_parameters(out, rest);
    return out->failed ? -1 : 0;
}
