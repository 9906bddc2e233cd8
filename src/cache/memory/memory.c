/* In this process: the entry that was used longest ago goes first. */
#include <string.h>

#include "cache/cache.h"

static const int64_t bytes_max_default = INT64_C(256) << 20;

struct entry {
    struct entry *older, *newer; /* by use */
    struct entry *next;          /* in its bucket */
    char name[CACHE_NAME_BYTES];
    size_t len;
    char bytes[];
};

struct memory {
    struct cache base; /* must be first */
    struct entry **buckets;
    size_t bucket_count;
    struct entry *oldest, *newest;
    int64_t count, bytes, bytes_max;
};

/* Names are hexadecimal digests: their last digits are spread well enough. */
static struct entry **bucket_of(struct memory *m, const char *name)
{
    size_t len = strlen(name), hash = 0;
    for (size_t i = len > 12 ? len - 12 : 0; i < len; i++)
        hash = hash * 31 + (unsigned char)name[i];
    return &m->buckets[hash % m->bucket_count];
}

static struct entry *find(struct memory *m, const char *name)
{
    struct entry *e = *bucket_of(m, name);
    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    return e;
}

static void unlink_use(struct memory *m, struct entry *e)
{
    *(e->older ? &e->older->newer : &m->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &m->newest) = e->older;
}

static void link_newest(struct memory *m, struct entry *e)
{
    e->older = m->newest;
    e->newer = NULL;
    *(m->newest ? &m->newest->newer : &m->oldest) = e;
    m->newest = e;
}

static void drop(struct memory *m, struct entry *e)
{
    struct entry **at = bucket_of(m, e->name);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    unlink_use(m, e);
    m->count--;
    m->bytes -= (int64_t)(sizeof(*e) + e->len);
    mem_free(m->base.options.allocator, e);
}

static enum cache_answer memory_get(struct cache *cache, const char *name, struct buf *out)
{
    struct memory *m = (struct memory *)cache;
    struct entry *e = find(m, name);
    if (!e)
        return CACHE_MISS;
    unlink_use(m, e);
    link_newest(m, e);
    return buf_add(out, e->bytes, e->len) == 0 ? CACHE_HIT : CACHE_ERROR;
}

static bool memory_put(struct cache *cache, const char *name, struct str bytes, int64_t ttl_s)
{
    struct memory *m = (struct memory *)cache;
    struct entry *old = find(m, name);
    int64_t size = (int64_t)(sizeof(struct entry) + bytes.len);
    (void)ttl_s; /* the entry itself says when it ends */
    if (old)
        drop(m, old);
    if (size > m->bytes_max)
        return false;
    struct entry *e = mem_new(cache->options.allocator, (size_t)size, 1);
    if (!e)
        return false;
    str_copy(e->name, sizeof(e->name), str_from(name));
    e->len = bytes.len;
    memcpy(e->bytes, bytes.ptr, bytes.len);
    while (m->oldest && (m->count >= cache->options.entries_max || m->bytes + size > m->bytes_max))
        drop(m, m->oldest);
    struct entry **bucket = bucket_of(m, name);
    e->next = *bucket;
    *bucket = e;
    link_newest(m, e);
    m->count++;
    m->bytes += size;
    return true;
}

static void memory_close(struct cache *cache)
{
    struct memory *m = (struct memory *)cache;
    const struct allocator *allocator = cache->options.allocator;
    while (m->oldest)
        drop(m, m->oldest);
    mem_free(allocator, m->buckets);
    mem_free(allocator, m);
}

int cache_memory_new(struct cache **out, const struct cache_options *options, struct ccd_error *err)
{
    static const struct cache_ops ops = {
        .close = memory_close, .get = memory_get, .put = memory_put};
    struct memory *m = mem_new(options->allocator, 1, sizeof(*m));
    if (!m)
        return error_set(err, CCD_NO_MEMORY, "no memory for a cache");
    m->base = (struct cache){.ops = &ops, .options = *options};
    m->base.options.entries_max = options->entries_max > 0 ? options->entries_max : 1;
    m->bytes_max = options->bytes_max > 0 ? options->bytes_max : bytes_max_default;
    m->bucket_count = (size_t)m->base.options.entries_max;
    m->buckets = mem_new(options->allocator, m->bucket_count, sizeof(*m->buckets));
    if (!m->buckets) {
        memory_close(&m->base);
        return error_set(err, CCD_NO_MEMORY, "no memory for a cache of %lld entries",
                         (long long)m->base.options.entries_max);
    }
    *out = &m->base;
    return 0;
}
