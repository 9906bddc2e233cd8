/* What the last run of this host that had a cache found in it, for a status. */
#ifndef API_CACHE_NOTE_H
#define API_CACHE_NOTE_H

#include "api/client.h"

/* Best effort: a note that cannot be written is none. */
void cache_note_write(const struct ccd_client *client);
/* False: there is none. */
bool cache_note_read(struct cache_counts *out_counts, int64_t *out_utc_s);

#endif
