/* One value on its way into or out of a database, whatever the database. Invariant: text is
 * borrowed; whoever receives a value copies what it keeps. */
#ifndef STORE_VALUE_H
#define STORE_VALUE_H

#include "model/batch.h"

enum value_kind { VALUE_NULL, VALUE_I64, VALUE_F64, VALUE_TEXT };

struct value {
    enum value_kind kind;
    union {
        int64_t i64;
        double f64;
        struct str text;
    };
};

static inline struct value value_null(void)
{
    return (struct value){.kind = VALUE_NULL};
}
static inline struct value value_i64(int64_t i64)
{
    return (struct value){.kind = VALUE_I64, .i64 = i64};
}
static inline struct value value_f64(double f64)
{
    return (struct value){.kind = VALUE_F64, .f64 = f64};
}
static inline struct value value_text(struct str text)
{
    return (struct value){.kind = VALUE_TEXT, .text = text};
}

/* A cell of a batch; text points into the batch. */
struct value value_of_cell(const struct batch *b, size_t row, size_t column);
/* Set the cell from a value; NULL leaves it absent. An integer is taken for a double column and for
 * nothing else than its own kind; any other mismatch is CCD_DATABASE_DATA. */
int value_to_cell(const struct value *value, struct batch *b, size_t row, size_t column,
                  struct ccd_error *err);
/* The same value: kinds equal, doubles by their bits, text bytewise. */
bool value_equal(const struct value *a, const struct value *b);

#endif
