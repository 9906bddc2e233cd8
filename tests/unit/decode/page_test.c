#include "decode/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../limited_allocator.h"
#include "base/buf.h"
#include "pages.h"
#include "test.h"

static const char TWO_ROWS[] =
    "{\"Data\":[{\"TS\":60,\"NAME\":\"first\",\"PRICE\":1.5,\"COUNT\":3,\"FLAG\":true},"
    "{\"TS\":120,\"NAME\":\"first\",\"PRICE\":-2.25,\"COUNT\":4,\"FLAG\":false}],\"Err\":{}}";

/* Nothing may be left of a page that was refused. */
static void check_empty(const struct batch *batch)
{
    CHECK_INT(0, batch->row_count);
    CHECK_INT(0, batch->text.len);
    unsigned used = 0;
    for (size_t row = 0; row < batch->capacity_rows; row++) {
        used += batch->present[row] != 0;
        for (size_t column = 0; column < batch->type->column_count; column++)
            used += batch_cell(batch, row, column)->i64 != 0;
    }
    CHECK_INT(0, used);
}

TEST(page_fills_typed_columns)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    CHECK_INT(CCD_OK, page_run_text(&run, TWO_ROWS));
    CHECK_INT(2, run.batch.row_count);
    CHECK(run.envelope.has_data_list && !run.envelope.has_error);
    CHECK_INT(60, batch_cell(&run.batch, 0, SMALL_TS)->i64);
    CHECK_INT(120, batch_cell(&run.batch, 1, SMALL_TS)->i64);
    CHECK_STR("first", batch_text(&run.batch, 0, SMALL_NAME));
    CHECK_STR("first", batch_text(&run.batch, 1, SMALL_NAME));
    CHECK_F64_BITS(1.5, batch_cell(&run.batch, 0, SMALL_PRICE)->f64);
    CHECK_F64_BITS(-2.25, batch_cell(&run.batch, 1, SMALL_PRICE)->f64);
    CHECK_INT(3, batch_cell(&run.batch, 0, SMALL_COUNT)->i64);
    CHECK_INT(1, batch_cell(&run.batch, 0, SMALL_FLAG)->i64);
    CHECK(batch_has(&run.batch, 1, SMALL_FLAG));
    CHECK_INT(0, batch_cell(&run.batch, 1, SMALL_FLAG)->i64);
    CHECK(!batch_has(&run.batch, 0, SMALL_A) && !batch_has(&run.batch, 1, SMALL_LONG_KEY));
    CHECK_INT(0, run.batch.unknown_keys);
    page_run_release(&run);
}

/* Put around one record, so that a table names only what matters. */
static int decode_record(struct page_run *run, const char *record)
{
    char text[4096];
    if (!str_print(text, sizeof text, "{\"Data\":[%s]}", record))
        abort();
    return page_run_text(run, text);
}

TEST(page_takes_records_in_every_legal_form)
{
    static const char *const RECORDS[] = {
        "",
        "{\"TS\":0}",
        "{\"TS\":-9223372036854775808}",
        "{\"TS\":9223372036854775807,\"COUNT\":-0}",
        "{\"A\":1,\"TS\":1}",
        "{ \"TS\" : 1 }",
        "\t{\n\"TS\"\r:\t1\n,\"A\" :\n 2 } ",
        "{\"TS\":1},{\"TS\":1}",
        "{\"TS\":1} , {\"TS\":1} ",
        "{\"TS\":1,\"PRICE\":null,\"NAME\":null,\"FLAG\":null,\"COUNT\":null}",
        "{\"PRICE\":5,\"TS\":1}",
        "{\"TS\":1,\"PRICE\":1e300}",
        "{\"TS\":1,\"PRICE\":1e-400}",
        "{\"TS\":1,\"PRICE\":-0}",
        "{\"TS\":1,\"PRICE\":833921654247199700000}",
        "{\"TS\":1,\"PRICE\":0.00000000000000000000000000000000000000000000000000000001}",
        "{\"TS\":1,\"NAME\":\"\"}",
        "{\"TS\":1,\"NAME\":\"\\u00e9\\ud83d\\ude00\\n\\t\\b\\f\\r\\\\\\/\\\"\"}",
        "{\"TS\":1,\"NAME\":\"\xE5\xB8\x81\xF0\x9F\x98\x80\"}",
        "{\"\\u0054\\u0053\":1}",
        "{\"TS\":1,\"A_NAME_OF_FORTY_LETTERS_IS_LONGER_THAN_30\":2.5}",
        "{\"TS\":1,\"NEW\":{\"a\":[1,2.5e3,true,false,null,\"x\",{}],\"b\":{\"c\":[]}}}",
        "{\"TS\":1,\"NEW\":123456789012345678901234567890}",
        "{\"TS\":1,\"NEW\":1,\"NEW\":2}",
        "{\"TS\":1,\"\":2}",
        "{\"TS\":1,\"ts\":2}",
        "{\"TS\":1,\"A_NAME_OF_SEVENTY_LETTERS_THAT_CANNOT_BE_IN_ANY_REGISTRY_AT_ALL_I_SAY\":2}",
    };
    for (size_t i = 0; i < sizeof RECORDS / sizeof RECORDS[0]; i++) {
        struct page_run run;
        page_run_init(&run, &small_type, 10);
        if (!CHECK_INT(CCD_OK, decode_record(&run, RECORDS[i])))
            fprintf(stderr, "  in %s: %s\n", RECORDS[i], run.err.message);
        page_run_release(&run);
    }
}

