/* JSON bytes of a candle reply → rows. Strict RFC 8259, one pass, no allocation per value.
 * Invariant: a page is taken whole or refused whole; a refused page leaves the batch empty. */
#ifndef DECODE_PAGE_H
#define DECODE_PAGE_H

#include "model/batch.h"

enum {
    DECODE_DEPTH_MAX = 32,
    DECODE_TEXT_MAX_BYTES = 1 << 20, /* of one string */
};

/* What the envelope around Data said. */
struct page_envelope {
    bool has_data_list;      /* Data was a list (possibly empty) */
    bool has_error;          /* Err was a non-empty object, or Response was "Error" */
    int64_t error_type;      /* Err.type or Type; 0 = absent */
    char error_message[256]; /* Err.message or Message; cut at a character boundary */
    char warning[256];       /* Warn / message of a success; "" = none */
};

/* Learned key order, reused between pages of one type; zeroed = nothing learned. Not shared by
 * threads. */
struct page_decoder {
    const struct data_type *type; /* for which next[] holds */
    uint8_t next[COLUMN_MAX];     /* column seen after column i last time */
};

/* Decode one whole document. rows_max: more records than that refuse the page. batch must be of
 * `type`'s columns with capacity_rows >= rows_max (it is cleared first). Accepted: any key order,
 * unknown members (skipped, checked, counted in batch->unknown_keys), absent members and null (=
 * NULL), rows in any order. Refused with CCD_BAD_REPLY and byte_offset: anything that is not RFC
 * 8259 (UTF-8 BOM too), duplicate members of a record, a value of the wrong JSON type, an integer
 * that is not an int64 (an integer-valued form such as 1e3 or 5.0 is refused for I64 / UTC_S), a
 * number that is not finite as a double, a record without a REQUIRED member, text over the limit,
 * depth over the limit, bytes after the document. A document with an error envelope decodes to zero
 * rows and says so in *out_envelope. CCD_NO_MEMORY when the text area is full. Thread: any, one
 * decoder each. */
int page_decode(struct page_decoder *decoder, const char *bytes, size_t len, size_t rows_max,
                struct batch *batch, struct page_envelope *out_envelope, struct ccd_error *err);

#endif
