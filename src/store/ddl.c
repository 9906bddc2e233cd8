#include "store/ddl.h"

#include <inttypes.h>
#include <string.h>

enum { SQL_MAX_BYTES = 64 * 1024, NAME_MAX_BYTES = 64 };

/* What is being written. */
struct writer {
    const struct dialect *d;
    const struct attribute_set *attributes;
    const struct data_type *type; /* of a fact table, view or catalogue table */
    enum interval interval;
    struct buf sql;
    bool first; /* no column of the current list was written yet */
};

static void add(struct writer *w, const char *text)
{
    buf_add_text(&w->sql, text);
}

static void add_name(struct writer *w, const char *name)
{
    identifier_add(&w->sql, w->d, name);
}

/* Begin the next member of a list in brackets. */
static void next(struct writer *w)
{
    add(w, w->first ? "\n  " : ",\n  ");
    w->first = false;
}

static void begin_table(struct writer *w, const char *name)
{
    add(w, "CREATE TABLE ");
    add_name(w, name);
    add(w, " (");
    w->first = true;
}

static void end_table(struct writer *w, const char *primary_key, const char *tail)
{
    if (primary_key) {
        next(w);
        buf_printf(&w->sql, "PRIMARY KEY (%s)", primary_key);
    }
    add(w, "\n)");
    add(w, tail);
}

static void add_column(struct writer *w, const char *name, const char *type, const char *rule)
{
    next(w);
    add_name(w, name);
    buf_printf(&w->sql, " %s%s", type, rule);
}

static void add_value_column(struct writer *w, const char *name, enum column_kind kind,
                             const char *rule)
{
    next(w);
    add_name(w, name);
    add(w, w->d->value_types[kind]);
    add(w, rule);
}

static void write_schema(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "version", w->d->integer, " NOT NULL");
    add_column(w, "settle_s", w->d->integer, " NOT NULL");
    end_table(w, NULL, "");
}

/* A value and, in `…_ts`, the row it came from: the newest row wins in any order of arrival. */
static void write_series(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "series_id", w->d->integer, " NOT NULL");
    add_column(w, "data_type", w->d->name_text, " NOT NULL");
    add_column(w, "market", w->d->name_text, " NOT NULL");
    add_column(w, "instrument", w->d->name_text, " NOT NULL");
    add_column(w, "mapped_instrument", w->d->name_text, " NOT NULL");
    for (size_t i = 0; i < w->attributes->count; i++) {
        const struct attribute *a = &w->attributes->items[i];
        char ts_name[NAME_MAX_BYTES];
        w->sql.failed |= !str_print(ts_name, sizeof(ts_name), "%s_ts", a->name);
        add_value_column(w, a->name, a->kind, "");
        add_column(w, ts_name, w->d->integer, "");
    }
    add(w, ",\n  UNIQUE (data_type, market, instrument)");
    add(w, ",\n  UNIQUE (data_type, market, mapped_instrument)");
    end_table(w, "series_id", "");
}

static void write_coverage(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "series_id", w->d->integer, " NOT NULL");
    add_column(w, "step_s", w->d->integer, " NOT NULL");
    add_column(w, "from_ts", w->d->integer, " NOT NULL");
    add_column(w, "to_ts", w->d->integer, " NOT NULL");
    add_column(w, "state", w->d->name_text, " NOT NULL CHECK (state IN (");
    for (int i = 0; i < COVERAGE_STATE_COUNT; i++)
        buf_printf(&w->sql, "%s'%s'", i ? ", " : "", coverage_state_name((enum coverage_state)i));
    add(w, "))");
    add_column(w, "asked_utc_s", w->d->integer, " NOT NULL");
    add_column(w, "next_check_utc_s", w->d->integer, "");
    end_table(w, NULL, "");
}

static void write_coverage_index(struct writer *w, const char *name)
{
    add(w, "CREATE INDEX ");
    add_name(w, name);
    add(w, " ON ccdata_coverage (series_id, step_s)");
}

