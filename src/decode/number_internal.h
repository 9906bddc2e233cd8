/* The steps of number_read that others build on: eight digits at a time, and decimal → binary.
 * Invariant: every result is the correctly rounded double (ties to even). */
#ifndef DECODE_NUMBER_INTERNAL_H
#define DECODE_NUMBER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* x86-64 always has SSE2. Other machines take the general paths, which DECODE_PORTABLE selects on
 * any machine. */
#if defined __SSE2__ && !defined DECODE_PORTABLE
#define DECODE_SSE2 1
#endif

enum {
    EXACT_POWER_MAX = 22,   /* 10^22 is the largest power of ten that is a double */
    U64_DIGITS_MAX = 19,    /* any integer of so many digits fits 64 bits unsigned */
    SHORT_SCALE_MAX = 16,   /* see number_short.h */
    EXACT_DIGITS_MAX = 768, /* see number_round_exact */
};
static const uint64_t EXACT_MANTISSA_MAX = UINT64_C(1) << 53;

extern const double exact_powers_of_ten[EXACT_POWER_MAX + 1];
/* [0][scale of a struct short_number]; [1]: the same, negative. */
extern const double short_number_divisors[2][SHORT_SCALE_MAX + 1];

/* w × 10^exponent, 0 and infinity included. */
double number_scale(uint64_t w, int64_t exponent);

/* The significant digits of a decimal number: no leading zero, at most EXACT_DIGITS_MAX of them
 * and, when any that was left out is not zero, a final 1. */
struct decimal {
    unsigned char digits[EXACT_DIGITS_MAX + 1]; /* 0 … 9 */
    size_t count;
    int64_t exponent; /* of the last digit */
};
/* The double nearest to d, given the double `lower` that is it or the one below it. */
double number_round_exact(const struct decimal *d, double lower);

/* Eight characters, the first one in the lowest byte whatever the machine's byte order. */
ALWAYS_INLINE uint64_t load_eight(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Bytes below '0' borrow into, and bytes above '9' carry into, their own top bit. */
ALWAYS_INLINE bool is_eight_digits(uint64_t word)
{
    return (((word + UINT64_C(0x4646464646464646)) | (word - UINT64_C(0x3030303030303030))) &
            UINT64_C(0x8080808080808080)) == 0;
}

/* SWAR: pairs, then fours, then eight, each level one multiplication (Lemire 2021, section 4). */
ALWAYS_INLINE uint64_t eight_digits_value(uint64_t word)
{
    const uint64_t mask = UINT64_C(0x000000FF000000FF);
    word -= UINT64_C(0x3030303030303030);
    word = word * 10 + (word >> 8);
    return ((word & mask) * UINT64_C(0x000F424000000064) +
            ((word >> 16) & mask) * UINT64_C(0x0000271000000001)) >>
           32;
}

ALWAYS_INLINE double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

ALWAYS_INLINE uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#endif
