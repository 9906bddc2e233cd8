/* SHA-256 (FIPS 180-4), HMAC with it, and a small seeded generator. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct sha256 {
    uint32_t state[8];
    uint64_t size_bytes;
    uint8_t block[64];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *bytes, size_t len);
void sha256_final(struct sha256 *h, uint8_t out_digest[32]);

/* HMAC-SHA256 (FIPS 198-1); any length of key. */
void hmac_sha256(struct str key, struct str message, uint8_t out_digest[32]);

/* SplitMix64: full period, any seed; for jitter, simulation and tests, never for secrets. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound); /* 0 … bound-1; bound 0 gives 0 */

#endif
