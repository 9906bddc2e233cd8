#include <string.h>

#include "base/buf.h"
#include "limited_allocator.h"
#include "test.h"

TEST(buf_grows_and_stays_terminated)
{
    struct buf b;
    buf_init(&b, 1 << 20, NULL);
    CHECK(b.data == NULL);
    CHECK_STR("", buf_str(&b));
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(0, buf_add_char(&b, 'x'));
        CHECK_INT('\0', b.data[b.len]);
    }
    CHECK_INT(0, buf_add_text(&b, "end"));
    CHECK_INT(1003, b.len);
    CHECK_TEXT("end", b.data + 1000);
    CHECK_INT(0, buf_add_text(&b, NULL));
    CHECK_INT(0, buf_add(&b, NULL, 0));
    CHECK_INT(0, buf_add(&b, "a\0b", 3));
    CHECK_INT(1006, b.len);
    buf_clear(&b);
    CHECK_TEXT("", b.data);
    buf_release(&b);
    CHECK(b.data == NULL);
    buf_release(&b);
    buf_release(NULL);
}

TEST(buf_zeroed_is_legal)
{
    struct buf b = {0};
    CHECK_STR("", buf_str(&b));
    CHECK_INT(0, buf_add(&b, "", 0));
    CHECK_INT(-1, buf_add_char(&b, 'x')); /* its maximum is 0 */
    CHECK(b.failed);
    buf_release(&b);
}

TEST(buf_maximum_is_exact_and_failure_is_sticky)
{
    struct buf b;
    buf_init(&b, 100, NULL);
    char bytes[101];
    memset(bytes, 'y', sizeof bytes);
    CHECK_INT(0, buf_add(&b, bytes, 99));
    CHECK_INT(-1, buf_add(&b, bytes, 2));
    CHECK(b.failed);
    CHECK_INT(99, b.len);
    CHECK_INT(-1, buf_add(&b, bytes, 1)); /* would fit, but a hole is worse than nothing */
    CHECK_INT(-1, buf_add(&b, bytes, 0));
    CHECK_INT(-1, buf_printf(&b, "z"));
    CHECK_INT(99, b.len);
    buf_clear(&b);
    CHECK_INT(0, buf_add(&b, bytes, 100));
    CHECK(b.capacity <= 101);
    CHECK_INT(-1, buf_add(&b, bytes, 1));
    buf_release(&b);
    buf_init(&b, SIZE_MAX, NULL);
    CHECK_INT(0, buf_add_char(&b, 'a'));
    CHECK_INT(-1, buf_reserve(&b, SIZE_MAX));
    buf_release(&b);
    buf_init(&b, SIZE_MAX, NULL);
    CHECK_INT(-1, buf_reserve(&b, SIZE_MAX));
    buf_release(&b);
}

TEST(buf_printf_fits_exactly)
{
    struct buf b;
    buf_init(&b, 10, NULL);
    CHECK_INT(0, buf_printf(&b, "%s", "12345"));
    CHECK_INT(0, buf_printf(&b, "%s", "67890"));
    CHECK_TEXT("1234567890", b.data);
    CHECK_INT(-1, buf_printf(&b, "%c", 'x'));
    CHECK_TEXT("1234567890", b.data);
    buf_clear(&b);
    CHECK_INT(-1, buf_printf(&b, "%s", "12345678901"));
    CHECK_TEXT("", b.data);
    CHECK_INT(0, b.len);
    buf_clear(&b);
    CHECK_INT(0, buf_printf(&b, "%s", ""));
    buf_release(&b);
}

TEST(buf_printf_long_text)
{
    struct buf b;
    buf_init(&b, 1 << 16, NULL);
    CHECK_INT(0, buf_printf(&b, "%05d", 7));
    CHECK_INT(0, buf_printf(&b, "%5000d", 1));
    CHECK_INT(5005, b.len);
    CHECK_INT('1', b.data[5004]);
    buf_release(&b);
}

TEST(buf_no_memory)
{
    for (long fail_at = 0; fail_at < 6; fail_at++) {
        struct limited_allocator limited;
        limited_allocator_init(&limited, fail_at, -1);
        struct buf b;
        buf_init(&b, 1 << 20, &limited.hook);
        size_t good = 0;
        while (buf_printf(&b, "%s", "0123456789abcdef") == 0) {
            good += 16;
        }
        CHECK(b.failed);
        CHECK_INT(good, b.len);
        CHECK(fail_at == 0 ? b.data == NULL : strlen(b.data) == good);
        buf_release(&b);
        CHECK_INT(0, limited.held);
    }
}

TEST(buf_json_text)
{
    struct buf b;
    buf_init(&b, 1000, NULL);
    CHECK_INT(0,
              buf_add_json_text(&b, STR("a\"b\\c/\b\f\n\r\t\x01\x7F\xC2\x85\xE2\x80\xA8\xC3\xA9")));
    CHECK_TEXT("\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u007f\\u0085\\u2028\xC3\xA9\"", b.data);
    buf_clear(&b);
    CHECK_INT(
        0, buf_add_json_text(&b, STR("\xE2\x80\xAE\xE2\x81\xA6\xEF\xBB\xBF\xD8\x9C\xE2\x82\xBF")));
    CHECK_TEXT("\"\\u202e\\u2066\\ufeff\\u061c\xE2\x82\xBF\"", b.data);
    buf_clear(&b);
    CHECK_INT(0, buf_add_json_text(&b, STR("\xFFok\xC3")));
    CHECK_TEXT("\"\xEF\xBF\xBDok\xEF\xBF\xBD\"", b.data);
    buf_clear(&b);
    CHECK_INT(0, buf_add_json_text(&b, (struct str){NULL, 0}));
    CHECK_TEXT("\"\"", b.data);
    buf_clear(&b);
    CHECK_INT(0, buf_add_json_text(&b, STR("a\0b")));
    CHECK_TEXT("\"a\\u0000b\"", b.data);
    buf_release(&b);
}

TEST(buf_url_text)
{
    struct buf b;
    buf_init(&b, 1000, NULL);
    CHECK_INT(0, buf_add_url_text(&b, STR("AZaz09-._~ /?&=%+\r\n\xC3\xA9")));
    CHECK_TEXT("AZaz09-._~%20%2F%3F%26%3D%25%2B%0D%0A%C3%A9", b.data);
    buf_release(&b);
}

TEST(buf_encoders_add_all_or_nothing)
{
    for (size_t max = 0; max < 12; max++) {
        struct buf b;
        buf_init(&b, max, NULL);
        bool fits = buf_add_text(&b, "ab") == 0 && buf_add_json_text(&b, STR("x\ny\"z")) == 0;
        CHECK_INT(max >= 11, fits);
        CHECK_STR(fits ? "ab\"x\\ny\\\"z\"" : max < 2 ? "" : "ab", buf_str(&b));
        buf_release(&b);
        buf_init(&b, max, NULL);
        fits = buf_add_text(&b, "ab") == 0 && buf_add_url_text(&b, STR("x/y")) == 0;
        CHECK_INT(max >= 7, fits);
        CHECK_STR(fits ? "abx%2Fy" : max < 2 ? "" : "ab", buf_str(&b));
        buf_release(&b);
    }
}
