#include "fake_lists.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static const struct data_type *table(const char *name)
{
    return metadata_table_find(str_from(name));
}

static int update_with(struct fake_source *f, const char *name, const char *market,
                       struct list_options options, struct list_outcome *out, struct ccd_error *err)
{
    const struct list_name list = {table(name), str_from(market)};
    *err = (struct ccd_error){0};
    return lists_update(&f->source, &list, &options, out, err);
}

static int update(struct fake_source *f, const char *name, const char *market,
                  struct list_outcome *out)
{
    struct ccd_error err;
    int status = update_with(f, name, market, (struct list_options){0}, out, &err);
    CHECK_TEXT("", err.message);
    return status;
}

/* Rows that are stored, and those that the newest list had. */
static size_t stored(struct fake_source *f, const char *name, const char *market,
                     size_t *out_listed, int64_t *out_asked)
{
    struct batch rows = {0};
    struct ccd_error err = {0};
    size_t count = 0;
    const struct data_type *type = table(name);
    int listed = data_type_column_flagged(type, COLUMN_LISTED);
    batch_init(&rows, type, 2000, 1 << 20, NULL, &err);
    CHECK_INT(0, f->store->ops->load_list(f->store, type, str_from(market), &rows, &count,
                                          out_asked, &err));
    *out_listed = 0;
    for (size_t i = 0; i < rows.row_count && listed >= 0; i++)
        *out_listed += batch_cell(&rows, i, (size_t)listed)->i64 != 0;
    batch_release(&rows);
    return count;
}

static void check_stored(struct fake_source *f, const char *name, const char *market,
                         size_t expected, size_t expected_listed, bool expected_asked)
{
    size_t listed;
    int64_t asked;
    CHECK_INT(expected, stored(f, name, market, &listed, &asked));
    CHECK_INT(expected_listed, listed);
    CHECK_INT(expected_asked, asked != 0);
}

static void add_assets(size_t count)
{
    char symbol[32];
    for (size_t i = 0; i < count; i++) {
        str_print(symbol, sizeof(symbol), "A%03zu", i);
        fake_add_asset(symbol);
    }
}

static void add_pairs(const char *market, size_t count)
{
    char base[32];
    for (size_t i = 0; i < count; i++) {
        str_print(base, sizeof(base), "B%03zu", i);
        fake_add_pair(market, base, "USD", 10);
    }
}

/* ---- pages ---- */

