/* Steps from one version of the schema to the next. Invariant: a step is one transaction, which
 * also writes the version it leads to; what is killed half-way never happened. */
#include <inttypes.h>
#include <string.h>

#include "store/ddl.h"
#include "store/sql/store.h"

static const char doing[] = "migrate";

struct step {
    enum store_dialect dialect;
    int64_t from;
    const char *const *tables; /* that are made anew, up to a NULL */
    int (*run)(struct sql_connection *c, struct ccd_error *err);
};

/* ---- 1 → 2, which only SQLite had: the quarantine's key holds a hash instead of the record,
 * ccdata_schema gets a key, ccdata_proofs is new ---- */

static const char *const tables_of_2[] = {"ccdata_schema", "ccdata_quarantine", "ccdata_proofs",
                                          NULL};

static bool contains(const char *const *tables, const char *name)
{
    for (size_t i = 0; tables[i]; i++)
        if (strcmp(tables[i], name) == 0)
            return true;
    return false;
}

static int create_table_of_2(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct sql_connection *c = user;
    if (object->kind != DDL_TABLE || !contains(tables_of_2, object->name))
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
        "INSERT INTO ccdata_schema (version, settle_s)"
        " SELECT 2, settle_s FROM ccdata_schema_1 ORDER BY version DESC LIMIT 1",
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

/* ---- the steps ---- */

static const struct step steps[] = {
    {DIALECT_SQLITE, 1, tables_of_2, run_1_to_2},
};

static const struct step *step_from(enum store_dialect dialect, int64_t version)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (steps[i].dialect == dialect && steps[i].from == version)
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
        if (steps[i].from >= version && contains(steps[i].tables, table))
            return true;
    return false;
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
    bool done = false;
    int status = CCD_OK;
    while (!done && status == CCD_OK) {
        status = c->driver->begin(c, SQL_WRITES, err);
        if (status == CCD_OK)
            status = sql_end(c, run_next(c, &done, err), err);
    }
    return status;
}