/* The document is {"Data":[RECORD]}: a record starts at byte 9. */
static const struct {
    const char *record;
    int offset;
    const char *reason;
} BAD_RECORDS[] = {
    {"{}", 9, "required member is missing"},
    {"{\"A\":1}", 9, "required member is missing"},
    {"{\"TS\":null}", 9, "required member is missing"},
    {"5", 9, "a record is not an object"},
    {"null", 9, "a record is not an object"},
    {"[]", 9, "a record is not an object"},
    {"{\"TS\":1},", 18, "a record is not an object"},
    {",{\"TS\":1}", 9, "a record is not an object"},
    {"{\"TS\":1}{\"TS\":1}", 17, "no comma or ] after a record"},
    {"{\"TS\":1,}", 17, "a member must start with its name"},
    {"{,\"TS\":1}", 10, "a member must start with its name"},
    {"{\"TS\":1 \"A\":1}", 17, "no comma or } after a member"},
    {"{\"TS\":1]", 16, "no comma or } after a member"},
    {"{TS:1}", 10, "a member must start with its name"},
    {"{'TS':1}", 10, "a member must start with its name"},
    {"{\"TS\" 1}", 15, "no colon after a name"},
    {"{\"TS\",1}", 14, "no colon after a name"},
    {"{\"TS\":}", 15, "a number is expected"},
    {"{\"TS\":1,\"TS\":1}", 22, "member given twice"},
    {"{\"TS\":1,\"A\":null,\"A\":1}", 30, "member given twice"},
    {"{\"TS\":1,\"T\\u0053\":1}", 27, "member given twice"},
    {"{\"TS\":\"1\"}", 15, "a number is expected"},
    {"{\"TS\":true}", 15, "a number is expected"},
    {"{\"TS\":{}}", 15, "a number is expected"},
    {"{\"TS\":[1]}", 15, "a number is expected"},
    {"{\"TS\":1.0}", 15, "an integer is expected"},
    {"{\"TS\":1e3}", 15, "an integer is expected"},
    {"{\"TS\":9223372036854775808}", 15, "integer beyond 64 bits"},
    {"{\"TS\":-9223372036854775809}", 15, "integer beyond 64 bits"},
    {"{\"TS\":100000000000000000000}", 15, "integer beyond 64 bits"},
    {"{\"TS\":01}", 15, "malformed number"},
    {"{\"TS\":-}", 15, "malformed number"},
    {"{\"TS\":+1}", 15, "a number is expected"},
    {"{\"TS\":.5}", 15, "a number is expected"},
    {"{\"TS\":1.}", 15, "malformed number"},
    {"{\"TS\":1e}", 15, "malformed number"},
    {"{\"TS\":1x}", 16, "no comma or } after a member"},
    {"{\"TS\":NaN}", 15, "a number is expected"},
    {"{\"TS\":1,\"COUNT\":5.0}", 25, "an integer is expected"},
    {"{\"TS\":1,\"PRICE\":1e400}", 25, "number too large"},
    {"{\"TS\":1,\"PRICE\":-1e400}", 25, "number too large"},
    {"{\"TS\":1,\"PRICE\":\"1.5\"}", 25, "a number is expected"},
    {"{\"TS\":1,\"PRICE\":007}", 25, "malformed number"},
    {"{\"TS\":1,\"PRICE\":1.5.5}", 28, "no comma or } after a member"},
    {"{\"TS\":1,\"PRICE\":0x10}", 26, "no comma or } after a member"},
    {"{\"TS\":1,\"PRICE\":nil}", 25, "not a JSON value"},
    {"{\"TS\":1,\"PRICE\":nulL}", 25, "not a JSON value"},
    {"{\"TS\":1,\"FLAG\":1}", 24, "true or false expected"},
    {"{\"TS\":1,\"FLAG\":\"true\"}", 24, "true or false expected"},
    {"{\"TS\":1,\"FLAG\":tru}", 24, "true or false expected"},
    {"{\"TS\":1,\"FLAG\":truee}", 28, "no comma or } after a member"},
    {"{\"TS\":1,\"NAME\":5}", 24, "a text is expected"},
    {"{\"TS\":1,\"NAME\":true}", 24, "a text is expected"},
    {"{\"TS\":1,\"NAME\":'a'}", 24, "a text is expected"},
    {"{\"TS\":1,\"NAME\":\"a\nb\"}", 26, "control character"},
    {"{\"TS\":1,\"NAME\":\"a\x01\"}", 26, "control character"},
    {"{\"TS\":1,\"NAME\":\"\\x41\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\u12\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\u12G4\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\ud83d\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\ud83dx\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\ud83d\\u0041\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\ud83d\\ud83d\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"\\ude00\"}", 25, "malformed escape"},
    {"{\"TS\":1,\"NAME\":\"ab\\u0000\"}", 27, "NUL"},
    {"{\"TS\":1,\"NAME\":\"\x80\"}", 25, "invalid UTF-8"},
    {"{\"TS\":1,\"NAME\":\"\xC0\xAF\"}", 25, "invalid UTF-8"},
    {"{\"TS\":1,\"NAME\":\"\xE0\x80\xAF\"}", 25, "invalid UTF-8"},
    {"{\"TS\":1,\"NAME\":\"\xED\xA0\x80\"}", 25, "invalid UTF-8"},
    {"{\"TS\":1,\"NAME\":\"\xF4\x90\x80\x80\"}", 25, "invalid UTF-8"},
    {"{\"TS\":1,\"NAME\":\"\xFF\"}", 25, "invalid UTF-8"},
    {"{\"TS\":1,\"N\xC3\":1}", 19, "invalid UTF-8"},
    {"{\"TS\":1,\"NEW\":}", 23, "not a JSON value"},
    {"{\"TS\":1,\"NEW\":01}", 23, "malformed number"},
    {"{\"TS\":1,\"NEW\":tRue}", 23, "not a JSON value"},
    {"{\"TS\":1,\"NEW\":[1,]}", 26, "not a JSON value"},
    {"{\"TS\":1,\"NEW\":[1 2]}", 26, "no comma or ] after an element"},
    {"{\"TS\":1,\"NEW\":{\"a\":1,}}", 30, "a member must start with its name"},
    {"{\"TS\":1,\"NEW\":{\"a\" 1}}", 28, "no colon after a name"},
    {"{\"TS\":1,\"NEW\":{\"a\":1]}", 29, "no comma or } after a member"},
    {"{\"TS\":1,\"NEW\":[1}}", 25, "no comma or ] after an element"},
    {"{\"TS\":1,\"NEW\":{1:1}}", 24, "a member must start with its name"},
    {"{\"TS\":1,\"NEW\":1e999}", 23, "number too large"},
    {"{\"TS\":1,\"NEW\":-}", 23, "malformed number"},
    {"{\"TS\":1,\"NEW\":\"\\q\"}", 24, "malformed escape"},
};

