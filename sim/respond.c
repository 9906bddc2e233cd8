#include "sim/respond.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/gzip.h"

enum {
    BODY_MAX_BYTES = 256 << 20,
    HEADERS_MAX_BYTES = 16 << 10,
    LOG_LINE_MAX_BYTES = 64 << 10,
    KEY_MAX_BYTES = 256,
    KEY_HASH_BYTES = 8,
    GZIP_TRAILER_BYTES = 8,
    DATE_SKEW_S = 3600,
    ERROR_TYPE_RATE = 99,
    ERROR_TYPE_OLD_KEY = 1, /* of the older host */
    LAST_CHUNK_BYTES = 5,
};

struct responder {
    const struct settings *settings;
    const struct allocator *allocator;
    struct world *world;
    struct page_cache *cache;
    struct gzip *gzip;
    struct quota quota;
    struct buf text;        /* body before compression */
    struct buf packed;      /* body after compression */
    struct repeats repeats; /* of text; empty when it is no candle page */
    struct buf line;
    int log_fd;
    bool any_fault;
    uint64_t request_number;
};

/* All that is decided about one reply before it becomes bytes. */
struct answer {
    int status;
    enum fault fault;
    uint64_t dice;
    const char *content_type;
    bool gzip;
    bool close;
    bool cacheable; /* by the client: Cache-Control */
    bool rate_headers;
    bool key_given;
    uint8_t key_hash[32];
    bool min_api;       /* the older host's path: its own envelope */
    int64_t now_utc_s;  /* the world's clock */
    int64_t wall_utc_s; /* the quota's clock */
    int64_t mono_us;
};

static const char type_json[] = "application/json; charset=UTF-8";
static const char type_html[] = "text/html";
static const char html_page[] = "<html>\r\n<head><title>Gateway</title></head>\r\n<body>\r\n"
                                "<center><h1>The service is not available</h1></center>\r\n"
                                "</body>\r\n</html>\r\n";

