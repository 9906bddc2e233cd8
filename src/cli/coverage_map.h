/* The map of a coverage: a line for each series, a character for each month or for several.
 * Invariant: no line is wider than the terminal, from 24 characters on. */
#ifndef CLI_COVERAGE_MAP_H
#define CLI_COVERAGE_MAP_H

#include <ccdata/ccdata.h>

#include "base/buf.h"

/* Nothing when no series has a range. */
void coverage_map_add(struct buf *out, const struct ccd_coverage_report *report, size_t width,
                      bool colour);

#endif
