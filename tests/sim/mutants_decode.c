/* Bugs between the bytes of a reply and its rows. */
#include <float.h>
#include <libdeflate.h>
#include <math.h>
#include <string.h>

#include "base/time.h"
#include "decode/number.h"
#include "decode/page_internal.h"
#include "decode/reply.h"
#include "mutants_internal.h"

enum { COPY_MAX_BYTES = 1 << 20, REPAIRS_MAX = 64, GZIP_HEAD_BYTES = 10, GZIP_TAIL_BYTES = 8 };

/* A reply as a lenient decoder would read it. */
static struct {
    char bytes[COPY_MAX_BYTES];
    size_t len;
} copy;

static void end_list_at(size_t at)
{
    while (at > 0 && copy.bytes[at - 1] != '}')
        at--;
    memcpy(copy.bytes + at, "]}", 2);
    copy.len = at + 2;
}

/* The name in front of the value at `at` becomes another. */
static void rename_key_before(size_t at)
{
    int quotes = 0;
    while (at > 0 && quotes < 2)
        quotes += copy.bytes[--at] == '"';
    copy.bytes[at + 1] = '_';
}

static void drop_quotes(size_t at)
{
    copy.bytes[at++] = ' ';
    while (at < copy.len && copy.bytes[at] != '"')
        at++;
    copy.bytes[at] = ' ';
}

/* Mend what the decoder refused, as the planted bug would have it; false: it is refused. */
static bool mend(const struct ccd_error *err)
{
    size_t at = (size_t)err->byte_offset;
    const char *why = err->message;
    if (mutant_is(MUTANT_KEY_TWICE_ACCEPTED) && strstr(why, "given twice") &&
        copy.bytes[at - 1] == ':')
        rename_key_before(at);
    else if (mutant_is(MUTANT_TEXT_IS_NUMBER) && strstr(why, "a number is expected") &&
             copy.bytes[at] == '"')
        drop_quotes(at);
    else if (mutant_is(MUTANT_CUT_IS_WHOLE) && strstr(why, "document ends") &&
             memchr(copy.bytes, '}', copy.len))
        end_list_at(copy.len);
    else if (mutant_is(MUTANT_GARBAGE_PASSED) && strstr(why, "bytes after the document"))
        copy.len = at;
    else if (mutant_is(MUTANT_SURPLUS_CUT) && strstr(why, "more records than asked for"))
        end_list_at(at);
    else
        return false;
    return true;
}

WRAPS(int, page_decode, struct page_decoder *decoder, const char *bytes, size_t len,
      size_t rows_max, struct batch *batch, struct page_envelope *out_envelope,
      struct ccd_error *err)
{
    int status = __real_page_decode(decoder, bytes, len, rows_max, batch, out_envelope, err);
    if (status != CCD_OK && len + 2 < COPY_MAX_BYTES) {
        memcpy(copy.bytes, bytes, len);
        copy.len = len;
        for (int i = 0; i < REPAIRS_MAX && status != CCD_OK && mend(err); i++)
            status = __real_page_decode(decoder, copy.bytes, copy.len, rows_max, batch,
                                        out_envelope, err);
    }
    if (status == CCD_OK && out_envelope->has_error && mutant_is(MUTANT_ERROR_200_ACCEPTED)) {
        out_envelope->has_error = false;
        out_envelope->has_data_list = true;
    }
    if (status == CCD_OK && batch->unknown_keys > 0 && mutant_is(MUTANT_UNKNOWN_KEY_REFUSED)) {
        batch_clear(batch);
        return error_set(err, CCD_BAD_REPLY, "a key that is not known");
    }
    return status;
}

/* ---- records and values ---- */

static void alter_cells(struct batch *b, size_t row)
{
    for (size_t c = 0; c < b->type->column_count; c++) {
        const struct column *column = &b->type->columns[c];
        if (!column_is_fact(column) || column->kind == COLUMN_TEXT)
            continue;
        if (mutant_is(MUTANT_DOUBLE_ROUNDED) && column->kind == COLUMN_F64)
            batch_cell(b, row, c)->f64 = (double)(float)batch_cell(b, row, c)->f64;
        if (mutant_is(MUTANT_NULL_IS_ZERO) && !batch_has(b, row, c))
            batch_set_i64(b, row, c, 0);
    }
}

WRAPS(const char *, record_read, struct page_parser *parser, const char *p)
{
    size_t row = parser->batch->row_count;
    const char *next = __real_record_read(parser, p);
    if (next)
        alter_cells(parser->batch, row);
    return next;
}

