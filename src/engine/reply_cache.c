#include "engine/reply_cache.h"

#include <string.h>

#include "base/hash.h"

enum { KEY_MAX_BYTES = 8192, HELD_MAX = 1024, HELD_MAX_BYTES = 64 << 20, TENANT_BYTES = 32 };

/* A reply that waits for its commit: path, then body. */
struct held {
    char *bytes;
    size_t path_len;
    struct kept_reply reply; /* its body is in the bytes */
};

struct reply_cache {
    struct cache *cache;
    uint8_t tenant[TENANT_BYTES]; /* of host and API key: plans differ in what they serve */
    int64_t ttl_s;
    bool only_put;
    struct held held[HELD_MAX];
    size_t held_count, held_bytes;
};

int reply_cache_new(struct cache *cache, const struct reply_cache_options *options,
                    struct reply_cache **out, struct ccd_error *err)
{
    struct sha256 h;
    *out = NULL;
    if (!cache)
        return 0;
    struct reply_cache *r = mem_new(NULL, 1, sizeof(*r));
    if (!r)
        return error_set(err, CCD_NO_MEMORY, "no memory for a cache");
    r->cache = cache;
    r->ttl_s = options->ttl_s;
    r->only_put = options->only_put;
    sha256_init(&h);
    sha256_add(&h, options->origin, strlen(options->origin) + 1);
    sha256_add(&h, options->api_key.ptr, options->api_key.len);
    sha256_final(&h, r->tenant);
    *out = r;
    return 0;
}

bool reply_cache_is_asked(const struct reply_cache *r)
{
    return r && !r->only_put;
}

void reply_cache_free(struct reply_cache *r)
{
    if (!r)
        return;
    reply_cache_drop_held(r);
    mem_free(NULL, r);
}

/* ---- keys and values ---- */

static bool write_key(const struct reply_cache *r, struct str path, struct buf *out)
{
    buf_init(out, KEY_MAX_BYTES, NULL);
    buf_add(out, r->tenant, TENANT_BYTES);
    return buf_add(out, path.ptr, path.len) == 0;
}

/* A value: the time, whether it is compressed, the body. */
enum { VALUE_HEAD_BYTES = sizeof(int64_t) + 1 };

/* The settings may have changed since it was kept, and the clock may have gone back. */
static bool is_young(const struct reply_cache *r, int64_t sent_utc_s, int64_t since_utc_s)
{
    int64_t now_utc_s = clock_utc_s(r->cache->options.clock);
    return sent_utc_s >= since_utc_s && sent_utc_s <= now_utc_s &&
           sent_utc_s > now_utc_s - r->ttl_s;
}

bool reply_cache_get(struct reply_cache *r, struct str path, int64_t since_utc_s,
                     struct buf *out_body, struct kept_reply *out)
{
    struct buf key, value;
    if (!reply_cache_is_asked(r))
        return false;
    buf_init(&value, CACHE_VALUE_MAX_BYTES, NULL);
    bool found = write_key(r, path, &key) && cache_get(r->cache, buf_str(&key), &value) &&
                 value.len > VALUE_HEAD_BYTES;
    if (found) {
        memcpy(&out->sent_utc_s, value.data, sizeof(out->sent_utc_s));
        found = is_young(r, out->sent_utc_s, since_utc_s);
        if (!found)
            cache_disown(r->cache);
    }
    if (found) {
        out->is_gzip = value.data[sizeof(int64_t)] == 1;
        found = buf_add(out_body, value.data + VALUE_HEAD_BYTES, value.len - VALUE_HEAD_BYTES) == 0;
        out->body = buf_str(out_body);
    }
    buf_release(&key);
    buf_release(&value);
    return found;
}

void reply_cache_put(struct reply_cache *r, struct str path, const struct kept_reply *reply)
{
    struct buf key, value;
    if (!r)
        return;
    buf_init(&value, CACHE_VALUE_MAX_BYTES, NULL);
    buf_add(&value, &reply->sent_utc_s, sizeof(reply->sent_utc_s));
    buf_add_char(&value, reply->is_gzip ? 1 : 0);
    buf_add(&value, reply->body.ptr, reply->body.len);
    if (write_key(r, path, &key) && !value.failed)
        cache_put(r->cache, buf_str(&key), buf_str(&value), r->ttl_s);
    buf_release(&key);
    buf_release(&value);
}

/* ---- what waits for a commit ---- */

void reply_cache_hold(struct reply_cache *r, struct str path, const struct kept_reply *reply)
{
    size_t len = path.len + reply->body.len;
    if (!r || r->held_count == HELD_MAX || r->held_bytes + len > HELD_MAX_BYTES)
        return;
    char *bytes = mem_new(NULL, len + 1, 1);
    if (!bytes)
        return;
    memcpy(bytes, path.ptr, path.len);
    memcpy(bytes + path.len, reply->body.ptr, reply->body.len);
    struct held *h = &r->held[r->held_count++];
    *h = (struct held){.bytes = bytes, .path_len = path.len, .reply = *reply};
    h->reply.body.ptr = bytes + path.len;
    r->held_bytes += len;
}

void reply_cache_put_held(struct reply_cache *r)
{
    for (size_t i = 0; r && i < r->held_count; i++)
        reply_cache_put(r, (struct str){r->held[i].bytes, r->held[i].path_len}, &r->held[i].reply);
    reply_cache_drop_held(r);
}

void reply_cache_drop_held(struct reply_cache *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->held_count; i++)
        mem_free(NULL, r->held[i].bytes);
    r->held_count = r->held_bytes = 0;
}
