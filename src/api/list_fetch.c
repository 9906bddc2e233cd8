#include "api/list_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "model/request.h"

enum {
    PAGES_MAX = 1000, /* the most that the vendor allows (CONTRACT.md §4) */
    ROWS_AT_FIRST = 128,
    PATH_MAX_BYTES = 4096,
};

void fetched_list_release(struct fetched_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        batch_release(&list->batches[i]);
    if (list->count > 0)
        mem_free(list->batches[0].allocator, list->order);
    *list = (struct fetched_list){0};
}

/* ---- which columns tell records apart ---- */

/* A place in a ranking tells nothing: there it is what stands at the place. */
static bool is_identity(const struct data_type *table, size_t column)
{
    uint32_t flags = table->columns[column].flags;
    if (data_type_column_flagged(table, COLUMN_POSITION) < 0)
        return flags & COLUMN_KEY;
    return flags & COLUMN_REQUIRED && !(flags & COLUMN_POSITION);
}

static int compare_cells(const struct batch *a, size_t row_a, size_t column_a,
                         const struct batch *b, size_t row_b, size_t column_b)
{
    if (a->type->columns[column_a].kind != COLUMN_TEXT) {
        int64_t x = batch_cell(a, row_a, column_a)->i64, y = batch_cell(b, row_b, column_b)->i64;
        return (x > y) - (x < y);
    }
    struct str x = batch_text(a, row_a, column_a), y = batch_text(b, row_b, column_b);
    size_t shorter = x.len < y.len ? x.len : y.len;
    int order = shorter > 0 ? memcmp(x.ptr, y.ptr, shorter) : 0;
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static int compare_identities(const struct batch *b, size_t x, size_t y)
{
    int order = 0;
    for (size_t c = 0; c < b->type->column_count && order == 0; c++)
        if (is_identity(b->type, c))
            order = compare_cells(b, x, c, b, y, c);
    return order;
}

static int by_key(const void *a, const void *b, void *rows)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct batch *batch = rows;
    int order = 0;
    for (size_t c = 0; c < batch->type->column_count && order == 0; c++)
        if (batch->type->columns[c].flags & COLUMN_KEY)
            order = compare_cells(batch, x, c, batch, y, c);
    return order != 0 ? order : (x > y) - (x < y);
}

void list_order(const struct batch *rows, uint32_t *out_order)
{
    for (size_t row = 0; row < rows->row_count; row++)
        out_order[row] = (uint32_t)row;
    qsort_r(out_order, rows->row_count, sizeof(*out_order), by_key, (void *)rows);
}

/* ---- records that stand on two pages ---- */

/* What one page added; rows before were there. */
struct page_marks {
    size_t rows[LIST_TABLES_MAX], texts[LIST_TABLES_MAX];
};

static struct page_marks take_marks(const struct fetched_list *list)
{
    struct page_marks marks = {0};
    for (size_t i = 0; i < list->count; i++) {
        marks.rows[i] = list->batches[i].row_count;
        marks.texts[i] = list->batches[i].text.len;
    }
    return marks;
}

/* The first of `known` rows in order that is not before the row; true: it is the same record. */
static bool find_place(const struct fetched_list *list, size_t known, size_t row, size_t *out_at)
{
    size_t low = 0, high = known;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_identities(&list->batches[0], list->order[middle], row) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out_at = low;
    return low < known && compare_identities(&list->batches[0], list->order[low], row) == 0;
}

/* Put the page's rows into the order, but for those that stand in it. repeats: whose first stood on
 * an earlier page. */
static size_t find_repeats(struct fetched_list *list, size_t page_start, bool *keep, bool *repeats)
{
    size_t known = page_start, count = list->batches[0].row_count;
    for (size_t row = 0; row < count; row++) {
        size_t at;
        keep[row] = row < page_start || !find_place(list, known, row, &at);
        repeats[row] = !keep[row] && list->order[at] < page_start;
        if (row < page_start || !keep[row])
            continue;
        memmove(&list->order[at + 1], &list->order[at], (known - at) * sizeof(*list->order));
        list->order[at] = (uint32_t)row;
        known++;
    }
    return count - known;
}

/* The rows that stay move up. */
static void renumber_order(struct fetched_list *list, size_t page_start, const bool *keep)
{
    for (size_t i = 0; i < list->batches[0].row_count; i++) {
        uint32_t gone = 0;
        for (size_t row = page_start; row < list->order[i]; row++)
            gone += !keep[row];
        list->order[i] -= gone;
    }
}

/* Parts of a record that was there before, as this page has them. */
static bool is_of_repeat(const struct batch *parts, size_t part, const struct batch *rows,
                         size_t page_start, const bool *repeats)
{
    int parent = data_type_column_flagged(parts->type, COLUMN_PARENT);
    int key = data_type_column_flagged(rows->type, COLUMN_KEY);
    for (size_t row = page_start; row < rows->row_count; row++)
        if (repeats[row] && compare_cells(parts, part, (size_t)parent, rows, row, (size_t)key) == 0)
            return true;
    return false;
}

