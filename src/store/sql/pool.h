/* Connections for writers: at most size + overflow are open, size of them stay open when idle, and
 * one that is older than recycle_s is replaced before it is used again. Any thread. Invariant:
 * every connection is either idle in the pool or with exactly one taker. */
#ifndef STORE_SQL_POOL_H
#define STORE_SQL_POOL_H

#include "store/sql/sql.h"

struct sql_pool_config {
    const struct sql_driver *driver;
    const struct sql_target *target; /* borrowed */
    int64_t size;                    /* DB_POOL_SIZE, 1… */
    int64_t overflow;                /* DB_MAX_OVERFLOW, 0… */
    int64_t timeout_ms;              /* DB_POOL_TIMEOUT: longest wait for a free one */
    int64_t recycle_s;               /* DB_POOL_RECYCLE; 0 = never */
};

struct sql_pool;
int sql_pool_new(const struct sql_pool_config *config, struct sql_pool **out,
                 struct ccd_error *err);
/* All connections must have been given back. NULL is fine. */
void sql_pool_free(struct sql_pool *pool);

/* The most recently used idle one, or a new one; CCD_DATABASE_BUSY after the timeout, naming
 * DB_POOL_SIZE. A server that cannot be reached is tried again for a few seconds. The mutex is not
 * held while connecting. */
int sql_pool_take(struct sql_pool *pool, struct sql_connection **out, struct ccd_error *err);
/* No transaction may be open. A broken one is closed, and the idle ones with it: they most likely
 * lost the same server. NULL is fine. */
void sql_pool_give(struct sql_pool *pool, struct sql_connection *connection);

struct sql_pool_counts {
    int64_t open, idle, opened_ever, recycled_ever;
};
struct sql_pool_counts sql_pool_counts(struct sql_pool *pool);

#endif
