#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The longest exact decimal form of a double has 1,077 significant bytes; longer text is not a
 * number we expect. */
enum { NUMBER_MAX_BYTES = 1100, F64_TEXT_BYTES = 32 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_to_u64(struct str s, uint64_t *out_value)
{
    if (s.len > 0 && s.ptr[0] == '+') {
        s.ptr++;
        s.len--;
    }
    if (s.len == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]) || __builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (unsigned)(s.ptr[i] - '0'), &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *out_value)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    if (negative) {
        s.ptr++;
        s.len--;
        if (s.len > 0 && s.ptr[0] == '+') {
            return false;
        }
    }
    uint64_t magnitude;
    uint64_t max = (uint64_t)INT64_MAX + negative;
    if (!str_to_u64(s, &magnitude) || magnitude > max) {
        return false;
    }
    *out_value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

static size_t count_digits(const char *text)
{
    size_t n = 0;
    while (is_digit(text[n])) {
        n++;
    }
    return n;
}

/* [+-] digits [. digits] [(e|E) [+-] digits], a digit on at least one side of the point. */
static bool is_decimal(const char *text)
{
    text += *text == '+' || *text == '-';
    size_t before = count_digits(text);
    text += before;
    size_t after = 0;
    if (*text == '.') {
        after = count_digits(++text);
        text += after;
    }
    if (before + after == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '+' || *text == '-';
        size_t exponent = count_digits(text);
        if (exponent == 0) {
            return false;
        }
        text += exponent;
    }
    return *text == '\0';
}

bool str_to_f64(struct str s, double *out_value)
{
    char text[NUMBER_MAX_BYTES + 1];
    if (s.len == 0 || s.len > NUMBER_MAX_BYTES || memchr(s.ptr, '\0', s.len)) {
        return false;
    }
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (!is_decimal(text)) {
        return false;
    }
    /* The C library keeps the "C" locale ready: no allocation, no lock. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        return false;
    }
    double value = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    if (!isfinite(value)) {
        return false;
    }
    *out_value = value;
    return true;
}

bool str_to_bool(struct str s, bool *out_value)
{
    static const struct {
        struct str name;
        bool value;
    } NAMES[] = {
        {STR("true"), true}, {STR("false"), false}, {STR("1"), true},  {STR("0"), false},
        {STR("yes"), true},  {STR("no"), false},    {STR("on"), true}, {STR("off"), false},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (str_equal_nocase(s, NAMES[i].name)) {
            *out_value = NAMES[i].value;
            return true;
        }
    }
    return false;
}

size_t str_format_f64(char out[32], double value)
{
    locale_t c_locale = isfinite(value) ? newlocale(LC_ALL_MASK, "C", (locale_t)0) : (locale_t)0;
    if (c_locale == (locale_t)0) {
        (void)str_copy(out, F64_TEXT_BYTES, STR("null")); /* JSON has no other word for it */
        return 4;
    }
    locale_t before = uselocale(c_locale);
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(out, F64_TEXT_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            break;
        }
    }
    uselocale(before);
    freelocale(c_locale);
    return (size_t)len;
}
