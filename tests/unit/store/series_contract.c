/* The contract of stores: series, coverage, catalogues, locks. */
#include <string.h>

#include "support.h"

static int put(struct fixture *f, const char *type, const struct series_names *names, size_t count)
{
    return f->store->ops->put_series(f->store, type_of(type), names, count, &f->err);
}

static int put_one(struct fixture *f, const char *native, const char *mapped)
{
    struct series_names names = names_of("spot_ohlcv", native, mapped);
    return put(f, "spot_ohlcv", &names, 1);
}

/* Check the mapped id of a stored spot series. */
static void check_mapped(struct fixture *f, const char *native, const char *mapped)
{
    struct series_names names;
    if (persists(f) && CHECK(find(f, "spot_ohlcv", "kraken", native, &names))) {
        CHECK_TEXT(native, names.instrument);
        CHECK_TEXT(mapped, names.mapped_instrument);
    }
}

CONTRACT(series_is_found_by_both_ids)
{
    struct series_names names;
    CHECK_INT(CCD_OK, put_one(f, "XXBTZUSD", "BTC-USD"));
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "XXBTZUSD", &names));
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "BTC-USD", &names));
    if (persists(f)) {
        struct series_names put_names = names_of("spot_ohlcv", "XXBTZUSD", "BTC-USD");
        CHECK_INT(put_names.series_id, names.series_id);
        CHECK_TEXT("kraken", names.market);
        CHECK_TEXT("XXBTZUSD", names.instrument);
        CHECK_TEXT("BTC-USD", names.mapped_instrument);
    }
}

CONTRACT(series_is_not_found_elsewhere)
{
    struct series_names names;
    CHECK_INT(CCD_OK, put_one(f, "XXBTZUSD", "BTC-USD"));
    CHECK(!find(f, "spot_ohlcv", "coinbase", "XXBTZUSD", &names));
    CHECK(!find(f, "futures_ohlcv", "kraken", "XXBTZUSD", &names));
    CHECK(!find(f, "spot_ohlcv", "kraken", "XXBTZUS", &names));
    CHECK(!find(f, "spot_ohlcv", "kraken", "XXBTZUSD ", &names));
    CHECK(!find(f, "spot_ohlcv", "kraken", "", &names));
    CHECK(!find(f, "spot_ohlcv", "kraken", "%", &names));
}

CONTRACT(names_differ_by_case)
{
    struct series_names names;
    CHECK_INT(CCD_OK, put_one(f, "Ab", "Ab-USD"));
    CHECK_INT(CCD_OK, put_one(f, "AB", "AB-USD"));
    CHECK(!find(f, "spot_ohlcv", "kraken", "ab", &names));
    check_mapped(f, "Ab", "Ab-USD");
    check_mapped(f, "AB", "AB-USD");
}

CONTRACT(unmapped_series_repeats_its_native_id)
{
    CHECK_INT(CCD_OK, put_one(f, "NEWCOIN", NULL));
    check_mapped(f, "NEWCOIN", "NEWCOIN");
}

CONTRACT(awkward_names_are_kept)
{
    static const char *const names[] = {
        "it's",         "\"quoted\"", "a;b--c",    "100%_\\",
        "₿-USD",      "币安人生",   "🚀🌕",        "a b",
        "null",         "é",          "e\xcc\x81", "'; DROP TABLE dim_series; --",
        "\xef\xbf\xbd", "0",          "-",
    };
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    for (size_t i = 0; i < COUNT; i++)
        CHECK_INT(CCD_OK, put_one(f, names[i], NULL));
    for (size_t i = 0; i < COUNT; i++)
        check_mapped(f, names[i], names[i]);
}

CONTRACT(longest_names_are_kept)
{
    char native[INSTRUMENT_MAX_BYTES];
    char mapped[INSTRUMENT_MAX_BYTES];
    memset(native, 'n', sizeof(native) - 1);
    memset(mapped, 'm', sizeof(mapped) - 1);
    native[sizeof(native) - 1] = '\0';
    mapped[sizeof(mapped) - 1] = '\0';
    CHECK_INT(CCD_OK, put_one(f, native, mapped));
    check_mapped(f, native, mapped);
}

