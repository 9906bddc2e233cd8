/* Databases in memory behind the vtable, two of them, that fail at the operation a test names.
 * Invariant: what was not committed is not there. A database is reached through store_open with the
 * URL mysql://u@h/a or …/b. Linked with --wrap=store_open. */
#ifndef TESTS_UNIT_API_MEMORY_STORE_H
#define TESTS_UNIT_API_MEMORY_STORE_H

#include "store/store.h"

#define MEMORY_A "mysql://u@127.0.0.1/a"
#define MEMORY_B "mysql://u@127.0.0.1/b"

enum fault {
    FAULT_NONE,
    FAULT_DIES,    /* this operation and all after it fail: the process was killed here */
    FAULT_BUSY,    /* this one fails with DATABASE_BUSY */
    FAULT_GONE,    /* … with DATABASE_UNREACHABLE */
    FAULT_REFUSED, /* … with DATABASE_DATA */
    FAULT_LOST,    /* a commit happens, its answer is lost; other operations: as GONE */
};

struct memory_faults {
    enum fault fault;
    int64_t at;         /* number of the operation, from 1, on any database; 0 = never */
    int64_t operations; /* so far */
    int64_t writes;     /* pages that were committed */
    bool locked;        /* another run holds every lock */
};
extern struct memory_faults memory_faults;

void memory_reset(void); /* both empty, no faults */

/* Put something there, past all faults. */
struct store *memory_a(void);
struct store *memory_b(void);
void memory_add_series(struct store *store, const struct data_type *type,
                       const struct series_names *names);
/* Rows every step_s in the range, values made from their ts, salt and the interval. */
void memory_add_rows(struct store *store, const struct data_type *type, enum interval interval,
                     int64_t series_id, struct period_range range, int64_t collected_utc_s,
                     unsigned salt);
void memory_add_coverage(struct store *store, int64_t series_id, enum interval interval,
                         const struct coverage_segment *segment);
void memory_add_instruments(struct store *store, const struct data_type *type, const char *market,
                            size_t count, int64_t asked_utc_s);
size_t memory_row_count(const struct store *store);
size_t memory_segment_count(const struct store *store);
size_t memory_series_count(const struct store *store);
/* When the row was collected; -1 = there is none. */
int64_t memory_collected(const struct store *store, int64_t series_id, enum interval interval,
                         int64_t ts);

#endif
