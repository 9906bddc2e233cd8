#include "model/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "test.h"

static const struct data_type *type_of(const char *name)
{
    const struct data_type *type = data_type_find(str_from(name));
    return type ? type : metadata_table_find(str_from(name));
}

static size_t column_of(const struct batch *b, const char *name)
{
    return (size_t)data_type_column(b->type, str_from(name));
}

static void open_batch(struct batch *b, const char *type, size_t rows, size_t text_max_bytes)
{
    struct ccd_error err;
    CHECK_INT(CCD_OK, batch_init(b, type_of(type), rows, text_max_bytes, NULL, &err));
}

/* The invariant of the header: NULL cells are zero. */
static bool null_cells_are_zero(const struct batch *b)
{
    for (size_t column = 0; column < b->type->column_count; column++) {
        for (size_t row = 0; row < b->capacity_rows; row++) {
            if (!batch_has(b, row, column) && batch_cell(b, row, column)->i64 != 0) {
                return false;
            }
        }
    }
    return true;
}

TEST(batch_zeroed_is_releasable)
{
    struct batch b = {0};
    batch_release(&b);
    batch_release(&b);
}

TEST(batch_set_and_read)
{
    struct batch b;
    open_batch(&b, "spot_ohlcv", 2, 1024);
    CHECK(!batch_has(&b, 0, 1));
    batch_set_i64(&b, 0, column_of(&b, "ts"), INT64_MIN);
    batch_set_f64(&b, 0, column_of(&b, "open"), -0.0);
    CHECK_INT(CCD_OK, batch_set_text(&b, 0, column_of(&b, "market"), STR("kraken")));
    CHECK_INT(CCD_OK, batch_set_text(&b, 0, column_of(&b, "transform_function"), STR("")));
    CHECK_INT(INT64_MIN, batch_cell(&b, 0, column_of(&b, "ts"))->i64);
    CHECK_F64_BITS(-0.0, batch_cell(&b, 0, column_of(&b, "open"))->f64);
    CHECK_STR("kraken", batch_text(&b, 0, column_of(&b, "market")));
    CHECK(batch_has(&b, 0, column_of(&b, "transform_function")));
    CHECK_STR("", batch_text(&b, 0, column_of(&b, "transform_function")));
    CHECK_STR("", batch_text(&b, 1, column_of(&b, "market")));
    CHECK(!batch_has(&b, 1, column_of(&b, "market")));
    CHECK(null_cells_are_zero(&b));
    batch_release(&b);
}

TEST(batch_last_column_has_a_bit)
{
    struct batch b;
    open_batch(&b, "futures_open_interest", 1, 0);
    batch_set_i64(&b, 0, b.type->column_count - 1, 5);
    CHECK(batch_has(&b, 0, b.type->column_count - 1));
    CHECK(!batch_has(&b, 0, b.type->column_count - 2));
    batch_release(&b);
}

TEST(batch_equal_texts_of_neighbours_are_stored_once)
{
    struct batch b;
    open_batch(&b, "spot_ohlcv", 4, 8);
    size_t market = column_of(&b, "market");
    CHECK_INT(CCD_OK, batch_set_text(&b, 0, market, STR("kraken")));
    CHECK_INT(CCD_OK, batch_set_text(&b, 1, market, STR("kraken")));
    CHECK_INT(6, b.text.len);
    CHECK_STR("kraken", batch_text(&b, 1, market));
    CHECK_INT(CCD_OK, batch_set_text(&b, 2, market, STR("ok")));
    CHECK_INT(CCD_NO_MEMORY, batch_set_text(&b, 3, market, STR("x")));
    CHECK(!batch_has(&b, 3, market));
    CHECK_STR("kraken", batch_text(&b, 0, market));
    CHECK_STR("ok", batch_text(&b, 2, market));
    batch_clear(&b);
    CHECK_INT(CCD_OK, batch_set_text(&b, 0, market, STR("12345678")));
    CHECK_INT(CCD_NO_MEMORY, batch_set_text(&b, 1, market, STR("9")));
    batch_release(&b);
}

