/* Steps from one version of the schema to the next. Invariant: a step is one transaction, which
 * also writes the version it leads to; what is killed half-way never happened. Where a transaction
 * cannot hold DDL, the version comes last and the step can be made again. */
#include <inttypes.h>
#include <string.h>

#include "store/ddl.h"
#include "store/sql/store.h"

static const char doing[] = "migrate";

struct step {
    int64_t from;
    bool (*serves)(enum store_dialect dialect);
    bool (*changes)(const char *table); /* or makes it */
    int (*run)(struct sql_connection *c, struct ccd_error *err);
};

/* ---- 1 → 2, which only SQLite had: the quarantine's key holds a hash instead of the record,
 * ccdata_schema gets a key, ccdata_proofs is new ---- */

static const char *const tables_of_2[] = {"ccdata_schema", "ccdata_quarantine", "ccdata_proofs",
                                          NULL};

static bool is_sqlite(enum store_dialect dialect)
{
    return dialect == DIALECT_SQLITE;
}

static bool changes_1_to_2(const char *table)
{
    for (size_t i = 0; tables_of_2[i]; i++)
        if (strcmp(tables_of_2[i], table) == 0)
            return true;
    return false;
}

static int create_table_of_2(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct sql_connection *c = user;
    if (object->kind != DDL_TABLE || !changes_1_to_2(object->name))
        return CCD_OK;
    return sql_run_once(c, doing, object->sql, err);
}

/* series_id, step_s, ts, reason, record, seen_utc_s, run_id */
static int copy_finding(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct sql_connection *c = user;
    if (count != 7 || values[3].kind != VALUE_TEXT || values[4].kind != VALUE_TEXT)
        return error_set(err, CCD_DATABASE_DATA, "ccdata_quarantine has a finding without text");
    return SQL_RUN(c, doing,
                   "INSERT INTO ccdata_quarantine (series_id, step_s, ts, record_hash, reason,"
                   " record, seen_utc_s, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   err, values[0], values[1], values[2],
                   value_i64(sql_record_hash(values[3].text, values[4].text)), values[3], values[4],
                   values[5], values[6]);
}

static int take_number(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    int64_t *out = user;
    if (count > 0 && values[0].kind == VALUE_I64)
        *out = values[0].i64;
    return SQL_ENOUGH;
}

/* A finding that is not copied would be lost with the old table. */
static int check_copied(struct sql_connection *c, struct ccd_error *err)
{
    int64_t missing = -1;
    int status = sql_ask(c, doing,
                         "SELECT (SELECT count(*) FROM ccdata_quarantine_1) -"
                         " (SELECT count(*) FROM ccdata_quarantine)",
                         NULL, 0, take_number, &missing, err);
    if (status == CCD_OK && missing != 0) {
        return error_set(err, CCD_INTERNAL, "%" PRId64 " findings of %s were not copied", missing,
                         c->target->name);
    }
    return status;
}

/* The tables change their names and not what refers to them: a view of somebody else that does not
 * work is no reason to refuse. */
static int run_1_to_2(struct sql_connection *c, struct ccd_error *err)
{
    static const char *const before[] = {
        "PRAGMA legacy_alter_table=ON",
        "ALTER TABLE ccdata_schema RENAME TO ccdata_schema_1",
        "ALTER TABLE ccdata_quarantine RENAME TO ccdata_quarantine_1",
        "PRAGMA legacy_alter_table=OFF",
    };
    static const char *const after[] = {
        ("INSERT INTO ccdata_schema (version, settle_s)"
         " SELECT 2, settle_s FROM ccdata_schema_1 ORDER BY version DESC LIMIT 1"),
        "DROP TABLE ccdata_schema_1",
        "DROP TABLE ccdata_quarantine_1",
    };
    int status = CCD_OK;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]) && status == CCD_OK; i++)
        status = sql_run_once(c, doing, before[i], err);
    const struct ddl_options options = {.dialect = DIALECT_SQLITE};
    if (status == CCD_OK)
        status = ddl_each(&options, c->target->allocator, create_table_of_2, c, err);
    if (status == CCD_OK) {
        status = sql_ask(c, doing,
                         "SELECT series_id, step_s, ts, reason, record, seen_utc_s, run_id"
                         " FROM ccdata_quarantine_1",
                         NULL, 0, copy_finding, c, err);
    }
    if (status == CCD_OK)
        status = check_copied(c, err);
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]) && status == CCD_OK; i++)
        status = sql_run_once(c, doing, after[i], err);
    return status;
}

