/* page_decode against jansson. The first byte picks the type and how far the document stands from
 * the start of its memory's fast path; the rest is the document. */
#include <string.h>

#include "fuzz.h"
#include "pages.h"

enum { ROWS_MAX = 20 };

static void check_empty(const struct batch *batch)
{
    PROMISE(batch->row_count == 0 && batch->text.len == 0);
    for (size_t row = 0; row < batch->capacity_rows; row++) {
        PROMISE(batch->present[row] == 0);
        for (size_t column = 0; column < batch->type->column_count; column++)
            PROMISE(batch_cell(batch, row, column)->i64 == 0);
    }
}

static void check(struct page_run *run, const char *bytes, size_t len)
{
    const char *mismatch;
    int status = page_run_bytes(run, bytes, len);
    if (status != CCD_OK) {
        check_empty(&run->batch);
        PROMISE(run->err.status == (enum ccd_status)status);
        PROMISE(status == CCD_NO_MEMORY ||
                (run->err.byte_offset >= 0 && run->err.byte_offset <= (int64_t)len));
        PROMISE(str_is_utf8(str_from(run->err.message)));
    }
    PROMISE(str_is_utf8(str_from(run->envelope.error_message)));
    PROMISE(str_is_utf8(str_from(run->envelope.warning)));
    PROMISE(str_is_utf8(str_from(run->batch.first_unknown_key)));
    enum oracle_answer answer = oracle_ask(run, bytes, len, &mismatch);
    PROMISE(!mismatch);
    PROMISE(answer == ORACLE_SILENT || status == CCD_NO_MEMORY ||
            (status == CCD_OK) == (answer == ORACLE_ACCEPTS));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct page_run run;
    if (len == 0)
        return 0;
    const char *type = bytes[0] % 2 == 0 ? NULL : "futures_ohlcv";
    PROMISE(page_run_init(&run, type ? data_type_find(str_from(type)) : &small_type, ROWS_MAX));
    check(&run, (const char *)bytes + 1, len - 1);
    check(&run, (const char *)bytes + 1, len - 1); /* with the order of members learned */
    /* White space after the document moves all of it into the fast path. */
    char *padded = malloc(len + 255);
    PROMISE(padded);
    memcpy(padded, bytes + 1, len - 1);
    memset(padded + len - 1, ' ', 256);
    check(&run, padded, len - 1 + bytes[0]);
    free(padded);
    page_run_release(&run);
    return 0;
}
