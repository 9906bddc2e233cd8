/* Replies of the vendor, kept for a while: one contract, three back-ends. A cache may forget at any
 * moment and may be damaged by anybody: whatever does not prove to be the whole entry of its key is
 * a miss. It is never asked whether something is stored. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hooks.h"
#include "base/log.h"

enum {
    CACHE_VALUE_MAX_BYTES = 8 << 20,
    CACHE_NAME_BYTES = 80, /* "ccdata:1:" and 64 hexadecimal digits, with the NUL */
};

enum cache_backend { CACHE_MEMORY, CACHE_FILE, CACHE_REDIS };

struct cache_options {
    enum cache_backend backend;
    int64_t entries_max;   /* memory; all back-ends of this host are bounded in bytes, too */
    int64_t bytes_max;     /* memory, file; 0 = 256 MiB, 1 GiB */
    const char *directory; /* file: made when it is missing */
    const char *host;      /* redis … */
    int port;
    const char *password; /* NULL or "" = none */
    int64_t database;
    bool tls;
    const struct clock *clock;
    const struct log *log;
    const struct allocator *allocator;
};

struct cache_counts {
    int64_t hits, misses, puts;
    int64_t errors; /* of the back-end: each was a miss, or a put that did not happen */
};

struct cache;

/* Opens no connection: a Redis server is reached for when it is needed. Errors: DISK (the folder
 * cannot be used), CONFIG (no certificates for TLS), NO_MEMORY. One thread at a time. */
int cache_open(const struct cache_options *options, struct cache **out, struct ccd_error *err);
void cache_close(struct cache *cache); /* NULL is fine */

/* The value of a key (any bytes; a secret among them keeps others from making entries), appended to
 * `out`. False: a miss, and `out` is as it was. */
bool cache_get(struct cache *cache, struct str key, struct buf *out);
/* The value that was given last is of no use: it was a miss. */
void cache_disown(struct cache *cache);
/* Best effort; a value larger than CACHE_VALUE_MAX_BYTES is not kept. */
void cache_put(struct cache *cache, struct str key, struct str value, int64_t ttl_s);

struct cache_counts cache_counts(const struct cache *cache);

/* ---- what a back-end has: names from a fixed alphabet, and bytes ---- */

enum cache_answer { CACHE_HIT, CACHE_MISS, CACHE_ERROR };

struct cache_ops {
    void (*close)(struct cache *cache);
    enum cache_answer (*get)(struct cache *cache, const char *name, struct buf *out);
    bool (*put)(struct cache *cache, const char *name, struct str entry, int64_t ttl_s);
};

/* Every back-end's instance starts with this. */
struct cache {
    const struct cache_ops *ops;
    struct cache_options options; /* its texts are borrowed: they live as long as the cache */
    struct cache_counts counts;
};

/* Each fills a zeroed instance of its own; *out is the caller's. */
int cache_memory_new(struct cache **out, const struct cache_options *options,
                     struct ccd_error *err);
int cache_file_new(struct cache **out, const struct cache_options *options, struct ccd_error *err);
int cache_redis_new(struct cache **out, const struct cache_options *options, struct ccd_error *err);

#endif