/* ---- 2 → 3: all metadata, where there were two lists of instruments; is_listed in these; runs;
 * views that name the version ---- */

static bool is_any(enum store_dialect dialect)
{
    return (unsigned)dialect < DIALECT_COUNT;
}

static const struct data_type *list_named(const char *table)
{
    for (size_t i = 0; i < metadata_table_count; i++)
        if (strcmp(metadata_tables[i]->name, table) == 0)
            return metadata_tables[i];
    return NULL;
}

static bool changes_2_to_3(const char *table)
{
    return strcmp(table, "ccdata_runs") == 0 || strcmp(table, "ccdata_run_series") == 0 ||
           list_named(table) != NULL;
}

static bool was_in_2(const struct data_type *list)
{
    return list && list->shape == SHAPE_CATALOGUE;
}

/* Whether a table is there and has the column. */
struct column_look {
    const char *column;
    bool has_table, has_column;
};

static int take_property(void *user, const struct value *values, size_t count,
                         struct ccd_error *err)
{
    (void)err;
    struct column_look *look = user;
    struct str rest = count > 0 && values[0].kind == VALUE_TEXT ? values[0].text : STR("");
    look->has_table = true;
    if (str_equal(str_split(&rest, ' '), STR("column")) &&
        str_equal(str_split(&rest, ' '), str_from(look->column)))
        look->has_column = true;
    return CCD_OK;
}

static int look_for(struct sql_connection *c, const char *table, struct column_look *look,
                    struct ccd_error *err)
{
    const struct value name = value_text(str_from(table));
    return sql_ask(c, doing, c->dialect->describe, &name, 1, take_property, look, err);
}

/* Where the step is no transaction, another process may be making it too. */
static int add_column(struct sql_connection *c, const char *table, const char *column,
                      struct ccd_error *err)
{
    struct buf sql;
    struct column_look look = {.column = column};
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "ALTER TABLE ");
    sql_add_name(&sql, c, table);
    buf_add_text(&sql, " ADD COLUMN ");
    sql_add_name(&sql, c, column);
    buf_printf(&sql, " %s", c->dialect->types[DDL_BOOL].declared);
    int status = sql.failed ? error_set(err, CCD_NO_MEMORY, "no memory to migrate")
                            : sql_run_once(c, doing, sql.data, err);
    if (status != CCD_OK && !c->broken && !c->dialect->ddl_in_transaction &&
        look_for(c, table, &look, NULL) == CCD_OK && look.has_column)
        status = CCD_OK;
    buf_release(&sql);
    return status;
}

static int list_all_rows(struct sql_connection *c, const char *table, const char *column,
                         struct ccd_error *err)
{
    struct buf sql;
    const struct value yes = value_i64(1);
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "UPDATE ");
    sql_add_name(&sql, c, table);
    buf_add_text(&sql, " SET ");
    sql_add_name(&sql, c, column);
    buf_add_text(&sql, " = ?1 WHERE ");
    sql_add_name(&sql, c, column);
    buf_add_text(&sql, " IS NULL");
    int status = sql_run_text(c, doing, &sql, &yes, 1, NULL, err);
    buf_release(&sql);
    return status;
}

static int extend_lists(struct sql_connection *c, struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = 0; i < metadata_table_count && status == CCD_OK; i++) {
        const struct data_type *list = metadata_tables[i];
        int listed = data_type_column_flagged(list, COLUMN_LISTED);
        if (!was_in_2(list) || listed < 0)
            continue;
        struct column_look look = {.column = list->columns[listed].name};
        status = look_for(c, list->name, &look, err);
        if (status == CCD_OK && look.has_table && !look.has_column)
            status = add_column(c, list->name, look.column, err);
        if (status == CCD_OK && look.has_table)
            status = list_all_rows(c, list->name, look.column, err);
    }
    return status;
}

