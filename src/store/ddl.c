#include "store/ddl.h"

#include <inttypes.h>
#include <string.h>

#include "store/legacy.h"
#include "store/list_keys.h"
#include "store/run_columns.h"

enum { SQL_MAX_BYTES = 64 * 1024 };

/* What is being written. */
struct writer {
    const struct ddl_options *options;
    const struct dialect *d;
    const struct attribute_set *attributes;
    char attribute_ts[ATTRIBUTE_MAX][DDL_NAME_MAX_BYTES]; /* "base_ts" … */
    const struct data_type *type;                         /* of a fact table, view or catalogue */
    enum interval interval;
    struct ddl_table table;
    struct buf sql;
    bool failed; /* the registry has a table that makes no sense */
    bool first;  /* no column of the current list was written yet */
    int (*visit)(void *user, const struct ddl_object *object, struct ccd_error *err);
    void *user;
};

/* ---- tables as data ---- */

static struct ddl_column *column(struct ddl_table *t, const char *name, enum ddl_type type)
{
    struct ddl_column *c = &t->columns[t->column_count++];
    *c = (struct ddl_column){.name = name, .type = type};
    return c;
}

static void needed(struct ddl_table *t, const char *name, enum ddl_type type)
{
    column(t, name, type)->not_null = true;
}

static void key(struct ddl_table *t, const char *name)
{
    t->key[t->key_count++] = name;
}

static void unique(struct ddl_table *t, const char *a, const char *b, const char *c)
{
    const char **names = t->uniques[t->unique_count++];
    names[0] = a;
    names[1] = b;
    names[2] = c;
}

static void shape_schema(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_DIMENSION;
    needed(t, "version", DDL_I64);
    needed(t, "settle_s", DDL_I64);
    key(t, "version");
}

/* What the self test has proved of this server. */
static void shape_proofs(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_DIMENSION;
    needed(t, "name", DDL_WORD);
    needed(t, "holds", DDL_BOOL);
    needed(t, "proven_utc_s", DDL_I64);
    key(t, "name");
}

/* Whoever has written to a row in an open transaction has the lock. */
static void shape_locks(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_LOCKS;
    needed(t, "name", DDL_WORD);
    needed(t, "held", DDL_I64);
    key(t, "name");
}

/* A value and, in `…_ts`, the row it came from: the newest row wins in any order of arrival. */
static void shape_series(struct writer *w, struct ddl_table *t)
{
    t->place = DDL_DIMENSION;
    needed(t, "series_id", DDL_I64);
    needed(t, "data_type", DDL_WORD);
    needed(t, "market", DDL_WORD);
    needed(t, "instrument", DDL_NAME);
    needed(t, "mapped_instrument", DDL_NAME);
    for (size_t i = 0; i < w->attributes->count; i++) {
        column(t, w->attributes->items[i].name, ddl_type_of(w->attributes->items[i].kind));
        column(t, w->attribute_ts[i], DDL_I64);
    }
    unique(t, "data_type", "market", "instrument");
    unique(t, "data_type", "market", "mapped_instrument");
    key(t, "series_id");
}

static void shape_coverage(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_SERIES;
    needed(t, "series_id", DDL_I64);
    needed(t, "step_s", DDL_I64);
    needed(t, "from_ts", DDL_I64);
    needed(t, "to_ts", DDL_I64);
    needed(t, "state", DDL_WORD);
    t->columns[t->column_count - 1].is_state = true;
    needed(t, "asked_utc_s", DDL_I64);
    column(t, "next_check_utc_s", DDL_I64);
    t->index_name = "ccdata_coverage_series";
    t->index[t->index_count++] = "series_id";
    t->index[t->index_count++] = "step_s";
}