CONTRACT(series_is_put_twice)
{
    CHECK_INT(CCD_OK, put_one(f, "XXBTZUSD", "BTC-USD"));
    CHECK_INT(CCD_OK, put_one(f, "XXBTZUSD", "BTC-USD"));
    check_mapped(f, "XXBTZUSD", "BTC-USD");
}

CONTRACT(series_becomes_mapped)
{
    CHECK_INT(CCD_OK, put_one(f, "NEWCOIN", NULL));
    CHECK_INT(CCD_OK, put_one(f, "NEWCOIN", "NEW-USD"));
    check_mapped(f, "NEWCOIN", "NEW-USD");
    CHECK_INT(CCD_OK, put_one(f, "NEWCOIN", NULL));
    check_mapped(f, "NEWCOIN", "NEWCOIN");
}

CONTRACT(id_clash_is_refused)
{
    struct series_names names = names_of("spot_ohlcv", "A", "A-USD");
    struct series_names other = names_of("spot_ohlcv", "B", "B-USD");
    other.series_id = names.series_id;
    CHECK_INT(CCD_OK, put(f, "spot_ohlcv", &names, 1));
    CHECK_INT(persists(f) ? CCD_DATABASE_DATA : CCD_OK, put(f, "spot_ohlcv", &other, 1));
    struct series_names same = names;
    CHECK_INT(persists(f) ? CCD_DATABASE_DATA : CCD_OK, put(f, "futures_ohlcv", &same, 1));
    check_mapped(f, "A", "A-USD");
    CHECK(!find(f, "spot_ohlcv", "kraken", "B", &other));
}

CONTRACT(id_clash_of_a_page_is_refused)
{
    struct page a;
    struct page b;
    struct store_page_result result;
    page_init_days(&a, 100, 3);
    page_init(&b, "spot_ohlcv", INTERVAL_1D, "OTHER", NULL, 1);
    page_add(&b, day(200));
    b.names.series_id = a.names.series_id;
    page_check(f, &a, 3, 0, 0, 0);
    CHECK_INT(!persists(f), page_put(f, &b, &result));
    if (persists(f)) {
        CHECK_INT(CCD_DATABASE_DATA, f->err.status);
        CHECK_INT(3, stored_rows(f, &a));
    }
    page_release(&a);
    page_release(&b);
}

CONTRACT(same_series_under_another_id_is_refused)
{
    struct series_names names = names_of("spot_ohlcv", "A", "A-USD");
    CHECK_INT(CCD_OK, put(f, "spot_ohlcv", &names, 1));
    names.series_id++;
    CHECK_INT(persists(f) ? CCD_DATABASE_DATA : CCD_OK, put(f, "spot_ohlcv", &names, 1));
}

CONTRACT(refused_series_leaves_none_of_the_call)
{
    struct series_names names[3] = {
        names_of("spot_ohlcv", "A", "A-USD"),
        names_of("spot_ohlcv", "B", "B-USD"),
        names_of("spot_ohlcv", "C", "C-USD"),
    };
    struct series_names found;
    names[2].series_id = names[1].series_id;
    CHECK_INT(persists(f) ? CCD_DATABASE_DATA : CCD_OK, put(f, "spot_ohlcv", names, 3));
    CHECK(!find(f, "spot_ohlcv", "kraken", "A", &found));
}

CONTRACT(many_series_in_one_call)
{
    enum { COUNT = 300 };
    static struct series_names names[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char native[32];
        char mapped[32];
        str_print(native, sizeof(native), "N%d", i);
        str_print(mapped, sizeof(mapped), "M-%d", i);
        names[i] = names_of("spot_ohlcv", native, mapped);
    }
    CHECK_INT(CCD_OK, put(f, "spot_ohlcv", names, COUNT));
    CHECK_INT(CCD_OK, put(f, "spot_ohlcv", names, COUNT));
    check_mapped(f, "N0", "M-0");
    check_mapped(f, "N299", "M-299");
}

CONTRACT(mapped_id_moves_to_another_series)
{
    CHECK_INT(CCD_OK, put_one(f, "OLD", "BTC-USD"));
    CHECK_INT(CCD_OK, put_one(f, "NEW", "BTC-USD"));
    check_mapped(f, "NEW", "BTC-USD");
    check_mapped(f, "OLD", "OLD");
    struct series_names names;
    if (persists(f) && CHECK(find(f, "spot_ohlcv", "kraken", "BTC-USD", &names)))
        CHECK_TEXT("NEW", names.instrument);
}

