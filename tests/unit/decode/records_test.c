#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../limited_allocator.h"
#include "decode/reply.h"
#include "pages.h"
#include "test.h"

enum { TABLES_MAX = 10, TEXT_MAX_BYTES = 1 << 20 };

/* A table with all that is filled from its records. */
struct fixture {
    struct reply_decoder decoder;
    struct batch batches[TABLES_MAX];
    struct batch *items[TABLES_MAX];
    struct record_batches all;
    struct records_said said;
    struct reply_headers headers;
    struct ccd_error err;
};

static void add_table(struct fixture *f, const struct data_type *table, size_t text_max_bytes,
                      const struct allocator *allocator)
{
    struct batch *batch = &f->batches[f->all.count];
    CHECK_INT(CCD_OK, batch_init(batch, table, 0, text_max_bytes, allocator, &f->err));
    f->items[f->all.count++] = batch;
}

static void begin_table(struct fixture *f, const struct data_type *table, size_t text_max_bytes,
                        const struct allocator *allocator)
{
    *f = (struct fixture){.all = {.count = 0}};
    f->all.items = f->items;
    CHECK_INT(CCD_OK, reply_decoder_init(&f->decoder, NULL, &f->err));
    reply_headers_init(&f->headers);
    add_table(f, table, text_max_bytes, allocator);
    for (size_t t = 0; t < metadata_table_count; t++)
        if (metadata_tables[t]->parent == table)
            add_table(f, metadata_tables[t], text_max_bytes, allocator);
}

static void begin(struct fixture *f, const char *table)
{
    begin_table(f, metadata_table_find(str_from(table)), TEXT_MAX_BYTES, NULL);
}

static void end(struct fixture *f)
{
    for (size_t i = 0; i < f->all.count; i++)
        batch_release(&f->batches[i]);
    reply_decoder_release(&f->decoder);
}

static enum reply_verdict decode_bytes(struct fixture *f, const char *body, size_t len)
{
    struct reply_input in = {200, body, len, &f->headers};
    return reply_classify_records(&f->decoder, &in, &f->all, &f->said, &f->err);
}

static enum reply_verdict decode(struct fixture *f, const char *body)
{
    return decode_bytes(f, body, strlen(body));
}

static const struct batch *rows_of(const struct fixture *f, const char *table)
{
    for (size_t i = 0; i < f->all.count; i++)
        if (strcmp(f->batches[i].type->name, table) == 0)
            return &f->batches[i];
    CHECK(!"there is such a table");
    return &f->batches[0];
}

static size_t column_of(const struct batch *rows, const char *column)
{
    int index = data_type_column(rows->type, str_from(column));
    return CHECK(index >= 0) ? (size_t)index : 0;
}

static struct str part_text(const struct fixture *f, const char *table, size_t row,
                            const char *column)
{
    const struct batch *rows = rows_of(f, table);
    return CHECK(row < rows->row_count) ? batch_text(rows, row, column_of(rows, column)) : STR("");
}

static bool part_has(const struct fixture *f, const char *table, size_t row, const char *column)
{
    const struct batch *rows = rows_of(f, table);
    return CHECK(row < rows->row_count) && batch_has(rows, row, column_of(rows, column));
}

static int64_t part_i64(const struct fixture *f, const char *table, size_t row, const char *column)
{
    const struct batch *rows = rows_of(f, table);
    return CHECK(row < rows->row_count) ? batch_cell(rows, row, column_of(rows, column))->i64 : 0;
}

static double part_f64(const struct fixture *f, const char *table, size_t row, const char *column)
{
    const struct batch *rows = rows_of(f, table);
    return CHECK(row < rows->row_count) ? batch_cell(rows, row, column_of(rows, column))->f64 : 0;
}

static struct str text_at(const struct fixture *f, size_t row, const char *column)
{
    return part_text(f, f->batches[0].type->name, row, column);
}

static bool has(const struct fixture *f, size_t row, const char *column)
{
    return part_has(f, f->batches[0].type->name, row, column);
}

static int64_t i64_at(const struct fixture *f, size_t row, const char *column)
{
    return part_i64(f, f->batches[0].type->name, row, column);
}

static double f64_at(const struct fixture *f, size_t row, const char *column)
{
    return part_f64(f, f->batches[0].type->name, row, column);
}

static size_t total_rows(const struct fixture *f)
{
    size_t rows = 0;
    for (size_t i = 0; i < f->all.count; i++)
        rows += f->batches[i].row_count;
    return rows;
}

/* Every cell behind the last row is as if nothing had ever been there. */
static bool is_clean_behind(const struct fixture *f)
{
    for (size_t i = 0; i < f->all.count; i++)
        for (size_t row = f->batches[i].row_count; row < f->batches[i].capacity_rows; row++) {
            if (f->batches[i].present[row] != 0)
                return false;
            for (size_t column = 0; column < f->batches[i].type->column_count; column++)
                if (batch_cell(&f->batches[i], row, column)->i64 != 0)
                    return false;
        }
    return true;
}

/* ---- catalogues ---- */

#define RECORD(more)                                                                               \
    "{\"TYPE\":\"612\",\"INSTRUMENT_STATUS\":\"ACTIVE\",\"INSTRUMENT\":\"XXBTZUSD\"" more "}"
#define CATALOGUE(instruments)                                                                     \
    "{\"Data\":{\"kraken\":{\"TYPE\":\"602\",\"instruments\":{" instruments "}}},\"Err\":{}}"

