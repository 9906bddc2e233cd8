#include <string.h>

#include "base/hash.h"
#include "test.h"

static const char *hex(const uint8_t digest[32], char out[65])
{
    for (size_t i = 0; i < 32; i++) {
        (void)str_print(out + i * 2, 3, "%02x", digest[i]);
    }
    return out;
}

static const char *digest_of(const void *bytes, size_t len, char out[65])
{
    struct sha256 h;
    uint8_t digest[32];
    sha256_init(&h);
    sha256_add(&h, bytes, len);
    sha256_final(&h, digest);
    return hex(digest, out);
}

/* Vectors of FIPS 180-4's example papers. */
TEST(hash_sha256_vectors)
{
    char out[65];
    CHECK_TEXT("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
               digest_of(NULL, 0, out));
    CHECK_TEXT("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
               digest_of("abc", 3, out));
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    CHECK_TEXT("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
               digest_of(two, strlen(two), out));
    struct sha256 h;
    uint8_t digest[32];
    char a[1000];
    memset(a, 'a', sizeof a);
    sha256_init(&h);
    for (int i = 0; i < 1000; i++) {
        sha256_add(&h, a, sizeof a);
    }
    sha256_final(&h, digest);
    CHECK_TEXT("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
               hex(digest, out));
}

TEST(hash_sha256_padding_edges)
{
    char a[64];
    char out[65];
    memset(a, 'a', sizeof a);
    CHECK_TEXT("9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318",
               digest_of(a, 55, out));
    CHECK_TEXT("b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a",
               digest_of(a, 56, out));
    CHECK_TEXT("ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb",
               digest_of(a, 64, out));
}

TEST(hash_sha256_pieces_do_not_matter)
{
    uint8_t bytes[300];
    char whole[65];
    char pieces[65];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    digest_of(bytes, sizeof bytes, whole);
    for (size_t step = 1; step < 150; step++) {
        struct sha256 h;
        uint8_t digest[32];
        sha256_init(&h);
        for (size_t at = 0; at < sizeof bytes; at += step) {
            size_t left = sizeof bytes - at;
            sha256_add(&h, bytes + at, left < step ? left : step);
        }
        sha256_final(&h, digest);
        CHECK_TEXT(whole, hex(digest, pieces));
    }
}

/* First outputs for the seeds 0 and 1234567, as published with the generator. */
TEST(hash_rng_reference)
{
    struct rng r = {.state = 0};
    CHECK(rng_next(&r) == 0xE220A8397B1DCDAFU);
    CHECK(rng_next(&r) == 0x6E789E6AA1B965F4U);
    CHECK(rng_next(&r) == 0x06C45D188009454FU);
    r.state = 1234567;
    CHECK(rng_next(&r) == 6457827717110365317U);
    CHECK(rng_next(&r) == 3203168211198807973U);
}

TEST(hash_rng_below)
{
    struct rng r = {.state = 3};
    unsigned seen[6] = {0};
    CHECK_INT(0, rng_below(&r, 0));
    CHECK_INT(0, rng_below(&r, 1));
    for (int i = 0; i < 60000; i++) {
        uint64_t value = rng_below(&r, 6);
        if (CHECK(value < 6)) {
            seen[value]++;
        }
    }
    for (size_t i = 0; i < 6; i++) {
        CHECK(seen[i] > 9500 && seen[i] < 10500);
    }
    for (int i = 0; i < 100; i++) {
        CHECK(rng_below(&r, UINT64_MAX) < UINT64_MAX);
        CHECK(rng_below(&r, ((uint64_t)1 << 63) + 1) <= (uint64_t)1 << 63);
    }
}

/* RFC 4231, cases 2 and 6; keys of a block and of one byte more. */
TEST(hash_hmac_sha256)
{
    uint8_t digest[32];
    char text[65];
    char key[131];
    memset(key, 0xaa, sizeof key);
    hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), digest);
    CHECK_TEXT("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
               hex(digest, text));
    hmac_sha256((struct str){key, 131},
                STR("Test Using Larger Than Block-Size Key - Hash Key First"), digest);
    CHECK_TEXT("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
               hex(digest, text));
    hmac_sha256((struct str){key, 64}, STR("x"), digest);
    CHECK_TEXT("ce3c639dcb9d8baae5d44c3b8b5e233faab4d1860e07489af5c84f213998bd79",
               hex(digest, text));
    hmac_sha256((struct str){key, 65}, STR("x"), digest);
    CHECK_TEXT("c2b9a0a013df029c7d812c5ac18388feef0194ee64fcc5f321d149c06137caa3",
               hex(digest, text));
    hmac_sha256((struct str){NULL, 0}, (struct str){NULL, 0}, digest);
    CHECK_TEXT("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
               hex(digest, text));
}