int responder_new(const struct settings *settings, const struct allocator *allocator,
                  struct responder **out, struct ccd_error *err)
{
    struct responder *r = mem_new(allocator, 1, sizeof *r);
    *out = NULL;
    if (!r)
        return error_set(err, CCD_NO_MEMORY, "no memory for the server");
    r->settings = settings;
    r->allocator = allocator;
    r->log_fd = -1;
    r->repeats.allocator = allocator;
    buf_init(&r->text, BODY_MAX_BYTES, allocator);
    buf_init(&r->packed, BODY_MAX_BYTES, allocator);
    buf_init(&r->line, LOG_LINE_MAX_BYTES, allocator);
    memcpy(r->quota.limits, settings->limits, sizeof r->quota.limits);
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        r->any_fault |= settings->fault_rates[i] > 0;
    int status = world_new(&settings->world, allocator, &r->world, err);
    if (status == 0)
        status = page_cache_new((size_t)settings->cache_mib << 20, allocator, &r->cache, err);
    if (status == 0)
        status = gzip_new(allocator, &r->gzip, err);
    if (status == 0 && settings->log_path) {
        r->log_fd = open(settings->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (r->log_fd < 0)
            status = error_set_native(err, CCD_DISK, errno, "cannot open %s: %s",
                                      settings->log_path, strerror(errno));
    }
    if (status != 0) {
        responder_free(r);
        return status;
    }
    *out = r;
    return 0;
}

void responder_free(struct responder *r)
{
    if (!r)
        return;
    if (r->log_fd >= 0)
        (void)close(r->log_fd);
    gzip_free(r->gzip);
    page_cache_free(r->cache);
    world_free(r->world);
    repeats_release(&r->repeats);
    buf_release(&r->line);
    buf_release(&r->packed);
    buf_release(&r->text);
    mem_free(r->allocator, r);
}

/* ---- framing */

static size_t hex_digits(size_t value)
{
    size_t digits = 1;
    for (; value >= 16; value /= 16)
        digits++;
    return digits;
}

size_t reply_framed_bytes(const struct reply *reply)
{
    size_t len = reply->body ? reply->body->len : 0;
    if (!reply->chunked)
        return len;
    const size_t full = sizeof "4000\r\n" - 1 + CHUNK_BYTES + 2;
    size_t rest = len % CHUNK_BYTES;
    return len / CHUNK_BYTES * full + (rest ? hex_digits(rest) + 2 + rest + 2 : 0) +
           LAST_CHUNK_BYTES;
}

/* ---- key */

/* An error in the envelope of the path's host; returns status. */
static int refusal(struct responder *r, const struct answer *a, int status, int type,
                   const char *message)
{
    return a->min_api ? min_api_error(&r->text, status, type, NULL, message)
                      : error_reply(&r->text, status, type, NULL, NULL, "%s", message);
}

/* Without a key both hosts say 401 since May 2026; the older one says 200 to a wrong one. */
static int refuse_key(struct responder *r, const struct answer *a)
{
    if (a->min_api)
        return refusal(r, a, a->key_given ? 200 : 401, ERROR_TYPE_OLD_KEY,
                       "You need a valid auth key or api key to access this endpoint");
    return refusal(r, a, 401, ERROR_TYPE_PARAMETER,
                   a->key_given ? "API key not valid, please check the Authorization header."
                                : "API key required, please send one in the Authorization header.");
}

/* A header's key goes before that of the query. False: refused, with the envelope in r->text and
 * its status. */
static bool check_key(struct responder *r, const struct http_request *request, struct answer *a)
{
    char in_query[KEY_MAX_BYTES];
    bool bad = false;
    struct str key = request->key;
    if (key.len == 0 && query_value(request->query, "api_key", in_query, sizeof in_query, &bad) &&
        !bad)
        key = str_from(in_query);
    a->key_given = key.len > 0;
    if (a->key_given) {
        struct sha256 hash;
        sha256_init(&hash);
        sha256_add(&hash, key.ptr, key.len);
        sha256_final(&hash, a->key_hash);
    }
    bool accepted = a->key_given &&
                    (!r->settings->key || str_equal(key, str_from(r->settings->key)));
    if (!accepted)
        a->status = refuse_key(r, a);
    return accepted;
}

/* ---- bodies */

static int rate_limit_reply(struct responder *r, const struct answer *a)
{
    return refusal(r, a, 429, ERROR_TYPE_RATE,
                   "You are over your rate limit, please wait for the next window.");
}

/* The quota is spent: the older host says so with status 200. */
static int refuse_call(struct responder *r, const struct answer *a)
{
    if (!a->min_api)
        return rate_limit_reply(r, a);
    quota_write_refusal(&r->quota, &r->text);
    return 200;
}

static int html_reply(struct buf *out, int status, struct answer *a)
{
    a->content_type = type_html;
    buf_add_text(out, html_page);
    return status;
}

/* An error that comes with status 200, in the forms of both hosts. */
static int error_body_reply(struct buf *out, uint64_t dice)
{
    if (dice & 1) {
        buf_add_text(out, "{\"Response\":\"Error\",\"Message\":\"You are over your rate "
                          "limit\",\"HasWarning\":false,"
                          "\"Type\":99,\"RateLimit\":{},\"Data\":{}}");
        return 200;
    }
    return error_reply(out, 200, 96, NULL, NULL, "Internal error, please try again later.");
}

static int path_reply(struct responder *r, const struct http_request *request, struct answer *a,
                      int64_t *out_until)
{
    *out_until = 0;
    if (str_equal(request->path, STR("/admin/v2/rate/limit"))) {
        quota_write_admin(&r->quota, &r->text);
        return 200;
    }
    if (str_equal(request->path, STR("/stats/rate/limit"))) {
        quota_write_stats(&r->quota, &r->text);
        return 200;
    }
    if (a->min_api && !str_equal(request->path, STR("/data/exchanges/general")))
        return refusal(r, a, 200, 0, "The path does not exist");
    int status = world_reply_until(r->world, request->target, a->now_utc_s, &r->text, out_until,
                                   &r->repeats);
    a->cacheable = status == 200;
    return status;
}

/* Status and r->text for a fault that replaces the reply; 0: it does not. */
static int fault_reply(struct responder *r, struct answer *a)
{
    switch (a->fault) {
    case FAULT_error_429:
    case FAULT_retry_after:
    case FAULT_retry_after_odd:
        return rate_limit_reply(r, a);
    case FAULT_error_500:
        return refusal(r, a, 500, 94, "Internal error.");
    case FAULT_error_502_html:
        return html_reply(&r->text, 502, a);
    case FAULT_error_503:
        return refusal(r, a, 503, 103, "Data source down.");
    case FAULT_error_body:
        return error_body_reply(&r->text, a->dice);
    case FAULT_html:
        return html_reply(&r->text, 200, a);
    case FAULT_redirect:
        return 302;
    default:
        return 0;
    }
}

static struct body *compressed(struct responder *r)
{
    buf_clear(&r->packed);
    if (gzip_add(r->gzip, buf_str(&r->text), &r->repeats, &r->packed) != 0)
        return NULL;
    return body_new(r->packed.data, r->packed.len, r->allocator);
}

/* The body from r->text; NULL without memory. */
static struct body *make_body(struct responder *r, const struct answer *a)
{
    if (r->text.failed)
        return NULL;
    if (!a->gzip)
        return body_new(r->text.data, r->text.len, r->allocator);
    struct body *body = compressed(r);
    if (body && a->fault == FAULT_gzip_corrupt) {
        if (a->dice & 1)
            body->data[body->len - GZIP_TRAILER_BYTES] ^= 0x55;
        else
            body->len -= 1 + a->dice % (body->len / 2);
    }
    return body;
}

/* The reply as the world gives it, from the cache when it stands there. */
static struct body *plain_body(struct responder *r, const struct http_request *request,
                               struct answer *a)
{
    struct body *body = page_cache_find(r->cache, request->target, a->gzip, a->now_utc_s);
    if (body) {
        a->status = 200; /* nothing else is remembered */
        a->cacheable = true;
        return body;
    }
    int64_t until;
    a->status = path_reply(r, request, a, &until);
    body = make_body(r, a);
    if (body && a->status == 200 && until > a->now_utc_s)
        page_cache_add(r->cache, request->target, a->gzip, a->now_utc_s, until, body);
    return body;
}

static struct body *faulty_body(struct responder *r, const struct http_request *request,
                                const struct candle_request *candles, struct answer *a)
{
    int64_t until;
    a->status = fault_reply(r, a);
    if (a->status == 302)
        return NULL;
    if (a->status == 0 && fault_infos[a->fault].scope == SCOPE_CANDLES) {
        fault_write_page(r->world, a->fault, a->dice, *candles, a->now_utc_s, &r->text);
        a->status = 200;
    }
    if (a->status == 0)
        a->status = path_reply(r, request, a, &until);
    if (a->fault == FAULT_garbage && !r->text.failed && r->text.len > 0) {
        fault_spoil(a->dice, &r->text);
        r->repeats.count = 0;
    }
    return make_body(r, a);
}

/* Faults that leave the body alone. */
static bool keeps_body(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE:
    case FAULT_reset:
    case FAULT_truncate:
    case FAULT_slow:
    case FAULT_stall:
    case FAULT_date_ahead:
    case FAULT_date_behind:
    case FAULT_no_rate_headers:
        return true;
    default:
        return false;
    }
}

