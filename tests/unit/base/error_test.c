#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "test.h"

TEST(error_table_rows)
{
    CHECK_TEXT("THROTTLED", ccd_status_name(CCD_THROTTLED));
    CHECK_TEXT("throttled by the vendor", ccd_status_title(CCD_THROTTLED));
    CHECK_INT(CCD_ACTION_WAIT_QUOTA, ccd_status_action(CCD_THROTTLED));
    CHECK_INT(5, ccd_status_exit_code(CCD_THROTTLED));
    CHECK_INT(130, ccd_status_exit_code(CCD_INTERRUPTED));
    CHECK_INT(CCD_ACTION_NONE, ccd_status_action(CCD_OK));
    CHECK_INT(0, ccd_status_exit_code(CCD_OK));
    for (int status = 0; status < CCD_STATUS_COUNT; status++) {
        CHECK(strlen(ccd_status_name((enum ccd_status)status)) > 0);
        CHECK(strlen(ccd_status_title((enum ccd_status)status)) > 0);
    }
}

TEST(error_status_out_of_range_is_internal)
{
    CHECK_TEXT("INTERNAL", ccd_status_name(CCD_STATUS_COUNT));
    CHECK_TEXT("INTERNAL", ccd_status_name((enum ccd_status) - 1));
    CHECK_INT(3, ccd_status_exit_code((enum ccd_status)9999));
    CHECK_INT(CCD_INTERNAL, error_set(NULL, CCD_STATUS_COUNT, "x"));
}

TEST(error_set_fills_every_member)
{
    struct ccd_error err;
    memset(&err, 0xAA, sizeof err);
    CHECK_INT(CCD_CONFIG, error_set(&err, CCD_CONFIG, "%s: %d", "PORT", 70000));
    CHECK_INT(CCD_CONFIG, err.status);
    CHECK_TEXT("PORT: 70000", err.message);
    CHECK_INT(0, err.native_code);
    CHECK_INT(0, err.retry_after_ms);
    CHECK_INT(-1, err.byte_offset);
}

TEST(error_set_native_keeps_the_code)
{
    struct ccd_error err;
    CHECK_INT(CCD_DISK, error_set_native(&err, CCD_DISK, 28, "no space"));
    CHECK_INT(28, err.native_code);
    CHECK_INT(CCD_DISK, error_set_native(NULL, CCD_DISK, 28, "no space"));
}

TEST(error_message_is_cut_at_a_character)
{
    struct ccd_error err;
    char text[700];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) {
            memcpy(text + i, "\xE2\x82\xAC", 4); /* euro sign */
        }
        error_set(&err, CCD_INTERNAL, "%s", text);
        CHECK(str_is_utf8(str_from(err.message)));
        CHECK(strlen(err.message) >= sizeof err.message - 3);
        CHECK(memchr(err.message, '?', sizeof err.message) == NULL);
    }
    memset(text, 'b', sizeof text);
    text[511] = '\0';
    error_set(&err, CCD_INTERNAL, "%s", text);
    CHECK_TEXT(text, err.message);
    error_set(&err, CCD_INTERNAL, "%sb", text);
    CHECK_TEXT(text, err.message);
}

TEST(error_message_is_one_printable_line)
{
    struct ccd_error err;
    error_set(&err, CCD_INTERNAL,
              "a\nb\x1B[31mc\x7F"
              "d\xC2\x85"
              "e\xFF"
              "f\xE2\x80\xAE"
              "g\xC3\xA9");
    CHECK_TEXT("a?b?[31mc?d?e?f?g\xC3\xA9", err.message);
}

TEST(error_set_may_read_the_message_it_replaces)
{
    struct ccd_error err;
    error_set(&err, CCD_NETWORK, "first");
    error_set(&err, CCD_NETWORK, "second after %s", err.message);
    CHECK_TEXT("second after first", err.message);
}

TEST(error_prefix_keeps_the_rest)
{
    struct ccd_error err;
    error_set_native(&err, CCD_BAD_REPLY, 200, "no Data");
    err.byte_offset = 17;
    err.retry_after_ms = 5;
    CHECK_INT(CCD_BAD_REPLY, error_prefix(&err, "page %d\n", 3));
    CHECK_TEXT("page 3?: no Data", err.message);
    CHECK_INT(200, err.native_code);
    CHECK_INT(17, err.byte_offset);
    CHECK_INT(5, err.retry_after_ms);
    CHECK_INT(CCD_INTERNAL, error_prefix(NULL, "page"));
}

TEST(error_prefix_is_bounded)
{
    struct ccd_error err;
    char text[600];
    memset(text, 'p', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(&err, CCD_INTERNAL, "rest");
    error_prefix(&err, "%s", text);
    CHECK_INT(sizeof err.message - 1, strlen(err.message));
    error_set(&err, CCD_INTERNAL, "%s", text);
    error_prefix(&err, "short");
    CHECK_INT(sizeof err.message - 1, strlen(err.message));
    CHECK(strncmp(err.message, "short: ppp", 10) == 0);
}

TEST(error_clear_is_ok)
{
    struct ccd_error err;
    error_set(&err, CCD_DISK, "x");
    error_clear(&err);
    CHECK_INT(CCD_OK, err.status);
    CHECK_TEXT("", err.message);
    error_clear(NULL);
}
