/* The contract of stores: every kind of value in every column, text, attributes, copied rows,
 * scratch series. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "store/attributes.h"
#include "store/value.h"
#include "support.h"

/* ---- every column of every type ---- */

/* One row per kind of extreme, in all fact columns at once. */
enum { EXTREMES = 6 };

static void set_extreme(struct page *page, size_t row, size_t extreme)
{
    static const int64_t integers[EXTREMES] = {INT64_MAX, INT64_MIN, 0, -1, INT64_MAX - 1, 1};
    static const double doubles[EXTREMES] = {DBL_MAX, -DBL_MAX, -0.0, DBL_TRUE_MIN, 0.1, 1e21};
    for (size_t i = 0; i < page->p.type->column_count; i++) {
        const struct column *c = &page->p.type->columns[i];
        if (!column_is_fact(c))
            continue;
        if (c->kind == COLUMN_F64)
            page_set_f64(page, row, c->name, doubles[extreme]);
        else if (c->kind == COLUMN_I64 || c->kind == COLUMN_UTC_S)
            page_set_i64(page, row, c->name, integers[extreme]);
        else if (c->kind == COLUMN_BOOL)
            page_set_i64(page, row, c->name, (int64_t)extreme % 2);
    }
}

static void check_extremes_of(struct fixture *f, const struct data_type *type)
{
    struct page page;
    page_init(&page, type->name, INTERVAL_1H, "A-B", "C-D", EXTREMES);
    for (size_t row = 0; row < EXTREMES; row++) {
        page_add(&page, 3600 * (int64_t)(400000 + row));
        set_extreme(&page, row, row);
    }
    page_check(f, &page, EXTREMES, 0, 0, 0);
    page_is_stored(f, &page);
    page_check(f, &page, 0, 0, EXTREMES, 0);
    for (size_t row = 0; row < EXTREMES; row++) /* from each extreme to another */
        set_extreme(&page, row, (row + 1) % EXTREMES);
    page_check(f, &page, 0, EXTREMES, 0, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

CONTRACT(extremes_in_every_column_of_every_type)
{
    for (size_t t = 0; t < data_type_count; t++)
        if (data_types[t]->shape == SHAPE_CANDLES)
            check_extremes_of(f, data_types[t]);
}

/* Each fact column NULL in a row of its own, all others not. */
CONTRACT(each_column_alone_can_be_null)
{
    for (size_t t = 0; t < data_type_count; t++) {
        const struct data_type *type = data_types[t];
        struct page page;
        if (type->shape != SHAPE_CANDLES)
            continue;
        page_init(&page, type->name, INTERVAL_1D, "A-B", "C-D", COLUMN_MAX);
        for (size_t i = 0; i < type->column_count; i++) {
            if (!column_is_fact(&type->columns[i]))
                continue;
            size_t row = page_add(&page, day(100 + (int64_t)i));
            page_set_null(&page, row, type->columns[i].name);
        }
        int64_t rows = (int64_t)page.batch.row_count;
        page_check(f, &page, rows, 0, 0, 0);
        page_is_stored(f, &page);
        page_check(f, &page, 0, 0, rows, 0);
        page_release(&page);
    }
}

CONTRACT(largest_page_of_the_widest_type)
{
    struct page page;
    page_init(&page, "futures_ohlcv", INTERVAL_1M, "BTCUSDT", "BTC-USDT", STORE_ROWS_MAX);
    for (int64_t i = 0; i < STORE_ROWS_MAX; i++)
        page_add(&page, 60 * (28000000 + i));
    page.p.fresh = true;
    page_check(f, &page, STORE_ROWS_MAX, 0, 0, 0);
    page_is_stored(f, &page);
    for (size_t row = 0; row < STORE_ROWS_MAX; row += 2)
        page_set_f64(&page, row, "close", -1);
    page.p.fresh = false;
    page_check(f, &page, 0, (STORE_ROWS_MAX + 1) / 2, STORE_ROWS_MAX / 2, 0);
    page_is_stored(f, &page);
    page_release(&page);
}

/* Around every turn of a calendar or of a type that could be too narrow. */
CONTRACT(moments_around_turns_are_exact)
{
    static const int64_t moments[] = {
        -1 * 3600,   0,          951782400, /* 2000-02-29 */
        1111885200,                         /* 2005-03-27 01:00: clocks go forward in Europe */
        1130630400,                         /* 2005-10-30 00:00 */
        1130634000,                         /* 2005-10-30 01:00: and back */
        1173607200,                         /* 2007-03-11 10:00: America */
        1483225200,                         /* 2016-12-31 23:00: a leap second follows */
        1483228800,  2147482800,            /* 2038-01-19 03:00 */
        2147486400,  4102444800,            /* 2100 */
        16725222000,                        /* 2499-12-31 23:00 */
    };
    enum { COUNT = sizeof(moments) / sizeof(moments[0]) };
    struct page page;
    page_init(&page, "spot_ohlcv", INTERVAL_1H, "X", NULL, COUNT);
    page.p.collected_utc_s = moments[COUNT - 1];
    for (size_t i = 0; i < COUNT; i++)
        page_add(&page, moments[i]);
    page_check(f, &page, COUNT, 0, 0, 0);
    page_check(f, &page, 0, 0, COUNT, 0);
    struct batch out;
    int64_t collected[COUNT] = {0};
    CHECK_INT(CCD_OK, batch_init(&out, page.p.type, COUNT, 1 << 20, NULL, NULL));
    CHECK_INT(CCD_OK, f->store->ops->read_rows(
                          f->store, page.p.type, INTERVAL_1H, page.names.series_id,
                          (struct period_range){-7200, 20000000000}, &out, collected, &f->err));
    CHECK_INT(persists(f) ? COUNT : 0, out.row_count);
    size_t ts = (size_t)data_type_column(page.p.type, STR("ts"));
    for (size_t i = 0; i < out.row_count; i++) {
        CHECK_INT(moments[i], batch_cell(&out, i, ts)->i64);
        CHECK_INT(moments[COUNT - 1], collected[i]);
    }
    batch_release(&out);
    page_release(&page);
}

/* ---- rows per statement (INGESTION_BATCH_SIZE) ---- */

static void check_batch_rows(struct fixture *f, int64_t batch_rows)
{
    struct page page;
    struct page overlap;
    f->batch_rows = batch_rows;
    if (!CHECK(fixture_reopen(f)))
        return;
    page_init_days(&page, 100, 500);
    page_init_days(&overlap, 400, 500); /* 200 rows of both */
    page.p.fresh = overlap.p.fresh = true;
    page_check(f, &page, 500, 0, 0, 0);
    page_is_stored(f, &page);
    for (size_t row = 50; row < 100; row++)
        page_set_f64(&overlap, row, "low", 0.5);
    page_check(f, &overlap, 300, 50, 150, 0);
    page_is_stored(f, &overlap);
    CHECK_INT(persists(f) ? 800 : 0, stored_rows(f, &page));
    page_release(&page);
    page_release(&overlap);
}

CONTRACT(one_row_per_statement)
{
    check_batch_rows(f, 1);
}

CONTRACT(seven_rows_per_statement)
{
    check_batch_rows(f, 7);
}

CONTRACT(as_many_rows_per_statement_as_the_page_has)
{
    check_batch_rows(f, 500);
}

CONTRACT(more_rows_per_statement_than_a_page_can_have)
{
    check_batch_rows(f, 1000000);
}

/* ---- text: instrument lists hold the vendor's words ---- */

static const char *const awkward_texts[] = {
    "it's",
    "\"double\"",
    "`back`",
    "back\\slash",
    "\\",
    "\\\\N",
    "\\N",
    "\\0",
    "ends in \\",
    "tab\there",
    "line\nbreak",
    "cr\rlf\r\n",
    "\t",
    "\n",
    "a\x01"
    "b\x1f"
    "c\x7f",
    "100%",
    "%s%n",
    "_",
    ";--",
    "'; DROP TABLE dim_series; --",
    "/* x */",
    "#",
    "?1",
    "$1",
    ":a",
    "@b",
    "{}",
    "NULL",
    "null",
    "0",
    "1e5",
    "true",
    "blanks at the end   ",
    "   and at the start",
    " ",
    "é",
    "e\xcc\x81",
    "Ω₿",
    "币安人生",
    "שלום",
    "🚀🌕",
    "👨‍👩‍👧",
    "\xf0\x90\x8d\x88",
    "\xf4\x8f\xbf\xbd",
    "\xef\xbf\xbd",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf"
    "bom",
};
enum { AWKWARD = sizeof(awkward_texts) / sizeof(awkward_texts[0]) };

static void list_init(struct batch *b)
{
    CHECK_INT(CCD_OK, batch_init(b, type_of("spot_instruments"), 128, 1 << 22, NULL, NULL));
}

/* A row of the list; text in a column without a key; NULL = none. */
static size_t list_add(struct batch *b, const char *instrument, const char *text)
{
    size_t row = b->row_count++;
    const struct data_type *t = b->type;
    batch_set_text(b, row, (size_t)data_type_column(t, STR("market")), STR("kraken"));
    batch_set_text(b, row, (size_t)data_type_column(t, STR("instrument")), str_from(instrument));
    if (text)
        batch_set_text(b, row, (size_t)data_type_column(t, STR("instrument_status")),
                       str_from(text));
    row_is_listed(b, row, true);
    return row;
}

static bool list_put(struct fixture *f, const struct batch *b, int64_t added, int64_t changed,
                     int64_t unchanged)
{
    struct store_list_counts counts;
    if (!CHECK_INT(CCD_OK, put_whole_list(f->store, b, "kraken", COLLECTED, &counts, &f->err)))
        return false;
    return !persists(f) || (CHECK_INT(added, counts.added) & CHECK_INT(changed, counts.changed) &
                            CHECK_INT(unchanged, counts.unchanged));
}

/* Each row of the list is stored as it is, among as many as there are. */
static void list_is_stored(struct fixture *f, const struct batch *b)
{
    struct batch got;
    int64_t asked;
    size_t count;
    size_t key = (size_t)data_type_column(b->type, STR("instrument"));
    list_init(&got);
    CHECK_INT(CCD_OK, f->store->ops->load_list(f->store, b->type, STR("kraken"), &got, &count,
                                               &asked, &f->err));
    CHECK_INT(persists(f) ? b->row_count : 0, got.row_count);
    for (size_t row = 0; row < b->row_count && persists(f); row++) {
        size_t at = 0;
        while (at < got.row_count && !str_equal(batch_text(b, row, key), batch_text(&got, at, key)))
            at++;
        if (CHECK(at < got.row_count))
            CHECK_INT(0, batch_compare_rows(b, row, &got, at));
    }
    batch_release(&got);
}

CONTRACT(awkward_text_is_exact)
{
    struct batch b;
    list_init(&b);
    for (size_t i = 0; i < AWKWARD; i++) {
        char name[16];
        str_print(name, sizeof(name), "I%02zu", i);
        list_add(&b, name, awkward_texts[i]);
    }
    list_put(f, &b, AWKWARD, 0, 0);
    list_is_stored(f, &b);
    list_put(f, &b, 0, 0, AWKWARD);
    batch_release(&b);
}

CONTRACT(awkward_text_becomes_other_awkward_text)
{
    struct batch b;
    size_t status = (size_t)data_type_column(type_of("spot_instruments"), STR("instrument_status"));
    list_init(&b);
    list_add(&b, "A", "");
    list_put(f, &b, 1, 0, 0);
    for (size_t i = 0; i < AWKWARD; i++) {
        batch_set_text(&b, 0, status, str_from(awkward_texts[i]));
        if (!list_put(f, &b, 0, 1, 0))
            fprintf(stderr, "text %zu\n", i);
    }
    list_is_stored(f, &b);
    batch_release(&b);
}

CONTRACT(awkward_keys_are_exact)
{
    struct batch b;
    list_init(&b);
    for (size_t i = 0; i < AWKWARD; i++)
        if (!strpbrk(awkward_texts[i], "\t\r\n\x01\x1f\x7f")) /* the decoder refuses such names */
            list_add(&b, awkward_texts[i], NULL);
    int64_t rows = (int64_t)b.row_count;
    list_put(f, &b, rows, 0, 0);
    list_is_stored(f, &b);
    list_put(f, &b, 0, 0, rows);
    batch_release(&b);
}

/* Pairs that a collation that is not binary takes for one another. */
CONTRACT(keys_that_look_alike_are_apart)
{
    static const char *const twins[] = {
        "Ab",
        "AB",
        "ab",
        "aB",
        "e",
        "é",
        "E",
        "É",
        "e\xcc\x81",
        "ss",
        "ß",
        "SS",
        "o",
        "ø",
        "ö",
        "🌕",
        "🌖",
        "🚀",
        "x",
        " x",
        "ｘ",
        "K",
        "\xe2\x84\xaa" /* the sign of Kelvin */,
        "ﬁ",
        "fi",
        "か",
        "が",
        "カ",
        "1",
        "01",
        "1.0",
        "¹",
        "-",
        "−",
        "a-b",
        "a\xc2\xad"
        "-b",
        "ı",
        "i",
    };
    struct batch b;
    list_init(&b);
    for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++)
        list_add(&b, twins[i], "s");
    int64_t rows = (int64_t)b.row_count;
    list_put(f, &b, rows, 0, 0);
    list_is_stored(f, &b);
    batch_release(&b);
}

CONTRACT(series_names_that_look_alike_are_apart)
{
    static const char *const twins[] = {"e", "é", "🌕", "🌖", "ss", "ß", "x", " x", "Ab", "aB"};
    enum { COUNT = sizeof(twins) / sizeof(twins[0]) };
    struct series_names found;
    for (size_t i = 0; i < COUNT; i++) {
        struct series_names names = names_of("spot_ohlcv", twins[i], NULL);
        CHECK_INT(CCD_OK,
                  f->store->ops->put_series(f->store, type_of("spot_ohlcv"), &names, 1, &f->err));
    }
    for (size_t i = 0; i < COUNT && persists(f); i++) {
        struct series_names names = names_of("spot_ohlcv", twins[i], NULL);
        if (CHECK(find(f, "spot_ohlcv", "kraken", twins[i], &found)))
            CHECK_INT(names.series_id, found.series_id);
    }
    CHECK(!find(f, "spot_ohlcv", "kraken", "E", &found));
}

/* A database may be unable to tell names apart that differ by blanks at the end; then the second is
 * refused for good: it is not to be tried again and again, and never taken for the first. */
CONTRACT(names_that_differ_by_blanks_at_the_end)
{
    struct series_names names[2] = {names_of("spot_ohlcv", "x", NULL),
                                    names_of("spot_ohlcv", "x ", NULL)};
    struct series_names found;
    int status = CCD_OK;
    for (int i = 0; i < 2; i++)
        status = f->store->ops->put_series(f->store, type_of("spot_ohlcv"), &names[i], 1, &f->err);
    if (!CHECK(status == CCD_OK || status == CCD_DATABASE_DATA))
        fprintf(stderr, "%s\n", f->err.message);
    if (!persists(f))
        return;
    if (CHECK(find(f, "spot_ohlcv", "kraken", "x", &found)))
        CHECK_INT(names[0].series_id, found.series_id);
    if (find(f, "spot_ohlcv", "kraken", "x ", &found))
        CHECK_INT(names[1].series_id, found.series_id);
    else
        CHECK_INT(CCD_DATABASE_DATA, status);
}

CONTRACT(keys_that_differ_by_blanks_at_the_end)
{
    struct batch b;
    struct store_list_counts counts;
    list_init(&b);
    list_add(&b, "x", "one");
    list_add(&b, "x ", "two");
    int status = put_whole_list(f->store, &b, "kraken", COLLECTED, &counts, &f->err);
    if (!CHECK(status == CCD_OK || status == CCD_DATABASE_DATA))
        fprintf(stderr, "%s\n", f->err.message);
    if (status == CCD_OK)
        list_is_stored(f, &b);
    batch_release(&b);
}

CONTRACT(empty_text_is_not_null)
{
    struct batch b;
    size_t status = (size_t)data_type_column(type_of("spot_instruments"), STR("instrument_status"));
    list_init(&b);
    list_add(&b, "EMPTY", "");
    list_add(&b, "NULL", NULL);
    list_put(f, &b, 2, 0, 0);
    list_is_stored(f, &b);
    batch_set_text(&b, 1, status, STR(""));
    list_put(f, &b, 0, 1, 1);
    b.present[0] &= ~(UINT64_C(1) << status);
    batch_cell(&b, 0, status)->i64 = 0;
    list_put(f, &b, 0, 1, 1);
    list_is_stored(f, &b);
    batch_release(&b);
}

CONTRACT(long_text_is_kept)
{
    static const size_t lengths[] = {254, 255, 256, 1023, 4096, 16383, 65535, 65536, 300000};
    static char text[300001];
    struct batch b;
    list_init(&b);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char name[16];
        memset(text, 'a' + (int)i, lengths[i]);
        memcpy(text, "₿", 3);
        text[lengths[i]] = '\0';
        str_print(name, sizeof(name), "L%zu", i);
        list_add(&b, name, text);
    }
    list_put(f, &b, (int64_t)b.row_count, 0, 0);
    list_is_stored(f, &b);
    list_put(f, &b, 0, 0, (int64_t)b.row_count);
    batch_release(&b);
}