static int drop_parts(struct batch *parts, size_t parts_start, const struct batch *rows,
                      size_t page_start, const bool *repeats, struct ccd_error *err)
{
    bool *keep = mem_new(parts->allocator, parts->row_count + 1, sizeof(*keep));
    if (!keep)
        return error_set(err, CCD_NO_MEMORY, "no memory for a list of %s", parts->type->name);
    for (size_t part = 0; part < parts->row_count; part++)
        keep[part] = part < parts_start || !is_of_repeat(parts, part, rows, page_start, repeats);
    batch_keep_rows(parts, keep);
    mem_free(parts->allocator, keep);
    return 0;
}

static void number_places(struct batch *rows)
{
    int place = data_type_column_flagged(rows->type, COLUMN_POSITION);
    for (size_t row = 0; row < rows->row_count && place >= 0; row++)
        batch_set_i64(rows, row, (size_t)place, (int64_t)row + 1);
}

static int drop_rows(struct fetched_list *list, const struct page_marks *marks, const bool *keep,
                     const bool *repeats, struct ccd_error *err)
{
    struct batch *rows = &list->batches[0];
    int status = 0;
    for (size_t i = 1; i < list->count && status == 0; i++)
        status = drop_parts(&list->batches[i], marks->rows[i], rows, marks->rows[0], repeats, err);
    if (status != 0)
        return status;
    batch_keep_rows(rows, keep);
    renumber_order(list, marks->rows[0], keep);
    number_places(rows);
    return 0;
}

static int drop_repeats(struct fetched_list *list, const struct page_marks *marks,
                        struct ccd_error *err)
{
    const struct batch *rows = &list->batches[0];
    const struct allocator *allocator = rows->allocator;
    size_t room = rows->row_count + 1;
    uint32_t *order = mem_resize(allocator, list->order, room, sizeof(*order));
    bool *keep = mem_new(allocator, room, sizeof(*keep));
    bool *repeats = mem_new(allocator, room, sizeof(*repeats));
    int status = 0;
    if (order)
        list->order = order;
    if (!order || !keep || !repeats)
        status = error_set(err, CCD_NO_MEMORY, "no memory for a list of %s", rows->type->name);
    if (status == 0 && find_repeats(list, marks->rows[0], keep, repeats) > 0)
        status = drop_rows(list, marks, keep, repeats, err);
    mem_free(allocator, keep);
    mem_free(allocator, repeats);
    return status;
}

/* ---- one call ---- */

struct page_reply {
    struct fetched_list *list;
    struct str market; /* of a catalogue */
    struct page_marks marks;
    struct records_said said;
};

static void forget_page(struct page_reply *reply)
{
    for (size_t i = 0; i < reply->list->count; i++)
        batch_cut(&reply->list->batches[i], reply->marks.rows[i], reply->marks.texts[i]);
}

/* A list of another market (a mix-up between vendor and us) would give its ids to this one. */
static bool is_of_market(const struct page_reply *reply, struct ccd_error *err)
{
    const struct batch *rows = &reply->list->batches[0];
    int column = data_type_column(rows->type, STR("market"));
    for (size_t row = 0; row < rows->row_count; row++) {
        struct str market = batch_text(rows, row, (size_t)column);
        if (str_equal_nocase(market, reply->market))
            continue;
        error_set(err, CCD_BAD_REPLY, "the list is of market " STR_FMT ", not of " STR_FMT,
                  STR_ARG(market), STR_ARG(reply->market));
        return false;
    }
    return true;
}

static enum reply_verdict classify_page(void *user, struct reply_decoder *decoder,
                                        const struct reply_input *input, struct ccd_error *err)
{
    struct page_reply *reply = user;
    struct fetched_list *list = reply->list;
    struct batch *pointers[LIST_TABLES_MAX];
    for (size_t i = 0; i < list->count; i++)
        pointers[i] = &list->batches[i];
    const struct record_batches batches = {pointers, list->count};
    enum reply_verdict verdict = reply_classify_records(decoder, input, &batches, &reply->said,
                                                        err);
    if (verdict != REPLY_PAGE || list->batches[0].type->shape != SHAPE_CATALOGUE ||
        is_of_market(reply, err))
        return verdict;
    forget_page(reply);
    return REPLY_RETRY;
}

static int build_path(struct buf *path, const struct list_name *name, int page)
{
    return name->table->shape == SHAPE_CATALOGUE
               ? request_catalogue(path, name->table, name->market)
               : request_records(path, name->table, page, LIST_PAGE_SIZE);
}