TEST(batch_clear_forgets_rows_that_were_never_counted)
{
    struct batch b;
    open_batch(&b, "spot_ohlcv", 8, 64);
    batch_set_i64(&b, 0, 1, 60);
    batch_set_i64(&b, 5, 1, 120);
    batch_set_f64(&b, 5, column_of(&b, "open"), 1.5);
    b.row_count = 1;
    b.unknown_keys = 3;
    memcpy(b.first_unknown_key, "NEW", 4);
    batch_clear(&b);
    CHECK_INT(0, b.row_count);
    CHECK_INT(0, b.unknown_keys);
    CHECK_TEXT("", b.first_unknown_key);
    for (size_t row = 0; row < b.capacity_rows; row++) {
        CHECK_INT(0, b.present[row]);
    }
    CHECK(null_cells_are_zero(&b));
    batch_release(&b);
}

static void fill(struct batch *b)
{
    for (size_t row = 0; row < b->capacity_rows; row++) {
        for (size_t column = 0; column < b->type->column_count; column++) {
            batch_set_i64(b, row, column, -1);
        }
    }
    b->row_count = b->capacity_rows;
}

TEST(batch_reset_reuses_memory)
{
    struct ccd_error err;
    struct batch b;
    open_batch(&b, "futures_open_interest", 50, 64);
    fill(&b);
    union cell *cells = b.cells;
    CHECK_INT(CCD_OK, batch_reset(&b, type_of("indices_ohlcv"), 7, &err));
    CHECK_INT(7, b.capacity_rows);
    CHECK_INT(0, b.row_count);
    CHECK(null_cells_are_zero(&b));
    fill(&b);
    CHECK_INT(CCD_OK, batch_reset(&b, type_of("futures_open_interest"), 50, &err));
    CHECK(b.cells == cells);
    CHECK(null_cells_are_zero(&b));
    fill(&b);
    /* Fewer cells but more rows: the presence bits need new memory. */
    CHECK_INT(CCD_OK, batch_reset(&b, type_of("indices_ohlcv"), 100, &err));
    CHECK(null_cells_are_zero(&b));
    fill(&b);
    CHECK_INT(CCD_OK, batch_reset(&b, type_of("spot_ohlcv"), 1000, &err));
    CHECK(null_cells_are_zero(&b));
    fill(&b);
    batch_release(&b);
}

TEST(batch_refuses_more_rows_than_it_can_number)
{
    struct ccd_error err = {0};
    struct batch b;
    CHECK_INT(CCD_NO_MEMORY, batch_init(&b, type_of("spot_ohlcv"), SIZE_MAX, 0, NULL, &err));
    CHECK_INT(CCD_NO_MEMORY, err.status);
    batch_release(&b);
    CHECK_INT(CCD_NO_MEMORY,
              batch_init(&b, type_of("spot_ohlcv"), (size_t)UINT32_MAX + 1, 0, NULL, &err));
    batch_release(&b);
}

struct failing {
    int until_failure;
};

static void *failing_reallocate(void *user, void *ptr, size_t size_bytes)
{
    struct failing *failing = user;
    if (size_bytes == 0) {
        free(ptr);
        return NULL;
    }
    return failing->until_failure-- > 0 ? realloc(ptr, size_bytes) : NULL;
}

TEST(batch_survives_every_failed_allocation)
{
    for (int nth = 0; nth < 6; nth++) {
        struct failing failing = {nth};
        struct allocator allocator = {failing_reallocate, &failing};
        struct ccd_error err = {0};
        struct batch b;
        int status = batch_init(&b, type_of("spot_ohlcv"), 4, 100, &allocator, &err);
        CHECK_INT(nth < 2 ? CCD_NO_MEMORY : CCD_OK, status);
        if (status == CCD_OK) {
            int text = batch_set_text(&b, 0, 3, STR("kraken"));
            CHECK_INT(nth < 3 ? CCD_NO_MEMORY : CCD_OK, text);
            CHECK(batch_has(&b, 0, 3) == (text == CCD_OK));
            int reset = batch_reset(&b, type_of("futures_ohlcv"), 9, &err);
            CHECK_INT(nth < 5 ? CCD_NO_MEMORY : CCD_OK, reset);
            CHECK_INT(reset == CCD_OK ? 9 : 0, b.capacity_rows);
            batch_clear(&b);
            failing.until_failure = 2;
            CHECK_INT(CCD_OK, batch_reset(&b, type_of("spot_ohlcv"), 4, &err));
        } else {
            CHECK_INT(CCD_NO_MEMORY, err.status);
        }
        batch_release(&b);
    }
}

