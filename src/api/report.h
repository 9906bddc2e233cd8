/* Building a struct ccd_report: everything in it lives in one arena. */
#ifndef API_REPORT_H
#define API_REPORT_H

#include <ccdata/ccdata.h>

#include "api/lists.h"
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
/* Name operation `index`; before all else about it. */
void report_operation(struct report_builder *builder, size_t index, const struct checked_job *job);

/* A candle operation: its series, in the order of the selection. */
int report_candles(struct report_builder *builder, size_t operation, size_t series_count,
                   struct ccd_error *err);
/* result NULL: unknown at the vendor. young: how many periods of the series may still be pending by
 * our clock. session_error: why the session ended early. */
void report_series(struct report_builder *builder, size_t operation, size_t index,
                   const struct selected *selected, const struct session_series_result *result,
                   int64_t young, const struct ccd_error *session_error);
int report_series_plan(struct report_builder *builder, size_t operation, size_t index,
                       const struct selected *selected, enum interval interval, int page_max,
                       const struct coverage_segment *merged, size_t merged_count,
                       int64_t now_utc_s, struct ccd_error *err);

/* A metadata operation: its lists, in the order of fetching. */
int report_lists(struct report_builder *builder, size_t operation, size_t list_count,
                 struct ccd_error *err);
/* error: why the list could not be had, CCD_OK when it could. */
void report_list(struct report_builder *builder, size_t operation, size_t index, const char *table,
                 const char *market, const struct list_outcome *outcome,
                 const struct ccd_error *error);
/* calls: needed; -1 = unknown before it runs. */
void report_list_plan(struct report_builder *builder, size_t operation, size_t index,
                      const char *table, const char *market, int64_t calls);
/* Rows of a list with its parts and snapshots: that the vendor sent; that were written. */
int64_t list_rows_fetched(const struct list_outcome *outcome);
int64_t list_rows_written(const struct list_outcome *outcome);

/* The operation as a whole could not be executed. */
void report_operation_error(struct report_builder *builder, size_t operation,
                            const struct ccd_error *error);
/* It was not begun, because of this. */
void report_not_started(struct report_builder *builder, size_t operation,
                        const struct ccd_error *why);
/* All of the operation is reported: set its exit code. ended: why it ended early (may be CCD_OK).
 * Returns the cause of an exit code that is not 0. */
const struct ccd_error *report_operation_end(struct report_builder *builder, size_t operation,
                                             const struct ccd_error *ended);

/* "complete", "partial", "failed", "interrupted" or "not_started", once it has ended. */
const char *report_operation_status(const struct report_builder *builder, size_t operation);
/* Why its exit code is not 0; CCD_OK when it is. */
const struct ccd_error *report_operation_cause(const struct report_builder *builder,
                                               size_t operation);
/* To note in it what it took. */
struct ccd_operation *report_operation_of(struct report_builder *builder, size_t operation);

/* Keep a copy of a text in the report. */
const char *report_text(struct report_builder *builder, const char *text);
/* Status, exit code and cause of the whole, from its operations and from why the run ended (may be
 * CCD_OK). */
void report_finish(struct report_builder *builder, const struct ccd_error *ended);
/* … of a run that ended before an operation was begun. */
void report_fail(struct report_builder *builder, const struct ccd_error *error);

#endif
