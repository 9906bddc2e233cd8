#include <ccdata/ccdata.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/batch_keys.h"
#include "base/buf.h"
#include "test.h"

/* ---- what is right ---- */

static struct ccd_batch *parse(const char *text)
{
    struct ccd_batch *batch = NULL;
    struct ccd_error err = {0};
    CHECK_INT(0, ccd_batch_parse(text, strlen(text), "b.json", &batch, &err));
    CHECK_TEXT("", err.message);
    return batch;
}

static const struct ccd_job *job_at(const struct ccd_batch *batch, size_t index)
{
    size_t count = 0;
    const struct ccd_job *jobs = batch ? ccd_batch_jobs(batch, &count) : NULL;
    static const struct ccd_job none = CCD_JOB_INIT;
    return CHECK(index < count) ? &jobs[index] : &none;
}

static void check_names(const char *expected, const char *const *names, size_t count)
{
    char text[256] = "";
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        str_print(text + len, sizeof(text) - len, "%s|", names[i]);
    }
    CHECK_TEXT(expected, text);
}

TEST(batch_the_example_of_the_readme)
{
    struct ccd_batch *batch = parse(
        "[{\"data_type\": \"spot_ohlcv\", \"interval\": \"1d\", \"pair_limit\": 100},\n"
        " {\"data_type\": \"futures_ohlcv\", \"interval\": \"1d\",\n"
        "  \"exchanges\": [\"binance\", \"okex\"]},\n"
        " {\"data_type\": \"asset_metadata\"}]\n");
    size_t count = 0;
    if (batch)
        ccd_batch_jobs(batch, &count);
    CHECK_INT(3, count);
    CHECK_TEXT("spot_ohlcv", job_at(batch, 0)->data_type);
    CHECK_TEXT("1d", job_at(batch, 0)->interval);
    CHECK_INT(100, job_at(batch, 0)->pair_limit);
    CHECK_TEXT("futures_ohlcv", job_at(batch, 1)->data_type);
    CHECK_INT(-1, job_at(batch, 1)->pair_limit);
    check_names("binance|okex|", job_at(batch, 1)->exchanges, job_at(batch, 1)->exchange_count);
    CHECK_TEXT("asset_metadata", job_at(batch, 2)->data_type);
    CHECK_TEXT(NULL, job_at(batch, 2)->interval);
    ccd_batch_free(batch);
}

TEST(batch_every_key_reaches_its_member)
{
    struct ccd_batch *batch = parse(
        "[{\"data-type\":\"spot-ohlcv\",\"interval\":\"1h\",\"pair-limit\":7,\"asset_limit\":9,"
        "\"specific_instrument\":\"BTC-USD\",\"exchanges\":\"kraken, coinbase,,\","
        "\"quotes\":[\"USD\"],\"min_grade\":\"AA\",\"from\":\"2024-01-01\","
        "\"to\":\"2024-02-01T12:00\"},"
        "{\"data_type\":\"spot_ohlcv\",\"specific_market\":\"kraken\"},"
        "{\"data_type\":\"indices_ohlcv\",\"market\":\"ccix\",\"instruments\":[\"BTC-*\",\"A,B\"]},"
        "{\"data_type\":\"exchange_metadata\",\"exchange_type\":\"futures\",\"force\":true},"
        "{\"data_type\":\"spot_instruments\",\"full_refresh\":true,\"force\":false}]");
    const struct ccd_job *job = job_at(batch, 0);
    CHECK_TEXT("spot_ohlcv", job->data_type);
    CHECK_TEXT("1h", job->interval);
    CHECK_INT(7, job->pair_limit);
    CHECK_INT(9, job->asset_limit);
    CHECK_TEXT("BTC-USD", job->instrument);
    check_names("kraken|coinbase|", job->exchanges, job->exchange_count);
    check_names("USD|", job->quotes, job->quote_count);
    CHECK_TEXT("AA", job->min_grade);
    CHECK_TEXT("2024-01-01", job->from);
    CHECK_TEXT("2024-02-01T12:00", job->to);
    CHECK_INT(sizeof(struct ccd_job), job->size);
    CHECK_TEXT("kraken", job_at(batch, 1)->market);
    CHECK_TEXT("ccix", job_at(batch, 2)->market);
    check_names("BTC-*|A,B|", job_at(batch, 2)->instruments, job_at(batch, 2)->instrument_count);
    CHECK_TEXT("futures", job_at(batch, 3)->exchange_type);
    CHECK(job_at(batch, 3)->force);
    CHECK(job_at(batch, 4)->full_refresh);
    CHECK(!job_at(batch, 4)->force);
    ccd_batch_free(batch);
}

