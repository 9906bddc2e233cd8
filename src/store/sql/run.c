#include "store/sql/sql.h"

int sql_run(struct sql_connection *c, const char *doing, const char *sql,
            const struct value *parameters, size_t parameter_count, struct ccd_error *err)
{
    return c->driver->run(c,
                          &(struct sql_call){.doing = doing,
                                             .sql = sql,
                                             .parameters = parameters,
                                             .parameter_count = parameter_count},
                          err);
}

int sql_end(struct sql_connection *c, int status, struct ccd_error *err)
{
    if (status != CCD_OK) {
        c->driver->rollback(c);
        return status;
    }
    struct ccd_error own = {0};
    if (c->driver->commit(c, &own) == STORE_COMMITTED)
        return CCD_OK;
    if (own.status == CCD_OK)
        error_set(&own, CCD_INTERNAL, "cannot commit to %s", c->target->name);
    if (err)
        *err = own;
    return (int)own.status;
}

static struct value text_or_null(struct str text, bool null)
{
    return null ? value_null() : value_text(text);
}

int sql_journal_revision(struct sql_connection *c, const struct revision *revision,
                         struct ccd_error *err)
{
    bool has_ts = revision->step_s > 0;
    return SQL_RUN(c, "journal a change in",
                   "INSERT INTO ccdata_revisions (series_id, step_s, ts, column_name, old_value,"
                   " new_value, seen_utc_s, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   err, value_i64(revision->series_id),
                   has_ts ? value_i64(revision->step_s) : value_null(),
                   has_ts ? value_i64(revision->ts) : value_null(),
                   value_text(str_from(revision->column_name)),
                   text_or_null(revision->old_value, revision->old_null),
                   text_or_null(revision->new_value, revision->new_null),
                   value_i64(clock_utc_s(c->target->clock)),
                   text_or_null(str_from(revision->run_id), !revision->run_id));
}
