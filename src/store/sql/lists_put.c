#include <inttypes.h>

#include "store/sql/bulk.h"
#include "store/sql/lists.h"

enum { LISTS_MAX = 16, KEYS_PER_CALL = 100 };

static const char doing[] = "write a list to";

struct put_call {
    const struct store_lists *lists;
    struct store_list_counts *counts;
    struct list_job jobs[LISTS_MAX];
};

/* ---- judging ---- */

static int64_t count_fate(const struct list_job *job, enum list_fate fate)
{
    int64_t count = 0;
    for (size_t row = 0; row < job->given->rows->row_count; row++)
        count += job->fates[row] == fate;
    return count;
}

static void count_all(const struct list_job *job, bool older, struct store_list_counts *counts)
{
    counts->added = count_fate(job, LIST_NEW);
    counts->changed = count_fate(job, LIST_CHANGED);
    counts->unchanged = count_fate(job, LIST_SAME);
    counts->gone = (int64_t)job->gone.row_count;
    if (older) /* nothing was compared */
        *counts = (struct store_list_counts){.unchanged = counts->added};
    if (!older && job->call->rewrite) {
        counts->changed += counts->unchanged;
        counts->unchanged = 0;
    }
}

/* A list that has lost many of its rows is one that was cut short rather than that of a vendor who
 * gave them up. */
static int check_shrinking(const struct list_job *job, const struct sql_connection *c,
                           struct ccd_error *err)
{
    const struct store_lists *call = job->call;
    int64_t gone = (int64_t)job->gone.row_count;
    bool is_part = job->given->table->shape == SHAPE_PARTS ||
                   job->given->table->shape == SHAPE_SNAPSHOTS;
    if (!call->is_complete || is_part || gone * 100 <= job->listed_count * call->shrink_max_percent)
        return CCD_OK;
    bool has_scope = job->keys.market >= 0;
    return error_set(err, CCD_BAD_REPLY,
                     "the vendor's list %s%s" STR_FMT " lacks %" PRId64 " of the %" PRId64
                     " rows that %s has listed, more than %d %%: it was probably cut short, and "
                     "nothing of it was written; run again later, or take it as it is with --force",
                     job->given->table->name, has_scope ? " of " : "",
                     STR_ARG(has_scope ? call->scope : STR("")), gone, job->listed_count,
                     c->target->name, call->shrink_max_percent);
}

/* Those of records that could not be read are among the missing. */
static void keep_missing(struct list_job *job)
{
    if (job->call->has_unread && job->given->table->shape != SHAPE_PARTS)
        job->gone.row_count = 0;
}

/* ---- writing ---- */

/* Every column of the table and the two times; returns their number. */
static size_t bulk_columns(const struct list_job *job, struct bulk_column *out)
{
    const struct data_type *table = job->given->table;
    for (size_t i = 0; i < table->column_count; i++) {
        bool is_key = table->columns[i].flags & COLUMN_KEY;
        out[i] = (struct bulk_column){table->columns[i].name, is_key ? BULK_KEY : BULK_VALUE,
                                      false};
    }
    out[table->column_count] = (struct bulk_column){"created_at", BULK_ONCE, true};
    out[table->column_count + 1] = (struct bulk_column){"updated_at", BULK_VALUE, true};
    return table->column_count + 2;
}

static int add_row(const struct list_job *job, struct bulk *b, size_t row, struct ccd_error *err)
{
    struct value values[COLUMN_MAX + 2];
    size_t count = job->given->table->column_count;
    for (size_t i = 0; i < count; i++)
        values[i] = list_job_value(job, row, i);
    values[count] = value_i64(job->call->asked_utc_s);
    values[count + 1] = value_i64(job->call->asked_utc_s);
    return bulk_add(b, values, err);
}

static int write_rows(const struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    struct bulk_column columns[COLUMN_MAX + 2];
    struct bulk b;
    size_t count = bulk_columns(job, columns);
    int status = bulk_init(&b, c, doing, job->given->table->name, columns, count, err);
    for (size_t row = 0; row < job->given->rows->row_count && status == CCD_OK; row++) {
        enum list_fate fate = (enum list_fate)job->fates[row];
        if (fate == LIST_NEW || fate == LIST_CHANGED || (fate == LIST_SAME && job->call->rewrite))
            status = add_row(job, &b, row, err);
    }
    if (status == CCD_OK)
        status = bulk_finish(&b, err);
    bulk_release(&b);
    return status;
}

