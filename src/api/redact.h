/* The last guard of secrets: what others wrote (an error page that shows our own request headers, a
 * message that quotes the key) is masked before it goes into a log line or a report.
 * Invariant: matches raw, percent-encoded, JSON- and HTML-escaped text, whatever of it is escaped,
 * base64 of both alphabets and hex, to the end of the secret; its beginning is enough, since
 * messages are cut. */
#ifndef API_REDACT_H
#define API_REDACT_H

#include "base/buf.h"
#include "config/config.h"

struct redactor {
    struct buf forms; /* of all secrets: how many bytes give it away, the text, a NUL */
    size_t count;
};

/* Learns every secret of the configuration. CCD_NO_MEMORY. */
int redactor_init(struct redactor *redactor, const struct config *config, struct ccd_error *err);
/* Learn a secret that stands elsewhere: the password in a URL. No other thread may use the redactor
 * meanwhile. CCD_NO_MEMORY. */
int redactor_add(struct redactor *redactor, struct str secret, struct ccd_error *err);
void redactor_release(struct redactor *redactor); /* zeroed is legal */
/* Mask in place; never longer than before. NULL: nothing is known, nothing is masked. */
void redact(const struct redactor *redactor, char *text);

#endif
