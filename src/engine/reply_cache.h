/* Replies of one API host to one key, kept between runs. A reply that comes from here takes the
 * same way as one from the network: decoded, judged, compared, with the time at which it was asked
 * for. Invariant: a reply is put only after what it brought is committed, or when nothing of it is
 * stored; never one that another answer may follow (errors, open periods, holes). */
#ifndef ENGINE_REPLY_CACHE_H
#define ENGINE_REPLY_CACHE_H

#include "cache/cache.h"

struct reply_cache;

struct reply_cache_options {
    const char *origin; /* of the host */
    struct str api_key;
    int64_t ttl_s;
    bool only_put; /* nothing is taken from it, and what comes replaces what it has */
};

/* The cache is borrowed, the options are copied. NULL cache: *out is NULL, which every function
 * takes as no cache. */
int reply_cache_new(struct cache *cache, const struct reply_cache_options *options,
                    struct reply_cache **out, struct ccd_error *err);
/* Whether it is asked at all: false for none, and with only_put. */
bool reply_cache_is_asked(const struct reply_cache *replies);
/* Drops what is held. */
void reply_cache_free(struct reply_cache *replies);

/* A body as it came. */
struct kept_reply {
    struct str body;
    bool is_gzip;
    int64_t sent_utc_s; /* when it was asked for */
};

/* What was the answer to this path and query, not before `since_utc_s`, nor longer ago than replies
 * are kept now, nor later than now; its body is appended to `out_body`. */
bool reply_cache_get(struct reply_cache *replies, struct str path, int64_t since_utc_s,
                     struct buf *out_body, struct kept_reply *out);
void reply_cache_put(struct reply_cache *replies, struct str path, const struct kept_reply *reply);
/* Put when what it brought is committed: remembered until then, as far as 64 MiB reach. */
void reply_cache_hold(struct reply_cache *replies, struct str path, const struct kept_reply *reply);
void reply_cache_put_held(struct reply_cache *replies);
void reply_cache_drop_held(struct reply_cache *replies);

#endif
