/* A peer on loopback that plays a script of bytes, pauses and resets, and remembers what it was
 * asked. Invariant: connection number k plays scripts[k], later ones the last; a script ends with
 * END, HOLD, RESET or AGAIN; everything ends at server_stop. */
#ifndef TESTS_UNIT_HTTP_SERVER_H
#define TESTS_UNIT_HTTP_SERVER_H

#include <stddef.h>

enum step_kind {
    STEP_END,         /* close */
    STEP_READ,        /* one request head; the script ends when the client closes instead */
    STEP_SEND,        /* bytes */
    STEP_DRIP,        /* bytes one by one, with a pause before each */
    STEP_FILL,        /* count times the byte 'x' */
    STEP_REPEAT_TEXT, /* bytes, count times */
    STEP_PAUSE,
    STEP_HOLD,  /* until the client closes or the server stops */
    STEP_RESET, /* close with RST */
    STEP_AGAIN, /* from the first step */
};

struct step {
    enum step_kind kind;
    const char *bytes;
    size_t len;
    size_t count;
    int pause_ms;
};

#define READ                                                                                       \
    {                                                                                              \
        .kind = STEP_READ                                                                          \
    }
#define SEND(text)                                                                                 \
    {                                                                                              \
        .kind = STEP_SEND, .bytes = (text), .len = sizeof(text) - 1                                \
    }
#define SEND_BYTES(pointer, size)                                                                  \
    {                                                                                              \
        .kind = STEP_SEND, .bytes = (pointer), .len = (size)                                       \
    }
#define DRIP(text, ms)                                                                             \
    {                                                                                              \
        .kind = STEP_DRIP, .bytes = (text), .len = sizeof(text) - 1, .pause_ms = (ms)              \
    }
#define FILL(size)                                                                                 \
    {                                                                                              \
        .kind = STEP_FILL, .count = (size)                                                         \
    }
#define REPEAT(text, times)                                                                        \
    {                                                                                              \
        .kind = STEP_REPEAT_TEXT, .bytes = (text), .len = sizeof(text) - 1, .count = (times)       \
    }
#define PAUSE(ms)                                                                                  \
    {                                                                                              \
        .kind = STEP_PAUSE, .pause_ms = (ms)                                                       \
    }
#define HOLD                                                                                       \
    {                                                                                              \
        .kind = STEP_HOLD                                                                          \
    }
#define RESET                                                                                      \
    {                                                                                              \
        .kind = STEP_RESET                                                                         \
    }
#define AGAIN                                                                                      \
    {                                                                                              \
        .kind = STEP_AGAIN                                                                         \
    }
#define END                                                                                        \
    {                                                                                              \
        .kind = STEP_END                                                                           \
    }

struct server;

/* scripts must outlive the server. Aborts the program when the machine refuses a thread or a
 * socket. */
struct server *server_start(const struct step *const *scripts, size_t script_count);
struct server *server_start_one(const struct step *script);
void server_stop(struct server *server);

int server_port(const struct server *server);
const char *server_url(const struct server *server); /* "http://127.0.0.1:port" */
size_t server_connections(struct server *server);
size_t server_requests(struct server *server);
/* The head of request number i as it came, with its blank line; NULL when there is none. */
const char *server_request(struct server *server, size_t i);

/* A port on loopback where nobody listens (the socket that holds it is bound only). */
int refused_port_open(int *out_port);
/* A port on loopback whose queue is full: connecting to it neither succeeds nor fails. */
int black_hole_open(int *out_port, int out_fillers[3]);

#endif
