/* Metadata: tables of records with their parts and snapshots, written together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

enum { ROWS_MAX = 64, TEXT_BYTES = 1 << 20, LISTS_MAX = 4, BIG = 20000 };

/* One call: the first list is of records. */
struct call {
    struct store_lists lists;
    struct store_list given[LISTS_MAX];
    struct batch rows[LISTS_MAX];
    struct store_list_counts counts[LISTS_MAX];
};

static const struct data_type *table_of(const char *name)
{
    const struct data_type *table = metadata_table_find(str_from(name));
    if (!table)
        abort();
    return table;
}

static struct batch *call_add(struct call *k, const char *table, size_t capacity_rows)
{
    struct batch *rows = &k->rows[k->lists.count];
    if (k->lists.count == LISTS_MAX ||
        batch_init(rows, table_of(table), capacity_rows, 64 * TEXT_BYTES, NULL, NULL) != CCD_OK)
        abort();
    k->given[k->lists.count++] = (struct store_list){rows->type, rows};
    return rows;
}

static void call_init(struct call *k)
{
    *k = (struct call){.lists = {.asked_utc_s = COLLECTED,
                                 .is_complete = true,
                                 .shrink_max_percent = 100,
                                 .scope = {"", 0}}};
    k->lists.lists = k->given;
}

static void call_release(struct call *k)
{
    for (size_t i = 0; i < k->lists.count; i++)
        batch_release(&k->rows[i]);
}

static int call_put(struct fixture *f, struct call *k)
{
    error_clear(&f->err);
    return f->store->ops->put_lists(f->store, &k->lists, k->counts, &f->err);
}

static size_t column(const struct batch *b, const char *name)
{
    int at = data_type_column(b->type, str_from(name));
    if (at < 0)
        abort();
    return (size_t)at;
}

static void set_text(struct batch *b, size_t row, const char *name, const char *text)
{
    CHECK_INT(0, batch_set_text(b, row, column(b, name), str_from(text)));
}

static size_t add_asset(struct batch *b, int64_t id, const char *symbol)
{
    size_t row = b->row_count++;
    batch_set_i64(b, row, column(b, "id"), id);
    if (symbol)
        set_text(b, row, "symbol", symbol);
    row_is_listed(b, row, true);
    return row;
}

/* Of a table with one text beside the asset's id. */
static size_t add_part(struct batch *b, int64_t asset_id, const char *key, const char *text)
{
    size_t row = b->row_count++;
    batch_set_i64(b, row, column(b, "asset_id"), asset_id);
    set_text(b, row, key, text);
    return row;
}

static size_t add_snapshot(struct batch *b, int64_t asset_id, int64_t ts, double price)
{
    size_t row = b->row_count++;
    batch_set_i64(b, row, column(b, "asset_id"), asset_id);
    batch_set_i64(b, row, column(b, "price_usd_last_update_ts"), ts);
    batch_set_f64(b, row, column(b, "price_usd"), price);
    return row;
}

static void check_counts(const struct fixture *f, const struct call *k, size_t list, int64_t added,
                         int64_t changed, int64_t unchanged, int64_t gone)
{
    if (!persists(f))
        return;
    CHECK_INT(added, k->counts[list].added);
    CHECK_INT(changed, k->counts[list].changed);
    CHECK_INT(unchanged, k->counts[list].unchanged);
    CHECK_INT(gone, k->counts[list].gone);
}

/* Put, and check the counts of the first list. */
static void put_and_count(struct fixture *f, struct call *k, int64_t added, int64_t changed,
                          int64_t unchanged, int64_t gone)
{
    if (!CHECK_INT(CCD_OK, call_put(f, k)))
        fprintf(stderr, "%s\n", f->err.message);
    check_counts(f, k, 0, added, changed, unchanged, gone);
}