/* step_s and ts are NULL for a change of dim_series. */
static void shape_revisions(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_SERIES;
    needed(t, "series_id", DDL_I64);
    column(t, "step_s", DDL_I64);
    column(t, "ts", DDL_I64);
    needed(t, "column_name", DDL_WORD);
    column(t, "old_value", DDL_TEXT);
    column(t, "new_value", DDL_TEXT);
    needed(t, "seen_utc_s", DDL_I64);
    column(t, "run_id", DDL_WORD);
}

/* The key is the whole finding, so that a record that is refused again and again is kept once; a
 * record is too long for a key everywhere, so its hash stands for reason and record. */
static void shape_quarantine(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_SERIES;
    needed(t, "series_id", DDL_I64);
    needed(t, "step_s", DDL_I64);
    needed(t, "ts", DDL_I64);
    needed(t, "record_hash", DDL_I64);
    needed(t, "reason", DDL_TEXT);
    needed(t, "record", DDL_TEXT);
    needed(t, "seen_utc_s", DDL_I64);
    column(t, "run_id", DDL_WORD);
    key(t, "series_id");
    key(t, "step_s");
    key(t, "ts");
    key(t, "record_hash");
}

static void shape_catalogue(struct writer *w, struct ddl_table *t)
{
    (void)w;
    t->place = DDL_DIMENSION;
    needed(t, "data_type", DDL_WORD);
    needed(t, "market", DDL_WORD);
    needed(t, "asked_utc_s", DDL_I64);
    key(t, "data_type");
    key(t, "market");
}

static void shape_fact(struct writer *w, struct ddl_table *t)
{
    t->place = DDL_FACT;
    needed(t, "series_id", DDL_I64);
    needed(t, "ts", DDL_MOMENT);
    for (size_t i = 0; i < w->type->column_count; i++)
        if (column_is_fact(&w->type->columns[i]))
            column(t, w->type->columns[i].name, ddl_type_of(w->type->columns[i].kind));
    needed(t, "collected_at", DDL_MOMENT);
    key(t, "series_id");
    key(t, "ts");
}

/* The market is a word of 64 characters, as in dim_series; so are the other texts of the key but
 * the last one, which is a name: MySQL's keys have at most 3072 bytes. */
static enum ddl_type key_type(const struct data_type *table, const struct list_keys *keys,
                              size_t at)
{
    const struct column *c = &table->columns[keys->columns[at]];
    bool is_last = true;
    if (c->kind != COLUMN_TEXT)
        return ddl_type_of(c->kind);
    for (size_t i = at + 1; i < keys->count; i++)
        is_last &= table->columns[keys->columns[i]].kind != COLUMN_TEXT;
    return is_last && strcmp(c->name, "market") != 0 ? DDL_NAME : DDL_WORD;
}

/* is_listed stands last: a table of schema 2 got it later than the rest. */
static void shape_list(struct writer *w, struct ddl_table *t)
{
    struct list_keys keys;
    w->failed |= !list_keys_init(&keys, w->type);
    t->place = w->type->shape == SHAPE_SNAPSHOTS ? DDL_SNAPSHOTS : DDL_DIMENSION;
    for (size_t i = 0; i < w->type->column_count && !w->failed; i++) {
        const struct column *c = &w->type->columns[i];
        size_t at = 0;
        while (at < keys.count && keys.columns[at] != i)
            at++;
        if (at < keys.count)
            needed(t, c->name, key_type(w->type, &keys, at));
        else if ((int)i != keys.listed)
            column(t, c->name, ddl_type_of(c->kind));
    }
    needed(t, "created_at", DDL_MOMENT);
    needed(t, "updated_at", DDL_MOMENT);
    if (keys.listed >= 0)
        column(t, w->type->columns[keys.listed].name, DDL_BOOL);
    for (size_t i = 0; i < keys.count; i++)
        key(t, w->type->columns[keys.columns[i]].name);
}

static void shape_record(const struct run_table *table, struct ddl_table *t)
{
    t->place = DDL_RUNS;
    for (size_t i = 0; i < table->count; i++) {
        const struct run_column *c = &table->columns[i];
        column(t, c->name, c->type)->not_null = !c->optional;
        if (c->is_key)
            key(t, c->name);
    }
}