TEST(page_refuses_records_and_says_where)
{
    for (size_t i = 0; i < sizeof BAD_RECORDS / sizeof BAD_RECORDS[0]; i++) {
        struct page_run run;
        page_run_init(&run, &small_type, 10);
        bool good = CHECK_INT(CCD_BAD_REPLY, decode_record(&run, BAD_RECORDS[i].record));
        good &= CHECK_INT(BAD_RECORDS[i].offset, run.err.byte_offset);
        good &= CHECK(strstr(run.err.message, BAD_RECORDS[i].reason) != NULL);
        if (!good)
            fprintf(stderr, "  in %s: %s\n", BAD_RECORDS[i].record, run.err.message);
        check_empty(&run.batch);
        page_run_release(&run);
    }
}

TEST(page_takes_envelopes_in_any_order)
{
    static const struct {
        const char *text;
        bool has_list;
        bool has_error;
        int type;
        const char *message;
        const char *warning;
        int rows;
    } CASES[] = {
        {"{\"Data\":[],\"Err\":{}}", true, false, 0, "", "", 0},
        {"{\"Err\":{},\"Data\":[{\"TS\":1}]}", true, false, 0, "", "", 1},
        {"{\"Err\":null,\"Data\":[{\"TS\":1}]}", true, false, 0, "", "", 1},
        {" \n{\"Data\":[{\"TS\":1}]} \r\n\t", true, false, 0, "", "", 1},
        {"{}", false, false, 0, "", "", 0},
        {"{\"Data\":{}}", false, false, 0, "", "", 0},
        {"{\"Data\":null}", false, false, 0, "", "", 0},
        {"{\"Data\":5}", false, false, 0, "", "", 0},
        {"{\"Data\":{\"kraken\":{\"a\":[1,{}]}},\"Err\":{}}", false, false, 0, "", "", 0},
        {"{\"D\\u0061ta\":[{\"TS\":1}]}", true, false, 0, "", "", 1},
        {"{\"Data\":{},\"Err\":{\"type\":1,\"message\":\"Not "
         "found\",\"other_info\":{\"values\":[1]}}}",
         false, true, 1, "Not found", "", 0},
        {"{\"Data\":[{\"TS\":1}],\"Err\":{\"type\":1,\"message\":\"late\"}}", true, true, 1, "late",
         "", 0},
        {"{\"Err\":{\"message\":\"early\"},\"Data\":[{\"TS\":1}]}", true, true, 0, "early", "", 0},
        {"{\"Err\":{\"frontend\":{\"type\":2,\"message\":\"inner\"}}}", false, true, 0, "", "", 0},
        {"{\"Err\":{\"type\":\"2\",\"message\":5}}", false, true, 0, "", "", 0},
        {"{\"Err\":{\"type\":99999999999999999999}}", false, true, 0, "", "", 0},
        {"{\"Response\":\"Error\",\"Message\":\"over\",\"Type\":99,\"RateLimit\":{},\"Data\":{}}",
         false, true, 99, "over", "", 0},
        {"{\"Response\":\"Success\",\"Message\":\"fine\",\"Type\":100,\"Data\":[]}", true, false, 0,
         "", "fine", 0},
        {"{\"Warn\":\"old\",\"Message\":\"fine\",\"Data\":[]}", true, false, 0, "", "old", 0},
        {"{\"Err\":{\"message\":\"one\",\"type\":7},\"Message\":\"two\",\"Type\":8}", false, true,
         7, "one", "", 0},
        {"{\"Err\":{\"a\":1},\"Message\":\"two\",\"Type\":8}", false, true, 8, "two", "", 0},
        {"{\"Message\":[1],\"Type\":\"x\",\"Response\":{},\"Warn\":false}", false, false, 0, "", "",
         0},
        {"{\"Other\":1,\"Other\":2,\"Data\":[]}", true, false, 0, "", "", 0},
        {"{\"Err\":{\"message\":\"\\u20ac\\n\"}}", false, true, 0, "\xE2\x82\xAC\n", "", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct page_run run;
        page_run_init(&run, &small_type, 10);
        bool good = CHECK_INT(CCD_OK, page_run_text(&run, CASES[i].text));
        good &= CHECK_INT(CASES[i].has_list, run.envelope.has_data_list);
        good &= CHECK_INT(CASES[i].has_error, run.envelope.has_error);
        good &= CHECK_INT(CASES[i].type, run.envelope.error_type);
        good &= CHECK_TEXT(CASES[i].message, run.envelope.error_message);
        good &= CHECK_TEXT(CASES[i].warning, run.envelope.warning);
        good &= CHECK_INT(CASES[i].rows, run.batch.row_count);
        if (!good)
            fprintf(stderr, "  in %s: %s\n", CASES[i].text, run.err.message);
        page_run_release(&run);
    }
}

TEST(page_refuses_documents_that_are_not_one_object)
{
    static const struct {
        const char *text;
        int offset;
        const char *reason;
    } CASES[] = {
        {"", 0, "document ends early"},
        {"  ", 2, "document ends early"},
        {"[]", 0, "not a JSON object"},
        {"null", 0, "not a JSON object"},
        {"\xEF\xBB\xBF{}", 0, "not a JSON object"},
        {"<html>", 0, "not a JSON object"},
        {"{}x", 2, "bytes after the document"},
        {"{}{}", 2, "bytes after the document"},
        {"{\"Data\":[]}]", 11, "bytes after the document"},
        {"{\"Data\":[],}", 11, "a member must start with its name"},
        {"{\"Data\":[] \"Err\":{}}", 11, "no comma or } after a member"},
        {"{\"Data\" []}", 8, "no colon after a name"},
        {"{\"Data\":[],\"Data\":[]}", 12, "given twice"},
        {"{\"Data\":[],\"Err\":{},\"Err\":{}}", 21, "given twice"},
        {"{\"Message\":\"a\",\"Message\":\"b\"}", 16, "given twice"},
        {"{\"Err\":[]}", 7, "Err is not an object"},
        {"{\"Err\":\"bad\"}", 7, "Err is not an object"},
        {"{\"Err\":nul}", 7, "not a JSON value"},
        {"{\"Err\":{\"message\":\"a\" \"b\"}}", 22, "no comma or } after a member"},
        {"{\"Err\":{\"type\":01}}", 15, "malformed number"},
        {"{\"Data\":[}", 9, "a record is not an object"},
        {"{\"Data\":{]}", 9, "a member must start with its name"},
        {"{\"Data\":[]", 10, "document ends early"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct page_run run;
        page_run_init(&run, &small_type, 10);
        bool good = CHECK_INT(CCD_BAD_REPLY, page_run_text(&run, CASES[i].text));
        good &= CHECK_INT(CASES[i].offset, run.err.byte_offset);
        good &= CHECK(strstr(run.err.message, CASES[i].reason) != NULL);
        if (!good)
            fprintf(stderr, "  in %s: %s\n", CASES[i].text, run.err.message);
        page_run_release(&run);
    }
}

TEST(page_refuses_a_nul_byte_wherever_it_stands)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    char text[sizeof TWO_ROWS];
    for (size_t i = 0; i + 1 < sizeof TWO_ROWS; i++) {
        memcpy(text, TWO_ROWS, sizeof text);
        text[i] = '\0';
        CHECK_INT(CCD_BAD_REPLY, page_run_bytes(&run, text, sizeof TWO_ROWS - 1));
    }
    page_run_release(&run);
}

static void check_cut_anywhere(const char *text)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    CHECK_INT(CCD_OK, page_run_text(&run, text));
    for (size_t len = 0; len < strlen(text); len++) {
        if (!CHECK_INT(CCD_BAD_REPLY, page_run_bytes(&run, text, len)))
            fprintf(stderr, "  cut at %zu\n", len);
        CHECK(run.err.byte_offset >= 0 && run.err.byte_offset <= (int64_t)len);
        check_empty(&run.batch);
    }
    page_run_release(&run);
}