/* All rows of a table, in static storage of the last call. */
static const struct batch *stored(struct fixture *f, const char *table, const char *scope)
{
    static struct batch got;
    size_t count;
    int64_t asked;
    const struct data_type *type = table_of(table);
    batch_release(&got);
    if (f->store->ops->load_list(f->store, type, str_from(scope), NULL, &count, &asked, &f->err) !=
            CCD_OK ||
        batch_init(&got, type, count + 1, 64 * TEXT_BYTES, NULL, &f->err) != CCD_OK ||
        !CHECK_INT(CCD_OK, f->store->ops->load_list(f->store, type, str_from(scope), &got, &count,
                                                    &asked, &f->err)))
        fprintf(stderr, "%s\n", f->err.message);
    return &got;
}

/* The rows are what is stored, whatever the order. */
static void check_stored(struct fixture *f, const struct batch *rows, const char *scope)
{
    const struct batch *got = stored(f, rows->type->name, scope);
    CHECK_INT(persists(f) ? rows->row_count : 0, got->row_count);
    for (size_t row = 0; row < rows->row_count && persists(f); row++) {
        size_t at = 0;
        while (at < got->row_count && batch_compare_rows(rows, row, got, at) != 0)
            at++;
        if (!CHECK(at < got->row_count))
            fprintf(stderr, "row %zu of %s\n", row, rows->type->name);
    }
}

static int64_t asked_of(struct fixture *f, const char *table, const char *scope)
{
    size_t count;
    int64_t asked = -1;
    CHECK_INT(CCD_OK, f->store->ops->load_list(f->store, table_of(table), str_from(scope), NULL,
                                               &count, &asked, &f->err));
    return asked;
}

/* ---- records ---- */

CONTRACT(records_are_kept_and_counted)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    add_asset(b, 2, "ETH");
    add_asset(b, 1, "BTC");
    put_and_count(f, &k, 2, 0, 0, 0);
    check_stored(f, b, "");
    const struct batch *got = stored(f, "assets", "");
    if (persists(f)) /* ascending by key */
        CHECK_INT(1, batch_cell(got, 0, 0)->i64);
    k.lists.asked_utc_s++;
    put_and_count(f, &k, 0, 0, 2, 0);
    set_text(b, 0, "symbol", "ETHER");
    batch_set_i64(b, 1, column(b, "launch_date"), -86400);
    k.lists.asked_utc_s++;
    put_and_count(f, &k, 0, 2, 0, 0);
    check_stored(f, b, "");
    CHECK_INT(persists(f) ? COLLECTED + 2 : 0, asked_of(f, "assets", ""));
    call_release(&k);
}

CONTRACT(records_keep_every_kind_of_value)
{
    struct call k;
    for (size_t t = 0; t < metadata_table_count; t++) {
        call_init(&k);
        const struct data_type *table = metadata_tables[t];
        struct batch *b = call_add(&k, table->name, ROWS_MAX);
        k.lists.scope = table->shape == SHAPE_CATALOGUE ? STR("kraken") : STR("");
        for (size_t row = 0; row < 3; row++) {
            b->row_count++;
            for (size_t i = 0; i < table->column_count; i++) {
                const struct column *c = &table->columns[i];
                bool is_key = c->flags & COLUMN_KEY;
                char text[32];
                str_print(text, sizeof(text), "'%zu\\\"é🚀", row);
                if (row == 2 && !is_key) /* NULL all along */
                    continue;
                if (c->flags & COLUMN_OBJECT_KEY && k.lists.scope.len > 0)
                    batch_set_text(b, row, i, k.lists.scope);
                else if (c->kind == COLUMN_TEXT)
                    batch_set_text(b, row, i, str_from(text));
                else if (c->kind == COLUMN_F64)
                    batch_set_f64(b, row, i, row ? 1.7976931348623157e308 : -5e-324);
                else if (c->kind == COLUMN_BOOL)
                    batch_set_i64(b, row, i, (int64_t)row % 2);
                else
                    batch_set_i64(b, row, i, row == 1 ? INT64_MAX : INT64_MIN + (int64_t)row);
            }
            row_is_listed(b, row, true);
        }
        put_and_count(f, &k, 3, 0, 0, 0);
        check_stored(f, b, k.lists.scope.len > 0 ? "kraken" : "");
        put_and_count(f, &k, 0, 0, 3, 0);
        call_release(&k);
    }
}

