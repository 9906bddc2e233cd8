/* Entries: what a back-end keeps is sealed, with its key and its end inside, by an HMAC under the
 * key, of which only a digest leaves the process: who can write into the back-end can make none. */
#include "cache/cache.h"

#include <string.h>

#include "base/hash.h"

enum {
    DIGEST_BYTES = 32,
    HEAD_BYTES = 8 + DIGEST_BYTES + 8, /* mark, key, end */
    ENTRY_MAX_BYTES = HEAD_BYTES + CACHE_VALUE_MAX_BYTES + DIGEST_BYTES,
};

/* Another form of entry, or another meaning of values, is another mark: old entries are misses. */
static const char mark[9] = "ccdata\x01\x02";

static void digest_of(struct str bytes, uint8_t out[DIGEST_BYTES])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes.ptr, bytes.len);
    sha256_final(&h, out);
}

static void name_of(const uint8_t key[DIGEST_BYTES], char out[CACHE_NAME_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    static const char prefix[] = "ccdata:1:";
    size_t len = sizeof(prefix) - 1;
    memcpy(out, prefix, len);
    for (int i = 0; i < DIGEST_BYTES; i++) {
        out[len++] = digits[key[i] >> 4];
        out[len++] = digits[key[i] & 15];
    }
    out[len] = '\0';
}

static void add_i64(struct buf *out, int64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> 8 * i);
    buf_add(out, bytes, sizeof(bytes));
}

static int64_t read_i64(const char *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | (uint8_t)bytes[i];
    return (int64_t)value;
}

/* The value inside an entry; false when it is anything but a whole, valid entry of this key. */
static bool unseal(struct str entry, struct str key, const uint8_t digest[DIGEST_BYTES],
                   int64_t now_utc_s, struct str *out_value)
{
    uint8_t seal[DIGEST_BYTES];
    if (entry.len < HEAD_BYTES + DIGEST_BYTES || entry.len > ENTRY_MAX_BYTES ||
        memcmp(entry.ptr, mark, 8) != 0 || memcmp(entry.ptr + 8, digest, DIGEST_BYTES) != 0)
        return false;
    struct str sealed = {entry.ptr, entry.len - DIGEST_BYTES};
    hmac_sha256(key, sealed, seal);
    if (memcmp(seal, entry.ptr + sealed.len, DIGEST_BYTES) != 0 ||
        read_i64(entry.ptr + 8 + DIGEST_BYTES) <= now_utc_s)
        return false;
    *out_value = (struct str){entry.ptr + HEAD_BYTES, sealed.len - HEAD_BYTES};
    return true;
}

bool cache_get(struct cache *cache, struct str key, struct buf *out)
{
    uint8_t digest[DIGEST_BYTES];
    char name[CACHE_NAME_BYTES];
    struct buf entry;
    struct str value;
    digest_of(key, digest);
    name_of(digest, name);
    buf_init(&entry, ENTRY_MAX_BYTES, cache->options.allocator);
    enum cache_answer answer = cache->ops->get(cache, name, &entry);
    bool found = answer == CACHE_HIT && !entry.failed &&
                 unseal(buf_str(&entry), key, digest, clock_utc_s(cache->options.clock), &value) &&
                 buf_add(out, value.ptr, value.len) == 0;
    buf_release(&entry);
    cache->counts.hits += found;
    cache->counts.misses += !found;
    cache->counts.errors += answer == CACHE_ERROR;
    return found;
}

void cache_disown(struct cache *cache)
{
    cache->counts.hits--;
    cache->counts.misses++;
}

void cache_put(struct cache *cache, struct str key, struct str value, int64_t ttl_s)
{
    uint8_t digest[DIGEST_BYTES], seal[DIGEST_BYTES];
    char name[CACHE_NAME_BYTES];
    struct buf entry;
    if (value.len > CACHE_VALUE_MAX_BYTES || ttl_s <= 0)
        return;
    digest_of(key, digest);
    name_of(digest, name);
    buf_init(&entry, ENTRY_MAX_BYTES, cache->options.allocator);
    buf_add(&entry, mark, 8);
    buf_add(&entry, digest, DIGEST_BYTES);
    add_i64(&entry, clock_utc_s(cache->options.clock) + ttl_s);
    buf_add(&entry, value.ptr, value.len);
    hmac_sha256(key, buf_str(&entry), seal);
    buf_add(&entry, seal, DIGEST_BYTES);
    bool kept = !entry.failed && cache->ops->put(cache, name, buf_str(&entry), ttl_s);
    buf_release(&entry);
    cache->counts.puts += kept;
    cache->counts.errors += !kept;
}

struct cache_counts cache_counts(const struct cache *cache)
{
    return cache->counts;
}

int cache_open(const struct cache_options *options, struct cache **out, struct ccd_error *err)
{
    switch (options->backend) {
    case CACHE_FILE:
        return cache_file_new(out, options, err);
    case CACHE_REDIS:
        return cache_redis_new(out, options, err);
    case CACHE_MEMORY:
        break;
    }
    return cache_memory_new(out, options, err);
}

void cache_close(struct cache *cache)
{
    if (cache)
        cache->ops->close(cache);
}
