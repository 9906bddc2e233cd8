#include <inttypes.h>
#include <string.h>

#include "store/ddl.h"
#include "store/sqlite/internal.h"

static const char doing[] = "check the schema of";

/* One line per property in which a table can differ. */
static const char describe_sql[] =
    "SELECT 'column ' || name || ' ' || coalesce(nullif(type, ''), '(no type)') ||"
    "       CASE WHEN \"notnull\" THEN ' NOT NULL' ELSE '' END ||"
    "       CASE WHEN pk THEN ' key ' || pk ELSE '' END"
    "  FROM pragma_table_xinfo(?1)"
    " UNION ALL"
    " SELECT 'unique (' || group_concat(name, ', ') || ')' FROM"
    "  (SELECT l.seq AS seq, i.name AS name FROM pragma_index_list(?1) l, "
    "pragma_index_info(l.name) i"
    "    WHERE l.\"unique\" ORDER BY l.seq, i.seqno) GROUP BY seq"
    " UNION ALL"
    " SELECT 'WITHOUT ROWID' FROM pragma_table_list(?1) WHERE schema = 'main' AND wr";

struct check {
    struct connection *c; /* the database */
    /* In memory, made from the registry. SQLite keeps the text of a CREATE as it was given: only a
     * table with another text than ours is compared with it, property by property. */
    struct connection reference;
    int64_t settle_s;
    bool create;
    bool tables_only; /* a reader of ours does without views and indexes */
    bool transaction; /* what is missing is created, else only counted */
    size_t missing;
    char first_missing[64];
    sqlite3_stmt *find, *describe;    /* in the database */
    sqlite3_stmt *reference_describe; /* in memory */
};

/* Type and SQL of an object; *out_row false when there is none. */
static int look_up(struct check *k, const char *name, bool *out_row, struct ccd_error *err)
{
    int status = statement_get(k->c, &k->find,
                               "SELECT type, sql FROM sqlite_schema WHERE name = ?1", err);
    if (status != CCD_OK)
        return status;
    bind_str(k->find, 1, str_from(name));
    return statement_step(k->c, k->find, out_row, doing, err);
}

static struct str column_str(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return (struct str){text, (size_t)sqlite3_column_bytes(stmt, column)};
}

static int open_reference(struct check *k, struct ccd_error *err)
{
    if (k->reference.db)
        return CCD_OK;
    int status = connection_open(&k->reference, CONNECTION_EMPTY, 0, err);
    return status == CCD_OK ? schema_create(&k->reference, k->settle_s, err) : status;
}

static int compare_table(struct check *k, const char *name, struct ccd_error *err)
{
    int status = open_reference(k, err);
    if (status == CCD_OK)
        status = statement_get(k->c, &k->describe, describe_sql, err);
    if (status == CCD_OK)
        status = statement_get(&k->reference, &k->reference_describe, describe_sql, err);
    if (status != CCD_OK)
        return status;
    bind_str(k->describe, 1, str_from(name));
    bind_str(k->reference_describe, 1, str_from(name));
    bool row = true;
    bool reference_row = true;
    while (status == CCD_OK && (row || reference_row)) {
        if (row)
            status = statement_step(k->c, k->describe, &row, doing, err);
        if (status == CCD_OK && reference_row) {
            status = statement_step(&k->reference, k->reference_describe, &reference_row, doing,
                                    err);
        }
        struct str has = row ? column_str(k->describe, 0) : STR("nothing more");
        struct str expected = reference_row ? column_str(k->reference_describe, 0)
                                            : STR("nothing more");
        if (status == CCD_OK && !str_equal(has, expected)) {
            status = error_set(err, CCD_DATABASE_SCHEMA,
                               "table %s of %s does not fit: it has " STR_FMT
                               ", this version expects " STR_FMT
                               "; rename that table or use another database",
                               name, k->c->path, STR_ARG(has), STR_ARG(expected));
        }
    }
    sqlite3_reset(k->describe);
    sqlite3_reset(k->reference_describe);
    return status;
}

/* A view is only text: one that differs is replaced. */
static int replace_view(struct check *k, const struct ddl_object *object, bool *out_missing,
                        struct ccd_error *err)
{
    *out_missing = true;
    if (!k->transaction)
        return CCD_OK;
    sqlite3_reset(k->find);
    char sql[96];
    str_print(sql, sizeof(sql), "DROP VIEW \"%s\"", object->name);
    return connection_exec(k->c, sql, "replace a view of", err);
}

static int check_existing(struct check *k, const struct ddl_object *object, bool *out_missing,
                          struct ccd_error *err)
{
    static const char *const kinds[] = {
        [DDL_TABLE] = "table", [DDL_INDEX] = "index", [DDL_VIEW] = "view"};
    struct str type = column_str(k->find, 0);
    if (!str_equal(type, str_from(kinds[object->kind]))) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "%s of %s is a " STR_FMT
                         ", this version expects a %s; rename it or use another database",
                         object->name, k->c->path, STR_ARG(type), kinds[object->kind]);
    }
    if (str_equal(column_str(k->find, 1), str_from(object->sql)) || object->kind == DDL_INDEX)
        return CCD_OK;
    return object->kind == DDL_TABLE ? compare_table(k, object->name, err)
                                     : replace_view(k, object, out_missing, err);
}

