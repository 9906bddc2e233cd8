/* Building a struct ccd_report: everything in it lives in one arena. */
#ifndef API_REPORT_H
#define API_REPORT_H

#include <ccdata/ccdata.h>

#include "api/redact.h"
#include "api/select.h"
#include "base/arena.h"
#include "engine/session.h"

struct report_builder;
/* redactor: borrowed, masks what errors quote. */
int report_new(size_t operation_count, const struct redactor *redactor, struct report_builder **out,
               struct ccd_error *err);
/* The report itself; freed with ccd_report_free. */
struct ccd_report *report_of(struct report_builder *builder);

/* One operation's series: selected items in order, results from the session where item i is series
 * session_index[i] (SIZE_MAX = not in the session: unknown at the vendor). session NULL: a plan,
 * with `merged` measured by the caller through report_add_plan. young: how many periods of the
 * series may still be pending by our clock. */
int report_operation(struct report_builder *builder, size_t operation,
                     const struct checked_job *job, size_t series_count, struct ccd_error *err);
int report_series(struct report_builder *builder, size_t operation, size_t index,
                  const struct selected *selected, const struct session_series_result *result,
                  int64_t young, const struct ccd_error *session_error, struct ccd_error *err);
int report_plan(struct report_builder *builder, size_t operation, size_t index,
                const struct selected *selected, enum interval interval, int page_max,
                const struct coverage_segment *merged, size_t merged_count, int64_t now_utc_s,
                struct ccd_error *err);
/* Keep a copy of a text in the report. */
const char *report_text(struct report_builder *builder, const char *text);
/* Status, exit code and cause of the whole, from its operations and from why the run ended (may be
 * CCD_OK). */
void report_finish(struct report_builder *builder, const struct ccd_error *ended);

#endif
