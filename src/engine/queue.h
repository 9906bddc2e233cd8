/* A bounded first-in-first-out queue of pointers between threads.
 * Invariant: the capacity covers everything that can ever be queued at once, so a put never waits.
 */
#ifndef ENGINE_QUEUE_H
#define ENGINE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/hooks.h"

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void **items;
    size_t capacity, head, count;
    bool closed;
    const struct allocator *allocator;
};

int queue_init(struct queue *q, size_t capacity, const struct allocator *allocator,
               struct ccd_error *err);
void queue_release(struct queue *q); /* zeroed is legal */
void queue_put(struct queue *q, void *item);
/* Wait for an item; NULL when the queue was closed and is empty. */
void *queue_take(struct queue *q);
/* An item if there is one, else NULL at once. */
void *queue_try_take(struct queue *q);
/* No more items will come: takers drain what is left and then get NULL. */
void queue_close(struct queue *q);

#endif
