#include <errmsg.h>
#include <mysqld_error.h>
#include <string.h>

#include "store/mysql/internal.h"

/* Beside the values: head, types, NULL bits. */
enum { PACKET_SPARE_BYTES = 4096 };

static int broken(const struct mysql_connection *c, const char *doing, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_UNREACHABLE, "cannot %s %s: the connection was lost before",
                     doing, c->base.target->name);
}

int mysql_text(struct mysql_connection *c, const char *sql, size_t len, const char *doing,
               struct ccd_error *err)
{
    if (c->base.broken)
        return broken(c, doing, err);
    if (mysql_real_query(c->mysql, sql, len) != 0)
        return mysql_fail_last(c, doing, err);
    if (mysql_field_count(c->mysql) == 0)
        return CCD_OK;
    /* Rows that nobody asked for would stand before the next answer. */
    MYSQL_RES *rows = mysql_store_result(c->mysql);
    if (!rows)
        return mysql_fail_last(c, doing, err);
    mysql_free_result(rows);
    return CCD_OK;
}

/* ---- the cache ---- */

static struct statement *find(struct mysql_connection *c, const char *sql)
{
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++) {
        struct statement *s = &c->statements[i];
        if (s->sql && !s->busy && strcmp(s->sql, sql) == 0)
            return s;
    }
    return NULL;
}

/* A free place, else that of the statement which was not used for the longest time. */
static struct statement *make_room(struct mysql_connection *c)
{
    struct statement *oldest = NULL;
    for (size_t i = 0; i < SQL_STATEMENTS_KEPT; i++) {
        struct statement *s = &c->statements[i];
        if (!s->sql)
            return s;
        if (!s->busy && (!oldest || s->used < oldest->used))
            oldest = s;
    }
    if (oldest)
        statement_drop(c, oldest);
    return oldest;
}

void statement_drop(struct mysql_connection *c, struct statement *s)
{
    const struct allocator *allocator = c->base.target->allocator;
    if (s->stmt)
        mysql_stmt_close(s->stmt);
    mem_free(allocator, s->order);
    mem_free(allocator, s->sql);
    *s = (struct statement){0};
}

void statement_give(struct mysql_connection *c, struct statement *s)
{
    s->busy = false;
    if (!s->kept || c->base.broken)
        statement_drop(c, s);
}

/* The statement in the server's form, and which value each '?' takes. */
static int rewrite(struct mysql_connection *c, struct statement *s, const char *sql,
                   struct buf *out, const char *doing, struct ccd_error *err)
{
    uint16_t order[SQL_PARAMETERS_MAX];
    const struct allocator *allocator = c->base.target->allocator;
    if (sql_rewrite_parameters(sql, '?', out, order, &s->place_count) != 0)
        return out->failed && strlen(sql) < out->max_bytes
                   ? mysql_no_memory(c, doing, err)
                   : error_set(err, CCD_INTERNAL, "cannot %s %s: the statement is too long", doing,
                               c->base.target->name);
    s->sql = mem_copy_text(allocator, sql, strlen(sql));
    s->order = mem_new(allocator, s->place_count + 1, sizeof(*s->order));
    if (!s->sql || !s->order)
        return mysql_no_memory(c, doing, err);
    memcpy(s->order, order, s->place_count * sizeof(*order));
    return CCD_OK;
}

static int prepare(struct mysql_connection *c, struct statement *s, const struct buf *sql,
                   const char *doing, struct ccd_error *err)
{
    s->stmt = mysql_stmt_init(c->mysql);
    if (!s->stmt)
        return mysql_no_memory(c, doing, err);
    if (mysql_stmt_prepare(s->stmt, sql->data, sql->len) != 0)
        return mysql_fail_stmt(c, s->stmt, doing, err);
    if (mysql_stmt_param_count(s->stmt) != s->place_count)
        return error_set(err, CCD_INTERNAL, "cannot %s %s: the server counts other parameters",
                         doing, c->base.target->name);
    return CCD_OK;
}

int statement_take(struct mysql_connection *c, const char *sql, bool keep, const char *doing,
                   struct statement **out, struct ccd_error *err)
{
    *out = NULL;
    if (c->base.broken)
        return broken(c, doing, err);
    if (!c->prepares)
        return CCD_OK;
    struct statement *s = find(c, sql);
    if (!s) {
        s = make_room(c);
        if (!s)
            return error_set(err, CCD_INTERNAL, "cannot %s %s: too many open statements", doing,
                             c->base.target->name);
        struct buf text;
        buf_init(&text, SQL_TEXT_MAX_BYTES, c->base.target->allocator);
        int status = rewrite(c, s, sql, &text, doing, err);
        if (status == CCD_OK)
            status = prepare(c, s, &text, doing, err);
        buf_release(&text);
        unsigned code = status != CCD_OK && s->stmt ? mysql_stmt_errno(s->stmt) : 0;
        bool refused = mysql_refuses_prepare(code);
        if (mysql_never_prepares(c, code))
            c->prepares = false;
        if (status != CCD_OK)
            statement_drop(c, s);
        if (refused)
            error_clear(err);
        if (status != CCD_OK)
            return refused ? CCD_OK : status;
        s->kept = keep;
    }
    s->used = ++c->tick;
    s->busy = true;
    *out = s;
    return CCD_OK;
}