static struct body *choose_body(struct responder *r, const struct http_request *request,
                                struct answer *a)
{
    if (!check_key(r, request, a))
        return make_body(r, a);
    a->rate_headers = true;
    if (!quota_take(&r->quota, a->wall_utc_s)) {
        a->status = refuse_call(r, a);
        return make_body(r, a);
    }
    struct candle_request candles;
    if (r->any_fault) {
        bool is_candles = candle_request_parse(r->world, request->path, request->query,
                                               a->now_utc_s, &candles, &r->text) == 200;
        buf_clear(&r->text);
        a->fault = fault_choose(r->settings->fault_rates, r->settings->world.seed,
                                r->request_number, is_candles, a->gzip);
        a->dice = fault_dice(~r->settings->world.seed, r->request_number);
        a->rate_headers = a->fault != FAULT_no_rate_headers;
    }
    return keeps_body(a->fault) ? plain_body(r, request, a) : faulty_body(r, request, &candles, a);
}

/* ---- head */

static void write_retry_after(const struct answer *a, int64_t date_utc_s, struct buf *out)
{
    char date[32];
    static const char *const odd[] = {"0", "-5", "1000000000", "soon"};
    uint64_t pick = a->dice >> 8;
    if (a->fault == FAULT_retry_after && pick % 3 < 2)
        buf_printf(out, "Retry-After: %d\r\n", (int)(1 + pick % 2));
    else if (a->fault == FAULT_retry_after)
        buf_printf(out, "Retry-After: %s\r\n", time_format_http(date_utc_s + 2, date));
    else if (pick % 5 < 4)
        buf_printf(out, "Retry-After: %s\r\n", odd[pick % 5]);
    else
        buf_printf(out, "Retry-After: %s\r\n", time_format_http(date_utc_s - DATE_SKEW_S, date));
}

