#include <inttypes.h>
#include <string.h>

#include "store/ddl.h"
#include "store/sql/store.h"

enum { CREATE_ATTEMPTS_MAX = 5, LINES_MAX_BYTES = 64 * 1024, OBJECT_TEXT_MAX_BYTES = 64 * 1024 };

static const char doing[] = "check the schema of";
static const char doing_create[] = "create the schema of";

static const char *const kind_names[] = {
    [DDL_TABLE] = "table",
    [DDL_INDEX] = "index",
    [DDL_VIEW] = "view",
};

struct check {
    struct sql_connection *c;
    int64_t settle_s;
    bool create;      /* what is missing may be created */
    bool tables_only; /* a reader of ours does without views and indexes */
    int64_t version;  /* of the database, when it is older than ours; else 0 */
    bool migrating;   /* look whether the tables that a migration makes find their names free */
    bool creating;    /* what is missing is created, else only counted */
    size_t missing;
    char first_missing[64];
    /* The object at hand. */
    bool found;
    char kind[32];
    struct buf text; /* that made it, where the database keeps it */
    struct buf live; /* properties of a table, one per line */
    struct buf expected;
    /* Report: every difference instead of the first. */
    void (*add)(void *user, const struct store_difference *difference);
    void *user;
};

static void check_init(struct check *k, struct sql_connection *c)
{
    *k = (struct check){.c = c, .settle_s = c->target->settle_s};
    buf_init(&k->text, OBJECT_TEXT_MAX_BYTES, c->target->allocator);
    buf_init(&k->live, LINES_MAX_BYTES, c->target->allocator);
    buf_init(&k->expected, LINES_MAX_BYTES, c->target->allocator);
}

static void check_release(struct check *k)
{
    buf_release(&k->text);
    buf_release(&k->live);
    buf_release(&k->expected);
}

/* ---- looking ---- */

static int take_kind(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    struct check *k = user;
    k->found = count > 0 && values[0].kind == VALUE_TEXT;
    if (k->found)
        str_copy(k->kind, sizeof(k->kind), values[0].text);
    return SQL_ENOUGH;
}

