/* The contract of stores: what people find in the database by SQL, beside the rows: revisions,
 * quarantine, views. */
#include <stdio.h>
#include <string.h>

#include "server.h"

#define REVISIONS                                                                                  \
    "SELECT column_name, old_value, new_value, step_s, ts, run_id FROM ccdata_revisions"           \
    " ORDER BY ts, column_name"
#define QUARANTINE "SELECT step_s, ts, reason, run_id FROM ccdata_quarantine ORDER BY ts, reason"

/* ---- revisions ---- */

SQL_CONTRACT(changed_value_is_journalled)
{
    struct page page;
    page_init_days(&page, 100, 3);
    page_set_f64(&page, 1, "close", 0.1);
    page_set_i64(&page, 2, "total_trades", 5);
    page_check(f, &page, 3, 0, 0, 0);
    page_set_f64(&page, 1, "close", 0.30000000000000004);
    page_set_i64(&page, 2, "total_trades", INT64_MIN);
    page.p.run_id = "run-2";
    page_check(f, &page, 0, 2, 1, 0);
    CHECK_TEXT("close|0.1|0.30000000000000004|86400|8726400|run-2\n"
               "total_trades|5|-9223372036854775808|86400|8812800|run-2",
               ask(f, REVISIONS));
    page_release(&page);
}

SQL_CONTRACT(null_is_journalled_as_null)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_set_f64(&page, 0, "close", 2);
    page_set_null(&page, 1, "close");
    page_check(f, &page, 2, 0, 0, 0);
    page_set_null(&page, 0, "close");
    page_set_f64(&page, 1, "close", -0.0);
    page_check(f, &page, 0, 2, 0, 0);
    const char *rows = ask(f, REVISIONS);
    CHECK(strstr(rows, "close|2|NULL|86400|8640000|run-1") ||
          strstr(rows, "close|2.0|NULL|86400|8640000|run-1"));
    CHECK(strstr(rows, "close|NULL|-0") != NULL);
    page_release(&page);
}

SQL_CONTRACT(what_does_not_change_is_not_journalled)
{
    struct page page;
    struct page older;
    page_init_days(&page, 100, 10);
    page_init_days(&older, 100, 10);
    page_check(f, &page, 10, 0, 0, 0);
    page_check(f, &page, 0, 0, 10, 0);
    older.p.collected_utc_s -= 10;
    page_set_f64(&older, 3, "close", 1);
    page_check(f, &older, 0, 0, 10, 0);
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_revisions"));
    page_release(&page);
    page_release(&older);
}

SQL_CONTRACT(refreshed_row_is_not_journalled)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page.p.collected_utc_s = day(100) + 3600;
    page_check(f, &page, 1, 0, 0, 0);
    page.p.collected_utc_s += 60;
    page_check(f, &page, 0, 0, 1, 0);
    CHECK_INT(day(100) + 3660, stored_collected(f, &page, day(100)));
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_revisions"));
    page_release(&page);
}

SQL_CONTRACT(many_changes_are_all_journalled)
{
    struct page page;
    page_init_days(&page, 100, 1000);
    page_check(f, &page, 1000, 0, 0, 0);
    for (size_t row = 0; row < 1000; row++) {
        page_set_f64(&page, row, "open", -1);
        page_set_f64(&page, row, "close", -2);
    }
    page_check(f, &page, 0, 1000, 0, 0);
    page_is_stored(f, &page);
    CHECK_TEXT("2000|1000|2", ask(f, "SELECT count(*), count(DISTINCT ts),"
                                     " count(DISTINCT column_name) FROM ccdata_revisions"));
    page_release(&page);
}

SQL_CONTRACT(journal_rolls_back_with_its_page)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    page_init_days(&page, 100, 2);
    page_check(f, &page, 2, 0, 0, 0);
    page_set_f64(&page, 0, "close", -1);
    page_reject(&page, 1, "low above high");
    page_cover(&page, day(100), day(102), COVERAGE_STORED);
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    CHECK_INT(1, result.changed);
    w->ops->writer_rollback(w);
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_revisions"));
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_quarantine"));
    CHECK_TEXT("0", ask(f, "SELECT count(*) FROM ccdata_coverage"));
    page_release(&page);
}

SQL_CONTRACT(moved_mapping_is_journalled)
{
    struct series_names names[2] = {names_of("spot_ohlcv", "OLD", "BTC-USD"),
                                    names_of("spot_ohlcv", "NEW", "BTC-USD")};
    for (int i = 0; i < 2; i++)
        CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, type_of("spot_ohlcv"), &names[i], 1,
                                                    &f->err));
    CHECK_TEXT(
        "mapped_instrument|BTC-USD|OLD|NULL|NULL",
        ask(f, "SELECT column_name, old_value, new_value, step_s, ts FROM ccdata_revisions"));
}

/* ---- quarantine ---- */

SQL_CONTRACT(rejected_record_is_kept_once)
{
    struct page page;
    page_init_days(&page, 100, 3);
    page_reject(&page, 1, "low above high");
    for (int i = 0; i < 3; i++) {
        struct store_page_result result;
        CHECK(page_put(f, &page, &result));
        CHECK_INT(1, result.rejected);
    }
    CHECK_TEXT("86400|8726400|low above high|run-1", ask(f, QUARANTINE));
    page_set_f64(&page, 1, "low", 12.5); /* another record of the same day */
    struct store_page_result result;
    CHECK(page_put(f, &page, &result));
    CHECK_TEXT("2", ask(f, "SELECT count(*) FROM ccdata_quarantine"));
    page_release(&page);
}

