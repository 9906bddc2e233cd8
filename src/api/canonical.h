/* Hashes that are equal when the stored data is, whatever the database. */
#ifndef API_CANONICAL_H
#define API_CANONICAL_H

#include "api/coverage_list.h"
#include "base/hash.h"
#include "model/batch.h"

enum { DIGEST_BYTES = 32 };

/* ts and every fact column, in the order of the registry: a byte that tells whether it is there,
 * then 8 bytes big endian (integers as they are, doubles by their bits), or length and bytes. */
void canonical_add_row(struct sha256 *h, const struct batch *b, size_t row);

/* A list without an order, such as the instruments of a market: the sum of its rows' hashes. Every
 * column counts. */
void canonical_of_list(const struct batch *b, uint8_t out_digest[DIGEST_BYTES]);

/* States and ranges. Merges the list and joins what then only differs in its moments. */
void canonical_of_coverage(struct coverage_list *list, uint8_t out_digest[DIGEST_BYTES]);

#endif
