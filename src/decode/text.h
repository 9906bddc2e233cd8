/* JSON strings: checked first, unescaped when somebody wants them. Invariant: a string that passed
 * text_read is valid UTF-8 without NUL, raw and unescaped. */
#ifndef DECODE_TEXT_H
#define DECODE_TEXT_H

#include "base/str.h"

/* Where and why a document is refused. reason is a static text. */
struct fault {
    const char *at;
    const char *reason;
};
/* Fills *f; returns NULL, so that `return fault_set(f, p, …)` reads well. */
const char *fault_set(struct fault *f, const char *at, const char *reason);

/* A string as it stands between its quotes. */
struct text {
    struct str raw;
    size_t len; /* bytes when unescaped, at most DECODE_TEXT_MAX_BYTES */
    bool escaped;
};

/* p stands on the opening quote. Returns the first byte after the closing one; NULL = refused:
 * control characters, bad escapes, \u0000, lone surrogates, invalid UTF-8, too long, no end. */
const char *text_read(const char *p, const char *end, struct text *out, struct fault *f);

/* Unescape into out, t->len bytes, no terminator. */
void text_copy(const struct text *t, char *out);
/* The same with a terminator, cut at a character boundary when out is too small. Returns the
 * length. */
size_t text_copy_cut(const struct text *t, char *out, size_t capacity_bytes);
bool text_equal(const struct text *t, struct str s);

#endif
