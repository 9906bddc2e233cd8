/* The decoder against jansson: same documents accepted, same values, on recorded replies and on
 * generated documents, whole and damaged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "pages.h"
#include "test.h"

enum { DOCUMENTS = 12000, DAMAGED_PER_DOCUMENT = 4, ROWS_MAX = 12 };

/* Documents by chance, most of them legal. */
struct generator {
    struct rng rng;
    struct buf *out;
    bool is_minified;
};

static size_t chance(struct generator *g, size_t bound)
{
    return (size_t)rng_below(&g->rng, bound);
}

static const char *choose(struct generator *g, const char *const *from, size_t count)
{
    return from[chance(g, count)];
}

#define CHOOSE(g, array) choose((g), (array), sizeof(array) / sizeof(array)[0])

static void add(struct generator *g, const char *text)
{
    buf_add_text(g->out, text);
}

static void add_space(struct generator *g)
{
    static const char *const SPACES[] = {" ", "\n", "\t", "\r\n", "   ", "\n\n\n\n\n\n\n\n\n\n"};
    if (!g->is_minified && chance(g, 12) == 0)
        add(g, CHOOSE(g, SPACES));
}

static void add_integer(struct generator *g)
{
    static const char *const EDGES[] = {"0", "-0", "9223372036854775807", "-9223372036854775808",
                                        "1", "-1"};
    if (chance(g, 8) == 0)
        add(g, CHOOSE(g, EDGES));
    else
        buf_printf(g->out, "%lld", (long long)((int64_t)rng_next(&g->rng) >> chance(g, 64)));
}

static void add_real(struct generator *g)
{
    int64_t bits = (int64_t)rng_next(&g->rng);
    double value = (double)bits / (double)(1ull << chance(g, 64));
    switch (chance(g, 8)) {
    case 0:
        buf_printf(g->out, "%.17e", value);
        break;
    case 1:
        buf_printf(g->out, "%.*f", (int)chance(g, 30) + 1, value);
        break;
    case 2:
        buf_printf(g->out, "%lld.%06lldE-%d", (long long)(bits >> 40), (long long)(bits & 0xFFFF),
                   (int)chance(g, 300));
        break;
    case 3:
        buf_printf(g->out, "0.%0*lld", (int)chance(g, 20) + 1, (long long)(bits & 0xFFFFF));
        break;
    default:
        buf_printf(g->out, "%.*f", (int)chance(g, 10) + 1, (double)(bits >> 44) / 1000);
        break;
    }
}

static void add_text(struct generator *g)
{
    static const char *const PIECES[] = {
        "a",
        "BTC-USD",
        "binance",
        "a longer text that no pattern of the fast path can hold",
        "\\n",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\\\",
        "\\\"",
        "\\/",
        "\xC3\xA9",
        "\xE5\xB8\x81",
        "\xF0\x9F\x98\x80",
        "\x7F",
        "",
        " ",
        ",",
        "}",
        "]",
        "\\u0001",
    };
    add(g, "\"");
    for (size_t i = chance(g, 4); i > 0; i--)
        add(g, CHOOSE(g, PIECES));
    add(g, "\"");
}

/* A value of any kind, containers up to `depth` levels. */
static void add_any(struct generator *g, int depth)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    size_t kind = chance(g, depth > 0 ? 6 : 4);
    switch (kind) {
    case 0:
        add_integer(g);
        return;
    case 1:
        add_real(g);
        return;
    case 2:
        add_text(g);
        return;
    case 3:
        add(g, CHOOSE(g, WORDS));
        return;
    default:
        break;
    }
    add(g, kind == 4 ? "[" : "{");
    add_space(g);
    for (size_t i = 0, count = chance(g, 4); i < count; i++) {
        add(g, i > 0 ? "," : "");
        if (kind == 5)
            buf_printf(g->out, "\"k%zu\":", i);
        add_any(g, depth - 1); /* depth is ours, not the input's */
        add_space(g);
    }
    add(g, kind == 4 ? "]" : "}");
}

static void add_value(struct generator *g, enum column_kind kind)
{
    if (chance(g, 40) == 0)
        add(g, "null");
    else if (chance(g, 400) == 0)
        add_any(g, 1);
    else if (kind == COLUMN_TEXT)
        add_text(g);
    else if (kind == COLUMN_BOOL)
        add(g, chance(g, 2) == 0 ? "true" : "false");
    else if (kind == COLUMN_F64 && chance(g, 4) != 0)
        add_real(g);
    else
        add_integer(g);
}

