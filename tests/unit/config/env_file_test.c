#include "config/env_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "limited_allocator.h"
#include "test.h"

static bool find_outside(void *user, struct str name, bool before_file, struct str *out_value)
{
    (void)user;
    if (before_file && str_equal(name, STR("STRONG"))) {
        *out_value = STR("strong");
        return true;
    }
    if (!before_file && (str_equal(name, STR("WEAK")) || str_equal(name, STR("STRONG")))) {
        *out_value = STR("weak");
        return true;
    }
    return false;
}

static const struct env_lookup OUTSIDE = {.find = find_outside};

/* Value of NAME in `text`; fails the test when `text` is refused. Valid until the next call. */
static const char *value_of(const char *text)
{
    static char value[70000];
    struct env_file file;
    struct ccd_error err = {0};
    value[0] = '\0';
    if (CHECK_INT(0, env_file_parse(&file, str_from(text), ".env", &OUTSIDE, NULL, &err))) {
        const struct env_entry *entry = env_file_find(&file, STR("NAME"));
        if (CHECK(entry != NULL)) {
            (void)str_copy(value, sizeof value, entry->value);
            CHECK_INT('\0', entry->value.ptr[entry->value.len]);
        }
    } else {
        CHECK_TEXT(text, err.message);
    }
    env_file_release(&file);
    return value;
}

/* Message with which `text` is refused. Valid until the next call. */
static const char *refusal(struct str text)
{
    static struct ccd_error err;
    struct env_file file;
    error_clear(&err);
    CHECK_INT(CCD_CONFIG, env_file_parse(&file, text, ".env", &OUTSIDE, NULL, &err));
    env_file_release(&file);
    return err.message;
}

TEST(env_bare_values)
{
    CHECK_TEXT("value", value_of("NAME=value"));
    CHECK_TEXT("value", value_of("NAME=value\n"));
    CHECK_TEXT("value", value_of("NAME=value\r\n"));
    CHECK_TEXT("value", value_of("NAME=value\r"));
    CHECK_TEXT("value", value_of("  NAME  =  value  \n"));
    CHECK_TEXT("value", value_of("\tNAME\t=\tvalue\t# a comment\n"));
    CHECK_TEXT("a b  c", value_of("NAME=a b  c  "));
    CHECK_TEXT("a#b", value_of("NAME=a#b"));
    CHECK_TEXT("a", value_of("NAME=a #b#c"));
    CHECK_TEXT("a=b==", value_of("NAME=a=b=="));
    CHECK_TEXT("", value_of("NAME="));
    CHECK_TEXT("", value_of("NAME=   "));
    CHECK_TEXT("", value_of("NAME= # nothing\n"));
    CHECK_TEXT("a\"b'c", value_of("NAME=a\"b'c"));
    CHECK_TEXT("C:\\new", value_of("NAME=C:\\new"));
    CHECK_TEXT("a$b$", value_of("NAME=a$b$"));
    CHECK_TEXT("\xC3\xA9", value_of("NAME=\xC3\xA9"));
}

TEST(env_lines)
{
    CHECK_TEXT("x", value_of("# comment\n\n   \n\t# another\r\nexport NAME=x\n"));
    CHECK_TEXT("x", value_of("\xEF\xBB\xBFNAME=x"));
    CHECK_TEXT("x", value_of("export \t NAME = x"));
    CHECK_TEXT("x", value_of("export=1\nexported=2\nNAME=x"));
    CHECK_TEXT("x", value_of("_a1=2\nNAME=x"));
    struct env_file file;
    CHECK_INT(0, env_file_parse(&file, STR("\nA=1\n\nB=2"), ".env", NULL, NULL, NULL));
    if (CHECK_INT(2, file.count)) {
        CHECK_INT(2, file.entries[0].line);
        CHECK_INT(4, file.entries[1].line);
        CHECK_STR("B", file.entries[1].name);
    }
    CHECK(env_file_find(&file, STR("C")) == NULL);
    env_file_release(&file);
    env_file_release(&file);
    env_file_release(NULL);
    CHECK_INT(0, env_file_parse(&file, (struct str){NULL, 0}, ".env", NULL, NULL, NULL));
    CHECK_INT(0, file.count);
    env_file_release(&file);
}

