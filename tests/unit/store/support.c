#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- back-ends ---- */

static bool make_directory(struct place *place)
{
    /* A file system in memory, when there is one: nothing here depends on the disk. */
    const char *base = getenv("TMPDIR");
    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    str_print(place->directory, sizeof(place->directory), "%s/ccdata_store_XXXXXX", base);
    if (!mkdtemp(place->directory)) {
        perror(place->directory);
        return false;
    }
    str_print(place->url, sizeof(place->url), "sqlite:%s/t.db", place->directory);
    return true;
}

static void remove_directory(struct place *place)
{
    DIR *dir = opendir(place->directory);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char path[600];
        if (e->d_name[0] != '.') {
            str_print(path, sizeof(path), "%s/%s", place->directory, e->d_name);
            unlink(path);
        }
    }
    if (dir)
        closedir(dir);
    rmdir(place->directory);
}

static bool make_nothing(struct place *place)
{
    str_copy(place->url, sizeof(place->url), STR("null:"));
    return true;
}

static void remove_nothing(struct place *place)
{
    (void)place;
}

const struct back_end back_end_sqlite = {
    .name = "sqlite",
    .persists = true,
    .make_place = make_directory,
    .remove_place = remove_directory,
};
const struct back_end back_end_null = {
    .name = "null", .make_place = make_nothing, .remove_place = remove_nothing};

bool back_end_serves(const struct back_end *back_end, const char *name)
{
    return !back_end->serves || back_end->serves(name);
}

/* ---- fixture ---- */

struct store_config fixture_config(const struct fixture *f)
{
    return (struct store_config){
        .url = f->place.url,
        .read_only = f->read_only,
        .create_schema = !f->no_create && !f->read_only,
        .settle_s = SETTLE,
        .busy_timeout_ms = f->busy_timeout_ms ? f->busy_timeout_ms : 5000,
        .batch_rows = f->batch_rows,
        .pool_size = 6,
        .pool_timeout_ms = 10000,
    };
}

static bool open_store(struct fixture *f)
{
    struct store_config config = fixture_config(f);
    int status = f->back_end->open ? f->back_end->open(&config, &f->store, &f->err)
                                   : store_open(&config, &f->store, &f->err);
    if (!CHECK_INT(CCD_OK, status)) {
        fprintf(stderr, "%s\n", f->err.message);
        return false;
    }
    return CHECK_INT(persists(f), (f->store->capabilities & STORE_PERSISTS) != 0);
}

bool fixture_open(struct fixture *f, const struct back_end *back_end)
{
    *f = (struct fixture){.back_end = back_end};
    return back_end->make_place(&f->place) && open_store(f);
}

static void close_store(struct fixture *f)
{
    if (f->writer)
        f->writer->ops->writer_close(f->writer);
    store_close(f->store);
    f->writer = NULL;
    f->store = NULL;
}

void fixture_close(struct fixture *f)
{
    close_store(f);
    f->back_end->remove_place(&f->place);
}

bool fixture_reopen(struct fixture *f)
{
    close_store(f);
    return open_store(f);
}

bool persists(const struct fixture *f)
{
    return f->back_end->persists;
}

struct store_writer *fixture_writer(struct fixture *f)
{
    if (!f->writer &&
        !CHECK_INT(CCD_OK, f->store->ops->writer_open(f->store, &f->writer, &f->err))) {
        fprintf(stderr, "%s\n", f->err.message);
        exit(1);
    }
    return f->writer;
}

void run_contract(const struct back_end *back_end, void (*run)(struct fixture *f))
{
    struct fixture f;
    if (fixture_open(&f, back_end)) {
        run(&f);
        fixture_close(&f);
    } else {
        test_skip("the back-end cannot run here");
    }
}

/* ---- pages ---- */

const struct data_type *type_of(const char *name)
{
    const struct data_type *type = data_type_find(str_from(name));
    if (!type) {
        fprintf(stderr, "no data type %s\n", name);
        exit(1);
    }
    return type;
}

static void give_up_on_memory(int status)
{
    if (status != CCD_OK) {
        fprintf(stderr, "no memory for the test\n");
        exit(1);
    }
}

struct series_names names_of(const char *type, const char *native, const char *mapped)
{
    struct series_names names = {0};
    CHECK(
        series_names_set(&names, type_of(type), STR("kraken"), str_from(native), str_from(mapped)));
    return names;
}

void page_init(struct page *page, const char *type, enum interval interval, const char *native,
               const char *mapped, size_t capacity_rows)
{
    *page = (struct page){.names = names_of(type, native, mapped)};
    give_up_on_memory(batch_init(&page->batch, type_of(type), capacity_rows, 1 << 22, NULL, NULL));
    page->rejected = calloc(capacity_rows, sizeof(*page->rejected));
    give_up_on_memory(page->rejected ? CCD_OK : CCD_NO_MEMORY);
    page->p = (struct store_page){
        .type = type_of(type),
        .interval = interval,
        .series = &page->names,
        .batch = &page->batch,
        .collected_utc_s = COLLECTED,
        .final_before_ts = COLLECTED - SETTLE,
        .segments = page->segments,
        .run_id = "run-1",
    };
}

