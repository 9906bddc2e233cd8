/* From a database URL to a back-end and the place it names. Invariant: no message quotes the URL,
 * because it may hold a password. */
#ifndef STORE_URL_H
#define STORE_URL_H

#include "base/str.h"

enum {
    URL_HOSTS_MAX = 8,
    URL_HOST_MAX_BYTES = 256, /* a name of 255 bytes, or the path of a socket */
    URL_NAME_MAX_BYTES = 128, /* user, database */
    URL_SECRET_MAX_BYTES = 512,
    URL_PATH_MAX_BYTES = 4096,
};

/* How much the server has to prove (INTERFACE.md, "Database URLs"). */
enum ssl_mode {
    SSL_MODE_UNSET,
    SSL_MODE_DISABLED,
    SSL_MODE_PREFERRED, /* TLS when the server offers it; proves nothing */
    SSL_MODE_REQUIRED,  /* TLS or nothing; proves nothing */
    SSL_MODE_VERIFY_CA,
    SSL_MODE_VERIFY_IDENTITY,
    SSL_MODE_COUNT
};
const char *ssl_mode_name(enum ssl_mode mode); /* "verify-ca" */
/* '-' and '_' are equal, any case; libpq's names (disable, prefer, require, verify-full) are taken
 * as well. */
bool ssl_mode_parse(struct str name, enum ssl_mode *out_mode);

struct store_host {
    char name[URL_HOST_MAX_BYTES]; /* a name, an address, or "/path/to/socket" */
    uint16_t port;                 /* 0 = the database's usual one */
};

/* A URL taken apart: percent-decoded, NUL-terminated, free of control characters. Holds a password:
 * wipe it with store_url_release. */
struct store_url {
    char scheme[16];               /* lower case: "postgresql", also for postgres:// */
    char path[URL_PATH_MAX_BYTES]; /* sqlite: the file; else "" */
    struct store_host hosts[URL_HOSTS_MAX];
    size_t host_count;
    char user[URL_NAME_MAX_BYTES]; /* "" = not given */
    char password[URL_SECRET_MAX_BYTES];
    bool has_password; /* "user:@host" has none */
    char database[URL_NAME_MAX_BYTES];
    enum ssl_mode ssl_mode; /* never UNSET after store_url_parse: the default follows the hosts */
    char ssl_ca[URL_PATH_MAX_BYTES]; /* "" = the system's */
};

/* Take a URL apart. CCD_USAGE says what is wrong with it, and names the nearest scheme when the
 * scheme is unknown. Takes sqlite:PATH, sqlite:///PATH, null:, and
 * singlestore|mysql|mariadb|postgresql|postgres://[user[:password]@]host[:port][,host…]/database
 * [?ssl-mode=…&ssl-ca=…]; IPv6 in brackets; a socket as percent-encoded path. ssl-mode is
 * preferred by default when all hosts are this machine and no ssl-ca is given, else
 * verify-identity. On failure *out is wiped. */
int store_url_parse(const char *url, struct store_url *out, struct ccd_error *err);
void store_url_release(struct store_url *url); /* wipes */

/* "user@host:port/database", "ccdata.db": for people; without password and parameters. */
void store_url_show(const struct store_url *url, char *out, size_t capacity);

/* Whether every host is this machine: loopback address, "localhost" or a socket. */
bool store_url_is_local(const struct store_url *url);

#endif
