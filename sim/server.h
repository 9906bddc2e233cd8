/* The server around the responder: one thread, epoll, loopback only.
 * Invariant: every connection has a deadline; every buffer has a maximum. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "sim/settings.h"

/* "127.0.0.1:0", "[::1]:8080", "localhost:8080" into settings->host and port. CCD_USAGE for
 * anything that is not loopback: this program invents market data and must not be taken for the
 * vendor by another machine. */
int server_parse_listen(struct settings *settings, struct str text, struct ccd_error *err);

/* Serve until SIGTERM or SIGINT; prints "listening HOST:PORT" on stdout when ready. */
int server_run(const struct settings *settings, struct ccd_error *err);

#endif