static int take_text(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct check *k = user;
    if (count > 0 && values[0].kind == VALUE_TEXT &&
        buf_add(&k->text, values[0].text.ptr, values[0].text.len) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory to check the schema");
    return SQL_ENOUGH;
}

static int look_up(struct check *k, const char *name, struct ccd_error *err)
{
    const struct dialect *d = k->c->dialect;
    const struct value parameter = value_text(str_from(name));
    k->found = false;
    buf_clear(&k->text);
    int status = sql_ask(k->c, doing, d->find_object, &parameter, 1, take_kind, k, err);
    if (status == CCD_OK && k->found && d->object_text)
        status = sql_ask(k->c, doing, d->object_text, &parameter, 1, take_text, k, err);
    return status;
}

static int take_line(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct check *k = user;
    if (count > 0 && values[0].kind == VALUE_TEXT)
        buf_add(&k->live, values[0].text.ptr, values[0].text.len);
    if (buf_add_char(&k->live, '\n') != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory to check the schema");
    return CCD_OK;
}

/* Both lists of properties. */
static int describe(struct check *k, const struct ddl_table *table, struct ccd_error *err)
{
    const struct value parameter = value_text(str_from(table->name));
    buf_clear(&k->live);
    buf_clear(&k->expected);
    if (ddl_expect(table, k->c->dialect, &k->expected) != 0)
        return error_set(err, CCD_NO_MEMORY, "no memory to check the schema");
    return sql_ask(k->c, doing, k->c->dialect->describe, &parameter, 1, take_line, k, err);
}

/* ---- reporting ---- */

static void report(const struct check *k, const char *object, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void report(const struct check *k, const char *object, const char *format, ...)
{
    struct buf what;
    va_list args;
    va_start(args, format);
    buf_init(&what, LINES_MAX_BYTES, k->c->target->allocator);
    buf_vprintf(&what, format, args);
    va_end(args);
    k->add(k->user, &(struct store_difference){.object = object,
                                               .what = what.failed ? "differs" : what.data});
    buf_release(&what);
}

static struct str next_line(struct str *rest)
{
    return str_split(rest, '\n');
}

/* What a line is about: "column volume", "unique (a, b)". */
static struct str subject_of(struct str line)
{
    struct str rest = line;
    struct str first = str_split(&rest, ' ');
    if (!str_equal(first, STR("column")))
        return line;
    struct str name = str_split(&rest, ' ');
    return (struct str){line.ptr, (size_t)(name.ptr + name.len - line.ptr)};
}

/* The line of a list with the same subject; empty when there is none. */
static struct str find_line(struct str lines, struct str subject)
{
    while (lines.len > 0) {
        struct str line = next_line(&lines);
        if (str_equal(subject_of(line), subject))
            return line;
    }
    return STR("");
}

static size_t report_lines(const struct check *k, const char *table)
{
    size_t differences = 0;
    for (struct str rest = buf_str(&k->expected); rest.len > 0;) {
        struct str expected = next_line(&rest);
        struct str has = find_line(buf_str(&k->live), subject_of(expected));
        if (str_equal(has, expected))
            continue;
        differences++;
        if (has.len > 0)
            report(k, table, "has " STR_FMT ", expected " STR_FMT, STR_ARG(has), STR_ARG(expected));
        else
            report(k, table, "lacks " STR_FMT, STR_ARG(expected));
    }
    for (struct str rest = buf_str(&k->live); rest.len > 0;) {
        struct str has = next_line(&rest);
        if (find_line(buf_str(&k->expected), subject_of(has)).len > 0)
            continue;
        differences++;
        report(k, table, "has " STR_FMT ", which is not expected", STR_ARG(has));
    }
    return differences;
}

/* ---- comparing ---- */

static int refuse_table(const struct check *k, const char *table, struct ccd_error *err)
{
    struct str live = buf_str(&k->live);
    struct str wanted = buf_str(&k->expected);
    struct str has;
    struct str expected;
    do {
        has = live.len > 0 ? next_line(&live) : STR("nothing more");
        expected = wanted.len > 0 ? next_line(&wanted) : STR("nothing more");
    } while (str_equal(has, expected));
    return error_set(err, CCD_DATABASE_SCHEMA,
                     "table %s of %s does not fit: it has " STR_FMT
                     ", this version expects " STR_FMT
                     "; rename that table or use another database",
                     table, k->c->target->name, STR_ARG(has), STR_ARG(expected));
}

static int compare_table(struct check *k, const struct ddl_table *table, struct ccd_error *err)
{
    int status = describe(k, table, err);
    if (status != CCD_OK || str_equal(buf_str(&k->live), buf_str(&k->expected)))
        return status;
    if (!k->add)
        return refuse_table(k, table->name, err);
    if (report_lines(k, table->name) == 0)
        report(k, table->name, "has its columns in another order");
    return CCD_OK;
}

/* A view is only text: one that differs is replaced. */
static int replace_view(struct check *k, const struct ddl_object *object, bool *out_missing,
                        struct ccd_error *err)
{
    *out_missing = true;
    if (!k->creating)
        return CCD_OK;
    struct buf sql;
    buf_init(&sql, LINES_MAX_BYTES, k->c->target->allocator);
    buf_add_text(&sql, "DROP VIEW ");
    sql_add_name(&sql, k->c, object->name);
    int status = sql.failed ? error_set(err, CCD_NO_MEMORY, "no memory to replace a view")
                            : sql_run_once(k->c, "replace a view of", sql.data, err);
    buf_release(&sql);
    return status;
}

static int check_existing(struct check *k, const struct ddl_object *object, bool *out_missing,
                          struct ccd_error *err)
{
    const char *expected = kind_names[object->kind];
    if (strcmp(k->kind, expected) != 0 && k->add) {
        report(k, object->name, "is a %s, expected a %s", k->kind, expected);
        return CCD_OK;
    }
    if (strcmp(k->kind, expected) != 0) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "%s of %s is a %s, this version expects a %s; rename it or use another "
                         "database",
                         object->name, k->c->target->name, k->kind, expected);
    }
    bool known_text = k->text.len > 0;
    if (object->kind == DDL_INDEX ||
        (known_text && str_equal(buf_str(&k->text), str_from(object->sql))))
        return CCD_OK;
    if (object->kind == DDL_TABLE)
        return compare_table(k, object->table, err);
    return known_text && !k->add ? replace_view(k, object, out_missing, err) : CCD_OK;
}

static int check_object(void *user, const struct ddl_object *object, struct ccd_error *err);

/* Where a table is made by itself, another process may have made it just before. */
static int create_object(struct check *k, const struct ddl_object *object, struct ccd_error *err)
{
    struct ccd_error why = {0};
    int status = sql_run_once(k->c, doing_create, object->sql, &why);
    if (status == CCD_OK)
        return CCD_OK;
    if (!k->c->dialect->ddl_in_transaction && !k->c->broken &&
        look_up(k, object->name, NULL) == CCD_OK && k->found) {
        k->creating = false;
        status = check_object(k, object, err);
        k->creating = true;
        return status;
    }
    if (err)
        *err = why;
    return status;
}

static int check_object(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct check *k = user;
    if (k->tables_only && object->kind != DDL_TABLE)
        return CCD_OK;
    if (k->version > 0 && sql_migration_changes(k->version, object->name) &&
        !(k->migrating && sql_migration_creates(k->version, object->name)))
        return CCD_OK;
    int status = look_up(k, object->name, err);
    if (status != CCD_OK)
        return status;
    bool missing = !k->found;
    if (!missing)
        status = check_existing(k, object, &missing, err);
    if (status != CCD_OK || !missing)
        return status;
    if (k->add)
        report(k, object->name, "missing");
    if (k->missing++ == 0)
        str_copy(k->first_missing, sizeof(k->first_missing), str_from(object->name));
    return k->creating ? create_object(k, object, err) : CCD_OK;
}

static int check_each(struct check *k, struct ccd_error *err)
{
    const struct ddl_options options = {.dialect = k->c->dialect->id};
    k->missing = 0;
    return ddl_each(&options, k->c->target->allocator, check_object, k, err);
}

/* ---- the version ---- */

static int put_version(struct sql_connection *c, int64_t settle_s, struct ccd_error *err)
{
    struct buf sql;
    const struct value parameters[] = {value_i64(STORE_SCHEMA_VERSION), value_i64(settle_s)};
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ccdata_schema (version, settle_s) VALUES (?1, ?2)");
    upsert_add(&sql, c->dialect, "version", "settle_s");
    int status = sql_run_text(c, "write the schema version to", &sql, parameters, 2, NULL, err);
    buf_release(&sql);
    return status;
}

struct stored_version {
    bool ours;       /* there is a ccdata_schema */
    int64_t version; /* 0 = it has no row yet */
    int64_t settle_s;
    bool known; /* it has a row */
};

static int take_version(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct stored_version *v = user;
    if (count != 2 || values[0].kind != VALUE_I64 || values[1].kind != VALUE_I64)
        return error_set(err, CCD_DATABASE_SCHEMA, "the version in ccdata_schema is no number");
    v->known = true;
    v->version = values[0].i64;
    v->settle_s = values[1].i64;
    return SQL_ENOUGH;
}

static int read_version(struct check *k, struct stored_version *out, struct ccd_error *err)
{
    *out = (struct stored_version){0};
    int status = look_up(k, "ccdata_schema", err);
    out->ours = k->found;
    if (status != CCD_OK || !out->ours)
        return status;
    return sql_ask(k->c, doing,
                   "SELECT version, settle_s FROM ccdata_schema ORDER BY version DESC LIMIT 1",
                   NULL, 0, take_version, out, err);
}

static int refuse_version(const struct check *k, const struct stored_version *v,
                          struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_SCHEMA,
                     "%s was made by %s ccdata (schema %" PRId64
                     ", this one knows %d): use that version or another database",
                     k->c->target->name, v->version > STORE_SCHEMA_VERSION ? "a newer" : "another",
                     v->version, STORE_SCHEMA_VERSION);
}