/* Row `row` gets its number as open, so that it is known again wherever it goes. */
static void set_keys(struct batch *b, const int64_t *keys, size_t count)
{
    batch_clear(b);
    for (size_t row = 0; row < count; row++) {
        batch_set_i64(b, row, column_of(b, "ts"), keys[row]);
        if (row % 3 != 0) {
            batch_set_f64(b, row, column_of(b, "open"), (double)row);
        }
        batch_set_i64(b, row, column_of(b, "total_trades"), (int64_t)row);
    }
    b->row_count = count;
}

static void check_sorted(const struct batch *b)
{
    size_t ts = column_of(b, "ts");
    size_t open = column_of(b, "open");
    size_t number = column_of(b, "total_trades");
    uint64_t seen[4] = {0};
    for (size_t row = 0; row < b->row_count; row++) {
        int64_t was = batch_cell(b, row, number)->i64;
        seen[was / 64] |= UINT64_C(1) << (was % 64);
        CHECK(batch_has(b, row, open) == (was % 3 != 0));
        CHECK_F64_BITS(was % 3 != 0 ? (double)was : 0, batch_cell(b, row, open)->f64);
        if (row > 0) {
            int64_t before = batch_cell(b, row - 1, ts)->i64;
            CHECK(before <= batch_cell(b, row, ts)->i64);
            if (before == batch_cell(b, row, ts)->i64) {
                CHECK(batch_cell(b, row - 1, number)->i64 < was);
            }
        }
    }
    for (size_t row = 0; row < b->row_count; row++) {
        CHECK(seen[row / 64] >> (row % 64) & 1);
    }
}

TEST(batch_sort_is_stable_for_any_order)
{
    enum { ROWS = 200 };
    int64_t keys[ROWS];
    uint32_t scratch[ROWS];
    struct rng rng = {2024};
    struct batch b;
    open_batch(&b, "spot_ohlcv", ROWS, 0);
    for (int round = 0; round < 300; round++) {
        size_t count = (size_t)rng_below(&rng, ROWS + 1);
        uint64_t different = rng_below(&rng, 300) + 1;
        for (size_t i = 0; i < count; i++) {
            keys[i] = (int64_t)rng_below(&rng, different) - 100;
        }
        set_keys(&b, keys, count);
        batch_sort_by(&b, column_of(&b, "ts"), scratch);
        check_sorted(&b);
    }
    for (size_t i = 0; i < ROWS; i++) {
        keys[i] = ROWS - (int64_t)i;
    }
    set_keys(&b, keys, ROWS);
    batch_sort_by(&b, column_of(&b, "ts"), scratch);
    check_sorted(&b);
    batch_release(&b);
}

TEST(batch_sort_of_sorted_rows_needs_no_scratch)
{
    struct batch b;
    open_batch(&b, "spot_ohlcv", 3, 0);
    set_keys(&b, (const int64_t[]){1, 1, 2}, 3);
    batch_sort_by(&b, column_of(&b, "ts"), NULL);
    check_sorted(&b);
    batch_clear(&b);
    batch_sort_by(&b, column_of(&b, "ts"), NULL);
    CHECK_INT(0, b.row_count);
    batch_release(&b);
}

TEST(batch_keep_rows_keeps_order_and_zeroes_the_rest)
{
    enum { ROWS = 12 };
    struct batch b;
    open_batch(&b, "spot_ohlcv", ROWS, 0);
    for (unsigned mask = 0; mask < 1u << ROWS; mask += 7) {
        int64_t keys[ROWS];
        bool keep[ROWS];
        for (size_t row = 0; row < ROWS; row++) {
            keys[row] = (int64_t)row;
            keep[row] = mask >> row & 1;
        }
        set_keys(&b, keys, ROWS);
        batch_keep_rows(&b, keep);
        size_t at = 0;
        for (size_t row = 0; row < ROWS; row++) {
            if (keep[row]) {
                CHECK_INT(row, batch_cell(&b, at, column_of(&b, "total_trades"))->i64);
                CHECK(batch_has(&b, at, column_of(&b, "open")) == (row % 3 != 0));
                at++;
            }
        }
        CHECK_INT(at, b.row_count);
        for (size_t row = at; row < ROWS; row++) {
            CHECK_INT(0, b.present[row]);
        }
        CHECK(null_cells_are_zero(&b));
    }
    batch_release(&b);
}