CONTRACT(integers_of_a_list_are_exact)
{
    struct batch b;
    size_t total = (size_t)data_type_column(type_of("spot_instruments"), STR("total_trades_spot"));
    list_init(&b);
    batch_set_i64(&b, list_add(&b, "MAX", "s"), total, INT64_MAX);
    batch_set_i64(&b, list_add(&b, "MIN", "s"), total, INT64_MIN);
    batch_set_i64(&b, list_add(&b, "ODD", "s"), total, (INT64_C(1) << 53) + 1);
    list_put(f, &b, 3, 0, 0);
    list_is_stored(f, &b);
    batch_set_i64(&b, 0, total, INT64_MAX - 1);
    list_put(f, &b, 0, 1, 2);
    list_is_stored(f, &b);
    batch_release(&b);
}

/* ---- attributes ---- */

/* What each_series said of the series, as "market/native/mapped base@ts". */
struct series_seen {
    char text[2048];
    size_t count;
    size_t stop_after; /* 0 = never */
};

static int see(void *user, const struct store_series *series, struct ccd_error *err)
{
    struct series_seen *seen = user;
    struct attribute_set set;
    (void)err;
    CHECK(attribute_set_init(&set));
    CHECK_INT(set.count, series->attribute_count);
    size_t base = (size_t)attribute_find(&set, "base");
    const struct value *value = &series->attributes[base];
    struct str text = value->kind == VALUE_TEXT ? value->text : STR("NULL");
    size_t len = strlen(seen->text);
    str_print(seen->text + len, sizeof(seen->text) - len, "%s%s/%s/%s %.*s@%lld",
              seen->count++ ? "; " : "", series->names->market, series->names->instrument,
              series->names->mapped_instrument, (int)text.len, text.ptr,
              (long long)series->attribute_ts[base]);
    return seen->count == seen->stop_after ? CCD_INTERRUPTED : CCD_OK;
}

