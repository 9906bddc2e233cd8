#include "base/hash.h"

#include <string.h>

/* FIPS 180-4 §4.2.2. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static uint32_t load_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void compress(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64];
    for (size_t t = 0; t < 16; t++) {
        w[t] = load_be32(block + t * 4);
    }
    for (size_t t = 16; t < 64; t++) {
        uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + K[t] + w[t];
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void sha256_init(struct sha256 *h)
{
    /* FIPS 180-4 §5.3.3. */
    *h = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *h, const void *bytes, size_t len)
{
    const uint8_t *next = bytes;
    size_t pending = (size_t)(h->size_bytes % sizeof h->block);
    h->size_bytes += len;
    while (len > 0) {
        if (pending == 0 && len >= sizeof h->block) {
            compress(h->state, next);
            next += sizeof h->block;
            len -= sizeof h->block;
            continue;
        }
        size_t room = sizeof h->block - pending;
        size_t take = len < room ? len : room;
        memcpy(h->block + pending, next, take);
        next += take;
        len -= take;
        pending += take;
        if (pending == sizeof h->block) {
            compress(h->state, h->block);
            pending = 0;
        }
    }
}

void sha256_final(struct sha256 *h, uint8_t out_digest[32])
{
    static const uint8_t PADDING[64] = {0x80};
    uint64_t size_bits = h->size_bytes * 8;
    size_t pending = (size_t)(h->size_bytes % sizeof h->block);
    sha256_add(h, PADDING, pending < 56 ? 56 - pending : 120 - pending);
    uint8_t length[8];
    for (unsigned i = 0; i < 8; i++) {
        length[i] = (uint8_t)(size_bits >> (56 - 8 * i));
    }
    sha256_add(h, length, sizeof length);
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned j = 0; j < 4; j++) {
            out_digest[i * 4 + j] = (uint8_t)(h->state[i] >> (24 - 8 * j));
        }
    }
}

static void add_padded_key(struct sha256 *h, const uint8_t key[64], uint8_t pad)
{
    uint8_t block[64];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    sha256_add(h, block, sizeof block);
    explicit_bzero(block, sizeof block);
}

void hmac_sha256(struct str key, struct str message, uint8_t out_digest[32])
{
    uint8_t block[64] = {0};
    struct sha256 h;
    if (key.len > sizeof block) {
        sha256_init(&h);
        sha256_add(&h, key.ptr, key.len);
        sha256_final(&h, block);
    } else if (key.len > 0) {
        memcpy(block, key.ptr, key.len);
    }
    sha256_init(&h);
    add_padded_key(&h, block, 0x36);
    sha256_add(&h, message.ptr, message.len);
    sha256_final(&h, out_digest);
    sha256_init(&h);
    add_padded_key(&h, block, 0x5c);
    sha256_add(&h, out_digest, 32);
    sha256_final(&h, out_digest);
    explicit_bzero(block, sizeof block);
    explicit_bzero(&h, sizeof h);
}

uint64_t rng_next(struct rng *r)
{
    r->state += 0x9E3779B97F4A7C15U;
    uint64_t z = r->state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    /* Values below 2^64 mod bound would make the small results likelier. */
    uint64_t uneven = (0 - bound) % bound;
    uint64_t value;
    do {
        value = rng_next(r);
    } while (value < uneven);
    return value % bound;
}