TEST(catalogue_reads_nested_records)
{
    struct fixture f;
    begin(&f, "spot_instruments");
    CHECK_INT(
        REPLY_PAGE,
        decode(&f,
               CATALOGUE("\"BTC-USD\":" RECORD(
                   ",\"MAPPED_INSTRUMENT\":\"BTC-USD\",\"INSTRUMENT_MAPPING\":{\"BASE\":\"BTC\","
                   "\"BASE_ID\":1,\"QUOTE\":\"USD\",\"NEW\":1,\"CREATED_ON\":1646923899},"
                   "\"HAS_TRADES_SPOT\":true,\"TOTAL_TRADES_SPOT\":6890172247264350000,"
                   "\"FIRST_TRADE_SPOT_TIMESTAMP\":null,\"OTHER\":{\"BASE\":2},"
                   "\"INSTRUMENT_MAPPING.QUOTE\":\"EUR\",\"\":1"))));
    CHECK_INT(1, f.batches[0].row_count);
    CHECK_STR("kraken", text_at(&f, 0, "market"));
    CHECK_STR("XXBTZUSD", text_at(&f, 0, "instrument"));
    CHECK_STR("BTC-USD", text_at(&f, 0, "mapped_instrument"));
    CHECK_STR("BTC", text_at(&f, 0, "instrument_mapping_base"));
    CHECK_STR("USD", text_at(&f, 0, "instrument_mapping_quote"));
    CHECK_INT(1, i64_at(&f, 0, "instrument_mapping_base_id"));
    CHECK_INT(1646923899, i64_at(&f, 0, "instrument_mapping_created_on"));
    CHECK_INT(1, i64_at(&f, 0, "has_trades_spot"));
    CHECK_INT(6890172247264350000, i64_at(&f, 0, "total_trades_spot"));
    CHECK_INT(1, i64_at(&f, 0, "is_listed"));
    CHECK(!has(&f, 0, "first_trade_spot_timestamp"));
    CHECK(!has(&f, 0, "histo_shard"));
    CHECK_INT(4, f.batches[0].unknown_keys);
    CHECK_TEXT("NEW", f.batches[0].first_unknown_key);
    CHECK_INT(1, f.said.record_count);
    CHECK_INT(0, f.said.total);
    end(&f);
}

TEST(catalogue_appends_to_what_is_there)
{
    struct fixture f;
    begin(&f, "spot_instruments");
    for (int i = 0; i < 20; i++) {
        CHECK_INT(
            REPLY_PAGE,
            decode(&f, CATALOGUE("\"A\":" RECORD(",\"MAPPED_INSTRUMENT\":\"A\"") ",\"B\":" RECORD(
                           ",\"HISTO_SHARD\":\"B\""))));
        CHECK_INT(2 * (i + 1), f.batches[0].row_count);
    }
    for (size_t row = 0; row < 40; row++) {
        CHECK_STR("kraken", text_at(&f, row, "market"));
        CHECK_INT(row % 2 == 0, has(&f, row, "mapped_instrument"));
        CHECK_STR(row % 2 == 0 ? "" : "B", text_at(&f, row, "histo_shard"));
    }
    CHECK_INT(REPLY_PAGE, decode(&f, CATALOGUE("")));
    CHECK_INT(40, f.batches[0].row_count);
    CHECK(is_clean_behind(&f));
    end(&f);
}

TEST(catalogue_takes_several_markets_and_other_scripts)
{
    struct fixture f;
    begin(&f, "spot_instruments");
    CHECK_INT(
        REPLY_PAGE,
        decode(&f,
               "{\"Data\":{\"mexc\":{\"instruments\":{\"\\u5e01-USDT\":{\"INSTRUMENT\":"
               "\"\\u5e01USDT\","
               "\"INSTRUMENT_MAPPING\":{\"BASE\":\"\\ud83d\\ude00\"}}}},\"okex\":{"
               "\"instruments\":{\"X\":{\"INSTRUMENT\":\"x\",\"INSTRUMENT_MAPPING\":null}}}}}"));
    CHECK_INT(2, f.batches[0].row_count);
    CHECK_STR("\xE5\xB8\x81USDT", text_at(&f, 0, "instrument"));
    CHECK_STR("\xF0\x9F\x98\x80", text_at(&f, 0, "instrument_mapping_base"));
    CHECK_STR("okex", text_at(&f, 1, "market"));
    end(&f);
}

TEST(catalogue_refuses_other_shapes_and_leaves_the_batch_alone)
{
    static const char *const BODIES[] = {
        "{\"Data\":{},\"Err\":{}}",
        "{\"Data\":[],\"Err\":{}}",
        "{\"Data\":\"\"}",
        "{\"Data\":null}",
        "{}",
        "{\"Data\":{\"kraken\":{}}}",
        "{\"Data\":{\"kraken\":[]}}",
        "{\"Data\":{\"kraken\":{\"instruments\":[]}}}",
        "{\"Data\":{\"kraken\":{\"instruments\":null}}}",
        "{\"Data\":{\"a\":{\"instruments\":{\"A\":" RECORD("") "}},\"b\":{\"instruments\":5}}}",
        CATALOGUE("\"A\":5"),
        CATALOGUE("\"A\":null"),
        CATALOGUE("\"A\":{}"),
        CATALOGUE("\"A\":{\"INSTRUMENT\":null}"),
        CATALOGUE("\"A\":{\"INSTRUMENT\":\"\"}"),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":\"5\"")),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":5.0")),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":1e30")),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":9223372036854775808")),
        CATALOGUE("\"A\":" RECORD(",\"HAS_TRADES_SPOT\":1")),
        CATALOGUE("\"A\":" RECORD(",\"HISTO_SHARD\":1")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT_MAPPING\":5")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT_MAPPING\":[]")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT_MAPPING\":{\"BASE_ID\":\"1\"}")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT\":\"twice\"")),
        CATALOGUE("\"A\":" RECORD("") ",\"A\":" RECORD("")),
        CATALOGUE("\"A\":" RECORD(",\"HISTO_SHARD\":\"a\\u0000b\"")),
        CATALOGUE("\"A\":" RECORD(",\"HISTO\\u0000SHARD\":\"a\"")),
        CATALOGUE("\"A\":" RECORD("")) "x",
        "{\"Data\":{\"kraken\":{\"instruments\":{\"A\":" RECORD(""),
        "<html>",
        "",
    };
    struct fixture f;
    begin(&f, "spot_instruments");
    CHECK_INT(REPLY_PAGE, decode(&f, CATALOGUE("\"FIRST\":" RECORD(",\"NEW\":1"))));
    size_t text_len = f.batches[0].text.len;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        bool good = CHECK_INT(REPLY_RETRY, decode(&f, BODIES[i]));
        good &= CHECK_INT(CCD_BAD_REPLY, f.err.status);
        good &= CHECK_INT(1, f.batches[0].row_count);
        good &= CHECK_INT(text_len, f.batches[0].text.len);
        good &= CHECK_INT(1, f.batches[0].unknown_keys);
        good &= CHECK(is_clean_behind(&f));
        if (!good)
            fprintf(stderr, "  in %s: %s\n", BODIES[i], f.err.message);
    }
    CHECK_STR("XXBTZUSD", text_at(&f, 0, "instrument"));
    end(&f);
}