static void check_series(struct fixture *f, const char *type, const char *expected)
{
    struct series_seen seen = {0};
    CHECK_INT(CCD_OK, f->store->ops->each_series(f->store, type_of(type), see, &seen, &f->err));
    CHECK_TEXT(persists(f) ? expected : "", seen.text);
}

/* Pages of one row whose base is text; NULL = the vendor gave none. */
static void put_base(struct fixture *f, int64_t on_day, const char *base)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, on_day, 1);
    if (base)
        page_set_text(&page, 0, "base", base);
    else
        page_set_null(&page, 0, "base");
    CHECK(page_put(f, &page, &result));
    page_release(&page);
}

CONTRACT(attribute_of_the_newest_row_wins)
{
    put_base(f, 100, "XBT");
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD XBT@8640000");
    put_base(f, 102, "BTC");
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD BTC@8812800");
    put_base(f, 101, "OLD");
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD BTC@8812800");
}

CONTRACT(attribute_of_the_newest_row_of_a_page_wins)
{
    struct page page;
    struct store_page_result result;
    page_init_days(&page, 100, 3);
    page_set_text(&page, 0, "base", "ONE");
    page_set_text(&page, 1, "base", "TWO");
    page_set_null(&page, 2, "base");
    CHECK(page_put(f, &page, &result));
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD TWO@8726400");
    page_release(&page);
}

