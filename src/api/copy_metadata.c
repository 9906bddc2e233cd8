#include <inttypes.h>

#include "api/copy.h"
#include "base/str.h"

enum {
    GROUP_MAX = 16,            /* a table of records and its parts */
    SNAPSHOTS_AT_ONCE = 50000, /* rows of one call */
    LIST_TEXT_MAX_BYTES = 256 << 20,
};

/* Tables that are written together: the first has the records. */
struct group {
    struct copy *c;
    const struct data_type *tables[GROUP_MAX];
    struct ccd_copy_part *parts[GROUP_MAX]; /* of the report */
    struct batch rows[GROUP_MAX];
    size_t count;
};

static void add_table(struct group *g, const struct data_type *table, struct copy_report *report)
{
    if (g->count == GROUP_MAX)
        return;
    g->tables[g->count] = table;
    g->parts[g->count] = copy_report_part(report, table->name, NULL);
    buf_init(&g->rows[g->count].text, LIST_TEXT_MAX_BYTES, NULL);
    g->count++;
}

static void group_release(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        batch_release(&g->rows[i]);
}

/* How a side stands to a list. */
struct standing {
    size_t count;
    int64_t asked_utc_s;
};

static int look(struct store *store, const struct data_type *table, struct str scope,
                struct standing *out, struct ccd_error *err)
{
    return store->ops->load_list(store, table, scope, NULL, &out->count, &out->asked_utc_s, err);
}

/* A little more room than rows: others may write to the source. */
static int load(struct copy *c, const struct data_type *table, struct str scope, struct batch *rows,
                struct ccd_error *err)
{
    struct store *from = c->from.store;
    struct standing here;
    int status = look(from, table, scope, &here, err);
    if (status == 0)
        status = batch_reset(rows, table, here.count + here.count / 8 + 16, err);
    return status == 0
               ? from->ops->load_list(from, table, scope, rows, &here.count, &here.asked_utc_s, err)
               : status;
}

static void count_rows(struct group *g, size_t table, const struct store_list_counts *counts)
{
    struct ccd_copy_part *part = g->parts[table];
    part->series++;
    part->rows_read += (int64_t)g->rows[table].row_count;
    part->rows_written += counts->added + counts->changed + counts->gone;
    part->chunks_copied++;
    g->c->scan.now.rows += (int64_t)g->rows[table].row_count;
}

/* A list that was never asked for as a whole takes nothing away. */
static int put(struct group *g, struct str scope, int64_t asked_utc_s, bool is_complete,
               struct ccd_error *err)
{
    struct store *to = g->c->to.store;
    struct store_list lists[GROUP_MAX];
    struct store_list_counts counts[GROUP_MAX] = {0};
    for (size_t i = 0; i < g->count; i++)
        lists[i] = (struct store_list){g->tables[i], &g->rows[i]};
    int status = to->ops->put_lists(to,
                                    &(struct store_lists){
                                        .lists = lists,
                                        .count = g->count,
                                        .scope = scope,
                                        .asked_utc_s = asked_utc_s,
                                        .is_complete = is_complete,
                                        .rewrite = g->c->options.full && !is_complete,
                                        .shrink_max_percent = 100,
                                    },
                                    counts, err);
    for (size_t i = 0; i < g->count && status == 0; i++)
        count_rows(g, i, &counts[i]);
    return status;
}

static int copy_once(struct group *g, struct str scope, struct ccd_error *err)
{
    struct standing here, there;
    int status = look(g->c->from.store, g->tables[0], scope, &here, err);
    if (status == 0)
        status = look(g->c->to.store, g->tables[0], scope, &there, err);
    if (status != 0 || (here.count == 0 && here.asked_utc_s == 0))
        return status;
    if (!g->c->options.full && here.count == there.count && here.asked_utc_s > 0 &&
        here.asked_utc_s == there.asked_utc_s) {
        g->parts[0]->series++;
        g->parts[0]->chunks_skipped++;
        return 0;
    }
    for (size_t i = 0; i < g->count && status == 0; i++)
        status = load(g->c, g->tables[i], scope, &g->rows[i], err);
    return status == 0 ? put(g, scope, here.asked_utc_s, here.asked_utc_s > 0, err) : status;
}

static int copy_group(struct group *g, struct str scope, struct ccd_error *err)
{
    int attempts = 0, status = scan_step(&g->c->scan, err);
    if (status != 0)
        return status;
    do {
        status = copy_once(g, scope, err);
    } while (status != 0 && scan_again(&g->c->scan, &attempts, err));
    return status;
}

/* ---- catalogues ---- */

static int copy_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    (void)asked_utc_s;
    return copy_group(user, scope, err);
}

