#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "test.h"

static const struct str NOTHING = {NULL, 0};

TEST(str_equality)
{
    CHECK(str_equal(STR("abc"), STR("abc")));
    CHECK(!str_equal(STR("abc"), STR("abd")));
    CHECK(!str_equal(STR("abc"), STR("ab")));
    CHECK(str_equal(NOTHING, STR("")));
    CHECK(str_equal(STR("a\0b"), STR("a\0b")));
    CHECK(!str_equal(STR("a\0b"), STR("a\0c")));
    CHECK(str_equal_nocase(STR("AbC-1"), STR("aBc-1")));
    CHECK(!str_equal_nocase(STR("["), STR("{"))); /* 0x20 apart, but no letters */
    CHECK(!str_equal_nocase(STR("\xC3\x89"), STR("\xC3\xA9")));
    CHECK(str_equal_nocase(NOTHING, STR("")));
    CHECK_INT(0, str_from(NULL).len);
    CHECK_INT(3, str_from("abc").len);
}

TEST(str_prefixes)
{
    CHECK(str_starts_with(STR("BTC-USD"), STR("BTC")));
    CHECK(str_starts_with(STR("BTC"), NOTHING));
    CHECK(str_starts_with(NOTHING, NOTHING));
    CHECK(!str_starts_with(STR("BT"), STR("BTC")));
    CHECK(!str_starts_with(STR("btc"), STR("BTC")));
    CHECK(str_starts_with_nocase(STR("btc-usd"), STR("BTC")));
    CHECK(!str_starts_with_nocase(STR("bt"), STR("BTC")));
}

TEST(str_trim_both_ends)
{
    CHECK_STR("a b", str_trim(STR(" \t\r\n\v\fa b \n")));
    CHECK_STR("", str_trim(STR(" \t ")));
    CHECK_STR("", str_trim(NOTHING));
    CHECK_STR("a", str_trim(STR("a")));
    CHECK_STR("\xC2\xA0", str_trim(STR("\xC2\xA0"))); /* no-break space is not ASCII */
}

TEST(str_search)
{
    CHECK_INT(3, str_find(STR("abcdef"), STR("de")));
    CHECK(str_find(STR("abcdef"), STR("df")) == SIZE_MAX);
    CHECK_INT(0, str_find(STR("abc"), STR("")));
    CHECK_INT(0, str_find(NOTHING, NOTHING));
    CHECK(str_find(NOTHING, STR("a")) == SIZE_MAX);
    CHECK_INT(2, str_find_nocase(STR("xxApIkey"), STR("apiKEY")));
    CHECK(str_find_nocase(STR("ap"), STR("api")) == SIZE_MAX);
    CHECK_INT(2, str_find_nocase(STR("aaB"), STR("b")));
    CHECK_INT(0, str_find_nocase(NOTHING, NOTHING));
}

TEST(str_split_parts)
{
    struct str rest = STR("a,,b,");
    CHECK_STR("a", str_split(&rest, ','));
    CHECK_STR("", str_split(&rest, ','));
    CHECK_STR("b", str_split(&rest, ','));
    CHECK_INT(0, rest.len);
    CHECK_STR("", str_split(&rest, ','));
    CHECK_INT(0, rest.len);
    rest = STR("whole");
    CHECK_STR("whole", str_split(&rest, ','));
    CHECK_INT(0, rest.len);
    rest = NOTHING;
    CHECK_STR("", str_split(&rest, ','));
}

TEST(str_print_and_copy_are_bounded)
{
    char out[8];
    CHECK(str_print(out, sizeof out, "%d", 1234567));
    CHECK_TEXT("1234567", out);
    CHECK(!str_print(out, sizeof out, "%d", 12345678));
    CHECK_TEXT("1234567", out);
    CHECK(!str_print(out, 0, "x"));
    CHECK_TEXT("1234567", out);
    CHECK(!str_print(out, sizeof out, "123456%s", "\xC3\xA9")); /* cut before the character */
    CHECK_TEXT("123456", out);

    CHECK(str_copy(out, sizeof out, STR("1234567")));
    CHECK_TEXT("1234567", out);
    CHECK(!str_copy(out, sizeof out, STR("12345\xE2\x82\xAC")));
    CHECK_TEXT("12345", out);
    CHECK(str_copy(out, sizeof out, NOTHING));
    CHECK_TEXT("", out);
    CHECK(!str_copy(out, 1, STR("a")));
    CHECK_TEXT("", out);
    CHECK(!str_copy(out, 0, NOTHING));
}

TEST(str_distance_of_names)
{
    CHECK_INT(0, str_distance(STR("pair_limit"), STR("pair-limit")));
    CHECK_INT(1, str_distance(STR("pair_limt"), STR("pair_limit")));
    CHECK_INT(2, str_distance(STR("piar_limit"), STR("pair_limit")));
    CHECK_INT(3, str_distance(STR("kitten"), STR("sitting")));
    CHECK_INT(3, str_distance(STR("kitten"), STR("sitting")));
    CHECK_INT(5, str_distance(STR(""), STR("abcde")));
    CHECK_INT(5, str_distance(STR("abcde"), NOTHING));
    CHECK_INT(0, str_distance(NOTHING, NOTHING));
    char name[65];
    memset(name, 'n', sizeof name);
    CHECK_INT(64, str_distance((struct str){name, 64}, NOTHING));
    CHECK_INT(255, str_distance((struct str){name, 65}, NOTHING));
    CHECK_INT(255, str_distance(NOTHING, (struct str){name, 65}));
}

