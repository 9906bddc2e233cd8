/* Text from strangers on its way out: into JSON, into a URL, onto a terminal. Each reader gets back
 * exactly what went in, and nothing that it would obey. */
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "fuzz.h"

enum { OUT_MAX_BYTES = 1 << 20, TEXT_MAX_BYTES = 4096 };

static void check_json(struct str text)
{
    struct buf out;
    json_error_t problem;
    buf_init(&out, OUT_MAX_BYTES, NULL);
    PROMISE(buf_add_json_text(&out, text) == 0);
    for (size_t i = 0; i < out.len; i++)
        PROMISE((unsigned char)out.data[i] >= 0x20);
    json_t *read = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    PROMISE(json_is_string(read));
    if (str_is_utf8(text))
        PROMISE(str_equal(text, (struct str){json_string_value(read), json_string_length(read)}));
    json_decref(read);
    buf_release(&out);
}

static int hex_digit(char c)
{
    const char *at = c ? strchr("0123456789ABCDEF", c) : NULL;
    PROMISE(at);
    return (int)(at - "0123456789ABCDEF");
}

static void check_url(struct str text)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct buf out;
    size_t taken = 0;
    buf_init(&out, OUT_MAX_BYTES, NULL);
    PROMISE(buf_add_url_text(&out, text) == 0);
    for (size_t i = 0; i < out.len; i++, taken++) {
        PROMISE(taken < text.len);
        if (out.data[i] == '%') {
            PROMISE(i + 2 < out.len);
            int byte = hex_digit(out.data[i + 1]) << 4 | hex_digit(out.data[i + 2]);
            PROMISE((char)byte == text.ptr[taken]);
            i += 2;
        } else {
            PROMISE(strchr(unreserved, out.data[i]) && out.data[i] == text.ptr[taken]);
        }
    }
    PROMISE(taken == text.len);
    buf_release(&out);
}

static void check_printable(char *text, size_t len)
{
    size_t printable_len = utf8_make_printable(text, len);
    PROMISE(printable_len <= len);
    struct str rest = {text, printable_len};
    while (rest.len > 0) {
        uint32_t code_point;
        size_t size = utf8_char_size(rest, &code_point);
        PROMISE(size > 0);
        PROMISE(code_point >= 0x20 && !(code_point >= 0x7F && code_point < 0xA0));
        PROMISE(code_point != 0x2028 && code_point != 0x2029);
        PROMISE(!(code_point >= 0x202A && code_point <= 0x202E));
        PROMISE(!(code_point >= 0x2066 && code_point <= 0x2069));
        rest = (struct str){rest.ptr + size, rest.len - size};
    }
    PROMISE(utf8_make_printable(text, printable_len) == printable_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > TEXT_MAX_BYTES)
        return 0;
    char *copy = malloc(len + 1);
    PROMISE(copy);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    check_json((struct str){copy, len});
    check_url((struct str){copy, len});
    PROMISE(utf8_cut(copy, len) <= len);
    check_printable(copy, len);
    free(copy);
    return 0;
}