static void add_member(struct generator *g, bool *is_first, const char *key)
{
    add(g, *is_first ? "" : ",");
    *is_first = false;
    add_space(g);
    buf_printf(g->out, "\"%s\"", key);
    add_space(g);
    add(g, ":");
    add_space(g);
}

static void add_record(struct generator *g)
{
    bool is_first = true;
    size_t start = chance(g, 4) == 0 ? chance(g, SMALL_COLUMN_COUNT) : 0;
    add(g, "{");
    for (size_t i = 0; i < SMALL_COLUMN_COUNT; i++) {
        const struct column *column = &small_type.columns[(start + i) % SMALL_COLUMN_COUNT];
        bool required = (column->flags & COLUMN_REQUIRED) != 0;
        if (chance(g, required ? 300 : 8) != 0) {
            add_member(g, &is_first, column->key);
            add_value(g, column->kind);
        }
        if (chance(g, 60) == 0) {
            add_member(g, &is_first, "UNKNOWN");
            add_any(g, chance(g, 20) == 0 ? 34 : 3);
        }
        add_space(g);
    }
    add(g, "}");
}

static void add_document(struct generator *g)
{
    static const char *const EXTRAS[] = {
        "\"Err\":{}",
        "\"Err\":{\"type\":1,\"message\":\"no\"}",
        "\"Warn\":\"w\"",
        "\"Response\":\"Error\"",
        "\"Response\":\"Success\"",
        "\"Type\":99",
        "\"Message\":\"m\"",
        "\"RateLimit\":{\"a\":{\"b\":1}}",
        "\"Err\":null",
    };
    add_space(g);
    add(g, "{");
    add_space(g);
    if (chance(g, 10) == 0) {
        add(g, CHOOSE(g, EXTRAS));
        add(g, ",");
    }
    add(g, "\"Data\":");
    add_space(g);
    add(g, "[");
    for (size_t i = 0, count = chance(g, 12); i < count; i++) {
        add(g, i > 0 ? "," : "");
        add_space(g);
        add_record(g);
        add_space(g);
    }
    add(g, "]");
    if (chance(g, 2) == 0) {
        add(g, ",");
        add(g, CHOOSE(g, EXTRAS));
    }
    add_space(g);
    add(g, "}");
    add_space(g);
}

/* Damage that is likely to matter: structure, digits, escapes, lengths. */
static void damage(struct generator *g)
{
    static const char BYTES[] = "{}[]:,\"\\0123456789.-+eEtfnu \n\x00\x80\xC3\xFF";
    struct buf *out = g->out;
    for (size_t i = chance(g, 3) + 1; i > 0 && out->len > 1; i--) {
        size_t at = chance(g, out->len);
        char byte = BYTES[chance(g, sizeof BYTES - 1)];
        switch (chance(g, 5)) {
        case 0:
            out->data[at] = byte;
            break;
        case 1:
            memmove(out->data + at, out->data + at + 1, out->len - at - 1);
            out->len--;
            break;
        case 2:
            out->data[at] ^= (char)(1 << chance(g, 8));
            break;
        case 3:
            if (buf_add_char(out, ' ') == 0) {
                memmove(out->data + at + 1, out->data + at, out->len - at - 1);
                out->data[at] = byte;
            }
            break;
        default:
            if (chance(g, 4) == 0)
                out->len = at;
            break;
        }
    }
}

struct tally {
    unsigned accepted;
    unsigned refused;
    unsigned silent;
};

static bool agrees(struct page_run *run, const char *bytes, size_t len, struct tally *tally)
{
    const char *mismatch;
    int status = page_run_bytes(run, bytes, len);
    enum oracle_answer answer = oracle_ask(run, bytes, len, &mismatch);
    tally->accepted += answer == ORACLE_ACCEPTS;
    tally->refused += answer == ORACLE_REFUSES;
    tally->silent += answer == ORACLE_SILENT;
    if (answer == ORACLE_SILENT || (!mismatch && (status == CCD_OK) == (answer == ORACLE_ACCEPTS)))
        return true;
    fprintf(stderr, "differs (%s): %s\n%.*s\n",
            mismatch                   ? mismatch
            : answer == ORACLE_ACCEPTS ? "jansson accepts"
                                       : "jansson refuses",
            status == CCD_OK ? "accepted" : run->err.message, (int)len, bytes);
    return false;
}