TEST(env_quoted_values)
{
    CHECK_TEXT(" a # b ", value_of("NAME=' a # b '"));
    CHECK_TEXT("${X} \\n \"", value_of("NAME='${X} \\n \"'  # comment"));
    CHECK_TEXT("", value_of("NAME=''"));
    CHECK_TEXT("", value_of("NAME=\"\""));
    CHECK_TEXT(" a # 'b' ", value_of("NAME=\" a # 'b' \"   "));
    CHECK_TEXT("\\ \" $ \n \r \t", value_of("NAME=\"\\\\ \\\" \\$ \\n \\r \\t\""));
    CHECK_TEXT("${X}", value_of("NAME=\"\\${X}\""));
    CHECK_TEXT("$", value_of("NAME=\"$\""));
}

TEST(env_expansion)
{
    CHECK_TEXT("1/2", value_of("A=1\nB=2\nNAME=${A}/${B}"));
    CHECK_TEXT("<1>", value_of("A=1\nNAME=\"<${A}>\" # c"));
    CHECK_TEXT("strong", value_of("STRONG=own\nNAME=${STRONG}"));
    CHECK_TEXT("weak", value_of("NAME=${WEAK}"));
    CHECK_TEXT("own", value_of("WEAK=own\nNAME=${WEAK}"));
    CHECK_TEXT("${A}", value_of("A='${A}'\nNAME=${A}")); /* once, not again */
    CHECK_TEXT("1 # 2", value_of("A='1 # 2'\nNAME=${A}"));
    CHECK_TEXT(".env:1: ${NAME} is not set", refusal(STR("NAME=${NAME}")));
    CHECK_TEXT(".env:2: ${B} is not set", refusal(STR("A=1\nNAME=${B}\nB=2")));
    static const char *const BAD[] = {"NAME=${",      "NAME=${}",     "NAME=${A",   "NAME=${1}",
                                      "NAME=${A:-b}", "NAME=\"${A\"", "NAME=${A b}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        CHECK(strstr(refusal(str_from(BAD[i])), ".env:1: '${' must be followed") != NULL);
    }
}

