/* Reports and plans as text for people. Invariant: text of the vendor comes out escaped. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <ccdata/ccdata.h>

#include "base/buf.h"

/* Longer tables are cut to what needs attention, unless all is asked for. */
enum { SERIES_SHOWN_MAX = 50 };

/* The closing table, the summary and, when something is missing, the causes. */
void cli_report_add(struct buf *out, const struct ccd_report *report, int exit_code, bool all);
/* What would be fetched and what it costs. */
void cli_report_add_plan(struct buf *out, const struct ccd_report *report, int exit_code, bool all);
/* The same as one JSON object. */
void cli_report_add_json(struct buf *out, const struct ccd_report *report, const char *command,
                         int exit_code, bool is_plan);

/* Native id, and the mapped one in brackets where it differs; raw text. */
void cli_report_add_instrument(struct buf *out, const struct ccd_series_result *series);
/* Whether nothing more is to be had for this series. */
bool cli_report_is_done(const struct ccd_series_result *series);
size_t cli_report_series_count(const struct ccd_report *report);

/* The lists of a metadata operation (report_lists.c): what came of each; what each would take. all:
 * every list, and the members of the vendor's records that no column takes. */
void lists_add(struct buf *out, const struct ccd_operation *operation, bool all);
void lists_add_plan(struct buf *out, const struct ccd_operation *operation, bool all);
bool list_is_done(const struct ccd_list_result *list);
size_t lists_count(const struct ccd_report *report);

/* One line that says why the run was not complete: series, cause, next step (causes.c). */
void causes_add_line(struct buf *out, const struct ccd_report *report, int exit_code);
/* Every cause with its series and the next step; all = without a limit per cause. */
void causes_add(struct buf *out, const struct ccd_report *report, bool all);

#endif
