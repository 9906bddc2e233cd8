#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

struct status_row {
    const char *name;
    enum ccd_action action;
    int exit_code;
    const char *title;
};

static const struct status_row STATUS_ROWS[CCD_STATUS_COUNT] = {
#define STATUS_ROW(name, action, exit_code, title)                                                 \
    [CCD_##name] = {#name, CCD_ACTION_##action, exit_code, title},
    CCD_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

static enum ccd_status known_status(enum ccd_status status)
{
    return (unsigned)status < CCD_STATUS_COUNT ? status : CCD_INTERNAL;
}

const char *ccd_status_name(enum ccd_status status)
{
    return STATUS_ROWS[known_status(status)].name;
}

const char *ccd_status_title(enum ccd_status status)
{
    return STATUS_ROWS[known_status(status)].title;
}

enum ccd_action ccd_status_action(enum ccd_status status)
{
    return STATUS_ROWS[known_status(status)].action;
}

int ccd_status_exit_code(enum ccd_status status)
{
    return STATUS_ROWS[known_status(status)].exit_code;
}

/* Length of what a vsnprintf that returned `wanted` left in a buffer, cut at a character boundary.
 */
static size_t formatted_length(const char *text, int wanted, size_t capacity_bytes)
{
    if (wanted < 0) {
        return 0;
    }
    if ((size_t)wanted < capacity_bytes) {
        return (size_t)wanted;
    }
    return utf8_cut(text, capacity_bytes - 1);
}

static int PRINTF_LIKE(4, 0) set_va(struct ccd_error *err, enum ccd_status status, int native_code,
                                    const char *format, va_list args)
{
    status = known_status(status);
    if (!err) {
        return (int)status;
    }
    /* Formatted aside: an argument may point into err->message. */
    char text[sizeof err->message];
    int wanted = vsnprintf(text, sizeof text, format, args);
    size_t len = formatted_length(text, wanted, sizeof text);
    len = utf8_make_printable(text, len);
    *err = (struct ccd_error){.status = status, .native_code = native_code, .byte_offset = -1};
    memcpy(err->message, text, len);
    return (int)status;
}

int error_set(struct ccd_error *err, enum ccd_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = set_va(err, status, 0, format, args);
    va_end(args);
    return result;
}

int error_set_native(struct ccd_error *err, enum ccd_status status, int native_code,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = set_va(err, status, native_code, format, args);
    va_end(args);
    return result;
}

int error_prefix(struct ccd_error *err, const char *format, ...)
{
    if (!err) {
        return CCD_INTERNAL; /* what failed is unknown here; that it failed is not */
    }
    char prefix[sizeof err->message];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    size_t prefix_len = formatted_length(prefix, wanted, sizeof prefix);
    prefix_len = utf8_make_printable(prefix, prefix_len);

    char text[sizeof err->message];
    wanted = snprintf(text, sizeof text, "%.*s: %s", (int)prefix_len, prefix, err->message);
    size_t len = formatted_length(text, wanted, sizeof text);
    memcpy(err->message, text, len);
    err->message[len] = '\0';
    return (int)known_status(err->status);
}

void error_clear(struct ccd_error *err)
{
    if (err) {
        *err = (struct ccd_error){.status = CCD_OK, .byte_offset = -1};
    }
}
