#include <inttypes.h>

#include "store/sql/store.h"

static const char doing_read[] = "read a series in";
static const char doing_write[] = "write a series to";

/* "x", "x_ts", … in the order of the set. */
void sql_add_attribute_columns(struct buf *sql, const struct sql_connection *c,
                               const struct attribute_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        char ts_name[IDENTIFIER_MAX_BYTES + 1];
        sql->failed |= !str_print(ts_name, sizeof(ts_name), "%s_ts", set->items[i].name);
        buf_add_text(sql, ", ");
        sql_add_name(sql, c, set->items[i].name);
        buf_add_text(sql, ", ");
        sql_add_name(sql, c, ts_name);
    }
}

/* ---- comparing ---- */

struct comparison {
    struct sql_attributes *a;
    bool found;
};

/* The newest row wins, whichever came first; of the same row the later version. */
static bool moves(const struct value *new_value, int64_t ts, const struct value *stored,
                  const struct value *stored_ts)
{
    if (new_value->kind == VALUE_NULL)
        return false;
    if (stored_ts->kind == VALUE_I64 && stored_ts->i64 != ts)
        return stored_ts->i64 < ts;
    bool from_no_row = stored_ts->kind == VALUE_NULL && ts == 0; /* base and quote of an index */
    return !value_equal(new_value, stored) || (stored_ts->kind == VALUE_NULL && !from_no_row);
}

static int compare_row(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct comparison *k = user;
    struct sql_attributes *a = k->a;
    if (count != 1 + 2 * a->set->count)
        return error_set(err, CCD_INTERNAL, "a series has %zu columns", count);
    k->found = true;
    for (size_t i = 0; i < a->set->count; i++) {
        a->moves[i] = moves(&a->values[i], a->ts[i], &values[1 + 2 * i], &values[2 + 2 * i]);
        a->move_count += a->moves[i];
    }
    return SQL_ENOUGH;
}

int sql_attributes_compare(struct sql_connection *c, struct sql_attributes *a, bool *out_found,
                           struct ccd_error *err)
{
    struct comparison k = {.a = a};
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "SELECT series_id");
    sql_add_attribute_columns(&sql, c, a->set);
    buf_add_text(&sql, " FROM dim_series WHERE series_id = ?1");
    a->move_count = 0;
    const struct value id = value_i64(a->series_id);
    int status = sql_run_text(c, doing_read, &sql, &id, 1, &(struct sql_sink){compare_row, &k},
                              err);
    buf_release(&sql);
    *out_found = k.found;
    return status;
}

/* ---- writing ---- */

/* "x" = CASE WHEN "x_ts" IS NULL OR "x_ts" <= ?2 THEN ?1 ELSE "x" END, and the same for "x_ts". The
 * moment is set after the value: MySQL takes what was set before for the stored. */
static void add_set(struct buf *sql, const struct sql_connection *c, const char *name, size_t value,
                    size_t ts)
{
    char ts_name[IDENTIFIER_MAX_BYTES + 1];
    sql->failed |= !str_print(ts_name, sizeof(ts_name), "%s_ts", name);
    const char *const columns[] = {name, ts_name};
    const size_t parameters[] = {value, ts};
    for (size_t i = 0; i < 2; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        sql_add_name(sql, c, columns[i]);
        buf_add_text(sql, " = CASE WHEN ");
        sql_add_name(sql, c, ts_name);
        buf_add_text(sql, " IS NULL OR ");
        sql_add_name(sql, c, ts_name);
        buf_printf(sql, " <= ?%zu THEN ?%zu ELSE ", ts, parameters[i]);
        sql_add_name(sql, c, columns[i]);
        buf_add_text(sql, " END");
    }
}

int sql_attributes_write(struct sql_connection *c, const struct sql_attributes *a,
                         struct ccd_error *err)
{
    struct value parameters[1 + 2 * ATTRIBUTE_MAX];
    size_t count = 0;
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "UPDATE dim_series SET ");
    for (size_t i = 0; i < a->set->count; i++) {
        if (!a->moves[i])
            continue;
        buf_add_text(&sql, count > 0 ? ", " : "");
        parameters[count] = a->values[i];
        parameters[count + 1] = value_i64(a->ts[i]);
        count += 2;
        add_set(&sql, c, a->set->items[i].name, count - 1, count);
    }
    buf_printf(&sql, " WHERE series_id = ?%zu", count + 1);
    parameters[count] = value_i64(a->series_id);
    int status = sql_run_text(c, doing_write, &sql, parameters, count + 1, NULL, err);
    buf_release(&sql);
    return status;
}

/* ---- members of the store ---- */

struct put_call {
    struct sql_attributes attributes;
    struct attribute_set set;
    const char *instrument;
};

static int put(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct put_call *call = context;
    bool found;
    int status = sql_attributes_compare(c, &call->attributes, &found, err);
    if (status == CCD_OK && !found) {
        return error_set(err, CCD_DATABASE_DATA, "%s has no series %s (%" PRId64 ")",
                         c->target->name, call->instrument, call->attributes.series_id);
    }
    if (status != CCD_OK || call->attributes.move_count == 0)
        return status;
    return sql_attributes_write(c, &call->attributes, err);
}

int sql_put_attributes(struct store *store, const struct store_series *series,
                       struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct put_call call = {
        .attributes = {.series_id = series->names->series_id},
        .instrument = series->names->instrument,
    };
    call.attributes.set = &call.set;
    if (!attribute_set_init(&call.set) || series->attribute_count > call.set.count)
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    for (size_t i = 0; i < series->attribute_count; i++) {
        call.attributes.values[i] = series->attributes[i];
        call.attributes.ts[i] = series->attribute_ts[i];
    }
    struct sql_task task = {.run = put, .context = &call, .writes = true, .apart = true};
    return sql_store_do(s, &task, err);
}
