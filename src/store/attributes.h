/* The attributes of a series: the union, over all candle types, of the columns flagged SERIES.
 * Invariant: a name has one kind in all types. */
#ifndef STORE_ATTRIBUTES_H
#define STORE_ATTRIBUTES_H

#include "model/batch.h"
#include "model/series.h"

enum { ATTRIBUTE_MAX = 32 };

struct attribute {
    const char *name;
    enum column_kind kind;
};

struct attribute_set {
    struct attribute items[ATTRIBUTE_MAX];
    size_t count;
};

/* In the order of the registry. False when a name has two kinds or there are too many. */
bool attribute_set_init(struct attribute_set *set);
/* Its place in the set; -1 when it is none. */
int attribute_find(const struct attribute_set *set, const char *name);

/* The newest row that has a value in this column and for which usable[row] is true; -1 when none.
 * usable may be NULL = all. Rows ascend in ts. */
int64_t attribute_newest_row(const struct batch *b, size_t column, const bool *usable);

/* "BTC-USD" = base "BTC", quote "USD", cut at the last '-'. False when there is none to cut at. */
bool instrument_split(struct str instrument, struct str *out_base, struct str *out_quote);

#endif
