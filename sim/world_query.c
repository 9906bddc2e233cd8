/* Query strings and error envelopes. */
#include <stdarg.h>

#include "sim/world_private.h"

enum { LIST_MAX_BYTES = 4096, MESSAGE_MAX_BYTES = 4096 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* out ends with a NUL in any case. */
static bool decode(struct str value, char *out, size_t capacity)
{
    size_t len = 0;
    bool whole = true;
    for (size_t i = 0; i < value.len && whole; i++) {
        char c = value.ptr[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < value.len ? hex_digit(value.ptr[i + 1]) : -1;
            int low = i + 2 < value.len ? hex_digit(value.ptr[i + 2]) : -1;
            c = high < 0 || low < 0 ? '\0' : (char)(high * 16 + low);
            i += 2;
        }
        whole = c != '\0' && len + 1 < capacity;
        if (whole)
            out[len++] = c;
    }
    out[len] = '\0';
    return whole;
}

/* Next parameter called name; *rest moves behind it. */
static bool next_value(struct str *rest, const char *name, struct str *out_value)
{
    while (rest->len > 0) {
        struct str value = str_split(rest, '&');
        struct str key = str_split(&value, '=');
        if (str_equal(key, str_from(name))) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

bool query_value(struct str query, const char *name, char *out, size_t capacity, bool *out_bad)
{
    struct str value;
    out[0] = '\0';
    if (!next_value(&query, name, &value))
        return false;
    *out_bad = !decode(value, out, capacity);
    return true;
}

bool query_has(struct str query, const char *name)
{
    struct str value;
    return next_value(&query, name, &value);
}

bool query_lists(struct str query, const char *name, struct str wanted)
{
    struct str value;
    while (next_value(&query, name, &value)) {
        char decoded[LIST_MAX_BYTES];
        struct str list = decode(value, decoded, sizeof decoded) ? str_from(decoded) : STR("");
        while (list.len > 0)
            if (str_equal(str_trim(str_split(&list, ',')), wanted))
                return true;
    }
    return false;
}

int error_reply(struct buf *out, int status, int type, const char *param, const char *value,
                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct buf text;
    buf_init(&text, MESSAGE_MAX_BYTES, out->allocator);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_printf(out, "{\"Data\":{},\"Err\":{\"type\":%d,\"message\":", type);
    buf_add_json_text(out, buf_str(&text));
    buf_release(&text);
    buf_add_text(out, ",\"other_info\":{");
    if (param) {
        int64_t number;
        buf_add_text(out, "\"param\":");
        buf_add_json_text(out, str_from(param));
        buf_add_text(out, ",\"values\":[");
        if (value && str_to_i64(str_from(value), &number))
            buf_printf(out, "%lld", (long long)number);
        else if (value)
            buf_add_json_text(out, str_from(value));
        buf_add_char(out, ']');
    }
    buf_add_text(out, "}}}");
    return status;
}
