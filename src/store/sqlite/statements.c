#include <string.h>

#include "store/sqlite/internal.h"

/* More columns than any table of ours has. */
enum { RESULT_COLUMNS_MAX = 128 };

int statement_prepare(struct sqlite_connection *c, const char *sql, bool keep, const char *doing,
                      sqlite3_stmt **out, struct ccd_error *err)
{
    unsigned flags = keep ? SQLITE_PREPARE_PERSISTENT : 0;
    int code = sqlite3_prepare_v3(c->db, sql, -1, flags, out, NULL);
    return code == SQLITE_OK ? CCD_OK : sqlite_error(c, code, doing, err);
}

/* FNV-1a: the texts are ours. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static struct kept_statement *find(struct sqlite_connection *c, const char *sql, uint64_t hash)
{
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++) {
        struct kept_statement *k = &c->kept[i];
        if (k->stmt && k->hash == hash && strcmp(sqlite3_sql(k->stmt), sql) == 0)
            return k;
    }
    return NULL;
}

/* A free place, or the one that was not used for longest; NULL when all are being run. */
static struct kept_statement *make_room(struct sqlite_connection *c)
{
    struct kept_statement *oldest = NULL;
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++) {
        struct kept_statement *k = &c->kept[i];
        if (!k->stmt)
            return k;
        if (!k->busy && (!oldest || k->last_use < oldest->last_use))
            oldest = k;
    }
    if (oldest) {
        sqlite3_finalize(oldest->stmt);
        *oldest = (struct kept_statement){0};
    }
    return oldest;
}

/* *out_place NULL: the statement is not kept. */
static int take(struct sqlite_connection *c, const struct sql_call *call, sqlite3_stmt **out,
                struct kept_statement **out_place, struct ccd_error *err)
{
    *out_place = NULL;
    if (call->once)
        return statement_prepare(c, call->sql, false, call->doing, out, err);
    uint64_t hash = hash_text(call->sql);
    struct kept_statement *k = find(c, call->sql, hash);
    bool known = k && !k->busy;
    int status = CCD_OK;
    if (known)
        *out = k->stmt;
    else
        status = statement_prepare(c, call->sql, true, call->doing, out, err);
    if (status != CCD_OK || (k && k->busy))
        return status;
    if (!known && (k = make_room(c)))
        *k = (struct kept_statement){.stmt = *out, .hash = hash};
    if (k) {
        k->busy = true;
        k->last_use = ++c->uses;
    }
    *out_place = k;
    return CCD_OK;
}

static void give_back(sqlite3_stmt *stmt, struct kept_statement *place)
{
    if (!place) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* they borrow texts */
    place->busy = false;
}

static int bind_all(struct sqlite_connection *c, sqlite3_stmt *stmt, const struct sql_call *call,
                    struct ccd_error *err)
{
    for (size_t i = 0; i < call->parameter_count; i++) {
        int code = bind_value(stmt, (int)i + 1, &call->parameters[i]);
        if (code != SQLITE_OK)
            return sqlite_error(c, code, call->doing, err);
    }
    return CCD_OK;
}

static int give_row(sqlite3_stmt *stmt, const struct sql_sink *sink, struct ccd_error *err)
{
    struct value values[RESULT_COLUMNS_MAX];
    int count = sqlite3_column_count(stmt);
    if (count > RESULT_COLUMNS_MAX)
        return error_set(err, CCD_INTERNAL, "a query of %d columns", count);
    for (int i = 0; i < count; i++) {
        int status = value_read(stmt, i, &values[i], err);
        if (status != CCD_OK)
            return status;
    }
    return sink->row(sink->user, values, (size_t)count, err);
}

static int step_all(struct sqlite_connection *c, sqlite3_stmt *stmt, const struct sql_call *call,
                    struct ccd_error *err)
{
    for (;;) {
        int code = sqlite3_step(stmt);
        if (code == SQLITE_DONE) {
            if (call->out_affected)
                *call->out_affected = sqlite3_changes64(c->db);
            return CCD_OK;
        }
        if (code != SQLITE_ROW)
            return sqlite_error(c, code, call->doing, err);
        int status = call->sink.row ? give_row(stmt, &call->sink, err) : CCD_OK;
        if (status != CCD_OK)
            return status == SQL_ENOUGH ? CCD_OK : status;
    }
}

int sqlite_run(struct sql_connection *connection, const struct sql_call *call,
               struct ccd_error *err)
{
    struct sqlite_connection *c = (struct sqlite_connection *)connection;
    sqlite3_stmt *stmt = NULL;
    struct kept_statement *place;
    int status = take(c, call, &stmt, &place, err);
    if (status == CCD_OK)
        status = bind_all(c, stmt, call, err);
    if (status == CCD_OK)
        status = step_all(c, stmt, call, err);
    if (stmt)
        give_back(stmt, place);
    return status;
}

void statements_release(struct sqlite_connection *c)
{
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++) {
        sqlite3_finalize(c->kept[i].stmt);
        c->kept[i] = (struct kept_statement){0};
    }
}