static void shape_runs(struct writer *w, struct ddl_table *t)
{
    (void)w;
    shape_record(&runs_table, t);
}

static void shape_run_operations(struct writer *w, struct ddl_table *t)
{
    (void)w;
    shape_record(&run_operations_table, t);
}

static void shape_run_series(struct writer *w, struct ddl_table *t)
{
    (void)w;
    shape_record(&run_series_table, t);
}

/* ---- SQL ---- */

static void add(struct writer *w, const char *text)
{
    buf_add_text(&w->sql, text);
}

static void add_name(struct writer *w, const char *name)
{
    identifier_add(&w->sql, w->d, name);
}

/* A name where version 1 of SQLite's text has no quotes. */
static void add_listed(struct writer *w, const char *name)
{
    if (w->d->bare_lists)
        add(w, name);
    else
        add_name(w, name);
}

/* Begin the next member of a list. */
static void next(struct writer *w)
{
    add(w, w->first ? "\n  " : ",\n  ");
    w->first = false;
}

static void add_list(struct writer *w, const char *const *names, size_t count)
{
    add(w, "(");
    for (size_t i = 0; i < count; i++) {
        add(w, i ? ", " : "");
        add_listed(w, names[i]);
    }
    add(w, ")");
}

static size_t unique_columns(const char *const *names)
{
    size_t count = 0;
    while (count < DDL_KEY_MAX && names[count])
        count++;
    return count;
}

static void add_check_state(struct writer *w)
{
    add(w, " CHECK (");
    add_listed(w, "state");
    add(w, " IN (");
    for (int i = 0; i < COVERAGE_STATE_COUNT; i++)
        buf_printf(&w->sql, "%s'%s'", i ? ", " : "", coverage_state_name((enum coverage_state)i));
    add(w, "))");
}

static void write_column(struct writer *w, const struct ddl_column *c)
{
    const char *declared = w->d->types[c->type].declared;
    next(w);
    add_name(w, c->name);
    add(w, declared[0] ? " " : "");
    add(w, declared);
    add(w, c->not_null ? " NOT NULL" : "");
    if (c->is_state && w->d->checks)
        add_check_state(w);
}

static void write_keys(struct writer *w, const struct ddl_table *t)
{
    for (size_t i = 0; i < t->unique_count; i++) {
        next(w);
        add(w, "UNIQUE ");
        add_list(w, t->uniques[i], unique_columns(t->uniques[i]));
    }
    if (t->index_name && w->d->inline_indexes) {
        next(w);
        add(w, "KEY ");
        add_name(w, t->index_name);
        add(w, " ");
        add_list(w, t->index, t->index_count);
        add(w, w->d->inline_index);
    }
    if (t->key_count > 0) {
        next(w);
        add(w, "PRIMARY KEY ");
        add_list(w, t->key, t->key_count);
    }
    if (w->d->places[t->place].keys) {
        next(w);
        add(w, w->d->places[t->place].keys);
    }
}

/* A key of one integer is SQLite's rowid itself. */
static bool kept_by_key(const struct ddl_table *t, const struct dialect *d)
{
    if (!d->keyed_table || t->key_count == 0)
        return false;
    for (size_t i = 0; i < t->column_count && t->key_count == 1; i++)
        if (strcmp(t->columns[i].name, t->key[0]) == 0)
            return t->columns[i].type != DDL_I64;
    return true;
}

static void write_table(struct writer *w)
{
    const struct ddl_table *t = &w->table;
    add(w, w->d->places[t->place].create);
    add(w, w->options->if_missing ? " IF NOT EXISTS " : " ");
    add_name(w, t->name);
    add(w, " (");
    w->first = true;
    for (size_t i = 0; i < t->column_count; i++)
        write_column(w, &t->columns[i]);
    write_keys(w, t);
    add(w, "\n)");
    add(w, w->d->places[t->place].after);
    if (kept_by_key(t, w->d))
        buf_printf(&w->sql, " %s", w->d->keyed_table);
}