TEST(lists_come_in_pages_of_a_hundred)
{
    static const struct {
        size_t assets;
        int64_t total;
        size_t calls;
    } cases[] = {{1, -1, 1},   {99, -1, 1}, {100, -1, 1}, {101, -1, 2},
                 {250, -1, 3}, {250, 0, 4}, {200, 0, 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fake_source f;
        struct list_outcome out;
        fake_open(&f);
        add_assets(cases[i].assets);
        vendor.assets_total = cases[i].total;
        CHECK_INT(0, update(&f, "assets", "", &out));
        CHECK_INT(cases[i].calls, vendor.asked_count);
        CHECK_INT(cases[i].calls, out.calls);
        CHECK_INT(cases[i].assets, out.counts.added);
        CHECK_INT(cases[i].assets, out.parts.added);
        CHECK(!out.was_fresh && out.is_known);
        CHECK_INT(cases[i].calls, fake_asked("page_size=100"));
        check_stored(&f, "assets", "", cases[i].assets, cases[i].assets, true);
        fake_close(&f);
    }
}

/* With each page three records come in at the top: those behind stand on two pages. */
TEST(lists_have_a_record_once_though_they_move)
{
    struct fake_source f;
    struct list_outcome out;
    fake_open(&f);
    add_assets(540);
    vendor.slip = 30;
    vendor.assets_total = 800;
    CHECK_INT(0, update(&f, "assets", "", &out));
    CHECK_INT(540, out.counts.added);
    CHECK_INT(540, out.parts.added);
    CHECK_INT(0, out.counts.changed + out.counts.unchanged + out.parts.unchanged);
    fake_close(&f);
}

static const char *name_at(const struct buf *names, size_t i)
{
    const char *name = names->data;
    while (i-- > 0)
        name += strlen(name) + 1;
    return name;
}

static void check_places(struct fake_source *f, size_t expected)
{
    struct batch rows = {0};
    struct ccd_error err = {0};
    size_t count;
    int64_t asked;
    const struct data_type *type = table("ccdata_top_assets");
    size_t place = (size_t)data_type_column_flagged(type, COLUMN_POSITION);
    batch_init(&rows, type, expected, 1 << 20, NULL, &err);
    CHECK_INT(0, f->store->ops->load_list(f->store, type, STR(""), &rows, &count, &asked, &err));
    CHECK_INT(expected, rows.row_count);
    for (size_t row = 0; row < rows.row_count; row++)
        CHECK_INT(row + 1, batch_cell(&rows, row, place)->i64);
    batch_release(&rows);
}

TEST(lists_a_ranking_that_moves_is_numbered_without_gaps)
{
    struct fake_source f;
    struct buf names;
    struct ccd_error err = {0};
    size_t count = 0;
    fake_open(&f);
    add_assets(400);
    vendor.slip = 5;
    buf_init(&names, 1 << 20, NULL);
    /* Page two repeats five of page one: a third is needed for 200. */
    CHECK_INT(0, lists_top_assets(&f.source, 200, &names, &count, &err));
    CHECK_INT(3, vendor.asked_count);
    CHECK_INT(290, count);
    for (size_t i = 0; i < count; i++) {
        char expected[32];
        str_print(expected, sizeof(expected), "A%03zu", i);
        CHECK_TEXT(expected, name_at(&names, i));
    }
    check_stored(&f, "ccdata_top_assets", "", 290, 290, true);
    check_places(&f, 290);
    buf_release(&names);
    fake_close(&f);
}

/* It is taken for what it is, and asked for again by the next run. */
TEST(lists_that_end_before_their_total_are_no_whole)
{
    struct fake_source f;
    struct list_outcome out;
    fake_open(&f);
    add_assets(300);
    CHECK_INT(0, update(&f, "assets", "", &out));
    fake_next_run(&f, 2 * FAKE_DAY);
    vendor.pages_max = 2;
    CHECK_INT(0, update(&f, "assets", "", &out));
    CHECK_INT(200, out.counts.unchanged);
    CHECK_INT(0, out.counts.gone);
    check_stored(&f, "assets", "", 300, 300, true);
    fake_next_run(&f, 0);
    CHECK_INT(0, update(&f, "assets", "", &out));
    CHECK(!out.was_fresh);
    fake_close(&f);
}

TEST(lists_whose_pages_are_all_the_same_end_with_the_second)
{
    struct fake_source f;
    struct list_outcome out;
    fake_open(&f);
    add_assets(100);
    vendor.slip = 100;
    vendor.assets_total = INT64_MAX;
    CHECK_INT(0, update(&f, "assets", "", &out));
    CHECK_INT(2, vendor.asked_count);
    check_stored(&f, "assets", "", 100, 100, false);
    fake_close(&f);
}

TEST(lists_without_an_end_are_refused)
{
    struct fake_source f;
    struct list_outcome out;
    struct ccd_error err;
    fake_open(&f);
    vendor.is_endless = true;
    vendor.assets_total = INT64_MAX;
    CHECK_INT(CCD_BAD_REPLY,
              update_with(&f, "ccdata_top_assets", "", (struct list_options){0}, &out, &err));
    CHECK(strstr(err.message, "no end after 1000 pages") != NULL);
    CHECK_INT(1000, vendor.asked_count);
    fake_close(&f);
}

/* ---- lifetimes ---- */

TEST(lists_are_asked_for_once_in_their_lifetime)
{
    static const struct {
        const char *table, *market;
        int64_t lifetime_s;
    } cases[] = {{"exchanges", "", FAKE_DAY},         {"spot_markets", "", FAKE_DAY},
                 {"spot_instruments", "m", FAKE_DAY}, {"futures_instruments", "m", FAKE_DAY},
                 {"ccdata_top_assets", "", 3600},     {"futures_markets", "", FAKE_DAY}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fake_source f;
        struct list_outcome out;
        fake_open(&f);
        add_assets(5);
        add_pairs("m", 5);
        fake_add_exchange("M", "A");
        update(&f, cases[i].table, cases[i].market, &out);
        CHECK_INT(1, vendor.asked_count);
        CHECK_INT(strcmp(cases[i].table, "exchanges") == 0, vendor.min_api_calls);
        update(&f, cases[i].table, cases[i].market, &out); /* the same run */
        CHECK(out.was_fresh);
        fake_next_run(&f, cases[i].lifetime_s - 1);
        update(&f, cases[i].table, cases[i].market, &out);
        CHECK(out.was_fresh && out.is_known);
        CHECK_INT(0, vendor.asked_count);
        fake_next_run(&f, 1);
        update(&f, cases[i].table, cases[i].market, &out);
        CHECK(!out.was_fresh);
        CHECK_INT(1, vendor.asked_count);
        CHECK_INT(0, out.counts.added + out.counts.changed + out.counts.gone);
        fake_close(&f);
    }
}

/* An operation of its own asks whatever the age, but not for what this run has: also when the
 * clock stands still between two runs. */
TEST(lists_always_means_once_in_a_run)
{
    struct fake_source f;
    struct list_outcome out;
    struct ccd_error err;
    const struct list_options always = {.always = true};
    fake_open(&f);
    add_pairs("m", 5);
    update(&f, "spot_instruments", "m", &out);
    CHECK_INT(0, update_with(&f, "spot_instruments", "m", always, &out, &err));
    CHECK(out.was_fresh);
    fake_next_run(&f, 0);
    vendor.pairs[2].trades = 11;
    CHECK_INT(0, update_with(&f, "spot_instruments", "m", always, &out, &err));
    CHECK(!out.was_fresh);
    CHECK_INT(1, out.counts.changed);
    CHECK_INT(4, out.counts.unchanged);
    fake_next_run(&f, 0);
    CHECK_INT(0, update_with(&f, "spot_instruments", "m",
                             (struct list_options){.always = true, .rewrite = true}, &out, &err));
    CHECK_INT(5, out.counts.changed);
    fake_close(&f);
}

TEST(lists_a_rewrite_is_none_when_the_list_was_only_read)
{
    struct fake_source f;
    struct list_outcome out;
    struct ccd_error err;
    const struct list_options rewrite = {.always = true, .rewrite = true};
    fake_open(&f);
    add_pairs("m", 5);
    update(&f, "spot_instruments", "m", &out);
    CHECK_INT(0, update_with(&f, "spot_instruments", "m", rewrite, &out, &err));
    CHECK_INT(5, out.counts.changed);
    CHECK_INT(0, update_with(&f, "spot_instruments", "m", rewrite, &out, &err));
    CHECK(out.was_fresh);
    fake_close(&f);
}

TEST(lists_a_ranking_grows_when_more_is_wanted)
{
    struct fake_source f;
    struct buf names;
    struct ccd_error err = {0};
    size_t count = 0;
    fake_open(&f);
    add_assets(350);
    buf_init(&names, 1 << 20, NULL);
    CHECK_INT(0, lists_top_assets(&f.source, 10, &names, &count, &err));
    CHECK_INT(100, count);
    CHECK_INT(0, lists_top_assets(&f.source, 100, &names, &count, &err));
    CHECK_INT(1, vendor.asked_count);
    CHECK_INT(0, lists_top_assets(&f.source, 150, &names, &count, &err));
    CHECK_INT(200, count);
    CHECK_INT(3, vendor.asked_count);
    fake_next_run(&f, 7200); /* a short ranking again: what it lacks is no longer listed */
    CHECK_INT(0, lists_top_assets(&f.source, 10, &names, &count, &err));
    CHECK_INT(1, vendor.asked_count);
    check_stored(&f, "ccdata_top_assets", "", 200, 100, true);
    fake_next_run(&f, 60);
    CHECK_INT(0, lists_top_assets(&f.source, 10000, &names, &count, &err));
    CHECK_INT(350, count);
    CHECK_INT(4, vendor.asked_count);
    CHECK_INT(0, lists_top_assets(&f.source, 10000, &names, &count, &err));
    CHECK_INT(4, vendor.asked_count); /* there are no more */
    buf_release(&names);
    fake_close(&f);
}

/* ---- what goes wrong ---- */

TEST(lists_of_another_market_are_refused)
{
    struct fake_source f;
    struct list_outcome out;
    struct ccd_error err;
    fake_open(&f);
    add_pairs("m", 5);
    vendor.wrong_market = "m";
    CHECK_INT(CCD_BAD_REPLY,
              update_with(&f, "spot_instruments", "m", (struct list_options){0}, &out, &err));
    CHECK(strstr(err.message, "of market other, not of m") != NULL);
    check_stored(&f, "spot_instruments", "m", 0, 0, false);
    check_stored(&f, "spot_instruments", "other", 0, 0, false);
    fake_close(&f);
}

TEST(lists_of_a_market_that_is_none)
{
    struct fake_source f;
    struct list_outcome out;
    fake_open(&f);
    add_pairs("m", 5);
    CHECK_INT(0, update(&f, "spot_instruments", "nosuch", &out));
    CHECK(!out.is_known && !out.was_fresh);
    CHECK_INT(0, update(&f, "spot_instruments", "nosuch", &out));
    CHECK(!out.is_known && out.was_fresh);
    CHECK_INT(1, vendor.asked_count);
    check_stored(&f, "spot_instruments", "nosuch", 0, 0, false);
    fake_close(&f);
}

TEST(lists_that_shrink_too_much_are_refused)
{
    struct fake_source f;
    struct list_outcome out;
    struct ccd_error err;
    bool is_known;
    struct batch rows = {0};
    fake_open(&f);
    add_pairs("m", 10);
    update(&f, "spot_instruments", "m", &out);
    vendor.pair_count = 7;
    fake_next_run(&f, 2 * FAKE_DAY);
    const struct list_name name = {table("spot_instruments"), STR("m")};
    const struct list_options plain = {0}, force = {.force = true};
    CHECK_INT(CCD_BAD_REPLY, lists_update(&f.source, &name, &plain, &out, &err));
    check_stored(&f, "spot_instruments", "m", 10, 10, true);
    /* What was refused once in a run is not asked for again, and the old rows stand in. */
    batch_init(&rows, name.table, 1, LIST_TEXT_MAX_BYTES, NULL, &err);
    CHECK_INT(0, lists_rows(&f.source, &name, &plain, &rows, &is_known, &err));
    CHECK_INT(10, rows.row_count);
    CHECK_INT(CCD_BAD_REPLY, lists_update(&f.source, &name, &plain, &out, &err));
    CHECK_INT(1, vendor.asked_count);
    CHECK_INT(0, lists_update(&f.source, &name, &force, &out, &err));
    CHECK_INT(3, out.counts.gone);
    check_stored(&f, "spot_instruments", "m", 10, 7, true);
    vendor.pair_count = 6; /* a seventh of them */
    fake_next_run(&f, 2 * FAKE_DAY);
    CHECK_INT(0, lists_rows(&f.source, &name, &plain, &rows, &is_known, &err));
    CHECK_INT(10, rows.row_count);
    check_stored(&f, "spot_instruments", "m", 10, 6, true);
    batch_release(&rows);
    fake_close(&f);
}

/* What there is of a list is kept, but it does not count as asked for; half a ranking is none. */
TEST(lists_in_the_middle_of_which_the_run_ends)
{
    static const enum ccd_status ends[] = {CCD_QUOTA_EXHAUSTED, CCD_INTERRUPTED, CCD_NETWORK};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct fake_source f;
        struct list_outcome out;
        struct ccd_error err;
        struct buf names;
        size_t count = 0;
        fake_open(&f);
        add_assets(250);
        vendor.interrupted_at = 3;
        vendor.interrupted_by = ends[i];
        CHECK_INT(ends[i], update_with(&f, "assets", "", (struct list_options){0}, &out, &err));
        CHECK_INT(200, out.counts.added);
        CHECK_INT(200, out.parts.added);
        CHECK_INT(2, out.calls);
        check_stored(&f, "assets", "", 200, 200, false);
        fake_next_run(&f, 0);
        vendor.interrupted_at = 2;
        buf_init(&names, 1 << 20, NULL);
        CHECK_INT(ends[i], lists_top_assets(&f.source, 150, &names, &count, &err));
        check_stored(&f, "ccdata_top_assets", "", 0, 0, false);
        buf_release(&names);
        fake_next_run(&f, 0);
        vendor.interrupted_at = 0;
        CHECK_INT(0, update(&f, "assets", "", &out));
        CHECK_INT(3, vendor.asked_count);
        CHECK_INT(50, out.counts.added);
        fake_close(&f);
    }
}