/* specific_market and market are one member of a job, and must not meet in the defaults. */
TEST(batch_defaults_go_where_the_type_takes_them)
{
    struct ccd_batch *batch = parse(
        "{\"operations\":[{\"data_type\":\"spot_ohlcv\"},{\"data_type\":\"indices_ohlcv\"},"
        "{\"data_type\":\"futures_ohlcv\",\"interval\":\"1m\",\"exchanges\":[\"bybit\"]},"
        "{\"data_type\":\"futures_instruments\"},{\"data_type\":\"asset_metadata\"}],"
        "\"description\":\"nightly\",\"defaults\":{\"specific-market\":\"kraken\","
        "\"interval\":\"1h\",\"pair_limit\":5,\"market\":\"ccix\",\"force\":true}}");
    CHECK_TEXT("kraken", job_at(batch, 0)->market);
    CHECK_TEXT("1h", job_at(batch, 0)->interval);
    CHECK_INT(5, job_at(batch, 0)->pair_limit);
    CHECK(!job_at(batch, 0)->force);
    CHECK_TEXT("ccix", job_at(batch, 1)->market);
    CHECK_INT(-1, job_at(batch, 1)->pair_limit);
    CHECK_TEXT("1m", job_at(batch, 2)->interval);
    CHECK_TEXT(NULL, job_at(batch, 2)->market);
    CHECK(job_at(batch, 3)->force);
    CHECK_TEXT(NULL, job_at(batch, 4)->interval);
    CHECK(job_at(batch, 4)->force);
    ccd_batch_free(batch);
    batch = parse("{\"defaults\":{\"data_type\":\"futures_ohlcv\",\"exchanges\":\"binance,okex\"},"
                  "\"operations\":[{\"interval\":\"1d\"},{\"interval\":\"1h\"},"
                  "{\"data_type\":\"spot_instruments\",\"exchanges\":[\"kraken\"]}]}");
    CHECK_TEXT("futures_ohlcv", job_at(batch, 1)->data_type);
    check_names("binance|okex|", job_at(batch, 1)->exchanges, job_at(batch, 1)->exchange_count);
    check_names("kraken|", job_at(batch, 2)->exchanges, job_at(batch, 2)->exchange_count);
    ccd_batch_free(batch);
}

/* ---- what is wrong ---- */

#define A62 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SPOT(more) "[{\"data_type\":\"spot_ohlcv\"," more "}]"
#define FUTURES(more) "[{\"data_type\":\"futures_ohlcv\"," more "}]"

