/* How fast a page becomes rows: CPU seconds per million rows of the 36-column futures page, minified, beside jansson
 * on the same bytes. Median of several runs. Pin it to one core (taskset -c 1) for steady figures.
 * Usage: decode_bench [PAGE.json]   (without a file a page of the same shape is generated) */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "decode/page.h"

enum { RUNS = 7, PAGES = 300, PEER_PAGES = 3, GENERATED_ROWS = 1000, PAGE_MAX_BYTES = 16 << 20 };

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

/* Prices of 4 digits, volumes of 11 to 15, counts of 1 to 4: as one inverse perpetual has them in a quiet minute. One
 * row in a hundred has no trade. */
static void generate_row(struct buf *page, struct rng *rng, size_t row, double *price)
{
    static const char *const VOLUMES[] = {"VOLUME",      "QUOTE_VOLUME",      "VOLUME_BUY",
                                          "QUOTE_VOLUME_BUY", "VOLUME_SELL", "QUOTE_VOLUME_SELL"};
    long ts = 1700000000L / 60 * 60 + (long)row * 60;
    bool has_trades = rng_below(rng, 100) != 0;
    double open = *price;
    double close = has_trades ? open + (uniform(rng) - 0.5) * 0.02 : open;
    *price = close;
    buf_printf(page,
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
        buf_printf(page, ",\"FIRST_TRADE_TIMESTAMP\":%ld,\"LAST_TRADE_TIMESTAMP\":%ld", ts + 2, ts + 57);
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
    for (size_t row = 0; row < GENERATED_ROWS; row++) {
        generate_row(page, &rng, row, &price);
    }
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
        if (in_text || !strchr(" \t\r\n", c)) {
            page->data[out++] = c;
        }
    }
    page->len = out;
}

static bool load_page(struct buf *page, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    char chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_add(page, chunk, got);
    }
    fclose(file);
    minify(page);
    return !page->failed;
}

static bool decode_once(struct page_decoder *decoder, const struct buf *page, struct batch *batch)
{
    struct page_envelope envelope;
    struct ccd_error err;
    if (page_decode(decoder, page->data, page->len, batch->capacity_rows, batch, &envelope, &err) !=
        CCD_OK) {
        fprintf(stderr, "decode_bench: %s\n", err.message);
        return false;
    }
    return true;
}

static bool run_decoder(const struct buf *page, struct batch *batch, struct figures *out)
{
    struct page_decoder decoder = {0};
    double cpu = now(CLOCK_THREAD_CPUTIME_ID);
    double wall = now(CLOCK_MONOTONIC);
    for (int i = 0; i < PAGES; i++) {
        if (!decode_once(&decoder, page, batch)) {
            return false;
        }
    }
    double rows = (double)PAGES * (double)batch->row_count;
    out->cpu_s = (now(CLOCK_THREAD_CPUTIME_ID) - cpu) / rows;
    out->wall_s = (now(CLOCK_MONOTONIC) - wall) / rows;
    return true;
}

static bool run_peer(const struct buf *page, size_t rows_per_page, struct figures *out)
{
    double cpu = now(CLOCK_THREAD_CPUTIME_ID);
    double wall = now(CLOCK_MONOTONIC);
    for (int i = 0; i < PEER_PAGES; i++) {
        json_t *document = json_loadb(page->data, page->len, 0, NULL);
        if (!document) {
            return false;
        }
        json_decref(document);
    }
    double rows = (double)PEER_PAGES * (double)rows_per_page;
    out->cpu_s = (now(CLOCK_THREAD_CPUTIME_ID) - cpu) / rows;
    out->wall_s = (now(CLOCK_MONOTONIC) - wall) / rows;
    return true;
}

static int by_cpu(const void *a, const void *b)
{
    const struct figures *x = a;
    const struct figures *y = b;
    return (x->cpu_s > y->cpu_s) - (x->cpu_s < y->cpu_s);
}

static void print_median(const char *name, struct figures *runs, double row_bytes)
{
    qsort(runs, RUNS, sizeof runs[0], by_cpu);
    const struct figures *median = &runs[RUNS / 2];
    printf("%-8s %10.3f cpu-s/M rows  %9.3f M rows/s  %7.3f GB/s  (best %.3f, worst %.3f cpu-s/M)\n",
           name, median->cpu_s * 1e6, 1e-6 / median->wall_s, row_bytes / median->wall_s * 1e-9,
           runs[0].cpu_s * 1e6, runs[RUNS - 1].cpu_s * 1e6);
}

int main(int argc, char **argv)
{
    const struct data_type *type = data_type_find(STR("futures_ohlcv"));
    struct batch batch = {0};
    struct buf page;
    struct figures runs[RUNS];
    struct ccd_error err;
    int exit_code = 1;
    buf_init(&page, PAGE_MAX_BYTES, NULL);
    if (argc > 1) {
        if (!load_page(&page, argv[1])) {
            fprintf(stderr, "decode_bench: cannot read %s\n", argv[1]);
            goto out;
        }
    } else {
        generate_page(&page);
    }
    if (page.failed || batch_init(&batch, type, 2001, 1 << 20, NULL, &err) != CCD_OK) {
        goto out;
    }
    for (int i = 0; i < RUNS; i++) {
        if (!run_decoder(&page, &batch, &runs[i])) {
            goto out;
        }
    }
    double row_bytes = (double)page.len / (double)batch.row_count;
    printf("%s: %zu rows, %.0f bytes per row, %zu unknown members\n", argc > 1 ? argv[1] : "generated page",
           batch.row_count, row_bytes, (size_t)batch.unknown_keys);
    print_median("ccdata", runs, row_bytes);
    for (int i = 0; i < RUNS; i++) {
        if (!run_peer(&page, batch.row_count, &runs[i])) {
            goto out;
        }
    }
    print_median("jansson", runs, row_bytes);
    exit_code = 0;
out:
    batch_release(&batch);
    buf_release(&page);
    return exit_code;
}