WRAPS(const char *, number_read, const char *p, const char *end, struct number *out_number)
{
    enum { MANY_DIGITS = 17 };
    const char *next = __real_number_read(p, end, out_number);
    if (next && mutant_is(MUTANT_LAST_BIT_LOST) && next - p > MANY_DIGITS)
        out_number->f64 = nextafter(out_number->f64, INFINITY);
    if (next && mutant_is(MUTANT_INFINITY_CLAMPED) && isinf(out_number->f64))
        out_number->f64 = DBL_MAX;
    return next;
}

WRAPS(const char *, text_read, const char *p, const char *end, struct text *out, struct fault *f)
{
    const char *next = __real_text_read(p, end, out, f);
    if (next || !mutant_is(MUTANT_BROKEN_TEXT_TAKEN))
        return next;
    const char *quote = memchr(p + 1, '"', (size_t)(end - p - 1));
    if (!quote)
        return NULL;
    *out = (struct text){.raw = {p + 1, (size_t)(quote - p - 1)}, .len = (size_t)(quote - p - 1)};
    return quote + 1;
}

/* ---- bodies ---- */

static int inflate_unchecked(const char *bytes, size_t len, struct buf *out, struct ccd_error *err)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t produced = 0;
    bool good = d && len > GZIP_HEAD_BYTES + GZIP_TAIL_BYTES &&
                libdeflate_deflate_decompress(d, bytes + GZIP_HEAD_BYTES,
                                              len - GZIP_HEAD_BYTES - GZIP_TAIL_BYTES, copy.bytes,
                                              COPY_MAX_BYTES, &produced) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(d);
    if (!good)
        return err ? (int)err->status : CCD_BAD_REPLY;
    buf_clear(out);
    return buf_add(out, copy.bytes, produced) == 0 ? CCD_OK : CCD_NO_MEMORY;
}

WRAPS(int, inflate_gzip, struct inflater *inflater, const void *bytes, size_t len, size_t ratio_max,
      struct buf *out, struct ccd_error *err)
{
    int status = __real_inflate_gzip(inflater, bytes, len,
                                     mutant_is(MUTANT_BOMB_INFLATED) ? 0 : ratio_max, out, err);
    if (status != CCD_OK && mutant_is(MUTANT_CHECKSUM_IGNORED))
        return inflate_unchecked(bytes, len, out, err);
    return status;
}

/* ---- verdicts ---- */

WRAPS(enum reply_verdict, reply_classify_candles, struct reply_decoder *d,
      const struct reply_input *in, size_t rows_max, struct batch *batch, struct ccd_error *err)
{
    enum reply_verdict verdict = __real_reply_classify_candles(d, in, rows_max, batch, err);
    bool refused = (verdict == REPLY_BAD_KEY && mutant_is(MUTANT_KEY_RETRIED)) ||
                   (verdict == REPLY_BAD_SERIES && mutant_is(MUTANT_SERIES_RETRIED)) ||
                   (verdict == REPLY_END_OF_HISTORY && mutant_is(MUTANT_END_IS_FAILURE));
    if (refused) {
        error_set(err, CCD_BAD_REPLY, "HTTP %ld", in->http_status);
        return REPLY_RETRY;
    }
    if (verdict == REPLY_BAD_SERIES && in->http_status == 404 && mutant_is(MUTANT_ANY_404_IS_END))
        return REPLY_END_OF_HISTORY;
    if (verdict == REPLY_PAGE && batch->row_count == 0 && mutant_is(MUTANT_EMPTY_IS_PROOF))
        return REPLY_END_OF_HISTORY;
    if (verdict == REPLY_RETRY && strstr(err->message, "is not JSON") &&
        mutant_is(MUTANT_HTML_IS_EMPTY))
        return REPLY_PAGE;
    return verdict;
}

WRAPS(void, reply_headers_add, struct reply_headers *h, struct str line, int64_t now_utc_s)
{
    int64_t date_utc_s = h->date_utc_s;
    bool forget = mutant_is(MUTANT_RETRY_DATE_BY_OUR_CLOCK) &&
                  str_starts_with_nocase(line, STR("Retry-After:"));
    if (forget)
        h->date_utc_s = 0;
    __real_reply_headers_add(h, line, now_utc_s);
    if (forget)
        h->date_utc_s = date_utc_s;
}