SQL_CONTRACT(rejected_record_is_kept_word_for_word)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, 100, 1);
    page_set_text(&page, 0, "base", "it's \\ \"quoted\"\t🚀 %s ?1 $1");
    page_set_f64(&page, 0, "low", 0.30000000000000004);
    page_reject(&page, 0, "low above high; it's \\ odd");
    CHECK(page_put(f, &page, &result));
    CHECK_TEXT("low above high; it's \\ odd", ask(f, "SELECT reason FROM ccdata_quarantine"));
    const char *record = ask(f, "SELECT record FROM ccdata_quarantine");
    CHECK(strstr(record, "it's \\\\ \\\"quoted\\\"\\t🚀 %s ?1 $1") != NULL);
    CHECK(strstr(record, "0.30000000000000004") != NULL);
    page_release(&page);
}

/* ---- views ---- */

SQL_CONTRACT(view_shows_the_flat_row)
{
    struct page page;
    page_init_days(&page, 100, 2);
    page_set_text(&page, 1, "base", "BTC");
    page_set_text(&page, 1, "quote", "USD");
    page_set_f64(&page, 0, "open", 0.5);
    page_set_f64(&page, 1, "open", 1e21);
    page_set_i64(&page, 0, "total_trades", 0);
    page_set_null(&page, 1, "total_trades");
    page_check(f, &page, 2, 0, 0, 0);
    CHECK_TEXT("kraken|XXBTZUSD|BTC-USD|BTC|USD|DAY|1|0|1|1\n"
               "kraken|XXBTZUSD|BTC-USD|BTC|USD|DAY|0|1|NULL|1",
               ask(f, "SELECT market, instrument, mapped_instrument, base, quote, unit,"
                      " CASE WHEN open = 0.5 THEN 1 ELSE 0 END,"
                      " CASE WHEN open = 1e21 THEN 1 ELSE 0 END,"
                      " CASE WHEN is_filled THEN 1 WHEN NOT is_filled THEN 0 END,"
                      " CASE WHEN is_final THEN 1 ELSE 0 END"
                      " FROM spot_ohlcv_1d ORDER BY ts"));
    page_release(&page);
}

/* Day 100 ends at day 101; final from SETTLE later on. */
SQL_CONTRACT(view_tells_final_rows)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page.p.collected_utc_s = day(101) + SETTLE - 1;
    page_check(f, &page, 1, 0, 0, 0);
    static const char final[] = "SELECT CASE WHEN is_final THEN 1 ELSE 0 END FROM spot_ohlcv_1d";
    CHECK_TEXT("0", ask(f, final));
    page.p.collected_utc_s++;
    page_check(f, &page, 0, 0, 1, 0);
    CHECK_TEXT("1", ask(f, final));
    page_release(&page);
}

SQL_CONTRACT(every_view_can_be_read)
{
    for (size_t t = 0; t < data_type_count; t++) {
        for (int i = 0; i < INTERVAL_COUNT && data_types[t]->shape == SHAPE_CANDLES; i++) {
            struct page page;
            char view[64];
            char sql[128];
            page_init(&page, data_types[t]->name, (enum interval)i, "A-B", "C-D", 3);
            for (int64_t n = 0; n < 3; n++)
                page_add(&page, (20000 + n) * interval_infos[i].step_s);
            page_check(f, &page, 3, 0, 0, 0);
            CHECK(store_view_name(data_types[t], (enum interval)i, view, sizeof(view)));
            str_print(sql, sizeof(sql), "SELECT count(*), count(collected_at) FROM %s", view);
            CHECK_TEXT("3|3", ask(f, sql));
            page_release(&page);
        }
    }
}

SQL_CONTRACT(legacy_views_can_be_made_twice)
{
    struct page page;
    page_init_days(&page, 100, 3);
    page_check(f, &page, 3, 0, 0, 0);
    for (int i = 0; i < 2; i++)
        if (!CHECK_INT(CCD_OK, f->store->ops->create_legacy_views(f->store, &f->err)))
            fprintf(stderr, "%s\n", f->err.message);
    page_is_stored(f, &page);
    CHECK(fixture_reopen(f)); /* they are no difference of the schema */
    page_release(&page);
}

SQL_CONTRACT(coverage_is_written_as_words)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_cover(&page, day(100), day(101), COVERAGE_STORED);
    page_cover(&page, day(101), day(102), COVERAGE_EMPTY);
    page.segments[1].next_check_utc_s = 77;
    page_check(f, &page, 1, 0, 0, 0);
    CHECK_TEXT("86400|8640000|8726400|stored|2000000000|NULL\n"
               "86400|8726400|8812800|empty|2000000000|77",
               ask(f, "SELECT step_s, from_ts, to_ts, state, asked_utc_s, next_check_utc_s"
                      " FROM ccdata_coverage ORDER BY from_ts"));
    page_release(&page);
}
