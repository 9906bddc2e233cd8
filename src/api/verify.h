/* What ccd_verify found so far. verify.c is the order of its steps, verify_local.c reads the
 * database, verify_vendor.c compares it with what the vendor says now.
 * Invariant: nothing is written; findings are added by one thread at a time. */
#ifndef API_VERIFY_H
#define API_VERIFY_H

#include "api/run.h"
#include "base/arena.h"

struct verify {
    struct ccd_verify_report report; /* first, so that ccd_verify_free finds the rest */
    struct ccd_verify_options options;
    struct arena arena;
    struct ccd_finding *findings; /* room for max_findings */
    size_t capacity;
    struct ccd_report *run; /* whose texts the report borrows */
    struct batch stored; /* rows of one chunk or page */
    const struct redactor *redactor;
};

/* Text that is not there is NULL; all is copied. Beyond the longest list only counted. */
int verify_add(struct verify *v, const struct ccd_finding *finding, struct ccd_error *err);

/* All rows of a series against what can be known without the vendor. */
int verify_local(struct verify *v, struct run *run, const struct operation *operation,
                 const struct selected *series, struct ccd_error *err);

/* A store that compares with `real` what a run would write, and writes nothing. Borrows both. */
struct compare_store {
    struct store base;
    struct store *real;
    struct verify *verify;
};
void compare_store_init(struct compare_store *store, struct store *real, struct verify *verify);

#endif