CONTRACT(mapped_id_moves_between_known_series)
{
    CHECK_INT(CCD_OK, put_one(f, "A", "X"));
    CHECK_INT(CCD_OK, put_one(f, "B", "Y"));
    CHECK_INT(CCD_OK, put_one(f, "B", "X"));
    check_mapped(f, "A", "A");
    check_mapped(f, "B", "X");
}

CONTRACT(series_that_falls_back_pushes_another)
{
    CHECK_INT(CCD_OK, put_one(f, "A", "X"));
    CHECK_INT(CCD_OK, put_one(f, "B", "A")); /* B goes by A's native id */
    CHECK_INT(CCD_OK, put_one(f, "C", "B"));
    CHECK_INT(CCD_OK, put_one(f, "D", "X")); /* A falls back to A, so B to B, so C to C */
    check_mapped(f, "A", "A");
    check_mapped(f, "B", "B");
    check_mapped(f, "C", "C");
    check_mapped(f, "D", "X");
}

CONTRACT(circle_of_names_is_resolved)
{
    CHECK_INT(CCD_OK, put_one(f, "A", "T"));
    CHECK_INT(CCD_OK, put_one(f, "B", "A"));
    CHECK_INT(CCD_OK, put_one(f, "A", "B")); /* A goes by B's native id, B by A's */
    check_mapped(f, "A", "B");
    check_mapped(f, "B", "A");
    CHECK_INT(CCD_OK, put_one(f, "C", "A")); /* B must fall back to B, which A holds */
    check_mapped(f, "A", "A");
    check_mapped(f, "B", "B");
    check_mapped(f, "C", "C");
}

CONTRACT(native_id_beats_a_mapping)
{
    struct series_names names;
    CHECK_INT(CCD_OK, put_one(f, "USDC-USDT", NULL));
    CHECK_INT(CCD_OK, put_one(f, "USDT-USDC", "USDC-USDT"));
    check_mapped(f, "USDC-USDT", "USDC-USDT");
    check_mapped(f, "USDT-USDC", "USDT-USDC");
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "USDC-USDT", &names));
}

CONTRACT(native_id_beats_a_mapping_in_the_other_order)
{
    CHECK_INT(CCD_OK, put_one(f, "USDT-USDC", "USDC-USDT"));
    CHECK_INT(CCD_OK, put_one(f, "USDC-USDT", NULL));
    check_mapped(f, "USDC-USDT", "USDC-USDT");
    check_mapped(f, "USDT-USDC", "USDT-USDC");
}

CONTRACT(page_makes_its_series)
{
    struct page page;
    page_init_days(&page, 100, 1);
    page_check(f, &page, 1, 0, 0, 0);
    check_mapped(f, "XXBTZUSD", "BTC-USD");
    page_release(&page);
}

CONTRACT(page_does_not_move_a_mapping)
{
    struct page page;
    page_init_days(&page, 100, 1); /* planned while the series was BTC-USD */
    CHECK_INT(CCD_OK, put_one(f, "XXBTZUSD", "XBT-USD"));
    page_check(f, &page, 1, 0, 0, 0);
    check_mapped(f, "XXBTZUSD", "XBT-USD");
    page_release(&page);
}

/* ---- coverage ---- */

CONTRACT(coverage_reads_back)
{
    struct page page;
    struct coverage_segment got[PAGE_SEGMENTS_MAX];
    page_init_days(&page, 100, 1);
    for (int i = 0; i < COVERAGE_STATE_COUNT; i++)
        page_cover(&page, day(100 + i), day(101 + i), (enum coverage_state)i);
    page.segments[1].next_check_utc_s = 1234567;
    page_check(f, &page, 1, 0, 0, 0);
    size_t count = stored_coverage(f, &page, got, PAGE_SEGMENTS_MAX);
    CHECK_INT(persists(f) ? COVERAGE_STATE_COUNT : 0, count);
    for (size_t i = 0; i < count; i++) {
        const struct coverage_segment *s = &page.segments[got[i].state];
        CHECK_INT(s->from_ts, got[i].from_ts);
        CHECK_INT(s->to_ts, got[i].to_ts);
        CHECK_INT(s->asked_utc_s, got[i].asked_utc_s);
        CHECK_INT(s->next_check_utc_s, got[i].next_check_utc_s);
    }
    page_release(&page);
}

