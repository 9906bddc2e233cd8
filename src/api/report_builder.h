/* Between the two halves of the report: report.c fills it, report_end.c judges it. */
#ifndef API_REPORT_BUILDER_H
#define API_REPORT_BUILDER_H

#include "api/report.h"

/* How an operation, or a run, went. */
struct verdict {
    bool good;              /* something is there */
    bool bad;               /* something is not */
    struct ccd_error cause; /* of the bad */
};

struct report_builder {
    struct ccd_report report; /* first, so that ccd_report_free finds the builder */
    struct ccd_operation *operations;
    struct verdict *verdicts; /* of the operations */
    const struct redactor *redactor;
    struct arena arena;
};

#endif