static int ask(struct list_source *source, const struct list_name *name, int page,
               struct page_reply *reply, enum reply_verdict *out_verdict, struct ccd_error *err)
{
    struct caller *caller = name->table->host == HOST_MIN_API ? source->min_api : source->data_api;
    struct buf path;
    int status;
    if (source->no_calls)
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env");
    buf_init(&path, PATH_MAX_BYTES, source->allocator);
    int64_t calls_before = caller->calls;
    if (build_path(&path, name, page) != 0)
        status = error_set(err, CCD_USAGE, "a name is too long for a request");
    else
        status = call_make(caller, path.data, classify_page, reply, out_verdict, err);
    reply->list->calls += caller->calls - calls_before;
    if (page == 1 || caller->sent_utc_s < reply->list->asked_utc_s)
        reply->list->asked_utc_s = caller->sent_utc_s;
    if (status == 0 && *out_verdict == REPLY_BAD_SERIES)
        error_prefix(err, "%s", path.data);
    buf_release(&path);
    return status;
}

/* ---- the whole list ---- */

/* The largest total counts: one that falls between two pages moved the records behind it. */
static void note_said(struct fetched_list *list, const struct records_said *said)
{
    if (said->total > list->total)
        list->total = said->total;
    if (list->refused == 0)
        str_copy(list->first_refusal, sizeof(list->first_refusal), str_from(said->first_refusal));
    list->refused += said->refused_count;
}

/* Behind the last page: it has nothing that was not there. A list that ends before the total that
 * the vendor states was cut short: it is taken, but for no whole. */
static void end_list(struct list_source *source, struct fetched_list *list, int page)
{
    list->is_whole = list->total == 0;
    list->is_cut_short = !list->is_whole;
    if (list->is_cut_short)
        log_warning(source->log, NULL, "page %d of %s has nothing new, though the list has %lld",
                    page, list->batches[0].type->name, (long long)list->total);
}

/* Whether the page that was just added is the last that is wanted. */
static bool is_last(struct list_source *source, struct fetched_list *list, int page,
                    size_t rows_before, int64_t wanted)
{
    const struct batch *rows = &list->batches[0];
    if (rows->type->is_listed && rows->row_count == rows_before) {
        end_list(source, list, page);
        return true;
    }
    int64_t asked = (int64_t)page * LIST_PAGE_SIZE;
    list->is_whole = !rows->type->is_listed || (list->total > 0 && asked >= list->total);
    return list->is_whole || (wanted > 0 && (int64_t)rows->row_count >= wanted);
}

/* *out_over: there is no page after this one. */
static int fetch_page(struct list_source *source, const struct list_name *name, int page,
                      int64_t wanted, struct fetched_list *list, bool *out_over,
                      struct ccd_error *err)
{
    struct page_reply reply = {list, name->market, take_marks(list), {0}};
    enum reply_verdict verdict = REPLY_PAGE;
    int status = ask(source, name, page, &reply, &verdict, err);
    if (status != 0)
        return status;
    if (verdict == REPLY_PAGE) {
        note_said(list, &reply.said);
        status = drop_repeats(list, &reply.marks, err);
        *out_over = status == 0 && is_last(source, list, page, reply.marks.rows[0], wanted);
        return status;
    }
    if (name->table->shape != SHAPE_CATALOGUE && page == 1)
        return err->status != CCD_OK
                   ? (int)err->status
                   : error_set(err, CCD_BAD_REPLY, "no list of %s in the reply", name->table->name);
    list->is_known = page > 1;
    if (list->is_known)
        end_list(source, list, page);
    *out_over = true;
    error_clear(err);
    return 0;
}

static int add_table(struct fetched_list *list, const struct data_type *table,
                     const struct allocator *allocator, struct ccd_error *err)
{
    if (list->count == LIST_TABLES_MAX)
        return error_set(err, CCD_INTERNAL, "%s: more than %d tables", table->name,
                         LIST_TABLES_MAX);
    int status = batch_init(&list->batches[list->count], table, ROWS_AT_FIRST, LIST_TEXT_MAX_BYTES,
                            allocator, err);
    list->count += status == 0;
    return status;
}

/* Nobody reads parts that are not stored. */
static int add_tables(struct list_source *source, const struct data_type *table,
                      struct fetched_list *list, struct ccd_error *err)
{
    int status = add_table(list, table, source->allocator, err);
    for (size_t i = 0; i < metadata_table_count && status == 0 && !source->read_only; i++)
        if (metadata_tables[i]->parent == table)
            status = add_table(list, metadata_tables[i], source->allocator, err);
    return status;
}

int list_fetch(struct list_source *source, const struct list_name *name, int64_t records_wanted,
               struct fetched_list *out, struct ccd_error *err)
{
    *out = (struct fetched_list){.is_known = true};
    bool is_over = false;
    int status = add_tables(source, name->table, out, err);
    for (int page = 1; status == 0 && !is_over; page++) {
        if (page > PAGES_MAX)
            return error_set(err, CCD_BAD_REPLY, "the list of %s has no end after %d pages",
                             name->table->name, PAGES_MAX);
        status = fetch_page(source, name, page, records_wanted, out, &is_over, err);
    }
    return status;
}