CONTRACT(coverage_is_per_interval_and_series)
{
    struct page days;
    struct page hours;
    struct page other;
    struct coverage_segment got[4];
    page_init_days(&days, 100, 1);
    page_init(&hours, "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 1);
    page_init(&other, "spot_ohlcv", INTERVAL_1D, "XETHZUSD", NULL, 1);
    page_add(&hours, day(100));
    page_cover(&days, day(100), day(101), COVERAGE_STORED);
    page_cover(&hours, day(100), day(100) + 3600, COVERAGE_STORED);
    page_check(f, &days, 1, 0, 0, 0);
    page_check(f, &hours, 1, 0, 0, 0);
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &days, got, 4));
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &hours, got, 4));
    CHECK_INT(0, stored_coverage(f, &other, got, 4));
    page_release(&days);
    page_release(&hours);
    page_release(&other);
}

CONTRACT(coverage_reader_can_stop)
{
    struct page page;
    struct coverage_segment got[1];
    page_init_days(&page, 100, 1);
    page_cover(&page, day(100), day(101), COVERAGE_STORED);
    page_cover(&page, day(101), day(102), COVERAGE_EMPTY);
    page_check(f, &page, 1, 0, 0, 0);
    for (int i = 0; i < 2; i++) /* the list is full after one; the next call starts anew */
        CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &page, got, 1));
    page_release(&page);
}

/* Many small segments, with repetitions and holes. */
static void put_segments(struct fixture *f, struct page *page, int64_t pages)
{
    for (int64_t i = 0; i < pages; i++) {
        struct store_page_result result;
        page->p.segment_count = 0;
        page->p.collected_utc_s = COLLECTED + i % 7;
        page_cover(page, day(i * 3 % 50), day(i * 3 % 50 + 2), COVERAGE_STORED);
        page_cover(page, day(i * 5 % 60), day(i * 5 % 60 + 4), COVERAGE_EMPTY);
        page->segments[1].next_check_utc_s = i % 3 ? 0 : 99;
        page_cover(page, day(200), day(300 + i), COVERAGE_AFTER_END);
        CHECK(page_put(f, page, &result));
    }
}

static size_t merged_coverage(struct fixture *f, const struct page *page,
                              struct coverage_segment *out, size_t capacity)
{
    static struct coverage_segment scratch[4096];
    size_t count = stored_coverage(f, page, out, capacity / 2);
    CHECK(2 * count + 2 <= 4096);
    return coverage_merge(out, count, scratch);
}

CONTRACT(compaction_keeps_the_meaning)
{
    static struct coverage_segment before[2048];
    static struct coverage_segment after[2048];
    struct page page;
    page_init_days(&page, 100, 1);
    put_segments(f, &page, 60);
    size_t stored = stored_coverage(f, &page, before, 1024);
    CHECK_INT(persists(f) ? 180 : 0, stored);
    size_t count = merged_coverage(f, &page, before, 2048);
    CHECK_INT(CCD_OK,
              f->store->ops->compact_coverage(f->store, page.names.series_id, 86400, 10, &f->err));
    CHECK_INT(count, stored_coverage(f, &page, after, 1024));
    CHECK_INT(count, merged_coverage(f, &page, after, 2048));
    CHECK(memcmp(before, after, count * sizeof(before[0])) == 0);
    page_release(&page);
}

CONTRACT(compaction_leaves_short_lists)
{
    struct page page;
    struct coverage_segment got[64];
    page_init_days(&page, 100, 1);
    put_segments(f, &page, 5);
    CHECK_INT(CCD_OK,
              f->store->ops->compact_coverage(f->store, page.names.series_id, 86400, 15, &f->err));
    CHECK_INT(persists(f) ? 15 : 0, stored_coverage(f, &page, got, 64));
    page_release(&page);
}