CONTRACT(zero_without_a_sign_is_no_change)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    add_asset(b, 1, "BTC");
    batch_set_f64(b, 0, column(b, "target_block_mint"), -0.0);
    put_and_count(f, &k, 1, 0, 0, 0);
    put_and_count(f, &k, 0, 0, 1, 0);
    batch_set_f64(b, 0, column(b, "target_block_mint"), 12345678901234567890.0);
    put_and_count(f, &k, 0, 1, 0, 0);
    put_and_count(f, &k, 0, 0, 1, 0);
    check_stored(f, b, "");
    call_release(&k);
}

CONTRACT(record_that_stands_twice_counts_once)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    add_asset(b, 1, "OLD");
    add_asset(b, 2, "ETH");
    add_asset(b, 1, "NEW");
    put_and_count(f, &k, 2, 0, 0, 0);
    const struct batch *got = stored(f, "assets", "");
    CHECK_INT(persists(f) ? 2 : 0, got->row_count);
    if (persists(f))
        CHECK_STR("NEW", batch_text(got, 0, column(got, "symbol")));
    put_and_count(f, &k, 0, 0, 2, 0);
    call_release(&k);
}

CONTRACT(record_without_a_key_is_refused)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    add_asset(b, 1, "BTC");
    b->row_count++;
    CHECK_INT(persists(f) ? CCD_INTERNAL : CCD_OK, call_put(f, &k));
    CHECK_INT(0, stored(f, "assets", "")->row_count);
    call_release(&k);
}

CONTRACT(older_answer_writes_nothing)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    struct batch *parts = call_add(&k, "asset_industries", ROWS_MAX);
    add_asset(b, 1, "BTC");
    put_and_count(f, &k, 1, 0, 0, 0);
    set_text(b, 0, "symbol", "OLD");
    add_asset(b, 2, "ETH");
    add_part(parts, 1, "asset_industry", "PAYMENT");
    k.lists.asked_utc_s--;
    put_and_count(f, &k, 0, 0, 2, 0);
    check_counts(f, &k, 1, 0, 0, 1, 0);
    CHECK_INT(persists(f) ? 1 : 0, stored(f, "assets", "")->row_count);
    CHECK_INT(0, stored(f, "asset_industries", "")->row_count);
    CHECK_INT(persists(f) ? COLLECTED : 0, asked_of(f, "assets", ""));
    call_release(&k);
}

/* ---- being listed ---- */

static int64_t listed_count(struct fixture *f, const char *table, const char *scope)
{
    const struct batch *got = stored(f, table, scope);
    int64_t count = 0;
    for (size_t row = 0; row < got->row_count; row++)
        count += batch_cell(got, row, column(got, "is_listed"))->i64;
    return count;
}

CONTRACT(what_a_complete_list_lacks_is_listed_no_more)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", 1000);
    for (int64_t id = 0; id < 600; id++)
        add_asset(b, id, "A");
    put_and_count(f, &k, 600, 0, 0, 0);
    b->row_count = 250;
    put_and_count(f, &k, 0, 0, 250, 350);
    CHECK_INT(persists(f) ? 250 : 0, listed_count(f, "assets", ""));
    CHECK_INT(persists(f) ? 600 : 0, stored(f, "assets", "")->row_count);
    put_and_count(f, &k, 0, 0, 250, 0); /* they are gone once */
    b->row_count = 600;
    put_and_count(f, &k, 0, 350, 250, 0); /* and come back */
    check_stored(f, b, "");
    call_release(&k);
}

