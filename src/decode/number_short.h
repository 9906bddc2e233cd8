/* Numbers of the common form, at most 16 characters and no exponent, read without a branch on how
 * many digits there are. Whatever is not of that form is left to number_read, so nothing is refused
 * here. */
#ifndef DECODE_NUMBER_SHORT_H
#define DECODE_NUMBER_SHORT_H

#include "decode/number_internal.h"

/* How much of the document must be readable before and from the first byte of a number. */
enum { SHORT_NUMBER_CHARACTERS = 16, SHORT_NUMBER_BEFORE = 16, SHORT_NUMBER_AFTER = 20 };

/* scale: 0 = no point, else one more than the digits after it. end: the first byte that does not
 * belong to the number; NULL when it does not start like a short one. A number that goes on after
 * 16 characters, or has an exponent or a stray point, is cut there: the caller must look at what
 * follows. */
struct short_number {
    uint64_t digits; /* all of them, the point left out */
    const char *end;
    size_t scale;
    size_t is_negative;
};

#ifdef DECODE_SSE2

#include <emmintrin.h>

ALWAYS_INLINE __m128i load_sixteen(const void *p)
{
    return _mm_loadu_si128(p);
}

ALWAYS_INLINE uint32_t bits_of(__m128i bytes)
{
    return (uint32_t)_mm_movemask_epi8(bytes);
}

/* n bytes of 0xFF at the end of 16, the others 0. */
ALWAYS_INLINE __m128i last_bytes(size_t n)
{
    static const uint8_t WINDOW[2 * SHORT_NUMBER_CHARACTERS] = {
        [16] = 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF,        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    };
    return load_sixteen(WINDOW + n);
}

/* 16 digits, the first one in the lowest byte: pairs, fours, eights. */
ALWAYS_INLINE uint64_t sixteen_digits_value(__m128i digits)
{
    /* (a + 256 b) × (2560 + 1) = 256 × (10 a + b) + a, modulo 2^16 */
    __m128i pairs = _mm_srli_epi16(_mm_mullo_epi16(digits, _mm_set1_epi16(2561)), 8);
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    fours = _mm_packs_epi32(fours, fours);
    uint64_t eights = (uint64_t)_mm_cvtsi128_si64(
        _mm_madd_epi16(fours, _mm_set1_epi32(1 << 16 | 10000)));
    return (eights & UINT32_MAX) * 100000000 + (eights >> 32);
}

/* The digits that end at `end`, without the point, and zeros before them. */
ALWAYS_INLINE __m128i gather_digits(const char *end, size_t len, size_t scale)
{
    /* With a point, what stands before it moves up by one byte. */
    __m128i fraction = load_sixteen(end - 16);
    __m128i integer = load_sixteen(end - 17);
    __m128i stays = last_bytes(scale == 0 ? SHORT_NUMBER_CHARACTERS : scale - 1);
    __m128i characters = _mm_or_si128(_mm_and_si128(stays, fraction),
                                      _mm_andnot_si128(stays, integer));
    __m128i counts = last_bytes(len - (scale != 0));
    return _mm_and_si128(_mm_sub_epi8(characters, _mm_set1_epi8('0')), counts);
}

ALWAYS_INLINE struct short_number short_number_read(const char *p)
{
    size_t is_negative = 0;
    if (unlikely(*p == '-')) {
        is_negative = 1;
        p++;
        /* Keeps this a branch: as arithmetic it would put a load into the chain from one number to
         * the next. */
        __asm__("" : "+r"(p));
    }
    __m128i characters = load_sixteen(p);
    __m128i values = _mm_sub_epi8(characters, _mm_set1_epi8('0'));
    uint32_t digits = bits_of(_mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values));
    uint32_t points = bits_of(_mm_cmpeq_epi8(characters, _mm_set1_epi8('.')));
    /* What ',' and '}' become when these bits are set. So do a few others, which the caller sees.
     * Bit 16: a number that fills the window ends there. Where the next number starts depends on
     * nothing else, all checks stand beside. */
    __m128i ends_like = _mm_cmpeq_epi8(_mm_or_si128(characters, _mm_set1_epi8(',' ^ '}')),
                                       _mm_set1_epi8('}'));
    uint32_t ends = bits_of(ends_like) | UINT32_C(1) << SHORT_NUMBER_CHARACTERS;
    size_t len = (size_t)__builtin_ctz(ends);
    uint32_t others = ~digits;
    uint32_t after_digits = digits >> 1;
    uint32_t point = others & (0 - others) & points & after_digits;
    size_t scale = len - (size_t)__builtin_ctz(others);
    uint32_t strays = (others ^ point ^ ends) & (ends ^ (ends - 1));
    uint32_t starts_badly = (others & 1) | ((*p == '0') & after_digits);
    return (struct short_number){
        .digits = sixteen_digits_value(gather_digits(p + len, len, scale)),
        .end = unlikely((strays | starts_badly) != 0) ? NULL : p + len,
        .scale = scale,
        .is_negative = is_negative,
    };
}

#else

ALWAYS_INLINE const char *short_digits(const char *p, const char *end, uint64_t *digits)
{
    for (unsigned digit; p < end && (digit = (unsigned char)*p - (unsigned)'0') <= 9; p++)
        *digits = *digits * 10 + digit;
    return p;
}

ALWAYS_INLINE struct short_number short_number_read(const char *p)
{
    struct short_number number = {.is_negative = *p == '-'};
    p += number.is_negative;
    const char *end = p + SHORT_NUMBER_CHARACTERS;
    number.end = short_digits(p, end, &number.digits);
    bool starts_badly = number.end == p || (*p == '0' && number.end > p + 1);
    if (*number.end == '.' && number.end < end) {
        const char *fraction = number.end + 1;
        number.end = short_digits(fraction, end, &number.digits);
        number.scale = (size_t)(number.end - fraction) + 1;
        starts_badly |= number.scale == 1;
    }
    if (starts_badly)
        number.end = NULL;
    return number;
}

#endif

/* Sixteen digits without a point may be beyond 2^53: then the conversion rounds, and the division
 * by 1 does not. With a point there are fifteen at most, and only the division rounds. */
ALWAYS_INLINE double short_number_f64(const struct short_number *n)
{
    return (double)(int64_t)n->digits / short_number_divisors[n->is_negative][n->scale];
}

ALWAYS_INLINE int64_t short_number_i64(const struct short_number *n)
{
    int64_t digits = (int64_t)n->digits;
    return n->is_negative ? -digits : digits;
}

#endif