void page_init_days(struct page *page, int64_t first_day, size_t rows)
{
    page_init(page, "spot_ohlcv", INTERVAL_1D, "XXBTZUSD", "BTC-USD", rows);
    for (size_t i = 0; i < rows; i++)
        page_add(page, day(first_day + (int64_t)i));
}

void page_release(struct page *page)
{
    batch_release(&page->batch);
    free(page->rejected);
}

static size_t column_of(const struct page *page, const char *name)
{
    int column = data_type_column(page->p.type, str_from(name));
    if (column < 0) {
        fprintf(stderr, "%s has no column %s\n", page->p.type->name, name);
        exit(1);
    }
    return (size_t)column;
}

static void set_any(struct page *page, size_t row, size_t column, int64_t ts)
{
    const struct column *c = &page->p.type->columns[column];
    char text[96];
    switch (c->kind) {
    case COLUMN_F64:
        batch_set_f64(&page->batch, row, column, (double)ts / 1000 + (double)column / 7);
        break;
    case COLUMN_TEXT:
        str_print(text, sizeof(text), "%s text", c->name);
        give_up_on_memory(batch_set_text(&page->batch, row, column, str_from(text)));
        break;
    case COLUMN_BOOL:
        batch_set_i64(&page->batch, row, column, ts / 86400 % 2);
        break;
    case COLUMN_I64:
    case COLUMN_UTC_S:
        batch_set_i64(&page->batch, row, column, ts + (int64_t)column);
        break;
    }
}

size_t page_add(struct page *page, int64_t ts)
{
    size_t row = page->batch.row_count++;
    for (size_t column = 0; column < page->p.type->column_count; column++)
        set_any(page, row, column, ts);
    batch_set_i64(&page->batch, row, column_of(page, "ts"), ts);
    return row;
}

void page_set_f64(struct page *page, size_t row, const char *column, double value)
{
    batch_set_f64(&page->batch, row, column_of(page, column), value);
}

void page_set_i64(struct page *page, size_t row, const char *column, int64_t value)
{
    batch_set_i64(&page->batch, row, column_of(page, column), value);
}

void page_set_text(struct page *page, size_t row, const char *column, const char *value)
{
    give_up_on_memory(batch_set_text(&page->batch, row, column_of(page, column), str_from(value)));
}

void page_set_null(struct page *page, size_t row, const char *column)
{
    size_t c = column_of(page, column);
    batch_cell(&page->batch, row, c)->i64 = 0;
    page->batch.present[row] &= ~(UINT64_C(1) << c);
}

void page_reject(struct page *page, size_t row, const char *why)
{
    page->rejected[row] = why;
    page->p.rejected = page->rejected;
}

void page_cover(struct page *page, int64_t from_ts, int64_t to_ts, enum coverage_state state)
{
    page->segments[page->p.segment_count++] = (struct coverage_segment){
        .from_ts = from_ts,
        .to_ts = to_ts,
        .state = state,
        .asked_utc_s = page->p.collected_utc_s,
    };
}

bool page_put(struct fixture *f, struct page *page, struct store_page_result *out_result)
{
    struct store_writer *w = fixture_writer(f);
    if (w->ops->writer_begin(w, &f->err) != CCD_OK)
        return false;
    if (w->ops->writer_put(w, &page->p, out_result, &f->err) != CCD_OK) {
        w->ops->writer_rollback(w);
        return false;
    }
    return w->ops->writer_commit(w, &f->err) == STORE_COMMITTED;
}

bool page_check(struct fixture *f, struct page *page, int64_t inserted, int64_t changed,
                int64_t unchanged, int64_t rejected)
{
    struct store_page_result result;
    if (!CHECK(page_put(f, page, &result))) {
        fprintf(stderr, "%s\n", f->err.message);
        return false;
    }
    if (!persists(f)) { /* nothing is known, so every good row is new */
        return CHECK_INT(inserted + changed + unchanged, result.inserted) &
               CHECK_INT(rejected, result.rejected);
    }
    return CHECK_INT(inserted, result.inserted) & CHECK_INT(changed, result.changed) &
           CHECK_INT(unchanged, result.unchanged) & CHECK_INT(rejected, result.rejected);
}

/* ---- lists ---- */

int put_whole_list(struct store *store, const struct batch *rows, const char *scope,
                   int64_t asked_utc_s, struct store_list_counts *out_counts, struct ccd_error *err)
{
    const struct store_list list = {rows->type, rows};
    const struct store_lists lists = {.lists = &list,
                                      .count = 1,
                                      .scope = str_from(scope),
                                      .asked_utc_s = asked_utc_s,
                                      .is_complete = true,
                                      .shrink_max_percent = 100};
    *out_counts = (struct store_list_counts){0};
    return store->ops->put_lists(store, &lists, out_counts, err);
}

