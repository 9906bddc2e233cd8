#include <errno.h>
#include <string.h>

#include "store/sqlite/internal.h"

struct code_status {
    int code;
    enum ccd_status status;
};

/* Extended codes come first: they win over the primary code in their low byte. */
static const struct code_status sqlite_codes[] = {
    {SQLITE_IOERR_NOMEM, CCD_NO_MEMORY},
    {SQLITE_READONLY_DBMOVED, CCD_DATABASE_UNREACHABLE}, /* renamed or unlinked while open */
    {SQLITE_BUSY, CCD_DATABASE_BUSY},
    {SQLITE_LOCKED, CCD_DATABASE_BUSY},
    {SQLITE_PROTOCOL, CCD_DATABASE_BUSY}, /* lost the race for the WAL's locks too often */
    {SQLITE_FULL, CCD_DISK},
    {SQLITE_IOERR, CCD_DISK},
    {SQLITE_CORRUPT, CCD_DISK},
    {SQLITE_NOTADB, CCD_DISK},
    {SQLITE_NOLFS, CCD_DISK},
    {SQLITE_READONLY, CCD_DATABASE_PERMISSION},
    {SQLITE_PERM, CCD_DATABASE_PERMISSION},
    {SQLITE_AUTH, CCD_DATABASE_PERMISSION},
    {SQLITE_CANTOPEN, CCD_DATABASE_UNREACHABLE},
    {SQLITE_CONSTRAINT, CCD_DATABASE_DATA},
    {SQLITE_MISMATCH, CCD_DATABASE_DATA},
    {SQLITE_TOOBIG, CCD_DATABASE_DATA},
    {SQLITE_NOMEM, CCD_NO_MEMORY},
    {SQLITE_SCHEMA, CCD_DATABASE_SCHEMA},
    {SQLITE_ERROR, CCD_DATABASE_SCHEMA}, /* no such table or column: our SQL is fixed */
    {SQLITE_FORMAT, CCD_DATABASE_SCHEMA},
    {SQLITE_INTERRUPT, CCD_INTERRUPTED},
};

static const struct code_status system_codes[] = {
    {EACCES, CCD_DATABASE_PERMISSION},
    {EPERM, CCD_DATABASE_PERMISSION},
    {EROFS, CCD_DATABASE_PERMISSION},
    {ENOSPC, CCD_DISK},
    {EDQUOT, CCD_DISK},
    {EFBIG, CCD_DISK},
    {EIO, CCD_DISK},
    {ENOMEM, CCD_NO_MEMORY},
};

/* What to do about what the system says. */
static const struct {
    int code;
    const char *advice;
} advices[] = {
    {EACCES, "; let the user of ccdata read and write it and its folder"},
    {EPERM, "; let the user of ccdata read and write it and its folder"},
    {EROFS, "; its file system takes no writes: choose another place"},
    {ENOENT, "; make its folder first"},
    {EMFILE, "; raise the limit of open files (ulimit -n)"},
    {ENFILE, "; raise the limit of open files of the system"},
    {ENOSPC, "; make room on its disk"},
    {EDQUOT, "; make room on its disk"},
};

static const char *advice_for(int errno_value)
{
    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
        if (advices[i].code == errno_value)
            return advices[i].advice;
    return "";
}

static bool look_up(const struct code_status *table, size_t count, int code,
                    enum ccd_status *out_status)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].code == code) {
            *out_status = table[i].status;
            return true;
        }
    }
    return false;
}

#define LOOK_UP(table, code, out)                                                                  \
    look_up((table), sizeof(table) / sizeof((table)[0]), (code), (out))

int sqlite_error(struct sqlite_connection *c, int code, const char *doing, struct ccd_error *err)
{
    int extended = c->db ? sqlite3_extended_errcode(c->db) : code;
    if ((extended & 0xff) != (code & 0xff))
        extended = code;
    enum ccd_status status = CCD_INTERNAL;
    if (!LOOK_UP(sqlite_codes, extended, &status))
        LOOK_UP(sqlite_codes, code & 0xff, &status);
    int system_code = c->db ? sqlite3_system_errno(c->db) : 0;
    if ((code & 0xff) == SQLITE_CANTOPEN)
        LOOK_UP(system_codes, system_code, &status);
    struct ccd_error own = {0};
    /* SQLite's words for a file that cannot be opened do not say why. */
    bool says_why = (code & 0xff) != SQLITE_CANTOPEN || system_code == 0;
    error_set_native(&own, status, extended, "cannot %s %s: %s%s", doing, c->base.target->name,
                     !says_why ? strerror(system_code)
                     : c->db   ? sqlite3_errmsg(c->db)
                               : sqlite3_errstr(code),
                     says_why ? "" : advice_for(system_code));
    if (status == CCD_DISK && c->failure.status == CCD_OK)
        c->failure = own;
    if (status == CCD_DATABASE_UNREACHABLE)
        c->base.broken = true;
    if (err)
        *err = own;
    return (int)status;
}

int system_error(int errno_value, const char *doing, const char *name, struct ccd_error *err)
{
    enum ccd_status status = CCD_DATABASE_UNREACHABLE;
    LOOK_UP(system_codes, errno_value, &status);
    return error_set_native(err, status, errno_value, "cannot %s %s: %s%s", doing, name,
                            strerror(errno_value), advice_for(errno_value));
}
