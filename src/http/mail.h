/* One mail through an SMTP server. The server is the user's own choice, so its address may be any;
 * the way to it is encrypted (STARTTLS, or TLS from the start on port 465) unless it is this host,
 * whose certificate is looked at only with a ca_file: in the clear would do as well.
 */
#ifndef HTTP_MAIL_H
#define HTTP_MAIL_H

#include "base/error.h"
#include "base/str.h"

enum { MAIL_RECEIVERS_MAX = 32 };

struct mail {
    const char *host;
    int port;
    const char *user, *password; /* "" = no login */
    const char *from;
    const struct str *to; /* 1 to MAIL_RECEIVERS_MAX */
    size_t to_count;
    const char *subject; /* one line of printable ASCII */
    const char *id;      /* of the message, the same in each try */
    int64_t sent_utc_s;
    const char *ca_file; /* further trust anchors; NULL = the system's */
    struct str text;     /* UTF-8, lines end with '\n' */
    int64_t deadline_ms;
};

/* Errors: CONFIG (an address or a line that cannot be sent), NETWORK, TLS, KEY_REJECTED (login),
 * BAD_REQUEST (the server refuses), NO_MEMORY. 0 with *err set: the server took it for some, and
 * *err names who was refused. Blocks. Any thread. */
int mail_send(const struct mail *mail, struct ccd_error *err);

#endif