TEST(page_that_is_cut_at_any_byte_is_refused)
{
    check_cut_anywhere(TWO_ROWS);
    /* Tokens that are longer than what the fast path keeps between itself and the end. */
    char text[2048];
    str_print(text, sizeof text,
              "{\"Data\":[{\"TS\":1,\"NAME\":\"%0300d\",\"PRICE\":1.%0300d,\"A\":%0300d.5},"
              "{\"TS\":1,\"NAME\":\"x\",\"PRICE\":1.%0300d}],\"Err\":{\"message\":\"%0300d\"}}",
              1, 1, -1, 1, 1);
    for (char *p = text; (p = strstr(p, "-0")) != NULL;)
        p[1] = '1'; /* not 00 */
    check_cut_anywhere(text);
}

/* The middle of a document takes other paths than its ends: the same rows at every distance from
 * them. */
TEST(page_gives_the_same_rows_at_every_distance_from_the_ends)
{
    enum { PADDING_MAX = 260 };
    char text[sizeof TWO_ROWS + 2 * PADDING_MAX];
    struct page_run expected;
    struct page_run run;
    page_run_init(&expected, &small_type, 10);
    page_run_init(&run, &small_type, 10);
    page_run_text(&expected, TWO_ROWS);
    for (size_t before = 0; before < PADDING_MAX; before++) {
        for (size_t after = 0; after < PADDING_MAX; after += 13) {
            memset(text, ' ', sizeof text);
            memcpy(text + before, TWO_ROWS, sizeof TWO_ROWS - 1);
            CHECK_INT(CCD_OK, page_run_bytes(&run, text, before + sizeof TWO_ROWS - 1 + after));
            CHECK_INT(0, batch_compare_rows(&expected.batch, 0, &run.batch, 0));
            CHECK_INT(0, batch_compare_rows(&expected.batch, 1, &run.batch, 1));
        }
    }
    page_run_release(&expected);
    page_run_release(&run);
}

