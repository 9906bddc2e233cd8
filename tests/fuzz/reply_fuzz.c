/* The classification of whole replies. Two bytes of HTTP status, one of headers, one that picks the
 * kind of request; the rest is the body. */
#include <string.h>

#include "decode/reply.h"
#include "fuzz.h"

enum { HEADER_BYTES = 4, ROWS_MAX = 20, TEXT_MAX_BYTES = 1 << 16 };

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

static void run(struct reply_decoder *decoder, const struct reply_input *in, uint8_t kind)
{
    struct batch batch = {0};
    struct ccd_error err = {0};
    bool is_candles = kind % 3 == 0;
    const struct data_type *type = data_type_find(is_candles ? STR("spot_ohlcv")
                                                             : STR("spot_instruments"));
    PROMISE(batch_init(&batch, type, ROWS_MAX, TEXT_MAX_BYTES, NULL, &err) == CCD_OK);
    enum reply_verdict verdict;
    if (is_candles) {
        verdict = reply_classify_candles(decoder, in, ROWS_MAX, &batch, &err);
    } else if (kind % 3 == 1) {
        verdict = reply_classify_catalogue(decoder, in, &batch, &err);
    } else {
        size_t count = 0;
        int64_t total;
        verdict = reply_classify_names(decoder, in, count_name, &count, &total, &err);
        PROMISE(total >= 0);
    }
    check_error(verdict, &err);
    PROMISE(verdict == REPLY_PAGE || (batch.row_count == 0 && batch.text.len == 0));
    PROMISE(str_is_utf8(buf_str(&batch.text)));
    batch_release(&batch);
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