TEST(str_glob_matches)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } CASES[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything", true},
        {"**", "", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"BTC-*", "BTC-USD", true},
        {"BTC-*", "ETH-USD", false},
        {"*-USD*", "BTC-USDT-VANILLA", true},
        {"*PERPETUAL", "BTC-USDT-VANILLA-PERPETUAL", true},
        {"*PERPETUAL", "PERPETUAL-BTC", false},
        {"a*b*c", "a1b2b3c", true},
        {"a*b*c", "a1b2b3", false},
        {"*ab", "aab", true},
        {"*a?", "aaa", true},
        {"btc*", "BTC", true},
        {"KRAK?n", "kraken", true},
        {"\xC3\x89", "\xC3\xA9", false},
        {"[a]", "[a]", true},
        {"\\*", "*", false},
        {"?", "\xC3\xA9", true},
        {"??", "\xC3\xA9", false},
        {"*?", "\xE2\x82\xAC", true},
        {"?*?", "\xE2\x82\xAC", false},
        {"?", "\xFF", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        bool matches = str_glob(str_from(CASES[i].pattern), str_from(CASES[i].text));
        if (matches != CASES[i].matches) {
            CHECK_TEXT(CASES[i].pattern, CASES[i].text);
        }
    }
    CHECK(str_glob(NOTHING, NOTHING));
}

TEST(str_glob_many_stars_stay_cheap)
{
    char pattern[200];
    char text[4000];
    for (size_t i = 0; i + 1 < sizeof pattern; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[199] = 'b';
    memset(text, 'a', sizeof text);
    CHECK(!str_glob((struct str){pattern, 200}, (struct str){text, sizeof text}));
}

TEST(str_utf8_validity)
{
    static const struct {
        struct str text;
        bool valid;
    } CASES[] = {
        {STR(""), true},
        {STR("plain"), true},
        {STR("\x7F"), true},
        {STR("\x80"), false},
        {STR("\xC1\xBF"), false}, /* overlong */
        {STR("\xC2\x80"), true},
        {STR("\xDF\xBF"), true},
        {STR("\xC3"), false},
        {STR("\xC3("), false},
        {STR("\xE0\x9F\xBF"), false}, /* overlong */
        {STR("\xE0\xA0\x80"), true},
        {STR("\xED\x9F\xBF"), true},
        {STR("\xED\xA0\x80"), false}, /* surrogate */
        {STR("\xEF\xBF\xBF"), true},
        {STR("\xE2\x82"), false},
        {STR("\xE2\x82("), false},
        {STR("\xF0\x8F\xBF\xBF"), false}, /* overlong */
        {STR("\xF0\x90\x80\x80"), true},
        {STR("\xF4\x8F\xBF\xBF"), true},
        {STR("\xF4\x90\x80\x80"), false}, /* above U+10FFFF */
        {STR("\xF5\x80\x80\x80"), false},
        {STR("a\0b"), true},
        {STR("ok\xFE"), false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (str_is_utf8(CASES[i].text) != CASES[i].valid) {
            CHECK_STR("other verdict", CASES[i].text);
        }
    }
}

TEST(str_utf8_code_points)
{
    uint32_t code_point = 0;
    CHECK_INT(1, utf8_char_size(STR("A"), &code_point));
    CHECK_INT('A', code_point);
    CHECK_INT(2, utf8_char_size(STR("\xC3\xA9"), &code_point));
    CHECK_INT(0xE9, code_point);
    CHECK_INT(3, utf8_char_size(STR("\xE2\x82\xAC"), &code_point));
    CHECK_INT(0x20AC, code_point);
    CHECK_INT(4, utf8_char_size(STR("\xF0\x9F\x98\x80"), &code_point));
    CHECK_INT(0x1F600, code_point);
    CHECK_INT(0, utf8_char_size(NOTHING, &code_point));
}

TEST(str_utf8_cut_points)
{
    CHECK_INT(0, utf8_cut("", 0));
    CHECK_INT(3, utf8_cut("abc", 3));
    CHECK_INT(2, utf8_cut("a\xC3\xA9", 2) + 1);
    CHECK_INT(3, utf8_cut("a\xC3\xA9", 3));
    CHECK_INT(0, utf8_cut("\xF0\x9F\x98\x80", 1));
    CHECK_INT(0, utf8_cut("\xF0\x9F\x98\x80", 2));
    CHECK_INT(0, utf8_cut("\xF0\x9F\x98\x80", 3));
    CHECK_INT(4, utf8_cut("\xF0\x9F\x98\x80", 4));
    CHECK_INT(5, utf8_cut("\x80\x80\x80\x80\x80", 5)); /* not UTF-8 anyhow */
}
