/* The base URL of an API, checked once and strictly.
 * Invariant: text + a clean path is a URL whose scheme, host and port are those of `origin`. */
#ifndef HTTP_BASE_URL_H
#define HTTP_BASE_URL_H

#include "base/error.h"
#include "base/hooks.h"
#include "base/str.h"

struct base_url {
    char *text;   /* "https://host[:port][/path]" without a trailing '/' */
    char *origin; /* "https://host:port", host in lower case */
    bool https;
    const struct allocator *allocator;
};

/* CCD_CONFIG with a message that starts with `name` and never quotes what may be a secret. */
int base_url_init(struct base_url *url, const char *text, const char *name,
                  const struct allocator *allocator, struct ccd_error *err);
void base_url_release(struct base_url *url); /* zeroed is legal */

/* Only characters that RFC 3986 allows in a path and query, starting with '/': nothing that could
 * end the request line, add a header, or be cut off as a fragment. */
bool path_is_clean(struct str path);

#endif
