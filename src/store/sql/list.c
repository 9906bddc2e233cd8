#include <inttypes.h>
#include <string.h>

#include "store/sql/store.h"

enum { SERIES_PER_CALL = 100, LIST_TEXT_MAX_BYTES = 64 << 20, NAME_COLUMNS = 4 };

/* Some of the series, kept, so that who is given them may use the store meanwhile and a connection
 * may break between two calls. */
struct list {
    const struct data_type *type;
    struct attribute_set set;
    struct series_names *names; /* of SERIES_PER_CALL */
    struct value *values;       /* set.count of each */
    int64_t *ts;
    size_t *text_offsets; /* of the values that are texts */
    struct buf text;
    size_t count;
    char last_market[MARKET_MAX_BYTES]; /* where the next part begins */
    char last_instrument[INSTRUMENT_MAX_BYTES];
};

static int list_init(struct list *k, const struct data_type *type,
                     const struct allocator *allocator, struct ccd_error *err)
{
    *k = (struct list){.type = type};
    buf_init(&k->text, LIST_TEXT_MAX_BYTES, allocator);
    if (!attribute_set_init(&k->set))
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    size_t cells = SERIES_PER_CALL * k->set.count;
    k->names = mem_new(allocator, SERIES_PER_CALL, sizeof(*k->names));
    k->values = mem_new(allocator, cells, sizeof(*k->values));
    k->ts = mem_new(allocator, cells, sizeof(*k->ts));
    k->text_offsets = mem_new(allocator, cells, sizeof(*k->text_offsets));
    if (!k->names || !k->values || !k->ts || !k->text_offsets)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of series");
    return CCD_OK;
}

static void list_release(struct list *k)
{
    const struct allocator *allocator = k->text.allocator;
    mem_free(allocator, k->names);
    mem_free(allocator, k->values);
    mem_free(allocator, k->ts);
    mem_free(allocator, k->text_offsets);
    buf_release(&k->text);
}

/* ---- reading ---- */