/* A value in the middle of a document, where the fast path is, equals the same at its end. */
TEST(page_reads_every_number_the_same_on_both_paths)
{
    static const char *const NUMBERS[] = {
        "0",
        "-0",
        "7",
        "-7",
        "0.5",
        "-0.5",
        "10",
        "100",
        "7.129",
        "0.0000125",
        "-0.0000121451",
        "43839.9999967572",
        "123456789012345",
        "1234567890123456",
        "9007199254740993",
        "-9007199254740993",
        "12345678901234567",
        "0.12345678901234",
        "0.123456789012345",
        "1.2345678901234567",
        "-1.234567890123456",
        "99999999999999.9",
        "999999999999999.9",
        "1e5",
        "1E-5",
        "1.5e+10",
        "1e22",
        "833921654247199700000",
        "6890172247264350000",
        "0.00000000000000000001",
        "123456789.123456789",
        "0.1",
        "0.10",
        "0.0",
        "-0.0",
        "1e-7",
        "1.29e-7",
        "2e-308",
        "4.9e-324",
        "9999999999999999",
        "-9999999999999999",
    };
    char text[1024];
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        for (int close = 0; close < 2; close++) {
            /* Rows 1 and 2 are read with what row 0 taught; 200 spaces keep the end away. */
            str_print(text, sizeof text,
                      "{\"Data\":[{\"TS\":1,\"PRICE\":1%s},{\"TS\":1,\"PRICE\":%s%s},"
                      "{\"TS\":2,\"PRICE\":%s%s}]%200s}",
                      close ? "" : ",\"COUNT\":1", NUMBERS[i], close ? "" : ",\"COUNT\":1",
                      NUMBERS[i], close ? "" : ",\"COUNT\":1", "");
            if (!CHECK_INT(CCD_OK, page_run_text(&run, text))) {
                fprintf(stderr, "  %s: %s\n", NUMBERS[i], run.err.message);
                continue;
            }
            double expected = strtod(NUMBERS[i], NULL);
            CHECK_F64_BITS(expected, batch_cell(&run.batch, 1, SMALL_PRICE)->f64);
            if (!CHECK_F64_BITS(expected, batch_cell(&run.batch, 2, SMALL_PRICE)->f64))
                fprintf(stderr, "  %s\n", NUMBERS[i]);
        }
    }
    page_run_release(&run);
}

