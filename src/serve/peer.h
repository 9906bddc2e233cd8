/* Who is on the other side, as limits count: an IPv4 address, or the /64 network of an IPv6 one,
 * because a single machine owns all of that. */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

struct peer {
    unsigned char bytes[16];
};

struct peer peer_of(const struct sockaddr_storage *address);
bool peer_equal(const struct peer *a, const struct peer *b);

#endif
