#include "model/check.h"

#include <string.h>

#include "test.h"

static size_t column_of(const struct batch *b, const char *name)
{
    return (size_t)data_type_column(b->type, str_from(name));
}

static void open_batch(struct batch *b, const char *type)
{
    struct ccd_error err;
    CHECK_INT(CCD_OK, batch_init(b, data_type_find(str_from(type)), 1, 1024, NULL, &err));
    b->row_count = 1;
}

TEST(check_row_accepts_what_is_possible)
{
    struct batch b;
    open_batch(&b, "spot_ohlcv");
    CHECK_TEXT(NULL, check_row(&b, 0));
    batch_set_f64(&b, 0, column_of(&b, "low"), 5);
    CHECK_TEXT(NULL, check_row(&b, 0));
    batch_set_f64(&b, 0, column_of(&b, "high"), 5);
    batch_set_f64(&b, 0, column_of(&b, "open"), 9);
    batch_set_f64(&b, 0, column_of(&b, "close"), -1);
    batch_set_i64(&b, 0, column_of(&b, "total_trades"), 0);
    batch_set_f64(&b, 0, column_of(&b, "volume"), -0.0);
    CHECK_TEXT(NULL, check_row(&b, 0));
    batch_release(&b);
}

TEST(check_row_low_above_high_in_every_candle_type)
{
    for (size_t t = 0; t < data_type_count; t++) {
        if (data_types[t]->shape != SHAPE_CANDLES) {
            continue;
        }
        struct batch b;
        open_batch(&b, data_types[t]->name);
        size_t low = (size_t)data_type_column_flagged(b.type, COLUMN_LOW);
        size_t high = (size_t)data_type_column_flagged(b.type, COLUMN_HIGH);
        batch_set_f64(&b, 0, low, -1.5e-5);
        batch_set_f64(&b, 0, high, -1.4e-5);
        CHECK_TEXT(NULL, check_row(&b, 0));
        batch_set_f64(&b, 0, high, -1.6e-5);
        CHECK_TEXT("low above high", check_row(&b, 0));
        batch_release(&b);
    }
}

TEST(check_row_leaves_order_alone_where_the_type_says_so)
{
    struct data_type unchecked = *data_type_find(STR("spot_ohlcv"));
    unchecked.checks_ohlc = false;
    struct batch b;
    open_batch(&b, "spot_ohlcv");
    batch_set_f64(&b, 0, column_of(&b, "low"), 2);
    batch_set_f64(&b, 0, column_of(&b, "high"), 1);
    CHECK_TEXT("low above high", check_row(&b, 0));
    b.type = &unchecked;
    CHECK_TEXT(NULL, check_row(&b, 0));
    batch_release(&b);
}

TEST(check_row_names_the_negative_counter)
{
    for (size_t t = 0; t < data_type_count; t++) {
        for (size_t i = 0; i < data_types[t]->column_count; i++) {
            const struct column *column = &data_types[t]->columns[i];
            struct batch b;
            open_batch(&b, data_types[t]->name);
            if (column->kind == COLUMN_F64) {
                batch_set_f64(&b, 0, i, -1e-300);
            } else if (column->kind != COLUMN_TEXT) {
                batch_set_i64(&b, 0, i, -1);
            }
            const char *why = check_row(&b, 0);
            CHECK_TEXT(column->flags & COLUMN_COUNT ? column->if_negative : NULL, why);
            batch_release(&b);
        }
    }
}

TEST(a_clean_batch_is_found_column_by_column)
{
    struct batch b = {0};
    CHECK_INT(0, batch_init(&b, data_type_find(STR("spot_ohlcv")), 3, 64, NULL, NULL));
    b.row_count = 3;
    size_t low = (size_t)data_type_column_flagged(b.type, COLUMN_LOW);
    size_t high = (size_t)data_type_column_flagged(b.type, COLUMN_HIGH);
    size_t volume = (size_t)data_type_column(b.type, STR("volume"));
    CHECK(check_all_clean(&b)); /* nothing is set */
    for (size_t row = 0; row < 3; row++) {
        batch_set_f64(&b, row, low, 1.0);
        batch_set_f64(&b, row, high, 2.0);
        batch_set_f64(&b, row, volume, 0.0);
    }
    CHECK(check_all_clean(&b));
    batch_set_f64(&b, 2, low, 2.5);
    CHECK(!check_all_clean(&b));
    batch_set_f64(&b, 2, low, 1.5);
    batch_set_f64(&b, 1, volume, -1.0);
    CHECK(!check_all_clean(&b));
    CHECK(check_row(&b, 1) != NULL && check_row(&b, 0) == NULL && check_row(&b, 2) == NULL);
    batch_release(&b);
}
