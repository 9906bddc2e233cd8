/* Places of SQLite databases, and a look into one from outside, for the tests of that back-end. */
#ifndef TESTS_UNIT_STORE_SQL_H
#define TESTS_UNIT_STORE_SQL_H

#include <sqlite3.h>

#include "support.h"

/* "sqlite:…" without the scheme. */
const char *database_path(const struct fixture *f);
/* A connection of the test's own; ends the program when it cannot be had. */
sqlite3 *db_open(const struct fixture *f);
void db_close(sqlite3 *db);
/* Run text; prints the error and answers false. */
bool db_run(sqlite3 *db, const char *sql);
bool db_run_once(const struct fixture *f, const char *sql);

/* All rows: values joined by '|', rows by '\n', NULL as "NULL"; static storage of the last call. */
const char *db_rows(sqlite3 *db, const char *sql);
/* The same on a connection that is opened and closed. */
const char *db_rows_once(const struct fixture *f, const char *sql);

#define CHECK_SQL(expected, f, sql) CHECK_TEXT((expected), db_rows_once((f), (sql)))

/* A case that begins with a place and no database. */
#define PLACE_TEST(name)                                                                           \
    static void place_##name(struct fixture *f);                                                   \
    TEST(sqlite_##name)                                                                            \
    {                                                                                              \
        struct fixture f = {.back_end = &back_end_sqlite};                                         \
        if (CHECK(f.back_end->make_place(&f.place))) {                                             \
            place_##name(&f);                                                                      \
            f.back_end->remove_place(&f.place);                                                    \
        }                                                                                          \
    }                                                                                              \
    static void place_##name(struct fixture *f)

#endif