static int keep_attribute(struct list *k, size_t at, const struct value *value,
                          const struct value *ts, struct ccd_error *err)
{
    k->values[at] = *value;
    k->ts[at] = ts->kind == VALUE_I64 ? ts->i64 : 0;
    if (value->kind != VALUE_TEXT)
        return CCD_OK;
    k->text_offsets[at] = k->text.len;
    if (buf_add(&k->text, value->text.ptr, value->text.len) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for the attributes of series");
    return CCD_OK;
}

static bool copy_text(char *out, size_t capacity, const struct value *value)
{
    return value->kind == VALUE_TEXT && str_copy(out, capacity, value->text);
}

static int take_series(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct list *k = user;
    if (count != NAME_COLUMNS + 2 * k->set.count || k->count == SERIES_PER_CALL)
        return error_set(err, CCD_INTERNAL, "a series has %zu columns", count);
    struct series_names *names = &k->names[k->count];
    *names = (struct series_names){.series_id = values[0].kind == VALUE_I64 ? values[0].i64 : 0};
    if (!copy_text(names->market, sizeof(names->market), &values[1]) ||
        !copy_text(names->instrument, sizeof(names->instrument), &values[2]) ||
        !copy_text(names->mapped_instrument, sizeof(names->mapped_instrument), &values[3])) {
        return error_set(err, CCD_DATABASE_DATA, "series %" PRId64 " has too long a name",
                         names->series_id);
    }
    int status = CCD_OK;
    for (size_t i = 0; i < k->set.count && status == CCD_OK; i++) {
        status = keep_attribute(k, k->count * k->set.count + i, &values[NAME_COLUMNS + 2 * i],
                                &values[NAME_COLUMNS + 1 + 2 * i], err);
    }
    k->count++;
    return status;
}

static void write_select(struct buf *sql, const struct sql_connection *c, const struct list *k)
{
    buf_add_text(sql, "SELECT series_id, market, instrument, mapped_instrument");
    sql_add_attribute_columns(sql, c, &k->set);
    buf_printf(sql,
               " FROM dim_series WHERE data_type = ?1 AND market >= ?2 AND (market > ?2 OR"
               " instrument > ?3) ORDER BY market, instrument LIMIT %d",
               SERIES_PER_CALL);
}

static int read_part(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct list *k = context;
    struct buf sql;
    k->count = 0;
    buf_clear(&k->text);
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    write_select(&sql, c, k);
    const struct value parameters[] = {
        value_text(str_from(k->type->name)),
        value_text(str_from(k->last_market)),
        value_text(str_from(k->last_instrument)),
    };
    int status = sql_run_text(c, "list the series in", &sql, parameters, 3,
                              &(struct sql_sink){take_series, k}, err);
    buf_release(&sql);
    return status;
}

/* ---- giving ---- */

static void point_at_texts(struct list *k)
{
    for (size_t i = 0; i < k->count * k->set.count; i++)
        if (k->values[i].kind == VALUE_TEXT)
            k->values[i].text.ptr = k->text.data ? k->text.data + k->text_offsets[i] : "";
}

static int give_part(struct list *k,
                     int (*add)(void *user, const struct store_series *series,
                                struct ccd_error *err),
                     void *user, struct ccd_error *err)
{
    int status = CCD_OK;
    point_at_texts(k);
    for (size_t i = 0; i < k->count && status == CCD_OK; i++) {
        const struct store_series series = {
            .names = &k->names[i],
            .attributes = &k->values[i * k->set.count],
            .attribute_ts = &k->ts[i * k->set.count],
            .attribute_count = k->set.count,
        };
        status = add(user, &series, err);
    }
    return status;
}

int sql_each_series(struct store *store, const struct data_type *type,
                    int (*add)(void *user, const struct store_series *series,
                               struct ccd_error *err),
                    void *user, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct list k = {0};
    if (s->empty)
        return CCD_OK;
    int status = list_init(&k, type, s->target.allocator, err);
    bool more = true;
    while (status == CCD_OK && more) {
        status = sql_store_do(s, &(struct sql_task){.run = read_part, .context = &k}, err);
        more = k.count == SERIES_PER_CALL;
        if (status == CCD_OK && more) {
            memcpy(k.last_market, k.names[k.count - 1].market, sizeof(k.last_market));
            memcpy(k.last_instrument, k.names[k.count - 1].instrument, sizeof(k.last_instrument));
        }
        if (status == CCD_OK)
            status = give_part(&k, add, user, err);
    }
    list_release(&k);
    return status;
}

/* ---- removing ---- */

struct remove_call {
    const struct data_type *type;
    int64_t series_id;
};

static int delete_from(struct sql_connection *c, const char *table, int64_t series_id,
                       struct ccd_error *err)
{
    struct buf sql;
    const struct value id = value_i64(series_id);
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "DELETE FROM ");
    sql_add_name(&sql, c, table);
    buf_add_text(&sql, " WHERE series_id = ?1");
    int status = sql_run_text(c, "remove a series from", &sql, &id, 1, NULL, err);
    buf_release(&sql);
    return status;
}

static int remove_rows(struct sql_connection *c, void *context, struct ccd_error *err)
{
    static const char *const tables[] = {"ccdata_coverage", "ccdata_revisions",
                                         "ccdata_quarantine"};
    const struct remove_call *call = context;
    int status = CCD_OK;
    for (int i = 0; i < INTERVAL_COUNT && status == CCD_OK; i++) {
        char fact[64];
        store_fact_name(call->type, (enum interval)i, fact, sizeof(fact));
        status = delete_from(c, fact, call->series_id, err);
    }
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && status == CCD_OK; i++)
        status = delete_from(c, tables[i], call->series_id, err);
    return status;
}

static int remove_name(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct remove_call *call = context;
    return SQL_RUN(c, "remove a series from",
                   "DELETE FROM dim_series WHERE series_id = ?1 AND data_type = ?2", err,
                   value_i64(call->series_id), value_text(str_from(call->type->name)));
}

static int remove_all(struct sql_connection *c, void *context, struct ccd_error *err)
{
    int status = remove_rows(c, context, err);
    if (status == CCD_OK && !c->dialect->dimension_apart)
        status = remove_name(c, context, err);
    return status;
}

int sql_remove_series(struct store *store, const struct data_type *type, int64_t series_id,
                      struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct remove_call call = {type, series_id};
    if (type->shape != SHAPE_CANDLES)
        return error_set(err, CCD_INTERNAL, "%s has no series", type->name);
    atomic_fetch_add(&s->removals, 1);
    struct sql_task rows = {.run = remove_all, .context = &call, .writes = true};
    int status = sql_store_do(s, &rows, err);
    if (status == CCD_OK && s->dialect->dimension_apart) {
        struct sql_task name = {
            .run = remove_name, .context = &call, .writes = true, .apart = true};
        status = sql_store_do(s, &name, err);
    }
    return status;
}
