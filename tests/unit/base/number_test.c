#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "test.h"

TEST(number_i64_range)
{
    int64_t value = 42;
    CHECK(str_to_i64(STR("0"), &value));
    CHECK_INT(0, value);
    CHECK(str_to_i64(STR("-0"), &value));
    CHECK_INT(0, value);
    CHECK(str_to_i64(STR("+17"), &value));
    CHECK_INT(17, value);
    CHECK(str_to_i64(STR("00123"), &value));
    CHECK_INT(123, value);
    CHECK(str_to_i64(STR("9223372036854775807"), &value));
    CHECK_INT(INT64_MAX, value);
    CHECK(str_to_i64(STR("-9223372036854775808"), &value));
    CHECK_INT(INT64_MIN, value);
    value = 42;
    static const struct str BAD[] = {
        {NULL, 0},
        STR(""),
        STR("-"),
        STR("+"),
        STR("+-1"),
        STR("-+1"),
        STR("--1"),
        STR(" 1"),
        STR("1 "),
        STR("1.0"),
        STR("0x10"),
        STR("1e3"),
        STR("1\0"),
        STR("abc"),
        STR("1,000"),
        STR("9223372036854775808"),
        STR("-9223372036854775809"),
        STR("99999999999999999999999"),
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (str_to_i64(BAD[i], &value)) {
            CHECK_STR("refused", BAD[i]);
        }
    }
    CHECK_INT(42, value);
}

TEST(number_u64_range)
{
    uint64_t value = 42;
    CHECK(str_to_u64(STR("18446744073709551615"), &value));
    CHECK(value == UINT64_MAX);
    CHECK(!str_to_u64(STR("18446744073709551616"), &value));
    CHECK(!str_to_u64(STR("-1"), &value));
    CHECK(!str_to_u64(STR("-0"), &value));
    CHECK(!str_to_u64(STR(""), &value));
    CHECK(value == UINT64_MAX);
}

TEST(number_reads_only_its_length)
{
    int64_t value = 0;
    double real = 0;
    CHECK(str_to_i64((struct str){"12345", 2}, &value));
    CHECK_INT(12, value);
    CHECK(str_to_f64((struct str){"1.55", 3}, &real));
    CHECK_F64_BITS(1.5, real);
}

TEST(number_f64_grammar)
{
    static const struct {
        const char *text;
        double value;
    } GOOD[] = {
        {"0", 0.0},
        {"-0", -0.0},
        {"1.5", 1.5},
        {"+1.5", 1.5},
        {".5", 0.5},
        {"5.", 5.0},
        {"1e3", 1000.0},
        {"1E-3", 0.001},
        {"1.e+2", 100.0},
        {"0.1", 0.1},
        {"9007199254740993", 9007199254740992.0},
        {"2.2250738585072011e-308", 2.2250738585072011e-308},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"4.9e-324", 4.9406564584124654e-324},
        {"1e-400", 0.0},
        {"000001", 1.0},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        double value = 42;
        if (CHECK(str_to_f64(str_from(GOOD[i].text), &value))) {
            CHECK_F64_BITS(GOOD[i].value, value);
        }
    }
    static const struct str BAD[] = {
        {NULL, 0},    STR(""),      STR("."),     STR("-"),     STR("e5"),     STR("1e"),
        STR("1e+"),   STR("1.2.3"), STR("0x1p3"), STR("inf"),   STR("nan"),    STR("NaN"),
        STR("1,5"),   STR(" 1"),    STR("1 "),    STR("1e309"), STR("-1e309"), STR("1\0002"),
        STR("1_000"), STR("--1"),   STR("1e5.5"), STR("+-1"),
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        double value = 42;
        if (str_to_f64(BAD[i], &value)) {
            CHECK_STR("refused", BAD[i]);
        }
        CHECK_F64_BITS(42, value);
    }
}

TEST(number_f64_length_limit)
{
    char digits[1101];
    memset(digits, '0', sizeof digits);
    digits[0] = '1';
    digits[1] = '.';
    double value = 0;
    CHECK(str_to_f64((struct str){digits, 1100}, &value));
    CHECK_F64_BITS(1.0, value);
    CHECK(!str_to_f64((struct str){digits, 1101}, &value));
}

TEST(number_bool_words)
{
    bool value = false;
    CHECK(str_to_bool(STR("TRUE"), &value) && value);
    CHECK(str_to_bool(STR("off"), &value) && !value);
    CHECK(str_to_bool(STR("1"), &value) && value);
    CHECK(str_to_bool(STR("No"), &value) && !value);
    CHECK(str_to_bool(STR("yes"), &value) && value);
    CHECK(str_to_bool(STR("0"), &value) && !value);
    CHECK(str_to_bool(STR("On"), &value) && value);
    CHECK(str_to_bool(STR("false"), &value) && !value);
    CHECK(!str_to_bool(STR(""), &value));
    CHECK(!str_to_bool(STR("2"), &value));
    CHECK(!str_to_bool(STR("tru"), &value));
    CHECK(!str_to_bool(STR(" true"), &value));
}

TEST(number_format_is_short_and_exact)
{
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {65000.12, "65000.12"},
        {1e22, "1e+22"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    char out[32];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CHECK_INT(strlen(CASES[i].text), str_format_f64(out, CASES[i].value));
        CHECK_TEXT(CASES[i].text, out);
    }
    CHECK_INT(4, str_format_f64(out, (double)NAN));
    CHECK_TEXT("null", out);
    CHECK_INT(4, str_format_f64(out, -(double)INFINITY));
    CHECK_TEXT("null", out);
}

TEST(number_format_reads_back)
{
    struct rng rng = {.state = 1};
    char out[32];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        size_t len = str_format_f64(out, value);
        double again = 0;
        CHECK(len < 32 && str_to_f64((struct str){out, len}, &again));
        CHECK_F64_BITS(value, again);
    }
}

TEST(number_ignores_the_locale)
{
    static const char *const COMMA_LOCALES[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8",
                                                "nl_NL.UTF-8"};
    const char *chosen = NULL;
    for (size_t i = 0; i < sizeof COMMA_LOCALES / sizeof COMMA_LOCALES[0] && !chosen; i++) {
        chosen = setlocale(LC_ALL, COMMA_LOCALES[i]);
    }
    if (!chosen) {
        SKIP("no locale with a decimal comma is installed");
    }
    char out[32];
    double value = 0;
    str_format_f64(out, 1.5);
    CHECK_TEXT("1.5", out);
    CHECK(str_to_f64(STR("1.5"), &value));
    CHECK_F64_BITS(1.5, value);
    CHECK(!str_to_f64(STR("1,5"), &value));
    CHECK_F64_BITS(2.5, strtod("2,5", NULL)); /* the process still has its own locale */
    setlocale(LC_ALL, "C");
}
