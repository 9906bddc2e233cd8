/* Filling a struct ccd_error. Invariant: a function that returns non-zero has filled *err (when
 * given). */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <ccdata/error.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fill *err (may be NULL): status and formatted message, other members neutral; a message that is
 * too long is cut at a character boundary; control characters become '?'. Returns the status as
 * int, never 0 for a real failure, so that `return error_set(err, …)` reads well. */
int error_set(struct ccd_error *err, enum ccd_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The same with a native code (errno, HTTP status, SQLite code …). */
int error_set_native(struct ccd_error *err, enum ccd_status status, int native_code,
                     const char *format, ...) PRINTF_LIKE(4, 5);

/* Put "prefix: " before the message that *err holds (err may be NULL). Returns err's status as int.
 */
int error_prefix(struct ccd_error *err, const char *format, ...) PRINTF_LIKE(2, 3);

void error_clear(struct ccd_error *err);

#endif
