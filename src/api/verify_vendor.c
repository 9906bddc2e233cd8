#include <string.h>

#include "api/verify.h"
#include "store/journal.h"
#include "store/value.h"

struct compare_writer {
    struct store_writer base;
    struct compare_store *store;
};

/* A page beside the rows that are stored for what it was asked for; both ascend. */
struct pair {
    struct verify *v;
    const struct store_page *page;
    size_t ts_column;
    size_t row, stored; /* that the walk is at */
};

static int64_t ts_at(const struct pair *p, const struct batch *b, size_t row)
{
    return row < b->row_count ? batch_cell(b, row, p->ts_column)->i64 : INT64_MAX;
}

static int found(const struct pair *p, enum ccd_finding_kind kind, int64_t ts, const char *column,
                 const char *ours, const char *theirs, struct ccd_error *err)
{
    const struct ccd_finding finding = {
        .kind = kind,
        .market = p->page->series->market,
        .instrument = p->page->series->instrument,
        .ts = ts,
        .column = column,
        .ours = ours,
        .theirs = theirs,
    };
    return verify_add(p->v, &finding, err);
}

/* *out_text: NULL when the cell is. */
static void cell_text(const struct batch *b, size_t row, size_t column, struct buf *out,
                      const char **out_text)
{
    char scratch[JOURNAL_NUMBER_MAX_BYTES];
    bool is_null;
    struct str text = journal_cell(b, row, column, scratch, &is_null);
    buf_clear(out);
    buf_add(out, text.ptr, text.len);
    *out_text = is_null ? NULL : buf_str(out).ptr;
}

static int compare_values(const struct pair *p, struct ccd_error *err)
{
    const struct batch *theirs = p->page->batch, *ours = &p->v->stored;
    struct buf our_text, their_text;
    int status = 0;
    buf_init(&our_text, 1 << 16, NULL);
    buf_init(&their_text, 1 << 16, NULL);
    for (size_t i = 0; i < theirs->type->column_count && status == 0; i++) {
        struct value a = value_of_cell(ours, p->stored, i), b = value_of_cell(theirs, p->row, i);
        const char *our, *their;
        if (!column_is_fact(&theirs->type->columns[i]) || value_equal(&a, &b))
            continue;
        cell_text(ours, p->stored, i, &our_text, &our);
        cell_text(theirs, p->row, i, &their_text, &their);
        status = found(p, CCD_FINDING_CHANGED, ts_at(p, theirs, p->row),
                       theirs->type->columns[i].name, our, their, err);
    }
    buf_release(&our_text);
    buf_release(&their_text);
    return status;
}

/* One period: in the page, in the database, or in both. */
static int compare_next(struct pair *p, struct ccd_error *err)
{
    const struct batch *theirs = p->page->batch, *ours = &p->v->stored;
    int64_t their_ts = ts_at(p, theirs, p->row), our_ts = ts_at(p, ours, p->stored);
    const char *impossible = NULL;
    int status = 0;
    if (their_ts <= our_ts && p->page->rejected)
        impossible = p->page->rejected[p->row];
    if (our_ts < their_ts)
        status = found(p, CCD_FINDING_GONE, our_ts, NULL, NULL, NULL, err);
    else if (their_ts == our_ts && impossible)
        status = found(p, CCD_FINDING_GONE, our_ts, NULL, NULL, impossible, err);
    else if (their_ts < our_ts && !impossible && their_ts < p->page->final_before_ts)
        status = found(p, CCD_FINDING_LATE, their_ts, NULL, NULL, NULL, err);
    else if (their_ts == our_ts)
        status = compare_values(p, err);
    p->v->report.compared++;
    p->row += their_ts <= our_ts;
    p->stored += our_ts <= their_ts;
    return status;
}

static int compare_page(struct compare_store *store, const struct store_page *page,
                        struct ccd_error *err)
{
    struct verify *v = store->verify;
    int64_t step_s = interval_infos[page->interval].step_s;
    size_t rows = (size_t)((page->asked.to_ts - page->asked.from_ts) / step_s);
    int status = v->stored.type ? batch_reset(&v->stored, page->type, rows, err)
                                : batch_init(&v->stored, page->type, rows, UINT32_MAX, NULL, err);
    if (status == 0)
        status = store->real->ops->read_rows(store->real, page->type, page->interval,
                                             page->series->series_id, page->asked, &v->stored, NULL,
                                             err);
    struct pair pair = {
        .v = v,
        .page = page,
        .ts_column = (size_t)data_type_column_flagged(page->type, COLUMN_TS),
    };
    while (status == 0 && (pair.row < page->batch->row_count || pair.stored < v->stored.row_count))
        status = compare_next(&pair, err);
    return status;
}

/* ---- the writer that a runtime sees ---- */

static int open_writer(struct store *store, struct store_writer **out, struct ccd_error *err)
{
    struct compare_writer *w = mem_new(NULL, 1, sizeof(*w));
    if (!w)
        return error_set(err, CCD_NO_MEMORY, "no memory to compare with the vendor");
    *w = (struct compare_writer){{store->ops}, (struct compare_store *)store};
    *out = &w->base;
    return 0;
}

static void close_writer(struct store_writer *writer)
{
    mem_free(NULL, writer);
}

static int begin(struct store_writer *writer, struct ccd_error *err)
{
    (void)writer, (void)err;
    return 0;
}

static int put(struct store_writer *writer, const struct store_page *page,
               struct store_page_result *out_result, struct ccd_error *err)
{
    struct compare_writer *w = (struct compare_writer *)writer;
    *out_result = (struct store_page_result){.unchanged = (int64_t)page->batch->row_count};
    return compare_page(w->store, page, err);
}

static enum store_outcome commit(struct store_writer *writer, struct ccd_error *err)
{
    (void)writer, (void)err;
    return STORE_COMMITTED;
}

static void rollback(struct store_writer *writer)
{
    (void)writer;
}

static const struct store_ops compare_ops = {
    .writer_open = open_writer,
    .writer_close = close_writer,
    .writer_begin = begin,
    .writer_put = put,
    .writer_commit = commit,
    .writer_rollback = rollback,
};

void compare_store_init(struct compare_store *store, struct store *real, struct verify *verify)
{
    *store = (struct compare_store){.real = real, .verify = verify};
    store->base = (struct store){.ops = &compare_ops, .dialect = real->dialect};
}
