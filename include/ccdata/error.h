/* Errors of libccdata: one table gives each its name, the action it asks for, the exit code of a
 * run that ends with it, and its title. The engine branches on the action only. Stable since 0.1.
 */
#ifndef CCDATA_ERROR_H
#define CCDATA_ERROR_H

#include <stdint.h>

#if defined(__GNUC__)
#define CCD_API __attribute__((visibility("default")))
#else
#define CCD_API
#endif

/* What the caller should do. */
enum ccd_action {
    CCD_ACTION_NONE,        /* nothing went wrong */
    CCD_ACTION_RETRY,       /* the same thing may work later, within the retry budget */
    CCD_ACTION_WAIT_QUOTA,  /* wait for the vendor's quota window, then the same again */
    CCD_ACTION_RECONNECT,   /* throw the connection away, open another, read state again */
    CCD_ACTION_SKIP_SERIES, /* this series cannot be served; the others go on */
    CCD_ACTION_STOP,        /* end the run */
};

/* X(name, action, exit code, title). Exit codes: README.md, "Exit codes". */
#define CCD_STATUS_TABLE(X)                                                                        \
    X(OK, NONE, 0, "ok")                                                                           \
    X(USAGE, STOP, 2, "wrong usage")                                                               \
    X(CONFIG, STOP, 2, "wrong configuration")                                                      \
    X(NO_MEMORY, STOP, 3, "out of memory")                                                         \
    X(INTERNAL, STOP, 3, "internal error")                                                         \
    X(KEY_REJECTED, STOP, 4, "API key rejected")                                                   \
    X(THROTTLED, WAIT_QUOTA, 5, "throttled by the vendor")                                         \
    X(QUOTA_EXHAUSTED, STOP, 5, "quota exhausted")                                                 \
    X(NETWORK, RETRY, 6, "vendor unreachable")                                                     \
    X(TLS, STOP, 6, "TLS refused")                                                                 \
    X(VENDOR_UNAVAILABLE, RETRY, 6, "vendor unavailable")                                          \
    X(BAD_REPLY, RETRY, 7, "reply refused")                                                        \
    X(BAD_REQUEST, SKIP_SERIES, 7, "request refused by the vendor")                                \
    X(UNKNOWN_AT_VENDOR, SKIP_SERIES, 7, "unknown at the vendor")                                  \
    X(DATABASE_UNREACHABLE, RECONNECT, 8, "database unreachable")                                  \
    X(DATABASE_BUSY, RETRY, 8, "database busy")                                                    \
    X(DATABASE_SCHEMA, STOP, 9, "database schema does not fit")                                    \
    X(DATABASE_PERMISSION, STOP, 9, "database permission denied")                                  \
    X(DATABASE_DATA, SKIP_SERIES, 9, "database refused a row")                                     \
    X(DISK, STOP, 10, "disk or I/O error")                                                         \
    X(LOCKED, STOP, 11, "another instance holds the lock")                                         \
    X(CHECK_FAILED, STOP, 12, "check failed")                                                      \
    X(INTERRUPTED, STOP, 130, "interrupted")

enum ccd_status {
#define CCD_STATUS_ENUM(name, action, exit_code, title) CCD_##name,
    CCD_STATUS_TABLE(CCD_STATUS_ENUM)
#undef CCD_STATUS_ENUM
        CCD_STATUS_COUNT
};

/* One error. Caller-owned, fixed size, nothing to free; zeroed = ok.
 * message: UTF-8, NUL-terminated, one line, names what happened, to what, and what to do next; no
 * secret. */
struct ccd_error {
    enum ccd_status status;
    int native_code;        /* HTTP status, SQLite / CURL / errno code; 0 = none */
    int64_t retry_after_ms; /* 0 = not said; else the wait that the other side asked for */
    int64_t byte_offset;    /* of a parse error in its document; -1 = none */
    char message[512];
};

/* Name ("THROTTLED"), title, action and exit code of a status; a status out of range reads as
 * INTERNAL. */
CCD_API const char *ccd_status_name(enum ccd_status status);
CCD_API const char *ccd_status_title(enum ccd_status status);
CCD_API enum ccd_action ccd_status_action(enum ccd_status status);
CCD_API int ccd_status_exit_code(enum ccd_status status);

#endif
