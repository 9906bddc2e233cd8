/* The contract of stores: rows of pages. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "support.h"

CONTRACT(fresh_page_reads_back)
{
    struct page page;
    page_init_days(&page, 100, 50);
    page.p.fresh = true;
    page_check(f, &page, 50, 0, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(page_that_is_not_fresh_reads_back)
{
    struct page page;
    page_init_days(&page, 100, 50);
    page_check(f, &page, 50, 0, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(every_type_and_interval_reads_back)
{
    for (size_t t = 0; t < data_type_count; t++) {
        if (data_types[t]->shape != SHAPE_CANDLES)
            continue;
        for (int i = 0; i < INTERVAL_COUNT; i++) {
            struct page page;
            int64_t step_s = interval_infos[i].step_s;
            page_init(&page, data_types[t]->name, (enum interval)i, "A-B", "C-D", 7);
            for (int64_t n = 0; n < 7; n++)
                page_add(&page, (20000 + n) * step_s);
            page.p.fresh = true;
            page_check(f, &page, 7, 0, 0, 0);
            page_is_stored(f, &page);
            page_release(&page);
        }
    }
}

CONTRACT(null_stays_null)
{
    struct page page;
    page_init_days(&page, 100, 3);
    page_set_null(&page, 1, "first_trade_price");
    page_set_null(&page, 1, "total_trades");
    page_set_null(&page, 2, "open");
    page_check(f, &page, 3, 0, 0, 0);
    page_is_stored(f, &page);
    double value;
    CHECK(!stored_f64(f, &page, day(102), "open", &value));
    page_release(&page);
}

CONTRACT(row_of_nulls_reads_back)
{
    struct page page;
    page_init_days(&page, 100, 1);
    for (size_t i = 0; i < page.p.type->column_count; i++)
        if (column_is_fact(&page.p.type->columns[i]))
            page_set_null(&page, 0, page.p.type->columns[i].name);
    page_check(f, &page, 1, 0, 0, 0);
    page_is_stored(f, &page);
    page_check(f, &page, 0, 0, 1, 0);
    page_release(&page);
}

/* Values in `column` of consecutive days must come back bit by bit, and compare as unchanged. */
static void round_trip_f64(struct fixture *f, const double *values, size_t count)
{
    struct page page;
    page_init_days(&page, 100, count);
    for (size_t i = 0; i < count; i++) {
        page_set_f64(&page, i, "open", values[i]);
        page_set_f64(&page, i, "volume", values[count - 1 - i]);
    }
    page_check(f, &page, (int64_t)count, 0, 0, 0);
    page_is_stored(f, &page);
    page_check(f, &page, 0, 0, (int64_t)count, 0);
    page_release(&page);
}

CONTRACT(negative_zero_is_exact)
{
    round_trip_f64(f, (const double[]){-0.0, 0.0, -0.0}, 3);
}

CONTRACT(denormal_doubles_are_exact)
{
    round_trip_f64(f, (const double[]){DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_MIN, DBL_MIN / 3, 1e-310},
                   5);
}

CONTRACT(largest_doubles_are_exact)
{
    round_trip_f64(f, (const double[]){DBL_MAX, -DBL_MAX, DBL_MAX / 2, 1e300}, 4);
}

CONTRACT(seventeen_digits_are_exact)
{
    round_trip_f64(f,
                   (const double[]){0.1, 0.30000000000000004, 1.7976931348623155e10,
                                    0.000012099999999999999, 123456789.12345679, 1.0 / 3},
                   6);
}

CONTRACT(integral_doubles_are_exact)
{
    round_trip_f64(f,
                   (const double[]){1, -1, 127, 128, 32768, 8388608, 140737488355327,
                                    140737488355328, -140737488355327, -140737488355328,
                                    9007199254740993.0, 9223372036854775807.0, -9.3e18, 1e21,
                                    833921654247199700000.0, 1e15},
                   16);
}

CONTRACT(random_doubles_are_exact)
{
    enum { COUNT = 500 };
    double values[COUNT];
    struct rng r = {.state = 7};
    for (size_t i = 0; i < COUNT;) {
        uint64_t bits = rng_next(&r);
        memcpy(&values[i], &bits, sizeof(bits));
        i += isfinite(values[i]) ? 1 : 0;
    }
    round_trip_f64(f, values, COUNT);
}