TEST(decoder_and_jansson_agree_on_generated_documents)
{
    struct buf out;
    struct page_run run;
    struct tally tally = {0};
    struct generator g = {.rng = {2026}, .out = &out};
    unsigned wrong = 0;
    buf_init(&out, 1 << 20, NULL);
    page_run_init(&run, &small_type, ROWS_MAX);
    for (int i = 0; i < DOCUMENTS && wrong < 5; i++) {
        buf_clear(&out);
        g.is_minified = i % 2 == 0;
        add_document(&g);
        wrong += !agrees(&run, out.data, out.len, &tally);
        for (int j = 0; j < DAMAGED_PER_DOCUMENT && wrong < 5; j++) {
            damage(&g);
            wrong += !agrees(&run, out.data, out.len, &tally);
        }
    }
    CHECK_INT(0, wrong);
    /* The generator is worth its name: each answer is well represented. */
    CHECK(tally.accepted > DOCUMENTS / 2);
    CHECK(tally.refused > DOCUMENTS);
    CHECK(tally.silent < DOCUMENTS);
    buf_release(&out);
    page_run_release(&run);
}

static const struct {
    const char *file;
    const char *type;
} SAMPLES[] = {
    {"spot_ohlcv.days.kraken_BTC-USD.json", "spot_ohlcv"},
    {"futures_ohlcv.minutes.binance_UNI-USD_1000.json", "futures_ohlcv"},
    {"futures_ohlcv.minutes.no_trade_row.json", "futures_ohlcv"},
    {"futures_ohlcv.hours.binance_BTC-USDT.json", "futures_ohlcv"},
    {"futures_funding_rate.days.hyperliquid_BTC.json", "futures_funding_rate"},
    {"futures_funding_rate.minutes.ETH-USDT_2022_stub.json", "futures_funding_rate"},
    {"futures_open_interest.days.binance_BTC-USDT.json", "futures_open_interest"},
    {"futures_open_interest.hours.binance_ETH-USD_2022_ohlc_message.json", "futures_open_interest"},
    {"indices_ohlcv.days.cadli_BTC-USD.json", "indices_ohlcv"},
    {"indices_ohlcv.days.cadli_BTC-EUR_converted.json", "indices_ohlcv"},
    {"error.data_api.401_key_required.json", "spot_ohlcv"},
    {"error.data_api.404_market_not_found.json", "spot_ohlcv"},
    {"error.min_api.invalid_value_type2.json", "spot_ohlcv"},
    {"error.min_api.key_required_type1.json", "spot_ohlcv"},
    {"error.min_api.missing_param_type2.json", "spot_ohlcv"},
    {"error.min_api.rate_limit_type99.json", "spot_ohlcv"},
    {"synthetic/js_exponents.json", "spot_ohlcv"},
    {"synthetic/empty_data_list.json", "spot_ohlcv"},
    {"synthetic/data_object_on_error.json", "spot_ohlcv"},
    {"synthetic/no_entries_before.404.json", "spot_ohlcv"},
    {"synthetic/non_ascii_escape.json", "spot_ohlcv"},
    {"spot_latest_tick.coinbase.json", "spot_ohlcv"},
    {"asset_metadata.v2_BTC.json", "spot_ohlcv"},
};

/* White space outside of texts dropped: what the vendor sends. */
static size_t minify(char *bytes, size_t len)
{
    bool in_text = false;
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        if (in_text && bytes[i] == '\\')
            bytes[out++] = bytes[i++];
        else
            in_text ^= bytes[i] == '"';
        if (in_text || !strchr(" \t\r\n", bytes[i]))
            bytes[out++] = bytes[i];
    }
    return out;
}

TEST(decoder_and_jansson_agree_on_the_recorded_replies)
{
    for (size_t i = 0; i < sizeof SAMPLES / sizeof SAMPLES[0]; i++) {
        char path[4096];
        char *bytes;
        size_t len;
        struct page_run run;
        struct tally tally = {0};
        if (!samples_path(path, sizeof path, SAMPLES[i].file))
            SKIP("no recorded replies: CCDATA_SHARED");
        CHECK(read_file(path, &bytes, &len));
        page_run_init(&run, data_type_find(str_from(SAMPLES[i].type)), 1001);
        bool good = CHECK(agrees(&run, bytes, len, &tally));
        good &= CHECK_INT(CCD_OK, run.status);
        good &= CHECK_INT(0, run.batch.unknown_keys);
        len = minify(bytes, len);
        for (int again = 0; again < 2; again++) { /* the second time with the order learned */
            good &= CHECK(agrees(&run, bytes, len, &tally));
            good &= CHECK_INT(CCD_OK, run.status);
        }
        if (!good)
            fprintf(stderr, "  %s: %s\n", SAMPLES[i].file, run.batch.first_unknown_key);
        page_run_release(&run);
        free(bytes);
    }
}