CONTRACT(missing_attribute_erases_nothing)
{
    put_base(f, 100, "BTC");
    put_base(f, 105, NULL);
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD BTC@8640000");
}

CONTRACT(attribute_of_the_same_row_is_corrected)
{
    put_base(f, 100, "BTX");
    put_base(f, 100, "BTC");
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD BTC@8640000");
}

CONTRACT(attributes_roll_back_with_their_page)
{
    struct page page;
    struct store_page_result result;
    struct store_writer *w = fixture_writer(f);
    put_base(f, 100, "BTC");
    page_init_days(&page, 101, 1);
    page_set_text(&page, 0, "base", "LOST");
    CHECK_INT(CCD_OK, w->ops->writer_begin(w, &f->err));
    CHECK_INT(CCD_OK, w->ops->writer_put(w, &page.p, &result, &f->err));
    w->ops->writer_rollback(w);
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD BTC@8640000");
    page_release(&page);
}

static void put_attribute(struct fixture *f, const struct series_names *names, const char *base,
                          int64_t ts)
{
    struct attribute_set set;
    struct value values[ATTRIBUTE_MAX] = {0};
    int64_t moments[ATTRIBUTE_MAX] = {0};
    CHECK(attribute_set_init(&set));
    size_t at = (size_t)attribute_find(&set, "base");
    values[at] = value_text(str_from(base));
    moments[at] = ts;
    struct store_series series = {names, values, moments, set.count};
    CHECK_INT(CCD_OK, f->store->ops->put_attributes(f->store, &series, &f->err));
}

