/* What the tests of decode/ share: a small type, a decoder with its batch, jansson as the oracle.
 */
#ifndef TESTS_UNIT_DECODE_PAGES_H
#define TESTS_UNIT_DECODE_PAGES_H

#include <jansson.h>

#include "decode/page.h"

/* Columns of small_type. */
enum small_column {
    SMALL_TS,
    SMALL_NAME,
    SMALL_PRICE,
    SMALL_COUNT,
    SMALL_FLAG,
    SMALL_LONG_KEY, /* a name that is longer than any pattern of the fast path */
    SMALL_A,        /* a name of one letter */
    SMALL_COLUMN_COUNT
};
extern const struct data_type small_type;

struct page_run {
    struct page_decoder decoder;
    struct batch batch;
    struct page_envelope envelope;
    struct ccd_error err;
    size_t rows_max;
    int status;
};

bool page_run_init(struct page_run *run, const struct data_type *type, size_t rows_max);
void page_run_release(struct page_run *run);
/* Decode a copy that ends where its memory ends, so that a sanitizer sees any read beyond it.
 * Returns the status. */
int page_run_bytes(struct page_run *run, const char *bytes, size_t len);
int page_run_text(struct page_run *run, const char *text);

/* What jansson makes of the same bytes. */
enum oracle_answer {
    ORACLE_REFUSES,
    ORACLE_ACCEPTS,
    ORACLE_SILENT, /* one of the intended differences, listed at oracle_ask */
};
/* Parses with jansson, applies the rules of page.h to its tree and, when the decoder accepted as
 * well, compares every cell. *out_mismatch: what differs; NULL = nothing. */
enum oracle_answer oracle_ask(const struct page_run *run, const char *bytes, size_t len,
                              const char **out_mismatch);

/* The folder of recorded replies: $CCDATA_SHARED/api/samples, or beside the source tree. False when
 * it is missing. */
bool samples_path(char *out, size_t capacity_bytes, const char *name);
/* A whole file; *out is to be freed. */
bool read_file(const char *path, char **out, size_t *out_len);

#endif