TEST(page_refuses_bad_numbers_on_the_fast_path)
{
    static const char *const NUMBERS[] = {
        "00",
        "01",
        "-01",
        "-00.5",
        "00.5",
        "1.",
        "-1.",
        ".5",
        "-.5",
        "-",
        "1..5",
        "1.5.",
        "1.2.3",
        "1e",
        "1e+",
        "1-2",
        "1+2",
        "+1",
        "1e5e5",
        "1_0",
        "0x1",
        "1f",
        "1234567890123456.",
        "12345678901234567.",
        "123456789012345.",
        "1 2",
        "1\t2",
        "1\\u0030",
        "\"1",
        "1\"",
        "--1",
        "1-",
        "NaN",
        "1e400",
        "1234567890123456e",
        "1l",
        "1<",
        "1|",
        "1=",
        "1m",
        "1-",
        "",
        " ",
        "1;",
        "1/2",
        "1:",
    };
    char text[1024];
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        for (int kind = 0; kind < 4; kind++) {
            const char *key = kind % 2 == 0 ? "PRICE" : "COUNT";
            const char *more = kind < 2 ? ",\"FLAG\":true" : "";
            str_print(text, sizeof text,
                      "{\"Data\":[{\"TS\":1,\"%s\":1%s},{\"TS\":1,\"%s\":%s%s},{\"TS\":1,\"%s\":1%"
                      "s}]%200s}",
                      key, more, key, NUMBERS[i], more, key, more, "");
            if (!CHECK_INT(CCD_BAD_REPLY, page_run_text(&run, text)))
                fprintf(stderr, "  in %s\n", text);
        }
    }
    page_run_release(&run);
}

TEST(page_shares_the_text_of_equal_neighbours)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    CHECK_INT(CCD_OK,
              page_run_text(
                  &run,
                  "{\"Data\":[{\"TS\":1,\"NAME\":\"aa\"},{\"TS\":2,\"NAME\":\"aa\"},"
                  "{\"TS\":3},{\"TS\":4,\"NAME\":\"\\u0061a\"},{\"TS\":5,\"NAME\":\"b\"},"
                  "{\"TS\":6,\"NAME\":null},{\"TS\":7,\"NAME\":\"\"},{\"TS\":8,\"NAME\":\"b\"}]}"));
    CHECK_INT(4, run.batch.text.len); /* aa b b */
    static const char *const EXPECTED[] = {"aa", "aa", "", "aa", "b", "", "", "b"};
    for (size_t row = 0; row < 8; row++) {
        CHECK_STR(EXPECTED[row], batch_text(&run.batch, row, SMALL_NAME));
        CHECK_INT(row != 2 && row != 5, batch_has(&run.batch, row, SMALL_NAME));
    }
    page_run_release(&run);
}

TEST(page_reads_long_and_escaped_texts_in_every_row)
{
    struct page_run run;
    struct buf page;
    page_run_init(&run, &small_type, 50);
    buf_init(&page, 1 << 20, NULL);
    buf_add_text(&page, "{\"Data\":[");
    for (int row = 0; row < 50; row++) {
        /* 26 … 36 bytes: around the length that one comparison covers */
        buf_printf(&page, "%s{\"TS\":%d,\"NAME\":\"%s%.*s\",\"A\":%d}", row == 0 ? "" : ",", row,
                   row % 7 == 0 ? "\\u0061" : "a", 25 + row / 3 % 11,
                   "bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz", row);
    }
    buf_add_text(&page, "]}");
    CHECK_INT(CCD_OK, page_run_bytes(&run, page.data, page.len));
    for (size_t row = 0; row < 50; row++) {
        char expected[64];
        str_print(expected, sizeof expected, "a%.*s", (int)(25 + row / 3 % 11),
                  "bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz");
        CHECK_STR(expected, batch_text(&run.batch, row, SMALL_NAME));
        CHECK_F64_BITS((double)row, batch_cell(&run.batch, row, SMALL_A)->f64);
    }
    buf_release(&page);
    page_run_release(&run);
}

