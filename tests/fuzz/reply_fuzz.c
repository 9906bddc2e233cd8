/* The classification of whole replies. Two bytes of HTTP status, one of headers, one that picks the
 * kind of request; the rest is the body. */
#include <string.h>

#include "decode/reply.h"
#include "fuzz.h"

enum { HEADER_BYTES = 4, ROWS_MAX = 20, TEXT_MAX_BYTES = 1 << 16, TABLES_MAX = 10 };

static int count_name(void *user, struct str name)
{
    size_t *count = user;
    PROMISE(str_is_utf8(name));
    return ++*count > 1000;
}

static void check_error(enum reply_verdict verdict, const struct ccd_error *err)
{
    PROMISE(str_is_utf8(str_from(err->message)));
    PROMISE(err->retry_after_ms >= 0);
    PROMISE((err->message[0] == '\0') == (verdict == REPLY_PAGE));
    switch (verdict) {
    case REPLY_PAGE:
    case REPLY_END_OF_HISTORY:
        PROMISE(err->status == CCD_OK);
        break;
    case REPLY_THROTTLED:
        PROMISE(ccd_status_action(err->status) == CCD_ACTION_WAIT_QUOTA);
        break;
    case REPLY_RETRY:
        PROMISE(ccd_status_action(err->status) == CCD_ACTION_RETRY || err->status == CCD_NO_MEMORY);
        break;
    case REPLY_BAD_SERIES:
    case REPLY_BROKEN:
        PROMISE(ccd_status_action(err->status) == CCD_ACTION_SKIP_SERIES);
        break;
    case REPLY_BAD_KEY:
        PROMISE(err->status == CCD_KEY_REJECTED);
        break;
    }
}

static void run_candles(struct reply_decoder *decoder, const struct reply_input *in)
{
    struct batch batch = {0};
    struct ccd_error err = {0};
    const struct data_type *type = data_type_find(STR("spot_ohlcv"));
    PROMISE(batch_init(&batch, type, ROWS_MAX, TEXT_MAX_BYTES, NULL, &err) == CCD_OK);
    enum reply_verdict verdict = reply_classify_candles(decoder, in, ROWS_MAX, &batch, &err);
    check_error(verdict, &err);
    PROMISE(verdict == REPLY_PAGE || (batch.row_count == 0 && batch.text.len == 0));
    PROMISE(str_is_utf8(buf_str(&batch.text)));
    batch_release(&batch);
}

static void run_names(struct reply_decoder *decoder, const struct reply_input *in)
{
    struct ccd_error err = {0};
    size_t count = 0;
    int64_t total;
    check_error(reply_classify_names(decoder, in, count_name, &count, &total, &err), &err);
    PROMISE(total >= 0);
}

/* Whole rows or none: what must be there is, and what is not is zero. */
static void check_rows(const struct batch *batch)
{
    PROMISE(str_is_utf8(buf_str(&batch->text)));
    PROMISE(str_is_utf8(str_from(batch->first_unknown_key)));
    PROMISE((batch->unknown_keys > 0) >= (batch->first_unknown_key[0] != '\0'));
    for (size_t row = 0; row < batch->capacity_rows; row++)
        for (size_t i = 0; i < batch->type->column_count; i++) {
            bool is_there = batch_has(batch, row, i);
            bool must_be = (batch->type->columns[i].flags & (COLUMN_KEY | COLUMN_REQUIRED)) != 0;
            PROMISE(is_there || batch_cell(batch, row, i)->i64 == 0);
            PROMISE(row < batch->row_count ? is_there || !must_be : !is_there);
        }
}

static void run_records(struct reply_decoder *decoder, const struct reply_input *in,
                        const struct data_type *table)
{
    struct batch batches[TABLES_MAX] = {0};
    struct batch *items[TABLES_MAX];
    struct record_batches all = {items, 0};
    struct records_said said;
    struct ccd_error err = {0};
    for (size_t t = 0; t <= metadata_table_count; t++) {
        const struct data_type *part = t == 0 ? table : metadata_tables[t - 1];
        if (t > 0 && part->parent != table)
            continue;
        items[all.count] = &batches[all.count];
        PROMISE(batch_init(items[all.count++], part, 0, TEXT_MAX_BYTES, NULL, &err) == CCD_OK);
    }
    enum reply_verdict verdict = reply_classify_records(decoder, in, &all, &said, &err);
    check_error(verdict, &err);
    PROMISE(said.total >= 0 && said.refused_count <= said.record_count);
    PROMISE(str_is_utf8(str_from(said.first_refusal)));
    PROMISE((said.refused_count > 0) == (said.first_refusal[0] != '\0'));
    PROMISE(verdict != REPLY_PAGE ||
            items[0]->row_count == (size_t)(said.record_count - said.refused_count));
    for (size_t i = 0; i < all.count; i++) {
        PROMISE(verdict == REPLY_PAGE || (items[i]->row_count == 0 && items[i]->text.len == 0));
        check_rows(items[i]);
        batch_release(items[i]);
    }
}

/* The tables that are asked for, in turn. */
static void run(struct reply_decoder *decoder, const struct reply_input *in, uint8_t kind)
{
    static const char *const TABLES[] = {"spot_instruments", "assets", "exchanges",
                                         "futures_markets", "ccdata_top_assets"};
    if (kind % 3 == 0)
        run_candles(decoder, in);
    else if (kind % 3 == 1)
        run_records(
            decoder, in,
            metadata_table_find(str_from(TABLES[kind / 3 % (sizeof TABLES / sizeof TABLES[0])])));
    else
        run_names(decoder, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < HEADER_BYTES)
        return 0;
    struct reply_headers headers;
    reply_headers_init(&headers);
    headers.gzip = bytes[2] & 1;
    headers.json = !(bytes[2] & 2);
    headers.unknown_encoding = (bytes[2] & 12) == 12;
    headers.retry_after_s = bytes[2] >> 4 == 15 ? -1 : bytes[2] >> 4;
    struct reply_decoder decoder;
    PROMISE(reply_decoder_init(&decoder, NULL, NULL) == CCD_OK);
    char *body = malloc(len);
    PROMISE(body);
    memcpy(body, bytes + HEADER_BYTES, len - HEADER_BYTES);
    struct reply_input in = {
        .http_status = bytes[0] | bytes[1] << 8,
        .body = body,
        .body_len = len - HEADER_BYTES,
        .headers = &headers,
    };
    run(&decoder, &in, bytes[3]);
    free(body);
    reply_decoder_release(&decoder);
    return 0;
}
