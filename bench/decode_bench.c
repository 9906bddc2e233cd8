/* How fast a page becomes rows: CPU seconds per million rows of the 36-column futures page,
 * minified, beside jansson on the same bytes. Median of several runs. Pin it to one core (taskset
 * -c 1) for steady figures. Usage: decode_bench [PAGE.json]   (without a file a page of the same
 * shape is generated) */
#include <inttypes.h>
#include <jansson.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "decode/reply.h"

enum {
    RUNS = 7,
    GENERATED_ROWS = 1000,
    ROWS_MAX = 2001, /* a page of 2000 and the open bucket */
    PAGE_MAX_BYTES = 16 << 20,
    TEXT_MAX_BYTES = 1 << 20,
};

struct figures {
    double cpu_s;
    double wall_s;
};

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add_field(struct buf *page, const char *key, double value, int digits)
{
    buf_printf(page, ",\"%s\":%.*g", key, digits, value);
}

static double uniform(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* Prices of 4 digits, volumes of 11 to 15, counts of 1 to 4: as one inverse perpetual has them in a
 * quiet minute. One row in a hundred has no trade. */
static void generate_row(struct buf *page, struct rng *rng, size_t row, double *price)
{
    static const char *const VOLUMES[] = {"VOLUME",           "QUOTE_VOLUME", "VOLUME_BUY",
                                          "QUOTE_VOLUME_BUY", "VOLUME_SELL",  "QUOTE_VOLUME_SELL"};
    long ts = 1700000000L / 60 * 60 + (long)row * 60;
    bool has_trades = rng_below(rng, 100) != 0;
    double open = *price;
    double close = has_trades ? open + (uniform(rng) - 0.5) * 0.02 : open;
    *price = close;
    buf_printf(
        page,
        "%s{\"UNIT\":\"MINUTE\",\"TIMESTAMP\":%ld,\"TYPE\":\"914\",\"MARKET\":\"example\","
        "\"INSTRUMENT\":\"ABCUSD_PERP\",\"MAPPED_INSTRUMENT\":\"ABC-USD-INVERSE-PERPETUAL\","
        "\"INDEX_UNDERLYING\":\"ABC\",\"QUOTE_CURRENCY\":\"USD\",\"SETTLEMENT_CURRENCY\":\"ABC\","
        "\"CONTRACT_CURRENCY\":\"USD\",\"DENOMINATION_TYPE\":\"INVERSE\"",
        row == 0 ? "" : ",", ts);
    add_field(page, "OPEN", open, 4);
    add_field(page, "HIGH", open + 0.01, 4);
    add_field(page, "LOW", open - 0.01, 4);
    add_field(page, "CLOSE", close, 4);
    uint64_t buys = has_trades ? rng_below(rng, 90) : 0;
    uint64_t sells = has_trades ? rng_below(rng, 90) : 0;
    buf_printf(page,
               ",\"TOTAL_TRADES\":%" PRIu64 ",\"TOTAL_TRADES_BUY\":%" PRIu64
               ",\"TOTAL_TRADES_SELL\":%" PRIu64 ",\"TOTAL_TRADES_UNKNOWN\":0"
               ",\"NUMBER_OF_CONTRACTS\":%" PRIu64,
               buys + sells, buys, sells, has_trades ? rng_below(rng, 5000) : 0);
    for (size_t i = 0; i < sizeof VOLUMES / sizeof VOLUMES[0]; i++) {
        bool is_quote = VOLUMES[i][0] == 'Q';
        double volume = uniform(rng) * (is_quote ? 40000 : 6000);
        add_field(page, VOLUMES[i], has_trades ? volume : 0, is_quote ? 15 : 12);
    }
    buf_add_text(page, ",\"VOLUME_UNKNOWN\":0,\"QUOTE_VOLUME_UNKNOWN\":0");
    if (has_trades) {
        buf_printf(page, ",\"FIRST_TRADE_TIMESTAMP\":%ld,\"LAST_TRADE_TIMESTAMP\":%ld", ts + 2,
                   ts + 57);
        add_field(page, "FIRST_TRADE_PRICE", open, 4);
        add_field(page, "HIGH_TRADE_PRICE", open + 0.01, 4);
        buf_printf(page, ",\"HIGH_TRADE_TIMESTAMP\":%ld", ts + 13);
        add_field(page, "LOW_TRADE_PRICE", open - 0.01, 4);
        buf_printf(page, ",\"LOW_TRADE_TIMESTAMP\":%ld", ts + 31);
        add_field(page, "LAST_TRADE_PRICE", close, 4);
    }
    buf_add_char(page, '}');
}

static void generate_page(struct buf *page)
{
    struct rng rng = {1};
    double price = 7.125;
    buf_add_text(page, "{\"Data\":[");
    for (size_t row = 0; row < GENERATED_ROWS; row++)
        generate_row(page, &rng, row, &price);
    buf_add_text(page, "],\"Err\":{}}");
}

/* White space outside of texts dropped: what the vendor sends. */
static void minify(struct buf *page)
{
    bool in_text = false;
    size_t out = 0;
    for (size_t i = 0; i < page->len; i++) {
        char c = page->data[i];
        if (in_text && c == '\\') {
            page->data[out++] = c;
            page->data[out++] = page->data[++i];
            continue;
        }
        in_text ^= c == '"';
        if (in_text || !strchr(" \t\r\n", c))
            page->data[out++] = c;
    }
    page->len = out;
}

static bool load_page(struct buf *page, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_add(page, chunk, got);
    fclose(file);
    minify(page);
    return !page->failed;
}

/* What is measured, and with what. */
struct bench {
    struct buf page;
    struct buf zipped;
    struct batch batch;
    struct page_decoder decoder;
    struct reply_decoder reply;
    struct ccd_error err;
};

static bool decode_page(struct bench *b)
{
    struct page_envelope envelope;
    return page_decode(&b->decoder, b->page.data, b->page.len, b->batch.capacity_rows, &b->batch,
                       &envelope, &b->err) == CCD_OK;
}

static bool decode_zipped_page(struct bench *b)
{
    struct reply_headers headers;
    reply_headers_init(&headers);
    headers.gzip = true;
    struct reply_input in = {200, b->zipped.data, b->zipped.len, &headers};
    return reply_classify_candles(&b->reply, &in, b->batch.capacity_rows, &b->batch, &b->err) ==
           REPLY_PAGE;
}

static bool parse_with_jansson(struct bench *b)
{
    json_t *document = json_loadb(b->page.data, b->page.len, 0, NULL);
    json_decref(document);
    return document != NULL;
}

static const struct {
    const char *name;
    bool (*run)(struct bench *b);
    int pages;
} CASES[] = {
    {"JSON to rows", decode_page, 300},
    {"gzip to rows", decode_zipped_page, 100},
    {"jansson, to its tree", parse_with_jansson, 3},
};

static int by_cpu(const void *a, const void *b)
{
    const struct figures *x = a;
    const struct figures *y = b;
    return (x->cpu_s > y->cpu_s) - (x->cpu_s < y->cpu_s);
}

/* The median of RUNS runs, per row. */
static bool measure(struct bench *b, bool (*run)(struct bench *b), int pages, struct figures *out)
{
    struct figures runs[RUNS];
    double rows = (double)pages * (double)b->batch.row_count;
    for (int i = 0; i < RUNS; i++) {
        double cpu = now(CLOCK_THREAD_CPUTIME_ID);
        double wall = now(CLOCK_MONOTONIC);
        for (int page = 0; page < pages; page++)
            if (!run(b))
                return false;
        runs[i].cpu_s = (now(CLOCK_THREAD_CPUTIME_ID) - cpu) / rows;
        runs[i].wall_s = (now(CLOCK_MONOTONIC) - wall) / rows;
    }
    qsort(runs, RUNS, sizeof runs[0], by_cpu);
    *out = runs[RUNS / 2];
    return true;
}

static bool zip(struct bench *b)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t capacity = compressor ? libdeflate_gzip_compress_bound(compressor, b->page.len) : 0;
    if (!compressor || buf_reserve(&b->zipped, capacity) != 0)
        return false;
    b->zipped.len = libdeflate_gzip_compress(compressor, b->page.data, b->page.len, b->zipped.data,
                                             capacity);
    libdeflate_free_compressor(compressor);
    return b->zipped.len > 0;
}