CONTRACT(part_of_a_list_takes_nothing_away)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    add_asset(b, 1, "BTC");
    add_asset(b, 2, "ETH");
    k.lists.is_complete = false;
    put_and_count(f, &k, 2, 0, 0, 0);
    CHECK_INT(0, asked_of(f, "assets", ""));
    b->row_count = 1;
    put_and_count(f, &k, 0, 0, 1, 0);
    CHECK_INT(persists(f) ? 2 : 0, listed_count(f, "assets", ""));
    call_release(&k);
}

/* They are among the rows that the list lacks, and the vendor lists them still. */
CONTRACT(records_that_could_not_be_read_stay_listed)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    for (int64_t id = 0; id < 10; id++)
        add_asset(b, id, "A");
    put_and_count(f, &k, 10, 0, 0, 0);
    b->row_count = 9;
    k.lists.has_unread = true;
    put_and_count(f, &k, 0, 0, 9, 0);
    CHECK_INT(persists(f) ? 10 : 0, listed_count(f, "assets", ""));
    CHECK_INT(persists(f) ? COLLECTED : 0, asked_of(f, "assets", ""));
    b->row_count = 7; /* too few all the same */
    k.lists.shrink_max_percent = 20;
    CHECK_INT(persists(f) ? CCD_BAD_REPLY : CCD_OK, call_put(f, &k));
    call_release(&k);
}

static size_t add_instrument(struct batch *b, const char *market, const char *instrument)
{
    size_t row = b->row_count++;
    set_text(b, row, "market", market);
    set_text(b, row, "instrument", instrument);
    row_is_listed(b, row, true);
    return row;
}

CONTRACT(lists_of_markets_are_apart)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "spot_instruments", ROWS_MAX);
    add_instrument(b, "kraken", "A");
    add_instrument(b, "kraken", "B");
    k.lists.scope = STR("kraken");
    put_and_count(f, &k, 2, 0, 0, 0);
    k.lists.scope = STR("coinbase");
    put_and_count(f, &k, 2, 0, 0, 0);
    b->row_count = 1;
    put_and_count(f, &k, 0, 0, 1, 1);
    CHECK_INT(persists(f) ? 2 : 0, listed_count(f, "spot_instruments", "kraken"));
    CHECK_INT(persists(f) ? 1 : 0, listed_count(f, "spot_instruments", "coinbase"));
    call_release(&k);
}

static int see_scope(void *user, struct str scope, int64_t asked_utc_s, struct ccd_error *err)
{
    char *seen = user;
    (void)err;
    size_t len = strlen(seen);
    str_print(seen + len, 256 - len, STR_FMT "@%lld ", STR_ARG(scope), (long long)asked_utc_s);
    return strcmp(seen, "stop ") == 0 ? CCD_INTERRUPTED : CCD_OK;
}

CONTRACT(lists_that_are_there)
{
    struct call k;
    char seen[256] = "";
    call_init(&k);
    call_add(&k, "spot_instruments", ROWS_MAX);
    k.lists.asked_utc_s = 7;
    static const char *const markets[] = {"O'NEIL", "kraken", "MÈME"};
    for (size_t i = 0; i < 3; i++) {
        k.lists.scope = str_from(markets[i]);
        put_and_count(f, &k, 0, 0, 0, 0);
    }
    CHECK_INT(CCD_OK, f->store->ops->each_list(f->store, table_of("spot_instruments"), see_scope,
                                               seen, &f->err));
    CHECK_TEXT(persists(f) ? "MÈME@7 O'NEIL@7 kraken@7 " : "", seen);
    seen[0] = '\0';
    CHECK_INT(CCD_OK,
              f->store->ops->each_list(f->store, table_of("assets"), see_scope, seen, &f->err));
    CHECK_TEXT("", seen);
    call_release(&k);
}

/* ---- lists that shrink ---- */

