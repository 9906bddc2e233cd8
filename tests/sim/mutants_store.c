/* Bugs between the SQLite driver and SQLite. */
#include <sqlite3.h>
#include <string.h>

#include "mutants_internal.h"

WRAPS(int, sqlite3_exec, sqlite3 *db, const char *sql, sqlite3_callback each, void *user,
      char **out_message)
{
    bool begins = strcmp(sql, "BEGIN IMMEDIATE") == 0, commits = strcmp(sql, "COMMIT") == 0;
    if ((begins || commits) && mutant_is(MUTANT_NO_TRANSACTION))
        return SQLITE_OK;
    int code = __real_sqlite3_exec(db, sql, each, user, out_message);
    const char *less = mutant_is(MUTANT_SYNC_LEFT_OUT)       ? "PRAGMA synchronous=OFF"
                       : mutant_is(MUTANT_FOLDER_NOT_SYNCED) ? "PRAGMA synchronous=FULL"
                                                             : NULL;
    if (code == SQLITE_OK && less && strstr(sql, "synchronous=EXTRA"))
        return __real_sqlite3_exec(db, less, NULL, NULL, NULL);
    return code;
}
