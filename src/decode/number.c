#include "decode/number.h"

#include <float.h>

#include "decode/number_internal.h"
#include "decode/powers.h"

/* The fast path multiplies and divides once in double; a wider intermediate would round twice. */
_Static_assert(FLT_EVAL_METHOD == 0 && DBL_MANT_DIG == 53,
               "double arithmetic must be IEEE 754 binary64");

enum {
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1023,
    EXPONENT_INFINITE = 0x7FF,
};
#define IMPLICIT_BIT (UINT64_C(1) << MANTISSA_BITS)
#define INFINITY_BITS ((uint64_t)EXPONENT_INFINITE << MANTISSA_BITS)

/* An exponent in the text is clamped to this: no body is long enough to bring such a number back
 * into range. */
static const int64_t EXPONENT_CLAMP = INT64_C(1) << 60;

const double exact_powers_of_ten[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

const double short_number_divisors[2][SHORT_SCALE_MAX + 1] = {
    {1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15},
    {-1, -1, -1e1, -1e2, -1e3, -1e4, -1e5, -1e6, -1e7, -1e8, -1e9, -1e10, -1e11, -1e12, -1e13,
     -1e14},
};

/* Upper 128 of the 192 bits of w × 5^q; the lower word may be one too small, which does not matter:
 * Mushtaq and Lemire, "Fast Number Parsing Without Fallback", Software: Practice and Experience 53
 * (2023), theorem 1. */
static void multiply_by_power(uint64_t w, int64_t q, uint64_t *out_high, uint64_t *out_low)
{
    const uint64_t *power = powers_of_five[q - POWER_FIRST];
    unsigned __int128 product = (unsigned __int128)w * power[0];
    uint64_t high = (uint64_t)(product >> 64);
    uint64_t low = (uint64_t)product;
    /* The second word of the power matters only when the bits below the rounding bit are all ones.
     */
    const uint64_t below_rounding = UINT64_MAX >> (MANTISSA_BITS + 3);
    if ((high & below_rounding) == below_rounding) {
        uint64_t correction = (uint64_t)(((unsigned __int128)w * power[1]) >> 64);
        low += correction;
        high += low < correction;
    }
    *out_high = high;
    *out_low = low;
}

/* Eisel-Lemire: Lemire, "Number Parsing at a Gigabyte per Second" (2021), algorithm 1. w > 0. */
static double scale_by_table(uint64_t w, int64_t q)
{
    if (q < POWER_FIRST)
        return 0.0;
    if (q > POWER_LAST)
        return from_bits(INFINITY_BITS);
    int leading_zeros = __builtin_clzll(w);
    uint64_t high;
    uint64_t low;
    multiply_by_power(w << leading_zeros, q, &high, &low);

    int upper_bit = (int)(high >> 63);
    int shift = upper_bit + 64 - MANTISSA_BITS - 3;
    uint64_t mantissa = high >> shift; /* 54 bits: the last one decides the rounding */
    /* floor(log2(10^q)) = floor(q × log2(10)), by a 16-bit fraction that is exact in this range. */
    int64_t exponent = ((217706 * q) >> 16) + 63 + upper_bit - leading_zeros + EXPONENT_BIAS;
    if (exponent <= 0) {
        int64_t extra = 1 - exponent; /* a subnormal keeps fewer bits */
        if (extra >= 64)
            return 0.0;
        mantissa >>= extra;
        mantissa = (mantissa + (mantissa & 1)) >> 1;
        return from_bits(
            mantissa); /* a carry into the implicit bit is the smallest normal number */
    }
    /* Exactly half way is possible for these powers only; then round down to the even one. */
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high)
        mantissa--;
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa == IMPLICIT_BIT << 1) {
        mantissa = IMPLICIT_BIT;
        exponent++;
    }
    if (exponent >= EXPONENT_INFINITE)
        return from_bits(INFINITY_BITS);
    return from_bits((mantissa & ~IMPLICIT_BIT) | (uint64_t)exponent << MANTISSA_BITS);
}

double number_scale(uint64_t w, int64_t exponent)
{
    /* Clinger, "How to Read Floating Point Numbers Accurately" (1990): both operands are exact, so
     * the one operation rounds correctly. */
    if (w <= EXACT_MANTISSA_MAX && exponent >= -EXACT_POWER_MAX && exponent <= EXACT_POWER_MAX) {
        return exponent < 0 ? (double)w / exact_powers_of_ten[-exponent]
                            : (double)w * exact_powers_of_ten[exponent];
    }
    return w == 0 ? 0.0 : scale_by_table(w, exponent);
}

