/* A series: one instrument on one market for one data type; what names it and what it is called.
 * Invariant: series_id depends on data type, market and native id only. */
#ifndef MODEL_SERIES_H
#define MODEL_SERIES_H

#include "model/data_type.h"

enum { MARKET_MAX_BYTES = 64, INSTRUMENT_MAX_BYTES = 512 };

/* First 53 bits (big endian) of SHA-256 over data_type 0x1f market 0x1f instrument (INTERFACE.md).
 */
int64_t series_id_of(const char *data_type, struct str market, struct str instrument);

/* Names of a series as stored in dim_series. NUL-terminated, valid UTF-8, no control characters. */
struct series_names {
    int64_t series_id;
    char market[MARKET_MAX_BYTES];                /* as the vendor spells it, lower case */
    char instrument[INSTRUMENT_MAX_BYTES];        /* native id */
    char mapped_instrument[INSTRUMENT_MAX_BYTES]; /* equals instrument when unmapped */
};
/* Fill names and id; false when a name is empty, too long, not UTF-8 or has control characters. */
bool series_names_set(struct series_names *names, const struct data_type *type, struct str market,
                      struct str instrument, struct str mapped_instrument);

#endif
