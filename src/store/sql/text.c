#include "base/hash.h"
#include "store/sql/store.h"

void sql_add_name(struct buf *sql, const struct sql_connection *c, const char *name)
{
    identifier_add(sql, c->dialect, name);
}

void sql_add_moment(struct buf *sql, const struct sql_connection *c, const char *column)
{
    buf_add_text(sql, c->dialect->moment_to_s[0]);
    identifier_add(sql, c->dialect, column);
    buf_add_text(sql, c->dialect->moment_to_s[1]);
}

void sql_add_moment_parameter(struct buf *sql, const struct sql_connection *c, size_t number)
{
    buf_printf(sql, "%s?%zu%s", c->dialect->moment_from_s[0], number, c->dialect->moment_from_s[1]);
}

void sql_add_fact_columns(struct buf *sql, const struct sql_connection *c,
                          const struct data_type *type)
{
    for (size_t i = 0; i < type->column_count; i++) {
        if (column_is_fact(&type->columns[i])) {
            buf_add_text(sql, ", ");
            identifier_add(sql, c->dialect, type->columns[i].name);
        }
    }
}

void sql_add_fact_name(struct buf *sql, const struct sql_connection *c,
                       const struct data_type *type, enum interval interval)
{
    char fact[64];
    sql->failed |= !store_fact_name(type, interval, fact, sizeof(fact));
    identifier_add(sql, c->dialect, fact);
}

int sql_run_text(struct sql_connection *c, const char *doing, const struct buf *sql,
                 const struct value *parameters, size_t parameter_count,
                 const struct sql_sink *sink, struct ccd_error *err)
{
    if (sql->failed)
        return error_set(err, CCD_NO_MEMORY, "no memory to %s %s", doing, c->target->name);
    struct sql_call call = {
        .doing = doing,
        .sql = sql->data,
        .parameters = parameters,
        .parameter_count = parameter_count,
    };
    if (sink)
        call.sink = *sink;
    return c->driver->run(c, &call, err);
}

int sql_run_once(struct sql_connection *c, const char *doing, const char *sql,
                 struct ccd_error *err)
{
    return c->driver->run(c, &(struct sql_call){.doing = doing, .sql = sql, .once = true}, err);
}

int sql_ask(struct sql_connection *c, const char *doing, const char *sql,
            const struct value *parameters, size_t parameter_count,
            int (*row)(void *user, const struct value *values, size_t count, struct ccd_error *err),
            void *user, struct ccd_error *err)
{
    return c->driver->run(c,
                          &(struct sql_call){.doing = doing,
                                             .sql = sql,
                                             .parameters = parameters,
                                             .parameter_count = parameter_count,
                                             .sink = {row, user}},
                          err);
}

int64_t sql_record_hash(struct str reason, struct str record)
{
    static const char separator = 0x1f;
    uint8_t digest[32];
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, reason.ptr, reason.len);
    sha256_add(&h, &separator, 1);
    sha256_add(&h, record.ptr, record.len);
    sha256_final(&h, digest);
    uint64_t first = 0;
    for (size_t i = 0; i < sizeof(first); i++)
        first = first << 8 | digest[i];
    return (int64_t)(first >> (64 - 53));
}
