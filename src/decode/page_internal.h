/* What page.c (the envelope) and record.c (the records) share while one document is decoded. */
#ifndef DECODE_PAGE_INTERNAL_H
#define DECODE_PAGE_INTERNAL_H

#include "decode/page.h"
#include "decode/text.h"

enum {
    PATTERN_BYTES = 32,
    /* So far the fast path looks around the start of a name. */
    SLACK_BEFORE = 16,
    SLACK_AFTER = 128,
    KEY_INDEX_SIZE = 128, /* at least twice COLUMN_MAX, a power of two */
    KEY_MAX_BYTES = 64,   /* of a registered name */
    NO_COLUMN = 0xFF,
    RECORD_DEPTH = 3, /* document, Data, record */
};

/* One column of the batch while its page is decoded. The patterns are compared as 32 bytes in one
 * go; bit i of a mask is set when byte i counts. A name or text that is too long for its pattern
 * has one that starts with NUL: no name does, and a text that did would not be followed by a comma.
 */
struct slot {
    _Alignas(64) char key[PATTERN_BYTES]; /* "NAME": with quotes and colon */
    char text[PATTERN_BYTES];             /* the value of the row before, with quotes */
    uint32_t key_mask;
    uint32_t text_mask;
    uint8_t key_len;
    uint8_t text_len;
    uint8_t kind; /* enum column_kind */
    uint8_t next; /* the column that is expected to follow */
    struct text_ref text_ref;
    union cell *cells;
    uint64_t bit; /* of the column in a presence mask */
};

struct page_parser {
    const char *end;
    /* p is far enough from both ends of the document when p - fast_begin < fast_len. */
    const char *fast_begin;
    size_t fast_len;
    const struct data_type *type;
    struct batch *batch;
    unsigned last_column; /* of the record before */
    uint64_t required;    /* columns that a record must have */
    uint64_t value_count; /* values outside of records, and unknown ones in records */
    struct fault fault;
    int fault_column; /* -1 = none */
    bool no_memory;
    uint8_t key_index[KEY_INDEX_SIZE]; /* open addressing; column + 1 */
    struct slot slots[COLUMN_MAX];
};

/* Set up the part of the parser that reads records. */
void record_prepare(struct page_parser *parser, const struct page_decoder *decoder,
                    struct batch *batch);
/* Keep what was learned. */
void record_learn(const struct page_parser *parser, struct page_decoder *decoder);
/* The record at p (on its '{') into row batch->row_count, which must be free. Returns the first
 * byte after it, NULL = refused. */
const char *record_read(struct page_parser *parser, const char *p);

/* Only the envelope of a document: Data, whatever it is, is checked and skipped. Refuses what
 * page_decode refuses outside of records. *out_value_count: how many values the document has
 * (hostile ones have many in few bytes). */
int page_envelope_read(const char *bytes, size_t len, struct page_envelope *out_envelope,
                       uint64_t *out_value_count, struct ccd_error *err);

#endif
