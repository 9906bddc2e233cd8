#include "decode/reply.h"

#include <string.h>

#include "base/utf8.h"
#include "decode/names.h"
#include "decode/page_internal.h"

enum {
    ERROR_WORDS_BYTES = sizeof((struct page_envelope *)0)->error_message,
    SNIPPET_BYTES = 80, /* of a body that is not JSON, quoted in the message */
    /* A tree of values takes some hundred bytes for each; the largest catalogue of one market has
       some 10^5. */
    TREE_VALUES_MAX = 1 << 20,
};

const char *reply_verdict_name(enum reply_verdict verdict)
{
    static const char *const NAMES[] = {
        [REPLY_PAGE] = "page",
        [REPLY_END_OF_HISTORY] = "end of history",
        [REPLY_THROTTLED] = "throttled",
        [REPLY_RETRY] = "retry",
        [REPLY_BAD_SERIES] = "bad series",
        [REPLY_BAD_KEY] = "bad key",
        [REPLY_BROKEN] = "broken",
    };
    return (size_t)verdict < sizeof NAMES / sizeof NAMES[0] ? NAMES[verdict] : "unknown";
}

/* What became of the body of a reply that has no records. */
enum body_state {
    BODY_ANY,
    BODY_ERROR,     /* the vendor's error envelope */
    BODY_OTHER,     /* something else: empty, HTML, another JSON */
    BODY_UNREADABLE /* cut or damaged */
};

/* What a reply without records means. */
struct rule {
    long status_min;
    long status_max;
    const char *text; /* somewhere in the vendor's message, any case; NULL = any */
    int64_t type;     /* the vendor's error number; 0 = any */
    enum body_state body;
    enum reply_verdict verdict;
    enum ccd_status status;
};

/* The first rule that fits decides. HTTP status before text before the vendor's number, which is
 * weakly documented (CONTRACT.md §6). */
