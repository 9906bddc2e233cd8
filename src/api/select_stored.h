/* A job's series among those that are stored, without asking anybody. */
#ifndef API_SELECT_STORED_H
#define API_SELECT_STORED_H

#include "api/select.h"
#include "api/series_list.h"

/* Whether the job's markets and instruments, names or globs, fit the series; its limits are not
 * used. */
bool job_wants_stored(const struct ccd_job *job, const struct listed_series *series);

/* Fill *out with the stored series that the job wants. Where it does not say from when, want begins
 * in 1970: the caller cuts it to what is known of the series. */
int select_stored(struct store *store, const struct checked_job *job, int64_t now_utc_s,
                  struct selection *out, struct ccd_error *err);

#endif