/* What is there stays. */
static int create_missing(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct sql_connection *c = user;
    bool names_version = object->kind == DDL_VIEW && c->dialect->view_joins_schema;
    return object->kind == DDL_TABLE || names_version ? sql_run_once(c, doing, object->sql, err)
                                                      : CCD_OK;
}

static int put_version(struct sql_connection *c, int64_t version, struct ccd_error *err)
{
    struct buf sql;
    const struct value parameters[] = {value_i64(version), value_i64(c->target->settle_s)};
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ccdata_schema (version, settle_s) VALUES (?1, ?2)");
    upsert_add(&sql, c->dialect, "version", "settle_s");
    int status = sql_run_text(c, doing, &sql, parameters, 2, NULL, err);
    buf_release(&sql);
    return status == CCD_OK ? SQL_RUN(c, doing, "DELETE FROM ccdata_schema WHERE version < ?1", err,
                                      value_i64(version))
                            : status;
}

static int run_2_to_3(struct sql_connection *c, struct ccd_error *err)
{
    const struct ddl_options options = {.dialect = c->dialect->id, .if_missing = true};
    int status = extend_lists(c, err);
    if (status == CCD_OK)
        status = ddl_each(&options, c->target->allocator, create_missing, c, err);
    return status == CCD_OK ? put_version(c, 3, err) : status;
}

/* ---- 3 → 4: operations of runs; views that name the version ---- */

static bool changes_3_to_4(const char *table)
{
    return strcmp(table, "ccdata_run_operations") == 0;
}

static int run_3_to_4(struct sql_connection *c, struct ccd_error *err)
{
    const struct ddl_options options = {.dialect = c->dialect->id, .if_missing = true};
    int status = ddl_each(&options, c->target->allocator, create_missing, c, err);
    return status == CCD_OK ? put_version(c, 4, err) : status;
}

/* ---- the steps ---- */

static const struct step steps[] = {
    {1, is_sqlite, changes_1_to_2, run_1_to_2},
    {2, is_any, changes_2_to_3, run_2_to_3},
    {3, is_any, changes_3_to_4, run_3_to_4},
};

static const struct step *step_from(enum store_dialect dialect, int64_t version)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (steps[i].from == version && steps[i].serves(dialect))
            return &steps[i];
    return NULL;
}

bool sql_can_migrate(enum store_dialect dialect, int64_t version)
{
    while (version < STORE_SCHEMA_VERSION && step_from(dialect, version))
        version++;
    return version == STORE_SCHEMA_VERSION;
}

bool sql_migration_changes(int64_t version, const char *table)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (steps[i].from >= version && steps[i].changes(table))
            return true;
    return false;
}

bool sql_migration_creates(int64_t version, const char *table)
{
    return (version <= 2 && changes_2_to_3(table) && !was_in_2(list_named(table))) ||
           (version <= 3 && changes_3_to_4(table));
}

/* Read within the transaction: another process may have made the step. *out_done: nothing is left.
 */
static int run_next(struct sql_connection *c, bool *out_done, struct ccd_error *err)
{
    int64_t version = 0;
    int status = sql_ask(c, doing,
                         "SELECT version FROM ccdata_schema ORDER BY version DESC LIMIT 1", NULL, 0,
                         take_number, &version, err);
    const struct step *step = step_from(c->dialect->id, version);
    *out_done = !step;
    if (status != CCD_OK || !step)
        return status;
    log_info(c->target->log, NULL, "%s is brought from schema %" PRId64 " to %" PRId64,
             c->target->name, version, version + 1);
    return step->run(c, err);
}

int sql_migrate(struct sql_connection *c, struct ccd_error *err)
{
    bool transaction = c->dialect->ddl_in_transaction;
    bool done = false;
    int status = CCD_OK;
    while (!done && status == CCD_OK) {
        status = transaction ? c->driver->begin(c, SQL_WRITES, err) : CCD_OK;
        if (status == CCD_OK)
            status = run_next(c, &done, err);
        if (transaction)
            status = sql_end(c, status, err);
    }
    return status;
}
