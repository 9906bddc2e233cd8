#include <string.h>

#include "base/time.h"
#include "store/mysql/internal.h"

static const char doing[] = "write rows to";

/* DATETIME holds the years 1 to 9999 of the civil calendar. */
bool moment_ok(int64_t utc_s)
{
    static const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799);
    return utc_s >= first && utc_s <= last;
}

int fact_columns_of(struct fact_columns *out, const struct store_page *page, struct ccd_error *err)
{
    const struct data_type *type = page->type;
    int ts = data_type_column_flagged(type, COLUMN_TS);
    out->count = 0;
    if (ts < 0 || !store_fact_name(type, page->interval, out->table, sizeof(out->table)))
        return error_set(err, CCD_INTERNAL, "%s has no rows of candles", type->name);
    out->ts_column = (size_t)ts;
    for (size_t i = 0; i < type->column_count; i++)
        if (column_is_fact(&type->columns[i]))
            out->columns[out->count++] = (uint8_t)i;
    return CCD_OK;
}

void fact_columns_add(struct buf *sql, const struct fact_columns *f, const struct data_type *type)
{
    const struct dialect *d = dialect_of(DIALECT_MYSQL);
    buf_add_text(sql, " (series_id, ts");
    for (size_t i = 0; i < f->count; i++) {
        buf_add_text(sql, ", ");
        identifier_add(sql, d, type->columns[f->columns[i]].name);
    }
    buf_add_text(sql, ", collected_at)");
}

/* The range of DATETIME is checked here, once for the three ways. */
static int check_moments(const struct fact_columns *f, const struct sql_fact_rows *rows,
                         struct ccd_error *err)
{
    const struct store_page *page = rows->page;
    for (size_t i = 0; i < rows->count; i++) {
        size_t row = rows->rows[i];
        int64_t ts = batch_cell(page->batch, row, f->ts_column)->i64;
        if (!moment_ok(ts) || !moment_ok(page_collected_utc_s(page, row)))
            return error_set(err, CCD_DATABASE_DATA,
                             "cannot write the row of second %lld: no such date in %s",
                             (long long)ts, f->table);
    }
    return CCD_OK;
}

/* SingleStore: whether selftest has proven that a loaded page can be rolled back. */
static int take_proof(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    bool *holds = user;
    *holds = count == 1 && values[0].kind == VALUE_I64 && values[0].i64 == 1;
    return CCD_OK;
}

static int learn_loads(struct mysql_connection *c, struct ccd_error *err)
{
    if (c->loads_known || c->base.target->disabled_paths & MYSQL_PATH_LOAD)
        return CCD_OK;
    const struct value name = value_text(STR("load_data_rolls_back"));
    int status = mysql_run(&c->base,
                           &(struct sql_call){
                               .doing = doing,
                               .sql = "SELECT holds FROM ccdata_proofs WHERE name = ?1",
                               .parameters = &name,
                               .parameter_count = 1,
                               .sink = {.row = take_proof, .user = &c->loads},
                               .once = true,
                           },
                           err);
    c->loads_known = status == CCD_OK;
    return status;
}

int mysql_insert_rows(struct sql_connection *base, const struct sql_fact_rows *rows,
                      struct ccd_error *err)
{
    struct mysql_connection *c = connection_of(base);
    struct fact_columns f;
    int status = fact_columns_of(&f, rows->page, err);
    if (status == CCD_OK)
        status = check_moments(&f, rows, err);
    if (status == CCD_OK && !c->arrays)
        status = learn_loads(c, err);
    size_t batch = base->target->batch_rows > 0 ? (size_t)base->target->batch_rows : rows->count;
    for (size_t done = 0; status == CCD_OK && done < rows->count;) {
        struct sql_fact_rows some = *rows;
        some.rows += done;
        some.count = rows->count - done < batch ? rows->count - done : batch;
        bool refused = false;
        if (c->arrays)
            status = rows_by_arrays(c, &f, &some, err);
        else if (c->loads)
            status = rows_by_load(c, &f, &some, &refused, err);
        else
            status = rows_by_text(c, &f, &some, err);
        if (refused)
            c->loads = false; /* the same rows again, as text */
        else
            done += some.count;
    }
    return status;
}

/* ---- the proof ---- */

static int take_number(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    (void)err;
    int64_t *out = user;
    if (count > 0 && values[0].kind == VALUE_I64)
        *out = values[0].i64;
    return CCD_OK;
}

static int count_rows(struct mysql_connection *c, const struct fact_columns *f,
                      const struct store_page *page, int64_t *out, struct ccd_error *err)
{
    char sql[160];
    const struct value id = value_i64(page->series->series_id);
    str_print(sql, sizeof(sql), "SELECT COUNT(*) FROM `%s` WHERE series_id = ?1", f->table);
    return mysql_run(&c->base,
                     &(struct sql_call){.doing = "count rows in",
                                        .sql = sql,
                                        .parameters = &id,
                                        .parameter_count = 1,
                                        .sink = {.row = take_number, .user = out},
                                        .once = true},
                     err);
}

/* Within a transaction: whether the page was stored by LOAD DATA; false when that is forbidden. */
static int load_page(struct mysql_connection *c, const struct fact_columns *f,
                     const struct store_page *page, bool *out_loaded, struct ccd_error *err)
{
    uint32_t rows[STORE_ROWS_MAX];
    size_t count = page->batch->row_count < STORE_ROWS_MAX ? page->batch->row_count
                                                           : STORE_ROWS_MAX;
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)i;
    bool refused = false;
    int64_t stored = 0;
    const struct sql_fact_rows all = {.page = page, .rows = rows, .count = count};
    int status = check_moments(f, &all, err);
    if (status == CCD_OK)
        status = rows_by_load(c, f, &all, &refused, err);
    if (status == CCD_OK)
        status = count_rows(c, f, page, &stored, err);
    *out_loaded = !refused && count > 0 && stored >= (int64_t)count;
    return status;
}

int mysql_prove_load(struct mysql_connection *c, const struct store_page *scratch, bool *out_holds,
                     struct ccd_error *err)
{
    struct fact_columns f;
    int64_t before = 0, after = 0;
    bool loaded = false;
    *out_holds = false;
    int status = fact_columns_of(&f, scratch, err);
    if (status == CCD_OK)
        status = count_rows(c, &f, scratch, &before, err);
    if (status == CCD_OK)
        status = c->base.driver->begin(&c->base, SQL_WRITES, err);
    if (status != CCD_OK)
        return status;
    status = load_page(c, &f, scratch, &loaded, err);
    c->base.driver->rollback(&c->base);
    if (status == CCD_OK && c->base.broken)
        status = error_set(err, CCD_DATABASE_UNREACHABLE, "cannot roll back in %s",
                           c->base.target->name);
    if (status == CCD_OK)
        status = count_rows(c, &f, scratch, &after, err);
    *out_holds = status == CCD_OK && loaded && after == before;
    return status;
}

int mysql_prove(struct sql_connection *base, const struct store_page *scratch,
                const char **out_proof, bool *out_holds, struct ccd_error *err)
{
    struct mysql_connection *c = connection_of(base);
    *out_proof = NULL;
    *out_holds = false;
    if (!c->singlestore)
        return CCD_OK;
    *out_proof = "load_data_rolls_back";
    int status = mysql_prove_load(c, scratch, out_holds, err);
    c->loads_known = false; /* the caller writes the verdict down; it is read from there */
    return status;
}