static void write_head(struct responder *r, const struct answer *a, size_t length,
                       struct reply *reply)
{
    char date[32];
    struct buf *out = &reply->head;
    int64_t skew_s = a->fault == FAULT_date_ahead    ? DATE_SKEW_S
                     : a->fault == FAULT_date_behind ? -DATE_SKEW_S
                                                     : 0;
    buf_printf(out, "HTTP/1.1 %d %s\r\nServer: ccdata-sim\r\nDate: %s\r\n", a->status,
               http_reason(a->status), time_format_http(a->now_utc_s + skew_s, date));
    if (reply->body)
        buf_printf(out, "Content-Type: %s\r\n", a->content_type);
    if (reply->chunked)
        buf_add_text(out, "Transfer-Encoding: chunked\r\n");
    else
        buf_printf(out, "Content-Length: %zu\r\n", length);
    if (reply->body && a->gzip)
        buf_add_text(out, "Content-Encoding: gzip\r\n");
    buf_printf(out, "Connection: %s\r\nVary: Accept-Encoding\r\n",
               a->close ? "close" : "keep-alive");
    if (a->cacheable && r->settings->world.cache_s > 0)
        buf_printf(out, "Cache-Control: public, max-age=%lld\r\n",
                   (long long)r->settings->world.cache_s);
    else
        buf_add_text(out, "Cache-Control: no-cache, no-store\r\n");
    if (a->status == 405)
        buf_add_text(out, "Allow: GET\r\n");
    if (a->status == 302)
        buf_add_text(out, "Location: http://localhost:1/elsewhere\r\n");
    if (a->fault == FAULT_retry_after || a->fault == FAULT_retry_after_odd)
        write_retry_after(a, a->now_utc_s + skew_s, out);
    if (a->rate_headers)
        quota_write_headers(&r->quota, a->wall_utc_s, out);
    buf_add_text(out, "\r\n");
}

/* How much of the reply is sent, and how it ends. */
static void set_ending(const struct answer *a, struct reply *reply)
{
    size_t framed = reply_framed_bytes(reply);
    size_t whole = reply->head.len + framed;
    reply->wire_limit = whole;
    reply->ending = a->close ? ENDING_CLOSE : ENDING_KEEP;
    reply->drip = a->fault == FAULT_slow;
    if (a->fault == FAULT_stall) {
        reply->ending = ENDING_STALL;
        reply->wire_limit = 0;
    } else if (a->fault == FAULT_reset) {
        reply->ending = ENDING_RESET;
        reply->wire_limit = reply->head.len + framed / 2;
    } else if (a->fault == FAULT_truncate) {
        bool between_chunks = reply->chunked && a->dice % 3 == 0;
        reply->ending = ENDING_CLOSE;
        reply->wire_limit = between_chunks
                                ? whole - LAST_CHUNK_BYTES
                                : reply->head.len + (a->dice >> 8) % (framed ? framed : 1);
    }
}

/* ---- log */