static bool prepare(struct bench *b, const char *path)
{
    buf_init(&b->page, PAGE_MAX_BYTES, NULL);
    buf_init(&b->zipped, PAGE_MAX_BYTES, NULL);
    if (path && !load_page(&b->page, path)) {
        fprintf(stderr, "decode_bench: cannot read %s\n", path);
        return false;
    }
    if (!path)
        generate_page(&b->page);
    return !b->page.failed && zip(b) && reply_decoder_init(&b->reply, NULL, &b->err) == CCD_OK &&
           batch_init(&b->batch, data_type_find(STR("futures_ohlcv")), ROWS_MAX, TEXT_MAX_BYTES,
                      NULL, &b->err) == CCD_OK &&
           decode_page(b);
}

static bool run_cases(struct bench *b)
{
    double row_bytes = (double)b->page.len / (double)b->batch.row_count;
    printf("%zu rows, %.0f bytes per row, gzip %.1f : 1\n", b->batch.row_count, row_bytes,
           (double)b->page.len / (double)b->zipped.len);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct figures median;
        if (!measure(b, CASES[i].run, CASES[i].pages, &median))
            return false;
        printf("%-22s %8.3f CPU seconds per million rows, %8.3f M rows/s, %7.3f GB/s\n",
               CASES[i].name, median.cpu_s * 1e6, 1e-6 / median.wall_s,
               row_bytes / median.wall_s * 1e-9);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct bench b = {.err.status = CCD_OK};
    bool ok = prepare(&b, argc > 1 ? argv[1] : NULL) && run_cases(&b);
    if (!ok)
        fprintf(stderr, "decode_bench: failed: %s\n", b.err.message);
    batch_release(&b.batch);
    reply_decoder_release(&b.reply);
    buf_release(&b.page);
    buf_release(&b.zipped);
    return ok ? 0 : 1;
}