CONTRACT(compaction_touches_one_series)
{
    struct page page;
    struct page other;
    struct coverage_segment got[64];
    page_init_days(&page, 100, 1);
    page_init(&other, "spot_ohlcv", INTERVAL_1D, "XETHZUSD", NULL, 1);
    page_add(&other, day(1));
    put_segments(f, &page, 5);
    put_segments(f, &other, 5);
    CHECK_INT(CCD_OK,
              f->store->ops->compact_coverage(f->store, page.names.series_id, 86400, 0, &f->err));
    CHECK_INT(CCD_OK,
              f->store->ops->compact_coverage(f->store, other.names.series_id, 3600, 0, &f->err));
    CHECK_INT(CCD_OK, f->store->ops->compact_coverage(f->store, 12345, 86400, 0, &f->err));
    CHECK_INT(persists(f) ? 15 : 0, stored_coverage(f, &other, got, 64));
    page_release(&page);
    page_release(&other);
}

/* ---- catalogues ---- */

static void catalogue_row(struct batch *b, const char *instrument, const char *status,
                          int64_t total)
{
    size_t row = b->row_count++;
    const struct data_type *t = b->type;
    batch_set_text(b, row, (size_t)data_type_column(t, STR("market")), STR("kraken"));
    batch_set_text(b, row, (size_t)data_type_column(t, STR("instrument")), str_from(instrument));
    batch_set_text(b, row, (size_t)data_type_column(t, STR("instrument_status")), str_from(status));
    batch_set_i64(b, row, (size_t)data_type_column(t, STR("has_trades_spot")), 1);
    batch_set_i64(b, row, (size_t)data_type_column(t, STR("total_trades_spot")), total);
    row_is_listed(b, row, true);
}

static void catalogue_init(struct batch *b, size_t rows, int64_t total)
{
    CHECK_INT(CCD_OK, batch_init(b, type_of("spot_instruments"), 64, 1 << 16, NULL, NULL));
    for (size_t i = 0; i < rows; i++) {
        char name[16];
        str_print(name, sizeof(name), "I%02zu", i);
        catalogue_row(b, name, "ACTIVE", total + (int64_t)i);
    }
}

static void check_counts(struct fixture *f, const struct batch *rows, const char *market,
                         int64_t asked, int64_t added, int64_t changed, int64_t unchanged)
{
    struct store_list_counts counts;
    CHECK_INT(CCD_OK, put_whole_list(f->store, rows, market, asked, &counts, &f->err));
    if (persists(f)) {
        CHECK_INT(added, counts.added);
        CHECK_INT(changed, counts.changed);
        CHECK_INT(unchanged, counts.unchanged);
    }
}

static size_t load(struct fixture *f, const char *market, struct batch *b, int64_t *out_asked)
{
    size_t count = 99;
    *out_asked = 99;
    CHECK_INT(CCD_OK, f->store->ops->load_list(f->store, type_of("spot_instruments"),
                                               str_from(market), b, &count, out_asked, &f->err));
    return count;
}

CONTRACT(catalogue_counts_what_it_writes)
{
    struct batch b;
    catalogue_init(&b, 10, 0);
    check_counts(f, &b, "kraken", 100, 10, 0, 0);
    check_counts(f, &b, "kraken", 200, 0, 0, 10);
    batch_set_i64(&b, 3, (size_t)data_type_column(b.type, STR("total_trades_spot")), 77);
    batch_set_text(&b, 4, (size_t)data_type_column(b.type, STR("instrument_status")),
                   STR("RETIRED"));
    catalogue_row(&b, "I99", "ACTIVE", 1);
    check_counts(f, &b, "kraken", 300, 1, 2, 8);
    check_counts(f, &b, "kraken", 300, 0, 0, 11);
    batch_release(&b);
}

CONTRACT(catalogue_reads_back)
{
    struct batch b;
    struct batch got;
    int64_t asked;
    catalogue_init(&b, 10, 5);
    check_counts(f, &b, "kraken", 100, 10, 0, 0);
    catalogue_init(&got, 0, 0);
    CHECK_INT(persists(f) ? 10 : 0, load(f, "kraken", &got, &asked));
    CHECK_INT(persists(f) ? 100 : 0, asked);
    CHECK_INT(persists(f) ? 10 : 0, got.row_count);
    for (size_t row = 0; row < got.row_count; row++)
        CHECK_INT(0, batch_compare_rows(&b, row, &got, row));
    batch_release(&b);
    batch_release(&got);
}