static const struct {
    const char *text;
    const char *message;
} WRONG[] = {
    /* not JSON */
    {"", "b.json:1: there is no text in it"},
    {"[\n{\"data_type\":\"spot_ohlcv\",}]", "b.json:2: not JSON: string or '}' expected near '}'"},
    {"[\n{\"data_type\":\n\"spot_ohlcv\"", "b.json:3: not JSON: '}' expected near end of file"},
    {"[\n{data_type:1}]", "b.json:2: not JSON: string or '}' expected near 'data'"},
    {"[{'data_type':1}]", "b.json:1: not JSON: string or '}' expected near '''"},
    {"[\n// all\n]", "b.json:2: not JSON: invalid token near '/'"},
    {"[{\"from\":\"2024\n\"}]", "b.json:1: not JSON: unexpected newline near '\"2024'"},
    {"[]\n[]", "b.json:2: not JSON: end of file expected near '['"},
    {"[\n{\"data_type\":\"spot_ohlcv\",\n\"pair_limit\":1,\n\"pair_limit\":2}]",
     "b.json:4: duplicate object key near '\"pair_limit\"'; keep one"},
    {"[[[[[[[[[]]]]]]]]]", "b.json:1: more than 8 lists and objects in each other"},
    {SPOT("\n\"pair_limit\":01"), "b.json:2: not JSON: invalid token near '0'"},
    {SPOT("\n\"pair_limit\":99999999999999999999"),
     "b.json:2: not JSON: too big integer near '99999999999999999999'"},
    /* the shape of the file */
    {"\n5", "b.json:2: a batch file is to be a list of operations or an object, not 5"},
    {"\"spot_ohlcv\"", "b.json:1: a batch file is to be a list of operations or an object, not the "
                       "text \"spot_ohlcv\""},
    {"null", "b.json:1: a batch file is to be a list of operations or an object, not null"},
    {"\n[]", "b.json:2: the list of operations is empty"},
    {"{\n\"operations\":\n[]}", "b.json:3: the list of operations is empty"},
    {"{}", "b.json:1: there is no list \"operations\""},
    {"{\"defaults\":{}}", "b.json:1: there is no list \"operations\""},
    {"{\"operations\":\n{}}", "b.json:2: \"operations\" is to be a list, not an object"},
    {"{\"operations\":[],\n\"defaults\":[]}",
     "b.json:2: \"defaults\" is to be an object, not a list"},
    {"{\"operations\":[],\n\"description\":7}", "b.json:2: \"description\" is to be a text, not 7"},
    {"{\n\"operation\":[]}", "b.json:2: unknown key \"operation\"; did you mean \"operations\"?"},
    {"{\n\"jobs\":[]}", "b.json:2: unknown key \"jobs\"; 'ccdata batch --markdown' lists the keys"},
    {"{\n\"data_type\":\"spot_ohlcv\"}",
     "b.json:2: \"data_type\" stands in \"defaults\" or in an operation, and an operation in the "
     "list \"operations\""},
    {"[\n1]", "b.json:2: an operation is to be an object, not 1"},
    {"[\n\"asset_metadata\"]",
     "b.json:2: an operation is to be an object, not the text \"asset_metadata\""},
    {"[{\"data_type\":\"asset_metadata\"},\n[]]",
     "b.json:2: an operation is to be an object, not a list"},
    {"[{\"data_type\":\"asset_metadata\"},\nnull]",
     "b.json:2: an operation is to be an object, not null"},
    /* data types */
    {"[\n{}]", "b.json:2: this operation has no \"data_type\""},
    {"[{\"data_type\":\"asset_metadata\"},\n{\"interval\":\n\"1d\"}]",
     "b.json:2: this operation has no \"data_type\""},
    {"[{\n\"data_type\":\n\"spot_ohlvc\"}]",
     "b.json:3: no data type \"spot_ohlvc\"; did you mean \"spot_ohlcv\"?"},
    {"[{\"data_type\":\"candles\"}]",
     "b.json:1: no data type \"candles\"; 'ccdata types' lists them"},
    {"[{\"data_type\":\"\"}]", "b.json:1: no data type \"\"; 'ccdata types' lists them"},
    {"[{\"data_type\":null}]",
     "b.json:1: \"data_type\" is to be the name of a data type, not null"},
    {"[{\"data_type\":[\"spot_ohlcv\"]}]",
     "b.json:1: \"data_type\" is to be the name of a data type, not a list"},
    {"{\"operations\":[{}],\n\"defaults\":{\"data_type\":\"futures_ohclv\"}}",
     "b.json:2: no data type \"futures_ohclv\"; did you mean \"futures_ohlcv\"?"},
    /* keys */
    {SPOT("\n\"pair_limt\":5"),
     "b.json:2: unknown key \"pair_limt\"; did you mean \"pair_limit\"?"},
    {SPOT("\n\"exchange\":5"), "b.json:2: unknown key \"exchange\"; did you mean \"exchanges\"?"},
    {SPOT("\n\"INTERVAL\":5"),
     "b.json:2: unknown key \"INTERVAL\"; 'ccdata batch --markdown' lists the keys"},
    {SPOT("\n\"symbol\":5"),
     "b.json:2: unknown key \"symbol\"; 'ccdata batch --markdown' lists the keys"},
    {SPOT("\n\"\":5"), "b.json:2: unknown key \"\"; 'ccdata batch --markdown' lists the keys"},
    {SPOT("\n\"parallel-workers\":5"),
     "b.json:2: \"parallel-workers\" is no key of a file: it is of the whole run, write "
     "--parallel-workers behind 'ccdata batch'"},
    {"{\"operations\":[],\n\"continue_on_error\":true}",
     "b.json:2: \"continue_on_error\" is no key of a file: it is of the whole run, write "
     "--continue_on_error behind 'ccdata batch'"},
    {SPOT("\n\"pair_limit\":1,\n\"pair-limit\":1"),
     "b.json:3: \"pair_limit\" is given twice, with - and _; keep one"},
    {"{\"operations\":[],\"defaults\":{\"to\":\"2024-01-01\",\n\"too\":1}}",
     "b.json:2: unknown key \"too\"; did you mean \"to\"?"},
    {"{\"operations\":[],\"defaults\":{\"full-refresh\":true,\n\"full_refresh\":true}}",
     "b.json:2: \"full_refresh\" is given twice, with - and _; keep one"},
    /* keys of other types */
    {FUTURES("\n\"pair_limit\":5"),
     "b.json:2: futures_ohlcv does not take \"pair_limit\"; it belongs to spot_ohlcv"},
    {"[{\n\"market\":\"cadli\",\n\"data_type\":\"spot_ohlcv\"}]",
     "b.json:2: spot_ohlcv does not take \"market\"; it belongs to indices_ohlcv"},
    {"[{\"data_type\":\"asset_metadata\",\n\"interval\":\"1d\"}]",
     "b.json:2: asset_metadata does not take \"interval\"; it belongs to spot_ohlcv, "
     "futures_ohlcv, "
     "futures_funding_rate, futures_open_interest, indices_ohlcv"},
    {"[{\"data_type\":\"exchange_metadata\",\n\"exchanges\":[\"kraken\"]}]",
     "b.json:2: exchange_metadata does not take \"exchanges\"; it belongs to spot_ohlcv, "
     "futures_ohlcv, futures_funding_rate, futures_open_interest, spot_instruments, "
     "futures_instruments"},
    {SPOT("\n\"force\":true"),
     "b.json:2: spot_ohlcv does not take \"force\"; it belongs to asset_metadata, "
     "exchange_metadata, spot_instruments, futures_instruments"},
    {"[{\"data_type\":\"spot_instruments\",\n\"exchange-type\":\"spot\"}]",
     "b.json:2: spot_instruments does not take \"exchange_type\"; it belongs to exchange_metadata"},
    {FUTURES("\"exchanges\":[\"a\"],\n\"min_grade\":\"A\""),
     "b.json:2: futures_ohlcv does not take \"min_grade\"; it belongs to spot_ohlcv"},
    /* values */
    {SPOT("\n\"interval\":\"1D\""),
     "b.json:2: \"interval\" is to be one of \"1d\", \"1h\", \"1m\", not the text \"1D\""},
    {SPOT("\n\"interval\":\n1"),
     "b.json:3: \"interval\" is to be one of \"1d\", \"1h\", \"1m\", not 1"},
    {SPOT("\n\"pair_limit\":\"100\""),
     "b.json:2: \"pair_limit\" is to be a whole number from 1 to 1000000, not the text \"100\""},
    {SPOT("\n\"pair_limit\":0"),
     "b.json:2: \"pair_limit\" is to be a whole number from 1 to 1000000, not 0"},
    {SPOT("\n\"pair_limit\":-5"),
     "b.json:2: \"pair_limit\" is to be a whole number from 1 to 1000000, not -5"},
    {SPOT("\n\"pair_limit\":1000001"),
     "b.json:2: \"pair_limit\" is to be a whole number from 1 to 1000000, not 1000001"},
    {SPOT("\n\"pair_limit\":100.0"), "b.json:2: \"pair_limit\" is to be a whole number from 1 to "
                                     "1000000, not a number with a fraction or an exponent"},
    {SPOT("\n\"pair_limit\":1e2"), "b.json:2: \"pair_limit\" is to be a whole number from 1 to "
                                   "1000000, not a number with a fraction or an exponent"},
    {SPOT("\n\"asset_limit\":null"),
     "b.json:2: \"asset_limit\" is to be a whole number from 1 to 1000000, not null"},
    {SPOT("\n\"asset_limit\":true"),
     "b.json:2: \"asset_limit\" is to be a whole number from 1 to 1000000, not true"},
    {SPOT("\n\"specific_market\":\"\""),
     "b.json:2: \"specific_market\" is to be a name, not the text \"\""},
    {SPOT("\n\"specific_instrument\":[\"BTC-USD\"]"),
     "b.json:2: \"specific_instrument\" is to be a name, not a list"},
    {SPOT("\n\"from\":\"yesterday\""),
     "b.json:2: \"from\" is to be a date or date-time in UTC, such as \"2024-02-29\" or "
     "\"2024-02-29T13:05\", not the text \"yesterday\""},
    {SPOT("\n\"to\":1700000000"),
     "b.json:2: \"to\" is to be a date or date-time in UTC, such as \"2024-02-29\" or "
     "\"2024-02-29T13:05\", not 1700000000"},
    {SPOT("\n\"exchanges\":[]"),
     "b.json:2: \"exchanges\" names nothing; leave it away for its default"},
    {SPOT("\n\"exchanges\":\" , \""),
     "b.json:2: \"exchanges\" names nothing; leave it away for its default"},
    {SPOT("\n\"exchanges\":{\"a\":1}"),
     "b.json:2: \"exchanges\" is to be a list of names, or a text "
     "with names and commas, not an object"},
    {SPOT("\n\"exchanges\":[\"a\",\n5]"),
     "b.json:3: \"exchanges\" is to be a list of names; item 2 is 5"},
    {SPOT("\n\"quotes\":[\"USD\",\n\"\"]"),
     "b.json:3: \"quotes\" is to be a list of names; item 2 is the text \"\""},
    {SPOT("\n\"instruments\":[[\n]]"),
     "b.json:2: \"instruments\" is to be a list of names; item 1 is a list"},
    {SPOT("\n\"min_grade\":\"bb\""), "b.json:2: \"min_grade\" is to be one of \"AA\", \"A\", "
                                     "\"BB\", \"B\", \"C\", \"D\", \"E\", \"F\", "
                                     "not the text \"bb\""},
    {"[{\"data_type\":\"exchange_metadata\",\n\"exchange_type\":\"both\"}]",
     "b.json:2: \"exchange_type\" is to be one of \"spot\", \"futures\", \"all\", not the text "
     "\"both\""},
    {"[{\"data_type\":\"asset_metadata\",\n\"full_refresh\":1}]",
     "b.json:2: \"full_refresh\" is to be true or false, not 1"},
    {"[{\"data_type\":\"asset_metadata\",\n\"force\":\"true\"}]",
     "b.json:2: \"force\" is to be true or false, not the text \"true\""},
    {"{\"operations\":[{\"data_type\":\"asset_metadata\"}],\"defaults\":{\n\"pair_limit\":\"5\"}}",
     "b.json:2: \"pair_limit\" is to be a whole number from 1 to 1000000, not the text \"5\""},
    /* what could disturb a terminal, and what is too long */
    {SPOT("\n\"\\u001b[2J\":1"),
     "b.json:2: unknown key \"?[2J\"; 'ccdata batch --markdown' lists the keys"},
    {SPOT("\n\"interval\":\"" A62 "\xC3\xA9\xC3\xA9\""),
     "b.json:2: \"interval\" is to be one of \"1d\", \"1h\", \"1m\", not the text \"" A62 "…\""},
};

