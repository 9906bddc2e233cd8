#include <math.h>
#include <string.h>

#include "store/postgres/internal.h"

/* ---- prepared statements ---- */

static void drop(struct postgres *c, struct postgres_statement *s)
{
    mem_free(c->base.target->allocator, s->sql);
    *s = c->statements[--c->statement_count];
}

void postgres_statements_release(struct postgres *c)
{
    while (c->statement_count > 0)
        drop(c, &c->statements[0]);
}

static struct postgres_statement *find(struct postgres *c, const char *sql, size_t len)
{
    for (size_t i = 0; i < c->statement_count; i++) {
        struct postgres_statement *s = &c->statements[i];
        if (s->sql_len == len && memcmp(s->sql, sql, len) == 0)
            return s;
    }
    return NULL;
}

/* Make room for one more: the least recently used goes. */
static int make_room(struct postgres *c, struct ccd_error *err)
{
    if (c->statement_count < SQL_STATEMENTS_KEPT)
        return CCD_OK;
    struct postgres_statement *oldest = &c->statements[0];
    for (size_t i = 1; i < c->statement_count; i++)
        if (c->statements[i].used < oldest->used)
            oldest = &c->statements[i];
    char sql[64];
    str_print(sql, sizeof(sql), "DEALLOCATE %s", oldest->name);
    int status = postgres_exec(c, "use", sql, err);
    if (status == CCD_OK)
        drop(c, oldest);
    return status;
}

static int rewrite(struct postgres *c, const struct sql_call *call, struct ccd_error *err)
{
    uint16_t order[SQL_PARAMETERS_MAX];
    size_t count;
    buf_clear(&c->sql);
    if (sql_rewrite_parameters(call->sql, '$', &c->sql, order, &count) != 0)
        return error_set(err, CCD_INTERNAL, "a statement is too long or has too many parameters");
    return CCD_OK;
}

/* Ask the server what it takes and gives. */
static int describe(struct postgres *c, const struct sql_call *call, struct postgres_statement *s,
                    struct ccd_error *err)
{
    PGresult *result = postgres_last_result(c, PQsendDescribePrepared(c->pg, s->name) == 1);
    int status = CCD_OK;
    if (PQresultStatus(result) == PGRES_COMMAND_OK) {
        s->parameter_count = PQnparams(result);
        s->result_format = 1;
        for (int i = 0; i < PQnfields(result); i++)
            if (!postgres_is_binary(PQftype(result, i)))
                s->result_format = 0;
    } else {
        status = postgres_error(c, result, call->doing, err);
    }
    PQclear(result);
    return status;
}

/* Parameters have no types: the server infers them from where they stand. */
static int prepare(struct postgres *c, const struct sql_call *call, struct postgres_statement *s,
                   struct ccd_error *err)
{
    int status = make_room(c, err);
    if (status == CCD_OK)
        status = rewrite(c, call, err);
    if (status != CCD_OK)
        return status;
    str_print(s->name, sizeof(s->name), "ccdata_%llu", (unsigned long long)c->prepared_ever++);
    bool sent = PQsendPrepare(c->pg, s->name, c->sql.data, 0, NULL) == 1;
    PGresult *result = postgres_last_result(c, sent);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        status = postgres_error(c, result, call->doing, err);
    PQclear(result);
    return status == CCD_OK ? describe(c, call, s, err) : status;
}

static int get_statement(struct postgres *c, const struct sql_call *call,
                         struct postgres_statement **out, struct ccd_error *err)
{
    size_t len = strlen(call->sql);
    *out = find(c, call->sql, len);
    if (*out)
        return CCD_OK;
    struct postgres_statement fresh = {.sql_len = len};
    fresh.sql = mem_copy_text(c->base.target->allocator, call->sql, len);
    int status = fresh.sql ? prepare(c, call, &fresh, err)
                           : error_set(err, CCD_NO_MEMORY, "no memory for a statement");
    if (status != CCD_OK) {
        mem_free(c->base.target->allocator, fresh.sql);
        return status;
    }
    *out = &c->statements[c->statement_count++];
    **out = fresh;
    return CCD_OK;
}

/* ---- parameters ---- */