static int compare_f64(double a, double b)
{
    struct batch rows;
    open_batch(&rows, "spot_ohlcv", 2, 0);
    batch_set_f64(&rows, 0, column_of(&rows, "open"), a);
    batch_set_f64(&rows, 1, column_of(&rows, "open"), b);
    int order = batch_compare_rows(&rows, 0, &rows, 1);
    CHECK_INT(-((order > 0) - (order < 0)), batch_compare_rows(&rows, 1, &rows, 0));
    batch_release(&rows);
    return (order > 0) - (order < 0);
}

TEST(batch_compare_doubles)
{
    static const double ascending[] = {-1e300, -2, -1,  -5e-324, -0.0, 0.0,
                                       5e-324, 1,  1.5, 2,       1e300};
    size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            CHECK_INT((i > k) - (i < k), compare_f64(ascending[i], ascending[k]));
        }
    }
}

TEST(batch_compare_nulls_numbers_and_texts)
{
    struct batch a;
    struct batch b;
    open_batch(&a, "spot_ohlcv", 1, 1024);
    open_batch(&b, "spot_ohlcv", 3, 1024);
    CHECK_INT(0, batch_compare_rows(&a, 0, &b, 2));
    batch_set_i64(&b, 2, column_of(&b, "ts"), INT64_MIN);
    CHECK(batch_compare_rows(&a, 0, &b, 2) < 0);
    CHECK(batch_compare_rows(&b, 2, &a, 0) > 0);
    batch_set_i64(&a, 0, column_of(&a, "ts"), INT64_MAX);
    CHECK(batch_compare_rows(&a, 0, &b, 2) > 0);
    batch_set_i64(&b, 2, column_of(&b, "ts"), INT64_MAX);
    CHECK_INT(0, batch_compare_rows(&a, 0, &b, 2));

    CHECK_INT(CCD_OK, batch_set_text(&a, 0, column_of(&a, "market"), STR("ab")));
    CHECK_INT(CCD_OK, batch_set_text(&b, 0, column_of(&b, "type"), STR("in front of the other")));
    CHECK_INT(CCD_OK, batch_set_text(&b, 2, column_of(&b, "market"), STR("ab")));
    CHECK_INT(0, batch_compare_rows(&a, 0, &b, 2));
    CHECK_INT(CCD_OK, batch_set_text(&b, 2, column_of(&b, "market"), STR("abc")));
    CHECK(batch_compare_rows(&a, 0, &b, 2) < 0);
    CHECK_INT(CCD_OK, batch_set_text(&b, 2, column_of(&b, "market"), STR("\xff")));
    CHECK(batch_compare_rows(&a, 0, &b, 2) < 0);
    CHECK_INT(CCD_OK, batch_set_text(&b, 2, column_of(&b, "market"), STR("")));
    CHECK(batch_compare_rows(&a, 0, &b, 2) > 0);
    batch_release(&a);
    batch_release(&b);
}

TEST(batch_reserve_keeps_rows_and_cut_forgets_them)
{
    struct batch b;
    open_batch(&b, "assets", 0, 1024);
    size_t symbol = column_of(&b, "symbol");
    size_t text_len = 0;
    for (size_t row = 0; row < 50; row++) {
        char name[8];
        CHECK_INT(CCD_OK, batch_reserve(&b, row + 1, NULL));
        CHECK(b.capacity_rows > row);
        str_print(name, sizeof(name), "A%zu", row);
        batch_set_i64(&b, row, 0, (int64_t)row);
        CHECK_INT(CCD_OK, batch_set_text(&b, row, symbol, str_from(name)));
        b.row_count++;
        text_len = row == 9 ? b.text.len : text_len;
    }
    CHECK_INT(CCD_OK, batch_reserve(&b, 60, NULL));
    batch_set_i64(&b, 50, 0, 7); /* begun, and given up */
    CHECK_INT(49, batch_cell(&b, 49, 0)->i64);
    CHECK_STR("A49", batch_text(&b, 49, symbol));
    CHECK(null_cells_are_zero(&b));
    batch_cut(&b, 10, text_len);
    CHECK_INT(10, b.row_count);
    CHECK_INT(text_len, b.text.len);
    CHECK_STR("A9", batch_text(&b, 9, symbol));
    for (size_t row = 10; row < b.capacity_rows; row++) {
        CHECK(b.present[row] == 0);
    }
    CHECK(null_cells_are_zero(&b));
    CHECK_INT(CCD_NO_MEMORY, batch_reserve(&b, SIZE_MAX / 2, NULL));
    CHECK_STR("A9", batch_text(&b, 9, symbol));
    batch_release(&b);
}