CONTRACT(catalogue_rows_are_appended)
{
    struct batch b;
    struct batch got;
    int64_t asked;
    catalogue_init(&b, 3, 5);
    check_counts(f, &b, "kraken", 100, 3, 0, 0);
    check_counts(f, &b, "coinbase", 100, 3, 0, 0);
    catalogue_init(&got, 0, 0);
    load(f, "kraken", &got, &asked);
    load(f, "coinbase", &got, &asked);
    CHECK_INT(persists(f) ? 6 : 0, got.row_count);
    if (got.row_count == 6) {
        size_t market = (size_t)data_type_column(b.type, STR("market"));
        CHECK_STR("kraken", batch_text(&got, 2, market));
        CHECK_STR("coinbase", batch_text(&got, 3, market));
    }
    batch_release(&b);
    batch_release(&got);
}

CONTRACT(catalogue_deletes_nothing)
{
    struct batch b;
    int64_t asked;
    catalogue_init(&b, 10, 0);
    check_counts(f, &b, "kraken", 100, 10, 0, 0);
    batch_release(&b);
    catalogue_init(&b, 1, 0);
    check_counts(f, &b, "kraken", 200, 0, 0, 1);
    b.row_count = 0;
    check_counts(f, &b, "kraken", 300, 0, 0, 0);
    CHECK_INT(persists(f) ? 10 : 0, load(f, "kraken", NULL, &asked));
    CHECK_INT(persists(f) ? 300 : 0, asked);
    batch_release(&b);
}

CONTRACT(catalogue_that_does_not_fit)
{
    struct batch b;
    struct batch small;
    size_t count = 0;
    int64_t asked = 0;
    catalogue_init(&b, 10, 0);
    check_counts(f, &b, "kraken", 100, 10, 0, 0);
    CHECK_INT(CCD_OK, batch_init(&small, b.type, 9, 1 << 16, NULL, NULL));
    int status = f->store->ops->load_list(f->store, b.type, STR("kraken"), &small, &count, &asked,
                                          &f->err);
    CHECK_INT(persists(f) ? CCD_INTERNAL : CCD_OK, status);
    CHECK_INT(persists(f) ? 10 : 0, count);
    CHECK_INT(0, small.row_count);
    batch_release(&b);
    batch_release(&small);
}

CONTRACT(catalogue_never_fetched)
{
    int64_t asked;
    CHECK_INT(0, load(f, "kraken", NULL, &asked));
    CHECK_INT(0, asked);
}

CONTRACT(catalogue_fetched_and_empty)
{
    struct batch b;
    int64_t asked;
    catalogue_init(&b, 0, 0);
    check_counts(f, &b, "kraken", 100, 0, 0, 0);
    CHECK_INT(0, load(f, "kraken", NULL, &asked));
    CHECK_INT(persists(f) ? 100 : 0, asked);
    batch_release(&b);
}

CONTRACT(older_catalogue_changes_nothing)
{
    struct batch newer;
    struct batch older;
    struct batch got;
    int64_t asked;
    catalogue_init(&newer, 3, 10);
    catalogue_init(&older, 4, 0);
    check_counts(f, &newer, "kraken", 200, 3, 0, 0);
    check_counts(f, &older, "kraken", 100, 0, 0, 4);
    catalogue_init(&got, 0, 0);
    CHECK_INT(persists(f) ? 3 : 0, load(f, "kraken", &got, &asked));
    CHECK_INT(persists(f) ? 200 : 0, asked);
    for (size_t row = 0; row < 3 && row < got.row_count; row++)
        CHECK_INT(0, batch_compare_rows(&newer, row, &got, row));
    batch_release(&newer);
    batch_release(&older);
    batch_release(&got);
}

CONTRACT(catalogue_with_an_instrument_twice)
{
    struct batch b;
    catalogue_init(&b, 1, 0);
    catalogue_row(&b, "I00", "ACTIVE", 0);
    catalogue_row(&b, "I00", "RETIRED", 0);
    check_counts(f, &b, "kraken", 100, 1, 0, 0);
    b.row_count = 3;
    check_counts(f, &b, "kraken", 200, 0, 0, 1);
    batch_release(&b);
}

