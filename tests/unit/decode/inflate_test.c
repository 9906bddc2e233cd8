#include "decode/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "../limited_allocator.h"
#include "test.h"

enum { CAP_BYTES = 1 << 20, MEMBER_MAX_BYTES = 1 << 21 };

static size_t compress(const char *text, size_t len, unsigned char *out)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t size = libdeflate_gzip_compress(compressor, text, len, out, MEMBER_MAX_BYTES);
    libdeflate_free_compressor(compressor);
    return size;
}

/* One inflater, one output, input of up to three members. */
struct fixture {
    struct inflater *inflater;
    struct buf out;
    unsigned char *bytes;
    size_t len;
    struct ccd_error err;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.bytes = malloc(3 * MEMBER_MAX_BYTES)};
    CHECK_INT(CCD_OK, inflater_new(NULL, &f->inflater, &f->err));
    buf_init(&f->out, CAP_BYTES, NULL);
}

static void end(struct fixture *f)
{
    inflater_free(f->inflater);
    buf_release(&f->out);
    free(f->bytes);
}

static void add_member(struct fixture *f, const char *text, size_t len)
{
    f->len += compress(text, len, f->bytes + f->len);
}

/* The input ends where its memory ends. */
static int inflate(struct fixture *f, size_t len, size_t ratio_max)
{
    unsigned char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, f->bytes, len);
    int status = inflate_gzip(f->inflater, copy, len, ratio_max, &f->out, &f->err);
    free(copy);
    return status;
}

TEST(inflate_joins_members)
{
    struct fixture f;
    begin(&f);
    add_member(&f, "{\"Data\":", 8);
    CHECK_INT(CCD_OK, inflate(&f, f.len, 0));
    CHECK_STR("{\"Data\":", buf_str(&f.out));
    add_member(&f, "", 0);
    add_member(&f, "[]}", 3);
    CHECK_INT(CCD_OK, inflate(&f, f.len, 0));
    CHECK_STR("{\"Data\":[]}", buf_str(&f.out));
    CHECK_INT('\0', f.out.data[f.out.len]);
    end(&f);
}

TEST(inflate_takes_an_empty_text)
{
    struct fixture f;
    begin(&f);
    add_member(&f, "", 0);
    CHECK_INT(CCD_OK, inflate(&f, f.len, 0));
    CHECK_INT(0, f.out.len);
    end(&f);
}

TEST(inflate_refuses_a_body_that_is_cut_at_any_byte)
{
    struct fixture f;
    begin(&f);
    add_member(&f, "first, first, first", 19);
    size_t first = f.len;
    add_member(&f, "second", 6);
    for (size_t len = 0; len < f.len; len++) {
        CHECK_INT(len == first ? CCD_OK : CCD_BAD_REPLY, inflate(&f, len, 0));
        CHECK_INT(len == first ? 19 : 0, f.out.len);
    }
    end(&f);
}

TEST(inflate_refuses_damage_in_any_byte_that_matters)
{
    struct fixture f;
    begin(&f);
    add_member(&f, "some text of a reply, some text of a reply", 42);
    unsigned accepted = 0;
    for (size_t i = 0; i < f.len; i++) {
        f.bytes[i] ^= 0x55;
        accepted += inflate(&f, f.len, 0) == CCD_OK;
        f.bytes[i] ^= 0x55;
    }
    /* Of the header, time, extra flags and system are nobody's business (RFC 1952 section 2.3.1).
     */
    CHECK_INT(6, accepted);
    end(&f);
}

TEST(inflate_refuses_garbage_after_the_end)
{
    struct fixture f;
    begin(&f);
    add_member(&f, "text", 4);
    size_t len = f.len;
    static const char *const GARBAGE[] = {"\0", "\x1f", "\x1f\x8b",
                                          "garbage, garbage, garbage, garbage"};
    static const size_t LENGTHS[] = {1, 1, 2, 34};
    for (size_t i = 0; i < 4; i++) {
        memcpy(f.bytes + len, GARBAGE[i], LENGTHS[i]);
        CHECK_INT(CCD_BAD_REPLY, inflate(&f, len + LENGTHS[i], 0));
        CHECK_INT(len, f.err.byte_offset);
        CHECK_INT(0, f.out.len);
    }
    end(&f);
}

TEST(inflate_stops_at_the_cap_and_at_the_ratio)
{
    struct fixture f;
    begin(&f);
    static char zeros[CAP_BYTES + 1];
    add_member(&f, zeros, CAP_BYTES);
    CHECK_INT(CCD_OK, inflate(&f, f.len, 0));
    CHECK_INT(CAP_BYTES, f.out.len);
    size_t ratio = CAP_BYTES / f.len;
    CHECK_INT(CCD_OK, inflate(&f, f.len, ratio + 1));
    CHECK_INT(CCD_BAD_REPLY, inflate(&f, f.len, ratio / 2));
    f.len = 0;
    add_member(&f, zeros, CAP_BYTES + 1);
    CHECK_INT(CCD_BAD_REPLY, inflate(&f, f.len, 0));
    /* Two members, each below the cap. */
    f.len = 0;
    add_member(&f, zeros, CAP_BYTES - 10);
    add_member(&f, zeros, 10);
    CHECK_INT(CCD_OK, inflate(&f, f.len, 0));
    CHECK_INT(CAP_BYTES, f.out.len);
    add_member(&f, zeros, 1);
    CHECK_INT(CCD_BAD_REPLY, inflate(&f, f.len, 0));
    CHECK_INT(0, f.out.len);
    end(&f);
}

/* The size in the trailer is only a hint: it is the last member's, and anybody may write there. */
TEST(inflate_does_not_rely_on_the_size_in_the_trailer)
{
    struct fixture f;
    begin(&f);
    static char text[300000];
    memset(text, 'a', sizeof text);
    add_member(&f, text, sizeof text);
    add_member(&f, "b", 1);
    CHECK_INT(CCD_OK, inflate(&f, f.len, 0));
    CHECK_INT(300001, f.out.len);
    memset(f.bytes + f.len - 4, 0xFF, 4); /* a lie: refused by the decoder, not believed by us */
    CHECK_INT(CCD_BAD_REPLY, inflate(&f, f.len, 0));
    end(&f);
}

TEST(inflate_survives_failed_allocations)
{
    unsigned char bytes[256];
    size_t len = compress("text", 4, bytes);
    for (long fail_at = 0; fail_at < 3; fail_at++) {
        struct limited_allocator allocator;
        limited_allocator_init(&allocator, fail_at, -1);
        struct inflater *inflater;
        struct buf out;
        struct ccd_error err;
        buf_init(&out, 1000, &allocator.hook);
        int status = inflater_new(&allocator.hook, &inflater, &err);
        if (status == CCD_OK)
            status = inflate_gzip(inflater, bytes, len, 0, &out, &err);
        CHECK_INT(fail_at < 2 ? CCD_NO_MEMORY : CCD_OK, status);
        inflater_free(inflater);
        buf_release(&out);
        CHECK_INT(0, allocator.held);
    }
}