CONTRACT(list_that_shrinks_too_much_is_refused)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "spot_instruments", ROWS_MAX);
    k.lists.scope = STR("kraken");
    k.lists.shrink_max_percent = 20;
    for (int i = 0; i < 10; i++) {
        char name[8];
        str_print(name, sizeof(name), "I%d", i);
        add_instrument(b, "kraken", name);
    }
    put_and_count(f, &k, 10, 0, 0, 0);
    set_text(b, 0, "instrument_status", "RETIRED");
    k.lists.asked_utc_s++;
    b->row_count = 7;
    if (persists(f)) {
        CHECK_INT(CCD_BAD_REPLY, call_put(f, &k));
        CHECK(strstr(f->err.message, "spot_instruments of kraken lacks 3 of the 10 rows") != NULL);
        CHECK(strstr(f->err.message, "more than 20 %") != NULL);
        CHECK(strstr(f->err.message, "--force") != NULL);
        CHECK_INT(10, listed_count(f, "spot_instruments", "kraken"));
        CHECK(
            !batch_has(stored(f, "spot_instruments", "kraken"), 0, column(b, "instrument_status")));
        CHECK_INT(COLLECTED, asked_of(f, "spot_instruments", "kraken"));
    }
    b->row_count = 8;
    put_and_count(f, &k, 0, 1, 7, 2);
    b->row_count = 6; /* 2 of the 8 that are left */
    CHECK_INT(persists(f) ? CCD_BAD_REPLY : CCD_OK, call_put(f, &k));
    k.lists.shrink_max_percent = 100;
    put_and_count(f, &k, 0, 0, 6, 2);
    b->row_count = 0;
    put_and_count(f, &k, 0, 0, 0, 6);
    call_release(&k);
}

/* ---- parts ---- */

CONTRACT(parts_are_replaced_with_their_record)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    struct batch *ids = call_add(&k, "asset_alternative_ids", ROWS_MAX);
    struct batch *symbols = call_add(&k, "asset_previous_symbols", ROWS_MAX);
    add_asset(b, 1, "BTC");
    add_asset(b, 2, "ETH");
    for (int64_t id = 1; id <= 2; id++) {
        set_text(ids, add_part(ids, id, "name", "CMC"), "id", "1027");
        set_text(ids, add_part(ids, id, "name", "CMC"), "id", "1028");
        set_text(ids, add_part(ids, id, "name", "ISIN"), "id", "X");
        add_part(symbols, id, "symbol", "XBT");
    }
    put_and_count(f, &k, 2, 0, 0, 0);
    check_counts(f, &k, 1, 6, 0, 0, 0);
    check_counts(f, &k, 2, 2, 0, 0, 0);
    check_stored(f, ids, "");
    /* The first record alone, with one id less and one more, and no symbol. */
    k.lists.is_complete = false;
    b->row_count = 1;
    ids->row_count = 2;
    set_text(ids, 1, "id", "1029");
    symbols->row_count = 0;
    put_and_count(f, &k, 0, 0, 1, 0);
    check_counts(f, &k, 1, 1, 0, 1, 2);
    check_counts(f, &k, 2, 0, 0, 0, 1);
    CHECK_INT(persists(f) ? 5 : 0, stored(f, "asset_alternative_ids", "")->row_count);
    CHECK_INT(persists(f) ? 2 : 0, stored(f, "asset_alternative_ids", "1")->row_count);
    CHECK_INT(persists(f) ? 3 : 0, stored(f, "asset_alternative_ids", "2")->row_count);
    CHECK_INT(0, stored(f, "asset_alternative_ids", "3")->row_count);
    CHECK_INT(persists(f) ? 1 : 0, stored(f, "asset_previous_symbols", "")->row_count);
    put_and_count(f, &k, 0, 0, 1, 0);
    check_counts(f, &k, 1, 0, 0, 2, 0);
    call_release(&k);
}

