#include <math.h>
#include <string.h>

#include "base/time.h"
#include "store/mysql/internal.h"

enum { I64_TEXT_BYTES = 20, F64_TEXT_BYTES = 32 };

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { POWER_MAX = 22 };
static const double exact_max = 9007199254740992.0; /* 2^53 */

/* Digits of value at the end of out; returns where they begin. */
static char *write_digits(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

void literal_add_i64(struct buf *out, int64_t value)
{
    char text[I64_TEXT_BYTES];
    char *end = text + sizeof(text);
    char *start = write_digits(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    if (value < 0)
        *--start = '-';
    buf_add(out, start, (size_t)(end - start));
}

/* As digits / 10^places, both exact in a double: then the quotient is the double nearest to the
 * decimal text, and equality proves that the text reads back as value. Formatting and reading back
 * with the C library costs 20 times as much. */
static bool as_decimal(double value, uint64_t *out_digits, int *out_places)
{
    double size = fabs(value);
    if (!(size < exact_max) || (size > 0 && size < 1e-7))
        return false;
    int places = 0;
    while (places < POWER_MAX && size * powers[places + 1] < exact_max)
        places++;
    double digits = rint(size * powers[places]);
    if (digits > exact_max || digits / powers[places] != size)
        return false;
    uint64_t left = (uint64_t)digits;
    while (places > 0 && left % 10 == 0) {
        left /= 10;
        places--;
    }
    *out_digits = left;
    *out_places = places;
    return true;
}

/* An exponent makes it a double for the server's parser: without one it would be a DECIMAL, whose
 * zero has no sign. */
void literal_add_f64(struct buf *out, double value)
{
    char text[F64_TEXT_BYTES];
    uint64_t digits;
    int places;
    if (!as_decimal(value, &digits, &places)) {
        size_t len = str_format_f64(text, value);
        buf_add(out, text, len);
        if (!memchr(text, 'e', len))
            buf_add_text(out, "e0");
        return;
    }
    char *end = text + sizeof(text);
    char *start = end;
    *--start = (char)('0' + places % 10);
    if (places >= 10)
        *--start = (char)('0' + places / 10);
    if (places > 0)
        *--start = '-';
    *--start = 'e';
    start = write_digits(start, digits);
    if (signbit(value))
        *--start = '-';
    buf_add(out, start, (size_t)(end - start));
}

/* What the parser would take for something else within quotes. utf8mb4 has no byte below 0x80
 * within a character, so bytes can be looked at alone. */
static char escape_of(char c)
{
    switch (c) {
    case '\0':
        return '0';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\x1a':
        return 'Z';
    case '\\':
    case '\'':
    case '"':
        return c;
    default:
        return 0;
    }
}

static void add_text(struct buf *out, struct str text)
{
    buf_add_char(out, '\'');
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        char escape = escape_of(text.ptr[i]);
        if (!escape)
            continue;
        buf_add(out, text.ptr + plain, i - plain);
        buf_add_char(out, '\\');
        buf_add_char(out, escape);
        plain = i + 1;
    }
    if (text.len > plain)
        buf_add(out, text.ptr + plain, text.len - plain);
    buf_add_char(out, '\'');
}

void literal_add(struct buf *out, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        buf_add_text(out, "NULL");
        break;
    case VALUE_I64:
        literal_add_i64(out, value->i64);
        break;
    case VALUE_F64:
        literal_add_f64(out, value->f64);
        break;
    case VALUE_TEXT:
        add_text(out, value->text);
        break;
    }
}

static char *put_two(char *at, int number)
{
    *at++ = (char)('0' + number / 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

void literal_add_moment(struct buf *out, int64_t utc_s)
{
    int year, month, day, hour, minute, second;
    time_to_civil(utc_s, &year, &month, &day, &hour, &minute, &second);
    char text[24];
    char *at = put_two(put_two(text, year / 100), year % 100);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    at = put_two(at, day);
    *at++ = ' ';
    at = put_two(at, hour);
    *at++ = ':';
    at = put_two(at, minute);
    *at++ = ':';
    at = put_two(at, second);
    buf_add(out, text, (size_t)(at - text));
}

int literal_statement(struct buf *out, const struct sql_call *call)
{
    struct buf sql;
    uint16_t order[SQL_PARAMETERS_MAX];
    size_t count = 0;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, out->allocator);
    /* '\1' cannot stand in our texts: it marks the places, whatever else is in quotes. */
    int result = sql_rewrite_parameters(call->sql, '\1', &sql, order, &count);
    size_t place = 0;
    for (size_t i = 0; result == 0 && i < sql.len; i++)
        if (sql.data[i] != '\1')
            buf_add_char(out, sql.data[i]);
        else if (order[place] > call->parameter_count)
            result = -1;
        else
            literal_add(out, &call->parameters[order[place++] - 1]);
    buf_release(&sql);
    return result == 0 && !out->failed ? 0 : -1;
}
