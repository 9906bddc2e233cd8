#include "sim/page_cache.h"

#include <string.h>

enum { BUCKET_COUNT = 1 << 15 };

struct entry {
    struct entry *next;          /* in its bucket */
    struct entry *newer, *older; /* by use */
    struct body *body;
    uint64_t hash;
    int64_t from_utc_s, until_utc_s;
    bool gzip;
    size_t key_len;
    char key[];
};

struct page_cache {
    const struct allocator *allocator;
    size_t max_bytes, used_bytes;
    struct entry *newest, *oldest;
    struct entry *buckets[BUCKET_COUNT];
};

struct body *body_new(const void *bytes, size_t len, const struct allocator *allocator)
{
    if (len > SIZE_MAX - sizeof(struct body))
        return NULL;
    struct body *body = mem_alloc(allocator, sizeof *body + len);
    if (!body)
        return NULL;
    *body = (struct body){.holders = 1, .len = len, .allocator = allocator};
    if (bytes)
        memcpy(body->data, bytes, len);
    return body;
}

struct body *body_hold(struct body *body)
{
    body->holders++;
    return body;
}

void body_drop(struct body *body)
{
    if (body && --body->holders == 0)
        mem_free(body->allocator, body);
}

int page_cache_new(size_t max_bytes, const struct allocator *allocator, struct page_cache **out,
                   struct ccd_error *err)
{
    *out = mem_new(allocator, 1, sizeof **out);
    if (!*out)
        return error_set(err, CCD_NO_MEMORY, "no memory for the page cache");
    (*out)->allocator = allocator;
    (*out)->max_bytes = max_bytes;
    return 0;
}

static uint64_t hash_key(struct str key, bool gzip)
{
    uint64_t h = 0xcbf29ce484222325ULL + gzip;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 0x100000001b3ULL;
    return h ^ (h >> 29);
}

static size_t entry_bytes(const struct entry *e)
{
    return sizeof *e + e->key_len + sizeof *e->body + e->body->len;
}

static void unlink_used(struct page_cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct page_cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void entry_remove(struct page_cache *c, struct entry *e)
{
    struct entry **link = &c->buckets[e->hash % BUCKET_COUNT];
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    unlink_used(c, e);
    c->used_bytes -= entry_bytes(e);
    body_drop(e->body);
    mem_free(c->allocator, e);
}

void page_cache_free(struct page_cache *cache)
{
    if (!cache)
        return;
    while (cache->oldest)
        entry_remove(cache, cache->oldest);
    mem_free(cache->allocator, cache);
}

static struct entry *entry_find(struct page_cache *c, struct str key, bool gzip)
{
    uint64_t hash = hash_key(key, gzip);
    for (struct entry *e = c->buckets[hash % BUCKET_COUNT]; e; e = e->next)
        if (e->hash == hash && e->gzip == gzip && str_equal((struct str){e->key, e->key_len}, key))
            return e;
    return NULL;
}

struct body *page_cache_find(struct page_cache *cache, struct str key, bool gzip, int64_t now_utc_s)
{
    struct entry *e = entry_find(cache, key, gzip);
    if (!e)
        return NULL;
    if (now_utc_s < e->from_utc_s || now_utc_s >= e->until_utc_s) {
        entry_remove(cache, e);
        return NULL;
    }
    unlink_used(cache, e);
    link_newest(cache, e);
    return body_hold(e->body);
}

void page_cache_add(struct page_cache *cache, struct str key, bool gzip, int64_t from_utc_s,
                    int64_t until_utc_s, struct body *body)
{
    struct entry *old = entry_find(cache, key, gzip);
    if (old)
        entry_remove(cache, old);
    struct entry *e = mem_alloc(cache->allocator, sizeof *e + key.len);
    if (!e)
        return;
    *e = (struct entry){.hash = hash_key(key, gzip),
                        .from_utc_s = from_utc_s,
                        .until_utc_s = until_utc_s,
                        .gzip = gzip,
                        .key_len = key.len,
                        .body = body_hold(body)};
    memcpy(e->key, key.ptr, key.len);
    e->next = cache->buckets[e->hash % BUCKET_COUNT];
    cache->buckets[e->hash % BUCKET_COUNT] = e;
    link_newest(cache, e);
    cache->used_bytes += entry_bytes(e);
    while (cache->used_bytes > cache->max_bytes)
        entry_remove(cache, cache->oldest);
}

size_t page_cache_bytes(const struct page_cache *cache)
{
    return cache->used_bytes;
}