CONTRACT(parts_of_a_record_that_is_gone_stay)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    struct batch *parts = call_add(&k, "asset_industries", ROWS_MAX);
    add_asset(b, 1, "BTC");
    add_asset(b, 2, "ETH");
    add_part(parts, 1, "asset_industry", "PAYMENT");
    set_text(parts, add_part(parts, 2, "asset_industry", "PAYMENT"), "justification", "it pays");
    put_and_count(f, &k, 2, 0, 0, 0);
    b->row_count = 1;
    parts->row_count = 1;
    set_text(parts, 0, "justification", "so it's said");
    put_and_count(f, &k, 0, 0, 1, 1);
    check_counts(f, &k, 1, 0, 1, 0, 0);
    CHECK_INT(persists(f) ? 2 : 0, stored(f, "asset_industries", "")->row_count);
    call_release(&k);
}

CONTRACT(awkward_texts_are_keys)
{
    static const char *const texts[] = {"O'NEIL", "$X",   "MÈME", "\\", "\"", "`", "%",
                                        "; --",   "é",    "e",    "E",  "🚀",  "",  " ",
                                        "a\nb",   "NULL", "?1",   "$1", "\t", "ß", "ss"};
    enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
    struct call k;
    char longest[501];
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    struct batch *ids = call_add(&k, "asset_alternative_ids", ROWS_MAX);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    add_asset(b, 1, "O'NEIL");
    for (size_t i = 0; i < COUNT; i++)
        set_text(ids, add_part(ids, 1, "name", texts[i]), "id", texts[COUNT - 1 - i]);
    set_text(ids, add_part(ids, 1, "name", "CHAIN"), "id", longest);
    put_and_count(f, &k, 1, 0, 0, 0);
    check_counts(f, &k, 1, COUNT + 1, 0, 0, 0);
    check_stored(f, ids, "");
    put_and_count(f, &k, 0, 0, 1, 0);
    check_counts(f, &k, 1, 0, 0, COUNT + 1, 0);
    ids->row_count = 0;
    put_and_count(f, &k, 0, 0, 1, 0);
    check_counts(f, &k, 1, 0, 0, 0, COUNT + 1);
    CHECK_INT(0, stored(f, "asset_alternative_ids", "")->row_count);
    call_release(&k);
}

/* ---- snapshots ---- */

CONTRACT(snapshots_are_added_once)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    struct batch *prices = call_add(&k, "asset_market_data", ROWS_MAX);
    add_asset(b, 1, "BTC");
    add_asset(b, 2, "ETH");
    add_snapshot(prices, 1, 1000, 50000.5);
    add_snapshot(prices, 2, 2000, 3000);
    put_and_count(f, &k, 2, 0, 0, 0);
    check_counts(f, &k, 1, 2, 0, 0, 0);
    check_stored(f, prices, "");
    prices->row_count = 0;
    add_snapshot(prices, 1, 1000, 7); /* never changed */
    add_snapshot(prices, 2, 1999, 7); /* older */
    add_snapshot(prices, 2, 2001, 3001);
    add_snapshot(prices, 2, 2002, 3002);
    add_snapshot(prices, 2, 2002, 3003);
    add_snapshot(prices, 3, -5, 1);
    put_and_count(f, &k, 0, 0, 2, 0);
    check_counts(f, &k, 1, 3, 0, 2, 0);
    const struct batch *got = stored(f, "asset_market_data", "2");
    CHECK_INT(persists(f) ? 3 : 0, got->row_count);
    for (size_t row = 0; row < got->row_count; row++)
        CHECK_INT(2000 + (int64_t)row, batch_cell(got, row, 1)->i64);
    if (persists(f)) {
        CHECK(batch_cell(got, 2, column(got, "price_usd"))->f64 == 3003);
        got = stored(f, "asset_market_data", "1");
        CHECK_INT(1, got->row_count);
        CHECK(batch_cell(got, 0, column(got, "price_usd"))->f64 == 50000.5);
    }
    /* A rewrite takes all there is. */
    k.lists.rewrite = true;
    prices->row_count = 2;
    put_and_count(f, &k, 0, 2, 0, 0);
    check_counts(f, &k, 1, 0, 2, 0, 0);
    CHECK_INT(persists(f) ? 4 : 0, stored(f, "asset_market_data", "2")->row_count);
    call_release(&k);
}