static void add_f64(struct buf *out, double value)
{
    char text[32];
    if (isnan(value))
        buf_add_text(out, "NaN");
    else if (isinf(value))
        buf_add_text(out, value > 0 ? "Infinity" : "-Infinity");
    else
        buf_add(out, text, str_format_f64(text, value));
}

static int add_parameter(struct postgres *c, const struct sql_call *call, const struct value *v,
                         struct ccd_error *err)
{
    switch (v->kind) {
    case VALUE_NULL:
        break;
    case VALUE_I64:
        buf_printf(&c->text, "%lld", (long long)v->i64);
        break;
    case VALUE_F64:
        add_f64(&c->text, v->f64);
        break;
    case VALUE_TEXT:
        if (v->text.len > 0 && memchr(v->text.ptr, '\0', v->text.len)) {
            return error_set(err, CCD_DATABASE_DATA,
                             "cannot %s %s: PostgreSQL cannot store a text with a NUL byte",
                             call->doing, c->base.target->name);
        }
        buf_add(&c->text, v->text.ptr, v->text.len);
        break;
    }
    buf_add_char(&c->text, '\0');
    return CCD_OK;
}

/* All parameters as text; out_pointers[i] is NULL for NULL. */
static int write_parameters(struct postgres *c, const struct sql_call *call,
                            const char *out_pointers[SQL_PARAMETERS_MAX], struct ccd_error *err)
{
    size_t offsets[SQL_PARAMETERS_MAX];
    if (call->parameter_count > SQL_PARAMETERS_MAX)
        return error_set(err, CCD_INTERNAL, "a statement has too many parameters");
    buf_clear(&c->text);
    for (size_t i = 0; i < call->parameter_count; i++) {
        offsets[i] = c->text.len;
        int status = add_parameter(c, call, &call->parameters[i], err);
        if (status != CCD_OK)
            return status;
    }
    if (c->text.failed)
        return error_set(err, CCD_NO_MEMORY, "no memory for the parameters of a statement");
    for (size_t i = 0; i < call->parameter_count; i++)
        out_pointers[i] = call->parameters[i].kind == VALUE_NULL ? NULL : c->text.data + offsets[i];
    return CCD_OK;
}

/* ---- run ---- */

static int send_kept(struct postgres *c, const struct sql_call *call, const char *const *parameters,
                     bool *out_sent, struct ccd_error *err)
{
    struct postgres_statement *s;
    int status = get_statement(c, call, &s, err);
    if (status != CCD_OK)
        return status;
    if ((size_t)s->parameter_count != call->parameter_count) {
        return error_set(err, CCD_INTERNAL, "cannot %s %s: %zu parameters given, %d expected",
                         call->doing, c->base.target->name, call->parameter_count,
                         s->parameter_count);
    }
    s->used = ++c->uses;
    *out_sent = PQsendQueryPrepared(c->pg, s->name, s->parameter_count, parameters, NULL, NULL,
                                    s->result_format) == 1;
    return CCD_OK;
}

static int send_once(struct postgres *c, const struct sql_call *call, const char *const *parameters,
                     bool *out_sent, struct ccd_error *err)
{
    int status = rewrite(c, call, err);
    if (status != CCD_OK)
        return status;
    int sent = call->parameter_count > 0
                   ? PQsendQueryParams(c->pg, c->sql.data, (int)call->parameter_count, NULL,
                                       parameters, NULL, NULL, 0)
                   : PQsendQuery(c->pg, c->sql.data);
    *out_sent = sent == 1;
    return CCD_OK;
}

int postgres_run(struct sql_connection *connection, const struct sql_call *call,
                 struct ccd_error *err)
{
    struct postgres *c = postgres_of(connection);
    const char *parameters[SQL_PARAMETERS_MAX];
    bool sent = false;
    int status = write_parameters(c, call, parameters, err);
    if (status == CCD_OK)
        status = call->once ? send_once(c, call, parameters, &sent, err)
                            : send_kept(c, call, parameters, &sent, err);
    if (status != CCD_OK)
        return status;
    if (!sent)
        return postgres_error(c, NULL, call->doing, err);
    if (call->sink.row)
        PQsetSingleRowMode(c->pg); /* so that no result is held in memory as a whole */
    return postgres_take_results(c, call, err);
}