TEST(catalogue_leaves_out_what_is_impossible)
{
    struct fixture f;
    begin(&f, "spot_instruments");
    CHECK_INT(REPLY_PAGE,
              decode(&f, CATALOGUE("\"A\":" RECORD("") ",\"B\\u0007\":" RECORD(
                             ",\"HISTO_SHARD\":false,\"NEW\":1") ",\"C\":{},\"D\":" RECORD(""))));
    CHECK_INT(2, f.batches[0].row_count);
    CHECK_INT(4, f.said.record_count);
    CHECK_INT(2, f.said.refused_count);
    CHECK_TEXT("spot_instruments B? of kraken, HISTO_SHARD: wrong type of value",
               f.said.first_refusal);
    CHECK_INT(0, f.batches[0].unknown_keys);
    CHECK(is_clean_behind(&f));
    end(&f);
}

TEST(catalogue_says_no_memory_when_texts_do_not_fit)
{
    struct fixture f;
    begin_table(&f, metadata_table_find(STR("spot_instruments")), 30, NULL);
    CHECK_INT(REPLY_PAGE, decode(&f, CATALOGUE("\"A\":" RECORD(""))));
    CHECK_INT(REPLY_RETRY,
              decode(&f, CATALOGUE("\"A\":" RECORD(",\"HISTO_SHARD\":\"0123456789\""))));
    CHECK_INT(CCD_NO_MEMORY, f.err.status);
    CHECK_INT(1, f.batches[0].row_count);
    CHECK(!f.batches[0].text.failed);
    CHECK(is_clean_behind(&f));
    end(&f);
}

TEST(records_classify_errors_like_a_page)
{
    struct fixture f;
    begin(&f, "spot_instruments");
    CHECK_INT(REPLY_BAD_SERIES,
              decode(&f, "{\"Data\":{},\"Err\":{\"message\":\"Not found: market\"}}"));
    CHECK_INT(REPLY_THROTTLED, decode(&f, "{\"Data\":{},\"Err\":{\"type\":99}}"));
    struct reply_input in = {429, NULL, 0, &f.headers};
    CHECK_INT(REPLY_THROTTLED, reply_classify_records(&f.decoder, &in, &f.all, &f.said, &f.err));
    end(&f);
}

/* Two bytes of the body become a node of a tree: their number is bounded, not only that of the
 * bytes. */
TEST(records_refuse_a_body_of_too_many_values)
{
    struct fixture f;
    struct buf body;
    begin(&f, "spot_instruments");
    buf_init(&body, 1 << 24, NULL);
    buf_add_text(&body, "{\"Data\":{\"kraken\":{\"instruments\":{\"A\":{\"X\":[1");
    for (int i = 0; i < 1 << 20; i++)
        buf_add(&body, ",1", 2);
    buf_add_text(&body, "]}}}}}");
    CHECK_INT(REPLY_RETRY, decode_bytes(&f, body.data, body.len));
    CHECK(strstr(f.err.message, "too many values") != NULL);
    buf_release(&body);
    end(&f);
}

/* ---- assets ---- */

#define LIST(records) "{\"Data\":{\"STATS\":{\"TOTAL_ASSETS\":3396},\"LIST\":[" records "]}}"
#define ASSET(more) "{\"ID\":1" more "}"

TEST(assets_come_with_their_parts)
{
    struct fixture f;
    begin(&f, "assets");
    CHECK_INT(
        REPLY_PAGE,
        decode(
            &f,
            LIST(ASSET(
                ",\"SYMBOL\":\"$X\",\"NAME\":\"O'NEIL \\\"q\\\" \\\\ M\\u00C8ME\","
                "\"LAUNCH_DATE\":-5694969600,\"ASSET_ALTERNATIVE_IDS\":[{\"NAME\":"
                "\"CMC\",\"ID\":\"1\"},{\"NAME\":\"CG\",\"ID\":\"x\",\"URL\":\"u\"}],"
                "\"ASSET_INDUSTRIES\":[{\"ASSET_INDUSTRY\":\"PAYMENT\",\"ID\":7}],"
                "\"CONSENSUS_MECHANISMS\":null,\"HASHING_ALGORITHM_TYPES\":[]") ",{"
                                                                                "\"ID\":2,\"ASSET_"
                                                                                "ALTERNATIVE_IDS\":"
                                                                                "[{\"NAME\":"
                                                                                "\"CMC\",\"ID\":"
                                                                                "\"1027\"}]}")));
    CHECK_INT(2, f.batches[0].row_count);
    CHECK_INT(3396, f.said.total);
    CHECK_STR("$X", text_at(&f, 0, "symbol"));
    CHECK_STR("O'NEIL \"q\" \\ M\xC3\x88ME", text_at(&f, 0, "name"));
    CHECK_INT(-5694969600, i64_at(&f, 0, "launch_date"));
    CHECK_INT(1, i64_at(&f, 1, "is_listed"));
    CHECK_INT(3, rows_of(&f, "asset_alternative_ids")->row_count);
    CHECK_INT(1, part_i64(&f, "asset_alternative_ids", 1, "asset_id"));
    CHECK_STR("CG", part_text(&f, "asset_alternative_ids", 1, "name"));
    CHECK_STR("x", part_text(&f, "asset_alternative_ids", 1, "id"));
    CHECK_INT(2, part_i64(&f, "asset_alternative_ids", 2, "asset_id"));
    CHECK_STR("PAYMENT", part_text(&f, "asset_industries", 0, "asset_industry"));
    CHECK(!part_has(&f, "asset_industries", 0, "justification"));
    CHECK_INT(6, total_rows(&f));
    CHECK_INT(2, f.batches[0].unknown_keys);
    CHECK_TEXT("URL", f.batches[0].first_unknown_key);
    end(&f);
}

