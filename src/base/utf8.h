/* UTF-8 one character at a time (RFC 3629); shared by the files of base. Implemented in str.c.
 * Invariant: never reads past len. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/* Bytes of the well-formed character at the start of s, 1 … 4; 0 when s is empty or does not start
 * with one. */
size_t utf8_char_size(struct str s, uint32_t *out_code_point);

/* The longest length <= len that does not end inside a character of text. */
size_t utf8_cut(const char *text, size_t len);

/* Make text printable in place: every control character (C0, DEL, C1, line and paragraph separator,
 * bidirectional override) and every byte that is not UTF-8 becomes '?'. Returns the new length,
 * never longer. */
size_t utf8_make_printable(char *text, size_t len);

#endif
