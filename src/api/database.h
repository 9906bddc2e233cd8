/* From the settings to a destination: URL, password, pool, limits. Invariant: `shown` and every
 * message are without password; the client's redactor knows every password before it is used. */
#ifndef API_DATABASE_H
#define API_DATABASE_H

#include "api/client.h"
#include "store/store.h"

struct database {
    struct buf url;             /* as store_open takes it; may hold a password */
    struct buf shown;           /* the same for people */
    struct store_config config; /* for store_open; borrows url and the client's settings. The caller
                                 * decides on read_only and create_schema (both false). */
};

/* Fill *out for a URL from the command line, or with NULL for the destination that the settings
 * name: CCDATA_DATABASE_URL when it is given, else S2_HOST when that is, else the default file.
 * The URL is checked; a password in `url` gives a warning, as one in CCDATA_DATABASE_URL gave while
 * the settings were read. Ownership: release with database_release in any case. USAGE, CONFIG (an
 * S2_ setting is missing or wrong; names it), NO_MEMORY. */
int database_config(struct ccd_client *client, const char *url, struct database *out,
                    struct ccd_error *err);
void database_release(struct database *database); /* wipes; zeroed is legal */

/* Writers that a run should have: no more than there may be connections. */
int64_t database_writers(const struct store *store, const struct store_config *config,
                         int64_t parallel_workers);

#endif
