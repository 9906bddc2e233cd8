/* Bodies that were made once, by request, bounded in bytes; the least recently used goes first.
 * Invariant: a body lives while the cache or a connection holds it. */
#ifndef SIM_PAGE_CACHE_H
#define SIM_PAGE_CACHE_H

#include "base/buf.h"

/* Bytes of a reply's body. */
struct body {
    size_t holders;
    size_t len;
    const struct allocator *allocator;
    char data[];
};
/* One holder: the caller. NULL = no memory. bytes may be NULL: the caller fills data. */
struct body *body_new(const void *bytes, size_t len, const struct allocator *allocator);
struct body *body_hold(struct body *body);
void body_drop(struct body *body); /* NULL is fine */

struct page_cache;
int page_cache_new(size_t max_bytes, const struct allocator *allocator, struct page_cache **out,
                   struct ccd_error *err);
void page_cache_free(struct page_cache *cache);
/* A body that is good at now_utc_s, held for the caller; NULL = none. */
struct body *page_cache_find(struct page_cache *cache, struct str key, bool gzip,
                             int64_t now_utc_s);
/* Remember body for requests from from_utc_s until before until_utc_s. Without memory it is not
 * remembered. */
void page_cache_add(struct page_cache *cache, struct str key, bool gzip, int64_t from_utc_s,
                    int64_t until_utc_s, struct body *body);
size_t page_cache_bytes(const struct page_cache *cache);

#endif
