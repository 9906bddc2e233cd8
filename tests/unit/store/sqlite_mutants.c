/* Bugs of a SQLite driver, planted by the linker (--wrap) between the store and SQLite in
 * store_mutants alone. STORE_MUTANT names the one to plant; `list` prints them. Invariant: with
 * none planted every call goes through unchanged. */
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUTANT_TABLE(X)                                                                            \
    X(ROLLBACK_NOT_SENT, "rollback-not-sent", "a transaction that failed is not rolled back")      \
    X(NO_TRANSACTION, "no-transaction", "rows and coverage are committed each for themselves")     \
    X(COMMIT_UNHEARD, "commit-unheard", "a commit that failed is taken for done")                  \
    X(CURSOR_REUSED, "statement-not-reset", "a statement goes on where it was left")               \
    X(CHANGES_LOST, "changes-lost", "the number of rows that changed is 0")                        \
    X(NULL_IS_ZERO, "null-written-as-zero", "NULL is written as 0")                                \
    X(NULL_READ_AS_ZERO, "null-read-as-zero", "NULL is read as 0")                                 \
    X(EMPTY_IS_NULL, "empty-is-null", "an empty text is written as NULL")                          \
    X(FLOAT, "double-as-float", "a value is written as a float")                                   \
    X(INTEGER_ROUNDED, "integer-as-double", "an integer goes through a double")

enum mutant {
#define MUTANT_ENUM(name, option, text) MUTANT_##name,
    MUTANT_TABLE(MUTANT_ENUM)
#undef MUTANT_ENUM
        MUTANT_COUNT
};

static const char *const options[MUTANT_COUNT] = {
#define MUTANT_OPTION(name, option, text) [MUTANT_##name] = option,
    MUTANT_TABLE(MUTANT_OPTION)
#undef MUTANT_OPTION
};

static const char *const texts[MUTANT_COUNT] = {
#define MUTANT_TEXT(name, option, text) [MUTANT_##name] = text,
    MUTANT_TABLE(MUTANT_TEXT)
#undef MUTANT_TEXT
};

static enum mutant planted = MUTANT_COUNT;

__attribute__((constructor)) static void plant(void)
{
    const char *name = getenv("STORE_MUTANT");
    for (int m = 0; name && m < MUTANT_COUNT; m++) {
        if (strcmp(name, options[m]) == 0)
            planted = (enum mutant)m;
        if (strcmp(name, "list") == 0)
            printf("%s\t%s\n", options[m], texts[m]);
    }
    if (name && planted == MUTANT_COUNT) {
        fflush(stdout);
        _exit(strcmp(name, "list") == 0 ? 0 : 2);
    }
}

/* Begins the definition of what the linker calls for `name`; __real_name is what it would have
 * called. */
#define WRAPS(result, name, ...)                                                                   \
    result __real_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__)

static bool begins(const char *sql, const char *word)
{
    return strncmp(sql, word, strlen(word)) == 0;
}

WRAPS(int, sqlite3_exec, sqlite3 *db, const char *sql,
      int (*row)(void *user, int count, char **values, char **names), void *user, char **message)
{
    bool commit = begins(sql, "COMMIT");
    if (planted == MUTANT_ROLLBACK_NOT_SENT && begins(sql, "ROLLBACK"))
        return SQLITE_OK;
    if (planted == MUTANT_NO_TRANSACTION && (commit || begins(sql, "BEGIN")))
        return SQLITE_OK;
    int code = __real_sqlite3_exec(db, sql, row, user, message);
    return planted == MUTANT_COMMIT_UNHEARD && commit ? SQLITE_OK : code;
}

WRAPS(int, sqlite3_reset, sqlite3_stmt *stmt)
{
    return planted == MUTANT_CURSOR_REUSED ? SQLITE_OK : __real_sqlite3_reset(stmt);
}

WRAPS(sqlite3_int64, sqlite3_changes64, sqlite3 *db)
{
    return planted == MUTANT_CHANGES_LOST ? 0 : __real_sqlite3_changes64(db);
}

static sqlite3_int64 integer(sqlite3_int64 value)
{
    return planted == MUTANT_INTEGER_ROUNDED ? (sqlite3_int64)nearbyint((double)value) : value;
}

static double number(double value)
{
    return planted == MUTANT_FLOAT ? (double)(float)value : value;
}

WRAPS(int, sqlite3_bind_int64, sqlite3_stmt *stmt, int index, sqlite3_int64 value)
{
    return __real_sqlite3_bind_int64(stmt, index, integer(value));
}

WRAPS(int, sqlite3_bind_null, sqlite3_stmt *stmt, int index)
{
    return planted == MUTANT_NULL_IS_ZERO ? __real_sqlite3_bind_int64(stmt, index, 0)
                                          : __real_sqlite3_bind_null(stmt, index);
}

WRAPS(int, sqlite3_bind_double, sqlite3_stmt *stmt, int index, double value)
{
    return __real_sqlite3_bind_double(stmt, index, number(value));
}

WRAPS(int, sqlite3_bind_text64, sqlite3_stmt *stmt, int index, const char *text, sqlite3_uint64 len,
      void (*release)(void *), unsigned char encoding)
{
    if (planted == MUTANT_EMPTY_IS_NULL && len == 0)
        return __real_sqlite3_bind_null(stmt, index);
    return __real_sqlite3_bind_text64(stmt, index, text, len, release, encoding);
}

WRAPS(void, sqlite3_result_double, sqlite3_context *context, double value)
{
    __real_sqlite3_result_double(context, number(value));
}

WRAPS(void, sqlite3_result_int64, sqlite3_context *context, sqlite3_int64 value)
{
    __real_sqlite3_result_int64(context, integer(value));
}

WRAPS(int, sqlite3_column_type, sqlite3_stmt *stmt, int column)
{
    int type = __real_sqlite3_column_type(stmt, column);
    return planted == MUTANT_NULL_READ_AS_ZERO && type == SQLITE_NULL ? SQLITE_INTEGER : type;
}