TEST(page_counts_unknown_members_and_names_the_first)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    CHECK_INT(CCD_OK, page_run_text(&run, "{\"Data\":[{\"TS\":1,\"N\\u0045W\":[{\"x\":1}],\"B\":1},"
                                          "{\"B\":\"\",\"TS\":2}],\"Unknown\":1}"));
    CHECK_INT(3, run.batch.unknown_keys);
    CHECK_TEXT("NEW", run.batch.first_unknown_key);
    CHECK_INT(CCD_OK, page_run_text(&run, TWO_ROWS));
    CHECK_INT(0, run.batch.unknown_keys);
    CHECK_TEXT("", run.batch.first_unknown_key);
    page_run_release(&run);
}

TEST(page_learns_the_order_of_members_and_unlearns_it)
{
    static const char *const ORDERS[] = {
        "{\"Data\":[{\"A\":1,\"TS\":2,\"COUNT\":3},{\"A\":4,\"TS\":5,\"COUNT\":6},{\"A\":7,\"TS\":"
        "8,\"COUNT\":9}]}",
        "{\"Data\":[{\"COUNT\":3,\"TS\":2,\"A\":1},{\"A\":4,\"TS\":5,\"COUNT\":6},{\"TS\":8,"
        "\"COUNT\":9,\"A\":7}]}",
        "{\"Data\":[{\"TS\":2,\"COUNT\":3,\"A\":1},{\"TS\":5,\"A\":4,\"COUNT\":6},{\"COUNT\":9,"
        "\"A\":7,\"TS\":8}]}",
    };
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    for (size_t i = 0; i < 9; i++) {
        CHECK_INT(CCD_OK, page_run_text(&run, ORDERS[i % 3]));
        for (size_t row = 0; row < 3; row++) {
            CHECK_F64_BITS(1.0 + 3.0 * (double)row, batch_cell(&run.batch, row, SMALL_A)->f64);
            CHECK_INT(2 + 3 * row, batch_cell(&run.batch, row, SMALL_TS)->i64);
            CHECK_INT(3 + 3 * row, batch_cell(&run.batch, row, SMALL_COUNT)->i64);
        }
    }
    CHECK(run.decoder.type == &small_type);
    /* Another type: what was learned does not hold. */
    const struct data_type *other = data_type_find(STR("indices_ohlcv"));
    CHECK_INT(CCD_OK, batch_reset(&run.batch, other, 10, &run.err));
    CHECK_INT(CCD_OK, page_run_text(
                          &run, "{\"Data\":[{\"UNIT\":\"DAY\",\"TIMESTAMP\":86400,\"MARKET\":\"m\","
                                "\"INSTRUMENT\":\"A-B\",\"OPEN\":1}]}"));
    CHECK(run.decoder.type == other);
    page_run_release(&run);
}

TEST(page_takes_as_many_rows_as_asked_for_and_no_more)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    run.rows_max = 2;
    CHECK_INT(CCD_OK, page_run_text(&run, "{\"Data\":[{\"TS\":1},{\"TS\":2}]}"));
    CHECK_INT(CCD_BAD_REPLY, page_run_text(&run, "{\"Data\":[{\"TS\":1},{\"TS\":2},{\"TS\":3}]}"));
    CHECK(strstr(run.err.message, "more records than asked for") != NULL);
    CHECK_INT(27, run.err.byte_offset);
    check_empty(&run.batch);
    run.rows_max = 0;
    CHECK_INT(CCD_OK, page_run_text(&run, "{\"Data\":[]}"));
    CHECK_INT(CCD_BAD_REPLY, page_run_text(&run, "{\"Data\":[{\"TS\":1}]}"));
    run.rows_max = 1000; /* beyond the batch: its own capacity holds */
    CHECK_INT(CCD_BAD_REPLY,
              page_run_text(
                  &run,
                  "{\"Data\":[{\"TS\":1},{\"TS\":1},{\"TS\":1},{\"TS\":1},{\"TS\":1},{\"TS\":1},"
                  "{\"TS\":1},{\"TS\":1},{\"TS\":1},{\"TS\":1},{\"TS\":1}]}"));
    page_run_release(&run);
}

static void add_nested(struct buf *page, int depth, char open, char close)
{
    for (int i = 0; i < depth; i++)
        buf_add_text(page, open == '[' ? "[" : i + 1 < depth ? "{\"a\":" : "{");
    for (int i = 0; i < depth; i++)
        buf_add_char(page, close);
}

TEST(page_takes_a_depth_of_32_and_no_more)
{
    struct page_run run;
    struct buf page;
    page_run_init(&run, &small_type, 10);
    buf_init(&page, 1 << 24, NULL);
    for (int depth = 1; depth < 40; depth++) {
        for (int form = 0; form < 4; form++) {
            /* around the value: document, Data and record, or document alone */
            int around = form < 2 ? 3 : 1;
            buf_clear(&page);
            buf_add_text(&page, form < 2 ? "{\"Data\":[{\"TS\":1,\"NEW\":" : "{\"NEW\":");
            add_nested(&page, depth, form % 2 ? '[' : '{', form % 2 ? ']' : '}');
            buf_add_text(&page, form < 2 ? "}]}" : "}");
            CHECK_INT(depth + around <= DECODE_DEPTH_MAX ? CCD_OK : CCD_BAD_REPLY,
                      page_run_bytes(&run, page.data, page.len));
        }
    }
    buf_clear(&page);
    buf_add_text(&page, "{\"NEW\":");
    for (int i = 0; i < 1000000; i++)
        buf_add_char(&page, '[');
    CHECK_INT(CCD_BAD_REPLY, page_run_bytes(&run, page.data, page.len));
    CHECK(strstr(run.err.message, "nested too deep") != NULL);
    CHECK_INT(7 + DECODE_DEPTH_MAX - 1, run.err.byte_offset);
    buf_release(&page);
    page_run_release(&run);
}

