#include "store/sql/pool.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "store/sql/reach.h"

struct sql_pool {
    struct sql_pool_config config;
    pthread_mutex_t mutex;
    pthread_cond_t changed;       /* a connection was given back or a place became free */
    struct sql_connection **idle; /* room for config.size; the last one was used last */
    size_t idle_count;
    int64_t open; /* places taken: idle, with a taker, or being opened or closed */
    int64_t opened_ever, recycled_ever;
};

static int init_locks(struct sql_pool *pool)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return -1;
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (failed == 0)
        failed = pthread_cond_init(&pool->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed != 0)
        return -1;
    failed = pthread_mutex_init(&pool->mutex, NULL);
    if (failed != 0)
        pthread_cond_destroy(&pool->changed);
    return failed != 0 ? -1 : 0;
}

int sql_pool_new(const struct sql_pool_config *config, struct sql_pool **out, struct ccd_error *err)
{
    const struct allocator *allocator = config->target->allocator;
    assert(config->size >= 1 && config->overflow >= 0);
    struct sql_pool *pool = mem_new(allocator, 1, sizeof(*pool));
    if (!pool)
        return error_set(err, CCD_NO_MEMORY, "no memory for the connections of the database");
    pool->config = *config;
    pool->idle = mem_new(allocator, (size_t)config->size, sizeof(struct sql_connection *));
    if (!pool->idle || init_locks(pool) != 0) {
        mem_free(allocator, pool->idle);
        mem_free(allocator, pool);
        return error_set(err, CCD_NO_MEMORY, "no memory for the connections of the database");
    }
    *out = pool;
    return CCD_OK;
}

void sql_pool_free(struct sql_pool *pool)
{
    if (!pool)
        return;
    const struct allocator *allocator = pool->config.target->allocator;
    assert(pool->open == (int64_t)pool->idle_count);
    while (pool->idle_count > 0)
        pool->config.driver->close(pool->idle[--pool->idle_count]);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    mem_free(allocator, pool->idle);
    mem_free(allocator, pool);
}

static bool is_too_old(const struct sql_pool *pool, const struct sql_connection *c)
{
    int64_t age_us = clock_mono_us(pool->config.target->clock) - c->opened_mono_us;
    return pool->config.recycle_s > 0 && age_us / 1000000 >= pool->config.recycle_s;
}

static void leave_place(struct sql_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->open--;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

/* The caller has a place. */
static int open_connection(struct sql_pool *pool, struct sql_connection **out,
                           struct ccd_error *err)
{
    const struct sql_target *target = pool->config.target;
    bool missing = false;
    struct sql_connection *c = NULL;
    int status = sql_store_connect(pool->config.driver, target, &c, &missing, err);
    if (status == CCD_OK && !c)
        status = error_set(err, CCD_DATABASE_UNREACHABLE, "the database %s is not there",
                           target->name);
    if (status != CCD_OK) {
        leave_place(pool);
        return status;
    }
    c->opened_mono_us = clock_mono_us(target->clock);
    pthread_mutex_lock(&pool->mutex);
    pool->opened_ever++;
    pthread_mutex_unlock(&pool->mutex);
    *out = c;
    return CCD_OK;
}

static int refuse(const struct sql_pool *pool, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_BUSY,
                     "all %lld connections to %s stayed in use for %lld ms: raise DB_POOL_SIZE "
                     "(%lld) or DB_MAX_OVERFLOW (%lld), or use fewer parallel workers",
                     (long long)(pool->config.size + pool->config.overflow),
                     pool->config.target->name, (long long)pool->config.timeout_ms,
                     (long long)pool->config.size, (long long)pool->config.overflow);
}

/* Wait for an idle connection or a place for a new one (*out NULL). The mutex is held. */
static int take_place(struct sql_pool *pool, struct sql_connection **out, struct ccd_error *err)
{
    struct timespec deadline = clock_deadline(pool->config.timeout_ms * 1000);
    int failed = 0;
    *out = NULL;
    for (;;) {
        if (pool->idle_count > 0) {
            *out = pool->idle[--pool->idle_count];
            return CCD_OK;
        }
        if (pool->open < pool->config.size + pool->config.overflow) {
            pool->open++;
            return CCD_OK;
        }
        if (failed != 0)
            return refuse(pool, err);
        failed = pthread_cond_timedwait(&pool->changed, &pool->mutex, &deadline);
    }
}

int sql_pool_take(struct sql_pool *pool, struct sql_connection **out, struct ccd_error *err)
{
    struct sql_connection *c = NULL;
    pthread_mutex_lock(&pool->mutex);
    int status = take_place(pool, &c, err);
    bool recycled = status == CCD_OK && c && is_too_old(pool, c);
    pool->recycled_ever += recycled;
    pthread_mutex_unlock(&pool->mutex);
    if (status != CCD_OK)
        return status;
    if (recycled) {
        pool->config.driver->close(c);
        c = NULL;
    }
    if (!c)
        return open_connection(pool, out, err);
    *out = c;
    return CCD_OK;
}

/* An idle connection that was opened at that time or before, taken out; NULL when there is none. */
static struct sql_connection *take_older(struct sql_pool *pool, int64_t mono_us)
{
    struct sql_connection *c = NULL;
    pthread_mutex_lock(&pool->mutex);
    for (size_t i = 0; i < pool->idle_count && !c; i++) {
        if (pool->idle[i]->opened_mono_us > mono_us)
            continue;
        c = pool->idle[i];
        pool->idle_count--;
        memmove(&pool->idle[i], &pool->idle[i + 1], (pool->idle_count - i) * sizeof(pool->idle[0]));
    }
    pthread_mutex_unlock(&pool->mutex);
    return c;
}

/* A server that went away took the idle connections with it: each of them would cost its taker a
 * failed attempt. */
static void drop_idle(struct sql_pool *pool)
{
    int64_t now_us = clock_mono_us(pool->config.target->clock);
    struct sql_connection *c;
    while ((c = take_older(pool, now_us)) != NULL) {
        pool->config.driver->close(c);
        leave_place(pool);
    }
}

void sql_pool_give(struct sql_pool *pool, struct sql_connection *connection)
{
    if (!connection)
        return;
    bool broken = connection->broken;
    pthread_mutex_lock(&pool->mutex);
    bool kept = !broken && pool->idle_count < (size_t)pool->config.size;
    if (kept) {
        pool->idle[pool->idle_count++] = connection;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (kept)
        return;
    pool->config.driver->close(connection);
    leave_place(pool);
    if (broken)
        drop_idle(pool);
}

struct sql_pool_counts sql_pool_counts(struct sql_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    const struct sql_pool_counts counts = {
        .open = pool->open,
        .idle = (int64_t)pool->idle_count,
        .opened_ever = pool->opened_ever,
        .recycled_ever = pool->recycled_ever,
    };
    pthread_mutex_unlock(&pool->mutex);
    return counts;
}
