#include "serve/slots.h"

#include <sys/socket.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct slot *slots_claim(struct slots *slots, int fd, const struct peer *peer, int64_t now_us)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct slot *slot = &slots->items[i];
        if (!slot->is_used) {
            *slot = (struct slot){.is_used = true, .fd = fd, .peer = *peer};
            slot->end_us = now_us + SLOT_LIFE_MS * INT64_C(1000);
            slot_await_head(slot, now_us);
            slots->count++;
            return slot;
        }
    }
    return NULL;
}

void slots_release(struct slots *slots, struct slot *slot)
{
    if (slot && slot->is_used) {
        *slot = (struct slot){.fd = -1};
        slots->count--;
    }
}

struct slot *slots_find(struct slots *slots, int fd)
{
    for (size_t i = 0; i < SLOTS_MAX; i++)
        if (slots->items[i].is_used && slots->items[i].fd == fd)
            return &slots->items[i];
    return NULL;
}

size_t slots_of_peer(const struct slots *slots, const struct peer *peer)
{
    size_t count = 0;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        count += slots->items[i].is_used && peer_equal(&slots->items[i].peer, peer);
    return count;
}

void slot_begin_answer(struct slot *slot, int64_t now_us)
{
    slot->is_answering = true;
    slot->requests++;
    slot->deadline_us = least(now_us + SLOT_ANSWER_MS * INT64_C(1000), slot->end_us);
}

void slot_await_head(struct slot *slot, int64_t now_us)
{
    slot->is_answering = false;
    slot->waiting_since_us = now_us;
    slot->deadline_us = least(now_us + SLOT_HEAD_MS * INT64_C(1000), slot->end_us);
}

/* libmicrohttpd sees the end of the stream and closes the socket itself: it must not be closed
 * under its feet, the number could be somebody else's by then. */
static void end(struct slot *slot)
{
    /* What was not sent by now is thrown away with the socket instead of waiting in the kernel. */
    struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    slot->is_ending = true;
    (void)shutdown(slot->fd, SHUT_RDWR);
}

void slots_end_overdue(struct slots *slots, int64_t now_us)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct slot *slot = &slots->items[i];
        if (slot->is_used && !slot->is_ending && slot->deadline_us <= now_us)
            end(slot);
    }
}

bool slots_end_idlest(struct slots *slots, int64_t now_us)
{
    struct slot *idlest = NULL;
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct slot *slot = &slots->items[i];
        if (slot->is_used && !slot->is_answering && !slot->is_ending &&
            (!idlest || slot->waiting_since_us < idlest->waiting_since_us))
            idlest = slot;
    }
    if (!idlest || now_us - idlest->waiting_since_us < SLOT_PATIENCE_MS * INT64_C(1000))
        return false;
    end(idlest);
    return true;
}

void slots_release_refused(struct slots *slots)
{
    for (size_t i = 0; i < SLOTS_MAX; i++)
        if (slots->items[i].is_used && !slots->items[i].is_started)
            slots_release(slots, &slots->items[i]);
}

int64_t slots_wait_us(const struct slots *slots, int64_t now_us)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        if (slots->items[i].is_used && !slots->items[i].is_ending)
            first = least(first, slots->items[i].deadline_us);
    if (first == INT64_MAX)
        return INT64_MAX;
    return first > now_us ? first - now_us : 0;
}
