/* A byte buffer that grows up to a maximum it is born with. Invariant: len <= max_bytes; data[len]
 * is a NUL. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/hooks.h"
#include "base/str.h"

struct buf {
    char *data; /* NULL until the first byte; otherwise NUL-terminated */
    size_t len;
    size_t capacity;
    size_t max_bytes;
    bool failed; /* an append did not fit or had no memory; sticky until clear */
    const struct allocator *allocator;
};

void buf_init(struct buf *b, size_t max_bytes, const struct allocator *allocator);
void buf_release(struct buf *b); /* zeroed buffer is legal */
void buf_clear(struct buf *b);   /* keeps the memory */
/* All appends: 0 or -1 (then failed is set and nothing was added). Check once at the end with
 * b->failed. */
int buf_reserve(struct buf *b, size_t extra_bytes);
int buf_add(struct buf *b, const void *bytes, size_t len);
int buf_add_text(struct buf *b, const char *text);
int buf_add_char(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
int buf_vprintf(struct buf *b, const char *format, va_list args);
/* JSON string with quotes; invalid UTF-8 bytes become U+FFFD; control characters are escaped. */
int buf_add_json_text(struct buf *b, struct str s);
/* Percent-encode everything but RFC 3986 unreserved characters. */
int buf_add_url_text(struct buf *b, struct str s);
struct str buf_str(const struct buf *b);

#endif
