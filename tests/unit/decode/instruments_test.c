#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/reply.h"
#include "pages.h"
#include "test.h"

#define RECORD(more)                                                                               \
    "{\"TYPE\":\"612\",\"INSTRUMENT_STATUS\":\"ACTIVE\",\"INSTRUMENT\":\"XXBTZUSD\"" more "}"
#define CATALOGUE(instruments)                                                                     \
    "{\"Data\":{\"kraken\":{\"TYPE\":\"602\",\"instruments\":{" instruments "}}},\"Err\":{}}"

struct fixture {
    struct reply_decoder decoder;
    struct batch batch;
    struct reply_headers headers;
    struct ccd_error err;
    char names[10][64];
    size_t name_count;
    size_t name_max;
    int64_t total;
};

static void begin(struct fixture *f, size_t capacity_rows, size_t text_max_bytes)
{
    *f = (struct fixture){.name_max = 10};
    CHECK_INT(CCD_OK, reply_decoder_init(&f->decoder, NULL, &f->err));
    CHECK_INT(CCD_OK, batch_init(&f->batch, data_type_find(STR("spot_instruments")), capacity_rows,
                                 text_max_bytes, NULL, &f->err));
    reply_headers_init(&f->headers);
}

static void end(struct fixture *f)
{
    batch_release(&f->batch);
    reply_decoder_release(&f->decoder);
}

static enum reply_verdict catalogue_bytes(struct fixture *f, const char *body, size_t len)
{
    struct reply_input in = {200, body, len, &f->headers};
    return reply_classify_catalogue(&f->decoder, &in, &f->batch, &f->err);
}

static enum reply_verdict catalogue(struct fixture *f, const char *body)
{
    return catalogue_bytes(f, body, strlen(body));
}

static int add_name(void *user, struct str name)
{
    struct fixture *f = user;
    if (f->name_count >= f->name_max)
        return -1;
    return str_copy(f->names[f->name_count++], sizeof f->names[0], name) ? 0 : -1;
}

static enum reply_verdict names(struct fixture *f, long http_status, const char *body)
{
    struct reply_input in = {http_status, body, strlen(body), &f->headers};
    f->name_count = 0;
    return reply_classify_names(&f->decoder, &in, add_name, f, &f->total, &f->err);
}

static struct str text_at(const struct fixture *f, size_t row, const char *column)
{
    int index = data_type_column(f->batch.type, str_from(column));
    return CHECK(index >= 0) ? batch_text(&f->batch, row, (size_t)index) : STR("");
}

static bool has(const struct fixture *f, size_t row, const char *column)
{
    int index = data_type_column(f->batch.type, str_from(column));
    return CHECK(index >= 0) && batch_has(&f->batch, row, (size_t)index);
}

static int64_t i64_at(const struct fixture *f, size_t row, const char *column)
{
    int index = data_type_column(f->batch.type, str_from(column));
    return CHECK(index >= 0) ? batch_cell(&f->batch, row, (size_t)index)->i64 : 0;
}

TEST(catalogue_reads_nested_records)
{
    struct fixture f;
    begin(&f, 0, 10000);
    CHECK_INT(
        REPLY_PAGE,
        catalogue(&f,
                  CATALOGUE("\"BTC-USD\":" RECORD(
                      ",\"MAPPED_INSTRUMENT\":\"BTC-USD\",\"INSTRUMENT_MAPPING\":{\"BASE\":\"BTC\","
                      "\"BASE_ID\":1,\"QUOTE\":\"USD\",\"NEW\":1,\"CREATED_ON\":1646923899},"
                      "\"HAS_TRADES_SPOT\":true,\"TOTAL_TRADES_SPOT\":6890172247264350000,"
                      "\"FIRST_TRADE_SPOT_TIMESTAMP\":null,\"OTHER\":{\"BASE\":2},"
                      "\"INSTRUMENT_MAPPING.QUOTE\":\"EUR\""))));
    CHECK_INT(1, f.batch.row_count);
    CHECK_STR("kraken", text_at(&f, 0, "market"));
    CHECK_STR("XXBTZUSD", text_at(&f, 0, "instrument"));
    CHECK_STR("BTC-USD", text_at(&f, 0, "mapped_instrument"));
    CHECK_STR("BTC", text_at(&f, 0, "instrument_mapping_base"));
    CHECK_STR("USD", text_at(&f, 0, "instrument_mapping_quote"));
    CHECK_INT(1, i64_at(&f, 0, "instrument_mapping_base_id"));
    CHECK_INT(1646923899, i64_at(&f, 0, "instrument_mapping_created_on"));
    CHECK_INT(1, i64_at(&f, 0, "has_trades_spot"));
    CHECK_INT(6890172247264350000, i64_at(&f, 0, "total_trades_spot"));
    CHECK(!has(&f, 0, "first_trade_spot_timestamp"));
    CHECK(!has(&f, 0, "histo_shard"));
    CHECK_INT(3, f.batch.unknown_keys);
    CHECK_TEXT("NEW", f.batch.first_unknown_key);
    end(&f);
}