static void write_index(struct writer *w)
{
    const struct ddl_table *t = &w->table;
    add(w, w->options->if_missing ? "CREATE INDEX IF NOT EXISTS " : "CREATE INDEX ");
    add_name(w, t->index_name);
    add(w, " ON ");
    add_listed(w, t->name);
    add(w, " ");
    add_list(w, t->index, t->index_count);
}

/* ---- views ---- */

static void add_view_column(struct writer *w, const char *table, const char *name)
{
    next(w);
    add(w, table);
    add_name(w, name);
}

static void add_vendor_field(struct writer *w, const struct column *c)
{
    const uint32_t identity = COLUMN_TS | COLUMN_MARKET | COLUMN_INSTRUMENT |
                              COLUMN_MAPPED; /* they lead the row */
    if (c->flags & identity)
        return;
    bool as_double = c->kind == COLUMN_F64;
    next(w);
    if (c->flags & COLUMN_UNIT) {
        buf_printf(&w->sql, "'%s' AS ", interval_infos[w->interval].unit_echo);
        add_name(w, c->name);
    } else if (c->flags & COLUMN_SERIES) {
        add(w, "d.");
        add_name(w, c->name);
    } else {
        add(w, as_double ? w->d->view_f64[0] : "");
        add(w, "f.");
        add_name(w, c->name);
        add(w, as_double ? w->d->view_f64[1] : "");
        add(w, " AS ");
        add_name(w, c->name);
    }
}

static void add_is_final(struct writer *w)
{
    next(w);
    add(w, "f.");
    add_listed(w, "collected_at");
    add(w, " >= f.");
    add_listed(w, "ts");
    buf_printf(&w->sql, "%s%" PRId64 " + ", w->d->add_seconds[0],
               interval_infos[w->interval].step_s);
    if (w->d->view_joins_schema) {
        add(w, "s.");
        add_name(w, "settle_s");
    } else {
        add(w, "(SELECT settle_s FROM ccdata_schema)");
    }
    add(w, w->d->add_seconds[1]);
    add(w, " AS ");
    add_listed(w, "is_final");
}

static void add_is_filled(struct writer *w)
{
    int trades = data_type_column_flagged(w->type, COLUMN_TRADES);
    if (trades < 0)
        return;
    add_view_column(w, "f.", w->type->columns[trades].name);
    add(w, " = 0 AS ");
    add_listed(w, "is_filled");
}

/* CROSS JOIN, with its condition under WHERE: SQLite then keeps the order, so that the small table
 * leads; the others see an inner join. */
static void add_view_tables(struct writer *w, const char *fact)
{
    add(w, "\nFROM ");
    add_listed(w, "dim_series");
    add(w, " d CROSS JOIN ");
    add_name(w, fact);
    add(w, " f");
    if (w->d->view_joins_schema) {
        add(w, " LEFT JOIN ");
        add_name(w, "ccdata_schema");
        add(w, " s ON s.");
        add_name(w, "version");
        buf_printf(&w->sql, " = %d", STORE_SCHEMA_VERSION);
    }
    add(w, "\nWHERE d.");
    add_listed(w, "data_type");
    buf_printf(&w->sql, " = '%s' AND f.", w->type->name);
    add_listed(w, "series_id");
    add(w, " = d.");
    add_listed(w, "series_id");
}

static void write_view(struct writer *w, const char *name, const char *fact)
{
    const struct data_type *type = w->type;
    add(w, w->d->create_view);
    add(w, " ");
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
    add_is_final(w);
    add_is_filled(w);
    add_view_tables(w, fact);
}

/* ---- the walk ---- */