TEST(env_refused_lines)
{
    static const struct {
        struct str text;
        const char *message;
    } CASES[] = {
        {STR("NAME"), ".env:1: neither NAME=value nor a comment"},
        {STR("\n\nexport NAME\n"), ".env:3: neither NAME=value nor a comment"},
        {STR("=x"), ".env:1: neither NAME=value nor a comment"},
        {STR("1A=x"), ".env:1: neither NAME=value nor a comment"},
        {STR("A-B=x"), ".env:1: neither NAME=value nor a comment"},
        {STR("A B=x"), ".env:1: neither NAME=value nor a comment"},
        {STR("\xC3\xA9=x"), ".env:1: neither NAME=value nor a comment"},
        {STR("A='x"), ".env:1: the closing ' is missing"},
        {STR("A='"), ".env:1: the closing ' is missing"},
        {STR("A=\"x"), ".env:1: the closing \" is missing"},
        {STR("A=\""), ".env:1: the closing \" is missing"},
        {STR("A=\"x\\\""), ".env:1: the closing \" is missing"},
        {STR("A=\"x\ny\""), ".env:1: the closing \" is missing"},
        {STR("A=\"\\q\""), ".env:1: after '\\' in double quotes only \\ \" $ n r t may follow"},
        {STR("A=\"\\"), ".env:1: after '\\' in double quotes only \\ \" $ n r t may follow"},
        {STR("A='x'y"), ".env:1: text after the closing quote"},
        {STR("A='x'#y"), ".env:1: text after the closing quote"},
        {STR("A=\"x\" y"), ".env:1: text after the closing quote"},
        {STR("A=#x"), ".env:1: a value that begins with '#' needs quotes"},
        {STR("A=1\nB=2\nA=3"), ".env:3: A is set before, in line 1; keep one of the two"},
        {STR("A=\nexport A="), ".env:2: A is set before, in line 1; keep one of the two"},
        {STR("A=1\nB=x\0y"), ".env:2: NUL byte (0x00)"},
        {STR("\0"), ".env:1: NUL byte (0x00)"},
        {STR("# \x1B[2J"), ".env:1: control character 0x1b"},
        {STR("A=x\ry"), ".env:1: control character 0x0d"},
        {STR("A=x\r\r\n"), ".env:1: control character 0x0d"},
        {STR("A=\x7F"), ".env:1: control character 0x7f"},
        {STR("A=1\n# \xFF\n"), ".env:2: not UTF-8 text"},
        {STR("\xFF\xFE"
             "A\0=\0"),
         ".env:1: NUL byte (0x00)"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        CHECK_TEXT(CASES[i].message, refusal(CASES[i].text));
    }
}

TEST(env_line_limit)
{
    char *text = malloc(ENV_LINE_MAX_BYTES + 2);
    if (!CHECK(text != NULL)) {
        return;
    }
    memset(text, 'x', ENV_LINE_MAX_BYTES + 2);
    memcpy(text, "NAME=", 5);
    text[ENV_LINE_MAX_BYTES] = '\0';
    CHECK_INT(ENV_LINE_MAX_BYTES - 5, strlen(value_of(text)));
    CHECK_TEXT(".env:1: the line is longer than 16384 bytes",
               refusal((struct str){text, ENV_LINE_MAX_BYTES + 1}));
    free(text);
}

TEST(env_file_limit)
{
    char *text = malloc(ENV_FILE_MAX_BYTES + 1);
    if (!CHECK(text != NULL)) {
        return;
    }
    memset(text, '\n', ENV_FILE_MAX_BYTES + 1);
    struct env_file file;
    CHECK_INT(
        0, env_file_parse(&file, (struct str){text, ENV_FILE_MAX_BYTES}, ".env", NULL, NULL, NULL));
    env_file_release(&file);
    CHECK_TEXT(".env is larger than 1048576 bytes",
               refusal((struct str){text, ENV_FILE_MAX_BYTES + 1}));
    free(text);
}

TEST(env_expansion_is_bounded)
{
    struct buf text;
    buf_init(&text, 1 << 20, NULL);
    buf_add_text(&text, "V0=0123456789abcdef\n");
    for (int i = 1; i < 13; i++) {
        buf_printf(&text, "V%d=${V%d}${V%d}\n", i, i - 1, i - 1);
    }
    struct env_file file;
    CHECK_INT(0, env_file_parse(&file, buf_str(&text), ".env", NULL, NULL, NULL));
    CHECK_INT(ENV_VALUE_MAX_BYTES, file.entries[12].value.len);
    env_file_release(&file);
    buf_add_text(&text, "V13=${V12}x\n");
    CHECK_TEXT(".env:14: the value is longer than 65536 bytes", refusal(buf_str(&text)));

    buf_clear(&text);
    buf_add_text(&text, "V0=");
    for (int i = 0; i < 15000; i++) {
        buf_add_char(&text, 'x');
    }
    for (int i = 1; i < 300; i++) {
        buf_printf(&text, "\nV%d=${V0}", i);
    }
    CHECK_TEXT(".env:280: the values of the file are longer than 4194304 bytes together",
               refusal(buf_str(&text)));
    buf_release(&text);
}

TEST(env_number_of_names_is_bounded)
{
    struct buf text;
    buf_init(&text, 1 << 20, NULL);
    for (int i = 0; i < ENV_MAX_ENTRIES; i++) {
        buf_printf(&text, "V%d=\n", i);
    }
    struct env_file file;
    CHECK_INT(0, env_file_parse(&file, buf_str(&text), ".env", NULL, NULL, NULL));
    CHECK_INT(ENV_MAX_ENTRIES, file.count);
    env_file_release(&file);
    buf_add_text(&text, "W=1\n");
    CHECK_TEXT(".env:1001: more than 1000 variables", refusal(buf_str(&text)));
    buf_release(&text);
}

TEST(env_no_memory)
{
    struct buf text;
    buf_init(&text, 1 << 20, NULL);
    for (int i = 0; i < 200; i++) {
        buf_printf(&text, "VARIABLE_%d='a value of some length'\n", i);
    }
    bool done = false;
    for (long fail_at = 0; !done && fail_at < 100; fail_at++) {
        struct limited_allocator limited;
        struct env_file file;
        struct ccd_error err = {0};
        limited_allocator_init(&limited, fail_at, fail_at);
        int result = env_file_parse(&file, buf_str(&text), ".env", NULL, &limited.hook, &err);
        done = limited.requests <= fail_at;
        CHECK_INT(done ? CCD_OK : CCD_NO_MEMORY, result);
        env_file_release(&file);
        CHECK_INT(0, limited.held);
    }
    CHECK(done);
    buf_release(&text);
}
