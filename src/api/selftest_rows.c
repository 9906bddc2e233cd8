#include "api/selftest_rows.h"

#include <float.h>
#include <string.h>

#include "base/hash.h"

/* 0.1 + 0.2, the largest and smallest doubles, halves of the last bit, integers beyond 2^53. */
static const double odd_numbers[] = {
    0.30000000000000004,
    DBL_MAX,
    -DBL_MAX,
    DBL_MIN,
    5e-324,
    1.7976931348623155e308,
    9007199254740993.0,
    1e22,
    123456789.123456789,
    -2.2250738585072011e-308,
    0,
    4.35,
};
static const int64_t odd_integers[] = {
    INT64_MAX, INT64_MIN, 0, -1, INT64_C(9007199254740993), INT64_C(4294967296),
};
/* Everything that some protocol, file format or collation treats as its own. */
static const char *const odd_texts[] = {
    "O'Neil \"q\" `b`",
    "back\\slash\\N\\0",
    "tab\tline\nreturn\r",
    "100 %;-- /* */ ?1 $1 :a",
    "Ab",
    "aB",
    "ends with a blank ",
    "\xc3\xbc\xe6\xbc\xa2",
    "\xf0\x9f\x98\x80",
    "",
};

#define COUNT_OF(list) (sizeof(list) / sizeof(*(list)))

static double number(struct rng *rng)
{
    uint64_t r = rng_next(rng);
    if (r % 16 == 0)
        return odd_numbers[(r >> 8) % COUNT_OF(odd_numbers)];
    /* 53 random bits, between 2^-24 and 2^40: prices and volumes, all digits in use */
    double value = (double)(r >> 11) / 9007199254740992.0 + 1;
    for (uint64_t e = r % 64; e > 24; e--)
        value *= 2;
    for (uint64_t e = r % 64; e < 24; e++)
        value /= 2;
    return value;
}

static int64_t integer(struct rng *rng)
{
    uint64_t r = rng_next(rng);
    return r % 16 == 0 ? odd_integers[(r >> 8) % COUNT_OF(odd_integers)] : (int64_t)(r >> 32);
}

static int set_value(struct batch *b, size_t row, size_t column, struct rng *rng,
                     struct ccd_error *err)
{
    const struct column *c = &b->type->columns[column];
    if (rng_below(rng, 8) == 0)
        return 0;
    switch (c->kind) {
    case COLUMN_F64:
        batch_set_f64(b, row, column, number(rng));
        return 0;
    case COLUMN_TEXT:
        if (batch_set_text(b, row, column,
                           str_from(odd_texts[rng_below(rng, COUNT_OF(odd_texts))])) == 0)
            return 0;
        return error_set(err, CCD_NO_MEMORY, "no memory for rows of the self test");
    case COLUMN_BOOL:
        batch_set_i64(b, row, column, (int64_t)rng_below(rng, 2));
        return 0;
    case COLUMN_I64:
    case COLUMN_UTC_S:
        batch_set_i64(b, row, column, integer(rng));
        return 0;
    }
    return 0;
}

int selftest_rows_make(struct batch *b, int64_t from_ts, int64_t step_s, size_t count,
                       unsigned version, struct ccd_error *err)
{
    size_t ts = (size_t)data_type_column_flagged(b->type, COLUMN_TS);
    batch_clear(b);
    for (size_t row = 0; row < count; row++) {
        int64_t at = from_ts + (int64_t)row * step_s;
        struct rng rng = {(uint64_t)at * 31 + version};
        batch_set_i64(b, row, ts, at);
        for (size_t i = 0; i < b->type->column_count; i++) {
            const struct column *column = &b->type->columns[i];
            if ((column_is_fact(column) || (column->flags & COLUMN_SERIES)) &&
                set_value(b, row, i, &rng, err) != 0)
                return err->status;
        }
        b->row_count++;
    }
    return 0;
}

bool selftest_rows_equal(const struct batch *written, const struct batch *read, size_t row,
                         const char **out_column)
{
    /* As words: gcc 12.2 gets the comparison of two presence bits in a loop wrong (-ftree-vrp). */
    uint64_t differing = written->present[row] ^ read->present[row];
    for (size_t i = 0; i < written->type->column_count; i++) {
        const struct column *column = &written->type->columns[i];
        if (!column_is_fact(column) && !(column->flags & COLUMN_TS))
            continue;
        *out_column = column->name;
        if ((differing >> i & 1) != 0)
            return false;
        if (!batch_has(written, row, i))
            continue;
        bool same = column->kind == COLUMN_TEXT
                        ? str_equal(batch_text(written, row, i), batch_text(read, row, i))
                        : memcmp(batch_cell(written, row, i), batch_cell(read, row, i),
                                 sizeof(union cell)) == 0;
        if (!same)
            return false;
    }
    return true;
}