void row_is_listed(struct batch *b, size_t row, bool listed)
{
    int column = data_type_column_flagged(b->type, COLUMN_LISTED);
    if (column >= 0)
        batch_set_i64(b, row, (size_t)column, listed);
}

/* ---- questions ---- */

static bool read_range(struct fixture *f, const struct page *page, int64_t from_ts, int64_t to_ts,
                       struct batch *out, int64_t *collected)
{
    return CHECK_INT(CCD_OK, f->store->ops->read_rows(
                                 f->store, page->p.type, page->p.interval, page->names.series_id,
                                 (struct period_range){from_ts, to_ts}, out, collected, &f->err));
}

/* A cell as the back-end is able to keep it. */
static int64_t kept_bits(const struct fixture *f, const struct batch *b, size_t row, size_t column)
{
    const union cell *cell = batch_cell(b, row, column);
    bool zero = b->type->columns[column].kind == COLUMN_F64 && cell->f64 == 0;
    return zero && f->back_end->plain_zero ? 0 : cell->i64;
}

static bool same_row(const struct fixture *f, const struct page *page, size_t row,
                     const struct batch *stored, size_t at)
{
    const struct batch *b = &page->batch;
    bool same = true;
    for (size_t i = 0; i < b->type->column_count; i++) {
        const struct column *c = &b->type->columns[i];
        bool kept = column_is_fact(c) || (c->flags & COLUMN_TS);
        bool expected = kept && batch_has(b, row, i);
        int64_t bits = expected ? kept_bits(f, b, row, i) : 0; /* an absent cell is zero */
        if (batch_has(stored, at, i) != expected || batch_cell(stored, at, i)->i64 != bits) {
            fprintf(stderr, "row %zu: %s differs\n", row, c->name);
            same = false;
        }
    }
    return same;
}

bool page_is_stored(struct fixture *f, const struct page *page)
{
    const struct batch *b = &page->batch;
    size_t ts = column_of(page, "ts");
    struct batch stored;
    give_up_on_memory(batch_init(&stored, b->type, b->row_count + 1, 1 << 20, NULL, NULL));
    bool same = read_range(f, page, batch_cell(b, 0, ts)->i64,
                           batch_cell(b, b->row_count - 1, ts)->i64 + 1, &stored, NULL);
    size_t at = 0;
    for (size_t row = 0; same && row < b->row_count && persists(f); row++) {
        if (page->p.rejected && page->p.rejected[row])
            continue;
        same = CHECK(at < stored.row_count) && CHECK(same_row(f, page, row, &stored, at));
        at++;
    }
    same = same && CHECK_INT(at, stored.row_count);
    batch_release(&stored);
    return same;
}

int64_t stored_rows(struct fixture *f, const struct page *page)
{
    struct batch stored;
    give_up_on_memory(batch_init(&stored, page->p.type, 20000, 1 << 20, NULL, NULL));
    read_range(f, page, ALL_TIME_FROM, all_time_to, &stored, NULL);
    int64_t count = (int64_t)stored.row_count;
    batch_release(&stored);
    return count;
}

bool stored_f64(struct fixture *f, const struct page *page, int64_t ts, const char *column,
                double *out)
{
    struct batch stored;
    give_up_on_memory(batch_init(&stored, page->p.type, 1, 1 << 20, NULL, NULL));
    size_t c = column_of(page, column);
    bool has = read_range(f, page, ts, ts + 1, &stored, NULL) && stored.row_count == 1 &&
               batch_has(&stored, 0, c);
    *out = has ? batch_cell(&stored, 0, c)->f64 : 0;
    batch_release(&stored);
    return has;
}

int64_t stored_collected(struct fixture *f, const struct page *page, int64_t ts)
{
    struct batch stored;
    int64_t collected = -1;
    give_up_on_memory(batch_init(&stored, page->p.type, 1, 1 << 20, NULL, NULL));
    read_range(f, page, ts, ts + 1, &stored, &collected);
    batch_release(&stored);
    return collected;
}

struct segment_list {
    struct coverage_segment *items;
    size_t count, capacity;
};

static int add_segment(void *user, const struct coverage_segment *segment)
{
    struct segment_list *list = user;
    if (list->count == list->capacity)
        return -1;
    list->items[list->count++] = *segment;
    return 0;
}

size_t stored_coverage(struct fixture *f, const struct page *page, struct coverage_segment *out,
                       size_t capacity)
{
    struct segment_list list = {.items = out, .capacity = capacity};
    CHECK_INT(CCD_OK, f->store->ops->load_coverage(f->store, page->names.series_id,
                                                   interval_infos[page->p.interval].step_s,
                                                   add_segment, &list, &f->err));
    return list.count;
}

bool find(struct fixture *f, const char *type, const char *market, const char *name,
          struct series_names *out)
{
    bool found = false;
    CHECK_INT(CCD_OK, f->store->ops->find_series(f->store, type_of(type), str_from(market),
                                                 str_from(name), out, &found, &f->err));
    return found;
}