TEST(catalogue_appends_to_what_is_there)
{
    struct fixture f;
    begin(&f, 1, 10000);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(
            REPLY_PAGE,
            catalogue(&f,
                      CATALOGUE("\"A\":" RECORD(",\"MAPPED_INSTRUMENT\":\"A\"") ",\"B\":" RECORD(
                          ",\"HISTO_SHARD\":\"B\""))));
        CHECK_INT(2 * (i + 1), f.batch.row_count);
    }
    CHECK(f.batch.capacity_rows >= 40);
    for (size_t row = 0; row < 40; row++) {
        CHECK_STR("kraken", text_at(&f, row, "market"));
        CHECK_INT(row % 2 == 0, has(&f, row, "mapped_instrument"));
        CHECK_STR(row % 2 == 0 ? "" : "B", text_at(&f, row, "histo_shard"));
    }
    CHECK_INT(REPLY_PAGE, catalogue(&f, CATALOGUE("")));
    CHECK_INT(40, f.batch.row_count);
    end(&f);
}

TEST(catalogue_takes_several_markets_and_other_scripts)
{
    struct fixture f;
    begin(&f, 10, 10000);
    CHECK_INT(
        REPLY_PAGE,
        catalogue(
            &f, "{\"Data\":{\"mexc\":{\"instruments\":{\"\\u5e01-USDT\":{\"INSTRUMENT\":"
                "\"\\u5e01USDT\","
                "\"INSTRUMENT_MAPPING\":{\"BASE\":\"\\ud83d\\ude00\"}}}},\"okex\":{\"instruments\":"
                "{\"X\":{\"INSTRUMENT\":\"x\",\"INSTRUMENT_MAPPING\":null}}}}}"));
    CHECK_INT(2, f.batch.row_count);
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
        "{\"Data\":null}",
        "{}",
        "{\"Data\":{\"kraken\":{}}}",
        "{\"Data\":{\"kraken\":[]}}",
        "{\"Data\":{\"kraken\":{\"instruments\":[]}}}",
        "{\"Data\":{\"kraken\":{\"instruments\":null}}}",
        CATALOGUE("\"A\":5"),
        CATALOGUE("\"A\":null"),
        CATALOGUE("\"A\":{}"),
        CATALOGUE("\"A\":{\"INSTRUMENT\":null}"),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":\"5\"")),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":5.0")),
        CATALOGUE("\"A\":" RECORD(",\"TOTAL_TRADES_SPOT\":9223372036854775808")),
        CATALOGUE("\"A\":" RECORD(",\"HAS_TRADES_SPOT\":1")),
        CATALOGUE("\"A\":" RECORD(",\"HISTO_SHARD\":1")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT_MAPPING\":5")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT_MAPPING\":{\"BASE_ID\":\"1\"}")),
        CATALOGUE("\"A\":" RECORD(",\"INSTRUMENT\":\"twice\"")),
        CATALOGUE("\"A\":" RECORD("") ",\"B\":" RECORD(",\"HISTO_SHARD\":false")),
        CATALOGUE("\"A\":" RECORD("") ",\"A\":" RECORD("")),
        CATALOGUE("\"A\":" RECORD("")) "x",
        "{\"Data\":{\"kraken\":{\"instruments\":{\"A\":" RECORD(""),
        "<html>",
        "",
    };
    struct fixture f;
    begin(&f, 1, 10000);
    CHECK_INT(REPLY_PAGE, catalogue(&f, CATALOGUE("\"FIRST\":" RECORD(",\"NEW\":1"))));
    size_t text_len = f.batch.text.len;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        bool good = CHECK_INT(REPLY_RETRY, catalogue(&f, BODIES[i]));
        good &= CHECK_INT(CCD_BAD_REPLY, f.err.status);
        good &= CHECK_INT(1, f.batch.row_count);
        good &= CHECK_INT(text_len, f.batch.text.len);
        good &= CHECK_INT(1, f.batch.unknown_keys);
        for (size_t row = 1; row < f.batch.capacity_rows; row++)
            good &= CHECK(f.batch.present[row] == 0);
        if (!good)
            fprintf(stderr, "  in %s: %s\n", BODIES[i], f.err.message);
    }
    CHECK_STR("XXBTZUSD", text_at(&f, 0, "instrument"));
    end(&f);
}

static const struct column priced_columns[] = {
    {.name = "market", .key = "", .kind = COLUMN_TEXT, .flags = COLUMN_OBJECT_KEY},
    {.name = "price", .key = "INFO.PRICE", .kind = COLUMN_F64},
};
static const struct data_type priced_type = {
    .name = "priced",
    .shape = SHAPE_CATALOGUE,
    .columns = priced_columns,
    .column_count = 2,
};