TEST(page_takes_a_text_of_a_mebibyte_and_no_more)
{
    struct page_run run;
    struct buf page;
    page_run_init(&run, &small_type, 10);
    buf_init(&page, 1 << 24, NULL);
    for (int form = 0; form < 3; form++) {
        for (int extra = 0; extra < 2; extra++) {
            buf_clear(&page);
            buf_add_text(&page, form == 0   ? "{\"Data\":[{\"TS\":1,\"NAME\":\""
                                : form == 1 ? "{\"NEW\":\""
                                            : "{\"");
            for (int i = 0; i < DECODE_TEXT_MAX_BYTES + extra; i++)
                buf_add_char(&page, 'x');
            buf_add_text(&page, form == 0 ? "\"}]}" : form == 1 ? "\"}" : "\":1}");
            CHECK_INT(extra == 0 ? CCD_OK : CCD_BAD_REPLY,
                      page_run_bytes(&run, page.data, page.len));
        }
    }
    buf_release(&page);
    page_run_release(&run);
}

TEST(page_says_no_memory_when_the_text_area_is_full)
{
    struct page_run run = {.rows_max = 4};
    CHECK_INT(CCD_OK, batch_init(&run.batch, &small_type, 4, 6, NULL, &run.err));
    CHECK_INT(CCD_OK,
              page_run_text(
                  &run, "{\"Data\":[{\"TS\":1,\"NAME\":\"abc\"},{\"TS\":1,\"NAME\":\"def\"}]}"));
    CHECK_INT(CCD_NO_MEMORY,
              page_run_text(
                  &run, "{\"Data\":[{\"TS\":1,\"NAME\":\"abc\"},{\"TS\":1,\"NAME\":\"defg\"}]}"));
    CHECK_INT(CCD_NO_MEMORY, run.err.status);
    check_empty(&run.batch);
    CHECK_INT(CCD_OK, page_run_text(&run, TWO_ROWS));
    page_run_release(&run);
}

TEST(page_allocates_for_texts_only_and_survives_failure)
{
    for (long fail_at = 0; fail_at < 6; fail_at++) {
        struct limited_allocator allocator;
        limited_allocator_init(&allocator, fail_at, -1);
        struct page_run run = {.rows_max = 4};
        if (batch_init(&run.batch, &small_type, 4, 100, &allocator.hook, &run.err) == CCD_OK) {
            long before = allocator.requests;
            int status = page_run_text(&run, TWO_ROWS);
            CHECK(status == CCD_OK || status == CCD_NO_MEMORY);
            CHECK(allocator.requests - before <= 1);
            if (status == CCD_NO_MEMORY)
                check_empty(&run.batch);
        }
        page_run_release(&run);
        CHECK_INT(0, allocator.held);
    }
}

TEST(page_cuts_an_error_message_at_a_character)
{
    struct page_run run;
    struct buf page;
    page_run_init(&run, &small_type, 10);
    buf_init(&page, 1 << 16, NULL);
    for (int shift = 0; shift < 4; shift++) {
        buf_clear(&page);
        buf_printf(&page, "{\"Err\":{\"message\":\"%.*s", shift, "abcd");
        for (int i = 0; i < 300; i++)
            buf_add_text(&page, "\xF0\x9F\x98\x80");
        buf_add_text(&page, "\"}}");
        CHECK_INT(CCD_OK, page_run_bytes(&run, page.data, page.len));
        size_t len = strlen(run.envelope.error_message);
        CHECK(len > 250 && len < sizeof run.envelope.error_message);
        CHECK(str_is_utf8((struct str){run.envelope.error_message, len}));
    }
    buf_release(&page);
    page_run_release(&run);
}

TEST(page_works_without_an_error_to_fill)
{
    struct page_run run;
    page_run_init(&run, &small_type, 10);
    CHECK_INT(CCD_BAD_REPLY,
              page_decode(&run.decoder, "{", 1, 10, &run.batch, &run.envelope, NULL));
    CHECK_INT(CCD_BAD_REPLY,
              page_decode(&run.decoder, NULL, 0, 10, &run.batch, &run.envelope, NULL));
    page_run_release(&run);
}