CONTRACT(attributes_are_put_by_the_same_rule)
{
    struct series_names names = names_of("spot_ohlcv", "XXBTZUSD", "BTC-USD");
    put_base(f, 100, "XBT");
    put_attribute(f, &names, "OLD", day(99));
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD XBT@8640000");
    put_attribute(f, &names, "it's \\ 🚀", day(103));
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD it's \\ 🚀@8899200");
    put_base(f, 102, "OLD");
    check_series(f, "spot_ohlcv", "kraken/XXBTZUSD/BTC-USD it's \\ 🚀@8899200");
}

static void put_names(struct fixture *f, const char *type, const char *native, const char *mapped)
{
    struct series_names names = names_of(type, native, mapped);
    CHECK_INT(CCD_OK, f->store->ops->put_series(f->store, type_of(type), &names, 1, &f->err));
}

CONTRACT(series_are_listed_by_type_in_order)
{
    put_names(f, "spot_ohlcv", "b", "B-USD");
    put_names(f, "spot_ohlcv", "a", NULL);
    put_names(f, "spot_ohlcv", "C", "C-USD"); /* capitals come first, as bytes do */
    put_names(f, "futures_ohlcv", "z", NULL);
    check_series(f, "spot_ohlcv",
                 "kraken/C/C-USD NULL@0; kraken/a/a NULL@0; kraken/b/B-USD NULL@0");
    check_series(f, "indices_ohlcv", "");
}

