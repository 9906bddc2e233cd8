/* From a database URL to a back-end and its path. Invariant: no message quotes the URL, because it
 * may hold a password. */
#ifndef STORE_URL_H
#define STORE_URL_H

#include "base/str.h"

/* "sqlite:x.db" = scheme "sqlite", rest "x.db". A URL without a scheme: CCD_USAGE. */
int store_url_split(const char *url, struct str *out_scheme, struct str *out_rest,
                    struct ccd_error *err);

/* CCD_USAGE for a scheme that no back-end serves: not built in, or the nearest name. */
int store_url_refuse_scheme(struct str scheme, struct ccd_error *err);

/* The file of a sqlite URL as SQLite takes it: absolute, or beginning with "./" so that it is never
 * read as ":memory:" or "file:…". CCD_USAGE when it names no file. */
int store_url_sqlite_path(struct str rest, char *out, size_t capacity, struct ccd_error *err);

#endif
