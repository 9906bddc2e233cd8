#include "decode/inflate.h"

#include <libdeflate.h>

struct inflater {
    struct libdeflate_decompressor *decompressor;
    const struct allocator *allocator;
};

enum {
    TRAILER_BYTES = 4, /* ISIZE, RFC 1952 section 2.3.1 */
    FIRST_OUTPUT_BYTES = 1 << 16,
};

int inflater_new(const struct allocator *allocator, struct inflater **out, struct ccd_error *err)
{
    struct inflater *inflater = mem_new(allocator, 1, sizeof *inflater);
    if (inflater) {
        inflater->allocator = allocator;
        inflater->decompressor = libdeflate_alloc_decompressor();
    }
    if (!inflater || !inflater->decompressor) {
        mem_free(allocator, inflater);
        *out = NULL;
        return error_set(err, CCD_NO_MEMORY, "no memory for the gzip decoder");
    }
    *out = inflater;
    return CCD_OK;
}

void inflater_free(struct inflater *inflater)
{
    if (inflater) {
        libdeflate_free_decompressor(inflater->decompressor);
        mem_free(inflater->allocator, inflater);
    }
}

/* The size that the last member claims, which for one member is the size of all: one allocation and
 * one pass. A lie costs a second pass at most, as room is kept within the cap. */
static size_t claimed_size(const unsigned char *bytes, size_t len)
{
    if (len < TRAILER_BYTES)
        return 0;
    const unsigned char *trailer = bytes + len - TRAILER_BYTES;
    return (size_t)trailer[0] | (size_t)trailer[1] << 8 | (size_t)trailer[2] << 16 |
           (size_t)trailer[3] << 24;
}

static size_t output_cap(size_t len, size_t ratio_max, size_t max_bytes)
{
    size_t cap = max_bytes;
    if (ratio_max != 0 && len < max_bytes / ratio_max)
        cap = len * ratio_max;
    return cap;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int refuse(struct buf *out, struct ccd_error *err, size_t offset, const char *reason)
{
    buf_clear(out);
    error_set(err, CCD_BAD_REPLY, "gzip body: %s (byte %zu)", reason, offset);
    if (err)
        err->byte_offset = (int64_t)offset;
    return CCD_BAD_REPLY;
}

/* One member behind what out holds, with room for `room` bytes. */
static enum libdeflate_result inflate_member(struct inflater *inflater, const void *bytes,
                                             size_t len, struct buf *out, size_t room,
                                             size_t *out_consumed)
{
    size_t produced = 0;
    enum libdeflate_result result = libdeflate_gzip_decompress_ex(
        inflater->decompressor, bytes, len, out->data + out->len, room, out_consumed, &produced);
    if (result == LIBDEFLATE_SUCCESS)
        out->len += produced;
    out->data[out->len] = '\0';
    return result;
}

int inflate_gzip(struct inflater *inflater, const void *bytes, size_t len, size_t ratio_max,
                 struct buf *out, struct ccd_error *err)
{
    const unsigned char *input = bytes;
    size_t cap = output_cap(len, ratio_max, out->max_bytes);
    size_t room = claimed_size(input, len);
    size_t at = 0;
    buf_clear(out);
    if (room == 0 || room > cap)
        room = smaller(FIRST_OUTPUT_BYTES, cap);
    do {
        size_t consumed = 0;
        if (buf_reserve(out, room) != 0) {
            buf_clear(out);
            return error_set(err, CCD_NO_MEMORY, "no memory for a reply of %zu bytes", room);
        }
        switch (inflate_member(inflater, input + at, len - at, out, room, &consumed)) {
        case LIBDEFLATE_SUCCESS:
            at += consumed;
            room = smaller(room, cap - out->len);
            break;
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            if (room >= cap - out->len)
                return refuse(out, err, at, "larger than a reply may be");
            room = smaller(room > SIZE_MAX / 2 ? SIZE_MAX : room * 2, cap - out->len);
            break;
        case LIBDEFLATE_BAD_DATA:
        case LIBDEFLATE_SHORT_OUTPUT:
            return refuse(out, err, at, at == 0 ? "malformed or cut" : "garbage after its end");
        }
    } while (at < len);
    return CCD_OK;
}