TEST(lists_without_a_key_are_those_that_are_fresh)
{
    struct fake_source f;
    struct list_outcome out;
    struct ccd_error err;
    fake_open(&f);
    add_pairs("m", 5);
    f.source.no_calls = true;
    CHECK_INT(CCD_KEY_REJECTED,
              update_with(&f, "spot_instruments", "m", (struct list_options){0}, &out, &err));
    f.source.no_calls = false;
    update(&f, "spot_instruments", "m", &out);
    fake_next_run(&f, 60);
    f.source.no_calls = true;
    CHECK_INT(0, update(&f, "spot_instruments", "m", &out));
    fake_close(&f);
}

/* ---- a plan ---- */

TEST(lists_of_a_plan_are_asked_for_once_and_not_stored)
{
    struct fake_source f;
    struct ccd_error err = {0};
    struct batch rows = {0};
    struct buf names;
    bool is_known;
    size_t count = 0;
    fake_open(&f);
    fake_add_pair("m", "ZED", "USD", 1);
    fake_add_pair("m", "ABE", "USD", 2);
    fake_add_pair("m", "MID", "USD", 3);
    add_assets(150);
    f.source.read_only = true;
    const struct list_name name = {table("spot_instruments"), STR("m")};
    int mapped = data_type_column(name.table, STR("mapped_instrument"));
    batch_init(&rows, name.table, 1, LIST_TEXT_MAX_BYTES, NULL, &err);
    buf_init(&names, 1 << 20, NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(0,
                  lists_rows(&f.source, &name, &(struct list_options){0}, &rows, &is_known, &err));
        if (!CHECK_INT(3, rows.row_count))
            break;
        CHECK_STR("ABE-USD", batch_text(&rows, 0, (size_t)mapped)); /* ascending by key */
        CHECK_STR("MID-USD", batch_text(&rows, 1, (size_t)mapped));
        CHECK_STR("ZED-USD", batch_text(&rows, 2, (size_t)mapped));
        CHECK_INT(0, lists_top_assets(&f.source, 120, &names, &count, &err));
        CHECK_INT(150, count);
        CHECK_INT(0, lists_markets(&f.source, name.table, &names, &count, &err));
        CHECK_INT(1, count);
    }
    CHECK_INT(4, vendor.asked_count);
    check_stored(&f, "spot_instruments", "m", 0, 0, false);
    check_stored(&f, "ccdata_top_assets", "", 0, 0, false);
    batch_release(&rows);
    buf_release(&names);
    fake_close(&f);
}