static int give(struct writer *w, const struct ddl_object *o, struct ccd_error *err)
{
    if (w->sql.failed)
        return error_set(err, CCD_NO_MEMORY, "no memory for the schema of %s", o->name);
    struct ddl_object object = *o;
    object.sql = w->sql.data;
    return w->visit(w->user, &object, err);
}

/* Its rows may be equal to each other, so only a number tells them apart; nobody reads it. */
static void number_rows(const struct dialect *d, struct ddl_table *t)
{
    if (t->key_count > 0 || !d->types[DDL_ROW].declared)
        return;
    needed(t, "row_id", DDL_ROW);
    key(t, "row_id");
}

static int give_table(struct writer *w, const char *name,
                      void (*shape)(struct writer *w, struct ddl_table *t), struct ccd_error *err)
{
    w->table = (struct ddl_table){.name = name};
    shape(w, &w->table);
    if (w->failed)
        return error_set(err, CCD_INTERNAL, "the columns of %s make no key", name);
    number_rows(w->d, &w->table);
    buf_clear(&w->sql);
    write_table(w);
    int status = give(w, &(struct ddl_object){DDL_TABLE, .name = name, .table = &w->table}, err);
    if (status != CCD_OK || !w->table.index_name || w->d->inline_indexes)
        return status;
    buf_clear(&w->sql);
    write_index(w);
    return give(w, &(struct ddl_object){DDL_INDEX, .name = w->table.index_name}, err);
}

/* Before a view where CREATE VIEW cannot replace. */
static int give_drop(struct writer *w, const struct ddl_object *view, struct ccd_error *err)
{
    if (!w->options->if_missing || w->d->view_replaces)
        return CCD_OK;
    buf_clear(&w->sql);
    add(w, "DROP VIEW IF EXISTS ");
    add_name(w, view->name);
    return give(w, view, err);
}

static int give_view(struct writer *w, const char *name, const char *fact, struct ccd_error *err)
{
    const struct ddl_object view = {DDL_VIEW, .name = name};
    int status = give_drop(w, &view, err);
    if (status != CCD_OK)
        return status;
    buf_clear(&w->sql);
    write_view(w, name, fact);
    return give(w, &view, err);
}

static int give_candles(struct writer *w, struct ccd_error *err)
{
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        char fact[DDL_NAME_MAX_BYTES];
        char view[DDL_NAME_MAX_BYTES];
        w->interval = (enum interval)i;
        if (!store_fact_name(w->type, w->interval, fact, sizeof(fact)) ||
            !store_view_name(w->type, w->interval, view, sizeof(view)))
            return error_set(err, CCD_INTERNAL, "%s is too long a name", w->type->name);
        int status = give_table(w, fact, shape_fact, err);
        if (status == CCD_OK)
            status = give_view(w, view, fact, err);
        if (status != CCD_OK)
            return status;
    }
    return CCD_OK;
}

static int give_fixed(struct writer *w, struct ccd_error *err)
{
    static const struct {
        const char *name;
        void (*shape)(struct writer *w, struct ddl_table *t);
    } tables[] = {
        {"ccdata_schema", shape_schema},
        {"dim_series", shape_series},
        {"ccdata_coverage", shape_coverage},
        {"ccdata_revisions", shape_revisions},
        {"ccdata_quarantine", shape_quarantine},
        {"ccdata_catalogue", shape_catalogue},
        {"ccdata_proofs", shape_proofs},
        {"ccdata_runs", shape_runs},
        {"ccdata_run_operations", shape_run_operations},
        {"ccdata_run_series", shape_run_series},
    };
    int status = CCD_OK;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && status == CCD_OK; i++)
        status = give_table(w, tables[i].name, tables[i].shape, err);
    if (status == CCD_OK && w->d->lock_table)
        status = give_table(w, "ccdata_locks", shape_locks, err);
    return status;
}