/* step_s and ts are NULL for a change of dim_series. */
static void write_revisions(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "series_id", w->d->integer, " NOT NULL");
    add_column(w, "step_s", w->d->integer, "");
    add_column(w, "ts", w->d->integer, "");
    add_column(w, "column_name", w->d->name_text, " NOT NULL");
    add_column(w, "old_value", w->d->long_text, "");
    add_column(w, "new_value", w->d->long_text, "");
    add_column(w, "seen_utc_s", w->d->integer, " NOT NULL");
    add_column(w, "run_id", w->d->name_text, "");
    end_table(w, NULL, "");
}

/* The key is the whole finding, so that a record that is refused again and again is kept once. */
static void write_quarantine(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "series_id", w->d->integer, " NOT NULL");
    add_column(w, "step_s", w->d->integer, " NOT NULL");
    add_column(w, "ts", w->d->integer, " NOT NULL");
    add_column(w, "reason", w->d->name_text, " NOT NULL");
    add_column(w, "record", w->d->name_text, " NOT NULL");
    add_column(w, "seen_utc_s", w->d->integer, " NOT NULL");
    add_column(w, "run_id", w->d->name_text, "");
    end_table(w, "series_id, step_s, ts, reason, record", w->d->keyed_table);
}

static void write_catalogue(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "data_type", w->d->name_text, " NOT NULL");
    add_column(w, "market", w->d->name_text, " NOT NULL");
    add_column(w, "asked_utc_s", w->d->integer, " NOT NULL");
    end_table(w, "data_type, market", w->d->keyed_table);
}

static void write_fact(struct writer *w, const char *name)
{
    begin_table(w, name);
    add_column(w, "series_id", w->d->integer, " NOT NULL");
    add_column(w, "ts", w->d->integer, " NOT NULL");
    for (size_t i = 0; i < w->type->column_count; i++) {
        const struct column *column = &w->type->columns[i];
        if (column_is_fact(column))
            add_value_column(w, column->name, column->kind, "");
    }
    add_column(w, "collected_at", w->d->integer, " NOT NULL");
    end_table(w, "series_id, ts", w->d->keyed_table);
}

static void add_view_column(struct writer *w, const char *table, const char *name)
{
    next(w);
    add(w, table);
    add_name(w, name);
}

static void add_vendor_field(struct writer *w, const struct column *column)
{
    const uint32_t identity = COLUMN_TS | COLUMN_MARKET | COLUMN_INSTRUMENT |
                              COLUMN_MAPPED; /* they lead the row */
    if (column->flags & identity)
        return;
    next(w);
    if (column->flags & COLUMN_UNIT) {
        buf_printf(&w->sql, "'%s' AS ", interval_infos[w->interval].unit_echo);
        add_name(w, column->name);
    } else if (column->flags & COLUMN_SERIES) {
        add(w, "d.");
        add_name(w, column->name);
    } else {
        add(w, w->d->read_open[column->kind]);
        add(w, "f.");
        add_name(w, column->name);
        add(w, w->d->read_close[column->kind]);
        add(w, " AS ");
        add_name(w, column->name);
    }
}

static void write_view(struct writer *w, const char *name)
{
    const struct data_type *type = w->type;
    char fact[NAME_MAX_BYTES];
    w->sql.failed |= !store_fact_name(type, w->interval, fact, sizeof(fact));
    add(w, "CREATE VIEW ");
    add_name(w, name);
    add(w, " AS SELECT");
    w->first = true;
    add_view_column(w, "f.", "ts");
    add_view_column(w, "d.", "market");
    add_view_column(w, "d.", "instrument");
    add_view_column(w, "d.", type->splits_instrument ? "base" : "mapped_instrument");
    if (type->splits_instrument)
        add_view_column(w, "d.", "quote");
    for (size_t i = 0; i < type->column_count; i++)
        add_vendor_field(w, &type->columns[i]);
    add_view_column(w, "f.", "collected_at");
    next(w);
    buf_printf(&w->sql,
               "f.collected_at >= f.ts + %" PRId64
               " + (SELECT settle_s FROM ccdata_schema) AS is_final",
               interval_infos[w->interval].step_s);
    int trades = data_type_column_flagged(type, COLUMN_TRADES);
    if (trades >= 0) {
        add_view_column(w, "f.", type->columns[trades].name);
        add(w, " = 0 AS is_filled");
    }
    add(w, "\nFROM dim_series d ");
    add(w, w->d->view_join);
    add(w, " ");
    add_name(w, fact);
    buf_printf(&w->sql, " f\nWHERE d.data_type = '%s' AND f.series_id = d.series_id", type->name);
}

