#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { LINE_MAX_BYTES = 2048 };

const char *log_level_name(enum log_level level)
{
    static const char *const NAMES[LOG_LEVEL_COUNT] = {
        [LOG_DEBUG] = "DEBUG",
        [LOG_INFO] = "INFO",
        [LOG_WARNING] = "WARNING",
        [LOG_ERROR] = "ERROR",
    };
    return (unsigned)level < LOG_LEVEL_COUNT ? NAMES[level] : "ERROR";
}

bool log_level_parse(struct str name, enum log_level *out_level)
{
    static const struct {
        struct str name;
        enum log_level level;
    } NAMES[] = {
        {STR("DEBUG"), LOG_DEBUG},  {STR("INFO"), LOG_INFO},   {STR("WARNING"), LOG_WARNING},
        {STR("WARN"), LOG_WARNING}, {STR("ERROR"), LOG_ERROR}, {STR("CRITICAL"), LOG_ERROR},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (str_equal_nocase(name, NAMES[i].name)) {
            *out_level = NAMES[i].level;
            return true;
        }
    }
    return false;
}

const char *log_trace_name(enum log_trace trace)
{
    static const char *const names[] = {
#define LOG_TRACE_NAME(name, text) [TRACE_##name] = text,
        LOG_TRACE_TABLE(LOG_TRACE_NAME)
#undef LOG_TRACE_NAME
    };
    return (unsigned)trace < TRACE_COUNT ? names[trace] : "";
}

void log_traced(const struct log *log, enum log_trace trace, const struct log_subject *subject,
                const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    if (!log || !(log->traces >> trace & 1))
        return;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (wanted >= 0)
        log_line(log, LOG_INFO, subject, "%s: %s", log_trace_name(trace), text);
}

void log_line(const struct log *log, enum log_level level, const struct log_subject *subject,
              const char *format, ...)
{
    if (!log || !log->write || level < log->threshold)
        return;
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (wanted < 0)
        return;
    size_t len = (size_t)wanted;
    if (len >= sizeof line) {
        static const struct str CUT = {"...", 3};
        len = utf8_cut(line, sizeof line - 1 - CUT.len);
        memcpy(line + len, CUT.ptr, CUT.len);
        len += CUT.len;
    }
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--; /* a line end is the sink's to add */
    len = utf8_make_printable(line, len);
    log->write(log->user, level, subject, (struct str){line, len});
}
