/* A running ccdata-sim and a plain client for it. Everything has a deadline of a few seconds. */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include <sys/types.h>

#include "base/buf.h"

struct sim {
    pid_t pid;
    int port;
    int out_fd; /* its standard output */
};

/* Start the program with these arguments (NULL at the end) on a free port; port 0 = it did not come
 * up. */
struct sim sim_start(const char *const *arguments);
/* SIGTERM; its exit code, or -1. */
int sim_stop(struct sim *sim);
/* Run to the end; standard output into out. Its exit code, or -1. */
int sim_run(const char *const *arguments, struct buf *out);

/* What came back for one request. */
struct answer {
    int status; /* 0 = no reply */
    char head[8192];
    struct buf body; /* framing and gzip removed when `whole` */
    bool whole;      /* the body was complete, framing and gzip right */
    bool reset;      /* the connection was reset */
};
void answer_release(struct answer *answer);
/* Value of a header, or NULL when absent. Valid until the next call. */
const char *answer_header(const struct answer *answer, const char *name);

/* -1 = no connection. */
int client_open(int port);
bool client_send(int fd, const void *bytes, size_t len);
bool client_send_text(int fd, const char *text);
/* Read one reply; what follows it stays unread. */
struct answer client_receive(int fd);
/* Whether the server has closed the connection. */
bool client_is_closed(int fd);
/* A whole exchange on a connection of its own: GET path with key "k"; headers are whole lines or
 * "". */
struct answer client_get(int port, const char *path, const char *headers);

#endif
