/* What happened, as one line per event: the newest ones are kept, all of them are hashed.
 * Invariant: no pointer, no real time in a line, so the same seed gives the same hash. */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { TRACE_LINES = 50, TRACE_LINE_BYTES = 200 };

struct trace {
    char lines[TRACE_LINES][TRACE_LINE_BYTES];
    uint64_t count;
    uint64_t hash;
    bool echo; /* print each line as it comes */
};

void trace_begin(struct trace *trace, bool echo);
void trace_add(struct trace *trace, int64_t now_us, const char *format, ...) PRINTF_LIKE(3, 4);
/* The kept lines, oldest first, on stderr. */
void trace_print(const struct trace *trace);

#endif