/* Tables of somebody else that have the names of ours, before anything is changed. */
static int check_migration(struct check *k, int64_t version, struct ccd_error *err)
{
    bool tables_only = k->tables_only;
    k->version = version;
    k->migrating = true;
    k->tables_only = true;
    int status = check_each(k, err);
    k->tables_only = tables_only;
    k->migrating = false;
    k->version = 0;
    return status;
}

/* An older database is migrated, or read as far as it goes. */
static int settle_version(struct check *k, const struct store_config *config,
                          struct stored_version *v, struct ccd_error *err)
{
    if (!v->known || v->version == STORE_SCHEMA_VERSION)
        return CCD_OK;
    if (!sql_can_migrate(k->c->dialect->id, v->version))
        return refuse_version(k, v, err);
    if (config->read_only) {
        k->version = v->version;
        return CCD_OK;
    }
    if (!k->create) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "%s was made by an older ccdata (schema %" PRId64
                         ", this one writes %d): let a command that may create tables migrate it, "
                         "or `ccdata schema --create`",
                         k->c->target->name, v->version, STORE_SCHEMA_VERSION);
    }
    int status = check_migration(k, v->version, err);
    if (status == CCD_OK)
        status = sql_migrate(k->c, err);
    return status == CCD_OK ? read_version(k, v, err) : status;
}

