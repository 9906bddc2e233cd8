#include "sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *database_path(const struct fixture *f)
{
    return f->place.url + strlen("sqlite:");
}

sqlite3 *db_open(const struct fixture *f)
{
    sqlite3 *db;
    if (sqlite3_open(database_path(f), &db) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_busy_timeout(db, 5000);
    return db;
}

void db_close(sqlite3 *db)
{
    CHECK_INT(SQLITE_OK, sqlite3_close(db));
}

bool db_run(sqlite3 *db, const char *sql)
{
    bool done = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (!done)
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    return done;
}

bool db_run_once(const struct fixture *f, const char *sql)
{
    sqlite3 *db = db_open(f);
    bool done = db_run(db, sql);
    db_close(db);
    return done;
}

const char *db_rows(sqlite3 *db, const char *sql)
{
    static char text[65536];
    size_t len = 0;
    sqlite3_stmt *stmt;
    text[0] = '\0';
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite3_errmsg(db);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *value = (const char *)sqlite3_column_text(stmt, i);
            const char *before = i > 0 ? "|" : len > 0 ? "\n" : "";
            str_print(text + len, sizeof(text) - len, "%s%s", before, value ? value : "NULL");
            len = strlen(text);
        }
    }
    sqlite3_finalize(stmt);
    return text;
}

const char *db_rows_once(const struct fixture *f, const char *sql)
{
    sqlite3 *db = db_open(f);
    const char *rows = db_rows(db, sql);
    db_close(db);
    return rows;
}
