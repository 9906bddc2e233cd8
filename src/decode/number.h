/* JSON number text → int64 or the correctly rounded double. Locale-free, no strtod. */
#ifndef DECODE_NUMBER_H
#define DECODE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* f64: correctly rounded (ties to even), -0 kept, infinite when too large (the caller refuses it).
 * is_integer: the text has neither '.' nor exponent; i64 is its value when fits_i64, else 0. */
struct number {
    double f64;
    int64_t i64;
    bool is_integer;
    bool fits_i64;
};
/* Read a number by the grammar of RFC 8259 from p; nothing at or behind end is looked at. Returns
 * the first byte after it, NULL when malformed (*out_number is then untouched). */
const char *number_read(const char *p, const char *end, struct number *out_number);

#endif