/* ---- what is written ---- */

/* updated_at by hand: only what is written gets another. */
#define UNTOUCHED "SELECT count(*) FROM assets WHERE symbol LIKE 'A%' AND updated_at = created_at"

SQL_CONTRACT(unchanged_records_are_not_written)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    for (int64_t id = 0; id < 30; id++)
        add_asset(b, id, "A");
    put_and_count(f, &k, 30, 0, 0, 0);
    CHECK_TEXT("30", ask(f, UNTOUCHED));
    k.lists.asked_utc_s += 10;
    put_and_count(f, &k, 0, 0, 30, 0);
    CHECK_TEXT("30", ask(f, UNTOUCHED));
    batch_set_i64(b, 7, column(b, "id_legacy"), 7);
    put_and_count(f, &k, 0, 1, 29, 0);
    CHECK_TEXT("29", ask(f, UNTOUCHED));
    CHECK_TEXT("1", ask(f, "SELECT count(*) FROM assets WHERE updated_at > created_at AND id = 7"));
    b->row_count = 29;
    k.lists.asked_utc_s += 10;
    put_and_count(f, &k, 0, 0, 29, 1);
    CHECK_TEXT("28", ask(f, UNTOUCHED)); /* being listed no more is a change */
    k.lists.rewrite = true;
    put_and_count(f, &k, 0, 29, 0, 0);
    CHECK_TEXT("0", ask(f, UNTOUCHED));
    CHECK_TEXT("1", ask(f, "SELECT count(DISTINCT created_at) FROM assets"));
    call_release(&k);
}

/* What the database refuses in one list undoes them all. A key that is too long for an index is
 * refused by the servers. */
SQL_CONTRACT(lists_are_written_together_or_not_at_all)
{
    static char endless[9001];
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "assets", ROWS_MAX);
    struct batch *parts = call_add(&k, "asset_industries", ROWS_MAX);
    unsigned state = 1;
    for (size_t i = 0; i + 1 < sizeof(endless); i++) {
        state = state * 1103515245 + 12345;
        endless[i] = (char)('!' + (state >> 16) % 90);
    }
    add_asset(b, 1, "BTC");
    add_part(parts, 1, "asset_industry", endless);
    int status = call_put(f, &k);
    CHECK(status != CCD_OK || f->store->dialect == DIALECT_SQLITE);
    CHECK_TEXT(status == CCD_OK ? "1" : "0", ask(f, "SELECT count(*) FROM assets"));
    CHECK_TEXT(status == CCD_OK ? "2" : "0", ask(f, "SELECT count(*) FROM ccdata_catalogue"));
    call_release(&k);
}

CONTRACT(twenty_thousand_rows)
{
    struct call k;
    call_init(&k);
    struct batch *b = call_add(&k, "spot_instruments", BIG);
    k.lists.scope = STR("binance");
    for (size_t i = 0; i < BIG; i++) {
        char name[32];
        str_print(name, sizeof(name), "%zu-USDT", i * 7919 % BIG);
        size_t row = add_instrument(b, "binance", name);
        set_text(b, row, "instrument_status", "ACTIVE");
        batch_set_i64(b, row, column(b, "total_trades_spot"), (int64_t)i);
    }
    put_and_count(f, &k, BIG, 0, 0, 0);
    put_and_count(f, &k, 0, 0, BIG, 0);
    for (size_t row = 0; row < BIG; row += 2)
        batch_set_i64(b, row, column(b, "total_trades_spot"), -1);
    put_and_count(f, &k, 0, BIG / 2, BIG / 2, 0);
    b->row_count = BIG / 2;
    put_and_count(f, &k, 0, 0, BIG / 2, BIG / 2);
    CHECK_INT(persists(f) ? BIG : 0, stored(f, "spot_instruments", "binance")->row_count);
    CHECK_INT(persists(f) ? BIG / 2 : 0, listed_count(f, "spot_instruments", "binance"));
    call_release(&k);
}
