/* Who may ask: the names a client may call the server by, the sites that may send it, the token and
 * how often one may guess it. Invariant: nothing here depends on the route. */
#ifndef SERVE_GUARD_H
#define SERVE_GUARD_H

#include <ccdata/serve.h>

#include "base/str.h"
#include "serve/listener.h"
#include "serve/peer.h"

enum {
    GUARD_NAMES_MAX = 32,
    GUARD_HOSTS_MAX = 2 * (GUARD_NAMES_MAX + 4), /* each also without the port of its scheme */
    GUARD_HOST_BYTES = 264,
    GUARD_TOKEN_MIN = 22, /* 128 bit in base64 */
    GUARD_TOKEN_MAX = 256,
    GUARD_GUESSES_MAX = 10, /* wrong tokens of one peer in a window */
    GUARD_WINDOW_S = 60,
    GUARD_PEERS_MAX = 64,
};

struct guesses {
    struct peer peer;
    unsigned count; /* 0 = free */
    int64_t since_us;
};

struct guard {
    char hosts[GUARD_HOSTS_MAX][GUARD_HOST_BYTES];
    size_t host_count;
    char token[GUARD_TOKEN_MAX + 1]; /* "" = none is asked for */
    struct guesses guesses[GUARD_PEERS_MAX];
};

/* Token and names are checked before the port is opened. Errors: CONFIG. */
int guard_init(struct guard *guard, const struct ccd_server_options *options, bool is_loopback,
               struct ccd_error *err);
/* Add the names of the server, once its port is known. */
void guard_allow_hosts(struct guard *guard, const struct ccd_server_options *options,
                       const struct listener *listener);
void guard_release(struct guard *guard); /* overwrites the token */

bool guard_allows_host(const struct guard *guard, struct str host);
/* Empty texts: the header is not there. */
bool guard_allows_site(const struct guard *guard, struct str origin, struct str fetch_site);

enum guard_verdict { GUARD_ALLOWED, GUARD_NO_TOKEN, GUARD_WRONG_TOKEN, GUARD_TOO_MANY };
enum guard_verdict guard_check_token(struct guard *guard, struct str authorization,
                                     const struct peer *peer, int64_t now_us);

#endif