CONTRACT(extreme_integers_are_exact)
{
    static const int64_t values[] = {
        INT64_MAX, INT64_MIN, 0, -1, (INT64_C(1) << 53) + 1, 6890172247264350000, 1, -INT64_MAX};
    enum { COUNT = sizeof(values) / sizeof(values[0]) };
    struct page page;
    page_init_days(&page, 100, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        page_set_i64(&page, i, "total_trades", values[i]);
        page_set_i64(&page, i, "first_trade_timestamp", values[COUNT - 1 - i]);
    }
    page_check(f, &page, COUNT, 0, 0, 0);
    page_is_stored(f, &page);
    page_check(f, &page, 0, 0, COUNT, 0);
    page_release(&page);
}

CONTRACT(times_before_1970_and_after_2038)
{
    struct page page;
    page_init(&page, "spot_ohlcv", INTERVAL_1D, "X", NULL, 4);
    page_add(&page, day(-400));
    page_add(&page, 0);
    page_add(&page, day(1));
    page_add(&page, day(30000));
    page_check(f, &page, 4, 0, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(largest_page)
{
    struct page page;
    page_init_days(&page, 1000, STORE_ROWS_MAX);
    page.p.fresh = true;
    page_check(f, &page, STORE_ROWS_MAX, 0, 0, 0);
    page_is_stored(f, &page);
    page.p.fresh = false;
    page_check(f, &page, 0, 0, STORE_ROWS_MAX, 0);
    page_release(&page);
}

/* ---- reading ---- */

CONTRACT(reading_is_half_open)
{
    struct page page;
    page_init_days(&page, 100, 10);
    page_check(f, &page, 10, 0, 0, 0);
    struct batch out;
    CHECK_INT(CCD_OK, batch_init(&out, page.p.type, 20, 1 << 20, NULL, NULL));
    CHECK_INT(CCD_OK, f->store->ops->read_rows(
                          f->store, page.p.type, INTERVAL_1D, page.names.series_id,
                          (struct period_range){day(102), day(105)}, &out, NULL, &f->err));
    CHECK_INT(persists(f) ? 3 : 0, out.row_count);
    if (out.row_count == 3) {
        size_t ts = (size_t)data_type_column(page.p.type, STR("ts"));
        CHECK_INT(day(102), batch_cell(&out, 0, ts)->i64);
        CHECK_INT(day(104), batch_cell(&out, 2, ts)->i64);
    }
    batch_release(&out);
    page_release(&page);
}

CONTRACT(reading_stops_at_the_capacity)
{
    struct page page;
    page_init_days(&page, 100, 10);
    page_check(f, &page, 10, 0, 0, 0);
    struct batch out;
    int64_t collected[4] = {0};
    CHECK_INT(CCD_OK, batch_init(&out, page.p.type, 4, 1 << 20, NULL, NULL));
    for (int i = 0; i < 2; i++) { /* the batch is cleared each time */
        CHECK_INT(CCD_OK, f->store->ops->read_rows(
                              f->store, page.p.type, INTERVAL_1D, page.names.series_id,
                              (struct period_range){0, day(1000)}, &out, collected, &f->err));
        CHECK_INT(persists(f) ? 4 : 0, out.row_count);
        CHECK_INT(persists(f) ? COLLECTED : 0, collected[3]);
    }
    batch_release(&out);
    page_release(&page);
}

CONTRACT(unknown_series_has_no_rows)
{
    struct page page;
    page_init_days(&page, 100, 2);
    CHECK_INT(0, stored_rows(f, &page));
    page_release(&page);
}

CONTRACT(intervals_are_apart)
{
    struct page days;
    struct page hours;
    page_init_days(&days, 100, 2);
    page_init(&hours, "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 3);
    for (int64_t i = 0; i < 3; i++)
        page_add(&hours, day(100) + 3600 * i);
    page_check(f, &days, 2, 0, 0, 0);
    page_check(f, &hours, 3, 0, 0, 0);
    page_is_stored(f, &days);
    page_is_stored(f, &hours);
    page_release(&days);
    page_release(&hours);
}

CONTRACT(types_are_apart)
{
    struct page futures;
    struct page rates;
    page_init(&futures, "futures_ohlcv", INTERVAL_1D, "BTCUSDT", "M", 1);
    page_init(&rates, "futures_funding_rate", INTERVAL_1D, "BTCUSDT", "M", 1);
    page_add(&futures, day(10));
    page_add(&rates, day(10));
    CHECK(futures.names.series_id != rates.names.series_id);
    page_check(f, &futures, 1, 0, 0, 0);
    page_check(f, &rates, 1, 0, 0, 0);
    page_is_stored(f, &futures);
    page_is_stored(f, &rates);
    page_release(&futures);
    page_release(&rates);
}

CONTRACT(series_are_apart)
{
    struct page a;
    struct page b;
    page_init_days(&a, 100, 3);
    page_init(&b, "spot_ohlcv", INTERVAL_1D, "XETHZUSD", "ETH-USD", 2);
    page_add(&b, day(101));
    page_add(&b, day(102));
    page_set_f64(&b, 0, "open", 5);
    page_check(f, &a, 3, 0, 0, 0);
    page_check(f, &b, 2, 0, 0, 0);
    page_is_stored(f, &a);
    page_is_stored(f, &b);
    page_release(&a);
    page_release(&b);
}

/* ---- the write rule ---- */

CONTRACT(replay_changes_nothing)
{
    struct page page;
    page_init_days(&page, 100, 20);
    page.p.fresh = true;
    page_check(f, &page, 20, 0, 0, 0);
    page.p.fresh = false;
    page.p.collected_utc_s += 1000;
    page_check(f, &page, 0, 0, 20, 0);
    page_is_stored(f, &page);
    CHECK_INT(persists(f) ? COLLECTED : -1, stored_collected(f, &page, day(105)));
    page_release(&page);
}

CONTRACT(changed_value_is_written)
{
    struct page page;
    page_init_days(&page, 100, 5);
    page_check(f, &page, 5, 0, 0, 0);
    page_set_f64(&page, 2, "close", 42.5);
    page.p.collected_utc_s += 10;
    page_check(f, &page, 0, 1, 4, 0);
    page_is_stored(f, &page);
    CHECK_INT(persists(f) ? COLLECTED + 10 : -1, stored_collected(f, &page, day(102)));
    CHECK_INT(persists(f) ? COLLECTED : -1, stored_collected(f, &page, day(103)));
    page_release(&page);
}

CONTRACT(change_in_each_column_is_seen)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_check(f, &page, 1, 0, 0, 0);
    for (size_t i = 0; i < page.p.type->column_count; i++) {
        const struct column *c = &page.p.type->columns[i];
        if (!column_is_fact(c))
            continue;
        if (c->kind == COLUMN_F64)
            page_set_f64(&page, 0, c->name, 17.25);
        else
            page_set_i64(&page, 0, c->name, 17);
        page_check(f, &page, 0, 1, 0, 0);
        page_is_stored(f, &page);
    }
    page_release(&page);
}

CONTRACT(value_becomes_null_and_back)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_check(f, &page, 2, 0, 0, 0);
    page_set_null(&page, 0, "volume");
    page_check(f, &page, 0, 1, 1, 0);
    page_is_stored(f, &page);
    page_set_f64(&page, 0, "volume", 0);
    page_check(f, &page, 0, 1, 1, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(zero_is_not_null)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_set_null(&page, 0, "total_trades");
    page_set_i64(&page, 1, "total_trades", 0);
    page_set_null(&page, 0, "open");
    page_set_f64(&page, 1, "open", 0);
    page_check(f, &page, 2, 0, 0, 0);
    page_set_i64(&page, 0, "total_trades", 0);
    page_check(f, &page, 0, 1, 1, 0);
    page_set_f64(&page, 0, "open", 0);
    page_check(f, &page, 0, 1, 1, 0);
    page_set_null(&page, 1, "total_trades");
    page_check(f, &page, 0, 1, 1, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(sign_of_zero_is_a_change)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_set_f64(&page, 0, "open", 0.0);
    page_check(f, &page, 1, 0, 0, 0);
    page_set_f64(&page, 0, "open", -0.0);
    page_check(f, &page, 0, !f->back_end->plain_zero, f->back_end->plain_zero, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(last_bit_is_a_change)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_set_f64(&page, 0, "open", 0.1);
    page_check(f, &page, 1, 0, 0, 0);
    page_set_f64(&page, 0, "open", nextafter(0.1, 1));
    page_check(f, &page, 0, 1, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(overlap_inserts_changes_and_leaves)
{
    struct page first;
    struct page second;
    page_init_days(&first, 100, 10);
    page_init_days(&second, 95, 10); /* 95 … 104: five new, four equal, one changed */
    page_check(f, &first, 10, 0, 0, 0);
    page_set_f64(&second, 7, "low", 1.5);
    page_check(f, &second, 5, 1, 4, 0);
    page_is_stored(f, &second);
    CHECK_INT(persists(f) ? 15 : 0, stored_rows(f, &first));
    page_release(&first);
    page_release(&second);
}

CONTRACT(gaps_are_filled)
{
    struct page odd;
    struct page all;
    page_init(&odd, "spot_ohlcv", INTERVAL_1D, "XXBTZUSD", "BTC-USD", 5);
    for (int64_t i = 0; i < 5; i++)
        page_add(&odd, day(101 + 2 * i));
    page_init_days(&all, 100, 11);
    page_check(f, &odd, 5, 0, 0, 0);
    page_check(f, &all, 6, 0, 5, 0);
    page_is_stored(f, &all);
    page_release(&odd);
    page_release(&all);
}

CONTRACT(stored_rows_that_the_page_lacks_stay)
{
    struct page all;
    struct page some;
    page_init_days(&all, 100, 10);
    page_init(&some, "spot_ohlcv", INTERVAL_1D, "XXBTZUSD", "BTC-USD", 3);
    page_add(&some, day(100));
    page_add(&some, day(105));
    page_add(&some, day(109));
    page_check(f, &all, 10, 0, 0, 0);
    page_check(f, &some, 0, 0, 3, 0);
    page_is_stored(f, &all);
    page_release(&all);
    page_release(&some);
}

CONTRACT(fresh_page_that_clashes_is_compared)
{
    struct page first;
    struct page second;
    page_init_days(&first, 105, 2);
    page_init_days(&second, 100, 10);
    page_check(f, &first, 2, 0, 0, 0);
    page_set_f64(&second, 5, "open", -3);
    second.p.fresh = true;
    page_check(f, &second, 8, 1, 1, 0);
    page_is_stored(f, &second);
    page_release(&first);
    page_release(&second);
}

CONTRACT(fresh_page_put_again_changes_nothing)
{
    struct page page;
    page_init_days(&page, 100, 30);
    page.p.fresh = true;
    page_check(f, &page, 30, 0, 0, 0);
    page_check(f, &page, 0, 0, 30, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

/* Day 100 ends at day 101; final from SETTLE later on. */
CONTRACT(row_that_was_not_final_is_refreshed)
{
    struct page page;
    page_init_days(&page, 99, 2);
    page.p.collected_utc_s = day(101) + SETTLE - 1;
    page_check(f, &page, 2, 0, 0, 0);
    page.p.collected_utc_s = day(101) + SETTLE;
    page_check(f, &page, 0, 0, 2, 0);
    CHECK_INT(persists(f) ? day(101) + SETTLE : -1, stored_collected(f, &page, day(100)));
    CHECK_INT(persists(f) ? day(101) + SETTLE - 1 : -1, stored_collected(f, &page, day(99)));
    page.p.collected_utc_s += 1;
    page_check(f, &page, 0, 0, 2, 0);
    CHECK_INT(persists(f) ? day(101) + SETTLE : -1, stored_collected(f, &page, day(100)));
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(older_answer_does_not_refresh)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page.p.collected_utc_s = day(101);
    page_check(f, &page, 1, 0, 0, 0);
    page.p.collected_utc_s = day(101) - 500;
    page_check(f, &page, 0, 0, 1, 0);
    CHECK_INT(persists(f) ? day(101) : -1, stored_collected(f, &page, day(100)));
    page_release(&page);
}

CONTRACT(open_candle_grows)
{
    struct page page;
    page_init_days(&page, 100, 1);
    for (int64_t i = 1; i <= 3; i++) {
        page.p.collected_utc_s = day(100) + 3600 * i;
        page_set_f64(&page, 0, "volume", (double)i);
        page_check(f, &page, i == 1, i > 1, 0, 0);
        page_is_stored(f, &page);
        CHECK_INT(persists(f) ? day(100) + 3600 * i : -1, stored_collected(f, &page, day(100)));
    }
    page_release(&page);
}

CONTRACT(older_version_does_not_overwrite_a_newer)
{
    struct page newer;
    struct page older;
    page_init_days(&newer, 100, 3);
    page_init_days(&older, 100, 3);
    page_set_f64(&newer, 1, "close", 2);
    page_set_f64(&older, 1, "close", 1);
    older.p.collected_utc_s -= 1;
    page_check(f, &newer, 3, 0, 0, 0);
    page_check(f, &older, 0, 0, 3, 0);
    page_is_stored(f, &newer);
    CHECK_INT(persists(f) ? COLLECTED : -1, stored_collected(f, &newer, day(101)));
    page_release(&newer);
    page_release(&older);
}

CONTRACT(versions_converge_in_either_order)
{
    struct page newer;
    struct page older;
    page_init_days(&newer, 100, 3);
    page_init_days(&older, 100, 3);
    page_set_f64(&newer, 1, "close", 2);
    page_set_f64(&older, 1, "close", 1);
    older.p.collected_utc_s -= 1;
    page_check(f, &older, 3, 0, 0, 0);
    page_check(f, &newer, 0, 1, 2, 0);
    page_is_stored(f, &newer);
    page_release(&newer);
    page_release(&older);
}

CONTRACT(older_page_still_adds_rows)
{
    struct page newer;
    struct page older;
    page_init_days(&newer, 102, 3);
    page_init_days(&older, 100, 4); /* 102 and 103 differ, 100 and 101 are new */
    page_set_f64(&older, 2, "close", 1);
    older.p.collected_utc_s -= 1;
    page_check(f, &newer, 3, 0, 0, 0);
    page_check(f, &older, 2, 0, 2, 0);
    page_is_stored(f, &newer);
    CHECK_INT(persists(f) ? 5 : 0, stored_rows(f, &newer));
    page_release(&newer);
    page_release(&older);
}

CONTRACT(version_of_the_same_second_overwrites)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_check(f, &page, 1, 0, 0, 0);
    page_set_f64(&page, 0, "close", 9);
    page_check(f, &page, 0, 1, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

/* ---- rejected rows ---- */

CONTRACT(rejected_rows_are_not_stored)
{
    struct page page;
    page_init_days(&page, 100, 5);
    page_reject(&page, 0, "low above high");
    page_reject(&page, 3, "negative total_trades");
    page.p.fresh = true;
    page_check(f, &page, 3, 0, 0, 2);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(page_of_rejected_rows)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_reject(&page, 0, "low above high");
    page_reject(&page, 1, "low above high");
    page.p.fresh = true;
    page_check(f, &page, 0, 0, 0, 2);
    page.p.fresh = false;
    page_check(f, &page, 0, 0, 0, 2);
    CHECK_INT(0, stored_rows(f, &page));
    page_release(&page);
}

CONTRACT(rejected_row_leaves_the_stored_one)
{
    struct page page;
    struct page bad;
    page_init_days(&page, 100, 3);
    page_init_days(&bad, 100, 3);
    page_check(f, &page, 3, 0, 0, 0);
    page_set_f64(&bad, 1, "low", 1e9);
    page_reject(&bad, 1, "low above high");
    bad.p.collected_utc_s += 100;
    page_check(f, &bad, 0, 0, 2, 1);
    page_is_stored(f, &page);
    page_release(&page);
    page_release(&bad);
}

/* ---- transactions ---- */

CONTRACT(page_without_rows)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page.batch.row_count = 0;
    page_cover(&page, day(100), day(110), COVERAGE_EMPTY);
    page_check(f, &page, 0, 0, 0, 0);
    page.p.batch = NULL;
    page_check(f, &page, 0, 0, 0, 0);
    struct coverage_segment segments[4];
    CHECK_INT(persists(f) ? 2 : 0, stored_coverage(f, &page, segments, 4));
    page.batch.row_count = 1;
    page_release(&page);
}

CONTRACT(pages_share_a_transaction)
{
    struct page pages[5];
    struct store_writer *w = fixture_writer(f);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    for (int64_t i = 0; i < 5; i++) {
        struct store_page_result result;
        page_init_days(&pages[i], 100 + 10 * i, 10);
        page_cover(&pages[i], day(100 + 10 * i), day(110 + 10 * i), COVERAGE_STORED);
        pages[i].p.fresh = true;
        CHECK_INT(CCD_OK, w->ops->writer_put(w, &pages[i].p, &result, &f->err));
        CHECK_INT(10, result.inserted);
    }
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    struct coverage_segment segments[8];
    CHECK_INT(persists(f) ? 5 : 0, stored_coverage(f, &pages[0], segments, 8));
    CHECK_INT(persists(f) ? 50 : 0, stored_rows(f, &pages[0]));
    for (int i = 0; i < 5; i++) {
        page_is_stored(f, &pages[i]);
        page_release(&pages[i]);
    }
}

CONTRACT(page_twice_in_a_transaction)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&page, 100, 10);
    page.p.fresh = true;
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    CHECK_INT(persists(f) ? 10 : 0, result.unchanged);
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(clash_keeps_the_earlier_page_of_the_transaction)
{
    struct page first;
    struct page second;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&first, 100, 10);
    page_init_days(&second, 105, 10);
    first.p.fresh = true;
    second.p.fresh = true;
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &first.p, &result, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &second.p, &result, &f->err));
    CHECK_INT(persists(f) ? 5 : 10, result.inserted);
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    page_is_stored(f, &first);
    page_is_stored(f, &second);
    page_release(&first);
    page_release(&second);
}

CONTRACT(rollback_leaves_neither_rows_nor_coverage)
{
    struct page page;
    struct store_page_result result;
    struct series_names names;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&page, 100, 10);
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    w->ops->writer_rollback(w);
    struct coverage_segment segments[4];
    CHECK_INT(0, stored_rows(f, &page));
    CHECK_INT(0, stored_coverage(f, &page, segments, 4));
    CHECK(!find(f, "spot_ohlcv", "kraken", "XXBTZUSD", &names));
    page_check(f, &page, 10, 0, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(closing_a_writer_rolls_back)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&page, 100, 10);
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    w->ops->writer_close(w);
    f->writer = NULL;
    struct coverage_segment segments[4];
    CHECK_INT(0, stored_rows(f, &page));
    CHECK_INT(0, stored_coverage(f, &page, segments, 4));
    page_release(&page);
}

CONTRACT(nothing_is_seen_before_the_commit)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    struct coverage_segment segments[4];
    page_init_days(&page, 100, 10);
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    CHECK_INT(0, stored_rows(f, &page));
    CHECK_INT(0, stored_coverage(f, &page, segments, 4));
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    CHECK_INT(persists(f) ? 10 : 0, stored_rows(f, &page));
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &page, segments, 4));
    page_release(&page);
}