/* A number as it stands in the text. */
struct token {
    const char *integer; /* first digit */
    size_t integer_len;
    const char *fraction; /* first digit after the point */
    size_t fraction_len;
    int64_t exponent; /* as written */
    uint64_t digits;  /* all digits as one integer, modulo 2^64 */
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

static const char *read_digits(const char *p, const char *end, uint64_t *value)
{
    while (end - p >= 8) {
        uint64_t word = load_eight(p);
        if (!is_eight_digits(word))
            break;
        *value = *value * 100000000 + eight_digits_value(word);
        p += 8;
    }
    for (; p < end && is_digit(*p); p++)
        *value = *value * 10 + (uint64_t)(*p - '0');
    return p;
}

/* p stands after the 'e'. NULL when there is no digit. */
static const char *read_exponent(const char *p, const char *end, int64_t *out_exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || !is_digit(*p))
        return NULL;
    int64_t exponent = 0;
    for (; p < end && is_digit(*p); p++)
        if (exponent < EXPONENT_CLAMP / 10)
            exponent = exponent * 10 + (*p - '0');
    *out_exponent = negative ? -exponent : exponent;
    return p;
}

/* p stands after the sign. */
static const char *read_token(const char *p, const char *end, struct token *out,
                              bool *out_is_integer)
{
    *out = (struct token){.integer = p};
    *out_is_integer = true;
    p = read_digits(p, end, &out->digits);
    out->integer_len = (size_t)(p - out->integer);
    if (out->integer_len == 0 || (out->integer_len > 1 && *out->integer == '0'))
        return NULL;
    if (p < end && *p == '.') {
        *out_is_integer = false;
        out->fraction = ++p;
        p = read_digits(p, end, &out->digits);
        out->fraction_len = (size_t)(p - out->fraction);
        if (out->fraction_len == 0)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *out_is_integer = false;
        p = read_exponent(p + 1, end, &out->exponent);
    }
    return p;
}

/* Digit i of integer and fraction together. */
static unsigned char token_digit(const struct token *t, size_t i)
{
    const char *at = i < t->integer_len ? t->integer + i : t->fraction + (i - t->integer_len);
    return (unsigned char)(*at - '0');
}

/* More than 19 digits. Two neighbours of the cut-off integer enclose the value: when both round to
 * the same double, that is it. Kept out of line: its decimal is large and cleared on entry. */
static __attribute__((noinline, cold)) double round_long(const struct token *t)
{
    size_t total = t->integer_len + t->fraction_len;
    size_t first = 0;
    while (first < total && token_digit(t, first) == 0)
        first++;
    int64_t last_exponent = t->exponent - (int64_t)t->fraction_len;
    size_t count = total - first;
    if (count <= U64_DIGITS_MAX)
        return number_scale(t->digits, last_exponent); /* leading zeros did not spoil it */
    uint64_t head = 0;
    for (size_t i = 0; i < U64_DIGITS_MAX; i++)
        head = head * 10 + token_digit(t, first + i);
    int64_t head_exponent = last_exponent + (int64_t)(count - U64_DIGITS_MAX);
    double lower = number_scale(head, head_exponent);
    if (lower == number_scale(head + 1, head_exponent))
        return lower;
    struct decimal d = {.count = 0};
    while (d.count < count && d.count < EXACT_DIGITS_MAX) {
        d.digits[d.count] = token_digit(t, first + d.count);
        d.count++;
    }
    d.exponent = last_exponent + (int64_t)(count - d.count);
    for (size_t i = first + d.count; i < total; i++) {
        if (token_digit(t, i) != 0) {
            d.digits[d.count++] = 1;
            d.exponent--;
            break;
        }
    }
    return number_round_exact(&d, lower);
}

const char *number_read(const char *p, const char *end, struct number *out_number)
{
    bool negative = p < end && *p == '-';
    struct token token;
    bool is_integer;
    p = read_token(p + negative, end, &token, &is_integer);
    if (!p)
        return NULL;
    double value;
    bool is_long = token.integer_len + token.fraction_len > U64_DIGITS_MAX;
    if (is_long)
        value = round_long(&token);
    else
        value = number_scale(token.digits, token.exponent - (int64_t)token.fraction_len);
    bool fits = is_integer && !is_long && token.digits <= (uint64_t)INT64_MAX + negative;
    uint64_t magnitude = fits ? token.digits : 0;
    *out_number = (struct number){
        .f64 = negative ? -value : value,
        .i64 = (int64_t)(negative ? 0 - magnitude : magnitude),
        .is_integer = is_integer,
        .fits_i64 = fits,
    };
    return p;
}