static void write_instruments(struct writer *w, const char *name)
{
    begin_table(w, name);
    for (size_t i = 0; i < w->type->column_count; i++) {
        const struct column *column = &w->type->columns[i];
        bool key = column->flags & COLUMN_KEY;
        add_value_column(w, column->name, column->kind, key ? " NOT NULL" : "");
    }
    add_column(w, "created_at", w->d->integer, " NOT NULL");
    add_column(w, "updated_at", w->d->integer, " NOT NULL");
    end_table(w, "market, instrument", w->d->keyed_table);
}

struct fixed_object {
    enum ddl_kind kind;
    const char *name;
    void (*write)(struct writer *w, const char *name);
};

static const struct fixed_object fixed_objects[] = {
    {DDL_TABLE, "ccdata_schema", write_schema},
    {DDL_TABLE, "dim_series", write_series},
    {DDL_TABLE, "ccdata_coverage", write_coverage},
    {DDL_INDEX, "ccdata_coverage_series", write_coverage_index},
    {DDL_TABLE, "ccdata_revisions", write_revisions},
    {DDL_TABLE, "ccdata_quarantine", write_quarantine},
    {DDL_TABLE, "ccdata_catalogue", write_catalogue},
};

struct visitor {
    int (*visit)(void *user, const struct ddl_object *object, struct ccd_error *err);
    void *user;
};

static int give(struct writer *w, const struct visitor *v, const struct fixed_object *o,
                struct ccd_error *err)
{
    buf_clear(&w->sql);
    o->write(w, o->name);
    if (w->sql.failed)
        return error_set(err, CCD_NO_MEMORY, "no memory for the schema of %s", o->name);
    return v->visit(v->user, &(struct ddl_object){o->kind, o->name, w->sql.data}, err);
}

static int give_candles(struct writer *w, const struct visitor *v, struct ccd_error *err)
{
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        char fact[NAME_MAX_BYTES];
        char view[NAME_MAX_BYTES];
        w->interval = (enum interval)i;
        if (!store_fact_name(w->type, w->interval, fact, sizeof(fact)) ||
            !store_view_name(w->type, w->interval, view, sizeof(view)))
            return error_set(err, CCD_INTERNAL, "%s is too long a name", w->type->name);
        int status = give(w, v, &(struct fixed_object){DDL_TABLE, fact, write_fact}, err);
        if (status == CCD_OK)
            status = give(w, v, &(struct fixed_object){DDL_VIEW, view, write_view}, err);
        if (status != CCD_OK)
            return status;
    }
    return CCD_OK;
}

int ddl_each(enum store_dialect dialect, const struct allocator *allocator,
             int (*visit)(void *user, const struct ddl_object *object, struct ccd_error *err),
             void *user, struct ccd_error *err)
{
    struct attribute_set attributes;
    if (!attribute_set_init(&attributes))
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    struct visitor v = {visit, user};
    struct writer w = {.d = dialect_of(dialect), .attributes = &attributes};
    buf_init(&w.sql, SQL_MAX_BYTES, allocator);
    int status = CCD_OK;
    for (size_t i = 0; i < sizeof(fixed_objects) / sizeof(fixed_objects[0]) && status == CCD_OK;
         i++)
        status = give(&w, &v, &fixed_objects[i], err);
    for (size_t i = 0; i < data_type_count && status == CCD_OK; i++) {
        w.type = data_types[i];
        status = w.type->shape == SHAPE_CANDLES
                     ? give_candles(&w, &v, err)
                     : give(&w, &v,
                            &(struct fixed_object){DDL_TABLE, w.type->name, write_instruments},
                            err);
    }
    buf_release(&w.sql);
    return status;
}

static int add_statement(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct buf *out = user;
    buf_add_text(out, object->sql);
    if (buf_add_text(out, ";\n\n") != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for the schema");
    return CCD_OK;
}

int store_write_ddl(enum store_dialect dialect, struct buf *out)
{
    struct ccd_error err;
    if ((unsigned)dialect >= DIALECT_COUNT)
        return CCD_USAGE;
    return ddl_each(dialect, out->allocator, add_statement, out, &err);
}
