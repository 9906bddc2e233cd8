/* What an address that somebody else chose may lead to.
 * Invariant: an address that no row of the tables calls public, private or loopback is forbidden.
 */
#ifndef HTTP_PEER_ADDRESS_H
#define HTTP_PEER_ADDRESS_H

#include <sys/socket.h>

enum peer_class {
    PEER_PUBLIC,
    PEER_PRIVATE,   /* a network of one's own */
    PEER_LOOPBACK,  /* this computer */
    PEER_FORBIDDEN, /* link-local (metadata of clouds), unspecified, multicast, reserved … */
};

/* An IPv4 address in IPv6 clothes counts as what it leads to. Any other family is forbidden. */
enum peer_class peer_classify(const struct sockaddr *address, socklen_t size);

#endif
