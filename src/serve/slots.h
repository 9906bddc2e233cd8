/* The open connections, at most 64, and how long each may go on. Invariant: a slot is free or holds
 * a socket that libmicrohttpd owns and has not closed. Used by the server's thread alone.
 *
 * libmicrohttpd's own time-out begins anew with every byte, so a client that sends one now and then
 * would stay for ever; these deadlines do not move. */
#ifndef SERVE_SLOTS_H
#define SERVE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/peer.h"

enum {
    SLOTS_MAX = 64,
    SLOTS_PER_PEER = 16,     /* where others than this machine can connect */
    SLOT_REQUESTS_MAX = 100, /* then the connection is closed */
    SLOT_HEAD_MS = 5000,     /* from connecting, or the answer of before, to the end of a head */
    SLOT_ANSWER_MS = 30000,  /* from there until the answer is sent */
    SLOT_LIFE_MS = 60000,    /* of the whole connection */
    SLOT_PATIENCE_MS = 20,   /* before it gives way; who has something to ask has asked by then */
};

struct slot {
    bool is_used;
    bool is_started;   /* libmicrohttpd has told that it has taken the socket */
    bool is_answering; /* a whole head came; else it waits for one */
    bool is_ending;    /* shut down; libmicrohttpd is about to close it */
    int fd;
    unsigned requests;
    int64_t waiting_since_us;
    int64_t deadline_us;
    int64_t end_us;
    struct peer peer;
};

struct slots {
    struct slot items[SLOTS_MAX];
    size_t count;
};

/* NULL when all are in use. */
struct slot *slots_claim(struct slots *slots, int fd, const struct peer *peer, int64_t now_us);
void slots_release(struct slots *slots, struct slot *slot); /* NULL is fine */
struct slot *slots_find(struct slots *slots, int fd);       /* NULL: none of ours */
size_t slots_of_peer(const struct slots *slots, const struct peer *peer);

void slot_begin_answer(struct slot *slot, int64_t now_us);
void slot_await_head(struct slot *slot, int64_t now_us);

/* Shut down what is overdue. */
void slots_end_overdue(struct slots *slots, int64_t now_us);
/* Shut down the connection that has waited longest for its head: one that only holds a place gives
 * way to one that asks something. False when all are answering or have only just come. */
bool slots_end_idlest(struct slots *slots, int64_t now_us);
/* Give back what libmicrohttpd refused without a word. */
void slots_release_refused(struct slots *slots);
/* Time until the next deadline, at least 0; INT64_MAX without one. */
int64_t slots_wait_us(const struct slots *slots, int64_t now_us);

#endif
