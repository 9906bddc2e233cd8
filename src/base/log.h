/* Log lines go to a sink that is passed in. Invariant: a line is one line of valid UTF-8 without
 * control characters; a NULL log drops everything; a failing sink never fails the caller. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVEL_COUNT };

/* What CCDATA_TRACE asks for: lines that say step by step what happens. X(name, text) */
#define LOG_TRACE_TABLE(X)                                                                         \
    X(HTTP, "http")   /* each call and its reply */                                                \
    X(PLAN, "plan")   /* what is wanted of each series, and what it costs */                       \
    X(STORE, "store") /* each transaction */                                                       \
    X(QUOTA, "quota") /* each permit, or the wait for it */

enum log_trace {
#define LOG_TRACE_ENUM(name, text) TRACE_##name,
    LOG_TRACE_TABLE(LOG_TRACE_ENUM)
#undef LOG_TRACE_ENUM
        TRACE_COUNT
};

/* What a line is about; empty members are left out of the line. */
struct log_subject {
    const char *data_type;
    const char *interval;
    const char *market;
    const char *instrument;
    bool is_reported; /* whoever asked gets a report that says the same */
};

struct log {
    enum log_level threshold;
    unsigned traces; /* bit n: enum log_trace n */
    /* subject may be NULL; text has no line end. Called from any thread; must lock by itself. */
    void (*write)(void *user, enum log_level level, const struct log_subject *subject,
                  struct str text);
    void *user;
};

const char *log_level_name(enum log_level level); /* "INFO" */
bool log_level_parse(struct str name,
                     enum log_level *out_level); /* also WARN, CRITICAL (= ERROR); any case */

void log_line(const struct log *log, enum log_level level, const struct log_subject *subject,
              const char *format, ...) PRINTF_LIKE(4, 5);

const char *log_trace_name(enum log_trace trace); /* "http" … */
/* "http: …" at the level INFO, when this is traced. */
void log_traced(const struct log *log, enum log_trace trace, const struct log_subject *subject,
                const char *format, ...) PRINTF_LIKE(4, 5);

#define log_debug(log, subject, ...) log_line((log), LOG_DEBUG, (subject), __VA_ARGS__)
#define log_info(log, subject, ...) log_line((log), LOG_INFO, (subject), __VA_ARGS__)
#define log_warning(log, subject, ...) log_line((log), LOG_WARNING, (subject), __VA_ARGS__)
#define log_error(log, subject, ...) log_line((log), LOG_ERROR, (subject), __VA_ARGS__)

#endif
