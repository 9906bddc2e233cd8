/* Classify a whole reply once: HTTP status, headers and body become one verdict, from one table. */
#ifndef DECODE_REPLY_H
#define DECODE_REPLY_H

#include "decode/headers.h"
#include "decode/inflate.h"
#include "decode/page.h"
#include "decode/quota.h"
#include "decode/records.h"

enum reply_verdict {
    REPLY_PAGE,           /* 200 with records (or an empty list) in the batch */
    REPLY_END_OF_HISTORY, /* 404 "No … entries available on or before …" */
    REPLY_THROTTLED,  /* 429, or an error body that says so (Type 99 …); err->retry_after_ms when
                         known */
    REPLY_RETRY,      /* 408, 425, 5xx, 520-524, broken or refused body: the same again may work */
    REPLY_BAD_SERIES, /* 404 / 400 for this market, instrument or request: not the run's fault */
    REPLY_BAD_KEY,    /* 401, 403, key errors in a 200 body */
    REPLY_BROKEN, /* the vendor's answer makes no sense for any request (3xx, 405, 410, 422 …) */
};
const char *reply_verdict_name(enum reply_verdict verdict);

/* Bytes of one HTTP exchange, as http/ delivers them. */
struct reply_input {
    long http_status;
    const char *body; /* raw, maybe gzip; need not be NUL-terminated */
    size_t body_len;
    const struct reply_headers *headers;
};

/* Caps (hostile vendor): decoded body and compression ratio. */
enum { REPLY_BODY_MAX_BYTES = 64 << 20, REPLY_RATIO_MAX = 200 };

/* Scratch memory of one decoding thread. */
struct reply_decoder {
    struct page_decoder page;
    struct inflater *inflater;
    struct buf decoded; /* inflated bytes of the last reply */
};
int reply_decoder_init(struct reply_decoder *d, const struct allocator *allocator,
                       struct ccd_error *err);
void reply_decoder_release(struct reply_decoder *d);

/* A reply to request_candles. rows_max: the limit asked for + 1 (the vendor may add the open
 * bucket). REPLY_PAGE: batch holds the rows. Else: batch is empty and *err says why (status from
 * CCD_STATUS_TABLE whose action fits the verdict; vendor's message quoted, cut, control characters
 * removed). */
enum reply_verdict reply_classify_candles(struct reply_decoder *d, const struct reply_input *in,
                                          size_t rows_max, struct batch *batch,
                                          struct ccd_error *err);

/* Replies to request_catalogue and request_records (small, nested: jansson). The verdicts are the
 * same; REPLY_PAGE: the rows are appended to the batches, see records_decode. Else the batches are
 * as they were. */
enum reply_verdict reply_classify_records(struct reply_decoder *d, const struct reply_input *in,
                                          const struct record_batches *batches,
                                          struct records_said *out_said, struct ccd_error *err);
/* Replies to request_markets and request_top_assets: market ids, and asset symbols in rank order.
 * name_add is called for each; non-zero stops (no memory). out_total: assets in the whole list
 * (STATS.TOTAL_ASSETS), 0 for markets. */
enum reply_verdict reply_classify_names(struct reply_decoder *d, const struct reply_input *in,
                                        int (*name_add)(void *user, struct str name), void *user,
                                        int64_t *out_total, struct ccd_error *err);
/* The reply to request_quota. */
enum reply_verdict reply_classify_quota(struct reply_decoder *d, const struct reply_input *in,
                                        struct quota_said *out, struct ccd_error *err);

#endif
