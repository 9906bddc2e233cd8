/* The keys of an operation of a batch file, one table: parsing, the check of what belongs to which
 * type, the reference page and the tests read it. Invariant: a key is named as the option. */
#ifndef API_BATCH_KEYS_H
#define API_BATCH_KEYS_H

#include <ccdata/ccdata.h>

#include "model/data_type.h"

enum batch_form {
    BATCH_TYPE,    /* the data type */
    BATCH_CHOICE,  /* one of choice_at(0) … */
    BATCH_TEXT,    /* const char *, not empty */
    BATCH_TIME,    /* const char *: an ISO date or date-time */
    BATCH_INTEGER, /* int64_t, min … max */
    BATCH_NAMES,   /* a list of texts, or one text with commas */
    BATCH_FLAG,    /* bool */
    BATCH_EVERY,   /* const char *: schedule.h */
    BATCH_CRON     /* const char * */
};

struct batch_key {
    const char *name;
    enum batch_form form;
    unsigned takers;     /* bits of enum job_kind */
    size_t offset;       /* into struct ccd_job */
    size_t count_offset; /* BATCH_NAMES */
    const char *(*choice_at)(size_t index);
    int64_t min, max;
};

extern const struct batch_key batch_keys[];
extern const size_t batch_key_count; /* <= 32: a bit for each */

/* '-' and '_' are equal; NULL when unknown. */
const struct batch_key *batch_key_find(struct str name);
bool batch_key_fits(const struct batch_key *key, const struct data_type *type);

#endif
