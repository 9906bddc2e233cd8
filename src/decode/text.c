#include "decode/text.h"

#include <string.h>

#include "base/utf8.h"
#include "decode/number_internal.h"
#include "decode/page.h"

enum {
    ESCAPE_BYTES = 2,         /* \n */
    UNICODE_ESCAPE_BYTES = 6, /* \u20ac */
    UTF8_MAX_BYTES = 4,
};

const char *fault_set(struct fault *f, const char *at, const char *reason)
{
    *f = (struct fault){at, reason};
    return NULL;
}

/* Whether one of the eight bytes needs a look: a control character, quote, backslash or non-ASCII.
 * A byte that follows such a one may be reported too; only the answer "none" is relied upon. */
static bool has_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quote = word ^ ones * '"';
    uint64_t backslash = word ^ ones * '\\';
    return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & ones * 0x80) != 0;
}

static const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 8 && !has_special(load_eight(p)))
        p += 8;
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The 16-bit unit of the \uXXXX at p; -1 when there is none. */
static int32_t read_unit(const char *p, const char *end)
{
    if (end - p < UNICODE_ESCAPE_BYTES || p[0] != '\\' || p[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (int i = 2; i < UNICODE_ESCAPE_BYTES; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* One or two \uXXXX (a surrogate pair) → code point; NULL when malformed or lone. */
static const char *read_unicode(const char *p, const char *end, uint32_t *out_code_point)
{
    int32_t unit = read_unit(p, end);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return NULL;
    p += UNICODE_ESCAPE_BYTES;
    if (unit < 0xD800 || unit > 0xDFFF) {
        *out_code_point = (uint32_t)unit;
        return p;
    }
    int32_t low = read_unit(p, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return NULL;
    *out_code_point = 0x10000 + ((uint32_t)(unit - 0xD800) << 10 | (uint32_t)(low - 0xDC00));
    return p + UNICODE_ESCAPE_BYTES;
}

/* The character that the escape at p stands for; NULL when malformed. */
static const char *read_escape(const char *p, const char *end, uint32_t *out_code_point)
{
    static const char NAMES[] = "\"\\/bfnrt";
    static const char VALUES[] = "\"\\/\b\f\n\r\t";
    if (end - p < ESCAPE_BYTES)
        return NULL;
    if (p[1] == 'u')
        return read_unicode(p, end, out_code_point);
    const char *name = p[1] == '\0' ? NULL : strchr(NAMES, p[1]);
    if (!name)
        return NULL;
    *out_code_point = (unsigned char)VALUES[name - NAMES];
    return p + ESCAPE_BYTES;
}

static size_t utf8_encode(uint32_t code_point, char out[UTF8_MAX_BYTES])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (char)(0xF00u >> size | code_point);
    return size;
}

static const char *read_special(const char *p, const char *end, struct text *t, struct fault *f)
{
    uint32_t code_point;
    if (*p == '\\') {
        const char *next = read_escape(p, end, &code_point);
        if (!next)
            return fault_set(f, p, "malformed escape");
        if (code_point == 0)
            return fault_set(f, p, "NUL in a text");
        char encoded[UTF8_MAX_BYTES];
        t->len += utf8_encode(code_point, encoded);
        t->escaped = true;
        return next;
    }
    if ((unsigned char)*p < 0x20)
        return fault_set(f, p, "control character in a text");
    size_t size = utf8_char_size((struct str){p, (size_t)(end - p)}, &code_point);
    if (size == 0)
        return fault_set(f, p, "invalid UTF-8");
    t->len += size;
    return p + size;
}

const char *text_read(const char *p, const char *end, struct text *out, struct fault *f)
{
    const char *quote = p++;
    *out = (struct text){.raw.ptr = p};
    while (p) {
        const char *plain_end = skip_plain(p, end);
        out->len += (size_t)(plain_end - p);
        p = plain_end;
        if (out->len > DECODE_TEXT_MAX_BYTES)
            return fault_set(f, quote, "text too long");
        if (p == end)
            return fault_set(f, p, "document ends inside a text");
        if (*p == '"') {
            out->raw.len = (size_t)(p - out->raw.ptr);
            return p + 1;
        }
        p = read_special(p, end, out, f);
    }
    return NULL;
}

/* The next character of a checked text, unescaped; returns its size, and moves *p behind it. */
static size_t next_char(const char **p, const char *end, char out[UTF8_MAX_BYTES])
{
    uint32_t code_point = 0;
    if (**p == '\\') {
        *p = read_escape(*p, end, &code_point);
        return utf8_encode(code_point, out);
    }
    size_t size = utf8_char_size((struct str){*p, (size_t)(end - *p)}, &code_point);
    memcpy(out, *p, size);
    *p += size;
    return size;
}

void text_copy(const struct text *t, char *out)
{
    if (!t->escaped) {
        memcpy(out, t->raw.ptr, t->len);
        return;
    }
    const char *p = t->raw.ptr;
    const char *end = p + t->raw.len;
    while (p < end) {
        char encoded[UTF8_MAX_BYTES];
        size_t size = next_char(&p, end, encoded);
        memcpy(out, encoded, size);
        out += size;
    }
}

size_t text_copy_cut(const struct text *t, char *out, size_t capacity_bytes)
{
    const char *p = t->raw.ptr;
    const char *end = p + t->raw.len;
    size_t len = 0;
    while (p < end) {
        char encoded[UTF8_MAX_BYTES];
        size_t size = next_char(&p, end, encoded);
        if (len + size >= capacity_bytes)
            break;
        memcpy(out + len, encoded, size);
        len += size;
    }
    out[len] = '\0';
    return len;
}

bool text_equal(const struct text *t, struct str s)
{
    if (t->len != s.len)
        return false;
    if (!t->escaped)
        return s.len == 0 || memcmp(t->raw.ptr, s.ptr, s.len) == 0;
    const char *p = t->raw.ptr;
    const char *end = p + t->raw.len;
    size_t at = 0;
    while (p < end) {
        char encoded[UTF8_MAX_BYTES];
        size_t size = next_char(&p, end, encoded);
        if (memcmp(encoded, s.ptr + at, size) != 0)
            return false;
        at += size;
    }
    return true;
}