static const struct rule RULES[] = {
    {401, 401, NULL, 0, BODY_ANY, REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {429, 429, NULL, 0, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    /* Which kind of 404 it is, only the body tells. */
    {404, 404, NULL, 0, BODY_UNREADABLE, REPLY_RETRY, CCD_BAD_REPLY},
    {404, 404, NULL, 0, BODY_OTHER, REPLY_BROKEN, CCD_BAD_REQUEST},
    {404, 404, "entries available on or before", 0, BODY_ANY, REPLY_END_OF_HISTORY, CCD_OK},
    {404, 404, "path does not exist", 0, BODY_ANY, REPLY_BROKEN, CCD_BAD_REQUEST},
    {404, 404, NULL, 0, BODY_ANY, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    /* min-api tells its limit in a 200, proxies in a 403. Waiting is the harmless reading. */
    {200, 403, "rate limit", 0, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    {200, 403, NULL, 99, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    {200, 403, NULL, 101, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    {200, 403, "request in flight", 0, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    {403, 403, NULL, 0, BODY_ANY, REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {200, 400, "api key", 0, BODY_ANY, REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {200, 400, "auth key", 0, BODY_ANY, REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {200, 400, "apikey", 0, BODY_ANY, REPLY_BAD_KEY, CCD_KEY_REJECTED},
    {200, 400, "entries available on or before", 0, BODY_ANY, REPLY_END_OF_HISTORY, CCD_OK},
    {400, 400, NULL, 0, BODY_ANY, REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {200, 200, "path does not exist", 0, BODY_ANY, REPLY_BROKEN, CCD_BAD_REQUEST},
    {200, 200, "not found", 0, BODY_ANY, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {200, 200, "does not exist", 0, BODY_ANY, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {200, 200, "not integrated", 0, BODY_ANY, REPLY_BAD_SERIES, CCD_UNKNOWN_AT_VENDOR},
    {200, 200, "invalid", 0, BODY_ANY, REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {200, 200, "required param", 0, BODY_ANY, REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    {200, 200, NULL, 2, BODY_ANY, REPLY_BAD_SERIES, CCD_BAD_REQUEST},
    /* Anything else that succeeds without data is not proof of absence. */
    {200, 299, NULL, 0, BODY_ANY, REPLY_RETRY, CCD_BAD_REPLY},
    /* A 304 is only an answer without a body. No redirect is followed: the key stays at home. */
    {304, 304, NULL, 0, BODY_ANY, REPLY_RETRY, CCD_BAD_REPLY},
    {300, 399, NULL, 0, BODY_ANY, REPLY_BROKEN, CCD_BAD_REQUEST},
    {408, 408, NULL, 0, BODY_ANY, REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {425, 425, NULL, 0, BODY_ANY, REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
    {400, 499, NULL, 0, BODY_ANY, REPLY_BROKEN, CCD_BAD_REQUEST},
    {500, 599, "rate limit", 0, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    {500, 599, NULL, 99, BODY_ANY, REPLY_THROTTLED, CCD_THROTTLED},
    {500, 599, NULL, 0, BODY_ANY, REPLY_RETRY, CCD_VENDOR_UNAVAILABLE},
};

/* A status outside of HTTP's range: nothing can be said. */
static const struct rule NO_RULE = {0, 0, NULL, 0, BODY_ANY, REPLY_RETRY, CCD_BAD_REPLY};

static bool rule_fits(const struct rule *rule, long http_status, enum body_state body,
                      const struct page_envelope *envelope)
{
    return http_status >= rule->status_min && http_status <= rule->status_max &&
           (rule->body == BODY_ANY || rule->body == body) &&
           (rule->type == 0 || (envelope->has_error && rule->type == envelope->error_type)) &&
           (!rule->text ||
            str_find_nocase(str_from(envelope->error_message), str_from(rule->text)) != SIZE_MAX);
}

static const struct rule *find_rule(long http_status, enum body_state body,
                                    const struct page_envelope *envelope)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (rule_fits(&RULES[i], http_status, body, envelope))
            return &RULES[i];
    return &NO_RULE;
}

/* How long the other side asks to wait: Retry-After, else the reset of the windows that are spent.
 * 0 = not said. */
static int64_t retry_after_ms(const struct reply_headers *h)
{
    int64_t wait_s = h->retry_after_s;
    for (int i = 0; i < RATE_WINDOW_COUNT && h->retry_after_s < 0; i++)
        if (h->remaining[i] == 0 && h->reset_s[i] > wait_s)
            wait_s = h->reset_s[i];
    if (wait_s < 0)
        return 0;
    return (wait_s > 0 ? wait_s : 1) * 1000; /* FAULTS.md H2: at least a second */
}

/* The first bytes of a body that is not what was asked for, fit for a message. */
static void take_snippet(struct str body, char *out)
{
    body = str_trim(body);
    size_t len = body.len;
    if (len > SNIPPET_BYTES)
        len = utf8_cut(body.ptr, SNIPPET_BYTES);
    if (len > 0)
        memcpy(out, body.ptr, len);
    out[utf8_make_printable(out, len)] = '\0';
}

/* Fill *err from a rule; the vendor's words are quoted. */
static enum reply_verdict conclude(const struct reply_input *in, const struct rule *rule,
                                   const char *words, struct ccd_error *err)
{
    error_set_native(err, rule->status, (int)in->http_status, "HTTP %ld%s%s", in->http_status,
                     words[0] == '\0' ? " without a message" : ": ", words);
    if (err && (rule->verdict == REPLY_THROTTLED || rule->verdict == REPLY_RETRY))
        err->retry_after_ms = retry_after_ms(in->headers);
    return rule->verdict;
}

/* The body could not be taken: *err says why already. */
static enum reply_verdict refuse(const struct reply_input *in, struct ccd_error *err)
{
    if (err) {
        err->native_code = (int)in->http_status;
        err->retry_after_ms = retry_after_ms(in->headers);
    }
    return REPLY_RETRY;
}

static enum reply_verdict refuse_because(const struct reply_input *in, const char *reason,
                                         const char *words, struct ccd_error *err)
{
    error_set(err, CCD_BAD_REPLY, "%s%s%s", reason, words[0] == '\0' ? "" : ": ", words);
    return refuse(in, err);
}

/* The body as the vendor wrote it. */
static int open_body(struct reply_decoder *d, const struct reply_input *in, struct str *out_body,
                     struct ccd_error *err)
{
    *out_body = (struct str){in->body_len > 0 ? in->body : "", in->body_len};
    if (in->headers->unknown_encoding)
        return error_set(err, CCD_BAD_REPLY, "the reply has an encoding that was not asked for");
    if (in->headers->gzip && in->body_len > 0) {
        int status = inflate_gzip(d->inflater, in->body, in->body_len, REPLY_RATIO_MAX, &d->decoded,
                                  err);
        *out_body = buf_str(&d->decoded);
        return status;
    }
    if (in->body_len > REPLY_BODY_MAX_BYTES)
        return error_set(err, CCD_BAD_REPLY, "a reply of %zu bytes is too large", in->body_len);
    return CCD_OK;
}

static bool looks_like_object(struct str body)
{
    body = str_trim(body);
    return body.len > 0 && body.ptr[0] == '{';
}

/* What the body of a reply says that is no success by its status; out_words: what to quote of it.
 */
static enum body_state read_error_body(struct reply_decoder *d, const struct reply_input *in,
                                       struct page_envelope *out_envelope,
                                       char out_words[ERROR_WORDS_BYTES])
{
    struct str body;
    uint64_t value_count;
    *out_envelope = (struct page_envelope){.has_error = false};
    out_words[0] = '\0';
    if (open_body(d, in, &body, NULL) != CCD_OK)
        return BODY_UNREADABLE;
    if (!looks_like_object(body)) {
        take_snippet(body, out_words);
        return BODY_OTHER;
    }
    if (page_envelope_read(body.ptr, body.len, out_envelope, &value_count, NULL) != CCD_OK)
        return BODY_UNREADABLE;
    memcpy(out_words, out_envelope->error_message, ERROR_WORDS_BYTES);
    return out_envelope->has_error ? BODY_ERROR : BODY_OTHER;
}

/* A reply that is no success by its status. */
static enum reply_verdict judge_status(struct reply_decoder *d, const struct reply_input *in,
                                       struct ccd_error *err)
{
    struct page_envelope envelope;
    char words[ERROR_WORDS_BYTES];
    enum body_state body = read_error_body(d, in, &envelope, words);
    return conclude(in, find_rule(in->http_status, body, &envelope), words, err);
}

/* Whether the reply is a success with a JSON body, then *out_body; else *out_verdict and *err. */
static bool open_success(struct reply_decoder *d, const struct reply_input *in,
                         struct str *out_body, enum reply_verdict *out_verdict,
                         struct ccd_error *err)
{
    char words[SNIPPET_BYTES + 1];
    if (in->http_status != 200) {
        *out_verdict = judge_status(d, in, err);
        return false;
    }
    if (open_body(d, in, out_body, err) != CCD_OK) {
        *out_verdict = refuse(in, err);
        return false;
    }
    if (in->headers->json && looks_like_object(*out_body))
        return true;
    take_snippet(*out_body, words);
    *out_verdict = refuse_because(
        in, str_trim(*out_body).len == 0 ? "the reply is empty" : "the reply is not JSON", words,
        err);
    return false;
}

int reply_decoder_init(struct reply_decoder *d, const struct allocator *allocator,
                       struct ccd_error *err)
{
    *d = (struct reply_decoder){.inflater = NULL};
    buf_init(&d->decoded, REPLY_BODY_MAX_BYTES, allocator);
    return inflater_new(allocator, &d->inflater, err);
}

void reply_decoder_release(struct reply_decoder *d)
{
    inflater_free(d->inflater);
    d->inflater = NULL;
    buf_release(&d->decoded);
}

enum reply_verdict reply_classify_candles(struct reply_decoder *d, const struct reply_input *in,
                                          size_t rows_max, struct batch *batch,
                                          struct ccd_error *err)
{
    struct str body;
    struct page_envelope envelope;
    enum reply_verdict verdict;
    batch_clear(batch);
    if (!open_success(d, in, &body, &verdict, err))
        return verdict;
    if (page_decode(&d->page, body.ptr, body.len, rows_max, batch, &envelope, err) != CCD_OK)
        return refuse(in, err);
    if (envelope.has_error) {
        return conclude(in, find_rule(in->http_status, BODY_ERROR, &envelope),
                        envelope.error_message, err);
    }
    if (!envelope.has_data_list) {
        return refuse_because(in, "the reply has neither records nor an error", envelope.warning,
                              err);
    }
    error_clear(err);
    return REPLY_PAGE;
}

/* A nested reply up to the point where its tree may be built. */
static bool open_tree(struct reply_decoder *d, const struct reply_input *in, struct str *out_body,
                      enum reply_verdict *out_verdict, struct ccd_error *err)
{
    struct page_envelope envelope;
    uint64_t value_count = 0;
    if (!open_success(d, in, out_body, out_verdict, err))
        return false;
    if (page_envelope_read(out_body->ptr, out_body->len, &envelope, &value_count, err) != CCD_OK) {
        *out_verdict = refuse(in, err);
        return false;
    }
    if (envelope.has_error) {
        *out_verdict = conclude(in, find_rule(in->http_status, BODY_ERROR, &envelope),
                                envelope.error_message, err);
        return false;
    }
    if (value_count > TREE_VALUES_MAX) {
        *out_verdict = refuse_because(in, "the reply has too many values", "", err);
        return false;
    }
    return true;
}

enum reply_verdict reply_classify_records(struct reply_decoder *d, const struct reply_input *in,
                                          const struct record_batches *batches,
                                          struct records_said *out_said, struct ccd_error *err)
{
    struct str body;
    enum reply_verdict verdict;
    *out_said = (struct records_said){0};
    if (!open_tree(d, in, &body, &verdict, err))
        return verdict;
    if (records_decode(body, batches, out_said, err) != CCD_OK)
        return refuse(in, err);
    error_clear(err);
    return REPLY_PAGE;
}

enum reply_verdict reply_classify_names(struct reply_decoder *d, const struct reply_input *in,
                                        int (*name_add)(void *user, struct str name), void *user,
                                        int64_t *out_total, struct ccd_error *err)
{
    struct str body;
    enum reply_verdict verdict;
    *out_total = 0;
    if (!open_tree(d, in, &body, &verdict, err))
        return verdict;
    if (names_decode(body, name_add, user, out_total, err) != CCD_OK)
        return refuse(in, err);
    error_clear(err);
    return REPLY_PAGE;
}

enum reply_verdict reply_classify_quota(struct reply_decoder *d, const struct reply_input *in,
                                        struct quota_said *out, struct ccd_error *err)
{
    struct str body;
    enum reply_verdict verdict;
    *out = (struct quota_said){0};
    if (!open_tree(d, in, &body, &verdict, err))
        return verdict;
    if (quota_decode(body, out, err) != CCD_OK)
        return refuse(in, err);
    error_clear(err);
    return REPLY_PAGE;
}
