/* JSON number text → int64 or the correctly rounded double. Locale-free, no strtod. */
#ifndef DECODE_NUMBER_H
#define DECODE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read a number by the grammar of RFC 8259 from p (readable up to end; end[0…31] may be read too
 * when the caller pads, see number.c). Returns the first byte after it, NULL when malformed.
 * *out_value is correctly rounded (ties to even), -0 kept, infinite when too large (caller
 * refuses). *out_is_integer: neither '.' nor exponent; then *out_integer holds it when
 * *out_fits_i64. */
struct number {
    double f64;
    int64_t i64;
    bool is_integer;
    bool fits_i64;
};
const char *number_read(const char *p, const char *end, struct number *out_number);

#endif