static int check_object(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct check *k = user;
    if (k->tables_only && object->kind != DDL_TABLE)
        return CCD_OK;
    bool row;
    int status = look_up(k, object->name, &row, err);
    if (status != CCD_OK)
        return status;
    bool missing = !row;
    if (row) {
        status = check_existing(k, object, &missing, err);
        sqlite3_reset(k->find);
    }
    if (status != CCD_OK || !missing)
        return status;
    if (k->missing++ == 0)
        str_copy(k->first_missing, sizeof(k->first_missing), str_from(object->name));
    return k->transaction ? connection_exec(k->c, object->sql, "create the schema of", err)
                          : CCD_OK;
}

static int create_object(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    return connection_exec(user, object->sql, "create the schema of", err);
}

/* The one row of ccdata_schema. */
static int put_version(const struct connection *c, int64_t settle_s, struct ccd_error *err)
{
    static const char *const statements[] = {
        "INSERT INTO ccdata_schema (version, settle_s) SELECT ?1, ?2"
        " WHERE NOT EXISTS (SELECT 1 FROM ccdata_schema)",
        "UPDATE ccdata_schema SET settle_s = ?2 WHERE version = ?1 AND settle_s <> ?2",
    };
    int status = CCD_OK;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]) && status == CCD_OK; i++) {
        sqlite3_stmt *stmt = NULL;
        status = statement_get(c, &stmt, statements[i], err);
        if (status == CCD_OK) {
            sqlite3_bind_int64(stmt, 1, STORE_SCHEMA_VERSION);
            sqlite3_bind_int64(stmt, 2, settle_s);
            status = statement_run(c, stmt, "write the schema version to", err);
        }
        statement_drop(&stmt);
    }
    return status;
}

int schema_create(struct connection *c, int64_t settle_s, struct ccd_error *err)
{
    int status = ddl_each(DIALECT_SQLITE, c->allocator, create_object, c, err);
    return status == CCD_OK ? put_version(c, settle_s, err) : status;
}

/* *out_version 0: there is no row yet. */
static int read_version(struct check *k, bool *out_ours, int64_t *out_version,
                        int64_t *out_settle_s, struct ccd_error *err)
{
    *out_version = 0;
    *out_settle_s = 0;
    int status = look_up(k, "ccdata_schema", out_ours, err);
    if (status != CCD_OK || !*out_ours)
        return status;
    sqlite3_reset(k->find);
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    status = statement_get(k->c, &stmt,
                           "SELECT version, settle_s FROM ccdata_schema"
                           " ORDER BY version DESC LIMIT 1",
                           err);
    if (status == CCD_OK)
        status = statement_step(k->c, stmt, &row, doing, err);
    if (row) {
        *out_version = sqlite3_column_int64(stmt, 0);
        *out_settle_s = sqlite3_column_int64(stmt, 1);
        if (*out_version != STORE_SCHEMA_VERSION) {
            status = error_set(err, CCD_DATABASE_SCHEMA,
                               "%s was made by %s ccdata (schema %" PRId64
                               ", this one knows %d): use that version or another database",
                               k->c->path,
                               *out_version > STORE_SCHEMA_VERSION ? "a newer" : "another",
                               *out_version, STORE_SCHEMA_VERSION);
        }
    }
    statement_drop(&stmt);
    return status;
}

/* Everything in one transaction; what another process created meanwhile is checked again. */
static int create_missing(struct check *k, struct ccd_error *err)
{
    int status = connection_begin(k->c, err);
    if (status != CCD_OK)
        return status;
    k->transaction = k->create;
    k->missing = 0;
    status = ddl_each(DIALECT_SQLITE, k->c->allocator, check_object, k, err);
    k->transaction = false;
    if (status == CCD_OK)
        status = put_version(k->c, k->settle_s, err);
    return connection_end(k->c, status, err);
}

static int check_all(struct check *k, const struct store_config *config, bool *out_ours,
                     struct ccd_error *err)
{
    int64_t version;
    int64_t settle_s;
    int status = read_version(k, out_ours, &version, &settle_s, err);
    if (status != CCD_OK || (!*out_ours && config->read_only))
        return status;
    status = ddl_each(DIALECT_SQLITE, k->c->allocator, check_object, k, err);
    if (status != CCD_OK)
        return status;
    if (k->missing > 0 && !k->create) {
        return error_set(err, CCD_DATABASE_SCHEMA,
                         "%s of %s is missing or of another version: create it with the output of "
                         "`ccdata schema`, or let a command that writes create it",
                         k->first_missing, k->c->path);
    }
    bool settled = version == STORE_SCHEMA_VERSION && settle_s == config->settle_s;
    if (config->read_only || (k->missing == 0 && settled))
        return CCD_OK;
    *out_ours = true;
    return create_missing(k, err);
}

int schema_prepare(struct connection *c, const struct store_config *config, bool *out_ours,
                   struct ccd_error *err)
{
    struct check k = {
        .c = c,
        .create = config->create_schema && !config->read_only,
        .tables_only = config->read_only,
        .settle_s = config->settle_s,
        .reference = {.path = "the schema in memory",
                      .allocator = c->allocator,
                      .clock = c->clock,
                      .log = c->log},
    };
    int status = check_all(&k, config, out_ours, err);
    statement_drop(&k.find);
    statement_drop(&k.describe);
    statement_drop(&k.reference_describe);
    connection_close(&k.reference);
    return status;
}