CONTRACT(list_of_series_can_be_stopped)
{
    struct series_seen seen = {.stop_after = 2};
    put_names(f, "spot_ohlcv", "a", NULL);
    put_names(f, "spot_ohlcv", "b", NULL);
    put_names(f, "spot_ohlcv", "c", NULL);
    CHECK_INT(persists(f) ? CCD_INTERRUPTED : CCD_OK,
              f->store->ops->each_series(f->store, type_of("spot_ohlcv"), see, &seen, &f->err));
    CHECK_INT(persists(f) ? 2 : 0, seen.count);
    check_series(f, "spot_ohlcv", "kraken/a/a NULL@0; kraken/b/b NULL@0; kraken/c/c NULL@0");
}

/* ---- rows with moments of their own (ccdata copy) ---- */

CONTRACT(copied_rows_keep_their_moments)
{
    static const int64_t moments[] = {COLLECTED - 5, COLLECTED - 50000, COLLECTED};
    struct page page;
    page_init_days(&page, 100, 3);
    page.p.row_collected_utc_s = moments;
    page_check(f, &page, 3, 0, 0, 0);
    page_is_stored(f, &page);
    for (int64_t i = 0; i < 3; i++)
        CHECK_INT(persists(f) ? moments[i] : -1, stored_collected(f, &page, day(100 + i)));
    page_check(f, &page, 0, 0, 3, 0);
    page_release(&page);
}

