#include "decode/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "test.h"

/* Reads a copy that ends where its memory ends. Returns how many bytes were taken; -1 = refused. */
static long read_text(const char *text, size_t len, struct number *out)
{
    char *copy = calloc(len > 0 ? len : 1, 1);
    if (!copy)
        abort();
    memcpy(copy, text, len);
    const char *end = number_read(copy, copy + len, out);
    long taken = end ? (long)(end - copy) : -1;
    free(copy);
    return taken;
}

static bool same_as_strtod(const char *text)
{
    struct number number = {0};
    size_t len = strlen(text);
    long taken = read_text(text, len, &number);
    double expected = strtod(text, NULL);
    bool same = taken == (long)len && memcmp(&number.f64, &expected, sizeof expected) == 0;
    if (!same) {
        fprintf(stderr, "%.60s…: %.17g, expected %.17g (%ld of %zu bytes)\n", text, number.f64,
                expected, taken, len);
    }
    return same;
}

TEST(number_takes_what_the_grammar_allows)
{
    static const struct {
        const char *text;
        long taken;
    } CASES[] = {
        {"0", 1},
        {"-0", 2},
        {"7", 1},
        {"10", 2},
        {"-10", 3},
        {"0.5", 3},
        {"-0.5", 4},
        {"1e5", 3},
        {"1E5", 3},
        {"1e+5", 4},
        {"1e-5", 4},
        {"1.5e10", 6},
        {"0e0", 3},
        {"0.0", 3},
        {"1,", 1},
        {"1}", 1},
        {"1 ", 1},
        {"12345678", 8},
        {"123456789", 9},
        {"0.00000000000000000001", 22},
        {"1e00000000000000000000000000000001", 34},
        {"1x", 1},
        {"00", -1},
        {"01", -1},
        {"-01", -1},
        {"", -1},
        {"-", -1},
        {"+1", -1},
        {".5", -1},
        {"-.5", -1},
        {"1.", -1},
        {"1.e5", -1},
        {"1e", -1},
        {"1e+", -1},
        {"1e-", -1},
        {"1.5e", -1},
        {"NaN", -1},
        {"Infinity", -1},
        {"-Infinity", -1},
        {"nan", -1},
        {"inf", -1},
        {"--1", -1},
        {"- 1", -1},
        {" 1", -1},
        {"e5", -1},
        {"007", -1},
        {"-00.5", -1},
        {"\"1\"", -1},
        {"0x10", 1},
        {"1_000", 1},
        {"1e5.5", 3},
        {"1.2.3", 3},
        {"1-2", 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct number number;
        long taken = read_text(CASES[i].text, strlen(CASES[i].text), &number);
        if (!CHECK_INT(CASES[i].taken, taken))
            fprintf(stderr, "  in %s\n", CASES[i].text);
    }
}

TEST(number_tells_integers_that_fit_from_those_that_do_not)
{
    static const struct {
        const char *text;
        bool is_integer;
        bool fits;
        int64_t value;
    } CASES[] = {
        {"0", true, true, 0},
        {"-0", true, true, 0},
        {"1", true, true, 1},
        {"-1", true, true, -1},
        {"9007199254740993", true, true, 9007199254740993},
        {"6890172247264350000", true, true, 6890172247264350000},
        {"9223372036854775807", true, true, INT64_MAX},
        {"9223372036854775808", true, false, 0},
        {"-9223372036854775808", true, true, INT64_MIN},
        {"-9223372036854775809", true, false, 0},
        {"9999999999999999999", true, false, 0},
        {"10000000000000000000", true, false, 0},
        {"18446744073709551616", true, false, 0},
        {"18446744073709551617", true, false, 0},
        {"833921654247199700000", true, false, 0},
        {"1.0", false, false, 0},
        {"1e3", false, false, 0},
        {"1E0", false, false, 0},
        {"-1.5", false, false, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct number number;
        CHECK_INT(strlen(CASES[i].text), read_text(CASES[i].text, strlen(CASES[i].text), &number));
        CHECK_INT(CASES[i].is_integer, number.is_integer);
        CHECK_INT(CASES[i].fits, number.fits_i64);
        if (!CHECK_INT(CASES[i].value, number.i64))
            fprintf(stderr, "  in %s\n", CASES[i].text);
    }
}

/* Known hard ones: ties, the borders of the range, subnormals, where a 64-bit product is undecided.
 */
TEST(number_rounds_hard_cases_like_strtod)
{
    static const char *const CASES[] = {
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740995",
        "9007199254740992.5",
        "9007199254740993.0000000000000001",
        "9007199254740993e0",
        "9007199254740991.4999999999999999999999999999999995",
        "18014398509481985",
        "18014398509481987",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.47032822920623272088284396434110686182e-324",
        "2.47032822920623272088284396434110686183e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e308",
        "1e309",
        "1e400",
        "-1e400",
        "1e-400",
        "-1e-400",
        "1e-324",
        "3e-324",
        "5e-324",
        "7e-324",
        "1e999999999999",
        "1e-999999999999",
        "0e999999999999",
        "1e99999999999999999999999",
        "0.000001e6",
        "8.5e-17",
        "1.29e-7",
        "1e-18",
        "1e21",
        "1e22",
        "1e23",
        "8.41e21",
        "9.5e21",
        "1e-22",
        "1e-23",
        "833921654247199700000",
        "0.0000121451",
        "-0.0000121451",
        "102564.643975363",
        "2038464606662.0415",
        "6.2430440350000000000e-28",
        "3.5844466002796428e+298",
        "9.0608011534336e15",
        "4.708356024711512e18",
        "9.409340012568248e18",
        "7.2057594037927933e+16",
        "1.0000000000000002220446049250313e0",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "0.500000000000000166533453693773481063544750213623046875",
        "3.518437208883201171875e13",
        "62.5364939768271845828",
        "8.10109172351e-10",
        "1.50000000000000011102230246251565",
        "5708990770823839207320493820740630171355185151999e-3",
        "123456789012345678901234567890",
        "0.1234567890123456789012345678901234567890",
        "1e-5",
        "1.1e-5",
        "2.98023223876953125e-8",
        "-2240084132271013504.131248280843119943687942846658579428",
        "1090544144181609348671888949248",
        "1090544144181609348835077142190",
        "4.4501477170144023e-308",
        "4."
        "450147717014402025081996672794991863585242658592605113516950912287262231249312640695305412"
        "711894243178380137008083052315457825154530323827726959236845743044099361970891187471508150"
        "5094180604803751173783204118519353387964161152051487413075e-308",
        "6.631236846766476e-316",
        "3.2378839133029012895883524125015321748630094239912e-319",
        "3."
        "237883913302901289588352412501532174863037669423108059901297049552301970670676565786835742"
        "587799557860615776559838283435514391084153169252689190564396459577394618038928365305143463"
        "955100356696665629202017331344031730044369360205258345803431471660032699580731300954848363"
        "975548690010751530018881758184174569652173110473696022749934638425380623369774736560008997"
        "404060967498028389191878963968575439222206416981462690113342524002724385941651051293552601"
        "421155333430225237291523843322331326138431477823591142408800030775170625915670728657003151"
        "953664260769822494937951845801530895238439819708403389937873241463484205608000027270531106"
        "827387907791444918534771598750162812548862768493201518991668028251730299953143924168545708"
        "663913273994694463908672332763671875e-319",
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        CHECK(same_as_strtod(CASES[i]));
}

TEST(number_keeps_the_sign_of_zero)
{
    struct number number;
    read_text("-0", 2, &number);
    CHECK_F64_BITS(-0.0, number.f64);
    read_text("-0.000e5", 8, &number);
    CHECK_F64_BITS(-0.0, number.f64);
    read_text("0", 1, &number);
    CHECK_F64_BITS(0.0, number.f64);
}

/* Exactly between two doubles, and one digit to either side, far behind. */
TEST(number_rounds_halfway_cases_of_800_digits_like_strtod)
{
    struct rng rng = {7};
    static char text[4096];
    unsigned wrong = 0;
    for (int i = 0; i < 4000; i++) {
        uint64_t bits = rng_next(&rng) >> 1;
        double low;
        double high;
        if (i % 4 == 0)
            bits >>= 11; /* subnormal */
        memcpy(&low, &bits, sizeof low);
        bits++;
        memcpy(&high, &bits, sizeof high);
        if (!(high - low > 0) || high > 1e300)
            continue;
        /* 64 bits of mantissa hold the middle exactly. */
        long double middle = ((long double)low + (long double)high) / 2;
        int len = snprintf(text, sizeof text - 64, "%.1100Lf", middle);
        if (len <= 0 || (size_t)len >= sizeof text - 64)
            continue;
        wrong += !same_as_strtod(text);
        memcpy(text + len, "000001", 7); /* above */
        wrong += !same_as_strtod(text);
        len = snprintf(text, sizeof text - 64, "%.800Le", middle);
        wrong += !same_as_strtod(text);
        snprintf(text, sizeof text - 64, "%.18Le", middle);
        wrong += !same_as_strtod(text);
        snprintf(text, sizeof text - 64, "%.19Le", middle);
        wrong += !same_as_strtod(text);
    }
    CHECK_INT(0, wrong);
}

/* A random double that is finite, as 64 random bits are. */
static double random_double(struct rng *rng)
{
    for (;;) {
        uint64_t bits = rng_next(rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (value - value == 0)
            return value;
    }
}

TEST(number_rounds_two_million_random_tokens_like_strtod)
{
    struct rng rng = {42};
    char text[128];
    unsigned wrong = 0;
    for (int i = 0; i < 400000 && wrong < 10; i++) {
        double value = random_double(&rng);
        int64_t exponent = (int64_t)rng_below(&rng, 700) - 350;
        str_print(text, sizeof text, "%.16e", value);
        wrong += !same_as_strtod(text);
        str_print(text, sizeof text, "%.*e", (int)rng_below(&rng, 40), value);
        wrong += !same_as_strtod(text);
        str_print(text, sizeof text, "%llue%lld", (unsigned long long)rng_next(&rng),
                  (long long)exponent);
        wrong += !same_as_strtod(text);
        str_print(text, sizeof text, "%llu.%llu",
                  (unsigned long long)(rng_next(&rng) >> rng_below(&rng, 64)),
                  (unsigned long long)(rng_next(&rng) >> rng_below(&rng, 64)));
        wrong += !same_as_strtod(text);
        str_print(text, sizeof text, "-0.%0*llu", 1 + (int)rng_below(&rng, 40),
                  (unsigned long long)(rng_next(&rng) >> rng_below(&rng, 64)));
        wrong += !same_as_strtod(text);
    }
    CHECK_INT(0, wrong);
}

TEST(number_reads_back_every_form_that_prints_a_double)
{
    struct rng rng = {3};
    unsigned wrong = 0;
    for (int i = 0; i < 100000; i++) {
        double value = random_double(&rng);
        char text[32];
        size_t len = str_format_f64(text, value);
        struct number number = {0};
        wrong += read_text(text, len, &number) != (long)len ||
                 memcmp(&number.f64, &value, sizeof value) != 0;
    }
    CHECK_INT(0, wrong);
}

/* The length of an exponent or of a run of zeros is no way around the range. */
TEST(number_survives_tokens_of_a_million_digits)
{
    enum { ZEROS = 1000000 };
    static char text[ZEROS + 64];
    struct number number;
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    int len = 2 + ZEROS;
    len += snprintf(text + len, 32, "1e%d", ZEROS + 1);
    CHECK_INT(len, read_text(text, (size_t)len, &number));
    CHECK_F64_BITS(1.0, number.f64);
    memset(text, '9', ZEROS);
    len = ZEROS;
    CHECK_INT(len, read_text(text, (size_t)len, &number));
    CHECK(number.f64 > 1e308 && number.is_integer && !number.fits_i64);
    len += snprintf(text + len, 32, "e-%d", ZEROS - 1);
    CHECK_INT(len, read_text(text, (size_t)len, &number));
    CHECK_F64_BITS(10.0, number.f64);
}