/* The query without the value of api_key. */
static void write_query(struct str query, struct buf *out)
{
    struct buf kept;
    const char *separator = "";
    buf_init(&kept, LOG_LINE_MAX_BYTES, out->allocator);
    while (query.len > 0) {
        struct str parameter = str_split(&query, '&');
        bool secret = str_starts_with(parameter, STR("api_key="));
        buf_add_text(&kept, separator);
        buf_add(&kept, parameter.ptr, secret ? sizeof "api_key=" - 1 : parameter.len);
        separator = "&";
    }
    buf_add_json_text(out, buf_str(&kept));
    buf_release(&kept);
}

static void write_log(struct responder *r, const struct http_request *request,
                      const struct answer *a, uint64_t connection, size_t wire_bytes)
{
    struct buf *out = &r->line;
    if (r->log_fd < 0)
        return;
    buf_clear(out);
    buf_printf(out, "{\"mono_us\":%lld,\"request\":%llu,\"connection\":%llu,\"method\":",
               (long long)a->mono_us, (unsigned long long)r->request_number,
               (unsigned long long)connection);
    buf_add_json_text(out, request->method);
    buf_add_text(out, ",\"path\":");
    buf_add_json_text(out, request->path);
    buf_add_text(out, ",\"query\":");
    write_query(request->query, out);
    buf_printf(out, ",\"status\":%d,\"key\":\"", a->status);
    for (size_t i = 0; i < KEY_HASH_BYTES && a->key_given; i++)
        buf_printf(out, "%02x", a->key_hash[i]);
    buf_add_text(out, "\",\"used\":{");
    for (unsigned i = 0; i < QUOTA_WINDOWS; i++)
        buf_printf(out, "%s\"%s\":%lld", i > 0 ? "," : "", quota_window_names[i],
                   (long long)r->quota.used[i]);
    buf_printf(out, "},\"bytes\":%zu,\"fault\":\"%s\"}\n", wire_bytes,
               a->fault == FAULT_NONE ? "" : fault_infos[a->fault].name);
    /* A log that cannot be written must not stop the server; whoever reads it sees the line
     * missing. */
    if (!out->failed && write(r->log_fd, out->data, out->len) != (ssize_t)out->len)
        return;
}

/* ---- */

static void refuse_malformed(struct responder *r, struct answer *a)
{
    a->close = true;
    a->gzip = false;
    (void)error_reply(&r->text, a->status, ERROR_TYPE_PARAMETER, NULL, NULL, "%s.",
                      http_reason(a->status));
}

void responder_answer(struct responder *r, int status, const struct http_request *request,
                      uint64_t connection, struct reply *reply)
{
    int64_t wall_utc_s = clock_utc_s(NULL);
    struct answer a = {
        .status = status,
        .fault = FAULT_NONE,
        .content_type = type_json,
        .gzip = request->gzip,
        .close = !request->keep_alive,
        .now_utc_s = r->settings->has_now ? r->settings->now_utc_s : wall_utc_s,
        .wall_utc_s = wall_utc_s,
        .mono_us = clock_mono_us(NULL),
        .min_api = str_starts_with(request->path, STR("/data/")),
    };
    struct buf head = reply->head;
    buf_clear(&head);
    *reply = (struct reply){.head = head};
    buf_clear(&r->text);
    r->repeats.count = 0;
    quota_roll(&r->quota, wall_utc_s);
    r->request_number++;
    if (status == 200) {
        reply->body = choose_body(r, request, &a);
    } else {
        refuse_malformed(r, &a);
        reply->body = make_body(r, &a);
    }
    bool is_head = str_equal(request->method, STR("HEAD"));
    if (is_head) {
        body_drop(reply->body);
        reply->body = NULL;
    }
    if (!reply->body && !is_head && a.status != 302)
        a.status = 500; /* no memory for a body */
    bool short_length = a.fault == FAULT_truncate && a.dice % 3 == 1;
    reply->chunked = reply->body && !request->http_1_0 && !r->settings->content_length &&
                     !short_length;
    write_head(r, &a, reply->body ? reply->body->len : 0, reply);
    set_ending(&a, reply);
    if (reply->head.failed)
        reply->ending = ENDING_RESET;
    write_log(r, request, &a, connection, reply->wire_limit);
}