CONTRACT(copied_rows_are_stale_one_by_one)
{
    static const int64_t moments[] = {COLLECTED - 1, COLLECTED + 1, COLLECTED - 1};
    struct page page;
    struct page copied;
    page_init_days(&page, 100, 3);
    page_init_days(&copied, 100, 3);
    page_check(f, &page, 3, 0, 0, 0);
    for (size_t row = 0; row < 3; row++)
        page_set_f64(&copied, row, "close", 7);
    copied.p.row_collected_utc_s = moments;
    page_check(f, &copied, 0, 1, 2, 0);
    double close;
    CHECK_INT(persists(f), stored_f64(f, &page, day(101), "close", &close));
    CHECK(!persists(f) || close == 7);
    CHECK_INT(persists(f), stored_f64(f, &page, day(102), "close", &close));
    CHECK(!persists(f) || close != 7);
    page_release(&page);
    page_release(&copied);
}

/* ---- scratch series ---- */

CONTRACT(removed_series_leaves_nothing)
{
    struct page page;
    struct page hours;
    struct page other;
    struct series_names names;
    struct coverage_segment got[4];
    page_init_days(&page, 100, 10);
    page_init(&hours, "spot_ohlcv", INTERVAL_1H, "XXBTZUSD", "BTC-USD", 1);
    page_init(&other, "spot_ohlcv", INTERVAL_1D, "XETHZUSD", "ETH-USD", 1);
    page_add(&hours, day(100));
    page_add(&other, day(100));
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    page_cover(&other, day(100), day(101), COVERAGE_STORED);
    page_reject(&page, 3, "low above high");
    page_check(f, &page, 9, 0, 0, 1);
    page_check(f, &hours, 1, 0, 0, 0);
    page_check(f, &other, 1, 0, 0, 0);
    CHECK_INT(CCD_OK,
              f->store->ops->remove_series(f->store, page.p.type, page.names.series_id, &f->err));
    CHECK_INT(0, stored_rows(f, &page));
    CHECK_INT(0, stored_rows(f, &hours));
    CHECK_INT(0, stored_coverage(f, &page, got, 4));
    CHECK(!find(f, "spot_ohlcv", "kraken", "XXBTZUSD", &names));
    page_is_stored(f, &other);
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &other, got, 4));
    page_check(f, &page, 9, 0, 0, 1); /* and it can come back, by the same writer */
    page_is_stored(f, &page);
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "XXBTZUSD", &names));
    page_release(&page);
    page_release(&hours);
    page_release(&other);
}

CONTRACT(removing_an_unknown_series_is_legal)
{
    CHECK_INT(CCD_OK,
              f->store->ops->remove_series(f->store, type_of("spot_ohlcv"), 12345, &f->err));
}

/* ---- read only ---- */

CONTRACT(read_only_store_reads)
{
    struct page page;
    struct series_names names;
    struct coverage_segment got[4];
    page_init_days(&page, 100, 10);
    page_cover(&page, day(100), day(110), COVERAGE_STORED);
    page_check(f, &page, 10, 0, 0, 0);
    f->read_only = true;
    if (!CHECK(fixture_reopen(f)))
        return;
    page_is_stored(f, &page);
    CHECK_INT(persists(f) ? 1 : 0, stored_coverage(f, &page, got, 4));
    CHECK_INT(persists(f), find(f, "spot_ohlcv", "kraken", "BTC-USD", &names));
    page_release(&page);
}

CONTRACT(read_only_store_does_not_write)
{
    struct series_names names = names_of("spot_ohlcv", "A", NULL);
    f->read_only = true;
    if (!CHECK(fixture_reopen(f)))
        return;
    CHECK_INT(!persists(f), f->store->ops->put_series(f->store, type_of("spot_ohlcv"), &names, 1,
                                                      &f->err) == CCD_OK);
    CHECK(!find(f, "spot_ohlcv", "kraken", "A", &names));
}
