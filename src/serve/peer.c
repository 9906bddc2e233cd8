#include "serve/peer.h"

#include <netinet/in.h>
#include <string.h>

struct peer peer_of(const struct sockaddr_storage *address)
{
    struct peer peer = {.bytes = {0}};
    if (address->ss_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)address)->sin6_addr;
        memcpy(peer.bytes, ip->s6_addr, IN6_IS_ADDR_V4MAPPED(ip) ? 16 : 8);
    } else if (address->ss_family == AF_INET) {
        peer.bytes[10] = peer.bytes[11] = 0xff;
        memcpy(peer.bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
    }
    return peer;
}

bool peer_equal(const struct peer *a, const struct peer *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
