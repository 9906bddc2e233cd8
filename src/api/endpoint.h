/* One side of a copy or of a comparison: a destination that a URL of the caller or the settings
 * name. Invariant: what is shown of it has no password. */
#ifndef API_ENDPOINT_H
#define API_ENDPOINT_H

#include "api/client.h"
#include "api/database.h"
#include "store/store.h"

enum {
    ENDPOINT_NAME_MAX_BYTES = 512,
    ENDPOINT_ROWS = 5000 /* periods read or written at once: a page of days */
};

enum endpoint_use {
    ENDPOINT_READ,  /* it must be there and hold something */
    ENDPOINT_WRITE, /* its tables are there */
    ENDPOINT_CREATE /* its tables are created or brought up to date when they are not */
};

struct endpoint {
    struct store *store;
    struct database database;
    char name[ENDPOINT_NAME_MAX_BYTES];
};

/* role names the option or place in messages: "--from". url NULL: the configured destination.
 * Errors: USAGE, CONFIG, DATABASE_*. */
int endpoint_open(struct endpoint *endpoint, struct ccd_client *client, const char *role,
                  const char *url, enum endpoint_use use, struct ccd_error *err);
void endpoint_close(struct endpoint *endpoint); /* zeroed is legal */

/* CCD_USAGE when both URLs name the same database, as far as the names tell; also when one is no
 * URL. */
int endpoint_check_pair(const char *left_role, const char *left_url, const char *right_role,
                        const char *right_url, struct ccd_error *err);

/* What rows can have as ts: every database's times reach so far. */
struct period_range endpoint_all_time(void);

#endif