CONTRACT(empty_transaction_commits)
{
    struct store_writer *w = fixture_writer(f);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(STORE_COMMITTED, w->ops->writer_commit(w, &f->err));
    w->ops->writer_rollback(w); /* nothing is open: legal */
}

CONTRACT(page_outside_a_transaction)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&page, 100, 1);
    CHECK_INT(persists(f) ? CCD_INTERNAL : CCD_OK,
              w->ops->writer_put(w, &page.p, &result, &f->err));
    CHECK_INT(0, stored_rows(f, &page));
    page_release(&page);
}

CONTRACT(everything_survives_reopening)
{
    struct page page;
    struct series_names names;
    struct coverage_segment segments[4];
    page_init_days(&page, 100, 10);
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    page_check(f, &page, 10, 0, 0, 0);
    if (!CHECK(fixture_reopen(f)))
        return;
    page_is_stored(f, &page);
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &page, segments, 4));
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "BTC-USD", &names));
    page_check(f, &page, 0, 0, 10, 0);
    page_release(&page);
}

CONTRACT(random_writes_equal_a_model)
{
    /* Days 0 … 39 of one series: the newest version of each wins, whatever the order. */
    enum { DAYS = 40, WRITES = 120 };
    int64_t version[DAYS] = {0};
    double value[DAYS] = {0};
    struct rng r = {.state = 11};
    struct page page;
    for (int64_t i = 0; i < WRITES; i++) {
        size_t first = (size_t)rng_below(&r, DAYS);
        size_t count = 1 + (size_t)rng_below(&r, DAYS - first);
        int64_t collected = COLLECTED + (int64_t)rng_below(&r, 1000);
        page_init_days(&page, (int64_t)first, count);
        page.p.collected_utc_s = collected;
        page.p.fresh = rng_below(&r, 2);
        for (size_t d = first; d < first + count; d++) {
            double v = (double)rng_below(&r, 3);
            page_set_f64(&page, d - first, "close", v);
            if (version[d] == 0 || (v != value[d] && collected >= version[d])) {
                version[d] = collected;
                value[d] = v;
            }
        }
        struct store_page_result result;
        CHECK(page_put(f, &page, &result));
        page_release(&page);
    }
    page_init_days(&page, 0, 1);
    for (int64_t d = 0; d < DAYS && persists(f); d++) {
        double stored;
        CHECK_INT(version[d] != 0, stored_f64(f, &page, day(d), "close", &stored));
        if (version[d] != 0) {
            CHECK_F64_BITS(value[d], stored);
            CHECK_INT(version[d], stored_collected(f, &page, day(d)));
        }
    }
    page_release(&page);
}