/* ---- rows that go ---- */

/* By an upsert: PostgreSQL reads the whole market for an UPDATE of listed keys, as long as it has
 * no statistics. */
static int list_no_more(const struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    const size_t keys = job->keys.count;
    const size_t first = list_first_key(&job->keys);
    struct bulk_column columns[LIST_KEY_MAX + 3];
    struct value values[LIST_KEY_MAX + 3];
    struct bulk b;
    for (size_t i = 0; i < keys; i++) {
        const char *name = job->given->table->columns[job->keys.columns[i]].name;
        columns[i] = (struct bulk_column){name, BULK_KEY, false};
        values[i] = value_text(job->call->scope); /* stays for the market */
    }
    columns[keys] = (struct bulk_column){job->given->table->columns[job->keys.listed].name,
                                         BULK_VALUE, false};
    columns[keys + 1] = (struct bulk_column){"created_at", BULK_ONCE, true};
    columns[keys + 2] = (struct bulk_column){"updated_at", BULK_VALUE, true};
    values[keys] = value_i64(0);
    values[keys + 1] = values[keys + 2] = value_i64(job->call->asked_utc_s);
    int status = bulk_init(&b, c, doing, job->given->table->name, columns, keys + 3, err);
    for (size_t row = 0; row < job->gone.row_count && status == CCD_OK; row++) {
        for (size_t i = first; i < keys; i++)
            values[i] = value_of_cell(&job->gone, row, i - first);
        status = bulk_add(&b, values, err);
    }
    if (status == CCD_OK)
        status = bulk_finish(&b, err);
    bulk_release(&b);
    return status;
}

/* "(a = ?1 AND b = ?2) OR …" with the keys from `first` on; returns the number of parameters. */
static size_t add_keys(struct buf *sql, const struct sql_connection *c, const struct list_job *job,
                       size_t first, size_t count, struct value *parameters)
{
    size_t used = 0;
    for (size_t row = first; row < first + count; row++) {
        buf_add_text(sql, row > first ? " OR (" : "(");
        for (size_t i = 0; i < job->key_type.column_count; i++) {
            buf_add_text(sql, i > 0 ? " AND " : "");
            sql_add_name(sql, c, job->key_columns[i].name);
            buf_printf(sql, " = ?%zu", used + 1);
            parameters[used++] = value_of_cell(&job->gone, row, i);
        }
        buf_add_char(sql, ')');
    }
    return used;
}

static int delete_some(const struct list_job *job, struct sql_connection *c, size_t first,
                       size_t count, struct ccd_error *err)
{
    struct value parameters[KEYS_PER_CALL * LIST_KEY_MAX];
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "DELETE FROM ");
    sql_add_name(&sql, c, job->given->table->name);
    buf_add_text(&sql, " WHERE ");
    size_t used = add_keys(&sql, c, job, first, count, parameters);
    const struct sql_call call = {
        .doing = doing,
        .sql = sql.data,
        .parameters = parameters,
        .parameter_count = used,
        .once = count < KEYS_PER_CALL,
    };
    int status = sql.failed ? error_set(err, CCD_NO_MEMORY, "no memory to write a list")
                            : c->driver->run(c, &call, err);
    buf_release(&sql);
    return status;
}

static int delete_gone(const struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    int status = CCD_OK;
    size_t left = job->gone.row_count;
    for (size_t first = 0; left > 0 && status == CCD_OK; first += KEYS_PER_CALL) {
        size_t count = left < KEYS_PER_CALL ? left : KEYS_PER_CALL;
        status = delete_some(job, c, first, count, err);
        left -= count;
    }
    return status;
}

static int take_out(const struct list_job *job, struct sql_connection *c, struct ccd_error *err)
{
    if (job->gone.row_count == 0)
        return CCD_OK;
    return job->given->table->shape == SHAPE_PARTS ? delete_gone(job, c, err)
                                                   : list_no_more(job, c, err);
}