/* ---- creating ---- */

static int create_once(struct check *k, struct ccd_error *err)
{
    bool transaction = k->c->dialect->ddl_in_transaction;
    int status = transaction ? k->c->driver->begin(k->c, SQL_WRITES, err) : CCD_OK;
    if (status != CCD_OK)
        return status;
    k->creating = k->create;
    status = check_each(k, err);
    k->creating = false;
    if (status == CCD_OK)
        status = put_version(k->c, k->settle_s, err);
    return transaction ? sql_end(k->c, status, err) : status;
}

/* Another process may be creating the same; then what it made is there when it is looked at again.
 */
static int create_missing(struct check *k, struct ccd_error *err)
{
    for (int attempts = 1;; attempts++) {
        size_t missing = k->missing;
        int status = create_once(k, err);
        if (status == CCD_OK || k->c->broken || attempts == CREATE_ATTEMPTS_MAX)
            return status;
        if (check_each(k, NULL) != CCD_OK || k->missing >= missing)
            return status;
    }
}

static int prepare(struct check *k, const struct store_config *config, bool *out_ours,
                   struct ccd_error *err)
{
    struct stored_version v;
    int status = read_version(k, &v, err);
    *out_ours = v.ours;
    if (status != CCD_OK || (!v.ours && config->read_only))
        return status;
    status = settle_version(k, config, &v, err);
    if (status == CCD_OK)
        status = check_each(k, err);
    if (status != CCD_OK)
        return status;
    if (k->missing > 0 && !k->create) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "%s of %s is missing or of another version: create it with the output of "
                         "`ccdata schema`, or let a command that writes create it",
                         k->first_missing, k->c->target->name);
    }
    bool settled = v.known && v.settle_s == config->settle_s;
    if (config->read_only || (k->missing == 0 && settled))
        return CCD_OK;
    *out_ours = true;
    return create_missing(k, err);
}

int sql_schema_prepare(struct sql_connection *c, const struct store_config *config, bool *out_ours,
                       int64_t *out_version, struct ccd_error *err)
{
    struct check k;
    check_init(&k, c);
    k.create = config->create_schema && !config->read_only;
    k.tables_only = config->read_only;
    int status = prepare(&k, config, out_ours, err);
    *out_version = k.version > 0 ? k.version : STORE_SCHEMA_VERSION;
    check_release(&k);
    return status;
}

int sql_schema_report(struct sql_connection *c,
                      void (*add)(void *user, const struct store_difference *difference),
                      void *user, struct ccd_error *err)
{
    struct check k;
    struct stored_version v;
    check_init(&k, c);
    k.add = add;
    k.user = user;
    int status = read_version(&k, &v, err);
    if (status == CCD_OK && v.known && v.version != STORE_SCHEMA_VERSION)
        report(&k, "ccdata_schema", "has version %" PRId64 ", expected version %d", v.version,
               STORE_SCHEMA_VERSION);
    if (status == CCD_OK)
        status = check_each(&k, err);
    check_release(&k);
    return status;
}

/* ---- views under the original's names ---- */

struct legacy_call {
    struct sql_connection *c;
};

static int create_legacy(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct legacy_call *call = user;
    return object->legacy ? sql_run_once(call->c, "create views in", object->sql, err) : CCD_OK;
}

static int create_all_legacy(struct sql_connection *c, void *context, struct ccd_error *err)
{
    (void)context;
    struct legacy_call call = {c};
    const struct ddl_options options = {
        .dialect = c->dialect->id, .if_missing = true, .legacy_views = true};
    return ddl_each(&options, c->target->allocator, create_legacy, &call, err);
}

int sql_create_legacy_views(struct store *store, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    /* Where dimensions stand apart, CREATE is no part of a transaction either. */
    struct sql_task task = {.run = create_all_legacy, .writes = true, .apart = true};
    return sql_store_do(s, &task, err);
}