TEST(assets_previous_symbols_are_texts_or_objects)
{
    static const struct {
        const char *value;
        size_t rows;
        int64_t refused;
    } CASES[] = {
        {"null", 0, 0},
        {"[]", 0, 0},
        {"[\"A\",\"B\"]", 2, 0},
        {"[{\"SYMBOL\":\"A\"},\"B\"]", 2, 0},
        {"[{\"SYMBOL\":\"A\",\"SINCE\":1}]", 1, 0},
        {"[{\"SINCE\":1}]", 0, 1},
        {"[\"A\",5]", 0, 1},
        {"[null]", 0, 1},
        {"[[\"A\"]]", 0, 1},
        {"\"A\"", 0, 1},
        {"{\"SYMBOL\":\"A\"}", 0, 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fixture f;
        char body[256];
        begin(&f, "assets");
        str_print(body, sizeof body, LIST("{\"ID\":9},{\"ID\":1,\"PREVIOUS_ASSET_SYMBOLS\":%s}"),
                  CASES[i].value);
        bool good = CHECK_INT(REPLY_PAGE, decode(&f, body));
        good &= CHECK_INT(CASES[i].refused, f.said.refused_count);
        good &= CHECK_INT(2 - CASES[i].refused, f.batches[0].row_count);
        good &= CHECK_INT(CASES[i].rows, rows_of(&f, "asset_previous_symbols")->row_count);
        for (size_t row = 0; row < CASES[i].rows; row++)
            good &= CHECK_STR(row == 0 ? "A" : "B",
                              part_text(&f, "asset_previous_symbols", row, "symbol"));
        good &= CHECK(is_clean_behind(&f));
        if (!good)
            fprintf(stderr, "  in %s: %s\n", CASES[i].value, f.said.first_refusal);
        end(&f);
    }
}

TEST(assets_have_a_snapshot_when_the_vendor_says_its_moment)
{
    struct fixture f;
    begin(&f, "assets");
    CHECK_INT(REPLY_PAGE,
              decode(&f, LIST("{\"ID\":1,\"PRICE_USD\":5,\"PRICE_USD_SOURCE\":\"cadli\"},"
                              "{\"ID\":2,\"PRICE_USD\":5,\"PRICE_USD_LAST_UPDATE_TS\":null},"
                              "{\"ID\":3,\"PRICE_USD_LAST_UPDATE_TS\":1749180973,"
                              "\"PRICE_USD\":1e30,\"LAST_BLOCK_HASHES_PER_SECOND\":"
                              "833921654247199700000,\"LAST_BLOCK_DIFFICULTY\":-0.5,"
                              "\"TOPLIST_BASE_RANK\":{\"CREATED_ON\":7,\"NEW\":1},"
                              "\"PRICE_CONVERSION_RATE\":1,\"TOTAL_MKT_CAP_CONVERSION\":2}")));
    CHECK_INT(3, f.batches[0].row_count);
    CHECK_INT(1, rows_of(&f, "asset_market_data")->row_count);
    CHECK_INT(3, part_i64(&f, "asset_market_data", 0, "asset_id"));
    CHECK_INT(1749180973, part_i64(&f, "asset_market_data", 0, "price_usd_last_update_ts"));
    CHECK_F64_BITS(1e30, part_f64(&f, "asset_market_data", 0, "price_usd"));
    CHECK_F64_BITS(833921654247199700000.0,
                   part_f64(&f, "asset_market_data", 0, "last_block_hashes_per_second"));
    CHECK_F64_BITS(-0.5, part_f64(&f, "asset_market_data", 0, "last_block_difficulty"));
    CHECK_INT(7, part_i64(&f, "asset_market_data", 0, "toplist_base_rank_created_on"));
    CHECK(!part_has(&f, "asset_market_data", 0, "price_usd_source"));
    CHECK_INT(1, f.batches[0].unknown_keys);
    CHECK_TEXT("NEW", f.batches[0].first_unknown_key);
    CHECK(is_clean_behind(&f));
    end(&f);
}

/* One record in the middle is impossible: it is left out with its parts, the others stand. */
TEST(assets_that_are_impossible_are_left_out_whole)
{
    static const struct {
        const char *members;
        const char *reason;
    } CASES[] = {
        {"\"SYMBOL\":\"X\"", "assets number 2 of the page, ID: required member is missing"},
        {"\"ID\":null", "assets number 2 of the page, ID: required member is missing"},
        {"\"ID\":\"7\"", "assets number 2 of the page, ID: wrong type of value"},
        {"\"ID\":1e3", "assets number 2 of the page, ID: wrong type of value"},
        {"\"ID\":7,\"NAME\":5", "assets 7, NAME: wrong type of value"},
        {"\"ID\":7,\"LAUNCH_DATE\":1e30", "assets 7, LAUNCH_DATE: wrong type of value"},
        {"\"ID\":7,\"LAUNCH_DATE\":\"1\"", "assets 7, LAUNCH_DATE: wrong type of value"},
        {"\"ID\":7,\"HELD_TOKEN_SALE\":\"true\"", "assets 7, HELD_TOKEN_SALE: wrong type of value"},
        {"\"ID\":7,\"ASSET_INDUSTRIES\":5", "assets 7, ASSET_INDUSTRIES: wrong type of value"},
        {"\"ID\":7,\"ASSET_INDUSTRIES\":[{\"ASSET_INDUSTRY\":\"A\"},{\"ASSET_INDUSTRY\":null}]",
         "assets 7, ASSET_INDUSTRY: required member is missing"},
        {"\"ID\":7,\"ASSET_ALTERNATIVE_IDS\":[{\"NAME\":\"CMC\",\"ID\":1}]",
         "assets 7, ID: wrong type of value"},
        {"\"ID\":7,\"ASSET_ALTERNATIVE_IDS\":[\"CMC\"]",
         "assets 7, NAME: required member is missing"},
        {"\"ID\":7,\"PRICE_USD_LAST_UPDATE_TS\":1.5",
         "assets 7, PRICE_USD_LAST_UPDATE_TS: wrong type of value"},
        {"\"ID\":7,\"PRICE_USD_LAST_UPDATE_TS\":1,\"PRICE_USD\":\"5\"",
         "assets 7, PRICE_USD: wrong type of value"},
        {"\"ID\":7,\"PRICE_USD_LAST_UPDATE_TS\":1,\"TOPLIST_BASE_RANK\":3",
         "assets 7, TOPLIST_BASE_RANK.CREATED_ON: wrong type of value"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fixture f;
        char body[1024];
        begin(&f, "assets");
        str_print(body, sizeof body,
                  LIST("{\"ID\":1,\"PREVIOUS_ASSET_SYMBOLS\":[\"A\"]},{%s,"
                       "\"PREVIOUS_ASSET_SYMBOLS\":[\"B\"],\"NEW\":1},"
                       "{\"ID\":3,\"PREVIOUS_ASSET_SYMBOLS\":[\"C\"]}"),
                  CASES[i].members);
        bool good = CHECK_INT(REPLY_PAGE, decode(&f, body));
        good &= CHECK_INT(1, f.said.refused_count);
        good &= CHECK_INT(3, f.said.record_count);
        good &= CHECK_TEXT(CASES[i].reason, f.said.first_refusal);
        good &= CHECK_INT(4, total_rows(&f));
        good &= CHECK_INT(3, i64_at(&f, 1, "id"));
        good &= CHECK_STR("C", part_text(&f, "asset_previous_symbols", 1, "symbol"));
        good &= CHECK_INT(0, f.batches[0].unknown_keys);
        good &= CHECK(is_clean_behind(&f));
        if (!good)
            fprintf(stderr, "  in %s\n", CASES[i].members);
        end(&f);
    }
}

TEST(assets_that_stand_twice_are_two_rows)
{
    struct fixture f;
    begin(&f, "assets");
    CHECK_INT(REPLY_PAGE, decode(&f, LIST(ASSET("") "," ASSET(""))));
    CHECK_INT(2, f.batches[0].row_count);
    CHECK_INT(REPLY_PAGE, decode(&f, LIST("")));
    CHECK_INT(0, f.said.record_count);
    CHECK_INT(2, f.batches[0].row_count);
    end(&f);
}

TEST(assets_refuse_other_shapes)
{
    static const char *const BODIES[] = {
        "{\"Data\":{\"STATS\":{\"TOTAL_ASSETS\":1}}}",
        "{\"Data\":{\"LIST\":null}}",
        "{\"Data\":{\"LIST\":{\"1\":" ASSET("") "}}}",
        "{\"Data\":{\"LIST\":\"x\"}}",
        "{\"Data\":{\"BTC\":" ASSET("") "}}",
        "{\"Data\":[" ASSET("") "]}",
        "{\"Data\":\"x\"}",
        "{\"Data\":{\"STATS\":{\"TOTAL_ASSETS\":-1},\"LIST\":[" ASSET("") "]}}",
        "{\"Data\":{\"STATS\":{\"TOTAL_ASSETS\":\"1\"},\"LIST\":[" ASSET("") "]}}",
        LIST("{},5,null,[]"),
        LIST(ASSET(",\"ID\":2")),
        LIST(ASSET(",\"NAME\":\"a\\u0000b\"")),
        LIST(ASSET(",\"PRICE_USD\":1e999")),
        LIST(ASSET(",\"PRICE_USD\":01")),
        LIST(ASSET(",\"NAME\":\"\xFF\"")),
    };
    struct fixture f;
    begin(&f, "assets");
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        bool good = CHECK_INT(REPLY_RETRY, decode(&f, BODIES[i]));
        good &= CHECK_INT(CCD_BAD_REPLY, f.err.status);
        good &= CHECK_INT(0, total_rows(&f));
        good &= CHECK(is_clean_behind(&f));
        if (!good)
            fprintf(stderr, "  in %s: %s\n", BODIES[i], f.err.message);
    }
    CHECK_INT(REPLY_RETRY, decode(&f, LIST("{\"ID\":5,\"NAME\":1}")));
    CHECK_TEXT("every record is impossible, the first one: assets 5, NAME: wrong type of value",
               f.err.message);
    CHECK_INT(1, f.said.refused_count);
    end(&f);
}

/* The rows of a table alone: what its parts hold is known all the same. */
TEST(assets_without_their_parts)
{
    struct fixture f;
    begin(&f, "assets");
    f.all.count = 1;
    CHECK_INT(REPLY_PAGE, decode(&f, LIST(ASSET(",\"PRICE_USD\":5,\"CONSENSUS_MECHANISMS\":[{"
                                                "\"NAME\":\"POW\"}],\"TOPLIST_BASE_RANK\":{}"))));
    CHECK_INT(1, f.batches[0].row_count);
    CHECK_INT(0, f.batches[0].unknown_keys);
    f.all.count = 8;
    end(&f);
}

TEST(top_assets_are_numbered_over_all_pages)
{
    struct fixture f;
    begin(&f, "ccdata_top_assets");
    CHECK_INT(REPLY_PAGE, decode(&f, LIST("{\"SYMBOL\":\"BTC\",\"ID\":1},{\"ID\":5},"
                                          "{\"SYMBOL\":\"ETH\",\"X\":{\"Y\":1}}")));
    CHECK_INT(REPLY_PAGE, decode(&f, LIST("{\"SYMBOL\":\"USDT\"}")));
    CHECK_INT(3, f.batches[0].row_count);
    CHECK_INT(2, i64_at(&f, 1, "position"));
    CHECK_STR("ETH", text_at(&f, 1, "symbol"));
    CHECK_INT(3, i64_at(&f, 2, "position"));
    CHECK_STR("USDT", text_at(&f, 2, "symbol"));
    CHECK_INT(0, f.batches[0].unknown_keys);
    end(&f);
}

/* ---- exchanges and markets ---- */

TEST(exchanges_take_numbers_that_come_as_texts)
{
    static const struct {
        const char *member;
        int present; /* -1: the record is refused */
        double points;
        int64_t order;
    } CASES[] = {
        {"\"GradePoints\":\"71\",\"SortOrder\":\"3\"", 1, 71, 3},
        {"\"GradePoints\":71,\"SortOrder\":3", 1, 71, 3},
        {"\"GradePoints\":\"71.25\",\"SortOrder\":\"-3\"", 1, 71.25, -3},
        {"\"GradePoints\":\"1e2\",\"SortOrder\":0", 1, 100, 0},
        {"\"GradePoints\":\"\",\"SortOrder\":\"\"", 0, 0, 0},
        {"\"GradePoints\":null,\"SortOrder\":null", 0, 0, 0},
        {"\"GradePoints\":\"abc\"", -1, 0, 0},
        {"\"GradePoints\":\"71x\"", -1, 0, 0},
        {"\"GradePoints\":\" 71\"", -1, 0, 0},
        {"\"GradePoints\":\"0x10\"", -1, 0, 0},
        {"\"GradePoints\":\"nan\"", -1, 0, 0},
        {"\"GradePoints\":\"1e999\"", -1, 0, 0},
        {"\"GradePoints\":true", -1, 0, 0},
        {"\"SortOrder\":\"3.5\"", -1, 0, 0},
        {"\"SortOrder\":3.5", -1, 0, 0},
        {"\"SortOrder\":\"9223372036854775808\"", -1, 0, 0},
        {"\"SortOrder\":1e30", -1, 0, 0},
        {"\"SortOrder\":[]", -1, 0, 0},
        {"\"Name\":71", -1, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fixture f;
        char body[256];
        begin(&f, "exchanges");
        str_print(body, sizeof body,
                  "{\"Response\":\"Success\",\"Type\":100,\"Data\":{\"1\":{\"Id\":\"1\"},"
                  "\"2\":{\"Id\":\"2\",%s}}}",
                  CASES[i].member);
        bool good = CHECK_INT(REPLY_PAGE, decode(&f, body));
        good &= CHECK_INT(CASES[i].present < 0, f.said.refused_count);
        if (good && CASES[i].present >= 0) {
            good &= CHECK_INT(CASES[i].present, has(&f, 1, "grade_points"));
            good &= CHECK_INT(CASES[i].present, has(&f, 1, "sort_order"));
            CHECK_F64_BITS(CASES[i].points, f64_at(&f, 1, "grade_points"));
            good &= CHECK_INT(CASES[i].order, i64_at(&f, 1, "sort_order"));
        }
        if (!good)
            fprintf(stderr, "  in %s: %s\n", CASES[i].member, f.said.first_refusal);
        end(&f);
    }
}

TEST(exchanges_keep_lists_as_json)
{
    static const struct {
        const char *value;
        const char *text;
    } CASES[] = {
        {"[\"Cryptocurrency\", \"Fiat\"]", "[\"Cryptocurrency\",\"Fiat\"]"},
        {"[]", "[]"},
        {"\"Cryptocurrency\"", "Cryptocurrency"},
        {"\"\"", ""},
        {"{\"b\":1, \"a\":[true,null]}", "{\"a\":[true,null],\"b\":1}"},
        {"[\"a\\\"b\\\\\\n\\u00e9\"]", "[\"a\\\"b\\\\\\n\xC3\xA9\"]"},
        {"5", "5"},
        {"false", "false"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fixture f;
        char body[256];
        begin(&f, "exchanges");
        str_print(body, sizeof body, "{\"Data\":{\"1\":{\"Id\":\"1\",\"ItemType\":%s}}}",
                  CASES[i].value);
        CHECK_INT(REPLY_PAGE, decode(&f, body));
        CHECK_STR(CASES[i].text, text_at(&f, 0, "item_type"));
        CHECK(has(&f, 0, "item_type"));
        CHECK_INT(0, f.batches[0].unknown_keys);
        end(&f);
    }
}

TEST(exchanges_refuse_an_error_in_a_200)
{
    struct fixture f;
    begin(&f, "exchanges");
    CHECK_INT(REPLY_THROTTLED, decode(&f, "{\"Response\":\"Error\",\"Message\":\"You are over your "
                                          "rate limit\",\"Type\":99,\"Data\":{}}"));
    CHECK_INT(REPLY_RETRY, decode(&f, "{\"Response\":\"Success\",\"Data\":{\"1\":{\"Id\":1}}}"));
    CHECK_TEXT("every record is impossible, the first one: exchanges 1, Id: wrong type of value",
               f.err.message);
    end(&f);
}

TEST(markets_are_keyed_by_their_member)
{
    struct fixture f;
    begin(&f, "spot_markets");
    CHECK_INT(REPLY_PAGE,
              decode(&f, "{\"Data\":{\"kraken\":{\"TYPE\":\"602\",\"INSTRUMENT_STATUS\":{"
                         "\"ACTIVE\":5,\"undefined\":2,\"NEW\":1},\"TOTAL_TRADES_SPOT\":"
                         "9990172247264350000},\"\":{\"TYPE\":\"602\"},\"new\":{}}}"));
    CHECK_INT(2, f.batches[0].row_count);
    CHECK_INT(1, f.said.refused_count);
    CHECK_STR("kraken", text_at(&f, 0, "market"));
    CHECK_INT(5, i64_at(&f, 0, "instrument_status_active"));
    CHECK_INT(2, i64_at(&f, 0, "instrument_status_undefined"));
    CHECK_F64_BITS(9990172247264350000.0, f64_at(&f, 0, "total_trades_spot"));
    CHECK_STR("new", text_at(&f, 1, "market"));
    CHECK(!has(&f, 1, "type"));
    CHECK_INT(1, f.batches[0].unknown_keys);
    end(&f);
}

/* ---- memory ---- */

TEST(records_survive_every_failed_allocation)
{
    static const char BODY[] = LIST(
        "{\"ID\":1,\"SYMBOL\":\"BTC\",\"PRICE_USD_LAST_UPDATE_TS\":1,"
        "\"LAST_BLOCK_HASHES_PER_SECOND\":833921654247199700000,"
        "\"PREVIOUS_ASSET_SYMBOLS\":[\"A\",\"B\"],\"ASSET_ALTERNATIVE_IDS\":[{\"NAME\":"
        "\"CMC\",\"ID\":\"1\"}]},{\"ID\":2,\"SYMBOL\":\"ETH\"}");
    bool failed = true;
    long fail_at = 0;
    for (; failed && fail_at < 200; fail_at++) {
        struct limited_allocator allocator;
        struct fixture f;
        limited_allocator_init(&allocator, -1, -1);
        begin_table(&f, metadata_table_find(STR("assets")), TEXT_MAX_BYTES, &allocator.hook);
        allocator.fail_at = allocator.requests + fail_at;
        enum reply_verdict verdict = decode(&f, BODY);
        failed = verdict != REPLY_PAGE;
        CHECK_INT(failed ? CCD_NO_MEMORY : CCD_OK, f.err.status);
        CHECK_INT(failed ? 0 : 6, total_rows(&f));
        CHECK(is_clean_behind(&f));
        allocator.fail_at = -1;
        CHECK_INT(REPLY_PAGE, decode(&f, BODY));
        CHECK_INT(failed ? 6 : 12, total_rows(&f));
        end(&f);
        CHECK_INT(0, allocator.held);
    }
    CHECK(fail_at > 5 && !failed);
}

/* ---- recorded replies ---- */

static bool decode_sample(struct fixture *f, const char *table, const char *file)
{
    char path[4096];
    char *body;
    size_t len;
    if (!samples_path(path, sizeof path, file))
        return false;
    begin(f, table);
    if (CHECK(read_file(path, &body, &len))) {
        if (!CHECK_INT(REPLY_PAGE, decode_bytes(f, body, len)))
            fprintf(stderr, "  %s: %s\n", file, f->err.message);
        free(body);
    }
    CHECK_INT(0, f->said.refused_count);
    return true;
}

static void check_known(const struct fixture *f)
{
    if (!CHECK_INT(0, f->batches[0].unknown_keys))
        fprintf(stderr, "  %s: %s\n", f->batches[0].type->name, f->batches[0].first_unknown_key);
}

TEST(records_read_the_recorded_instruments)
{
    struct fixture f;
    if (!decode_sample(&f, "spot_instruments", "spot_instruments.kraken_BTC-USD.json"))
        SKIP("no recorded replies: CCDATA_SHARED");
    CHECK_INT(1, f.batches[0].row_count);
    CHECK_STR("XXBTZUSD", text_at(&f, 0, "instrument"));
    CHECK_INT(83708262, i64_at(&f, 0, "total_trades_spot"));
    check_known(&f);
    end(&f);
    decode_sample(&f, "futures_instruments", "futures_instruments.several.json");
    CHECK_INT(4, f.batches[0].row_count);
    CHECK_STR("bybit", text_at(&f, 3, "market"));
    CHECK_STR("ETH-USDT-VANILLA-PERPETUAL", text_at(&f, 3, "mapped_instrument"));
    CHECK_STR("VANILLA", text_at(&f, 3, "instrument_mapping_denomination_type"));
    CHECK_INT(8679521, i64_at(&f, 3, "total_open_interest_updates"));
    CHECK(!has(&f, 3, "contract_expiration_ts"));
    check_known(&f);
    end(&f);
    decode_sample(&f, "spot_instruments", "synthetic/non_ascii_escape.json");
    CHECK_INT(1, f.batches[0].row_count);
    CHECK_STR("mexc", text_at(&f, 0, "market"));
    CHECK_STR("invert", text_at(&f, 0, "instrument_mapping_transform_function"));
    check_known(&f);
    end(&f);
}

TEST(records_read_the_recorded_markets)
{
    struct fixture f;
    if (!decode_sample(&f, "spot_markets", "spot_markets.kraken.json"))
        SKIP("no recorded replies: CCDATA_SHARED");
    CHECK_INT(1, f.batches[0].row_count);
    CHECK_STR("kraken", text_at(&f, 0, "market"));
    CHECK_STR("ACTIVE", text_at(&f, 0, "exchange_status"));
    CHECK_INT(76, i64_at(&f, 0, "instrument_status_retired_unmapped"));
    CHECK_F64_BITS(1379154158.0, f64_at(&f, 0, "total_trades_spot"));
    check_known(&f);
    end(&f);
    decode_sample(&f, "futures_markets", "futures_markets.several.json");
    CHECK_INT(2, f.batches[0].row_count);
    CHECK_STR("binance", text_at(&f, 0, "market"));
    CHECK_INT(8, i64_at(&f, 0, "id"));
    CHECK_F64_BITS(131986387884.0, f64_at(&f, 0, "total_trades_futures"));
    CHECK_STR("[{\"NAME\":\"VANILLA\"},{\"NAME\":\"INVERSE\"}]",
              text_at(&f, 0, "futures_denomination_types"));
    CHECK_INT(0, i64_at(&f, 0, "has_dex_trading"));
    CHECK_STR("BACKLOG", text_at(&f, 1, "futures_trades_integration_stage"));
    CHECK(!has(&f, 1, "futures_denomination_types"));
    check_known(&f);
    end(&f);
}

TEST(records_read_the_recorded_exchange)
{
    struct fixture f;
    if (!decode_sample(&f, "exchanges", "exchange_metadata.exchanges_general_Bitstamp_2019.json"))
        SKIP("no recorded replies: CCDATA_SHARED");
    CHECK_INT(1, f.batches[0].row_count);
    CHECK_STR("2431", text_at(&f, 0, "id"));
    CHECK_STR("Bitstamp", text_at(&f, 0, "internal_name"));
    CHECK_STR("[\"Cryptocurrency\",\"Fiat\"]", text_at(&f, 0, "item_type"));
    CHECK_F64_BITS(71.0, f64_at(&f, 0, "grade_points"));
    CHECK_STR("A", text_at(&f, 0, "grade"));
    CHECK_F64_BITS(16.3, f64_at(&f, 0, "grade_points_split_legal"));
    CHECK_F64_BITS(5.0, f64_at(&f, 0, "grade_points_split_trade_monitoring"));
    CHECK(!has(&f, 0, "grade_points_split_kyc_and_transaction_risk"));
    CHECK_INT(99, i64_at(&f, 0, "rating_one"));
    CHECK_F64_BITS(2.6, f64_at(&f, 0, "rating_avg"));
    CHECK_INT(3, i64_at(&f, 0, "sort_order"));
    CHECK_F64_BITS(88980703.88685821, f64_at(&f, 0, "totalvolume24h_usd"));
    CHECK_INT(0, i64_at(&f, 0, "sponsored"));
    check_known(&f);
    end(&f);
}

static void check_bitcoin(const struct fixture *f)
{
    CHECK_INT(1, f->batches[0].row_count);
    CHECK_INT(1, i64_at(f, 0, "id"));
    CHECK_STR("bitcoin", text_at(f, 0, "uri"));
    CHECK_INT(1230940800, i64_at(f, 0, "launch_date"));
    CHECK(!has(f, 0, "public_notice"));
    CHECK_INT(5, rows_of(f, "asset_alternative_ids")->row_count);
    CHECK_STR("DTI", part_text(f, "asset_alternative_ids", 4, "name"));
    CHECK_STR("V15WLZJMF", part_text(f, "asset_alternative_ids", 4, "id"));
    CHECK_INT(0, rows_of(f, "asset_previous_symbols")->row_count);
    CHECK_INT(1, rows_of(f, "asset_market_data")->row_count);
    CHECK_INT(1, part_i64(f, "asset_market_data", 0, "asset_id"));
    CHECK_F64_BITS(20999999.9769, part_f64(f, "asset_market_data", 0, "supply_max"));
    CHECK_F64_BITS(19874925.0, part_f64(f, "asset_market_data", 0, "supply_issued"));
    CHECK(!part_has(f, "asset_market_data", 0, "last_block_burn"));
    CHECK_INT(2, part_i64(f, "asset_market_data", 0, "toplist_base_rank_total_mkt_cap_usd"));
}

TEST(records_read_the_recorded_asset)
{
    struct fixture f;
    if (!decode_sample(&f, "assets", "asset_toplist.page1_size10.json"))
        SKIP("no recorded replies: CCDATA_SHARED");
    check_bitcoin(&f);
    CHECK_INT(3396, f.said.total);
    CHECK_INT(1749180973, part_i64(&f, "asset_market_data", 0, "price_usd_last_update_ts"));
    CHECK_F64_BITS(102564.643975363, part_f64(&f, "asset_market_data", 0, "price_usd"));
    CHECK_F64_BITS(-2.38446345840136, part_f64(&f, "asset_market_data", 0,
                                               "spot_moving_24_hour_change_percentage_usd"));
    check_known(&f);
    end(&f);
}

/* The other endpoint for assets has the same record with more groups, by symbol. */
TEST(records_read_the_recorded_asset_in_full)
{
    struct fixture f;
    char path[4096];
    char *body;
    size_t len;
    if (!samples_path(path, sizeof path, "asset_metadata.v2_BTC.json"))
        SKIP("no recorded replies: CCDATA_SHARED");
    begin(&f, "assets");
    if (!CHECK(read_file(path, &body, &len)))
        return;
    json_t *root = json_loadb(body, len, JSON_DECODE_INT_AS_REAL, NULL);
    CHECK(root != NULL);
    json_decref(root);
    char *record = strstr(body, "\"BTC\": {");
    char *list_end = strstr(body, "\"Warn\"");
    if (CHECK(record && list_end)) {
        struct buf list;
        buf_init(&list, 1 << 20, NULL);
        /* From the record to the brace that closes Data. */
        while (*list_end != '}')
            list_end--;
        buf_add_text(&list, "{\"Data\":{\"LIST\":[");
        buf_add(&list, record + 7, (size_t)(list_end - record) - 7);
        buf_add_text(&list, "]}}");
        if (!CHECK_INT(REPLY_PAGE, decode_bytes(&f, list.data, list.len)))
            fprintf(stderr, "  %s\n", f.err.message);
        buf_release(&list);
        check_bitcoin(&f);
        CHECK_STR("\xE2\x82\xBF", text_at(&f, 0, "asset_symbol_glyph"));
        CHECK_INT(1, i64_at(&f, 0, "has_smart_contract_capabilities"));
        CHECK_STR("PAYMENT", part_text(&f, "asset_industries", 0, "asset_industry"));
        CHECK_STR("POW", part_text(&f, "asset_consensus_mechanisms", 0, "name"));
        CHECK_STR("Nakamoto Consensus",
                  part_text(&f, "asset_consensus_algorithm_types", 0, "name"));
        CHECK_STR("SHA_256", part_text(&f, "asset_hashing_algorithm_types", 0, "name"));
        CHECK_F64_BITS(833921654247199700000.0,
                       part_f64(&f, "asset_market_data", 0, "last_block_hashes_per_second"));
        CHECK_INT(899982, part_i64(&f, "asset_market_data", 0, "last_block_number"));
    }
    free(body);
    end(&f);
}