TEST(catalogue_reads_doubles_from_either_form_of_number)
{
    struct fixture f;
    begin(&f, 1, 1000);
    CHECK_INT(CCD_OK, batch_reset(&f.batch, &priced_type, 1, &f.err));
    CHECK_INT(REPLY_PAGE, catalogue(&f, CATALOGUE("\"A\":{\"INFO\":{\"PRICE\":1.29e-7}},"
                                                  "\"B\":{\"INFO\":{\"PRICE\":7}},\"C\":{}")));
    CHECK_INT(3, f.batch.row_count);
    CHECK_F64_BITS(1.29e-7, batch_cell(&f.batch, 0, 1)->f64);
    CHECK_F64_BITS(7.0, batch_cell(&f.batch, 1, 1)->f64);
    CHECK(!batch_has(&f.batch, 2, 1));
    CHECK_INT(REPLY_RETRY, catalogue(&f, CATALOGUE("\"A\":{\"INFO\":{\"PRICE\":\"7\"}}")));
    end(&f);
}

TEST(catalogue_says_no_memory_when_texts_do_not_fit)
{
    struct fixture f;
    begin(&f, 4, 30);
    CHECK_INT(REPLY_PAGE, catalogue(&f, CATALOGUE("\"A\":" RECORD(""))));
    CHECK_INT(REPLY_RETRY,
              catalogue(&f, CATALOGUE("\"A\":" RECORD(",\"HISTO_SHARD\":\"0123456789\""))));
    CHECK_INT(CCD_NO_MEMORY, f.err.status);
    CHECK_INT(1, f.batch.row_count);
    CHECK(!f.batch.text.failed);
    end(&f);
}

TEST(catalogue_classifies_errors_like_a_page)
{
    struct fixture f;
    begin(&f, 4, 1000);
    CHECK_INT(REPLY_BAD_SERIES,
              catalogue(&f, "{\"Data\":{},\"Err\":{\"message\":\"Not found: market\"}}"));
    CHECK_INT(REPLY_THROTTLED, catalogue(&f, "{\"Data\":{},\"Err\":{\"type\":99}}"));
    struct reply_input in = {429, NULL, 0, &f.headers};
    CHECK_INT(REPLY_THROTTLED, reply_classify_catalogue(&f.decoder, &in, &f.batch, &f.err));
    end(&f);
}

/* Two bytes of the body become a node of a tree: their number is bounded, not only that of the
 * bytes. */
TEST(catalogue_refuses_a_body_of_too_many_values)
{
    struct fixture f;
    struct buf body;
    begin(&f, 4, 1000);
    buf_init(&body, 1 << 24, NULL);
    buf_add_text(&body, "{\"Data\":{\"kraken\":{\"instruments\":{\"A\":{\"X\":[1");
    for (int i = 0; i < 1 << 20; i++)
        buf_add(&body, ",1", 2);
    buf_add_text(&body, "]}}}}}");
    CHECK_INT(REPLY_RETRY, catalogue_bytes(&f, body.data, body.len));
    CHECK(strstr(f.err.message, "too many values") != NULL);
    buf_release(&body);
    end(&f);
}

TEST(names_are_the_members_of_data)
{
    struct fixture f;
    begin(&f, 1, 100);
    CHECK_INT(
        REPLY_PAGE,
        names(&f, 200, "{\"Data\":{\"kraken\":{\"TYPE\":\"602\"},\"binance\":{}},\"Err\":{}}"));
    CHECK_INT(2, f.name_count);
    CHECK_TEXT("kraken", f.names[0]);
    CHECK_TEXT("binance", f.names[1]);
    CHECK_INT(0, f.total);
    end(&f);
}

TEST(names_are_the_symbols_of_a_top_list)
{
    struct fixture f;
    begin(&f, 1, 100);
    CHECK_INT(REPLY_PAGE,
              names(&f, 200,
                    "{\"Data\":{\"STATS\":{\"PAGE\":1,\"TOTAL_ASSETS\":3396},\"LIST\":["
                    "{\"ID\":1,\"SYMBOL\":\"BTC\"},{\"SYMBOL\":\"ETH\"}]},\"Err\":{}}"));
    CHECK_INT(2, f.name_count);
    CHECK_TEXT("BTC", f.names[0]);
    CHECK_TEXT("ETH", f.names[1]);
    CHECK_INT(3396, f.total);
    CHECK_INT(REPLY_PAGE, names(&f, 200, "{\"Data\":{\"LIST\":[]}}"));
    CHECK_INT(0, f.name_count);
    CHECK_INT(0, f.total);
    end(&f);
}