TEST(lists_of_a_database_that_keeps_nothing)
{
    struct fake_source f;
    struct ccd_error err = {0};
    struct batch rows = {0};
    struct store *null_store = NULL;
    bool is_known;
    fake_open(&f);
    add_pairs("m", 5);
    CHECK_INT(0, store_open(&(struct store_config){.url = "null:"}, &null_store, &err));
    f.source.store = null_store;
    const struct list_name name = {table("spot_instruments"), STR("m")};
    batch_init(&rows, name.table, 1, LIST_TEXT_MAX_BYTES, NULL, &err);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(0,
                  lists_rows(&f.source, &name, &(struct list_options){0}, &rows, &is_known, &err));
        CHECK_INT(5, rows.row_count);
    }
    CHECK_INT(1, vendor.asked_count);
    batch_release(&rows);
    fake_close(&f);
    store_close(null_store);
}

TEST(lists_markets_are_those_that_are_listed)
{
    struct fake_source f;
    struct ccd_error err = {0};
    struct buf names;
    size_t count = 0;
    const struct data_type *type = data_type_find(STR("spot_ohlcv"));
    static const char *const markets[] = {"zb", "kraken", "aax", "coinbase", "okex", "gone"};
    fake_open(&f);
    for (size_t i = 0; i < 6; i++)
        add_pairs(markets[i], 1);
    buf_init(&names, 1 << 20, NULL);
    CHECK_INT(0, lists_markets(&f.source, type, &names, &count, &err));
    CHECK_INT(6, count);
    CHECK_TEXT("aax", names.data);
    vendor.market_count = 5;
    fake_next_run(&f, FAKE_DAY);
    buf_clear(&names);
    CHECK_INT(0, lists_markets(&f.source, type, &names, &count, &err));
    CHECK_INT(5, count);
    CHECK_TEXT("coinbase", name_at(&names, 1));
    CHECK_TEXT("kraken", name_at(&names, 2));
    buf_release(&names);
    fake_close(&f);
}
