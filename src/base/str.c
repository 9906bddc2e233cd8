#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { DISTANCE_MAX_BYTES = 64, DISTANCE_FAR = 255 };

static unsigned char lower(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool equal_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

struct str str_from(const char *text)
{
    return text ? (struct str){text, strlen(text)} : (struct str){"", 0};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_equal_nocase(struct str a, struct str b)
{
    return a.len == b.len && equal_nocase(a.ptr, b.ptr, a.len);
}

bool str_same_name(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len && a.len == b.len; i++) {
        char left = a.ptr[i] == '-' ? '_' : a.ptr[i];
        char right = b.ptr[i] == '-' ? '_' : b.ptr[i];
        if (left != right)
            return false;
    }
    return a.len == b.len;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_starts_with_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && equal_nocase(s.ptr, prefix.ptr, prefix.len);
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

size_t str_find(struct str haystack, struct str needle)
{
    if (needle.len == 0) {
        return 0;
    }
    if (haystack.len == 0) {
        return SIZE_MAX;
    }
    const char *found = memmem(haystack.ptr, haystack.len, needle.ptr, needle.len);
    return found ? (size_t)(found - haystack.ptr) : SIZE_MAX;
}

size_t str_find_nocase(struct str haystack, struct str needle)
{
    if (needle.len > haystack.len) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i <= haystack.len - needle.len; i++) {
        if (equal_nocase(haystack.ptr + i, needle.ptr, needle.len)) {
            return i;
        }
    }
    return SIZE_MAX;
}

struct str str_split(struct str *rest, char separator)
{
    struct str part = *rest;
    const char *found = part.len ? memchr(part.ptr, separator, part.len) : NULL;
    if (!found) {
        *rest = (struct str){part.ptr ? part.ptr + part.len : part.ptr, 0};
        return part;
    }
    part.len = (size_t)(found - part.ptr);
    rest->ptr = found + 1;
    rest->len -= part.len + 1;
    return part;
}

bool str_print(char *out, size_t capacity_bytes, const char *format, ...)
{
    if (capacity_bytes == 0) {
        return false;
    }
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(out, capacity_bytes, format, args);
    va_end(args);
    if (wanted < 0) {
        out[0] = '\0';
        return false;
    }
    if ((size_t)wanted < capacity_bytes) {
        return true;
    }
    out[utf8_cut(out, capacity_bytes - 1)] = '\0';
    return false;
}

bool str_copy(char *out, size_t capacity_bytes, struct str s)
{
    if (capacity_bytes == 0) {
        return false;
    }
    bool fits = s.len < capacity_bytes;
    size_t len = fits ? s.len : utf8_cut(s.ptr, capacity_bytes - 1);
    if (len > 0) {
        memcpy(out, s.ptr, len);
    }
    out[len] = '\0';
    return fits;
}

static bool same_in_a_name(char a, char b)
{
    return a == b || ((a == '-' || a == '_') && (b == '-' || b == '_'));
}

unsigned str_distance(struct str a, struct str b)
{
    if (a.len > DISTANCE_MAX_BYTES || b.len > DISTANCE_MAX_BYTES) {
        return DISTANCE_FAR;
    }
    unsigned row[DISTANCE_MAX_BYTES + 1]; /* distances of a[0..i) to every prefix of b */
    for (unsigned j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned replace = diagonal + !same_in_a_name(a.ptr[i - 1], b.ptr[j - 1]);
            unsigned insert_or_delete = (row[j - 1] < row[j] ? row[j - 1] : row[j]) + 1;
            diagonal = row[j];
            row[j] = replace < insert_or_delete ? replace : insert_or_delete;
        }
    }
    return row[b.len];
}

/* Bytes that count as one character: a byte that is not UTF-8 is one, too. */
static size_t glob_step(struct str text, size_t at)
{
    uint32_t code_point;
    size_t size = utf8_char_size((struct str){text.ptr + at, text.len - at}, &code_point);
    return size ? size : 1;
}

/* Only the last star is ever tried again: what an earlier one matched cannot matter any more. That
 * bounds the work by len(pattern) * len(text), whatever the number of stars. */
bool str_glob(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX; /* place in pattern after the last star */
    size_t star_text = 0;   /* where the text after that star begins */
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (p < pattern.len && pattern.ptr[p] == '?') {
            p++;
            t += glob_step(text, t);
        } else if (p < pattern.len && lower(pattern.ptr[p]) == lower(text.ptr[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            star_text += glob_step(text, star_text);
            p = star;
            t = star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') {
        p++;
    }
    return p == pattern.len;
}

/* Table 3-7 of the Unicode standard: which bytes may follow which. */
size_t utf8_char_size(struct str s, uint32_t *out_code_point)
{
    if (s.len == 0) {
        return 0;
    }
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    unsigned char first = bytes[0];
    if (first < 0x80) {
        *out_code_point = first;
        return 1;
    }
    size_t size;
    unsigned char low = 0x80; /* range of the second byte */
    unsigned char high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        size = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        size = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;  /* no overlong forms */
        high = first == 0xED ? 0x9F : 0xBF; /* no surrogates */
    } else if (first >= 0xF0 && first <= 0xF4) {
        size = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF; /* not above U+10FFFF */
    } else {
        return 0;
    }
    if (s.len < size || bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    uint32_t code_point = first & (0x7FU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        code_point = code_point << 6 | (bytes[i] & 0x3FU);
    }
    *out_code_point = code_point;
    return size;
}

size_t utf8_cut(const char *text, size_t len)
{
    for (size_t back = 1; back <= 4 && back <= len; back++) {
        unsigned char byte = (unsigned char)text[len - back];
        if ((byte & 0xC0) == 0x80) {
            continue;
        }
        size_t size = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return size > back ? len - back : len;
    }
    return len;
}

static bool is_unprintable(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
           (code_point >= 0x2028 && code_point <= 0x202E) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

size_t utf8_make_printable(char *text, size_t len)
{
    size_t written = 0;
    for (size_t at = 0; at < len;) {
        uint32_t code_point = 0;
        size_t size = utf8_char_size((struct str){text + at, len - at}, &code_point);
        if (size == 0 || is_unprintable(code_point)) {
            text[written++] = '?';
            at += size ? size : 1;
            continue;
        }
        memmove(text + written, text + at, size);
        written += size;
        at += size;
    }
    return written;
}

bool str_is_utf8(struct str s)
{
    while (s.len > 0) {
        uint32_t code_point;
        size_t size = utf8_char_size(s, &code_point);
        if (size == 0) {
            return false;
        }
        s.ptr += size;
        s.len -= size;
    }
    return true;
}