/* ---- running ---- */

static void bind_value(MYSQL_BIND *bind, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        bind->buffer_type = MYSQL_TYPE_NULL;
        break;
    case VALUE_I64:
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->buffer = (void *)&value->i64;
        break;
    case VALUE_F64:
        bind->buffer_type = MYSQL_TYPE_DOUBLE;
        bind->buffer = (void *)&value->f64;
        break;
    case VALUE_TEXT:
        bind->buffer_type = MYSQL_TYPE_STRING;
        bind->buffer = (void *)(value->text.len > 0 ? value->text.ptr : "");
        bind->buffer_length = value->text.len;
        bind->length_value = value->text.len;
        bind->length = &bind->length_value;
        break;
    }
}

static int bind_values(struct mysql_connection *c, const struct statement *s, MYSQL_BIND *binds,
                       const struct sql_call *call, struct ccd_error *err)
{
    size_t bytes = PACKET_SPARE_BYTES;
    for (size_t i = 0; i < s->place_count; i++) {
        if (s->order[i] > call->parameter_count)
            return error_set(err, CCD_INTERNAL, "cannot %s %s: there is no value ?%u", call->doing,
                             c->base.target->name, s->order[i]);
        bind_value(&binds[i], &call->parameters[s->order[i] - 1]);
        bytes += binds[i].buffer_length + 2 * sizeof(int64_t);
    }
    if (bytes > c->packet_max_bytes)
        return mysql_too_large(c, call->doing, err);
    return s->place_count > 0 && mysql_stmt_bind_param(s->stmt, binds) != 0
               ? mysql_fail_stmt(c, s->stmt, call->doing, err)
               : CCD_OK;
}

static int run_prepared(struct mysql_connection *c, struct statement *s,
                        const struct sql_call *call, struct ccd_error *err)
{
    const struct allocator *allocator = c->base.target->allocator;
    MYSQL_BIND *binds = mem_new(allocator, s->place_count + 1, sizeof(*binds));
    int status = binds ? bind_values(c, s, binds, call, err) : mysql_no_memory(c, call->doing, err);
    if (status == CCD_OK && mysql_stmt_execute(s->stmt) != 0) {
        status = mysql_fail_stmt(c, s->stmt, call->doing, err);
        /* The server has forgotten the statement, or will not run it as it is. */
        if (mysql_stmt_errno(s->stmt) == ER_NEED_REPREPARE ||
            mysql_stmt_errno(s->stmt) == ER_UNKNOWN_STMT_HANDLER)
            s->kept = false;
    }
    if (status == CCD_OK && call->out_affected)
        *call->out_affected = (int64_t)mysql_stmt_affected_rows(s->stmt);
    if (status == CCD_OK && mysql_stmt_field_count(s->stmt) > 0)
        status = result_of_statement(c, s->stmt, call, err);
    mem_free(allocator, binds);
    return status;
}

static int run_literal(struct mysql_connection *c, const struct sql_call *call,
                       struct ccd_error *err)
{
    struct buf sql;
    buf_init(&sql, c->packet_max_bytes, c->base.target->allocator);
    int status = literal_statement(&sql, call) == 0 ? CCD_OK : mysql_too_large(c, call->doing, err);
    if (status == CCD_OK && mysql_real_query(c->mysql, sql.data, sql.len) != 0)
        status = mysql_fail_last(c, call->doing, err);
    if (status == CCD_OK && call->out_affected)
        *call->out_affected = (int64_t)mysql_affected_rows(c->mysql);
    if (status == CCD_OK && mysql_field_count(c->mysql) > 0)
        status = result_of_text(c, call, err);
    buf_release(&sql);
    return status;
}

int mysql_run(struct sql_connection *base, const struct sql_call *call, struct ccd_error *err)
{
    struct mysql_connection *c = connection_of(base);
    if (call->once && call->parameter_count == 0 && !call->sink.row) {
        int done = mysql_text(c, call->sql, strlen(call->sql), call->doing, err);
        if (done == CCD_OK && call->out_affected)
            *call->out_affected = (int64_t)mysql_affected_rows(c->mysql);
        return done;
    }
    struct statement *s = NULL;
    int status = statement_take(c, call->sql, !call->once, call->doing, &s, err);
    if (status != CCD_OK)
        return status;
    if (!s)
        return run_literal(c, call, err);
    status = run_prepared(c, s, call, err);
    statement_give(c, s);
    return status;
}
