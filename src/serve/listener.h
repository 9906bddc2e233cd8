/* The listening socket and what is known of its address. */
#ifndef SERVE_LISTENER_H
#define SERVE_LISTENER_H

#include <stdbool.h>

#include "base/error.h"

struct listener {
    int fd;           /* -1 = closed */
    bool is_loopback; /* only this machine reaches it */
    unsigned port;    /* the real one, also when any was asked for */
    char ip_text[64]; /* "127.0.0.1", "[::1]" */
    char address[80]; /* with the port */
};

/* Read the address, connect to nothing: fills is_loopback and ip_text. Errors: CONFIG. */
int listener_read(struct listener *listener, const char *host, int port, struct ccd_error *err);
/* Bind and listen, non-blocking. Errors: CONFIG with errno. */
int listener_open(struct listener *listener, const char *host, struct ccd_error *err);
void listener_close(struct listener *listener);

#endif