TEST(batch_every_wrong_file_is_refused_with_its_line)
{
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        struct ccd_batch *batch = NULL;
        struct ccd_error err = {0};
        const char *text = WRONG[i].text;
        bool held = CHECK_INT(CCD_USAGE,
                              ccd_batch_parse(text, strlen(text), "b.json", &batch, &err));
        held &= CHECK_TEXT(WRONG[i].message, err.message);
        held &= CHECK(batch == NULL);
        if (!held)
            fprintf(stderr, "--- %s\n", text);
        ccd_batch_free(batch);
    }
    CHECK(sizeof(WRONG) / sizeof(WRONG[0]) >= 60);
}

static void refuse(const char *text, size_t len, const char *name, const char *message)
{
    struct ccd_batch *batch = NULL;
    struct ccd_error err = {0};
    CHECK_INT(CCD_USAGE, ccd_batch_parse(text, len, name, &batch, &err));
    CHECK_TEXT(message, err.message);
    ccd_batch_free(batch);
}

/* Jobs that contradict themselves are refused by the check of all jobs, with the operation's line.
 */
TEST(batch_contradictions_name_the_line_of_the_operation)
{
    static const char *const TEXTS[] = {
        "[\n{\"data_type\":\"futures_ohlcv\",\n\"exchanges\":[\"okx\"]}]",
        "[\n{\"data_type\":\"spot_ohlcv\",\"specific_market\":\"a\",\n\"exchanges\":[\"b\"]}]",
        "[\n{\"data_type\":\"spot_ohlcv\",\"from\":\"2024-02-01\",\n\"to\":\"2024-01-01\"}]",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct ccd_batch *batch = NULL;
        struct ccd_error err = {0};
        CHECK_INT(CCD_USAGE, ccd_batch_parse(TEXTS[i], strlen(TEXTS[i]), "b.json", &batch, &err));
        CHECK(str_starts_with(str_from(err.message), STR("b.json:2: ")));
        ccd_batch_free(batch);
    }
}