CONTRACT(catalogue_of_futures)
{
    struct batch b;
    struct batch got;
    size_t count;
    int64_t asked;
    struct store_list_counts counts;
    const struct data_type *type = type_of("futures_instruments");
    CHECK_INT(CCD_OK, batch_init(&b, type, 8, 1 << 16, NULL, NULL));
    CHECK_INT(CCD_OK, batch_init(&got, type, 8, 1 << 16, NULL, NULL));
    b.row_count = 2;
    for (size_t row = 0; row < 2; row++) {
        for (size_t i = 0; i < type->column_count; i++) {
            bool null = strcmp(type->columns[i].name, "contract_expiration_ts") == 0 && row == 0;
            if (type->columns[i].kind == COLUMN_TEXT) {
                char text[64];
                str_print(text, sizeof(text), "%s %zu", type->columns[i].name, row);
                batch_set_text(&b, row, i, i == 0 ? STR("binance") : str_from(text));
            } else if (!null) {
                bool is_bool = type->columns[i].kind == COLUMN_BOOL;
                batch_set_i64(&b, row, i, (int64_t)(row + i) % (is_bool ? 2 : INT64_MAX));
            }
        }
    }
    for (size_t row = 0; row < 2; row++)
        row_is_listed(&b, row, true);
    CHECK_INT(CCD_OK, put_whole_list(f->store, &b, "binance", 5, &counts, &f->err));
    CHECK_INT(2, counts.added);
    CHECK_INT(CCD_OK, f->store->ops->load_list(f->store, type, STR("binance"), &got, &count, &asked,
                                               &f->err));
    CHECK_INT(persists(f) ? 2 : 0, got.row_count);
    for (size_t row = 0; row < got.row_count; row++)
        CHECK_INT(0, batch_compare_rows(&b, row, &got, row));
    batch_release(&b);
    batch_release(&got);
}

/* ---- locks ---- */

static int lock(struct fixture *f, struct store *store, const char *type, enum interval interval,
                int64_t wait_ms)
{
    return store->ops->lock(store, type_of(type), interval, wait_ms, &f->err);
}

CONTRACT(lock_excludes_a_second_store)
{
    struct store *other;
    struct store_config config = fixture_config(f);
    int refused = persists(f) ? CCD_LOCKED : CCD_OK;
    CHECK_INT(CCD_OK, store_open(&config, &other, &f->err));
    CHECK_INT(CCD_OK, lock(f, f->store, "spot_ohlcv", INTERVAL_1D, 0));
    CHECK_INT(refused, lock(f, other, "spot_ohlcv", INTERVAL_1D, 0));
    CHECK_INT(refused, lock(f, other, "spot_ohlcv", INTERVAL_1D, 60));
    f->store->ops->unlock(f->store, type_of("spot_ohlcv"), INTERVAL_1D);
    CHECK_INT(CCD_OK, lock(f, other, "spot_ohlcv", INTERVAL_1D, 0));
    store_close(other);
    CHECK_INT(CCD_OK, lock(f, f->store, "spot_ohlcv", INTERVAL_1D, 0));
}

CONTRACT(locks_of_all_types_and_intervals_are_apart)
{
    struct store *other;
    struct store_config config = fixture_config(f);
    CHECK_INT(CCD_OK, store_open(&config, &other, &f->err));
    CHECK_INT(CCD_OK, lock(f, other, "spot_ohlcv", INTERVAL_1D, 0));
    for (size_t t = 0; t < data_type_count; t++) {
        for (int i = 0; i < INTERVAL_COUNT; i++) {
            bool same = data_types[t] == type_of("spot_ohlcv") && i == INTERVAL_1D;
            CHECK_INT(same && persists(f) ? CCD_LOCKED : CCD_OK,
                      lock(f, f->store, data_types[t]->name, (enum interval)i, 0));
        }
    }
    store_close(other);
}

CONTRACT(lock_does_not_hold_up_readers_and_writers)
{
    struct page page;
    page_init_days(&page, 100, 1);
    CHECK_INT(CCD_OK, lock(f, f->store, "spot_ohlcv", INTERVAL_1D, 0));
    page_check(f, &page, 1, 0, 0, 0);
    page_is_stored(f, &page);
    f->store->ops->unlock(f->store, type_of("spot_ohlcv"), INTERVAL_1D);
    f->store->ops->unlock(f->store, type_of("spot_ohlcv"), INTERVAL_1D); /* twice is legal */
    page_release(&page);
}
