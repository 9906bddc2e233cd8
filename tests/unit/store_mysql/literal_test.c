/* Values as text, without a server. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static void f64_reads_back(double value)
{
    struct buf text;
    buf_init(&text, 64, NULL);
    literal_add_f64(&text, value);
    if (!text.failed && memchr(text.data, 'e', text.len))
        CHECK_F64_BITS(value, strtod(text.data, NULL));
    else
        CHECK(!"a double without an exponent");
    buf_release(&text);
}

TEST(doubles_read_back)
{
    static const double values[] = {0.0,
                                    -0.0,
                                    1,
                                    -1,
                                    0.1,
                                    1e22,
                                    1e23,
                                    1e-7,
                                    9.9e-8,
                                    DBL_MAX,
                                    DBL_MIN,
                                    5e-324,
                                    -5e-324,
                                    9007199254740991.0,
                                    9007199254740993.0,
                                    1e15,
                                    123456.789,
                                    0.30000000000000004};
    struct rng random = {1};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        f64_reads_back(values[i]);
    for (size_t i = 0; i < 60000; i++) {
        uint64_t bits = rng_next(&random);
        double any;
        memcpy(&any, &bits, sizeof(any));
        if (isfinite(any))
            f64_reads_back(any);
        f64_reads_back((double)(int64_t)bits / 1e6);
        f64_reads_back((double)(bits >> 30) / 1e8);
        f64_reads_back(nextafter((double)(bits >> 40) / 1e4, DBL_MAX));
        f64_reads_back((double)(bits >> 12));
    }
}

static void literal_is(const char *expected, struct value value)
{
    struct buf text;
    buf_init(&text, 1024, NULL);
    literal_add(&text, &value);
    CHECK_TEXT(expected, text.data);
    buf_release(&text);
}

TEST(literals)
{
    literal_is("NULL", value_null());
    literal_is("0", value_i64(0));
    literal_is("-9223372036854775808", value_i64(INT64_MIN));
    literal_is("9223372036854775807", value_i64(INT64_MAX));
    literal_is("0e0", value_f64(0));
    literal_is("-0e0", value_f64(-0.0));
    literal_is("15e-1", value_f64(1.5));
    literal_is("-1e-1", value_f64(-0.1));
    literal_is("100e0", value_f64(100));
    literal_is("''", value_text(STR("")));
    literal_is("'it\\'s \\\\ \\\"\\n\\r\\0\\Z'", value_text(STR("it's \\ \"\n\r\0\x1a")));
    literal_is("'a\tb'", value_text(STR("a\tb")));
}

TEST(values_take_their_places)
{
    struct buf text;
    const struct value values[] = {value_i64(7), value_text(STR("a?1'b"))};
    struct sql_call call = {
        .sql = "SELECT ?2, '?1', ?1, \"?2\"", .parameters = values, .parameter_count = 2};
    buf_init(&text, 1024, NULL);
    CHECK_INT(0, literal_statement(&text, &call));
    CHECK_TEXT("SELECT 'a?1\\'b', '?1', 7, \"?2\"", text.data);
    buf_clear(&text);
    call.parameter_count = 1;
    CHECK_INT(-1, literal_statement(&text, &call));
    buf_release(&text);
}

TEST(moments)
{
    static const struct {
        int64_t utc_s;
        const char *text;
    } rows[] = {{0, "1970-01-01 00:00:00"},
                {-1, "1969-12-31 23:59:59"},
                {951782400, "2000-02-29 00:00:00"},
                {-62135596800, "0001-01-01 00:00:00"},
                {253402300799, "9999-12-31 23:59:59"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf text;
        buf_init(&text, 64, NULL);
        literal_add_moment(&text, rows[i].utc_s);
        CHECK_TEXT(rows[i].text, text.data);
        CHECK(moment_ok(rows[i].utc_s));
        buf_release(&text);
    }
    CHECK(!moment_ok(-62135596801) && !moment_ok(253402300800));
}
