/* What each libcurl failure means to us: one table. */
#ifndef HTTP_FAILURE_H
#define HTTP_FAILURE_H

#include <curl/curl.h>

#include "base/error.h"

/* Fill *err for a request to `url` that ended with `code`; detail (may be empty) is libcurl's or
 * our own short text. The native code is the CURLcode. Returns the status. */
int failure_set(struct ccd_error *err, CURLcode code, const char *detail, const char *url);

/* The same for a call that concerns no single request. Returns the status. */
int failure_set_multi(struct ccd_error *err, CURLMcode code, const char *what);

#endif
