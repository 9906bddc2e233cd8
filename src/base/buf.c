#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { FIRST_CAPACITY_BYTES = 64 };

void buf_init(struct buf *b, size_t max_bytes, const struct allocator *allocator)
{
    *b = (struct buf){.max_bytes = max_bytes, .allocator = allocator};
}

void buf_release(struct buf *b)
{
    if (b) {
        mem_free(b->allocator, b->data);
        *b = (struct buf){.max_bytes = b->max_bytes, .allocator = b->allocator};
    }
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data) {
        b->data[0] = '\0';
    }
}

static int fail(struct buf *b)
{
    b->failed = true;
    return -1;
}

int buf_reserve(struct buf *b, size_t extra_bytes)
{
    if (b->failed || extra_bytes > b->max_bytes - b->len || b->len + extra_bytes == SIZE_MAX) {
        return fail(b);
    }
    size_t needed = b->len + extra_bytes + 1;
    if (needed <= b->capacity) {
        return 0;
    }
    size_t capacity = b->capacity > SIZE_MAX / 2 ? needed : b->capacity * 2;
    if (capacity < FIRST_CAPACITY_BYTES) {
        capacity = FIRST_CAPACITY_BYTES;
    }
    if (capacity > b->max_bytes) {
        capacity = b->max_bytes + (b->max_bytes < SIZE_MAX);
    }
    if (capacity < needed) {
        capacity = needed;
    }
    char *data = mem_resize(b->allocator, b->data, capacity, 1);
    if (!data) {
        return fail(b);
    }
    data[b->len] = '\0';
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (buf_reserve(b, len) != 0) {
        return -1;
    }
    if (len > 0) {
        memcpy(b->data + b->len, bytes, len);
        b->len += len;
        b->data[b->len] = '\0';
    }
    return 0;
}

int buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, text, text ? strlen(text) : 0);
}

int buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int PRINTF_LIKE(2, 0) buf_vprintf(struct buf *b, const char *format, va_list args)
{
    if (b->failed) {
        return -1;
    }
    va_list again;
    va_copy(again, args);
    size_t room = b->data ? b->capacity - b->len : 0;
    int wanted = vsnprintf(b->data ? b->data + b->len : NULL, room, format, args);
    int result = -1;
    if (wanted < 0 || (size_t)wanted > b->max_bytes - b->len) {
        goto out;
    }
    if ((size_t)wanted >= room) {
        if (buf_reserve(b, (size_t)wanted) != 0) {
            goto out;
        }
        (void)vsnprintf(b->data + b->len, (size_t)wanted + 1, format, again);
    }
    b->len += (size_t)wanted;
    result = 0;
out:
    va_end(again);
    if (result != 0) {
        b->failed = true;
        if (b->data) {
            b->data[b->len] = '\0'; /* the first attempt may have written past len */
        }
    }
    return result;
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = buf_vprintf(b, format, args);
    va_end(args);
    return result;
}

/* Undo everything after `len` when an append of several steps failed. */
static int finish_whole(struct buf *b, size_t len)
{
    if (!b->failed) {
        return 0;
    }
    b->len = len;
    if (b->data) {
        b->data[len] = '\0';
    }
    return -1;
}

/* DEL, C1, line separators, direction marks and what has no width are legal in JSON, but not for a
 * terminal, a script, or who reads over it. */
static bool disturbs_a_reader(uint32_t c)
{
    return (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

static void add_json_char(struct buf *b, const char *bytes, size_t size, uint32_t code_point)
{
    switch (code_point) {
    case '"':
        buf_add(b, "\\\"", 2);
        return;
    case '\\':
        buf_add(b, "\\\\", 2);
        return;
    case '\b':
        buf_add(b, "\\b", 2);
        return;
    case '\f':
        buf_add(b, "\\f", 2);
        return;
    case '\n':
        buf_add(b, "\\n", 2);
        return;
    case '\r':
        buf_add(b, "\\r", 2);
        return;
    case '\t':
        buf_add(b, "\\t", 2);
        return;
    default:
        break;
    }
    if (code_point < 0x20 || disturbs_a_reader(code_point)) {
        buf_printf(b, "\\u%04x", (unsigned)code_point);
    } else {
        buf_add(b, bytes, size);
    }
}

int buf_add_json_text(struct buf *b, struct str s)
{
    size_t before = b->len;
    buf_add_char(b, '"');
    size_t plain = 0; /* start of the run of bytes that need no care */
    size_t at = 0;
    while (at < s.len && !b->failed) {
        unsigned char byte = (unsigned char)s.ptr[at];
        if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
            at++;
            continue;
        }
        buf_add(b, s.ptr + plain, at - plain);
        uint32_t code_point = 0;
        size_t size = utf8_char_size((struct str){s.ptr + at, s.len - at}, &code_point);
        if (size == 0) {
            buf_add(b, "\xEF\xBF\xBD", 3);
            size = 1;
        } else {
            add_json_char(b, s.ptr + at, size, code_point);
        }
        at += size;
        plain = at;
    }
    buf_add(b, s.ptr ? s.ptr + plain : NULL, at - plain);
    buf_add_char(b, '"');
    return finish_whole(b, before);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int buf_add_url_text(struct buf *b, struct str s)
{
    static const char HEX[] = "0123456789ABCDEF";
    size_t before = b->len;
    for (size_t i = 0; i < s.len && !b->failed; i++) {
        if (is_unreserved(s.ptr[i])) {
            buf_add_char(b, s.ptr[i]);
        } else {
            unsigned char byte = (unsigned char)s.ptr[i];
            char escape[3] = {'%', HEX[byte >> 4], HEX[byte & 15]};
            buf_add(b, escape, sizeof escape);
        }
    }
    return finish_whole(b, before);
}

struct str buf_str(const struct buf *b)
{
    return b->data ? (struct str){b->data, b->len} : (struct str){"", 0};
}