static int give_legacy(struct writer *w, struct ccd_error *err)
{
    for (size_t i = 0; i < legacy_view_count; i++) {
        const struct ddl_object view = {DDL_VIEW, .name = legacy_view_name(i), .legacy = true};
        int status = give_drop(w, &view, err);
        if (status != CCD_OK)
            return status;
        buf_clear(&w->sql);
        legacy_view_write(i, w->d, &w->sql);
        status = give(w, &view, err);
        if (status != CCD_OK)
            return status;
    }
    return CCD_OK;
}

static int give_all(struct writer *w, struct ccd_error *err)
{
    int status = give_fixed(w, err);
    for (size_t i = 0; i < data_type_count && status == CCD_OK; i++) {
        w->type = data_types[i];
        if (w->type->shape == SHAPE_CANDLES)
            status = give_candles(w, err);
    }
    for (size_t i = 0; i < metadata_table_count && status == CCD_OK; i++) {
        w->type = metadata_tables[i];
        status = give_table(w, w->type->name, shape_list, err);
    }
    if (status == CCD_OK && w->options->legacy_views)
        status = give_legacy(w, err);
    return status;
}

int ddl_each(const struct ddl_options *options, const struct allocator *allocator,
             int (*visit)(void *user, const struct ddl_object *object, struct ccd_error *err),
             void *user, struct ccd_error *err)
{
    struct attribute_set attributes;
    if (!attribute_set_init(&attributes))
        return error_set(err, CCD_INTERNAL, "the attributes of series contradict each other");
    struct writer w = {.options = options,
                       .d = dialect_of(options->dialect),
                       .attributes = &attributes,
                       .visit = visit,
                       .user = user};
    for (size_t i = 0; i < attributes.count; i++)
        if (!str_print(w.attribute_ts[i], sizeof(w.attribute_ts[i]), "%s_ts",
                       attributes.items[i].name))
            return error_set(err, CCD_INTERNAL, "%s is too long a name", attributes.items[i].name);
    buf_init(&w.sql, SQL_MAX_BYTES, allocator);
    int status = give_all(&w, err);
    buf_release(&w.sql);
    return status;
}

/* ---- what a check expects ---- */

static size_t place_in_key(const struct ddl_table *t, const char *name)
{
    for (size_t i = 0; i < t->key_count; i++)
        if (strcmp(t->key[i], name) == 0)
            return i + 1;
    return 0;
}

int ddl_expect(const struct ddl_table *table, const struct dialect *d, struct buf *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct ddl_column *c = &table->columns[i];
        size_t place = place_in_key(table, c->name);
        buf_printf(out, "column %s %s%s", c->name, d->types[c->type].reported,
                   c->not_null ? " NOT NULL" : "");
        if (place > 0)
            buf_printf(out, " key %zu", place);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < table->unique_count; i++) {
        buf_add_text(out, "unique (");
        for (size_t k = 0; k < unique_columns(table->uniques[i]); k++)
            buf_printf(out, "%s%s", k ? ", " : "", table->uniques[i][k]);
        buf_add_text(out, ")\n");
    }
    if (kept_by_key(table, d))
        buf_printf(out, "%s\n", d->keyed_table);
    return out->failed ? -1 : 0;
}

/* ---- the whole text ---- */

struct text {
    struct buf *out;
    bool noted; /* how the legacy views differ */
};

static int add_statement(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct text *t = user;
    if (object->legacy && !t->noted)
        buf_add_text(t->out, legacy_views_note);
    t->noted |= object->legacy;
    buf_add_text(t->out, object->sql);
    if (buf_add_text(t->out, ";\n\n") != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory for the schema");
    return CCD_OK;
}

int store_write_ddl(enum store_dialect dialect, bool legacy_views, struct buf *out)
{
    struct ccd_error err;
    struct text text = {.out = out};
    if ((unsigned)dialect >= DIALECT_COUNT)
        return CCD_USAGE;
    const struct ddl_options options = {dialect, .if_missing = true, .legacy_views = legacy_views};
    return ddl_each(&options, out->allocator, add_statement, &text, &err);
}