static int put_asked(struct sql_connection *c, const struct list_job *job, struct ccd_error *err)
{
    struct buf sql;
    const struct value parameters[] = {
        value_text(str_from(job->given->table->name)),
        value_text(job->keys.market >= 0 ? job->call->scope : STR("")),
        value_i64(job->call->asked_utc_s),
    };
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, "INSERT INTO ccdata_catalogue (data_type, market, asked_utc_s)"
                       " VALUES (?1, ?2, ?3)");
    upsert_add(&sql, c->dialect, "data_type, market", "asked_utc_s");
    int status = sql_run_text(c, doing, &sql, parameters, 3, NULL, err);
    buf_release(&sql);
    return status;
}

/* ---- the call ---- */

/* Whether what is stored was asked for later. */
static int find_age(struct sql_connection *c, const struct put_call *p, bool *out_older,
                    struct ccd_error *err)
{
    const struct list_job *first = &p->jobs[0];
    struct str scope = first->keys.market >= 0 ? p->lists->scope : STR("");
    int64_t stored_utc_s;
    int status = list_read_asked(c, first->given->table, scope, &stored_utc_s, err);
    *out_older = status == CCD_OK && p->lists->asked_utc_s < stored_utc_s;
    return status;
}

static int compare_all(struct sql_connection *c, struct put_call *p, bool older,
                       struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = 0; i < p->lists->count && status == CCD_OK; i++) {
        status = list_job_begin(&p->jobs[i], c, err);
        if (status == CCD_OK && !older)
            status = list_job_compare(&p->jobs[i], c, err);
        if (status == CCD_OK)
            status = check_shrinking(&p->jobs[i], c, err);
        keep_missing(&p->jobs[i]);
    }
    for (size_t i = 0; i < p->lists->count && status == CCD_OK; i++)
        count_all(&p->jobs[i], older, &p->counts[i]);
    return status;
}

/* The times last: without a transaction around them they tell that the lists are whole. */
static int write_all(struct sql_connection *c, const struct put_call *p, struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = 0; i < p->lists->count && status == CCD_OK; i++) {
        status = write_rows(&p->jobs[i], c, err);
        if (status == CCD_OK)
            status = take_out(&p->jobs[i], c, err);
    }
    for (size_t i = 0; i < p->lists->count && p->lists->is_complete && status == CCD_OK; i++)
        status = put_asked(c, &p->jobs[i], err);
    return status;
}

static int put(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct put_call *p = context;
    bool older = false;
    int status = find_age(c, p, &older, err);
    if (status == CCD_OK)
        status = compare_all(c, p, older, err);
    if (status == CCD_OK && !older)
        status = write_all(c, p, err);
    for (size_t i = 0; i < p->lists->count; i++)
        list_job_end(&p->jobs[i], c->target->allocator);
    return status;
}

static int plan(struct put_call *p, struct ccd_error *err)
{
    if (p->lists->count == 0 || p->lists->count > LISTS_MAX)
        return error_set(err, CCD_INTERNAL, "%zu lists in one call", p->lists->count);
    for (size_t i = 0; i < p->lists->count; i++) {
        const struct store_list *given = &p->lists->lists[i];
        struct list_job *job = &p->jobs[i];
        *job = (struct list_job){.given = given, .call = p->lists};
        if (!list_keys_init(&job->keys, given->table) || given->rows->type != given->table)
            return error_set(err, CCD_INTERNAL, "%s is no list", given->table->name);
        bool is_part = given->table->shape == SHAPE_PARTS;
        if (is_part && given->table->parent == p->jobs[0].given->table &&
            p->jobs[0].keys.count == 1)
            job->parent = &p->jobs[0];
        p->counts[i] = (struct store_list_counts){0};
    }
    return CCD_OK;
}

int sql_put_lists(struct store *store, const struct store_lists *lists,
                  struct store_list_counts *out_counts, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct put_call *p = mem_new(s->target.allocator, 1, sizeof(*p));
    if (!p)
        return error_set(err, CCD_NO_MEMORY, "no memory to write a list");
    p->lists = lists;
    p->counts = out_counts;
    int status = plan(p, err);
    if (status == CCD_OK) {
        struct sql_task task = {.run = put, .context = p, .writes = true, .apart = true};
        status = sql_store_do(s, &task, err);
    }
    mem_free(s->target.allocator, p);
    return status;
}