static int copy_catalogue(struct copy *c, const struct data_type *table, struct copy_report *report,
                          struct ccd_error *err)
{
    struct group g = {.c = c};
    add_table(&g, table, report);
    int status = c->from.store->ops->each_list(c->from.store, table, copy_scope, &g, err);
    group_release(&g);
    return status;
}

/* ---- snapshots: more than memory holds, so some records at a time ---- */

static int append_record(struct group *g, int64_t record, size_t *room, struct ccd_error *err)
{
    struct store *from = g->c->from.store;
    struct batch *rows = &g->rows[0];
    struct standing here;
    char scope[24];
    str_print(scope, sizeof(scope), "%" PRId64, record);
    int status = look(from, g->tables[0], str_from(scope), &here, err);
    if (status != 0 || here.count == 0)
        return status;
    if (here.count > rows->capacity_rows - rows->row_count) {
        *room = here.count; /* first what there is */
        return 0;
    }
    return from->ops->load_list(from, g->tables[0], str_from(scope), rows, &here.count,
                                &here.asked_utc_s, err);
}

/* The snapshots of records[*at …], as many as fit; *at moves behind them. */
static int collect(struct group *g, const struct batch *records, size_t key, size_t *at,
                   size_t *capacity, struct ccd_error *err)
{
    int status = batch_reset(&g->rows[0], g->tables[0], *capacity, err);
    size_t room = 0;
    while (*at < records->row_count && status == 0 && room == 0) {
        status = append_record(g, batch_cell(records, *at, key)->i64, &room, err);
        if (status == 0 && room == 0)
            (*at)++;
    }
    *capacity = room > SNAPSHOTS_AT_ONCE ? room + room / 8 : SNAPSHOTS_AT_ONCE;
    return status;
}

static int copy_records_snapshots(struct group *g, const struct batch *records, int64_t asked_utc_s,
                                  struct ccd_error *err)
{
    size_t key = (size_t)data_type_column_flagged(records->type, COLUMN_KEY);
    size_t capacity = SNAPSHOTS_AT_ONCE;
    int status = 0;
    for (size_t at = 0; at < records->row_count && status == 0;) {
        status = scan_step(&g->c->scan, err);
        if (status == 0)
            status = collect(g, records, key, &at, &capacity, err);
        if (status == 0 && g->rows[0].row_count > 0)
            status = put(g, STR(""), asked_utc_s, false, err);
    }
    batch_clear(&g->rows[0]);
    if (status == 0) /* none of them is missing now */
        status = put(g, STR(""), asked_utc_s, true, err);
    g->parts[0]->series = 1;
    return status;
}

/* The newer of the two times, for what the destination has of the same records is no reason to
 * leave out what it lacks. */
static int copy_snapshots(struct copy *c, const struct data_type *table, struct copy_report *report,
                          struct ccd_error *err)
{
    struct group g = {.c = c};
    struct standing here, there;
    struct batch records = {0};
    int status = look(c->from.store, table, STR(""), &here, err);
    if (status == 0)
        status = look(c->to.store, table, STR(""), &there, err);
    if (status != 0 || here.count == 0)
        return status;
    add_table(&g, table, report);
    if (!c->options.full && here.count == there.count && here.asked_utc_s == there.asked_utc_s) {
        g.parts[0]->series++;
        g.parts[0]->chunks_skipped++;
    } else {
        int64_t asked_utc_s = here.asked_utc_s > there.asked_utc_s ? here.asked_utc_s
                                                                   : there.asked_utc_s;
        buf_init(&records.text, LIST_TEXT_MAX_BYTES, NULL);
        status = load(c, table->parent, STR(""), &records, err);
        if (status == 0)
            status = copy_records_snapshots(&g, &records, asked_utc_s, err);
        batch_release(&records);
    }
    group_release(&g);
    return status;
}

/* ---- a type ---- */

static int copy_records(struct copy *c, const struct data_type *type,
                        const struct data_type *records, struct copy_report *report,
                        struct ccd_error *err)
{
    struct group g = {.c = c};
    add_table(&g, records, report);
    for (size_t i = 0; i < type->table_count; i++)
        if (type->tables[i]->shape == SHAPE_PARTS && type->tables[i]->parent == records)
            add_table(&g, type->tables[i], report);
    int status = copy_group(&g, STR(""), err);
    group_release(&g);
    return status;
}

int copy_metadata(struct copy *c, const struct data_type *type, struct copy_report *report,
                  struct ccd_error *err)
{
    if (type->shape == SHAPE_CATALOGUE)
        return copy_catalogue(c, type, report, err);
    int status = 0;
    for (size_t i = 0; i < type->table_count && status == 0; i++) {
        const struct data_type *table = type->tables[i];
        if (table->shape == SHAPE_RECORDS)
            status = copy_records(c, type, table, report, err);
        else if (table->shape == SHAPE_SNAPSHOTS)
            status = copy_snapshots(c, table, report, err);
    }
    return status;
}
