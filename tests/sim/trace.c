#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const uint64_t fnv_offset = 0xcbf29ce484222325U;
static const uint64_t fnv_prime = 0x100000001b3U;

void trace_begin(struct trace *trace, bool echo)
{
    trace->count = 0;
    trace->hash = fnv_offset;
    trace->echo = echo;
}

void trace_add(struct trace *trace, int64_t now_us, const char *format, ...)
{
    char *line = trace->lines[trace->count++ % TRACE_LINES];
    int len = snprintf(line, TRACE_LINE_BYTES, "%6" PRId64 ".%06" PRId64 " ", now_us / 1000000,
                       now_us % 1000000);
    va_list args;
    va_start(args, format);
    vsnprintf(line + len, (size_t)(TRACE_LINE_BYTES - len), format, args);
    va_end(args);
    for (const char *p = line; *p; p++)
        trace->hash = (trace->hash ^ (unsigned char)*p) * fnv_prime;
    if (trace->echo)
        printf("%s\n", line);
}

void trace_print(const struct trace *trace)
{
    uint64_t kept = trace->count < TRACE_LINES ? trace->count : TRACE_LINES;
    for (uint64_t i = trace->count - kept; i < trace->count; i++)
        fprintf(stderr, "    %s\n", trace->lines[i % TRACE_LINES]);
}
