#include "engine/queue.h"

int queue_init(struct queue *q, size_t capacity, const struct allocator *allocator,
               struct ccd_error *err)
{
    *q = (struct queue){.capacity = capacity, .allocator = allocator};
    q->items = mem_new(allocator, capacity, sizeof(*q->items));
    if (!q->items)
        return error_set(err, CCD_NO_MEMORY, "no memory for a queue of %zu", capacity);
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->changed, NULL);
    return 0;
}

void queue_release(struct queue *q)
{
    if (!q->items)
        return;
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->mutex);
    mem_free(q->allocator, q->items);
    q->items = NULL;
}

void queue_put(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->mutex);
    if (q->count < q->capacity) {
        q->items[(q->head + q->count) % q->capacity] = item;
        q->count++;
    }
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->mutex);
}

static void *take_locked(struct queue *q)
{
    if (q->count == 0)
        return NULL;
    void *item = q->items[q->head];
    q->head = (q->head + 1) % q->capacity;
    q->count--;
    return item;
}

void *queue_take(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    while (q->count == 0 && !q->closed)
        pthread_cond_wait(&q->changed, &q->mutex);
    void *item = take_locked(q);
    pthread_mutex_unlock(&q->mutex);
    return item;
}

void *queue_try_take(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    void *item = take_locked(q);
    pthread_mutex_unlock(&q->mutex);
    return item;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->closed = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->mutex);
}
