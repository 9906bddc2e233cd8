#include <string.h>

#include "store/postgres/internal.h"

int postgres_exec(struct postgres *c, const char *doing, const char *sql, struct ccd_error *err)
{
    PGresult *result = postgres_last_result(c, PQsendQuery(c->pg, sql) == 1);
    ExecStatusType kind = PQresultStatus(result);
    int status = CCD_OK;
    if (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)
        status = postgres_error(c, result, doing, err);
    PQclear(result);
    return status;
}

static bool is_open(const struct postgres *c)
{
    PGTransactionStatusType state = PQtransactionStatus(c->pg);
    return state == PQTRANS_INTRANS || state == PQTRANS_INERROR;
}

int postgres_begin(struct sql_connection *connection, enum sql_intent intent, struct ccd_error *err)
{
    struct postgres *c = postgres_of(connection);
    if (is_open(c))
        return error_set(err, CCD_INTERNAL, "a transaction was begun inside another");
    return postgres_exec(c, intent == SQL_WRITES ? "write to" : "read",
                         intent == SQL_WRITES ? "BEGIN" : "BEGIN READ ONLY", err);
}

/* A server that ends while it answers has perhaps committed: only its own word that it did not
 * counts, on a connection that lives. */
static enum store_outcome judge_commit(struct postgres *c, const PGresult *result,
                                       struct ccd_error *err)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        postgres_error(c, result, "commit to", err);
        return c->base.broken ? STORE_UNKNOWN : STORE_ROLLED_BACK;
    }
    if (strcmp(PQcmdStatus((PGresult *)result), "COMMIT") == 0)
        return STORE_COMMITTED;
    error_set(err, CCD_INTERNAL, "cannot commit to %s: a statement of the transaction had failed",
              c->base.target->name);
    return STORE_ROLLED_BACK;
}

enum store_outcome postgres_commit(struct sql_connection *connection, struct ccd_error *err)
{
    struct postgres *c = postgres_of(connection);
    if (c->base.broken || PQstatus(c->pg) == CONNECTION_BAD) {
        c->base.broken = true;
        error_set(err, CCD_DATABASE_UNREACHABLE,
                  "cannot commit to %s: the connection was lost before", c->base.target->name);
        return STORE_ROLLED_BACK;
    }
    if (!is_open(c)) {
        error_set(err, CCD_INTERNAL, "cannot commit to %s: no transaction is open",
                  c->base.target->name);
        return STORE_ROLLED_BACK;
    }
    PGresult *result = postgres_last_result(c, PQsendQuery(c->pg, "COMMIT") == 1);
    enum store_outcome outcome = judge_commit(c, result, err);
    PQclear(result);
    return outcome;
}

void postgres_rollback(struct sql_connection *connection)
{
    struct postgres *c = postgres_of(connection);
    if (PQtransactionStatus(c->pg) == PQTRANS_IDLE || c->base.broken)
        return;
    if (!is_open(c) || postgres_exec(c, "roll back", "ROLLBACK", NULL) != CCD_OK)
        c->base.broken = true;
}
