#include <stdlib.h>
#include <string.h>

#include "decode/reply.h"
#include "pages.h"
#include "test.h"

struct fixture {
    struct reply_decoder decoder;
    struct reply_headers headers;
    struct ccd_error err;
    char names[10][64];
    size_t name_count;
    size_t name_max;
    int64_t total;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.name_max = 10};
    CHECK_INT(CCD_OK, reply_decoder_init(&f->decoder, NULL, &f->err));
    reply_headers_init(&f->headers);
}

static void end(struct fixture *f)
{
    reply_decoder_release(&f->decoder);
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

TEST(names_are_the_members_of_data)
{
    struct fixture f;
    begin(&f);
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
    begin(&f);
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
    begin(&f);
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
        begin(&f);
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
