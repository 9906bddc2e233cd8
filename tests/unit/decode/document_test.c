#include "decode/document.h"

#include <string.h>

#include "test.h"

/* "[3" opens a list that begins on line 3, "5:a" is a value on line 5, "2k" a key on line 2. */
static void add_lines(const struct document_value *value, char *out, size_t size)
{
    static const char *const KINDS[] = {"null", "bool", "int", "num", "text", "[", "{"};
    size_t len = strlen(out);
    if (value->key.ptr)
        str_print(out + len, size - len, STR_FMT "@%d=", STR_ARG(value->key), value->key_line);
    len = strlen(out);
    str_print(out + len, size - len, "%s@%d ", KINDS[value->kind], value->line);
    for (size_t i = 0; i < value->count; i++)
        add_lines(&value->items[i], out, size);
}

static void check_lines(const char *expected, const char *text)
{
    struct document document;
    struct ccd_error err = {0};
    char lines[1024] = "";
    if (!CHECK_INT(0, document_parse(&document, str_from(text), "x", &err))) {
        CHECK_TEXT("", err.message);
        return;
    }
    add_lines(&document.root, lines, sizeof(lines));
    CHECK_TEXT(expected, lines);
    document_release(&document);
}

static void refuses_bytes(const char *expected, const char *text, size_t len)
{
    struct document document;
    struct ccd_error err = {0};
    if (CHECK_INT(CCD_USAGE, document_parse(&document, (struct str){text, len}, "x", &err)))
        CHECK_TEXT(expected, err.message);
    else if (err.status == CCD_OK)
        document_release(&document);
}

static void refuses(const char *expected, const char *text)
{
    refuses_bytes(expected, text, strlen(text));
}

TEST(document_lines_of_values_and_keys)
{
    check_lines("null@1 ", "null");
    check_lines("int@3 ", "\n\n 5");
    check_lines("[@1 ", "[]");
    check_lines("[@2 ", "\n[\n\n]\n");
    check_lines("{@1 ", "{\n}");
    check_lines("[@1 int@1 int@2 int@4 ", "[1,\n2\n,\n3]");
    check_lines("{@1 a@2=int@2 b@3=int@5 ", "{\n\"a\":1,\n\"b\"\n:\n2}");
    check_lines("{@1 a@1=[@2 int@3 {@4 c@4=bool@4 b@6=null@6 ",
                "{\"a\":\n[\n1,\n{\"c\":true}\n],\n\"b\":null}");
    check_lines("[@1 [@2 [@3 text@5 ", "[\n[],\n[\n],\n\"x\"]");
}

TEST(document_texts_do_not_disturb_the_lines)
{
    check_lines("[@1 text@1 text@2 ", "[\"\\\"]},:\\\\\",\n\"\\n\"]");
    check_lines("[@1 text@1 int@2 ", "[\"\\\\\",\n1]");
    check_lines("{@1 a\"b@2=text@2 c@3=num@3 ", "{\n\"a\\\"b\":\"{[\",\n\"c\":-1.5e3}");
    check_lines("[@1 text@1 bool@2 ", "[\"M\xC3\x88ME\",\nfalse]");
    check_lines("[@1 int@2 int@3 ", "[\r\n1,\r\n2]\r\n");
}

TEST(document_members_keep_the_order_of_the_text)
{
    struct document document;
    struct ccd_error err = {0};
    struct str text = STR(
        "{\"zz\":-9223372036854775808,\"a\":true,\"m\":\"t\\u00e9\",\"b\":[1.0]}");
    if (!CHECK_INT(0, document_parse(&document, text, "x", &err)))
        return;
    const struct document_value *items = document.root.items;
    CHECK_INT(4, document.root.count);
    CHECK_STR("zz", items[0].key);
    CHECK_INT(INT64_MIN, items[0].integer);
    CHECK_STR("a", items[1].key);
    CHECK(items[1].is_true);
    CHECK_STR("t\xC3\xA9", items[2].text);
    CHECK_INT(DOCUMENT_NUMBER, items[3].items[0].kind);
    document_release(&document);
}

TEST(document_a_byte_order_mark_is_skipped)
{
    check_lines("[@2 ", "\xEF\xBB\xBF\n[]");
}

TEST(document_refusals_name_the_line)
{
    refuses("x:1: there is no text in it", "");
    refuses("x:1: there is no text in it", " \n\n");
    refuses("x:3: not JSON: unexpected token near ']'", "[\n1,\n]");
    refuses("x:2: not JSON: invalid token near 'tru'", "[\ntru]");
    refuses("x:2: not JSON: end of file expected near '5'", "[]\n5");
    refuses("x:3: duplicate object key near '\"a\"'; keep one", "{\"a\":1,\n\"b\":1,\n\"a\":2}");
    refuses("x:2: the byte 0xff is not UTF-8 text", "[\n\"\xFF\"]");
    refuses("x:1: the byte 0xc3 is not UTF-8 text", "[\"\xC3\n\"]");
    refuses("x:2: \\u0000 stands in a text", "[\n\"a\\u0000\"]");
    refuses("x:1: \\u0000 stands in a text", "{\"\\u0000\":1}");
    refuses("x:2: not JSON: too big integer near '9223372036854775808'", "[\n9223372036854775808]");
    refuses_bytes("x:2: not JSON: invalid token near end of file", "[\n\0]", 4);
}

TEST(document_depth_is_bounded)
{
    check_lines("[@1 [@1 [@1 [@1 [@1 [@1 [@1 [@1 int@1 ", "[[[[[[[[1]]]]]]]]");
    refuses("x:2: more than 8 lists and objects in each other", "[[[[[[[[\n[]]]]]]]]]");
    static char deep[100001];
    memset(deep, '[', sizeof(deep) - 1);
    struct document document;
    struct ccd_error err = {0};
    CHECK_INT(CCD_USAGE, document_parse(&document, str_from(deep), "x", &err));
}