TEST(names_are_added_only_from_a_good_reply)
{
    static const struct {
        long http_status;
        const char *body;
        enum reply_verdict verdict;
    } CASES[] = {
        {200, "{\"Data\":{},\"Err\":{}}", REPLY_RETRY},
        {200, "{\"Data\":[],\"Err\":{}}", REPLY_RETRY},
        {200, "{\"Data\":{\"LIST\":[{\"SYMBOL\":\"BTC\"},{}]}}", REPLY_RETRY},
        {200, "{\"Data\":{\"LIST\":[{\"SYMBOL\":\"BTC\"},{\"SYMBOL\":5}]}}", REPLY_RETRY},
        {200, "{\"Data\":{\"LIST\":[{\"SYMBOL\":\"\"}]}}", REPLY_RETRY},
        {200, "{\"Data\":{\"LIST\":[5]}}", REPLY_RETRY},
        {200, "{\"Data\":{\"LIST\":[{\"SYMBOL\":\"BTC\"}],\"STATS\":{\"TOTAL_ASSETS\":\"9\"}}}",
         REPLY_RETRY},
        {200, "{\"Data\":{\"LIST\":[{\"SYMBOL\":\"BTC\"}],\"STATS\":{\"TOTAL_ASSETS\":-9}}}",
         REPLY_RETRY},
        {200, "{\"Data\":{\"a\":1,\"a\":2}}", REPLY_RETRY},
        {200, "{\"Data\":{\"a\":1}", REPLY_RETRY},
        {401, "{\"Data\":{\"a\":1}}", REPLY_BAD_KEY},
        {500, "{\"Data\":{\"a\":1}}", REPLY_RETRY},
    };
    struct fixture f;
    begin(&f, 1, 100);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CHECK_INT(CASES[i].verdict, names(&f, CASES[i].http_status, CASES[i].body));
        CHECK_INT(0, f.name_count);
        CHECK(f.err.message[0] != '\0');
    }
    f.name_max = 1;
    CHECK_INT(REPLY_RETRY, names(&f, 200, "{\"Data\":{\"a\":1,\"b\":2}}"));
    CHECK_INT(CCD_NO_MEMORY, f.err.status);
    CHECK_INT(REPLY_RETRY,
              names(&f, 200, "{\"Data\":{\"LIST\":[{\"SYMBOL\":\"A\"},{\"SYMBOL\":\"B\"}]}}"));
    CHECK_INT(CCD_NO_MEMORY, f.err.status);
    end(&f);
}

TEST(catalogue_reads_the_recorded_replies)
{
    static const struct {
        const char *file;
        const char *type;
        size_t rows;
    } CASES[] = {
        {"spot_instruments.kraken_BTC-USD.json", "spot_instruments", 1},
        {"futures_instruments.several.json", "futures_instruments", 4},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char path[4096];
        char *body;
        size_t len;
        if (!samples_path(path, sizeof path, CASES[i].file))
            SKIP("no recorded replies: CCDATA_SHARED");
        struct fixture f;
        begin(&f, 1, 100000);
        CHECK_INT(CCD_OK,
                  batch_reset(&f.batch, data_type_find(str_from(CASES[i].type)), 1, &f.err));
        CHECK(read_file(path, &body, &len));
        if (!CHECK_INT(REPLY_PAGE, catalogue_bytes(&f, body, len)))
            fprintf(stderr, "  %s: %s\n", CASES[i].file, f.err.message);
        CHECK_INT(CASES[i].rows, f.batch.row_count);
        if (!CHECK_INT(0, f.batch.unknown_keys))
            fprintf(stderr, "  %s: %s\n", CASES[i].file, f.batch.first_unknown_key);
        free(body);
        end(&f);
    }
}

TEST(names_reads_the_recorded_replies)
{
    static const struct {
        const char *file;
        size_t count;
        const char *first;
        int64_t total;
    } CASES[] = {
        {"spot_markets.kraken.json", 1, "kraken", 0},
        {"futures_markets.several.json", 2, "binance", 0},
        {"asset_toplist.page1_size10.json", 1, "BTC", 3396},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char path[4096];
        char *body;
        size_t len;
        if (!samples_path(path, sizeof path, CASES[i].file))
            SKIP("no recorded replies: CCDATA_SHARED");
        struct fixture f;
        begin(&f, 1, 100);
        CHECK(read_file(path, &body, &len));
        struct reply_input in = {200, body, len, &f.headers};
        CHECK_INT(REPLY_PAGE,
                  reply_classify_names(&f.decoder, &in, add_name, &f, &f.total, &f.err));
        CHECK_INT(CASES[i].count, f.name_count);
        CHECK_TEXT(CASES[i].first, f.names[0]);
        CHECK_INT(CASES[i].total, f.total);
        free(body);
        end(&f);
    }
}
