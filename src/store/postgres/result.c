#include <endian.h>
#include <string.h>

#include "store/postgres/internal.h"

/* Of pg_type; fixed for ever, as the documentation of the catalogue says of built-in types. */
enum {
    TYPE_BOOL = 16,
    TYPE_NAME = 19,
    TYPE_I64 = 20,
    TYPE_I16 = 21,
    TYPE_I32 = 23,
    TYPE_TEXT = 25,
    TYPE_F32 = 700,
    TYPE_F64 = 701,
    TYPE_VARCHAR = 1043,
};

bool postgres_is_binary(Oid type)
{
    switch (type) {
    case TYPE_BOOL:
    case TYPE_NAME:
    case TYPE_I64:
    case TYPE_I16:
    case TYPE_I32:
    case TYPE_TEXT:
    case TYPE_F32:
    case TYPE_F64:
    case TYPE_VARCHAR:
        return true;
    default:
        return false;
    }
}

static uint16_t read_16(const char *bytes)
{
    uint16_t word;
    memcpy(&word, bytes, sizeof(word));
    return be16toh(word);
}

static uint32_t read_32(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return be32toh(word);
}

static uint64_t read_64(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return be64toh(word);
}

static double f64_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double f32_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

static struct value binary_value(Oid type, const char *bytes, size_t len)
{
    switch (type) {
    case TYPE_BOOL:
        return value_i64(bytes[0] != 0);
    case TYPE_I16:
        return value_i64((int16_t)read_16(bytes));
    case TYPE_I32:
        return value_i64((int32_t)read_32(bytes));
    case TYPE_I64:
        return value_i64((int64_t)read_64(bytes));
    case TYPE_F32:
        return value_f64(f32_of_bits(read_32(bytes)));
    case TYPE_F64:
        return value_f64(f64_of_bits(read_64(bytes)));
    default:
        return value_text((struct str){bytes, len});
    }
}

/* A value that we cannot read as what it is stays a text: "NaN", a numeric, a date. */
static struct value text_value(Oid type, const char *bytes, size_t len)
{
    struct str text = {bytes, len};
    int64_t i64;
    double f64;
    switch (type) {
    case TYPE_BOOL:
        return value_i64(str_equal(text, STR("t")));
    case TYPE_I16:
    case TYPE_I32:
    case TYPE_I64:
        return str_to_i64(text, &i64) ? value_i64(i64) : value_text(text);
    case TYPE_F32:
    case TYPE_F64:
        return str_to_f64(text, &f64) ? value_f64(f64) : value_text(text);
    default:
        return value_text(text);
    }
}

/* Five calls into libpq per value were a tenth of the cost of a row; two are left. */
static void read_row(const struct postgres *c, const PGresult *result, int row, int count)
{
    for (int i = 0; i < count; i++) {
        size_t len = (size_t)PQgetlength(result, row, i);
        if (len == 0 && PQgetisnull(result, row, i)) {
            c->values[i] = value_null();
            continue;
        }
        const char *bytes = PQgetvalue(result, row, i);
        const struct postgres_column *column = &c->columns[i];
        c->values[i] = column->binary ? binary_value(column->type, bytes, len)
                                      : text_value(column->type, bytes, len);
    }
}

static int grow(struct postgres *c, size_t count, struct ccd_error *err)
{
    if (count <= c->column_capacity)
        return CCD_OK;
    const struct allocator *allocator = c->base.target->allocator;
    struct value *values = mem_resize(allocator, c->values, count, sizeof(*values));
    c->values = values ? values : c->values;
    struct postgres_column *columns = mem_resize(allocator, c->columns, count, sizeof(*columns));
    c->columns = columns ? columns : c->columns;
    if (!values || !columns)
        return error_set(err, CCD_NO_MEMORY, "no memory for a row of %zu columns", count);
    c->column_capacity = count;
    return CCD_OK;
}

/* All rows of a statement have the same columns, though each is a result of its own. */
static int know_columns(struct postgres *c, const PGresult *result, struct ccd_error *err)
{
    int count = PQnfields(result);
    if (c->columns_known)
        return CCD_OK;
    int status = grow(c, (size_t)count, err);
    for (int i = 0; i < count && status == CCD_OK; i++)
        c->columns[i] = (struct postgres_column){PQftype(result, i), PQfformat(result, i) == 1};
    c->columns_known = status == CCD_OK;
    return status;
}

static int give_rows(struct postgres *c, const PGresult *result, const struct sql_sink *sink,
                     struct ccd_error *err)
{
    int count = PQnfields(result);
    int status = know_columns(c, result, err);
    for (int row = 0; row < PQntuples(result) && status == CCD_OK; row++) {
        read_row(c, result, row, count);
        status = sink->row(sink->user, c->values, (size_t)count, err);
    }
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        c->columns_known = false; /* another statement of the same text may follow */
    return status;
}

static int take_result(struct postgres *c, PGresult *result, const struct sql_call *call,
                       struct ccd_error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
        if (call->out_affected && !str_to_i64(str_from(PQcmdTuples(result)), call->out_affected))
            *call->out_affected = 0;
        return CCD_OK;
    case PGRES_EMPTY_QUERY:
        return CCD_OK;
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        return call->sink.row ? give_rows(c, result, &call->sink, err) : CCD_OK;
    default:
        return postgres_error(c, result, call->doing, err);
    }
}

/* What comes after the first failure, or after enough, is received and dropped: a request to cancel
 * would end the transaction. A COPY that somebody wrote into a statement never ends by itself. */
int postgres_take_results(struct postgres *c, const struct sql_call *call, struct ccd_error *err)
{
    int status = CCD_OK;
    bool answered = false;
    bool stuck = false;
    c->columns_known = false;
    for (PGresult *result; !stuck && (result = postgres_next_result(c)) != NULL; PQclear(result)) {
        answered = true;
        stuck = PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT;
        if (status == CCD_OK)
            status = take_result(c, result, call, err);
    }
    if (stuck || PQstatus(c->pg) == CONNECTION_BAD)
        c->base.broken = true;
    if (status == CCD_OK && (c->base.broken || !answered))
        status = postgres_error(c, NULL, call->doing, err);
    return status == SQL_ENOUGH ? CCD_OK : status;
}
