#include "http/peer_address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { IPV4_BYTES = 4, IPV6_BYTES = 16 };

struct range {
    uint8_t bytes[IPV6_BYTES];
    int bits;
    enum peer_class class;
};

/* Source: IANA special-purpose address registries, IPv4 and IPv6. The first row that fits counts.
 */
static const struct range IPV4_RANGES[] = {
    {{0}, 8, PEER_FORBIDDEN}, /* 0.0.0.0 reaches this computer on Linux */
    {{10}, 8, PEER_PRIVATE},
    {{100, 64}, 10, PEER_PRIVATE},
    {{127}, 8, PEER_LOOPBACK},
    {{169, 254}, 16, PEER_FORBIDDEN},
    {{172, 16}, 12, PEER_PRIVATE},
    {{192, 0, 0}, 24, PEER_FORBIDDEN},
    {{192, 0, 2}, 24, PEER_FORBIDDEN},
    {{192, 88, 99}, 24, PEER_FORBIDDEN},
    {{192, 168}, 16, PEER_PRIVATE},
    {{198, 18}, 15, PEER_FORBIDDEN},
    {{198, 51, 100}, 24, PEER_FORBIDDEN},
    {{203, 0, 113}, 24, PEER_FORBIDDEN},
    {{224}, 3, PEER_FORBIDDEN}, /* multicast, reserved, broadcast */
    {{0}, 0, PEER_PUBLIC},
};

static const struct range IPV6_RANGES[] = {
    {{[15] = 1}, 128, PEER_LOOPBACK},
    /* The metadata service of a cloud sits in the middle of the private networks. */
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128, PEER_FORBIDDEN},
    {{0xfc}, 7, PEER_PRIVATE},
    {{0x20, 0x01, 0x00}, 23, PEER_FORBIDDEN}, /* Teredo and other protocols' own */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, PEER_FORBIDDEN},
    {{0x3f, 0xff}, 20, PEER_FORBIDDEN},
    {{0x20}, 3, PEER_PUBLIC},
    {{0}, 0, PEER_FORBIDDEN},
};

static const uint8_t MAPPED_PREFIX[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96 */
static const uint8_t NAT64_PREFIX[12] = {0x00, 0x64, 0xff, 0x9b};    /* 64:ff9b::/96 */
static const uint8_t SIX_TO_FOUR_PREFIX[2] = {0x20, 0x02};           /* 2002::/16 */

static bool is_in_range(const uint8_t *bytes, const struct range *range)
{
    int whole = range->bits / 8;
    int rest = range->bits % 8;
    if (memcmp(bytes, range->bytes, (size_t)whole) != 0) {
        return false;
    }
    return rest == 0 || ((bytes[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0;
}

/* The last row of a table fits everything. */
static enum peer_class find_class(const struct range *ranges, const uint8_t *bytes)
{
    while (!is_in_range(bytes, ranges)) {
        ranges++;
    }
    return ranges->class;
}

/* Behind a translator "private" and "loopback" are networks of the translator, not of the user. */
static enum peer_class classify_translated(const uint8_t *ipv4)
{
    return find_class(IPV4_RANGES, ipv4) == PEER_PUBLIC ? PEER_PUBLIC : PEER_FORBIDDEN;
}

static enum peer_class classify_ipv6(const uint8_t *bytes)
{
    if (memcmp(bytes, MAPPED_PREFIX, sizeof MAPPED_PREFIX) == 0) {
        return find_class(IPV4_RANGES, bytes + sizeof MAPPED_PREFIX);
    }
    if (memcmp(bytes, NAT64_PREFIX, sizeof NAT64_PREFIX) == 0) {
        return classify_translated(bytes + sizeof NAT64_PREFIX);
    }
    if (memcmp(bytes, SIX_TO_FOUR_PREFIX, sizeof SIX_TO_FOUR_PREFIX) == 0) {
        return classify_translated(bytes + sizeof SIX_TO_FOUR_PREFIX);
    }
    return find_class(IPV6_RANGES, bytes);
}

enum peer_class peer_classify(const struct sockaddr *address, socklen_t size)
{
    if (address->sa_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
        uint8_t bytes[IPV4_BYTES];
        memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in, sin_addr), sizeof bytes);
        return find_class(IPV4_RANGES, bytes);
    }
    if (address->sa_family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
        uint8_t bytes[IPV6_BYTES];
        memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr),
               sizeof bytes);
        return classify_ipv6(bytes);
    }
    return PEER_FORBIDDEN;
}