TEST(batch_sizes_are_bounded)
{
    struct buf text;
    buf_init(&text, 4 << 20, NULL);
    while (text.len <= CCD_BATCH_MAX_BYTES)
        buf_add_char(&text, ' ');
    refuse(text.data, text.len, "big", "big: more than 1048576 bytes; split the file");
    buf_clear(&text);
    for (int i = 0; i <= CCD_BATCH_OPERATIONS_MAX; i++)
        buf_printf(&text, "%s{\"data_type\":\"asset_metadata\"}", i ? ",\n" : "[");
    buf_add_text(&text, "]");
    refuse(text.data, text.len, "big", "big:1: 1001 operations, more than 1000");
    size_t first_len = strlen("[{\"data_type\":\"asset_metadata\"},");
    text.data[first_len] = '[';
    struct ccd_batch *batch = parse(text.data + first_len);
    CHECK_TEXT("asset_metadata", job_at(batch, CCD_BATCH_OPERATIONS_MAX - 1)->data_type);
    ccd_batch_free(batch);
    buf_clear(&text);
    buf_add_text(&text, "[{\"data_type\":\"futures_ohlcv\",\n\"instruments\":\"");
    for (int i = 0; i <= 10000; i++)
        buf_add_text(&text, "a,");
    buf_add_text(&text, "\"}]");
    refuse(text.data, text.len, "big",
           "big:2: \"instruments\" has more than 10000 names; use * to match many");
    buf_release(&text);
}

TEST(batch_bytes_that_are_no_text)
{
    refuse("[\n\"\xFF\"]", 6, "b", "b:2: the byte 0xff is not UTF-8 text");
    refuse("[\0]", 3, "b", "b:1: not JSON: invalid token near end of file");
    refuse(NULL, 0, NULL, "batch:1: there is no text in it");
}

TEST(batch_a_long_name_leaves_room_for_the_message)
{
    char path[600];
    memset(path, 'd', sizeof(path));
    memcpy(path + 500, "/b.json", 8);
    refuse("5", 1, path,
           "b.json:1: a batch file is to be a list of operations or an object, not 5");
}

TEST(batch_keys_are_named_once_and_belong_somewhere)
{
    for (size_t i = 0; i < ccd_batch_key_count(); i++) {
        struct ccd_batch_key key = ccd_batch_key_at(i);
        CHECK(batch_key_find(str_from(key.name)) == &batch_keys[i]);
        CHECK(key.form && key.form[0]);
        bool taken = false;
        for (size_t type = 0; type < ccd_type_count(); type++)
            taken |= ccd_batch_key_fits(i, type);
        CHECK(taken);
    }
}
